// What an installation survives: a look at it changes nothing, with a registry or without; and the packed tarball runs.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { VERSION } from '../../src/base/base.ts';
import { type RunResult, run } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'cordon-install-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const BUILD_MS = 240_000;
/** No registry answers there. */
const OFFLINE = {
  npm_config_registry: 'http://127.0.0.1:9',
  npm_config_fetch_retries: '0',
  npm_config_update_notifier: 'false',
};
const CONFIG = 'listen: { dns: ["127.0.0.1:0"], admin: null }\nupstreams: ["192.0.2.53"]\n';

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      dev: z.boolean().optional(),
      optional: z.boolean().optional(),
      version: z.string().optional(),
    }),
  ),
});
const { packages: locked } = lockSchema.parse(
  JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')),
);

/** A checkout as `npm ci --omit=dev` leaves it; packages are links to those that are installed here. */
const makeProduction = (name: string): string => {
  const checkout = join(work, name);
  for (const part of [
    'src',
    'lists',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ])
    cpSync(join(root, part), join(checkout, part), { recursive: true });
  const kept = Object.entries(locked).filter(
    ([place, { dev }]) => place !== '' && dev !== true && existsSync(join(root, place)),
  );
  for (const [place] of kept) {
    if (place.indexOf('node_modules/', 1) > 0) continue;
    mkdirSync(dirname(join(checkout, place)), { recursive: true });
    symlinkSync(join(root, place), join(checkout, place));
  }
  const note = { lockfileVersion: 3, packages: Object.fromEntries(kept) };
  writeFileSync(join(checkout, 'node_modules/.package-lock.json'), JSON.stringify(note));
  return checkout;
};

const listing = (checkout: string): string =>
  readdirSync(join(checkout, 'node_modules'))
    .filter((name) => name !== '.cache')
    .sort()
    .concat(readFileSync(join(checkout, 'node_modules/.package-lock.json'), 'utf8'))
    .join('\n');

describe('the documented check command', () => {
  let checkout: string;
  let elsewhere: string;
  beforeAll(() => {
    checkout = makeProduction('production');
    elsewhere = join(work, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'own.yaml'), CONFIG);
  });

  const check = (env: Readonly<Record<string, string>> = {}): Promise<RunResult> =>
    run('npm', ['--prefix', checkout, 'run', '-s', 'cordon', '--', 'check', '--config', 'own.yaml'], {
      cwd: elsewhere,
      env: { HOME: work, ...OFFLINE, ...env },
      timeoutMs: 120_000,
    });

  test('leaves a production installation as it is, and finds files where one stands', {
    tags: 'deploy',
  }, async () => {
    const before = listing(checkout);
    const { code, stdout, stderr } = await check();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('# list tiktok:');
    expect(listing(checkout)).toBe(before);
  });

  test.each([
    ['a package is gone', () => rmSync(join(checkout, 'node_modules/zod')), 'zod'],
    [
      'a package has another version',
      () => {
        const path = join(checkout, 'node_modules/.package-lock.json');
        writeFileSync(
          path,
          readFileSync(path, 'utf8').replace(/("node_modules\/zod":\{"version":")[^"]*/, '$10.0.1'),
        );
      },
      '(there is 0.0.1)',
    ],
  ])('says so and changes nothing when %s', { tags: 'deploy' }, async (_name, spoil, text) => {
    rmSync(checkout, { recursive: true });
    checkout = makeProduction('production');
    spoil();
    const before = listing(checkout);
    const { code, stderr } = await check();
    expect(code).toBe(1);
    expect(stderr).toContain(text);
    expect(stderr).toContain('nothing was changed');
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(listing(checkout)).toBe(before);
  });

  test('npm start, npm test and the gate install what is missing, and nothing else does', async () => {
    // Notes what it is asked for, and installs nothing.
    const programs = join(work, 'programs');
    mkdirSync(programs);
    writeFileSync(join(programs, 'npm'), `#!/bin/sh\necho "$@" >> ${work}/asked\nexit 7\n`);
    chmodSync(join(programs, 'npm'), 0o755);
    const launch = async (event: string, ...args: readonly string[]): Promise<string> => {
      rmSync(join(work, 'asked'), { force: true });
      await run(process.execPath, [join(checkout, 'src/launch.mjs'), ...args], {
        cwd: checkout,
        env: {
          PATH: `${programs}:${dirname(process.execPath)}`,
          ...(event === '' ? {} : { npm_lifecycle_event: event }),
        },
      });
      return existsSync(join(work, 'asked')) ? readFileSync(join(work, 'asked'), 'utf8') : '';
    };
    rmSync(join(checkout, 'node_modules/yaml'), { force: true });
    expect(await launch('start', 'src/main.ts', 'serve')).toContain('ci --omit=dev --ignore-scripts');
    expect(await launch('test', 'node_modules/vitest/vitest.mjs', 'run')).toContain('ci ');
    expect(await launch('ok', 'test/ok.ts')).toContain('ci ');
    expect(await launch('cordon', 'src/main.ts', 'serve')).toBe('');
    expect(await launch('test', 'src/main.ts', 'check')).toBe('');
    expect(await launch('start', 'src/main.ts', 'check')).toBe('');
    expect(await launch('', 'src/main.ts', 'serve')).toBe('');
    expect(await launch('fix', 'node_modules/@biomejs/biome/bin/biome', 'check')).toBe('');
  });
});

describe('the packed tarball', { tags: 'deploy' }, () => {
  let command: string;
  beforeAll(async () => {
    const checkout = makeProduction('packed');
    for (const part of ['README.md', 'CHANGELOG.md', 'LICENSE', 'NOTICE'])
      cpSync(join(root, part), join(checkout, part));
    rmSync(join(checkout, 'node_modules'), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const compile = [tsc, '-p', 'tsconfig.build.json', '--noCheck'];
    execFileSync(process.execPath, compile, { cwd: checkout, stdio: 'pipe' });
    const packed = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', work], {
      cwd: checkout,
      env: { HOME: work, ...OFFLINE },
      timeoutMs: BUILD_MS,
    });
    expect(packed.code, packed.stderr).toBe(0);
    const modules = join(work, 'project/node_modules');
    mkdirSync(join(modules, '.bin'), { recursive: true });
    for (const name of readdirSync(join(root, 'node_modules')))
      if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
    mkdirSync(join(modules, 'cordon-dns'));
    const tarball = join(work, packed.stdout.trim().split('\n').at(-1) ?? '');
    execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', join(modules, 'cordon-dns')]);
    command = join(modules, '.bin/cordon');
    chmodSync(join(modules, 'cordon-dns/dist/main.js'), 0o755);
    symlinkSync('../cordon-dns/dist/main.js', command);
  }, BUILD_MS);

  test('runs as a command on the Node.js that it needs', async () => {
    const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
    expect(await run(command, ['version'], { env })).toMatchObject({ code: 0, stdout: `${VERSION}\n` });
    writeFileSync(join(work, 'project/cordon.yaml'), CONFIG);
    const checked = await run(command, ['check'], { env, cwd: join(work, 'project') });
    expect(checked.stderr).toBe('');
    expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining('# list tiktok:') as string });
  });

  test('says in one line what it needs on an older one', async (context) => {
    const older = await run('/usr/bin/node', ['--version']).catch(() => undefined);
    if (older === undefined || Number(/^v(\d+)/.exec(older.stdout)?.[1]) >= 24) {
      context.skip('the system has no older Node.js');
    }
    const { code, stdout, stderr } = await run('/usr/bin/node', [command, 'check']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^cordon: Node\.js 24 or newer is needed, and this is \d+\.\d+\.\d+: .*\n$/);
  });
});
