import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/base.ts';
import {
  Guards,
  type ListFormat,
  lineOf,
  loadList,
  shippedDefaults,
  shippedLists,
} from '../../../src/policy/lists/lists.ts';
import { RuleLog } from './rule-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'cordon-lists-'));
afterAll(() => rmSync(directory, { recursive: true }));

const ZONE = '$ORIGIN p.example.\n$TTL 9\n@ SOA a. b. 42 1 1 1 1\n';

const write = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

const failureOf = (call: () => unknown): string => {
  try {
    call();
  } catch (thrown) {
    if (thrown instanceof AppError) return `${thrown.code} ${thrown.message}`;
    throw thrown;
  }
  return 'no failure';
};

describe('loadList()', () => {
  it('tells the facts of a shipped list and feeds its rules', () => {
    const log = new RuleLog();
    const list = loadList({ kind: 'shipped', id: 'tiktok' }, log);
    expect(list.header).toMatchObject({ id: 'tiktok', category: 'tiktok', mandate: true, answer: undefined });
    expect(list.entries + list.derived).toBe(log.rules.length);
    expect(log.rules.map((rule) => rule.replace(/^\d+ /, ''))).toContain('suffix tiktok.com');
  });

  it('tells the facts of a file', () => {
    const text = 'a.test\n# b\ncom\n';
    const path = write('facts.txt', text);
    expect(loadList({ kind: 'file', path, format: 'domains' }, new RuleLog())).toMatchObject({
      path,
      format: 'domains',
      sha256: createHash('sha256').update(text).digest('hex'),
      sizeBytes: text.length,
      header: undefined,
      entries: 1,
      rejected: 1,
      diagnostics: [{ line: 3, column: 1, code: 'single-label' }],
    });
  });

  it('tells the name and the serial of a response policy zone, and counts what the guards held back', () => {
    const text = '$ORIGIN p.example.\n$TTL 9\n@ SOA a. b. 42 1 1 1 1\na.test CNAME .\nwww.gov CNAME .\n';
    const path = write('policy.zone', text);
    const guards = Guards.parse('*.gov\n', 'guards.txt');
    const log = new RuleLog();
    expect(loadList({ kind: 'file', path, format: 'rpz' }, log, { guards })).toMatchObject({
      origin: 'p.example.',
      serial: 42,
      entries: 1,
      rejected: 1,
      guarded: 1,
    });
    expect(log.rules).toEqual(['4 exact a.test nxdomain']);
    const named = { guards, origin: 'example' };
    expect(loadList({ kind: 'file', path, format: 'rpz' }, new RuleLog(), named)).toMatchObject({
      origin: 'example.',
    });
  });

  it('passes the reading on', () => {
    const path = write('exact.txt', 'a.test\n');
    const log = new RuleLog();
    loadList({ kind: 'file', path, format: 'domains' }, log, { match: 'exact' });
    expect(log.rules).toEqual(['1 exact a.test']);
  });

  it('hashes and reads a file of several pieces in one pass', () => {
    const text = Array.from({ length: 40_000 }, (_, index) => `name-${index}.tiktok.test\n`).join('');
    const path = write('pieces.txt', text);
    const log = new RuleLog();
    expect(loadList({ kind: 'file', path, format: 'domains' }, log)).toMatchObject({
      sha256: createHash('sha256').update(text).digest('hex'),
      sizeBytes: text.length,
      entries: 40_000,
    });
    expect(log.rules.at(-1)).toBe('40000 suffix name-39999.tiktok.test');
  });

  it('passes an error of the sink on as it is', () => {
    const path = write('sink.txt', 'a.test\n');
    const full = new AppError('ERR_POLICY_SIZE', 'full');
    const sink = {
      addName: () => {
        throw full;
      },
      addPrefix: () => {},
      addClientPrefix: () => {},
      addPattern: () => {},
    };
    expect(failureOf(() => loadList({ kind: 'file', path, format: 'domains' }, sink))).toBe(
      'ERR_POLICY_SIZE full',
    );
  });

  it.each<[ListFormat, string]>([
    ['domains', ''],
    ['domains', '# nothing yet\n\n'],
    ['adblock', '! nothing yet\n'],
    ['hosts', '# nothing yet\n'],
    ['wildcard', '# nothing yet\n'],
    ['regex', '# nothing yet\n'],
    ['stamps', '# nothing yet\n'],
    ['unbound', '# nothing yet\n'],
    ['dnsmasq', '# nothing yet\n'],
    ['rpz', '; nothing yet\n'],
    ['rpz', `${ZONE}@ NS ns.\n`],
    ['rpz', `${ZONE}32.1.2.0.192.rpz-nsip CNAME .\nns.x.rpz-nsdname CNAME .\n`],
  ])('takes a list of the format %s without a rule: %j', (format, text) => {
    const list = loadList({ kind: 'file', path: write('none', text), format }, new RuleLog());
    expect(list.entries).toBe(0);
  });

  it('does not take a zone for empty whose rules it does not understand', () => {
    const path = write('none', `${ZONE}32.1.2.0.192.rpz-nsip CNAME .\na.test CNAME rpz-unknown.\n`);
    expect(failureOf(() => loadList({ kind: 'file', path, format: 'rpz' }, new RuleLog()))).toMatch(
      /^ERR_LIST_EMPTY /,
    );
  });

  it.each<[string, string, ListFormat, string]>([
    [
      'a file without one good name',
      '# x\n  com\n',
      'domains',
      'ERR_LIST_EMPTY reading list PATH:2:3: no rule in it: "com": a name has at least two labels',
    ],
    [
      'a web page',
      '<!DOCTYPE html>\n',
      'domains',
      'ERR_LIST_PARSE reading list PATH:1:1: "<!DOCTYPE html>": markup: a web page instead of a list',
    ],
    ['no YAML', 'id: [', 'cordon', 'ERR_LIST_PARSE reading list PATH:1:'],
    [
      'a header with a wrong key',
      'id: a\ntitle: a\nname: b\n',
      'cordon',
      'ERR_LIST_PARSE reading list PATH:3:1: "name": an unknown key',
    ],
  ])('refuses %s with its place', (_, text, format, message) => {
    const path = write('bad.txt', text);
    const failure = failureOf(() => loadList({ kind: 'file', path, format }, new RuleLog()));
    expect(failure.slice(0, message.length + path.length - 4)).toBe(message.replace('PATH', path));
  });

  it('refuses a missing file, a folder, and a file over 256 MiB', () => {
    const load = (path: string) =>
      failureOf(() => loadList({ kind: 'file', path, format: 'hosts', isDirectory: false }, new RuleLog()));
    expect(load(join(directory, 'none.txt'))).toMatch(/^ERR_LIST_READ .*none\.txt: ENOENT/);
    expect(load(directory)).toMatch(/^ERR_LIST_READ .*is a directory/);
    const large = write('large.txt', '');
    truncateSync(large, 256 * 1024 * 1024 + 1);
    expect(load(large)).toMatch(/^ERR_LIST_TOO_LARGE .*268435457 bytes/);
  });

  it('refuses an unknown shipped list', () => {
    expect(failureOf(() => loadList({ kind: 'shipped', id: '../x' }, new RuleLog()))).toBe(
      'ERR_LIST_UNKNOWN looking for the shipped list "../x"',
    );
  });
});

describe('entryAt()', () => {
  it('gives the entry with its reasons for a rule of the cordon format', () => {
    const log = new RuleLog();
    const list = loadList({ kind: 'shipped', id: 'canary' }, log);
    const line = Number(log.rules[0]?.split(' ')[0]);
    expect(lineOf(list, line)).toMatchObject({
      line,
      text: expect.stringContaining('exact: use-application-dns.net') as string,
      entry: { text: 'use-application-dns.net', owner: 'Mozilla Corporation', reviewed: '2026-11-24' },
    });
  });

  it.each([
    [1, { line: 1, text: 'a.test', entry: undefined }],
    [2, { line: 2, text: 'b.test # why', entry: undefined }],
    [3, undefined],
    [4, undefined],
  ])('gives the source line %i of a text format', (line, expected) => {
    const path = write('lines.txt', '\ufeffa.test\r\nb.test # why\n');
    expect(lineOf(loadList({ kind: 'file', path, format: 'domains' }, new RuleLog()), line)).toEqual(
      expected,
    );
  });

  it('refuses when the file is not the one that was loaded', () => {
    const path = write('changed.txt', 'a.test\n');
    const list = loadList({ kind: 'file', path, format: 'domains' }, new RuleLog());
    write('changed.txt', 'b.test\n');
    expect(failureOf(() => lineOf(list, 1))).toBe(
      `ERR_LIST_CHANGED reading list ${path} again: its content has changed`,
    );
  });
});

describe('shippedDefaults()', () => {
  it('names the lists that are in force without configuration, mandate lists first', () => {
    expect(shippedDefaults().map(({ id, mandate, answer }) => [id, mandate, answer])).toEqual([
      ['bytedance-backend', true, undefined],
      ['bytedance-prefixes', true, undefined],
      ['tiktok', true, undefined],
      ['canary', false, 'nxdomain'],
      ['private-relay', false, 'nxdomain'],
    ]);
  });

  it('leaves every other shipped list off', () => {
    const ids = shippedLists().map((list) => list.id);
    expect(ids).toEqual(expect.arrayContaining(['capcut-lemon8', 'lark', 'pangle', 'volcengine-byteplus']));
  });
});
