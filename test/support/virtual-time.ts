// Timers and clocks that move only when they are told: what waits for a minute is done at once, in the order of its time.
//
// setTimeout, setInterval and their ends of this process are replaced while it runs; setImmediate stays, by which a test waits
// for promises. Clocks are given to what takes one.

interface Timer {
  atMs: number;
  readonly order: number;
  readonly everyMs: number | undefined;
  readonly act: () => void;
}

/** A time of its own. */
export class VirtualTime {
  readonly #startMs: number;
  readonly #timers = new Map<number, Timer>();
  readonly #real = { setTimeout, setInterval, clearTimeout, clearInterval };
  #passedMs = 0;
  #ids = 0;

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  readonly clock = (): number => this.#startMs + this.#passedMs;
  readonly monotonic = (): number => this.#passedMs;

  /** Takes the place of the process's timers. */
  install(): void {
    const add =
      (isRepeated: boolean) =>
      (act: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => {
        const id = ++this.#ids;
        const everyMs = isRepeated ? Math.max(1, ms) : undefined;
        this.#timers.set(id, {
          ...{ atMs: this.#passedMs + Math.max(1, ms), order: id, everyMs },
          act: () => act(...given),
        });
        const handle = { unref: () => handle, ref: () => handle, hasRef: () => true, id };
        return handle;
      };
    const clear = (handle: { readonly id?: number } | undefined): void => {
      if (handle?.id !== undefined) this.#timers.delete(handle.id);
    };
    Object.assign(globalThis, {
      ...{ setTimeout: add(false), setInterval: add(true), clearTimeout: clear, clearInterval: clear },
    });
  }

  uninstall(): void {
    Object.assign(globalThis, this.#real);
    this.#timers.clear();
  }

  /** Moves to the next timer, at most by so much, and has it act. */
  advance(maxMs: number): void {
    let next: readonly [id: number, timer: Timer] | undefined;
    for (const [id, timer] of this.#timers) {
      const [, best] = next ?? [0, undefined];
      if (
        best === undefined ||
        timer.atMs < best.atMs ||
        (timer.atMs === best.atMs && timer.order < best.order)
      )
        next = [id, timer];
    }
    const [id, timer] = next ?? [0, undefined];
    if (timer === undefined || timer.atMs > this.#passedMs + maxMs) {
      this.#passedMs += maxMs;
      return;
    }
    this.#passedMs = Math.max(this.#passedMs, timer.atMs);
    if (timer.everyMs === undefined) this.#timers.delete(id);
    else timer.atMs = this.#passedMs + timer.everyMs;
    timer.act();
  }
}
