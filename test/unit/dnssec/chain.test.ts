// The chain of trust: what is looked up on the way to a zone, what is kept of it and for how long.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Chain } from '../../../src/resolver/dnssec/chain.ts';
import type { ZoneState } from '../../../src/resolver/dnssec/delegation.ts';
import { parseTrustAnchors, type TrustAnchor, Validator } from '../../../src/resolver/dnssec/dnssec.ts';
import { NegativeAnchors } from '../../../src/resolver/dnssec/negative-anchors.ts';
import { Work, type WorkLimits } from '../../../src/resolver/dnssec/work.ts';
import { CLASS, formatName, formatType, nameFrom, RCODE, TYPE } from '../../../src/wire/dns/dns.ts';
import { isInstalled, requireProgram } from '../../support/process.ts';
import { createZoneKey, signZone } from '../../support/signed-zone.ts';
import { plainZone, type Tamper } from '../../support/zone-lookup.ts';
import { signTree, type ZoneTree } from '../../support/zone-tree.ts';

const NOW_MS = Date.now();
const WAY_TO_ZONE = ['. DNSKEY', 'test. DS', 'test. DNSKEY', 'zone.test. DS', 'zone.test. DNSKEY'];

let tree: ZoneTree;

beforeAll(() => {
  if (!isInstalled('dnssec-signzone') || !isInstalled('ldns-signzone')) return;
  tree = signTree({
    zones: [
      {
        apex: 'zone.test.',
        records: [
          'a.b.c.zone.test. 300 IN A 192.0.2.1',
          'alias.zone.test. 300 IN CNAME a.b.c.zone.test.',
          'dname.zone.test. 300 IN DNAME other.test.',
          'plain.zone.test. 300 IN NS ns.plain.zone.test.',
        ],
      },
      { apex: 'other.test.', records: ['www.other.test. 300 IN A 192.0.2.2'], denial: 'nsec3' },
      // BIND would refuse it.
      { apex: 'odd.test.', records: [`*.odd.test. 300 IN DS 1 13 2 ${'00'.repeat(32)}`], signer: 'ldns' },
    ],
    plain: [
      plainZone('plain.zone.test.', ['www.plain.zone.test. 300 IN A 192.0.2.3']),
      plainZone('plain.test.', []),
    ],
  });
});

beforeEach((context) => {
  requireProgram(context, 'dnssec-signzone');
  requireProgram(context, 'ldns-signzone');
  tree.lookup.reset();
});

const createChain = (options: { anchors?: readonly TrustAnchor[]; negative?: readonly string[] } = {}) => {
  const time = { nowMs: NOW_MS };
  const looked: string[] = [];
  const chain = new Chain({
    lookup: tree.lookup,
    anchors: options.anchors ?? tree.anchors,
    negativeAnchors: new NegativeAnchors((options.negative ?? []).map(nameFrom)),
    clock: () => time.nowMs,
    observer: { chainLookup: (type) => looked.push(formatType(type)) },
  });
  const find = async (name: string, view = 0, limits?: Partial<WorkLimits>): Promise<string> => {
    const examination = { nowSec: Math.floor(time.nowMs / 1000), work: new Work(limits), allowSha1: false };
    return wordsOf(await chain.find(view, nameFrom(name), examination));
  };
  return { chain, find, looked, time };
};

/** `secure ZONE`, or the kind with its code or reason. */
const wordsOf = (state: ZoneState): string => {
  switch (state.kind) {
    case 'secure':
      return `secure ${formatName(state.zone)}`;
    case 'bogus':
      return `bogus ${state.flaw.code}`;
    case 'failure':
      return `failure ${state.reason}`;
    case 'insecure':
    case 'exceeded':
      return state.kind;
  }
};

describe('the way to a zone', () => {
  test('goes from the root by DS and DNSKEY, once', async () => {
    const { find, looked } = createChain();
    expect(await find('zone.test.')).toBe('secure zone.test.');
    expect(tree.lookup.asked).toEqual(WAY_TO_ZONE);
    expect(looked).toEqual(['DNSKEY', 'DS', 'DNSKEY', 'DS', 'DNSKEY']);
    expect(await find('zone.test.')).toBe('secure zone.test.');
    expect(await find('test.')).toBe('secure test.');
    expect(tree.lookup.asked).toEqual(WAY_TO_ZONE);
  });

  test('goes on through names without a zone cut', async () => {
    const { find } = createChain();
    expect(await find('a.b.c.zone.test.')).toBe('secure zone.test.');
    const below = ['c.zone.test. DS', 'b.c.zone.test. DS', 'a.b.c.zone.test. DS'];
    expect(tree.lookup.asked).toEqual([...WAY_TO_ZONE, ...below]);
    expect(await find('a.b.c.zone.test.')).toBe('secure zone.test.');
    expect(tree.lookup.asked).toHaveLength(WAY_TO_ZONE.length + 3);
  });

  test('ends at a name that does not exist', async () => {
    for (const zone of ['zone.test.', 'other.test.']) {
      tree.lookup.reset();
      const { find } = createChain();
      for (let round = 0; round < 2; round++) expect(await find(`x.y.z.no.${zone}`)).toBe(`secure ${zone}`);
      expect(tree.lookup.asked.slice(5)).toEqual([`no.${zone} DS`]);
    }
  });

  test('ends at an unsigned delegation', async () => {
    const { find } = createChain();
    for (const name of ['www.plain.zone.test.', 'plain.zone.test.', 'x.y.plain.zone.test.'])
      expect(await find(name)).toBe('insecure');
    expect(tree.lookup.asked).toEqual([...WAY_TO_ZONE, 'plain.zone.test. DS']);
  });

  test('passes aliases, which are no zone cuts', async () => {
    const { find } = createChain();
    expect(await find('alias.zone.test.')).toBe('secure zone.test.');
    expect(await find('dname.zone.test.')).toBe('secure zone.test.');
    expect(await find('x.dname.zone.test.')).toBe('secure zone.test.');
  });

  test('does not go through a DS that a wildcard stands for', async () => {
    const { find } = createChain();
    expect(await find('x.odd.test.')).toBe('bogus 6');
  });

  test('begins at the closest anchor, and where there is none all is insecure', async () => {
    const anchors = parseTrustAnchors((tree.zones.get('zone.test.')?.ds ?? []).join('\n'), 'zone');
    const { find, chain } = createChain({ anchors: [...tree.anchors, ...anchors] });
    expect(await find('other.test.')).toBe('secure other.test.');
    tree.lookup.reset();
    expect(await find('zone.test.')).toBe('secure zone.test.');
    expect(tree.lookup.asked).toEqual(['zone.test. DNSKEY']);
    chain.setAnchors(anchors);
    expect(await find('other.test.')).toBe('insecure');
    chain.setAnchors([]);
    expect(await find('zone.test.')).toBe('insecure');
  });

  test('of a negative and a trust anchor, the longer one decides', async () => {
    const { find, chain } = createChain({ negative: ['Test.'] });
    expect(await find('zone.test.')).toBe('insecure');
    expect(await find('invalid.')).toBe('secure .');
    const anchors = parseTrustAnchors((tree.zones.get('zone.test.')?.ds ?? []).join('\n'), 'zone');
    chain.setAnchors([...tree.anchors, ...anchors]);
    expect(await find('zone.test.')).toBe('secure zone.test.');
    expect(await find('other.test.')).toBe('insecure');
    const both = createChain({ anchors, negative: ['zone.test.'] });
    expect(await both.find('zone.test.')).toBe('insecure');
  });
});

describe('what is kept', () => {
  test('states of one view do not serve another', async () => {
    const { find } = createChain();
    await find('zone.test.');
    await find('zone.test.', 1);
    expect(tree.lookup.asked).toEqual([...WAY_TO_ZONE, ...WAY_TO_ZONE]);
    expect(tree.lookup.questions.map(({ view }) => view)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
  });

  test('a state lives as long as its records', async () => {
    const { find, time } = createChain();
    await find('zone.test.');
    await find('plain.test.');
    tree.lookup.reset();
    // The denial lives for the 300 seconds of the SOA's MINIMUM, keys for an hour.
    time.nowMs += 299_000;
    await find('plain.test.');
    expect(tree.lookup.asked).toEqual([]);
    time.nowMs += 1000;
    await find('plain.test.');
    expect(tree.lookup.asked).toEqual(['plain.test. DS']);
    time.nowMs += 3_300_000;
    expect(await find('zone.test.')).toBe('secure zone.test.');
    expect(tree.lookup.asked.slice(1)).toEqual(WAY_TO_ZONE);
  });

  test('a clock that steps back makes states stale', async () => {
    const { find, time } = createChain();
    await find('zone.test.');
    time.nowMs -= 1000;
    await find('zone.test.');
    expect(tree.lookup.asked).toHaveLength(2 * WAY_TO_ZONE.length);
  });

  test('a TTL of zero is one second, and a long one a day', async () => {
    const { find, time } = createChain();
    const withTtl =
      (ttl: number): Tamper =>
      (_asked, reply) => ({ ...reply, answer: reply.answer.map((record) => ({ ...record, ttl })) });
    tree.lookup.tamper = withTtl(0);
    await find('zone.test.');
    time.nowMs += 999;
    await find('zone.test.');
    expect(tree.lookup.asked).toHaveLength(WAY_TO_ZONE.length);
    time.nowMs += 1;
    await find('zone.test.');
    expect(tree.lookup.asked).toHaveLength(2 * WAY_TO_ZONE.length);
  });

  test('what is bogus is looked up again after ten seconds', async () => {
    const { find, time } = createChain();
    tree.lookup.tamper = (asked, reply) => (asked === 'zone.test. DS' ? { ...reply, answer: [] } : reply);
    expect(await find('zone.test.')).toBe('bogus 12');
    tree.lookup.reset();
    time.nowMs += 9999;
    expect(await find('zone.test.')).toBe('bogus 12');
    expect(tree.lookup.asked).toEqual([]);
    time.nowMs += 1;
    expect(await find('zone.test.')).toBe('secure zone.test.');
  });

  test('a code that tells nothing is a failure and is not kept', async () => {
    const { find } = createChain();
    tree.lookup.tamper = (asked, reply) =>
      asked === 'zone.test. DNSKEY' ? { ...reply, rcode: RCODE.REFUSED } : reply;
    expect(await find('zone.test.')).toBe('failure servfail');
    tree.lookup.tamper = undefined;
    expect(await find('zone.test.')).toBe('secure zone.test.');
  });

  test('what is looked up while clear() is called is not kept', async () => {
    const { chain, find } = createChain();
    const finding = find('zone.test.');
    await new Promise((resolve) => setImmediate(resolve));
    chain.clear();
    expect(await finding).toBe('secure zone.test.');
    tree.lookup.reset();
    await find('zone.test.');
    expect(tree.lookup.asked).toEqual(WAY_TO_ZONE);
  });

  test('renew() forgets keys that were looked up ten seconds ago, not before', async () => {
    const { chain, find, time } = createChain();
    await find('zone.test.');
    tree.lookup.reset();
    time.nowMs += 9999;
    chain.renew(0, nameFrom('zone.test.'));
    await find('zone.test.');
    expect(tree.lookup.asked).toEqual([]);
    time.nowMs += 1;
    chain.renew(0, nameFrom('zone.test.'));
    await find('zone.test.');
    expect(tree.lookup.asked).toEqual(['zone.test. DS', 'zone.test. DNSKEY']);
  });
});

describe('at the same time', () => {
  test('those who need a zone share its look-ups', async () => {
    const { find } = createChain();
    const found = await Promise.all(Array.from({ length: 20 }, () => find('zone.test.')));
    expect(new Set(found)).toEqual(new Set(['secure zone.test.']));
    expect(tree.lookup.asked).toEqual(WAY_TO_ZONE);
  });

  test('a question without work left does not harm those who wait for it', async () => {
    const { find } = createChain();
    const [poor, other] = await Promise.all([find('zone.test.', 0, { lookups: 4 }), find('zone.test.')]);
    expect(poor).toBe('exceeded');
    expect(other).toBe('secure zone.test.');
    tree.lookup.reset();
    const more = createChain();
    const poorFirst = more.find('zone.test.', 0, { lookups: 4 });
    const others = await Promise.all(Array.from({ length: 20 }, () => more.find('zone.test.')));
    expect(await poorFirst).toBe('exceeded');
    expect(new Set(others)).toEqual(new Set(['secure zone.test.']));
    // The poor one ended before the DNSKEY; the DS is asked for once more by one of the others.
    expect(tree.lookup.asked).toHaveLength(WAY_TO_ZONE.length + 1);
  });
});

test('a zone that rolls its keys is looked up again when a signature does not fit', async () => {
  const apex = 'zone.test.';
  const before = tree.zones.get(apex);
  const ksk = before?.keys.find(({ role }) => role === 'ksk');
  expect(ksk).toBeDefined();
  const records = ['www.zone.test. 300 IN A 192.0.2.7'];
  const keys = [...(ksk === undefined ? [] : [ksk]), createZoneKey(apex, 'ECDSAP256SHA256', 'zsk')];
  const time = { nowMs: NOW_MS };
  const verdicts: string[] = [];
  const validator = new Validator({
    lookup: tree.lookup,
    anchors: tree.anchors,
    negativeAnchors: [],
    clock: () => time.nowMs,
    observer: {
      chainLookup: () => {},
      validated: (verdict) => verdicts.push(verdict),
      retried: () => verdicts.push('retried'),
      denied: () => {},
      exceeded: () => {},
      defect: () => {},
    },
  });
  const ask = (name: string): Promise<void> =>
    new Promise((resolve) => {
      const question = { class: CLASS.IN, dnssecOk: true, checkingDisabled: false, view: 0, wantsAd: true };
      validator.resolve({ name: nameFrom(name), type: TYPE.A, ...question }, () => resolve());
    });
  await ask('a.b.c.zone.test.');
  tree.lookup.replace(signZone({ apex, records, keys }));
  time.nowMs += 10_000;
  await ask('www.zone.test.');
  expect(verdicts).toEqual(['secure', 'retried', 'secure']);
});
