// @module-tag night
// Charts over changes of the clock: what the pages of a device, of a network, of refusals and of health are given over HTTP is what
// independent scripts count in the records that `cordon records export` writes; on a machine in Brussels whose clock is set
// forwards and backwards, goes forward in spring, or has an hour twice in autumn.
//
// The program is real, and so are its records: only its wall clock is moved, between queries.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seriesBy } from '../../pages/refusals/series.ts';
import { readReferenceSecret, toReference } from '../../src/evidence/records/client-references.ts';
import type {
  DeviceShown,
  NetworkNow,
  RefusalFigures,
  ServiceHistoryShown,
} from '../../src/people/admin/admin.ts';
import { HISTORY_SPANS } from '../../src/telemetry/observe/observe.ts';
import { ask } from '../support/client.ts';
import { FakeTime, fakeTimeLibrary } from '../support/fake-time.ts';
import { type Cordon, isInstalled, run, skipWithout, startCordon } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ZONE = 'Europe/Brussels';

/** Times in the order in which the clock shows them: at each, both devices ask. */
const SCENES: Readonly<Record<string, readonly string[]>> = {
  'a clock that is set forwards over midnight': [
    ...['2027-05-10T18:41:20Z', '2027-05-10T20:12:20Z', '2027-05-10T22:23:20Z'],
    ...['2027-05-11T03:34:20Z', '2027-05-11T04:15:20Z'],
  ],
  'a clock that is days ahead for a while': [
    ...['2027-05-10T20:41:20Z', '2027-05-10T22:12:20Z'],
    ...['2027-05-15T10:23:20Z', '2027-05-10T23:34:20Z', '2027-05-11T00:15:20Z'],
  ],
  'a clock that is set backwards over midnight': [
    ...['2027-05-10T21:11:20Z', '2027-05-10T22:16:20Z', '2027-05-11T00:21:20Z', '2027-05-11T01:12:20Z'],
    ...['2027-05-10T21:31:20Z', '2027-05-10T22:42:20Z', '2027-05-10T23:38:20Z', '2027-05-11T00:17:20Z'],
  ],
  'the hour that spring leaves out': [
    ...['2027-03-27T22:31:20Z', '2027-03-27T23:32:20Z', '2027-03-28T00:33:20Z', '2027-03-28T00:59:30Z'],
    ...['2027-03-28T01:00:30Z', '2027-03-28T01:34:20Z', '2027-03-28T22:35:20Z', '2027-03-28T23:05:20Z'],
  ],
  'the hour that autumn has twice': [
    ...['2027-10-30T21:31:20Z', '2027-10-30T22:32:20Z', '2027-10-31T00:15:20Z', '2027-10-31T01:16:20Z'],
    ...['2027-10-31T01:59:20Z', '2027-10-31T02:10:20Z', '2027-10-31T22:36:20Z', '2027-10-31T23:06:20Z'],
  ],
};
const DEVICES = ['127.1.1.20', '127.1.2.20'] as const;
const GROUPS = ['default', 'lab'] as const;

let state: string;
let time: FakeTime;
let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeEach(async ({ skip }) => {
  if (fakeTimeLibrary() === undefined) skipWithout({ skip }, 'libfaketimeMT.so.1', 'faketime');
  if (!isInstalled('python3')) skipWithout({ skip }, 'python3', 'python3');
  state = mkdtempSync(join(tmpdir(), 'cordon-chart-clocks-'));
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 60 IN A 203.0.113.1`]));
});

afterEach(async () => {
  await cordon?.stop();
  await upstream?.close();
  time?.remove();
  rmSync(state, { recursive: true, force: true });
});

const start = async (): Promise<void> => {
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ${state}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: order, file: order.txt, mandate: true }
  - { id: own, file: own.txt }
  - { id: relays, file: relays.txt, category: private-relay }
groups:
  - { name: default, lists: [order, own, relays] }
  - { name: lab, clients: ["127.1.2.0/24"], lists: [order, own, relays] }
probe: { interval: 0s }
`,
    files: { 'order.txt': 'order.example\n', 'own.txt': 'own.example\n', 'relays.txt': 'relay.example\n' },
    env: { ...time.env, TZ: ZONE },
  });
};

const http = <Body>(method: string, path: string): Promise<Body> =>
  new Promise((resolve, reject) => {
    const socketPath = join(state, 'control.sock');
    const sent = request({ socketPath, method, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () =>
        response.statusCode === 200
          ? resolve(JSON.parse(text) as Body)
          : reject(new Error(`${path}: ${response.statusCode} ${text}`)),
      );
    });
    sent.on('error', reject);
    sent.end(method === 'GET' ? undefined : '{}');
  });

const script = <Result>(name: string, args: readonly string[], lines: string): Result =>
  JSON.parse(
    execFileSync('python3', [`test/support/${name}.py`, ...args], {
      input: lines,
      env: { ...process.env, TZ: ZONE },
    }).toString(),
  ) as Result;

type Counts = Readonly<Record<string, number>>;
interface Refused {
  readonly steps: Counts;
  readonly names: Counts;
  readonly types: Counts;
  readonly groups: Counts;
}
/** With signs of a way around, by step. */
type Recomputed = Refused & { readonly refused: Counts };

const sums = (rows: readonly (readonly [string, number])[]): Counts => {
  const found: Record<string, number> = {};
  for (const [key, count] of rows) if (count > 0) found[key] = (found[key] ?? 0) + count;
  return found;
};

/** How many queries of devices these are. */
const queriesIn = (lines: string): number =>
  lines
    .split('\n')
    .map((line) => JSON.parse(line) as { client?: string; count?: number })
    .reduce((sum, { client, count = 1 }) => sum + (client === undefined ? 0 : count), 0);

/** Everything that is exported, a record a line. */
const exported = async (): Promise<string> => {
  const file = join(state, 'exported.jsonl');
  const args = ['records', 'export', '--out', file, '--config', join(cordon.directory, 'cordon.yaml')];
  const result = await run(process.execPath, [PROGRAM, ...args], { env: time.env, timeoutMs: 90_000 });
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return readFileSync(file, 'utf8').trim();
};

const figuresOf = async (query: string): Promise<RefusalFigures> => {
  let figures = await http<RefusalFigures>('GET', `/v1/refusals/figures?${query}`);
  while (figures.counting !== null)
    figures = await http<RefusalFigures>('GET', `/v1/refusals/figures?${query}`);
  return figures;
};

/** At each time both devices ask for something else, and the history is read; gives how many queries are recorded. */
const live = async (times: readonly string[]): Promise<number> => {
  let asked = 0;
  for (const [turn, text] of times.entries()) {
    time.set(Date.parse(text));
    for (const [at, from] of DEVICES.entries())
      for (let count = 0; count <= (turn + at) % 3; count++) {
        await ask(cordon.dns, `www.order.example ${count === 1 ? 'AAAA' : 'A'}`, { from });
        await ask(cordon.dns, `n${turn % 2}.own.example A`, { from });
        if (count === 0) await ask(cordon.dns, 'mask.relay.example A', { from });
        await ask(cordon.dns, 'free.example A', { from });
        asked += count === 0 ? 3 : 2;
      }
    await http('GET', '/v1/history?span=hour');
    // Pages are open all along: what was counted under another clock is there.
    await figuresOf('days=7');
    await http('GET', '/v1/networks/default');
  }
  return asked;
};

/** The numbers of a chart and its tables, as the pages of refusals and of a network draw them. */
const shownFigures = (figures: RefusalFigures): Refused => ({
  steps: sums(
    seriesBy(figures, 'list', () => '', 'others').flatMap(({ name, counts }) =>
      counts.map((count, step) => [`${name} ${step}`, count] as const),
    ),
  ),
  names: sums(figures.top.names.map(({ key, count }) => [key, count])),
  types: sums(figures.top.types.map(({ key, count }) => [key, count])),
  groups: sums(figures.top.networks.map(({ key, count }) => [key, count])),
});

const shownDevice = ({ series, names, exemptions, signs, groups }: DeviceShown) => ({
  hours: sums(
    series.flatMap(({ kind, counts }) => counts.map((count, hour) => [`${kind} ${hour}`, count] as const)),
  ),
  rows: sums(
    names.map((row) => [
      [row.kind, row.name, row.type, row.group, row.list ?? '-', row.exemption ?? '-'].join(' '),
      row.count,
    ]),
  ),
  times: Object.fromEntries(
    names.map((row) => [
      [row.kind, row.name, row.type, row.group, row.list ?? '-', row.exemption ?? '-'].join(' '),
      [row.first, row.last],
    ]),
  ),
  exemptions: sums(exemptions.map(({ key, count }) => [key, count])),
  signs: sums(signs.map(({ key, count }) => [key, count])),
  groups: sums(groups.map(({ key, count }) => [key, count])),
});

const expectDevices = async (lines: string): Promise<void> => {
  const records = lines.split('\n').map((line) => JSON.parse(line) as { client?: string; time: string });
  const seen = new Map(
    records.flatMap(({ client, time: at }) =>
      client === undefined ? [] : [[`${client} ${at.slice(0, 10)}`, { client, at }]],
    ),
  );
  expect(seen.size).toBeGreaterThanOrEqual(2 * DEVICES.length);
  const secret = readReferenceSecret(join(state, 'records'));
  for (const { client, at } of seen.values()) {
    const day = at.slice(0, 10);
    const device = await http<DeviceShown>(
      'POST',
      `/v1/devices/${toReference(secret, Date.parse(at), client)}`,
    );
    expect(device).toMatchObject({ day: `${day}T00:00:00.000Z`, isWhole: true, unnamed: 0 });
    expect([day, client, shownDevice(device)]).toEqual([
      ...[day, client],
      script('recompute-device', [client, day], lines),
    ]);
  }
};

const expectFigures = async (lines: string): Promise<void> => {
  for (const days of [1, 7, 30, 91])
    for (const group of ['', ...GROUPS]) {
      const query = `days=${days}${group && `&group=${group}`}`;
      const figures = await figuresOf(query);
      const { from, until, stepSec } = figures;
      const { refused: _, ...theirs } = script<Recomputed>(
        'recompute-refusals',
        [from, until, String(stepSec), group],
        lines,
      );
      expect([query, shownFigures(figures)]).toEqual([query, theirs]);
    }
};

const expectNetworks = async (lines: string): Promise<void> => {
  for (const group of GROUPS) {
    const { network, to } = await http<NetworkNow>('GET', `/v1/networks/${group}`);
    const hourEnd = new Date(Math.floor(Date.parse(to) / HOUR_MS + 1) * HOUR_MS).toISOString();
    const today = `${to.slice(0, 10)}T00:00:20Z`;
    const { groups } = script<Refused>(
      'recompute-refusals',
      [today, hourEnd, String(DAY_MS / 1000), group, 'order'],
      lines,
    );
    expect([group, network.refusedToday]).toEqual([group, groups[group] ?? 0]);
  }
};

const expectHistory = async (lines: string): Promise<void> => {
  for (const span of Object.keys(HISTORY_SPANS)) {
    const { from, until, stepSec, steps } = await http<ServiceHistoryShown>(
      'GET',
      `/v1/history?span=${span}`,
    );
    const ours = sums(steps.map((step, at) => [String(at), step?.refusals ?? 0]));
    const { refused } = script<Recomputed>('recompute-refusals', [from, until, String(stepSec)], lines);
    expect([span, ours]).toEqual([span, refused]);
  }
};

const scenes = Object.entries(SCENES);

const compare = async (times: readonly string[]): Promise<void> => {
  time = new FakeTime(Date.parse(times[0] ?? '') - HOUR_MS);
  await start();
  const asked = await live(times);
  // What was read of a day counts for up to half a minute where reading it is dear.
  time.set(time.nowMs + 31_000);
  let lines = '';
  await expect
    .poll(
      async () => {
        lines = await exported();
        return queriesIn(lines);
      },
      { timeout: 90_000 },
    )
    .toBe(asked);
  await expectDevices(lines);
  await expectFigures(lines);
  await expectNetworks(lines);
  await expectHistory(lines);
};

test.each(scenes)('%s: every chart is what scripts count again', (_, times) => compare(times));
