// Which client certificates do not count any more, while the program runs: read at the start and at a reload, and when the
// file changes, at which it looks several times a second: a device that was lost is not to wait for a reload.
//
// What was read stays until something else was read: a file that is gone, cut or malformed revives no certificate, and is
// an error in the log.
import { statSync } from 'node:fs';
import { isAppError } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../observe/observe.ts';
import { type RevokedCertificates, readRevocations } from '../tls/tls.ts';

const NONE: RevokedCertificates = { fingerprints: [], serials: [] };

interface Read {
  readonly path: string;
  /** What stood there when it was read, or when that failed. */
  identity: string;
  readonly revoked: RevokedCertificates;
}

/** What the keeper works with. */
export interface RevocationKeeperParts {
  readonly log: Log;
  /** Something else is to be put in force in all workers. */
  readonly onChange: () => void;
}

/** Keeps what is revoked for one program. */
export class RevocationKeeper {
  readonly #parts: RevocationKeeperParts;
  #read: Read | undefined;

  constructor(parts: RevocationKeeperParts) {
    this.#parts = parts;
  }

  /** What does not count under a configuration; throws ERR_CERTIFICATE_REVOCATIONS when its file cannot be read at first. */
  revokedFor({ tls }: Config): RevokedCertificates {
    const path = tls?.clientRevocationsPath;
    if (path === undefined) return NONE;
    return this.#read?.path === path ? this.#read.revoked : this.#take(path).revoked;
  }

  /** Reads the file of a configuration anew; throws as revokedFor(), and keeps what was read before. */
  reread({ tls }: Config): void {
    if (tls?.clientRevocationsPath !== undefined) this.#take(tls.clientRevocationsPath);
  }

  /** Looks whether the file of the configuration in force is another by now; several times a second. */
  look({ tls }: Config): void {
    const path = tls?.clientRevocationsPath;
    const before = this.#read;
    if (path === undefined || before?.path !== path) return;
    const identity = identityOf(path);
    if (identity === before.identity) return;
    try {
      this.#take(path);
      this.#parts.onChange();
    } catch (error) {
      if (!isAppError(error)) throw error;
      // Once for each state of the file.
      before.identity = identity;
      this.#parts.log.error({ err: error }, 'what was revoked before stays revoked');
    }
  }

  #take(path: string): Read {
    // Before the file: what is written meanwhile is read again.
    const identity = identityOf(path);
    const revoked = readRevocations(path);
    const { fingerprints, serials } = revoked;
    this.#parts.log.info(
      { path, certificates: fingerprints.length + serials.length },
      'client certificates are revoked',
    );
    this.#read = { path, identity, revoked };
    return this.#read;
  }
}

const identityOf = (path: string): string => {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined
    ? 'none'
    : `${found.dev} ${found.ino} ${found.mtimeNs} ${found.ctimeNs} ${found.size}`;
};
