// The report as one page: no script, nothing loaded from elsewhere, readable by screen readers, printable.
//
// The page says of itself that it may load nothing but its own style, so that a text in it that were mistaken for markup could do
// nothing either. Tables have captions and scopes, headings go down by one, and no meaning is in a color alone (WCAG 2.2; EN 301
// 549 and Section 508 refer to it). Words are broken where they have dots, slashes or hyphens, and nowhere else.
import { createHash } from 'node:crypto';
import type {
  BarChart,
  Fact,
  Front,
  FrontFindings,
  FrontTable,
  Question,
  ReportDocument,
  Section,
  Sheet,
  Table,
  Timeline,
  Tone,
} from './document.ts';
import { topLines } from './front.ts';
import type { FrontText } from './page-one.ts';
import { STYLE } from './style.ts';
import { barToSvg, escapeText, toSvg } from './svg.ts';
import type { ReportTexts } from './texts/texts.ts';
import { cellText, numberText } from './words.ts';

/** Rows that people read; CSV and JSON have all. */
export const PAGE_ROWS_MAX = 1_000;

const AT_RIGHT: ReadonlySet<string> = new Set(['number', 'duration', 'figure']);
const ON_ONE_LINE: ReadonlySet<string> = new Set(['time', 'day', 'word', 'hash']);
/** Columns that fit beside each other on a telephone. */
const NARROW_COLUMNS_MAX = 4;
/** Bars beyond which a telephone has no room for their values. */
const FEW_BARS_MAX = 13;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** The page. */
export const toHtml = (document: ReportDocument): string => {
  const { texts, kicker, title, subtitle, sections, front } = document;
  const top = topLines(document);
  return [
    `<!doctype html>\n<html lang="${texts.language}">\n<head>\n<meta charset="utf-8">\n`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'">\n`,
    `<title>${escapeText(`${kicker}, ${subtitle}`)}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n`,
    `<a class="skip" href="#answer">${escapeText(texts.skip)}</a>\n`,
    `<nav aria-label="${escapeText(texts.contents)}">\n`,
    `<a href="#answer">1 ${escapeText(title)}</a>\n`,
    ...sections.map(({ id, title: name }, at) => `<a href="#${id}">${at + 2} ${escapeText(name)}</a>\n`),
    '</nav>\n<main>\n<article class="sheet front">\n',
    '<header class="top">\n<div>\n',
    `<p class="kicker l${top.kicker.lines}">${escapeText(kicker)}</p>\n<h1 class="l${top.title.lines}">${escapeText(title)}</h1>\n`,
    `<p class="subtitle l${top.subtitle.lines}">${escapeText(subtitle)}</p>\n</div>\n`,
    '<dl class="facts">\n',
    ...top.facts.map(
      ({ label, value }) =>
        `<div><dt>${escapeText(label)}</dt><dd class="l${value.lines}">${breakable(value.text)}</dd></div>\n`,
    ),
    '</dl>\n</header>\n',
    frontToHtml(front, texts),
    '</article>\n',
    ...sections.map((section, at) => sectionToHtml(section, at + 2, texts)),
    '</main>\n</body>\n</html>\n',
  ].join('');
};

/** A shape for each tone, so that none is told by its color alone. */
const MARKS: Readonly<Record<Tone, string>> = {
  good: '<circle class="mark good" cx="17" cy="17" r="16"/><path class="knock" d="M10 17.5l5 5 9-10"/>',
  bad: '<path class="mark bad" d="M11 2h12l9 9v12l-9 9H11l-9-9V11z"/><path class="knock" d="M12 12l10 10M22 12L12 22"/>',
  warning: '<path class="mark warning" d="M17 2l16 29H1z"/><path class="knock" d="M17 12v9M17 26v.2"/>',
  unknown: '<circle class="mark unknown" cx="17" cy="17" r="14"/>',
};

const markToSvg = (tone: Tone): string => `<svg viewBox="0 0 34 34" aria-hidden="true">${MARKS[tone]}</svg>`;

const frontToHtml = (front: Front, texts: ReportTexts): string =>
  [
    front.findings === undefined ? '' : findingsToHtml(front.findings),
    `<section class="answer ${front.tone}" aria-labelledby="answer">\n${markToSvg(front.tone)}\n<div>\n`,
    `<h2 id="answer" class="l${front.answer.lines}">${escapeText(front.answer.text)}</h2>\n`,
    ...front.texts.map(paragraphOf),
    '</div>\n</section>\n',
    figureToHtml(front.strip, 'strip', texts),
    front.needs === undefined
      ? ''
      : `<section class="question needs">\n<h3>${escapeText(front.needs.label)}</h3>\n<div>${paragraphOf(front.needs.text)}</div>\n</section>\n`,
    '<div class="questions">\n',
    ...front.questions.map((question) => questionToHtml(question, texts)),
    `</div>\n<p class="check">${escapeText(front.check.text)}</p>\n`,
  ].join('');

/** Paper has no room for more lines than it has; screens do. */
const paragraphOf = ({ text, lines }: FrontText): string => `<p class="l${lines}">${breakable(text)}</p>\n`;

const findingsToHtml = ({ title, texts: told, more }: FrontFindings): string =>
  [
    `<section class="answer findings" aria-labelledby="findings">\n${markToSvg('bad')}\n<div>\n`,
    `<h2 id="findings">${escapeText(title)}</h2>\n`,
    ...told.map(paragraphOf),
    more === undefined ? '' : `<p class="l1">${escapeText(more)}</p>\n`,
    '</div>\n</section>\n',
  ].join('');

const questionToHtml = (question: Question, texts: ReportTexts): string => {
  const { id, number, label, texts: told, items, table, more } = question;
  return [
    `<section class="question" aria-labelledby="q-${id}">\n`,
    `<h3 id="q-${id}"><span>${number}</span> ${escapeText(label)}</h3>\n<div>`,
    ...told.map(paragraphOf),
    items.length === 0
      ? ''
      : `<ul>\n${items.map(({ text, lines }) => `<li><div class="l${lines}">${breakable(text)}</div></li>\n`).join('')}</ul>\n`,
    '</div>\n',
    table === undefined ? '' : frontTableToHtml(table, texts),
    more === undefined
      ? ''
      : `<p class="more l1${table === undefined ? ' beside' : ''}">${escapeText(more)}</p>\n`,
    '</section>\n',
  ].join('');
};

const frontTableToHtml = ({ name, columns, rows }: FrontTable, texts: ReportTexts): string => {
  const heads = columns.map((column) => texts.columns[column.name] ?? column.name);
  const head = columns.map(
    ({ isAtRight }, at) =>
      `<th scope="col"${isAtRight === true ? ' class="n"' : ''}><div class="l2">${escapeText(heads[at] ?? '')}</div></th>`,
  );
  const body = rows.map(({ cells, lines }) => {
    const row = cells.map((text, at) => {
      const inner = `<div class="l${lines}">${breakable(text)}</div>`;
      const kind = columns[at]?.isAtRight === true ? ' class="n"' : '';
      if (at === 0) return `<th scope="row"${kind}>${inner}</th>`;
      return `<td${kind} data-head="${escapeText(heads[at] ?? '')}">${inner}</td>`;
    });
    return `<tr>${row.join('')}</tr>\n`;
  });
  return [
    `<table class="cards fixed">\n<caption class="vh">${escapeText(texts.captions[name] ?? name)}</caption>\n<colgroup>`,
    ...columns.map(({ part }) => `<col class="w${Math.round(part * 200)}">`),
    `</colgroup>\n<thead>\n<tr>${head.join('')}</tr>\n</thead>\n<tbody>\n${body.join('')}</tbody>\n</table>\n`,
  ].join('');
};

const sectionToHtml = (section: Section, number: number, texts: ReportTexts): string => {
  const {
    id,
    title,
    lead,
    facts = [],
    notes = [],
    figures = [],
    tables,
    sheets = [],
    paragraphs = [],
  } = section;
  return [
    `<article class="sheet" aria-labelledby="${id}">\n<header class="section">\n`,
    `<h2 id="${id}"><span>${number}</span>${escapeText(title)}</h2>\n`,
    lead === undefined ? '' : `<p class="lead">${escapeText(lead)}</p>\n`,
    '</header>\n',
    facts.length === 0 ? '' : factsToHtml(facts, ' wide', texts),
    ...notes.map((note) => `<p class="note">${escapeText(note)}</p>\n`),
    ...paragraphs.map((text) => `<p>${escapeText(text)}</p>\n`),
    ...figures.map((figure, at) => figureToHtml(figure, `${id}-figure-${at + 1}`, texts)),
    ...tables.filter(({ isForMachines }) => isForMachines !== true).map((table) => tableToHtml(table, texts)),
    ...sheets.map((sheet) => sheetToHtml(sheet, texts)),
    '</article>\n',
  ].join('');
};

const figureToHtml = (figure: BarChart | Timeline, id: string, texts: ReportTexts): string => {
  const title = id === 'strip' ? '' : `<h3>${escapeText(figure.title)}</h3>\n`;
  const keys =
    figure.kind === 'bars'
      ? figure.series.map(
          ({ name, total }, at) =>
            `<span>${keyToSvg(`c-${at + 1}`)}${escapeText(name)} <strong>${numberText(total, texts)}</strong></span>`,
        )
      : figure.legend.map(({ tone, label }) => `<span>${keyToSvg(`t-${tone}`)}${escapeText(label)}</span>`);
  const remark = figure.kind === 'timeline' && figure.remark !== undefined ? [figure.remark] : [];
  const isMany = figure.kind === 'bars' && figure.bars.length > FEW_BARS_MAX;
  return [
    `<figure${isMany ? ' class="many"' : ''}>\n${title}${toSvg(figure, id, texts)}\n<figcaption>`,
    ...keys,
    ...remark.map((text) => `<span>${escapeText(text)}</span>`),
    '</figcaption>\n</figure>\n',
  ].join('');
};

const keyToSvg = (className: string): string =>
  `<svg class="key" aria-hidden="true"><rect class="${className}" width="11" height="11" rx="2"/></svg>`;

const sheetToHtml = ({ title, facts, tables }: Sheet, texts: ReportTexts): string =>
  `<section class="paper">\n<h3>${escapeText(title)}</h3>\n${factsToHtml(facts, ' wide', texts)}${tables
    .map((table) => tableToHtml(table, texts))
    .join('')}</section>\n`;

const factsToHtml = (facts: readonly Fact[], kind: string, texts: ReportTexts): string =>
  `<dl class="facts${kind}">\n${facts.map((fact) => factToHtml(fact, texts)).join('')}</dl>\n`;

const factToHtml = ({ label, value, isAlarming }: Fact, texts: ReportTexts): string => {
  const mark = isAlarming === true ? `<strong class="alarm">${escapeText(texts.attention)}:</strong> ` : '';
  return `<div><dt>${escapeText(label)}</dt><dd>${mark}${breakable(value)}</dd></div>\n`;
};

const tableToHtml = (table: Table, texts: ReportTexts): string => {
  const caption = texts.captions[table.name] ?? table.name;
  if (table.rows.length === 0)
    return `<section>\n<h3>${escapeText(caption)}</h3>\n<p class="empty">${escapeText(texts.empty[table.name] ?? '')}</p>\n</section>\n`;
  const shown = table.rows.slice(0, PAGE_ROWS_MAX);
  const { columns, bars } = table;
  const isWide = columns.length + (bars === undefined ? 0 : 1) > NARROW_COLUMNS_MAX;
  const heads = columns.map(({ name }) => texts.columns[name] ?? name);
  const head = columns.map(({ kind }, at) => {
    const cell = `<th scope="col"${classOf(kind)}>${escapeText(heads[at] ?? '')}</th>`;
    return at === 0 && bars !== undefined ? `${cell}<td class="bar head"></td>` : cell;
  });
  const rows = shown.map((row, index) => {
    const cells = columns.map(({ kind }, at) => {
      const text = breakable(cellText(row[at] ?? null, kind, texts));
      if (at > 0)
        return `<td${classOf(kind)}${isWide ? ` data-head="${escapeText(heads[at] ?? '')}"` : ''}>${text}</td>`;
      const bar = bars?.[index];
      return `<th scope="row"${classOf(kind)}>${text}</th>${bar === undefined ? '' : `<td class="bar">${barToSvg(bar)}</td>`}`;
    });
    return `<tr>${cells.join('')}</tr>\n`;
  });
  const more = table.rows.length - shown.length;
  return [
    `<div>\n<table${isWide ? ' class="cards"' : ''}>\n<caption>${escapeText(caption)}</caption>\n`,
    `<thead>\n<tr>${head.join('')}</tr>\n</thead>\n<tbody>\n${rows.join('')}</tbody>\n</table>\n`,
    bars?.some(({ before }) => before !== null) === true
      ? `<p class="empty">${escapeText(texts.chart.stroke)}</p>\n`
      : '',
    more === 0
      ? ''
      : `<p class="empty">${escapeText(texts.moreRows(numberText(more, texts), table.name))}</p>\n`,
    '</div>\n',
  ].join('');
};

const classOf = (kind: string): string => {
  if (AT_RIGHT.has(kind)) return ' class="n"';
  return ON_ONE_LINE.has(kind) ? ' class="w"' : '';
};

/** Shorter words are never broken. */
const LONG_WORD = /\S{17,}/g;
/** A word without any place to break it, such as a hash. */
const PIECE = 16;

/** A text in which long words may be broken: behind dots, slashes and the like; where they have none, each PIECE. */
const breakable = (text: string): string => {
  let at = 0;
  let written = '';
  for (const { 0: word, index } of text.matchAll(LONG_WORD)) {
    written += escapeText(text.slice(at, index));
    written += word
      .split(/(?<=[./:@_,;=]|\D-)/)
      .map(piecesOf)
      .join('<wbr>');
    at = index + word.length;
  }
  return written + escapeText(text.slice(at));
};

const piecesOf = (part: string): string => {
  if (part.length <= 2 * PIECE) return escapeText(part);
  const pieces: string[] = [];
  for (let at = 0; at < part.length; at += PIECE) pieces.push(escapeText(part.slice(at, at + PIECE)));
  return pieces.join('<wbr>');
};
