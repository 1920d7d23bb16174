// A part of the program: what begins, follows a change of the configuration, and ends; and how all of them do, in one order.
//
// The order of parts is the order of the start. The end, and a start that fails, go backward over what was opened: a part may
// use those before it from its begin to its end.
import { type Part as AnyPart, every } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../telemetry/observe/observe.ts';

/** A part of this program. */
export type Part = AnyPart<Config>;

/** Between two looks, milliseconds. */
const LOOK_MS = 1_000;

/** All parts of one program. */
export class Parts {
  readonly #parts: readonly Part[];
  readonly #log: Pick<Log, 'error'>;
  /** Those that were opened, in their order. */
  readonly #opened: Part[] = [];
  #endLooks: (() => void) | undefined;

  constructor(parts: readonly Part[], log: Pick<Log, 'error'>) {
    this.#parts = parts;
    this.#log = log;
  }

  /** Opens all of them, or none, and throws what the one said that could not be opened. */
  async open(config: Config): Promise<void> {
    try {
      for (const part of this.#parts) {
        this.#opened.push(part);
        await part.open?.(config);
      }
      for (const part of this.#parts) part.begin?.();
    } catch (thrown) {
      // What else is wrong, the log says.
      await this.close().catch(() => undefined);
      throw thrown;
    }
    this.#endLooks = every(LOOK_MS, () => {
      for (const part of this.#parts) part.look?.();
    });
  }

  /** Throws what a part says against a configuration. */
  async prepare(config: Config): Promise<void> {
    for (const part of this.#parts) await part.prepare?.(config);
  }

  /** The configuration in force goes on, after another one was prepared. */
  async restore(config: Config): Promise<void> {
    for (const part of this.#parts) await part.restore?.(config);
  }

  /** A configuration is in force. */
  async follow(config: Config): Promise<void> {
    for (const part of this.#parts) await part.follow?.(config);
  }

  /** Ends all of them, whatever one says at its end; rejects with what the first one said. */
  async close(): Promise<void> {
    this.#endLooks?.();
    const opened = this.#opened.splice(0).reverse();
    const thrown: unknown[] = [];
    for (const end of ['drain', 'close'] as const) {
      for (const part of opened) {
        try {
          await part[end]?.();
        } catch (error) {
          this.#log.error({ part: part.name, err: error }, 'a part of the program did not end as it should');
          thrown.push(error);
        }
      }
    }
    if (thrown.length > 0) throw thrown[0];
  }
}
