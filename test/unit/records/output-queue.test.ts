import { expect, test } from 'vitest';
import { OutputQueue } from '../../../src/evidence/records/outputs/output-queue.ts';

const bytes = (length: number): (() => Uint8Array) => {
  return () => new Uint8Array(length);
};

test('push() drops and counts what comes when the number is reached, and does not encode it', () => {
  const queue = new OutputQueue({ count: 2, bytes: 1_000 });
  let encoded = 0;
  for (let i = 0; i < 5; i++)
    queue.push(() => {
      encoded++;
      return Uint8Array.of(i);
    });
  expect([queue.length, queue.dropped, encoded]).toEqual([2, 3, 2]);
  expect(queue.peek()).toEqual([Uint8Array.of(0), Uint8Array.of(1)]);
});

test('push() drops when the bytes are reached, and takes again when there is room', () => {
  const queue = new OutputQueue({ count: 100, bytes: 10 });
  for (let i = 0; i < 4; i++) queue.push(bytes(6));
  expect([queue.length, queue.dropped]).toEqual([2, 2]);
  queue.shift(1);
  queue.push(bytes(1));
  expect([queue.length, queue.dropped, queue.written]).toEqual([2, 2, 1]);
});

test('peek() gives one write in order, and at least one record however long', () => {
  const queue = new OutputQueue();
  queue.push(bytes(200_000));
  for (let i = 0; i < 3; i++) queue.push(bytes(30_000));
  expect(queue.peek().map(({ length }) => length)).toEqual([200_000]);
  queue.shift(1);
  expect(queue.peek()).toHaveLength(2);
});

test('abandon() counts what waits as dropped', () => {
  const queue = new OutputQueue();
  for (let i = 0; i < 10_000; i++) queue.push(bytes(1));
  for (let i = 0; i < 5_000; i++) queue.shift(1);
  queue.abandon();
  expect([queue.length, queue.dropped, queue.written]).toEqual([0, 5_000, 5_000]);
  queue.push(bytes(1));
  expect(queue.length).toBe(1);
});
