// A question that some resolver was asked, as logs of all kinds tell it, and what is wrong with a log.
import { AppError } from '../../base/base.ts';
import type { ReplayedRecord } from '../../resolver/inquiry/inquiry.ts';
import type { Print } from './print.ts';

/** One question. Texts are as the log has them, names in presentation format, with or without the dot of the root. */
export interface Logged {
  /** Milliseconds since the epoch; undefined: the log does not say. */
  readonly timeMs: number | undefined;
  readonly name: string;
  readonly type: string;
  /** Address, prefix or pseudonym; empty: the log does not say. */
  readonly client: string;
  readonly group: string | undefined;
  /** Records of the answer, as text that is the same for the same answer whatever is left of its TTLs. */
  readonly answers: string;
  /** The same for the same name, type and answers, and for the same client and group; undefined: not computed. */
  readonly print?: Print | undefined;
  readonly asker?: Print | undefined;
  /** The same records, when somebody wants them. */
  records(): readonly ReplayedRecord[];
}

/** How a log is read. */
export interface ReadingOf {
  /** From when on; what is older is left out. */
  readonly sinceMs: number;
  /** What the clock of the log's machine was ahead of UTC, milliseconds; undefined: nobody said. */
  readonly zoneMs: number | undefined;
}

/** What a log is taken for. */
export const LOG_FORMATS = ['cordon', 'dnstap', 'unbound', 'bind', 'pihole', 'adguardhome'] as const;

/** One of LOG_FORMATS. */
export type LogFormat = (typeof LOG_FORMATS)[number];

export const NO_RECORDS: readonly ReplayedRecord[] = [];

/** A log, or a line of it, that cannot be read. */
export const logError = (path: string, line: number | undefined, text: string, hint?: string): AppError =>
  new AppError(
    'ERR_QUERY_LOG_READ',
    `reading queries of ${path}${line === undefined ? '' : `:${line}`}: ${text}`,
    hint === undefined ? {} : { hint },
  );
