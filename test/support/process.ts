// Real processes for tests: the program as an operator starts it, and the tools that judge it from outside.
//
// startCordon() writes a configuration into its own directory, starts the checkout's `cordon serve` without a shell
// and waits for the log line that names its sockets, since tests bind port 0. What a process printed is kept, bounded,
// and stands in every error, so that a failure on another machine can be read without a second run. A process that
// a test forgot is killed when the test's own process ends.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestContext, TestOptions } from 'vitest';
import { parseEndpoint } from '../../src/base/base.ts';
import { ownClock } from './fake-time.ts';
import { mainOf, PROGRAM } from './program.ts';
import { missingText, packageOf } from './programs.ts';

/** From start to the ready line: type stripping and the shipped lists take about 1 s; a loaded machine many times that. */
export const READY_TIMEOUT_MS = 90_000;
/** Twice in a row another program was given the port: something else is wrong. */
const START_TRIES_MAX = 3;
/** From the ready line to the control socket, where there is one: a fleet begins between. */
const SOCKET_TIMEOUT_MS = 20_000;
/** From SIGTERM to the end: the drain's own limit is shorter. */
const STOP_TIMEOUT_MS = 90_000;
/** A log line that a test waits for. */
export const LOG_TIMEOUT_MS = 90_000;
/** A tool such as dig, with its own retries. */
const RUN_TIMEOUT_MS = 90_000;
/** Characters kept of a process's output, and characters of its end that an error quotes. */
const OUTPUT_LENGTH_MAX = 8 << 20;
const QUOTE_LENGTH_MAX = 8_000;
/** Where administrators' programs lie that the PATH of an ordinary user leaves out. */
const EXTRA_PATH = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

const root = fileURLToPath(new URL('../..', import.meta.url));
const running = new Set<ChildProcess>();
const directories = new Set<string>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** One line of the program's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Where a socket of the program listens. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** How a process ended: one of the two is null. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What startCordon needs. */
export interface CordonOptions {
  /** The configuration, YAML. Write port 0 wherever something listens. */
  readonly config: string;
  /** Further files of the configuration's directory by relative path, such as lists and certificates. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Variables beside KEPT_VARIABLES; nothing else of the test's environment reaches the program. */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments after `serve --config FILE`. */
  readonly args?: readonly string[];
  /** Directory of another checkout whose program it is. */
  readonly checkout?: string;
  /** A program with its arguments that becomes the one it is told to run, such as prlimit with a limit. */
  readonly through?: readonly string[];
}

/** A running service, in a process of its own or in that of the test (service.ts). */
export interface Running {
  /** Its directory: holds cordon.yaml and `files`, is the working directory, and goes away with the program. */
  readonly directory: string;
  /** The first address of `listen.dns`, UDP and TCP. */
  readonly dns: SocketAddress;
  readonly admin: SocketAddress;
  /** The whole ready line, for the sockets that not every test has (`dot`, `doh`). */
  readonly ready: LogLine;
  /** A service in the test's process knows SIGHUP alone. */
  signal(name: NodeJS.Signals): void;
  /** The log so far. */
  logs(): readonly LogLine[];
  /** Everything printed so far, stdout and stderr. */
  output(): string;
  /** The first line from index `from` (0 by default) that the predicate accepts; waits for it, and rejects with the output. */
  waitForLog(predicate: (line: LogLine) => boolean, from?: number): Promise<LogLine>;
  /** An orderly end, awaited; of a process SIGTERM, with exit code 0 asserted. */
  stop(): Promise<void>;
  /** SIGKILL to a process, the end awaited; a service in the test's process is stopped. Does nothing when it has ended. */
  kill(): Promise<void>;
}

/** A running program. End it with stop(), or with kill() where the test is about a crash. */
export interface Cordon extends Running {
  readonly pid: number;
  /** Settles when the process has ended, however that came. */
  readonly exited: Promise<Exit>;
}

/** Starts `cordon serve` from the checkout and waits until it is ready. */
export const startCordon = (options: CordonOptions): Promise<Cordon> =>
  untilUndisturbed(options.config, () => startOnce(options));

/**
 * A service finds out what port 0 becomes before its workers open it: when another program beside it was given that port
 * meanwhile, it is started again.
 */
export const untilUndisturbed = async <Started>(
  config: string,
  start: () => Promise<Started>,
): Promise<Started> => {
  for (let tries = 1; ; tries++) {
    try {
      return await start();
    } catch (error) {
      const [, endpoint] = /listening on (\S+) \(\w+\): EADDRINUSE/.exec(String(error)) ?? [];
      const isDrawn = endpoint !== undefined && !config.includes(endpoint);
      if (!isDrawn || tries === START_TRIES_MAX) throw error;
    }
  }
};

const startOnce = async (options: CordonOptions): Promise<Cordon> => {
  const directory = writeDirectory(options);
  const configFile = join(directory, CONFIG_NAME);
  const main = options.checkout === undefined ? PROGRAM : mainOf(options.checkout);
  const serve = [process.execPath, main, 'serve', '--config', configFile, ...(options.args ?? [])];
  const [command = '', ...args] = [...(options.through ?? []), ...serve];
  const child = spawn(findProgram(command) ?? command, args, {
    cwd: directory,
    env: environmentOf(options),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = track(child);
  const log = new LogReader([child.stdout, child.stderr]);
  const removeDirectory = exited.finally(() => forgetDirectory(directory));
  const waitForLog = (predicate: (line: LogLine) => boolean, from = 0, timeoutMs = LOG_TIMEOUT_MS) =>
    log.waitFor(predicate, from, timeoutMs, exited);
  const kill = async () => {
    child.kill('SIGKILL');
    await removeDirectory;
  };
  try {
    const ready = await waitForLog((line) => line.msg === 'ready', 0, READY_TIMEOUT_MS);
    await untilAsked(options, directory, () => child.exitCode !== null || log.lines.some(isWithoutSocket));
    return {
      pid: child.pid ?? 0,
      directory,
      ...socketsOf(ready),
      ready,
      exited,
      signal: (name) => void child.kill(name),
      logs: () => log.lines,
      output: () => log.output,
      waitForLog: (predicate, from) => waitForLog(predicate, from),
      stop: async () => {
        child.kill('SIGTERM');
        const exit = await withTimeout(exited, STOP_TIMEOUT_MS);
        await kill();
        const quote = quoteEnd(log.output);
        assert.ok(exit !== undefined, `the program ignored SIGTERM for ${STOP_TIMEOUT_MS} ms\n${quote}`);
        assert.deepEqual(exit, { code: 0, signal: null }, `the program ended badly\n${quote}`);
      },
      kill,
    };
  } catch (error) {
    await kill();
    throw error;
  }
};

const CONFIG_NAME = 'cordon.yaml';

/** Writes what a service reads into a directory of its own. */
export const writeDirectory = ({ config, files }: Pick<CordonOptions, 'config' | 'files'>): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-test-'));
  directories.add(directory);
  for (const [name, content] of Object.entries({ ...files, [CONFIG_NAME]: config })) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
};

export const forgetDirectory = (directory: string): void => {
  directories.delete(directory);
  rmSync(directory, { recursive: true, force: true });
};

/** What a service has of the environment of the tests, and what they want of it. */
export const environmentOf = ({ config, env }: CordonOptions): Record<string, string> => ({
  ...{ ...baseEnvironment(), ...dnssecOff(config), ...probeOff(config), ...env },
});

/** Where it listens, by its ready line. */
export const socketsOf = (ready: LogLine): Pick<Running, 'dns' | 'admin'> => ({
  dns: socketAddress(Array.isArray(ready['dns']) ? ready['dns'][0] : undefined, 'dns'),
  admin: socketAddress(ready['admin'], 'admin'),
});

/** What a tool printed and how it ended. */
export interface RunResult extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

/** How run() starts a tool. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs?: number;
}

/**
 * Runs a program without a shell. A status other than 0 is a result; a program that cannot be started or outlives
 * the limit rejects, the latter after SIGKILL.
 */
export const run = async (
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> => {
  const child = spawn(findProgram(command) ?? command, args, {
    cwd: options.cwd ?? root,
    env: { ...baseEnvironment(), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = track(child);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  child.stdin.on('error', () => undefined); // a tool that ends without reading its input closes the pipe early
  child.stdin.end(options.input ?? '');
  const timeoutMs = options.timeoutMs ?? RUN_TIMEOUT_MS;
  const exit = await withTimeout(exited, timeoutMs);
  if (exit === undefined) {
    child.kill('SIGKILL');
    await exited;
    const quote = quoteEnd(stdout.text + stderr.text);
    throw new Error(`${command} ${args.join(' ')} took more than ${timeoutMs} ms\n${quote}`);
  }
  return { ...exit, stdout: stdout.text, stderr: stderr.text };
};

/** The path of a program, or undefined when it is not installed. A path is returned as it is. */
export const findProgram = (program: string): string | undefined => {
  if (program.includes('/')) return program;
  return [...(process.env['PATH'] ?? '').split(delimiter), ...EXTRA_PATH]
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, program))
    .find((path) => isExecutable(path));
};

/** True when the program can be run. */
export const isInstalled = (program: string): boolean => findProgram(program) !== undefined;

/** Ends the test as not run, in words, when the program is missing; fails it instead where CI=true promised every tool. */
export const requireProgram = (context: Pick<TestContext, 'skip'>, program: string): void => {
  const from = packageOf(program);
  assert.ok(from !== undefined, `test/support/programs.txt does not say in which package ${program} is`);
  if (!isInstalled(program)) skipWithout(context, program, from);
};

/** As requireProgram(), for a file that a package of Debian brings. */
export const requireFile = (context: Pick<TestContext, 'skip'>, path: string, name: string): void => {
  if (!existsSync(path)) skipWithout(context, path, name);
};

/** As requireProgram(), for what is found by another way than the PATH and is not there. */
export const skipWithout = (context: Pick<TestContext, 'skip'>, what: string, from: string): void => {
  failWhereAllIsPromised(what, from);
  context.skip(missingText(what, from));
};

const failWhereAllIsPromised = (what: string, from: string): void =>
  assert.notEqual(process.env['CI'], 'true', `${what} is missing; .ci/run installs ${from}`);

/**
 * Options of a test or of a suite whose hooks need programs as well: it is skipped without them, as requireProgram() does.
 * `test('…', needing('chromium'), () => …)`.
 */
export const needing = (...programs: readonly string[]): TestOptions => {
  for (const program of programs) {
    const from = packageOf(program);
    assert.ok(from !== undefined, `test/support/programs.txt does not say in which package ${program} is`);
    if (!isInstalled(program)) return skippedWithout(program, from);
  }
  return {};
};

/** As needing(), for what is found by another way than the PATH. */
export const skippedWithout = (what: string, from: string): TestOptions => {
  failWhereAllIsPromised(what, from);
  return { skip: true, meta: { notRun: missingText(what, from) } };
};

/** The log of a service: JSON lines from its streams, other lines kept as text only. */
export class LogReader {
  readonly lines: LogLine[] = [];
  output = '';
  readonly #arrived = new EventEmitter();

  constructor(streams: readonly (Readable | null)[] = []) {
    for (const stream of streams) {
      let rest = '';
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.output = (this.output + chunk).slice(-OUTPUT_LENGTH_MAX);
        rest = this.#take(rest + chunk);
      });
    }
  }

  /** Takes lines of a log in this process. */
  write(lines: string): void {
    this.output = (this.output + lines).slice(-OUTPUT_LENGTH_MAX);
    this.#take(lines);
  }

  /** Returns what is no whole line yet. */
  #take(text: string): string {
    const lines = text.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) this.#add(line);
    return rest;
  }

  /** The first line from `from` that the predicate accepts; rejects when the time or the process ends first. */
  async waitFor(
    predicate: (line: LogLine) => boolean,
    from: number,
    timeoutMs: number,
    exited: Promise<unknown>,
  ): Promise<LogLine> {
    const found = Promise.withResolvers<LogLine>();
    let next = from;
    const scan = () => {
      for (; next < this.lines.length; next++) {
        const line = this.lines[next];
        if (line !== undefined && predicate(line)) return found.resolve(line);
      }
    };
    this.#arrived.on('line', scan);
    scan();
    const line = await withTimeout(Promise.race([found.promise, exited]), timeoutMs);
    this.#arrived.off('line', scan);
    if (isLogLine(line)) return line;
    const why = line === undefined ? `did not come within ${timeoutMs} ms` : 'did not come before the end';
    throw new Error(`the log line of ${predicate.toString()} ${why}\n${quoteEnd(this.output)}`);
  }

  #add(text: string): void {
    // A priority of the journal may stand before the line.
    const json = text.replace(/^<\d>/, '');
    if (!json.startsWith('{')) return;
    const line = parseLogLine(json);
    if (line === undefined) return;
    this.lines.push(line);
    this.#arrived.emit('line');
  }
}

const isLogLine = (value: unknown): value is LogLine =>
  typeof value === 'object' &&
  value !== null &&
  'msg' in value &&
  typeof value.msg === 'string' &&
  'level' in value &&
  typeof value.level === 'string';

const parseLogLine = (text: string): LogLine | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isLogLine(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** Remembers the process for the exit handler; resolves when it has ended and its output was read to the end. */
const track = (child: ChildProcess): Promise<Exit> => {
  running.add(child);
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return exited.finally(() => running.delete(child));
};

const collect = (stream: NodeJS.ReadableStream): { text: string } => {
  const collected = { text: '' };
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    collected.text = (collected.text + chunk).slice(-OUTPUT_LENGTH_MAX);
  });
  return collected;
};

/** Commands can ask the program a moment after it answers. Where no socket can be, as in a state directory that is no folder, none comes. */
export const untilAsked = async (
  { config, env = {} }: CordonOptions,
  directory: string,
  isHopeless: () => boolean,
): Promise<void> => {
  const [, written = 'state'] = /^state: *["']?([^\s"']+)/m.exec(config) ?? [];
  const socket = resolve(directory, env['CORDON_STATE'] ?? written, 'control.sock');
  const untilMs = Date.now() + SOCKET_TIMEOUT_MS;
  while (Date.now() < untilMs && !isHopeless() && !(await isListening(socket))) await sleep(20);
};

export const isWithoutSocket = ({ msg }: LogLine): boolean => msg === 'no control socket';

/** A program that was killed leaves its socket behind, and nobody there. */
const isListening = (path: string): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(path, () => {
      socket.destroy();
      done(true);
    }).on('error', () => done(false));
  });

/** The promise's value, or undefined after the time. */
const withTimeout = async <Value>(promise: Promise<Value>, timeoutMs: number): Promise<Value | undefined> => {
  const timeout = Promise.withResolvers<undefined>();
  const timer = setTimeout(timeout.resolve, timeoutMs, undefined);
  try {
    return await Promise.race([promise, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
};

/** Tests count what upstreams are asked: the probe's control names would be among it. */
const probeOff = (config: string): Record<string, string> =>
  /^probe:/m.test(config) ? {} : { CORDON_PROBE_INTERVAL: '0s' };

/** Tests count what upstreams are asked: without a word about DNSSEC nobody asks for the keys of the root. */
const dnssecOff = (config: string): Record<string, string> =>
  config.includes('dnssec:') ? {} : { CORDON_DNSSEC_MODE: 'off' };

/** The cache is that of `npm start`: without it each program would strip and compile its sources again. */
const KEPT_VARIABLES = ['PATH', 'HOME', 'TMPDIR', 'NODE_COMPILE_CACHE'];

/** What a program has of the environment of the tests. */
export const baseEnvironment = (): Record<string, string> => {
  const kept = KEPT_VARIABLES.map((name) => [name, process.env[name] ?? ''] as const);
  return { ...Object.fromEntries(kept.filter(([, value]) => value !== '')), ...ownClock() };
};

const socketAddress = (value: unknown, name: string): SocketAddress => {
  const endpoint = typeof value === 'string' ? parseEndpoint(value, 0) : undefined;
  assert.ok(endpoint !== undefined && endpoint.port > 0, `the ready line names no ${name} socket`);
  return { address: endpoint.address, port: endpoint.port };
};

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

const quoteEnd = (output: string): string => `--- output ---\n${output.slice(-QUOTE_LENGTH_MAX)}`;

/** Ends a program that a test started beside, at once; one that has ended by itself is no reason to wait. */
export const endProgram = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'close');
};
