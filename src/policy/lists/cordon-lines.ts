// Entries of the cordon format as all of them are written, a line each, without a parser of YAML.
//
//   - { suffix: tiktok.com, service: TikTok, owner: ByteDance, evidence: "its own site, 2026", reviewed: 2026-11-24 }
//
// The parser makes objects of each scalar: it took a third of a first start, and megabytes. Whatever is written in another way, or is
// wrong, is not read here at all, but by the parser, with the whole file: so there is one judge of what is meant, and of faults.

/** An entry: its values by key, and where it begins, from 1. */
export interface EntryLine {
  readonly fields: ReadonlyMap<string, string>;
  readonly line: number;
  readonly column: number;
}

const NOTHING = /^ *(?:#.*)?$/;
const BEGIN = '  - { ';
const END = ' }';
/** Where its bracket stands. */
const COLUMN = BEGIN.indexOf('{') + 1;
/**
 * A key and its value: between quotes whatever needs no escape, else words that hold nothing that means something in YAML. A colon
 * stands within a word only.
 */
const FIELD =
  /([a-z]+): (?:"([ !#-[\]-~\u00a1-\u2027\u2030-\ud7ff]*)"|([A-Za-z0-9](?:[\w .;/()&'+@~%=\u00c0-\u1fff-]|:(?=[\w:/]))*))(?:, |$)/y;
/** What YAML may take for something else than a text: a number, in whatever form, or a word of its own. */
const NO_TEXT = /^(?:\d[\da-fox.+_-]*|null|true|false)$/i;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Reads the entries from an offset on, in the given line; undefined unless each is a line of the usual form. */
export const readEntryLines = (text: string, from: number, firstLine: number): EntryLine[] | undefined => {
  const entries: EntryLine[] = [];
  for (let at = from, line = firstLine; at < text.length; line++) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const whole = text.slice(at, end);
    at = end + 1;
    if (NOTHING.test(whole)) continue;
    if (!whole.startsWith(BEGIN) || !whole.endsWith(END)) return undefined;
    const fields = readFields(whole.slice(BEGIN.length, -END.length));
    if (fields === undefined) return undefined;
    entries.push({ fields, line, column: COLUMN });
  }
  return entries;
};

const readFields = (text: string): ReadonlyMap<string, string> | undefined => {
  const fields = new Map<string, string>();
  FIELD.lastIndex = 0;
  while (FIELD.lastIndex < text.length) {
    const [all = '', key = '', quoted, plain] = FIELD.exec(text) ?? [];
    // Behind the last comma nothing follows, and behind a space no comma: the parser may judge.
    if (all === '' || fields.has(key) || (all.endsWith(', ') && FIELD.lastIndex === text.length))
      return undefined;
    if (plain !== undefined && (plain.endsWith(' ') || (NO_TEXT.test(plain) && !DATE.test(plain))))
      return undefined;
    fields.set(key, quoted ?? plain ?? '');
  }
  return fields;
};
