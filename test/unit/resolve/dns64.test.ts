// DNS64 around a resolver that a test answers for: when records are made, which ones, and what stays as it came.
import { describe, expect, onTestFinished, test } from 'vitest';
import { MAPPED_BITS, type Prefix, parsePrefix } from '../../../src/base/base.ts';
import type { Question, Resolution, Resolver } from '../../../src/resolver/pipeline/pipeline.ts';
import { RebindingGuard } from '../../../src/resolver/pipeline/rebinding.ts';
import { Dns64Resolver } from '../../../src/resolver/resolve/dns64.ts';
import {
  CLASS,
  EDE,
  FLAG,
  formatName,
  formatType,
  nameFrom,
  parseType,
  RCODE,
  setTranslationPrefix,
} from '../../../src/wire/dns/dns.ts';
import { buildQuery, buildResponse, type MessageText, parseMessage } from '../../support/records.ts';
import { Bench, createRules, edeOf, onlyAnswer, rcodeOf } from '../pipeline/setup.ts';

const SOA = 'example. 3600 IN SOA ns.example. admin.example. 1 3600 1200 604800 90';
const RRSIG_TAIL = '13 2 60 20300101000000 20200101000000 1 example. AAAA';
const WELL_KNOWN = '64:ff9b::/96';

/** What the network says to `NAME TYPE`: records, or why there are none. */
type Book = Readonly<Record<string, MessageText | Resolution>>;

const prefixOf = (text: string): Prefix => {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new TypeError(`"${text}" is not a prefix`);
  return prefix;
};

/** ::ffff:0:0/96 as addresses are held: all of IPv4. */
const MAPPED: Prefix = { words: prefixOf('0.0.0.0/0').words, bits: MAPPED_BITS };

/** A resolver that knows a book, and what it was asked. */
const openBook = (book: Book): { readonly resolver: Resolver; readonly asked: Question[] } => {
  const asked: Question[] = [];
  const resolve = (question: Question, done: (resolution: Resolution) => void): void => {
    asked.push(question);
    const text = `${formatName(question.name)} ${formatType(question.type)}`;
    const entry = book[text.toLowerCase()] ?? book[text] ?? { kind: 'failure', reason: 'timeout' };
    if ('kind' in entry) done(entry);
    else done({ kind: 'answer', message: buildResponse({ question: text, ...entry }) });
  };
  return { resolver: { resolve }, asked };
};

interface Outcome {
  /** In presentation format; empty for a failure. */
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  readonly rcode: number;
  readonly flags: number;
  /** As it was given, once. */
  readonly resolution: Resolution;
  /** `NAME TYPE` of each question that was asked. */
  readonly asked: readonly string[];
  readonly questions: readonly Question[];
}

const questionFor = (text: string, changes: Partial<Question> = {}): Question => {
  const [name = '', type = ''] = text.split(' ');
  return {
    name: nameFrom(name),
    type: parseType(type) ?? 0,
    class: CLASS.IN,
    dnssecOk: false,
    checkingDisabled: false,
    view: 0,
    wantsAd: false,
    ...changes,
  };
};

const resolve = (
  question: string,
  book: Book,
  options: { prefix?: string; exclude?: readonly Prefix[]; changes?: Partial<Question> } = {},
): Outcome => {
  const { prefix = WELL_KNOWN, exclude = [MAPPED], changes = {} } = options;
  const { resolver, asked } = openBook(book);
  const dns64 = new Dns64Resolver({
    resolver,
    prefix: prefixOf(prefix),
    exclude,
    answerHere: () => undefined,
  });
  const resolutions: Resolution[] = [];
  dns64.resolve(questionFor(question, changes), (resolution) => void resolutions.push(resolution));
  const [resolution] = resolutions;
  if (resolution === undefined || resolutions.length > 1) throw new Error(`${resolutions.length} outcomes`);
  const message = resolution.kind === 'answer' ? parseMessage(resolution.message) : undefined;
  if (message?.isSound === false) throw new Error('the message is not sound');
  if (message !== undefined) expect(message.question).toBe(question);
  return {
    answer: message?.answer ?? [],
    authority: message?.authority ?? [],
    rcode: (message?.flags ?? 0) & 0xf,
    flags: message?.flags ?? 0,
    resolution,
    asked: asked.map((each) => `${formatName(each.name)} ${formatType(each.type)}`),
    questions: asked,
  };
};

const NO_AAAA: MessageText = { authority: [SOA] };

describe('a name with A records only', () => {
  // The tables of RFC 6052 section 2.4.
  test.each([
    ['2001:db8::/32', '2001:db8:c000:221::'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
    ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100:0'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::c000:221'],
    [WELL_KNOWN, '64:ff9b::c000:221'],
  ])('has an address under %s', (prefix, address) => {
    const book = {
      'a.example. AAAA': NO_AAAA,
      'a.example. A': { answer: ['a.example. 60 IN A 192.0.2.33'] },
    };
    const { answer, asked } = resolve('a.example. AAAA', book, { prefix });
    const canonical = parseMessage(
      buildResponse({ question: 'a.example. AAAA', answer: [`a.example. 60 IN AAAA ${address}`] }),
    ).answer;
    expect(answer).toEqual(canonical);
    expect(asked).toEqual(['a.example. AAAA', 'a.example. A']);
  });

  test('has all of them, with the aliases that lead there and nothing else', () => {
    const { answer, authority, rcode, resolution } = resolve('a.example. AAAA', {
      'a.example. AAAA': { answer: ['a.example. 60 IN CNAME b.example.'], ...NO_AAAA },
      'a.example. A': {
        answer: [
          'a.example. 50 IN CNAME b.example.',
          'b.example. 40 IN A 192.0.2.1',
          'b.example. 40 IN A 192.0.2.2',
        ],
        authority: ['example. 300 IN NS ns.example.'],
        additional: ['ns.example. 300 IN A 192.0.2.53'],
      },
    });
    expect(answer).toEqual([
      'a.example. 50 IN CNAME b.example.',
      'b.example. 40 IN AAAA 64:ff9b::c000:201',
      'b.example. 40 IN AAAA 64:ff9b::c000:202',
    ]);
    expect(authority).toEqual([]);
    expect(rcode).toBe(RCODE.NOERROR);
    expect(resolution).toMatchObject({ kind: 'answer', security: 'insecure' });
  });

  test.each([
    ['the A record', '60', [SOA], '60'],
    ['the negative answer', '300', [SOA], '90'],
    ['the SOA record itself', '300', [SOA.replace('3600', '30')], '30'],
    ['ten minutes without an SOA', '3600', [], '600'],
    ['nothing when the top bit is set', '2147483647', [SOA.replace(' 90', ' 2147483648')], '0'],
  ])('lives as long as %s', (_name, ttlSec, authority, expected) => {
    const { answer } = resolve('a.example. AAAA', {
      'a.example. AAAA': { authority },
      'a.example. A': { answer: [`a.example. ${ttlSec} IN A 192.0.2.1`] },
    });
    expect(answer).toEqual([`a.example. ${expected} IN AAAA 64:ff9b::c000:201`]);
  });

  test('has no signatures of A records, and keeps those of aliases', () => {
    const { answer } = resolve(
      'a.example. AAAA',
      {
        'a.example. AAAA': NO_AAAA,
        'a.example. A': {
          answer: [
            'a.example. 60 IN CNAME b.example.',
            `a.example. 60 IN RRSIG CNAME ${RRSIG_TAIL}`,
            'b.example. 60 IN A 192.0.2.1',
            `b.example. 60 IN RRSIG A ${RRSIG_TAIL}`,
          ],
        },
      },
      { changes: { dnssecOk: true } },
    );
    expect(answer.map((record) => record.split(' ').slice(3, 5).join(' '))).toEqual([
      'CNAME b.example.',
      'RRSIG CNAME',
      'AAAA 64:ff9b::c000:201',
    ]);
  });

  test('is insecure and without AD, also when both answers were secure', () => {
    const secure = (text: MessageText, question: string): Resolution => ({
      kind: 'answer',
      message: buildResponse({ question, flags: FLAG.QR | FLAG.RA | FLAG.AD, ...text }),
      security: 'secure',
      ttlMaxSec: 17,
    });
    const { flags, resolution } = resolve('a.example. AAAA', {
      'a.example. AAAA': secure(NO_AAAA, 'a.example. AAAA'),
      'a.example. A': secure({ answer: ['a.example. 60 IN A 192.0.2.1'] }, 'a.example. A'),
    });
    expect(flags & FLAG.AD).toBe(0);
    expect(resolution).toMatchObject({ security: 'insecure', ttlMaxSec: 17 });
  });

  test('is asked for with all that the question said', () => {
    const { questions } = resolve(
      'a.example. AAAA',
      { 'a.example. AAAA': NO_AAAA },
      { changes: { dnssecOk: true, view: 3, wantsAd: true } },
    );
    expect(questions[1]).toMatchObject({ dnssecOk: true, checkingDisabled: false, view: 3, wantsAd: true });
  });

  test('has 256 addresses at most', () => {
    const records = Array.from(
      { length: 300 },
      (_, index) => `a.example. 60 IN A 192.0.${index >> 8}.${index & 255}`,
    );
    const { answer } = resolve('a.example. AAAA', {
      'a.example. AAAA': NO_AAAA,
      'a.example. A': { answer: records },
    });
    expect(answer).toHaveLength(256);
  });
});

describe('nothing is made', () => {
  const A: Book = { 'a.example. A': { answer: ['a.example. 60 IN A 192.0.2.1'] } };
  const AAAA = 'a.example. 60 IN AAAA 2001:db8::1';

  test.each<[string, MessageText | Resolution]>([
    ['where there is an AAAA record', { answer: [AAAA] }],
    ['where the name does not exist', { flags: FLAG.QR | FLAG.RA | RCODE.NXDOMAIN, authority: [SOA] }],
    ['where too much is asked', { kind: 'failure', reason: 'overload' }],
    ['where the answer is bogus', { kind: 'bogus', code: EDE.DNSSEC_BOGUS, text: '' }],
  ])('%s', (_name, entry) => {
    const { asked, resolution } = resolve('a.example. AAAA', { 'a.example. AAAA': entry, ...A });
    expect(asked).toEqual(['a.example. AAAA']);
    if ('kind' in entry) expect(resolution).toBe(entry);
    else expect(resolution).not.toHaveProperty('security');
  });

  test('for a client that validates', () => {
    const changes = { dnssecOk: true, checkingDisabled: true };
    const { asked, answer } = resolve('a.example. AAAA', { 'a.example. AAAA': NO_AAAA, ...A }, { changes });
    expect(asked).toEqual(['a.example. AAAA']);
    expect(answer).toEqual([]);
  });

  test.each([
    { dnssecOk: true, checkingDisabled: false },
    { dnssecOk: false, checkingDisabled: true },
  ])('for no other client: %j', (changes) => {
    const { answer } = resolve('a.example. AAAA', { 'a.example. AAAA': NO_AAAA, ...A }, { changes });
    expect(answer).toHaveLength(1);
  });

  test.each(['a.example. A', 'a.example. HTTPS', 'a.example. ANY'])('for %s', (question) => {
    const { asked } = resolve(question, { [question]: NO_AAAA, ...A });
    expect(asked).toEqual([question]);
  });

  test('for another class', () => {
    const { resolver, asked } = openBook(A);
    const dns64 = new Dns64Resolver({
      resolver,
      prefix: prefixOf(WELL_KNOWN),
      exclude: [],
      answerHere: () => undefined,
    });
    dns64.resolve(questionFor('a.example. AAAA', { class: CLASS.CH }), () => undefined);
    expect(asked).toHaveLength(1);
  });

  test.each<[string, MessageText | Resolution]>([
    ['no A record', { authority: [SOA] }],
    ['an error', { flags: FLAG.QR | FLAG.RA | RCODE.SERVFAIL }],
    ['a failure', { kind: 'failure', reason: 'timeout' }],
    [
      'an error with records',
      { flags: FLAG.QR | FLAG.RA | RCODE.NXDOMAIN, answer: ['a.example. 60 IN A 192.0.2.1'] },
    ],
    ['an A record of no four bytes', { answer: ['a.example. 60 IN A \\# 3 c00002'] }],
  ])('where there is %s: the negative answer stays as it came', (_name, entry) => {
    const { answer, authority, rcode, resolution } = resolve('a.example. AAAA', {
      'a.example. AAAA': NO_AAAA,
      'a.example. A': entry,
    });
    expect({ answer, authority, rcode }).toEqual({ answer: [], authority: [SOA], rcode: RCODE.NOERROR });
    expect(resolution).not.toHaveProperty('security');
  });
});

describe('no answer to the question for AAAA records', () => {
  test.each<[string, MessageText | Resolution]>([
    ['a time-out', { kind: 'failure', reason: 'timeout' }],
    ['a network error', { kind: 'failure', reason: 'network' }],
    ['SERVFAIL', { kind: 'failure', reason: 'servfail' }],
    ['REFUSED', { kind: 'failure', reason: 'refused' }],
    ['another RCODE', { flags: FLAG.QR | FLAG.RA | RCODE.NOTIMP }],
  ])('counts as no AAAA record: %s', (_name, entry) => {
    const { answer, rcode } = resolve('a.example. AAAA', {
      'a.example. AAAA': entry,
      'a.example. A': { answer: ['a.example. 3600 IN A 192.0.2.1'] },
    });
    expect(answer).toEqual(['a.example. 600 IN AAAA 64:ff9b::c000:201']);
    expect(rcode).toBe(RCODE.NOERROR);
  });

  test('is what the client gets where A records are missing too', () => {
    const failure: Resolution = { kind: 'failure', reason: 'refused' };
    const book = { 'a.example. AAAA': failure, 'a.example. A': NO_AAAA };
    expect(resolve('a.example. AAAA', book).resolution).toBe(failure);
  });

  test('an answer that cannot be read to its end is left to whoever judges it', () => {
    const message = buildResponse({ question: 'a.example. AAAA', ...NO_AAAA });
    message[9] = 2;
    const broken: Resolution = { kind: 'answer', message };
    const { resolver, asked } = openBook({ 'a.example. AAAA': broken });
    const dns64 = new Dns64Resolver({
      resolver,
      prefix: prefixOf(WELL_KNOWN),
      exclude: [],
      answerHere: () => undefined,
    });
    const outcomes: Resolution[] = [];
    dns64.resolve(questionFor('a.example. AAAA'), (outcome) => void outcomes.push(outcome));
    expect(outcomes).toEqual([broken]);
    expect(asked).toHaveLength(1);
  });
});

describe('excluded AAAA records', () => {
  const EXCLUDED = 'a.example. 60 IN AAAA ::ffff:198.51.100.1';
  const A = { 'a.example. A': { answer: ['a.example. 60 IN A 192.0.2.1'] } };

  test('count as none', () => {
    const { answer } = resolve('a.example. AAAA', { 'a.example. AAAA': { answer: [EXCLUDED] }, ...A });
    expect(answer).toEqual(['a.example. 60 IN AAAA 64:ff9b::c000:201']);
  });

  test('are left out beside others, with the signature that was theirs too', () => {
    const { answer, asked, resolution } = resolve('a.example. AAAA', {
      'a.example. AAAA': {
        answer: [EXCLUDED, 'a.example. 60 IN AAAA 2001:db8::1', `a.example. 60 IN RRSIG AAAA ${RRSIG_TAIL}`],
      },
    });
    expect(answer).toEqual(['a.example. 60 IN AAAA 2001:db8::1']);
    expect(asked).toHaveLength(1);
    expect(resolution).toMatchObject({ security: 'insecure' });
  });

  test('are not given either where there is no A record', () => {
    const { answer, authority, rcode } = resolve('a.example. AAAA', {
      'a.example. AAAA': { answer: ['a.example. 60 IN CNAME b.example.', `b${EXCLUDED.slice(1)}`] },
      'a.example. A': { authority: [SOA] },
    });
    expect(answer).toEqual(['a.example. 60 IN CNAME b.example.']);
    expect(authority).toEqual([]);
    expect(rcode).toBe(RCODE.NOERROR);
  });

  test('are those that the configuration names', () => {
    const book = { 'a.example. AAAA': { answer: [EXCLUDED] }, ...A };
    expect(resolve('a.example. AAAA', book, { exclude: [] }).answer).toHaveLength(1);
    expect(resolve('a.example. AAAA', book, { exclude: [] }).asked).toHaveLength(1);
    const named = { 'a.example. AAAA': { answer: ['a.example. 60 IN AAAA 2001:db8:1::1'] }, ...A };
    const { answer } = resolve('a.example. AAAA', named, { exclude: [prefixOf('2001:db8:1::/48')] });
    expect(answer).toEqual(['a.example. 60 IN AAAA 64:ff9b::c000:201']);
  });
});

describe('private addresses', () => {
  const book: Book = {
    'a.example. AAAA': NO_AAAA,
    'a.example. A': { answer: ['a.example. 60 IN A 10.0.0.1', 'a.example. 60 IN A 192.0.2.1'] },
    'b.example. AAAA': NO_AAAA,
    'b.example. A': { answer: ['b.example. 60 IN A 192.168.0.1'] },
  };

  test('are not put under the well-known prefix, whose translators drop them', () => {
    expect(resolve('a.example. AAAA', book).answer).toEqual(['a.example. 60 IN AAAA 64:ff9b::c000:201']);
    expect(resolve('b.example. AAAA', book)).toMatchObject({ answer: [], authority: [SOA] });
  });

  test("are put under the network's own prefix", () => {
    const { answer } = resolve('b.example. AAAA', book, { prefix: '2001:db8:64::/96' });
    expect(answer).toEqual(['b.example. 60 IN AAAA 2001:db8:64::c0a8:1']);
  });

  test('do not include those by which clients find the prefix (RFC 7050)', () => {
    const { answer } = resolve('ipv4only.arpa. AAAA', {
      'ipv4only.arpa. AAAA': NO_AAAA,
      'ipv4only.arpa. A': {
        answer: ['ipv4only.arpa. 60 IN A 192.0.0.170', 'ipv4only.arpa. 60 IN A 192.0.0.171'],
      },
    });
    expect(answer).toEqual([
      'ipv4only.arpa. 60 IN AAAA 64:ff9b::c000:aa',
      'ipv4only.arpa. 60 IN AAAA 64:ff9b::c000:ab',
    ]);
  });
});

describe('the name of an address under the prefix', () => {
  const TARGET = '33.2.0.192.in-addr.arpa.';
  const REVERSE: Book = { [`${TARGET} PTR`]: { answer: [`${TARGET} 60 IN PTR host.example.`] } };

  // The addresses of RFC 6052 section 2.4.
  test.each([
    ['2001:db8::/32', '20010db8c00002210000000000000000'],
    ['2001:db8:100::/40', '20010db801c000020021000000000000'],
    ['2001:db8:122::/48', '20010db80122c0000002210000000000'],
    ['2001:db8:122:300::/56', '20010db8012203c00000022100000000'],
    ['2001:db8:122:344::/64', '20010db80122034400c0000221000000'],
    ['2001:db8:122:344::/96', '20010db80122034400000000c0000221'],
    [WELL_KNOWN, '0064FF9B0000000000000000C0000221'],
  ])('under %s is an alias of the one of the IPv4 address', (prefix, digits) => {
    const qname = `${digits.split('').toReversed().join('.')}.Ip6.ARPA.`;
    const { answer, asked, resolution } = resolve(`${qname} PTR`, REVERSE, { prefix });
    expect(asked).toEqual([`${TARGET} PTR`]);
    expect(answer[0]).toBe(`${qname} 600 IN CNAME ${TARGET}`);
    expect(answer.slice(1).map((text) => text.toLowerCase())).toEqual([`${TARGET} 60 in ptr host.example.`]);
    expect(resolution).toMatchObject({ security: 'insecure' });
  });

  const nameOf = (digits: string): string => `${digits.split('').toReversed().join('.')}.ip6.arpa.`;
  const UNDER = nameOf('0064ff9b0000000000000000c0000221');

  test('shares the fate of that name', () => {
    const negative = { flags: FLAG.QR | FLAG.RA | RCODE.NXDOMAIN, authority: [SOA] };
    const absent = resolve(`${UNDER} PTR`, { [`${TARGET} PTR`]: negative });
    expect(absent).toMatchObject({ rcode: RCODE.NXDOMAIN, authority: [SOA] });
    expect(absent.answer).toEqual([`${UNDER} 600 IN CNAME ${TARGET}`]);
    const failure: Resolution = { kind: 'failure', reason: 'servfail' };
    expect(resolve(`${UNDER} PTR`, { [`${TARGET} PTR`]: failure }).resolution).toBe(failure);
  });

  test.each([
    ['an address outside the prefix', nameOf('0064ff9b0000000000000001c0000221')],
    ['a private address, which is none of it', nameOf('0064ff9b00000000000000000a000001')],
    ['a part of an address', UNDER.slice(2)],
    ['more than an address', `0.${UNDER}`],
    ['a label that is no digit', UNDER.replace(/^1/, 'g')],
    ['a label of three digits', `1a2.${UNDER.slice(4)}`],
    ['another domain', UNDER.replace('ip6.arpa', 'ip6.test')],
  ])('is asked for as it is when it is %s', (_name, qname) => {
    const { asked } = resolve(`${qname} PTR`, { [`${qname} PTR`]: NO_AAAA });
    expect(asked).toEqual([`${qname} PTR`]);
  });

  test.each([
    ['for another type', 'TXT', {}],
    ['by a client that validates', 'PTR', { dnssecOk: true, checkingDisabled: true }],
  ])('is asked for as it is %s', (_name, type, changes) => {
    const { asked } = resolve(`${UNDER} ${type}`, { [`${UNDER} ${type}`]: NO_AAAA }, { changes });
    expect(asked).toEqual([`${UNDER} ${type}`]);
  });
});

test('no other length of a prefix is taken', () => {
  const { resolver } = openBook({});
  const open = (): Dns64Resolver =>
    new Dns64Resolver({
      resolver,
      prefix: prefixOf('2001:db8::/36'),
      exclude: [],
      answerHere: () => undefined,
    });
  expect(open).toThrow(/36 bits/);
});

describe('behind a pipeline', () => {
  const question = 'a.example. AAAA';
  const ask = (
    lists: readonly (readonly string[])[],
  ): { readonly bench: Bench; readonly asked: Question[] } => {
    const { resolver, asked } = openBook({
      'a.example. AAAA': NO_AAAA,
      'a.example. A': { answer: ['a.example. 60 IN A 192.0.2.33'] },
    });
    const dns64 = new Dns64Resolver({
      resolver,
      prefix: prefixOf(WELL_KNOWN),
      exclude: [],
      answerHere: () => undefined,
    });
    return { bench: new Bench({ lists }, dns64), asked };
  };

  test('what was made is cached and ages', () => {
    const { bench, asked } = ask([]);
    bench.ask(question);
    bench.nowMs += 20_000;
    const message = onlyAnswer(bench.send(buildQuery(question)).answers);
    expect(message.answer).toEqual(['a.example. 40 IN AAAA 64:ff9b::c000:221']);
    expect(message.flags & FLAG.AD).toBe(0);
    expect(asked).toHaveLength(2);
  });

  // Under a prefix of the network's own, which only means something inside.
  test.each([
    ['fd64::/96', '93.184.215.14', RCODE.NOERROR],
    ['fd64:0:0:1::/64', '93.184.215.14', RCODE.NOERROR],
    ['fd64::/32', '93.184.215.14', RCODE.NOERROR],
    ['fd64::/96', '10.1.2.3', RCODE.SERVFAIL],
    ['fd64::/48', '192.168.1.1', RCODE.SERVFAIL],
  ])('rebinding protection judges the address behind %s: %s', (prefix, ipv4, rcode) => {
    setTranslationPrefix(prefixOf(prefix));
    onTestFinished(() => setTranslationPrefix(undefined));
    const { resolver } = openBook({
      'a.example. AAAA': NO_AAAA,
      'a.example. A': { answer: [`a.example. 60 IN A ${ipv4}`] },
    });
    const dns64 = new Dns64Resolver({
      resolver,
      prefix: prefixOf(prefix),
      exclude: [],
      answerHere: () => undefined,
    });
    const bench = new Bench({ ...createRules(), rebinding: new RebindingGuard([]) }, dns64);
    const message = onlyAnswer(bench.ask(question));
    expect(bench.counts.includes('rebinding')).toBe(rcode !== RCODE.NOERROR);
    expect(message.answer).toHaveLength(rcode === RCODE.NOERROR ? 1 : 0);
  });

  // Of the translator is what it makes: nothing behind the address.
  test.each([
    ['fd64::/96', 'fd64:0:0:0:0:1:5db8:d70e'],
    ['fd64::/48', 'fd64:0:0:5db8:d7:e00::1'],
    ['fd64::/64', 'fd64::0:100:0:0:1'],
    ['fd64::/32', 'fd64:0:5db8:d70e::1'],
    ['fd64::/96', 'fd65::5db8:d70e'],
  ])('rebinding protection with the prefix %s refuses %s', (prefix, address) => {
    setTranslationPrefix(prefixOf(prefix));
    onTestFinished(() => setTranslationPrefix(undefined));
    const { resolver } = openBook({ 'a.example. AAAA': { answer: [`a.example. 60 IN AAAA ${address}`] } });
    const dns64 = new Dns64Resolver({
      resolver,
      prefix: prefixOf(prefix),
      exclude: [],
      answerHere: () => undefined,
    });
    const bench = new Bench({ ...createRules(), rebinding: new RebindingGuard([]) }, dns64);
    expect(onlyAnswer(bench.ask(question)).answer).toEqual([]);
    expect(bench.counts).toContain('rebinding');
  });

  test.each(['192.0.2.0/24', '64:ff9b::/96'])('a list with %s refuses it', (prefix) => {
    const message = onlyAnswer(ask([[prefix]]).bench.ask(question));
    expect(rcodeOf(message)).toBe(RCODE.NXDOMAIN);
    expect(edeOf(message)).toHaveLength(1);
    expect(message.answer).toEqual([]);
  });
});
