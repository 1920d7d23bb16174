// One look at a fleet: the page "Resolvers" of a real authority with a real engine and two nodes, one probe asked of all, and the
// same page with forty resolvers, for pictures and for everybody who cannot see them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { z } from 'zod';
import { buildPages } from '../../pages/build.ts';
import { RecordsReader } from '../../src/evidence/records/records.ts';
import { joinFleet } from '../../src/fleet/fleet.ts';
import type { OPERATIONS } from '../../src/people/admin/admin.ts';
import { openBrowser } from '../support/browser.ts';
import { runCommandHere } from '../support/command.ts';
import { TestFleet } from '../support/fleet.ts';
import { fleetOfForty, probesOfForty } from '../support/fleet-state.ts';
import { inTwo } from '../support/night.ts';
import { takePicture } from '../support/pictures.ts';
import { freePort } from '../support/ports.ts';
import { isInstalled, needing } from '../support/process.ts';
import { RoomClient } from '../support/room-client.ts';
import { PASSWORD } from '../support/room-scene.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

type Fleet = z.output<(typeof OPERATIONS)['readFleet']['result']>;
type Matrix = z.output<(typeof OPERATIONS)['readFleetProbe']['result']>;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WAIT = { timeout: 90_000, interval: 100 };

const PROGRAMS = ['chromium', 'nats-server'];
const WALK = needing(...PROGRAMS);
const hasAll = PROGRAMS.every(isInstalled);

/** Of all mandate lists one: ns3 has the others as well, and no group that chooses them. */
const lists = 'lists: [{ id: tiktok, shipped: tiktok, mandate: true }]';
/** So often an authority gives a sign of life, in the test in which it does not. */
const OFTEN = '  tide-every: 1s';

const folder = mkdtempSync(join(tmpdir(), 'cordon-fleet-page-'));
let upstream: ScriptedUpstream;
let fleet: TestFleet<Cordon>;
let browser: Browser;
let origin: string;
let operator: RoomClient;
let auditor: RoomClient;

beforeAll(async () => {
  if (!hasAll) return;
  const port = await freePort();
  origin = `http://localhost:${port}`;
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 60 IN A 192.0.2.1`]));
  await buildPages(join(folder, 'pages'));
  const room = `control-room: { listen: "127.0.0.1:${port}", url: "${origin}", pages: ${join(folder, 'pages')} }`;
  fleet = await TestFleet.startWith(startCordon, upstream.endpoint.port, { more: `${room}\n${lists}` });
  await fleet.add('ns2', 'bruges', lists);
  await fleet.add('ns3', 'ghent');
  // Taken in, and never started.
  const { token } = await fleet.ask<{ token: string }>('authority', 'POST', '/v1/fleet/invite', {
    ...{ name: 'ns4', site: 'ghent' },
  });
  const stateDirectory = join(fleet.directory, 'ns4');
  await joinFleet({ servers: fleet.made.servers, caPath: undefined, token, stateDirectory });
  browser = await openBrowser();
  const cordon = fleet.members.get('authority')?.cordon;
  const first = await cordon?.waitForLog(({ msg }) => msg.startsWith('nobody is administrator'));
  const admin = await new RoomClient(origin).open();
  await admin.enrol(String(first?.['url']), 'A. Administrator', PASSWORD);
  const add = async (name: string, role: string): Promise<RoomClient> => {
    const { status, text, body } = await admin.post('/api/v1/people', {
      name,
      roles: [role],
      reason: 'set-up',
    });
    if (status !== 200) throw new Error(text);
    const client = await new RoomClient(origin).open();
    await client.enrol((body['link'] as { url: string }).url, name, PASSWORD);
    return client;
  };
  operator = await add('O. Operator', 'operator');
  auditor = await add('U. Auditor', 'auditor');
});

afterAll(async () => {
  await browser?.close();
  await fleet?.close();
  await upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Look {
  readonly width?: number;
  readonly scheme?: 'light' | 'dark';
  readonly locale?: string;
}

const windowOf = async (
  client: RoomClient,
  { width = 1280, scheme = 'light', locale = 'en' }: Look = {},
): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme, locale });
  context.setDefaultTimeout(20_000);
  await context.addCookies(
    [...client.cookies].map(([name, value]) => ({ name, value, url: origin, httpOnly: true })),
  );
  return await context.newPage();
};

const picture = (page: Page, name: string): Promise<unknown> => takePicture(page, `resolvers-${name}`);

/** What axe-core finds, one line each. */
const findBarriers = async (page: Page): Promise<string[]> => {
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate(
    'axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })',
  )) as { violations: { id: string; nodes: { html: string }[] }[] };
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
};

test('every resolver, the one that was never heard first; who may not look is told so', WALK, async () => {
  await vi.waitUntil(async () => {
    const { resolvers } = await fleet.ask<Fleet>('authority', 'GET', '/v1/fleet');
    return resolvers.every(({ name, enforcement }) => name === 'ns4' || enforcement !== null);
  }, WAIT);
  const page = await windowOf(auditor);
  await page.goto(origin);
  await page
    .getByRole('link', { name: /^Resolvers/ })
    .first()
    .click();
  await page.getByRole('heading', { level: 1, name: 'Resolvers' }).waitFor();
  const unheard = page.getByRole('region', { name: 'Not heard' });
  await unheard.getByText('ns4').waitFor();
  expect(await unheard.textContent()).toContain('was never heard');
  const rows = page.getByRole('region', { name: 'All resolvers' }).locator('tbody tr');
  expect(await rows.count()).toBe(4);
  expect(await rows.first().textContent()).toContain('ns4');
  expect(await rows.filter({ hasText: 'ns2' }).textContent()).toContain('in force');
  // What it says of itself is long, and is heard all the same.
  expect(await rows.nth(1).textContent()).toMatch(/^ ?ns3.*partly in force.*not in force/);
  await picture(page, 'real');
  expect(await findBarriers(page)).toEqual([]);
  // What needs a person stands on the overview as well.
  await page.goto(origin);
  await page.getByText('ns4 is not heard.').waitFor();
  await page.context().close();
  expect((await new RoomClient(origin).open()).csrf).not.toBe('');
  expect((await (await new RoomClient(origin).open()).get('/api/v1/fleet')).status).toBe(401);
});

test('one probe is asked of all: each runs its own, signs it and has it on its record', {
  tags: 'night',
  ...WALK,
  timeout: 240_000,
}, async () => {
  const page = await windowOf(operator);
  await page.goto(`${origin}/resolvers`);
  await page.getByRole('button', { name: 'Ask all resolvers now' }).click();
  await page.getByText('All resolvers are asked.').waitFor();
  let matrix: Matrix | undefined;
  await vi.waitUntil(
    async () => {
      matrix = await fleet.ask<Matrix>('authority', 'GET', '/v1/fleet/probe');
      const { asked, resolvers } = matrix;
      return resolvers.filter(({ probe }) => probe?.request === asked?.id).length === 3;
    },
    { timeout: 150_000, interval: 250 },
  );
  expect(matrix?.asked?.by).toBe('O. Operator');
  for (const { name, probe } of matrix?.resolvers ?? []) {
    if (name === 'ns4') expect(probe).toBeNull();
    else {
      expect([name, probe?.outcome]).toEqual([name, name === 'ns3' ? 'leaking' : 'enforced']);
      expect(probe?.asked).toBeGreaterThan(100);
    }
  }
  const table = page.getByRole('region', { name: 'One probe, asked of all' });
  await table.locator('tbody tr').filter({ hasText: 'ns2' }).getByText('refused').first().waitFor();
  expect(await table.locator('tbody tr').filter({ hasText: 'ns4' }).textContent()).toContain(
    'has not answered yet',
  );
  await picture(page, 'real-probe');
  // A second one within a minute says why not.
  await page.getByRole('button', { name: 'Ask all resolvers now' }).click();
  await page.getByRole('alert').getByText('All were probed a moment ago.').waitFor();
  await page.context().close();
  // On the record of each: asked at the authority, run by each, with the identifier of the request.
  for (const name of ['authority', 'ns2', 'ns3']) {
    await vi.waitUntil(
      async () => (await eventsOf(name)).includes(`probed ${matrix?.asked?.id ?? ''}`),
      WAIT,
    );
  }
  expect(await eventsOf('authority')).toContain(`probe-asked ${matrix?.asked?.id ?? ''}`);
});

/** Events of the fleet that a resolver recorded. */
const eventsOf = async (name: string): Promise<string[]> => {
  const reader = RecordsReader.open(join(fleet.directory, name, 'records'));
  const found: string[] = [];
  for await (const { record } of reader.records('changes', 0, Number.MAX_SAFE_INTEGER))
    if (record.kind === 'fleet') found.push(`${record.event} ${record.subject ?? ''}`);
  reader.close();
  return found;
};

/** Runs the command with the configuration of the authority. */
const command = (...args: readonly string[]) => {
  const path = fleet.write('authority.yaml', fleet.config('authority'));
  return runCommandHere([...args, '--config', path]);
};

test('the command shows the same: who is not heard, and what the probe was answered', {
  ...WALK,
  tags: 'night',
}, async () => {
  const status = await command('fleet', 'status');
  expect(status.code).toBe(1);
  expect(status.stdout).toMatch(/^RESOLVER .*GENERATION .*\nns4 .*\nns3 /m);
  expect(status.stdout).toContain('ns4: was never heard');
  const probe = await command('fleet', 'probe', '--last');
  expect(probe.stdout).toMatch(/^ns2 +bruges +\S+ +enforced +0 +0 /m);
  expect(probe.stdout).toContain('No answer from ns4');
  expect(probe.code).toBe(1);
  const again = await command('fleet', 'probe');
  expect(again.stderr).toMatch(/asked a moment ago[\s\S]*\[ERR_FLEET_PROBE\]/);
});

/** The page with forty resolvers at eight sites. */
const openForty = async (client: RoomClient, look: Look): Promise<Page> => {
  const page = await windowOf(client, look);
  const nowMs = Date.now();
  await page.route('**/api/v1/fleet', (route) => route.fulfill({ json: fleetOfForty(nowMs) }));
  await page.route('**/api/v1/fleet/probe', (route) => route.fulfill({ json: probesOfForty(nowMs) }));
  await page.goto(`${origin}/resolvers`);
  await page.locator('.wide-table tbody tr').first().waitFor();
  return page;
};

const LOOKS = [
  ['phone', 'dark', 320],
  ['desktop', 'light', 1280],
  ['desktop', 'dark', 1280],
  ['phone', 'light', 390],
] as const;
for (const [options, looks] of inTwo(LOOKS, (_, index) => index < 1))
  test.each(looks)(
    'forty resolvers at eight sites, %s, %s, %i wide',
    { ...WALK, ...options },
    async (device, scheme, width) => {
      const page = await openForty(operator, { width, scheme });
      await picture(page, `forty-${device}-${scheme}`);
      expect(await findBarriers(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth > window.innerWidth')).toBe(false);
      // In the order in which they are read out: the unheard stand before all others, the longest first.
      const panels = await page.locator('main h2').allTextContents();
      expect(panels).toEqual(['Not heard', 'All resolvers', 'Sites', 'One probe, asked of all']);
      const names = await page
        .getByRole('region', { name: 'All resolvers' })
        .locator('tbody th')
        .allTextContents();
      expect(
        names.slice(0, 3).map((text) =>
          text
            .trim()
            .split(/\s/)[0]
            ?.replace(/^(ns\d+).*/, '$1'),
        ),
      ).toEqual([...['ns10', 'ns5', 'ns14']]);
      await page.context().close();
    },
  );

test('one site at a time', { ...WALK, tags: 'night' }, async () => {
  const page = await openForty(auditor, {});
  await page.getByLabel('Site', { exact: true }).selectOption('ghent');
  const rows = page.getByRole('region', { name: 'All resolvers' }).locator('tbody tr');
  expect(await rows.count()).toBe(5);
  expect(new Set(await rows.locator('td:nth-child(2)').allTextContents())).toEqual(new Set(['ghent']));
  // By keyboard alone: the filter is a select, and the wide table can be moved.
  await page.locator('.wide-table').focus();
  expect(await page.evaluate('document.activeElement.className')).toBe('wide-table');
  await page.context().close();
});

for (const [options, locales] of inTwo(['fr', 'nl', 'de'], (locale) => locale === 'nl'))
  test.each(locales)(
    'in %s no word is left in English, and nothing is wider than a phone',
    { ...WALK, ...options },
    async (locale) => {
      const page = await openForty(operator, { width: 320, locale });
      // What a resolver says itself is English, and marked as that.
      await page.evaluate(
        "for (const one of document.querySelectorAll('[lang=en]:not(html, button)')) one.remove()",
      );
      const text = (await page.locator('main').textContent()) ?? '';
      for (const word of ['Not heard', 'Last heard', 'Behind', 'in force', 'asked', 'Needs'])
        expect(text.includes(word) ? word : '').toBe('');
      expect(await page.evaluate('document.documentElement.scrollWidth > window.innerWidth')).toBe(false);
      await picture(page, `forty-${locale}`);
      await page.context().close();
    },
  );

const hearsNobody = async (): Promise<void> => {
  for (const name of ['authority', 'ns2']) await fleet.programOf(name).kill();
  const room = `control-room: { listen: "127.0.0.1:0", pages: ${join(folder, 'pages')} }`;
  const { cordon } = await fleet.run('ns2', [OFTEN, room, lists].join('\n'));
  const first = await cordon.waitForLog(({ msg }) => msg.startsWith('nobody is administrator'));
  const link = String(first['url']);
  const own = new URL(link).origin;
  const admin = await new RoomClient(own).open();
  await admin.enrol(link, 'N. Administrator', PASSWORD);
  const open = async (look: Look): Promise<Page> => {
    const context = await browser.newContext({
      ...{ viewport: { width: look.width ?? 1280, height: 900 }, locale: look.locale ?? 'en' },
    });
    await context.addCookies(
      [...admin.cookies].map(([name, value]) => ({ name, value, url: own, httpOnly: true })),
    );
    const page = await context.newPage();
    await page.goto(own);
    return page;
  };
  const [desk, phone] = [await open({}), await open({ width: 390, locale: 'fr' })];
  const needsOf = async (page: Page): Promise<string> =>
    (await page.locator('.needs li').allTextContents()).join('\n');
  await expect.poll(() => needsOf(desk), WAIT).toContain('The authority of the fleet is not heard.');
  await expect.poll(() => needsOf(phone), WAIT).toMatch(/L’autorité du parc ne se fait plus entendre/);
  await picture(desk, 'cut-off-desktop');
  await picture(phone, 'cut-off-phone');
  expect(await findBarriers(desk)).toEqual([]);
  await fleet.run('authority', [OFTEN, lists].join('\n'));
  await expect.poll(() => needsOf(desk), WAIT).not.toContain('The authority of the fleet is not heard.');
  await Promise.all([desk, phone].map((page) => page.context().close()));
};

test(
  'a resolver that does not hear its authority says so on its own pages, and when it hears it again',
  { tags: 'night', ...WALK, timeout: 180_000 },
  hearsNobody,
);
