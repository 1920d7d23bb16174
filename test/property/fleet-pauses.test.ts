// What status says of pauses is what each resolver does, whatever was decided in whichever order.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FleetActs } from '../../src/fleet/acts.ts';
import { NO_ENTRY, type PolicyEntry } from '../../src/fleet/entry.ts';
import { pausesOf, resumePause } from '../../src/fleet/pauses.ts';
import type { LoggedEntry } from '../../src/fleet/policy-log.ts';

const NOW_MS = Date.parse('2026-12-01T08:00:00Z');
const RESOLVERS = [
  { name: 'ns1', site: 'bruges' },
  { name: 'ns2', site: 'bruges' },
  { name: 'ns3', site: 'ghent' },
  { name: 'ns4', site: null },
];
const SCOPES = ['all', 'site:bruges', 'site:ghent', ...RESOLVERS.map(({ name }) => `node:${name}`)];

interface Decision {
  readonly whom: string;
  /** Minutes from now; null: refusals are given again. */
  readonly minutes: number | null;
}

const logOf = (decisions: readonly Decision[]): { ofKind(): LoggedEntry[] } => ({
  ofKind: () =>
    decisions.map(({ whom, minutes }, index) => {
      const until = minutes === null ? {} : { until: new Date(NOW_MS + minutes * 60_000).toISOString() };
      const entry: PolicyEntry = {
        ...{ number: index + 1, previous: NO_ENTRY, time: '2026-12-01T07:00:00.000Z', kind: 'pause' },
        ...{ must: false, key: '0'.repeat(16), signature: '' },
        body: JSON.stringify({ for: whom, by: 'u:1', reason: 'incident 7', ...until }),
      };
      return { entry, hash: NO_ENTRY, outcome: 'applied' };
    }),
});

const decisions = fc.array(
  fc.record({ whom: fc.constantFrom(...SCOPES), minutes: fc.constantFrom(null, null, -10, 10, 20) }),
  { maxLength: 8 },
);

test('status shows each resolver as it is paused, and says that refusals are given only within a wider pause', async () => {
  await fc.assert(
    fc.asyncProperty(decisions, async (decided) => {
      const log = logOf(decided);
      const shown = new Map(pausesOf(log, NOW_MS, RESOLVERS).map((one) => [one.for, one.until]));
      for (const { name, site } of RESOLVERS) {
        let untilMs: number | undefined;
        const acts = {
          clock: () => NOW_MS,
          pause: (pause: { untilMs: number }) => {
            ({ untilMs } = pause);
            return Promise.resolve({ isApplied: true });
          },
        } as unknown as FleetActs;
        await resumePause({ log, identity: { name, site: site ?? undefined }, acts });
        const scopes = [`node:${name}`, `site:${site ?? ''}`, 'all'].filter((scope) => shown.has(scope));
        const until = shown.get(scopes[0] ?? '') ?? null;
        expect(until === null ? undefined : Date.parse(until)).toBe(untilMs);
      }
      const isWider = (scope: string): boolean =>
        [...shown].some(([other, until]) => until !== null && !other.startsWith('node:') && other !== scope);
      for (const [scope, until] of shown) expect(until !== null || isWider(scope)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
