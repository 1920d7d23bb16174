// Who may sign in, and with which roles.
//
// A person is an account, which never changes: issuer and subject of the identity provider, or the id of a local account. Names
// are shown. Two names that differ in letter case and blanks only are one: readers of records would take them for one
// person. Roles are those that hold now: of a local account what administrators gave it, of the provider's what the configuration
// makes of the groups that it last told. Nobody is administrator and approver at once. Beside an identity provider there are
// at most three local accounts, for the day on which it is down.
import { randomBytes } from 'node:crypto';
import {
  type Account,
  AppError,
  type Clock,
  DAY_MS,
  foldPersonName,
  localAccount,
  providedAccount,
} from '../../base/base.ts';
import type { Office, Role } from '../admin/admin.ts';
import type { ProviderSettings } from './provider.ts';
import type { Person } from './rows.ts';
import { createSecret, hashOf, type RoomStore } from './store.ts';

/** An agency has some dozens of people with a role. */
const PEOPLE_MAX = 1_000;
/** Accounts that do not need the identity provider, where there is one. */
export const BREAK_GLASS_MAX = 3;
const ID_BYTES = 6;
/** Time to walk to the browser, milliseconds. */
const SETUP_MS = 15 * 60_000;
/** Time for a colleague to find the message. */
const ENROLMENT_MS = 24 * 3_600_000;
/** Links that wait. */
const ENROLMENTS_MAX = 100;

/** Somebody with an id, and with the roles that hold now. */
export interface KnownPerson extends Person {
  readonly id: string;
  readonly account: Account;
}

/** A link that enrols one person, once. */
export interface EnrolmentLink {
  readonly token: string;
  readonly endsMs: number;
}

/** The people of one room. */
export class People {
  readonly #store: RoomStore;
  readonly #clock: Clock;
  readonly #provider: ProviderSettings | undefined;

  constructor(store: RoomStore, clock: Clock, provider: ProviderSettings | undefined) {
    this.#store = store;
    this.#clock = clock;
    this.#provider = provider;
    store.enrolments.prune(({ endsMs }) => endsMs <= clock());
  }

  all(): readonly KnownPerson[] {
    return this.#store.people.all().map(([id, person]) => this.#known(id, person));
  }

  find(id: string): KnownPerson | undefined {
    const person = this.#store.people.get(id);
    return person && this.#known(id, person);
  }

  /** A local account by its name, however it is written. */
  findLocal(name: string): KnownPerson | undefined {
    const folded = foldPersonName(name);
    return this.all().find((person) => person.kind === 'local' && foldPersonName(person.name) === folded);
  }

  get hasAdministrator(): boolean {
    return this.administrators > 0;
  }

  /** How many there are who can sign in. */
  get administrators(): number {
    return this.all().filter((person) => person.roles.includes('administrator')).length;
  }

  /** Who there is to confirm what another one asks for. */
  get office(): Office {
    const nowMs = this.#clock();
    const people = this.all().map(({ createdMs }) => createdMs);
    // Kept apart from the accounts: who takes them all away makes no first day.
    const firstMs = this.#store.earliest('first-account', Math.min(nowMs, ...people));
    return { isSole: this.administrators <= 1, isFirstDay: nowMs - firstMs < DAY_MS };
  }

  /** Adds somebody with a local account. Throws ERR_ROOM_PEOPLE. */
  add(name: string, roles: readonly Role[]): KnownPerson {
    const locals = this.all().filter(({ kind }) => kind === 'local').length;
    if (this.#provider !== undefined && locals >= BREAK_GLASS_MAX) {
      throw refusal(
        `${BREAK_GLASS_MAX} local accounts are there already`,
        'Give the role by the identity provider.',
      );
    }
    return this.#put(newId(), {
      name: tidy(name),
      roles: [...roles],
      kind: 'local',
      createdMs: this.#clock(),
    });
  }

  /** Who has an account. */
  findByAccount(account: string): KnownPerson | undefined {
    return this.all().find((person) => person.account === account);
  }

  /** Somebody whom the identity provider vouches for, as it says now. Throws ERR_ROOM_PEOPLE. */
  provided(subject: string, name: string, groups: readonly string[]): KnownPerson {
    const known = this.all().find((person) => person.subject === subject);
    const createdMs = known?.createdMs ?? this.#clock();
    const told = this.#toTold(groups);
    const roles = this.#rolesIn(told.groups);
    requireRoles(roles);
    const person = { name: tidy(name), roles, kind: 'oidc' as const, subject, told, createdMs };
    return this.#put(known?.id ?? newId(), person);
  }

  /**
   * What the identity provider says now of somebody who is known: it holds at once, whatever becomes of the sign-in. Undefined
   * groups: it does not vouch any more, until the next sign-in. Gives who it was before.
   */
  hear(subject: string, groups: readonly string[] | undefined): KnownPerson | undefined {
    const found = this.#store.people.all().find(([, person]) => person.subject === subject);
    if (found === undefined) return undefined;
    const [id, person] = found;
    const before = this.#known(id, person);
    if (groups !== undefined) {
      const told = this.#toTold(groups);
      this.#store.people.patch(id, { roles: this.#rolesIn(told.groups), told });
    } else if (person.told !== undefined) {
      this.#store.people.patch(id, { told: { ...person.told, atMs: 0 } });
    }
    return before;
  }

  /** Changes what is kept of somebody. Throws ERR_ROOM_PEOPLE. */
  change(id: string, changes: Partial<Person>): KnownPerson {
    const person = this.#store.people.get(id);
    if (person === undefined) throw unknownPerson(id);
    return this.#put(id, { ...person, ...changes });
  }

  /** Removes somebody, with sessions, passkeys and links. Throws ERR_ROOM_PEOPLE for the last administrator. */
  remove(id: string): KnownPerson {
    const person = this.find(id);
    if (person === undefined) throw unknownPerson(id);
    if (person.roles.includes('administrator') && this.administrators === 1)
      throw refusal('nobody would be administrator', 'Add another administrator first.');
    this.#store.people.remove(id);
    this.forget(id);
    return person;
  }

  /** Ends every way in that somebody has, password and app included: what was shown before proves nothing any more. */
  withdrawKeys(id: string): void {
    const seen = this.#store.people.get(id);
    if (seen === undefined) throw unknownPerson(id);
    const { password: _, totp: __, ...rest } = seen;
    this.#store.people.swap(id, seen, rest);
    this.forget(id);
  }

  /** Ends every way in that somebody has: sessions, passkeys and links. */
  forget(id: string): void {
    for (const table of [this.#store.sessions, this.#store.passkeys, this.#store.enrolments])
      table.prune(({ person }: { person?: string | undefined }) => person === id);
  }

  /** A link with which somebody enrols; undefined: an administrator whom nobody knows yet. */
  createLink(person: string | undefined, madeBy?: string): EnrolmentLink {
    const { enrolments } = this.#store;
    const nowMs = this.#clock();
    enrolments.prune((row) => row.endsMs <= nowMs || row.person === person);
    if (enrolments.size >= ENROLMENTS_MAX)
      throw refusal(`${ENROLMENTS_MAX} links wait already`, 'Wait a day.');
    const token = createSecret();
    const endsMs = nowMs + (person === undefined ? SETUP_MS : ENROLMENT_MS);
    enrolments.add(hashOf(token), {
      ...(person === undefined ? {} : { person }),
      ...(madeBy === undefined ? {} : { madeBy }),
      endsMs,
    });
    return { token, endsMs };
  }

  /** Throws ERR_ROOM_PEOPLE for what nobody may have. */
  #put(id: string, person: Person): KnownPerson {
    requireRoles(person.roles);
    const folded = foldPersonName(person.name);
    if (folded === '') throw refusal('the name is empty');
    const other = this.all().find((one) => one.id !== id && foldPersonName(one.name) === folded);
    if (other !== undefined) throw refusal(`${other.name} is somebody else's name`, 'Choose another one.');
    if (this.#store.people.get(id) === undefined && this.#store.people.size >= PEOPLE_MAX)
      throw refusal(`${PEOPLE_MAX} people are there already`, 'Remove those who left.');
    const before = this.#store.people.get(id);
    const isLast = before?.roles.includes('administrator') === true && this.administrators === 1;
    if (isLast && before.kind === 'local' && !person.roles.includes('administrator'))
      throw refusal('nobody would be administrator', 'Add another administrator first.');
    // Read and written without a wait between: no other request came in between.
    if (before === undefined) this.#store.people.add(id, person);
    else this.#store.people.swap(id, before, person);
    return this.#known(id, person);
  }

  #known(id: string, person: Person): KnownPerson {
    const { kind, subject } = person;
    // A row of the provider without a subject, which no version writes, is nobody else's account either.
    const account = kind === 'oidc' && subject !== undefined ? providedAccount(subject) : localAccount(id);
    return { ...person, id, account, roles: this.#rolesNow(person) };
  }

  /** None where what gave them is gone: the provider, its groups, or what the configuration makes of these. */
  #rolesNow({ kind, roles, subject = '', told }: Person): Role[] {
    if (kind === 'local') return roles;
    const provider = this.#provider;
    if (provider === undefined) return [];
    if (told !== undefined)
      return told.issuer === provider.issuer ? excluded(this.#rolesIn(told.groups)) : [];
    // Of an earlier version: the groups are not known, and nothing is given that no group gives any more.
    const isOfProvider = isSameIssuer(subject.split(' ', 1)[0] ?? '', provider.issuer);
    return isOfProvider ? roles.filter((role) => provider.roles.some((given) => given.role === role)) : [];
  }

  #rolesIn(groups: readonly string[]): Role[] {
    const given = this.#provider?.roles.filter(({ group }) => groups.includes(group)) ?? [];
    return [...new Set(given.map(({ role }) => role))];
  }

  #toTold(groups: readonly string[]) {
    return { issuer: this.#provider?.issuer ?? '', groups: [...groups], atMs: this.#clock() };
  }
}

/** Throws ERR_ROOM_PEOPLE where one person would change and approve. */
export const requireRoles = (roles: readonly Role[]): void => {
  if (!isBoth(roles)) return;
  throw refusal('nobody is administrator and approver at once', 'Choose one of the two roles.');
};

const isBoth = (roles: readonly Role[]): boolean =>
  roles.includes('administrator') && roles.includes('approver');

/** Who would be both, since the configuration changed, is neither. */
const excluded = (roles: Role[]): Role[] => (isBoth(roles) ? [] : roles);

const isSameIssuer = (a: string, b: string): boolean => URL.parse(a)?.href === URL.parse(b)?.href;

const tidy = (name: string): string => name.trim().replace(/\s+/g, ' ');

const newId = (): string => `p-${randomBytes(ID_BYTES).toString('hex')}`;

const refusal = (text: string, hint?: string): AppError =>
  new AppError('ERR_ROOM_PEOPLE', `changing people: ${text}`, hint === undefined ? {} : { hint });

const unknownPerson = (id: string): AppError =>
  new AppError('ERR_ROOM_UNKNOWN', `looking for person ${id.slice(0, 40)}: there is none`);
