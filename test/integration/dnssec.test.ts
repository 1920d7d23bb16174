// Validation as clients see it, beside unbound: a signed tree with everything in it that can be right and wrong.
//
// A real named serves zones that real programs signed, some of them changed afterwards. The program and unbound forward
// everything to it, are asked the same, and have to say the same; where they do not, DISAGREEMENTS tells why. What is
// right stands in CASES, so that nobody is right by agreement alone.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { EDE, EDNS_DO, FLAG, RCODE } from '../../src/wire/dns/dns.ts';
import { ask, readMetric, reload } from '../support/client.ts';
import { inTwo } from '../support/night.ts';
import { isInstalled, requireProgram, run } from '../support/process.ts';
import { type Cordon, startCordon } from '../support/service.ts';
import { type ServedTree, serveTree, type TreeZone } from '../support/signed-tree.ts';
import { createZoneKey, signZone, type ZoneAlgorithm, type ZoneKey } from '../support/signed-zone.ts';
import {
  askForProof,
  readVerdict,
  startUnbound,
  type Unbound,
  withoutProof,
  withoutTtl,
} from '../support/validators.ts';

const PROGRAMS = ['named', 'unbound', 'dnssec-signzone', 'ldns-signzone'];
const DAY_SEC = 86_400;
const NOW_SEC = Math.floor(Date.now() / 1000);
/** Far enough from now that no validator excuses it by clocks that are wrong. */
const OVER = { start: NOW_SEC - 30 * DAY_SEC, end: NOW_SEC - 10 * DAY_SEC };
const NOT_YET = { start: NOW_SEC + 10 * DAY_SEC, end: NOW_SEC + 30 * DAY_SEC };
/** A DS that names no key there is. */
const FOREIGN_DS = `DS 4711 13 2 ${'00'.repeat(32)}`;
/** Longer than what is bogus is remembered. */
const REPAIR_MS_MAX = 60_000;

const ALGORITHMS: Readonly<Record<string, ZoneAlgorithm>> = {
  alg5: 'RSASHA1',
  alg7: 'NSEC3RSASHA1',
  alg8: 'RSASHA256',
  alg10: 'RSASHA512',
  alg13: 'ECDSAP256SHA256',
  alg14: 'ECDSAP384SHA384',
  alg15: 'ED25519',
  alg16: 'ED448',
};

type Change = (lines: readonly string[]) => readonly string[];

/** The lines without those that match. */
const without =
  (pattern: RegExp): Change =>
  (lines) =>
    lines.filter((line) => !pattern.test(line));

const replacing =
  (pattern: RegExp, text: string): Change =>
  (lines) =>
    lines.map((line) => line.replace(pattern, text));

/** The lines with those that match once more, changed. */
const repeating =
  (pattern: RegExp, ...change: readonly [RegExp, string]): Change =>
  (lines) => [...lines, ...lines.filter((line) => pattern.test(line)).map((line) => line.replace(...change))];

/** One name with an address. */
const simple = (apex: string): string[] => [`www.${apex} 300 IN A 192.0.2.1`];

/** Everything that a proof can be about. */
const rich = (apex: string): string[] => [
  ...simple(apex),
  `www.${apex} 300 IN TXT "text"`,
  `leaf.ent.deep.${apex} 300 IN A 192.0.2.2`,
  `*.wild.${apex} 300 IN A 192.0.2.3`,
  `known.wild.${apex} 300 IN TXT "known"`,
  `*.away.${apex} 300 IN CNAME www.nsec.example.`,
];

/** A zone under its label below example. with nothing but www in it. */
const simpleZone = (label: string, more: Partial<TreeZone> = {}): TreeZone => ({
  apex: `${label}.example.`,
  records: simple(`${label}.example.`),
  ...more,
});

/** Names that were each changed in another way, in a zone that is good otherwise. */
const createTampered = (): TreeZone => {
  const apex = 'tampered.example.';
  const labels = [
    'rdata',
    'signature',
    'bare',
    'signer',
    'aim',
    'late',
    'early',
    'foreign',
    'hidden',
    'typed',
    'list',
  ];
  const records = [
    ...rich(apex),
    ...labels.map((label) => `${label}.${apex} 300 IN A 192.0.2.4`),
    `typed.${apex} 300 IN TXT "typed"`,
    `alias.${apex} 300 IN CNAME www.nsec.example.`,
    `bald.${apex} 300 IN CNAME www.nsec.example.`,
    `old.${apex} 300 IN DNAME nsec.example.`,
  ];
  const createKeys = (): ZoneKey[] => [createZoneKey(apex, 'ECDSAP256SHA256', 'ksk')];
  const keys = createKeys();
  /** Takes the signatures of a name from another signing of the same zone. */
  const signedOtherwise = (label: string, way: Partial<TreeZone>): Change => {
    const isSignature = (line: string): boolean => new RegExp(`^${label}\\.\\S+ \\d+ IN RRSIG A `).test(line);
    const other = signZone({ apex, records, keys, ...way })
      .text.split('\n')
      .filter(isSignature);
    return (lines) => [...lines.filter((line) => !isSignature(line)), ...other];
  };
  const changes: Change[] = [
    replacing(/^(rdata\S+ \d+ IN A) .*/, '$1 192.0.2.66'),
    replacing(/^(signature\S+ \d+ IN RRSIG A .*)\S{6}(==)?$/, '$1AAAAAA$2'),
    without(/^bare\S+ \d+ IN RRSIG A /),
    without(/^bald\S+ \d+ IN RRSIG CNAME /),
    replacing(/^(signer\S+ \d+ IN RRSIG A .*) tampered\.example\. /, '$1 example. '),
    without(/^aim\S+ \d+ IN RRSIG A /),
    repeating(/^www\S+ \d+ IN RRSIG A /, /^www/, 'aim'),
    signedOtherwise('late', OVER),
    signedOtherwise('early', NOT_YET),
    signedOtherwise('foreign', { keys: createKeys() }),
    without(/^hidden/),
    without(/^typed\S+ \d+ IN (?:TXT|RRSIG TXT) /),
    // The signature of a wildcard fits every name below, also those that exist.
    repeating(/^\*\.wild\S+ \d+ IN (?:A|RRSIG A) /, /^\*/, 'known'),
    replacing(/^(list\S+ \d+ IN NSEC \S+) A /, '$1 '),
    replacing(/^(alias\S+ \d+ IN CNAME) .*/, '$1 www.plain.example.'),
    replacing(/^(old\S+ \d+ IN DNAME) .*/, '$1 plain.example.'),
  ];
  const tamper: Change = (lines) => changes.reduce((changed, change) => change(changed), lines);
  return { apex, records, keys, tamper };
};

const createZones = (): TreeZone[] => [
  { apex: '.', records: [] },
  {
    apex: 'example.',
    records: simple('example.'),
    tamper: (lines) =>
      replacing(
        /^(forged\S+ \d+ IN DS) .*/,
        `$1 ${FOREIGN_DS.slice(3)}`,
      )(without(/^downgraded\S+ \d+ IN (?:DS|RRSIG DS) /)(lines)),
  },
  ...Object.entries(ALGORITHMS).map(([label, algorithm]) =>
    simpleZone(label, { algorithm, denial: label === 'alg7' ? 'nsec3' : 'nsec' }),
  ),
  {
    apex: 'nsec.example.',
    // As zones were signed for long: one key for the keys, another for the data.
    keys: (['ksk', 'zsk'] as const).map((role) => createZoneKey('nsec.example.', 'ECDSAP256SHA256', role)),
    records: [
      ...rich('nsec.example.'),
      'alias.nsec.example. 300 IN CNAME www.nsec.example.',
      'twice.nsec.example. 300 IN CNAME alias.nsec.example.',
      'across.nsec.example. 300 IN CNAME www.nsec3.example.',
      'wide.nsec.example. 300 IN CNAME x.wild.nsec3.example.',
      'loose.nsec.example. 300 IN CNAME www.plain.example.',
      'broken.nsec.example. 300 IN CNAME www.expired.example.',
      'altered.nsec.example. 300 IN CNAME rdata.tampered.example.',
      'gone.nsec.example. 300 IN CNAME nothing.nsec3.example.',
      'empty.nsec.example. 300 IN CNAME deep.nsec3.example.',
      'old.nsec.example. 300 IN DNAME nsec3.example.',
      'oldplain.nsec.example. 300 IN DNAME plain.example.',
      'oldbroken.nsec.example. 300 IN DNAME expired.example.',
    ],
  },
  { apex: 'nsec3.example.', records: rich('nsec3.example.'), denial: 'nsec3' },
  {
    apex: 'salted.example.',
    records: rich('salted.example.'),
    denial: 'nsec3',
    iterations: 10,
    salt: 'AABBCCDD',
    signer: 'ldns',
  },
  {
    apex: 'optout.example.',
    records: rich('optout.example.'),
    denial: 'nsec3-optout',
    tamper: without(/^downgraded\S+ \d+ IN (?:DS|RRSIG DS) /),
  },
  ...['nsec', 'nsec3', 'salted', 'optout'].map((label) => simpleZone(`plain.${label}`, { isPlain: true })),
  simpleZone('signed.optout'),
  simpleZone('downgraded.optout', { tamper: without(/ IN (?:RRSIG|DNSKEY|NSEC) /) }),
  ...[50, 51, 200].map((iterations): TreeZone => {
    const apex = `rounds${iterations}.example.`;
    return { apex, records: rich(apex), denial: 'nsec3', iterations, signer: 'ldns' };
  }),
  {
    apex: 'plain.example.',
    records: [
      ...simple('plain.example.'),
      'up.plain.example. 300 IN CNAME www.nsec.example.',
      'broken.plain.example. 300 IN CNAME www.expired.example.',
    ],
    isPlain: true,
  },
  simpleZone('below.plain'),
  simpleZone('island', { ds: () => [] }),
  simpleZone('future', { ds: (own) => replacing(/ DS (\d+) 13 /, ' DS $1 200 ')(own) }),
  simpleZone('odd', { ds: (own) => replacing(/ 13 2 /, ' 13 200 ')(own) }),
  simpleZone('both', { ds: (own) => repeating(/ DS /, / DS (\d+) 13 /, ' DS $1 200 ')(own) }),
  simpleZone('sha1', { digests: ['SHA-1'] }),
  simpleZone('sha384', { digests: ['SHA-384'] }),
  simpleZone('weaker', {
    digests: ['SHA-1', 'SHA-256'],
    ds: (own) => replacing(/( 13 2 .*)\S{8}$/, '$100000000')(own),
  }),
  simpleZone('expired', OVER),
  simpleZone('below.expired'),
  simpleZone('early', NOT_YET),
  simpleZone('negative', OVER),
  simpleZone('wrongkey', { ds: () => [`wrongkey.example. 3600 IN ${FOREIGN_DS}`] }),
  simpleZone('wrongdigest', { ds: (own) => replacing(/\S{8}$/, '00000000')(own) }),
  simpleZone('keysig', { tamper: without(/ IN RRSIG DNSKEY /) }),
  simpleZone('stripped', { tamper: without(/ IN RRSIG /) }),
  simpleZone('keyless', { tamper: without(/ IN (?:DNSKEY|RRSIG DNSKEY) /) }),
  simpleZone('unsigned', { isPlain: true, ds: () => [`unsigned.example. 3600 IN ${FOREIGN_DS}`] }),
  simpleZone('downgraded', { tamper: without(/ IN (?:RRSIG|DNSKEY|NSEC) /) }),
  simpleZone('forged'),
  {
    apex: 'proofless.example.',
    records: rich('proofless.example.'),
    denial: 'nsec3',
    tamper: without(/ IN (?:NSEC3|RRSIG NSEC3) /),
  },
  {
    apex: 'nsecsig.example.',
    records: rich('nsecsig.example.'),
    tamper: replacing(/( IN RRSIG NSEC .*)\S{6}(==)?$/, '$1AAAAAA$2'),
  },
  createTampered(),
  simpleZone('spans'),
  {
    apex: 'turning.example.',
    records: [
      'turning.example. 3600 IN SOA ns.turning.example. hostmaster.turning.example. 1 7200 3600 1209600 300',
      'turning.example. 3600 IN NS ns.turning.example.',
      'ns.turning.example. 3600 IN A 192.0.2.53',
      'www.turning.example. 1 IN A 192.0.2.1',
    ],
  },
];

/** What is right, by subject: `VERDICT` of readVerdict() by question. */
const CASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'the top': {
    '. SOA': 'secure data',
    '. NS': 'secure data',
    '. DNSKEY': 'secure data',
    '. DS': 'secure no data',
    'nothing. A': 'secure name error',
    'example. DS': 'secure data',
    'example. DNSKEY': 'secure data',
    'www.example. A': 'secure data',
    'a.www.example. A': 'secure name error',
  },
  algorithms: Object.fromEntries(
    Object.keys(ALGORITHMS).flatMap((label) => {
      const worth = label === 'alg5' || label === 'alg7' ? 'insecure' : 'secure';
      return [
        [`www.${label}.example. A`, `${worth} data`],
        [`www.${label}.example. AAAA`, `${worth} no data`],
        [`nothing.${label}.example. A`, `${worth} name error`],
        [`${label}.example. DNSKEY`, `${worth} data`],
        [`${label}.example. DS`, 'secure data'],
      ];
    }),
  ),
  ...Object.fromEntries(
    ['nsec', 'nsec3', 'salted', 'rounds50'].map((label) => [
      `proofs of ${label}.example.`,
      {
        [`www.${label}.example. A`]: 'secure data',
        [`www.${label}.example. AAAA`]: 'secure no data',
        [`nothing.${label}.example. A`]: 'secure name error',
        [`a.b.nothing.${label}.example. A`]: 'secure name error',
        [`a.www.${label}.example. A`]: 'secure name error',
        [`deep.${label}.example. A`]: 'secure no data',
        [`ent.deep.${label}.example. A`]: 'secure no data',
        [`x.wild.${label}.example. A`]: 'secure data',
        [`x.y.wild.${label}.example. A`]: 'secure data',
        [`x.wild.${label}.example. AAAA`]: 'secure no data',
        [`*.wild.${label}.example. A`]: 'secure data',
        [`*.wild.${label}.example. AAAA`]: 'secure no data',
        [`known.wild.${label}.example. A`]: 'secure no data',
        [`x.away.${label}.example. A`]: 'secure data',
        [`${label}.example. SOA`]: 'secure data',
        [`${label}.example. NS`]: 'secure data',
        [`${label}.example. MX`]: 'secure no data',
        [`${label}.example. DNSKEY`]: 'secure data',
        [`${label}.example. DS`]: 'secure data',
      },
    ]),
  ),
  'opt-out': {
    'www.optout.example. A': 'secure data',
    'www.optout.example. AAAA': 'secure no data',
    'nothing.optout.example. A': 'insecure name error',
    'a.www.optout.example. A': 'insecure name error',
    'deep.optout.example. A': 'secure no data',
    'x.wild.optout.example. A': 'insecure data',
    'x.wild.optout.example. AAAA': 'insecure no data',
    '*.wild.optout.example. A': 'secure data',
    'known.wild.optout.example. A': 'secure no data',
    'x.away.optout.example. A': 'insecure data',
    'plain.optout.example. DS': 'insecure no data',
    'www.plain.optout.example. A': 'insecure data',
    'nothing.plain.optout.example. A': 'insecure name error',
    'signed.optout.example. DS': 'secure data',
    'www.signed.optout.example. A': 'secure data',
    'downgraded.optout.example. DS': 'bogus 12',
    'www.downgraded.optout.example. A': 'bogus 12',
  },
  'too many iterations': Object.fromEntries(
    ['rounds51', 'rounds200'].flatMap((label) => [
      [`www.${label}.example. A`, 'secure data'],
      [`www.${label}.example. AAAA`, 'insecure no data'],
      [`nothing.${label}.example. A`, 'insecure name error'],
      [`deep.${label}.example. A`, 'insecure no data'],
      [`x.wild.${label}.example. A`, 'insecure data'],
      [`x.wild.${label}.example. AAAA`, 'insecure no data'],
      [`${label}.example. DS`, 'secure data'],
      [`${label}.example. DNSKEY`, 'secure data'],
    ]),
  ),
  aliases: {
    'alias.nsec.example. A': 'secure data',
    'alias.nsec.example. CNAME': 'secure data',
    'alias.nsec.example. AAAA': 'secure no data',
    'twice.nsec.example. A': 'secure data',
    'across.nsec.example. A': 'secure data',
    'wide.nsec.example. A': 'secure data',
    'wide.nsec.example. AAAA': 'secure no data',
    'loose.nsec.example. A': 'insecure data',
    'loose.nsec.example. AAAA': 'insecure no data',
    'loose.nsec.example. CNAME': 'secure data',
    'gone.nsec.example. A': 'secure name error',
    'empty.nsec.example. A': 'secure no data',
    'broken.nsec.example. A': 'bogus 7',
    'broken.nsec.example. CNAME': 'secure data',
    'altered.nsec.example. A': 'bogus 6',
    'up.plain.example. A': 'insecure data',
    'broken.plain.example. A': 'bogus 7',
    'old.nsec.example. DNAME': 'secure data',
    'old.nsec.example. A': 'secure no data',
    'www.old.nsec.example. A': 'secure data',
    'x.wild.old.nsec.example. A': 'secure data',
    'nothing.old.nsec.example. A': 'secure name error',
    'www.oldplain.nsec.example. A': 'insecure data',
    'nothing.oldplain.nsec.example. A': 'insecure name error',
    'www.oldbroken.nsec.example. A': 'bogus 7',
  },
  'delegations without a chain': {
    'plain.example. DS': 'secure no data',
    'plain.example. DNSKEY': 'insecure no data',
    'plain.example. SOA': 'insecure data',
    'www.plain.example. A': 'insecure data',
    'www.plain.example. AAAA': 'insecure no data',
    'nothing.plain.example. A': 'insecure name error',
    'below.plain.example. DS': 'insecure data',
    'www.below.plain.example. A': 'insecure data',
    'plain.nsec.example. DS': 'secure no data',
    'www.plain.nsec.example. A': 'insecure data',
    'plain.nsec3.example. DS': 'secure no data',
    'www.plain.nsec3.example. A': 'insecure data',
    'plain.salted.example. DS': 'secure no data',
    'www.plain.salted.example. A': 'insecure data',
    'island.example. DS': 'secure no data',
    'www.island.example. A': 'insecure data',
    'nothing.island.example. A': 'insecure name error',
    'future.example. DS': 'secure data',
    'www.future.example. A': 'insecure data',
    'odd.example. DS': 'secure data',
    'www.odd.example. A': 'insecure data',
    'www.both.example. A': 'secure data',
    'www.sha1.example. A': 'secure data',
    'www.sha384.example. A': 'secure data',
    'www.weaker.example. A': 'bogus 9',
  },
  'a negative trust anchor': {
    'www.negative.example. A': 'insecure data',
    'nothing.negative.example. A': 'insecure name error',
    'negative.example. DNSKEY': 'insecure data',
    'negative.example. DS': 'secure data',
  },
  'zones that are bogus': {
    'www.expired.example. A': 'bogus 7',
    'nothing.expired.example. A': 'bogus 7',
    'expired.example. DNSKEY': 'bogus 7',
    'expired.example. DS': 'secure data',
    'www.below.expired.example. A': 'bogus 7',
    'below.expired.example. DS': 'bogus 7',
    'www.early.example. A': 'bogus 8',
    'www.wrongkey.example. A': 'bogus 9',
    'wrongkey.example. DS': 'secure data',
    'www.wrongdigest.example. A': 'bogus 9',
    'www.keysig.example. A': 'bogus 10',
    'www.stripped.example. A': 'bogus 10',
    'www.keyless.example. A': 'bogus 9',
    'www.unsigned.example. A': 'bogus 9',
    'nothing.unsigned.example. A': 'bogus 9',
    'unsigned.example. DS': 'secure data',
    'downgraded.example. DS': 'bogus 12',
    'www.downgraded.example. A': 'bogus 12',
    'forged.example. DS': 'bogus 6',
    'www.forged.example. A': 'bogus 6',
  },
  'proofs that are missing or wrong': {
    'www.proofless.example. A': 'secure data',
    'www.proofless.example. AAAA': 'bogus 12',
    'nothing.proofless.example. A': 'bogus 12',
    'deep.proofless.example. A': 'bogus 12',
    'x.wild.proofless.example. A': 'bogus 12',
    'x.wild.proofless.example. AAAA': 'bogus 12',
    'x.away.proofless.example. A': 'bogus 12',
    'www.nsecsig.example. A': 'secure data',
    'www.nsecsig.example. AAAA': 'bogus 6',
    'nothing.nsecsig.example. A': 'bogus 6',
    'x.wild.nsecsig.example. A': 'bogus 6',
    'hidden.tampered.example. A': 'bogus 12',
    'typed.tampered.example. A': 'secure data',
    'typed.tampered.example. TXT': 'bogus 12',
    'list.tampered.example. AAAA': 'bogus 6',
    'known.wild.tampered.example. A': 'bogus 12',
    'x.wild.tampered.example. A': 'secure data',
  },
  'data that were changed': {
    'www.tampered.example. A': 'secure data',
    'rdata.tampered.example. A': 'bogus 6',
    'signature.tampered.example. A': 'bogus 6',
    'bare.tampered.example. A': 'bogus 10',
    'signer.tampered.example. A': 'bogus 9',
    'aim.tampered.example. A': 'bogus 6',
    'late.tampered.example. A': 'bogus 7',
    'early.tampered.example. A': 'bogus 8',
    'foreign.tampered.example. A': 'bogus 9',
    'alias.tampered.example. A': 'bogus 6',
    'bald.tampered.example. A': 'bogus 10',
    'bald.tampered.example. CNAME': 'bogus 10',
    'www.old.tampered.example. A': 'bogus 6',
  },
};

/** What unbound says instead, and why that is not what is right. */
const DISAGREEMENTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'signatures with SHA-1 count for unbound; RFC 9905 section 2 calls such zones insecure': Object.fromEntries(
    ['alg5', 'alg7'].flatMap((label) => [
      [`www.${label}.example. A`, 'secure data'],
      [`www.${label}.example. AAAA`, 'secure no data'],
      [`nothing.${label}.example. A`, 'secure name error'],
      [`${label}.example. DNSKEY`, 'secure data'],
    ]),
  ),
  'unbound computes 150 iterations of NSEC3; RFC 9276 section 3.2 allows less, and BIND signs with 50 at most':
    {
      'www.rounds51.example. AAAA': 'secure no data',
      'nothing.rounds51.example. A': 'secure name error',
      'deep.rounds51.example. A': 'secure no data',
      'x.wild.rounds51.example. A': 'secure data',
      'x.wild.rounds51.example. AAAA': 'secure no data',
    },
  'a digest with SHA-1 counts for unbound beside a better one, unlike RFC 4509 section 3': {
    'www.weaker.example. A': 'secure data',
  },
  'unbound gives 6, bogus; 9 is for DS records that no key fits (RFC 8914 section 4.10)': {
    'www.wrongkey.example. A': 'bogus 6',
    'www.wrongdigest.example. A': 'bogus 6',
  },
  'unbound gives 6, bogus; 10 is for what is not signed, alias or not (RFC 8914 section 4.11)': {
    'bald.tampered.example. A': 'bogus 6',
    'bald.tampered.example. CNAME': 'bogus 6',
  },
  'unbound gives 6, bogus; 12 is for what no NSEC or NSEC3 covers (RFC 8914 section 4.13)': {
    'downgraded.example. DS': 'bogus 6',
    'www.downgraded.example. A': 'bogus 6',
    'downgraded.optout.example. DS': 'bogus 6',
    'www.downgraded.optout.example. A': 'bogus 6',
    'x.wild.proofless.example. A': 'bogus 6',
    'x.away.proofless.example. A': 'bogus 6',
    'hidden.tampered.example. A': 'bogus 6',
    'typed.tampered.example. TXT': 'bogus 6',
    'known.wild.tampered.example. A': 'bogus 6',
  },
};

const EXPECTED = new Map(Object.values(CASES).flatMap((cases) => Object.entries(cases)));
const UNBOUND_SAYS = new Map(Object.values(DISAGREEMENTS).flatMap((cases) => Object.entries(cases)));

let tree: ServedTree;
let cordon: Cordon;
/** Its upstreams' root fits no anchor that it has, until a test gives it others. */
let other: Cordon;
let unbound: Unbound;

const configure = (dnssec: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${tree.endpoint.port}"]
cache: { stale: { after: 200ms } }
lists: [{ id: tiktok, shipped: tiktok }]
dnssec: ${dnssec}
`;

beforeAll(async () => {
  if (!PROGRAMS.every(isInstalled)) return;
  tree = await serveTree(createZones());
  const negativeAnchors = ['negative.example.'];
  [unbound, cordon, other] = await Promise.all([
    startUnbound({ upstream: tree.endpoint, anchors: tree.anchors, negativeAnchors }),
    startCordon({
      config: configure('{ mode: validate, anchors: anchors.ds, negative-anchors: [negative.example] }'),
      files: { 'anchors.ds': tree.anchors },
    }),
    startCordon({ config: configure('{ mode: auto }'), files: { 'anchors.ds': tree.anchors } }),
  ]);
});

afterAll(async () => {
  await Promise.all([cordon?.stop(), other?.stop(), unbound?.stop()]);
  await tree?.stop();
});

beforeEach((context) => {
  for (const program of PROGRAMS) requireProgram(context, program);
});

/** What is proven of a name, whoever writes its hash in which letters; without the name servers of its zone. */
const proofOf = (authority: readonly string[]): string[] =>
  withoutTtl(authority)
    .filter((record) => !/ IN (?:NS|RRSIG NS) /.test(record))
    .map((record) => record.replace(/^[0-9A-V]{32}\./i, (hash) => hash.toLowerCase()))
    .sort();

const isBogus = (verdict: string): boolean => verdict.startsWith('bogus');

for (const [subject, cases] of Object.entries(CASES)) {
  describe(subject, () => {
    for (const [options, asked] of inTwo(Object.entries(cases), (_, index) => index % 4 === 0))
      test.for(asked)('%s: %s', options, async ([question, verdict]) => {
        const mine = await askForProof(cordon.dns, question);
        const theirs = await askForProof(unbound.endpoint, question);
        const says = { cordon: readVerdict(mine), unbound: readVerdict(theirs) };
        expect(says).toEqual({ cordon: verdict, unbound: UNBOUND_SAYS.get(question) ?? verdict });
        expect(mine.isSound).toBe(true);
        if (isBogus(verdict)) {
          expect(mine).toMatchObject({ answer: [], authority: [], additional: [] });
          expect(mine.ede?.text).toMatch(/^\S+ [A-Z\d]+: [a-z]/);
        } else if (!isBogus(says.unbound)) {
          expect(withoutTtl(mine.answer)).toEqual(withoutTtl(theirs.answer));
          expect(proofOf(mine.authority)).toEqual(proofOf(theirs.authority));
        }

        // CD: the data come, whatever they are worth.
        const direct = await askForProof(tree.endpoint, question, { flags: FLAG.RD | FLAG.CD });
        for (const server of [cordon.dns, unbound.endpoint]) {
          const unchecked = await askForProof(server, question, { flags: FLAG.RD | FLAG.CD });
          expect(unchecked.rcode).toBe(direct.rcode);
          expect(withoutTtl(unchecked.answer)).toEqual(withoutTtl(direct.answer));
        }

        // AD only for those who know it, and DNSSEC records only for those who asked for them (RFC 6840 section 5.8).
        for (const flags of [FLAG.RD, FLAG.RD | FLAG.AD]) {
          const plain = await ask(cordon.dns, question, { flags, transport: 'tcp' });
          const worth = flags === FLAG.RD ? verdict.replace(/^secure/, 'insecure') : verdict;
          expect(readVerdict(plain)).toBe(worth);
          expect(withoutTtl(plain.answer)).toEqual(withoutTtl(withoutProof(mine.answer)));
          expect(withoutProof(plain.authority)).toEqual(plain.authority);
          const without = await ask(cordon.dns, question, { flags, transport: 'tcp', edns: false });
          expect({ rcode: without.rcode, opt: without.opt }).toEqual({ rcode: mine.rcode, opt: undefined });
          expect(without.flags & FLAG.AD).toBe(worth.startsWith('secure') ? FLAG.AD : 0);
        }
      });
  });
}

test('every disagreement is one', () => {
  for (const [question, verdict] of UNBOUND_SAYS) {
    expect(EXPECTED.has(question), question).toBe(true);
    expect(verdict, question).not.toBe(EXPECTED.get(question));
  }
});

describe('DO, AD and CD', () => {
  test('an answer to DO has DO, and RRSIGs beside their RRsets', async () => {
    const reply = await askForProof(cordon.dns, 'www.nsec.example. A');
    expect(reply.flags & (FLAG.AD | FLAG.CD)).toBe(FLAG.AD);
    expect(reply.opt?.ttl).toBe(EDNS_DO);
    expect(reply.answer.map((record) => record.split(' ').slice(2, 5).join(' '))).toEqual([
      'IN A 192.0.2.1',
      'IN RRSIG A',
    ]);
  });

  test('CD comes back, and does not make bogus data a good answer for others', async () => {
    const question = 'www.stripped.example. TXT';
    for (let i = 0; i < 3; i++) {
      const unchecked = await askForProof(cordon.dns, question, { flags: FLAG.RD | FLAG.CD });
      expect(unchecked.flags & (FLAG.CD | FLAG.AD)).toBe(FLAG.CD);
      expect(unchecked).toMatchObject({ rcode: RCODE.NOERROR, ede: undefined });
      for (const edns of [{ ttl: EDNS_DO }, {}, false] as const) {
        const checked = await ask(cordon.dns, question, { edns });
        expect(checked).toMatchObject({ rcode: RCODE.SERVFAIL, answer: [], authority: [] });
      }
    }
  });

  test('an answer that is too long for UDP is cut to nothing, and not called secure', async () => {
    const whole = await askForProof(cordon.dns, 'alg10.example. DNSKEY');
    expect(whole.bytes.length).toBeGreaterThan(512);
    expect(readVerdict(whole)).toBe('secure data');
    const edns = { ttl: EDNS_DO, udpLength: 512 };
    const cut = await ask(cordon.dns, 'alg10.example. DNSKEY', { edns });
    expect(cut.flags & (FLAG.TC | FLAG.AD)).toBe(FLAG.TC);
    expect(cut.answer).toEqual([]);
  });
});

describe('a validator behind the program', () => {
  /** What delv of BIND says of an answer that it got from the program and validated itself. */
  const delv = async (context: TestContext, question: string): Promise<string> => {
    requireProgram(context, 'delv');
    const [, tag = '', algorithm = '', digestType = '', digest = ''] =
      / DS (\d+) (\d+) (\d+) (\S+)/.exec(tree.anchors) ?? [];
    const file = join(cordon.directory, 'delv.anchors');
    writeFileSync(file, `trust-anchors { . static-ds ${tag} ${algorithm} ${digestType} "${digest}"; };\n`);
    const { address, port } = cordon.dns;
    const { stdout, stderr } = await run('delv', [
      `@${address}`,
      '-p',
      String(port),
      '-a',
      file,
      '+root=.',
      ...question.split(' '),
    ]);
    return stdout + stderr;
  };

  test.for([
    'www.nsec.example. A',
    'www.alg8.example. A',
    'x.y.wild.nsec3.example. A',
    'wide.nsec.example. A',
    'www.old.nsec.example. A',
    'nothing.nsec.example. A',
    'nothing.salted.example. A',
    'deep.nsec3.example. A',
    'x.wild.nsec.example. AAAA',
  ])('finds %s secure', async (question, context) => {
    expect(await delv(context, question)).toMatch(/^; (?:negative response, )?fully validated$/m);
  });

  test('finds what is insecure unsigned, and what is bogus as well', async (context) => {
    expect(await delv(context, 'www.plain.example. A')).toContain('; unsigned answer');
    expect(await delv(context, 'rdata.tampered.example. A')).toContain('resolution failed');
  });
});

describe('what is kept', () => {
  test('a proof answers for other names that it covers, without a question to the upstream', async () => {
    const first = await askForProof(cordon.dns, 'one.spans.example. A');
    expect(readVerdict(first)).toBe('secure name error');
    expect(tree.questions()).toContain('one.spans.example. A');
    for (const question of ['other.spans.example. A', 'p.q.other.spans.example. TXT']) {
      const denied = await askForProof(cordon.dns, question);
      expect(readVerdict(denied)).toBe('secure name error');
      expect(denied.question).toBe(question);
      expect(withoutTtl(denied.authority)).toEqual(withoutTtl(first.authority));
      expect(tree.questions()).not.toContain(question);
    }
    // One that validates nothing has to ask, and with opt-out a name may be there all the same.
    await ask(other.dns, 'other.spans.example. A');
    expect(tree.questions()).toContain('other.spans.example. A');
    for (const question of ['one.optout.example. A', 'two.optout.example. A']) {
      await askForProof(cordon.dns, question);
      expect(tree.questions()).toContain(question);
    }
  });

  test('what is bogus is not covered up by an older answer, and is good again when it was repaired', {
    tags: 'night',
  }, async () => {
    const question = 'www.turning.example. A';
    const good = tree.lines('turning.example.');
    const withSerial = (serial: number): Change =>
      replacing(/( SOA ns\S+ hostmaster\S+) \d+ /, `$1 ${serial} `);
    expect(readVerdict(await askForProof(cordon.dns, question))).toBe('secure data');
    await tree.pausing(async () => {
      await delay(1100);
      // Nobody answers: the older answer is served.
      const stale = await askForProof(cordon.dns, question);
      expect(stale).toMatchObject({ rcode: RCODE.NOERROR, ede: { infoCode: EDE.STALE_ANSWER } });
    });
    const bad = replacing(/^(www\S+ \d+ IN A) .*/, '$1 192.0.2.66')(withSerial(2)(good));
    await tree.replace('turning.example.', bad);
    await expect
      .poll(async () => readVerdict(await askForProof(cordon.dns, question)), { timeout: REPAIR_MS_MAX })
      .toBe('bogus 6');
    await tree.replace('turning.example.', withSerial(3)(good));
    await expect
      .poll(async () => readVerdict(await askForProof(cordon.dns, question)), { timeout: REPAIR_MS_MAX })
      .toBe('secure data');
  });
});

test('metrics count what was found, and tell the mode', async () => {
  expect(await readMetric(cordon, 'cordon_dnssec_mode', { mode: 'validate' })).toBe(1);
  const count = (): Promise<number[]> =>
    Promise.all(
      ['secure', 'insecure', 'bogus'].map((result) =>
        readMetric(cordon, 'cordon_dnssec_validations_total', { result }),
      ),
    );
  const before = await count();
  for (const question of ['www.nsec.example. MX', 'www.plain.example. MX', 'www.plain.example. CAA'])
    await askForProof(cordon.dns, question);
  for (const label of ['expired', 'early', 'stripped'])
    await askForProof(cordon.dns, `www.${label}.example. MX`);
  // From the cache: nothing is validated.
  await askForProof(cordon.dns, 'www.nsec.example. MX');
  const after = await count();
  expect(after.map((value, index) => value - (before[index] ?? 0))).toEqual([1, 2, 3]);
});

test('a listed name is refused without signatures, whoever would validate', async () => {
  for (const flags of [FLAG.RD, FLAG.RD | FLAG.CD, FLAG.RD | FLAG.AD]) {
    const reply = await askForProof(cordon.dns, 'www.tiktok.com. A', { flags });
    expect(reply).toMatchObject({ rcode: RCODE.NXDOMAIN, answer: [], ede: { infoCode: EDE.BLOCKED } });
    expect(withoutProof(reply.authority)).toEqual(reply.authority);
    expect(reply.flags & FLAG.AD).toBe(0);
  }
});

test('what was validated is kept when the keys that the anchors name are seen for the first time', {
  tags: 'night',
}, async () => {
  const config = configure('{ mode: validate, anchors: anchors.ds }');
  const program = await startCordon({ config, files: { 'anchors.ds': tree.anchors } });
  const question = 'www.alg15.example. A';
  const count = (): number => tree.questions().filter((asked) => asked === question).length;
  expect(readVerdict(await askForProof(program.dns, question))).toBe('secure data');
  const before = count();
  await program.waitForLog(({ msg }) => msg === 'a key of a trust anchor has changed its state');
  // Changes are made one after the other: what would have followed from the keys is over when this one is.
  await reload(program, { 'cordon.yaml': config });
  expect(readVerdict(await askForProof(program.dns, question))).toBe('secure data');
  expect(count()).toBe(before);
  await program.stop();
});

describe('modes', () => {
  const SECURE = 'www.alg13.example. A';
  const BOGUS = 'rdata.tampered.example. A';

  const expectUnvalidated = async (program: Cordon): Promise<void> => {
    expect(await readMetric(program, 'cordon_dnssec_mode', { mode: 'off' })).toBe(1);
    for (const question of [SECURE, BOGUS]) {
      const reply = await askForProof(program.dns, question, { flags: FLAG.RD | FLAG.AD });
      expect(readVerdict(reply)).toBe('insecure data');
      // Who asks for signatures gets them, for a validator of their own.
      expect(withoutProof(reply.answer)).toHaveLength(1);
      expect(reply.answer).toHaveLength(2);
    }
  };

  test('auto stays off with upstreams whose root fits no anchor, and says so', async () => {
    const line = await other.waitForLog(({ msg }) => msg.includes('answers are not validated'));
    expect(line).toMatchObject({ level: 'warn', outcome: 'bogus' });
    await expectUnvalidated(other);
  });

  test('auto validates when the root fits, and off ends it', { tags: 'night' }, async () => {
    const program = await startCordon({
      config: configure('{ mode: auto, anchors: anchors.ds }'),
      files: { 'anchors.ds': tree.anchors },
    });
    await program.waitForLog(({ msg }) => msg === 'answers are validated');
    // Between the decision and its effect in the workers lies a moment.
    await expect.poll(async () => readVerdict(await askForProof(program.dns, BOGUS))).toBe('bogus 6');
    expect(readVerdict(await askForProof(program.dns, SECURE))).toBe('secure data');
    expect(await readMetric(program, 'cordon_dnssec_mode', { mode: 'validate' })).toBe(1);
    await reload(program, { 'cordon.yaml': configure('{ mode: off }') });
    await expectUnvalidated(program);
    // Back in `auto`, what was found out before holds at once.
    await reload(program, { 'cordon.yaml': configure('{ mode: auto, anchors: anchors.ds }') });
    expect(readVerdict(await askForProof(program.dns, BOGUS))).toBe('bogus 6');
    // With anchors that were never proven it is found out anew, and nothing is validated meanwhile: what was learned from
    // the anchors before (RFC 5011) does not stand in for them.
    await program.waitForLog(({ msg }) => msg === 'a key of a trust anchor has changed its state');
    const from = program.logs().length;
    const root = tree.anchors.replace(/[0-9A-F]{8}\s*$/im, '00000000\n');
    await reload(program, { 'anchors.ds': root });
    await program.waitForLog(({ msg }) => msg.includes('answers are not validated'), from);
    await expectUnvalidated(program);
    await program.stop();
  });

  test('auto validates from the first query after a restart, however often', async () => {
    const state = mkdtempSync(join(tmpdir(), 'cordon-dnssec-'));
    const config = `${configure('{ mode: auto, anchors: anchors.ds }')}\nstate: "${state}"\n`;
    const files = { 'anchors.ds': tree.anchors };
    try {
      const first = await startCordon({ config, files });
      await first.waitForLog(({ msg }) => msg === 'answers are validated');
      await expect.poll(async () => readVerdict(await askForProof(first.dns, BOGUS))).toBe('bogus 6');
      await first.stop();
      for (let restart = 0; restart < 2; restart++) {
        const again = await startCordon({ config, files });
        expect(readVerdict(await askForProof(again.dns, BOGUS)), `restart ${restart}`).toBe('bogus 6');
        expect(readVerdict(await askForProof(again.dns, SECURE))).toBe('secure data');
        await again.stop();
      }
    } finally {
      rmSync(state, { recursive: true, force: true });
    }
  });
});
