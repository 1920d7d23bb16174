// Datagrams of IPv6 over a cable whose source is an IPv4 address in its mapped form, or none: kernels hand them to sockets of
// IPv6 alone as well, where they would pass for the IPv4 client of that address.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { CertificateAuthority } from '../support/certificates.ts';
import { inTwo } from '../support/night.ts';
import { requireProgram, run } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { buildQuery } from '../support/records.ts';

/** Namespaces of parallel runs must not meet. */
const NAMESPACE = `cordon-forged-${process.pid}`;
const SEND = fileURLToPath(new URL('../support/forged-ipv6.py', import.meta.url));
const CLIENT = 'fd00::1';
const SERVER = 'fd00::2';
const [DNS_PORT, DOQ_PORT, ADMIN_PORT] = [5353, 8853, 9090];
/** Every IPv4 address may ask, and one of IPv6. The group of loopback would be told that the name is refused. */
const CONFIG = `listen: { dns: ["[${SERVER}]:${DNS_PORT}"], doq: ["[${SERVER}]:${DOQ_PORT}"], admin: "127.0.0.1:${ADMIN_PORT}" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
upstreams: ["192.0.2.99"]
access: { allow: ["0.0.0.0/0", "${CLIENT}/128", "::/128"] }
`;
const FORGED = ['::ffff:127.0.0.1', '::ffff:10.1.2.3', '::ffff:192.0.2.99', '::'];
/** What looks alike and is an address of its own, which may not ask here. */
const ALIKE = ['::10.1.2.3', '::ffff:0:10.1.2.3', '64:ff9b::10.1.2.3', '2002:a01:203::1'];

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

const inNamespace = async (...command: string[]): Promise<string> => {
  const done = await run('ip', ['netns', 'exec', NAMESPACE, ...command], { timeoutMs: 90_000 });
  if (done.code !== 0) throw new Error(`${command.join(' ')}: ${done.stderr}`);
  return done.stdout;
};

const start = async (environment: NodeJS.ProcessEnv): Promise<string> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-forged-'));
  cleanups.push(() => {
    rmSync(directory, { recursive: true });
    return Promise.resolve();
  });
  const { certificate, key } = CertificateAuthority.create().issue({ names: ['DNS:dns.example.net'] });
  for (const [name, content] of Object.entries({
    'cordon.yaml': CONFIG,
    'cert.pem': certificate,
    'key.pem': key,
  }))
    writeFileSync(join(directory, name), content);
  const child = spawn(
    'ip',
    [
      ...['netns', 'exec', NAMESPACE, process.execPath, PROGRAM, 'serve'],
      ...['--config', join(directory, 'cordon.yaml')],
    ],
    {
      env: { PATH: process.env['PATH'], CORDON_PROBE_INTERVAL: '0s', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  cleanups.push(async () => {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  });
  let output = '';
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
      if (output.includes('"ready"')) resolve(output);
    });
    child.once('exit', () => reject(new Error(`ended before it was ready: ${output}`)));
  });
};

/** All metrics, from within the namespace. */
const readMetrics = (): Promise<string> =>
  inNamespace(
    'python3',
    '-c',
    `import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:${ADMIN_PORT}/metrics').read().decode())`,
  );

/** The series of a metric with a label, added up. */
const sumOf = (text: string, name: string, label: string): number =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);

const KINDS = [
  ['batched', {}],
  ['plain', { CORDON_NO_BATCH: '1' }],
] as const;
for (const [options, kinds] of inTwo(KINDS, ([kind]) => kind === 'batched'))
  test.for(kinds)(
    'an IPv4 address in the source of a datagram of IPv6 is nobody, %s',
    // Two programs and a dozen commands in a namespace, on a machine that has others to run.
    { ...options, timeout: 180_000 },
    async ([kind, environment], context) => {
      if (process.getuid?.() !== 0) context.skip('needs root');
      requireProgram(context, 'ip');
      requireProgram(context, 'python3');
      const made = await run('ip', ['netns', 'add', NAMESPACE]);
      if (made.code !== 0) context.skip(`no network namespaces here: ${made.stderr.trim()}`);
      cleanups.push(() => run('ip', ['netns', 'delete', NAMESPACE]));
      await inNamespace('ip', 'link', 'set', 'lo', 'up');
      await inNamespace('ip', 'link', 'add', 'client', 'type', 'veth', 'peer', 'name', 'server');
      for (const end of ['client', 'server']) await inNamespace('ip', 'link', 'set', end, 'up');
      await inNamespace('ip', 'address', 'add', `${SERVER}/64`, 'dev', 'server', 'nodad');
      expect(await start(environment)).toContain(`"udp":"${kind}"`);
      const mac = (await inNamespace('cat', '/sys/class/net/server/address')).trim();
      const send = (port: number, ...sources: string[]) => {
        const query = Buffer.from(buildQuery('www.tiktok.com A')).toString('hex');
        return inNamespace('python3', SEND, 'client', mac, SERVER, `${port}`, query, ...sources);
      };

      // What comes last is read last.
      await send(DNS_PORT, ...FORGED, ...ALIKE, CLIENT);
      let metrics = '';
      const count = async (name: string, label: string): Promise<number> => {
        metrics = await readMetrics();
        return sumOf(metrics, name, label);
      };
      await expect.poll(() => count('cordon_answers_total', 'rcode="NXDOMAIN"')).toBeGreaterThan(0);
      expect(sumOf(metrics, 'cordon_answers_total', 'rcode="NXDOMAIN"')).toBe(1);
      expect(sumOf(metrics, 'cordon_answers_total', 'rcode="REFUSED"')).toBe(ALIKE.length);
      expect(sumOf(metrics, 'cordon_dropped_total', 'reason="source-address"')).toBe(FORGED.length);

      await send(DOQ_PORT, ...FORGED);
      await expect
        .poll(() => count('cordon_dropped_total', 'reason="source-address"'))
        .toBe(2 * FORGED.length);
    },
  );
