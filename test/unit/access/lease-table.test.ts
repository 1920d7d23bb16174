// Who has which address, as workers look it up.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KnownDevices } from '../../../src/policy/access/devices.ts';
import {
  createLeaseTable,
  LEASES_MAX,
  LeasedDevices,
  writeLeases,
} from '../../../src/policy/access/lease-table.ts';
import { addressWords } from '../../support/record-events.ts';

test('finds what was written last, and nothing else', () => {
  const table = createLeaseTable();
  const found = new LeasedDevices(table, new KnownDevices([]));
  expect(found.find(addressWords('192.0.2.1'))).toBeUndefined();
  const address = fc
    .integer({ min: 0, max: 40 })
    .map((last) => (last < 20 ? `192.0.2.${last}` : `2001:db8::${last}`));
  fc.assert(
    fc.property(fc.array(fc.tuple(address, fc.stringMatching(/^host:[a-z]{0,55}$/))), (pairs) => {
      const leases = new Map(pairs);
      writeLeases(
        table,
        [...leases].map(([text, device]) => ({ address: addressWords(text), device })),
      );
      for (let last = 0; last <= 40; last++) {
        const text = last < 20 ? `192.0.2.${last}` : `2001:db8::${last}`;
        expect(found.find(addressWords(text))?.device?.name).toBe(leases.get(text));
      }
    }),
  );
});

test('a group may name a device, and a full table is found through', () => {
  const table = createLeaseTable();
  const found = new LeasedDevices(table, new KnownDevices([[], ['MAC:02:00:5e:10:00:01']]));
  const addressOf = (index: number): Uint32Array => Uint32Array.of(0, 0, 0xffff, 0x0a00_0000 + index);
  writeLeases(
    table,
    Array.from({ length: LEASES_MAX + 5 }, (_, index) => ({
      address: addressOf(index),
      device: index === 7 ? 'mac:02:00:5e:10:00:01' : 'mac:02:00:5e:10:00:02',
    })),
  );
  expect(found.find(addressOf(7))?.group).toBe(1);
  expect(found.find(addressOf(LEASES_MAX - 1))?.group).toBeUndefined();
  expect(found.find(addressOf(LEASES_MAX - 1))?.device?.name).toBe('mac:02:00:5e:10:00:02');
  expect(found.find(addressOf(LEASES_MAX))).toBeUndefined();
});
