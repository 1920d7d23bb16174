// HAProxy and nginx, with the configurations that ship, in front of Cordon: clients are in their groups over DNS over TLS that
// passes through and over DNS over HTTPS that ends at the proxy; certificates of clients come through; a Cordon that is gone
// costs nobody an answer. Only addresses, ports and paths are replaced.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority, type Issued } from '../support/certificates.ts';
import { readMetric, readReply } from '../support/client.ts';
import {
  DotClient,
  type EncryptedOptions,
  listenerOf,
  openHttp1,
  openHttp2,
  postOf,
  SERVER_NAME,
} from '../support/encrypted-client.ts';
import { NIGHT } from '../support/night.ts';
import { freePort } from '../support/ports.ts';
import {
  type Cordon,
  findProgram,
  isInstalled,
  requireProgram,
  type SocketAddress,
  startCordon,
} from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { root } from '../tidy/sources.ts';

/** The address from which a proxy asks; that of clients in the group with the list, and in the one without. */
const [PROXY, LAB, OTHER] = ['127.0.0.7', '127.0.0.77', '127.0.0.78'];
const QUERY = buildQuery('lab.example. A', { edns: {} });
const WAIT = { timeout: 90_000, interval: 100 };

let authority: CertificateAuthority;
let server: Issued;
let upstream: ScriptedUpstream;
let cordons: Cordon[] = [];

const start = (): Promise<Cordon> =>
  startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh-plain: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem, client-authorities: [ca.pem] }
workers: 1
proxies: { from: ["${PROXY}"] }
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: lab, file: lab.txt, format: domains }]
groups:
  - { name: default, lists: [] }
  - { name: lab, clients: ["${LAB}"], lists: [lab] }
  - { name: devices, certificates: ["dns:*.devices.example"], lists: [] }
`,
    files: {
      'cert.pem': server.certificate,
      'key.pem': server.key,
      'ca.pem': authority.certificate,
      'lab.txt': 'lab.example\n',
    },
  });

beforeAll(async () => {
  authority = CertificateAuthority.create();
  server = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  cordons = await Promise.all([start(), start()]);
});

afterAll(async () => {
  for (const cordon of cordons) await cordon.kill();
  await upstream?.close();
});

const cordonAt = (index: number): Cordon => {
  const found = cordons[index];
  if (found === undefined) throw new Error(`no Cordon ${index}`);
  return found;
};

/** Replaces what has to be there. */
const replace = (text: string, changes: readonly (readonly [from: string | RegExp, to: string])[]): string =>
  changes.reduce((changed, [from, to]) => {
    expect(changed).toMatch(from);
    return changed.replaceAll(from, to);
  }, text);

interface Front {
  readonly dot: SocketAddress;
  readonly doh: SocketAddress;
}

/** A program with the text of its file. */
interface Program {
  readonly name: 'haproxy' | 'nginx';
  readonly kind: string;
  readonly argsOf: (file: string) => string[];
  readonly textFor: (dot: number, doh: number) => string;
}

const haproxyText = (dot: number, doh: number): string => {
  const pair = join(cordonAt(0).directory, 'pair.pem');
  writeFileSync(pair, `${server.certificate}${server.key}`);
  return replace(readFileSync(join(root, 'deploy/haproxy/haproxy.cfg'), 'utf8'), [
    ['bind :853', `bind 127.0.0.1:${dot}`],
    ['bind :443', `bind 127.0.0.1:${doh}`],
    ['/etc/haproxy/cordon.pem', pair],
    ['default-server', `default-server source ${PROXY}`],
    ['server cordon1 192.0.2.10:853', `server cordon1 127.0.0.1:${listenerOf(cordonAt(0), 'dot').port}`],
    ['server cordon2 192.0.2.11:853', `server cordon2 127.0.0.1:${listenerOf(cordonAt(1), 'dot').port}`],
    ['127.0.0.1:8053', `127.0.0.1:${listenerOf(cordonAt(1), 'dohPlain').port}`],
  ]);
};

const PROGRAMS: readonly Program[] = [
  { kind: 'haproxy', name: 'haproxy', argsOf: (file) => ['-db', '-f', file], textFor: haproxyText },
  {
    // It reads the requests itself, and sends those of one client over connections of HTTP/2 of their own.
    kind: 'haproxy in HTTP/2',
    name: 'haproxy',
    argsOf: (file) => ['-db', '-f', file],
    textFor: (dot, doh) =>
      replace(haproxyText(dot, doh), [
        ['backend doh\n', 'backend doh\n  mode http\n  http-reuse always\n'],
        ['frontend doh\n', 'frontend doh\n  mode http\n'],
        ['send-proxy-v2 source', 'proto h2 send-proxy-v2 source'],
      ]),
  },
  {
    kind: 'nginx',
    name: 'nginx',
    argsOf: (file) => ['-e', 'stderr', '-g', 'daemon off;', '-c', file],
    textFor: (dot, doh) => {
      const { directory } = cordonAt(0);
      return replace(readFileSync(join(root, 'deploy/nginx/nginx.conf'), 'utf8'), [
        [/ {4}listen \[::\].*\n/g, ''],
        ['listen 853', `listen 127.0.0.1:${dot}`],
        ['listen 443', `listen 127.0.0.1:${doh}`],
        ['/run/nginx.pid', join(directory, 'nginx.pid')],
        ['/etc/nginx/cordon.pem', server.certificateFile],
        ['/etc/nginx/cordon.key', server.keyFile],
        ['proxy_pass dot;', `proxy_bind ${PROXY};\n    proxy_pass dot;`],
        ['192.0.2.10:853', `127.0.0.1:${listenerOf(cordonAt(0), 'dot').port}`],
        ['192.0.2.11:853', `127.0.0.1:${listenerOf(cordonAt(1), 'dot').port}`],
        ['127.0.0.1:8053', `127.0.0.1:${listenerOf(cordonAt(1), 'dohPlain').port}`],
      ]);
    },
  },
];

const optionsOf = (localAddress: string): EncryptedOptions => ({
  ca: authority.certificate,
  localAddress,
});

const overTls = async (
  at: SocketAddress,
  from: string,
  more: Partial<EncryptedOptions> = {},
): Promise<number> => {
  const client = await DotClient.open(at, { ...optionsOf(from), ...more });
  try {
    return (await client.ask('lab.example. A')).rcode;
  } finally {
    await client.end();
  }
};

const overHttps = async (open: typeof openHttp1 | typeof openHttp2, at: SocketAddress, from: string) => {
  const client = await open(at, optionsOf(from));
  try {
    const { status, body } = await client.request(postOf(QUERY));
    expect(status).toBe(200);
    return readReply(body).rcode;
  } finally {
    await client.close();
  }
};

/** Until the proxy listens and has found a Cordon. */
const settled = async (act: () => Promise<unknown>): Promise<void> => {
  await vi.waitUntil(
    () =>
      act().then(
        () => true,
        () => false,
      ),
    WAIT,
  );
};

describe.each(PROGRAMS)('$kind', ({ kind, name, argsOf, textFor }) => {
  let program: ChildProcess | undefined;
  let front: Front;

  const startProgram = async (change: (text: string) => string = (text) => text): Promise<void> => {
    const [dot, doh] = [await freePort(), await freePort()];
    front = { dot: { address: '127.0.0.1', port: dot }, doh: { address: '127.0.0.1', port: doh } };
    const file = join(cordonAt(0).directory, `${name}.conf`);
    writeFileSync(file, change(textFor(dot, doh)));
    program = spawn(findProgram(name) ?? name, argsOf(file), { stdio: 'ignore' });
    await settled(() => overTls(front.dot, OTHER));
    await settled(() => overHttps(openHttp1, front.doh, OTHER));
  };
  const stopProgram = async (): Promise<void> => {
    if (program === undefined || program.exitCode !== null) return;
    const closed = once(program, 'close');
    // nginx: its workers end with it, which they do not when it is killed.
    program.kill('SIGTERM');
    await closed;
    program = undefined;
  };

  beforeAll(async () => {
    if (isInstalled(name)) await startProgram();
  });
  afterAll(stopProgram);

  test('clients are in their groups, whose TLS passes through or ends there', async (context) => {
    requireProgram(context, name);
    expect(await overTls(front.dot, LAB)).toBe(RCODE.NXDOMAIN);
    expect(await overTls(front.dot, OTHER)).toBe(RCODE.NOERROR);
    for (const open of [openHttp1, openHttp2]) {
      expect(await overHttps(open, front.doh, LAB)).toBe(RCODE.NXDOMAIN);
      expect(await overHttps(open, front.doh, OTHER)).toBe(RCODE.NOERROR);
    }
  });

  test('the certificate of a client comes through to Cordon', async (context) => {
    requireProgram(context, name);
    const { certificate: cert, key } = authority.issue({
      names: ['DNS:tablet-3.devices.example'],
      purpose: 'clientAuth',
    });
    expect(await overTls(front.dot, LAB, { cert, key })).toBe(RCODE.NOERROR);
  });

  test('clients that ask at the same time stay apart', async (context) => {
    requireProgram(context, name);
    const asked = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? LAB : OTHER));
    const got = await Promise.all(asked.map((from) => overHttps(openHttp2, front.doh, from)));
    expect(got).toEqual(asked.map((from) => (from === LAB ? RCODE.NXDOMAIN : RCODE.NOERROR)));
  });

  test.skipIf(kind !== name)(
    'a Cordon that is gone is taken out, and the other one answers',
    kind === PROGRAMS[0]?.kind ? {} : NIGHT,
    async (context) => {
      requireProgram(context, name);
      await cordonAt(0).kill();
      // Until it was seen to be gone, a connection may go there.
      let inARow = 0;
      await vi.waitUntil(
        async () => {
          const rcode = await overTls(front.dot, OTHER).catch(() => undefined);
          inARow = rcode === RCODE.NOERROR ? inARow + 1 : 0;
          return inARow === 20;
        },
        { ...WAIT, interval: 20 },
      );
      // As it was, for who comes next; its ports are others then.
      cordons[0] = await start();
    },
  );
});

test('nothing came without a header', async () => {
  expect(await readMetric(cordonAt(1), 'cordon_tls_refused_total', { reason: 'proxy' })).toBe(0);
});
