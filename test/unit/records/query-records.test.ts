// Records of queries: each event as the JSON that an auditor finds, under each identity policy, counted and estimated.
import { describe, expect, test } from 'vitest';
import type { QueryRecord } from '../../../src/evidence/records/record.ts';
import { RecordsReader } from '../../../src/evidence/records/records-reader.ts';
import { addressWords, START } from '../../support/record-events.ts';
import { Bench, findingsOf, HOUR_MS, readAll } from './setup.ts';

const queriesOf = async (bench: Bench): Promise<object[]> =>
  (await readAll(bench.directory, 'queries')).filter(({ kind }) => kind !== 'sketch');

const only = async (bench: Bench): Promise<object> => {
  const [first, ...more] = await queriesOf(bench);
  expect(more).toEqual([]);
  return first ?? {};
};

const REFUSAL: QueryRecord = {
  time: START,
  kind: 'refusal',
  client: '192.0.2.7',
  port: 40_000,
  transport: 'udp',
  group: 'default',
  qname: 'www.tiktok.example',
  qtype: 'A',
  rcode: 'NXDOMAIN',
  ede: 15,
  list: 'tiktok',
  category: 'social',
  version: '0123456789ab',
  trigger: 'qname',
  generation: 1,
  line: 12,
};

test('a refusal has every field that is known of it', async () => {
  const bench = new Bench();
  bench.record(1);
  expect(await only(bench)).toEqual(REFUSAL);
});

describe('fields', () => {
  const { category: _, ...uncategorized } = REFUSAL;
  test.each<[string, Parameters<Bench['record']>[1], object]>([
    ['the transport', { transport: 3 }, { ...REFUSAL, transport: 'doh' }],
    ['a type without a mnemonic', { qtype: 65_300 }, { ...REFUSAL, qtype: 'TYPE65300' }],
    ['IPv6', { client: '2001:db8::1' }, { ...REFUSAL, client: '2001:db8::1' }],
    ['a list without a category', { list: 1 }, { ...uncategorized, list: 'extra', version: 'ba9876543210' }],
    [
      'the name that an alias led to',
      { trigger: 1, targetName: 'edge.tiktok.example' },
      { ...REFUSAL, trigger: 'cname', target: 'edge.tiktok.example' },
    ],
    [
      'the address that an answer had',
      { trigger: 4, targetAddress: addressWords('198.51.100.9') },
      { ...REFUSAL, trigger: 'response-ip', target: '198.51.100.9' },
    ],
    [
      'the exemption',
      { kind: 2, exemption: 7, rcode: 0, edeCode: -1 },
      (() => {
        const { ede: __, ...record } = REFUSAL;
        return { ...record, kind: 'exemption-hit', exemption: 'ex-000007', rcode: 'NOERROR' };
      })(),
    ],
    ['a sign of a bypass', { kind: 3, signal: 0 }, { ...REFUSAL, kind: 'bypass', signal: 'canary' }],
    [
      'a refusal by a list against a way around as the sign that it is',
      { list: 2 },
      {
        ...REFUSAL,
        list: 'relays',
        category: 'private-relay',
        version: 'abcdefabcdef',
        signal: 'private-relay',
      },
    ],
    [
      'no sign where such a list only watches',
      { list: 2, kind: 1 },
      {
        ...REFUSAL,
        kind: 'would-refuse',
        list: 'relays',
        category: 'private-relay',
        version: 'abcdefabcdef',
      },
    ],
    [
      'a group and a list that nobody defined, by number',
      { generation: 9, group: 3, list: 5 },
      (() => {
        const { category: __, version: ___, ...record } = REFUSAL;
        return { ...record, generation: 9, group: '#3', list: '#5' };
      })(),
    ],
    ['the root', { qname: '.' }, { ...REFUSAL, qname: '.' }],
    [
      'bytes that are no part of a host name, in presentation form',
      { qname: 'a\\"b\\010\\.c\\255.example' },
      { ...REFUSAL, qname: 'a\\"b\\010\\.c\\255.example' },
    ],
  ])('tell %s', async (_what, changes, expected) => {
    const bench = new Bench();
    bench.record(1, changes);
    expect(await only(bench)).toEqual(expected);
  });

  test('leave out the answer of a query that was dropped', async () => {
    const bench = new Bench();
    bench.record(1, { rcode: -1, edeCode: -1 });
    const { rcode: __, ede: ___, ...expected } = REFUSAL;
    expect(await only(bench)).toEqual(expected);
  });
});

describe('clients', () => {
  test('are prefixes where they are truncated, without a port', async () => {
    const bench = new Bench({ identity: { kind: 'truncated', ipv4Bits: 24, ipv6Bits: 56 } });
    bench.record(1, { client: '192.0.2.7' });
    bench.record(1, { client: '2001:db8:1:23ff::9' });
    const records = (await queriesOf(bench)) as QueryRecord[];
    expect(records.map(({ client, port }) => [client, port])).toEqual([
      ['192.0.2.0/24', undefined],
      ['2001:db8:1:2300::/56', undefined],
    ]);
  });

  test('are the same pseudonym until the key is rotated', async () => {
    const bench = new Bench({ identity: { kind: 'pseudonym', rotateMs: 30 * 24 * HOUR_MS } });
    bench.record(2);
    bench.record(1, { client: '192.0.2.8' });
    bench.advance(31 * 24 * HOUR_MS);
    bench.record(1);
    const clients = ((await queriesOf(bench)) as QueryRecord[]).map(({ client }) => client);
    const [first = '', second, other, rotated = ''] = clients;
    expect(first).toMatch(/^p:1:[\w-]{22}$/);
    expect(second).toBe(first);
    expect(other).not.toBe(first);
    expect(rotated).toMatch(/^p:2:/);
    const changes = await readAll(bench.directory, 'changes');
    expect(changes).toContainEqual(
      expect.objectContaining({ event: 'pseudonym-key', text: 'key 2 was created' }),
    );
    const tick = setInterval(() => bench.advance(1), 1);
    expect(await bench.recording.reidentify(first, 'carol', 'case 7')).toBe('192.0.2.7');
    clearInterval(tick);
    expect(await readAll(bench.directory, 'changes')).toContainEqual(
      expect.objectContaining({ event: 'reidentified', by: 'carol', reason: 'case 7', text: first }),
    );
  });

  test('are not told while that cannot be recorded', async () => {
    const bench = new Bench({ identity: { kind: 'pseudonym', rotateMs: HOUR_MS } });
    bench.record(1);
    const [{ client }] = (await queriesOf(bench)) as [QueryRecord];
    let isTold = false;
    void bench.recording.reidentify(client, 'carol', 'case 7').then(() => {
      isTold = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isTold).toBe(false);
    await expect(bench.recording.reidentify('p:9:AAAAAAAAAAAAAAAAAAAAAA', 'carol', '')).rejects.toMatchObject(
      {
        code: 'ERR_COMPLIANCE_PSEUDONYM',
      },
    );
    await expect(bench.recording.reidentify('192.0.2.7', 'carol', '')).rejects.toMatchObject({
      code: 'ERR_COMPLIANCE_PSEUDONYM',
    });
  });
});

describe('queries from networks that may not ask', () => {
  const unlisted = { kind: 3, signal: 4, list: -1, line: 0, rcode: 5, edeCode: 18 } as const;

  test('are one record for each network and minute, with their number', async () => {
    const bench = new Bench();
    bench.emit(3, { ...unlisted, client: '203.0.113.1' });
    bench.emit(2, { ...unlisted, client: '203.0.113.200' });
    bench.emit(1, { ...unlisted, client: '2001:db8:2:33ff::1' });
    bench.advance(300);
    expect(await queriesOf(bench)).toEqual([]);
    bench.advance(60_000);
    const records = (await queriesOf(bench)) as QueryRecord[];
    expect(records.map(({ client, count, signal }) => [client, count, signal])).toEqual([
      ['203.0.113.0/24', 5, 'unlisted-network'],
      ['2001:db8:2:3300::/56', undefined, 'unlisted-network'],
    ]);
    expect(records[0]).not.toHaveProperty('list');
    expect(records[0]).not.toHaveProperty('port');
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('of networks beyond the bound share a record', async () => {
    const bench = new Bench();
    for (let network = 0; network < 5_000; network++) {
      bench.emit(1, { ...unlisted, client: `10.${network >> 8}.${network & 255}.1` });
      if (network % 1_000 === 999) bench.advance(300);
    }
    bench.advance(60_000);
    const records = (await queriesOf(bench)) as QueryRecord[];
    expect(records).toHaveLength(4_097);
    expect(records.at(-1)).toMatchObject({ client: 'other', count: 904 });
  });

  test('are written when the program stops', async () => {
    const bench = new Bench();
    bench.emit(2, { ...unlisted, client: '203.0.113.1' });
    await bench.recording.stop();
    expect(await only(bench)).toMatchObject({ client: '203.0.113.0/24', count: 2 });
  });
});

describe('counts', () => {
  test('by hour are those of the records', async () => {
    const bench = new Bench();
    bench.record(5);
    bench.record(3, { group: 1, qname: 'cdn.tiktok.example', trigger: 1 });
    bench.advance(HOUR_MS);
    bench.record(2);
    bench.record(1, { kind: 2, exemption: 3 });
    const reader = RecordsReader.open(bench.directory);
    const counts = await reader.counts(0, 8e15);
    reader.close();
    const hour = Date.parse(START);
    const common = { list: 'tiktok', category: 'social', signal: '', exemption: '', trigger: 'qname' };
    expect(counts).toEqual([
      { hourMs: hour, kind: 'refusal', group: 'default', ...common, count: 5 },
      { hourMs: hour, kind: 'refusal', group: 'lab', ...common, trigger: 'cname', count: 3 },
      {
        hourMs: hour + HOUR_MS,
        kind: 'exemption-hit',
        group: 'default',
        ...common,
        exemption: 'ex-000003',
        count: 1,
      },
      { hourMs: hour + HOUR_MS, kind: 'refusal', group: 'default', ...common, count: 2 },
    ]);
  });

  test('survive more combinations than are kept', async () => {
    const bench = new Bench();
    for (let number = 1; number <= 5_000; number++) {
      bench.emit(1, { kind: 2, exemption: number, qtype: number });
      if (number % 1_000 === 0) bench.advance(300);
    }
    bench.advance(1_000);
    expect(await queriesOf(bench)).toHaveLength(5_000);
    expect(await findingsOf(bench.directory)).toEqual([]);
  });

  test('of distinct clients are per group and over all, and go on after a start', async () => {
    const bench = new Bench();
    for (let host = 1; host <= 50; host++) bench.emit(2, { client: `192.0.2.${host}`, group: host % 2 });
    bench.advance(300);
    bench.emit(5, { client: '192.0.2.99', kind: 3, signal: 0 });
    bench.advance(300);
    bench.crash();
    const again = new Bench({ directory: bench.directory });
    again.record(1, { client: '192.0.2.200', group: 1 });
    const { distinctClients } = again.recording.facts();
    // The secret of each directory is its own: estimates of 51 are within four clients, 5 standard errors.
    for (const [group, count] of Object.entries({ '*': 51, default: 25, lab: 26 })) {
      expect(Math.abs((distinctClients.get(group) ?? 0) - count)).toBeLessThanOrEqual(4);
    }
    const reader = RecordsReader.open(bench.directory);
    const month = await reader.distinctClients('2026-11-01', '2026-11-30', '*');
    expect(month.estimate()).toBe(distinctClients.get('*'));
    expect((await reader.distinctClients('2026-11-26', '2026-11-30', '*')).estimate()).toBe(0);
    reader.close();
  });
});

test('an event is read with a definition that has arrived behind its back', async () => {
  const bench: Bench = new Bench({
    fetchDefinitions: () => {
      bench.recording.define({ generation: 5, groups: ['late'], lists: [{ id: 'newer', version: 'x' }] });
    },
  });
  bench.record(1, { generation: 5 });
  expect(await only(bench)).toMatchObject({ generation: 5, group: 'late', list: 'newer' });
});
