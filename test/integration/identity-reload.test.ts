// Identity at a reload, and devices that ask from everywhere: what is asked of clients follows the configuration in force.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EDE, RCODE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority, type Issued } from '../support/certificates.ts';
import { ask, reload } from '../support/client.ts';
import { DotClient, listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const LISTED = 'www.listed.example. A';

let servers: CertificateAuthority;
let devices: CertificateAuthority;
let laptop: Issued;
let upstream: ScriptedUpstream;
let cordon: Cordon;

/** Clients at 127.0.0.2 may ask, and devices from everywhere where that is said. */
const configOf = ({ isAsked = true, identified = false } = {}): string => `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem${isAsked ? ', client-authorities: [devices.pem]' : ''} }
workers: 1
access: { allow: ["127.0.0.2"], identified: ${identified} }
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: own, file: own.txt }]
groups:
  - { name: default, lists: [own] }
${isAsked ? '  - { name: managed, certificates: ["dns:*.devices.example"], lists: [] }' : ''}
`;

beforeAll(async () => {
  servers = CertificateAuthority.create('servers');
  devices = CertificateAuthority.create('devices');
  laptop = devices.issue({ names: ['DNS:laptop.devices.example'], purpose: 'clientAuth' });
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  const { certificate, key } = servers.issue({ names: [`DNS:${SERVER_NAME}`] });
  cordon = await startCordon({
    config: configOf({ isAsked: false }),
    files: {
      'own.txt': 'listed.example\n',
      'cert.pem': certificate,
      'key.pem': key,
      'devices.pem': devices.certificate,
    },
  });
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

const askDot = async (issued: Issued | undefined, localAddress: string) => {
  const credentials = issued === undefined ? {} : { cert: issued.certificate, key: issued.key };
  const options = { ca: servers.certificate, localAddress, ...credentials };
  const client = await DotClient.open(listenerOf(cordon, 'dot'), options);
  const { rcode, ede } = await client.ask(LISTED);
  await client.end();
  return { rcode, ede: ede?.infoCode };
};

const REFUSED_BY_LIST = { rcode: RCODE.NXDOMAIN, ede: EDE.BLOCKED };
const PASSED = { rcode: RCODE.NOERROR, ede: undefined };
const NOT_ALLOWED = { rcode: RCODE.REFUSED, ede: EDE.PROHIBITED };

test('clients are asked for a certificate from a reload on, and not any more from another one on', async () => {
  expect(await askDot(laptop, '127.0.0.2')).toEqual(REFUSED_BY_LIST);
  await reload(cordon, { 'cordon.yaml': configOf() });
  expect(await askDot(laptop, '127.0.0.2')).toEqual(PASSED);
  expect(await askDot(undefined, '127.0.0.2')).toEqual(REFUSED_BY_LIST);
  await reload(cordon, { 'cordon.yaml': configOf({ isAsked: false }) });
  expect(await askDot(laptop, '127.0.0.2')).toEqual(REFUSED_BY_LIST);
});

test('a connection that is open follows the groups of a reload', async () => {
  await reload(cordon, { 'cordon.yaml': configOf() });
  const options = {
    ca: servers.certificate,
    localAddress: '127.0.0.2',
    cert: laptop.certificate,
    key: laptop.key,
  };
  const client = await DotClient.open(listenerOf(cordon, 'dot'), options);
  expect((await client.ask(LISTED)).rcode).toBe(RCODE.NOERROR);
  const other = configOf().replace('*.devices.example', '*.others.example');
  await reload(cordon, { 'cordon.yaml': other });
  expect((await client.ask(LISTED)).rcode).toBe(RCODE.NXDOMAIN);
  await client.end();
});

test('devices may ask from everywhere where that is said, and nobody else', async () => {
  await reload(cordon, { 'cordon.yaml': configOf() });
  await expect(askDot(laptop, '127.0.0.9')).rejects.toThrow();
  await reload(cordon, { 'cordon.yaml': configOf({ identified: true }) });
  expect(await askDot(laptop, '127.0.0.9')).toEqual(PASSED);
  expect(await askDot(undefined, '127.0.0.9')).toEqual(NOT_ALLOWED);
  expect((await ask(cordon.dns, LISTED, { from: '127.0.0.9' })).rcode).toBe(RCODE.REFUSED);
  expect(await askDot(undefined, '127.0.0.2')).toEqual(REFUSED_BY_LIST);
});

test('what fits not together is told', async () => {
  const wrong = `
listen: { dns: ["127.0.0.1:0"] }
groups:
  - { name: a, lists: [], certificates: ["dns:a.example"], tokens: [{ device: x, sha256: ${'0'.repeat(64)} }] }
  - { name: b, lists: [], server-names: [a.example] }
lists: []
`;
  expect(await reload(cordon, { 'cordon.yaml': wrong })).toMatchObject({ isRefused: true });
  const output = cordon.output();
  for (const text of [
    'clients are not asked for certificates',
    'nothing listens for DNS over HTTPS',
    'nothing listens encrypted',
  ])
    expect(output).toContain(text);
});
