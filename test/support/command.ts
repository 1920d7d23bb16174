// The command in the process of the test, for tests of what it says: a start of Node.js is many times the work of most of
// them. What a process adds, such as signals, pipes that close and the code that it ends with, is of tests that start one.
// A call comes sooner than a process after what was done before: the control socket opens after the ready line.
import assert from 'node:assert/strict';
import type * as Command from '../../src/commands/command.ts';
import { baseEnvironment, type RunOptions, type RunResult, run } from './process.ts';
import { PROGRAM, roomOf } from './program.ts';

/** The command as a process, for what it does to itself: `serve` never ends, and `check` takes another user's rights. */
export const runProgram: typeof runCommandHere = (args, options) =>
  run(process.execPath, [PROGRAM, ...args], options);

/** The process has one directory, one environment and one output. */
let isRunning = false;

/** As runProgram(), in a directory, with variables of its own; one at a time. */
export const runCommandHere = async (
  args: readonly string[],
  { cwd: directory = process.cwd(), env = {} }: Pick<RunOptions, 'cwd' | 'env'> = {},
): Promise<RunResult> => {
  assert.ok(!isRunning, 'two commands at once: start them by runProgram()');
  isRunning = true;
  const { runCommand } = (await roomOf('commands/command')) as typeof Command;
  // By the object: packages (playwright among them) put functions of their own there, which remember the directory.
  const [place, environment] = [process.cwd(), process.env];
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)];
  try {
    process.chdir(directory);
    process.env = { ...baseEnvironment(), ...env };
    const code = await runCommand([...args]);
    return { code, signal: null, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    for (const stream of [stdout, stderr]) stream.end();
    process.env = environment;
    process.chdir(place);
    isRunning = false;
  }
};

/** Keeps what is written to a stream, in place of writing it. */
const capture = (stream: NodeJS.WriteStream): { text(): string; end(): void } => {
  const chunks: string[] = [];
  const write = stream.write;
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    const done = rest.find((one) => typeof one === 'function');
    if (done !== undefined) queueMicrotask(() => void (done as () => void)());
    return true;
  };
  return {
    text: () => chunks.join(''),
    end: () => {
      stream.write = write;
    },
  };
};
