// The bytes of answers: block modes, sizes, and what an answer takes over from the query.
import { describe, expect, test } from 'vitest';
import { createAddress, parseAddress } from '../../../src/base/base.ts';
import type { PolicyList } from '../../../src/policy/policy.ts';
import { ServerCookies } from '../../../src/resolver/pipeline/cookie.ts';
import { TRANSPORT } from '../../../src/resolver/pipeline/pipeline.ts';
import {
  type AnswerSource,
  ednsLength,
  TTL_AS_AGED,
  writeAnswer,
  writeEmpty,
  writeFault,
} from '../../../src/resolver/pipeline/respond.ts';
import {
  createEde,
  EDE,
  EDNS_DO,
  FLAG,
  MESSAGE_LENGTH_MAX,
  OPT_LENGTH,
  OPTION,
  QUERY_FAULT,
  Query,
  questionEnd,
  RCODE,
  RecordReader,
  readEde,
  readOptions,
} from '../../../src/wire/dns/dns.ts';
import {
  buildQuery,
  buildResponse,
  type MessageText,
  type ParsedMessage,
  parseMessage,
} from '../../support/records.ts';
import { answerAsked, Bench, onlyAnswer, rcodeOf } from './setup.ts';

const NAME = 'www.tiktok.example.';
const SOA = `${NAME} 30 IN SOA ${NAME} hostmaster.invalid. 1 3600 1200 604800 30`;
const LONG_NAME = `${`${'x'.repeat(63)}.`.repeat(3)}${'y'.repeat(46)}.tiktok.example.`;
/** The most that a configuration allows: eight addresses of a family, an EDE text of 120 bytes. */
const ADDRESSES_MAX = 8;
const EDE_TEXT_MAX = 'e'.repeat(120);

const refuse = (question: string, changes: Partial<PolicyList>): ParsedMessage =>
  onlyAnswer(new Bench({ lists: [['tiktok.example']], listChanges: [changes] }).ask(question));

describe('a refusal', () => {
  const address: Partial<PolicyList> = {
    mode: {
      kind: 'address',
      ipv4: [Uint8Array.of(192, 0, 2, 80), Uint8Array.of(192, 0, 2, 81)],
      ipv6: [Uint8Array.from({ length: 16 }, (_, index) => [0x20, 0x01, 0x0d, 0xb8][index] ?? 0)],
    },
  };

  test.each<[string, Partial<PolicyList>, string, number, string[], string[]]>([
    ['nxdomain', {}, 'A', RCODE.NXDOMAIN, [], [SOA]],
    ['nodata', { mode: { kind: 'nodata' } }, 'A', RCODE.NOERROR, [], [SOA]],
    ['refused', { mode: { kind: 'refused' } }, 'A', RCODE.REFUSED, [], []],
    ['null-ip', { mode: { kind: 'null-ip' } }, 'A', RCODE.NOERROR, [`${NAME} 30 IN A 0.0.0.0`], []],
    ['null-ip', { mode: { kind: 'null-ip' } }, 'AAAA', RCODE.NOERROR, [`${NAME} 30 IN AAAA ::`], []],
    ['null-ip', { mode: { kind: 'null-ip' } }, 'HTTPS', RCODE.NOERROR, [], [SOA]],
    [
      'address',
      address,
      'A',
      RCODE.NOERROR,
      [`${NAME} 30 IN A 192.0.2.80`, `${NAME} 30 IN A 192.0.2.81`],
      [],
    ],
    ['address', address, 'AAAA', RCODE.NOERROR, [`${NAME} 30 IN AAAA 2001:db8::`], []],
    ['address', address, 'TXT', RCODE.NOERROR, [], [SOA]],
    [
      'address of the other family',
      { mode: { kind: 'address', ipv4: [], ipv6: [] } },
      'A',
      RCODE.NOERROR,
      [],
      [SOA],
    ],
  ])('%s: %j %s', (_name, changes, type, rcode, answer, authority) => {
    const message = refuse(`${NAME} ${type}`, changes);
    expect(message).toMatchObject({ answer, authority, additional: [], isSound: true });
    expect(rcodeOf(message)).toBe(rcode);
  });

  test('carries the code and the text of the list', () => {
    const { opt } = refuse(`${NAME} A`, { ede: createEde(EDE.CENSORED, 'OMB M-23-13') });
    const [option] = readOptions(opt?.options ?? new Uint8Array(0), 0, opt?.options.length ?? 0);
    expect(option && readEde(option)).toEqual({ infoCode: EDE.CENSORED, text: 'OMB M-23-13' });
  });

  test('has the TTL of the list, in the SOA too', () => {
    const message = refuse(`${NAME} A`, { ttlSec: 7 });
    expect(message.authority).toEqual([`${NAME} 7 IN SOA ${NAME} hostmaster.invalid. 1 3600 1200 604800 7`]);
  });

  test.each(['A', 'AAAA', 'TXT'])(
    'fits 512 bytes with the longest name and everything that a list can add: %s',
    (type) => {
      const mode: PolicyList['mode'] = {
        kind: 'address',
        ipv4: Array.from({ length: ADDRESSES_MAX }, () => new Uint8Array(4)),
        ipv6: Array.from({ length: ADDRESSES_MAX }, () => new Uint8Array(16)),
      };
      const bench = new Bench({
        lists: [['tiktok.example']],
        listChanges: [{ mode, ede: createEde(EDE.BLOCKED, EDE_TEXT_MAX) }],
      });
      for (const text of [{}, { edns: { udpLength: 512 } }]) {
        const { answers } = bench.send(buildQuery(`${LONG_NAME} ${type}`, text));
        expect(onlyAnswer(answers)).toMatchObject({ isSound: true });
        expect(answers[0]?.length).toBeLessThanOrEqual(512);
      }
    },
  );
});

test.each([
  ['UDP', TRANSPORT.UDP, undefined, 18, 512],
  ['UDP with EDNS', TRANSPORT.UDP, 1232, 43, 1232],
  // Without the OPT record it would fit.
  ['TCP', TRANSPORT.TCP, 1232, 2339, MESSAGE_LENGTH_MAX],
] as const)(
  'a refusal that is longer than an answer may be is sent empty with TC, over %s',
  (_name, transport, udpLength, length, limit) => {
    const mode = {
      kind: 'address',
      ipv4: [],
      ipv6: Array.from({ length }, () => new Uint8Array(16)),
    } as const;
    const bench = new Bench({ lists: [['tiktok.example']], listChanges: [{ mode }] });
    const query = buildQuery(`${NAME} AAAA`, udpLength === undefined ? {} : { edns: { udpLength } });
    const { answers } = bench.send(query, undefined, transport);
    expect(answers[0]?.length).toBeLessThanOrEqual(limit);
    const message = onlyAnswer(answers);
    expect(message).toMatchObject({ answer: [], authority: [], isSound: true });
    expect(message.flags & FLAG.TC).toBe(FLAG.TC);
  },
);

describe('what an answer takes over', () => {
  test.each<[string, number, number]>([
    ['RD', FLAG.RD, FLAG.RD],
    ['RD and CD', FLAG.RD | FLAG.CD, FLAG.RD | FLAG.CD],
    ['nothing of AD, AA, TC, RA and Z', FLAG.RD | FLAG.AD | FLAG.AA | FLAG.TC | FLAG.RA | FLAG.Z, FLAG.RD],
  ])('%s', (_name, flags, kept) => {
    const bench = new Bench({ lists: [['tiktok.example']] });
    const resolved = bench.ask('a.example. A', { flags, id: 0xffff });
    answerAsked(bench.asked[0], 'a.example. A', { answer: ['a.example. 60 IN A 203.0.113.1'] });
    const answers = [
      resolved,
      bench.ask('a.example. A', { flags, id: 0xffff }),
      bench.ask(`${NAME} A`, { flags, id: 0xffff }),
      bench.ask('localhost. A', { flags, id: 0xffff }),
    ].map(onlyAnswer);
    for (const message of answers) {
      expect(message.id).toBe(0xffff);
      expect(message.flags & ~RCODE_MASK).toBe(FLAG.QR | FLAG.RA | kept);
    }
  });

  test.each([
    ['no OPT', {}, undefined],
    ['OPT', { edns: {} }, { udpLength: 1232, ttl: 0 }],
    ['OPT with DO', { edns: { ttl: EDNS_DO } }, { udpLength: 1232, ttl: EDNS_DO }],
    [
      'OPT with unknown flags and options',
      { edns: { ttl: 0x7fff, options: Uint8Array.of(0xff, 0, 0, 1, 7) } },
      { udpLength: 1232, ttl: 0 },
    ],
  ])('%s', (_name, text, expected) => {
    const bench = new Bench();
    const { answers } = bench.send(buildQuery('localhost. A', text));
    const { opt } = onlyAnswer(answers);
    if (expected === undefined) expect(opt).toBeUndefined();
    else expect(opt).toMatchObject(expected);
  });
});

const RCODE_MASK = 0xf;

describe('size', () => {
  /** An answer of about 1,100 bytes. */
  const records = Array.from(
    { length: 4 },
    (_, index) => `a.example. 60 IN TXT "${index}${'x'.repeat(249)}"`,
  );
  const LARGE = 1100;

  test.each<[string, number, number | undefined, boolean]>([
    ['UDP without EDNS', TRANSPORT.UDP, undefined, true],
    ['UDP, 0 bytes', TRANSPORT.UDP, 0, true],
    ['UDP, 512 bytes', TRANSPORT.UDP, 512, true],
    ['UDP, 1232 bytes', TRANSPORT.UDP, 1232, false],
    ['UDP, 65535 bytes', TRANSPORT.UDP, 65_535, false],
    ['TCP without EDNS', TRANSPORT.TCP, undefined, false],
    ['TCP, 512 bytes', TRANSPORT.TCP, 512, false],
  ])('%s: truncated %s', (_name, transport, udpLength, isTruncated) => {
    const bench = new Bench();
    const query = buildQuery('a.example. TXT', udpLength === undefined ? {} : { edns: { udpLength } });
    const { answers } = bench.send(query, undefined, transport);
    answerAsked(bench.asked[0], 'a.example. TXT', { answer: records });
    for (const bytes of [answers[0], bench.send(query, undefined, transport).answers[0]]) {
      const message = parseMessage(bytes ?? new Uint8Array(12));
      expect((message.flags & FLAG.TC) !== 0).toBe(isTruncated);
      expect(message.answer).toEqual(isTruncated ? [] : records);
      expect(message.isSound).toBe(true);
      expect(message.opt === undefined).toBe(udpLength === undefined);
      if (!isTruncated) expect(bytes?.length).toBeGreaterThan(LARGE - 100);
    }
  });

  test('never more than 1232 bytes over UDP, whatever the client claims', () => {
    const bench = new Bench();
    const query = buildQuery('a.example. TXT', { edns: { udpLength: 65_535 } });
    const { answers } = bench.send(query);
    answerAsked(bench.asked[0], 'a.example. TXT', {
      answer: [...records, ...records.map((text) => text.replaceAll('xx', 'yy'))],
    });
    expect(onlyAnswer(answers).flags & FLAG.TC).toBe(FLAG.TC);
  });

  test('an answer that fills the limit to the byte is sent, one byte more is not', () => {
    // Header, question, OPT, and the fixed part of the TXT record with the length bytes of its two strings.
    const fixed = 12 + 15 + 11 + 12 + 2;
    for (const [total, isTruncated] of [
      [512, false],
      [513, true],
    ] as const) {
      const bench = new Bench();
      const record = `a.example. 60 IN TXT "${'x'.repeat(230)}" "${'y'.repeat(total - fixed - 230)}"`;
      const { answers } = bench.send(buildQuery('a.example. TXT', { edns: { udpLength: 512 } }));
      answerAsked(bench.asked[0], 'a.example. TXT', { answer: [record] });
      const message = onlyAnswer(answers);
      expect((message.flags & FLAG.TC) !== 0, `${total} bytes`).toBe(isTruncated);
      if (!isTruncated) expect(answers[0]).toHaveLength(total);
    }
  });
});

test('ANY gets the HINFO record of RFC 8482', () => {
  const message = onlyAnswer(new Bench().ask('a.example. ANY'));
  expect(message.answer).toEqual(['a.example. 3600 IN HINFO "RFC8482" ""']);
});

const COOKIE_OPTION = Uint8Array.of(0, OPTION.COOKIE, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8);
/** What a cookie takes in an answer. */
const COOKIE_LENGTH = 4 + 24;
const out = new Uint8Array(MESSAGE_LENGTH_MAX);

/** A query as the pipeline has it in hand: parsed, its cookie judged. */
const readQuery = (bytes: Uint8Array): { readonly query: Query; readonly fault: number } => {
  const query = new Query();
  const fault = query.parse(bytes, bytes.length);
  const address = createAddress();
  parseAddress('192.0.2.1', address);
  if (fault === QUERY_FAULT.NONE || fault === QUERY_FAULT.COOKIE_ONLY)
    new ServerCookies(new Uint8Array(16)).judge(query, address, 0);
  return { query, fault };
};

/** Codes of the options of an answer, in their order. */
const optionsOf = ({ opt }: ParsedMessage): number[] =>
  readOptions(opt?.options ?? new Uint8Array(0), 0, opt?.options.length ?? 0).map(({ code }) => code);

const edeTextOf = ({ opt }: ParsedMessage): string | undefined => {
  const options = readOptions(opt?.options ?? new Uint8Array(0), 0, opt?.options.length ?? 0);
  const ede = options.find(({ code }) => code === OPTION.EDE);
  return ede && readEde(ede)?.text;
};

/** `edns: false` is a client that has none. */
interface AskText extends Omit<MessageText, 'edns'> {
  readonly edns?: MessageText['edns'] | false;
}

interface SourceText extends MessageText {
  readonly secure?: boolean;
  readonly ede?: Uint8Array;
}

/** An answer in the middle of other bytes, as the cache keeps it. */
const answerOf = ({ secure = false, ede = new Uint8Array(0), ...text }: SourceText): AnswerSource => {
  const wire = buildResponse({ question: 'a.example. A', ...text });
  const reader = new RecordReader();
  reader.reset(wire, wire.length, questionEnd(wire, wire.length));
  const ttls: number[] = [];
  while (reader.next()) ttls.push(reader.ttlOffset);
  const edeStart = 5 + wire.length + 3;
  return {
    bytes: Uint8Array.from([9, 9, 9, 9, 9, ...wire, 9, 9, 9, ...ede, 9]),
    wireStart: 5,
    wireLength: wire.length,
    rcode: (wire[3] ?? 0) & RCODE_MASK,
    secure,
    ttlCount: ttls.length,
    ttlOffset: (index) => ttls[index] ?? 0,
    edeStart,
    edeEnd: edeStart + ede.length,
  };
};

const RECORD = 'a.example. 60 IN A 203.0.113.1';
const answered = (
  text: SourceText,
  { edns = {}, ...rest }: AskText = {},
  ...more: [ageSec?: number, limit?: number, ede?: Uint8Array, ttlSec?: number]
): ParsedMessage => {
  const [ageSec = 0, limit = 1232, ede, ttlSec] = more;
  const { query } = readQuery(buildQuery('a.example. A', edns === false ? rest : { ...rest, edns }));
  return parseMessage(out.slice(0, writeAnswer(query, answerOf(text), ageSec, limit, out, ede, ttlSec)));
};

describe('AD', () => {
  test.each<[string, boolean, MessageText, boolean]>([
    ['a client that sets AD', true, { flags: FLAG.RD | FLAG.AD }, true],
    ['a client that sets DO', true, { edns: { ttl: EDNS_DO } }, true],
    ['a client that sets DO and CD', true, { flags: FLAG.RD | FLAG.CD, edns: { ttl: EDNS_DO } }, true],
    ['a client that knows neither', true, {}, false],
    ['an answer that is not secure', false, { flags: FLAG.RD | FLAG.AD, edns: { ttl: EDNS_DO } }, false],
  ])('%s, secure %s', (_, secure, queryText, isSet) => {
    const message = answered({ answer: [RECORD], secure }, queryText);
    expect((message.flags & FLAG.AD) !== 0).toBe(isSet);
    expect(message.answer).toEqual([RECORD]);
  });

  test('is not said of an answer that was left out for its size', () => {
    const message = answered({ answer: [RECORD], secure: true }, { flags: FLAG.RD | FLAG.AD }, 0, 40);
    expect(message.flags & (FLAG.TC | FLAG.AD)).toBe(FLAG.TC);
  });
});

describe('TTLs', () => {
  const text: SourceText = {
    answer: [RECORD, 'a.example. 10 IN A 203.0.113.2'],
    authority: ['a.example. 100000 IN NS ns.example.'],
  };
  const ttlsOf = ({ answer, authority }: ParsedMessage): number[] =>
    [...answer, ...authority].map((record) => Number(record.split(' ')[1]));

  test.each([
    ['as kept', 0, TTL_AS_AGED, [60, 10, 100_000]],
    ['aged', 20, TTL_AS_AGED, [40, 0, 99_980]],
    ['all the same, whatever the age', 100_000, 30, [30, 30, 30]],
    ['all zero', 0, 0, [0, 0, 0]],
  ])('%s', (_, ageSec, ttlSec, expected) => {
    expect(ttlsOf(answered(text, {}, ageSec, 1232, undefined, ttlSec))).toEqual(expected);
  });
});

describe('the EDE of an answer', () => {
  const upstreams = createEde(EDE.DNSSEC_BOGUS, 'theirs');
  const ours = createEde(EDE.STALE_ANSWER, 'ours');
  const records = { answer: [RECORD] };

  test.each<[string, SourceText, Uint8Array | undefined, AskText, string | undefined]>([
    ["is the upstream's", { ede: upstreams }, undefined, {}, 'theirs'],
    ['is that of the caller instead', { ede: upstreams }, ours, {}, 'ours'],
    ['is that of the caller', {}, ours, {}, 'ours'],
    ['is none', {}, undefined, {}, undefined],
    ['is not for clients without EDNS', { ede: upstreams }, ours, { edns: false }, undefined],
  ])('%s', (_, text, ede, queryText, expected) => {
    const message = answered({ ...records, ...text }, queryText, 0, 1232, ede);
    expect(edeTextOf(message)).toBe(expected);
    expect(message).toMatchObject({ answer: [RECORD], isSound: true });
  });

  test('comes after the cookie, and is left out when only the cookie fits', () => {
    const queryText = { edns: { options: COOKIE_OPTION } };
    const bare = 12 + 15 + 16 + OPT_LENGTH;
    const whole = bare + COOKIE_LENGTH + 4 + ours.length;
    const at = (limit: number) => answered(records, queryText, 0, limit, ours);
    expect(optionsOf(at(whole))).toEqual([OPTION.COOKIE, OPTION.EDE]);
    expect(optionsOf(at(whole - 1))).toEqual([OPTION.COOKIE]);
    expect(optionsOf(at(bare + COOKIE_LENGTH))).toEqual([OPTION.COOKIE]);
    // A client that expects a cookie believes nothing without one: better over TCP.
    const small = at(bare + COOKIE_LENGTH - 1);
    expect(small.flags & FLAG.TC).toBe(FLAG.TC);
    expect(small).toMatchObject({ answer: [], isSound: true });
  });

  test('stands in a long answer over TCP too, whatever the client says of UDP', () => {
    const answer = Array.from({ length: 100 }, (_, i) => `a.example. 60 IN A 203.0.113.${i}`);
    const queryText = { edns: { udpLength: 512, options: COOKIE_OPTION } };
    const message = answered({ answer }, queryText, 0, MESSAGE_LENGTH_MAX, ours);
    expect(message.answer).toHaveLength(100);
    expect(optionsOf(message)).toEqual([OPTION.COOKIE, OPTION.EDE]);
  });
});

describe('a cookie', () => {
  test.each([
    ['none', {}, 0],
    ['EDNS', { edns: {} }, OPT_LENGTH],
    ['EDNS and a cookie', { edns: { options: COOKIE_OPTION } }, OPT_LENGTH + COOKIE_LENGTH],
  ])('ednsLength() of a query with %s is what an empty answer grows by', (_, text, length) => {
    const { query } = readQuery(buildQuery('a.example. A', text));
    expect(ednsLength(query)).toBe(length);
    expect(writeEmpty(query, RCODE.SERVFAIL, undefined, out)).toBe(query.questionEnd + length);
  });

  test('may be demanded: BADCOOKIE is an extended RCODE', () => {
    const { query } = readQuery(buildQuery('a.example. A', { edns: { options: COOKIE_OPTION } }));
    const message = parseMessage(out.slice(0, writeEmpty(query, RCODE.BADCOOKIE, undefined, out)));
    expect(rcodeOf(message)).toBe(RCODE.BADCOOKIE);
    expect(optionsOf(message)).toEqual([OPTION.COOKIE]);
  });

  test('is answered without a question', () => {
    const opt = buildQuery('. A', { edns: { options: COOKIE_OPTION } }).slice(12 + 5);
    const { query, fault } = readQuery(Uint8Array.from([0xab, 0xcd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, ...opt]));
    expect(fault).toBe(QUERY_FAULT.COOKIE_ONLY);
    const bytes = out.slice(0, writeEmpty(query, RCODE.NOERROR, undefined, out));
    expect([...bytes.subarray(0, 12)]).toEqual([0xab, 0xcd, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(bytes).toHaveLength(12 + OPT_LENGTH + COOKIE_LENGTH);
    expect(bytes.subarray(12 + OPT_LENGTH, -16)).toEqual(
      Uint8Array.of(0, OPTION.COOKIE, 0, 24, 1, 2, 3, 4, 5, 6, 7, 8),
    );
  });
});

describe('FORMERR', () => {
  const bad = buildQuery('a.example. A', { answer: [RECORD], edns: { ttl: EDNS_DO } });
  const badCookie = buildQuery('a.example. A', { edns: { options: COOKIE_OPTION.slice(0, -1).with(3, 7) } });
  const noQuestion = Uint8Array.from([...buildQuery('. A', { edns: {} })].toSpliced(12, 5)).with(5, 0);

  test.each<[string, Uint8Array, ParsedMessage['opt'], string]>([
    ['of a body', bad, { udpLength: 1232, ttl: EDNS_DO, options: new Uint8Array(0) }, 'a.example. A'],
    ['of a cookie', badCookie, { udpLength: 1232, ttl: 0, options: new Uint8Array(0) }, 'a.example. A'],
    ['without a question', noQuestion, { udpLength: 1232, ttl: 0, options: new Uint8Array(0) }, ''],
    ['without EDNS', buildQuery('a.example. A', { answer: [RECORD] }), undefined, 'a.example. A'],
  ])('%s carries an OPT record when the query had one', (_, bytes, opt, question) => {
    const { query, fault } = readQuery(bytes);
    const message = parseMessage(out.slice(0, writeFault(query, fault, out)));
    expect(rcodeOf(message)).toBe(RCODE.FORMERR);
    expect(message).toMatchObject({ question, answer: [], isSound: true });
    expect(message.opt).toEqual(opt);
  });
});
