// Lists: which version was in force from when to when, what else happened to them, and the decision that each rests on.

import type { DecisionRecord, ListRecord } from '../../records/records.ts';
import type { PlacedChange } from './evidence.ts';
import type { ListEvent, ListSection, ListVersion } from './model.ts';
import { timeText } from './time-text.ts';

interface Version {
  readonly record: ListRecord;
  readonly fromMs: number;
  untilMs: number;
}

class History {
  category: string | null = null;
  mandate = false;
  decision: object | null = null;
  readonly versions: Version[] = [];
  readonly events: ListEvent[] = [];
  readonly decisionEvents: { time: string; event: string; decision: object | null }[] = [];
}

/** Follows the chain of changes for one period. */
export class ListHistory {
  readonly #lists = new Map<string, History>();
  readonly #fromMs: number;
  readonly #untilMs: number;

  constructor(fromMs: number, untilMs: number) {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
  }

  add({ record }: PlacedChange): void {
    const atMs = Date.parse(record.time);
    if (atMs >= this.#untilMs) return;
    if (record.kind === 'list') this.#takeList(record, atMs);
    if (record.kind === 'decision') this.#takeDecision(record, atMs);
  }

  /** The lists that were in force or had events in the period, mandates first. */
  sections(): ListSection[] {
    const sections: ListSection[] = [];
    for (const [list, history] of this.#lists) {
      const { category, mandate, decision, decisionEvents, events } = history;
      const versions = this.#versions(history);
      if (versions.length + events.length + decisionEvents.length === 0) continue;
      sections.push({ list, category, mandate, decision, decisionEvents, versions, events });
    }
    return sections.sort((a, b) => Number(b.mandate) - Number(a.mandate) || (a.list < b.list ? -1 : 1));
  }

  #takeList(record: ListRecord, atMs: number): void {
    const history = this.#historyOf(record.list);
    history.category = record.category ?? history.category;
    history.mandate = record.mandate ?? history.mandate;
    const last = history.versions.at(-1);
    const isOpen = last !== undefined && last.untilMs === Number.POSITIVE_INFINITY;
    if (record.event === 'in-force') {
      // The same content in a new generation is no new version.
      if (isOpen && last.record.sha256 === record.sha256 && record.sha256 !== undefined) return;
      if (isOpen) last.untilMs = atMs;
      history.versions.push({ record, fromMs: atMs, untilMs: Number.POSITIVE_INFINITY });
    } else if (record.event === 'out-of-force') {
      if (isOpen) last.untilMs = atMs;
    }
    if (atMs >= this.#fromMs && record.event !== 'in-force') history.events.push(toEvent(record));
  }

  #takeDecision(record: DecisionRecord, atMs: number): void {
    const history = this.#historyOf(record.list);
    if (record.event === 'removed') history.decision = null;
    else history.decision = record.decision ?? history.decision;
    if (atMs < this.#fromMs) return;
    const { time, event, decision } = record;
    history.decisionEvents.push({ time, event, decision: decision ?? null });
  }

  #versions({ versions }: History): ListVersion[] {
    return versions
      .filter(({ fromMs, untilMs }) => fromMs < this.#untilMs && untilMs > this.#fromMs)
      .map(({ record, fromMs, untilMs }) => ({
        from: timeText(Math.max(fromMs, this.#fromMs)),
        until: timeText(Math.min(untilMs, this.#untilMs)),
        sha256: record.sha256 ?? null,
        entries: record.entries ?? null,
        added: record.added ?? null,
        removed: record.removed ?? null,
        generation: record.generation ?? null,
        since: record.time,
      }));
  }

  #historyOf(list: string): History {
    let history = this.#lists.get(list);
    if (history === undefined) {
      history = new History();
      this.#lists.set(list, history);
    }
    return history;
  }
}

const toEvent = ({ time, event, sha256, by, reason, code }: ListRecord): ListEvent => ({
  time,
  event,
  sha256: sha256 ?? null,
  by: by ?? null,
  reason: reason ?? null,
  code: code ?? null,
});
