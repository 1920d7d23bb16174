// The encrypted listeners of the whole program: what is resolved and refused over them, and what they prove with.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EDE, RCODE } from '../../src/dns/dns.ts';
import { CertificateAuthority, type Issued } from '../support/certificates.ts';
import { readMetric, readReply } from '../support/client.ts';
import {
  DotClient,
  getPath,
  type HttpClient,
  listenerOf,
  openHttp1,
  openHttp2,
  postOf,
  SERVER_NAME,
} from '../support/encrypted-client.ts';
import { type Cordon, startCordon } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

let authority: CertificateAuthority;
let issued: Issued;
let upstream: ScriptedUpstream;
let cordon: Cordon;

beforeAll(async () => {
  authority = CertificateAuthority.create();
  issued = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
`,
    files: { 'cert.pem': issued.certificate, 'key.pem': issued.key },
  });
});

afterAll(async () => {
  await cordon.stop();
  await upstream.close();
});

const options = () => ({ ca: authority.certificate });

const ANSWERED = { rcode: RCODE.NOERROR, answer: ['www.example. 300 IN A 192.0.2.1'] };
const REFUSED = { rcode: RCODE.NXDOMAIN, ede: { infoCode: EDE.BLOCKED } };

test('DNS over TLS resolves and refuses', async () => {
  const client = await DotClient.open(listenerOf(cordon, 'dot'), options());
  expect(client.socket.getProtocol()).toBe('TLSv1.3');
  expect(await client.ask('www.example. A')).toMatchObject(ANSWERED);
  expect(await client.ask('www.tiktok.com. A')).toMatchObject(REFUSED);
  await client.end();
  expect(await readMetric(cordon, 'cordon_queries_total', { transport: 'dot', qtype: 'A' })).toBe(2);
});

test.each([
  ['HTTP/2', openHttp2],
  ['HTTP/1.1', (...args: Parameters<typeof openHttp1>) => Promise.resolve(openHttp1(...args))],
] as const)('DNS over HTTPS resolves and refuses over %s', async (_name, open) => {
  const client: HttpClient = await open(listenerOf(cordon, 'doh'), options());
  const edns = { edns: {} };
  for (const request of [
    { path: getPath(buildQuery('www.example. A', edns)) },
    postOf(buildQuery('www.example. A', edns)),
  ]) {
    const { status, headers, body } = await client.request(request);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'content-type': 'application/dns-message' });
    expect(readReply(body)).toMatchObject({ rcode: RCODE.NOERROR });
    expect(readReply(body).answer).toHaveLength(1);
  }
  const { body } = await client.request(postOf(buildQuery('www.tiktok.com. A', edns)));
  expect(readReply(body)).toMatchObject(REFUSED);
  await client.close();
});
