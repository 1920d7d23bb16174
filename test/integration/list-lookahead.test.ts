// A held list before it is decided on: tried on what was really asked, for both persons who decide, and by its hash.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { content, ListServer, SERVER_NAME } from '../support/list-server.ts';
import { RoomClient } from '../support/room-client.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const PASSWORD = 'four words without any sense';
const WAIT = { timeout: 60_000, interval: 100 };
const LOG = 'query-log: { identity: address, search: true, outputs: [{ to: "file:queries.jsonl" }] }';

const entry = (name: string, owner: string): string =>
  `  - { suffix: ${name}, service: films, owner: ${owner}, operator: ${owner}, evidence: "an example", reviewed: 2026-11-24 }\n`;
const listOf = (...entries: readonly string[]): string =>
  `id: feed\ntitle: Films\ncategory: films\nmandate: true\ndefault: false\nentries:\n${entries.join('')}`;
const MANY = Array.from({ length: 100 }, (_, index) => entry(`name-${index}.example`, 'Nobody'));
const BEFORE = listOf(...MANY);
/** Half of it is gone, name-99 among them, and other.example has come. */
const HELD = listOf(...MANY.slice(0, 50), entry('other.example', 'Example Inc.'));

let upstream: ScriptedUpstream;
let lists: ListServer;
let cordon: Cordon;
let operator: RoomClient;
let approver: RoomClient;
let admin: RoomClient;
let viewer: RoomClient;
let config: string;
let held: string;
let text: string;

beforeAll(async () => {
  const book = new AnswerBook().set(`${SERVER_NAME}. A`, [`${SERVER_NAME}. 60 IN A 127.0.0.1`]);
  for (const name of ['other', 'www.other', 'plain'])
    book.set(`${name}.example. A`, [`${name}.example. 300 IN A 192.0.2.1`]);
  upstream = await ScriptedUpstream.open(book.handler);
  lists = await ListServer.open();
  lists.set('/feed.yaml', content(BEFORE));
  text = `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ./state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
rebinding: { allow: [test] }
lists: [{ id: feed, url: "${lists.url('/feed.yaml')}", format: cordon, mandate: true }]
groups: [{ name: default, lists: [feed] }]
${LOG}
control-room: { listen: "127.0.0.1:0" }
`;
  cordon = await startCordon({ config: text });
  config = join(cordon.directory, 'cordon.yaml');
  const origin = String((await cordon.waitForLog(({ msg }) => msg === 'the control room is open'))['url']);
  const first = await cordon.waitForLog(({ msg }) => msg.startsWith('nobody is administrator'));
  admin = await new RoomClient(origin).open();
  await admin.enrol(String(first['url']), 'A. Administrator', PASSWORD);
  const add = async (name: string, role: string): Promise<RoomClient> => {
    const { body } = await admin.post('/api/v1/people', { name, roles: [role], reason: 'set-up' });
    const client = await new RoomClient(origin).open();
    await client.enrol((body['link'] as { url: string }).url, name, PASSWORD);
    return client;
  };
  operator = await add('O. Operator', 'operator');
  approver = await add('P. Approver', 'approver');
  viewer = await add('V. Viewer', 'viewer');
  await vi.waitFor(
    async () =>
      expect((await operator.get('/api/v1/lists/feed')).body).toMatchObject({ inForce: { entries: 100 } }),
    WAIT,
  );
  for (const [name, from] of [
    ['other', '127.0.0.1'],
    ['other', '127.0.0.2'],
    ['www.other', '127.0.3.1'],
    ['name-99', '127.0.3.1'],
    ['name-1', '127.0.3.1'],
    ['plain', '127.0.0.1'],
  ] as const)
    await ask(cordon.dns, `${name}.example. A`, { from });
  lists.set('/feed.yaml', content(HELD));
  const { body } = await operator.post('/api/v1/lists/feed/refresh');
  expect(body).toMatchObject({ outcome: 'held' });
  held = String(body['sha256']);
});

afterAll(async () => {
  await cordon.stop();
  await lists.close();
  await upstream.close();
});

const TRIED = '/api/v1/lists/feed/tried';
const read = async (by: RoomClient): Promise<Record<string, unknown>> =>
  (await by.get(`${TRIED}?sha256=${held}`)).body;
const whenDone = (by: RoomClient): Promise<Record<string, unknown>> =>
  vi.waitFor(async () => {
    const body = await read(by);
    expect(body).toMatchObject({ state: 'done', fault: null });
    return body;
  }, WAIT);
const tries = async (): Promise<readonly Record<string, unknown>[]> => {
  const { stdout } = await runCommandHere([
    ...['records', 'list', '--class', 'changes', '--kind', 'admin', '--json', '--config', config],
  ]);
  const found = JSON.parse(stdout) as readonly { readonly record: Record<string, unknown> }[];
  return found.map(({ record }) => record).filter(({ action }) => action === 'queries-tried');
};

test('both persons see what the held content would have changed, by its hash, as the command counts it', async () => {
  expect(await read(approver)).toMatchObject({ state: 'never', sha256: held, impact: null, obstacle: null });
  expect((await viewer.get(`${TRIED}?sha256=${held}`)).status).toBe(403);
  expect((await admin.get(`${TRIED}?sha256=${held}`)).status).toBe(403);
  expect((await viewer.post(TRIED, { sha256: held, days: 7 })).status).toBe(403);
  expect((await operator.post(TRIED, { sha256: '0'.repeat(64), days: 7 })).status).toBe(409);
  expect((await operator.post(TRIED, { sha256: held, days: 0 })).status).toBe(400);
  await vi.waitFor(async () => {
    const { stdout } = await runCommandHere(['log', 'search', '--config', config]);
    expect(stdout).toContain('plain.example');
  }, WAIT);
  const asked = await operator.post(`${TRIED}`, { sha256: held, days: 7 });
  expect(asked.body).toMatchObject({ state: 'running', sha256: held, days: 7 });
  const own = await whenDone(operator);
  const seen = await whenDone(approver);
  expect(seen).toEqual(own);
  const impact = seen['impact'] as Record<string, unknown>;
  expect(impact).toMatchObject({
    ...{ isWhole: true, isAtLeast: false, otherList: 0, guards: [], sample: 1 },
    newlyRefused: { queries: 3, names: 2, clients: 3, networks: 2 },
    newlyPassing: { queries: 1, names: 1, clients: 1, networks: 1 },
    // The log was begun today: it is said, and nobody takes the rest for days without queries.
    isShort: true,
  });
  expect((impact['names'] as object[])[0]).toEqual({
    ...{ name: 'other.example', change: 'refused', queries: 2, clients: 2, list: 'feed' },
    ...{ owner: 'Example Inc.', guard: null },
  });
  // Of what passes, the content before says who stands behind it.
  expect(impact['names']).toContainEqual({
    ...{ name: 'name-99.example', change: 'passes', queries: 1, clients: 1, list: 'feed' },
    ...{ owner: 'Nobody', guard: null },
  });
  expect(JSON.stringify(seen)).not.toContain('127.0.');
  const { stdout } = await runCommandHere([
    ...['lists', 'try', 'feed', '--against', '7', '--json', '--config', config],
  ]);
  const { top, ...figures } = JSON.parse(stdout) as Record<string, unknown>;
  for (const key of ['newlyRefused', 'newlyPassing', 'refusedBefore', 'refusedAfter', 'otherList', 'guards'])
    expect(impact[key], key).toEqual(figures[key]);
  expect((impact['queries'] as number) - (figures['queries'] as number)).toBeLessThanOrEqual(0);
  expect(top).toBeDefined();
});

test('who tried, and who was shown it, is on record once for each', async () => {
  await whenDone(approver);
  const kept = await tries();
  expect(kept.map(({ by, detail }) => [by, detail])).toEqual([
    ['O. Operator', { list: 'feed', sha256: held, days: 7, act: 'tried' }],
    ['P. Approver', { list: 'feed', sha256: held, days: 7, act: 'shown' }],
  ]);
});

test('figures are of what is in force and of what is held: after the decision nothing is told of it any more', async () => {
  const asked = await operator.post('/api/v1/lists/feed/accept', { sha256: held, reason: 'looked at' });
  expect(asked.status).toBe(202);
  expect(await read(approver)).toMatchObject({ state: 'done' });
  const { id } = asked.body['pending'] as { id: string };
  const done = await approver.post(`/api/v1/acts/${id}/confirm`, { reason: 'seen' });
  expect(done.body).toMatchObject({ status: 200, problem: null });
  expect(await read(approver)).toMatchObject({ state: 'never', impact: null });
});

test('where no log may be searched it is said why, and no figure is told', async () => {
  const obstacleWith = async (log: string): Promise<unknown> => {
    await reload(cordon, { 'cordon.yaml': text.replace(LOG, log) });
    const { body } = await operator.get(`${TRIED}?sha256=${held}`);
    expect(body).toMatchObject({ state: 'no-log', impact: null });
    return body['obstacle'];
  };
  expect(await obstacleWith(LOG.replace('search: true', 'search: false'))).toBe('closed');
  expect(await obstacleWith(LOG.replace('file:queries.jsonl', 'dnstap+unix:none.sock'))).toBe('receivers');
  expect(await obstacleWith('')).toBe('off');
});
