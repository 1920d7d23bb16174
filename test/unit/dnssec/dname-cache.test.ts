// DNAMEs that are kept: which names they lead where, for how long, and what becomes of names that get too long.
import { beforeEach, describe, expect, test } from 'vitest';
import { DnameCache } from '../../../src/resolver/dnssec/dname-cache.ts';
import type { Rrset } from '../../../src/resolver/dnssec/rrset.ts';
import { CLASS, formatName, nameFrom, SECTION, TYPE } from '../../../src/wire/dns/dns.ts';
import { buildResponse, parseMessage } from '../../support/records.ts';

const NOW_MS = 1_000_000;
const ROOT = nameFrom('.');

const dname = (owner: string, target: string, ttlSec = 60): Rrset => ({
  owner: nameFrom(owner),
  type: TYPE.DNAME,
  class: CLASS.IN,
  section: SECTION.ANSWER,
  ttlSec,
  rdatas: [nameFrom(target)],
  signatures: [],
});

let cache: DnameCache;
beforeEach(() => {
  cache = new DnameCache();
});

const find = (name: string, { view = 0, top = ROOT, nowMs = NOW_MS } = {}): string | undefined => {
  const redirection = cache.find(view, nameFrom(name), top, nowMs);
  return redirection && formatName(redirection.target);
};

describe('a DNAME', () => {
  beforeEach(() => void cache.add(0, dname('old.test.', 'new.example.'), NOW_MS));

  test.each([
    ['a.old.test.', 'a.new.example.'],
    ['a.b.old.test.', 'a.b.new.example.'],
    ['old.test.', undefined],
    ['aold.test.', undefined],
    ['test.', undefined],
  ])('leads %s to %s', (name, target) => {
    expect(find(name)).toBe(target);
  });

  test('the closest one counts', () => {
    cache.add(0, dname('sub.old.test.', 'other.example.'), NOW_MS);
    expect(find('a.sub.old.test.')).toBe('a.other.example.');
    expect(find('a.old.test.')).toBe('a.new.example.');
  });

  test('holds in its view, below the anchor, and for as long as its TTL says', () => {
    expect(find('a.old.test.', { view: 1 })).toBeUndefined();
    expect(find('a.old.test.', { top: nameFrom('test.') })).toBe('a.new.example.');
    expect(find('a.old.test.', { top: nameFrom('a.old.test.') })).toBeUndefined();
    expect(find('a.old.test.', { nowMs: NOW_MS + 59_000 })).toBe('a.new.example.');
    expect(find('a.old.test.', { nowMs: NOW_MS - 1 })).toBeUndefined();
    cache.add(0, dname('old.test.', 'new.example.'), NOW_MS);
    expect(find('a.old.test.', { nowMs: NOW_MS + 59_001 })).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  test('makes no name that is too long', () => {
    const label = 'x'.repeat(63);
    cache.add(0, dname('s.', `${label}.${label}.`), NOW_MS);
    expect(find(`${label}.s.`)).toBeDefined();
    expect(find(`${label}.${label}.s.`)).toBeUndefined();
  });

  test('is one, with a TTL and of a size that anybody has', () => {
    cache.clear();
    cache.add(0, { ...dname('a.test.', 'b.test.'), rdatas: [nameFrom('b.'), nameFrom('c.')] }, NOW_MS);
    cache.add(0, dname('a.test.', 'b.test.', 0), NOW_MS);
    expect(cache.size).toBe(0);
    for (let i = 0; i < 1100; i++) cache.add(0, dname(`a${i}.test.`, 'b.test.'), NOW_MS);
    expect(cache.size).toBe(1000);
  });
});

test('the answer has the aliases and all that is said of the target, and its RCODE', () => {
  cache.add(0, dname('old.test.', 'new.example.'), NOW_MS);
  const redirection = cache.find(0, nameFrom('a.old.test.'), ROOT, NOW_MS + 10_500);
  const question = {
    name: nameFrom('A.old.test.'),
    type: TYPE.A,
    class: CLASS.IN,
    dnssecOk: true,
    checkingDisabled: true,
    view: 0,
    wantsAd: false,
  };
  const soa = 'example. 60 IN SOA ns.example. host.example. 1 2 3 4 5';
  const answer = buildResponse({
    question: 'a.new.example. A',
    flags: 0x8183,
    answer: ['a.new.example. 5 IN CNAME b.example.'],
    authority: [soa],
  });
  const joined = redirection?.join(question, answer, NOW_MS + 10_500);
  const aliases = ['old.test. 49 IN DNAME new.example.', 'A.old.test. 49 IN CNAME a.new.example.'];
  const message = parseMessage(joined ?? new Uint8Array(0));
  expect(message).toMatchObject({
    question: 'A.old.test. A',
    answer: [...aliases, 'a.new.example. 5 IN CNAME b.example.'],
    authority: [soa],
  });
  expect(message.flags & 0xf).toBe(3);
  const alone = redirection?.join(question, undefined, NOW_MS + 10_500);
  expect(parseMessage(alone ?? new Uint8Array(0))).toMatchObject({ answer: aliases, authority: [] });
  expect(redirection?.join(question, Uint8Array.of(1, 2, 3), NOW_MS)).toBeUndefined();
});
