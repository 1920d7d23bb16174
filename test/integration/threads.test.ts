// The program's threads: which stand behind others for a processor, and how often each wakes when nobody asks.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test, vi } from 'vitest';
import { startCordon } from '../support/process.ts';

const COUNTER = pathToFileURL(fileURLToPath(new URL('../support/wakings.mjs', import.meta.url))).href;
/** Most turns of a loop in two seconds of rest: a look each quarter of a second, what others send it, and its own count. */
const TURNS_MAX: readonly (readonly [thread: string, turns: number])[] = [
  ['main', 20],
  ['0', 14],
  ['1', 14],
  ['recorder', 9],
];
const WINDOW = 4;
const WAIT_MS = 90_000;

/** Niceness of the threads of a process by their names (proc_pid_stat(5), field 19). */
const readNiceness = (pid: number): Map<string, Set<number>> => {
  const found = new Map<string, Set<number>>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const niceness = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    found.set(name, (found.get(name) ?? new Set()).add(niceness));
  }
  return found;
};

/** The fewest turns that a thread made in two seconds since it began. */
const fewestTurns = (directory: string, thread: string): number => {
  const turns = readFileSync(join(directory, `turns-${thread}`), 'utf8')
    .trim()
    .split('\n')
    .map(Number);
  const windows = turns.slice(WINDOW - 1).map((_, at) => turns.slice(at, at + WINDOW));
  // Infinity before there was a window.
  return Math.min(...windows.map((window) => window.reduce((sum, count) => sum + count, 0)));
};

test('who compiles and collects waits for who answers; a thread that nobody needs sleeps', {
  tags: 'night',
}, async () => {
  const config =
    'listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }\nupstreams: ["127.0.0.1:1"]\nworkers: 2\n';
  const cordon = await startCordon({ config, env: { NODE_OPTIONS: `--import=${COUNTER}` } });
  try {
    const niceness = readNiceness(cordon.pid);
    expect(niceness.get('V8Worker')).toEqual(new Set([10]));
    expect([...niceness].filter(([name]) => name !== 'V8Worker').every(([, values]) => values.has(0))).toBe(
      true,
    );
    await vi.waitFor(
      () => {
        const turns = TURNS_MAX.map(([thread]) => fewestTurns(cordon.directory, thread));
        const restless = TURNS_MAX.filter(([, max], at) => (turns[at] ?? Number.NaN) > max);
        expect(restless, `turns in two seconds: ${turns.join()}`).toEqual([]);
      },
      { timeout: WAIT_MS, interval: 250 },
    );
  } finally {
    await cordon.kill();
  }
});
