// What new exceptions of a list would open, as a person is told who has to decide about them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readingOfList } from '../../../../src/policy/generation/generation.ts';
import { findNewExceptions, type NewExceptions } from '../../../../src/policy/keeping/openings.ts';
import { type ExceptionFacts, type ListFormat, loadList } from '../../../../src/policy/lists/lists.ts';
import type { RuleSink } from '../../../../src/policy/policy.ts';
import { configOf, createDirectory } from '../../app/setup.ts';

const NOWHERE: RuleSink = {
  addName: () => undefined,
  addPrefix: () => undefined,
  addClientPrefix: () => undefined,
  addPattern: () => undefined,
};
const ORDER = '{ id: order, file: order.txt, mandate: true }';
const OTHERS = { 'order.txt': 'tiktok.com\nwww.capcut.com\n', 'ads.txt': 'ads.example\nb.ads.example\n' };

/** The list `own` goes from one content to another, among `order` and `ads`. */
const change = (
  own: string,
  before: string,
  after: string,
  format: ListFormat = 'adblock',
): NewExceptions | undefined => {
  const directory = createDirectory();
  const text = `lists: [{ id: own, file: own.txt, format: ${format}${own} }, ${ORDER}, { id: ads, file: ads.txt }]\n`;
  const config = configOf(text, { ...OTHERS, 'own.txt': before }, directory);
  const [list] = config.lists;
  if (list === undefined) throw new TypeError('no list');
  const path = join(directory, 'own.txt');
  const read = (): ExceptionFacts =>
    loadList({ kind: 'file', path, format }, NOWHERE, readingOfList(list)).exceptions;
  const known = read();
  writeFileSync(path, after);
  return findNewExceptions(list, path, known, read(), { lists: config.lists, pathOf: () => undefined });
};

const MANDATE = ', mandate: true';
const RULES = '||feed.example^\n||a.feed.example^\n';

describe('a list that is a mandate', () => {
  test('opens what it refuses itself, below the exception and above it, and leaves others alone', () => {
    const found = change(MANDATE, RULES, `${RULES}@@||feed.example^\n@@||www.tiktok.com^\n@@||com^\n`);
    expect(found?.openings).toEqual([
      { list: 'own', isOpened: true, count: 2, names: ['feed.example', 'a.feed.example'] },
      { list: 'order', isOpened: false, count: 1, names: ['www.tiktok.com'] },
    ]);
    expect(found?.text).toBe(
      '2 new exceptions (feed.example, www.tiktok.com), opens 2 names of own (feed.example, a.feed.example), order refuses www.tiktok.com all the same',
    );
  });

  test.each<[string, string, string, ListFormat, string]>([
    [
      'an answer of its own',
      'a.example CNAME .\n',
      'a.example A 192.0.2.1\n',
      'rpz',
      'a.example with an answer of its own',
    ],
    ['only over UDP', 'a.example CNAME .\n', 'a.example CNAME rpz-tcp-only.\n', 'rpz', 'a.example over TCP'],
    ['as old zones write it', 'a.example CNAME .\n', 'a.example CNAME a.example.\n', 'rpz', 'a.example'],
    [
      'for some types only',
      '||a.example^\n',
      '||a.example^$dnstype=TXT\n',
      'adblock',
      'a.example on conditions',
    ],
    [
      'but for some names',
      '||a.example^\n',
      '||a.example^$denyallow=b.a.example\n',
      'adblock',
      'a.example on conditions',
    ],
    ['by an expression', '||a.example^\n', '||a.example^\n@@/^a\\./\n', 'adblock', '/^a\\./u'],
    [
      'a zone that is transparent',
      'local-zone: "a.example" static\n',
      'local-zone: "a.example" transparent\n',
      'unbound',
      'a.example',
    ],
  ])('is told of a rule that refuses no longer: %s', (_name, before, after, format, text) => {
    const apex =
      format === 'rpz' ? '$ORIGIN rpz.test.\n$TTL 60\n@ SOA localhost. a.example. 7 3600 600 86400 60\n' : '';
    const rest =
      format === 'rpz'
        ? 'z.example CNAME .\n'
        : format === 'unbound'
          ? 'local-zone: "z.example" static\n'
          : '||z.example^\n';
    expect(change(MANDATE, apex + rest + before, apex + rest + after, format)?.exceptions).toEqual([text]);
  });
});

describe('a list that is none', () => {
  test('opens what stands behind it, never a mandate', () => {
    const found = change('', RULES, `${RULES}@@||ads.example^\n@@||capcut.com^\n`);
    expect(found?.openings).toEqual([
      { list: 'ads', isOpened: true, count: 2, names: ['ads.example', 'b.ads.example'] },
      { list: 'order', isOpened: false, count: 1, names: ['www.capcut.com'] },
    ]);
  });

  test('may have answers of its own', () => {
    expect(change('', '||a.example^\n', '||a.example^$dnstype=TXT\n')).toBeUndefined();
  });
});

test('an allowlist consists of exceptions', () => {
  const found = change(', allow: true', 'a.example\n', 'a.example\nb.ads.example\ntiktok.com\n', 'domains');
  expect(found?.text).toBe(
    '2 new exceptions (b.ads.example, tiktok.com), opens 1 name of ads (b.ads.example), order refuses tiktok.com all the same',
  );
});

test('what was there before, in whatever order, and what is gone is not new', () => {
  const before = `${RULES}@@||one.example^\n@@||two.example^\n`;
  expect(change(MANDATE, before, `@@||two.example^\n@@||one.example^\n${RULES}`)).toBeUndefined();
  expect(change(MANDATE, before, `${RULES}@@||two.example^\n`)).toBeUndefined();
  expect(change(MANDATE, before, `${before}||three.example^\n`)).toBeUndefined();
  const important = change(MANDATE, before, before.replace('one.example^', 'one.example^$important'));
  expect(important?.exceptions).toEqual(['one.example']);
});

test('of more exceptions than are kept it is told that they are others', () => {
  const many = Array.from({ length: 10_001 }, (_, index) => `@@||n${index}.example^\n`).join('');
  expect(change('', `${RULES}${many}`, `${many}${RULES}`)).toBeUndefined();
  expect(change('', `${RULES}${many}`, `${RULES}${many}@@||tiktok.com^\n`)).toMatchObject({
    count: undefined,
    text: expect.stringContaining('other exceptions than before') as string,
  });
});
