// @module-tag night
// A quarter in the real program: twenty groups, exemptions, an outage of a list, a leaking view, a pause, a crash.
//
// The wall clock is moved from day to day; queries are real datagrams of real addresses. What the report says is
// compared with what this test counted when it sent them.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../../src/evidence/report/model.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric, reload } from '../support/client.ts';
import { FakeTime, fakeTimeLibrary } from '../support/fake-time.ts';
import { content, ListServer, status } from '../support/list-server.ts';
import { approveAsOther, hasOtherUser, OTHER_NAME } from '../support/other-user.ts';
import { type Cordon, type RunResult, run, skipWithout, startCordon } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2027, 3, 1);
const DAYS = 91;
const GROUPS = Array.from({ length: 20 }, (_, index) => `g${String(index + 1).padStart(2, '0')}`);
const LISTED = 'www.tiktok.com. A';
const FEED_NAME = 'ads.feed.example. A';
const OPEN = 'www.example.com. A';
/** The day on which a thing happens, from 0. */
const ON = {
  exemption: 3,
  outage: 20,
  outageEnd: 23,
  renewal: 30,
  exemptionEnd: 33,
  leak: 40,
  leakEnd: 42,
  second: 50,
  revoked: 55,
  pause: 60,
  renewalEnd: 63,
  crash: 70,
} as const;

/** One query as it was sent. */
interface Sent {
  readonly day: number;
  readonly group: string;
  readonly client: string;
  readonly kind: 'refusal' | 'would-refuse' | 'exemption-hit' | 'none';
  readonly list: string;
}

const state = mkdtempSync(join(tmpdir(), 'cordon-quarter-'));
const sent: Sent[] = [];
let time: FakeTime;
let upstream: ScriptedUpstream;
let lists: ListServer;
let cordon: Cordon;

const groupLines = (leaking: string | undefined): string =>
  GROUPS.map((name, index) => {
    const inForce = name === leaking ? '[feed]' : '[tiktok, feed]';
    return `  - { name: ${name}, clients: ["127.1.${index + 1}.0/24"], lists: ${inForce} }`;
  }).join('\n');

const configOf = (leaking?: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 2
state: ${state}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - id: tiktok
    shipped: tiktok
    mandate: true
    decision: { authority: Council of Ministers, reference: Circular 7, in-force-from: 2026-10-01, review: 2027-06-15 }
  - { id: feed, url: "${lists.url('/feed.txt', '127.0.0.1')}", refresh: 6h, format: domains }
groups:
  - { name: default, lists: [tiktok, feed] }
${groupLines(leaking)}
compliance:
  profile: us-federal
  approvers:
    - { name: ${OTHER_NAME}, role: agency-head }
records: { identity: pseudonym }
probe: { interval: 0s, rate: 10000, listeners: false, controls: ["www.example.com"] }
`;

const start = (leaking?: string): Promise<Cordon> =>
  startCordon({ config: configOf(leaking), env: time.env });

beforeAll(async () => {
  if (fakeTimeLibrary() === undefined) return;
  time = new FakeTime(START_MS + 8 * HOUR_MS);
  lists = await ListServer.open();
  lists.set('/feed.txt', content('feed.example\n'));
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(
    new AnswerBook()
      .set(LISTED, ['www.tiktok.com. 60 IN A 192.0.2.1'])
      .set(FEED_NAME, ['ads.feed.example. 60 IN A 192.0.2.2'])
      .set(OPEN, ['www.example.com. 60 IN A 192.0.2.3']).handler,
  );
  // The program's own file goes with it; commands read this one, before and after.
  writeFileSync(join(state, 'cordon.yaml'), configOf());
  cordon = await start();
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
  await lists?.close();
  time?.remove();
  rmSync(state, { recursive: true, force: true });
});

const command = (...args: string[]): Promise<RunResult> =>
  run(process.execPath, [PROGRAM, ...args, '--config', join(state, 'cordon.yaml')], {
    env: time.env,
    timeoutMs: 90_000,
  });

const done = async (...args: string[]): Promise<string> => {
  const result = await command(...args);
  expect(result, `${args.join(' ')}: ${result.stderr}${result.stdout}`).toMatchObject({ code: 0 });
  return result.stdout;
};

const send = async (
  day: number,
  group: string,
  host: number,
  question: string,
  kind: Sent['kind'],
  rcode: number,
): Promise<void> => {
  const client = `127.1.${GROUPS.indexOf(group) + 1}.${host}`;
  const reply = await ask(cordon.dns, question, { from: client });
  expect(reply.rcode, `${question} for ${client} on day ${day}`).toBe(rcode);
  const list = question === FEED_NAME ? 'feed' : 'tiktok';
  if (kind !== 'none') sent.push({ day, group, client, kind, list });
};

/** What each group asks on a day: none to two queries for the listed name, now and then others. */
const sendDay = async (day: number): Promise<void> => {
  for (const [index, group] of GROUPS.entries()) {
    const isLeaking = group === 'g07' && day >= ON.leak && day < ON.leakEnd;
    for (let attempt = 0; attempt < (day * 7 + index * 3) % 3; attempt++) {
      const host = 20 + ((day + attempt) % 4);
      if (isLeaking) await send(day, group, host, LISTED, 'none', RCODE.NOERROR);
      else await send(day, group, host, LISTED, 'refusal', RCODE.NXDOMAIN);
    }
    if (index === day % GROUPS.length) await send(day, group, 30, FEED_NAME, 'refusal', RCODE.NXDOMAIN);
    if ((index + day) % 10 === 0) await send(day, group, 31, OPEN, 'none', RCODE.NOERROR);
  }
  await sendExempted(day, 'g05', day > ON.exemption && day < ON.renewalEnd);
  await sendExempted(day, 'g09', day > ON.second && day <= ON.revoked);
};

/** One query of the client whose address the exemptions name. */
const sendExempted = (day: number, group: string, isExempted: boolean): Promise<void> =>
  isExempted
    ? send(day, group, 10, LISTED, 'exemption-hit', RCODE.NOERROR)
    : send(day, group, 10, LISTED, 'refusal', RCODE.NXDOMAIN);

const dayStart = (day: number): number => START_MS + day * DAY_MS;
const iso = (ms: number): string => new Date(ms).toISOString();

/** Asks for an exemption and has it approved; gives its id. */
const grant = async (group: string, fromDay: number, untilDay: number, renews?: string): Promise<string> => {
  const file = join(state, 'request.yaml');
  const lines = [
    'requested-by: R. Researcher',
    'grounds: security-research',
    'justification: The application has to be watched in a laboratory to find out what it sends home.',
    'alternatives: Recordings of others do not show the versions that are installed here.',
    'mitigations: ["Two standalone devices on a separate network."]',
    `clients: ["127.1.${GROUPS.indexOf(group) + 1}.10/32"]`,
    `from: "${iso(dayStart(fromDay))}"`,
    `until: "${iso(dayStart(untilDay))}"`,
    ...(renews === undefined ? [] : [`renews: ${renews}`]),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const { id } = JSON.parse(await done('exemptions', 'request', '--file', file, '--json')) as { id: string };
  await approveAsOther(state, id);
  return id;
};

const written = async (): Promise<void> => {
  const count = sent.filter(({ kind }) => kind !== 'none').length;
  await expect
    .poll(() => readMetric(cordon, 'cordon_records_written_total', { chain: 'queries' }), { timeout: 90_000 })
    .toBeGreaterThan(0);
  await expect.poll(() => readMetric(cordon, 'cordon_records_backlog_bytes'), { timeout: 90_000 }).toBe(0);
  expect(count).toBeGreaterThan(0);
};

const ids = { first: '', renewal: '', second: '' };
/** Numbers of what happened that the report has to tell. */
let queriesBeforeCrash = 0;

const events: Readonly<Record<number, () => Promise<void>>> = {
  [ON.exemption]: async () => {
    ids.first = await grant('g05', ON.exemption + 1, ON.exemptionEnd);
  },
  [ON.outage]: async () => {
    lists.set('/feed.txt', status(500));
    expect((await command('lists', 'refresh', 'feed')).code).toBe(1);
  },
  [ON.outageEnd]: async () => {
    lists.set('/feed.txt', content('feed.example\nnew.feed.example\n'));
    await done('lists', 'refresh', 'feed');
  },
  [ON.renewal]: async () => {
    ids.renewal = await grant('g05', ON.exemptionEnd, ON.renewalEnd, ids.first);
  },
  [ON.leak]: async () => {
    expect(await reload(cordon, { 'cordon.yaml': configOf('g07') })).toMatchObject({ isRefused: false });
    expect((await command('probe')).code).toBe(1);
  },
  [ON.leakEnd]: async () => {
    expect(await reload(cordon, { 'cordon.yaml': configOf() })).toMatchObject({ isRefused: false });
    expect((await command('probe')).code).toBe(0);
  },
  [ON.second]: async () => {
    ids.second = await grant('g09', ON.second + 1, ON.second + 30);
  },
};

/** After the traffic of the day. */
const afterwards: Readonly<Record<number, () => Promise<void>>> = {
  [ON.revoked]: async () => {
    await done('exemptions', 'revoke', ids.second, '--reason', 'the study is over');
  },
  [ON.pause]: async () => {
    await done('pause', '10m', '--reason', 'incident 7');
    for (const group of GROUPS.slice(0, 5))
      await send(ON.pause, group, 40, LISTED, 'would-refuse', RCODE.NOERROR);
    await done('resume', '--reason', 'over');
  },
  [ON.crash]: async () => {
    await written();
    // Days go by within a second here: what no checkpoint covers yet would be no evidence after the crash.
    // The file system's clock is that of the machine, whatever this process has.
    const mark = join(state, 'mark');
    writeFileSync(mark, '');
    const atMs = statSync(mark).mtimeMs;
    const checkpoint = join(state, 'records/checkpoint');
    await expect.poll(() => statSync(checkpoint).mtimeMs, { timeout: 90_000 }).toBeGreaterThan(atMs);
    queriesBeforeCrash = sent.length;
    await cordon.kill();
    time.set(time.nowMs + 2 * HOUR_MS);
    cordon = await start();
  },
};

const countBy = <Item>(items: readonly Item[], keyOf: (item: Item) => string): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
};

const dayText = (day: number): string => iso(dayStart(day)).slice(0, 10);

test('a quarter goes by', { timeout: 600_000 }, async (context) => {
  if (fakeTimeLibrary() === undefined) skipWithout(context, 'libfaketimeMT.so.1', 'faketime');
  if (!hasOtherUser) return context.skip('two users of the system need root and curl');
  await expect.poll(() => existsSync(join(state, 'control.sock'))).toBe(true);
  expect((await command('probe')).code).toBe(0);
  for (let day = 0; day < DAYS; day++) {
    time.set(dayStart(day) + 9 * HOUR_MS);
    await events[day]?.();
    await sendDay(day);
    await afterwards[day]?.();
  }
  expect(queriesBeforeCrash).toBeGreaterThan(0);
  await written();
  // The clock is looked at every few seconds: dates that a day has passed are noticed a little later.
  await cordon.waitForLog(({ event }) => event === 'review-passed');
  await cordon.stop();
});

const readReport = async (): Promise<Report> => {
  const file = join(state, 'report.json');
  const range = ['--from', dayText(0), '--to', dayText(DAYS - 1)];
  await done('report', ...range, '--format', 'json', '--out', file);
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
};

test('its report says what happened, with the numbers that were sent', {
  timeout: 300_000,
}, async (context) => {
  if (fakeTimeLibrary() === undefined) skipWithout(context, 'libfaketimeMT.so.1', 'faketime');
  if (!hasOtherUser) return context.skip('two users of the system need root and curl');
  expect(await done('records', 'verify')).toContain('');
  const report = await readReport();
  const { attempts, exemptions, enforcement, probes, lists: listSections, clients, records } = report;
  // Each number by day, group, list and kind, as it was sent.
  const recorded: Record<string, number> = {};
  for (const { day, kind, group, list, count } of attempts.rows) {
    const key = [day, kind, group, list].join(' ');
    recorded[key] = (recorded[key] ?? 0) + count;
  }
  const tried = sent.filter(({ kind }) => kind === 'refusal' || kind === 'would-refuse');
  expect(recorded).toEqual(
    countBy(tried, (one) => [dayText(one.day), one.kind, one.group, one.list].join(' ')),
  );
  const hits = sent.filter(({ kind }) => kind === 'exemption-hit');
  const hitsOf = (group: string, from: number, until: number) =>
    hits.filter((one) => one.group === group && one.day >= from && one.day < until).length;
  expect(Object.fromEntries(exemptions.map(({ id, hits: count }) => [id, count]))).toEqual({
    [ids.first]: hitsOf('g05', 0, ON.exemptionEnd),
    [ids.renewal]: hitsOf('g05', ON.exemptionEnd, DAYS),
    [ids.second]: hitsOf('g09', 0, DAYS),
  });
  const eventsOf = (id: string) => exemptions.find((one) => one.id === id)?.events.map(({ event }) => event);
  expect(eventsOf(ids.first)).toEqual(expect.arrayContaining(['requested', 'approved', 'active', 'expired']));
  expect(eventsOf(ids.second)).toEqual(
    expect.arrayContaining(['requested', 'approved', 'active', 'revoked']),
  );
  // Distinct clients: an estimate, compared with what is known here.
  const distinct = new Set(sent.map(({ client }) => client)).size;
  expect(Math.abs((clients.total ?? 0) - distinct)).toBeLessThan(Math.max(3, distinct * 0.06));
  // In force or not.
  const gaps = enforcement.intervals.filter(({ state: now }) => now !== 'in-force');
  const gapOf = (cause: string) => gaps.filter((gap) => gap.cause === cause);
  expect(gapOf('operator-pause')).toMatchObject([{ reason: 'incident 7' }]);
  expect(gapOf('operator-pause')[0]?.from.slice(0, 10)).toBe(dayText(ON.pause));
  const [crash] = gapOf('crash');
  expect(crash?.from.slice(0, 10)).toBe(dayText(ON.crash));
  expect(crash?.ms).toBeGreaterThan(1.9 * HOUR_MS);
  expect(crash?.ms).toBeLessThan(2.2 * HOUR_MS);
  expect(records.uncleanEnds).toHaveLength(1);
  // The leaking view, from the probe that found it to the one that found it mended.
  const leaks = probes.views.flatMap(({ view, intervals }) =>
    intervals
      .filter(({ outcome }) => outcome === 'leaking')
      .map(({ from, until }) => ({ view, from, until })),
  );
  expect(leaks.map(({ view }) => view)).toEqual(['group:g07']);
  expect([leaks[0]?.from.slice(0, 10), leaks[0]?.until.slice(0, 10)]).toEqual([
    dayText(ON.leak),
    dayText(ON.leakEnd),
  ]);
  // The outage of the list, the decision of the mandate and its dates.
  const feed = listSections.find(({ list }) => list === 'feed');
  expect(feed?.events.filter(({ event }) => event === 'fetch-failed').length).toBeGreaterThan(0);
  // The second one also in the run after the crash, with the time between left out.
  expect(feed?.versions.map(({ entries }) => entries)).toEqual([1, 2, 2]);
  expect(feed?.versions[1]).toMatchObject({ endedBy: 'crash' });
  const mandate = listSections.find(({ list }) => list === 'tiktok');
  expect(mandate?.decision).toMatchObject({ reference: 'Circular 7' });
  expect(mandate?.decisionEvents.map(({ event }) => event)).toEqual(
    expect.arrayContaining(['review-near', 'review-passed']),
  );
  expect(records.chain).toMatchObject({ isIntact: true, findings: [] });
  expect(records.dropped).toBe(0);
});

test('every number of it is that of the exported records, as another program counts them', {
  timeout: 300_000,
}, async (context) => {
  if (fakeTimeLibrary() === undefined) skipWithout(context, 'libfaketimeMT.so.1', 'faketime');
  if (!hasOtherUser) return context.skip('two users of the system need root and curl');
  const exported = join(state, 'records.jsonl');
  await done('records', 'export', '--out', exported);
  await readReport();
  const recompute = fileURLToPath(new URL('../support/recompute-report.mjs', import.meta.url));
  const right = await run(process.execPath, [recompute, exported, join(state, 'report.json')], {
    timeoutMs: 120_000,
  });
  expect(right, `${right.stdout}${right.stderr}`).toMatchObject({ code: 0 });
  expect(right.stdout).toMatch(/^\d{3,} numbers compared, 0 differ$/m);
  // It can fail: one record less is one difference and more.
  const lines = readFileSync(exported, 'utf8').split('\n');
  const gone = lines.findIndex((line) => line.includes('"kind":"refusal"'));
  writeFileSync(exported, lines.toSpliced(gone, 1).join('\n'));
  const wrong = await run(process.execPath, [recompute, exported, join(state, 'report.json')], {
    timeoutMs: 120_000,
  });
  expect(wrong.code).toBe(1);
  expect(wrong.stdout).toContain('refusals: the report says');
});
