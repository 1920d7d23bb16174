// unbound beside Cordon, with the configuration that ships: recursion from a root of the test's own, validation by both, and
// what an operator would see. Only what names this machine is replaced: port, directory, anchors, and where the root is.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest';
import { EDE, FLAG, RCODE } from '../../src/wire/dns/dns.ts';
import { ask, readMetric } from '../support/client.ts';
import { freeEndpoint } from '../support/ports.ts';
import { findProgram, isInstalled, requireProgram, run, type SocketAddress } from '../support/process.ts';
import { type Cordon, startCordon } from '../support/service.ts';
import { type ServedTree, serveTree } from '../support/signed-tree.ts';
import { root } from '../tidy/sources.ts';

const PROGRAMS = ['unbound', 'unbound-checkconf', 'unbound-control', 'named', 'dnssec-signzone'];
const WAIT = { timeout: 90_000, interval: 100 };
/** A DS that names no key there is. */
const FOREIGN_DS = `DS 4711 13 2 ${'00'.repeat(32)}`;

const shipped = readFileSync(join(root, 'deploy/unbound/unbound.conf'), 'utf8');
const work = mkdtempSync(join(tmpdir(), 'cordon-recursion-'));
const configFile = join(work, 'unbound.conf');

let tree: ServedTree;
let endpoint: SocketAddress;
let unbound: ChildProcess | undefined;
let cordon: Cordon;

/** The shipped configuration on another port and directory, with another root. */
const configuration = (port: number, rootPort: number): string => `${shipped
  .replaceAll('@5335', `@${port}`)
  .replaceAll('/var/lib/cordon-unbound', work)
  .replaceAll('/run/cordon-unbound', work)}
server:
  do-not-query-localhost: no
  verbosity: 0
stub-zone:
  name: "."
  stub-addr: 127.0.0.1@${rootPort}
`;

beforeAll(async () => {
  if (!PROGRAMS.every(isInstalled)) return;
  tree = await serveTree([
    { apex: '.', records: [] },
    { apex: 'example.', records: ['www.example. 300 IN A 192.0.2.1'] },
    {
      apex: 'broken.',
      records: ['www.broken. 300 IN A 192.0.2.2'],
      ds: () => [`broken. 3600 IN ${FOREIGN_DS}`],
    },
    { apex: 'plain.', records: ['www.plain. 300 IN A 192.0.2.3'], isPlain: true },
  ]);
  endpoint = await freeEndpoint();
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'root.key'), tree.anchors);
  writeFileSync(join(work, 'anchors'), tree.anchors);
  writeFileSync(configFile, configuration(endpoint.port, tree.endpoint.port));
  unbound = spawn(findProgram('unbound') ?? 'unbound', ['-d', '-p', '-c', configFile], { stdio: 'ignore' });
  await vi.waitUntil(
    async () => (await run('unbound-control', ['-c', configFile, 'status'])).code === 0,
    WAIT,
  );
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${endpoint.port}"]
dnssec: { mode: validate, anchors: anchors }
lists: [{ id: tiktok, shipped: tiktok }]
`,
    files: { anchors: tree.anchors },
  });
});

afterAll(async () => {
  await cordon?.stop();
  unbound?.kill('SIGKILL');
  await tree?.stop();
  rmSync(work, { recursive: true, force: true });
});

const requirePrograms = (context: TestContext): void => {
  for (const program of PROGRAMS) requireProgram(context, program);
};

test('unbound-checkconf accepts the shipped configuration, and refuses a breach', async (context) => {
  requirePrograms(context);
  expect(await run('unbound-checkconf', [configFile])).toMatchObject({ code: 0 });
  const breach = join(work, 'breach.conf');
  writeFileSync(breach, readFileSync(configFile, 'utf8').replace('num-threads: 2', 'num-threads: two'));
  expect((await run('unbound-checkconf', [breach])).code).not.toBe(0);
});

/** Says that the client understands AD (RFC 6840 section 5.7). */
const AD = { flags: FLAG.RD | FLAG.AD };

test('names are resolved from the root, and Cordon validates what unbound passes on', async (context) => {
  requirePrograms(context);
  const secure = await ask(cordon.dns, 'www.example. A', AD);
  expect(secure).toMatchObject({ rcode: RCODE.NOERROR });
  expect(secure.flags & FLAG.AD).not.toBe(0);
  const insecure = await ask(cordon.dns, 'www.plain. A', AD);
  expect(insecure).toMatchObject({ rcode: RCODE.NOERROR });
  expect(insecure.flags & FLAG.AD).toBe(0);
  const denied = await ask(cordon.dns, 'no.example. A', AD);
  expect(denied).toMatchObject({ rcode: RCODE.NXDOMAIN });
  expect(denied.flags & FLAG.AD).not.toBe(0);
});

test('what is forged is SERVFAIL from both, and Cordon says why', async (context) => {
  requirePrograms(context);
  expect(await ask(endpoint, 'www.broken. A')).toMatchObject({ rcode: RCODE.SERVFAIL });
  const reply = await ask(cordon.dns, 'www.broken. A');
  expect(reply.rcode).toBe(RCODE.SERVFAIL);
  expect([EDE.DNSKEY_MISSING, EDE.DNSSEC_BOGUS]).toContain(reply.ede?.infoCode);
  expect(await readMetric(cordon, 'cordon_dnssec_validations_total', { result: 'bogus' })).toBeGreaterThan(0);
});

test('unbound answers loopback only, and is looked at through its socket', async (context) => {
  requirePrograms(context);
  const { code, stdout } = await run('unbound-control', ['-c', configFile, 'status']);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('is running') });
  const interfaces = [...shipped.matchAll(/^\s*interface: (\S+)$/gm)].map(([, text]) => text);
  expect(interfaces).toEqual(['127.0.0.1@5335']);
});

test('listed names are refused before unbound is asked', async (context) => {
  requirePrograms(context);
  const before = tree.questions().length;
  expect(await ask(cordon.dns, 'www.tiktok.com. A')).toMatchObject({ rcode: RCODE.NXDOMAIN });
  expect(
    tree
      .questions()
      .slice(before)
      .filter((question) => question.includes('tiktok')),
  ).toEqual([]);
});
