// What the records say about themselves: what was not recorded, and what happened to those that were.

import type { RecordsRecord, SignedHead } from '../records/records.ts';
import type { EvidenceSource, PlacedChange } from './evidence.ts';
import type { Note, Total } from './model.ts';
import { toNote } from './notes.ts';
import type { RecordsSection } from './records-model.ts';
import { timeText } from './time-text.ts';

type HealthEvent = RecordsSection['events'][number];

/** Told under changes: somebody did them. */
const ELSEWHERE: ReadonlySet<string> = new Set(['reidentified', 'pseudonym-key', 'counting-key']);

/** Follows the chain of changes for one period. */
export class RecordHealth {
  readonly #fromMs: number;
  readonly #untilMs: number;
  readonly #events: HealthEvent[] = [];
  readonly #outputs = new Map<string, number>();
  readonly #uncleanEnds: RecordsSection['uncleanEnds'][number][] = [];
  #dropped = 0;

  constructor(fromMs: number, untilMs: number) {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
  }

  add({ record }: PlacedChange): void {
    if (record.kind === 'service' && record.event === 'unclean-end') {
      const endMs = Date.parse(record.lastWritten ?? record.time);
      // It concerns the time from the end until it was found.
      if (endMs < this.#untilMs && Date.parse(record.time) >= this.#fromMs)
        this.#uncleanEnds.push({ lastWritten: record.lastWritten ?? null, found: record.time });
    }
    if (record.kind === 'records' && !ELSEWHERE.has(record.event)) this.#take(record);
  }

  /** Events that were not recorded, and program ends after which some may be missing: what makes a count a lower bound. */
  get countNotes(): Note[] {
    const notes: Note[] = [];
    if (this.#dropped > 0) notes.push(toNote('not-recorded', this.#dropped));
    for (const { lastWritten } of this.#uncleanEnds) notes.push(toNote('unclean-end', lastWritten ?? '?'));
    if (this.#events.some(({ event }) => event === 'damaged')) notes.push(toNote('damaged'));
    return notes;
  }

  section(source: EvidenceSource, fromMs: number, untilMs: number): RecordsSection {
    // Not the moment in which the report is made.
    const { first, last } = extentOf(source);
    const { isIntact, records, findings } = source.check;
    return {
      first: first === undefined ? null : timeText(first),
      last: last === undefined ? null : timeText(last),
      dropped: this.#dropped,
      outputDropped: [...this.#outputs].map(([name, count]): Total => ({ name, count })),
      uncleanEnds: this.#uncleanEnds,
      events: this.#events,
      chain: { isIntact, records, findings },
      heads: lastHeads(source.heads, fromMs, untilMs),
    };
  }

  #take(record: RecordsRecord): void {
    const atMs = Date.parse(record.time);
    const startMs = Math.min(atMs, Date.parse(record.from ?? record.time));
    if (startMs >= this.#untilMs || atMs < this.#fromMs) return;
    const { time, event, count, ms, file, from, until, text, output } = record;
    if (event === 'dropped') this.#dropped += count ?? 0;
    if (event === 'output-dropped')
      this.#outputs.set(output ?? '', (this.#outputs.get(output ?? '') ?? 0) + (count ?? 0));
    this.#events.push({
      time,
      event,
      count: count ?? null,
      ms: ms ?? null,
      file: file ?? output ?? null,
      from: from ?? null,
      until: until ?? null,
      text: text ?? null,
    });
  }
}

/**
 * First and last time that the records speak of, milliseconds. A head and a checkpoint say that nothing else happened until
 * they were signed; nothing that is not signed says so.
 */
export const extentOf = ({
  coverage,
  heads,
  provenMs,
}: EvidenceSource): { first?: number; last?: number } => {
  const classes = Object.values(coverage);
  if (classes.length === 0) return {};
  return {
    first: Math.min(...classes.map(({ firstMs }) => firstMs)),
    last: heads.reduce(
      (last, { signedAt }) => Math.max(last, Date.parse(signedAt)),
      Math.max(...classes.map(({ lastMs }) => lastMs), ...(provenMs === undefined ? [] : [provenMs])),
    ),
  };
};

/** Of each class the last head of the period; without one, the first after it, which covers it as well. */
const lastHeads = (
  heads: readonly SignedHead[],
  fromMs: number,
  untilMs: number,
): RecordsSection['heads'] => {
  const found = new Map<string, SignedHead>();
  for (const head of heads) {
    const signedMs = Date.parse(head.signedAt);
    if (signedMs < fromMs) continue;
    if (signedMs < untilMs || !found.has(head.class)) found.set(head.class, head);
  }
  return [...found.values()].map(({ class: recordClass, number, last, hash, signedAt, keyId }) => ({
    class: recordClass,
    number,
    last,
    hash,
    signedAt,
    keyId,
  }));
};
