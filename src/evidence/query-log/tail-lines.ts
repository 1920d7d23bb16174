// The newest lines, for somebody who looks: made only while somebody does.
import { LOGGED, type RingQuery } from '../../telemetry/events/events.ts';
import { Piece } from './encoder.ts';
import { JsonForm } from './json-form.ts';
import type { Naming } from './naming.ts';
import type { LogTail } from './settings.ts';

/** More than a person reads between two looks. */
const LINES_MAX = 200;
/** Who did not ask for so long looks no more, milliseconds. */
const LOOKING_MS = 15_000;

/** The newest lines. */
export class TailLines {
  readonly #form: JsonForm;
  readonly #piece = new Piece();
  #lines: string[] = [];
  #last = 0;
  #askedMs: number | undefined;

  constructor(naming: Naming, resolver: string) {
    this.#form = new JsonForm(naming, resolver);
  }

  write(query: RingQuery): void {
    if (this.#askedMs === undefined || query.kind !== LOGGED.CLIENT) return;
    this.#piece.length = 0;
    this.#form.encode(query, this.#piece);
    this.#lines.push(this.#piece.bytes.toString('latin1', 0, this.#piece.length - 1));
    this.#last++;
    if (this.#lines.length >= 2 * LINES_MAX) this.#lines = this.#lines.slice(-LINES_MAX);
  }

  /** Lines behind a number; from now on they are made. */
  after(number: number, nowMs: number): LogTail {
    this.#askedMs = nowMs;
    const isNew = number < 0 || number > this.#last;
    const count = isNew ? LINES_MAX : Math.min(LINES_MAX, this.#last - number);
    return { last: this.#last, lines: count === 0 ? [] : this.#lines.slice(-count) };
  }

  /** Ends the making of lines when nobody looks. */
  look(nowMs: number): void {
    if (this.#askedMs === undefined || Math.abs(nowMs - this.#askedMs) < LOOKING_MS) return;
    this.#askedMs = undefined;
    this.#lines = [];
  }
}
