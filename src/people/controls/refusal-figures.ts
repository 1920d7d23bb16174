// Refusals over time for a chart, with what changed and what was not in force on it, and what was asked for most.
//
// Steps are of UTC, so that no change of a clock at home makes one longer than another: a day in hours, a week in quarters of
// days, more in days. The last step is the one that is going on.
import { join } from 'node:path';
import { type Clock, DAY_MS, HOUR_MS } from '../../base/base.ts';
import {
  type ChangeRecord,
  findRecords,
  RECORDS_DIRECTORY,
  RefusalCounts,
} from '../../evidence/records/records.ts';
import { EnforcementHistory } from '../../evidence/report/report.ts';
import type { RefusalFigures, RefusalFiguresWanted } from '../admin/admin.ts';
import { changesFrom, SHOWN_KINDS, toChange, toSpans } from './overview-records.ts';

/** By days: how long a step is. */
const STEPS_MS: Readonly<Record<RefusalFiguresWanted['days'], number>> = {
  1: HOUR_MS,
  7: 6 * HOUR_MS,
  30: DAY_MS,
  91: DAY_MS,
};
/** Of a look at records that nobody counted: then it tells what is counted until then. */
const WAIT_MS = 250;
/** From here on what changed is dear to read, milliseconds: a thousand exemptions on one day. Then it counts for a hundred times as long. */
const DEAR_MS = 50;
const FRESH_COSTS = 100;
const FRESH_MS_MAX = 30_000;
/** Periods and networks for which it is kept. */
const TOLD_MAX = 16;
/** Rows of a table. */
const TOP_MAX = 20;
/** Changes on a chart: more would be a list. */
const CHANGES_MAX = 60;
/** Gaps on a chart, the longest. */
const SPANS_MAX = 100;

/** What changed, and when the prohibition was not in force or not shown to be. */
type Told = Pick<RefusalFigures, 'changes' | 'spans'>;

/** The figures of one program. */
export class RefusalFiguresMaker {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #monotonic: () => number;
  readonly #counts: RefusalCounts;
  /** By period and network: what was dear to read, and until when it counts. */
  readonly #told = new Map<string, { readonly untilMs: number; readonly told: Told }>();

  /** `monotonic` never steps; milliseconds. */
  constructor(stateDirectory: string, clock: Clock, monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
    this.#directory = join(stateDirectory, RECORDS_DIRECTORY);
    this.#clock = clock;
    this.#counts = new RefusalCounts(this.#directory, stateDirectory, clock);
  }

  async read({ days, group, list }: RefusalFiguresWanted): Promise<RefusalFigures> {
    const nowMs = this.#clock();
    const stepMs = STEPS_MS[days];
    const lastMs = days === 1 ? HOUR_MS : DAY_MS;
    const untilMs = Math.floor(nowMs / lastMs) * lastMs + lastMs;
    const fromMs = untilMs - days * DAY_MS;
    const { hours, names, types, clients, counting } = await this.#counts.read(
      { fromMs, untilMs, group, list, stepMs },
      WAIT_MS,
    );
    const steps = Math.round((untilMs - fromMs) / stepMs);
    const networks = new Map<string, number>();
    const series = new Map<string, { list: string; group: string; counts: number[] }>();
    for (const { atMs, group: of, list: by, count } of hours) {
      const key = `${of}\n${by}`;
      const row = series.get(key) ?? { list: by, group: of, counts: new Array<number>(steps).fill(0) };
      const step = Math.floor((atMs - fromMs) / stepMs);
      row.counts[step] = (row.counts[step] ?? 0) + count;
      series.set(key, row);
      networks.set(of, (networks.get(of) ?? 0) + count);
    }
    return {
      from: timeOf(fromMs),
      until: timeOf(untilMs),
      now: timeOf(nowMs),
      counting: counting ?? null,
      stepSec: stepMs / 1000,
      series: [...series.values()],
      top: {
        names: topOf(names),
        types: topOf(types),
        networks: topOf(networks),
        clients: topOf(clients),
      },
      unnamed: names.get('') ?? 0,
      ...(await this.#tell(fromMs, Math.min(nowMs, untilMs), group)),
    };
  }

  /** What was read a moment ago, where reading it is dear. */
  async #tell(fromMs: number, untilMs: number, group: string | undefined): Promise<Told> {
    const key = `${fromMs} ${group ?? ''}`;
    const startMs = this.#monotonic();
    const known = this.#told.get(key);
    if (known !== undefined && startMs < known.untilMs) return known.told;
    this.#told.delete(key);
    const told = await this.#readTold(fromMs, untilMs, group);
    const endMs = this.#monotonic();
    if (endMs - startMs < DEAR_MS) return told;
    const [oldest] = this.#told.keys();
    if (this.#told.size >= TOLD_MAX && oldest !== undefined) this.#told.delete(oldest);
    const freshMs = Math.min(FRESH_MS_MAX, FRESH_COSTS * (endMs - startMs));
    this.#told.set(key, { untilMs: endMs + freshMs, told });
    return told;
  }

  async #readTold(fromMs: number, untilMs: number, group: string | undefined): Promise<Told> {
    const history = new EnforcementHistory(group);
    let changes: ChangeRecord[] = [];
    for await (const { sequence, record } of findRecords(this.#directory, changesFrom(fromMs))) {
      // A filter of changes finds no other records.
      const change = record as ChangeRecord;
      history.add({ sequence, record: change });
      const isShown = SHOWN_KINDS.has(change.kind) && change.kind !== 'enforcement';
      const timeMs = Date.parse(change.time);
      if (isShown && timeMs >= fromMs && timeMs < untilMs) changes.push(change);
      if (changes.length > 2 * CHANGES_MAX) changes = changes.slice(-CHANGES_MAX);
    }
    const lengthOf = ({ from, to }: { readonly from: string; readonly to: string }): number =>
      Date.parse(to) - Date.parse(from);
    return {
      changes: changes.slice(-CHANGES_MAX).map(toChange),
      spans: toSpans(history, fromMs, untilMs)
        .toSorted((a, b) => lengthOf(b) - lengthOf(a))
        .slice(0, SPANS_MAX)
        .toSorted((a, b) => Date.parse(a.from) - Date.parse(b.from)),
    };
  }
}

interface Top {
  readonly key: string;
  readonly count: number;
}
const before = (a: Top, b: Top): number => b.count - a.count || (a.key < b.key ? -1 : 1);

/** The most asked first; what has no name is told apart. A quarter has hundreds of thousands, of which all but a few need no order. */
const topOf = (sums: ReadonlyMap<string, number>): readonly Top[] => {
  let top: Top[] = [];
  let leastCount = 1;
  for (const [key, count] of sums) {
    if (key === '' || count < leastCount) continue;
    top.push({ key, count });
    if (top.length < 2 * TOP_MAX) continue;
    top = top.sort(before).slice(0, TOP_MAX);
    leastCount = top.at(-1)?.count ?? leastCount;
  }
  return top.sort(before).slice(0, TOP_MAX);
};

const timeOf = (ms: number): string => new Date(ms).toISOString();
