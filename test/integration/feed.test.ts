// A feed in the running program: from what python3-tuf publishes to what dig is told, attacks one after the other on one program,
// and two feeds beside each other.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AnswerBook } from '../support/answer-book.ts';
import { ask } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { FeedPublisher, FeedServer } from '../support/feeds.ts';
import { type Cordon, type RunResult, startCordon } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const SHIPPED = readFileSync(join(import.meta.dirname, '../../lists/tiktok.yaml'), 'utf8');

let place: string;
let upstream: ScriptedUpstream;
let publisher: FeedPublisher;
let server: FeedServer;
let cordon: Cordon;

const seconds = (): number => Math.floor(Date.now() / 1000);

/** The shipped list with entries more, as a maintainer writes them. */
const withNames = (...names: readonly string[]): string => {
  const entry = (name: string): string =>
    `  - { suffix: ${name}, service: Test, owner: ByteDance Ltd., operator: ByteDance Ltd., evidence: "test", reviewed: 2026-11-30 }\n`;
  return `${SHIPPED.trimEnd()}\n${names.map(entry).join('')}`;
};

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'cordon-feed-'));
  const book = new AnswerBook();
  for (const name of ['new-1', 'new-2', 'evil'])
    book.set(`${name}.example. A`, [`${name}.example. 300 IN A 192.0.2.1`]);
  upstream = await ScriptedUpstream.open(book.handler);
  publisher = new FeedPublisher();
  server = await FeedServer.open(join(place, 'repository'));
  await publisher.init(server.directory, seconds());
  await publisher.publish({ now: seconds(), targets: { 'tiktok.yaml': withNames('new-1.example') } });
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ${place}/state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
feeds:
  - { id: project, url: "${server.url}", root: ${publisher.root} }
`,
  });
});

afterAll(async () => {
  await cordon?.kill();
  await server?.close();
  await publisher?.close();
  await upstream?.close();
  rmSync(place, { recursive: true, force: true });
});

const lists = (...args: readonly string[]): Promise<RunResult> =>
  runCommandHere(['lists', ...args, '--config', join(cordon.directory, 'cordon.yaml')]);

const isRefused = async (name: string): Promise<boolean> =>
  (await ask(cordon.dns, `${name}. A`)).answer.length === 0;

test('what a feed has is in force after the start, and what is published later after a refresh', async () => {
  await expect.poll(() => isRefused('new-1.example'), { timeout: 30_000 }).toBe(true);
  expect(await isRefused('tiktok.com')).toBe(true);
  const begin = Date.now();
  await publisher.publish({
    now: seconds(),
    targets: { 'tiktok.yaml': withNames('new-1.example', 'new-2.example') },
  });
  const { code, stdout, stderr } = await lists('refresh', 'tiktok');
  console.log(code, stdout, stderr);
  await expect.poll(() => isRefused('new-2.example'), { timeout: 30_000 }).toBe(true);
  console.log('from published to refused', Date.now() - begin);
  console.log((await lists('status')).stdout);
});
