// The validator: stands between the asker and the resolver below, and says what each answer is worth.
//
// Invariants: `done` is called exactly once, whatever comes; an answer is never called secure without a chain from a
// trust anchor, nor insecure without a proof that there is none; what one question costs is bounded (see work.ts).
// A question whose zone is known costs one look-up. An answer that is bogus is asked for once more, because upstreams
// differ. RFC 4033, 4035, 6840, 7646, 8198, 8914.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/base.ts';
import {
  BOGUS_MS,
  CLASS,
  EDE,
  foldedName,
  formatName,
  nameKey,
  type Question,
  type ResolveFailure,
  TYPE,
} from '../../wire/dns/dns.ts';
import { AggressiveCache } from './aggressive.ts';
import type { TrustAnchor } from './anchors.ts';
import { Chain, type ChainObserver } from './chain.ts';
import { Debts } from './debts.ts';
import { DnameCache, type Redirection } from './dname-cache.ts';
import { ALIASES_MAX, type Asked, type Denied, holderOf, judgeAnswer } from './judge.ts';
import { ask, isSameAnswer, type Lookup, type LookupAnswer } from './lookup.ts';
import { NegativeAnchors } from './negative-anchors.ts';
import { Pace } from './pace.ts';
import type { Rrset } from './rrset.ts';
import { createFlaw, type Flaw } from './verification.ts';
import type { Work, WorkExcess, WorkLimits } from './work.ts';

/** Bogus questions that are remembered. */
const BOGUS_MAX = 1000;

/**
 * The day before which no copy of this program existed: a clock that shows an earlier time is wrong, and every
 * signature would be not valid yet. To be moved on with each release.
 */
const RELEASED_AT_MS = Date.UTC(2026, 10, 24);

/** Reported in place of an INFO-CODE where there is none. */
const NO_CODE = -1;

/** Whether data was proven to be what its zone's owner signed. */
export type Security = 'secure' | 'insecure';

/** What became of a question. */
export type ValidatedOutcome =
  | {
      readonly kind: 'answer';
      /** As received but for an RCODE that a proof corrects; of AUTHORITY of a secure answer only what was verified. */
      readonly message: Uint8Array;
      readonly endpoint?: string | undefined;
      readonly security: Security;
      /** Seconds that signatures and their original TTLs allow; Infinity when insecure. */
      readonly ttlMaxSec: number;
      /** Why a signed zone counts as insecure, where that can be told: an INFO-CODE of RFC 8914 and a text. */
      readonly insecureReason?: Flaw | undefined;
    }
  | {
      readonly kind: 'bogus';
      /** An INFO-CODE of RFC 8914. */
      readonly code: number;
      readonly text: string;
      readonly message?: Uint8Array | undefined;
    }
  | ResolveFailure;

/** Is told what validation does. */
export interface ValidatorObserver extends ChainObserver {
  /** A question was validated; `code` is the INFO-CODE of a bogus answer or of a reason, otherwise -1. */
  validated(verdict: Security | 'bogus', code: number): void;
  /** A bogus answer is asked for once more. */
  retried(): void;
  /** A question was answered by proofs that are kept. */
  denied(): void;
  /** A question ran into a limit. */
  exceeded(limit: WorkExcess): void;
  /** A defect of this room: the question fails. */
  defect(thrown: unknown): void;
}

/** What a validator is made of. */
export interface ValidatorOptions {
  /** Finds the answers that are validated. */
  readonly lookup: Lookup;
  /** Finds the DS and DNSKEY records of chains of trust, where aliases need no end; `lookup` by default. */
  readonly chainLookup?: Lookup;
  readonly anchors: readonly TrustAnchor[];
  /** Zones that are not validated (RFC 7646): wire names in any letters. */
  readonly negativeAnchors: readonly Uint8Array[];
  readonly clock: Clock;
  readonly observer: ValidatorObserver;
  /** Signatures with SHA-1 count; false by default (RFC 9905). */
  readonly allowSha1?: boolean;
  /** Answers are made of proofs that are kept (RFC 8198); true by default. */
  readonly aggressiveNsec?: boolean;
  /** What one question may cost. */
  readonly workLimits?: Partial<WorkLimits>;
}

/** Validates the questions of one thread. */
export class Validator {
  readonly #lookup: Lookup;
  readonly #chain: Chain;
  readonly #negativeAnchors: NegativeAnchors;
  readonly #clock: Clock;
  readonly #observer: ValidatorObserver;
  readonly #allowSha1: boolean;
  readonly #workLimits: Partial<WorkLimits>;
  readonly #aggressive: AggressiveCache | undefined;
  readonly #dnames = new DnameCache();
  readonly #pace = new Pace();
  readonly #debts = new Debts();
  readonly #bogus = new LRUCache<string, { readonly flaw: Flaw; readonly atMs: number }>({ max: BOGUS_MAX });

  constructor(options: ValidatorOptions) {
    const { lookup, anchors, clock, observer } = options;
    this.#lookup = lookup;
    this.#clock = clock;
    this.#observer = observer;
    this.#allowSha1 = options.allowSha1 ?? false;
    this.#workLimits = options.workLimits ?? {};
    this.#negativeAnchors = new NegativeAnchors(options.negativeAnchors);
    const chainLookup = options.chainLookup ?? lookup;
    const negativeAnchors = this.#negativeAnchors;
    this.#chain = new Chain({ lookup: chainLookup, anchors, negativeAnchors, clock, observer });
    this.#aggressive = (options.aggressiveNsec ?? true) ? new AggressiveCache({ clock }) : undefined;
  }

  /** Resolves and validates a question. Never throws; calls `done` exactly once, possibly before it returns. */
  resolve(question: Question, done: (outcome: ValidatedOutcome) => void): void {
    void this.#settle(question, done);
  }

  /** Trusts other anchors from the next question on. */
  setAnchors(anchors: readonly TrustAnchor[]): void {
    this.#chain.setAnchors(anchors);
    this.#forgetAnswers();
  }

  /** Forgets zones, proofs and what was bogus. */
  clear(): void {
    this.#chain.clear();
    this.#forgetAnswers();
  }

  #forgetAnswers(): void {
    this.#bogus.clear();
    this.#debts.clear();
    this.#aggressive?.clear();
    this.#dnames.clear();
  }

  async #settle(question: Question, done: (outcome: ValidatedOutcome) => void): Promise<void> {
    let outcome: ValidatedOutcome;
    try {
      outcome = await this.#resolve(question);
    } catch (thrown) {
      this.#observer.defect(thrown);
      outcome = { kind: 'failure', reason: 'servfail' };
    }
    done(outcome);
  }

  /** `aliases` were followed to come to the question. */
  #resolve(question: Question, aliases = 0): ValidatedOutcome | Promise<ValidatedOutcome> {
    if (question.checkingDisabled || question.class !== CLASS.IN)
      return ask(this.#lookup, question).then((outcome) =>
        outcome.kind === 'failure' ? outcome : insecure(outcome),
      );
    const name = foldedName(question.name);
    const asked = { name, type: question.type, view: question.view, dnssecOk: question.dnssecOk };
    return (
      this.#findBogus(asked) ??
      this.#findDenied(asked) ??
      this.#findFailed(asked) ??
      this.#redirect(question, asked, aliases) ??
      this.#validate(question, asked)
    );
  }

  /**
   * Answers a question about a name below a DNAME that was validated and is kept: what the name is an alias of is the only
   * thing to be asked for (RFC 6672 section 3.2). Undefined when there is none.
   */
  #redirect(question: Question, asked: Asked, aliases: number): Promise<ValidatedOutcome> | undefined {
    const redirection = this.#findRedirection(asked);
    return redirection === undefined || aliases === ALIASES_MAX
      ? undefined
      : this.#follow(redirection, question, asked, aliases);
  }

  async #follow(
    redirection: Redirection,
    question: Question,
    asked: Asked,
    aliases: number,
  ): Promise<ValidatedOutcome> {
    question.trace?.step('aliases', `follow from a DNAME at ${formatName(redirection.owner)}`);
    // The alias is what was asked for (RFC 1034 section 3.6.2).
    if (question.type === TYPE.CNAME) {
      const message = redirection.join(question, undefined, this.#clock());
      if (message !== undefined)
        return this.#report({
          kind: 'answer',
          message,
          security: 'secure',
          ttlMaxSec: Number.POSITIVE_INFINITY,
        });
    }
    const outcome = await this.#resolve({ ...question, name: redirection.target }, aliases + 1);
    if (outcome.kind === 'failure')
      return { ...outcome, aliases: redirection.join(question, outcome.aliases, this.#clock()) };
    if (outcome.message === undefined) return outcome;
    const message = redirection.join(question, outcome.message, this.#clock());
    return message === undefined ? this.#validate(question, asked) : { ...outcome, message };
  }

  #findRedirection({ name, type, view }: Asked): Redirection | undefined {
    if (this.#dnames.size === 0 || this.#negativeAnchors.find(name) !== undefined) return undefined;
    const anchor = this.#chain.anchorZone(holderOf(name, type));
    return anchor === undefined ? undefined : this.#dnames.find(view, name, anchor, this.#clock());
  }

  #findBogus(asked: Asked): ValidatedOutcome | undefined {
    if (this.#bogus.size === 0) return undefined;
    const key = keyOf(asked);
    const entry = this.#bogus.get(key);
    if (entry === undefined) return undefined;
    const ageMs = this.#clock() - entry.atMs;
    if (ageMs >= 0 && ageMs < BOGUS_MS) return this.#report({ kind: 'bogus', ...entry.flaw });
    this.#bogus.delete(key);
    return undefined;
  }

  #findDenied({ name, type, view }: Asked): ValidatedOutcome | undefined {
    // An operator whose own zone is nowhere in the public tree says so by a negative anchor: nothing denies that zone.
    if (this.#aggressive === undefined || this.#negativeAnchors.find(name) !== undefined) return undefined;
    const anchor = this.#chain.anchorZone(holderOf(name, type));
    if (anchor === undefined) return undefined;
    const message = this.#aggressive.find(view, { name, type, class: CLASS.IN }, this.#clock(), anchor);
    if (message === undefined) return undefined;
    this.#observer.denied();
    return this.#report({
      kind: 'answer',
      message,
      security: 'secure',
      ttlMaxSec: Number.POSITIVE_INFINITY,
    });
  }

  /** What is known to be of no use before anybody is asked: a new name of a zone that failed just now (RFC 9520). */
  #findFailed({ name, type, view }: Asked): ValidatedOutcome | undefined {
    const flaw = this.#chain.findFailed(view, holderOf(name, type));
    return flaw === undefined ? undefined : this.#report({ kind: 'bogus', ...flaw });
  }

  async #validate(question: Question, asked: Asked): Promise<ValidatedOutcome> {
    const work = this.#debts.open(asked.name, this.#workLimits, this.#clock(), this.#pace.spend);
    const first = await this.#attempt(question, asked, work);
    let best = first;
    if (first.mayDiffer && !work.isLimited) {
      this.#observer.retried();
      const again = { ...question, notFrom: first.endpoint, doubtsEnd: first.isEndInDoubt === true };
      const second = await this.#attempt(again, asked, work, first);
      if (second.outcome.kind === 'answer') best = second;
    }
    const { outcome } = best;
    this.#debts.settle(work, asked.name, outcome.kind === 'bogus', this.#clock());
    // What was learned before there was too much to do stays: the same question may have enough the next time.
    if (outcome.kind === 'bogus' && work.exceeded !== 'verifications') {
      const flaw = { code: outcome.code, text: outcome.text };
      this.#bogus.set(keyOf(asked), { flaw, atMs: this.#clock() });
    }
    return this.#report(outcome);
  }

  /** `before` is the attempt whose answer was bogus, if this is the second. */
  async #attempt(question: Question, asked: Asked, work: Work, before?: Attempt): Promise<Attempt> {
    if (!work.takeLookup()) return { outcome: this.#exceed(asked, work), mayDiffer: false };
    const outcome = await ask(this.#lookup, { ...question, dnssecOk: true, checkingDisabled: true });
    if (outcome.kind === 'failure') return { outcome, mayDiffer: false };
    const { message, endpoint, isOnly = false } = outcome;
    if (before?.isRenewed === false && isSameAnswer(message, before.message)) return before;
    const pause = (): Promise<boolean> | undefined =>
      this.#pace.enter(asked.name, work.isLimited || work.spent >= COSTLY_UNITS);
    // A short message costs less to read than to wait for: only verifying its signatures waits for a turn.
    const turn = message.length < SHORT_BYTES ? undefined : pause();
    if (turn !== undefined && !(await turn)) return { outcome: OVERLOAD, mayDiffer: false };
    work.spend(message.length / BYTES_PER_UNIT);
    const nowSec = Math.floor(this.#clock() / 1000);
    const examination = { nowSec, work, allowSha1: this.#allowSha1, pause };
    const judged = judgeAnswer(this.#chain, message, asked, examination);
    const judgement = judged instanceof Promise ? await judged : judged;
    switch (judgement.kind) {
      case 'secure': {
        const { ttlSec, denied } = judgement;
        if (denied !== undefined) this.#remember(asked.view, denied);
        this.#keepDnames(asked.view, judgement.dnames);
        return {
          outcome: {
            kind: 'answer',
            message: judgement.message,
            endpoint,
            security: 'secure',
            ttlMaxSec: ttlSec,
          },
          mayDiffer: false,
        };
      }
      case 'insecure':
        this.#keepDnames(asked.view, judgement.dnames);
        return {
          outcome: insecure({ ...outcome, message: judgement.message }, judgement.reason),
          mayDiffer: false,
        };
      case 'bogus': {
        const { flaw, zone, mayDiffer, isEndInDoubt = false } = judgement;
        const isRenewed = zone !== undefined && this.#chain.renew(asked.view, zone);
        return {
          outcome: { kind: 'bogus', ...flaw, message },
          mayDiffer: mayDiffer && (isRenewed || isEndInDoubt || !isOnly),
          endpoint,
          message,
          isRenewed,
          isEndInDoubt,
        };
      }
      case 'exceeded':
        return { outcome: this.#exceed(asked, work), mayDiffer: false };
      case 'failure':
        return { outcome: judgement, mayDiffer: false };
    }
  }

  #remember(view: number, { zone, records, soa }: Denied): void {
    this.#aggressive?.add(view, zone, records, soa, this.#clock());
  }

  #keepDnames(view: number, dnames: readonly Rrset[]): void {
    for (const dname of dnames) this.#dnames.add(view, dname, this.#clock());
  }

  #exceed({ name, type }: Asked, work: Work): ValidatedOutcome {
    const limit = work.exceeded ?? 'lookups';
    this.#observer.exceeded(limit);
    const problem = limit === 'debt' ? TOO_COSTLY : `validation takes too much work (${WORK_WORDS[limit]})`;
    return { kind: 'bogus', ...createFlaw(EDE.DNSSEC_BOGUS, name, type, problem) };
  }

  #report(outcome: ValidatedOutcome): ValidatedOutcome {
    if (outcome.kind === 'answer')
      this.#observer.validated(outcome.security, outcome.insecureReason?.code ?? NO_CODE);
    else if (outcome.kind === 'bogus') this.#observer.validated('bogus', outcome.code);
    return outcome;
  }
}

/** One look-up and what its answer is worth. */
interface Attempt {
  readonly outcome: ValidatedOutcome;
  /** Another upstream may have a better answer. */
  readonly mayDiffer: boolean;
  /** Who gave the answer. */
  readonly endpoint?: string | undefined;
  /** The answer, when it is bogus. */
  readonly message?: Uint8Array;
  /** The keys of its zone are looked up anew: they may fit. */
  readonly isRenewed?: boolean;
  /** Where its aliases end is to be asked for by itself. */
  readonly isEndInDoubt?: boolean;
}

/** Of a message of 64 KiB: reading its records takes 2 ms. */
const BYTES_PER_UNIT = 2048;
/** Of a message with a few records, which are read in less than 20 µs. */
const SHORT_BYTES = 512;
/** Of a question that took more than most: two signatures of P-384, or two zones that were not known. */
const COSTLY_UNITS = 16;
const TOO_COSTLY = 'validation of its zone takes too much work';
/** More questions about one owner's names wait for validation than may. */
const OVERLOAD: ResolveFailure = { kind: 'failure', reason: 'overload' };

const WORK_WORDS: Readonly<Record<keyof WorkLimits, string>> = {
  verifications: 'signatures and look-ups',
  failures: 'wrong signatures',
  nsec3Hashes: 'NSEC3 hashes',
  lookups: 'look-ups',
};

/** False when a clock shows a time before this program was released: signatures cannot be judged by it. */
export const isClockPlausible = (nowMs: number): boolean => nowMs >= RELEASED_AT_MS;

const insecure = (answer: LookupAnswer, reason?: Flaw): ValidatedOutcome => ({
  ...answer,
  security: 'insecure',
  ttlMaxSec: Number.POSITIVE_INFINITY,
  insecureReason: reason,
});

const keyOf = ({ name, type, view }: Asked): string => `${type} ${nameKey(view, name)}`;
