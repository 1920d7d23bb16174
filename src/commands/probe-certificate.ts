// cordon probe --certificate: what resolvers answer for a mandate of the configuration, asked, judged and signed as cordon-proof does.
//
// The listeners of the service are asked from outside, as programs of this host ask them: what an exemption opens for this host
// is a leak here, as it is for whoever reads the certificate.
import { randomInt } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AppError, errorText, formatEndpoint, systemClock, VERSION } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import {
  findResolver,
  foreignForms,
  formatProof,
  makeProof,
  PROOF_DECOYS,
  PROOF_QUESTIONS,
  PROOF_RATE,
  type ProofResolver,
  packMandates,
  readOrMakeKey,
} from '../evidence/probe/probe.ts';
import { readKeptPaths, withoutMissing } from '../policy/keeping/keeping.ts';
import { formatName } from '../wire/dns/dns.ts';
import { findOwnListeners, type OwnListeners } from './own-listeners.ts';
import { Progress } from './probe-progress.ts';
import { findServer } from './resolver-asked.ts';
import { DONE, PROBLEM } from './statuses.ts';
import { UsageError } from './usage-error.ts';

const SEED_MAX = 2 ** 32;

/** What stands on the command line. */
export interface CertificateWanted {
  /** Path of what is written, without `.json` and `.html`. */
  readonly certificate: string;
  readonly mandate: string | undefined;
  readonly key: string | undefined;
  readonly network: string | undefined;
  /** Another resolver; undefined: the listeners of the service. */
  readonly from: string | undefined;
  /** Questions a second; undefined: those of cordon-proof. */
  readonly rate: number | undefined;
  readonly sinkholes: readonly string[];
}

/** Makes it; returns 0 where everything was refused. */
export const certify = async (config: Config, wanted: CertificateWanted): Promise<number> => {
  const pathOf = await readKeptPaths(config, Date.now);
  const { packs, left, forms } = packMandates(withoutMissing(config, pathOf), pathOf, Date.now());
  const mandate = packs.mandates.find(({ id }) => id === wanted.mandate);
  if (mandate === undefined) {
    const known = packs.mandates.map(({ id }) => id).join(', ');
    throw new UsageError(
      known === ''
        ? 'the configuration names no mandate ("mandates") to certify'
        : `--certificate goes with --mandate, one of ${known}`,
    );
  }
  const asked = await whomToAsk(config, wanted.from);
  if (asked.resolvers.length === 0)
    throw new AppError(
      'ERR_CLI_PROBE',
      `looking for whom to ask: ${asked.left.join('; ') || 'no listener'}`,
      {
        hint: 'Name a resolver with --from.',
      },
    );
  for (const text of [...left, ...asked.left]) process.stderr.write(`not asked: ${text}\n`);
  const controls = config.probe.controls.map((name) => formatName(name).replace(/\.$/, ''));
  // A key that cannot be written is told before anybody is asked.
  const key = readKey(wanted.key ?? join(homedir(), '.cordon-proof', 'key.pem'));
  const progress = new Progress();
  const { certificate, keyid } = await makeProof({
    packs,
    mandate,
    decoys: controls.length === 0 ? PROOF_DECOYS : controls,
    aliases: [],
    forms: [...forms, ...foreignForms(wanted.sinkholes)],
    rate: wanted.rate ?? PROOF_RATE,
    questionsMax: PROOF_QUESTIONS,
    authorities: undefined,
    clock: systemClock,
    createSeed: () => randomInt(SEED_MAX),
    resolvers: asked.resolvers,
    key,
    program: `cordon ${VERSION}`,
    network: wanted.network ?? '',
    out: wanted.certificate,
    onProgress: (_, done, total) => progress.show(done, total),
  });
  progress.end();
  const { certificate: out } = wanted;
  process.stdout.write(`${formatProof(certificate)}\n${out}.json and ${out}.html, signed by key ${keyid}\n`);
  return certificate.verdict === 'enforced' ? DONE : PROBLEM;
};

const whomToAsk = async (config: Config, from: string | undefined): Promise<OwnListeners> =>
  from === undefined ? findOwnListeners(config) : { resolvers: [await resolverOf(from)], left: [] };

/** As cordon-proof takes it, and a host name as `cordon probe --from` does. */
const resolverOf = async (from: string): Promise<ProofResolver> => {
  if (!from.includes('://')) {
    const server = await findServer(from);
    return { text: formatEndpoint(server), server, ways: ['udp', 'tcp'], name: server.address, path: '' };
  }
  let found: ProofResolver | undefined;
  try {
    found = await findResolver(from);
  } catch (thrown) {
    throw new AppError('ERR_CLI_PROBE', `looking for the resolver ${from}: ${errorText(thrown)}`, {
      hint: 'Name its address.',
    });
  }
  if (found === undefined) throw new UsageError(`"${from.slice(0, 80)}" is no resolver`);
  return found;
};

const readKey = (file: string): ReturnType<typeof readOrMakeKey>['key'] => {
  try {
    const { key, isNew } = readOrMakeKey(file);
    if (isNew) process.stderr.write(`made the key ${file}; give ${file}.pub to who shall verify\n`);
    return key;
  } catch (cause) {
    // What the file system says is told as of every file.
    if (cause instanceof Error && 'syscall' in cause) throw cause;
    throw new AppError('ERR_CLI_FILE', `reading the key ${file}: ${errorText(cause)}`, {
      cause,
      hint: 'It has to be an Ed25519 key in PEM.',
    });
  }
};
