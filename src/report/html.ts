// The report as one page: no script, nothing loaded from elsewhere, readable by screen readers, printable.
//
// The page says of itself that it may load nothing, so that a text in it that were mistaken for markup could do nothing
// either. Tables have captions and scopes, headings go down by one, and no meaning is in a color alone (WCAG 2.2; EN 301
// 549 and Section 508 refer to it).
import type { Fact, ReportDocument, Section, Sheet, Table, Timeline, Tone, Warning } from './document.ts';
import { TONE_FILL } from './scale.ts';
import { escapeText, toSvg } from './svg.ts';
import { cellText, numberText } from './words.ts';

/** Rows that people read; CSV and JSON have all. */
export const PAGE_ROWS_MAX = 1_000;

const NUMERIC: ReadonlySet<string> = new Set(['number', 'duration']);

/** The page. */
export const toHtml = (document: ReportDocument): string => {
  const { title, facts, summary, sections, warning } = document;
  const name = `${title}: ${facts.map(({ value }) => value).join(', ')}`;
  return [
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">\n`,
    `<title>${escapeText(name)}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n`,
    '<a class="skip" href="#content">Skip to the summary</a>\n',
    `<header>\n<p class="product">Cordon</p>\n<h1>${escapeText(title)}</h1>\n${factsToHtml(facts)}</header>\n`,
    warning === undefined ? '' : warningToHtml(warning),
    '<nav aria-label="Sections">\n<ol>\n',
    ...sections.map((one) => `<li><a href="#${one.id}">${escapeText(one.title)}</a></li>\n`),
    '</ol>\n</nav>\n<main id="content">\n',
    '<section aria-labelledby="summary">\n<h2 id="summary">Summary</h2>\n',
    factsToHtml(summary, 'summary'),
    '</section>\n',
    ...sections.map(sectionToHtml),
    '</main>\n<footer>\n<p>All times are UTC. ',
    'The same records give the same report, byte for byte. A signature of the file stands beside it, in a file of the ',
    'same name with <code>.sig</code> at its end: <code>cordon report verify FILE</code> checks it.</p>\n',
    '</footer>\n</body>\n</html>\n',
  ].join('');
};

const warningToHtml = ({ title, texts, tables }: Warning): string =>
  [
    `<section class="warning" aria-labelledby="warning">\n<h2 id="warning">${escapeText(title)}</h2>\n`,
    ...texts.map((text) => `<p>${escapeText(text)}</p>\n`),
    ...tables.map(tableToHtml),
    '</section>\n',
  ].join('');

const sectionToHtml = (section: Section): string =>
  [
    `<section aria-labelledby="${section.id}">\n<h2 id="${section.id}">${escapeText(section.title)}</h2>\n`,
    factsToHtml(section.facts),
    ...section.notes.map((note) => `<p class="note">${escapeText(note)}</p>\n`),
    ...section.figures.map((figure, at) => {
      const id = `${section.id}-figure-${at + 1}`;
      const legend = figure.kind === 'timeline' ? legendToHtml(figure) : '';
      return `<figure>\n<figcaption>${escapeText(figure.title)}</figcaption>\n${toSvg(figure, id)}\n${legend}</figure>\n`;
    }),
    ...section.tables.filter(({ isForMachines }) => isForMachines !== true).map(tableToHtml),
    ...section.sheets.map(sheetToHtml),
    '</section>\n',
  ].join('');

const sheetToHtml = ({ title, facts, tables }: Sheet): string =>
  `<div class="sheet">\n<h3>${escapeText(title)}</h3>\n${factsToHtml(facts)}${tables.map(tableToHtml).join('')}</div>\n`;

const factsToHtml = (facts: readonly Fact[], kind = ''): string =>
  facts.length === 0
    ? ''
    : `<dl${kind === '' ? '' : ` class="${kind}"`}>\n${facts.map(factToHtml).join('')}</dl>\n`;

const factToHtml = ({ label, value, isAlarming }: Fact): string => {
  const mark = isAlarming === true ? '<strong class="alarm">Attention:</strong> ' : '';
  return `<div><dt>${escapeText(label)}</dt><dd>${mark}${escapeText(value)}</dd></div>\n`;
};

const legendToHtml = ({ legend }: Timeline): string =>
  `<ul class="legend">\n${legend
    .map(({ tone, label }) => `<li><span class="swatch ${tone}"></span>${escapeText(label)}</li>\n`)
    .join('')}</ul>\n`;

const tableToHtml = (table: Table): string => {
  if (table.rows.length === 0)
    return `<p class="empty">${escapeText(table.caption)}: ${escapeText(table.empty)}</p>\n`;
  const shown = table.rows.slice(0, PAGE_ROWS_MAX);
  const head = table.columns.map(
    ({ label, kind }) =>
      `<th scope="col"${NUMERIC.has(kind) ? ' class="number"' : ''}>${escapeText(label)}</th>`,
  );
  const rows = shown.map((row) => {
    const cells = table.columns.map((column, at) => {
      const text = escapeText(cellText(row[at] ?? null, column.kind));
      if (at === 0) return `<th scope="row">${text}</th>`;
      return `<td class="${column.kind}">${text}</td>`;
    });
    return `<tr>${cells.join('')}</tr>\n`;
  });
  const more = table.rows.length - shown.length;
  return [
    // A wide table scrolls by itself, also by the keyboard.
    `<div class="scroll" role="region" tabindex="0" aria-label="${escapeText(table.caption)}">\n`,
    `<table>\n<caption>${escapeText(table.caption)}</caption>\n`,
    `<thead>\n<tr>${head.join('')}</tr>\n</thead>\n<tbody>\n${rows.join('')}</tbody>\n</table>\n</div>\n`,
    more === 0
      ? ''
      : `<p class="note">${numberText(more)} more rows are in the CSV (table ${table.name}) and JSON forms of this report.</p>\n`,
  ].join('');
};

const swatches = (Object.entries(TONE_FILL) as [Tone, string][])
  .map(([tone, fill]) => `.swatch.${tone}{background:${fill}}`)
  .join('\n');

const STYLE = `
:root{color-scheme:light;--ink:#1a1f29;--soft:#4a5260;--line:#c6cad1;--shade:#f3f5f8;--accent:#1d4a73;--alarm:#9b1c14}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:1.5rem;background:#fff;color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
.skip{position:absolute;left:-100rem}
.skip:focus{left:1rem;top:1rem;background:#fff;padding:.5rem;outline:3px solid var(--accent)}
header{border-bottom:3px solid var(--accent);padding-bottom:1rem}
.product{margin:0;color:var(--accent);font-weight:700;letter-spacing:.08em;text-transform:uppercase;font-size:.8rem}
h1{margin:.1rem 0 .6rem;font-size:2rem;line-height:1.2}
h2{margin:2.6rem 0 .8rem;font-size:1.4rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
h3{margin:1.8rem 0 .6rem;font-size:1.1rem}
a{color:var(--accent)}
nav ol{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:1rem 0;padding:0;list-style:none}
dl{margin:.6rem 0;display:grid;gap:.15rem}
dl>div{display:grid;grid-template-columns:minmax(9rem,15rem) 1fr;gap:1rem}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}
dl.summary{background:var(--shade);border:1px solid var(--line);border-radius:.4rem;padding:.9rem 1.1rem;gap:.45rem}
dl.summary dd{font-weight:600}
.alarm{color:var(--alarm)}
.note{margin:.5rem 0;padding:.4rem .8rem;border-left:4px solid var(--accent);background:var(--shade)}
.empty{color:var(--soft)}
.warning{margin:1.5rem 0;padding:.2rem 1.1rem 1rem;border:3px solid var(--alarm);border-radius:.4rem}
.warning h2{margin-top:.8rem;color:var(--alarm)}
figure{margin:1.2rem 0}
figcaption{font-weight:600;margin-bottom:.4rem}
svg{display:block;width:100%;height:auto;font:12px system-ui,"Liberation Sans",sans-serif;fill:var(--ink)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.4rem 0 0;padding:0;list-style:none;font-size:.875rem}
.swatch{display:inline-block;width:.9rem;height:.9rem;margin-right:.4rem;vertical-align:-.1rem;print-color-adjust:exact}
${swatches}
.scroll{overflow-x:auto;margin:1.2rem 0}
.scroll:focus-visible{outline:3px solid var(--accent)}
table{border-collapse:collapse;min-width:50%;font-size:.875rem}
caption{text-align:left;font-weight:600;font-size:1rem;padding-bottom:.4rem}
th,td{padding:.3rem .7rem .3rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
thead th{border-bottom:2px solid var(--soft);color:var(--soft);white-space:nowrap}
tbody th{font-weight:400}
td.time,td.day,td.duration,td.word,tbody th{white-space:nowrap}
td.number,th.number,td.duration{text-align:right;font-variant-numeric:tabular-nums;padding-right:1.5rem}
td.hash{font-family:ui-monospace,"Liberation Mono",monospace}
td.prose{min-width:12rem;overflow-wrap:anywhere}
.sheet{margin:1.5rem 0;padding:.2rem 1.1rem 1rem;border:1px solid var(--line);border-radius:.4rem}
footer{margin-top:3rem;border-top:1px solid var(--line);color:var(--soft);font-size:.875rem}
@media (max-width:40rem){dl>div{grid-template-columns:1fr;gap:0}}
@page{size:A4;margin:16mm 14mm}
@media print{
body{max-width:none;padding:0;font-size:10pt}
.skip,nav{display:none}
h2,h3,caption,figcaption{break-after:avoid}
figure,tr,dl>div{break-inside:avoid}
thead{display:table-header-group}
.scroll{overflow:visible}
svg rect,.note,dl.summary{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
