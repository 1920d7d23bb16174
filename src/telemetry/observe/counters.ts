// What one worker counts, in shared memory that the main thread reads at a scrape. Hot file: runs per query.
//
// Every block has one writer, its worker, so that an increment is a plain read and write of a 64-bit cell; the main
// thread sees a value that is at most one increment old. Float64 cells count exactly to 2^53. A worker that is
// restarted goes on in the block of the one before it, so that no counter steps backwards.
//
//   counter block:  queries [transport][qtype] · answers [source][rcode] · drops · TCP refusals · TCP closes · counts · gauges ·
//                   gave way ·
//                   validations · signs of bypass · answers of lists · resolution time [bucket…][sum] ·
//                   time of all answers [bucket…][sum] · upstreams [endpoint][sent, failures, answers, …, rtt]
//   refusal block:  [list][match][trigger][group][qtype], one more list and group for indexes out of range ·
//                   queries [group], one more for addresses that may not ask · those over the limit [group][action] ·
//                   queries of forwarders [forwarder][what was said]
//   exemption block: one cell for each exemption, and one for indexes out of range
import { DROP, HANDSHAKE, TCP_CLOSED, TCP_REFUSAL } from '../../base/words/words.ts';
import {
  DROP_WORDS,
  GAVE_WAY_WORDS,
  HANDSHAKE_WORDS,
  LIMITED_WORDS,
  MATCH_WORDS,
  QTYPE_SLOTS,
  QTYPE_WORDS,
  RCODE_SLOTS,
  RCODE_WORDS,
  REPORTED_WORDS,
  SIGNAL_WORDS,
  SOURCE_WORDS,
  TCP_CLOSED_WORDS,
  TCP_REFUSAL_WORDS,
  TRANSPORT_WORDS,
  TRIGGER_WORDS,
  UPSTREAM_FAILURE,
  UPSTREAM_FAILURE_WORDS,
  VALIDATION_WORDS,
} from './labels.ts';

/** Upper bounds of the buckets of an upstream's round-trip time, in milliseconds: a LAN to a lossy satellite link. */
export const RTT_BOUNDS_MS: readonly number[] = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000];
/** Upper bounds of the buckets of the time that a cache miss takes, in milliseconds: up to a client's patience. */
export const RESOLUTION_BOUNDS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000,
];

/**
 * Upper bounds of the buckets of the time that any answer takes, in milliseconds: 32 µs doubled, 19 times, to 8.4 s.
 * Powers of two, so that a bucket is found by counting leading zeros.
 */
export const ANSWER_BOUNDS_MS: readonly number[] = Array.from(
  { length: 19 },
  (_, power) => 0.032 * 2 ** power,
);
/** Microseconds of the first of these bounds, as a power of two. */
const ANSWER_FIRST_POWER = 5;

/** Cells of a histogram after those of its bounds: what lies above the last bound, and the sum in milliseconds. */
export const HISTOGRAM_TAIL = 2;

/** Plain counts: one cell each, summed as the family of that name. A new one is a word here, a method below and a metric. */
export const COUNTS = [
  'cacheHits',
  'cacheMisses',
  'cacheEvictions',
  'coalesced',
  'prefetches',
  'clientShed',
  'zoneShed',
  'repeated',
  'silentZones',
  'rebinding',
  'overBounds',
  'heldLoop',
  'probeQueries',
] as const;

/** Plain gauges: one cell each, what a worker has now; they start at zero with each worker and are summed over all. */
export const GAUGES = [
  'cacheEntries',
  'cacheBytes',
  'tcpConnections',
  'tcpUnread',
  'tlsConnections',
  'tlsUnread',
  'inflight',
  'candidates',
] as const;

/** What a counter block has cells for. */
export interface CounterLayout {
  /** The upstream endpoints as text, in the order of their indexes. */
  readonly upstreams: readonly string[];
}

/** The counters of one worker; may be posted to a thread. */
export interface CounterBlock {
  readonly layout: CounterLayout;
  readonly buffer: SharedArrayBuffer;
}

/** What a refusal block has cells for: the lists and groups of one policy generation, in the order of their indexes. */
export interface RefusalLayout {
  readonly lists: readonly {
    readonly id: string;
    readonly category: string;
    /** True: what is counted passed, and would have been refused. */
    readonly logOnly: boolean;
  }[];
  readonly groups: readonly string[];
  /** Those who are believed to say for whom they ask; absent: nobody is. */
  readonly forwarders?: readonly string[];
}

/** The refusals of one worker under one policy generation; may be posted to a thread. */
export interface RefusalBlock {
  readonly layout: RefusalLayout;
  readonly buffer: SharedArrayBuffer;
}

/** What an exemption block has cells for: the exemptions that may be in force, in the order of their indexes. */
export interface ExemptionLayout {
  /** As people know them: `ex-000001`. */
  readonly ids: readonly string[];
}

/** What the exemptions of one worker let pass until they change; may be posted to a thread. */
export interface ExemptionBlock {
  readonly layout: ExemptionLayout;
  readonly buffer: SharedArrayBuffer;
}

/** First cell of each part of a counter block. */
export const CELL = buildCells();

/** Cell of each plain count and gauge. */
const COUNT = numberCells(COUNTS, CELL.COUNTS);
const GAUGE = numberCells(GAUGES, CELL.GAUGES);

/** Cells of one upstream, relative to its first. */
export const UPSTREAM_CELL = buildUpstreamCells();

/** A zeroed block for one worker. */
export const createCounterBlock = (layout: CounterLayout): CounterBlock => ({
  layout,
  buffer: new SharedArrayBuffer(8 * (CELL.UPSTREAMS + layout.upstreams.length * UPSTREAM_CELL.END)),
});

/** A zeroed block for the refusals of one worker under one policy generation. */
export const createRefusalBlock = (layout: RefusalLayout): RefusalBlock => ({
  layout,
  buffer: new SharedArrayBuffer(
    8 * (reportedCell(layout) + (layout.forwarders?.length ?? 0) * REPORTED_WORDS.length),
  ),
});

/** First cell of the queries by group in a refusal block; all cells before it are refusals. */
export const groupQueriesCell = ({ lists, groups }: RefusalLayout): number =>
  (lists.length + 1) * MATCH_WORDS.length * TRIGGER_WORDS.length * (groups.length + 1) * QTYPE_WORDS.length;

/** First cell of the queries over the rate limit, [group][action], behind those of the queries by group. */
export const limitedCell = (layout: RefusalLayout): number =>
  groupQueriesCell(layout) + layout.groups.length + 1;

/** First cell of the queries of forwarders, [forwarder][what it said], behind those over the rate limit. */
export const reportedCell = (layout: RefusalLayout): number =>
  limitedCell(layout) + (layout.groups.length + 1) * LIMITED_WORDS.length;

/** A zeroed block for the exemptions of one worker. */
export const createExemptionBlock = (layout: ExemptionLayout): ExemptionBlock => ({
  layout,
  buffer: new SharedArrayBuffer(8 * (layout.ids.length + 1)),
});

/** The writing end of one worker's counters. Arguments are the numbers of TRANSPORT, SOURCE, DROP, MATCH, …. */
export class WorkerCounters {
  #cells: Float64Array;
  #refusals: Float64Array;
  #lists: number;
  #groups: number;
  #groupQueries: number;
  #limited: number;
  #reported: number;
  #exemptions: Float64Array;
  /** Answers that were at hand, and that have not left yet as far as is known. */
  #atHand = 0;
  /** Counts connections of the encrypted listeners, where the methods of these names count those of TCP. */
  readonly encrypted = {
    setTcpConnections: (count: number): void => {
      this.#cells[GAUGE.tlsConnections] = count;
    },
    setTcpUnread: (bytes: number): void => {
      this.#cells[GAUGE.tlsUnread] = bytes;
    },
    tcpRefused: (reason: number): void => {
      this.#add(CELL.TLS_REFUSALS + Math.min(reason >>> 0, TCP_REFUSAL.OTHER), 1);
    },
    tcpClosed: (reason: number): void => {
      this.#add(CELL.TLS_CLOSES + Math.min(reason >>> 0, TCP_CLOSED.OTHER), 1);
    },
  };

  /** Goes on in the counters of the blocks; their gauges start at zero. */
  constructor(block: CounterBlock, refusals: RefusalBlock, exemptions = createExemptionBlock({ ids: [] })) {
    this.#exemptions = new Float64Array(exemptions.buffer);
    this.#cells = new Float64Array(block.buffer);
    this.#refusals = new Float64Array(refusals.buffer);
    this.#lists = refusals.layout.lists.length;
    this.#groups = refusals.layout.groups.length;
    this.#groupQueries = groupQueriesCell(refusals.layout);
    this.#limited = limitedCell(refusals.layout);
    this.#reported = reportedCell(refusals.layout);
    this.#cells.fill(0, CELL.GAUGES, CELL.GAUGES + GAUGES.length);
    for (let endpoint = 0; endpoint < block.layout.upstreams.length; endpoint++) {
      this.upstreamHealthy(endpoint, true);
    }
  }

  /** Counts into another block from here on; what the gauges of this worker say goes along, upstream health does not. */
  setCounters(block: CounterBlock): void {
    const previous = this.#cells;
    this.#cells = new Float64Array(block.buffer);
    this.#cells.set(previous.subarray(CELL.GAUGES, CELL.GAUGES + GAUGES.length), CELL.GAUGES);
  }

  /** Counts refusals into the block of another policy generation from here on. */
  setRefusals(block: RefusalBlock): void {
    this.#refusals = new Float64Array(block.buffer);
    this.#lists = block.layout.lists.length;
    this.#groups = block.layout.groups.length;
    this.#groupQueries = groupQueriesCell(block.layout);
    this.#limited = limitedCell(block.layout);
    this.#reported = reportedCell(block.layout);
  }

  /** Counts what exemptions let pass into the block of others from here on. */
  setExemptions(block: ExemptionBlock): void {
    this.#exemptions = new Float64Array(block.buffer);
  }

  /** A query was read; `group` is the index of the layout, or any other number for an address that may not ask. */
  query(transport: number, qtype: number, group: number): void {
    this.#add(CELL.QUERIES + transport * QTYPE_WORDS.length + (QTYPE_SLOTS[qtype & 0xffff] ?? 0), 1);
    const cell = this.#groupQueries + Math.min(group >>> 0, this.#groups);
    this.#refusals[cell] = (this.#refusals[cell] ?? 0) + 1;
  }

  /** A forwarder, by the index of the layout, sent a query; `said` is one of REPORTED. What it has no cells for is not counted. */
  reported(forwarder: number, said: number): void {
    const cell = this.#reported + forwarder * REPORTED_WORDS.length + said;
    if (cell < this.#refusals.length) this.#refusals[cell] = (this.#refusals[cell] ?? 0) + 1;
  }

  /** A query was over the rate limit; `group` as for query(), `action` is one of LIMITED. */
  limited(group: number, action: number): void {
    const cell = this.#limited + Math.min(group >>> 0, this.#groups) * LIMITED_WORDS.length + action;
    this.#refusals[cell] = (this.#refusals[cell] ?? 0) + 1;
  }

  /** The self-probe asked something. */
  probed(): void {
    this.#add(COUNT.probeQueries, 1);
  }

  /** A query was answered. */
  answer(source: number, rcode: number): void {
    this.#atHand++;
    this.#add(CELL.ANSWERS + source * RCODE_WORDS.length + (RCODE_SLOTS[rcode & 0xfff] ?? 0), 1);
  }

  /** A list decided an answer. */
  policyAnswer(transport: number): void {
    this.#add(CELL.POLICY_ANSWERS + transport, 1);
  }

  /** A query was refused by a rule. `match` is one bit of MATCH; the indexes are those of the refusal layout. */
  refusal(list: number, match: number, trigger: number, group: number, qtype: number): void {
    const listSlot = Math.min(list >>> 0, this.#lists);
    const groupSlot = Math.min(group >>> 0, this.#groups);
    const rule = (listSlot * MATCH_WORDS.length + 31 - Math.clz32(match)) * TRIGGER_WORDS.length + trigger;
    const cell =
      (rule * (this.#groups + 1) + groupSlot) * QTYPE_WORDS.length + (QTYPE_SLOTS[qtype & 0xffff] ?? 0);
    this.#refusals[cell] = (this.#refusals[cell] ?? 0) + 1;
  }

  /** A query passed because of an exemption, by its index in the layout. */
  exempted(index: number): void {
    const cell = Math.min(index >>> 0, this.#exemptions.length - 1);
    this.#exemptions[cell] = (this.#exemptions[cell] ?? 0) + 1;
  }

  /** A sign of a way around the resolver that no list tells of. */
  bypass(signal: number): void {
    this.#add(CELL.SIGNALS + signal, 1);
  }

  /** A datagram or a query got no answer. */
  dropped(reason: number): void {
    this.#add(CELL.DROPS + Math.min(reason >>> 0, DROP.OTHER), 1);
  }

  /** The cache had an answer that was still good. */
  cacheHit(): void {
    this.#add(COUNT.cacheHits, 1);
  }

  /** The cache had no answer that was still good. */
  cacheMiss(): void {
    this.#add(COUNT.cacheMisses, 1);
  }

  /** An answer left the cache to make room. */
  cacheEvicted(): void {
    this.#add(COUNT.cacheEvictions, 1);
  }

  /** What the cache holds. */
  setCache(entries: number, bytes: number): void {
    this.#cells[GAUGE.cacheEntries] = entries;
    this.#cells[GAUGE.cacheBytes] = bytes;
  }

  /** Open client connections over TCP. */
  setTcpConnections(count: number): void {
    this.#cells[GAUGE.tcpConnections] = count;
  }

  /** A client connection was closed at once. */
  tcpRefused(reason: number): void {
    this.#add(CELL.TCP_REFUSALS + Math.min(reason >>> 0, TCP_REFUSAL.OTHER), 1);
  }

  /** A client connection was closed that the client had left open. */
  tcpClosed(reason: number): void {
    this.#add(CELL.TCP_CLOSES + Math.min(reason >>> 0, TCP_CLOSED.OTHER), 1);
  }

  /** Bytes of answers over TCP that clients have not taken. */
  setTcpUnread(bytes: number): void {
    this.#cells[GAUGE.tcpUnread] = bytes;
  }

  /** A handshake, or an attempt at one. */
  tlsHandshake(result: number): void {
    this.#add(CELL.HANDSHAKES + Math.min(result >>> 0, HANDSHAKE.OTHER), 1);
  }

  /** Names that a list may be missing. */
  setCandidates(count: number): void {
    this.#cells[GAUGE.candidates] = count;
  }

  /** Queries that wait for an upstream. */
  inflight(count: number): void {
    this.#cells[GAUGE.inflight] = count;
  }

  /** A query joined an identical one that was already under way. */
  coalesced(): void {
    this.#add(COUNT.coalesced, 1);
  }

  /** An answer is fetched anew before it expires. */
  prefetched(): void {
    this.#add(COUNT.prefetches, 1);
  }

  /** A query was refused because its client had more than its share of the questions in flight. */
  clientShed(): void {
    this.#add(COUNT.clientShed, 1);
  }

  /** A query was refused because names below its zone had their share of the questions in flight. */
  zoneShed(): void {
    this.#add(COUNT.zoneShed, 1);
  }

  /** A question in flight was given up for others; GAVE_WAY. */
  gaveWay(reason: number): void {
    this.#add(CELL.GAVE_WAY + reason, 1);
  }

  /** A client repeated a query that waits. */
  repeated(): void {
    this.#add(COUNT.repeated, 1);
  }

  /** A message held the loop for longer than one may. */
  heldLoop(): void {
    this.#add(COUNT.heldLoop, 1);
  }

  /** A question was not asked, because its zone is silent while others are answered. */
  silentZone(): void {
    this.#add(COUNT.silentZones, 1);
  }

  /** An answer had more names, aliases or addresses than are looked at. */
  overBounds(): void {
    this.#add(COUNT.overBounds, 1);
  }

  /** Private addresses for a public name were kept from a client. */
  rebindingRefused(): void {
    this.#add(COUNT.rebinding, 1);
  }

  /** An answer was validated; `result` is one of VALIDATION. */
  validated(result: number): void {
    this.#add(CELL.VALIDATIONS + result, 1);
  }

  /** A cache miss was answered `ms` milliseconds after its query came in. */
  missDuration(ms: number): void {
    this.#observe(CELL.RESOLUTION, RESOLUTION_BOUNDS_MS, ms);
    // What was waited for was not at hand.
    this.#atHand--;
    this.#addAnswers(1, ms);
  }

  /**
   * All answers that were at hand have left, `ms` milliseconds after their queries were read: once for a batch of them,
   * so that a query pays nothing for it.
   */
  settled(ms: number): void {
    if (this.#atHand > 0) this.#addAnswers(this.#atHand, ms);
    this.#atHand = 0;
  }

  #addAnswers(count: number, ms: number): void {
    const us = Math.ceil(Math.max(ms, 0) * 1000) - 1;
    const power = 32 - Math.clz32(Math.min(Math.max(us, 0), 0x7fff_ffff) >>> ANSWER_FIRST_POWER);
    this.#add(CELL.ANSWER_TIME + Math.min(power, ANSWER_BOUNDS_MS.length), count);
    this.#add(CELL.ANSWER_TIME + ANSWER_BOUNDS_MS.length + 1, Math.max(ms, 0) * count);
  }

  /** A query was sent to an upstream. */
  upstreamSent(endpoint: number, transport: number): void {
    this.#addUpstream(endpoint, UPSTREAM_CELL.SENT + transport);
  }

  /** An upstream's answer was taken. */
  upstreamAnswered(endpoint: number, rttMs: number, rcode: number): void {
    this.#addUpstream(endpoint, UPSTREAM_CELL.ANSWERS + (RCODE_SLOTS[rcode & 0xfff] ?? 0));
    this.#observe(CELL.UPSTREAMS + endpoint * UPSTREAM_CELL.END + UPSTREAM_CELL.RTT, RTT_BOUNDS_MS, rttMs);
  }

  /** A try at an upstream brought no usable answer. */
  upstreamFailed(endpoint: number, reason: number): void {
    this.#addUpstream(endpoint, UPSTREAM_CELL.FAILURES + Math.min(reason >>> 0, UPSTREAM_FAILURE.OTHER));
  }

  /** A message came to an upstream socket that answers none of our queries. */
  upstreamUnwanted(endpoint: number): void {
    this.#addUpstream(endpoint, UPSTREAM_CELL.UNWANTED);
  }

  /** A datagram was nearly an answer: to a port in use, but with a wrong ID, question, letters or cookie. */
  upstreamNearMiss(endpoint: number): void {
    this.#addUpstream(endpoint, UPSTREAM_CELL.NEAR_MISSES);
  }

  /** A query went over TCP because somebody guesses answers. */
  upstreamGuarded(endpoint: number): void {
    this.#addUpstream(endpoint, UPSTREAM_CELL.GUARDED);
  }

  /** A question went to a further upstream because this one took long. */
  upstreamHedged(endpoint: number): void {
    this.#addUpstream(endpoint, UPSTREAM_CELL.HEDGES);
  }

  /** Whether an upstream is tried in its turn (true) or last (false). */
  upstreamHealthy(endpoint: number, healthy: boolean): void {
    this.#cells[CELL.UPSTREAMS + endpoint * UPSTREAM_CELL.END + UPSTREAM_CELL.DOWN] = healthy ? 0 : 1;
  }

  /** An upstream proved who it is, with certificates that are valid until then, milliseconds since the epoch. */
  upstreamTrusted(endpoint: number, endMs: number): void {
    this.#setUpstream(endpoint, UPSTREAM_CELL.UNTRUSTED, 0);
    this.#setUpstream(endpoint, UPSTREAM_CELL.CERTIFICATE_END, endMs);
  }

  /** An upstream did not prove who it is; `reason` is one of UNTRUSTED. */
  upstreamUntrusted(endpoint: number, reason: number): void {
    this.#setUpstream(endpoint, UPSTREAM_CELL.UNTRUSTED, reason + 1);
  }

  #setUpstream(endpoint: number, cell: number, value: number): void {
    this.#cells[CELL.UPSTREAMS + endpoint * UPSTREAM_CELL.END + cell] = value;
  }

  /** An endpoint that the layout does not have lies past the end, where a typed array ignores what is written. */
  #addUpstream(endpoint: number, cell: number): void {
    this.#add(CELL.UPSTREAMS + endpoint * UPSTREAM_CELL.END + cell, 1);
  }

  /** A clock that steps backwards makes a negative time: it counts as none. */
  #observe(histogram: number, bounds: readonly number[], ms: number): void {
    let bucket = 0;
    while (bucket < bounds.length && ms > (bounds[bucket] ?? 0)) bucket++;
    this.#add(histogram + bucket, 1);
    this.#add(histogram + bounds.length + 1, Math.max(ms, 0));
  }

  #add(cell: number, amount: number): void {
    this.#cells[cell] = (this.#cells[cell] ?? 0) + amount;
  }
}

/**
 * Counters that nobody reads: of the self-probe, which is no client. Of the same class as those that are read, so that
 * a call that counts stays one that the compiler knows.
 */
export const createUnreadCounters = (): WorkerCounters =>
  new WorkerCounters(createCounterBlock({ upstreams: [] }), createRefusalBlock({ lists: [], groups: [] }));

function buildCells() {
  const ANSWERS = TRANSPORT_WORDS.length * QTYPE_WORDS.length;
  const DROPS = ANSWERS + SOURCE_WORDS.length * RCODE_WORDS.length;
  const TCP_REFUSALS = DROPS + DROP_WORDS.length;
  const TCP_CLOSES = TCP_REFUSALS + TCP_REFUSAL_WORDS.length;
  const TLS_REFUSALS = TCP_CLOSES + TCP_CLOSED_WORDS.length;
  const TLS_CLOSES = TLS_REFUSALS + TCP_REFUSAL_WORDS.length;
  const HANDSHAKES = TLS_CLOSES + TCP_CLOSED_WORDS.length;
  const COUNT_CELLS = HANDSHAKES + HANDSHAKE_WORDS.length;
  const GAUGE_CELLS = COUNT_CELLS + COUNTS.length;
  const GAVE_WAY_CELLS = GAUGE_CELLS + GAUGES.length;
  const VALIDATIONS = GAVE_WAY_CELLS + GAVE_WAY_WORDS.length;
  const SIGNALS = VALIDATIONS + VALIDATION_WORDS.length;
  const POLICY_ANSWERS = SIGNALS + SIGNAL_WORDS.length;
  const RESOLUTION = POLICY_ANSWERS + TRANSPORT_WORDS.length;
  const ANSWER_TIME = RESOLUTION + RESOLUTION_BOUNDS_MS.length + HISTOGRAM_TAIL;
  return {
    QUERIES: 0,
    ANSWERS,
    DROPS,
    TCP_REFUSALS,
    TCP_CLOSES,
    TLS_REFUSALS,
    TLS_CLOSES,
    HANDSHAKES,
    COUNTS: COUNT_CELLS,
    GAUGES: GAUGE_CELLS,
    GAVE_WAY: GAVE_WAY_CELLS,
    VALIDATIONS,
    SIGNALS,
    POLICY_ANSWERS,
    RESOLUTION,
    ANSWER_TIME,
    UPSTREAMS: ANSWER_TIME + ANSWER_BOUNDS_MS.length + HISTOGRAM_TAIL,
  };
}

/** Once at the start. @cold */
function numberCells<const Name extends string>(names: readonly Name[], first: number): Record<Name, number> {
  // fromEntries() forgets the names of its keys.
  return Object.fromEntries(names.map((name, index) => [name, first + index])) as Record<Name, number>;
}

function buildUpstreamCells() {
  const FAILURES = TRANSPORT_WORDS.length;
  const ANSWERS = FAILURES + UPSTREAM_FAILURE_WORDS.length;
  const UNWANTED = ANSWERS + RCODE_WORDS.length;
  return {
    SENT: 0,
    FAILURES,
    ANSWERS,
    UNWANTED,
    HEDGES: UNWANTED + 1,
    DOWN: UNWANTED + 2,
    NEAR_MISSES: UNWANTED + 3,
    GUARDED: UNWANTED + 4,
    /** One more than the index of UNTRUSTED; 0: trusted, or never connected to. */
    UNTRUSTED: UNWANTED + 5,
    CERTIFICATE_END: UNWANTED + 6,
    RTT: UNWANTED + 7,
    END: UNWANTED + 7 + RTT_BOUNDS_MS.length + HISTOGRAM_TAIL,
  };
}
