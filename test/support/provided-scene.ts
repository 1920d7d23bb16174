// Somebody of an identity provider in a room whose orders are explored: rows, what the provider says, and what can be done.
import { AppError, DAY_MS } from '../../src/base/base.ts';
import type { Provided, ProviderSettings } from '../../src/people/room/provider.ts';
import { hashOf, type RoomStore } from '../../src/people/room/store.ts';

const MINUTE_MS = 60_000;
const PROVIDED = 'p-000000000010';
const ISSUER = 'https://id.agency.example';
const SUBJECT = `${ISSUER} somebody`;
const PROVIDER: ProviderSettings = {
  ...{ issuer: ISSUER, clientId: 'cordon', clientSecret: undefined, label: 'Agency', scopes: 'openid' },
  ...{ nameClaim: 'name', groupsClaim: 'groups' },
  roles: [
    { group: 'operators', role: 'operator' },
    { group: 'approvers', role: 'approver' },
  ],
};
/** What the provider says at the end of each flow, by the letter of its cookie. */
const TOLD: Readonly<Record<string, Partial<Provided> & Pick<Provided, 'name' | 'groups'>>> = {
  a: { name: 'G. Overned', groups: ['operators'] },
  b: { name: 'O. Ther Name', groups: ['operators'] },
  c: { name: 'G. Overned', groups: [] },
  d: { name: 'G. Overned', groups: ['operators'], session: hashOf('G'.repeat(43)) },
  e: { name: 'G. Overned', groups: ['approvers'] },
};

/** Somebody of the provider, with a session, an act that asks for another person, and one against the account. */
export const addProvided = (store: RoomStore, nowMs: number): void => {
  const told = { issuer: ISSUER, groups: ['operators'], atMs: nowMs };
  store.people.add(PROVIDED, {
    ...{ name: 'G. Overned', roles: ['operator'], kind: 'oidc', subject: SUBJECT, told },
    createdMs: nowMs - 400 * DAY_MS,
  });
  store.sessions.add(hashOf('G'.repeat(43)), {
    ...{ id: 's-000000000047', person: PROVIDED, by: 'oidc', from: '192.0.2.1' },
    ...{ startedMs: nowMs - 10 * MINUTE_MS, provenMs: nowMs - 9 * MINUTE_MS, seenMs: nowMs },
  });
  const act = {
    ...{
      from: '192.0.2.1',
      reason: 'x',
      askedMs: nowMs,
      endsMs: nowMs + DAY_MS,
      state: 'waiting' as const,
    },
  };
  store.acts.add('a-000000000006', {
    ...{ ...act, operation: 'pause', parameters: {}, body: { ms: 10 * MINUTE_MS, reason: 'x' } },
    ...{ by: 'G. Overned', byId: PROVIDED, byAccount: `oidc:${SUBJECT}`, roles: ['operator'] },
    confirmRoles: ['operator', 'approver'],
  });
  store.acts.add('a-000000000007', {
    ...{ ...act, operation: 'removePerson', parameters: { person: PROVIDED }, body: { reason: 'left' } },
    ...{ by: 'A. Dmin', byId: 'p-00000000000a', byAccount: 'local:p-00000000000a', roles: ['administrator'] },
    confirmRoles: ['administrator'],
  });
};

/** Gives what each flow is told, once. */
export class ScriptedProvider {
  readonly settings = PROVIDER;
  readonly #ended = new Set<string>();

  async end(flow = ''): Promise<Provided> {
    const told = this.#ended.has(flow) ? undefined : TOLD[flow[0] ?? ''];
    this.#ended.add(flow);
    await Promise.resolve();
    if (told === undefined) throw new AppError('ERR_ROOM_PROVIDER', 'signing in: no such flow');
    return { to: '/', session: undefined, ...told, subject: SUBJECT };
  }

  ask(): Promise<'silent'> {
    return Promise.resolve('silent');
  }
}

/** What one request sends; `flow` is the letter of the flow with which a browser comes back, `as` that of the session. */
interface ProvidedSent {
  readonly flow?: string;
  readonly as: string;
  readonly path: string;
  readonly body: object;
}

const comeBack =
  (flow: string, as = 'X') =>
  (): ProvidedSent => ({ flow, as, path: '', body: {} });
/** With an identity provider. */
export const PROVIDED_OPERATIONS: Readonly<Record<string, () => ProvidedSent>> = {
  comeBack: comeBack('a'),
  comeBackRenamed: comeBack('b', 'Y'),
  comeBackWithoutGroups: comeBack('c', 'Z'),
  comeBackAsApprover: comeBack('e', 'W'),
  proveThere: comeBack('d', 'G'),
  signOutProvided: () => ({ as: 'G', path: '/session/end', body: {} }),
  confirmPause: () => ({ as: 'O', path: '/v1/acts/a-000000000006/confirm', body: { reason: 'x' } }),
  withdrawPause: () => ({ as: 'G', path: '/v1/acts/a-000000000006/withdraw', body: { reason: 'x' } }),
  removeProvided: () => ({ as: 'B', path: '/v1/acts/a-000000000007/confirm', body: { reason: 'x' } }),
  resumeProvided: () => ({ as: 'G', path: '/v1/resume', body: { reason: 'x' } }),
};
