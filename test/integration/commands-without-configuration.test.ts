// Every command while the file of the configuration is wrong: the service runs on with what it took, and is asked all the same.
//
// Each command is run with the right file first, and again with each fault; what it ends with and the shape of what it prints
// have to be the same. Then the service is stopped, and what is left to do with its state directory is done.
import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ALL_COMMANDS } from '../../src/commands/declarations/all.ts';
import { runCommandHere } from '../support/command.ts';
import { inTwo } from '../support/night.ts';
import { hasOtherUser } from '../support/other-user.ts';
import { type Cordon, type RunResult, run, startCordon } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { OTHERS, ROWS, type Row, SOME } from '../support/service-commands.ts';

/** Of a webhook, which is nobody's to read. */
const SECRET = 'T0KEN';
const PREFIXES = '127.0.0.8/30\n';
/** Each command once, one of them for a second, on a loaded machine. */
const READING_MS = 180_000;

const contentOf = (more = ''): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ./state
upstreams: ["127.0.0.1:9"]
compliance: { profile: us-federal, pause-max: 5m }
groups:
  - { name: default, lists: [tiktok, own] }
  - { name: lab, clients-file: lab.txt, lists: [tiktok, own] }
lists: [{ id: tiktok, shipped: tiktok, mandate: true }, { id: own, file: own.txt }]
reports: { schedule: [{ every: quarterly, format: json, webhook: "https://hooks.example/${SECRET}" }] }
${more}`;

let cordon: Cordon;
let expected: ReadonlyMap<string, unknown>;
/** For what commands read and write. */
let place: string;

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'cordon-commands-'));
  mkdirSync(join(place, 'exemptions'));
  writeFileSync(join(place, 'overlay.yaml'), 'block: {}\n');
  const { privateKey } = generateKeyPairSync('x25519');
  writeFileSync(join(place, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  cordon = await startCordon({
    config: contentOf(),
    files: { 'own.txt': 'own.example\n', 'lab.txt': PREFIXES },
  });
  expected = await readExpected();
}, READING_MS);
afterAll(async () => {
  await cordon?.kill();
  for (const directory of [place, cordon?.directory ?? place])
    rmSync(directory, { recursive: true, force: true });
});

const fileOf = (directory = cordon.directory): string => join(directory, 'cordon.yaml');

const invoke = async (
  { name, args }: Row,
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> => {
  for (const made of ['backup', 'bundle']) rmSync(join(place, made), { recursive: true, force: true });
  const filled = args.map((arg) => arg.replace('PLACE', place));
  return runCommandHere([...name.split(' '), ...filled, '--config', fileOf()], { cwd: place, env });
};

/** What a command ended with and what it printed, without what differs between two calls. */
const outcomeOf = ({ code, stdout, stderr }: RunResult): unknown => ({
  code,
  errors: stderr.match(/\[ERR_\w+\]/g) ?? [],
  stdout: shapeOf(stdout),
});

/** Members of JSON by their names; of text, that there is one. */
const shapeOf = (stdout: string): unknown => {
  if (stdout === '') return '';
  try {
    const value = JSON.parse(stdout) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.keys(value)
      : typeof value;
  } catch {
    return 'text';
  }
};

interface FileFault {
  readonly name: string;
  /** Makes it, where `file` was; what is to be removed afterwards is `file` alone. */
  readonly make: (file: string) => void;
  readonly env?: Readonly<Record<string, string>>;
  /** What is said of it. */
  readonly said: RegExp;
  /** Commands differ in nothing there, so that a few are run. */
  readonly isOfOnePlace?: true;
  /** Commands differ in it, and a few are run at each change. */
  readonly isOfNight?: true;
}

/** What can be wrong with the file. */
const FAULTS: readonly FileFault[] = [
  {
    name: 'one wrong key',
    make: (file) => writeFileSync(file, contentOf('cache: { sze: 1 }\n')),
    said: /^\S*cordon\.yaml:12:10: cache\.sze: unknown key; did you mean "size"\? \(/,
  },
  {
    name: 'several faults',
    isOfOnePlace: true,
    make: (file) => writeFileSync(file, contentOf('cache: { sze: 1 }\nworkrs: 3\ntcp: 7\n')),
    said: /^\S*cordon\.yaml:12:10: .*; 2 more: cordon check \(/,
  },
  {
    name: 'no YAML',
    isOfNight: true,
    make: (file) => writeFileSync(file, contentOf('cache: {{{\n')),
    said: /^\S*cordon\.yaml:1\d:\d+: /,
  },
  {
    name: 'a wrong key in place of the state',
    isOfOnePlace: true,
    make: (file) => writeFileSync(file, contentOf().replace('state:', 'sttae:')),
    said: /^\S*cordon\.yaml:4:1: sttae: unknown key; did you mean "state"\?/,
  },
  {
    name: 'a state that is no directory',
    isOfOnePlace: true,
    make: (file) => writeFileSync(file, contentOf().replace('./state', '7')),
    said: /^\S*cordon\.yaml:4:8: state: /,
  },
  {
    name: 'a file of prefixes with a wrong line',
    isOfOnePlace: true,
    make: (file) => {
      writeFileSync(file, contentOf());
      writeFileSync(join(file, '../lab.txt'), '127.0.0.8/99\n');
    },
    said: /^\S*lab\.txt:1:1: groups\[1\]\.clients-file: /,
  },
  {
    name: 'a variable that no key has',
    isOfOnePlace: true,
    make: (file) => writeFileSync(file, contentOf()),
    env: { CORDON_CACHE_SZE: '1' },
    said: /^environment CORDON_CACHE_SZE: no key has this variable/,
  },
  { name: 'no file', isOfNight: true, make: () => {}, said: /^\S*cordon\.yaml: there is no such file/ },
  {
    name: 'no plain file',
    isOfNight: true,
    make: (file) => void mkdirSync(file),
    said: /^\S*cordon\.yaml: the file cannot be read \(EISDIR\)/,
  },
];

/** Those that are run with a fault. */
const rowsOf = ({ isOfOnePlace, isOfNight }: FileFault, isStopped = false) =>
  inTwo(
    isOfOnePlace === true ? SOME : ROWS,
    (one) => (isOfNight !== true && !isStopped) || SOME.includes(one),
  );

const withFault = async ({ make }: FileFault, act: () => Promise<void>): Promise<void> => {
  const file = fileOf();
  rmSync(file);
  try {
    make(file);
    await act();
  } finally {
    rmSync(file, { recursive: true, force: true });
    writeFileSync(file, contentOf());
    writeFileSync(join(cordon.directory, 'lab.txt'), PREFIXES);
  }
};

test('every command with a configuration stands in one of the two tables', () => {
  const known = new Set([...ROWS.map(({ name }) => name), ...Object.keys(OTHERS)]);
  const missing = ALL_COMMANDS.filter(
    ({ path, command }) => command.isCommand && 'config' in command.options && !known.has(path.join(' ')),
  ).map(({ path }) => path.join(' '));
  expect(missing).toEqual([]);
});

/** What each command does while all is well, one after the other. */
const readExpected = async (): Promise<ReadonlyMap<string, unknown>> => {
  const outcomes = new Map<string, unknown>();
  for (const one of ROWS) outcomes.set(keyOf(one), outcomeOf(await invoke(one)));
  return outcomes;
};
const keyOf = ({ name, args }: Row): string => [name, ...args].join(' ');

describe.each(FAULTS)('while the service runs: $name', (fault) => {
  for (const [options, rows] of rowsOf(fault))
    test.each(rows)('$name $args', options, async (one) => {
      await withFault(fault, async () => {
        const result = await invoke(one, fault.env);
        expect(outcomeOf(result)).toEqual(expected.get(keyOf(one)));
        const [note = '', ...rest] = result.stderr.split('\n');
        expect(note).toMatch(fault.said);
        expect(note).toContain('(the service runs with what it took before)');
        expect(rest.join('\n')).not.toContain('the service runs with');
      });
    });
});

describe('which service is meant', () => {
  const call = (args: readonly string[], env = {}, cwd = place): Promise<RunResult> =>
    runCommandHere(args, { cwd, env });
  const state = (): string => join(cordon.directory, 'state');

  test('the state directory alone says it, by option or, beside a wrong file, by variable', async () => {
    const named = await call(['lists', 'history', 'own', '--state-directory', state()]);
    expect(named).toMatchObject({ code: 0, stderr: '' });
    const config = join(place, 'wrong.yaml');
    writeFileSync(config, 'cache: { sze: 1 }\n');
    const without = await call(['status', '--config', config]);
    expect(without).toMatchObject({ code: 1, stdout: '' });
    expect(without.stderr).toMatch(/--state-directory.*\[ERR_CONFIG_PROBLEMS\]\n$/s);
    const variable = await call(['pause', '--config', config], { CORDON_STATE: state() });
    expect(variable).toMatchObject({ code: 0, stdout: 'refusals are given\n' });
  });

  test('a file that is not there leads to no service that took another one', async () => {
    mkdirSync(join(place, 'other'), { recursive: true });
    symlinkSync(state(), join(place, 'other/state'));
    for (const path of [join(place, 'none.yaml'), join(place, 'other/cordon.yaml')]) {
      const { code, stderr } = await call(['pause', '5m', '--reason', 'x', '--config', path]);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/there is no such file\n.*\[ERR_CONFIG_PROBLEMS\]\n$/s) as string,
      });
    }
  });

  test('a state directory that is named and has nothing is told as it is', async () => {
    const empty = join(place, 'empty');
    expect(await call(['status', '--state-directory', empty])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        `asking the service at ${empty}/control.sock: it does not run`,
      ) as string,
    });
    expect((await call(['lists', 'history', 'own', '--state-directory', empty])).stderr).toMatch(
      /looking for what is in force in .*empty: nothing is kept there .*\[ERR_CLI_FILE\]\n$/,
    );
  });

  test('the file with a fault elsewhere still says where the state is', async () => {
    const [config, moved] = [join(place, 'elsewhere.yaml'), join(place, 'moved')];
    symlinkSync(state(), moved);
    for (const text of ['state: moved\ncache: { sze: 1 }\n', `cache: {{{\n`, 'state: moved\ncache: {{{\n']) {
      writeFileSync(config, text);
      const { code } = await call(['pause', '--config', config]);
      expect({ text, code }).toEqual({ text, code: text.includes('moved') ? 0 : 1 });
    }
  });

  test('what is kept is closed like the control socket, and nothing in it is secret', () => {
    const path = join(state(), 'in-force.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('https://hooks.example/***');
    expect(text).not.toContain(SECRET);
    expect(JSON.parse(text)).toMatchObject({ file: fileOf() });
  });

  test('explain names the hash of what is in force', async () => {
    const answer = async (...args: readonly string[]): Promise<unknown> =>
      JSON.parse((await call([...args, '--json', '--config', fileOf()])).stdout) as unknown;
    await withFault(FAULTS[0] as FileFault, async () => {
      const { configSha256: sha256 } = (await answer('status')) as { configSha256: string };
      expect(await answer('explain', 'www.tiktok.com')).toMatchObject({
        configuration: { path: fileOf(), sha256, wasNamed: true },
      });
    });
  });

  test('a reload follows: what was refused is not kept, what was taken is', async () => {
    const reload = (): Promise<RunResult> => call(['reload', '--json', '--config', fileOf()]);
    const history = (id: string): Promise<RunResult> => call(['lists', 'history', id, '--config', fileOf()]);
    writeFileSync(fileOf(), contentOf('cache: { sze: 1 }\n'));
    expect(await reload()).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^\S+:12:10: .*runs with what it took before\)\n.*\[ERR_CONFIG_PROBLEMS\]\n$/s,
      ) as string,
    });
    expect((await history('own2')).stderr).toContain('[ERR_LIST_UNKNOWN]');
    const changed = contentOf().replace('{ id: own,', '{ id: own2, file: own.txt }, { id: own,');
    writeFileSync(fileOf(), changed);
    expect(await reload()).toMatchObject({ code: 0, stderr: '' });
    writeFileSync(fileOf(), `${changed}cache: { sze: 1 }\n`);
    await expect.poll(async () => (await history('own2')).code, { timeout: READING_MS }).toBe(0);
    writeFileSync(fileOf(), contentOf());
    expect(await reload()).toMatchObject({ code: 0, stderr: '' });
  });
});

test.skipIf(!hasOtherUser)(
  'a member of the group does all this while the file is closed to it',
  { tags: 'night' },
  async () => {
    const shared = await startCordon({
      config: contentOf('admin: { socket: group }\n'),
      files: { 'own.txt': 'own.example\n', 'lab.txt': PREFIXES },
    });
    onTestFinished(() => shared.kill());
    const state = join(shared.directory, 'state');
    expect(statSync(join(state, 'in-force.json')).mode & 0o777).toBe(0o640);
    // As the unit has it: the folders of the service are open to its group.
    chmodSync(shared.directory, 0o770);
    chmodSync(state, 0o750);
    chmodSync(fileOf(shared.directory), 0o600);
    const act = (...args: readonly string[]): Promise<RunResult> =>
      run('setpriv', [
        ...['--reuid=65534', '--regid=0', '--clear-groups', process.execPath, PROGRAM],
        ...[...args, '--config', fileOf(shared.directory)],
      ]);
    for (const args of [
      ['pause', '--json'],
      ['lists', 'status'],
      ['explain', 'own.example', '--json'],
    ]) {
      const { code, stderr } = await act(...args);
      expect({ args, code, stderr }).toEqual({
        args,
        code: args[0] === 'explain' ? 3 : 0,
        stderr: `${fileOf(shared.directory)}: the file cannot be read (EACCES) (the service runs with what it took before)\n`,
      });
    }
    expect(await act('records', 'key')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('(Read it as the user of the service or as root.)') as string,
    });
    // Nobody could remove what the service would copy for it.
    expect(await act('backup', join(shared.directory, 'backup'))).toMatchObject({ code: 1, stdout: '' });
    expect(readdirSync(state).filter((name) => name.endsWith('.copy.sqlite'))).toEqual([]);
    chmodSync(state, 0o700);
    const closed = await act('status');
    expect(closed).toMatchObject({ code: 1, stdout: '' });
    expect(closed.stderr).toMatch(/the file cannot be read \(EACCES\)\n.*\[ERR_CONFIG_PROBLEMS\]\n$/s);
  },
);

describe('while no service runs', () => {
  let before: ReadonlyMap<string, unknown>;
  beforeAll(async () => {
    // As a crash leaves it: the program's folder goes with the program.
    const saved = join(place, 'saved');
    cordon.signal('SIGSTOP');
    cpSync(cordon.directory, saved, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    await cordon.kill();
    cpSync(saved, cordon.directory, { recursive: true });
    before = await readExpected();
  }, READING_MS);

  test.each(ROWS.filter(({ stopped }) => stopped === 'done'))('$name $args is done', (one) => {
    expect(before.get(keyOf(one))).toEqual(expected.get(keyOf(one)));
  });

  describe.each(FAULTS)('$name', (fault) => {
    for (const [options, rows] of rowsOf(fault, true))
      test.each(rows)('$name $args', options, async (one) => {
        await withFault(fault, async () => {
          const result = await invoke(one, fault.env);
          // The configuration itself is explained, and there is none.
          const outcome = /^(?:explain|trace)$/.test(one.name)
            ? { code: 1, errors: ['[ERR_CONFIG_PROBLEMS]'], stdout: '' }
            : before.get(keyOf(one));
          expect(outcomeOf(result)).toEqual(outcome);
          expect(result.stderr.split('\n')[0]).toMatch(fault.said);
          expect(result.stderr).toContain('(no service runs, and what it took last is used)');
        });
      });
  });
});
