// Cases of records that are all well signed, by somebody, and stand where they prove nothing: the parent's side of a zone
// cut, the child's, below a DNAME, expanded from a wildcard; and signatures of every time and label count.
//
// Below each zone is `kid`, which is signed by a key of its own.

import { nameFrom, RCODE, type ResourceRecord, TYPE } from '../../../src/wire/dns/dns.ts';
import { createNsec3Rrsets, type DenialZone } from '../../support/denial-zone.ts';
import { ownOffsetMs } from '../../support/fake-time.ts';
import { keyOf } from './keys.ts';
import { by, dsOf, type MatrixCase, type MatrixReply, soaOf } from './stage.ts';
import { createSuperfluous } from './superfluous.ts';
import { rawRecord, recordsIn, recordsOf, type Signing, signatureOf, signed } from './zone.ts';

const DAY_SEC = 86_400;
const NOW_SEC = Math.floor(Date.now() / 1000);
/** By the clock of this process and by that of the machine, which delv keeps at whatever date the tests run. */
const MACHINE_SEC = NOW_SEC - ownOffsetMs() / 1000;
const [PAST_SEC, FUTURE_SEC] = [Math.min(NOW_SEC, MACHINE_SEC), Math.max(NOW_SEC, MACHINE_SEC)];
const HALF_CIRCLE_SEC = 2 ** 31;

const kidOf = (apex: string): string => `kid.${apex}`;
const byKid = (apex: string): Signing => by(kidOf(apex), keyOf('p256-other'));

/** What the servers of the zone and of `kid` say that are honest. */
const honestReply = (apex: string, question: string): MatrixReply | undefined => {
  if (question === 'kid DS')
    return {
      answer: signed([rawRecord(kidOf(apex), TYPE.DS, dsOf(kidOf(apex), keyOf('p256-other')))], by(apex)),
    };
  if (question === 'kid DNSKEY')
    return { answer: signed([rawRecord(kidOf(apex), TYPE.DNSKEY, keyOf('p256-other').rdata)], byKid(apex)) };
  return undefined;
};

const attack = (
  title: string,
  question: string,
  reply: (apex: string) => MatrixReply,
  more: Partial<MatrixCase> & {
    readonly also?: Readonly<Record<string, (apex: string) => MatrixReply>>;
  } = {},
): MatrixCase => {
  const { also = {}, ...rest } = more;
  return {
    title,
    question,
    reply: (apex, asked) =>
      asked === question ? reply(apex) : (also[asked]?.(apex) ?? honestReply(apex, asked)),
    right: 'bogus',
    ...rest,
  };
};

/** Signed records of denial of the zone, in presentation format. */
const proof = (apex: string, ...texts: readonly string[]): ResourceRecord[] =>
  texts.flatMap((text) => signed(recordsOf(text), by(apex)));

const denied = (apex: string, rcode: number, ...texts: readonly string[]): MatrixReply => ({
  rcode,
  authority: [...soaOf(apex), ...proof(apex, ...texts)],
});

/** All NSEC3 records of a zone with these names beside its apex. */
const nsec3 = (apex: string, names: Readonly<Record<string, readonly string[]>>): ResourceRecord[] => {
  const full = Object.entries(names).map(([name, types]) => [`${name}.${apex}`, types] as const);
  const zone: DenialZone = { apex, names: new Map([[apex, ['SOA', 'NS', 'DNSKEY']], ...full]) };
  return createNsec3Rrsets(zone).flatMap((rrset) => {
    const records = recordsIn(rrset);
    return [...records, signatureOf(records, by(apex))];
  });
};

const atCuts = (): MatrixCase[] => [
  attack('NSEC of the parent denies a type of the child', 'kid TXT', (apex) =>
    denied(apex, RCODE.NOERROR, `kid.${apex} 300 IN NSEC z.${apex} NS DS RRSIG NSEC`),
  ),
  attack('NSEC of the parent denies a name below the cut', 'www.kid A', (apex) =>
    denied(
      apex,
      RCODE.NXDOMAIN,
      `kid.${apex} 300 IN NSEC z.${apex} NS DS RRSIG NSEC`,
      `${apex} 300 IN NSEC kid.${apex} NS SOA RRSIG NSEC DNSKEY`,
    ),
  ),
  attack('NSEC3 of the parent denies a type of the child', 'kid TXT', (apex) => ({
    authority: [...soaOf(apex), ...nsec3(apex, { kid: ['NS', 'DS'] })],
  })),
  attack('NSEC3 of the parent denies a name below the cut', 'www.kid A', (apex) => ({
    rcode: RCODE.NXDOMAIN,
    authority: [...soaOf(apex), ...nsec3(apex, { kid: ['NS', 'DS'] })],
  })),
  ...['NS SOA', 'NS', 'A'].map((types) =>
    attack(
      `NSEC of the child with ${types} denies its DS`,
      'www.kid A',
      (apex) => ({ answer: recordsOf(`www.kid.${apex} 300 IN A 192.0.2.66`) }),
      {
        also: {
          'kid DS': (apex) => ({
            authority: [
              ...signed(
                recordsOf(`kid.${apex} 300 IN SOA ns.${apex} host.${apex} 1 7200 3600 1209600 300`),
                byKid(apex),
              ),
              ...signed(
                recordsOf(`kid.${apex} 300 IN NSEC \\000.kid.${apex} ${types} RRSIG NSEC DNSKEY`),
                byKid(apex),
              ),
            ],
          }),
        },
      },
    ),
  ),
  attack(
    'the DS of the child is signed by the child',
    'www.kid A',
    (apex) => ({
      answer: recordsOf(`www.kid.${apex} 300 IN A 192.0.2.66`),
    }),
    {
      also: {
        'kid DS': (apex) => ({
          answer: signed([rawRecord(kidOf(apex), TYPE.DS, Buffer.of(0, 1, 200, 2, 1, 1))], byKid(apex)),
        }),
      },
    },
  ),
  ...['A', 'NS'].map((types) =>
    attack(
      `an NSEC of the parent with ${types} for the cut, expanded from a wildcard, denies its DS`,
      'www.kid A',
      (apex) => ({ answer: recordsOf(`www.kid.${apex} 300 IN A 192.0.2.66`) }),
      {
        also: {
          'kid DS': (apex) => {
            const wildcard = recordsOf(`*.${apex} 300 IN NSEC z.${apex} ${types} RRSIG NSEC`);
            const expanded = signed(wildcard, by(apex)).map((one) => ({
              ...one,
              owner: nameFrom(kidOf(apex)),
            }));
            return { authority: [...soaOf(apex), ...expanded] };
          },
        },
      },
    ),
  ),
  attack('NSEC with DNAME denies a name below it', 'x.d A', (apex) =>
    denied(
      apex,
      RCODE.NXDOMAIN,
      `d.${apex} 300 IN NSEC z.${apex} DNAME RRSIG NSEC`,
      `${apex} 300 IN NSEC d.${apex} NS SOA RRSIG NSEC DNSKEY`,
    ),
  ),
  attack('NSEC3 with DNAME denies a name below it', 'x.d A', (apex) => ({
    rcode: RCODE.NXDOMAIN,
    authority: [...soaOf(apex), ...nsec3(apex, { d: ['DNAME'] })],
  })),
  attack('NSEC of the zone above denies a name', 'nothing A', (apex) =>
    denied(
      'example.',
      RCODE.NXDOMAIN,
      `${apex} 300 IN NSEC ${apex.replace('.', '-.')} NS DS RRSIG NSEC`,
      'example. 300 IN NSEC -.example. NS SOA RRSIG NSEC DNSKEY',
    ),
  ),
  attack('NSEC of the zone above denies a type of the apex', '@ TXT', (apex) =>
    denied('example.', RCODE.NOERROR, `${apex} 300 IN NSEC ${apex.replace('.', '-.')} NS DS RRSIG NSEC`),
  ),
  attack('an alias whose end is denied by the parent of its zone', 'alias A', (apex) => ({
    rcode: RCODE.NXDOMAIN,
    answer: proof(apex, `alias.${apex} 300 IN CNAME www.kid.${apex}`),
    authority: [
      ...soaOf(apex),
      ...proof(
        apex,
        `kid.${apex} 300 IN NSEC z.${apex} NS DS RRSIG NSEC`,
        `${apex} 300 IN NSEC alias.${apex} NS SOA RRSIG NSEC DNSKEY`,
      ),
    ],
  })),
  ...[false, true].map((isMixed) => {
    const authority = (apex: string): ResourceRecord[] => [
      ...soaOf(apex),
      ...nsec3(apex, { alias: ['CNAME'] }),
      ...(isMixed ? otherParameters(apex) : []),
    ];
    return attack(
      `an alias whose end is denied by NSEC3${isMixed ? ' beside records of other parameters' : ''}`,
      'alias A',
      (apex) => ({
        rcode: RCODE.NXDOMAIN,
        answer: proof(apex, `alias.${apex} 300 IN CNAME nothing.${apex}`),
        authority: authority(apex),
      }),
      {
        right: isMixed ? 'bogus' : 'secure',
        also: { 'nothing A': (apex) => ({ rcode: RCODE.NXDOMAIN, authority: authority(apex) }) },
      },
    );
  }),
  attack('NSEC whose next name is outside the zone', 'nothing A', (apex) =>
    denied(apex, RCODE.NXDOMAIN, `${apex} 300 IN NSEC zz.example. NS SOA RRSIG NSEC DNSKEY`),
  ),
];

const otherParameters = (apex: string): ResourceRecord[] => {
  const zone: DenialZone = { apex, names: new Map([[apex, ['SOA', 'NS', 'DNSKEY']]]) };
  return createNsec3Rrsets(zone, { iterations: 100, salt: 'aa' }).flatMap((rrset) => {
    const records = recordsIn(rrset);
    return [...records, signatureOf(records, by(apex))];
  });
};

type Right = MatrixCase['right'];

/** Data of www with one signature made in this way. */
const signatures = (): MatrixCase[] => {
  const zone: readonly (readonly [string, Partial<Signing> | ((apex: string) => Partial<Signing>), Right])[] =
    [
      ['as it should be', {}, 'secure'],
      ['with more labels than the owner', { labels: 9 }, 'bogus'],
      ['with one label more than the owner', { labels: 4 }, 'bogus'],
      ['for a wildcard, without a proof', { labels: 2 }, 'bogus'],
      ['for a wildcard above the zone', { labels: 1 }, 'bogus'],
      ['for the wildcard of the root', { labels: 0 }, 'bogus'],
      ['that has expired', { end: PAST_SEC - 5 * DAY_SEC, start: PAST_SEC - 10 * DAY_SEC }, 'bogus'],
      ['that begins later', { start: FUTURE_SEC + 5 * DAY_SEC, end: FUTURE_SEC + 10 * DAY_SEC }, 'bogus'],
      ['that ends before it begins', { start: NOW_SEC - DAY_SEC, end: NOW_SEC - 2 * DAY_SEC }, 'bogus'],
      [
        'that ends before it begins, around now',
        { start: NOW_SEC + DAY_SEC, end: NOW_SEC - DAY_SEC },
        'bogus',
      ],
      ['of half a circle', { start: NOW_SEC - 1000, end: NOW_SEC + HALF_CIRCLE_SEC - 2000 }, 'secure'],
      [
        'of more than half a circle',
        { start: NOW_SEC - 1000, end: NOW_SEC + HALF_CIRCLE_SEC + 1000 },
        'bogus',
      ],
      [
        'that ended half a circle ago',
        { start: NOW_SEC - HALF_CIRCLE_SEC - 9000, end: NOW_SEC - HALF_CIRCLE_SEC + 9000 },
        'bogus',
      ],
      ['from the year 1970', { start: 0, end: 1 }, 'bogus'],
      ['to the end of 32 bits, more than half a circle away', { end: 0xffffffff }, 'bogus'],
      ['of the zone above', () => by('example.'), undefined],
      ['of the root', () => by('.'), undefined],
      ['of the zone below', (apex) => byKid(apex), 'bogus'],
      ['of a zone beside', () => by('other.example.'), 'bogus'],
      ['of a key that the zone does not have', { key: keyOf('p384') }, 'bogus'],
      ['that is nobody’s', { isForged: true }, 'bogus'],
    ];
  return zone.map(([title, way, right]) =>
    attack(
      `a signature ${title}`,
      'www A',
      (apex) => ({
        answer: signed(recordsOf(`www.${apex} 300 IN A 192.0.2.1`), {
          ...by(apex),
          ...(typeof way === 'function' ? way(apex) : way),
        }),
      }),
      right === undefined ? { right: 'secure' } : { right },
    ),
  );
};

/** A good signature behind so many that are nobody's. */
const crowdedSignatures = (): MatrixCase[] =>
  [1, 3, 4, 7].map((count) =>
    attack(
      `${count} wrong signatures before the good one`,
      'www A',
      (apex) => {
        const records = recordsOf(`www.${apex} 300 IN A 192.0.2.1`);
        const wrong = Array.from({ length: count }, (_, index) =>
          signatureOf(records, { ...by(apex), isForged: true, end: NOW_SEC + DAY_SEC + index }),
        );
        return { answer: [...records, ...wrong, signatureOf(records, by(apex))] };
      },
      { right: 'secure' },
    ),
  );

/** Questions that what is kept of another must not answer. */
const kept = (): MatrixCase[] => {
  const optOut = (apex: string): ResourceRecord[] => {
    const zone: DenialZone = { apex, names: new Map([[apex, ['SOA', 'NS', 'DNSKEY']]]) };
    return createNsec3Rrsets(zone, { isOptOut: true }).flatMap((rrset) => {
      const records = recordsIn(rrset);
      return [...records, signatureOf(records, by(apex))];
    });
  };
  const data = (apex: string): MatrixReply => ({
    answer: signed(recordsOf(`b.${apex} 300 IN A 192.0.2.1`), by(apex)),
  });
  return [
    attack('data after an opt-out span that leaves its name out', 'b A', data, {
      before: ['a A'],
      also: { 'a A': (apex) => ({ rcode: RCODE.NXDOMAIN, authority: [...soaOf(apex), ...optOut(apex)] }) },
      right: 'secure',
    }),
    attack(
      'nothing after an opt-out span that leaves its name out',
      'b A',
      () => ({ rcode: RCODE.NXDOMAIN }),
      {
        before: ['a A'],
        also: { 'a A': (apex) => ({ rcode: RCODE.NXDOMAIN, authority: [...soaOf(apex), ...optOut(apex)] }) },
      },
    ),
    attack('nothing after a denial by other parameters', 'b A', () => ({ rcode: RCODE.NXDOMAIN }), {
      before: ['a A'],
      also: {
        'a A': (apex) => ({
          rcode: RCODE.NXDOMAIN,
          authority: [...soaOf(apex), ...nsec3(apex, {}), ...otherParameters(apex)],
        }),
      },
    }),
    attack('nothing after a denial by too many iterations', 'b A', () => ({ rcode: RCODE.NXDOMAIN }), {
      before: ['a A'],
      also: {
        'a A': (apex) => ({ rcode: RCODE.NXDOMAIN, authority: [...soaOf(apex), ...otherParameters(apex)] }),
      },
    }),
    attack(
      'nothing below a cut after a type of the parent’s side was denied',
      'www.kid A',
      () => ({ rcode: RCODE.NXDOMAIN }),
      {
        before: ['kid DS'],
        also: {
          'kid DS': (apex) => denied(apex, RCODE.NOERROR, `kid.${apex} 300 IN NSEC z.${apex} NS RRSIG NSEC`),
        },
        right: 'insecure',
      },
    ),
  ];
};

/** All of them: they are few. */
export const createAttacks = (): MatrixCase[] => [
  ...atCuts(),
  ...signatures(),
  ...crowdedSignatures(),
  ...kept(),
  ...createSuperfluous(),
];
