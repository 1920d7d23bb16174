// A real engine for tests: nats-server on loopback, with the configuration that Cordon wrote for it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './process.ts';

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** How long an engine may take to listen, milliseconds. */
const START_MS = 90_000;

/** What an engine said last is told with what it did not do, characters. */
const LAST_WORDS = 3_000;

/** Those of this process that were started, and what each said last: for a test that waited in vain. */
const started = new Set<FleetEngine>();
export const wordsOfEngines = (): string =>
  [...started].map((engine) => `engine at ${engine.at}: ${engine.output.slice(-LAST_WORDS)}`).join('\n');

/** An engine that runs. */
export class FleetEngine {
  readonly #configPath: string;
  readonly #port: number;
  readonly #host: string;
  #child: ChildProcess | undefined;
  output = '';

  constructor(configPath: string, port: number, host = '127.0.0.1') {
    this.#configPath = configPath;
    this.#host = host;
    this.#port = port;
  }

  /** Where it listens. */
  get at(): string {
    return `${this.#host}:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** Of the process; 0 while none runs. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it, and is done when it listens. */
  async start(): Promise<void> {
    const program = findProgram('nats-server');
    assert.ok(program !== undefined, 'nats-server is installed');
    const child = spawn(program, ['-c', this.#configPath], { stdio: ['ignore', 'ignore', 'pipe'] });
    running.add(child);
    started.add(this);
    child.once('exit', () => running.delete(child));
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      this.output = (this.output + piece).slice(-100_000);
    });
    this.#child = child;
    for (const untilMs = Date.now() + START_MS; ; ) {
      if (await listens(this.#port, this.#host)) return;
      assert.ok(
        Date.now() < untilMs && child.exitCode === null,
        `the engine does not listen\n${this.output}`,
      );
      await sleep(20);
    }
  }

  /** Has it read its configuration again. */
  reload(): void {
    this.#child?.kill('SIGHUP');
  }

  /** SIGKILL, the end awaited. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}

/** How long three servers may take to find a leader, milliseconds: they try again after 4 to 9 seconds. */
const LEADER_MS = 30_000;

/**
 * Starts the servers of one cluster. Of a thousand clusters of 2.10 whose servers start at once, one stays without a leader, since
 * some of them never hear what the others publish (docs/fleet.md, "Three engines"): one server more is started anew there.
 */
export const startCluster = async (engines: readonly FleetEngine[]): Promise<void> => {
  await Promise.all(engines.map((engine) => engine.start()));
  for (let index = 0; !(await findsLeader(engines)); index++) {
    const engine = engines[index];
    assert.ok(engine !== undefined, `no leader is found\n${wordsOfEngines()}`);
    await engine.kill();
    await engine.start();
  }
};

const findsLeader = async (engines: readonly FleetEngine[]): Promise<boolean> => {
  for (const untilMs = performance.now() + LEADER_MS; performance.now() < untilMs; ) {
    if (engines.some(({ output }) => /new (?:JetStream cluster )?metadata leader/.test(output))) return true;
    await sleep(20);
  }
  return false;
};

const listens = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
