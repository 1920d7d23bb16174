// What cordon exemptions show and cordon fleet status say of the resolvers: who has heard, until when others may exempt, and where
// what was signed is in force.
import { expect, test } from 'vitest';
import { boundOf, formatFleet, heardBy } from '../../../src/commands/fleet-text.ts';
import { fleetOfForty } from '../../support/fleet-state.ts';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');
const HOUR_MS = 3_600_000;

type Fleet = ReturnType<typeof fleetOfForty>;

/** Of three resolvers, of which the last one has not heard of entry 12. */
const fleetOf = (event: string, suspendAfterMs: number | null = 24 * HOUR_MS): Fleet => {
  const fleet = fleetOfForty(NOW_MS);
  const [one] = fleet.resolvers;
  if (one === undefined) throw new Error('a resolver');
  const of = (name: string, policy: number) => ({
    ...{ ...one, name, policy, role: 'node' as const, removed: null, suspendAfterMs },
    heard: '2026-11-26T11:00:00.000Z',
  });
  const time = '2026-11-26T11:30:00.000Z';
  return {
    ...fleet,
    resolvers: [of('ns1', 12), of('ns2', 14), of('ns3', 11)],
    exemptions: { 'ex-000001': { number: 12, event, time } },
  };
};

test.each([
  ['revoked', 24 * HOUR_MS, 90, 'may exempt until 2026-11-27T11:30:00.000Z'],
  ['revoked', 24 * HOUR_MS, 1, 'may exempt until 2026-11-26T13:00:00.000Z'],
  ['revoked', null, 90, 'may exempt until 2027-02-24T12:00:00.000Z'],
  ['approved', 24 * HOUR_MS, 90, '11:00:00.000Z'],
])('%s, with a bound of %s ms and an end in %i', (event, bound, count, ends) => {
  const untilMs = NOW_MS + (count === 1 ? HOUR_MS : count * 24 * HOUR_MS);
  const said = heardBy(fleetOf(event, bound), 'ex-000001', untilMs);
  expect(said).toContain(`${event}; heard by 2 of 3; ns3 not since 2026-11-26T11:00:00.000Z`);
  expect(said?.endsWith(ends)).toBe(true);
});

test('how long an exemption holds where the authority is not heard', () => {
  expect(boundOf(fleetOf('approved'))).toBe(
    'holds for 1 day at most where the authority is not heard (fleet.suspend-exemptions-after chooses otherwise)',
  );
  expect(boundOf(fleetOf('approved', null))).toBe(
    'to its own end on ns1, ns2, ns3, also when it is revoked (fleet.suspend-exemptions-after chooses otherwise)',
  );
});

test('where what was signed is in force, by its hash', () => {
  const time = '2026-11-26T11:30:00.000Z';
  const text = formatFleet({
    ...fleetOf('approved'),
    pauses: [],
    contents: [
      { subject: 'list extra', time, inForce: 2, of: 3, without: ['ns3'] },
      { subject: 'exemptions', time, inForce: 3, of: 3, without: [] },
    ],
  });
  expect(text).toContain('  list extra: in force on 2 of 3, not on ns3\n');
  expect(text).toContain('  exemptions: in force on all 3\n');
});

test('where the authority has suspended refusals stands above all', () => {
  const text = formatFleet({
    ...fleetOf('approved'),
    pauses: [
      { for: 'all', until: '2026-11-26T09:00:00.000Z', by: 'O. Operator', reason: 'incident 7' },
      { for: 'site:bruges', until: null, by: 'O. Operator', reason: '' },
    ],
  });
  expect(text.split('\n').slice(1, 3)).toEqual([
    'BLOCKING IS SUSPENDED for all until 2026-11-26T09:00:00.000Z, by O. Operator: incident 7',
    'Blocking is resumed for site:bruges, by O. Operator',
  ]);
});
