// What open pages are told again: what has changed, and nothing that is only later.
import { expect, test } from 'vitest';
import { createLiveSource } from '../../../src/host/app/live-source.ts';
import type { OverviewControl, StateShown } from '../../../src/people/admin/admin.ts';

const timeOf = (ms: number): string => new Date(ms).toISOString();
const START_MS = Date.parse('2026-11-26T12:00:00Z');
const DAY_MS = 86_400_000;

/** A state at a time: a gap from before the day, one that goes on, a proof that was made anew. */
const stateAt = (ms: number, changes: Partial<StateShown> = {}): StateShown => {
  const span = { state: 'no-evidence', cause: 'before-records', by: null, number: 1 } as const;
  const spans = [
    { ...span, from: timeOf(ms - DAY_MS), to: timeOf(START_MS - 3_600_000) },
    { ...span, from: timeOf(START_MS - 60_000), to: timeOf(ms), number: 2 },
  ];
  return {
    ...{ time: timeOf(ms), agency: null, version: '1', generation: 3, mandates: [] },
    resolver: { name: 'ns1', addresses: [] },
    headline: {
      ...{ state: 'unproven', cause: 'old', text: 'In force, but unproven', todo: null },
      ...{ detail: `last proven ${Math.round((ms - START_MS) / 1000)} s ago`, sinceTime: timeOf(START_MS) },
      ...{ networks: 1, networksInForce: 1, networksProven: 0, groups: ['lab'], groupCount: 1 },
      ...{ unasked: [], unaskedCount: 0, lists: [], isProofCurrent: true, leakedNames: 0, examples: [] },
      ...{ oldestProofTime: timeOf(ms - 20_000), pause: null },
      sweep: { time: timeOf(ms - 60_000), names: 100, leakedNames: 0 },
    },
    strip: { from: timeOf(ms - DAY_MS), to: timeOf(ms), spans },
    networks: [
      {
        ...{ group: 'lab', state: 'enforced', inForce: true, inScope: true, prefixes: [] },
        proof: { state: 'old', time: timeOf(ms - 20_000), leakedNames: 0, examples: [], reason: null },
        ...{ refusedToday: 0, clientsToday: null, exempt: 0, strip: spans },
      },
    ],
    counts: { networks: 1, networksWithClients: 0, exemptions: 0, todo: [] },
    ...{ todo: [], exemptions: [], lists: [], changes: [] },
    today: {
      ...{ since: timeOf(START_MS - 43_200_000), refusedMandate: 7, refusedOther: 0, clients: null },
      ...{ exemptionHits: 0, bypassSignals: 0, byList: [], signs: [], unwatched: [] },
    },
    service: {
      ...{ queriesPerSec: ms % 17, servfailShare: null, p95Ms: null, upstreams: { up: 1, total: 1 } },
      records: { enabled: true, lastCommitTime: timeOf(ms), verified: true, verifiedTime: null, dropped: 0 },
    },
    ...changes,
  };
};

const signatureOf = async (state: StateShown): Promise<string> => {
  const overview = {
    state: () => Promise.resolve(state),
    versions: () => new Map(),
  } as Partial<OverviewControl>;
  return (await createLiveSource(() => ({ overview: overview as OverviewControl })).state()).signature;
};

test('a state that is only later has the same signature', async () => {
  expect(await signatureOf(stateAt(START_MS + 600_000))).toBe(await signatureOf(stateAt(START_MS)));
});

const first = stateAt(START_MS);
const [network] = first.networks;
const { headline, strip, today } = first;
test.each<[string, Partial<StateShown>]>([
  ['a refusal', { today: { ...today, refusedMandate: 8 } }],
  ['another headline', { headline: { ...headline, state: 'leaking' } }],
  [
    'the end of a gap',
    { strip: { ...strip, spans: strip.spans.map((one) => ({ ...one, to: timeOf(START_MS - 1_000) })) } },
  ],
  [
    'a leak',
    {
      networks: network === undefined ? [] : [{ ...network, proof: { ...network.proof, state: 'leaking' } }],
    },
  ],
  ['one more exemption', { counts: { ...first.counts, exemptions: 1 } }],
  [
    'a sweep that found something',
    { headline: { ...headline, sweep: { time: timeOf(0), names: 1, leakedNames: 1 } } },
  ],
])('%s is another signature', async (_, changes) => {
  expect(await signatureOf(stateAt(START_MS, changes))).not.toBe(await signatureOf(first));
});

test('reports are told of when one is asked for, made or done', () => {
  const kept: { id: string; state: string }[] = [];
  const source = createLiveSource(() => ({ reports: { list: () => kept } as never }));
  const version = () => source.versions().get('reports');
  const seen = [version()];
  kept.push({ id: 'r-1', state: 'waiting' });
  seen.push(version());
  kept[0] = { id: 'r-1', state: 'done' };
  seen.push(version());
  expect(new Set(seen).size).toBe(3);
  expect(version()).toBe(seen[2]);
});
