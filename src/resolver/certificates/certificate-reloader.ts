// The certificate of the encrypted listeners while the program runs: read at the start and at a reload, and looked after
// each second in between, because programs that renew it seldom tell.
//
// What was read and fits stays until something else was read and fits: a key that came before its certificate, a file cut
// short or a right that was taken away changes nothing but an alarm. The keys of tickets are made here, for all workers.
// One that comes by ACME lies in the state directory and is read in the same way; until it is there, listeners have what was in
// force before, or nothing.
import { existsSync } from 'node:fs';
import { type Clock, fileIdentity, isAppError } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import {
  assertValid,
  type CertificateFacts,
  type CertificateFiles,
  type ChallengeProof,
  readCertificate,
  readClientAuthorities,
  TicketKeys,
  type TlsMaterial,
  type TlsSettings,
} from '../../wire/tls/tls.ts';
import { certificateFilesOf } from './certificate-files.ts';

/** Looks for which files may not fit before anybody hears of it: both of a pair are seldom replaced at once. */
const LOOKS_UNTIL_TOLD = 5;

interface Read {
  readonly material: TlsMaterial;
  readonly facts: CertificateFacts;
  /** What stood where when it was read. */
  readonly identity: string;
}

/** What metrics tell of the certificate. */
export interface TlsFacts {
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  /** The files hold something that is not used. */
  readonly isRefused: boolean;
}

/** What the keeper works with. */
export interface CertificateReloaderParts {
  readonly clock: Clock;
  readonly log: Log;
  /** What authorities are shown that look whether a name leads here. */
  readonly challenges: () => readonly ChallengeProof[];
  /** Something else is to be put in force in all workers. */
  readonly onChange: () => void;
}

/** Keeps the certificate of one program. */
export class CertificateReloader {
  readonly #parts: CertificateReloaderParts;
  readonly #tickets: TicketKeys;
  /** By the files that it was read from: that in force, and that of a configuration which is being put in force. */
  readonly #read = new Map<string, Read>();
  /** What was read last, for listeners whose certificate is still to come. */
  #last: Read | undefined;
  #badLooks = 0;

  constructor(parts: CertificateReloaderParts) {
    this.#parts = parts;
    this.#tickets = new TicketKeys(parts.clock());
  }

  /** What listeners of a configuration prove with; undefined without any. Throws AppError of CertificateErrorCode. */
  settingsFor(config: Config): TlsSettings | undefined {
    const { tls } = config;
    const files = certificateFilesOf(config);
    if (tls === undefined || files === undefined) return undefined;
    const read = this.#read.get(keyOf(files)) ?? (tls.acme ? this.#takeObtained(files) : this.#take(files));
    const material = read?.material ?? this.#withoutOwn(files);
    const ticketLifetimeSec = Math.ceil(tls.ticketRotationMs / 1000);
    const challenges = tls.acme ? this.#parts.challenges() : [];
    return { ...material, challenges, ticketKeys: this.#tickets.keys, ticketLifetimeSec };
  }

  /** Reads the files of a configuration anew; throws AppError of CertificateErrorCode, and keeps what was read before. */
  reread(config: Config): void {
    const files = certificateFilesOf(config);
    if (files === undefined) return;
    if (config.tls?.acme === undefined) this.#take(files);
    else this.#takeObtained(files);
  }

  /** Looks after the files of the configuration in force, and the keys of tickets; once a second. */
  look(config: Config): void {
    const files = certificateFilesOf(config);
    if (config.tls === undefined || files === undefined) return;
    const { clock, onChange } = this.#parts;
    const key = keyOf(files);
    for (const other of this.#read.keys()) if (other !== key) this.#read.delete(other);
    const isRotated = this.#tickets.rotate(clock(), config.tls.ticketRotationMs);
    const isAwaited = config.tls.acme !== undefined && !existsSync(files.certPath);
    if ((!isAwaited && this.#renew(files)) || isRotated) onChange();
  }

  /** Undefined where nothing is encrypted, or nothing can be yet. */
  facts(config: Config): TlsFacts | undefined {
    const files = certificateFilesOf(config);
    const read = files && (this.#read.get(keyOf(files)) ?? (config.tls?.acme ? this.#last : undefined));
    if (read === undefined) return undefined;
    const { facts } = read;
    const { startMs, endMs } = facts;
    return { startMs, endMs, isRefused: this.#badLooks >= LOOKS_UNTIL_TOLD };
  }

  /** Reads files that are others by now; true when what they hold is to be put in force. */
  #renew(files: CertificateFiles): boolean {
    const { log } = this.#parts;
    const before = this.#read.get(keyOf(files));
    if (before?.identity === identityOf(files)) return false;
    try {
      const { material } = this.#take(files);
      return before === undefined || !isSame(before.material, material);
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#badLooks++;
      if (this.#badLooks === LOOKS_UNTIL_TOLD) {
        log.error({ err: error }, 'the certificate is not renewed: the one before stays in force');
      }
      return false;
    }
  }

  /** What ACME obtained; undefined where it did not yet, or where what it kept is damaged: it obtains another one. */
  #takeObtained(files: CertificateFiles): Read | undefined {
    if (!existsSync(files.certPath)) return undefined;
    try {
      return this.#take(files);
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#parts.log.error({ err: error }, 'the certificate that was obtained cannot be used');
      return undefined;
    }
  }

  /** What was in force before, and nothing at a first start; authorities of clients are those of the files. */
  #withoutOwn({
    clientAuthorityPaths,
  }: CertificateFiles): Pick<TlsSettings, 'cert' | 'key' | 'ocsp' | 'clientAuthorities'> {
    const { cert, key } = this.#last?.material ?? { cert: undefined, key: undefined };
    const authorities = clientAuthorityPaths.flatMap(readClientAuthorities);
    return {
      cert,
      key,
      ocsp: undefined,
      clientAuthorities: authorities.length === 0 ? undefined : authorities,
    };
  }

  #take(files: CertificateFiles): Read {
    const { log } = this.#parts;
    const key = keyOf(files);
    const before = this.#read.get(key);
    // Before the files: what is replaced meanwhile is read again.
    const identity = identityOf(files);
    const read = { ...readCertificate(files), identity };
    this.#read.set(key, read);
    this.#last = read;
    this.#badLooks = 0;
    if (before !== undefined && isSame(before.material, read.material)) return read;
    const { names, issuer, endMs, fingerprint, notes } = read.facts;
    log.info(
      { path: files.certPath, names, issuer, until: new Date(endMs).toISOString(), fingerprint },
      before === undefined ? 'certificate of the encrypted listeners' : 'certificate renewed',
    );
    for (const note of notes) log.warn({ path: files.certPath }, note);
    return read;
  }
}

/**
 * The certificate of a configuration; undefined without one, also while ACME has not obtained it yet. Throws AppError where it
 * cannot be used, or is not valid at a time.
 */
export const readValidCertificate = (config: Config, nowMs: number): CertificateFacts | undefined => {
  const files = certificateFilesOf(config);
  if (files === undefined || (config.tls?.acme !== undefined && !existsSync(files.certPath)))
    return undefined;
  const { facts } = readCertificate(files);
  assertValid(facts, files.certPath, nowMs);
  return facts;
};

const pathsOf = ({
  certPath,
  keyPath,
  ocspPath,
  clientAuthorityPaths,
}: CertificateFiles): readonly string[] =>
  [certPath, keyPath, ocspPath, ...clientAuthorityPaths].filter((path) => path !== undefined);

const keyOf = (files: CertificateFiles): string => pathsOf(files).join('\n');

const identityOf = (files: CertificateFiles): string => pathsOf(files).map(fileIdentity).join('\n');

const isSame = (a: TlsMaterial, b: TlsMaterial): boolean =>
  a.cert === b.cert &&
  a.key === b.key &&
  a.clientAuthorities?.join() === b.clientAuthorities?.join() &&
  Buffer.compare(a.ocsp ?? NOTHING, b.ocsp ?? NOTHING) === 0;

const NOTHING = new Uint8Array(0);
