// What stands in the way of a resolver on this machine: looked at, and told with what to do about it.
//
// Each look is one function that gives findings; none changes anything. What cannot be seen without being root is said to be
// unknown and never to be well.
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import {
  type Endpoint,
  errorText,
  formatEndpoint,
  isAppError,
  MAIN_FILE,
  parseEndpoint,
  systemErrorCode,
} from '../base/base.ts';
import { parseType } from '../wire/dns/dns.ts';
import { inquire } from '../wire/stub/stub.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly what: 'port' | 'resolv.conf' | 'firewall' | 'clock' | 'upstream' | 'beside';
  readonly state: 'good' | 'unknown' | 'bad';
  readonly text: string;
  /** Null: nothing. */
  readonly todo: string | null;
}

const DNS_PORT = 53;
const ASK_MS = 3_000;
const TOOL_MS = 5_000;
const runTool = promisify(execFile);

const good = (what: Finding['what'], text: string): Finding => ({ what, state: 'good', text, todo: null });
const unknown = (what: Finding['what'], text: string): Finding => ({
  what,
  state: 'unknown',
  text,
  todo: null,
});
const bad = (what: Finding['what'], text: string, todo: string): Finding => ({
  what,
  state: 'bad',
  text,
  todo,
});

/** Whether an address can be listened to over UDP and TCP, and otherwise who has it. */
export const lookAtPort = async (endpoint: Endpoint): Promise<Finding> => {
  const place = formatEndpoint(endpoint);
  for (const bind of [bindUdp, bindTcp]) {
    try {
      await bind(endpoint);
    } catch (thrown) {
      const code = systemErrorCode(thrown);
      if (code === 'EADDRINUSE') return taken(place, endpoint.port);
      if (code === 'EACCES') {
        const todo =
          'run setup as root, or give the service the capability CAP_NET_BIND_SERVICE, as its unit does';
        return bad('port', `${place} needs a right that this user does not have`, todo);
      }
      if (code === 'EADDRNOTAVAIL') {
        return bad('port', `${place} is no address of this machine`, 'name one that is with --listen');
      }
      return bad('port', `${place}: ${errorText(thrown)}`, 'name another address with --listen');
    }
  }
  return good('port', `${place} is free over UDP and TCP`);
};

const taken = (place: string, port: number): Finding => {
  const owners = ownersOf(port);
  const names = owners.length === 0 ? 'another program' : owners.join(', ');
  const isResolved = owners.some((name) => name.includes('systemd-resolve'));
  return bad(
    'port',
    `${place} is taken by ${names}`,
    isResolved
      ? 'set DNSStubListener=no in /etc/systemd/resolved.conf and restart systemd-resolved, or name the addresses of this machine with --listen'
      : 'stop it, or name another address with --listen',
  );
};

const bindUdp = async ({ address, port }: Endpoint): Promise<void> => {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.bind(port, address);
    await once(socket, 'listening');
  } finally {
    socket.close();
  }
};

const bindTcp = async ({ address, port }: Endpoint): Promise<void> => {
  const server = createServer();
  server.listen(port, address);
  await once(server, 'listening');
  server.close();
};

/** The programs with a socket on a port, as far as this user may see them. */
export const ownersOf = (port: number): string[] => {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const sockets = new Set<string>();
  for (const table of ['udp', 'udp6', 'tcp', 'tcp6']) {
    for (const line of readLines(`/proc/net/${table}`)) {
      const fields = line.trim().split(/\s+/);
      const isListening = table.startsWith('udp') || fields[3] === '0A';
      if (isListening && fields[1]?.endsWith(`:${wanted}`)) sockets.add(`socket:[${fields[9]}]`);
    }
  }
  const owners = new Set<string>();
  for (const pid of safely(() => readdirSync('/proc'), []).filter((name) => /^\d+$/.test(name))) {
    for (const fd of safely(() => readdirSync(`/proc/${pid}/fd`), [])) {
      if (!sockets.has(safely(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ''))) continue;
      owners.add(`${readLines(`/proc/${pid}/comm`)[0] ?? '?'} (pid ${pid})`);
      break;
    }
  }
  return [...owners];
};

const readLines = (path: string): string[] => safely(() => readFileSync(path, 'utf8'), '').split('\n');

const safely = <Value>(read: () => Value, otherwise: Value): Value => {
  try {
    return read();
  } catch {
    // Another user's process, or one that has ended meanwhile.
    return otherwise;
  }
};

/** The addresses of this machine but loopback ones, with their networks. */
export const ownAddresses = (): readonly { readonly address: string; readonly prefix: string }[] =>
  Object.values(networkInterfaces())
    .flat()
    .filter((one) => one !== undefined)
    .filter(({ internal, address, cidr }) => !internal && cidr !== null && !address.startsWith('fe80:'))
    .map(({ address, cidr }) => ({ address, prefix: cidr ?? address }));

/** The servers of a resolv.conf. */
export const readNameservers = (path: string): string[] =>
  readLines(path)
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1])
    .filter((address) => address !== undefined);

/** Whether what this machine asks leads back to where Cordon will listen. */
export const lookAtResolvConf = (path: string, listen: readonly Endpoint[]): Finding => {
  const servers = readNameservers(path);
  if (servers.length === 0) {
    return bad('resolv.conf', `${path} names no server`, 'name upstreams with --upstream');
  }
  const loops = servers.filter((server) => isLoop(server, listen));
  if (loops.length === 0) return good('resolv.conf', `${path} names ${servers.join(', ')}`);
  const todo =
    'name upstreams with --upstream: Cordon would ask itself, or the stub of this machine that will ask Cordon';
  return bad('resolv.conf', `${path} leads back to this machine: ${loops.join(', ')}`, todo);
};

/** True for a loopback address, and for one that will be listened to. */
export const isLoop = (server: string, listen: readonly Endpoint[]): boolean =>
  server.startsWith('127.') ||
  server === '::1' ||
  listen.some(({ address }) => address === server) ||
  (listen.some(({ address }) => address === '0.0.0.0' || address === '::') &&
    ownAddresses().some(({ address }) => address === server));

/** Whether packets for port 53 are dropped before they come. */
export const lookAtFirewall = async (port: number): Promise<Finding> => {
  try {
    const { stdout } = await runTool('nft', ['list', 'ruleset'], { timeout: TOOL_MS });
    const drops = /hook input [^;]*;[^}]*policy drop/.test(stdout);
    if (!drops) return good('firewall', 'nftables drops nothing by default');
    if (new RegExp(`dport (?:${port}\\b|\\{[^}]*\\b${port}\\b|domain\\b)`).test(stdout)) {
      return good('firewall', `nftables drops by default and has a rule for port ${port}`);
    }
    return bad(
      'firewall',
      `nftables drops what comes in, and has no rule for port ${port}`,
      `nft add rule inet filter input meta l4proto { tcp, udp } th dport ${port} accept, from your networks`,
    );
  } catch (thrown) {
    const why =
      systemErrorCode(thrown) === 'ENOENT' ? 'nft is not installed' : 'only root may read the rules';
    return unknown('firewall', `the firewall was not looked at: ${why}`);
  }
};

/** When this program was made or unpacked: no clock that is right says less. */
export const sourcesAtMs = (): number =>
  Math.min(statSync(MAIN_FILE).mtimeMs, statSync(process.execPath).mtimeMs);

/** Whether the clock can be right: later than this version, and kept by somebody. */
export const lookAtClock = async (releasedAtMs: number, nowMs: number): Promise<Finding> => {
  const time = new Date(nowMs).toISOString();
  if (nowMs < releasedAtMs) {
    return bad(
      'clock',
      `it says ${time}, which is before this version was made`,
      'set it: signatures cannot be checked',
    );
  }
  try {
    const { stdout } = await runTool('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
      timeout: TOOL_MS,
    });
    if (stdout.trim() === 'yes') return good('clock', `it says ${time} and is synchronized`);
    return bad('clock', `it says ${time} and nothing keeps it`, 'timedatectl set-ntp true, or run chrony');
  } catch {
    return unknown('clock', `it says ${time}; whether something keeps it was not to be learned`);
  }
};

/** Whether an upstream answers, and passes signatures on; encrypted ones are asked when the service runs. */
export const lookAtUpstream = async (text: string): Promise<Finding> => {
  const server = parseEndpoint(text.replace(/^(?:udp|tcp):\/\//, ''), DNS_PORT);
  if (server === undefined)
    return unknown('upstream', `${text} is encrypted: cordon status tells once the service runs`);
  try {
    const type = parseType('SOA') ?? 0;
    const reading = await inquire({
      ...{ server, name: '.', type, dnssecOk: true, timeoutMs: ASK_MS },
      transport: text.startsWith('tcp://') ? 'tcp' : 'udp',
    });
    if (reading.rcode !== 'NOERROR') {
      return bad(
        'upstream',
        `${text} answers ${reading.rcode} for the root`,
        'ask its operator, or name another one',
      );
    }
    const isSigned = reading.answers.some(({ type: kind }) => kind === 'RRSIG');
    const word = reading.flags.includes('ad')
      ? 'validates and passes signatures on'
      : isSigned
        ? 'passes signatures on'
        : 'passes no signatures on: Cordon cannot validate what it says';
    return good('upstream', `${text} answers in ${Math.round(reading.tookMs)} ms and ${word}`);
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return bad(
      'upstream',
      `${text} does not answer: ${errorText(thrown)}`,
      'look at route and firewall, or name another one',
    );
  }
};
