// Attempts, hits of exemptions and signs of a bypass, summed up from the counts of hours.
//
// Hours that only begin before the end of the period count as a whole, as do those that the period begins in: the notes
// say so where it makes a difference. The same goes for days of the distinct-client estimate.

import { DAY_MS, HOUR_MS } from '../../base/base.ts';
import { type HourCount, Sketch, signalOfCategory } from '../records/records.ts';
import type { DaySketch } from './evidence.ts';
import type {
  AttemptRow,
  AttemptSection,
  ClientSection,
  ListPurpose,
  MandateAttempts,
  Note,
  SignalSection,
  Total,
} from './model.ts';
import { toNote } from './notes.ts';
import { type Step, stepOf, stepStart, stepsOf } from './series.ts';
import { daysOf, dayText, timeText } from './time-text.ts';

/** Of 4,096 registers: 1.04 / sqrt(4096). */
const ERROR_PERCENT = 1.6;
/** The estimate over all groups. */
const ALL_GROUPS = '*';

/** Sums under names. */
class Sums {
  readonly #counts = new Map<string, number>();

  add(name: string, count: number): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** The largest first. */
  totals(): Total[] {
    return [...this.#counts]
      .map(([name, count]) => ({ name, count }))
      .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  }
}

/** What a list was there for in an hour. */
export type PurposeOf = (list: string, category: string, hourMs: number) => ListPurpose;

/** What is counted in a period. */
export class PeriodCounts {
  /** Queries that each exemption let pass. */
  readonly hits = new Map<string, number>();
  readonly #fromMs: number;
  readonly #untilMs: number;
  readonly #refusals = {
    days: new Sums(),
    groups: new Sums(),
    categories: new Sums(),
    lists: new Sums(),
    triggers: new Sums(),
    purposes: new Sums(),
  };
  readonly #purposeOf: PurposeOf;
  /** Of mandate lists. */
  readonly #mandate = { groups: new Sums(), lists: new Sums(), series: new Map<number, Sums>() };
  readonly #step: Step;
  readonly #wouldRefuse = new Sums();
  readonly #attempts = new Map<string, AttemptRow>();
  readonly #signals = { signals: new Sums(), groups: new Sums() };
  readonly #signalRows = new Map<string, SignalSection['rows'][number]>();

  constructor(fromMs: number, untilMs: number, purposeOf: PurposeOf) {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
    this.#purposeOf = purposeOf;
    this.#step = stepOf(untilMs - fromMs);
  }

  /** Takes the count of one hour. */
  add(hour: HourCount): void {
    switch (hour.kind) {
      case 'refusal':
      case 'would-refuse':
        this.#addAttempt(hour, hour.kind);
        if (hour.kind === 'refusal') this.#addSignal(hour, hour.signal || signalOfCategory(hour.category));
        break;
      case 'exemption-hit':
        this.hits.set(hour.exemption, (this.hits.get(hour.exemption) ?? 0) + hour.count);
        break;
      case 'bypass':
        this.#addSignal(hour, hour.signal);
        break;
      default:
    }
  }

  /** `notes` say why some queries may not be counted. */
  attempts(notes: readonly Note[]): AttemptSection {
    const { days, groups, categories, lists, triggers, purposes } = this.#refusals;
    const byDay = daysOf(this.#fromMs, this.#untilMs).map((day) => ({
      day,
      refusals: days.get(day),
      wouldRefuse: this.#wouldRefuse.get(day),
    }));
    return {
      mandate: this.#mandateAttempts(),
      isLowerBound: notes.length > 0,
      refusals: byDay.reduce((sum, { refusals }) => sum + refusals, 0),
      byPurpose: {
        mandate: purposes.get('mandate'),
        other: purposes.get('other'),
        bypass: purposes.get('bypass'),
        unknown: purposes.get('unknown'),
      },
      wouldRefuse: byDay.reduce((sum, { wouldRefuse }) => sum + wouldRefuse, 0),
      byDay,
      byGroup: groups.totals(),
      byCategory: categories.totals(),
      byList: lists.totals(),
      byTrigger: triggers.totals(),
      rows: [...this.#attempts.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row),
      notes: [...notes, ...this.#hourNotes()],
    };
  }

  #mandateAttempts(): MandateAttempts {
    const { groups, lists, series } = this.#mandate;
    const points = stepsOf(this.#fromMs, this.#untilMs, this.#step).map((startMs) => {
      const totals = series.get(startMs)?.totals() ?? [];
      const count = totals.reduce((sum, one) => sum + one.count, 0);
      return { from: timeText(startMs), count, lists: totals };
    });
    return { byGroup: groups.totals(), byList: lists.totals(), series: { step: this.#step, points } };
  }

  #addMandate(hourMs: number, group: string, list: string, count: number): void {
    const { groups, lists, series } = this.#mandate;
    groups.add(group, count);
    lists.add(list, count);
    const startMs = stepStart(hourMs, this.#step);
    const sums = series.get(startMs) ?? new Sums();
    series.set(startMs, sums);
    sums.add(list, count);
  }

  signals(notes: readonly Note[]): SignalSection {
    const bySignal = this.#signals.signals.totals();
    return {
      isLowerBound: notes.length > 0,
      total: bySignal.reduce((sum, { count }) => sum + count, 0),
      bySignal,
      byGroup: this.#signals.groups.totals(),
      rows: [...this.#signalRows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row),
      notes: [...notes, ...this.#hourNotes()],
    };
  }

  #addAttempt({ hourMs, group, list, category, trigger, count }: HourCount, kind: AttemptRow['kind']): void {
    const day = dayText(hourMs);
    const purpose = this.#purposeOf(list, category, hourMs);
    if (kind === 'would-refuse') {
      this.#wouldRefuse.add(day, count);
    } else {
      const { days, groups, categories, lists, triggers, purposes } = this.#refusals;
      if (purpose === 'mandate') this.#addMandate(hourMs, group, list, count);
      purposes.add(purpose, count);
      days.add(day, count);
      groups.add(group, count);
      categories.add(category, count);
      lists.add(list, count);
      triggers.add(trigger, count);
    }
    const key = JSON.stringify([day, kind, purpose, group, list, category, trigger]);
    const before = this.#attempts.get(key)?.count ?? 0;
    this.#attempts.set(key, { day, kind, purpose, group, list, category, trigger, count: before + count });
  }

  /** A refusal by a list that is there for something else is no sign. */
  #addSignal({ hourMs, group, list, count }: HourCount, signal: string | undefined): void {
    if (signal === undefined) return;
    const day = dayText(hourMs);
    this.#signals.signals.add(signal, count);
    this.#signals.groups.add(group, count);
    const key = JSON.stringify([day, signal, group, list]);
    const before = this.#signalRows.get(key)?.count ?? 0;
    this.#signalRows.set(key, { day, signal, group, list, count: before + count });
  }

  #hourNotes(): Note[] {
    return this.#fromMs % HOUR_MS === 0 && this.#untilMs % HOUR_MS === 0 ? [] : [toNote('hours')];
  }
}

/** The estimates of distinct clients of a period. */
export class PeriodClients {
  readonly #group: string | null;
  readonly #fromMs: number;
  readonly #untilMs: number;
  readonly #days = new Map<string, Map<string, Sketch>>();
  readonly #groups = new Map<string, Sketch>();

  constructor(fromMs: number, untilMs: number, group: string | null) {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
    this.#group = group;
  }

  add({ day, group, registers }: DaySketch): void {
    if (this.#group !== null && group !== this.#group) return;
    let groups = this.#days.get(day);
    if (groups === undefined) {
      groups = new Map();
      this.#days.set(day, groups);
    }
    merge(groups, group, registers);
    merge(this.#groups, group, registers);
  }

  section(notes: readonly Note[]): ClientSection {
    const all = this.#group ?? ALL_GROUPS;
    const total = this.#groups.get(all)?.estimate() ?? null;
    const byDay = daysOf(this.#fromMs, this.#untilMs).map((day) => {
      const groups = this.#days.get(day);
      return { day, total: groups?.get(all)?.estimate() ?? 0, groups: totalsOf(groups) };
    });
    return {
      isLowerBound: notes.length > 0,
      errorPercent: ERROR_PERCENT,
      total,
      byGroup: totalsOf(this.#groups),
      byDay,
      notes: [...notes, ...this.#dayNotes()],
    };
  }

  #dayNotes(): Note[] {
    return this.#fromMs % DAY_MS === 0 && this.#untilMs % DAY_MS === 0 ? [] : [toNote('days')];
  }
}

const merge = (sketches: Map<string, Sketch>, group: string, registers: Uint8Array): void => {
  let sketch = sketches.get(group);
  if (sketch === undefined) {
    sketch = new Sketch();
    sketches.set(group, sketch);
  }
  sketch.merge(registers);
};

const totalsOf = (sketches: ReadonlyMap<string, Sketch> | undefined): Total[] =>
  [...(sketches ?? [])]
    .filter(([name]) => name !== ALL_GROUPS)
    .map(([name, sketch]) => ({ name, count: sketch.estimate() }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
