// Presentation format: the corpus both ways, the vectors of RFC 9460, what is refused and where, messages as text.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/base/base.ts';
import {
  CLASS,
  createEde,
  FLAG,
  formatMessage,
  formatName,
  formatRdata,
  formatRecord,
  formatType,
  parseRdata,
  parseRecord,
  TYPE,
} from '../../../src/wire/dns/dns.ts';
import { buildQuery, buildResponse, parseMessage } from '../../support/records.ts';

const corpus = readFileSync(new URL('../../corpus/dns/records.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const faultOf = (action: () => unknown): AppError => {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new TypeError('nothing was thrown');
};

describe('the corpus', () => {
  test('has at least 60 types', () => {
    expect(new Set(corpus.map((line) => parseRecord(line).type)).size).toBeGreaterThanOrEqual(60);
  });

  test.each(corpus)('%s', (line) => {
    const record = parseRecord(line);
    expect(formatRecord(record)).toBe(line);
    // The generic form of RFC 3597 stands for the same bytes.
    const generic = `\\# ${record.rdata.length} ${hex(record.rdata)}`;
    expect(parseRdata(record.type, generic)).toEqual(record.rdata);
  });
});

describe('parseRecord()', () => {
  test('returns the fields', () => {
    const record = parseRecord('www.example.com. 300 IN A 192.0.2.1');
    expect(formatName(record.owner)).toBe('www.example.com.');
    expect(record).toMatchObject({ type: TYPE.A, class: CLASS.IN, ttl: 300 });
    expect([...record.rdata]).toEqual([192, 0, 2, 1]);
  });

  test.each([
    ['example.com 300 A 192.0.2.1', 'example.com. 300 IN A 192.0.2.1'],
    ['example.com. IN 300 A 192.0.2.1', 'example.com. 300 IN A 192.0.2.1'],
    ['example.com. ch 0 txt x', 'example.com. 0 CH TXT "x"'],
    ['\texample.com.\t300\tIN\ta\t192.0.2.1\t; a comment ( "', 'example.com. 300 IN A 192.0.2.1'],
    ['example.com. 1 IN TYPE1 \\# 4 c000 0201', 'example.com. 1 IN A 192.0.2.1'],
    ['example.com. 1 IN TYPE1 192.0.2.1', 'example.com. 1 IN A 192.0.2.1'],
    ['example.com. 1 IN TXT one "t w o" "" a\\032b', 'example.com. 1 IN TXT "one" "t w o" "" "a b"'],
    ['example.com. 1 IN TXT "a""b"', 'example.com. 1 IN TXT "a" "b"'],
    ['example.com. 1 IN TXT é', 'example.com. 1 IN TXT "\\195\\169"'],
    ['example.com. 1 IN TXT "; not a ( comment"', 'example.com. 1 IN TXT "; not a ( comment"'],
    ['example.com. 1 IN TXT a\\;b', 'example.com. 1 IN TXT "a;b"'],
    ['e. 1 SOA a. b. ( 1 ; serial\n 2\r\n 3 4 5 )', 'e. 1 IN SOA a. b. 1 2 3 4 5'],
    ['e. 1 DS 1 8 2 AABB ccdd', 'e. 1 IN DS 1 8 2 aabbccdd'],
    ['e. 1 DNSKEY 256 3 8 AQ ID', 'e. 1 IN DNSKEY 256 3 8 AQID'],
    [
      'e. 1 RRSIG A 8 0 0 1767225600 0 1 . AQID',
      'e. 1 IN RRSIG A 8 0 0 20260101000000 19700101000000 1 . AQID',
    ],
    ['e. 1 NSEC . TYPE1 mx A A', 'e. 1 IN NSEC . A MX'],
    ['e. 1 CAA 0 issue ca.example', 'e. 1 IN CAA 0 issue "ca.example"'],
    ['e. 1 SVCB 1 . port=1 alpn=h2', 'e. 1 IN SVCB 1 . alpn="h2" port=1'],
    ['e. 1 SVCB 1 . KEY3="\\000\\053"', 'e. 1 IN SVCB 1 . port=53'],
    ['e. 1 SVCB 1 . key3=x', 'e. 1 IN SVCB 1 . key3="x"'],
    ['e. 1 SVCB 1 . key4', 'e. 1 IN SVCB 1 . key4'],
    ['e. 1 AAAA ::FFFF:192.0.2.1', 'e. 1 IN AAAA ::ffff:192.0.2.1'],
  ])('reads "%s"', (text, canonical) => {
    expect(formatRecord(parseRecord(text))).toBe(canonical);
  });

  test('takes a default TTL', () => {
    expect(parseRecord('example.com. A 192.0.2.1', 60).ttl).toBe(60);
    expect(parseRecord('example.com. 5 A 192.0.2.1', 60).ttl).toBe(5);
  });

  test.each([
    ['', 1, 'owner'],
    ['; nothing', 10, 'owner'],
    ['example.com.', 13, 'type is missing'],
    ['a..b 1 IN A 192.0.2.1', 1, 'empty-label'],
    ['"" 1 IN A 192.0.2.1', 1, 'empty-label'],
    ['e. 1 IN', 8, 'type is missing'],
    ['e. IN A 192.0.2.1', 7, 'TTL is missing'],
    ['e. 2147483648 A 192.0.2.1', 4, 'TTL'],
    ['e. 1 IN WHAT 192.0.2.1', 9, 'type is expected'],
    ['e. 1 IN IN A 192.0.2.1', 9, 'type is expected'],
    ['e. 1 A', 7, 'IPv4 address is missing'],
    ['e. 1 A 192.0.2', 8, 'malformed'],
    ['e. 1 A ::1', 8, 'malformed'],
    ['e. 1 A 192.0.2.1 192.0.2.2', 18, 'a field too many'],
    ['e. 1 AAAA 192.0.2.1', 11, 'malformed'],
    ['e. 1 AAAA fe80::1%eth0', 11, 'malformed'],
    ['e. 1 MX 65536 a.', 9, '0 to 65535'],
    ['e. 1 MX -1 a.', 9, '0 to 65535'],
    ['e. 1 MX 10 ""', 12, 'malformed'],
    ['e. 1 TXT', 9, 'missing'],
    ['e. 1 TXT "open', 10, 'not closed'],
    ['e. 1 TXT "\\256"', 10, 'malformed'],
    [`e. 1 TXT ${'a'.repeat(256)}`, 10, 'malformed'],
    ['e. 1 DS 1 8 2', 1, 'hexadecimal'],
    ['e. 1 DS 1 8 2 abc', 15, 'hexadecimal'],
    ['e. 1 DNSKEY 256 3 8 AQI', 21, 'base64'],
    ['e. 1 NSEC . A NOTATYPE', 15, 'unknown'],
    ['e. 1 NSEC3 1 0 0 - 2t7b4g4w', 20, 'hash'],
    ['e. 1 NSEC3 1 0 0 abc 2t7b4g4v', 18, 'salt'],
    ['e. 1 RRSIG A 8 0 0 20260230000000 0 1 . AQID', 20, 'time'],
    ['e. 1 EUI48 00-00-5e-00-53', 12, 'EUI-48'],
    ['e. 1 EUI48 00005e00532a', 12, 'EUI-48'],
    ['e. 1 CAA 0 is-sue "x"', 12, 'tag'],
    ['e. 1 TYPE65280 192.0.2.1', 16, '\\#'],
    ['e. 1 TYPE65280 \\# 3 c000', 19, 'length'],
    ['e. 1 TYPE65280 \\# 2 zz', 19, 'length'],
    ['e. 1 TYPE65280 \\# 65536 00', 19, '0 to 65535'],
    ['e. 1 SVCB 1 . port=x', 15, 'malformed'],
    ['e. 1 SVCB 1 . what=x', 15, 'unknown'],
    ['e. 1 SVCB 1 . key65536=x', 15, 'unknown'],
    ['e. 1 SVCB 1 . port=1 key3=x', 22, 'repeated'],
    ['e. 1 SVCB 1 . alpn=', 15, 'malformed'],
    ['e. 1 SVCB 1 . alpn=h2,,h3', 15, 'malformed'],
    ['e. 1 SVCB 1 . ipv4hint=::1', 15, 'malformed'],
    ['e. 1 SVCB 1 . ipv6hint=192.0.2.1', 15, 'malformed'],
    ['e. 1 SVCB 1 . mandatory=mandatory', 15, 'malformed'],
    ['e. 1 SVCB 1 . mandatory=alpn,alpn', 15, 'malformed'],
    ['e. 1 SVCB 1 . no-default-alpn=x', 15, 'malformed'],
    ['e. 1 SVCB 1 . ech=!', 15, 'malformed'],
  ])('refuses "%s" at column %i', (text, column, problem) => {
    const fault = faultOf(() => parseRecord(text));
    expect(fault.code).toBe('ERR_DNS_PRESENTATION');
    expect(fault.message).toContain(`column ${column}:`);
    expect(fault.message).toContain(problem);
  });

  test('bounds the text it reads and what an error quotes', () => {
    expect(faultOf(() => parseRecord(' '.repeat(300_000))).message).toContain('too long');
    expect(faultOf(() => parseRecord(`e. 1 A ${'x'.repeat(9000)}`)).message.length).toBeLessThan(200);
    const strings = Array(260)
      .fill(`"${'a'.repeat(255)}"`)
      .join(' ');
    expect(faultOf(() => parseRecord(`e. 1 TXT ${strings}`)).message).toContain('too long');
  });
});

describe('SVCB test vectors of RFC 9460 appendix D', () => {
  test.each([
    ['0 foo.example.com.', '000003666f6f076578616d706c6503636f6d00'],
    ['1 .', '000100'],
    ['16 foo.example.com. port=53', '001003666f6f076578616d706c6503636f6d00000300020035'],
    ['1 foo.example.com. key667=hello', '000103666f6f076578616d706c6503636f6d00029b000568656c6c6f'],
    [
      '1 foo.example.com. key667="hello\\210qoo"',
      '000103666f6f076578616d706c6503636f6d00029b000968656c6c6fd2716f6f',
    ],
    [
      '1 foo.example.com. ipv6hint="2001:db8::1,2001:db8::53:1"',
      '000103666f6f076578616d706c6503636f6d0000060020' +
        '20010db800000000000000000000000120010db8000000000000000000530001',
    ],
    [
      '1 example.com. ipv6hint="2001:db8:122:344::192.0.2.33"',
      '0001076578616d706c6503636f6d000006001020010db8012203440000000' + '0c0000221',
    ],
    [
      '16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1',
      '001003666f6f076578616d706c65036f7267000000000400010004000100090268320568332d313900040004c0000201',
    ],
    [
      '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
      '001003666f6f076578616d706c65036f726700000100' + '0c08665c6f6f2c626172026832',
    ],
    [
      '16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2',
      '001003666f6f076578616d706c65036f7267000001000c08665c6f6f2c626172026832',
    ],
  ])('%s', (text, wire) => {
    const rdata = parseRdata(TYPE.SVCB, text);
    expect(hex(rdata)).toBe(wire);
    expect(parseRdata(TYPE.SVCB, formatRdata(TYPE.SVCB, rdata))).toEqual(rdata);
  });
});

describe('formatRdata()', () => {
  test.each([
    ['A', [192, 0, 2], '\\# 3 c00002'],
    ['A', [], '\\# 0'],
    ['CNAME', [1, 97], '\\# 2 0161'],
    ['CNAME', [0xc0, 12], '\\# 2 c00c'],
    ['CNAME', [1, 97, 0, 0], '\\# 4 01610000'],
    ['TXT', [], '\\# 0'],
    ['TXT', [2, 97], '\\# 2 0261'],
    ['DS', [0, 1, 8, 2], '\\# 4 00010802'],
    ['NSEC', [0, 0, 2, 0x40, 0], '\\# 5 0000024000'],
    ['CAA', [0, 1, 0x2d, 97], '\\# 4 00012d61'],
    ['SVCB', [0, 1, 0, 0, 3, 0, 0, 0, 1, 0, 0], '\\# 11 0001000003000000010000'],
    ['SVCB', [0, 1, 0, 0, 3, 0, 0, 0, 3, 0, 0], '\\# 11 0001000003000000030000'],
    ['SVCB', [0, 1, 0, 0, 1, 0, 3, 9, 104, 50], '1 . key1="\\009h2"'],
    ['SVCB', [0, 1, 0, 0, 3, 0, 1, 53], '1 . key3="5"'],
    ['NULL', [1, 2], '\\# 2 0102'],
  ] as const)('%s %j is %s', (name, bytes, text) => {
    expect(formatRdata(TYPE[name], Uint8Array.from(bytes))).toBe(text);
  });

  test('writes no control character of TXT or of names into a log line', () => {
    const text = formatRdata(TYPE.TXT, Uint8Array.of(3, 0x1b, 0x0a, 0x9b));
    expect(text).toBe('"\\027\\010\\155"');
  });
});

describe('formatMessage()', () => {
  test('writes a response in the manner of dig', () => {
    const ede = createEde(15, 'list\n1');
    const bytes = buildResponse({
      id: 4660,
      flags: FLAG.QR | FLAG.RD | FLAG.RA | 3,
      question: 'www.example.com. HTTPS',
      answer: ['www.example.com. 300 IN CNAME x.example.net.'],
      authority: ['example.net. 60 IN SOA a. b. 1 2 3 4 5'],
      additional: ['x.example.net. 1 IN TYPE65280 \\# 1 ff'],
      edns: {
        udpLength: 1232,
        ttl: 0x8000,
        options: Uint8Array.from([0, 15, 0, ede.length, ...ede, 0, 12, 0, 2, 0, 0]),
      },
    });
    expect(formatMessage(bytes)).toMatchInlineSnapshot(`
      ";; opcode: QUERY, status: NXDOMAIN, id: 4660
      ;; flags: qr rd ra; QUESTION: 1, ANSWER: 1, AUTHORITY: 1, ADDITIONAL: 2
      ;; EDNS: version: 0, flags: do; udp: 1232
      ;; EDE: 15 (BLOCKED) "list\\0101"
      ;; PADDING: 2 bytes

      ;; QUESTION SECTION:
      ;www.example.com. IN HTTPS

      ;; ANSWER SECTION:
      www.example.com. 300 IN CNAME x.example.net.

      ;; AUTHORITY SECTION:
      example.net. 60 IN SOA a. b. 1 2 3 4 5

      ;; ADDITIONAL SECTION:
      x.example.net. 1 IN TYPE65280 \\# 1 ff"
    `);
  });

  test('joins the two parts of an extended RCODE', () => {
    const bytes = buildQuery('. A', { edns: { ttl: 0x0100_0000 } });
    expect(formatMessage(bytes)).toContain('status: BADVERS');
  });

  test.each([
    ['', ';; 0 bytes: not a DNS message'],
    ['0001', ';; 2 bytes: not a DNS message'],
    ['00010100ffffffffffffffff', ';; malformed at byte 12'],
    ['000101000001000000000000c00c00010001', ';; malformed at byte 12'],
    ['00010100000000010000000000', ';; malformed at byte 12'],
    ['00018180000000010000000000000100010000003c0003c00002', '. 60 IN A \\# 3 c00002'],
    ['00018180000000010000000000000500010000003c0002c0ff', '. 60 IN CNAME \\# 2 c0ff'],
    ['000181800000000100000000c0ff000500010000003c000100', ';; malformed owner at byte 12'],
    ['00018180000000000000000001020304', ';; 4 bytes follow the last record'],
  ])('of %s says "%s"', (message, line) => {
    expect(formatMessage(Buffer.from(message, 'hex')).split('\n')).toContain(line);
  });

  test('bounds the text of a message that unfolds to much', () => {
    // One owner of 255 bytes that need four characters each, and pointers to it from 5000 records.
    const name = [
      ...Array(3)
        .fill([63, ...Array(63).fill(0)])
        .flat(),
      61,
      ...Array(61).fill(0),
      0,
    ];
    const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0];
    const records = Array<number[]>(5000).fill(record).flat();
    const bytes = Uint8Array.from([
      0,
      1,
      0x80,
      0,
      0,
      1,
      0x13,
      0x88,
      0,
      0,
      0,
      0,
      ...name,
      0,
      1,
      0,
      1,
      ...records,
    ]);
    const text = formatMessage(bytes);
    expect(text.length).toBeLessThan(1.1 * (1 << 20));
    expect(text.endsWith(';; the rest is left out')).toBe(true);
  });
});

test('parseMessage() of a built message returns the texts it was built from', () => {
  const answer = corpus.filter((line) => !line.includes(' UPPER'));
  const parsed = parseMessage(buildResponse({ question: 'example.com. ANY', answer }));
  expect(parsed.isSound).toBe(true);
  expect(parsed.answer.map((line) => line.toLowerCase())).toEqual(answer.map((line) => line.toLowerCase()));
  expect(parsed.question).toBe(`example.com. ${formatType(TYPE.ANY)}`);
});
