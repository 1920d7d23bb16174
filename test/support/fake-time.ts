// A wall clock that tests move, for the real program and its commands: libfaketime reads how far it is off from a file.
//
// Only the wall clock moves. Timers run as ever, so that nothing waits longer or shorter than it should; whatever goes
// by dates sees the day that the test says.
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Debian puts the library for programs with threads. */
const LIBRARIES = ['x86_64', 'aarch64'].map(
  (arch) => `/usr/lib/${arch}-linux-gnu/faketime/libfaketimeMT.so.1`,
);

/** The library, or undefined when it is not installed. */
export const fakeTimeLibrary = (): string | undefined => LIBRARIES.find((path) => existsSync(path));

/** A clock for processes that are started with its environment. */
export class FakeTime {
  readonly #directory = mkdtempSync(join(tmpdir(), 'cordon-time-'));
  readonly #file = join(this.#directory, 'offset');
  #offsetMs = 0;

  constructor(startMs: number) {
    this.set(startMs);
  }

  /** Variables of the processes that have this clock. */
  get env(): Readonly<Record<string, string>> {
    const library = fakeTimeLibrary();
    if (library === undefined) throw new Error('libfaketime is not installed');
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** What the clock shows, milliseconds since the epoch. */
  get nowMs(): number {
    return Date.now() + this.#offsetMs;
  }

  /** Sets the clock; it goes on from there. */
  set(ms: number): void {
    this.#offsetMs = Math.round((ms - Date.now()) / 1000) * 1000;
    const next = `${this.#file}.new`;
    const seconds = this.#offsetMs / 1000;
    writeFileSync(next, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(next, this.#file);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
