// What is wrong with a line of a list, as values: lists come from many hands, and a bad line must neither stop a
// list nor vanish. Every rejection is counted; the first ones are kept with their place. Texts quote bytes of
// foreign origin, so the quotation is short and its control characters are escaped.

/** Diagnostics that a list keeps: one screen of an editor or of a dashboard, whatever the list's size. */
export const DIAGNOSTICS_MAX = 100;
/** Characters of the source that a text quotes: a name is recognized by fewer. */
const EXCERPT_LENGTH_MAX = 60;

const MESSAGES = {
  'bad-character': 'a character that no host name has',
  'bad-date': 'a date is written YYYY-MM-DD',
  'bad-prefix': 'not an address prefix, or bits below its length are set',
  'bad-value': 'not one of the allowed values',
  'empty-label': 'two dots in a row, or a dot at the start',
  'extra-text': 'a line holds one name and nothing else',
  guarded: 'a name that no list may refuse (never-block.txt)',
  'hosts-address': 'a hosts line starts with an address',
  'ip-address': 'an address where a name belongs',
  'label-too-long': 'a label has at most 63 bytes',
  'line-too-long': 'a line has at most 65536 bytes',
  markup: 'markup: a web page instead of a list',
  'match-count': 'an entry has exactly one of suffix, exact, wildcard and prefix',
  'missing-key': 'a required key is missing',
  'name-too-long': 'a name has at most 255 bytes',
  'not-idna': 'not an internationalized domain name',
  nul: 'a NUL byte',
  port: 'a port after a name',
  'single-label': 'a name has at least two labels',
  syntax: 'not valid YAML',
  'too-large': 'a file in the cordon format has at most 8 MiB',
  'unknown-key': 'an unknown key',
  url: 'a URL or path where a name belongs',
  'wildcard-place': 'a wildcard is only possible as the first label (*.example.com) of the domains format',
} as const;

/** What a diagnostic is about. */
export type DiagnosticCode = keyof typeof MESSAGES;

/** One remark about one place of a list. */
export interface Diagnostic {
  /** From 1. */
  readonly line: number;
  /** From 1, in bytes for text formats and in characters for the cordon format. */
  readonly column: number;
  readonly code: DiagnosticCode;
  readonly text: string;
}

/** Collects diagnostics: counts all, keeps the first DIAGNOSTICS_MAX. */
export class DiagnosticLog {
  readonly kept: Diagnostic[] = [];
  #count = 0;

  /** All diagnostics, kept or not. */
  get count(): number {
    return this.#count;
  }

  /** Records a diagnostic; `subject` is the offending text, quoted in part. */
  add(code: DiagnosticCode, line: number, column: number, subject = ''): void {
    this.#count++;
    if (this.kept.length >= DIAGNOSTICS_MAX) return;
    const text = subject === '' ? MESSAGES[code] : `${quote(subject)}: ${MESSAGES[code]}`;
    this.kept.push({ line, column, code, text });
  }
}

const quote = (subject: string): string => {
  const excerpt = subject.length > EXCERPT_LENGTH_MAX ? `${subject.slice(0, EXCERPT_LENGTH_MAX)}…` : subject;
  const toEscape = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `"${excerpt.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"\\]/gu, toEscape)}"`;
};
