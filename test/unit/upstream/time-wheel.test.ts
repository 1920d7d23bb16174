import { expect, test } from 'vitest';
import { TICKS_MAX, TimeWheel, WheelEntry } from '../../../src/resolver/upstream/time-wheel.ts';

class Entry extends WheelEntry<Entry> {
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
  }
}

const setUp = () => {
  const expired: string[] = [];
  const wheel = new TimeWheel<Entry>((entry) => expired.push(`${entry.name}@${wheel.tick}`));
  return { expired, wheel };
};

test('advance() expires each entry at its tick, over many turns of the ring', () => {
  const { expired, wheel } = setUp();
  for (let turn = 0; turn < 5; turn++) {
    const start = wheel.tick;
    for (const ticks of [TICKS_MAX, 1, 7, 7]) wheel.add(new Entry(`${turn}+${ticks}`), ticks);
    for (let i = 0; i < TICKS_MAX; i++) wheel.advance(1);
    expect(expired.splice(0)).toEqual(
      [1, 7, 7, TICKS_MAX].map((ticks) => `${turn}+${ticks}@${start + ticks}`),
    );
  }
});

test('remove() takes out the first, a middle and the last entry of a slot, and one that is in none', () => {
  for (const removed of ['a', 'b', 'c']) {
    const { expired, wheel } = setUp();
    const entries = ['a', 'b', 'c'].map((name) => new Entry(name));
    for (const entry of entries) wheel.add(entry, 3);
    for (const entry of entries) if (entry.name === removed) wheel.remove(entry);
    for (const entry of entries) if (entry.name === removed) wheel.remove(entry);
    wheel.advance(3);
    expect(expired.sort()).toEqual(
      ['a', 'b', 'c'].filter((name) => name !== removed).map((name) => `${name}@3`),
    );
  }
});

test('advance() lets an expiring entry add itself again and remove others', () => {
  const first = new Entry('first');
  const second = new Entry('second');
  const expired: string[] = [];
  const wheel = new TimeWheel<Entry>((entry) => {
    expired.push(`${entry.name}@${wheel.tick}`);
    if (entry === second) wheel.remove(first);
    if (expired.length < 3) wheel.add(entry, TICKS_MAX);
  });
  wheel.add(first, 2);
  wheel.add(second, 2);
  wheel.advance(2 + 2 * TICKS_MAX);
  expect(expired).toEqual(['second@2', `second@${2 + TICKS_MAX}`, `second@${2 + 2 * TICKS_MAX}`]);
});
