// Configuration and lists change while queries come in: nothing is lost, nothing slips through, nothing half-done.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EDE, RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { type AskOptions, ask, readAdmin, readMetric, reload, TcpClient } from '../support/client.ts';
import { inTwo } from '../support/night.ts';
import { freePort } from '../support/ports.ts';
import {
  type Cordon as Program,
  type SocketAddress,
  startCordon as startProcess,
} from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { answer, type ScriptedQuery, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const OTHER_CLIENT = '127.0.0.9';
/** Between two questions of a client: as many as there can be would hold up the reloads that they are about. */
const PAUSE_MS = 5;

let upstream: ScriptedUpstream;
let book: AnswerBook;
let cordon: Cordon | undefined;

beforeEach(async () => {
  book = new AnswerBook();
  for (const name of ['always', 'news', 'other']) {
    book.set(`www.${name}.example. A`, [`www.${name}.example. 300 IN A 192.0.2.1`]);
  }
  upstream = await ScriptedUpstream.open(book.handler);
});

afterEach(async () => {
  await cordon?.kill();
  cordon = undefined;
  await upstream.close();
});

const configWith = (lines = '', port = upstream.endpoint.port): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 2
upstreams: ["127.0.0.1:${port}"]
lists: [{ id: own, file: own.txt, mandate: true }]
resolver: { timeout: 20s, try-timeout: 10s }
${lines}`;

const start = async (list = 'always.example\n', config = configWith()): Promise<Cordon> => {
  cordon = await startCordon({ config, files: { 'own.txt': list } });
  return cordon;
};

/** As a process, for what is about signals or about a main thread that has nothing else to do. */
const startProgram = async (): Promise<Program> => {
  const program = await startProcess({ config: configWith(), files: { 'own.txt': 'always.example\n' } });
  cordon = program;
  return program;
};

/** The outcome of a question in one word, or the address. */
const verdictOn = async (server: SocketAddress, name: string, options?: AskOptions): Promise<string> => {
  const reply = await ask(server, `${name} A`, options);
  if (reply.ede?.infoCode === EDE.BLOCKED && reply.answer.length === 0) return 'refused';
  return reply.answer.length === 0 ? `RCODE ${reply.rcode}, EDE ${reply.ede?.infoCode}` : 'answered';
};

/** A list needs an entry to be a list. */
const NEWS = 'always.example\nnews.example\n';

test('a cached name is refused as soon as a reload lists it, and answered again when it is not', async () => {
  const program = await start();
  const verdicts = async () => {
    // Both workers: the kernel spreads sockets over them.
    const all = await Promise.all(
      Array.from({ length: 16 }, () => verdictOn(program.dns, 'www.news.example.')),
    );
    return [...new Set(all)];
  };
  expect(await verdicts()).toEqual(['answered']);
  expect((await reload(program, { 'own.txt': NEWS })).isRefused).toBe(false);
  const asked = upstream.count();
  expect(await verdicts()).toEqual(['refused']);
  expect(upstream.count()).toBe(asked);
  await reload(program, { 'own.txt': 'always.example\n' });
  expect(await verdicts()).toEqual(['answered']);
  expect(await readMetric(program, 'cordon_policy_generation')).toBe(3);
  await program.stop();
});

test('an answer that was waited for while the list changed is judged by the new list', async () => {
  const program = await start();
  const asked = Promise.withResolvers<ScriptedQuery>();
  book.set('www.news.example. A', (query) => {
    asked.resolve(query);
    return undefined;
  });
  const waiting = verdictOn(program.dns, 'www.news.example.');
  const query = await asked.promise;
  await reload(program, { 'own.txt': NEWS });
  upstream.sendDatagram(answer(query, ['www.news.example. 300 IN A 192.0.2.1']), query.port);
  expect(await waiting).toBe('refused');
  await program.stop();
});

test('no query is lost and no listed name gets through while reloads go on', async () => {
  const program = await startProgram();
  let isRunning = true;
  const verdicts = new Map<string, number>();
  const client = async (name: string, options: AskOptions): Promise<void> => {
    while (isRunning) {
      const verdict = `${name} ${await verdictOn(program.dns, name, options)}`;
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      await sleep(PAUSE_MS);
    }
  };
  const clients = [
    ...Array.from({ length: 4 }, () => client('www.always.example.', {})),
    client('www.always.example.', { transport: 'tcp' }),
    client('www.other.example.', {}),
    client('www.news.example.', {}),
  ];
  for (let round = 0; round < 4; round++) {
    await reload(program, { 'own.txt': round % 2 === 0 ? NEWS : 'always.example\n' });
  }
  isRunning = false;
  await Promise.all(clients);
  expect([...verdicts.keys()].sort()).toEqual([
    'www.always.example. refused',
    'www.news.example. answered',
    'www.news.example. refused',
    'www.other.example. answered',
  ]);
  expect(verdicts.get('www.always.example. refused')).toBeGreaterThan(200);
  await program.stop();
});

describe('a reload that cannot be', () => {
  const BROKEN: Readonly<Record<string, readonly [() => Record<string, string>, string]>> = {
    'a configuration that is not YAML': [() => ({ 'cordon.yaml': 'lists: [' }), 'ERR_CONFIG_'],
    'an unknown key': [() => ({ 'cordon.yaml': configWith('blok: {}') }), 'ERR_CONFIG_'],
    'an empty list': [() => ({ 'own.txt': '' }), 'ERR_LIST_'],
    'a list that is a web page': [() => ({ 'own.txt': '<!DOCTYPE html>\n<html>\n' }), 'ERR_LIST_'],
    'a list that would refuse everything': [() => ({ 'own.txt': 'com\ngov\n' }), 'ERR_LIST_'],
    'an address that this host does not have': [
      () => ({
        'cordon.yaml': configWith().replace('["127.0.0.1:0"]', '["127.0.0.1:0", "192.0.2.1:0"]'),
      }),
      'ERR_SERVER_LISTEN',
    ],
  };

  for (const [options, broken] of inTwo(Object.entries(BROKEN), (_, index) => index % 2 === 0))
    test(
      `leaves everything as it was, and says so: ${broken.map(([title]) => title).join(', ')}`,
      options,
      async () => {
        const program = await start();
        for (const [round, [title, [files, code]]] of broken.entries()) {
          const line = await reload(program, files());
          expect(line.isRefused, title).toBe(true);
          expect(JSON.stringify(line), title).toContain(code);
          expect(await verdictOn(program.dns, 'www.always.example.'), title).toBe('refused');
          expect(await verdictOn(program.dns, 'www.other.example.'), title).toBe('answered');
          const failed = await readMetric(program, 'cordon_config_reloads_total', { result: 'failure' });
          expect(failed, title).toBe(round + 1);
          await reload(program, { 'cordon.yaml': configWith(), 'own.txt': 'always.example\n' });
        }
        expect((await readAdmin(program, '/readyz')).status).toBe(200);
        await program.stop();
      },
    );

  test('a list file that is gone leaves the list in force', { tags: 'night' }, async () => {
    const program = await start();
    rmSync(join(program.directory, 'own.txt'));
    expect((await reload(program, {})).isRefused).toBe(true);
    expect(await verdictOn(program.dns, 'www.always.example.')).toBe('refused');
    await program.stop();
  });
});

test('without its list the program answers nothing until a reload brings it', async () => {
  cordon = await startCordon({ config: configWith() });
  const program = cordon;
  for (const name of ['www.always.example.', 'www.other.example.', 'localhost.']) {
    const reply = await ask(program.dns, `${name} A`);
    expect(reply).toMatchObject({ rcode: RCODE.SERVFAIL, answer: [], ede: { infoCode: EDE.NOT_READY } });
  }
  expect(upstream.count()).toBe(0);
  expect((await readAdmin(program, '/readyz')).status).toBe(503);
  expect((await readAdmin(program, '/healthz')).status).toBe(200);
  expect(await readMetric(program, 'cordon_policy_enforcing')).toBe(0);
  expect((await reload(program, { 'own.txt': 'always.example\n' })).isRefused).toBe(false);
  expect(await verdictOn(program.dns, 'www.always.example.')).toBe('refused');
  expect(await verdictOn(program.dns, 'www.other.example.')).toBe('answered');
  expect((await readAdmin(program, '/readyz')).status).toBe(200);
  expect(await readMetric(program, 'cordon_policy_enforcing')).toBe(1);
  await program.stop();
});

test('group prefixes and access change at once', { tags: 'night' }, async () => {
  const program = await start();
  const groups = (prefix: string) =>
    configWith(`groups: [{ name: default, lists: [own] }, { name: lab, clients: ["${prefix}"], lists: [] }]`);
  book.set('www.always.example. A', ['www.always.example. 300 IN A 192.0.2.1']);
  const verdicts = async () => [
    await verdictOn(program.dns, 'www.always.example.'),
    await verdictOn(program.dns, 'www.always.example.', { from: OTHER_CLIENT }),
  ];
  expect(await verdicts()).toEqual(['refused', 'refused']);
  await reload(program, { 'cordon.yaml': groups(`${OTHER_CLIENT}/32`) });
  expect(await verdicts()).toEqual(['refused', 'answered']);
  await reload(program, { 'cordon.yaml': groups('127.0.0.1/32') });
  expect(await verdicts()).toEqual(['answered', 'refused']);
  await reload(program, { 'cordon.yaml': configWith(`access: { allow: ["127.0.0.1/32"] }`) });
  const denied = `RCODE ${RCODE.REFUSED}, EDE ${EDE.PROHIBITED}`;
  expect(await verdicts()).toEqual(['refused', denied]);
  await program.stop();
});

test('other upstreams are asked from the reload on, also for what was cached', {
  tags: 'night',
}, async () => {
  const program = await start();
  const second = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.2`]));
  try {
    expect((await ask(program.dns, 'www.other.example. A')).answer).toEqual([
      'www.other.example. 300 IN A 192.0.2.1',
    ]);
    await reload(program, { 'cordon.yaml': configWith('', second.endpoint.port) });
    const before = upstream.count();
    for (let i = 0; i < 8; i++) {
      const { answer: records } = await ask(program.dns, 'www.other.example. A');
      expect(records).toEqual([expect.stringMatching(/ IN A 192\.0\.2\.2$/)]);
    }
    expect(upstream.count()).toBe(before);
    expect(second.count()).toBeGreaterThan(0);
  } finally {
    await second.close();
  }
  await program.stop();
});

test('a query that waits at an upstream which a reload removes is still answered', async () => {
  const program = await start();
  const asked = Promise.withResolvers<undefined>();
  book.set('www.slow.example. A', (query) => {
    asked.resolve(undefined);
    return { delayMs: 700, messages: answer(query, ['www.slow.example. 300 IN A 192.0.2.1']) };
  });
  const second = await ScriptedUpstream.open();
  const waiting = verdictOn(program.dns, 'www.slow.example.');
  await asked.promise;
  await reload(program, { 'cordon.yaml': configWith('', second.endpoint.port) });
  expect(await waiting).toBe('answered');
  await second.close();
  await program.stop();
});

test('listeners come and go', { tags: 'night' }, async () => {
  const program = await start();
  const withListeners = (list: string) => configWith().replace('["127.0.0.1:0"]', list);
  const extra = await freePort();
  await reload(program, { 'cordon.yaml': withListeners(`["127.0.0.1:0", "127.0.0.5:${extra}"]`) });
  const added = { address: '127.0.0.5', port: extra };
  for (const transport of ['udp', 'tcp'] as const) {
    expect(await verdictOn(added, 'www.always.example.', { transport })).toBe('refused');
    expect(await verdictOn(program.dns, 'www.other.example.', { transport })).toBe('answered');
  }
  await reload(program, { 'cordon.yaml': withListeners('["127.0.0.1:0"]') });
  await expect(TcpClient.open(added)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(await verdictOn(program.dns, 'www.always.example.')).toBe('refused');
  await program.stop();
});

test('a SIGHUP that comes right at the start is a reload, not the end', { tags: 'night' }, async () => {
  const program = await startProgram();
  program.signal('SIGHUP');
  await program.waitForLog(({ msg }) => msg === 'reloaded');
  await program.stop();
});

describe('SIGTERM', () => {
  for (const [options, transports] of inTwo(['udp', 'tcp'] as const, (one) => one === 'udp'))
    test.each(transports)('lets a query that waits over %s be answered', options, async (transport) => {
      const program = await startProgram();
      const asked = Promise.withResolvers<undefined>();
      book.set('www.slow.example. A', (query) => {
        asked.resolve(undefined);
        return { delayMs: 500, messages: answer(query, ['www.slow.example. 300 IN A 192.0.2.1']) };
      });
      const waiting = verdictOn(program.dns, 'www.slow.example.', { transport });
      await asked.promise;
      program.signal('SIGTERM');
      expect(await waiting).toBe('answered');
      expect(await program.exited).toEqual({ code: 0, signal: null });
    });

  test('ends idle TCP connections', async () => {
    const program = await startProgram();
    const client = await TcpClient.open(program.dns);
    client.send(buildQuery('www.always.example. A'));
    await client.read();
    program.signal('SIGTERM');
    await client.waitForClose();
    expect(await program.exited).toEqual({ code: 0, signal: null });
  });
});
