// The tests of forwarding once more, with the sockets that work everywhere.
import { expect, test, vi } from 'vitest';
import { datagramKind } from '../../../src/wire/datagram/datagram.ts';
import './failover.test.ts';
import './forwarding.test.ts';
import './tcp.test.ts';
import './upstream-endpoint.test.ts';

vi.hoisted(() => {
  process.env['CORDON_NO_BATCH'] = '1';
});

test('the sockets are plain ones', () => {
  expect(datagramKind().isBatched).toBe(false);
});
