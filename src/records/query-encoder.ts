// From events to blocks of records: JSON texts, counts and estimates of one batch. Hot file.
//
// A record costs some string additions: what is the same for many (group, list, type, answer) is made once and kept
// as text with everything already escaped. What a record is counted by is part of the same entry, so that counting
// is one addition. Names come folded and nearly always need no escape.

import { DAY_MS, formatAddress, HOUR_MS } from '../base/base.ts';
import { formatName, formatRcode, formatType, TRIGGER } from '../dns/dns.ts';
import type { RingEvent } from '../events/events.ts';
import { ATTEMPT, AttemptCounts } from './attempt-counts.ts';
import { SCOPE } from './attempt-table.ts';
import type { Batch, Block, RisenRegisters, RollupCount } from './chain.ts';
import { ALL_GROUPS, DistinctClients } from './distinct-clients.ts';
import type { KnownGenerations } from './facts.ts';
import type { ClientIdentities } from './identity.ts';
import { dayOf, timeText } from './partition.ts';
import { BYPASS_SIGNALS, QUERY_KINDS, signalOfCategory } from './record.ts';
import type { RecordBudget } from './record-budget.ts';
import { rollupColumns, rollupHourMs } from './rollup.ts';
import type { Sketch } from './sketch.ts';
import { OTHER, UnlistedCounts } from './unlisted-counts.ts';

/** Records of a block: damage is located to so many, and a block costs as much as a few records. */
export const BLOCK_RECORDS_MAX = 64;
/** Characters of a block before it is closed: 64 records have some 20,000. */
export const BLOCK_LENGTH_MAX = 1 << 16;
/** Entries that are kept: combinations of group, list, trigger and so on that a network has at a time. */
const SHAPES_MAX = 4_096;
/** Ends of records that one entry keeps: types and answers. A client may ask for 65,536 types. */
const TAILS_MAX = 64;
/** Of an exemption's identifier. */
const EXEMPTION_DIGITS = 6;
const REFUSAL = 0;
const WOULD_REFUSE = 1;
const BYPASS = 3;
const UNLISTED_NETWORK = 4;
const DOT = 0x2e;
const TRANSPORTS: readonly string[] = ['udp', 'tcp', 'dot', 'doh'];
const TRIGGERS: readonly string[] = Object.keys(TRIGGER).map((key) => key.toLowerCase().replaceAll('_', '-'));
/** The end of a time within its second. */
const MILLISECONDS: readonly string[] = Array.from(
  { length: 1_000 },
  (_, ms) => `${String(ms).padStart(3, '0')}Z"`,
);
/** Bytes of names that stand for themselves in JSON and in presentation form; names come folded. */
const PLAIN_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789-_';
const PLAIN_BYTES = new Uint8Array(256);
for (const character of PLAIN_CHARACTERS) PLAIN_BYTES[character.charCodeAt(0)] = 1;

/** What many records have in common. */
interface Shape {
  /** Members between the name and the end, beginning with a comma. */
  readonly head: string;
  /** Members at the end, by type, answer and extended error, with the brace. */
  readonly tails: Map<number, string>;
  readonly last: string;
  readonly columns: readonly string[];
  readonly group: string;
  /** Whether its clients are counted. */
  readonly isAttempt: boolean;
  /** No other shape has it. */
  readonly number: number;
  readonly kind: number;
  readonly list: number;
  hourMs: number;
  count: number;
  /** Estimates of the encoder's day, when `era` is the encoder's. */
  sketch: Sketch | undefined;
  era: number;
}

/** Makes batches of the chain `queries`. */
export class QueryEncoder {
  readonly distinct = new DistinctClients();
  identities: ClientIdentities;
  readonly attempts: AttemptCounts<Shape>;
  readonly #generations: KnownGenerations;
  readonly #budget: RecordBudget;
  readonly #unlisted = new UnlistedCounts();
  #shapes = new Map<number, Map<number, Shape>>();
  #shapeCount = 0;
  #nextShape = 0;
  #touched: Shape[] = [];
  #rollup: RollupCount[] = [];
  #blocks: Block[] = [];
  #body = '';
  #count = 0;
  #fromMs = 0;
  #untilMs = 0;
  /** The second whose text is kept. */
  #second = -1;
  #secondText = '';
  #day = -1;
  #allGroups: Sketch | undefined;
  #era = 0;
  #previousShape: Shape | undefined;
  #previousKey = -1;
  #previousExemption = -1;
  #previousGeneration = -1;
  readonly #name = Buffer.alloc(256);

  /** Attempts that are equal are counted together within `repeatMs`; 0: they are not. */
  constructor(
    generations: KnownGenerations,
    identities: ClientIdentities,
    budget: RecordBudget,
    repeatMs: number,
    nowMs: number,
  ) {
    this.#generations = generations;
    this.identities = identities;
    this.#budget = budget;
    this.attempts = new AttemptCounts(budget, repeatMs, nowMs);
  }

  /** Queries that were counted and are in no record yet. */
  get waiting(): number {
    return this.attempts.waiting + this.#unlisted.waiting;
  }

  /** Adds an event; everything of it is copied. */
  add(event: RingEvent): void {
    const shape = this.#shapeOf(event);
    const timeMs = soundTime(event.timeMs);
    if (event.kind === BYPASS && event.signal === UNLISTED_NETWORK) {
      this.#addUnlisted(event, shape, timeMs);
      return;
    }
    const outcome = this.attempts.add(event, shape, shape.number, timeMs);
    if (outcome !== ATTEMPT.RECORD) {
      if (outcome === ATTEMPT.COUNTED_CLIENT && shape.isAttempt) {
        this.#countClient(shape, timeMs, this.identities.placeOf(event.address));
      }
      return;
    }
    const { policy } = this.identities;
    const client = this.identities.of(event.address);
    const port = policy.kind === 'full' ? `,"port":${event.port}` : '';
    this.#append(
      `${this.#timeText(timeMs)}${KIND_TEXTS[event.kind] ?? ''}${client.text}"${port}${this.#ending(event, shape)}}`,
      timeMs,
    );
    this.#countIn(shape, timeMs);
    if (shape.isAttempt) this.#countClient(shape, timeMs, client.place);
  }

  /**
   * What was added since the last call, or undefined when that is nothing. `isLast` also takes what is still being
   * counted. Allocates, once per commit.
   */
  take(nowMs: number, isLast: boolean): Batch | undefined {
    this.attempts.take(nowMs, isLast, this.#addCounted);
    for (const { client, timeMs, ending, columns, count } of this.#unlisted.take(nowMs, isLast)) {
      const counted = count === 1 ? '' : `,"count":${count}`;
      this.#append(
        `${this.#timeText(timeMs)}${KIND_TEXTS[BYPASS] ?? ''}${client}"${ending}${counted}}`,
        timeMs,
      );
      this.#rollup.push({ hourMs: rollupHourMs(timeMs), columns, count });
    }
    const risen = this.distinct.takeRisen();
    for (const sketch of risen) this.#append(sketchText(sketch, nowMs), nowMs);
    this.#closeBlock();
    for (const shape of this.#touched) this.#flush(shape);
    const batch = { blocks: this.#blocks, rollup: this.#rollup, risen };
    this.#touched = [];
    this.#blocks = [];
    this.#rollup = [];
    return batch.blocks.length === 0 ? undefined : batch;
  }

  /** Adds the record of attempts that were counted together. */
  readonly #addCounted = (
    event: RingEvent,
    shape: Shape,
    scope: number,
    count: number,
    firstMs: number,
    lastMs: number,
  ): void => {
    event.list = shape.list;
    const client = scope === SCOPE.ALL ? OTHER : this.identities.of(event.address).text;
    const counted = count === 1 ? '' : `,"count":${count},"until":"${timeText(lastMs)}"`;
    const kind = KIND_TEXTS[shape.kind] ?? '';
    const ending = this.#ending(event, shape);
    const summary = SUMMARY_TEXTS[scope] ?? '';
    this.#append(`${this.#timeText(firstMs)}${kind}${client}"${ending}${counted}${summary}}`, firstMs);
    this.#rollup.push({ hourMs: rollupHourMs(firstMs), columns: shape.columns, count });
  };

  /** Begins the estimates anew: the partition is another. */
  resetEstimates(): void {
    this.distinct.reset();
    this.#day = -1;
  }

  #append(text: string, timeMs: number): void {
    if (this.#count === 0) {
      this.#body = `[${text}`;
      this.#fromMs = timeMs;
      this.#untilMs = timeMs;
    } else {
      this.#body += `,\n${text}`;
      if (timeMs < this.#fromMs) this.#fromMs = timeMs;
      if (timeMs > this.#untilMs) this.#untilMs = timeMs;
    }
    this.#count++;
    if (this.#count >= BLOCK_RECORDS_MAX || this.#body.length >= BLOCK_LENGTH_MAX) this.#closeBlock();
  }

  #closeBlock(): void {
    if (this.#count === 0) return;
    this.#blocks.push({
      count: this.#count,
      fromMs: this.#fromMs,
      untilMs: this.#untilMs,
      body: `${this.#body}]`,
    });
    this.#count = 0;
    this.#body = '';
  }

  #timeText(timeMs: number): string {
    const second = Math.floor(timeMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = `{"time":"${new Date(second * 1_000).toISOString().slice(0, 20)}`;
    }
    return this.#secondText + (MILLISECONDS[Math.floor(timeMs - second * 1_000)] ?? '');
  }

  /** Everything behind the client, without the brace. */
  #ending(event: RingEvent, shape: Shape): string {
    const line = event.list >= 0 && event.line > 0 ? `,"line":${event.line}` : '';
    let target = '';
    if (event.hasTargetAddress) target = `,"target":"${formatAddress(event.targetAddress)}"`;
    else if (event.targetLength > 0)
      target = `,"target":"${this.#nameText(event.target, event.targetLength)}"`;
    const name = this.#nameText(event.qname, event.qnameLength);
    return `${shape.head}${name}"${this.#tailOf(event, shape)}${line}${target}`;
  }

  /** A name's text, ready for JSON. */
  #nameText(name: Uint8Array, length: number): string {
    const text = this.#name;
    let at = 0;
    while (at < length) {
      const end = at + 1 + (name[at] ?? 0);
      if (end === at + 1) break;
      text[at++] = DOT;
      for (; at < end && at < length; at++) {
        const byte = name[at] ?? 0;
        if (PLAIN_BYTES[byte] === 0) return escapedName(name, length);
        text[at] = byte;
      }
    }
    return at <= 1 ? '.' : text.toString('latin1', 1, at);
  }

  #addUnlisted(event: RingEvent, shape: Shape, timeMs: number): void {
    this.#unlisted.add(event.address, timeMs, this.#budget, () => ({
      ending: this.#ending(event, shape),
      columns: shape.columns,
    }));
  }

  #tailOf(event: RingEvent, shape: Shape): string {
    const key = (event.qtype * 0x1_0000 + (event.edeCode + 1)) * 0x1_0000 + (event.rcode + 1);
    const known = shape.tails.get(key);
    if (known !== undefined) return known;
    const tail = buildTail(event) + shape.last;
    if (shape.tails.size < TAILS_MAX) shape.tails.set(key, tail);
    return tail;
  }

  #shapeOf(event: RingEvent): Shape {
    // 2 + 2 + 3 + 3 + 8 + 16 bits: below 2^34.
    const words = (event.kind * 4 + event.transport) * 64 + event.trigger * 8 + (event.signal + 1);
    const key = (words * 256 + (event.list + 1)) * 0x1_0000 + event.group;
    const isPrevious =
      key === this.#previousKey &&
      event.exemption === this.#previousExemption &&
      event.generation === this.#previousGeneration;
    if (isPrevious && this.#previousShape !== undefined) return this.#previousShape;
    const shape = this.#findShape(event, key);
    this.#previousKey = key;
    this.#previousExemption = event.exemption;
    this.#previousGeneration = event.generation;
    this.#previousShape = shape;
    return shape;
  }

  #findShape(event: RingEvent, key: number): Shape {
    // Exemptions and generations are few at a time; both are 32 bits.
    const outer = event.exemption * 0x1_0000_0000 + event.generation;
    let shapes = this.#shapes.get(outer);
    const known = shapes?.get(key);
    if (known !== undefined) return known;
    if (this.#shapeCount >= SHAPES_MAX) {
      this.#shapes = new Map();
      this.#shapeCount = 0;
      shapes = undefined;
    }
    if (shapes === undefined) {
      shapes = new Map();
      this.#shapes.set(outer, shapes);
    }
    const shape = buildShape(event, this.#generations, this.#nextShape++);
    shapes.set(key, shape);
    this.#shapeCount++;
    return shape;
  }

  #countIn(shape: Shape, timeMs: number): void {
    if (timeMs < shape.hourMs || timeMs >= shape.hourMs + HOUR_MS) {
      this.#flush(shape);
      shape.hourMs = rollupHourMs(timeMs);
    }
    if (shape.count === 0) this.#touched.push(shape);
    shape.count++;
  }

  #flush(shape: Shape): void {
    if (shape.count === 0) return;
    this.#rollup.push({ hourMs: shape.hourMs, columns: shape.columns, count: shape.count });
    shape.count = 0;
  }

  #countClient(shape: Shape, timeMs: number, place: number): void {
    const day = Math.floor(timeMs / DAY_MS);
    if (day !== this.#day) {
      this.#day = day;
      this.#era++;
      this.#allGroups = this.distinct.sketch(dayOf(timeMs), ALL_GROUPS);
    }
    if (shape.era !== this.#era) {
      shape.era = this.#era;
      shape.sketch = this.distinct.sketch(dayOf(timeMs), shape.group);
    }
    shape.sketch?.add(place);
    this.#allGroups?.add(place);
  }
}

/** By scope. */
const SUMMARY_TEXTS: readonly string[] = ['', ',"summary":"client"', ',"summary":"total"'];

const KIND_TEXTS: readonly string[] = QUERY_KINDS.map((kind) => `,"kind":"${kind}","client":"`);

/** Latest time that a date can have (ECMA-262 section 21.4.1.1), milliseconds. */
const TIME_MS_MAX = 8.64e15;

/** The database takes whole numbers and dates only; whatever memory held, a record has one. */
const soundTime = (timeMs: number): number => (timeMs >= 0 && timeMs < TIME_MS_MAX ? Math.floor(timeMs) : 0);

/** Presentation form without the final dot, ready for JSON. Allocates: for names that are not host names. @cold */
const escapedName = (name: Uint8Array, length: number): string =>
  JSON.stringify(formatName(name.subarray(0, length)).slice(0, -1)).slice(1, -1);

/** Members that follow from the numbers of an event; one that is undefined is left out. */
const buildShape = (event: RingEvent, generations: KnownGenerations, number: number): Shape => {
  const list = event.list < 0 ? undefined : generations.list(event.generation, event.list);
  const group = generations.group(event.generation, event.group);
  const head = { transport: TRANSPORTS[event.transport] ?? 'other', group };
  const last = {
    list: list?.id,
    category: list?.category,
    version: list?.version,
    trigger: list === undefined ? undefined : TRIGGERS[event.trigger],
    generation: event.generation,
    exemption:
      event.exemption === 0 ? undefined : `ex-${String(event.exemption).padStart(EXEMPTION_DIGITS, '0')}`,
    // The pipeline knows no signal of a refusal: it follows from what the list is there for.
    signal:
      BYPASS_SIGNALS[event.signal] ?? (event.kind === REFUSAL ? signalOfCategory(list?.category) : undefined),
  };
  const kind = QUERY_KINDS[event.kind];
  return {
    head: `${buildMembers(head)},"qname":"`,
    tails: new Map(),
    last: buildMembers(last),
    columns: rollupColumns({ kind, ...head, ...last }),
    group,
    isAttempt: event.kind === REFUSAL || event.kind === WOULD_REFUSE,
    number,
    kind: event.kind,
    list: event.list,
    hourMs: 0,
    count: 0,
    sketch: undefined,
    era: -1,
  };
};

const buildTail = ({ qtype, rcode, edeCode }: RingEvent): string =>
  buildMembers({
    qtype: formatType(qtype),
    rcode: rcode < 0 ? undefined : formatRcode(rcode),
    ede: edeCode < 0 ? undefined : edeCode,
  });

/** The members of an object as JSON, each behind a comma. */
const buildMembers = (members: Readonly<Record<string, unknown>>): string => {
  const text = JSON.stringify(members).slice(1, -1);
  return text === '' ? '' : `,${text}`;
};

/** The record of registers that rose. Allocates, once per commit. @cold */
const sketchText = ({ day, group, text }: RisenRegisters, nowMs: number): string =>
  JSON.stringify({ time: new Date(nowMs).toISOString(), kind: 'sketch', day, group, registers: text });
