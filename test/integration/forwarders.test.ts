// Resolvers of others in front that say for whom they ask: each of three clients is in its own group, records name the client and
// who reported it, an answer for one is none for another; and whoever is not trusted can say what he likes.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { OPTION, RCODE, readOptions, TYPE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { ask, exchangeUdp, type Reply, readMetric, readReply } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { DotClient, listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { FRONTS, type Front, startFront } from '../support/forwarders.ts';
import { inTwo, NIGHT } from '../support/night.ts';
import { approveAsOther, hasOtherUser } from '../support/other-user.ts';
import { requireProgram, type SocketAddress } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

/** Where the forwarder of a test asks from. */
const FORWARDER = '127.0.0.53';
const LISTED = 'www.listed.example. A';
/** One in a group that is refused, one in a group that is not, one in none. */
const [REFUSED, PASSES, OTHER] = ['127.0.0.71', '127.0.0.72', '127.0.0.73'] as const;
/** One in the group that is refused, with an exemption of its own. */
const EXEMPT = '127.0.0.74';
const REFUSED_IPV6 = '2001:db8:7::71';
const MAC = '02:00:5e:10:00:01';
const DAY_MS = 86_400_000;
let upstream: ScriptedUpstream;
let cordon: Cordon;
let authority: CertificateAuthority;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === TYPE.A ? [`${query.name} 300 IN A 192.0.2.1`] : []),
  );
  authority = CertificateAuthority.create();
  const { certificate, key } = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem, client-authorities: [authority.pem] }
access: { allow: ["127.0.0.0/8", "2001:db8:7::/48"] }
compliance: { profile: us-federal }
workers: 1
state: state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: own, file: own.txt }]
groups:
  - { name: default, lists: [] }
  - { name: refused, clients: ["${REFUSED}", "${EXEMPT}", "${REFUSED_IPV6}"], lists: [own] }
  - { name: passes, clients: ["${PASSES}"], lists: [] }
  - { name: by-device, devices: ["mac:${MAC}", "cpe:tablet-7"], lists: [own] }
forwarders:
  - name: branch
    from: ["${FORWARDER}"]
    clients: ["127.0.0.0/24", "2001:db8:7::/48"]
    sends: [subnet, mac, cpe-id, infoblox, umbrella]
    overwrites: true
  - { name: narrow, from: ["127.0.0.54"], clients: ["127.0.0.64/26"], sends: [umbrella] }
  - { name: sealed, certificates: ["dns:branch.example"], clients: ["127.0.0.64/26"], sends: [subnet] }
records: { identity: full }
`,
    files: {
      'own.txt': 'listed.example\n',
      'cert.pem': certificate,
      'key.pem': key,
      'authority.pem': authority.certificate,
    },
  });
  if (hasOtherUser) await exempt(cordon, EXEMPT);
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

const option = (code: number, data: Uint8Array | readonly number[] | string): Buffer => {
  const bytes = Buffer.from(data as Uint8Array);
  const head = Buffer.alloc(4);
  head.writeUInt16BE(code, 0);
  head.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([head, bytes]);
};
const addressBytes = (text: string): number[] => text.split('.').map(Number);
const subnet = (address: string, bits = 32): Buffer =>
  option(8, [0, 1, bits, 0, ...addressBytes(address).slice(0, Math.ceil(bits / 8))]);

const tell = (options: Uint8Array, from = FORWARDER, question = LISTED): Promise<Reply> =>
  ask(cordon.dns, question, { from, edns: { options } });

const subnetOf = ({ opt }: Reply): string | undefined => {
  const options = opt?.options ?? new Uint8Array();
  const found = readOptions(options, 0, options.length).find(({ code }) => code === OPTION.CLIENT_SUBNET);
  return found && Buffer.from(found.data).toString('hex');
};

const commandOf = async ({ directory }: Cordon, ...args: string[]) => {
  await vi.waitUntil(() => existsSync(join(directory, 'state', 'control.sock')), { timeout: 90_000 });
  return runCommandHere([...args, '--config', join(directory, 'cordon.yaml')]);
};
const cordonCommand = (...args: string[]) => commandOf(cordon, ...args);

/** Requests an exemption for one address, and approves it as somebody else. */
const exempt = async (on: Cordon, client: string): Promise<void> => {
  const paper = {
    'requested-by': 'R. Investigator',
    grounds: 'law-enforcement',
    justification: 'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
    alternatives: 'Records asked of the company by warrant take weeks.',
    mitigations: ['One standalone device on a separate network.'],
    clients: [client],
    until: new Date(Date.now() + 30 * DAY_MS).toISOString(),
  };
  const file = join(on.directory, 'request.yaml');
  writeFileSync(file, stringify(paper));
  const { stdout } = await commandOf(on, 'exemptions', 'request', '--file', file, '--json');
  await approveAsOther(join(on.directory, 'state'), (JSON.parse(stdout) as { id: string }).id);
};

const records = async (): Promise<Record<string, unknown>[]> => {
  const { stdout } = await cordonCommand('records', 'list', '--json');
  return (JSON.parse(stdout) as { record: Record<string, unknown> }[]).map(({ record }) => record);
};

const umbrella = (...fields: readonly number[]): Buffer =>
  option(20_292, [0x4f, 0x44, 0x4e, 0x53, 1, 0, ...fields]);
const macBytes = MAC.split(':').map((byte) => Number.parseInt(byte, 16));

test.for([
  ['the whole address as EDNS Client Subnet', subnet(REFUSED)],
  [
    'IPv6 as EDNS Client Subnet',
    option(8, [0, 2, 128, 0, 0x20, 1, 0x0d, 0xb8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x71]),
  ],
  ['Infoblox', option(65_523, addressBytes(REFUSED))],
  ['Umbrella', umbrella(0, 8, 1, 2, 3, 4, 0, 16, ...addressBytes(REFUSED))],
  ['a MAC address in bytes', option(65_001, macBytes)],
  ['a MAC address in base64', option(65_073, Buffer.from(macBytes).toString('base64'))],
  ['a MAC address as text', option(65_073, MAC.toUpperCase())],
  ["Infoblox's MAC address", option(65_524, macBytes)],
  ['a CPE id', option(65_074, 'Tablet-7')],
  [
    'an address that passes, of a device that does not',
    Buffer.concat([subnet(PASSES), option(65_001, macBytes)]),
  ],
] as const)('a forwarder names a client by %s', async ([, options]) => {
  expect((await tell(options)).rcode).toBe(RCODE.NXDOMAIN);
  // The forwarder itself, another client of it, and somebody who is not believed.
  expect((await tell(Buffer.alloc(0))).rcode).toBe(RCODE.NOERROR);
  expect((await tell(subnet(OTHER))).rcode).toBe(RCODE.NOERROR);
  expect((await tell(options, '127.0.0.80')).rcode).toBe(RCODE.NOERROR);
});

test('an answer is for the client alone, and what a list decides is not kept', async () => {
  const reply = await tell(subnet(REFUSED));
  expect(subnetOf(reply)).toBe(`00012020${Buffer.from(addressBytes(REFUSED)).toString('hex')}`);
  expect(reply.authority.join('\n')).toMatch(/ 0 IN SOA /);
  const passed = await tell(subnet(PASSES), FORWARDER, 'www.open.example. A');
  expect(subnetOf(passed)).toBe(`00012020${Buffer.from(addressBytes(PASSES)).toString('hex')}`);
  // A miss and a hit alike.
  expect(subnetOf(await tell(subnet(PASSES), FORWARDER, 'www.open.example. A'))).toBe(subnetOf(passed));
  // Less than an address is nobody: the answer is the forwarder's, and yet for nobody else.
  expect(subnetOf(await tell(subnet(REFUSED, 24)))).toBe('000118207f0000');
  expect(subnetOf(await tell(option(8, [0, 1, 0, 0])))).toBe('00010000');
  expect(subnetOf(await tell(subnet(REFUSED), '127.0.0.80'))).toBeUndefined();
});

test('what was asked of Cordon is not sent on', async () => {
  const before = upstream.queries.length;
  await tell(Buffer.concat([subnet(PASSES), option(65_001, macBytes)]), FORWARDER, 'sent-on.example. A');
  const asked = upstream.queries.slice(before);
  expect(asked.length).toBeGreaterThan(0);
  for (const { bytes } of asked) {
    expect(Buffer.from(bytes).includes(Buffer.from(addressBytes(PASSES)))).toBe(false);
    expect(Buffer.from(bytes).includes(Buffer.from(macBytes))).toBe(false);
  }
});

test.for([
  ['a length that is none', option(8, [0, 1, 32, 0, 127, 0, 0])],
  ['a family that is none', option(8, [0, 3, 32, 0, 127, 0, 0, 71])],
  ['bits beyond the prefix', option(8, [0, 1, 23, 0, 127, 0, 1])],
  ['a scope in a query', option(8, [0, 1, 32, 32, 127, 0, 0, 71])],
  ['IPv4 as IPv6', option(8, [0, 2, 128, 0, ...Array<number>(10).fill(0), 255, 255, 127, 0, 0, 71])],
  ['two addresses', Buffer.concat([subnet(REFUSED), option(65_523, addressBytes(PASSES))])],
  ['the same option twice', Buffer.concat([subnet(REFUSED), subnet(REFUSED)])],
  ['a MAC address of five bytes', option(65_001, [1, 2, 3, 4, 5])],
  ['two MAC addresses', Buffer.concat([option(65_001, macBytes), option(65_524, [1, 2, 3, 4, 5, 6])])],
  ['a name with a blank', option(65_074, 'a b')],
  ['a name of nothing', option(65_074, '')],
  ['an address of five bytes', option(65_523, [1, 2, 3, 4, 5])],
  ['an unknown field of Umbrella', umbrella(0, 99, 1)],
  ['half a field of Umbrella', umbrella(0, 16, 127)],
])('a forwarder that says %s gets FORMERR, and it is counted', async ([, options]) => {
  const labels = { forwarder: 'branch', client: 'malformed' };
  const before = await readMetric(cordon, 'cordon_forwarder_queries_total', labels);
  expect((await tell(options as Buffer)).rcode).toBe(RCODE.FORMERR);
  expect(await readMetric(cordon, 'cordon_forwarder_queries_total', labels)).toBe(before + 1);
  expect((await tell(options as Buffer, '127.0.0.80')).rcode).toBe(RCODE.NOERROR);
});

test('a forwarder speaks for its own networks alone, and in the options that it sends alone', async () => {
  const labels = { forwarder: 'branch', client: 'outside' };
  const before = await readMetric(cordon, 'cordon_forwarder_queries_total', labels);
  expect((await tell(subnet('192.0.2.9'))).rcode).toBe(RCODE.REFUSED);
  expect(await readMetric(cordon, 'cordon_forwarder_queries_total', labels)).toBe(before + 1);
  expect((await tell(subnet(REFUSED), '127.0.0.54')).rcode).toBe(RCODE.NOERROR);
  expect((await tell(umbrella(0, 16, ...addressBytes(REFUSED)), '127.0.0.54')).rcode).toBe(RCODE.NXDOMAIN);
});

const forgeOptions = async (count: number): Promise<void> => {
  const plain = (await ask(cordon.dns, LISTED, { from: '127.0.0.80', edns: {} })).bytes;
  const body = (bytes: Uint8Array): string =>
    Buffer.from(bytes.subarray(2))
      .toString('hex')
      .replace(/(?<=0001)0{4}[0-9a-f]{4}(?=0004)/, 'TTL');
  const codes = [8, 65_001, 65_073, 65_074, 65_523, 65_524, 20_292];
  let seed = 20_261_130;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const shapes = [
    () => addressBytes(REFUSED),
    () => [0, 1, 32, 0, ...addressBytes(REFUSED)],
    () => macBytes,
    () => [...Buffer.from(MAC)],
    () => [0x4f, 0x44, 0x4e, 0x53, 1, 0, 0, 16, ...addressBytes(REFUSED)],
    () => Array.from({ length: next(24) }, () => next(256)),
  ];
  const forged = Array.from({ length: count }, () => {
    const parts = Array.from({ length: 1 + next(3) }, () =>
      option(codes[next(codes.length)] ?? 8, shapes[next(shapes.length)]?.() ?? []),
    );
    return Buffer.concat(parts);
  });
  const seen = new Set<string>();
  for (let at = 0; at < forged.length; at += 100) {
    const replies = await Promise.all(
      forged
        .slice(at, at + 100)
        .map((options) => exchangeUdp(cordon.dns, buildQuery(LISTED, { edns: { options } }), '127.0.0.80')),
    );
    for (const reply of replies) seen.add(body(reply));
  }
  expect([...seen]).toEqual([body(plain)]);
  expect(readReply(plain).rcode).toBe(RCODE.NOERROR);
};
test('two thousand forged options of somebody else change nothing', () => forgeOptions(2_000));
test('ten thousand forged options of somebody else change nothing', NIGHT, () => forgeOptions(10_000));

test('records name the client and who reported it', async () => {
  await tell(
    Buffer.concat([subnet(REFUSED), option(65_001, macBytes)]),
    FORWARDER,
    'recorded.listed.example. A',
  );
  await ask(cordon.dns, 'recorded.listed.example. A', { from: REFUSED });
  await vi.waitFor(
    async () => {
      const found = (await records()).filter(({ qname }) => qname === 'recorded.listed.example');
      expect(
        found.map(({ client, device, group, reportedBy }) => [client, device, group, reportedBy]).sort(),
      ).toEqual([
        [REFUSED, undefined, 'refused', undefined],
        [REFUSED, `mac:${MAC}`, 'by-device', 'branch'],
      ]);
    },
    { timeout: 30_000, interval: 200 },
  );
});

test('explain asks through a forwarder as it would', async () => {
  const explain = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cordonCommand(
      'explain',
      'www.listed.example',
      '--type',
      'A',
      ...args,
    );
    return `${code} ${stdout}${stderr}`;
  };
  const refused = await explain('--client', REFUSED, '--via', 'branch');
  expect(refused).toMatch(/^3 .*\n.*group {4}refused .*\n.*via {6}branch/s);
  expect(await explain('--client', PASSES, '--via', 'narrow')).toMatch(/^0 .*group {4}passes /s);
  // It does not speak for that one, whatever the list says.
  expect(await explain('--client', '192.0.2.9', '--via', 'branch')).toMatch(/^3 .*REFUSED/s);
  expect(await explain('--client', REFUSED, '--via', 'nobody')).toMatch(
    /^2 .*"nobody" is no name in forwarders/s,
  );
});

test('an exemption for one opens for one', { skip: !hasOtherUser }, async () => {
  const name = 'exempt.listed.example. A';
  const reply = await tell(subnet(EXEMPT), FORWARDER, name);
  expect(reply.rcode).toBe(RCODE.NOERROR);
  expect(reply.answer.join('\n')).toMatch(/ 0 IN A /);
  expect((await tell(subnet(REFUSED), FORWARDER, name)).rcode).toBe(RCODE.NXDOMAIN);
  expect((await tell(option(65_523, addressBytes(EXEMPT)), '127.0.0.80', name)).rcode).toBe(RCODE.NOERROR);
  expect((await tell(subnet(EXEMPT), REFUSED, name)).rcode).toBe(RCODE.NXDOMAIN);
});

test('a forwarder may be known by its certificate', async () => {
  const known = authority.issue({ names: ['DNS:branch.example'], purpose: 'clientAuth' });
  const other = authority.issue({ names: ['DNS:other.example'], purpose: 'clientAuth' });
  const askAs = async (shown: { certificate: string; key: string } | undefined, options: Buffer) => {
    const client = await DotClient.open(listenerOf(cordon, 'dot'), {
      ca: authority.certificate,
      ...(shown === undefined ? {} : { cert: shown.certificate, key: shown.key }),
    });
    client.send(buildQuery(LISTED, { edns: { options } }));
    const { rcode } = readReply(await client.read());
    client.socket.destroy();
    return rcode;
  };
  expect(await askAs(known, subnet(REFUSED))).toBe(RCODE.NXDOMAIN);
  expect(await askAs(known, subnet(PASSES))).toBe(RCODE.NOERROR);
  expect(await askAs(known, subnet('127.0.0.1'))).toBe(RCODE.REFUSED);
  expect(await askAs(other, subnet(REFUSED))).toBe(RCODE.NOERROR);
  expect(await askAs(undefined, subnet(REFUSED))).toBe(RCODE.NOERROR);
});

describe('behind the resolvers of the recipes', () => {
  /** Cordon as the recipes have it: a client that no group names is refused, one group is out of scope, one client is exempt. */
  let recipes: Cordon;
  beforeAll(async () => {
    const forwarders = FRONTS.filter(({ sends }) => sends.length > 0).map(
      ({ name, from, sends, overwrites }) =>
        JSON.stringify({ name, from: [from], clients: ['127.0.0.0/24'], sends, overwrites }),
    );
    recipes = await startCordon({
      config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
access: { allow: ["127.0.0.0/8"] }
compliance: { profile: us-federal }
workers: 1
state: state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: own, file: own.txt }]
groups:
  - { name: default, lists: [own] }
  - { name: lab, clients: ["${PASSES}"], devices: ["mac:${MAC}", "cpe:tablet-7"], lists: [], out-of-scope: true }
forwarders: [${forwarders.join(', ')}]
`,
      files: { 'own.txt': 'listed.example\n' },
    });
    if (hasOtherUser) await exempt(recipes, EXEMPT);
  });
  afterAll(() => recipes?.stop());

  /** What a client may add to get what another one has, by the option's row in docs/beside.md. */
  const FORGED: readonly (readonly [string, Buffer])[] = [EXEMPT, PASSES]
    .flatMap((address): (readonly [string, Buffer])[] => [
      ['EDNS Client Subnet (8)', subnet(address)],
      ['65523', option(65_523, addressBytes(address))],
      ['20292', umbrella(0, 16, ...addressBytes(address))],
    ])
    .concat([
      ['EDNS Client Subnet (8)', option(8, [0, 1, 0, 0])],
      ['EDNS Client Subnet (8)', subnet(PASSES, 24)],
      ['65001', option(65_001, macBytes)],
      ['65073', option(65_073, Buffer.from(MAC))],
      ['65073', option(65_073, Buffer.from(macBytes).toString('base64'))],
      ['65074', option(65_074, 'tablet-7')],
      ['65524', option(65_524, macBytes)],
    ]);

  /** What becomes of each option on its way, in the words of docs/beside.md. */
  const fatesBehind = async (front: Front): Promise<Map<string, string>> => {
    const server = await startFront(front, upstream.endpoint);
    onTestFinished(() => server.stop());
    const fates = new Map<string, Set<string>>();
    for (const [at, [row, options]] of FORGED.entries()) {
      const name = `fate-${at}.${front.name.toLowerCase()}.open.example`;
      await ask(server.endpoint, `${name}. A`, { from: REFUSED, edns: { options } });
      const sent = upstream.queries.find((query) => query.name.toLowerCase().startsWith(name));
      const added = sent === undefined ? [] : optionsOf(sent.bytes);
      const code = options.readUInt16BE(0);
      const same = added
        .filter((one) => one.code === code)
        .map(({ data }) => Buffer.from(data).toString('hex'));
      const fate =
        same.length === 0
          ? 'removed'
          : same.includes(options.subarray(4).toString('hex'))
            ? `passed on, ${front.sends.some((word) => CODES[word]?.includes(code)) ? 'opens nothing' : 'ignored'}`
            : 'overwritten';
      fates.set(row, (fates.get(row) ?? new Set()).add(fate));
    }
    // The worst that happens to one.
    const worst = (all: Set<string>): string =>
      [...all].find((fate) => fate.startsWith('passed')) ?? [...all].join(' or ');
    return new Map([...fates].map(([row, all]) => [row, worst(all)]));
  };

  /** Whether `cordon forwarders check` finds that clients of a front can say who they are. */
  const taken = async (server: SocketAddress): Promise<boolean> => {
    const at = `127.0.0.1:${server.port}`;
    const { code, stdout } = await runCommandHere([
      'forwarders',
      'check',
      at,
      '--json',
      '--name',
      'open.example',
    ]);
    expect(code).toBe((JSON.parse(stdout) as { taken: boolean }).taken ? 1 : 0);
    return code === 1;
  };

  for (const [options, fronts] of inTwo(FRONTS, ({ program }) => program !== 'named'))
    test.for(fronts)('behind $name clients are who they are', options, async (front, context) => {
      requireProgram(context, front.program);
      const server = await startFront(front, recipes.dns);
      onTestFinished(() => server.stop());
      const outcome = async (name: string, from: string, forged?: Buffer): Promise<string> => {
        const { rcode } = await ask(server.endpoint, `${name}. A`, {
          from,
          ...(forged && { edns: { options: forged } }),
        });
        return rcode === RCODE.NXDOMAIN ? 'refused' : rcode === RCODE.NOERROR ? 'passes' : `${rcode}`;
      };
      const clients = [REFUSED, PASSES, ...(hasOtherUser ? [EXEMPT] : []), OTHER];
      const wanted = clients.map((client) =>
        front.overwrites && (client === PASSES || client === EXEMPT) ? 'passes' : 'refused',
      );
      // In both orders, each twice: what the front keeps of one is given to no other.
      for (let round = 0; round < 2; round++) {
        const found: string[] = [];
        for (const client of clients) found.push(await outcome(`a.${front.name}.listed.example`, client));
        for (const client of [...clients].reverse())
          found.push(await outcome(`b.${front.name}.listed.example`, client));
        expect(found).toEqual([...wanted, ...[...wanted].reverse()]);
      }
      // Whoever says himself who he is gets what he gets.
      const opened: string[] = [];
      for (const [at, [row, forged]] of FORGED.entries())
        if ((await outcome(`c${at}.${front.name}.listed.example`, REFUSED, forged)) !== 'refused')
          opened.push(row);
      expect(opened).toEqual([]);
      if (front.sends.length > 0) expect(await taken(server.endpoint)).toBe(!front.overwrites);
      expect([...(await fatesBehind(front))]).toEqual([...documented(front)]);
    });

  test('an option that a forwarder is not said to send is not read, and counted', async () => {
    const { from } = FRONTS.find(({ name }) => name === 'dnsdist') as Front;
    const labels = { forwarder: 'dnsdist', client: 'ignored' };
    const before = await readMetric(recipes, 'cordon_forwarder_queries_total', labels);
    const options = Buffer.concat([subnet(REFUSED), option(65_001, macBytes)]);
    expect((await ask(recipes.dns, LISTED, { from, edns: { options } })).rcode).toBe(RCODE.NXDOMAIN);
    expect(await readMetric(recipes, 'cordon_forwarder_queries_total', labels)).toBe(before + 1);
  });
});

/** Codes of the options by the words of `sends`. */
const CODES: Readonly<Record<string, readonly number[]>> = {
  ...{
    subnet: [8],
    mac: [65_001, 65_073],
    'cpe-id': [65_074],
    infoblox: [65_523, 65_524],
    umbrella: [20_292],
  },
};

const optionsOf = (bytes: Uint8Array) => {
  const options = readReply(bytes).opt?.options ?? new Uint8Array();
  return readOptions(options, 0, options.length);
};

/** What docs/beside.md says becomes of each option behind a front. */
const documented = ({ name }: Front): Map<string, string> => {
  const page = readFileSync(new URL('../../docs/beside.md', import.meta.url), 'utf8');
  const rows = page
    .slice(page.indexOf('## What a client can say'))
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const column = rows[0]?.indexOf(name) ?? -1;
  const wanted = FORGED_ROWS.map((row): [string, string] => [
    row,
    rows.find(([first]) => first === row)?.[column] ?? '',
  ]);
  return new Map(wanted);
};
const FORGED_ROWS = ['EDNS Client Subnet (8)', '65523', '20292', '65001', '65073', '65074', '65524'];
