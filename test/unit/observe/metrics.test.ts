import { createRequire } from 'node:module';
import type * as PromClient from 'prom-client';
import { expect, test } from 'vitest';
import { MATCH, SOURCE, TRANSPORT } from '../../../src/base/words/words.ts';
import { EnforcementClock, MANDATE_STATES } from '../../../src/telemetry/enforcement/enforcement.ts';
import {
  CounterTotals,
  createMetrics,
  UPSTREAM_FAILURE,
  WorkerCounters,
} from '../../../src/telemetry/observe/observe.ts';
import { RCODE, TRIGGER, TYPE } from '../../../src/wire/dns/dns.ts';
import { requireProgram, run } from '../../support/process.ts';
import { createSource, parsePage, scrape } from './scrape.ts';

/** A page on which every metric has a series. */
const renderFull = (): Promise<string> => {
  const totals = new CounterTotals();
  const layout = { lists: [{ id: 'tiktok', category: 'tiktok', logOnly: false }], groups: ['default'] };
  const counters = new WorkerCounters(
    totals.openCounters({ upstreams: ['[2001:db8::1]:53'] }),
    totals.openRefusals(layout),
  );
  counters.query(TRANSPORT.UDP, TYPE.A, 0);
  counters.answer(SOURCE.POLICY, RCODE.NXDOMAIN);
  counters.refusal(0, MATCH.SUFFIX, TRIGGER.QNAME, 0, TYPE.A);
  counters.upstreamSent(0, TRANSPORT.UDP);
  counters.upstreamAnswered(0, 12, RCODE.NOERROR);
  counters.upstreamFailed(0, UPSTREAM_FAILURE.TIMEOUT);
  return createMetrics(createSource({ totals })).render();
};

test('the library is loaded by the first scrape, whose text it is', async () => {
  const require = createRequire(import.meta.url);
  const path = require.resolve('prom-client');
  delete require.cache[path];
  const metrics = createMetrics(createSource());
  const { contentType } = metrics;
  expect(require.cache[path]).toBeUndefined();
  await metrics.render();
  expect(require.cache[path]).toBeDefined();
  expect(contentType).toBe((require('prom-client') as typeof PromClient).Registry.PROMETHEUS_CONTENT_TYPE);
});

test('the first scrape tells the processor time of the process since it began', async () => {
  const before = process.cpuUsage();
  const series = await scrape(createSource());
  const after = process.cpuUsage();
  const seconds = (part: 'user' | 'system') => series.get(`cordon_process_cpu_${part}_seconds_total`) ?? 0;
  for (const part of ['user', 'system'] as const) {
    expect(seconds(part)).toBeGreaterThanOrEqual(before[part] / 1e6);
    expect(seconds(part)).toBeLessThanOrEqual(after[part] / 1e6 + 1e-6);
  }
  expect(series.get('cordon_process_cpu_seconds_total')).toBeCloseTo(seconds('user') + seconds('system'), 5);
});

test('promtool finds nothing to say about the page', async (context) => {
  requireProgram(context, 'promtool');
  const page = await renderFull();
  const result = await run('promtool', ['check', 'metrics'], { input: page });
  expect(result).toMatchObject({ stdout: '', stderr: '', code: 0 });
  // The same check says something about a page that is not clean.
  const broken = await run('promtool', ['check', 'metrics'], { input: '# TYPE a_total gauge\na_total 1\n' });
  expect(broken.stderr + broken.stdout).toContain('a_total');
});

test('every name begins with cordon_ and every metric has a meaning', async () => {
  const lines = (await renderFull()).split('\n').filter((line) => line !== '');
  for (const line of lines)
    expect(line).toMatch(/^(?:# HELP cordon_\w+ \S.*|# TYPE cordon_\w+ \w+|cordon_.*)$/);
});

test('the facts of the program are on the page', async () => {
  const time = { nowMs: 0 };
  const enforcement = new EnforcementClock(() => time.nowMs);
  time.nowMs = 2500;
  const series = await scrape(createSource({ enforcement }));
  const expected = {
    'cordon_list_entries{list="tiktok"}': 12,
    'cordon_list_rejected_entries{list="tiktok"}': 1,
    [`cordon_list_info{list="tiktok",category="tiktok",sha256="${'ab'.repeat(32)}",mandate="true"}`]: 1,
    'cordon_list_last_success_timestamp_seconds{list="tiktok"}': 1_700_000_000,
    cordon_policy_generation: 3,
    cordon_policy_enforcing: 0,
    'cordon_not_enforcing_seconds_total{cause="startup"}': 2.5,
    'cordon_not_enforcing_seconds_total{cause="no-generation"}': 0,
    [`cordon_config_info{sha256="${'cd'.repeat(32)}"}`]: 1,
    'cordon_config_reloads_total{result="success"}': 2,
    'cordon_config_reloads_total{result="failure"}': 1,
    [`cordon_build_info{version="1.2.3",node="${process.versions.node}"}`]: 1,
    cordon_workers: 2,
    cordon_udp_batched: 1,
    cordon_worker_restarts_total: 1,
    cordon_metrics_series_dropped_total: 0,
  };
  expect(Object.fromEntries(series)).toMatchObject(expected);
});

test('cordon_policy_enforcing is 1 while everything is enforced, and nothing else is', async () => {
  const enforcement = new EnforcementClock(() => 0);
  for (const state of MANDATE_STATES) {
    enforcement.set({ state, groups: [{ group: 'staff', state }] });
    const series = await scrape(createSource({ enforcement }));
    expect(series.get('cordon_policy_enforcing')).toBe(state === 'enforced' ? 1 : 0);
    expect([...series.keys()].filter((name) => name.startsWith('cordon_enforcement_state'))).toEqual([
      `cordon_enforcement_state{group="*",state="${state}"}`,
      `cordon_enforcement_state{group="staff",state="${state}"}`,
    ]);
  }
});

test('a list that goes away takes its series along', async () => {
  const source = createSource();
  let lists = source.lists();
  const metrics = createMetrics({ ...source, lists: () => lists });
  expect(await metrics.render()).toContain('cordon_list_entries{list="tiktok"}');
  lists = [];
  expect(await metrics.render()).not.toContain('{list="tiktok"');
});

test('a list that never loaded has no time of success', async () => {
  const lists = createSource()
    .lists()
    .map((list) => ({ ...list, lastSuccessMs: undefined }));
  const series = await scrape(createSource({ lists: () => lists }));
  expect(series.has('cordon_list_last_success_timestamp_seconds{list="tiktok"}')).toBe(false);
});

test('scrapes that overlap read the same sums', async () => {
  const totals = new CounterTotals();
  const counters = new WorkerCounters(
    totals.openCounters({ upstreams: [] }),
    totals.openRefusals({ lists: [], groups: [] }),
  );
  const metrics = createMetrics(createSource({ totals }));
  counters.cacheHit();
  const [first, second] = await Promise.all([metrics.render(), metrics.render()]);
  for (const page of [first, second]) expect(parsePage(page).get('cordon_cache_hits_total')).toBe(1);
});
