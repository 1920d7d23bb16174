// What a change that waits for a decision would have made different for the query log: of a draft of the configuration, and of
// another content of a list.
import { z } from 'zod';
import { listOf, type Role } from './operation.ts';

/** As long as the longest preset keeps files of the log where they are searched. */
const DAYS_MAX = 372;

/** Who is told names of the query log, as far as they have to do with deciding on a change. */
export const TRIED_READERS: readonly Role[] = ['operator', 'approver', 'auditor'];

/** Why there is nothing to try it on. */
export const TRY_OBSTACLES = ['off', 'receivers', 'closed', 'unrecorded'] as const;

const side = z.object({
  queries: z.number(),
  names: z.number(),
  /** Null: the log does not name them. */
  clients: z.number().nullable(),
  /** Null: the log has no addresses. */
  networks: z.number().nullable(),
});
/** Days that are looked back at. */
export const triedDays = z.int().min(1).max(DAYS_MAX);

export const changeTried = z
  .object({
    /**
     * `never`: not since what is in force is in force; `ended`: nobody waited for it any more; `no-log`: `obstacle` says why; `busy`:
     * another change is being tried.
     */
    state: z.enum(['never', 'running', 'done', 'failed', 'ended', 'no-log', 'busy']),
    /** Of the draft, or of the content. */
    sha256: z.string(),
    obstacle: z.enum(TRY_OBSTACLES).nullable(),
    /** That were asked for. */
    days: z.number().nullable(),
    /** When it began or ended. */
    time: z.string().nullable(),
    fault: z.string().nullable(),
    /** While it is running: queries until now, and the time of the last one. */
    progress: z.object({ queries: z.number(), until: z.string().nullable() }).nullable(),
    impact: z
      .object({
        /** That were judged. */
        queries: z.number(),
        from: z.string().nullable(),
        to: z.string().nullable(),
        /** The log has queries of a part of the days that were asked for. */
        isShort: z.boolean(),
        /** False: there was more than could be read. */
        isWhole: z.boolean(),
        /** Names, clients and networks are at least so many. */
        isAtLeast: z.boolean(),
        /** The log has one query of so many. */
        sample: z.number(),
        /** Judged under the group that the log says, because it names no address. */
        withoutAddress: z.number(),
        refusedBefore: z.number(),
        refusedAfter: z.number(),
        newlyRefused: side,
        newlyPassing: side,
        /** Refused before and after, by another list. */
        otherList: z.number(),
        /** Guard names that would be refused. */
        guards: listOf(z.string()),
        /** The most asked for of those that the change concerns, the first one first. */
        names: listOf(
          z.object({
            name: z.string(),
            change: z.enum(['refused', 'passes', 'other']),
            queries: z.number(),
            clients: z.number(),
            list: z.string(),
            owner: z.string().nullable(),
            guard: z.string().nullable(),
          }),
        ),
      })
      .nullable(),
  })
  .meta({ id: 'ChangeTried' });

/** What a change would have made different. */
export type ChangeTried = Readonly<z.output<typeof changeTried>>;
