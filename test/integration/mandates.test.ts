// What one list says never opens what a mandate refuses: a feed that gains exceptions, from its address to the answer.
//
// The feed is a mandate beside another one, served by a real server. What is asked is what a client gets, what the
// program says of itself, and what a person is shown who has to decide about the feed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ProbeRunStatus } from '../../src/evidence/probe/findings.ts';
import { EDE, TYPE } from '../../src/wire/dns/dns.ts';
import { type AskOptions, ask, readAdmin, readMetric, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { type ControlReply, requestControl } from '../support/control-socket.ts';
import { content, ListServer } from '../support/list-server.ts';
import { inTwo } from '../support/night.ts';
import type { RunResult } from '../support/process.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const FEED_RULES = 400;
/** Several commands one after the other. */
const TEST_MS = 180_000;
vi.setConfig({ testTimeout: TEST_MS });

let upstream: ScriptedUpstream;
let server: ListServer;
let cordon: Cordon | undefined;
/** Outlives the program. */
let state: string;

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'cordon-mandates-'));
  // Everything resolves: what is not refused is open.
  upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 192.0.2.7`] : []),
  );
  server = await ListServer.open();
});

afterEach(async () => {
  await cordon?.kill();
  cordon = undefined;
  await server.close();
  await upstream.close();
  rmSync(state, { recursive: true });
});

const configWith = (more: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ${state}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
probe: { interval: 1d, rate: 10000, listeners: false }
${more}`;

const feedList = (more: string): string =>
  `  - { id: feed, url: "${server.url('/feed.txt')}", resolve: ["127.0.0.1"], ${more} }\n`;

const start = async (more: string, files: Readonly<Record<string, string>>): Promise<Cordon> => {
  cordon = await startCordon({ config: configWith(more), files });
  return cordon;
};

const startWithFeed = async (lists: string, files: Readonly<Record<string, string>>): Promise<Cordon> => {
  const program = await start(lists, files);
  await program.waitForLog(({ msg }) => msg === 'lists renewed');
  return program;
};

const outcomeOf = async (program: Cordon, name: string, options?: AskOptions): Promise<string> => {
  const { rcode, ede, answer: records } = await ask(program.dns, `${name}. A`, options);
  if (records.length > 0) return 'answered';
  return ede?.infoCode === EDE.BLOCKED ? 'refused' : `RCODE ${rcode}, EDE ${ede?.infoCode}`;
};

/** Runs `cordon ARGS` as an administrator of the machine does. */
const command = (program: Cordon, ...args: readonly string[]): Promise<RunResult> =>
  runCommandHere([...args, '--config', join(program.directory, 'cordon.yaml')]);

const control = (method: string, path: string, body?: object): Promise<ControlReply> =>
  requestControl(state, method, path, body);

const refresh = async (): Promise<Record<string, unknown>> =>
  (await control('POST', '/v1/lists/feed/refresh')).body;

const accept = async (): Promise<ControlReply> => {
  const { held } = (await control('GET', '/v1/lists/feed')).body as { held: { sha256: string } };
  return control('POST', '/v1/lists/feed/accept', { sha256: held.sha256, reason: 'a test' });
};

const sweep = async (program: Cordon): Promise<ProbeRunStatus> =>
  JSON.parse((await command(program, 'probe', '--json')).stdout) as ProbeRunStatus;

const feedRules = (turn: (name: string) => string): string =>
  Array.from({ length: FEED_RULES }, (_, index) => `${turn(`||feed-${index}.example^`)}\n`).join('');
const RULES = feedRules((rule) => rule);

describe('a feed that is a mandate beside another one', () => {
  const LISTS = `
lists:
${'  - { id: tiktok, file: tiktok.txt, mandate: true }\n'}`;
  const FILES = { 'tiktok.txt': 'tiktok.com\n' };
  /** The feed stands before the other list: its rules decide first. */
  const feedFirst = (): string =>
    `lists:\n${feedList('format: adblock, mandate: true')}  - { id: tiktok, file: tiktok.txt, mandate: true }\n`;

  const PLACES = [
    ['before', feedFirst],
    ['behind', () => `${LISTS}${feedList('format: adblock, mandate: true')}`],
  ] as const;
  for (const [options, places] of inTwo(PLACES, ([place]) => place === 'before'))
    test.for(places)('%s it opens none of its names, whoever accepts what', options, async ([, lists]) => {
      server.set('/feed.txt', content(RULES));
      const program = await startWithFeed(lists(), FILES);
      expect(await outcomeOf(program, 'www.tiktok.com')).toBe('refused');

      server.set('/feed.txt', content(`${RULES}@@||tiktok.com^\n@@||feed-7.example^\n`));
      const held = await refresh();
      expect(held).toMatchObject({ outcome: 'held' });
      // What it opens is said, by list and name, and what it does not.
      expect(held['reasons']).toContain(
        'exceptions: 2 new exceptions (tiktok.com, feed-7.example), opens 1 name of feed (feed-7.example), tiktok refuses tiktok.com all the same',
      );
      expect(await outcomeOf(program, 'feed-7.example')).toBe('refused');
      const status = await command(program, 'lists', 'status');
      expect(status.stdout).toContain('2 new exceptions');
      const diff = await command(program, 'lists', 'diff', 'feed');
      expect(diff.stdout).toMatch(
        /opens 1 name of feed: feed-7\.example\nleaves 1 name of tiktok refused: tiktok\.com\n/,
      );

      expect((await accept()).status).toBe(200);
      // It ends what its own list says, and nothing else.
      expect(await outcomeOf(program, 'feed-7.example')).toBe('answered');
      expect(await outcomeOf(program, 'feed-8.example')).toBe('refused');
      for (const name of ['tiktok.com', 'www.tiktok.com', 'a.b.tiktok.com'])
        expect(await outcomeOf(program, name), name).toBe('refused');
      expect(await outcomeOf(program, 'www.tiktok.com', { transport: 'tcp' })).toBe('refused');

      const found = await sweep(program);
      expect(found).toMatchObject({ outcome: 'enforced', leakedNames: 0 });
      // tiktok.com is asked: what another list says of it excuses nobody.
      expect(found.coverage).toMatchObject({ names: FEED_RULES + 1, asked: FEED_RULES });
      expect(JSON.stringify(found.unasked)).toContain('opened by its own exceptions: 1');
      expect((await readAdmin(program, '/readyz')).status).toBe(200);
      await program.stop();
    });

  test('of which nothing is left but exceptions is held, and is the fault when it is accepted', {
    tags: 'night',
  }, async () => {
    server.set('/feed.txt', content(RULES));
    const program = await startWithFeed(feedFirst(), FILES);
    for (const text of [feedRules((rule) => `@@${rule}`), feedRules((rule) => `${rule}\n@@${rule}`)]) {
      server.set('/feed.txt', content(text));
      expect(await refresh()).toMatchObject({ outcome: 'held' });
      expect(await accept()).toMatchObject({ status: 409, body: { code: 'ERR_LIST_EMPTY' } });
      expect(await outcomeOf(program, 'feed-7.example')).toBe('refused');
      expect(await readMetric(program, 'cordon_list_entries', { list: 'feed' })).toBe(FEED_RULES);
    }
    await program.stop();
  });

  test('only counts what refuses as a rule', { tags: 'night' }, async () => {
    server.set('/feed.txt', content(`${RULES}@@||one.example^\n@@||two.example^\n`));
    const program = await startWithFeed(feedFirst(), FILES);
    expect(await readMetric(program, 'cordon_list_entries', { list: 'feed' })).toBe(FEED_RULES);
    const { stdout } = await command(program, 'lists', 'status');
    expect(stdout).toContain('feed: 400 rules, 2 exceptions');
    await program.stop();
  });
});

test('a reload with a file that gained an exception is refused until a person accepts it', async () => {
  const program = await start('lists: [{ id: own, file: own.txt, format: adblock, mandate: true }]\n', {
    'own.txt': '||one.example^\n||two.example^\n',
  });
  const line = await reload(program, { 'own.txt': '||one.example^\n||two.example^\n@@||two.example^\n' });
  expect(line).toMatchObject({
    isRefused: true,
    err: { code: 'ERR_LIST_HELD', message: expect.stringContaining('1 new exception') as string },
  });
  expect(JSON.stringify(line)).toContain('two.example');
  expect(await outcomeOf(program, 'two.example')).toBe('refused');
  await program.stop();
});
