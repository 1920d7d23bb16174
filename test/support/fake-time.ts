// A wall clock that tests move, for the real program and its commands: libfaketime reads how far it is off from a file.
//
// Only the wall clock moves. Timers run as ever, so that nothing waits longer or shorter than it should; whatever goes
// by dates sees the day that the test says.
//
// All tests may run at another date than that of the machine (`npm run dates`): then every program that they start has
// their clock, and a clock that a test moves starts from it.
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

/** Where Debian puts the library for programs with threads. */
const LIBRARIES = ['x86_64', 'aarch64'].map(
  (arch) => `/usr/lib/${arch}-linux-gnu/faketime/libfaketimeMT.so.1`,
);

/** The library, or undefined when it is not installed. */
export const fakeTimeLibrary = (): string | undefined => LIBRARIES.find((path) => existsSync(path));

/** What a process has its clock and its zone by, where they are not those of the machine. */
const CLOCK_VARIABLES: readonly string[] = [
  ...['LD_PRELOAD', 'FAKETIME_TIMESTAMP_FILE', 'FAKETIME_NO_CACHE', 'FAKETIME_DONT_FAKE_MONOTONIC'],
  ...['FAKETIME_DISABLE_SHM', 'TZ'],
];

/** The clock of this process, for one that is started with nothing else of its environment. */
export const ownClock = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    CLOCK_VARIABLES.flatMap((name) => {
      const value = process.env[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );

/** Variables of processes whose clock is off by what `file` says in seconds, as libfaketime reads it. */
export const clockEnvironment = (file: string): Readonly<Record<string, string>> => {
  const library = fakeTimeLibrary();
  if (library === undefined) throw new Error('libfaketime is not installed');
  return {
    ...{ LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_DONT_FAKE_MONOTONIC: '1' },
    // Shared memory is for clocks that go by what was asked of them; a program of another user waits for it for ever.
    FAKETIME_DISABLE_SHM: '1',
  };
};

/**
 * How far this process's clock is off that of the machine, milliseconds. Programs in which libfaketime hangs keep the machine's
 * (`npm run dates`): what is signed for them has to hold at both.
 */
export const ownOffsetMs = (): number => {
  const { FAKETIME_TIMESTAMP_FILE: file, LD_PRELOAD: library } = process.env;
  return file === undefined || library === undefined ? 0 : Number(readFileSync(file, 'utf8')) * 1000;
};

/** Skips a test in which Cordon and `program`, whose clock is that of the machine (those of Go ask the kernel), have to agree. */
export const requireMachineClock = (context: Pick<TestContext, 'skip'>, program: string): void => {
  if (ownOffsetMs() !== 0) context.skip(`${program} keeps the clock of the machine`);
};

/** A clock for processes that are started with its environment. */
export class FakeTime {
  readonly #directory = mkdtempSync(join(tmpdir(), 'cordon-time-'));
  readonly #file = join(this.#directory, 'offset');
  readonly #ownOffsetMs = ownOffsetMs();
  /** From this process's clock. */
  #offsetMs = 0;

  constructor(startMs: number) {
    this.set(startMs);
  }

  /** Variables of the processes that have this clock. */
  get env(): Readonly<Record<string, string>> {
    return { ...clockEnvironment(this.#file), FAKETIME_NO_CACHE: '1' };
  }

  /** What the clock shows, milliseconds since the epoch. */
  get nowMs(): number {
    return Date.now() + this.#offsetMs;
  }

  /** Sets the clock; it goes on from there. */
  set(ms: number): void {
    this.#offsetMs = Math.round((ms - Date.now()) / 1000) * 1000;
    const next = `${this.#file}.new`;
    const seconds = (this.#ownOffsetMs + this.#offsetMs) / 1000;
    writeFileSync(next, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(next, this.#file);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
