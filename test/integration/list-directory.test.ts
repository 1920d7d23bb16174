// A directory as one list in the running program: started, explained, checked, exported, reloaded, held, and saved.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EDE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric, reload } from '../support/client.ts';
import { runCommandHere, runProgram } from '../support/command.ts';
import type { RunResult } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** Exit code of `cordon explain` for a name that is refused. */
const REFUSED = 3;

let upstream: ScriptedUpstream;
let cordon: Cordon | undefined;
/** Outlives the program. */
let state: string;

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'cordon-directory-state-'));
  const book = new AnswerBook();
  for (const name of ['a1', 'b1', 'b60', 'c1', 'other']) {
    book.set(`${name}.example. A`, [`${name}.example. 300 IN A 192.0.2.1`]);
  }
  upstream = await ScriptedUpstream.open(book.handler);
});

afterEach(async () => {
  await cordon?.kill();
  cordon = undefined;
  await upstream.close();
  rmSync(state, { recursive: true });
});

const names = (letter: string, count: number): string =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}.example\n`).join('');

const start = async (files: Readonly<Record<string, string | Uint8Array>>): Promise<Cordon> => {
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ${state}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: parts, directory: lists.d }]
`,
    files,
  });
  return cordon;
};

const outcomeOf = async (program: Cordon, name: string): Promise<string> => {
  const { rcode, ede, answer } = await ask(program.dns, `${name}.example. A`);
  if (answer.length > 0) return 'answered';
  return ede?.infoCode === EDE.BLOCKED ? 'refused' : `RCODE ${rcode}, EDE ${ede?.infoCode}`;
};

/** Runs `cordon ARGS` as an administrator of the machine does. */
const command = (program: Cordon, ...args: readonly string[]): Promise<RunResult> =>
  runCommandHere([...args, '--config', join(program.directory, 'cordon.yaml')]);

test('every file is in force, and each name is explained by its file and line', async () => {
  const program = await start({
    'lists.d/10-a.txt': '# of a\na1.example',
    'lists.d/20-b.txt.gz': gzipSync(`\ufeff${names('b', 60)}com\n`),
    'lists.d/.30-c.txt': 'c1.example\n',
  });
  expect(await outcomeOf(program, 'a1')).toBe('refused');
  expect(await outcomeOf(program, 'b60')).toBe('refused');
  expect(await outcomeOf(program, 'c1')).toBe('answered');
  expect(await readMetric(program, 'cordon_list_entries', { list: 'parts' })).toBe(61);
  for (const [name, file, line] of [
    ['a1', '10-a.txt', 2],
    ['b60', '20-b.txt.gz', 60],
  ] as const) {
    const { code, stdout } = await command(program, 'explain', '--no-follow', `${name}.example`);
    expect(code).toBe(REFUSED);
    expect(stdout).toContain(`${join(program.directory, 'lists.d', file)}:${line}\n`);
    expect(stdout).toMatch(new RegExp(`entry +${name}\\.example\n`));
  }
  const checked = await runProgram(['check', '--config', join(program.directory, 'cordon.yaml')]);
  expect(checked.stdout).toContain('lists.d:61:1: in 20-b.txt.gz: "com": a name has at least two labels');
  const warned = program.logs().find(({ msg }) => msg === 'lines of a list were rejected');
  expect(warned).toMatchObject({
    list: 'parts',
    first: { line: 61, text: expect.stringContaining('in 20-b') as string },
  });
  const statuses = await command(program, 'lists', 'status', '--json');
  expect(statuses.stdout).toContain('"kind": "directory"');
  const exported = await command(program, 'lists', 'export', '--format', 'domains');
  expect(exported.stdout.split('\n')).toEqual(expect.arrayContaining(['a1.example', 'b60.example']));
  await program.stop();
});

test('a reload takes a file that is changed, added or removed, and keeps what is in force when one is bad', async () => {
  const program = await start({ 'lists.d/a.txt': names('a', 60), 'lists.d/b.txt': names('b', 60) });
  expect(await outcomeOf(program, 'c1')).toBe('answered');
  expect((await reload(program, { 'lists.d/c.txt': 'c1.example\n' })).isRefused).toBe(false);
  expect(await outcomeOf(program, 'c1')).toBe('refused');
  expect((await reload(program, { 'lists.d/c.txt': '# none\n' })).isRefused).toBe(false);
  expect(await outcomeOf(program, 'c1')).toBe('answered');

  const page = await reload(program, { 'lists.d/c.txt': '<!DOCTYPE html>\n' });
  expect(page).toMatchObject({ isRefused: true, err: { code: 'ERR_LIST_PARSE' } });
  rmSync(join(program.directory, 'lists.d/c.txt'));
  symlinkSync('../cordon.yaml', join(program.directory, 'lists.d/c.txt'));
  expect(await reload(program, {})).toMatchObject({ isRefused: true, err: { code: 'ERR_LIST_READ' } });
  rmSync(join(program.directory, 'lists.d/c.txt'));

  rmSync(join(program.directory, 'lists.d/b.txt'));
  const held = await reload(program, {});
  expect(held).toMatchObject({
    isRefused: true,
    err: {
      code: 'ERR_LIST_HELD',
      message: 'reading list parts: shrunk: 60 entries after 120, at most 20 % fewer',
    },
  });
  expect(await readMetric(program, 'cordon_list_held', { list: 'parts' })).toBe(1);
  expect(await outcomeOf(program, 'b60')).toBe('refused');
  const [, accepted = ''] = /accept parts ([0-9a-f]{64})/.exec(JSON.stringify(held)) ?? [];
  expect(await command(program, 'lists', 'accept', 'parts', accepted)).toMatchObject({ code: 0 });
  expect(await outcomeOf(program, 'b60')).toBe('answered');
  expect(await outcomeOf(program, 'a1')).toBe('refused');
  await program.stop();
});

test('what was saved is in force when the directory cannot be read', { tags: 'night' }, async () => {
  const files = { 'lists.d/a.txt': names('a', 60), 'lists.d/b.txt': names('b', 60) };
  let program = await start(files);
  await program.waitForLog(({ msg }) => msg === 'generation saved');
  const { directory } = program;
  await program.stop();
  // A saved generation belongs to the paths of its configuration.
  cordon = undefined;
  program = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ${state}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: parts, directory: ${join(directory, 'lists.d')} }]
`,
  });
  cordon = program;
  expect(await outcomeOf(program, 'b60')).toBe('refused');
  expect(await outcomeOf(program, 'other')).toBe('answered');
  await program.stop();
});
