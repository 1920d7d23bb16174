// The tree that the differential test asks about: every shape of zone content that answers differ by.
//
// Four zones hold the same names: signed with NSEC, with NSEC3, with NSEC3 and opt-out, and unsigned. Around them are
// zones that are broken in one way each. Everything hangs below a root of the test's own. TTLs are long, so that what a
// cache takes off while the test runs is small beside what a wrong TTL would differ by; the few short ones say so in
// their names.
import { ownOffsetMs } from '../../support/fake-time.ts';
import type { TreeZone } from '../../support/signed-tree.ts';
import { createZoneKey } from '../../support/signed-zone.ts';

/** Above all zones but the root. */
export const TOP = 'example.';
/** The labels of the zones that hold every shape. */
export const VARIANTS = ['nsec', 'nsec3', 'optout', 'plain'] as const;

const NOW_SEC = Math.floor(Date.now() / 1000);
const DAY_SEC = 86_400;
/** By the clock of this process and by that of the machine, which BIND keeps at whatever date the tests run. */
const PAST_SEC = Math.min(NOW_SEC, NOW_SEC - ownOffsetMs() / 1000);
/** Far enough from now that no validator excuses it by clocks that are wrong. */
const EXPIRED = { start: PAST_SEC - 30 * DAY_SEC, end: PAST_SEC - 10 * DAY_SEC };
/** One label of the length that RFC 1035 allows, and a name that fills 255 bytes with labels like it. */
const LABEL_63 = 'l'.repeat(63);
const DIGEST = '00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF';

/** RDATA by type; `@` stands for the zone. */
const RDATA: Readonly<Record<string, readonly string[]>> = {
  A: ['192.0.2.1', '192.0.2.2'],
  AAAA: ['2001:db8::1'],
  MX: ['10 www.@', '20 Mail.Other.example.'],
  TXT: ['"one" "" "three;=\\"\\\\"', '"MiXeD \\000\\001\\127\\128\\255"'],
  SRV: ['1 2 5060 www.@', '0 0 0 .'],
  CAA: ['0 issue "ca.example; account=1"', '128 iodef "mailto:a@b.example"'],
  NAPTR: ['100 10 "u" "E2U+sip" "!^.*$!sip:a@b!" .', '100 20 "s" "SIP+D2U" "" _sip._udp.@'],
  PTR: ['www.@', 'Host.OTHER.example.'],
  HINFO: ['"CPU" "OS"'],
  RP: ['admin.@ text.@'],
  AFSDB: ['1 www.@'],
  KX: ['10 www.@'],
  SSHFP: [`4 2 ${DIGEST}`],
  TLSA: [`3 1 1 ${DIGEST}`],
  SMIMEA: [`3 1 1 ${DIGEST}`],
  OPENPGPKEY: ['AwEAAag='],
  SVCB: ['1 svc.@ port=8443 alpn=h2,h3', '2 . mandatory=alpn alpn=h2 key65280="opaque\\001"'],
  HTTPS: ['1 . alpn=h2,h3 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1', '0 www.@'],
  URI: ['10 1 "https://www.example.com/"'],
  EUI48: ['00-00-5e-00-53-2a'],
  SPF: ['"v=spf1 -all"'],
  TYPE65280: ['\\# 5 00C00C01FF', '\\# 0'],
  TYPE65534: ['\\# 1 00'],
};

/** Types that the questions are about beside those that stand in a zone. */
export const DATA_TYPES = Object.keys(RDATA);

const texts = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `TXT "${String(index).padStart(240, 'x')}"`);

/** Owners that need escapes, are long, or look like something else. */
const ODD_LABELS = [
  '\\000\\001\\200\\255',
  'a\\.b',
  'c\\\\d',
  'sp\\032ace',
  '\\"quoted\\"',
  '\\@at',
  '\\(paren\\;\\)',
  'under_score',
  '_dmarc',
  '_sip._tcp',
  '_443._tcp',
  'xn--bcher-kva',
  'MiXeD.CaSe',
  '127',
  '-dash-',
  '\\*',
  LABEL_63,
];

/** Every shape at names below one zone. */
const createEverything = (apex: string): string[] => {
  const at = (text: string): string => text.replaceAll('@', apex);
  const record = (label: string, text: string, ttl = 3600): string => {
    const owner = label === '' ? apex : `${label}.${apex}`;
    return `${owner} ${ttl} IN ${at(text)}`;
  };
  const typed = Object.entries(RDATA).flatMap(([type, all]) =>
    all.flatMap((rdata) => [
      record('all', `${type} ${rdata}`, 7200),
      record(`t-${type.toLowerCase()}`, `${type} ${rdata}`, 10_800),
    ]),
  );
  // 64 bytes a label, the length byte of the last one, and the root's; signers of NSEC3 want room for `*.` before it.
  const longest = `${LABEL_63}.${LABEL_63}.${LABEL_63}.${'m'.repeat(253 - 3 * 64 - 2 - apex.length)}`;
  return [
    `${apex} 3600 IN NS ns.${apex}`,
    `${apex} 3600 IN NS ns2.${apex}`,
    `ns.${apex} 3600 IN A 192.0.2.53`,
    `ns2.${apex} 3600 IN AAAA 2001:db8::53`,
    record('', 'MX 10 www.@'),
    record('', 'A 192.0.2.80'),
    record('', 'CSYNC 1 3 A NS AAAA'),
    ...typed,
    ...['A 192.0.2.3', 'A 192.0.2.4', 'AAAA 2001:db8::3', 'TXT "www"'].map((text) => record('www', text)),
    ...ODD_LABELS.map((label) => record(label, 'A 192.0.2.5')),
    record(longest, 'A 192.0.2.6'),
    // Empty non-terminals.
    record('leaf.ent.deep', 'A 192.0.2.7'),
    record('leaf.ent.deep', 'TXT "leaf"'),
    // Wildcards: with data, aliases, names and empty non-terminals below them, and one that is the owner of names.
    record('*.wild', 'A 192.0.2.8'),
    record('*.wild', 'TXT "wild"'),
    record('known.wild', 'MX 10 www.@'),
    record('leaf.ent.wild', 'A 192.0.2.9'),
    record('*.wildalias', 'CNAME www.@'),
    record('*.wildaway', 'CNAME www.nsec3.example.'),
    record('*.wildlost', 'CNAME nothing.@'),
    record('*.wildmail', 'MX 10 *.wild.@'),
    record('below.*.wildstar', 'A 192.0.2.10'),
    // TTLs: none, a second, the longest of RFC 2181, longer than caches keep.
    record('ttl-0', 'A 192.0.2.11', 0),
    record('ttl-0', 'TXT "ttl"', 0),
    record('alias-ttl-0', 'CNAME www.@', 0),
    record('ttl-1', 'A 192.0.2.12', 1),
    record('ttl-week', 'A 192.0.2.13', 604_800),
    record('ttl-most', 'A 192.0.2.14', 2_147_483_647),
    // Long answers: about the size of a datagram, and far beyond it.
    ...texts(3).map((text) => record('text-3', text)),
    ...texts(4).map((text) => record('text-4', text)),
    ...texts(5).map((text) => record('text-5', text)),
    ...texts(16).map((text) => record('text-16', text)),
    ...texts(200).map((text) => record('text-200', text)),
    ...Array.from({ length: 60 }, (_, index) => record('many-60', `A 198.51.100.${index}`)),
    ...Array.from({ length: 250 }, (_, index) => record('many-250', `A 203.0.113.${index}`)),
    record('alias-many', 'CNAME many-250.@'),
    // Aliases.
    record('alias', 'CNAME www.@'),
    record('alias-letters', 'CNAME WwW.@'),
    ...Array.from({ length: 7 }, (_, index) =>
      record(`chain-${index}`, index === 6 ? 'A 192.0.2.15' : `CNAME chain-${index + 1}.@`),
    ),
    ...Array.from({ length: 11 }, (_, index) =>
      record(`long-${index}`, index === 10 ? 'A 192.0.2.16' : `CNAME long-${index + 1}.@`),
    ),
    ...VARIANTS.map((variant) => record(`alias-${variant}`, `CNAME www.${variant}.example.`)),
    ...VARIANTS.map((variant) => record(`twice-${variant}`, `CNAME alias-plain.${variant}.example.`)),
    record('alias-wild', 'CNAME x.wild.@'),
    record('alias-wildalias', 'CNAME x.wildalias.@'),
    record('alias-ent', 'CNAME deep.@'),
    record('alias-nothing', 'CNAME nothing.@'),
    record('alias-nothing-away', 'CNAME nothing.nsec.example.'),
    record('alias-nothing-plain', 'CNAME nothing.plain.example.'),
    record('alias-nodata', 'CNAME t-mx.@'),
    record('alias-no-zone', 'CNAME www.nowhere.'),
    record('alias-bogus', 'CNAME www.expired.example.'),
    record('alias-child', 'CNAME www.child.@'),
    record('alias-bare', 'CNAME www.bare.@'),
    record('alias-apex', 'CNAME @'),
    record('alias-dname', 'CNAME www.dname-here.@'),
    // Delegations that nobody serves.
    record('lame', 'NS ns.lame.@'),
    record('ns.lame', 'A 192.0.2.54'),
    record('lame-secure', 'NS ns.other.example.'),
    record('lame-secure', `DS 4711 13 2 ${DIGEST}`),
  ];
};

/** DNAME records and aliases that lead in circles, at names of their own: `loop` and `dname` stand in all of them. */
const createTurns = (apex: string): string[] =>
  [
    'loop-self 3600 IN CNAME loop-self.@',
    'loop-a 3600 IN CNAME loop-b.@',
    'loop-b 3600 IN CNAME loop-a.@',
    'loop-in 3600 IN CNAME loop-a.@',
    'dname-here 3600 IN DNAME target.@',
    'www.target 3600 IN A 192.0.2.17',
    'alias.target 3600 IN CNAME www.@',
    '*.wild.target 3600 IN A 192.0.2.18',
    'dname-nsec 3600 IN DNAME nsec.example.',
    'dname-nsec3 3600 IN DNAME nsec3.example.',
    'dname-plain 3600 IN DNAME plain.example.',
    'dname-nothing 3600 IN DNAME nothing.@',
    'dname-bogus 3600 IN DNAME expired.example.',
    'dname-twice 3600 IN DNAME dname-here.@',
    'dname-root 3600 IN DNAME .',
    `dname-long 3600 IN DNAME ${`${LABEL_63}.`.repeat(3)}example.`,
    'dname-loop 3600 IN DNAME dname-loop.@',
  ].map((text) => `${text.replace(' ', `.${apex} `).replaceAll('@', apex)}`);

const createVariant = (label: (typeof VARIANTS)[number]): TreeZone[] => {
  const apex = `${label}.${TOP}`;
  const records = [...createEverything(apex), ...createTurns(apex)];
  const simple = (child: string, more: Partial<TreeZone> = {}): TreeZone => ({
    apex: `${child}.${apex}`,
    records: [
      `www.${child}.${apex} 3600 IN A 192.0.2.20`,
      `alias.${child}.${apex} 3600 IN CNAME www.${apex}`,
      `*.wild.${child}.${apex} 3600 IN A 192.0.2.21`,
    ],
    ...more,
  });
  const denial = { nsec: 'nsec', nsec3: 'nsec3', optout: 'nsec3-optout', plain: 'nsec' } as const;
  return [
    { apex, records, denial: denial[label], ...(label === 'plain' ? { isPlain: true } : {}) },
    simple('child', { denial: 'nsec3' }),
    simple('bare', { isPlain: true }),
    simple('island', { ds: () => [] }),
    simple('zone.at.depth'),
  ];
};

/** Zones of few names that are signed in other ways, or broken. */
const createSmall = (): TreeZone[] => {
  const simple = (label: string, more: Partial<TreeZone> = {}): TreeZone => ({
    apex: `${label}.${TOP}`,
    records: [
      `www.${label}.${TOP} 3600 IN A 192.0.2.30`,
      `*.wild.${label}.${TOP} 3600 IN A 192.0.2.31`,
      `alias.${label}.${TOP} 3600 IN CNAME www.nsec.example.`,
    ],
    ...more,
  });
  const without =
    (pattern: RegExp) =>
    (lines: readonly string[]): string[] =>
      lines.filter((line) => !pattern.test(line));
  return [
    simple('rsa', { algorithm: 'RSASHA256', denial: 'nsec3' }),
    simple('rsa512', { algorithm: 'RSASHA512' }),
    simple('p384', { algorithm: 'ECDSAP384SHA384' }),
    simple('ed25519', { algorithm: 'ED25519', denial: 'nsec3' }),
    simple('ed448', { algorithm: 'ED448' }),
    simple('two-keys', {
      keys: (['ksk', 'zsk'] as const).map((role) =>
        createZoneKey(`two-keys.${TOP}`, 'ECDSAP256SHA256', role),
      ),
    }),
    simple('salted', { denial: 'nsec3', iterations: 10, salt: 'AABBCCDD', signer: 'ldns' }),
    simple('rounds51', { denial: 'nsec3', iterations: 51, signer: 'ldns' }),
    simple('sha384', { digests: ['SHA-384'] }),
    simple('expired', EXPIRED),
    simple('wrong-ds', { ds: () => [`wrong-ds.${TOP} 3600 IN DS 4711 13 2 ${DIGEST}`] }),
    simple('unsigned', { isPlain: true, ds: () => [`unsigned.${TOP} 3600 IN DS 4711 13 2 ${DIGEST}`] }),
    simple('stripped', { tamper: without(/ IN RRSIG /) }),
    simple('proofless', { tamper: without(/ IN (?:NSEC|RRSIG NSEC) /) }),
    simple('altered', {
      tamper: (lines) => lines.map((line) => line.replace(/^(www\S+ \d+ IN A) .*/, '$1 192.0.2.66')),
    }),
    simple('future', { ds: (own) => own.map((line) => line.replace(/ DS (\d+) 13 /, ' DS $1 200 ')) }),
  ];
};

/** The whole tree. */
export const createZones = (): TreeZone[] => [
  { apex: '.', records: ['. 86400 IN NS ns.example.'] },
  { apex: TOP, records: [`www.${TOP} 3600 IN A 192.0.2.40`] },
  ...VARIANTS.flatMap(createVariant),
  ...createSmall(),
];
