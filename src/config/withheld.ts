// What of a configuration file is withheld from people who may read it without being on the host, and put back when they
// send the text again.
//
// A configuration holds no secret by itself, but addresses can: a user, a query, the path of a webhook. What is put back has
// to be the whole value of the same key, with the same host, so that no secret goes to another server or into a text
// that pages show. Comments are withheld alike and put back line by line.
import { readYaml } from '../yaml/yaml.ts';
import { formatPath, type Path, type Problem } from './problem.ts';

/** What stands in place of what is withheld. */
const MASK = '***';
/** An address in a text: scheme, user, host with port, path, query, fragment; the key before it where that is `webhook`. */
const ADDRESS =
  /(\bwebhook["']?\s*:\s*["']?)?\b([a-z][a-z0-9+.-]{0,20}:\/\/)([^\s/@?#"',\]}]*@)?([^\s/?#"',\]}]*)([^\s?#"',\]}]*)(\?[^\s#"',\]}]*)?(#[^\s"',\]}]*)?/gi;

/** A text with what is withheld of it replaced by `***`. */
export const withhold = (text: string): string =>
  text.replace(
    ADDRESS,
    (
      _,
      webhook: string | undefined,
      scheme: string,
      user: string | undefined,
      host: string,
      path: string,
      query: string | undefined,
      fragment = '',
    ) => {
      const shownPath = webhook !== undefined && path.length > 1 ? `/${MASK}` : path;
      const shownUser = user === undefined ? '' : `${MASK}@`;
      return `${webhook ?? ''}${scheme}${shownUser}${host}${shownPath}${query === undefined ? '' : `?${MASK}`}${fragment}`;
    },
  );

/** What a value of a key is shown as. */
export const withholdValue = (key: string, value: string): string => {
  const lead = /(?:^|\.)webhook$/.test(key) ? 'webhook: ' : '';
  return withhold(lead + value).slice(lead.length);
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
      edits.push({ at: lines.indexOf(value, from), from: value, to: original });
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
