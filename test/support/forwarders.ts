// Resolvers of others that forward everything to Cordon and say for whom, by the recipes of docs/beside.md.

import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeEndpoint } from './ports.ts';
import { findProgram, type SocketAddress } from './process.ts';
import { type Unbound, untilReady } from './validators.ts';

/** A program in front. */
export interface Front {
  readonly name: string;
  readonly program: string;
  /** Its heading in docs/beside.md. */
  readonly heading: string;
  /** Where it asks from. */
  readonly from: string;
  /** `sends` of the recipe; empty: it says of nobody who asks. */
  readonly sends: readonly string[];
  /** `overwrites` of the recipe. */
  readonly overwrites: boolean;
  /** Its arguments, by its own address, its directory and that of Cordon; what it reads from files is in `files`. */
  readonly args: (own: SocketAddress, directory: string, cordon: SocketAddress) => readonly string[];
  readonly files?: (
    own: SocketAddress,
    directory: string,
    cordon: SocketAddress,
  ) => Readonly<Record<string, string>>;
}

const dnsmasq = (name: string, from: string, sends: readonly string[], ...own: readonly string[]): Front => ({
  ...{ name, from, sends, program: 'dnsmasq', overwrites: true, heading: 'dnsmasq' },
  args: ({ port }, _directory, cordon) => [
    ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=root'],
    ...['--pid-file=', '--listen-address=127.0.0.1', '--bind-interfaces', '--cache-size=1000'],
    ...[`--port=${port}`, `--server=127.0.0.1#${cordon.port}@${from}`, ...own],
  ],
});

const [DNSDIST, UNBOUND, RECURSOR, BIND] = ['127.0.0.23', '127.0.0.24', '127.0.0.25', '127.0.0.26'] as const;

/** All of them, with the lines of their recipes. */
export const FRONTS: readonly Front[] = [
  dnsmasq(
    ...(['dnsmasq', '127.0.0.21', ['subnet', 'mac'] as string[]] as const),
    ...['--add-subnet=32,128', '--strip-subnet', '--add-mac', '--strip-mac'],
  ),
  dnsmasq('dnsmasq-umbrella', '127.0.0.22', ['umbrella'], '--umbrella'),
  {
    ...{ name: 'dnsdist', program: 'dnsdist', heading: 'dnsdist', from: DNSDIST },
    ...{ sends: ['subnet'], overwrites: true },
    args: (_own, directory) => ['--supervised', '--disable-syslog', '-C', join(directory, 'dnsdist.conf')],
    files: (own, _directory, cordon) => ({
      'dnsdist.conf': `
setLocal("127.0.0.1:${own.port}")
setACL({"127.0.0.0/8"})
newServer({address="127.0.0.1:${cordon.port}", source="${DNSDIST}", useClientSubnet=true, healthCheckMode="up"})
setECSOverride(true)
setECSSourcePrefixV4(32)
setECSSourcePrefixV6(128)
cache = newPacketCache(10000, {parseECS=true})
getPool(""):setCache(cache)
`,
    }),
  },
  {
    ...{ name: 'unbound', program: 'unbound', heading: 'unbound', from: UNBOUND },
    ...{ sends: ['subnet'], overwrites: false },
    args: (_own, directory) => ['-d', '-p', '-c', join(directory, 'unbound.conf')],
    files: (own, directory, cordon) => ({
      'unbound.conf': `
server:
  directory: "${directory}"
  chroot: ""
  username: ""
  use-syslog: no
  logfile: "${directory}/log"
  interface: 127.0.0.1
  port: ${own.port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  outgoing-interface: ${UNBOUND}
  num-threads: 1
  module-config: "subnetcache iterator"
  send-client-subnet: 127.0.0.1
  client-subnet-always-forward: yes
  max-client-subnet-ipv4: 32
  max-client-subnet-ipv6: 128
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${cordon.port}
`,
    }),
  },
  {
    ...{ name: 'pdns-recursor', program: 'pdns_recursor', heading: 'PowerDNS Recursor', from: RECURSOR },
    ...{ sends: ['subnet'], overwrites: true },
    args: (_own, directory) => [`--config-dir=${directory}`],
    files: (own, directory, cordon) => ({
      'recursor.yml': `
incoming: { listen: ["127.0.0.1:${own.port}"], allow_from: [127.0.0.0/8] }
outgoing: { source_address: [${RECURSOR}], dont_query: [], edns_subnet_allow_list: [127.0.0.1] }
ecs: { add_for: [0.0.0.0/0, "::/0"], ipv4_bits: 32, ipv6_bits: 128, ipv4_cache_bits: 32, ipv6_cache_bits: 128 }
dnssec: { validation: "off" }
logging: { quiet: true }
recursor:
  daemon: false
  minimum_ttl_override: 0
  write_pid: false
  socket_dir: ${directory}
  forward_zones_recurse: [{ zone: ., forwarders: ["127.0.0.1:${cordon.port}"] }]
`,
    }),
  },
  {
    ...{ name: 'BIND', program: 'named', heading: 'BIND', from: BIND, sends: [], overwrites: false },
    args: (_own, directory) => ['-f', '-c', join(directory, 'named.conf')],
    files: (own, directory, cordon) => ({
      'named.conf': `
options {
  directory "${directory}";
  pid-file none;
  session-keyfile none;
  listen-on port ${own.port} { 127.0.0.1; };
  listen-on-v6 { none; };
  allow-query { any; };
  query-source address ${BIND};
  recursion yes;
  dnssec-validation no;
  forward only;
  forwarders { 127.0.0.1 port ${cordon.port}; };
};
controls { };
`,
    }),
  },
];

/** Starts one in front of Cordon, and waits until it answers. */
export const startFront = async (front: Front, cordon: SocketAddress): Promise<Unbound> => {
  const own = await freeEndpoint();
  const directory = mkdtempSync(join(tmpdir(), 'cordon-front-'));
  for (const [file, text] of Object.entries(front.files?.(own, directory, cordon) ?? {}))
    writeFileSync(join(directory, file), text);
  const child = spawn(findProgram(front.program) ?? front.program, front.args(own, directory, cordon), {
    stdio: 'ignore',
  });
  return untilReady(front.name, child, directory, own);
};
