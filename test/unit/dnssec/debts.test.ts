// What zones have cost beyond what is ordinary, and for how long it is held against whom.
import { beforeEach, describe, expect, test } from 'vitest';
import { Debts } from '../../../src/resolver/dnssec/debts.ts';
import { nameFrom } from '../../../src/wire/dns/dns.ts';

const NOW_MS = 1_000_000_000_000;
const ORDINARY = 48;
let debts: Debts;
beforeEach(() => {
  debts = new Debts();
});

/** Units that each zone costs in one question, the last one where the question ends. */
type Costs = readonly (readonly [zone: string, units: number])[];

const question = (name: string, costs: Costs, isBogus = false, nowMs = NOW_MS): void => {
  const work = debts.open(nameFrom(name), { verifications: 10_000 }, nowMs);
  for (const [zone, units] of costs) {
    work.chargeTo(nameFrom(zone));
    for (let i = 0; i < units; i++) work.takeVerification();
  }
  debts.settle(work, nameFrom(name), isBogus, nowMs);
};

/** What is left to the keys of a zone in a question; Infinity: no less than to others. */
const leftTo = (zone: string, nowMs = NOW_MS): number =>
  debts.termsOf(nameFrom(zone), nowMs)?.units ?? Number.POSITIVE_INFINITY;
const FULL = Number.POSITIVE_INFINITY;

describe('Debts', () => {
  test('what is ordinary is never counted, however often', () => {
    for (let i = 0; i < 10_000; i++) question('www.a.test.', [['a.test.', ORDINARY]]);
    expect(debts.isEmpty).toBe(true);
    expect(leftTo('a.test.')).toBe(FULL);
  });

  test('what is more is, and all of what was for nothing', () => {
    for (let i = 0; i < 10; i++) question('www.a.test.', [['a.test.', ORDINARY + 100]]);
    expect(leftTo('a.test.')).toBe(FULL);
    question('www.a.test.', [['a.test.', 1]], true);
    expect(leftTo('a.test.')).toBe(ORDINARY);
    expect(leftTo('b.test.')).toBe(FULL);
  });

  test('zones above it, and others of a bogus answer, pay nothing for it', () => {
    const costs: Costs = [
      ['fr.', 40],
      ['gouv.fr.', 40],
      ['victim.gouv.fr.', 40],
      ['hostile.gouv.fr.', 40],
    ];
    for (let i = 0; i < 1000; i++) question('www.hostile.gouv.fr.', costs, true);
    expect(leftTo('hostile.gouv.fr.')).toBe(ORDINARY);
    for (const zone of ['fr.', 'gouv.fr.', 'victim.gouv.fr.', 'other.gouv.fr.'])
      expect(leftTo(zone)).toBe(FULL);
  });

  test('many zones that cost little each are held against the owner of the name that led to them', () => {
    const costs: Costs = Array.from({ length: 10 }, (_, i) => [`z${i}.test.`, 8]);
    for (let i = 0; i < 100; i++) question('www.hostile.dedyn.io.', costs);
    expect(leftTo('hostile.dedyn.io.')).toBe(ORDINARY);
    expect(leftTo('sub.hostile.dedyn.io.')).toBe(ORDINARY);
    expect(leftTo('z1.test.')).toBe(FULL);
    const taken = ['www.hostile.dedyn.io.', 'www.other.dedyn.io.'].map((name) => {
      const work = debts.open(nameFrom(name), {}, NOW_MS);
      work.chargeTo(nameFrom('z1.test.'));
      return [work.isLimited, work.takeLookup(), work.takeVerification(0, ORDINARY), work.takeVerification()];
    });
    expect(taken).toEqual([
      [true, true, true, false],
      [false, true, true, true],
    ]);
    expect(leftTo('other.dedyn.io.')).toBe(FULL);
  });

  test('zones without number of one owner get together what is ordinary for one', () => {
    for (let i = 0; i < 20; i++) question(`www.z${i}.a.test.`, [[`z${i}.a.test.`, ORDINARY + 60]]);
    expect(leftTo('new.a.test.')).toBe(ORDINARY);
    const work = debts.open(nameFrom('b.test.'), {}, NOW_MS);
    const taken = [0, 1, 2].map((i) => {
      work.chargeTo(nameFrom(`new${i}.a.test.`));
      return [work.takeVerification(0, 20), work.takeVerification(0, 4)];
    });
    expect(taken).toEqual([
      [true, true],
      [true, true],
      [false, false],
    ]);
    expect([work.exceeded, work.isLimited]).toEqual(['debt', true]);
    work.chargeTo(nameFrom('b.test.'));
    expect(work.takeVerification(0, 20)).toBe(true);
  });

  test('it is forgiven in time', () => {
    question('www.a.test.', [['a.test.', 1500]], true);
    const left = [0, 1900, 2000].map((ms) => leftTo('a.test.', NOW_MS + ms));
    expect(left).toEqual([ORDINARY, ORDINARY, FULL]);
  });

  test('who takes more than is ordinary in debt gets nothing for ten seconds; a clock that steps back ends it', () => {
    question('www.a.test.', [['a.test.', 10_000]], true);
    question('www.a.test.', [['a.test.', ORDINARY]]);
    expect(leftTo('a.test.')).toBe(ORDINARY);
    question('www.a.test.', [['a.test.', ORDINARY + 1]]);
    const left = [0, 9999, 10_000, -1].map((ms) => leftTo('a.test.', NOW_MS + ms));
    expect(left).toEqual([0, 0, ORDINARY, ORDINARY]);
    expect(leftTo('b.test.')).toBe(FULL);
    debts.clear();
    expect(leftTo('a.test.')).toBe(FULL);
  });

  test('zones of an owner in debt are not refused for what others of it took', () => {
    for (let i = 0; i < 40; i++) question(`www.z${i}.a.test.`, [[`z${i}.a.test.`, 500]], true);
    expect(leftTo('honest.a.test.')).toBe(ORDINARY);
    question('www.z50.a.test.', [['z50.a.test.', 500]]);
    expect(leftTo('honest.a.test.')).toBe(ORDINARY);
  });

  test('four thousand are remembered', () => {
    question('www.a.test.', [['a.test.', 1500]], true);
    for (let i = 0; i < 4096; i++) question('www.b.test.', [[`other${i}.test.`, 1]], true);
    expect(leftTo('a.test.')).toBe(FULL);
  });
});
