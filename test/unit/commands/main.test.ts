// The command line: help, wrong usage, and one clear line for everything that can go wrong at a start.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { VERSION } from '../../../src/base/base.ts';
import { runProgram } from '../../support/command.ts';
import { cordon, expectGolden } from './setup.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

test.each(['help', '--help', '-h'])('%s prints the usage', async (word) => {
  const { code, stdout, stderr } = await cordon([word]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expectGolden('help.out', stdout.replace(VERSION, 'VERSION'));
});

test('commands that the pages of the control room name are ones that there are', async () => {
  const pages = join(root, 'pages');
  const named = readdirSync(pages, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .flatMap((path) => [...readFileSync(join(pages, path), 'utf8').matchAll(/(?:<pre>|“)cordon ([\w .-]+)/g)])
    .map(([, words = '']) => words.trim());
  expect(named.length).toBeGreaterThan(1);
  for (const words of new Set(named)) {
    // It would look at this machine; setup.test.ts runs it.
    if (words === 'setup') continue;
    // Wrong usage is told before anything is done; what is right here does not find its configuration.
    const { stderr } = await cordon([...words.split(' '), '--config', 'none.yaml']);
    expect(stderr, words).not.toMatch(/is not understood|unknown/);
  }
});

test.each(['version', '--version', '-V'])('%s prints the version', async (word) => {
  expect(await cordon([word])).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
});

test('without a command the usage goes to stderr', async () => {
  const { code, stdout, stderr } = await cordon([]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expectGolden('help.out', stderr.replace(VERSION, 'VERSION'));
});

test.each([
  [['srve'], 'cordon: unknown command "srve"; did you mean serve? See cordon --help'],
  [['constructor'], 'cordon: unknown command "constructor"; see cordon --help'],
  [['serve', '--confg', 'x'], 'cordon serve: unknown option "--confg"; did you mean --config? See'],
  [['serve', 'x'], 'cordon serve: "x" is not understood: it takes no argument'],
  [['check', '--config'], 'cordon check: --config FILE is needed'],
  [['check', '--config', '--json'], 'cordon check: --config FILE is needed, and --json is an option'],
  [['explain'], 'cordon explain: one NAME is needed'],
  [['explain', 'a', 'b'], 'cordon explain: "b" is not understood: it takes NAME only'],
  [['explain', 'a..b'], 'cordon explain: "a..b" is not a domain name'],
  [['query'], 'cordon query: one NAME is needed'],
  [['query', 'a', 'A', 'AAAA'], 'cordon query: "AAAA" is not understood: it takes NAME TYPE only'],
  [['query', 'a', 'NOTYPE'], 'cordon query: "NOTYPE" is not a record type'],
  [['query', 'a', '--server', 'localhost'], 'cordon query: "localhost" is not an address'],
  [['report', 'verfy'], 'cordon report: "verfy" is not understood'],
  [['help', 'lists', 'acept'], 'cordon help: there is no command "lists acept"'],
])('%j is wrong usage', async (args, text) => {
  const { code, stdout, stderr } = await cordon(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.startsWith(text), stderr).toBe(true);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

test('a configuration file that is not there is named', async () => {
  for (const command of ['serve', 'check', 'explain']) {
    const args = command === 'explain' ? ['www.example.com', '--no-follow'] : [];
    const { code, stdout, stderr } = await cordon(
      [command, ...args, '--config', 'missing.yaml'],
      {},
      {},
      runProgram,
    );
    expect(code, command).toBe(1);
    expect(stdout + stderr, command).toContain('missing.yaml');
    expect(stdout + stderr, command).not.toContain('    at ');
  }
});

test('an address in use is one line', async () => {
  const udp = createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  onTestFinished(() => void udp.close());
  const tcp = createServer();
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  onTestFinished(() => void tcp.close());
  const tcpAddress = tcp.address();
  const ports = [udp.address().port, typeof tcpAddress === 'object' ? tcpAddress?.port : 0];
  for (const port of ports) {
    const config = `listen: { dns: ["127.0.0.1:${port}"], admin: "127.0.0.1:0" }\nworkers: 1\nupstreams: ["192.0.2.53"]\n`;
    const { code, stderr } = await cordon(
      ['serve', '--config', 'cordon.yaml'],
      { 'cordon.yaml': config },
      {},
      runProgram,
    );
    const lines = stderr.trimEnd().split('\n');
    expect(code).toBe(1);
    expect(lines, stderr).toHaveLength(1);
    expect(lines[0]).toContain(`127.0.0.1:${port}`);
    expect(lines[0]).toMatch(/^cordon serve: .* \[ERR_[A-Z_]+\]$/);
  }
});

test.each([
  ['records list', 'records'],
  ['records verify', 'records'],
  ['records status', 'records'],
  ['records key', 'records'],
  ['report --from 2026-11-01 --to 2026-11-02', 'records'],
  ['records list', 'records/queries'],
  ['records verify', 'records/changes'],
  ['records status', 'records/queries'],
  ['lists history tiktok', 'records'],
  ['lists history fetched', 'lists'],
  ['backup /proc/version/there.tar.gz', 'other'],
  ['report --from 2026-11-01 --to 2026-11-02 --out /proc/version/report.html', 'records'],
])(
  'cordon %s tells on one line that %s cannot be read, and never that it is empty',
  async (words, closed) => {
    const folder = mkdtempSync(join(tmpdir(), 'cordon-closed-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const config = join(folder, 'cordon.yaml');
    writeFileSync(
      config,
      `listen: { dns: ["127.0.0.1:5300"] }\nstate: ${folder}/state\nupstreams: ["127.0.0.9"]
lists: [{ id: tiktok, shipped: tiktok }, { id: fetched, url: "https://lists.example/feed.txt" }]\n`,
    );
    // Root reads whatever it likes: what is no folder is as closed to it as a folder without rights is to others.
    mkdirSync(dirname(join(folder, 'state', closed)), { recursive: true });
    writeFileSync(join(folder, 'state', closed), '');
    const { code, stdout, stderr } = await cordon([...words.split(' '), '--config', config]);
    expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }, stderr).toEqual({
      code: 1,
      stdout: '',
      lines: 1,
    });
    expect(stderr).toMatch(/\[ERR_[A-Z_]+\]$/m);
  },
);
