// Every page as six roles, in four languages, at 1440, 390 and 320 pixels, light and dark, and with letters twice as large: nothing
// wider than its window, nothing that axe-core finds, nothing thrown, no fault shown, no word of the program left in a place of ours,
// no link to what the role does not show and no field beside it, and each page within a second of being asked for. Then every page
// by the keyboard alone: Tab reaches all that can be used, what has
// the focus is seen and shows it, and the way ends where it began.
//
// npm run walks -- --role operator --locale fr --all --pictures FOLDER. Outside the gate: some 1,000 pages, a minute and a half
// for each role. By itself each role sees each view in one language, and each view is seen in each language by one role or more; --all
// shows every role all of both. Ends with 1 where something was found.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { PLACES } from '../../pages/shell/places.ts';
import { de } from '../../pages/text/de.ts';
import { en } from '../../pages/text/en.ts';
import { fr } from '../../pages/text/fr.ts';
import { nl } from '../../pages/text/nl.ts';
import { ask } from '../support/client.ts';
import { content } from '../support/list-server.ts';
import { RoomClient } from '../support/room-client.ts';
import { PASSWORD, RoomScene, rulesOf } from '../support/room-scene.ts';

const { values } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    pictures: { type: 'string' },
    role: { type: 'string', multiple: true },
    locale: { type: 'string' },
  },
});
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** From asking to the first drawn thing, milliseconds, where nothing else runs; told, and no finding, because machines differ. */
const SLOW_MS = 1_000;
const LOCALES = ['en', 'fr', 'nl', 'de'];
const PATHS = [
  // The scene has no fleet.
  ...PLACES.map(({ to }) => to).filter((to) => to !== '/resolvers'),
  ...['/look-up?name=www.tiktok.com', '/look-up?name=example.com', '/lists/feed'],
  ...['/exemptions/new', '/exemptions/ex-000001', '/exemptions/ex-000002'],
  ...['/refusals?days=91&by=network', '/queries?name=example&source=cache&follow=1'],
  ...['/networks/headquarters', '/devices/$REFERENCE', '/proof?tab=changes', '/proof?tab=records'],
  ...['/acts', '/account', '/nothing-here'],
  ...['/settings?tab=tokens', '/settings?tab=sign-in', '/settings?tab=networks'],
  ...['/settings?tab=configuration', '/settings?tab=notice'],
];

interface View {
  readonly width: number;
  readonly scheme: 'light' | 'dark';
  /** Letters, of their usual size. */
  readonly zoom: number;
}
const VIEWS: readonly View[] = [
  { width: 1440, scheme: 'light', zoom: 1 },
  { width: 1440, scheme: 'dark', zoom: 1 },
  { width: 390, scheme: 'light', zoom: 1 },
  { width: 390, scheme: 'dark', zoom: 1 },
  { width: 320, scheme: 'light', zoom: 1 },
  // 200 % of 1280 is a window of 640 (WCAG 1.4.4).
  { width: 640, scheme: 'dark', zoom: 2 },
];
/** In which order and how things are reached does not depend on letters and colors. */
const KEYBOARD_VIEWS = [0, 3];
/** A desk, a phone, large letters: enough to look at. */
const PICTURE_VIEWS = [0, 3, 5];

/** What stands where a role does not show something. */
const NOT_YOURS = [en, fr, nl, de].flatMap(({ notYours, lookUpNotYours }) => [notYours, lookUpNotYours]);

/** A page, without what was asked of it. */
const pageOf = (href: string): string => {
  const { pathname, searchParams } = new URL(href, 'https://cordon.example');
  const tab = searchParams.get('tab');
  return tab === null ? pathname : `${pathname}?tab=${tab}`;
};

/** What a page offers: where its links lead, whether all of it is not shown to this role, and fields beside what is not. */
interface Offered {
  readonly links: string[];
  readonly isClosed: boolean;
  readonly beside: string[];
}

const LOOK_AT_OFFERS = `(() => {
  const isClosed = (one) => ${JSON.stringify(NOT_YOURS)}.some((text) => one.innerText.includes(text));
  const main = document.querySelector('main');
  const panels = [...main.querySelectorAll('.panel')];
  const rest = [...panels, ...main.querySelectorAll('.note')].filter((one) => !isClosed(one));
  return {
    links: [...document.querySelectorAll('a[href^="/"]')].map((one) => one.getAttribute('href')),
    isClosed: isClosed(main) && rest.length === 0,
    beside: (panels.length === 0 ? [main] : panels).filter(isClosed)
      .flatMap((one) => [...one.querySelectorAll('input, select, textarea, button')].map((field) => field.outerHTML.slice(0, 80))),
  };
})()`;

/** What is wrong with a page as it is shown. */
const findingsOf = async (page: Page): Promise<string[]> => {
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(RULES)} })`,
  )) as { violations: { id: string; nodes: { html: string }[] }[] };
  const isWide = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth');
  // What is seen: raw records lie folded behind their sentences.
  const text = String(await page.evaluate("document.querySelector('#room').innerText")).replace(/\s+/g, ' ');
  const leftover = /\{[a-z]+\}|undefined|NaN|\[object|room-[a-z]+[A-Z]/.exec(text)?.[0];
  const faults = await page.locator('main .note.bad[role=alert]').allInnerTexts();
  return [
    ...faults.map((fault) => `shows a fault: ${fault.replace(/\s+/g, ' ').slice(0, 120)}`),
    ...violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`)),
    ...(isWide === true ? ['wider than its window'] : []),
    ...(leftover === undefined ? [] : [`says ${leftover}`]),
  ];
};

/** What has the focus after a Tab, as the page says it. */
interface Focused {
  readonly name: string;
  /** First of the page again, or the window's own frame. */
  readonly isOver: boolean;
  readonly isSeen: boolean;
  readonly isMarked: boolean;
}

/** More than any page has; who needs more never comes to the end. */
const TABS_MAX = 400;

/** Marks what has the focus as visited, and tells how it looks. */
const LOOK_AT_FOCUS = `(() => {
  const at = document.activeElement;
  // Fields of a date take some tabs each.
  if (at?.dataset.walked === 'last') return { name: '', isOver: false, isSeen: true, isMarked: true };
  const isOver = at === null || at === document.body || at.dataset.walked === 'yes';
  if (isOver) return { name: '', isOver, isSeen: true, isMarked: true };
  document.querySelector('[data-walked=last]')?.setAttribute('data-walked', 'yes');
  at.dataset.walked = 'last';
  const box = at.getBoundingClientRect();
  const style = getComputedStyle(at);
  const x = Math.min(Math.max(box.x + Math.min(box.width, 40) / 2, 0), innerWidth - 1);
  const y = Math.min(Math.max(box.y + Math.min(box.height, 40) / 2, 0), innerHeight - 1);
  const top = document.elementFromPoint(x, y);
  const label = at.closest('label');
  return {
    name: (at.getAttribute('aria-label') ?? at.textContent ?? '').trim().slice(0, 40) || at.outerHTML.slice(0, 80),
    isOver,
    isSeen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && top !== null
      && (at.contains(top) || top.contains(at) || label?.contains(top) === true),
    isMarked: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none',
  };
})()`;

/** Goes through a page with Tab alone: what is not reached, hidden while it has the focus, or does not show it. */
const findKeyboardBarriers = async (page: Page): Promise<string[]> => {
  const found: string[] = [];
  await page.evaluate('document.activeElement?.blur()');
  let count = 0;
  for (; count < TABS_MAX; count++) {
    await page.keyboard.press('Tab');
    const { name, isOver, isSeen, isMarked } = (await page.evaluate(LOOK_AT_FOCUS)) as Focused;
    if (isOver) break;
    if (!isSeen) found.push(`keyboard: "${name}" has the focus and is not seen`);
    if (!isMarked) found.push(`keyboard: "${name}" does not show the focus`);
  }
  if (count === TABS_MAX) found.push(`keyboard: no end after ${TABS_MAX} tabs`);
  const missed = (await page.evaluate(`[...document.querySelectorAll(
    'a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), summary')]
    .filter((one) => one.dataset.walked === undefined && one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true })
      && !(one.type === 'radio' && document.querySelector('input[name="' + one.name + '"][data-walked]') !== null))
    .map((one) => one.outerHTML.slice(0, 100))`)) as string[];
  return [...found, ...missed.map((html) => `keyboard: Tab does not reach ${html}`)];
};

/** One exemption that is in force and one that waits, a list that is held, a change and a sign-in that wait for a second person. */
const prepare = async (roles: readonly (readonly [string, RoomClient])[]): Promise<void> => {
  const of = new Map(roles);
  const post = async (role: string, path: string, body: unknown): Promise<void> => {
    const reply = await of.get(role)?.post(`/api/v1/${path}`, body);
    if (reply === undefined || reply.status >= 300) throw new Error(`${path}: ${reply?.text}`);
  };
  for (const names of ['tiktok.com', 'muscdn.com'])
    await post('operator', 'exemptions', {
      grounds: 'security-research',
      justification: 'The mobile team has to see which permissions the application asks for.',
      alternatives: 'Published analyses stop at an earlier release of it.',
      mitigations: ['Standalone device, wiped each Friday.'],
      clients: ['127.0.2.2/32'],
      names: [names],
      until: new Date(Date.now() + 86_400_000).toISOString(),
    });
  await post('approver', 'exemptions/ex-000001/approve', { role: 'agency-head' });
  scene.lists.set('/feed.txt', content(rulesOf(60)));
  await post('operator', 'lists/feed/refresh', {});
};

/** That of a client which was refused something. */
const findReference = async (roles: readonly (readonly [string, RoomClient])[]): Promise<string> => {
  const desk = new Map(roles).get('help-desk');
  for (let turn = 0; turn < 100; turn++) {
    const { text = '' } = (await desk?.get('/api/v1/refusals?limit=1')) ?? {};
    const found = /"[0-9A-Z]{4}-[0-9A-Z]{2}"/.exec(text)?.[0];
    if (found !== undefined) return found.slice(1, -1);
    await sleep(500);
  }
  throw new Error('no refusal is in the records');
};

const scene = await RoomScene.open();
let found = 0;
/** At once: who ends a run early has what it saw. */
const tell = (place: string, barriers: readonly string[]): void => {
  found += barriers.length;
  for (const barrier of barriers) process.stdout.write(`${place}: ${barrier}\n`);
};
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
  await prepare(roles);
  const reference = await findReference(roles);
  for (const [number, [role, client]] of roles.entries())
    for (const [view, { width, scheme, zoom }] of VIEWS.entries())
      for (const [language, locale] of LOCALES.entries()) {
        if (values.role?.includes(role) === false || (values.locale ?? locale) !== locale) continue;
        if (!values.all && language !== (number + view) % LOCALES.length) continue;
        // On a slow machine the roles before take longer than a session of who does nothing lasts.
        for (const [, idle] of roles) await idle.get('/api/session');
        const page = await scene.windowOf(client, { width, height: 900, scheme, locale });
        const at = (place: string): string => `${role} ${locale} ${width} ${scheme} ${place}`;
        let place = '';
        /** From a page that a link leads to, to where it stands. */
        const links = new Map<string, string>();
        const closed = new Set<string>();
        page.on('pageerror', ({ message }) => tell(at(place), [`threw ${message}`]));
        for (place of PATHS) {
          place = place.replace('$REFERENCE', reference);
          const beganMs = performance.now();
          await page.goto(scene.origin + place);
          await page.getByRole('heading', { level: 1 }).first().waitFor();
          if (performance.now() - beganMs > SLOW_MS) slow++;
          await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
          // What it explains comes after the rest.
          if (place.startsWith('/look-up?') && (await page.locator('.ask').count()) > 0)
            await page.locator('#explained').waitFor();
          if (zoom > 1) await page.evaluate(`document.documentElement.style.fontSize = '${100 * zoom}%'`);
          // What somebody sees who is not signed in has no fault either.
          if ((await page.getByRole('navigation').count()) === 0) tell(at(place), ['nobody is signed in']);
          tell(at(place), await findingsOf(page));
          const offered = (await page.evaluate(LOOK_AT_OFFERS)) as Offered;
          for (const href of offered.links) links.set(pageOf(href), place);
          if (offered.isClosed) closed.add(pageOf(place));
          tell(
            at(place),
            offered.beside.map((html) => `beside what the role does not show: ${html}`),
          );
          walked++;
          if (KEYBOARD_VIEWS.includes(view)) tell(at(place), await findKeyboardBarriers(page));
          if (values.pictures === undefined || !PICTURE_VIEWS.includes(view)) continue;
          // What stays in sight while a page is scrolled belongs at its top.
          await page.evaluate('scrollTo(0, 0)');
          mkdirSync(values.pictures, { recursive: true });
          const name = `${at(place).replace(/[^\w]+/g, '-')}.png`;
          await page.screenshot({ path: join(values.pictures, name), fullPage: true });
        }
        for (const to of closed) {
          const from = links.get(to);
          if (from !== undefined) tell(at(from), [`leads to ${to}, which the role does not show`]);
        }
        await page.context().close();
        process.stderr.write(`${role} ${locale} ${width}: ${walked} pages, ${found} findings\n`);
      }
} finally {
  await scene.close();
}
process.stdout.write(`${walked} pages, ${slow} slower than ${SLOW_MS} ms\n`);
process.exitCode = found === 0 ? 0 : 1;
