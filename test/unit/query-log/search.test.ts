// A search of the query log: pages put together are what reading every line from the first to the last finds, whatever is rotated
// or packed meanwhile, whatever the bounds; and it says where it stopped.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packFrames } from '../../../src/base/base.ts';
import { LogReferences, type QueryFilter } from '../../../src/evidence/query-log/query-filter.ts';
import { LogFileNames } from '../../../src/evidence/query-log/rotated-file.ts';
import { type LogFound, type LogPlace, searchLog } from '../../../src/evidence/query-log/search.ts';
import { toReference } from '../../../src/evidence/records/records.ts';

const START_MS = Date.UTC(2026, 10, 30, 8);
const SECRET = Buffer.alloc(32, 7);
const ALL: QueryFilter = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };
const WIDE = { rows: 1_000_000, bytes: Number.POSITIVE_INFINITY, ms: Number.POSITIVE_INFINITY };

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-search-'));
  path = join(directory, 'queries.jsonl');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Asked {
  readonly timeMs: number;
  readonly name: string;
  readonly type: string;
  readonly client: string;
  readonly list?: string | undefined;
  readonly answer?: string;
}

const lineOf = ({ timeMs, name, type, client, list, answer = '192.0.2.1' }: Asked): string =>
  `{"@timestamp":"${new Date(timeMs).toISOString()}","dns":{"question":{"name":"${name}","type":"${type}","class":"IN"},"type":"answer","header_flags":["RD","RA"],"response_code":"${list === undefined ? 'NOERROR' : 'NXDOMAIN'}","answers":[{"name":"${name}","type":"A","ttl":7,"data":"${answer}"}],"resolved_ip":["${answer}"]},"event":{"kind":"event","category":["network"],"type":["protocol"],"duration":2000000},"source":{"address":"${client}","ip":"${client}","port":5353},"network":{"transport":"udp","protocol":"dns"}${list === undefined ? '' : `,"rule":{"ruleset":"${list}","id":"${list}:7"}`},"cordon":{"source":"${list === undefined ? 'cache' : 'policy'}","validation":"none","transport":"udp","group":"staff","device":"laptop-7"},"observer":{"name":"a","type":"dns","product":"Cordon"},"ecs":{"version":"8.17.0"}}\n`;

const references = new LogReferences(SECRET, undefined);
const search = (
  filter: Partial<QueryFilter> = {},
  { before, after, ...bounds }: Partial<typeof WIDE & { before: LogPlace; after: LogPlace }> = {},
  monotonic?: () => number,
): LogFound =>
  searchLog(
    { path, filter: { ...ALL, ...filter }, before, after, bounds: { ...WIDE, ...bounds } },
    references,
    monotonic,
  );
const namesOf = ({ queries }: LogFound): string[] => queries.map(({ name }) => name);

/** Puts what there is aside, as the log does. */
const rotate = async (timeMs: number, isPacked: boolean): Promise<void> => {
  const aside = join(directory, new LogFileNames(path).at(timeMs));
  await rename(path, aside);
  if (!isPacked) return;
  await packFrames(aside, `${aside}.zst`, 0o640, 1);
  rmSync(aside);
};

const some = (count: number, fromMs = START_MS): Asked[] =>
  Array.from({ length: count }, (_, i) => ({
    timeMs: fromMs + i * 1_000,
    name: i % 5 === 0 ? `www${i}.example.com` : `${i}.test`,
    type: i % 3 === 0 ? 'AAAA' : 'A',
    client: `192.0.2.${i % 4}`,
    list: i % 7 === 0 ? 'tiktok' : undefined,
  }));

test('every query of plain and packed files, the newest first', async () => {
  const asked = some(9_000);
  writeFileSync(path, asked.slice(0, 4_000).map(lineOf).join(''));
  await rotate(START_MS + 4_000_000, true);
  writeFileSync(path, asked.slice(4_000, 8_000).map(lineOf).join(''));
  await rotate(START_MS + 8_000_000, false);
  writeFileSync(path, `${asked.slice(8_000).map(lineOf).join('')}{"@timestamp":"2026-11-30T`);
  const found = search();
  expect(namesOf(found)).toEqual(asked.map(({ name }) => name).reverse());
  expect(found).toMatchObject({ end: 'whole', before: undefined, leftOut: 0, unread: 0 });
  expect(found.readBackMs).toBe(START_MS);
  expect(found.queries[0]).toEqual({
    ...{ time: new Date(START_MS + 8_999_000).toISOString(), name: '8999.test', type: 'A', rcode: 'NOERROR' },
    ...{ source: 'cache', validation: 'none', transport: 'udp', tookMs: 2, group: 'staff', list: null },
    ...{ reportedBy: null, client: toReference(SECRET, START_MS + 8_999_000, '192.0.2.3') },
    ...{ answers: ['192.0.2.1'], more: 0 },
  });
});

test('nothing of what is found tells an address, a port or a device of a client', () => {
  writeFileSync(
    path,
    some(50)
      .map((one) => lineOf({ ...one, answer: '198.51.100.1' }))
      .join(''),
  );
  expect(JSON.stringify(search())).not.toMatch(/192\.0\.2\.|laptop|5353/);
});

test.each<[what: string, filter: Partial<QueryFilter>, fits: (one: Asked) => boolean]>([
  ['a name and all below it', { name: 'example.com' }, ({ name }) => name.endsWith('.example.com')],
  ['a part of a name', { part: 'www1' }, ({ name }) => name.includes('www1')],
  ['a type', { type: 'AAAA' }, ({ type }) => type === 'AAAA'],
  ['what was refused', { verdict: 'refused' }, ({ list }) => list !== undefined],
  ['what passed', { verdict: 'passed' }, ({ list }) => list === undefined],
  ['a response code', { rcode: 'NXDOMAIN' }, ({ list }) => list !== undefined],
  ['a source', { source: 'policy' }, ({ list }) => list !== undefined],
  ['a list', { list: 'tiktok' }, ({ list }) => list !== undefined],
  ['no such list', { list: 'tik' }, () => false],
  ['a group', { group: 'staff' }, () => true],
  ['no such group', { group: 'staf' }, () => false],
  ['a client', { clients: ['192.0.2.2'] }, ({ client }) => client === '192.0.2.2'],
  ['clients', { clients: ['192.0.2.2', '192.0.2.3'] }, ({ client }) => /[23]$/.test(client)],
  ['an answer that is no client', { clients: ['192.0.2.9'] }, () => false],
  ['a device', { devices: ['laptop-7', 'd:1:x'] }, () => true],
  ['no such device', { devices: ['laptop'] }, () => false],
  [
    'a period',
    { fromMs: START_MS + 100_000, untilMs: START_MS + 200_000 },
    ({ timeMs }) => timeMs >= START_MS + 100_000 && timeMs < START_MS + 200_000,
  ],
  [
    'a reference',
    { reference: toReference(SECRET, START_MS, '192.0.2.1') },
    ({ client }) => client === '192.0.2.1',
  ],
  [
    'several at once',
    { part: 'www', type: 'A', verdict: 'passed' },
    ({ name, type, list }) => name.includes('www') && type === 'A' && list === undefined,
  ],
])('%s', (_, filter, fits) => {
  const asked = some(900).map((one) => ({ ...one, answer: '192.0.2.9' }));
  writeFileSync(path, asked.map(lineOf).join(''));
  expect(namesOf(search(filter))).toEqual(
    asked
      .filter(fits)
      .map(({ name }) => name)
      .reverse(),
  );
});

test('pages of any size, while files are put aside and packed, are all queries once', async () => {
  const arbitrary = fc.record({
    parts: fc.array(fc.record({ count: fc.integer({ min: 0, max: 60 }), isPacked: fc.boolean() }), {
      maxLength: 5,
    }),
    rows: fc.integer({ min: 1, max: 50 }),
    rotatesAfter: fc.integer({ min: 0, max: 4 }),
    filter: fc.constantFrom<Partial<QueryFilter>>(
      {},
      { part: 'www' },
      { verdict: 'refused' },
      { fromMs: START_MS + 20_500, untilMs: START_MS + 90_500 },
    ),
    // Workers are read in turn: a line may stand behind a later one.
    disorder: fc.integer({ min: 0, max: 30 }),
  });
  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ parts, rows, rotatesAfter, filter, disorder }) => {
      rmSync(directory, { recursive: true, force: true });
      directory = mkdtempSync(join(tmpdir(), 'cordon-search-'));
      path = join(directory, 'queries.jsonl');
      const asked: Asked[] = [];
      let count = 0;
      for (const [at, part] of parts.entries()) {
        const lines = some(part.count, START_MS + count * 1_000).map((one, i) => ({
          ...one,
          name: `${at}-${one.name}`,
          timeMs: one.timeMs - (i % 2) * disorder * 100,
        }));
        count += Math.max(1, part.count);
        asked.push(...lines);
        writeFileSync(path, lines.map(lineOf).join(''));
        if (at < parts.length - 1) await rotate(START_MS + count * 1_000, part.isPacked);
      }
      const { fromMs = 0, untilMs = Number.POSITIVE_INFINITY, part = '', verdict } = filter;
      const expected = asked
        .filter(({ timeMs, name, list }) => {
          const isWanted = verdict === undefined || list !== undefined;
          return isWanted && name.includes(part) && timeMs >= fromMs && timeMs < untilMs;
        })
        .map(({ name }) => name)
        .reverse();
      const found: string[] = [];
      let before: LogPlace | undefined;
      for (let page = 0; page <= expected.length; page++) {
        const one = search(filter, { rows, ...(before && { before }) });
        found.push(...namesOf(one));
        before = one.before;
        if (before === undefined) break;
        expect(one.queries).toHaveLength(rows);
        if (page === rotatesAfter && parts.length > 0)
          await rotate(START_MS + (count + page + 1) * 1_000, true);
      }
      expect(found).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test('a bound of bytes or of time says how far it came, and the next page goes on there', async () => {
  const asked = some(9_000);
  writeFileSync(path, asked.slice(0, 5_000).map(lineOf).join(''));
  await rotate(START_MS + 5_000_000, true);
  writeFileSync(path, asked.slice(5_000).map(lineOf).join(''));
  let turns = 0;
  const each: [string, (before: LogPlace | undefined) => LogFound][] = [
    ['bytes', (before) => search({ part: 'www5.' }, { bytes: 1, ...(before && { before }) })],
    ['time', (before) => search({ part: 'www5.' }, { ms: 1, ...(before && { before }) }, () => turns++)],
  ];
  for (const [end, page] of each) {
    let before: LogPlace | undefined;
    const backs: number[] = [];
    const names: string[] = [];
    for (let pages = 0; pages < 20; pages++) {
      const found = page(before);
      backs.push(found.readBackMs ?? Number.NaN);
      names.push(...namesOf(found));
      before = found.before;
      if (before === undefined) break;
      expect(found.end).toBe(end);
    }
    expect(names).toEqual(['www5.example.com']);
    expect(backs.length).toBeGreaterThan(3);
    expect(backs).toEqual([...backs].sort((a, b) => b - a));
    expect(backs.at(-1)).toBe(START_MS);
  }
});

test('a period of long ago reads some pieces of a large log, plain or packed', async () => {
  const asked = some(30_000);
  writeFileSync(path, asked.map(lineOf).join(''));
  const filter = { fromMs: START_MS + 3_000_000, untilMs: START_MS + 3_010_000 };
  for (const isPacked of [false, true]) {
    if (isPacked) await rotate(START_MS + 30_000_000, true);
    const found = search(filter);
    expect(namesOf(found)).toHaveLength(10);
    expect(found.bytes).toBeLessThan(4 << 20);
  }
});

test('what comes after a place: the newest, and how many were left out, over files that are put aside', async () => {
  writeFileSync(path, some(10).map(lineOf).join(''));
  const { newest } = search();
  expect(search({}, { after: newest })).toMatchObject({ queries: [], leftOut: 0, newest });
  appendFileSync(
    path,
    `${some(5, START_MS + 10_000)
      .map(lineOf)
      .join('')}{"half`,
  );
  const five = search({}, { after: newest, rows: 3 });
  expect(namesOf(five)).toEqual(['4.test', '3.test', '2.test']);
  expect(five).toMatchObject({ leftOut: 2, end: 'whole' });
  await rotate(START_MS + 16_000, true);
  writeFileSync(
    path,
    some(2, START_MS + 20_000)
      .map(lineOf)
      .join(''),
  );
  expect(namesOf(search({}, { after: five.newest }))).toEqual(['1.test', 'www0.example.com']);
  expect(namesOf(search({}, { after: newest }))).toHaveLength(7);
});

test('files that cannot be read from their end, or are broken, are counted, and the others are read', async () => {
  writeFileSync(
    join(directory, 'queries-20261130T070000Z.jsonl.zst'),
    zstdCompressSync(some(1).map(lineOf).join('')),
  );
  writeFileSync(path, some(3).map(lineOf).join(''));
  await rotate(START_MS + 3_000, true);
  const packed = join(directory, 'queries-20261130T080003Z.jsonl.zst');
  writeFileSync(join(directory, 'queries-20261130T073000Z.jsonl'), 'no line of ours\n');
  writeFileSync(
    path,
    some(2, START_MS + 10_000)
      .map(lineOf)
      .join(''),
  );
  expect(search()).toMatchObject({ unread: 2, end: 'whole' });
  expect(search().queries).toHaveLength(5);
  const bytes = readFileSync(packed);
  writeFileSync(packed, bytes.fill(0xff, 10, 30));
  expect(search()).toMatchObject({ unread: 3 });
  expect(search().queries).toHaveLength(2);
});

test('lines that are not of the log are passed by, and hide none that are', () => {
  const time = '{"@timestamp":"2026-11-30T08:00:00.000Z"';
  const strange = [
    ...['', 'x', '[]', 'null', time, `${time}}`, `${time},"dns":null}`, `${time},"dns":7}`],
    ...[`${time},"dns":{"answers":7}}`, `${time},"dns":{"answers":[null,{"data":7}]}}`],
    ...[`${time},"dns":{},"event":null,"rule":null,"cordon":null}`, `${time},"dns":{"question":null}}`],
    '{"@timestamp":"no time","dns":{}}',
  ];
  const own = some(strange.length + 1).map(lineOf);
  writeFileSync(path, own.map((line, at) => `${line}${strange[at] ?? ''}\n`).join(''));
  const found = search();
  expect(namesOf(found).filter((name) => name !== '')).toHaveLength(own.length);
  expect(found).toMatchObject({ end: 'whole', unread: 0 });
});

test('nothing is there: no file, an empty one, no directory', () => {
  expect(search()).toMatchObject({
    queries: [],
    end: 'whole',
    readBackMs: undefined,
    newest: { beginMs: 0, at: 0 },
  });
  writeFileSync(path, '');
  expect(search()).toMatchObject({ queries: [], unread: 0 });
  rmSync(directory, { recursive: true });
  expect(search()).toMatchObject({ queries: [] });
});
