// Feeds in the running program: from what python3-tuf publishes to what dig is told, the attacks of the specification one after
// the other on one program, and two feeds beside each other.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../../src/base/base.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { FeedPublisher, FeedServer, needingTuf } from '../support/feeds.ts';
import type { RunResult } from '../support/process.ts';
import { RoomClient } from '../support/room-client.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const PASSWORD = 'four words without any sense';
const SHIPPED = readFileSync(join(import.meta.dirname, '../../lists/tiktok.yaml'), 'utf8');
/** Eventual on a slow machine: a list is read, compiled and put in force. */
const EVENTUALLY = { timeout: 60_000 };

let place: string;
let upstream: ScriptedUpstream;
let publisher: FeedPublisher;
let server: FeedServer;
/** The agency's own, whose publisher is our command. */
let agency: FeedServer;
let cordon: Cordon;
let config: string;

const seconds = (): number => Math.floor(Date.now() / 1000);

/** The shipped list with more entries, as a maintainer writes them. */
const withNames = (...names: readonly string[]): string => {
  const entry = (name: string): string =>
    `  - { suffix: ${name}, service: Test, owner: ByteDance Ltd., operator: ByteDance Ltd., evidence: "test", reviewed: 2099-01-01 }\n`;
  return `${SHIPPED.trimEnd()}\n${names.map(entry).join('')}`;
};

const publish = (names: readonly string[], more: object = {}): Promise<unknown> =>
  publisher.publish({ now: seconds(), targets: { 'tiktok.yaml': withNames(...names) }, ...more });

const publishOwn = async (text: string): Promise<RunResult> => {
  writeFileSync(join(place, 'own', 'own.txt'), text);
  const found = await runCommandHere([
    ...['lists', 'publish', agency.directory, '--from', join(place, 'own'), '--keys', join(place, 'keys')],
    '--json',
  ]);
  expect(found).toMatchObject({ code: 0, stderr: '' });
  return found;
};

describe('a program with two feeds', needingTuf(), () => {
  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'cordon-feed-'));
    const book = new AnswerBook();
    for (const name of ['new-1', 'new-2', 'evil', 'own-1', 'own-2', 'other'])
      book.set(`${name}.example. A`, [`${name}.example. 300 IN A 192.0.2.1`]);
    book.set('inside.test. A', ['inside.test. 60 IN A 127.0.0.1']);
    upstream = await ScriptedUpstream.open(book.handler);
    publisher = new FeedPublisher();
    server = await FeedServer.open(join(place, 'repository'));
    agency = await FeedServer.open(join(place, 'agency'));
    await publisher.init(server.directory, seconds(), { targets: [2, 2] });
    await publish(['new-1.example']);
    mkdirSync(join(place, 'own'));
    const { stdout } = await publishOwn('own-1.example\n');
    const { rootSha256 } = JSON.parse(stdout) as { rootSha256: string };
    config = `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
control-room: { listen: "127.0.0.1:0" }
workers: 1
state: ${place}/state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
feeds:
  - { id: project, url: "${server.url}", root: ${publisher.root} }
  - { id: agency, url: "${agency.url}", root: ${rootSha256}, refresh: 5m, shipped: false }
extra-lists:
  - { id: own, feed: agency }
  - { id: inside, url: "http://inside.test:${server.port}/timestamp.json" }
`;
    cordon = await startCordon({ config });
  });

  afterEach(() => {
    server.mischief.clear();
    server.directory = join(place, 'repository');
  });

  afterAll(async () => {
    await cordon?.kill();
    await server?.close();
    await agency?.close();
    await publisher?.close();
    await upstream?.close();
    rmSync(place, { recursive: true, force: true });
  });

  const lists = (...args: readonly string[]): Promise<RunResult> =>
    runCommandHere(['lists', ...args, '--config', join(cordon.directory, 'cordon.yaml')]);

  const refresh = async (id = 'tiktok'): Promise<string> => (await lists('refresh', id)).stdout;

  const isRefused = async (name: string): Promise<boolean> =>
    (await ask(cordon.dns, `${name}.example. A`)).answer.length === 0;

  const stateOf = async (
    id: string,
  ): Promise<{ state: string; behind: readonly { list: string; reason: string }[] }> => {
    const { feeds } = JSON.parse((await lists('status', '--json')).stdout) as {
      feeds: { id: string; state: string; behind: { list: string; reason: string }[] }[];
    };
    return feeds.find((feed) => feed.id === id) ?? { state: 'none', behind: [] };
  };

  /** Two people of the control room. */
  const signedIn = async (): Promise<{ operator: RoomClient; approver: RoomClient }> => {
    const { url } = (await cordon.waitForLog(({ msg }) => msg.startsWith('nobody is administrator'))) as {
      url?: unknown;
    };
    const link = String(url);
    const { origin } = new URL(link);
    const admin = await new RoomClient(origin).open();
    await admin.enrol(link, 'A. Administrator', PASSWORD);
    const add = async (name: string, role: string): Promise<RoomClient> => {
      const { body } = await admin.post('/api/v1/people', { name, roles: [role], reason: 'set-up' });
      const client = await new RoomClient(origin).open();
      await client.enrol((body['link'] as { url: string }).url, name, PASSWORD);
      return client;
    };
    return {
      operator: await add('O. Operator', 'operator'),
      approver: await add('P. Approver', 'approver'),
    };
  };

  test('what both feeds have is in force after the start, and what is published later after a refresh', async () => {
    await expect.poll(() => isRefused('new-1'), EVENTUALLY).toBe(true);
    await expect.poll(() => isRefused('own-1'), EVENTUALLY).toBe(true);
    expect(await isRefused('other')).toBe(false);
    await publish(['new-1.example', 'new-2.example']);
    expect(await refresh()).toContain('tiktok: accepted');
    expect(await isRefused('new-2')).toBe(true);
    await publishOwn('own-1.example\nown-2.example\n');
    expect(await refresh('own')).toContain('own: accepted, 2 rules');
    expect(await isRefused('own-2')).toBe(true);
    expect(await stateOf('project')).toMatchObject({ state: 'current', behind: [] });
    expect(await stateOf('agency')).toMatchObject({ state: 'current' });
    expect(await readMetric(cordon, 'cordon_feed_current', { feed: 'project' })).toBe(1);
    // A feed need not have every list that ships.
    expect(await refresh('canary')).toContain('canary: unchanged');
  });

  test('a newer release is told of by the feed of what ships, by no other, and nothing is fetched', async () => {
    const release = (version: string): string =>
      JSON.stringify({ version, date: '2099-01-01', notes: `https://notes.example/${version}` });
    writeFileSync(join(place, 'own', 'release.json'), release('88.0.0'));
    await publishOwn('own-1.example\nown-2.example\n');
    await refresh('own');
    const status = async (): Promise<string> =>
      (await runCommandHere(['status', '--config', join(cordon.directory, 'cordon.yaml')])).stdout;
    expect(await status()).not.toContain('is newer than this one');
    const targets = { 'tiktok.yaml': withNames('new-1.example', 'new-2.example') };
    await publish([], { targets: { ...targets, 'release.json': release('99.0.0') } });
    await refresh();
    await expect
      .poll(status, EVENTUALLY)
      .toContain(
        `- release 99.0.0 of 2099-01-01 is newer than this one, ${VERSION}: https://notes.example/99.0.0`,
      );
    expect((await lists('status')).stdout).toContain('release  99.0.0 of 2099-01-01');
    expect(await readMetric(cordon, 'cordon_health_issue', { id: 'release-newer', subject: '99.0.0' })).toBe(
      1,
    );
    await publish([], { targets });
    await refresh();
    await expect.poll(status, EVENTUALLY).not.toContain('is newer than this one');
  });

  test('a content that looks like an accident is held, and what is in force stays until a person accepts it', async () => {
    const short = SHIPPED.split('\n').slice(0, 60).join('\n');
    await publisher.publish({ now: seconds(), targets: { 'tiktok.yaml': `${short}\n` } });
    expect(await refresh()).toContain('tiktok: held');
    expect(await isRefused('new-1')).toBe(true);
    expect((await stateOf('project')).behind).toMatchObject([
      { list: 'tiktok', reason: expect.stringContaining('shrunk') },
    ]);
    expect(await readMetric(cordon, 'cordon_feed_lists_behind', { feed: 'project' })).toBe(1);
    expect((await lists('status')).stdout).toContain('behind   tiktok: a newer content is known since');
    await publish(['new-1.example', 'new-2.example']);
    expect(await refresh()).toContain('tiktok: unchanged');
    expect(await stateOf('project')).toMatchObject({ behind: [] });
  });

  test('what a feed has of a mandate and is held, two accept in the control room: the content that one of them saw, and no other', async () => {
    const { operator, approver } = await signedIn();
    // A fifth and more is gone: what is held.
    const lines = SHIPPED.split('\n');
    const held = (more: string): string => `${lines.slice(0, lines.length * 0.75).join('\n')}\n${more}`;
    const offer = async (more: string): Promise<string> => {
      await publisher.publish({ now: seconds(), targets: { 'tiktok.yaml': held(more) } });
      expect(await refresh()).toContain('tiktok: held');
      const { body } = await operator.get('/api/v1/lists/tiktok');
      return (body['held'] as { sha256: string }).sha256;
    };
    const request = async (sha256: string): Promise<string> => {
      const body = { sha256, reason: 'read with the maintainer' };
      const asked = await operator.post('/api/v1/lists/tiktok/accept', body);
      expect([asked.status, asked.text]).toEqual([202, expect.stringContaining('waiting')]);
      return (asked.body['pending'] as { id: string }).id;
    };
    const confirm = (who: RoomClient, id: string) =>
      who.post(`/api/v1/acts/${id}/confirm`, { reason: 'agreed' });

    const first = await offer('');
    const id = await request(first);
    expect((await confirm(operator, id)).status).toBe(403);
    expect(await isRefused('new-1')).toBe(true);
    // What the feed has by now is another content than the two agree about.
    const second = await offer('# another\n');
    expect(second).not.toBe(first);
    expect((await confirm(approver, id)).body).not.toMatchObject({ status: 200 });
    expect(await isRefused('new-1')).toBe(true);
    const { body } = await confirm(approver, await request(second));
    expect(body).toMatchObject({ status: 200, act: { state: 'confirmed', confirmedBy: 'P. Approver' } });
    await expect.poll(() => isRefused('new-1'), EVENTUALLY).toBe(false);
    expect((await ask(cordon.dns, 'www.tiktok.com. A')).answer).toEqual([]);
    expect((await stateOf('project')).behind).toEqual([]);
    const { text } = await operator.get('/api/v1/lists/tiktok/history');
    expect(text).toContain('O. Operator, confirmed by P. Approver');
    await publish(['new-1.example', 'new-2.example']);
    expect(await refresh()).toContain('tiktok: accepted');
  });

  const EVIL = ['evil.example'];
  const endless = (_request: unknown, response: ServerResponse): void => {
    const piece = Buffer.alloc(65_536, ' ');
    const more = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.on('drain', more);
    more();
  };

  test.each([
    [
      'arbitrary software: other keys',
      async () => {
        const other = new FeedPublisher();
        await other.init(join(place, 'evil'), seconds());
        await other.publish({
          now: seconds(),
          targets: { 'tiktok.yaml': withNames(...EVIL) },
          versions: { timestamp: 99 },
        });
        await other.close();
        server.directory = join(place, 'evil');
      },
      'unproven',
    ],
    [
      'arbitrary software: another list under the name of the right one',
      async () => {
        await publish(['new-1.example', 'new-2.example', 'other.example']);
        server.mischief.set(/^targets\//, (_request, response) => void response.end(withNames(...EVIL)));
      },
      'current',
    ],
    ['endless data', () => server.mischief.set('timestamp.json', endless), 'unreached'],
    [
      'endless data as a list',
      async () => {
        await publish(['new-1.example', 'other.example']);
        server.mischief.set(/^targets\//, endless);
      },
      'current',
    ],
    [
      'rollback',
      async () => {
        await refresh();
        const old = server.keep(join(place, 'old'));
        await publish(['new-1.example', 'new-2.example']);
        expect(await refresh()).toContain('unchanged');
        server.directory = old;
      },
      'backwards',
    ],
    ['indefinite freeze', () => publish(EVIL, { now: seconds() - 15 * 86_400 }), 'expired'],
    [
      'mix-and-match',
      async () => {
        await publish(EVIL);
        server.mischief.set(/[0-9]\.snapshot\.json$/, (_request, response) => {
          response.end(readFileSync(join(server.directory, '1.snapshot.json')));
        });
      },
      'unproven',
    ],
    ['key compromise below the threshold', () => publish(EVIL, { signers: { targets: 1 } }), 'unproven'],
    [
      'truncated',
      () =>
        server.mischief.set('timestamp.json', (_request, response) => {
          response.writeHead(200, { 'content-length': 500 });
          response.write('{"signatures"');
          response.socket?.end();
        }),
      'unreached',
    ],
    [
      'a redirect to another host',
      () =>
        server.mischief.set('timestamp.json', (_request, response) => {
          response.writeHead(302, { location: `http://localhost:${agency.port}/timestamp.json` }).end();
        }),
      'unreached',
    ],
    [
      'a redirect to another port',
      () =>
        server.mischief.set('timestamp.json', (_request, response) => {
          response.writeHead(302, { location: `${agency.url}timestamp.json` }).end();
        }),
      'unreached',
    ],
    [
      'a web page of a portal',
      () =>
        server.mischief.set(/./, (_request, response) => {
          response.writeHead(200, { 'content-type': 'text/html' }).end('<html>sign in</html>');
        }),
      'unreached',
    ],
  ])('%s: nothing of it is taken, what is in force stays, and it is told', async (_name, act, expected) => {
    await act();
    expect(await refresh()).toMatch(/tiktok: (?:failed|unproven)/);
    expect(await stateOf('project')).toMatchObject({ state: expected });
    expect(await isRefused('evil')).toBe(false);
    expect(await isRefused('new-1')).toBe(true);
    expect(await isRefused('other')).toBe(false);
    expect(await stateOf('agency')).toMatchObject({ state: 'current' });
    server.mischief.clear();
    server.directory = join(place, 'repository');
    await publish(['new-1.example', 'new-2.example']);
    expect(await refresh()).toMatch(/tiktok: (?:accepted|unchanged)/);
    expect(await stateOf('project')).toMatchObject({ state: 'current', behind: [] });
  });

  test('a fast-forward is mended by new keys, and all keys are renewed while the program runs', {
    tags: 'night',
  }, async () => {
    await publish(['new-1.example'], {
      versions: { timestamp: 2 ** 31, snapshot: 2 ** 31, targets: 2 ** 31 },
    });
    expect(await refresh()).toContain('accepted');
    await publisher.rotate(seconds(), ['root', 'targets', 'snapshot', 'timestamp']);
    await publish(['new-1.example', 'new-2.example'], {
      versions: { timestamp: 100, snapshot: 100, targets: 100 },
    });
    expect(await refresh()).toContain('accepted');
    expect(await isRefused('new-2')).toBe(true);
  });

  test('a list whose host leads to loopback is not fetched', async () => {
    const { stdout } = await lists('refresh', 'inside');
    expect(stdout).toContain('inside: failed');
    expect(stdout).toContain('looking up inside.test: it leads to 127.0.0.1, inside of a network');
  });

  test('a program that starts while both feeds are gone has the lists that it had', async () => {
    await cordon.stop();
    for (const feed of [server, agency])
      feed.mischief.set(/./, (_request, response) => void response.writeHead(503).end());
    cordon = await startCordon({ config });
    expect(await isRefused('new-2')).toBe(true);
    expect(await isRefused('own-2')).toBe(true);
    expect(await isRefused('other')).toBe(false);
    expect(await refresh('own')).toContain('own: failed');
    expect(await stateOf('agency')).toMatchObject({ state: 'unreached' });
  });
});
