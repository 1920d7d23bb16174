// What forwarders say that nobody believes: clients outside of their networks, and options that are malformed. A counter tells how
// many, and this whether it grew lately.
import type { Clock } from '../../base/base.ts';
import type { FoundIssue } from '../../base/words/words.ts';
import type { Config } from '../../config/config.ts';
import type { CounterTotals } from '../../telemetry/observe/observe.ts';

/** An issue stands for so long after the last query that it is about: a branch asks every few minutes at night. */
const LASTS_MS = 15 * 60_000;

/** Looks at the counters of forwarders. */
export class ForwarderWatch {
  readonly #totals: Pick<CounterTotals, 'read'>;
  readonly #config: () => Pick<Config, 'forwarders'>;
  readonly #clock: Clock;
  /** By forwarder: queries so far, and when the last one came. */
  readonly #seen = new Map<string, { count: number; lastMs: number }>();

  constructor(totals: Pick<CounterTotals, 'read'>, config: () => Pick<Config, 'forwarders'>, clock: Clock) {
    this.#totals = totals;
    this.#config = config;
    this.#clock = clock;
  }

  /** To be called once a second. */
  issues(): FoundIssue[] {
    const { forwarders } = this.#config();
    if (forwarders.length === 0) return [];
    const nowMs = this.#clock();
    const counts = new Map<string, number>();
    for (const { labels, values } of this.#totals.read(['reported']).series('reported')) {
      const [forwarder = '', said = ''] = labels;
      if (said === 'outside' || said === 'malformed')
        counts.set(forwarder, (counts.get(forwarder) ?? 0) + (values[0] ?? 0));
    }
    return forwarders.flatMap(({ name }) => {
      const count = counts.get(name) ?? 0;
      const seen = this.#seen.get(name);
      if (count > (seen?.count ?? 0)) this.#seen.set(name, { count, lastMs: nowMs });
      const { lastMs } = this.#seen.get(name) ?? {};
      if (lastMs === undefined || nowMs - lastMs >= LASTS_MS) return [];
      const text = `forwarder ${name} says clients outside of its networks, or what is malformed: ${count} queries so far`;
      return [{ id: 'forwarder-outside', subject: name, text }];
    });
  }
}
