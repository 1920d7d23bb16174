// dnsdist with the configuration that ships, in front of two Cordons: clients are in their groups, and one Cordon that is gone
// costs nobody an answer. Only addresses are replaced.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { ask } from '../support/client.ts';
import { freeEndpoint } from '../support/ports.ts';
import {
  endProgram,
  findProgram,
  isInstalled,
  requireProgram,
  run,
  type SocketAddress,
} from '../support/process.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';
import { root } from '../tidy/sources.ts';

const WAIT = { timeout: 90_000, interval: 100 };
const work = mkdtempSync(join(tmpdir(), 'cordon-dnsdist-'));
const file = join(work, 'dnsdist.conf');
let upstream: ScriptedUpstream;
let cordons: Cordon[] = [];
let dnsdist: ChildProcess | undefined;
let front: SocketAddress;

const start = (): Promise<Cordon> =>
  startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
proxies: { from: ["127.0.0.1"] }
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: lab, file: lab.txt, format: domains }]
groups:
  - { name: default, lists: [] }
  - { name: lab, clients: ["127.0.0.77"], lists: [lab] }
`,
    files: { 'lab.txt': 'lab.example\n' },
  });

const replace = (text: string, from: string | RegExp, to: string): string => {
  expect(text).toMatch(from);
  return text.replace(from, to);
};

beforeAll(async () => {
  if (!isInstalled('dnsdist')) return;
  upstream = await ScriptedUpstream.open((query) => answer(query, [`${query.name} 300 IN A 192.0.2.1`]));
  cordons = await Promise.all([start(), start()]);
  front = await freeEndpoint();
  let text = readFileSync(join(root, 'deploy/dnsdist/dnsdist.conf'), 'utf8');
  text = replace(text, 'setLocal("0.0.0.0:53")', `setLocal("127.0.0.1:${front.port}")`);
  text = replace(text, 'addLocal("[::]:53")', '');
  text = replace(text, '192.0.2.10:53', `127.0.0.1:${cordons[0]?.dns.port}`);
  text = replace(text, '192.0.2.11:53', `127.0.0.1:${cordons[1]?.dns.port}`);
  writeFileSync(file, text);
  dnsdist = spawn(findProgram('dnsdist') ?? 'dnsdist', ['--supervised', '--disable-syslog', '-C', file], {
    stdio: 'ignore',
  });
  await vi.waitUntil(async () => (await dig('www.example')).includes('status: NOERROR'), WAIT);
});

afterAll(async () => {
  if (dnsdist !== undefined) await endProgram(dnsdist);
  for (const cordon of cordons) await cordon.kill();
  await upstream?.close();
  rmSync(work, { recursive: true, force: true });
});

const dig = async (name: string): Promise<string> =>
  (await run('dig', ['@127.0.0.1', '-p', `${front.port}`, '+tries=1', '+time=1', name])).stdout;

const requirePrograms = (context: TestContext): void => {
  for (const program of ['dnsdist', 'dig']) requireProgram(context, program);
};

test('clients are in their groups, over UDP and TCP', async (context) => {
  requirePrograms(context);
  for (const transport of ['udp', 'tcp'] as const) {
    const lab = await ask(front, 'lab.example. A', { from: '127.0.0.77', transport });
    expect(lab.rcode).toBe(RCODE.NXDOMAIN);
    const other = await ask(front, 'lab.example. A', { from: '127.0.0.78', transport });
    expect(other.rcode).toBe(RCODE.NOERROR);
  }
});

test('a Cordon that is gone is taken out, and the other one answers', { tags: 'night' }, async (context) => {
  requirePrograms(context);
  await cordons[0]?.kill();
  // Until dnsdist has seen it twice, a query may go to the one that is gone.
  let inARow = 0;
  await vi.waitUntil(async () => {
    inARow = (await dig(`n${inARow}.example`)).includes('status: NOERROR') ? inARow + 1 : 0;
    return inARow === 20;
  }, WAIT);
});
