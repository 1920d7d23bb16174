// What zones have cost beyond what is ordinary, and what follows: less work by their keys for each further question, then
// none.
//
// The zone pays whose keys were used, or whose records made a question go on to others; nobody pays for what a neighbour
// below the same suffix does. What follows holds for work by the keys of the one in debt, and no other: names that
// take no more than is ordinary are validated as ever, those in debt included, and a chain that is known, an unsigned zone or
// another's zone asks for none of it. So that zones without number pay as one, their owner owes what all of them cost; zones of
// such an owner get together what is ordinary for one. Bounded by number; what is forgotten begins anew.
import { LRUCache } from 'lru-cache';
import { BOGUS_MS, nameText } from '../../wire/dns/dns.ts';
import { ownerOf } from './owner.ts';
import { LOOKUP_UNITS, type Share, type Terms, Work, type WorkLimits } from './work.ts';

/** Units that any question may cost: an alias and NXDOMAIN with NSEC3, all five signatures of P-384, and look-ups. */
const ORDINARY_UNITS = 48;
/** The same of a question about a name of an owner in debt: what is ordinary by keys of its own, and the look-up of the answer. */
const LED_UNITS_MAX = ORDINARY_UNITS + LOOKUP_UNITS;
/** What may be owed before questions get less: 60 ms. */
const DEBT_UNITS_MAX = 1000;
/** What is forgiven a second: 15 ms. */
const FORGIVEN_UNITS_PER_SEC = 250;
/** Zones and owners that are remembered, some 1 MB. */
const DEBTORS_MAX = 4096;

interface Debt {
  /** For what its own keys were used. */
  own: number;
  /** The same of all zones of one owner, where this is its name. */
  all: number;
  atMs: number;
  /** No work is done by its keys until then. */
  refusedUntilMs: number;
}

/** Debts by the name of a zone or of an owner. */
export class Debts {
  readonly #debts = new LRUCache<string, Debt>({ max: DEBTORS_MAX });

  /** True when nobody owes anything, which is usual. */
  get isEmpty(): boolean {
    return this.#debts.size === 0;
  }

  /** The work of a question about a folded name that begins now, beyond which it may not go. */
  open(
    name: Uint8Array,
    limits: Partial<WorkLimits>,
    nowMs: number,
    onSpend?: (units: number) => void,
  ): Work {
    if (this.isEmpty) return new Work(limits, onSpend);
    const work = new Work(limits, onSpend, { termsOf: (zone) => this.termsOf(zone, nowMs) });
    // Names of its own may lead to zones of others without number.
    if ((this.#current(ownerOf(name), nowMs)?.all ?? 0) > DEBT_UNITS_MAX) work.limitTo(LED_UNITS_MAX);
    return work;
  }

  /** What work by the keys of a zone is bound to; undefined: to nothing but the bounds of a question. */
  termsOf(zone: Uint8Array, nowMs: number): Terms | undefined {
    if (this.isEmpty) return undefined;
    const key = nameText(zone);
    const debt = this.#current(key, nowMs);
    const leftMs = (debt?.refusedUntilMs ?? 0) - nowMs;
    if (leftMs > 0 && leftMs <= BOGUS_MS) return { purse: key, units: 0 };
    if ((debt?.own ?? 0) > DEBT_UNITS_MAX) return { purse: key, units: ORDINARY_UNITS };
    const owner = ownerOf(zone);
    const ofOwner = owner === key ? debt : this.#current(owner, nowMs);
    return (ofOwner?.all ?? 0) > DEBT_UNITS_MAX
      ? { purse: `owner ${owner}`, units: ORDINARY_UNITS }
      : undefined;
  }

  /** Counts what a question about a folded name cost, once it is over. */
  settle(work: Work, name: Uint8Array, isBogus: boolean, nowMs: number): void {
    // Nearly always.
    if (work.spent <= ORDINARY_UNITS && !isBogus && !work.isLimited) return;
    const { shares, payer } = work;
    let rest = work.spent - ORDINARY_UNITS;
    for (const share of shares) {
      // All of what was for nothing: by the keys under which the answer turned out to be bogus.
      const excess = isBogus && share === payer ? share.units : share.units - ORDINARY_UNITS;
      if (excess <= 0) continue;
      this.#charge(share.zone, excess, nowMs);
      rest -= excess;
    }
    // Many zones that cost little each: who has the name led there.
    if (rest > 0) this.#chargeOwner(ownerOf(name), rest, nowMs);
    for (const share of shares) if (share.isOverdrawn) this.#refuse(share, nowMs);
  }

  clear(): void {
    this.#debts.clear();
  }

  #charge(zone: Uint8Array, units: number, nowMs: number): void {
    const key = nameText(zone);
    this.#of(key, nowMs).own += units;
    this.#chargeOwner(ownerOf(zone), units, nowMs);
  }

  #chargeOwner(owner: string, units: number, nowMs: number): void {
    this.#of(owner, nowMs).all += units;
  }

  /** Does nothing by the keys of a zone for as long as a bogus answer is remembered, when its own cost brought it there. */
  #refuse({ zone }: Share, nowMs: number): void {
    const debt = this.#current(nameText(zone), nowMs);
    if (debt !== undefined && debt.own > DEBT_UNITS_MAX) debt.refusedUntilMs = nowMs + BOGUS_MS;
  }

  #of(key: string, nowMs: number): Debt {
    const known = this.#current(key, nowMs);
    if (known !== undefined) return known;
    const debt: Debt = { own: 0, all: 0, atMs: nowMs, refusedUntilMs: 0 };
    this.#debts.set(key, debt);
    return debt;
  }

  /** A debt without what was forgiven until now. */
  #current(key: string, nowMs: number): Debt | undefined {
    const debt = this.#debts.get(key);
    if (debt === undefined) return undefined;
    const forgiven = (Math.max(0, nowMs - debt.atMs) / 1000) * FORGIVEN_UNITS_PER_SEC;
    debt.own = Math.max(0, debt.own - forgiven);
    debt.all = Math.max(0, debt.all - forgiven);
    debt.atMs = nowMs;
    return debt;
  }
}
