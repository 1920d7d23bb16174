// People, tokens and sessions as operations show and change them.
import { randomBytes } from 'node:crypto';
import { AppError, DAY_MS, type Identity } from '../../base/base.ts';
import type {
  Actor,
  LinkShown,
  OpenSession,
  PeopleControl,
  PersonShown,
  Role,
  TokenShown,
} from '../admin/admin.ts';
import type { RoomParts } from './parts.ts';
import { type EnrolmentLink, type KnownPerson, requireRoles } from './people.ts';
import type { TokenRow } from './rows.ts';
import { createSecret, hashOf } from './store.ts';

/** Machines that ask: scripts, a ticket system, a SIEM. */
const TOKENS_MAX = 200;
const ID_BYTES = 6;
/** Tells a token from other secrets: scanners of repositories find it by this. */
const TOKEN_PREFIX = 'cordon_';

/** People of one room. */
export const createPeopleControl = (parts: RoomParts): PeopleControl => {
  const { people, store, sessions, clock } = parts;
  const shown = (person: KnownPerson): PersonShown => ({
    id: person.id,
    name: person.name,
    account: person.account,
    roles: person.roles,
    kind: person.kind,
    hasPassword: person.password !== undefined,
    hasPasskey: parts.passkeys.has(person.id),
    isInvited: store.enrolments.all().some(([, row]) => row.person === person.id && row.endsMs > clock()),
    createdAt: timeOf(person.createdMs),
    lastSignInAt: person.signedInMs === undefined ? null : timeOf(person.signedInMs),
  });
  const toLink = ({ token, endsMs }: EnrolmentLink): LinkShown => ({
    url: `${parts.origin()}/setup#${token}`,
    expiresAt: timeOf(endsMs),
  });
  const requireLocal = (id: string): KnownPerson => {
    const person = people.find(id);
    if (person === undefined) throw unknown('person', id);
    if (person.kind === 'local') return person;
    throw new AppError(
      'ERR_ROOM_PEOPLE',
      `changing people: ${person.name} comes from the identity provider`,
      {
        hint: 'Change the groups there, or control-room.oidc.roles.',
      },
    );
  };
  return {
    list: () => people.all().map(shown),
    add: (name, roles) => {
      const person = people.add(name, roles);
      return { person: shown(person), link: toLink(people.createLink(person.id)) };
    },
    setRoles: (id, roles) => {
      const changed = shown(people.change(requireLocal(id).id, { roles: [...roles] }));
      parts.grounds.judge();
      return changed;
    },
    remove: (id) => {
      const person = people.find(id);
      const before = person && shown(person);
      people.remove(id);
      parts.grounds.judge();
      if (before === undefined) throw unknown('person', id);
      return before;
    },
    enrol: (id) => {
      requireLocal(id);
      people.withdrawKeys(id);
      return toLink(people.createLink(id));
    },
    createSetupLink: ({ name, account }) => {
      const link = people.createLink(undefined, account ?? name);
      parts.log.warn({ by: name, until: timeOf(link.endsMs) }, 'a link that makes an administrator was made');
      parts.note('setup-link', name, '', { account: account ?? null, until: timeOf(link.endsMs) });
      return toLink(link);
    },
    tokens: () => liveTokens(parts).map(([, row]) => tokenShown(parts, row)),
    addToken: (name: string, roles: readonly Role[], days: number, by: Identity) => {
      requireRoles(roles);
      if (liveTokens(parts).length >= TOKENS_MAX)
        throw new AppError('ERR_ROOM_PEOPLE', `making a token: ${TOKENS_MAX} are there already`);
      const secret = `${TOKEN_PREFIX}${createSecret()}`;
      const row: TokenRow = {
        ...{ id: `t-${randomBytes(ID_BYTES).toString('hex')}`, name, roles: [...roles], by: by.name },
        ...(by.account === undefined ? {} : { holder: by.account }),
        ...{ createdMs: clock(), endsMs: clock() + days * DAY_MS },
      };
      store.tokens.add(hashOf(secret), row);
      return { secret, token: tokenShown(parts, row) };
    },
    revokeToken: (id) => {
      const found = liveTokens(parts).find(([, row]) => row.id === id);
      if (found === undefined) throw unknown('token', id);
      store.tokens.remove(found[0]);
      return tokenShown(parts, found[1]);
    },
    sessions: (actor: Actor): OpenSession[] =>
      sessions.all().map(([, { id, person, by, from, startedMs, seenMs }]) => {
        const { name = '', account } = people.find(person) ?? {};
        return {
          ...{ id, name, method: by, from, startedAt: timeOf(startedMs), seenAt: timeOf(seenMs) },
          isOwn: account !== undefined && account === actor.account,
        };
      }),
    endSession: (id) => {
      sessions.endById(id);
      return { id };
    },
  };
};

/** Tokens that have not ended. */
const liveTokens = ({ store, clock, grounds }: RoomParts): (readonly [key: string, row: TokenRow])[] =>
  store.tokens.all().filter(([key, row]) => row.endsMs > clock() && grounds.holdsToken(key, row));

const tokenShown = ({ grounds }: RoomParts, row: TokenRow): TokenShown => {
  const { id, name, roles, by, createdMs, endsMs, usedMs } = row;
  return {
    ...{ id, name, roles, by, createdAt: timeOf(createdMs), endsAt: timeOf(endsMs) },
    lastUsedAt: usedMs === undefined ? null : timeOf(usedMs),
    isResting: grounds.isResting(row),
  };
};

const unknown = (what: string, id: string): AppError =>
  new AppError('ERR_ROOM_UNKNOWN', `looking for ${what} ${id.slice(0, 40)}: there is none`);

const timeOf = (ms: number): string => new Date(ms).toISOString();
