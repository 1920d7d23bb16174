import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inMemory } from '../memory-folder.ts';
import { needing } from '../support/process.ts';

test(
  'the folder of a run is in memory for the run alone, and ends with it',
  needing('unshare'),
  ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), 'ok-'));
    const [program = '', ...options] = inMemory(folder);
    if (program === '') skip('nothing can be mounted here');
    const write = ['sh', '-c', 'touch "$TMPDIR/made" && stat --file-system --format=%T "$TMPDIR"'];
    const said = execFileSync(program, [...options, ...write], { env: { ...process.env, TMPDIR: folder } });
    expect(said.toString()).toBe('tmpfs\n');
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  },
);
