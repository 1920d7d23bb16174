// The bytes of answers: block modes, sizes, and what an answer takes over from the query.
import { describe, expect, test } from 'vitest';
import { createEde, EDE, EDNS_DO, FLAG, RCODE, readEde, readOptions } from '../../../src/dns/dns.ts';
import { TRANSPORT } from '../../../src/pipeline/pipeline.ts';
import type { PolicyList } from '../../../src/policy/policy.ts';
import { buildQuery, type ParsedMessage, parseMessage } from '../../support/records.ts';
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
      answer: [...records, ...records.map((text) => text.replace('x', 'y'))],
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
