// What somebody reads at three in the morning: lines of the running program with the priority that the journal sorts by,
// each with what, where and what to do, and once for each change; and the metrics that the alarms look at. Lines wait ten
// seconds for what changes back, so the tests wait together.
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'vitest';
import { CertificateAuthority } from '../support/certificates.ts';
import { ask, readMetric, reload } from '../support/client.ts';
import { type Cordon, run, startCordon } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { answer, type ScriptedQuery, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { authority, EncryptedUpstream, SERVER_NAME } from '../unit/upstream/encrypted-upstream.ts';

const WAIT = { timeout: 90_000, interval: 100 };

type AtEnd = TestContext['onTestFinished'];

const start = async (atEnd: AtEnd, config: string, files: Record<string, string> = {}): Promise<Cordon> => {
  const cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
lists: [{ id: ban, file: ban.txt, format: domains, mandate: true }]
${config}`,
    files: { 'ban.txt': 'tiktok.example\n', ...files },
  });
  atEnd(() => cordon.kill());
  return cordon;
};

const address = (query: ScriptedQuery): Uint8Array => answer(query, [`${query.name} 60 IN A 192.0.2.1`]);

const linesOf = (cordon: Cordon, text: string) => cordon.logs().filter(({ msg }) => msg === text);

test.concurrent('a server whose certificate nobody trusts is told once, with what to do, until its authority is configured', {
  tags: 'night',
}, async ({ expect, onTestFinished: atEnd }) => {
  const upstream = await EncryptedUpstream.open('tls', { reply: address });
  atEnd(() => upstream.close());
  const stranger = CertificateAuthority.create('Stranger');
  const text = `tls://127.0.0.1:${upstream.endpoint.port}#${SERVER_NAME}`;
  const config = (ca: string): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
lists: [{ id: ban, file: ban.txt, format: domains, mandate: true }]
upstreams: ["${text}"]
resolver: { ca: [${ca}] }
`;
  const cordon = await startCordon({
    config: config('bundled, stranger.pem'),
    files: {
      'ban.txt': 'tiktok.example\n',
      'stranger.pem': stranger.certificate,
      'agency.pem': authority.certificate,
    },
  });
  atEnd(() => cordon.kill());
  for (let i = 0; i < 5; i++) expect((await ask(cordon.dns, `n${i}.example. A`)).rcode).toBe(2);
  const line = await cordon.waitForLog(({ msg }) => msg.startsWith('an upstream did not prove'));
  expect(line).toMatchObject({ level: 'error', issue: 'upstream-untrusted', subject: text });
  expect(line['text']).toContain(': authority');
  expect(line['hint']).toContain('resolver.ca');
  expect(await readMetric(cordon, 'cordon_upstream_trusted', { upstream: text })).toBe(0);
  expect(linesOf(cordon, line.msg)).toHaveLength(1);
  // Nothing was shown to whoever that is.
  expect(upstream.queries).toEqual([]);

  expect((await reload(cordon, { 'cordon.yaml': config('agency.pem') })).isRefused).toBe(false);
  expect((await ask(cordon.dns, 'good.example. A')).rcode).toBe(0);
  expect(await readMetric(cordon, 'cordon_upstream_trusted', { upstream: text })).toBe(1);
  const endSec = await readMetric(cordon, 'cordon_upstream_certificate_expiry_timestamp_seconds');
  expect(Math.abs(endSec - Date.now() / 1000 - 2 * 86_400)).toBeLessThan(3_600);
  await cordon.waitForLog(({ msg }) => msg === `no longer: ${line.msg}`);
  expect(linesOf(cordon, line.msg)).toHaveLength(1);

  // A file that cannot be used is refused whole, and named.
  const refused = await reload(cordon, { 'cordon.yaml': config('ban.txt') });
  expect(refused).toMatchObject({ isRefused: true, err: { code: 'ERR_UPSTREAM_CERTIFICATE' } });
  expect(JSON.stringify(refused)).toContain('ban.txt');
  const path = join(cordon.directory, 'cordon.yaml');
  const checked = await run(process.execPath, [PROGRAM, 'check', '--config', path]);
  expect(checked.code).toBe(1);
  expect(checked.stderr).toContain('ban.txt: no certificate in PEM');
  await cordon.stop();
});

test.concurrent('that no upstream answers is told once, and once that one does again', {
  tags: 'night',
}, async ({ expect, onTestFinished: atEnd }) => {
  const upstream = await ScriptedUpstream.open(() => undefined);
  atEnd(() => upstream.close());
  const config = `
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
forward: [{ zones: [agency.example], upstreams: ["127.0.0.1:${upstream.endpoint.port}"] }]
resolver: { timeout: 500ms, try-timeout: 50ms }
`;
  const cordon = await start(atEnd, config);
  await Promise.all([1, 2, 3].map((i) => ask(cordon.dns, `n${i}.example. A`)));
  const line = await cordon.waitForLog(({ msg }) => msg === 'no upstream answers');
  expect(line).toMatchObject({ level: 'error', issue: 'upstreams-down', subject: '.' });
  expect(line['hint']).toContain('dig');
  expect(await readMetric(cordon, 'cordon_upstream_route_up', { route: '"."'.slice(1, -1) })).toBe(0);
  expect(await readMetric(cordon, 'cordon_upstream_route_up', { route: 'agency.example.' })).toBe(0);
  upstream.onQuery(address);
  await expect.poll(async () => (await ask(cordon.dns, 'again.example. A')).rcode, WAIT).toBe(0);
  const back = await cordon.waitForLog(({ msg }) => msg === 'no longer: no upstream answers');
  expect(back).toMatchObject({ level: 'info', issue: 'upstreams-down', subject: '.' });
  expect(await readMetric(cordon, 'cordon_upstream_route_up')).toBe(2);
  // One line for each of the two routes, however many questions failed.
  expect(linesOf(cordon, 'no upstream answers').map(({ subject }) => subject)).toEqual([
    '.',
    'agency.example.',
  ]);
  await cordon.stop();
});

test.concurrent('an output that cannot be reached is told once, and that it can be again', {
  tags: 'night',
}, async ({ expect, onTestFinished: atEnd }) => {
  const server: Server = createServer((socket) => void socket.resume());
  const listen = (port: number): Promise<number> =>
    new Promise((resolve) => {
      server.listen(port, '127.0.0.1', () => {
        const bound = server.address();
        resolve(typeof bound === 'object' && bound !== null ? bound.port : 0);
      });
    });
  const port = await listen(0);
  await new Promise((resolve) => server.close(resolve));
  const output = `syslog+tcp://127.0.0.1:${port}`;
  const cordon = await start(
    atEnd,
    `upstreams: ["127.0.0.1:9"]\nrecords: { outputs: [{ to: "${output}" }] }\n`,
  );
  const line = await cordon.waitForLog(({ msg }) => msg.startsWith('an output takes no records'));
  expect(line).toMatchObject({ level: 'warn', issue: 'output-stuck', subject: output });
  expect(line['text']).toContain('ECONNREFUSED');
  expect(line['hint']).toContain('receiver');
  await expect
    .poll(() => readMetric(cordon, 'cordon_records_output_waiting', { output }), WAIT)
    .toBeGreaterThan(0);
  expect(await readMetric(cordon, 'cordon_records_output_connected', { output })).toBe(0);
  await listen(port);
  atEnd(() => void server.close());
  await cordon.waitForLog(({ msg }) => msg === `no longer: ${line.msg}`);
  await expect.poll(() => readMetric(cordon, 'cordon_records_output_waiting', { output }), WAIT).toBe(0);
  expect(await readMetric(cordon, 'cordon_records_output_connected', { output })).toBe(1);
  expect(linesOf(cordon, line.msg)).toHaveLength(1);
  await cordon.stop();
});

test.concurrent('lines carry the priority of the journal when they are told to, and only then', async ({
  expect,
  onTestFinished: atEnd,
}) => {
  const cordon = await start(atEnd, 'upstreams: ["127.0.0.1:9"]\nlog: { priorities: always }\n');
  expect(cordon.output()).toMatch(/^<6>\{"level":"info",.*"msg":"ready"\}$/m);
  expect((await reload(cordon, { 'ban.txt': '' })).isRefused).toBe(true);
  expect(cordon.output()).toMatch(/^<3>\{"level":"error",.*"msg":"reload refused/m);
  await cordon.stop();
  const plain = await start(atEnd, 'upstreams: ["127.0.0.1:9"]\n');
  expect(plain.output()).not.toMatch(/^<\d>/m);
  await plain.stop();
});
