// A group by listener: the same client gets another policy at another address, over UDP and TCP, and after a reload.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseEndpoint } from '../../src/base/base.ts';
import { RCODE, TYPE } from '../../src/wire/dns/dns.ts';
import { ask, reload } from '../support/client.ts';
import { freePort } from '../support/ports.ts';
import { type Cordon, type SocketAddress, startCordon } from '../support/process.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let cordon: Cordon;
let inner: SocketAddress;
let outer: SocketAddress;

const configWith = (listeners: string): string => `
listen: { dns: ["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"], admin: "127.0.0.1:0" }
workers: 2
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists:
  - { id: own, file: own.txt }
groups:
  - { name: default, lists: [] }
  - { name: strict, listeners: ${listeners}, lists: [own] }
`;

beforeAll(async () => {
  upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === TYPE.A ? [`${query.name} 60 IN A 192.0.2.1`] : []),
  );
  cordon = await startCordon({
    config: configWith('["127.0.0.2:0", "[::1]:0"]'),
    files: { 'own.txt': 'listed.example\n' },
  });
  const addresses = (cordon.ready['dns'] as string[]).map((text) => parseEndpoint(text, 0));
  outer = { address: '127.0.0.1', port: addresses[0]?.port ?? 0 };
  inner = { address: '127.0.0.2', port: addresses[1]?.port ?? 0 };
});

afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
});

const rcodeAt = async (server: SocketAddress, transport: 'udp' | 'tcp'): Promise<number> =>
  (await ask(server, 'www.listed.example. A', { transport })).rcode;

test.each(['udp', 'tcp'] as const)('the listener decides over %s', async (transport) => {
  for (let again = 0; again < 2; again++) {
    expect(await rcodeAt(outer, transport)).toBe(RCODE.NOERROR);
    expect(await rcodeAt(inner, transport)).toBe(RCODE.NXDOMAIN);
  }
});

test('a reload gives the listener to nobody', async () => {
  expect(await reload(cordon, { 'cordon.yaml': configWith('["[::1]:0"]') })).toMatchObject({
    isRefused: false,
  });
  expect(await rcodeAt(inner, 'udp')).toBe(RCODE.NOERROR);
});

test.each([
  [1, '127.0.0.1:0', true],
  [3, '127.0.0.1:0', false],
  // Whoever names a port is told that it is taken.
  [1, '127.0.0.1:1', false],
])('a test whose program loses its port %i times at %s starts: %s', async (times, endpoint, isStarted) => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-listeners-'));
  // Fails as often as the file has bytes, then becomes the program.
  const script = `left=$(cat "$1"); [ -n "$left" ] || { shift; exec "$@"; }
printf %s "\${left#?}" >"$1"
echo 'cordon serve: listening on 127.0.0.1:1 (TCP): EADDRINUSE (another program has it) [ERR_SERVER_LISTEN]' >&2
exit 1`;
  writeFileSync(join(directory, 'left'), 'x'.repeat(times));
  try {
    const started = startCordon({
      config: `listen: { dns: ["${endpoint}"], admin: "127.0.0.1:0" }\nworkers: 1\nupstreams: ["192.0.2.53"]\n`,
      through: ['sh', '-c', script, 'sh', join(directory, 'left')],
    });
    const outcome = await started.then(
      async (program) => {
        await program.stop();
        return true;
      },
      (error: unknown) => !String(error).includes('ERR_SERVER_LISTEN'),
    );
    expect(outcome).toBe(isStarted);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a port for a program that is told one is below those that the kernel gives, and no other is given it', async () => {
  const range = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t')[0]);
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
  expect(Math.max(...ports)).toBeLessThan(range);
  expect(new Set(ports).size).toBe(20);
});
