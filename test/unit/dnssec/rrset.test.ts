import { describe, expect, test } from 'vitest';
import {
  parseSignature,
  type Rrset,
  readRrsets,
  synthesizedFrom,
} from '../../../src/resolver/dnssec/rrset.ts';
import {
  CLASS,
  FLAG,
  formatName,
  formatRdata,
  formatType,
  MessageBuilder,
  nameFrom,
  parseRdata,
  SECTION,
  TYPE,
} from '../../../src/wire/dns/dns.ts';
import { createRandom, mutate } from '../../support/mutate.ts';
import { buildResponse } from '../../support/records.ts';

const signature = (covered: string, tag: number, text = 'QUJDRA=='): string =>
  `${covered} 13 2 300 20300101000000 20200101000000 ${tag} Example. ${text}`;

/** An RRset in one line: section, owner, TTL, type, RDATA, and the tags of its signatures. */
const describeRrset = (rrset: Rrset): string => {
  const rdatas = rrset.rdatas.map((rdata) => formatRdata(rrset.type, rdata)).join(' | ');
  const tags = rrset.signatures.map((one) => one.keyTag).join(' ');
  return `${rrset.section} ${formatName(rrset.owner)} ${rrset.ttlSec} ${formatType(rrset.type)} ${rdatas} [${tags}]`;
};

const read = (message: Uint8Array): string[] | undefined => readRrsets(message)?.map(describeRrset);

const rrset = (...records: string[]): Rrset => {
  const [found] = readRrsets(buildResponse({ question: 'a. A', answer: records })) ?? [];
  if (found === undefined) throw new Error('the records of a test make no RRset');
  return found;
};

describe('readRrsets()', () => {
  test('groups by folded owner, type, class and section in the order of the message', () => {
    const message = buildResponse({
      question: 'www.example. MX',
      answer: [
        'WWW.example. 300 IN CNAME Mail.Example.',
        'mail.example. 300 IN MX 20 B.example.',
        'mail.EXAMPLE. 200 IN MX 10 A.example.',
        'mail.example. 300 CH MX 10 a.example.',
        'mail.example. 300 IN A 192.0.2.1',
      ],
      authority: ['mail.example. 100 IN MX 10 a.example.'],
      additional: ['a.example. 300 IN A 192.0.2.1'],
      edns: {},
    });
    expect(read(message)).toEqual([
      '0 www.example. 300 CNAME mail.example. []',
      '0 mail.example. 200 MX 10 a.example. | 20 b.example. []',
      '0 mail.example. 300 MX 10 a.example. []',
      '0 mail.example. 300 A 192.0.2.1 []',
      '1 mail.example. 100 MX 10 a.example. []',
    ]);
    expect(readRrsets(message)?.map((one) => one.class)).toEqual([
      CLASS.IN,
      CLASS.IN,
      CLASS.CH,
      CLASS.IN,
      CLASS.IN,
    ]);
  });

  test('sorts records canonically and keeps each once', () => {
    const answer = ['192.0.2.200', '192.0.2.3', '192.0.2.200', '10.0.0.1', '192.0.2.3', '192.0.2.3'];
    const records = answer.map((address) => `a.example. 60 IN A ${address}`);
    expect(read(buildResponse({ question: 'a.example. A', answer: records }))).toEqual([
      '0 a.example. 60 A 10.0.0.1 | 192.0.2.3 | 192.0.2.200 []',
    ]);
    const same = ['MX 10 A.example.', 'MX 10 a.EXAMPLE.'].map((text) => `a.example. 60 IN ${text}`);
    expect(rrset(...same).rdatas).toHaveLength(1);
  });

  test('gives signatures to what they cover in their own section, wherever they stand', () => {
    const message = buildResponse({
      question: 'a.example. A',
      answer: [
        `a.example. 60 IN RRSIG ${signature('A', 1)}`,
        'A.example. 60 IN A 192.0.2.1',
        `a.example. 60 IN RRSIG ${signature('AAAA', 2)}`,
        'a.example. 60 IN AAAA 2001:db8::1',
        `A.EXAMPLE. 60 IN RRSIG ${signature('A', 3)}`,
      ],
      authority: ['a.example. 60 IN A 192.0.2.1', `a.example. 60 IN RRSIG ${signature('A', 4)}`],
    });
    expect(read(message)).toEqual([
      '0 a.example. 60 A 192.0.2.1 [1 3]',
      '0 a.example. 60 AAAA 2001:db8::1 [2]',
      '1 a.example. 60 A 192.0.2.1 [4]',
    ]);
  });

  test('lets signatures over absent records stand as an RRset of their own', () => {
    const texts = [signature('A', 1), signature('RRSIG', 2), signature('A', 1)];
    const message = buildResponse({
      question: 'a.example. RRSIG',
      answer: texts.map((text) => `a.example. 60 IN RRSIG ${text}`),
      authority: ['a.example. 60 IN A 192.0.2.1'],
    });
    expect(readRrsets(message)?.map((one) => [formatType(one.type), one.rdatas.length, one.section])).toEqual(
      [
        ['A', 1, SECTION.AUTHORITY],
        ['RRSIG', 2, SECTION.ANSWER],
      ],
    );
  });

  test('keeps eight signatures and each once', () => {
    const tags = [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const answer = tags.map((tag) => `a.example. 60 IN RRSIG ${signature('A', tag)}`);
    const message = buildResponse({ question: 'a. A', answer: ['a.example. 60 IN A 192.0.2.1', ...answer] });
    expect(read(message)).toEqual(['0 a.example. 60 A 192.0.2.1 [1 2 3 4 5 6 7 8]']);
  });

  test('takes the smallest TTL of records and signatures', () => {
    const records = ['a.example. 60 IN A 192.0.2.1', 'a.example. 50 IN A 192.0.2.2'];
    expect(rrset(...records).ttlSec).toBe(50);
    expect(rrset(...records, `a.example. 40 IN RRSIG ${signature('A', 1)}`).ttlSec).toBe(40);
    const builder = new MessageBuilder(new Uint8Array(512)).start(1, FLAG.QR);
    builder.question(nameFrom('a.'), TYPE.A, CLASS.IN);
    builder.record(
      SECTION.ANSWER,
      nameFrom('a.'),
      TYPE.A,
      CLASS.IN,
      0x8000_0001,
      Uint8Array.of(192, 0, 2, 1),
    );
    expect(readRrsets(builder.finish())?.[0]?.ttlSec).toBe(0);
  });

  test('reads the fields of a signature, its signer folded and uncompressed', () => {
    const builder = new MessageBuilder(new Uint8Array(512)).start(1, FLAG.QR);
    builder.question(nameFrom('EXAMPLE.'), TYPE.A, CLASS.IN);
    builder.record(SECTION.ANSWER, nameFrom('example.'), TYPE.A, CLASS.IN, 60, Uint8Array.of(192, 0, 2, 1));
    const plain = parseRdata(TYPE.RRSIG, 'A 13 1 300 20300101000000 20200101000000 258 . QUJDRA==');
    // The signer is a pointer to the name of the question.
    const rdata = Buffer.concat([plain.subarray(0, 18), Uint8Array.of(0xc0, 12), plain.subarray(19)]);
    builder.record(SECTION.ANSWER, nameFrom('example.'), TYPE.RRSIG, CLASS.IN, 60, rdata);
    expect(readRrsets(builder.finish())?.[0]?.signatures).toEqual([
      {
        typeCovered: TYPE.A,
        algorithm: 13,
        labels: 1,
        originalTtlSec: 300,
        expiration: Date.UTC(2030, 0, 1) / 1000,
        inception: Date.UTC(2020, 0, 1) / 1000,
        keyTag: 258,
        signer: nameFrom('example.'),
        signature: Uint8Array.from(Buffer.from('ABCD')),
        rdata: parseRdata(TYPE.RRSIG, 'A 13 1 300 20300101000000 20200101000000 258 example. QUJDRA=='),
      },
    ]);
  });

  test('expands names in RDATA', () => {
    const builder = new MessageBuilder(new Uint8Array(512)).start(1, FLAG.QR);
    builder.question(nameFrom('Example.'), TYPE.MX, CLASS.IN);
    builder.record(
      SECTION.ANSWER,
      nameFrom('example.'),
      TYPE.MX,
      CLASS.IN,
      60,
      Uint8Array.of(0, 5, 0xc0, 12),
    );
    expect(read(builder.finish())).toEqual(['0 example. 60 MX 5 example. []']);
  });

  test('takes 256 RRsets and not one more', () => {
    const records = Array.from({ length: 257 }, (_, index) => `n${index}.example. 60 IN A 192.0.2.1`);
    const count = (answer: string[]) => readRrsets(buildResponse({ question: 'a. A', answer }))?.length;
    expect(count(records.slice(1))).toBe(256);
    expect(count(records)).toBeUndefined();
    const orphans = Array.from(
      { length: 257 },
      (_, index) => `n${index}.example. 60 IN RRSIG ${signature('A', 1)}`,
    );
    expect(count(orphans.slice(1))).toBe(256);
    expect(count(orphans)).toBeUndefined();
  });

  test('takes 512 signatures and not one more, whatever they cover', () => {
    const of = (count: number) =>
      readRrsets(
        buildResponse({
          question: 'a.example. A',
          answer: [
            'a.example. 60 IN A 192.0.2.1',
            ...Array.from({ length: count }, (_, i) => `a.example. 60 IN RRSIG ${signature('A', i)}`),
          ],
        }),
      );
    expect(of(512)?.[0]?.signatures).toHaveLength(8);
    expect(of(513)).toBeUndefined();
  });

  test('reads a message that is as full as it can be within milliseconds', () => {
    const builder = new MessageBuilder(new Uint8Array(65_535)).start(1, FLAG.QR);
    builder.question(nameFrom('a.'.repeat(127)), TYPE.A, CLASS.IN);
    for (let i = 0; i < 4000; i++) {
      const address = Uint8Array.of(192, 0, 255 - (i >> 8), 255 - (i & 255));
      builder.record(SECTION.ANSWER, nameFrom('a.'.repeat(127)), TYPE.A, CLASS.IN, 60, address);
    }
    expect(builder.overflow).toBe(false);
    expect(readRrsets(builder.finish())?.[0]?.rdatas).toHaveLength(4000);
  });

  test.each([
    ['nothing', new Uint8Array(0)],
    ['a header', new Uint8Array(12)],
    [
      'a message that is cut off',
      buildResponse({ question: 'a. A', answer: ['a. 60 IN A 192.0.2.1'] }).slice(0, -1),
    ],
    ['RDATA that is malformed', buildResponse({ question: 'a. MX', answer: ['a. 60 IN MX \\# 2 0005'] })],
    [
      'a signature without a signer',
      buildResponse({
        question: 'a. A',
        answer: ['a. 60 IN RRSIG \\# 18 000105010000003c0000000000000000000a'],
      }),
    ],
  ])('refuses %s', (_, message) => {
    expect(readRrsets(message)).toBeUndefined();
  });

  test('never throws, and what it gives is sorted and folded', () => {
    const pool = [
      buildResponse({
        question: 'WWW.example. A',
        answer: [
          'www.example. 60 IN CNAME a.b.EXAMPLE.',
          `www.example. 60 IN RRSIG ${signature('CNAME', 1)}`,
          'a.b.example. 60 IN A 192.0.2.1',
          'a.b.example. 60 IN A 192.0.2.2',
          `a.b.example. 60 IN RRSIG ${signature('A', 2)}`,
        ],
        authority: [
          'b.example. 60 IN NSEC c.example. A NS RRSIG NSEC',
          `b.example. 60 IN RRSIG ${signature('NSEC', 3)}`,
          'example. 60 IN SOA a. b. 1 2 3 4 5',
          'example. 60 IN DNSKEY 257 3 13 QUJDRA==',
        ],
      }),
    ];
    const random = createRandom(1);
    let soundCount = 0;
    for (let i = 0; i < 20_000; i++) {
      const rrsets = readRrsets(mutate(pool, random));
      if (rrsets === undefined) continue;
      soundCount++;
      for (const one of rrsets) {
        for (let k = 1; k < one.rdatas.length; k++)
          expect(Buffer.compare(one.rdatas[k - 1] ?? one.owner, one.rdatas[k] ?? one.owner)).toBe(-1);
        expect(formatName(one.owner)).toBe(formatName(one.owner).toLowerCase());
        expect(one.ttlSec >= 0 && one.ttlSec <= 0x7fffffff && one.rdatas.length > 0).toBe(true);
      }
    }
    expect(soundCount).toBeGreaterThan(1000);
  });
});

describe('parseSignature()', () => {
  const rdata = parseRdata(TYPE.RRSIG, signature('A', 7));

  test('tells where the signature begins', () => {
    const parsed = parseSignature(rdata);
    expect(parsed?.rdata).toEqual(rdata);
    expect(Buffer.from(parsed?.signature ?? []).toString('base64')).toBe('QUJDRA==');
  });

  test.each([
    ['empty', new Uint8Array(0)],
    ['without its signer', rdata.subarray(0, 18)],
    ['with a signer that is cut off', rdata.subarray(0, 22)],
    ['without a signature', rdata.subarray(0, -4)],
    ['with a compressed signer', Buffer.concat([rdata.subarray(0, 18), Uint8Array.of(0xc0, 0, 1, 2, 3)])],
  ])('refuses RDATA that is %s', (_, bytes) => {
    expect(parseSignature(bytes)).toBeUndefined();
  });
});

describe('synthesizedFrom()', () => {
  const dname = 'd.example. 60 IN DNAME Target.example.net.';

  test.each([
    ['a name below', 'a.D.example. 0 IN CNAME a.target.example.net.', dname, true],
    ['a name far below', 'a.b.d.example. 0 IN CNAME A.b.target.example.net.', dname, true],
    ['the root as target', 'a.d.example. 0 IN CNAME a.', 'd.example. 60 IN DNAME .', true],
    ['the owner itself', 'd.example. 0 IN CNAME target.example.net.', dname, false],
    ['a name beside', 'ad.example. 0 IN CNAME atarget.example.net.', dname, false],
    ['another target', 'a.d.example. 0 IN CNAME b.target.example.net.', dname, false],
    ['a target that lacks a label', 'a.b.d.example. 0 IN CNAME a.target.example.net.', dname, false],
    ['another class', 'a.d.example. 0 CH CNAME a.target.example.net.', dname, false],
    [
      'no DNAME',
      'a.d.example. 0 IN CNAME a.target.example.net.',
      'd.example. 60 IN NS target.example.net.',
      false,
    ],
  ])('%s', (_, cname, record, expected) => {
    expect(synthesizedFrom(rrset(cname), rrset(record))).toBe(expected);
  });

  test('refuses several targets', () => {
    const good = 'a.d.example. 0 IN CNAME a.target.example.net.';
    expect(synthesizedFrom(rrset(good, 'a.d.example. 0 IN CNAME b.'), rrset(dname))).toBe(false);
    expect(synthesizedFrom(rrset(good), rrset(dname, 'd.example. 60 IN DNAME b.'))).toBe(false);
  });

  test('refuses a name that would be too long, though the bytes agree', () => {
    const prefix = Buffer.from(nameFrom('a.'.repeat(120))).subarray(0, -1);
    const newEnd = Buffer.from(nameFrom('target.example.net.'));
    const cname = rrset(`${'a.'.repeat(120)}d.example. 0 IN CNAME a.`);
    expect(prefix.length + newEnd.length).toBe(260);
    const overlong = { ...cname, rdatas: [Buffer.concat([prefix, newEnd])] };
    expect(synthesizedFrom(overlong, rrset(dname))).toBe(false);
  });
});
