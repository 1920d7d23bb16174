// Newer versions of a shipped list between releases: fetched or from a file, proven, reviewed, and never an older one.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ListStore } from '../../src/policy/lists/lists.ts';
import { EDE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { content, ListServer, SERVER_NAME } from '../support/list-server.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const SHIPPED = readFileSync(fileURLToPath(new URL('../../lists/canary.yaml', import.meta.url)), 'utf8');

let upstream: ScriptedUpstream;
let server: ListServer;
let state: string;
let key: KeyObject;
let publicKey: string;
let cordon: Cordon | undefined;

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'cordon-newer-'));
  upstream = await ScriptedUpstream.open(
    new AnswerBook()
      .set(`${SERVER_NAME}. A`, [`${SERVER_NAME}. 60 IN A 127.0.0.1`])
      .set('new.example. A', ['new.example. 60 IN A 192.0.2.1'])
      .set('use-application-dns.net. A', ['use-application-dns.net. 60 IN A 192.0.2.2']).handler,
  );
  server = await ListServer.open();
  const pair = generateKeyPairSync('ed25519');
  key = pair.privateKey;
  publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
});
afterEach(async () => {
  await cordon?.kill();
  cordon = undefined;
  await server.close();
  await upstream.close();
  rmSync(state, { recursive: true });
});

/** The shipped list with one name more, its latest review on a day. */
const versionOf = (day: string): string =>
  `${SHIPPED.trimEnd()}\n  - { suffix: new.example, service: S, owner: Mozilla, operator: Mozilla, evidence: "a test", reviewed: ${day} }\n`;

const publish = (text: string): void => {
  server.set('/canary.yaml', content(text));
  server.set('/canary.yaml.sig', content(sign(null, Buffer.from(text), key).toString('base64')));
};

const configOf = (source: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ${state}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
rebinding: { allow: [test] }
lists:
  - { id: canary, shipped: canary, ${source} }
`;
const fetched = (): string => configOf(`url: "${server.url('/canary.yaml')}", public-key: "${publicKey}"`);

const outcomeOf = async (name: string): Promise<string> => {
  const { answer, ede } = await ask(cordon?.dns ?? { address: '', port: 0 }, `${name}. A`);
  return answer.length > 0 ? 'answered' : ede?.infoCode === EDE.BLOCKED ? 'refused' : 'neither';
};
const refresh = async (): Promise<string> =>
  (
    await runCommandHere([
      'lists',
      'refresh',
      'canary',
      '--config',
      join(cordon?.directory ?? '', 'cordon.yaml'),
    ])
  ).stdout;

test('the shipped list is in force until a newer one was fetched, proven and reviewed', async () => {
  // Nothing is there to fetch: a first start needs nothing from outside.
  cordon = await startCordon({ config: fetched() });
  expect(await outcomeOf('use-application-dns.net')).toBe('refused');
  expect(await outcomeOf('new.example')).toBe('answered');

  publish(versionOf('2099-01-01'));
  await refresh();
  await expect.poll(() => outcomeOf('new.example'), { timeout: 90_000 }).toBe('refused');
  expect(await outcomeOf('use-application-dns.net')).toBe('refused');
  const status = (
    await runCommandHere(['lists', 'status', '--config', join(cordon.directory, 'cordon.yaml')])
  ).stdout;
  expect(status).toContain('canary');
});

test('an older version is held, whoever signed it, and so is one without a signature', {
  tags: 'night',
}, async () => {
  cordon = await startCordon({ config: fetched() });
  publish(versionOf('2020-01-01').replaceAll(/reviewed: 20\d\d-\d\d-\d\d/g, 'reviewed: 2020-01-01'));
  const held = await refresh();
  expect(held).toContain('older');
  // It would be kept, and the release's list stay in force: nobody is told that it was accepted.
  const accepted = await runCommandHere([
    'lists',
    'accept',
    'canary',
    /cordon lists accept canary ([0-9a-f]{64})/.exec(held)?.[1] ?? '',
    '--config',
    join(cordon.directory, 'cordon.yaml'),
  ]);
  expect(accepted).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_LIST_HELD') as string });
  expect(await outcomeOf('new.example')).toBe('answered');
  expect(await outcomeOf('use-application-dns.net')).toBe('refused');

  server.set('/canary.yaml', content(versionOf('2099-01-01')));
  server.set('/canary.yaml.sig', content(sign(null, Buffer.from('another file'), key).toString('base64')));
  expect(await refresh()).toContain('unproven');
  expect(await outcomeOf('new.example')).toBe('answered');
});

const TIKTOK = readFileSync(fileURLToPath(new URL('../../lists/tiktok.yaml', import.meta.url)), 'utf8');
/** A version of it with so many rules, reviewed on a day. */
const tiktokOf = (rules: number, day: string): string =>
  `${TIKTOK.slice(0, TIKTOK.indexOf('entries:'))}entries:\n${Array.from({ length: rules }, (_, index) => `  - { suffix: n${index}.example, service: S, owner: O, evidence: "e", reviewed: ${day} }\n`).join('')}`;
const tiktok = async (...args: readonly string[]): Promise<string> =>
  (
    await runCommandHere([
      'lists',
      ...args,
      'tiktok',
      '--config',
      join(cordon?.directory ?? '', 'cordon.yaml'),
    ])
  ).stdout;

test.each([
  ['nothing else is kept', undefined],
  ['a version before the release is kept', 30],
])('a newer version that lost most of its rules is held against the shipped one: %s', async (_, rules) => {
  const few = tiktokOf(28, '2099-01-01');
  server.set('/tiktok.yaml', content(few));
  server.set('/tiktok.yaml.sig', content(sign(null, Buffer.from(few), key).toString('base64')));
  if (rules !== undefined) await keep('tiktok', tiktokOf(rules, '2020-01-01'), rules);
  const source = `url: "${server.url('/tiktok.yaml')}", public-key: "${publicKey}", cdn-children: false`;
  cordon = await startCordon({ config: configOf(source).replaceAll('canary', 'tiktok') });
  expect(await tiktok('refresh')).toMatch(/shrunk: 28 entries after 1\d\d/);
  expect(await outcomeOf('musical.ly')).toBe('refused');
  // What the person is shown is the difference from what is in force as well.
  const diff = await tiktok('diff');
  expect(diff).toMatch(/^tiktok: in force [0-9a-f]{64} \(1\d\d rules\)\nheld .* adds 28 and removes 1\d\d\n/);
  expect(diff).toMatch(/^- .*tiktok\.com$/m);
});

test('a file that is older than the release, or lost most of its rules, does not take the shipped list out of force', async () => {
  const signed = (text: string) => ({
    'newer.yaml': text,
    'newer.yaml.sig': sign(null, Buffer.from(text), key).toString('base64'),
  });
  const status = async (): Promise<string> =>
    (await runCommandHere(['lists', 'status', '--config', join(cordon?.directory ?? '', 'cordon.yaml')]))
      .stdout;
  const held = async (): Promise<string | undefined> =>
    /accept tiktok ([0-9a-f]{64})/.exec(await status())?.[1];
  const accept = async () =>
    runCommandHere([
      'lists',
      'accept',
      'tiktok',
      (await held()) ?? '',
      '--config',
      join(cordon?.directory ?? '', 'cordon.yaml'),
    ]);
  const old = tiktokOf(1, '2020-01-01');
  const source = `file: newer.yaml, public-key: "${publicKey}", cdn-children: false`;
  cordon = await startCordon({
    config: configOf(source).replaceAll('canary', 'tiktok'),
    files: signed(old),
  });
  // What was signed once is not what is newest: the release's list is in force from the start on.
  expect(await outcomeOf('musical.ly')).toBe('refused');
  expect(await outcomeOf('n0.example')).not.toBe('refused');
  expect(await status()).toContain('older: its latest review is of 2020-01-01');
  expect(await accept()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('The release has a newer list') as string,
  });
  expect((await reload(cordon, {})).isRefused).toBe(false);
  expect(await outcomeOf('musical.ly')).toBe('refused');
  const checked = await runCommandHere(['check', '--config', join(cordon.directory, 'cordon.yaml')]);
  expect(checked.stdout).toContain('WARNING: would be held');

  // Newer, and of a few rules: reviewed against the release's list.
  const few = tiktokOf(30, '2099-01-01');
  expect((await reload(cordon, signed(few))).isRefused).toBe(false);
  expect(await outcomeOf('musical.ly')).toBe('refused');
  expect(await status()).toMatch(/shrunk: 30 entries after 1\d\d/);
  expect(await accept()).toMatchObject({ code: 0 });
  expect(await outcomeOf('n29.example')).toBe('refused');
  expect(await outcomeOf('musical.ly')).not.toBe('refused');

  // Older than the one in force: before the release's list, and behind it.
  for (const text of [tiktokOf(30, '2098-01-01'), old]) {
    expect(await reload(cordon, signed(text))).toMatchObject({
      isRefused: true,
      err: { code: 'ERR_LIST_HELD', message: expect.stringContaining('older') as string },
    });
    expect(await outcomeOf('n29.example')).toBe('refused');
  }
});

/** Keeps a content of a list as an earlier life of the program would. */
const keep = async (list: string, text: string, entries: number): Promise<void> => {
  const store = await ListStore.open(state, Date.now);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const path = join(store.incoming, sha256);
  writeFileSync(path, text);
  const facts = {
    ...{ entries, exceptions: 0, rejected: 0, guarded: 0, sizeBytes: text.length },
    ...{ isMarkup: false, endsInLineBreak: true, isLengthKnown: true },
  };
  await store.take(list, { path, sha256, facts, validators: undefined });
};

test('a file has to be signed, and a reload with another one is refused', async () => {
  const text = versionOf('2099-01-01');
  const signature = (of: string) => sign(null, Buffer.from(of), key).toString('base64');
  const config = configOf(`file: newer.yaml, public-key: "${publicKey}"`);
  cordon = await startCordon({ config, files: { 'newer.yaml': text, 'newer.yaml.sig': signature(text) } });
  expect(await outcomeOf('new.example')).toBe('refused');
  const forged = text.replace('new.example', 'forged.example');
  expect((await reload(cordon, { 'newer.yaml': forged })).isRefused).toBe(true);
  expect(await outcomeOf('new.example')).toBe('refused');
  expect(
    (await reload(cordon, { 'newer.yaml': forged, 'newer.yaml.sig': signature(forged) })).isRefused,
  ).toBe(false);
  expect(await outcomeOf('new.example')).toBe('answered');
});

test('minisign signs the hash of a file', { tags: 'night' }, async () => {
  const text = versionOf('2099-01-01');
  const id = Buffer.from('0102030405060708', 'hex');
  const spki = Buffer.from(publicKey, 'base64');
  const signature = sign(null, createHash('blake2b512').update(text).digest(), key);
  const comment = 'timestamp:1';
  const global = sign(null, Buffer.concat([signature, Buffer.from(comment)]), key);
  const file = [
    'untrusted comment: x',
    Buffer.concat([Buffer.from('ED'), id, signature]).toString('base64'),
    `trusted comment: ${comment}`,
    global.toString('base64'),
    '',
  ].join('\n');
  const minisignKey = Buffer.concat([Buffer.from('Ed'), id, spki]).toString('base64');
  cordon = await startCordon({
    config: configOf(`file: newer.yaml, public-key: "${minisignKey}"`),
    files: { 'newer.yaml': text, 'newer.yaml.minisig': file },
  });
  expect(await outcomeOf('new.example')).toBe('refused');
});
