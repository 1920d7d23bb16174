// What upstreams are said to be: by what workers wrote of them, and what the main thread saw.
import { expect, test } from 'vitest';
import { DAY_MS } from '../../../src/base/base.ts';
import { UpstreamWatch } from '../../../src/resolver/hosts/upstream-watch.ts';
import type { ForwardingRoute } from '../../../src/resolver/upstream/upstream.ts';
import type { UpstreamState } from '../../../src/telemetry/observe/observe.ts';
import { parseName } from '../../../src/wire/dns/dns.ts';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');
const [A, B, C] = ['192.0.2.1', '192.0.2.2', 'tls://192.0.2.3#dns.example.net'] as const;

const route = (zone: string, servers: readonly string[], fallback: readonly string[] = []): ForwardingRoute =>
  ({
    ...{ zone: parseName(zone), view: 0, strategy: 'ordered' },
    servers: servers.map((text) => ({ text })),
    fallback: fallback.map((text) => ({ text })),
  }) as unknown as ForwardingRoute;

const state = (upstream: string, change: Partial<UpstreamState> = {}): UpstreamState => ({
  ...{ upstream, isUp: true, untrusted: undefined, certificateEndMs: 0 },
  ...change,
});

const issuesOf = (routes: readonly ForwardingRoute[], ...workers: UpstreamState[][]): string[] =>
  new UpstreamWatch({
    totals: { upstreamStates: () => workers },
    state: () => ({ routes, views: [], config: { groups: [] } }),
  })
    .issues(NOW_MS)
    .map(({ id, subject }) => `${id} ${subject}`);

test('upstreams that answer and prove who they are are no issue', () => {
  const far = state(C, { certificateEndMs: NOW_MS + 8 * DAY_MS });
  expect(issuesOf([route('.', [A, C])], [state(A), far], [state(A), far])).toEqual([]);
});

test.each<[string, ForwardingRoute[], UpstreamState[][], string[]]>([
  [
    'one of two is down for one worker',
    [route('.', [A, B])],
    [
      [state(A), state(B)],
      [state(A), state(B, { isUp: false })],
    ],
    [`upstream-down ${B}`],
  ],
  [
    'both are down for one worker',
    [route('.', [A, B])],
    [
      [state(A), state(B)],
      [state(A, { isUp: false }), state(B, { isUp: false })],
    ],
    ['upstreams-down .'],
  ],
  [
    'all are down, and the fallback is not',
    [route('.', [A], [B])],
    [[state(A, { isUp: false }), state(B)]],
    [`upstream-down ${A}`],
  ],
  [
    'one that is down stands alone for a zone and beside another for the rest',
    [route('.', [A, B]), route('corp.example.', [B])],
    [[state(A), state(B, { isUp: false })]],
    ['upstreams-down corp.example.', `upstream-down ${B}`],
  ],
  ['no address of its host is known', [route('.', [])], [[]], ['upstreams-down .']],
  [
    'one did not prove who it is',
    [route('.', [C])],
    [[state(C, { untrusted: 'name' })]],
    [`upstream-untrusted ${C}`],
  ],
  [
    'the first of its certificates ends within a week',
    [route('.', [C])],
    [
      [state(C, { certificateEndMs: NOW_MS + 8 * DAY_MS })],
      [state(C, { certificateEndMs: NOW_MS + DAY_MS })],
    ],
    [`upstream-certificate-ends ${C}`],
  ],
])('%s', (_, routes, workers, expected) => {
  expect(issuesOf(routes, ...workers)).toEqual(expected);
});
