// One browser and one program for all walks through the pages: networks on loopback addresses, a list from a server, an
// identity provider, and people of each role.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { buildPages } from '../../pages/build.ts';
import { openBrowser } from './browser.ts';
import { type IdentityProvider, startIdentityProvider } from './identity-provider.ts';
import { content, ListServer } from './list-server.ts';
import { type Cordon, startCordon } from './process.ts';
import { RoomClient } from './room-client.ts';
import { answer, ScriptedUpstream } from './scripted-upstream.ts';

export const PASSWORD = 'four words without any sense';
export const AGENCY = 'Example Federal Agency';
/** A list that shrinks by more than a fifth is held. */
export const rulesOf = (count: number): string =>
  Array.from({ length: count }, (_, index) => `name-${String(index).padStart(3, '0')}.example\n`).join('');

/** Ports that nobody has: the room's address has to be known to the identity provider before it is open. */
const findPorts = async (count: number): Promise<number[]> => {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};

/** Somebody with an account of a role. */
export interface Member {
  readonly name: string;
  readonly client: RoomClient;
  readonly secret: string;
}

export class RoomScene {
  readonly cordon: Cordon;
  readonly origin: string;
  readonly browser: Browser;
  readonly lists: ListServer;
  readonly setUpLink: string;
  readonly #upstream: ScriptedUpstream;
  readonly #provider: IdentityProvider;
  readonly #folder: string;

  private constructor(parts: {
    cordon: Cordon;
    origin: string;
    browser: Browser;
    lists: ListServer;
    setUpLink: string;
    upstream: ScriptedUpstream;
    provider: IdentityProvider;
    folder: string;
  }) {
    this.cordon = parts.cordon;
    this.origin = parts.origin;
    this.browser = parts.browser;
    this.lists = parts.lists;
    this.setUpLink = parts.setUpLink;
    this.#upstream = parts.upstream;
    this.#provider = parts.provider;
    this.#folder = parts.folder;
  }

  static async open(): Promise<RoomScene> {
    const folder = mkdtempSync(join(tmpdir(), 'cordon-room-'));
    const [roomPort = 0, providerPort = 0] = await findPorts(2);
    const origin = `http://localhost:${roomPort}`;
    const [upstream, lists, provider, browser] = await Promise.all([
      ScriptedUpstream.open((query) =>
        answer(query, [
          query.name.startsWith('alias.')
            ? `${query.name} 60 IN CNAME www.tiktok.com.`
            : `${query.name} 60 IN A 203.0.113.1`,
        ]),
      ),
      ListServer.open(),
      startIdentityProvider(providerPort, `${origin}/oidc/callback`, {
        'otto.operator': ['dns-operators'],
        'hanna.desk': ['service-desk'],
        'udo.auditor': ['audit'],
        'vera.viewer': ['staff'],
      }),
      // The name of the check leads to the notice, as it does for whoever asks Cordon; and to nobody for whoever does not.
      openBrowser('--host-resolver-rules=MAP *.check.agency.example 127.0.0.1'),
      buildPages(join(folder, 'pages')),
    ]);
    lists.set('/feed.txt', content(rulesOf(100)));
    const cordon = await startCordon({
      config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ./state
agency: ${AGENCY}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: tiktok, shipped: tiktok, mandate: true }
  - id: feed
    url: "http://127.0.0.1:${lists.port}/feed.txt"
    format: domains
    mandate: true
    refresh: 1h
groups:
  - { name: default, lists: [tiktok, feed] }
  - { name: headquarters, clients: ["127.0.1.0/28"], lists: [tiktok, feed] }
  - { name: lab, clients: ["127.0.2.0/29"], lists: [tiktok, feed] }
probe: { interval: 1m }
query-log: { search: true, outputs: [{ to: "file:queries.jsonl" }] }
notice: { listen: ["127.0.0.1:0"], contact: ["mailto:desk@agency.example"], check: check.agency.example }
compliance: { profile: us-federal }
control-room:
  listen: "127.0.0.1:${roomPort}"
  url: ${origin}
  pages: ${join(folder, 'pages')}
  oidc:
    issuer: http://localhost:${providerPort}
    client-id: cordon
    label: Example Agency Login
    roles:
      - { group: dns-operators, role: operator }
      - { group: service-desk, role: help-desk }
      - { group: audit, role: auditor }
      - { group: staff, role: viewer }
`,
    });
    const first = await cordon.waitForLog(({ msg }) => msg.startsWith('nobody is administrator'));
    return new RoomScene({
      ...{ cordon, origin, browser, lists, upstream, provider, folder },
      setUpLink: String(first['url']),
    });
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.cordon.stop();
    await Promise.all([this.lists.close(), this.#upstream.close(), this.#provider.close()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Adds somebody through the API, as an administrator does on the pages. */
  async addMember(admin: RoomClient, name: string, roles: readonly string[]): Promise<Member> {
    const { status, text, body } = await admin.post('/api/v1/people', { name, roles, reason: 'set-up' });
    if (status !== 200) throw new Error(`adding ${name}: ${text}`);
    const client = await new RoomClient(this.origin).open();
    const secret = await client.enrol((body['link'] as { url: string }).url, name, PASSWORD);
    return { name, client, secret };
  }

  /** Signs somebody in with the agency's account, as a person does. */
  async signInByAgency(page: Page, login: string): Promise<void> {
    await page.goto(this.origin);
    await page.getByRole('link', { name: 'Sign in with the agency account' }).click();
    await page.locator('input[name=login]').fill(login);
    await page.locator('input[name=password]').fill('any');
    await page.locator('button[type=submit]').click();
    // What the agency tells Cordon is consented to.
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('banner').waitFor();
  }

  /** The session of a window as a client of the API, which outlives the window. */
  async clientOf(page: Page): Promise<RoomClient> {
    const client = new RoomClient(this.origin);
    for (const { name, value } of await page.context().cookies(this.origin)) client.cookies.set(name, value);
    return await client.open();
  }

  /** A window of its own in which somebody is signed in already. */
  async windowOf(client: RoomClient, options: WindowOptions = {}): Promise<Page> {
    const context = await this.context(options);
    await context.addCookies(
      [...client.cookies].map(([name, value]) => ({ name, value, url: this.origin, httpOnly: true })),
    );
    return await context.newPage();
  }

  async context({
    width = 1280,
    height = 900,
    scheme = 'light',
    locale = 'en',
  }: WindowOptions = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      locale,
      acceptDownloads: true,
    });
    context.setDefaultTimeout(20_000);
    return context;
  }
}

export interface WindowOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly locale?: string;
}
