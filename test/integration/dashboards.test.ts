// @module-tag deploy
// Grafana's dashboards against what they will stand on: every query of every panel, executed by a real Prometheus that
// reads the shipped configuration and rules and scrapes a real Cordon under load. A panel that stays empty there would be
// empty for ever: a metric that was renamed, a label that never was, a rule that is not evaluated.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest';
import { z } from 'zod';
import { initFleet, type MadeFleet, type RunningCollector, startCollector } from '../../src/fleet/fleet.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { ask, exchangeDatagrams } from '../support/client.ts';
import { requestControl } from '../support/control-socket.ts';
import { DotClient, getPath, listenerOf, openHttp2, SERVER_NAME } from '../support/encrypted-client.ts';
import { FleetEngine } from '../support/fleet-engine.ts';
import { content, ListServer } from '../support/list-server.ts';
import { hasOtherUser, postAsOther } from '../support/other-user.ts';
import { freePort } from '../support/ports.ts';
import { type Cordon, findProgram, isInstalled, requireProgram, startCordon } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { answerCode, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { root } from '../tidy/sources.ts';
import { adminRecord, Bench } from '../unit/records/setup.ts';
import { authority, EncryptedUpstream } from '../unit/upstream/encrypted-upstream.ts';

const DAY_MS = 86_400_000;
/** Until every panel has something: a dozen scrapes, and the first self-probe; some 10 s, a loaded machine many times that. */
const FILLED_MS = 110_000;
const TEST_TIMEOUT_MS = 120_000;
const WAIT = { timeout: 90_000, interval: 25 };
const LISTED = 'www.tiktok.com. A';

const panelSchema = z.object({
  title: z.string(),
  targets: z.array(z.object({ expr: z.string() })).default([]),
});
const dashboardSchema = z.object({
  title: z.string(),
  templating: z.object({
    list: z.array(z.object({ name: z.string(), type: z.string(), query: z.string() })),
  }),
  panels: z.array(panelSchema),
});
type Dashboard = z.infer<typeof dashboardSchema>;

const folder = join(root, 'deploy/grafana/dashboards');
const dashboards: readonly Dashboard[] = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => dashboardSchema.parse(JSON.parse(readFileSync(join(folder, name), 'utf8'))));

let authorityOfListeners: CertificateAuthority;
let upstream: ScriptedUpstream;
let encrypted: EncryptedUpstream;
let listServer: ListServer;
let cordon: Cordon;
let prometheus: { readonly child: ChildProcess; readonly url: string } | undefined;
let engine: FleetEngine | undefined;
let made: MadeFleet | undefined;
let collector: RunningCollector | undefined;
let isLoading = true;
let load: Promise<void> = Promise.resolve();
const work = mkdtempSync(join(tmpdir(), 'cordon-dashboards-'));

const config = (): string => `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
state: ${join(work, 'state')}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
forward: [{ zones: ["secure.example"], upstreams: ["tls://127.0.0.1:${encrypted.endpoint.port}#${SERVER_NAME}"] }]
resolver: { ca: [agency.pem] }
dnssec: { mode: off }
lists:
  - id: tiktok
    shipped: tiktok
    decision: { authority: "A. Authority", reference: "M-1", in-force-from: "2026-01-01", review: "2099-01-01" }
  - { id: watched, file: watched.txt, format: domains, log-only: true }
  - { id: fetched, url: "http://127.0.0.1:${listServer.port}/list.txt", format: domains }
groups:
  - { name: default, lists: [tiktok, watched, fetched] }
  - { name: lab, clients: [127.0.40.0/24], lists: [tiktok] }
rate-limit: { per-client: 10, exempt: [127.0.0.1/32] }
compliance: { profile: us-federal }
name: site-1.agency.example
records: { outputs: [{ to: "file:records.jsonl" }, { to: "file:records.ecs.jsonl", format: ecs }] }
probe: { interval: 10s, controls: [www.example] }
fleet: { servers: ${JSON.stringify(made?.servers)}, trust: ${JSON.stringify(made?.trust)}, role: authority }
`;

beforeAll(async () => {
  if (!hasPrograms()) return;
  const book = new AnswerBook()
    .set('www.example. A', ['www.example. 300 IN A 192.0.2.1'])
    .set(LISTED, ['www.tiktok.com. 300 IN A 192.0.2.2'])
    .set('failing.example. A', (query) => answerCode(query, 2));
  upstream = await ScriptedUpstream.open(book.handler);
  encrypted = await EncryptedUpstream.open('tls', { reply: (query) => answerCode(query, 3) });
  listServer = (await ListServer.open()).set('/list.txt', content('fetched.example\n'));
  authorityOfListeners = CertificateAuthority.create();
  const issued = authorityOfListeners.issue({ names: [`DNS:${SERVER_NAME}`] });
  await recordYesterday();
  await startEngine();
  cordon = await startCordon({
    config: config(),
    files: {
      'watched.txt': 'watched.example\n',
      'cert.pem': issued.certificate,
      'key.pem': issued.key,
      'agency.pem': authority.certificate,
    },
  });
  const until = new Date(Date.now() + 5 * DAY_MS).toISOString();
  if (hasOtherUser) await exempt({ clients: ['127.0.0.7'], until });
  // One probe of all, once the engine is connected.
  await vi.waitUntil(async () => 'id' in Object(await control('/v1/fleet/probe', {})), WAIT);
  collector = await collect();
  load = keepAsking();
  prometheus = await startPrometheus();
});

afterAll(async () => {
  isLoading = false;
  await load;
  prometheus?.child.kill('SIGKILL');
  await collector?.stop();
  await cordon?.stop();
  await engine?.kill();
  await Promise.all([upstream?.close(), encrypted?.close(), listServer?.close()]);
  rmSync(work, { recursive: true, force: true });
});

/** Records of a day that is over: what is whole is told of those that are closed. */
const recordYesterday = async (): Promise<void> => {
  const start = new Date(Date.now() - DAY_MS).toISOString();
  const bench = new Bench({ directory: join(work, 'state/records'), start });
  const change = bench.change(adminRecord(1, start));
  bench.record(3);
  await change;
  bench.recording.close();
};

/** A fleet of this one resolver, whose engine is there. */
const startEngine = async (): Promise<void> => {
  const port = await freePort();
  made = await initFleet({
    ...{ stateDirectory: join(work, 'state'), name: 'ns1', site: 'bruges', servers: [`127.0.0.1:${port}`] },
    ...{ clusterPort: 0, leafPort: undefined, leafs: {}, tls: undefined },
    ...{ store: join(work, 'store'), safeKeyPath: join(work, 'safe-key.pem') },
  });
  engine = new FleetEngine(join(made.engineDirectory, 'nats-server.conf'), port);
  await engine.start();
};

/** A collector of that fleet. */
const collect = (): Promise<RunningCollector> => {
  const quiet = () => undefined;
  return startCollector({
    ...{ directory: join(work, 'collected'), database: undefined, caPath: undefined, checkpointMs: 60_000 },
    ...{ servers: made?.servers ?? [], trust: made?.trust ?? [] },
    ...{
      seedPath: join(work, 'state/fleet/collector.seed'),
      log: { info: quiet, warn: quiet, error: quiet },
    },
  });
};

/** A POST to the control socket. */
const control = async (path: string, body: object): Promise<unknown> =>
  (await requestControl(join(work, 'state'), 'POST', path, body)).body;

/** Grants an exemption. */
const exempt = async (terms: object): Promise<void> => {
  const paper = {
    'requested-by': 'R. Investigator',
    grounds: 'law-enforcement',
    justification: 'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
    alternatives: 'Records asked of the company by warrant take weeks.',
    mitigations: ['Two standalone devices on a separate network.'],
    ...terms,
  };
  // The socket is opened a moment after the ready line.
  await vi.waitUntil(() => existsSync(join(work, 'state/control.sock')), WAIT);
  // An authority decides nothing new before it knows its engine.
  const state = join(work, 'state');
  await vi.waitUntil(async () => 'id' in (await postAsOther(state, '/v1/exemptions', paper)).body, WAIT);
  const approval = { role: 'agency-head' };
  expect(await control('/v1/exemptions/ex-000001/approve', approval)).toHaveProperty('id');
};

/** Asks what panels tell of, round after round: hits, misses, refusals, failures, every transport, too much of it. */
const keepAsking = async (): Promise<void> => {
  const tls = { ca: authorityOfListeners.certificate };
  for (let round = 0; isLoading; round++) {
    for (const question of ['www.example. A', `n${round}.example. A`, 'failing.example. A', LISTED])
      await ask(cordon.dns, question);
    await ask(cordon.dns, 'watched.example. A');
    await ask(cordon.dns, 'www.tiktok.com. AAAA', { transport: 'tcp' });
    await ask(cordon.dns, LISTED, { from: '127.0.0.7' });
    await ask(cordon.dns, `n${round}.secure.example. A`);
    const flood = Array.from({ length: 150 }, () => buildQuery(LISTED));
    await exchangeDatagrams(cordon.dns, flood, 10, '127.0.40.1');
    const dot = await DotClient.open(listenerOf(cordon, 'dot'), tls);
    await dot.ask(LISTED);
    dot.socket.destroy();
    const doh = await openHttp2(listenerOf(cordon, 'doh'), tls);
    await doh.request({ path: getPath(buildQuery(LISTED)) });
    await doh.close();
    await sleep(200);
  }
};

/** Prometheus with the shipped configuration and rules, every second instead of every fifteen. */
const startPrometheus = async (): Promise<{ readonly child: ChildProcess; readonly url: string }> => {
  for (const file of ['prometheus.yml', 'alerts.yml', 'objectives.yml']) {
    cpSync(join(root, 'deploy', file), join(work, file));
    const text = readFileSync(join(work, file), 'utf8')
      .replace('127.0.0.1:9153', `127.0.0.1:${cordon.admin.port}`)
      .replaceAll(/(interval): \w+$/gm, '$1: 1s');
    writeFileSync(join(work, file), text);
  }
  const child = spawn(
    findProgram('prometheus') ?? 'prometheus',
    ['--config.file=prometheus.yml', '--storage.tsdb.path=data', '--web.listen-address=127.0.0.1:0'],
    { cwd: work, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (output += piece));
  await vi.waitUntil(() => output.includes('Server is ready'), WAIT);
  const port = /Listening on" address=127\.0\.0\.1:(\d+)/.exec(output)?.[1];
  expect(port, output).toBeDefined();
  return { child, url: `http://127.0.0.1:${port}` };
};

const replySchema = z.object({
  status: z.string(),
  error: z.string().optional(),
  data: z
    .union([
      z.object({ result: z.array(z.unknown()) }).transform(({ result }) => result),
      z.array(z.unknown()),
    ])
    .optional(),
});

/** How many series Prometheus has for this, or what is wrong with the query. */
const count = async (path: string, query: Readonly<Record<string, string>>): Promise<number | string> => {
  const url = new URL(`/api/v1/${path}`, prometheus?.url);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const response = await fetch(url, { headers: { connection: 'close' } });
  const { error, data } = replySchema.parse(await response.json());
  return error ?? data?.length ?? 0;
};

/** What Grafana puts in place of its variables. */
const substitute = (expression: string): string =>
  expression
    .replaceAll(/=~"\$(?:instance|resolver)"/g, '=~".+"')
    .replaceAll('=~"$site"', '=~".*"')
    .replaceAll('$instance', `127.0.0.1:${cordon.admin.port}`)
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', '1m');

/** Titles of what is empty or refused, with the reason. */
const findEmpty = async ({ title, panels, templating }: Dashboard): Promise<string[]> => {
  const findings: string[] = [];
  for (const panel of panels)
    for (const { expr } of panel.targets) {
      const found = await count('query', { query: substitute(expr) });
      if (typeof found === 'string' || found === 0)
        findings.push(`${title}, ${panel.title}: ${found || 'empty'}: ${expr}`);
    }
  for (const { name, type, query } of templating.list) {
    if (type !== 'query') continue;
    const [, metric = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
    const found = await count(`label/${label}/values`, { 'match[]': substitute(metric) });
    if (typeof found === 'string' || found === 0)
      findings.push(`${title}, variable ${name}: ${found || 'empty'}`);
  }
  return findings;
};

const PROGRAMS = ['prometheus', 'nats-server'];
const hasPrograms = (): boolean => PROGRAMS.every((program) => isInstalled(program));
const requirePrograms = (context: TestContext): void => {
  for (const program of PROGRAMS) requireProgram(context, program);
};

test('every panel of every dashboard has data', { timeout: TEST_TIMEOUT_MS }, async (context) => {
  if (!hasOtherUser) return context.skip('two users of the system need root and curl');
  requirePrograms(context);
  expect(dashboards.map(({ title }) => title).sort()).toEqual([
    'Cordon: compliance',
    'Cordon: fleet',
    'Cordon: one site',
    'Cordon: operations',
  ]);
  const findAll = async (): Promise<string[]> => (await Promise.all(dashboards.map(findEmpty))).flat();
  await expect.poll(findAll, { timeout: FILLED_MS, interval: 1_000 }).toEqual([]);
});

test('a panel on a metric that nobody has, one that is no PromQL, and a variable without values are found', async (context) => {
  requirePrograms(context);
  const planted: Dashboard = {
    title: 'planted',
    templating: { list: [{ name: 'site', type: 'query', query: 'label_values(cordon_gone_info, site)' }] },
    panels: [
      {
        title: 'gone',
        targets: [{ expr: 'rate(cordon_gone_total{instance=~"$instance"}[$__rate_interval])' }],
      },
      { title: 'broken', targets: [{ expr: 'sum by (list (cordon_refusals_total)' }] },
    ],
  };
  const findings = await findEmpty(planted);
  expect(findings).toHaveLength(3);
  expect(findings[1]).toContain('parse error');
});

test('records that were sent meanwhile carry the configured name, in both formats', (context) => {
  requirePrograms(context);
  const linesOf = (file: string): Record<string, unknown>[] =>
    readFileSync(join(cordon.directory, file), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const [own, ecs] = [linesOf('records.jsonl'), linesOf('records.ecs.jsonl')];
  expect(own.length).toBeGreaterThan(0);
  expect(new Set(own.map(({ resolver }) => resolver))).toEqual(new Set(['site-1.agency.example']));
  const refusal = ecs.find(({ event }) => (event as { action: string }).action === 'refusal');
  expect(refusal).toMatchObject({
    observer: { name: 'site-1.agency.example' },
    dns: { question: { class: 'IN' }, response_code: 'NXDOMAIN' },
    rule: { ruleset: 'tiktok' },
  });
});
