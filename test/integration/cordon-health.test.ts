// deploy/keepalived/cordon-health, asked about a real Cordon: in force, paused, stopped, without upstreams, gone.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { CertificateAuthority } from '../support/certificates.ts';
import { ask } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { type Cordon, requireProgram, run, startCordon } from '../support/process.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SCRIPT = join(root, 'deploy/keepalived/cordon-health');
/** Long enough for a start beside others. */
const SHORT_SEC = 12;
const WAIT = { timeout: 90_000, interval: 200 };

/** The status of each check: 0 is well. */
const statuses = async ({
  admin,
  dns,
}: Pick<Cordon, 'admin' | 'dns'>): Promise<Record<string, number | null>> => {
  const env = { CORDON_ADMIN: `${admin.address}:${admin.port}`, CORDON_DNS: `${dns.address}:${dns.port}` };
  const checks = ['in-force', 'answering', 'upstreams', 'certificate'];
  const results = await Promise.all(checks.map((check) => run(SCRIPT, [check], { env })));
  return Object.fromEntries(checks.map((check, index) => [check, results[index]?.code ?? null]));
};

test('cordon-health says what Cordon says, and what it cannot say any more', {
  tags: 'night',
}, async (context) => {
  requireProgram(context, 'bash');
  let isAnswering = true;
  const upstream = await ScriptedUpstream.open((query) =>
    isAnswering ? answer(query, [`${query.name} 1 IN A 192.0.2.1`]) : undefined,
  );
  onTestFinished(() => upstream.close());
  const cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, file: tiktok.txt, mandate: true }]
`,
    files: { 'tiktok.txt': 'tiktok.example\n' },
  });
  onTestFinished(() => cordon.kill());
  const command = (...args: string[]) =>
    runCommandHere([...args, '--config', join(cordon.directory, 'cordon.yaml')]);
  await ask(cordon.dns, 'www.example.com. A');
  expect(await statuses(cordon)).toEqual({ 'in-force': 0, answering: 0, upstreams: 0, certificate: 0 });

  expect(await command('pause', '10m', '--reason', 'test')).toMatchObject({ code: 0 });
  expect(await statuses(cordon)).toEqual({ 'in-force': 1, answering: 0, upstreams: 0, certificate: 0 });
  expect(await command('resume')).toMatchObject({ code: 0 });
  expect(await statuses(cordon)).toMatchObject({ 'in-force': 0 });

  isAnswering = false;
  await vi.waitFor(async () => {
    void ask(cordon.dns, `${Math.random().toString(36).slice(2)}.example.net. A`).catch(() => undefined);
    expect(await statuses(cordon)).toEqual({ 'in-force': 0, answering: 0, upstreams: 1, certificate: 0 });
  }, WAIT);
  isAnswering = true;
  await vi.waitFor(async () => {
    expect(await statuses(cordon)).toMatchObject({ upstreams: 0 });
  }, WAIT);

  // The kernel goes on taking connections and datagrams for a program that is stopped.
  cordon.signal('SIGSTOP');
  expect(await statuses(cordon)).toEqual({ 'in-force': 1, answering: 1, upstreams: 1, certificate: 1 });
  cordon.signal('SIGCONT');
  await vi.waitFor(async () => {
    expect(await statuses(cordon)).toMatchObject({ 'in-force': 0 });
  }, WAIT);

  await cordon.kill();
  expect(await statuses(cordon)).toEqual({ 'in-force': 1, answering: 1, upstreams: 1, certificate: 1 });
});

test('cordon-health says that the certificate of encrypted listeners has ended', {
  tags: 'night',
}, async (context) => {
  requireProgram(context, 'bash');
  const text = { names: ['DNS:dns.example.net'], endsInDays: SHORT_SEC / 86_400 };
  const { certificate, key } = CertificateAuthority.create().issue(text);
  const cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
upstreams: ["127.0.0.1:9"]
`,
    files: { 'cert.pem': certificate, 'key.pem': key },
  });
  onTestFinished(() => cordon.kill());
  expect(await statuses(cordon)).toMatchObject({ certificate: 0 });
  await vi.waitFor(async () => {
    expect(await statuses(cordon)).toMatchObject({ 'in-force': 0, certificate: 1 });
  }, WAIT);
});

test('cordon-health without a check says how it is used', async (context) => {
  requireProgram(context, 'bash');
  expect(await run(SCRIPT, [])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('usage:') as unknown,
  });
});
