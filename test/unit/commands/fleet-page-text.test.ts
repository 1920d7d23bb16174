// Page one of a fleet's report is a page, whatever the size of the fleet, and counts what it does not show.
import fc from 'fast-check';
import '../../support/property-seed.ts';
import { expect, test } from 'vitest';
import { fleetPage } from '../../../src/commands/fleet-page-text.ts';
import type { FleetReport } from '../../../src/evidence/report/report.ts';

/** Lines of a sheet of paper. */
const LINES_MAX = 60;
const STATES = ['current', 'expired', 'unproven'] as const;

const fleetOf = (resolvers: number, exemptions: number, lists: number, length: number): FleetReport => {
  const long = 'Office of the Deputy '.repeat(20).slice(0, length);
  return {
    period: { from: '2026-10-01T00:00:00.000Z', until: '2027-01-01T00:00:00.000Z' },
    isComplete: false,
    queries: 0,
    totals: [],
    clients: {
      days: { from: '2026-10-01', until: '2026-12-31' },
      merged: [{ group: '*', clients: 60 }],
      standardErrorPercent: 1.6,
      resolvers: [],
      without: [],
    },
    foreign: null,
    resolvers: Array.from({ length: resolvers }, (_, i) => ({
      name: `ns${i}${long}`,
      isComplete: i % 2 === 0,
      gaps: i % 2 === 0 ? [] : [`its records are signed up to yesterday only ${long}`],
      queries: 3,
      counts: [],
      probe: { runs: i % 3, last: null, longestGapMs: null, views: [] },
      answers: [
        {
          label: `ns${i}`,
          verdict: 'not-shown',
          ms: { 'in-force': 1_000 * i, 'not-in-force': 60_000, 'no-evidence': 3_600_000 },
          gaps: 500,
          longestGap: { from: '2026-10-03T10:00:00.000Z', ms: 60_000 },
          decisions: [`${long} Authority ${i}`],
          undecided: ['bytedance'],
          lists: Array.from({ length: lists }, (__, list) => ({
            ...{ list: `list-${list}${long}`, mandate: true, sha256: String(i % 10).repeat(64) },
            ...{ since: '2026-09-01T00:00:00.000Z', reviewDue: '2026-11-01' },
          })),
          exemptions: Array.from({ length: exemptions }, (__, id) => ({
            ...{ id: `ex-${id}`, requestedBy: long, approvedBy: long, grounds: long },
            ...{ from: '2026-10-03T10:00:00.000Z', plannedEnd: '2026-11-03T10:00:00.000Z', realEnd: null },
            hits: id,
          })),
          feeds: Array.from({ length: (i % 3) + 1 }, (__, of) => ({
            ...{
              feed: `feed-${of}${long}`,
              state: STATES[(i + of) % 3] ?? 'current',
              reason: null,
              reviewed: null,
            },
            ...{ timestamp: 7, until: null, since: '2026-10-03T10:00:00.000Z' },
            behind: Array.from({ length: i % 2 }, () => ({ list: 'tiktok', since: '', reason: 'held' })),
          })),
          exemptionBoundMs: i % 3 === 0 ? null : 86_400_000,
          refusals: 7,
          isLowerBound: false,
          questions: 11,
          leaks: i % 2,
          signedUntil: '2026-12-31T00:00:00.000Z',
          keyId: '0123456789abcdef',
          unknown: [{ code: 'no-witness', values: [] }],
        },
      ],
    })),
  };
};

test('any fleet has a page one of a page, with eight questions', () => {
  const number = (most: number) => fc.oneof(fc.constantFrom(0, 1, most), fc.integer({ min: 0, max: most }));
  const property = fc.property(number(80), number(200), number(64), number(400), (...of) => {
    const lines = fleetPage(fleetOf(...of));
    expect(lines.length).toBeLessThanOrEqual(LINES_MAX);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(240);
    expect(lines.filter((line) => /^[1-8] [A-Z]/.test(line)).map((line) => line[0])).toEqual([...'12345678']);
  });
  fc.assert(property, { numRuns: 60 });
});

test('what is not shown is counted', () => {
  const lines = fleetPage(fleetOf(40, 30, 20, 5)).map((line) => line.trim());
  expect(lines).toContain('and 36 more, which --json has');
  expect(lines).toContain('and 26 more, which --json has');
  expect(lines).toContain('and 16 more, which --json has');
  expect(lines.find((line) => line.startsWith('5 Attempts'))).toBe(
    '5 Attempts    at least 280 refused by mandate lists; about 60 clients',
  );
});

test('how feeds are stands below the lists, what asks for a look first', () => {
  const fleet = fleetOf(3, 0, 1, 0);
  const feed = {
    ...{ feed: 'project', reason: null, reviewed: null, timestamp: 7, until: null, since: '' },
    behind: [],
  };
  const feeds = [
    [{ ...feed, state: 'current' as const }],
    [{ ...feed, state: 'expired' as const, behind: [{ list: 'tiktok', since: '', reason: 'held' }] }],
    [{ ...feed, feed: null, state: 'none' as const, reviewed: '2026-11-24' }],
  ];
  const resolvers = fleet.resolvers.map((one, index) => ({
    ...one,
    answers: one.answers.map((answer) => ({ ...answer, feeds: feeds[index] ?? [] })),
  }));
  const lines = fleetPage({ ...fleet, resolvers }).map((line) => line.trim());
  expect(lines.filter((line) => line.includes('feed'))).toEqual([
    'feed project expired at ns1',
    'feed project has 1 lists that are not in force at ns1',
    'feed project current at ns0',
    'no feed, lists of 2026-11-24 at ns2',
  ]);
});

test('how long exemptions hold without the authority is told of the whole fleet, with the key that chooses', () => {
  const fleet = fleetOf(3, 0, 1, 0);
  const withBounds = (...bounds: (number | null | undefined)[]): string | undefined => {
    const resolvers = fleet.resolvers.map((one, index) => ({
      ...one,
      answers: one.answers.map(({ exemptionBoundMs: _, ...answer }) => {
        const ms = bounds[index];
        return ms === undefined ? answer : { ...answer, exemptionBoundMs: ms };
      }),
    }));
    return fleetPage({ ...fleet, resolvers })
      .find((line) => line.includes('without the authority'))
      ?.trim();
  };
  const key = '(fleet.suspend-exemptions-after)';
  expect(withBounds(86_400_000, 3_600_000)).toBe(`without the authority they hold for 1 day at most ${key}`);
  expect(withBounds(null, 3_600_000)).toBe(`without the authority nothing ends them early at ns0 ${key}`);
  expect(withBounds(null, null, 1)).toBe(
    `without the authority nothing ends them early at ns0 and 1 more ${key}`,
  );
  // Of versions that recorded none.
  expect(withBounds()).toBeUndefined();
});
