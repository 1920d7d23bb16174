// Pebble, an authority that speaks ACME, on 127.0.0.1: what it looks at is a port of the test's choice, by a name server of the test's choice.
//
//   const pebble = await startPebble({ tlsPort, dns: upstream.endpoint });
//
// Its own certificate is for `acme.example`, by an authority of the tests. It forgets everything at its end.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CertificateAuthority } from './certificates.ts';
import { ownClock } from './fake-time.ts';
import { freePort } from './ports.ts';
import { findProgram, type SocketAddress } from './process.ts';

/** The name of its directory. */
export const ACME_HOST = 'acme.example';
const START_TRIES_MAX = 300;
const START_INTERVAL_MS = 50;

/** How it is started. */
export interface PebbleOptions {
  /** Where it looks whether a name leads to who asks. */
  readonly tlsPort: number;
  /** Whom it asks for addresses. */
  readonly dns: SocketAddress;
  /** Its own port, and who signed its certificate; those of one that was stopped. */
  readonly port?: number;
  readonly authority?: CertificateAuthority;
  /** Keys by identifier, of which each new account needs one. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  /** Of certificates, seconds. */
  readonly validitySec?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A running authority. */
export interface Pebble {
  readonly port: number;
  readonly authority: CertificateAuthority;
  /** Address of its directory. */
  readonly directory: string;
  /** PEM of the root that its certificates lead to. */
  readonly root: string;
  /** What it printed. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts it, and waits until it answers. */
export const startPebble = async (options: PebbleOptions): Promise<Pebble> => {
  const { tlsPort, dns, externalAccounts, validitySec, env } = options;
  const authority = options.authority ?? CertificateAuthority.create('Authority of the directory');
  const own = authority.issue({ names: [`DNS:${ACME_HOST}`, 'IP:127.0.0.1'] });
  const [port, managementPort, httpPort] = [
    options.port ?? (await freePort()),
    await freePort(),
    await freePort(),
  ];
  const directory = mkdtempSync(join(tmpdir(), 'cordon-pebble-'));
  const file = join(directory, 'pebble.json');
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: own.certificateFile,
    privateKey: own.keyFile,
    ...{ httpPort, tlsPort, ocspResponderURL: '', retryAfter: { authz: 1, order: 1 } },
    externalAccountBindingRequired: externalAccounts !== undefined,
    ...(externalAccounts && { externalAccountMACKeys: externalAccounts }),
    ...(validitySec && { certificateValidityPeriod: validitySec }),
  };
  writeFileSync(file, JSON.stringify({ pebble }));
  const args = ['-config', file, '-strict', '-dnsserver', `${dns.address}:${dns.port}`];
  const child = spawn(findProgram('pebble') ?? 'pebble', args, {
    env: { PATH: process.env['PATH'], ...ownClock(), PEBBLE_VA_NOSLEEP: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'close');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const root = await readRoot(child, managementPort, authority.certificate, () => output);
    return {
      port,
      authority,
      directory: `https://${ACME_HOST}:${port}/dir`,
      root,
      output: () => output,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

const readRoot = async (
  child: ChildProcess,
  port: number,
  ca: string,
  output: () => string,
): Promise<string> => {
  for (let tries = 0; tries < START_TRIES_MAX; tries++) {
    assert.ok(child.exitCode === null, `pebble ended\n${output()}`);
    const text = await get(port, '/roots/0', ca);
    if (text !== undefined) return text;
    await sleep(START_INTERVAL_MS);
  }
  throw new Error(`pebble does not answer\n${output()}`);
};

const get = async (port: number, path: string, ca: string): Promise<string | undefined> => {
  const asked = request({ host: '127.0.0.1', port, path, ca, agent: false });
  asked.end();
  try {
    const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  } catch {
    return undefined;
  }
};
