// @module-tag night
// A mixed network in namespaces of its own: Cordon with a fleet, BIND with our policy zone, unbound with our export, PowerDNS behind
// dnsdist. Clients ask all of them; the fleet's report has to say what the clients were answered, and what a tap of each stream holds.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { buildProof } from '../../proof/build.ts';
import type { FleetReport } from '../../src/evidence/report/report.ts';
import { initFleet } from '../../src/fleet/fleet.ts';
import { runCommandHere } from '../support/command.ts';
import { since } from '../support/days.ts';
import { findProgram, requireProgram, run } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';

const WAIT = { timeout: 90_000, interval: 200 };
const ZONE = 'rpz.agency.example';
/** How long BIND's policy is off. */
const OFF_MS = 60_000;
/** unbound keeps messages back for a second; a record is signed a second later. */
const KEPT_MS = 3_000;
const EMPTY = '$TTL 60\n@ SOA localhost. root.localhost. 2 60 60 60 60\n@ NS localhost.\n';
/** Namespaces of parallel runs must not meet. */
const PREFIX = `cm${process.pid}`;
/** Each site has one address of this network; it is in no namespace that is not ours. */
const SITES = { world: 53, cordon: 1, bind: 2, unbound: 3, pdns: 4, client: 10 } as const;
type Site = keyof typeof SITES;
/** What dig was told: `denied`, that a name that is not prohibited is not there. */
const WORDS: readonly string[] = ['refused', 'leaked', 'free', 'denied'];
const wordOf = (isListed: boolean, status: string, hasAddress: boolean): string => {
  if (hasAddress) return isListed ? 'leaked' : 'free';
  return status === 'NXDOMAIN' ? (isListed ? 'refused' : 'denied') : status;
};
/** Of a shop, and where it leads is prohibited. */
const ALIAS = 'cdn.shop.example';
const OTHERS = ['bind', 'pdns', 'unbound'] as const;
const addressOf = (site: Site): string => `192.0.2.${SITES[site]}`;
const namespaceOf = (site: Site): string => `${PREFIX}-${site}`;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const ip = (...args: string[]): void => {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
};

/** A bridge in a namespace of its own, and a namespace with a cable to it for each site. */
const buildSites = (): void => {
  const net = `${PREFIX}-net`;
  for (const name of [net, ...Object.keys(SITES).map((site) => namespaceOf(site as Site))]) {
    ip('netns', 'add', name);
    closing.push(() => spawnSync('ip', ['netns', 'delete', name]));
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }
  ip('-n', net, 'link', 'add', 'lan', 'type', 'bridge', 'forward_delay', '0');
  ip('-n', net, 'link', 'set', 'lan', 'up');
  for (const site of Object.keys(SITES) as Site[]) {
    const inside = namespaceOf(site);
    ip('-n', net, 'link', 'add', site, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', inside);
    ip('-n', net, 'link', 'set', site, 'master', 'lan', 'up');
    ip('-n', inside, 'address', 'add', `${addressOf(site)}/24`, 'dev', 'eth0');
    ip('-n', inside, 'link', 'set', 'eth0', 'up');
  }
};

let output = '';
const start = (site: Site, command: string, args: readonly string[], cwd: string): ChildProcess => {
  const program = findProgram(command) ?? command;
  const child = spawn('ip', ['netns', 'exec', namespaceOf(site), program, ...args], {
    ...{ cwd, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = `${output}${site}: ${text}`.slice(-20_000);
    });
  const ended = once(child, 'exit');
  closing.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return child;
};

/** Passes a stream on, both ways, and keeps what the resolver sent: a count that is not the collector's. */
const tapInto = (from: string, to: string, file: string): void => {
  writeFileSync(file, '');
  const server = createServer((socket) => {
    const other = connect(to);
    socket.on('data', (piece) => appendFileSync(file, piece));
    socket.pipe(other).pipe(socket);
    for (const one of [socket, other]) one.on('error', () => one.destroy());
    socket.on('close', () => other.destroy());
    other.on('close', () => socket.destroy());
  });
  server.listen(from);
  closing.push(() => server.close());
};

/** Responses to clients in what a tap kept, as dnstap-read of BIND counts them. */
const countedBy = (file: string): number => {
  const bytes = readFileSync(file);
  // READY comes before START where the stream goes both ways; a file has none.
  let at = 0;
  while (at + 12 <= bytes.length && bytes.readUInt32BE(at) === 0 && bytes.readUInt32BE(at + 8) === 4)
    at += 8 + bytes.readUInt32BE(at + 4);
  writeFileSync(`${file}.tap`, bytes.subarray(at));
  const { stdout, stderr } = spawnSync('dnstap-read', [`${file}.tap`], { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return stdout.split('\n').filter((line) => / CR /.test(line)).length;
};

test('Cordon, BIND, unbound and PowerDNS in one report, which says what clients and taps say', {
  timeout: 600_000,
}, async (context) => {
  for (const program of [
    'ip',
    'dig',
    'named',
    'dnstap-read',
    'unbound',
    'pdns_recursor',
    'dnsdist',
    'nats-server',
  ])
    requireProgram(context, program);
  context.skip(process.getuid?.() !== 0, 'namespaces are made by root');
  const beganMs = Date.now();
  const place = mkdtempSync(join(tmpdir(), 'cordon-mixed-'));
  closing.push(() => rmSync(place, { recursive: true, force: true }));
  const path = (name: string): string => join(place, name);
  const write = (name: string, text: string): string => {
    writeFileSync(path(name), text);
    return path(name);
  };
  buildSites();

  // The world: every name below example has an address, some lead to what is prohibited.
  write(
    'root.zone',
    `$TTL 1
@ SOA localhost. root.localhost. 1 60 60 60 60
@ NS localhost.
localhost. A 127.0.0.1
*.example. A 198.51.100.7
*.example. AAAA 2001:db8::7
cdn.shop.example. CNAME edge.banned.example.
`,
  );
  write(
    'world.conf',
    `options { directory "${place}"; listen-on { ${addressOf('world')}; }; listen-on-v6 { none; }; pid-file none; session-keyfile none;
  recursion yes; allow-recursion { any; }; dnssec-validation no; empty-zones-enable no; };
controls { };
zone "." { type primary; file "root.zone"; };
`,
  );
  start('world', 'named', ['-f', '-c', path('world.conf')], place);

  // Cordon publishes, with a fleet whose engine runs beside it.
  write('banned.txt', 'banned.example\nother.example\n');
  const made = await initFleet({
    ...{ stateDirectory: path('state'), name: 'authority', site: undefined, servers: ['127.0.0.1:4222'] },
    ...{ clusterPort: 0, leafPort: undefined, leafs: {}, tls: undefined },
    ...{ store: path('store'), safeKeyPath: path('safe.pem') },
  });
  write(
    'cordon.yaml',
    `listen: { dns: ["${addressOf('cordon')}:53"], admin: false }
workers: 1
state: ${path('state')}
access: { allow: ["192.0.2.0/24"] }
upstreams: ["${addressOf('world')}"]
lists: [{ id: banned, file: ${path('banned.txt')}, format: domains, mandate: true }]
records: { repeat-window: 0s }
probe: { interval: 0s }
fleet: { servers: ${JSON.stringify(made.servers)}, trust: ${JSON.stringify(made.trust)}, role: authority, tide-every: 1s }
`,
  );
  const exported = async (format: string, file: string, ...more: string[]): Promise<void> => {
    const args = ['lists', 'export', '--format', format, ...more, '--output', path(file)];
    const done = await runCommandHere(args, { cwd: place });
    expect(done).toMatchObject({ code: 0 });
  };
  for (const file of ['published.rpz', 'named.rpz', 'pdns.rpz'])
    await exported('rpz', file, '--origin', ZONE);
  await exported('unbound', 'published.conf');
  start('cordon', 'nats-server', ['-c', join(made.engineDirectory, 'nats-server.conf')], place);
  start('cordon', process.execPath, [PROGRAM, 'serve', '--config', path('cordon.yaml')], place);

  // Each of the others sends to a socket of its own, by way of a tap; proofs about BIND are handed in.
  mkdirSync(path('proofs'));
  await buildProof(path('bin'));
  const proofKey = path('keys/key.pem');
  expect(await run(process.execPath, [path('bin/proof.mjs'), 'key', '--key', proofKey])).toMatchObject({
    code: 0,
  });
  const policyOf = { bind: 'published.rpz', unbound: 'published.conf', pdns: 'pdns.rpz' } as const;
  write(
    'dnstap.yaml',
    `resolvers:\n${OTHERS.map(
      (who) =>
        `  ${who}:\n    listen: ${path(`${who}.collect`)}\n    policy: [{ file: ${path(policyOf[who])}, format: ${who === 'unbound' ? 'unbound' : 'rpz'} }]\n${
          who === 'bind'
            ? `    proofs: { directory: ${path('proofs')}, asked: [${addressOf('bind')}], key: ${proofKey}.pub }\n`
            : ''
        }`,
    ).join('')}`,
  );
  const collect = ['collect', '--config', path('cordon.yaml'), '--directory', path('collected')];
  await vi.waitUntil(() => existsSync(join(path('state'), 'fleet/collector.seed')), WAIT);
  const collector = start(
    'cordon',
    process.execPath,
    [PROGRAM, ...collect, '--dnstap', path('dnstap.yaml')],
    place,
  );
  for (const who of OTHERS) {
    await vi.waitUntil(() => existsSync(path(`${who}.collect`)), WAIT);
    tapInto(path(`${who}.sock`), path(`${who}.collect`), path(who));
  }

  const world = addressOf('world');
  write(
    'named.conf',
    `options { directory "${place}"; listen-on { ${addressOf('bind')}; }; listen-on-v6 { none; }; pid-file none; session-keyfile none;
  recursion yes; allow-recursion { any; }; dnssec-validation no; qname-minimization off; empty-zones-enable no;
  forwarders { ${world}; }; forward only; response-policy { zone "${ZONE}"; } qname-wait-recurse no;
  dnstap { client response; }; dnstap-output unix "${path('bind.sock')}"; };
controls { };
zone "${ZONE}" { type primary; file "named.rpz"; };
`,
  );
  const named = start('bind', 'named', ['-f', '-c', path('named.conf')], place);
  write(
    'unbound.conf',
    `server:
  interface: ${addressOf('unbound')}
  access-control: 192.0.2.0/24 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "${place}"
  pidfile: ""
  module-config: "iterator"
  include: "${path('published.conf')}"
forward-zone:
  name: "."
  forward-addr: ${world}
dnstap:
  dnstap-enable: yes
  dnstap-socket-path: "${path('unbound.sock')}"
  dnstap-log-client-response-messages: yes
`,
  );
  const unbound = start('unbound', 'unbound', ['-d', '-c', path('unbound.conf')], place);
  mkdirSync(path('recursor'));
  write(
    'recursor/recursor.yml',
    `incoming: { listen: ["127.0.0.1:5300"] }
outgoing: { dont_query: [] }
dnssec: { validation: "off" }
logging: { quiet: true }
recursor:
  daemon: false
  write_pid: false
  socket_dir: ${path('recursor')}
  forward_zones_recurse: [{ zone: ., forwarders: ["${world}"] }]
  rpzs: [{ name: ${path('pdns.rpz')} }]
`,
  );
  start('pdns', 'pdns_recursor', [`--config-dir=${path('recursor')}`], place);
  write(
    'dnsdist.conf',
    `setLocal('${addressOf('pdns')}:53')
setACL('192.0.2.0/24')
newServer({ address = '127.0.0.1:5300', checkInterval = 1 })
setSecurityPollSuffix('')
tap = newFrameStreamUnixLogger('${path('pdns.sock')}')
addResponseAction(AllRule(), DnstapLogResponseAction('pdns', tap))
`,
  );
  const dnsdist = start(
    'pdns',
    'dnsdist',
    ['--supervised', '--disable-syslog', '-C', path('dnsdist.conf')],
    place,
  );

  /** What clients were answered, by resolver: an account of its own, out of the words of dig. */
  const counts = new Map<string, number>();
  const count = (who: Site, word: string): number => counts.get(`${who} ${word}`) ?? 0;
  const asked = (who: Site): number =>
    [...counts].reduce((sum, [key, many]) => (key.startsWith(`${who} `) ? sum + many : sum), 0);
  /** Asks for names in one run of dig, and gives the words for them. */
  const query = async (who: Site, names: readonly string[]): Promise<string[]> => {
    const { stdout } = await run('ip', [
      ...[
        'netns',
        'exec',
        namespaceOf('client'),
        'dig',
        `@${addressOf(who)}`,
        '+tries=1',
        '+time=2',
        '+nocookie',
      ],
      ...names,
    ]);
    return stdout
      .split(/^;; Got answer:$/m)
      .slice(1)
      .flatMap((part) => {
        const status = /status: (\w+)/.exec(part)?.[1];
        if (status === undefined) return [];
        const name = /^;(\S+)\.\s+IN\s+A$/m.exec(part)?.[1] ?? '';
        // A denial that does not show the alias is told from no other: only Cordon's own records know why.
        const leads = name === ALIAS && (who === 'cordon' || /\sIN\s+CNAME\s/m.test(part));
        const isListed = leads || /(?:^|\.)(?:banned|other)\.example$/.test(name);
        const word = wordOf(isListed, status, /\sIN\s+A\s+198\.51\.100\.7$/m.test(part));
        if (!WORDS.includes(word)) output += part;
        counts.set(`${who} ${word}`, (counts.get(`${who} ${word}`) ?? 0) + 1);
        return [word];
      });
  };
  const ALL = ['cordon', ...OTHERS] as const;
  try {
    for (const who of ALL)
      await vi.waitUntil(async () => (await query(who, ['www.banned.example'])).join() === 'refused', WAIT);
    for (const who of ALL)
      await vi.waitUntil(async () => (await query(who, ['x.free.example'])).join() === 'free', WAIT);
  } catch (thrown) {
    throw new Error(`not all of them answer:\n${output}`, { cause: thrown });
  }
  const names = Array.from({ length: 40 }, (_, i) =>
    i % 2 === 0 ? `n${i}.banned.example` : `n${i}.free.example`,
  );
  for (const who of ALL) await query(who, names);
  // Behind an alias: who looks there only by name of the question answers it, and that is told.
  const aliases = new Map<Site, string>();
  for (const who of ALL) aliases.set(who, (await query(who, [ALIAS])).join());
  expect([aliases.get('cordon'), aliases.get('bind')]).toEqual(['refused', 'refused']);

  const prove = async (out: string): Promise<{ code: number | null; stdout: string }> => {
    const pack = {
      version: '1',
      mandates: [
        {
          ...{
            id: 'agency',
            version: '2026-12-01',
            title: 'Our order',
            place: 'Agency',
            standing: 'in-force',
          },
          ...{ sha256: '0'.repeat(64), lists: ['ours'], notHeld: [] },
        },
      ],
      lists: [
        {
          id: 'ours',
          names: [
            ['banned.example', 'suffix'],
            ['other.example', 'suffix'],
          ],
          prefixes: 0,
        },
      ],
    };
    const args = [
      '--pack',
      write('pack.json', JSON.stringify(pack)),
      '--mandate',
      'agency',
      '--control',
      'a.free.example',
    ];
    const { code, stdout } = await run('ip', [
      ...['netns', 'exec', namespaceOf('client'), process.execPath, path('bin/proof.mjs'), addressOf('bind')],
      ...[...args, '--key', proofKey, '--silent', '--out', path(`proofs/${out}`)],
    ]);
    return { code, stdout };
  };
  // Proofs ask as clients do, and are seen as such: they are counted by the tap, not by dig.
  expect(await prove('before')).toMatchObject({ code: 0, stdout: expect.stringContaining('ENFORCED') });

  const offMs = Date.now();
  write('named.rpz', EMPTY);
  named.kill('SIGHUP');
  await vi.waitUntil(async () => (await query('bind', ['www.other.example'])).join() === 'leaked', WAIT);
  let away = 0;
  while (Date.now() - offMs < OFF_MS) {
    for (const who of ALL) {
      const [word] = await query(who, ['away.banned.example', 'y.free.example']);
      if (who === 'bind' && word === 'leaked') away++;
    }
    await sleep(1_000);
  }
  expect(await prove('off')).toMatchObject({ code: 1, stdout: expect.stringContaining('LEAKING') });
  // Whoever is at the authority knows while it goes on.
  const status = await runCommandHere(['status', '--config', path('cordon.yaml')], { cwd: place });
  expect(status.stdout).toContain('bind answered listed names');
  await exported('rpz', 'named.rpz', '--origin', ZONE);
  named.kill('SIGHUP');
  await vi.waitUntil(async () => (await query('bind', ['back.banned.example'])).join() === 'refused', WAIT);
  const onMs = Date.now();
  expect(await prove('after')).toMatchObject({ code: 0, stdout: expect.stringContaining('ENFORCED') });
  await sleep(KEPT_MS);
  for (const child of [named, unbound, dnsdist]) child.kill('SIGTERM');

  const report = async (): Promise<FleetReport> => {
    const args = [...since(beganMs), '--directory', path('collected'), '--json'];
    const { stdout, stderr } = await runCommandHere(['fleet', 'report', ...args], { cwd: place });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as FleetReport;
  };
  // Also what was counted of proofs is there.
  await vi.waitUntil(async () => {
    const { foreign, resolvers } = await report();
    return (
      foreign?.resolvers.length === OTHERS.length &&
      foreign.resolvers.every(({ unseen }) => (unseen.at(-1)?.reason ?? null) !== null) &&
      foreign.resolvers[0]?.proofs?.count === 3 &&
      resolvers.flatMap(({ counts: all }) => all).reduce((sum, one) => sum + one.count, 0) >=
        count('cordon', 'refused')
    );
  }, WAIT);
  collector.kill('SIGTERM');
  await once(collector, 'exit');
  const { foreign, resolvers } = await report();
  expect(foreign?.gaps).toEqual([]);
  const own = resolvers.find(({ name }) => name === 'authority');
  const refusals = (own?.counts ?? [])
    .filter(({ kind }) => kind === 'refusal')
    .reduce((sum, one) => sum + one.count, 0);
  expect(refusals).toBe(count('cordon', 'refused'));
  for (const [index, who] of OTHERS.entries()) {
    const seen = foreign?.resolvers[index];
    expect([who, seen?.name, seen?.answers]).toEqual([who, who, countedBy(path(who))]);
    // Of BIND, what three proofs asked as well.
    if (who === 'bind') continue;
    expect([who, seen?.answers, seen?.refused, seen?.leaked, seen?.failed]).toEqual([
      ...[who, asked(who), count(who, 'refused'), count(who, 'leaked'), 0],
    ]);
  }
  const [bind] = foreign?.resolvers ?? [];
  expect(bind?.leaks).toHaveLength(1);
  const [leak] = bind?.leaks ?? [];
  expect(Date.parse(leak?.from ?? '')).toBeGreaterThanOrEqual(offMs);
  expect(Date.parse(leak?.until ?? '')).toBeLessThanOrEqual(onMs + 5_000);
  expect(leak?.names.map(({ qname }) => qname)).toEqual(
    expect.arrayContaining(['away.banned.example', 'www.other.example']),
  );
  expect(away).toBeGreaterThan(0);
  expect(leak?.names.find(({ qname }) => qname === 'away.banned.example')?.count).toBe(away);
  expect(bind?.proofs).toMatchObject({ count: 3, enforced: 2, refused: 0, others: [{ verdict: 'leaking' }] });
});
