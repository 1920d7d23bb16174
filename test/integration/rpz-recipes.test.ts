// @module-tag night
// The recipes of deploy/rpz with the real programs: a list of Cordon is refused by secondaries, a zone of others by Cordon.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask } from '../support/client.ts';
import { freePort } from '../support/ports.ts';
import { type Cordon, findProgram, requireProgram, run, startCordon } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const RECIPES = fileURLToPath(new URL('../../deploy/rpz/', import.meta.url));
const SECRET = Buffer.alloc(32, 7).toString('base64');
const ZONE = 'rpz.cordon.example';
/** How long a server may take to answer, milliseconds. */
const ANSWER_MS = 1_000;
const WAIT = { timeout: 90_000, interval: 50 };

const children: ChildProcess[] = [];
let directory: string;
let upstream: ScriptedUpstream;
let cordon: Cordon;
let ports: Record<'primary' | 'named' | 'unbound' | 'secondary', number>;

/** A recipe with the addresses and directories of this test in place of its own. */
const recipe = (name: string): string => {
  let text = readFileSync(join(RECIPES, name), 'utf8').replaceAll('SECRET', SECRET);
  const { primary, named, unbound, secondary } = ports;
  for (const [from, to] of [
    ...[
      ['6560', primary],
      ['6561', named],
      ['6562', unbound],
      ['6564', secondary],
      ['6599', upstream.endpoint.port],
    ],
    ...[
      ['/var/lib/knot-in', join(directory, 'in')],
      ['/var/lib/knot', join(directory, 'knot')],
    ],
    ...[
      ['/var/cache/bind', join(directory, 'named')],
      ['/var/lib/unbound', join(directory, 'unbound')],
    ],
  ])
    text = text.replaceAll(String(from), String(to));
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

const start = (program: string, ...args: string[]): void => {
  children.push(spawn(findProgram(program) ?? program, args, { stdio: 'ignore' }));
};

/** Asked again soon: a server that is not there yet gives no answer. */
const refuses = async (port: number, name: string): Promise<boolean> => {
  const asked = ask({ address: '127.0.0.1', port }, `${name}. A`).then(
    ({ rcode }) => rcode === RCODE.NXDOMAIN,
    () => false,
  );
  return Promise.race([asked, sleep(ANSWER_MS, false)]);
};

const publish = async (): Promise<void> => {
  const config = join(cordon.directory, 'cordon.yaml');
  const zone = join(directory, 'knot', `${ZONE}.zone`);
  const made = await run(process.execPath, [
    ...[
      PROGRAM,
      'lists',
      'export',
      '--config',
      config,
      '--format',
      'rpz',
      '--origin',
      ZONE,
      '--output',
      zone,
    ],
  ]);
  expect(made.code).toBe(0);
};

beforeAll(async () => {
  for (const program of ['knotd', 'named', 'unbound'])
    requireProgram({ skip: () => undefined as never }, program);
  directory = mkdtempSync(join(tmpdir(), 'cordon-rpz-'));
  for (const name of ['knot', 'in', 'named', 'unbound']) mkdirSync(join(directory, name));
  upstream = await ScriptedUpstream.open();
  const book = new AnswerBook();
  for (const name of ['one', 'two', 'three'])
    book.set(`${name}.example.net. A`, [`${name}.example.net. 60 IN A 192.0.2.1`]);
  upstream.onQuery(book.handler);
  ports = {
    primary: await freePort(),
    named: await freePort(),
    unbound: await freePort(),
    secondary: await freePort(),
  };
  writeFileSync(
    join(directory, 'in/agency.rpz'),
    '$ORIGIN agency.rpz.\n@ 60 IN SOA . . 1 60 60 60 60\n@ 60 IN NS .\nnone.example.net 60 IN CNAME .\n',
  );
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: own, file: own.txt, format: domains, mandate: true }
  - { id: agency, file: "${join(directory, 'in/agency.rpz')}", format: rpz }
`,
    files: { 'own.txt': 'one.example.net\n' },
  });
});

afterAll(async () => {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }),
  );
  await cordon.kill();
  await upstream.close();
  rmSync(directory, { recursive: true, force: true });
});

test('a list that changes in Cordon is refused by named and unbound within seconds', async () => {
  await publish();
  start('knotd', '--config', recipe('knot-primary.conf'));
  await vi.waitUntil(
    async () => (await run('knotc', ['--socket', join(directory, 'knot/knot.sock'), 'status'])).code === 0,
    WAIT,
  );
  start('named', '-f', '-c', recipe('named-secondary.conf'));
  start('unbound', '-d', '-c', recipe('unbound-secondary.conf'));
  for (const port of [ports.named, ports.unbound]) {
    await vi.waitUntil(() => refuses(port, 'one.example.net'), WAIT);
    expect(await refuses(port, 'two.example.net')).toBe(false);
  }
  writeFileSync(join(cordon.directory, 'own.txt'), 'one.example.net\ntwo.example.net\n');
  await publish();
  const startMs = performance.now();
  expect(
    (await run('knotc', ['--socket', join(directory, 'knot/knot.sock'), 'zone-reload', ZONE])).code,
  ).toBe(0);
  for (const port of [ports.named, ports.unbound])
    await vi.waitUntil(() => refuses(port, 'two.example.net'), WAIT);
  process.stderr.write(`refused by both after ${Math.round(performance.now() - startMs)} ms\n`);
});

test('a zone that changes at a primary is refused by Cordon once the file was replaced', async () => {
  start('knotd', '--config', recipe('knot-secondary.conf'));
  await vi.waitUntil(
    () => readFileSync(join(directory, 'in/agency.rpz'), 'utf8').includes('two.example.net'),
    WAIT,
  );
  expect(await refuses(cordon.dns.port, 'two.example.net')).toBe(false);
  cordon.signal('SIGHUP');
  await vi.waitUntil(() => refuses(cordon.dns.port, 'two.example.net'), WAIT);
  expect(await refuses(cordon.dns.port, 'three.example.net')).toBe(false);
});
