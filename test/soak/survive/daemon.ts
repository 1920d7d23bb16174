// A program that is kept running in a site, as the unit of systemd does: started again two seconds after an end that nobody
// asked for.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandIn, type Site } from './site.ts';

/** RestartSec= of deploy/cordon.service, milliseconds. */
const RESTART_MS = 2_000;
/** TimeoutStopSec= of deploy/cordon.service, milliseconds. */
const STOP_MS = 25_000;
/** Characters kept of what a program printed. */
const OUTPUT_LENGTH_MAX = 1 << 20;
/** Between two looks at what a program printed, milliseconds. */
const LOOK_MS = 50;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** How a daemon is started; what changes counts from the next start on. */
export interface Start {
  command: readonly string[];
  /** Words before the command that count outside the site, where the control groups are. */
  outside?: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** A program under a service manager. */
export class Daemon {
  readonly name: string;
  readonly start: Start;
  readonly #site: Site;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isWanted = false;
  /** Ends that nobody asked for. */
  deaths = 0;
  output = '';

  constructor(name: string, site: Site, start: Start) {
    this.name = name;
    this.#site = site;
    this.start = start;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  begin(): void {
    this.#isWanted = true;
    this.#spawn();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** SIGTERM, the end awaited; SIGKILL when it takes longer than a unit may. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  /** Waits until a text was printed that was not there before `from` characters. */
  async waitFor(text: string, timeoutMs: number, from = 0): Promise<void> {
    for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += LOOK_MS) {
      if (this.output.includes(text, from)) return;
      await sleep(LOOK_MS);
    }
    throw new Error(`${this.name} did not print "${text}" in ${timeoutMs} ms:\n${this.output.slice(-4000)}`);
  }

  #spawn(): void {
    const { command, outside = [] } = this.start;
    const [program = '', ...args] = [...outside, ...commandIn(this.#site, command)];
    const child = spawn(program, args, {
      env: { PATH: process.env['PATH'], ...this.start.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-OUTPUT_LENGTH_MAX);
      });
    }
    child.once('exit', () => {
      running.delete(child);
      if (!this.#isWanted) return;
      this.deaths++;
      this.#restart = setTimeout(() => this.#spawn(), RESTART_MS);
    });
  }
}
