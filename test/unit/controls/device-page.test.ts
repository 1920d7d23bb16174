// What one device tried: every number is what an independent script counts in the exported records; and who it is, which is told where
// it is certain.
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { readReferenceSecret, toReference } from '../../../src/evidence/records/client-references.ts';
import { RecordsReader } from '../../../src/evidence/records/records-reader.ts';
import type { DeviceShown } from '../../../src/people/admin/admin.ts';
import { clientsOf, showDevice } from '../../../src/people/controls/device-page.ts';
import { createRecordControl } from '../../../src/people/controls/record-control.ts';
import { needing } from '../../support/process.ts';
import type { eventOf } from '../../support/record-events.ts';
import { Bench, DAY_MS, HOUR_MS } from '../records/setup.ts';

const PSEUDONYMS = { kind: 'pseudonym', rotateMs: 30 * DAY_MS } as const;
type Changes = Parameters<typeof eventOf>[0];

/** What devices of a day do: kinds are refusal, would-refuse, exemption-hit and bypass. */
const DAY: readonly (readonly [atHour: number, count: number, changes: Changes])[] = [
  [0, 3, { qname: 'www.tiktok.example' }],
  [0, 2, { qname: 'cdn.tiktok.example', qtype: 28, group: 1 }],
  [5, 4, { qname: 'www.tiktok.example', client: '192.0.2.8' }],
  [6, 1, { qname: 'new.example', kind: 1, list: 1 }],
  [7, 5, { qname: 'www.tiktok.example', kind: 2, exemption: 7 }],
  [9, 2, { qname: 'mask.relay.example', kind: 3, list: 2, signal: 1 }],
];

const benchOfDay = (): Bench => {
  const bench = new Bench({ identity: PSEUDONYMS, start: '2026-11-25T00:10:00.000Z' });
  let hour = 0;
  for (const [atHour, count, changes] of DAY) {
    bench.advance((atHour - hour) * HOUR_MS);
    hour = atHour;
    bench.record(count, changes);
  }
  return bench;
};

const recordsOf = async (bench: Bench): Promise<readonly Record<string, unknown>[]> => {
  const reader = RecordsReader.open(bench.directory);
  const records: Record<string, unknown>[] = [];
  for await (const { record } of reader.records('queries', 0, Number.MAX_SAFE_INTEGER))
    records.push({ ...record });
  reader.close();
  return records;
};

const shown = ({ series, names, exemptions, signs, groups }: Omit<DeviceShown, 'unwatched'>) => {
  const sums = (rows: readonly { readonly key: string; readonly count: number }[]) =>
    Object.fromEntries(rows.map(({ key, count }) => [key, count]));
  return {
    hours: Object.fromEntries(
      series.flatMap(({ kind, counts }) =>
        counts.flatMap((count, hour) => (count === 0 ? [] : [[`${kind} ${hour}`, count]])),
      ),
    ),
    rows: Object.fromEntries(
      names.map((row) => [
        [row.kind, row.name, row.type, row.group, row.list ?? '-', row.exemption ?? '-'].join(' '),
        row.count,
      ]),
    ),
    times: Object.fromEntries(
      names.map((row) => [
        [row.kind, row.name, row.type, row.group, row.list ?? '-', row.exemption ?? '-'].join(' '),
        [row.first, row.last],
      ]),
    ),
    exemptions: sums(exemptions),
    signs: sums(signs),
    groups: sums(groups),
  };
};

/** Each device on each day is what a script counts; gives the days that were shown, with how many different hours and kinds. */
const expectRecomputed = async (bench: Bench): Promise<string[]> => {
  const records = await recordsOf(bench);
  const clients = [...new Set(records.map(({ client }) => String(client)))];
  const secret = readReferenceSecret(bench.directory);
  const seen: string[] = [];
  for (const client of clients)
    for (const day of ['2026-11-25', '2026-11-26']) {
      const reference = toReference(secret, Date.parse(`${day}T12:00:00Z`), client);
      const device = await showDevice(dirname(bench.directory), reference, () => bench.nowMs);
      const text = execFileSync('python3', ['test/support/recompute-device.py', client, day], {
        input: records.map((record) => JSON.stringify(record)).join('\n'),
      });
      const recomputed = JSON.parse(text.toString()) as ReturnType<typeof shown>;
      expect(device && shown(device)).toEqual(recomputed);
      expect(device).toMatchObject({ reference, isWhole: true, unnamed: 0 });
      expect(JSON.stringify(device)).not.toContain(client);
      if (device?.day !== null) seen.push(`${device?.day} ${Object.keys(recomputed.hours).length}`);
    }
  return seen.sort();
};

test(
  'every number is what a script counts in the records of this client and day',
  needing('python3'),
  async () => {
    const bench = benchOfDay();
    bench.advance(DAY_MS);
    // The day after it has another reference.
    bench.record(9, { qname: 'later.tiktok.example' });
    expect(await expectRecomputed(bench)).toEqual([
      '2026-11-25T00:00:00.000Z 1',
      '2026-11-25T00:00:00.000Z 4',
      '2026-11-26T00:00:00.000Z 1',
    ]);
  },
);

test('a clock that is set back over midnight hides nothing of a day', needing('python3'), async () => {
  const bench = new Bench({ identity: PSEUDONYMS, start: '2026-11-25T23:10:00.000Z' });
  for (const hours of [1, 2, -5, 1, 1, 2, 0]) {
    bench.record(2, { qname: 'www.tiktok.example' });
    bench.step(hours * HOUR_MS);
  }
  expect(await expectRecomputed(bench)).toEqual(['2026-11-25T00:00:00.000Z 3', '2026-11-26T00:00:00.000Z 3']);
});

test('what is no reference is nobody; where time ran out, it is told how far back was looked', async () => {
  const bench = benchOfDay();
  const directory = dirname(bench.directory);
  expect(await showDevice(directory, '192.0.2.7', () => bench.nowMs)).toBeUndefined();
  expect(await showDevice(directory, 'ZZZZ-ZZ', () => bench.nowMs)).toMatchObject({
    day: null,
    isWhole: true,
  });
  for (let round = 0; round < 3; round++)
    bench.record(900, { qname: 'many.tiktok.example', client: '192.0.2.9' });
  let ms = 0;
  const cut = await showDevice(directory, 'ZZZZ-ZZ', () => bench.nowMs, {
    readMsMax: 1,
    monotonic: () => ms++,
  });
  expect(cut?.isWhole).toBe(false);
  expect(Date.parse(cut?.lookedBackTo ?? '')).toBeGreaterThan(bench.nowMs - DAY_MS);
});

test('rows are bounded: 200 of the most asked, and the rest is in the sums', async () => {
  const bench = new Bench({ identity: { kind: 'full' }, start: '2026-11-25T00:10:00.000Z' });
  for (let at = 0; at < 250; at++) bench.emit(at < 10 ? 2 : 1, { qname: `n${at}.example` });
  bench.advance(1_000);
  const reference = toReference(readReferenceSecret(bench.directory), bench.nowMs, '192.0.2.7');
  const device = await showDevice(dirname(bench.directory), reference, () => bench.nowMs);
  expect(device?.names).toHaveLength(200);
  expect(device?.names[0]?.count).toBe(2);
  expect(device?.unnamed).toBe(50);
  expect(device?.groups).toEqual([{ key: 'default', count: 260 }]);
});

test('who a reference means is told to who may ask for it, on the record, and only where it is certain', async () => {
  const bench = benchOfDay();
  const directory = dirname(bench.directory);
  const secret = readReferenceSecret(bench.directory);
  const client = String((await recordsOf(bench))[0]?.['client']);
  const reference = toReference(secret, bench.nowMs, client);
  const asked: string[] = [];
  const control = createRecordControl({
    status: () => undefined,
    recorder: () => ({
      reidentify: async (pseudonym, by, reason) => {
        asked.push(`${by}: ${reason}`);
        const tick = setInterval(() => bench.advance(1), 1);
        return await bench.recording.reidentify(pseudonym, by, reason).finally(() => clearInterval(tick));
      },
      pseudonyms: () => Promise.reject(new TypeError('not asked')),
      write: () => Promise.reject(new TypeError('not asked')),
    }),
    check: undefined as never,
    clientsOf: (text) => clientsOf(directory, text, () => bench.nowMs),
    acted: () => undefined,
  });
  expect(await control.reidentify(reference.toLowerCase(), 'carol', 'case 7')).toBe('192.0.2.7');
  expect(asked).toEqual([`carol: case 7 (reference ${reference.toLowerCase()})`]);
  await expect(control.reidentify('ZZZZ-ZZ', 'carol', 'case 8')).rejects.toMatchObject({
    code: 'ERR_COMPLIANCE_PSEUDONYM',
  });
  expect(asked).toHaveLength(1);
  // The pseudonym itself goes the old way.
  expect(await control.reidentify(client, 'carol', 'case 9')).toBe('192.0.2.7');
});
