// Exemptions: for some clients, some names and a time, lists do not count. Hot file.
//
// Asked only when a list refuses, so that whoever is refused nothing pays nothing. An exemption takes a list out of
// the judging of one question with all that its answer leads to; other lists still decide, also those that go after
// it. It begins and ends by the clock that is passed in, to the millisecond; only its hours of the week are looked at
// by setTime(). Who may grant one, and for how long, is no matter of this file: it takes what the register says.
import {
  type AddressWords,
  AppError,
  type Clock,
  type Prefix,
  type PrefixEntry,
  PrefixTable,
} from '../base/base.ts';
import { isInForce, type Schedule } from './schedule.ts';
import { endsWith } from './terms.ts';
import type { PolicyList } from './verdict.ts';

/**
 * Exemptions at one time: each is a paper that people wrote, and a government with hundreds in force has a rule, not
 * exemptions. One that covers the client costs some 10 ns a refusal, so that this many cost a refused client 10 µs.
 */
export const EXEMPTIONS_MAX = 1000;
/** Groups, prefixes and names of one exemption together: a scope that nobody can read is none. */
const EXEMPTION_SCOPE_MAX = 256;

/** An exemption that may be in force. Plain data that travels between threads. */
export interface SharedExemption {
  /** Of the register, from 1. */
  readonly number: number;
  /** From this time on, milliseconds since the epoch. */
  readonly fromMs: number;
  /** Until just before this time. */
  readonly untilMs: number;
  /** Names of groups: all their clients. */
  readonly groups: readonly string[];
  /** Clients by their address, whatever their group. */
  readonly clients: readonly Prefix[];
  /** Ids of the lists that do not count; undefined: all. */
  readonly lists?: readonly string[] | undefined;
  /** Folded wire names: only for questions at or below one of them; undefined: all names. */
  readonly names?: readonly Uint8Array[] | undefined;
  /** At these times only. */
  readonly schedule?: Schedule | undefined;
}

/** The text form of an exemption's number, which people and metrics know it by. */
export const formatExemption = (number: number): string => `ex-${String(number).padStart(6, '0')}`;

/** Throws ERR_POLICY_SIZE when there are more exemptions, or scopes are wider, than may be in force. Once per change. */
export const checkExemptions = (exemptions: readonly SharedExemption[]): void => {
  if (exemptions.length > EXEMPTIONS_MAX) throw tooMany(`more than ${EXEMPTIONS_MAX} exemptions`);
  for (const { number, groups, clients, names = [] } of exemptions) {
    if (groups.length + clients.length + names.length > EXEMPTION_SCOPE_MAX) {
      throw tooMany(
        `${formatExemption(number)} has more than ${EXEMPTION_SCOPE_MAX} groups, clients and names`,
      );
    }
  }
};

const tooMany = (what: string): AppError =>
  new AppError('ERR_POLICY_SIZE', `putting exemptions in force: ${what}`, {
    hint: 'Revoke exemptions that are not needed, or word one more simply.',
  });

/** The exemptions of one policy, ready to be asked. They are known by their index in the order in which they came. */
export class ExemptionTable {
  /** True when setTime() changes anything. */
  readonly isScheduled: boolean;
  readonly #exemptions: readonly SharedExemption[];
  readonly #clock: Clock;
  /** By exemption: the lists that do not count. */
  readonly #lists: Uint32Array;
  readonly #from: Float64Array;
  readonly #until: Float64Array;
  /** By exemption: 1 while its schedule, if it has one, says so. */
  readonly #isOn: Uint8Array;
  /** By group: indexes of the exemptions that name it, the first ones first. */
  readonly #ofGroup: readonly Uint16Array[];
  /** Indexes of the exemptions that have a prefix. */
  readonly #prefixes: PrefixTable;

  /** Once per policy and per change of exemptions; throws ERR_POLICY_SIZE. */
  constructor(
    exemptions: readonly SharedExemption[],
    lists: readonly PolicyList[],
    groups: readonly { readonly name: string }[],
    clock: Clock,
  ) {
    checkExemptions(exemptions);
    this.#exemptions = exemptions;
    this.#clock = clock;
    this.isScheduled = exemptions.some(({ schedule }) => schedule !== undefined);
    this.#lists = Uint32Array.from(exemptions, (exemption) => maskOf(exemption, lists));
    this.#from = Float64Array.from(exemptions, ({ fromMs }) => fromMs);
    this.#until = Float64Array.from(exemptions, ({ untilMs }) => untilMs);
    this.#isOn = new Uint8Array(exemptions.length);
    this.#ofGroup = groups.map(({ name }) =>
      Uint16Array.from(
        [...exemptions.entries()].filter(([, { groups: named }]) => named.includes(name)),
        ([index]) => index,
      ),
    );
    const entries: PrefixEntry[] = [];
    for (const [value, { clients }] of exemptions.entries()) {
      for (const prefix of clients) entries.push({ prefix, value });
    }
    this.#prefixes = PrefixTable.build(entries);
    this.setTime(clock());
  }

  /** Puts in force what the schedules say for a time. */
  setTime(nowMs: number): void {
    for (let index = 0; index < this.#exemptions.length; index++) {
      const schedule = this.#exemptions[index]?.schedule;
      this.#isOn[index] = schedule === undefined || isInForce(schedule, nowMs) ? 1 : 0;
    }
  }

  /**
   * Index of the first exemption that takes a list out of the judging of a question, now; -1 when there is none. The
   * QNAME is folded and stands in the first `length` bytes.
   */
  find(list: number, client: AddressWords, group: number, qname: Uint8Array, length: number): number {
    const nowMs = this.#clock();
    let first = this.#exemptions.length;
    const named = this.#ofGroup[group];
    if (named !== undefined) {
      for (let i = 0; i < named.length; i++) {
        const index = named[i] ?? 0;
        if (!this.#covers(index, list, qname, length, nowMs)) continue;
        first = index;
        break;
      }
    }
    const prefixes = this.#prefixes;
    for (let row = prefixes.find(client); row >= 0; row = prefixes.next(row)) {
      const index = prefixes.value(row);
      if (index < first && this.#covers(index, list, qname, length, nowMs)) first = index;
    }
    return first === this.#exemptions.length ? -1 : first;
  }

  /** The number of the exemption in the register. */
  numberOf(index: number): number {
    return this.#exemptions[index]?.number ?? 0;
  }

  /** When the exemption ends, milliseconds since the epoch. */
  untilMsOf(index: number): number {
    return this.#until[index] ?? 0;
  }

  #covers(index: number, list: number, qname: Uint8Array, length: number, nowMs: number): boolean {
    if (((this.#lists[index] ?? 0) & (1 << list)) === 0 || this.#isOn[index] === 0) return false;
    if (nowMs < (this.#from[index] ?? 0) || nowMs >= (this.#until[index] ?? 0)) return false;
    const names = this.#exemptions[index]?.names;
    if (names === undefined) return true;
    for (const name of names) if (endsWith(qname, 0, length, name)) return true;
    return false;
  }
}

/** Once per change. */
const maskOf = ({ lists: ids }: SharedExemption, lists: readonly PolicyList[]): number =>
  lists.reduce((mask, { id }, bit) => (ids?.includes(id) === false ? mask : mask | (1 << bit)), 0);
