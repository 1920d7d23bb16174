// What the chain of changes tells of the runs of the program and of its files, as it is read in order.
import type { Report } from './finding.ts';

/** How the run before a start ended. */
export interface RunEnd {
  /** Its last sign of life, where the start found an unclean end. */
  readonly aliveMs: number | undefined;
  /** Sequence number of its stop; undefined where none is there. */
  readonly stop: number | undefined;
}

/** Follows the records of changes. */
export class ServiceTrail {
  /** Names of partitions whose deletion is recorded. */
  readonly deleted = new Set<string>();
  /** A clean stop is the last that was recorded. */
  isStopped = false;
  /** The last change that the recorder noted is that it stopped: what stands behind, a start as well, cannot undo that. */
  isStopNoted = false;
  /** A start says that there is a log. */
  isLogBegun = false;
  /** Is told of each start, of the program or of the recorder alone, with the last sign of life of what did not stop. */
  onStart: ((record: object, before: RunEnd) => void) | undefined;
  /** Sequence number of the last start; 0 for none. */
  started = 0;
  /** Last sign of life that an unclean end tells of; undefined since a start. */
  #aliveMs: number | undefined;
  #stop: number | undefined;
  /** How many blocks the last start found in the log. */
  #logSize = 0;
  readonly #report: Report;
  /** The last change that the recorder noted. */
  readonly #noted: number | undefined;

  constructor(noted: number | undefined, report: Report) {
    this.#noted = noted;
    this.#report = report;
  }

  /** The next record. */
  note(record: object, sequence: number): void {
    const { kind, event, file } = record as Readonly<Record<string, unknown>>;
    if (kind === 'records' && event === 'deleted' && typeof file === 'string') this.deleted.add(file);
    if (kind === 'records' && event === 'restored') {
      this.onStart?.(record, { aliveMs: timeOf(record, 'until'), stop: undefined });
      this.#noteLog(record);
    }
    if (kind !== 'service') return;
    if (event === 'stop') {
      this.isStopped = true;
      this.#stop = sequence;
    }
    if (event === 'stop' && sequence === this.#noted) this.isStopNoted = true;
    if (event === 'unclean-end') this.#aliveMs = timeOf(record, 'lastWritten');
    if (event !== 'start') return;
    this.onStart?.(record, { aliveMs: this.#aliveMs, stop: this.#stop });
    this.#aliveMs = undefined;
    this.#stop = undefined;
    this.#noteLog(record);
    this.isStopped = false;
    this.started = sequence;
  }

  /** Each start says how many blocks the log had: it never has fewer later. */
  #noteLog(record: object): void {
    const { logSize, time } = record as Readonly<Record<string, unknown>>;
    if (typeof logSize !== 'number') return;
    this.isLogBegun = true;
    if (logSize < this.#logSize) {
      const text = `at the start of ${String(time)} the log had ${logSize} blocks, and ${this.#logSize} before`;
      this.#report('log-differs', text, {});
    }
    this.#logSize = logSize;
  }
}

const timeOf = (record: object, member: 'lastWritten' | 'until'): number | undefined => {
  const ms = Date.parse(String((record as { readonly [name in typeof member]?: unknown })[member]));
  return Number.isNaN(ms) ? undefined : ms;
};
