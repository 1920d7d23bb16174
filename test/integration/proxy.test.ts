// Behind proxies: who asks is the address that the header of a listed proxy names, over each transport; from others it is refused.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CertificateAuthority } from '../support/certificates.ts';
import { readMetric, readReply } from '../support/client.ts';
import { listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { endProgram, findProgram, requireProgram, run, type SocketAddress } from '../support/process.ts';
import { proxyV2 } from '../support/proxy.ts';
import { buildQuery } from '../support/records.ts';
import { answer, frame, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const PROXY = '127.0.0.7';
const STRANGER = '127.0.0.1';
/** In the group that has the list, and in none. */
const [LAB, OTHER] = ['192.0.2.9', '2001:db8::9'];
const QUERY = buildQuery('lab.example. A', { edns: {} });

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  authority = CertificateAuthority.create();
  const { certificate, key } = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
proxies: { from: ["${PROXY}"] }
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: lab, file: lab.txt, format: domains }
access: { allow: ["127.0.0.0/8", "192.0.2.9", "2001:db8::/48"] }
groups:
  - { name: default, lists: [] }
  - { name: lab, clients: ["192.0.2.9", "127.0.0.77"], lists: [lab] }
`,
    files: { 'cert.pem': certificate, 'key.pem': key, 'lab.txt': 'lab.example\n' },
  });
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
});

/** The RCODE of what comes back, 'none' when nothing does. */
type Outcome = number | 'none';

const rcodeOf = (message: Uint8Array): number => readReply(message).rcode;

const overUdp = async (from: string, header: Uint8Array): Promise<Outcome> => {
  const socket = createSocket('udp4');
  socket.bind(0, from);
  await once(socket, 'listening');
  socket.send(Buffer.concat([header, QUERY]), cordon.dns.port, cordon.dns.address);
  // What is answered at all is answered before the next question of the same socket.
  const got = once(socket, 'message') as Promise<[Buffer]>;
  const timer = setTimeout(() => socket.emit('message', Buffer.alloc(0)), 1000);
  const [message] = await got;
  clearTimeout(timer);
  socket.close();
  return message.length === 0 ? 'none' : rcodeOf(message);
};

const dial = async (at: SocketAddress, localAddress: string, header: Uint8Array): Promise<Socket> => {
  const socket = connect({ host: at.address, port: at.port, localAddress });
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (header.length > 0) socket.write(header);
  return socket;
};

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });

/** What comes until the other side closes, or until there is a whole message. */
const readFrame = async (socket: Socket): Promise<Outcome> => {
  let got = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    got = Buffer.concat([got, chunk]);
    if (got.length >= 2 && got.length >= 2 + got.readUInt16BE(0)) socket.destroy();
  });
  await closed(socket);
  return got.length < 2 ? 'none' : rcodeOf(got.subarray(2));
};

const overTcp = async (from: string, header: Uint8Array): Promise<Outcome> => {
  const socket = await dial(cordon.dns, from, header);
  socket.write(frame(QUERY));
  return await readFrame(socket);
};

const shake = async (kind: 'dot' | 'doh', from: string, header: Uint8Array): Promise<Socket> => {
  const below = await dial(listenerOf(cordon, kind), from, header);
  const socket = connectTls({ socket: below, servername: SERVER_NAME, ca: authority.certificate });
  socket.on('error', () => {});
  return socket;
};

const overTls = async (from: string, header: Uint8Array): Promise<Outcome> => {
  const socket = await shake('dot', from, header);
  socket.write(frame(QUERY));
  return await readFrame(socket);
};

const overHttps = async (from: string, header: Uint8Array): Promise<Outcome> => {
  const socket = await shake('doh', from, header);
  socket.write(
    `POST /dns-query HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/dns-message\r\nContent-Length: ${QUERY.length}\r\n\r\n`,
  );
  socket.write(QUERY);
  const parts: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => parts.push(chunk));
  await closed(socket);
  const all = Buffer.concat(parts);
  const end = all.indexOf('\r\n\r\n');
  return end < 0 ? 'none' : rcodeOf(all.subarray(end + 4));
};

const NOTHING = Buffer.alloc(0);
const NOERROR = 0;
const NXDOMAIN = 3;
const NOTIMP = 4;
const REFUSED = 5;
const v1 = (client: string): Buffer =>
  Buffer.from(`PROXY TCP${client.includes(':') ? 6 : 4} ${client} ${client} 40000 53\r\n`);

test.each([
  ['UDP', overUdp, false],
  ['TCP', overTcp, true],
  ['TLS', overTls, true],
  ['HTTPS', overHttps, true],
] as const)('over %s, the header of a proxy says who asks', async (_name, ask, hasText) => {
  expect(await ask(PROXY, proxyV2(LAB, 40_000))).toBe(NXDOMAIN);
  expect(await ask(PROXY, proxyV2(OTHER, 40_000))).toBe(NOERROR);
  if (hasText) {
    expect(await ask(PROXY, v1(LAB))).toBe(NXDOMAIN);
    expect(await ask(PROXY, v1(OTHER))).toBe(NOERROR);
  }
  // A connection of IPv4 to a proxy that takes both on one socket; a datagram of IPv6 that says so was forged.
  const mapped = proxyV2(LAB, 40_000, { isMapped: true });
  expect(await ask(PROXY, mapped)).toBe(ask === overUdp ? 'none' : NXDOMAIN);
  // The proxy itself, as its health checks do.
  expect(await ask(PROXY, proxyV2(LAB, 40_000, { command: 0 }))).toBe(NOERROR);
  // An address that may not ask: over UDP and nowhere else there is an answer that says so.
  expect(await ask(PROXY, proxyV2('203.0.113.1', 40_000))).toBe(ask === overUdp ? REFUSED : 'none');
  // Without a header a proxy has no clients; who is no proxy has no header.
  expect(await ask(PROXY, NOTHING)).toBe('none');
  expect(await ask(STRANGER, proxyV2(LAB, 40_000))).toBe('none');
  expect(await ask(STRANGER, v1(LAB))).toBe(ask === overUdp ? NOTIMP : 'none');
  expect(await ask(STRANGER, NOTHING)).toBe(NOERROR);
});

test('what is refused is counted', async () => {
  expect(await readMetric(cordon, 'cordon_dropped_total', { reason: 'proxy' })).toBeGreaterThan(0);
  expect(await readMetric(cordon, 'cordon_dropped_total', { reason: 'source-address' })).toBe(1);
  expect(await readMetric(cordon, 'cordon_tcp_refused_total', { reason: 'proxy' })).toBeGreaterThan(0);
});

test('dnsdist before Cordon: its clients are in their groups', async (context) => {
  requireProgram(context, 'dnsdist');
  const port = cordon.dns.port + 1;
  const file = join(cordon.directory, 'dnsdist.conf');
  writeFileSync(
    file,
    `setLocal("127.0.0.1:${port}")
setACL({"0.0.0.0/0"})
setSecurityPollSuffix("")
newServer({address="127.0.0.1:${cordon.dns.port}", source="${PROXY}", useProxyProtocol=true})
`,
  );
  const args = ['--supervised', '--disable-syslog', '-C', file];
  const dnsdist = spawn(findProgram('dnsdist') ?? 'dnsdist', args, { stdio: 'ignore' });
  try {
    const dig = async (...more: string[]) =>
      (await run('dig', ['@127.0.0.1', '-p', `${port}`, '+tries=1', '+time=3', ...more])).stdout;
    await expect.poll(() => dig('www.example')).toContain('status: NOERROR');
    for (const transport of ['+notcp', '+tcp']) {
      expect(await dig('-b', '127.0.0.77', transport, 'lab.example')).toContain('status: NXDOMAIN');
      expect(await dig('-b', '127.0.0.78', transport, 'lab.example')).toContain('status: NOERROR');
    }
  } finally {
    await endProgram(dnsdist);
  }
});
