// What of a resolver needs a person, and who stands first.
import { expect, test } from 'vitest';
import { FLEET_NEEDS } from '../../../src/base/words/words.ts';
import { byUrgency, fleetIssues, needsOfResolver, type ResolverFacts } from '../../../src/fleet/needs.ts';
import type { ResolverStatus } from '../../../src/fleet/status.ts';

const FINE: ResolverFacts = {
  ...{ name: 'ns1', site: 'bruges', role: 'node', enrolment: 1, removed: null },
  ...{ heard: '2026-11-26T08:00:00.000Z', heardSec: 3, version: '1.2.0', generation: 4 },
  ...{ state: 'in force', enforcement: 'enforced', offsetMs: 2, policy: 12, behind: 0, cutOffSince: null },
  ...{
    isSuspended: false,
    suspendAfterMs: null,
    isForked: false,
    isReplaced: false,
    stopped: null,
    refused: [],
    lists: {},
  },
  ...{ records: { queries: 9_000, changes: 40 }, confirmed: { queries: 9_000, changes: 39 } },
  ...{ isKeeping: null, alarms: {}, foreign: [], probe: null },
};
const PROBE: NonNullable<ResolverFacts['probe']> = {
  ...{ request: '0'.repeat(16), began: '2026-11-26T08:00:00.000Z', ended: '2026-11-26T08:01:00.000Z' },
  ...{
    generation: 4,
    outcome: 'leaking',
    asked: 10,
    leakedNames: 2,
    failingNames: 0,
    examples: ['a.example A'],
  },
};

const judged = (more: Partial<ResolverFacts> = {}): ResolverStatus => {
  const resolver = { ...FINE, ...more };
  return { ...resolver, needs: needsOfResolver(resolver) };
};

test.each<[Partial<ResolverFacts>, object[]]>([
  [{}, []],
  [{ heardSec: 60 }, []],
  [{ heardSec: 61 }, [{ kind: 'unheard', since: FINE.heard }]],
  [{ heard: null, heardSec: null, state: null }, [{ kind: 'unheard', since: null }]],
  [{ removed: '2026-11-25T08:00:00.000Z', heardSec: 90_000 }, []],
  [{ enforcement: 'out-of-scope' }, []],
  [{ enforcement: null, state: 'of an older version' }, []],
  [{ enforcement: 'paused', state: 'paused by N.' }, [{ kind: 'not-in-force', text: 'paused by N.' }]],
  [{ probe: PROBE }, [{ kind: 'leaking', count: 2, text: 'a.example A' }]],
  [{ isForked: true }, [{ kind: 'forked' }]],
  [{ isReplaced: true }, [{ kind: 'replaced' }]],
  [{ stopped: 7 }, [{ kind: 'stopped', count: 7 }]],
  [{ isSuspended: true }, [{ kind: 'suspended' }]],
  [{ cutOffSince: '2026-11-26T07:00:00.000Z' }, [{ kind: 'cut-off', since: '2026-11-26T07:00:00.000Z' }]],
  [{ offsetMs: -1_001 }, [{ kind: 'clock', count: -1_001 }]],
  [
    {
      refused: [
        { number: 5, subject: 'ex-000001', code: 'ERR_EXEMPTION_EVERYBODY', reason: 'it is everybody' },
      ],
    },
    [{ kind: 'refused-entry', count: 5, text: 'ex-000001: it is everybody [ERR_EXEMPTION_EVERYBODY]' }],
  ],
  [{ isKeeping: true, role: 'collector' }, []],
  [
    { isKeeping: false, role: 'collector', state: 'keeps nothing: no disk' },
    [{ kind: 'keeps-nothing', text: 'keeps nothing: no disk' }],
  ],
  [
    { alarms: { conflict: 2 }, role: 'collector' },
    [{ kind: 'evidence-refused', count: 2, text: 'conflict' }],
  ],
  [{ confirmed: { queries: 0, changes: 0 }, records: { queries: 10_000, changes: 0 } }, []],
  [
    { confirmed: { queries: 0, changes: 0 }, records: { queries: 10_000, changes: 1 } },
    [{ kind: 'unconfirmed', count: 10_001 }],
  ],
])('of %o it is %o', (more, needs) => {
  expect(judged(more).needs).toMatchObject(needs);
  expect(judged(more).needs).toHaveLength(needs.length);
});

test('several come in the order of FLEET_NEEDS', () => {
  const { needs } = judged({
    heardSec: 100,
    enforcement: 'paused',
    probe: PROBE,
    isForked: true,
    offsetMs: 5_000,
  });
  const places = needs.map(({ kind }) => FLEET_NEEDS.indexOf(kind));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});

test('the unheard stand first, the longest before all; then who has needs; the removed last', () => {
  const resolvers = [
    judged({ name: 'fine-b' }),
    judged({ name: 'removed', removed: '2026-11-25T08:00:00.000Z' }),
    judged({ name: 'clock', offsetMs: 2_000 }),
    judged({ name: 'silent', heardSec: 100 }),
    judged({ name: 'fine-a' }),
    judged({ name: 'never', heard: null, heardSec: null }),
    judged({ name: 'silent-long', heardSec: 90_000 }),
  ];
  expect(resolvers.toSorted(byUrgency).map(({ name }) => name)).toEqual([
    ...['never', 'silent-long', 'silent', 'clock', 'fine-a', 'fine-b', 'removed'],
  ]);
});

test('of this resolver and of each other one there is an issue while something is wrong with it', () => {
  const well = {
    own: { name: 'ns1', site: undefined, role: 'authority' },
    ...{
      isConnected: true,
      engineTrouble: undefined,
      engineEnds: [],
      policyNumber: 3,
      offsetMs: 1_000,
      isCutOff: false,
      isSuspended: false,
    },
    ...{ isForked: false, behind: 0, setAside: undefined, lateLists: [], refused: [], differing: [] },
    ...{ alarms: new Map(), unconfirmed: new Map([['queries', 10_000]]), witnesses: [] },
    resolvers: [judged(), judged({ name: 'gone', removed: '2026-11-25T08:00:00.000Z', heardSec: 90_000 })],
  };
  expect(fleetIssues(well)).toEqual([]);
  const ill = {
    ...well,
    ...{ isConnected: false, offsetMs: -1_001, isCutOff: true, isSuspended: true },
    unconfirmed: new Map([['changes', 10_001]]),
    resolvers: [judged({ name: 'silent', heardSec: 61 }), judged({ name: 'torn', isForked: true })],
  };
  expect(fleetIssues(ill)).toMatchObject([
    ...[{ id: 'exemptions-suspended' }, { id: 'fleet-cut-off' }, { id: 'fleet-disconnected' }],
    ...[{ id: 'fleet-clock' }, { id: 'fleet-unconfirmed', subject: 'changes' }],
    { id: 'resolver-unheard', subject: 'silent', sinceMs: Date.parse('2026-11-26T08:00:00.000Z') },
    { id: 'resolver-trouble', subject: 'torn', text: 'forked' },
  ]);
});

test('what a collector says of resolvers that are not Cordon’s is an issue, as long as it is heard, and nothing else is', () => {
  const since = '2026-11-26T07:00:00.000Z';
  const foreign = [
    { id: 'foreign-leaking', subject: 'bind', text: 'bind answered listed names 2 times', since },
    { id: 'foreign-unseen', subject: 'unbound', text: 'nothing is seen of unbound', since },
    // A collector can raise no other alarm with its key.
    { id: 'state-directory', subject: 'bind', text: 'gone', since },
  ];
  const of = (change: Partial<ResolverFacts>) =>
    fleetIssues({
      ...{
        own: { name: 'ns1', site: undefined, role: 'authority' },
        isConnected: true,
        engineTrouble: undefined,
      },
      ...{
        engineEnds: [],
        policyNumber: 3,
        offsetMs: 0,
        isCutOff: false,
        isSuspended: false,
        isForked: false,
      },
      ...{ behind: 0, setAside: undefined, lateLists: [], refused: [], differing: [], alarms: new Map() },
      ...{ unconfirmed: new Map(), witnesses: [] },
      resolvers: [judged({ name: 'collector', role: 'collector', foreign, ...change })],
    });
  expect(of({})).toEqual(
    foreign.slice(0, 2).map(({ since: _, ...issue }) => ({ ...issue, sinceMs: Date.parse(since) })),
  );
  expect(of({ heardSec: 61 }).map(({ id }) => id)).toEqual(['resolver-unheard']);
});
