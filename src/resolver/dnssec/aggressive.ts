// Answers out of what zones have proven before: an aggressive use of verified NSEC and NSEC3 records (RFC 8198).
//
// Invariants: answers only what the proofs of the two kinds prove in full, from records whose signatures were
// verified; opt-out spans are not kept at all, and wildcards yield NODATA, never data. Bounded by the number of
// records, of a zone and in all, and by the bytes of each. Records live as long as their TTL, their signatures and
// the negative TTL of the zone allow (RFC 8198 section 5.4, RFC 9077); a clock that steps back makes them stale. What
// one view learned serves that view only.
//
// The records of a zone lie in an array in the order of their owners or hashes, so that the span for a name is found
// by halving. A record that overlaps others tells that the zone changed, and those go.
import type { Clock } from '../../base/base.ts';
import {
  CLASS,
  FLAG,
  foldedName,
  HEADER_LENGTH,
  labelOffset,
  MessageBuilder,
  nameKey,
  RCODE,
  readU32,
  SECTION,
  TYPE,
} from '../../wire/dns/dns.ts';
import { compareNames } from './canonical.ts';
import {
  isBetween,
  isSameName,
  isSignedInPlace,
  type Nsec,
  type NsecChain,
  proveNameErrorByNsec,
  proveNoDataByNsec,
  readNsec,
} from './nsec.ts';
import {
  compareHashes,
  isHashBetween,
  isSameParameters,
  NSEC3_ITERATIONS_MAX,
  type Nsec3,
  type Nsec3Chain,
  type Nsec3Parameters,
  proveNameErrorByNsec3,
  proveNoDataByNsec3,
  readNsec3,
  surveyName,
} from './nsec3.ts';
import type { Rrset } from './rrset.ts';
import { Work } from './work.ts';

/** Every zone is at or below the root. */
const ROOT = Uint8Array.of(0);

/** Records of all zones: at most 40 MB with RRSET_BYTES_MAX, and some 6 MB of everyday ones. */
const ENTRIES_MAX = 10_000;
/** Records of one zone, so that nobody's zone takes the room of all others; an insertion moves as many at worst. */
const ZONE_ENTRIES_MAX = 2000;
/** Owner, next name, types and the signatures of two keys are below 2 kB even with RSA keys of 4096 bits. */
const RRSET_BYTES_MAX = 4096;
/** A new name should not stay unknown longer, whatever its zone says (RFC 2308 section 5: one to three hours). */
const LIFETIME_SEC_MAX = 10_800;
/**
 * Hashes for one question. A miss pays for them before it may go out, so far less than a validation may take: an
 * encloser is rarely deeper in its zone than this.
 */
const NSEC3_HASHES_MAX = 12;
/** Type, class, TTL and length of a record; type and class of a question. */
const RECORD_FIXED_LENGTH = 10;
const QUESTION_FIXED_LENGTH = 4;
/** SERIAL, REFRESH, RETRY, EXPIRE and MINIMUM, the last fields of SOA (RFC 1035 section 3.3.13). */
const SOA_NUMBERS_LENGTH = 20;

/** Types that are no data of a name, or that stand with every signed name: the question itself has to go out. */
const TYPES_NOT_ANSWERED: ReadonlySet<number> = new Set([
  TYPE.ANY,
  TYPE.AXFR,
  TYPE.IXFR,
  TYPE.MAILA,
  TYPE.MAILB,
  TYPE.NSEC,
  TYPE.NSEC3,
  TYPE.OPT,
  TYPE.RRSIG,
  TYPE.TKEY,
  TYPE.TSIG,
]);

/** A question in wire terms; the name in any letters. */
interface Question {
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
}

/** When something may be used. */
interface Lifetime {
  readonly addedAtMs: number;
  readonly expiresAtMs: number;
}

type KeptNsec = Nsec & Lifetime;
type KeptNsec3 = Nsec3 & Lifetime;
type KeptSoa = Lifetime & { readonly rrset: Rrset; readonly negativeTtlSec: number };

/** A proof out of the cache. */
interface Evidence {
  readonly rcode: number;
  readonly records: readonly (Lifetime & { readonly rrset: Rrset })[];
}

/** The spans of one zone in one view. */
interface Zone {
  readonly name: Uint8Array;
  soa: KeptSoa;
  readonly nsec: SpanList<KeptNsec>;
  /** Of one set of parameters: the one that came last. */
  nsec3: SpanList<KeptNsec3>;
  parameters: Nsec3Parameters | undefined;
}

/** Verified NSEC and NSEC3 records of one thread. */
export class AggressiveCache {
  readonly #entriesMax: number;
  readonly #zoneEntriesMax: number;
  readonly #clock: Clock;
  /** In the order of their last use. */
  readonly #zones = new Map<string, Zone>();
  #size = 0;

  /** `clock` serves where a call does not bring its time. */
  constructor(options: { entriesMax?: number; clock: Clock }) {
    this.#entriesMax = Math.max(1, options.entriesMax ?? ENTRIES_MAX);
    this.#zoneEntriesMax = Math.min(ZONE_ENTRIES_MAX, this.#entriesMax);
    this.#clock = options.clock;
  }

  /** Number of records, those that are stale included. */
  get size(): number {
    return this.#size;
  }

  /**
   * Remembers verified denial records of a secure answer from `zone`, a folded wire name. RRsets of other types are
   * passed over. Without its SOA, nothing is kept of a zone whose SOA is not known: answers need it.
   */
  add(
    view: number,
    zone: Uint8Array,
    records: readonly Rrset[],
    soa: Rrset | undefined,
    nowMs = this.#clock(),
  ): void {
    const key = nameKey(view, zone);
    const known = this.#zones.get(key);
    const kept = (soa === undefined ? undefined : keepSoa(soa, zone, nowMs)) ?? aliveSoa(known, nowMs);
    if (kept === undefined) return;
    const entry = known ?? {
      name: zone.slice(),
      soa: kept,
      nsec: createNsecList(zone),
      nsec3: createNsec3List(),
      parameters: undefined,
    };
    entry.soa = kept;
    const before = sizeOf(entry);
    for (const rrset of records) addRrset(entry, rrset, nowMs);
    this.#trim(entry, nowMs);
    this.#size += sizeOf(entry) - before;
    this.#zones.delete(key);
    if (sizeOf(entry) > 0) this.#zones.set(key, entry);
    while (this.#size > this.#entriesMax) this.#evictZone();
  }

  /**
   * A message that answers the question by what is proven: QR and RA, NXDOMAIN or NOERROR, SOA and the proof with
   * its signatures in AUTHORITY, every TTL what is left of the shortest lifetime. Undefined when nothing is proven.
   * ID and other flags are zero; its user knows that it is secure.
   */
  find(
    view: number,
    question: Question,
    nowMs = this.#clock(),
    top: Uint8Array = ROOT,
  ): Uint8Array | undefined {
    if (this.#zones.size === 0 || question.class !== CLASS.IN || TYPES_NOT_ANSWERED.has(question.type))
      return undefined;
    const name = foldedName(question.name);
    const zone = this.#findZone(view, name, question.type, top);
    const soa = aliveSoa(zone, nowMs);
    if (zone === undefined || soa === undefined) return undefined;
    const evidence =
      findByNsec(zone, name, question.type, nowMs) ?? findByNsec3(zone, name, question.type, nowMs);
    return evidence === undefined ? undefined : writeMessage(question, soa, evidence, nowMs);
  }

  /** Forgets everything. */
  clear(): void {
    this.#zones.clear();
    this.#size = 0;
  }

  /** The deepest zone with spans, not above `top`, that the question belongs to: that of a DS is above its owner. */
  #findZone(view: number, name: Uint8Array, type: number, top: Uint8Array): Zone | undefined {
    let at = type === TYPE.DS ? labelOffset(name, 1) : 0;
    for (; name.length - at >= top.length; at += (name[at] ?? 0) + 1) {
      const key = nameKey(view, name, at);
      const zone = this.#zones.get(key);
      if (zone === undefined) continue;
      this.#zones.delete(key);
      this.#zones.set(key, zone);
      return zone;
    }
    return undefined;
  }

  #trim(zone: Zone, nowMs: number): void {
    if (sizeOf(zone) <= this.#zoneEntriesMax) return;
    zone.nsec.dropStale(nowMs);
    zone.nsec3.dropStale(nowMs);
    while (sizeOf(zone) > this.#zoneEntriesMax)
      (zone.nsec.size > zone.nsec3.size ? zone.nsec : zone.nsec3).dropNextToExpire();
  }

  #evictZone(): void {
    for (const [key, zone] of this.#zones) {
      this.#zones.delete(key);
      this.#size -= sizeOf(zone);
      return;
    }
  }
}

/** Spans in the order of where they begin; none begins inside another. */
class SpanList<Span extends Lifetime> {
  #spans: Span[] = [];
  readonly #keyOf: (span: Span) => Uint8Array;
  readonly #compare: (a: Uint8Array, b: Uint8Array) => number;
  readonly #isInside: (span: Span, key: Uint8Array) => boolean;

  constructor(order: {
    keyOf: (span: Span) => Uint8Array;
    compare: (a: Uint8Array, b: Uint8Array) => number;
    isInside: (span: Span, key: Uint8Array) => boolean;
  }) {
    this.#keyOf = order.keyOf;
    this.#compare = order.compare;
    this.#isInside = order.isInside;
  }

  get size(): number {
    return this.#spans.length;
  }

  /** The span that begins at `key` or last before it. */
  floor(key: Uint8Array): Span | undefined {
    return this.#spans[this.#count(key) - 1];
  }

  /** The span that begins last of all. */
  last(): Span | undefined {
    return this.#spans.at(-1);
  }

  /** Puts a span in; takes out what began there, and what tells otherwise about the names in between. */
  insert(span: Span): void {
    const key = this.#keyOf(span);
    this.#removeInside(span, key);
    const at = this.#count(key);
    const before = this.#spans[at - 1];
    const isReplacing =
      before !== undefined && (this.#compare(this.#keyOf(before), key) === 0 || this.#isInside(before, key));
    if (isReplacing) this.#spans[at - 1] = span;
    else this.#spans.splice(at, 0, span);
    // The last span may go round and cover what lies before the first.
    const last = this.#spans.at(-1);
    if (at === 0 && last !== undefined && this.#isInside(last, key)) this.#spans.pop();
  }

  dropStale(nowMs: number): void {
    this.#spans = this.#spans.filter((span) => isAlive(span, nowMs));
  }

  dropNextToExpire(): void {
    let found = 0;
    for (const [index, span] of this.#spans.entries())
      if (span.expiresAtMs < (this.#spans[found]?.expiresAtMs ?? 0)) found = index;
    this.#spans.splice(found, 1);
  }

  #removeInside(span: Span, key: Uint8Array): void {
    const next = this.#spans[this.#count(key)];
    const first = this.#spans[0];
    const isOverlapping =
      (next !== undefined && this.#isInside(span, this.#keyOf(next))) ||
      (first !== undefined && this.#isInside(span, this.#keyOf(first)));
    if (isOverlapping) this.#spans = this.#spans.filter((other) => !this.#isInside(span, this.#keyOf(other)));
  }

  /** How many spans begin at `key` or before it. */
  #count(key: Uint8Array): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const span = this.#spans[middle];
      if (span !== undefined && this.#compare(this.#keyOf(span), key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const createNsecList = (zone: Uint8Array): SpanList<KeptNsec> => {
  const apex = zone.slice();
  return new SpanList<KeptNsec>({
    keyOf: (span) => span.owner,
    compare: compareNames,
    isInside: (span, name) => isBetween(span, name, apex),
  });
};

const createNsec3List = (): SpanList<KeptNsec3> =>
  new SpanList<KeptNsec3>({
    keyOf: (span) => span.hash,
    compare: compareHashes,
    isInside: (span, hash) => isHashBetween(span, hash),
  });

const sizeOf = (zone: Zone): number => zone.nsec.size + zone.nsec3.size;

const isAlive = (kept: Lifetime, nowMs: number): boolean =>
  nowMs >= kept.addedAtMs && nowMs < kept.expiresAtMs;

const aliveSoa = (zone: Zone | undefined, nowMs: number): KeptSoa | undefined =>
  zone !== undefined && isAlive(zone.soa, nowMs) ? zone.soa : undefined;

const addRrset = (zone: Zone, rrset: Rrset, nowMs: number): void => {
  const lifetime = lifetimeOf(rrset, zone.soa.negativeTtlSec, nowMs);
  if (lifetime === undefined) return;
  const nsec = readNsec(rrset, zone.name);
  if (nsec !== undefined) {
    zone.nsec.insert({ ...nsec, ...lifetime });
    return;
  }
  const nsec3 = readNsec3(rrset, zone.name);
  if (nsec3 === undefined || nsec3.isOptOut || nsec3.parameters.iterations > NSEC3_ITERATIONS_MAX) return;
  if (zone.parameters === undefined || !isSameParameters(zone.parameters, nsec3.parameters)) {
    zone.parameters = nsec3.parameters;
    zone.nsec3 = createNsec3List();
  }
  zone.nsec3.insert({ ...nsec3, ...lifetime });
};

const keepSoa = (rrset: Rrset, zone: Uint8Array, nowMs: number): KeptSoa | undefined => {
  const [rdata] = rrset.rdatas;
  if (rrset.type !== TYPE.SOA || rdata === undefined || rdata.length < SOA_NUMBERS_LENGTH) return undefined;
  if (!isSameName(rrset.owner, zone) || !isSignedInPlace(rrset, zone)) return undefined;
  // A negative answer lives as long as MINIMUM or the SOA itself, whichever is less (RFC 2308 section 5).
  const negativeTtlSec = Math.min(readU32(rdata, rdata.length - 4), rrset.ttlSec);
  const lifetime = lifetimeOf(rrset, negativeTtlSec, nowMs);
  return lifetime === undefined ? undefined : { rrset, negativeTtlSec, ...lifetime };
};

/** How long an RRset may be used; undefined when not at all, or when it is too large to be kept. */
const lifetimeOf = (rrset: Rrset, negativeTtlSec: number, nowMs: number): Lifetime | undefined => {
  if (rrset.class !== CLASS.IN || wireLengthOf(rrset) > RRSET_BYTES_MAX) return undefined;
  let ttlSec = Math.min(rrset.ttlSec, negativeTtlSec, LIFETIME_SEC_MAX);
  // Expiration is a number of 32 bits on a circle (RFC 4034 section 3.1.5).
  for (const { originalTtlSec, expiration } of rrset.signatures)
    ttlSec = Math.min(ttlSec, originalTtlSec, (expiration - Math.floor(nowMs / 1000)) | 0);
  return ttlSec > 0 ? { addedAtMs: nowMs, expiresAtMs: nowMs + ttlSec * 1000 } : undefined;
};

const findByNsec = (zone: Zone, name: Uint8Array, type: number, nowMs: number): Evidence | undefined => {
  if (zone.nsec.size === 0) return undefined;
  const chain: NsecChain<KeptNsec> = {
    zone: zone.name,
    floor: (wanted) => aliveOf(zone.nsec.floor(wanted), nowMs),
  };
  const nameError = proveNameErrorByNsec(chain, name);
  if (nameError !== undefined) return { rcode: RCODE.NXDOMAIN, records: nameError };
  const noData = proveNoDataByNsec(chain, name, type);
  return noData === undefined ? undefined : { rcode: RCODE.NOERROR, records: noData };
};

const findByNsec3 = (zone: Zone, name: Uint8Array, type: number, nowMs: number): Evidence | undefined => {
  const { parameters } = zone;
  if (zone.nsec3.size === 0 || parameters === undefined) return undefined;
  const chain: Nsec3Chain<KeptNsec3> = {
    zone: zone.name,
    parameters,
    floor: (wanted) => aliveOf(zone.nsec3.floor(wanted) ?? zone.nsec3.last(), nowMs),
  };
  const work = new Work({ nsec3Hashes: NSEC3_HASHES_MAX });
  const survey = surveyName(chain, name, work);
  const noData = proveNoDataByNsec3(survey, name, type);
  if (noData.proof === 'proven') return { rcode: RCODE.NOERROR, records: noData.records };
  const nameError = proveNameErrorByNsec3(survey);
  return nameError.proof === 'proven' ? { rcode: RCODE.NXDOMAIN, records: nameError.records } : undefined;
};

const aliveOf = <Span extends Lifetime>(span: Span | undefined, nowMs: number): Span | undefined =>
  span !== undefined && isAlive(span, nowMs) ? span : undefined;

const writeMessage = (
  question: Question,
  soa: KeptSoa,
  evidence: Evidence,
  nowMs: number,
): Uint8Array | undefined => {
  const records = [soa, ...new Set(evidence.records)];
  const expiresAtMs = Math.min(...records.map((record) => record.expiresAtMs));
  const ttlSec = Math.floor((expiresAtMs - nowMs) / 1000);
  if (ttlSec < 1) return undefined;
  let length = HEADER_LENGTH + question.name.length + QUESTION_FIXED_LENGTH;
  for (const { rrset } of records) length += wireLengthOf(rrset);
  const builder = new MessageBuilder(new Uint8Array(length));
  builder.start(0, FLAG.QR | FLAG.RA | evidence.rcode);
  builder.question(question.name, question.type, question.class);
  for (const { rrset } of records) {
    for (const rdata of rrset.rdatas)
      builder.record(SECTION.AUTHORITY, rrset.owner, rrset.type, rrset.class, ttlSec, rdata);
    for (const { rdata } of rrset.signatures)
      builder.record(SECTION.AUTHORITY, rrset.owner, TYPE.RRSIG, rrset.class, ttlSec, rdata);
  }
  return builder.overflow ? undefined : builder.finish();
};

/** Bytes of an RRset with its signatures in a message, without compression. */
const wireLengthOf = (rrset: Rrset): number => {
  const fixed = rrset.owner.length + RECORD_FIXED_LENGTH;
  let length = 0;
  for (const rdata of rrset.rdatas) length += fixed + rdata.length;
  for (const { rdata } of rrset.signatures) length += fixed + rdata.length;
  return length;
};
