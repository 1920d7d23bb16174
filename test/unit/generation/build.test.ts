// From a configuration to a generation: precedence, masks, and how each list refuses.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AppError, PrefixTable } from '../../../src/base/base.ts';
import { LIST_FORMATS } from '../../../src/base/words/words.ts';
import { buildGeneration, type Generation, policyHash } from '../../../src/policy/generation/build.ts';
import { placeOfRule } from '../../../src/policy/lists/lists.ts';
import { createEde, EDE, TYPE } from '../../../src/wire/dns/dns.ts';
import { configOf, createDirectory, deciding, judge, refusing, watching } from '../app/setup.ts';

const build = (config: string, files: Readonly<Record<string, string>> = {}): Generation =>
  buildGeneration(configOf(config, files), 9, 1234);

const failureOf = (act: () => unknown): AppError | undefined => {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  return undefined;
};

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
      { name: 'default', lists: 0b111, scheduled: [] },
      { name: 'lab', lists: 0b100, scheduled: [] },
    ]);
    expect(refusing(generation, 'www.tiktok.example', 1)).toBe('third');
    expect(generation.access.groupCount).toBe(2);
    expect(new PrefixTable(generation.access.groups).size).toBe(1);
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

/** By format: a file that refuses `FORMAT.example`. */
const TEXTS: Readonly<Record<(typeof LIST_FORMATS)[number], string>> = {
  adblock: '||adblock.example^\n@@||ok.adblock.example^\n',
  cordon: `id: cordon
title: A list
category: other
mandate: false
default: false
entries:
  - { suffix: cordon.example, service: Example, owner: Example, evidence: "an example", reviewed: 2026-11-24 }
`,
  dnsmasq: 'address=/dnsmasq.example/\n',
  domains: 'domains.example\n',
  hosts: '0.0.0.0 hosts.example\n',
  regex: '^regex\\.example$\n',
  rpz: '$TTL 60\n@ SOA localhost. admin.localhost. 1 2 3 4 5\nrpz.example CNAME .\nok.rpz.example CNAME rpz-passthru.\n',
  stamps: 'sdns://AgAAAAAAAAAAAAAOc3RhbXBzLmV4YW1wbGUCL3E\n',
  unbound: 'local-zone: "unbound.example" always_nxdomain\n',
  wildcard: 'wildcard.example\n',
};
const FORMAT_FILES = Object.fromEntries(
  Object.entries(TEXTS).map(([format, text]) => [`${format}.txt`, text]),
);

/** A list of each format; `keys` are those of all of them. */
const listsOf = (keys = ''): string => {
  const origin = (format: string): string => (format === 'rpz' ? ', origin: rpz.test' : '');
  const lists = LIST_FORMATS.map(
    (format) => `  - { id: ${format}, file: ${format}.txt, format: ${format}${origin(format)}${keys} }`,
  );
  return `lists:\n${lists.join('\n')}\n`;
};

/** How formats weigh their rules that do it otherwise than by the length of names. */
const PRECEDENCES: Readonly<Record<string, string>> = { adblock: 'action', rpz: 'closest-encloser' };

describe('a list of any format', () => {
  test('refuses what its file says', () => {
    const generation = build(listsOf(), FORMAT_FILES);
    for (const format of LIST_FORMATS) {
      expect(deciding(generation, `${format}.example`)).toBe(`${format} refuses`);
    }
    expect(deciding(generation, 'ok.adblock.example')).toBe('adblock passes');
    expect(deciding(generation, 'ok.rpz.example')).toBe('rpz passes');
    expect(generation.policy.lists.map(({ id, precedence }) => [id, precedence])).toEqual(
      LIST_FORMATS.map((format) => [format, PRECEDENCES[format] ?? 'specificity']),
    );
  });

  test('lets what its file says pass when it is an allow list', () => {
    const refusing = 'lists:\n  - { id: refusing, file: all.txt }\n';
    const generation = build(listsOf(', allow: true').replace('lists:\n', refusing), {
      ...FORMAT_FILES,
      'all.txt': LIST_FORMATS.map((format) => `${format}.example\n`).join(''),
    });
    for (const format of LIST_FORMATS) {
      expect(deciding(generation, `${format}.example`)).toBe(`${format} passes`);
    }
    expect(generation.policy.lists.at(-1)?.id).toBe('refusing');
    expect(deciding(generation, 'x.hosts.example')).toBe('refusing refuses');
  });

  test('only counts what its file says when it is log-only', () => {
    const generation = build(listsOf(', log-only: true'), FORMAT_FILES);
    for (const format of LIST_FORMATS) {
      expect(deciding(generation, `${format}.example`)).toBeUndefined();
      expect(watching(generation, `${format}.example`)).toBe(format);
    }
    expect(watching(generation, 'ok.rpz.example')).toBeUndefined();
  });
});

describe('an allow list', () => {
  const config = `
lists:
  - { id: other, file: other.txt }
  - { id: passing, file: passing.txt, allow: true }
  - { id: mandate, file: mandate.txt, mandate: true }
`;
  const files = {
    'other.txt': 'www.a.example\nb.example\n',
    'passing.txt': 'a.example\n',
    'mandate.txt': 'm.a.example\n',
  };

  test('stands behind mandates and before the others, whichever name is longer', () => {
    const generation = build(config, files);
    expect(generation.policy.lists.map(({ id }) => id)).toEqual(['mandate', 'passing', 'other']);
    expect(deciding(generation, 'www.a.example')).toBe('passing passes');
    expect(deciding(generation, 'm.a.example')).toBe('mandate refuses');
    expect(deciding(generation, 'b.example')).toBe('other refuses');
  });

  test('keeps what its rules say beside the action', () => {
    const generation = build(config.replace('passing.txt,', 'passing.txt, format: adblock,'), {
      ...files,
      'passing.txt': '||a.example^$dnstype=AAAA\n',
    });
    expect(deciding(generation, 'www.a.example', { qtype: TYPE.AAAA })).toBe('passing passes');
    expect(deciding(generation, 'www.a.example', { qtype: TYPE.A })).toBe('other refuses');
  });

  test('may name what no list may refuse', () => {
    const text = 'www.usa.gov\na.example\n';
    const generation = build(config, { ...files, 'passing.txt': text, 'other.txt': text });
    const rejected = generation.lists.map(({ id, loaded }) => [id, loaded.rejected]);
    expect(rejected).toEqual([
      ['mandate', 0],
      ['passing', 0],
      ['other', 1],
    ]);
  });
});

test.each(['allow', 'log-only'])('a list that calls itself a mandate cannot be %s', (key) => {
  const text = (more: string): string => `lists: [{ id: tiktok, shipped: tiktok, ${key}: true${more} }]\n`;
  expect(failureOf(() => build(text('')))).toMatchObject({
    code: 'ERR_APP_MANDATE',
    message: `using list tiktok as "${key}": its header says that it is a mandate`,
    hint: `Remove "${key}", or write "mandate: false" if you are not bound by it.`,
  });
  expect(refusing(build(text(', mandate: false')), 'example.com')).toBeUndefined();
});

describe('a list of a directory', () => {
  const PARTS = 'lists: [{ id: parts, directory: lists.d, format: hosts }]\n';
  const FILE = 'lists: [{ id: parts, file: lists.d, format: hosts }]\n';
  const files = { 'lists.d/b.txt': '0.0.0.0 b.example\n', 'lists.d/a.txt': '0.0.0.0 a.example' };

  test('refuses what all its files say, by lines that lead back to them', () => {
    const generation = build(PARTS, files);
    const list = generation.lists[0]?.loaded;
    for (const name of ['a', 'b']) {
      expect(refusing(generation, `${name}.example`)).toBe('parts');
      const place = list && placeOfRule(list, judge(generation, `${name}.example`).line);
      expect(place).toMatchObject({
        path: expect.stringMatching(`lists\\.d/${name}\\.txt$`) as string,
        line: 1,
      });
    }
  });

  test('is no file, and a file is no directory', () => {
    expect(failureOf(() => build(FILE, files))?.message).toContain('is a directory');
    expect(failureOf(() => build(PARTS, { 'lists.d': '0.0.0.0 a.example\n' }))?.message).toContain('ENOTDIR');
  });
});

describe('a list with a URL', () => {
  const config = 'lists: [{ id: remote, url: "https://lists.example.com/a?token=secret", format: hosts }]\n';

  test('is read from where it was put', () => {
    const directory = createDirectory();
    const path = join(directory, 'content');
    writeFileSync(path, TEXTS.hosts);
    const asked: string[] = [];
    const generation = buildGeneration(configOf(config), 1, 0, ({ id }) => {
      asked.push(id);
      return path;
    });
    expect(asked).toEqual(['remote']);
    expect(deciding(generation, 'hosts.example')).toBe('remote refuses');
    expect(generation.lists[0]?.loaded.path).toBe(path);
  });

  test('that was never fetched is a list that cannot be read', () => {
    const failure = failureOf(() => build(config));
    expect(failure).toMatchObject({
      code: 'ERR_LIST_READ',
      message: 'reading list remote: nothing of it is there',
      hint: 'It was never fetched from its address.',
    });
  });
});

describe('a schedule', () => {
  const config = `
lists:
  - { id: first, file: first.txt }
  - { id: second, file: second.txt, mandate: true }
  - { id: passing, file: second.txt, allow: true }
groups:
  - name: default
    lists: [first, second]
    schedules:
      - { list: first, from: 2026-12-01, until: 2026-12-31, hours: "08:00-18:00", timezone: Europe/Brussels }
  - { name: lab, clients: ["192.0.2.0/24"], lists: [first] }
`;

  test('puts a list in force for its group at its times only', () => {
    const generation = build(config, FILES);
    const at = (text: string, group = 0): string | undefined =>
      deciding(generation, 'tiktok.example', { nowMs: Date.parse(text), group });
    expect(at('2026-12-01T07:00:00Z')).toBe('first refuses');
    expect(at('2026-12-01T06:59:59Z')).toBeUndefined();
    expect(at('2026-12-01T17:00:00Z')).toBeUndefined();
    expect(at('2026-11-30T12:00:00Z')).toBeUndefined();
    expect(at('2026-12-31T12:00:00Z')).toBeUndefined();
    expect(at('2026-11-30T12:00:00Z', 1)).toBe('first refuses');
    expect(generation.ignoredSchedules).toEqual([]);
  });

  test('follows the list to the index that it takes', () => {
    const { policy } = build(config, FILES);
    expect(policy.lists.map(({ id }) => id)).toEqual(['second', 'passing', 'first']);
    expect(policy.groups[0]?.scheduled?.map(({ list }) => list)).toEqual([2]);
  });

  test('may be one of several of a list', () => {
    const { policy } = build(
      config.replace('    schedules:\n', '    schedules:\n      - { list: first, weekdays: [sat] }\n'),
      FILES,
    );
    expect(policy.groups[0]?.scheduled?.map(({ list, schedule }) => [list, schedule.weekdays])).toEqual([
      [2, [6]],
      [2, undefined],
    ]);
  });

  test('is ignored, and told, for a list whose header says that it is a mandate', () => {
    const generation = build(`
lists:
  - { id: tiktok, shipped: tiktok }
groups:
  - name: lab
    clients: ["192.0.2.0/24"]
    lists: [tiktok]
    schedules: [{ list: tiktok, hours: "08:00-09:00" }, { list: tiktok, weekdays: [mon] }]
`);
    const noonMs = Date.parse('2026-12-01T12:00:00Z');
    expect(deciding(generation, 'tiktok.com', { group: 1, nowMs: noonMs })).toBe('tiktok refuses');
    expect(generation.ignoredSchedules).toEqual([{ group: 'lab', list: 'tiktok' }]);
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
    ['an allow list', LOCAL.replace('first.txt,', 'first.txt, allow: true,')],
    ['a log-only list', LOCAL.replace('first.txt,', 'first.txt, log-only: true,')],
    [
      'a schedule',
      LOCAL.replace('lists: [third]', 'lists: [third], schedules: [{ list: third, weekdays: [mon] }]'),
    ],
    ['the name of a group', LOCAL.replace('name: lab', 'name: other')],
  ])('changes with %s', (_, text) => {
    expect(text).not.toBe(LOCAL);
    const directory = createDirectory();
    expect(hash(text, directory)).not.toBe(hash(LOCAL, directory));
  });

  const remote = (keys: string): string =>
    `lists: [{ id: a, url: "https://lists.example.com/a", format: rpz, ${keys} }]\n`;
  const KEY = '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';

  test.each([
    ['the address', remote('').replace('com/a', 'com/b')],
    ['the format', remote('').replace('rpz', 'hosts')],
    ['the zone', remote('origin: rpz.example')],
    ['the key', remote(`public-key: ${KEY}`)],
    ['the content', remote(`sha256: '${'0'.repeat(64)}'`)],
  ])('changes with %s of a list with a URL', (_, text) => {
    expect(hash(text, createDirectory())).not.toBe(hash(remote(''), createDirectory()));
  });

  test.each([
    ['the refresh', 'refresh: 5m'],
    ['the largest size', 'max-size: 1MiB'],
    ['the addresses', 'resolve: ["192.0.2.1"]'],
    ['the review', 'review: { grow: 1% }'],
  ])('stays with %s of a list with a URL', (_, keys) => {
    expect(hash(remote(keys), createDirectory())).toBe(hash(remote(''), createDirectory()));
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

describe('a name of notice.check is answered before lists, and no list may refuse it', () => {
  const CHECK = 'check.agency.example';
  const withCheck = (list: string, content: string, more = ''): AppError | undefined =>
    failureOf(() =>
      build(
        `notice: { check: ${CHECK}, listen: ["192.0.2.80:80"] }\nlists: [{ id: own, file: own.txt, ${list} }]\n${more}`,
        { 'own.txt': content },
      ),
    );

  test.each([
    ['itself', 'format: domains, match: exact', `other.example\n${CHECK}\n`, 2],
    ['what is above', 'format: domains', 'agency.example\n', 1],
    ['all below, where checks are', 'format: rpz, origin: rpz.test', `*.${CHECK} CNAME .\n`, 1],
    ['by an expression', 'format: regex', '^check\\.\n', 1],
    ['for one type', 'format: adblock', `||${CHECK}^$dnstype=AAAA\n`, 1],
    ['as a mandate', 'format: domains, mandate: true', `${CHECK}\n`, 1],
  ])('%s', (_, list, content, line) => {
    const failure = withCheck(list, content);
    expect(failure?.code).toBe('ERR_APP_NOTICE');
    expect(failure?.message).toMatch(
      new RegExp(`^using ${CHECK} as "notice.check": list own refuses it \\(.*own\\.txt:${line}\\)$`),
    );
  });

  test('also by the list of a mandate, and by one of a group alone', () => {
    const mandate = failureOf(() =>
      build(
        'notice: { check: check.tiktok.com, listen: ["192.0.2.80:80"] }\nmandates: [be-federal-tiktok]\n',
      ),
    );
    expect(mandate?.message).toMatch(/^using check\.tiktok\.com as "notice\.check": list tiktok refuses it/);
    const groups =
      'groups: [{ name: default, lists: [] }, { name: lab, clients: ["192.0.2.0/24"], lists: [own] }]';
    expect(withCheck('format: domains', `${CHECK}\n`, groups)?.code).toBe('ERR_APP_NOTICE');
  });

  test.each([
    ['a list that has it not', 'format: domains', 'tiktok.example\n'],
    ['a list that lets pass', 'format: domains, allow: true', `${CHECK}\n`],
    ['a list that only counts', 'format: domains, log-only: true', `${CHECK}\n`],
    ['an exception of its own', 'format: adblock', `||agency.example^\n@@||${CHECK}^\n`],
  ])('but not %s', (_, list, content) => {
    expect(withCheck(list, content)).toBeUndefined();
  });
});
