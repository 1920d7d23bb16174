// Validators beside each other that forward everything to one server: the program, and Debian's unbound and BIND.
//
//   const unbound = await startUnbound({ upstream: tree.endpoint, anchors: tree.anchors });
//   const verdict = readVerdict(await askForProof(unbound.endpoint, 'www.example. A'));   // `secure data`
//
// A verdict is a text: what the answer is worth, and what it says. Of a bogus one it has the INFO-CODE (RFC 8914).

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EDNS_DO, FLAG, RCODE } from '../../src/wire/dns/dns.ts';
import { type AskOptions, ask, type Reply } from './client.ts';
import { freeEndpoint } from './ports.ts';
import { findProgram, type SocketAddress } from './process.ts';

const READY_TRIES_MAX = 800;
const READY_INTERVAL_MS = 50;
const DNSSEC_TYPES = ['RRSIG', 'NSEC', 'NSEC3'];

/** What unbound validates. */
export interface UnboundOptions {
  readonly upstream: SocketAddress;
  /** DS records. */
  readonly anchors: string;
  /** Zones that are not validated (RFC 7646). */
  readonly negativeAnchors?: readonly string[];
}

/** A running unbound. */
export interface Unbound {
  readonly endpoint: SocketAddress;
  stop(): Promise<void>;
}

/**
 * Starts unbound and waits until it answers. Its limits are Debian's, but for the ten TCP connections; what was asked before decides
 * nothing (RFC 8198).
 */
export const startUnbound = async (options: UnboundOptions): Promise<Unbound> => {
  const { upstream, anchors, negativeAnchors = [] } = options;
  const endpoint = await freeEndpoint();
  const directory = mkdtempSync(join(tmpdir(), 'cordon-unbound-'));
  writeFileSync(join(directory, 'anchors'), anchors);
  writeFileSync(
    join(directory, 'unbound.conf'),
    `server:
  directory: "${directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  incoming-num-tcp: 100
  do-ip6: no
  interface: 127.0.0.1@${endpoint.port}
  do-not-query-localhost: no
  module-config: "validator iterator"
  trust-anchor-file: "${directory}/anchors"
  trust-anchor-signaling: no
  aggressive-nsec: no
  qname-minimisation: no
  ede: yes
${negativeAnchors.map((zone) => `  domain-insecure: "${zone}"\n`).join('')}remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${upstream.port}
`,
  );
  const child = spawn(findProgram('unbound') ?? 'unbound', ['-d', '-c', join(directory, 'unbound.conf')], {
    stdio: 'ignore',
  });
  return untilReady('unbound', child, directory, endpoint);
};

/** Waits until a server answers for the root; ends it otherwise. */
export const untilReady = async (
  name: string,
  child: ChildProcess,
  directory: string,
  endpoint: SocketAddress,
): Promise<Unbound> => {
  const exited = once(child, 'exit');
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    kill();
    await exited;
    process.off('exit', kill);
    rmSync(directory, { recursive: true, force: true });
  };
  for (let tries = 0; tries < READY_TRIES_MAX && child.exitCode === null; tries++) {
    const reply = await ask(endpoint, '. SOA', { transport: 'tcp' }).catch(() => undefined);
    if (reply?.rcode === RCODE.NOERROR) return { endpoint, stop };
    await new Promise((resolve) => setTimeout(resolve, READY_INTERVAL_MS));
  }
  await stop();
  throw new Error(`${name} does not answer for the root`);
};

/** Starts BIND as a validator that forwards everything, and waits until it answers. Its limits are Debian's. */
export const startBind = async (options: Omit<UnboundOptions, 'negativeAnchors'>): Promise<Unbound> => {
  const endpoint = await freeEndpoint();
  const directory = mkdtempSync(join(tmpdir(), 'cordon-bind-'));
  const anchors = [...options.anchors.matchAll(/^(\S+) .*DS (\d+) (\d+) (\d+) (\S+)$/gm)].map(
    ([, zone = '', tag = '', algorithm = '', type = '', digest = '']) =>
      `  "${zone}" static-ds ${tag} ${algorithm} ${type} "${digest}";`,
  );
  writeFileSync(
    join(directory, 'named.conf'),
    `options {
  directory "${directory}";
  listen-on port ${endpoint.port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion yes;
  forward only;
  forwarders { 127.0.0.1 port ${options.upstream.port}; };
  dnssec-validation yes;
  trust-anchor-telemetry no;
  qname-minimization off;
  max-records-per-type 0;
  max-types-per-name 0;
};
trust-anchors {
${anchors.join('\n')}
};
controls { };
logging { category default { null; }; };
`,
  );
  const file = join(directory, 'named.conf');
  const child = spawn(findProgram('named') ?? 'named', ['-f', '-n', '1', '-c', file], { stdio: 'ignore' });
  return untilReady('BIND', child, directory, endpoint);
};

/** Asks with DO, over TCP: proofs are long. */
export const askForProof = (
  server: SocketAddress,
  question: string,
  options: AskOptions = {},
): Promise<Reply> => ask(server, question, { edns: { ttl: EDNS_DO }, transport: 'tcp', ...options });

/**
 * What an answer says: `secure`, `insecure` or `bogus`, and `data`, `no data`, `name error` or, of one that is bogus,
 * the INFO-CODE. An alias that leads to nothing has no data.
 */
export const readVerdict = (reply: Reply): string => {
  if (reply.rcode === RCODE.SERVFAIL) return `bogus ${reply.ede?.infoCode ?? 'without a code'}`;
  const worth = (reply.flags & FLAG.AD) === 0 ? 'insecure' : 'secure';
  if (reply.rcode === RCODE.NXDOMAIN) return `${worth} name error`;
  if (reply.rcode !== RCODE.NOERROR) return `${worth} RCODE ${reply.rcode}`;
  const type = reply.question.split(' ').at(-1) ?? '';
  return `${worth} ${reply.answer.some((record) => typeOf(record) === type) ? 'data' : 'no data'}`;
};

/** Records without their TTL, in an order of their own. */
export const withoutTtl = (records: readonly string[]): string[] =>
  records.map((record) => record.replace(/^(\S+) \d+ /, '$1 ')).sort();

/** Records that are no proof. */
export const withoutProof = (records: readonly string[]): string[] =>
  records.filter((record) => !DNSSEC_TYPES.includes(typeOf(record)));

const typeOf = (record: string): string => record.split(' ')[3] ?? '';
