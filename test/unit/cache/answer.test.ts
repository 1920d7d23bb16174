// What is kept of an upstream's message, and for how long (RFC 2181 section 8, RFC 2308 section 5).
import { describe, expect, test } from 'vitest';
import { createAnswer, NOT_VALIDATED } from '../../../src/resolver/cache/cache.ts';
import {
  copyName,
  FLAG,
  MessageBuilder,
  messageFlags,
  nameFrom,
  RCODE,
  readU32,
  SECTION,
  TYPE,
  writeU32,
} from '../../../src/wire/dns/dns.ts';
import { buildResponse } from '../../support/records.ts';
import { ARRIVAL_MS, answerOf, answerOfBytes, formatAnswer, LIMITS } from './setup.ts';

const A = 'a.example. 300 IN A 192.0.2.1';
const ALIAS = 'a.example. 60 IN CNAME b.example.';
const NS = 'example. 120 IN NS ns.example.';
const SIGNATURE =
  'a.example. 300 IN RRSIG A 13 2 300 20300101000000 20250101000000 1234 example. c2lnbmF0dXJl';
const NSEC = 'a.example. 300 IN NSEC b.example. A RRSIG NSEC';
const soa = (ttl: number, minimum: number): string =>
  `example. ${ttl} IN SOA ns.example. host.example. 1 3600 600 86400 ${minimum}`;
const NXDOMAIN = FLAG.QR | FLAG.RD | FLAG.RA | RCODE.NXDOMAIN;
const TOP_BIT = 0x8000_0000;

/** The response with the TTL field of its first record replaced: texts have no TTL above 31 bits. */
const withFirstTtl = (ttl: number): Uint8Array => {
  const message = buildResponse({ question: 'a.example. A', answer: [A] });
  const at = message.length - 10;
  if (readU32(message, at) !== 300) throw new Error('the TTL stands elsewhere');
  writeU32(message, at, ttl);
  return message;
};

describe('positive answers', () => {
  test('keeps ANSWER and lives as long as its shortest TTL', () => {
    const kept = answerOf({
      answer: [ALIAS, 'b.example. 30 IN A 192.0.2.1'],
      authority: [NS],
      additional: [A],
    });
    expect(formatAnswer(kept)).toEqual({
      lifetimeSec: 30,
      answer: [ALIAS, 'b.example. 30 IN A 192.0.2.1'],
      authority: [],
    });
    expect(kept?.storedAtMs).toBe(ARRIVAL_MS);
  });

  test('leaves out NS records for DO as well, and their shorter TTL does not shorten the life', () => {
    const kept = answerOf({ answer: [A, SIGNATURE], authority: [NS] }, { dnssecOk: true });
    expect(formatAnswer(kept)).toEqual({ lifetimeSec: 300, answer: [A, SIGNATURE], authority: [] });
  });

  test('keeps the proof of a wildcard for DO, and no signed NS RRset', () => {
    const sign = (type: string): string =>
      `example. 300 IN RRSIG ${type} 13 1 300 20300101000000 20250101000000 1234 example. c2lnbmF0dXJl`;
    const proof = [NSEC, sign('NSEC')];
    for (const authority of [
      [NS, sign('NS'), ...proof],
      [...proof, NS, sign('NS')],
    ]) {
      const kept = answerOf({ answer: [A, SIGNATURE], authority }, { dnssecOk: true });
      expect(formatAnswer(kept)).toEqual({ lifetimeSec: 300, answer: [A, SIGNATURE], authority: proof });
    }
  });

  test('drops DNSSEC records and AUTHORITY without DO (RFC 4035 section 3.2.1)', () => {
    expect(formatAnswer(answerOf({ answer: [A, SIGNATURE], authority: [NS, NSEC] }))).toEqual({
      lifetimeSec: 300,
      answer: [A],
      authority: [],
    });
  });

  test('keeps the DNSSEC records that were asked for', () => {
    const signature = formatAnswer(answerOf({ question: 'a.example. RRSIG', answer: [SIGNATURE] }));
    expect(signature?.answer).toEqual([SIGNATURE]);
    expect(
      formatAnswer(answerOf({ question: 'a.example. NSEC', answer: [NSEC, SIGNATURE] }))?.answer,
    ).toEqual([NSEC]);
  });

  test.each([
    [0, 0],
    [1, 1],
    [86_400, 86_400],
    [86_401, 86_400],
    [0x7fff_ffff, 86_400],
    [TOP_BIT, 0],
    [0xffff_ffff, 0],
  ])('a TTL of %i becomes %i', (sent, expected) => {
    const kept = answerOfBytes(withFirstTtl(sent), 'a.example.');
    expect(kept?.lifetimeSec).toBe(expected);
    expect(formatAnswer(kept)?.answer).toEqual([`a.example. ${expected} IN A 192.0.2.1`]);
  });

  test('the minimum lifts short TTLs but never above the maximum', () => {
    expect(answerOfBytes(withFirstTtl(5), 'a.example.', { limits: { minSec: 60 } })?.lifetimeSec).toBe(60);
    expect(answerOfBytes(withFirstTtl(TOP_BIT), 'a.example.', { limits: { minSec: 60 } })?.lifetimeSec).toBe(
      60,
    );
    const limits = { minSec: 60, maxSec: 30 };
    expect(answerOfBytes(withFirstTtl(5), 'a.example.', { limits })?.lifetimeSec).toBe(30);
  });

  test('knows the place of every TTL that it keeps', () => {
    const kept = answerOf(
      { answer: [ALIAS, 'b.example. 30 IN A 192.0.2.1'], authority: [NS] },
      { dnssecOk: true },
    );
    const offsets = Array.from({ length: kept?.ttlCount ?? 0 }, (_, index) => kept?.ttlOffset(index) ?? 0);
    expect(offsets.map((offset) => readU32(kept?.wire ?? new Uint8Array(0), offset))).toEqual([60, 30, 120]);
  });

  test('keeps QR, RA and RCODE of the flags only', () => {
    const flags = FLAG.QR | FLAG.AA | FLAG.RD | FLAG.RA | FLAG.AD | FLAG.CD;
    expect(messageFlags(answerOf({ flags, answer: [A] })?.wire ?? new Uint8Array(0))).toBe(FLAG.QR | FLAG.RA);
  });

  test('owners that a server writes out do not cost the room of an answer over UDP', () => {
    const label = 'x'.repeat(60);
    const name = `${label}.${label}.${label}.${label}.example.`;
    const rdata = Uint8Array.of(192, 0, 2, 1);
    const plain = buildResponse({ question: `${name} A`, answer: [`${name} 300 IN A 192.0.2.1`] });
    // As named writes an owner whose letters differ from those of the question.
    const owner = nameFrom(name);
    const start = plain.length - 16;
    const spelledOut = new Uint8Array([
      ...plain.subarray(0, start),
      ...owner,
      ...plain.subarray(start + 2, plain.length - 4),
      ...rdata,
    ]);
    expect(spelledOut.length).toBeGreaterThan(512);
    const kept = answerOfBytes(spelledOut, name);
    expect(kept?.wireLength).toBe(plain.length);
    expect(formatAnswer(kept)?.answer).toEqual([`${name} 300 IN A 192.0.2.1`]);
  });
});

describe('negative answers', () => {
  test.each([
    ['the SOA TTL', 60, 600, 60],
    ['the MINIMUM field', 600, 60, 60],
    ['the configured maximum', 3600, 3600, 900],
    ['nothing when MINIMUM is 0', 600, 0, 0],
  ])('NXDOMAIN lives as long as %s', (_name, ttl, minimum, expected) => {
    const kept = answerOf({ flags: NXDOMAIN, authority: [soa(ttl, minimum)] });
    expect(formatAnswer(kept)).toEqual({
      lifetimeSec: expected,
      answer: [],
      authority: [soa(expected, minimum)],
    });
  });

  test('NODATA is kept by its SOA too', () => {
    expect(formatAnswer(answerOf({ authority: [soa(120, 60)] }))?.lifetimeSec).toBe(60);
  });

  test('is not lifted by the minimum TTL above what the SOA says', () => {
    expect(answerOf({ authority: [soa(120, 5)] }, { limits: { minSec: 60 } })?.lifetimeSec).toBe(5);
  });

  test('CNAME and NODATA lives as long as the shorter of alias and SOA', () => {
    expect(answerOf({ answer: [ALIAS], authority: [soa(300, 300)] })?.lifetimeSec).toBe(60);
    expect(answerOf({ answer: [ALIAS], authority: [soa(30, 300)] })?.lifetimeSec).toBe(30);
  });

  test.each([
    ['NXDOMAIN', { flags: NXDOMAIN }],
    ['NODATA', {}],
    ['CNAME and NODATA', { answer: [ALIAS] }],
    ['a referral', { authority: [NS] }],
    ['an SOA of another class', { authority: ['example. 60 CH SOA ns.example. host.example. 1 2 3 4 60'] }],
  ])('%s without an SOA is not kept', (_name, text) => {
    expect(answerOf(text)?.lifetimeSec).toBe(0);
  });

  test('an SOA TTL with the top bit set counts as 0', () => {
    const message = buildResponse({ question: 'a.example. A', authority: [soa(300, 300)] });
    const minimumAt = message.length - 4;
    writeU32(message, minimumAt, TOP_BIT);
    expect(answerOfBytes(message, 'a.example.')?.lifetimeSec).toBe(0);
  });

  test('drops NSEC without DO and keeps it with DO', () => {
    const text = { flags: NXDOMAIN, authority: [soa(60, 60), NSEC] };
    expect(formatAnswer(answerOf(text))?.authority).toEqual([soa(60, 60)]);
    expect(formatAnswer(answerOf(text, { dnssecOk: true }))).toEqual({
      lifetimeSec: 60,
      answer: [],
      authority: [soa(60, 60), NSEC],
    });
  });
});

test.each([RCODE.SERVFAIL, RCODE.FORMERR, RCODE.REFUSED, RCODE.YXDOMAIN])('RCODE %i is not kept', (rcode) => {
  const kept = answerOf({ flags: FLAG.QR | FLAG.RA | rcode, answer: [A] });
  expect(kept).toMatchObject({ lifetimeSec: 0 });
});

describe('malformed messages', () => {
  /** A response with one record of any owner, type and RDATA in a section. */
  const withRecord = (section: number, owner: Uint8Array, type: number, rdata: Uint8Array): Uint8Array => {
    const builder = new MessageBuilder(new Uint8Array(512)).start(1, FLAG.QR);
    builder.question(nameFrom('a.example.'), TYPE.A, 1).record(section, owner, type, 1, 60, rdata);
    return builder.finish().slice();
  };
  const root = nameFrom('.');

  test('an OPT record in ANSWER or AUTHORITY is refused, in ADDITIONAL dropped', () => {
    const opt = (section: number): Uint8Array => withRecord(section, root, TYPE.OPT, new Uint8Array(0));
    expect(answerOfBytes(opt(SECTION.ANSWER), 'a.example.')).toBeUndefined();
    expect(answerOfBytes(opt(SECTION.AUTHORITY), 'a.example.')).toBeUndefined();
    expect(formatAnswer(answerOfBytes(opt(SECTION.ADDITIONAL), 'a.example.'))?.answer).toEqual([]);
  });

  test.each([
    ['ANSWER', 7],
    ['AUTHORITY', 9],
    ['ADDITIONAL', 11],
  ])('a count of %s above its records is refused', (_name, at) => {
    const message = buildResponse({ question: 'a.example. A', answer: [A] });
    message[at] = 9;
    expect(answerOfBytes(message, 'a.example.')).toBeUndefined();
  });

  test('a message cut off anywhere is refused', () => {
    const message = buildResponse({ question: 'a.example. A', answer: [ALIAS, A], authority: [NS] });
    for (let length = 0; length < message.length; length++) {
      expect(answerOfBytes(message.slice(0, length), 'a.example.'), `${length} bytes`).toBeUndefined();
    }
  });

  test('an alias that points forward makes no answer', () => {
    const message = withRecord(SECTION.ANSWER, nameFrom('a.example.'), TYPE.CNAME, Uint8Array.of(0xc0, 0xff));
    expect(answerOfBytes(message, 'a.example.')).toBeUndefined();
  });

  test('a name that runs through the header, which is another one for the client, makes no answer', () => {
    const message = withRecord(SECTION.ANSWER, nameFrom('a.example.'), TYPE.CNAME, Uint8Array.of(0xc0, 5));
    expect(copyName(message, 5, message.length)).toBeDefined();
    expect(answerOfBytes(message, 'a.example.')).toBeUndefined();
  });

  test('no question, two questions and no header are refused', () => {
    const message = buildResponse({ question: 'a.example. A', answer: [A] });
    for (const count of [0, 2]) {
      const changed = message.slice();
      changed[5] = count;
      expect(answerOfBytes(changed, 'a.example.')).toBeUndefined();
    }
    expect(answerOfBytes(new Uint8Array(0), 'a.example.')).toBeUndefined();
  });

  test('an SOA too short for its MINIMUM makes no answer', () => {
    const message = withRecord(SECTION.AUTHORITY, nameFrom('example.'), TYPE.SOA, Uint8Array.of(0, 0, 1));
    expect(answerOfBytes(message, 'a.example.')).toBeUndefined();
  });
});

test('an answer shares no memory with the message, a Buffer of a socket included', () => {
  const message = Buffer.from(buildResponse({ question: 'a.example. A', answer: [A], authority: [NS] }));
  const before = message.toString('hex');
  const kept = answerOfBytes(message, 'a.example.', { limits: { maxSec: 5 } });
  expect(message.toString('hex')).toBe(before);
  message.fill(0);
  expect(formatAnswer(kept)?.answer).toEqual(['a.example. 5 IN A 192.0.2.1']);
});

describe('an answer for clients with and without DO', () => {
  const SOA_SIGNATURE = SIGNATURE.replace('a.example. 300 IN RRSIG A', 'example. 300 IN RRSIG SOA');
  const NO_DATA = soa(300, 60);
  const NS_SIGNATURE = SIGNATURE.replace('a.example. 300 IN RRSIG A', 'example. 300 IN RRSIG NS');
  const ALIAS_SIGNATURE = SIGNATURE.replace('RRSIG A', 'RRSIG CNAME');

  test.each<[string, readonly string[], readonly string[]]>([
    ['signatures after the data', [A, SIGNATURE], []],
    ['signatures before the data', [SIGNATURE, A], []],
    ['signatures between', [ALIAS, ALIAS_SIGNATURE, 'b.example. 60 IN A 192.0.2.2'], []],
    ['a proof beside data', [A, SIGNATURE], [NSEC]],
    ['name servers before the first signature', [A], [NS, NS_SIGNATURE, NSEC]],
    ['the SOA before its proof', [], [NO_DATA, SOA_SIGNATURE, NSEC]],
    ['the SOA after its proof', [], [NSEC, NO_DATA, SOA_SIGNATURE]],
    ['nothing but a proof', [], [NSEC]],
    ['an alias without an end', [ALIAS, ALIAS_SIGNATURE], [NO_DATA, SOA_SIGNATURE]],
  ])('with %s gives those without DO what they get when nobody asks for more', (_, answer, authority) => {
    const message = buildResponse({ question: 'a.example. A', answer, authority });
    const expected = formatAnswer(answerOfBytes(message, 'a.example.'));
    const shared = createAnswer(
      message,
      nameFrom('a.example.'),
      true,
      LIMITS,
      ARRIVAL_MS,
      NOT_VALIDATED,
      true,
    );
    shared?.choose(false);
    const { answer: records, authority: proof } = formatAnswer(shared) ?? {};
    expect([records, proof]).toEqual([expected?.answer, expected?.authority]);
  });
});
