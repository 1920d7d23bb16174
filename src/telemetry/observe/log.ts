// The operations log: one JSON object a line, for what an operator has to know. Nothing is logged per query.
//
// Lines are written without waiting: a reader that stalls costs lines, never memory or answers.
// Values under names that hold secrets are replaced before a line exists. For the journal of systemd each line begins
// with its priority (sd-daemon(3)), which it takes off: otherwise every line would be of priority info.
import { fstatSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Pino from 'pino';
import type { DestinationStream, Logger, LoggerOptions } from 'pino';
import { errorText, isAppError } from '../../base/base.ts';

/** The logger that the rooms above take. */
export type Log = Logger;

/** Levels, the most talkative first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Whether lines begin with their priority; `auto`: when they go to the journal. */
export type LogPriorities = 'auto' | 'always' | 'never';

/** Priorities of syslog (RFC 5424 section 6.2.1), as the journal reads them, by pino's number of a level. */
const PRIORITIES: ReadonlyMap<number, number> = new Map([
  [10, 7],
  [20, 7],
  [30, 6],
  [40, 4],
  [50, 3],
  [60, 2],
]);
const PRIORITY_INFO = 6;

/** Bytes that wait for a stalled reader before lines are dropped: some 5,000 lines. */
const BACKLOG_BYTES_MAX = 1 << 20;

const require = createRequire(import.meta.url);

/** pino, loaded by the thread that logs: workers import this room for their counters and have no use for its 3 MiB. */
const loadPino = (): typeof Pino =>
  // require() knows no types.
  require('pino') as typeof Pino;

const SECRET_NAMES = ['secret', 'token', 'password', 'authorization'];
/** Objects in log lines are flat or hold one or two levels; the redaction covers three. */
const SECRET_PATHS = ['', '*.', '*.*.'].flatMap((prefix) => SECRET_NAMES.map((name) => prefix + name));

/** A logger that writes to a file descriptor (standard output by default) or to a stream. */
export const createLog = (options: {
  level: LogLevel;
  to?: number | DestinationStream;
  /** `auto` without it. */
  priorities?: LogPriorities;
}): Log => {
  const { pino, destination, stdSerializers, stdTimeFunctions } = loadPino();
  const to = options.to ?? process.stdout.fd;
  const { priorities = 'auto' } = options;
  const isPrefixed = priorities === 'auto' ? isJournal(to) : priorities === 'always';
  const settings: LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: (thrown: unknown) => toErrorFields(thrown, stdSerializers.err) },
    redact: { paths: SECRET_PATHS, censor: '[redacted]' },
  };
  const stream =
    typeof to === 'number' ? destination({ fd: to, sync: false, maxLength: BACKLOG_BYTES_MAX }) : to;
  return pino(settings, isPrefixed ? withPriorities(stream) : stream);
};

/** True for a descriptor that systemd has connected to the journal: JOURNAL_STREAM is its device and inode. */
const isJournal = (to: number | DestinationStream): boolean => {
  const stream = process.env['JOURNAL_STREAM'];
  if (typeof to !== 'number' || stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(to, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    // A descriptor that is closed is not the journal.
    return false;
  }
};

/** pino sets `lastLevel` before each write to a stream with its mark. */
const withPriorities = (stream: DestinationStream): DestinationStream & { lastLevel: number } => ({
  // pino's own way of telling that a stream wants to know the level.
  ...{ [Symbol.for('pino.metadata')]: true },
  lastLevel: 0,
  write(line: string): void {
    stream.write(`<${PRIORITIES.get(this.lastLevel) ?? PRIORITY_INFO}>${line}`);
  },
});

/** An operational failure is told by its code and text; anything else is a defect and keeps its stack. */
const toErrorFields = (thrown: unknown, toStack: (error: Error) => object): unknown => {
  if (isAppError(thrown)) {
    const { code, message, hint, cause } = thrown;
    return { code, message, hint, cause: cause === undefined ? undefined : errorText(cause) };
  }
  return thrown instanceof Error ? toStack(thrown) : thrown;
};
