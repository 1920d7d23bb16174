// The order in which a query is decided: each step with a query that later steps would decide otherwise.
import { describe, expect, test } from 'vitest';
import { DROP, DROPPED, SOURCE, TRANSPORT } from '../../../src/resolver/pipeline/pipeline.ts';
import { CLASS, EDE, EDNS_DO, FLAG, RCODE, TYPE } from '../../../src/wire/dns/dns.ts';
import { clientsOf } from '../../support/clients.ts';
import { buildQuery, type MessageText } from '../../support/records.ts';
import {
  answerAsked,
  Bench,
  CLIENT,
  createRules,
  edeOf,
  onlyAnswer,
  prefixes,
  type RuleText,
  rcodeOf,
} from './setup.ts';

const VERSION_1 = { edns: { ttl: 0x0001_0000 } };
const TSIG = { additional: ['key.example. 0 ANY TYPE250 \\# 0'] };
const LISTED = 'www.tiktok.example.';
const RULES: RuleText = { lists: [['tiktok.example', 'localhost', '192.0.2.0/24']] };

interface Case {
  readonly question?: string;
  readonly query?: MessageText;
  readonly client?: string;
  readonly rules?: RuleText;
  readonly rcode: number;
  readonly ede?: number[];
  readonly source: number;
}

test.each<[string, Case]>([
  [
    'a client that may not ask learns nothing, whatever else is wrong',
    {
      query: VERSION_1,
      client: CLIENT.OUTSIDE,
      rcode: RCODE.REFUSED,
      ede: [EDE.PROHIBITED],
      source: SOURCE.ACCESS,
    },
  ],
  [
    'access comes before the policy is ready',
    {
      client: CLIENT.OUTSIDE,
      rules: { isReady: false },
      rcode: RCODE.REFUSED,
      ede: [EDE.PROHIBITED],
      source: SOURCE.ACCESS,
    },
  ],
  [
    'EDNS version 1 comes before the policy',
    { query: VERSION_1, rcode: RCODE.BADVERS, source: SOURCE.PROTOCOL },
  ],
  [
    'TSIG comes before the policy',
    { query: { ...TSIG, edns: {} }, rcode: RCODE.NOTAUTH, source: SOURCE.PROTOCOL },
  ],
  [
    'another class comes before the policy',
    { question: `${LISTED} CH TXT`, rcode: RCODE.REFUSED, ede: [EDE.NOT_SUPPORTED], source: SOURCE.PROTOCOL },
  ],
  [
    'class ANY too',
    { question: `${LISTED} ANY A`, rcode: RCODE.REFUSED, ede: [EDE.NOT_SUPPORTED], source: SOURCE.PROTOCOL },
  ],
  [
    'without a policy nothing is answered',
    {
      question: 'example.com. A',
      rules: { isReady: false },
      rcode: RCODE.SERVFAIL,
      ede: [EDE.NOT_READY],
      source: SOURCE.NOT_READY,
    },
  ],
  [
    'without a policy local names are not answered either',
    {
      question: 'localhost. A',
      rules: { isReady: false },
      rcode: RCODE.SERVFAIL,
      ede: [EDE.NOT_READY],
      source: SOURCE.NOT_READY,
    },
  ],
  [
    'a local name comes before the lists',
    { question: 'localhost. A', rcode: RCODE.NOERROR, source: SOURCE.LOCAL },
  ],
  [
    'a local name that is forwarded is judged by the lists',
    {
      question: 'a.home.arpa. A',
      rules: { lists: [['home.arpa']], forwarded: ['home.arpa'] },
      rcode: RCODE.NXDOMAIN,
      ede: [EDE.BLOCKED],
      source: SOURCE.POLICY,
    },
  ],
  ...[
    'A',
    'AAAA',
    'HTTPS',
    'SVCB',
    'TXT',
    'MX',
    'NS',
    'SOA',
    'DS',
    'CNAME',
    'ANY',
    'AXFR',
    'IXFR',
    'OPT',
    'TKEY',
    'MAILB',
    'RRSIG',
    'TYPE65280',
    'TYPE0',
  ].map((type): [string, Case] => [
    `a listed name is refused for ${type}`,
    { question: `${LISTED} ${type}`, rcode: RCODE.NXDOMAIN, ede: [EDE.BLOCKED], source: SOURCE.POLICY },
  ]),
  [
    'a listed name is refused without RD',
    { query: { flags: 0, edns: {} }, rcode: RCODE.NXDOMAIN, ede: [EDE.BLOCKED], source: SOURCE.POLICY },
  ],
  [
    'a listed name is refused with CD and DO',
    {
      query: { flags: FLAG.RD | FLAG.CD | FLAG.AD, edns: { ttl: EDNS_DO } },
      rcode: RCODE.NXDOMAIN,
      ede: [EDE.BLOCKED],
      source: SOURCE.POLICY,
    },
  ],
  [
    'a listed name is refused in capitals',
    { question: 'WWW.TikTok.EXAMPLE. A', rcode: RCODE.NXDOMAIN, ede: [EDE.BLOCKED], source: SOURCE.POLICY },
  ],
  [
    'AXFR is refused',
    {
      question: 'example.com. AXFR',
      rcode: RCODE.REFUSED,
      ede: [EDE.NOT_SUPPORTED],
      source: SOURCE.PROTOCOL,
    },
  ],
  [
    'IXFR is refused',
    {
      question: 'example.com. IXFR',
      rcode: RCODE.REFUSED,
      ede: [EDE.NOT_SUPPORTED],
      source: SOURCE.PROTOCOL,
    },
  ],
  [
    'MAILB is not implemented',
    {
      question: 'example.com. MAILB',
      rcode: RCODE.NOTIMP,
      ede: [EDE.NOT_SUPPORTED],
      source: SOURCE.PROTOCOL,
    },
  ],
  ...['OPT', 'NXNAME', 'TYPE129', 'TYPE248', 'TKEY', 'TSIG'].map((type): [string, Case] => [
    `a question for ${type} is malformed`,
    {
      question: `example.com. ${type}`,
      rcode: RCODE.FORMERR,
      ede: [EDE.INVALID_QUERY_TYPE],
      source: SOURCE.PROTOCOL,
    },
  ]),
  [
    'MAILA is not implemented',
    {
      question: 'example.com. MAILA',
      rcode: RCODE.NOTIMP,
      ede: [EDE.NOT_SUPPORTED],
      source: SOURCE.PROTOCOL,
    },
  ],
  ['ANY gets one record', { question: 'example.com. ANY', rcode: RCODE.NOERROR, source: SOURCE.LOCAL }],
  [
    'without RD the cache stays shut',
    {
      question: 'example.com. A',
      query: { flags: 0, edns: {} },
      rcode: RCODE.REFUSED,
      ede: [EDE.NOT_AUTHORITATIVE],
      source: SOURCE.PROTOCOL,
    },
  ],
])('%s', (_name, { question = `${LISTED} A`, query = {}, client, rules = {}, rcode, ede = [], source }) => {
  const bench = new Bench({ ...RULES, ...rules });
  const message = onlyAnswer(bench.ask(question, query, client));
  expect(rcodeOf(message)).toBe(rcode);
  expect(edeOf(message)).toEqual(ede);
  expect(bench.counts.filter((line) => line.startsWith('answer'))).toEqual([`answer ${source} ${rcode}`]);
  expect(bench.asked).toEqual([]);
  expect(bench.pipeline.waiting).toBe(0);
});

describe('what is no query', () => {
  const plain = buildQuery('www.example.com. A');
  const changed = (at: number, value: number): Uint8Array => {
    const bytes = plain.slice();
    bytes[at] = value;
    return bytes;
  };

  test.each<[string, Uint8Array, number]>([
    ['a response', changed(2, 0x80), DROP.QR_SET],
    ['eleven bytes', plain.slice(0, 11), DROP.SHORT],
    ['nothing', new Uint8Array(0), DROP.SHORT],
  ])('%s gets no answer', (_name, bytes, reason) => {
    const bench = new Bench();
    expect(bench.send(bytes)).toEqual({ answers: [], decided: DROPPED });
    expect(bench.counts).toEqual([`dropped ${reason}`]);
  });

  test.each<[string, Uint8Array, number, string]>([
    ['another opcode', changed(2, 0x28), RCODE.NOTIMP, ''],
    ['no question', changed(5, 0), RCODE.FORMERR, ''],
    ['two questions', changed(5, 2), RCODE.FORMERR, ''],
    [
      'bytes behind the question',
      Uint8Array.from([...changed(11, 1), 1]),
      RCODE.FORMERR,
      'www.example.com. A',
    ],
    [
      'a record in ANSWER',
      Uint8Array.from([...changed(7, 1), 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]),
      RCODE.FORMERR,
      'www.example.com. A',
    ],
  ])('%s is told so', (_name, bytes, rcode, question) => {
    const bench = new Bench();
    const message = onlyAnswer(bench.send(bytes).answers);
    expect(message).toMatchObject({ id: 1, question, isSound: true, answer: [], opt: undefined });
    expect(rcodeOf(message)).toBe(rcode);
    expect(bench.counts).toEqual([`answer ${SOURCE.PROTOCOL} ${rcode}`]);
  });
});

describe('an answer that leads to something listed', () => {
  test.each([
    ['an alias', 'CNAME', 'www.tiktok.example.'],
    ['an address', 'A', '192.0.2.7'],
    ['a mapped address', 'AAAA', '::ffff:192.0.2.7'],
    ['a service', 'HTTPS', '1 www.tiktok.example.'],
  ])('%s is refused at once and from the cache', (_name, type, rdata) => {
    const bench = new Bench(RULES);
    const question = `a.example. ${type}`;
    const record = `a.example. 60 IN ${type} ${rdata}`;
    const answers = bench.ask(question);
    answerAsked(bench.asked[0], question, { answer: [record] });
    for (const list of [answers, bench.ask(question)]) {
      const message = onlyAnswer(list);
      expect(rcodeOf(message)).toBe(RCODE.NXDOMAIN);
      expect(message.answer).toEqual([]);
      expect(edeOf(message)).toEqual([EDE.BLOCKED]);
    }
    // The answer, not the verdict, is kept: a client of another group gets it without another question upstream.
    expect(onlyAnswer(bench.ask(question, {}, CLIENT.LAB)).answer).toEqual([record]);
    expect(bench.asked).toHaveLength(1);
  });

  test('one with more targets than are followed is not served and not kept', () => {
    const bench = new Bench();
    const answers = bench.ask('a.example. A');
    const answer = Array.from({ length: 129 }, (_, index) => `a.example. 60 IN CNAME n${index}.example.`);
    answerAsked(bench.asked[0], 'a.example. A', { answer });
    const message = onlyAnswer(answers);
    expect(rcodeOf(message)).toBe(RCODE.SERVFAIL);
    expect(edeOf(message)).toEqual([EDE.INVALID_DATA]);
    expect(bench.cache.entries).toBe(0);
  });
});

test.each(['DEFAULT', 'STAFF'] as const)(
  'a refusal names list, match, trigger, group and type: %s',
  (client) => {
    const bench = new Bench(RULES);
    bench.ask(`${LISTED} A`, {}, CLIENT[client]);
    const group = client === 'STAFF' ? 2 : 0;
    expect(bench.counts).toEqual([
      `query ${TRANSPORT.UDP} ${TYPE.A}`,
      `refusal 0 1 0 ${group} ${TYPE.A}`,
      `answer ${SOURCE.POLICY} ${RCODE.NXDOMAIN}`,
    ]);
  },
);

test('no class but IN reaches the resolver', () => {
  const bench = new Bench();
  for (const name of Object.keys(CLASS).filter((key) => key !== 'IN')) bench.ask(`example.com. ${name} A`);
  expect(bench.asked).toEqual([]);
});

describe('an answer that was found to concern no list', () => {
  const ADDRESS = { answer: ['a.example. 60 IN CNAME b.example.', 'b.example. 60 IN A 198.51.100.1'] };
  /** A pipeline that has given the answer three times: the last one without judging it. */
  const open = (rules: RuleText): Bench => {
    const bench = new Bench(rules);
    bench.ask('a.example. A');
    answerAsked(bench.asked[0], 'a.example. A', ADDRESS);
    for (let again = 0; again < 3; again++) expect(bench.ask('a.example. A')).toHaveLength(1);
    return bench;
  };

  test.each([['=a.example'], ['b.example'], ['198.51.100.0/24'], ['client:192.0.2.1/32'], ['/^b/']])(
    'is refused once %s is listed',
    (rule) => {
      const bench = open({ lists: [['other.example']] });
      bench.pipeline.setRules(createRules({ lists: [[rule]] }));
      for (let again = 0; again < 3; again++) {
        expect(rcodeOf(onlyAnswer(bench.ask('a.example. A')))).toBe(RCODE.NXDOMAIN);
      }
      expect(bench.asked).toHaveLength(1);
    },
  );

  test('is refused for another group that has the list', () => {
    const bench = open({ lists: [['b.example']], masks: [0, 1, 1] });
    expect(rcodeOf(onlyAnswer(bench.ask('a.example. A', {}, CLIENT.LAB)))).toBe(RCODE.NXDOMAIN);
    expect(rcodeOf(onlyAnswer(bench.ask('a.example. A')))).toBe(RCODE.NOERROR);
  });

  test('is not given to who may not ask, nor without RD', () => {
    const bench = open({});
    expect(rcodeOf(onlyAnswer(bench.ask('a.example. A', {}, CLIENT.OUTSIDE)))).toBe(RCODE.REFUSED);
    expect(rcodeOf(onlyAnswer(bench.ask('a.example. A', { flags: 0 })))).toBe(RCODE.REFUSED);
  });

  test('is not given while no lists are loaded', () => {
    const bench = open({});
    bench.pipeline.setRules(createRules({ isReady: false }));
    expect(rcodeOf(onlyAnswer(bench.ask('a.example. A')))).toBe(RCODE.SERVFAIL);
  });
});

describe('a client that may ask without RD', () => {
  const WITHOUT_RD = { flags: 0, edns: {} };
  const RECORD = 'a.example. 60 IN A 198.51.100.1';
  const open = (): Bench => {
    const readCache = prefixes(CLIENT.DEFAULT);
    const clients = clientsOf({
      allow: prefixes('192.0.2.0/24'),
      readCache,
      groups: [[]],
      listeners: [[]],
    });
    return new Bench({ ...createRules({ lists: [['tiktok.example']] }), clients });
  };

  test('gets what the cache has, and nobody is asked for what it has not', () => {
    const bench = open();
    const unknown = onlyAnswer(bench.ask('a.example. A', WITHOUT_RD));
    expect([rcodeOf(unknown), edeOf(unknown)]).toEqual([RCODE.NOERROR, [EDE.NOT_AUTHORITATIVE]]);
    expect([unknown.answer, unknown.authority]).toEqual([[], []]);
    expect(bench.asked).toEqual([]);
    bench.ask('a.example. A');
    answerAsked(bench.asked[0], 'a.example. A', { answer: [RECORD] });
    const known = onlyAnswer(bench.ask('a.example. A', WITHOUT_RD));
    expect([rcodeOf(known), known.answer, known.flags & FLAG.RD]).toEqual([RCODE.NOERROR, [RECORD], 0]);
    expect(bench.asked).toHaveLength(1);
  });

  test('is refused what is listed', () => {
    expect(rcodeOf(onlyAnswer(open().ask('tiktok.example. A', WITHOUT_RD)))).toBe(RCODE.NXDOMAIN);
  });

  test('is nobody else', () => {
    expect(rcodeOf(onlyAnswer(open().ask('a.example. A', WITHOUT_RD, CLIENT.LAB)))).toBe(RCODE.REFUSED);
  });
});

describe('a name that a list may be missing', () => {
  const ALIASED = {
    answer: ['a.example. 60 IN CNAME www.tiktok.example.', 'www.tiktok.example. 60 IN A 192.0.2.1'],
  };
  const open = (mandate: boolean): Bench =>
    new Bench({ lists: [['tiktok.example']], listChanges: [{ mandate }] });

  test('is one whose answer leads to a mandate list, on every refusal', () => {
    const bench = open(true);
    bench.ask('A.example. A');
    answerAsked(bench.asked[0], 'A.example. A', ALIASED);
    bench.ask('a.example. A');
    expect(bench.candidates).toEqual(Array(2).fill('a.example. list-0:1 1'));
  });

  test('is none that is listed itself, that passes, or that another list refuses', () => {
    const bench = open(true);
    bench.ask('www.tiktok.example. A');
    bench.ask('b.example. A');
    answerAsked(bench.asked[0], 'b.example. A', { answer: ['b.example. 60 IN A 192.0.2.1'] });
    expect(bench.candidates).toEqual([]);
    const other = open(false);
    other.ask('a.example. A');
    answerAsked(other.asked[0], 'a.example. A', ALIASED);
    expect(other.candidates).toEqual([]);
  });
});

test('a listener with a group decides for whoever asks it, when the query comes and when its answer does', () => {
  const bench = new Bench({ lists: [['b.example']], masks: [0, 1, 0] });
  const query = buildQuery('a.example. A', { edns: {} });
  const ask = (listener: string) => bench.send(query, CLIENT.DEFAULT, TRANSPORT.UDP, listener).answers;
  const [plain, lab] = [ask(''), ask('lab')];
  answerAsked(bench.asked[0], 'a.example. A', {
    answer: ['a.example. 60 IN CNAME b.example.', 'b.example. 60 IN A 192.0.2.1'],
  });
  expect(rcodeOf(onlyAnswer(plain))).toBe(RCODE.NOERROR);
  expect(rcodeOf(onlyAnswer(lab))).toBe(RCODE.NXDOMAIN);
  expect(rcodeOf(onlyAnswer(ask('')))).toBe(RCODE.NOERROR);
  expect(rcodeOf(onlyAnswer(ask('lab')))).toBe(RCODE.NXDOMAIN);
});
