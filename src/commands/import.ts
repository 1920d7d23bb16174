// cordon import: the configuration of another resolver as files of Cordon, and a report of what could not be taken.
//
// The files go to a directory that nothing of is overwritten in. What was written is then loaded as any configuration is,
// lists included, so that the report ends with what Cordon itself says of it.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AppError, errorText, systemErrorCode } from '../base/base.ts';
import { type Config, formatProblem } from '../config/config.ts';
import { loadConfiguration } from '../host/app/app.ts';
import {
  IMPORT_KINDS,
  type Imported,
  type ImportKind,
  importConfiguration,
  type NotTaken,
  type Taken,
} from '../policy/imports/imports.ts';
import { Guards, loadList, NEVER_BLOCK_FILE } from '../policy/lists/lists.ts';
import type { InputOf } from './declaration.ts';
import type { IMPORT } from './declarations/clients.ts';
import { UsageError } from './usage-error.ts';

const REPORT_FILE = 'import-report.txt';
/** Settings that the terminal shows; all of them stand in the report file. */
const SHOWN_MAX = 40;

/** What Cordon says of a list file that was written. */
interface ListFacts {
  readonly id: string;
  readonly entries: number;
  readonly rejected: number;
  readonly reasons: Readonly<Record<string, number>>;
}

/** The report of an import. */
interface ImportReport {
  readonly kind: ImportKind;
  readonly from: string;
  readonly out: string;
  readonly files: readonly string[];
  readonly taken: readonly Taken[];
  readonly held: readonly Taken[];
  readonly notTaken: readonly NotTaken[];
  readonly moreNotTaken: number;
  readonly lists: readonly ListFacts[];
  readonly problems: readonly string[];
}

/** Runs `cordon import ARGS`: 0, or 1 when the configuration that was written cannot be served. */
export const importResolver = ({ values, words }: InputOf<typeof IMPORT>): number => {
  const { kind, path } = words;
  if (!isKind(kind)) throw new UsageError(`"${kind}" is none of ${IMPORT_KINDS.join(', ')}`);
  const imported = importConfiguration(kind, path);
  write(values.out, imported.files);
  const report = judge(kind, path, values.out, imported);
  const text = formatReport(report, Number.POSITIVE_INFINITY);
  writeNew(join(values.out, REPORT_FILE), text);
  process.stdout.write(
    values.json ? `${JSON.stringify(report, undefined, 2)}\n` : formatReport(report, SHOWN_MAX),
  );
  return report.problems.length > 0 ? 1 : 0;
};

const isKind = (text: string): text is ImportKind => IMPORT_KINDS.some((kind) => kind === text);

const write = (out: string, files: ReadonlyMap<string, string>): void => {
  const there = [...files.keys(), REPORT_FILE].find((name) => existsSync(join(out, name)));
  if (there !== undefined)
    throw new AppError('ERR_IMPORT_WRITE', `writing ${join(out, there)}: it is there already`, {
      hint: 'name another directory with --out',
    });
  for (const [name, content] of files) writeNew(join(out, name), content);
};

const writeNew = (path: string, content: string): void => {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // The configuration of a network is nobody else's business.
    writeFileSync(path, content, { flag: 'wx', mode: 0o640 });
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    throw new AppError('ERR_IMPORT_WRITE', `writing ${path}: ${errorText(thrown)}`, { cause: thrown });
  }
};

const judge = (kind: ImportKind, from: string, out: string, { files, findings }: Imported): ImportReport => {
  const { config, problems } = loadConfiguration(join(out, 'cordon.yaml'));
  const { lists, faults } = config === undefined ? { lists: [], faults: [] } : readLists(config);
  return {
    kind,
    from,
    out: resolve(out),
    files: [...files.keys(), REPORT_FILE],
    taken: findings.taken,
    held: findings.held,
    notTaken: findings.notTaken,
    moreNotTaken: findings.more,
    lists,
    problems: [...problems.map((problem) => formatProblem(problem)), ...faults],
  };
};

/** What each list file comes to: its rejected lines are settings that were not taken as well. */
const readLists = (config: Config): { lists: ListFacts[]; faults: string[] } => {
  const guards = Guards.load(NEVER_BLOCK_FILE);
  const lists: ListFacts[] = [];
  const faults: string[] = [];
  for (const { id, source, allow } of config.lists) {
    if (source.kind !== 'file') continue;
    try {
      const { format, path, match, origin } = source;
      const sink = {
        addName: () => {},
        addPrefix: () => {},
        addClientPrefix: () => {},
        addPattern: () => {},
      };
      const { entries, rejected, reasons } = loadList({ kind: 'file', path, format }, sink, {
        guards: allow ? undefined : guards,
        match,
        origin,
      });
      lists.push({ id, entries, rejected, reasons });
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      faults.push(`list ${id}: ${errorText(thrown)} [${thrown.code}]`);
    }
  }
  return { lists, faults };
};

const formatReport = (report: ImportReport, shownMax: number): string => {
  const { kind, from, out, taken, held, notTaken, moreNotTaken, lists, problems } = report;
  const shown = notTaken.slice(0, shownMax);
  const left = notTaken.length + moreNotTaken - shown.length;
  return [
    `Imported ${from} (${kind}) to ${out}.`,
    '',
    'Taken:',
    ...taken.map(({ what, count, as }) => `  ${String(count).padStart(6)}  ${what}: ${as}`),
    ...(taken.length === 0 ? ['  nothing'] : []),
    ...lists.map(
      ({ id, entries, rejected, reasons }) =>
        `  ${String(entries).padStart(6)}  rules in the list "${id}"${rejected === 0 ? '' : `; ${rejected} rejected: ${formatReasons(reasons)}`}`,
    ),
    '',
    `Not taken (${notTaken.length + moreNotTaken}):`,
    ...shown.flatMap(({ where, what, why, todo }) => [
      `  ${where}: ${what}`,
      `      ${why}. To do: ${todo}.`,
    ]),
    ...(notTaken.length === 0 ? ['  nothing'] : []),
    ...(left > 0
      ? [
          `  and ${left} more${shownMax === Number.POSITIVE_INFINITY ? ', which are only counted' : `: see ${REPORT_FILE}`}`,
        ]
      : []),
    '',
    'Holds without being written:',
    ...held.map(({ what, count, as }) => `  ${what}${count === 1 ? '' : ` (${count})`}: ${as}`),
    ...(held.length === 0 ? ['  nothing'] : []),
    '',
    ...(problems.length === 0
      ? [`Next: cordon check --config ${join(out, 'cordon.yaml')}, then serve it beside the old resolver.`]
      : ['The configuration cannot be served yet:', ...problems.map((problem) => `  ${problem}`)]),
    '',
  ].join('\n');
};

const formatReasons = (reasons: Readonly<Record<string, number>>): string =>
  Object.entries(reasons)
    .map(([code, count]) => `${count} ${code}`)
    .join(', ');
