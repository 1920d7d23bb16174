// NSD, an authoritative server, with zones as they are given, on 127.0.0.1.
//
//   const nsd = await startNsd({ 'example.': lines });
//
// Unlike a resolver it answers for its own zones only, and leaves to the asker where aliases lead out of them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from './client.ts';
import { freeEndpoint } from './ports.ts';
import { findProgram, type SocketAddress } from './process.ts';

/** Tries until NSD answers for a zone. */
const START_TRIES_MAX = 600;
const START_INTERVAL_MS = 50;

/** A running NSD. */
export interface Nsd {
  readonly endpoint: SocketAddress;
  stop(): Promise<void>;
}

/** Starts NSD with zones by their apex, and waits until it answers for each. */
export const startNsd = async (zones: Readonly<Record<string, string>>): Promise<Nsd> => {
  const endpoint = await freeEndpoint();
  const directory = mkdtempSync(join(tmpdir(), 'cordon-nsd-'));
  const parts = Object.entries(zones).map(([apex, text], index) => {
    writeFileSync(join(directory, `zone-${index}`), text);
    return `zone:\n  name: "${apex}"\n  zonefile: zone-${index}\n`;
  });
  const file = join(directory, 'nsd.conf');
  writeFileSync(
    file,
    `server:
  ip-address: 127.0.0.1@${endpoint.port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "${directory}"
  pidfile: "${directory}/nsd.pid"
  xfrdfile: "${directory}/xfrd.state"
  zonelistfile: "${directory}/zone.list"
  xfrdir: "${directory}"
remote-control:
  control-enable: no
${parts.join('')}`,
  );
  const child = spawn(findProgram('nsd') ?? 'nsd', ['-d', '-c', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'close');
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    process.off('exit', kill);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    for (const apex of Object.keys(zones)) await untilServed(endpoint, apex, () => child.exitCode === null);
  } catch (error) {
    await stop();
    throw new Error(`NSD does not serve its zones: ${errors.slice(-2000)}`, { cause: error });
  }
  return { endpoint, stop };
};

const untilServed = async (endpoint: SocketAddress, apex: string, isAlive: () => boolean): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    try {
      const reply = await ask(endpoint, `${apex} SOA`, { flags: 0, transport: 'tcp' });
      assert.equal(reply.answer.length, 1, `RCODE ${reply.rcode}`);
      return;
    } catch (error) {
      if (attempt === START_TRIES_MAX || !isAlive()) throw error;
      await new Promise((resolve) => setTimeout(resolve, START_INTERVAL_MS));
    }
  }
};
