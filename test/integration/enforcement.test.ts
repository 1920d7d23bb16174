// Every way to be not in force, in the real program: metric, readiness, log, probe, alarm, record and report say the
// same at the same moment, and it is what a client sees.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readCheckpoint } from '../../src/evidence/records/checkpoint-file.ts';
import { readPublicKeys } from '../../src/evidence/records/heads.ts';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readAdmin, readMetric, reload } from '../support/client.ts';
import { runCommandHere, runProgram } from '../support/command.ts';
import { inTwo } from '../support/night.ts';
import { type Cordon, type LogLine, requireProgram, run, startCordon } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const alerts = fileURLToPath(new URL('../../deploy/alerts.yml', import.meta.url));
const DEAD = pathToFileURL(fileURLToPath(new URL('../support/dead-workers.mjs', import.meta.url))).href;
const WAIT_MS = 60_000;

/** Names of two mandate lists. */
const ORDER = 'www.order.example.';
const OTHER = 'www.other.example.';
const FILES = { 'order.txt': 'order.example\n', 'other.txt': 'other.example\n', 'own.txt': 'own.example\n' };
const LIST = {
  order: '{ id: order, file: order.txt, mandate: true }',
  other: '{ id: other, file: other.txt, mandate: true }',
  own: '{ id: own, file: own.txt }',
  watched: '{ id: order, file: order.txt, log-only: true }',
  ordinary: '{ id: order, file: order.txt }',
};
/** 127.0.0.9 asks as this group. */
const STAFF = 'clients: ["127.0.0.9/32"]';

let upstream: ScriptedUpstream;
let cordon: Cordon;
let directory: string;

const configOf = (lists: readonly string[], more = ''): string => `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ${directory}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
probe: { interval: 0s, rate: 10000, listeners: false, controls: ["www.free.example"] }
lists: [${lists.join(', ')}]
${more}`;
const groupsOf = (...groups: readonly string[]): string =>
  `groups:\n${groups.map((group) => `  - { ${group} }\n`).join('')}`;
const BOTH = 'name: default, lists: [order, other]';

const startAgain = async (config: string, files: Readonly<Record<string, string>> = FILES): Promise<void> => {
  cordon = await startCordon({ config, files, env: { NODE_OPTIONS: `--import=${DEAD}` } });
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-state-'));
  upstream = await ScriptedUpstream.open();
  const book = new AnswerBook();
  for (const name of [ORDER, OTHER, 'www.own.example.', 'www.free.example.'])
    book.set(`${name} A`, [`${name} 60 IN A 192.0.2.1`]);
  upstream.onQuery(book.handler);
  await startAgain(configOf([LIST.order, LIST.other, LIST.own]));
});

afterAll(async () => {
  await cordon?.kill();
  await upstream?.close();
  rmSync(directory, { recursive: true, force: true });
});

const withConfig = (args: readonly string[]): string[] => [
  ...args,
  '--config',
  join(cordon.directory, 'cordon.yaml'),
];
const command = (...args: readonly string[]) => runCommandHere(withConfig(args));

/** Until when records are signed, by a clock of seconds. */
const signedMs = (): number => {
  const records = join(directory, 'records');
  const found = readCheckpoint(records, readPublicKeys(records).values());
  return found.kind === 'signed' ? found.checkpoint.signedMs : 0;
};

/** What everybody has to say. */
interface Expected {
  /** `state` or `state cause`. */
  readonly says: string;
  /** Names that a client of the group gets an answer for. */
  readonly leaks?: readonly (readonly [name: string, from: string])[];
  /** What the sentence names. */
  readonly names?: readonly string[];
}

interface Told {
  readonly title: string;
  readonly state: string;
  readonly cause: string | undefined;
  readonly atMs: number;
}

/** In the order in which it was so. */
const told: Told[] = [];
/** Rule tests for promtool, one for each row. */
const ruleTests: string[] = [];

const seriesOf = (page: string, name: string): string[] =>
  page.split('\n').filter((line) => line.startsWith(name));

const isInForceNow = (state: string): boolean => state === 'enforced';

/** Asks everybody; what cannot be asked for (no worker lives) is left out by the caller. */
const expectAll = async (title: string, expected: Expected, line?: LogLine): Promise<void> => {
  const [state = '', cause] = expected.says.split(' ');
  const isWell = isInForceNow(state);
  const isDecided = isWell || state === 'out-of-scope';
  // Metric.
  const { body: page } = await readAdmin(cordon, '/metrics');
  expect(seriesOf(page, 'cordon_policy_enforcing '), title).toEqual([
    `cordon_policy_enforcing ${isWell ? 1 : 0}`,
  ]);
  const states = seriesOf(page, 'cordon_enforcement_state{');
  expect(states[0], title).toBe(`cordon_enforcement_state{group="*",state="${state}"} 1`);
  // Readiness.
  const ready = await readAdmin(cordon, '/readyz');
  const said = JSON.parse(ready.body) as { state: string; causes: string[]; text: string; todo?: string };
  expect([ready.status, said.state, said.causes], title).toEqual([
    isDecided ? 200 : 503,
    state,
    cause === undefined ? [] : [cause],
  ]);
  expect(said.todo !== undefined, title).toBe(!isDecided);
  for (const name of expected.names ?? []) expect(said.text, title).toContain(name);
  // The log: one line a change.
  if (line !== undefined) {
    expect(line, title).toMatchObject({ state, ...(cause === undefined ? {} : { cause, todo: said.todo }) });
    expect(line.msg, title).toBe(`${isDecided ? 'in force' : 'NOT IN FORCE'}: ${said.text}`);
    expect(line.level, title).toBe(isDecided ? 'info' : state === 'paused' ? 'warn' : 'error');
  }
  // The probe.
  const probe = await command('probe');
  if (state !== 'not-ready' && state !== 'not-answering') {
    const [headline = ''] = probe.stdout.split('\n');
    expect(headline, `${title}\n${probe.stdout}${probe.stderr}`).toMatch(
      isWell ? /^ENFORCED: / : new RegExp(`^${state.toUpperCase()}: `),
    );
  }
  expect(probe.stdout.includes('ENFORCED'), title).toBe(isWell);
  expect(probe.code, title).toBe(isWell ? 0 : 1);
  // What a client sees.
  if (state !== 'not-ready' && state !== 'not-answering') {
    const leaks = (expected.leaks ?? []).map(([name, from]) => `${name} ${from}`);
    for (const from of ['127.0.0.1', '127.0.0.9']) {
      for (const name of [ORDER, OTHER]) {
        const { rcode } = await ask(cordon.dns, `${name} A`, { from });
        const isLeak = leaks.includes(`${name} ${from}`);
        expect(rcode, `${title}: ${name} from ${from}`).toBe(isLeak ? RCODE.NOERROR : RCODE.NXDOMAIN);
      }
    }
  }
  ruleTests.push(ruleTestOf(title, page, !isDecided));
  told.push({ title, state, cause, atMs: Date.now() });
};

/** The scraped values, held for ten minutes, through the rules that ship. */
const ruleTestOf = (title: string, page: string, isAlarm: boolean): string => {
  const series = [
    ...seriesOf(page, 'cordon_policy_enforcing '),
    ...seriesOf(page, 'cordon_enforcement_state{'),
  ];
  const input = series.map((line) => {
    const space = line.lastIndexOf(' ');
    return { series: line.slice(0, space), values: `${line.slice(space + 1)}x10` };
  });
  const [summary, description] = ['the prohibition is not in force', DESCRIPTION];
  const alarm = {
    exp_labels: { severity: 'critical' },
    exp_annotations: {
      summary: `: ${summary}`,
      description,
      runbook_url: 'docs/runbooks.md#cordonnotenforcing',
    },
  };
  return JSON.stringify({
    name: title,
    interval: '1m',
    input_series: input,
    alert_rule_test: [
      { eval_time: '5m', alertname: 'CordonNotEnforcing', exp_alerts: isAlarm ? [alarm] : [] },
    ],
  });
};
const DESCRIPTION =
  '/readyz and the log say why and what to do; cordon_enforcement_state names groups and states.';

/** The line about the change that comes next. */
const changeLine = (from: number): Promise<LogLine> =>
  cordon.waitForLog(({ msg }) => msg.startsWith('in force: ') || msg.startsWith('NOT IN FORCE: '), from);

const ALL_LEAK = [ORDER, OTHER].flatMap((name) =>
  ['127.0.0.1', '127.0.0.9'].map((from) => [name, from] as const),
);
const everywhere = (name: string) => ['127.0.0.1', '127.0.0.9'].map((from) => [name, from] as const);
const staffOnly = (...names: readonly string[]) => names.map((name) => [name, '127.0.0.9'] as const);

/** Rows that say in another way what one of the gate says. */
const OF_THE_NIGHT: readonly string[] = [
  'chooses own lists only',
  'uses a mandate as an ordinary list',
  'leaves one group without one of them',
  'lets one mandate list only count',
  'has a group out of scope',
];
describe('a reload', () => {
  const ROWS: readonly [string, () => string, Expected][] = [
    [
      'chooses no list',
      () => configOf([]),
      {
        says: 'no-mandate configuration',
        leaks: ALL_LEAK,
        names: ['order', 'no longer in the configuration'],
      },
    ],
    [
      'chooses own lists only',
      () => configOf([LIST.own]),
      { says: 'no-mandate configuration', leaks: ALL_LEAK },
    ],
    [
      'uses a mandate as an ordinary list',
      () => configOf([LIST.ordinary]),
      {
        says: 'no-mandate configuration',
        leaks: everywhere(OTHER),
        names: ['order used as a list that is no mandate'],
      },
    ],
    [
      'takes one mandate list out',
      () => configOf([LIST.order, LIST.own]),
      { says: 'partly configuration', leaks: everywhere(OTHER), names: ['other no longer'] },
    ],
    [
      'leaves one group without any',
      () =>
        configOf([LIST.order, LIST.other, LIST.own], groupsOf(BOTH, `name: staff, ${STAFF}, lists: [own]`)),
      { says: 'no-mandate configuration', leaks: staffOnly(ORDER, OTHER), names: ['group staff'] },
    ],
    [
      'leaves one group without one of them',
      () => configOf([LIST.order, LIST.other], groupsOf(BOTH, `name: staff, ${STAFF}, lists: [order]`)),
      { says: 'partly configuration', leaks: staffOnly(OTHER), names: ['staff: other not chosen'] },
    ],
    [
      'lets its mandate lists only count',
      () => configOf([LIST.watched]),
      { says: 'watched configuration', leaks: ALL_LEAK, names: ['order only counts'] },
    ],
    [
      'lets one mandate list only count',
      () => configOf([LIST.watched, LIST.other]),
      { says: 'partly configuration', leaks: everywhere(ORDER) },
    ],
    [
      'has a schedule outside its hours',
      () =>
        configOf(
          [LIST.ordinary],
          `compliance: { out-of-scope: [other] }\n${groupsOf('name: default, lists: [order], schedules: [{ list: order, until: 2020-01-01 }]')}`,
        ),
      { says: 'outside-hours schedule', leaks: ALL_LEAK, names: ['order outside its hours'] },
    ],
    [
      'writes everything out of scope',
      () => configOf([], 'compliance: { out-of-scope: true }'),
      { says: 'out-of-scope', leaks: ALL_LEAK },
    ],
    [
      'has a group out of scope',
      () =>
        configOf(
          [LIST.order, LIST.other],
          groupsOf(BOTH, `name: staff, ${STAFF}, lists: [], out-of-scope: true`),
        ),
      { says: 'enforced', leaks: staffOnly(ORDER, OTHER) },
    ],
  ];
  for (const [options, rows] of inTwo(ROWS, ([title]) => !OF_THE_NIGHT.includes(title)))
    test.each(rows)('%s', { ...options, timeout: WAIT_MS }, async (title, config, expected) => {
      const from = cordon.logs().length;
      await reload(cordon, { ...FILES, 'cordon.yaml': config() });
      await expectAll(title, expected, await changeLine(from));
      // Every row begins with all in force.
      const again = cordon.logs().length;
      await reload(cordon, { 'cordon.yaml': configOf([LIST.order, LIST.other, LIST.own]) });
      expect(await changeLine(again)).toMatchObject({
        state: 'enforced',
        by: expect.stringContaining('belongs to'),
      });
      told.push({ title: 'all in force', state: 'enforced', cause: undefined, atMs: Date.now() });
    });

  test(
    'writes the missing list out of scope',
    async () => {
      await reload(cordon, {
        'cordon.yaml': configOf([LIST.order], 'compliance: { out-of-scope: [other] }'),
      });
      await expectAll('out of scope by name', { says: 'enforced', leaks: everywhere(OTHER) });
      const { stdout } = await command('probe', '--json');
      expect(JSON.parse(stdout)).toMatchObject({ outcome: 'enforced', enforcement: { state: 'enforced' } });
      await reload(cordon, { 'cordon.yaml': configOf([LIST.order, LIST.other, LIST.own]) });
      // The probe knows the lists from here on, also when their files change.
      await expectAll('all in force again', { says: 'enforced' });
    },
    WAIT_MS,
  );

  test(
    'with an emptied mandate list is refused, and everything stays in force',
    async () => {
      const from = cordon.logs().length;
      expect((await reload(cordon, { 'order.txt': '' })).isRefused).toBe(true);
      await expectAll('an emptied list', { says: 'enforced' });
      const lines = cordon
        .logs()
        .slice(from)
        .filter(({ state }) => state !== undefined);
      expect(lines).toEqual([]);
      await reload(cordon, FILES);
    },
    WAIT_MS,
  );
});

test(
  'a pause, and its end',
  async () => {
    const from = cordon.logs().length;
    await command('pause', '5m', '--reason', 'incident 7');
    const line = await changeLine(from);
    expect(line).toMatchObject({ by: expect.any(String), reason: 'incident 7' });
    await expectAll('a pause', { says: 'paused operator-pause', leaks: ALL_LEAK }, line);
    const again = cordon.logs().length;
    await command('resume', '--reason', 'over');
    await expectAll('its end', { says: 'enforced' }, await changeLine(again));
  },
  WAIT_MS,
);

test(
  'all workers are dead, and come back',
  async () => {
    const from = cordon.logs().length;
    writeFileSync(join(cordon.directory, 'dead-workers'), '');
    const line = await changeLine(from);
    await expectAll('dead workers', { says: 'not-answering no-worker' }, line);
    const again = cordon.logs().length;
    rmSync(join(cordon.directory, 'dead-workers'));
    expect(await changeLine(again)).toMatchObject({ state: 'enforced' });
    told.push({ title: 'workers are back', state: 'enforced', cause: undefined, atMs: Date.now() });
  },
  WAIT_MS,
);

test(
  'a crash is told afterwards, and a list that was taken out is missed after a restart as well',
  async () => {
    await reload(cordon, { 'cordon.yaml': configOf([LIST.order]) });
    await expectAll('before the crash', { says: 'partly configuration', leaks: everywhere(OTHER) });
    const lastMs = told.at(-1)?.atMs ?? 0;
    // What comes after the last signature is as uncertain as the crash itself, and a report counts it as such.
    await expect.poll(signedMs, { timeout: WAIT_MS }).toBeGreaterThan(lastMs);
    await cordon.kill();
    await startAgain(configOf([LIST.order]));
    await expect
      .poll(() => readMetric(cordon, 'cordon_not_enforcing_seconds_total', { cause: 'crash' }), {
        timeout: WAIT_MS,
      })
      .toBeGreaterThan(0);
    await expectAll('after the crash', { says: 'partly configuration', leaks: everywhere(OTHER) });
  },
  WAIT_MS,
);

test(
  'no list can be loaded: nothing is answered',
  async () => {
    await cordon.stop();
    // What was saved is no use: it is damaged.
    writeFileSync(join(directory, 'generation.saved'), 'damaged');
    const { 'order.txt': _, ...others } = FILES;
    await startAgain(configOf([LIST.order, LIST.other]), others);
    const line = await cordon.waitForLog(({ msg }) => msg.startsWith('NOT IN FORCE: '));
    await expectAll('nothing loaded', { says: 'not-ready no-generation' }, line);
    const from = cordon.logs().length;
    await reload(cordon, FILES);
    await expectAll('loaded at last', { says: 'enforced' }, await changeLine(from));
  },
  WAIT_MS,
);

test('the records have each change in order, with its cause and who', async () => {
  // It writes to the descriptor, not to the stream.
  const { stdout } = await runProgram(withConfig(['records', 'export', '--kind', 'enforcement']));
  const records = stdout
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as { event: string; state: string; cause?: string; by?: string });
  const states = records.filter(({ event }) => event === 'state');
  let at = 0;
  for (const { title, state, cause } of told) {
    const found = states.findIndex(
      (record, index) => index >= at && record.state === state && record.cause === cause,
    );
    expect(
      found,
      `${title}: ${state} after ${states.slice(0, at).length} records\n${stdout}`,
    ).toBeGreaterThanOrEqual(0);
    // Two rows may be about the same state.
    at = found;
    const { by } = states[found] ?? {};
    if (cause === 'configuration') expect(by, title).toContain('cordon.yaml belongs to ');
    if (cause === 'no-worker' || cause === 'no-generation') expect(by, title).toBe(undefined);
  }
  expect(records.map(({ event, cause }) => `${event} ${cause}`)).toContain('gap-begin crash');
});

test(
  'a report says of each moment what was so',
  async () => {
    const fromMs = (told[0]?.atMs ?? 0) - 1_000;
    const untilMs = told.at(-1)?.atMs ?? 0;
    const period = ['--from', new Date(fromMs).toISOString(), '--to', new Date(untilMs).toISOString()];
    // Evidence reaches as far as the last signs of life that are on the disk: a moment behind what was just told.
    await vi.waitFor(
      async () => {
        const { stdout, stderr } = await command('report', ...period, '--format', 'json', '--unsigned');
        const { enforcement } = JSON.parse(stdout) as {
          enforcement: { intervals: { from: string; until: string; state: string; cause: string | null }[] };
        };
        for (const { title, state, cause, atMs } of told.slice(0, -1)) {
          const found = enforcement.intervals.find(
            ({ from, until }) => Date.parse(from) <= atMs && atMs < Date.parse(until),
          );
          const isWell = isInForceNow(state);
          expect([found?.state, found?.cause], `${title}\n${stderr}`).toEqual([
            isWell ? 'in-force' : 'not-in-force',
            isWell ? null : (cause ?? state),
          ]);
        }
      },
      { timeout: WAIT_MS / 2, interval: 500 },
    );
    const html = await command('report', ...period, '--format', 'html', '--unsigned');
    expect(html.stdout).not.toContain('in force all the time');
  },
  WAIT_MS,
);

test('the alarms that ship say the same of what was scraped', { tags: 'night' }, async (context) => {
  requireProgram(context, 'promtool');
  const tests = `{"rule_files": ["${alerts}"], "evaluation_interval": "1m", "tests": [${ruleTests.join(',')}]}`;
  const file = join(directory, 'matrix.test.json');
  writeFileSync(file, tests);
  const { code, stdout, stderr } = await run('promtool', ['test', 'rules', file]);
  expect(code, stdout + stderr).toBe(0);
  // Of whatever rows were run.
  expect(ruleTests.length).toBeGreaterThan(0);
});
