// What one person asked for and another has to confirm.
//
// An act is kept as it was sent and checked again when it is confirmed, by the same table of operations: what is no longer
// possible then fails, and a list's content is named by its SHA-256, so that another content meanwhile voids the act. The one
// who confirms is another person than the one who asked, by account and by name. Who asked counts as who acts; the record
// names both.
import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { AppError, compareIdentities } from '../../base/base.ts';
import {
  type ActControl,
  type Actor,
  type ActShown,
  ALL_OPERATIONS,
  type AnyGiven,
  type Controls,
  type Operation,
  perform,
  type Role,
} from '../admin/admin.ts';
import type { RoomParts } from './parts.ts';
import type { KnownPerson } from './people.ts';
import type { ActRow } from './rows.ts';

/** A day's work: what nobody confirms until tomorrow has to be asked for again. */
const LIFETIME_MS = 24 * 3_600_000;
/** How long those that ended are shown. */
const SHOWN_MS = 7 * 24 * 3_600_000;
/** Acts that wait, of everybody and of one person. */
const WAITING_MAX = 100;
const WAITING_PER_PERSON_MAX = 10;
/** How long what came of an act waits for who asked. */
const RESULT_MS = 24 * 3_600_000;
const ID_BYTES = 6;
const OK = 200;

/** Somebody who acts, by the account. */
export interface Acting {
  readonly actor: Actor;
  /** Id of the person or token. */
  readonly id: string;
}

/** Acts of one room. */
export class Acts {
  readonly #parts: RoomParts;
  /** For who asked, by the id of the act; in memory only, because there may be secrets among them. */
  readonly #results = new LRUCache<string, { readonly byId: string; readonly value: unknown }>({
    max: WAITING_MAX,
    ttl: RESULT_MS,
  });

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  /** What is waited for, with those that ended lately, the newest first. */
  list(): readonly ActShown[] {
    const { store, clock } = this.#parts;
    const nowMs = clock();
    for (const [id, row] of store.acts.all()) {
      if (row.state === 'waiting' && row.endsMs <= nowMs)
        store.acts.patch(id, { state: 'expired', endedMs: row.endsMs });
    }
    for (const [id, row] of store.acts.all()) this.#parts.grounds.holdsAct(id, row);
    store.acts.prune(({ state, endedMs = nowMs }) => state !== 'waiting' && nowMs - endedMs > SHOWN_MS);
    return store.acts
      .all()
      .map(([id, row]) => toShown(id, row))
      .reverse();
  }

  /** Keeps what was asked for until somebody with one of the roles confirms it. Throws ERR_ROOM_ACT. */
  ask(
    name: string,
    given: AnyGiven,
    body: unknown,
    { actor, id: byId }: Acting,
    confirmRoles: readonly Role[],
  ): ActShown {
    const { store, clock, note } = this.#parts;
    const waiting = this.list().filter(({ state }) => state === 'waiting');
    const own = store.acts.all().filter(([, row]) => row.state === 'waiting' && row.byId === byId);
    if (waiting.length >= WAITING_MAX || own.length >= WAITING_PER_PERSON_MAX) {
      throw new AppError('ERR_ROOM_ACT', 'asking for a second person: too much waits already', {
        hint: 'Confirm or withdraw what waits.',
      });
    }
    const same = own.find(
      ([, row]) =>
        row.operation === name &&
        JSON.stringify([row.parameters, row.body]) === JSON.stringify([given.parameters, body]),
    );
    if (same !== undefined) return toShown(...same);
    const id = `a-${randomBytes(ID_BYTES).toString('hex')}`;
    const row: ActRow = {
      ...{ operation: name, parameters: given.parameters, body, by: actor.name, byId, from: actor.from },
      ...(actor.account === undefined ? {} : { byAccount: actor.account }),
      ...{ roles: [...actor.roles], reason: reasonOf(body), confirmRoles: [...confirmRoles] },
      ...{ askedMs: clock(), endsMs: clock() + LIFETIME_MS, state: 'waiting' },
    };
    store.acts.add(id, row);
    note('act-asked', actor.name, row.reason, { act: id, operation: name, ...detailOf(row, actor) });
    return toShown(id, row);
  }

  /** The acts as one person sees and ends them. */
  controlFor({ id: byId }: Acting, controls: () => Controls): ActControl {
    return {
      list: () => this.list(),
      confirm: async (id, actor, reason) => {
        await this.#requireWord(id);
        const row = this.#waiting(id);
        this.#requireOther(row, byId, actor);
        if (!row.confirmRoles.some((role) => actor.roles.includes(role))) {
          throw new AppError(
            'ERR_ROOM_ROLE',
            `confirming ${id}: this is for one of ${row.confirmRoles.join(', ')}`,
          );
        }
        const operation = operationOf(row.operation);
        const control = controls()[operation.subject as keyof Controls];
        if (control === undefined)
          throw new AppError('ERR_ROOM_ACT', `confirming ${id}: it cannot be done any more`);
        const { account, roles } = this.#askerOf(id, row);
        const asker: Actor = {
          ...{ name: row.by, account, roles, from: row.from, via: 'room' },
          confirmedBy: actor.name,
        };
        // Nobody else can confirm or withdraw it while it is done.
        this.#end(id, 'confirmed', actor.name);
        const reply = await perform({ operation, control, actor: asker }, row.parameters, {
          query: '',
          readBody: () => Promise.resolve(JSON.stringify(row.body)),
        }).catch((defect: unknown) => {
          // Whether it was done is not known: nobody shall read that it was.
          this.#end(id, 'failed', actor.name);
          throw defect;
        });
        if (reply.status !== OK) this.#end(id, 'failed', actor.name);
        const ended = this.#parts.store.acts.get(id) ?? row;
        this.#parts.note('act-confirmed', actor.name, reason, {
          ...{
            act: id,
            operation: row.operation,
            askedBy: row.by,
            askedByAccount: row.byAccount ?? null,
            status: reply.status,
          },
          ...detailOf(row, actor),
        });
        const value = JSON.parse(String(reply.body)) as unknown;
        this.#results.set(id, { byId: row.byId, value });
        const problem = reply.status === OK ? null : String((value as { detail?: unknown }).detail ?? '');
        return { act: toShown(id, ended), status: reply.status, problem };
      },
      takeResult: (id) => {
        const found = this.#results.get(id);
        if (found?.byId !== byId)
          throw new AppError('ERR_ROOM_UNKNOWN', `looking for what came of ${id}: nothing waits for you`);
        this.#results.delete(id);
        return found.value;
      },
      withdraw: (id, actor, reason) => {
        const row = this.#waiting(id);
        const mayTurnAway = row.confirmRoles.some((role) => actor.roles.includes(role));
        if (row.byId !== byId && !mayTurnAway)
          throw new AppError('ERR_ROOM_ROLE', `withdrawing ${id}: it is somebody else's`);
        this.#end(id, 'withdrawn', actor.name);
        this.#parts.note('act-withdrawn', actor.name, reason, {
          ...{ act: id, operation: row.operation, askedBy: row.by, askedByAccount: row.byAccount ?? null },
          ...detailOf(row, actor),
        });
        return toShown(id, this.#parts.store.acts.get(id) ?? row);
      },
    };
  }

  #waiting(id: string): ActRow {
    this.list();
    const row = this.#parts.store.acts.get(id);
    if (row === undefined) throw new AppError('ERR_ROOM_UNKNOWN', `looking for ${id}: there is none`);
    if (row.state === 'waiting') return row;
    throw new AppError('ERR_ROOM_ACT', `ending ${id}: it is ${row.state} already`);
  }

  #requireOther(row: ActRow, byId: string, actor: Actor): void {
    const asked = { name: row.by, account: this.#parts.people.find(row.byId)?.account };
    if (row.byId !== byId && compareIdentities(asked, actor, this.#parts.persons) === 'two') return;
    throw new AppError('ERR_ROOM_ROLE', 'confirming: it takes another person than the one who asked');
  }

  /** Who asked, with the roles of now: an act whose asker may not ask for it any more does not wait (grounds.ts). */
  #askerOf(id: string, row: ActRow): KnownPerson {
    const asker = this.#parts.people.find(row.byId);
    if (asker !== undefined) return asker;
    throw new AppError('ERR_ROOM_ACT', `confirming ${id}: ${row.by} may not ask for it any more`);
  }

  /** The identity provider may say something else of who asked than it did then. */
  async #requireWord(id: string): Promise<void> {
    const { people, store, vouching, grounds } = this.#parts;
    const byId = store.acts.get(id)?.byId ?? '';
    await vouching.freshen(people.find(byId));
    const asker = people.find(byId);
    if (asker === undefined || asker.roles.length === 0 || grounds.isVouched(asker)) return;
    throw new AppError(
      'ERR_ROOM_ACT',
      `confirming ${id}: the identity provider has not said lately what ${asker.name} may do`,
      { hint: 'Let who asked sign in once more; the act waits.' },
    );
  }

  #end(id: string, state: ActRow['state'], confirmedBy: string): void {
    this.#parts.store.acts.patch(id, { state, confirmedBy, endedMs: this.#parts.clock() });
  }
}

const operationOf = (name: string): Operation => {
  const found = ALL_OPERATIONS.find(([known]) => known === name)?.[1];
  if (found === undefined)
    throw new AppError('ERR_ROOM_ACT', `confirming: ${name} is no operation of this version`);
  return found;
};

const detailOf = (row: ActRow, actor: Actor): object => ({
  parameters: row.parameters,
  account: actor.account ?? null,
  roles: actor.roles,
  from: actor.from,
});

const reasonOf = (body: unknown): string => {
  const { reason } = (body ?? {}) as { readonly reason?: unknown };
  return typeof reason === 'string' ? reason : '';
};

const toShown = (id: string, row: ActRow): ActShown => ({
  ...{ id, operation: row.operation, summary: operationSummary(row), reason: row.reason },
  ...{ by: row.by, byAccount: row.byAccount ?? null },
  askedAt: new Date(row.askedMs).toISOString(),
  expiresAt: new Date(row.endsMs).toISOString(),
  ...{ confirmRoles: row.confirmRoles, parameters: row.parameters, body: row.body },
  state: row.hasLapsed === true ? 'lapsed' : row.state,
  confirmedBy: row.confirmedBy ?? null,
  endedAt: row.endedMs === undefined ? null : new Date(row.endedMs).toISOString(),
});

const operationSummary = ({ operation, parameters }: ActRow): string => {
  const summary = ALL_OPERATIONS.find(([name]) => name === operation)?.[1].summary ?? operation;
  const values = Object.values(parameters).map(String).join(', ');
  return values === '' ? summary : `${summary}: ${values}`;
};
