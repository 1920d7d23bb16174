// What is known of a feed over a restart, and what people and programs are told of it.
//
// Plain data with times in ISO 8601, the same from the running program and from a command that reads the state directory
// while none runs.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile, VERSION } from '../../base/base.ts';
import { reasonText } from '../../base/words/words.ts';
import { parseSourceUrl, redactUrl } from '../lists/lists.ts';
import type { FeedErrorCode } from './feed-error.ts';
import { isNewerVersion, type Release, releaseSchema } from './release.ts';

const FEEDS_NAME = 'feeds';
const RECORD_NAME = 'record.json';
/** Digits of the root's hash in the name of the directory: another root is another feed. */
const ROOT_DIGITS = 16;

/** Where a feed is, and the root that it is trusted by. */
export interface FeedSettings {
  readonly id: string;
  readonly url: string;
  readonly rootSha256: string;
  readonly rootVersion: number;
}

/** How a feed is: `unknown` before it was asked for the first time. */
export type FeedWord = 'current' | 'unknown' | 'unreached' | 'expired' | 'backwards' | 'unproven';

/** A list of which the feed has a newer content than is in force. */
export interface FeedBehind {
  readonly list: string;
  readonly since: string;
  readonly reason: string;
}

/** What is told of one feed. */
export interface FeedState {
  readonly id: string;
  /** Without what may be secret in it. */
  readonly url: string;
  readonly state: FeedWord;
  /** What the last attempt said; null: it went well. */
  readonly reason: string | null;
  /** Since when it is not current; null: it is, or nothing was tried. */
  readonly since: string | null;
  /** When it was last found current. */
  readonly checkedAt: string | null;
  /** Versions that are trusted; null: none yet. */
  readonly root: number | null;
  readonly timestamp: number | null;
  /** Until when the feed vouches for being fresh. */
  readonly expires: string | null;
  readonly behind: readonly FeedBehind[];
  /** A release of Cordon that is newer than this one; null: the feed tells of none. */
  readonly release: Release | null;
}

const recordSchema = z.object({
  checkedAtMs: z.number().nullable().default(null),
  failedSinceMs: z.number().nullable().default(null),
  code: z.string().nullable().default(null),
  reason: z.string().nullable().default(null),
  root: z.number().nullable().default(null),
  timestamp: z.number().nullable().default(null),
  expiresMs: z.number().nullable().default(null),
  /** By path: what the feed has, and since when that is known. */
  targets: z.record(z.string(), z.object({ sha256: z.string(), sinceMs: z.number() })).default({}),
  /** What it said of releases the last time; `told` is null where nobody can read it. */
  release: z.object({ sha256: z.string(), told: releaseSchema.nullable() }).nullable().default(null),
});

/** What is kept of a feed. */
export type FeedRecord = z.infer<typeof recordSchema>;

export const EMPTY_FEED_RECORD: FeedRecord = recordSchema.parse({});

/** Where a state directory has what belongs to a feed and its root. */
export const feedDirectory = (stateDirectory: string, { id, rootSha256 }: FeedSettings): string =>
  join(stateDirectory, FEEDS_NAME, `${id}-${rootSha256.slice(0, ROOT_DIGITS)}`);

/** What is kept; nothing where that cannot be read: it is found anew with the next attempt. */
export const readFeedRecord = async (directory: string): Promise<FeedRecord> => {
  try {
    return recordSchema.parse(JSON.parse(await readFile(join(directory, RECORD_NAME), 'utf8')));
  } catch {
    return EMPTY_FEED_RECORD;
  }
};

/** Keeps it. Rejects with errors of the system. */
export const writeFeedRecord = (directory: string, record: FeedRecord): Promise<void> =>
  replaceFile(join(directory, RECORD_NAME), `${JSON.stringify(record)}\n`);

/** A feed of which nothing could ever be had is told after a day, as one whose timestamp is over. */
const NEVER_MS_MAX = 86_400_000;

const WORDS: Readonly<Partial<Record<FeedErrorCode, FeedWord>>> = {
  ERR_FEED_BACKWARDS: 'backwards',
  ERR_FEED_EXPIRED: 'expired',
  ERR_FEED_PROOF: 'unproven',
};

/** What is told of a feed. A feed that is not reached is expired as soon as what it vouched for is over. */
export const toFeedState = (
  settings: FeedSettings,
  record: FeedRecord,
  behind: readonly FeedBehind[],
  nowMs: number,
): FeedState => {
  const { code, reason, checkedAtMs, failedSinceMs, expiresMs } = record;
  const overMs =
    expiresMs ?? (failedSinceMs === null ? Number.POSITIVE_INFINITY : failedSinceMs + NEVER_MS_MAX);
  const isOver = nowMs >= overMs;
  const failed = code === null ? undefined : (WORDS[code as FeedErrorCode] ?? 'unreached');
  const isTold = failed !== undefined && failed !== 'unreached';
  const whole = checkedAtMs === null ? 'unknown' : 'current';
  const state = isTold ? failed : isOver ? 'expired' : (failed ?? whole);
  const sinceMs = state === 'expired' ? overMs : failedSinceMs;
  const release = record.release?.told ?? null;
  return {
    id: settings.id,
    url: redactUrl(parseSourceUrl(settings.url)),
    state,
    reason: reason ?? (isOver ? reasonText('timestamp-over') : null),
    since: toTime(sinceMs),
    checkedAt: toTime(checkedAtMs),
    root: record.root,
    timestamp: record.timestamp,
    expires: toTime(expiresMs),
    behind,
    release: release !== null && isNewerVersion(release.version, VERSION) ? release : null,
  };
};

const toTime = (timeMs: number | null): string | null =>
  timeMs === null ? null : new Date(timeMs).toISOString();
