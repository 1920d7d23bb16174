// Other resolvers, each with a configuration of its own in the run's directory, told to do what Cordon does: forward
// to the same upstream, answer the same listed names NXDOMAIN with everything below them, keep answers in a cache of
// the same size, use one thread, validate nothing and log no queries. What a peer cannot do stands in the tables beside
// its name. Never the system's own service.
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isInstalled, run } from '../test/support/process.ts';
import { CACHE_MIB, type Command, type Contender, startPlain, type Traits, type Work } from './contender.ts';
import { findFreePort, LOAD_CORE, type Process, startProcess } from './process.ts';

/** Questions that may wait for the upstream, where a server has a bound: as many as Cordon's default. */
const INFLIGHT_MAX = 10_000;
/** Answers that a cache counted in entries may hold: more than the hosts that are asked for need. */
const CACHE_ENTRIES = 100_000;
/**
 * For dnsmasq: room for the hosts that are asked for, and little more, because once its cache is full it looks
 * through all of it for expired answers before it takes a new one.
 */
const DNSMASQ_CACHE_ENTRIES = 25_000;
/** Seconds that answers of the upstream live: longer than a run. */
const TTL_SEC = 3600;

/** What is particular to one peer. */
interface PeerRecipe {
  readonly id: string;
  readonly program: string;
  readonly versionArgs: readonly string[];
  readonly traits?: Traits;
  /** Writes the configuration; returns how it is started. */
  configure(work: Work, directory: string, port: number): Command;
}

const write = (directory: string, name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

/** The listed names as a response policy zone: `CNAME .` is NXDOMAIN. */
const toRpz = (work: Work, directory: string): string => {
  const head = `$TTL ${TTL_SEC}\n@ SOA localhost. root.localhost. 1 3600 600 86400 60\n@ NS localhost.\n`;
  const rules = work.listed.names.map((name) => `${name} CNAME .\n*.${name} CNAME .\n`);
  return write(directory, 'rpz.zone', head + rules.join(''));
};

const RECIPES: readonly PeerRecipe[] = [
  {
    id: 'dnsmasq',
    program: 'dnsmasq',
    versionArgs: ['--version'],
    configure: ({ listed, upstreamPort }, directory, port) => {
      const lines = [
        `port=${port}`,
        'listen-address=127.0.0.1',
        'bind-interfaces',
        'no-resolv',
        'no-hosts',
        'user=root',
        'pid-file=',
        `server=127.0.0.1#${upstreamPort}`,
        `cache-size=${DNSMASQ_CACHE_ENTRIES}`,
        `dns-forward-max=${INFLIGHT_MAX}`,
        ...listed.names.map((name) => `local=/${name}/`),
      ];
      const file = write(directory, 'dnsmasq.conf', `${lines.join('\n')}\n`);
      return ['dnsmasq', ['--keep-in-foreground', `--conf-file=${file}`]];
    },
  },
  {
    id: 'unbound',
    program: 'unbound',
    versionArgs: ['-V'],
    configure: ({ listed, upstreamPort }, directory, port) => {
      const names = listed.names.map((name) => `local-zone: "${name}" always_nxdomain\n`);
      const listFile = write(directory, 'unbound-names.conf', `server:\n${names.join('')}`);
      const file = write(
        directory,
        'unbound.conf',
        `${unboundServer(port, directory)}
  msg-cache-size: ${CACHE_MIB}m
  rrset-cache-size: ${CACHE_MIB}m
  outgoing-range: 8192
  num-queries-per-thread: 4096
  do-not-query-localhost: no
include: "${listFile}"
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${upstreamPort}
`,
      );
      return ['unbound', ['-d', '-c', file]];
    },
  },
  {
    id: 'BIND (RPZ)',
    program: 'named',
    versionArgs: ['-v'],
    configure: (work, directory, port) => {
      const file = write(
        directory,
        'named.conf',
        `options {
  directory "${directory}"; pid-file none; session-keyfile none; listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; }; forwarders { 127.0.0.1 port ${work.upstreamPort}; }; forward only; recursion yes;
  dnssec-validation no; max-cache-size ${CACHE_MIB}m; recursive-clients ${INFLIGHT_MAX}; clients-per-query 0;
  response-policy { zone "rpz.bench"; };
};
controls {};
logging { category default { null; }; category rpz { null; }; };
zone "rpz.bench" { type primary; file "${toRpz(work, directory)}"; allow-query { none; }; };
`,
      );
      return ['named', ['-g', '-n', '1', '-c', file]];
    },
  },
  {
    id: 'PowerDNS recursor',
    program: 'pdns_recursor',
    versionArgs: ['--version'],
    configure: (work, directory, port) => {
      write(
        directory,
        'recursor.yml',
        `incoming: { listen: ['127.0.0.1:${port}'], max_concurrent_requests_per_tcp_connection: 10 }
outgoing: { dont_query: [] }
dnssec: { validation: off }
recursor:
  threads: 1
  daemon: false
  socket_dir: ${directory}
  security_poll_suffix: ''
  max_mthreads: 4096
  forward_zones_recurse: [{ zone: '.', forwarders: ['127.0.0.1:${work.upstreamPort}'] }]
  rpzs: [{ name: ${toRpz(work, directory)}, policyName: bench }]
packetcache: { max_entries: ${CACHE_ENTRIES} }
recordcache: { max_entries: ${CACHE_ENTRIES} }
logging: { loglevel: 3, disable_syslog: true, rpz_changes: false }
`,
      );
      return ['pdns_recursor', [`--config-dir=${directory}`]];
    },
  },
  {
    id: 'dnsdist',
    program: 'dnsdist',
    versionArgs: ['--version'],
    configure: ({ listed, upstreamPort }, directory, port) => {
      const file = write(
        directory,
        'dnsdist.conf',
        `setLocal('127.0.0.1:${port}')
setSecurityPollSuffix('')
setMaxUDPOutstanding(${INFLIGHT_MAX})
newServer({ address = '127.0.0.1:${upstreamPort}', healthCheckMode = 'up' })
getPool(''):setCache(newPacketCache(${CACHE_ENTRIES}, { maxTTL = ${TTL_SEC} }))
local names = newSuffixMatchNode()
for name in io.lines('${listed.file}') do names:add(newDNSName(name)) end
addAction(SuffixMatchNodeRule(names), RCodeAction(DNSRCode.NXDOMAIN))
`,
      );
      return ['dnsdist', ['--supervised', '--disable-syslog', '-C', file]];
    },
  },
  {
    id: 'Knot Resolver',
    program: 'kresd',
    versionArgs: ['--version'],
    configure: (work, directory, port) => {
      const file = write(
        directory,
        'kresd.conf',
        `net.listen('127.0.0.1', ${port}, { kind = 'dns' })
cache.open(${CACHE_MIB} * MB, 'lmdb://${directory}/cache')
trust_anchors.remove('.')
modules.unload('ta_update')
policy.add(policy.rpz(policy.DENY, '${toRpz(work, directory)}'))
policy.add(policy.all(policy.STUB('127.0.0.1@${work.upstreamPort}')))
`,
      );
      return ['kresd', ['-n', '-c', file, directory]];
    },
  },
  {
    id: 'dnscrypt-proxy',
    program: 'dnscrypt-proxy',
    versionArgs: ['-version'],
    // It refuses with REFUSED or HINFO, never NXDOMAIN, and its cache takes only what came from encrypted upstreams.
    traits: { refusal: 'REFUSED', remark: 'Go; refuses with REFUSED, caches nothing from a plain upstream' },
    configure: ({ listed, upstreamPort }, directory, port) => {
      write(directory, 'blocked-names.txt', `${listed.names.join('\n')}\n`);
      write(directory, 'forwarding-rules.txt', `. 127.0.0.1:${upstreamPort}\n`);
      const file = write(
        directory,
        'dnscrypt-proxy.toml',
        `listen_addresses = ['127.0.0.1:${port}']
server_names = []
max_clients = ${INFLIGHT_MAX}
offline_mode = true
ignore_system_dns = true
netprobe_timeout = 0
bootstrap_resolvers = ['127.0.0.1:${upstreamPort}']
cache = true
cache_size = ${CACHE_ENTRIES}
forwarding_rules = 'forwarding-rules.txt'
blocked_query_response = 'refused'
[blocked_names]
blocked_names_file = 'blocked-names.txt'
`,
      );
      return ['dnscrypt-proxy', ['-config', file]];
    },
  },
];

const toContender = (recipe: PeerRecipe): Contender => ({
  id: recipe.id,
  role: 'peer',
  version: async () => {
    if (!isInstalled(recipe.program)) return undefined;
    const { stdout, stderr } = await run(recipe.program, recipe.versionArgs);
    return /\d+\.\d+[\w.+~-]*/.exec(stdout + stderr)?.[0] ?? 'unknown version';
  },
  start: async (work) => {
    const directory = join(work.directory, recipe.program);
    await mkdir(directory, { recursive: true });
    const configure = (port: number): Command => recipe.configure(work, directory, port);
    return startPlain(recipe.id, 'peer', configure, work, recipe.traits);
  },
});

/** Every peer, installed or not. */
export const PEERS: readonly Contender[] = RECIPES.map(toContender);

/** What lets a peer log every query and answer as dnstap to a socket. */
const DNSTAP: Readonly<Record<string, (socket: string) => string>> = {
  unbound: (socket) => `dnstap:
  dnstap-enable: yes
  dnstap-socket-path: "${socket}"
  dnstap-log-client-query-messages: yes
  dnstap-log-client-response-messages: yes
`,
  dnsdist: (socket) => `local tap = newFrameStreamUnixLogger('${socket}')
addAction(AllRule(), DnstapLogAction('bench', tap))
addResponseAction(AllRule(), DnstapLogResponseAction('bench', tap))
addCacheHitResponseAction(AllRule(), DnstapLogResponseAction('bench', tap))
`,
};

/** The peers that can, with a log of every query as dnstap. */
export const dnstapPeers = (socket: string): readonly Contender[] =>
  RECIPES.flatMap((recipe) => {
    const more = DNSTAP[recipe.id];
    if (more === undefined) return [];
    const configure: PeerRecipe['configure'] = (work, directory, port) => {
      const command = recipe.configure(work, directory, port);
      const file = command[1].at(-1) ?? '';
      const text = readFileSync(file, 'utf8');
      // Of dnsdist, before the rule that ends a listed query.
      writeFileSync(
        file,
        recipe.id === 'dnsdist'
          ? text.replace('local names', `${more(socket)}local names`)
          : text + more(socket),
      );
      return command;
    };
    return [toContender({ ...recipe, id: `${recipe.id}, dnstap`, configure })];
  });

/** The upstream of a run: answers every name at once. */
export interface Upstream {
  readonly port: number;
  readonly version: string;
  stop(): Promise<void>;
}

/** Starts the upstream; throws when unbound is not installed. */
export const startUpstream = async (directory: string): Promise<Upstream> => {
  if (!isInstalled('unbound'))
    throw new Error('the upstream of the benchmarks is unbound, which is not installed');
  const port = await findFreePort();
  const file = write(
    directory,
    'upstream.conf',
    `${unboundServer(port, directory)}
  local-zone: "." redirect
  local-data: ". ${TTL_SEC} IN SOA localhost. root.localhost. 1 3600 600 86400 ${TTL_SEC}"
  local-data: ". ${TTL_SEC} IN A 192.0.2.1"
  local-data: ". ${TTL_SEC} IN AAAA 2001:db8::1"
`,
  );
  const child: Process = startProcess('unbound', ['-d', '-c', file], { core: LOAD_CORE, cwd: directory });
  const { stdout } = await run('unbound', ['-V']);
  return { port, version: `unbound ${/\d+[\w.]*/.exec(stdout)?.[0] ?? ''}`, stop: () => child.stop() };
};

/** The head of an unbound configuration that all of them share; ends in an open `server:` block. */
export const unboundServer = (port: number, directory: string): string => `server:
  interface: 127.0.0.1
  port: ${port}
  access-control: 127.0.0.0/8 allow
  num-threads: 1
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "${directory}"
  pidfile: ""
  use-syslog: no
  verbosity: 0
  module-config: "iterator"
  so-rcvbuf: 4m
  so-sndbuf: 4m
remote-control:
  control-enable: no
server:`;
