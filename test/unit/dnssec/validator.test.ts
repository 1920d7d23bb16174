// The validator judged by zones that dnssec-signzone and ldns-signzone signed, and by what can be done to their answers
// on the way. Time is a clock that tests move.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  isClockPlausible,
  type Lookup,
  type LookupOutcome,
  parseTrustAnchors,
  type ValidatedOutcome,
  Validator,
  type ValidatorOptions,
} from '../../../src/resolver/dnssec/dnssec.ts';
import { parseDnsKey } from '../../../src/resolver/dnssec/key.ts';
import { readRrsets } from '../../../src/resolver/dnssec/rrset.ts';
import {
  BOGUS_MS,
  CLASS,
  EDE,
  messageRcode,
  nameFrom,
  parseRecord,
  parseType,
  type Question,
  RCODE,
  type ResourceRecord,
  readU16,
  SECTION,
  TYPE,
} from '../../../src/wire/dns/dns.ts';
import { createRandom, mutate } from '../../support/mutate.ts';
import { runsInTwo } from '../../support/night.ts';
import { isInstalled, requireProgram } from '../../support/process.ts';
import { parseMessage } from '../../support/records.ts';
import { createZoneKey, signZone, type ZoneKey } from '../../support/signed-zone.ts';
import { plainZone, type Tamper, ZoneLookup, type ZoneReply } from '../../support/zone-lookup.ts';
import { signTree, type ZoneTree } from '../../support/zone-tree.ts';

const NOW_SEC = Math.floor(Date.now() / 1000);
const DAY_SEC = 86_400;

const ALGORITHMS = [
  'RSASHA256',
  'RSASHA512',
  'ECDSAP256SHA256',
  'ECDSAP384SHA384',
  'ED25519',
  'ED448',
] as const;
const apexOf = (algorithm: string): string => `${algorithm.toLowerCase()}.test.`;

/** The same in a zone of each kind of denial: data, wildcards, empty non-terminals, aliases, a delegation. */
const contentOf = (apex: string): string[] => [
  `www.${apex} 300 IN A 192.0.2.1`,
  `*.wild.${apex} 300 IN A 192.0.2.2`,
  `*.alias.${apex} 300 IN CNAME www.${apex}`,
  `a.b.empty.${apex} 300 IN A 192.0.2.3`,
  `near.${apex} 300 IN CNAME www.${apex}`,
  `far.${apex} 300 IN CNAME www.rsasha256.test.`,
  `plain.${apex} 300 IN CNAME www.plain.test.`,
  `nowhere.${apex} 300 IN CNAME no.such.nsec.test.`,
  `dname.${apex} 300 IN DNAME rsasha256.test.`,
  `unsigned.${apex} 300 IN NS ns.unsigned.${apex}`,
];

/** The DS record, with SHA-256, of a DNSKEY record in presentation format. */
const dsOf = (key: string): string => {
  const { owner, rdata } = parseRecord(key, 3600);
  const digest = createHash('sha256').update(owner).update(rdata).digest('hex');
  const { keyTag, algorithm } = parseDnsKey(rdata) ?? { keyTag: 0, algorithm: 0 };
  return `${key.split(' ')[0]} 3600 IN DS ${keyTag} ${algorithm} 2 ${digest}`;
};

/** The same public key with two of its 16-bit words exchanged: another key with the same tag. */
const withSameTag = (key: string, at: number): string => {
  const words = key.split(' ');
  const bytes = Buffer.from(words.at(-1) ?? '', 'base64');
  const [first, second] = [bytes.subarray(0, 2), bytes.subarray(at, at + 2)];
  const swapped = Buffer.concat([second, bytes.subarray(2, at), first, bytes.subarray(at + 2)]);
  return [...words.slice(0, -1), swapped.toString('base64')].join(' ');
};

/** Public halves that nobody has the private one of: without the zone flag, and with a modulus of 512 bits. */
const NO_ZONE_KEY = `nokey.test. 3600 IN DNSKEY 1 3 13 ${Buffer.alloc(64, 7).toString('base64')}`;
const SMALL_KEY = `small.test. 3600 IN DNSKEY 257 3 8 ${Buffer.concat([Uint8Array.of(3, 1, 0, 1), Buffer.alloc(64, 255)]).toString('base64')}`;

/** A key with its revoke bit set, which gives it another key tag; no DS is made of it. */
const revoke = (key: ZoneKey): ZoneKey => {
  const record = key.record.replace(' 257 ', ' 385 ');
  const tag = parseDnsKey(parseRecord(record).rdata)?.keyTag ?? 0;
  return {
    ...key,
    role: 'zsk',
    record,
    base: key.base.replace(/\+\d+$/, `+${String(tag).padStart(5, '0')}`),
  };
};

let tree: ZoneTree;

beforeAll(() => {
  if (!isInstalled('dnssec-signzone') || !isInstalled('ldns-signzone')) return;
  const createKeys = (apex: string): [ZoneKey, ZoneKey] => [
    createZoneKey(apex, 'ED25519', 'ksk'),
    createZoneKey(apex, 'ED25519', 'zsk'),
  ];
  const trapKeys = createKeys('trap.test.');
  const [, trapZsk] = trapKeys;
  const pairKeys = createKeys('pair.test.');
  const [, pairZsk] = pairKeys;
  const trapRecords = Array.from({ length: 14 }, (_, index) => withSameTag(trapZsk.record, 2 + 2 * index));
  const lost = createZoneKey('lost.test.', 'ECDSAP256SHA256', 'ksk');
  const plainRecords = (apex: string): string[] => [`www.${apex} 300 IN A 192.0.2.9`];
  tree = signTree({
    zones: [
      { apex: 'nsec.test.', records: contentOf('nsec.test.') },
      {
        apex: 'nsec3.test.',
        records: contentOf('nsec3.test.'),
        denial: 'nsec3',
        salt: 'aabb',
        iterations: 3,
      },
      { apex: 'optout.test.', records: contentOf('optout.test.'), denial: 'nsec3-optout' },
      ...ALGORITHMS.map((algorithm) => ({
        apex: apexOf(algorithm),
        algorithm,
        records: contentOf(apexOf(algorithm)),
      })),
      { apex: 'expired.test.', records: contentOf('expired.test.'), ...validity(-9 * DAY_SEC, -DAY_SEC) },
      { apex: 'future.test.', records: contentOf('future.test.'), ...validity(DAY_SEC, 9 * DAY_SEC) },
      { apex: 'lost.test.', records: contentOf('lost.test.') },
      { apex: 'many.test.', records: contentOf('many.test.') },
      {
        apex: 'iterations.test.',
        records: contentOf('iterations.test.'),
        denial: 'nsec3',
        iterations: 100,
        signer: 'ldns',
      },
      { apex: 'trap.test.', records: [...contentOf('trap.test.'), ...trapRecords], keys: trapKeys },
      {
        apex: 'pair.test.',
        records: [...contentOf('pair.test.'), withSameTag(pairZsk.record, 2), withSameTag(pairZsk.record, 4)],
        keys: pairKeys,
      },
      {
        apex: 'revoked.test.',
        records: contentOf('revoked.test.'),
        keys: [...createKeys('revoked.test.'), revoke(createKeys('revoked.test.')[0])],
      },
    ],
    plain: [
      plainZone('plain.test.', [
        ...plainRecords('plain.test.'),
        'in.plain.test. 300 IN CNAME www.nsec.test.',
      ]),
      ...['algorithm', 'digest', 'nokey', 'small'].map((label) =>
        plainZone(`${label}.test.`, [
          ...plainRecords(`${label}.test.`),
          ...[NO_ZONE_KEY, SMALL_KEY].filter((key) => key.startsWith(label)),
        ]),
      ),
      ...['nsec', 'nsec3', 'optout'].map((label) =>
        plainZone(`unsigned.${label}.test.`, plainRecords(`unsigned.${label}.test.`)),
      ),
    ],
    ds: {
      'lost.test.': [dsOf(lost.record)],
      'algorithm.test.': [`algorithm.test. 3600 IN DS 1 200 2 ${'00'.repeat(32)}`],
      'digest.test.': [`digest.test. 3600 IN DS 1 13 250 ${'00'.repeat(32)}`],
      'nokey.test.': [dsOf(NO_ZONE_KEY)],
      'small.test.': [dsOf(SMALL_KEY)],
    },
    extraDs: {
      'many.test.': [
        `many.test. 3600 IN DS 1 200 2 ${'00'.repeat(32)}`,
        `many.test. 3600 IN DS 1 13 250 ${'00'.repeat(32)}`,
        `many.test. 3600 IN DS 1 13 2 ${'00'.repeat(32)}`,
      ],
    },
  });
});

beforeEach((context) => {
  requireProgram(context, 'dnssec-signzone');
  requireProgram(context, 'ldns-signzone');
  tree.lookup.reset();
});

const validity = (fromSec: number, toSec: number): { start: number; end: number } => ({
  start: NOW_SEC + fromSec,
  end: NOW_SEC + toSec,
});

/** A validator of the tree, with what it reported. */
const createValidator = (options: Partial<ValidatorOptions> = {}) => {
  const time = { nowMs: NOW_SEC * 1000 };
  const reports: string[] = [];
  const validator = new Validator({
    lookup: tree.lookup,
    anchors: tree.anchors,
    negativeAnchors: [],
    clock: () => time.nowMs,
    aggressiveNsec: false,
    observer: {
      chainLookup: () => {},
      validated: (verdict, code) => reports.push(`${verdict} ${code}`),
      retried: () => reports.push('retried'),
      denied: () => reports.push('denied'),
      exceeded: (limit) => reports.push(`exceeded ${limit}`),
      defect: (thrown) => reports.push(`defect ${String(thrown)}`),
    },
    ...options,
  });
  const ask = (text: string, fields: Partial<Question> = {}): Promise<ValidatedOutcome> =>
    new Promise((resolve, reject) => {
      const [name = '', type = ''] = text.split(' ');
      let calls = 0;
      const question = {
        name: nameFrom(name),
        type: parseType(type) ?? 0,
        class: CLASS.IN,
        dnssecOk: true,
        checkingDisabled: false,
        view: 0,
        wantsAd: true,
        ...fields,
      };
      validator.resolve(question, (outcome) => {
        calls++;
        if (calls > 1) reject(new Error('called back twice'));
        resolve(outcome);
      });
    });
  return { ask, reports, time, validator };
};

/** An outcome in a word: `secure`, `insecure`, `insecure CODE`, `bogus CODE`, `failure REASON`. */
const wordsOf = (outcome: ValidatedOutcome): string => {
  if (outcome.kind === 'bogus') return `bogus ${outcome.code}`;
  if (outcome.kind === 'failure') return `failure ${outcome.reason}`;
  const { security, insecureReason } = outcome;
  return insecureReason === undefined ? security : `${security} ${insecureReason.code}`;
};

/** What one question comes to, for a validator without memory. */
const verdict = async (question: string, tamper?: Tamper, options?: Partial<ValidatorOptions>) => {
  tree.lookup.tamper = tamper;
  return wordsOf(await createValidator(options).ask(question));
};

const messageOf = (outcome: ValidatedOutcome): Uint8Array => {
  assert.ok(outcome.kind === 'answer');
  return outcome.message;
};

const ttlOf = (outcome: ValidatedOutcome): number | undefined =>
  outcome.kind === 'answer' ? outcome.ttlMaxSec : undefined;

const coveredBy = ({ type, rdata }: ResourceRecord): number =>
  type === TYPE.RRSIG ? readU16(rdata, 0) : type;
const isRrsig = ({ type }: ResourceRecord): boolean => type === TYPE.RRSIG;

/** Changes the reply to one question. */
const change =
  (question: string, edit: (reply: ZoneReply) => ZoneReply): Tamper =>
  (asked, reply) =>
    asked === question ? edit(reply) : reply;

/** Takes records out of a reply. */
const without =
  (drop: (record: ResourceRecord) => boolean) =>
  (reply: ZoneReply): ZoneReply => ({
    ...reply,
    answer: reply.answer.filter((record) => !drop(record)),
    authority: reply.authority.filter((record) => !drop(record)),
  });

/** The untampered reply to a question. */
const replyTo = (question: string): Promise<ZoneReply> =>
  new Promise((resolve) => {
    const [name = '', type = ''] = question.split(' ');
    const { lookup } = tree;
    const before = lookup.tamper;
    lookup.tamper = (_asked, reply) => {
      resolve(reply);
      return reply;
    };
    const fields = { class: CLASS.IN, dnssecOk: true, checkingDisabled: true, view: 0, wantsAd: false };
    lookup.resolve({ name: nameFrom(name), type: parseType(type) ?? 0, ...fields }, () => {});
    lookup.tamper = before;
  });

describe('answers of sound zones', () => {
  test.each(ALGORITHMS)('data and denial signed with %s are secure', async (algorithm) => {
    const apex = apexOf(algorithm);
    for (const question of [`www.${apex} A`, `www.${apex} MX`, `no.${apex} A`, `${apex} DNSKEY`])
      expect([question, await verdict(question)]).toEqual([question, 'secure']);
  });

  const QUESTIONS: readonly (readonly [string, string, string])[] = [
    ['data', 'www A', 'secure'],
    ['another type of a name', 'www MX', 'secure'],
    ['a name that does not exist', 'no A', 'secure'],
    ['a name below one that does not exist', 'a.b.c.no A', 'secure'],
    ['data of a wildcard', 'x.wild A', 'secure'],
    ['data of a wildcard, labels deeper', 'x.y.wild A', 'secure'],
    ['a wildcard without the type', 'x.wild MX', 'secure'],
    ['the wildcard itself', '*.wild A', 'secure'],
    ['an alias of a wildcard', 'x.alias A', 'secure'],
    ['an empty non-terminal', 'b.empty A', 'secure'],
    ['an alias within the zone', 'near A', 'secure'],
    ['an alias itself', 'near CNAME', 'secure'],
    ['an alias into another zone', 'far A', 'secure'],
    ['an alias to another zone without the type', 'far MX', 'secure'],
    ['an alias to a name that does not exist', 'nowhere A', 'secure'],
    ['a name below a DNAME', 'www.dname A', 'secure'],
    ['a name below a DNAME that does not exist', 'no.dname A', 'secure'],
    ['the DNAME itself', 'dname DNAME', 'secure'],
    ['all types', 'www ANY', 'secure'],
    ['no DS below the apex', 'www DS', 'secure'],
    ['an alias into an unsigned zone', 'plain A', 'insecure'],
    ['data below an unsigned delegation', 'www.unsigned A', 'insecure'],
    ['no data below an unsigned delegation', 'www.unsigned MX', 'insecure'],
    ['no name below an unsigned delegation', 'no.unsigned A', 'insecure'],
    ['signatures alone', 'www RRSIG', 'insecure'],
  ];
  const questionsOf = (label: string, exceptions: Readonly<Record<string, string>> = {}) =>
    QUESTIONS.map(([what, text, word]) => {
      const [name = '', type = ''] = text.split(' ');
      return [what, `${name}.${label}.test. ${type}`, exceptions[text] ?? word] as const;
    });

  test.each(questionsOf('nsec'))('NSEC: %s (%s) is %s', async (_what, question, word) => {
    expect(await verdict(question)).toBe(word);
  });

  test.each(questionsOf('nsec3'))('NSEC3: %s (%s) is %s', async (_what, question, word) => {
    expect(await verdict(question)).toBe(word);
  });

  // What falls into a span that leaves names out is not authentic (RFC 5155 section 9.2).
  const optOut = Object.fromEntries(
    ['no A', 'a.b.c.no A', 'x.wild A', 'x.y.wild A', 'x.alias A', 'x.wild MX'].map((text) => [
      text,
      'insecure',
    ]),
  );
  test.each(questionsOf('optout', optOut))('opt-out: %s (%s) is %s', async (_what, question, word) => {
    expect(await verdict(question)).toBe(word);
  });

  test.each([
    ['nsec.test. DS', 'secure'],
    ['plain.test. DS', 'secure'],
    ['. DS', 'secure'],
    ['. NS', 'secure'],
    ['. DNSKEY', 'secure'],
    ['invalid. A', 'secure'],
    ['WWW.NSEC.TEST. A', 'secure'],
    ['www.plain.test. A', 'insecure'],
    ['no.plain.test. A', 'insecure'],
    ['in.plain.test. A', 'insecure'],
    ['www.algorithm.test. A', `insecure ${EDE.UNSUPPORTED_DNSKEY_ALGORITHM}`],
    ['www.digest.test. A', `insecure ${EDE.UNSUPPORTED_DS_DIGEST}`],
    ['www.small.test. A', `bogus ${EDE.DNSKEY_MISSING}`],
    ['www.revoked.test. A', 'secure'],
    ['revoked.test. DNSKEY', 'secure'],
    ['www.many.test. A', 'secure'],
    ['www.iterations.test. A', 'secure'],
    ['no.iterations.test. A', `insecure ${EDE.UNSUPPORTED_NSEC3_ITERATIONS}`],
    ['x.wild.iterations.test. A', `insecure ${EDE.UNSUPPORTED_NSEC3_ITERATIONS}`],
    ['www.expired.test. A', `bogus ${EDE.SIGNATURE_EXPIRED}`],
    ['www.future.test. A', `bogus ${EDE.SIGNATURE_NOT_YET_VALID}`],
    ['www.lost.test. A', `bogus ${EDE.DNSKEY_MISSING}`],
    ['www.nokey.test. A', `bogus ${EDE.NO_ZONE_KEY_BIT_SET}`],
  ])('%s is %s', async (question, word) => {
    expect(await verdict(question)).toBe(word);
  });

  test('the text of a bogus answer names what is wrong', async () => {
    const outcome = await createValidator().ask('www.lost.test. A');
    expect(outcome).toMatchObject({ kind: 'bogus', text: 'lost.test. DNSKEY: no key that is trusted' });
  });

  test('an answer with another code is passed on as insecure', async () => {
    const refused = (reply: ZoneReply): ZoneReply => ({
      rcode: RCODE.YXDOMAIN,
      answer: [],
      authority: reply.authority,
    });
    expect(await verdict('www.nsec.test. A', change('www.nsec.test. A', refused))).toBe('insecure');
    const forged = (reply: ZoneReply): ZoneReply => ({ ...without(isRrsig)(reply), rcode: RCODE.YXDOMAIN });
    expect(await verdict('www.nsec.test. A', change('www.nsec.test. A', forged))).toMatch(/^bogus/);
  });
});

describe('answers that were changed on the way', () => {
  const WWW = 'www.nsec.test. A';

  test('other data is bogus, in an answer and under an alias', async () => {
    const forge = (reply: ZoneReply): ZoneReply => ({
      ...reply,
      answer: reply.answer.map((record) =>
        record.type === TYPE.A ? { ...record, rdata: Uint8Array.of(198, 51, 100, 1) } : record,
      ),
    });
    expect(await verdict(WWW, change(WWW, forge))).toBe(`bogus ${EDE.DNSSEC_BOGUS}`);
    for (const question of [
      'far.nsec.test. A',
      'in.plain.test. A',
      'www.dname.nsec.test. A',
      'x.wild.nsec.test. A',
    ])
      expect([question, await verdict(question, change(question, forge))]).toEqual([
        question,
        `bogus ${EDE.DNSSEC_BOGUS}`,
      ]);
  });

  test('an answer without its signatures is bogus', async () => {
    const missing = `bogus ${EDE.RRSIGS_MISSING}`;
    expect(await verdict(WWW, change(WWW, without(isRrsig)))).toBe(missing);
    expect(await verdict('x.wild.nsec.test. A', change('x.wild.nsec.test. A', without(isRrsig)))).toBe(
      missing,
    );
    expect(await verdict('near.nsec.test. A', change('near.nsec.test. A', without(isRrsig)))).toBe(missing);
  });

  test('an upstream that drops everything of DNSSEC makes everything bogus', async () => {
    const strip: Tamper = (_asked, reply) =>
      without(
        (record) => isRrsig(record) || [TYPE.NSEC, TYPE.DNSKEY, TYPE.DS].some((type) => type === record.type),
      )(reply);
    expect(await verdict(WWW, strip)).toBe(`bogus ${EDE.DNSKEY_MISSING}`);
    expect(await verdict('www.plain.test. A', strip)).toBe(`bogus ${EDE.DNSKEY_MISSING}`);
    const unsign: Tamper = (_asked, reply) => without(isRrsig)(reply);
    expect(await verdict(WWW, unsign)).toBe(`bogus ${EDE.RRSIGS_MISSING}`);
  });

  test.each([
    ['www.nsec.test. MX', TYPE.NSEC],
    ['no.nsec.test. A', TYPE.NSEC],
    ['x.wild.nsec.test. A', TYPE.NSEC],
    ['x.alias.nsec.test. A', TYPE.NSEC],
    ['www.nsec3.test. MX', TYPE.NSEC3],
    ['no.nsec3.test. A', TYPE.NSEC3],
    ['x.wild.nsec3.test. A', TYPE.NSEC3],
  ])('%s without its proof is bogus', async (question, type) => {
    const tamper = change(
      question,
      without((record) => coveredBy(record) === type),
    );
    expect(await verdict(question, tamper)).toBe(`bogus ${EDE.NSEC_MISSING}`);
  });

  test('each record of a proof is needed', async () => {
    for (const question of ['no.nsec3.test. A', 'x.wild.nsec3.test. MX', 'no.nsec.test. A']) {
      const reply = await replyTo(question);
      const owners = new Set(
        reply.authority
          .filter(({ type }) => type === TYPE.NSEC || type === TYPE.NSEC3)
          .map(({ owner }) => Buffer.from(owner).toString('latin1')),
      );
      expect(owners.size).toBeGreaterThan(0);
      for (const owner of owners) {
        const drop = (record: ResourceRecord): boolean =>
          Buffer.from(record.owner).toString('latin1') === owner && coveredBy(record) !== TYPE.SOA;
        expect(await verdict(question, change(question, without(drop)))).toMatch(/^bogus/);
      }
    }
  });

  test('the proof for one name does not deny another', async () => {
    for (const zone of ['nsec.test.', 'nsec3.test.']) {
      const [noName, noData] = [await replyTo(`no.${zone} A`), await replyTo(`near.${zone} DS`)];
      const question = `www.${zone} A`;
      expect(
        await verdict(
          question,
          change(question, () => noName),
        ),
      ).toBe(`bogus ${EDE.NSEC_MISSING}`);
      expect(
        await verdict(
          question,
          change(question, () => noData),
        ),
      ).toBe(`bogus ${EDE.NSEC_MISSING}`);
    }
  });

  test('an RCODE that the proof does not say is bogus', async () => {
    const asName = (reply: ZoneReply): ZoneReply => ({ ...reply, rcode: RCODE.NXDOMAIN });
    expect(await verdict('www.nsec.test. MX', change('www.nsec.test. MX', asName))).toMatch(/^bogus/);
    expect(await verdict(WWW, change(WWW, asName))).toMatch(/^bogus/);
  });

  describe('NXDOMAIN for an empty non-terminal', () => {
    const asMissing = (reply: ZoneReply): ZoneReply => ({ ...reply, rcode: RCODE.NXDOMAIN });

    test('is what an NSEC record says instead: no data', async () => {
      const question = 'b.empty.nsec.test. A';
      tree.lookup.tamper = change(question, asMissing);
      const outcome = await createValidator().ask(question);
      expect([wordsOf(outcome), messageRcode(messageOf(outcome))]).toEqual(['secure', RCODE.NOERROR]);
    });

    test.each(['nsec3', 'optout'])('is bogus by NSEC3, as it is for other validators (%s)', async (label) => {
      const question = `b.empty.${label}.test. A`;
      expect(await verdict(question, change(question, asMissing))).toBe(`bogus ${EDE.NSEC_MISSING}`);
    });

    test('behind an unsigned alias as well: the name is never denied', async () => {
      const { authority } = await replyTo('b.empty.nsec.test. A');
      const alias = parseRecord('www.plain.test. 300 IN CNAME b.empty.nsec.test.');
      tree.lookup.tamper = change('www.plain.test. A', () => ({
        rcode: RCODE.NXDOMAIN,
        answer: [alias],
        authority,
      }));
      const outcome = await createValidator().ask('www.plain.test. A');
      expect([wordsOf(outcome), messageRcode(messageOf(outcome))]).toEqual(['insecure', RCODE.NOERROR]);
    });

    test.each(['nsec', 'nsec3', 'optout'])('denies no other name, and no other type (%s)', async (label) => {
      const proof = asMissing(await replyTo(`b.empty.${label}.test. A`));
      const others = ['www', 'a.b.empty', 'x.wild', '*.wild', 'x.alias', 'near'];
      for (const name of others) {
        const question = `${name}.${label}.test. A`;
        const own = await replyTo(`${name}.${label}.test. TXT`);
        for (const forged of [proof, asMissing({ ...own, answer: [] })])
          expect([
            question,
            await verdict(
              question,
              change(question, () => forged),
            ),
          ]).toEqual([question, expect.stringMatching(/^bogus/)]);
      }
    });

    test('has to be proven', async () => {
      const question = 'b.empty.nsec.test. A';
      const unproven = (reply: ZoneReply): ZoneReply =>
        asMissing(without((record) => coveredBy(record) === TYPE.NSEC)(reply));
      expect(await verdict(question, change(question, unproven))).toBe(`bogus ${EDE.NSEC_MISSING}`);
    });
  });

  describe('a negative answer of the zone above a delegation', () => {
    /** SOA and the record at a delegation, as its parent signed them. */
    const ofParent = (parent: string, delegation: string): ZoneReply => {
      const records = tree.zones.get(parent)?.records ?? [];
      const isAt =
        (name: string, type: number) =>
        (record: ResourceRecord): boolean =>
          Buffer.compare(record.owner, nameFrom(name)) === 0 && coveredBy(record) === type;
      return {
        rcode: RCODE.NOERROR,
        answer: [],
        authority: [
          ...records.filter(isAt(parent, TYPE.SOA)),
          ...records.filter(isAt(delegation, TYPE.NSEC)),
        ],
      };
    };

    test.each([RCODE.NOERROR, RCODE.NXDOMAIN])(
      'is insecure when the delegation has no DS, with RCODE %i',
      async (rcode) => {
        const reply = { ...ofParent('test.', 'plain.test.'), rcode };
        expect(reply.authority).toHaveLength(4);
        for (const question of ['www.plain.test. A', 'plain.test. A', 'a.b.plain.test. DS']) {
          tree.lookup.reset();
          const tamper = change(question, () => reply);
          expect([question, await verdict(question, tamper)]).toEqual([question, 'insecure']);
          expect(tree.lookup.asked).not.toContain('plain.test. DS');
        }
      },
    );

    test('is insecure by NSEC3 as well', async () => {
      const reply = await replyTo('unsigned.nsec3.test. DS');
      const question = 'www.unsigned.nsec3.test. A';
      expect(
        await verdict(
          question,
          change(question, () => reply),
        ),
      ).toBe('insecure');
    });

    test('is bogus when the delegation has a DS, and makes nothing of the child insecure', async () => {
      const reply = ofParent('test.', 'nsec.test.');
      expect(reply.authority).toHaveLength(4);
      for (const question of ['www.nsec.test. A', 'nsec.test. A', 'no.nsec.test. A']) {
        const forged = change(question, () => reply);
        expect([question, await verdict(question, forged)]).toEqual([question, `bogus ${EDE.NSEC_MISSING}`]);
      }
    });

    test('is bogus with the record of another delegation, or beside the answer of a signed child', async () => {
      const plain = ofParent('test.', 'plain.test.');
      for (const question of ['www.nsec.test. A', 'no.nsec3.test. A', 'www.rsasha256.test. MX']) {
        const forged = change(question, () => plain);
        expect([question, await verdict(question, forged)]).toEqual([question, `bogus ${EDE.NSEC_MISSING}`]);
        const unsigned = change(question, (reply) => ({
          ...without(isRrsig)(reply),
          authority: plain.authority,
        }));
        expect([question, await verdict(question, unsigned)]).toEqual([
          question,
          expect.stringMatching(/^bogus/),
        ]);
      }
    });

    test('is bogus without a signature that fits', async () => {
      const question = 'www.plain.test. A';
      const reply = ofParent('test.', 'plain.test.');
      const drop = (record: ResourceRecord): boolean => isRrsig(record) && coveredBy(record) === TYPE.NSEC;
      const unsigned = change(question, () => without(drop)(reply));
      expect(await verdict(question, unsigned)).toBe(`bogus ${EDE.RRSIGS_MISSING}`);
      const forged = change(question, () => ({
        ...reply,
        authority: reply.authority.map((record) =>
          record.type === TYPE.NSEC
            ? { ...record, rdata: parseRecord('x. 300 IN NSEC z.test. NS').rdata }
            : record,
        ),
      }));
      expect(await verdict(question, forged)).toBe(`bogus ${EDE.DNSSEC_BOGUS}`);
    });

    test('says nothing about the DS at the delegation itself', async () => {
      const question = 'nsec.test. DS';
      const forged = change(question, () => ofParent('test.', 'plain.test.'));
      expect(await verdict(question, forged)).toBe(`bogus ${EDE.NSEC_MISSING}`);
    });
  });

  test('a delegation without its DS is not insecure', async () => {
    const ds = 'nsec.test. DS';
    const unsigned = without(isRrsig);
    const strip =
      (edit: (reply: ZoneReply) => ZoneReply): Tamper =>
      (asked, reply) => {
        if (asked === ds) return edit(reply);
        return asked.includes('nsec.test.') ? unsigned(reply) : reply;
      };
    const empty = (reply: ZoneReply): ZoneReply => ({ ...reply, answer: [] });
    const plain = await replyTo('plain.test. DS');
    const apex = await replyTo('nsec.test. MX');
    expect(await verdict(WWW, strip(empty))).toBe(`bogus ${EDE.NSEC_MISSING}`);
    expect(
      await verdict(
        WWW,
        strip(() => plain),
      ),
    ).toBe(`bogus ${EDE.NSEC_MISSING}`);
    // The child's own records, as a server of both zones that confuses them gives them.
    expect(
      await verdict(
        WWW,
        strip(() => apex),
      ),
    ).toMatch(/^bogus/);
    expect(await verdict(WWW, strip(unsigned))).toBe(`bogus ${EDE.RRSIGS_MISSING}`);
  });

  test('a DS question needs the proof of the parent, whatever the zone below is', async () => {
    const unproven = (reply: ZoneReply): ZoneReply => ({ ...reply, answer: [], authority: [] });
    for (const question of ['plain.test. DS', 'nsec.test. DS'])
      expect(await verdict(question, change(question, unproven))).toBe(`bogus ${EDE.NSEC_MISSING}`);
  });

  test('a revoked key does not make keys secure for whoever asks for them', async () => {
    const { ask } = createValidator();
    await ask('www.revoked.test. A');
    const question = 'revoked.test. DNSKEY';
    const { answer } = await replyTo(question);
    const revoked = answer.flatMap(({ type, rdata }) =>
      type === TYPE.DNSKEY ? (parseDnsKey(rdata) ?? []) : [],
    );
    const tag = revoked.find(({ isRevoked }) => isRevoked)?.keyTag;
    const drop = (record: ResourceRecord): boolean => isRrsig(record) && readU16(record.rdata, 16) !== tag;
    expect(answer.some((record) => isRrsig(record) && !drop(record))).toBe(true);
    tree.lookup.tamper = change(question, without(drop));
    expect(wordsOf(await ask(question))).toBe(`bogus ${EDE.DNSKEY_MISSING}`);
  });

  test('a signature of a zone that is not above the name counts for nothing', async () => {
    const other = await replyTo('www.nsec3.test. A');
    const foreign = change(WWW, (reply) => ({
      ...reply,
      answer: [...without(isRrsig)(reply).answer, ...other.answer.filter(isRrsig).map(withOwner(reply))],
    }));
    expect(await verdict(WWW, foreign)).toBe(`bogus ${EDE.RRSIGS_MISSING}`);
  });

  test('a signer above the trust anchor does not make an answer insecure', async () => {
    const signer = nameFrom('test.');
    const rename = (record: ResourceRecord): ResourceRecord =>
      isRrsig(record)
        ? {
            ...record,
            rdata: Buffer.concat([record.rdata.subarray(0, 18), signer, record.rdata.subarray(18 + 11)]),
          }
        : record;
    const island = parseTrustAnchors((tree.zones.get('nsec.test.')?.ds ?? []).join('\n'), 'island');
    const tamper = change(WWW, (reply) => ({ ...reply, answer: reply.answer.map(rename) }));
    expect(await verdict(WWW, undefined, { anchors: island })).toBe('secure');
    expect(await verdict('www.nsec3.test. A', undefined, { anchors: island })).toBe('insecure');
    expect(await verdict(WWW, tamper, { anchors: island })).toBe(`bogus ${EDE.RRSIGS_MISSING}`);
  });

  test('a DNAME above the trust anchor does not make an answer insecure', async () => {
    const island = parseTrustAnchors((tree.zones.get('nsec.test.')?.ds ?? []).join('\n'), 'island');
    const texts = [
      'test. 300 IN DNAME example.org.',
      'www.nsec.test. 300 IN CNAME www.nsec.example.org.',
      'www.nsec.example.org. 300 IN A 198.51.100.1',
    ];
    const tamper = change(WWW, (reply) => ({ ...reply, answer: texts.map((text) => parseRecord(text)) }));
    expect(await verdict(WWW, tamper, { anchors: island })).toBe(`bogus ${EDE.RRSIGS_MISSING}`);
    const below = change('www.plain.test. A', (reply) => ({
      ...reply,
      answer: texts.map((text) => parseRecord(text.replace('nsec', 'plain').replace('nsec', 'plain'))),
    }));
    expect(await verdict('www.plain.test. A', below, { anchors: island })).toBe('insecure');
  });

  test('a record that nobody asked for is judged as well', async () => {
    const stray = parseRecord('www.rsasha256.test. 300 IN A 198.51.100.1');
    const tamper = change(WWW, (reply) => ({ ...reply, answer: [...reply.answer, stray] }));
    expect(await verdict(WWW, tamper)).toBe(`bogus ${EDE.RRSIGS_MISSING}`);
  });

  test('more than twelve aliases are not followed', async () => {
    const chain = (length: number): Tamper =>
      change('www.plain.test. A', (reply) => ({
        ...reply,
        answer: Array.from({ length }, (_, index) =>
          parseRecord(`${index === 0 ? 'www' : index}.plain.test. 300 IN CNAME ${index + 1}.plain.test.`),
        ),
      }));
    expect(await verdict('www.plain.test. A', chain(12))).toBe('insecure');
    expect(await verdict('www.plain.test. A', chain(13))).toBe(`bogus ${EDE.DNSSEC_BOGUS}`);
    const loop = change('www.plain.test. A', (reply) => ({
      ...reply,
      answer: [parseRecord('www.plain.test. 300 IN CNAME www.plain.test.')],
    }));
    expect(await verdict('www.plain.test. A', loop)).toBe(`bogus ${EDE.DNSSEC_BOGUS}`);
  });

  for (const [options, rounds] of runsInTwo(60, 10))
    test(
      `no mutation of an answer or of its chain gives secure other data, or insecure data: ${rounds} of them`,
      options,
      async () => {
        const random = createRandom(20_326);
        const questions = [WWW, 'no.nsec3.test. A', 'x.wild.nsec.test. A', 'far.nsec.test. A'];
        const genuine = new Map<string, string>();
        for (const question of questions) {
          genuine.set(question, dataOf(messageOf(await createValidator().ask(question))));
        }
        let unharmed = 0;
        for (let round = 0; round < rounds; round++) {
          const question = questions[round % questions.length] ?? WWW;
          const lookup = mutatingLookup(random, round % 2 === 0 ? question : undefined);
          const { ask, reports } = createValidator({ lookup });
          const outcome = await ask(question);
          expect([round, reports.filter((report) => report.startsWith('defect'))]).toEqual([round, []]);
          if (outcome.kind !== 'answer') continue;
          const rcode = (outcome.message[3] ?? 0) & 0xf;
          if (outcome.security === 'secure') {
            unharmed++;
            expect([round, dataOf(outcome.message)]).toEqual([round, genuine.get(question)]);
          } else expect([round, rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN]).toEqual([round, false]);
        }
        expect(unharmed).toBeGreaterThan(0);
        expect(unharmed).toBeLessThan(rounds);
      },
    );
});

/** What a message says: its RCODE and the data of ANSWER, without TTLs and signatures. */
const dataOf = (message: Uint8Array): string => {
  const answers = (readRrsets(message) ?? []).filter(
    ({ section, type }) => section === SECTION.ANSWER && type !== TYPE.RRSIG,
  );
  const texts = answers.map(
    ({ owner, type, rdatas }) =>
      [owner, ...rdatas].map((bytes) => Buffer.from(bytes).toString('hex')).join(' ') + type,
  );
  return [(message[3] ?? 0) & 0xf, ...texts.sort()].join('\n');
};

/** The tree's lookup, whose answers to one question, or to half of all, are mutated. */
const mutatingLookup = (
  random: (limit: number) => number,
  only: string | undefined,
): ValidatorOptions['lookup'] => ({
  resolve: (question, done) => {
    const own = nameFrom(only?.split(' ')[0] ?? '.');
    const isChosen = only === undefined ? random(2) === 0 : Buffer.compare(question.name, own) === 0;
    tree.lookup.resolve(question, (outcome) => {
      const isMutated = isChosen && outcome.kind === 'answer';
      done(isMutated ? { ...outcome, message: mutate([outcome.message], random) } : outcome);
    });
  },
});

/** Gives records the owner of a reply's first one. */
const withOwner =
  (reply: ZoneReply) =>
  (record: ResourceRecord): ResourceRecord => ({ ...record, owner: reply.answer[0]?.owner ?? record.owner });

describe('what is asked and handed on', () => {
  test('everything is asked with DO and CD, whatever the client said', async () => {
    await createValidator().ask('www.nsec.test. A', { dnssecOk: false });
    expect(tree.lookup.questions.length).toBeGreaterThan(4);
    for (const { dnssecOk, checkingDisabled } of tree.lookup.questions)
      expect([dnssecOk, checkingDisabled]).toEqual([true, true]);
  });

  test('a question with CD goes out as it came and is not validated', async () => {
    const { ask } = createValidator();
    const outcome = await ask('www.lost.test. A', { checkingDisabled: true, dnssecOk: false });
    expect(wordsOf(outcome)).toBe('insecure');
    expect(tree.lookup.asked).toEqual(['www.lost.test. A']);
    expect(tree.lookup.questions).toMatchObject([{ checkingDisabled: true, dnssecOk: false }]);
  });

  test('a question whose zone is known costs one look-up', async () => {
    const { ask } = createValidator();
    await ask('www.nsec.test. A');
    tree.lookup.reset();
    for (const question of ['near.nsec.test. A', 'no.nsec.test. A', 'x.wild.nsec.test. A']) {
      await ask(question);
      expect(tree.lookup.asked).toEqual([question]);
      tree.lookup.reset();
    }
  });

  test('signatures bound the lifetime: the original TTL and the end', async () => {
    const { ask, time } = createValidator();
    const raise = change('www.nsec.test. A', (reply) => ({
      ...reply,
      answer: reply.answer.map((record) => ({ ...record, ttl: 86_400 })),
    }));
    tree.lookup.tamper = raise;
    expect(await ask('www.nsec.test. A')).toMatchObject({ security: 'secure', ttlMaxSec: 300 });
    // The tree's signatures end ten days after they were made.
    time.nowMs += (10 * DAY_SEC - 200) * 1000;
    const late = await ask('www.nsec.test. A');
    assert.ok(late.kind === 'answer' && late.security === 'secure');
    expect(late.ttlMaxSec).toBeGreaterThan(100);
    expect(late.ttlMaxSec).toBeLessThan(300);
    expect(await ask('www.plain.test. A')).toMatchObject({ ttlMaxSec: Number.POSITIVE_INFINITY });
  });

  test('the records of a proof bound the lifetime as well', async () => {
    const question = 'no.nsec.test. A';
    const lower = change(question, (reply) => ({
      ...reply,
      authority: reply.authority.map((record) =>
        record.type === TYPE.NSEC ? { ...record, ttl: 60 } : record,
      ),
    }));
    tree.lookup.tamper = lower;
    expect(await createValidator().ask(question)).toMatchObject({ security: 'secure', ttlMaxSec: 60 });
  });

  test('what of AUTHORITY was not verified is left out where a client would get it', async () => {
    const stray = parseRecord('nsec.test. 300 IN NS ns.example.org.');
    for (const [question, kept] of [
      ['www.nsec.test. A', []],
      ['x.wild.nsec.test. A', ['NSEC', 'RRSIG']],
      ['no.nsec.test. A', ['NSEC', 'RRSIG', 'SOA']],
    ] as const) {
      tree.lookup.tamper = change(question, (reply) => ({
        ...reply,
        authority: [stray, ...reply.authority],
      }));
      const outcome = await createValidator().ask(question);
      expect(wordsOf(outcome)).toBe('secure');
      const { authority, answer, isSound } = parseMessage(messageOf(outcome));
      expect([...new Set(authority.map((text) => text.split(' ')[3]))].sort()).toEqual(kept);
      expect(isSound).toBe(true);
      expect(answer.length).toBe(parseMessage(await messageFor(question)).answer.length);
    }
    const plain = await createValidator().ask('www.nsec.test. A', { dnssecOk: false });
    expect(wordsOf(plain)).toBe('secure');
  });

  test.each(['nsec', 'nsec3'])(
    'records of %s that no proof needs and nobody signed change nothing, now or later',
    async (label) => {
      const isDenial = (record: ResourceRecord): boolean =>
        coveredBy(record) === TYPE.NSEC || coveredBy(record) === TYPE.NSEC3;
      const all = (tree.zones.get(`${label}.test.`)?.records ?? []).filter(isDenial);
      const spoil = (record: ResourceRecord): ResourceRecord =>
        isRrsig(record)
          ? { ...record, rdata: Buffer.concat([record.rdata.subarray(0, -8), Buffer.alloc(8, 1)]) }
          : record;
      const told = (outcome: ValidatedOutcome) => {
        const message = messageOf(outcome);
        const { answer, authority } = parseMessage(message);
        const rcode = messageRcode(message);
        return {
          worth: wordsOf(outcome),
          rcode,
          answer,
          authority: authority.toSorted(),
          ttlMaxSec: ttlOf(outcome),
        };
      };
      for (const name of ['no A', 'www MX', 'x.wild A', 'x.wild MX', 'empty A', 'unsigned DS']) {
        const question = name.replace(' ', `.${label}.test. `);
        tree.lookup.tamper = undefined;
        const expected = told(await createValidator().ask(question));
        expect(expected.authority.length).toBeGreaterThan(1);
        const { authority } = await replyTo(question);
        const isIn = (record: ResourceRecord): boolean =>
          authority.some(({ owner }) => Buffer.compare(owner, record.owner) === 0);
        const others = all.filter((record) => !isIn(record));
        expect(others.length).toBeGreaterThan(4);
        for (const strays of [others.map(spoil), others.filter((record) => !isRrsig(record))])
          for (const isFirst of [true, false]) {
            const { ask } = createValidator({ aggressiveNsec: true });
            tree.lookup.tamper = change(question, (reply) => ({
              ...reply,
              authority: isFirst ? [...strays, ...reply.authority] : [...reply.authority, ...strays],
            }));
            expect([question, told(await ask(question))]).toEqual([question, expected]);
            for (const later of [`www.${label}.test. A`, `a.b.empty.${label}.test. A`])
              expect([later, wordsOf(await ask(later))]).toEqual([later, 'secure']);
          }
      }
    },
  );

  test('an SOA that was changed makes a negative answer bogus', async () => {
    const longer = (reply: ZoneReply): ZoneReply => ({
      ...reply,
      authority: reply.authority.map((record) =>
        record.type === TYPE.SOA
          ? { ...record, rdata: Buffer.concat([record.rdata.subarray(0, -1), Uint8Array.of(1)]) }
          : record,
      ),
    });
    expect(await verdict('no.nsec.test. A', change('no.nsec.test. A', longer))).toBe(
      `bogus ${EDE.DNSSEC_BOGUS}`,
    );
  });

  test('failures of the look-up and of the chain are passed on', async () => {
    const down =
      (question: string): Tamper =>
      (asked, reply) =>
        asked === question ? { kind: 'failure', reason: 'timeout' } : reply;
    for (const question of ['www.nsec.test. A', 'nsec.test. DS', 'test. DNSKEY', '. DNSKEY'])
      expect([question, await verdict('www.nsec.test. A', down(question))]).toEqual([
        question,
        'failure timeout',
      ]);
  });

  test('a failed look-up is not remembered', async () => {
    const { ask } = createValidator();
    tree.lookup.tamper = (asked, reply) =>
      asked === 'nsec.test. DS' ? { kind: 'failure', reason: 'network' } : reply;
    expect(wordsOf(await ask('www.nsec.test. A'))).toBe('failure network');
    tree.lookup.tamper = undefined;
    expect(wordsOf(await ask('www.nsec.test. A'))).toBe('secure');
  });

  test('a lookup that throws is a failure', async () => {
    const lookup = {
      resolve: () => {
        throw new Error('closed');
      },
    };
    expect(await verdict('www.nsec.test. A', undefined, { lookup })).toBe('failure network');
  });

  test('an observer that throws does not leave a question without an outcome', async () => {
    const reports: unknown[] = [];
    const observer = {
      chainLookup: () => {
        throw new Error('no memory');
      },
      validated: () => {},
      retried: () => {},
      denied: () => {},
      exceeded: () => {},
      defect: (thrown: unknown) => reports.push(thrown),
    };
    expect(await verdict('www.nsec.test. A', undefined, { observer })).toBe('failure servfail');
    expect(reports).toHaveLength(1);
  });
});

/** The untampered message for a question. */
const messageFor = async (question: string): Promise<Uint8Array> => {
  tree.lookup.tamper = undefined;
  return messageOf(await createValidator().ask(question));
};

describe('second tries and memory', () => {
  test('a bogus answer is asked for once more, from somebody else', async () => {
    const { ask, reports } = createValidator();
    tree.lookup.tamper = (asked, reply, times) =>
      asked === 'www.nsec.test. A' && times === 0 ? without(isRrsig)(reply) : reply;
    expect(wordsOf(await ask('www.nsec.test. A'))).toBe('secure');
    expect(reports).toEqual(['retried', 'secure -1']);
    const own = tree.lookup.questions.filter(({ type }) => type === TYPE.A);
    expect(own.map(({ notFrom }) => notFrom)).toEqual([undefined, 'server-0']);
  });

  test.each(['. DNSKEY', 'test. DS', 'test. DNSKEY', 'nsec.test. DS', 'nsec.test. DNSKEY'])(
    'so is %s on the way',
    async (question) => {
      const once: Tamper = (asked, reply, times) =>
        asked === question && times === 0 ? without(isRrsig)(reply) : reply;
      expect(await verdict('www.nsec.test. A', once)).toBe('secure');
      const always: Tamper = (asked, reply) => (asked === question ? without(isRrsig)(reply) : reply);
      tree.lookup.reset();
      expect(await verdict('www.nsec.test. A', always)).toBe(`bogus ${EDE.RRSIGS_MISSING}`);
      expect(tree.lookup.asked.filter((asked) => asked === question)).toHaveLength(2);
    },
  );

  test('when the second try fails, the first one tells why', async () => {
    const { ask } = createValidator();
    tree.lookup.tamper = (asked, reply, times) => {
      if (asked !== 'www.nsec.test. A') return reply;
      return times === 0 ? without(isRrsig)(reply) : { kind: 'failure', reason: 'timeout' };
    };
    expect(wordsOf(await ask('www.nsec.test. A'))).toBe(`bogus ${EDE.RRSIGS_MISSING}`);
  });

  test('what is bogus is not asked again for five seconds', async () => {
    const { ask, time } = createValidator();
    tree.lookup.tamper = change('www.nsec.test. A', without(isRrsig));
    const first = await ask('www.nsec.test. A');
    expect(tree.lookup.asked.filter((asked) => asked === 'www.nsec.test. A')).toHaveLength(2);
    tree.lookup.reset();
    expect(await ask('WWW.nsec.test. A')).toMatchObject({ kind: 'bogus', code: EDE.RRSIGS_MISSING });
    expect(wordsOf(await ask('www.nsec.test. A', { view: 1 }))).toBe('secure');
    expect(first.kind).toBe('bogus');
    tree.lookup.reset();
    time.nowMs += BOGUS_MS - 1;
    expect(wordsOf(await ask('www.nsec.test. A'))).toBe(`bogus ${EDE.RRSIGS_MISSING}`);
    expect(tree.lookup.asked).toEqual([]);
    time.nowMs += 1;
    expect(wordsOf(await ask('www.nsec.test. A'))).toBe('secure');
  });

  test('a clock that steps back makes what is remembered as bogus stale', async () => {
    const { ask, time } = createValidator();
    tree.lookup.tamper = change('www.nsec.test. A', without(isRrsig));
    await ask('www.nsec.test. A');
    tree.lookup.reset();
    time.nowMs -= 1000;
    expect(wordsOf(await ask('www.nsec.test. A'))).toBe('secure');
  });

  test('clear() forgets zones and what was bogus', async () => {
    const { ask, validator } = createValidator();
    tree.lookup.tamper = change('www.nsec.test. A', without(isRrsig));
    await ask('www.nsec.test. A');
    tree.lookup.reset();
    validator.clear();
    expect(wordsOf(await ask('www.nsec.test. A'))).toBe('secure');
    expect(tree.lookup.asked).toContain('. DNSKEY');
  });

  test('setAnchors() judges by other anchors', async () => {
    const { ask, validator } = createValidator();
    expect(wordsOf(await ask('www.nsec.test. A'))).toBe('secure');
    validator.setAnchors(parseTrustAnchors(`. DS 1 13 2 ${'00'.repeat(32)}`, 'other'));
    expect(wordsOf(await ask('www.nsec.test. A'))).toBe(`bogus ${EDE.DNSKEY_MISSING}`);
    validator.setAnchors([]);
    expect(wordsOf(await ask('www.nsec3.test. A'))).toBe('insecure');
  });
});

describe('proofs that are kept', () => {
  const options = { aggressiveNsec: true };

  test('a name that a secure answer denies is answered without a look-up', async () => {
    const { ask, reports } = createValidator(options);
    expect(wordsOf(await ask('no.nsec.test. A'))).toBe('secure');
    tree.lookup.reset();
    const outcome = await ask('no.nsec.test. AAAA');
    expect(wordsOf(outcome)).toBe('secure');
    expect(parseMessage(messageOf(outcome))).toMatchObject({ question: 'no.nsec.test. AAAA', answer: [] });
    expect(tree.lookup.asked).toEqual([]);
    expect(reports).toContain('denied');
    expect(wordsOf(await ask('www.nsec.test. A'))).toBe('secure');
  });

  test('nothing is kept of a bogus or insecure answer, nor without the option', async () => {
    const { ask } = createValidator(options);
    await ask('no.optout.test. A');
    tree.lookup.tamper = change('no.nsec.test. A', (reply) => ({ ...reply, rcode: RCODE.NOERROR }));
    expect(wordsOf(await ask('no.nsec.test. A'))).toMatch(/^bogus/);
    tree.lookup.reset();
    await ask('no.optout.test. AAAA');
    await ask('no.nsec.test. AAAA');
    expect(tree.lookup.asked).toEqual(['no.optout.test. AAAA', 'no.nsec.test. AAAA']);
    const off = createValidator();
    await off.ask('no.nsec.test. A');
    tree.lookup.reset();
    await off.ask('no.nsec.test. AAAA');
    expect(tree.lookup.asked).toEqual(['no.nsec.test. AAAA']);
  });

  test('clear() forgets them', async () => {
    const { ask, validator } = createValidator(options);
    await ask('no.nsec.test. A');
    validator.clear();
    tree.lookup.reset();
    await ask('no.nsec.test. AAAA');
    expect(tree.lookup.asked).toContain('no.nsec.test. AAAA');
  });

  test('nothing denies a name below a negative trust anchor', async () => {
    const { ask } = createValidator({ ...options, negativeAnchors: [nameFrom('No.nsec.test.')] });
    await ask('nn.nsec.test. A');
    tree.lookup.reset();
    expect(wordsOf(await ask('a.no.nsec.test. A'))).toBe('insecure');
    expect(tree.lookup.asked).toEqual(['a.no.nsec.test. A']);
  });
});

describe('limits', () => {
  test('look-ups of one question are bounded', async () => {
    const { ask, reports } = createValidator({ workLimits: { lookups: 3 } });
    const outcome = await ask('www.nsec.test. A');
    expect(outcome).toMatchObject({
      kind: 'bogus',
      code: EDE.DNSSEC_BOGUS,
      text: 'www.nsec.test. A: validation takes too much work (look-ups)',
    });
    expect(tree.lookup.asked).toHaveLength(3);
    expect(reports).toEqual(['exceeded lookups', `bogus ${EDE.DNSSEC_BOGUS}`]);
  });

  test('of negative answers that come in one batch, a turn of the loop takes a few, so that others come between', async () => {
    const batch: (() => void)[] = [];
    let isHeld = false;
    const lookup: Lookup = {
      resolve: (question, answered) => {
        tree.lookup.resolve(question, (outcome) => {
          if (isHeld) batch.push(() => answered(outcome));
          else answered(outcome);
        });
      },
    };
    const { ask } = createValidator({ lookup });
    await ask('none.nsec.test. A');
    isHeld = true;
    let [done, before, most] = [0, 0, 0];
    const all = Array.from({ length: 100 }, async (_, i) => {
      expect(wordsOf(await ask(`none${i}.nsec.test. A`))).toBe('secure');
      done++;
    });
    await vi.waitUntil(() => batch.length === all.length, { timeout: 60_000 });
    for (const answer of batch) answer();
    while (before < all.length) {
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, done - before);
      before = done;
    }
    await Promise.all(all);
    // Each takes two signatures at least, and a turn 32.
    expect(most).toBeLessThanOrEqual(17);
  });

  test('what one question had no work left for is no state of a zone', async () => {
    const { ask } = createValidator({ workLimits: { lookups: 4 } });
    expect(wordsOf(await ask('www.nsec.test. A'))).toMatch(/^bogus/);
    expect(wordsOf(await ask('near.nsec.test. A'))).toBe('secure');
  });

  test('two more keys with the tag of the one that signs do no harm', async () => {
    expect(await verdict('www.pair.test. A')).toBe('secure');
  });

  test('fourteen keys with one tag are given up after four wrong verifications for each RRset', async () => {
    // Data that no key signed: four failures for the answer, and none for the second one, which is the same.
    const forged = change('www.trap.test. A', (reply) => ({
      ...reply,
      answer: reply.answer.map((record) =>
        isRrsig(record) ? record : { ...record, rdata: Buffer.alloc(4) },
      ),
    }));
    for (const [failures, limited] of [
      [3, true],
      [4, false],
    ] as const) {
      tree.lookup.tamper = forged;
      const { ask, reports } = createValidator({ workLimits: { failures } });
      expect(wordsOf(await ask('www.trap.test. A'))).toBe(`bogus ${EDE.DNSSEC_BOGUS}`);
      expect([failures, reports.includes('exceeded failures')]).toEqual([failures, limited]);
    }
  });

  test.each(['nsec', 'nsec3'])(
    'of hundreds of %s records with good signatures those are verified that prove',
    async (zone) => {
      const question = `no.such.${zone}.test. A`;
      const isGranted = async (verifications: number, tamper?: Tamper): Promise<boolean> => {
        tree.lookup.tamper = tamper;
        return wordsOf(await createValidator({ workLimits: { verifications } }).ask(question)) === 'secure';
      };
      let needed = 1;
      while (!(await isGranted(needed))) needed++;
      const records = tree.zones.get(`${zone}.test.`)?.records ?? [];
      const isDenial = (record: ResourceRecord): boolean => {
        const type = isRrsig(record) ? readU16(record.rdata, 0) : record.type;
        return type === TYPE.NSEC || type === TYPE.NSEC3;
      };
      const all = records.filter(isDenial);
      expect(all.length).toBeGreaterThan(20);
      const stuffed = change(question, (reply) => ({
        ...reply,
        authority: [...all, ...reply.authority.filter((record) => !isDenial(record))],
      }));
      expect(await isGranted(needed, stuffed)).toBe(true);
      expect(await isGranted(needed - 1, stuffed)).toBe(false);
    },
  );

  test('a bogus answer that comes again is not verified again, and asked for once where nobody else is', async () => {
    for (const isOnly of [false, true]) {
      tree.lookup.reset();
      const lookup = {
        resolve: (question: Question, done: (outcome: LookupOutcome) => void) =>
          tree.lookup.resolve(question, (outcome) =>
            done(outcome.kind === 'answer' ? { ...outcome, isOnly } : outcome),
          ),
      };
      tree.lookup.tamper = change('www.nsec.test. A', (reply) => ({
        ...reply,
        answer: reply.answer.map((record) =>
          isRrsig(record) ? record : { ...record, rdata: Buffer.alloc(4) },
        ),
      }));
      const { ask } = createValidator({ lookup, workLimits: { failures: 1 } });
      // The second verification would meet the limit, and be told in other words.
      expect(await ask('www.nsec.test. A')).toMatchObject({ text: 'www.nsec.test. A: wrong signature' });
      const times = tree.lookup.asked.filter((question) => question === 'www.nsec.test. A').length;
      expect(times).toBe(isOnly ? 1 : 2);
    }
  });

  test('a zone whose keys are bogus is remembered for new names, and nobody is asked about them', async () => {
    const { ask, time } = createValidator();
    tree.lookup.tamper = change('nsec.test. DNSKEY', (reply) => ({ ...reply, answer: [] }));
    expect(wordsOf(await ask('www.nsec.test. A'))).toMatch(/^bogus/);
    tree.lookup.reset();
    expect(wordsOf(await ask('new.name.nsec.test. A'))).toMatch(/^bogus/);
    expect(tree.lookup.asked).toEqual([]);
    time.nowMs += 10_000;
    tree.lookup.tamper = undefined;
    expect(wordsOf(await ask('www.nsec.test. A'))).toBe('secure');
  });

  test('names of an owner whose wrong signatures cost much get less work, and others as much as before', async () => {
    const { ask, reports, time } = createValidator();
    // Never the same twice, so that the second answer is verified as well.
    const spoil = (record: ResourceRecord, times: number): ResourceRecord =>
      isRrsig(record) ? { ...record, rdata: Buffer.from([...record.rdata.slice(0, -2), times, 1]) } : record;
    const forged: Tamper = (asked, reply, times) =>
      /^n\d+\.nsec3\.test\. A$/.test(asked)
        ? { ...reply, authority: reply.authority.map((record) => spoil(record, times)) }
        : reply;
    tree.lookup.tamper = forged;
    let count = 0;
    const askOne = async (): Promise<boolean> => {
      reports.length = 0;
      expect(wordsOf(await ask(`n${count++}.nsec3.test. A`))).toMatch(/^bogus/);
      return reports.includes('retried');
    };
    while ((await askOne()) && count < 2000);
    // Some units a question: far from the first ones, and long before two thousand.
    expect(count).toBeGreaterThan(20);
    expect(count).toBeLessThan(2000);
    expect(wordsOf(await ask('www.nsec3.test. A'))).toBe('secure');
    expect(wordsOf(await ask('no.nsec.test. A'))).toBe('secure');
    time.nowMs += 10_000;
    expect(await askOne()).toBe(true);
  });

  test('a question that used up its work is not remembered: what it learned lets it succeed', async () => {
    const { ask, reports } = createValidator({ workLimits: { verifications: 12 } });
    const found: string[] = [];
    for (let i = 0; i < 5; i++) found.push(wordsOf(await ask('www.nsec.test. A')));
    expect(found.slice(0, 1)).toEqual([`bogus ${EDE.DNSSEC_BOGUS}`]);
    expect(found.at(-1)).toBe('secure');
    expect(reports).toContain('exceeded verifications');
  });

  test('NSEC3 hashes are bounded', async () => {
    const { ask, reports } = createValidator({ workLimits: { nsec3Hashes: 1 } });
    expect(wordsOf(await ask('a.b.c.no.nsec3.test. A'))).toBe(`bogus ${EDE.DNSSEC_BOGUS}`);
    expect(reports).toContain('exceeded nsec3Hashes');
  });
});

describe('an anchor below an anchor', () => {
  const signBoth = (denial: 'nsec' | 'nsec3' | 'nsec3-optout') => ({
    outer: signZone({ apex: 'example.com.', records: ['www.example.com. 300 IN A 192.0.2.1'], denial }),
    inner: signZone({ apex: 'corp.example.com.', records: ['www.corp.example.com. 300 IN A 192.0.2.2'] }),
  });

  test.each(['nsec', 'nsec3', 'nsec3-optout'] as const)(
    'nothing is denied by the zone above (%s)',
    async (denial) => {
      const { outer, inner } = signBoth(denial);
      const anchors = parseTrustAnchors([...outer.ds, ...inner.ds].join('\n'), 'anchors');
      // Outside, where nobody knows the inner zone.
      const lookup = new ZoneLookup([outer]);
      const { ask } = createValidator({ lookup, anchors });
      expect(wordsOf(await ask('www.corp.example.com. A'))).toMatch(/^bogus/);
    },
  );

  test('nor is a zone with an anchor insecure by its delegation', async () => {
    const records = ['corp.example.com. 300 IN NS ns.corp.example.com.'];
    const outer = signZone({ apex: 'example.com.', records });
    const inner = signZone({
      apex: 'corp.example.com.',
      records: ['www.corp.example.com. 300 IN A 192.0.2.2'],
    });
    const anchors = parseTrustAnchors([...outer.ds, ...inner.ds].join('\n'), 'anchors');
    const lookup = new ZoneLookup([outer, inner]);
    const denial = new Promise<ZoneReply>((resolve) => {
      lookup.tamper = (asked, reply) => {
        if (asked === 'corp.example.com. DS') resolve(reply);
        return reply;
      };
    });
    const { ask } = createValidator({ lookup, anchors: parseTrustAnchors(outer.ds.join('\n'), 'outer') });
    expect(wordsOf(await ask('www.corp.example.com. A'))).toBe('insecure');
    const forged = await denial;
    expect(forged.authority.some(({ type }) => type === TYPE.NSEC)).toBe(true);
    lookup.tamper = (asked, reply) => (asked === 'www.corp.example.com. A' ? forged : reply);
    expect(wordsOf(await createValidator({ lookup, anchors }).ask('www.corp.example.com. A'))).toMatch(
      /^bogus/,
    );
  });

  test('nor by keys of a size that does not count in place of those that an anchor names', async () => {
    const inner = signZone({
      apex: 'corp.example.com.',
      records: ['www.corp.example.com. 300 IN A 192.0.2.2'],
    });
    const odd = parseRecord(SMALL_KEY.replace('small.test.', inner.apex));
    const digest = createHash('sha256')
      .update(Buffer.concat([odd.owner, odd.rdata]))
      .digest('hex');
    const oddDs = `${inner.apex} IN DS ${parseDnsKey(odd.rdata)?.keyTag} 8 2 ${digest}`;
    const lookup = new ZoneLookup([inner]);
    for (const texts of [[...inner.ds, oddDs], [oddDs]]) {
      lookup.tamper = (asked, reply) => {
        if (asked === 'corp.example.com. DNSKEY') return { ...reply, answer: [odd] };
        return asked.startsWith('www.') ? { ...reply, answer: reply.answer.slice(0, 1) } : reply;
      };
      const anchors = parseTrustAnchors(texts.join('\n'), 'anchors');
      const { ask } = createValidator({ lookup, anchors });
      expect(wordsOf(await ask('www.corp.example.com. A'))).toBe(`bogus ${EDE.DNSKEY_MISSING}`);
    }
  });

  test('nor by what is kept of its proofs', async () => {
    const { outer, inner } = signBoth('nsec');
    const anchors = parseTrustAnchors([...outer.ds, ...inner.ds].join('\n'), 'anchors');
    const lookup = new ZoneLookup([outer, inner]);
    const { ask, reports } = createValidator({ lookup, anchors, aggressiveNsec: true });
    await ask('aaa.example.com. A');
    await ask('bbb.example.com. A');
    expect(reports).toContain('denied');
    const outcome = await ask('www.corp.example.com. A');
    assert.ok(outcome.kind === 'answer');
    expect([messageRcode(outcome.message), outcome.security]).toEqual([RCODE.NOERROR, 'secure']);
  });
});

test('isClockPlausible() tells a clock that was never set', () => {
  expect(isClockPlausible(0)).toBe(false);
  expect(isClockPlausible(Date.UTC(2026, 0, 1))).toBe(false);
  expect(isClockPlausible(Date.UTC(2027, 0, 1))).toBe(true);
});
