// Sees when the state directory, or a part of it that the program holds open, is deleted or replaced underneath: what is
// written after that would go nowhere, without an error.
//
// What can come back is made anew: the directory, the control socket, the records. The register of exemptions cannot,
// because what it said is gone: exemptions go on as they were until the end of the program, and readiness says so.
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DIRECTORY_MODE, errorText, every, systemErrorCode } from '../../base/base.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import type { Part } from './part.ts';

/** How often it is looked: some calls of the system. */
const LOOK_MS = 1_000;

/** What the watch works with. */
export interface StateWatchOptions {
  readonly directory: string;
  /** Names in the directory of what can be made anew, each with how; and of what cannot, without. */
  readonly parts: ReadonlyMap<string, (() => Promise<void>) | undefined>;
  readonly log: Log;
  /** Everything that can come back is back. */
  onRestored(): void;
}

/** Looks after the state directory while the program runs. */
export class StateWatch implements Part {
  readonly name = 'watch of the state directory';
  readonly #options: StateWatchOptions;
  /** What stood where when it was last in order. */
  readonly #seen = new Map<string, string>();
  #end: (() => void) | undefined;
  #isRestoring = false;
  #trouble: string | undefined;
  readonly #gone = new Set<string>();

  constructor(options: StateWatchOptions) {
    this.#options = options;
  }

  /** Why something is not as it should be, for people; undefined: all is well. */
  get trouble(): string | undefined {
    if (this.#trouble !== undefined) return this.#trouble;
    if (this.#gone.size === 0) return undefined;
    return `${[...this.#gone].join(', ')} was deleted while the program ran: restart it`;
  }

  /** Takes what stands there for what should, and looks from now on. */
  open(): void {
    for (const name of ['', ...this.#options.parts.keys()]) this.#remember(name);
    this.#end ??= every(LOOK_MS, () => void this.#look());
  }

  close(): void {
    this.#end?.();
  }

  async #look(): Promise<void> {
    if (this.#isRestoring) return;
    const { directory, parts, log } = this.#options;
    const lost = this.#findLost();
    if (lost === undefined) return;
    if (lost.length === 0) {
      this.#trouble = undefined;
      return;
    }
    this.#isRestoring = true;
    const names = lost.map(([name]) => (name === '' ? directory : name));
    if (this.#trouble === undefined) log.error({ lost: names }, 'the state directory was deleted underneath');
    try {
      mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
      for (const [name] of lost) {
        const restore = parts.get(name);
        if (name !== '' && restore === undefined) {
          this.#gone.add(name);
          this.#seen.delete(name);
        }
        await restore?.();
      }
      for (const [name] of lost) if (!this.#gone.has(name)) this.#remember(name);
      this.#trouble = undefined;
      log.warn({ restored: names.filter((name) => !this.#gone.has(name)) }, 'the state directory is back');
      this.#options.onRestored();
    } catch (thrown) {
      if (systemErrorCode(thrown) === undefined && !(thrown instanceof Error)) throw thrown;
      this.#trouble = `the state directory was deleted and cannot be made: ${errorText(thrown)}`;
    } finally {
      this.#isRestoring = false;
    }
  }

  /** What stands there no more, by its name; undefined: that cannot be told now. */
  #findLost(): readonly (readonly [name: string, seen: string])[] | undefined {
    const { directory, log } = this.#options;
    try {
      return [...this.#seen].filter(([name, seen]) => identityOf(join(directory, name)) !== seen);
    } catch (thrown) {
      if (systemErrorCode(thrown) === undefined) throw thrown;
      const text = 'the state directory cannot be examined';
      if (this.#trouble === undefined) log.error({ err: thrown }, text);
      this.#trouble = `${text}: ${errorText(thrown)}`;
      return undefined;
    }
  }

  #remember(name: string): void {
    const identity = identityOf(join(this.#options.directory, name));
    if (identity !== undefined) this.#seen.set(name, identity);
  }
}

/** Throws what the system says, but undefined where nothing is. The number alone may be given to the next file at once. */
const identityOf = (path: string): string | undefined => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.ino} ${found.birthtimeMs}`;
};
