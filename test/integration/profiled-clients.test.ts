// @module-tag night
// Clients of others, set up by nothing but the profile that `cordon clients profile` writes for them: each resolves what is not
// listed, is refused what is, and is in the group of what it shows, a name or a token.

import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { CertificateAuthority } from '../support/certificates.ts';
import { readMetric } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { ownClock } from '../support/fake-time.ts';
import { Firefox } from '../support/firefox.ts';
import { RESOLVED } from '../support/front-validators.ts';
import { freePort } from '../support/ports.ts';
import { type Cordon, requireFile, requireProgram, run, startCordon } from '../support/process.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

/** The name by which the system resolvers of one network ask. */
const GUESTS = `guests.${SERVER_NAME}`;
const TOKEN = 'Zm9yLWEtdGFibGV0LTMh';
/** Its SHA-256. */
const TOKEN_HASH = '1b90c286bd4f2ee08e0dcf436aed7449b9d26916fb3bd983bd090983bc7536f8';
const PAGE = 'This is the site.';

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;
let site: Server;

beforeAll(async () => {
  authority = CertificateAuthority.create();
  const { certificate, key } = authority.issue({
    names: [`DNS:${SERVER_NAME}`, `DNS:${GUESTS}`, 'IP:127.0.0.1'],
  });
  upstream = await ScriptedUpstream.open((query) => {
    const address = query.name === 'loopback.example.' ? '127.0.0.1' : '192.0.2.1';
    return query.type === 1 ? answer(query, [`${query.name} 300 IN A ${address}`]) : answer(query);
  });
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
rebinding: { allow: ["loopback.example"] }
lists: [{ id: tiktok, shipped: tiktok }]
groups:
  - { name: default, lists: [] }
  - { name: guests, lists: [tiktok], server-names: [${GUESTS}] }
  - { name: tablets, lists: [tiktok], tokens: [{ device: tablet-3, sha256: ${TOKEN_HASH} }] }
`,
    files: { 'cert.pem': certificate, 'key.pem': key, 'ca.pem': authority.certificate },
  });
  // The same with the ports that were found, which a profile has to name.
  const at = (kind: 'dot' | 'doh'): string => `127.0.0.1:${listenerOf(cordon, kind).port}`;
  writeFileSync(
    join(cordon.directory, 'profile.yaml'),
    `listen: { dns: ["127.0.0.1:53"], dot: ["${at('dot')}"], doh: ["${at('doh')}"] }
tls: { cert: cert.pem, key: key.pem }
`,
  );
  site = createServer((_request, response) => void response.end(`<p>${PAGE}</p>`)).listen(0, '127.0.0.1');
  await once(site, 'listening');
});

afterAll(async () => {
  site?.close();
  await cordon?.stop();
  await upstream?.close();
});

const profileFor = async (kind: string, ...more: string[]): Promise<string> => {
  const config = ['--config', join(cordon.directory, 'profile.yaml')];
  const { stdout, stderr } = await runCommandHere([
    ...['clients', 'profile', '--for', kind, ...config, ...more],
  ]);
  expect(stderr).toBe('');
  return stdout;
};

/** Policies of the machine and the directory of its service exist in a namespace of the test's own only. */
const requireMounts = async (context: TestContext): Promise<void> => {
  requireProgram(context, 'unshare');
  const may = (await run('unshare', ['--mount', 'true'])).code === 0;
  if (!may && process.env['CI'] === 'true') throw new Error('this user may not make a mount namespace');
  if (!may) context.skip('this user may not make a mount namespace');
};

const refusalsIn = (group: string): Promise<number> => readMetric(cordon, 'cordon_refusals_total', { group });
const queriesIn = (group: string): Promise<number> =>
  readMetric(cordon, 'cordon_group_queries_total', { group });

/** systemd-resolved with a drop-in, as it runs on a desktop, and a stub at a port of its own for dig. */
const startResolved = async (dropIn: string): Promise<{ child: ChildProcess; port: number }> => {
  const port = await freePort();
  const settings = join(cordon.directory, 'resolved.conf.d');
  mkdirSync(settings);
  writeFileSync(join(settings, 'cordon.conf'), dropIn);
  // Port 53 belongs to whatever runs here, and neighbors are not asked.
  const own = `DNSStubListener=no\nDNSStubListenerExtra=127.0.0.1:${port}\nLLMNR=no\nMulticastDNS=no\n`;
  writeFileSync(join(settings, 'stub.conf'), `[Resolve]\n${own}`);
  const command = `
    mount -t tmpfs tmpfs /run &&
    mkdir -p /run/systemd/resolve /run/systemd/resolved.conf.d &&
    cp '${settings}'/*.conf /run/systemd/resolved.conf.d/ &&
    cp '${join(cordon.directory, 'ca.pem')}' /run/ca.pem &&
    chown nobody:nogroup /run/systemd/resolve &&
    exec setpriv --reuid=nobody --regid=nogroup --clear-groups ${RESOLVED}`;
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', command], {
    env: {
      ...{ PATH: process.env['PATH'], SSL_CERT_FILE: '/run/ca.pem', SYSTEMD_LOG_TARGET: 'console' },
      ...ownClock(),
    },
    stdio: 'ignore',
  });
  return { child, port };
};

test('systemd-resolved with DNSOverTLS=yes resolves, is refused, and is in the group of its name', async (context) => {
  await requireMounts(context);
  requireProgram(context, 'dig');
  requireProgram(context, 'setpriv');
  requireFile(context, RESOLVED, 'systemd-resolved');
  const dropIn = await profileFor('systemd-resolved', '--name', GUESTS);
  expect(dropIn).toContain('DNSOverTLS=yes');
  const { child, port } = await startResolved(dropIn);
  try {
    const dig = async (qname: string): Promise<string> =>
      (await run('dig', ['@127.0.0.1', '-p', `${port}`, '+tries=1', '+time=5', qname, 'A'])).stdout;
    await expect.poll(() => dig('www.example')).toMatch(/^www\.example\.\s+\d+\s+IN\s+A\s+192\.0\.2\.1$/m);
    const [refusals, queries] = [await refusalsIn('guests'), await queriesIn('guests')];
    expect(await dig('www.tiktok.com')).toMatch(/status: NXDOMAIN/);
    expect(await refusalsIn('guests')).toBe(refusals + 1);
    expect(await queriesIn('guests')).toBe(queries + 1);
    expect(await queriesIn('default')).toBe(0);
    expect(await readMetric(cordon, 'cordon_queries_total', { transport: 'dot' })).toBe(queries + 1);
  } finally {
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
});

test('Firefox with its policy reaches what resolves, is refused, and is in the group of its token', async (context) => {
  await requireMounts(context);
  requireProgram(context, 'firefox-esr');
  const { policies } = JSON.parse(await profileFor('firefox', '--name', '127.0.0.1', '--token', TOKEN)) as {
    policies: object;
  };
  // The authority is what a management installs beside the profile.
  const installed = { ...policies, Certificates: { Install: [join(cordon.directory, 'ca.pem')] } };
  const directory = join(cordon.directory, 'policies');
  mkdirSync(directory);
  writeFileSync(join(directory, 'policies.json'), JSON.stringify({ policies: installed }));
  const firefox = await Firefox.start(cordon.directory, directory);
  try {
    const { port } = site.address() as AddressInfo;
    const queries = await queriesIn('tablets');
    expect(await firefox.visit(`http://loopback.example:${port}/`)).toEqual({ text: PAGE });
    expect(await queriesIn('tablets')).toBeGreaterThan(queries);
    const refusals = await refusalsIn('tablets');
    expect(await firefox.visit(`http://www.tiktok.com:${port}/`)).toEqual({
      error: expect.stringContaining('NS_ERROR_UNKNOWN_HOST') as string,
    });
    expect(await refusalsIn('tablets')).toBeGreaterThan(refusals);
    expect(await firefox.visit(`http://loopback.example:${port}/again`)).toEqual({ text: PAGE });
    expect(await queriesIn('default')).toBe(0);
  } finally {
    await firefox.close();
  }
});

test('Chromium with its policy reaches what resolves, is refused, and is in the group of its token', async (context) => {
  await requireMounts(context);
  requireProgram(context, 'chromium');
  const policy = JSON.parse(await profileFor('chrome', '--name', '127.0.0.1', '--token', TOKEN)) as object;
  const trusted = new X509Certificate(authority.certificate).raw.toString('base64');
  const file = join(cordon.directory, 'chromium.json');
  writeFileSync(file, JSON.stringify({ ...policy, CACertificates: [trusted] }));
  const visit = async (url: string): Promise<string> => {
    const managed = '/etc/chromium/policies/managed';
    const command = `
      mount -t tmpfs tmpfs /etc/chromium && mkdir -p ${managed} && cp '${file}' ${managed} &&
      exec chromium --headless --no-sandbox --disable-gpu --dump-dom --user-data-dir='${join(cordon.directory, 'chromium')}' ${url}`;
    return (await run('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', command])).stdout;
  };
  const { port } = site.address() as AddressInfo;
  const queries = await queriesIn('tablets');
  expect(await visit(`http://loopback.example:${port}/`)).toContain(PAGE);
  expect(await queriesIn('tablets')).toBeGreaterThan(queries);
  const refusals = await refusalsIn('tablets');
  expect(await visit(`http://www.tiktok.com:${port}/`)).not.toContain(PAGE);
  expect(await refusalsIn('tablets')).toBeGreaterThan(refusals);
  expect(await queriesIn('default')).toBe(0);
});
