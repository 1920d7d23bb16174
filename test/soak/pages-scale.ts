// Every page of a large control room in a browser: a million records of a month, 5,000 exemptions, 200 networks, 100,000 rules, and
// forty resolvers. When something is first drawn, when everything is there and the page answers again; and what ten open pages
// take of a core.
//
// npm run pages:scale -- --records 1000000 --exemptions 5000 --networks 200 --rules 100000 --rounds 3. On a quiet machine some minutes,
// most of them for making it. Ends with 1 where a bound is passed. Forty resolvers are given to the page in place of the server's answer, as
// test/integration/fleet-page.test.ts does; what the DNS loses is `npm run bench -- room`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { readMainNs, readRunNs } from '../../bench/process.ts';
import { buildPages } from '../../pages/build.ts';
import { DAY_MS } from '../../src/base/base.ts';
import { RETENTION } from '../../src/config/retention.ts';
import { Recording } from '../../src/evidence/records/recording.ts';
import { createEventRing, EventReader, EventWriter } from '../../src/telemetry/events/event-ring.ts';
import { openBrowser } from '../support/browser.ts';
import { ask } from '../support/client.ts';
import { fleetOfForty, probesOfForty } from '../support/fleet-state.ts';
import { openProgramRoom, type ProgramRoom } from '../support/program-room.ts';
import { eventOf, UNBOUNDED } from '../support/record-events.ts';
import type { RoomClient } from '../support/room-client.ts';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    exemptions: { type: 'string', default: '5000' },
    networks: { type: 'string', default: '200' },
    rules: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
  },
});
const [records, exemptions, networks, rules, rounds] = [
  Number(values.records),
  Number(values.exemptions),
  Number(values.networks),
  Number(values.rules),
  Number(values.rounds),
];

/** Bounds, milliseconds: of the first thing that is drawn, and of the whole page. */
const PAINT_MS_MAX = 500;
const WHOLE_MS_MAX = 1_000;
/** Of one core that the program may take for ten pages. */
const TEN_SHARE_MAX = 0.03;
const TEN_SECONDS = 20;
const TEN_ROUNDS = 3;
const DAYS = 30;
/** Events between two looks of the recorder. */
const BATCH = 2_000;
const RING_BYTES = 1 << 22;

const PLACES = [
  ...[
    '/',
    '/look-up',
    '/look-up?name=www.order-7.example',
    '/lists',
    '/lists/order',
    '/lists/order?tab=rules',
  ],
  ...['/exemptions', '/exemptions/new', '/exemptions/ex-000001', '/refusals', '/refusals?days=91&by=network'],
  ...[
    '/health',
    '/health?span=week',
    '/networks/net-7',
    '/devices/$REFERENCE',
    '/proof',
    '/proof?tab=changes',
  ],
  ...[
    '/proof?tab=records',
    '/queries',
    '/reports',
    '/resolvers',
    '/acts',
    '/account',
    '/settings',
    '/settings?tab=tokens',
  ],
  ...['/settings?tab=networks', '/settings?tab=configuration', '/settings?tab=notice'],
];

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const groupNames = Array.from({ length: networks }, (_, index) => `net-${index}`);
const nameAt = (index: number): string => `order-${index}.example`;

/** A month of refusals, as a recorder writes them: 2,000 clients, 3,000 names, a fifth of them often. */
const writeRecords = (directory: string): void => {
  const ring = createEventRing(RING_BYTES);
  const writer = new EventWriter(ring);
  const startMs = Date.now() - DAYS * DAY_MS;
  let nowMs = startMs;
  const recording = new Recording({
    ...{ readers: [new EventReader(ring)], droppedBefore: [], outputs: [], isResumed: false },
    ...{ resolver: 'ns1.agency.example', version: '1', identity: { kind: 'pseudonym', rotateMs: DAY_MS } },
    bounds: UNBOUNDED,
    retention: { queries: RETENTION['m-26-14'], changes: RETENTION['m-26-14'] },
    heads: { everyMs: 3_600_000 },
    directory,
    ...{ clock: () => nowMs, monotonic: () => nowMs - startMs },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    pause: () => Promise.resolve(),
  });
  recording.define({
    generation: 1,
    groups: ['default', ...groupNames],
    lists: [{ id: 'order', category: 'order', version: '0123456789ab' }],
  });
  const stepMs = (DAYS * DAY_MS - 3_600_000) / (records / BATCH);
  for (let written = 0; written < records; ) {
    for (let at = 0; at < BATCH && written < records; at++, written++) {
      const client = (written * 7919) % 2_000;
      const name = written % 5 === 0 ? written % 40 : (written * 104_729) % 3_000;
      writer.write(
        eventOf({
          timeMs: nowMs,
          client: `10.${client >> 8}.${client & 0xff}.7`,
          group: 1 + (client % networks),
          qname: `www.${nameAt(name)}`,
          qtype: written % 3 === 0 ? 28 : 1,
        }),
      );
    }
    nowMs += stepMs;
    recording.tick();
  }
  recording.close();
};

/** By client: being proven again; many ask at the same time, and a code is good once. */
const proving = new Map<RoomClient, Promise<void>>();

/** What somebody proved holds for five minutes, and thousands of exemptions take longer. */
const post = async (client: RoomClient, path: string, body: unknown): Promise<string> => {
  let { status, text } = await client.post(`/api/v1/${path}`, body);
  if (status === 403 && text.includes('ERR_ROOM_STEP_UP')) {
    const proof = proving.get(client) ?? client.prove().finally(() => proving.delete(client));
    proving.set(client, proof);
    await proof;
    ({ status, text } = await client.post(`/api/v1/${path}`, body));
  }
  if (status >= 300) throw new Error(`${path}: ${text}`);
  return text;
};

/** So many at the same time. */
const inTurns = async (
  count: number,
  width: number,
  act: (index: number) => Promise<unknown>,
): Promise<void> => {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await act(next++);
    }),
  );
};

const makeExemptions = async (officer: RoomClient, approver: RoomClient): Promise<void> => {
  await inTurns(exemptions, 8, async (index) => {
    const text = await post(officer, 'exemptions', {
      grounds: 'law-enforcement',
      justification: `Case 2026-${index} needs the accounts of two suspects to be watched as the public sees them.`,
      alternatives: 'Records asked of the company by warrant take weeks.',
      mitigations: ['Two standalone devices on a separate network.'],
      clients: [`10.${(index >> 8) & 0xff}.${index & 0xff}.9/32`],
      names: [nameAt(index % 1_000)],
      until: new Date(Date.now() + (2 + (index % 25)) * DAY_MS).toISOString(),
    });
    const { id } = JSON.parse(text) as { id: string };
    if (index > 0 && index % 500 === 0) say(`${index} exemptions`);
    if (index % 50 !== 0) await post(approver, `exemptions/${id}/approve`, { role: 'agency-head' });
  });
};

/** When a page stands: the first drawn thing, and everything; milliseconds since it was asked for. */
interface Timing {
  readonly paintMs: number;
  readonly wholeMs: number;
  /** Of what was asked of the server, what took longest. */
  readonly slowest: string;
}

/** In the page: notes when a heading is there and nothing is awaited, and long tasks. */
const WATCH = `
  globalThis.scale = { wholeMs: 0, busyEndMs: 0 };
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) scale.busyEndMs = Math.max(scale.busyEndMs, startTime + duration);
  }).observe({ type: 'longtask', buffered: true });
  const look = () => {
    const isWhole = document.querySelector('h1') !== null && document.querySelector('[aria-busy=true]') === null;
    if (!isWhole) scale.wholeMs = 0;
    else if (scale.wholeMs === 0) scale.wholeMs = performance.now();
    requestAnimationFrame(look);
  };
  look();`;

const READ = `({
  paintMs: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
  wholeMs: Math.max(scale.wholeMs, scale.busyEndMs),
  slowest: performance.getEntriesByType('resource').filter(({ name }) => name.includes('/api/v1/'))
    .sort((a, b) => b.duration - a.duration).slice(0, 1)
    .map(({ name, duration }) => new URL(name).pathname.slice(7) + ' ' + Math.round(duration)).join(''),
})`;
/** So long nothing changes before a page counts as whole. */
const STILL_MS = 400;
const WAIT_MS = 20_000;

const look = async (page: Page, address: string): Promise<Timing> => {
  await page.goto(address);
  const giveUpMs = performance.now() + WAIT_MS;
  while (performance.now() < giveUpMs) {
    await sleep(100);
    const stillMs = Number(
      await page.evaluate('scale.wholeMs === 0 ? 0 : performance.now() - scale.wholeMs'),
    );
    if (stillMs > STILL_MS) return (await page.evaluate(READ)) as Timing;
  }
  return { paintMs: 0, wholeMs: WAIT_MS, slowest: 'never whole' };
};

const windowOf = async (browser: Browser, client: RoomClient): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en' });
  await context.addCookies(
    [...client.cookies].map(([name, value]) => ({ name, value, url: client.origin, httpOnly: true })),
  );
  const page = await context.newPage();
  await page.addInitScript(WATCH);
  const [fleet, probes] = [fleetOfForty(Date.now()), probesOfForty(Date.now())];
  await page.route('**/api/v1/fleet', (route) => route.fulfill({ json: fleet }));
  await page.route('**/api/v1/fleet/probe', (route) => route.fulfill({ json: probes }));
  return page;
};

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

/** Pages and what each took. Each is opened anew, in a window that has never seen any. */
const measure = async (client: RoomClient, reference: string): Promise<boolean> => {
  const browser = await openBrowser();
  let holds = true;
  try {
    process.stdout.write(
      '| page | first drawn, ms | whole, ms (worst) | slowest answer, ms |\n| --- | --- | --- | --- |\n',
    );
    for (const place of PLACES.map((one) => one.replace('$REFERENCE', reference))) {
      const timings: Timing[] = [];
      for (let round = 0; round < rounds; round++) {
        const page = await windowOf(browser, client);
        timings.push(await look(page, client.origin + place));
        await page.context().close();
      }
      const paintMs = median(timings.map((one) => one.paintMs));
      const wholeMs = median(timings.map((one) => one.wholeMs));
      const worstMs = Math.max(...timings.map((one) => one.wholeMs));
      const isGood = paintMs <= PAINT_MS_MAX && wholeMs <= WHOLE_MS_MAX;
      holds &&= isGood;
      process.stdout.write(
        `| ${place} | ${Math.round(paintMs)} | ${Math.round(wholeMs)} (${Math.round(worstMs)})${isGood ? '' : ' **over**'} | ${timings.at(-1)?.slowest} |\n`,
      );
    }
  } finally {
    await browser.close();
  }
  return holds;
};

/** Shares of one core: of the main thread, and of all threads, which collect garbage and read files beside it. */
interface Shares {
  readonly main: number;
  readonly all: number;
}

/** What the program takes for ten open pages beyond what it takes when nobody looks: the medians of windows in turns. */
const sharesOfTen = async (room: ProgramRoom, clients: readonly RoomClient[]): Promise<Shares> => {
  const child = spawn(process.execPath, [new URL('../../bench/viewers.ts', import.meta.url).pathname], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { pid } = room.cordon;
  const take = async (): Promise<Shares> => {
    const [main, all, startMs] = [readMainNs(pid), readRunNs(pid), performance.now()];
    await sleep(TEN_SECONDS * 1_000);
    const ns = (performance.now() - startMs) * 1e6;
    return { main: (readMainNs(pid) - main) / ns, all: (readRunNs(pid) - all) / ns };
  };
  const more: Shares[] = [];
  try {
    child.stdin.write(
      `${JSON.stringify({ origin: clients[0]?.origin, cookies: clients.map(({ cookieText }) => cookieText) })}\n`,
    );
    for (let round = 0; round < TEN_ROUNDS; round++) {
      const nobody = await take();
      child.stdin.write('open\n');
      await lines.next();
      await sleep(2_000);
      const ten = await take();
      child.stdin.write('close\n');
      say(`ten pages: ${String((await lines.next()).value)}`);
      await sleep(2_000);
      more.push({ main: ten.main - nobody.main, all: ten.all - nobody.all });
    }
    return { main: median(more.map(({ main }) => main)), all: median(more.map(({ all }) => all)) };
  } finally {
    child.kill();
    await once(child, 'exit');
  }
};

const findReference = async (client: RoomClient): Promise<string> => {
  for (let tries = 0; tries < 100; tries++) {
    const { text } = await client.get('/api/v1/refusals?limit=1');
    const found = /"([0-9A-Z]{4}-[0-9A-Z]{2})"/.exec(text)?.[1];
    if (found !== undefined) return found;
    await sleep(300);
  }
  throw new Error('nothing refused is shown');
};

const place = mkdtempSync(join(tmpdir(), 'cordon-scale-'));
let room: ProgramRoom | undefined;
try {
  const beganMs = performance.now();
  const told = (what: string): void => say(`${((performance.now() - beganMs) / 1000).toFixed(0)} s: ${what}`);
  writeRecords(join(place, 'state', 'records'));
  told(`${records} records`);
  await buildPages(join(place, 'pages'));
  room = await openProgramRoom({
    config: `
state: ${join(place, 'state')}
lists: [{ id: order, file: order.txt, mandate: true }]
groups:
  - { name: default, lists: [order] }
${groupNames.map((name, at) => `  - { name: ${name}, clients: ["10.${at}.0.0/16"], lists: [order] }`).join('\n')}
control-room: { listen: "127.0.0.1:0", pages: ${join(place, 'pages')} }
`,
    files: { 'order.txt': Array.from({ length: rules }, (_, at) => `${nameAt(at)}\n`).join('') },
  });
  told('the program answers');
  const officer = await room.signIn('operator');
  const approver = await room.signIn('approver');
  await makeExemptions(officer, approver);
  told(`${exemptions} exemptions`);
  const auditor = await room.signIn('auditor');
  // What was refused just now is told by the program itself, not from the records of before.
  for (let at = 0; at < 200; at++) await ask(room.cordon.dns, `www.${nameAt(at % 90)} A`);
  // Counts of a partition are made once, by the first who looks, and kept.
  const firstMs = performance.now();
  const { text } = await auditor.get('/api/v1/refusals/figures?days=91');
  told(`the first look at refusals took ${Math.round(performance.now() - firstMs)} ms, ${text.length} bytes`);
  const holds = await measure(auditor, await findReference(officer));
  told('pages');
  const { main, all } = await sharesOfTen(room, [officer, approver]);
  const isCheap = Math.max(main, all) <= TEN_SHARE_MAX;
  const percent = (share: number): string => (share * 100).toFixed(1);
  process.stdout.write(
    `\nten open pages: ${percent(all)} % of a core, ${percent(main)} of the main thread (at most ${TEN_SHARE_MAX * 100})\n`,
  );
  process.exitCode = holds && isCheap ? 0 : 1;
} finally {
  await room?.close();
  rmSync(place, { recursive: true, force: true });
}
