// All orders in which tasks can go on, one order a run: at each place where a task waits, another one may go first.
//
// How often a task is interrupted is bounded: nearly all faults of this kind show with one or two (Musuvathi and Qadeer, "Iterative
// context bounding", 2007), and the orders stay as many as can be run. A task is what runs within run(); `globalThis.turn` (turns.mjs) is where it waits. Nobody goes on until everybody waits, so
// that nothing but the order decides, and the same order gives the same run.
import { AsyncLocalStorage } from 'node:async_hooks';

/** What hangs is a fault of the test, milliseconds. */
const HANG_MS = 90_000;

interface Task {
  readonly waiting: (() => void)[];
  isDone: boolean;
}

const current = new AsyncLocalStorage<{ readonly schedule: Schedule; readonly task: Task }>();

Object.assign(globalThis, {
  turn: (value: unknown): unknown => {
    const place = current.getStore();
    return place === undefined ? value : place.schedule.wait(place.task, value);
  },
});

/** Who went on at one place. */
interface Choice {
  /** 0: who went on last, or the first one where nobody has or it is done. */
  readonly taken: number;
  readonly of: number;
  /** Another one than that interrupts it. */
  readonly isInterruptible: boolean;
  /** Of the task that went on. */
  readonly index: number;
}

/** One order. */
export class Schedule {
  /** What was decided, one after the other. */
  readonly choices: Choice[] = [];
  readonly #prefix: readonly number[];
  #tasks: readonly Task[] = [];
  #wake: () => void = () => undefined;

  constructor(prefix: readonly number[]) {
    this.#prefix = prefix;
  }

  /** Runs tasks in this order and gives what came of each. */
  async run<Result>(works: readonly (() => Promise<Result>)[]): Promise<Result[]> {
    const tasks = works.map((): Task => ({ waiting: [], isDone: false }));
    this.#tasks = tasks;
    const results = works.map((work, index) => {
      const task = tasks[index] as Task;
      return current.run({ schedule: this, task }, async () => {
        await this.wait(task, undefined);
        try {
          return await work();
        } finally {
          task.isDone = true;
          this.#wake();
        }
      });
    });
    await this.#lead();
    return Promise.all(results);
  }

  /** Waits for a value and then for its turn. */
  wait(task: Task, value: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const park = (goOn: () => void): void => {
        task.waiting.push(goOn);
        this.#wake();
      };
      Promise.resolve(value).then(
        (found) => park(() => resolve(found)),
        (thrown: unknown) => park(() => reject(thrown as Error)),
      );
    });
  }

  async #lead(): Promise<void> {
    let last: Task | undefined;
    for (;;) {
      const left = this.#tasks.filter(({ isDone }) => !isDone);
      if (left.length === 0) return;
      if (left.some(({ waiting }) => waiting.length === 0)) {
        await this.#change();
        continue;
      }
      const isInterruptible = last?.isDone === false;
      const sorted: readonly Task[] =
        isInterruptible && last !== undefined ? [last, ...left.filter((one) => one !== last)] : left;
      const taken = this.#prefix[this.choices.length] ?? 0;
      last = sorted[taken] ?? left[0];
      const index = last === undefined ? -1 : this.#tasks.indexOf(last);
      this.choices.push({ taken, of: left.length, isInterruptible, index });
      last?.waiting.shift()?.();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve, reject) => {
      const hang = setTimeout(() => reject(new Error('a task waits for nothing')), HANG_MS);
      this.#wake = () => {
        clearTimeout(hang);
        this.#wake = () => undefined;
        resolve();
      };
    });
  }
}

/** Runs all orders in which at most so many interrupt; gives how many there were. */
export const exploreOrders = async (
  interruptionsMax: number,
  runOnce: (schedule: Schedule) => Promise<void>,
): Promise<number> => {
  let orders = 0;
  for (let prefix: number[] | undefined = []; prefix !== undefined; orders++) {
    const schedule: Schedule = new Schedule(prefix);
    await runOnce(schedule);
    prefix = nextOf(schedule.choices, interruptionsMax);
  }
  return orders;
};

/** The order after one that was taken; undefined: there is none. */
const nextOf = (choices: readonly Choice[], interruptionsMax: number): number[] | undefined => {
  const interruptionsBefore = (end: number): number =>
    choices.slice(0, end).filter(({ taken, isInterruptible }) => isInterruptible && taken > 0).length;
  const last = choices.findLastIndex(
    ({ taken, of, isInterruptible }, at) =>
      taken + 1 < of && interruptionsBefore(at) + Number(isInterruptible) <= interruptionsMax,
  );
  if (last < 0) return undefined;
  return [...choices.slice(0, last).map(({ taken }) => taken), (choices[last]?.taken ?? 0) + 1];
};
