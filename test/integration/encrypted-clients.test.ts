// Clients of others over TLS and HTTPS, and drill, which speaks neither: each resolves, each is refused a listed name, none loses an
// answer under load. Browsers and systemd-resolved: profiled-clients.test.ts.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CertificateAuthority } from '../support/certificates.ts';
import { getPath, listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { inTwo } from '../support/night.ts';
import { endProgram, findProgram, requireProgram, run } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  authority = CertificateAuthority.create();
  const { certificate, key } = authority.issue({ names: [`DNS:${SERVER_NAME}`, 'IP:127.0.0.1'] });
  upstream = await ScriptedUpstream.open((query) => {
    return query.type === 1 ? answer(query, [`${query.name} 300 IN A 192.0.2.1`]) : answer(query);
  });
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
`,
    files: { 'cert.pem': certificate, 'key.pem': key, 'names.txt': 'www.example A\nwww.tiktok.com A\n' },
  });
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
});

const portOf = (kind: 'dot' | 'doh'): string => `${listenerOf(cordon, kind).port}`;
const caFile = (): string => {
  const path = join(cordon.directory, 'ca.pem');
  writeFileSync(path, authority.certificate);
  return path;
};

/** Programs with how they ask for a name. */
const ASKERS: readonly (readonly [name: string, args: (qname: string) => string[]])[] = [
  [
    'dig +tls',
    (qname) => [
      'dig',
      '@127.0.0.1',
      '-p',
      portOf('dot'),
      `+tls-ca=${caFile()}`,
      `+tls-hostname=${SERVER_NAME}`,
      qname,
      'A',
    ],
  ],
  [
    'dig +https',
    (qname) => [
      'dig',
      '@127.0.0.1',
      '-p',
      portOf('doh'),
      '+https',
      `+tls-ca=${caFile()}`,
      `+tls-hostname=${SERVER_NAME}`,
      qname,
      'A',
    ],
  ],
  [
    'dig +https-get',
    (qname) => [
      'dig',
      '@127.0.0.1',
      '-p',
      portOf('doh'),
      '+https-get',
      `+tls-ca=${caFile()}`,
      `+tls-hostname=${SERVER_NAME}`,
      qname,
      'A',
    ],
  ],
  [
    'kdig +tls',
    (qname) => [
      'kdig',
      '@127.0.0.1',
      '-p',
      portOf('dot'),
      `+tls-ca=${caFile()}`,
      `+tls-hostname=${SERVER_NAME}`,
      '+padding',
      qname,
      'A',
    ],
  ],
  [
    'kdig +https',
    (qname) => [
      'kdig',
      '@127.0.0.1',
      '-p',
      portOf('doh'),
      '+https',
      `+tls-ca=${caFile()}`,
      `+tls-hostname=${SERVER_NAME}`,
      qname,
      'A',
    ],
  ],
  [
    'kdig +https-get',
    (qname) => [
      'kdig',
      '@127.0.0.1',
      '-p',
      portOf('doh'),
      '+https-get',
      `+tls-ca=${caFile()}`,
      `+tls-hostname=${SERVER_NAME}`,
      qname,
      'A',
    ],
  ],
];

for (const [options, askers] of inTwo(ASKERS, (_, index) => index % 2 === 0))
  test.for(askers)(
    '%s resolves, proves the server, and is refused',
    options,
    async ([name, args], context) => {
      const [program = ''] = name.split(' ');
      requireProgram(context, program);
      const [command = '', ...rest] = args('www.example');
      expect((await run(command, rest)).stdout).toMatch(/^www\.example\.\s+\d+\s+IN\s+A\s+192\.0\.2\.1$/m);
      const [, ...listed] = args('www.tiktok.com');
      expect((await run(command, listed)).stdout).toMatch(/status: NXDOMAIN[\s\S]*EDE: 15/);
    },
  );

test.for(['-u', '-t'])('drill %s resolves, and is refused', async (transport, context) => {
  requireProgram(context, 'drill');
  const port = String(cordon.dns.port);
  const ask = async (qname: string) =>
    (await run('drill', [transport, '-p', port, qname, '@127.0.0.1', 'A'])).stdout;
  expect(await ask('www.example')).toMatch(/^www\.example\.\s+\d+\s+IN\s+A\s+192\.0\.2\.1$/m);
  const refused = await ask('www.tiktok.com');
  expect(refused).toMatch(/rcode: NXDOMAIN/);
  expect(refused).toMatch(/ANSWER: 0,/);
});

test('curl --doh-url resolves, and is refused', async (context) => {
  requireProgram(context, 'curl');
  const url = `https://127.0.0.1:${portOf('doh')}/dns-query`;
  const args = (host: string) => [
    '-sv',
    '-m',
    '5',
    '--cacert',
    caFile(),
    '--doh-url',
    url,
    `http://${host}:9/`,
  ];
  expect((await run('curl', args('www.example.com'))).stderr).toContain('192.0.2.1');
  expect((await run('curl', args('www.tiktok.com'))).stderr).toContain('Bad RCODE type A for www.tiktok.com');
});

for (const [options, kinds] of inTwo(['dot', 'doh'] as const, (kind) => kind === 'dot'))
  test.each(kinds)('dnsperf -m %s has 100 queries under way and loses none', options, async (kind) => {
    const args = ['-s', '127.0.0.1', '-p', portOf(kind), '-m', kind, '-q', '100', '-c', '4', '-l', '2'];
    const uri = kind === 'doh' ? ['-O', `doh-uri=https://127.0.0.1:${portOf('doh')}/dns-query`] : [];
    const { stdout } = await run('dnsperf', [...args, ...uri, '-d', join(cordon.directory, 'names.txt')]);
    expect(stdout).toMatch(/Queries lost:\s+0 /);
    expect(Number(/Queries completed:\s+(\d+)/.exec(stdout)?.[1])).toBeGreaterThan(500);
  });

test('h2load gets every request of 20 streams answered', async (context) => {
  requireProgram(context, 'h2load');
  const url = `https://127.0.0.1:${portOf('doh')}${getPath(buildQuery('www.example. A'))}`;
  const { stdout } = await run('h2load', ['-n', '5000', '-c', '4', '-m', '20', url]);
  expect(stdout).toContain('5000 succeeded, 0 failed, 0 errored');
  expect(stdout).toContain('5000 2xx');
});

test('stubby forwards over TLS, with proof of the server', { tags: 'night' }, async (context) => {
  requireProgram(context, 'stubby');
  const file = join(cordon.directory, 'stubby.yml');
  const port = Number(portOf('dot')) + 1;
  writeFileSync(
    file,
    `resolution_type: GETDNS_RESOLUTION_STUB
dns_transport_list:
  - GETDNS_TRANSPORT_TLS
tls_authentication: GETDNS_AUTHENTICATION_REQUIRED
tls_ca_file: "${caFile()}"
tls_query_padding_blocksize: 128
idle_timeout: 10000
listen_addresses:
  - 127.0.0.1@${port}
upstream_recursive_servers:
  - address_data: 127.0.0.1
    tls_port: ${portOf('dot')}
    tls_auth_name: "${SERVER_NAME}"
`,
  );
  const stubby = spawn(findProgram('stubby') ?? 'stubby', ['-C', file, '-l'], { stdio: 'ignore' });
  try {
    const dig = (qname: string) =>
      run('dig', ['@127.0.0.1', '-p', `${port}`, '+tries=1', '+time=3', qname, 'A']);
    await expect.poll(async () => (await dig('www.example')).stdout).toMatch(/A\s+192\.0\.2\.1$/m);
    expect((await dig('www.tiktok.com')).stdout).toMatch(/status: NXDOMAIN/);
  } finally {
    await endProgram(stubby);
  }
});
