import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { createTestFiles } from '../memory-folder.ts';
import { needing } from '../support/process.ts';

test(
  'the folder of a run is in memory for the run alone, and ends with it',
  needing('unshare'),
  ({ skip }) => {
    const { command, env } = createTestFiles({});
    const [program = '', ...options] = command;
    if (program === '') skip('nothing can be mounted here');
    const write = ['sh', '-c', 'touch "$TMPDIR/made" && stat --file-system --format=%T "$TMPDIR"'];
    const said = execFileSync(program, [...options, ...write], { env: { ...process.env, ...env } });
    expect(said.toString()).toBe('tmpfs\n');
    expect(readdirSync(env.TMPDIR ?? '')).toEqual([]);
  },
);

test('who sets TMPDIR has the files there', () => {
  expect(createTestFiles({ TMPDIR: tmpdir() })).toEqual({ command: [], env: {} });
});
