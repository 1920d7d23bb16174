// The control room as people see it: a browser against the running program, at desktop and phone width.
//
// One browser and one program serve all walks, which follow each other as days do: set-up, signing in, decisions of two, what
// the help desk does, reports. TEST_PICTURES=1 puts pictures of every page into dist/pictures, for whoever reviews a change;
// axe-core looks at the same pages. States of the headline that only accidents produce are given to the page by a stub of the state, here only.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Explanation } from '../../pages/api/shapes.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { ask } from '../support/client.ts';
import { content } from '../support/list-server.ts';
import { createRandom } from '../support/mutate.ts';
import { inTwo } from '../support/night.ts';
import { arePicturesWanted, keepPicture, takePicture } from '../support/pictures.ts';
import { isInstalled, needing } from '../support/process.ts';
import { codeOf, RoomClient } from '../support/room-client.ts';
import { AGENCY, type Member, PASSWORD, RoomScene, rulesOf } from '../support/room-scene.ts';
import { STUBBED_HEADLINES, type StubbedHeadline } from '../support/stubbed-headlines.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const NARROW = 320;
const PHONE = 390;
const HEADQUARTERS = '127.0.1.1';
const LAB = '127.0.2.1';
/** Has the exemption of these walks, and asks for its name only. */
const EXEMPT = '127.0.2.2';
const EXEMPT_NAME = 'www.tiktok.com';

const hasChromium = isInstalled('chromium');

let scene: RoomScene;
let admin: RoomClient;
let operator: Member;
let approver: Member;
let helpDesk: RoomClient;
let auditor: RoomClient;
const opened: Page[] = [];

/** A window in which somebody is signed in; closed after the test. */
const windowOf = async (
  client: RoomClient,
  options?: Parameters<RoomScene['windowOf']>[1],
): Promise<Page> => {
  const page = await scene.windowOf(client, options);
  watch(page);
  return page;
};

/** What the policy of the page forbade, and what its scripts threw: nothing, in any walk. */
const faults: string[] = [];
const watch = (page: Page): void => {
  opened.push(page);
  page.on('pageerror', (error) => faults.push(`thrown: ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted ?Type/i.test(message.text())) faults.push(message.text());
  });
};

/** Codes are good once: each use takes the next period, which the program allows for clocks that differ. */
const usedPeriods = new Map<string, number>();
const freshCode = async (secret: string): Promise<string> => {
  const now = Math.floor(Date.now() / 30_000);
  const last = usedPeriods.get(secret) ?? now;
  let wanted = Math.max(now, last + 1);
  if (wanted > now + 1) {
    await vi.waitUntil(() => Math.floor(Date.now() / 30_000) >= wanted - 1, {
      timeout: 90_000,
      interval: 200,
    });
    wanted = Math.max(wanted, Math.floor(Date.now() / 30_000));
  }
  usedPeriods.set(secret, wanted);
  return codeOf(secret, wanted - Math.floor(Date.now() / 30_000));
};

/** Proves again who is signed in, in a page that asks for it. */
const stepUp = async (page: Page, secret: string): Promise<void> => {
  const dialog = page.getByRole('dialog', { name: 'Show again that it is you' });
  await dialog.waitFor();
  await dialog.getByLabel('Code of your authenticator app').fill(await freshCode(secret));
  await dialog.getByRole('button', { name: 'Confirm' }).click();
  await dialog.waitFor({ state: 'detached' });
};

/** Waits for what was done; proves who it is where the last proof is too old. */
const stepUpIfAsked = async (page: Page, secret: string, done: Locator): Promise<void> => {
  const dialog = page.getByRole('dialog', { name: 'Show again that it is you' });
  await done.or(dialog).first().waitFor();
  if (await dialog.isVisible()) await stepUp(page, secret);
  await done.waitFor();
};

/** A key of this machine that always says yes. */
const addAuthenticator = async (page: Page): Promise<void> => {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
};

const heading = (page: Page, name: string | RegExp): Locator => page.getByRole('heading', { name });

beforeAll(async () => {
  if (!hasChromium) return;
  scene = await RoomScene.open();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail')
    for (const [index, page] of opened.entries())
      await keepPicture(page, `failed-${task.name.replace(/[^a-z]+/gi, '-').slice(0, 30)}-${index}`);
  for (const page of opened.splice(0)) {
    // A stub may be asking the program just now, and nobody awaits what comes of it.
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.context().close();
  }
});
afterAll(async () => {
  await scene?.close();
});

const WALK = needing('chromium');

test('first set-up: a link, a passkey, and the first administrator is signed in', WALK, async () => {
  const page = await (await scene.context()).newPage();
  watch(page);
  await addAuthenticator(page);
  await page.goto(scene.setUpLink);
  await heading(page, 'First set-up').waitFor();
  // The token is in no history and no picture of the screen.
  expect(new URL(page.url()).hash).toBe('');
  await page.getByLabel('Name of the account').waitFor();
  await takePicture(page, 'set-up');
  // With the day: who opens it tomorrow reads that it is over.
  await page.getByText(/It holds until \d+ \w+ \d{4}, \d\d:\d\d UTC\./).waitFor();
  await page.getByLabel('Name of the account').fill('A. Administrator');
  await page.getByRole('button', { name: 'Make a passkey' }).click();
  await heading(page, 'Settings').waitFor();
  expect(await page.getByRole('banner').textContent()).toContain('A. Administrator');

  // Its stream ends before the answer comes: who leaves does not come back to where they were.
  await page.route('**/api/session/end', async (route) => {
    const read = page.waitForResponse(/\/api\/session$/, { timeout: 1_500 }).catch(() => undefined);
    const response = await route.fetch();
    // Where it was read at once, what comes of that is seen first.
    if ((await read) !== undefined) await sleep(1_000);
    await route.fulfill({ response });
  });
  await page.getByRole('button', { name: 'Sign out' }).click();
  await heading(page, 'Sign in').waitFor();
  expect(new URL(page.url()).search).toBe('');
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByRole('heading', { level: 1, name: /In force/ }).waitFor();
  expect(await page.title()).toContain(AGENCY);

  // The same session goes on as a client of the API, for what the next walks need.
  admin = await scene.clientOf(page);
  operator = await scene.addMember(admin, 'O. Operator', ['operator']);
  approver = await scene.addMember(admin, 'P. Approver', ['approver']);
});

test('local log-in with password and code, and what a wrong code says', WALK, async () => {
  const page = await (await scene.context()).newPage();
  watch(page);
  await page.goto(`${scene.origin}/lists`);
  await heading(page, 'Sign in').waitFor();
  await page.getByLabel('Name of the account').fill('P. Approver');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByLabel('Code of your authenticator app').fill('000000');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page
    .getByRole('alert')
    .getByText(/^Name, password, code or passkey is wrong/)
    .waitFor();
  await page.getByLabel('Code of your authenticator app').fill(await freshCode(approver.secret));
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  // One comes to where one wanted to go.
  await page.getByRole('heading', { level: 1, name: 'Lists' }).waitFor();
  // For whom decides later on: how often these were asked for.
  for (const name of ['name-099.example', 'www.name-099.example', 'name-098.example', 'www.tiktok.com'])
    await ask(scene.cordon.dns, `${name} A`, { from: HEADQUARTERS });
  expect(new URL(page.url()).pathname).toBe('/lists');
});

/** With the agency account; what the banner says. */
const signInThere = async (login: string): Promise<[RoomClient, string]> => {
  const page = await (await scene.context()).newPage();
  watch(page);
  await scene.signInByAgency(page, login);
  await page.getByRole('heading', { level: 1, name: /In force/ }).waitFor();
  return [await scene.clientOf(page), (await page.getByRole('banner').textContent()) ?? ''];
};

test('log-in with the agency account: another group has another role', {
  ...WALK,
  tags: 'night',
}, async () => {
  const [, banner] = await signInThere('otto.operator');
  expect(banner).toContain('otto.operatorOperator');
});

test('log-in with the agency account: groups have roles', WALK, async () => {
  let banner: string;
  [helpDesk, banner] = await signInThere('hanna.desk');
  expect(banner).toContain('hanna.deskHelp desk');
  [auditor, banner] = await signInThere('udo.auditor');
  expect(banner).toContain('udo.auditorAuditor');
});

/** In papers and lists; of query names there is another one. */
const HOSTILE_TEXT = '</script><img src=x onerror="document.title=1"><svg onload=alert(1)>';

const expectNoMarkup = async (page: Page): Promise<void> => {
  expect(await page.locator('img[src=x], svg[onload]').count()).toBe(0);
  expect(await page.title()).toContain(AGENCY);
};

/** What the exempt client gets. */
const verdict = async (): Promise<number> =>
  (await ask(scene.cordon.dns, `${EXEMPT_NAME} A`, { from: EXEMPT })).rcode;
/** When the exemption is to end, which is later than the approval takes and earlier than the last walk, and when it did. */
let until = new Date(0);
let ended: Promise<number | undefined> | undefined;
const findEnd = async (): Promise<number | undefined> => {
  for (const giveUpMs = until.getTime() + 120_000; Date.now() < giveUpMs; await sleep(500))
    if ((await verdict()) === RCODE.NXDOMAIN) return Date.now();
  return undefined;
};

test('an exemption is asked for by one and approved by another', WALK, async () => {
  expect(await verdict()).toBe(RCODE.NXDOMAIN);
  const asks = await windowOf(operator.client);
  await asks.goto(`${scene.origin}/exemptions/new`);
  await asks.getByRole('button', { name: 'Send the request' }).click();
  await asks
    .getByText(/problems?\. Nothing was asked for|problems?\./)
    .first()
    .waitFor();
  // Every problem stands at its field.
  expect(await asks.locator('[aria-invalid=true]').count()).toBeGreaterThanOrEqual(3);
  await takePicture(asks, 'exemption-new-problems');
  await asks.getByLabel('Grounds').selectOption('security-research');
  await asks
    .getByLabel('Why it is needed')
    .fill(`The mobile team has to see which permissions the application asks for. ${HOSTILE_TEXT}`);
  // What is half written is there again, whatever took its writer away: kept with the key that wrote it, before anything is drawn.
  const isKept = await asks.evaluate(`(async () => {
    const field = document.activeElement;
    const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set;
    set.call(field, field.value + ' And');
    field.dispatchEvent(new Event('input', { bubbles: true }));
    for (let turn = 0; turn < 20; turn++) await null;
    return JSON.stringify(localStorage).includes(' And');
  })()`);
  expect(isKept).toBe(true);
  await asks.goto(scene.origin);
  await heading(asks, /^(?:In force|Not in force)/).waitFor();
  await asks.goto(`${scene.origin}/exemptions/new`);
  await asks.getByText('This is what you wrote before.').waitFor();
  expect(await asks.getByLabel('Why it is needed').inputValue()).toContain('The mobile team');
  expect(await asks.getByLabel('Grounds').inputValue()).toBe('security-research');
  await asks
    .getByLabel('Why nothing else will do')
    .fill('Published analyses stop at an earlier release of it.');
  await asks.getByLabel('Addresses or prefixes').fill(`${EXEMPT}/32`);
  await asks.getByLabel('Names', { exact: true }).fill('tiktok.com');
  await asks.getByLabel('What is done (1)').fill('Standalone device, wiped each Friday.');
  until = new Date(Date.now() + 75_000);
  await asks.getByLabel('Ends (UTC)').fill(until.toISOString().slice(0, 19));
  await asks.getByText('1 address').waitFor();
  await asks.getByRole('button', { name: 'Send the request' }).click();
  await heading(asks, /^Exemption ex-/).waitFor();
  const id = /ex-\d+/.exec(asks.url())?.[0] ?? '';
  await asks.getByText('An approver decides').waitFor();

  const approves = await windowOf(approver.client);
  await approves.goto(`${scene.origin}/exemptions`);
  await approves.getByRole('link', { name: id }).click();
  await approves.getByText('and below').first().waitFor();
  // What a paper says is text, whatever it says.
  expect(await approves.locator('main').textContent()).toContain(HOSTILE_TEXT);
  await expectNoMarkup(approves);
  // Asked for by whoever it was: www.tiktok.com at headquarters, and in the lab.
  await approves.getByText('By every client, exempt or not.').waitFor();
  expect(await approves.getByRole('region', { name: 'What it opens' }).textContent()).toMatch(
    /tiktok\.com: [1-9].*Counted since/,
  );
  await takePicture(approves, 'exemption-decide');
  // Nobody signs as somebody else because that came first.
  expect(await approves.getByRole('radio', { checked: true }).count()).toBe(0);
  await approves.getByRole('radio', { name: 'Agency head', exact: true }).check();
  await approves.getByLabel('Reason').fill('Needed for the advisory of January.');
  await approves.getByRole('button', { name: /^Approve until/ }).click();
  const granted = approves.getByText('Approved. It is in force');
  await stepUpIfAsked(approves, approver.secret, granted);
  await expect.poll(verdict, { timeout: 1_000 }).toBe(RCODE.NOERROR);
  // Both see it take effect.
  await asks.getByText('in force', { exact: true }).first().waitFor();
  ended = findEnd().catch(() => undefined);
});

test('a held list is accepted by two, who confirm the same SHA-256', WALK, async () => {
  const rcode = async (name: string): Promise<number> =>
    (await ask(scene.cordon.dns, `${name} A`, { from: HEADQUARTERS })).rcode;
  scene.lists.set('/feed.txt', content(`${rulesOf(60)}${HOSTILE_TEXT}\n# ${HOSTILE_TEXT}\n`));
  const asks = await windowOf(operator.client);
  await asks.goto(`${scene.origin}/lists/feed`);
  await asks.getByRole('button', { name: 'Fetch now' }).click();
  await heading(asks, 'A new content of feed is held').waitFor();
  await asks.getByText('name-099.example', { exact: false }).first().waitFor();
  expect(await rcode('name-099.example')).toBe(RCODE.NXDOMAIN);
  await asks.getByText('2 of the rules that would go were asked for.').waitFor();
  const rows = asks.getByRole('region', { name: 'What would change' }).locator('tbody tr');
  expect(await rows.nth(0).textContent()).toMatch(/name-099\.example2/);
  expect(await rows.nth(1).textContent()).toMatch(/name-098\.example1/);
  expect(await rows.nth(2).textContent()).toMatch(/name-\d+\.example0/);
  // Tried on what was asked until now; who confirms sees it as well.
  await asks.getByLabel('In the last').selectOption({ label: '1 day' });
  await asks.getByRole('button', { name: 'What would have been different?' }).click();
  const figures = asks.getByText(/^Newly passing: /);
  await figures.waitFor({ timeout: 120_000 });
  const told = (await figures.textContent()) ?? '';
  // Pseudonyms have no network, which is not none.
  expect(told).toMatch(/^Newly passing: [1-9]\d* queries, [1-9]\d* names, [1-9]\d* clients, – networks/);
  await asks.getByText('The log has only a part of the 1 day asked for.', { exact: false }).waitFor();
  await takePicture(asks, 'list-held');
  await expectNoMarkup(asks);
  await asks.getByRole('radio', { name: /Ask to accept/ }).check();
  await asks.getByLabel('Reason').fill('Checked with the maintainer.');
  await asks.getByRole('button', { name: 'Ask to accept' }).click();
  await stepUpIfAsked(asks, operator.secret, asks.getByText('You asked for this'));
  expect(await rcode('name-099.example')).toBe(RCODE.NXDOMAIN);

  const confirms = await windowOf(approver.client);
  await confirms.goto(`${scene.origin}/lists/feed`);
  await confirms.getByRole('heading', { name: 'Waits for a second person' }).waitFor();
  expect(await confirms.locator('main').textContent()).toMatch(/[0-9a-f]{64}/);
  await confirms.getByText(told).waitFor();
  await confirms.getByRole('button', { name: 'Confirm and do it' }).click();
  await stepUpIfAsked(confirms, approver.secret, confirms.getByText('Confirmed and done.'));
  await expect.poll(() => rcode('name-099.example')).toBe(RCODE.NOERROR);
  expect(await rcode('name-001.example')).toBe(RCODE.NXDOMAIN);
});

test('a pause is red on every page, counts down, and is ended by one', WALK, async () => {
  const page = await windowOf(operator.client);
  const other = await windowOf(helpDesk);
  await other.goto(`${scene.origin}/lists`);
  await page.goto(scene.origin);
  await page.getByRole('button', { name: 'Pause…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Pause all refusals' });
  await dialog.getByRole('button', { name: /^Pause for/ }).click();
  await dialog.getByText('A reason is needed').waitFor();
  await dialog.getByLabel('Reason').fill('Incident 2026-41: payroll site unreachable.');
  await dialog.getByRole('button', { name: /^Pause for/ }).click();
  await stepUpIfAsked(
    page,
    operator.secret,
    page.getByRole('heading', { level: 1, name: /^Paused by O\. Operator/ }),
  );
  await other
    .locator('.banner')
    .getByText(/^Paused by O. Operator/)
    .waitFor();
  await takePicture(page, 'state-paused');
  expect((await ask(scene.cordon.dns, 'www.tiktok.com A', { from: HEADQUARTERS })).rcode).toBe(RCODE.NOERROR);
  await page.getByRole('button', { name: 'End the pause now' }).click();
  await page.getByRole('heading', { level: 1, name: /^(?:In force|Not in force)/ }).waitFor();
  await other.locator('.banner').waitFor({ state: 'detached' });
  expect((await ask(scene.cordon.dns, 'www.tiktok.com A', { from: HEADQUARTERS })).rcode).toBe(
    RCODE.NXDOMAIN,
  );
});

test('a probe of now proves it on every network, and the headline turns', WALK, async () => {
  const page = await windowOf(operator.client);
  await page.goto(scene.origin);
  await page.getByRole('heading', { level: 1, name: /^In force/ }).waitFor();
  if (!(await page.getByRole('heading', { level: 1, name: /^In force on 3 of 3 networks/ }).isVisible()))
    await page.getByRole('button', { name: 'Probe now' }).click();
  await page
    .getByRole('heading', { level: 1, name: /^In force on 3 of 3 networks/ })
    .waitFor({ timeout: 90_000 });
  expect(await page.locator('.headline').getAttribute('class')).toContain('ok');
  // Nobody watches for them: that is no zero.
  await page.getByText('kinds are not watched everywhere').waitFor();
  // The list of an address was not there at the start, and came.
  expect(await page.locator('main').textContent()).not.toContain('was rejected');
  await page.goto(`${scene.origin}/proof`);
  await page.getByRole('row', { name: /^headquarters UDP/ }).waitFor();
  expect(await page.locator('main').textContent()).not.toMatch(/group:|listener:/);
  await page.goto(scene.origin);
  await page.getByRole('heading', { level: 1, name: /^In force/ }).waitFor();
  await takePicture(page, 'state-in-force-real');
});

/** Waits for a text among the rows: what a page was faster than is behind its button. */
const untilShown = async (page: Page, text: string): Promise<void> => {
  const newer = page.getByRole('button', { name: /newer: show/ });
  const shown = async (): Promise<string | null> => {
    if (await newer.isVisible()) await newer.click();
    return await page.locator('main').textContent();
  };
  await expect.poll(shown, { timeout: 90_000 }).toContain(text);
};

test('a device by its reference: what it tried, on the record; who it is takes two', WALK, async () => {
  await ask(scene.cordon.dns, 'device.tiktok.com A', { from: HEADQUARTERS });
  const page = await windowOf(auditor);
  await page.goto(`${scene.origin}/look-up`);
  await untilShown(page, 'device.tiktok.com');
  // Of its own row: other devices of other networks stand there as well.
  const own = page
    .getByRole('row', { name: /device\.tiktok\.com/ })
    .first()
    .getByRole('link', { name: /^[0-9A-Z]{4}-[0-9A-Z]{2}$/ })
    .first();
  const reference = (await own.textContent()) ?? '';
  await own.click();
  await page.getByRole('heading', { level: 1, name: `Device ${reference}` }).waitFor();
  await page.getByRole('row', { name: /device\.tiktok\.com.*headquarters.*tiktok.*refused/ }).waitFor();
  await page.getByText('Nobody checked this device today').waitFor();
  await page.getByText('Not all signs are watched for here').waitFor();
  expect(await page.locator('main').textContent()).not.toContain(HEADQUARTERS);
  await takePicture(page, 'device');
  expect(await findBarriers(page)).toEqual([]);
  await page.setViewportSize({ width: NARROW, height: 850 });
  expect(await scrollsSideways(page)).toBe(false);
  await page.getByLabel('Reason').fill('case 7');
  await page.getByRole('button', { name: 'Ask for the address' }).click();
  await page
    .getByText(/second person|somebody else/i)
    .first()
    .waitFor();
  const found = await auditor.get('/api/v1/records/search?class=changes&kind=admin&limit=100');
  expect(found.text).toContain('"action":"room-readDevice"');
  expect(found.text).toContain(reference);
  // Who only looks may not.
  const viewer = await windowOf(admin);
  await viewer.goto(`${scene.origin}/devices/${reference}`);
  await viewer
    .getByText(/^Your role does not show this/)
    .first()
    .waitFor();
});

const DEVICES = [
  ['asks here', true, 'This device asks Cordon, and the prohibition holds for it'],
  ['asks somebody else', false, 'This device does not ask Cordon'],
] as const;
test.each(DEVICES)(
  'check this device, which %s: without script, and the help desk sees the same',
  { ...WALK, tags: 'night' },
  async (_, asksHere, says) => {
    const [, place = ''] =
      /"notice":\["([^"]+)"\]/.exec(
        JSON.stringify(await scene.cordon.waitForLog(({ msg }) => msg === 'the notice is shown')),
      ) ?? [];
    const context = await scene.browser.newContext({
      javaScriptEnabled: false,
      viewport: { width: PHONE, height: 850 },
    });
    try {
      const page = await context.newPage();
      // What the system does for a browser: it asks for the name, here or elsewhere.
      const asked: Promise<unknown>[] = [];
      page.on('request', (request) => {
        const { hostname } = new URL(request.url());
        if (asksHere && hostname.endsWith('.check.agency.example'))
          asked.push(ask(scene.cordon.dns, `${hostname} A`));
      });
      await page.goto(`http://${place}/check`);
      await heading(page, says).waitFor();
      await Promise.all(asked);
      await takePicture(page, `check-${asksHere}`);
      const reference = (await page.locator('.reference').textContent()) ?? '';
      const { body } = await helpDesk.get(`/api/v1/references/${reference}`);
      expect(body).toMatchObject({ check: { verdict: asksHere ? 'holds' : 'elsewhere' } });
    } finally {
      await context.close();
    }
  },
);

test('the query log: searched with a reason, followed, and whose it is takes two', {
  ...WALK,
  tags: 'night',
}, async () => {
  for (const name of ['one.passed.example', 'two.passed.example', 'log.tiktok.com'])
    await ask(scene.cordon.dns, `${name} A`, { from: LAB });
  const page = await windowOf(auditor);
  await page.goto(`${scene.origin}/queries?name=passed.example&below=1`);
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('passed.example');
  const search = page.getByRole('button', { name: 'Search', exact: true });
  await search.click();
  await page.getByText('A reason is needed').waitFor();
  expect(await page.getByRole('table').count()).toBe(0);
  await page.getByLabel('Reason').first().fill('case 8');
  await page.getByLabel('Follow new ones').check();
  await search.click();
  const row = (name: string): Locator => page.getByRole('row', { name: new RegExp(name) });
  await row('one\\.passed\\.example.*NOERROR.*lab').waitFor();
  await row('two\\.passed\\.example').waitFor();
  expect(await row('tiktok').count()).toBe(0);
  await page.getByText(/^Read back to .*; nothing older fits\.$/).waitFor();
  await ask(scene.cordon.dns, 'three.passed.example A', { from: LAB });
  await row('three\\.passed\\.example').waitFor({ timeout: 30_000 });
  await page.getByText(/[1-9]\d* queries were logged since the service started/).waitFor({ timeout: 60_000 });
  // The draft of the reason and the filters outlive a reload; nothing is asked for again by itself.
  await page.reload();
  expect(await page.getByLabel('Reason').first().inputValue()).toBe('case 8');
  expect(await page.getByRole('table').count()).toBe(0);
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  expect(new URL(page.url()).search).toBe('?follow=1');
  await page.getByLabel('Outcome').selectOption('refused');
  await search.press('Enter');
  await row('log\\.tiktok\\.com.*by tiktok').waitFor();
  const reference = (await row('log\\.tiktok\\.com').first().getByRole('link').last().textContent()) ?? '';
  expect(reference).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{2}$/);
  expect(await page.locator('main').textContent()).not.toContain('127.0.2.');
  await takePicture(page, 'queries');
  expect(await findBarriers(page)).toEqual([]);
  for (const width of [PHONE, NARROW]) {
    await page.setViewportSize({ width, height: 850 });
    expect(await scrollsSideways(page)).toBe(false);
    await takePicture(page, `queries-${width}`);
  }
  // An address takes a second person, who confirms in the API here; what came of it is told once.
  await page.getByLabel('Address or name').fill(LAB);
  await page.getByLabel('Reason').last().fill('case 8, by court order');
  await page.getByRole('button', { name: 'Ask for them' }).click();
  await page.getByText('It waits for a second person').first().waitFor();
  const acts = (await auditor.get('/api/v1/acts')).body as unknown as readonly {
    id: string;
    operation: string;
  }[];
  const waiting = acts.find(({ operation }) => operation === 'searchQueriesOf');
  const confirmed = await approver.client.post(`/api/v1/acts/${waiting?.id}/confirm`, { reason: 'agreed' });
  expect(confirmed.status).toBe(200);
  const { result } = (await auditor.post(`/api/v1/acts/${waiting?.id}/result`, {})).body as {
    result: { queries: readonly { name: string; client: string }[] };
  };
  expect(result.queries.some(({ name }) => name === 'log.tiktok.com')).toBe(true);
  expect(new Set(result.queries.map(({ client }) => client))).toEqual(new Set([reference]));
  const kept = await auditor.get('/api/v1/records/search?class=changes&kind=admin&limit=100');
  expect(kept.text).toContain('"action":"queries-searched"');
  expect(kept.text).toContain('case 8, by court order');
  // Where it cannot be searched, the page says why, and what to write.
  for (const [state, isRecorded, says] of [
    ['off', true, 'The query log is off'],
    ['receivers', true, 'only to receivers'],
    ['closed', true, 'nobody decided that they may be searched here'],
    ['files', false, 'a search would be on no record'],
  ] as const) {
    await page.route('**/api/v1/queries', (route) =>
      route.fulfill({
        json: { state, identity: 'none', sample: 1, searchableSec: 60, written: 0, lost: 0, isRecorded },
      }),
    );
    await page.reload();
    await page.getByText(says).first().waitFor();
    expect(await page.getByRole('button', { name: 'Search', exact: true }).count()).toBe(0);
    expect(await scrollsSideways(page)).toBe(false);
    if (state === 'off') expect(await findBarriers(page)).toEqual([]);
    await page.unroute('**/api/v1/queries');
  }
  // Who only administers may not, and what somebody follows is nobody else's.
  expect((await admin.get('/api/v1/queries')).status).toBe(403);
  const found = await auditor.post('/api/v1/queries/search', { reason: 'case 8', follow: true });
  const { search: id, newest } = found.body as { search: string; newest: string };
  expect((await helpDesk.get(`/api/v1/queries/${id}/new?after=${newest}`)).status).toBe(404);
  expect((await auditor.get(`/api/v1/queries/${id}/new?after=${newest}`)).status).toBe(200);
});

test('a network, and how the service was: the numbers are those of the server', {
  ...WALK,
  tags: 'night',
}, async () => {
  const page = await windowOf(operator.client);
  await page.goto(scene.origin);
  await page.getByRole('link', { name: 'headquarters' }).first().click();
  await page.getByRole('heading', { level: 1, name: 'headquarters' }).waitFor();
  await page.getByText('127.0.1.0/28').waitFor();
  await page.getByRole('row', { name: /^headquarters UDP/ }).waitFor();
  await page.goto(`${scene.origin}/health`);
  const panel = page.getByRole('region', { name: 'Queries' });
  await panel.getByText('The same as a table').click();
  const [csv] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'CSV' }).click(),
  ]);
  const [head = '', ...rows] = readFileSync(await csv.path(), 'utf8')
    .trimEnd()
    .split('\r\n');
  const column = (name: string): number[] =>
    rows.map((row) => Number(row.split(',')[head.split(',').indexOf(name)]));
  const seconds = column('seconds');
  const rates = column('queries').map((count, at) => Math.round((count / (seconds[at] ?? 1)) * 1000) / 1000);
  const cells = await panel.locator('tbody td:nth-child(2)').allTextContents();
  const shown = cells.map((text) => Number(text.replace(/[^\d.]/g, '')));
  expect(shown.length).toBeGreaterThan(0);
  expect(shown).toEqual(rates.filter((rate, at) => rate > 0 || (column('refusals')[at] ?? 0) > 0));
  const { queries } = (await operator.client.get('/api/v1/figures')).body as { queries: number };
  const counted = column('queries').reduce((sum, count) => sum + count, 0);
  // The service started within the hour, and is asked by nobody but these walks.
  expect(counted).toBeGreaterThan(0);
  expect(counted).toBeLessThanOrEqual(queries);
  await page.getByRole('button', { name: 'a week' }).click();
  await expect.poll(() => new URL(page.url()).searchParams.get('span')).toBe('week');
});

/** A name that would be a picture with a handler if anybody took it for HTML. */
const HOSTILE = '<img\\032src=x\\032onerror=document.title=1>.tiktok.com';

test(
  'a name that is pressed before the networks are known is explained for its own network',
  WALK,
  async () => {
    await ask(scene.cordon.dns, 'www.tiktok.com A', { from: LAB });
    const page = await windowOf(helpDesk);
    const address = `${scene.origin}/look-up?in=lab`;
    await handOutEmpty(page, address);
    await page.route('**/api/live', (route) => route.abort());
    // The state comes after the click, and the answer to what was asked with it after the state.
    const pressed = Promise.withResolvers<void>();
    const known = Promise.withResolvers<void>();
    for (const [path, { promise }] of [
      ['state', pressed],
      ['explain', known],
    ] as const)
      await page.route(`**/api/v1/${path}`, async (route) => {
        await promise;
        await route.continue();
      });
    await page.goto(address);
    await page
      .getByRole('link', { name: /^www\.tiktok\.com/ })
      .first()
      .click();
    pressed.resolve();
    await page.getByLabel('Asked from').getByRole('option', { name: /^lab/ }).waitFor({ state: 'attached' });
    known.resolve();
    await heading(page, /www\.tiktok\.com is refused on lab/).waitFor();
  },
);

test('refused just now leads to the explanation; names are shown as text', WALK, async () => {
  await ask(scene.cordon.dns, 'www.tiktok.com A', { from: HEADQUARTERS });
  await ask(scene.cordon.dns, `${HOSTILE} A`, { from: HEADQUARTERS });
  const page = await windowOf(helpDesk);
  // Other networks asked for it as well, and what is asked again within a while gets its record at the end of it.
  await page.goto(`${scene.origin}/look-up?in=headquarters`);
  await untilShown(page, 'www.tiktok.com');
  await untilShown(page, 'onerror');
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.title()).not.toBe('1');
  await page
    .getByRole('link', { name: /^www\.tiktok\.com/ })
    .first()
    .click();
  await heading(page, /www\.tiktok\.com is refused on headquarters/).waitFor();
  await page.getByText('is not available on agency networks').waitFor();
  await page
    .getByRole('group', { name: 'Language of the sentence' })
    .getByRole('button', { name: 'de Deutsch' })
    .click();
  await page.getByText('ist in Netzen der Behörde nicht erreichbar').waitFor();
  await takePicture(page, 'look-up-refused');
  // A link with a name does the same; so does pasting the address of a page.
  await page.goto(
    `${scene.origin}/look-up?name=${encodeURIComponent('"><img src=x onerror=alert(1)>.example')}`,
  );
  await page.getByRole('searchbox').waitFor();
  expect(await page.locator('img').count()).toBe(0);
  await page.getByRole('searchbox').fill('https://www.tiktok.com/@somebody?lang=en');
  await page.getByRole('button', { name: 'Explain' }).click();
  await heading(page, /www\.tiktok\.com is refused/).waitFor();
  // What leads to a listed name is refused by a mandate, and the way there is shown.
  const explain = async (name: string): Promise<void> => {
    await page.getByRole('searchbox').fill(name);
    await page.getByRole('button', { name: 'Explain' }).click();
  };
  await explain('alias.example.org');
  await heading(page, /alias\.example\.org is refused on /).waitFor();
  await page.getByText('On purpose: a mandate list names it').waitFor();
  expect(await page.locator('.chain').first().textContent()).toMatch(/alias\.example\.org.*www\.tiktok\.com/);
  await explain('not a name!!');
  await page.getByText(/"not a name!!" is not a domain name/).waitFor();
  expect(await page.locator('#explained').count()).toBe(0);
});

test('the rules of a list: on what evidence, how old, how often asked for, and found by a part', {
  ...WALK,
  tags: 'night',
}, async () => {
  await ask(scene.cordon.dns, 'www.tiktok.com A', { from: HEADQUARTERS });
  const page = await windowOf(helpDesk);
  const asked = page
    .locator('tr', { has: page.locator('th', { hasText: /^tiktok\.com/ }) })
    .locator('td')
    .nth(2);
  const countNow = async (): Promise<string> => {
    await page.goto(`${scene.origin}/lists/tiktok`);
    await page.getByLabel('Search the rules').fill('tiktok.com');
    return (await asked.textContent()) ?? '';
  };
  // A count holds for a minute.
  await expect.poll(countNow, { timeout: 120_000, interval: 2_000 }).toMatch(/^[1-9]\d*$/);
  const row = page.getByRole('row', { name: /^tiktok\.com/ }).first();
  expect(await row.textContent()).toMatch(/20\d\d/);
  // Who only looks does not see what others ask for.
  const viewer = await windowOf(admin);
  await viewer.goto(`${scene.origin}/lists/tiktok`);
  await viewer.getByLabel('Search the rules').waitFor();
  expect(await viewer.getByRole('columnheader', { name: 'Asked in 30 days' }).count()).toBe(0);
});

/** Names and clients by chance, among them what is listed, what leads there, who is exempt, and who may not ask. */
const lookedUp = (count: number): (readonly [name: string, client: string])[] => {
  const zones = [
    'tiktok.com',
    'alias.example.org',
    'example.net',
    'name-0#.example',
    'localhost.',
    'x#.test',
  ];
  const random = createRandom(33);
  const pick = (of: readonly string[]): string => of[random(of.length)] ?? '';
  return Array.from({ length: count }, () => {
    const zone = pick(zones).replace('#', String(random(100)).padStart(2, '0'));
    const sub = pick(['', 'www.', 'a.b.', '_dmarc.', `n${random(1_000_000)}.`]);
    return [sub + zone, pick(['127.0.0.9', HEADQUARTERS, LAB, EXEMPT, '203.0.113.9'])] as const;
  });
};
const OUTCOME_TITLES: Readonly<Record<string, string>> = {
  refused: 'is refused on',
  passes: 'passes on',
  local: 'is answered by Cordon itself on',
};

for (const [options, cases] of inTwo(lookedUp(500), (_, index) => index < 5))
  test(`look up tells what explain tells, in ${cases.length} cases by chance`, {
    ...WALK,
    ...options,
    timeout: 300_000,
  }, async () => {
    const page = await windowOf(helpDesk);
    await page.goto(`${scene.origin}/look-up`);
    await page.getByLabel('Asked from').selectOption({ label: 'one address…' });
    for (const [name, client] of cases) {
      await page.getByLabel('Address of the client').fill(client);
      await page.getByRole('searchbox').fill(name);
      const [asked] = await Promise.all([
        page.waitForRequest(/\/v1\/explain$/),
        page.getByRole('button', { name: 'Explain' }).click(),
      ]);
      // Asked again, and not by the page.
      const { status, body } = await helpDesk.post('/api/v1/explain', asked.postDataJSON());
      expect([name, client, status]).toEqual([name, client, 200]);
      const found = body as unknown as Explanation;
      const title = OUTCOME_TITLES[found.outcome] ?? 'could not be resolved on';
      await page
        .locator('#verdict')
        .getByText(`${name.replace(/\.$/, '')} ${title} ${found.group}`)
        .waitFor();
      const text = (await page.locator('#explained').textContent()) ?? '';
      const isMandate = found.allowed && found.rules.some(({ mandate }) => mandate);
      const told = [text.includes('On purpose: a mandate list names it'), text.includes(client)];
      expect([name, client, ...told]).toEqual([name, client, isMandate && found.outcome === 'refused', true]);
      for (const { list, target = '' } of found.rules)
        expect([text.includes(list), text.includes(target.replace(/\.$/, ''))]).toEqual([true, true]);
    }
  });

test('refusals over time: the most asked leads to its records, and everything is a filter', {
  ...WALK,
  tags: 'night',
}, async () => {
  await ask(scene.cordon.dns, 'www.tiktok.com A', { from: HEADQUARTERS });
  const page = await windowOf(auditor);
  await page.goto(`${scene.origin}/refusals?days=7`);
  await page.getByRole('heading', { level: 2, name: /^\d+ refusals?$/ }).waitFor();
  await page.getByRole('combobox', { name: 'Shown by' }).selectOption('network');
  const legend = async (): Promise<string> => {
    await page.getByRole('button', { name: 'Read again' }).click();
    return (await page.locator('.legend').allTextContents()).join();
  };
  await expect.poll(legend, { timeout: 60_000, interval: 1_000 }).toContain('headquarters');
  await page.getByRole('link', { name: 'headquarters' }).click();
  await expect.poll(() => new URL(page.url()).searchParams.get('group')).toBe('headquarters');
  const [csv] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'CSV' }).click(),
  ]);
  const lines = readFileSync(await csv.path(), 'utf8').split('\r\n');
  expect(lines[0]).toBe('from,seconds,list,network,refusals');
  expect(lines.some((line) => /^\d{4}-.*Z,21600,tiktok,headquarters,\d+$/.test(line))).toBe(true);
  await page.getByRole('link', { name: 'www.tiktok.com', exact: true }).click();
  await page
    .getByText(/^Refused: /)
    .first()
    .waitFor();
  expect(await page.getByLabel('Name has').inputValue()).toBe('www.tiktok.com');
  // Changes are sentences: what was refused does not read like what was granted.
  await page.goto(`${scene.origin}/proof?tab=changes`);
  await page.locator('tbody th').first().waitFor();
  const rows = await page.locator('tbody th').allTextContents();
  const told = rows.map((row) => row.split('The record itself')[0] ?? '');
  expect(told.filter((text) => text === '' || /room-|action:/.test(text))).toEqual([]);
  await page.getByRole('button', { name: 'Check now' }).click();
  await page
    .getByText(/records were checked on .*: nothing is missing or changed/)
    .waitFor({ timeout: 60_000 });
});

test('somebody changes password, app and passkey without anybody else', {
  ...WALK,
  tags: 'night',
}, async () => {
  const page = await windowOf(operator.client);
  await addAuthenticator(page);
  await page.goto(`${scene.origin}/account`);
  await page.getByRole('button', { name: 'Make a passkey' }).click();
  await stepUpIfAsked(page, operator.secret, page.getByText(/^Passkey of /));
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByText(/^Passkey of /).waitFor({ state: 'detached' });
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('img', { name: 'QR code of the key below' }).waitFor();
  await takePicture(page, 'account-app');
  expect(await findBarriers(page)).toEqual([]);
});

/** Members with what the service says in its own words; of most there is nothing just now. */
const OWN_WORDS: ReadonlySet<string> = new Set(['fault', 'hint', 'lastFailure', 'todo', 'why']);
const PLANTED = 'planted words that the service wrote';

const plantWords = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plantWords);
  if (typeof value !== 'object' || value === null) return value;
  const planted = Object.entries(value).map(([key, of]) => {
    if (OWN_WORDS.has(key) && (of === null || typeof of === 'string')) return [key, PLANTED];
    if (key === 'obstacle') return [key, { text: PLANTED, todo: PLANTED }];
    if (key === 'findings' || (key === 'notes' && Array.isArray(of))) return [key, [PLANTED]];
    if (key === 'proof' && of !== null) return [key, { ...of, state: 'unasked', reason: PLANTED }];
    if (key === 'unasked') return [key, [{ view: 'group:lab', reason: PLANTED }]];
    return [key, plantWords(of)];
  });
  return Object.fromEntries(planted) as unknown;
};

test('in German the words of the service are folded away on every page, and there to be opened', {
  ...WALK,
  tags: 'night',
}, async () => {
  const page = await windowOf(admin, { locale: 'de' });
  await page.route('**/api/v1/**', async (route) => {
    const response = await route.fetch();
    const isJson = response.headers()['content-type']?.includes('json') === true;
    if (route.request().method() !== 'GET' || !isJson) await route.fulfill({ response });
    else await route.fulfill({ response, json: plantWords(await response.json()) });
  });
  for (const path of ['/lists/feed', '/proof', '/networks/lab']) {
    await page.goto(`${scene.origin}${path}`);
    await page.locator('details.raw').first().waitFor({ state: 'attached' });
    const folded = page.locator('details.raw:not([open]) p[lang=en]', { hasText: PLANTED });
    expect([path, await folded.count()]).not.toEqual([path, 0]);
    expect(await page.evaluate('document.body.innerText')).not.toContain(PLANTED);
  }
  await page.goto(`${scene.origin}/settings?tab=configuration`);
  const one = page.locator('details.raw').first();
  await one.waitFor({ state: 'attached' });
  expect(await page.evaluate('document.body.innerText')).not.toContain(PLANTED);
  await one.locator('summary').click();
  await one.getByText(PLANTED).first().waitFor();
  expect(await findBarriers(page)).toEqual([]);
});

test('without script every page says what is missing, in four languages', WALK, async () => {
  const context = await scene.browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${scene.origin}/sign-in`);
  for (const lang of ['en', 'de', 'fr', 'nl']) await page.locator(`.noscript p[lang=${lang}]`).waitFor();
  await context.close();
});

test('rows are found by a part of their name, and a filter can be seen and cleared', {
  ...WALK,
  tags: 'night',
}, async () => {
  const page = await windowOf(helpDesk);
  await page.goto(`${scene.origin}/look-up`);
  const row = page.getByRole('link', { name: /^www\.tiktok\.com/ }).first();
  await page.getByLabel('Name has').fill('w.tik');
  await row.waitFor();
  await page.getByLabel('Name has').fill('no-such-name');
  await page.getByText('No row has all of this.').waitFor();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await row.waitFor();
  expect(await page.getByLabel('Name has').inputValue()).toBe('');
});

test('rows stay where they are: newer ones wait behind a button', { ...WALK, tags: 'night' }, async () => {
  const page = await windowOf(helpDesk);
  await page.goto(`${scene.origin}/look-up`);
  const rows = page.locator('#just-now').locator('xpath=ancestor::section').locator('tbody tr');
  await rows.first().waitFor();
  const before = await rows.allTextContents();
  await ask(scene.cordon.dns, 'fresh.tiktok.com A', { from: LAB });
  await page.getByRole('button', { name: /newer: show/ }).waitFor({ timeout: 90_000 });
  expect((await rows.allTextContents()).length).toBe(before.length);
  await page.getByRole('button', { name: /newer: show/ }).click();
  await page.getByRole('link', { name: /^fresh\.tiktok\.com/ }).waitFor();
});

test('a report is made, and downloaded with its signature', { ...WALK, tags: 'night' }, async () => {
  const page = await windowOf(auditor);
  await page.goto(`${scene.origin}/reports`);
  await page.getByLabel('Period').selectOption('today');
  await page.getByRole('button', { name: 'Make a report' }).click();
  const link = page.getByRole('link', { name: /\.html$/ }).first();
  await link.waitFor({ timeout: 90_000 });
  await page
    .getByRole('link', { name: /\.html\.sig$/ })
    .first()
    .waitFor();
  await takePicture(page, 'report-made');
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  const report = readFileSync(await download.path(), 'utf8');
  expect(report).toContain(AGENCY);
  // Made by who asked for it, and not by the account of the program.
  expect(report).toMatch(/Made by[^.]*?udo\.auditor/s);
});

/** The act that waits on a page of acts, by a key that it changes. */
const actOf = (page: Page, key: string) =>
  page.getByRole('article').filter({ has: page.getByRole('rowheader', { name: key }) });

test('the configuration is changed by two: problem, difference, reason, confirmation', {
  ...WALK,
  tags: 'night',
}, async () => {
  const page = await windowOf(operator.client);
  await page.goto(`${scene.origin}/settings?tab=configuration`);
  const text = page.getByLabel('Text of the configuration');
  const before = await text.inputValue();
  const changed = before.replace('mailto:desk@', 'mailto:help@');
  await text.fill(`${changed}notise: {}\n`);
  await page.getByRole('button', { name: 'Check, and show the difference' }).click();
  await page.getByText('1 problem. Nothing was changed.').waitFor();
  await page.getByText('did you mean "notice"?').waitFor();
  await takePicture(page, 'configuration-problem');
  await page.getByRole('button', { name: /^line \d+:1$/ }).click();
  expect(await page.locator(':focus').getAttribute('id')).toBe(await text.getAttribute('id'));
  await text.fill(changed);
  await page.getByRole('button', { name: 'Check, and show the difference' }).click();
  await page.getByRole('rowheader', { name: 'notice.contact' }).first().waitFor();
  await page.getByText('A second person confirms: Approver.').waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download the text' }).click(),
  ]);
  expect(readFileSync(await download.path(), 'utf8')).toContain('mailto:help@');
  // Tried on what was asked until now; who confirms sees it as well.
  await page.getByRole('button', { name: 'What would have been different?' }).click();
  await page.getByText(/^Newly passing: 0 queries/).waitFor({ timeout: 60_000 });
  await page.getByLabel('Reason').fill('Refused people shall read why.');
  await takePicture(page, 'configuration-difference');
  await page.getByRole('button', { name: 'Ask to put it in force' }).click();
  await stepUpIfAsked(page, operator.secret, page.getByText('Asked. It waits for a second person.'));

  // Somebody else is in the middle of another change, and loses nothing when this one takes effect.
  const other = await windowOf(operator.client);
  await other.goto(`${scene.origin}/settings?tab=configuration`);
  const unsaved = other.getByLabel('Text of the configuration');
  await unsaved.fill(`${before}# not sent yet\n`);

  const confirms = await windowOf(approver.client, { width: PHONE });
  await confirms.goto(`${scene.origin}/acts`);
  await confirms.getByRole('rowheader', { name: 'notice.contact' }).first().waitFor();
  await confirms.getByText(/^Newly passing: 0 queries/).waitFor();
  await takePicture(confirms, 'configuration-confirm-phone');
  await actOf(confirms, 'notice.contact').getByRole('button', { name: 'Confirm and do it' }).click();
  await stepUpIfAsked(confirms, approver.secret, confirms.getByText('Confirmed and done.'));
  await page.getByRole('heading', { name: 'Earlier texts' }).waitFor();
  await other.getByText('Another configuration took effect since you began.').waitFor();
  expect(await unsaved.inputValue()).toBe(`${before}# not sent yet\n`);
  await other.getByRole('button', { name: 'Begin again with what is in force' }).click();
  expect(await unsaved.inputValue()).toBe(changed);
  // What was asked for is in force: the page that asked has nothing of its own.
  expect(await page.getByText('Another configuration took effect').count()).toBe(0);
});

test('the paragraphs of the notice are changed by two, on a phone', { ...WALK, tags: 'night' }, async () => {
  const page = await windowOf(operator.client, { width: PHONE });
  await page.goto(`${scene.origin}/settings?tab=notice`);
  await page.getByLabel('Network').selectOption('lab');
  await page.getByLabel('Français').fill('Le laboratoire a ses propres règles.');
  await page.getByRole('button', { name: 'Check, and show the difference' }).click();
  await page.getByRole('rowheader', { name: 'groups[lab].notice.text.fr' }).waitFor();
  expect(await scrollsSideways(page)).toBe(false);
  await takePicture(page, 'notice-difference-phone');
  await page.getByLabel('Reason').fill('The laboratory asked for it.');
  await page.getByRole('button', { name: 'Ask to put it in force' }).click();
  await stepUpIfAsked(page, operator.secret, page.getByText('Asked. It waits for a second person.'));
  const confirms = await windowOf(approver.client);
  await confirms.goto(`${scene.origin}/acts`);
  await actOf(confirms, 'groups[lab].notice.text.fr')
    .getByRole('button', { name: 'Confirm and do it' })
    .click();
  await stepUpIfAsked(confirms, approver.secret, confirms.getByText('Confirmed and done.'));
  await expect
    .poll(async () => {
      await page.goto(`${scene.origin}/settings?tab=notice`);
      await page.getByLabel('Network').selectOption('lab');
      return await page.getByLabel('Français').inputValue();
    })
    .toBe('Le laboratoire a ses propres règles.');
});

test('no role is shown fields, places and links of what it may not do', WALK, async () => {
  const fieldsOf = (page: Page): Promise<number> =>
    page.locator('main').locator('input, select, textarea, button').count();
  // An administrator looks up neither names nor records.
  const page = await windowOf(admin);
  await page.goto(`${scene.origin}/look-up?name=www.tiktok.com`);
  await page.getByText('Looking names up is for the help desk').waitFor();
  expect([await fieldsOf(page), await page.locator('main').getByRole('alert').count()]).toEqual([0, 0]);
  expect(await page.getByRole('link', { name: 'Look up' }).count()).toBe(0);
  await page.goto(`${scene.origin}/proof?tab=records`);
  await page.getByText('Your role does not show this').waitFor();
  expect(await fieldsOf(page)).toBe(0);
  await page.goto(scene.origin);
  await page.getByRole('region', { name: 'Last changes' }).waitFor();
  expect(await page.locator('main a[href^="/look-up"], main a[href^="/refusals"]').count()).toBe(0);
  // A help desk has neither people nor tokens.
  const desk = await windowOf(helpDesk);
  await desk.goto(`${scene.origin}/settings`);
  const tabs = desk.getByRole('navigation', { name: 'Settings' }).getByRole('link');
  await tabs.first().waitFor();
  expect(await tabs.allTextContents()).toEqual(['Signing in', 'Networks']);
  await desk.goto(`${scene.origin}/settings?tab=people`);
  await desk.getByText('Your role does not show this').waitFor();
});

test('keys lead to places, the skip link to the content, and both can be turned off', {
  ...WALK,
  tags: 'night',
}, async () => {
  const page = await windowOf(operator.client);
  await page.goto(scene.origin);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('Tab');
  expect(await page.locator(':focus').textContent()).toBe('Skip to content');
  await page.keyboard.press('Enter');
  expect(await page.locator(':focus').getAttribute('id')).toBe('main');
  await page.keyboard.press('g');
  await page.keyboard.press('l');
  await page.getByRole('heading', { level: 1, name: 'Lists' }).waitFor();
  await page.keyboard.press('/');
  await page.getByRole('searchbox').waitFor();
  await expect.poll(async () => await page.locator(':focus').getAttribute('type')).toBe('search');
  await page.keyboard.type('g l');
  expect(new URL(page.url()).pathname).toBe('/look-up');
  await page.locator('h1').click();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).getByLabel('Single keys do something').uncheck();
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('l');
  expect(new URL(page.url()).pathname).toBe('/look-up');
});

test('rows are narrow for who wants them so, and paper has the page without what leads elsewhere', {
  ...WALK,
  tags: 'night',
}, async () => {
  const page = await windowOf(operator.client);
  const heightOfRow = async (): Promise<number> => {
    await page.goto(`${scene.origin}/lists`);
    const row = page.locator('tbody tr').first();
    await row.waitFor();
    return (await row.boundingBox())?.height ?? 0;
  };
  const usual = await heightOfRow();
  await page.goto(`${scene.origin}/account`);
  await page.getByLabel('Narrow rows: more on one screen').check();
  expect(await heightOfRow()).toBeLessThan(usual);
  expect(await page.getByRole('navigation').first().isVisible()).toBe(true);
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  expect(await page.getByRole('navigation').first().isVisible()).toBe(false);
  await page.getByRole('heading', { level: 1, name: 'Lists' }).waitFor();
  // Ink on paper, whatever the screen has.
  const color = String(await page.evaluate("getComputedStyle(document.querySelector('h1')).color"));
  expect(Math.max(...(color.match(/\d+/g) ?? []).slice(0, 3).map(Number))).toBeLessThan(100);
});

interface Paint {
  readonly paintMs: number;
  readonly asked: readonly { readonly path: string; readonly atMs: number }[];
}

test('the first thing that is drawn has the numbers: before anything is asked of the API', WALK, async () => {
  const page = await windowOf(operator.client);
  await page.goto(`${scene.origin}/sign-in`);
  await page.goto(scene.origin);
  await page.getByRole('heading', { level: 1, name: /^(?:In force|Not in force)/ }).waitFor();
  await expect.poll(() => page.evaluate('performance.getEntriesByType("paint").length')).toBe(2);
  const { paintMs, asked } = (await page.evaluate(`({
    paintMs: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    asked: performance.getEntriesByType('resource')
      .map(({ name, startTime }) => ({ path: new URL(name).pathname, atMs: startTime }))
      .filter(({ path }) => path.startsWith('/api/')),
  })`)) as Paint;
  const early = asked.filter(({ path, atMs }) => path !== '/api/live' && atMs <= paintMs);
  expect(early).toEqual([]);
  // Nothing had to be asked at all: the page brought session and state.
  expect(asked.filter(({ path }) => path === '/api/v1/state' || path === '/api/session')).toEqual([]);
});

test(
  'without script the overview can be read, and the policy of the page has nothing against it',
  WALK,
  async () => {
    const context = await scene.browser.newContext({ javaScriptEnabled: false, locale: 'fr' });
    await context.addCookies(
      [...operator.client.cookies].map(([name, value]) => ({
        name,
        value,
        url: scene.origin,
        httpOnly: true,
      })),
    );
    const page = await context.newPage();
    watch(page);
    await page.goto(scene.origin);
    expect(await page.locator('h1').textContent()).toMatch(/^(?:En vigueur|Pas en vigueur) sur/);
    expect(await page.locator('html').getAttribute('lang')).toBe('fr');
    expect(await page.locator('.headline').getAttribute('class')).toMatch(/ok|warn|bad/);
    expect(await page.locator('button[aria-pressed="true"]').getAttribute('lang')).toBe('fr');
    await takePicture(page, 'no-script');
  },
);

test('nobody looks, no stream: a hidden page holds none', { ...WALK, tags: 'night' }, async () => {
  const page = await windowOf(operator.client);
  const requests: string[] = [];
  page.on('request', (request) => requests.push(new URL(request.url()).pathname));
  await page.goto(scene.origin);
  await page.getByRole('heading', { level: 1, name: /In force|Not in force/ }).waitFor();
  await expect.poll(() => requests.filter((path) => path === '/api/live').length).toBe(1);
  await page.evaluate(`
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));`);
  const before = requests.length;
  await page.evaluate('new Promise((resolve) => setTimeout(resolve, 1500))');
  expect(requests.length).toBe(before);
  await page.evaluate(`
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'visible' });
    document.dispatchEvent(new Event('visibilitychange'));`);
  await expect.poll(() => requests.filter((path) => path === '/api/live').length).toBe(2);
});

test('who comes back to a page reads what was decided meanwhile, and holds only the page still that they held', {
  ...WALK,
  tags: 'night',
}, async () => {
  await operator.client.post('/api/session/step-up', { code: await freshCode(operator.secret) });
  const asked = await operator.client.post('/api/v1/pause', { ms: 1_800_000, reason: 'drill 9' });
  expect(asked.status, asked.text).toBe(202);
  const { id } = asked.body['pending'] as { readonly id: string };
  const page = await windowOf(approver.client);
  await page.goto(scene.origin);
  await page.getByRole('button', { name: 'Hold still' }).click();
  await page
    .getByRole('link', { name: /^Exemptions/ })
    .first()
    .click();
  await page.getByRole('heading', { name: 'In force', exact: true }).waitFor();
  await page.goto(`${scene.origin}/acts`);
  await page.getByText('drill 9').waitFor();
  const turn = (state: string): Promise<unknown> =>
    page.evaluate(`
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${state}' });
      document.dispatchEvent(new Event('visibilitychange'));`);
  // Where nobody else looks, the server tells nothing of what was before.
  await turn('hidden');
  const { status } = await operator.client.post(`/api/v1/acts/${id}/withdraw`, { reason: 'over' });
  expect(status).toBe(200);
  await turn('visible');
  await page.getByText('drill 9').waitFor({ state: 'detached' });
});

/** Every page with what it is called in pictures, and who may see it whole. */
const PLACES: readonly (readonly [name: string, path: string, who: () => RoomClient])[] = [
  ['overview', '/', () => operator.client],
  ['look-up', '/look-up?name=www.tiktok.com', () => operator.client],
  ['exemptions', '/exemptions', () => operator.client],
  ['exemption-new', '/exemptions/new', () => operator.client],
  ['exemption', '/exemptions/ex-000001', () => approver.client],
  ['lists', '/lists', () => operator.client],
  ['list', '/lists/feed', () => operator.client],
  ['refusals', '/refusals?days=7', () => operator.client],
  ['queries-empty', '/queries', () => operator.client],
  ['health', '/health', () => operator.client],
  ['network', '/networks/headquarters', () => operator.client],
  ['proof', '/proof', () => auditor],
  ['changes', '/proof?tab=changes', () => auditor],
  ['records', '/proof?tab=records', () => auditor],
  ['reports', '/reports', () => auditor],
  ['people', '/settings', () => admin],
  ['tokens', '/settings?tab=tokens', () => admin],
  ['sign-in-settings', '/settings?tab=sign-in', () => admin],
  ['networks', '/settings?tab=networks', () => admin],
  ['configuration', '/settings?tab=configuration', () => operator.client],
  ['notice-texts', '/settings?tab=notice', () => operator.client],
  ['account', '/account', () => operator.client],
  ['acts', '/acts', () => approver.client],
  ['not-found', '/nothing-here', () => operator.client],
  ['sign-in', '/sign-in', () => new RoomClient(scene.origin)],
];

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** What axe-core finds, one line each. */
const findBarriers = async (page: Page): Promise<string[]> => {
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate(
    'axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })',
  )) as AxeResult;
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
};

/** True when a page is wider than its window. */
const scrollsSideways = async (page: Page): Promise<boolean> =>
  (await page.evaluate('document.documentElement.scrollWidth > window.innerWidth')) as boolean;

const settle = async (page: Page): Promise<void> => {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
};

// Colors differ between themes, order and names between widths: two of the four see all there is, and pictures are of all.
const LOOKS: readonly (readonly [string, string, 'light' | 'dark', number])[] = [
  ['every fifth page', 'phone', 'dark', PHONE],
  ['every other page', 'phone', 'dark', PHONE],
  ['every page', 'desktop', 'light', 1280],
  ...(arePicturesWanted
    ? ([
        ['every page', 'desktop', 'dark', 1280],
        ['every page', 'phone', 'light', PHONE],
      ] as const)
    : []),
];
for (const [options, looks] of inTwo(LOOKS, (_, index) => index === 0))
  test.each(looks)(
    '%s, %s, %s: nothing is in the way of anybody',
    { ...WALK, ...options },
    async (which, device, scheme, width) => {
      const findings: string[] = [];
      const windows = new Map<RoomClient, Page>();
      const isFifth = which === 'every fifth page';
      const places = PLACES.filter((_, index) => which === 'every page' || (index % 5 === 0) === isFifth);
      for (const [name, path, who] of places) {
        const client = name === 'sign-in' ? new RoomClient(scene.origin) : who();
        const page = windows.get(client) ?? (await windowOf(client, { width, height: 850, scheme }));
        windows.set(client, page);
        await page.goto(scene.origin + path);
        await settle(page);
        // Each is called by its own heading, and the overview by the state.
        // The title of the window follows a frame later.
        const isCalledSo = async (): Promise<boolean> =>
          (await page.title()).startsWith((await page.locator('h1').first().textContent()) ?? '');
        await vi
          .waitUntil(isCalledSo, { timeout: 5_000 })
          .catch(async () => findings.push(`${name} is called ${await page.title()}`));
        await takePicture(page, `${name}-${device}-${scheme}`);
        if (await scrollsSideways(page)) findings.push(`${name} scrolls sideways at ${width}`);
        if ((device === 'desktop') === (scheme === 'light'))
          findings.push(...(await findBarriers(page)).map((found) => `${name} ${device} ${scheme} ${found}`));
        if (device === 'phone' && scheme === 'dark') {
          await page.setViewportSize({ width: NARROW, height: 850 });
          if (await scrollsSideways(page)) findings.push(`${name} scrolls sideways at ${NARROW}`);
          await page.setViewportSize({ width, height: 850 });
        }
      }
      expect(findings).toEqual([]);
    },
  );

for (const [options, locales] of inTwo(['de', 'fr', 'nl'], (_, index) => index === 0))
  test.each(locales)(
    'in %s no word is left in English, and nothing is wider than a phone',
    {
      ...WALK,
      ...options,
    },
    async (locale) => {
      const page = await windowOf(operator.client, { width: NARROW, locale });
      for (const path of [
        '/',
        '/look-up?name=www.tiktok.com',
        '/exemptions/new',
        '/lists/feed',
        '/refusals',
        '/queries?source=cache',
        '/health',
        '/networks/lab',
        '/account',
        '/proof?tab=changes',
        '/proof',
      ]) {
        await page.goto(scene.origin + path);
        await settle(page);
        expect(await page.locator('html').getAttribute('lang')).toBe(locale);
        expect(await page.getByRole('navigation').first().textContent()).not.toContain('Overview');
        expect([path, await scrollsSideways(page)]).toEqual([path, false]);
        await takePicture(page, `${locale}${path.replace(/[^a-z]+/g, '-')}`);
      }
    },
  );

/** Has a page come without what the program knew when it handed it out. */
const handOutEmpty = (page: Page, address: string): Promise<unknown> =>
  page.route(address, async (route) => {
    const response = await route.fetch();
    const body = (await response.text())
      .replace(/<script type="application\/json"[\s\S]*?<\/script>/, '')
      .replace(/<div id="room">[\s\S]*<\/div>\n/, '<div id="room"></div>\n');
    await route.fulfill({ response, body });
  });

/** Opens the overview with a state of the program's in which the headline is another. */
const openStubbed = async (stub: StubbedHeadline, width: number, scheme: 'light' | 'dark'): Promise<Page> => {
  const page = await windowOf(operator.client, { width, height: 850, scheme });
  await page.route('**/api/live', (route) => route.abort());
  await page.route('**/api/v1/state', async (route) => {
    const response = await route.fetch();
    const state = (await response.json()) as { headline: object; time: string };
    const now = Date.parse(state.time);
    await route.fulfill({
      response,
      json: { ...state, headline: { ...state.headline, ...stub.headline(now) } },
    });
  });
  // What was handed out with the page would be shown first, and its state is the real one.
  await handOutEmpty(page, `${scene.origin}/`);
  await page.goto(scene.origin);
  return page;
};

const STUBS = STUBBED_HEADLINES.map((stub) => [stub.name, stub] as const);
for (const [options, stubs] of inTwo(STUBS, ([name]) => name === 'not-in-force'))
  test.each(stubs)(
    'the headline when it is %s: sentence, shape and color say it',
    { ...WALK, ...options },
    async (name, stub) => {
      for (const [width, scheme] of [
        [1280, 'light'],
        [PHONE, 'dark'],
      ] as const) {
        const page = await openStubbed(stub, width, scheme);
        await page.getByRole('heading', { level: 1, name: stub.says }).waitFor();
        await expect
          .poll(async () => await page.locator('.headline').getAttribute('class'))
          .toContain(stub.tone);
        expect(await page.locator(`.headline > .st-${stub.mark}`).count()).toBe(1);
        // A number stays with its unit.
        expect((await page.title()).replaceAll('\u00a0', ' ')).toMatch(stub.says);
        await takePicture(page, `state-${name}-${width}-${scheme}`);
        // One state of each tone: the others differ in words only.
        if (width === 1280 && ['in-force', 'starting', 'leaking', 'stale'].includes(name))
          expect(await findBarriers(page)).toEqual([]);
      }
    },
  );

test('silence is never green: no word from the resolver', WALK, async () => {
  const page = await windowOf(operator.client);
  await page.clock.install();
  await page.goto(scene.origin);
  await page.getByRole('heading', { level: 1, name: /In force|Not in force/ }).waitFor();
  await page.route('**/api/**', (route) => route.abort());
  await page.context().setOffline(true);
  // A last word may have been under way: then it takes as long again.
  const forwarded = async (): Promise<string | null> => {
    await page.clock.fastForward(30_000);
    return page.locator('h1').first().textContent();
  };
  await expect.poll(forwarded, { interval: 500 }).toMatch(/^No word from the resolver/);
  expect(await page.locator('.headline').getAttribute('class')).toContain('none');
  expect(await page.locator('.headline .said').textContent()).toContain('may no longer be so');
  await takePicture(page, 'state-no-word');
});

test('the exemption that was approved held until its end, which was while others walked', {
  tags: 'night',
  ...WALK,
  timeout: 240_000,
}, async () => {
  // The field has whole seconds.
  expect(await ended).toBeGreaterThanOrEqual(Math.floor(until.getTime() / 1000) * 1000);
});

test('no page was refused anything by its own policy, and none threw', WALK, () => {
  expect(faults).toEqual([]);
});
