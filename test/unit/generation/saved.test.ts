// The saved generation: what comes back is what was saved, and nothing else is ever used.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { AppError, packPrefixes } from '../../../src/base/base.ts';
import type { Config } from '../../../src/config/config.ts';
import { buildGeneration, type Generation } from '../../../src/policy/generation/build.ts';
import { SavedGeneration } from '../../../src/policy/generation/saved.ts';
import { lineOf } from '../../../src/policy/lists/lists.ts';
import { createLog } from '../../../src/telemetry/observe/observe.ts';
import { TYPE } from '../../../src/wire/dns/dns.ts';
import { configOf, createDirectory, deciding, refusing, watching } from '../app/setup.ts';

const FILE = 'generation.saved';
/** Layout of the file, see saved-generation.ts. */
const HASH_OFFSET = 12;
const LENGTHS_OFFSET = 44;
const HEADER_BYTES = 52;

const LISTS = `
lists:
  - { id: first, file: first.txt, format: domains, cdn-children: true }
  - { id: second, file: second.txt, format: domains, mandate: true, ede: { code: 16, text: "by order" } }
  - { id: canary, shipped: canary }
groups:
  - { name: default, lists: [first, second, canary] }
  - { name: lab, clients: ["192.0.2.0/24"], lists: [first] }
`;
const FILES = { 'first.txt': 'tiktok.example\nx_y\n', 'second.txt': 'www.tiktok.example\n' };
const LOADED_MS = 1_700_000_000_000;

interface Saving {
  readonly directory: string;
  readonly config: Config;
  readonly generation: Generation;
  readonly saved: SavedGeneration;
  /** Saves and waits for the log line that tells the outcome. */
  save(generation?: Generation, config?: Config): Promise<string>;
}

const prepare = (state = createDirectory()): Saving => {
  const config = configOf(LISTS, FILES);
  let onLine: (line: string) => void = () => {};
  const to = new Writable({
    write: (chunk: Buffer, _, done) => {
      onLine(chunk.toString());
      done();
    },
  });
  const saved = new SavedGeneration(state, createLog({ level: 'info', to }));
  const generation = buildGeneration(config, 3, LOADED_MS);
  const save = (other = generation, otherConfig = config): Promise<string> => {
    const line = new Promise<string>((resolve) => {
      onLine = resolve;
    });
    saved.save(otherConfig, other);
    return line;
  };
  return { directory: state, config, generation, saved, save };
};

const failureOf = (act: () => unknown): string => {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof AppError) return `${thrown.code} ${thrown.message}`;
    throw thrown;
  }
  return 'no failure';
};

describe('read()', () => {
  test('gives back what was saved, under the number that it is asked for', async () => {
    const { saved, save, config, generation } = prepare();
    expect(await save()).toContain('"msg":"generation saved"');
    const restored = saved.read(config, 8);
    expect(restored).toEqual({
      ...generation,
      policy: { ...generation.policy, generation: 8 },
      lists: generation.lists.map((list) => ({ ...list, loaded: { ...list.loaded, diagnostics: [] } })),
    });
    if (restored === undefined) return;
    expect(Buffer.from(restored.policy.table)).toEqual(Buffer.from(generation.policy.table));
    expect(restored.lists.map(({ id, mandate }) => [id, mandate])).toEqual([
      ['second', true],
      ['first', false],
      ['canary', false],
    ]);
    expect(refusing(restored, 'www.tiktok.example')).toBe('second');
    expect(refusing(restored, 'www.tiktok.example', 1)).toBe('first');
    expect(refusing(restored, 'use-application-dns.net')).toBe('canary');
    expect(refusing(restored, 'example.com')).toBeUndefined();
  });

  test('gives back allow lists, log-only lists, schedules and what a zone says of itself', async () => {
    const content = {
      'zone.txt':
        '$TTL 60\n@ SOA localhost. admin.localhost. 7 2 3 4 5\nbad.example CNAME .\nb.example CNAME *.\n',
      'pattern.txt': '^w[0-9]+\\.example$\n',
      'passing.txt': '||bad.example^$dnstype=AAAA\n',
    };
    const config = configOf(
      `
lists:
  - { id: watched, file: pattern.txt, format: regex, log-only: true }
  - { id: remote, url: "https://lists.example.com/zone", format: rpz, origin: rpz.test }
  - { id: passing, file: passing.txt, format: adblock, allow: true }
groups:
  - name: default
    lists: [watched, remote, passing]
    schedules: [{ list: remote, from: 2026-12-01 }]
`,
      content,
    );
    const [watched] = config.lists;
    const directory = watched?.source.kind === 'file' ? dirname(watched.source.path) : '';
    const generation = buildGeneration(config, 3, LOADED_MS, ({ id }) =>
      id === 'remote' ? join(directory, 'zone.txt') : undefined,
    );
    const { saved, save } = prepare();
    await save(generation, config);
    const restored = saved.read(config, 3);
    if (restored === undefined) throw new Error('nothing restored');
    expect(restored).toEqual({
      ...generation,
      lists: generation.lists.map((list) => ({ ...list, loaded: { ...list.loaded, diagnostics: [] } })),
    });
    expect(restored.lists.map(({ id, loaded }) => [id, loaded.serial])).toEqual([
      ['passing', undefined],
      ['watched', undefined],
      ['remote', 7],
    ]);
    const nowMs = Date.parse('2026-12-01T00:00:00Z');
    expect(deciding(restored, 'bad.example', { nowMs, qtype: TYPE.A })).toBe('remote refuses');
    expect(deciding(restored, 'bad.example', { nowMs, qtype: TYPE.AAAA })).toBe('passing passes');
    expect(deciding(restored, 'bad.example', { nowMs: nowMs - 1 })).toBeUndefined();
    expect(deciding(restored, 'w1.example', { nowMs })).toBeUndefined();
    expect(watching(restored, 'w1.example')).toBe('watched');
  });

  test('gives back where each line of a directory stands', async () => {
    const config = configOf('lists: [{ id: parts, directory: lists.d }]\n', {
      'lists.d/a.txt': 'a.example\n# more\n',
      'lists.d/b "\\.txt': 'b.example\nc.example',
    });
    const generation = buildGeneration(config, 3, LOADED_MS);
    const { saved, save } = prepare();
    await save(generation, config);
    const loaded = saved.read(config, 3)?.lists[0]?.loaded;
    expect(loaded?.files).toEqual(generation.lists[0]?.loaded.files);
    expect(loaded?.files?.map(({ name, firstLine }) => [name, firstLine])).toEqual([
      ['a.txt', 1],
      ['b "\\.txt', 3],
    ]);
    expect(loaded && lineOf(loaded, 4)).toMatchObject({ line: 2, text: 'c.example' });
    const [list] = config.lists;
    if (list?.source.kind !== 'file') throw new Error('no file');
    const one = { ...config, lists: [{ ...list, source: { ...list.source, isDirectory: false } }] };
    expect(failureOf(() => saved.read(one, 3))).toContain('other lists');
  });

  test('says that there is none before one was saved', () => {
    const { saved, config } = prepare();
    expect(saved.read(config, 1)).toBeUndefined();
    expect(prepare(join(createDirectory(), 'none')).saved.read(config, 1)).toBeUndefined();
  });

  test('takes clients and everything but lists, groups and answers from the configuration in force', async () => {
    const { saved, save, config } = prepare();
    await save();
    const other: Config = {
      ...config,
      groups: config.groups.map((group) => ({ ...group, clients: packPrefixes([]) })),
    };
    expect(saved.read(other, 1)?.access.groups).toHaveLength(0);
  });

  test('refuses a configuration with other lists, groups or answers', async () => {
    const { saved, save, config } = prepare();
    await save();
    const others: Config[] = [
      { ...config, lists: config.lists.slice(1) },
      { ...config, lists: config.lists.map((list) => ({ ...list, mandate: true })) },
      { ...config, groups: config.groups.slice(0, 1) },
      { ...config, block: { ...config.block, ttlSec: 7 } },
    ];
    for (const other of others) {
      expect(failureOf(() => saved.read(other, 1))).toMatch(
        /^ERR_APP_SAVED .*: the configuration has other lists, groups or answers$/,
      );
    }
  });

  test('refuses a file of which any byte is another', async () => {
    const { saved, save, config, directory } = prepare();
    await save();
    const path = join(directory, FILE);
    const good = readFileSync(path);
    const places = Array.from({ length: HEADER_BYTES }, (_, at) => at);
    for (let at = HEADER_BYTES; at < good.length; at += 97) places.push(at);
    for (const at of [...places, good.length - 1]) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 1;
      writeFileSync(path, bad);
      expect(
        failureOf(() => saved.read(config, 1)),
        `byte ${at}`,
      ).toMatch(/^ERR_APP_SAVED /);
    }
    writeFileSync(path, good);
    expect(saved.read(config, 1)).toBeDefined();
  });

  test.each<[string, (good: Buffer) => Uint8Array, RegExp]>([
    ['an empty file', () => Buffer.alloc(0), /it is cut off$/],
    ['a file that ends in its header', (good) => good.subarray(0, HEADER_BYTES - 1), /it is cut off$/],
    ['a file that is cut off', (good) => good.subarray(0, -1), /instead of \d+$/],
    ['a file with something after it', (good) => Buffer.concat([good, Buffer.of(0)]), /instead of \d+$/],
    [
      'another version',
      (good) => Buffer.concat([Buffer.from('cordon/1'), good.subarray(8)]),
      /another format$/,
    ],
    [
      'the other byte order',
      (good) => Buffer.concat([good.subarray(0, 8), good.subarray(8, 12).reverse(), good.subarray(12)]),
      /another kind of machine$/,
    ],
    ['lengths that the file cannot have', (good) => patch(good, LENGTHS_OFFSET, 0xff), /instead of \d+$/],
    ['a description that is not JSON', (good) => rehash(patch(good, HEADER_BYTES, 0x21)), /another format$/],
    ['a description without a key', (good) => rehash(patch(good, HEADER_BYTES + 2, 0x21)), /another format$/],
    [
      'a table of another layout',
      (good) => rehash(patch(good, HEADER_BYTES + good.readUInt32BE(LENGTHS_OFFSET), 0)),
      /another format$/,
    ],
  ])('refuses %s', async (_, spoil, reason) => {
    const { saved, save, config, directory } = prepare();
    await save();
    const path = join(directory, FILE);
    writeFileSync(path, spoil(readFileSync(path)));
    expect(failureOf(() => saved.read(config, 1))).toMatch(reason);
  });

  test('refuses what cannot be read', () => {
    const { saved, config, directory } = prepare();
    mkdirSync(join(directory, FILE));
    expect(failureOf(() => saved.read(config, 1))).toMatch(/^ERR_APP_SAVED .*is a directory/);
  });
});

describe('save()', () => {
  test('makes the directory, leaves nothing beside the file, and replaces it', async () => {
    const state = join(createDirectory(), 'a', 'b');
    const { saved, save, config, generation } = prepare(state);
    await save();
    expect(readdirSync(state)).toEqual([FILE]);
    writeFileSync(join(state, 'generation.tmp'), 'left over by a crash');
    await save({ ...generation, loadedAtMs: LOADED_MS + 1 });
    expect(readdirSync(state)).toEqual([FILE]);
    expect(saved.read(config, 1)?.loadedAtMs).toBe(LOADED_MS + 1);
  });

  test('of generations that come while one is saved, saves the last', async () => {
    const { saved, save, config, generation } = prepare();
    const first = save();
    for (const later of [1, 2, 3]) saved.save(config, { ...generation, loadedAtMs: LOADED_MS + later });
    await first;
    await save({ ...generation, loadedAtMs: LOADED_MS + 4 });
    expect(saved.read(config, 1)?.loadedAtMs).toBeGreaterThanOrEqual(LOADED_MS + 3);
  });

  test('warns when it cannot, keeps the old file, and saves again when it can', async () => {
    const { saved, save, config, directory, generation } = prepare();
    await save();
    // A directory that is not empty takes the temporary file's place: it cannot be removed as a file.
    mkdirSync(join(directory, 'generation.tmp', 'x'), { recursive: true });
    const later = { ...generation, loadedAtMs: LOADED_MS + 1 };
    const line = await save(later);
    expect(line).toContain('"level":"warn"');
    expect(line).toContain('ERR_APP_SAVE');
    expect(saved.read(config, 1)?.loadedAtMs).toBe(LOADED_MS);
    rmSync(join(directory, 'generation.tmp'), { recursive: true });
    expect(await save(later)).toContain('generation saved');
    expect(existsSync(join(directory, 'generation.tmp'))).toBe(false);
    expect(saved.read(config, 1)?.loadedAtMs).toBe(LOADED_MS + 1);
  });
});

const patch = (good: Buffer, at: number, byte: number): Buffer => {
  const bytes = Buffer.from(good);
  bytes[at] = byte;
  return bytes;
};

/** With the hash that belongs to the content. */
const rehash = (bytes: Buffer): Buffer => {
  createHash('sha256').update(bytes.subarray(LENGTHS_OFFSET)).digest().copy(bytes, HASH_OFFSET);
  return bytes;
};
