// Operating a service that runs: status, top, reload, and its state backed up while it works and restored elsewhere.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { TopPage } from '../../src/commands/top-text.ts';
import { registerWitnesses } from '../../src/evidence/exemptions/exemptions.ts';
import { verifyRecords } from '../../src/evidence/records/records.ts';
import type { ServiceStatus } from '../../src/people/admin/admin.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { requestControl } from '../support/control-socket.ts';
import { approveAsOther, hasOtherUser } from '../support/other-user.ts';
import { type RunResult, requireProgram, run } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const IN_TERMINAL = fileURLToPath(new URL('../support/in-terminal.py', import.meta.url));
const NAME = 'www.tiktok.com. A';

let upstream: ScriptedUpstream;
let cordon: Cordon;
const TIKTOK = 'lists:\n  - { id: tiktok, shipped: tiktok }\n';
/** For files of backups. */
let place: string;

const configOf = (more = TIKTOK): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
groups:
  - { name: default, lists: [tiktok] }
  - { name: lab, clients: ["127.0.0.8/30"], lists: [tiktok] }
compliance:
  profile: us-federal
  pause-max: 5m
  approvers: [{ name: nobody, account: "system:65534", role: agency-head }]
${more}`;

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'cordon-operating-'));
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(
    new AnswerBook()
      .set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1'])
      .set('www.example.com. A', ['www.example.com. 60 IN A 192.0.2.80']).handler,
  );
  cordon = await startCordon({ config: configOf() });
  await vi.waitUntil(() => existsSync(join(cordon.directory, 'state/control.sock')), { timeout: 90_000 });
});
afterAll(async () => {
  await cordon?.stop();
  await upstream?.close();
  rmSync(place, { recursive: true, force: true });
});

const PAPER = {
  grounds: 'law-enforcement',
  justification: 'Case 2026-117 needs two accounts to be watched as the public sees them.',
  alternatives: 'Records by warrant take weeks.',
  mitigations: ['Two devices apart.'],
};
/** A command beside another one; gives the status. */
const postToSocket = async (state: string, path: string, body: object): Promise<number> =>
  (await requestControl(state, 'POST', path, body)).status;

const command = (...args: readonly string[]): Promise<RunResult> => commandIn(cordon.directory, ...args);
const commandIn = (directory: string, ...args: readonly string[]): Promise<RunResult> =>
  runCommandHere([...args, '--config', join(directory, 'cordon.yaml')]);
const readStatus = async (): Promise<ServiceStatus> =>
  JSON.parse((await command('status', '--json')).stdout) as ServiceStatus;

/** What the service copied for a backup, and nobody took away. */
const copiesIn = (state: string): string[] =>
  readdirSync(state).filter((name) => name.endsWith('.copy.sqlite'));

describe('status', () => {
  test('is 0 while the prohibition is in force and nothing needs a person', async () => {
    await ask(cordon.dns, 'www.example.com. A');
    const { code, stdout, stderr } = await command('status');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^IN FORCE since 20\d\d-/);
    for (const text of [
      `dns ${cordon.dns.address}:${cordon.dns.port}`,
      'tiktok',
      `:${upstream.endpoint.port}`,
    ]) {
      expect(stdout).toContain(text);
    }
    // No terminal: no colors.
    expect(stdout).not.toContain('\u001b');
    expect(await readStatus()).toMatchObject({
      ready: true,
      enforcement: { state: 'enforced' },
      lists: [{ id: 'tiktok', mandate: true, state: 'good' }],
      upstreams: [{ up: true, answers: 1 }],
      exemptions: { active: 0, waiting: 0 },
      problems: [],
    });
  });

  test('is 5 during a pause, and says who and until when', async () => {
    await command('pause', '5m', '--reason', 'incident 7');
    const { code, stdout } = await command('status');
    await command('resume');
    expect(code).toBe(5);
    expect(stdout).toMatch(/^NOT IN FORCE since .*\n {2}suspended by .+ until 20.*: incident 7\n/);
  });

  test('is 1 with a list that is held', { tags: 'night' }, async () => {
    writeFileSync(
      join(cordon.directory, 'own.txt'),
      'a.example\n'.repeat(1).concat('b.example\nc.example\n'),
    );
    writeFileSync(
      join(cordon.directory, 'cordon.yaml'),
      configOf(`${TIKTOK}  - { id: own, file: own.txt }\n`).replaceAll(
        'lists: [tiktok]',
        'lists: [tiktok, own]',
      ),
    );
    expect(await command('reload', '--reason', 'another list')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^reloaded: generation \d+, /) as string,
    });
    const names = Array.from({ length: 400 }, (_, index) => `n${index}.example`);
    writeFileSync(join(cordon.directory, 'own.txt'), names.join('\n'));
    const refused = await command('reload');
    expect({ code: refused.code, lines: refused.stderr.trimEnd().split('\n').length }).toEqual({
      code: 1,
      lines: 1,
    });
    expect(refused.stderr).toContain('[ERR_LIST_HELD]');
    const { code, stdout } = await command('status');
    expect(code).toBe(1);
    expect(stdout).toContain('! list own is held: cordon lists status');
    writeFileSync(join(cordon.directory, 'own.txt'), 'a.example\nb.example\nc.example\n');
    expect(await command('reload')).toMatchObject({ code: 0 });
  });

  test('is 1 where no service runs', async () => {
    const directory = join(place, 'nobody');
    mkdirSync(directory);
    writeFileSync(join(directory, 'cordon.yaml'), configOf());
    const { code, stderr } = await commandIn(directory, 'status');
    expect(code).toBe(1);
    expect(stderr).toContain('[ERR_CLI_NO_SERVICE]');
  });
});

describe('top', () => {
  test('prints one page where there is no terminal, with the refusals of just now', async () => {
    for (let count = 0; count < 5; count++) {
      expect((await ask(cordon.dns, NAME)).rcode).toBe(RCODE.NXDOMAIN);
    }
    await vi.waitUntil(
      async () => (await command('records', 'list', '--kind', 'refusal')).stdout.includes('www.tiktok.com'),
      { timeout: 90_000 },
    );
    const { code, stdout, stderr } = await command('top', '--interval', '1');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^cordon top {2}20/);
    expect(stdout).toContain('refused www.tiktok.com A');
    const page = JSON.parse((await command('top', '--json', '--interval', '1')).stdout) as TopPage;
    expect(page.rates).toMatchObject({ state: 'enforced', queriesPerSec: expect.any(Number) as number });
    expect(page.refusals.length).toBeGreaterThan(0);
  });

  test('draws on a terminal until q, no wider than it is, and gives it back', {
    tags: 'night',
  }, async (context) => {
    requireProgram(context, 'python3');
    for (const key of ['q', '\\x03']) {
      const { code, stdout } = await run('python3', [
        ...[IN_TERMINAL, '24', '60', key, 'SLOWEST UPSTREAMS', process.execPath, PROGRAM],
        ...['top', '--interval', '1', '--config', join(cordon.directory, 'cordon.yaml')],
      ]);
      expect(code, stdout).toBe(0);
      expect(stdout).toContain('\u001b[?1049h');
      expect(stdout.trimEnd().endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
      const [, page = ''] = stdout.split('\u001b[H');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals understand.
      const lines = page.replace(/\u001b\[[\d;?]*[A-Za-z]/g, '').split(/\r+\n/);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
    }
  });

  test.each(['0', '61', 'x'])('--interval %s is wrong usage', async (value) => {
    expect((await command('top', '--interval', value)).code).toBe(2);
  });
});

describe('backup and restore', () => {
  const exempt = async (): Promise<void> => {
    const options = ['--grounds', 'law-enforcement'];
    const texts = [
      '--justification',
      'Case 2026-117 needs two accounts to be watched as the public sees them.',
    ];
    const others = ['--alternatives', 'Records by warrant take weeks.', '--mitigation', 'Two devices apart.'];
    const until = new Date(Date.now() + 86_400_000).toISOString();
    const made = await command(
      ...['exemptions', 'request', ...options, ...texts, ...others, '--group', 'lab', '--until', until],
    );
    expect(made.stderr).toBe('');
    await approveAsOther(join(cordon.directory, 'state'), '1');
  };

  test('two backups at once have copies of their own, and what one left is removed after a day', async () => {
    const state = join(cordon.directory, 'state');
    const [old, young] = [join(state, 'register.copy.sqlite'), join(state, 'room.copy.sqlite')];
    for (const path of [old, young]) writeFileSync(path, '');
    // By the clock of the file system.
    const before = statSync(young).mtimeMs / 1000 - 2 * 86_400;
    utimesSync(old, before, before);
    const asked = (): Promise<{ body: Record<string, unknown> }> =>
      requestControl(state, 'POST', '/v1/backup/register', { reason: '' });
    const names = (await Promise.all([asked(), asked()])).map(({ body }) => String(body['register']));
    expect(copiesIn(state).sort()).toEqual([...names, 'room.copy.sqlite'].sort());
    expect(new Set(names).size).toBe(2);
    for (const name of copiesIn(state)) rmSync(join(state, name));
  });

  test.skipIf(!hasOtherUser)(
    'a backup under load is whole, and a new service goes on from it',
    { tags: 'night' },
    async () => {
      writeFileSync(join(cordon.directory, 'own.txt'), 'a.example\n');
      // As files of a folder that hands its group on may be: the state has none of these, and is refused with them.
      chmodSync(join(cordon.directory, 'own.txt'), 0o2755);
      const withOwn = configOf(`${TIKTOK}  - { id: own, file: own.txt }\n`);
      writeFileSync(join(cordon.directory, 'cordon.yaml'), withOwn);
      await exempt();
      let isLoading = true;
      const load = (async () => {
        for (let count = 0; isLoading; count++) await ask(cordon.dns, `n${count}.tiktok.com. A`);
      })();
      const file = join(place, 'cordon.tar.gz');
      const made = await command('backup', file, '--reason', 'nightly', '--json');
      expect(made.stderr).toBe('');
      expect(made.code).toBe(0);
      const again = await command('backup', join(place, 'second.tar.gz'));
      isLoading = false;
      await load;
      expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('verified') as string });
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(JSON.parse(made.stdout)).toMatchObject({ exemptions: 1, findings: [] });
      // Nothing is left behind, and who made it stands in the records.
      expect(readdirSync(place).filter((name) => name.startsWith('.cordon'))).toEqual([]);
      expect(copiesIn(join(cordon.directory, 'state'))).toEqual([]);
      await vi.waitUntil(
        async () => (await command('records', 'list', '--class', 'changes')).stdout.includes('backup by'),
        { timeout: 90_000 },
      );
      expect((await command('backup', file)).stderr).toContain('it is there already');

      const elsewhere = join(place, 'elsewhere');
      mkdirSync(join(elsewhere, 'state'), { recursive: true });
      writeFileSync(join(elsewhere, 'cordon.yaml'), configOf());
      const restored = await commandIn(elsewhere, 'restore', file);
      expect(restored.stderr).toBe('');
      expect(restored).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('1 exemptions were verified') as string,
      });
      const verified = await commandIn(elsewhere, 'records', 'verify');
      expect(verified).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('Nothing was changed') as string,
      });
      expect((await commandIn(elsewhere, 'restore', file)).stderr).toContain('it is not empty');
      // The configuration comes first on a new machine, where there is none.
      const kept = join(place, 'kept');
      expect(await commandIn(place, 'restore', file, '--configuration', kept)).toMatchObject({
        code: 0,
        stderr: '',
      });
      const from = cordon.directory;
      expect(readFileSync(join(kept, 'cordon.yaml'), 'utf8')).toBe(
        readFileSync(join(from, 'cordon.yaml'), 'utf8'),
      );
      expect(readFileSync(join(kept, 'files', from, 'own.txt'), 'utf8')).toBe(
        readFileSync(join(from, 'own.txt'), 'utf8'),
      );
      expect((await commandIn(place, 'restore', file, '--configuration', kept)).stderr).toContain(
        'it is there already',
      );

      const second = await startCordon({ config: `state: ${join(elsewhere, 'state')}\n${configOf()}` });
      await vi.waitUntil(() => existsSync(join(elsewhere, 'state/control.sock')), { timeout: 90_000 });
      await expect
        .poll(async () => (await ask(second.dns, NAME, { from: '127.0.0.9' })).rcode)
        .toBe(RCODE.NOERROR);
      expect((await ask(second.dns, NAME)).rcode).toBe(RCODE.NXDOMAIN);
      expect((await commandIn(second.directory, 'exemptions', 'list')).stdout).toContain('active');
      expect((await commandIn(second.directory, 'restore', file)).stderr).toContain('the service runs');
      expect((await commandIn(second.directory, 'restore', file, '--check')).code).toBe(0);
      await second.stop();
      expect((await commandIn(elsewhere, 'records', 'verify')).code).toBe(0);
    },
  );

  test('what is decided while a backup is made contradicts nothing in it', { tags: 'night' }, async () => {
    const state = join(cordon.directory, 'state');
    const file = join(place, 'meanwhile.tar.gz');
    const until = new Date(Date.now() + 86_400_000).toISOString();
    // Once the service has copied its register, and before the records are.
    const asking = (async () => {
      await vi.waitUntil(() => copiesIn(state).length > 0, { timeout: 90_000, interval: 1 });
      return postToSocket(state, '/v1/exemptions', { ...PAPER, clients: ['127.0.0.64/29'], until });
    })();
    const [made, asked] = [await command('backup', file, '--json'), await asking];
    expect([made.code, made.stderr, asked]).toEqual([0, '', 200]);
    const target = join(place, 'meanwhile');
    mkdirSync(join(target, 'state'), { recursive: true });
    writeFileSync(join(target, 'cordon.yaml'), configOf());
    expect((await commandIn(target, 'restore', file)).code).toBe(0);
    const restored = join(target, 'state');
    const { findings, young } = await verifyRecords(join(restored, 'records'), {
      ...{ witnesses: registerWitnesses(restored), nowMs: Date.now() + 60_000 },
    });
    expect({ findings, young }).toEqual({ findings: [], young: 0 });
  });

  test('a backup that was changed is not restored', { tags: 'night' }, async () => {
    const file = join(place, 'third.tar.gz');
    expect((await command('backup', file)).code).toBe(0);
    const target = join(place, 'target');
    mkdirSync(target);
    writeFileSync(join(target, 'cordon.yaml'), configOf());
    const work = join(place, 'work');
    const repack = (change: () => void): string => {
      rmSync(work, { recursive: true, force: true });
      mkdirSync(work);
      execFileSync('tar', ['-xzf', file, '-C', work]);
      change();
      execFileSync('tar', ['-czf', join(place, 'bad.tar.gz'), '-C', work, '.']);
      return join(place, 'bad.tar.gz');
    };
    const mandates = join(work, 'state/mandates.json');
    const attempts: readonly (readonly [make: () => string, text: string])[] = [
      [
        () =>
          repack(() => writeFileSync(mandates, readFileSync(mandates, 'utf8').replace('tiktok', 'tiktoc'))),
        'mandates.json is not what',
      ],
      [() => repack(() => rmSync(mandates)), 'mandates.json is not what'],
      [() => repack(() => writeFileSync(join(work, 'state/more'), '')), 'more is not what'],
      [
        () => repack(() => execFileSync('ln', ['-sf', '/etc/passwd', mandates])),
        'mandates.json is no plain file',
      ],
      [() => repack(() => rmSync(join(work, 'backup.json'))), 'backup.json'],
      [() => join(target, 'cordon.yaml'), ''],
      [() => join(place, 'none.tar.gz'), 'ENOENT'],
    ];
    for (const [make, text] of attempts) {
      const { code, stderr } = await commandIn(target, 'restore', make());
      expect(code, text).toBe(1);
      expect(stderr).toContain('[ERR_CLI_RESTORE]');
      expect(stderr).toContain(text);
      expect(existsSync(join(target, 'state'))).toBe(false);
    }
  });
});
