// Lists with an address in the running program: fetched, reviewed, held, decided on, and never worse than yesterday.
//
// The source is a real server that misbehaves; the decisions come from the real command or over the control socket.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EDE, RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readAdmin, readMetric, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { type ControlReply, requestControl } from '../support/control-socket.ts';
import {
  content,
  cutLength,
  endless,
  ListServer,
  redirect,
  SERVER_NAME,
  slow,
  status,
  withoutLength,
} from '../support/list-server.ts';
import { type RunResult, startCordon as startProcess } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const NOT_READY = `RCODE ${RCODE.SERVFAIL}, EDE ${EDE.NOT_READY}`;
/** Of no content. */
const NEVER = '0'.repeat(64);

let upstream: ScriptedUpstream;
let server: ListServer;
let cordon: Cordon | undefined;
/** Outlives the program. */
let state: string;

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'cordon-keeping-'));
  const book = new AnswerBook().set(`${SERVER_NAME}. A`, [`${SERVER_NAME}. 60 IN A 127.0.0.1`]);
  for (const name of ['name-1', 'name-99', 'name-500', 'other']) {
    book.set(`${name}.example. A`, [`${name}.example. 300 IN A 192.0.2.1`]);
  }
  upstream = await ScriptedUpstream.open(book.handler);
  server = await ListServer.open();
});

afterEach(async () => {
  await cordon?.kill();
  cordon = undefined;
  await server.close();
  await upstream.close();
  rmSync(state, { recursive: true });
});

const names = (count: number): string =>
  Array.from({ length: count }, (_value, index) => `name-${index}.example\n`).join('');

const configWith = (lists: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ${state}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
rebinding: { allow: [test] }
lists:
${lists}`;

const start = async (lists: string, files: Readonly<Record<string, string>> = {}): Promise<Cordon> => {
  cordon = await startCordon({ config: configWith(lists), files });
  return cordon;
};

const feed = (more = ''): string =>
  `  - { id: feed, url: "${server.url('/list.txt')}", mandate: true, max-size: 64KiB${more} }`;

const outcomeOf = async (program: Cordon, name: string): Promise<string> => {
  const { rcode, ede, answer } = await ask(program.dns, `${name}.example. A`);
  if (answer.length > 0) return 'answered';
  return ede?.infoCode === EDE.BLOCKED ? 'refused' : `RCODE ${rcode}, EDE ${ede?.infoCode}`;
};

/** Runs `cordon lists ARGS` as an administrator of the machine does. */
const lists = (program: Cordon, ...args: readonly string[]): Promise<RunResult> =>
  runCommandHere(['lists', ...args, '--config', join(program.directory, 'cordon.yaml')]);

const control = (method: string, path: string, body?: object): Promise<ControlReply> =>
  requestControl(state, method, path, body);

const refresh = async (list = 'feed'): Promise<Record<string, unknown>> =>
  (await control('POST', `/v1/lists/${list}/refresh`)).body;

test('a list that was never fetched is enforced as soon as it is there, and again without its server', {
  tags: 'night',
}, async () => {
  const asked = Promise.withResolvers<() => void>();
  server.set('/list.txt', (incoming, response) => {
    asked.resolve(() => content(names(100))(incoming, response));
  });
  let program = await start(feed());
  const answerList = await asked.promise;
  expect(await outcomeOf(program, 'name-1')).toBe(NOT_READY);
  expect((await readAdmin(program, '/readyz')).status).toBe(503);
  expect(await readMetric(program, 'cordon_list_stale', { list: 'feed' })).toBe(1);
  answerList();
  await program.waitForLog(({ msg }) => msg === 'lists renewed');
  expect(await outcomeOf(program, 'name-1')).toBe('refused');
  expect(await outcomeOf(program, 'other')).toBe('answered');
  expect((await readAdmin(program, '/readyz')).status).toBe(200);
  expect(await readMetric(program, 'cordon_list_stale', { list: 'feed' })).toBe(0);
  expect(await readMetric(program, 'cordon_list_entries', { list: 'feed' })).toBe(100);
  expect(await readMetric(program, 'cordon_list_fetches_total', { outcome: 'accepted' })).toBe(1);
  expect(server.requests[0]?.headers).toMatchObject({
    'user-agent': expect.stringMatching(/^cordon\//) as string,
  });
  await program.waitForLog(({ msg }) => msg === 'generation saved');
  await program.stop();
  expect(() => statSync(join(state, 'control.sock'))).toThrow('ENOENT');
  rmSync(join(state, 'generation.saved'));
  server.set('/list.txt', status(503));
  program = await start(feed());
  expect(await outcomeOf(program, 'name-1')).toBe('refused');
  expect(await outcomeOf(program, 'other')).toBe('answered');
  expect(program.ready['generation']).toBe(1);
  // It was fetched within its refresh interval, so that nobody asks for it again.
  expect(server.requests).toHaveLength(1);
  await program.stop();
});

test('a source that breaks changes nothing, and everybody is told', { tags: 'night' }, async () => {
  server.set('/list.txt', content(names(100)));
  const program = await start(feed());
  await program.waitForLog(({ msg }) => msg === 'lists renewed');
  for (const [handler, outcome, reason] of [
    [status(404), 'failed', 'HTTP status 404'],
    [status(500), 'failed', 'HTTP status 500'],
    [status(429, { 'retry-after': '7200' }), 'postponed', 'to be asked again in 7200 s'],
    [content('<html><title>Sign in</title>', { 'content-type': 'text/html' }), 'failed', 'a web page'],
    [content('<!doctype html><title>Sign in</title>\n'), 'held', 'markup'],
    [content(''), 'held', 'emptied'],
    [content(names(50)), 'held', 'shrunk: 50 entries after 100'],
    [content(names(1000)), 'held', 'grown: 1000 entries after 100'],
    [content(`${names(100)}whitehouse.gov\n`), 'held', 'guarded: 1 names'],
    [withoutLength(names(95).trimEnd()), 'held', 'truncated'],
    [cutLength(names(50), 10_000), 'failed', 'list.txt'],
    [endless(1 << 24), 'failed', 'more than 65536 bytes'],
    [redirect('/list.txt'), 'failed', 'redirects in a loop'],
    [redirect('http://127.0.0.2/list.txt'), 'failed', 'redirect'],
  ] as const) {
    server.set('/list.txt', handler);
    const from = program.logs().length;
    const before = await readMetric(program, 'cordon_list_fetches_total', { list: 'feed', outcome });
    const result = await refresh();
    expect(result['outcome'], reason).toBe(outcome);
    expect(JSON.stringify(result['reasons'])).toContain(reason);
    const line = await program.waitForLog(({ level, list }) => level === 'warn' && list === 'feed', from);
    expect(JSON.stringify(line), reason).toContain(reason);
    expect(await outcomeOf(program, 'name-99'), reason).toBe('refused');
    expect(await outcomeOf(program, 'other'), reason).toBe('answered');
    expect(await readMetric(program, 'cordon_list_fetches_total', { list: 'feed', outcome })).toBe(
      before + 1,
    );
    expect(await readMetric(program, 'cordon_list_entries', { list: 'feed' })).toBe(100);
  }
  expect(await readMetric(program, 'cordon_list_held', { list: 'feed' })).toBe(1);
  // A source that says one byte a second, and a program that is to end meanwhile.
  server.set('/list.txt', slow(1000));
  const asked = server.requests.length;
  const hanging = refresh().catch(() => undefined);
  await expect.poll(() => server.requests.length).toBe(asked + 1);
  await program.stop();
  await hanging;
});

test('what is held is in force when a person accepts it, and out of force when a person goes back', async () => {
  server.set('/list.txt', content(names(100)));
  const program = await start(feed());
  await program.waitForLog(({ msg }) => msg === 'lists renewed');
  server.set('/list.txt', content(names(1000)));
  await refresh();
  const shown = await lists(program, 'status');
  expect(shown).toMatchObject({ code: 1, stderr: '' });
  expect(shown.stdout).toContain('because  grown: 1000 entries after 100, at most 200 % more');
  const [, sha256 = ''] = /cordon lists accept feed ([0-9a-f]{64})/.exec(shown.stdout) ?? [];
  const diff = await lists(program, 'diff', 'feed');
  expect(diff.stdout).toContain(`held ${sha256} (1000 rules) adds 900 and removes 0\n+ name-100.example\n`);
  expect(diff.stdout).toMatch(/\+ name-199\.example\n\+ … and 800 more\n$/);

  const accepted = await lists(program, 'accept', 'feed', sha256.slice(0, 12), '--reason', 'as announced');
  expect(accepted).toMatchObject({ code: 0, stderr: '' });
  expect(accepted.stdout).toContain('enforces 1000 rules of it');
  expect(await outcomeOf(program, 'name-500')).toBe('refused');
  // That it was not there at the start is over.
  const isRefused = () => readMetric(program, 'cordon_health_issue', { id: 'reload-refused' });
  await expect.poll(isRefused, { timeout: 5_000 }).toBe(0);
  expect(await readMetric(program, 'cordon_list_held', { list: 'feed' })).toBe(0);

  const { body } = await control('GET', '/v1/lists/feed');
  const { previous } = body['kept'] as { previous: readonly { sha256: string }[] };
  const old = previous[0]?.sha256 ?? '';
  const back = await lists(program, 'rollback', 'feed', old, '--reason', 'it breaks mail', '--json');
  expect(JSON.parse(back.stdout)).toMatchObject({ list: 'feed', sha256: old, entries: 100 });
  expect(await outcomeOf(program, 'name-500')).toBe('answered');
  expect(await outcomeOf(program, 'name-99')).toBe('refused');
  // The source still has it; nobody is asked twice.
  expect(await refresh()).toMatchObject({ outcome: 'held', sha256 });
  expect(await outcomeOf(program, 'name-500')).toBe('answered');
  expect((await control('POST', '/v1/lists/feed/dismiss', { sha256 })).status).toBe(200);
  expect((await control('GET', '/v1/lists/feed')).body['held']).toBeNull();
  await program.stop();

  const { code, stdout } = await runCommandHere([
    'lists',
    'history',
    'feed',
    '--json',
    '--config',
    writeConfig(),
  ]);
  expect(code).toBe(0);
  const decisions = JSON.parse(stdout) as readonly { action: string; reason: string }[];
  expect(decisions.map(({ action }) => action)).toEqual([
    ...['fetched', 'accepted', 'fetched', 'held', 'accepted', 'rolled-back', 'unchanged', 'rejected'],
  ]);
  expect(decisions.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(['as announced', 'it breaks mail']) as string[],
  );
});

/** A configuration for commands while no program runs. */
const writeConfig = (): string => {
  const path = join(state, 'cordon.yaml');
  writeFileSync(path, configWith(feed()));
  return path;
};

test('a list whose signature is of another key is not taken, and waits for nobody else', async () => {
  const key = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' });
  server.set('/list.txt', content(names(100)));
  server.set('/list.txt.sig', content(Buffer.alloc(64)));
  const program = await start(
    `  - { id: own, file: own.txt, mandate: true }\n  - { id: feed, url: "${server.url('/list.txt')}", resolve: ["127.0.0.1"], public-key: "${key.subarray(-32).toString('base64')}" }`,
    { 'own.txt': 'name-500.example\n' },
  );
  const line = await program.waitForLog(({ msg }) => msg.startsWith('list not fetched'));
  expect(line).toMatchObject({ level: 'warn', code: 'ERR_LIST_SIGNATURE', list: 'feed' });
  // It is no mandate: the network has its names, and its other lists, without it.
  expect((await readAdmin(program, '/readyz')).status).toBe(200);
  expect(await outcomeOf(program, 'name-500')).toBe('refused');
  expect(await outcomeOf(program, 'name-1')).toBe('answered');
  // Counted once it is recorded, which is after the line in the log.
  await vi.waitFor(
    async () => {
      expect(await readMetric(program, 'cordon_list_fetches_total', { outcome: 'unproven' })).toBe(1);
    },
    { timeout: 90_000 },
  );
  expect(upstream.queries.map(({ name }) => name)).not.toContain(`${SERVER_NAME}.`);
  await program.stop();
});

test('a reload with a mandate list from an address waits for it, and is in force when it is there', async () => {
  const program = await start('  - { id: own, file: own.txt }', { 'own.txt': 'name-500.example\n' });
  const asked = Promise.withResolvers<() => void>();
  server.set('/list.txt', (incoming, response) => {
    asked.resolve(() => content(names(100))(incoming, response));
  });
  writeFileSync(join(program.directory, 'cordon.yaml'), configWith(feed()));
  program.signal('SIGHUP');
  await program.waitForLog(({ msg }) => msg.startsWith('reload waits for lists'));
  const answerList = await asked.promise;
  expect(await outcomeOf(program, 'name-500')).toBe('refused');
  expect(await outcomeOf(program, 'name-1')).toBe('answered');
  answerList();
  await program.waitForLog(({ msg }) => msg === 'lists renewed');
  expect(await outcomeOf(program, 'name-500')).toBe('answered');
  expect(await outcomeOf(program, 'name-1')).toBe('refused');
  const by = expect.stringContaining('cordon.yaml belongs to ') as string;
  await vi.waitFor(
    async () => {
      const { body } = await control('GET', '/v1/records/search?class=changes&limit=100');
      const records = (body['records'] as { record: object }[]).map(({ record }) => record);
      expect(records).toContainEqual(expect.objectContaining({ kind: 'configuration', cause: 'lists', by }));
    },
    { timeout: 90_000, interval: 200 },
  );
  await program.stop();
});

test('a reload that waits for a list which never comes holds up no other list, and loses none', async () => {
  const kept = (id: string): string => `  - { id: ${id}, url: "${server.url(`/${id}`)}" }\n`;
  const put = (id: string, name: string): void => void server.set(`/${id}`, content(`${name}.example\n`));
  const reads = async (text: string): Promise<void> => {
    writeFileSync(join(program.directory, 'cordon.yaml'), text);
    const from = program.logs().length;
    program.signal('SIGHUP');
    await program.waitForLog(({ msg }) => msg.startsWith('reload '), from);
  };
  put('c', 'name-1');
  put('d', 'other');
  const program = await start(kept('c') + kept('d'));
  await program.waitForLog(({ msg }) => msg === 'lists renewed');
  server.set('/feed', status(404));
  await reads(configWith(kept('d') + kept('feed').replace(' }', ', mandate: true }')));
  put('d', 'name-99');
  expect(await refresh('d')).toMatchObject({ outcome: 'accepted' });
  expect(await outcomeOf(program, 'name-99')).toBe('refused');
  expect(await outcomeOf(program, 'name-1')).toBe('refused');
  expect(await readMetric(program, 'cordon_list_stale', { list: 'feed' })).toBe(1);
  // A file that cannot be read ends the waiting: what is in force goes on, and nothing else is fetched.
  await reads('lists: [');
  put('d', 'name-500');
  expect(await refresh('d')).toMatchObject({ outcome: 'accepted' });
  expect(await outcomeOf(program, 'name-500')).toBe('refused');
  expect(await outcomeOf(program, 'name-1')).toBe('refused');
  expect(await readMetric(program, 'cordon_list_stale', { list: 'feed' })).toBe(0);
  await program.stop();
});

describe('a file of the operator', () => {
  const OWN = '  - { id: own, file: own.txt }';

  test('that lost half of its names is not put in force by a reload until somebody accepts it', async () => {
    const program = await start(OWN, { 'own.txt': names(100) });
    const line = await reload(program, { 'own.txt': names(50) });
    expect(line).toMatchObject({
      isRefused: true,
      err: {
        code: 'ERR_LIST_HELD',
        message: 'reading list own: shrunk: 50 entries after 100, at most 20 % fewer',
        hint: expect.stringContaining('cordon lists accept own ') as string,
      },
    });
    expect(await outcomeOf(program, 'name-99')).toBe('refused');
    expect(await readMetric(program, 'cordon_list_held', { list: 'own' })).toBe(1);
    const { body } = await control('GET', '/v1/lists/own');
    const { sha256 } = body['held'] as { sha256: string };
    expect((await control('POST', '/v1/lists/own/accept', { sha256: NEVER })).status).toBe(409);
    expect((await control('POST', '/v1/lists/own/accept', { sha256 })).body).toMatchObject({
      sha256,
      entries: 50,
    });
    expect(await outcomeOf(program, 'name-99')).toBe('answered');
    expect(await outcomeOf(program, 'name-1')).toBe('refused');
    expect(await readMetric(program, 'cordon_list_held', { list: 'own' })).toBe(0);
    // What is recorded is committed a moment later.
    const history = async (): Promise<string> => (await lists(program, 'history', 'own')).stdout;
    await expect
      .poll(history, { timeout: 60_000 })
      .toMatch(/ in-force .*\n.* accepted .*\n.* in-force .* rules more, \d+ less\n$/);
    await program.stop();
  });
});

describe('the control socket', () => {
  test('is for its user only, changes nothing by GET, and says what is wrong', async () => {
    const program = await start('  - { id: own, file: own.txt }', { 'own.txt': names(3) });
    await expect.poll(() => statSync(join(state, 'control.sock')).mode & 0o777).toBe(0o600);
    for (const [method, path, body, code] of [
      ['GET', '/v1/lists', undefined, 200],
      ['GET', '/v1/lists/own', undefined, 200],
      ['GET', '/v1/lists/other', undefined, 404],
      ['GET', '/v1/lists/own/accept', undefined, 405],
      ['GET', '/v1/lists/own/refresh', undefined, 405],
      ['POST', '/v1/lists/own/history', undefined, 405],
      ['GET', '/metrics', undefined, 404],
      ['POST', '/v1/lists/own/accept', {}, 400],
      ['POST', '/v1/lists/own/accept', { sha256: NEVER, reason: 'a'.repeat(100_000) }, 413],
      ['POST', '/v1/lists/own/rollback', { sha256: NEVER }, 409],
      ['POST', '/v1/lists/own/refresh', undefined, 409],
    ] as const) {
      const reply = await control(method, path, body);
      expect(reply.status, `${method} ${path}`).toBe(code);
      if (code >= 400) expect(reply.body).toMatchObject({ type: 'about:blank', status: code });
    }
    expect((await readAdmin(program, '/v1/lists')).status).toBe(404);
    expect((await lists(program, 'status')).code).toBe(0);
    await program.stop();
  });

  test('replaces one that a killed program left, and leaves that of a running one alone', {
    tags: 'night',
  }, async () => {
    const first = await startProcess({
      config: configWith('  - { id: own, file: own.txt }'),
      files: { 'own.txt': names(3) },
    });
    await expect.poll(() => control('GET', '/v1/lists').then((reply) => reply.status)).toBe(200);
    await first.kill();
    const second = await start('  - { id: own, file: own.txt }', { 'own.txt': names(4) });
    await expect
      .poll(() => control('GET', '/v1/lists').then(({ body }) => JSON.stringify(body)))
      .toContain('"entries":4');
    const third = await startCordon({
      config: configWith('  - { id: own, file: own.txt }'),
      files: { 'own.txt': names(5) },
    });
    const line = await third.waitForLog(({ msg }) => msg === 'no control socket');
    expect(line).toMatchObject({ level: 'warn', err: { code: 'ERR_ADMIN_CONTROL' } });
    await third.stop();
    expect(JSON.stringify((await control('GET', '/v1/lists')).body)).toContain('"entries":4');
    await second.stop();
  });
});
