// Lists: which version was in force from when to when, what else happened to them, and the decision that each rests on.

//
// A version is in force from the record that says so until one that says otherwise, until the program ends, until records
// are missing, or until they end: the next start records again what it has in force.

import { HOUR_MS } from '../../base/base.ts';
import {
  type ChangeRecord,
  type DecisionRecord,
  type ListRecord,
  signalOfCategory,
} from '../records/records.ts';
import type { PlacedChange } from './evidence.ts';
import type { ListEvent, ListPurpose, ListSection, ListVersion } from './model.ts';
import { SpanLine } from './spans.ts';
import { timeText } from './time-text.ts';

interface Version {
  readonly record: ListRecord;
  readonly fromMs: number;
  untilMs: number;
  endedBy: ListVersion['endedBy'];
}

class History {
  category: string | null = null;
  mandate = false;
  /** Undefined before the first record that tells. */
  readonly isMandate = new SpanLine<boolean | undefined>(undefined, (a, b) => a === b);
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
  #sequence = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(fromMs: number, untilMs: number) {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
  }

  add({ sequence, record }: PlacedChange): void {
    const atMs = Date.parse(record.time);
    if (this.#sequence > 0 && sequence !== this.#sequence + 1)
      this.#endAll(Math.min(this.#lastMs, atMs), 'records-missing');
    this.#sequence = sequence;
    this.#lastMs = atMs;
    const end = endOfService(record);
    if (end !== undefined) this.#endAll(end.atMs, end.cause);
    if (atMs >= this.#untilMs) return;
    if (record.kind === 'list') this.#takeList(record, atMs);
    if (record.kind === 'decision') this.#takeDecision(record, atMs);
  }

  /** What a list was there for in an hour, as the last record before its end says. */
  purposeOf(list: string, category: string, hourMs: number): ListPurpose {
    const history = this.#lists.get(list);
    const isMandate = history?.isMandate.at(hourMs + HOUR_MS - 1);
    if (isMandate === true) return 'mandate';
    if (signalOfCategory(category) !== undefined) return 'bypass';
    return isMandate === undefined ? 'unknown' : 'other';
  }

  /** The lists that were in force or had events in the period, mandates first; nothing is known after `evidenceEndMs`. */
  sections(evidenceEndMs: number): ListSection[] {
    if (evidenceEndMs < this.#untilMs) this.#endAll(evidenceEndMs, 'after-records');
    const sections: ListSection[] = [];
    for (const [list, history] of this.#lists) {
      const { category, mandate, decision, decisionEvents, events } = history;
      const versions = this.#versions(history);
      // How a mandate stands is told of each period, also of one in which nothing of it changed.
      const isStanding = decision !== null && 'mandate' in decision;
      if (versions.length + events.length + decisionEvents.length === 0 && !isStanding) continue;
      sections.push({ list, category, mandate, decision, decisionEvents, versions, events });
    }
    return sections.sort((a, b) => Number(b.mandate) - Number(a.mandate) || (a.list < b.list ? -1 : 1));
  }

  #takeList(record: ListRecord, atMs: number): void {
    const history = this.#historyOf(record.list);
    history.category = record.category ?? history.category;
    history.mandate = record.mandate ?? history.mandate;
    if (record.mandate !== undefined) history.isMandate.set(atMs, record.mandate);
    const last = history.versions.at(-1);
    const isOpen = last !== undefined && last.untilMs === Number.POSITIVE_INFINITY;
    if (record.event === 'in-force') {
      // The same content in a new generation is no new version.
      if (isOpen && last.record.sha256 === record.sha256 && record.sha256 !== undefined) return;
      if (isOpen) end(last, atMs, 'another-version');
      history.versions.push({ record, fromMs: atMs, untilMs: Number.POSITIVE_INFINITY, endedBy: null });
    } else if (record.event === 'out-of-force') {
      if (isOpen) end(last, atMs, 'out-of-force');
    }
    if (atMs >= this.#fromMs && record.event !== 'in-force')
      history.events.push(toEvent(record, this.#sequence));
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
      .map(({ record, fromMs, untilMs, endedBy }) => ({
        endedBy: untilMs < this.#untilMs ? endedBy : null,
        from: timeText(Math.max(fromMs, this.#fromMs)),
        until: timeText(Math.min(untilMs, this.#untilMs)),
        sha256: record.sha256 ?? null,
        entries: record.entries ?? null,
        reviewed: record.reviewed ?? null,
        reviewDue: record.reviewDue ?? null,
        added: record.added ?? null,
        removed: record.removed ?? null,
        generation: record.generation ?? null,
        since: record.time,
      }));
  }

  #endAll(atMs: number, cause: ListVersion['endedBy']): void {
    for (const { versions } of this.#lists.values()) {
      const last = versions.at(-1);
      if (last?.untilMs === Number.POSITIVE_INFINITY) end(last, Math.max(last.fromMs, atMs), cause);
    }
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

const toEvent = ({ time, event, sha256, by, reason, code }: ListRecord, sequence: number): ListEvent => ({
  time,
  sequence,
  event,
  sha256: sha256 ?? null,
  by: by ?? null,
  reason: reason ?? null,
  code: code ?? null,
});

const end = (version: Version, atMs: number, cause: ListVersion['endedBy']): void => {
  version.untilMs = atMs;
  version.endedBy = cause;
};

/** When the program stopped, and how; undefined for what is no end. */
const endOfService = (record: ChangeRecord): { atMs: number; cause: 'stopped' | 'crash' } | undefined => {
  if (record.kind !== 'service') return undefined;
  const atMs = Date.parse(record.time);
  if (record.event === 'stop') return { atMs, cause: 'stopped' };
  if (record.event !== 'unclean-end') return undefined;
  return { atMs: Math.min(atMs, Date.parse(record.lastWritten ?? record.time)), cause: 'crash' };
};
