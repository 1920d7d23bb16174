// Exemptions on the way of a query: what passes, for how long clients keep it, what is counted and told.
import { describe, expect, test } from 'vitest';
import { type AddressWords, createAddress, parseAddress } from '../../../src/base/base.ts';
import { compileExemptions, type SharedExemption } from '../../../src/policy/policy.ts';
import { PENDING, PORT_OF_PROBE, SOURCE, TRANSPORT } from '../../../src/resolver/pipeline/pipeline.ts';
import { FLAG, RCODE, TYPE } from '../../../src/wire/dns/dns.ts';
import { buildQuery, type ParsedMessage } from '../../support/records.ts';
import { foldedName } from '../policy/setup.ts';
import {
  answerAsked,
  Bench,
  CLIENT,
  createRules,
  onlyAnswer,
  prefixes,
  type RuleText,
  rcodeOf,
} from './setup.ts';

const addressOf = (text: string): AddressWords => {
  const words = createAddress();
  parseAddress(text, words);
  return words;
};

const QUESTION = 'www.tiktok.example. A';
const RECORD = 'www.tiktok.example. 3600 IN A 198.51.100.1';
const LISTED: RuleText = { lists: [['tiktok.example', '203.0.113.0/24']], masks: [1, 1, 1] };
/** What the clock of a Bench says at first. */
const NOW_MS = 1_000_000;
const BLOCK_TTL_SEC = 30;

const exemption = (changes: Partial<SharedExemption> = {}): SharedExemption => ({
  number: 7,
  fromMs: 0,
  untilMs: NOW_MS + 3_600_000,
  groups: [],
  clients: prefixes(`${CLIENT.DEFAULT}/32`),
  ...changes,
});

const benchWith = (rules: RuleText, ...exemptions: SharedExemption[]): Bench => {
  const bench = new Bench(rules);
  bench.pipeline.setExemptions(compileExemptions(exemptions));
  return bench;
};

/** Asks, has the resolver answer, and returns what the client got. */
const resolve = (bench: Bench, question: string, answer: string[], client?: string): ParsedMessage => {
  const answers = bench.ask(question, {}, client);
  if (answers.length === 0) answerAsked(bench.asked.at(-1), question, { answer });
  return onlyAnswer(answers);
};

const ttlsOf = (message: ParsedMessage): number[] =>
  [...message.answer, ...message.authority].map((record) => Number(record.split(' ')[1]));

const counted = (bench: Bench, word: string): string[] =>
  bench.counts.filter((line) => line.split(' ')[0] === word);

describe('an exempted client', () => {
  test('gets what it asked for; others are refused, and one hit is counted and told for one answer', () => {
    const bench = benchWith(LISTED, exemption());
    expect(resolve(bench, QUESTION, [RECORD]).answer).toEqual([
      `www.tiktok.example. ${BLOCK_TTL_SEC} IN A 198.51.100.1`,
    ]);
    expect(counted(bench, 'exempted')).toEqual(['exempted 0']);
    expect(counted(bench, 'refusal')).toEqual([]);
    expect(bench.events).toEqual(['exemption-hit 0:1 qname www.tiktok.example. A NOERROR ex=7']);
    expect(rcodeOf(onlyAnswer(bench.ask(QUESTION, {}, CLIENT.LAB)))).toBe(RCODE.NXDOMAIN);
    expect(bench.events.slice(1)).toEqual(['refusal 0:1 qname www.tiktok.example. A NXDOMAIN ede=15']);
    expect(counted(bench, 'exempted')).toHaveLength(1);
  });

  test('gets the answer of the cache, aged, and is counted again', () => {
    const bench = benchWith(LISTED, exemption());
    resolve(bench, QUESTION, ['www.tiktok.example. 20 IN A 198.51.100.1']);
    bench.nowMs += 5000;
    expect(ttlsOf(onlyAnswer(bench.ask(QUESTION)))).toEqual([15]);
    expect(counted(bench, 'exempted')).toHaveLength(2);
    expect(bench.asked).toHaveLength(1);
  });

  test('is refused what a list refuses that counts, and that is no hit', () => {
    const bench = benchWith(
      { lists: [['tiktok.example'], ['tiktok.example']], masks: [0b11, 0, 0] },
      exemption({ lists: ['list-0'] }),
    );
    expect(rcodeOf(onlyAnswer(bench.ask(QUESTION)))).toBe(RCODE.NXDOMAIN);
    expect(counted(bench, 'exempted')).toEqual([]);
    expect(bench.events).toEqual(['refusal 1:1 qname www.tiktok.example. A NXDOMAIN ede=15']);
  });

  test('is let pass by two exemptions: both count', () => {
    const bench = benchWith(
      { lists: [['tiktok.example'], ['www.tiktok.example']], masks: [0b11, 0, 0] },
      exemption({ number: 7, lists: ['list-0'] }),
      exemption({ number: 8, lists: ['list-1'] }),
    );
    resolve(bench, QUESTION, [RECORD]);
    expect(counted(bench, 'exempted')).toEqual(['exempted 0', 'exempted 1']);
    expect(bench.events).toEqual([
      'exemption-hit 0:1 qname www.tiktok.example. A NOERROR ex=7',
      'exemption-hit 1:1 qname www.tiktok.example. A NOERROR ex=8',
    ]);
  });

  test('may follow the whole answer to a name in scope, and is counted once for it', () => {
    const bench = benchWith(LISTED, exemption({ names: [foldedName('portal.example')] }));
    const answer = [
      'portal.example. 60 IN CNAME www.tiktok.example.',
      'www.tiktok.example. 60 IN A 203.0.113.9',
    ];
    expect(resolve(bench, 'portal.example. A', answer).answer).toHaveLength(2);
    expect(bench.events).toEqual([
      'exemption-hit 0:1 cname portal.example. A NOERROR target=www.tiktok.example. ex=7',
    ]);
    expect(
      rcodeOf(
        resolve(
          bench,
          'other.example. A',
          answer.map((line) => line.replace('portal', 'other')),
        ),
      ),
    ).toBe(RCODE.NXDOMAIN);
    expect(bench.events.slice(1)).toEqual([
      'refusal 0:1 cname other.example. A NXDOMAIN ede=15 target=www.tiktok.example.',
    ]);
    expect(counted(bench, 'exempted')).toHaveLength(1);
  });

  test('is told with the address that a rule names', () => {
    const bench = benchWith(LISTED, exemption());
    resolve(bench, 'a.example. A', ['a.example. 60 IN A 203.0.113.9']);
    expect(bench.events).toEqual([
      'exemption-hit 0:2 response-ip a.example. A NOERROR target=203.0.113.9 ex=7',
    ]);
  });

  test('is no other client for an answer that no rule concerns: the short way is the same', () => {
    const bench = benchWith(LISTED, exemption());
    resolve(bench, 'a.example. A', ['a.example. 3600 IN A 198.51.100.1']);
    bench.ask('a.example. A');
    expect(ttlsOf(onlyAnswer(bench.ask('a.example. A')))).toEqual([3600]);
    expect(bench.events).toEqual([]);
  });

  test('is told with the failure that it got', () => {
    const bench = benchWith(LISTED, exemption());
    bench.ask(QUESTION);
    bench.asked[0]?.done({ kind: 'failure', reason: 'timeout' });
    expect(bench.events).toEqual(['exemption-hit 0:1 qname www.tiktok.example. A SERVFAIL ex=7']);
  });
});

describe('what a client keeps', () => {
  test.each<[string, number, number, number]>([
    ['no longer than a refusal', 3_600_000, 3600, BLOCK_TTL_SEC],
    ['no longer than the exemption', 12_999, 3600, 12],
    ['not at all in its last second', 999, 3600, 0],
    ['no longer than it would anyway', 3_600_000, 5, 5],
  ])('%s', (_name, leftMs, ttl, expected) => {
    const bench = benchWith(LISTED, exemption({ untilMs: NOW_MS + leftMs }));
    const answer = [`www.tiktok.example. ${ttl} IN A 198.51.100.1`];
    expect(ttlsOf(resolve(bench, QUESTION, answer))).toEqual([expected]);
  });

  test('of a negative answer: the SOA as well', () => {
    const bench = benchWith(LISTED, exemption());
    const answers = bench.ask(QUESTION);
    answerAsked(bench.asked[0], QUESTION, {
      flags: FLAG.QR | FLAG.RA | RCODE.NXDOMAIN,
      authority: ['tiktok.example. 900 IN SOA a.example. b.example. 1 1 1 1 900'],
    });
    expect(ttlsOf(onlyAnswer(answers))).toEqual([BLOCK_TTL_SEC]);
  });

  test('of ANY', () => {
    const bench = benchWith(LISTED, exemption());
    expect(ttlsOf(onlyAnswer(bench.ask('www.tiktok.example. ANY')))).toEqual([BLOCK_TTL_SEC]);
  });

  test('of an answer that is over', () => {
    const rules = { ...createRules(LISTED), stale: { afterMs: 0, ttlSec: 60 } };
    const bench = new Bench(rules);
    bench.cache.setStale(86_400_000);
    bench.pipeline.setExemptions(compileExemptions([exemption()]));
    resolve(bench, QUESTION, [RECORD]);
    bench.nowMs += 3_599_000;
    expect(ttlsOf(onlyAnswer(bench.ask(QUESTION)))).toEqual([1]);
    bench.pipeline.setExemptions(compileExemptions([exemption({ untilMs: bench.nowMs + 86_400_000 })]));
    bench.nowMs += 2000;
    expect(ttlsOf(onlyAnswer(bench.ask(QUESTION)))).toEqual([BLOCK_TTL_SEC]);
    expect(counted(bench, 'answer').at(-1)).toBe(`answer ${SOURCE.STALE} ${RCODE.NOERROR}`);
  });

  test('does not change what others get of the same answer', () => {
    const bench = benchWith({ ...LISTED, masks: [1, 0, 1] }, exemption());
    resolve(bench, QUESTION, [RECORD]);
    expect(ttlsOf(onlyAnswer(bench.ask(QUESTION, {}, CLIENT.LAB)))).toEqual([3600]);
  });
});

describe('an exemption begins and ends by itself', () => {
  test.each<[number, boolean]>([
    [NOW_MS - 1, false],
    [NOW_MS, true],
    [NOW_MS + 9_999, true],
    [NOW_MS + 10_000, false],
  ])('at %i: %s', (nowMs, passes) => {
    const bench = benchWith(LISTED, exemption({ fromMs: NOW_MS, untilMs: NOW_MS + 10_000 }));
    bench.nowMs = nowMs;
    const { decided } = bench.send(buildQuery(QUESTION));
    expect(decided === PENDING).toBe(passes);
  });

  test('for a waiter it counts when the answer comes', () => {
    const bench = benchWith(LISTED, exemption({ untilMs: NOW_MS + 1000 }));
    const answers = bench.ask(QUESTION);
    bench.nowMs += 1000;
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.NXDOMAIN);
    expect(bench.events).toEqual(['refusal 0:1 qname www.tiktok.example. A NXDOMAIN ede=15']);
    expect(counted(bench, 'exempted')).toEqual([]);
  });

  test('when it is taken back, who waits is refused', () => {
    const bench = benchWith(LISTED, exemption());
    const answers = bench.ask(QUESTION);
    bench.pipeline.setExemptions(compileExemptions([]));
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.NXDOMAIN);
  });

  test('it outlives a change of the lists, and covers by the ids of the new ones', () => {
    const bench = benchWith(LISTED, exemption({ lists: ['list-1'] }));
    expect(rcodeOf(onlyAnswer(bench.ask(QUESTION)))).toBe(RCODE.NXDOMAIN);
    bench.pipeline.setRules(createRules({ lists: [['ads.example'], ['tiktok.example']] }));
    expect(resolve(bench, QUESTION, [RECORD]).answer).toHaveLength(1);
  });

  test('its schedule is looked at by setTime()', () => {
    const weekday = new Date(NOW_MS).getUTCDay();
    const schedule = { weekdays: [weekday], timeZone: 'UTC' };
    const bench = benchWith(LISTED, exemption({ untilMs: NOW_MS * 1e6, schedule }));
    expect(bench.send(buildQuery(QUESTION)).decided).toBe(PENDING);
    bench.nowMs += 86_400_000;
    bench.pipeline.setTime(bench.nowMs);
    expect(bench.send(buildQuery(QUESTION)).decided).toBeGreaterThan(0);
  });
});

describe('rules that lead elsewhere', () => {
  /** A mandate, and after it a list whose rule leads to a walled garden. */
  const ALIASING: RuleText = {
    lists: [['wall.example'], ['tiktok.example => CNAME www.wall.example.']],
    masks: [0b11, 0, 0],
  };
  const WALL = ['www.wall.example. 3600 IN A 198.51.100.9'];

  test('their target is judged by what counts for the question', () => {
    const bench = benchWith(ALIASING, exemption({ lists: ['list-0'] }));
    const answers = bench.ask(QUESTION);
    answerAsked(bench.asked[0], 'www.wall.example. A', { answer: WALL });
    const message = onlyAnswer(answers);
    expect(message.answer).toEqual([
      'www.tiktok.example. 5 IN CNAME www.wall.example.',
      `www.wall.example. ${BLOCK_TTL_SEC} IN A 198.51.100.9`,
    ]);
    expect(bench.events).toEqual([
      'refusal 1:1 qname www.tiktok.example. A NOERROR ede=15',
      'exemption-hit 0:1 qname www.tiktok.example. A NOERROR target=www.wall.example. ex=7',
    ]);
  });

  test('a rule that an exemption takes out while a query waits leads nowhere: the client asks again', () => {
    const bench = benchWith(ALIASING);
    const answers = bench.ask(QUESTION);
    bench.pipeline.setExemptions(compileExemptions([exemption()]));
    answerAsked(bench.asked[0], 'www.wall.example. A', { answer: WALL });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.SERVFAIL);
    expect(resolve(bench, QUESTION, [RECORD]).answer).toHaveLength(1);
  });

  test('what led there counts no longer than the exemption because of which it did', () => {
    const rules: RuleText = {
      lists: [['cdn.example'], ['edge.example => CNAME www.wall.example.']],
      masks: [0b11, 0, 0],
    };
    const bench = benchWith(rules, exemption({ lists: ['list-0'], untilMs: NOW_MS + 1000 }));
    const answers = bench.ask('a.example. A');
    const chain = [
      'a.example. 60 IN CNAME cdn.example.',
      'cdn.example. 60 IN CNAME edge.example.',
      'edge.example. 60 IN A 198.51.100.1',
    ];
    answerAsked(bench.asked[0], 'a.example. A', { answer: chain });
    expect(answers).toEqual([]);
    bench.nowMs += 1000;
    answerAsked(bench.asked[1], 'www.wall.example. A', { answer: WALL });
    expect(rcodeOf(onlyAnswer(answers))).toBe(RCODE.SERVFAIL);
    expect(rcodeOf(onlyAnswer(bench.ask('a.example. A')))).toBe(RCODE.NXDOMAIN);
  });
});

describe('the probe', () => {
  test('is answered as the client that it asks for, and leaves no trace of an attempt', () => {
    const bench = benchWith(LISTED, exemption());
    const ask = (question: string, client: string) =>
      bench.send(buildQuery(question, { edns: {} }), client, TRANSPORT.UDP, '', PORT_OF_PROBE);
    const exempt = ask(QUESTION, CLIENT.DEFAULT);
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    expect(ttlsOf(onlyAnswer(exempt.answers))).toEqual([BLOCK_TTL_SEC]);
    expect(rcodeOf(onlyAnswer(ask(QUESTION, CLIENT.LAB).answers))).toBe(RCODE.NXDOMAIN);
    expect(rcodeOf(onlyAnswer(ask(QUESTION, CLIENT.OUTSIDE).answers))).toBe(RCODE.REFUSED);
    ask('_dns.resolver.arpa. SVCB', CLIENT.LAB);
    const alias = ask('b.example. A', CLIENT.LAB);
    answerAsked(bench.asked[1], 'b.example. A', { answer: ['b.example. 60 IN CNAME tiktok.example.'] });
    expect(rcodeOf(onlyAnswer(alias.answers))).toBe(RCODE.NXDOMAIN);
    expect(bench.events).toEqual([]);
    expect(bench.candidates).toEqual([]);
    for (const word of ['refusal', 'exempted', 'bypass']) expect(counted(bench, word)).toEqual([]);
    expect(counted(bench, 'query')).toEqual([]);
    expect(counted(bench, 'probed')).toHaveLength(5);
    expect(bench.probeCounts.filter((line) => line.startsWith('query'))).toHaveLength(5);
    expect(bench.asked.map(({ question }) => question.type)).toEqual([TYPE.A, TYPE.A]);
  });

  test('takes no sign of a bypass with it: who is turned away behind it is counted as a client', () => {
    const bench = benchWith(LISTED, exemption());
    bench.send(buildQuery(QUESTION), CLIENT.LAB, TRANSPORT.UDP, '', PORT_OF_PROBE);
    expect(bench.pipeline.mayAsk(addressOf(CLIENT.OUTSIDE), '')).toBe(false);
    expect(counted(bench, 'bypass')).toHaveLength(1);
  });

  test('is known by its port where it asks a listener, also when it has gone before the answer came', () => {
    const bench = benchWith(LISTED, exemption());
    bench.probePorts.add(5353);
    const ask = (client: string) => bench.send(buildQuery(QUESTION), client, TRANSPORT.UDP, '', 5353).answers;
    expect(rcodeOf(onlyAnswer(ask(CLIENT.LAB)))).toBe(RCODE.NXDOMAIN);
    const answers = ask(CLIENT.DEFAULT);
    bench.probePorts.clear();
    answerAsked(bench.asked[0], QUESTION, { answer: [RECORD] });
    expect(ttlsOf(onlyAnswer(answers))).toEqual([BLOCK_TTL_SEC]);
    expect(bench.events).toEqual([]);
    for (const word of ['refusal', 'exempted']) expect(counted(bench, word)).toEqual([]);
  });
});
