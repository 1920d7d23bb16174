// What a worker writes, read back as an operator reads it: by the text of the series.

import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { DROP, MATCH, SOURCE, TCP_REFUSAL, TRANSPORT } from '../../../src/base/words/words.ts';
import {
  type CounterBlock,
  CounterTotals,
  type RefusalLayout,
  UPSTREAM_FAILURE,
  WorkerCounters,
} from '../../../src/telemetry/observe/observe.ts';
import { RCODE, TRIGGER, TYPE } from '../../../src/wire/dns/dns.ts';
import { createSource, scrape } from './scrape.ts';

const LAYOUT: RefusalLayout = {
  lists: [
    { id: 'tiktok', category: 'tiktok', logOnly: false },
    { id: 'extra', category: 'local', logOnly: false },
  ],
  groups: ['default', 'lab'],
};
const UPSTREAMS = ['192.0.2.1:53', '192.0.2.2:53'];

const setUp = () => {
  const totals = new CounterTotals();
  const open = () => {
    const block = totals.openCounters({ upstreams: UPSTREAMS });
    const refusals = totals.openRefusals(LAYOUT);
    return { block, refusals, counters: new WorkerCounters(block, refusals) };
  };
  return { totals, open, read: () => scrape(createSource({ totals })) };
};

type Call = (counters: WorkerCounters) => void;

test.each<[string, Call, Record<string, number>]>([
  [
    'query() counts by transport and type',
    (c) => c.query(TRANSPORT.TCP, TYPE.HTTPS, 1),
    {
      'cordon_queries_total{transport="tcp",qtype="HTTPS"}': 1,
      'cordon_group_queries_total{group="default"}': 0,
      'cordon_group_queries_total{group="lab"}': 1,
      'cordon_group_queries_total{group="none"}': 0,
    },
  ],
  [
    'query() counts the highest type as other',
    (c) => c.query(TRANSPORT.DOH, 0xffff, 0),
    {
      'cordon_queries_total{transport="doh",qtype="other"}': 1,
      'cordon_group_queries_total{group="default"}': 1,
    },
  ],
  [
    'query() counts an address that may not ask as of no group',
    (c) => c.query(TRANSPORT.UDP, TYPE.A, -1),
    {
      'cordon_queries_total{transport="udp",qtype="A"}': 1,
      'cordon_group_queries_total{group="none"}': 1,
    },
  ],
  [
    'probed() counts the probe and nothing else',
    (c) => c.probed(),
    { cordon_enforcement_probe_queries_total: 1 },
  ],
  [
    'settled() counts the answers that were at hand with the time of their batch',
    (c) => {
      c.answer(SOURCE.CACHE, RCODE.NOERROR);
      c.answer(SOURCE.POLICY, RCODE.NXDOMAIN);
      c.settled(0.064);
      // Nothing is at hand any more.
      c.settled(5);
    },
    {
      'cordon_answers_total{source="cache",rcode="NOERROR"}': 1,
      'cordon_answers_total{source="policy",rcode="NXDOMAIN"}': 1,
      'cordon_answer_seconds_bucket{le="0.000032"}': 0,
      'cordon_answer_seconds_bucket{le="0.000064"}': 2,
      'cordon_answer_seconds_bucket{le="+Inf"}': 2,
      cordon_answer_seconds_count: 2,
      cordon_answer_seconds_sum: 0.000128,
    },
  ],
  [
    'settled() leaves out the answer that was waited for, which counts with its own time',
    (c) => {
      c.answer(SOURCE.UPSTREAM, RCODE.NOERROR);
      c.missDuration(12_000);
      c.answer(SOURCE.CACHE, RCODE.NOERROR);
      c.settled(0);
    },
    {
      'cordon_answers_total{source="upstream",rcode="NOERROR"}': 1,
      'cordon_answers_total{source="cache",rcode="NOERROR"}': 1,
      'cordon_resolution_seconds_bucket{le="+Inf"}': 1,
      'cordon_answer_seconds_bucket{le="0.000032"}': 1,
      'cordon_answer_seconds_bucket{le="8.388608"}': 1,
      'cordon_answer_seconds_bucket{le="+Inf"}': 2,
      cordon_answer_seconds_sum: 12,
    },
  ],
  [
    'answer() counts by source and response code',
    (c) => c.answer(SOURCE.POLICY, RCODE.NXDOMAIN),
    { 'cordon_answers_total{source="policy",rcode="NXDOMAIN"}': 1 },
  ],
  [
    'answer() counts an extended response code',
    (c) => c.answer(SOURCE.SHED, RCODE.BADCOOKIE),
    { 'cordon_answers_total{source="shed",rcode="BADCOOKIE"}': 1 },
  ],
  [
    'answer() counts an unassigned response code as other',
    (c) => c.answer(SOURCE.CACHE, 0xfff),
    { 'cordon_answers_total{source="cache",rcode="other"}': 1 },
  ],
  [
    'refusal() counts by list, match, trigger, group and type',
    (c) => c.refusal(1, MATCH.WILDCARD, TRIGGER.SERVICE_TARGET, 1, TYPE.A),
    {
      'cordon_refusals_total{list="extra",category="local",match="wildcard",trigger="https-target",group="lab",qtype="A"}': 1,
    },
  ],
  [
    'refusal() counts the last cell of the block',
    (c) => c.refusal(1, MATCH.PREFIX, TRIGGER.SERVICE_HINT, 1, 0xffff),
    {
      'cordon_refusals_total{list="extra",category="local",match="prefix",trigger="https-hint",group="lab",qtype="other"}': 1,
    },
  ],
  [
    'refusal() keeps a refusal whose list and group are out of range',
    (c) => c.refusal(7, MATCH.SUFFIX, TRIGGER.QNAME, -1, TYPE.A),
    {
      'cordon_refusals_total{list="unknown",category="unknown",match="suffix",trigger="qname",group="unknown",qtype="A"}': 1,
    },
  ],
  ['dropped() counts by reason', (c) => c.dropped(DROP.LOOP), { 'cordon_dropped_total{reason="loop"}': 1 }],
  [
    'dropped() counts an unknown reason as other',
    (c) => c.dropped(99),
    { 'cordon_dropped_total{reason="other"}': 1 },
  ],
  [
    'tcpRefused() counts by reason',
    (c) => c.tcpRefused(TCP_REFUSAL.PER_CLIENT),
    { 'cordon_tcp_refused_total{reason="per-client"}': 1 },
  ],
  ['cacheHit() counts', (c) => c.cacheHit(), { cordon_cache_hits_total: 1 }],
  ['cacheMiss() counts', (c) => c.cacheMiss(), { cordon_cache_misses_total: 1 }],
  ['cacheEvicted() counts', (c) => c.cacheEvicted(), { cordon_cache_evictions_total: 1 }],
  ['coalesced() counts', (c) => c.coalesced(), { cordon_coalesced_queries_total: 1 }],
  [
    'setCache() sets both gauges',
    (c) => c.setCache(7, 900),
    { cordon_cache_entries: 7, cordon_cache_bytes: 900 },
  ],
  ['setTcpConnections() sets the gauge', (c) => c.setTcpConnections(3), { cordon_tcp_connections: 3 }],
  ['inflight() sets the gauge', (c) => c.inflight(4), { cordon_inflight_queries: 4 }],
  [
    'upstreamSent() counts by transport',
    (c) => c.upstreamSent(1, TRANSPORT.TCP),
    { 'cordon_upstream_queries_total{upstream="192.0.2.2:53",transport="tcp"}': 1 },
  ],
  [
    'upstreamFailed() counts by reason',
    (c) => c.upstreamFailed(0, UPSTREAM_FAILURE.TIMEOUT),
    { 'cordon_upstream_failures_total{upstream="192.0.2.1:53",reason="timeout"}': 1 },
  ],
  [
    'upstreamUnwanted() counts',
    (c) => c.upstreamUnwanted(1),
    { 'cordon_upstream_unwanted_total{upstream="192.0.2.2:53"}': 1 },
  ],
  [
    'upstreamHealthy() lowers the gauge',
    (c) => c.upstreamHealthy(1, false),
    { 'cordon_upstream_up{upstream="192.0.2.1:53"}': 1, 'cordon_upstream_up{upstream="192.0.2.2:53"}': 0 },
  ],
  [
    'upstreamAnswered() counts the response code and the time',
    (c) => c.upstreamAnswered(1, 3, RCODE.SERVFAIL),
    {
      'cordon_upstream_answers_total{upstream="192.0.2.2:53",rcode="SERVFAIL"}': 1,
      'cordon_upstream_rtt_seconds_bucket{upstream="192.0.2.2:53",le="0.0025"}': 0,
      'cordon_upstream_rtt_seconds_bucket{upstream="192.0.2.2:53",le="0.005"}': 1,
      'cordon_upstream_rtt_seconds_bucket{upstream="192.0.2.2:53",le="+Inf"}': 1,
      'cordon_upstream_rtt_seconds_sum{upstream="192.0.2.2:53"}': 0.003,
      'cordon_upstream_rtt_seconds_count{upstream="192.0.2.2:53"}': 1,
      'cordon_upstream_rtt_seconds_count{upstream="192.0.2.1:53"}': 0,
    },
  ],
  [
    'missDuration() puts a time on the bound into the bucket of that bound',
    (c) => c.missDuration(10),
    {
      'cordon_resolution_seconds_bucket{le="0.005"}': 0,
      'cordon_resolution_seconds_bucket{le="0.01"}': 1,
      'cordon_resolution_seconds_bucket{le="+Inf"}': 1,
      'cordon_answer_seconds_bucket{le="0.008192"}': 0,
      'cordon_answer_seconds_bucket{le="0.016384"}': 1,
    },
  ],
  [
    'missDuration() puts a time above the last bound into +Inf only',
    (c) => c.missDuration(6000),
    {
      'cordon_resolution_seconds_bucket{le="5"}': 0,
      'cordon_resolution_seconds_bucket{le="+Inf"}': 1,
      cordon_resolution_seconds_sum: 6,
      cordon_answer_seconds_sum: 6,
    },
  ],
  [
    'missDuration() counts a time below zero as none',
    (c) => c.missDuration(-50),
    {
      'cordon_resolution_seconds_bucket{le="0.001"}': 1,
      cordon_resolution_seconds_sum: 0,
      'cordon_answer_seconds_bucket{le="0.000032"}': 1,
    },
  ],
])('%s', async (_name, call, expected) => {
  const { open, read } = setUp();
  const { counters } = open();
  const before = await read();
  call(counters);
  const after = await read();
  expect(Object.fromEntries(Object.keys(expected).map((series) => [series, after.get(series)]))).toEqual(
    expected,
  );
  // Nothing else moved: a call that writes into a neighbor's cell shows here.
  const names = new Set(
    Object.keys(expected).map((series) => series.replace(/_(?:bucket|sum|count)?(?:\{.*)?$/, '')),
  );
  const moved = [...after].filter(([series, value]) => {
    const isOwn = series.startsWith('cordon_process_') || series.startsWith('cordon_nodejs_');
    return !isOwn && value !== (before.get(series) ?? 0) && !(series in expected);
  });
  for (const [series] of moved) expect([...names].some((name) => series.startsWith(name))).toBe(true);
});

test('the cells of queries, answers, drops and the rest do not overlap', async () => {
  const { open, read } = setUp();
  const { counters } = open();
  const types = [...Object.values(TYPE), 0, 0xffff];
  for (const transport of Object.values(TRANSPORT))
    for (const type of types) counters.query(transport, type, 0);
  for (const source of Object.values(SOURCE)) {
    for (const rcode of [...Object.values(RCODE), 0xfff]) counters.answer(source, rcode);
  }
  for (const reason of Object.values(DROP)) counters.dropped(reason);
  for (const reason of Object.values(TCP_REFUSAL)) counters.tcpRefused(reason);
  counters.cacheHit();
  const series = await read();
  const sum = (prefix: string) =>
    [...series].reduce((total, [name, value]) => total + (name.startsWith(prefix) ? value : 0), 0);
  const count = (prefix: string) => [...series.keys()].filter((name) => name.startsWith(prefix)).length;
  expect(count('cordon_queries_total{')).toBe(5 * 17);
  expect(sum('cordon_queries_total{')).toBe(5 * types.length);
  expect(series.get('cordon_queries_total{transport="udp",qtype="A"}')).toBe(1);
  expect(count('cordon_answers_total{')).toBe(9 * 14);
  expect(sum('cordon_answers_total{')).toBe(9 * (Object.values(RCODE).length + 1));
  expect(sum('cordon_dropped_total{')).toBe(Object.values(DROP).length);
  expect(sum('cordon_tcp_refused_total{')).toBe(Object.values(TCP_REFUSAL).length);
  expect(series.get('cordon_cache_hits_total')).toBe(1);
  expect(series.get('cordon_answers_total{source="local",rcode="BADVERS"}')).toBe(1);
});

test('an endpoint index that the layout does not have is ignored', async () => {
  const { open, read } = setUp();
  const { counters } = open();
  const before = await read();
  counters.upstreamSent(2, TRANSPORT.UDP);
  counters.upstreamAnswered(2, 1, RCODE.NOERROR);
  counters.upstreamFailed(2, UPSTREAM_FAILURE.TIMEOUT);
  counters.upstreamHealthy(2, false);
  const after = await read();
  const upstreams = (series: Map<string, number>) =>
    [...series].filter(([name]) => name.includes('_upstream_'));
  expect(upstreams(after)).toEqual(upstreams(before));
});

test('a worker that takes over a block goes on with its counters and starts its gauges anew', async () => {
  const { open, read } = setUp();
  const first = open();
  first.counters.cacheHit();
  first.counters.setTcpConnections(5);
  first.counters.upstreamHealthy(0, false);
  new WorkerCounters(first.block, first.refusals).cacheHit();
  const series = await read();
  expect(series.get('cordon_cache_hits_total')).toBe(2);
  expect(series.get('cordon_tcp_connections')).toBe(0);
  expect(series.get('cordon_upstream_up{upstream="192.0.2.1:53"}')).toBe(1);
});

test('setCounters() takes the gauges along', async () => {
  const { totals, open, read } = setUp();
  const { block, counters } = open();
  counters.setCache(3, 300);
  counters.setTcpConnections(2);
  counters.inflight(1);
  counters.cacheHit();
  counters.setCounters(totals.openCounters({ upstreams: ['192.0.2.9:53'] }));
  totals.retireCounters(block);
  counters.cacheHit();
  const series = await read();
  expect(series.get('cordon_cache_hits_total')).toBe(2);
  expect(series.get('cordon_cache_entries')).toBe(3);
  expect(series.get('cordon_cache_bytes')).toBe(300);
  expect(series.get('cordon_tcp_connections')).toBe(2);
  expect(series.get('cordon_inflight_queries')).toBe(1);
  expect(series.has('cordon_upstream_up{upstream="192.0.2.1:53"}')).toBe(false);
  expect(series.get('cordon_upstream_up{upstream="192.0.2.9:53"}')).toBe(1);
});

test('a block that was posted to a thread is the same memory', async () => {
  const { totals, read } = setUp();
  const block = totals.openCounters({ upstreams: UPSTREAMS });
  const refusals = totals.openRefusals(LAYOUT);
  const door = new URL('../../../src/telemetry/observe/observe.ts', import.meta.url).href;
  const code = `
    const { workerData } = require('node:worker_threads');
    import(${JSON.stringify(door)}).then(({ WorkerCounters }) => {
      const counters = new WorkerCounters(workerData.block, workerData.refusals);
      for (let i = 0; i < 1000; i++) counters.query(0, 1, 0);
      counters.refusal(0, 1, 0, 0, 1);
    });`;
  const worker = new Worker(code, {
    eval: true,
    workerData: { block, refusals } satisfies { block: CounterBlock; refusals: unknown },
  });
  await new Promise((resolve, reject) => {
    worker.once('exit', resolve);
    worker.once('error', reject);
  });
  const series = await read();
  expect(series.get('cordon_queries_total{transport="udp",qtype="A"}')).toBe(1000);
  expect(
    series.get(
      'cordon_refusals_total{list="tiktok",category="tiktok",match="suffix",trigger="qname",group="default",qtype="A"}',
    ),
  ).toBe(1);
});
