// From a configuration to a generation: precedence, masks, and how each list refuses.
import { describe, expect, test } from 'vitest';
import { buildGeneration, type Generation, policyHash } from '../../../src/app/generation.ts';
import { createEde, EDE } from '../../../src/dns/dns.ts';
import { configOf, createDirectory, refusing } from './setup.ts';

const build = (config: string, files: Readonly<Record<string, string>> = {}): Generation =>
  buildGeneration(configOf(config, files), 9, 1234);

const LOCAL = `
lists:
  - { id: first, file: first.txt, format: domains }
  - { id: second, file: second.txt, format: domains, mandate: true }
  - { id: third, file: first.txt, format: domains }
groups:
  - { name: default, lists: [first, second, third] }
  - { name: lab, clients: ["192.0.2.0/24"], lists: [third] }
`;
const FILES = { 'first.txt': 'tiktok.example\n', 'second.txt': 'www.tiktok.example\n' };

describe('buildGeneration()', () => {
  test('puts mandate lists first, the others in the order of the configuration', () => {
    const generation = build(LOCAL, FILES);
    expect(generation.policy.lists.map(({ id }) => id)).toEqual(['second', 'first', 'third']);
    expect(generation.lists.map(({ id }) => id)).toEqual(['second', 'first', 'third']);
    expect(refusing(generation, 'www.tiktok.example')).toBe('second');
    expect(refusing(generation, 'x.tiktok.example')).toBe('first');
    expect(generation).toMatchObject({ loadedAtMs: 1234, policy: { generation: 9 } });
  });

  test('gives each group the mask of its lists, in that order', () => {
    const generation = build(LOCAL, FILES);
    expect(generation.policy.groups).toEqual([
      { name: 'default', lists: 0b111 },
      { name: 'lab', lists: 0b100 },
    ]);
    expect(refusing(generation, 'www.tiktok.example', 1)).toBe('third');
    expect(generation.access.groups.map((prefixes) => prefixes.length)).toEqual([0, 1]);
  });

  test('keeps 32 lists apart, the one of bit 31 included', () => {
    const ids = Array.from({ length: 32 }, (_, index) => `list-${index}`);
    const files = Object.fromEntries(ids.map((id) => [`${id}.txt`, `${id}.example\n`]));
    const lists = ids.map((id) => `  - { id: ${id}, file: ${id}.txt, format: domains }`).join('\n');
    const generation = build(`lists:\n${lists}\ngroups:\n  - { name: default, lists: [list-31] }\n`, files);
    expect(ids.filter((id) => refusing(generation, `${id}.example`) !== undefined)).toEqual(['list-31']);
  });

  test('the shipped defaults refuse TikTok for everybody by mandate', () => {
    const generation = build('workers: 1\n');
    expect(refusing(generation, 'www.tiktok.com')).toBe('tiktok');
    expect(refusing(generation, 'www.example.com')).toBeUndefined();
    expect(generation.policy.lists.find(({ id }) => id === 'tiktok')?.mandate).toBe(true);
  });

  test('a list says how it refuses, otherwise the default holds', () => {
    const { policy } = build(
      `
block: { mode: null-ip, ttl: 5s }
lists:
  - { id: first, file: first.txt, format: domains }
  - { id: second, file: second.txt, format: domains, answer: { address: ["192.0.2.1", "2001:db8::1"] }, ede: { code: 16, text: "by order" } }
groups:
  - { name: default, lists: [first, second] }
`,
      FILES,
    );
    expect(policy.lists[0]).toMatchObject({
      mode: { kind: 'null-ip' },
      ttlSec: 5,
      ede: createEde(EDE.BLOCKED, ''),
    });
    expect(policy.lists[1]).toMatchObject({
      mode: {
        kind: 'address',
        ipv4: [Uint8Array.of(192, 0, 2, 1)],
        ipv6: [Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)],
      },
      ede: createEde(EDE.CENSORED, 'by order'),
    });
  });

  test('throws for a list that cannot be used', () => {
    expect(() => build(LOCAL, { 'first.txt': 'tiktok.example\n' })).toThrow(/second\.txt/);
  });
});

describe('policyHash()', () => {
  const hash = (text: string, directory: string): string => policyHash(configOf(text, FILES, directory));

  test.each([
    ['the mode of all', `${LOCAL}block: { mode: nodata }\n`],
    ['the TTL', `${LOCAL}block: { ttl: 7s }\n`],
    ['the address of a mode', `${LOCAL}block: { mode: { address: ["192.0.2.1"] } }\n`],
    ['the source of a list', LOCAL.replace('first.txt', 'other.txt')],
    ['the format', LOCAL.replace('second.txt, format: domains', 'second.txt, format: hosts')],
    ['the reading', LOCAL.replace('format: domains', 'format: domains, match: exact')],
    ['a mandate', LOCAL.replace('mandate: true', 'mandate: false')],
    ['a list’s answer', LOCAL.replace('mandate: true', 'mandate: true, answer: refused')],
    ['an EDE', LOCAL.replace('mandate: true', 'mandate: true, ede: { code: 16 }')],
    ['a category', LOCAL.replace('mandate: true', 'mandate: true, category: other')],
    ['the order of lists', LOCAL.replace(/( {2}- \{ id: first.*\n)( {2}- .*\n)/, '$2$1')],
    ['the lists of a group', LOCAL.replace('lists: [third]', 'lists: [first]')],
    ['the name of a group', LOCAL.replace('name: lab', 'name: other')],
  ])('changes with %s', (_, text) => {
    expect(text).not.toBe(LOCAL);
    const directory = createDirectory();
    expect(hash(text, directory)).not.toBe(hash(LOCAL, directory));
  });

  test.each([
    ['upstreams', `${LOCAL}upstreams: ["192.0.2.53"]\n`],
    ['the clients of a group', LOCAL.replace('192.0.2.0/24', '198.51.100.0/24')],
    ['a comment', `${LOCAL}# nothing\n`],
  ])('stays with %s', (_, text) => {
    expect(text).not.toBe(LOCAL);
    const directory = createDirectory();
    expect(hash(text, directory)).toBe(hash(LOCAL, directory));
  });
});
