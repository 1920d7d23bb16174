// Searches of the query log as people make them: on the record before anything is read, nobody else's to follow, for an hour, and only
// where somebody decided that it may be searched.
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Config, loadConfig } from '../../../src/config/config.ts';
import { LogReferences } from '../../../src/evidence/query-log/query-filter.ts';
import { type LogSearch, searchLog } from '../../../src/evidence/query-log/search.ts';
import type { Actor } from '../../../src/people/admin/admin.ts';
import { Queries, type QueryControlParts } from '../../../src/people/controls/query-control.ts';

const HOUR_MS = 3_600_000;
const actor = (name: string): Actor => ({
  ...{ name, account: `local:p-${name}`, roles: ['auditor'], from: 'test', via: 'room' },
});
const ANNA = actor('000000000001');
const BERT = actor('000000000002');

let directory: string;
let path: string;
let told: string[];
let nowMs: number;
let isWritable: boolean;
let search: LogSearch[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-queries-'));
  path = join(directory, 'queries.jsonl');
  [told, nowMs, isWritable, search] = [[], 1, true, []];
  writeFileSync(path, '');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const configOf = (text: string): Config => {
  writeFileSync(join(directory, 'cordon.yaml'), text);
  const facts = { workingDirectory: directory, shippedIds: [], shippedDefault: [] };
  const { config, problems } = loadConfig('cordon.yaml', {}, facts);
  if (config === undefined) throw new Error(JSON.stringify(problems));
  return config;
};

const line = (name: string, client = 'p:1:x'): string =>
  `{"@timestamp":"2026-11-30T10:00:00.123Z","dns":{"question":{"name":"${name}","type":"A","class":"IN"},"type":"answer","header_flags":[],"response_code":"NOERROR"},"event":{"duration":0},"source":{"address":"${client}"},"cordon":{"source":"cache","validation":"none","transport":"udp"}}\n`;

const queriesWith = (
  log = `query-log: { search: true, outputs: [{ to: "file:${path}" }] }`,
  changes: Partial<QueryControlParts> = {},
): Queries =>
  new Queries({
    config: () => configOf(log),
    stateDirectory: directory,
    clock: () => Date.parse('2026-11-30T12:00:00Z'),
    monotonic: () => nowMs,
    recorder: () => ({
      write: (record) => {
        told.push(JSON.stringify(record));
        return isWritable ? Promise.resolve() : Promise.reject(new RangeError('the disk is full'));
      },
      pseudonyms: ({ text }) => Promise.resolve(text === '192.0.2.7' ? 'p:1:x p:2:y' : ''),
    }),
    counts: () => ({
      outputs: [{ name: 'a', written: 70, trouble: undefined }],
      lost: { ring: 1, receiver: 2, day: 0, disk: 0 },
    }),
    searcher: {
      search: (_, wanted) => {
        told.push('searched');
        search.push(wanted);
        return Promise.resolve(searchLog(wanted, new LogReferences(Buffer.alloc(32), undefined)));
      },
    },
    acted: () => undefined,
    ...changes,
  });

const WANTED = { reason: 'case 7', limit: 10 };

test('a search is on the record with reason and filter before anything is read; what cannot be recorded is not read', async () => {
  const queries = queriesWith();
  await queries.search({ ...WANTED, name: 'Example.', type: 'aaaa', from: '2026-11-30T00:00:00Z' }, ANNA);
  expect(told).toHaveLength(2);
  expect(JSON.parse(told[0] ?? '')).toEqual({
    ...{ kind: 'admin', time: '2026-11-30T12:00:00.000Z', action: 'queries-searched' },
    ...{ by: ANNA.name, reason: 'case 7' },
    detail: { name: 'Example.', type: 'aaaa', from: '2026-11-30T00:00:00Z' },
  });
  expect(told[1]).toBe('searched');
  expect(search[0]?.filter).toMatchObject({ name: 'example', type: 'AAAA' });
  isWritable = false;
  await expect(queries.search(WANTED, ANNA)).rejects.toThrow('the disk is full');
  expect(told.at(-1)).not.toBe('searched');
});

test('an address is looked for under its pseudonyms as well, and the record does not say whose it was', async () => {
  writeFileSync(path, line('a.example') + line('b.example', 'p:2:y') + line('c.example', 'p:2:z'));
  const found = await queriesWith().search({ ...WANTED, address: '192.0.2.7' }, ANNA);
  expect(found.queries.map(({ name }) => name)).toEqual(['b.example', 'a.example']);
  expect(told.join()).not.toContain('192.0.2.7');
  expect(told.join()).toContain('"client":"an address"');
});

test('what is new is followed by who searched, not more often than each second, for an hour', async () => {
  const queries = queriesWith();
  const { search: id, newest } = await queries.search({ ...WANTED, follow: true, part: 'a' }, ANNA);
  expect((await queries.search(WANTED, ANNA)).search).toBeNull();
  appendFileSync(path, line('a.test') + line('nothing') + line('b.a.test'));
  const follow = (by: Actor, after = newest) => queries.follow(id ?? '', after, by);
  expect(await follow(BERT)).toBeUndefined();
  expect(await follow({ ...ANNA, account: BERT.account })).toBeUndefined();
  const found = await follow(ANNA);
  expect(found?.queries.map(({ name }) => name)).toEqual(['b.a.test', 'a.test']);
  expect(await follow(ANNA)).toMatchObject({ queries: [], newest });
  nowMs = 1_001;
  expect(await follow(ANNA, found?.newest)).toMatchObject({ queries: [], isWhole: true, leftOut: 0 });
  nowMs = 5_000;
  appendFileSync(path, line('a.test').repeat(80));
  expect(await follow(ANNA, found?.newest)).toMatchObject({ leftOut: 30, isWhole: true });
  nowMs = HOUR_MS + 2;
  expect(await follow(ANNA)).toBeUndefined();
});

test('what is followed ends when nobody may search any more', async () => {
  let log = `query-log: { search: true, outputs: [{ to: "file:${path}" }] }`;
  const queries = queriesWith(log, { config: () => configOf(log) });
  const { search: id, newest } = await queries.search({ ...WANTED, follow: true }, ANNA);
  expect(await queries.follow(id ?? '', newest, ANNA)).toBeDefined();
  log = log.replace('true', 'false');
  expect(await queries.follow(id ?? '', newest, ANNA)).toBeUndefined();
});

test('who is behind a reference is told as records name it, where the log was read whole', async () => {
  writeFileSync(path, line('a.example') + line('b.example', 'p:2:y'));
  const queries = queriesWith();
  const { queries: found } = await queries.search(WANTED, ANNA);
  expect(await queries.clientsOf(found[0]?.client ?? '')).toEqual({ clients: ['p:2:y'], isWhole: true });
  expect(await queries.clientsOf('0000-00')).toEqual({ clients: [], isWhole: true });
  expect(await queries.clientsOf('no reference')).toEqual({ clients: [], isWhole: true });
});

test.each([
  ['no log', '', 'off', /no query log is kept/],
  [
    'a log for receivers',
    'query-log: { search: true, outputs: [{ to: "dnstap+unix:/run/x.sock" }] }',
    'receivers',
    /goes to no file/,
  ],
  [
    'a log that nobody opened',
    'query-log: { outputs: [{ to: "file:/run/x.jsonl" }] }',
    'closed',
    /query-log\.search is false/,
  ],
])('%s is not searched, and it says why', (_, log, state, why) => {
  const queries = queriesWith(log);
  expect(queries.log().state).toBe(state);
  expect(queries.obstacle()).toMatch(why);
});

test('without records nobody searches', () => {
  const queries = queriesWith(undefined, { recorder: () => undefined });
  expect(queries.log()).toMatchObject({ state: 'files', isRecorded: false, written: 70, lost: 3 });
  expect(queries.obstacle()).toMatch(/on no record/);
});
