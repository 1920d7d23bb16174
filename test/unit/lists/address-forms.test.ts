// Addresses as firewalls load them: nft accepts 10,000 prefixes, and guarded addresses never get in.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  formatPrefix,
  matchesPrefix,
  type Prefix,
  parsePrefix,
  withoutPrefix,
} from '../../../src/base/base.ts';
import {
  ADDRESS_FORMS,
  AddressGuards,
  NEVER_BLOCK_ADDRESSES_FILE,
  shippedLists,
  writeAddresses,
} from '../../../src/policy/lists/lists.ts';
import { requireProgram, run } from '../../support/process.ts';

const prefixOf = (text: string): Prefix => {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`${text} is no prefix`);
  return prefix;
};

const addresses = (texts: readonly string[]) =>
  texts.map((text, index) => ({ prefix: prefixOf(text), evidence: `list line ${index + 1}` }));

describe('writeAddresses()', () => {
  const some = addresses(['198.18.0.0/24', '198.18.1.7', '2001:db8::/32', '2001:db9::1']);

  it.each([
    ['plain', '# head\n198.18.0.0/24\n198.18.1.7/32\n2001:db8::/32\n2001:db9::1/128\n'],
    ['pf', '# head\n198.18.0.0/24\n198.18.1.7/32\n2001:db8::/32\n2001:db9::1/128\n'],
    [
      'edl',
      '# head\n198.18.0.0/24 list line 1\n198.18.1.7/32 list line 2\n2001:db8::/32 list line 3\n2001:db9::1/128 list line 4\n',
    ],
  ] as const)('writes %s', (form, expected) => {
    expect(writeAddresses(form, some, ['head'])).toBe(expected);
  });

  it('writes ipset as what is swapped as a whole', () => {
    expect(writeAddresses('ipset', some, []).split('\n').slice(0, 7)).toEqual([
      'create cordon-listed4-new hash:net family inet maxelem 65536 -exist',
      'flush cordon-listed4-new',
      'add cordon-listed4-new 198.18.0.0/24',
      'add cordon-listed4-new 198.18.1.7/32',
      'create cordon-listed4 hash:net family inet maxelem 65536 -exist',
      'swap cordon-listed4-new cordon-listed4',
      'destroy cordon-listed4-new',
    ]);
  });

  it('writes what nft accepts: 10,000 prefixes, one family, none', async (context) => {
    requireProgram(context, 'nft');
    const many = Array.from({ length: 10_000 }, (_value, index) =>
      index % 2 === 0 ? `11.${index >>> 8}.${index & 0xff}.0/24` : `2a10:${index.toString(16)}::/32`,
    );
    const directory = mkdtempSync(join(tmpdir(), 'cordon-nft-'));
    try {
      for (const texts of [many, ['198.18.0.0/24'], ['2001:db8::/32'], []]) {
        const file = join(directory, 'set.nft');
        writeFileSync(file, writeAddresses('nftables', addresses(texts), ['head']));
        expect(await run('nft', ['-c', '-f', file])).toMatchObject({ code: 0, stderr: '' });
      }
      writeFileSync(
        join(directory, 'set.nft'),
        writeAddresses('nftables', addresses(['198.18.0.0/24']), []).replace(
          '198.18.0.0/24',
          '198.18.0.0/99',
        ),
      );
      expect((await run('nft', ['-c', '-f', join(directory, 'set.nft')])).code).not.toBe(0);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('cannot be made to write a line of its own', () => {
    const text = writeAddresses(
      'edl',
      [{ prefix: prefixOf('198.18.0.0/24'), evidence: 'a\n0.0.0.0/0 b' }],
      [],
    );
    expect(text).toBe('198.18.0.0/24 a?0.0.0.0/0 b\n');
    expect(ADDRESS_FORMS.length).toBe(5);
  });
});

describe('AddressGuards', () => {
  const guards = AddressGuards.load(NEVER_BLOCK_ADDRESSES_FILE);
  const cut = (text: string): string[] => guards.cut(prefixOf(text)).left.map(formatPrefix);

  it.each([
    ['104.16.1.1', []],
    ['104.16.0.0/13', []],
    ['151.101.64.0/24', []],
    ['10.0.0.0/8', []],
    ['2606:4700::1', []],
    ['fe80::/10', []],
    ['198.51.100.7', []],
    ['71.18.0.0/16', ['71.18.0.0/16']],
    ['2605:340::/32', ['2605:340::/32']],
    ['103.31.0.0/21', ['103.31.0.0/22']],
    ['151.100.0.0/15', ['151.100.0.0/16']],
  ])('leaves of %s %j', (text, left) => {
    expect(cut(text)).toEqual(left);
  });

  it('leaves every shipped prefix as it is', () => {
    const prefixes = shippedLists().flatMap(({ file }) =>
      [...readFileSync(file, 'utf8').matchAll(/\{ prefix: "?([^,"]+)"?,/g)].map(([, text = '']) => text),
    );
    expect(prefixes.length).toBeGreaterThan(40);
    for (const text of prefixes) expect([text, cut(text)]).toEqual([text, [text]]);
  });

  it('agrees with a reading address by address', () => {
    const inside = (text: string): boolean => guards.cut(prefixOf(text)).left.length === 0;
    const lines = readFileSync(NEVER_BLOCK_ADDRESSES_FILE, 'utf8')
      .split('\n')
      .map((line) => line.replace(/#.*/, '').trim())
      .filter((line) => line !== '');
    for (const line of lines) {
      const first = line.split('/')[0] ?? '';
      expect([line, inside(first)]).toEqual([line, true]);
    }
  });
});

describe('withoutPrefix()', () => {
  it.each([
    ['10.0.0.0/8', '10.128.0.0/9', ['10.0.0.0/9']],
    ['10.0.0.0/8', '11.0.0.0/8', ['10.0.0.0/8']],
    ['10.0.0.0/24', '10.0.0.0/8', []],
    ['10.0.0.0/30', '10.0.0.1/32', ['10.0.0.0/32', '10.0.0.2/31']],
    ['::/0', '0.0.0.0/0', 96],
  ])('%s without %s is %j', (prefix, hole, expected) => {
    const left = withoutPrefix(prefixOf(prefix), prefixOf(hole));
    if (typeof expected === 'number') expect(left.length).toBe(expected);
    else expect(left.map(formatPrefix).sort()).toEqual([...expected].sort());
    expect(left.some((one) => matchesPrefix(prefixOf(hole).words, one.words, one.bits))).toBe(false);
  });
});
