// Logs of all kinds, and what is wrong with them: each fault with its file and its line.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { type LogFormat, readLog } from '../../../src/evidence/impact/impact.ts';
import { buildQuery } from '../../support/records.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-read-log-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let number = 0;
const put = (content: string | Uint8Array): string => {
  const path = join(directory, `log-${++number}`);
  writeFileSync(path, content);
  return path;
};

interface Read {
  readonly name: string;
  readonly type: string;
  readonly client: string;
  readonly timeMs: number | undefined;
  readonly data: readonly string[];
}

const read = async (
  path: string,
  { format, sinceMs = 0, zoneMs }: { format?: LogFormat; sinceMs?: number; zoneMs?: number } = {},
): Promise<Read[]> => {
  const found: Read[] = [];
  await readLog(path, format, { sinceMs, zoneMs }, (logged) => {
    const { name, type, client, timeMs } = logged;
    found.push({ name, type, client, timeMs, data: logged.records().map(({ data }) => data) });
  });
  return found;
};

const OWN = (name: string, time = '2026-11-30T10:00:00.123Z'): string =>
  `{"@timestamp":"${time}","dns":{"question":{"name":"${name}","type":"A","class":"IN"},"type":"answer","header_flags":["RD"],"response_code":"NOERROR","answers":[{"name":"${name}","type":"A","ttl":7,"data":"192.0.2.1"}],"resolved_ip":["192.0.2.1"]},"event":{"kind":"event","category":["network"],"type":["protocol"],"duration":0},"source":{"address":"198.51.100.7","ip":"198.51.100.7","port":5},"network":{"transport":"udp","protocol":"dns"},"cordon":{"source":"cache","validation":"none","transport":"udp","group":"staff"},"observer":{"name":"a","type":"dns","product":"Cordon"},"ecs":{"version":"8.17.0"}}\n`;

const TIME_MS = Date.parse('2026-11-30T10:00:00.123Z');
const OF_A = { name: 'a.example', type: 'A', client: '198.51.100.7' };

/** A control frame of Frame Streams. */
const control = (type: number): Buffer => Buffer.from([0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, type]);

/** A field of Protocol Buffers with bytes, or with a small number. */
const field = (at: number, value: Uint8Array | number): Buffer =>
  typeof value === 'number'
    ? Buffer.from([at * 8, value])
    : Buffer.concat([Buffer.from([at * 8 + 2, value.length]), value]);

/** A frame with a response (6) or a query (5) of a client. */
const dnstapFrame = (type: 5 | 6, message: Uint8Array): Buffer => {
  const seconds = Buffer.from([8 * 8, 0xa0, 0x8d, 0xb0, 0xc9, 0x06]);
  const told = Buffer.concat([
    ...[field(1, type), field(2, 1), field(4, Uint8Array.of(198, 51, 100, 7)), seconds],
    field(type === 6 ? 14 : 10, message),
  ]);
  const frame = Buffer.concat([field(1, Buffer.from('ns1')), field(14, told), field(15, 1)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
};

describe('readLog() reads', () => {
  test('dnstap files, one behind the other: responses, or queries where there are no responses', async () => {
    const query = buildQuery('a.example. A');
    const response = Buffer.concat([
      query,
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]),
    ]);
    response.writeUInt16BE(0x8180, 2);
    response.writeUInt16BE(1, 6);
    const stream = (...frames: Buffer[]): Buffer => Buffer.concat([control(2), ...frames, control(3)]);
    const of = stream(dnstapFrame(5, query), dnstapFrame(6, response));
    const answered = { ...OF_A, name: 'a.example.', data: ['192.0.2.1'], timeMs: 1_764_492_960_000 };
    expect(await read(put(Buffer.concat([of, of])))).toEqual([answered, answered]);
    expect(await read(put(stream(dnstapFrame(5, query))))).toEqual([{ ...answered, data: [] }]);
  });

  test('our own lines, plain and packed', async () => {
    const text = OWN('a.example') + OWN('\\\\000.example');
    for (const content of [text, gzipSync(text), zstdCompressSync(text)]) {
      const [first, second] = await read(put(content));
      expect(first).toMatchObject({ ...OF_A, data: ['192.0.2.1'] });
      expect(second?.name).toBe('\\000.example');
    }
  });

  test('lines in the names of the schema that somebody else wrote', async () => {
    const line = { ...JSON.parse(OWN('a.example')), extra: 1 };
    const { dns, ...rest } = line;
    const other = `${JSON.stringify({ dns, ...rest })}\n`;
    expect(await read(put(other))).toMatchObject([{ ...OF_A, data: ['192.0.2.1'], timeMs: TIME_MS }]);
  });

  test.each([
    ['unbound', '[1764496800] unbound[7:0] info: 198.51.100.7 a.example. A IN\n'],
    ['unbound', '[1764496800] unbound[7:0] reply: 198.51.100.7 a.example. A IN NOERROR 0.000000 1 40\n'],
    [
      'bind',
      '30-Nov-2026 10:00:00.123 queries: info: client @0x7f1 198.51.100.7#5 (a.example): query: a.example IN A +E(0)K (192.0.2.53)\n',
    ],
    [
      'bind',
      '2026-11-30T10:00:00.123Z client @0x7f1 198.51.100.7#5 (a.example): view in: query: a.example IN A + (192.0.2.53)\n',
    ],
    [
      'adguardhome',
      '{"T":"2026-11-30T11:00:00.123+01:00","QH":"a.example","QT":"A","QC":"IN","CP":"","IP":"198.51.100.7"}\n',
    ],
  ] as const)('%s', async (format, text) => {
    const others = format === 'adguardhome' ? '' : 'something else entirely\n';
    const path = put(`${text}${others}${text}`);
    for (const named of [undefined, format])
      expect(await read(path, named === undefined ? {} : { format: named })).toHaveLength(2);
    const [first] = await read(path);
    expect({ ...first, name: first?.name.replace(/\.$/, '') }).toMatchObject(OF_A);
  });

  test("Pi-hole's database", async () => {
    const path = put('');
    const database = new DatabaseSync(path);
    database.exec('CREATE TABLE queries (timestamp INTEGER, type INTEGER, domain TEXT, client TEXT)');
    database.exec(
      `INSERT INTO queries VALUES (1764496800, 1, 'a.example', '198.51.100.7'), (5, 165, 'b.example', '::1')`,
    );
    database.close();
    expect(await read(path)).toMatchObject([OF_A, { name: 'b.example', type: 'TYPE65' }]);
    expect(await read(path, { sinceMs: 1_000_000 })).toHaveLength(1);
  });

  test('only what is not older than asked for', async () => {
    const path = put(OWN('old.example', '2026-11-01T00:00:00.000Z') + OWN('a.example'));
    expect((await read(path, { sinceMs: TIME_MS })).map(({ name }) => name)).toEqual(['a.example']);
  });

  test('a time without a zone by the zone that is given', async () => {
    const path = put(
      '30-Nov-2026 11:00:00.123 queries: info: client @0x7f1 198.51.100.7#5 (a.example): query: a.example IN A + (192.0.2.53)\n',
    );
    expect(await read(path, { sinceMs: 1, zoneMs: 3_600_000 })).toMatchObject([{ timeMs: TIME_MS }]);
  });
});

describe('readLog() refuses, with file and line,', () => {
  const whole = OWN('a.example').repeat(20_000);
  const cases: readonly [what: string, content: string | Uint8Array, expected: RegExp, sinceMs?: number][] = [
    [
      'a gzip file that was cut short',
      gzipSync(whole).subarray(0, -40),
      /log-\d+:\d+: the packed file ends in the middle/,
    ],
    [
      'a zstd file that was cut short',
      zstdCompressSync(whole).subarray(0, -40),
      /log-\d+:\d+: the packed file ends in the middle/,
    ],
    [
      'a zstd file of several frames, of which Node.js reads the first',
      Buffer.concat([zstdCompressSync(whole), zstdCompressSync(whole)]),
      /of several frames/,
    ],
    [
      'a gzip file with a broken byte',
      gzipSync(whole).map((byte, at) => (at === 300 ? byte ^ 255 : byte)),
      /log-\d+:\d+: /,
    ],
    [
      'a line that is cut short among others',
      `${OWN('a.example')}${OWN('b.example').slice(0, 100)}\n${OWN('c.example')}`,
      /log-\d+:2: it is cut short/,
    ],
    ['a line that is no JSON', `${OWN('a.example')}oops\n`, /log-\d+:2: it is no JSON/],
    ['a time that is none', OWN('a.example', '2026-99-30T10:00:00.123Z'), /log-\d+:1: its time is none/, 1],
    [
      'a local time of BIND',
      '30-Nov-2026 10:00:00.123 queries: info: client @0x7f1 198.51.100.7#5 (a.example): query: a.example IN A + (192.0.2.53)\n',
      /log-\d+:1: "30-Nov-2026 10:00:00.123" is a time without a zone/,
      1,
    ],
    [
      'a local time of unbound',
      'Nov 30 10:00:00 unbound[7:0] info: 198.51.100.7 a.example. A IN\n',
      /log-\d+:1: "Nov 30 10:00:00" is a time without year and zone/,
      1,
    ],
    ['an empty file', '', /log-\d+: it is empty/],
    ['what is no log', 'Dear Sir or Madam\n', /is that of no log of queries that is known/],
    [
      'a stream of dnstap that ends within a frame',
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 9, 1, 2]),
      /frame 1 is cut short/,
    ],
    [
      'a frame of dnstap that is none',
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 2, 0xff, 0xff]),
      /frame 1 is no message of dnstap/,
    ],
  ];
  test.each(cases)('%s', async (_what, content, expected, sinceMs = 0) => {
    await expect(read(put(content), { sinceMs })).rejects.toThrow(expected);
    await expect(read(put(content), { sinceMs })).rejects.toMatchObject({ code: 'ERR_QUERY_LOG_READ' });
  });

  test('a file that is not there', async () => {
    await expect(read(join(directory, 'absent'))).rejects.toMatchObject({ code: 'ERR_QUERY_LOG_READ' });
  });
});

test('the last line of a file that is written to may be half there', async () => {
  expect(await read(put(OWN('a.example') + OWN('b.example').slice(0, 50)))).toHaveLength(1);
});

test('what lines do not say is not looked for in those behind them', async () => {
  const lines = 6_000;
  const said = OWN('a.example');
  const unsaid = said.replace(/"source":\{[^}]*\},/, '').replace(',"group":"staff"', '');
  const costOf = async (line: string): Promise<number> => {
    const path = put(line.repeat(lines));
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 3; round++) {
      const before = process.cpuUsage();
      expect(await read(path)).toHaveLength(lines);
      least = Math.min(least, process.cpuUsage(before).user);
    }
    return least;
  };
  // It took two hundred times as long.
  expect(await costOf(unsaid)).toBeLessThan(20 * (await costOf(said)));
});

test('lines of one question and answer have one number, whatever is left of their TTLs, and others another', async () => {
  const same = [OWN('a.example'), OWN('a.example').replace('"ttl":7', '"ttl":86400')];
  const others = [
    OWN('b.example'),
    OWN('a.example').replace('"type":"A","class"', '"type":"AAAA","class"'),
    OWN('a.example').replaceAll('192.0.2.1', '192.0.2.2'),
    OWN('a.example').replace('"data":"192.0.2.1"', '"data":"192.0.2.1 \\"ttl\\":7,"'),
    OWN('a.example').replace('"data":"192.0.2.1"', '"data":"192.0.2.1 \\"ttl\\":8,"'),
  ];
  const prints: string[] = [];
  const path = put([...same, ...others].join(''));
  await readLog(path, undefined, { sinceMs: 0, zoneMs: undefined }, ({ print }) =>
    prints.push(`${print?.first} ${print?.second}`),
  );
  expect(prints).toHaveLength(same.length + others.length);
  expect(prints[1]).toBe(prints[0]);
  expect(new Set(prints).size).toBe(1 + others.length);
});
