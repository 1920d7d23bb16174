// What the probe knows of mandate lists: from their files, with the form of each refusal, and what it cannot ask.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ProbeLists, readProbeLists } from '../../../src/evidence/probe/lists.ts';
import { buildGeneration } from '../../../src/policy/generation/build.ts';
import { configOf, createDirectory } from '../app/setup.ts';

interface Options {
  readonly keep?: ReadonlySet<string>;
  /** Files as they are when the lists are read again. */
  readonly changed?: Readonly<Record<string, string>>;
}

const read = (text: string, files: Readonly<Record<string, string>>, options: Options = {}): ProbeLists => {
  const directory = createDirectory();
  const config = configOf(text, files, directory);
  const generation = buildGeneration(config, 4, 0);
  for (const [name, content] of Object.entries(options.changed ?? {})) {
    writeFileSync(join(directory, name), content);
  }
  return readProbeLists({ generation, config, seed: 1, keep: options.keep ?? new Set() });
};

const DOMAINS = `
lists:
  - { id: other, file: other.txt, format: domains }
  - { id: ban, file: ban.txt, format: domains, mandate: true, answer: null-ip }
  - { id: zone, file: zone.txt, format: rpz, mandate: true }
`;
const ZONE = `$ORIGIN policy.example.
$TTL 60
@ SOA localhost. hostmaster.example.com. 7 3600 600 86400 60
@ NS localhost.
gone.example CNAME .
*.gone.example CNAME .
empty.example CNAME *.
silent.example CNAME rpz-drop.
slow.example CNAME rpz-tcp-only.
garden.example CNAME garden.example.org.
fine.tiktok.example CNAME rpz-passthru.
24.0.100.51.198.rpz-ip CNAME .
32.9.2.0.192.rpz-client-ip CNAME rpz-drop.
`;
const FILES = {
  'other.txt': 'innocent.example\n',
  'ban.txt': 'tiktok.example\nfine.tiktok.example\nlocalhost.localdomain\nx.local\n',
  'zone.txt': ZONE,
};

test('only mandate lists, in the order of the policy, each with the form of its refusals', () => {
  const { lists, names, generation, isWhole } = read(DOMAINS, FILES);
  expect({ generation, isWhole }).toEqual({ generation: 4, isWhole: true });
  expect(lists.map(({ id }) => id)).toEqual(['ban', 'zone']);
  expect(lists[0]?.forms).toEqual([{ kind: 'address', addresses: ['0.0.0.0', '::'] }]);
  expect(names.filter(({ list }) => list === 0).map(({ name }) => name)).toEqual([
    'tiktok.example',
    'fine.tiktok.example',
    'localhost.localdomain',
  ]);
  const forms = Object.fromEntries(
    names.filter(({ list }) => list === 1).map(({ name, match, form }) => [`${match} ${name}`, form?.kind]),
  );
  expect(forms).toEqual({
    'exact gone.example': 'nxdomain',
    'wildcard gone.example': 'nxdomain',
    'exact empty.example': 'nodata',
    'exact silent.example': 'drop',
    'exact garden.example': 'data',
  });
});

test('what cannot be asked is told with its reason', () => {
  const { lists, names, unasked, prefixes } = read(DOMAINS, FILES);
  // What another list lets pass excuses nobody: fine.tiktok.example is asked.
  expect(names.map(({ name }) => name)).toContain('fine.tiktok.example');
  expect(lists.map(({ names: count }) => count)).toEqual([4, 6]);
  expect(prefixes).toHaveLength(1);
  expect(unasked).toEqual([
    { view: 'list:ban', reason: 'rules about names that are answered locally: 1' },
    { view: 'list:zone', reason: 'rules that only send clients to TCP: 1' },
    { view: 'list:zone', reason: 'rules about clients: 1' },
  ]);
});

test.each([
  ['adblock', '||a.example^\n||b.a.example^\n||c.example^\n@@||a.example^\n', ['c.example'], 2],
  ['adblock', '||a.example^$important\n@@||a.example^\n', ['a.example'], 0],
  ['adblock', '||a.example^$important\n||b.example^\n@@||a.example^$important\n', ['b.example'], 1],
  ['adblock', '||a.example^\n||b.example^\n@@/^a/\n', ['b.example'], 1],
  // The longer name decides: what stands above it ends nothing.
  [
    'unbound',
    'local-zone: "a.example" transparent\nlocal-zone: "b.a.example" always_nxdomain\n',
    ['b.a.example'],
    0,
  ],
] as const)(
  'of a list in the format %s its own exceptions end what they outweigh',
  (format, text, asked, ended) => {
    const config = `lists: [{ id: one, file: one.txt, format: ${format}, mandate: true }]\n`;
    const { names, unasked } = read(config, { 'one.txt': text });
    expect(names.map(({ name }) => name)).toEqual(asked);
    const reason = `opened by its own exceptions: ${ended}`;
    expect(unasked).toEqual(ended === 0 ? [] : [{ view: 'list:one', reason }]);
  },
);

test('names that no list may refuse are told', () => {
  const config = 'lists: [{ id: one, file: one.txt, format: domains, mandate: true }]\n';
  const { unasked } = read(config, { 'one.txt': 'a.example\nwhitehouse.gov\n' });
  expect(unasked).toEqual([
    { view: 'list:one', reason: 'names that no list may refuse, which stay open: 1' },
  ]);
});

test('a file that is not what is in force says nothing', () => {
  const changed = { 'ban.txt': 'tiktok.example\nnew.example\n' };
  const { names, unreadable } = read(DOMAINS, FILES, { changed });
  expect(unreadable).toEqual([
    { view: 'list:ban', reason: 'its file has changed since it was put in force' },
  ]);
  expect(names.some(({ list }) => list === 0)).toBe(false);
  // An ordinary list may have no rule: it is another one than that in force all the same.
  const empty = read(DOMAINS, FILES, { changed: { 'ban.txt': '' } });
  expect(empty.unreadable).toEqual(unreadable);
  const broken = read(DOMAINS, FILES, { changed: { 'ban.txt': '<html>\n' } });
  expect(broken.unreadable[0]?.reason).toContain('reading list');
});

test('of a large list an even sample is kept, small ones whole, and names that are asked for', () => {
  const count = 60_000;
  const large = Array.from({ length: count }, (_, index) => `n${index}.example\n`).join('');
  const keep = new Set(['n7.example', 'n59999.example', 'gone.example']);
  const config = `
lists:
  - { id: large, file: large.txt, format: domains, mandate: true }
  - { id: small, file: small.txt, format: domains, mandate: true }
`;
  const files = { 'large.txt': large, 'small.txt': 'a.example\nb.example\n' };
  const { names, lists, isWhole } = read(config, files, { keep });
  expect(isWhole).toBe(false);
  expect(lists.map((list) => list.names)).toEqual([count, 2]);
  const of = (list: number): string[] => names.filter((name) => name.list === list).map(({ name }) => name);
  expect(of(1)).toEqual(['a.example', 'b.example']);
  expect(of(0)).toEqual(expect.arrayContaining(['n7.example', 'n59999.example']));
  expect(of(0).length).toBeGreaterThanOrEqual(19_998);
  expect(of(0).length).toBeLessThanOrEqual(20_000);
  expect(new Set(of(0)).size).toBe(of(0).length);
  // Each half of the file has about half of the sample: 10,000 with a deviation of some 60.
  const late = of(0).filter((name) => Number(/\d+/.exec(name)?.[0]) >= count / 2).length;
  expect(Math.abs(late - 10_000)).toBeLessThan(500);
});

test('the shipped mandate lists are asked as a whole', () => {
  const { names, prefixes, unasked, lists } = read('workers: 1\n', {});
  expect(unasked).toEqual([]);
  expect(lists.reduce((sum, list) => sum + list.names, 0)).toBe(names.length);
  expect(lists.reduce((sum, list) => sum + list.prefixes, 0)).toBe(prefixes.length);
  expect(names.map(({ name }) => name)).toContain('tiktok.com');
});
