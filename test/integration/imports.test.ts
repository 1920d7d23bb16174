// Moving in: a configuration of another resolver ends in a Cordon that gives the same verdicts.
//
// unbound, BIND and dnsmasq run beside Cordon with the configuration that was imported, before one upstream that answers
// every name, and each is asked about 5,000 names. For Pi-hole and AdGuard Home the verdicts come from origins.ts.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { Asker } from '../conformance/differential/asker.ts';
import { runCommandHere } from '../support/command.ts';
import { content, ListServer, SERVER_NAME } from '../support/list-server.ts';
import { NIGHT } from '../support/night.ts';
import {
  namesAround,
  type Pihole,
  piholeFive,
  piholeSix,
  piholeVerdicts,
  refusedBy,
  type Verdict,
} from '../support/origins.ts';
import { freePort } from '../support/ports.ts';
import { type RunResult, requireProgram } from '../support/process.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';
import { type NameServer, startNameServer } from '../unit/lists/name-server.ts';

const NAMES = 5000;
/** Of them, one in so many is asked for in the gate: of every seed, and each way around it. */
const EVERY_IN_GATE = 6;
/** Of the upstream of everybody, and of the one of a zone. */
const PUBLIC = '192.0.2.1';
const ELSEWHERE = '192.0.2.2';
/** Questions under way at a time. */
const AT_ONCE = 60;

let directory: string;
let upstream: ScriptedUpstream;
let elsewhere: ScriptedUpstream;
const started: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  const answering = (address: string) =>
    ScriptedUpstream.open((query) => {
      const isLists = query.name.toLowerCase() === `${SERVER_NAME}.`;
      return answer(
        query,
        query.type === 1 ? [`${query.name} 300 IN A ${isLists ? '127.0.0.1' : address}`] : [],
      );
    });
  upstream = await answering(PUBLIC);
  elsewhere = await answering(ELSEWHERE);
});
afterAll(async () => {
  await upstream.close();
  await elsewhere.close();
});
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-moving-'));
});
afterEach(async () => {
  for (const one of started.splice(0)) await one.stop();
  rmSync(directory, { recursive: true });
});

const write = (files: Readonly<Record<string, string | Buffer>>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
};

const importFrom = (kind: string, path: string, ...more: string[]): Promise<RunResult> =>
  runCommandHere(['import', kind, join(directory, path), '--out', join(directory, 'out'), ...more]);

/** Starts Cordon with what was imported, on ports of its own. */
const startImported = async (result: RunResult): Promise<Cordon> => {
  expect(result.code, result.stdout + result.stderr).toBe(0);
  const out = join(directory, 'out');
  const config = readFileSync(join(out, 'cordon.yaml'), 'utf8');
  const paths = [...config.matchAll(/file: (\S+)/g)].map(([, path = '']) => path);
  const cordon = await startCordon({
    config,
    files: Object.fromEntries(paths.map((path) => [path, readFileSync(join(out, path))])),
    env: {
      CORDON_LISTEN_DNS: '127.0.0.1:0',
      CORDON_LISTEN_ADMIN: '127.0.0.1:0',
      CORDON_WORKERS: '1',
      CORDON_STATE: join(directory, 'state'),
      CORDON_RATE_LIMIT_MODE: 'off',
      CORDON_REBINDING_ALLOW: 'test',
    },
  });
  started.push({ stop: () => cordon.kill() });
  return cordon;
};

/** What a server says of names: `refused`, `passes`, or the address that it leads to. */
const verdictsOf = async (
  server: { address: string; port: number },
  names: readonly string[],
): Promise<Map<string, Verdict>> => {
  const asker = await Asker.open(server);
  const verdicts = new Map<string, Verdict>();
  const waiting = [...names];
  const work = async (): Promise<void> => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      const reply = await asker.ask({
        text: `${name}. A`,
        type: 'A',
        class: 'IN',
        flags: 0x0100,
        edns: undefined,
        transport: 'udp',
      });
      const addresses = (reply?.answer ?? [])
        .filter((record) => / IN A /.test(record))
        .map((record) => record.split(' ').at(-1) ?? '');
      const usable = addresses.filter((address) => address !== '0.0.0.0' && address !== '127.0.0.1').sort();
      const isRefusal =
        reply !== undefined &&
        [RCODE.NOERROR, RCODE.NXDOMAIN, RCODE.REFUSED].some((code) => code === reply.rcode);
      verdicts.set(
        name,
        usable.length === 0
          ? isRefusal
            ? 'refused'
            : `RCODE ${reply?.rcode}`
          : usable.join(',') === PUBLIC
            ? 'passes'
            : usable.join(','),
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  asker.close();
  return verdicts;
};

const expectSame = (
  ours: ReadonlyMap<string, Verdict>,
  theirs: ReadonlyMap<string, Verdict>,
  askedCount = NAMES,
): void => {
  const different = [...theirs]
    .filter(([name, verdict]) => ours.get(name) !== verdict)
    .map(([name, verdict]) => `${name}: ${ours.get(name)}, there ${verdict}`);
  expect(different).toEqual([]);
  expect(theirs.size).toBe(askedCount);
  const counts = new Map<string, number>();
  for (const verdict of theirs.values())
    counts.set(
      verdict === 'refused' || verdict === 'passes' ? verdict : 'an address',
      (counts.get(verdict === 'refused' || verdict === 'passes' ? verdict : 'an address') ?? 0) + 1,
    );
  // A comparison in which one kind is missing proves little.
  expect([...counts].filter(([, count]) => count < 10)).toEqual([]);
  expect(counts.size).toBe(3);
  console.log(
    `${theirs.size} names: ${[...counts].map(([verdict, count]) => `${count} ${verdict}`).join(', ')}`,
  );
};

const start = async (command: string, args: readonly string[], port: number): Promise<void> => {
  const server: NameServer = await startNameServer(command, args, port, 'known.example.org.');
  started.push(server);
};

const series = (count: number, line: (index: number) => string): string[] =>
  Array.from({ length: count }, (_value, index) => line(index));

test('unbound.conf: zones of every type, data, forwarding, includes', { tags: 'night' }, async (context) => {
  requireProgram(context, 'unbound');
  const port = await freePort();
  const refusing = [
    'always_nxdomain',
    'always_null',
    'always_refuse',
    'always_nodata',
    'refuse',
    'static',
    'redirect',
  ];
  const zones = series(
    400,
    (index) => `local-zone: "bad-${index}.example.com" ${refusing[index % refusing.length]}`,
  );
  const blocks = [
    ...zones,
    ...series(100, (index) => `local-zone: "good.bad-${index * 4}.example.com." transparent`),
    ...series(100, (index) => `local-data: "sink-${index}.example.com A 0.0.0.0"`),
  ].join('\n');
  write({
    'unbound.conf': `
server:
  interface: 127.0.0.1@${port}
  username: ""
  chroot: ""
  directory: "${directory}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "iterator"
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  access-control: 127.9.0.0/16 refuse
  private-domain: "corp.example.com"   # a comment
  include: "${directory}/blocks/*.conf"
  local-zone: "lan" static
  local-data: "nas.lan. IN A 10.0.0.5"
  local-data: "nas.lan. 3600 IN TXT 'a text'"
  local-data-ptr: "10.0.0.5 nas.lan"
  local-zone: "apps.example.com" redirect
  local-data: "apps.example.com A 10.0.0.6"
  local-data: "one.example.org. A 10.0.0.7"
  tcp-upstream: no
  harden-glue: yes
  something-new: yes
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${upstream.endpoint.port}
forward-zone:
  name: "corp.example.com"
  forward-addr: 127.0.0.1@${elsewhere.endpoint.port}
`.replace('  something-new: yes\n', ''),
    'blocks/blocks.conf': `server:\n${blocks}\n`,
  });
  await start('unbound', ['-d', '-c', join(directory, 'unbound.conf')], port);
  const cordon = await startImported(await importFrom('unbound', 'unbound.conf'));
  const seeds = [
    ...[...blocks.matchAll(/: "([^" ]+)/g)].map(([, name = '']) => name),
    'nas.lan',
    'apps.example.com',
    'one.example.org',
    ...series(5, (index) => `h${index}.corp.example.com`),
    ...series(5, (index) => `h${index}.apps.example.com`),
  ];
  const names = namesAround(seeds, NAMES);
  expectSame(await verdictsOf(cordon.dns, names), await verdictsOf({ address: '127.0.0.1', port }, names));
});

for (const [options, every] of [
  [{}, EVERY_IN_GATE],
  [NIGHT, 1],
] as const)
  test(
    `named.conf: response policy zones, primary and forward zones, acl, one name in ${every}`,
    options,
    async (context) => {
      requireProgram(context, 'named');
      const port = await freePort();
      const policy = [
        '$TTL 300',
        '@ SOA localhost. hostmaster.invalid. 1 3600 1200 604800 300',
        '@ NS localhost.',
        ...series(400, (index) => `bad-${index}.example.com CNAME ${index % 3 === 0 ? '*.' : '.'}`),
        ...series(300, (index) => `*.bad-${index}.example.com CNAME .`),
        ...series(50, (index) => `good.bad-${index}.example.com CNAME rpz-passthru.`),
        ...series(50, (index) => `to-${index}.example.com A 10.1.0.${index + 1}`),
      ].join('\n');
      write({
        'named.conf': `
acl "inside" { 127.0.0.0/8; !127.9.9.9; 10/8; };   // people
options {
  directory "${directory}";
  pid-file none;
  session-keyfile none;
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion yes;
  forward only;
  forwarders { 127.0.0.1 port ${upstream.endpoint.port}; };
  dnssec-validation no;
  allow-query { inside; };
  allow-recursion { !127.8.0.0/16; inside; };
  max-ncache-ttl 15m;
  response-policy { zone "rpz.example" policy given; } qname-wait-recurse no;
};
controls { };
/* zones */
include "zones.conf";
`,
        'zones.conf': `
zone "rpz.example" { type primary; file "rpz.zone"; };
zone "corp.example.com" { type forward; forward only; forwarders { 127.0.0.1 port ${elsewhere.endpoint.port}; }; };
zone "lan.example.com" { type primary; file "lan.zone"; };
`,
        'rpz.zone': `${policy}\n`,
        'lan.zone': `$TTL 1h
@   IN SOA ns hostmaster ( 1 3600 1200 604800 300 )
    NS ns
ns  A 10.2.0.1
nas A 10.2.0.2
    TXT "a; text" two
www CNAME nas
`,
      });
      await start('named', ['-g', '-c', join(directory, 'named.conf')], port);
      const result = await importFrom('bind', 'named.conf');
      const cordon = await startImported(result);
      expect(readFileSync(join(directory, 'out/cordon.yaml'), 'utf8')).toMatch(
        /access:\n {2}allow:\n(?: {4}- \S+\n)+/,
      );
      const seeds = [
        ...series(400, (index) => `bad-${index}.example.com`),
        ...series(50, (index) => `good.bad-${index}.example.com`),
        ...series(50, (index) => `to-${index}.example.com`),
        'nas.lan.example.com',
        'www.lan.example.com',
        'h.corp.example.com',
        'none.lan.example.com',
      ];
      const names = namesAround(seeds, NAMES).filter((_, index) => index % every === 0);
      const theirs = await verdictsOf({ address: '127.0.0.1', port }, names);
      expectSame(await verdictsOf(cordon.dns, names), theirs, names.length);
    },
  );

test('dnsmasq.conf: address=, server=, records, hosts, directories', { tags: 'night' }, async (context) => {
  requireProgram(context, 'dnsmasq');
  const port = await freePort();
  const lines = [
    ...series(300, (index) => `address=/bad-${index}.example.com/${['', '#', '0.0.0.0'][index % 3]}`),
    ...series(60, (index) => `server=/good.bad-${index * 5}.example.com/#`),
    ...series(60, (index) => `local=/none-${index}.example.com/`),
    ...series(60, (index) => `address=/to-${index}.example.com/10.3.0.${index + 1}`),
    ...series(20, (index) => `address=/*.star-${index}.example.com/`),
  ];
  write({
    'dnsmasq.conf': `
port=${port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
no-daemon
server=127.0.0.1#${upstream.endpoint.port}
server=/corp.example.com/127.0.0.1#${elsewhere.endpoint.port}
local=/lan/
domain=lan
expand-hosts
addn-hosts=${directory}/hosts.extra
host-record=nas.lan,files.lan,10.4.0.1
host-record=own.bad-7.example.com,10.4.0.2
cname=www.lan,nas.lan
txt-record=text.lan,"one, two",three
srv-host=_sip._tcp.lan,nas.lan,5060
mx-host=lan,nas.lan,10
ptr-record=9.0.4.10.in-addr.arpa,"printer.lan"
conf-dir=${directory}/more,*.conf
`,
    'hosts.extra': '10.4.0.3 printer scanner.lan # a comment\n',
    'more/10.conf': `${lines.join('\n')}\n`,
  });
  await start('dnsmasq', [`--conf-file=${join(directory, 'dnsmasq.conf')}`], port);
  const cordon = await startImported(await importFrom('dnsmasq', 'dnsmasq.conf'));
  const seeds = [
    ...lines.map((line) => line.split('/')[1] ?? ''),
    'nas.lan',
    'files.lan',
    'www.lan',
    'printer.lan',
    'scanner.lan',
    'none.lan',
    'own.bad-7.example.com',
    'h.corp.example.com',
    'starlet.example.com',
  ];
  const names = namesAround(seeds, NAMES);
  expectSame(await verdictsOf(cordon.dns, names), await verdictsOf({ address: '127.0.0.1', port }, names));
});

describe('a Pi-hole', () => {
  let server: ListServer;
  beforeEach(async () => {
    server = await ListServer.open();
  });
  afterEach(() => server.close());

  const createPihole = (): Pihole => {
    const lists: Record<string, string> = {
      '/hosts.txt': `# a hosts file\n${series(300, (index) => `0.0.0.0 bad-${index}.example.com`).join('\n')}\n`,
      '/plain.txt': `${series(300, (index) => `plain-${index}.example.com`).join('\n')}\n`,
      '/abp.txt': `[Adblock Plus]\n${series(200, (index) => `||abp-${index}.example.com^`).join('\n')}\n`,
    };
    for (const [path, text] of Object.entries(lists)) server.set(path, content(text));
    return {
      allowed: series(50, (index) => `bad-${index}.example.com`),
      denied: series(100, (index) => `denied-${index}.example.com`),
      allowedExpressions: ['^www\\.abp-1[0-9]\\.example\\.com$'],
      deniedExpressions: ['(^|\\.)expr-[0-9]+\\.example\\.com$', '^ads?[0-9]*\\.'],
      lists: Object.fromEntries(Object.entries(lists).map(([path, text]) => [server.url(path), text])),
      hosts: series(30, (index) => `10.5.0.${index + 1} host-${index}.lan`),
      cnames: ['alias.lan,host-1.lan', 'other.lan,host-2.lan'],
      upstreams: [`127.0.0.1#${upstream.endpoint.port}`],
    };
  };

  const VERSIONS = [
    ['version 6', piholeSix, 'teleporter.zip'],
    ['version 5', piholeFive, 'teleporter.tar.gz'],
  ] as const;
  test.each(VERSIONS)('of %s', NIGHT, async (_version, build, file) => {
    const pihole = createPihole();
    write({ [file]: build(pihole) });
    const result = await importFrom('pihole', file);
    const cordon = await startImported(result);
    const seeds = [
      ...series(300, (index) => `bad-${index}.example.com`),
      ...series(300, (index) => `plain-${index}.example.com`),
      ...series(200, (index) => `abp-${index}.example.com`),
      ...pihole.denied,
      ...series(40, (index) => `expr-${index}.example.com`),
      ...series(20, (index) => `ad${index}.example.org`),
      ...series(30, (index) => `host-${index}.lan`),
      'alias.lan',
      'other.lan',
    ];
    // `lan` is nobody's zone here: the Pi-hole asks its servers as Cordon does.
    const names = namesAround(seeds, NAMES);
    const last = ['bad-299.example.com', 'plain-299.example.com', 'abp-199.example.com'];
    const verdicts = async () => [...(await verdictsOf(cordon.dns, last)).values()];
    await expect.poll(verdicts, { timeout: 90_000 }).toEqual(['refused', 'refused', 'refused']);
    expectSame(await verdictsOf(cordon.dns, names), piholeVerdicts(pihole, names));
  });
});

test('AdGuardHome.yaml: rules, filters, rewrites, upstreams of zones', { tags: 'night' }, async () => {
  const server = await ListServer.open();
  started.push({ stop: () => server.close() });
  const filter = [
    ...series(300, (index) => `||bad-${index}.example.com^`),
    ...series(100, (index) => `plain-${index}.example.com`),
    '||deny.example.com^$denyallow=free.deny.example.com',
    '/^ads[0-9]+\\./',
    ...series(50, (index) => `@@||good.bad-${index}.example.com^`),
  ].join('\n');
  const second = [
    ...series(100, (index) => `0.0.0.0 hosts-${index}.example.com`),
    ...series(50, (index) => `||second-${index}.example.com^`),
  ].join('\n');
  const rules = [
    '! a comment',
    '||own.example.com^',
    ...series(30, (index) => `@@||second-${index}.example.com^`),
    '||important.example.com^$important',
    '@@||important.example.com^',
  ];
  const allowing = series(20, (index) => `plain-${index}.example.com`).join('\n');
  server.set('/filter.txt', content(`${filter}\n`));
  server.set('/allowing.txt', content(`${allowing}\n`));
  write({
    'AdGuardHome.yaml': `
http: { address: 127.0.0.1:3000 }
users: [{ name: admin, password: secret }]
dns:
  bind_hosts: [127.0.0.1]
  port: 5399
  upstream_dns: ["# a comment", "127.0.0.1:${upstream.endpoint.port}", "[/corp.example.com/]127.0.0.1:${elsewhere.endpoint.port}"]
  bootstrap_dns: [9.9.9.10]
  upstream_mode: load_balance
  allowed_clients: [127.0.0.0/8]
  disallowed_clients: [127.9.0.0/16]
  blocked_hosts: [version.bind, id.server, hostname.bind]
  cache_size: 4194304
  ratelimit: 20
filters:
  - { enabled: true, url: "${server.url('/filter.txt')}", name: Main filter, id: 1 }
  - { enabled: true, url: second.txt, name: Second, id: 2 }
  - { enabled: false, url: "https://lists.example.com/off.txt", name: Off, id: 3 }
whitelist_filters:
  - { enabled: true, url: "${server.url('/allowing.txt')}", name: Allowing, id: 4 }
user_rules: ${JSON.stringify(rules)}
filtering:
  blocking_mode: nxdomain
  rewrites:
    - { domain: nas.lan, answer: 10.6.0.1 }
    - { domain: "*.apps.example.com", answer: 10.6.0.2 }
    - { domain: bad-7.example.com, answer: 10.6.0.3 }
    - { domain: alias.example.com, answer: nas.lan }
${series(10, (index) => `    - { domain: r${index}.example.com, answer: 10.6.1.${index + 1} }`).join('\n')}
  blocked_services: { ids: [tiktok, youtube] }
clients:
  persistent: []
schema_version: 28
`,
    'second.txt': `${second}\n`,
  });
  const result = await importFrom('adguardhome', 'AdGuardHome.yaml');
  expect(result.stdout).toContain('blocked_services: youtube');
  const cordon = await startImported(result);
  const seeds = [
    ...series(300, (index) => `bad-${index}.example.com`),
    ...series(50, (index) => `good.bad-${index}.example.com`),
    ...series(100, (index) => `plain-${index}.example.com`),
    ...series(100, (index) => `hosts-${index}.example.com`),
    ...series(50, (index) => `second-${index}.example.com`),
    ...series(10, (index) => `r${index}.example.com`),
    ...series(10, (index) => `ads${index}.example.org`),
    'own.example.com',
    'important.example.com',
    'deny.example.com',
    'free.deny.example.com',
    'nas.lan',
    'x.apps.example.com',
    'alias.example.com',
    'h.corp.example.com',
  ];
  const names = namesAround(seeds, NAMES);
  // list-reader.py holds this process up, and with it the servers of the lists.
  await expect
    .poll(async () => (await verdictsOf(cordon.dns, ['bad-299.example.com'])).get('bad-299.example.com'), {
      timeout: 90_000,
    })
    .toBe('refused');
  await expect
    .poll(async () => (await verdictsOf(cordon.dns, ['plain-1.example.com'])).get('plain-1.example.com'), {
      timeout: 90_000,
    })
    .toBe('passes');
  const refused = refusedBy('adblock', [filter, second, ...rules].join('\n'), names);
  const allowed = refusedBy('adblock', allowing, names);
  const rewritten = new Map([
    ['nas.lan', '10.6.0.1'],
    ['bad-7.example.com', '10.6.0.3'],
    ['alias.example.com', '10.6.0.1'],
    ...series(10, (index) => `r${index}.example.com 10.6.1.${index + 1}`).map(
      (text) => text.split(' ') as [string, string],
    ),
  ]);
  const verdictOf = (name: string): Verdict => {
    if (rewritten.has(name)) return rewritten.get(name) ?? '';
    if (name.endsWith('.apps.example.com')) return '10.6.0.2';
    if (refused.has(name) && !allowed.has(name)) return 'refused';
    return name === 'corp.example.com' || name.endsWith('.corp.example.com') ? ELSEWHERE : 'passes';
  };
  expectSame(await verdictsOf(cordon.dns, names), new Map(names.map((name) => [name, verdictOf(name)])));
});
