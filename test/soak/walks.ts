// Every page as six roles, in four languages, at 1440, 390 and 320 pixels, light and dark, and with letters twice as large: nothing
// wider than its window, nothing that axe-core finds, nothing thrown, no word of the program left in a place of ours, and each
// page within a second of being asked for.
//
// npm run walks -- --quick --role operator --pictures FOLDER. Outside the gate: some 1,500 pages are some ten minutes. Ends with 1 where
// something was found.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { ask } from '../support/client.ts';
import { RoomClient } from '../support/room-client.ts';
import { PASSWORD, RoomScene } from '../support/room-scene.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    pictures: { type: 'string' },
    role: { type: 'string' },
  },
});
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** From asking to the first drawn thing, milliseconds, where nothing else runs; told, and no finding, because machines differ. */
const SLOW_MS = 1_000;
const LOCALES = values.quick ? ['en', 'de'] : ['en', 'fr', 'nl', 'de'];
const PLACES = [
  ...['/', '/look-up?name=www.tiktok.com', '/exemptions', '/exemptions/new', '/lists', '/lists/feed'],
  ...[
    '/refusals',
    '/refusals?days=91&by=network',
    '/health',
    '/networks/headquarters',
    '/proof',
    '/proof?tab=changes',
    '/proof?tab=records',
  ],
  ...['/reports', '/settings', '/settings?tab=configuration', '/settings?tab=networks', '/account', '/acts'],
];

interface View {
  readonly width: number;
  readonly scheme: 'light' | 'dark';
  /** Letters, of their usual size. */
  readonly zoom: number;
}
const VIEWS: readonly View[] = [
  { width: 1440, scheme: 'light', zoom: 1 },
  { width: 390, scheme: 'dark', zoom: 1 },
  { width: 320, scheme: 'light', zoom: 1 },
  // 200 % of 1280 is a window of 640 (WCAG 1.4.4).
  { width: 640, scheme: 'dark', zoom: 2 },
];

/** What is wrong with a page as it is shown. */
const findingsOf = async (page: Page): Promise<string[]> => {
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(RULES)} })`,
  )) as { violations: { id: string; nodes: { html: string }[] }[] };
  const isWide = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth');
  const text = ((await page.locator('#room').textContent()) ?? '').replace(/\s+/g, ' ');
  const leftover = /\{[a-z]+\}|undefined|NaN|\[object|room-[a-z]+[A-Z]/.exec(text)?.[0];
  return [
    ...violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`)),
    ...(isWide === true ? ['wider than its window'] : []),
    ...(leftover === undefined ? [] : [`says ${leftover}`]),
  ];
};

const scene = await RoomScene.open();
const findings: string[] = [];
let walked = 0;
let slow = 0;
try {
  const admin = await new RoomClient(scene.origin).open();
  await admin.enrol(scene.setUpLink, 'A. Administrator', PASSWORD);
  const byAgency = async (login: string): Promise<RoomClient> => {
    const page = await (await scene.context()).newPage();
    await scene.signInByAgency(page, login);
    const client = await scene.clientOf(page);
    await page.context().close();
    return client;
  };
  const roles: readonly (readonly [string, RoomClient])[] = [
    ['administrator', admin],
    ['operator', (await scene.addMember(admin, 'O. Operator', ['operator'])).client],
    ['approver', (await scene.addMember(admin, 'P. Approver', ['approver'])).client],
    ['auditor', await byAgency('udo.auditor')],
    ['help-desk', await byAgency('hanna.desk')],
    ['viewer', await byAgency('vera.viewer')],
  ];
  for (const name of ['www.tiktok.com', 'v16.tiktok.com', 'name-001.example'])
    await ask(scene.cordon.dns, `${name} A`, { from: '127.0.1.1' });
  for (const [role, client] of roles.filter(([name]) => values.role === undefined || values.role === name))
    for (const locale of LOCALES)
      for (const { width, scheme, zoom } of values.quick ? VIEWS.slice(0, 2) : VIEWS) {
        const page = await scene.windowOf(client, { width, height: 900, scheme, locale });
        const at = (place: string): string => `${role} ${locale} ${width} ${scheme} ${place}`;
        let place = '';
        page.on('pageerror', ({ message }) => findings.push(`${at(place)}: threw ${message}`));
        for (place of PLACES) {
          const beganMs = performance.now();
          await page.goto(scene.origin + place);
          await page.getByRole('heading', { level: 1 }).first().waitFor();
          if (performance.now() - beganMs > SLOW_MS) slow++;
          await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
          if (zoom > 1) await page.evaluate(`document.documentElement.style.fontSize = '${100 * zoom}%'`);
          findings.push(...(await findingsOf(page)).map((found) => `${at(place)}: ${found}`));
          walked++;
          if (values.pictures === undefined) continue;
          mkdirSync(values.pictures, { recursive: true });
          const name = `${at(place).replace(/[^\w]+/g, '-')}.png`;
          await page.screenshot({ path: join(values.pictures, name), fullPage: true });
        }
        await page.context().close();
        process.stderr.write(`${role} ${locale} ${width}: ${walked} pages, ${findings.length} findings\n`);
      }
} finally {
  await scene.close();
}
process.stdout.write(`${walked} pages, ${slow} slower than ${SLOW_MS} ms\n`);
for (const finding of findings) process.stdout.write(`${finding}\n`);
process.exitCode = findings.length === 0 ? 0 : 1;
