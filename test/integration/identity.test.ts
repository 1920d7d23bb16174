// Who a client is by more than its address: certificates, tokens and names of the listener; exemptions of a device, and
// what is revoked.

import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority, type Issued } from '../support/certificates.ts';
import { ask, readReply } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import {
  DotClient,
  listenerOf,
  openHttp1,
  openHttp2,
  postOf,
  SERVER_NAME,
} from '../support/encrypted-client.ts';
import { approveAsOther, hasOtherUser } from '../support/other-user.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const LISTED = 'www.listed.example. A';
const DAY_MS = 86_400_000;
const TOKEN = 'dGhlLXRva2VuLW9mLWE';
const LAB_NAME = 'lab.dns.example.net';

let servers: CertificateAuthority;
let devices: CertificateAuthority;
let strangers: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const clientCertificate = (authority: CertificateAuthority, name: string, commonName = name): Issued =>
  authority.issue({ names: name === '' ? [] : [`DNS:${name}`], commonName, purpose: 'clientAuth' });

/** The listener `inner` takes nobody without a certificate. */
const configOf = (fingerprint: string): string => `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0", "127.0.0.2:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls:
  cert: cert.pem
  key: key.pem
  client-authorities: [devices.pem]
  client-required: ["127.0.0.2:0"]
  client-revocations: revoked.txt
workers: 2
state: state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: own, file: own.txt }]
groups:
  - { name: default, lists: [own] }
  - { name: by-fingerprint, certificates: ["sha256:${fingerprint}"], lists: [] }
  - { name: by-domain, certificates: ["dns:*.free.example"], lists: [] }
  - { name: by-subject, certificates: ["subject:CN=kiosk"], lists: [] }
  - { name: managed, certificates: ["dns:*.devices.example"], lists: [own] }
  - { name: by-token, tokens: [{ device: tablet-3, sha256: ${hashOf(TOKEN)} }], lists: [] }
  - { name: by-name, server-names: [${LAB_NAME}], lists: [] }
records: { identity: full }
compliance: { profile: us-federal }
`;

let pinned: Issued;
/** Once there is one it has to stay. */
let listInForce = '';

beforeAll(async () => {
  servers = CertificateAuthority.create('servers');
  devices = CertificateAuthority.create('devices');
  strangers = CertificateAuthority.create('strangers');
  pinned = clientCertificate(devices, 'pinned.devices.example');
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  const { certificate, key } = servers.issue({ names: [`DNS:${SERVER_NAME}`, `DNS:${LAB_NAME}`] });
  cordon = await startCordon({
    config: configOf(hashOfCertificate(pinned)),
    files: {
      'own.txt': 'listed.example\n',
      'cert.pem': certificate,
      'key.pem': key,
      'devices.pem': devices.certificate,
      'revoked.txt': '# nobody yet\n',
    },
  });
  await vi.waitUntil(() => existsSync(join(cordon.directory, 'state', 'control.sock')), { timeout: 90_000 });
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

const hashOfCertificate = ({ certificate }: Issued): string => {
  const [, body = ''] = /-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(certificate) ?? [];
  return createHash('sha256').update(Buffer.from(body, 'base64')).digest('hex');
};

const optionsOf = (issued?: Issued, servername = SERVER_NAME) => ({
  ca: servers.certificate,
  servername,
  ...(issued === undefined ? {} : { cert: issued.certificate, key: issued.key }),
});

const askDot = async (issued?: Issued, servername?: string): Promise<number> => {
  const client = await DotClient.open(listenerOf(cordon, 'dot'), optionsOf(issued, servername));
  const { rcode } = await client.ask(LISTED);
  await client.end();
  return rcode;
};

const askDoh = async (
  issued?: Issued,
  path = '/dns-query',
  open: typeof openHttp2 | typeof openHttp1 = openHttp2,
): Promise<number | string> => {
  const client = await open(listenerOf(cordon, 'doh'), optionsOf(issued));
  const { status, body } = await client.request({ ...postOf(buildQuery(LISTED, { edns: {} })), path });
  await client.close();
  return status === 200 ? readReply(body).rcode : `status ${status}`;
};

describe('the group', () => {
  test('of a client that shows nothing is that of its address', async () => {
    expect(await askDot()).toBe(RCODE.NXDOMAIN);
    expect(await askDoh()).toBe(RCODE.NXDOMAIN);
  });

  test.each([
    ['a fingerprint', () => pinned, RCODE.NOERROR],
    ['a name below a domain', () => clientCertificate(devices, 'a.free.example'), RCODE.NOERROR],
    ['a subject', () => clientCertificate(devices, '', 'kiosk'), RCODE.NOERROR],
    ['a name of another group', () => clientCertificate(devices, 'b.devices.example'), RCODE.NXDOMAIN],
    ['a name of no group', () => clientCertificate(devices, 'c.other.example'), RCODE.NXDOMAIN],
    ['a name, signed by a stranger', () => clientCertificate(strangers, 'a.free.example'), RCODE.NXDOMAIN],
    ['the domain itself', () => clientCertificate(devices, 'free.example'), RCODE.NXDOMAIN],
  ] as const)('follows %s in a certificate, over DoT and DoH', async (_name, issue, rcode) => {
    const issued = issue();
    expect(await askDot(issued)).toBe(rcode);
    expect(await askDoh(issued)).toBe(rcode);
    expect(await askDoh(issued, '/dns-query', openHttp1 as never)).toBe(rcode);
  });

  test('follows a token behind the path, and a wrong one is no token', async () => {
    expect(await askDoh(undefined, `/dns-query/${TOKEN}`)).toBe(RCODE.NOERROR);
    expect(await askDoh(undefined, `/dns-query/${TOKEN.slice(0, -1)}F`)).toBe(RCODE.NXDOMAIN);
    expect(await askDoh(undefined, '/dns-query/short')).toBe('status 404');
    expect(await askDoh(undefined, `/dns-query/${TOKEN}/x`)).toBe('status 404');
    expect(cordon.output()).not.toContain(TOKEN);
  });

  test('follows the name that the listener is asked by', async () => {
    expect(await askDot(undefined, LAB_NAME)).toBe(RCODE.NOERROR);
    expect(await askDot(undefined, SERVER_NAME)).toBe(RCODE.NXDOMAIN);
  });

  test('is that of the certificate where several things are shown', async () => {
    const managed = clientCertificate(devices, 'd.devices.example');
    expect(await askDot(managed, LAB_NAME)).toBe(RCODE.NXDOMAIN);
    expect(await askDoh(managed, `/dns-query/${TOKEN}`)).toBe(RCODE.NXDOMAIN);
  });

  test('is the same after a session was resumed', async () => {
    const first = await DotClient.open(listenerOf(cordon, 'dot'), optionsOf(pinned));
    expect((await first.ask(LISTED)).rcode).toBe(RCODE.NOERROR);
    const session = await first.ticket();
    await first.end();
    // Without the certificate: the ticket holds it.
    const again = await DotClient.open(listenerOf(cordon, 'dot'), { ...optionsOf(), session });
    expect(again.socket.isSessionReused()).toBe(true);
    expect((await again.ask(LISTED)).rcode).toBe(RCODE.NOERROR);
    await again.end();
  });
});

test('a listener that requires a certificate has no answer without', async () => {
  const inner = listenerOf(cordon, 'dot', 1);
  const without = await DotClient.open(inner, optionsOf());
  await expect(without.ask(LISTED)).rejects.toThrow();
  const stranger = await DotClient.open(inner, optionsOf(clientCertificate(strangers, 'a.free.example')));
  await expect(stranger.ask(LISTED)).rejects.toThrow();
  const device = await DotClient.open(inner, optionsOf(clientCertificate(devices, 'a.free.example')));
  expect((await device.ask(LISTED)).rcode).toBe(RCODE.NOERROR);
  await device.end();
});

const cordonCommand = async (...args: string[]): Promise<string> => {
  const result = await runCommandHere([...args, '--config', join(cordon.directory, 'cordon.yaml')]);
  expect({ code: result.code, stderr: result.stderr }).toMatchObject({ code: 0 });
  return result.stdout;
};

const explained = async (...args: string[]): Promise<string> => {
  const config = ['--config', join(cordon.directory, 'cordon.yaml')];
  const { stdout } = await runCommandHere([
    'explain',
    'www.listed.example',
    '--no-follow',
    ...args,
    ...config,
  ]);
  return /group .*/.exec(stdout)?.[0].replace(/ +/g, ' ') ?? stdout;
};

test('explain tells what put a client into its group', { tags: 'night' }, async () => {
  const device = clientCertificate(devices, 'f.free.example');
  const managed = clientCertificate(devices, 'g.devices.example');
  expect(await explained()).toBe('group default (no group names this client)');
  expect(await explained('--certificate', device.certificateFile)).toBe(
    'group by-domain (by its certificate)',
  );
  expect(await explained('--token', TOKEN)).toBe('group by-token (by its token)');
  expect(await explained('--server-name', LAB_NAME)).toBe('group by-name (by its server name)');
  const all = ['--certificate', managed.certificateFile, '--token', TOKEN, '--server-name', LAB_NAME];
  expect(await explained(...all)).toBe('group managed (by its certificate)');
});

/** Asks until the answer is another one; returns how long that took, milliseconds. */
const untilOther = async (first: () => Promise<number>, sinceMs: number): Promise<number> => {
  const before = RCODE.NOERROR;
  for (;;) {
    if ((await first()) !== before) return performance.now() - sinceMs;
    await new Promise((resolve) => setImmediate(resolve));
  }
};

test.skipIf(!hasOtherUser)(
  'a device is exempted, used and revoked: over DoT and DoH, and its record names it',
  async () => {
    const laptop = clientCertificate(devices, 'laptop-17.devices.example');
    const other = clientCertificate(devices, 'laptop-18.devices.example');
    const dot = await DotClient.open(listenerOf(cordon, 'dot'), optionsOf(laptop));
    const doh = await openHttp2(listenerOf(cordon, 'doh'), optionsOf(laptop));
    const overDot = async (): Promise<number> => (await dot.ask(LISTED)).rcode;
    const overDoh = async (): Promise<number> =>
      readReply((await doh.request(postOf(buildQuery(LISTED, { edns: {} })))).body).rcode;
    expect([await overDot(), await overDoh()]).toEqual([RCODE.NXDOMAIN, RCODE.NXDOMAIN]);

    const file = join(cordon.directory, 'request.yaml');
    const paper = {
      'requested-by': 'R. Investigator',
      grounds: 'law-enforcement',
      justification:
        'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
      alternatives: 'Records asked of the company by warrant take weeks.',
      mitigations: ['One standalone device on a separate network.'],
      devices: ['Laptop-17.devices.example'],
      until: new Date(Date.now() + 30 * DAY_MS).toISOString(),
    };
    writeFileSync(file, stringify(paper));
    const { id } = JSON.parse(await cordonCommand('exemptions', 'request', '--file', file, '--json')) as {
      id: string;
    };
    await approveAsOther(join(cordon.directory, 'state'), id);
    expect([await overDot(), await overDoh()]).toEqual([RCODE.NOERROR, RCODE.NOERROR]);
    expect([await askDot(other), await askDoh(other)]).toEqual([RCODE.NXDOMAIN, RCODE.NXDOMAIN]);
    expect((await ask(cordon.dns, LISTED)).rcode).toBe(RCODE.NXDOMAIN);

    const sinceMs = performance.now();
    listInForce = devices.revoke(laptop);
    writeFileSync(join(cordon.directory, 'revoked.txt'), listInForce);
    const [dotMs, dohMs] = await Promise.all([untilOther(overDot, sinceMs), untilOther(overDoh, sinceMs)]);
    process.stderr.write(
      `revoked within ${Math.round(dotMs)} ms over DoT, ${Math.round(dohMs)} ms over DoH\n`,
    );
    expect(await askDot(laptop)).toBe(RCODE.NXDOMAIN);
    await dot.end();
    await doh.close();

    await vi.waitUntil(
      async () => (await cordonCommand('records', 'list', '--json')).includes('exemption-hit'),
      { timeout: 90_000 },
    );
    const records = await cordonCommand('records', 'list', '--json');
    expect(records).toContain('laptop-17.devices.example');
    const devicesIn = async (name: string): Promise<unknown[]> => {
      const found = await cordonCommand('records', 'list', '--json', '--device', name);
      return (JSON.parse(found) as { record: { device?: string } }[]).map(({ record }) => record.device);
    };
    expect(new Set(await devicesIn('LAPTOP-17.devices.example'))).toEqual(
      new Set(['laptop-17.devices.example']),
    );
    expect(await devicesIn('laptop-99.devices.example')).toEqual([]);
  },
);

test('a revocation list that the authority did not sign changes nothing, and is refused with the reason', async () => {
  const laptop = clientCertificate(devices, 'forged.free.example');
  expect(await askDot(laptop)).toBe(RCODE.NOERROR);
  const file = join(cordon.directory, 'revoked.txt');
  const from = cordon.logs().length;
  // Of the same name, with a key of its own.
  const forger = CertificateAuthority.create('devices');
  writeFileSync(file, forger.revoke(clientCertificate(forger, 'forged.free.example')));
  const line = await cordon.waitForLog(({ msg }) => msg === 'what was revoked before stays revoked', from);
  expect(line).toMatchObject({ err: { code: 'ERR_CERTIFICATE_REVOCATIONS' } });
  expect(JSON.stringify(line)).toContain('cannot be believed');
  expect(await askDot(laptop)).toBe(RCODE.NOERROR);
  writeFileSync(file, listInForce);
});

test('a fingerprint in the file is revoked, and a file that is damaged revives nothing', async () => {
  const issued = clientCertificate(devices, 'e.free.example');
  expect(await askDot(issued)).toBe(RCODE.NOERROR);
  const file = join(cordon.directory, 'revoked.txt');
  const from = cordon.logs().length;
  writeFileSync(file, `${listInForce}${hashOfCertificate(issued).toUpperCase()} # lost\n`);
  await cordon.waitForLog(({ msg }) => msg === 'client certificates are revoked', from);
  await vi.waitUntil(async () => (await askDot(issued)) === RCODE.NXDOMAIN, { timeout: 90_000 });
  writeFileSync(file, 'nonsense\n');
  await cordon.waitForLog(({ msg }) => msg === 'what was revoked before stays revoked', from);
  expect(await askDot(issued)).toBe(RCODE.NXDOMAIN);
});
