// A fleet of forty resolvers at eight sites as the server tells of it: most are well, some need a person, each for another reason.
import type { z } from 'zod';
import { byUrgency, needsOfResolver } from '../../src/fleet/needs.ts';
import type { ProbeSummary, ResolverStatus } from '../../src/fleet/status.ts';
import type { OPERATIONS } from '../../src/people/admin/admin.ts';

type Fleet = z.output<(typeof OPERATIONS)['readFleet']['result']>;
type Matrix = z.output<(typeof OPERATIONS)['readFleetProbe']['result']>;

const SITES = ['antwerp', 'bruges', 'brussels', 'charleroi', 'ghent', 'liege', 'mons', 'namur'];
const COUNT = 40;
const REQUEST = '00112233445566ff';
const HOUR_MS = 3_600_000;

type Twist = Partial<ResolverStatus>;

/** What is different, by the number of the resolver. */
const twistsOf = (nowMs: number): Readonly<Record<number, Twist>> => ({
  4: { heardSec: 4 * 3_600, behind: 3, policy: 97 },
  9: {
    ...{ heardSec: null, heard: null, version: null, generation: null, state: null, enforcement: null },
    ...{ offsetMs: null, policy: null, behind: null, records: null, confirmed: null },
  },
  13: { state: 'not in force: paused by O. Operator', enforcement: 'paused' },
  17: { offsetMs: -2_300 },
  21: {
    refused: [
      {
        ...{ number: 98, subject: 'ex-000042', code: 'ERR_EXEMPTION_CLIENTS' },
        reason: '10.0.0.0/8 covers more than half of those who may ask here',
      },
    ],
  },
  26: { records: { queries: 80_000, changes: 300 }, confirmed: { queries: 60_000, changes: 300 } },
  30: { version: '1.1.0', enforcement: null, state: 'in force for 3 of 3 groups' },
  33: { stopped: 96 },
  38: { removed: new Date(nowMs - 30 * HOUR_MS).toISOString() },
});

const probeOf = (index: number, nowMs: number): ProbeSummary | null => {
  if (index === 9 || index === 4) return null;
  const isLeaking = index === 13;
  return {
    ...{ request: index === 30 ? 'ffffffffffffffff' : REQUEST, generation: 7, failingNames: 0 },
    began: new Date(nowMs - 300_000).toISOString(),
    ended: new Date(nowMs - 240_000 + index * 1_000).toISOString(),
    outcome: isLeaking ? 'leaking' : 'enforced',
    ...{ asked: 41_200 + index, leakedNames: isLeaking ? 2 : 0 },
    examples: isLeaking ? ['log-upload-useast2a.isnssdk.com A: NOERROR 192.0.2.1'] : [],
  };
};

const resolverOf = (index: number, nowMs: number): ResolverStatus => {
  const { heardSec = index % 9, ...twist } = twistsOf(nowMs)[index] ?? {};
  const heard = heardSec === null ? null : new Date(nowMs - heardSec * 1_000).toISOString();
  const resolver: Omit<ResolverStatus, 'needs'> = {
    ...{ name: index === 0 ? 'ns1' : `ns${index + 1}`, site: SITES[index % SITES.length] ?? null },
    ...{ role: index === 0 ? 'authority' : 'node', enrolment: 1, removed: null, heard, heardSec },
    ...{
      version: '1.2.0',
      generation: 7,
      state: 'in force',
      enforcement: 'enforced',
      offsetMs: (index % 7) - 3,
    },
    ...{
      policy: 100,
      behind: 0,
      cutOffSince: null,
      isSuspended: false,
      suspendAfterMs: 86_400_000,
      isForked: false,
      isReplaced: false,
      stopped: null,
    },
    ...{ refused: [], lists: {}, isKeeping: null, alarms: {}, foreign: [], probe: probeOf(index, nowMs) },
    ...{ records: { queries: 5_000, changes: 80 }, confirmed: { queries: 5_000, changes: 80 } },
    ...twist,
  };
  return { ...resolver, needs: needsOfResolver(resolver) };
};

/** The fleet at a time. */
export const fleetOfForty = (nowMs: number): Fleet => {
  const resolvers = Array.from({ length: COUNT }, (_, index) => resolverOf(index, nowMs)).toSorted(byUrgency);
  // Schemas take what can be changed, and this is read only.
  return {
    ...{ name: 'ns1', role: 'authority', isConnected: true, policy: { number: 100, hash: '0'.repeat(64) } },
    ...{ unpublished: 0, holdMs: 0, authorityHeard: new Date(nowMs).toISOString() },
    resolvers,
    probe: { id: REQUEST, time: new Date(nowMs - 310_000).toISOString(), by: 'O. Operator' },
    contents: [],
    pauses: [],
    exemptions: {},
  } as unknown as Fleet;
};

/** What their probes were answered. */
export const probesOfForty = (nowMs: number): Matrix => {
  const { resolvers, probe: asked } = fleetOfForty(nowMs);
  return {
    asked,
    resolvers: resolvers
      .filter(({ removed }) => removed === null)
      .map(({ name, site, probe }) => ({
        ...{ name, site },
        probe: probe && {
          ...probe,
          results: ['udp', 'tcp', 'tls', 'https'].flatMap((transport) =>
            ['A', 'AAAA', 'HTTPS'].map((qtype) => {
              const leaked = probe.leakedNames > 0 && transport === 'udp' && qtype === 'A' ? 2 : 0;
              return {
                ...{ view: 'group:default', transport, qtype, asked: 3_400, leaked, failed: 0 },
                outcome: leaked > 0 ? ('leaking' as const) : ('enforced' as const),
              };
            }),
          ),
        },
      })),
  };
};
