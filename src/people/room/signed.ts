// Who a request is of: somebody with a session, or a machine with a token, never both.
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../admin/admin.ts';
import type { Acting } from './acts.ts';
import { accountOfToken } from './grounds.ts';
import type { RoomParts } from './parts.ts';
import type { KnownPerson } from './people.ts';
import { hashOf } from './store.ts';
import type { Visit } from './visit.ts';

/** Who acts, with how fresh the proof of it is; undefined: nobody is signed in. */
interface Signed extends Acting {
  readonly isProven: boolean;
}

/** Who a request is of; a header counts in place of the cookie. */
export const signedOf = (parts: RoomParts, request: FastifyRequest, visit: Visit): Signed | undefined => {
  if (isByHeader(request)) {
    const { key, token } = tokenOf(parts, request);
    const nowMs = parts.clock();
    if (
      token === undefined ||
      !parts.grounds.holdsToken(key, token) ||
      !parts.grounds.mayUseToken(key, token)
    )
      return undefined;
    if (nowMs - (token.usedMs ?? 0) > USED_EVERY_MS) parts.store.tokens.patch(key, { usedMs: nowMs });
    const actor: Actor = {
      name: `token ${token.name}`,
      account: accountOfToken(parts.people, token),
      roles: token.roles,
      from: visit.address,
      via: 'room',
    };
    // Nobody is there who could prove anything: what needs that is not for machines.
    return { actor, id: token.id, isProven: false };
  }
  const session = parts.sessions.find(visit.token);
  if (session === undefined) return undefined;
  const { person, provenUntilMs } = session;
  const { name, account, roles } = person;
  const actor: Actor = { name, account, roles, from: visit.address, via: 'room' };
  return { actor, id: person.id, isProven: provenUntilMs !== undefined };
};

/** Of whom the identity provider's word is needed for a request: of the account of its session or of the holder of its token. */
export const accountableFor = (
  parts: RoomParts,
  request: FastifyRequest,
  visit: Visit,
): KnownPerson | undefined => {
  if (!isByHeader(request)) return parts.sessions.find(visit.token, true)?.person;
  const { token } = tokenOf(parts, request);
  return token && parts.grounds.holderOf(token);
};

/** Undefined: nobody made it, or its time is over. */
const tokenOf = ({ store, clock }: RoomParts, { headers }: FastifyRequest) => {
  const [, secret = ''] = /^Bearer (cordon_[\w-]{43})$/.exec(headers.authorization ?? '') ?? [];
  const key = hashOf(secret);
  const token = store.tokens.get(key);
  return { key, token: token !== undefined && token.endsMs > clock() ? token : undefined };
};

/**
 * True for a request that says by a header who it is. Its cookie is not looked at then, whatever the header holds: what needs
 * no text against forged requests has to have nothing that a browser sends by itself. A proxy's own `Basic` is for the proxy,
 * and the request is one of the cookie, with that text.
 */
export const isByHeader = ({ headers }: FastifyRequest): boolean =>
  /^bearer(?:\s|$)/i.test(headers.authorization ?? '');

/** A use of a token is written down no more often. */
const USED_EVERY_MS = 60_000;
