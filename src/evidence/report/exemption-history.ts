// Exemptions: the whole paper of each, what became of it and by whom, and how many queries it let pass.

import type { ChangeRecord, ExemptionRecord } from '../records/records.ts';
import type { PlacedChange } from './evidence.ts';
import type { ExemptionSection, Note } from './model.ts';
import { toNote } from './notes.ts';
import { SpanLine } from './spans.ts';
import { timeText } from './time-text.ts';

class History {
  paper: object = {};
  readonly events: ExemptionSection['events'][number][] = [];
  readonly active = new SpanLine<boolean>(false, (a, b) => a === b);
  hasEventWithin = false;
}

/** Follows the chain of changes for one period. */
export class ExemptionHistory {
  readonly #exemptions = new Map<string, History>();
  readonly #fromMs: number;
  readonly #untilMs: number;
  /** Milliseconds, null: none. The one with which the period begins, and those of the period. */
  #boundBefore: number | null | undefined;
  readonly #bounds = new Set<number | null>();

  constructor(fromMs: number, untilMs: number) {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
  }

  /** How long exemptions held at most in the period where the authority of the fleet was not heard; undefined without a fleet. */
  get bound(): Note | undefined {
    const bounds = [...(this.#boundBefore === undefined ? [] : [this.#boundBefore]), ...this.#bounds];
    if (bounds.length === 0) return undefined;
    const finite = bounds.flatMap((ms) => ms ?? []);
    return finite.length < bounds.length
      ? toNote('bound-none')
      : toNote('bound-exemptions', Math.max(...finite));
  }

  add({ record }: PlacedChange): void {
    if (record.kind === 'configuration') this.#addBound(record);
    if (record.kind !== 'exemption') return;
    const atMs = Date.parse(record.time);
    if (atMs >= this.#untilMs) return;
    let history = this.#exemptions.get(record.id);
    if (history === undefined) {
      history = new History();
      this.#exemptions.set(record.id, history);
    }
    history.paper = record.paper;
    history.hasEventWithin ||= atMs >= this.#fromMs;
    history.events.push(toEvent(record));
    const change = activeChange(record, atMs);
    if (change !== undefined) history.active.set(change.atMs, change.isActive);
  }

  #addBound({ time, event, suspendAfterMs }: Extract<ChangeRecord, { kind: 'configuration' }>): void {
    const atMs = Date.parse(time);
    if (event !== 'in-force' || atMs >= this.#untilMs) return;
    if (atMs < this.#fromMs) this.#boundBefore = suspendAfterMs;
    else if (suspendAfterMs !== undefined) this.#bounds.add(suspendAfterMs);
  }

  /** Those that were in force, had an event or hits in the period; of one group those that concern it. */
  sections(hits: ReadonlyMap<string, number>, group: string | null): ExemptionSection[] {
    const sections: ExemptionSection[] = [];
    for (const [id, { paper, events, active, hasEventWithin }] of this.#exemptions) {
      const spans = ownSpans(active, paper, this.#fromMs, this.#untilMs);
      const count = hits.get(id) ?? 0;
      if (spans.length === 0 && !hasEventWithin && count === 0) continue;
      if (group !== null && count === 0 && !concerns(paper, group)) continue;
      sections.push({
        id,
        paper,
        events,
        active: spans,
        hits: count,
      });
    }
    return sections.sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}

/** The times of an exemption's force that touch the period, with their own ends. */
const ownSpans = (
  active: SpanLine<boolean>,
  paper: object,
  fromMs: number,
  untilMs: number,
): ExemptionSection['active'][number][] => {
  const plannedMs = momentOf(paper, 'until', Number.POSITIVE_INFINITY);
  return active
    .within(Number.NEGATIVE_INFINITY, untilMs)
    .filter(({ value }) => value)
    .map((span) => {
      // It ends by itself, also while nobody writes that down.
      const isOver = span.untilMs < untilMs || plannedMs <= untilMs;
      const endMs = span.untilMs < untilMs ? Math.min(span.untilMs, plannedMs) : plannedMs;
      return { ...span, isOver, endMs: Number.isFinite(endMs) ? endMs : span.untilMs };
    })
    .filter((span) => span.endMs > fromMs)
    .map((span) => ({ from: timeText(span.fromMs), until: timeText(span.endMs), isOver: span.isOver }));
};

/** True when the paper names the group, or clients or devices, who may be of any group. */
export const concerns = (paper: object, group: string): boolean => {
  const { groups, clients, devices } = paper as Readonly<Record<string, unknown>>;
  const isAny = (items: unknown): boolean => Array.isArray(items) && items.length > 0;
  return (Array.isArray(groups) && groups.includes(group)) || isAny(clients) || isAny(devices);
};

const toEvent = ({ time, event, by, role, reason }: ExemptionRecord): ExemptionSection['events'][number] => ({
  time,
  event,
  by: by ?? null,
  role: role ?? null,
  reason: reason ?? null,
});

/**
 * When the event put it in force or ended it. The paper tells the moment, which the record may have been written after:
 * an exemption ends by itself also while nobody writes.
 */
const activeChange = (
  { event, paper }: ExemptionRecord,
  atMs: number,
): { atMs: number; isActive: boolean } | undefined => {
  if (event === 'active') return { atMs: momentOf(paper, 'activeAt', atMs), isActive: true };
  if (event === 'expired' || event === 'revoked')
    return { atMs: momentOf(paper, 'endedAt', atMs), isActive: false };
  return undefined;
};

const momentOf = (paper: object, member: string, otherwiseMs: number): number => {
  const text = (paper as Readonly<Record<string, unknown>>)[member];
  const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? otherwiseMs : Math.min(ms, otherwiseMs);
};
