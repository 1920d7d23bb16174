// `cordon report`: what the records show about a period, as a file for people or for programs, with its signature.
//
// It reads the records itself, while the program runs and without it. The report goes to --out, with its signature
// beside it, or to standard output without one; what is said on the way goes to standard error.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, errorText } from '../base/base.ts';
import { toReportWitnesses, toStatement } from '../evidence/outbox/outbox.ts';
import { RECORDS_DIRECTORY } from '../evidence/records/records.ts';
import {
  createReport,
  REPORT_FORMATS,
  REPORT_LANGUAGES,
  REPORT_TABLES,
  type ReportFormat,
  type ReportStep,
  type ReportWitnesses,
  readPeriod,
  SIGNATURE_ENDING,
  signReport,
  verifyReport,
} from '../evidence/report/report.ts';
import { formatVerifier } from '../wire/transparency/transparency.ts';
import { authorName } from './author.ts';
import type { InputOf } from './declaration.ts';
import type { REPORT, REPORT_VERIFY } from './declarations/evidence.ts';
import { verifierOf } from './log-keys.ts';
import { print } from './output.ts';
import { findService } from './service.ts';
import { PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** A report may hold the papers of exemptions: not for everybody on the machine. */
const FILE_MODE = 0o640;
/** Before progress is shown, and between two of its lines, milliseconds. */
const PROGRESS_AFTER_MS = 1_000;
const PROGRESS_EVERY_MS = 200;

/** Writes a report; returns PROBLEM over records that are not whole. */
export const report = async ({ values }: InputOf<typeof REPORT>): Promise<number> => {
  const { from, to, group, table, out } = values;
  if (from === undefined || to === undefined) throw new UsageError('--from and --to are needed');
  const period = readPeriod(from, to);
  if (typeof period === 'string') throw new UsageError(period);
  const format = requireFormat(values.format);
  requireTable(format, table);
  if (format === 'pdf' && out === undefined && process.stdout.isTTY)
    throw new UsageError('a PDF is not for a terminal: name a file with --out');
  const { config } = await findService(values);
  const directory = join(config.stateDirectory, RECORDS_DIRECTORY);
  const language = requireLanguage(values.language ?? config.reports.language);
  const author = values.author ?? config.reports.author ?? authorName();
  const nowMs = clockMs();
  const made = toStatement(config, author, nowMs);
  const progress = createProgress();
  const groups = config.groups.map(({ name }) => name);
  const { bytes, findings, inProgressUntil } = await createReport({
    ...{ directory, ...period, group, groups, format, table, language, made, nowMs },
    witnesses: withWitnesses(toReportWitnesses(config), values.witness),
    kept: { headsFile: values.heads, checkpointFile: values.checkpoint },
    onStep: progress.show,
  }).finally(progress.end);
  if (out === undefined) process.stdout.write(bytes);
  else writeReport(out, bytes, values.unsigned ? undefined : signReport(bytes, directory));
  if (inProgressUntil !== null)
    process.stderr.write(`The period goes on until ${inProgressUntil}: this is what there is so far.\n`);
  if (findings.length === 0) return 0;
  process.stderr.write(
    `The records are not whole: ${findings.length} findings, which stand on top of the report. The first: ${findings[0]}\n`,
  );
  return PROBLEM;
};

/** Whoever is named has to have cosigned, whatever the configuration says. */
const withWitnesses = ({ keys, needed }: ReportWitnesses, named: readonly string[]): ReportWitnesses => {
  const verifiers = named.map(verifierOf);
  const more = verifiers.map(formatVerifier).filter((key) => !keys.includes(key));
  return {
    keys: [...keys, ...more],
    needed: (needed ?? keys.length) + more.length,
    required: verifiers.map(({ name }) => name),
  };
};

const writeReport = (
  path: string,
  bytes: Uint8Array,
  signature: { text: string; keyId: string } | undefined,
): void => {
  write(path, bytes);
  if (signature !== undefined) write(`${path}${SIGNATURE_ENDING}`, signature.text);
  const signed = signature === undefined ? 'not signed' : `signed by key ${signature.keyId}`;
  process.stderr.write(`${path}: ${bytes.length} bytes, ${signed}\n`);
};

const write = (path: string, content: Uint8Array | string): void => {
  try {
    writeFileSync(path, content, { mode: FILE_MODE });
  } catch (cause) {
    throw new AppError('ERR_CLI_OUTPUT', `writing ${path}: ${errorText(cause)}`, { cause });
  }
};

/** Checks the signature of a report. */
export const verify = async ({ values, words }: InputOf<typeof REPORT_VERIFY>): Promise<number> => {
  const path = words.file;
  const keys =
    values.key === undefined
      ? { directory: join((await findService(values)).stateDirectory, RECORDS_DIRECTORY) }
      : { keyPath: values.key };
  const keyId = verifyReport(path, keys);
  print(values.json, { path, keyId, unchanged: true }, () => `${path}: unchanged, signed by key ${keyId}\n`);
  return 0;
};

/** Of a time that SOURCE_DATE_EPOCH names, two reports of the same records are the same, byte for byte. */
const clockMs = (): number => {
  const epoch = Number(process.env['SOURCE_DATE_EPOCH']);
  return Number.isSafeInteger(epoch) && epoch > 0 ? epoch * 1_000 : Date.now();
};

const requireLanguage = (text: string): (typeof REPORT_LANGUAGES)[number] => {
  const language = REPORT_LANGUAGES.find((one) => one === text);
  if (language !== undefined) return language;
  throw new UsageError(`--language "${text}" is none of ${REPORT_LANGUAGES.join(', ')}`);
};

const requireFormat = (text: string): ReportFormat => {
  const format = REPORT_FORMATS.find((one) => one === text);
  if (format !== undefined) return format;
  throw new UsageError(`--format "${text}" is none of ${REPORT_FORMATS.join(', ')}`);
};

const requireTable = (format: ReportFormat, table: string | undefined): void => {
  if (table === undefined) return;
  if (format !== 'csv') throw new UsageError('--table goes with --format csv');
  if (!REPORT_TABLES.includes(table))
    throw new UsageError(`--table "${table}" is none of ${REPORT_TABLES.join(', ')}`);
};

/** One line that is written over, on a terminal, once it takes long enough to be asked about. */
const createProgress = (): { show: (step: ReportStep) => void; end: () => void } => {
  const startMs = performance.now();
  let shownMs = 0;
  const show = (step: ReportStep): void => {
    const nowMs = performance.now();
    if (!process.stderr.isTTY || nowMs - startMs < PROGRESS_AFTER_MS || nowMs - shownMs < PROGRESS_EVERY_MS)
      return;
    shownMs = nowMs;
    const text =
      step.kind === 'checking'
        ? `checking ${step.records} records`
        : `reading, ${Math.round(step.part * 100)} %`;
    process.stderr.write(`\r\u001b[K${text}`);
  };
  const end = (): void => {
    if (shownMs > 0) process.stderr.write('\r\u001b[K');
  };
  return { show, end };
};
