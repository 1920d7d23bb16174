// Anycast by a real BIRD: the shipped configuration and watcher, a router that is another BIRD, and a Cordon whose state
// decides whether the router has the route. Both speak BGP over loopback; what names a site is replaced.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest';
import { runCommandHere } from '../support/command.ts';
import { ownClock } from '../support/fake-time.ts';
import { freePort } from '../support/ports.ts';
import {
  type Cordon,
  findProgram,
  isInstalled,
  requireProgram,
  run,
  startCordon,
} from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { root } from '../tidy/sources.ts';

const PROGRAMS = ['bird', 'birdc', 'bash'];
const WAIT = { timeout: 90_000, interval: 100 };
/** Several waits of that kind. */
const TEST_TIMEOUT_MS = 120_000;
const ROUTE = '198.51.100.53/32';

const shipped = join(root, 'deploy/bird/bird.conf');
const work = mkdtempSync(join(tmpdir(), 'cordon-anycast-'));
const children: ChildProcess[] = [];
let upstream: ScriptedUpstream;
let cordon: Cordon | undefined;
let watcher: ChildProcess;

const start = (
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess => {
  const child = spawn(findProgram(program) ?? program, args, {
    env: { PATH: process.env['PATH'] ?? '', ...ownClock(), ...env },
    stdio: 'ignore',
  });
  children.push(child);
  return child;
};

/** The shipped watcher with the shipped check. */
const watch = (): ChildProcess =>
  start('bash', [join(root, 'deploy/bird/cordon-anycast')], {
    CORDON_HEALTH: join(root, 'deploy/keepalived/cordon-health'),
    CORDON_ADMIN: `127.0.0.1:${cordon?.admin.port}`,
    CORDON_DNS: `127.0.0.1:${cordon?.dns.port}`,
    BIRD_SOCKET: join(work, 'resolver.ctl'),
    INTERVAL: '0.1',
  });

/** Replaces a text that has to be there. */
const replace = (text: string, from: string, to: string): string => {
  expect(text).toContain(from);
  return text.replace(from, to);
};

/** The shipped configuration on loopback: other addresses and ports, and no BFD, whose port may be taken. */
const resolverConfig = (own: number, other: number): string => {
  let text = readFileSync(shipped, 'utf8');
  text = replace(
    text,
    'local 192.0.2.53 as 65053;',
    `local 127.0.0.2 port ${own} as 65053;\n  multihop;\n  connect retry time 1;\n  connect delay time 1;\n  error wait time 1, 2;`,
  );
  text = replace(text, 'neighbor 192.0.2.1 as 65000;', `neighbor 127.0.0.3 port ${other} as 65000;`);
  text = replace(text, '  bfd on;\n', '');
  return replace(text, 'log syslog { info, warning, error, fatal, bug };\n', '');
};

const routerConfig = (own: number, other: number): string => `
router id 192.0.2.1;
protocol device { }
protocol bgp resolver {
  local 127.0.0.3 port ${own} as 65000;
  neighbor 127.0.0.2 port ${other} as 65053;
  multihop;
  passive;
  error wait time 1, 2;
  ipv4 { import all; export none; };
  ipv6 { import all; export none; };
}
`;

beforeAll(async () => {
  if (!PROGRAMS.every(isInstalled)) return;
  upstream = await ScriptedUpstream.open();
  cordon = await startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ./state
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
`,
  });
  const [own, other] = [await freePort(), await freePort()];
  writeFileSync(join(work, 'resolver.conf'), resolverConfig(own, other));
  writeFileSync(join(work, 'router.conf'), routerConfig(other, own));
  for (const name of ['router', 'resolver'])
    start('bird', [
      '-f',
      '-c',
      join(work, `${name}.conf`),
      '-s',
      join(work, `${name}.ctl`),
      '-P',
      join(work, `${name}.pid`),
    ]);
  watcher = watch();
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await cordon?.kill();
  await upstream?.close();
  rmSync(work, { recursive: true, force: true });
});

const isAnnounced = async (): Promise<boolean> =>
  (await run('birdc', ['-s', join(work, 'router.ctl'), 'show', 'route'])).stdout.includes(ROUTE);

const until = (expected: boolean): Promise<boolean> =>
  vi.waitUntil(async () => (await isAnnounced()) === expected, WAIT);

const command = async (...args: readonly string[]): Promise<void> => {
  const config = join(cordon?.directory ?? '', 'cordon.yaml');
  expect(await runCommandHere([...args, '--config', config])).toMatchObject({ code: 0 });
};

const requirePrograms = (context: TestContext): void => {
  for (const program of PROGRAMS) requireProgram(context, program);
};

test('bird accepts the shipped configuration, and refuses a breach', async (context) => {
  requirePrograms(context);
  expect(await run('bird', ['-p', '-c', shipped])).toMatchObject({ code: 0 });
  const breach = join(work, 'breach.conf');
  writeFileSync(breach, replace(readFileSync(shipped, 'utf8'), 'export where', 'export were'));
  expect((await run('bird', ['-p', '-c', breach])).code).not.toBe(0);
});

test('the route is there while Cordon is in force, gone while refusals are suspended, and there again', {
  timeout: TEST_TIMEOUT_MS,
}, async (context) => {
  requirePrograms(context);
  await until(true);
  await command('pause', '10m', '--reason', 'test');
  await until(false);
  await command('resume');
  await until(true);
});

test('the route goes when Cordon is frozen, and comes back with it', {
  tags: 'night',
  timeout: TEST_TIMEOUT_MS,
}, async (context) => {
  requirePrograms(context);
  await until(true);
  cordon?.signal('SIGSTOP');
  await until(false);
  cordon?.signal('SIGCONT');
  await until(true);
});

test('the route goes with the watcher that is ended, and with Cordon that is killed', {
  tags: 'night',
  timeout: TEST_TIMEOUT_MS,
}, async (context) => {
  requirePrograms(context);
  await until(true);
  watcher.kill('SIGTERM');
  await until(false);
  watcher = watch();
  await until(true);
  await cordon?.kill();
  await until(false);
});
