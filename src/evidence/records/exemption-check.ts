// Exemptions while the chains are checked: what the registers say has to be what the records say, and nothing passes under
// one that is over.
import type { Report } from './finding.ts';
import { isAmong, type RecordSpan } from './proof.ts';
import {
  byExemption,
  compareRecords,
  compareRegister,
  type ExemptionMark,
  endOf,
  markOf,
  type RecordedMarks,
  type RegisterStatement,
  statementOf,
} from './register-marks.ts';
import type { Witness } from './verification.ts';

/** From an end until the last worker knows, milliseconds: one that hangs is replaced within that time. */
const KNOWN_MS = 60_000;
/** Until an event of the register is recorded and signed, milliseconds: a second, and more while the disk is busy. */
const FRESH_MS = 10_000;

interface Place {
  readonly ordinal: number;
  readonly sequence: number;
}

/** Hits after the end of one exemption. */
interface LateHits {
  count: number;
  readonly first: string;
}

/** Follows both chains, that of changes first. */
export class ExemptionCheck {
  /** Exemptions that were decided on too lately to be compared; known once all was read. */
  young = 0;
  readonly #report: Report;
  readonly #nowMs: number;
  readonly #marks: (ExemptionMark & Place)[] = [];
  readonly #statements: (RegisterStatement & Place & { readonly before: number; readonly time: string })[] =
    [];
  readonly #gaps: { fromMs: number; untilMs: number }[] = [];
  #beginsMs: number | undefined;
  /** Time of the latest record so far. */
  #timeMs = Number.NEGATIVE_INFINITY;
  /** Since when records are missing; undefined while none are. */
  /** When the program that wrote them last was started. */
  #startedMs = Number.NEGATIVE_INFINITY;
  #gapMs: number | undefined;
  /** By exemption: from when on nothing may pass under it; undefined until the records go on behind an end that came late. */
  readonly #overMs = new Map<string, number | undefined>();
  /** By the number alone, which is all that a query names. */
  #overById: ReadonlyMap<string, number> | undefined;
  readonly #late = new Map<string, LateHits>();

  constructor(report: Report, nowMs: number) {
    this.#report = report;
    this.#nowMs = nowMs;
  }

  /** Records of changes are missing from here on, or are not what was written. */
  breakOff(): void {
    this.#gapMs ??= this.#timeMs;
  }

  /** The next record of changes. */
  change(record: object, ordinal: number, sequence: number): void {
    const timeMs = Date.parse(String((record as { readonly time?: unknown }).time));
    if (!Number.isFinite(timeMs)) return;
    this.#beginsMs ??= timeMs;
    const { kind, event } = record as Readonly<Record<string, unknown>>;
    if (kind === 'service' && event === 'start') this.#startedMs = timeMs;
    if (this.#gapMs !== undefined) this.#gaps.push({ fromMs: this.#gapMs, untilMs: timeMs });
    this.#gapMs = undefined;
    for (const [key, overMs] of this.#overMs)
      if (overMs === undefined && timeMs >= this.#timeMs) this.#overMs.set(key, timeMs);
    const mark = markOf(record);
    if (mark !== undefined) {
      this.#marks.push({ ...mark, ordinal, sequence });
      // One from before what stands before it was decided elsewhere: when it was known here, the next record tells.
      if (endOf([mark]) !== undefined && !this.#overMs.has(mark.key))
        this.#overMs.set(mark.key, timeMs < this.#timeMs ? undefined : timeMs);
    }
    const statement = statementOf(record);
    if (statement !== undefined)
      this.#statements.push({
        ...{ ...statement, ordinal, sequence },
        ...{ before: this.#marks.length, time: new Date(timeMs).toISOString() },
      });
    this.#timeMs = Math.max(this.#timeMs, timeMs);
  }

  /** The next record of queries, once all changes were read. */
  query(record: object): void {
    const { kind, exemption, time, until } = record as Readonly<Record<string, unknown>>;
    if (kind !== 'exemption-hit' || typeof exemption !== 'string' || typeof time !== 'string') return;
    this.#overById ??= this.#endsById();
    const overMs = this.#overById.get(exemption);
    const lastTime = typeof until === 'string' ? until : time;
    if (overMs === undefined || !(Date.parse(lastTime) > overMs + KNOWN_MS)) return;
    const known = this.#late.get(exemption);
    const { count = 1 } = record as { readonly count?: number };
    if (known === undefined) this.#late.set(exemption, { count, first: lastTime });
    else known.count += count;
  }

  /** Once all was read: `sound` are the changes that count. */
  finish(sound: readonly RecordSpan[], witnesses: readonly Witness[]): void {
    const overById = this.#overById ?? new Map<string, number>();
    for (const [id, { count, first }] of this.#late) {
      const over = new Date(overById.get(id) ?? 0).toISOString();
      const text = `${count} queries passed under ${id}, which was over at ${over}`;
      this.#report('exemption-over', text, { class: 'queries', from: first, until: null });
    }
    if (this.#gapMs !== undefined)
      this.#gaps.push({ fromMs: this.#gapMs, untilMs: Number.POSITIVE_INFINITY });
    this.#compare(sound, witnesses);
  }

  #compare(sound: readonly RecordSpan[], witnesses: readonly Witness[]): void {
    const read = witnesses.flatMap(({ register }) => register ?? []);
    // Records alone, as they are copied to an auditor, have none beside them.
    if (read.length === 0) return;
    const isSigned = ({ ordinal, sequence }: Place): boolean => isAmong(sound, ordinal, sequence);
    const fresh = new Set<string>();
    for (const { key, time } of [...this.#marks, ...read.flatMap(({ marks }) => marks)])
      if (this.#isFresh(time)) fresh.add(key);
    this.young = fresh.size;
    const isSettled = ({ key }: ExemptionMark): boolean => !fresh.has(key);
    const marks = this.#marks.filter(isSettled);
    const recorded: RecordedMarks = {
      marks: marks.map((mark) => ({ ...mark, isSigned: isSigned(mark) })),
      statements: this.#statements
        .filter((one) => isSigned(one) && !this.#isFresh(one.time))
        .map((one) => ({ ...one, before: this.#marks.slice(0, one.before).filter(isSettled).length })),
      gaps: this.#gaps,
      beginsMs: this.#beginsMs,
    };
    const registers = read.map((one) => ({ ...one, marks: one.marks.filter(isSettled) }));
    for (const register of registers)
      for (const { id, text } of compareRegister(register, recorded))
        this.#differ(`${register.file}: ${id === undefined ? '' : `${id} is granted, and `}${text}`);
    for (const { id, text } of compareRecords(registers, recorded))
      this.#differ(`${String(id)} is not in the register as it is in the records: ${text}`);
  }

  /**
   * What happens while a running program is verified stands in one of the two first, and is not signed yet. What was decided before its
   * start has been in both since then.
   */
  #isFresh(time: string): boolean {
    const timeMs = Date.parse(time);
    return timeMs >= this.#startedMs && Math.abs(this.#nowMs - timeMs) < FRESH_MS;
  }

  #differ(text: string): void {
    this.#report('register-differs', text, {});
  }

  #endsById(): ReadonlyMap<string, number> {
    const over = new Map<string, number>();
    const open = new Set<string>();
    for (const [key, [mark]] of byExemption(this.#marks)) {
      const overMs = this.#overMs.get(key);
      if (mark === undefined) continue;
      if (overMs === undefined) open.add(mark.id);
      else over.set(mark.id, Math.max(overMs, over.get(mark.id) ?? overMs));
    }
    for (const id of open) over.delete(id);
    return over;
  }
}
