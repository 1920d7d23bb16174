// Cases of denial: what is said not to be there, and the NSEC or NSEC3 records that come with it.
//
// Each has the chain that a server would answer from, of some parameters and of some content, and beside it records of
// other parameters: of other names, of the same content, or of a content in which what is denied is there. All but those
// that say so are well signed, as those are which somebody collected while a zone changed.
import { countLabels, nameFrom, RCODE, type ResourceRecord } from '../../../src/wire/dns/dns.ts';
import {
  closestEncloser,
  createNsec3Rrsets,
  createNsecRrsets,
  type DenialZone,
  exists,
  hashText,
} from '../../support/denial-zone.ts';
import { by, honest, type MatrixCase, type MatrixReply, soaOf } from './stage.ts';
import { recordsIn, recordsOf, signatureOf, signed } from './zone.ts';

/** How a chain is made: NSEC, or NSEC3 of so many iterations. */
export interface Parameters {
  readonly iterations: number | 'nsec';
  readonly salt: string;
  readonly isOptOut?: boolean;
  /** Another hash algorithm than SHA-1, which nobody knows. */
  readonly isUnknown?: boolean;
  readonly isForged?: boolean;
}

/** What the records of a chain are about. */
type Content = 'true' | 'other' | 'deeper' | 'wildcard' | 'alias' | 'cut' | 'unrelated';

/** One kind of denial. */
interface Kind {
  readonly name: string;
  /** What is asked; the labels below the apex. */
  readonly question: string;
  /** The name whose absence or types the records are about, and the type that is denied there. */
  readonly subject: string;
  readonly type: string;
  /** What each content holds beside the apex, `www`, and `other`; `true` is what makes the denial right. */
  readonly contents: Readonly<Partial<Record<Content, Readonly<Record<string, readonly string[]>>>>>;
  readonly isOptOut?: boolean;
  /** RCODE is not what NSEC3 records prove, and only NSEC corrects it. */
  readonly isMisnamed?: boolean;
  /** The answer beside the records: none, data of a wildcard, or unsigned data of a zone below. */
  readonly answer?: 'wildcard' | 'unsigned';
  readonly rcode?: number;
  /** The denial is found out by a question for DS at the subject. */
  readonly isDelegation?: boolean;
}

const KINDS: readonly Kind[] = [
  {
    name: 'NODATA',
    question: 'txt TXT',
    subject: 'txt',
    type: 'TXT',
    contents: {
      true: { txt: ['A'] },
      other: { txt: ['A', 'TXT'] },
      alias: { txt: ['CNAME'] },
      cut: { txt: ['NS'] },
    },
  },
  {
    name: 'NXDOMAIN',
    question: 'a.b A',
    subject: 'a.b',
    type: 'A',
    rcode: RCODE.NXDOMAIN,
    contents: {
      true: {},
      other: { 'a.b': ['A'] },
      deeper: { b: ['A'] },
      wildcard: { '*': ['A'] },
      cut: { b: ['NS'] },
    },
  },
  {
    name: 'empty name',
    question: 'ent A',
    subject: 'ent',
    type: 'A',
    contents: { true: { 'a.ent': ['A'] }, other: { ent: ['A'] } },
  },
  {
    name: 'empty name as NXDOMAIN',
    question: 'ent A',
    subject: 'ent',
    type: 'A',
    rcode: RCODE.NXDOMAIN,
    isMisnamed: true,
    contents: { true: { 'a.ent': ['A'] }, other: { ent: ['A'] } },
  },
  {
    name: 'empty wildcard as NXDOMAIN',
    question: 'x.wild A',
    subject: 'x.wild',
    type: 'A',
    rcode: RCODE.NXDOMAIN,
    isMisnamed: true,
    contents: { true: { 'a.*.wild': ['A'] }, other: { 'a.*.wild': ['A'], 'x.wild': ['A'] } },
  },
  {
    name: 'wildcard NODATA',
    question: 'x.wild TXT',
    subject: 'x.wild',
    type: 'TXT',
    contents: {
      true: { '*.wild': ['A'] },
      other: { '*.wild': ['A'], 'x.wild': ['TXT'] },
      wildcard: { '*.wild': ['A', 'TXT'] },
      alias: { '*.wild': ['CNAME'] },
    },
  },
  {
    name: 'wildcard data',
    question: 'x.wild A',
    subject: 'x.wild',
    type: 'A',
    answer: 'wildcard',
    contents: { true: { '*.wild': ['A'] }, other: { '*.wild': ['A'], 'x.wild': ['TXT'] } },
  },
  {
    name: 'delegation',
    question: 'www.sub A',
    subject: 'sub',
    type: 'DS',
    answer: 'unsigned',
    isDelegation: true,
    contents: {
      true: { sub: ['NS'] },
      other: { sub: ['NS', 'DS'] },
      cut: { sub: ['A'] },
      wildcard: { '*': ['A'] },
    },
  },
  {
    name: 'DS asked',
    question: 'sub DS',
    subject: 'sub',
    type: 'DS',
    contents: { true: { sub: ['NS'] }, other: { sub: ['NS', 'DS'] } },
  },
  {
    name: 'forged data',
    question: 'www A',
    subject: 'www',
    type: 'DS',
    answer: 'unsigned',
    isDelegation: true,
    contents: { other: {} },
  },
  {
    name: 'opt-out delegation',
    question: 'www.sub A',
    subject: 'sub',
    type: 'DS',
    answer: 'unsigned',
    isDelegation: true,
    isOptOut: true,
    contents: { true: {}, other: { sub: ['NS', 'DS'] }, cut: { sub: ['A'] } },
  },
  {
    name: 'opt-out NXDOMAIN',
    question: 'a.b A',
    subject: 'a.b',
    type: 'A',
    rcode: RCODE.NXDOMAIN,
    isOptOut: true,
    contents: { true: {}, other: { 'a.b': ['A'] }, deeper: { b: ['A'] }, wildcard: { '*': ['A'] } },
  },
];

const zoneOf = (apex: string, kind: Kind, content: Content): DenialZone => {
  const held = kind.contents[content] ?? {};
  const names: Record<string, readonly string[]> = { www: ['A'], other: ['A'], ...held };
  const full = Object.entries(names).map(([name, types]) => [`${name}.${apex}`, types] as const);
  return { apex, names: new Map([[apex, ['SOA', 'NS', 'DNSKEY']], ...full]) };
};

/** The records that a server with this content answers a question with, or one that is about another name. */
const recordsFor = (apex: string, kind: Kind, parameters: Parameters, content: Content): ResourceRecord[] => {
  const zone = zoneOf(apex, kind, content === 'unrelated' ? 'other' : content);
  const { iterations, salt, isOptOut = false, isUnknown = false, isForged = false } = parameters;
  const subject = `${kind.subject}.${apex}`;
  const rrsets =
    iterations === 'nsec'
      ? createNsecRrsets(zone)
      : createNsec3Rrsets(zone, { iterations, salt, isOptOut: isOptOut || kind.isOptOut === true });
  const orders = iterations === 'nsec' ? orderOfName : (name: string) => hashText(name, iterations, salt);
  const ownerOrder = (owner: Uint8Array): string =>
    iterations === 'nsec' ? orderOfName(textOf(owner)) : textOf(owner).slice(0, 32);
  const sorted = rrsets.toSorted((a, b) => (ownerOrder(a.owner) < ownerOrder(b.owner) ? -1 : 1));
  const spanOf = (name: string) =>
    sorted.findLast(({ owner }) => ownerOrder(owner) <= orders(name)) ?? sorted.at(-1);
  const names =
    content === 'unrelated' ? [`other.${apex}`] : namesToShow(zone, subject, iterations === 'nsec');
  const found = new Set(names.map(spanOf));
  return [...found].flatMap((rrset) => {
    if (rrset === undefined) return [];
    const records = recordsIn(rrset).map((record) => {
      if (isUnknown) record.rdata[0] = 2;
      return record;
    });
    return [...records, signatureOf(records, { ...by(apex), isForged })];
  });
};

const namesToShow = (zone: DenialZone, subject: string, isNsec: boolean): string[] => {
  if (exists(zone, subject)) return [subject];
  const encloser = closestEncloser(zone, subject);
  const labels = countLabels(nameFrom(subject)) - countLabels(nameFrom(encloser)) - 1;
  const next = subject.split('.').slice(labels).join('.');
  return isNsec ? [subject, `*.${encloser}`] : [encloser, next, `*.${encloser}`];
};

const textOf = (name: Uint8Array): string => {
  let text = '';
  for (let at = 0; (name[at] ?? 0) > 0; at += (name[at] ?? 0) + 1)
    text += `${Buffer.from(name.subarray(at + 1, at + 1 + (name[at] ?? 0))).toString('latin1')}.`;
  return text.toLowerCase();
};

/** A text whose order is the canonical one of names without odd bytes. */
const orderOfName = (name: string): string => name.split('.').filter(Boolean).reverse().join('\u0000');

const describe = (parameters: Parameters | undefined, content: Content): string => {
  if (parameters === undefined) return 'none';
  const { iterations, isForged = false, isUnknown = false, isOptOut = false } = parameters;
  const way = [
    [isForged, 'forged'],
    [isUnknown, 'unknown-hash'],
    [isOptOut, 'opt-out'],
  ].flatMap(([is, word]) => (is ? [word] : []));
  return [iterations, ...way, content].join(' ');
};

/** A chain and its content. */
interface Part {
  readonly parameters: Parameters;
  readonly content: Content;
}

const createCase = (
  kind: Kind,
  proof: Part | undefined,
  beside: Part | undefined,
  isFirst: boolean,
): MatrixCase => {
  const parts = [...(isFirst ? [beside, proof] : [proof, beside])].filter((part) => part !== undefined);
  const authority = (apex: string): ResourceRecord[] => [
    ...soaOf(apex),
    ...parts.flatMap(({ parameters, content }) => recordsFor(apex, kind, parameters, content)),
  ];
  const denial = (apex: string): MatrixReply => ({
    rcode: kind.rcode ?? RCODE.NOERROR,
    authority: authority(apex),
  });
  const reply = (apex: string, question: string): MatrixReply | undefined => {
    if (kind.isDelegation === true && question === `${kind.subject} DS`) return denial(apex);
    if (question !== kind.question) return undefined;
    const name = `${question.split(' ')[0]}.${apex}`;
    if (kind.answer === 'unsigned') return { answer: recordsOf(`${name} 300 IN A 192.0.2.66`) };
    if (kind.answer === undefined) return denial(apex);
    const [wildcard] = recordsOf(`*.wild.${apex} 300 IN A 192.0.2.3`);
    if (wildcard === undefined) return undefined;
    const answer = signed([wildcard], by(apex, honest())).map((record) => ({
      ...record,
      owner: nameFrom(name),
    }));
    return { answer, authority: authority(apex) };
  };
  const title =
    `${kind.name}; proof ${proof === undefined ? 'none' : describe(proof.parameters, proof.content)}; ` +
    `beside ${beside === undefined ? 'none' : `${describe(beside.parameters, beside.content)}${isFirst ? ' first' : ''}`}`;
  const right = rightOf(kind, proof, beside);
  return { title, question: kind.question, reply, ...(right === undefined ? {} : { right }) };
};

/** What must be, where the parts leave no doubt: one proof and nothing that speaks against it, or none at all. */
const rightOf = (kind: Kind, proof: Part | undefined, beside: Part | undefined): MatrixCase['right'] => {
  if (proof === undefined) return beside === undefined || isNoProof(kind, beside) ? 'bogus' : undefined;
  if (beside !== undefined || kind.isOptOut === true) return undefined;
  const { iterations } = proof.parameters;
  if (kind.answer === 'unsigned') return 'insecure';
  if (kind.isMisnamed === true && iterations !== 'nsec' && iterations <= 150) return 'bogus';
  return iterations === 'nsec' || iterations <= 50 ? 'secure' : 'insecure';
};

/** True for records that show the opposite, or nothing, and are read. */
const isNoProof = (kind: Kind, { content, parameters }: Part): boolean => {
  const { iterations, isForged, isUnknown, isOptOut } = parameters;
  if (isForged === true || isUnknown === true) return true;
  if (iterations !== 'nsec' && iterations > 150) return false;
  if (content === 'other' || content === 'unrelated') return true;
  // A span that leaves delegations out leaves room for one.
  if (isOptOut === true) return false;
  return content === 'wildcard' || content === 'alias' || (content === 'cut' && kind.isDelegation === true);
};

const chain = (iterations: number | 'nsec', more: Partial<Parameters> = {}): Parameters => ({
  iterations,
  salt: iterations === 'nsec' ? '-' : `aa${iterations.toString(16).padStart(4, '0')}`,
  ...more,
});

const PROOFS = { whole: ['nsec', 0, 50, 51, 150, 151], gate: [0, 100] } as const;
const BESIDE: Readonly<Record<'whole' | 'gate', readonly Parameters[]>> = {
  whole: [
    ...([0, 'nsec', 50, 51, 150, 151] as const).map((iterations) => chain(iterations, { salt: 'bb' })),
    chain(100, { salt: 'bb', isForged: true }),
    chain(0, { salt: 'bb', isForged: true }),
    chain(500, { salt: 'bb', isForged: true }),
    chain(0, { salt: 'bb', isUnknown: true }),
    chain(100, { salt: 'bb', isOptOut: true }),
    chain(0, { salt: 'bb', isOptOut: true }),
  ],
  gate: [chain(1, { salt: 'bb' }), chain(100, { salt: 'bb' }), chain(500, { salt: 'bb' })],
};

/** Hundreds of cases for the gate, thousands for the whole. */
export const createDenials = (isWhole: boolean): MatrixCase[] => {
  const size = isWhole ? 'whole' : 'gate';
  return KINDS.flatMap((kind) => {
    const proofs = PROOFS[size].filter((iterations) => iterations !== 'nsec' || kind.isOptOut !== true);
    const parts: (Part | undefined)[] = [undefined];
    if (kind.contents.true !== undefined)
      parts.push(...proofs.map((iterations): Part => ({ parameters: chain(iterations), content: 'true' })));
    const contents = [...Object.keys(kind.contents), 'unrelated'] as Content[];
    const besides: (Part | undefined)[] = [
      undefined,
      ...BESIDE[size].flatMap((parameters) => contents.map((content): Part => ({ parameters, content }))),
    ];
    return parts.flatMap((proof) =>
      besides.flatMap((beside) =>
        [false, ...(proof !== undefined && beside !== undefined && isWhole ? [true] : [])].map((isFirst) =>
          createCase(kind, proof, beside, isFirst),
        ),
      ),
    );
  });
};
