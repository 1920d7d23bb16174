// @module-tag night
// Every state of the headline that can be brought about from outside, in the running program, and what a page says of it.
//
// One program and one browser: accidents are made happen to it one after the other, and each is seen on two open pages,
// which nobody loads again; status, readiness, metric and log are held against what the pages say. So is every row of what needs somebody for the sake of the service; that of a fleet whose
// authority is not heard is in fleet-page.test.ts. Pictures go to dist/pictures. What cannot be brought about here is in
// test/unit/enforcement/headline.test.ts: a recorder that is held up by its disk, records off (which takes a start), a clock of
// a fleet, a network that nobody can ask as.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPages } from '../../pages/build.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { openBrowser } from '../support/browser.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { ask } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { HealthWatch } from '../support/health.ts';
import { content, ListServer } from '../support/list-server.ts';
import { StrangeUpstream } from '../support/misbehaving-upstream.ts';
import { takePicture } from '../support/pictures.ts';
import { type Cordon, isInstalled, needing, run, startCordon } from '../support/process.ts';
import { codeOf, RoomClient } from '../support/room-client.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const load = (name: string): string =>
  `--import=${pathToFileURL(fileURLToPath(new URL(`../support/${name}`, import.meta.url))).href}`;
const PASSWORD = 'four words without any sense';
const LISTED = 'www.order.example';
const HOUR_MS = 3_600_000;
const WAIT_MS = 90_000;
const WAIT = { timeout: WAIT_MS, interval: 100 };
/** Longer than the probe waits behind a change, for another one. */
const PROBE_SETTLE_MS = 4_000;
/** So long a certificate lives that has to end while the test looks. */
const CERTIFICATE_DAYS = 45 / 86_400;
/** Bytes of a file at most: no record fits any more. */
const NO_BYTES = 1;

const hasChromium = isInstalled('chromium');
/** For what hangs: each step waits for itself. */
const WALK = { ...needing('chromium'), timeout: 240_000 };

let folder: string;
let upstream: ScriptedUpstream;
/** An encrypted upstream whose certificate nobody here trusts, and a receiver of records that may be closed. */
let stranger: StrangeUpstream;
let receiver: Receiver;
let lists: ListServer;
let browser: Browser;
let cordon: Cordon;
let client: RoomClient;
/** Asks everybody who says what is wrong. */
let watch: HealthWatch;
let secret: string;
let files: Readonly<Record<string, string>>;
/** At desktop width in English, and at phone width in German. */
let desk: Page;
let phone: Page;

interface Setting {
  readonly lab?: string;
  /** Of the list `order`. */
  readonly order?: string;
  readonly probe?: string;
  /** Lines beside. */
  readonly more?: string;
}

const configOf = ({
  lab = '[order, feed]',
  order = 'mandate: true',
  probe = 'interval: 2s, rate: 10000',
  more = '',
}: Setting = {}): string => `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
state: ${join(folder, 'state')}
agency: Example Agency
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
probe: { ${probe}, listeners: false, controls: [www.free.example] }
lists:
  - { id: order, file: order.txt, ${order} }
  - { id: own, file: own.txt }
  - { id: feed, url: "http://127.0.0.1:${lists.port}/feed.txt", format: domains, mandate: true, refresh: 5m }
groups:
  - { name: default, lists: [order, feed] }
  - { name: lab, clients: ["127.0.2.0/29"], lists: ${lab} }
compliance: { pause-max: 1h }
control-room: { listen: "127.0.0.1:0", pages: ${join(folder, 'pages')} }
${more}
`;

/** Takes what a resolver sends by syslog, and forgets it. */
class Receiver {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  port = 0;

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket)));
      socket.resume();
    });
  }

  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    await receiver.listen();
    return receiver;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(this.port, '127.0.0.1', () => {
        const address = this.#server.address();
        this.port = typeof address === 'object' && address !== null ? address.port : 0;
        resolve();
      });
    });
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

const FEED = Array.from({ length: 40 }, (_, index) => `name-${index}.example\n`);

beforeAll(async () => {
  if (!hasChromium) return;
  folder = mkdtempSync(join(tmpdir(), 'cordon-headlines-'));
  [upstream, stranger, receiver, lists, browser] = await Promise.all([
    ScriptedUpstream.open((query) => answer(query, [`${query.name} 0 IN A 203.0.113.1`])),
    StrangeUpstream.open({
      ...{ transport: 'tls', reply: () => undefined },
      certificate: CertificateAuthority.create().issue({ names: ['DNS:other.example.net'] }),
    }),
    Receiver.open(),
    ListServer.open(),
    openBrowser(),
    buildPages(join(folder, 'pages')),
  ]);
  lists.set('/feed.txt', content(FEED.join('')));
  const { certificate, key } = CertificateAuthority.create().issue({
    ...{ names: ['DNS:dns.example.net'], endsInDays: CERTIFICATE_DAYS },
  });
  files = { 'cert.pem': certificate, 'key.pem': key, 'own.txt': 'own.example\n' };
  await start({
    NODE_OPTIONS: [load('dead-workers.mjs'), load('hang.mjs'), load('other-clock.mjs')].join(' '),
  });
  await openPages();
});

/** Starts the program, with an administrator who is signed in. */
const start = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
  cordon = await startCordon({ config: configOf(), files, env });
  watch = new HealthWatch(cordon, join(folder, 'state'));
  const first = await cordon.waitForLog(({ msg }) => msg.startsWith('nobody is administrator'));
  const link = String(first['url']);
  client = await new RoomClient(new URL(link).origin).open();
  secret = await client.enrol(link, 'A. Administrator', PASSWORD);
};

afterAll(async () => {
  await browser?.close();
  await cordon?.kill();
  await Promise.all([lists?.close(), upstream?.close(), stranger?.stop(), receiver?.close()]);
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const openPages = async (): Promise<void> => {
  desk = await openPage(1280, 'light', 'en');
  phone = await openPage(390, 'dark', 'de');
};

const openPage = async (width: number, colorScheme: 'light' | 'dark', locale: string): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width, height: 850 }, colorScheme, locale });
  context.setDefaultTimeout(WAIT_MS);
  await context.addCookies(
    [...client.cookies].map(([name, value]) => ({ name, value, url: client.origin, httpOnly: true })),
  );
  const page = await context.newPage();
  await page.goto(client.origin);
  return page;
};

const runCommand = (...args: string[]) =>
  runCommandHere([...args, '--config', join(cordon.directory, 'cordon.yaml')]);

const command = async (...args: string[]): Promise<void> => {
  const { code, stderr } = await runCommand(...args);
  expect([args, code, stderr]).toEqual([args, 0, '']);
};

/** Fetches the list, whatever comes of it. */
const refresh = (): Promise<unknown> => runCommand('lists', 'refresh', 'feed');

const put = (name: string, text: string): void => {
  writeFileSync(join(cordon.directory, `${name}.new`), text);
  renameSync(join(cordon.directory, `${name}.new`), join(cordon.directory, name));
};
const remove = (name: string): void => rmSync(join(cordon.directory, name), { force: true });

/** Puts another configuration in force. */
const reload = async (setting: Setting = {}): Promise<void> => {
  put('cordon.yaml', configOf(setting));
  const from = cordon.logs().length;
  cordon.signal('SIGHUP');
  await cordon.waitForLog(({ msg }) => msg === 'reloaded', from);
};

/** As it is read: a number and its unit hold together by another blank. */
const headingOf = async (page: Page): Promise<string> =>
  ((await page.locator('h1').first().textContent()) ?? '').replaceAll('\u00a0', ' ');

const saidOn = async (page: Page): Promise<string> =>
  ((await page.locator('.headline .said').first().textContent()) ?? '').replaceAll('\u00a0', ' ');

interface Seen {
  readonly says: RegExp;
  readonly german: RegExp;
  readonly tone: 'ok' | 'warn' | 'bad' | 'none';
  /** Of the sentence below. */
  readonly because?: RegExp;
}

/** Waits until both pages say it, without loading them again. */
const expectSeen = async (name: string, { says, german, tone, because }: Seen): Promise<void> => {
  await expect.poll(() => headingOf(desk), WAIT).toMatch(says);
  await expect.poll(() => headingOf(phone), WAIT).toMatch(german);
  expect([name, await desk.locator('.headline').getAttribute('class')]).toEqual([
    name,
    expect.stringContaining(tone),
  ]);
  if (because !== undefined) await expect.poll(() => saidOn(desk), WAIT).toMatch(because);
  await takePicture(desk, `real-${name}-desktop`);
  await takePicture(phone, `real-${name}-phone`, false);
};

const needsOf = async (page: Page): Promise<string> =>
  (await page.locator('.needs li').allTextContents()).join('\n');

/** Waits for a row of what needs a person. */
const expectNeed = async (says: RegExp, german: RegExp): Promise<void> => {
  await expect.poll(() => needsOf(desk), WAIT).toMatch(says);
  await expect.poll(() => needsOf(phone), WAIT).toMatch(german);
};

/** Waits until a row is gone. */
const expectNoNeed = (says: RegExp): Promise<unknown> =>
  expect.poll(() => needsOf(desk), WAIT).not.toMatch(says);

const IN_FORCE: Seen = {
  says: /^In force on 2 of 2 networks$/,
  german: /^In Kraft in 2 von 2 Netzen$/,
  tone: 'ok',
  because: /^Last proven/,
};

test('without its lists it says that it starts, and that nothing resolves yet', WALK, async () => {
  await expectSeen('starting', {
    says: /^Starting: nothing resolves yet$/,
    german: /^Start: Noch wird nichts aufgelöst$/,
    tone: 'none',
    because: /SERVFAIL/,
  });
});

test('with its lists it is in force, and proven on both networks', WALK, async () => {
  put('order.txt', 'order.example\n');
  await reload();
  await expectSeen('in-force', IN_FORCE);
});

test('a certificate that will end is told of before', WALK, async () => {
  await expectNeed(/certificate of the encrypted listeners ends soon/, /läuft bald ab/);
});

test('an upstream that is not who it should be, and a receiver that takes no records', WALK, async () => {
  await reload({
    more: `
forward: [{ zones: [secure.example], upstreams: ["tls://127.0.0.1:${stranger.endpoint.port}#dns.example.net"] }]
records: { outputs: [{ to: "syslog+tcp://127.0.0.1:${receiver.port}" }] }`,
  });
  expect((await ask(cordon.dns, 'www.secure.example A')).rcode).toBe(RCODE.SERVFAIL);
  await expectNeed(
    /The upstream tls:\/\/127\.0\.0\.1:\d+\S* did not prove who it is\./,
    /Der Upstream tls:\/\/\S+ wies nicht nach, wer er ist\./,
  );
  // What the resolver was told went nowhere else.
  expect(stranger.queries).toEqual([]);
  await receiver.close();
  await expectNeed(
    /The output syslog\+tcp:\S+ takes no records\./,
    /Die Ausgabe syslog\+tcp:\S+ nimmt nichts an\./,
  );
  await watch.expectWrong('upstream-untrusted', 'output-stuck');
  // Neither says anything about the prohibition.
  await expectSeen('untrusted-and-stuck', IN_FORCE);
  await receiver.listen();
  await expectNoNeed(/takes no records/);
  await reload();
  await expectNoNeed(/did not prove/);
});

test('paused', WALK, async () => {
  await command('pause', '10m', '--reason', 'Incident 2026-41.');
  await expectSeen('paused', {
    says: /^Paused by .*: names pass on all networks for (?:9 min \d+ s|10 min) more$/,
    german: /^Ausgesetzt durch /,
    tone: 'bad',
    because: /“Incident 2026-41\.” Ends by itself at \d\d:\d\d\./,
  });
  await watch.expectWrong('not-in-force');
  await command('resume', '--reason', 'over');
  await expectSeen('resumed', IN_FORCE);
});

test(
  'a network without its mandate list, one whose list only counts, and nobody by decision',
  WALK,
  async () => {
    await reload({ lab: '[own]' });
    await expectSeen('no-mandate-list', {
      says: /^No mandate list in force on 1 of 2 networks$/,
      german: /^Keine Pflichtliste in Kraft in 1 von 2 Netzen$/,
      tone: 'bad',
      because: /^lab: only ordinary lists since/,
    });
    await reload({ order: 'log-only: true' });
    await expectSeen('log-only', {
      says: /^No mandate list in force on 2 of 2 networks$/,
      german: /^Keine Pflichtliste in Kraft in 2 von 2 Netzen$/,
      tone: 'bad',
      because: /not in force since .*: order\./,
    });
    await reload();
    await expectSeen('lists-back', IN_FORCE);
  },
);

test('what the probe found in a pause stands until it has found something else', WALK, async () => {
  await command('pause', '5m', '--reason', 'Incident 2026-42.');
  const from = cordon.logs().length;
  await cordon.waitForLog(({ msg }) => msg.startsWith('the self-probe got answers'), from);
  // So slowly that all of it is asked again long after it was seen.
  await reload({ probe: 'interval: 1h, rate: 1' });
  await command('resume', '--reason', 'over');
  await expectSeen('leaking', {
    says: /^Not in force on 2 of 2 networks: \d+ names resolve$/,
    german: /^Nicht in Kraft in 2 von 2 Netzen: \d+ Namen werden aufgelöst$/,
    tone: 'bad',
    because: /found by the probe .*\.example.* answered\./,
  });
  await watch.expectWrong('leaking');
  await reload();
  await expectSeen('no-longer-leaking', IN_FORCE);
});

test('a held list needs a person and leaves the headline alone', WALK, async () => {
  lists.set('/feed.txt', content(FEED.slice(0, 10).join('')));
  await refresh();
  await expectNeed(/A new content of feed is held/, /Ein neuer Inhalt von feed ist angehalten/);
  await watch.expectWrong('list-held feed');
  await expectSeen('list-held', IN_FORCE);
  lists.set('/feed.txt', content(FEED.join('')));
  await refresh();
});

test('the server of a list is gone, at first and for too long', WALK, async () => {
  lists.set('/feed.txt', (_request, response) => void response.destroy());
  await refresh();
  await expectNeed(/The source of feed was not reached/, /Die Quelle von feed war zuletzt nicht erreichbar/);
  await watch.expectWrong('list-failing feed');
  // Nobody waits three times the interval: the record says that it was days ago.
  const path = join(folder, 'state/lists/feed/record.json');
  const was = readFileSync(path, 'utf8');
  const checked = new Date(Date.now() - 72 * HOUR_MS).toISOString();
  const now = was.replace(/("checkedAt(?:Ms)?":\s*)("[^"]*"|\d+)/, (_, name: string, value: string) =>
    value.startsWith('"') ? `${name}"${checked}"` : `${name}${Date.parse(checked)}`,
  );
  expect(now).not.toBe(was);
  writeFileSync(path, now);
  await expectSeen('stale', {
    says: /^In force on 2 of 2 networks, with a list 3 days old$/,
    german: /^In Kraft in 2 von 2 Netzen, mit einer 3 Tage alten Liste$/,
    tone: 'warn',
    because: /^feed: source not reached since/,
  });
  await watch.expectWrong('list-stale feed');
  lists.set('/feed.txt', content(FEED.join('')));
  await refresh();
  await expectSeen('list-reached', IN_FORCE);
});

test('all upstreams are down', WALK, async () => {
  upstream.onQuery(() => undefined);
  await expectSeen('upstream-down', {
    says: /^In force, but unproven on 2 of 2 networks/,
    german: /^In Kraft, aber .*nicht nachgewiesen in 2 von 2 Netzen/,
    tone: 'warn',
    because: /did not get the answers that it should have had/,
  });
  await expectNeed(/No upstream answers\./, /Kein Upstream antwortet\./);
  upstream.onQuery((query) => answer(query, [`${query.name} 0 IN A 203.0.113.1`]));
  await expectSeen('upstream-up', IN_FORCE);
});

test('no worker lives', WALK, async () => {
  put('dead-workers', '');
  await expectSeen('no-worker', {
    says: /^Not in force anywhere for \d+ s$/,
    german: /^Nirgends in Kraft seit \d+ (?:s|Sek)/,
    tone: 'bad',
    because: /^No worker runs: queries get no answer\./,
  });
  await expectNeed(/No worker runs\. Queries get no answer\./, /Kein Arbeiter läuft\./);
  await watch.expectWrong('workers-missing 1/1', 'not-in-force');
  remove('dead-workers');
  await expectSeen('workers-back', IN_FORCE);
  await expectNoNeed(/No worker runs/);
});

test('the disk takes no records', WALK, async () => {
  const limit = async (bytes: string): Promise<void> => {
    const { code, stderr } = await run('prlimit', ['--pid', String(cordon.pid), `--fsize=${bytes}:`]);
    expect([code, stderr]).toEqual([0, '']);
  };
  await limit(String(NO_BYTES));
  await ask(cordon.dns, `${LISTED} A`);
  await expectSeen('unrecorded', {
    says: /^In force, but not recorded since \d\d:\d\d$/,
    german: /^In Kraft, aber seit \d\d:\d\d nicht aufgezeichnet$/,
    tone: 'warn',
    because: /^Records cannot be written\./,
  });
  await watch.expectWrong('unrecorded');
  // Nothing of it costs a client an answer, or a refusal.
  expect((await ask(cordon.dns, `${LISTED} A`)).rcode).toBe(RCODE.NXDOMAIN);
  await limit('unlimited');
  await expectSeen('recorded-again', IN_FORCE);
});

test('records that cannot be read are said to be so, and the strip is no evidence', WALK, async () => {
  const directory = join(folder, 'state/records/changes');
  const [newest = ''] = readdirSync(directory)
    .filter((name) => name.endsWith('.sqlite'))
    .toReversed();
  const damaged = join(directory, `000000-${newest.slice(7)}`);
  writeFileSync(damaged, 'no database\n'.repeat(1_000));
  await expectSeen('unreadable', {
    says: /^In force, but not recorded$/,
    german: /^In Kraft, aber nicht aufgezeichnet$/,
    tone: 'warn',
    because: /^The records cannot be read\./,
  });
  rmSync(damaged);
  await expectSeen('readable', IN_FORCE);
});

/** Waits until the runs that a change leads to are over, of which one behind a step of the clock would prove it again. */
const untilProbed = async (): Promise<void> => {
  let before = -1;
  const isOver = async (): Promise<boolean> => {
    const { last, running } = JSON.parse((await client.get('/api/v1/probe')).text) as {
      readonly last: { readonly run: number } | null;
      readonly running: unknown;
    };
    const { run = -1 } = last ?? {};
    const isSame = running === null && run === before;
    before = run;
    return isSame;
  };
  await expect.poll(isOver, { ...WAIT, interval: PROBE_SETTLE_MS }).toBe(true);
};

test('the clock was set back: what was proven then proves nothing now', WALK, async () => {
  await reload({ probe: 'interval: 1h' });
  await untilProbed();
  await expectSeen('before-the-clock', IN_FORCE);
  // Less than what sessions allow for: somebody has to look.
  put('clock', String(-4 * 60_000));
  await expectSeen('clock', {
    says: /^In force, but unproven on 2 of 2 networks/,
    german: /^In Kraft, aber .*nicht nachgewiesen in 2 von 2 Netzen/,
    tone: 'warn',
    because: /the clock was set back, so it proves nothing/,
  });
  remove('clock');
  await reload();
  await expectSeen('after-the-clock', IN_FORCE);
});

test('a certificate that ended', WALK, async () => {
  await expectNeed(/certificate of the encrypted listeners has ended/, /ist abgelaufen/);
  await watch.expectWrong('certificate-ended');
  await takePicture(desk, 'real-certificate-desktop');
});

test('no word: the program stands still', WALK, async () => {
  cordon.signal('SIGSTOP');
  try {
    await expectSeen('no-word', {
      says: /^No word from the resolver for \d+ s$/,
      german: /^Seit \d+ .* keine Nachricht vom Resolver$/,
      tone: 'none',
      because: /That may no longer be so\./,
    });
  } finally {
    cordon.signal('SIGCONT');
  }
  await desk.getByRole('heading', { level: 1, name: /^(?:In force|Not in force|Starting)/ }).waitFor();
});

test('a clock that was set far ends sessions, and whoever signs in again is told', WALK, async () => {
  put('clock', String(2 * HOUR_MS));
  await expect.poll(() => headingOf(desk), WAIT).toBe('Sign in');
  client = await new RoomClient(client.origin).open();
  const signedIn = await client.post('/api/session/password', {
    ...{ name: 'A. Administrator', password: PASSWORD },
    code: codeOf(secret, (2 * HOUR_MS) / 30_000),
  });
  expect([signedIn.status, signedIn.text]).toEqual([200, expect.any(String)]);
  await Promise.all([desk, phone].map((page) => page.context().close()));
  await openPages();
  await expectNeed(/The clock of the resolver is wrong/, /Die Uhr des Resolvers geht falsch/);
  await watch.expectWrong('clock-wrong');
  await takePicture(desk, 'real-clock-far-desktop');
});

test(
  'the state directory is deleted underneath, and a start that finds no register it can use',
  WALK,
  async () => {
    rmSync(join(folder, 'state'), { recursive: true });
    await expectNeed(/The state directory is gone\./, /Das Zustandsverzeichnis ist fort\./);
    await watch.expectWrong('state-directory');
    await takePicture(desk, 'real-state-gone-desktop');
    await cordon.kill();
    mkdirSync(join(folder, 'state'), { recursive: true });
    writeFileSync(join(folder, 'state/register.sqlite'), 'no database\n'.repeat(1_000));
    await start();
    await Promise.all([desk, phone].map((page) => page.context().close()));
    await openPages();
    await expectNeed(
      /The register of exemptions cannot be used\./,
      /Das Register der Ausnahmen ist nicht brauchbar\./,
    );
    await watch.expectWrong('exemptions-unusable');
    await takePicture(desk, 'real-register-desktop');
  },
);
