// The certificate by ACME while the program runs: obtained at a first start, renewed when a third of its life is left.
//
// On the main thread, beside everything else: it opens challenges in all workers, asks the authority, and writes a file, which the keeper of
// certificates finds as it finds any other. Whatever fails leaves what is in force, and is tried again later and later: an authority
// counts failures, and one that comes back must not be met by all resolvers at once.
import { setTimeout as wait } from 'node:timers/promises';
import { type AppError, type Clock, isAppError, VERSION } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import {
  acmeError,
  askRenewal,
  type Challenge,
  certificateId,
  type DirectoryAddress,
  obtainCertificate,
  openAccount,
  printedName,
  Session,
  Transport,
  toIdentifier,
} from '../../wire/acme/acme.ts';
import {
  type AcmeConfig,
  type KeptAccount,
  type KeptCertificate,
  keepAccount,
  keepCertificate,
  readAccount,
  readDirectoryAuthorities,
  readExternalAccount,
  readKeptCertificate,
} from './acme-files.ts';

/** One order, from the first request to the last, milliseconds. */
const ORDER_MS_MAX = 15 * 60_000;
/** From a failure to the next try, milliseconds: where the directory is not reached, and where it said no, which it counts. */
const RETRY_UNREACHED_MS = 10_000;
const RETRY_REFUSED_MS = 120_000;
const RETRY_MS_MAX = 6 * 3_600_000;
/** Added to a wait at random, as a part of it. */
const JITTER = 0.5;
/** From a certificate to the next one, milliseconds, however short it lives; otherwise this part of its life. */
const PAUSE_MS_MIN = 10_000;
const PAUSE_PART = 6;
/** From a start to the first question whether to renew sooner, at most; from one to the next, where the authority says nothing; milliseconds. */
const FIRST_ASK_MS_MAX = 60_000;
const ASK_AGAIN_MS = 6 * 3_600_000;
/** A clock that goes back by more was wrong; what keeps a clock right moves it by seconds. */
const STEP_BACK_MS = 3_600_000;
/** What is left of the life of a certificate when it is renewed. */
const RENEWAL_PART = 3;
/** The part of its life by which a renewal is earlier at random, so that many resolvers do not come at once. */
const SPREAD_PART = 50;
const ACCOUNT_GONE = 'urn:ietf:params:acme:error:accountDoesNotExist';
/** That the certificate which is to be replaced is, or cannot be: another one is given all the same (RFC 9773 section 5). */
const NOT_REPLACED = new Set(
  ['alreadyReplaced', 'malformed', 'unauthorized'].map((type) => `urn:ietf:params:acme:error:${type}`),
);

/** What the program tells of it. */
export interface AcmeFacts {
  readonly state: 'obtaining' | 'issued' | 'failing';
  /** Since the last certificate, one after the other. */
  readonly failures: number;
  /** Code and text of the last of them. */
  readonly error: string | undefined;
  readonly text: string | undefined;
  /** When the authority is asked next, for a renewal or again; milliseconds since the epoch. */
  readonly nextMs: number;
  /** There is one, from before or now. */
  readonly hasCertificate: boolean;
}

/** What a certificate that was just obtained says. */
export interface ObtainedFacts {
  readonly directory: string;
  readonly names: readonly string[];
  readonly issuer: string;
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly endMs: number;
}

/** What the keeper works with. */
export interface AcmeRenewerParts {
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Looks up the directory's host; neither through the system's resolver nor through this one. */
  readonly resolve: (host: string, signal: AbortSignal) => Promise<readonly DirectoryAddress[]>;
  /** Puts the open challenges in force in all workers, and gives the error that was reported. */
  readonly applyChallenges: () => Promise<AppError | undefined>;
  /** A certificate was obtained, and is on the disk. */
  readonly onObtained: (facts: ObtainedFacts) => void;
}

/** What is done for one section of the configuration. */
interface Course {
  readonly text: string;
  nextMs: number;
  failures: number;
  error: AppError | undefined;
  hasCertificate: boolean;
  /** When the authority is asked whether it wants the certificate renewed sooner. */
  askMs: number;
  /** Before that, no other certificate is asked for. */
  earliestMs: number;
  readonly ended: AbortController;
}

/** Obtains the certificate of one program. */
export class AcmeRenewer {
  /** Orders since the start, by how they ended. */
  readonly #orders = { issued: 0, failed: 0 };
  readonly #parts: AcmeRenewerParts;
  /** One at a time, also where the configuration changed meanwhile: its challenges are closed at its end. */
  #running: Promise<void> | undefined;
  #challenges: readonly Challenge[] = [];
  #course: Course | undefined;
  #lookedMs = 0;

  constructor(parts: AcmeRenewerParts) {
    this.#parts = parts;
  }

  /** What authorities are shown now. */
  get challenges(): readonly Challenge[] {
    return this.#challenges;
  }

  /** Undefined where no certificate is obtained. */
  get facts(): AcmeFacts | undefined {
    const course = this.#course;
    if (course === undefined) return undefined;
    const { failures, error, nextMs, hasCertificate } = course;
    const state = failures > 0 ? 'failing' : hasCertificate ? 'issued' : 'obtaining';
    return { state, failures, error: error?.code, text: error?.message, nextMs, hasCertificate };
  }

  /** For metrics; undefined where no certificate is obtained. */
  get counts(): { readonly failures: number; readonly issued: number; readonly failed: number } | undefined {
    return this.#course && { failures: this.#course.failures, ...this.#orders };
  }

  /** Does what is due for the configuration in force; once a second. */
  look(config: Config): void {
    const { tls, stateDirectory } = config;
    const text = tls?.acme && JSON.stringify([tls.acme, stateDirectory]);
    const nowMs = this.#parts.clock();
    // Whatever was to be waited for was reckoned by a clock that was ahead.
    const isSetBack = this.#lookedMs - nowMs > STEP_BACK_MS;
    this.#lookedMs = nowMs;
    if (isSetBack || this.#course?.text !== text) {
      this.#course?.ended.abort();
      this.#course = text === undefined ? undefined : this.#begin(config, text);
    }
    const course = this.#course;
    if (course === undefined || tls?.acme === undefined || this.#running !== undefined) return;
    const isDue = nowMs >= course.nextMs;
    if (!isDue && (nowMs < course.askMs || course.failures > 0 || !course.hasCertificate)) return;
    const run = isDue ? this.#obtain(course, config, tls.acme) : this.#askSooner(course, config, tls.acme);
    this.#running = run.finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Leaves an order that is under way. */
  async close(): Promise<void> {
    this.#course?.ended.abort();
    await this.settled();
  }

  #begin(config: Config, text: string): Course {
    const kept = readKeptCertificate(config);
    const isWanted = kept !== undefined && this.#isAsWanted(kept, config);
    return {
      text,
      nextMs: isWanted ? this.#renewalOf(kept) : this.#parts.clock(),
      askMs: this.#parts.clock() + this.#parts.random() * FIRST_ASK_MS_MAX,
      earliestMs: this.#parts.clock(),
      failures: 0,
      error: undefined,
      hasCertificate: kept !== undefined,
      ended: new AbortController(),
    };
  }

  /** Of the names and the directory of the configuration; others are replaced at once, and serve until then. */
  #isAsWanted({ names, directory }: KeptCertificate, { tls }: Config): boolean {
    const wanted = (tls?.acme?.names ?? []).map((name) => printedName(toIdentifier(name)));
    return directory === tls?.acme?.directory && names.toSorted().join() === wanted.toSorted().join();
  }

  #renewalOf({ startMs, endMs }: KeptCertificate): number {
    const lifeMs = endMs - startMs;
    return endMs - lifeMs / RENEWAL_PART - this.#parts.random() * (lifeMs / SPREAD_PART);
  }

  /** Renews sooner where the authority wants it, which may have to revoke many. What fails here is asked again, and is nobody's concern. */
  async #askSooner(course: Course, config: Config, acme: AcmeConfig): Promise<void> {
    const { clock, log, random } = this.#parts;
    course.askMs = clock() + ASK_AGAIN_MS;
    const kept = readKeptCertificate(config);
    if (kept === undefined || kept.directory !== acme.directory) return;
    const { signal } = course.ended;
    try {
      const session = this.#openSession(readAccount(config, acme), acme, signal);
      const wish = await askRenewal(session, kept.leaf, clock(), random());
      course.askMs = wish.askMs;
      const soonerMs = Math.max(wish.atMs ?? Number.POSITIVE_INFINITY, course.earliestMs);
      if (soonerMs >= course.nextMs) return;
      course.nextMs = soonerMs;
      const renewal = new Date(soonerMs).toISOString();
      log.warn({ directory: acme.directory, renewal }, 'the authority wants the certificate renewed sooner');
    } catch (thrown) {
      if (signal.aborted) return;
      if (!isAppError(thrown)) throw thrown;
      log.debug({ err: thrown }, 'the authority does not say when to renew');
    }
  }

  #openSession(account: KeptAccount, acme: AcmeConfig, signal: AbortSignal): Session {
    const { resolve, clock } = this.#parts;
    const authorities = readDirectoryAuthorities(acme);
    const options = { resolve, authorities, userAgent: `cordon/${VERSION}` };
    const transport = new Transport(new URL(acme.directory), options);
    return new Session(transport, acme.directory, account.key, signal, clock);
  }

  /** One order, however it ends. */
  async #obtain(course: Course, config: Config, acme: AcmeConfig): Promise<void> {
    const { clock, log } = this.#parts;
    const signal = AbortSignal.any([course.ended.signal, AbortSignal.timeout(ORDER_MS_MAX)]);
    const { directory, names } = acme;
    log.info({ directory, names }, 'a certificate is asked for by ACME');
    let session: Session | undefined;
    try {
      const account = readAccount(config, acme);
      session = this.#openSession(account, acme, signal);
      await this.#order(session, account, config, acme, signal);
      course.failures = 0;
      course.error = undefined;
      course.hasCertificate = true;
      this.#orders.issued++;
      this.#tellObtained(course, config, acme);
    } catch (thrown) {
      if (course.ended.signal.aborted) return;
      const error = signal.aborted ? acmeError('ERR_ACME_CHALLENGE', LATE) : thrown;
      if (!isAppError(error)) throw error;
      this.#orders.failed++;
      course.failures++;
      course.error = error;
      const waitMs = this.#waitAfter(course.failures, error.code, session?.retryAfterMs);
      course.nextMs = clock() + waitMs;
      const next = new Date(course.nextMs).toISOString();
      const outcome = course.hasCertificate ? 'the one before stays in force' : 'it has obtained none yet';
      log.error({ err: error, directory, next }, `no certificate was obtained by ACME: ${outcome}`);
    }
  }

  async #order(
    session: Session,
    account: KeptAccount,
    config: Config,
    acme: AcmeConfig,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#parts;
    session.account = account.url;
    if (account.url === undefined) await this.#register(session, account, config, acme);
    else {
      if (account.contact !== acme.contact) {
        await session.post(account.url, {
          contact: acme.contact === undefined ? [] : [`mailto:${acme.contact}`],
        });
      }
      // Also when it is the same: where nothing can be written, no certificate has to be asked for.
      await keepAccount(config, acme, { ...account, contact: acme.contact });
    }
    const kept = readKeptCertificate(config);
    const { renewalInfo } = await session.directory();
    // An authority without renewal information does not know the word.
    const isReplaced = renewalInfo !== undefined && kept?.directory === acme.directory;
    const wanted = {
      identifiers: acme.names.map(toIdentifier),
      profile: acme.profile,
      replaces: isReplaced ? certificateId(kept.leaf) : undefined,
    };
    const parts = {
      session,
      accountKey: account.key,
      openChallenges: (challenges: readonly Challenge[]) => this.#openChallenges(challenges),
      wait: (ms: number) => wait(ms, undefined, { signal }),
      nowMs: clock,
    };
    try {
      await keepCertificate(config, acme, await obtainCertificate(parts, wanted));
    } catch (thrown) {
      const { problem } = session;
      const isReplaceable = wanted.replaces === undefined || !NOT_REPLACED.has(problem ?? '');
      if (problem !== ACCOUNT_GONE && isReplaceable) throw thrown;
      if (problem === ACCOUNT_GONE) {
        session.account = undefined;
        await this.#register(session, account, config, acme);
      }
      await keepCertificate(config, acme, await obtainCertificate(parts, { ...wanted, replaces: undefined }));
    }
  }

  async #register(session: Session, account: KeptAccount, config: Config, acme: AcmeConfig): Promise<void> {
    const { contact, agreesToTerms } = acme;
    const externalAccount = readExternalAccount(acme);
    const url = await openAccount(session, { contact, agreesToTerms, externalAccount });
    session.account = url;
    await keepAccount(config, acme, { key: account.key, url, contact });
    this.#parts.log.info({ directory: acme.directory, account: url }, 'registered with the authority');
  }

  async #openChallenges(challenges: readonly Challenge[]): Promise<void> {
    if (this.#challenges.length === 0 && challenges.length === 0) return;
    this.#challenges = challenges;
    const error = await this.#parts.applyChallenges();
    if (error !== undefined && challenges.length > 0) throw error;
  }

  #tellObtained(course: Course, config: Config, { directory }: AcmeConfig): void {
    const nowMs = this.#parts.clock();
    course.nextMs = nowMs + RETRY_MS_MAX;
    const kept = readKeptCertificate(config);
    if (kept === undefined) return;
    const { leaf, names, endMs } = kept;
    const pauseMs = Math.max(PAUSE_MS_MIN, (endMs - nowMs) / PAUSE_PART);
    course.earliestMs = nowMs + pauseMs;
    course.nextMs = Math.max(this.#renewalOf(kept), course.earliestMs);
    course.askMs = nowMs + ASK_AGAIN_MS;
    const issuer = leaf.issuer.replaceAll('\n', ', ');
    const facts = { directory, names, issuer, fingerprint: leaf.fingerprint256, endMs };
    const [until, renewal] = [endMs, course.nextMs].map((ms) => new Date(ms).toISOString());
    this.#parts.log.info({ directory, names, issuer, until, renewal }, 'a certificate was obtained by ACME');
    this.#parts.onObtained(facts);
  }

  /** Longer each time, never sooner than the directory asks, and not for all resolvers at once. */
  #waitAfter(failures: number, code: string, askedMs = 0): number {
    const first = code === 'ERR_ACME_UNREACHABLE' ? RETRY_UNREACHED_MS : RETRY_REFUSED_MS;
    const waitMs = Math.min(first * 2 ** Math.min(failures - 1, 20), RETRY_MS_MAX);
    return Math.max(waitMs, askedMs) * (1 + JITTER * this.#parts.random());
  }
}

const LATE = `the order was not done in ${ORDER_MS_MAX / 60_000} minutes`;
