// Counts what a change would mean for queries, one after the other.
//
// Each question is judged once by both sides, with the answer that it had: what is remembered of it is a number in a
// bounded table, and a table that is full begins anew, which costs time and no figure. Names and clients that the change
// concerns are told apart up to bounds, beyond which the figures say "at least".
import {
  type AddressWords,
  createAddress,
  formatPrefix,
  isIpv4,
  MAPPED_BITS,
  parseAddress,
} from '../../base/base.ts';
import {
  concernsNobody,
  type Replay,
  type Replayed,
  type ReplayVerdict,
  toReplayedAnswer,
} from '../../resolver/inquiry/inquiry.ts';
import { foldedName, parseName, parseType } from '../../wire/dns/dns.ts';
import { type Logged, NO_RECORDS } from './logged.ts';
import { Print, PrintTable } from './print.ts';

/** Questions whose verdicts are remembered. */
const QUESTIONS_MAX = 1_000_000;
/** Clients whose groups are remembered. */
const CLIENTS_MAX = 100_000;
/** Names that the change concerns and that are told apart; clients and networks of each kind. */
const NAMES_MAX = 100_000;
const DISTINCT_MAX = 1_000_000;
/** Clients of one name that are told apart. */
const NAME_CLIENTS_MAX = 10_000;
/** A network, as the records truncate. */
const IPV4_BITS = 24;
const IPV6_BITS = 56;

/** What becomes of a question. */
const CHANGE = { NONE: 0, REFUSED: 1, PASSES: 2, OTHER: 3 } as const;

/** A name whose queries the change concerns. */
export interface ImpactName {
  readonly name: string;
  readonly change: 'refused' | 'passes' | 'other';
  readonly queries: number;
  readonly clients: number;
  /** The list that refuses it after the change, or did before. */
  readonly list: string;
  readonly line: number;
  /** Who stands behind the name, where the list says so. */
  readonly owner?: string | undefined;
  /** The guard name that would be harmed. */
  readonly guard?: string | undefined;
}

/** What is known of names beside the log. */
export interface NameFacts {
  /** The guard name that refusing a name harms. */
  guardOf(name: string): string | undefined;
  /** What the rule of a list says of the owner; `isBefore`: in the content before the change. */
  ownerOf(list: string, line: number, isBefore: boolean): string | undefined;
}

/** One direction of a change. */
export interface ImpactSide {
  readonly queries: number;
  readonly names: number;
  readonly clients: number;
  readonly networks: number;
}

/** What a change would have meant. */
export interface Impact {
  readonly queries: number;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  /** Judged under the group that the log says, because it names no address. */
  readonly withoutAddress: number;
  /** No name that DNS knows. */
  readonly unreadable: number;
  /** What is refused now, and would be after the change. */
  readonly refusedBefore: number;
  readonly refusedAfter: number;
  readonly newlyRefused: ImpactSide;
  readonly newlyPassing: ImpactSide;
  /** Refused before and after, by another list. */
  readonly otherList: number;
  /** Bounds that were reached: names, clients or networks are at least so many. */
  readonly isAtLeast: boolean;
  /** Guard names among those that would be refused. */
  readonly guards: readonly string[];
  readonly top: readonly ImpactName[];
}

/** A question and what the change makes of it. */
interface Judged {
  readonly change: number;
  readonly isRefusedBefore: boolean;
  readonly isRefusedAfter: boolean;
  readonly verdict: ReplayVerdict | undefined;
}

interface Named {
  readonly name: string;
  readonly change: number;
  readonly verdict: ReplayVerdict | undefined;
  queries: number;
  readonly clients: Set<string>;
}

class Side {
  queries = 0;
  readonly names = new Set<string>();
  readonly clients = new Set<string>();
  readonly networks = new Set<string>();

  get told(): ImpactSide {
    return {
      queries: this.queries,
      names: this.names.size,
      clients: this.clients.size,
      networks: this.networks.size,
    };
  }
}

interface Asker {
  readonly address: AddressWords | undefined;
  readonly network: string;
  /** The same for those who are judged alike. */
  readonly kind: number;
}

/** Most questions: one object stands for all of them. */
const PASSES: Judged = {
  change: CHANGE.NONE,
  isRefusedBefore: false,
  isRefusedAfter: false,
  verdict: undefined,
};
/** Told apart by being this one. */
const UNREADABLE: Judged = {
  change: CHANGE.NONE,
  isRefusedBefore: false,
  isRefusedAfter: false,
  verdict: undefined,
};

/** What was judged before; a table that is full begins anew. */
class JudgedQuestions {
  readonly #table = new PrintTable();
  readonly #judged: Judged[] = [PASSES, UNREADABLE];

  /** Undefined: it is not there. */
  find(print: Print): Judged | undefined {
    return this.#judged[this.#table.find(print)];
  }

  keep(print: Print, judged: Judged): void {
    if (this.#table.size >= QUESTIONS_MAX) {
      this.#table.clear();
      this.#judged.length = 2;
    }
    const known = judged === PASSES ? 0 : judged === UNREADABLE ? 1 : this.#judged.push(judged) - 1;
    this.#table.put(print, known);
  }
}

/** Who asked, by client and group; a table that is full begins anew. */
class Askers {
  readonly #table = new PrintTable();
  readonly #askers: Asker[] = [];
  /** Numbers of what tells questions of different groups apart. */
  readonly #kinds = new Map<string, number>();
  #nextKind = 0;

  find(print: Print): Asker | undefined {
    return this.#askers[this.#table.find(print)];
  }

  keep(print: Print, asker: Asker): void {
    if (this.#table.size >= CLIENTS_MAX) {
      this.#table.clear();
      this.#askers.length = 0;
    }
    this.#table.put(print, this.#askers.push(asker) - 1);
  }

  /** The number of a key; those that were forgotten are used for no other one. */
  kindOf(key: string): number {
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    // Of clients for whom lists have rules of their own there may be any number.
    if (this.#kinds.size >= CLIENTS_MAX) this.#kinds.clear();
    this.#kinds.set(own(key), this.#nextKind);
    return this.#nextKind++;
  }
}

/** What counts the queries of logs. */
export class ImpactCount {
  readonly #before: Replay;
  readonly #after: Replay;
  readonly #questions = new JudgedQuestions();
  readonly #askers = new Askers();
  readonly #names = new Map<string, Named>();
  readonly #sides = new Map([
    [CHANGE.REFUSED as number, new Side()],
    [CHANGE.PASSES as number, new Side()],
  ]);
  #queries = 0;
  readonly #period = { firstMs: Number.POSITIVE_INFINITY, lastMs: Number.NEGATIVE_INFINITY };
  #withoutAddress = 0;
  #unreadable = 0;
  #refusedBefore = 0;
  #refusedAfter = 0;
  #otherList = 0;
  #isAtLeast = false;

  constructor(before: Replay, after: Replay) {
    this.#before = before;
    this.#after = after;
  }

  /** Takes a query of a log. */
  readonly take = (logged: Logged): void => {
    this.#queries++;
    if (logged.timeMs !== undefined) {
      if (logged.timeMs < this.#period.firstMs) this.#period.firstMs = logged.timeMs;
      if (logged.timeMs > this.#period.lastMs) this.#period.lastMs = logged.timeMs;
    }
    const asker = this.#askerOf(logged);
    if (asker.address === undefined) this.#withoutAddress++;
    const print = logged.print ?? printOf(logged.type, logged.name, logged.answers);
    print.number(asker.kind);
    let judged = this.#questions.find(print);
    if (judged === undefined) {
      judged = this.#judge(logged, asker);
      this.#questions.keep(print, judged);
    }
    if (judged === UNREADABLE) this.#unreadable++;
    if (judged.isRefusedBefore) this.#refusedBefore++;
    if (judged.isRefusedAfter) this.#refusedAfter++;
    if (judged.change !== CHANGE.NONE) this.#count(logged, asker, judged);
  };

  /** What was counted, with the `topMax` names that were asked for most. */
  told(topMax: number, { guardOf, ownerOf }: NameFacts): Impact {
    const all = [...this.#names.values()].sort((a, b) => b.queries - a.queries);
    const guards = new Set<string>();
    for (const { name, change } of all) {
      const guard = change === CHANGE.REFUSED ? guardOf(name) : undefined;
      if (guard !== undefined) guards.add(guard);
    }
    return {
      queries: this.#queries,
      firstMs: Number.isFinite(this.#period.firstMs) ? this.#period.firstMs : null,
      lastMs: Number.isFinite(this.#period.lastMs) ? this.#period.lastMs : null,
      withoutAddress: this.#withoutAddress,
      unreadable: this.#unreadable,
      refusedBefore: this.#refusedBefore,
      refusedAfter: this.#refusedAfter,
      newlyRefused: this.#side(CHANGE.REFUSED).told,
      newlyPassing: this.#side(CHANGE.PASSES).told,
      otherList: this.#otherList,
      isAtLeast: this.#isAtLeast,
      guards: [...guards].sort(),
      top: all.slice(0, topMax).map(({ name, change, queries, clients, verdict }) => ({
        ...{ name, queries, clients: clients.size },
        change: change === CHANGE.REFUSED ? 'refused' : change === CHANGE.PASSES ? 'passes' : 'other',
        ...{ list: verdict?.list ?? '', line: verdict?.line ?? 0 },
        owner: verdict && ownerOf(verdict.list, verdict.line, change === CHANGE.PASSES),
        guard: change === CHANGE.REFUSED ? guardOf(name) : undefined,
      })),
    };
  }

  #side(change: number): Side {
    const side = this.#sides.get(change);
    if (side === undefined) throw new RangeError(`counting a change: ${change}`);
    return side;
  }

  #judge(logged: Logged, { address }: Asker): Judged {
    const { name, type, group, answers } = logged;
    const wire = parseName(name);
    const qtype = parseType(type.toUpperCase());
    if (typeof wire === 'string' || qtype === undefined) return UNREADABLE;
    const folded = foldedName(wire);
    const answer = toReplayedAnswer(folded, qtype, answers === '' ? NO_RECORDS : logged.records());
    if (concernsNobody(folded, answer, [this.#before, this.#after])) return PASSES;
    const asked: Replayed = { name: folded, type: qtype, address, group, answer };
    const before = this.#before.judge(asked);
    const after = this.#after.judge(asked);
    if (before === undefined && after === undefined) return PASSES;
    let change: number = CHANGE.NONE;
    if (before === undefined && after !== undefined) change = CHANGE.REFUSED;
    else if (before !== undefined && after === undefined) change = CHANGE.PASSES;
    else if (before?.list !== after?.list) change = CHANGE.OTHER;
    return {
      change,
      isRefusedBefore: before !== undefined,
      isRefusedAfter: after !== undefined,
      verdict: after ?? before,
    };
  }

  #count(logged: Logged, { network }: Asker, { change, verdict }: Judged): void {
    const name = logged.name.toLowerCase().replace(/(.)\.$/, '$1');
    if (change === CHANGE.OTHER) this.#otherList++;
    else {
      const side = this.#side(change);
      side.queries++;
      this.#add(side.names, name);
      if (logged.client !== '') this.#add(side.clients, logged.client);
      if (network !== '') this.#add(side.networks, network);
    }
    const key = `${change} ${name}`;
    let named = this.#names.get(key);
    if (named === undefined) {
      if (this.#names.size >= NAMES_MAX) {
        this.#isAtLeast = true;
        return;
      }
      named = { name: own(name), change, verdict, queries: 0, clients: new Set() };
      this.#names.set(own(key), named);
    }
    named.queries++;
    if (logged.client === '' || named.clients.has(logged.client)) return;
    if (named.clients.size < NAME_CLIENTS_MAX) named.clients.add(own(logged.client));
  }

  #add(set: Set<string>, value: string): void {
    if (set.has(value)) return;
    if (set.size < DISTINCT_MAX) set.add(own(value));
    else this.#isAtLeast = true;
  }

  #askerOf(logged: Logged): Asker {
    const print = logged.asker ?? printOf(logged.client, logged.group ?? '');
    const known = this.#askers.find(print);
    if (known !== undefined) return known;
    const { client, group } = logged;
    const words = createAddress();
    const isAddress = parseAddress(client, words);
    // Rules may be for one client: where a list or an exemption names it, its address decides, and not its group.
    const key = isAddress
      ? `${this.#before.clientKey(words)} ${this.#after.clientKey(words)}`
      : `#${group ?? ''}`;
    const asker: Asker = {
      ...{ kind: this.#askers.kindOf(key), address: isAddress ? words : undefined },
      network: isAddress ? networkOf(words) : client.includes('/') ? client : '',
    };
    this.#askers.keep(print, asker);
    return asker;
  }
}

const shared = new Print();

/** Of texts of other logs; valid until the next one. */
const printOf = (...texts: readonly string[]): Print => {
  shared.begin();
  for (const text of texts) shared.text(text);
  return shared;
};

/** A text of its own: a part of a larger one keeps all of it in memory. */
const own = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

const networkOf = (words: AddressWords): string => {
  const bits = isIpv4(words) ? MAPPED_BITS + IPV4_BITS : IPV6_BITS;
  const kept = createAddress();
  for (let i = 0; i < 4; i++) {
    const left = Math.max(0, Math.min(32, bits - 32 * i));
    kept[i] = left === 0 ? 0 : ((words[i] ?? 0) & (-1 << (32 - left))) >>> 0;
  }
  return formatPrefix({ words: kept, bits });
};
