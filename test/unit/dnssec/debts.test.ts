// What zones have cost beyond what is ordinary, and for how long it is held against them.
import { beforeEach, describe, expect, test } from 'vitest';
import { Debts } from '../../../src/dnssec/debts.ts';

const NOW_MS = 1_000_000_000_000;
let debts: Debts;
beforeEach(() => {
  debts = new Debts();
});

const isInDebt = (nowMs = NOW_MS): boolean => debts.limits('a', nowMs) !== undefined;

describe('Debts', () => {
  test('what is ordinary is never counted, however often', () => {
    for (let i = 0; i < 10_000; i++) debts.charge('a', 40, false, NOW_MS);
    expect(isInDebt()).toBe(false);
  });

  test('what is more is, and all of what was for nothing', () => {
    for (let i = 0; i < 10; i++) debts.charge('a', 140, false, NOW_MS);
    expect(isInDebt()).toBe(false);
    debts.charge('a', 1, true, NOW_MS);
    expect(isInDebt()).toBe(true);
    expect(debts.limits('b', NOW_MS)).toBeUndefined();
  });

  test('it is forgiven in time', () => {
    debts.charge('a', 1500, true, NOW_MS);
    expect([isInDebt(), isInDebt(NOW_MS + 1900), isInDebt(NOW_MS + 2000)]).toEqual([true, true, false]);
  });

  test('a refusal lasts ten seconds, and a clock that steps back ends it', () => {
    debts.charge('a', 1500, true, NOW_MS);
    debts.refuse('a', NOW_MS);
    const at = (ms: number): boolean => debts.isRefused('a', NOW_MS + ms);
    expect([at(0), at(9999), at(10_000), at(-1)]).toEqual([true, true, false, false]);
    expect(debts.isRefused('b', NOW_MS)).toBe(false);
    debts.clear();
    expect(at(0)).toBe(false);
  });

  test('a thousand groups are remembered', () => {
    debts.charge('a', 1500, true, NOW_MS);
    for (let i = 0; i < 1000; i++) debts.charge(`other ${i}`, 1, true, NOW_MS);
    expect(isInDebt()).toBe(false);
  });
});
