// Proofs of denial judged by what zones really hold: made-up zones by the thousand, the examples of RFC 4035 and
// RFC 5155 signed by dnssec-signzone, and the answers of BIND's named.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type DenialRecords,
  proveEmptyName,
  proveNameError,
  proveNoData,
  proveNoDs,
  proveUnsigned,
  proveWildcard,
} from '../../../src/resolver/dnssec/denial.ts';
import { NSEC3_ITERATIONS_COMPUTED_MAX, NSEC3_ITERATIONS_MAX } from '../../../src/resolver/dnssec/nsec3.ts';
import { type Rrset, readRrsets } from '../../../src/resolver/dnssec/rrset.ts';
import { Work } from '../../../src/resolver/dnssec/work.ts';
import { countLabels, formatName, nameFrom, RCODE, skipLabels, TYPE } from '../../../src/wire/dns/dns.ts';
import { ask, type Reply } from '../../support/client.ts';
import {
  closestEncloser,
  createNsec3Rrsets,
  createNsecRrsets,
  createRrset,
  type DenialZone,
  exists,
  hashText,
  lookUp,
  type Truth,
  typeOf,
  withoutUnsignedDelegations,
} from '../../support/denial-zone.ts';
import { runsInTwo } from '../../support/night.ts';
import { findProgram, requireProgram } from '../../support/process.ts';
import { findRrset, type SignedZone, signZone } from '../../support/signed-zone.ts';

/** Zones that each property is tried on. */
const ZONE_RUNS = 20;

const KINDS: Readonly<Record<string, readonly string[]>> = {
  host: ['A'],
  mail: ['A', 'MX', 'TYPE300'],
  alias: ['CNAME'],
  branch: ['DNAME'],
  unsigned: ['NS'],
  signed: ['NS', 'DS'],
};
const QTYPES = ['A', 'MX', 'TYPE300', 'NS', 'DS', 'CNAME', 'DNAME', 'SOA', 'AAAA', 'ANY'];
const LABELS = ['a', 'ab', 'b', '*', '\\000', '-', '\\255'];

const relativeName = fc.array(fc.constantFrom(...LABELS), { minLength: 1, maxLength: 4 });

/** A zone with all that the field knows: aliases, wildcards, delegations, DNAMEs and what lies above them. */
const zoneBelow = (apex: string): fc.Arbitrary<DenialZone> =>
  fc
    .array(fc.tuple(relativeName, fc.constantFrom(...Object.keys(KINDS))), { maxLength: 9 })
    .map((entries) => {
      const suffix = apex === '.' ? '.' : `.${apex}`;
      const names = new Map<string, readonly string[]>();
      for (const [labels, kind] of entries) {
        // What a wildcard delegates or redirects is not defined (RFC 4592 sections 4.2 and 4.4).
        const isPlain = labels[0] === '*' && ['branch', 'unsigned', 'signed'].includes(kind);
        names.set(`${labels.join('.')}${suffix}`, KINDS[isPlain ? 'host' : kind] ?? []);
      }
      const cuts = [...names].filter(([, types]) => types.includes('NS') || types.includes('DNAME'));
      for (const name of names.keys())
        if (cuts.some(([cut]) => name !== cut && name.endsWith(`.${cut}`))) names.delete(name);
      names.set(apex, ['SOA', 'NS', 'DNSKEY']);
      return { apex, names };
    });

const anyZone = fc.oneof(zoneBelow('example.'), zoneBelow('example.'), zoneBelow('.'));
const hashing = fc.record({
  iterations: fc.nat(3),
  salt: fc.constantFrom('-', 'ab', 'aabbccdd'),
});

/** Each question about names near to those of a zone. */
const questionsOf = (zone: DenialZone, more: readonly (readonly string[])[]): string[] => {
  const suffix = zone.apex === '.' ? '.' : `.${zone.apex}`;
  const asked = new Set([
    zone.apex,
    ...zone.names.keys(),
    ...more.map((labels) => labels.join('.') + suffix),
  ]);
  for (const name of zone.names.keys()) {
    asked.add(`x.${name === '.' ? '' : name}`);
    for (let above = name; above !== zone.apex; above = formatName(skipLabels(nameFrom(above), 1)))
      asked.add(above);
  }
  return [...asked];
};

const recordsOf = (apex: string, rrsets: readonly Rrset[]): DenialRecords => ({
  zone: nameFrom(apex),
  nsec: rrsets.filter((rrset) => rrset.type === TYPE.NSEC),
  nsec3: rrsets.filter((rrset) => rrset.type === TYPE.NSEC3),
});

/**
 * All verdicts on a name, the types in the order of QTYPES. Whether a wildcard below a delegation was expanded is not
 * asked: the zone has no signature for one.
 */
const judge = (zone: DenialZone, rrsets: readonly Rrset[], text: string) => {
  const records = recordsOf(zone.apex, rrsets);
  const name = nameFrom(text);
  const encloser = text === zone.apex ? text : closestEncloser(zone, text);
  return {
    nameError: proveNameError(records, name, new Work()),
    noData: QTYPES.map((qtype) => proveNoData(records, name, typeOf(qtype), new Work())),
    noDs: proveNoDs(records, name, new Work()),
    emptyName: proveEmptyName(records, name),
    unsigned: proveUnsigned(records, name, new Work()),
    wildcard:
      lookUp(zone, text, 'A') === 'elsewhere'
        ? 'unproven'
        : proveWildcard(records, name, nameFrom(encloser), new Work()),
  };
};

/** What a whole chain without opt-out has to prove. */
const expected = (zone: DenialZone, text: string, isHashed = false): ReturnType<typeof judge> => {
  const ofType = (qtype: string): Truth => lookUp(zone, text, qtype);
  const ds = ofType('DS');
  const types = zone.names.get(text) ?? [];
  const isDenied = ofType('A') !== 'elsewhere' && !exists(zone, text);
  const noDs = (): ReturnType<typeof proveNoDs> => {
    if (text === zone.apex || ds === 'elsewhere' || types.includes('DS')) return 'unproven';
    if (ds === 'name-error') return 'no-name';
    return types.includes('NS') ? 'insecure' : 'no-delegation';
  };
  return {
    nameError: ofType('A') === 'name-error' ? 'proven' : 'unproven',
    noData: QTYPES.map((qtype) => (ofType(qtype) === 'no-data' ? 'proven' : 'unproven')),
    noDs: noDs(),
    emptyName: !isHashed && isEmpty(zone, text) ? 'proven' : 'unproven',
    unsigned: isBelowUnsigned(zone, text) ? 'proven' : 'unproven',
    wildcard: isDenied ? 'proven' : 'unproven',
  };
};

/** True when the name exists only because of others below it, or the wildcard that stands for it does. */
const isEmpty = (zone: DenialZone, text: string): boolean => {
  if (lookUp(zone, text, 'A') === 'elsewhere') return false;
  const wildcard = `*.${closestEncloser(zone, text === zone.apex ? `x.${text}` : text)}`.replace(
    /\.\.$/,
    '.',
  );
  const name = exists(zone, text) ? text : wildcard;
  return exists(zone, name) && !zone.names.has(name);
};

/** True at and below a delegation without DS. */
const isBelowUnsigned = (zone: DenialZone, text: string): boolean =>
  [...zone.names].some(
    ([name, types]) =>
      name !== zone.apex &&
      types.includes('NS') &&
      !types.includes('DS') &&
      (text === name || text.endsWith(`.${name}`)),
  );

/** True when each verdict is the expected one, or none where there may be none. */
const isAtMost = (verdict: ReturnType<typeof judge>, whole: ReturnType<typeof judge>): boolean => {
  const flat = (v: ReturnType<typeof judge>) => [
    v.nameError,
    ...v.noData,
    v.noDs,
    v.emptyName,
    v.unsigned,
    v.wildcard,
  ];
  const wanted = flat(whole);
  return flat(verdict).every((value, index) => value === 'unproven' || value === wanted[index]);
};

for (const [options, runs] of runsInTwo(ZONE_RUNS))
  describe(`for any zone, ${runs} of them`, options, () => {
    test('its NSEC records prove what it holds, and nothing else', () => {
      fc.assert(
        fc.property(anyZone, fc.array(relativeName, { maxLength: 4 }), (zone, more) => {
          const rrsets = createNsecRrsets(zone);
          for (const name of questionsOf(zone, more))
            expect([name, judge(zone, rrsets, name)]).toEqual([name, expected(zone, name)]);
        }),
        { numRuns: runs },
      );
    });

    test('its NSEC3 records prove what it holds, and nothing else; never an empty name that is called none', () => {
      fc.assert(
        fc.property(anyZone, fc.array(relativeName, { maxLength: 4 }), hashing, (zone, more, options) => {
          const rrsets = createNsec3Rrsets(zone, options);
          for (const name of questionsOf(zone, more))
            expect([name, judge(zone, rrsets, name)]).toEqual([name, expected(zone, name, true)]);
        }),
        { numRuns: runs },
      );
    });

    test('some of its records prove no more than all of them', () => {
      fc.assert(
        fc.property(anyZone, fc.array(relativeName, { maxLength: 4 }), fc.nat(), (zone, more, pick) => {
          const random = createPicker(pick);
          for (const all of [createNsecRrsets(zone), createNsec3Rrsets(zone)]) {
            const some = all.filter(() => random());
            for (const name of questionsOf(zone, more))
              expect([name, isAtMost(judge(zone, some, name), expected(zone, name))]).toEqual([name, true]);
          }
        }),
        { numRuns: runs },
      );
    });

    test('opt-out spans prove no more than that a name may be an unsigned delegation', () => {
      fc.assert(
        fc.property(anyZone, fc.array(relativeName, { maxLength: 4 }), (zone, more) => {
          const rrsets = createNsec3Rrsets(zone, { isOptOut: true });
          const signed = withoutUnsignedDelegations(zone);
          for (const name of questionsOf(zone, more)) {
            const verdict = judge(signed, rrsets, name);
            const isSpanned = lookUp(signed, name, 'A') !== 'elsewhere' && !exists(signed, name);
            const whole = expected(signed, name, true);
            if (!isSpanned) {
              expect([name, verdict]).toEqual([name, whole]);
              continue;
            }
            expect([name, verdict.nameError]).toEqual([
              name,
              whole.nameError === 'proven' ? 'opt-out' : 'unproven',
            ]);
            expect([name, verdict.noDs, verdict.wildcard]).toEqual([name, 'insecure', 'opt-out']);
            expect([name, verdict.emptyName, verdict.unsigned]).toEqual([name, 'unproven', 'unproven']);
            for (const [index, qtype] of QTYPES.entries())
              expect([name, qtype, verdict.noData[index]]).toEqual([
                name,
                qtype,
                lookUp(signed, name, qtype) === 'expanded' ? 'unproven' : 'opt-out',
              ]);
          }
        }),
        { numRuns: runs },
      );
    });
  });

/** Yes or no in an order that the seed determines. */
const createPicker = (seed: number): (() => boolean) => {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state > 0x6000_0000;
  };
};

/** A zone built like that of RFC 4035 appendix A. */
const RFC4035_RECORDS = [
  'a.example. 3600 IN NS ns1.a.example.',
  `a.example. 3600 IN DS 57855 5 1 ${'b6'.repeat(20)}`,
  'ns1.a.example. 3600 IN A 192.0.2.5',
  'ai.example. 3600 IN A 192.0.2.9',
  'ai.example. 3600 IN AAAA 2001:db8::f00:baa9',
  'b.example. 3600 IN NS ns1.b.example.',
  'ns1.b.example. 3600 IN A 192.0.2.7',
  'ns1.example. 3600 IN A 192.0.2.1',
  'ns2.example. 3600 IN A 192.0.2.2',
  '*.w.example. 3600 IN MX 1 ai.example.',
  'x.w.example. 3600 IN MX 1 xx.example.',
  'x.y.w.example. 3600 IN MX 1 xx.example.',
  'xx.example. 3600 IN A 192.0.2.10',
];
/** What RFC 5155 appendix A has instead of the delegation b. */
const RFC5155_RECORDS = [
  ...RFC4035_RECORDS.filter((record) => !record.includes('b.example.')),
  'c.example. 3600 IN NS ns1.c.example.',
  'ns1.c.example. 3600 IN A 192.0.2.8',
];

type Verdict = (records: DenialRecords) => string;

/**
 * Checks a sound proof, and that it falls with each of its records. One that an opt-out span holds up falls with the
 * span and the encloser: whatever the wildcard has, an unsigned delegation may be there.
 */
const expectProof = (apex: string, rrsets: readonly Rrset[], verdict: Verdict, proof: string): void => {
  expect(verdict(recordsOf(apex, rrsets))).toBe(proof);
  if (proof === 'unproven') return;
  const left = rrsets.map((rrset) =>
    verdict(
      recordsOf(
        apex,
        rrsets.filter((other) => other !== rrset),
      ),
    ),
  );
  if (proof !== 'opt-out') expect(left).toEqual(rrsets.map(() => 'unproven'));
  else expect(left.filter((other) => other === 'unproven').length).toBeGreaterThanOrEqual(1);
};

const nameError =
  (qname: string): Verdict =>
  (records) =>
    proveNameError(records, nameFrom(qname), new Work());
const noData =
  (qname: string, qtype: string): Verdict =>
  (records) =>
    proveNoData(records, nameFrom(qname), typeOf(qtype), new Work());
const noDs =
  (name: string): Verdict =>
  (records) =>
    proveNoDs(records, nameFrom(name), new Work());
const emptyName =
  (qname: string): Verdict =>
  (records) =>
    proveEmptyName(records, nameFrom(qname));
const unsigned =
  (qname: string): Verdict =>
  (records) =>
    proveUnsigned(records, nameFrom(qname), new Work());
const wildcard =
  (qname: string, encloser: string): Verdict =>
  (records) =>
    proveWildcard(records, nameFrom(qname), nameFrom(encloser), new Work());

describe('the examples of RFC 4035 appendix B', () => {
  let zone: SignedZone;
  beforeAll(() => {
    if (findProgram('dnssec-signzone') !== undefined)
      zone = signZone({ apex: 'example.', records: RFC4035_RECORDS });
  });

  test.for<[string, string[], Verdict, string]>([
    ['B.2 name error', ['b.example.', 'example.'], nameError('ml.example.'), 'proven'],
    ['B.3 no data', ['ns1.example.'], noData('ns1.example.', 'MX'), 'proven'],
    ['B.5 referral to an unsigned zone', ['b.example.'], noDs('b.example.'), 'insecure'],
    ['B.6 wildcard expansion', ['x.y.w.example.'], wildcard('a.z.w.example.', 'w.example.'), 'proven'],
    ['B.7 wildcard no data', ['x.y.w.example.', '*.w.example.'], noData('a.z.w.example.', 'AAAA'), 'proven'],
    ['B.8 DS from the child', ['example.'], noData('example.', 'DS'), 'unproven'],
    ['B.8 DS from the child', ['example.'], noDs('example.'), 'unproven'],
    ['an empty non-terminal', ['ns2.example.'], noData('w.example.', 'A'), 'proven'],
    ['an empty non-terminal', ['ns2.example.'], noDs('w.example.'), 'no-delegation'],
    ['NXDOMAIN for an empty non-terminal', ['ns2.example.', 'example.'], nameError('w.example.'), 'unproven'],
    ['the other wildcard', ['x.y.w.example.'], wildcard('a.z.w.example.', 'example.'), 'unproven'],
    [
      'a wildcard for a name that exists',
      ['x.w.example.'],
      wildcard('x.w.example.', 'w.example.'),
      'unproven',
    ],
    ['an empty non-terminal that is called none', ['ns2.example.'], emptyName('w.example.'), 'proven'],
    ['a name with data that is called none', ['ns1.example.'], emptyName('ns1.example.'), 'unproven'],
    ['a wildcard with data', ['x.y.w.example.', '*.w.example.'], emptyName('a.z.w.example.'), 'unproven'],
    ['at an unsigned delegation', ['b.example.'], unsigned('b.example.'), 'proven'],
    ['below an unsigned delegation', ['b.example.'], unsigned('x.y.b.example.'), 'proven'],
    ['at a signed delegation', ['a.example.', 'b.example.'], unsigned('a.example.'), 'unproven'],
    ['below a signed delegation', ['a.example.', 'b.example.'], unsigned('x.a.example.'), 'unproven'],
    ['beside an unsigned delegation', ['b.example.'], unsigned('bb.example.'), 'unproven'],
    ['above an unsigned delegation', ['b.example.', 'example.'], unsigned('example.'), 'unproven'],
    ['the last name of the zone', ['xx.example.', 'example.'], nameError('zz.example.'), 'proven'],
    ['below an unsigned delegation', ['b.example.', 'example.'], nameError('x.b.example.'), 'unproven'],
    ['below a signed delegation', ['a.example.', 'example.'], noData('x.a.example.', 'A'), 'unproven'],
    ['at a delegation', ['b.example.'], noData('b.example.', 'A'), 'unproven'],
    ['DS that is there', ['a.example.'], noDs('a.example.'), 'unproven'],
    ['outside the zone', ['xx.example.', 'example.'], nameError('example.net.'), 'unproven'],
    ['capital letters', ['b.example.', 'example.'], nameError('ML.eXample.'), 'proven'],
  ])('%s', ([, owners, verdict, proof], context) => {
    requireProgram(context, 'dnssec-signzone');
    const rrsets = owners.map((owner) => findRrset(zone.records, owner, 'NSEC'));
    expectProof('example.', rrsets, verdict, proof);
  });
});

describe.each<[string, 'nsec3' | 'nsec3-optout']>([
  ['without opt-out', 'nsec3'],
  ['with opt-out', 'nsec3-optout'],
])('the examples of RFC 5155 appendix B, %s', (_title, denial) => {
  const isOptOut = denial === 'nsec3-optout';
  const spanned = isOptOut ? 'opt-out' : 'proven';
  let zone: SignedZone;
  beforeAll(() => {
    if (findProgram('dnssec-signzone') !== undefined)
      zone = signZone({
        apex: 'example.',
        records: RFC5155_RECORDS,
        denial,
        iterations: 12,
        salt: 'aabbccdd',
      });
  });
  /** The record that has the hash of a name, or that covers it. */
  const recordOf = (name: string): Rrset => {
    const hash = hashText(name, 12, 'aabbccdd');
    const hashes = zone.records
      .filter((record) => record.type === TYPE.NSEC3)
      .map((record) => formatName(record.owner).slice(0, 32).toLowerCase())
      .sort();
    const owner = hashes.findLast((other) => other <= hash) ?? hashes.at(-1);
    return findRrset(zone.records, `${owner}.example.`, 'NSEC3');
  };

  test.for<[string, string[], Verdict, string]>([
    [
      'B.1 name error',
      ['x.w.example.', 'c.x.w.example.', '*.x.w.example.'],
      nameError('a.c.x.w.example.'),
      spanned,
    ],
    ['B.2 no data', ['ns1.example.'], noData('ns1.example.', 'MX'), 'proven'],
    ['B.2.1 empty non-terminal', ['y.w.example.'], noData('y.w.example.', 'A'), 'proven'],
    ['B.2.1 empty non-terminal', ['y.w.example.'], noDs('y.w.example.'), 'no-delegation'],
    [
      'B.3 unsigned delegation',
      isOptOut ? ['example.', 'c.example.'] : ['c.example.'],
      noDs('c.example.'),
      'insecure',
    ],
    ['B.4 wildcard expansion', ['z.w.example.'], wildcard('a.z.w.example.', 'w.example.'), spanned],
    [
      'B.5 wildcard no data',
      ['w.example.', 'z.w.example.', '*.w.example.'],
      noData('a.z.w.example.', 'AAAA'),
      spanned,
    ],
    ['B.6 DS from the child', ['example.'], noData('example.', 'DS'), 'unproven'],
    ['B.6 DS from the child', ['example.'], noDs('example.'), 'unproven'],
    ['an empty non-terminal that is called none', ['y.w.example.'], emptyName('y.w.example.'), 'unproven'],
    [
      'below an unsigned delegation',
      ['c.example.'],
      unsigned('x.c.example.'),
      // Where opt-out leaves it out, its own record is not there.
      isOptOut ? 'unproven' : 'proven',
    ],
    ['at a signed delegation', ['a.example.'], unsigned('a.example.'), 'unproven'],
    ['below a signed delegation', ['a.example.'], unsigned('x.a.example.'), 'unproven'],
    ['a type that is there', ['ns1.example.'], noData('ns1.example.', 'A'), 'unproven'],
    [
      'below a signed delegation',
      ['a.example.', 'x.a.example.', '*.a.example.'],
      nameError('x.a.example.'),
      'unproven',
    ],
  ])('%s', ([, names, verdict, proof], context) => {
    requireProgram(context, 'dnssec-signzone');
    expectProof('example.', [...new Set(names.map(recordOf))], verdict, proof);
  });
});

describe('what named answers', () => {
  const apexes = ['nsec.example.', 'nsec3.example.', 'opt-out.example.'] as const;
  let named:
    | { readonly port: number; readonly process: ChildProcess; readonly directory: string }
    | undefined;
  beforeAll(async () => {
    if (findProgram('named') === undefined || findProgram('dnssec-signzone') === undefined) return;
    named = await startNamed(
      apexes.map((apex, index) =>
        signZone({
          apex,
          records: RFC4035_RECORDS.map((record) => record.replaceAll('example.', apex)),
          denial: (['nsec', 'nsec3', 'nsec3-optout'] as const)[index] ?? 'nsec',
          iterations: index === 0 ? 0 : 5,
          salt: index === 0 ? '-' : 'c0ffee',
        }),
      ),
    );
  });
  afterAll(async () => {
    if (named === undefined) return;
    named.process.kill('SIGKILL');
    if (named.process.exitCode === null && named.process.signalCode === null)
      await once(named.process, 'exit');
    rmSync(named.directory, { recursive: true, force: true });
  });

  test.for(apexes)('is proven in %s', async (apex, context) => {
    requireProgram(context, 'named');
    assert.ok(named !== undefined);
    const spanned = apex === 'opt-out.example.' ? 'opt-out' : 'proven';
    const questions: [string, string, number, string][] = [
      ['ml', 'A', RCODE.NXDOMAIN, spanned],
      ['zz', 'A', RCODE.NXDOMAIN, spanned],
      ['deep.er.and.deeper', 'DS', RCODE.NXDOMAIN, spanned],
      ['below.ns1', 'TXT', RCODE.NXDOMAIN, spanned],
      ['\\255.\\000', 'A', RCODE.NXDOMAIN, spanned],
      ['ns1', 'MX', RCODE.NOERROR, 'proven'],
      ['ns1', 'DS', RCODE.NOERROR, 'proven'],
      ['w', 'A', RCODE.NOERROR, 'proven'],
      ['y.w', 'MX', RCODE.NOERROR, 'proven'],
      ['a.z.w', 'AAAA', RCODE.NOERROR, spanned],
      ['*.w', 'A', RCODE.NOERROR, 'proven'],
      ['b', 'DS', RCODE.NOERROR, spanned],
    ];
    for (const [label, qtype, rcode, proof] of questions) {
      const qname = `${label}.${apex}`;
      const { reply, rrsets } = await askDenial(named.port, qname, qtype);
      expect([qname, qtype, reply.rcode]).toEqual([qname, qtype, rcode]);
      const verdict = rcode === RCODE.NXDOMAIN ? nameError(qname) : noData(qname, qtype);
      expectProof(apex, rrsets, verdict, proof);
      const otherVerdict = rcode === RCODE.NXDOMAIN ? noData(qname, qtype) : nameError(qname);
      expect([qname, otherVerdict(recordsOf(apex, rrsets))]).toEqual([
        qname,
        rcode === RCODE.NXDOMAIN && spanned === 'opt-out' ? 'opt-out' : 'unproven',
      ]);
    }
  });

  test.for(apexes)('for wildcards is proven in %s', async (apex, context) => {
    requireProgram(context, 'named');
    assert.ok(named !== undefined);
    const qname = `a.z.w.${apex}`;
    const { reply, rrsets } = await askDenial(named.port, qname, 'MX');
    expect(reply.answer[0]).toContain(' MX ');
    const spanned = apex === 'opt-out.example.' ? 'opt-out' : 'proven';
    expectProof(apex, rrsets, wildcard(qname, `w.${apex}`), spanned);
    expectProof(apex, rrsets, wildcard(qname, apex), 'unproven');
  });
});

const askDenial = async (
  port: number,
  qname: string,
  qtype: string,
): Promise<{ readonly reply: Reply; readonly rrsets: Rrset[] }> => {
  const reply = await ask({ address: '127.0.0.1', port }, `${qname} ${qtype}`, { edns: { ttl: 0x8000 } });
  const rrsets = readRrsets(reply.bytes) ?? [];
  return { reply, rrsets: rrsets.filter(({ type }) => type === TYPE.NSEC || type === TYPE.NSEC3) };
};

const startNamed = async (zones: readonly SignedZone[]) => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-denial-'));
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  const clauses = zones.map(({ apex, text }) => {
    writeFileSync(join(directory, `${apex}zone`), text);
    return `zone "${apex}" { type primary; file "${apex}zone"; };`;
  });
  writeFileSync(
    join(directory, 'named.conf'),
    `options { directory "${directory}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; pid-file none; session-keyfile none; dnssec-validation no; notify no; };
controls { };
${clauses.join('\n')}
`,
  );
  const child = spawn(findProgram('named') ?? '', ['-g', '-n', '1', '-c', join(directory, 'named.conf')], {
    cwd: directory,
    stdio: 'ignore',
  });
  const deadline = Date.now() + 50_000;
  for (;;) {
    const reply = await Promise.race([
      ask({ address: '127.0.0.1', port }, `${zones[0]?.apex} SOA`).catch(() => undefined),
      delay(300, undefined),
    ]);
    if (reply?.answer.length === 1) return { port, process: child, directory };
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error('named did not start');
    }
    await delay(50);
  }
};

describe('bounds', () => {
  const zone: DenialZone = {
    apex: 'example.',
    names: new Map([
      ['example.', ['SOA', 'NS', 'DNSKEY']],
      ['a.example.', ['A']],
      ['deep.b.c.d.e.f.g.example.', ['A']],
    ]),
  };
  const prove = (rrsets: readonly Rrset[], work = new Work()) =>
    proveNameError(recordsOf('example.', rrsets), nameFrom('nothing.example.'), work);

  const judge = (rrsets: readonly Rrset[], zoneRecords = recordsOf('example.', rrsets)) => ({
    nothing: prove(rrsets),
    noMail: proveNoData(zoneRecords, nameFrom('a.example.'), TYPE.MX, new Work()),
    noAddress: proveNoData(zoneRecords, nameFrom('a.example.'), TYPE.A, new Work()),
    noDs: proveNoDs(zoneRecords, nameFrom('a.example.'), new Work()),
    expanded: proveWildcard(zoneRecords, nameFrom('x.example.'), nameFrom('example.'), new Work()),
  });
  const PROVEN = { nothing: 'proven', noMail: 'proven', expanded: 'proven' } as const;
  const SHOWN = { noAddress: 'unproven', noDs: 'no-delegation' } as const;

  test('a proof of more iterations than count is a whole proof, and makes nothing secure', () => {
    expect(judge(createNsec3Rrsets(zone, { iterations: NSEC3_ITERATIONS_MAX }))).toEqual({
      ...PROVEN,
      ...SHOWN,
    });
    for (const iterations of [NSEC3_ITERATIONS_MAX + 1, NSEC3_ITERATIONS_COMPUTED_MAX]) {
      const above = createNsec3Rrsets(zone, { iterations });
      const unsupported = Object.fromEntries(Object.keys(PROVEN).map((key) => [key, 'unsupported']));
      expect(judge(above)).toEqual({ ...unsupported, ...SHOWN });
      expect(judge(above.slice(0, 1)).nothing).toBe('unproven');
    }
  });

  test('what is not computed makes a zone insecure where nothing else is there', () => {
    const beyond = createNsec3Rrsets(zone, { iterations: NSEC3_ITERATIONS_COMPUTED_MAX + 1 });
    expect(new Set(Object.values(judge(beyond)))).toEqual(new Set(['unsupported']));
    for (const beside of [createNsec3Rrsets(zone), createNsecRrsets(zone)])
      for (const one of beside) expect(Object.values(judge([...beyond, one]))).not.toContain('unsupported');
    const records = { ...recordsOf('example.', beyond), verify: () => undefined };
    expect(proveNoDs(records, nameFrom('a.example.'), new Work())).toBe('unproven');
  });

  test('records of other parameters take every proof away, wherever they stand', () => {
    const whole = createNsec3Rrsets(zone);
    for (const iterations of [1, 50, 51, 150, 151, 500])
      for (const [one] of [
        createNsec3Rrsets(zone, { iterations }),
        createNsec3Rrsets(zone, { iterations, salt: 'aa' }),
      ]) {
        assert.ok(one !== undefined);
        for (const mixed of [
          [...whole, one],
          [one, ...whole],
        ])
          expect(new Set(Object.values(judge(mixed)))).toEqual(new Set(['unproven']));
      }
  });

  test('no hash is computed beyond the work of the question', () => {
    const rrsets = createNsec3Rrsets(zone);
    expect(prove(rrsets, new Work({ nsec3Hashes: 1 }))).toBe('exceeded');
    const records = recordsOf('example.', rrsets);
    const none = new Work({ nsec3Hashes: 0 });
    expect(proveNoData(records, nameFrom('a.example.'), TYPE.MX, none)).toBe('exceeded');
    expect(proveNoDs(records, nameFrom('a.example.'), none)).toBe('exceeded');
    expect(proveWildcard(records, nameFrom('x.example.'), nameFrom('example.'), none)).toBe('exceeded');
    expect(proveUnsigned(records, nameFrom('a.example.'), none)).toBe('exceeded');
    expect(none.exceeded).toBe('nsec3Hashes');
  });

  test('a long made-up name costs a hash a label, within the rounds that a question may take', () => {
    const long = nameFrom(`${'x.'.repeat(60)}example.`);
    const plain = recordsOf('example.', createNsec3Rrsets(zone));
    expect(proveNameError(plain, long, new Work())).toBe('proven');
    expect(proveNameError(plain, long, new Work({ nsec3Hashes: 61 }))).toBe('exceeded');
    const iterated = recordsOf('example.', createNsec3Rrsets(zone, { iterations: 50 }));
    const short = nameFrom(`${'x.'.repeat(20)}example.`);
    expect(proveNameError(iterated, short, new Work())).toBe('proven');
    expect(proveNameError(iterated, long, new Work())).toBe('exceeded');
  });

  test('looking for an unsigned delegation costs one hash for a name of which nothing is there', () => {
    const records = recordsOf('example.', createNsec3Rrsets(zone));
    const long = nameFrom(`${'x.'.repeat(120)}example.`);
    expect(proveUnsigned(records, long, new Work({ nsec3Hashes: 1 }))).toBe('unproven');
  });

  test('a record of the child, of the parent, or of a wildcard shows no unsigned delegation', () => {
    const judge = (text: string, signer: string): string =>
      proveUnsigned(recordsOf('example.', [createRrset(text, signer)]), nameFrom('w.a.example.'), new Work());
    expect(judge('a.example. 300 IN NSEC b.example. NS RRSIG NSEC', 'example.')).toBe('proven');
    expect(judge('a.example. 300 IN NSEC b.example. NS SOA RRSIG NSEC', 'example.')).toBe('unproven');
    expect(judge('a.example. 300 IN NSEC b.example. NS DS RRSIG NSEC', 'example.')).toBe('unproven');
    expect(judge('a.example. 300 IN NSEC b.example. A RRSIG NSEC', 'example.')).toBe('unproven');
    expect(judge('a.example. 300 IN NSEC b.example. NS RRSIG NSEC', 'a.example.')).toBe('unproven');
    expect(judge('example. 300 IN NSEC example. NS RRSIG NSEC', 'example.')).toBe('unproven');
    const expanded = createRrset('a.example. 300 IN NSEC b.example. NS RRSIG NSEC', 'example.');
    const [signature] = expanded.signatures;
    assert.ok(signature !== undefined);
    const ofWildcard = { ...expanded, signatures: [{ ...signature, labels: 1 }] };
    const records = recordsOf('example.', [ofWildcard]);
    expect(proveUnsigned(records, nameFrom('w.a.example.'), new Work())).toBe('unproven');
  });

  test('the first delegation from the apex down decides', () => {
    const records = recordsOf('example.', [
      createRrset('a.example. 300 IN NSEC b.example. NS DS RRSIG NSEC', 'example.'),
      createRrset('c.a.example. 300 IN NSEC b.example. NS RRSIG NSEC', 'example.'),
    ]);
    expect(proveUnsigned(records, nameFrom('w.c.a.example.'), new Work())).toBe('unproven');
  });

  test('records of different salts are not put together', () => {
    const one = createNsec3Rrsets(zone, { salt: 'aa' });
    const other = createNsec3Rrsets(zone, { salt: 'bb' });
    const halves = [
      ...one.filter((rrset) => formatName(rrset.owner).startsWith(hashText('example.', 0, 'aa'))),
      ...other.filter((rrset) => !formatName(rrset.owner).startsWith(hashText('example.', 0, 'bb'))),
    ];
    expect(prove(halves)).toBe('unproven');
    expect(prove([...halves, ...other])).toBe('unproven');
    expect(prove(other)).toBe('proven');
  });

  test('NSEC and NSEC3 are not put together', () => {
    const nsec = createNsecRrsets(zone).filter((rrset) => countLabels(rrset.owner) > 1);
    expect(prove(nsec)).toBe('unproven');
    const encloser = createNsec3Rrsets(zone).filter((rrset) =>
      formatName(rrset.owner).startsWith(hashText('example.', 0, '-')),
    );
    expect(prove([...nsec, ...encloser])).toBe('unproven');
  });

  test('records that the parent signed prove nothing in the zone', () => {
    const ofParent = createRrset('example. 300 IN NSEC example. NS SOA RRSIG NSEC', '.');
    expect(prove([ofParent])).toBe('unproven');
    expect(prove([createRrset('example. 300 IN NSEC example. NS SOA RRSIG NSEC', 'example.')])).toBe(
      'proven',
    );
  });

  test('nothing is proven about the DS of the apex, whatever types its record has', () => {
    const apex = createRrset('example. 300 IN NSEC example. NS RRSIG NSEC', 'example.');
    expect(proveNoDs(recordsOf('example.', [apex]), nameFrom('example.'), new Work())).toBe('unproven');
  });

  test('no more records are read than an answer can need', () => {
    const junk = Array.from({ length: 5000 }, (_, index) =>
      createRrset(`a${index}.example. 300 IN NSEC a${index}x.example. A RRSIG NSEC`, 'example.'),
    );
    expect(prove([...junk, ...createNsecRrsets(zone)])).toBe('unproven');
    expect(prove([...createNsecRrsets(zone), ...junk])).toBe('proven');
  });
});
