// The notice as one file: no script, no cookie, nothing loaded, and nothing of the request in it but what was recorded.
//
// The name stands on the page as the records have it, never as the request wrote it, and escaped all the same. The policy of
// the page allows one style sheet, by its hash, and nothing else.
import { createHash } from 'node:crypto';
import { DAY_MS } from '../../base/base.ts';
import { LANGUAGES, type Language } from '../../base/words/words.ts';
import { CHECK_TEXTS } from './check-texts.ts';
import type { CheckFound } from './device-checks.ts';
import { NOTICE_TEXTS, type NoticeTexts, type RecordedIdentity } from './texts.ts';

/** What a group's notice says. */
export interface NoticeSetting {
  readonly agency: string | undefined;
  /** At least one; the first is for browsers that ask for none of them. */
  readonly languages: readonly Language[];
  /** `mailto:` and `tel:` URIs. */
  readonly contact: readonly string[];
  /** `http:` or `https:`. */
  readonly exemptions: string | undefined;
  /** A paragraph of the operator's own. */
  readonly text: Readonly<Partial<Record<Language, string | undefined>>>;
  /** Undefined: nothing is recorded. */
  readonly recorded: { readonly identity: RecordedIdentity; readonly keptMs: number } | undefined;
}

/** What one client is told. */
export interface NoticeFacts {
  /** Without the final dot; undefined: no refusal of the name that was asked for is known. */
  readonly name: string | undefined;
  /** Whom the refusal goes back to, such as `Office of Management and Budget, M-23-13`. */
  readonly decision: string | undefined;
  /** Whether an exemption may be asked for. */
  readonly isMandate: boolean;
  readonly group: string;
  readonly reference: string | undefined;
  readonly nowMs: number;
}

/** Longer times are told in months. */
const DAYS_MAX = 60;
/** Of a month, on average. */
const MONTH_DAYS = 30.44;

const STYLE = `
:root{color-scheme:light dark;--bg:#f5f6f8;--surface:#fff;--line:#dde2e8;--text:#17202c;--soft:#475364;--accent:#1d4f9e;--sunken:#eef1f4}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--surface:#151b23;--line:#29323e;--text:#e7ebf1;--soft:#b0bac7;--accent:#8ab6ff;--sunken:#0f151c}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:1.0625rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans","DejaVu Sans",Arial,sans-serif}
main{max-width:41rem;margin:0 auto;padding:clamp(1.25rem,6vw,4rem) 1.25rem 3rem}
h1,h2,p,dl,dd{margin:0}
.agency{font-size:.9375rem;font-weight:600;color:var(--soft);margin-bottom:.75rem}
.card{background:var(--surface);border:1px solid var(--line);border-top:4px solid var(--accent);border-radius:4px 4px 10px 10px;padding:clamp(1.25rem,5vw,2.25rem);display:grid;gap:1rem}
h1{font-size:1.625rem;line-height:1.2;letter-spacing:-.015em;text-wrap:balance}
h2{font-size:1.0625rem}
a{color:var(--accent);text-underline-offset:.15em}
dl{display:grid;grid-template-columns:auto minmax(0,1fr);gap:.25rem 1.25rem;background:var(--sunken);border-radius:8px;padding:.875rem 1rem;font-size:.9375rem}
dt{color:var(--soft)}
dd{overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.card.holds,.card.exempt{border-top-color:light-dark(#16794a,#3fb37a)}
.card.elsewhere,.card.not-in-force{border-top-color:light-dark(#b3261e,#f2685f)}
.reference{font:600 1.0625rem/1.4 ui-monospace,"Cascadia Mono","Liberation Mono","DejaVu Sans Mono",Menlo,Consolas,monospace;letter-spacing:.04em}
.small{font-size:.9375rem;color:var(--soft)}
nav{margin-top:1.25rem;display:grid;gap:.5rem}
details{background:var(--surface);border:1px solid var(--line);border-radius:8px}
summary{padding:.625rem 1rem;min-height:44px;cursor:pointer;font-weight:600;color:var(--accent)}
details>div{padding:0 1rem 1rem;display:grid;gap:.625rem}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media (max-width:26rem){dl{grid-template-columns:minmax(0,1fr)}dd+dt{margin-top:.375rem}}
@media print{body{background:none}nav{display:none}}
`;

/** The Content-Security-Policy of the page, as a header. */
export const NOTICE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The page in the language that suits the request, with the others folded below it. */
export const toNoticePage = (setting: NoticeSetting, facts: NoticeFacts, language: Language): string => {
  const texts = NOTICE_TEXTS[language];
  const others = setting.languages.filter((one) => one !== language);
  const title = facts.name === undefined ? texts.title : `${texts.title}: ${facts.name}`;
  return framed(setting.agency, language, title, [
    `<article class="card">\n<h1>${escaped(texts.title)}</h1>\n`,
    ...paragraphs(setting, facts, language),
    toFacts(setting, facts, texts),
    `<p class="small">${escaped(recordedText(setting, texts))}</p>\n</article>\n`,
    others.length === 0 ? '' : `<nav aria-label="${escaped(texts.others)}">\n`,
    ...others.map((one) => toOther(setting, facts, one)),
    others.length === 0 ? '' : '</nav>\n',
  ]);
};

/** A page of the notice around what it says. */
const framed = (
  agency: string | undefined,
  language: Language,
  title: string,
  parts: readonly string[],
): string =>
  [
    `<!doctype html>\n<html lang="${language}">\n<head>\n<meta charset="utf-8">\n`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    '<meta name="robots" content="noindex">\n<meta name="referrer" content="no-referrer">\n',
    `<title>${escaped(title)}</title>\n`,
    `<style>${STYLE}</style>\n</head>\n<body>\n<main>\n`,
    agency === undefined ? '' : `<p class="agency">${escaped(agency)}</p>\n`,
    ...parts,
    '</main>\n</body>\n</html>\n',
  ].join('');

/** The page that begins a check: `image` is what the browser has to find, `result` where it then goes. */
export const toCheckPage = (
  { agency }: NoticeSetting,
  { image, result }: { readonly image: string; readonly result: string },
  language: Language,
): string => {
  const texts = CHECK_TEXTS[language];
  return framed(agency, language, texts.title, [
    `<article class="card">\n<h1>${escaped(texts.title)}</h1>\n<p>${escaped(texts.waiting)}</p>\n`,
    `<img src="${escaped(image)}" alt="" width="1" height="1">\n`,
    `<p><a href="${escaped(result)}">${escaped(texts.see)}</a></p>\n</article>\n`,
  ]);
};

/** What came of a check, in plain words, with a code for the help desk. */
export const toCheckedPage = (
  setting: NoticeSetting,
  found: CheckFound,
  again: string,
  language: Language,
): string => {
  const texts = CHECK_TEXTS[language];
  const notice = NOTICE_TEXTS[language];
  const [heading, text] = texts.verdicts[found.verdict];
  const rows: Row[] = [];
  if (found.reference !== undefined) rows.push([texts.code, escaped(found.reference), 'reference']);
  if (found.transport !== undefined)
    rows.push([texts.over, escaped(texts.transports[found.transport] ?? found.transport)]);
  rows.push([notice.network, escaped(found.group)], [notice.time, timeText(notice, found.timeMs)]);
  if (setting.contact.length > 0) rows.push([notice.desk, setting.contact.map(toContact).join(', ')]);
  return framed(setting.agency, language, heading, [
    `<article class="card ${found.verdict}">\n<h1>${escaped(heading)}</h1>\n<p>${escaped(text)}</p>\n`,
    found.isBetween ? `<p>${escaped(texts.between)}</p>\n` : '',
    toRows(rows),
    found.reference === undefined ? '' : `<p class="small">${escaped(texts.codeHint)}</p>\n`,
    `<p><a href="${escaped(again)}">${escaped(texts.again)}</a></p>\n</article>\n`,
  ]);
};

/** One line, for programs that do not show pages. */
export const toNoticeLine = ({ reference }: NoticeFacts): string =>
  `Refused by the policy of this network.${reference === undefined ? '' : ` Reference: ${reference}.`}\n`;

/** The language of a header Accept-Language (RFC 9110 section 12.5.4) among those of the page, else the first of these. */
export const chooseLanguage = (header: string | undefined, languages: readonly Language[]): Language => {
  const wanted = (header ?? '')
    .split(',', RANGES_MAX)
    .map((range, at) => {
      const [tag = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((one) => one.startsWith('q='))?.slice(2) ?? '1';
      return { language: tag.split('-', 1)[0], quality: Number(weight), at };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality || a.at - b.at);
  for (const { language } of wanted) {
    const found = languages.find((one) => one === language);
    if (found !== undefined) return found;
  }
  return languages[0] ?? LANGUAGES[0];
};

/** Browsers send as many as their user speaks languages. */
const RANGES_MAX = 16;

const toOther = (setting: NoticeSetting, facts: NoticeFacts, language: Language): string => {
  const texts = NOTICE_TEXTS[language];
  return [
    `<details lang="${language}">\n<summary>${escaped(texts.language)}</summary>\n<div>\n`,
    `<h2>${escaped(texts.title)}</h2>\n`,
    ...paragraphs(setting, facts, language),
    `<p class="small">${escaped(recordedText(setting, texts))}</p>\n</div>\n</details>\n`,
  ].join('');
};

const paragraphs = (setting: NoticeSetting, facts: NoticeFacts, language: Language): string[] => {
  const texts = NOTICE_TEXTS[language];
  const own = setting.text[language];
  const what =
    facts.name === undefined
      ? escaped(texts.refusedUnnamed)
      : `${escaped(texts.refused[0])}<b translate="no">${breakable(facts.name)}</b>${escaped(texts.refused[1])}`;
  return [
    `<p>${what} ${escaped(texts.noFault)}</p>\n`,
    own === undefined ? '' : `<p>${escaped(own)}</p>\n`,
    `<h2>${escaped(texts.whatToDo)}</h2>\n`,
    `<p>${facts.isMandate ? `${exemptionText(setting, texts)} ` : ''}${escaped(texts.mistake)}</p>\n`,
  ];
};

const exemptionText = ({ exemptions }: NoticeSetting, texts: NoticeTexts): string => {
  if (exemptions === undefined) return escaped(texts.exemptionUnlinked);
  const [before, link, after] = texts.exemption;
  return `${escaped(before)}<a href="${escaped(exemptions)}">${escaped(link)}</a>${escaped(after)}`;
};

const toFacts = (setting: NoticeSetting, facts: NoticeFacts, texts: NoticeTexts): string => {
  const rows: Row[] = [];
  if (setting.contact.length > 0) rows.push([texts.desk, setting.contact.map(toContact).join(', ')]);
  if (facts.reference !== undefined) rows.push([texts.reference, escaped(facts.reference), 'reference']);
  if (facts.decision !== undefined) rows.push([texts.decision, escaped(facts.decision)]);
  rows.push([texts.network, escaped(facts.group)], [texts.time, timeText(texts, facts.nowMs)]);
  return toRows(rows);
};

/** HTML, but for the label. */
type Row = readonly [label: string, value: string, kind?: string];

const timeText = ({ locale }: NoticeTexts, ms: number): string => {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'medium', timeZone: 'UTC' });
  return `${escaped(format.format(ms))} UTC`;
};

const toRows = (rows: readonly Row[]): string => {
  const cells = rows.map(
    ([label, value, kind]) =>
      `<dt>${escaped(label)}</dt><dd${kind === undefined ? '' : ` class="${kind}"`}>${value}</dd>\n`,
  );
  return `<dl>\n${cells.join('')}</dl>\n`;
};

const toContact = (uri: string): string => {
  const shown = uri.replace(/^(?:mailto|tel):/, '');
  return `<a href="${escaped(uri)}">${breakable(shown)}</a>`;
};

const recordedText = ({ recorded }: NoticeSetting, texts: NoticeTexts): string => {
  if (recorded === undefined) return texts.notRecorded;
  const days = Math.max(1, Math.round(recorded.keptMs / DAY_MS));
  const kept = days > DAYS_MAX ? texts.months(Math.round(days / MONTH_DAYS)) : texts.days(days);
  return texts.recorded[recorded.identity](kept);
};

/** A text that may be broken into lines behind its dots and its at sign, and nowhere in a word. */
const breakable = (text: string): string => escaped(text).replace(/[.@]/g, '$&<wbr>');

const escaped = (text: string): string =>
  text.replace(DECEIVING, '\ufffd').replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Controls, and marks that turn the direction of a text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const DECEIVING = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
