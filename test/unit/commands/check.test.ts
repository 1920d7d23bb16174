// cordon check: every problem at once, or the effective configuration with what its lists hold.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runProgram } from '../../support/command.ts';
import { type RunResult, run } from '../../support/process.ts';
import { PROGRAM } from '../../support/program.ts';
import { cordon, expectGolden } from './setup.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const GOOD = `
listen: { dns: ["127.0.0.1:5353"], admin: "127.0.0.1:9153" }
workers: 1
upstreams: ["192.0.2.53"]
lists:
  - { id: local, file: local.txt, format: domains }
groups:
  - { name: default, lists: [local] }
  - { name: lab, clients: ["192.0.2.128/25"], lists: [] }
`;
const BAD = `
listen: { dns: ["127.0.0.1:5353", "127.0.0.1:70000"] }
upstrems: ["192.0.2.53"]
groups:
  - { name: lab, clients: ["192.0.2.0/33"], lists: [tiktoc] }
`;
const LIST = 'tiktok.example\nbad..example\n# a comment\nwww.other.example\n';
const CHECK = ['check', '--config', 'cordon.yaml'];

describe('a good configuration', () => {
  test('is printed with every default, and its lists with their rejected lines', async () => {
    const { code, stdout, stderr } = await cordon(CHECK, { 'cordon.yaml': GOOD, 'local.txt': LIST });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expectGolden('check-good.out', stdout);
  });

  test('is the default one when there is no file', async () => {
    const { code, stdout } = await cordon(['check']);
    expect(code).toBe(0);
    expect(stdout).toContain('# list tiktok:');
  });

  test('--json says so', async () => {
    const { code, stdout } = await cordon([...CHECK, '--json'], { 'cordon.yaml': GOOD, 'local.txt': LIST });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, lists: [{ id: 'local', entries: 2, rejected: 1 }] });
  });
});

test('a list that is a pipe, or leads to a device, is refused and not waited for', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-pipe-'));
  const pipe = join(directory, 'pipe.txt');
  execFileSync('mkfifo', [pipe]);
  for (const path of [pipe, '/dev/zero']) {
    const { code, stderr } = await cordon(CHECK, { 'cordon.yaml': GOOD.replace('local.txt', path) });
    expect(code).toBe(1);
    expect(stderr).toContain(`${path} is no regular file`);
  }
  rmSync(directory, { recursive: true });
});

describe('a bad configuration', () => {
  test('has all its problems printed', async () => {
    const { code, stdout, stderr } = await cordon(CHECK, { 'cordon.yaml': BAD });
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expectGolden('check-bad.out', stdout);
  });

  test('has them in --json too', async () => {
    const { code, stdout } = await cordon([...CHECK, '--json'], { 'cordon.yaml': BAD });
    expect(code).toBe(1);
    const { ok, problems } = JSON.parse(stdout) as { ok: boolean; problems: { code: string }[] };
    expect(ok).toBe(false);
    expect(problems).toHaveLength(4);
    for (const problem of problems) expect(problem.code).toMatch(/^ERR_CONFIG_/);
  });

  test('ends serve and explain with its problems', async () => {
    for (const args of [['serve'], ['explain', 'a.example']]) {
      const { code, stderr } = await cordon(
        [...args, '--config', 'cordon.yaml'],
        { 'cordon.yaml': BAD },
        {},
        runProgram,
      );
      expect(code).toBe(1);
      expect(stderr).toContain('4 problems');
      expect(stderr).toContain('[ERR_CONFIG_PROBLEMS]');
    }
  });

  test.each([
    ['that is not there', {}, 'ERR_LIST_READ'],
    ['without a usable line', { 'local.txt': 'bad..example\n' }, 'ERR_LIST_'],
  ])('names a list %s', async (_name, files, errorCode) => {
    const { code, stdout, stderr } = await cordon(CHECK, { 'cordon.yaml': GOOD, ...files });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('local.txt');
    expect(stderr).toContain(errorCode);
    const json = await cordon([...CHECK, '--json'], { 'cordon.yaml': GOOD, ...files });
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false });
  });
});

test('the examples in deploy are good', async () => {
  const examples = readdirSync(`${root}deploy`).filter((name) => /^cordon.*\.yaml$/.test(name));
  expect(examples.length).toBeGreaterThan(0);
  for (const name of examples) {
    const path = `${root}deploy/${name}`;
    const { code, stdout } = await run(process.execPath, [PROGRAM, 'check', '--config', path]);
    expect(code, stdout).toBe(0);
  }
});

test.runIf(process.getuid?.() === 0)(
  'root is told what the user of the service cannot read',
  { tags: 'night' },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cordon-owner-'));
    chmodSync(directory, 0o755);
    const [list, state] = [join(directory, 'local.txt'), join(directory, 'state')];
    writeFileSync(list, LIST);
    mkdirSync(state);
    const config = GOOD.replace('local.txt', list).replace('workers: 1', `state: ${state}`);
    const checked = () => cordon(CHECK, { 'cordon.yaml': config }, {}, runProgram);
    chmodSync(list, 0o600);
    expect(await checked()).toMatchObject({ code: 0 });
    chownSync(state, 65_534, 65_534);
    const { code, stderr } = await checked();
    expect(code).toBe(1);
    expect(stderr).toMatch(/EACCES: permission denied.*local\.txt/);
    chmodSync(list, 0o644);
    // What a configuration names elsewhere is told as well, and to scripts as JSON.
    const prefixes = join(directory, 'prefixes.txt');
    writeFileSync(prefixes, '192.0.2.0/24\n');
    chmodSync(prefixes, 0o600);
    const named = `${config}access: { allow: ["192.0.2.1"], allow-file: "${prefixes}" }\n`;
    const told = await cordon([...CHECK, '--json'], { 'cordon.yaml': named }, {}, runProgram);
    expect(told).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(told.stdout)).toMatchObject({ ok: false, problems: [{ code: 'ERR_CLI_FILE' }] });
    const good = await checked();
    expect(good).toMatchObject({ code: 0, stderr: '' });
    expect(good.stdout).toContain('# checked as the user 65534');
    rmSync(directory, { recursive: true });
  },
);

test.runIf(process.getuid?.() === 0)(
  'root is told that the service cannot read its configuration',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cordon-owner-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    chmodSync(directory, 0o755);
    const [file, state] = [join(directory, 'cordon.yaml'), join(directory, 'state')];
    mkdirSync(state);
    chownSync(state, 65_534, 65_534);
    writeFileSync(file, `state: ${state}\nlists: [{ id: tiktok, shipped: tiktok }]\n`, { mode: 0o600 });
    const checked = (): Promise<RunResult> => runProgram(['check', '--config', file]);
    expect(await checked()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/EACCES: permission denied.*cordon\.yaml.*\[ERR_CLI_FILE\]/s) as string,
    });
    // A draft need not be the service's yet.
    const kept = { file: '/etc/cordon/cordon.yaml', sha256: '', yaml: '' };
    writeFileSync(join(state, 'in-force.json'), JSON.stringify(kept));
    expect(await checked()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/# WARNING: that user cannot read .*EACCES/) as string,
    });
  },
);
