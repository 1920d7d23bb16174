// The key `local`: what a record may be, and what does not go together.
import { describe, expect, it } from 'vitest';
import { formatName, formatRdata } from '../../../src/wire/dns/dns.ts';
import { configOf, problemsOf } from './support.ts';

describe('local.records', () => {
  it('are read as presentation format', () => {
    const { local } = configOf(`
local:
  zones: [Lan]
  records:
    - { owner: Nas.Lan, type: A, data: 192.0.2.1 }
    - { owner: "*.apps.lan", type: CNAME, data: NAS.lan., ttl: 1h }
    - { owner: _sip._tcp.lan, type: SRV, data: 0 5 5060 sip.lan }
`);
    expect(local.zones.map((zone) => formatName(zone))).toEqual(['lan.']);
    expect(
      local.records.map(({ owner, isWildcard, type, ttlSec, rdata }) => [
        formatName(owner),
        isWildcard,
        type,
        ttlSec,
        formatRdata(type, rdata),
      ]),
    ).toEqual([
      ['nas.lan.', false, 1, 300, '192.0.2.1'],
      ['apps.lan.', true, 5, 3600, 'nas.lan.'],
      ['_sip._tcp.lan.', false, 33, 300, '0 5 5060 sip.lan.'],
    ]);
  });

  it.each([
    [
      '{ owner: a.lan, type: A, data: 192.0.2.256 }',
      'records[0].data: "192.0.2.256" is no data of the type A',
    ],
    ['{ owner: a.lan, type: A, data: 192.0.2.1 192.0.2.2 }', 'records[0].data'],
    ['{ owner: a.lan, type: NS, data: b.lan }', '"NS" is not known'],
    ['{ owner: "a..lan", type: A, data: 192.0.2.1 }', 'is not a domain name (empty label)'],
    ['{ owner: ".", type: A, data: 192.0.2.1 }', 'the root has no records here'],
    ['{ owner: "*.", type: A, data: 192.0.2.1 }', 'the root has no records here'],
    ['{ owner: x.localhost, type: A, data: 192.0.2.1 }', 'is answered by Cordon itself'],
    ['{ owner: _dns.resolver.arpa, type: A, data: 192.0.2.1 }', 'is answered by Cordon itself'],
    ['{ owner: a.lan, type: A, data: 192.0.2.1, ttl: 8d }', 'records[0].ttl: "8d" is more than 7d'],
    [
      '{ owner: a.lan, type: A, data: 192.0.2.1 }, { owner: A.lan., type: A, data: 192.0.2.1 }',
      'is written already',
    ],
    [
      '{ owner: a.lan, type: A, data: 192.0.2.1 }, { owner: a.lan, type: A, data: 192.0.2.2, ttl: 1m }',
      'records[1].ttl: another A record of a.lan. has another TTL',
    ],
    [
      '{ owner: a.lan, type: CNAME, data: b.lan }, { owner: a.lan, type: TXT, data: x }',
      'records[1].type: a.lan. is an alias and has other records',
    ],
    [
      '{ owner: a.lan, type: CNAME, data: b.lan }, { owner: a.lan, type: CNAME, data: c.lan }',
      'is an alias and has other records',
    ],
    [
      '{ owner: a.lan, type: A, data: 192.0.2.1 }, { owner: a.lan, type: CNAME, data: c.lan }',
      'is an alias and has other records',
    ],
  ])('%s is refused', (records, problem) => {
    expect(problemsOf(`local: { records: [${records}] }`).join('\n')).toContain(problem);
  });

  it('of a wildcard and of the name above it do not exclude each other', () => {
    const records =
      '{ owner: "*.a.lan", type: CNAME, data: b.lan }, { owner: a.lan, type: A, data: 192.0.2.1 }';
    expect(problemsOf(`local: { records: [${records}] }`)).toEqual([]);
  });
});

describe('local.zones', () => {
  it.each([
    ['local: { zones: [lan, LAN.] }', 'local.zones[1]'],
    [
      'local: { zones: [lan] }\nforward: [{ zones: [lan], upstreams: [192.0.2.1] }]\nupstreams: [192.0.2.1]',
      'forward[0].zones[0]',
    ],
    ['local: { zones: ["."] }', 'the root is not this network alone'],
  ])('%s is refused', (text, problem) => {
    expect(problemsOf(text).join('\n')).toContain(problem);
  });
});
