// How often names were asked for, by records of a real recorder: exact where records are whole, and said where they are not.
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countAskedNames } from '../../../src/evidence/records/asked-names.ts';
import { lastRecords } from '../../../src/evidence/records/search.ts';
import { Bench, DAY_MS, HOUR_MS } from './setup.ts';

const MONTH_MS = 30 * DAY_MS;
const count = (bench: Bench, bounds = {}) =>
  countAskedNames(bench.directory, bench.nowMs - MONTH_MS, bench.nowMs, bounds);

test('names count alone and with what is below them, by group and list; an alias for the name that the list has', async () => {
  const bench = new Bench();
  bench.record(3, { qname: 'www.order.example' });
  bench.record(2, { qname: 'order.example' });
  bench.record(1, { qname: 'border.example' });
  bench.record(4, { qname: 'www.order.example', list: 1, group: 1 });
  bench.record(5, { qname: 'cdn.elsewhere.example', targetName: 'order.example' });
  // A way around is no name that somebody wanted.
  bench.record(7, { qname: 'mask.icloud.com', list: 2 });
  const asked = await count(bench);
  const all = asked.of({});
  expect([all.queriesFor('order.example'), all.queriesBelow('order.example')]).toEqual([7, 14]);
  expect([all.queriesBelow('example'), all.queriesBelow('mask.icloud.com'), all.unnamed]).toEqual([15, 0, 0]);
  const ofList = asked.of({ lists: ['tiktok'] });
  expect(ofList.queriesBelow('order.example')).toBe(10);
  expect(asked.of({ lists: ['tiktok'], groups: ['lab'] }).queriesBelow('order.example')).toBe(0);
  expect(asked.of({ groups: ['lab'] }).queriesBelow('order.example')).toBe(4);
  expect(asked.isWhole).toBe(true);
});

test('it is told how far back records go, and that they go back far enough', async () => {
  const bench = new Bench();
  const firstMs = bench.nowMs;
  bench.record(1, { qname: 'first.example' });
  bench.advance(2 * DAY_MS);
  bench.record(1, { qname: 'second.example' });
  const young = await count(bench);
  expect([young.sinceMs, young.isWhole]).toEqual([firstMs, true]);
  bench.advance(MONTH_MS - DAY_MS);
  bench.record(1, { qname: 'third.example' });
  const old = await count(bench);
  expect(old.sinceMs).toBe(bench.nowMs - MONTH_MS);
  expect([old.of({}).queriesBelow('first.example'), old.of({}).queriesBelow('second.example')]).toEqual([
    0, 1,
  ]);
});

test('reading ends in time, at the newest: the rest is said not to be counted', async () => {
  const bench = new Bench();
  bench.record(200, { qname: 'old.example' });
  bench.advance(DAY_MS);
  const newMs = bench.nowMs;
  bench.record(200, { qname: 'new.example' });
  let ms = 0;
  const asked = await count(bench, { readMsMax: 2, monotonic: () => ms++ });
  expect(asked.isWhole).toBe(false);
  expect(asked.sinceMs).toBe(newMs);
  const part = asked.of({});
  expect(part.queriesBelow('new.example')).toBeGreaterThan(0);
  expect(part.queriesBelow('old.example')).toBe(0);
});

test('names beyond the bound are counted without their name', async () => {
  const bench = new Bench();
  for (const name of ['a.example', 'b.example', 'c.example', 'a.example']) bench.record(1, { qname: name });
  const asked = await count(bench, { namesMax: 2 });
  const part = asked.of({});
  expect([part.queriesBelow('example') + part.unnamed, part.unnamed]).toEqual([4, expect.any(Number)]);
  expect(part.unnamed).toBeGreaterThan(0);
});

test('events that could not be recorded make it "at least"', async () => {
  const bench = new Bench();
  bench.record(1, { qname: 'a.example' });
  expect((await count(bench)).isWhole).toBe(true);
  const written = bench.change({
    ...{ time: new Date(bench.nowMs).toISOString(), kind: 'records', event: 'dropped', count: 9 },
  } as Parameters<Bench['change']>[0]);
  bench.advance(1_000);
  await written;
  expect((await count(bench)).isWhole).toBe(false);
});

test('a damaged partition makes it "at least"', async () => {
  const bench = new Bench();
  bench.record(1, { qname: 'a.example' });
  bench.recording.close();
  const folder = join(bench.directory, 'queries');
  const [name = ''] = readdirSync(folder).filter((one) => one.endsWith('.sqlite'));
  renameSync(join(folder, name), join(folder, `${name}.damaged-20261125T080000Z`));
  const asked = await count(bench);
  expect([asked.isWhole, asked.of({}).queriesBelow('a.example')]).toEqual([false, 0]);
});

test('the newest records are found without the older ones, in the order of their time', async () => {
  const bench = new Bench();
  for (let index = 0; index < 6; index++) {
    bench.record(2, { qname: `n${index}.example` });
    bench.advance(HOUR_MS);
  }
  const filter = { classes: ['queries', 'changes'] as const, fromMs: 0, untilMs: Number.POSITIVE_INFINITY };
  const names = (await lastRecords(bench.directory, filter, 3)).map(({ record }) =>
    'qname' in record ? record.qname : record.kind,
  );
  expect(names).toHaveLength(3);
  const queries = await lastRecords(bench.directory, { ...filter, classes: ['queries'], name: 'example' }, 3);
  expect(queries.map(({ record }) => 'qname' in record && record.qname)).toEqual([
    ...['n4.example', 'n5.example', 'n5.example'],
  ]);
  expect(queries.map(({ sequence }) => sequence)).toEqual(
    queries.map(({ sequence }) => sequence).toSorted((a, b) => a - b),
  );
});
