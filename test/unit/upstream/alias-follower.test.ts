// Following aliases around an exchange that a test answers for: when it asks further, what comes of it, and its bounds.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  AliasFollower,
  type Exchange,
  type UpstreamOutcome,
} from '../../../src/resolver/upstream/upstream.ts';
import {
  EDE,
  FLAG,
  findEde,
  formatName,
  formatType,
  nameFrom,
  type Question,
  RCODE,
  readU16,
} from '../../../src/wire/dns/dns.ts';
import { createRandom, mutate } from '../../support/mutate.ts';
import { buildResponse, type MessageText, parseMessage } from '../../support/records.ts';
import { answer, ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { question, startForwarding } from './setup.ts';

const TIMEOUT_MS = 5000;
const FURTHER_QUESTIONS_MAX = 8;
const NXDOMAIN = FLAG.QR | FLAG.RD | FLAG.RA | RCODE.NXDOMAIN;
const SOA = 'example.net. 300 IN SOA ns.example.net. admin.example.net. 1 3600 1200 604800 300';
const RRSIG_TAIL = '13 2 300 20300101000000 20200101000000 1 example.com. AAAA';
const ALIAS = 'www.example.com. 300 IN CNAME www.example.net.';
const END = 'www.example.net. 60 IN A 192.0.2.1';

/** What the network says to `NAME TYPE`: records, raw bytes, or why there is nothing; `later` is silence. */
type Entry = MessageText | Uint8Array | UpstreamOutcome | 'later';
type Book = Readonly<Record<string, Entry>>;

/** Those who wait for an entry that says `later`. */
type Silent = (outcome: UpstreamOutcome) => void;

const toOutcome = (text: string, entry: Exclude<Entry, 'later'>): UpstreamOutcome => {
  if ('kind' in entry) return entry;
  const message = entry instanceof Uint8Array ? entry : buildResponse({ question: text, ...entry });
  return {
    kind: 'answer',
    message,
    endpoint: `server of ${text}`,
    rttMs: 5,
    isEncrypted: true,
    isOnly: false,
  };
};

const openBook = (book: Book) => {
  const asked: Question[] = [];
  const silent: Silent[] = [];
  const exchange: Exchange = {
    resolve(each, done) {
      asked.push(each);
      const text = `${formatName(each.name)} ${formatType(each.type)}`;
      const entry = book[text] ?? { kind: 'failure', reason: 'network', message: undefined };
      if (entry === 'later') silent.push(done);
      else done(toOutcome(text, entry));
    },
  };
  return { asked, silent, exchange };
};

const startFollowing = (
  text: string,
  book: Book,
  { flags = {}, isKeptHere = () => false }: { flags?: Partial<Question>; isKeptHere?: () => boolean } = {},
) => {
  const time = { nowMs: 0 };
  const { asked, silent, exchange } = openBook(book);
  const follower = new AliasFollower({
    exchange,
    timeoutMs: TIMEOUT_MS,
    clock: () => time.nowMs,
    isKeptHere,
  });
  const outcomes: UpstreamOutcome[] = [];
  const [name = '', type = ''] = text.split(' ');
  follower.resolve(question(name, type, flags), (outcome) => void outcomes.push(outcome));
  return { outcomes, asked, silent, time };
};

/** What one question comes to, at once. */
const follow = (text: string, book: Book, options: Parameters<typeof startFollowing>[2] = {}) => {
  const { outcomes, asked } = startFollowing(text, book, options);
  const [outcome] = outcomes;
  if (outcome === undefined || outcomes.length > 1) throw new Error(`${outcomes.length} outcomes`);
  const message = outcome.kind === 'answer' ? parseMessage(outcome.message) : undefined;
  return {
    outcome,
    message,
    rcode: (message?.flags ?? 0) & 0xf,
    questions: asked,
    asked: asked.map((each) => `${formatName(each.name)} ${formatType(each.type)}`),
  };
};

/** The EDE of a failure: its code. */
const edeOf = (outcome: UpstreamOutcome): number | undefined => {
  const { message } = outcome;
  const offset = message === undefined ? -1 : findEde(message);
  return message === undefined || offset < 0 ? undefined : readU16(message, offset);
};

/** The aliases that a failure tells. */
const aliasesOf = (outcome: UpstreamOutcome): readonly string[] | undefined =>
  outcome.kind === 'failure' && outcome.aliases !== undefined
    ? parseMessage(outcome.aliases).answer
    : undefined;

describe('an answer with an open end', () => {
  test('is completed by what the end is asked for', () => {
    const { message, asked, outcome } = follow('www.example.com. A', {
      'www.example.com. A': { answer: [ALIAS], authority: ['example.com. 300 IN NS ns.example.com.'] },
      'www.example.net. A': {
        answer: [END],
        authority: ['example.net. 300 IN NS ns.example.net.'],
        additional: ['ns.example.net. 300 IN A 192.0.2.53'],
      },
    });
    expect(asked).toEqual(['www.example.com. A', 'www.example.net. A']);
    expect(message).toMatchObject({
      question: 'www.example.com. A',
      answer: [ALIAS, END],
      authority: ['example.net. 300 IN NS ns.example.net.'],
      additional: [],
      isSound: true,
    });
    expect(outcome).toMatchObject({ endpoint: 'server of www.example.net. A', rttMs: 10, isEncrypted: true });
  });

  test('has the RCODE, the SOA and the EDE of the last part', () => {
    const ede = Uint8Array.of(0, 15, 0, 2, 0, 3);
    const { message, rcode, outcome } = follow('www.example.com. A', {
      'www.example.com. A': { answer: [ALIAS], edns: { options: Uint8Array.of(0, 15, 0, 2, 0, 9) } },
      'www.example.net. A': { flags: NXDOMAIN, authority: [SOA], edns: { options: ede } },
    });
    expect({ rcode, answer: message?.answer, authority: message?.authority }).toEqual({
      rcode: RCODE.NXDOMAIN,
      answer: [ALIAS],
      authority: [SOA],
    });
    expect(edeOf(outcome)).toBe(3);
  });

  test('is followed over several parts, each with several aliases, in any order', () => {
    const { message, asked } = follow('a.test. A', {
      'a.test. A': { answer: ['b.test. 1 IN CNAME C.test.', 'a.test. 2 IN CNAME b.test.'] },
      'C.test. A': { answer: ['c.test. 3 IN CNAME d.test.'] },
      'd.test. A': { answer: ['d.test. 4 IN CNAME e.test.', 'e.test. 5 IN A 192.0.2.1'] },
    });
    expect(asked).toEqual(['a.test. A', 'C.test. A', 'd.test. A']);
    expect(message?.answer).toEqual([
      'b.test. 1 IN CNAME C.test.',
      'a.test. 2 IN CNAME b.test.',
      'C.test. 3 IN CNAME d.test.',
      'd.test. 4 IN CNAME e.test.',
      'e.test. 5 IN A 192.0.2.1',
    ]);
  });

  test('is followed through the CNAME that a DNAME yields', () => {
    const dname = ['example.com. 300 IN DNAME example.net.', ALIAS];
    const { message } = follow('www.example.com. A', {
      'www.example.com. A': { answer: dname },
      'www.example.net. A': { answer: [END] },
    });
    expect(message?.answer).toEqual([...dname, END]);
  });

  test('keeps signatures, and the proof of a wildcard of an earlier part', () => {
    const nsec = 'a.example.com. 300 IN NSEC z.example.com. A RRSIG NSEC';
    const proof = [nsec, `a.example.com. 300 IN RRSIG NSEC ${RRSIG_TAIL}`];
    const signature = `www.example.com. 300 IN RRSIG CNAME ${RRSIG_TAIL}`;
    const ns = ['example.com. 300 IN NS ns.example.com.', `example.com. 300 IN RRSIG NS ${RRSIG_TAIL}`];
    const { message } = follow('www.example.com. A', {
      'www.example.com. A': { answer: [signature, ALIAS], authority: [...ns, ...proof] },
      'www.example.net. A': { authority: [SOA] },
    });
    expect(message).toMatchObject({ answer: [signature, ALIAS], authority: [SOA, ...proof] });
  });

  test('is asked for with all that the question said', () => {
    const flags = { dnssecOk: true, checkingDisabled: true, wantsAd: true, view: 3, notFrom: 'other' };
    const book = { 'www.example.com. A': { answer: [ALIAS] }, 'www.example.net. A': { answer: [END] } };
    const { questions } = follow('www.example.com. A', book, { flags });
    expect(questions[1]).toEqual({
      ...question('www.example.net.', 'A'),
      ...flags,
      doubtsEnd: false,
    });
  });

  test.each([
    [FLAG.AD, FLAG.AD, FLAG.AD],
    [FLAG.AD, 0, 0],
    [0, FLAG.AD, 0],
  ])('has AD when all parts have: %i and %i', (first, second, joined) => {
    const { message } = follow('www.example.com. A', {
      'www.example.com. A': { flags: FLAG.QR | FLAG.RA | first, answer: [ALIAS] },
      'www.example.net. A': { flags: FLAG.QR | FLAG.RA | second, answer: [END] },
    });
    expect((message?.flags ?? 0) & FLAG.AD).toBe(joined);
  });

  test('came encrypted when all parts did', () => {
    const plain = toOutcome('www.example.net. A', { answer: [END] });
    const { outcome } = follow('www.example.com. A', {
      'www.example.com. A': { answer: [ALIAS] },
      'www.example.net. A': { ...plain, isEncrypted: false } as UpstreamOutcome,
    });
    expect(outcome).toMatchObject({ isEncrypted: false });
  });

  test('is followed where the SOA is that of another zone', () => {
    const other = SOA.replace('example.net.', 'example.com.');
    const { asked } = follow('www.example.com. A', {
      'www.example.com. A': { answer: [ALIAS], authority: [other] },
      'www.example.net. A': { answer: [END] },
    });
    expect(asked).toHaveLength(2);
  });

  test('is settled by an empty answer', () => {
    const book = { 'www.example.com. A': { answer: [ALIAS] }, 'www.example.net. A': {} };
    expect(follow('www.example.com. A', book)).toMatchObject({
      rcode: RCODE.NOERROR,
      message: { answer: [ALIAS], authority: [] },
      asked: ['www.example.com. A', 'www.example.net. A'],
    });
  });
});

describe('nothing is asked further', () => {
  const LONG = Array.from({ length: 17 }, (_, i) => `${i === 0 ? 'a' : i}.test. 1 IN CNAME ${i + 1}.test.`);
  const MANY = Array.from({ length: 17 }, (_, i) => `a.test. 1 IN CNAME ${i + 1}.test.`);

  test.each<[string, string, MessageText]>([
    ['for data', 'www.example.com. A', { answer: ['www.example.com. 60 IN A 192.0.2.1'] }],
    ['for an alias with its end', 'www.example.com. A', { answer: [ALIAS, END] }],
    ['for one whose end comes first', 'www.example.com. A', { answer: [END, ALIAS] }],
    ['where the end has no data', 'www.example.com. A', { answer: [ALIAS], authority: [SOA] }],
    ['where the end does not exist', 'www.example.com. A', { answer: [ALIAS], flags: NXDOMAIN }],
    ['for an empty answer', 'www.example.com. A', {}],
    ['for the alias itself', 'www.example.com. CNAME', { answer: [ALIAS] }],
    ['for all types', 'www.example.com. ANY', { answer: [ALIAS] }],
    ['for signatures', 'www.example.com. RRSIG', { answer: [ALIAS] }],
    ['for the alias of another name', 'example.com. A', { answer: [ALIAS] }],
    ['for more aliases than anybody has', 'a.test. A', { answer: LONG }],
    ['for as many of one name', 'a.test. A', { answer: MANY }],
  ])('%s', (_title, text, entry) => {
    const { asked, outcome } = follow(text, { [text]: entry });
    expect(asked).toEqual([text]);
    expect(outcome).toEqual(toOutcome(text, entry));
  });

  test('after a failure', () => {
    const failure: UpstreamOutcome = { kind: 'failure', reason: 'timeout', message: undefined };
    expect(follow('www.example.com. A', { 'www.example.com. A': failure }).outcome).toBe(failure);
  });

  test('for a name that is kept here, and what there is goes on as it came', () => {
    const book = { 'www.example.com. A': { answer: [ALIAS] } };
    const { asked, message } = follow('www.example.com. A', book, { isKeptHere: () => true });
    expect(asked).toHaveLength(1);
    expect(message?.answer).toEqual([ALIAS]);
  });
});

describe('bounds', () => {
  const chain = (length: number): Book =>
    Object.fromEntries(
      Array.from({ length: length + 1 }, (_, i) => [
        `${i}.test. A`,
        { answer: [i < length ? `${i}.test. 1 IN CNAME ${i + 1}.test.` : `${i}.test. 1 IN A 192.0.2.1`] },
      ]),
    );

  test('of further questions: eight', () => {
    const eight = follow('0.test. A', chain(FURTHER_QUESTIONS_MAX));
    expect(eight.message?.answer).toHaveLength(FURTHER_QUESTIONS_MAX + 1);
    const nine = follow('0.test. A', chain(FURTHER_QUESTIONS_MAX + 1));
    expect(nine.asked).toHaveLength(FURTHER_QUESTIONS_MAX + 1);
    expect(nine.outcome).toMatchObject({ kind: 'failure', reason: 'servfail' });
    expect(edeOf(nine.outcome)).toBe(EDE.INVALID_DATA);
  });

  test.each<[string, Book]>([
    ['to the asked name', { 'b.test. A': { answer: ['b.test. 1 IN CNAME A.TEST.'] } }],
    [
      'to itself',
      {
        'b.test. A': { answer: ['b.test. 1 IN CNAME c.test.'] },
        'c.test. A': { answer: ['c.test. 1 IN CNAME b.test.'] },
      },
    ],
    [
      'by a name that was passed',
      { 'b.test. A': { answer: ['b.test. 1 IN CNAME a.test.', 'a.test. 1 IN CNAME d.test.'] } },
    ],
  ])('of aliases that lead back %s', (_title, book) => {
    const { outcome, asked } = follow('a.test. A', {
      'a.test. A': { answer: ['a.test. 1 IN CNAME b.test.'] },
      ...book,
    });
    expect(outcome).toMatchObject({ kind: 'failure', reason: 'servfail' });
    expect(edeOf(outcome)).toBe(EDE.INVALID_DATA);
    expect(asked.length).toBeLessThan(4);
  });

  test('of size: what does not fit into a message is a failure', () => {
    const texts = (name: string): string[] =>
      Array.from({ length: 160 }, (_, i) => `${name} 1 IN TXT "${i} ${'x'.repeat(240)}"`);
    const large = follow('a.test. A', {
      'a.test. A': { answer: ['a.test. 1 IN CNAME b.test.', ...texts('a.test.')] },
      'b.test. A': { answer: ['b.test. 1 IN A 192.0.2.1', ...texts('b.test.')] },
    });
    expect(large.outcome).toMatchObject({ kind: 'failure', reason: 'servfail' });
  });

  test('of bytes that make no sense: every outcome is one that somebody can read, and there is one', () => {
    const random = createRandom(1034);
    const sound = buildResponse({ question: 'www.example.com. A', answer: [ALIAS, ALIAS], authority: [SOA] });
    const end = buildResponse({ question: 'www.example.net. A', answer: [END], authority: [SOA] });
    for (let round = 0; round < 3000; round++) {
      const { outcomes, asked } = startFollowing('www.example.com. A', {
        'www.example.com. A': mutate([sound], random),
        'www.example.net. A': mutate([end], random),
      });
      expect([round, outcomes.length]).toEqual([round, 1]);
      expect(asked.length).toBeLessThanOrEqual(FURTHER_QUESTIONS_MAX + 1);
      const [outcome] = outcomes;
      if (asked.length > 1 && outcome?.kind === 'answer')
        expect([round, parseMessage(outcome.message).isSound]).toEqual([round, true]);
    }
  });
});

describe('aliases that go round', () => {
  const ROUND = ['a.test. 1 IN CNAME b.test.', 'b.test. 1 IN CNAME A.test.'];

  test.each<[string, MessageText]>([
    ['in one answer', { answer: ROUND }],
    ['of one name', { answer: ['a.test. 1 IN CNAME a.test.'] }],
    ['with an SOA that would settle an end', { answer: ROUND, authority: [SOA.replace(/^\S+/, 'test.')] }],
    ['in no order', { answer: ROUND.toReversed() }],
  ])('%s are a failure that tells them', (_title, entry) => {
    const { asked, outcome } = follow('a.test. A', { 'a.test. A': entry });
    expect(asked).toEqual(['a.test. A']);
    expect(outcome).toMatchObject({ kind: 'failure', reason: 'servfail' });
    expect(edeOf(outcome)).toBe(EDE.INVALID_DATA);
    expect(aliasesOf(outcome)?.toSorted()).toEqual(entry.answer?.toSorted());
  });
});

describe('an end that is doubted', () => {
  const FALSE_SOA = SOA.replace('example.net.', 'net.');

  test.each([0, RCODE.NXDOMAIN])('is asked for by itself, each record kept once (RCODE %i)', (rcode) => {
    const proof = `www.example.net. 300 IN RRSIG ${RRSIG_TAIL.replace('AAAA', '').replace('13', 'NSEC 13')} AAAA`;
    const nsec = 'www.example.net. 300 IN NSEC z.example.net. A';
    const { message, asked } = follow(
      'www.example.com. A',
      {
        'www.example.com. A': {
          answer: [ALIAS],
          flags: FLAG.QR | rcode,
          authority: [FALSE_SOA, nsec, proof],
        },
        'www.example.net. A': { flags: NXDOMAIN, authority: [SOA, nsec, proof] },
      },
      { flags: { doubtsEnd: true } },
    );
    expect(asked).toEqual(['www.example.com. A', 'www.example.net. A']);
    expect(message?.answer).toEqual([ALIAS]);
    expect(message?.authority).toHaveLength(3);
    expect(message?.authority[0]).toBe(SOA);
  });

  test.each([
    [
      'where there is data, whose proof is no good',
      [ALIAS, END],
      ['www.example.com. A', 'www.example.net. A'],
    ],
    ['not where there is no alias', [], ['www.example.com. A']],
  ])('is asked for %s', (_name, answer, expected) => {
    const book = { 'www.example.com. A': { answer }, 'www.example.net. A': { answer: [END] } };
    expect(follow('www.example.com. A', book, { flags: { doubtsEnd: true } }).asked).toEqual(expected);
  });
});

describe('failures and time', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  test('a further question that fails fails the whole, with its message', () => {
    const message = buildResponse({ question: 'www.example.net. A', flags: FLAG.QR | RCODE.SERVFAIL });
    const failure: UpstreamOutcome = { kind: 'failure', reason: 'servfail', message };
    const book = { 'www.example.com. A': { answer: [ALIAS] }, 'www.example.net. A': failure };
    const { outcome } = follow('www.example.com. A', book);
    expect(outcome).toMatchObject(failure);
    expect(aliasesOf(outcome)).toEqual([ALIAS]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('one deadline holds for all questions together, and what comes later is dropped', () => {
    const { outcomes, silent, time } = startFollowing('www.example.com. A', {
      'www.example.com. A': 'later',
      'www.example.net. A': 'later',
    });
    time.nowMs = 3000;
    expect(vi.getTimerCount()).toBe(0);
    silent[0]?.(toOutcome('www.example.com. A', { answer: [ALIAS] }));
    vi.advanceTimersByTime(TIMEOUT_MS - 3000 - 1);
    expect(outcomes).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(outcomes).toMatchObject([{ kind: 'failure', reason: 'timeout', message: undefined }]);
    silent[1]?.(toOutcome('www.example.net. A', { answer: [END] }));
    expect(outcomes).toHaveLength(1);
  });

  test('a clock that stepped back gives no more time than there is', () => {
    const { outcomes, silent, time } = startFollowing('www.example.com. A', {
      'www.example.com. A': 'later',
      'www.example.net. A': 'later',
    });
    time.nowMs = -60_000;
    silent[0]?.(toOutcome('www.example.com. A', { answer: [ALIAS] }));
    vi.advanceTimersByTime(TIMEOUT_MS);
    expect(outcomes).toHaveLength(1);
  });
});

test('each question takes the route of its own name and view', async () => {
  const inner = await ScriptedUpstream.open((query) =>
    answer(query, [`${query.name} 60 IN CNAME www.example.net.`]),
  );
  const outer = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 60 IN A 192.0.2.1`]));
  const own = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 60 IN A 192.0.2.2`]));
  const { forwarding } = startForwarding([
    { endpoints: [outer.endpoint] },
    { view: 1, endpoints: [own.endpoint] },
    { zone: 'corp.test.', endpoints: [inner.endpoint] },
  ]);
  expect(forwarding.hasZoneFor(nameFrom('a.corp.test.'), 1)).toBe(true);
  expect(forwarding.hasZoneFor(nameFrom('corp.example.'), 0)).toBe(false);
  const follower = new AliasFollower({
    exchange: forwarding,
    timeoutMs: TIMEOUT_MS,
    clock: Date.now,
    isKeptHere: () => false,
  });
  for (const [view, address] of [
    [0, '192.0.2.1'],
    [1, '192.0.2.2'],
  ] as const) {
    const outcome = await new Promise<UpstreamOutcome>((resolve) =>
      follower.resolve(question('a.corp.test.', 'A', { view }), resolve),
    );
    const message = outcome.kind === 'answer' ? parseMessage(outcome.message) : undefined;
    expect(message?.answer).toEqual([
      'a.corp.test. 60 IN CNAME www.example.net.',
      `www.example.net. 60 IN A ${address}`,
    ]);
  }
  expect([inner.count('www.example.net.'), outer.count('a.corp.test.'), own.count('a.corp.test.')]).toEqual([
    0, 0, 0,
  ]);
  await Promise.all([inner.close(), outer.close(), own.close()]);
});
