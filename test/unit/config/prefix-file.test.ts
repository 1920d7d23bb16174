// Files of prefixes: what is in them, what is wrong with them, and that a large network fits.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  countPrefixes,
  formatPrefix,
  matchesPrefix,
  type Prefix,
  unpackPrefixes,
} from '../../../src/base/base.ts';
import {
  type Config,
  configDifferences,
  configHash,
  effectiveConfig,
  formatProblem,
  loadConfig,
} from '../../../src/config/config.ts';
import { Clients, compileAccess } from '../../../src/policy/access/access.ts';
import { runsInTwo } from '../../support/night.ts';
import { FACTS } from './support.ts';

const createDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-prefixes-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
};

const load = (directory: string, config: string, environment: Record<string, string> = {}) => {
  writeFileSync(join(directory, 'cordon.yaml'), config);
  return loadConfig('cordon.yaml', environment, { ...FACTS, workingDirectory: directory });
};

const configIn = (directory: string, text: string, environment: Record<string, string> = {}): Config => {
  const { config, problems } = load(directory, text, environment);
  if (config === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return config;
};

const problemsIn = (directory: string, text: string): string[] =>
  load(directory, text).problems.map((problem) => formatProblem(problem).replaceAll(`${directory}/`, ''));

const textsOf = (config: Config, group: number): string[] =>
  [...unpackPrefixes(config.groups[group]?.clients ?? config.access.allow)].map(formatPrefix);

const LAB = 'groups: [{ name: lab, clients: ["192.0.2.1"], clients-file: lab.txt, lists: [] }]\n';

describe('a file of prefixes', () => {
  test('has one a line, with comments, beside those of the configuration', () => {
    const directory = createDirectory();
    writeFileSync(
      join(directory, 'lab.txt'),
      '\ufeff# laboratories\r\n\r\n 198.51.100.0/24\t# north\r\n2001:db8:1::/48#south\n198.51.100.0/24\n203.0.113.7',
    );
    const config = configIn(directory, LAB);
    expect(textsOf(config, 1)).toEqual([
      ...['192.0.2.1/32', '198.51.100.0/24', '2001:db8:1::/48', '198.51.100.0/24', '203.0.113.7/32'],
    ]);
    expect(effectiveConfig(config)).toContain(`clients-file: ${directory}/lab.txt`);
    const again = configIn(directory, effectiveConfig(config).replace(/^upstreams:.*\n/m, ''));
    expect(configHash(again)).toBe(configHash(config));
  });

  test('says who may ask, alone or beside a list', () => {
    const directory = createDirectory();
    writeFileSync(join(directory, 'allow.txt'), '198.51.100.0/24\n');
    const allowed = (text: string, environment = {}): string[] => {
      const { access } = configIn(directory, text, environment);
      return [...unpackPrefixes(access.allow)].map(formatPrefix);
    };
    expect(allowed('access: { allow-file: allow.txt }')).toEqual(['198.51.100.0/24']);
    expect(allowed('access: { allow: ["192.0.2.1"], allow-file: allow.txt }')).toHaveLength(2);
    expect(allowed('{}', { CORDON_ACCESS_ALLOW_FILE: 'allow.txt' })).toEqual(['198.51.100.0/24']);
    expect(allowed('{}')).toContain('10.0.0.0/8');
  });

  test('belongs to the configuration: other content is another configuration', () => {
    const directory = createDirectory();
    writeFileSync(join(directory, 'lab.txt'), '198.51.100.0/24\n');
    const before = configIn(directory, LAB);
    writeFileSync(join(directory, 'lab.txt'), '# only a comment\n198.51.100.0/24\n');
    expect(configHash(configIn(directory, LAB))).toBe(configHash(before));
    writeFileSync(join(directory, 'lab.txt'), '198.51.100.0/25\n');
    const after = configIn(directory, LAB);
    expect(configHash(after)).not.toBe(configHash(before));
    const { differences } = configDifferences(before, after);
    expect(differences.map(({ key }) => key)).toEqual(['groups[lab].clients-file']);
  });

  test.each([
    [
      '198.51.100.1/24\n',
      'lab.txt:1:1: groups[0].clients-file: "198.51.100.1/24" is not an address prefix; did you mean "198.51.100.0/24"? Bits after the length are zero',
    ],
    [
      '# x\n\n  host.example # y\n',
      'lab.txt:3:3: groups[0].clients-file: "host.example" is not an address prefix; write it such as "192.0.2.0/24" or "2001:db8::/32"',
    ],
    [
      '# nothing\n',
      'cordon.yaml:1:61: groups[0].clients-file: "lab.txt" has no prefix; write one prefix a line, such as "192.0.2.0/24"',
    ],
    [
      '10.0.0.0/8\0\n',
      'cordon.yaml:1:61: groups[0].clients-file: "lab.txt": is not UTF-8 text; save it as UTF-8',
    ],
  ])('tells where it is wrong: %j', (text, problem) => {
    const directory = createDirectory();
    writeFileSync(join(directory, 'lab.txt'), text);
    expect(problemsIn(directory, LAB)).toEqual([problem]);
  });

  test('tells of twenty wrong lines, beside what else is wrong', () => {
    const directory = createDirectory();
    writeFileSync(join(directory, 'lab.txt'), 'x\n'.repeat(1000));
    const problems = problemsIn(directory, `${LAB}worker: 1\n`);
    expect(problems).toHaveLength(21);
    expect(problems[0]).toContain('cordon.yaml:2:1: worker: unknown key');
    expect(problems[20]).toContain('lab.txt:20:1');
  });

  test('is a regular file that is there and has a bound', () => {
    const directory = createDirectory();
    const path = join(directory, 'lab.txt');
    const [missing] = problemsIn(directory, LAB);
    expect(missing).toBe('cordon.yaml:1:61: groups[0].clients-file: "lab.txt": there is no such file');
    mkdirSync(path);
    expect(problemsIn(directory, LAB)[0]).toContain('is a directory');
    rmSync(path, { recursive: true });
    execFileSync('mkfifo', [path]);
    expect(problemsIn(directory, LAB)[0]).toContain('is no regular file');
    rmSync(path);
    symlinkSync('/dev/zero', path);
    expect(problemsIn(directory, LAB)[0]).toContain('is no regular file');
  });

  test('is not for the group of all others', () => {
    const directory = createDirectory();
    writeFileSync(join(directory, 'lab.txt'), '10.0.0.0/8\n');
    const [problem] = problemsIn(directory, 'groups: [{ name: default, clients-file: lab.txt, lists: [] }]');
    expect(problem).toContain('holds every client that no other group names; remove the key');
  });

  test('shares no prefix with another group', () => {
    const directory = createDirectory();
    writeFileSync(join(directory, 'a.txt'), '10.0.0.0/8\n10.1.0.0/16\n');
    writeFileSync(join(directory, 'b.txt'), '# b\n10.1.0.0/16\n10.2.0.0/16\n');
    const groups = [
      '{ name: a, clients-file: a.txt, lists: [] }',
      '{ name: b, clients-file: b.txt, lists: [] }',
      '{ name: c, clients: ["10.3.0.0/16", "10.2.0.0/16"], lists: [] }',
    ];
    expect(problemsIn(directory, `groups:\n${groups.map((group) => `  - ${group}\n`).join('')}`)).toEqual([
      'cordon.yaml:4:41: groups[2].clients[1]: "10.2.0.0/16" is a client prefix already at b.txt:3',
      'b.txt:2:1: groups[1].clients-file: "10.1.0.0/16" is a client prefix already at a.txt:2',
    ]);
  });
});

for (const [options, rounds] of runsInTwo(75, 8))
  test(
    `60,000 prefixes of files lead each of ${rounds} addresses to the group that looking at all of them finds`,
    options,
    () => {
      const directory = createDirectory();
      const random = createRandom(20_261_125);
      const written = new Set<string>();
      while (written.size < 60_000) {
        const bits = 12 + (random() % 21);
        const word = (0x0a000000 | (random() & 0x00ffffff)) >>> 0;
        const masked = (word & (0xffffffff << (32 - bits))) >>> 0;
        written.add(`${[24, 16, 8, 0].map((shift) => (masked >>> shift) & 255).join('.')}/${bits}`);
      }
      const texts = [...written];
      writeFileSync(join(directory, 'a.txt'), texts.slice(0, 30_000).join('\n'));
      writeFileSync(join(directory, 'b.txt'), texts.slice(30_000).join('\n'));
      writeFileSync(join(directory, 'all.txt'), texts.join('\n'));
      const config = configIn(
        directory,
        'access: { allow-file: all.txt }\ngroups: [{ name: a, clients-file: a.txt, lists: [] }, { name: b, clients-file: b.txt, lists: [] }]',
      );
      const access = compileAccess({
        allow: config.access.allow,
        groups: config.groups.map(({ clients }) => clients),
        listeners: config.groups.map(() => []),
      });
      const clients = new Clients(access);
      const all: readonly (readonly Prefix[])[] = config.groups.map((group) => [
        ...unpackPrefixes(group.clients),
      ]);
      expect(config.groups.map((group) => countPrefixes(group.clients))).toEqual([0, 30_000, 30_000]);
      const seen = new Set<number>();
      for (let round = 0; round < rounds; round++) {
        const address = Uint32Array.of(0, 0, 0xffff, (0x0a000000 | (random() & 0x00ffffff)) >>> 0);
        let [group, longest] = [0, -1];
        for (const [index, prefixes] of all.entries()) {
          for (const { words, bits } of prefixes) {
            if (bits > longest && matchesPrefix(address, words, bits)) [group, longest] = [index, bits];
          }
        }
        seen.add(group);
        expect(clients.identify(address, '')).toMatchObject({ group, allowed: longest >= 0 });
      }
      expect(seen.size).toBeGreaterThan(1);
      // All threads share these bytes: 48 for each prefix of a group, as many again for who may ask.
      const bytes = [access.allow, access.groups, config.access.allow.words];
      expect(bytes.every((words) => words.buffer instanceof SharedArrayBuffer)).toBe(true);
      expect(bytes.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(5 * 2 ** 20);
    },
  );

/** A xorshift generator: 32 bits a call. */
const createRandom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
};
