// The rpz format: a response policy zone as a master file (draft-vixie-dnsop-dns-rpz), record by record into
// rules.
//
// The owner of a record is the trigger, its RDATA the action. Actions are CNAMEs to well-known names, stand
// in millions of lines and are streamed without an object for each; other records are local data, collected
// by owner (rpz-data.ts). A trigger `*.name` matches what a name server finds by the closest encloser (RFC 4592),
// which the compiled table sees to. Triggers on name servers are
// refused, because a forwarding resolver never meets them, and so is a trigger for everything unless the operator
// takes it. What is unclear is refused with its place. One limit: a CNAME and other records of one owner are noticed when they
// are neighbors, or when the other records come first; in the remaining case the CNAME stands, as the first
// rule of equal ones.
import {
  foldByte,
  formatName,
  NAME_LENGTH_MAX,
  nameEquals,
  nameFrom,
  parseName,
  TYPE,
} from '../../wire/dns/dns.ts';
import { type LocalRecord, MATCH, type Match, RPZ_WORDS, type RuleSink, type RuleTerms } from '../policy.ts';
import type { DiagnosticCode, DiagnosticLog } from './diagnostic.ts';
import { type ListBytes, listError } from './list-file.ts';
import { addRule, type KeptTrigger, LocalData, NODATA_TERMS } from './rpz-data.ts';
import { parseRpzPrefix } from './rpz-prefix.ts';
import { PASSTHRU } from './rule-terms.ts';
import { ZoneReader } from './zone-reader.ts';
import { TTL_UNKNOWN } from './zone-ttl.ts';

/** How to read a response policy zone. */
export interface RpzOptions {
  /** The zone's name, in presentation form; the file tells when absent. */
  readonly origin?: string | undefined;
  /** Whether the trigger `*` is taken; otherwise it is reported. */
  readonly takesEverything?: boolean | undefined;
  /** Longer TTLs of records are lowered to this, seconds. */
  readonly recordTtlSecMax?: number | undefined;
}

/** What a response policy zone says about itself. */
export interface RpzFacts {
  /** The apex in presentation form, folded, with the final dot. */
  readonly origin: string;
  /** The serial of the SOA; undefined when the file has none. */
  readonly serial: number | undefined;
}

/**
 * Streams the rules of a response policy zone into the sink; throws ERR_LIST_PARSE when `origin` is not a
 * name.
 */
export const feedRpz = (
  read: ListBytes,
  sink: RuleSink,
  log: DiagnosticLog,
  options: RpzOptions = {},
): RpzFacts => {
  const zone = new ZoneReader(read, log, options.origin === undefined ? undefined : apexFrom(options.origin));
  const feed = new RpzFeed(zone, sink, options);
  while (zone.next()) feed.addRecord();
  feed.end();
  return { origin: formatName(zone.apex.subarray(0, Math.max(zone.apexLength, 1))), serial: zone.serial };
};

const apexFrom = (text: string): Uint8Array => {
  const name = parseName(text);
  if (typeof name !== 'string') return name;
  throw listError(
    'ERR_LIST_PARSE',
    `reading a response policy zone: its origin ${JSON.stringify(text.slice(0, 64))} is not a name (${name})`,
  );
};

const ASTERISK = 0x2a;
/** `rpz-`, with which the last label of a special trigger or action begins. */
const RPZ = Uint8Array.from(Buffer.from('rpz-'));

/** The label `rpz`, and what follows it in the words of triggers. */
const RPZ_LABEL = Uint8Array.of(3, ...Buffer.from('rpz'));
const TRIGGER_WORDS: ReadonlySet<string> = new Set(['ip', 'client-ip', 'nsip', 'nsdname']);

const NXDOMAIN_TERMS: RuleTerms = { action: { kind: 'nxdomain' } };

/** The actions that names of one label stand for. */
const WORD_ACTIONS: readonly { readonly name: Uint8Array; readonly terms: RuleTerms }[] = RPZ_WORDS.map(
  (kind) => ({ name: nameFrom(`rpz-${kind}`), terms: kind === 'passthru' ? PASSTHRU : { action: { kind } } }),
);

/** Types that prove a signed zone, and are no policy. */
const PROOF_TYPES: ReadonlySet<number> = new Set([
  ...[TYPE.RRSIG, TYPE.NSEC, TYPE.NSEC3, TYPE.NSEC3PARAM, TYPE.DNSKEY, TYPE.DS],
  ...[TYPE.CDS, TYPE.CDNSKEY, TYPE.ZONEMD],
]);

/** The last CNAME: its owner before the apex, and what it says. */
class LastAlias {
  terms: RuleTerms | undefined;
  readonly #owner = new Uint8Array(NAME_LENGTH_MAX);
  #length = 0;

  take({ owner, localLength }: ZoneReader, terms: RuleTerms): void {
    for (let i = 0; i < localLength; i++) this.#owner[i] = owner[i] ?? 0;
    this.#length = localLength;
    this.terms = terms;
  }

  /** True when a record has the same owner. */
  isOf({ owner, localLength }: ZoneReader): boolean {
    if (localLength !== this.#length) return false;
    for (let i = 0; i < localLength; i++) {
      if (owner[i] !== this.#owner[i]) return false;
    }
    return true;
  }
}

/** Turns the record that a ZoneReader stands on into rules. */
class RpzFeed {
  readonly #zone: ZoneReader;
  readonly #sink: RuleSink;
  readonly #data: LocalData;
  /** The trigger: a name of #nameLength bytes, or a prefix. */
  #match: Match = MATCH.EXACT;
  readonly #name = new Uint8Array(NAME_LENGTH_MAX);
  #nameLength = 0;
  #prefixTrigger: KeptTrigger | undefined;
  /** The target of a CNAME. */
  readonly #target = new Uint8Array(NAME_LENGTH_MAX);
  readonly #alias = new LastAlias();
  /** The last address record and its text, the last redirection and its terms. */
  #record: LocalRecord | undefined;
  #recordText: string | undefined;
  #redirect: LocalRecord | undefined;
  #redirectTerms: RuleTerms | undefined;

  readonly #takesEverything: boolean;
  readonly #ttlSecMax: number;

  constructor(zone: ZoneReader, sink: RuleSink, { takesEverything, recordTtlSecMax }: RpzOptions) {
    this.#zone = zone;
    this.#takesEverything = takesEverything ?? false;
    this.#ttlSecMax = recordTtlSecMax ?? Number.POSITIVE_INFINITY;
    this.#sink = sink;
    this.#data = new LocalData(sink);
  }

  addRecord(): void {
    const zone = this.#zone;
    if (PROOF_TYPES.has(zone.type)) return;
    if (zone.localLength === 0) {
      if (zone.type !== TYPE.SOA && zone.type !== TYPE.NS) zone.refuseOwner('rpz-apex');
      return;
    }
    const fault = this.#readTrigger();
    if (fault !== undefined) zone.refuseOwner(fault);
    else if (zone.type === TYPE.CNAME) this.#addAlias();
    else this.#addData();
  }

  end(): void {
    this.#data.flush();
  }

  #addAlias(): void {
    const zone = this.#zone;
    const terms = this.#readAction();
    if (terms === undefined) return;
    if (this.#alias.isOf(zone)) {
      // The same line twice is harmless; two actions for one name are not.
      if (terms !== this.#alias.terms) zone.refuse('rpz-cname');
      return;
    }
    if (this.#data.has(zone.owner, zone.localLength)) {
      zone.refuse('rpz-cname');
      return;
    }
    this.#alias.take(zone, terms);
    if (this.#prefixTrigger !== undefined) addRule(this.#sink, this.#prefixTrigger, zone.line, terms);
    else this.#sink.addName(this.#match, this.#name, this.#nameLength, zone.line, terms);
  }

  #addData(): void {
    const zone = this.#zone;
    const fault = this.#alias.isOf(zone) ? 'rpz-cname' : this.#dataFault();
    if (fault !== undefined) zone.refuse(fault);
    if (fault !== undefined && fault !== 'rpz-dname') return;
    const record = fault === undefined ? this.#readRecord() : undefined;
    if (fault === undefined && record === undefined) return;
    const isTaken = this.#data.add(zone.owner, zone.localLength, record, zone.line, () =>
      this.#keepTrigger(),
    );
    if (!isTaken) zone.refuse('rpz-records');
  }

  /** The record, the one before it when both say the same: lists send a million names to one address. */
  #readRecord(): LocalRecord | undefined {
    const { type } = this.#zone;
    const ttlSec = this.#boundedTtl();
    const text = type === TYPE.A || type === TYPE.AAAA ? this.#zone.rdataText() : undefined;
    const before = this.#record;
    const isKnown = text !== undefined && text === this.#recordText;
    if (before?.type === type && before.ttlSec === ttlSec && isKnown) return before;
    const rdata = this.#zone.readRdata();
    if (rdata === undefined) return undefined;
    this.#record = { type, ttlSec, rdata };
    this.#recordText = text;
    return this.#record;
  }

  /** Terms that redirect to #target, the ones before when both say the same. */
  #shareRedirect(length: number): RuleTerms {
    const ttlSec = this.#boundedTtl();
    const before = this.#redirect;
    if (before?.rdata.length === length && before.ttlSec === ttlSec && this.#redirectTerms !== undefined) {
      let at = 0;
      while (at < length && before.rdata[at] === this.#target[at]) at++;
      if (at === length) return this.#redirectTerms;
    }
    this.#redirect = { type: TYPE.CNAME, ttlSec, rdata: this.#target.slice(0, length) };
    this.#redirectTerms = this.#data.share([this.#redirect]);
    return this.#redirectTerms;
  }

  #boundedTtl(): number {
    return Math.min(this.#zone.ttlSec, this.#ttlSecMax);
  }

  #dataFault(): DiagnosticCode | undefined {
    if (this.#zone.type === TYPE.DNAME) return 'rpz-dname';
    return this.#zone.ttlSec === TTL_UNKNOWN ? 'zone-ttl' : undefined;
  }

  #keepTrigger(): KeptTrigger {
    if (this.#prefixTrigger !== undefined) return this.#prefixTrigger;
    return { kind: 'name', match: this.#match, name: this.#name.slice(0, this.#nameLength) };
  }

  /** Reads the owner as a trigger; the fault when it is none. */
  #readTrigger(): DiagnosticCode | undefined {
    const { owner, localLength } = this.#zone;
    let last = 0;
    let beforeLast = 0;
    for (let at = 0; at < localLength; at += (owner[at] ?? 0) + 1) {
      beforeLast = last;
      last = at;
    }
    this.#prefixTrigger = undefined;
    if (beginsWithRpz(owner, last)) return this.#readSpecialTrigger(last);
    const isWildcard = owner[0] === 1 && owner[1] === ASTERISK;
    if (isWildcard && last === 0 && !this.#takesEverything) return 'rpz-everything';
    if (isSplitWord(owner, beforeLast, last)) return 'rpz-trigger';
    this.#match = isWildcard ? MATCH.WILDCARD : MATCH.EXACT;
    this.#setName(isWildcard ? 2 : 0, localLength);
    return undefined;
  }

  /** Reads an owner whose label at the offset `last` begins with `rpz-`. Allocates. */
  #readSpecialTrigger(last: number): DiagnosticCode | undefined {
    const labels: string[] = [];
    const { owner, localLength } = this.#zone;
    for (let at = 0; at < localLength; at += (owner[at] ?? 0) + 1) {
      labels.push(Buffer.from(owner.subarray(at + 1, at + 1 + (owner[at] ?? 0))).toString('latin1'));
    }
    const word = labels.pop();
    if (word === 'rpz-nsdname' || word === 'rpz-nsip') return 'rpz-name-server';
    if (word !== 'rpz-ip' && word !== 'rpz-client-ip') return 'rpz-trigger';
    const prefix = parseRpzPrefix(labels);
    if (prefix === undefined) return 'rpz-prefix';
    this.#prefixTrigger = { kind: word === 'rpz-ip' ? 'response-ip' : 'client-ip', prefix };
    // The name that an old passthru leads to (`32.1.2.0.192.rpz-ip CNAME 32.1.2.0.192.`).
    this.#setName(0, last);
    return undefined;
  }

  #setName(start: number, end: number): void {
    const { owner } = this.#zone;
    for (let i = start; i < end; i++) this.#name[i - start] = owner[i] ?? 0;
    this.#name[end - start] = 0;
    this.#nameLength = end - start + 1;
  }

  /** The terms that the target of the CNAME stands for; undefined after a diagnostic. */
  #readAction(): RuleTerms | undefined {
    const zone = this.#zone;
    const target = this.#target;
    const length = zone.readTarget(target);
    if (length === 0) return undefined;
    if (length === 1) return NXDOMAIN_TERMS;
    const isWildcard = target[0] === 1 && target[1] === ASTERISK;
    if (isWildcard && length === 3) return NODATA_TERMS;
    for (const { name, terms } of WORD_ACTIONS) {
      if (length === name.length && nameEquals(target, 0, name, 0, length)) return terms;
    }
    if (this.#isMistakenWord(length)) {
      zone.refuse('rpz-action');
      return undefined;
    }
    // BIND's first form of passthru. A wildcard that leads to itself has no such meaning.
    const isSelf = length === this.#nameLength && nameEquals(target, 0, this.#name, 0, length);
    if (isSelf && (this.#prefixTrigger !== undefined || this.#match === MATCH.EXACT)) return PASSTHRU;
    if (zone.ttlSec === TTL_UNKNOWN) {
      zone.refuse('zone-ttl');
      return undefined;
    }
    return this.#shareRedirect(length);
  }

  /** True for a name that ends in a label `rpz-…`, and for a word of RPZ whose final dot was forgotten. */
  #isMistakenWord(length: number): boolean {
    const { apex, apexLength } = this.#zone;
    const target = this.#target;
    let last = 0;
    for (let at = 0; at < length - 1; at += (target[at] ?? 0) + 1) last = at;
    if (beginsWithRpz(target, last)) return true;
    const first = (target[0] ?? 0) + 1;
    const isUnderApex = length === first + apexLength && nameEquals(target, first, apex, 0, apexLength);
    return isUnderApex && beginsWithRpz(target, 0);
  }
}

/** True for `….rpz.ip`, the word of a trigger with a dot for its hyphen: a rule for a name that nobody can have. */
const isSplitWord = (owner: Uint8Array, beforeLast: number, last: number): boolean => {
  if (owner[beforeLast] !== RPZ_LABEL[0] || !nameEquals(owner, beforeLast, RPZ_LABEL, 0, RPZ_LABEL.length))
    return false;
  return TRIGGER_WORDS.has(
    Buffer.from(owner.subarray(last + 1, last + 1 + (owner[last] ?? 0))).toString('latin1'),
  );
};

const beginsWithRpz = (name: Uint8Array, label: number): boolean => {
  if ((name[label] ?? 0) <= RPZ.length) return false;
  for (let i = 0; i < RPZ.length; i++) {
    if (foldByte(name[label + 1 + i] ?? 0) !== RPZ[i]) return false;
  }
  return true;
};
