// Special-use names: what is answered for each zone, and that its neighbors are nobody's special names.
import { describe, expect, test } from 'vitest';
import { LOCAL, LocalZones } from '../../../src/resolver/local/local.ts';
import { foldName, MessageBuilder, nameFrom, parseType } from '../../../src/wire/dns/dns.ts';
import { parseMessage } from '../../support/records.ts';

const OUTCOME = Object.fromEntries(Object.entries(LOCAL).map(([word, number]) => [number, word]));
const SOA_TAIL = 'localhost. nobody.invalid. 1 3600 1200 604800 10800';
const IP6_LOOPBACK = `1.${'0.'.repeat(31)}ip6.arpa.`;

/** The outcome's word, then the records of the answer or the SOA. */
const find = (question: string, zones = new LocalZones([])): string[] => {
  const [text = '', type = 'A'] = question.split(' ');
  const qname = nameFrom(text);
  foldName(qname, 0, qname.length);
  const qtype = parseType(type) ?? 0;
  const outcome = zones.find(qname, qname.length, qtype);
  if (outcome === LOCAL.NONE) return ['NONE'];
  const builder = new MessageBuilder(new Uint8Array(1024)).start(1, 0x8000).question(qname, qtype, 1);
  if (outcome === LOCAL.DATA) zones.writeData(builder, qname, qtype);
  else zones.writeSoa(builder);
  const message = parseMessage(builder.finish());
  return [
    OUTCOME[outcome] ?? '',
    ...message.answer,
    ...message.authority.map((record) => record.split(' ')[0] ?? ''),
  ];
};

test('the zone of the probe is special for all others, also where .invalid is forwarded', () => {
  const [zone, name] = [nameFrom('probe.cordon.invalid'), nameFrom('cname.a.example.probe.cordon.invalid')];
  for (const forwarded of [[], [nameFrom('invalid')], [zone]]) {
    const zones = new LocalZones(forwarded, [], undefined, zone);
    expect(find('cname.a.example.probe.cordon.invalid. A', zones)).toEqual(['NXDOMAIN', 'invalid.']);
    expect(zones.find(name, name.length, 1, true)).toBe(LOCAL.NONE);
    expect(zones.find(nameFrom('a.invalid'), 11, 1, true)).toBe(
      forwarded[0]?.length === 9 ? LOCAL.NONE : LOCAL.NXDOMAIN,
    );
  }
});

describe('find()', () => {
  test.each([
    // RFC 6761 section 6.3: localhost and all names below it are the loopback addresses.
    ['localhost. A', 'DATA', 'localhost. 10800 IN A 127.0.0.1'],
    ['localhost. AAAA', 'DATA', 'localhost. 10800 IN AAAA ::1'],
    ['LocalHost. A', 'DATA', 'localhost. 10800 IN A 127.0.0.1'],
    ['a.b.localhost. A', 'DATA', 'a.b.localhost. 10800 IN A 127.0.0.1'],
    ['localhost. MX', 'NODATA', 'localhost.'],
    ['localhost. HTTPS', 'NODATA', 'localhost.'],
    // RFC 6761 section 6.4, RFC 6762, RFC 7686, RFC 9476: these do not exist, the top included.
    ['invalid. A', 'NXDOMAIN', 'invalid.'],
    ['a.invalid. SOA', 'NXDOMAIN', 'invalid.'],
    ['test. A', 'NXDOMAIN', 'test.'],
    ['printer.local. AAAA', 'NXDOMAIN', 'local.'],
    ['a.onion. A', 'NXDOMAIN', 'onion.'],
    ['a.alt. A', 'NXDOMAIN', 'alt.'],
    // RFC 8375 and RFC 9462: zones whose top exists.
    ['home.arpa. A', 'NODATA', 'home.arpa.'],
    ['home.arpa. SOA', 'DATA', `home.arpa. 10800 IN SOA ${SOA_TAIL}`],
    ['a.home.arpa. A', 'NXDOMAIN', 'home.arpa.'],
    ['resolver.arpa. A', 'NODATA', 'resolver.arpa.'],
    // RFC 9606: the codes of RFC 8914 that answers may have.
    ['resolver.arpa. RESINFO', 'DATA', 'resolver.arpa. 10800 IN RESINFO "exterr=0-3,6-24,27"'],
    ['_dns.resolver.arpa. RESINFO', 'NODATA', 'resolver.arpa.'],
    ['_dns.resolver.arpa. SVCB', 'NODATA', 'resolver.arpa.'],
    ['_other.resolver.arpa. SVCB', 'NXDOMAIN', 'resolver.arpa.'],
    // RFC 6303 and RFC 7793: reverse zones.
    ['1.0.0.127.in-addr.arpa. PTR', 'DATA', '1.0.0.127.in-addr.arpa. 10800 IN PTR localhost.'],
    ['1.0.0.127.in-addr.arpa. A', 'NODATA', '127.in-addr.arpa.'],
    ['0.0.127.in-addr.arpa. PTR', 'NODATA', '127.in-addr.arpa.'],
    ['2.0.0.127.in-addr.arpa. PTR', 'NXDOMAIN', '127.in-addr.arpa.'],
    ['127.in-addr.arpa. SOA', 'DATA', `127.in-addr.arpa. 10800 IN SOA ${SOA_TAIL}`],
    [`${IP6_LOOPBACK} PTR`, 'DATA', `${IP6_LOOPBACK} 10800 IN PTR localhost.`],
    [`${'0.'.repeat(32)}ip6.arpa. PTR`, 'NODATA', `${'0.'.repeat(32)}ip6.arpa.`],
    ['1.0.0.10.in-addr.arpa. PTR', 'NXDOMAIN', '10.in-addr.arpa.'],
    ['10.in-addr.arpa. NS', 'NODATA', '10.in-addr.arpa.'],
    ['1.1.168.192.in-addr.arpa. PTR', 'NXDOMAIN', '168.192.in-addr.arpa.'],
    ['1.0.16.172.in-addr.arpa. PTR', 'NXDOMAIN', '16.172.in-addr.arpa.'],
    ['1.0.31.172.in-addr.arpa. PTR', 'NXDOMAIN', '31.172.in-addr.arpa.'],
    ['1.0.64.100.in-addr.arpa. PTR', 'NXDOMAIN', '64.100.in-addr.arpa.'],
    ['1.0.127.100.in-addr.arpa. PTR', 'NXDOMAIN', '127.100.in-addr.arpa.'],
    ['1.1.254.169.in-addr.arpa. PTR', 'NXDOMAIN', '254.169.in-addr.arpa.'],
    ['1.2.0.192.in-addr.arpa. PTR', 'NXDOMAIN', '2.0.192.in-addr.arpa.'],
    ['255.255.255.255.in-addr.arpa. PTR', 'NODATA', '255.255.255.255.in-addr.arpa.'],
    ['1.0.0.0.in-addr.arpa. PTR', 'NXDOMAIN', '0.in-addr.arpa.'],
    ['1.d.f.ip6.arpa. PTR', 'NXDOMAIN', 'd.f.ip6.arpa.'],
    ['1.8.e.f.ip6.arpa. PTR', 'NXDOMAIN', '8.e.f.ip6.arpa.'],
    ['1.8.b.d.0.1.0.0.2.ip6.arpa. PTR', 'NXDOMAIN', '8.b.d.0.1.0.0.2.ip6.arpa.'],
  ])('%s: %s', (question, ...expected) => {
    expect(find(question)).toEqual(expected);
  });

  test.each([
    '. NS',
    'example.com. A',
    'localhost.example.com. A',
    'notlocalhost. A',
    'local.example. A',
    'latest. A',
    'arpa. NS',
    'in-addr.arpa. NS',
    'ip6.arpa. NS',
    'ipv4only.arpa. A',
    'as112.arpa. A',
    '1.0.15.172.in-addr.arpa. PTR',
    '1.0.32.172.in-addr.arpa. PTR',
    '1.0.63.100.in-addr.arpa. PTR',
    '1.0.128.100.in-addr.arpa. PTR',
    '1.0.0.11.in-addr.arpa. PTR',
    '1.0.168.193.in-addr.arpa. PTR',
    '10.in-addr.arpa.example. PTR',
    '1.c.e.f.ip6.arpa. PTR',
    // The DS record of a zone stands in its parent (RFC 4035 section 3.1.4.1).
    'test. DS',
    'localhost. DS',
    'onion. DS',
    '10.in-addr.arpa. DS',
    'home.arpa. DS',
  ])('%s is no special name', (question) => {
    expect(find(question)).toEqual(['NONE']);
  });

  test.each(['a.localhost. DS', 'www.invalid. DS', 'a.10.in-addr.arpa. DS'])('%s stays here', (question) => {
    expect(find(question)).not.toEqual(['NONE']);
  });

  test('a forwarded zone wins, for its own names only', () => {
    const zones = new LocalZones([
      nameFrom('168.192.in-addr.arpa'),
      nameFrom('corp.local'),
      nameFrom('test'),
    ]);
    for (const question of ['1.1.168.192.in-addr.arpa. PTR', 'a.corp.local. A', 'corp.local. A', 'a.test. A'])
      expect(find(question, zones), question).toEqual(['NONE']);
    for (const question of ['printer.local. A', '1.0.0.10.in-addr.arpa. PTR', 'localhost. A'])
      expect(find(question, zones), question).not.toEqual(['NONE']);
  });

  test('reads no byte behind the name', () => {
    const bytes = new Uint8Array(300).fill(0x61);
    bytes.set(nameFrom('localhost'));
    expect(new LocalZones([]).find(bytes, nameFrom('localhost').length, 1)).toBe(LOCAL.DATA);
  });

  test('the SOA is that of the zone met last', () => {
    const zones = new LocalZones([]);
    expect(find('a.invalid. A', zones)).toEqual(['NXDOMAIN', 'invalid.']);
    expect(find('a.test. A', zones)).toEqual(['NXDOMAIN', 'test.']);
  });
});
