// What the encrypted listeners prove with and believe, of one program: the certificate, whether ACME obtains it, and what of the
// certificates of clients is revoked. Each has a keeper of its own; here they are made and looked after together.
import { type AppError, every, type Part, systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import { AcmeRenewer, type AcmeRenewerParts, type ObtainedFacts } from './acme-renewer.ts';
import { CertificateReloader } from './certificate-reloader.ts';
import { RevocationReloader } from './revocation-reloader.ts';

/** Between two looks at the file of revoked certificates, milliseconds: with what follows, less than a second. */
const REVOCATION_LOOK_MS = 250;

/** What they are kept with. */
export interface ListenerProofParts {
  readonly log: Log;
  /** In force. */
  config(): Config;
  /** Looks up the host of an ACME directory. */
  readonly lookup: AcmeRenewerParts['resolve'];
  readonly journal: { certificate(facts: ObtainedFacts): void };
  /** Puts what was learned in force in all workers, and gives the error that was reported. */
  apply(): Promise<AppError | undefined>;
}

/** Proof and belief of the encrypted listeners. */
export class ListenerProof implements Part<Config> {
  readonly name = 'certificates';
  readonly tls: CertificateReloader;
  readonly revocations: RevocationReloader;
  readonly acme: AcmeRenewer;
  readonly #config: () => Config;
  #end: (() => void) | undefined;

  constructor({ log, config, lookup, journal, apply }: ListenerProofParts) {
    const onChange = (): void => void apply();
    this.#config = config;
    this.tls = new CertificateReloader({
      clock: systemClock,
      log,
      onChange,
      challenges: () => this.acme.challenges,
    });
    this.revocations = new RevocationReloader({ log, onChange });
    this.acme = new AcmeRenewer({
      ...{ clock: systemClock, log, random: Math.random },
      resolve: lookup,
      applyChallenges: apply,
      onObtained: (facts) => journal.certificate(facts),
    });
  }

  /** What is in the files is looked after from now on. */
  begin(): void {
    this.#end = every(REVOCATION_LOOK_MS, () => this.revocations.look(this.#config()));
  }

  /** Once a second. */
  look(): void {
    const config = this.#config();
    this.tls.look(config);
    this.acme.look(config);
  }

  /** Reads the files of a configuration anew; throws AppError, and keeps what was read before. */
  prepare(config: Config): void {
    this.tls.reread(config);
    this.revocations.reread(config);
  }

  async close(): Promise<void> {
    this.#end?.();
    await this.acme.close();
  }
}
