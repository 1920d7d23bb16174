// Attempts that stand together in one record. Hot file.
//
// The first attempt of a kind is recorded at once; equal ones that follow within the window are counted and become one
// record when the window ends. Where the budget has no bytes for another record, attempts of the same client are
// counted together whatever they ask for, and where it has none for that either, those of all clients: every query is
// in some record, and sums by what records are counted by stay exact. A crash loses counts of one window.
//
//   SAME    client, name, type, line, target, answer    bounded by the budgets of client and of all
//   CLIENT  client (of IPv6 its /64)                      bounded by the budget of all
//   ALL                                                  bounded by the kinds of records that there are

import { HOUR_MS } from '../../base/base.ts';
import { type EventGlance, RingEvent } from '../../telemetry/events/events.ts';
import { AttemptTable, SCOPE } from './attempt-table.ts';
import type { RecordBudget } from './record-budget.ts';
import { RepeatMemory } from './repeat-memory.ts';

/** What is to be done with an attempt. */
export const ATTEMPT = {
  /** It gets a record of its own. */
  RECORD: 0,
  /** It was counted, and its client was met before in this window. */
  COUNTED: 1,
  /** It was counted, and its client may be a new one. */
  COUNTED_CLIENT: 2,
} as const;

/** Bytes of a record on disk beside its names, with its share of block, index and page. */
const RECORD_BYTES = 280;
/** Window of attempts that have no record of their own, where equal ones are not counted together. */
const SUMMARY_MS = 60_000;
/** Records that one call makes of a window that has ended, beside the last: 5 ms. */
const DRAINED_MAX = 2_048;

/** Makes a record of attempts that were counted; the event tells what its kind does not. */
export type EmitAttempts<Kind> = (
  event: RingEvent,
  kind: Kind,
  scope: number,
  count: number,
  firstMs: number,
  lastMs: number,
) => void;

/** Queries by the record that tells of them. */
export interface QueryForms {
  readonly single: number;
  readonly repeat: number;
  readonly client: number;
  readonly total: number;
}

/** Counts attempts by windows of time. */
export class AttemptCounts<Kind> implements EventGlance {
  /** Attempts that were counted and are in no record yet. */
  waiting = 0;
  /** 0: equal attempts are not counted together. */
  repeatMs: number;
  readonly #budget: RecordBudget;
  #current = new AttemptTable<Kind>();
  /** The window that has ended, while records are made of it. */
  #ended = new AttemptTable<Kind>();
  #drained = 0;
  #fromMs = 0;
  /** All attempts of a window lie in one hour, by which records are counted. */
  #hourMs = 0;
  /** Entries of the current window. */
  readonly #repeats = new RepeatMemory();
  readonly #event = new RingEvent();
  readonly #forms = { single: 0, repeat: 0, client: 0, total: 0 };

  constructor(budget: RecordBudget, repeatMs: number, nowMs: number) {
    this.#budget = budget;
    this.repeatMs = repeatMs;
    this.#begin(nowMs);
  }

  /** Queries so far, by the record that tells of them or will. */
  get forms(): QueryForms {
    return this.#forms;
  }

  /** Counts an event that repeats another of this window word for word; false: add() has to look at it. */
  takes(words: Uint32Array, start: number, end: number, timeMs: number): boolean {
    const known = this.#repeats.find(words, start, end);
    // Of an entry that nothing was counted in yet, the next attempt pays for its record.
    if (known < 0 || this.#current.counts[known] === 0 || !this.#canRepeat(timeMs)) return false;
    this.#count(known, Math.floor(timeMs));
    this.#forms.repeat++;
    return true;
  }

  /** Takes an attempt; one of ATTEMPT. `kindHash` is a number that the kind always has. */
  add(event: RingEvent, kind: Kind, kindHash: number, timeMs: number): number {
    const table = this.#current;
    const bytes = RECORD_BYTES + event.qnameLength + event.targetLength;
    const canRepeat = this.#canRepeat(timeMs);
    if (canRepeat) {
      const known = table.find(event, kind, kindHash, SCOPE.SAME);
      if (known >= 0) {
        if (table.counts[known] === 0) this.#budget.charge(event.address, bytes, timeMs);
        this.#count(known, timeMs);
        this.#repeats.remember(known);
        this.#forms.repeat++;
        return ATTEMPT.COUNTED;
      }
    }
    if (this.#budget.take(event.address, bytes, timeMs)) {
      if (canRepeat) table.insert(event, kind, SCOPE.SAME);
      this.#forms.single++;
      return ATTEMPT.RECORD;
    }
    return this.#addToSum(event, kind, kindHash, timeMs, bytes);
  }

  #canRepeat(timeMs: number): boolean {
    return this.repeatMs > 0 && timeMs >= this.#hourMs && timeMs < this.#hourMs + HOUR_MS;
  }

  #addToSum(event: RingEvent, kind: Kind, kindHash: number, timeMs: number, bytes: number): number {
    const table = this.#current;
    const known = table.find(event, kind, kindHash, SCOPE.CLIENT);
    if (known >= 0) {
      this.#count(known, timeMs);
      this.#forms.client++;
      return ATTEMPT.COUNTED;
    }
    if (this.#budget.takeForMany(bytes, timeMs)) {
      const entry = table.insert(event, kind, SCOPE.CLIENT);
      if (entry >= 0) {
        this.#count(entry, timeMs);
        this.#forms.client++;
        return ATTEMPT.COUNTED_CLIENT;
      }
    }
    let all = table.find(event, kind, kindHash, SCOPE.ALL);
    if (all < 0) all = table.insert(event, kind, SCOPE.ALL);
    if (all < 0) {
      this.#forms.single++;
      return ATTEMPT.RECORD;
    }
    this.#count(all, timeMs);
    this.#forms.total++;
    return ATTEMPT.COUNTED_CLIENT;
  }

  #count(entry: number, timeMs: number): void {
    this.#current.count(entry, timeMs);
    this.waiting++;
  }

  /** Makes records of what was counted in windows that have ended, some at a time; of everything when `isLast`. */
  take(nowMs: number, isLast: boolean, emit: EmitAttempts<Kind>): void {
    const isOtherHour = nowMs < this.#hourMs || nowMs >= this.#hourMs + HOUR_MS;
    this.#drain(isLast || isOtherHour ? Number.POSITIVE_INFINITY : DRAINED_MAX, emit);
    const hasEnded = isOtherHour || nowMs < this.#fromMs || nowMs >= this.#fromMs + this.#windowMs;
    if (this.#drained < this.#ended.size || !(hasEnded || isLast)) return;
    const next = this.#ended;
    next.clear();
    this.#ended = this.#current;
    this.#current = next;
    this.#drained = 0;
    this.#begin(nowMs);
    this.#drain(isLast ? Number.POSITIVE_INFINITY : DRAINED_MAX, emit);
  }

  #begin(nowMs: number): void {
    this.#repeats.forget();
    this.#fromMs = Math.floor(nowMs / this.#windowMs) * this.#windowMs;
    this.#hourMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  }

  get #windowMs(): number {
    return this.repeatMs > 0 ? this.repeatMs : SUMMARY_MS;
  }

  #drain(max: number, emit: EmitAttempts<Kind>): void {
    const table = this.#ended;
    const event = this.#event;
    let made = 0;
    for (; this.#drained < table.size && made < max; this.#drained++) {
      const entry = this.#drained;
      const count = table.counts[entry] ?? 0;
      const kind = table.kinds[entry];
      if (count === 0 || kind === undefined) continue;
      table.open(entry, event);
      emit(event, kind, table.scopeOf(entry), count, table.firstMs[entry] ?? 0, table.lastMs[entry] ?? 0);
      this.waiting -= count;
      made++;
    }
  }
}
