// The compiled table: what each kind of rule matches, which rule prevails, and that a hash alone never decides.
import { describe, expect, test } from 'vitest';
import { LIST_COUNT_MAX, MATCH, TableBuilder, Verdict } from '../../../src/policy/policy.ts';
import { PolicyTable } from '../../../src/policy/table.ts';
import { layOut, readSizes } from '../../../src/policy/table-layout.ts';
import { TRIGGER } from '../../../src/wire/dns/dns.ts';
import { createRandom } from '../../support/mutate.ts';
import { buildTable, foldedName, formatVerdict, judgeAddress, judgeName, openTable } from './setup.ts';

/** Two names of one 32-bit hash are expected among 77,000; among these there are about five pairs. */
const NAMES = 200_000;
const LETTERS = [...'0123456789'];

const LONGEST = 'a.'.repeat(127);
const LONG_LABELS = `${`${'x'.repeat(63)}.`.repeat(3)}${'y'.repeat(61)}.`;

describe('matchName()', () => {
  const table = openTable([['tiktok.example', '=exact.example', '*.wild.example', 'deep.deep.example']]);

  test.each([
    ['tiktok.example', '0:1 suffix'],
    ['TikTok.EXAMPLE', '0:1 suffix'],
    ['www.tiktok.example', '0:1 suffix'],
    ['a.b.c.tiktok.example', '0:1 suffix'],
    ['nottiktok.example', 'passes'],
    ['tiktok.example.com', 'passes'],
    ['tiktok', 'passes'],
    ['example', 'passes'],
    ['.', 'passes'],
    ['www\\.tiktok.example', 'passes'],
    ['exact.example', '0:2 exact'],
    ['www.exact.example', 'passes'],
    ['wild.example', 'passes'],
    ['a.wild.example', '0:3 wildcard'],
    ['b.a.wild.example', '0:3 wildcard'],
    ['deep.example', 'passes'],
    ['deep.deep.example', '0:4 suffix'],
  ])('%s: %s', (name, expected) => {
    expect(judgeName(table, name)).toBe(expected);
  });

  test('reads the name at its offset only', () => {
    const name = foldedName('www.tiktok.example');
    const bytes = Uint8Array.from([7, 7, ...name, 3, 0x63, 0x6f, 0x6d, 0]);
    const verdict = new Verdict();
    table.matchName(bytes, 2, name.length, 1, TRIGGER.CNAME, verdict);
    expect(formatVerdict(verdict)).toBe('0:1 suffix');
    expect(verdict).toMatchObject({
      trigger: TRIGGER.CNAME,
      rank: foldedName('tiktok.example').length * 2,
    });
  });

  test('matches binary labels byte by byte', () => {
    const binary = openTable([['\\000\\255.example', '=a\\.b.example']]);
    expect(judgeName(binary, 'www.\\000\\255.example')).toBe('0:1 suffix');
    expect(judgeName(binary, '\\000\\254.example')).toBe('passes');
    expect(judgeName(binary, '\\000.\\255.example')).toBe('passes');
    expect(judgeName(binary, 'a\\.b.example')).toBe('0:2 exact');
    expect(judgeName(binary, 'a.b.example')).toBe('passes');
  });

  test('matches at the bounds of a name: 127 labels, 255 bytes, long labels', () => {
    const bounds = openTable([[`=${LONGEST}`, `=${LONG_LABELS}`, 'a.a.a.']]);
    expect(judgeName(bounds, LONGEST)).toBe('0:1 exact');
    expect(judgeName(bounds, LONG_LABELS)).toBe('0:2 exact');
    expect(judgeName(bounds, LONGEST.slice(2))).toBe('0:3 suffix');
    expect(judgeName(bounds, LONG_LABELS.replace('y', 'z'))).toBe('passes');
  });

  test('says nothing from an empty table', () => {
    const empty = openTable([]);
    expect(empty).toMatchObject({ nameCount: 0, prefixCount: 0 });
    for (const name of ['.', 'example', LONGEST]) expect(judgeName(empty, name)).toBe('passes');
    expect(judgeAddress(empty, '192.0.2.1')).toBe('passes');
  });
});

describe('precedence', () => {
  test('a list of lower index prevails over a more specific rule', () => {
    const table = openTable([['example'], ['www.tiktok.example']]);
    expect(judgeName(table, 'www.tiktok.example')).toBe('0:1 suffix');
    expect(judgeName(table, 'www.tiktok.example', 0b10)).toBe('1:1 suffix');
  });

  test('within a list the longer name prevails, of equal ones the first', () => {
    const table = openTable([['example', 'tiktok.example', '=www.tiktok.example', 'www.tiktok.example']]);
    expect(judgeName(table, 'a.example')).toBe('0:1 suffix');
    expect(judgeName(table, 'a.tiktok.example')).toBe('0:2 suffix');
    expect(judgeName(table, 'www.tiktok.example')).toBe('0:3 exact');
    expect(judgeName(table, 'a.www.tiktok.example')).toBe('0:4 suffix');
  });

  test('the same name in all lists is found for each of them, the one of bit 31 included', () => {
    const lists = Array.from({ length: LIST_COUNT_MAX }, () => ['tiktok.example', '192.0.2.0/24']);
    const table = openTable(lists);
    for (let list = 0; list < LIST_COUNT_MAX; list++) {
      const mask = (1 << list) >>> 0;
      expect(judgeName(table, 'tiktok.example', mask), `list ${list}`).toBe(`${list}:1 suffix`);
      expect(judgeName(table, 'tiktok.example', 1 << list), `signed mask ${list}`).toBe(`${list}:1 suffix`);
      expect(judgeAddress(table, '192.0.2.1', mask), `prefix of list ${list}`).toBe(`${list}:2 prefix`);
    }
    expect(judgeName(table, 'tiktok.example', 0)).toBe('passes');
    expect(judgeAddress(table, '192.0.2.1', 0)).toBe('passes');
  });

  test('a name in all lists takes one slot, in whatever order their ranks are', () => {
    const ranks = Array.from({ length: LIST_COUNT_MAX }, (_, list) => (list * 11 + 5) % LIST_COUNT_MAX);
    const lists = ranks.map((rank) => [`=${rank % 2 === 0 ? 'even' : 'odd'}.example`, 'tiktok.example']);
    const bytes = buildTable(lists, ranks);
    const table = new PolicyTable(bytes);
    for (const rank of ranks) {
      const [mask, other] = [1 << rank, rank % 2 === 0 ? 'odd.example' : 'even.example'];
      expect(judgeName(table, 'www.tiktok.example', mask), `list ${rank}`).toBe(`${rank}:2 suffix`);
      expect(judgeName(table, other, mask), `list ${rank}`).toBe('passes');
      // All but those before it.
      expect(judgeName(table, 'tiktok.example', -1 << rank), `from list ${rank} on`).toBe(`${rank}:2 suffix`);
    }
    const sizes = readSizes(bytes);
    if (sizes === undefined) throw new Error('no table');
    const { slots, tags } = layOut(sizes);
    const taken = new Uint8Array(bytes, tags, slots).filter((tag) => tag !== 0);
    expect(taken.length).toBe(3);
  });

  test('of equal rules of a list the first counts, beside those of other lists', () => {
    const twice = ['tiktok.example', '=tiktok.example', 'tiktok.example'];
    const table = openTable([['other.example'], twice, twice]);
    expect(judgeName(table, 'a.tiktok.example')).toBe('1:1 suffix');
    expect(judgeName(table, 'tiktok.example')).toBe('1:2 exact');
    expect(judgeName(table, 'a.tiktok.example', 4)).toBe('2:1 suffix');
    expect(judgeName(table, 'tiktok.example', 4)).toBe('2:2 exact');
  });

  test('a name that a list has a hundred thousand times takes one slot, also beside another list', () => {
    const builder = new TableBuilder();
    const name = foldedName('tiktok.example');
    for (let line = 1; line <= 100_000; line++)
      for (const list of [0, 1]) builder.sinkFor(list).addName(MATCH.SUFFIX, name, name.length, line);
    const bytes = builder.build();
    const sizes = readSizes(bytes);
    if (sizes === undefined) throw new Error('no table');
    const { slots, tags } = layOut(sizes);
    expect(new Uint8Array(bytes, tags, slots).filter((tag) => tag !== 0)).toHaveLength(1);
    const table = new PolicyTable(bytes);
    expect(judgeName(table, 'tiktok.example')).toBe('0:1 suffix');
    expect(judgeName(table, 'tiktok.example', 2)).toBe('1:1 suffix');
  });

  test('of equal prefixes and short names of a list those stay that may count', () => {
    const ofList = (trigger: string): string[] => [
      `${trigger}; types AAAA`,
      `${trigger} => nodata`,
      trigger,
      `${trigger} => drop; types A`,
      `${trigger} => passthru`,
      trigger,
      `${trigger}; important`,
    ];
    const table = openTable([ofList('192.0.2.0/24'), ofList('192.0.2.0/24'), ofList('a.b'), ofList('a.b')]);
    // Of each list: the one with a type, nodata for everything, passthru and important, which another precedence puts first.
    expect(table.prefixCount).toBe(8);
    expect(judgeAddress(table, '192.0.2.1', 1)).toBe('0:2 prefix');
    expect(judgeAddress(table, '192.0.2.1', 2)).toBe('1:2 prefix');
    expect(judgeName(table, 'a.b', 4)).toBe('2:2 suffix');
    expect(judgeName(table, 'a.b', 8)).toBe('3:2 suffix');
  });

  test('names too short for a link, and rules with terms, are found in each list', () => {
    const rules = ['a.b', 'tiktok.example; types A', '*.tiktok.example => passthru'];
    const table = openTable([rules, rules, ['tiktok.example', 'a.b']]);
    for (const [mask, text] of [
      [1, '0:1 suffix'],
      [2, '1:1 suffix'],
      [4, '2:2 suffix'],
    ] as const)
      expect(judgeName(table, 'www.a.b', mask)).toBe(text);
    // Of the type 0, for which the rules of the first two lists are not.
    expect(judgeName(table, 'tiktok.example')).toBe('2:1 suffix');
    expect(judgeName(table, 'www.tiktok.example')).toBe('passes');
    expect(judgeName(table, 'www.tiktok.example', 4)).toBe('2:1 suffix');
  });
});

describe('matchAddress()', () => {
  const table = openTable([
    ['192.0.2.0/24', '192.0.2.128/25', '2001:db8::/32', '2001:db8:1::/48'],
    ['192.0.2.200/32', '198.51.100.7'],
  ]);

  test.each([
    ['192.0.2.1', '0:1 prefix'],
    ['192.0.2.129', '0:2 prefix'],
    ['192.0.2.200', '0:2 prefix'],
    ['::ffff:192.0.2.129', '0:2 prefix'],
    ['192.0.3.0', 'passes'],
    ['2001:db8::1', '0:3 prefix'],
    ['2001:db8:1::1', '0:4 prefix'],
    ['2001:db9::', 'passes'],
    ['198.51.100.7', '1:2 prefix'],
    ['198.51.100.8', 'passes'],
    ['::c000:201', 'passes'],
  ])('%s: %s', (address, expected) => {
    expect(judgeAddress(table, address)).toBe(expected);
  });

  test('takes the shorter prefix of a chosen list when the longer one is of another', () => {
    expect(judgeAddress(table, '192.0.2.200', 0b10)).toBe('1:1 prefix');
    expect(judgeAddress(table, '192.0.2.129', 0b10)).toBe('passes');
  });
});

describe('size', () => {
  const random = createRandom(1);
  /** Unlike names: a multiplicative hash of numbers in sequence collides too seldom. */
  const names = Array.from(
    { length: NAMES },
    (_, index) => `${LETTERS.map(() => random(36).toString(36)).join('')}${index}.example`,
  );
  const builder = new TableBuilder();
  const sink = builder.sinkFor(3);
  for (const [index, text] of names.entries()) {
    const name = foldedName(text);
    sink.addName(MATCH.EXACT, name, name.length, index + 1);
  }
  const buffer = builder.build();

  test('finds each of 200,000 names at its line, and nothing beside them', () => {
    const table = new PolicyTable(buffer);
    expect(table.nameCount).toBe(NAMES);
    const verdict = new Verdict();
    const lineOf = (text: string): number => {
      const name = foldedName(text);
      verdict.clear(1);
      table.matchName(name, 0, name.length, 1 << 3, TRIGGER.QNAME, verdict);
      return verdict.line;
    };
    expect(names.filter((text, index) => lineOf(text) !== index + 1)).toEqual([]);
    expect(names.filter((text) => lineOf(`x${text}`) !== 0)).toEqual([]);
  });

  test('tells names of one hash apart', () => {
    const pairs = findCollisions(names);
    expect(pairs.length).toBeGreaterThan(0);
    for (const [first, second] of pairs) {
      const alone = openTable([[`=${first}`]]);
      expect(judgeName(alone, first)).toBe('0:1 exact');
      expect(judgeName(alone, second)).toBe('passes');
      const both = openTable([[`=${first}`], [`=${second}`]]);
      expect(judgeName(both, first)).toBe('0:1 exact');
      expect(judgeName(both, second)).toBe('1:1 exact');
    }
  });

  test('takes 38 bytes for a name of 20 letters', () => {
    const perName = buffer.byteLength / NAMES;
    const letters = names.reduce((sum, text) => sum + text.length, 0) / NAMES;
    expect(perName - (letters - 20)).toBeLessThan(38.1);
  });

  test('refuses bytes that are no table', () => {
    const cut = new SharedArrayBuffer(buffer.byteLength - 1);
    new Uint8Array(cut).set(new Uint8Array(buffer, 0, cut.byteLength));
    const foreign = new SharedArrayBuffer(buffer.byteLength);
    for (const bytes of [new SharedArrayBuffer(0), new SharedArrayBuffer(64), cut, foreign]) {
      expect(PolicyTable.isTable(bytes)).toBe(false);
      expect(() => new PolicyTable(bytes)).toThrow(/not one/);
    }
    expect(PolicyTable.isTable(buffer)).toBe(true);
  });

  test('refuses bytes whose names leave no slot empty: a probe would not end', () => {
    const full = new SharedArrayBuffer(buffer.byteLength);
    new Uint8Array(full).set(new Uint8Array(buffer));
    const header = new Uint32Array(full, 0, 16);
    header[5] = (header[1] ?? 0) << (header[2] ?? 0);
    expect(PolicyTable.isTable(full)).toBe(false);
  });

  test('is opened over the same bytes any number of times', () => {
    const buffer = buildTable([['tiktok.example']]);
    expect(new PolicyTable(buffer).sizeBytes).toBe(buffer.byteLength);
    expect(judgeName(new PolicyTable(buffer), 'tiktok.example')).toBe('0:1 suffix');
    expect(judgeName(new PolicyTable(buffer), 'tiktok.example')).toBe('0:1 suffix');
  });
});

describe('build()', () => {
  test('puts lists where their ranks say, for names and for addresses', () => {
    const table = new PolicyTable(
      buildTable([['tiktok.example', '192.0.2.0/24'], ['tiktok.example'], ['192.0.2.0/24']], [2, 0, 1]),
    );
    expect(judgeName(table, 'tiktok.example')).toBe('0:1 suffix');
    expect(judgeName(table, 'tiktok.example', 0b100)).toBe('2:1 suffix');
    expect(judgeName(table, 'tiktok.example', 0b010)).toBe('passes');
    expect(judgeAddress(table, '192.0.2.1')).toBe('1:1 prefix');
    expect(judgeAddress(table, '192.0.2.1', 0b100)).toBe('2:2 prefix');
    expect(judgeAddress(table, '192.0.2.1', 0b001)).toBe('passes');
  });
});

/** Pairs of names of one hash: FNV-1a over the labels from the right, each with its length before it. */
const findCollisions = (names: readonly string[]): [string, string][] => {
  const byHash = new Map<number, string>();
  const pairs: [string, string][] = [];
  for (const text of names) {
    let hash = 0x811c9dc5;
    for (const label of text.split('.').reverse()) {
      for (const byte of [label.length, ...Buffer.from(label)]) hash = Math.imul(hash ^ byte, 0x01000193);
    }
    const other = byHash.get(hash);
    if (other === undefined) byHash.set(hash, text);
    else pairs.push([other, text]);
  }
  return pairs;
};
