// The keeper of the trust anchors as the program runs it: when it looks again, and whether `auto` validates.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, type TestContext, test, vi } from 'vitest';
import { TrustAnchorUpdater } from '../../../src/resolver/resolve/trust.ts';
import { createLog } from '../../../src/telemetry/observe/observe.ts';
import { requireProgram } from '../../support/process.ts';
import { type SignedZone, signZone, type ZoneText } from '../../support/signed-zone.ts';
import { ZoneLookup } from '../../support/zone-lookup.ts';
import { configOf } from '../config/support.ts';

const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 86_400_000;

let state: string;
let nowMs: number;
let lines: string[];
let lookup: ZoneLookup;
let updater: TrustAnchorUpdater | undefined;

beforeEach((context: TestContext) => {
  requireProgram(context, 'dnssec-signzone');
  state = mkdtempSync(join(tmpdir(), 'cordon-trust-'));
  [nowMs, lines] = [Date.now(), []];
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  updater?.close();
  vi.useRealTimers();
  rmSync(state, { recursive: true, force: true });
});

/** Starts with anchors for these zones and takes the first look. */
const start = async (settings: string, zones: readonly SignedZone[]): Promise<TrustAnchorUpdater> => {
  const anchors = join(state, 'anchors.ds');
  writeFileSync(anchors, zones.flatMap(({ ds }) => ds).join('\n'));
  lookup = new ZoneLookup(zones);
  const config = configOf(`state: ${state}\ndnssec: { ${settings}, anchors: "${anchors}" }`);
  const log = createLog({ level: 'info', to: { write: (line: string) => void lines.push(line) } });
  updater?.close();
  updater = TrustAnchorUpdater.open(config, { clock: () => nowMs, log, onChange: () => {} });
  await updater.recall('upstreams');
  updater.follow(lookup);
  await pass(5_000);
  return updater;
};

/** Time passes, and what that began comes to its end. */
const pass = async (ms: number): Promise<void> => {
  nowMs += ms;
  vi.advanceTimersByTime(ms);
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1), { timeout: 10_000, interval: 1 });
};

test('keys are followed again after a clock that was far ahead, also over a restart', async () => {
  const root = signZone({ apex: '.', records: [] });
  const trueMs = nowMs;
  // Every signature is over by then: only the next look is stored.
  nowMs += 10 * YEAR_MS;
  const ahead = await start('mode: validate', [root]);
  expect(ahead.confirmedMs).toBeUndefined();
  const { nextCheckAt } = JSON.parse(readFileSync(join(state, 'trust-anchor-root.json'), 'utf8'));
  expect(Date.parse(nextCheckAt)).toBeGreaterThan(nowMs);
  nowMs = trueMs;
  await pass(MINUTE_MS);
  expect(ahead.confirmedMs).toBe(trueMs + MINUTE_MS);
  ahead.close();
  nowMs = trueMs + 10 * YEAR_MS;
  await start('mode: validate', [root]);
  nowMs = trueMs;
  const later = await start('mode: validate', [root]);
  expect(later.confirmedMs).toBe(nowMs);
  // And not more often than it has to be.
  lookup.reset();
  await pass(MINUTE_MS);
  expect(lookup.asked).toEqual([]);
});

test('auto validates with an anchor of SHA-1 where that counts', async () => {
  const zones: ZoneText[] = [
    { apex: '.', records: [] },
    { apex: 'corp.example.', records: [], algorithm: 'NSEC3RSASHA1' },
  ];
  const signed = zones.map((zone) => signZone(zone));
  const counting = await start('mode: auto, allow-sha1: true', signed);
  expect(counting.mode).toBe('validate');
  expect(counting.confirmedMs).toBe(nowMs);
});
