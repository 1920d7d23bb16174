// Servers that speak DNS over TLS and over HTTPS, each with the same certificate, one thread, and the same upstream.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { isInstalled, startCordon } from '../test/support/process.ts';
import { buildQuery } from '../test/support/records.ts';
import { frame } from '../test/support/scripted-upstream.ts';
import { CACHE_MIB, type Contender } from './contender.ts';
import { unboundServer } from './peers.ts';
import { findFreePort, pinProcess, SERVER_CORE, startProcess } from './process.ts';

const BARE_TLS = fileURLToPath(new URL('bare-tls.ts', import.meta.url));
/** Connections that a server may have: more than any suite opens. */
const CONNECTIONS_MAX = 12_000;
/** Of unbound, for each of its listeners: it does not start where descriptors do not suffice for all of them. */
export const PEER_CONNECTIONS_MAX = 4_096;
const READY_MS_MAX = 20_000;
const READY_POLL_MS = 100;
const CACHE_ENTRIES = 100_000;
const TTL_SEC = 3600;

/** A running server. */
export interface EncryptedServer {
  readonly id: string;
  readonly pid: number;
  readonly dotPort: number;
  readonly dohPort: number;
  stop(): Promise<void>;
}

/** What the servers of a run share. */
export interface Scene {
  readonly directory: string;
  readonly upstreamPort: number;
  /** A name that the upstream answers. */
  readonly name: string;
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A key on the curve P-256, as public authorities issue by default, and a certificate that it signed itself. */
export const createPair = (directory: string): Pair => {
  const pair = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  const args = ['-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', '2'];
  execFileSync(
    'openssl',
    ['req', ...args, '-subj', '/CN=localhost', '-keyout', pair.key, '-out', pair.cert],
    { stdio: 'ignore' },
  );
  return pair;
};

const startOurs = async (
  { upstreamPort }: Scene,
  { cert, key }: Pair,
  { id, checkout }: Pick<Contender, 'id' | 'checkout'> = { id: 'cordon' },
): Promise<EncryptedServer> => {
  const [dotPort, dohPort] = [await findFreePort(), await findFreePort()];
  const places = `connections: ${CONNECTIONS_MAX}, per-client: ${CONNECTIONS_MAX}, per-network: 100%, idle: 120s`;
  const program = await startCordon({
    ...(checkout !== undefined && { checkout }),
    config: [
      `listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:${dotPort}"], doh: ["127.0.0.1:${dohPort}"], admin: "127.0.0.1:0" }`,
      `tls: { cert: ${cert}, key: ${key}, ${places} }`,
      `upstreams: ["127.0.0.1:${upstreamPort}"]`,
      'workers: 1',
      `cache: { size: ${CACHE_MIB}MiB }`,
      '',
    ].join('\n'),
  });
  await pinProcess(program.pid, SERVER_CORE);
  return { id, pid: program.pid, dotPort, dohPort, stop: () => program.kill() };
};

const startUnbound = async (
  { directory, upstreamPort }: Scene,
  { cert, key }: Pair,
): Promise<EncryptedServer> => {
  const [port, dotPort, dohPort] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const file = join(directory, 'unbound.conf');
  writeFileSync(
    file,
    `${unboundServer(port, directory)}
  interface: 127.0.0.1@${dotPort}
  interface: 127.0.0.1@${dohPort}
  tls-port: ${dotPort}
  https-port: ${dohPort}
  tls-service-key: ${key}
  tls-service-pem: ${cert}
  incoming-num-tcp: ${PEER_CONNECTIONS_MAX}
  outgoing-range: 4096
  tcp-idle-timeout: 120000
  msg-cache-size: ${CACHE_MIB}m
  rrset-cache-size: ${CACHE_MIB}m
  do-not-query-localhost: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${upstreamPort}
`,
  );
  const child = startProcess('unbound', ['-d', '-c', file], { core: SERVER_CORE, cwd: directory });
  return { id: 'unbound', pid: child.pid, dotPort, dohPort, stop: () => child.stop() };
};

const startDnsdist = async (
  { directory, upstreamPort }: Scene,
  { cert, key }: Pair,
): Promise<EncryptedServer> => {
  const [port, dotPort, dohPort] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const file = join(directory, 'dnsdist.conf');
  writeFileSync(
    file,
    `setLocal('127.0.0.1:${port}')
setSecurityPollSuffix('')
addTLSLocal('127.0.0.1:${dotPort}', '${cert}', '${key}', { maxInFlight = 1000 })
addDOHLocal('127.0.0.1:${dohPort}', '${cert}', '${key}', '/dns-query')
setMaxTCPClientThreads(1)
setMaxTCPConnectionsPerClient(0)
setTCPRecvTimeout(120)
newServer({ address = '127.0.0.1:${upstreamPort}', healthCheckMode = 'up' })
getPool(''):setCache(newPacketCache(${CACHE_ENTRIES}, { maxTTL = ${TTL_SEC} }))
`,
  );
  const child = startProcess('dnsdist', ['--supervised', '--disable-syslog', '-C', file], {
    core: SERVER_CORE,
    cwd: directory,
  });
  return { id: 'dnsdist', pid: child.pid, dotPort, dohPort, stop: () => child.stop() };
};

/** What makes handshakes and answers nothing: the least that they cost on Node.js, and by OpenSSL's own program. */
const startFloor = async (
  { directory }: Scene,
  id: string,
  command: (port: string, pair: Pair) => readonly [program: string, args: readonly string[]],
): Promise<EncryptedServer> => {
  const port = await findFreePort();
  const [program, args] = command(`${port}`, createPair(directory));
  const child = startProcess(program, args, { core: SERVER_CORE });
  return { id, pid: child.pid, dotPort: port, dohPort: 0, stop: () => child.stop() };
};

/** Starts what shows the floor of a handshake; each has made one. */
export const startFloors = async (scene: Scene, remarks: string[]): Promise<EncryptedServer[]> => {
  const floors = [
    [
      'bare tls',
      (port: string, { cert, key }: Pair) => [process.execPath, [BARE_TLS, port, cert, key]] as const,
    ],
    [
      'openssl s_server',
      (port: string, { cert, key }: Pair) =>
        [
          'openssl',
          ['s_server', '-accept', `127.0.0.1:${port}`, '-cert', cert, '-key', key, '-alpn', 'dot', '-quiet'],
        ] as const,
    ],
  ] as const;
  const servers: EncryptedServer[] = [];
  for (const [id, command] of floors) {
    const directory = join(scene.directory, `floor-${servers.length}`);
    await mkdir(directory, { recursive: true });
    const server = await startFloor({ ...scene, directory }, id, command);
    if (await comes(() => shakes(server.dotPort))) servers.push(server);
    else {
      remarks.push(`${id} made no handshake within ${READY_MS_MAX / 1000} s, and takes no part`);
      await server.stop();
    }
  }
  return servers;
};

const STARTS = { cordon: startOurs, unbound: startUnbound, dnsdist: startDnsdist } as const;

/** Starts Cordon and the peers that are installed; each has answered over TLS. What did not start is remarked upon. */
export const startEncrypted = async (
  scene: Scene,
  peers: readonly Contender[],
  remarks: string[],
): Promise<EncryptedServer[]> => {
  const servers: EncryptedServer[] = [];
  const isPeer = (name: string): boolean => peers.some(({ id }) => id === name) && isInstalled(name);
  const starts = [
    ...Object.entries(STARTS).filter(([id]) => id === 'cordon' || isPeer(id)),
    ...peers
      .filter(({ checkout }) => checkout !== undefined)
      .map((peer) => [peer.id, (own: Scene, pair: Pair) => startOurs(own, pair, peer)] as const),
  ];
  for (const [id, start] of starts) {
    const directory = join(scene.directory, `encrypted-${id}`);
    await mkdir(directory, { recursive: true });
    const server = await start({ ...scene, directory }, createPair(directory));
    servers.push(server);
    if (await isReady(server, scene.name)) continue;
    if (id === 'cordon') throw new Error('cordon does not answer over TLS');
    remarks.push(`${id} did not answer over TLS within ${READY_MS_MAX / 1000} s, and takes no part`);
    servers.pop();
    await server.stop();
  }
  return servers;
};

const isReady = ({ dotPort }: EncryptedServer, name: string): Promise<boolean> =>
  comes(() => answers(dotPort, name));

const comes = async (look: () => Promise<boolean>): Promise<boolean> => {
  const untilMs = performance.now() + READY_MS_MAX;
  while (performance.now() < untilMs) {
    if (await look()) return true;
    await sleep(READY_POLL_MS);
  }
  return false;
};

const shakes = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['dot'] });
    socket.on('error', () => resolve(false)).on('close', () => resolve(false));
    socket.once('secureConnect', () => {
      resolve(true);
      socket.destroy();
    });
  });

const answers = (port: number, name: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['dot'] });
    const end = (isAnswered: boolean): void => {
      socket.destroy();
      resolve(isAnswered);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.on('error', () => end(false)).on('close', () => resolve(false));
    socket.once('secureConnect', () => socket.write(frame(buildQuery(`${name}. A`))));
    socket.once('data', () => end(true));
  });
