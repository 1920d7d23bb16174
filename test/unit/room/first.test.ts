// The page as it arrives: with numbers for who is signed in, and nothing of a name becomes markup.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPages } from '../../../pages/build.ts';
import type { StateShown } from '../../../src/people/admin/admin.ts';
import { RoomClient } from '../../support/room-client.ts';
import { openTestRoom, type TestRoom } from './setup.ts';

const HOSTILE = '</script><img src=x onerror=alert(1)>$&';
const NOW = '2026-11-26T12:00:00.000Z';

const STATE: StateShown = {
  ...{ time: NOW, agency: 'Example Agency', version: '0.1.0', generation: 7, mandates: [] },
  resolver: { name: 'ns1', addresses: ['192.0.2.53:53'] },
  headline: {
    ...{ state: 'leaking', cause: null, text: 'Not in force', detail: '', todo: null, sinceTime: NOW },
    ...{ networks: 3, networksInForce: 3, networksProven: 2, groups: [HOSTILE], unasked: [], lists: [] },
    ...{ groupCount: 1, unaskedCount: 0 },
    ...{
      isProofCurrent: true,
      oldestProofTime: null,
      leakedNames: 2,
      examples: [HOSTILE],
      pause: null,
      sweep: null,
    },
  },
  strip: { from: '2026-11-25T12:00:00.000Z', to: NOW, spans: [] },
  ...{ networks: [], todo: [], exemptions: [], lists: [], changes: [] },
  counts: { networks: 3, networksWithClients: 2, exemptions: 0, todo: [] },
  today: {
    ...{ since: NOW, refusedMandate: 1234, refusedOther: 5, clients: 42, exemptionHits: 0, bypassSignals: 0 },
    ...{ byList: [], signs: [], unwatched: [] },
  },
  service: {
    ...{ queriesPerSec: null, servfailShare: null, p95Ms: null, upstreams: { up: 1, total: 1 } },
    records: { enabled: true, lastCommitTime: NOW, verified: true, verifiedTime: NOW, dropped: 0 },
  },
};

let folder: string;
let setup: TestRoom;
let client: RoomClient;
let reads = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cordon-first-'));
  await buildPages(join(folder, 'pages'));
  setup = await openTestRoom({
    pagesDirectory: join(folder, 'pages'),
    live: {
      state: () => {
        reads++;
        return Promise.resolve({ text: JSON.stringify(STATE), signature: '' });
      },
      versions: () => new Map(),
    },
  });
  client = await setup.signIn('viewer');
});

afterAll(async () => {
  await setup.close();
  rmSync(folder, { recursive: true });
});

const load = (path: string, headers: Record<string, string> = {}) =>
  client.send('GET', path, undefined, headers);

test('who is signed in gets the headline and the numbers, and nobody keeps them', async () => {
  const { text, headers } = await load('/');
  expect(text).toMatch(/<h1 id="headline">Not in force on 1 of 3 networks: 2 names resolve<\/h1>/);
  expect(text).toContain('1,234');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('etag')).toBeNull();
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('names are text: no markup comes of them, in HTML and in the block of data', async () => {
  const { text } = await load('/');
  expect(text).not.toContain('<img');
  expect(text.match(/<script/g)).toHaveLength(2);
  expect(text).toContain('&lt;/script>');
  const [, data = ''] = /<script type="application\/json" id="first">(.*?)<\/script>/s.exec(text) ?? [];
  const first = JSON.parse(data) as { state: StateShown; session: { csrf: string; signedIn: boolean } };
  expect(first.state).toEqual(STATE);
  expect(first.session).toMatchObject({ signedIn: true, csrf: client.csrf });
  // Nothing inline that the policy would have to allow.
  expect(text).not.toMatch(/<[^>]*\s(?:style|on\w+)=/);
});

test.each([
  ['de-AT,en;q=0.5', '', 'de', 'Nicht in Kraft in 1 von 3 Netzen'],
  ['en;q=0.5,fr;q=0.9', '', 'fr', 'Pas en vigueur sur 1 réseau'],
  ['zh,xx', '', 'en', 'Not in force on 1 of 3'],
  ['de', 'cordon-language=nl', 'nl', 'Niet van kracht op 1 van 3'],
  ['de', 'cordon-language=<b>', 'de', 'Nicht in Kraft'],
])('in the language of %j and %j: %s', async (accepted, cookie, language, says) => {
  const cookies = [client.cookieText, cookie].filter((one) => one !== '').join('; ');
  const { text } = await load('/', { 'accept-language': accepted, cookie: cookies });
  expect(text).toContain(`<html lang="${language}">`);
  expect(text).toContain(says);
});

test('the theme that was chosen here is there from the start, and no other text', async () => {
  const withTheme = async (theme: string): Promise<string> =>
    (await load('/', { cookie: `${client.cookieText}; cordon-theme=${theme}` })).text;
  expect(await withTheme('dark')).toContain('<html lang="en" data-theme="dark">');
  expect(await withTheme('"onload="x')).toContain('<html lang="en">');
});

test('on every other page the state is there, and its own part comes later', async () => {
  const { text } = await load('/lists');
  expect(text).toContain('Not in force on 1 of 3 networks');
  expect(text).not.toContain('id="headline"');
});

test('nobody else gets anything of it', async () => {
  const stranger = new RoomClient(setup.room.origin);
  const { text, headers } = await stranger.get('/');
  expect(text).not.toContain('Not in force');
  expect(text).toContain('<!--first-->');
  expect(headers.get('etag')).not.toBeNull();
});

test('pages that are opened together cost one reading', async () => {
  reads = 0;
  await Promise.all(Array.from({ length: 20 }, () => load('/')));
  expect(reads).toBeLessThanOrEqual(2);
});
