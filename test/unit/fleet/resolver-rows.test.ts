// The rows of a fleet, which several ask for each second: counted is what is made anew, not how long that takes.
import { expect, test } from 'vitest';
import { type Member, Membership } from '../../../src/fleet/membership.ts';
import type { Presence } from '../../../src/fleet/presence.ts';
import type { LastContact } from '../../../src/fleet/presence-table.ts';
import { ResolverRows, type RowFacts } from '../../../src/fleet/resolver-status.ts';

const presenceOf = (name: string): Presence => ({
  ...{ name, role: 'node', enrolment: 1, time: '2026-11-26T08:00:00.000Z', version: '1', generation: 1 },
  ...{ state: 'in force', policy: { number: 7, hash: 'f'.repeat(64) }, isSuspended: false, isForked: false },
  ...{ refused: [], lists: {}, contents: {} },
  ...{ records: { queries: 0, changes: 0 }, confirmed: { queries: 0, changes: 0 } },
});

class Roll extends Membership {
  readonly #members: readonly Member[];

  constructor(names: readonly string[]) {
    super([]);
    const since = '2026-11-26T07:00:00.000Z';
    this.#members = names.map((name) => ({
      ...{ name, site: undefined, key: name, before: undefined, enrolment: 1, since },
      ...{ former: undefined, removed: undefined, until: undefined },
      isAuthority: false,
    }));
  }

  override get members(): readonly Member[] {
    return this.#members;
  }

  override find(name: string): Member | undefined {
    return this.#members.find((member) => member.name === name);
  }
}

/** A fleet of so many, of whom so many were heard at 0; how many rows were made anew, and what they say. */
const fleetOf = (count: number, heard = count) => {
  const names = Array.from({ length: count }, (_, index) => `ns${index}`);
  const contacts = new Map<string, LastContact>();
  const hear = (name: string, atMs: number): void =>
    void contacts.set(name, { presence: presenceOf(name), atMs, isSigned: true });
  for (const name of names.slice(0, heard)) hear(name, 0);
  let made = 0;
  const rows = new ResolverRows();
  const facts: Omit<RowFacts, 'nowMs' | 'number'> = {
    ...{ own: presenceOf('authority'), membership: new Roll(names), contacts, resultOf: () => undefined },
    differing: () => {
      made++;
      return [];
    },
  };
  /** Of the others: the own row is another one each time. */
  const look = (nowMs: number, number = 7): { made: number; rows: ReturnType<ResolverRows['of']> } => {
    made = -1;
    const [, ...others] = rows.of({ ...facts, nowMs, number });
    return { made, rows: others };
  };
  return { look, hear };
};

test.each([10, 40, 160])('of %d resolvers, rows are made for those of whom something is new', (count) => {
  const { look, hear } = fleetOf(count);
  expect(look(100).made).toBe(count);
  for (let second = 1; second < 10; second++) expect(look(second * 1_000).made).toBe(0);
  expect(look(9_000).rows.every(({ heardSec }) => heardSec === 9)).toBe(true);
  hear('ns3', 9_500);
  const { made, rows } = look(10_000);
  expect([made, rows.find(({ name }) => name === 'ns3')?.heardSec]).toEqual([1, 1]);
  // Another entry of policy: each may lack it.
  const behind = look(11_000, 8);
  expect([behind.made, behind.rows.every(({ behind: entries }) => entries === 1)]).toEqual([count, true]);
});

test('of resolvers that were never heard, no row is made anew for those who come', () => {
  const { look } = fleetOf(10, 4);
  const [before, after] = [look(1_000), look(2_000, 8)];
  expect(before.rows).toHaveLength(10);
  const isSame = after.rows.map((row, index) => row === before.rows[index]);
  expect(isSame).toEqual(before.rows.map(({ heard }) => heard === null));
  expect(isSame.filter(Boolean)).toHaveLength(6);
});

test('a resolver that says nothing more needs a person, without a word of it', () => {
  const { look, hear } = fleetOf(10);
  look(0);
  hear('ns1', 50_000);
  const silent = look(61_000);
  expect(silent.made).toBe(10);
  expect(silent.rows.map(({ needs }) => needs[0]?.kind)).toEqual(
    silent.rows.map(({ name }) => (name === 'ns1' ? undefined : 'unheard')),
  );
  hear('ns2', 62_000);
  expect(look(62_000).rows.find(({ name }) => name === 'ns2')?.needs).toEqual([]);
});
