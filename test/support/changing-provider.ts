// An identity provider whose people a test renames, moves to other groups and locks out while the control room has them
// signed in: oidc-provider on loopback, with the pages that it has for development.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import type { ProviderSettings } from '../../src/people/room/room.ts';
import { RoomClient, type RoomReply } from './room-client.ts';

const SECRET = 'a secret of the client';

/** What the provider says of somebody. */
export interface ProvidedPerson {
  name: string;
  groups: string[];
}

/** A provider that runs. */
export interface ChangingProvider {
  readonly issuer: string;
  /** By login, which is the subject. Without one, the account is locked: no token of it is honored. */
  readonly people: Map<string, ProvidedPerson>;
  /** Requests that it got at its paths. */
  readonly asked: string[];
  /** Settings of a control room that signs people in by it. */
  settings(roles: ProviderSettings['roles']): ProviderSettings;
  /** Answers for the control room of this origin from now on. */
  serve(origin: string): void;
  /** While true, it answers nothing. */
  isDown: boolean;
  /** While true, access tokens are over. */
  hasOldTokens: boolean;
  /** Signs somebody in by its pages; gives what the control room answers at the end. */
  signIn(client: RoomClient, login: string, path?: string): Promise<RoomReply>;
  /** The path that leads back from the provider, not gone yet. */
  walk(url: string, login: string, origin: string): Promise<string>;
  close(): Promise<void>;
}

/** Follows the provider's own pages as a browser would; gives what leads back, without the origin. */
export const walkProvider = async (
  issuer: string,
  url: string,
  login: string,
  origin: string,
): Promise<string> => {
  const browser = new RoomClient(issuer);
  let next = url;
  for (let step = 0; step < 12; step++) {
    if (next.startsWith(origin)) return next.slice(origin.length);
    const path = next.startsWith('/') ? next : next.slice(issuer.length);
    const page = await browser.get(path);
    const location = page.headers.get('location');
    if (location !== null) {
      next = location;
      continue;
    }
    const [, action = ''] = /action="([^"]+)"/.exec(page.text) ?? [];
    const [, prompt = ''] = /name="prompt" value="([^"]+)"/.exec(page.text) ?? [];
    const form = new URLSearchParams({ prompt, login, password: 'x' }).toString();
    const sent = await browser.send('POST', action.replace(issuer, ''), form, {
      'content-type': 'application/x-www-form-urlencoded',
    });
    next = sent.headers.get('location') ?? '';
  }
  throw new Error(`the provider leads nowhere: ${next}`);
};

/** Starts one on a free port; `hasRefresh`: it gives refresh tokens. */
export const openChangingProvider = async (hasRefresh = false): Promise<ChangingProvider> => {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const people = new Map<string, ProvidedPerson>();
  const asked: string[] = [];
  const walk = (url: string, login: string, origin: string): Promise<string> =>
    walkProvider(issuer, url, login, origin);
  const started: ChangingProvider = {
    ...{ issuer, people, asked, walk, isDown: false, hasOldTokens: false },
    settings: (roles) => ({
      ...{ issuer, clientId: 'cordon', clientSecret: SECRET, label: 'Agency', scopes: 'openid profile' },
      ...{ nameClaim: 'preferred_username', groupsClaim: 'groups', roles },
    }),
    serve: (origin) => {
      const provider = new Provider(issuer, {
        clients: [
          {
            client_id: 'cordon',
            client_secret: SECRET,
            redirect_uris: [`${origin}/oidc/callback`],
            response_types: ['code'],
            grant_types: hasRefresh ? ['authorization_code', 'refresh_token'] : ['authorization_code'],
          },
        ],
        pkce: { required: () => true },
        claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
        conformIdTokenClaims: false,
        issueRefreshToken: () => Promise.resolve(hasRefresh),
        findAccount: (_context: unknown, id: string) => {
          const person = people.get(id);
          if (person === undefined) return undefined;
          const claims = () => ({ sub: id, preferred_username: person.name, groups: person.groups });
          return { accountId: id, claims };
        },
      });
      const answer = provider.callback();
      server.removeAllListeners('request');
      server.on('request', (request, response) => {
        asked.push(request.url?.split('?', 1)[0] ?? '');
        if (started.isDown) response.destroy();
        else if (started.hasOldTokens && request.url === '/me')
          response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
        else void answer(request, response);
      });
    },
    signIn: async (client, login, path = '/oidc/start?to=/lists') => {
      const { headers } = await client.get(path);
      return client.get(await walk(headers.get('location') ?? '', login, client.origin));
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return started;
};
