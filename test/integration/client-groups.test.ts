// Clients of others, each by what it can show: a name in the handshake, a token in the path, or its address. Each resolves, is refused
// a listed name, and both are counted in its group and in no other.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CertificateAuthority } from '../support/certificates.ts';
import { readMetric } from '../support/client.ts';
import { getPath, listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { inTwo } from '../support/night.ts';
import { freePort } from '../support/ports.ts';
import { endProgram, findProgram, requireProgram, run } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const GUESTS = `guests.${SERVER_NAME}`;
const TOKEN = 'Zm9yLWEtdGFibGV0LTMh';
/** Its SHA-256. */
const TOKEN_HASH = '1b90c286bd4f2ee08e0dcf436aed7449b9d26916fb3bd983bd090983bc7536f8';
const TOKEN_PATH = `/dns-query/${TOKEN}`;
/** The address of clients of the group of that name. */
const BRANCH = '127.0.0.77';
const GROUPS = ['default', 'guests', 'tablets', 'branch'] as const;
type Group = (typeof GROUPS)[number];
/** How often load is asked for. */
const LOAD = 500;

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;
let caFile: string;

beforeAll(async () => {
  authority = CertificateAuthority.create();
  const { certificate, key } = authority.issue({
    names: [`DNS:${SERVER_NAME}`, `DNS:${GUESTS}`, 'IP:127.0.0.1'],
  });
  upstream = await ScriptedUpstream.open((query) =>
    query.type === 1 ? answer(query, [`${query.name} 300 IN A 192.0.2.1`]) : answer(query),
  );
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], doq: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem, handshakes: 1000 }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
groups:
  - { name: default, lists: [] }
  - { name: guests, lists: [tiktok], server-names: [${GUESTS}] }
  - { name: tablets, lists: [tiktok], tokens: [{ device: tablet-3, sha256: ${TOKEN_HASH} }] }
  - { name: branch, lists: [tiktok], clients: ["${BRANCH}/32"] }
`,
    files: { 'cert.pem': certificate, 'key.pem': key },
  });
  caFile = join(cordon.directory, 'ca.pem');
  writeFileSync(caFile, authority.certificate);
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
});

const portOf = (kind: 'dot' | 'doh' | 'doq'): string => `${listenerOf(cordon, kind).port}`;
const tokenUrl = (): string => `https://127.0.0.1:${portOf('doh')}${TOKEN_PATH}`;

/** Counts by group: of all queries, and of refusals. */
const countsOf = async (metric: string): Promise<Record<string, number>> => {
  const counts = GROUPS.map(async (group) => [group, await readMetric(cordon, metric, { group })] as const);
  return Object.fromEntries(await Promise.all(counts));
};

/** In which groups something was counted meanwhile. */
const groupsOf = async (metric: string, act: () => Promise<unknown>): Promise<string[]> => {
  const before = await countsOf(metric);
  await act();
  const after = await countsOf(metric);
  return GROUPS.filter((group) => (after[group] ?? 0) > (before[group] ?? 0));
};

interface Client {
  readonly name: string;
  readonly group: Group;
  readonly args: (qname: string) => string[];
  /** What it says of both. */
  readonly resolved?: RegExp;
  readonly refused?: RegExp;
}

const at = (kind: 'dot' | 'doh' | 'doq'): string[] => ['@127.0.0.1', '-p', portOf(kind)];
const proven = (name: string): string[] => [`+tls-ca=${caFile}`, `+tls-hostname=${name}`];
const plain = (): string[] => ['@127.0.0.1', '-p', `${cordon.dns.port}`];
const RESOLVED = /^www\.example\.\s+\d+\s+IN\s+A\s+192\.0\.2\.1$/m;
const REFUSED = /(status|rcode): NXDOMAIN/;

const CLIENTS: readonly Client[] = [
  { name: 'dig', group: 'branch', args: (qname) => ['dig', ...plain(), '-b', BRANCH, qname, 'A'] },
  {
    name: 'dig +tcp',
    group: 'branch',
    args: (qname) => ['dig', ...plain(), '+tcp', '-b', BRANCH, qname, 'A'],
  },
  {
    name: 'dig +tls',
    group: 'guests',
    args: (qname) => ['dig', ...at('dot'), ...proven(GUESTS), '+tls', qname, 'A'],
  },
  {
    name: 'dig +https',
    group: 'tablets',
    args: (qname) => ['dig', ...at('doh'), ...proven(SERVER_NAME), `+https=${TOKEN_PATH}`, qname, 'A'],
  },
  {
    name: 'dig +https by a name',
    group: 'guests',
    args: (qname) => ['dig', ...at('doh'), ...proven(GUESTS), '+https', qname, 'A'],
  },
  {
    name: 'dig +https-get',
    group: 'tablets',
    args: (qname) => ['dig', ...at('doh'), ...proven(SERVER_NAME), `+https-get=${TOKEN_PATH}`, qname, 'A'],
  },
  {
    name: 'kdig +tls',
    group: 'guests',
    args: (qname) => ['kdig', ...at('dot'), '+tls', ...proven(GUESTS), `+tls-sni=${GUESTS}`, qname, 'A'],
  },
  {
    name: 'kdig +https',
    group: 'tablets',
    args: (qname) => ['kdig', ...at('doh'), ...proven(SERVER_NAME), `+https=${TOKEN_PATH}`, qname, 'A'],
  },
  {
    name: 'kdig +https-get',
    group: 'tablets',
    args: (qname) => [
      ...['kdig', ...at('doh'), ...proven(SERVER_NAME), `+https=${TOKEN_PATH}`, '+https-get', qname, 'A'],
    ],
  },
  {
    name: 'kdig +quic',
    group: 'guests',
    args: (qname) => ['kdig', ...at('doq'), '+quic', ...proven(GUESTS), `+tls-sni=${GUESTS}`, qname, 'A'],
  },
  ...(['-u', '-t'] as const).map(
    (transport): Client => ({
      name: `drill ${transport}`,
      group: 'branch',
      args: (qname) => [
        ...['drill', transport, '-I', BRANCH, '-p', `${cordon.dns.port}`, qname, '@127.0.0.1', 'A'],
      ],
    }),
  ),
  {
    name: 'curl --doh-url',
    group: 'tablets',
    args: (qname) => [
      'curl',
      '-sv',
      '-m',
      '5',
      '--cacert',
      caFile,
      '--doh-url',
      tokenUrl(),
      `http://${qname}.:9/`,
    ],
    resolved: /192\.0\.2\.1/,
    refused: /Bad RCODE/,
  },
];

for (const [options, clients] of inTwo(CLIENTS, (_, index) => index % 3 === 0))
  test.for(clients)(
    '$name resolves and is refused, both in the group $group',
    options,
    async (client, context) => {
      const { group, args, resolved = RESOLVED, refused = REFUSED } = client;
      const [command = ''] = args('');
      requireProgram(context, command);
      const ask = async (qname: string): Promise<string> => {
        const [, ...rest] = args(qname);
        const { stdout, stderr } = await run(command, rest);
        return `${stdout}${stderr}`;
      };
      const queries = 'cordon_group_queries_total';
      expect(await groupsOf(queries, async () => expect(await ask('www.example')).toMatch(resolved))).toEqual(
        [group],
      );
      const refusals = 'cordon_refusals_total';
      expect(
        await groupsOf(refusals, async () => expect(await ask('www.tiktok.com')).toMatch(refused)),
      ).toEqual([group]);
    },
  );

/** Programs that make load, with how each tells that nothing was lost. */
const LOADS: readonly (Client & { readonly whole: RegExp })[] = [
  {
    name: 'dnsperf -m dot',
    group: 'branch',
    args: (file) => [
      ...['dnsperf', '-a', BRANCH, '-s', '127.0.0.1', '-p', portOf('dot'), '-m', 'dot', '-q', '100'],
      ...['-n', `${LOAD}`, '-d', file],
    ],
    whole: /Queries lost:\s+0 /,
  },
  {
    name: 'dnsperf -m doh',
    group: 'tablets',
    args: (file) => [
      ...[
        'dnsperf',
        '-s',
        '127.0.0.1',
        '-p',
        portOf('doh'),
        '-m',
        'doh',
        '-q',
        '100',
        '-O',
        `doh-uri=${tokenUrl()}`,
      ],
      ...['-n', `${LOAD}`, '-d', file],
    ],
    whole: /Queries lost:\s+0 /,
  },
  {
    name: 'h2load',
    group: 'tablets',
    args: () => ['h2load', '-n', `${LOAD}`, '-c', '4', '-m', '20', '-i', join(cordon.directory, 'urls.txt')],
    whole: new RegExp(`${LOAD} succeeded, 0 failed, 0 errored`),
  },
  {
    name: 'nghttp with padding, small windows and a small table',
    group: 'tablets',
    args: () => [
      ...['nghttp', '-v', '-b', '200', '-w', '7', '-W', '16', '-c', '0', '-m', '20', '--no-verify-peer'],
      ...urlsOf(),
    ],
    // Twenty times both, and no fault.
    whole:
      /^(?![\s\S]*(?:GOAWAY frame.*error_code=(?!NO_ERROR)|recv RST_STREAM))(?:[\s\S]*?:status: 200){40}/,
  },
];

/** One name that is answered and one that is refused, with the token. */
const urlsOf = (): string[] =>
  ['www.example. A', 'www.tiktok.com. A'].map(
    (question) =>
      `https://127.0.0.1:${portOf('doh')}${getPath(buildQuery(question)).replace('/dns-query', TOKEN_PATH)}`,
  );

for (const [options, loads] of inTwo(LOADS, (_, index) => index === 0))
  test.for(loads)('$name loses nothing, and is in the group $group', options, async (load, context) => {
    const { group, args, whole } = load;
    const file = join(cordon.directory, 'names.txt');
    writeFileSync(file, 'www.example A\nwww.tiktok.com A\n');
    writeFileSync(join(cordon.directory, 'urls.txt'), `${urlsOf().join('\n')}\n`);
    const [command = '', ...rest] = args(file);
    requireProgram(context, command);
    const act = async (): Promise<void> => expect((await run(command, rest)).stdout).toMatch(whole);
    expect(await groupsOf('cordon_group_queries_total', act)).toEqual([group]);
    expect(await groupsOf('cordon_refusals_total', act)).toEqual([group]);
  });

test('stubby resolves and is refused, both in the group of the name that it asks by', async (context) => {
  requireProgram(context, 'stubby');
  const port = await freePort();
  const file = join(cordon.directory, 'stubby.yml');
  writeFileSync(
    file,
    `resolution_type: GETDNS_RESOLUTION_STUB
dns_transport_list:
  - GETDNS_TRANSPORT_TLS
tls_authentication: GETDNS_AUTHENTICATION_REQUIRED
tls_ca_file: "${caFile}"
listen_addresses:
  - 127.0.0.1@${port}
upstream_recursive_servers:
  - address_data: 127.0.0.1
    tls_port: ${portOf('dot')}
    tls_auth_name: "${GUESTS}"
`,
  );
  const stubby = spawn(findProgram('stubby') ?? 'stubby', ['-C', file, '-l'], { stdio: 'ignore' });
  try {
    const dig = async (qname: string): Promise<string> =>
      (await run('dig', ['@127.0.0.1', '-p', `${port}`, '+tries=1', '+time=3', qname, 'A'])).stdout;
    await expect.poll(() => dig('www.example')).toMatch(RESOLVED);
    const act = async (): Promise<void> => expect(await dig('www.tiktok.com')).toMatch(REFUSED);
    expect(await groupsOf('cordon_refusals_total', act)).toEqual(['guests']);
  } finally {
    await endProgram(stubby);
  }
});
