// Whose name a name is, by the list of public suffixes.
import { expect, test } from 'vitest';
import { ownerOf } from '../../../src/resolver/dnssec/owner.ts';
import { nameFrom } from '../../../src/wire/dns/dns.ts';

const wire = (name: Uint8Array): string => Buffer.from(name).toString('latin1');
/** A name whose labels may have any bytes. */
const nameOf = (...labels: readonly string[]): Uint8Array =>
  Buffer.from(`${labels.map((label) => String.fromCharCode(label.length) + label).join('')}\0`, 'latin1');

test.each([
  ['www.example.com.', 'example.com.'],
  ['a.b.c.example.com.', 'example.com.'],
  ['example.com.', 'example.com.'],
  ['com.', 'com.'],
  ['.', '.'],
  ['www.agency.gov.uk.', 'agency.gov.uk.'],
  ['www.agency.gouv.fr.', 'agency.gouv.fr.'],
  ['gouv.fr.', 'gouv.fr.'],
  ['www.somebody.dedyn.io.', 'somebody.dedyn.io.'],
  ['dedyn.io.', 'dedyn.io.'],
  ['www.agency.test.', 'agency.test.'],
  ['192.0.2.1.', '2.1.'],
  ['1.2.0.192.in-addr.arpa.', '1.2.0.192.in-addr.arpa.'],
  ['1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.', '1.0.0.2.ip6.arpa.'],
  ['_25._tcp.mx.example.com.', 'example.com.'],
])('%s is of %s', (name, owner) => {
  expect(ownerOf(nameFrom(name))).toBe(wire(nameFrom(owner)));
});

test('a dot within a label makes nobody another', () => {
  expect(ownerOf(nameOf('www', 'agency.gouv', 'fr'))).toBe(wire(nameOf('agency.gouv', 'fr')));
  expect(ownerOf(nameOf('www.agency', 'gouv', 'fr'))).toBe(wire(nameOf('www.agency', 'gouv', 'fr')));
});

test('no bytes of labels lead elsewhere', () => {
  for (const label of ['@', ':', '/', '#', '?', '\0', 'xn--', ' ', '\xff', '[::1]', 'http://'])
    expect(ownerOf(nameOf('www', label, 'com'))).toBe(wire(nameOf(label, 'com')));
  const long = 'x'.repeat(63);
  expect(ownerOf(nameOf(long, long, long, 'x'.repeat(61)))).toBe(wire(nameOf(long, 'x'.repeat(61))));
});
