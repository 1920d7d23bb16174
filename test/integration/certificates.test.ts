// Certificates of the encrypted listeners while the program runs: renewed, swapped under load, and what does not fit.
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { CertificateAuthority, type Issued } from '../support/certificates.ts';
import { readMetric, readReply } from '../support/client.ts';
import { DotClient, getPath, listenerOf, openHttp2, SERVER_NAME } from '../support/encrypted-client.ts';
import { run, startCordon as startProcess } from '../support/process.ts';
import { buildQuery } from '../support/records.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const DEAD = pathToFileURL(fileURLToPath(new URL('../support/dead-workers.mjs', import.meta.url))).href;
/** Each takes a second, until the files are looked at. */
const SWAPS = Number(process.env['CORDON_SWAPS'] ?? 4);

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;
let cordon: Cordon;

const issue = (endsInDays = 2): Issued => authority.issue({ names: [`DNS:${SERVER_NAME}`], endsInDays });

/** Replaces a file of the program as a whole. */
const replace = (name: string, content: string): void => {
  const path = join(cordon.directory, name);
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
};

const install = ({ certificate, key }: Issued): void => {
  replace('key.pem', key);
  replace('cert.pem', certificate);
};

beforeEach(async () => {
  authority = CertificateAuthority.create();
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  const { certificate, key } = issue();
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
`,
    files: { 'cert.pem': certificate, 'key.pem': key },
  });
});

afterEach(async () => {
  await cordon.stop();
  await upstream.close();
});

const options = () => ({ ca: authority.certificate });

/** Until when the certificate is valid that a new client is shown. */
const shownEnd = async (): Promise<number> => {
  const client = await DotClient.open(listenerOf(cordon, 'dot'), options());
  const { valid_to: end } = client.socket.getPeerCertificate();
  await client.end();
  return Date.parse(end) / 1000;
};

const EXPIRY = 'cordon_tls_certificate_expiry_timestamp_seconds';

test('a certificate that was replaced is shown to new clients, and old connections go on', async () => {
  const before = await DotClient.open(listenerOf(cordon, 'dot'), options());
  const ticket = await before.ticket();
  expect(await readMetric(cordon, EXPIRY)).toBe(await shownEnd());
  const from = cordon.logs().length;
  install(issue(30));
  await cordon.waitForLog(({ msg }) => msg === 'certificate renewed', from);
  await expect.poll(shownEnd).toBeGreaterThan(Date.now() / 1000 + 20 * 86_400);
  expect(await readMetric(cordon, EXPIRY)).toBe(await shownEnd());
  expect(await before.ask('www.example. A')).toMatchObject({ rcode: RCODE.NOERROR });
  await before.end();
  const resumed = await DotClient.open(listenerOf(cordon, 'dot'), { ...options(), session: ticket });
  expect(resumed.socket.isSessionReused()).toBe(true);
  await resumed.end();
});

test('a pair that does not fit changes nothing but an alarm, and a reload with it is refused', {
  tags: 'night',
}, async () => {
  const end = await shownEnd();
  const from = cordon.logs().length;
  replace('cert.pem', issue(30).certificate);
  const line = await cordon.waitForLog(({ msg }) => msg.startsWith('the certificate is not renewed'), from);
  expect(line).toMatchObject({ level: 'error', err: { code: 'ERR_CERTIFICATE_MISMATCH' } });
  expect(await readMetric(cordon, 'cordon_tls_certificate_refused')).toBe(1);
  expect(await shownEnd()).toBe(end);
  cordon.signal('SIGHUP');
  const refused = await cordon.waitForLog(({ msg }) => msg.startsWith('reload refused'), from);
  expect(refused).toMatchObject({ err: { code: 'ERR_CERTIFICATE_MISMATCH' } });
  expect(await shownEnd()).toBe(end);
  install(issue(30));
  await expect.poll(shownEnd).toBeGreaterThan(end);
  expect(await readMetric(cordon, 'cordon_tls_certificate_refused')).toBe(0);
});

test('no query fails while certificates are swapped', async () => {
  const at = { dot: listenerOf(cordon, 'dot'), doh: listenerOf(cordon, 'doh') };
  const counts = { good: 0, bad: 0, handshakes: 0 };
  let isOver = false;
  const note = (bytes: Uint8Array): void => {
    if (readReply(bytes).rcode === RCODE.NOERROR) counts.good++;
    else counts.bad++;
  };
  const path = getPath(buildQuery('www.example. A'));
  const loads = [
    // One connection that stays, and new ones, resumed and not.
    async () => {
      const client = await DotClient.open(at.dot, options());
      while (!isOver) note((await client.ask('www.example. A')).bytes);
      await client.end();
    },
    async () => {
      let session: Buffer | undefined;
      while (!isOver) {
        const client = await DotClient.open(at.dot, { ...options(), ...(session && { session }) });
        counts.handshakes++;
        note((await client.ask('www.example. A')).bytes);
        session = counts.handshakes % 3 === 0 ? undefined : client.session;
        await client.end();
      }
    },
    async () => {
      while (!isOver) {
        const client = await openHttp2(at.doh, options());
        counts.handshakes++;
        for (let i = 0; i < 3; i++) note((await client.request({ path })).body);
        await client.close();
      }
    },
    async () => {
      const client = await openHttp2(at.doh, options());
      while (!isOver) {
        note((await client.request({ path })).body);
        await turn();
      }
      await client.close();
    },
  ].map((load) => load());
  const swaps = async (): Promise<void> => {
    for (let i = 0; i < SWAPS; i++) {
      const from = cordon.logs().length;
      install(issue(3 + (i % 20)));
      await cordon.waitForLog(({ msg }) => msg === 'certificate renewed', from);
    }
    isOver = true;
  };
  await Promise.all([...loads, swaps()]);
  expect(counts.bad).toBe(0);
  expect(counts.handshakes).toBeGreaterThan(SWAPS);
  process.stderr.write(`${SWAPS} swaps: ${counts.good} answers, ${counts.handshakes} handshakes\n`);
}, 600_000);

test('cordon check and the start refuse what cannot be used, and say which file and why', {
  tags: 'night',
}, async () => {
  const main = ['src/launch.mjs', 'src/main.ts'];
  const config = ['--config', join(cordon.directory, 'cordon.yaml')];
  replace('key.pem', issue().key);
  for (const command of ['check', 'serve']) {
    const { code, stdout, stderr } = await run('node', [...main, command, ...config], {
      env: { CORDON_LISTEN_ADMIN: 'false', CORDON_STATE: join(cordon.directory, 'other') },
    });
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(
      /key\.pem does not belong to the certificate .*cert\.pem.*ERR_CERTIFICATE_MISMATCH/s,
    );
  }
  const expired = issue(-1);
  install(expired);
  const { code, stderr } = await run('node', [...main, 'check', ...config]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/cert\.pem expired at .*ERR_CERTIFICATE_VALIDITY/s);
  // It runs all the same, and says so: clients of plain DNS have done nothing wrong.
  await cordon.waitForLog(({ msg }) => msg === 'the certificate of the encrypted listeners is not valid');
});

/** What openssl says of a handshake, and the name of the key of the ticket that it got: its first 16 bytes. */
const shake = async (version: string, ...args: string[]): Promise<{ isReused: boolean; keyName: string }> => {
  const { port } = listenerOf(cordon, 'dot');
  // In TLS 1.3 the ticket comes after the handshake.
  const command = `sleep 0.5 | openssl s_client -connect 127.0.0.1:${port} -${version} ${args.join(' ')}`;
  const { stdout } = await run('sh', ['-c', command], { cwd: cordon.directory });
  const [, keyName = ''] = /TLS session ticket:\s+0000 - ([0-9a-f -]{47})/.exec(stdout) ?? [];
  return { isReused: /^Reused, /m.test(stdout), keyName };
};

test('a ticket from before a rotation of keys resumes after it, at each worker', {
  tags: 'night',
}, async () => {
  await cordon.stop();
  const { certificate, key } = issue();
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem, ticket-rotation: 8s }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
`,
    files: { 'cert.pem': certificate, 'key.pem': key },
  });
  // The last tickets before the key changed, so that they are young: they live as long as one rotation.
  let [first, kept] = ['', ''];
  for (let count = 0; ; count++) {
    await shake('tls1_3', '-sess_out', `tls1_3.${count}`);
    const { keyName } = await shake('tls1_2', '-sess_out', `tls1_2.${count}`);
    expect(keyName).not.toBe('');
    if (first !== '' && keyName !== first) break;
    [first, kept] = [keyName, `${count}`];
  }
  const again = ['tls1_2', 'tls1_3', 'tls1_2', 'tls1_3'].map((version) =>
    shake(version, '-sess_in', `${version}.${kept}`),
  );
  expect((await Promise.all(again)).map(({ isReused }) => isReused)).toEqual([true, true, true, true]);
});

test('a ticket from before the death of a worker resumes at the one in its place', {
  tags: 'night',
}, async () => {
  await cordon.stop();
  const { certificate, key } = issue();
  cordon = await startProcess({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
`,
    files: { 'cert.pem': certificate, 'key.pem': key },
    env: { NODE_OPTIONS: `--import ${DEAD}` },
  });
  const versions = ['tls1_2', 'tls1_3'];
  for (const version of versions) await shake(version, '-sess_out', version);
  const from = cordon.logs().length;
  writeFileSync(join(cordon.directory, 'dead-workers'), '');
  await cordon.waitForLog(({ msg }) => msg === 'worker is started again', from);
  rmSync(join(cordon.directory, 'dead-workers'));
  // There is nobody to shake hands with until it is there.
  const isThere = async (): Promise<boolean> => {
    try {
      await shownEnd();
      return true;
    } catch {
      return false;
    }
  };
  await expect.poll(isThere, { timeout: 90_000 }).toBe(true);
  for (const version of versions)
    expect([version, (await shake(version, '-sess_in', version)).isReused]).toEqual([version, true]);
});
