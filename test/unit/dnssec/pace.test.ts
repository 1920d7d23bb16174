// Validation takes a part of each turn of the event loop, and its questions take turns by whom they are about.
import { describe, expect, test } from 'vitest';
import { Pace } from '../../../src/resolver/dnssec/pace.ts';
import { nameFrom } from '../../../src/wire/dns/dns.ts';

const GROUP_WAITING_MAX = 256;
const nameA = nameFrom('www.a.test.');
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Pace', () => {
  test('lets go on at once until a turn is used up, and in the next turn again', async () => {
    const pace = new Pace();
    expect(pace.enter(nameA)).toBeUndefined();
    pace.spend(31);
    expect(pace.enter(nameA)).toBeUndefined();
    pace.spend(1);
    expect(pace.enter(nameA)).toBeInstanceOf(Promise);
    await turn();
    await turn();
    expect(pace.enter(nameA)).toBeUndefined();
  });

  test('a question of another group comes before the second of a group that has many', async () => {
    const pace = new Pace();
    pace.spend(32);
    const order: string[] = [];
    const work = async (group: string): Promise<void> => {
      expect(await pace.enter(nameFrom(`${group}.test.`))).toBe(true);
      order.push(group);
      pace.spend(32);
    };
    const all = ['costly', 'costly', 'costly', 'other', 'third'].map(work);
    await Promise.all(all);
    expect(order).toEqual(['costly', 'other', 'third', 'costly', 'costly']);
  });

  test('questions that have cost little come before costly ones of whomever, and of four turns one is for those', async () => {
    const pace = new Pace();
    pace.spend(32);
    const order: string[] = [];
    const work = async (group: string, isCostly: boolean): Promise<void> => {
      expect(await pace.enter(nameFrom(`${group}.test.`), isCostly)).toBe(true);
      order.push(group);
      pace.spend(32);
    };
    const costly = ['x', 'y', 'z'].map((group) => work(group, true));
    const ordinary = ['a', 'b', 'c', 'd'].map((group) => work(group, false));
    await Promise.all([...costly, ...ordinary]);
    expect(order).toEqual(['a', 'b', 'c', 'x', 'd', 'y', 'z']);
  });

  test('one turn takes no more than its units, and what the loop brings in comes between', async () => {
    const pace = new Pace();
    pace.spend(32);
    const events: string[] = [];
    const work = async (): Promise<void> => {
      await pace.enter(nameA);
      events.push('work');
      pace.spend(16);
    };
    const all = Array.from({ length: 6 }, work);
    const poll = (): void => {
      events.push('turn');
      if (events.filter((one) => one === 'work').length < all.length) setImmediate(poll);
    };
    setImmediate(poll);
    await Promise.all(all);
    const words = events
      .join(' ')
      .split('turn')
      .map((between) => between.trim().split(' ').filter(Boolean).length);
    expect(Math.max(...words)).toBe(2);
  });

  test('a group has a bound, and what is over it is refused at once', async () => {
    const pace = new Pace();
    pace.spend(32);
    const waiting = Array.from({ length: GROUP_WAITING_MAX }, () => pace.enter(nameA));
    expect(await pace.enter(nameA)).toBe(false);
    const other = pace.enter(nameFrom('www.b.test.'));
    expect(await Promise.all([...waiting, other])).not.toContain(false);
    expect(pace.enter(nameA)).toBeUndefined();
  });
});
