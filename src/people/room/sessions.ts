// Sessions: who is behind a cookie, until when, and how lately the person proved it.
//
// A cookie holds a random token and nothing else, and only its hash is kept. Signing in makes a new one, so that a token
// that somebody planted before is worth nothing. A session ends half an hour after its last use, eight hours after it began, and
// when it has no ground any more (grounds.ts). Roles are read anew each time: a person who loses a role loses it in the same moment.
import { randomBytes } from 'node:crypto';
import { AppError, type Clock } from '../../base/base.ts';
import type { Grounds } from './grounds.ts';
import type { KnownPerson, People } from './people.ts';
import type { SessionRow } from './rows.ts';
import { createSecret, hashOf, type RoomStore } from './store.ts';

const IDLE_MS = 30 * 60_000;
const LIFETIME_MS = 8 * 3_600_000;
/** For how long proof counts: to read what one confirms, and to confirm it. */
const PROOF_MS = 5 * 60_000;
/** A use is written down no more often than this. */
const SEEN_EVERY_MS = 30_000;
/** More sessions than people have browsers. */
const SESSIONS_MAX = 4_000;
/** Of one person: the oldest gives way. */
const PER_PERSON_MAX = 10;
const ID_BYTES = 6;

/** A session that lasts. */
export interface Session {
  readonly key: string;
  readonly row: SessionRow;
  readonly person: KnownPerson;
  readonly endsMs: number;
  readonly idleEndsMs: number;
  /** Until when proof counts; undefined: it does not. */
  readonly provenUntilMs: number | undefined;
}

/** The sessions of one room. */
export class Sessions {
  readonly #store: RoomStore;
  readonly #people: People;
  readonly #grounds: Grounds;
  readonly #clock: Clock;

  constructor(store: RoomStore, people: People, grounds: Grounds, clock: Clock) {
    this.#store = store;
    this.#people = people;
    this.#grounds = grounds;
    this.#clock = clock;
    store.sessions.prune((row) => this.#isOver(row));
  }

  /** The session of a cookie's token, which is used by this unless `isLook`. */
  find(token: string | undefined, isLook = false): Session | undefined {
    return token === undefined ? undefined : this.findByKey(hashOf(token), isLook);
  }

  /** As find(), for whoever kept the key of a session. */
  findByKey(key: string, isLook = false): Session | undefined {
    let row = this.#store.sessions.get(key);
    if (row === undefined) return undefined;
    if (this.#isOver(row)) {
      this.#store.sessions.remove(key);
      return undefined;
    }
    const person = this.#people.find(row.person);
    if (!this.#grounds.holdsSession(key, row) || person === undefined) return undefined;
    const nowMs = this.#clock();
    if (!isLook && nowMs - row.seenMs >= SEEN_EVERY_MS) {
      row = this.#store.sessions.patch(key, { seenMs: nowMs }) ?? row;
    }
    const endsMs = row.startedMs + LIFETIME_MS;
    const provenUntilMs = row.provenMs + PROOF_MS;
    return {
      ...{ key, row, person, endsMs },
      idleEndsMs: Math.min(endsMs, row.seenMs + IDLE_MS),
      provenUntilMs: provenUntilMs > nowMs ? provenUntilMs : undefined,
    };
  }

  /** Begins a session in place of the one of an earlier token; gives the new token. Throws ERR_ROOM_BUSY. */
  begin(person: string, by: SessionRow['by'], from: string, before: string | undefined): string {
    const { sessions } = this.#store;
    if (before !== undefined) sessions.remove(hashOf(before));
    const nowMs = this.#clock();
    const own = sessions.all().filter(([, row]) => row.person === person);
    for (const [key] of own.slice(0, Math.max(0, own.length - PER_PERSON_MAX + 1))) sessions.remove(key);
    if (sessions.size >= SESSIONS_MAX) sessions.prune((row) => this.#isOver(row));
    if (sessions.size >= SESSIONS_MAX) throw new AppError('ERR_ROOM_BUSY', 'signing in: too many sessions');
    const token = createSecret();
    sessions.add(hashOf(token), {
      ...{ id: `s-${randomBytes(ID_BYTES).toString('hex')}`, person, by, from },
      ...{ startedMs: nowMs, seenMs: nowMs, provenMs: nowMs },
    });
    return token;
  }

  /** The person of a session has just proven who it is. Throws ERR_ROOM_SIGN_IN for one that has ended meanwhile. */
  prove({ key }: Session): void {
    if (this.#store.sessions.patch(key, { provenMs: this.#clock() }) !== undefined) return;
    throw new AppError('ERR_ROOM_SIGN_IN', 'proving who you are: the session has ended');
  }

  end(token: string | undefined): void {
    if (token !== undefined) this.#store.sessions.remove(hashOf(token));
  }

  /** Ends a session by its id; throws ERR_ROOM_UNKNOWN. */
  endById(id: string): SessionRow {
    const found = this.#store.sessions.all().find(([, row]) => row.id === id);
    if (found === undefined)
      throw new AppError('ERR_ROOM_UNKNOWN', `looking for session ${id}: there is none`);
    this.#store.sessions.remove(found[0]);
    return found[1];
  }

  /** Those that last, by their keys. */
  all(): readonly (readonly [key: string, row: SessionRow])[] {
    return this.#store.sessions.all().filter(([, row]) => !this.#isOver(row));
  }

  #isOver({ startedMs, seenMs }: SessionRow): boolean {
    const nowMs = this.#clock();
    // A clock that went back makes no session longer.
    return nowMs - startedMs >= LIFETIME_MS || nowMs - seenMs >= IDLE_MS || nowMs < startedMs - PROOF_MS;
  }
}
