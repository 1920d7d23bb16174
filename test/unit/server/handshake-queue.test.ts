// Who shakes hands next.
import { describe, expect, test } from 'vitest';
import { HandshakeQueue } from '../../../src/resolver/server/handshake-queue.ts';

/** Takes so many and tells who they are. */
const take = (queue: HandshakeQueue<string>, count: number): (string | undefined)[] =>
  Array.from({ length: count }, () => queue.take());

const fill = (queue: HandshakeQueue<string>, network: string, count: number): void => {
  for (let i = 0; i < count; i++) queue.add(network, `${network}${i}`);
};

test('nobody waits: nobody is taken', () => {
  const queue = new HandshakeQueue<string>();
  expect(queue.take()).toBeUndefined();
  expect(queue.size).toBe(0);
});

test('all are taken once, those of a network in their order', () => {
  const queue = new HandshakeQueue<string>();
  for (const network of ['a', 'b', 'c']) fill(queue, network, 5);
  const taken = take(queue, 15);
  expect(new Set(taken).size).toBe(15);
  expect(queue.size).toBe(0);
  for (const network of ['a', 'b', 'c'])
    expect(taken.filter((one) => one?.startsWith(network))).toEqual(
      [0, 1, 2, 3, 4].map((i) => `${network}${i}`),
    );
});

test('a newcomer waits for two, however many networks attack', () => {
  const queue = new HandshakeQueue<string>();
  for (let i = 0; i < 100; i++) fill(queue, `attacker-${i}-`, 10);
  take(queue, 201);
  queue.add('newcomer', 'x');
  expect(take(queue, 2)).toContain('x');
});

test('an office is served while ever new networks come', () => {
  const queue = new HandshakeQueue<string>();
  fill(queue, 'office', 50);
  take(queue, 50);
  fill(queue, 'office', 10);
  let served = 0;
  for (let turn = 0; turn < 100; turn++) {
    for (let i = 0; i < 2; i++) queue.add(`new-${turn}-${i}`, 'other');
    if (queue.take()?.startsWith('office') === true) served++;
  }
  // Those who came before it had their turn first.
  expect(served).toBeGreaterThan(0);
});

describe('what is remembered', () => {
  test('fades, so that an attacker of yesterday is a newcomer again', () => {
    const queue = new HandshakeQueue<string>();
    fill(queue, 'a', 64);
    take(queue, 64);
    for (let i = 0; i < 8; i++) queue.forget();
    fill(queue, 'b', 2);
    take(queue, 1);
    fill(queue, 'a', 1);
    fill(queue, 'b', 1);
    expect(take(queue, 2)).toContain('a0');
  });

  test('has a bound', () => {
    const queue = new HandshakeQueue<string>();
    for (let i = 0; i < 20_000; i++) {
      queue.add(`n${i}`, 'x');
      expect(queue.take()).toBe('x');
    }
    expect(queue.size).toBe(0);
  });
});

test('who is asked for is found while it waits', () => {
  const queue = new HandshakeQueue<string>();
  queue.add('a', 'x');
  expect(queue.has('a', 'x')).toBe(true);
  expect(queue.has('b', 'x')).toBe(false);
  queue.take();
  expect(queue.has('a', 'x')).toBe(false);
});
