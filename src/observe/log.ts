// The operations log: one JSON object a line, for what an operator has to know. Nothing is logged per query.
//
// Lines are written without waiting: a reader that stalls costs lines, never memory or answers.
// Values under names that hold secrets are replaced before a line exists.
import { createRequire } from 'node:module';
import type * as Pino from 'pino';
import type { DestinationStream, Logger, LoggerOptions } from 'pino';
import { errorText, isAppError } from '../base/base.ts';

/** The logger that the rooms above take. */
export type Log = Logger;

/** Levels, the most talkative first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

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
export const createLog = (options: { level: LogLevel; to?: number | DestinationStream }): Log => {
  const { pino, destination, stdSerializers, stdTimeFunctions } = loadPino();
  const to = options.to ?? process.stdout.fd;
  const settings: LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: (thrown: unknown) => toErrorFields(thrown, stdSerializers.err) },
    redact: { paths: SECRET_PATHS, censor: '[redacted]' },
  };
  return pino(
    settings,
    typeof to === 'number' ? destination({ fd: to, sync: false, maxLength: BACKLOG_BYTES_MAX }) : to,
  );
};

/** An operational failure is told by its code and text; anything else is a defect and keeps its stack. */
const toErrorFields = (thrown: unknown, toStack: (error: Error) => object): unknown => {
  if (isAppError(thrown)) {
    const { code, message, hint, cause } = thrown;
    return { code, message, hint, cause: cause === undefined ? undefined : errorText(cause) };
  }
  return thrown instanceof Error ? toStack(thrown) : thrown;
};
