// What a proof says: who was asked for what when, what came, and what nobody can see this way. Plain data, which is signed.
//
// The verdict follows from the figures, so that who reads a certificate can draw it again: verify does.

/** What came of questions of one kind. */
export interface Found {
  /** One of PARTS in proof-questions.ts. */
  readonly part: string;
  readonly transport: string;
  readonly type: string;
  readonly asked: number;
  readonly leaked: number;
  /** Neither refused nor answered: SERVFAIL, silence, a form that is no refusal; of decoys, no address. */
  readonly failed: number;
  readonly examples: readonly string[];
}

/** A prohibited name that was answered. */
export interface Leak {
  readonly name: string;
  readonly list: string;
  readonly question: string;
  readonly answer: string;
}

/** What one resolver answered. */
export interface Answered {
  /** As it was given. */
  readonly resolver: string;
  readonly address: string;
  readonly ways: readonly string[];
  /** What it proved with over TLS; a fault is one that a client of this host would find. */
  readonly certificates: readonly { readonly fingerprint: string; readonly fault: string }[];
  readonly began: string;
  readonly ended: string;
  /** Of the order in which it was asked. */
  readonly seed: number;
  /** Prohibited names, and those of them that were asked for. */
  readonly names: number;
  readonly askedNames: number;
  /** Of all names with every type, the part that was asked, of 1. */
  readonly share: number;
  readonly isSilent: boolean;
  /** True when so much was broken that nothing more was asked. */
  readonly isCutShort: boolean;
  readonly results: readonly Found[];
  readonly leakedNames: number;
  readonly leaks: readonly Leak[];
}

/** What is to be thought of a resolver. */
export type Verdict = 'enforced' | 'leaking' | 'broken' | 'unproven';

/** A certificate. */
export interface Certificate {
  readonly format: typeof FORMAT;
  readonly program: string;
  readonly mandate: {
    readonly id: string;
    readonly version: string;
    readonly title: string;
    readonly place: string;
    readonly standing: string;
    /** Of the file that says what the authority decided. */
    readonly sha256: string;
    /** Identifiers of lists. */
    readonly lists: readonly string[];
    /** What the lists do not hold, in the words of the pack. */
    readonly notHeld: readonly string[];
  };
  /** As who asked says it. */
  readonly network: string;
  readonly host: string;
  readonly made: string;
  readonly verdict: Verdict;
  readonly resolvers: readonly (Answered & {
    readonly verdict: Verdict;
    readonly reasons: readonly string[];
  })[];
  readonly unseen: readonly string[];
}

/** What the payload is, for whoever checks a signature. */
export const PAYLOAD_TYPE = 'application/vnd.cordon.proof+json';
/** The form of this version. */
export const FORMAT = 'cordon-proof/1';

/** Parts in which a leak is one of the mandate. */
const OF_MANDATE: ReadonlySet<string> = new Set(['mandate', 'quiet', 'aliases']);

/** What the figures of a resolver say, with why. Leaks say it whatever else went wrong. */
export const judgeAnswered = (
  answered: Answered,
): { readonly verdict: Verdict; readonly reasons: readonly string[] } => {
  const sum = (isOf: (found: Found) => boolean, key: 'asked' | 'leaked' | 'failed'): number =>
    answered.results.filter(isOf).reduce((total, found) => total + found[key], 0);
  const ofMandate = ({ part }: Found): boolean => OF_MANDATE.has(part);
  const decoys = ({ part }: Found): boolean => part === 'decoys';
  const reasons: string[] = [];
  const leaked = sum(ofMandate, 'leaked');
  const failed = sum(ofMandate, 'failed');
  const lost = sum(decoys, 'failed');
  if (leaked > 0) reasons.push(`${leaked} answers lead to ${answered.leakedNames} prohibited names`);
  if (answered.isSilent) reasons.push('it answered nothing');
  else if (sum(decoys, 'asked') === 0) reasons.push('no name that has to resolve was asked for');
  else if (lost > 0)
    reasons.push(`${lost} of ${sum(decoys, 'asked')} questions for names that have to resolve failed`);
  if (answered.isCutShort) reasons.push('so much failed that not everything was asked');
  if (answered.askedNames < answered.names && !answered.isSilent)
    reasons.push(`${answered.askedNames} of ${answered.names} names were asked for`);
  if (leaked > 0) return { verdict: 'leaking', reasons };
  if (reasons.length > 0 || answered.names === 0) return { verdict: 'unproven', reasons };
  if (failed > 0)
    return {
      verdict: 'broken',
      reasons: [`${failed} answers for prohibited names are neither refusal nor data`],
    };
  return { verdict: 'enforced', reasons: [] };
};

const WORST: readonly Verdict[] = ['leaking', 'broken', 'unproven', 'enforced'];

/** The worst of all; nothing is proven of none. */
export const worstVerdict = (verdicts: readonly Verdict[]): Verdict =>
  WORST.find((verdict) => verdicts.includes(verdict)) ?? 'unproven';

/** Parts of it that are no prohibition, but doors beside it: names of a part that were answered. */
export const openIn = ({ results }: Answered, part: string): number =>
  results
    .filter((found) => found.part === part)
    .reduce((sum, { leaked, failed }) => sum + leaked + failed, 0);

/** What no proof of this kind sees, whatever it found. */
export const unseenOf = (aliases: number, prefixes: number): readonly string[] => [
  'What other clients are answered: a resolver may know its clients by address, certificate or token, and this proof is of one.',
  'What is answered at other times: the proof holds from its beginning to its end.',
  'A prohibited name that exists for nobody is denied by every resolver: its denial does not show that anything is refused.',
  'Names below prohibited ones, but for "www".',
  'A resolver that knows this host or this program by something other than order, rate, type, letters, port and ID can answer it otherwise than its clients.',
  'Clients that ask past this resolver: another resolver, DNS over HTTPS of an application, a VPN, addresses without names.',
  ...(aliases === 0
    ? ['Names that lead to prohibited ones (CNAME, DNAME, HTTPS): none was given to be asked for.']
    : []),
  ...(prefixes === 0
    ? []
    : [
        `${prefixes} prohibited prefixes of addresses: whose names lead there is the world's, so nobody was asked.`,
      ]),
];
