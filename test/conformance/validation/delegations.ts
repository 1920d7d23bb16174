// Cases of trust: DS sets of every shape before DNSKEY sets that are whole, stripped, wrong or missing.
//
// What is right follows from the set of DS alone (RFC 4035 section 5.2, RFC 6840 section 5.2): a zone is insecure when
// each of its DS has an algorithm or a digest type that does not count. Every other zone has to be signed.
import { TYPE } from '../../../src/wire/dns/dns.ts';
import { type KeyKind, keyOf, type MatrixKey } from './keys.ts';
import { by, dsOf, type MatrixCase, type MatrixReply } from './stage.ts';
import { rawRecord, recordsOf, signatureOf } from './zone.ts';

/** An algorithm that nobody knows, and bytes of such a key. */
const UNKNOWN = 200;
const KEY_BYTES_MIN = 8;

/** One DS of a set: the key that it names, and how. */
interface SetEntry {
  readonly key: KeyKind;
  /** The digest type by its number. */
  readonly type: number;
  /** What is wrong with the digest. */
  readonly fault?: 'cut' | 'empty' | 'short' | 'long' | 'wrong';
}

/** What the zone's server, or somebody before it, says the keys are. */
const KEY_SETS = ['whole', 'first', 'last', 'none', 'unsigned', 'foreign', 'foreign-beside'] as const;
type KeySetKind = (typeof KEY_SETS)[number];

/** What is said of www: signed by every key that can, or made up. */
const DATA = ['signed', 'forged'] as const;

const entry = (key: KeyKind, type = 2, fault?: SetEntry['fault']): SetEntry =>
  fault === undefined ? { key, type } : { key, type, fault };

/** Each stands alone and beside each other one. */
const ENTRIES: readonly SetEntry[] = [
  entry('p256'),
  entry('p256', 1),
  entry('p256', 4),
  entry('p256', 3),
  entry('p256', 200),
  entry('p256', 2, 'cut'),
  entry('p256', 2, 'empty'),
  entry('p256', 2, 'short'),
  entry('p256', 2, 'long'),
  entry('p256', 2, 'wrong'),
  entry('p256', 1, 'empty'),
  entry('p256-zsk'),
  entry('p256-revoked'),
  entry('p256-no-zone'),
  entry('p256-short'),
  entry('p256-long'),
  entry('p256-off-curve'),
  entry('p256-same-tag'),
  entry('p384'),
  entry('ed25519'),
  entry('rsa1024'),
  entry('rsa2048'),
  entry('rsa2048-exponent3'),
  entry('rsa2048-exponent-long'),
  entry('rsa4096'),
  entry('rsa512'),
  entry('rsa512', 1),
  entry('rsa512', 2, 'wrong'),
  entry('rsa512-same-tag'),
  entry('rsa8192'),
  entry('rsa8192', 4),
  entry('rsa8192', 2, 'empty'),
  entry('rsa-empty'),
  entry('rsasha1'),
  entry('gost'),
  entry('unknown'),
];

/** Those of the gate: what the largest differences were about. */
const GATE: readonly SetEntry[] = [
  entry('p256'),
  entry('p256', 1),
  entry('p256', 200),
  entry('p256', 2, 'empty'),
  entry('rsa2048'),
  entry('rsa512'),
  entry('rsa8192'),
  entry('unknown'),
];

const textOf = ({ key, type, fault }: SetEntry): string =>
  `${key}/${type}${fault === undefined ? '' : `-${fault}`}`;

const faulty = (apex: string, { key, type, fault }: SetEntry): Uint8Array => {
  const whole = dsOf(apex, keyOf(key), type);
  const digest = whole.subarray(4);
  if (fault === undefined) return whole;
  if (fault === 'cut') return whole.subarray(0, 3);
  if (fault === 'empty') return whole.subarray(0, 4);
  if (fault === 'short') return whole.subarray(0, 4 + 20);
  if (fault === 'long') return Buffer.concat([whole, digest.subarray(0, 4)]);
  return Buffer.concat([whole.subarray(0, 4), digest.map((byte) => byte ^ 1)]);
};

const isAlgorithmKnown = (key: KeyKind): boolean => !['rsasha1', 'gost', 'unknown'].includes(key);

const servedKeys = (set: readonly SetEntry[], kind: KeySetKind): MatrixKey[] => {
  const keys = [...new Set(set.map(({ key }) => keyOf(key)))];
  if (kind === 'first') return keys.slice(0, 1);
  if (kind === 'last') return keys.slice(-1);
  if (kind === 'none') return [];
  if (kind === 'foreign') return [keyOf('p256-other')];
  return kind === 'foreign-beside' ? [...keys, keyOf('p256-other')] : keys;
};

/** True when no DS of the set can be used, whatever keys there are. */
const isUnusable = (set: readonly SetEntry[]): boolean =>
  set.every(({ key, type }) => !isAlgorithmKnown(key) || ![1, 2, 4].includes(type));

const signAll = (records: ReturnType<typeof recordsOf>, apex: string, keys: readonly MatrixKey[]) => [
  ...records,
  ...keys.filter((key) => key.sign !== undefined).map((key) => signatureOf(records, by(apex, key))),
];

const createCase = (
  set: readonly SetEntry[],
  keySet: KeySetKind,
  data: (typeof DATA)[number],
): MatrixCase => {
  const served = servedKeys(set, keySet);
  const signers = keySet === 'foreign-beside' ? [keyOf('p256-other')] : served;
  const reply = (apex: string, question: string): MatrixReply | undefined => {
    if (question === '@ DNSKEY') {
      const keys = served.map((key) => rawRecord(apex, TYPE.DNSKEY, key.rdata));
      if (keys.length === 0)
        return { authority: recordsOf(`${apex} 300 IN SOA . . 1 7200 3600 1209600 300`) };
      return { answer: keySet === 'unsigned' ? keys : signAll(keys, apex, signers) };
    }
    if (question !== 'www A') return undefined;
    if (data === 'forged') return { answer: recordsOf(`www.${apex} 300 IN A 192.0.2.66`) };
    return { answer: signAll(recordsOf(`www.${apex} 300 IN A 192.0.2.1`), apex, signers) };
  };
  const title = `DS ${set.map(textOf).join(' + ')}; keys ${keySet}; data ${data}`;
  const right = isUnusable(set) ? 'insecure' : data === 'forged' ? 'bogus' : undefined;
  return {
    title,
    question: 'www A',
    ds: (apex) => set.map((one) => faulty(apex, one)),
    reply,
    ...(right === undefined ? {} : { right }),
  };
};

const setsOf = (entries: readonly SetEntry[]): SetEntry[][] =>
  entries.flatMap((one, index) => [[one], ...entries.slice(index + 1).map((other) => [one, other])]);

const casesOf = (entries: readonly SetEntry[], data: readonly (typeof DATA)[number][]): MatrixCase[] =>
  setsOf(entries).flatMap((set) =>
    KEY_SETS.flatMap((keySet) => data.map((way) => createCase(set, keySet, way))),
  );

/** More DS than anybody compares, before the one that counts. */
const crowdedSets = (): MatrixCase[] =>
  [15, 16, 40].flatMap((count) =>
    (['forged', 'signed'] as const).map((data) => {
      const item = createCase([entry('p256')], data === 'forged' ? 'none' : 'whole', data);
      const others = Array.from({ length: count }, (_, tag) =>
        Buffer.concat([Buffer.of(0, tag, 200, 2), Buffer.alloc(32)]),
      );
      return {
        ...item,
        title: `${count} DS of an unknown algorithm before it; ${item.title}`,
        ds: (apex: string) => [...others, dsOf(apex, keyOf('p256'))],
        right: data === 'forged' ? 'bogus' : 'secure',
      } as const;
    }),
  );

/** DNSKEY sets of a rollover, and of somebody who wants to see how many are read; without the key that counts, forged data. */
const crowdedKeys = (counts: readonly number[]): MatrixCase[] =>
  counts.flatMap((count) => DATA.map((data) => crowdedKeySet(count, data)));

const crowdedKeySet = (count: number, data: (typeof DATA)[number]): MatrixCase => {
  const key = keyOf('p256');
  const reply = (apex: string, question: string): MatrixReply | undefined => {
    if (question === 'www A') {
      const records = recordsOf(`www.${apex} 300 IN A 192.0.2.1`);
      return { answer: data === 'signed' ? signAll(records, apex, [key]) : records };
    }
    if (question !== '@ DNSKEY') return undefined;
    const others = Array.from({ length: count - 1 }, (_, index) => {
      const rdata = key.rdata.slice(0, KEY_BYTES_MIN);
      rdata[3] = UNKNOWN;
      rdata[4] = index >> 8;
      rdata[5] = index & 0xff;
      return rdata;
    });
    const rdatas = data === 'signed' ? [...others, key.rdata] : others;
    const keys = rdatas.map((rdata) => rawRecord(apex, TYPE.DNSKEY, rdata));
    return { answer: signAll(keys, apex, [key]) };
  };
  const right = data === 'signed' ? 'secure' : 'bogus';
  return { title: `${count} keys; data ${data}`, question: 'www A', reply, right };
};

/**
 * Sets with RSASHA1 where an operator lets it count (`dnssec.allow-sha1`): by the word of RFC 9905 insecure, and then as
 * for unbound, so that forged data are bogus.
 */
export const createSha1Delegations = (): MatrixCase[] => {
  const sha1 = entry('rsasha1');
  const sets = [
    [sha1],
    ...GATE.flatMap((other) => [
      [sha1, other],
      [other, sha1],
    ]),
  ];
  return sets.flatMap((set) =>
    KEY_SETS.flatMap((keySet) =>
      DATA.map((data): MatrixCase => {
        const { right: _, ...item } = createCase(set, keySet, data);
        return { ...item, ...(data === 'forged' ? { right: 'bogus' } : {}) };
      }),
    ),
  );
};

/** Hundreds of cases for the gate, thousands for the whole. */
export const createDelegations = (isWhole: boolean): MatrixCase[] => [
  ...(isWhole ? casesOf(ENTRIES, DATA) : casesOf(GATE, ['forged'])),
  ...crowdedSets(),
  ...crowdedKeys(isWhole ? [2, 32, 33, 100, 400, 701] : [33, 701]),
];
