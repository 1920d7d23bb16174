import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Endpoint, formatEndpoint, parseEndpoint, systemErrorCode } from '../../../src/base/base.ts';
import { readSystemResolvers } from '../../../src/resolver/upstream/upstream.ts';

const folder = mkdtempSync(join(tmpdir(), 'cordon-resolvers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const LOCAL = ['127.0.0.1', '192.0.2.9', '2001:db8::9'];

const read = (lines: string[], own: string[] = []): string[] => {
  const path = join(folder, 'resolv.conf');
  writeFileSync(path, `${lines.join('\n')}\n`);
  const ownEndpoints = own
    .map((text) => parseEndpoint(text, 53))
    .filter((one): one is Endpoint => one !== undefined);
  return readSystemResolvers(path, ownEndpoints, LOCAL).map(formatEndpoint);
};

test.each([
  {
    what: 'the name servers in order',
    lines: [
      '# comment',
      'search example.com',
      'nameserver 192.0.2.1',
      'nameserver\t2001:db8::1',
      'options edns0',
    ],
    expected: ['192.0.2.1:53', '[2001:db8::1]:53'],
  },
  {
    what: 'at most three, each once',
    lines: [1, 1, 2, 3, 4].map((i) => `nameserver 192.0.2.${i}`),
    expected: ['192.0.2.1:53', '192.0.2.2:53', '192.0.2.3:53'],
  },
  {
    what: 'an address with a zone',
    lines: ['nameserver fe80::1%eth0'],
    expected: ['[fe80::1%eth0]:53'],
  },
  {
    what: 'nothing of lines that are no name servers',
    lines: [
      'nameserver',
      'nameserver resolver.example.com',
      '#nameserver 192.0.2.2',
      'nameserver 192.0.2.1 # ours',
    ],
    expected: ['192.0.2.1:53'],
  },
  {
    what: 'others than an own endpoint, however it is written',
    lines: ['nameserver 127.0.0.1', 'nameserver 0:0::1', 'nameserver 192.0.2.1'],
    own: ['127.0.0.1:53', '[::1]:53'],
    expected: ['192.0.2.1:53'],
  },
  {
    what: 'an own address when we listen on another port there',
    lines: ['nameserver 127.0.0.1'],
    own: ['127.0.0.1:5353', '0.0.0.0:5353'],
    expected: ['127.0.0.1:53'],
  },
  {
    what: 'no address of this machine when we listen on all of them',
    lines: ['127.0.0.53', '192.0.2.9', '2001:db8::9', '0.0.0.0', '::1', '198.51.100.1'].map(
      (one) => `nameserver ${one}`,
    ),
    own: ['0.0.0.0:53'],
    expected: ['198.51.100.1:53'],
  },
])('readSystemResolvers() returns $what', ({ lines, own, expected }) => {
  expect(read(lines, own)).toEqual(expected);
});

test('readSystemResolvers() refuses a file that is not there or names only ourselves', () => {
  const codeOf = (action: () => unknown): string | undefined => {
    try {
      action();
    } catch (thrown) {
      return systemErrorCode(thrown);
    }
    return undefined;
  };
  expect(codeOf(() => readSystemResolvers(join(folder, 'missing'), []))).toBe('ERR_UPSTREAM_NONE');
  expect(codeOf(() => read(['search example.com']))).toBe('ERR_UPSTREAM_NONE');
  expect(codeOf(() => read(['nameserver 127.0.0.1'], ['[::]:53']))).toBe('ERR_UPSTREAM_NONE');
});
