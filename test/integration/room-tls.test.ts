// The control room with a certificate of its own: HTTPS, what browsers are told for the next time, cookies that go over TLS alone,
// a renewed certificate under an open session, and no listener beyond loopback without one.
import { renameSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CertificateAuthority, type Issued } from '../support/certificates.ts';
import { readMetric } from '../support/client.ts';
import { codeOf } from '../support/room-client.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const NAME = 'room.agency.example';
const PASSWORD = 'four words without any sense';

let authority: CertificateAuthority;
let cordon: Cordon;
let origin: URL;
let link: string;

const issue = (endsInDays: number): Issued => authority.issue({ names: [`DNS:${NAME}`], endsInDays });

const replace = (name: string, content: string): void => {
  const path = join(cordon.directory, name);
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
};

beforeAll(async () => {
  authority = CertificateAuthority.create();
  const { certificate, key } = issue(2);
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ./state
upstreams: ["127.0.0.1:9"]
control-room:
  listen: "127.0.0.1:0"
  hosts: [${NAME}]
  tls: { cert: cert.pem, key: key.pem }
`,
    files: { 'cert.pem': certificate, 'key.pem': key },
  });
  origin = new URL(String((await cordon.waitForLog(({ msg }) => msg === 'the control room is open'))['url']));
  link = String((await cordon.waitForLog(({ msg }) => msg.startsWith('nobody is administrator')))['url']);
});

afterAll(async () => {
  await cordon.stop();
});

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
  readonly endsMs: number;
}

/** A browser that knows the authority, over a connection of its own each time. */
class Browser {
  cookie = '';
  csrf = '';

  async send(method: string, path: string, body?: object): Promise<Reply> {
    const reply = await new Promise<Reply>((resolve, reject) => {
      const sent = request(
        {
          ...{ host: origin.hostname, port: origin.port, path, method, agent: false, servername: NAME },
          ca: authority.certificate,
          headers: {
            host: `${NAME}:${origin.port}`,
            ...(this.cookie === '' ? {} : { cookie: this.cookie }),
            ...(body === undefined
              ? {}
              : {
                  'content-type': 'application/json',
                  'x-csrf-token': this.csrf,
                  origin: `https://${NAME}:${origin.port}`,
                }),
          },
        },
        (response) => {
          const { valid_to: until } = (response.socket as TLSSocket).getPeerCertificate();
          let text = '';
          response.setEncoding('utf8').on('data', (piece: string) => {
            text += piece;
          });
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: (text.startsWith('{') ? JSON.parse(text) : {}) as Reply['body'],
              endsMs: Date.parse(until),
            }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
    for (const line of reply.headers['set-cookie'] ?? []) this.cookie = line.split(';', 1)[0] ?? '';
    if (typeof reply.body['csrf'] === 'string') this.csrf = reply.body['csrf'];
    return reply;
  }
}

test('over HTTPS: HSTS, and a cookie for this host and TLS alone', async () => {
  expect([origin.protocol, new URL(link).protocol]).toEqual(['https:', 'https:']);
  const { status, headers } = await new Browser().send('GET', '/api/session');
  expect(status).toBe(200);
  expect(headers['strict-transport-security']).toMatch(/max-age=31536000/);
  const [cookie = ''] = headers['set-cookie'] ?? [];
  expect(cookie).toMatch(/^__Host-cordon=[^;]+;/);
  for (const word of ['Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/']) expect(cookie).toContain(word);
  await expect(fetch(`http://127.0.0.1:${origin.port}/api/session`)).rejects.toThrow();
});

test('a renewed certificate is shown within seconds, and nobody is signed out; a broken one changes nothing', {
  tags: 'night',
}, async () => {
  const browser = new Browser();
  await browser.send('GET', '/api/session');
  const token = link.slice(link.indexOf('#') + 1);
  const { body } = await browser.send('POST', '/api/setup/password', {
    ...{ token, name: 'A. Administrator', password: PASSWORD },
  });
  const code = codeOf(String(body['secret']));
  expect((await browser.send('POST', '/api/setup/confirm', { token, code })).status).toBe(200);
  const before = await browser.send('GET', '/api/session');
  expect(before.body).toMatchObject({ signedIn: true });
  const metric = () => readMetric(cordon, 'cordon_room_certificate_expiry_timestamp_seconds');
  expect((await metric()) * 1000).toBe(before.endsMs);

  const { certificate, key } = issue(40);
  replace('key.pem', key);
  replace('cert.pem', certificate);
  await cordon.waitForLog(({ msg }) => msg === 'certificate of the control room renewed');
  const after = await browser.send('GET', '/api/session');
  expect(after.endsMs - before.endsMs).toBeGreaterThan(37 * 86_400_000);
  expect(after.body).toMatchObject({ signedIn: true, person: { name: 'A. Administrator' } });
  expect((await metric()) * 1000).toBe(after.endsMs);

  replace('cert.pem', '-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n');
  await cordon.waitForLog(({ msg }) => msg.startsWith('the certificate of the control room is not renewed'));
  await expect.poll(async () => (await browser.send('GET', '/api/session')).endsMs).toBe(after.endsMs);
});

test('without a certificate it does not listen beyond loopback', { tags: 'night' }, async () => {
  const config = 'listen: { dns: ["127.0.0.1:0"] }\ncontrol-room: { listen: "0.0.0.0:9443" }\n';
  await expect(startCordon({ config })).rejects.toThrow(/control-room\.listen: it is not on loopback/);
});
