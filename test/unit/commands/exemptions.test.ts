// cordon exemptions: the real command against a real register behind a real control socket.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { systemAccount } from '../../../src/base/base.ts';
import { type Config, loadConfig } from '../../../src/config/config.ts';
import { ExemptionService, REGISTER_NAME } from '../../../src/evidence/exemptions/exemptions.ts';
import { type ControlSocket, openControlSocket } from '../../../src/people/admin/admin.ts';
import { createExemptionControl, exemptionSettings } from '../../../src/people/controls/exemption-control.ts';
import { runCommandHere } from '../../support/command.ts';
import type { RunResult } from '../../support/process.ts';

const NOW = Date.UTC(2026, 11, 1);
const DAY_MS = 86_400_000;
const day = (days: number): string => new Date(NOW + days * DAY_MS).toISOString();

const CONFIG = `state: state
lists:
  - { id: tiktok, file: list.txt, mandate: true, decision: { authority: OMB, reference: M-23-13, in-force-from: "2023-02-27" } }
groups:
  - { name: default, lists: [tiktok] }
  - { name: lab, clients: ["192.0.2.0/28"], lists: [tiktok] }
access: { allow: ["192.0.2.0/24"] }
compliance: { profile: us-federal }
`;

const REQUEST = {
  'requested-by': 'R. Investigator',
  grounds: 'law-enforcement',
  justification: 'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
  alternatives: 'Records asked of the company by warrant take weeks.',
  mitigations: ['Two standalone devices on a separate network.'],
  groups: ['lab'],
  until: day(30),
};
/** A check goes by the clock of the machine. */
const inDays = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString();
const APPROVED = {
  ...REQUEST,
  from: inDays(-1),
  until: inDays(29),
  'approved-by': 'A. Head',
  role: 'agency-head',
};

/** Whose request it is, and who grants it. */
const REQUESTER = 'local:p-00000000000a';
const HEAD = { by: 'A. Head', account: 'local:p-00000000000b' } as const;

/** The users of this system. */
const accountOf = (user: string) => systemAccount(user === 'alice' ? 1001 : 1002, 'dns1');

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-exemptions-'));
  mkdirSync(join(directory, 'state'));
  write('cordon.yaml', CONFIG);
  write('list.txt', 'tiktok.com\n');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const write = (name: string, content: string | object): void => {
  writeFileSync(join(directory, name), typeof content === 'string' ? content : stringify(content));
};

const exemptions = async (...args: readonly string[]): Promise<RunResult> => {
  const result = await runCommandHere(['exemptions', ...args], { cwd: directory });
  const place = (text: string): string => text.replaceAll(directory, 'DIRECTORY');
  return { ...result, stdout: place(result.stdout), stderr: place(result.stderr) };
};

const configOf = (): Config => {
  const facts = { workingDirectory: directory, shippedIds: [], shippedDefault: [] };
  const { config } = loadConfig(join(directory, 'cordon.yaml'), {}, facts);
  if (config === undefined) throw new TypeError('the configuration of the test is wrong');
  return config;
};

test.each([
  [[], 'cordon exemptions: one of list, show'],
  [['lst'], 'cordon exemptions: "lst" is none of list, show'],
  [['constructor'], 'cordon exemptions: "constructor" is none of'],
  [['list', 'x'], 'cordon exemptions list: "x" is not understood: it takes no argument'],
  [['list', '--state', 'open'], 'cordon exemptions list: --state "open" is none of requested, approved'],
  [['show'], 'cordon exemptions show: one ID is needed'],
  [['approve', '1', '2'], 'cordon exemptions approve: "2" is not understood: it takes ID only'],
  [['approve', '../1'], 'cordon exemptions approve: "../1" is no ID'],
  [['reject', '1'], 'cordon exemptions reject: --reason TEXT is needed'],
  [['revoke', '1'], 'cordon exemptions revoke: --reason TEXT is needed'],
  [['request', '--file', 'a.yaml', '--grounds', 'x'], 'cordon exemptions request: --file has all fields'],
  [['report', '--csv', '--json'], 'cordon exemptions report: --csv and --json are two reports'],
  [['check'], 'cordon exemptions check: one FILE or DIRECTORY is needed'],
])('%j is wrong usage', async (args, text) => {
  const { code, stdout, stderr } = await exemptions(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.startsWith(text), stderr).toBe(true);
});

test.each([
  [['list'], 'ERR_CLI_NO_SERVICE'],
  [['approve', '1', '--role', 'agency-head'], 'ERR_CLI_NO_SERVICE'],
  [['request', '--file', 'none.yaml'], 'ERR_EXEMPTION_READ'],
  [['request', '--file', 'list.txt'], 'ERR_EXEMPTION_READ'],
])('%j without a running program is an error', async (args, code) => {
  const { code: exit, stdout, stderr } = await exemptions(...args);
  expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
  expect(stderr).toContain(`[${code}]`);
});

describe('check', () => {
  test('finds nothing in texts that keep the rules', async () => {
    write('a.yaml', APPROVED);
    expect(await exemptions('check', 'a.yaml')).toMatchObject({ code: 0, stdout: 'a.yaml: no problem\n' });
  });

  test('tells every problem with its place and code', async () => {
    mkdirSync(join(directory, 'texts'));
    write('texts/a.yaml', { ...APPROVED, grounds: 'fun', 'approved-by': 'r. investigator' });
    write('texts/b.yaml', 'until: [\n');
    const { code, stdout } = await exemptions('check', 'texts');
    expect(code).toBe(1);
    expect(stdout.split('\n')).toEqual([
      'texts/a.yaml:2:1: grounds: "fun" are no grounds of us-federal; these are law-enforcement, national-security, security-research [ERR_EXEMPTION_GROUNDS]',
      'texts/a.yaml:12:1: approved-by: "r. investigator" requested it as well; somebody else has to decide [ERR_EXEMPTION_SELF_APPROVAL]',
      expect.stringMatching(/^texts\/b\.yaml:\d+:\d+: .* \[ERR_EXEMPTION_READ\]$/) as string,
      '',
    ]);
    const json = JSON.parse((await exemptions('check', 'texts', '--json')).stdout) as {
      ok: boolean;
      problems: object[];
    };
    expect(json.ok).toBe(false);
    expect(json.problems[0]).toEqual({
      code: 'ERR_EXEMPTION_GROUNDS',
      field: 'grounds',
      text: '"fun" are no grounds of us-federal',
      hint: 'these are law-enforcement, national-security, security-research',
      file: 'texts/a.yaml',
      line: 2,
      column: 1,
    });
  });

  test('reads what the configuration names, and needs a profile', async () => {
    write('a.yaml', APPROVED);
    write('cordon.yaml', CONFIG.replace('us-federal }', 'us-federal, exemptions: a.yaml }'));
    expect(await exemptions('check')).toMatchObject({ code: 0, stdout: 'DIRECTORY/a.yaml: no problem\n' });
    write('cordon.yaml', CONFIG.replace('profile: us-federal', 'pause-max: 1h'));
    const { code, stderr } = await exemptions('check', 'a.yaml');
    expect(code).toBe(1);
    expect(stderr).toContain('[ERR_EXEMPTION_PROFILE]');
  });
});

describe('with a register', () => {
  let keeper: ExemptionService;
  let socket: ControlSocket;
  let nowMs: number;
  /** Who the kernel says connects. */
  let user: string;

  beforeEach(async () => {
    nowMs = NOW;
    user = 'alice';
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    keeper = ExemptionService.open({
      path: join(directory, 'state', REGISTER_NAME),
      clock: () => nowMs,
      log,
      onEvent: () => undefined,
      onChange: () => Promise.resolve(),
    });
    await keeper.follow(exemptionSettings(configOf()));
    const path = join(directory, 'state', 'control.sock');
    socket = await openControlSocket({
      path,
      openTo: 'owner',
      userOf: () => Promise.resolve({ name: user, account: accountOf(user) }),
      controls: () => ({
        exemptions: createExemptionControl(keeper, {
          config: configOf,
          asked: undefined,
          requireDecisions: () => undefined,
        }),
      }),
      log,
    });
  });

  afterEach(async () => {
    await socket.close();
    keeper.close();
  });

  test('a request by file, an approval and a revocation are told in one line each', async () => {
    write('request.yaml', REQUEST);
    expect(await exemptions('request', '--file', 'request.yaml')).toMatchObject({
      code: 0,
      stdout: `ex-000001: requested: somebody else approves it, from ${day(0)} until ${day(30)}\n`,
    });
    user = 'bob';
    const approve = ['approve', '1', '--role', 'agency-head', '--reason', 'agreed'];
    expect(await exemptions(...approve)).toMatchObject({
      code: 0,
      stdout: `ex-000001: approved, in force until ${day(30)}\n`,
    });
    expect(keeper.toShared()).toMatchObject([{ number: 1, groups: ['lab'] }]);
    expect(await exemptions('revoke', 'ex-000001', '--reason', 'the case is closed')).toMatchObject({
      code: 0,
      stdout: 'ex-000001: revoked: it is out of force\n',
    });
    expect(keeper.toShared()).toEqual([]);
  });

  test('a request by options has all fields, and its author is who connected', async () => {
    const { code, stdout } = await exemptions(
      ...['request', '--grounds', 'security-research', '--justification', REQUEST.justification],
      ...['--alternatives', REQUEST.alternatives, '--mitigation', 'An isolated network of one device.'],
      ...['--mitigation', 'It is wiped each evening.', '--client', '192.0.2.9', '--client', '192.0.2.8'],
      ...['--list', 'tiktok', '--name', 'TikTok.com', '--from', '2026-12-02', '--until', '2026-12-30'],
      ...['--weekday', 'mon', '--weekday', 'fri', '--hours', '08:00-18:00', '--timezone', 'Europe/Brussels'],
      '--json',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      id: 'ex-000001',
      state: 'requested',
      grounds: 'security-research',
      mitigations: [{ text: 'An isolated network of one device.' }, { text: 'It is wiped each evening.' }],
      clients: ['192.0.2.8/32', '192.0.2.9/32'],
      groups: [],
      lists: ['tiktok'],
      names: ['tiktok.com'],
      schedule: { weekdays: ['mon', 'fri'], hours: '08:00-18:00', timezone: 'Europe/Brussels' },
      from: '2026-12-02T00:00:00.000Z',
      until: '2026-12-30T00:00:00.000Z',
      requestedBy: 'alice',
    });
  });

  test('a refusal names everything that is wrong', async () => {
    const { code, stderr } = await exemptions('request', '--grounds', 'fun', '--client', '0.0.0.0/0');
    expect(code).toBe(1);
    expect(stderr).toContain('cordon exemptions: requesting an exemption: 7 problems\n');
    expect(stderr).toContain('\n  until: is missing [ERR_EXEMPTION_MISSING]\n');
    expect(stderr).toContain('[ERR_EXEMPTION_SCOPE_BLANKET]');
    expect(stderr.trimEnd().endsWith('[ERR_EXEMPTION_REFUSED]')).toBe(true);
  });

  test('who requested as this user cannot approve as this user', async () => {
    write('request.yaml', { ...REQUEST, 'requested-by': undefined });
    await exemptions('request', '--file', 'request.yaml');
    const { code, stderr } = await exemptions('approve', '1', '--role', 'agency-head');
    expect(code).toBe(1);
    expect(stderr).toContain('[ERR_EXEMPTION_SELF_APPROVAL]');
  });

  test('list and show tell people what there is and what to do', async () => {
    expect((await exemptions('list')).stdout).toBe('No exemption.\n');
    await keeper.change((register) => register.request(REQUEST, REQUESTER));
    await keeper.change((register) =>
      register.request({ ...REQUEST, groups: undefined, clients: ['192.0.2.77'] }, REQUESTER),
    );
    await keeper.change((register) =>
      register.approve('1', { ...HEAD, role: 'designee', delegation: 'Order 4' }),
    );
    const listed = await exemptions('list');
    expect(listed.code).toBe(0);
    expect(
      listed.stdout.split('\n').map((line) => line.replace(/(?:ends|begins|until) .*?(?= R\. )/, 'TIME')),
    ).toEqual([
      expect.stringMatching(/^ID +STATE +GROUNDS +FOR +TIME +REQUESTED BY +APPROVED BY$/) as string,
      'ex-000001  active     law-enforcement  lab            TIME R. Investigator  A. Head',
      'ex-000002  requested  law-enforcement  192.0.2.77/32  TIME R. Investigator  -',
      '',
      'ex-000002: waits for a decision',
      '  look     cordon exemptions show ex-000002',
      '  decide   cordon exemptions approve ex-000002 --role ROLE, or reject ex-000002 --reason TEXT',
      '',
    ]);
    expect(JSON.parse((await exemptions('list', '--state', 'active', '--json')).stdout)).toMatchObject([
      { id: 'ex-000001', isIncomplete: false },
    ]);
    const shown = (await exemptions('show', '1')).stdout;
    expect(shown).toContain(`  justification   ${REQUEST.justification}\n`);
    expect(shown).toContain(`  approved by     A. Head (designee), ${day(0)}\n  delegation      Order 4\n`);
    expect(shown).toMatch(/^2026-12-01T00:00:00\.000Z {2}approved {3}A\. Head +designee$/m);
    const missing = await exemptions('show', '9');
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('[ERR_EXEMPTION_UNKNOWN]');
  });

  test('an exemption that the rules would not grant any more is marked', async () => {
    await keeper.change((register) => register.request(REQUEST, REQUESTER));
    await keeper.change((register) => register.approve('1', { ...HEAD, role: 'agency-head' }));
    write('cordon.yaml', CONFIG.replace('"192.0.2.0/28"', '"192.0.0.0/16"'));
    await keeper.follow(exemptionSettings(configOf()));
    const { stdout } = await exemptions('list');
    expect(stdout).toContain('ex-000001: the rules as they now are would not grant it; it stays in force');
    expect(stdout).toContain('  end      cordon exemptions revoke ex-000001\n');
  });

  test('report gives the register to people, to programs, and as CSV that no spreadsheet runs', async () => {
    const tricky = {
      ...REQUEST,
      'requested-by': '=HYPERLINK("x")',
      alternatives: `${REQUEST.alternatives}\nAnd more.`,
    };
    await keeper.change((register) => register.request(tricky, REQUESTER));
    const json = JSON.parse((await exemptions('report', '--json')).stdout) as object;
    expect(json).toMatchObject({
      profile: { id: 'us-federal' },
      reporting: { to: 'Office of Management and Budget', until: '2023-06-27' },
      counts: { requested: 1 },
      exemptions: [{ id: 'ex-000001', history: [{ event: 'requested' }] }],
      decisions: [{ list: 'tiktok', decision: { authority: 'OMB', inForceFrom: '2023-02-27' } }],
    });
    const csv = (await exemptions('report', '--csv')).stdout;
    expect(csv.split('\r\n')[0]).toMatch(/^id,state,grounds,/);
    expect(csv).toContain(',"\'=HYPERLINK(""x"")",');
    expect(csv).toContain(',"Records asked of the company by warrant take weeks.\nAnd more.",');
    const text = (await exemptions('report')).stdout;
    expect(text).toContain('\n  OMB M-23-13: ');
    expect(text).toContain('\nlist tiktok: OMB, M-23-13\n');
    expect(text).toContain('\nex-000001: requested, ');
  });
});
