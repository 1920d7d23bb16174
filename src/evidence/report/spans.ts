// What held from when to when: values that follow each other in time, as records tell them.
//
// Records come in the order of the chain, not of the clock: a clock that goes back, and what is only known afterwards (a
// crash), overwrite what was said of the time from there on. Cut to a period, the spans cover it without gap or overlap.

/** A value and the time in which it held, milliseconds since the epoch; `untilMs` is exclusive. */
export interface Span<Value> {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly value: Value;
}

interface Mark<Value> {
  readonly atMs: number;
  readonly value: Value;
}

/** A value over time. */
export class SpanLine<Value> {
  readonly #marks: Mark<Value>[] = [];
  readonly #before: Value;
  readonly #isSame: (a: Value, b: Value) => boolean;

  /** `before` holds until the first value is set. */
  constructor(before: Value, isSame: (a: Value, b: Value) => boolean) {
    this.#before = before;
    this.#isSame = isSame;
  }

  /** The value that was set last. */
  get current(): Value {
    return this.#marks.at(-1)?.value ?? this.#before;
  }

  /** From `atMs` on, `value` holds, whatever was said of that time before. */
  set(atMs: number, value: Value): void {
    while ((this.#marks.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) >= atMs) this.#marks.pop();
    if (!this.#isSame(this.current, value)) this.#marks.push({ atMs, value });
  }

  /** The same, on its own from here on. */
  copy(): SpanLine<Value> {
    const copy = new SpanLine(this.#before, this.#isSame);
    copy.#marks.push(...this.#marks);
    return copy;
  }

  /** From `atMs` on, what another line says holds again. */
  resume(other: SpanLine<Value>, atMs: number): void {
    this.set(atMs, other.at(atMs));
    for (const mark of other.#marks) if (mark.atMs > atMs) this.set(mark.atMs, mark.value);
  }

  /** The value at a time. */
  at(atMs: number): Value {
    return this.#marks.findLast((mark) => mark.atMs <= atMs)?.value ?? this.#before;
  }

  /** The spans of a period, in order, without gap or overlap. */
  within(fromMs: number, untilMs: number): Span<Value>[] {
    const spans: Span<Value>[] = [];
    let value = this.#before;
    let startMs = fromMs;
    for (const mark of this.#marks) {
      if (mark.atMs >= untilMs) break;
      if (mark.atMs > startMs) {
        spans.push({ fromMs: startMs, untilMs: mark.atMs, value });
        startMs = mark.atMs;
      }
      value = mark.value;
    }
    if (untilMs > startMs) spans.push({ fromMs: startMs, untilMs, value });
    return spans;
  }
}
