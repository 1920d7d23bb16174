// The outcome of policy for one query: which list and line decide it, or that none does.
//
// One Verdict object serves all queries of a thread and is overwritten by each; nobody keeps it. It names the
// generation that gave it, so that a verdict can never be mistaken for one of another list state. Hot file.
import { type AddressWords, createAddress } from '../base/base.ts';
import { NAME_LENGTH_MAX, type Targets } from '../wire/dns/dns.ts';
import { NO_DATA, type RuleData } from './data-targets.ts';
import { ACTION, type LocalRecord, MATCH, type Match } from './rule.ts';

/** Is told of each list that an exemption takes out of the judging of a question. */
export interface ExemptionObserver {
  /**
   * The verdict says what would have been refused by which rule, `targets` where that stands when it is not the question,
   * `index` which exemption counts. All are only valid during the call.
   */
  exempted(targets: Targets | undefined, index: number, number: number): void;
}

/** The lists that exemptions took out of the judging of one question and its answer, and by what exemptions judge. */
export class ExemptedLists {
  /** Who asks for the verdict; undefined: nobody who is to be told. */
  observer: ExemptionObserver | undefined = undefined;
  /** Stands for the device of the client; undefined: it has shown none. */
  device: AddressWords | undefined = undefined;
  /** No exemption counts: whoever asks may say itself who it is. */
  barred = false;
  /** The folded QNAME in its first bytes; only where the policy has exemptions. */
  readonly qname = new Uint8Array(NAME_LENGTH_MAX);
  qnameLength = 0;
  /** Mask of the lists. */
  mask = 0;
  /** Number of the first exemption that took one out; 0: none did. */
  number = 0;
  /** When the first of the exemptions ends, milliseconds since the epoch. */
  untilMs = Number.POSITIVE_INFINITY;
  /** The shortest TTL with which one of the lists refuses, seconds. */
  ttlSec = Number.POSITIVE_INFINITY;
  /** Verdict.remaining. */
  remaining = ALL_LISTS;

  /** Begins with another question: no exemption counts for it yet. */
  begin(): void {
    this.mask = 0;
    this.number = 0;
  }

  /** Keeps the folded QNAME of `length` bytes at `offset`: its own memory may hold another name before the answer. */
  keepQname(qname: Uint8Array, offset: number, length: number): void {
    for (let i = 0; i < length; i++) this.qname[i] = qname[offset + i] ?? 0;
    this.qnameLength = length;
  }

  /** Takes out a list, because exemption `number` says so. */
  add(list: number, number: number, untilMs: number, ttlSec: number): void {
    const isFirst = this.mask === 0;
    this.mask |= 1 << list;
    if (isFirst) this.number = number;
    this.untilMs = isFirst ? untilMs : Math.min(this.untilMs, untilMs);
    this.ttlSec = isFirst ? ttlSec : Math.min(this.ttlSec, ttlSec);
  }
}

/** The verdict on the current query. */
export class Verdict {
  /** Generation of the policy that judged; 0 before any did. */
  generation = 0;
  /** Type of the question, for rules that depend on it. */
  qtype = 0;
  /** The client, for rules that depend on it. */
  client: AddressWords = NOBODY;
  /** Index into Policy.lists, or -1: no list has a rule for it. */
  list = -1;
  /** Line of the rule in its list's source, from 1. */
  line = 0;
  match: Match = MATCH.SUFFIX;
  /** TRIGGER of dns: what led to the listed name or address. */
  trigger = 0;
  /**
   * Where the target that matched stands in Targets.names, and its length. Length 0 when it is an address: then the
   * place of its words in Targets.addresses.
   */
  targetStart = 0;
  targetLength = 0;
  /** What decides between rules of one list: the larger one. */
  rank = 0;
  /** ACTION of the rule. */
  action: number = ACTION.LIST;
  /** True when a rule was met that does not apply to this question by this client. */
  wasExcused = false;
  /** What the rule answers with when its action is DATA. */
  data: RuleData = NO_DATA;
  /** Of the question and its answer. */
  readonly exempted = new ExemptedLists();

  /** True when a list has a rule that is no passthru. */
  get refused(): boolean {
    return this.list >= 0 && this.action !== ACTION.PASSTHRU;
  }

  /**
   * Mask of the lists that still have a say on what the question leads to: all when no rule was met, those before the list
   * whose rule was; a rule of a mandate list that lets pass takes out no list but its own.
   */
  get remaining(): number {
    return this.exempted.remaining;
  }

  set remaining(mask: number) {
    this.exempted.remaining = mask;
  }

  /** The records of a rule whose action is DATA. */
  get records(): readonly LocalRecord[] {
    return this.data.records;
  }

  /** Forgets the last query; the client and the type stay those of the current query. */
  clear(generation: number): void {
    this.generation = generation;
    this.list = -1;
    this.line = 0;
    this.rank = 0;
    this.action = ACTION.LIST;
    this.data = NO_DATA;
    this.remaining = ALL_LISTS;
    this.wasExcused = false;
  }

  /** Takes over what another verdict on the same query found. */
  take(other: Verdict): void {
    this.list = other.list;
    this.targetStart = other.targetStart;
    this.targetLength = other.targetLength;
    this.line = other.line;
    this.match = other.match;
    this.trigger = other.trigger;
    this.rank = other.rank;
    this.action = other.action;
    this.data = other.data;
  }
}

/** The mask of every list. */
export const ALL_LISTS = -1;
const NOBODY = createAddress();

/** How a refusal is answered. */
export type BlockMode =
  | { readonly kind: 'nxdomain' | 'nodata' | 'null-ip' | 'refused' }
  | {
      readonly kind: 'address';
      /** Addresses of 4 bytes each. */
      readonly ipv4: readonly Uint8Array[];
      /** Addresses of 16 bytes each. */
      readonly ipv6: readonly Uint8Array[];
    };

/**
 * Which of several matching rules of one list decides. `specificity`: the longest name, an exact one before others,
 * the longest prefix, and of the targets of an answer the first that has a rule; of addresses, and of names of services, which
 * have no order, the most specific rule, then the smallest target. `action`: important rules before
 * others, then passthru before refusals, then specificity; one refused target refuses the answer. `closest-encloser`:
 * as `specificity`, but a wildcard only holds where the list has no name between it and the name that is asked, as a
 * name server reads a zone (RFC 4592 section 3.3.1).
 */
export type Precedence = 'specificity' | 'action' | 'closest-encloser';

/** What policy and the answer need to know of a list. */
export interface PolicyList {
  readonly id: string;
  /** Metric label, kebab-case. */
  readonly category: string;
  /** A mandate list is beaten only by a recorded exemption; what it lets pass ends its own rules and no other list's. */
  readonly mandate: boolean;
  readonly mode: BlockMode;
  /** TTL of the answer and of its SOA, seconds. */
  readonly ttlSec: number;
  /** The data of the EDE option for refusals by this list (RFC 8914). */
  readonly ede: Uint8Array;
  readonly precedence: Precedence;
  /** True: what it would refuse is counted and passes. */
  readonly logOnly: boolean;
}
