// What sessions, acts that wait and machines' keys rest on, judged by what holds now.
//
// A session rests on an account that has a role, of the provider's also on its word, which ages. An act rests on an asker who may
// still ask for it; a key on a holder who is administrator. Each is judged at each use and at each start, and all of them
// whenever people change. What has lost its ground ends, and a record says why.

import { type Account, type Clock, DAY_MS, foldPersonName, HOUR_MS } from '../../base/base.ts';
import { ALL_OPERATIONS, mayUse } from '../admin/admin.ts';
import type { KnownPerson, People } from './people.ts';
import type { ActRow, SessionRow, TokenRow } from './rows.ts';
import type { RoomStore } from './store.ts';

/** For how long the word of the identity provider counts where it cannot be asked again. */
const WORD_MS = HOUR_MS;
/**
 * The same for the holder of a machine's key. A login that ran out and an account that was closed are told alike, and a machine goes
 * on while its holder is not at work: as long as a leave.
 */
const HOLDER_WORD_MS = 14 * DAY_MS;
/** A clock may be set back by so much and words still be of the past. */
const CLOCK_STEP_MS = 5 * 60_000;

/** What grounds are judged by. */
export interface GroundsParts {
  readonly store: RoomStore;
  readonly people: People;
  readonly clock: Clock;
  note(action: string, by: string, reason: string, detail: object): void;
}

/** The grounds of one room. */
export class Grounds {
  readonly #parts: GroundsParts;

  constructor(parts: GroundsParts) {
    this.#parts = parts;
  }

  /** Ends everything that has lost its ground. */
  judge(): void {
    const { sessions, acts, tokens } = this.#parts.store;
    for (const [key, row] of sessions.all()) this.holdsSession(key, row);
    for (const [id, row] of acts.all()) this.holdsAct(id, row);
    for (const [key, row] of tokens.all()) this.holdsToken(key, row);
  }

  /** False: it has ended by this. */
  holdsSession(key: string, row: SessionRow): boolean {
    const { store, people, note } = this.#parts;
    const person = people.find(row.person);
    const fault = this.#sessionFault(person);
    if (fault === undefined) return true;
    store.sessions.remove(key);
    note('session-ended', person?.name ?? row.person, fault, {
      session: row.id,
      account: person?.account ?? null,
    });
    return false;
  }

  /** False: it does not wait, or has ended by this. */
  holdsAct(id: string, row: ActRow): boolean {
    if (row.state !== 'waiting') return false;
    const { store, people, note, clock } = this.#parts;
    const asker = people.find(row.byId);
    const operation = ALL_OPERATIONS.find(([name]) => name === row.operation)?.[1];
    const fault =
      asker === undefined
        ? 'the account that asked was removed'
        : operation === undefined
          ? 'it is no operation of this version'
          : mayUse(operation, asker.roles)
            ? undefined
            : 'the account that asked may not ask for it any more';
    if (fault === undefined) return true;
    store.acts.patch(id, { state: 'expired', hasLapsed: true, endedMs: clock() });
    note('act-lapsed', row.by, fault, { act: id, operation: row.operation, account: asker?.account ?? null });
    return false;
  }

  /** False: it has ended by this. */
  holdsToken(key: string, row: TokenRow): boolean {
    const { store, note } = this.#parts;
    const holder = this.holderOf(row);
    if (holder?.roles.includes('administrator') === true) return true;
    const fault = holder === undefined ? 'its holder was removed' : 'its holder is no administrator any more';
    store.tokens.remove(key);
    note('token-ended', row.by, fault, { token: row.id, name: row.name, account: row.holder ?? null });
    return false;
  }

  /** A key of an earlier version has a name only: whoever has it now is looked at, and nothing is allowed for it. */
  holderOf({ holder, by }: TokenRow): KnownPerson | undefined {
    const { people } = this.#parts;
    if (holder !== undefined) return people.findByAccount(holder);
    const folded = foldPersonName(by);
    return people.all().find(({ name }) => foldPersonName(name) === folded);
  }

  /**
   * False while a key rests: the identity provider has said nothing of its holder for too long. It counts again with its word. A
   * record says so once, at the first use that is refused.
   */
  mayUseToken(key: string, row: TokenRow): boolean {
    const { store, note } = this.#parts;
    if (this.holderOf(row) === undefined) return false;
    const isResting = this.isResting(row);
    if (isResting === (row.isResting === true)) return !isResting;
    store.tokens.patch(key, { isResting });
    const reason =
      'the identity provider has not vouched for its holder for 14 days: the holder has to sign in';
    if (isResting)
      note('token-rests', row.by, reason, { token: row.id, name: row.name, account: row.holder ?? null });
    return !isResting;
  }

  /** Whether a key whose holder is there counts for nothing until the holder signs in. */
  isResting(row: TokenRow): boolean {
    const holder = this.holderOf(row);
    if (holder === undefined || holder.kind === 'local') return false;
    // Where it does not vouch any more, its word is of the last sign-in.
    return !this.#isYoung(Math.max(holder.told?.atMs ?? 0, holder.signedInMs ?? 0), HOLDER_WORD_MS);
  }

  /** True while what the identity provider said of somebody counts; of a local account always. */
  isVouched({ kind, told }: KnownPerson): boolean {
    if (kind === 'local') return true;
    return this.#isYoung(told?.atMs, WORD_MS);
  }

  #isYoung(atMs: number | undefined, ageMsMax: number): boolean {
    if (atMs === undefined) return false;
    const ageMs = this.#parts.clock() - atMs;
    return ageMs < ageMsMax && ageMs > -CLOCK_STEP_MS;
  }

  #sessionFault(person: KnownPerson | undefined): string | undefined {
    if (person === undefined) return 'the account was removed';
    if (person.roles.length === 0) return 'the account has no role any more';
    return this.isVouched(person)
      ? undefined
      : 'the identity provider does not vouch for the account any more';
  }
}

/** The account as which a key acts; undefined: an earlier version did not keep it, and nobody can tell. */
export const accountOfToken = (people: People, { holder }: TokenRow): Account | undefined =>
  holder === undefined ? undefined : people.findByAccount(holder)?.account;
