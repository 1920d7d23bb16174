// Metrics of evidence: what is not known has no series, and what somebody could make many of has a bound.

import { expect, test } from 'vitest';
import { EnforcementClock } from '../../../src/telemetry/enforcement/enforcement.ts';
import type { EvidenceFacts } from '../../../src/telemetry/observe/observe.ts';
import { CounterTotals, createMetrics } from '../../../src/telemetry/observe/observe.ts';

const NOW_MS = Date.UTC(2026, 10, 25);
const DAY_MS = 86_400_000;
const NOTHING: EvidenceFacts = { modes: [], decisions: [], actions: new Map(), nowMs: NOW_MS };

const scrape = async (evidence: EvidenceFacts): Promise<string> =>
  createMetrics({
    version: '1',
    totals: new CounterTotals(),
    enforcement: new EnforcementClock(() => 0),
    lists: () => [],
    generation: () => 0,
    configSha256: () => '',
    reloads: () => ({ success: 0, failure: 0 }),
    workers: () => 0,
    workerRestarts: () => 0,
    workerHangs: () => 0,
    isUdpBatched: () => false,
    evidence: () => evidence,
  }).render();

test('what is not known has no series, so that no alarm comes of it', async () => {
  const page = await scrape(NOTHING);
  for (const name of [
    'cordon_records_verified',
    'cordon_exemptions_expiring_seconds',
    'cordon_enforcement_probe_leaked_names',
    'cordon_records_last_commit_timestamp_seconds',
  ]) {
    expect(page).toContain(`# TYPE ${name} gauge`);
    expect(page).not.toMatch(new RegExp(`^${name}[ {]`, 'm'));
  }
});

test('times are until the next end and the review, negative once that has passed', async () => {
  const page = await scrape({
    ...NOTHING,
    modes: [{ list: 'tiktok', mandate: true, mode: 'paused' }],
    exemptions: {
      activeByGround: new Map([['law-enforcement', 2]]),
      waiting: 1,
      nearestEndMs: NOW_MS + DAY_MS,
      ends: new Map([
        ['ex-000002', NOW_MS + 2 * DAY_MS],
        ['ex-000001', NOW_MS + DAY_MS],
      ]),
      expired: 3,
      revoked: 1,
      incomplete: 0,
      unproven: new Map([['ex-000009', 'the records say that it was revoked']]),
      lastApprovalMs: NOW_MS,
    },
    decisions: [{ list: 'tiktok', reviewMs: NOW_MS - DAY_MS, endsMs: undefined }],
    actions: new Map([['pause', 1]]),
  });
  for (const line of [
    'cordon_policy_mode{list="tiktok",mandate="true",mode="paused"} 1',
    'cordon_exemptions_active{ground="law-enforcement"} 2',
    'cordon_exemptions_waiting 1',
    'cordon_exemptions_expiring_seconds 86400',
    `cordon_exemption_end_timestamp_seconds{exemption="ex-000001"} ${(NOW_MS + DAY_MS) / 1000}`,
    `cordon_exemption_end_timestamp_seconds{exemption="ex-000002"} ${(NOW_MS + 2 * DAY_MS) / 1000}`,
    'cordon_exemptions_ended_total{how="expired"} 3',
    'cordon_mandate_review_seconds{list="tiktok"} 0',
    'cordon_admin_actions_total{action="pause"} 1',
  ])
    expect(page).toContain(`${line}\n`);
  expect(page).not.toMatch(/^cordon_mandate_end_seconds\{/m);
});

test('results of the probe have a bound', async () => {
  const results = Array.from({ length: 3_000 }, (_, index) => ({
    view: `group:${index}`,
    transport: 'udp',
    qtype: 'A',
    isEnforced: true,
  }));
  const page = await scrape({
    ...NOTHING,
    probe: {
      results,
      lastSuccessMs: new Map(),
      leakedNames: 0,
      failed: 0,
      lastRunMs: NOW_MS,
      coverage: 1,
      certificates: [{ view: 'listener:127.0.0.1:853', transport: 'dot', isValid: true }],
      runs: new Map(),
    },
  });
  const series = page.match(/^cordon_enforcement_probe_success\{/gm) ?? [];
  expect(series).toHaveLength(2_001);
});
