// Feeds of lists: how each was at the end of a period, and when that changed. What a record says holds until the next one
// about the same feed; the program says it again at each start.
import type { ServiceRecord } from '../records/records.ts';
import type { PlacedChange } from './evidence.ts';
import type { FeedEvent, FeedSection } from './model.ts';

interface History {
  last: FeedEvent;
  /** When it came into the state that it is in. */
  since: string;
  readonly events: FeedEvent[];
}

/** Follows the chain of changes for one period. */
export class FeedHistory {
  /** By name; under none: that there is no feed. */
  readonly #feeds = new Map<string | undefined, History>();
  readonly #fromMs: number;
  readonly #untilMs: number;

  constructor(fromMs: number, untilMs: number) {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
  }

  add({ record }: PlacedChange): void {
    if (record.kind !== 'service' || record.event !== 'feed') return;
    const atMs = Date.parse(record.time);
    if (atMs >= this.#untilMs) return;
    const last = toEvent(record);
    const before = this.#feeds.get(record.feed);
    const isSame = before?.last.state === last.state;
    // A newer version of the same feed is no event: there is one each day.
    const isNews = !isSame || before.last.behind.length !== last.behind.length;
    const events = before?.events ?? [];
    if (isNews && atMs >= this.#fromMs) events.push(last);
    this.#feeds.set(record.feed, { last, since: isSame ? before.since : last.time, events });
    // Where there is a feed, there is not none.
    if (record.feed !== undefined) this.#feeds.delete(undefined);
  }

  /** Those that were configured when the period ended or within it; or the one without a name, which says that there is none. */
  sections(): FeedSection[] {
    return [...this.#feeds]
      .filter(([id, { last, events }]) => id === undefined || last.state !== 'none' || events.length > 0)
      .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
      .map(([id, { last, since, events }]) => ({ feed: id ?? null, ...last, since, events }));
  }
}

const toEvent = (record: ServiceRecord): FeedEvent => {
  const { time, state = 'none', reason, reviewed, timestamp, until, behind } = record;
  return {
    ...{ time, state, reason: reason ?? null, reviewed: reviewed ?? null },
    ...{ timestamp: timestamp ?? null, until: until ?? null, behind: behind ?? [] },
  };
};
