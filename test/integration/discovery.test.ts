// Clients come to the encrypted listeners: found by DDR, told by DHCP, set up by profiles; and what they are told there.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OPTION, RCODE, writeU16 } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { ask, readReply, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { DotClient, getPath, listenerOf, openHttp2, SERVER_NAME } from '../support/encrypted-client.ts';
import { requireProgram, run } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const OPTION_CODE = 65_001;
const DISCOVERY = '_dns.resolver.arpa. SVCB';

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;

const configWith = (more = ''): string => `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: own, file: own.txt, mandate: true, decision: { authority: Office, reference: M-1, in-force-from: 2023-02-27 } }
${more}`;

const STRUCTURED = `structured-errors: { option-code: ${OPTION_CODE}, contact: ["mailto:help@agency.example"], organization: Agency }`;

const certificateFor = (...names: string[]): Record<string, string> => {
  const { certificate, key } = authority.issue({ names });
  return { 'cert.pem': certificate, 'key.pem': key };
};

beforeAll(async () => {
  authority = CertificateAuthority.create();
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  cordon = await startCordon({
    config: configWith(STRUCTURED),
    files: { 'own.txt': 'listed.example\n', ...certificateFor(`DNS:${SERVER_NAME}`, 'IP:127.0.0.1') },
  });
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

const asksFor = (code: number): Uint8Array => {
  const option = new Uint8Array(4);
  writeU16(option, 0, code);
  return option;
};

test('DDR leads to the listeners, and there is an answer where it leads', async () => {
  const { answer: found, rcode } = await ask(cordon.dns, DISCOVERY);
  const dot = listenerOf(cordon, 'dot');
  const doh = listenerOf(cordon, 'doh');
  expect({ found, rcode }).toEqual({
    rcode: RCODE.NOERROR,
    found: [
      `_dns.resolver.arpa. 300 IN SVCB 1 ${SERVER_NAME}. alpn="h2,http/1.1" port=${doh.port} ipv4hint=127.0.0.1 dohpath="/dns-query{?dns}"`,
      `_dns.resolver.arpa. 300 IN SVCB 2 ${SERVER_NAME}. alpn="dot" port=${dot.port} ipv4hint=127.0.0.1`,
    ],
  });
  const client = await openHttp2(doh, { ca: authority.certificate });
  const { body } = await client.request({ path: getPath(buildQuery(DISCOVERY, { edns: {} })) });
  expect(readReply(body).answer).toEqual(found);
  await client.close();
});

test('DDR says nothing where the certificate does not hold the address, once it is renewed so', async () => {
  const without = await startCordon({
    config: configWith(),
    files: { 'own.txt': 'listed.example\n', ...certificateFor(`DNS:${SERVER_NAME}`) },
  });
  try {
    const { answer: found, rcode, authority: soa } = await ask(without.dns, DISCOVERY);
    expect({ found, rcode, soa: soa.length }).toEqual({ found: [], rcode: RCODE.NOERROR, soa: 1 });
    await reload(without, certificateFor(`DNS:${SERVER_NAME}`, 'IP:127.0.0.1'));
    expect((await ask(without.dns, DISCOVERY)).answer).toHaveLength(2);
    expect((await ask(without.dns, '_dns.resolver.arpa. A')).answer).toEqual([]);
  } finally {
    await without.stop();
  }
});

test('a refused client that asks over TLS is told whom to turn to', async () => {
  const client = await DotClient.open(listenerOf(cordon, 'dot'), { ca: authority.certificate });
  const edns = { options: asksFor(OPTION_CODE) };
  const { rcode, ede } = await client.ask('www.listed.example. A', { edns });
  expect(rcode).toBe(RCODE.NXDOMAIN);
  expect(JSON.parse(ede?.text ?? '')).toEqual({
    c: ['mailto:help@agency.example'],
    j: 'Office, M-1',
    s: 5,
    o: 'Agency',
    l: 'en',
  });
  expect((await client.ask('www.listed.example. A')).ede).toEqual({ infoCode: 15, text: '' });
  await client.end();
  const plain = await ask(cordon.dns, 'www.listed.example. A', { edns, transport: 'tcp' });
  expect(plain.ede).toEqual({ infoCode: 15, text: '' });
});

test('kdig reads the structured error', async (context) => {
  requireProgram(context, 'kdig');
  const { port } = listenerOf(cordon, 'dot');
  const { stdout } = await run('kdig', [
    ...['@127.0.0.1', '-p', String(port), '+tls', `+ednsopt=${OPTION_CODE}`, 'www.listed.example', 'A'],
  ]);
  expect(stdout).toContain('NXDOMAIN');
  expect(stdout).toContain('mailto:help@agency.example');
});

/** A configuration with ports that are known: nothing is started from it. */
const profileIn = async (
  args: readonly string[],
  listen = 'dot: ["192.0.2.1"], doh: ["192.0.2.1"]',
): Promise<{ stdout: string; stderr: string; code: number | null }> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-profile-'));
  try {
    const files = {
      ...certificateFor(`DNS:${SERVER_NAME}`, 'IP:192.0.2.1'),
      'cordon.yaml': `listen: { dns: ["192.0.2.1"], ${listen} }\ntls: { cert: cert.pem, key: key.pem }\n`,
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
    const config = ['--config', join(directory, 'cordon.yaml')];
    return await runCommandHere(['clients', ...args, ...config]);
  } finally {
    rmSync(directory, { recursive: true });
  }
};

test('profiles come from the configuration', { tags: 'night' }, async () => {
  const chrome = await profileIn(['profile', '--for', 'chrome', '--token', 'abcdefghijklmnopqrstuv']);
  expect(JSON.parse(chrome.stdout)).toEqual({
    DnsOverHttpsMode: 'secure',
    DnsOverHttpsTemplates: `https://${SERVER_NAME}/dns-query/abcdefghijklmnopqrstuv{?dns}`,
  });
  expect(await profileIn(['profile', '--for', 'android'])).toMatchObject({
    stdout: `${SERVER_NAME}\n`,
    code: 0,
  });
  expect(await profileIn(['profile', '--for', 'android'], 'dot: [], doh: ["192.0.2.1"]')).toMatchObject({
    stdout: '',
    code: 1,
    stderr: expect.stringContaining('ERR_APP_PROFILE') as string,
  });
  const wrong = await profileIn(['profile', '--for', 'edge', '--name', 'other.example']);
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining(SERVER_NAME) as string });
});

for (const [kind, program] of [
  ['Dhcp4', 'kea-dhcp4'],
  ['Dhcp6', 'kea-dhcp6'],
] as const) {
  test(`${program} takes the options of DNR`, async (context) => {
    requireProgram(context, program);
    const listen = 'dot: ["192.0.2.1", "[2001:db8::1]"], doh: ["192.0.2.1", "[2001:db8::1]"]';
    const { stdout } = await profileIn(['dnr', '--for', 'kea'], listen);
    const options = (JSON.parse(stdout) as Record<string, object>)[kind];
    const directory = mkdtempSync(join(tmpdir(), 'cordon-kea-'));
    try {
      const file = join(directory, 'kea.json');
      writeFileSync(
        file,
        JSON.stringify({ [kind]: { ...options, 'interfaces-config': { interfaces: [] } } }),
      );
      const result = await run(program, ['-t', file]);
      expect({ code: result.code, text: result.stdout + result.stderr }).toMatchObject({ code: 0 });
      expect(options).toMatchObject({
        'option-data': expect.arrayContaining([expect.anything()]) as unknown,
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test('the option of EDNS that asks is not one that is in use', async () => {
  const { code, stdout } = await runCheck(
    `structured-errors: { option-code: ${OPTION.COOKIE}, contact: ["help"] }\n`,
  );
  expect(code).toBe(1);
  expect(stdout).toContain('COOKIE');
  expect(stdout).toContain('mailto:');
});

const runCheck = async (text: string) => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-check-'));
  try {
    writeFileSync(join(directory, 'cordon.yaml'), text);
    return await runCommandHere(['check', '--config', join(directory, 'cordon.yaml')]);
  } finally {
    rmSync(directory, { recursive: true });
  }
};
