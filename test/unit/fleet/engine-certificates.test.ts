// Certificates of the engine: issued, renewed in time, found by their hash, and watched as a server shows them.
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  authorityHash,
  certificatePaths,
  hashOf,
  issueServer,
  makeAuthority,
  readCertificates,
  renewCertificates,
} from '../../../src/fleet/engine-certificates.ts';
import { EngineMonitor } from '../../../src/fleet/engine-monitor.ts';
import { joinByWord } from '../../../src/fleet/join.ts';
import { readKeyText } from '../../../src/fleet/key.ts';
import { shownChain } from '../../../src/fleet/shown-chain.ts';
import { engineFromSafe, makeFleet } from '../../../src/fleet/start.ts';
import { Tokens } from '../../../src/fleet/tokens.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.now();
let directory: string;
const servers: Server[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-certificates-'));
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Speaks first, as an engine does, and then TLS with the certificate of a directory. */
const listen = async (
  paths: { cert: string; key: string },
  first = 'INFO {"tls_required":true}\r\n',
): Promise<string> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(first);
    const secure = new TLSSocket(socket, {
      isServer: true,
      cert: readFileSync(paths.cert),
      key: readFileSync(paths.key),
    });
    secure.on('error', () => undefined);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `tls://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
};

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

test('what is issued is for the engine’s user and group, and its key for nobody else', () => {
  makeAuthority(directory, 'ns1', NOW_MS);
  const { cert, key, ca } = issueServer(directory, ['[2001:db8::1]'], NOW_MS);
  expect(new X509Certificate(readFileSync(cert)).checkIP('2001:db8::1')).toBeDefined();
  expect(new X509Certificate(readFileSync(cert)).checkHost('localhost')).toBeDefined();
  const modes = [cert, key, ca, join(directory, 'ca.key')].map((path) => statSync(path).mode & 0o777);
  for (const mode of modes) expect(mode & 0o027).toBe(0);
  expect((modes[3] ?? 0) & 0o077).toBe(0);
});

test('certificates are renewed in their last third, each for its names, and no others', () => {
  makeAuthority(directory, 'ns1', NOW_MS);
  issueServer(directory, ['192.0.2.1'], NOW_MS);
  issueServer(directory, ['nats2.example'], NOW_MS - 200 * DAY_MS, 'nats2.example');
  expect(renewCertificates(directory, NOW_MS + 70 * DAY_MS, 'due')).toEqual([
    certificatePaths(directory, 'nats2.example').cert,
  ]);
  expect(renewCertificates(directory, NOW_MS + 70 * DAY_MS, 'due')).toEqual([]);
  expect(renewCertificates(directory, NOW_MS + 266 * DAY_MS, 'due')).toEqual([
    certificatePaths(directory).cert,
  ]);
  expect(readCertificates(directory).map(({ names }) => names)).toEqual([
    [],
    ['nats2.example', 'localhost'],
    ['192.0.2.1', 'localhost'],
  ]);
});

test('a server whose certificate ends soon is told, until it shows another one', async () => {
  makeAuthority(directory, 'ns1', NOW_MS);
  const other = join(directory, 'other');
  makeAuthority(other, 'ns9', NOW_MS);
  issueServer(directory, ['127.0.0.1'], NOW_MS);
  const ending = await listen(issueServer(other, ['127.0.0.1'], NOW_MS - 380 * DAY_MS));
  const lasting = await listen(certificatePaths(directory));
  const options = { directory, seedPath: join(directory, 'none'), caPath: undefined };
  const keeper = new EngineMonitor({
    ...options,
    servers: [lasting, ending, 'nats://127.0.0.1:1'],
    acts: { log: quiet, clock: () => NOW_MS },
  });
  await keeper.look();
  expect(keeper.ends).toMatchObject([{ server: ending }]);
});

test('a word leads to the engine that it names and to no other', async () => {
  makeAuthority(directory, 'ns1', NOW_MS);
  issueServer(directory, ['127.0.0.1'], NOW_MS);
  const other = join(directory, 'other');
  makeAuthority(other, 'ns1', NOW_MS);
  const server = await listen(certificatePaths(directory));
  const forged = await listen(issueServer(other, ['127.0.0.1'], NOW_MS));
  const ca = authorityHash(certificatePaths(directory).ca);
  expect((await shownChain(server)).map(hashOf)).toContain(ca);
  const tokens = new Tokens(join(directory, 'tokens.json'), () => NOW_MS);
  const wordTo = (...at: string[]): string =>
    tokens.issue('ns2', undefined, { authority: 'a'.repeat(64), servers: at, ca: ca ?? '' }).text;
  const state = join(directory, 'state');
  await expect(joinByWord(wordTo(forged), state, NOW_MS)).rejects.toMatchObject({
    code: 'ERR_FLEET_SIGNATURE',
  });
  await expect(joinByWord(wordTo('tls://127.0.0.1:1'), state, NOW_MS)).rejects.toMatchObject({
    code: 'ERR_FLEET_ENGINE',
  });
  await expect(joinByWord(wordTo(server), state, NOW_MS + 2 * DAY_MS)).rejects.toMatchObject({
    code: 'ERR_FLEET_TOKEN',
  });
  const bare = tokens.issue('ns3', undefined, { authority: 'a'.repeat(64) }).text;
  await expect(joinByWord(bare, state, NOW_MS)).rejects.toMatchObject({ code: 'ERR_FLEET_TOKEN' });
  const http = await listen(certificatePaths(directory), 'HTTP/1.1 400 Bad Request\r\n\r\n');
  await expect(joinByWord(wordTo(http), state, NOW_MS)).rejects.toThrow('no engine of NATS answers');
});

test('what lies in the safe makes an engine that all believe, and is the key that takes over', () => {
  const options = {
    name: 'ns1',
    site: undefined,
    server: '192.0.2.1:4222',
    store: join(directory, 'store'),
    nowMs: NOW_MS,
  };
  const first = makeFleet({ ...options, stateDirectory: join(directory, 'ns1') });
  expect(statSync(join(directory, 'ns1/fleet/authority-key.pem')).mode & 0o077).toBe(0);
  expect(() => statSync(join(directory, 'ns1/fleet/safe-key.pem'))).toThrow('ENOENT');
  const engine = engineFromSafe(join(directory, 'ns2'), first.safe, '192.0.2.2:4222', options.store, NOW_MS);
  const before = new X509Certificate(readFileSync(first.ca));
  const now = new X509Certificate(readFileSync(engine.tls?.cert ?? ''));
  expect(now.verify(before.publicKey)).toBe(true);
  expect(now.checkIP('192.0.2.2')).toBeDefined();
  expect(readKeyText(first.safe, 'safe').keyId).toMatch(/^[0-9a-f]+$/);
  const alone = first.safe.slice(0, first.safe.indexOf('-----BEGIN', 1));
  expect(() =>
    engineFromSafe(join(directory, 'ns3'), alone, '192.0.2.3:4222', options.store, NOW_MS),
  ).toThrow('has no certificate authority');
});
