// `cordon records`: what was recorded, whether it is whole, and who was behind a pseudonym.
//
// Everything but re-identification reads the state directory, while the program runs and without it. Who is behind a
// pseudonym only the running program tells, because it records first who asked.

import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError, errorText, suggestPrefix, systemErrorCode } from '../base/base.ts';
import { registerWitnesses } from '../evidence/exemptions/exemptions.ts';
import {
  findRecords,
  lastHeads,
  lastRecords,
  RECORD_CLASSES,
  RECORDS_DIRECTORY,
  type RecordClass,
  type RecordFilter,
  readStoredRecords,
  type SignedCheckpoint,
  type VerifyProgress,
  verifyRecords,
} from '../evidence/records/records.ts';
import { OPERATIONS, type RecorderStatus } from '../people/admin/admin.ts';
import { askService, isNobodyThere } from './control-client.ts';
import type { InputOf } from './declaration.ts';
import type {
  RECORDS_EXPORT,
  RECORDS_HEADS,
  RECORDS_LIST,
  RECORDS_REIDENTIFY,
  RECORDS_STATUS,
  RECORDS_VERIFY,
} from './declarations/evidence.ts';
import { print } from './output.ts';
import { formatHeads, formatRecords, formatStatus, formatVerification } from './records-text.ts';
import { findService, type ServiceFound } from './service.ts';
import { PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

const LIMIT_DEFAULT = 50;
/** What a person or a script can do with in one piece; `export` has no limit. */
const LIMIT_MAX = 10_000;
/** Records may say who asked for what: not for everybody on the machine. */
const FILE_MODE = 0o640;
/** How far back is looked when nothing is said. */
const PERIOD_DEFAULT_MS = 86_400_000;
/** Characters that an export collects before they are written. */
const PIECE_LENGTH = 1 << 16;
/** Before progress is shown, and between two of its lines, milliseconds. */
const PROGRESS_AFTER_MS = 1_000;
const PROGRESS_EVERY_MS = 200;
const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 };

const directoryOf = ({ stateDirectory }: ServiceFound): string => join(stateDirectory, RECORDS_DIRECTORY);

/** Shows what is recorded; returns PROBLEM when something is wrong with it. */
export const showStatus = async ({ values }: InputOf<typeof RECORDS_STATUS>): Promise<number> => {
  const service = await findService(values);
  const running = await askRecorder(service);
  const stored = readStoredRecords(directoryOf(service));
  print(values.json, { running, stored }, () => formatStatus(running, stored, Date.now()));
  const isWell = running === null || (running.failure === undefined && running.isAlive);
  return isWell && stored.chains.every(({ damaged }) => damaged === 0) ? 0 : PROBLEM;
};

/** The recorder of the running program; null when none runs. */
const askRecorder = async (service: ServiceFound): Promise<RecorderStatus | null> => {
  try {
    return await askService(service, OPERATIONS.readRecorder, {});
  } catch (thrown) {
    if (!isNobodyThere(thrown)) throw thrown;
    return null;
  }
};

/** Shows the last records. */
export const showRecords = async ({ values }: InputOf<typeof RECORDS_LIST>): Promise<number> => {
  const limit = Number(values.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    throw new UsageError(`--limit "${values.limit.slice(0, 20)}" is no number from 1 to ${LIMIT_MAX}`);
  }
  const wanted = readFilter(values, PERIOD_DEFAULT_MS);
  const service = await findService(values);
  const { filter, hidden } = await withPseudonyms(service, wanted, values.reason);
  const found = await lastRecords(directoryOf(service), filter, limit);
  print(values.json, found, () => formatRecords(found, limit));
  return tellHidden(hidden());
};

/**
 * A filter that also finds the pseudonyms of an address or a device, when a reason is given, which is recorded first; and how many
 * records it could not compare.
 */
const withPseudonyms = async (
  service: ServiceFound,
  filter: RecordFilter,
  reason: string | undefined,
): Promise<{ filter: RecordFilter; hidden: () => number }> => {
  let hidden = 0;
  const counting = { ...filter, onPseudonym: () => void hidden++ };
  if (reason === undefined) return { filter: counting, hidden: () => hidden };
  const { client, device } = filter;
  if ((client === undefined) === (device === undefined))
    throw new UsageError('--reason goes with one of --client ADDRESS and --device NAME');
  if (reason.trim() === '') throw new UsageError('--reason TEXT is needed: it goes into the records');
  const sought = device === undefined ? { address: client ?? '' } : { device };
  const body = { ...sought, reason };
  const { pseudonyms } = await askService(service, OPERATIONS.listPseudonyms, { body });
  return { filter: { ...filter, pseudonyms }, hidden: () => hidden };
};

const tellHidden = (count: number): number => {
  if (count === 0) return 0;
  process.stderr.write(
    `${count} records name their client by a pseudonym, which an address or a device's name finds only with --reason TEXT: the running program records who asks and why, and tells the pseudonyms whose keys still exist.\n`,
  );
  return PROBLEM;
};

/** Writes records as JSON, one a line. */
export const exportRecords = async ({ values }: InputOf<typeof RECORDS_EXPORT>): Promise<number> => {
  const wanted = readFilter(values, Number.POSITIVE_INFINITY);
  const service = await findService(values);
  const { filter, hidden } = await withPseudonyms(service, wanted, values.reason);
  const { out } = values;
  const file = out === undefined ? process.stdout.fd : openOutput(out);
  let piece = '';
  let count = 0;
  try {
    for await (const { class: chain, sequence, record } of findRecords(directoryOf(service), filter)) {
      piece += `${JSON.stringify({ chain, seq: sequence, ...record })}\n`;
      count++;
      if (piece.length < PIECE_LENGTH) continue;
      writeAll(file, piece, out);
      piece = '';
    }
    writeAll(file, piece, out);
  } finally {
    if (out !== undefined) closeSync(file);
  }
  if (out !== undefined) process.stderr.write(`${out}: ${count} records\n`);
  return tellHidden(hidden());
};

const openOutput = (path: string): number => {
  try {
    return openSync(path, 'w', FILE_MODE);
  } catch (cause) {
    throw outputError(path, cause);
  }
};

/** Waits for a pipe whose reader is slower. */
const writeAll = (file: number, piece: string, path = 'standard output'): void => {
  const bytes = Buffer.from(piece);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(file, bytes, done);
    } catch (thrown) {
      if (systemErrorCode(thrown) !== 'EAGAIN') throw outputError(path, thrown);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_PAUSE_MS);
    }
  }
};

/** Until a full pipe is tried again. */
const PIPE_PAUSE_MS = 5;

const outputError = (path: string, cause: unknown): AppError =>
  new AppError('ERR_CLI_OUTPUT', `writing ${path}: ${errorText(cause)}`, { cause });

/** Checks every record; returns PROBLEM when something was found. */
export const verify = async ({ values }: InputOf<typeof RECORDS_VERIFY>): Promise<number> => {
  const { heads, key, checkpoint, directory } = values;
  // What a collector took needs no service, and has no register beside it.
  const service = directory === undefined ? await findService(values) : undefined;
  if (directory !== undefined && !existsSync(directory)) throw noDirectory(directory);
  const progress = createProgress();
  const place = service === undefined ? resolve(directory ?? '') : directoryOf(service);
  const result = await verifyRecords(place, {
    ...(service === undefined
      ? { isCollected: true }
      : { witnesses: registerWitnesses(service.stateDirectory) }),
    ...(values.class === undefined ? {} : { classes: readClasses(values.class) }),
    ...(heads === undefined ? {} : { headsFile: heads }),
    ...(key === undefined ? {} : { keyFile: key }),
    ...(checkpoint === undefined ? {} : { checkpointFile: checkpoint }),
    onProgress: progress.show,
  }).finally(progress.end);
  const shown = { ...result, checkpoint: result.checkpoint && checkpointShown(result.checkpoint) };
  print(values.json, shown, () => formatVerification(result));
  return result.findings.length === 0 ? 0 : PROBLEM;
};

const noDirectory = (directory: string): AppError =>
  new AppError('ERR_COMPLIANCE_RECORDS', `verifying the records in ${directory}: it is not there`, {
    hint: 'Name the folder of one resolver below the directory of the collector.',
  });

/** A checkpoint as JSON has it. */
export const checkpointShown = ({ origin, size, root, signedMs }: SignedCheckpoint): object => ({
  ...{ origin, size, root: root.toString('base64'), signedAt: new Date(signedMs).toISOString() },
});

/** Shows the signed ends of the chains, or one of them. */
export const showHeads = async ({ values, words }: InputOf<typeof RECORDS_HEADS>): Promise<number> => {
  const { number } = words;
  const directory = directoryOf(await findService(values));
  if (number === undefined) {
    const heads = lastHeads(
      directory,
      Math.min(LIMIT_MAX, Math.max(1, Number(values.limit) || LIMIT_DEFAULT)),
    );
    print(values.json, heads, () => formatHeads(heads));
    return 0;
  }
  const head = lastHeads(directory, Number.POSITIVE_INFINITY).find((one) => one.number === Number(number));
  if (head === undefined) {
    throw new AppError('ERR_COMPLIANCE_NO_RECORDS', `looking for head ${number.slice(0, 20)}: there is none`);
  }
  print(values.json, head, () => head.text);
  return 0;
};

/** Tells the address behind a pseudonym. */
export const reidentify = async ({ values, words }: InputOf<typeof RECORDS_REIDENTIFY>): Promise<number> => {
  const { pseudonym } = words;
  if (values.reason.trim() === '') throw new UsageError('--reason TEXT is needed: it goes into the records');
  const service = await findService(values);
  const body = { pseudonym, reason: values.reason };
  const answer = await askService(service, OPERATIONS.reidentify, { body });
  print(values.json, answer, () => `${answer.address}\n`);
  return 0;
};

type FilterValues = Omit<InputOf<typeof RECORDS_EXPORT>['values'], 'config' | 'state-directory' | 'out'>;

const readFilter = (values: FilterValues, periodMs: number): RecordFilter => {
  const nowMs = Date.now();
  const untilMs = values.to === undefined ? Number.POSITIVE_INFINITY : readTime('--to', values.to, nowMs);
  const fromMs =
    values.from === undefined ? Math.min(nowMs, untilMs) - periodMs : readTime('--from', values.from, nowMs);
  const { client, device, name, group, kind, list } = values;
  const meant = client === undefined ? undefined : suggestPrefix(client);
  if (meant !== undefined)
    throw new UsageError(`--client "${client}" is not a prefix; did you mean "${meant}"?`);
  const isAboutQueries = [client, device, name, group].some((value) => value !== undefined);
  const classes =
    values.class === undefined ? (isAboutQueries ? QUERIES : RECORD_CLASSES) : readClasses(values.class);
  return { classes, fromMs, untilMs, client, device, name, group, kind, list };
};

const QUERIES: readonly RecordClass[] = ['queries'];

const readClasses = (word: string): RecordClass[] => {
  const found = RECORD_CLASSES.filter((name) => name === word);
  if (found.length > 0) return found;
  throw new UsageError(`--class "${word.slice(0, 20)}" is none of ${RECORD_CLASSES.join(', ')}`);
};

/** `2026-11-25`, `2026-11-25T10:00Z`, or how long ago: `30m`, `7d`. */
const readTime = (option: string, value: string, nowMs: number): number => {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(value) ?? [];
  if (count !== undefined) return nowMs - Number(count) * (UNITS[unit] ?? 0);
  const ms = /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?$/.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new UsageError(
    `${option} "${value.slice(0, 40)}" is no day such as 2026-11-25, no time such as 2026-11-25T10:00:00Z, and not how long ago, such as 2h`,
  );
};

/** One line that is written over, on a terminal, once it takes long enough to be asked about. */
const createProgress = (): { show: (progress: VerifyProgress) => void; end: () => void } => {
  const startMs = performance.now();
  let shownMs = 0;
  const show = ({ class: chain, partition, records: count }: VerifyProgress): void => {
    const nowMs = performance.now();
    const isSoon = nowMs - startMs < PROGRESS_AFTER_MS || nowMs - shownMs < PROGRESS_EVERY_MS;
    if (!process.stderr.isTTY || isSoon) return;
    shownMs = nowMs;
    process.stderr.write(`\r\u001b[K${chain}/${partition}: ${count} records checked`);
  };
  const end = (): void => {
    if (shownMs > 0) process.stderr.write('\r\u001b[K');
  };
  return { show, end };
};
