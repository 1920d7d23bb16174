// What stands between pipeline and upstreams: here, that a question with validation ends in time.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createResolver } from '../../../src/app/resolution.ts';
import { CLASS, nameFrom, TYPE } from '../../../src/dns/dns.ts';
import { ROOT_ANCHORS } from '../../../src/dnssec/dnssec.ts';
import type { Resolution } from '../../../src/pipeline/pipeline.ts';
import { Forwarding } from '../../../src/upstream/upstream.ts';
import { ScriptedUpstream } from '../../support/scripted-upstream.ts';

const TIMEOUT_MS = 300;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

test('a question whose validation takes too long ends by the time-out, once', async () => {
  const silent = await ScriptedUpstream.open(() => undefined);
  const endpoint = silent.endpoint;
  const forwarding = new Forwarding({
    routes: [
      {
        zone: nameFrom('.'),
        view: 0,
        servers: [{ endpoint, transport: 'udp', text: 'silent' }],
        strategy: 'ordered',
      },
    ],
    // Each look-up may take ten times as long as the whole question.
    timeoutMs: TIMEOUT_MS * 10,
    tryTimeoutMs: TIMEOUT_MS * 10,
    inflightMax: 16,
    clock: Date.now,
    observer: {
      sent: () => {},
      answered: () => {},
      failed: () => {},
      unwanted: () => {},
      healthy: () => {},
      hedged: () => {},
    },
  });
  const resolver = createResolver(
    {
      mode: 'validate',
      timeoutMs: TIMEOUT_MS,
      anchors: ROOT_ANCHORS,
      negativeAnchors: [],
      aggressiveNsec: true,
      allowSha1: false,
      dns64: undefined,
    },
    forwarding,
    Date.now,
    { validated: () => {} },
  );
  const outcomes: Resolution[] = [];
  const question = { name: nameFrom('www.example.'), type: TYPE.A, class: CLASS.IN, view: 0 };
  resolver.resolve({ ...question, dnssecOk: false, checkingDisabled: false, wantsAd: false }, (outcome) => {
    outcomes.push(outcome);
  });
  vi.advanceTimersByTime(TIMEOUT_MS - 1);
  expect(outcomes).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(outcomes).toEqual([{ kind: 'failure', reason: 'timeout' }]);
  forwarding.close();
  await Promise.resolve();
  expect(outcomes).toHaveLength(1);
  await silent.close();
});
