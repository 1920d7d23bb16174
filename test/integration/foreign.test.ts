// A mixed network: Cordon publishes its lists, BIND, unbound and Knot Resolver take them up, clients ask them, and a collector
// watches them over dnstap. What the fleet's report says is what the clients of this test were answered.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import type { FleetReport } from '../../src/evidence/report/report.ts';
import { RCODE, TYPE } from '../../src/wire/dns/dns.ts';
import { ask } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { since } from '../support/days.ts';
import { freePort } from '../support/ports.ts';
import { findProgram, requireProgram } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const KEPT_MS = 3_000;
/** In the order of the report. */
const ALL = ['bind', 'kresd', 'unbound'] as const;
const ZONE = 'rpz.agency.example';
const WAIT = { timeout: 60_000, interval: 50 };
const EMPTY = `$TTL 60\n@ SOA localhost. root.localhost. 1 60 60 60 60\n@ NS localhost.\n`;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const start = (command: string, args: readonly string[], cwd: string): ChildProcess => {
  const child = spawn(findProgram(command) ?? command, args, { cwd, stdio: 'ignore' });
  const ended = once(child, 'exit');
  closing.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return child;
};

/** Undefined while nobody answers. */
const rcodeOf = (port: number, name: string): Promise<number | undefined> =>
  Promise.race([
    ask({ address: '127.0.0.1', port }, `${name}. A`).then(
      ({ rcode, answer: records }) => (rcode === RCODE.NOERROR && records.length === 0 ? -1 : rcode),
      () => undefined,
    ),
    sleep(1_000, undefined),
  ]);

test('BIND, unbound and Knot Resolver are watched: what was refused, what leaked and when, and when nothing was seen', {
  tags: 'night',
  timeout: 180_000,
}, async (context) => {
  for (const program of ['named', 'unbound', 'kresd']) requireProgram(context, program);
  const beganMs = Date.now();
  const place = mkdtempSync(join(tmpdir(), 'cordon-foreign-'));
  closing.push(() => rmSync(place, { recursive: true, force: true }));
  const path = (name: string): string => join(place, name);
  const upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === TYPE.A ? [`${query.name} 1 IN A 192.0.2.1`] : []),
  );
  closing.push(() => upstream.close());
  const ports = {
    bind: await freePort(),
    unbound: await freePort(),
    kresd: await freePort(),
    tap: await freePort(),
  };

  // Cordon publishes.
  writeFileSync(path('banned.txt'), 'banned.example\nother.example\n');
  writeFileSync(
    path('cordon.yaml'),
    `state: state\nupstreams: ["127.0.0.1:9"]\nlists:\n  - { id: banned, file: banned.txt, format: domains, mandate: true }\n`,
  );
  const exported = async (format: string, file: string, ...more: string[]): Promise<void> => {
    const args = ['lists', 'export', '--format', format, ...more, '--output', path(file)];
    expect(await runCommandHere(args, { cwd: place })).toMatchObject({ code: 0 });
  };
  await exported('rpz', 'published.rpz', '--origin', ZONE);
  await exported('rpz', 'named.rpz', '--origin', ZONE);
  await exported('unbound', 'published.conf');

  // What they answer goes to a socket for each.
  writeFileSync(
    path('dnstap.yaml'),
    `resolvers:
  bind: { listen: ${path('bind.sock')}, policy: [{ file: ${path('published.rpz')}, format: rpz }] }
  unbound:
    listen: 127.0.0.1:${ports.tap}
    from: [127.0.0.1]
    policy: [{ file: ${path('published.conf')}, format: unbound }]
  kresd: { listen: ${path('kresd.sock')}, policy: [{ file: ${path('published.rpz')}, format: rpz }] }
`,
  );
  const collector = start(
    process.execPath,
    [PROGRAM, 'collect', '--dnstap', path('dnstap.yaml'), '--prometheus', path('foreign.prom')],
    place,
  );
  const report = async (): Promise<NonNullable<FleetReport['foreign']>> => {
    const { stdout, stderr } = await runCommandHere(['fleet', 'report', ...since(beganMs), '--json'], {
      cwd: place,
    });
    const { foreign } = JSON.parse(
      stdout || `{"foreign":null,"error":${JSON.stringify(stderr)}}`,
    ) as FleetReport;
    if (foreign === null) throw new Error(stderr);
    return foreign;
  };
  await vi.waitFor(async () => expect((await report()).resolvers).toHaveLength(3), WAIT);

  mkdirSync(path('named'));
  writeFileSync(
    path('named.conf'),
    `options { directory "${path('named')}"; listen-on port ${ports.bind} { 127.0.0.1; }; listen-on-v6 { none; };
  pid-file none; session-keyfile none; recursion yes; dnssec-validation no; qname-minimization off; empty-zones-enable no;
  forwarders { 127.0.0.1 port ${upstream.endpoint.port}; }; forward only;
  response-policy { zone "${ZONE}"; } qname-wait-recurse no;
  dnstap { client response; }; dnstap-output unix "${path('bind.sock')}"; };
controls { };
zone "${ZONE}" { type primary; file "${path('named.rpz')}"; };
`,
  );
  const named = start('named', ['-f', '-c', path('named.conf')], place);
  writeFileSync(
    path('unbound.conf'),
    `server:
  interface: 127.0.0.1@${ports.unbound}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "${place}"
  pidfile: ""
  do-not-query-localhost: no
  module-config: "iterator"
  include: "${path('published.conf')}"
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${upstream.endpoint.port}
dnstap:
  dnstap-enable: yes
  dnstap-ip: 127.0.0.1@${ports.tap}
  dnstap-tls: no
  dnstap-log-client-response-messages: yes
`,
  );
  const other = start('unbound', ['-d', '-c', path('unbound.conf')], place);

  writeFileSync(
    path('kresd.conf'),
    `net.listen('127.0.0.1', ${ports.kresd}, { kind = 'dns' })
trust_anchors.remove('.')
modules = { dnstap = { socket_path = '${path('kresd.sock')}', client = { log_queries = false, log_responses = true } } }
policy.add(policy.rpz(policy.DENY, '${path('published.rpz')}'))
policy.add(policy.all(policy.FORWARD('127.0.0.1@${upstream.endpoint.port}')))
cache.open(10 * MB, 'lmdb://${path('kresd-cache')}')
`,
  );
  const knot = start('kresd', ['-n', '-c', path('kresd.conf'), place], place);

  /** What clients were answered, by resolver: an account of its own. */
  const counts = {
    bind: new Map<string, number>(),
    kresd: new Map<string, number>(),
    unbound: new Map<string, number>(),
  };
  const query = async (who: keyof typeof counts, name: string): Promise<number | undefined> => {
    const rcode = await rcodeOf(ports[who], name);
    const isListed = /(?:^|\.)(?:banned|other)\.example$/.test(name);
    const word = !isListed ? 'free' : rcode === RCODE.NOERROR ? 'leaked' : 'refused';
    if (rcode !== undefined) counts[who].set(word, (counts[who].get(word) ?? 0) + 1);
    return rcode;
  };
  for (const who of ALL)
    await vi.waitUntil(async () => (await query(who, 'www.banned.example')) === RCODE.NXDOMAIN, WAIT);
  for (const who of ALL)
    for (let i = 0; i < 20; i++) {
      await query(who, `n${i}.banned.example`);
      await query(who, `n${i}.free.example`);
    }

  // BIND's policy is switched off for a while.
  writeFileSync(path('named.rpz'), EMPTY);
  const offMs = Date.now();
  named.kill('SIGHUP');
  await vi.waitUntil(async () => (await query('bind', 'www.other.example')) === RCODE.NOERROR, WAIT);
  for (let i = 0; i < 10; i++) await query('bind', `away${i % 2}.banned.example`);
  // Whoever looks at metrics learns of it while it goes on.
  await vi.waitUntil(
    () =>
      readFileSync(path('foreign.prom'), 'utf8').includes(
        'cordon_health_issue{id="foreign-leaking",subject="bind"} 1',
      ),
    WAIT,
  );
  await exported('rpz', 'named.rpz', '--origin', ZONE);
  named.kill('SIGHUP');
  await vi.waitUntil(async () => (await query('bind', 'back.banned.example')) === RCODE.NXDOMAIN, WAIT);
  const onMs = Date.now();

  const count = (who: keyof typeof counts, word: string): number => counts[who].get(word) ?? 0;
  const sumOf = (who: keyof typeof counts): number => [...counts[who].values()].reduce((a, b) => a + b, 0);
  // unbound keeps messages back for a second, and forgets them when it ends; BIND sends them then.
  await sleep(KEPT_MS);
  for (const child of [named, other, knot]) child.kill('SIGTERM');
  await Promise.all(
    [named, other, knot].map((child) => (child.exitCode === null ? once(child, 'exit') : Promise.resolve())),
  );
  const isOver = (text: string | null | undefined): boolean => text !== null && text !== undefined;
  await vi.waitUntil(
    async () => (await report()).resolvers.every(({ unseen }) => isOver(unseen.at(-1)?.reason)),
    WAIT,
  );
  collector.kill('SIGTERM');
  await once(collector, 'exit');
  const { gaps, resolvers } = await report();
  expect(gaps).toEqual([]);
  const [bind, ...others] = resolvers;
  for (const [index, who] of ALL.entries())
    expect(resolvers[index]).toMatchObject({
      name: who,
      answers: sumOf(who),
      refused: count(who, 'refused'),
      leaked: count(who, 'leaked'),
      failed: 0,
      malformed: 0,
      isHeld: false,
    });
  expect(bind?.leaks).toHaveLength(1);
  const [leak] = bind?.leaks ?? [];
  expect(Date.parse(leak?.from ?? '')).toBeGreaterThanOrEqual(offMs);
  expect(Date.parse(leak?.until ?? '')).toBeLessThanOrEqual(onMs + 5_000);
  expect(leak?.names.map(({ qname }) => qname)).toEqual(
    expect.arrayContaining(['away0.banned.example', 'away1.banned.example', 'www.other.example']),
  );
  for (const one of others) expect(one.leaks).toEqual([]);
});
