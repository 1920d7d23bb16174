// Records of TLS that carry nothing are told from those that carry little.
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { EmptyRecords } from '../../../src/resolver/server/empty-records.ts';

test.each([
  ['nothing came', 0, 0, false],
  ['keys changed a hundred times', 2_700, 0, false],
  ['half of the longest record has come', 16_400, 0, false],
  ['keys changed two thousand times', 54_000, 0, true],
  ['queries of 40 bytes, each in a record of its own', 62_000, 40_000, false],
  ['content of a byte in each record', 46_000, 2_000, false],
  ['a query now and then between changes of keys', 200_000, 80, true],
])('%s', (_what, came, content, isFlood) => {
  const [below, secured] = [{ bytesRead: 5_000 }, { bytesRead: 100 }];
  const records = new EmptyRecords(below as Socket, secured as Socket);
  expect(records.look()).toBe(false);
  below.bytesRead += came;
  secured.bytesRead += content;
  expect(records.look()).toBe(isFlood);
  expect(records.look()).toBe(false);
});
