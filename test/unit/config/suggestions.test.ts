// What the configuration suggests for addresses and prefixes that are not what they were meant to be.
import { expect, test } from 'vitest';
import { problemsOf } from './support.ts';

const meantEndpoint = (address: string, port: number): string =>
  `did you mean "[${address}]:${port}" (or "[${address}:${port}]", if that is the address)?`;

test.each([
  ['listen: { dns: ["::1:53"] }', meantEndpoint('::1', 53)],
  ['upstreams: ["2001:db8::1:53"]', meantEndpoint('2001:db8::1', 53)],
  ['upstreams: ["tcp://2001:db8::1:53"]', meantEndpoint('2001:db8::1', 53)],
  ['upstreams: ["tls://2001:db8::1:853"]', meantEndpoint('2001:db8::1', 853)],
  ['access: { allow: ["192.0.2.1/24"] }', 'did you mean "192.0.2.0/24"?'],
  ['access: { allow: ["192.0.2.0/255.255.255.0"] }', 'did you mean "192.0.2.0/24"?'],
  ['admin: { allow: ["127.0.0.1/8"] }', 'did you mean "127.0.0.0/8"?'],
  [
    'groups: [{ name: default, lists: [tiktok] }, { name: lab, clients: ["2001:db8::1/32"], lists: [] }]',
    'did you mean "2001:db8::/32"?',
  ],
])('%s', (text, hint) => {
  expect(problemsOf(text)).toEqual([expect.stringContaining(hint)]);
});

test('an address in brackets is one, whatever its last group', () => {
  expect(problemsOf('upstreams: ["[2001:db8::1:53]", "2001:db8::53"]')).toEqual([]);
});
