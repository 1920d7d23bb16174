// Which of the program's threads stand behind others for a processor.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startCordon } from '../support/process.ts';

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

test('who compiles and collects waits for who answers', async () => {
  const config =
    'listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }\nupstreams: ["127.0.0.1:1"]\nworkers: 2\n';
  const cordon = await startCordon({ config });
  try {
    const niceness = readNiceness(cordon.pid);
    expect(niceness.get('V8Worker')).toEqual(new Set([10]));
    expect([...niceness].filter(([name]) => name !== 'V8Worker').every(([, values]) => values.has(0))).toBe(
      true,
    );
  } finally {
    await cordon.kill();
  }
});
