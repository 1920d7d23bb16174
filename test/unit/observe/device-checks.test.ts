// Checks of devices as a worker remembers them.
import { expect, test } from 'vitest';
import { DeviceCheckLog } from '../../../src/telemetry/observe/observe.ts';

const asked = (code: string, address: string, timeMs = 0) => ({
  ...{ code, address, timeMs },
  ...{ transport: 0, group: 0, isForwarded: false },
});

test('one client that asks for thousands of checks pushes out none but its own', () => {
  const log = new DeviceCheckLog();
  log.note(asked('mine', '192.0.2.1'));
  for (let at = 0; at < 5_000; at++) log.note(asked(`x${at}`, '192.0.2.2'));
  expect(log.find('mine')?.address).toBe('192.0.2.1');
  expect(log.find('x0')).toBeUndefined();
  expect(log.find('x4999')?.address).toBe('192.0.2.2');
});

test('the first query of a check counts, and clients are bounded', () => {
  const log = new DeviceCheckLog();
  log.note(asked('one', '192.0.2.1', 1));
  log.note({ ...asked('one', '192.0.2.1', 2), transport: 1 });
  // Whoever learned the code and asks as well came later.
  log.note(asked('one', '192.0.2.9', 3));
  expect(log.find('one')).toMatchObject({ address: '192.0.2.1', transport: 0 });
  for (let at = 0; at < 512; at++) log.note(asked('y', `2001:db8::${at.toString(16)}`));
  expect(log.find('one')).toBeUndefined();
});
