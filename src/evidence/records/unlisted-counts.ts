// Queries from networks that may not ask, counted together: a flood of them must not fill the disk.
//
// One record for each network (/24 or /56) and minute, with what the first query asked and how many there were. The
// table is bounded; networks beyond it share one record. What is counted is written when its minute is over: a crash
// loses up to a minute of these.
import { type AddressWords, isIpv4 } from '../../base/base.ts';
import { prefixText } from './identity.ts';
import type { RecordBudget } from './record-budget.ts';

/** Bits that stay of an address, in the mapped form: /24 and /56. */
const IPV4_BITS = 120;
const IPV6_BITS = 56;
/** Networks of one minute that have a record of their own, within the budget of all records. */
const NETWORKS_MAX = 4_096;
/** Of one such record. */
const RECORD_BYTES = 330;
const MINUTE_MS = 60_000;
/** `client` of a record for clients or networks that have none of their own. */
export const OTHER = 'other';

/** What the first query of a network was. */
export interface UnlistedQuery {
  /** The end of a record's text, behind the client. */
  readonly ending: string;
  /** Of the rollup. */
  readonly columns: readonly string[];
}

/** Queries of one network and minute. */
export interface UnlistedCount extends UnlistedQuery {
  readonly client: string;
  /** Time of the first of them. */
  readonly timeMs: number;
  count: number;
}

/** The queries of the minute that runs. */
export class UnlistedCounts {
  /** The minute that runs; -1 before the first. */
  #minuteMs = -1;
  readonly #counts = new Map<number | string, UnlistedCount>();
  /** Queries that are in no record yet. */
  waiting = 0;

  /** Counts a query; `describe` is called for the first one of its network only. */
  add(address: AddressWords, timeMs: number, budget: RecordBudget, describe: () => UnlistedQuery): void {
    this.waiting++;
    const v4 = isIpv4(address);
    let key: number | string = v4 ? (address[3] ?? 0) >>> 8 : `${address[0] ?? 0} ${(address[1] ?? 0) >>> 8}`;
    const known = this.#counts.get(key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    let client = OTHER;
    if (this.#counts.size < NETWORKS_MAX && budget.takeForMany(RECORD_BYTES, timeMs))
      client = prefixText(address, v4 ? IPV4_BITS : IPV6_BITS);
    else key = OTHER;
    const other = this.#counts.get(key);
    if (other === undefined) this.#counts.set(key, { ...describe(), client, timeMs, count: 1 });
    else other.count++;
  }

  /** What is to be written: nothing as long as the minute runs, unless `isLast`. */
  take(nowMs: number, isLast: boolean): UnlistedCount[] {
    const minuteMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
    const isOver = this.#minuteMs >= 0 && minuteMs !== this.#minuteMs;
    this.#minuteMs = minuteMs;
    if (!isOver && !isLast) return [];
    const counts = [...this.#counts.values()];
    this.#counts.clear();
    this.waiting = 0;
    return counts;
  }
}
