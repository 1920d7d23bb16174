// Sums over workers, generations and time: they only ever grow, and no refusal is lost.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MATCH, SIGNAL, TRANSPORT } from '../../../src/base/words/words.ts';
import { CounterTotals, type Family, WorkerCounters } from '../../../src/telemetry/observe/observe.ts';
import { TRIGGER, TYPE } from '../../../src/wire/dns/dns.ts';
import { createSource, scrape } from './scrape.ts';

const UPSTREAM = '192.0.2.1:53';
const list = (id: string) => ({ id, category: 'tiktok', logOnly: false });
const refusalOf = (id: string, group = 'default', qtype = 'A') =>
  `cordon_refusals_total{list="${id}",category="tiktok",match="suffix",trigger="qname",group="${group}",qtype="${qtype}"}`;

const refuse = (counters: WorkerCounters, index: number, qtype: number = TYPE.A): void => {
  counters.refusal(index, MATCH.SUFFIX, TRIGGER.QNAME, 0, qtype);
};

test('read() sums counters and gauges over workers', async () => {
  const totals = new CounterTotals();
  const layout = { lists: [list('tiktok')], groups: ['default'] };
  for (const count of [1, 2]) {
    const counters = new WorkerCounters(
      totals.openCounters({ upstreams: [UPSTREAM] }),
      totals.openRefusals(layout),
    );
    for (let i = 0; i < count; i++) {
      counters.query(TRANSPORT.UDP, TYPE.A, 0);
      counters.missDuration(1);
      refuse(counters, 0);
    }
    counters.setCache(count, count * 100);
  }
  const series = await scrape(createSource({ totals }));
  expect(series.get('cordon_queries_total{transport="udp",qtype="A"}')).toBe(3);
  expect(series.get(refusalOf('tiktok'))).toBe(3);
  expect(series.get('cordon_resolution_seconds_count')).toBe(3);
  expect(series.get('cordon_cache_entries')).toBe(3);
  expect(series.get('cordon_cache_bytes')).toBe(300);
});

test('read() calls an upstream down while one worker does', async () => {
  const totals = new CounterTotals();
  const workers = [1, 2, 3].map(
    () =>
      new WorkerCounters(
        totals.openCounters({ upstreams: [UPSTREAM] }),
        totals.openRefusals({ lists: [], groups: [] }),
      ),
  );
  const up = async () =>
    (await scrape(createSource({ totals }))).get(`cordon_upstream_up{upstream="${UPSTREAM}"}`);
  expect(await up()).toBe(1);
  workers[1]?.upstreamHealthy(0, false);
  expect(await up()).toBe(0);
  workers[1]?.upstreamHealthy(0, true);
  expect(await up()).toBe(1);
});

test('a reload keeps the refusals of a list whose index moves or which goes away', async () => {
  const totals = new CounterTotals();
  const block = totals.openCounters({ upstreams: [] });
  const first = totals.openRefusals({ lists: [list('gone'), list('tiktok')], groups: ['default'] });
  const counters = new WorkerCounters(block, first);
  refuse(counters, 0);
  refuse(counters, 1);

  const second = totals.openRefusals({ lists: [list('tiktok'), list('new')], groups: ['default'] });
  counters.setRefusals(second);
  totals.retireRefusals(first);
  refuse(counters, 0);
  refuse(counters, 1);
  refuse(counters, 1);

  const series = await scrape(createSource({ totals }));
  expect(series.get(refusalOf('gone'))).toBe(1);
  expect(series.get(refusalOf('tiktok'))).toBe(2);
  expect(series.get(refusalOf('new'))).toBe(2);
});

test('a retired counter block keeps its counters, lets go of its gauges, and is added once', async () => {
  const totals = new CounterTotals();
  const block = totals.openCounters({ upstreams: [UPSTREAM] });
  const counters = new WorkerCounters(block, totals.openRefusals({ lists: [], groups: [] }));
  counters.upstreamSent(0, TRANSPORT.UDP);
  counters.setCache(9, 9);
  totals.retireCounters(block);
  totals.retireCounters(block);
  const series = await scrape(createSource({ totals }));
  expect(series.get(`cordon_upstream_queries_total{upstream="${UPSTREAM}",transport="udp"}`)).toBe(1);
  expect(series.get('cordon_cache_entries')).toBe(0);
  expect(series.has(`cordon_upstream_up{upstream="${UPSTREAM}"}`)).toBe(false);
});

test('refusals that are zero have no series', async () => {
  const totals = new CounterTotals();
  totals.openRefusals({ lists: [list('tiktok')], groups: ['default'] });
  const series = await scrape(createSource({ totals }));
  expect([...series.keys()].filter((name) => name.startsWith('cordon_refusals_total'))).toEqual([]);
});

test('series over the bound are counted together as other, and what was exported stays', async () => {
  const totals = new CounterTotals(2);
  const layout = { lists: [list('a'), list('b'), list('c')], groups: ['default'] };
  const block = totals.openRefusals(layout);
  const counters = new WorkerCounters(totals.openCounters({ upstreams: [] }), block);
  const other =
    'cordon_refusals_total{list="other",category="other",match="other",trigger="other",group="other",qtype="other"}';
  refuse(counters, 1);
  refuse(counters, 2);
  const first = await scrape(createSource({ totals }));
  expect(first.has(other)).toBe(false);

  refuse(counters, 0);
  refuse(counters, 2);
  const second = await scrape(createSource({ totals }));
  expect(second.get(refusalOf('b'))).toBe(1);
  expect(second.get(refusalOf('c'))).toBe(2);
  expect(second.has(refusalOf('a'))).toBe(false);
  expect(second.get(other)).toBe(1);
  expect(second.get('cordon_metrics_series_dropped_total')).toBeGreaterThan(0);

  totals.retireRefusals(block);
  const third = await scrape(createSource({ totals }));
  expect([third.get(refusalOf('b')), third.get(refusalOf('c')), third.get(other)]).toEqual([1, 2, 1]);
});

test('what exemptions let pass is kept by their ids, over workers and changes, and shows up before it happens', () => {
  const totals = new CounterTotals();
  const block = totals.openCounters({ upstreams: [] });
  const refusals = totals.openRefusals({ lists: [], groups: [] });
  const hits = () =>
    new Map(
      Array.from(totals.read().series('exemptionHits'), ({ labels, values }) => [labels[0], values[0]]),
    );
  const first = totals.openExemptions({ ids: ['ex-000001', 'ex-000002'] });
  const counters = new WorkerCounters(block, refusals, first);
  expect(hits()).toEqual(
    new Map([
      ['ex-000001', 0],
      ['ex-000002', 0],
    ]),
  );
  counters.exempted(0);
  counters.exempted(1);
  counters.exempted(1);
  const second = totals.openExemptions({ ids: ['ex-000002', 'ex-000003'] });
  counters.setExemptions(second);
  totals.retireExemptions(first);
  counters.exempted(0);
  // A worker that is started again goes on in its block.
  new WorkerCounters(block, refusals, second).exempted(1);
  counters.exempted(9);
  expect(hits()).toEqual(
    new Map([
      ['ex-000001', 1],
      ['ex-000002', 3],
      ['ex-000003', 1],
      ['unknown', 1],
    ]),
  );
});

test('signs of bypass are counted by their words', () => {
  const totals = new CounterTotals();
  const counters = new WorkerCounters(
    totals.openCounters({ upstreams: [] }),
    totals.openRefusals({ lists: [], groups: [] }),
  );
  counters.bypass(SIGNAL.DDR);
  counters.bypass(SIGNAL.UNLISTED_NETWORK);
  counters.bypass(SIGNAL.UNLISTED_NETWORK);
  const signals = Array.from(totals.read().series('bypassSignals'), ({ labels, values }) => [
    labels[0],
    values[0],
  ]);
  expect(signals).toEqual([
    ['canary', 0],
    ['private-relay', 0],
    ['foreign-doh', 0],
    ['ddr', 1],
    ['unlisted-network', 2],
  ]);
});

test('a reading of some metrics has what a reading of all has, and refusals as one number', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 4 }),
      fc.nat(3),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 1_000 })), { maxLength: 60 }),
      fc.boolean(),
      (logOnly, groupCount, counted, isRetired) => {
        const totals = new CounterTotals(8);
        const layout = {
          lists: logOnly.map((one, index) => ({ id: `l${index}`, category: 'c', logOnly: one })),
          groups: Array.from({ length: groupCount }, (_, index) => `g${index}`),
        };
        const blocks = [totals.openRefusals(layout), totals.openRefusals(layout)];
        for (const [at, [cell, count]] of counted.entries()) {
          const cells = new Float64Array(blocks[at % 2]?.buffer ?? new ArrayBuffer(0));
          cells[cell % cells.length] = count;
        }
        if (isRetired && blocks[0] !== undefined) totals.retireRefusals(blocks[0]);
        const all = totals.read();
        const sum = (family: Family): number =>
          [...all.series(family)].reduce((total, { values }) => total + (values[0] ?? 0), 0);
        expect(totals.refused()).toEqual({ refusals: sum('refusals'), wouldRefuse: sum('wouldRefuse') });
        const some = totals.read(['groupQueries', 'limited']);
        for (const family of ['groupQueries', 'limited'] as const)
          expect([...some.series(family)]).toEqual([...all.series(family)]);
      },
    ),
  );
});
