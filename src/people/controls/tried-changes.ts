// What a change would have made different: a draft of the configuration or another content of a list, tried on the query log for
// those who are to decide, and kept for the next one of them who looks.
//
// It tells names that people asked for, so that it obeys what searches of the log obey: only where somebody decided that it may be
// searched, and on the record before anything is read or shown. One at a time, because it takes a core for a minute; in memory
// only; ended when nobody asks for it any more.
import { LRUCache } from 'lru-cache';
import { type Clock, DAY_MS, errorText, every, HOUR_MS } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import { impactInThread, type TriedImpact } from '../../evidence/impact/impact.ts';
import { logPaths } from '../../evidence/query-log/query-log.ts';
import type { Recorder } from '../../evidence/records-thread/records-thread.ts';
import { type Actor, type ChangeTried, namesOf } from '../admin/admin.ts';
import { logFile, logStateOf } from './query-control.ts';

/** Ten million queries take 52 s on one core; as long as somebody waits who has to decide. */
const READ_MS_MAX = 120_000;
/** Packed, which is some hundred million queries: more than is read in that time. */
const READ_BYTES_MAX = 8 * 2 ** 30;
/** A page asks every two seconds, one that nobody sees each minute. */
const WAITED_MS_MAX = 90_000;
const LOOK_MS = 1_000;
const TRIED_MAX = 20;
const TOP = 20;

/** What is tried: a draft where it is of no list. */
export interface WhatIsTried {
  readonly list?: string;
  readonly sha256: string;
}

/** What it needs of the program. */
export interface TriedParts {
  readonly clock: Clock;
  monotonic(): number;
  config(): Config;
  /** Tells what is in force from anything else: configuration and contents of lists. */
  inForce(): string;
  /** Undefined when no records are kept. */
  recorder(): Pick<Recorder, 'write'> | undefined;
  /** Somebody tried something, or was shown what came of it. */
  acted(): void;
}

interface Tried {
  readonly told: ChangeTried;
  /** Who was told, as records know: it is on record once for each. */
  readonly shown: Set<string>;
}

interface Running {
  readonly key: string;
  readonly end: AbortController;
  askedMs: number;
}

/** Changes that were tried on the log of one program. */
export class TriedChanges {
  readonly #parts: TriedParts;
  readonly #tried = new LRUCache<string, Tried>({ max: TRIED_MAX });
  #running: Running | undefined;

  constructor(parts: TriedParts) {
    this.#parts = parts;
  }

  /** What came of it last; on the record before it is told. Rejects where it cannot be recorded. */
  async last(what: WhatIsTried, actor: Actor): Promise<ChangeTried> {
    const never = this.#never(what);
    if (never.obstacle !== null) return { ...never, state: 'no-log' };
    const key = this.#keyOf(what);
    if (this.#running?.key === key) this.#running.askedMs = this.#parts.monotonic();
    const tried = this.#tried.get(key);
    if (tried === undefined) return never;
    const { told, shown } = tried;
    if (told.impact === null || shown.has(whoOf(actor))) return told;
    await this.#record(what, told.days, 'shown', actor);
    shown.add(whoOf(actor));
    return told;
  }

  /** Begins, unless another one is under way; on the record before. `after` is what is in force but for the list where it is undefined. */
  async start(
    what: WhatIsTried,
    days: number,
    after: Config | undefined,
    actor: Actor,
  ): Promise<ChangeTried> {
    const never = this.#never(what);
    if (never.obstacle !== null) return { ...never, state: 'no-log' };
    const key = this.#keyOf(what);
    const { monotonic } = this.#parts;
    if (this.#running !== undefined)
      return this.#running.key === key ? this.last(what, actor) : { ...never, state: 'busy' };
    const running: Running = { key, end: new AbortController(), askedMs: monotonic() };
    this.#running = running;
    const shown = new Set([whoOf(actor)]);
    const tell = (found: Partial<ChangeTried>): void => {
      const time = new Date(this.#parts.clock()).toISOString();
      this.#tried.set(key, { told: { ...never, days, time, ...found }, shown });
    };
    try {
      await this.#record(what, days, 'tried', actor);
    } catch (thrown) {
      this.#running = undefined;
      throw thrown;
    }
    tell({ state: 'running' });
    const endLooks = every(LOOK_MS, () => this.look());
    this.#read(what, days, after, running, tell)
      .then((impact) => {
        // Compared with what is not in force any more: nobody is told that.
        if (this.#keyOf(what) === key) tell({ state: 'done', impact });
        else this.#tried.delete(key);
      })
      .catch((thrown: unknown) =>
        tell(running.end.signal.aborted ? { state: 'ended' } : { state: 'failed', fault: errorText(thrown) }),
      )
      .finally(() => {
        endLooks();
        this.#running = undefined;
      });
    return this.#tried.get(key)?.told ?? never;
  }

  /** Ends what nobody waits for. */
  look(): void {
    const running = this.#running;
    if (running !== undefined && this.#parts.monotonic() - running.askedMs > WAITED_MS_MAX)
      running.end.abort();
  }

  close(): void {
    this.#running?.end.abort();
  }

  async #read(
    { list, sha256 }: WhatIsTried,
    days: number,
    wanted: Config | undefined,
    running: Running,
    tell: (found: Partial<ChangeTried>) => void,
  ): Promise<ChangeTried['impact']> {
    const before = this.#parts.config();
    const after = wanted ?? before;
    const sinceMs = this.#parts.clock() - days * DAY_MS;
    const found = await impactInThread(
      {
        ...{ before, after, sinceMs, top: TOP, msMax: READ_MS_MAX, bytesMax: READ_BYTES_MAX },
        content: list === undefined ? undefined : { list, sha256 },
        paths: logPaths(logFile(before.queryLog) ?? '', sinceMs),
      },
      ({ queries, timeMs }) => {
        // What was on its way when it ended is not told over its end.
        if (this.#running === running)
          tell({ state: 'running', progress: { queries, until: timeOf(timeMs ?? null) } });
      },
      running.end.signal,
    );
    return toldOf(found, sinceMs, before.queryLog.sample);
  }

  #never({ sha256 }: WhatIsTried): ChangeTried {
    return {
      ...{ state: 'never', sha256, obstacle: this.#obstacle() },
      ...{ days: null, time: null, fault: null, progress: null, impact: null },
    };
  }

  #obstacle(): ChangeTried['obstacle'] {
    const state = logStateOf(this.#parts.config().queryLog);
    if (state !== 'files') return state;
    return this.#parts.recorder() === undefined ? 'unrecorded' : null;
  }

  #keyOf({ list = '', sha256 }: WhatIsTried): string {
    return `${list} ${sha256} ${this.#parts.inForce()}`;
  }

  /** On the disk when this resolves. */
  async #record(what: WhatIsTried, days: number | null, act: 'tried' | 'shown', actor: Actor): Promise<void> {
    this.#parts.acted();
    await this.#parts.recorder()?.write({
      ...{ kind: 'admin', action: 'queries-tried', by: namesOf(actor) },
      time: new Date(this.#parts.clock()).toISOString(),
      reason: what.list === undefined ? 'a draft is looked at' : 'another content of a list is looked at',
      detail: { ...what, days, act },
    });
  }
}

const whoOf = ({ account, name }: Actor): string => `${account ?? ''} ${name}`;

const timeOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** Queries without a client, or without a network, are of a log that does not name them: nobody is told that it was nobody. */
const sideOf = ({ queries, names, clients, networks }: TriedImpact['impact']['newlyRefused']) => {
  const known = (count: number): number | null => (count === 0 && queries > 0 ? null : count);
  return { queries, names, clients: known(clients), networks: known(networks) };
};

const toldOf = (
  { impact, isWhole }: TriedImpact,
  sinceMs: number,
  sample: number,
): NonNullable<ChangeTried['impact']> => {
  const { queries, firstMs, lastMs, isAtLeast, withoutAddress, otherList, guards, top } = impact;
  return {
    ...{ queries, from: timeOf(firstMs), to: timeOf(lastMs) },
    isShort: (firstMs ?? Number.POSITIVE_INFINITY) - sinceMs > HOUR_MS,
    ...{ isWhole, isAtLeast, sample, withoutAddress, otherList },
    ...{ refusedBefore: impact.refusedBefore, refusedAfter: impact.refusedAfter },
    ...{ newlyRefused: sideOf(impact.newlyRefused), newlyPassing: sideOf(impact.newlyPassing) },
    guards: guards.slice(0, TOP),
    names: top.map(({ name, change, queries: count, clients, list, owner = null, guard = null }) => ({
      ...{ name, change, queries: count, clients, list, owner, guard },
    })),
  };
};
