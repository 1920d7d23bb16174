// A directory as one list: which files are read, in which order, how lines lead back to them, and what is refused.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { isAppError } from '../../../src/base/base.ts';
import {
  Guards,
  type ListFormat,
  type LoadedList,
  lineOf,
  loadList,
  placeOfRule,
} from '../../../src/policy/lists/lists.ts';
import { RuleLog } from './rule-log.ts';

/** A user without rights. */
const NOBODY = 65_534;

let outside: string;
let directory: string;

beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'cordon-directory-'));
  directory = join(outside, 'lists.d');
  mkdirSync(directory);
  const path = outside;
  onTestFinished(() => rmSync(path, { recursive: true }));
});

const write = (name: string, content: string | Uint8Array): void =>
  writeFileSync(join(directory, name), content);

const load = (format: ListFormat = 'domains', log = new RuleLog(), isDirectory?: boolean): LoadedList =>
  loadList({ kind: 'file', path: directory, format, isDirectory }, log);

const rulesOf = (format: ListFormat = 'domains'): string[] => {
  const log = new RuleLog();
  load(format, log, true);
  return log.rules;
};

const failureOf = (act: () => unknown = load): string => {
  try {
    act();
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return `${thrown.code} ${thrown.message.replaceAll(directory, 'D')}`;
  }
  return 'no failure';
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('the files of a directory', () => {
  it('are one list in the order of their names, whether the last line of a file ends or not', () => {
    write('b.txt', 'b.test');
    write('a.txt', 'a.test\n# of a\n');
    write('c.txt', '');
    write('d.txt', 'd.test\nB2.test');
    expect(rulesOf()).toEqual(['1 suffix a.test', '3 suffix b.test', '4 suffix d.test', '5 suffix b2.test']);
  });

  it('each begin with a byte order mark or not', () => {
    write('a.txt', '\ufeff0.0.0.0 a.test\n');
    write('b.txt', '\ufeff0.0.0.0 b.test\r\n');
    write('c.txt', '\ufeff');
    expect(rulesOf('hosts')).toEqual(['1 exact a.test', '2 exact b.test']);
  });

  it('are plain or compressed, each by itself', () => {
    write('a.txt.gz', gzipSync('a.test\n'));
    write('b.txt', 'b.test\n');
    write('c.zst', zstdCompressSync('c.test'));
    expect(rulesOf()).toEqual(['1 suffix a.test', '2 suffix b.test', '3 suffix c.test']);
  });

  it('are not what is hidden, half written, or below', () => {
    write('a.txt', 'a.test\n');
    for (const name of ['.hidden', 'a.txt~', 'b.tmp']) write(name, 'hidden.test\n');
    mkdirSync(join(directory, 'below'));
    write('below/c.txt', 'below.test\n');
    expect(rulesOf()).toEqual(['1 suffix a.test']);
  });

  it.each<[ListFormat, string, string]>([
    ['adblock', '||a.test^\n', '@@||a.test^\n||b.test^\n'],
    ['dnsmasq', 'address=/a.test/\n', 'address=/b.test/\n'],
    ['hosts', '0.0.0.0 a.test\n', '0.0.0.0 b.test\n'],
    ['regex', '^a\\.test$\n', '^b\\.test$\n'],
    ['unbound', 'local-zone: "a.test" always_nxdomain\n', 'local-zone: "b.test" always_nxdomain\n'],
    ['wildcard', '*.a.test\n', 'b.test\n'],
  ])('say the same as one file of the format %s', (format, first, second) => {
    const log = new RuleLog();
    const whole = join(outside, 'whole.txt');
    writeFileSync(whole, first + second);
    const { entries } = loadList({ kind: 'file', path: whole, format }, log);
    write('1', first);
    write('2', second);
    expect(rulesOf(format)).toEqual(log.rules);
    expect(load(format).entries).toBe(entries);
  });

  it('may be larger than what is read at once, cut anywhere', () => {
    const text = (from: number) =>
      Array.from({ length: 20_000 }, (_, index) => `n${from + index}.example.test\n`).join('');
    for (const part of [0, 1, 2]) write(`${part}.txt`, text(part * 20_000).trimEnd());
    const rules = rulesOf();
    expect(rules).toHaveLength(60_000);
    expect(rules[20_000]).toBe('20001 suffix n20000.example.test');
    expect(rules[59_999]).toBe('60000 suffix n59999.example.test');
  });

  it('may be links to files of the directory, as volumes of orchestrators have them', () => {
    mkdirSync(join(directory, '..data'));
    write('..data/a.txt', 'a.test\n');
    symlinkSync('..data/a.txt', join(directory, 'a.txt'));
    expect(rulesOf()).toEqual(['1 suffix a.test']);
  });
});

describe('what is known of a directory', () => {
  const fill = (): LoadedList => {
    write('a.txt', 'a.test\n# comment\n');
    write('b.txt', 'b.test\ncom\nb2.test # why\n');
    return load();
  };

  it('names each file with its first line and hash, and hashes names and texts', () => {
    const text = ['a.test\n# comment\n', 'b.test\ncom\nb2.test # why\n'] as const;
    const hashes = text.map(sha256);
    expect(fill()).toMatchObject({
      path: directory,
      entries: 3,
      sizeBytes: text[0].length + text[1].length,
      sha256: sha256(`${hashes[0]}  a.txt\n${hashes[1]}  b.txt\n`),
      files: [
        { name: 'a.txt', firstLine: 1, sha256: hashes[0] },
        { name: 'b.txt', firstLine: 3, sha256: hashes[1] },
      ],
    });
  });

  it('is the same for a file that is packed', () => {
    const { sha256: plain } = fill();
    write('b.txt', gzipSync('b.test\ncom\nb2.test # why\n'));
    expect(load().sha256).toBe(plain);
  });

  it.each<[string, () => void]>([
    ['changed', () => write('b.txt', 'b3.test\n')],
    ['added', () => write('c.txt', '')],
    ['renamed', () => renameSync(join(directory, 'b.txt'), join(directory, 'c.txt'))],
    ['removed', () => rmSync(join(directory, 'b.txt'))],
    [
      'cut elsewhere',
      () => {
        write('a.txt', 'a.test\n');
        write('b.txt', '# comment\nb.test\ncom\nb2.test # why\n');
      },
    ],
  ])('is another when a file is %s', (_, change) => {
    const { sha256: before } = fill();
    change();
    expect(load().sha256).not.toBe(before);
  });

  it('tells the place of what is rejected, and of what guards hold back', () => {
    fill();
    const guards = Guards.parse('b.test\n', 'guards.txt');
    const list = loadList({ kind: 'file', path: directory, format: 'domains' }, new RuleLog(), { guards });
    expect(list.guarded).toBe(1);
    expect(
      list.diagnostics.map(({ line, column, text }) => `${line}:${column} ${text.slice(0, 21)}`),
    ).toEqual(['1:1 in b.txt: "b.test": a', '2:1 in b.txt: "com": a na']);
  });

  it('leads from a rule to its file and line, and to the text of that line', () => {
    const list = fill();
    expect(placeOfRule(list, 1)).toEqual({ path: join(directory, 'a.txt'), line: 1 });
    expect(placeOfRule(list, 5)).toEqual({ path: join(directory, 'b.txt'), line: 3 });
    expect(lineOf(list, 5)).toEqual({ line: 3, text: 'b2.test # why', entry: undefined });
    expect(lineOf(list, 6)).toBeUndefined();
  });

  it('shows a line of a file that did not change, and no line of one that did', () => {
    const list = fill();
    write('b.txt', 'other.test\n');
    write('0.txt', 'new.test\n');
    expect(lineOf(list, 1)?.text).toBe('a.test');
    expect(failureOf(() => lineOf(list, 3))).toBe(
      'ERR_LIST_CHANGED reading list D/b.txt again: its content has changed',
    );
  });

  it('may hold no rule at all', () => {
    write('a.txt', '# nothing\n');
    expect(load('domains', new RuleLog()).entries).toBe(0);
  });

  it('is read by a path alone, and never where one file is wanted', () => {
    fill();
    expect(load('domains', new RuleLog(), undefined).entries).toBe(3);
    expect(failureOf(() => load('domains', new RuleLog(), false))).toMatch(/^ERR_LIST_READ .*is a directory/);
  });
});

describe('a directory that is refused', () => {
  it.each<[string, () => void, RegExp]>([
    ['is empty', () => undefined, /^ERR_LIST_EMPTY reading list D: no file in the directory$/],
    ['has only hidden files', () => write('.a', 'a.test\n'), /^ERR_LIST_EMPTY /],
    [
      'has no good line',
      () => {
        write('a.txt', '# x\n');
        write('b.txt', '\n  com\n');
      },
      /^ERR_LIST_EMPTY reading list D\/b\.txt:2:3: no rule in it: "com"/,
    ],
    [
      'has a web page among its files',
      () => {
        write('a.txt', 'a.test\n');
        write('b.txt', '\n<!DOCTYPE html>\n');
      },
      /^ERR_LIST_PARSE reading list D\/b\.txt:1:1: markup: a web page/,
    ],
    [
      'has a packed file that is cut off',
      () => {
        write('a.txt', 'a.test\n');
        write('b.gz', gzipSync('b.test\n').subarray(0, -4));
      },
      /^ERR_LIST_READ reading list D\/b\.gz: its gzip data is cut off/,
    ],
    [
      'has a link that leads out',
      () => {
        writeFileSync(join(outside, 'secret'), 'a.test\n');
        symlinkSync('../secret', join(directory, 'a.txt'));
      },
      /^ERR_LIST_READ reading list D\/a\.txt: a symbolic link that leads out of the directory$/,
    ],
    [
      'has a link to a directory that begins with the same letters',
      () => {
        mkdirSync(`${directory}2`);
        writeFileSync(`${directory}2/a`, 'a.test\n');
        symlinkSync('../lists.d2/a', join(directory, 'a.txt'));
      },
      /^ERR_LIST_READ .* a symbolic link that leads out/,
    ],
    [
      'has a link to a directory',
      () => {
        mkdirSync(join(directory, 'below'));
        symlinkSync('below', join(directory, 'a'));
      },
      /^ERR_LIST_READ reading list D\/a: a symbolic link that leads to no file$/,
    ],
    [
      'has a link that leads nowhere',
      () => symlinkSync('gone', join(directory, 'a')),
      /^ERR_LIST_READ reading list D\/a: ENOENT/,
    ],
    [
      'has a name that would break a line of the log',
      () => write('a\nb', 'a.test\n'),
      /^ERR_LIST_READ reading list D: a control character in the name "a\\nb"$/,
    ],
    [
      'has more than 1,000 files',
      () => {
        for (let index = 0; index <= 1_000; index++) write(`${index}`, `n${index}.test\n`);
      },
      /^ERR_LIST_TOO_LARGE reading list D: 1001 files, at most 1000$/,
    ],
    [
      'is larger than one list may be',
      () => {
        write('a.txt', 'a.test\n');
        write('b.txt', '');
        truncateSync(join(directory, 'b.txt'), 256 * 1024 * 1024 - 6);
      },
      /^ERR_LIST_TOO_LARGE reading list D\/b\.txt: 268435450 bytes, at most 268435449 beside the files before it$/,
    ],
    ['is gone', () => rmSync(directory, { recursive: true }), /^ERR_LIST_READ reading list D: ENOENT/],
  ])('%s', (_, fill, failure) => {
    fill();
    expect(failureOf(() => load('domains', new RuleLog(), true))).toMatch(failure);
  });

  it('has a file that may not be read', () => {
    write('a.txt', 'a.test\n');
    write('b.txt', 'b.test\n');
    chmodSync(join(directory, 'b.txt'), 0);
    for (const path of [outside, directory]) chmodSync(path, 0o755);
    // Root may read everything, so it is somebody else for the moment.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      expect(failureOf()).toMatch(/^ERR_LIST_READ reading list D\/b\.txt: EACCES/);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it.each(['cordon', 'rpz'] as const)('is to be of the format %s', (format) => {
    write('a', 'a.test\n');
    expect(failureOf(() => load(format))).toBe(
      `ERR_LIST_READ reading list D: a list of the format ${format} is one file`,
    );
  });
});
