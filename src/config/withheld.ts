// What of a configuration file is withheld from people who may read it without being on the host, and put back when they
// send the text again.
//
// A configuration holds no secret by itself, but addresses can: a user, a query, the path of a webhook. What is put back has
// to be the whole value of the same key, with the same host, so that no secret goes to another server or into a text
// that pages show. Comments are withheld alike and put back line by line.
import { readYaml, type WrittenText, writtenTexts } from '../base/yaml/yaml.ts';
import { formatPath, type Path, type Problem } from './problem.ts';

/** What stands in place of what is withheld. */
const MASK = '***';
/** The scheme of an address; bounded, so that a long text costs no more than its length. */
const SCHEME = '[a-z][a-z0-9+.-]{0,20}:\\/\\/';
/** An address in a text or value: scheme, user and host, path; query and fragment go as far as there is no blank. */
const ADDRESS = new RegExp(
  `(${SCHEME})((?:(?!${SCHEME})[^\\s/?#])*)((?:(?!${SCHEME})[^\\s?#])*)(\\?[^\\s#]*)?(#\\S*)?`,
  'gi',
);
/** The same behind the key `webhook`, where no value of YAML could be read: comments, and a text with faults. */
const WEBHOOK = new RegExp(`(\\bwebhook["']?\\s*:\\s*["']?${SCHEME})([^\\s/?#]*)(\\S*)`, 'gi');
/** What ends a value of YAML, or an item of a list that people read. */
const ENDING = /["'\]},;]*$/;

/** A text with what is withheld of it replaced by `***`, also one with faults. */
export const withhold = (text: string): string => {
  const { texts, isWhole } = writtenTexts(text);
  if (isWhole) return withholdTexts(text, texts);
  // What a value is cannot be told: what looks like an address goes first, as far as there is no blank.
  const loose = withholdLoose(text);
  return withholdTexts(loose, writtenTexts(loose).texts);
};

const withholdTexts = (text: string, texts: readonly WrittenText[]): string => {
  let shown = '';
  let done = 0;
  for (const { path, value, start, end } of texts) {
    if (start < done) continue;
    // In braces a comma ends an address, and what stood behind it looks like a key.
    const isCutOff = path.length === 1 && path[0] === '' && done > 0 && text.slice(done, start) === ',';
    const shownValue = isCutOff ? MASK : withholdValue(keyOf(path), value);
    if (shownValue === value) continue;
    const source = text.slice(start, end);
    // A value that is written otherwise than it reads (escapes, folded lines) is shown in one form.
    const instead = source.includes(value)
      ? source.replace(value, () => shownValue)
      : JSON.stringify(shownValue) + (source.endsWith('\n') ? '\n' : '');
    shown += withholdLoose(text.slice(done, start)) + instead;
    done = end;
  }
  return shown + withholdLoose(text.slice(done));
};

/** What a value of a key is shown as. */
export const withholdValue = (key: string, value: string): string => {
  if (!/(?:^|\.)webhook$/.test(key)) return withholdAddresses(value);
  // All behind the host, however it is written: that is the secret.
  const [, lead = '', authority = '', rest = ''] =
    /^(\s*[a-z][a-z0-9+.-]{0,20}:\/\/)([^\s/?#]*)([\s\S]*)$/i.exec(value) ?? [];
  if (lead === '') return value === '' ? '' : MASK;
  return lead + withoutUser(authority) + (rest.length > 1 ? `/${MASK}` : rest);
};

/** Outside of values. */
const withholdLoose = (text: string): string =>
  withholdAddresses(
    text.replace(WEBHOOK, (_, lead: string, authority: string, rest: string) => {
      const ending = ENDING.exec(rest)?.[0] ?? '';
      const path = rest.length - ending.length > 1 ? `/${MASK}` : rest.slice(0, rest.length - ending.length);
      return lead + withoutUser(authority) + path + ending;
    }),
  );

const withholdAddresses = (text: string): string =>
  text.replace(
    ADDRESS,
    (_, scheme: string, authority: string, path: string, query: string | undefined, fragment = '') => {
      const ending = query === undefined || fragment !== '' ? '' : (ENDING.exec(query)?.[0] ?? '');
      const shownQuery = query === undefined ? '' : `?${MASK}${ending}`;
      return scheme + withoutUser(authority) + path + shownQuery + fragment;
    },
  );

/** Host and port; what stands before the last @ is the user. */
const withoutUser = (authority: string): string => {
  const at = authority.lastIndexOf('@');
  return at < 0 ? authority : `${MASK}${authority.slice(at)}`;
};

/** Puts back what was withheld of `current`; problems tell what stands for nothing that is there. */
export const putBack = (
  file: string,
  proposed: string,
  current: string,
): { readonly text: string; readonly problems: readonly Problem[] } => {
  const lines = inLines(proposed, current);
  if (!lines.includes(MASK)) return { text: lines, problems: [] };
  const known = secretsOf(current);
  const yaml = readYaml(lines);
  const starts = lineStarts(lines);
  const edits: { at: number; from: string; to: string }[] = [];
  const problems: Problem[] = [];
  for (const { path, value } of valuesOf(yaml.raw)) {
    if (!isWithheld(value)) continue;
    const position = yaml.positionOfValue(path) ?? { line: 1, column: 1 };
    const originals = known.get(entryOf(path, value));
    const [original] = originals ?? [];
    if (originals?.size === 1 && original !== undefined) {
      const from = (starts[position.line - 1] ?? 0) + position.column - 1;
      const at = lines.indexOf(value, from);
      edits.push({ at, from: value, to: asWritten(original, lines[at - 1]) });
    } else {
      const text = `"${MASK}" stands for no one address that the file has under this key`;
      const hint = 'write the address as it is';
      problems.push({
        ...{ file, ...position, path: formatPath(path), code: 'ERR_CONFIG_VALUE', text, hint },
      });
    }
  }
  let text = lines;
  for (const { at, from, to } of edits.sort((a, b) => b.at - a.at))
    if (at >= 0) text = text.slice(0, at) + to + text.slice(at + from.length);
  return { text, problems };
};

/** A value as it is written behind a quote, or without one. */
const asWritten = (value: string, quote: string | undefined): string => {
  if (quote === '"') return JSON.stringify(value).slice(1, -1);
  if (quote === "'") return value.replaceAll("'", "''");
  return /^[\w./:?=&@~+%-]+$/.test(value) && !value.endsWith(':') ? value : JSON.stringify(value);
};

/** Comments, and all other lines that are shown otherwise and came back as they were shown, outside of values. */
const inLines = (proposed: string, current: string): string => {
  const comments = new Map<string, string>();
  for (const line of current.split('\n')) if (isComment(line)) comments.set(withhold(line), line);
  return proposed
    .split('\n')
    .map((line) => (isComment(line) ? (comments.get(line) ?? line) : line))
    .join('\n');
};

const isComment = (line: string): boolean => /^\s*#/.test(line);

/** A value that is an address of which something is withheld. */
const isWithheld = (value: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\/\S*\*\*\*/i.test(value) && value.includes(MASK);

/** What was withheld, by key and by what is shown. */
const secretsOf = (text: string): Map<string, Set<string>> => {
  const found = new Map<string, Set<string>>();
  for (const { path, value } of valuesOf(readYaml(text).raw)) {
    const shown = withholdValue(keyOf(path), value);
    if (shown === value) continue;
    const entry = entryOf(path, shown);
    found.set(entry, (found.get(entry) ?? new Set()).add(value));
  }
  return found;
};

const keyOf = (path: Path): string => path.filter((part) => typeof part === 'string').join('.');
const entryOf = (path: Path, shown: string): string => `${keyOf(path)} ${shown}`;

function* valuesOf(value: unknown, path: Path = []): Generator<{ path: Path; value: string }> {
  if (typeof value === 'string') yield { path, value };
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* valuesOf(item, [...path, index]);
  else if (typeof value === 'object' && value !== null)
    for (const [key, member] of Object.entries(value)) yield* valuesOf(member, [...path, key]);
}

const lineStarts = (text: string): number[] => {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
};
