// Changes that are tried on the query log: who may not search it is told nothing of it, one at a time, on the record first, and
// ended when nobody waits any more.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Config, loadConfig } from '../../../src/config/config.ts';
import type { Actor } from '../../../src/people/admin/admin.ts';
import { TriedChanges, type TriedParts } from '../../../src/people/controls/tried-changes.ts';

const NOW = Date.parse('2026-11-30T12:00:00Z');
const WAIT = { timeout: 60_000, interval: 20 };
const actor = (name: string): Actor => ({
  ...{ name, account: `local:p-${name}`, roles: ['operator'], from: 'test', via: 'room' },
});
const ANNA = actor('000000000001');
const BERT = actor('000000000002');
const DRAFT = { sha256: 'd'.repeat(64) };
const OTHER = { sha256: 'e'.repeat(64) };

let directory: string;
let config: Config;
let nowMs: number;
let inForce: string;
let isWritable: boolean;
let told: string[];
let trying: TriedChanges | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-tried-'));
  [nowMs, inForce, isWritable, told] = [1, 'a', true, []];
  writeFileSync(join(directory, 'own.txt'), 'own.example\n');
  writeLog('address', 1);
});
afterEach(() => {
  trying?.close();
  trying = undefined;
  rmSync(directory, { recursive: true, force: true });
});

/** One query of each kind of client: who has an address, and who has none. */
const writeLog = (kind: 'address' | 'none', sample: number): void => {
  const client = kind === 'address' ? '"source":{"address":"10.0.0.7"},' : '';
  const line = (time: string): string =>
    `{"@timestamp":"${time}","dns":{"question":{"name":"own.example","type":"A","class":"IN"},"type":"answer","header_flags":[],"response_code":"NOERROR"},"event":{"duration":0},${client}"cordon":{"source":"cache","validation":"none","transport":"udp","group":"default"}}\n`;
  writeFileSync(
    join(directory, 'queries.jsonl'),
    line('2026-11-28T10:00:00.123Z') + line('2026-11-30T10:00:00.123Z'),
  );
  config = configOf(
    `query-log: { search: true, sample: ${sample}, outputs: [{ to: "file:${join(directory, 'queries.jsonl')}" }] }`,
  );
};

const configOf = (log: string, lists = '[]'): Config => {
  const path = join(directory, 'cordon.yaml');
  writeFileSync(
    path,
    `upstreams: ["127.0.0.1:9"]\nstate: ${directory}\nlists: [{ id: own, file: own.txt, format: domains }, { id: more, file: own.txt, format: domains }]\ngroups: [{ name: default, lists: ${lists} }]\n${log}\n`,
  );
  const { config: found, problems } = loadConfig(
    path,
    {},
    {
      ...{ workingDirectory: directory, shippedIds: [], shippedDefault: [] },
    },
  );
  if (found === undefined) throw new Error(JSON.stringify(problems));
  return found;
};

const create = (changes: Partial<TriedParts> = {}): TriedChanges => {
  trying = new TriedChanges({
    clock: () => NOW,
    monotonic: () => nowMs,
    config: () => config,
    inForce: () => inForce,
    recorder: () => ({
      write: (record) => {
        if (!isWritable) return Promise.reject(new RangeError('the disk is full'));
        told.push(JSON.stringify(record));
        return Promise.resolve();
      },
    }),
    acted: () => undefined,
    ...changes,
  });
  return trying;
};
const after = (): Config => configOf('', '[own]');
const done = (tried: TriedChanges) =>
  vi.waitFor(async () => {
    const found = await tried.last(DRAFT, ANNA);
    expect(found).toMatchObject({ state: 'done' });
    return found;
  }, WAIT);

test('a log that is shorter than the days that were asked for is told as that, and one that is not is not', {
  tags: 'night',
}, async () => {
  const tried = create();
  await tried.start(DRAFT, 7, after(), ANNA);
  const { impact } = await done(tried);
  expect(impact).toMatchObject({
    ...{ queries: 2, isShort: true, isWhole: true, refusedBefore: 0, refusedAfter: 2, sample: 1 },
    newlyRefused: { queries: 2, names: 1, clients: 1, networks: 1 },
  });
  writeLog('address', 1);
  await tried.start(DRAFT, 2, after(), ANNA);
  await vi.waitFor(
    async () => expect(await tried.last(DRAFT, ANNA)).toMatchObject({ days: 2, state: 'done' }),
    WAIT,
  );
  // It begins at 10 on the 28th, and two days ago it was 12.
  expect((await tried.last(DRAFT, ANNA)).impact).toMatchObject({ queries: 1 });
});

test('clients that the log does not name are not told as none, and a sample as one', {
  tags: 'night',
}, async () => {
  writeLog('none', 10);
  const tried = create();
  await tried.start(DRAFT, 7, after(), ANNA);
  expect((await done(tried)).impact).toMatchObject({
    ...{ sample: 10, withoutAddress: 2 },
    newlyRefused: { queries: 2, clients: null, networks: null },
    newlyPassing: { queries: 0, clients: 0, networks: 0 },
  });
});

test('nothing is read or shown that cannot be recorded, and each who is shown it is on record once', async () => {
  const tried = create();
  isWritable = false;
  await expect(tried.start(DRAFT, 7, after(), ANNA)).rejects.toThrow('the disk is full');
  expect(await tried.last(DRAFT, ANNA)).toMatchObject({ state: 'never' });
  isWritable = true;
  await tried.start(DRAFT, 7, after(), ANNA);
  await done(tried);
  isWritable = false;
  await expect(tried.last(DRAFT, BERT)).rejects.toThrow('the disk is full');
  isWritable = true;
  await tried.last(DRAFT, BERT);
  await tried.last(DRAFT, BERT);
  expect(
    told.map((text) => (JSON.parse(text) as { by: string; detail: { act: string } }).detail.act),
  ).toEqual(['tried', 'shown']);
});

test('one at a time; what nobody waits for is ended, and another one may begin', async () => {
  const tried = create();
  expect(await tried.start(DRAFT, 7, after(), ANNA)).toMatchObject({ state: 'running' });
  expect(await tried.start(OTHER, 7, after(), BERT)).toMatchObject({ state: 'busy' });
  expect(await tried.last(OTHER, BERT)).toMatchObject({ state: 'never' });
  nowMs += 80_000;
  await tried.last(DRAFT, BERT);
  nowMs += 80_000;
  tried.look();
  expect(await tried.last(DRAFT, BERT)).toMatchObject({ state: 'running' });
  nowMs += 100_000;
  tried.look();
  await vi.waitFor(
    async () => expect(await tried.last(DRAFT, ANNA)).toMatchObject({ state: 'ended', impact: null }),
    WAIT,
  );
  expect(await tried.start(OTHER, 7, after(), BERT)).toMatchObject({ state: 'running' });
});

test('figures against what is not in force any more are told to nobody', { tags: 'night' }, async () => {
  const tried = create();
  await tried.start(DRAFT, 7, after(), ANNA);
  inForce = 'b';
  expect(await tried.last(DRAFT, ANNA)).toMatchObject({ state: 'never' });
  await vi.waitFor(
    async () => expect(await tried.start(OTHER, 7, after(), ANNA)).not.toMatchObject({ state: 'busy' }),
    WAIT,
  );
  inForce = 'a';
  expect(await tried.last(DRAFT, ANNA)).toMatchObject({ state: 'never' });
});

test('where the log may not be searched, nothing is tried and what was found is told no more', async () => {
  const tried = create();
  await tried.start(DRAFT, 7, after(), ANNA);
  await done(tried);
  const open = config;
  for (const [log, obstacle] of [
    ['', 'off'],
    ['query-log: { outputs: [{ to: "dnstap+unix:x.sock" }] }', 'receivers'],
    ['query-log: { outputs: [{ to: "file:q.jsonl" }] }', 'closed'],
  ] as const) {
    config = configOf(log);
    expect(await tried.last(DRAFT, ANNA)).toMatchObject({ state: 'no-log', obstacle, impact: null });
    expect(await tried.start(DRAFT, 7, after(), ANNA)).toMatchObject({ state: 'no-log', obstacle });
  }
  config = open;
  const unrecorded = create({ recorder: () => undefined });
  expect(await unrecorded.start(DRAFT, 7, after(), ANNA)).toMatchObject({
    state: 'no-log',
    obstacle: 'unrecorded',
  });
});
