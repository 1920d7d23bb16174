// What is told of signed feeds, and of how much of public lists the shipped ones have.
import { z } from 'zod';
import { listOf } from './operation.ts';

/** A signed feed of lists, and what it says. */
export const feedStatus = z
  .object({
    id: z.string(),
    /** Without what may be secret in it. */
    url: z.string(),
    /** `expired`: nobody can tell whether it is fresh; `backwards` and `unproven`: it is not what its keys signed. */
    state: z.enum(['current', 'unknown', 'unreached', 'expired', 'backwards', 'unproven']),
    /** What the last attempt said; null: it went well. */
    reason: z.string().nullable(),
    /** Since when it is not current. */
    since: z.string().nullable(),
    checkedAt: z.string().nullable(),
    /** Versions that are trusted. */
    root: z.number().nullable(),
    timestamp: z.number().nullable(),
    /** Until when it vouches for being fresh. */
    expires: z.string().nullable(),
    /** Lists of which it has a newer content than is in force. */
    behind: listOf(z.object({ list: z.string(), since: z.string(), reason: z.string() })),
    /** A release of Cordon that is newer than this one, as the feed of shipped lists tells; none is ever fetched. */
    release: z.object({ version: z.string(), date: z.string(), notes: z.string() }).nullable(),
  })
  .meta({ id: 'FeedStatus' });
/** Names of public lists that the shipped ones answer for. */
export const coverage = z
  .object({
    /** Day of the measurement. */
    measured: z.string(),
    /** Families of public lists of names; those that copy each other are one vote. */
    families: z.number(),
    sources: z.number(),
    votes: z.number(),
    rows: listOf(
      z.object({
        /** Names of all families, by votes, those that hold a zone of TikTok, and those with a rank of demand. */
        of: z.enum(['all', 'three', 'two', 'one', 'no-vote', 'tiktok', 'ranked']),
        names: z.number(),
        refusedByDefault: z.number(),
        /** Refused by a list that is off by default. */
        refusedBySwitch: z.number(),
        /** Left out with a reason. */
        explained: z.number(),
        unanswered: z.number(),
      }),
    ),
  })
  .meta({ id: 'Coverage' });
