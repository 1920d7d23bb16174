// What people write for prefixes, addresses with a port and durations, and what is suggested or shown instead.
import { expect, test } from 'vitest';
import {
  formatDuration,
  parseEndpoint,
  parsePrefix,
  suggestEndpoint,
  suggestPrefix,
} from '../../../src/base/base.ts';

test.each([
  ['192.0.2.1/24', '192.0.2.0/24'],
  [' 192.0.2.1/24 ', '192.0.2.0/24'],
  ['192.0.2.0/255.255.255.0', '192.0.2.0/24'],
  ['192.0.2.77/255.255.255.248', '192.0.2.72/29'],
  ['192.0.2.1/255.255.255.255', '192.0.2.1/32'],
  ['192.0.2.1/0.0.0.0', '0.0.0.0/0'],
  ['2001:db8::1/32', '2001:db8::/32'],
  ['2001:db8:1:2::/ffff:ffff::', '2001:db8::/32'],
])('suggestPrefix() makes %s %s', (text, prefix) => {
  expect(parsePrefix(text)).toBeUndefined();
  expect(suggestPrefix(text)).toBe(prefix);
  expect(parsePrefix(prefix)).toBeDefined();
});

test.each([
  ...[
    '192.0.2.0/24',
    '192.0.2.1',
    '2001:db8::/32',
    '192.0.2.1/33',
    '2001:db8::/129',
    '192.0.2.0/',
    '/24',
    'lab',
  ],
  ...['192.0.2.0/255.0.255.0', '192.0.2.0/ffff::', '2001:db8::/255.0.0.0', '192.0.2.0/24/8', '', '1.2.3/24'],
])('suggestPrefix() has nothing for %j', (text) => {
  expect(suggestPrefix(text)).toBeUndefined();
});

test.each([
  ['::1:53', '"[::1]:53" (or "[::1:53]", if that is the address)'],
  ['2001:db8::1:853', '"[2001:db8::1]:853" (or "[2001:db8::1:853]", if that is the address)'],
  ['fe80::1%eth0:53', '"[fe80::1%eth0]:53" (or "[fe80::1%eth0:53]", if that is the address)'],
])('%s is no address with a port, but %s', (text, meant) => {
  expect(parseEndpoint(text, 53)).toBeUndefined();
  expect(suggestEndpoint(text)).toBe(meant);
});

test.each([
  ['[::1:53]', { address: '::1:53', port: 5353, family: 6 }],
  ['[::1]:53', { address: '::1', port: 53, family: 6 }],
  ['2001:db8::53', { address: '2001:db8::53', port: 5353, family: 6 }],
  ['2620:fe::fe:9', { address: '2620:fe::fe:9', port: 5353, family: 6 }],
  ['2001:db8:0:0:0:0:1:53', { address: '2001:db8:0:0:0:0:1:53', port: 5353, family: 6 }],
  ['127.0.0.1:53', { address: '127.0.0.1', port: 53, family: 4 }],
])('%s is an address with a port', (text, endpoint) => {
  expect(parseEndpoint(text, 5353)).toEqual(endpoint);
  expect(suggestEndpoint(text)).toBeUndefined();
});

test.each([
  [0, '0 ms'],
  [250, '250 ms'],
  [1000, '1 s'],
  [1500, '1.5 s'],
  [30_000, '30 s'],
  [90_000, '90 s'],
  [300_000, '5 min'],
  [7_200_000, '2 h'],
  [86_400_000, '1 day'],
  [172_800_000, '2 days'],
  [3_600_001, '3600 s'],
])('%d ms are shown as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
