// The self-probe over QUIC where something is wrong: a listener that leaks, another program in its place, nobody there, and no QUIC
// on the machine. Each is seen from outside.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { parsePrefix } from '../../src/base/base.ts';
import { PLAIN_WAYS, ProbeChannel } from '../../src/evidence/probe/channel.ts';
import type { ProbeRunStatus } from '../../src/evidence/probe/findings.ts';
import { ProbePlan } from '../../src/evidence/probe/plan.ts';
import { type ProbeRun, runProbe } from '../../src/evidence/probe/run.ts';
import { ProbeScene } from '../../src/evidence/probe/scene.ts';
import type { ProbedCertificate } from '../../src/evidence/records/records.ts';
import { CertificateAuthority, type Issued } from '../support/certificates.ts';
import { readMetric } from '../support/client.ts';
import { accessTable } from '../support/clients.ts';
import { runCommandHere } from '../support/command.ts';
import { listenerOf, SERVER_NAME } from '../support/encrypted-client.ts';
import { type Cordon, findProgram, requireProgram, startCordon } from '../support/process.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

let authority: CertificateAuthority;
let upstream: ScriptedUpstream;

beforeAll(async () => {
  authority = CertificateAuthority.create();
  upstream = await ScriptedUpstream.open((query) =>
    answer(query, query.type === 1 ? [`${query.name} 300 IN A 192.0.2.1`] : []),
  );
});
afterAll(() => upstream.close());

const start = async (doq: string, groups: string, more: Record<string, string> = {}): Promise<Cordon> => {
  const issued = authority.issue({ names: [`DNS:${SERVER_NAME}`] });
  const cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doq: ["${doq}"], admin: "127.0.0.1:0" }
tls: { cert: cert.pem, key: key.pem }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
probe: { interval: 1d, rate: 1000 }
lists: [{ id: ban, file: ban.txt, format: domains, mandate: true }]
${groups}`,
    files: {
      'ban.txt': 'tiktok.example\n',
      'cert.pem': issued.certificate,
      'key.pem': issued.key,
      ...more,
    },
    env: { CORDON_PROBE_INTERVAL: '1d', LD_LIBRARY_PATH: 'libs' },
  });
  onTestFinished(() => cordon.stop());
  return cordon;
};

const probe = async (of: Cordon, ...args: string[]): Promise<{ code: number | null; stdout: string }> => {
  return runCommandHere(['probe', '--config', join(of.directory, 'cordon.yaml'), ...args]);
};

test('a listener that answers what it should refuse is seen over QUIC, and only there', async () => {
  const cordon = await start(
    '127.0.0.2:0',
    `groups:
  - { name: default, lists: [ban] }
  - { name: hole, listeners: ["127.0.0.2:0"], lists: [] }
`,
  );
  const view = `listener:127.0.0.2:${listenerOf(cordon, 'doq').port}`;
  const { code, stdout } = await probe(cordon, '--json');
  const found = JSON.parse(stdout) as ProbeRunStatus;
  expect({ code, outcome: found.outcome }).toEqual({ code: 1, outcome: 'leaking' });
  const leaking = found.results.filter(({ outcome }) => outcome === 'leaking');
  expect([...new Set(leaking.map((result) => result.view))].sort()).toEqual(['group:hole', view]);
  const seen = leaking.find((result) => result.view === view);
  expect(seen?.transport).toBe('doq');
  // What leaked in a run before, such as that of the start, is asked again beside.
  expect(seen?.leaked).toBeGreaterThanOrEqual(2);
  // Each has a connection of its own: either may come first.
  expect([...new Set(seen?.examples)].sort()).toEqual([
    'tiktok.example A doq -edns: NOERROR tiktok.example. A 192.0.2.1',
    'tiktok.example A doq: NOERROR tiktok.example. A 192.0.2.1',
  ]);
  expect((await probe(cordon)).stdout).toMatch(new RegExp(`${view} +doq +A +\\d+ +\\d+ +0 +leaking`));
  const labels = { view, transport: 'doq', qtype: 'A' };
  expect(await readMetric(cordon, 'cordon_enforcement_probe_success', labels)).toBe(0);
});

test('without QUIC on the machine the run names the listener and says why', { tags: 'night' }, async () => {
  const cordon = await start('127.0.0.1:8853', '', { 'libs/libssl.so.3': 'no library\n' });
  const { stdout, code } = await probe(cordon, '--json');
  const { unasked, certificates, outcome } = JSON.parse(stdout) as ProbeRunStatus;
  expect({ code, outcome }).toEqual({ code: 0, outcome: 'enforced' });
  expect(unasked).toContainEqual({
    view: 'listener:127.0.0.1:8853',
    reason: expect.stringMatching(/^no DNS over QUIC here: .*libssl\.so\.3/) as string,
  });
  expect(certificates.map(({ transport }) => transport)).toEqual(['dot']);
});

/** What the probe of a configuration with one listener for QUIC finds there. */
const look = async (
  port: number,
  discoveredAt: readonly string[] = [],
): Promise<{ readonly run: ProbeRun | undefined; readonly certificates: ProbedCertificate[] }> => {
  const allowed = parsePrefix('127.0.0.0/8');
  const scene = await ProbeScene.create({
    groups: [{ name: 'default', lists: 1 }],
    outOfScope: [[]],
    mandates: ['ban'],
    access: accessTable({ allow: allowed === undefined ? [] : [allowed], groups: [[]], listeners: [[]] }),
    listen: [],
    secure: {
      listeners: [
        {
          transport: 'doq',
          endpoint: { address: '127.0.0.1', port, family: 4 },
          requiresCertificate: false,
        },
      ],
      name: SERVER_NAME,
      discoveredAt,
      path: '',
    },
    exemptions: [],
  });
  const channel = new ProbeChannel(PLAIN_WAYS);
  const onDirectPort = (): void => {};
  const means = { channel, secret: new Uint8Array(0), endpoints: () => [], onDirectPort, resolveMs: 1000 };
  const plan = new ProbePlan(
    {
      generation: 1,
      lists: [{ id: 'ban', forms: [{ kind: 'nxdomain' }], names: 1, prefixes: 0 }],
      names: [{ name: 'tiktok.example', list: 0, line: 1, match: 'suffix' }],
      prefixes: [],
      views: scene.views.filter(({ kind }) => kind === 'listener'),
      controls: [],
      workers: 1,
    },
    { questionsMax: 100, isSweep: true, seed: 1 },
  );
  const found = await runProbe({
    createPlan: () => Promise.resolve(plan),
    ask: (question) => scene.ask(question, means),
    epoch: () => 1,
    isExempted: () => false,
    rate: () => 1000,
    clock: Date.now,
    signal: new AbortController().signal,
  });
  channel.close();
  return { run: found, certificates: await scene.lookAtCertificates({ onDirectPort }, Date.now()) };
};

/** A port for UDP that nobody has. */
const freeUdpPort = async (): Promise<number> => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
};

/** Knot DNS with the listed name, over QUIC. */
const startKnot = async ({ certificateFile, keyFile }: Issued): Promise<number> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-knot-'));
  const port = await freeUdpPort();
  writeFileSync(
    join(directory, 'zone'),
    '@ 300 IN SOA ns hostmaster 1 3600 600 86400 300\n@ 300 IN NS ns\n@ 300 IN A 203.0.113.9\n',
  );
  writeFileSync(
    join(directory, 'knot.conf'),
    `server:
    rundir: ${directory}
    listen-quic: 127.0.0.1@${port}
    cert-file: ${certificateFile}
    key-file: ${keyFile}
database:
    storage: ${directory}
zone:
  - domain: tiktok.example
    storage: ${directory}
    file: zone
`,
  );
  const child = spawn(findProgram('knotd') ?? 'knotd', ['--config', join(directory, 'knot.conf')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = once(child, 'close');
  onTestFinished(async () => {
    kill();
    await ended;
    process.off('exit', kill);
    rmSync(directory, { recursive: true, force: true });
  });
  let said = '';
  for await (const text of child.stdout) {
    said += String(text);
    if (said.includes('server started')) return port;
  }
  throw new Error(`knotd did not start: ${said}`);
};

test('another program in the place of the listener is seen, by its answers and its certificate', async (context) => {
  requireProgram(context, 'knotd');
  const port = await startKnot(authority.issue({ names: ['DNS:other.example'] }));
  const { run: found, certificates } = await look(port, ['127.0.0.1']);
  expect(found?.outcome).toBe('leaking');
  const [result] = found?.results ?? [];
  expect(result).toMatchObject({ view: `listener:127.0.0.1:${port}`, transport: 'doq', leaked: 2 });
  expect(result?.examples[0]).toContain('tiktok.example. A 203.0.113.9');
  expect(certificates.map(({ names, faults }) => ({ names, faults }))).toEqual([
    {
      names: ['DNS:other.example'],
      faults: [
        `it is not for ${SERVER_NAME}, the name that clients are told`,
        'it is not for 127.0.0.1, from where DDR leads here',
      ],
    },
  ]);
});

test('a certificate that ended is seen, whoever serves it', async (context) => {
  requireProgram(context, 'knotd');
  const port = await startKnot(authority.issue({ names: [`DNS:${SERVER_NAME}`], endsInDays: -1 }));
  const { certificates } = await look(port);
  expect(certificates.map(({ faults }) => faults)).toEqual([
    [expect.stringContaining('it ended at') as string],
  ]);
});

test('nobody at the port is broken, not in order', async () => {
  const { run: found, certificates } = await look(await freeUdpPort());
  expect(found?.outcome).toBe('broken');
  expect(found?.results[0]?.examples[0]).toMatch(/calling over QUIC: (?:recvmsg|send) ECONNREFUSED/);
  expect(certificates[0]?.faults).toEqual([expect.stringMatching(/^no handshake: .*ECONNREFUSED/)]);
});
