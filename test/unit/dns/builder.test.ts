// The builder: compression that reads back, and overflow that leaves a well-formed message.
import { describe, expect, test } from 'vitest';
import {
  FLAG,
  HEADER_LENGTH,
  MessageBuilder,
  nameFrom,
  parseRdata,
  parseRecord,
  SECTION,
  TYPE,
} from '../../../src/wire/dns/dns.ts';
import { buildResponse, parseMessage } from '../../support/records.ts';

const A = parseRdata(TYPE.A, '192.0.2.1');
const builder = (size: number): MessageBuilder => new MessageBuilder(new Uint8Array(size)).start(7, FLAG.QR);
const addA = (target: MessageBuilder, owner: string, section: number = SECTION.ANSWER): MessageBuilder =>
  target.record(section, nameFrom(owner), TYPE.A, 1, 60, A);

describe('MessageBuilder', () => {
  test('compresses owners against the question and earlier owners', () => {
    const target = builder(512).question(nameFrom('www.example.com'), TYPE.A, 1);
    addA(addA(addA(target, 'www.example.com'), 'mail.example.com'), 'x.mail.example.com');
    addA(addA(target, 'example.net'), '.');
    const bytes = target.finish();
    expect(parseMessage(bytes)).toMatchObject({
      id: 7,
      question: 'www.example.com. A',
      answer: ['www.example.com.', 'mail.example.com.', 'x.mail.example.com.', 'example.net.', '.'].map(
        (owner) => `${owner} 60 IN A 192.0.2.1`,
      ),
      isSound: true,
    });
    // Header, question, then owners of 2, 7, 4, 13 and 1 bytes with 14 bytes each behind them.
    expect(bytes.length).toBe(12 + 21 + 2 + 7 + 4 + 13 + 1 + 5 * 14);
  });

  test('compresses names in RDATA of the types that every reader knows, and keeps their letters', () => {
    const records = [
      'a.example.com. 5 IN CNAME b.example.com.',
      'b.example.com. 5 IN CNAME C.Example.com.',
      'c.example.com. 5 IN MX 10 b.example.com.',
      'example.com. 5 IN SOA ns.example.com. host.ns.example.com. 1 2 3 4 5',
      'example.com. 5 IN NS b.example.com.',
      // RFC 3597 section 4 and RFC 6672 section 2.5: never in these.
      'd.example.com. 5 IN SRV 1 2 3 b.example.com.',
      'e.example.com. 5 IN DNAME b.example.com.',
    ];
    const bytes = buildResponse({ question: 'a.example.com. A', answer: records });
    expect(parseMessage(bytes)).toMatchObject({ answer: records, isSound: true });
    const plain = records.reduce((sum, text) => {
      const { owner, rdata } = parseRecord(text);
      return sum + owner.length + 10 + rdata.length;
    }, HEADER_LENGTH + 19);
    expect({ length: bytes.length, plain }).toEqual({ length: 211, plain: 357 });
  });

  test('RDATA that is not what its type says is written as it stands', () => {
    for (const rdata of [[], [1], [64, ...Array<number>(64).fill(97), 0], [1, 97, 0xc0, 12], [0, 1, 2]]) {
      const target = builder(512).question(nameFrom('a.'), TYPE.A, 1);
      target.record(SECTION.ANSWER, nameFrom('a.'), TYPE.CNAME, 1, 5, Uint8Array.from(rdata));
      const bytes = target.finish();
      expect([...bytes.subarray(bytes.length - rdata.length)]).toEqual(rdata);
    }
  });

  test('takes a suffix in other letters as the same name', () => {
    const target = builder(512).question(nameFrom('Example.COM'), TYPE.A, 1);
    const bytes = addA(target, 'www.example.com').finish();
    expect(bytes.length).toBe(12 + 17 + 6 + 14);
    expect(parseMessage(bytes).answer).toEqual(['www.Example.COM. 60 IN A 192.0.2.1']);
  });

  test('does not take a shorter name for the suffix of a longer one or the other way round', () => {
    const target = builder(512).question(nameFrom('a.example.com.net'), TYPE.A, 1);
    addA(addA(target, 'example.com'), 'com.net.example');
    expect(parseMessage(target.finish()).answer).toEqual([
      'example.com. 60 IN A 192.0.2.1',
      'com.net.example. 60 IN A 192.0.2.1',
    ]);
  });

  test('points at names in RDATA, and never at bytes that only look like one', () => {
    const target = builder(512);
    target.record(SECTION.ANSWER, nameFrom('a.test'), TYPE.CNAME, 1, 60, nameFrom('b.example'));
    expect(addA(target, 'b.example').finish().length).toBe(12 + 8 + 10 + 11 + 2 + 14);
    expect(parseMessage(target.finish()).answer).toEqual([
      'a.test. 60 IN CNAME b.example.',
      'b.example. 60 IN A 192.0.2.1',
    ]);
    const text = builder(512);
    text.record(SECTION.ANSWER, nameFrom('a.test'), TYPE.TXT, 1, 60, nameFrom('b.example').subarray(0, 10));
    expect(addA(text, 'b.example').finish().length).toBe(12 + 8 + 10 + 10 + 11 + 14);
  });

  test('counts sections and questions', () => {
    const target = builder(512).question(nameFrom('a'), TYPE.A, 1);
    addA(addA(addA(target, 'a'), 'a', SECTION.AUTHORITY), 'a', SECTION.ADDITIONAL);
    addA(target, 'a', SECTION.ADDITIONAL);
    expect([...target.finish().subarray(4, 12)]).toEqual([0, 1, 0, 1, 0, 1, 0, 2]);
  });

  test('counts past 255 records', () => {
    const target = builder(65_535);
    for (let i = 0; i < 300; i++) addA(target, 'example.com');
    expect(parseMessage(target.finish()).answer).toHaveLength(300);
  });

  test.each([
    ['the owner', 10],
    ['the fixed part', 20],
    ['the RDATA', 30],
  ])('leaves a well-formed message when %s does not fit', (_, room) => {
    const target = builder(12 + 15 + room).question(nameFrom('a.example'), TYPE.A, 1);
    const before = target.finish().slice();
    target.record(SECTION.ANSWER, nameFrom('www.other.test'), TYPE.TXT, 1, 60, new Uint8Array(40).fill(65));
    expect(target.overflow).toBe(true);
    expect(target.finish()).toEqual(before);
  });

  test('fits to the byte', () => {
    const exact = addA(builder(12 + 9 + 14), 'example').finish();
    expect(exact).toHaveLength(35);
    const short = addA(builder(12 + 9 + 13), 'example');
    expect(short.overflow).toBe(true);
    expect(short.finish()).toHaveLength(12);
  });

  test('a question that does not fit is left out', () => {
    const target = builder(20).question(nameFrom('www.example.com'), TYPE.A, 1);
    expect(target.overflow).toBe(true);
    expect([...target.finish().subarray(4, 6)]).toEqual([0, 0]);
  });

  test('a smaller record still fits after an overflow', () => {
    const target = builder(12 + 30);
    target.record(SECTION.ANSWER, nameFrom('example.com'), TYPE.TXT, 1, 60, new Uint8Array(40));
    addA(target, 'a');
    expect(parseMessage(target.finish())).toMatchObject({ answer: ['a. 60 IN A 192.0.2.1'], isSound: true });
  });

  test('reads back with more names than it remembers', () => {
    const target = builder(65_535);
    const owners = Array.from({ length: 200 }, (_, index) => `h${index}.d${index % 90}.example.com.`);
    for (const owner of owners) addA(target, owner);
    expect(parseMessage(target.finish()).answer).toEqual(owners.map((owner) => `${owner} 60 IN A 192.0.2.1`));
  });

  test('reads back beyond the offsets that a pointer reaches', () => {
    const target = builder(65_535);
    const filler = new Uint8Array(0x3ff0);
    target.record(SECTION.ANSWER, nameFrom('early.test'), TYPE.NULL, 1, 60, filler);
    const owners = ['a.late.example.', 'b.late.example.', 'x.early.test.', 'a.late.example.'];
    for (const owner of owners) addA(target, owner);
    const parsed = parseMessage(target.finish());
    expect(parsed.isSound).toBe(true);
    expect(parsed.answer.slice(1)).toEqual(owners.map((owner) => `${owner} 60 IN A 192.0.2.1`));
  });

  test('start() begins anew and forgets names', () => {
    const target = builder(64).question(nameFrom('long.example.com'), TYPE.A, 1);
    addA(addA(target, 'a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p'), 'q');
    target.start(9, 0).question(nameFrom('b'), TYPE.A, 1);
    addA(target, 'x.example.com');
    expect(target.overflow).toBe(false);
    expect(parseMessage(target.finish())).toMatchObject({
      id: 9,
      question: 'b. A',
      answer: ['x.example.com. 60 IN A 192.0.2.1'],
      isSound: true,
    });
  });
});
