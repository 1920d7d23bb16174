// What zones have cost beyond what is ordinary, and what follows: less work for each further question, then none.
//
// A zone whose owner makes it costly, or that somebody asks for nothing but wrong signatures, has its cost once and then
// a small part of it. Ordinary questions about a zone in debt are validated as ever; nothing is held against a name for
// what others below the same owner do, but that. Bounded by number; what is forgotten begins anew.
import { LRUCache } from 'lru-cache';
import { BOGUS_MS } from '../dns/dns.ts';
import type { WorkLimits } from './work.ts';

/** Units that any question may cost: NXDOMAIN with NSEC3, all four signatures of P-384, and a key. */
const ORDINARY_UNITS = 40;
/** What a group may owe before its questions get less: 60 ms. */
const DEBT_UNITS_MAX = 1000;
/** What is forgiven a second: 15 ms. */
const FORGIVEN_UNITS_PER_SEC = 250;
/** Groups that are remembered. Each has cost 0.06 ms at least. */
const GROUPS_MAX = 1000;

/** For questions of a group in debt: ordinary ones, two keys of one tag included. */
const LIMITS_IN_DEBT: WorkLimits = {
  verifications: ORDINARY_UNITS,
  failures: 2,
  nsec3Hashes: 40,
  lookups: 16,
};

interface Debt {
  units: number;
  atMs: number;
  /** No work is done for it until then. */
  refusedUntilMs: number;
}

/** Debts by group (see groupOf). */
export class Debts {
  readonly #debts = new LRUCache<string, Debt>({ max: GROUPS_MAX });

  /** What a question of a group may cost where it is not as much as others: undefined for those. */
  limits(group: string, nowMs: number): WorkLimits | undefined {
    return this.#unitsOf(this.#debts.get(group), nowMs) > DEBT_UNITS_MAX ? LIMITS_IN_DEBT : undefined;
  }

  /** True when nobody owes anything, which is usual. */
  get isEmpty(): boolean {
    return this.#debts.size === 0;
  }

  /** True while nothing is done for a group: in debt, it took more than is ordinary. */
  isRefused(group: string, nowMs: number): boolean {
    const leftMs = (this.#debts.get(group)?.refusedUntilMs ?? 0) - nowMs;
    return leftMs > 0 && leftMs <= BOGUS_MS;
  }

  /** Counts what a question cost: for nothing, when the answer was bogus. */
  charge(group: string, units: number, isBogus: boolean, nowMs: number): void {
    const excess = isBogus ? units : units - ORDINARY_UNITS;
    if (excess <= 0) return;
    const debt = this.#debts.get(group);
    const owed = this.#unitsOf(debt, nowMs) + excess;
    this.#debts.set(group, { units: owed, atMs: nowMs, refusedUntilMs: debt?.refusedUntilMs ?? 0 });
  }

  /** Does nothing for a group for as long as a bogus answer is remembered. */
  refuse(group: string, nowMs: number): void {
    const debt = this.#debts.get(group);
    if (debt !== undefined) debt.refusedUntilMs = nowMs + BOGUS_MS;
  }

  clear(): void {
    this.#debts.clear();
  }

  #unitsOf(debt: Debt | undefined, nowMs: number): number {
    if (debt === undefined) return 0;
    const passedSec = Math.max(0, nowMs - debt.atMs) / 1000;
    return Math.max(0, debt.units - passedSec * FORGIVEN_UNITS_PER_SEC);
  }
}
