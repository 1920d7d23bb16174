// Health issues in the running program: each is made to happen, and status with its exit code, what needs a person, readiness,
// metric and log say the same, at its begin and at its end; the alerts that ship fire on what was scraped. One program for all.
// Those with scenes of their own are in headlines.test.ts; every id is planted in test/unit/health/health.test.ts.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { alarmOf } from '../../deploy/health.ts';
import { HEALTH_ISSUES } from '../../src/base/words/words.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { ask, readAdmin } from '../support/client.ts';
import { HealthWatch } from '../support/health.ts';
import { requireProgram, run } from '../support/process.ts';
import { answer, answerCode, type ScriptedQuery, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const TEST = { timeout: 120_000 };
const WITNESS = 'w.example+b362d8b1+BKDQaVh+VRr85knRZ+gk+FVT5tyhVtDPD8wE77VnZPUC';

let place: string;
let upstream: ScriptedUpstream;
let silent: ScriptedUpstream;
let closedPort: number;
let cordon: Cordon;
let watch: HealthWatch;

const address = (query: ScriptedQuery): Uint8Array => answer(query, [`${query.name} 0 IN A 203.0.113.1`]);

const configOf = (more: string, upstreams = `"127.0.0.1:${upstream.endpoint.port}"`): string => `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
state: ${join(place, 'state')}
upstreams: [${upstreams}]
resolver: { timeout: 1s, try-timeout: 200ms, strategy: random }
probe: { interval: 2s, rate: 10000, listeners: false, controls: [www.free.example] }
${more}`;

const issue = (endsInDays: number) =>
  CertificateAuthority.create().issue({ names: ['DNS:dns.example.net'], endsInDays });

const LISTS = 'lists: [{ id: order, file: order.txt, format: domains, mandate: true }]';

/** Nothing is wrong: an upstream in a process that others hold up is not down. */
const right = (): string =>
  configOf(LISTS).replace('timeout: 1s, try-timeout: 200ms', 'timeout: 30s, try-timeout: 10s');

/** Nearly everything is wrong at once that a configuration can make so. */
const wrong = (): string =>
  configOf(
    `
forward: [{ zones: [dead.example], upstreams: ["127.0.0.1:${silent.endpoint.port}"] }]
lists:
  - { id: order, file: order.txt, format: domains, mandate: true }
  - { id: later, url: "http://127.0.0.1:${closedPort}/later.txt", format: domains, mandate: false }
compliance: { profile: us-federal }
records:
  outputs: [{ to: "syslog+tcp://127.0.0.1:${closedPort}" }]
  heads: { file: order.txt/heads.jsonl }
  witnesses: [{ url: "http://127.0.0.1:${closedPort}", key: "${WITNESS}" }]
`,
    `"127.0.0.1:${upstream.endpoint.port}", "127.0.0.1:${silent.endpoint.port}"`,
  ).replace('interval: 2s', 'interval: 0s');

const put = (name: string, text: string): void => {
  writeFileSync(join(cordon.directory, `${name}.new`), text);
  renameSync(join(cordon.directory, `${name}.new`), join(cordon.directory, name));
};

const reload = async (config: string, says = 'reloaded'): Promise<void> => {
  put('cordon.yaml', config);
  const from = cordon.logs().length;
  cordon.signal('SIGHUP');
  await cordon.waitForLog(({ msg }) => msg.startsWith(says), from);
};

/** A port on which nobody listens. */
const findClosedPort = async (): Promise<number> => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : 0);
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
};

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'cordon-health-'));
  upstream = await ScriptedUpstream.open(address);
  silent = await ScriptedUpstream.open(() => undefined);
  closedPort = await findClosedPort();
  const { certificate, key } = issue(90);
  cordon = await startCordon({
    config: right(),
    files: { 'cert.pem': certificate, 'key.pem': key, 'order.txt': 'order.example\n' },
  });
  watch = new HealthWatch(cordon, join(place, 'state'));
}, 60_000);

afterAll(async () => {
  await cordon?.kill();
  await Promise.all([upstream?.close(), silent?.close()]);
  if (place !== undefined) rmSync(place, { recursive: true, force: true });
});

test('nothing is wrong', TEST, async () => {
  // Until the first sweep is over, nothing is proven.
  await expect
    .poll(async () => {
      await watch.expectWrong();
      return [...watch.seen.keys()].filter((key) => key !== 'unproven ');
    })
    .toEqual(['']);
});

test('much is wrong at once, and all say all of it', TEST, async () => {
  const soon = issue(0.2);
  put('cert.pem', soon.certificate);
  put('key.pem', soon.key);
  await reload(wrong());
  await reload(configOf('lists: [{ id: order, file: nowhere.txt }]'), 'reload refused');
  for (let count = 0; count < 8; count++) await ask(cordon.dns, `n${count}.example. A`);
  expect((await ask(cordon.dns, 'www.dead.example. A')).rcode).toBe(RCODE.SERVFAIL);
  await watch.expectWrong(
    `upstream-down 127.0.0.1:${silent.endpoint.port}`,
    ...['upstreams-down dead.example.', 'certificate-ends', 'approvers-open', 'list-missing later'],
    ...['reload-refused', 'probe-off'],
    `output-stuck syslog+tcp://127.0.0.1:${closedPort}`,
    `output-stuck heads:${join(cordon.directory, 'order.txt/heads.jsonl')}`,
    'witness-away w.example',
  );
});

/** Lines wait ten seconds for what changes back: what ends here is waited for with what ends next. */
const MENDED = [
  ...(['upstream-down', 'upstreams-down', 'certificate-ends', 'approvers-open', 'list-missing'] as const),
  ...(['output-stuck', 'witness-away', 'reload-refused', 'probe-off'] as const),
];

test('a probe without the right answers is no proof, and status is not 0', TEST, async () => {
  const good = issue(90);
  put('cert.pem', good.certificate);
  put('key.pem', good.key);
  await reload(configOf(LISTS));
  upstream.onQuery((query) => answerCode(query, RCODE.NXDOMAIN));
  await watch.expectWrong('unproven');
});

test(
  'no upstream answers: queries are answered, names do not resolve, and that is said; all of it is over once it is mended',
  TEST,
  async () => {
    upstream.onQuery(() => undefined);
    await ask(cordon.dns, 'gone.example. A');
    await watch.expectWrong('upstreams-down .', 'unproven');
    const { status, body } = await readAdmin(cordon, '/answering');
    expect(status).toBe(200);
    expect((JSON.parse(body) as { issues: string[] }).issues).toContain('upstreams-down');
    upstream.onQuery(address);
    await watch.expectOver(...MENDED, 'unproven');
  },
);

test('the alerts that ship fire on what was scraped, and on nothing else', TEST, async (context) => {
  requireProgram(context, 'promtool');
  const file = join(place, 'matrix.test.json');
  const tests = [...watch.seen.values()].map(({ page, issues }, at) => ({
    name: `scrape ${at}`,
    interval: '5m',
    input_series: [
      ...page.matchAll(/^(cordon_(?:health_issue|policy_enforcing|build_info)\b.*) (\S+)$/gm),
    ].map(([, series = '', value = '']) => ({ series: withInstance(series), values: `${value}x26` })),
    alert_rule_test: Object.values(HEALTH_ISSUES).map(({ alert }) => ({
      ...{ eval_time: '125m', alertname: alert },
      exp_alerts: issues
        .filter(({ id }) => HEALTH_ISSUES[id].alert === alert)
        .map(({ id, subject }) => alarmOf(id, subject)),
    })),
  }));
  writeFileSync(file, JSON.stringify({ rule_files: [ALERTS], evaluation_interval: '5m', tests }));
  const { code, stdout, stderr } = await run('promtool', ['test', 'rules', file]);
  expect(code, stdout + stderr).toBe(0);
  const ids = new Set([...watch.seen.values()].flatMap(({ issues }) => issues.map(({ id }) => id)));
  expect(ids.size).toBeGreaterThan(9);
});

const ALERTS = fileURLToPath(new URL('../../deploy/alerts.yml', import.meta.url));

/** Of one resolver, as a scrape makes it. */
const withInstance = (series: string): string =>
  series.includes('{') ? series.replace('{', '{instance="a",') : `${series}{instance="a"}`;
