// Who may sign in, and with which roles.
//
// Two names that differ in letter case and blanks only are one: otherwise somebody could pass for two people. Nobody is
// administrator and approver at once. Beside an identity provider there are at most three local accounts, for the day on
// which it is down.
import { randomBytes } from 'node:crypto';
import type { Office, Role } from '../admin/admin.ts';
import { AppError, type Clock, DAY_MS } from '../base/base.ts';
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

/** Somebody with an id. */
export interface KnownPerson extends Person {
  readonly id: string;
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
  readonly #hasProvider: boolean;

  constructor(store: RoomStore, clock: Clock, hasProvider: boolean) {
    this.#store = store;
    this.#clock = clock;
    this.#hasProvider = hasProvider;
    store.enrolments.prune(({ endsMs }) => endsMs <= clock());
  }

  all(): readonly KnownPerson[] {
    return this.#store.people.all().map(([id, person]) => ({ id, ...person }));
  }

  find(id: string): KnownPerson | undefined {
    const person = this.#store.people.get(id);
    return person && { id, ...person };
  }

  /** A local account by its name, however it is written. */
  findLocal(name: string): KnownPerson | undefined {
    const folded = foldPerson(name);
    return this.all().find((person) => person.kind === 'local' && foldPerson(person.name) === folded);
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
    if (this.#hasProvider && locals >= BREAK_GLASS_MAX) {
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

  /** Somebody whom the identity provider vouches for, as it says now. Throws ERR_ROOM_PEOPLE. */
  provided(subject: string, name: string, roles: readonly Role[]): KnownPerson {
    const known = this.all().find((person) => person.subject === subject);
    const createdMs = known?.createdMs ?? this.#clock();
    const person = { name: tidy(name), roles: [...roles], kind: 'oidc' as const, subject, createdMs };
    return this.#put(known?.id ?? newId(), person);
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
  createLink(person: string | undefined): EnrolmentLink {
    const { enrolments } = this.#store;
    const nowMs = this.#clock();
    enrolments.prune((row) => row.endsMs <= nowMs || row.person === person);
    if (enrolments.size >= ENROLMENTS_MAX)
      throw refusal(`${ENROLMENTS_MAX} links wait already`, 'Wait a day.');
    const token = createSecret();
    const endsMs = nowMs + (person === undefined ? SETUP_MS : ENROLMENT_MS);
    enrolments.add(hashOf(token), { ...(person === undefined ? {} : { person }), endsMs });
    return { token, endsMs };
  }

  /** Throws ERR_ROOM_PEOPLE for what nobody may have. */
  #put(id: string, person: Person): KnownPerson {
    requireRoles(person.roles);
    const folded = foldPerson(person.name);
    if (folded === '') throw refusal('the name is empty');
    const other = this.all().find((one) => one.id !== id && foldPerson(one.name) === folded);
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
    return { id, ...person };
  }
}

/** Throws ERR_ROOM_PEOPLE where one person would change and approve. */
export const requireRoles = (roles: readonly Role[]): void => {
  if (!(roles.includes('administrator') && roles.includes('approver'))) return;
  throw refusal('nobody is administrator and approver at once', 'Choose one of the two roles.');
};

/** The same for spellings that people take for one name. */
export const foldPerson = (name: string): string => name.normalize('NFKC').toLowerCase().replace(/\s+/g, '');

const tidy = (name: string): string => name.trim().replace(/\s+/g, ' ');

const newId = (): string => `p-${randomBytes(ID_BYTES).toString('hex')}`;

const refusal = (text: string, hint?: string): AppError =>
  new AppError('ERR_ROOM_PEOPLE', `changing people: ${text}`, hint === undefined ? {} : { hint });

const unknownPerson = (id: string): AppError =>
  new AppError('ERR_ROOM_UNKNOWN', `looking for person ${id.slice(0, 40)}: there is none`);
