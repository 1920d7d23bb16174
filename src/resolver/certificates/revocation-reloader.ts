// Which client certificates do not count any more, while the program runs: read at the start and at a reload, and when the
// file changes, at which it looks several times a second: a device that was lost is not to wait for a reload.
//
// What was read stays until something else was read: a file that is gone, cut or malformed, or a list that no authority of client
// certificates signed or that is older than the one before, revives no certificate, and is an error in the log.
import { fileIdentity, isAppError, systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import {
  type ReadRevocations,
  type RevokedCertificates,
  readClientAuthorities,
  readRevocations,
} from '../../wire/tls/tls.ts';

const NONE: RevokedCertificates = { fingerprints: [], serials: [] };

interface Read {
  readonly path: string;
  /** What stood there when it was read, or when that failed. */
  identity: string;
  readonly revoked: ReadRevocations;
}

/** What the keeper works with. */
export interface RevocationReloaderParts {
  readonly log: Log;
  /** Something else is to be put in force in all workers. */
  readonly onChange: () => void;
}

/** Keeps what is revoked for one program. */
export class RevocationReloader {
  readonly #parts: RevocationReloaderParts;
  #read: Read | undefined;

  constructor(parts: RevocationReloaderParts) {
    this.#parts = parts;
  }

  /** What does not count under a configuration; throws ERR_CERTIFICATE_REVOCATIONS when its file cannot be read at first. */
  revokedFor({ tls }: Config): RevokedCertificates {
    const path = tls?.clientRevocationsPath;
    if (tls === undefined || path === undefined) return NONE;
    const { fingerprints, serials } =
      this.#read?.path === path ? this.#read.revoked : this.#take(path, tls).revoked;
    return { fingerprints, serials };
  }

  /** Reads the file of a configuration anew; throws as revokedFor(), and keeps what was read before. */
  reread({ tls }: Config): void {
    if (tls?.clientRevocationsPath !== undefined) this.#take(tls.clientRevocationsPath, tls);
  }

  /** Looks whether the file of the configuration in force is another by now; several times a second. */
  look({ tls }: Config): void {
    const path = tls?.clientRevocationsPath;
    const before = this.#read;
    if (tls === undefined || path === undefined || before?.path !== path) return;
    const identity = fileIdentity(path);
    if (identity === before.identity) return;
    try {
      this.#take(path, tls);
      this.#parts.onChange();
    } catch (error) {
      if (!isAppError(error)) throw error;
      // Once for each state of the file.
      before.identity = identity;
      this.#parts.log.error({ err: error }, 'what was revoked before stays revoked');
    }
  }

  #take(path: string, { clientAuthorityPaths }: NonNullable<Config['tls']>): Read {
    // Before the file: what is written meanwhile is read again.
    const identity = fileIdentity(path);
    const before = this.#read?.path === path ? this.#read.revoked.lists : [];
    const revoked = readRevocations(path, clientAuthorityPaths.flatMap(readClientAuthorities), before);
    const { fingerprints, serials, lists } = revoked;
    for (const { nextMs } of lists) {
      if (nextMs === undefined || nextMs > systemClock()) continue;
      const next = new Date(nextMs).toISOString();
      this.#parts.log.warn(
        { path, next },
        'a revocation list is old: what was revoked since is not known here',
      );
    }
    this.#parts.log.info(
      { path, certificates: fingerprints.length + serials.length },
      'client certificates are revoked',
    );
    this.#read = { path, identity, revoked };
    return this.#read;
  }
}

/** Throws what reading the revocations of a configuration throws; nothing is kept. */
export const checkRevocations = ({ tls }: Config): void => {
  if (tls?.clientRevocationsPath === undefined) return;
  readRevocations(tls.clientRevocationsPath, tls.clientAuthorityPaths.flatMap(readClientAuthorities));
};
