// @module-tag deploy
// The Debian package, built, judged and lived with: the same bytes twice, lintian, systemd, and a root of its own in which it
// is installed, runs on port 53, is upgraded, taken back and purged by dpkg.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { ask } from '../support/client.ts';
import { FeedServer } from '../support/feeds.ts';
import { freePort } from '../support/ports.ts';
import { isInstalled, requireProgram, run } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'cordon-package-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const BUILD_MS = 300_000;
const [OLD, NEW] = ['0.0.9', '0.1.0'];
const PROGRAMS = ['dpkg-deb', 'strip'];

const [WHOLE, SMALL] = ['cordon-dns', 'cordon-resolver'];
const build = async (out: string, name: string, ...versions: string[]): Promise<string[]> => {
  const args = ['--only', name, ...versions.flatMap((version) => ['--version', version])];
  const script = join(root, 'deploy/package/debian.ts');
  const { code, stdout, stderr } = await run(process.execPath, [script, '--quick', '--out', out, ...args], {
    timeoutMs: BUILD_MS,
  });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return stdout.trim().split('\n');
};

const requirePrograms = (context: TestContext, ...programs: string[]): void => {
  for (const program of [...PROGRAMS, ...programs]) requireProgram(context, program);
};

let files: readonly string[] = [];
beforeAll(async () => {
  if (!PROGRAMS.every(isInstalled)) return;
  files = await build(join(work, 'first'), WHOLE, OLD, NEW);
}, BUILD_MS);

const packageOf = (version: string): string => files.find((file) => file.includes(`_${version}_`)) ?? '';

let small: Promise<string> | undefined;
/** Built by the first test that wants it. */
const smallPackage = (): Promise<string> => {
  small ??= build(join(work, 'small'), SMALL, NEW).then(([file = '']) => file);
  return small;
};

test(
  'a second build has the same bytes',
  async (context) => {
    requirePrograms(context);
    const [again = ''] = await build(join(work, 'second'), WHOLE, NEW);
    expect(readFileSync(again).equals(readFileSync(packageOf(NEW)))).toBe(true);
    const sums = await run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: join(work, 'second') });
    expect(sums.code).toBe(0);
  },
  2 * BUILD_MS,
);

test(
  'lintian finds nothing that is not overridden with a reason',
  async (context) => {
    requirePrograms(context, 'lintian');
    const both = [packageOf(NEW), await smallPackage()];
    const args = ['--fail-on', 'error,warning', '--allow-root', ...both];
    const { code, stdout, stderr } = await run('lintian', args, { timeoutMs: BUILD_MS });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  },
  BUILD_MS,
);

test('what the bundler took into the pages, and what operators copy, is told and there', async (context) => {
  requirePrograms(context);
  const tree = join(work, 'told');
  await run('dpkg-deb', ['--extract', packageOf(NEW), tree]);
  const doc = join(tree, 'usr/share/doc/cordon-dns');
  const copyright = readFileSync(join(doc, 'copyright'), 'utf8');
  const sbom = readFileSync(packageOf(NEW).replace(/deb$/, 'cdx.json'), 'utf8');
  for (const name of ['preact', 'preact-render-to-string', '@simplewebauthn/browser']) {
    expect(copyright).toMatch(new RegExp(`^ ${name} [\\d.]+: MIT$`, 'm'));
    expect(sbom).toContain(`pkg:npm/${name.replace('@', '%40')}@`);
  }
  expect(copyright).toMatch(/^ Copyright \(c\) 2015-present Jason Miller$/m);
  const links = readFileSync(join(doc, 'operations.md'), 'utf8').matchAll(/\]\(\.\.\/deploy\/([^)]+)\)/g);
  for (const [, path = ''] of links)
    if (!/^cordon\.(?:yaml|service)$|^compose|Dockerfile/.test(path))
      expect(existsSync(join(doc, 'examples', path)), path).toBe(true);
  expect(readFileSync(join(tree, 'usr/lib/systemd/system/cordon.service'), 'utf8')).toContain(
    '\nSyslogIdentifier=cordon\n',
  );
});

test('the unit is understood by systemd, and exposed 1.5 at most', async (context) => {
  requirePrograms(context, 'systemd-analyze');
  const tree = join(work, 'tree');
  await run('dpkg-deb', ['--extract', packageOf(NEW), tree]);
  const unit = join(tree, 'usr/lib/systemd/system/cordon.service');
  const verified = await run('systemd-analyze', ['verify', '--man=no', unit]);
  const complaints = `${verified.stdout}${verified.stderr}`.split('\n').filter((line) => line !== '');
  expect(
    complaints.filter((line) => !/Command \/usr\/lib\/cordon\/node is not executable/.test(line)),
  ).toEqual([]);
  const exposureOf = async (file: string): Promise<number> => {
    const { stdout } = await run('systemd-analyze', ['security', '--offline=yes', '--no-pager', file]);
    return Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
  };
  expect(await exposureOf(unit)).toBeLessThanOrEqual(1.5);
  const weaker = join(work, 'cordon.service');
  writeFileSync(weaker, readFileSync(unit, 'utf8').replace('ProtectSystem=strict', 'ProtectSystem=no'));
  expect(await exposureOf(weaker)).toBeGreaterThan(1.5);
});

test(
  'with a root in it, the address of its feed is all that somebody writes',
  async (context) => {
    requirePrograms(context);
    const place = join(work, 'rooted');
    const library = join(place, 'usr/lib/cordon');
    await run('dpkg-deb', ['--extract', packageOf(NEW), place]);
    const program = [join(library, 'node'), join(library, 'dist/main.js')] as const;
    const cordon = (...args: string[]) => run(program[0], [program[1], ...args], { cwd: place });
    const lists = join(place, 'lists');
    cpSync(join(root, 'lists'), lists, { recursive: true });
    const entry =
      '  - { suffix: of-the-feed.example, service: Test, owner: ByteDance Ltd., operator: ByteDance Ltd., evidence: "test", reviewed: 2099-01-01 }\n';
    writeFileSync(
      join(lists, 'tiktok.yaml'),
      `${readFileSync(join(lists, 'tiktok.yaml'), 'utf8').trimEnd()}\n${entry}`,
    );
    const feed = join(place, 'feed');
    const published = await cordon('lists', 'publish', feed, '--from', lists, '--keys', join(place, 'keys'));
    expect(published).toMatchObject({ code: 0, stderr: '' });
    const server = await FeedServer.open(feed);
    const port = await freePort();
    writeFileSync(
      join(place, 'cordon.yaml'),
      `listen: { dns: ["127.0.0.1:${port}"], admin: "127.0.0.1:0" }\nstate: ./state\nfeeds: [{ id: project, url: "${server.url}" }]\n`,
    );
    const check = () => cordon('check', '--config', 'cordon.yaml');
    const refused = await check();
    expect([refused.code, `${refused.stdout}${refused.stderr}`]).toEqual([
      1,
      expect.stringContaining('no root of a feed came with this package'),
    ]);
    mkdirSync(join(library, 'lists/feed'));
    cpSync(join(feed, '1.root.json'), join(library, 'lists/feed/root.json'));
    expect(await check()).toMatchObject({ code: 0 });
    const child = spawn(program[0], [program[1], 'serve', '--config', 'cordon.yaml'], {
      cwd: place,
      stdio: 'ignore',
    });
    const exited = once(child, 'exit');
    try {
      const isRefused = async (): Promise<boolean> => {
        const found = await ask({ address: '127.0.0.1', port }, 'of-the-feed.example. A', {
          transport: 'tcp',
        }).catch(() => undefined);
        return found?.rcode === RCODE.NXDOMAIN;
      };
      await expect.poll(isRefused, { timeout: 90_000, interval: 250 }).toBe(true);
    } finally {
      child.kill();
      await exited;
      await server.close();
    }
  },
  BUILD_MS,
);

test(
  'in a root of its own it is installed, answers, is upgraded, taken back and purged',
  async (context) => {
    requirePrograms(context, 'unshare', 'setpriv', 'dig');
    if (process.getuid?.() !== 0) return context.skip('needs root');
    const script = join(root, 'test/support/fresh-root.sh');
    const { code, stdout, stderr } = await run(
      script,
      ['overlay', packageOf(OLD), packageOf(NEW), await smallPackage()],
      {
        timeoutMs: BUILD_MS,
      },
    );
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/after \d+ s$/, 'after N s'));
    expect({ code, lines, stderr }).toEqual({
      code: 0,
      stderr: '',
      lines: [
        'told: name upstreams and networks in /etc/cordon/cordon.yaml, then: systemctl enable --now cordon',
        'user cordon:/var/lib/cordon:/usr/sbin/nologin',
        'version 0.1.0',
        'check passes',
        'ready after N s',
        'answers NOERROR NXDOMAIN',
        'batched 1',
        // CAP_NET_BIND_SERVICE alone.
        'rights 0000000000000400 no-new-privs 1',
        'records are kept',
        'upgraded to 0.1.0 install ok installed',
        'the configuration is kept',
        'answers before the restart NOERROR NXDOMAIN',
        'stopped with status 0',
        'with a wrong key: refusals are given 1',
        'without the file: refusals are given 1',
        'answers NOERROR NXDOMAIN',
        'records verify',
        'stopped with status 0',
        'answers after the way back NOERROR NXDOMAIN',
        'stopped with status 0',
        'told: /var/lib/cordon is left, with the records, keys and register in it, and so is the user cordon',
        'left by purge: /var/lib/cordon ',
        'configuration 640 root:cordon',
        'in its place cordon-dns install ok config-files, cordon-resolver install ok installed',
        'answers before the restart NOERROR NXDOMAIN',
        'stopped with status 0',
        'answers without what can be left out NOERROR NXDOMAIN',
        'control room, fleet, feeds, PDF reports, mail: run "apt install ./cordon-dns_0.1.0_amd64.deb" with that package in place of cordon-resolver',
        'stopped with status 0',
        'a feed is ERR_CONFIG_NOT_INSTALLED',
        'left by purge without records:',
      ],
    });
  },
  BUILD_MS,
);
