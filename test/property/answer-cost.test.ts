// What an answer costs whoever reads it: no more than some times what an ordinary answer of as many bytes costs, whatever its
// names, aliases and pointers are. Costs are compared in one run, never with a clock alone.
import { describe, expect, test } from 'vitest';
import { createAnswer } from '../../src/resolver/cache/cache.ts';
import {
  proveEmptyName,
  proveNameError,
  proveNoData,
  proveNoDs,
  proveUnsigned,
  proveWildcard,
} from '../../src/resolver/dnssec/denial.ts';
import type { DnsKey } from '../../src/resolver/dnssec/key.ts';
import { type Rrset, readRrsets } from '../../src/resolver/dnssec/rrset.ts';
import { VerifiedDenial } from '../../src/resolver/dnssec/verification.ts';
import { Work } from '../../src/resolver/dnssec/work.ts';
import { findOpenEnd, joinAnswers } from '../../src/resolver/upstream/alias-chain.ts';
import {
  CLASS,
  EDE,
  FLAG,
  foldedName,
  HEADER_LENGTH,
  isWorthReading,
  MessageBuilder,
  nameFrom,
  questionEnd,
  RCODE,
  SECTION,
  TYPE,
} from '../../src/wire/dns/dns.ts';
import { costOf } from '../support/cost.ts';
import { COSTLY, pointer, RawAnswer } from '../support/costly-answers.ts';
import { buildQuery } from '../support/records.ts';

const LIMITS = { minSec: 0, maxSec: 86_400, negativeMaxSec: 3_600 };
/**
 * How many times more than an ordinary answer of its bytes an answer may cost. Most take 1 to 9 times; ten times as much where
 * other tests of the process had the readers compiled for several kinds of arrays. What this is about took 150 to 3,000 times.
 */
const TIMES_MAX = 60;

interface Message {
  readonly bytes: Uint8Array;
  readonly qname: Uint8Array;
  readonly type: number;
}

const messageFor = (
  name: string,
  type: number,
  add: (answer: RawAnswer, zoneAt: number) => void,
): Message => {
  const query = Buffer.from(buildQuery(`${name}. TYPE${type}`));
  const answer = new RawAnswer(query, questionEnd(query, query.length));
  const qname = nameFrom(name);
  add(answer, HEADER_LENGTH + qname.length - nameFrom(name.slice(name.indexOf('zone.attacker'))).length);
  return { bytes: Uint8Array.from(answer.finish()), qname: foldedName(qname), type };
};

const costly = (kind: string, name: string, type: number, count: number): Message =>
  messageFor(name, type, (answer, zoneAt) => COSTLY[kind]?.(answer, zoneAt, count));

/** As many addresses of the asked name as a message of so many bytes has, or TXT records of two bytes. */
const ordinary = (length: number): Message =>
  messageFor('www.zone.attacker.example', TYPE.TXT, (answer) => {
    while (answer.length + 14 <= length) answer.add(0, pointer(HEADER_LENGTH), TYPE.TXT, [1, 65]);
  });

const SHORT = 'xxxxxxxxxxxx.zone.attacker.example';
const LONG = `xxxxxxxxxxxx.${'a.'.repeat(100)}zone.attacker.example`;
const CASES: readonly (readonly [kind: string, name: string, type: number, count: number])[] = [
  ['labels', LONG, TYPE.A, 250],
  ['labels', LONG, TYPE.A, 25],
  ['strays', SHORT, TYPE.A, 2_900],
  ['strays', SHORT, TYPE.A, 900],
  ['dnames', SHORT, TYPE.A, 4_400],
  ['dnames', SHORT, TYPE.A, 440],
  ['pointers', SHORT, TYPE.A, 2_900],
  ['owners', LONG, TYPE.TXT, 4_400],
  ['anew', LONG, TYPE.TXT, 4_400],
];

const readBy = {
  'createAnswer()': ({ bytes, qname }: Message): void => void createAnswer(bytes, qname, false, LIMITS, 0),
  'createAnswer() of both forms': ({ bytes, qname }: Message): void =>
    void createAnswer(bytes, qname, true, LIMITS, 0, undefined, true),
  'findOpenEnd()': ({ bytes, qname, type }: Message): void =>
    void findOpenEnd(bytes, {
      name: qname,
      type,
      class: 1,
      view: 0,
      dnssecOk: false,
      checkingDisabled: false,
      wantsAd: false,
    }),
  'isWorthReading()': ({ bytes }: Message): void =>
    void isWorthReading(bytes, questionEnd(bytes, bytes.length)),
} satisfies Record<string, (message: Message) => void>;

describe.each(Object.entries(readBy))('%s', (_reader, read) => {
  test.each(CASES)('%s', (...[kind, name, type, count]) => {
    const message = costly(kind, name, type, count);
    const beside = ordinary(message.bytes.length);
    const { cost, plain } = costOf(
      () => read(message),
      // What an ordinary answer costs that is read to its end.
      () => void createAnswer(beside.bytes, beside.qname, false, LIMITS, 0),
    );
    expect(cost / plain).toBeLessThan(TIMES_MAX);
  });
});

describe('proofs by long NSEC records whose signatures have ended cost no more than some times what reading them does', () => {
  const nowSec = Math.floor(Date.now() / 1000);
  const zone = nameFrom('zone.example.');
  const tail = `${'a.'.repeat(118)}zone.example.`;
  const qname = nameFrom(`zz.${tail}`);

  /** A denial by NSEC records of long names before QNAME, each with a signature of the zone's key that has ended. */
  const denied = (count: number): Uint8Array => {
    const builder = new MessageBuilder(new Uint8Array(65_535)).start(0, FLAG.QR | FLAG.RA | RCODE.NXDOMAIN);
    builder.question(qname, TYPE.A, CLASS.IN);
    const nsec = Buffer.concat([zone, Uint8Array.of(0, 1, 0x40)]);
    const signature = Buffer.alloc(18 + zone.length + 1);
    signature.writeUInt16BE(TYPE.NSEC, 0);
    signature.set([13, 121], 2);
    for (const [at, value] of [
      [4, 300],
      [8, nowSec - 1_000],
      [12, nowSec - 2_000],
    ] as const)
      signature.writeUInt32BE(value, at);
    signature.writeUInt16BE(7, 16);
    signature.set(zone, 18);
    for (let i = 0; i < count; i++) {
      const owner = nameFrom(`${i.toString(36).padStart(2, '0')}.${tail}`);
      builder.record(SECTION.AUTHORITY, owner, TYPE.NSEC, CLASS.IN, 300, nsec);
      builder.record(SECTION.AUTHORITY, owner, TYPE.RRSIG, CLASS.IN, 300, signature);
    }
    return builder.finish().slice();
  };

  const message = denied(54);
  const rrsets = readRrsets(message) ?? [];
  const key = { keyTag: 7, algorithm: 13, isZoneKey: true, isRevoked: false } as DnsKey;
  const open = (work: Work): VerifiedDenial =>
    new VerifiedDenial(rrsets, zone, [key], { nowSec, work, allowSha1: false });

  test.each<[string, (records: VerifiedDenial, work: Work) => string]>([
    ['proveNameError()', (records, work) => proveNameError(records, qname, work)],
    ['proveNoData()', (records, work) => proveNoData(records, qname, TYPE.A, work)],
    ['proveEmptyName()', (records) => proveEmptyName(records, qname)],
    ['proveUnsigned()', (records, work) => proveUnsigned(records, qname, work)],
    ['proveWildcard()', (records, work) => proveWildcard(records, qname, zone, work)],
    ['proveNoDs()', (records, work) => proveNoDs(records, qname, work)],
  ])('%s', (_name, prove) => {
    const work = new Work();
    expect(prove(open(work), work)).toBe('unproven');
    expect(work.spent).toBeGreaterThan(1);
    const { cost, plain } = costOf(
      () => void prove(open(new Work()), new Work()),
      () => void readRrsets(message),
    );
    expect(cost / plain).toBeLessThan(3);
  });

  test('what is discarded stays so, and is bounded', () => {
    const [work, looks] = [new Work(), new Set<unknown>()];
    const records = open(work);
    const counted = { ...records, verify: (rrset: Rrset) => void looks.add(records.verify(rrset) ?? rrset) };
    expect(proveNameError(counted, qname, work)).toBe('unproven');
    expect(looks.size).toBe(54);
    const { spent } = work;
    expect(proveEmptyName(counted, qname)).toBe('unproven');
    expect(work.spent).toBe(spent);
    expect(records.flaw?.code).toBe(EDE.SIGNATURE_EXPIRED);
    // All that were read, and sixteen that were looked at.
    expect(spent).toBeGreaterThan(4);
    expect(spent).toBeLessThan(8);
  });
});

describe('joinAnswers()', () => {
  const question = {
    name: nameFrom(SHORT),
    type: TYPE.TXT,
    class: 1,
    view: 0,
    dnssecOk: false,
    checkingDisabled: false,
    wantsAd: false,
  };

  test('nine answers of 64 KB cost no more than one', () => {
    const { bytes } = messageFor(SHORT, TYPE.TXT, (answer) => {
      for (let i = 0; i < 4_400; i++) answer.add(0, pointer(HEADER_LENGTH), TYPE.TXT, [1, i & 0xff]);
    });
    const nine = Array<Uint8Array>(9).fill(bytes);
    const { cost, plain } = costOf(
      () => void joinAnswers(question, nine),
      () => void joinAnswers(question, [bytes]),
    );
    expect(cost / plain).toBeLessThan(2);
  });

  test('answers that fit are one', () => {
    const { bytes } = messageFor(SHORT, TYPE.TXT, (answer) => {
      for (let i = 0; i < 200; i++) answer.add(0, pointer(HEADER_LENGTH), TYPE.TXT, [1, i]);
    });
    const joined = joinAnswers(question, [bytes, bytes, bytes]);
    expect((joined?.[2] ?? 0) << 8).toBe(FLAG.QR | FLAG.RD);
    expect((joined?.[7] ?? 0) | ((joined?.[6] ?? 0) << 8)).toBe(200);
  });
});
