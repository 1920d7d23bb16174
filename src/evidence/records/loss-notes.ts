// What was lost, on record: events that found no room, and records that an output dropped.
import type { Clock } from '../../base/base.ts';
import type { RecordLog } from './head-publisher.ts';
import { Interval } from './interval.ts';
import type { LostEvents } from './lost-events.ts';
import type { OwnRecords } from './own-records.ts';
import { timeText } from './partition.ts';
import type { RecordOutput } from './record-output.ts';

/** Between two records of events that were dropped, and of records that an output dropped, milliseconds. */
const DROPS_MS = 10_000;
const OUTPUT_DROPS_MS = 60_000;

/** Tells of losses, each time of all since the time before. */
export class LossNotes {
  readonly #lost: LostEvents;
  readonly #own: OwnRecords;
  readonly #log: RecordLog;
  readonly #told: Interval;
  readonly #outputsTold: Interval;
  readonly #outputDrops = new Map<RecordOutput, number>();

  constructor(lost: LostEvents, own: OwnRecords, log: RecordLog, monotonic: Clock) {
    this.#lost = lost;
    this.#own = own;
    this.#log = log;
    this.#told = new Interval(monotonic);
    this.#outputsTold = new Interval(monotonic);
  }

  /** Other outputs count from 0. */
  forgetOutputs(): void {
    this.#outputDrops.clear();
  }

  /** Tells what is due; all of it when it is the last time. */
  tell(outputs: readonly RecordOutput[], isLast: boolean): void {
    const loss = isLast || this.#told.isOver(DROPS_MS) ? this.#lost.take() : undefined;
    if (loss !== undefined) {
      this.#told.begin();
      const { count, fromMs, untilMs } = loss;
      this.#log.warn({ count }, 'events were dropped before they were recorded');
      const record = { event: 'dropped', count, from: timeText(fromMs), until: timeText(untilMs) } as const;
      this.#own.note(record, (error) => {
        if (error === undefined) this.#lost.confirm(loss);
      });
    }
    if (!isLast && !this.#outputsTold.isOver(OUTPUT_DROPS_MS)) return;
    this.#outputsTold.begin();
    for (const output of outputs) {
      const count = output.dropped - (this.#outputDrops.get(output) ?? 0);
      this.#outputDrops.set(output, output.dropped);
      if (count > 0) this.#own.note({ event: 'output-dropped', output: output.name, count });
    }
  }
}
