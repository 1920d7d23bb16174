// What a draft would have made different yesterday: tried on the query log by whoever is to decide, and kept for the next one who looks.
//
// One at a time, because it takes a core for a minute; in memory only, because it tells names that people asked for.
import { LRUCache } from 'lru-cache';
import { type Clock, DAY_MS, errorText } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import { impactInThread } from '../../evidence/impact/impact.ts';
import { logPaths } from '../../evidence/query-log/query-log.ts';
import type { DraftTried } from '../admin/admin.ts';

/** As long as somebody waits who has to decide. */
const READ_MS_MAX = 60_000;
const TRIED_MAX = 20;
const TOP = 20;

const NEVER: DraftTried = { state: 'never', time: null, fault: null, impact: null };

/** Drafts that were tried on the log of one program. */
export class DraftImpact {
  readonly #clock: Clock;
  readonly #tried = new LRUCache<string, DraftTried>({ max: TRIED_MAX });
  #isRunning = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What came of it last; `inForce` tells against what. */
  last(draft: string, inForce: string): DraftTried {
    return this.#tried.get(`${draft} ${inForce}`) ?? NEVER;
  }

  /** Begins, unless another one is under way; a log that may not be searched is not tried on either. */
  start(draft: string, inForce: string, before: Config, after: Config): DraftTried {
    const key = `${draft} ${inForce}`;
    const { outputs, isSearchable } = before.queryLog;
    const file = outputs.find(({ to }) => to.kind === 'file')?.to;
    const tell = (state: DraftTried['state'], found: Partial<DraftTried>): void => {
      const time = new Date(this.#clock()).toISOString();
      this.#tried.set(key, { ...NEVER, time, ...found, state });
    };
    if (file?.kind !== 'file' || !isSearchable) return { ...NEVER, state: 'no-log' };
    if (this.#isRunning) return this.#tried.get(key) ?? { ...NEVER, state: 'busy' };
    this.#isRunning = true;
    tell('running', {});
    const sinceMs = this.#clock() - DAY_MS;
    impactInThread({
      ...{ before, after, sinceMs, msMax: READ_MS_MAX, top: TOP },
      paths: logPaths(file.path, sinceMs),
    })
      .then(({ impact, isWhole }) => {
        const { firstMs, lastMs, newlyRefused, newlyPassing, otherList, guards, isAtLeast } = impact;
        tell('done', {
          impact: {
            ...{ queries: impact.queries, isWhole, isAtLeast, newlyRefused, newlyPassing, otherList },
            from: timeOf(firstMs),
            to: timeOf(lastMs),
            guards: guards.slice(0, TOP),
            names: impact.top.map(({ name, change, queries, clients, list, owner = null }) => ({
              ...{ name, change, queries, clients, list, owner },
            })),
          },
        });
      })
      .catch((thrown: unknown) => tell('failed', { fault: errorText(thrown) }))
      .finally(() => {
        this.#isRunning = false;
      });
    return this.last(draft, inForce);
  }
}

const timeOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
