// What Cordon and unbound may say differently, each with its reason. Everything else is a fault, and so is whatever is not
// what it must be by the RFCs, and whatever unbound calls bogus and Cordon does not: but for what stands in LOOSER, where an RFC says so.
import type { MatrixCase } from './stage.ts';

/** What was said about one case. */
export interface MatrixResult {
  readonly item: MatrixCase;
  readonly question: string;
  /** readVerdict() of each; of bogus ones without the code. */
  readonly cordon: string;
  readonly unbound: string;
  /** Cordon's with the code and the text. */
  readonly told: string;
  /** `secure`, `insecure`, or `bogus` and why, where delv was asked. */
  readonly delv?: string;
}

/** A difference that has a reason. */
export interface Difference {
  readonly name: string;
  readonly reason: string;
  readonly isIt: (result: MatrixResult) => boolean;
}

/** What came of all cases. */
export interface MatrixReport {
  readonly cases: number;
  readonly equal: number;
  /** Cases by the name of the difference. */
  readonly counts: ReadonlyMap<string, number>;
  /** What has no reason, one line each. */
  readonly faults: readonly string[];
}

const worthOf = (verdict: string): string => verdict.split(' ')[0] ?? '';

const isBogus = (verdict: string): boolean => verdict === 'bogus';

/** Cordon is stricter: bogus where unbound has an answer, or insecure where it has a secure one; or it says what is proven. */
const STRICTER: readonly Difference[] = [
  {
    name: 'iterations of NSEC3',
    reason: 'a proof of 51 to 150 makes an answer insecure; for unbound it is secure (RFC 9276 section 3.2)',
    isIt: ({ item, cordon, unbound }) =>
      / (?:51|100|150) \w+/.test(item.title) && cordon === unbound.replace(/^secure/, 'insecure'),
  },
  {
    name: 'NSEC3 beside NSEC',
    reason:
      'a zone has one kind, so NSEC3 records prove nothing beside NSEC records that do not prove it themselves',
    isIt: ({ item: { title }, cordon }) =>
      isBogus(cordon) && / nsec /.test(title) && / \d+ [a-z]/.test(title.replaceAll('nsec', '')),
  },
  {
    name: 'two NSEC records of one name',
    reason: 'contradict each other, so that neither counts; unbound takes one of them',
    isIt: ({ item: { title }, cordon }) => isBogus(cordon) && /proof nsec \w+; beside nsec /.test(title),
  },
  {
    name: 'DS without a digest type',
    reason: 'is malformed, which is not the same as unsupported',
    isIt: ({ item: { title }, cordon }) => isBogus(cordon) && /-cut\b/.test(title),
  },
  {
    name: 'revoked keys',
    reason: 'a DS of a key whose owner revoked it names nothing (RFC 5011 section 2.1)',
    isIt: ({ item: { title }, cordon }) => isBogus(cordon) && /p256-revoked/.test(title) && isSigned(title),
  },
  {
    name: 'wrong signatures',
    reason: 'four of one RRset are tried; unbound tries eight',
    isIt: ({ item: { title }, cordon }) => isBogus(cordon) && /^[47] wrong signatures /.test(title),
  },
  {
    name: 'key sizes',
    reason:
      'RSA of less than 1,024 bits can be forged, and of more than 4,096 is no key of DNSSEC (RFC 5702 section 2)',
    isIt: ({ item: { title }, cordon }) =>
      isBogus(cordon) && /rsa(?:512|8192)/.test(title) && isSigned(title),
  },
  {
    name: 'RSA exponents',
    reason: 'more than five bytes, which nobody uses, make verifications slow',
    isIt: ({ item: { title }, cordon }) => isBogus(cordon) && /exponent-long/.test(title) && isSigned(title),
  },
  {
    name: 'SHA-1 beside better digests',
    reason: 'a DS with SHA-1 does not count beside one with SHA-256 or SHA-384 (RFC 4509 section 3)',
    isIt: ({ item: { title }, cordon }) =>
      isBogus(cordon) && /\/1\b/.test(title) && /\/[24]\b/.test(title) && isSigned(title),
  },
  {
    name: 'RSASHA1, signed',
    reason:
      'does not count: insecure, or bogus where another DS counts; for unbound it is secure (RFC 9905 section 2)',
    isIt: ({ item: { title, right }, cordon, unbound }) =>
      /rsasha1/.test(title) &&
      isSigned(title) &&
      (right === 'insecure' ? cordon === unbound.replace(/^secure/, 'insecure') : isBogus(cordon)),
  },
  {
    name: 'an empty wildcard',
    reason:
      'is a name that exists, so that what it stands for has no data; for unbound there is no such name (RFC 4592 section 2.2.2)',
    isIt: ({ item: { title }, cordon, unbound }) =>
      title.startsWith('empty wildcard as NXDOMAIN') &&
      cordon === 'secure no data' &&
      unbound === 'secure name error',
  },
];

/** Not bogus where unbound is: only where an RFC says what unbound does not do, in the words that stand here. */
const LOOSER: readonly Difference[] = [
  {
    name: 'RSASHA1, forged',
    reason:
      'RFC 9905 section 2: "If no other DS records of accepted cryptographic algorithms are available, the DNS records below the delegation point MUST be treated as insecure."',
    isIt: ({ item, cordon }) =>
      /rsasha1/.test(item.title) && item.right === 'insecure' && worthOf(cordon) === 'insecure',
  },
  {
    name: 'RRsets of more records than unbound reads',
    reason:
      'RFC 4035 section 5.3.2: the signature is over all records of the RRset. unbound drops those behind the twentieth DS, and of 400 keys, before it verifies what is left.',
    isIt: ({ item: { title, right }, cordon }) =>
      /^(?:40 DS|400 keys|701 keys)/.test(title) && right === 'secure' && worthOf(cordon) === right,
  },
  {
    name: 'superfluous records with wrong signatures',
    reason:
      'RFC 4035 section 3.2.3: "SHOULD set the AD bit if and only if the resolver side considers all RRsets in the Answer section and any relevant negative response RRs in the Authority section to be authentic." What no proof needs is not passed on.',
    isIt: ({ item: { title, right }, cordon }) =>
      worthOf(cordon) !== 'insecure' &&
      (right === undefined || worthOf(cordon) === right) &&
      (/proof nsec true; beside \d+ forged /.test(title) || title.startsWith('superfluous ')),
  },
];

const isSigned = (title: string): boolean => title.endsWith('data signed');

/** Everything that may differ. */
export const DIFFERENCES: readonly Difference[] = [...STRICTER, ...LOOSER];

/** Sorts results. */
export const reportOn = (results: readonly MatrixResult[]): MatrixReport => {
  const counts = new Map<string, number>(DIFFERENCES.map(({ name }) => [name, 0]));
  const faults: string[] = [];
  let equal = 0;
  for (const result of results) {
    const { item, cordon, unbound, told, question } = result;
    const allowed = isBogus(unbound) && !isBogus(cordon) ? LOOSER : DIFFERENCES;
    const difference = cordon === unbound ? undefined : allowed.find(({ isIt }) => isIt(result));
    const isRight =
      item.right === undefined || worthOf(cordon) === item.right || (isBogus(cordon) && difference);
    if (cordon === unbound && isRight) equal++;
    else if (difference !== undefined && isRight)
      counts.set(difference.name, (counts.get(difference.name) ?? 0) + 1);
    else
      faults.push(
        `${item.title} (${question}): ${told}; unbound ${unbound}; right ${item.right ?? 'is either'}`,
      );
  }
  return { cases: results.length, equal, counts, faults };
};
