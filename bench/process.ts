// Servers and load generators as child processes on chosen cores, and what the kernel accounts to them.
//
// Every child is remembered from its start and killed when the harness ends, whatever ended it; SIGINT and SIGTERM
// end the harness like an error does. CPU time and memory come from /proc (proc(5)), so the server under test needs
// no measuring code of its own. Linux only.
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { findProgram } from '../test/support/process.ts';

/** Clock ticks of /proc a second: USER_HZ, the same on every Linux that Node.js runs on. */
const TICKS_PER_SEC = 100;
/** A peer with a million names needs seconds to let go of its memory. */
const STOP_TIMEOUT_MS = 15_000;
/** Characters kept of a child's output. */
const OUTPUT_LENGTH_MAX = 64 * 1024;
/** Attempts to find a port that is free for UDP and TCP alike. */
const PORT_TRIES = 20;

/** The core of the server under test and the one of everything else. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Makes signals end the harness by way of its exit hooks, which stop the children. */
export const stopOnSignals = (): void => {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
};

/** A child under way. */
export interface Process {
  readonly pid: number;
  /** The end of what it printed. */
  output(): string;
  /** True once it has ended. */
  readonly hasEnded: boolean;
  readonly ended: Promise<void>;
  /** Ends its input, where it has one. */
  endInput(): void;
  /** SIGTERM, then SIGKILL; resolves when it has ended. */
  stop(): Promise<void>;
}

/** How startProcess() starts a child. */
export interface ProcessOptions {
  /** The only core that it may use; undefined: all. */
  readonly core?: number | undefined;
  readonly cwd?: string;
  /** Its input stays open until endInput(); none by default. */
  readonly hasInput?: boolean;
}

/** Starts a program without a shell. */
export const startProcess = (
  program: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Process => {
  const path = findProgram(program) ?? program;
  const command =
    options.core === undefined ? [path, ...args] : ['taskset', '-c', `${options.core}`, path, ...args];
  const [executable = '', ...rest] = command;
  const child = spawn(executable, rest, {
    cwd: options.cwd,
    stdio: [options.hasInput === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-OUTPUT_LENGTH_MAX);
    });
  }
  const state = { hasEnded: false };
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      running.delete(child);
      state.hasEnded = true;
      resolve();
    };
    child.once('error', (error) => {
      output += `\n${error.message}`;
      end();
    });
    child.once('close', end);
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    get hasEnded() {
      return state.hasEnded;
    },
    ended,
    endInput: () => void child.stdin?.end(),
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(timer);
    },
  };
};

/** Binds all threads of a process to one core. */
export const pinProcess = async (pid: number, core: number): Promise<void> => {
  await startProcess('taskset', ['-a', '-p', '-c', `${core}`, `${pid}`]).ended;
};

/** A port of 127.0.0.1 that is free for UDP and TCP. */
export const findFreePort = async (): Promise<number> => {
  for (let attempt = 0; attempt < PORT_TRIES; attempt++) {
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const { port } = udp.address();
    const tcp = createServer().listen(port, '127.0.0.1');
    const isFree = await once(tcp, 'listening').then(
      () => true,
      () => false,
    );
    await Promise.all([
      new Promise((resolve) => tcp.close(resolve)),
      new Promise<void>((resolve) => udp.close(resolve)),
    ]);
    if (isFree) return port;
  }
  throw new Error(`no port is free for UDP and TCP after ${PORT_TRIES} tries`);
};

/** CPU time of a process, all threads, seconds. */
export interface CpuTime {
  readonly userSec: number;
  readonly totalSec: number;
}

/** CPU time that a process has used so far. */
export const readCpu = (pid: number): CpuTime => parseCpu(readFileSync(`/proc/${pid}/stat`, 'utf8'));

/** CPU seconds of each thread of a process, the busiest first. */
export const readThreadCpu = (pid: number): ReadonlyMap<string, number> =>
  new Map(
    readdirSync(`/proc/${pid}/task`).map((thread) => [
      thread,
      parseCpu(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')).totalSec,
    ]),
  );

/** CPU time of all threads of a process that still run, nanoseconds: finer than the ticks of readCpu(). */
export const readRunNs = (pid: number): number => sumSchedstat(pid, 0);

/** CPU time of the thread that a process began with, nanoseconds: the main thread of Node.js. */
export const readMainNs = (pid: number): number => readSchedstat(pid, `${pid}`, 0);

/** How long all threads of a process waited for a core so far, nanoseconds: much of it means a disturbed measurement. */
export const readWaitNs = (pid: number): number => sumSchedstat(pid, 1);

const sumSchedstat = (pid: number, field: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + readSchedstat(pid, thread, field), 0);

const readSchedstat = (pid: number, thread: string, field: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[field]);

const parseCpu = (stat: string): CpuTime => {
  // The command's name stands in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  return { userSec: userTicks / TICKS_PER_SEC, totalSec: (userTicks + systemTicks) / TICKS_PER_SEC };
};

/** Resident memory of a process, bytes. */
export const readRss = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

/** Time that a core has spent in user code or that the hypervisor took from it, seconds. */
export const readCoreUser = (core: number): number => {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '';
  const fields = line.split(' ').map(Number);
  const [user = 0, nice = 0] = fields;
  return (user + nice + (fields[7] ?? 0)) / TICKS_PER_SEC;
};
