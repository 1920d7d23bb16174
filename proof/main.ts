// cordon-proof: asks resolvers, as a client of the network, for what a mandate prohibits, and signs what came of it.
//
// The program stands alone: no configuration, no dependency, no state but a key. What a script may rely on are its exit codes.
import './older.ts';
import { createPublicKey, randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/base/clock.ts';
import { foreignForms } from '../src/evidence/probe/judge.ts';
import type { Verdict } from '../src/evidence/probe/proof-certificate.ts';
import { keyidOf, open } from '../src/evidence/probe/proof-envelope.ts';
import { readOrMakeKey } from '../src/evidence/probe/proof-key.ts';
import {
  formatProof,
  makeProof,
  PROOF_DECOYS,
  PROOF_QUESTIONS,
  PROOF_RATE,
  replaceFile,
  WITNESSED,
} from '../src/evidence/probe/proof-making.ts';
import type { Pack, Packs } from '../src/evidence/probe/proof-packs.ts';
import { envelopeIn, pageOf } from '../src/evidence/probe/proof-page.ts';
import { findResolver, systemResolvers } from '../src/evidence/probe/proof-ways.ts';
import { formatVerifier } from '../src/wire/transparency/note.ts';
import { metricsOf } from './metrics.ts';
import { readPacks } from './packs.ts';
import { SHIPPED } from './shipped-packs.ts';
import { differenceOf, faultOfSubject } from './subject.ts';
import { logVerifier, openWitnessed, originOf, type WitnessAt, witness, witnessVerifier } from './witness.ts';

/** Exit codes; those of the cordon command. */
const STATUSES: Readonly<Record<Verdict, number>> = { enforced: 0, leaking: 1, broken: 1, unproven: 4 };
const PROBLEM = 1;
const WRONG_USAGE = 2;

const RATE_MAX = 10_000;
const QUESTIONS_MAX = 1_000_000;
const SEED_MAX = 2 ** 32;
const DAY_MS = 86_400_000;
/** Between clocks. */
const AHEAD_MS_MAX = 600_000;

const USAGE = `Usage:
  node proof.mjs [ask] [RESOLVER...] --mandate ID [options]
  node proof.mjs verify FILE [RESOLVER...] --key PUBLIC-KEY [--mandate ID] [--network NAME] [--max-age DAYS]
                        [--witness-key VKEY [--log NAME]] [--pack FILE]
  node proof.mjs mandates [--pack FILE]
  node proof.mjs key [--key FILE] [--log NAME]

RESOLVER  ADDRESS[:PORT], tls://HOST[:PORT] or https://HOST/PATH; without one, the resolvers of this system
--mandate ID      the mandate; "mandates" lists them
--pack FILE       mandates of your own, instead of those within
--rate N          questions a second, ${PROOF_RATE} by default
--questions N     about so many questions for each resolver, ${PROOF_QUESTIONS} by default; every name is asked for once at least
--every-type      asks for every name with every type, however long it takes
--control NAME    a name that has to resolve; may be repeated (${PROOF_DECOYS.join(', ')})
--alias NAME      a name of yours that leads to a prohibited one, which has to be refused; may be repeated
--sinkhole ADDR   an address to which the resolver leads refused names; may be repeated
--ca FILE         authorities of its certificate
--network NAME    what the certificate calls this network
--key FILE        private key (Ed25519, PEM), made when there is none; ~/.cordon-proof/key.pem by default
--out NAME        writes NAME.json and NAME.html; cordon-proof by default
--witness URL     a witness (C2SP tlog-witness) that shall cosign the certificate, with its --witness-key VKEY
--log NAME        what the log of this key is called there; cordon-proof/ and the first digits of its identifier by default
--prometheus FILE writes metrics for a textfile collector
--silent          shows no progress

Exit codes: 0 enforced, or verified; 1 leaking or broken, or not verified; 2 wrong usage; 4 unproven.
`;

class UsageError extends Error {}

const OPTIONS = {
  mandate: { type: 'string' },
  pack: { type: 'string' },
  rate: { type: 'string' },
  questions: { type: 'string' },
  'every-type': { type: 'boolean', default: false },
  control: { type: 'string', multiple: true },
  alias: { type: 'string', multiple: true },
  sinkhole: { type: 'string', multiple: true },
  ca: { type: 'string' },
  network: { type: 'string' },
  key: { type: 'string' },
  out: { type: 'string' },
  prometheus: { type: 'string' },
  witness: { type: 'string' },
  'witness-key': { type: 'string' },
  log: { type: 'string' },
  'max-age': { type: 'string' },
  silent: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const parse = (args: string[]) => parseArgs({ args, options: OPTIONS, allowPositionals: true });
type Values = ReturnType<typeof parse>['values'];

const numberOf = (text: string | undefined, name: string, max: number, otherwise: number): number => {
  if (text === undefined) return otherwise;
  const number = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= max) return number;
  throw new UsageError(`--${name} takes a number from 1 to ${max}`);
};

const packsOf = ({ pack }: Values): Packs =>
  readPacks(pack === undefined ? SHIPPED : readFileSync(pack, 'utf8'));

const keyFileOf = ({ key }: Values): string => key ?? join(homedir(), '.cordon-proof', 'key.pem');

const mandateOf = ({ mandates }: Packs, id: string | undefined): Pack => {
  const found = mandates.find((one) => one.id === id);
  if (found !== undefined) return found;
  const known = mandates.map((one) => one.id).join(', ');
  throw new UsageError(`--mandate takes one of ${known}`);
};

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Names are shown and sent: nothing else may stand there. */
const namesOf = (texts: readonly string[], option: string): readonly string[] => {
  for (const text of texts) {
    if (!/^(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i.test(text))
      throw new UsageError(`--${option} takes a name without a final dot`);
  }
  return texts.map((text) => text.toLowerCase());
};

const ask = async (given: readonly string[], values: Values): Promise<number> => {
  const packs = packsOf(values);
  const mandate = mandateOf(packs, values.mandate);
  const texts = given.length > 0 ? given : systemResolvers();
  if (texts.length === 0) throw new UsageError('this system has no resolver: name one');
  const everyType = values['every-type'] ? QUESTIONS_MAX : PROOF_QUESTIONS;
  const request = {
    packs,
    mandate,
    decoys: namesOf(values.control ?? PROOF_DECOYS, 'control'),
    aliases: namesOf(values.alias ?? [], 'alias'),
    forms: foreignForms(values.sinkhole ?? []),
    rate: numberOf(values.rate, 'rate', RATE_MAX, PROOF_RATE),
    questionsMax: numberOf(values.questions, 'questions', QUESTIONS_MAX, everyType),
    authorities: values.ca === undefined ? undefined : [readFileSync(values.ca, 'utf8')],
    clock: systemClock,
    createSeed: () => randomInt(SEED_MAX),
  };
  const resolvers = [];
  for (const text of texts) {
    const resolver = await findResolver(text);
    if (resolver === undefined) throw new UsageError(`"${text.slice(0, 80)}" is no resolver`);
    resolvers.push(resolver);
  }
  // A key that cannot be written is told before anybody is asked.
  const { key, isNew } = readOrMakeKey(keyFileOf(values));
  if (isNew) print(`made the key ${keyFileOf(values)}; give ${keyFileOf(values)}.pub to who shall verify`);
  const witnessAt = witnessOf(values);
  const origin = logVerifier(values.log ?? originOf(keyidOf(key)), key);
  if (origin === undefined) throw new UsageError('--log takes a name without blanks and plus signs');
  const out = values.out ?? 'cordon-proof';
  const { certificate, envelope, keyid } = await makeProof({
    ...request,
    resolvers,
    key,
    program: `cordon-proof ${packs.version}`,
    network: values.network ?? '',
    out,
    onProgress: progressOf(values.silent),
  });
  const seen =
    witnessAt && (await witness(envelope, { key, origin, treeFile: `${keyFileOf(values)}.tree` }, witnessAt));
  if (seen !== undefined && 'proof' in seen) replaceFile(`${out}${WITNESSED}`, seen.proof);
  if (values.prometheus !== undefined)
    replaceFile(values.prometheus, metricsOf(certificate, seen && 'proof' in seen));
  print(formatProof(certificate));
  if (seen !== undefined && 'trouble' in seen)
    process.stderr.write(`NOT WITNESSED: ${seen.trouble}\n`.replace(/\p{Cc}(?!$)/gu, '?'));
  print(`${out}.json and ${out}.html, signed by key ${keyid}`);
  return STATUSES[certificate.verdict];
};

const witnessOf = ({ witness: url, 'witness-key': text, ca }: Values): WitnessAt | undefined => {
  if (url === undefined) return undefined;
  const verifier = text === undefined ? undefined : witnessVerifier(text);
  if (verifier === undefined) throw new UsageError('--witness goes with its --witness-key, NAME+ID+KEY');
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new UsageError('--witness takes a URL');
  return { url, verifier, authorities: ca === undefined ? undefined : [readFileSync(ca, 'utf8')] };
};

const progressOf = (isSilent: boolean): ((resolver: string, asked: number, total: number) => void) => {
  if (isSilent || !process.stderr.isTTY) return () => {};
  return (text, asked, total) =>
    void process.stderr.write(`\r${text}: ${asked} of ${total}${asked === total ? '\n' : ''}`);
};

const verifyFile = ([file, ...resolvers]: readonly string[], values: Values): number => {
  if (file === undefined || values.key === undefined)
    throw new UsageError('verify takes a FILE and the public key of its maker with --key');
  const text = readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  const envelope = text.startsWith('<') ? envelopeIn(text) : text;
  const found =
    envelope === undefined
      ? { fault: 'there is no certificate in this page' }
      : open(envelope, createPublicKey(readFileSync(values.key)));
  const { mandate, network } = values;
  const fault =
    found.fault ??
    faultOfFile(text, found, values) ??
    faultOfSubject(found.certificate, { mandate, network, resolvers });
  if (found.fault !== undefined || fault !== undefined) {
    print(`NOT VERIFIED: ${fault}`.replace(/\p{Cc}/gu, '?'));
    return PROBLEM;
  }
  const seen = values['witness-key'] === undefined ? undefined : seenOf(file, found, values);
  if (seen !== undefined && 'fault' in seen) {
    print(`NOT VERIFIED: ${seen.fault}`.replace(/\p{Cc}/gu, '?'));
    return PROBLEM;
  }
  print(`VERIFIED: made ${found.certificate.made}, signed by key ${found.keyid}`);
  if (seen !== undefined) print(`WITNESSED: ${seen.time}`);
  print(formatProof(found.certificate));
  const difference = differenceOf(found.certificate, packsOf(values));
  if (difference !== undefined) print(`ANOTHER PACK: ${difference}`.replace(/\p{Cc}/gu, '?'));
  return difference !== undefined && values.mandate !== undefined ? PROBLEM : 0;
};

/** What the witness says of a certificate, by the file beside it. */
const seenOf = (
  file: string,
  { certificate, keyid, text: envelope }: Extract<ReturnType<typeof open>, { fault: undefined }>,
  values: Values,
): ReturnType<typeof openWitnessed> => {
  const verifier = witnessVerifier(values['witness-key'] ?? '');
  if (verifier === undefined) throw new UsageError('--witness-key takes NAME+ID+KEY of a witness');
  const path = `${file.replace(/\.(?:json|html)$/, '')}${WITNESSED}`;
  if (!existsSync(path)) return { fault: `there is no ${path}: no witness saw it` };
  const key = createPublicKey(readFileSync(values.key ?? ''));
  const origin = values.log ?? originOf(keyid);
  return openWitnessed(
    readFileSync(path, 'utf8').replaceAll('\r\n', '\n'),
    { envelope, made: certificate.made, key, origin },
    verifier,
  );
};

/** A page has to be what its certificate says, and a certificate no older than its reader wants. */
const faultOfFile = (
  text: string,
  { certificate, keyid, text: envelope }: Extract<ReturnType<typeof open>, { fault: undefined }>,
  values: Values,
): string | undefined => {
  if (text !== envelope && text !== pageOf(certificate, keyid, envelope))
    return 'the page does not say what its certificate says';
  const days = numberOf(values['max-age'], 'max-age', QUESTIONS_MAX, 0);
  const ageMs = systemClock() - Date.parse(certificate.made);
  // A time to come would be young for long; NaN is no age either.
  const isYoung = ageMs >= -AHEAD_MS_MAX && ageMs <= days * DAY_MS;
  return days === 0 || isYoung ? undefined : `it was made ${certificate.made}`;
};

const main = async (args: string[]): Promise<number> => {
  const { values, positionals } = parse(args);
  if (values.help) {
    print(USAGE);
    return 0;
  }
  const [first, ...rest] = positionals;
  switch (first) {
    case 'verify':
      return verifyFile(rest, values);
    case 'mandates': {
      const { mandates } = packsOf(values);
      for (const { id, version, standing, title } of mandates)
        print(`${id}  ${version}  ${standing}  ${title}`);
      return 0;
    }
    case 'key': {
      const { key } = readOrMakeKey(keyFileOf(values));
      print(String(createPublicKey(key).export({ type: 'spki', format: 'pem' })).trim());
      const origin = logVerifier(values.log ?? originOf(keyidOf(key)), key);
      if (origin !== undefined) print(`for a witness: ${formatVerifier(origin)}`);
      return 0;
    }
    case 'ask':
      return await ask(rest, values);
    default:
      return await ask(positionals, values);
  }
};

// Who reads only the first lines, such as head, ends the pipe.
process.stdout.on('error', () => {});
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage =
    error instanceof UsageError ||
    (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
  process.stderr.write(`cordon-proof: ${error instanceof Error ? error.message : String(error)}\n`);
  const failed = process.argv[2] === 'verify' ? PROBLEM : STATUSES.unproven;
  process.exitCode = isUsage ? WRONG_USAGE : failed;
}
