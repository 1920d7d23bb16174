// Answers of one turn of the loop leave in one write, in their order, and long ones by themselves.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { TurnOutput } from '../../../src/resolver/server/turn-output.ts';

const collect = () => {
  const writes: { to: string; bytes: Buffer }[] = [];
  const output = new TurnOutput<{ name: string; unsentBytes: number }>(({ name }, bytes) =>
    writes.push({ to: name, bytes }),
  );
  return { writes, output };
};
const connection = (name: string) => ({ name, unsentBytes: 0 });
const framed = (...lengths: readonly number[]): Buffer =>
  Buffer.concat(
    lengths.map((length) =>
      Buffer.concat([Buffer.from([length >>> 8, length]), Buffer.alloc(length, length)]),
    ),
  );
const message = (length: number): Buffer => Buffer.alloc(length, length);

test('what one connection is answered in a turn is one write, of which it is told how much waits', async () => {
  const { writes, output } = collect();
  const one = connection('one');
  for (const length of [12, 30, 200]) output.add(one, message(length), length);
  expect(writes).toEqual([]);
  expect(one.unsentBytes).toBe(3 * 2 + 242);
  await nextTurn();
  expect(writes).toEqual([{ to: 'one', bytes: framed(12, 30, 200) }]);
  expect(one.unsentBytes).toBe(0);
  await nextTurn();
  expect(writes.length).toBe(1);
});

test('another connection, and an answer that does not fit, come behind what was added before', () => {
  const { writes, output } = collect();
  const [one, two] = [connection('one'), connection('two')];
  output.add(one, message(12), 12);
  output.add(two, message(13), 13);
  output.add(two, message(60_000), 60_000);
  output.add(one, message(14), 14);
  output.flush();
  expect(writes.map(({ to, bytes }) => [to, bytes.length])).toEqual([
    ['one', 14],
    ['two', 15],
    ['two', 60_002],
    ['one', 16],
  ]);
  expect(writes[2]?.bytes.equals(framed(60_000))).toBe(true);
});

test('the message is copied, up to its length', () => {
  const { writes, output } = collect();
  const shared = Buffer.alloc(512, 1);
  output.add(connection('one'), shared, 20);
  shared.fill(2);
  output.flush();
  expect(writes[0]?.bytes).toEqual(Buffer.concat([Buffer.from([0, 20]), Buffer.alloc(20, 1)]));
});
