// Which device asks, by the leases of real programs: records and the query log name it, groups know it, and an address that
// changes hands is of who has it at the time of the query.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { ask, reload } from '../support/client.ts';
import { type Cordon, requireProgram, run, startCordon } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const LISTED = 'www.listed.example. A';
const MAC = '02:00:5e:10:00:01';
const OTHER_MAC = '02:00:5e:10:00:02';
let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
access: { allow: ["127.0.0.0/8"] }
workers: 1
state: state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: own, file: own.txt }]
groups:
  - { name: default, lists: [] }
  - { name: kiosks, devices: ["mac:${MAC}"], lists: [own] }
leases:
  - { form: plain, path: devices.jsonl, clients: ["127.0.0.64/26"] }
  - { form: kea-socket, path: kea/socket, clients: ["127.0.0.128/26"] }
  - { form: kea, path: kea/kea-leases4.csv, clients: ["127.0.0.192/26"] }
  - { form: dnsmasq, path: dnsmasq.leases, clients: ["127.0.1.0/24"] }
records: { identity: full }
query-log: { identity: address, outputs: [{ to: "file:queries.jsonl" }] }
`,
    files: {
      'own.txt': 'listed.example\n',
      'devices.jsonl': `{"address":"127.0.0.71","mac":"${MAC}"}\n{"address":"127.0.0.1","mac":"${MAC}"}\n`,
    },
  });
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

const rcodeFrom = async (client: string): Promise<number> =>
  (await ask(cordon.dns, LISTED, { from: client })).rcode;

const rewrite = (text: string): void => writeFileSync(join(cordon.directory, 'devices.jsonl'), text);

const queries = (): { source: { ip: string }; cordon: { device?: string; group?: string } }[] =>
  readFileSync(join(cordon.directory, 'queries.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as ReturnType<typeof queries>[number]);

test('a device is in its group, in the record and in the query log; who is beyond the networks of the source is not', async () => {
  // A file that was written just now is read a moment later.
  await vi.waitFor(async () => expect(await rcodeFrom('127.0.0.71')).toBe(RCODE.NXDOMAIN), 20_000);
  expect(await rcodeFrom('127.0.0.72')).toBe(RCODE.NOERROR);
  expect(await rcodeFrom('127.0.0.1')).toBe(RCODE.NOERROR);
  await vi.waitFor(async () => {
    const { stdout } = await run(process.execPath, [
      ...[
        PROGRAM,
        'records',
        'list',
        '--device',
        `mac:${MAC}`,
        '--json',
        '--config',
        join(cordon.directory, 'cordon.yaml'),
      ],
    ]);
    expect(stdout).toContain(`"device": "mac:${MAC}"`);
    const logged = queries().map(({ source, cordon: { device, group } }) => [source.ip, device, group]);
    expect(logged.slice(-3)).toEqual([
      ['127.0.0.71', `mac:${MAC}`, 'kiosks'],
      ['127.0.0.72', undefined, 'default'],
      ['127.0.0.1', undefined, 'default'],
    ]);
  }, 20_000);
});

test('an address that changes hands is of who has it when it asks; a file that is gone is told of', async () => {
  rewrite(`{"address":"127.0.0.71","mac":"${OTHER_MAC}"}\n{"address":"127.0.0.72","mac":"${MAC}"}\n`);
  await vi.waitFor(async () => expect(await rcodeFrom('127.0.0.71')).toBe(RCODE.NOERROR), 20_000);
  expect(await rcodeFrom('127.0.0.72')).toBe(RCODE.NXDOMAIN);
  const { stdout } = await run(process.execPath, [
    PROGRAM,
    'status',
    '--config',
    join(cordon.directory, 'cordon.yaml'),
  ]);
  expect(stdout).toContain('leases of dnsmasq:');
  expect(stdout).toContain('ENOENT');
});

test('a device keeps its group over a reload while the file is away', async () => {
  renameSync(join(cordon.directory, 'devices.jsonl'), join(cordon.directory, 'away'));
  await reload(cordon, { 'own.txt': 'listed.example\nmore.example\n' });
  expect(await rcodeFrom('127.0.0.72')).toBe(RCODE.NXDOMAIN);
  // What is told of was looked at, and the table is written behind each look.
  await vi.waitFor(async () => {
    const { stdout } = await run(process.execPath, [
      ...[PROGRAM, 'status', '--config', join(cordon.directory, 'cordon.yaml')],
    ]);
    expect(stdout).toContain('leases of plain:');
  }, 20_000);
  expect(await rcodeFrom('127.0.0.72')).toBe(RCODE.NXDOMAIN);
});

describe('real programs', () => {
  test('Kea: by its control socket, and by the file that it writes', { tags: 'night' }, async (context) => {
    requireProgram(context, 'kea-dhcp4');
    const directory = join(cordon.directory, 'kea');
    // It insists on this mode.
    mkdirSync(directory, { mode: 0o750 });
    const socket = join(directory, 'socket');
    const file = join(directory, 'kea-leases4.csv');
    const hook = '/usr/lib/x86_64-linux-gnu/kea/hooks/libdhcp_lease_cmds.so';
    writeFileSync(
      join(directory, 'kea.json'),
      JSON.stringify({
        Dhcp4: {
          'interfaces-config': { interfaces: [] },
          'control-socket': { 'socket-type': 'unix', 'socket-name': socket },
          'lease-database': { type: 'memfile', name: file, 'lfc-interval': 0 },
          'hooks-libraries': [{ library: hook }],
          'valid-lifetime': 3600,
          subnet4: [
            { id: 1, subnet: '127.0.0.128/26', pools: [] },
            { id: 2, subnet: '127.0.0.192/26', pools: [] },
          ],
          loggers: [{ name: 'kea-dhcp4', 'output-options': [{ output: 'stderr' }], severity: 'WARN' }],
        },
      }),
    );
    // It takes sockets and files only below directories of its own, unless it is told others.
    const kea = spawn('kea-dhcp4', ['-c', join(directory, 'kea.json')], {
      env: {
        ...process.env,
        ...{ KEA_PIDFILE_DIR: directory, KEA_LOCKFILE_DIR: directory, KEA_CONTROL_SOCKET_DIR: directory },
        ...{ KEA_DHCP_DATA_DIR: directory, KEA_LOG_FILE_DIR: directory },
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    kea.stderr.on('data', (text: Buffer) => {
      said += text.toString();
    });
    onTestFinished(() => void kea.kill());
    await vi.waitFor(() => expect(existsSync(socket), said).toBe(true), 20_000);
    const command = (name: string, more: object): Promise<string> =>
      new Promise((resolve, reject) => {
        const link = connect({ path: socket });
        let reply = '';
        link.on('error', reject);
        link.on('data', (text) => {
          reply += text.toString();
        });
        link.on('end', () => resolve(reply));
        link.write(JSON.stringify({ command: name, arguments: more }));
      });
    const lease = (address: string): object => ({
      'ip-address': address,
      'hw-address': MAC,
      hostname: 'pc-7',
    });
    expect(await command('lease4-add', { ...lease('127.0.0.130'), 'subnet-id': 1 })).toContain('"result": 0');
    expect(await command('lease4-add', { ...lease('127.0.0.200'), 'subnet-id': 2 })).toContain('"result": 0');
    for (const client of ['127.0.0.200', '127.0.0.130'])
      await vi.waitFor(async () => expect(await rcodeFrom(client), said).toBe(RCODE.NXDOMAIN), 30_000);
    expect(await command('lease4-del', { 'ip-address': '127.0.0.200' })).toContain('"result": 0');
    await vi.waitFor(async () => expect(await rcodeFrom('127.0.0.200')).toBe(RCODE.NOERROR), 30_000);
  });

  test('dnsmasq: a lease that it gave to a relay', async (context) => {
    requireProgram(context, 'dnsmasq');
    const relay = createSocket({ type: 'udp4', reuseAddr: true });
    onTestFinished(() => void relay.close());
    await new Promise<void>((resolve) => relay.bind(0, '127.0.1.1', resolve));
    const { port } = relay.address();
    const dnsmasq = spawn('dnsmasq', [
      ...['-k', '--conf-file=/dev/null', '--user=', '--port=0', '--no-ping', '--dhcp-authoritative'],
      ...[`--dhcp-alternate-port=${port},${port}`, '--interface=lo', '--bind-interfaces'],
      ...['--log-facility=-', '--log-dhcp', `--pid-file=${join(cordon.directory, 'dnsmasq.pid')}`],
      `--dhcp-leasefile=${join(cordon.directory, 'dnsmasq.leases')}`,
      '--dhcp-range=127.0.1.10,127.0.1.50,255.255.255.0,1h',
    ]);
    let said = '';
    dnsmasq.stderr.on('data', (text: Buffer) => {
      said += text.toString();
    });
    onTestFinished(() => void dnsmasq.kill());
    await vi.waitFor(() => expect(said).toContain('IP range'), 10_000);
    const acknowledged = Promise.withResolvers<string>();
    relay.on('message', (message) => {
      const address = message.subarray(16, 20);
      const kind = message[message.indexOf(Buffer.from([53, 1])) + 2];
      const serverAt = message.indexOf(Buffer.from([54, 4]));
      if (kind === 5) acknowledged.resolve(address.join('.'));
      else
        relay.send(
          dhcp(3, [50, 4, ...address, ...message.subarray(serverAt, serverAt + 6)]),
          port,
          '127.0.0.1',
        );
    });
    relay.send(dhcp(1), port, '127.0.0.1');
    const client = await acknowledged.promise;
    await vi.waitFor(async () => expect(await rcodeFrom(client), said).toBe(RCODE.NXDOMAIN), 20_000);
  });
});

/** A message of DHCP (RFC 2131 section 2) that a relay hands on for the device. */
const dhcp = (kind: number, more: readonly number[] = []): Buffer => {
  const head = Buffer.alloc(240);
  head.set([1, 1, 6, 1, 0, 0, 0, 7]);
  head.set([127, 0, 1, 1], 24);
  head.set(Buffer.from(MAC.replaceAll(':', ''), 'hex'), 28);
  head.writeUInt32BE(0x6382_5363, 236);
  return Buffer.concat([head, Buffer.from([53, 1, kind, 12, 4, ...Buffer.from('pc-7'), ...more, 255])]);
};
