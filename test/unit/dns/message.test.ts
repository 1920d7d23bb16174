// Queries and records as views: each fault of Query.parse, and what RecordReader does with counts that lie.
import { describe, expect, test } from 'vitest';
import {
  CLIENT_COOKIE_LENGTH,
  copyName,
  EDNS_DO,
  FLAG,
  formatName,
  messageFlags,
  messageId,
  messageOpcode,
  messageRcode,
  nameFrom,
  OPTION,
  QUERY_FAULT,
  Query,
  questionEnd,
  RecordReader,
  readU16,
  readU32,
  SECTION,
  SERVER_COOKIE_LENGTH,
  TYPE,
  writeU16,
  writeU32,
} from '../../../src/wire/dns/dns.ts';
import { buildQuery, buildResponse } from '../../support/records.ts';

const OPT = [0, 0, TYPE.OPT, 0x04, 0xd0, 0, 0, 0, 0, 0, 0];
const query = new Query();

/** The query `www.example.com. A` (33 bytes) with other counts and bytes after the question. */
const queryWith = (counts: { qd?: number; an?: number; ns?: number; ar?: number }, tail: number[] = []) => {
  const bytes = Uint8Array.from([...buildQuery('www.example.com. A'), ...tail]);
  writeU16(bytes, 4, counts.qd ?? 1);
  writeU16(bytes, 6, counts.an ?? 0);
  writeU16(bytes, 8, counts.ns ?? 0);
  writeU16(bytes, 10, counts.ar ?? 0);
  return bytes;
};

const parse = (bytes: Uint8Array, length = bytes.length): number => query.parse(bytes, length);

describe('Query.parse()', () => {
  test('reads a plain query', () => {
    const bytes = buildQuery('www.Example.com. AAAA', { id: 0xbeef, flags: FLAG.RD | FLAG.CD });
    expect(parse(bytes)).toBe(QUERY_FAULT.NONE);
    expect(query).toMatchObject({
      id: 0xbeef,
      flags: FLAG.RD | FLAG.CD,
      opcode: 0,
      qnameLength: 17,
      qtype: TYPE.AAAA,
      qclass: 1,
      questionEnd: 33,
      hasTsig: false,
      opt: { isPresent: false, dnssecOk: false, udpLength: 512, optionsLength: 0 },
    });
    expect(formatName(bytes, 12)).toBe('www.Example.com.');
  });

  test('reads the root and the longest name', () => {
    expect(parse(buildQuery('. NS'))).toBe(QUERY_FAULT.NONE);
    expect(query.qnameLength).toBe(1);
    expect(parse(buildQuery(`${'a.'.repeat(127)} A`))).toBe(QUERY_FAULT.NONE);
    expect(query.qnameLength).toBe(255);
  });

  test('reads EDNS', () => {
    const options = Uint8Array.of(0, 12, 0, 2, 0xab, 0xcd);
    const bytes = buildQuery('www.example.com. A', { edns: { udpLength: 4096, ttl: EDNS_DO, options } });
    expect(parse(bytes)).toBe(QUERY_FAULT.NONE);
    expect(query).toMatchObject({ opt: { isPresent: true, version: 0, dnssecOk: true, udpLength: 4096 } });
    expect(
      bytes.subarray(query.opt.optionsOffset, query.opt.optionsOffset + query.opt.optionsLength),
    ).toEqual(options);
  });

  test('reads an EDNS version that is not 0 and raises a length below 512', () => {
    expect(parse(buildQuery('. NS', { edns: { udpLength: 100, ttl: 0x0001_0000 } }))).toBe(QUERY_FAULT.NONE);
    expect(query).toMatchObject({ opt: { isPresent: true, version: 1, dnssecOk: false, udpLength: 512 } });
  });

  test('forgets the query before', () => {
    parse(buildQuery('www.example.com. A', { edns: { ttl: EDNS_DO, options: Uint8Array.of(0, 3, 0, 0) } }));
    parse(buildQuery('example.com. A'));
    expect(query).toMatchObject({
      opt: { isPresent: false, dnssecOk: false, udpLength: 512, optionsLength: 0 },
    });
    parse(new Uint8Array(3));
    expect(query).toMatchObject({ qnameLength: 0, questionEnd: 0 });
  });

  const full = buildQuery('www.example.com. A');
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1];
  test.each<[string, number, Uint8Array]>([
    ['no bytes', QUERY_FAULT.SILENT, new Uint8Array(0)],
    ['eleven bytes', QUERY_FAULT.SILENT, full.subarray(0, 11)],
    ['a response', QUERY_FAULT.SILENT, buildResponse({ question: 'www.example.com. A' })],
    ['a response of another opcode', QUERY_FAULT.SILENT, buildQuery('. A', { flags: 0xa000 })],
    ['NOTIFY', QUERY_FAULT.OPCODE, buildQuery('. SOA', { flags: 0x2000 })],
    ['opcode 15', QUERY_FAULT.OPCODE, buildQuery('. SOA', { flags: 0x7800 })],
    ['a header alone', QUERY_FAULT.HEADER, full.subarray(0, 12)],
    ['no question', QUERY_FAULT.HEADER, queryWith({ qd: 0 })],
    ['two questions', QUERY_FAULT.HEADER, queryWith({ qd: 2 })],
    ['65535 of everything', QUERY_FAULT.HEADER, new Uint8Array(12).fill(0xff, 4)],
    ['a QNAME that is cut off', QUERY_FAULT.HEADER, full.subarray(0, 20)],
    ['no QCLASS', QUERY_FAULT.HEADER, full.subarray(0, 31)],
    ['a QNAME of 256 bytes', QUERY_FAULT.HEADER, queryWithName([...Array(128).fill([1, 97]).flat(), 0])],
    ['a QNAME that is a pointer to itself', QUERY_FAULT.HEADER, queryWithName([0xc0, 12])],
    ['a QNAME that points into the header', QUERY_FAULT.HEADER, queryWithName([1, 97, 0xc0, 0])],
    ['a QNAME that ends in a pointer with a zero byte', QUERY_FAULT.HEADER, queryWithName([0xc0, 0])],
    ['a QNAME with label type 01', QUERY_FAULT.HEADER, queryWithName([0x40, 0])],
    ['a record that is missing', QUERY_FAULT.BODY, queryWith({ ar: 1 })],
    ['a record that is cut off', QUERY_FAULT.BODY, queryWith({ ar: 1 }, record.slice(0, -1))],
    [
      'an RDLENGTH that overruns',
      QUERY_FAULT.BODY,
      queryWith({ ar: 1 }, [...record.slice(0, 11), 5, 1, 2, 3, 4]),
    ],
    ['a record in the answer section', QUERY_FAULT.BODY, queryWith({ an: 1 }, record)],
    ['a record in the authority section', QUERY_FAULT.BODY, queryWith({ ns: 1 }, record)],
    ['an OPT in the answer section', QUERY_FAULT.BODY, queryWith({ an: 1 }, OPT)],
    ['an OPT in the authority section', QUERY_FAULT.BODY, queryWith({ ns: 1 }, OPT)],
    ['two OPTs', QUERY_FAULT.BODY, queryWith({ ar: 2 }, [...OPT, ...OPT])],
    ['an OPT whose owner is not the root', QUERY_FAULT.BODY, queryWith({ ar: 1 }, [1, 97, ...OPT])],
    ['an OPT whose owner is a pointer', QUERY_FAULT.BODY, queryWith({ ar: 1 }, [0xc0, 28, ...OPT.slice(1)])],
    ['an option that overruns', QUERY_FAULT.BODY, queryWith({ ar: 1 }, optWith([0, 10, 0, 2, 1]))],
    ['half an option header', QUERY_FAULT.BODY, queryWith({ ar: 1 }, optWith([0, 10, 0]))],
  ])('answers %s with fault %i', (_, fault, bytes) => {
    expect(parse(bytes)).toBe(fault);
  });

  test.each<[string, Uint8Array, boolean]>([
    ['a record before it is where none may be', queryWith({ an: 1, ar: 1 }, [...record, ...OPT]), true],
    ['there are two', queryWith({ ar: 2 }, [...OPT, ...OPT]), true],
    ['its options are cut off', queryWith({ ar: 1 }, optWith([0, 10, 0, 2, 1])), true],
    ['a record behind it is missing', queryWith({ ar: 2 }, OPT), true],
    ['nothing is asked', queryWith({ qd: 0, ar: 1 }, []).subarray(0, 12), false],
    ['a record before it is cut off', queryWith({ ar: 2 }, [...record.slice(0, 11), 200, ...OPT]), false],
    ['it stands in the answer section', queryWith({ an: 1 }, OPT), false],
    ['its owner is not the root', queryWith({ ar: 1 }, [1, 97, ...OPT]), false],
  ])('has read the OPT record of a malformed query or not: %s', (_, bytes, hasEdns) => {
    expect([QUERY_FAULT.HEADER, QUERY_FAULT.BODY]).toContain(parse(bytes));
    expect(query.opt.isPresent).toBe(hasEdns);
  });

  test('takes any record in the additional section, and sees TSIG', () => {
    expect(parse(queryWith({ ar: 1 }, record))).toBe(QUERY_FAULT.NONE);
    expect(query).toMatchObject({ hasTsig: false, opt: { isPresent: false } });
    const tsig = [0, 0, TYPE.TSIG, 0, 255, 0, 0, 0, 0, 0, 0];
    expect(parse(queryWith({ ar: 2 }, [...OPT, ...tsig]))).toBe(QUERY_FAULT.NONE);
    expect(query).toMatchObject({ hasTsig: true, opt: { isPresent: true } });
  });

  test('takes bytes after the last record: some clients pad', () => {
    expect(parse(queryWith({}, [1, 2, 3]))).toBe(QUERY_FAULT.NONE);
    expect(parse(queryWith({ ar: 1 }, [...OPT, 0]))).toBe(QUERY_FAULT.NONE);
  });

  test('reads only the length that was passed', () => {
    const bytes = queryWith({ ar: 1 }, OPT);
    expect(parse(bytes, bytes.length - 1)).toBe(QUERY_FAULT.BODY);
    expect(parse(bytes, 30)).toBe(QUERY_FAULT.HEADER);
  });

  test('takes a QNAME label whose bytes look like pointers', () => {
    expect(parse(queryWithName([2, 0xc0, 0xc0, 0]))).toBe(QUERY_FAULT.NONE);
    expect(query.qnameLength).toBe(4);
  });
});

describe('the COOKIE option', () => {
  const { COOKIE, NSID } = OPTION;
  const cookie = (length: number, fill = 7): number[] => [
    0,
    COOKIE,
    0,
    length,
    ...Array<number>(length).fill(fill),
  ];
  const withOptions = (options: number[], ttl = 0): Uint8Array =>
    buildQuery('www.example.com. A', { edns: { ttl, options: Uint8Array.from(options) } });
  const onlyCookie = (
    options: number[],
    extra: number[] = [],
    ttl: [number, number] = [0, 0],
  ): Uint8Array => {
    const opt = optWith(options);
    opt.splice(5, 2, ...ttl);
    return Uint8Array.from([...queryWith({ qd: 0, ar: 1 }).subarray(0, 12), ...opt, ...extra]);
  };

  test('is found among others', () => {
    const bytes = withOptions([0, NSID, 0, 0, ...cookie(8), 0, 12, 0, 2, 0, 0]);
    expect(parse(bytes)).toBe(QUERY_FAULT.NONE);
    expect([
      ...bytes.subarray(query.opt.cookieOffset, query.opt.cookieOffset + query.opt.cookieLength),
    ]).toEqual(Array(8).fill(7));
  });

  test('counts once: the first', () => {
    expect(parse(withOptions([...cookie(16, 1), ...cookie(8, 2)]))).toBe(QUERY_FAULT.NONE);
    expect(query.opt.cookieLength).toBe(16);
    expect(query.bytes[query.opt.cookieOffset]).toBe(1);
    // A malformed one behind it does no harm (RFC 7873 section 5.2).
    expect(parse(withOptions([...cookie(8), ...cookie(3)]))).toBe(QUERY_FAULT.NONE);
    expect(parse(withOptions([...cookie(3), ...cookie(8)]))).toBe(QUERY_FAULT.BODY);
  });

  test.each([
    [0, false],
    [1, false],
    [7, false],
    [CLIENT_COOKIE_LENGTH, true],
    [9, false],
    [15, false],
    [16, true],
    [CLIENT_COOKIE_LENGTH + SERVER_COOKIE_LENGTH, true],
    [40, true],
    [41, false],
  ])('of %i bytes: sound %s', (length, isSound) => {
    expect(parse(withOptions(cookie(length)))).toBe(isSound ? QUERY_FAULT.NONE : QUERY_FAULT.BODY);
    expect(query.opt.isPresent).toBe(true);
  });

  test('is forgotten, and what was put into the query for its answer', () => {
    parse(withOptions(cookie(8)));
    query.answerOpt.hasCookie = true;
    parse(withOptions([0, NSID, 0, 0]));
    expect(query).toMatchObject({ opt: { cookieLength: -1 }, answerOpt: { hasCookie: false } });
    query.answerOpt.hasCookie = true;
    parse(new Uint8Array(3));
    expect(query.answerOpt.hasCookie).toBe(false);
  });

  test('of another EDNS version is not looked at', () => {
    expect(parse(withOptions(cookie(3), 0x0001_0000))).toBe(QUERY_FAULT.NONE);
    expect(query).toMatchObject({ opt: { version: 1, cookieLength: -1 } });
  });

  test('may come without a question', () => {
    parse(buildQuery('www.example.com. AAAA'));
    expect(parse(onlyCookie(cookie(24)))).toBe(QUERY_FAULT.COOKIE_ONLY);
    expect(query).toMatchObject({
      qnameLength: 0,
      qtype: 0,
      qclass: 0,
      questionEnd: 12,
      opt: { isPresent: true, cookieLength: 24 },
    });
  });

  test.each<[string, Uint8Array]>([
    ['another option', onlyCookie([0, NSID, 0, 0])],
    ['a malformed one', onlyCookie(cookie(5))],
    ['one in another EDNS version', onlyCookie(cookie(8), [], [0, 1])],
    ['one and a record that is missing', writeCount(onlyCookie(cookie(8)), 2)],
  ])('without a question, %s is FORMERR', (_, bytes) => {
    expect(parse(bytes)).toBe(QUERY_FAULT.HEADER);
    expect(query).toMatchObject({ questionEnd: 0, opt: { isPresent: true } });
  });
});

test.each<[string, number, number, boolean]>([
  ['AD', FLAG.AD, 0, true],
  ['DO', 0, EDNS_DO, true],
  ['neither', FLAG.RD | FLAG.CD, 0, false],
])('a query with %s: wantsAd', (_, flags, ttl, wantsAd) => {
  parse(buildQuery('. A', { flags, edns: { ttl } }));
  expect(query.wantsAd).toBe(wantsAd);
});

const writeCount = (bytes: Uint8Array, additional: number): Uint8Array => {
  writeU16(bytes, 10, additional);
  return bytes;
};

const queryWithName = (name: number[]): Uint8Array =>
  Uint8Array.from([...buildQuery('. A').subarray(0, 12), ...name, 0, 1, 0, 1]);

const optWith = (options: number[]): number[] => [...OPT.slice(0, 10), options.length, ...options];

describe('RecordReader', () => {
  const read = (bytes: Uint8Array, offset = questionEnd(bytes, bytes.length), length = bytes.length) => {
    const reader = new RecordReader();
    reader.reset(bytes, length, offset);
    const records: string[] = [];
    while (reader.next())
      records.push(`${reader.section}/${reader.type}/${reader.ttl}/${reader.rdataLength}`);
    return { reader, records };
  };
  const response = buildResponse({
    question: 'www.example.com. A',
    answer: ['www.example.com. 300 IN CNAME a.example.com.', 'a.example.com. 60 IN A 192.0.2.1'],
    additional: ['a.example.com. 2147483647 IN AAAA 2001:db8::1'],
  });

  test('steps through the sections and skips an empty one', () => {
    const { reader, records } = read(response);
    expect(records).toEqual(['0/5/300/4', '0/1/60/4', '2/28/2147483647/16']);
    expect(reader).toMatchObject({ fault: false, offset: response.length, section: SECTION.ADDITIONAL });
    expect(reader.next()).toBe(false);
  });

  test('names the place of each field', () => {
    const reader = new RecordReader();
    reader.reset(response, response.length, questionEnd(response, response.length));
    reader.next();
    expect(readU32(response, reader.ttlOffset)).toBe(300);
    expect(readU16(response, reader.ttlOffset + 4)).toBe(reader.rdataLength);
    expect(reader.rdataOffset).toBe(reader.ttlOffset + 6);
    expect(formatName(copyName(response, reader.rdataOffset, response.length) ?? new Uint8Array(0))).toBe(
      'a.example.com.',
    );
    expect(reader.class).toBe(1);
  });

  test.each([
    ['a count that is too high', 6, 9, 3, true],
    ['a count that is too low', 10, 0, 2, false],
  ])('with %s', (_, place, count, records, fault) => {
    const bytes = response.slice();
    writeU16(bytes, place, count);
    expect(read(bytes).records).toHaveLength(records);
    expect(read(bytes).reader.fault).toBe(fault);
  });

  test('stops at every cut, keeps the records before it and says so', () => {
    const start = questionEnd(response, response.length);
    for (let length = start; length < response.length; length++) {
      const { reader, records } = read(response, start, length);
      expect(reader.fault, String(length)).toBe(true);
      expect(records.length).toBeLessThan(3);
      expect(reader.next()).toBe(false);
    }
  });

  test('is ready again after a fault', () => {
    const { reader } = read(response, questionEnd(response, response.length), 40);
    reader.reset(response, response.length, questionEnd(response, response.length));
    expect(reader.next()).toBe(true);
    expect(reader.fault).toBe(false);
  });
});

describe('questionEnd()', () => {
  test.each([
    ['a question', buildQuery('a. A'), 19],
    ['no question', queryWith({ qd: 0 }), -1],
    ['two questions', queryWith({ qd: 2 }), -1],
    ['a cut question', buildQuery('a. A').subarray(0, 18), -1],
    ['less than a header', new Uint8Array(5), -1],
  ])('%s', (_, bytes, end) => {
    expect(questionEnd(bytes, bytes.length)).toBe(end);
  });
});

test('header fields and numbers are read and written in network order', () => {
  const bytes = Uint8Array.of(0x12, 0x34, 0xa8, 0x83, 0, 0, 0, 0, 0, 0, 0, 0);
  expect(messageId(bytes)).toBe(0x1234);
  expect(messageFlags(bytes)).toBe(0xa883);
  expect(messageOpcode(bytes)).toBe(5);
  expect(messageRcode(bytes)).toBe(3);
  writeU32(bytes, 4, 0xfffefdfc);
  expect([...bytes.subarray(4, 8)]).toEqual([255, 254, 253, 252]);
  expect(readU32(bytes, 4)).toBe(0xfffefdfc);
  expect(readU32(bytes, 10)).toBe(0);
  expect(nameFrom('.')).toHaveLength(1);
});
