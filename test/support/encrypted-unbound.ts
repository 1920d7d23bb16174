// unbound as a server of DNS over TLS and over HTTPS on 127.0.0.1: a second opinion on our own client.
//
// It answers every name below example.test with one address, from its own data; it forwards nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Issued } from './certificates.ts';
import { freePort } from './ports.ts';
import { findProgram } from './process.ts';

/** What every name below example.test has. */
export const UNBOUND_ADDRESS = '192.0.2.77';
const READY_TIMEOUT_MS = 90_000;

/** A running unbound. */
export interface EncryptedUnbound {
  readonly tlsPort: number;
  readonly httpsPort: number;
  stop(): void;
}

/** Starts unbound with a certificate and waits until it listens. */
export const startEncryptedUnbound = async (issued: Issued): Promise<EncryptedUnbound> => {
  const [tlsPort, httpsPort] = [await freePort(), await freePort()];
  const directory = mkdtempSync(join(tmpdir(), 'cordon-unbound-'));
  const file = join(directory, 'unbound.conf');
  writeFileSync(
    file,
    `server:
  directory: "${directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-udp: no
  interface: 127.0.0.1@${tlsPort}
  interface: 127.0.0.1@${httpsPort}
  tls-port: ${tlsPort}
  https-port: ${httpsPort}
  tls-service-key: "${issued.keyFile}"
  tls-service-pem: "${issued.certificateFile}"
  module-config: "iterator"
  local-zone: "example.test." redirect
  local-data: "example.test. 300 IN A ${UNBOUND_ADDRESS}"
remote-control:
  control-enable: no
`,
  );
  const child = spawn(findProgram('unbound') ?? 'unbound', ['-d', '-c', file], { stdio: 'ignore' });
  const stop = (): void => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  await Promise.all([untilOpen(tlsPort, child), untilOpen(httpsPort, child)]).catch((error: unknown) => {
    stop();
    throw error;
  });
  return { tlsPort, httpsPort, stop };
};

const untilOpen = async (port: number, child: ChildProcess): Promise<void> => {
  const endMs = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < endMs && child.exitCode === null) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`unbound does not listen on port ${port}`);
};
