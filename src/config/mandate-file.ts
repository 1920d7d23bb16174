// Files of mandate packs: those that ship, by name, and those of an agency, by path. Each is read with the configuration that
// names it and belongs to it; all problems are told at once, with line, column and what was probably meant.

import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LISTS_DIRECTORY, readRegularFile, systemErrorCode } from '../base/base.ts';
import { toForm } from './form.ts';
import { reportIssue } from './issue.ts';
import { checkMandate, mandateSchema, type ReadMandate, type ReadMandates } from './mandate-pack.ts';
import { formatPath, type Path, type Problem } from './problem.ts';
import type { MandateSource } from './sections/mandates.ts';
import { readSource } from './source.ts';
import { Fault, quote, suggest } from './value.ts';

/** Ten times the longest that ships. */
const FILE_BYTES_MAX = 256 * 1024;
const EXTENSION = '.yaml';

/** Where the packs that ship lie. */
const MANDATES_DIRECTORY = join(LISTS_DIRECTORY, 'mandates');

/** Either a pack or at least one problem. */
export type MandateResult =
  | { readonly read: ReadMandate; readonly problems: readonly [] }
  | { readonly read: undefined; readonly problems: readonly Problem[] };

/** Identifiers of the packs that ship, sorted. */
export const shippedMandates = (): readonly string[] =>
  readdirSync(MANDATES_DIRECTORY)
    .filter((name) => name.endsWith(EXTENSION))
    .map((name) => name.slice(0, -EXTENSION.length))
    .sort();

/** The file of a pack that ships. */
export const shippedMandateFile = (id: string): string => join(MANDATES_DIRECTORY, `${id}${EXTENSION}`);

/** Reads the file of a pack. Never throws for what is written. */
export const readMandate = (file: string): MandateResult => {
  const unread = (text: string): MandateResult => ({
    read: undefined,
    problems: [{ file, line: 0, column: 0, path: '', code: 'ERR_CONFIG_READ', text }],
  });
  let bytes: Buffer;
  try {
    bytes = readRegularFile(file, FILE_BYTES_MAX);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    return unread(code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${code})`);
  }
  if (bytes.includes(0) || !isUtf8(bytes)) return unread('the file is not UTF-8 text');
  const source = readSource(file, bytes.toString('utf8'));
  const problems = [...source.problems];
  if (source.raw === undefined) return { read: undefined, problems };
  const report = (path: Path, { code, text, hint }: Fault): void => {
    const place =
      code === 'ERR_CONFIG_UNKNOWN_KEY' ? source.positionOfKey(path) : source.positionOfValue(path);
    const told = { file, ...place, path: formatPath(path), code, text };
    problems.push(hint === undefined ? told : { ...told, hint });
  };
  const parsed = mandateSchema.safeParse(source.raw, { reportInput: true });
  for (const issue of parsed.error?.issues ?? []) reportIssue(mandateSchema, issue, report);
  if (parsed.success) checkMandate(parsed.data, report);
  if (!parsed.success || problems.length > 0)
    return { read: undefined, problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) };
  const context = { directory: '', facts: { shippedDefault: [] }, prefixesOf: () => undefined };
  const mandate = toForm(mandateSchema, parsed.data, context);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { read: { mandate, sha256, file }, problems: [] };
};

/** Reads the packs that a configuration names; `mayReadFiles` is false where it may name no file. */
export const readMandates = (
  sources: Iterable<readonly [number, MandateSource | undefined]>,
  directory: string,
  mayReadFiles: boolean,
  report: {
    readonly problem: (problem: Problem) => void;
    readonly fault: (path: Path, fault: Fault) => void;
  },
): ReadMandates => {
  const found = new Map<number, ReadMandate>();
  const seen = new Map<string, number>();
  for (const [index, source] of sources) {
    if (source === undefined || ('path' in source && !mayReadFiles)) continue;
    const path: Path = ['mandates', index];
    if ('id' in source && !shippedMandates().includes(source.id)) {
      const known = shippedMandates();
      const hint =
        suggest(source.id, known) ?? `these ship: ${known.join(', ')}; a pack of your own is a path`;
      report.fault(path, new Fault('ERR_CONFIG_REFERENCE', `no mandate ${quote(source.id)} ships`, hint));
      continue;
    }
    const file = 'id' in source ? shippedMandateFile(source.id) : resolve(directory, source.path);
    const { read, problems } = readMandate(file);
    for (const problem of problems) report.problem(problem);
    if (read === undefined) continue;
    const { id } = read.mandate;
    const first = seen.get(id);
    if (first !== undefined)
      report.fault(
        path,
        new Fault('ERR_CONFIG_CONFLICT', `${quote(id)} is named already at mandates[${first}]`),
      );
    seen.set(id, index);
    found.set(index, read);
  }
  return found;
};
