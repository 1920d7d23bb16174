// The ways in which somebody signs in, changed by this one alone: password with app, and passkeys of a local account.
//
// Whoever is signed in and has proven it within five minutes may; nobody is left without a way in. What was shown elsewhere
// before proves nothing any more: with a new password, all other sessions of the account end. An account of the identity
// provider has its ways there.
import { AppError } from '../../base/base.ts';
import type { OwnKeysShown } from '../admin/admin.ts';
import { createCodeSecret, findStep } from './codes.ts';
import type { RoomParts } from './parts.ts';
import { hashPassword } from './passwords.ts';
import type { Session } from './sessions.ts';

/** As long as a link to enrol holds that somebody is waiting for. */
const PENDING_MS = 15 * 60_000;

/** The ways in of who is signed in. */
export class OwnKeys {
  readonly #parts: RoomParts;
  readonly #session: Session;

  constructor(parts: RoomParts, session: Session) {
    this.#parts = parts;
    this.#session = session;
  }

  show(): OwnKeysShown {
    const { kind, password } = this.#session.person;
    return {
      isLocal: kind === 'local',
      hasPassword: password !== undefined,
      passkeys: this.#passkeys.map(([key, { createdMs }]) => ({
        id: key,
        createdAt: new Date(createdMs).toISOString(),
      })),
    };
  }

  /** Takes a password, which counts once a code of the new app was shown. Rejects with ERR_ROOM_PASSWORD and ERR_ROOM_PEOPLE. */
  async propose(password: string): Promise<{ readonly secret: string; readonly uri: string }> {
    const { agency, throttle, clock, store } = this.#parts;
    const { id, name } = this.#requireLocal();
    if (password.toLowerCase().includes(name.toLowerCase())) throw containsName();
    throttle.tryChoice(this.#pendingKey);
    const { secret, uri } = createCodeSecret(agency ?? 'Cordon', name);
    const hash = await hashPassword(password);
    // While it was hashed, somebody may have ended the session.
    if (store.sessions.get(this.#session.key) === undefined)
      throw new AppError('ERR_ROOM_SIGN_IN', 'choosing a password: nobody is signed in any more');
    store.enrolments.remove(this.#pendingKey);
    store.enrolments.add(this.#pendingKey, {
      ...{ person: id, endsMs: clock() + PENDING_MS },
      pending: { name, password: hash, secret },
    });
    return { secret, uri };
  }

  /** Puts password and app in place of those before. Throws ERR_ROOM_CREDENTIALS. */
  confirm(code: string): void {
    const { throttle, clock, people, store } = this.#parts;
    const { id } = this.#requireLocal();
    const attempt = throttle.tryProof(id);
    const row = store.enrolments.get(this.#pendingKey);
    const pending = row !== undefined && row.endsMs > clock() ? row.pending : undefined;
    const step = pending && findStep(pending.secret, code, clock(), 0);
    if (pending === undefined || step === undefined) throw wrongCode();
    attempt.succeed();
    store.enrolments.remove(this.#pendingKey);
    people.change(id, { password: pending.password, totp: { secret: pending.secret, step } });
    const { id: own } = this.#session.row;
    store.sessions.prune((one) => one.person === id && one.id !== own);
    this.#tell('password and app');
  }

  /** That a passkey was made. */
  added(): void {
    this.#tell('a passkey more');
  }

  /** Takes a passkey away. Throws ERR_ROOM_UNKNOWN, and ERR_ROOM_PEOPLE for the last way in. */
  remove(key: string): void {
    const { store } = this.#parts;
    const { password } = this.#requireLocal();
    const own = this.#passkeys;
    if (!own.some(([id]) => id === key))
      throw new AppError('ERR_ROOM_UNKNOWN', 'looking for a passkey: it is not yours, or gone');
    if (own.length === 1 && password === undefined) {
      throw new AppError('ERR_ROOM_PEOPLE', 'taking a passkey away: it is the only way in', {
        hint: 'Make another passkey or choose a password first.',
      });
    }
    store.passkeys.remove(key);
    this.#tell('a passkey less');
  }

  /** Throws ERR_ROOM_PEOPLE. */
  #requireLocal() {
    const { person } = this.#session;
    if (person.kind === 'local') return person;
    throw new AppError('ERR_ROOM_PEOPLE', 'changing how one signs in: the identity provider keeps that', {
      hint: 'Change it where the agency account is kept.',
    });
  }

  /** No hash of a token, so that no link opens it. */
  get #pendingKey(): string {
    return `own ${this.#session.person.id}`;
  }

  get #passkeys() {
    return this.#parts.store.passkeys.all().filter(([, { person }]) => person === this.#session.person.id);
  }

  #tell(what: string): void {
    const { account, name } = this.#session.person;
    this.#parts.note('keys-changed', name, '', { account, what, from: this.#session.row.from });
  }
}

const containsName = (): AppError =>
  new AppError('ERR_ROOM_PASSWORD', 'choosing a password: it contains the name', {
    hint: 'A sentence of four words that have nothing to do with each other is good.',
  });

const wrongCode = (): AppError =>
  new AppError('ERR_ROOM_CREDENTIALS', 'changing how one signs in: the code is wrong, or it took too long', {
    hint: 'A code counts once and for some thirty seconds; begin again after fifteen minutes.',
  });
