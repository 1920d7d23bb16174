// What the main thread and the thread of the query log say to each other: plain data, and the rings, which are shared.
import type { GenerationFacts, StreamAddress, SyslogSender } from '../records/records.ts';
import type { DnstapMessage } from './dnstap-form.ts';
import type { LogIdentity } from './naming.ts';

/** Where queries go. */
export type LogOutputSettings =
  | { readonly kind: 'file'; readonly name: string; readonly path: string }
  | {
      readonly kind: 'dnstap';
      readonly name: string;
      readonly to: StreamAddress;
      readonly messages: readonly DnstapMessage[];
    }
  | {
      readonly kind: 'syslog';
      readonly name: string;
      readonly to: StreamAddress;
      readonly facility: SyslogSender['facility'];
    };

/** What a log is kept by. */
export interface QueryLogSettings {
  readonly outputs: readonly LogOutputSettings[];
  readonly identity: LogIdentity;
  /** Whose pseudonyms are used. */
  readonly recordsDirectory: string;
  readonly resolver: string;
  readonly version: string;
  /** For each output. */
  readonly bytesPerDay: number;
  readonly reserveBytes: number;
  readonly rotateMs: number;
  readonly rotateBytes: number;
  readonly searchableMs: number;
  readonly archivedMs: number;
}

/** What its thread is started with. */
export interface QueryLogStart {
  readonly settings: QueryLogSettings;
  readonly rings: readonly SharedArrayBuffer[];
  readonly generations: readonly GenerationFacts[];
  /** Bytes that outputs took of this day before, by name. */
  readonly day: DayBytes;
}

/** What outputs took of a day. */
export interface DayBytes {
  /** Whole days since the epoch. */
  readonly day: number;
  readonly bytes: ReadonlyMap<string, number>;
}

/** Why queries are missing in the log. */
export const LOG_LOSS = ['ring', 'receiver', 'day', 'disk'] as const;

/** One of LOG_LOSS. */
export type LogLoss = (typeof LOG_LOSS)[number];

/** What is known of one output. */
export interface LogOutputFacts {
  readonly name: string;
  readonly written: number;
  readonly trouble: string | undefined;
  /** Of files: which of them could not be put aside, packed, moved or deleted, and why. */
  readonly overdue?: string | undefined;
}

/** What is known of a log. */
export interface QueryLogFacts {
  readonly outputs: readonly LogOutputFacts[];
  readonly lost: Readonly<Record<LogLoss, number>>;
  readonly day: DayBytes;
}

/** To the thread. */
export type QueryLogRequest =
  | { readonly kind: 'define'; readonly facts: GenerationFacts }
  | { readonly kind: 'reopen' | 'stop' };

/** From the thread. */
export type QueryLogReply =
  | { readonly kind: 'facts'; readonly facts: QueryLogFacts }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly fields: object;
      readonly text: string;
    }
  | { readonly kind: 'stopped' };
