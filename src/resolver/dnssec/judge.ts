// What an answer is worth: every RRset of ANSWER under the keys of its zone, and the proof of what is not there.
//
// Invariants: the answer is as secure as its weakest part; a part whose zone is not proven to be insecure needs a
// signature; a wildcard, an alias that ends and a negative answer need their proof; what is left in AUTHORITY of a
// secure answer was verified. A signature's signer only tells where to look: the chain of trust says which zone it is.
// RCODE is not signed: where it denies a name that the proof shows to exist, the proof is right.
// RFC 4035 sections 3.2.3, 5.3 and 5.4, RFC 5155 section 8, RFC 6672 section 5.3, RFC 6840.
import {
  EDE,
  isInZone,
  messageRcode,
  nameText,
  RCODE,
  type ResolveFailure,
  SECTION,
  skipLabels,
  TYPE,
} from '../../wire/dns/dns.ts';
import { ancestor } from './canonical.ts';
import type { Chain } from './chain.ts';
import { copyWithout, withRcode } from './corrected.ts';
import type { SecureZone, ZoneState } from './delegation.ts';
import {
  type Proof,
  proveEmptyName,
  proveNameError,
  proveNoData,
  proveUnsigned,
  proveWildcard,
} from './denial.ts';
import { isSameName } from './nsec.ts';
import { type Rrset, readRrsets, synthesizedFrom } from './rrset.ts';
import { isWildcardExpanded } from './signature.ts';
import {
  createFlaw,
  EXCEEDED,
  type Examination,
  type Exceeded,
  type Flaw,
  VerifiedDenial,
  verifyRrset,
} from './verification.ts';

/** Aliases that are followed, as many as other resolvers follow. */
export const ALIASES_MAX = 12;

/** What was asked. */
export interface Asked {
  /** Folded wire name. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly view: number;
  /** The asker gets AUTHORITY with a positive answer. */
  readonly dnssecOk: boolean;
}

/** What a secure negative answer proved, for the store of proofs. */
export interface Denied {
  readonly zone: Uint8Array;
  readonly records: readonly Rrset[];
  readonly soa: Rrset | undefined;
}

/** What an answer is worth. */
export type Judgement =
  | {
      readonly kind: 'secure';
      /** As received, with the RCODE that is proven and without what of AUTHORITY could not be verified. */
      readonly message: Uint8Array;
      /** Seconds that the signatures allow. */
      readonly ttlSec: number;
      readonly denied: Denied | undefined;
      readonly dnames: readonly Rrset[];
    }
  | {
      readonly kind: 'insecure';
      /** As received, with the RCODE that is proven where one is. */
      readonly message: Uint8Array;
      readonly reason: Flaw | undefined;
      /** DNAMEs of the answer that were verified all the same, with their signatures: any name below them is an alias. */
      readonly dnames: readonly Rrset[];
    }
  | {
      readonly kind: 'bogus';
      readonly flaw: Flaw;
      /** The zone under whose keys the answer is bogus; undefined when the chain of trust or its form is at fault. */
      readonly zone: Uint8Array | undefined;
      /** Another answer to the same question may be better: false when the chain of trust is at fault. */
      readonly mayDiffer: boolean;
      /** At fault is the proof about a name that aliases lead to: who has that zone may have a better one. */
      readonly isEndInDoubt?: boolean;
    }
  | ResolveFailure
  | Exceeded;

type Bogus = Judgement & { readonly kind: 'bogus' };
type Stop = Bogus | ResolveFailure | Exceeded;

/** Judges a message whose ID and question were checked. */
export const judgeAnswer = (
  chain: Chain,
  message: Uint8Array,
  asked: Asked,
  examination: Examination,
): Promise<Judgement> | Judgement => {
  const rrsets = readRrsets(message);
  if (rrsets === undefined) return malformed(asked, 'malformed answer');
  return new Trial(chain, message, rrsets, asked, examination).judge();
};

/** One answer while it is judged. */
class Trial {
  readonly #chain: Chain;
  #message: Uint8Array;
  readonly #rrsets: readonly Rrset[];
  /** RRsets of ANSWER; signatures that cover nothing are none. */
  readonly #answers: readonly Rrset[];
  readonly #asked: Asked;
  readonly #examination: Examination;
  /** Records of denial by the apex of their zone. */
  #denials: Map<string, VerifiedDenial> | undefined;
  /** RRsets of AUTHORITY that were verified and serve a purpose. */
  #kept: Set<Rrset> | undefined;
  /** DNAMEs that were verified and that aliases follow from; with the TTL that their signature allows. */
  readonly #dnames: Rrset[] = [];
  #ttlSec = Number.POSITIVE_INFINITY;
  #isSecure = true;
  #reason: Flaw | undefined;

  constructor(
    chain: Chain,
    message: Uint8Array,
    rrsets: readonly Rrset[],
    asked: Asked,
    examination: Examination,
  ) {
    this.#chain = chain;
    this.#message = message;
    this.#rrsets = rrsets;
    this.#answers = rrsets.filter(({ section, type }) => section === SECTION.ANSWER && type !== TYPE.RRSIG);
    this.#asked = asked;
    this.#examination = examination;
  }

  /** At once, as most answers are, when the keys of all zones are known and nothing has to wait for its turn. */
  judge(): Promise<Judgement> | Judgement {
    // DNAMEs first: what follows from a good one is as good.
    const ordered = this.#answers.some(isDname)
      ? this.#answers.toSorted((a, b) => Number(isDname(b)) - Number(isDname(a)))
      : this.#answers;
    for (let i = 0; i < ordered.length; i++) {
      const stop = this.#takeAnswerRrset(ordered[i]);
      if (stop instanceof Promise) return this.#judgeFrom(ordered, i + 1, stop);
      if (stop !== undefined) return stop;
    }
    return this.#conclude();
  }

  async #judgeFrom(
    rrsets: readonly Rrset[],
    next: number,
    pending: Promise<Stop | undefined>,
  ): Promise<Judgement> {
    let stop = await pending;
    for (let i = next; i < rrsets.length && stop === undefined; i++)
      stop = await this.#takeAnswerRrset(rrsets[i]);
    return stop ?? this.#conclude();
  }

  #takeAnswerRrset(rrset: Rrset | undefined): Promise<Stop | undefined> | Stop | undefined {
    if (rrset === undefined || this.#isSynthesized(rrset)) return undefined;
    const zone = this.#findZone([rrset], rrset.owner, rrset.type);
    if (zone instanceof Promise) return this.#awaitZone(zone, rrset);
    const turn = zone.kind === 'secure' ? this.#examination.pause?.() : undefined;
    return turn === undefined ? this.#judgeAnswerRrset(rrset, zone) : this.#awaitTurn(turn, rrset, zone);
  }

  async #awaitZone(found: Promise<ZoneState>, rrset: Rrset): Promise<Stop | undefined> {
    const zone = await found;
    const turn = zone.kind === 'secure' ? this.#examination.pause?.() : undefined;
    return turn === undefined || (await turn) ? this.#judgeAnswerRrset(rrset, zone) : OVERLOAD;
  }

  async #awaitTurn(turn: Promise<boolean>, rrset: Rrset, zone: ZoneState): Promise<Stop | undefined> {
    return (await turn) ? this.#judgeAnswerRrset(rrset, zone) : OVERLOAD;
  }

  /** What follows from ANSWER once its RRsets are good. */
  #conclude(): Promise<Judgement> | Judgement {
    const rcode = messageRcode(this.#message);
    // Nothing proves another code, and signatures are not signed (RFC 4035 section 2.2).
    if ((rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) || this.#asked.type === TYPE.RRSIG)
      return this.#insecure();
    const end = this.#followAliases();
    if (end === undefined) return malformed(this.#asked, 'too many or malformed aliases');
    if (!end.isPositive) return this.#deny(end.name);
    // Data and a name error exclude each other (RFC 2308 section 2.1).
    if (this.#isSecure && rcode === RCODE.NXDOMAIN) return malformed(this.#asked, 'data with NXDOMAIN');
    return this.#finish(true, undefined);
  }

  async #deny(name: Uint8Array): Promise<Judgement> {
    const denial = await this.#judgeDenial(name);
    return isStop(denial) ? this.#doubted(denial, name) : this.#finish(false, denial);
  }

  #finish(isPositive: boolean, denied: Denied | undefined): Judgement {
    if (!this.#isSecure) return this.#insecure();
    const message = this.#withoutStrays(isPositive);
    if (message === undefined) return malformed(this.#asked, 'answer too long');
    return { kind: 'secure', message, ttlSec: Math.max(0, this.#ttlSec), denied, dnames: this.#dnames };
  }

  /** A proof about a name is no good. Where aliases led to it, who has its zone may have a better one. */
  #doubted<T extends Stop | undefined>(stop: T, name: Uint8Array): T {
    const isDoubted = stop?.kind === 'bogus' && !isSameName(name, this.#asked.name);
    return isDoubted ? { ...stop, isEndInDoubt: true } : stop;
  }

  #insecure(): Judgement {
    return { kind: 'insecure', message: this.#message, reason: this.#reason, dnames: this.#dnames };
  }

  /** Where the aliases lead, and whether there is data; undefined when they cannot be followed. */
  #followAliases(): { readonly name: Uint8Array; readonly isPositive: boolean } | undefined {
    let { name } = this.#asked;
    for (let aliases = 0; aliases <= ALIASES_MAX; aliases++) {
      for (const rrset of this.#answers)
        if (this.#isAsked(rrset.type) && isSameName(rrset.owner, name)) return { name, isPositive: true };
      const alias = this.#answers.find((rrset) => rrset.type === TYPE.CNAME && isSameName(rrset.owner, name));
      if (alias === undefined) return { name, isPositive: false };
      const [target, second] = alias.rdatas;
      if (target === undefined || second !== undefined) return undefined;
      name = target;
    }
    return undefined;
  }

  #isAsked(type: number): boolean {
    return type === this.#asked.type || this.#asked.type === TYPE.ANY;
  }

  /**
   * True for a CNAME that a secure DNAME of the answer stands for. An insecure one stands for nothing: below it may lie
   * a zone with a trust anchor of its own.
   */
  #isSynthesized(rrset: Rrset): boolean {
    return (
      rrset.type === TYPE.CNAME &&
      rrset.signatures.length === 0 &&
      this.#dnames.some((dname) => synthesizedFrom(rrset, dname))
    );
  }

  #judgeAnswerRrset(rrset: Rrset, zone: ZoneState): Stop | undefined {
    if (zone.kind !== 'secure') return this.#takeUnsigned(zone);
    this.#examination.work.chargeTo(zone.zone);
    const verified = verifyRrset(rrset, zone.zone, zone.keys, this.#examination);
    if (verified.kind === 'exceeded') return verified;
    if (verified.kind === 'flawed') return bogusUnder(zone, verified.flaw);
    this.#ttlSec = Math.min(this.#ttlSec, verified.ttlSec);
    if (!isWildcardExpanded(rrset, verified.signature)) {
      if (isDname(rrset)) this.#dnames.push({ ...rrset, ttlSec: verified.ttlSec });
      return undefined;
    }
    // A DNAME that a wildcard stands for is data, but nothing follows from it: what its own servers say to names below it
    // is something else (RFC 4592 section 4.4, RFC 6672 section 3.3).
    const encloser = ancestor(rrset.owner, verified.signature.labels);
    const denial = this.#denialOf(zone);
    const proof = proveWildcard(denial, rrset.owner, encloser, this.#examination.work);
    return this.#doubted(this.#takeProof(proof, denial, rrset.owner, rrset.type), rrset.owner);
  }

  /** Proves that there is nothing of the asked type at a name, or no such name. */
  async #judgeDenial(name: Uint8Array): Promise<Denied | undefined | Stop> {
    const { type } = this.#asked;
    const authority = this.#rrsets.filter(
      (rrset) => rrset.section === SECTION.AUTHORITY && isOfDenial(rrset.type),
    );
    const zone = await this.#findZone(authority, name, type);
    if (zone.kind !== 'secure') return this.#takeUnsigned(zone);
    const turn = this.#examination.pause?.();
    if (turn !== undefined && !(await turn)) return OVERLOAD;
    const denial = this.#denialOf(zone);
    const { work } = this.#examination;
    work.chargeTo(zone.zone);
    const proof = this.#proveDenial(denial, name);
    if (proof === 'unproven') {
      // Of a server that has the zone below as well, and answers with the SOA of this one.
      const unsigned = proveUnsigned(denial, holderOf(name, type), work);
      if (unsigned === 'exceeded') return EXCEEDED;
      if (unsigned === 'proven') return this.#takeUnsigned({ kind: 'insecure', reason: undefined });
    }
    const stop = this.#takeProof(proof, denial, name, type);
    if (stop !== undefined) return stop;
    const soa = authority.find((rrset) => rrset.type === TYPE.SOA && isSameName(rrset.owner, zone.zone));
    if (soa === undefined) return this.#denied(proof, denial, undefined);
    const verified = verifyRrset(soa, zone.zone, zone.keys, this.#examination);
    if (verified.kind === 'exceeded') return verified;
    if (verified.kind === 'flawed') return bogusUnder(zone, verified.flaw);
    this.#keep(soa);
    this.#ttlSec = Math.min(this.#ttlSec, verified.ttlSec);
    return this.#denied(proof, denial, { ...soa, ttlSec: verified.ttlSec, signatures: [verified.signature] });
  }

  #proveDenial(denial: VerifiedDenial, name: Uint8Array): Proof {
    const { work } = this.#examination;
    if (messageRcode(this.#message) !== RCODE.NXDOMAIN)
      return proveNoData(denial, name, this.#asked.type, work);
    const proof = proveNameError(denial, name, work);
    if (proof !== 'unproven') return proof;
    // Some servers say NXDOMAIN for an empty non-terminal (RFC 8020 section 2 says what follows): to a resolver that believes it,
    // nothing below exists either.
    const emptiness = proveEmptyName(denial, name);
    if (emptiness === 'proven') this.#message = withRcode(this.#message, RCODE.NOERROR);
    return emptiness;
  }

  #denied(proof: Proof, denial: VerifiedDenial, soa: Rrset | undefined): Denied | undefined {
    if (proof !== 'proven') return undefined;
    return { zone: denial.zone, records: denial.proven, soa };
  }

  /**
   * The state of the zone that signed some RRsets about a name, or that would have to.
   *
   * The signer saves look-ups: the way goes to it and not on to the name. The author of the answer names it,
   * so that only the way to the name itself can show that there is nothing to validate.
   */
  #findZone(rrsets: readonly Rrset[], name: Uint8Array, type: number): Promise<ZoneState> | ZoneState {
    const { view } = this.#asked;
    const holder = holderOf(name, type);
    const signer = findSigner(rrsets, holder);
    const anchor = this.#chain.anchorZone(holder);
    // A zone above an anchor may deny what is below it, and that does not count, be the anchor negative or not.
    const counts = anchor !== undefined && signer !== undefined && isInZone(signer, anchor);
    const isAnchored = counts && (holder === name || this.#chain.isAnchored(name));
    if (!isAnchored) return this.#chain.find(view, holder, this.#examination);
    // Nearly always: the zone is in use.
    return this.#chain.findSecure(view, signer) ?? this.#lookForZone(view, signer, holder);
  }

  async #lookForZone(view: number, signer: Uint8Array, holder: Uint8Array): Promise<ZoneState> {
    const state = await this.#chain.find(view, signer, this.#examination);
    return state.kind === 'insecure' ? this.#chain.find(view, holder, this.#examination) : state;
  }

  /** Takes note of a part that has no chain of trust; what cannot be used stops the trial. */
  #takeUnsigned(state: Exclude<ZoneState, SecureZone>): Stop | undefined {
    if (state.kind === 'bogus') return { kind: 'bogus', flaw: state.flaw, zone: undefined, mayDiffer: false };
    if (state.kind !== 'insecure') return state;
    this.#weaken(state.reason);
    return undefined;
  }

  #weaken(reason: Flaw | undefined): void {
    this.#isSecure = false;
    this.#reason ??= reason;
  }

  #takeProof(proof: Proof, denial: VerifiedDenial, name: Uint8Array, type: number): Stop | undefined {
    switch (proof) {
      case 'proven':
        this.#ttlSec = Math.min(this.#ttlSec, denial.ttlSec);
        for (const rrset of denial.verified) this.#keep(rrset);
        return undefined;
      case 'opt-out':
        // RFC 5155 section 9.2: such an answer must not be called authentic.
        this.#weaken(undefined);
        return undefined;
      case 'unsupported':
        this.#weaken(createFlaw(EDE.UNSUPPORTED_NSEC3_ITERATIONS, name, type, 'too many NSEC3 iterations'));
        return undefined;
      case 'exceeded':
        return EXCEEDED;
      case 'unproven': {
        const missing = createFlaw(EDE.NSEC_MISSING, name, type, 'no proof that there is none');
        return bogusUnder(denial, denial.flaw ?? missing);
      }
    }
  }

  #keep(rrset: Rrset): void {
    this.#kept ??= new Set();
    this.#kept.add(rrset);
  }

  #denialOf(zone: SecureZone): VerifiedDenial {
    const key = nameText(zone.zone);
    this.#denials ??= new Map();
    const known = this.#denials.get(key);
    if (known !== undefined) return known;
    const denial = new VerifiedDenial(this.#rrsets, zone.zone, zone.keys, this.#examination);
    this.#denials.set(key, denial);
    return denial;
  }

  /** The message without what of AUTHORITY was not verified; undefined when the rest does not fit into a message. */
  #withoutStrays(isPositive: boolean): Uint8Array | undefined {
    // Nobody gets it with a positive answer but those who asked for DNSSEC records.
    if (isPositive && !this.#asked.dnssecOk) return this.#message;
    const authority = this.#rrsets.filter(({ section }) => section === SECTION.AUTHORITY);
    const kept = this.#kept;
    if (authority.every((rrset) => kept?.has(rrset))) return this.#message;
    return copyWithout(this.#message, (owner, type) =>
      authority.some((rrset) => kept?.has(rrset) && rrset.type === type && isSameName(rrset.owner, owner)),
    );
  }
}

/** More questions about one owner's names wait for validation than may. */
const OVERLOAD: ResolveFailure = { kind: 'failure', reason: 'overload' };

const isStop = (denied: Denied | undefined | Stop): denied is Stop =>
  denied !== undefined && 'kind' in denied;

const malformed = ({ name, type }: Asked, problem: string): Bogus => ({
  kind: 'bogus',
  flaw: createFlaw(EDE.DNSSEC_BOGUS, name, type, problem),
  zone: undefined,
  mayDiffer: true,
});

/** An answer that is bogus under the keys of its zone. */
const bogusUnder = ({ zone }: { readonly zone: Uint8Array }, flaw: Flaw): Bogus => ({
  kind: 'bogus',
  flaw,
  zone,
  mayDiffer: true,
});

const isDname = ({ type }: Rrset): boolean => type === TYPE.DNAME;

const isOfDenial = (type: number): boolean => type === TYPE.NSEC || type === TYPE.NSEC3 || type === TYPE.SOA;

/** The name whose zone holds RRsets of a type: DS stands above the zone cut (RFC 4035 section 2.4). */
export const holderOf = (name: Uint8Array, type: number): Uint8Array =>
  type === TYPE.DS ? skipLabels(name, 1) : name;

/** The deepest signer of some RRsets that is the name or above it. */
const findSigner = (rrsets: readonly Rrset[], name: Uint8Array): Uint8Array | undefined => {
  let found: Uint8Array | undefined;
  for (const { signatures } of rrsets)
    for (const { signer } of signatures)
      if (signer.length > (found?.length ?? 0) && isInZone(name, signer)) found = signer;
  return found;
};
