// What many records of queries have in common, made once and kept as text with everything already escaped. Hot file.

import { EVENT, TRANSPORT } from '../../base/words/words.ts';
import type { RingEvent } from '../../telemetry/events/events.ts';
import { formatRcode, formatType, TRIGGER } from '../../wire/dns/dns.ts';
import { BYPASS_SIGNALS, signalOfCategory } from './bypass-signal.ts';
import type { KnownGenerations } from './facts.ts';
import { QUERY_KINDS } from './record.ts';
import { rollupColumns } from './rollup.ts';
import type { Sketch } from './sketch.ts';

/** Entries that are kept: combinations of group, list, trigger and so on that a network has at a time. */
const SHAPES_MAX = 4_096;
/** Ends of records that one entry keeps: types and answers. A client may ask for 65,536 types. */
const TAILS_MAX = 64;
/** Of an exemption's identifier. */
const EXEMPTION_DIGITS = 6;
const TRANSPORTS: readonly string[] = Object.keys(TRANSPORT).map((key) => key.toLowerCase());
const TRIGGERS: readonly string[] = Object.keys(TRIGGER).map((key) => key.toLowerCase().replaceAll('_', '-'));

/** What many records have in common. */
export interface Shape {
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

/** The entries of one encoder. */
export class QueryShapes {
  readonly #generations: KnownGenerations;
  #shapes = new Map<number | string, Map<number, Shape>>();
  #count = 0;
  #next = 0;
  #previous: Shape | undefined;
  #previousKey = -1;
  #previousDevice = '';
  #previousForwarder = -1;
  #previousExemption = -1;
  #previousGeneration = -1;

  constructor(generations: KnownGenerations) {
    this.#generations = generations;
  }

  /** The entry of an event; made when it is the first of its kind. `device` is that of the client as records may name it. */
  of(event: RingEvent, device: string): Shape {
    // 2 + 2 + 3 + 3 + 8 + 16 bits: below 2^34.
    const words = (event.kind * 4 + event.transport) * 64 + event.rule.trigger * 8 + (event.signal + 1);
    const key = (words * 256 + (event.rule.list + 1)) * 0x1_0000 + event.group;
    const isPrevious =
      device === this.#previousDevice &&
      event.forwarder === this.#previousForwarder &&
      key === this.#previousKey &&
      event.rule.exemption === this.#previousExemption &&
      event.generation === this.#previousGeneration;
    if (isPrevious && this.#previous !== undefined) return this.#previous;
    const shape = this.#find(event, key, device);
    this.#previousDevice = device;
    this.#previousForwarder = event.forwarder;
    this.#previousKey = key;
    this.#previousExemption = event.rule.exemption;
    this.#previousGeneration = event.generation;
    this.#previous = shape;
    return shape;
  }

  #find(event: RingEvent, key: number, device: string): Shape {
    // Exemptions and generations are few at a time; both are 32 bits.
    const numbers = event.rule.exemption * 0x1_0000_0000 + event.generation;
    const outer = device === '' && event.forwarder < 0 ? numbers : `${numbers} ${event.forwarder} ${device}`;
    let shapes = this.#shapes.get(outer);
    const known = shapes?.get(key);
    if (known !== undefined) return known;
    if (this.#count >= SHAPES_MAX) {
      this.#shapes = new Map();
      this.#count = 0;
      shapes = undefined;
    }
    if (shapes === undefined) {
      shapes = new Map();
      this.#shapes.set(outer, shapes);
    }
    const shape = buildShape(event, this.#generations, this.#next++, device);
    shapes.set(key, shape);
    this.#count++;
    return shape;
  }
}

/** Members at the end of the record of an event: type, answer and what follows from the entry. */
export const tailOf = (event: RingEvent, shape: Shape): string => {
  const key = (event.qtype * 0x1_0000 + (event.edeCode + 1)) * 0x1_0000 + (event.rcode + 1);
  const known = shape.tails.get(key);
  if (known !== undefined) return known;
  const tail = buildTail(event) + shape.last;
  if (shape.tails.size < TAILS_MAX) shape.tails.set(key, tail);
  return tail;
};

/** Members that follow from the numbers of an event; one that is undefined is left out. */
const buildShape = (
  event: RingEvent,
  generations: KnownGenerations,
  number: number,
  device: string,
): Shape => {
  const list = event.rule.list < 0 ? undefined : generations.list(event.generation, event.rule.list);
  const group = generations.group(event.generation, event.group);
  const head = { transport: TRANSPORTS[event.transport] ?? 'other', group };
  const last = {
    list: list?.id,
    category: list?.category,
    version: list?.version,
    trigger: list === undefined ? undefined : TRIGGERS[event.rule.trigger],
    generation: event.generation,
    exemption:
      event.rule.exemption === 0
        ? undefined
        : `ex-${String(event.rule.exemption).padStart(EXEMPTION_DIGITS, '0')}`,
    // The pipeline knows no signal of a refusal: it follows from what the list is there for.
    signal:
      BYPASS_SIGNALS[event.signal] ??
      (event.kind === EVENT.REFUSAL ? signalOfCategory(list?.category) : undefined),
  };
  const kind = QUERY_KINDS[event.kind];
  const reportedBy =
    event.forwarder < 0 ? undefined : generations.forwarder(event.generation, event.forwarder);
  return {
    head: `${buildMembers(head)},"qname":"`,
    tails: new Map(),
    last: buildMembers({ ...last, ...(device === '' ? {} : { device }), reportedBy }),
    columns: rollupColumns({ kind, ...head, ...last }),
    group,
    isAttempt: event.kind === EVENT.REFUSAL || event.kind === EVENT.WOULD_REFUSE,
    number,
    kind: event.kind,
    list: event.rule.list,
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
