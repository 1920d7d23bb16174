// "Check this device" for devices that ask over an encrypted transport: the page says over which, in which network, and whether the
// prohibition holds, whatever the device is known by.
import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CertificateAuthority } from '../support/certificates.ts';
import { readReply } from '../support/client.ts';
import {
  DotClient,
  getPath,
  listenerOf,
  openHttp1,
  openHttp2,
  SERVER_NAME,
} from '../support/encrypted-client.ts';
import { QuicTestClient } from '../support/quic-client.ts';
import { buildQuery } from '../support/records.ts';
import { frame, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const TOKEN = 'dGhlLXRva2VuLW9mLWE';
const LAB_NAME = 'lab.example.net';

/** For a device by its name, from everywhere. */
const EXEMPT = {
  'requested-by': 'R. Investigator',
  grounds: 'law-enforcement',
  justification: 'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
  alternatives: 'Records asked of the company by warrant take weeks and lack what was deleted.',
  mitigations: ['Two standalone devices on a separate network, wiped each week.'],
  devices: ['tablet-3'],
  from: new Date(Date.now() - 3_600_000).toISOString(),
  until: new Date(Date.now() + 30 * 86_400_000).toISOString(),
  'approved-by': 'A. Head',
  role: 'agency-head',
};

let authority: CertificateAuthority;
let cordon: Cordon;
let upstream: ScriptedUpstream;
let page: { host: string; port: number };

beforeAll(async () => {
  authority = CertificateAuthority.create();
  const names = [`DNS:${SERVER_NAME}`, `DNS:${LAB_NAME}`, 'IP:127.0.0.1'];
  const { certificate, key } = authority.issue({ names });
  upstream = await ScriptedUpstream.open();
  cordon = await startCordon({
    config: `
agency: Agency
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], doq: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem, handshakes: 1000 }
workers: 1
state: state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
access: { allow: ["127.0.0.0/24"] }
lists: [{ id: tiktok, shipped: tiktok, mandate: true }]
groups:
  - { name: default, lists: [tiktok] }
  - { name: lab, server-names: ["${LAB_NAME}"], lists: [tiktok] }
  - { name: tablets, lists: [tiktok], tokens: [{ device: tablet-3, sha256: ${createHash('sha256').update(TOKEN).digest('hex')} }] }
block: { mode: address, address: ["127.0.0.80"] }
notice: { listen: ["127.0.0.1:0"], contact: ["mailto:help@agency.example"], check: check.agency.example }
probe: { interval: 0s }
compliance: { profile: us-federal, exemptions: exempt.yaml }
`,
    files: { 'cert.pem': certificate, 'key.pem': key, 'exempt.yaml': JSON.stringify(EXEMPT) },
  });
  const { notice } = await cordon.waitForLog(({ msg }) => msg === 'the notice is shown');
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(String((notice as string[])[0])) ?? [];
  page = { host, port: Number(port) };
});
afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

const get = (path: string, from: string): Promise<{ headers: Record<string, unknown>; text: string }> =>
  new Promise((resolve, reject) => {
    const headers = { Host: 'check.agency.example', 'Accept-Language': 'en' };
    const asked = httpRequest({ ...page, localAddress: from, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve({ headers: response.headers, text }));
    });
    asked.on('error', reject).end();
  });

const options = (from: string, servername = SERVER_NAME) => ({
  ca: authority.certificate,
  localAddress: from,
  servername,
});

/** By what a browser's system asks; each asks from an address for an A record. */
const ASKERS: Readonly<Record<string, (name: string, from: string) => Promise<readonly string[]>>> = {
  dot: async (name, from) => {
    const client = await DotClient.open(listenerOf(cordon, 'dot'), options(from));
    const { answer } = await client.ask(`${name} A`);
    await client.end();
    return answer;
  },
  'dot by name': async (name, from) => {
    const client = await DotClient.open(listenerOf(cordon, 'dot'), options(from, LAB_NAME));
    const { answer } = await client.ask(`${name} A`);
    await client.end();
    return answer;
  },
  doh: async (name, from) => {
    const client = await openHttp2(listenerOf(cordon, 'doh'), options(from));
    const { body } = await client.request({ path: getPath(buildQuery(`${name} A`, { id: 0 })) });
    await client.close();
    return readReply(body).answer;
  },
  'doh of HTTP/1.1': async (name, from) => {
    const client = openHttp1(listenerOf(cordon, 'doh'), options(from));
    const { body } = await client.request({ path: getPath(buildQuery(`${name} A`, { id: 0 })) });
    return readReply(body).answer;
  },
  'doh by token': async (name, from) => {
    const client = await openHttp2(listenerOf(cordon, 'doh'), options(from));
    const path = getPath(buildQuery(`${name} A`, { id: 0 })).replace('?', `/${TOKEN}?`);
    const { body } = await client.request({ path });
    await client.close();
    return readReply(body).answer;
  },
  doq: async (name, from) => {
    const client = await QuicTestClient.open(listenerOf(cordon, 'doq'), { localAddress: from });
    const bytes = await client?.ask(frame(buildQuery(`${name} A`, { id: 0 })));
    client?.close();
    return bytes === undefined ? [] : readReply(bytes.subarray(2)).answer;
  },
};

test.each([
  ['dot', 'DNS over TLS', 'default', '127.0.0.41'],
  ['dot by name', 'DNS over TLS', 'lab', '127.0.0.42'],
  ['doh', 'DNS over HTTPS', 'default', '127.0.0.43'],
  ['doh of HTTP/1.1', 'DNS over HTTPS', 'default', '127.0.0.44'],
  ['doh by token', 'DNS over HTTPS', 'tablets', '127.0.0.45'],
  ['doq', 'DNS over QUIC', 'default', '127.0.0.46'],
] as const)('a device that asks over %s is told %s, in network %s', async (by, words, group, from) => {
  const begun = await get('/', from);
  const [, image = ''] = /<img src="http:\/\/([^"/]+)\/"/.exec(begun.text) ?? [];
  const [, result = ''] = /^\d; url=(.*)$/.exec(String(begun.headers['refresh'])) ?? [];
  const name = image.replace(/:\d+$/, '');
  expect(await ASKERS[by]?.(name, from)).toEqual([expect.stringContaining('127.0.0.1')]);
  const { text } = await get(result, from);
  expect(text).toContain(
    group === 'tablets'
      ? 'This device asks Cordon, and has an exemption'
      : 'This device asks Cordon, and the prohibition holds for it',
  );
  expect(text).toContain(words);
  expect(text).toContain(group);
  // Nobody is between: the address is the same.
  expect(text).not.toContain('Another server asks for this device');
});
