// cordon records: what an officer finds of queries that were really asked, while the program runs and afterwards.
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TYPE } from '../../src/wire/dns/dns.ts';
import { ask } from '../support/client.ts';
import { runCommandHere, runProgram } from '../support/command.ts';
import { type Cordon, type RunResult, startCordon } from '../support/process.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const PSEUDONYM = /^p:1:[\w-]{22}$/;
/** For a record to be there: a commit takes a quarter of a second. */
const APPEAR_MS_MAX = 20_000;

let upstream: ScriptedUpstream;
let cordon: Cordon;
/** What the program left behind, for commands without it. */
let stopped = '';

const CONFIG = (port: number): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${port}"]
lists:
  - { id: banned, file: banned.txt, format: domains, mandate: true }
`;

const records = (directory: string, ...args: string[]): Promise<RunResult> =>
  runCommandHere(['records', ...args], { cwd: directory });

interface Found {
  readonly class: string;
  readonly record: Readonly<Record<string, unknown>>;
}

const list = async (directory: string, ...args: string[]): Promise<Found[]> => {
  const { code, stdout, stderr } = await records(directory, 'list', '--json', ...args);
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^(?:# configuration: .*\n)?$/),
  });
  return JSON.parse(stdout) as Found[];
};

beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 192.0.2.1`] : []),
  );
  cordon = await startCordon({
    config: CONFIG(upstream.endpoint.port),
    files: { 'banned.txt': 'banned.example\nother.example\n' },
  });
  for (const name of ['banned.example.', 'www.banned.example.', 'other.example.', 'fine.example.']) {
    await ask(cordon.dns, `${name} A`);
  }
  const deadline = Date.now() + APPEAR_MS_MAX;
  while ((await list(cordon.directory, '--kind', 'refusal')).length < 3 && Date.now() < deadline);
});
afterAll(async () => {
  await cordon.kill();
  await upstream.close();
  if (stopped !== '') rmSync(stopped, { recursive: true, force: true });
});

describe('while the program runs', () => {
  test('list shows what was refused, and nothing that was not', async () => {
    const found = await list(cordon.directory, '--kind', 'refusal');
    expect(found.map(({ record }) => record['qname'])).toEqual([
      'banned.example',
      'www.banned.example',
      'other.example',
    ]);
    expect(found[0]?.record).toMatchObject({
      list: 'banned',
      rcode: 'NXDOMAIN',
      client: expect.stringMatching(PSEUDONYM),
    });
  });

  test.each([
    [['--name', 'banned.example'], 2],
    [['--name', 'BANNED.example.', '--limit', '1'], 1],
    [['--list', 'banned', '--from', '1h'], 3],
    [['--list', 'another'], 0],
    [['--name', 'example', '--to', '2020-01-01'], 0],
  ])('list %j finds %i', async (args, count) => {
    expect(
      (await list(cordon.directory, ...args)).filter(({ class: chain }) => chain === 'queries'),
    ).toHaveLength(count);
  });

  test('list tells people in lines', async () => {
    const { stdout } = await records(
      cordon.directory,
      'list',
      '--class',
      'queries',
      '--name',
      'other.example',
    );
    expect(stdout).toMatch(/^\d{4}-\S+Z {2}default {2}refused other\.example A to p:1:\S+ by list banned\n$/);
  });

  test('changes have the start', async () => {
    const found = await list(cordon.directory, '--class', 'changes', '--kind', 'service');
    expect(found[0]?.record).toMatchObject({ event: 'start' });
  });

  test('a pseudonym is undone with a reason, on the record', async () => {
    const [found] = await list(cordon.directory, '--name', 'other.example');
    const pseudonym = String(found?.record['client']);
    const refused = await records(cordon.directory, 'reidentify', pseudonym);
    expect(refused.code).toBe(2);
    const { code, stdout } = await records(cordon.directory, 'reidentify', pseudonym, '--reason', 'case 7');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '127.0.0.1\n' });
    const recorded = await list(cordon.directory, '--class', 'changes', '--kind', 'records');
    expect(recorded.map(({ record }) => record)).toContainEqual(
      expect.objectContaining({ event: 'reidentified', reason: 'case 7', text: pseudonym }),
    );
  });

  test('an address finds no pseudonym without a reason, and says so; with one it does, on the record', async () => {
    const without = await records(cordon.directory, 'list', '--client', '127.0.0.1');
    expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining('only with --reason TEXT') });
    expect(without.stderr).toMatch(/^[1-9]\d* records name their client by a pseudonym/m);
    const found = await list(cordon.directory, '--client', '127.0.0.1', '--reason', 'case 8');
    expect(found.map(({ record }) => record['qname'])).toContain('other.example');
    const recorded = await list(cordon.directory, '--class', 'changes', '--kind', 'records');
    const [told] = recorded.map(({ record }) => record).filter(({ reason }) => reason === 'case 8');
    expect(told).toMatchObject({ event: 'reidentified', text: expect.stringContaining('p:1:') });
    expect(JSON.stringify(told)).not.toContain('127.0.0.1');
    const usage = await records(cordon.directory, 'list', '--reason', 'x');
    expect(usage.code).toBe(2);
  });

  test('status and verify find nothing wrong', async () => {
    const status = await records(cordon.directory, 'status');
    expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining('Records are being written.') });
    const verified = await records(cordon.directory, 'verify');
    expect(verified).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Nothing was changed: \d+ records/),
    });
  });
});

describe('when it has been stopped', () => {
  beforeAll(async () => {
    stopped = mkdtempSync(join(tmpdir(), 'cordon-records-command-'));
    cordon.signal('SIGTERM');
    // The directory goes with the process; what it holds at the end is copied in time.
    const end = await cordon.waitForLog((line) => line.msg === 'stopped');
    expect(end.level).toBe('info');
    cpSync(cordon.directory, stopped, { recursive: true });
    await cordon.exited;
  });

  test('status tells so, and verify finds nothing wrong', async () => {
    const { code, stdout } = await records(stopped, 'status', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      running: null,
      stored: { chains: [{ class: 'queries' }, { class: 'changes' }] },
    });
    expect(await records(stopped, 'verify')).toMatchObject({ code: 0 });
  });

  test('reidentify needs the program', async () => {
    const { code, stderr } = await records(
      stopped,
      'reidentify',
      'p:1:AAAAAAAAAAAAAAAAAAAAAA',
      '--reason',
      'x',
    );
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_CLI_NO_SERVICE');
  });

  test('export gives all records as lines, the chain and the number of each first', async () => {
    // It writes to the descriptor, not to the stream.
    const { code, stdout } = await runProgram(['records', 'export', '--class', 'queries'], { cwd: stopped });
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1));
    expect(lines[0]).toMatchObject({ chain: 'queries', kind: 'refusal', qname: 'banned.example' });
  });

  test('heads gives the text that was signed', async () => {
    const heads = JSON.parse((await records(stopped, 'heads', '--json')).stdout) as {
      number: number;
      text: string;
    }[];
    const { stdout } = await records(stopped, 'heads', '1');
    expect(stdout).toBe(heads.find(({ number }) => number === 1)?.text);
    expect(stdout).toMatch(/^cordon records head 1\nnumber 1\n/);
  });

  test('verify finds an edit, says where, and ends with 1', async () => {
    const directory = join(stopped, 'state', 'records', 'queries');
    const [name = ''] = readdirSync(directory).filter((one) => one.endsWith('.sqlite'));
    const database = new DatabaseSync(join(directory, name));
    database.exec("UPDATE blocks SET body = replace(body, 'other.example', 'otter.example')");
    database.close();
    const { code, stdout } = await records(stopped, 'verify');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^hash-mismatch: queries, partition 1, record \d+: it is not what was written/m);
  });

  test.each([
    [['list', '--limit', '0'], 2],
    [['list', '--from', 'yesterday'], 2],
    [['list', '--class', 'everything'], 2],
    [['remove'], 2],
    [['verify', '--key', 'cordon.yaml'], 1],
    [['heads', '999'], 1],
  ])('%j is refused with exit code %i', async (args, expected) => {
    const { code } = await records(stopped, ...args);
    expect(code).toBe(expected);
  });

  test('a directory without records is an error', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'cordon-no-records-'));
    writeFileSync(join(empty, 'cordon.yaml'), 'workers: 1\n');
    const { code, stderr } = await records(empty, 'list');
    rmSync(empty, { recursive: true, force: true });
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_COMPLIANCE_NO_RECORDS');
  });
});
