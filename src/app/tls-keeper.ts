// The certificate of the encrypted listeners while the program runs: read at the start and at a reload, and looked after
// each second in between, because programs that renew it seldom tell.
//
// What was read and fits stays until something else was read and fits: a key that came before its certificate, a file cut
// short or a right that was taken away changes nothing but an alarm. The keys of tickets are made here, for all workers.
import { statSync } from 'node:fs';
import { type AppError, type Clock, isAppError } from '../base/base.ts';
import type { Config, TlsConfig } from '../config/config.ts';
import type { Log } from '../observe/observe.ts';
import {
  assertValid,
  type CertificateFacts,
  readCertificate,
  TicketKeys,
  type TlsMaterial,
  type TlsSettings,
} from '../tls/tls.ts';

/** Looks for which files may not fit before anybody hears of it: both of a pair are seldom replaced at once. */
const LOOKS_UNTIL_TOLD = 5;
/** An end of which the log warns, milliseconds: those who renew automatically do so a month before. */
const SOON_MS = 7 * 86_400_000;

interface Read {
  readonly material: TlsMaterial;
  readonly facts: CertificateFacts;
  /** What stood where when it was read. */
  readonly identity: string;
}

/** What metrics tell of the certificate. */
export interface TlsFacts {
  /** Milliseconds since the epoch. */
  readonly endMs: number;
  /** The files hold something that is not used. */
  readonly isRefused: boolean;
}

/** What the keeper works with. */
export interface TlsKeeperParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Something else is to be put in force in all workers. */
  readonly onChange: () => void;
}

/** Keeps the certificate of one program. */
export class TlsKeeper {
  readonly #parts: TlsKeeperParts;
  readonly #tickets: TicketKeys;
  /** By the files that it was read from: that in force, and that of a configuration which is being put in force. */
  readonly #read = new Map<string, Read>();
  #badLooks = 0;
  #validity = '';

  constructor(parts: TlsKeeperParts) {
    this.#parts = parts;
    this.#tickets = new TicketKeys(parts.clock());
  }

  /** What listeners of a configuration prove with; undefined without any. Throws AppError of CertificateErrorCode. */
  settingsFor({ tls }: Config): TlsSettings | undefined {
    if (tls === undefined) return undefined;
    const { material } = this.#read.get(keyOf(tls)) ?? this.#take(tls);
    const ticketLifetimeSec = Math.ceil(tls.ticketRotationMs / 1000);
    return { ...material, ticketKeys: this.#tickets.keys, ticketLifetimeSec };
  }

  /** Reads the files of a configuration anew; throws AppError of CertificateErrorCode, and keeps what was read before. */
  reread({ tls }: Config): void {
    if (tls !== undefined) this.#take(tls);
  }

  /** Looks after the files of the configuration in force, and the keys of tickets; once a second. */
  look({ tls }: Config): void {
    if (tls === undefined) return;
    const { clock, onChange } = this.#parts;
    const key = keyOf(tls);
    for (const other of this.#read.keys()) if (other !== key) this.#read.delete(other);
    const isRotated = this.#tickets.rotate(clock(), tls.ticketRotationMs);
    if (this.#renew(tls) || isRotated) onChange();
    this.#tellValidity(tls);
  }

  /** Undefined where nothing is encrypted. */
  facts({ tls }: Config): TlsFacts | undefined {
    const read = tls && this.#read.get(keyOf(tls));
    return read && { endMs: read.facts.endMs, isRefused: this.#badLooks >= LOOKS_UNTIL_TOLD };
  }

  /** Reads files that are others by now; true when what they hold is to be put in force. */
  #renew(tls: TlsConfig): boolean {
    const { log } = this.#parts;
    const before = this.#read.get(keyOf(tls));
    if (before?.identity === identityOf(tls)) return false;
    try {
      const { material } = this.#take(tls);
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

  #take(tls: TlsConfig): Read {
    const { log } = this.#parts;
    const key = keyOf(tls);
    const before = this.#read.get(key);
    // Before the files: what is replaced meanwhile is read again.
    const identity = identityOf(tls);
    const read = { ...readCertificate(tls), identity };
    this.#read.set(key, read);
    this.#badLooks = 0;
    if (before !== undefined && isSame(before.material, read.material)) return read;
    const { names, issuer, endMs, fingerprint, notes } = read.facts;
    log.info(
      { path: tls.certPath, names, issuer, until: new Date(endMs).toISOString(), fingerprint },
      before === undefined ? 'certificate of the encrypted listeners' : 'certificate renewed',
    );
    for (const note of notes) log.warn({ path: tls.certPath }, note);
    this.#tellValidity(tls);
    return read;
  }

  /** Says so when the certificate comes to its end, and when it is there. */
  #tellValidity(tls: TlsConfig): void {
    const { clock, log } = this.#parts;
    const read = this.#read.get(keyOf(tls));
    if (read === undefined) return;
    const fault = validityFault(read.facts, tls.certPath, clock());
    const isSoon = read.facts.endMs - clock() < SOON_MS;
    const validity = `${read.facts.fingerprint} ${fault === undefined ? isSoon : fault.message}`;
    if (validity === this.#validity) return;
    this.#validity = validity;
    if (fault !== undefined)
      log.error({ err: fault }, 'the certificate of the encrypted listeners is not valid');
    else if (isSoon) {
      const until = new Date(read.facts.endMs).toISOString();
      log.warn(
        { path: tls.certPath, until },
        'the certificate of the encrypted listeners ends soon: renew it',
      );
    }
  }
}

/** The certificate of a configuration; throws AppError where it cannot be used, or is not valid at a time. */
export const readValidCertificate = (
  tls: TlsConfig | undefined,
  nowMs: number,
): CertificateFacts | undefined => {
  if (tls === undefined) return undefined;
  const { facts } = readCertificate(tls);
  assertValid(facts, tls.certPath, nowMs);
  return facts;
};

const validityFault = (facts: CertificateFacts, path: string, nowMs: number): AppError | undefined => {
  try {
    assertValid(facts, path, nowMs);
    return undefined;
  } catch (error) {
    if (!isAppError(error)) throw error;
    return error;
  }
};

const pathsOf = ({ certPath, keyPath, ocspPath, clientAuthorityPaths }: TlsConfig): readonly string[] =>
  [certPath, keyPath, ocspPath, ...clientAuthorityPaths].filter((path) => path !== undefined);

const keyOf = (tls: TlsConfig): string => pathsOf(tls).join('\n');

/** What stands there, behind symbolic links: programs that renew it replace files, links, or what is in them. */
const identityOf = (tls: TlsConfig): string =>
  pathsOf(tls)
    .map((path) => {
      const found = statSync(path, { bigint: true, throwIfNoEntry: false });
      return found === undefined
        ? 'none'
        : `${found.dev} ${found.ino} ${found.mtimeNs} ${found.ctimeNs} ${found.size}`;
    })
    .join('\n');

const isSame = (a: TlsMaterial, b: TlsMaterial): boolean =>
  a.cert === b.cert &&
  a.key === b.key &&
  a.clientAuthorities?.join() === b.clientAuthorities?.join() &&
  Buffer.compare(a.ocsp ?? NOTHING, b.ocsp ?? NOTHING) === 0;

const NOTHING = new Uint8Array(0);
