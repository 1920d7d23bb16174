// Answers that are over, answers that are fetched before they are over, and clients that ask more than their share.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parsePrefix } from '../../../src/base/base.ts';
import type { PipelineRules } from '../../../src/resolver/pipeline/pipeline.ts';
import { EDE, EDNS_DO, formatName, RCODE } from '../../../src/wire/dns/dns.ts';
import { clientsOf } from '../../support/clients.ts';
import { buildResponse, type MessageText } from '../../support/records.ts';
import { type Asked, answerAsked, Bench, CLIENT, createRules, edeOf, onlyAnswer, rcodeOf } from './setup.ts';

const QUESTION = 'a.example. A';
const RECORD = 'a.example. 60 IN A 203.0.113.1';
const STALE_RECORD = 'a.example. 30 IN A 203.0.113.1';
const LIFETIME_MS = 60_000;
const STALE_MAX_MS = 3_600_000;
const AFTER_MS = 1800;

const open = (rules: Partial<PipelineRules> = {}): Bench => {
  const stale = { afterMs: AFTER_MS, ttlSec: 30 };
  const bench = new Bench({ ...createRules(), stale, ...rules });
  bench.cache.setStale(STALE_MAX_MS);
  return bench;
};

/** A bench whose cache holds an answer that is over. */
const openWithStale = (rules: Partial<PipelineRules> = {}): Bench => {
  const bench = open(rules);
  bench.ask(QUESTION);
  answerAsked(bench.asked.shift(), QUESTION, { answer: [RECORD] });
  bench.nowMs += LIFETIME_MS;
  return bench;
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('an answer that is over', () => {
  test('is given when the upstreams fail, with the TTL of stale answers and EDE 3', () => {
    const bench = openWithStale();
    const answers = bench.ask(QUESTION);
    expect(answers).toEqual([]);
    bench.asked.shift()?.done({ kind: 'failure', reason: 'timeout' });
    const answer = onlyAnswer(answers);
    expect(answer).toMatchObject({ answer: [STALE_RECORD] });
    expect(edeOf(answer)).toEqual([EDE.STALE_ANSWER]);
    expect(bench.counts).toContain('answer 8 0');
  });

  test('is given at once while the failure is remembered', () => {
    const bench = openWithStale();
    bench.ask(QUESTION);
    bench.asked.shift()?.done({ kind: 'failure', reason: 'servfail' });
    expect(onlyAnswer(bench.ask(QUESTION))).toMatchObject({ answer: [STALE_RECORD] });
    // For five seconds nobody asks again (RFC 8767 section 5).
    bench.nowMs += 4999;
    expect(onlyAnswer(bench.ask(QUESTION))).toMatchObject({ answer: [STALE_RECORD] });
    expect(bench.asked).toEqual([]);
    bench.nowMs += 1;
    bench.ask(QUESTION);
    expect(bench.asked).toHaveLength(1);
  });

  test('is given when the fresh one takes longer than clients wait, and the fresh one is kept when it comes', () => {
    const bench = openWithStale();
    const answers = bench.ask(QUESTION);
    vi.advanceTimersByTime(AFTER_MS - 1);
    expect(answers).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(onlyAnswer(answers)).toMatchObject({ answer: [STALE_RECORD] });
    // Whoever comes now does not wait again.
    expect(onlyAnswer(bench.ask(QUESTION))).toMatchObject({ answer: [STALE_RECORD] });
    expect(bench.asked).toHaveLength(1);
    answerAsked(bench.asked.shift(), QUESTION, { answer: ['a.example. 60 IN A 203.0.113.2'] });
    expect(answers).toHaveLength(1);
    const fresh = onlyAnswer(bench.ask(QUESTION));
    expect(fresh).toMatchObject({ answer: ['a.example. 60 IN A 203.0.113.2'] });
    expect(edeOf(fresh)).toEqual([]);
  });

  test('is given at once where clients do not wait, and is fetched anew', () => {
    const bench = openWithStale({ stale: { afterMs: 0, ttlSec: 30 } });
    expect(onlyAnswer(bench.ask(QUESTION))).toMatchObject({ answer: [STALE_RECORD] });
    expect(bench.asked).toHaveLength(1);
    expect(onlyAnswer(bench.ask(QUESTION))).toMatchObject({ answer: [STALE_RECORD] });
    expect(bench.asked).toHaveLength(1);
  });

  test('that says that the name does not exist carries EDE 19', () => {
    const bench = open();
    const authority = ['example. 60 IN SOA ns.example. host.example. 1 2 3 4 60'];
    bench.ask(QUESTION);
    answerAsked(bench.asked.shift(), QUESTION, { flags: 0x8180 | RCODE.NXDOMAIN, authority });
    bench.nowMs += LIFETIME_MS;
    const answers = bench.ask(QUESTION);
    bench.asked.shift()?.done({ kind: 'failure', reason: 'network' });
    const answer = onlyAnswer(answers);
    expect(rcodeOf(answer)).toBe(RCODE.NXDOMAIN);
    expect(edeOf(answer)).toEqual([EDE.STALE_NXDOMAIN_ANSWER]);
  });

  test('is not given when it is over for longer than it may be', () => {
    const bench = openWithStale();
    bench.nowMs += STALE_MAX_MS;
    const answers = bench.ask(QUESTION);
    bench.asked.shift()?.done({ kind: 'failure', reason: 'timeout' });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.SERVFAIL);
  });

  test('is not given in place of an answer that is bogus', () => {
    const bench = openWithStale();
    const answers = bench.ask(QUESTION);
    bench.asked.shift()?.done({ kind: 'bogus', code: EDE.DNSSEC_BOGUS, text: 'example.' });
    const answer = onlyAnswer(answers);
    expect([rcodeOf(answer), edeOf(answer)]).toEqual([RCODE.SERVFAIL, [EDE.DNSSEC_BOGUS]]);
    const again = onlyAnswer(bench.ask(QUESTION));
    expect([rcodeOf(again), edeOf(again)]).toEqual([RCODE.SERVFAIL, [EDE.DNSSEC_BOGUS]]);
  });

  test('is refused when it leads to a name that is listed by now', () => {
    const bench = open();
    const answer = ['a.example. 60 IN CNAME www.tiktok.example.', 'www.tiktok.example. 60 IN A 192.0.2.1'];
    bench.ask(QUESTION);
    answerAsked(bench.asked.shift(), QUESTION, { answer });
    bench.nowMs += LIFETIME_MS;
    const listed = createRules({ lists: [['tiktok.example.']] });
    bench.pipeline.setRules({ ...listed, stale: { afterMs: AFTER_MS, ttlSec: 30 } });
    const answers = bench.ask(QUESTION);
    bench.asked.shift()?.done({ kind: 'failure', reason: 'timeout' });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.NXDOMAIN);
  });
});

test('an answer that may not be kept takes the place of one that is over', () => {
  const bench = openWithStale({ stale: { afterMs: 0, ttlSec: 30 } });
  bench.ask(QUESTION);
  answerAsked(bench.asked.shift(), QUESTION, { answer: ['a.example. 0 IN A 203.0.113.9'] });
  expect(bench.ask(QUESTION)).toEqual([]);
  expect(bench.asked).toHaveLength(1);
});

test('who asks for DNSSEC records gets an answer that is over without them, when there is no other', () => {
  const bench = openWithStale();
  const answers = bench.ask(QUESTION, { edns: { ttl: EDNS_DO } });
  bench.asked.shift()?.done({ kind: 'failure', reason: 'timeout' });
  expect(onlyAnswer(answers)).toMatchObject({ answer: [STALE_RECORD] });
});

test('who asks for DNSSEC records gets a fresh answer without them when the upstreams fail, with what is left of it', () => {
  const bench = open();
  bench.ask(QUESTION);
  answerAsked(bench.asked.shift(), QUESTION, { answer: [RECORD] });
  bench.nowMs += 10_000;
  const answers = bench.ask(QUESTION, { edns: { ttl: EDNS_DO } });
  expect(answers).toEqual([]);
  bench.asked.shift()?.done({ kind: 'failure', reason: 'servfail' });
  const answer = onlyAnswer(answers);
  expect(answer).toMatchObject({ answer: ['a.example. 50 IN A 203.0.113.1'] });
  expect(edeOf(answer)).toEqual([]);
});

test('nor is it given beside a newer answer with them that may not be kept', () => {
  const bench = openWithStale({ stale: { afterMs: 0, ttlSec: 30 } });
  const isOk = { edns: { ttl: EDNS_DO } };
  expect(bench.ask(QUESTION, isOk)).toHaveLength(1);
  answerAsked(bench.asked.shift(), QUESTION, { answer: ['a.example. 0 IN A 203.0.113.9'] });
  expect(bench.ask(QUESTION, isOk)).toEqual([]);
});

test('an answer that is over and that a rule leads elsewhere is asked for anew, then followed', () => {
  const bench = open();
  bench.ask(QUESTION);
  answerAsked(bench.asked.shift(), QUESTION, { answer: [RECORD] });
  bench.nowMs += LIFETIME_MS;
  const rules = createRules({ lists: [['203.0.113.0/24 => CNAME garden.example.']] });
  bench.pipeline.setRules({ ...rules, stale: { afterMs: 0, ttlSec: 30 } });
  const answers = bench.ask(QUESTION);
  expect(bench.asked.map(({ question }) => formatName(question.name))).toEqual(['a.example.']);
  answerAsked(bench.asked.shift(), QUESTION, { answer: [RECORD] });
  expect(bench.asked.map(({ question }) => formatName(question.name))).toEqual(['garden.example.']);
  const garden = ['garden.example. 60 IN A 198.51.100.1'];
  answerAsked(bench.asked.shift(), 'garden.example. A', { answer: garden });
  expect(onlyAnswer(answers).answer).toEqual(['a.example. 5 IN CNAME garden.example.', ...garden]);
});

test('nobody waits for a refresh', () => {
  const bench = openWithStale({ stale: { afterMs: 0, ttlSec: 30 } });
  bench.ask(QUESTION);
  expect(bench.asked).toHaveLength(1);
  expect(bench.pipeline.waiting).toBe(0);
});

test('a question after the resolver was replaced shares no answer of the one before', () => {
  const bench = open();
  const before = bench.ask(QUESTION);
  const asked: Asked[] = [];
  bench.pipeline.setResolver({ resolve: (question, done) => void asked.push({ question, done }) });
  const after = bench.ask(QUESTION);
  expect([bench.asked.length, asked.length, bench.pipeline.waiting]).toEqual([1, 1, 2]);
  answerAsked(bench.asked.shift(), QUESTION, { answer: ['a.example. 60 IN A 203.0.113.1'] });
  expect([before.length, after.length]).toEqual([1, 0]);
  answerAsked(asked[0], QUESTION, { answer: ['a.example. 60 IN A 203.0.113.2'] });
  expect(onlyAnswer(after)).toMatchObject({ answer: ['a.example. 60 IN A 203.0.113.2'] });
  expect(bench.pipeline.waiting).toBe(0);
});

describe('prefetch', () => {
  test('an answer that is asked for shortly before it is over is fetched anew, once', () => {
    const bench = open({ prefetch: true });
    bench.ask(QUESTION);
    answerAsked(bench.asked.shift(), QUESTION, { answer: [RECORD] });
    bench.nowMs += LIFETIME_MS * 0.89;
    expect(bench.ask(QUESTION)).toHaveLength(1);
    expect(bench.asked).toEqual([]);
    bench.nowMs += LIFETIME_MS * 0.02;
    expect(bench.ask(QUESTION)).toHaveLength(1);
    expect(bench.ask(QUESTION)).toHaveLength(1);
    expect(bench.asked).toHaveLength(1);
    expect(bench.counts.filter((line) => line.startsWith('prefetched'))).toHaveLength(1);
    answerAsked(bench.asked.shift(), QUESTION, { answer: [RECORD] });
    bench.nowMs += LIFETIME_MS * 0.5;
    expect(onlyAnswer(bench.ask(QUESTION))).toMatchObject({ answer: ['a.example. 30 IN A 203.0.113.1'] });
    expect(bench.asked).toEqual([]);
  });

  test('a name that is refused is never fetched', () => {
    const bench = open({ prefetch: true });
    bench.ask(QUESTION);
    answerAsked(bench.asked.shift(), QUESTION, { answer: [RECORD] });
    bench.pipeline.setRules({ ...createRules({ lists: [['a.example.']] }), prefetch: true });
    bench.nowMs += LIFETIME_MS * 0.95;
    expect(rcodeOf(onlyAnswer(bench.ask(QUESTION)))).toBe(RCODE.NXDOMAIN);
    expect(bench.asked).toEqual([]);
  });
});

describe('fairness', () => {
  const fairness = { inflightMax: 8, share: 0.25 };
  const ask = (bench: Bench, index: number, client: string) => bench.ask(`n${index}.example. A`, {}, client);

  test('a client has its share when room is scarce, and others still have theirs', () => {
    const bench = open({ fairness });
    for (let i = 0; i < 4; i++) expect(ask(bench, i, CLIENT.DEFAULT)).toEqual([]);
    const refused = onlyAnswer(ask(bench, 4, CLIENT.DEFAULT));
    expect([rcodeOf(refused), edeOf(refused)]).toEqual([RCODE.SERVFAIL, [EDE.OTHER]]);
    expect(bench.counts).toContain('shed');
    expect(ask(bench, 5, CLIENT.LAB)).toEqual([]);
    // Not remembered as a failure of the question.
    expect(ask(bench, 4, CLIENT.LAB)).toEqual([]);
    for (const { done } of bench.asked.splice(0)) done({ kind: 'failure', reason: 'timeout' });
    expect(ask(bench, 6, CLIENT.DEFAULT)).toEqual([]);
  });
});

test('the EDE of an upstream that failed is passed on', () => {
  const bench = open();
  const options = Uint8Array.of(0, 15, 0, 3, 0, EDE.NOT_READY, 0x78);
  const message = buildResponse({ question: QUESTION, flags: 0x8182, edns: { options } });
  const answers = bench.ask(QUESTION);
  bench.asked.shift()?.done({ kind: 'failure', reason: 'servfail', message });
  expect(edeOf(onlyAnswer(answers))).toEqual([EDE.NOT_READY]);
});

test('the EDE of an answer is passed on, from the cache as well', () => {
  const bench = open();
  const options = Uint8Array.of(0, 15, 0, 3, 0, EDE.STALE_ANSWER, 0x78);
  const answers = bench.ask(QUESTION);
  answerAsked(bench.asked.shift(), QUESTION, { answer: [RECORD], edns: { options } });
  expect(edeOf(onlyAnswer(answers))).toEqual([EDE.STALE_ANSWER]);
  expect(edeOf(onlyAnswer(bench.ask(QUESTION)))).toEqual([EDE.STALE_ANSWER]);
});

test('a group with upstreams of its own has a place of its own in the cache', () => {
  const lab = parsePrefix('192.0.2.128/25');
  const anybody = parsePrefix('192.0.2.0/24');
  if (lab === undefined || anybody === undefined) throw new TypeError('not a prefix');
  const access = { allow: [anybody], groups: [[], [lab]], listeners: [[], []], views: [0, 7] };
  const bench = open({ clients: clientsOf(access) });
  bench.ask(QUESTION);
  const answers = bench.ask(QUESTION, {}, CLIENT.LAB);
  expect(bench.asked.map(({ question }) => question.view)).toEqual([0, 7]);
  answerAsked(bench.asked[1], QUESTION, { answer: ['a.example. 60 IN A 203.0.113.7'] });
  expect(onlyAnswer(answers)).toMatchObject({ answer: ['a.example. 60 IN A 203.0.113.7'] });
  expect(bench.ask(QUESTION, { id: 2 })).toEqual([]);
  expect(bench.ask(QUESTION, {}, CLIENT.LAB)).toHaveLength(1);
});

describe('records that do not answer the question', () => {
  const answerOf = (question: string, text: MessageText, isDnssecOk = false) => {
    const bench = open();
    const edns = { edns: { ttl: isDnssecOk ? EDNS_DO : 0 } };
    const answers = bench.ask(question, edns);
    answerAsked(bench.asked.shift(), question, text);
    return onlyAnswer(answers);
  };

  test('are not given to clients', () => {
    const answer = [RECORD, 'www.bank.example. 60 IN A 203.0.113.66'];
    expect(answerOf(QUESTION, { answer }).answer).toEqual([RECORD]);
  });

  test('are not given when only their type was not asked for', () => {
    const answer = [RECORD, 'a.example. 60 IN TXT "not asked for"', 'a.example. 60 IN AAAA 2001:db8::1'];
    expect(answerOf(QUESTION, { answer }).answer).toEqual([RECORD]);
    const alias = ['a.example. 60 IN CNAME b.example.', 'b.example. 60 IN A 203.0.113.1'];
    expect(answerOf(QUESTION, { answer: [...alias, 'b.example. 60 IN MX 1 c.example.'] }).answer).toEqual(
      alias,
    );
  });

  test.each([
    ['a DS of two bytes', 'a.example. DS', 'a.example. 60 IN DS \\# 2 0000'],
    ['a DNSKEY of three bytes', 'a.example. DNSKEY', 'a.example. 60 IN DNSKEY \\# 3 000000'],
    ['an SSHFP of one byte', 'a.example. SSHFP', 'a.example. 60 IN SSHFP \\# 1 00'],
  ])('make no answer when they are malformed: %s', (_what, question, record) => {
    const given = answerOf(question, { answer: [record] });
    expect([rcodeOf(given), given.answer]).toEqual([RCODE.SERVFAIL, []]);
  });

  test('of DNSSEC leave AUTHORITY without DO, also when their type was asked for', () => {
    const soa = 'example. 60 IN SOA ns.example. admin.example. 1 3600 600 86400 60';
    const nsec = 'a.example. 60 IN NSEC b.example. A';
    const negative = { authority: [soa, nsec] };
    expect(answerOf('a.example. NSEC', negative).authority).toEqual([soa]);
    expect(answerOf('a.example. NSEC', negative, true).authority).toEqual([soa, nsec]);
  });

  test('are eight signatures over one RRset at most', () => {
    const signature = (tag: number): string =>
      `a.example. 60 IN RRSIG A 13 2 60 20300101000000 20200101000000 ${tag} example. AAAA`;
    const answer = [RECORD, ...Array.from({ length: 20 }, (_, index) => signature(index))];
    expect(answerOf(QUESTION, { answer }, true).answer).toEqual(answer.slice(0, 9));
  });

  test('aliases are followed in whatever order they stand', () => {
    const answer = [
      'c.example. 60 IN A 203.0.113.1',
      'b.example. 60 IN CNAME c.example.',
      'x.example. 60 IN A 203.0.113.66',
      'a.example. 60 IN CNAME b.example.',
    ];
    expect(answerOf(QUESTION, { answer }).answer).toEqual(answer.filter((line) => !line.startsWith('x')));
  });

  test('a chain in order, with its DNAME, is given as it is', () => {
    const answer = [
      'example. 60 IN DNAME example.net.',
      'a.example. 60 IN CNAME a.example.net.',
      'a.example.net. 60 IN A 203.0.113.1',
    ];
    expect(answerOf(QUESTION, { answer }).answer).toEqual(answer);
  });

  test('an SOA of another zone makes nothing negative that is kept', () => {
    const bench = open();
    const authority = ['bank.example. 60 IN SOA ns.example. host.example. 1 2 3 4 60'];
    bench.ask(QUESTION);
    answerAsked(bench.asked.shift(), QUESTION, { flags: 0x8183, authority });
    expect(bench.ask(QUESTION)).toEqual([]);
    expect(bench.asked).toHaveLength(1);
  });

  test('addresses of name servers are not part of the proof', () => {
    const authority = [
      'example. 60 IN SOA ns.example. host.example. 1 2 3 4 60',
      'ns.example. 60 IN A 203.0.113.66',
    ];
    expect(answerOf(QUESTION, { authority }, true).authority).toHaveLength(1);
  });
});
