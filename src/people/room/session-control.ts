// The session of one request: signing in and out, proving again, enrolling.
//
// What is wrong is never told apart: a name that nobody has, a password, a code. Each way in and each failure is a record.

import { AppError, foldPersonName, isAppError, VERSION } from '../../base/base.ts';
import {
  ALL_OPERATIONS,
  type Assertion,
  type Attestation,
  type Enrolment,
  mayUse,
  type OwnKeysShown,
  type PasskeyAsked,
  type SessionControl,
  type SessionShown,
} from '../admin/admin.ts';
import { createCodeSecret, findStep } from './codes.ts';
import { OwnKeys } from './own-keys.ts';
import type { RoomParts } from './parts.ts';
import { hashPassword, isOutdated, isVerifiable, verifyNothing, verifyPassword } from './passwords.ts';
import type { KnownPerson } from './people.ts';
import type { EnrolmentRow, SessionRow } from './rows.ts';
import type { Session } from './sessions.ts';
import { createSecret, hashOf } from './store.ts';
import { csrfOf, type Visit } from './visit.ts';

const SIGN_IN = 'sign-in';
const PROOF = 'proof';
const ADDRESS = /^(?:[\d.]+|\[?[\da-f:.]+\]?)$/i;

/** What of the room a session needs. */
export class RoomSession implements SessionControl {
  readonly #parts: RoomParts;
  readonly #visit: Visit;
  #token: string | undefined;

  constructor(parts: RoomParts, visit: Visit) {
    this.#parts = parts;
    this.#visit = visit;
    this.#token = visit.token;
  }

  show(): SessionShown {
    const { agency, people, passkeys, sessions, csrfKey, provider } = this.#parts;
    if (this.#token === undefined) {
      this.#token = createSecret();
      this.#visit.setToken(this.#token);
    }
    const common = {
      csrf: csrfOf(csrfKey, this.#token),
      agency: agency ?? null,
      version: VERSION,
      needsSetup: !people.hasAdministrator,
      methods: {
        oidc: provider === undefined ? null : { label: provider.settings.label },
        password: true,
        passkey: this.#hasPasskeys,
      },
    };
    const session = sessions.find(this.#token);
    if (session === undefined) return { signedIn: false, ...common };
    const { person, row, endsMs, idleEndsMs, provenUntilMs } = session;
    return {
      signedIn: true,
      ...common,
      person: {
        id: person.id,
        name: person.name,
        account: person.account,
        roles: person.roles,
        kind: person.kind,
      },
      may: ALL_OPERATIONS.filter(
        ([, operation]) =>
          operation.door !== 'listener' &&
          mayUse(operation, person.roles) &&
          this.#isThere(operation.subject),
      ).map(([name]) => name),
      startedAt: timeOf(row.startedMs),
      endsAt: timeOf(endsMs),
      idleEndsAt: timeOf(idleEndsMs),
      steppedUpUntil: provenUntilMs === undefined ? null : timeOf(provenUntilMs),
      stepUp: {
        code: person.totp !== undefined,
        passkey: this.#hasPasskeys && passkeys.has(person.id),
        oidc: person.kind === 'oidc' && provider !== undefined,
      },
    };
  }

  async signInByPassword(name: string, password: string, code: string): Promise<SessionShown> {
    const { throttle, people } = this.#parts;
    const person = people.findLocal(name);
    // By the account, however its name is written, and before the hash: a try costs a stranger more than this program.
    const attempt = throttle.tryPassword(this.#visit.address, person?.id ?? `name ${foldPersonName(name)}`);
    // The same work for everybody, whatever is wrong.
    const kept = person?.password;
    const isRight = await (kept === undefined || !isVerifiable(kept)
      ? verifyNothing(password)
      : verifyPassword(password, kept)
    ).catch((thrown: unknown) => {
      if (isAppError(thrown)) attempt.giveBack();
      throw thrown;
    });
    if (person !== undefined && kept !== undefined && !isVerifiable(kept)) {
      this.#parts.log.warn(
        { person: person.name },
        'a password cannot be verified under FIPS: its owner signs in by a passkey, or enrols anew by a link',
      );
    }
    const now = people.find(person?.id ?? '');
    // While it was hashed, the password may have been taken away, or become another one.
    const step = isRight && now?.password === kept ? this.#stepOf(now, code) : undefined;
    if (person === undefined || step === undefined) throw this.#refused(name);
    attempt.succeed();
    const shown = this.#signIn(person, 'password');
    if (kept !== undefined && isOutdated(kept)) await this.#keepAnew(person.id, kept, password);
    return shown;
  }

  /** Keeps a password as this process would: it may have another cryptography than the one that kept it. */
  async #keepAnew(id: string, kept: string, password: string): Promise<void> {
    const { store } = this.#parts;
    const hash = await hashPassword(password).catch((thrown: unknown) => {
      if (!isAppError(thrown)) throw thrown;
      // Too many sign in: the next time is early enough.
      return undefined;
    });
    if (hash !== undefined && store.people.get(id)?.password === kept)
      store.people.patch(id, { password: hash });
  }

  passkeyOptions(): Promise<PasskeyAsked> {
    return this.#parts.passkeys.ask(this.#site(), SIGN_IN, this.#visitKey());
  }

  async signInByPasskey(challenge: string, response: Assertion): Promise<SessionShown> {
    const { throttle, passkeys, people } = this.#parts;
    const attempt = throttle.tryPasskey(this.#visit.address);
    const shown = { ...this.#shownFor(SIGN_IN), challenge, response };
    try {
      return await passkeys.verify(shown, (id) => {
        const person = people.find(id);
        if (person?.kind !== 'local') throw wrong();
        attempt.succeed();
        return this.#signIn(person, 'passkey');
      });
    } catch (thrown) {
      this.#tellFailure('a passkey');
      throw thrown;
    }
  }

  stepUpByCode(code: string): Promise<SessionShown> {
    const { throttle, sessions } = this.#parts;
    const session = this.#session();
    const attempt = throttle.tryProof(session.person.id);
    if (this.#stepOf(session.person, code) === undefined) {
      this.#tellFailure(session.person.name);
      throw wrong();
    }
    attempt.succeed();
    sessions.prove(session);
    return Promise.resolve(this.show());
  }

  stepUpOptions(): Promise<PasskeyAsked> {
    const { person } = this.#session();
    return this.#parts.passkeys.ask(this.#site(), PROOF, this.#visitKey(), person.id);
  }

  async stepUpByPasskey(challenge: string, response: Assertion): Promise<SessionShown> {
    const { passkeys, sessions } = this.#parts;
    this.#session();
    return passkeys.verify({ ...this.#shownFor(PROOF), challenge, response }, (id) => {
      // The session as it is now: it may have ended while the signature was checked.
      const session = this.#session();
      if (id !== session.person.id) throw wrong();
      sessions.prove(session);
      return this.show();
    });
  }

  end(): SessionShown {
    const { sessions, note } = this.#parts;
    const session = sessions.find(this.#token, true);
    sessions.end(this.#token);
    if (session !== undefined) note('sign-out', session.person.name, '', { from: this.#visit.address });
    this.#token = undefined;
    return this.show();
  }

  readEnrolment(token: string): Enrolment {
    const { row, person } = this.#enrolment(token);
    return {
      kind: row.person === undefined ? 'first' : 'person',
      name: person?.name ?? null,
      expiresAt: timeOf(row.endsMs),
      passkey: this.#hasPasskeys,
    };
  }

  async enrolByPassword(token: string, name: string, password: string) {
    const { person } = this.#enrolment(token);
    const { agency, throttle, store } = this.#parts;
    const account = person?.name ?? name;
    if (password.toLowerCase().includes(account.toLowerCase())) {
      throw new AppError('ERR_ROOM_PASSWORD', 'choosing a password: it contains the name', {
        hint: 'A sentence of four words that have nothing to do with each other is good.',
      });
    }
    throttle.tryChoice(hashOf(token));
    const { secret, uri } = createCodeSecret(agency ?? 'Cordon', account);
    const hash = await hashPassword(password);
    if (!store.enrolments.patch(hashOf(token), { pending: { name: account, password: hash, secret } }))
      throw usedLink();
    return { secret, uri };
  }

  confirmEnrolment(token: string, code: string): Promise<SessionShown> {
    const { throttle, clock, people } = this.#parts;
    const attempt = throttle.tryEnrolment(this.#visit.address, hashOf(token));
    const { row } = this.#enrolment(token);
    const { pending } = row;
    const step = pending?.secret ? findStep(pending.secret, code, clock(), 0) : undefined;
    if (pending === undefined || step === undefined) throw wrong();
    attempt.succeed();
    const known = this.#enrolled(token, row, pending.name);
    const changed = people.change(known.id, {
      password: pending.password,
      totp: { secret: pending.secret, step },
    });
    return Promise.resolve(this.#signIn(changed, 'password'));
  }

  async enrolmentOptions(token: string, name: string): Promise<PasskeyAsked> {
    const { person } = this.#enrolment(token);
    const { agency, passkeys } = this.#parts;
    const account = person?.name ?? name;
    return passkeys
      .askForNew(this.#site(), agency ?? 'Cordon', `enrol ${account}`, hashOf(token), account)
      .then((asked) => {
        this.#remember(token, account);
        return asked;
      });
  }

  async enrolByPasskey(token: string, challenge: string, response: Attestation): Promise<SessionShown> {
    const { person, row } = this.#enrolment(token);
    const account = person?.name ?? row.pending?.name ?? '';
    const keep = await this.#parts.passkeys.accept({
      ...{ site: this.#site(), purpose: `enrol ${account}`, visit: hashOf(token) },
      ...{ challenge, response },
    });
    const known = this.#enrolled(token, row, account);
    keep(known.id);
    return this.#signIn(known, 'passkey');
  }

  ownKeys(): OwnKeysShown {
    return this.#own.show();
  }

  proposePassword(password: string) {
    return this.#own.propose(password);
  }

  confirmPassword(code: string): OwnKeysShown {
    this.#own.confirm(code);
    return this.#own.show();
  }

  ownPasskeyOptions(): Promise<PasskeyAsked> {
    const { agency, passkeys } = this.#parts;
    const { person } = this.#session();
    const purpose = `own ${person.id}`;
    return passkeys.askForNew(this.#site(), agency ?? 'Cordon', purpose, this.#visitKey(), person.name);
  }

  async addOwnPasskey(challenge: string, response: Attestation): Promise<OwnKeysShown> {
    const purpose = `own ${this.#session().person.id}`;
    const keep = await this.#parts.passkeys.accept({ ...this.#shownFor(purpose), challenge, response });
    // The session as it is now: it may have ended while the key was checked.
    const own = this.#own;
    keep(this.#session().person.id);
    own.added();
    return own.show();
  }

  removeOwnPasskey(id: string): OwnKeysShown {
    this.#own.remove(id);
    return this.#own.show();
  }

  /** Signs somebody in whom the identity provider vouches for, or proves who it is; gives where the browser goes. */
  async endProvided(flow: string | undefined, query: string): Promise<string> {
    const { throttle, provider, people, sessions, vouching } = this.#parts;
    if (provider === undefined)
      throw new AppError('ERR_ROOM_PROVIDER', 'signing in: there is no identity provider');
    const attempt = throttle.tryProvided(this.#visit.address);
    const provided = await provider.end(flow, query);
    attempt.succeed();
    const before = vouching.hear(provided.subject, provided.groups);
    if (provided.session !== undefined) {
      // A provider on another site sends the browser back without the cookie of the session, which is for this site's own
      // requests. What began the flow is proven by the flow's cookie, and who came back by the provider; a cookie that comes
      // along is of the same session.
      if (this.#token !== undefined && hashOf(this.#token) !== provided.session) throw wrong();
      const session = sessions.findByKey(provided.session);
      if (session === undefined || session.person.subject !== provided.subject) throw wrong();
      sessions.prove(session);
      return provided.to;
    }
    if (provided.groups.length === 0) {
      this.#tellFailure(provided.name);
      throw new AppError('ERR_ROOM_ROLE', `signing in: no group of ${provided.name} has a role here`, {
        hint: 'Ask an administrator which group you need (control-room.oidc.roles).',
      });
    }
    const person = people.provided(provided.subject, provided.name, provided.groups);
    if (before !== undefined && before.name !== person.name)
      this.#parts.note('renamed', person.name, '', { account: person.account, nameBefore: before.name });
    this.#signIn(person, 'oidc');
    return provided.to;
  }

  get #own(): OwnKeys {
    return new OwnKeys(this.#parts, this.#session());
  }

  get #hasPasskeys(): boolean {
    return !ADDRESS.test(this.#visit.site.rpId);
  }

  /** False for a part that this program does not have, such as a fleet: pages leave out what is about it. */
  #isThere(subject: string): boolean {
    const controls = this.#parts.controls();
    return !(subject in controls) || controls[subject as keyof typeof controls] !== undefined;
  }

  #site() {
    if (this.#hasPasskeys) return this.#visit.site;
    throw new AppError('ERR_ROOM_PASSKEY', 'asking for a passkey: browsers have none for an address', {
      hint: 'Reach the control room by a name: control-room.url of the configuration.',
    });
  }

  /** For what a challenge was asked for, and by whom. */
  #shownFor(purpose: string) {
    return { site: this.#site(), purpose, visit: this.#visitKey() };
  }

  /** A challenge belongs to the cookie that asked for it. */
  #visitKey(): string {
    return hashOf(this.#token ?? '');
  }

  #session(): Session {
    const session = this.#parts.sessions.find(this.#token);
    if (session !== undefined) return session;
    throw new AppError('ERR_ROOM_SIGN_IN', 'proving who you are: nobody is signed in');
  }

  /** The step of a code that is right, which is used up by this. */
  #stepOf(person: KnownPerson | undefined, code: string): number | undefined {
    const { clock, people } = this.#parts;
    if (person?.totp === undefined) return undefined;
    const step = findStep(person.totp.secret, code, clock(), person.totp.step);
    if (step !== undefined) people.change(person.id, { totp: { ...person.totp, step } });
    return step;
  }

  #signIn(person: KnownPerson, by: SessionRow['by']): SessionShown {
    const { sessions, people, note, log, provider, clock } = this.#parts;
    const { address } = this.#visit;
    this.#token = sessions.begin(person.id, by, address, this.#token);
    this.#visit.setToken(this.#token);
    people.change(person.id, { signedInMs: clock() });
    const isBreakGlass = provider !== undefined && person.kind === 'local';
    note(isBreakGlass ? 'sign-in-break-glass' : 'sign-in', person.name, '', {
      ...{ method: by, account: person.account, roles: person.roles, from: address },
    });
    if (isBreakGlass)
      log.warn(
        { person: person.name, from: address },
        'a local account was used beside the identity provider',
      );
    return this.show();
  }

  #refused(name: string): AppError {
    this.#tellFailure(name);
    return wrong();
  }

  #tellFailure(name: string): void {
    this.#parts.noteFailure(name.slice(0, 64), { from: this.#visit.address });
  }

  /** Throws ERR_ROOM_TOKEN for a token that is over, or never was. */
  #enrolment(token: string): { row: EnrolmentRow; person: KnownPerson | undefined } {
    const { store, people, clock } = this.#parts;
    const row = store.enrolments.get(hashOf(token));
    const person = row?.person === undefined ? undefined : people.find(row.person);
    const isThere = row !== undefined && row.endsMs > clock();
    if (isThere && (row.person === undefined || person !== undefined)) return { row, person };
    throw usedLink();
  }

  /** Keeps the name that a first administrator chose until the key is there. */
  #remember(token: string, name: string): void {
    this.#enrolment(token);
    this.#parts.store.enrolments.patch(hashOf(token), { pending: { name, password: '', secret: '' } });
  }

  /** The link is used up, once and as it was seen; its person is there. Throws ERR_ROOM_TOKEN where somebody else was faster. */
  #enrolled(token: string, seen: EnrolmentRow, name: string): KnownPerson {
    const { store, people, note } = this.#parts;
    const { row, person } = this.#enrolment(token);
    if (row !== seen) throw usedLink();
    const known = person ?? people.add(name, ['administrator']);
    const { madeBy } = seen;
    store.enrolments.swap(hashOf(token), seen, undefined);
    note('enrol', known.name, '', {
      ...{ account: known.account, roles: known.roles, from: this.#visit.address },
      ...(madeBy === undefined ? {} : { madeBy }),
    });
    return known;
  }
}

const usedLink = (): AppError =>
  new AppError('ERR_ROOM_TOKEN', 'enrolling: the link was used, or its time is over', {
    hint: 'Ask for a new one; "cordon room link" on the host makes one for an administrator.',
  });

const wrong = (): AppError =>
  new AppError(
    'ERR_ROOM_CREDENTIALS',
    'signing in: name, password or code is wrong, or the code was used already',
    {
      hint: 'A code counts once and for some thirty seconds.',
    },
  );

const timeOf = (ms: number): string => new Date(ms).toISOString();
