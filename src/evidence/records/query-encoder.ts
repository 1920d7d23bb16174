// From events to blocks of records: JSON texts, counts and estimates of one batch. Hot file.
//
// A record costs some string additions: what is the same for many (group, list, type, answer) is made once and kept
// as text with everything already escaped. What a record is counted by is part of the same entry, so that counting
// is one addition. Names come folded and nearly always need no escape.

import { formatAddress, HOUR_MS } from '../../base/base.ts';
import { EVENT, SIGNAL } from '../../base/words/words.ts';
import type { RingEvent } from '../../telemetry/events/events.ts';
import { formatName } from '../../wire/dns/dns.ts';
import { ATTEMPT, AttemptCounts } from './attempt-counts.ts';
import { SCOPE } from './attempt-table.ts';
import { BlockWriter } from './block-writer.ts';
import type { Batch, RisenRegisters, RollupCount } from './chain.ts';
import { ClientEstimates } from './client-estimates.ts';
import type { DistinctClients } from './distinct-clients.ts';
import type { KnownGenerations } from './facts.ts';
import type { ClientIdentities } from './identity.ts';
import { timeText } from './partition.ts';
import { QueryShapes, type Shape, tailOf } from './query-shapes.ts';
import type { RecentRefusals } from './recent-refusals.ts';
import { QUERY_KINDS } from './record.ts';
import type { RecordBudget } from './record-budget.ts';
import { rollupHourMs } from './rollup.ts';
import { OTHER, UnlistedCounts } from './unlisted-counts.ts';

const DOT = 0x2e;
/** Bytes of names that stand for themselves in JSON and in presentation form; names come folded. */
const PLAIN_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789-_';
const PLAIN_BYTES = new Uint8Array(256);
for (const character of PLAIN_CHARACTERS) PLAIN_BYTES[character.charCodeAt(0)] = 1;

/** Makes batches of the chain `queries`. */
export class QueryEncoder {
  identities: ClientIdentities;
  readonly attempts: AttemptCounts<Shape>;
  /** Told of every refusal that gets a record of its own. */
  readonly #recent: RecentRefusals;
  readonly #budget: RecordBudget;
  readonly #shapes: QueryShapes;
  readonly #unlisted = new UnlistedCounts();
  readonly #writer = new BlockWriter();
  readonly #estimates = new ClientEstimates();
  #touched: Shape[] = [];
  #rollup: RollupCount[] = [];
  readonly #name = Buffer.alloc(256);

  /** Attempts that are equal are counted together within `repeatMs`; 0: they are not. */
  constructor(
    generations: KnownGenerations,
    identities: ClientIdentities,
    budget: RecordBudget,
    recent: RecentRefusals,
    repeatMs: number,
    nowMs: number,
  ) {
    this.#recent = recent;
    this.#shapes = new QueryShapes(generations);
    this.identities = identities;
    this.#budget = budget;
    this.attempts = new AttemptCounts(budget, repeatMs, nowMs);
  }

  get distinct(): DistinctClients {
    return this.#estimates.distinct;
  }

  /** Queries that were counted and are in no record yet. */
  get waiting(): number {
    return this.attempts.waiting + this.#unlisted.waiting;
  }

  /** Adds an event; everything of it is copied. */
  add(event: RingEvent): void {
    const device = event.deviceLength === 0 ? '' : this.identities.device(event.device, event.deviceLength);
    const shape = this.#shapes.of(event, device);
    const timeMs = soundTime(event.timeMs);
    if (event.kind === EVENT.BYPASS && event.signal === SIGNAL.UNLISTED_NETWORK) {
      this.#addUnlisted(event, shape, timeMs);
      return;
    }
    const outcome = this.attempts.add(event, shape, shape.number, timeMs);
    if (outcome !== ATTEMPT.RECORD) {
      if (outcome === ATTEMPT.COUNTED_CLIENT && shape.isAttempt) {
        this.#estimates.count(shape, timeMs, this.identities.placeOf(event.address));
      }
      return;
    }
    const { policy } = this.identities;
    const client = this.identities.of(event.address);
    if (event.kind === EVENT.REFUSAL)
      this.#recent.add(client.text, timeMs, event.qname, event.qnameLength, shape.columns);
    const port = policy.kind === 'full' ? `,"port":${event.port}` : '';
    this.#writer.add(
      `${this.#writer.timeText(timeMs)}${KIND_TEXTS[event.kind] ?? ''}${client.text}"${port}${this.#ending(event, shape)}}`,
      timeMs,
    );
    this.#countIn(shape, timeMs);
    if (shape.isAttempt) this.#estimates.count(shape, timeMs, client.place);
  }

  /**
   * What was added since the last call, or undefined when that is nothing. `isLast` also takes what is still being
   * counted. Allocates, once per commit.
   */
  take(nowMs: number, isLast: boolean): Batch | undefined {
    this.attempts.take(nowMs, isLast, this.#addCounted);
    for (const { client, timeMs, ending, columns, count } of this.#unlisted.take(nowMs, isLast)) {
      const counted = count === 1 ? '' : `,"count":${count}`;
      this.#writer.add(
        `${this.#writer.timeText(timeMs)}${KIND_TEXTS[EVENT.BYPASS] ?? ''}${client}"${ending}${counted}}`,
        timeMs,
      );
      this.#rollup.push({ hourMs: rollupHourMs(timeMs), columns, count });
    }
    const risen = this.distinct.takeRisen();
    for (const sketch of risen) this.#writer.add(sketchText(sketch, nowMs), nowMs);
    for (const shape of this.#touched) this.#flush(shape);
    const batch = { blocks: this.#writer.take(), rollup: this.#rollup, risen };
    this.#touched = [];
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
    event.rule.list = shape.list;
    const client = scope === SCOPE.ALL ? OTHER : this.identities.of(event.address).text;
    const counted = count === 1 ? '' : `,"count":${count},"until":"${timeText(lastMs)}"`;
    const kind = KIND_TEXTS[shape.kind] ?? '';
    const ending = this.#ending(event, shape);
    const summary = SUMMARY_TEXTS[scope] ?? '';
    this.#writer.add(
      `${this.#writer.timeText(firstMs)}${kind}${client}"${ending}${counted}${summary}}`,
      firstMs,
    );
    this.#rollup.push({ hourMs: rollupHourMs(firstMs), columns: shape.columns, count });
  };

  /** Begins the estimates anew: the partition is another. */
  resetEstimates(): void {
    this.#estimates.reset();
  }

  /** Everything behind the client, without the brace. */
  #ending(event: RingEvent, shape: Shape): string {
    const line = event.rule.list >= 0 && event.rule.line > 0 ? `,"line":${event.rule.line}` : '';
    let target = '';
    if (event.hasTargetAddress) target = `,"target":"${formatAddress(event.targetAddress)}"`;
    else if (event.targetLength > 0)
      target = `,"target":"${this.#nameText(event.target, event.targetLength)}"`;
    const name = this.#nameText(event.qname, event.qnameLength);
    return `${shape.head}${name}"${tailOf(event, shape)}${line}${target}`;
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

/** The record of registers that rose. Allocates, once per commit. @cold */
const sketchText = ({ day, group, text }: RisenRegisters, nowMs: number): string =>
  JSON.stringify({ time: new Date(nowMs).toISOString(), kind: 'sketch', day, group, registers: text });
