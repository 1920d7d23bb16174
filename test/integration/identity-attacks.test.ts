// Who would be somebody else, or stay somebody that he is not any more: certificates of every kind, authorities that are gone
// or revoked, sessions that are resumed, connections that are open, and names that are asked over the connection of another.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority, type CertificateText, type Issued } from '../support/certificates.ts';
import { readReply, reload } from '../support/client.ts';
import {
  DotClient,
  type EncryptedOptions,
  listenerOf,
  openHttp1,
  openHttp2,
  postOf,
  SERVER_NAME,
} from '../support/encrypted-client.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const LISTED = 'www.listed.example. A';
const GUESTS = `guests.${SERVER_NAME}`;
const SECONDS = 1 / 86_400;

let servers: CertificateAuthority;
let devices: CertificateAuthority;
let leaving: CertificateAuthority;
let below: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;

/** Devices are refused nothing, everybody else is. */
const configOf = (authorities: readonly string[]): string => `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem, client-authorities: [${authorities.join(', ')}], client-revocations: revoked.txt, handshakes: 1000 }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: own, file: own.txt }]
groups:
  - { name: default, lists: [own] }
  - { name: devices, certificates: ["dns:*.devices.example"], lists: [] }
  - { name: lab, certificates: ["dns:*.lab.agency.example"], lists: [] }
  - { name: agency, certificates: ["dns:*.agency.example"], lists: [own] }
  - { name: guests, server-names: [${GUESTS}], lists: [] }
`;
const AUTHORITIES = ['devices.pem', 'leaving.pem', 'below.pem'];

beforeAll(async () => {
  servers = CertificateAuthority.create('servers');
  devices = CertificateAuthority.create('devices');
  leaving = CertificateAuthority.create('leaving');
  below = devices.issueAuthority('below');
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  const { certificate, key } = servers.issue({ names: [`DNS:${SERVER_NAME}`, `DNS:${GUESTS}`] });
  cordon = await startCordon({
    config: configOf(AUTHORITIES),
    files: {
      'own.txt': 'listed.example\n',
      'cert.pem': certificate,
      'key.pem': key,
      'devices.pem': devices.certificate,
      'leaving.pem': leaving.certificate,
      'below.pem': below.certificate,
      'revoked.txt': '# nobody yet\n',
    },
  });
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

const issue = (authority: CertificateAuthority, text: Partial<CertificateText> = {}): Issued =>
  authority.issue({ names: ['DNS:a.devices.example'], purpose: 'clientAuth', ...text });

const optionsOf = (issued?: Issued, more: Partial<EncryptedOptions> = {}): EncryptedOptions => ({
  ca: servers.certificate,
  ...(issued === undefined ? {} : { cert: issued.certificate, key: issued.key }),
  ...more,
});

const open = (issued?: Issued, more?: Partial<EncryptedOptions>): Promise<DotClient> =>
  DotClient.open(listenerOf(cordon, 'dot'), optionsOf(issued, more));

const rcodeOf = async (client: DotClient): Promise<number> => (await client.ask(LISTED)).rcode;

const askOnce = async (issued?: Issued, more?: Partial<EncryptedOptions>): Promise<number> => {
  const client = await open(issued, more);
  const rcode = await rcodeOf(client);
  await client.end();
  return rcode;
};

const replaceFile = (name: string, content: string): void => {
  const path = join(cordon.directory, name);
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
};

const revoke = async (content: string): Promise<void> => {
  const from = cordon.logs().length;
  replaceFile('revoked.txt', content);
  await cordon.waitForLog(({ msg }) => msg === 'client certificates are revoked', from);
};

describe('a certificate', () => {
  test.each<[what: string, text: Partial<CertificateText>, rcode: number]>([
    ['that is in order', {}, RCODE.NOERROR],
    ['of a client and a server', { purpose: 'serverAuth,clientAuth' }, RCODE.NOERROR],
    ['of a server alone', { purpose: 'serverAuth' }, RCODE.NXDOMAIN],
    ['that has expired', { endsInDays: -1 }, RCODE.NXDOMAIN],
    ['that is not valid yet', { startsInDays: 1 }, RCODE.NXDOMAIN],
    [
      'with a critical extension that nobody knows',
      { extensions: ['1.2.3.4.5 = critical,DER:0500'] },
      RCODE.NXDOMAIN,
    ],
    [
      'whose second name is of the group',
      { names: ['DNS:a.other.example', 'DNS:a.devices.example'] },
      RCODE.NOERROR,
    ],
    [
      'with the name as its common name alone',
      { names: [], commonName: 'a.devices.example' },
      RCODE.NXDOMAIN,
    ],
    ['with the name as a mailbox', { names: ['email:a@b.devices.example'] }, RCODE.NXDOMAIN],
    [
      'with the name within a URI',
      {
        names: [],
        extensions: ['subjectAltName = @other', '[other]', 'URI.1 = "x:y, DNS:a.devices.example, z"'],
      },
      RCODE.NXDOMAIN,
    ],
    ['of a wildcard below the domain', { names: ['DNS:*.devices.example'] }, RCODE.NOERROR],
    [
      'of the longer one of two domains, which stands first',
      { names: ['DNS:b.lab.agency.example', 'DNS:a.agency.example'] },
      RCODE.NOERROR,
    ],
    [
      'of the longer one of two domains, which stands last',
      { names: ['DNS:a.agency.example', 'DNS:b.lab.agency.example'] },
      RCODE.NOERROR,
    ],
  ])('%s', async (_what, text, rcode) => {
    const issued = issue(devices, text);
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const)
      expect(await askOnce(issued, { maxVersion })).toBe(rcode);
  });
});

test.each(['TLSv1.3', 'TLSv1.2'] as const)(
  'a session of %s that is resumed after the certificate was revoked is nobody’s',
  async (maxVersion) => {
    const laptop = issue(devices, { names: [`DNS:resumes-${maxVersion.toLowerCase()}.devices.example`] });
    const first = await open(laptop, { maxVersion });
    expect(await rcodeOf(first)).toBe(RCODE.NOERROR);
    const session = await first.ticket();
    await revoke(devices.revoke(laptop));
    await vi.waitUntil(async () => (await rcodeOf(first)) === RCODE.NXDOMAIN, { timeout: 90_000 });
    const again = await open(undefined, { maxVersion, session });
    expect(again.socket.isSessionReused()).toBe(true);
    expect(await rcodeOf(again)).toBe(RCODE.NXDOMAIN);
    await Promise.all([first.end(), again.end()]);
  },
);

test('an authority that its root revokes takes those that it signed with it, resumed or not', async () => {
  const laptop = issue(below);
  const chain = { ...laptop, certificate: `${laptop.certificate}${below.certificate}` };
  const first = await open(chain);
  expect(await rcodeOf(first)).toBe(RCODE.NOERROR);
  const session = await first.ticket();
  await revoke(devices.revoke(below.issued));
  await vi.waitUntil(async () => (await rcodeOf(first)) === RCODE.NXDOMAIN, { timeout: 90_000 });
  expect(await askOnce(chain)).toBe(RCODE.NXDOMAIN);
  const again = await open(undefined, { session });
  expect(await rcodeOf(again)).toBe(RCODE.NXDOMAIN);
  await Promise.all([first.end(), again.end()]);
});

test('a certificate counts where all that signed it stand in the configuration', async () => {
  const unknown = devices.issueAuthority('unknown');
  const laptop = issue(unknown);
  // What is sent along could not be looked at when the session is resumed.
  expect(await askOnce({ ...laptop, certificate: `${laptop.certificate}${unknown.certificate}` })).toBe(
    RCODE.NXDOMAIN,
  );
});

describe('a request for another name than that of its connection', () => {
  const query = buildQuery(LISTED, { edns: {} });
  const askFor = async (
    authority: string,
    {
      opened = openHttp2 as typeof openHttp2 | typeof openHttp1,
      servername = SERVER_NAME,
      issued = undefined as Issued | undefined,
    } = {},
  ): Promise<string> => {
    const client = await opened(listenerOf(cordon, 'doh'), optionsOf(issued, { servername }));
    const name = opened === openHttp2 ? ':authority' : 'host';
    const { headers = {}, ...request } = postOf(query);
    const { status, body } = await client.request({ ...request, headers: { ...headers, [name]: authority } });
    await client.close();
    return status === 200 ? `${readReply(body).rcode}` : `status ${status}`;
  };

  test.each([
    ['HTTP/2', openHttp2],
    ['HTTP/1.1', openHttp1],
  ] as const)('is misdirected over %s where that would be another group', async (_version, opened) => {
    expect(await askFor(GUESTS, { opened: opened as typeof openHttp2 })).toBe('status 421');
    expect(await askFor(`${GUESTS.toUpperCase()}.:443`, { opened: opened as typeof openHttp2 })).toBe(
      'status 421',
    );
    expect(await askFor(SERVER_NAME, { opened: opened as typeof openHttp2, servername: GUESTS })).toBe(
      'status 421',
    );
  });

  test('is answered where it changes nothing', async () => {
    expect(await askFor(GUESTS, { servername: GUESTS })).toBe(`${RCODE.NOERROR}`);
    expect(await askFor(`${GUESTS}:8443`, { servername: GUESTS })).toBe(`${RCODE.NOERROR}`);
    expect(await askFor('127.0.0.1:443', { servername: GUESTS })).toBe(`${RCODE.NOERROR}`);
    expect(await askFor('[::1]', { servername: GUESTS })).toBe(`${RCODE.NOERROR}`);
    expect(await askFor('dns.other.example')).toBe(`${RCODE.NXDOMAIN}`);
    expect(await askFor(GUESTS, { issued: issue(devices) })).toBe(`${RCODE.NOERROR}`);
  });
});

test('an authority that is taken out is gone for connections that are open, and for sessions', async () => {
  const laptop = issue(leaving);
  const staying = issue(devices, { names: ['DNS:stays.devices.example'] });
  const [first, other] = [await open(laptop), await open(staying)];
  expect([await rcodeOf(first), await rcodeOf(other)]).toEqual([RCODE.NOERROR, RCODE.NOERROR]);
  const session = await first.ticket();
  await reload(cordon, { 'cordon.yaml': configOf(AUTHORITIES.filter((name) => name !== 'leaving.pem')) });
  expect([await rcodeOf(first), await rcodeOf(other)]).toEqual([RCODE.NXDOMAIN, RCODE.NOERROR]);
  expect(await askOnce(laptop)).toBe(RCODE.NXDOMAIN);
  const again = await open(undefined, { session });
  expect(await rcodeOf(again)).toBe(RCODE.NXDOMAIN);
  await Promise.all([first.end(), other.end(), again.end()]);
});

describe('a listener that requires a certificate, and no group that asks for one', () => {
  let strict: Cordon;
  const openStrict = (kind: 'dot', issued: Issued): Promise<DotClient> =>
    DotClient.open(listenerOf(strict, kind), optionsOf(issued));
  const isClosed = (client: DotClient): Promise<void> =>
    vi.waitUntil(() => client.socket.destroyed, { timeout: 90_000 }).then(() => undefined);

  beforeAll(async () => {
    const { certificate, key } = servers.issue({ names: [`DNS:${SERVER_NAME}`] });
    strict = await startCordon({
      config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.2:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem, client-authorities: [devices.pem], client-required: ["127.0.0.2:0"], client-revocations: revoked.txt, handshakes: 1000 }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: own, shipped: tiktok }]
`,
      files: {
        'cert.pem': certificate,
        'key.pem': key,
        'devices.pem': devices.certificate,
        'revoked.txt': '# nobody yet\n',
      },
    });
  });
  afterAll(() => strict?.stop());

  test('lets no revoked one in, and ends its connection', async () => {
    const [lost, kept] = [issue(devices, { names: ['DNS:lost.example'] }), issue(devices)];
    const [first, other] = [await openStrict('dot', lost), await openStrict('dot', kept)];
    expect([await rcodeOf(first), await rcodeOf(other)]).toEqual([RCODE.NOERROR, RCODE.NOERROR]);
    const from = strict.logs().length;
    writeFileSync(join(strict.directory, 'revoked.txt'), devices.revoke(lost));
    await strict.waitForLog(({ msg }) => msg === 'client certificates are revoked', from);
    await isClosed(first);
    expect(await rcodeOf(other)).toBe(RCODE.NOERROR);
    const again = await openStrict('dot', lost);
    await expect(rcodeOf(again)).rejects.toThrow();
    await other.end();
  });

  test('ends a connection whose certificate has expired', { tags: 'night' }, async () => {
    const client = await openStrict('dot', issue(devices, { endsInDays: 6 * SECONDS }));
    expect(await rcodeOf(client)).toBe(RCODE.NOERROR);
    const asking = setInterval(() => {
      if (!client.socket.destroyed) client.send(buildQuery(LISTED, {}));
    }, 500);
    await isClosed(client);
    clearInterval(asking);
  });
});
