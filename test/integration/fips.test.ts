// FIPS: the program with Debian's module (package openssl-provider-fips), and without it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { RCODE } from '../../src/dns/dns.ts';
import { CertificateAuthority, type Issued } from '../support/certificates.ts';
import { ask, readMetric } from '../support/client.ts';
import { DotClient, listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { requireFile, run, startCordon } from '../support/process.ts';
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

test('serves with the module, and names it in log, metric and records', async () => {
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
      'src/cli/main.ts',
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
  const { code, stderr } = await run('node', ['src/launch.mjs', 'src/cli/main.ts', 'version'], {
    env: { CORDON_OPENSSL_CONFIG: none },
  });
  expect(code).not.toBe(0);
  expect(stderr).toContain('FIPS');
});
