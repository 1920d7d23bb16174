// @module-tag night
// An installation without everything that can be left out (src/base/features.ts): a checkout with the packages that remain and
// no others, as `npm ci --omit=dev --omit=peer` makes it. It resolves, blocks, records and reports; what it cannot do it says.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readComponents } from '../../deploy/package/tree.ts';
import { FEATURES } from '../../src/base/base.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask } from '../support/client.ts';
import { type Cordon, type RunResult, run, startCordon } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'cordon-small-'));
const checkout = join(work, 'checkout');
const INSTALL = `npm ci --omit=dev --ignore-scripts" in ${checkout}`;
const DAY_MS = 86_400_000;
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const PERIOD = ['--from', dayOf(Date.now() - DAY_MS), '--to', dayOf(Date.now() + DAY_MS)];

let upstream: ScriptedUpstream;
let cordon: Cordon;

const configOf = (more = ''): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: tiktok, shipped: tiktok }]
${more}`;

/** Packages are links to those that are installed here: what they need themselves is there, and nothing else of it. */
const link = (path: string): void => {
  mkdirSync(dirname(join(checkout, path)), { recursive: true });
  symlinkSync(join(root, path), join(checkout, path));
};

beforeAll(async () => {
  for (const part of ['src', 'package.json', 'package-lock.json'])
    cpSync(join(root, part), join(checkout, part), { recursive: true });
  link('lists');
  for (const { path } of readComponents('small')) if (path.lastIndexOf('node_modules/') === 0) link(path);
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(
    new AnswerBook().set('www.example.com. A', ['www.example.com. 60 IN A 192.0.2.80']).handler,
  );
  cordon = await startCordon({ config: configOf(), checkout });
}, 120_000);
afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
  rmSync(work, { recursive: true, force: true });
});

const command = (...args: readonly string[]): Promise<RunResult> =>
  run(process.execPath, [join(checkout, 'src/main.ts'), ...args], { cwd: cordon.directory });

test('nothing that can be left out is there, and few packages are', () => {
  for (const name of Object.values(FEATURES).flat())
    expect(existsSync(join(checkout, 'node_modules', name)), name).toBe(false);
  expect(readComponents('small').length).toBeLessThanOrEqual(28);
});

test('it answers, refuses, and says in its status what it is without', async () => {
  expect((await ask(cordon.dns, 'www.example.com. A')).rcode).toBe(RCODE.NOERROR);
  expect((await ask(cordon.dns, 'www.tiktok.com. A')).rcode).toBe(RCODE.NXDOMAIN);
  const { stdout } = await command('status');
  expect(stdout).toContain(`\nleft out     control room, fleet, feeds, PDF reports, mail: run "${INSTALL}\n`);
  expect(cordon.output()).not.toContain('MODULE_NOT_FOUND');
});

test('it explains, and reports what was refused in each form but one', async () => {
  expect((await command('explain', 'www.tiktok.com')).stdout).toContain('tiktok');
  // A record is on the disk up to a second later.
  const isRecorded = async (): Promise<boolean> =>
    (await command('records', 'list', '--name', 'www.tiktok.com')).stdout.includes('www.tiktok.com');
  await vi.waitUntil(isRecorded, { timeout: 60_000 });
  for (const format of ['html', 'csv']) {
    const { code, stdout } = await command('report', ...PERIOD, '--format', format);
    expect({ code, hasText: stdout.includes('tiktok') }, format).toEqual({ code: 0, hasText: true });
  }
  const { code, stderr } = await command(
    'report',
    ...PERIOD,
    '--format',
    'pdf',
    '--out',
    join(work, 'report'),
  );
  expect(code).toBe(1);
  expect(stderr).toContain('loading the part for PDF reports: it is not installed');
  expect(stderr).toContain(`[ERR_FEATURE_NOT_INSTALLED]`);
  expect(stderr).toContain(INSTALL);
});

test('a configuration that needs more is refused, by a check and by a reload, and what is in force stays', async () => {
  writeFileSync(join(cordon.directory, 'cordon.yaml'), configOf('control-room: { listen: "127.0.0.1:0" }\n'));
  const { code, stdout } = await command('check');
  expect({ code, stdout }).toEqual({
    code: 1,
    stdout: `cordon.yaml:6:15: control-room: control room: not installed; run "${INSTALL} [ERR_CONFIG_NOT_INSTALLED]\n`,
  });
  cordon.signal('SIGHUP');
  await cordon.waitForLog((line) => JSON.stringify(line).includes('control room: not installed'));
  expect((await ask(cordon.dns, 'www.tiktok.com. A')).rcode).toBe(RCODE.NXDOMAIN);
});
