// Ports for programs that have to be told one, and for those that take the same again after a restart.
//
// The kernel gives sockets without a port of their own one of its range; a resolver that is tested beside takes hundreds a
// second. A port that was drawn there and let go may be gone when its program opens it, so these are from below the range.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Endpoint } from '../../src/base/base.ts';

/** Below are those that programs have by default. */
const FIRST = 10_240;
/** As many as the tests that run at once have workers, at most; each has ports of its own. */
const WORKERS_MAX = 16;
const RANGE = '/proc/sys/net/ipv4/ip_local_port_range';
const TRIES_MAX = 100;

const end = Number(readFileSync(RANGE, 'utf8').trim().split(/\s+/)[0]);
const count = Math.floor((end - FIRST) / WORKERS_MAX);
const first = FIRST + (Number(process.env['VITEST_POOL_ID'] ?? process.pid) % WORKERS_MAX) * count;
/** Not the first: another run of the tests may go on beside this one. */
let next = Math.floor(Math.random() * count);

/** A port that is free for UDP and TCP on 127.0.0.1, and that no other test of the run is given. */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = first + (next++ % count);
    if (await isFree(port)) return port;
  }
  throw new Error(`${TRIES_MAX} ports from ${first} on are taken`);
};

/** The same, as an endpoint of 127.0.0.1. */
export const freeEndpoint = async (): Promise<Endpoint> => ({
  address: '127.0.0.1',
  port: await freePort(),
  family: 4,
});

const isFree = async (port: number): Promise<boolean> => {
  const tcp = createServer();
  const udp = createSocket('udp4');
  try {
    tcp.listen(port, '127.0.0.1');
    await once(tcp, 'listening');
    udp.bind(port, '127.0.0.1');
    await once(udp, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    if (tcp.listening) await new Promise((resolve) => tcp.close(resolve));
    await new Promise<void>((resolve) => udp.close(resolve));
  }
};
