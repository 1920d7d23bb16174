import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readZone } from './rpz-rules.ts';

const { UPDATE_GOLDEN } = process.env;
const GOLDEN = join(import.meta.dirname, '../../golden/lists-rpz');

/** Five lines before the first that a test writes. */
const HEAD =
  '$ORIGIN rpz.test.\n$TTL 1h\n@ SOA localhost. admin.invalid. (\n 7 3600 600 86400 60 )\n NS localhost.\n';
const read = (body: string) => readZone(HEAD + body);

describe('options', () => {
  it('feedRpz() takes a trigger for everything where that is allowed', () => {
    expect(readZone(`${HEAD}* CNAME .\n`, { takesEverything: true })).toMatchObject({
      rules: ['6 wildcard  nxdomain'],
      remarks: [],
    });
  });

  it('feedRpz() lowers TTLs that are longer than allowed', () => {
    const body = 'a.example 30 A 192.0.2.1\nb.example 2 A 192.0.2.1\nc.example 30 CNAME d.example.\n';
    expect(readZone(HEAD + body, { recordTtlSecMax: 5 }).rules).toEqual([
      '6 exact a.example [5 A 192.0.2.1]',
      '7 exact b.example [2 A 192.0.2.1]',
      '8 exact c.example [5 CNAME d.example.]',
    ]);
  });
});

describe('triggers', () => {
  it.each([
    ['a name', 'bad.example CNAME .', '6 exact bad.example nxdomain'],
    ['a wildcard', '*.bad.example CNAME .', '6 wildcard bad.example nxdomain'],
    ['an asterisk that is not the first label', 'a.*.example CNAME .', '6 exact a.*.example nxdomain'],
    ['a top-level domain', '*.zip CNAME .', '6 wildcard zip nxdomain'],
    ['letters folded', 'BAD.Example cname .', '6 exact bad.example nxdomain'],
    ['an absolute owner', 'bad.example.RPZ.test. CNAME .', '6 exact bad.example nxdomain'],
    ['escapes', 'a\\.b\\000\\@.example CNAME .', '6 exact a\\.b\\000\\@.example nxdomain'],
    ['a comment and CRLF', 'bad.example CNAME . ; why\r', '6 exact bad.example nxdomain'],
    ['TTL and class in both orders', 'a.example IN 5 CNAME .', '6 exact a.example nxdomain'],
    ['TTL and class in the other order', 'a.example 5 IN CNAME .', '6 exact a.example nxdomain'],
    ['IPv4 addresses', '24.0.2.0.192.rpz-ip CNAME .', '6 prefix 192.0.2.0/24 nxdomain'],
    ['one IPv4 address', '32.7.2.0.192.rpz-ip CNAME .', '6 prefix 192.0.2.7/32 nxdomain'],
    ['IPv6 addresses', '32.zz.db8.2001.rpz-ip CNAME .', '6 prefix 2001:db8::/32 nxdomain'],
    ['zz in the middle', '128.1.zz.db8.2001.RPZ-IP CNAME .', '6 prefix 2001:db8::1/128 nxdomain'],
    ['zz at the end', '128.1.zz.rpz-ip CNAME .', '6 prefix ::1/128 nxdomain'],
    ['IPv6 in full', '128.8.7.6.5.4.3.2.1.rpz-ip CNAME .', '6 prefix 1:2:3:4:5:6:7:8/128 nxdomain'],
    ['zz that hides three groups', '64.zz.4.3.0.1.rpz-ip CNAME .', '6 prefix 1:0:3:4::/64 nxdomain'],
    ['client addresses', '8.0.0.0.10.rpz-client-ip CNAME rpz-drop.', '6 client 10.0.0.0/8 drop'],
  ])('feedRpz() takes %s', (_, line, rule) => {
    expect(read(`${line}\n`)).toMatchObject({ rules: [rule], remarks: [] });
  });

  it.each([
    ['everything', '* CNAME .', '6:1 rpz-everything'],
    ['a name server by name', 'ns.example.rpz-nsdname CNAME .', '6:1 rpz-name-server'],
    ['a name server by address', '32.1.2.0.192.rpz-nsip CNAME .', '6:1 rpz-name-server'],
    ['an unknown word', 'a.example.rpz-other CNAME .', '6:1 rpz-trigger'],
    ['a word with a dot for its hyphen', '24.0.2.0.192.rpz.ip CNAME .', '6:1 rpz-trigger'],
    ['another such word', '24.0.2.0.192.RPZ.client-ip CNAME .', '6:1 rpz-trigger'],
    ['bits below the length', '24.1.2.0.192.rpz-ip CNAME .', '6:1 rpz-prefix'],
    ['every address', '0.0.0.0.0.rpz-ip CNAME .', '6:1 rpz-prefix'],
    ['a leading zero in the length', '08.0.0.0.10.rpz-ip CNAME .', '6:1 rpz-prefix'],
    ['a leading zero in an octet', '8.0.0.0.010.rpz-ip CNAME .', '6:1 rpz-prefix'],
    ['an IPv4 length over 32', '33.0.0.0.10.rpz-ip CNAME .', '6:1 rpz-prefix'],
    ['a missing octet', '24.2.0.192.rpz-ip CNAME .', '6:1 rpz-prefix'],
    ['IPv6 groups that zz should stand for', '128.1.0.0.0.0.0.db8.2001.rpz-ip CNAME .', '6:1 rpz-prefix'],
    ['zz twice', '128.1.zz.1.zz.rpz-ip CNAME .', '6:1 rpz-prefix'],
    ['zz for one group', '128.8.7.zz.5.4.3.2.1.rpz-ip CNAME .', '6:1 rpz-prefix'],
    ['a leading zero in a group', '32.zz.0db8.2001.rpz-ip CNAME .', '6:1 rpz-prefix'],
    ['a mapped IPv4 address', '128.201.c000.ffff.zz.rpz-ip CNAME .', '6:1 rpz-prefix'],
    ['no address', 'rpz-ip CNAME .', '6:1 rpz-prefix'],
    ['an owner outside the zone', 'a.example. CNAME .', '6:1 zone-outside'],
    ['an owner that only ends in the letters of the zone', 'a.xrpz.test. CNAME .', '6:1 zone-outside'],
    ['data at the apex', '@ TXT "about"', '6:1 rpz-apex'],
    ['a second SOA', '@ SOA a. b. 1 2 3 4 5', '6:1 zone-soa'],
    ['another class', 'a.example CH CNAME .', '6:11 zone-class'],
    ['an unknown type', 'a.example BOGUS .', '6:11 zone-type'],
    ['a type of questions', 'a.example ANY .', '6:11 zone-type'],
    ['a line without a type', 'a.example 300 IN', '6:15 zone-type'],
    ['a TTL too long', 'a.example 2147483648 CNAME .', '6:11 zone-ttl'],
    ['a malformed TTL', 'a.example 3x CNAME .', '6:11 zone-ttl'],
    ['two dots', 'a..example CNAME .', '6:1 empty-label'],
    ['a label of 64 bytes', `${'a'.repeat(64)} CNAME .`, '6:1 label-too-long'],
    ['a name of 256 bytes', `${'a.'.repeat(123)}b CNAME .`, '6:1 name-too-long'],
    ['an escape over 255', 'a\\256 CNAME .', '6:1 zone-escape'],
    ['a lone backslash', 'a\\\n', '6:1 zone-escape'],
    ['a name in UTF-8', 'bücher.example CNAME .', '6:1 zone-not-ascii'],
    ['$INCLUDE', '$INCLUDE /etc/passwd', '6:1 zone-directive'],
    ['$GENERATE', '$GENERATE 1-9 a$ CNAME .', '6:1 zone-directive'],
    ['a web page', '<!DOCTYPE html>', '6:1 markup'],
    ['an open quotation', 'a.example TXT "b', '6:15 zone-quote'],
    ['a closing parenthesis', 'a.example CNAME . )', '6:19 zone-parenthesis'],
    ['a line over 64 KiB', `a.example TXT ${'x'.repeat(65_600)}`, '6:1 zone-too-long'],
  ])('feedRpz() refuses %s and goes on', (_, line, remark) => {
    const result = read(`${line}\nnext.example CNAME .\n`);
    const next = line.endsWith('\n') ? 8 : 7;
    expect(result).toMatchObject({ rules: [`${next} exact next.example nxdomain`], remarks: [remark] });
  });
});

describe('actions', () => {
  it.each([
    ['.', 'nxdomain'],
    ['*.', 'nodata'],
    ['rpz-passthru.', 'passthru'],
    ['RPZ-Drop.', 'drop'],
    ['rpz-tcp-only.', 'tcp-only'],
    ['bad.example.', 'passthru'],
    ['Garden.example.', '[3600 CNAME Garden.example.]'],
    ['*.garden.example.', '[3600 CNAME *.garden.example.]'],
    ['garden', '[3600 CNAME garden.rpz.test.]'],
  ])('feedRpz() reads CNAME %s', (target, action) => {
    expect(read(`bad.example CNAME ${target}\n`)).toMatchObject({
      rules: [`6 exact bad.example ${action}`],
      remarks: [],
    });
  });

  it.each([
    ['an unknown word', 'a.example CNAME rpz-other.', '6:17 rpz-action'],
    ['a word without its final dot', 'a.example CNAME rpz-passthru', '6:17 rpz-action'],
    ['a CNAME without a target', 'a.example CNAME', '6:11 zone-rdata'],
    ['a CNAME with two targets', 'a.example CNAME . .', '6:17 zone-rdata'],
    ['a broken target', 'a.example CNAME b..', '6:17 empty-label'],
    ['a broken address', 'a.example A 192.0.2', '6:13 zone-rdata'],
    ['a broken IPv6 address', 'a.example AAAA 192.0.2.1', '6:16 zone-rdata'],
    ['a generic A of five bytes', 'a.example A \\# 5 c000020101', '6:13 zone-rdata'],
    ['a generic MX that ends early', 'a.example MX \\# 3 000a01', '6:14 zone-rdata'],
    ['an unknown type without the generic form', 'a.example TYPE65300 x', '6:21 zone-rdata'],
    ['a broken name in an MX', 'a.example MX 10 a..b', '6:17 empty-label'],
  ])('feedRpz() refuses %s', (_, line, remark) => {
    expect(read(`${line}\n`)).toMatchObject({ rules: [], remarks: [remark] });
  });

  it('feedRpz() takes the old passthru of addresses, and no wildcard that leads to itself', () => {
    expect(read('32.1.2.0.192.rpz-ip CNAME 32.1.2.0.192.\n*.a.example CNAME *.a.example.\n').rules).toEqual([
      '6 prefix 192.0.2.1/32 passthru',
      '7 wildcard a.example [3600 CNAME *.a.example.]',
    ]);
  });

  it('feedRpz() makes one rule of the records of one owner, wherever they stand', () => {
    const zone =
      'a.example 5 A 192.0.2.1\n AAAA 2001:db8::1\nb.example CNAME .\nA.example A 192.0.2.2\n A 192.0.2.1\n';
    expect(read(zone)).toMatchObject({
      rules: [
        '6 exact a.example [5 A 192.0.2.1, 3600 AAAA 2001:db8::1, 3600 A 192.0.2.2]',
        '8 exact b.example nxdomain',
      ],
      remarks: [],
    });
  });

  it('feedRpz() lets the first of a CNAME and other data stand', () => {
    const zone =
      'a.example CNAME .\n A 192.0.2.1\n CNAME .\n CNAME *.\nb.example A 192.0.2.1\nc.example CNAME .\nb.example CNAME .\n';
    expect(read(zone)).toMatchObject({
      rules: [
        '6 exact a.example nxdomain',
        '10 exact b.example [3600 A 192.0.2.1]',
        '11 exact c.example nxdomain',
      ],
      remarks: ['7:4 rpz-cname', '9:8 rpz-cname', '12:17 rpz-cname'],
    });
  });

  it('feedRpz() answers NODATA where only a DNAME stands', () => {
    expect(read('a.example DNAME b.example.\nc.example DNAME d.\n TXT "x"\n')).toMatchObject({
      rules: ['6 exact a.example nodata', '7 exact c.example [3600 TXT "x"]'],
      remarks: ['6:17 rpz-dname', '7:17 rpz-dname'],
    });
  });

  it('feedRpz() shares the terms of equal records', () => {
    const lines = ['A 192.0.2.1', 'A 192.0.2.1', 'CNAME g.test.', 'CNAME g.test.', 'CNAME .', 'CNAME .'];
    expect(read(lines.map((line, i) => `n${i}.example ${line}\n`).join('')).termsCount).toBe(3);
  });

  it('feedRpz() loses no owner when more have data than it keeps at once', () => {
    const count = 70_000;
    const lines = Array.from({ length: count }, (_, i) => `n${i}.example A 192.0.2.1\n`);
    const { rules, termsCount } = read(lines.join(''));
    expect(new Set(rules).size).toBe(count);
    expect(termsCount).toBe(1);
  });

  it('feedRpz() keeps as many records of one owner as an answer holds, and tells of the others', () => {
    const line = (i: number): string => `a.example A 10.0.${i >> 8}.${i & 255}\n`;
    const lines = Array.from({ length: 4096 }, (_, i) => line(i));
    const { rules, remarks } = read(
      `${lines.join('')}${line(4095)}${line(4096)}b.example A 192.0.2.1\n${line(4097)}`,
    );
    expect(rules).toHaveLength(2);
    expect(rules[0]?.split(', ')).toHaveLength(4096);
    expect(remarks).toEqual(['4103:13 rpz-records', '4105:13 rpz-records']);
  });

  it('feedRpz() ignores the records that sign a zone', () => {
    expect(read('a.example NSEC b.example. CNAME\n@ DNSKEY 257 3 13 AwEAAag=\n')).toMatchObject({
      rules: [],
      remarks: [],
    });
  });
});

describe('the zone', () => {
  it.each([
    [
      'the owner of the SOA',
      'a.test. SOA b. c. 4294967295 2 3 4 5\nx.a.test. CNAME .',
      undefined,
      'a.test.',
      4294967295,
    ],
    ['the first $ORIGIN', '$ORIGIN b.test.\nx CNAME .', undefined, 'b.test.', undefined],
    ['the option', '@ SOA b. c. 1 2 3 4 5\nx CNAME .', 'C.test', 'c.test.', 1],
    ['the root', '@ SOA b. c. 1 2 3 4 5\nx CNAME .', undefined, '.', 1],
  ])('feedRpz() takes the origin from %s', (_, text, origin, apex, serial) => {
    const { rules, facts, remarks } = readZone(`${text}\n`, { origin });
    expect(facts).toEqual({ origin: apex, serial });
    expect(rules).toEqual(['2 exact x nxdomain']);
    expect(remarks).toEqual([]);
  });

  it('feedRpz() throws for an origin that is no name', () => {
    expect(() => readZone('', { origin: 'a..b' })).toThrow(
      expect.objectContaining({ code: 'ERR_LIST_PARSE' }),
    );
  });

  it('feedRpz() follows $ORIGIN, relative ones too', () => {
    expect(read('$ORIGIN example\na CNAME .\n$ORIGIN sub\n*.b CNAME .\n')).toMatchObject({
      rules: ['7 exact a.example nxdomain', '9 wildcard b.sub.example nxdomain'],
      remarks: [],
    });
  });

  it('feedRpz() takes the TTL of the record, of $TTL, of the record before and of the SOA, in this order', () => {
    const soa = '$ORIGIN z.test.\n@ SOA a. b. 1 2 3 4 60\n';
    expect(
      readZone(`${soa}a A 192.0.2.1\nb 5 A 192.0.2.1\nc A 192.0.2.1\n$TTL 1w2d3h4m5s\nd A 192.0.2.1`).rules,
    ).toEqual([
      '3 exact a [60 A 192.0.2.1]',
      '4 exact b [5 A 192.0.2.1]',
      '5 exact c [5 A 192.0.2.1]',
      '7 exact d [788645 A 192.0.2.1]',
    ]);
    expect(readZone('a A 192.0.2.1\nb CNAME .\nc CNAME d.\n')).toMatchObject({
      rules: ['2 exact b nxdomain'],
      remarks: ['1:5 zone-ttl', '3:9 zone-ttl'],
    });
  });

  it('feedRpz() gives a line without an owner to no other owner', () => {
    expect(readZone('$ORIGIN z.test.\n CNAME .\na..b 1 TXT "x"\n CNAME .\nc CNAME .\n')).toMatchObject({
      rules: ['5 exact c nxdomain'],
      remarks: ['2:2 zone-owner', '3:1 empty-label', '4:2 zone-owner'],
    });
  });

  it('feedRpz() reads parentheses over lines, with comments and quotes in them', () => {
    const zone = 'a.example ( TXT ; one (\n "b ; ) c" \n\td\\ e ) ; f\n2.example CNAME .\n';
    expect(read(zone)).toMatchObject({
      rules: ['6 exact a.example [3600 TXT "b ; ) c" "d e"]', '9 exact 2.example nxdomain'],
      remarks: [],
    });
  });

  it('feedRpz() loses one line to a parenthesis that is never closed', () => {
    const rest = Array.from({ length: 5000 }, (_, i) => `n${i}.example CNAME .\n`).join('');
    const { rules, remarks } = read(`a.example TXT ( "b"\n${rest}c.example TXT ("d"\n`);
    expect(rules).toHaveLength(5000);
    expect(remarks).toEqual(['6:15 zone-parenthesis', '5007:15 zone-parenthesis']);
  });

  it.each(Array.from({ length: 24 }, (_, before) => before))(
    'feedRpz() reads a record that begins %i bytes before the end of a piece',
    (before) => {
      const filler = `;${'x'.repeat(1022)}\n`.repeat(256).slice(0, 256 * 1024 - before - 1);
      const zone = `${filler}\nbad.example 5 TXT (\n"a b")\nlast.example CNAME .`;
      expect(zone.indexOf('bad')).toBe(256 * 1024 - before);
      expect(readZone(zone)).toMatchObject({
        rules: ['257 exact bad.example [5 TXT "a b"]', '259 exact last.example nxdomain'],
        remarks: [],
      });
    },
  );
});

it('feedRpz() reads the zone of the golden file as before', () => {
  const { rules, remarks, facts } = readZone(readFileSync(join(GOLDEN, 'policy.in')));
  const actual = [...rules, '', ...remarks, '', JSON.stringify(facts), ''].join('\n');
  const path = join(GOLDEN, 'policy.out');
  if (UPDATE_GOLDEN === '1') writeFileSync(path, actual);
  expect(actual).toBe(readFileSync(path, 'utf8'));
});
