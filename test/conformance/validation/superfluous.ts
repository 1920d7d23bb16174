// Whole proofs, and data of a wildcard, beside records in AUTHORITY that no proof needs and that are not signed, or wrongly.
// They say the opposite of what is proven, or deny `www`, which is asked afterwards.
import { nameFrom, RCODE, type ResourceRecord } from '../../../src/wire/dns/dns.ts';
import { createNsec3Rrsets, type DenialZone } from '../../support/denial-zone.ts';
import { keyOf } from './keys.ts';
import { by, type MatrixCase, type MatrixReply, soaOf } from './stage.ts';
import { recordsIn, recordsOf, signatureOf, signed } from './zone.ts';

const DAY_SEC = 86_400;
const NOW_SEC = Math.floor(Date.now() / 1000);

type Records = (apex: string) => readonly ResourceRecord[];

const nsec = (apex: string, ...texts: readonly string[]): ResourceRecord[] =>
  texts.flatMap((text) => signed(recordsOf(text), by(apex)));

const zoneOf = (apex: string, names: readonly string[]): DenialZone => ({
  apex,
  names: new Map<string, readonly string[]>([
    [apex, ['SOA', 'NS', 'DNSKEY']],
    ...names.map((name) => [`${name}.${apex}`, ['A']] as const),
  ]),
});

const nsec3 = (apex: string): ResourceRecord[] =>
  createNsec3Rrsets(zoneOf(apex, ['www'])).flatMap((rrset) => {
    const records = recordsIn(rrset);
    return [...records, signatureOf(records, by(apex))];
  });

/** Of a name more, whose span is part of one that nsec3() has. */
const otherNsec3 = (apex: string): ResourceRecord[] => {
  const known = new Set(nsec3(apex).map(({ owner }) => Buffer.from(owner).toString('hex')));
  return createNsec3Rrsets(zoneOf(apex, ['www', 'nothing']))
    .filter(({ owner }) => !known.has(Buffer.from(owner).toString('hex')))
    .flatMap((rrset) => forged(apex, recordsIn(rrset)));
};

/** What is proven, and by which records. */
interface Whole {
  readonly name: string;
  readonly question: string;
  readonly kind: 'NSEC' | 'NSEC3';
  readonly reply: (apex: string) => MatrixReply;
}

const apexNsec = (apex: string): string => `${apex} 300 IN NSEC www.${apex} NS SOA RRSIG NSEC DNSKEY`;

const WHOLE: readonly Whole[] = [
  {
    name: 'NXDOMAIN by NSEC',
    question: 'nothing A',
    kind: 'NSEC',
    reply: (apex) => ({ rcode: RCODE.NXDOMAIN, authority: nsec(apex, apexNsec(apex)) }),
  },
  {
    name: 'NODATA by NSEC',
    question: 'www TXT',
    kind: 'NSEC',
    reply: (apex) => ({ authority: nsec(apex, `www.${apex} 300 IN NSEC ${apex} A RRSIG NSEC`) }),
  },
  {
    name: 'NXDOMAIN by NSEC3',
    question: 'nothing A',
    kind: 'NSEC3',
    reply: (apex) => ({ rcode: RCODE.NXDOMAIN, authority: nsec3(apex) }),
  },
  {
    name: 'data of a wildcard',
    question: 'x.wild A',
    kind: 'NSEC',
    reply: (apex) => ({
      answer: nsec(apex, `*.wild.${apex} 300 IN A 192.0.2.3`).map((record) => ({
        ...record,
        owner: nameFrom(`x.wild.${apex}`),
      })),
      authority: nsec(apex, `*.wild.${apex} 300 IN NSEC www.${apex} A RRSIG NSEC`),
    }),
  },
];

const forged = (apex: string, records: readonly ResourceRecord[]): ResourceRecord[] =>
  signed(records, { ...by(apex), isForged: true });

/** An NSEC record that would deny `www` and all that lies behind `a`. */
const denyingAll = (apex: string): ResourceRecord[] =>
  recordsOf(`a.${apex} 300 IN NSEC ${apex} A RRSIG NSEC`);

const STRAYS: readonly (readonly [string, 'NSEC' | 'NSEC3' | 'none', Records])[] = [
  ['NSEC with a wrong signature', 'NSEC', (apex) => forged(apex, denyingAll(apex))],
  ['NSEC without a signature', 'NSEC', denyingAll],
  [
    'NSEC that has expired',
    'NSEC',
    (apex) =>
      signed(denyingAll(apex), { ...by(apex), start: NOW_SEC - 9 * DAY_SEC, end: NOW_SEC - 5 * DAY_SEC }),
  ],
  [
    'NSEC of a foreign key',
    'NSEC',
    (apex) => signed(denyingAll(apex), { ...by(apex), key: keyOf('p256-other') }),
  ],
  [
    'NSEC of a zone beside',
    'NSEC',
    (apex) => signed(denyingAll(apex), by('other.example.', keyOf('p256-other'))),
  ],
  ['NSEC3 that shows the name', 'NSEC3', otherNsec3],
  ['address without a signature', 'none', (apex) => recordsOf(`ns.${apex} 300 IN A 192.0.2.66`)],
  [
    'address with a wrong signature',
    'none',
    (apex) => forged(apex, recordsOf(`ns.${apex} 300 IN A 192.0.2.66`)),
  ],
];

const replyOf = (whole: Whole, stray: Records, isFirst: boolean, apex: string): MatrixReply => {
  const { authority = [], ...rest } = whole.reply(apex);
  const [before, behind] = isFirst ? [stray(apex), []] : [[], stray(apex)];
  return { ...rest, authority: [...before, ...soaOf(apex), ...authority, ...behind] };
};

const data = (apex: string): MatrixReply => ({
  answer: signed(recordsOf(`www.${apex} 300 IN A 192.0.2.1`), by(apex)),
});

/** Each stray beside each proof, in front and behind; what is proven, and what is asked after it. */
export const createSuperfluous = (): MatrixCase[] =>
  WHOLE.flatMap((whole) =>
    STRAYS.flatMap(([name, kind, stray]) =>
      [true, false].flatMap((isFirst) => {
        const title = `superfluous ${name} ${isFirst ? 'before' : 'behind'} ${whole.name}`;
        const reply = (apex: string, question: string): MatrixReply | undefined =>
          question === whole.question ? replyOf(whole, stray, isFirst, apex) : undefined;
        // Records of both kinds contradict each other, which is for the differences to say.
        const isMixed = kind !== 'none' && kind !== whole.kind;
        return [
          { title, question: whole.question, reply, ...(isMixed ? {} : { right: 'secure' as const }) },
          {
            title: `${title}; www afterwards`,
            question: 'www A',
            before: [whole.question],
            reply: (apex: string, question: string) =>
              question === 'www A' ? data(apex) : reply(apex, question),
            right: 'secure' as const,
          },
        ];
      }),
    ),
  );
