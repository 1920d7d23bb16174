// A wildcard listener in a network of its own with several addresses: every answer comes from the address that was
// asked, also from one that appears later, with either kind of socket.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ownClock } from '../support/fake-time.ts';
import { inTwo } from '../support/night.ts';
import { requireProgram, run } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';

const CONFIG = `listen: { dns: ["0.0.0.0:5353", "[::]:5353"], admin: false }
workers: 1
upstreams: ["192.0.2.99"]
access: { allow: ["0.0.0.0/0", "::/0"] }
`;
/** Namespaces of parallel runs must not meet. */
const NAMESPACE = `cordon-${process.pid}`;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

const inNamespace = (...command: string[]) =>
  run('ip', ['netns', 'exec', NAMESPACE, ...command], { timeoutMs: 90_000 });

const startIn = async (environment: NodeJS.ProcessEnv): Promise<string> => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-wildcard-'));
  cleanups.push(() => {
    rmSync(directory, { recursive: true });
    return Promise.resolve();
  });
  const file = join(directory, 'cordon.yaml');
  writeFileSync(file, CONFIG);
  const child = spawn(
    'ip',
    ['netns', 'exec', NAMESPACE, process.execPath, PROGRAM, 'serve', '--config', file],
    {
      env: { PATH: process.env['PATH'], ...ownClock(), ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  cleanups.push(async () => {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  });
  let output = '';
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
      if (output.includes('"ready"')) resolve(output);
    });
    child.once('exit', () => reject(new Error(`ended before it was ready: ${output}`)));
  });
};

/** Asks an address from another one; dig takes an answer only from the address that it asked. */
const askAt = async (address: string): Promise<boolean> => {
  const from = address.includes(':') ? '2001:db8::9' : '192.0.2.9';
  const { stdout } = await inNamespace(
    'dig',
    `@${address}`,
    '-b',
    from,
    '-p',
    '5353',
    'www.tiktok.com',
    '+tries=1',
    '+timeout=1',
  );
  return stdout.includes('status: NXDOMAIN');
};

const KINDS = [
  ['batched', {}],
  ['plain', { CORDON_NO_BATCH: '1' }],
] as const;
for (const [options, kinds] of inTwo(KINDS, ([kind]) => kind === 'batched'))
  test.for(kinds)(
    'a wildcard answers from the address that was asked, %s',
    options,
    async ([kind, environment], context) => {
      requireProgram(context, 'ip');
      requireProgram(context, 'dig');
      const made = await run('ip', ['netns', 'add', NAMESPACE]);
      if (made.code !== 0) context.skip(`no network namespaces here: ${made.stderr.trim()}`);
      cleanups.push(() => run('ip', ['netns', 'delete', NAMESPACE]));
      await inNamespace('ip', 'link', 'set', 'lo', 'up');
      for (const address of [
        '192.0.2.9/32',
        '192.0.2.1/32',
        '192.0.2.2/32',
        '2001:db8::9/128',
        '2001:db8::2/128',
      ]) {
        await inNamespace(
          'ip',
          'address',
          'add',
          address,
          'dev',
          'lo',
          ...(address.includes(':') ? ['nodad'] : []),
        );
      }
      expect(await startIn(environment)).toContain(`"udp":"${kind}"`);
      for (const address of ['192.0.2.1', '192.0.2.2', '127.0.0.1', '2001:db8::2', '::1']) {
        expect([address, await askAt(address)]).toEqual([address, true]);
      }
      await inNamespace('ip', 'address', 'add', '192.0.2.3/32', 'dev', 'lo');
      let isThere = false;
      for (let tries = 0; !isThere && tries < 5; tries++) isThere = await askAt('192.0.2.3');
      expect(isThere).toBe(true);
    },
  );
