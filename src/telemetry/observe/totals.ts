// The counters of all workers and of all policy generations, summed for one scrape.
//
// A block that no worker writes into any more is folded into running sums by the text of its labels, so that a
// counter goes on where it was when a list, a group or an upstream gets another index or goes away. The main thread
// does this; the cost is a walk over all cells once per scrape or reload, never per query. Refusals are most of it (4,000 series of
// 4 workers: 40 ms of 41), so that who looks each second or so names the metrics that it needs, and takes refusals as one number.
import {
  ANSWER_BOUNDS_MS,
  CELL,
  COUNTS,
  type CounterBlock,
  type CounterLayout,
  createCounterBlock,
  createExemptionBlock,
  createRefusalBlock,
  type ExemptionBlock,
  type ExemptionLayout,
  GAUGES,
  groupQueriesCell,
  HISTOGRAM_TAIL,
  limitedCell,
  RESOLUTION_BOUNDS_MS,
  type RefusalBlock,
  type RefusalLayout,
  RTT_BOUNDS_MS,
  reportedCell,
  UPSTREAM_CELL,
} from './counters.ts';
import {
  DROP_WORDS,
  GAVE_WAY_WORDS,
  HANDSHAKE_WORDS,
  LIMITED_WORDS,
  MATCH_WORDS,
  QTYPE_WORDS,
  RCODE_WORDS,
  REPORTED_WORDS,
  SIGNAL_WORDS,
  SOURCE_WORDS,
  TCP_CLOSED_WORDS,
  TCP_REFUSAL_WORDS,
  TRANSPORT_WORDS,
  TRIGGER_WORDS,
  UNTRUSTED_WORDS,
  type UntrustedReason,
  UPSTREAM_FAILURE_WORDS,
  VALIDATION_WORDS,
} from './labels.ts';

/**
 * Most series of one metric. Measured: printing 20,000 series blocks the main thread 47 ms, so 4,000 of the one metric
 * that can reach it (refusals) cost about 10 ms. Six lists over five groups with six query types each have some 500.
 */
const SERIES_MAX = 4_000;

/** Label values in the order of the metric's label names. */
type LabelValues = readonly string[];

/** One series: a value, or the cells of a histogram (one per bucket, not cumulative, and the sum). */
export interface Series {
  readonly labels: LabelValues;
  readonly values: Float64Array;
}

/** The metrics that are summed over blocks. */
export type Family =
  | (typeof COUNTS)[number]
  | 'queries'
  | 'groupQueries'
  | 'limited'
  | 'reported'
  | 'answers'
  | 'refusals'
  | 'wouldRefuse'
  | 'exemptionHits'
  | 'bypassSignals'
  | 'policyAnswers'
  | 'drops'
  | 'tcpRefusals'
  | 'tcpCloses'
  | 'tlsRefusals'
  | 'tlsCloses'
  | 'handshakes'
  | 'gaveWay'
  | 'upstreamNearMisses'
  | 'upstreamGuarded'
  | 'validations'
  | 'resolution'
  | 'answerTime'
  | 'upstreamQueries'
  | 'upstreamAnswers'
  | 'upstreamFailures'
  | 'upstreamUnwanted'
  | 'upstreamHedges'
  | 'upstreamRtt';

/** An upstream as one worker sees it. */
export interface UpstreamState {
  readonly upstream: string;
  /** It is tried in its turn. */
  readonly isUp: boolean;
  /** Why it did not prove who it is; undefined: it did, or was never connected to. */
  readonly untrusted: UntrustedReason | undefined;
  /** Until when its certificates are valid, milliseconds since the epoch; 0: it never showed any. */
  readonly certificateEndMs: number;
}

/** The sums of one scrape, of the metrics that were read. */
export interface Snapshot<Read extends Family = Family>
  extends Readonly<Record<(typeof GAUGES)[number], number>> {
  /** The series of a metric, none when nothing was counted yet. */
  readonly series: (family: Read) => Iterable<Series>;
  /** Upstream to whether every worker tries it in its turn. */
  readonly upstreamsUp: ReadonlyMap<string, boolean>;
  /** Upstream to when the first of its certificates ends, milliseconds since the epoch. */
  readonly certificateEnds: ReadonlyMap<string, number>;
  /** Times a series was left out because its metric had as many as it may have. */
  readonly seriesDropped: number;
}

// fromEntries() forgets the names of its keys.
const NO_GAUGES = Object.fromEntries(GAUGES.map((name) => [name, 0])) as Record<
  (typeof GAUGES)[number],
  number
>;

/** All blocks of the process. */
export class CounterTotals {
  readonly #counters = new Set<CounterBlock>();
  readonly #refusals = new Set<RefusalBlock>();
  readonly #exemptions = new Set<ExemptionBlock>();
  readonly #admission: Admission;
  readonly #retired: Sums;

  constructor(seriesMax = SERIES_MAX) {
    this.#admission = new Admission(seriesMax);
    this.#retired = new Sums(this.#admission);
  }

  /** A block for one worker, summed from here on. */
  openCounters(layout: CounterLayout): CounterBlock {
    const block = createCounterBlock(layout);
    this.#counters.add(block);
    return block;
  }

  /** A block for the refusals of one worker under one policy generation, summed from here on. */
  openRefusals(layout: RefusalLayout): RefusalBlock {
    const block = createRefusalBlock(layout);
    this.#refusals.add(block);
    return block;
  }

  /** A block for what the exemptions of one worker let pass, summed from here on. */
  openExemptions(layout: ExemptionLayout): ExemptionBlock {
    const block = createExemptionBlock(layout);
    this.#exemptions.add(block);
    return block;
  }

  /** Keeps the sums of a block and lets go of it. Only once its worker has ended or confirmed that it left it. */
  retireCounters(block: CounterBlock): void {
    if (this.#counters.delete(block)) addCounters(this.#retired, block);
  }

  /** Keeps the sums of a block and lets go of it. Only once its worker has ended or confirmed that it left it. */
  retireRefusals(block: RefusalBlock): void {
    if (this.#refusals.delete(block)) addRefusals(this.#retired, block);
  }

  /** Keeps the sums of a block and lets go of it. Only once its worker has ended or confirmed that it left it. */
  retireExemptions(block: ExemptionBlock): void {
    if (this.#exemptions.delete(block)) addExemptions(this.#retired, block);
  }

  /** What each worker thinks of its upstreams. */
  upstreamStates(): UpstreamState[][] {
    return Array.from(this.#counters, ({ layout, buffer }) => {
      const cells = new Float64Array(buffer);
      return layout.upstreams.map((upstream, endpoint) => {
        const first = CELL.UPSTREAMS + endpoint * UPSTREAM_CELL.END;
        return {
          upstream,
          isUp: cells[first + UPSTREAM_CELL.DOWN] === 0,
          untrusted: UNTRUSTED_WORDS[(cells[first + UPSTREAM_CELL.UNTRUSTED] ?? 0) - 1],
          certificateEndMs: cells[first + UPSTREAM_CELL.CERTIFICATE_END] ?? 0,
        };
      });
    });
  }

  /** Refusals and what would have been one, over all labels: without making their series. */
  refused(): { readonly refusals: number; readonly wouldRefuse: number } {
    const sums = { refusals: 0, wouldRefuse: 0 };
    for (const family of ['refusals', 'wouldRefuse'] as const)
      for (const { values } of this.#retired.series(family)) sums[family] += values[0] ?? 0;
    for (const { layout, buffer } of this.#refusals) {
      const cells = new Float64Array(buffer, 0, groupQueriesCell(layout));
      const cellsOfList = cells.length / (layout.lists.length + 1);
      for (let list = 0; list <= layout.lists.length; list++) {
        let sum = 0;
        const end = (list + 1) * cellsOfList;
        for (let cell = list * cellsOfList; cell < end; cell++) sum += cells[cell] ?? 0;
        sums[layout.lists[list]?.logOnly === true ? 'wouldRefuse' : 'refusals'] += sum;
      }
    }
    return sums;
  }

  /** Sums everything, or the metrics that are named. */
  read<Read extends Family = Family>(families?: readonly Read[]): Snapshot<Read> {
    const sums = new Sums(this.#admission, families && new Set(families));
    sums.absorb(this.#retired);
    const gauges = { ...NO_GAUGES };
    const upstreamsUp = new Map<string, boolean>();
    const certificateEnds = new Map<string, number>();
    for (const block of this.#counters) {
      addCounters(sums, block);
      const cells = new Float64Array(block.buffer);
      for (const [index, name] of GAUGES.entries()) gauges[name] += cells[CELL.GAUGES + index] ?? 0;
    }
    for (const { upstream, isUp, certificateEndMs } of this.upstreamStates().flat()) {
      upstreamsUp.set(upstream, isUp && (upstreamsUp.get(upstream) ?? true));
      const known = certificateEnds.get(upstream) ?? Number.POSITIVE_INFINITY;
      if (certificateEndMs > 0) certificateEnds.set(upstream, Math.min(certificateEndMs, known));
    }
    for (const block of this.#refusals) addRefusals(sums, block);
    for (const block of this.#exemptions) addExemptions(sums, block);
    return {
      ...gauges,
      series: (family) => sums.series(family),
      upstreamsUp,
      certificateEnds,
      seriesDropped: this.#admission.dropped,
    };
  }
}

/** Which series have been exported once: they stay, so that none steps backwards when others come. */
class Admission {
  readonly #max: number;
  readonly #keys = new Map<Family, Set<string>>();
  dropped = 0;

  constructor(max: number) {
    this.#max = max;
  }

  admit(family: Family, key: string): boolean {
    let keys = this.#keys.get(family);
    if (keys === undefined) {
      keys = new Set();
      this.#keys.set(family, keys);
    }
    if (keys.has(key)) return true;
    if (keys.size >= this.#max) {
      this.dropped++;
      return false;
    }
    keys.add(key);
    return true;
  }
}

/** Sums by metric and label text. What is not admitted goes to one series whose labels all read `other`. */
class Sums {
  readonly #admission: Admission;
  /** Undefined: all. */
  readonly #wanted: ReadonlySet<Family> | undefined;
  readonly #families = new Map<Family, Map<string, Series>>();

  constructor(admission: Admission, wanted?: ReadonlySet<Family>) {
    this.#admission = admission;
    this.#wanted = wanted;
  }

  wants(family: Family): boolean {
    return this.#wanted?.has(family) ?? true;
  }

  series(family: Family): Iterable<Series> {
    return this.#families.get(family)?.values() ?? [];
  }

  add(family: Family, labels: LabelValues, values: Float64Array): void {
    if (!this.wants(family)) return;
    const key = labels.join('\n');
    if (this.#admission.admit(family, key)) this.#sum(family, key, labels, values);
    else this.#sum(family, '', labels.map(toOther), values);
  }

  absorb(other: Sums): void {
    for (const [family, rows] of other.#families) {
      if (!this.wants(family)) continue;
      for (const [key, series] of rows) this.#sum(family, key, series.labels, series.values);
    }
  }

  #sum(family: Family, key: string, labels: LabelValues, values: Float64Array): void {
    let rows = this.#families.get(family);
    if (rows === undefined) {
      rows = new Map();
      this.#families.set(family, rows);
    }
    let series = rows.get(key);
    if (series === undefined) {
      series = { labels, values: new Float64Array(values.length) };
      rows.set(key, series);
    }
    for (const [index, value] of values.entries()) {
      series.values[index] = (series.values[index] ?? 0) + value;
    }
  }
}

const toOther = (): string => 'other';

/** Adds every cell of a counter block. A series with more than one label shows up once it is not zero. */
const addCounters = (sums: Sums, block: CounterBlock): void => {
  const cells = new Float64Array(block.buffer);
  const addOne = (family: Family, labels: LabelValues, cell: number): void => {
    if (labels.length <= 1 || cells[cell] !== 0) sums.add(family, labels, cells.slice(cell, cell + 1));
  };
  const addWords = (family: Family, labels: LabelValues, words: readonly string[], first: number): void => {
    for (const [index, word] of words.entries()) addOne(family, [...labels, word], first + index);
  };
  const addHistogram = (
    family: Family,
    labels: LabelValues,
    bounds: readonly number[],
    first: number,
  ): void => {
    sums.add(family, labels, cells.slice(first, first + bounds.length + HISTOGRAM_TAIL));
  };

  for (const [transport, word] of TRANSPORT_WORDS.entries()) {
    addWords('queries', [word], QTYPE_WORDS, CELL.QUERIES + transport * QTYPE_WORDS.length);
  }
  for (const [source, word] of SOURCE_WORDS.entries()) {
    addWords('answers', [word], RCODE_WORDS, CELL.ANSWERS + source * RCODE_WORDS.length);
  }
  for (const [index, name] of COUNTS.entries()) addOne(name, [], CELL.COUNTS + index);
  addWords('drops', [], DROP_WORDS, CELL.DROPS);
  addWords('tcpRefusals', [], TCP_REFUSAL_WORDS, CELL.TCP_REFUSALS);
  addWords('tcpCloses', [], TCP_CLOSED_WORDS, CELL.TCP_CLOSES);
  addWords('tlsRefusals', [], TCP_REFUSAL_WORDS, CELL.TLS_REFUSALS);
  addWords('tlsCloses', [], TCP_CLOSED_WORDS, CELL.TLS_CLOSES);
  addWords('handshakes', [], HANDSHAKE_WORDS, CELL.HANDSHAKES);
  addWords('gaveWay', [], GAVE_WAY_WORDS, CELL.GAVE_WAY);
  addWords('validations', [], VALIDATION_WORDS, CELL.VALIDATIONS);
  addWords('bypassSignals', [], SIGNAL_WORDS, CELL.SIGNALS);
  addWords('policyAnswers', [], TRANSPORT_WORDS, CELL.POLICY_ANSWERS);
  addHistogram('resolution', [], RESOLUTION_BOUNDS_MS, CELL.RESOLUTION);
  addHistogram('answerTime', [], ANSWER_BOUNDS_MS, CELL.ANSWER_TIME);
  for (const [endpoint, upstream] of block.layout.upstreams.entries()) {
    const first = CELL.UPSTREAMS + endpoint * UPSTREAM_CELL.END;
    addWords('upstreamQueries', [upstream], TRANSPORT_WORDS, first + UPSTREAM_CELL.SENT);
    addWords('upstreamAnswers', [upstream], RCODE_WORDS, first + UPSTREAM_CELL.ANSWERS);
    addWords('upstreamFailures', [upstream], UPSTREAM_FAILURE_WORDS, first + UPSTREAM_CELL.FAILURES);
    addOne('upstreamUnwanted', [upstream], first + UPSTREAM_CELL.UNWANTED);
    addOne('upstreamNearMisses', [upstream], first + UPSTREAM_CELL.NEAR_MISSES);
    addOne('upstreamGuarded', [upstream], first + UPSTREAM_CELL.GUARDED);
    addOne('upstreamHedges', [upstream], first + UPSTREAM_CELL.HEDGES);
    addHistogram('upstreamRtt', [upstream], RTT_BOUNDS_MS, first + UPSTREAM_CELL.RTT);
  }
};

const UNKNOWN_LIST = { id: 'unknown', category: 'unknown', logOnly: false };

/** Label of queries from addresses that may not ask, and of those before there are groups. */
const NO_GROUP = 'none';

/**
 * Adds every cell of a refusal block that is not zero, and the queries of each group. The order of the divisions is
 * that of the cells.
 *
 * A block of the largest configuration has five million cells, nearly all zero: a plain loop passes a million in a
 * millisecond, an iterator in ten.
 */
const addRefusals = (sums: Sums, block: RefusalBlock): void => {
  const { lists, groups } = block.layout;
  const cells = new Float64Array(block.buffer);
  const refusalsEnd = groupQueriesCell(block.layout);
  for (let index = 0; index <= groups.length; index++) {
    const queries = cells.slice(refusalsEnd + index, refusalsEnd + index + 1);
    sums.add('groupQueries', [groups[index] ?? NO_GROUP], queries);
    for (const [action, word] of LIMITED_WORDS.entries()) {
      const cell = limitedCell(block.layout) + index * LIMITED_WORDS.length + action;
      if (cells[cell] !== 0)
        sums.add('limited', [groups[index] ?? NO_GROUP, word], cells.slice(cell, cell + 1));
    }
  }
  for (const [index, forwarder] of (block.layout.forwarders ?? []).entries()) {
    for (const [said, word] of REPORTED_WORDS.entries()) {
      const cell = reportedCell(block.layout) + index * REPORTED_WORDS.length + said;
      sums.add('reported', [forwarder, word], cells.slice(cell, cell + 1));
    }
  }
  if (!sums.wants('refusals') && !sums.wants('wouldRefuse')) return;
  for (let cell = 0; cell < refusalsEnd; cell++) {
    if (cells[cell] === 0) continue;
    let rest = cell;
    const take = (size: number): number => {
      const index = rest % size;
      rest = Math.floor(rest / size);
      return index;
    };
    const qtype = QTYPE_WORDS[take(QTYPE_WORDS.length)] ?? '';
    const group = groups[take(groups.length + 1)] ?? 'unknown';
    const trigger = TRIGGER_WORDS[take(TRIGGER_WORDS.length)] ?? '';
    const match = MATCH_WORDS[take(MATCH_WORDS.length)] ?? '';
    const list = lists[rest] ?? UNKNOWN_LIST;
    const family = list.logOnly ? 'wouldRefuse' : 'refusals';
    sums.add(family, [list.id, list.category, match, trigger, group, qtype], cells.slice(cell, cell + 1));
  }
};

/** Adds every cell of an exemption block. An exemption shows up before it has let anything pass. */
const addExemptions = (sums: Sums, block: ExemptionBlock): void => {
  const { ids } = block.layout;
  for (const [index, hits] of new Float64Array(block.buffer).entries()) {
    const id = ids[index];
    if (id !== undefined || hits > 0) sums.add('exemptionHits', [id ?? 'unknown'], Float64Array.of(hits));
  }
};
