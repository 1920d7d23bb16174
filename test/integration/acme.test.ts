// A certificate by ACME, obtained from Pebble by the whole program: at a first start, renewed, kept, and what fails.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterEach, beforeEach, expect, type TestContext, test } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { ask, readMetric, readReply } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { DotClient, getPath, listenerOf, openHttp2, SERVER_NAME } from '../support/encrypted-client.ts';
import { requireMachineClock } from '../support/fake-time.ts';
import { ACME_HOST, type Pebble, type PebbleOptions, startPebble } from '../support/pebble.ts';
import { freePort } from '../support/ports.ts';
import { requireProgram } from '../support/process.ts';
import { QuicTestClient } from '../support/quic-client.ts';
import { buildQuery } from '../support/records.ts';
import { ScriptedDirectory } from '../support/scripted-directory.ts';
import { answer, frame, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

let upstream: ScriptedUpstream;
/** Between two of a client: as many as there can be would take half a minute of both cores until the renewal. */
const PAUSE_MS = 20;

let dohPort: number;
let state: string;
const running: { stop(): Promise<void> }[] = [];

beforeEach(async () => {
  upstream = await ScriptedUpstream.open((query) => {
    const name = query.name.toLowerCase();
    const address = [`${SERVER_NAME}.`, `${ACME_HOST}.`].includes(name) ? '127.0.0.1' : '192.0.2.1';
    return answer(query, query.type === 1 ? [`${query.name} 300 IN A ${address}`] : []);
  });
  dohPort = await freePort();
  state = mkdtempSync(join(tmpdir(), 'cordon-acme-'));
});

afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.stop();
  await upstream.close();
  rmSync(state, { recursive: true, force: true });
});

const pebbleOf = async (context: TestContext, options: Partial<PebbleOptions> = {}): Promise<Pebble> => {
  requireProgram(context, 'pebble');
  const pebble = await startPebble({ tlsPort: dohPort, dns: upstream.endpoint, ...options });
  running.push(pebble);
  return pebble;
};

interface Started {
  readonly acme?: string;
  readonly more?: string;
  readonly tls?: string;
  /** Address of the listener for DNS over QUIC. */
  readonly doq?: string;
  readonly files?: Readonly<Record<string, string>>;
}

const cordonOf = async (
  pebble: Pick<Pebble, 'directory' | 'authority'>,
  {
    acme = `names: [${SERVER_NAME}], terms-agreed: true`,
    more = '',
    files = {},
    tls,
    doq = '',
  }: Started = {},
): Promise<Cordon> => {
  const cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:${dohPort}"], doq: [${doq}], admin: "127.0.0.1:0" }
${tls ?? `tls: { acme: { directory: "${pebble.directory}", ca: ca.pem, ${acme} } }`}
state: ${state}
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
${more}
`,
    files: { 'ca.pem': pebble.authority.certificate, ...files },
  });
  running.push(cordon);
  return cordon;
};

const ASKED = 'a certificate is asked for by ACME';
const OBTAINED = 'a certificate was obtained by ACME';
const obtained = (cordon: Cordon, from = 0) => cordon.waitForLog(({ msg }) => msg === OBTAINED, from);
const failed = (cordon: Cordon, from = 0) =>
  cordon.waitForLog(({ msg }) => msg.startsWith('no certificate was obtained by ACME'), from);

/** A file of the folder that ACME keeps things in; `certificate` or `account`. */
const kept = (kind: string): string => {
  const name = readdirSync(join(state, 'acme')).find((file) => file.startsWith(kind));
  return join(state, 'acme', name ?? 'missing');
};

const problems = async (
  cordon: Cordon,
): Promise<{ problems: string[]; acme: Record<string, unknown> | null }> => {
  const { stdout } = await cli(cordon, 'status', '--json');
  return JSON.parse(stdout) as { problems: string[]; acme: Record<string, unknown> | null };
};

const cli = (cordon: Cordon, ...words: string[]) =>
  runCommandHere([...words, '--config', join(cordon.directory, 'cordon.yaml')]);

/** Who is shown there to clients that are strict, by its fingerprint; undefined: nobody. */
const seenAt = async (cordon: Cordon, ca: string): Promise<string | undefined> => {
  const client = await DotClient.open(listenerOf(cordon, 'dot'), { ca }).catch(() => undefined);
  const fingerprint = client?.socket.getPeerCertificate().fingerprint256;
  await client?.end();
  return fingerprint;
};

test('a certificate is obtained at the first start, served over TLS and HTTPS, told of, and kept over a restart', async (context) => {
  const pebble = await pebbleOf(context);
  const acme = `names: [${SERVER_NAME}, 127.0.0.1], terms-agreed: true, contact: dns@agency.example`;
  const cordon = await cordonOf(pebble, { acme });
  expect(await obtained(cordon)).toMatchObject({ names: [`DNS:${SERVER_NAME}`, 'IP Address:127.0.0.1'] });
  await expect.poll(() => seenAt(cordon, pebble.root), { timeout: 60_000 }).toBeDefined();
  const fingerprint = await seenAt(cordon, pebble.root);
  const client = await DotClient.open(listenerOf(cordon, 'dot'), { ca: pebble.root });
  expect(await client.ask('www.example. A')).toMatchObject({ rcode: RCODE.NOERROR });
  expect(await client.ask('www.tiktok.com. A')).toMatchObject({ rcode: RCODE.NXDOMAIN });
  await client.end();
  const https = await openHttp2(listenerOf(cordon, 'doh'), { ca: pebble.root });
  const { body } = await https.request({ path: getPath(buildQuery('www.example. A')) });
  expect(readReply(body)).toMatchObject({ rcode: RCODE.NOERROR });
  await https.close();

  for (const kind of ['certificate', 'account']) expect(statSync(kept(kind)).mode & 0o777).toBe(0o600);
  expect(statSync(join(state, 'acme')).mode & 0o777).toBe(0o700);
  expect(await problems(cordon)).toMatchObject({ acme: { state: 'issued', failures: 0, error: null } });
  expect(await readMetric(cordon, 'cordon_acme_orders_total', { result: 'issued' })).toBe(1);
  expect(
    await readMetric(cordon, 'cordon_tls_handshakes_total', { result: 'challenge' }),
  ).toBeGreaterThanOrEqual(2);
  const checked = await cli(cordon, 'check');
  expect(checked.stdout).toContain(`# tls.acme: for DNS:${SERVER_NAME}, IP Address:127.0.0.1, until `);
  const listed = async (): Promise<string> => {
    const { stdout, stderr } = await cli(cordon, 'records', 'list', '--json');
    return stdout + stderr;
  };
  await expect
    .poll(listed, { timeout: 60_000, interval: 1_000 })
    .toContain(`"fingerprint": "${fingerprint}"`);
  const records = await listed();
  const secrets = [kept('certificate'), kept('account')].map(
    (path) => /BEGIN PRIVATE KEY-----(?:\\n|\n)(\S{40})/.exec(readFileSync(path, 'utf8'))?.[1],
  );
  for (const secret of secrets) {
    expect(secret).toHaveLength(40);
    expect(cordon.output() + records + checked.stdout).not.toContain(secret);
  }

  await running.pop()?.stop();
  const again = await cordonOf(pebble, { acme });
  expect(await seenAt(again, pebble.root)).toBe(fingerprint);
  await ask(again.dns, 'www.example. A');
  expect(again.logs().filter(({ msg }) => msg === ASKED)).toEqual([]);
  expect(pebble.output().match(/There are now \d+ accounts/g)).toHaveLength(1);
});

test('while the authority is not there plain DNS goes on, the state is told, and it is asked again', {
  tags: 'night',
}, async (context) => {
  const pebble = await pebbleOf(context);
  await running.pop()?.stop();
  const cordon = await cordonOf(pebble, { doq: '"127.0.0.1:0"' });
  expect(await failed(cordon)).toMatchObject({ level: 'error', err: { code: 'ERR_ACME_UNREACHABLE' } });
  const overQuic = listenerOf(cordon, 'doq');
  expect(await QuicTestClient.open(overQuic)).toBeUndefined();
  expect(await ask(cordon.dns, 'www.example. A')).toMatchObject({ rcode: RCODE.NOERROR });
  expect(await ask(cordon.dns, '_dns.resolver.arpa. SVCB')).toMatchObject({ answer: [] });
  expect(await seenAt(cordon, pebble.root)).toBeUndefined();
  const told = await problems(cordon);
  expect(told).toMatchObject({
    acme: { state: 'failing', error: 'ERR_ACME_UNREACHABLE' },
    certificate: null,
  });
  expect(told.problems).toContainEqual(expect.stringContaining('no certificate was obtained by ACME'));
  expect(await readMetric(cordon, 'cordon_acme_failures')).toBe(1);
  const again = await startPebble({
    ...{ tlsPort: dohPort, dns: upstream.endpoint, port: pebble.port, authority: pebble.authority },
  });
  running.push(again);
  await obtained(cordon);
  await expect.poll(() => seenAt(cordon, again.root), { timeout: 60_000 }).toBeDefined();
  expect(await readMetric(cordon, 'cordon_acme_failures')).toBe(0);
  const quic = await QuicTestClient.open(overQuic);
  const reply = await quic?.ask(frame(buildQuery('www.example. A', { id: 0 })));
  quic?.close();
  expect(readReply(reply?.subarray(2) ?? Buffer.alloc(0))).toMatchObject({ rcode: RCODE.NOERROR });
});

test('an account that the authority wants to know, nonces that it refuses, and one that forgot the account', {
  tags: 'night',
}, async (context) => {
  const key = Buffer.alloc(32, 7).toString('base64url');
  const options = { externalAccounts: { 'agency-7': key }, env: { PEBBLE_WFE_NONCEREJECT: '50' } };
  const pebble = await pebbleOf(context, options);
  const without = await cordonOf(pebble);
  expect(await failed(without)).toMatchObject({ err: { code: 'ERR_ACME_EXTERNAL_ACCOUNT' } });
  await running.pop()?.stop();
  const acme = `names: [${SERVER_NAME}], terms-agreed: true, external-account: { id: agency-7, key-file: eab.key }`;
  const wrong = await cordonOf(pebble, { acme, files: { 'eab.key': `${'x'.repeat(43)}\n` } });
  expect(await failed(wrong)).toMatchObject({ err: { code: 'ERR_ACME_REFUSED' } });
  expect(wrong.output()).not.toContain('x'.repeat(20));
  await running.pop()?.stop();
  const cordon = await cordonOf(pebble, { acme, files: { 'eab.key': `${key}\n` } });
  await obtained(cordon);
  expect(cordon.output()).not.toContain(key.slice(0, 20));
  // Another start of the same authority knows nobody.
  await running.pop()?.stop();
  await running.pop()?.stop();
  rmSync(kept('certificate'));
  await startPebble({
    ...{
      tlsPort: dohPort,
      dns: upstream.endpoint,
      port: pebble.port,
      authority: pebble.authority,
      ...options,
    },
  }).then((again) => running.push(again));
  await obtained(await cordonOf(pebble, { acme, files: { 'eab.key': `${key}\n` } }));
});

test('no certificate is asked for without consent to the terms', { tags: 'night' }, async (context) => {
  const pebble = await pebbleOf(context);
  const cordon = await cordonOf(pebble, { acme: `names: [${SERVER_NAME}]` });
  expect(await failed(cordon)).toMatchObject({
    err: { code: 'ERR_ACME_TERMS', hint: expect.stringContaining('terms-agreed') as string },
  });
  expect(pebble.output()).not.toContain('There are now 1 accounts');
});

test('a certificate is renewed before its end, and no query fails meanwhile', {
  tags: 'night',
}, async (context) => {
  requireMachineClock(context, 'pebble');
  const pebble = await pebbleOf(context, { validitySec: 30 });
  const cordon = await cordonOf(pebble);
  await obtained(cordon);
  await expect.poll(() => seenAt(cordon, pebble.root), { timeout: 60_000 }).toBeDefined();
  const seen = new Set<string | undefined>();
  let [good, isOver] = [0, false];
  const fresh = async (): Promise<void> => {
    while (!isOver) {
      const client = await DotClient.open(listenerOf(cordon, 'dot'), { ca: pebble.root });
      seen.add(client.socket.getPeerCertificate().fingerprint256);
      expect(await client.ask('www.example. A')).toMatchObject({ rcode: RCODE.NOERROR });
      await client.end();
      good++;
      await sleep(PAUSE_MS);
    }
  };
  const staying = async (): Promise<void> => {
    const https = await openHttp2(listenerOf(cordon, 'doh'), { ca: pebble.root });
    while (!isOver) {
      const { body } = await https.request({ path: getPath(buildQuery('www.example. A')) });
      expect(readReply(body)).toMatchObject({ rcode: RCODE.NOERROR });
      good++;
      await sleep(PAUSE_MS);
    }
    await https.close();
  };
  const loads = [fresh(), staying()];
  const from = cordon.logs().length;
  await obtained(cordon, from);
  await cordon.waitForLog(({ msg }) => msg === 'certificate renewed', from);
  await expect.poll(() => seen.size, { timeout: 60_000 }).toBe(2);
  isOver = true;
  await Promise.all(loads);
  expect(good).toBeGreaterThan(100);
  expect(await readMetric(cordon, 'cordon_acme_orders_total', { result: 'issued' })).toBe(2);
});

test('an order that fails takes no certificate away', { tags: 'night' }, async (context) => {
  const pebble = await pebbleOf(context);
  const cordon = await cordonOf(pebble);
  await obtained(cordon);
  await expect.poll(() => seenAt(cordon, pebble.root), { timeout: 60_000 }).toBeDefined();
  const fingerprint = await seenAt(cordon, pebble.root);
  const path = join(cordon.directory, 'cordon.yaml');
  // It leads to 192.0.2.1, where nobody is.
  writeFileSync(path, readFileSync(path, 'utf8').replace(`[${SERVER_NAME}]`, `[${SERVER_NAME}, 127.0.0.9]`));
  const from = cordon.logs().length;
  cordon.signal('SIGHUP');
  const line = await failed(cordon, from);
  expect(line).toMatchObject({ err: { code: 'ERR_ACME_CHALLENGE' } });
  expect(line.msg).toContain('the one before stays in force');
  const next = Date.parse(String(line['next'])) - Date.now();
  expect(next).toBeGreaterThan(100_000);
  expect(next).toBeLessThan(181_000);
  expect(await seenAt(cordon, pebble.root)).toBe(fingerprint);
});

/** A handshake, and what came after it; how it failed otherwise. */
const knock = (
  protocols: readonly string[],
  servername: string,
  from = '127.0.0.1',
  port = dohPort,
): Promise<{
  protocol?: string | false | null;
  names?: string | undefined;
  bytes?: number;
  error?: string;
}> =>
  new Promise((resolve) => {
    const socket = connect({
      ...{ host: '127.0.0.1', port, localAddress: from, servername, ALPNProtocols: [...protocols] },
      rejectUnauthorized: false,
    });
    let bytes = 0;
    let found: { protocol?: string | false | null; names?: string | undefined } = {};
    socket.once('secureConnect', () => {
      found = { protocol: socket.alpnProtocol, names: socket.getPeerCertificate().subjectaltname };
      if (socket.alpnProtocol !== 'acme-tls/1') socket.destroy();
      else
        socket.write(
          Buffer.concat([
            Buffer.from(
              'GET /dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlAAABAAE HTTP/1.1\r\nhost: a\r\n\r\n',
            ),
          ]),
        );
    });
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ ...found, bytes, error: error.code ?? '' }),
    );
    socket.on('close', () => resolve({ ...found, bytes }));
  });

test('an outsider gets of a challenge what RFC 8737 has, only while it is open, and no DNS', async () => {
  const directory = await ScriptedDirectory.open();
  running.push(directory);
  directory.status = 'pending';
  // With a certificate from files that serves meanwhile, so that whoever gets further than to the challenge is seen.
  const own = directory.authority.issue({ names: [`DNS:${SERVER_NAME}`, 'DNS:own.example'] });
  const cordon = await cordonOf(directory, {
    more: 'access: { allow: ["127.0.0.1/32"] }',
    tls: 'tls: { cert: cert.pem, key: key.pem }',
    files: { 'cert.pem': own.certificate, 'key.pem': own.key },
  });
  const path = join(cordon.directory, 'cordon.yaml');
  const acme = `tls: { acme: { directory: "${directory.directory}", ca: ca.pem, names: [${SERVER_NAME}] } }`;
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^tls: .*$/m, acme));
  cordon.signal('SIGHUP');
  await expect
    .poll(() => directory.requests.some((request) => request.path.startsWith('/challenge')), {
      timeout: 90_000,
    })
    .toBe(true);
  const names = `DNS:${SERVER_NAME}`;
  const challenged = { protocol: 'acme-tls/1', names, bytes: 0 };
  // Each worker, from outside of `access` as well: the authority comes from anywhere.
  for (const from of ['127.0.0.1', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6']) {
    expect(await knock(['acme-tls/1'], SERVER_NAME.toUpperCase(), from)).toMatchObject(challenged);
  }
  const { port } = listenerOf(cordon, 'dot');
  for (const [protocols, name, from, at] of [
    [['acme-tls/1'], 'other.example', '127.0.0.1', dohPort],
    [['acme-tls/1'], 'other.example', '127.0.0.3', dohPort],
    [['acme-tls/1'], SERVER_NAME, '127.0.0.1', port],
    [['h2'], SERVER_NAME, '127.0.0.3', dohPort],
    [['h2', 'acme-tls/1'], SERVER_NAME, '127.0.0.3', dohPort],
    [['acme-tls/1'], SERVER_NAME, '127.0.0.3', port],
    [['dot'], SERVER_NAME, '127.0.0.3', port],
  ] as const) {
    const got = await knock(protocols, name, from, at);
    expect(got.protocol ?? 'none').toBe('none');
    expect(got.names).toBeUndefined();
  }
  for (const protocols of [['h2'], ['h2', 'acme-tls/1']]) {
    expect(await knock(protocols, SERVER_NAME)).toMatchObject({
      protocol: 'h2',
      names: `${names}, DNS:own.example`,
    });
  }
  // A flood of them leaves the answers of plain DNS alone.
  const flood = Array.from({ length: 100 }, (_, i) =>
    knock(['acme-tls/1'], SERVER_NAME, `127.0.${1 + (i % 20)}.9`),
  );
  for (let i = 0; i < 20; i++)
    expect(await ask(cordon.dns, `w${i}.example. A`)).toMatchObject({ rcode: RCODE.NOERROR });
  for (const got of await Promise.all(flood)) expect(got.bytes).toBe(0);

  directory.status = 'valid';
  await obtained(cordon);
  await expect
    .poll(() => knock(['h2'], SERVER_NAME), { timeout: 60_000 })
    .toMatchObject({ protocol: 'h2', names });
  expect((await knock(['acme-tls/1'], SERVER_NAME)).protocol ?? 'none').toBe('none');
  expect((await knock(['h2'], SERVER_NAME, '127.0.0.3')).protocol ?? 'none').toBe('none');
  expect(await readMetric(cordon, 'cordon_tls_refused_total', { reason: 'access' })).toBeGreaterThan(3);
});

test('a certificate for another key than was asked for is not served', async () => {
  const directory = await ScriptedDirectory.open();
  running.push(directory);
  const { certificate } = directory.authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  directory.twist = ({ path }) => (path === '/certificate' ? { body: certificate } : undefined);
  const cordon = await cordonOf(directory);
  expect(await failed(cordon)).toMatchObject({ err: { code: 'ERR_ACME_CERTIFICATE' } });
  expect(await seenAt(cordon, directory.authority.certificate)).toBeUndefined();
});

test('what is kept and damaged is obtained again, and a start goes on without', {
  tags: 'night',
}, async (context) => {
  const pebble = await pebbleOf(context);
  await obtained(await cordonOf(pebble));
  await running.pop()?.stop();
  writeFileSync(kept('certificate'), 'garbage');
  writeFileSync(kept('account'), '{"key":');
  const cordon = await cordonOf(pebble);
  expect(
    await cordon.waitForLog(({ msg }) => msg === 'the certificate that was obtained cannot be used'),
  ).toMatchObject({
    err: { code: 'ERR_CERTIFICATE_FORM' },
  });
  await obtained(cordon);
  await expect.poll(() => seenAt(cordon, pebble.root), { timeout: 60_000 }).toBeDefined();
});

test('from files to ACME the certificate of the files serves until there is another one', {
  tags: 'night',
}, async (context) => {
  const pebble = await pebbleOf(context);
  const own = pebble.authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  const acme = `tls: { acme: { directory: "${pebble.directory}", ca: ca.pem, names: [${SERVER_NAME}], terms-agreed: true } }`;
  await running.pop()?.stop();
  const cordon = await cordonOf(pebble, {
    files: { 'cert.pem': own.certificate, 'key.pem': own.key },
    tls: 'tls: { cert: cert.pem, key: key.pem }',
  });
  const before = await seenAt(cordon, pebble.authority.certificate);
  expect(before).toBeDefined();
  const path = join(cordon.directory, 'cordon.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^tls: .*$/m, acme));
  cordon.signal('SIGHUP');
  await failed(cordon);
  expect(await seenAt(cordon, pebble.authority.certificate)).toBe(before);
  const again = await startPebble({
    ...{ tlsPort: dohPort, dns: upstream.endpoint, port: pebble.port, authority: pebble.authority },
  });
  running.push(again);
  await obtained(cordon);
  await expect.poll(() => seenAt(cordon, again.root), { timeout: 60_000 }).toBeDefined();
});
