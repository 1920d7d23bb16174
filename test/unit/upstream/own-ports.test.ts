import { expect, test } from 'vitest';
import { OWN_PORTS_BYTES, OwnPorts } from '../../../src/resolver/upstream/upstream.ts';

test('OwnPorts knows exactly the ports that were added and not deleted', () => {
  const ports = new OwnPorts();
  for (const port of [0, 31, 32, 53, 65_535]) ports.add(port);
  ports.delete(53);
  const known = Array.from({ length: 65_536 }, (_, port) => port).filter((port) => ports.has(port));
  expect(known).toEqual([0, 31, 32, 65_535]);
});

test('OwnPorts shows a worker the ports of all, and a restarted worker starts with none', () => {
  const memory = new SharedArrayBuffer(2 * OWN_PORTS_BYTES);
  const first = new OwnPorts(memory, 0);
  const second = new OwnPorts(memory, 1);
  first.add(4_000);
  second.add(4_000);
  second.add(5_000);
  expect([first.has(5_000), second.has(4_000)]).toEqual([true, true]);
  new OwnPorts(memory, 1);
  expect([first.has(5_000), first.has(4_000)]).toEqual([false, true]);
  expect(() => new OwnPorts(memory, 2)).toThrow(RangeError);
});
