// Steps on a machine, each told when it is done; when one fails, what was done before is taken back, the last first.
//
// What cannot be taken back is named. Every step looks first, so that the same command run again goes on where it stands.
import { type AppError, errorText, isAppError } from '../base/base.ts';
import { mark } from './terminal.ts';

/** What came of a step. */
export interface Did {
  readonly text: string;
  /** False: something is left to a person, which the text says. */
  readonly isWhole?: boolean;
  /** Takes it back; absent where nothing was changed. */
  readonly undo?: (() => void | Promise<void>) | undefined;
}

/** One step, as it was told. */
export interface ToldStep {
  readonly what: string;
  readonly state: 'done' | 'left' | 'failed' | 'undone' | 'stays';
  readonly text: string;
}

const WORDS = { done: 'ok', left: '!', failed: 'NO', undone: 'back', stays: '!' } as const;
const MARKS = { done: 'good', left: 'warn', failed: 'bad', undone: 'warn', stays: 'bad' } as const;
const STATE_COLUMNS = 5;
const WHAT_COLUMNS = 15;

/** The steps of one command. */
export class Steps {
  readonly told: ToldStep[] = [];
  readonly #isQuiet: boolean;
  readonly #undos: { readonly what: string; readonly undo: () => void | Promise<void> }[] = [];

  /** `isQuiet`: they are printed at the end, as JSON. */
  constructor(isQuiet: boolean) {
    this.#isQuiet = isQuiet;
  }

  /** Nothing is left to a person. */
  get isWhole(): boolean {
    return this.told.every(({ state }) => state === 'done');
  }

  /** Does one, and gives what came of it; rejects as it does, when all before are taken back. */
  async take(what: string, act: () => Did | Promise<Did>): Promise<Did> {
    try {
      const did = await act();
      const { text, isWhole = true, undo } = did;
      if (undo !== undefined) this.#undos.unshift({ what, undo });
      this.#tell(what, isWhole ? 'done' : 'left', text);
      return did;
    } catch (thrown) {
      this.#tell(what, 'failed', errorText(thrown));
      await this.#takeBack();
      throw thrown;
    }
  }

  /** From here on nothing is taken back: others rely on it. */
  keep(): void {
    this.#undos.length = 0;
  }

  async #takeBack(): Promise<void> {
    for (const { what, undo } of this.#undos.splice(0)) {
      try {
        await undo();
        this.#tell(what, 'undone', 'as it was before');
      } catch (thrown) {
        if (!isAppError(thrown) && !(thrown instanceof Error)) throw thrown;
        this.#tell(what, 'stays', `is not as it was before: ${errorText(thrown)}`);
      }
    }
  }

  #tell(what: string, state: ToldStep['state'], text: string): void {
    this.told.push({ what, state, text });
    if (this.#isQuiet) return;
    const word = mark(MARKS[state], WORDS[state].padEnd(STATE_COLUMNS));
    process.stdout.write(`${word}${what.padEnd(WHAT_COLUMNS)}${text}\n`);
  }
}

/** Waits until something holds; throws what `otherwise` makes when it does not in time. */
export const until = async (
  holds: () => Promise<boolean>,
  forMs: number,
  otherwise: () => AppError | Promise<AppError>,
): Promise<void> => {
  const endMs = performance.now() + forMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw await otherwise();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
};

const LOOK_MS = 250;
