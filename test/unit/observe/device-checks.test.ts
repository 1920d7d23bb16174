// Checks of devices as a worker remembers them.
import { expect, test } from 'vitest';
import { DeviceCheckLog } from '../../../src/telemetry/observe/observe.ts';

const asked = (code: string, address: string, timeMs = 1) => ({
  ...{ code, address, timeMs },
  ...{ transport: 0, group: 0, isForwarded: false },
});

test('the first query of a check counts', () => {
  const log = new DeviceCheckLog(0);
  log.note(asked('one', '192.0.2.1', 1));
  log.note({ ...asked('one', '192.0.2.1', 2), transport: 1 });
  // Whoever learned the code and asks as well came later.
  log.note(asked('one', '192.0.2.9', 3));
  expect(log.find('one', 1)).toMatchObject({ address: '192.0.2.1', transport: 0 });
  expect(log.find('other', 1)).toBeUndefined();
});

test('checks are bounded; one that may have been forgotten did not fail to come', () => {
  const log = new DeviceCheckLog(0);
  log.note(asked('one', '192.0.2.1', 5));
  for (let at = 0; at < 1_024; at++) log.note(asked(`x${at}`, '192.0.2.2', 6));
  expect(log.find('one', 4)).toBe('forgotten');
  expect(log.find('x0', 4)).toMatchObject({ address: '192.0.2.2' });
  // Nothing that came after what was forgotten is missing.
  expect(log.find('other', 6)).toBeUndefined();
});

test('a worker that started after a check began cannot tell', () => {
  const log = new DeviceCheckLog(1_000);
  expect(log.find('one', 999)).toBe('forgotten');
  expect(log.find('one', 1_001)).toBeUndefined();
});
