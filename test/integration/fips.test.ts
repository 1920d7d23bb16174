// FIPS: the program with Debian's module (package openssl-provider-fips), and without it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority, type Issued } from '../support/certificates.ts';
import { ask, readMetric } from '../support/client.ts';
import { DotClient, listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { startPebble } from '../support/pebble.ts';
import { freePort } from '../support/ports.ts';
import { requireFile, requireProgram, run, startCordon } from '../support/process.ts';
import { codeOf, RoomClient } from '../support/room-client.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULE = '/usr/lib/x86_64-linux-gnu/ossl-modules/fips.so';

let directory: string;
let upstream: ScriptedUpstream;
/** The shipped configuration of OpenSSL, with what fipsinstall wrote in the directory of the test. */
let opensslConfig: string;
let authority: CertificateAuthority;
let issued: Issued;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-fips-'));
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 60 IN A 192.0.2.1`]));
  authority = CertificateAuthority.create();
  issued = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  opensslConfig = join(directory, 'openssl-fips.cnf');
  const facts = join(directory, 'fipsmodule.cnf');
  await run('openssl', ['fipsinstall', '-out', facts, '-module', MODULE]);
  const shipped = readFileSync(join(ROOT, 'deploy/openssl-fips.cnf'), 'utf8');
  writeFileSync(opensslConfig, shipped.replaceAll('/etc/cordon/fipsmodule.cnf', facts));
});

afterAll(async () => {
  await upstream?.close();
  rmSync(directory, { recursive: true, force: true });
});

beforeEach((context) => requireFile(context, MODULE, 'openssl-provider-fips'));

const configWith = (more = ''): string => `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
fips: required
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: own, file: own.txt }]
${more}`;

const FILES = { 'own.txt': 'listed.example\n' };

test('serves with the module, and names it in log, metric and records', { tags: 'night' }, async () => {
  const cordon = await startCordon({
    config: configWith(),
    files: { ...FILES, 'cert.pem': issued.certificate, 'key.pem': issued.key },
    env: { NODE_OPTIONS: `--openssl-config=${opensslConfig} --enable-fips` },
  });
  try {
    expect((await ask(cordon.dns, 'www.example.com. A')).rcode).toBe(RCODE.NOERROR);
    expect((await ask(cordon.dns, 'www.listed.example. A')).rcode).toBe(RCODE.NXDOMAIN);
    const client = await DotClient.open(listenerOf(cordon, 'dot'), { ca: authority.certificate });
    expect((await client.ask('www.listed.example. A')).rcode).toBe(RCODE.NXDOMAIN);
    expect(client.socket.getProtocol()).toBe('TLSv1.3');
    await client.end();
    const line = await cordon.waitForLog(({ msg }) => msg === 'cryptography comes from a FIPS module');
    const module = { path: MODULE, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string };
    expect(line).toMatchObject({ modules: [module] });
    expect(await readMetric(cordon, 'cordon_fips_module_loaded')).toBe(1);
    const records = await run('node', [
      'src/launch.mjs',
      'src/main.ts',
      'records',
      'list',
      '--json',
      '--config',
      join(cordon.directory, 'cordon.yaml'),
    ]);
    expect(records.stdout).toContain('"event": "cryptography"');
    expect(records.stdout).toContain(MODULE);
  } finally {
    await cordon.stop();
  }
});

test('a certificate comes by ACME, for an account that the authority knows', {
  tags: 'night',
}, async (context) => {
  requireProgram(context, 'pebble');
  const dohPort = await freePort();
  const key = Buffer.alloc(32, 7).toString('base64url');
  const pebble = await startPebble({
    ...{ tlsPort: dohPort, dns: upstream.endpoint, externalAccounts: { 'agency-7': key } },
  });
  const acme = `{ directory: "https://127.0.0.1:${pebble.port}/dir", names: [127.0.0.1], terms-agreed: true, ca: ca.pem, external-account: { id: agency-7, key-file: eab.key } }`;
  const cordon = await startCordon({
    config: configWith()
      .replace('admin:', `doh: ["127.0.0.1:${dohPort}"], admin:`)
      .replace(/^tls: .*$/m, `tls: { acme: ${acme} }`),
    files: { ...FILES, 'ca.pem': pebble.authority.certificate, 'eab.key': key },
    env: { NODE_OPTIONS: `--openssl-config=${opensslConfig} --enable-fips` },
  });
  try {
    await cordon.waitForLog(({ msg }) => msg === 'a certificate was obtained by ACME');
    const open = () => DotClient.open(listenerOf(cordon, 'dot'), { ca: pebble.root, servername: '' });
    await expect
      .poll(() =>
        open().then(
          ({ socket }) => socket.destroy() && true,
          () => false,
        ),
      )
      .toBe(true);
  } finally {
    await cordon.stop();
    await pebble.stop();
  }
});

test('does not start without the module', async () => {
  await expect(startCordon({ config: configWith(), files: FILES })).rejects.toThrow(/ERR_APP_FIPS/);
});

test('the launcher loads the module', async () => {
  const script = join(directory, 'fips.mjs');
  writeFileSync(
    script,
    `import { getFips } from 'node:crypto'; console.log(getFips(), process.execArgv.join(' '));`,
  );
  const env = { CORDON_OPENSSL_CONFIG: opensslConfig };
  const { stdout, code } = await run('node', ['src/launch.mjs', script], { env });
  expect({ stdout, code }).toEqual({
    stdout: `1 --disable-sigusr1 --openssl-config=${opensslConfig} --enable-fips\n`,
    code: 0,
  });
});

test('a configuration of OpenSSL that loads no module starts nothing', async () => {
  const none = join(directory, 'none.cnf');
  writeFileSync(none, 'nodejs_conf = nothing\n[nothing]\n');
  const { code, stderr } = await run('node', ['src/launch.mjs', 'src/main.ts', 'version'], {
    env: { CORDON_OPENSSL_CONFIG: none },
  });
  expect(code).not.toBe(0);
  expect(stderr).toContain('FIPS');
});

test('people sign in under FIPS by PBKDF2; their passwords follow the cryptography of the process where they can', {
  tags: 'night',
}, async () => {
  const password = 'four words without any sense';
  const state = join(directory, 'room-state');
  mkdirSync(state);
  const kindOf = (name: string): string => {
    const database = new DatabaseSync(join(state, 'room.db'), { readOnly: true });
    const rows = database.prepare("SELECT body FROM rows WHERE kind = 'person'").all();
    database.close();
    const people = rows.map(({ body }) => JSON.parse(String(body)) as { name: string; password?: string });
    return people.find((one) => one.name === name)?.password?.split('$', 1)[0] ?? '';
  };
  const open = async (isFips: boolean) => {
    const cordon = await startCordon({
      config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ${state}
fips: ${isFips ? 'required' : 'off'}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: own, file: own.txt }]
control-room: { listen: "127.0.0.1:0" }
`,
      files: FILES,
      ...(isFips && { env: { NODE_OPTIONS: `--openssl-config=${opensslConfig} --enable-fips` } }),
    });
    const opened = await cordon.waitForLog(({ msg }) => msg === 'the control room is open');
    return { cordon, client: await new RoomClient(String(opened['url'])).open() };
  };
  let { cordon, client } = await open(true);
  try {
    const link = await cordon.waitForLog(({ msg }) => msg.startsWith('nobody is administrator'));
    const secret = await client.enrol(String(link['url']), 'A. Administrator', password);
    const body = { name: 'A. Administrator', password, code: codeOf(secret, 1) };
    const other = await new RoomClient(client.origin).open();
    expect((await other.post('/api/session/password', body)).body).toMatchObject({ signedIn: true });
    const added = await client.post('/api/v1/people', { name: 'B. Viewer', roles: ['viewer'], reason: 'x' });
    const viewer = await new RoomClient(client.origin).open();
    const viewersSecret = await viewer.enrol(
      (added.body['link'] as { url: string }).url,
      'B. Viewer',
      password,
    );
    await cordon.stop();
    expect([kindOf('A. Administrator'), kindOf('B. Viewer')]).toEqual(['pbkdf2-sha256', 'pbkdf2-sha256']);

    ({ cordon, client } = await open(false));
    const viewers = { name: 'B. Viewer', password, code: codeOf(viewersSecret, 1) };
    expect((await client.post('/api/session/password', viewers)).body).toMatchObject({ signedIn: true });
    await cordon.stop();
    expect([kindOf('A. Administrator'), kindOf('B. Viewer')]).toEqual(['pbkdf2-sha256', 'argon2id']);

    ({ cordon, client } = await open(true));
    // No module has argon2id: the same words as for a wrong password, and a line that says what to do.
    expect((await client.post('/api/session/password', viewers)).status).toBe(401);
    await cordon.waitForLog(({ msg }) => msg.startsWith('a password cannot be verified under FIPS'));
  } finally {
    await cordon.stop();
  }
});
