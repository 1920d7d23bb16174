// The cache of proofs: what it answers has to be true of the zone, whole, no older than it may be, and bounded.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AggressiveCache } from '../../../src/resolver/dnssec/aggressive.ts';
import { type DenialRecords, proveNameError, proveNoData } from '../../../src/resolver/dnssec/denial.ts';
import { NSEC3_ITERATIONS_MAX } from '../../../src/resolver/dnssec/nsec3.ts';
import { type Rrset, readRrsets } from '../../../src/resolver/dnssec/rrset.ts';
import { Work } from '../../../src/resolver/dnssec/work.ts';
import { CLASS, FLAG, nameFrom, RCODE, TYPE } from '../../../src/wire/dns/dns.ts';
import {
  createNsec3Rrsets,
  createNsecRrsets,
  createRrset,
  createSoaRrset,
  type DenialZone,
  hashText,
  lookUp,
  SIGNATURES_END_SEC,
  typeOf,
} from '../../support/denial-zone.ts';
import { requireProgram } from '../../support/process.ts';
import { parseMessage } from '../../support/records.ts';
import { findRrset, signZone } from '../../support/signed-zone.ts';

const VIEW = 0;
const NOW_MS = 1_800_000_000_000;
const EXAMPLE = nameFrom('example.');

const ZONE: DenialZone = {
  apex: 'example.',
  names: new Map([
    ['example.', ['SOA', 'NS', 'DNSKEY']],
    ['a.example.', ['A']],
    ['deep.ent.example.', ['A']],
    ['signed.example.', ['NS', 'DS']],
    ['unsigned.example.', ['NS']],
    ['*.wild.example.', ['MX']],
    ['z.example.', ['A']],
  ]),
};

const createCache = (entriesMax?: number): AggressiveCache =>
  new AggressiveCache({ clock: () => NOW_MS, ...(entriesMax === undefined ? {} : { entriesMax }) });

const fill = (cache: AggressiveCache, zone: DenialZone, rrsets: readonly Rrset[], view = VIEW): void =>
  cache.add(view, nameFrom(zone.apex), rrsets, createSoaRrset(zone.apex), NOW_MS);

/** The whole zone in a cache. */
const cacheOf = (rrsets: readonly Rrset[]): AggressiveCache => {
  const cache = createCache();
  fill(cache, ZONE, rrsets);
  return cache;
};

/** What a cache answers: RCODE and whether there is anything. */
const ask = (cache: AggressiveCache, question: string, nowMs = NOW_MS, view = VIEW) => {
  const [name = '', type = ''] = question.split(' ');
  const message = cache.find(view, { name: nameFrom(name), type: typeOf(type), class: CLASS.IN }, nowMs);
  if (message === undefined) return undefined;
  const parsed = parseMessage(message);
  expect(parsed.isSound).toBe(true);
  return { ...parsed, rcode: parsed.flags & 0xf, bytes: message };
};

const rcodeOf = (cache: AggressiveCache, question: string, nowMs = NOW_MS, view = VIEW) =>
  ask(cache, question, nowMs, view)?.rcode;

const chains: [string, () => Rrset[]][] = [
  ['NSEC', () => createNsecRrsets(ZONE)],
  ['NSEC3', () => createNsec3Rrsets(ZONE, { iterations: 2, salt: 'ab' })],
];

describe.each(chains)('with the %s records of a zone', (kind, create) => {
  test.each<[string, number | undefined]>([
    ['nothing.example. A', RCODE.NXDOMAIN],
    ['nothing.at.all.example. DS', RCODE.NXDOMAIN],
    ['NoThing.exAmple. TYPE4711', RCODE.NXDOMAIN],
    ['below.a.example. A', RCODE.NXDOMAIN],
    ['a.example. MX', RCODE.NOERROR],
    ['a.example. DS', RCODE.NOERROR],
    ['ent.example. A', RCODE.NOERROR],
    ['x.wild.example. A', RCODE.NOERROR],
    ['unsigned.example. DS', RCODE.NOERROR],
    ['a.example. A', undefined],
    ['x.wild.example. MX', undefined],
    ['signed.example. DS', undefined],
    ['signed.example. A', undefined],
    ['www.signed.example. A', undefined],
    ['unsigned.example. A', undefined],
    ['www.unsigned.example. A', undefined],
    ['example. DS', undefined],
    ['example. SOA', undefined],
    ['nothing.example. ANY', undefined],
    ['nothing.example. RRSIG', undefined],
    ['nothing.test. A', undefined],
    ['test. A', undefined],
  ])('%s is answered with RCODE %s', (question, rcode) => {
    expect(rcodeOf(cacheOf(create()), question)).toBe(rcode);
  });

  test('an answer is a whole message: question as asked, SOA, proof, signatures', () => {
    const answer = ask(cacheOf(create()), 'NoThing.eXample. A');
    expect(answer).toMatchObject({
      id: 0,
      flags: FLAG.QR | FLAG.RA | RCODE.NXDOMAIN,
      answer: [],
      additional: [],
    });
    expect(answer?.question).toBe('NoThing.eXample. A');
    const types = (answer?.authority ?? []).map((record) => record.split(' ')[3]);
    const spans = types.filter((type) => type === kind);
    expect(types.slice(0, 2)).toEqual(['SOA', 'RRSIG']);
    expect(types.filter((type) => type === 'RRSIG')).toHaveLength(1 + spans.length);
    expect(types).toHaveLength(2 + 2 * spans.length);
    // One span may cover two names.
    expect([2, 3]).toContain(spans.length);
  });

  test('the records of an answer prove it to whoever validates', () => {
    const cache = cacheOf(create());
    for (const [question, prove] of [
      ['nothing.example. A', (r: DenialRecords, n: Uint8Array) => proveNameError(r, n, new Work())],
      ['x.wild.example. A', (r: DenialRecords, n: Uint8Array) => proveNoData(r, n, TYPE.A, new Work())],
      ['ent.example. A', (r: DenialRecords, n: Uint8Array) => proveNoData(r, n, TYPE.A, new Work())],
    ] as const) {
      const rrsets = readRrsets(ask(cache, question)?.bytes ?? new Uint8Array(0)) ?? [];
      const records = {
        zone: EXAMPLE,
        nsec: rrsets.filter((rrset) => rrset.type === TYPE.NSEC),
        nsec3: rrsets.filter((rrset) => rrset.type === TYPE.NSEC3),
      };
      // The signatures of these records were made up, so labels are those of the owner.
      expect([question, prove(records, nameFrom(question.split(' ')[0] ?? ''))]).toEqual([
        question,
        'proven',
      ]);
    }
  });

  test('one view does not answer from what another learned', () => {
    const cache = cacheOf(create());
    expect(rcodeOf(cache, 'nothing.example. A', NOW_MS, VIEW + 1)).toBeUndefined();
  });

  test('clear() forgets', () => {
    const cache = cacheOf(create());
    expect(cache.size).toBeGreaterThan(5);
    cache.clear();
    expect(cache.size).toBe(0);
    expect(rcodeOf(cache, 'nothing.example. A')).toBeUndefined();
  });

  test('a record that says otherwise takes the place of those it contradicts', () => {
    const cache = cacheOf(create());
    expect(rcodeOf(cache, 'new.example. A')).toBe(RCODE.NXDOMAIN);
    const changed: DenialZone = {
      apex: 'example.',
      names: new Map(
        [...ZONE.names, ['new.example.', ['A']]].filter(([name]) => name !== 'a.example.') as [
          string,
          string[],
        ][],
      ),
    };
    const after =
      kind === 'NSEC' ? createNsecRrsets(changed) : createNsec3Rrsets(changed, { iterations: 2, salt: 'ab' });
    fill(cache, changed, after);
    expect(cache.size).toBe(after.length);
    expect(rcodeOf(cache, 'new.example. A')).toBeUndefined();
    expect(rcodeOf(cache, 'new.example. MX')).toBe(RCODE.NOERROR);
    expect(rcodeOf(cache, 'a.example. A')).toBe(RCODE.NXDOMAIN);
  });
});

test('the DS of a zone is answered from its parent, whatever is known of the zone itself', () => {
  const child: DenialZone = {
    apex: 'unsigned.example.',
    names: new Map([['unsigned.example.', ['SOA', 'NS']]]),
  };
  const cache = cacheOf(createNsecRrsets(ZONE));
  fill(cache, child, createNsecRrsets(child));
  expect(rcodeOf(cache, 'unsigned.example. DS')).toBe(RCODE.NOERROR);
  expect(rcodeOf(cache, 'unsigned.example. MX')).toBe(RCODE.NOERROR);
  expect(rcodeOf(cache, 'www.unsigned.example. DS')).toBe(RCODE.NXDOMAIN);
});

describe('a record that begins inside a span ends it', () => {
  const withName = (name: string): DenialZone => ({
    apex: 'example.',
    names: new Map([...ZONE.names, [name, ['A']]]),
  });

  test('of NSEC', () => {
    const cache = cacheOf(createNsecRrsets(ZONE));
    const size = cache.size;
    const changed = createNsecRrsets(withName('c.example.'));
    fill(
      cache,
      ZONE,
      changed.filter((rrset) => rrset.owner[1] === 0x63),
    );
    expect(cache.size).toBe(size);
    expect(rcodeOf(cache, 'd.example. MX')).toBe(RCODE.NXDOMAIN);
    expect(rcodeOf(cache, 'c.example. MX')).toBe(RCODE.NOERROR);
    expect(rcodeOf(cache, 'b.example. A')).toBeUndefined();
  });

  test('of NSEC3, also the one that goes round', () => {
    const first = [...ZONE.names.keys(), 'ent.example.', 'wild.example.']
      .map((name) => hashText(name, 0, '-'))
      .sort()[0];
    const labels = Array.from({ length: 500 }, (_, index) => `n${index}.example.`);
    const name = labels.find((label) => hashText(label, 0, '-') < (first ?? ''));
    expect(name).toBeDefined();
    const cache = cacheOf(createNsec3Rrsets(ZONE));
    const size = cache.size;
    const changed = createNsec3Rrsets(withName(name ?? ''));
    expect(changed).toHaveLength(size + 1);
    fill(cache, ZONE, changed.slice(0, 1));
    expect(cache.size).toBe(size);
    expect(rcodeOf(cache, `${name} MX`)).toBe(RCODE.NOERROR);
  });
});

test('a name that would take many hashes is not answered', () => {
  const deep = `${'x.'.repeat(30)}example.`;
  const zone: DenialZone = {
    apex: 'example.',
    names: new Map([
      ['example.', ['SOA', 'NS']],
      [deep, ['A']],
    ]),
  };
  const cache = createCache();
  fill(cache, zone, createNsec3Rrsets(zone));
  expect(rcodeOf(cache, `${deep} MX`)).toBe(RCODE.NOERROR);
  expect(rcodeOf(cache, `y.${deep} A`)).toBe(RCODE.NXDOMAIN);
  expect(rcodeOf(cache, `${'y.'.repeat(10)}example. A`)).toBe(RCODE.NXDOMAIN);
  expect(rcodeOf(cache, `${'y.'.repeat(100)}example. A`)).toBeUndefined();
});

describe('records live', () => {
  const withTtl = (rrset: Rrset, ttlSec: number): Rrset => ({ ...rrset, ttlSec });
  const ending = (rrset: Rrset, expiration: number): Rrset => ({
    ...rrset,
    signatures: rrset.signatures.map((signature) => ({ ...signature, expiration })),
  });
  const records = createNsecRrsets(ZONE);
  const soa = createSoaRrset('example.', 300);
  const nowSec = NOW_MS / 1000;

  test.each<[string, readonly Rrset[], Rrset, number]>([
    ['as long as the negative TTL of the zone', records, createSoaRrset('example.', 60), 60],
    ['as long as their TTL', records.map((rrset) => withTtl(rrset, 20)), soa, 20],
    ['as long as the TTL of the SOA', records, withTtl(soa, 30), 30],
    ['as long as their signatures', records.map((rrset) => ending(rrset, nowSec + 40)), soa, 40],
    ['as long as the signature of the SOA', records, ending(soa, nowSec + 50), 50],
    [
      'three hours at most',
      records.map((rrset) => ({
        ...withTtl(rrset, 90_000),
        signatures: rrset.signatures.map((signature) => ({ ...signature, originalTtlSec: 90_000 })),
      })),
      {
        ...createSoaRrset('example.', 90_000),
        ttlSec: 90_000,
        signatures: soa.signatures.map((s) => ({ ...s, originalTtlSec: 90_000 })),
      },
      10_800,
    ],
  ])('%s', (_title, rrsets, zoneSoa, seconds) => {
    const cache = createCache();
    cache.add(VIEW, EXAMPLE, rrsets, zoneSoa, NOW_MS);
    const ttlOf = (nowMs: number) => {
      const authority = ask(cache, 'nothing.example. A', nowMs)?.authority;
      return authority === undefined
        ? undefined
        : new Set(authority.map((record) => Number(record.split(' ')[1])));
    };
    expect(ttlOf(NOW_MS)).toEqual(new Set([seconds]));
    expect(ttlOf(NOW_MS + 10_500)).toEqual(new Set([seconds - 11]));
    expect(ttlOf(NOW_MS + seconds * 1000 - 500)).toBeUndefined();
    expect(ttlOf(NOW_MS + seconds * 1000)).toBeUndefined();
    expect(ttlOf(NOW_MS - 1)).toBeUndefined();
  });

  test('not at all when a signature is over', () => {
    const cache = createCache();
    fill(
      cache,
      ZONE,
      records.map((rrset) => ending(rrset, nowSec)),
    );
    expect(cache.size).toBe(0);
  });

  test('on when they come without SOA and the zone is known, and not otherwise', () => {
    const cache = createCache();
    cache.add(VIEW, EXAMPLE, records, undefined, NOW_MS);
    expect(cache.size).toBe(0);
    cache.add(VIEW, EXAMPLE, records.slice(0, 1), createSoaRrset('example.', 60), NOW_MS);
    cache.add(VIEW, EXAMPLE, records.slice(1), undefined, NOW_MS);
    expect(cache.size).toBe(records.length);
    expect(rcodeOf(cache, 'nothing.example. A', NOW_MS + 50_000)).toBe(RCODE.NXDOMAIN);
    expect(rcodeOf(cache, 'nothing.example. A', NOW_MS + 60_000)).toBeUndefined();
  });
});

describe('nothing is kept of', () => {
  const kept = (rrsets: readonly Rrset[], soa = createSoaRrset('example.')): number => {
    const cache = createCache();
    cache.add(VIEW, EXAMPLE, rrsets, soa, NOW_MS);
    return cache.size;
  };
  test('opt-out spans', () => {
    expect(kept(createNsec3Rrsets(ZONE))).toBeGreaterThan(5);
    expect(kept(createNsec3Rrsets(ZONE, { isOptOut: true }))).toBe(0);
  });
  test('hashes with more iterations than are computed', () => {
    expect(kept(createNsec3Rrsets(ZONE, { iterations: NSEC3_ITERATIONS_MAX + 1 }))).toBe(0);
  });
  test('records that another zone signed, data, and an SOA of another name', () => {
    expect(kept([createRrset('example. 300 IN NSEC a.example. NS', '.')])).toBe(0);
    expect(kept([createRrset('a.example. 300 IN A 192.0.2.1', 'example.')])).toBe(0);
    expect(kept(createNsecRrsets(ZONE), createSoaRrset('test.'))).toBe(0);
  });
  test('records that are larger than everyday ones', () => {
    const [first] = createNsecRrsets(ZONE);
    expect(first).toBeDefined();
    if (first === undefined) return;
    const signatures = first.signatures.map((signature) => ({ ...signature, rdata: new Uint8Array(5000) }));
    expect(kept([first])).toBe(1);
    expect(kept([{ ...first, signatures }])).toBe(0);
  });
  test('an earlier set of NSEC3 parameters', () => {
    const cache = cacheOf(createNsec3Rrsets(ZONE, { salt: 'aa' }));
    const other = createNsec3Rrsets(ZONE, { salt: 'bb' });
    fill(cache, ZONE, other);
    expect(cache.size).toBe(other.length);
    expect(rcodeOf(cache, 'nothing.example. A')).toBe(RCODE.NXDOMAIN);
  });
});

describe('the number of records', () => {
  const spansOf = (apex: string, count: number): Rrset[] =>
    Array.from({ length: count }, (_, index) => {
      const name = `n${String(index).padStart(5, '0')}`;
      return createRrset(`${name}.${apex} 300 IN NSEC ${name}x.${apex} A RRSIG NSEC`, apex);
    });

  test('never exceeds the bound, and the zone that was used last stays', () => {
    const cache = createCache(20);
    for (const label of ['one', 'two', 'three', 'four', 'five']) {
      const apex = `${label}.example.`;
      cache.add(VIEW, nameFrom(apex), spansOf(apex, 6), createSoaRrset(apex), NOW_MS);
      rcodeOf(cache, 'n00001.one.example. MX');
      expect(cache.size).toBeLessThanOrEqual(20);
    }
    expect(rcodeOf(cache, 'n00001.one.example. MX')).toBe(RCODE.NOERROR);
    expect(rcodeOf(cache, 'n00001.five.example. MX')).toBe(RCODE.NOERROR);
    expect(rcodeOf(cache, 'n00001.two.example. MX')).toBeUndefined();
  });

  test('of one zone is bounded below that of all', () => {
    const cache = createCache(5000);
    cache.add(VIEW, EXAMPLE, spansOf('example.', 2100), createSoaRrset('example.'), NOW_MS);
    expect(cache.size).toBe(2000);
  });
});

describe('for any zone', () => {
  const label = fc.constantFrom('a', 'b', 'c', '*', 'ab');
  const name = fc
    .array(label, { minLength: 1, maxLength: 3 })
    .map((labels) => `${labels.join('.')}.example.`);
  const zone = fc
    .array(fc.tuple(name, fc.constantFrom(['A'], ['MX'], ['CNAME'], ['NS'], ['NS', 'DS'], ['DNAME'])), {
      maxLength: 8,
    })
    .map((entries): DenialZone => {
      const names = new Map<string, readonly string[]>(
        entries.map(([owner, types]) => [owner, owner.startsWith('*') ? ['A'] : types]),
      );
      const cuts = [...names].filter(([, types]) => types.includes('NS') || types.includes('DNAME'));
      for (const owner of names.keys())
        if (cuts.some(([cut]) => owner !== cut && owner.endsWith(`.${cut}`))) names.delete(owner);
      names.set('example.', ['SOA', 'NS']);
      return { apex: 'example.', names };
    });

  test('answers are true, and with all records everything that can be proven is answered', () => {
    fc.assert(
      fc.property(zone, fc.array(name, { maxLength: 6 }), fc.nat(31), (held, more, mask) => {
        for (const rrsets of [createNsecRrsets(held), createNsec3Rrsets(held)]) {
          const whole = createCache();
          const part = createCache();
          fill(whole, held, rrsets);
          // In many small answers, in another order, as they come in life.
          for (const [index, rrset] of [...rrsets].reverse().entries())
            if (((mask >> (index % 5)) & 1) === 1) fill(part, held, [rrset]);
          for (const qname of [...held.names.keys(), ...more])
            for (const qtype of ['A', 'MX', 'DS']) {
              const truth = lookUp(held, qname, qtype);
              const rcode = { 'name-error': RCODE.NXDOMAIN, 'no-data': RCODE.NOERROR }[truth as string];
              const question = `${qname} ${qtype}`;
              expect([question, rcodeOf(whole, question)]).toEqual([question, rcode]);
              expect([rcode, undefined]).toContain(rcodeOf(part, question));
            }
        }
      }),
      { numRuns: 60 },
    );
  });
});

test('records that dnssec-signzone made come back as they were', (context) => {
  requireProgram(context, 'dnssec-signzone');
  const zone = signZone({
    apex: 'example.',
    records: ['a.example. 300 IN A 192.0.2.1'],
    end: SIGNATURES_END_SEC,
  });
  const spans = ['example.', 'a.example.', 'ns.example.'].map((owner) =>
    findRrset(zone.records, owner, 'NSEC'),
  );
  const soa = findRrset(zone.records, 'example.', 'SOA');
  const cache = createCache();
  const nowMs = Date.now();
  cache.add(VIEW, EXAMPLE, spans, soa, nowMs);
  const answer = ask(cache, 'b.example. A', nowMs);
  const read = readRrsets(answer?.bytes ?? new Uint8Array(0)) ?? [];
  const sent = (rrset: Rrset) => [rrset.owner, rrset.type, rrset.rdatas, rrset.signatures];
  expect(answer?.rcode).toBe(RCODE.NXDOMAIN);
  expect(read.map(sent)).toEqual([soa, spans[1], spans[0]].map((rrset) => rrset && sent(rrset)));
});
