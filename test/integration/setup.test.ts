// cordon setup on this machine: what stands in the way is seen, and only what was agreed to is written, once.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { recipeFor, TODAY, todayOf } from '../../src/commands/setup-beside.ts';
import type { Finding } from '../../src/commands/setup-look.ts';
import { runCommandHere, runProgram } from '../support/command.ts';
import { freePort } from '../support/ports.ts';
import { type RunResult, requireProgram, run } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const IN_TERMINAL = fileURLToPath(new URL('../support/in-terminal.py', import.meta.url));
const SOA = '. 60 IN SOA a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400';

let directory: string;
let upstream: ScriptedUpstream;
let port: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-setup-'));
  upstream = await ScriptedUpstream.open((query) => answer(query, [SOA]));
  port = await freePort();
});
afterEach(async () => {
  await upstream.close();
  rmSync(directory, { recursive: true });
});

const out = (): string => join(directory, 'made/cordon.yaml');
const argsOf = (...args: readonly string[]): string[] => [
  ...['setup', '--out', out(), '--state', join(directory, 'state')],
  ...['--listen', `127.0.0.1:${port}`, ...args],
];
const setup = (...args: readonly string[]): Promise<RunResult> => runCommandHere(argsOf(...args));
const upstreamOption = (): string[] => ['--upstream', `127.0.0.1:${upstream.endpoint.port}`];

interface Report {
  readonly ok: boolean;
  readonly written: string | null;
  readonly findings: readonly Finding[];
  readonly problems: readonly string[];
}
const reportOf = ({ stdout }: RunResult): Report => JSON.parse(stdout) as Report;
const about = (report: Report, what: Finding['what']): Finding[] =>
  report.findings.filter((finding) => finding.what === what);

test('shows what it proposes and writes nothing unless it is told to', async () => {
  const shown = await setup('--today', 'dnsmasq', ...upstreamOption());
  expect(shown.stdout).toContain('docs/beside.md#dnsmasq-openwrt-pi-hole');
  expect(shown.stderr).toBe('');
  expect(shown.stdout).toContain('nothing was written');
  expect(shown.stdout).toContain(`127.0.0.1:${port} is free over UDP and TCP`);
  expect(shown.stdout).toContain('answers in');
  expect(existsSync(out())).toBe(false);
});

test('--yes writes a configuration that Cordon takes, and never over one that is there', async () => {
  const made = await setup('--yes', '--json', '--allow', '192.0.2.0/24', ...upstreamOption());
  const report = reportOf(made);
  expect(report).toMatchObject({ written: out(), problems: [] });
  expect(about(report, 'port')).toMatchObject([{ state: 'good' }]);
  expect(about(report, 'upstream')).toMatchObject([{ state: 'good' }]);
  expect(statSync(out()).mode & 0o777).toBe(0o644);
  const checked = await runProgram(['check', '--config', out()]);
  expect(checked.stdout).toContain(`127.0.0.1:${port}`);
  expect(checked.code).toBe(0);
  const before = readFileSync(out(), 'utf8');
  const again = await setup('--yes', ...upstreamOption());
  expect(again.code).toBe(1);
  expect(again.stderr).toContain('[ERR_CLI_SETUP]');
  expect(readFileSync(out(), 'utf8')).toBe(before);
});

test('the configuration of the package is adapted: all else stays, and what was there is kept', {
  tags: 'night',
}, async () => {
  const packaged = readFileSync(new URL('../../deploy/cordon.yaml', import.meta.url), 'utf8');
  mkdirSync(join(directory, 'made'));
  writeFileSync(out(), packaged);
  chmodSync(out(), 0o640);
  const shown = await setup(...upstreamOption());
  expect(shown.stdout).toContain('nothing was written');
  expect(shown.stdout).toContain('answers in');
  expect(readFileSync(out(), 'utf8')).toBe(packaged);
  for (const kept of ['.before-setup', '.before-setup-2']) {
    const before = readFileSync(out(), 'utf8');
    const done = await setup('--yes', '--adapt', ...upstreamOption(), '--allow', '127.0.0.0/8');
    expect(done.stdout).toContain(`wrote ${out()}`);
    expect(readFileSync(`${out()}${kept}`, 'utf8')).toBe(before);
  }
  const text = readFileSync(out(), 'utf8');
  expect(statSync(out()).mode & 0o777).toBe(0o640);
  expect(parse(text)).toEqual({
    ...(parse(packaged) as object),
    listen: { dns: [`127.0.0.1:${port}`], admin: '127.0.0.1:9153' },
    state: join(directory, 'state'),
    upstreams: [`127.0.0.1:${upstream.endpoint.port}`],
    access: { allow: ['127.0.0.0/8'] },
  });
  for (const comment of packaged.matchAll(/^ *# .*$/gm)) expect(text).toContain(comment[0].trim());
});

test.each(['listen: [', '- a list\n'])(
  'a file that is no configuration (%j) is not touched',
  async (text) => {
    mkdirSync(join(directory, 'made'));
    writeFileSync(out(), text);
    const { code, stderr } = await setup('--yes', '--adapt', ...upstreamOption());
    expect({ code, lines: stderr.trimEnd().split('\n').length }).toEqual({ code: 1, lines: 1 });
    expect(stderr).toContain('[ERR_CLI_SETUP]');
    expect(readFileSync(out(), 'utf8')).toBe(text);
  },
);

test('what answers DNS today is told with its recipe, which stands in the docs', () => {
  const page = readFileSync(new URL('../../docs/beside.md', import.meta.url), 'utf8');
  const headings = page.match(/^#+ .*$/gm)?.map((line) =>
    line
      .replace(/^#+ /, '')
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const today of TODAY) {
    const { text, todo } = recipeFor(today) ?? {};
    expect(text).toContain(today);
    expect(headings).toContain(/docs\/beside\.md#([a-z0-9-]+)/.exec(todo ?? '')?.[1]);
  }
  expect(recipeFor('none')).toBeUndefined();
  expect(todayOf(['systemd-resolve (pid 1)', 'dnsmasq (pid 7)'])).toBe('dnsmasq');
  expect(todayOf(['systemd-resolve (pid 1)'])).toBeUndefined();
});

test('a port that is taken is told with who has it', async () => {
  const taken = createSocket('udp4');
  taken.bind(port, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const result = await setup('--json', ...upstreamOption());
  expect(result.code).toBe(1);
  const [finding] = about(reportOf(result), 'port');
  expect(finding).toMatchObject({ state: 'bad' });
  expect(finding?.text).toContain(`(pid ${process.pid})`);
});

test('a resolv.conf that leads back is seen, and what it names is not proposed', async () => {
  const path = join(directory, 'resolv.conf');
  writeFileSync(path, '# made by systemd-resolved\nnameserver 127.0.0.53\noptions edns0\n');
  const looped = reportOf(await setup('--json', '--resolv-conf', path));
  expect(about(looped, 'resolv.conf')).toMatchObject([{ state: 'bad' }]);
  expect(about(looped, 'upstream')).toEqual([]);
  expect(looped.ok).toBe(false);
});

test('an upstream that does not answer, and one that answers no signatures, are told apart', {
  tags: 'night',
}, async () => {
  const silent = await ScriptedUpstream.open();
  const { port: silentPort } = silent.endpoint;
  await silent.close();
  const found = reportOf(await setup('--json', ...upstreamOption(), '--upstream', `127.0.0.1:${silentPort}`));
  expect(about(found, 'upstream')).toMatchObject([
    { state: 'good', text: expect.stringContaining('passes no signatures on') as string },
    { state: 'bad', text: expect.stringContaining('does not answer') as string },
  ]);
});

test('what Cordon does not take is not written', { tags: 'night' }, async () => {
  const result = await setup('--yes', '--json', ...upstreamOption(), '--allow', '192.0.2.1/24');
  expect(result.code).toBe(1);
  expect(reportOf(result)).toMatchObject({ ok: false, written: null });
  expect(reportOf(result).problems[0]).toContain('192.0.2.1/24');
  expect(existsSync(out())).toBe(false);
});

test('on a terminal it asks, and takes what is proposed', async (context) => {
  requireProgram(context, 'python3');
  const { stdout } = await run('python3', [
    ...[IN_TERMINAL, '40', '100', '\\n\\n\\nwindows\\ny\\n', 'Where to answer?', process.execPath],
    PROGRAM,
    ...argsOf(...upstreamOption()),
  ]);
  expect(stdout).toContain('Whom to ask?');
  expect(stdout).toContain('windows names nobody for whom it asks');
  expect(stdout).toContain(`wrote ${out()}`);
  expect(readFileSync(out(), 'utf8')).toContain(`127.0.0.1:${upstream.endpoint.port}`);
});

test('a firewall that drops what clients ask is seen, in a network of its own', {
  tags: 'night',
}, async (context) => {
  for (const program of ['nft', 'unshare', 'ip']) requireProgram(context, program);
  if (process.getuid?.() !== 0) context.skip('networks are made by root');
  const rules = (more: string): string =>
    `add table inet filter; add chain inet filter input { type filter hook input priority 0 ; policy drop ; }; ${more}`;
  const lookIn = async (more: string): Promise<Finding | undefined> => {
    const script = `ip link set lo up && nft '${rules(more)}' && exec "$@"`;
    const args = [
      '--net',
      'sh',
      '-c',
      script,
      'sh',
      process.execPath,
      PROGRAM,
      ...argsOf('--json', '--upstream', 'tls://192.0.2.1#a.example'),
    ];
    return about(reportOf(await run('unshare', args)), 'firewall')[0];
  };
  expect(await lookIn('')).toMatchObject({ state: 'bad' });
  expect(await lookIn(`add rule inet filter input udp dport ${port} accept;`)).toMatchObject({
    state: 'good',
  });
});
