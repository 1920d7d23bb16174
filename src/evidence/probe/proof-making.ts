// A certificate from the first question to its files: resolvers are asked and judged, what came is signed, written and told.
//
// cordon-proof and `cordon probe --certificate` both end here, so that neither can certify what the other would not.
import type { KeyObject } from 'node:crypto';
import { accessSync, constants, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { askResolver, type ProofRequest } from './proof-asking.ts';
import {
  type Answered,
  type Certificate,
  FORMAT,
  judgeAnswered,
  openIn,
  unseenOf,
  worstVerdict,
} from './proof-certificate.ts';
import { keyidOf, seal } from './proof-envelope.ts';
import { pageOf } from './proof-page.ts';
import type { Resolver } from './proof-ways.ts';

/** Beside a certificate: what its witness says (C2SP tlog-proof). */
export const WITNESSED = '.tlog-proof';
/** Questions a second. */
export const PROOF_RATE = 200;
/** Of each resolver: seven seconds at that rate. */
export const PROOF_QUESTIONS = 1_400;
/** Names that have to resolve, where nobody names others. */
export const PROOF_DECOYS: readonly string[] = ['example.com', 'iana.org', 'ietf.org'];
/** Shown leaks; the certificate has more. */
const SHOWN_MAX = 10;

/** Who is asked for what, and what the certificate says of that. */
export interface ProofWanted extends Omit<ProofRequest, 'onProgress'> {
  readonly resolvers: readonly Resolver[];
  readonly key: KeyObject;
  /** What asks. */
  readonly program: string;
  /** What the certificate calls this network; empty: nothing. */
  readonly network: string;
  /** Where it is written: the path without `.json` and `.html`. */
  readonly out: string;
  readonly onProgress: (resolver: string, asked: number, total: number) => void;
}

/** What was made. */
export interface ProofMade {
  readonly certificate: Certificate;
  readonly envelope: string;
  readonly keyid: string;
}

/** Asks, signs, and writes the certificate and its page. Throws errors of the system. */
export const makeProof = async (wanted: ProofWanted): Promise<ProofMade> => {
  const { key, out } = wanted;
  // A folder that cannot be written to is told before anybody is asked.
  accessSync(dirname(out), constants.W_OK);
  const answers: Answered[] = [];
  for (const resolver of wanted.resolvers) {
    const onProgress = (asked: number, total: number): void => wanted.onProgress(resolver.text, asked, total);
    answers.push(await askResolver(resolver, { ...wanted, onProgress }));
  }
  const certificate = toCertificate(wanted, answers);
  const envelope = seal(certificate, key);
  const keyid = keyidOf(key);
  replaceFile(`${out}.json`, envelope);
  replaceFile(`${out}.html`, pageOf(certificate, keyid, envelope));
  // Of another certificate, whatever comes of this one.
  rmSync(`${out}${WITNESSED}`, { force: true });
  return { certificate, envelope, keyid };
};

/** Replaces a file at once: a collector that reads meanwhile sees the old or the new one. */
export const replaceFile = (file: string, text: string): void => {
  const beside = `${file}.${process.pid}`;
  // Nothing that somebody else laid there is written to.
  rmSync(beside, { force: true });
  writeFileSync(beside, text, { flag: 'wx' });
  renameSync(beside, file);
};

const toCertificate = (
  { packs, mandate, aliases, clock, program, network }: ProofWanted,
  answers: readonly Answered[],
): Certificate => {
  const judged = answers.map((answered) => ({ ...answered, ...judgeAnswered(answered) }));
  const prefixes = packs.lists
    .filter(({ id }) => mandate.lists.includes(id))
    .reduce((sum, list) => sum + list.prefixes, 0);
  return {
    format: FORMAT,
    program: `${program}, Node.js ${process.version}, ${process.platform}`,
    mandate,
    network,
    host: hostname(),
    made: new Date(clock()).toISOString(),
    verdict: worstVerdict(judged.map(({ verdict }) => verdict)),
    resolvers: judged,
    unseen: unseenOf(aliases.length, prefixes),
  };
};

/** A certificate for a terminal. */
export const formatProof = ({ mandate, resolvers }: Certificate): string =>
  resolvers
    .flatMap((answered) => [
      `${answered.verdict.toUpperCase()}: ${answered.resolver}, ${mandate.id} of ${mandate.version}, ${answered.askedNames} of ${answered.names} names`,
      ...answered.reasons.map((reason) => `  ${reason}`),
      ...answered.leaks.slice(0, SHOWN_MAX).map(({ question, answer }) => `  ${question}: ${answer}`),
      ...answered.certificates
        .filter(({ fault }) => fault !== '')
        .map(({ fault }) => `  certificate: ${fault}`),
      ...openLine(
        answered,
        'canaries',
        'canary names are not denied, so that browsers choose a resolver of their own',
      ),
      ...openLine(answered, 'bypasses', 'answers lead to resolvers of others'),
    ])
    // What a resolver sent stands on a terminal.
    .map((line) => line.replace(/\p{Cc}/gu, '?'))
    .join('\n');

const openLine = (answered: Answered, part: string, text: string): readonly string[] => {
  const count = openIn(answered, part);
  return count === 0 ? [] : [`  beside the mandate: ${count} ${text}`];
};
