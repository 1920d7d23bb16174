// Exemptions in the running program: in force when approve answers, over by itself, and what a restart and a damaged
// register make of them.
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { RCODE } from '../../src/wire/dns/dns.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { ask, readMetric, reload } from '../support/client.ts';
import { runCommandHere } from '../support/command.ts';
import { requestControl } from '../support/control-socket.ts';
import { approveAsOther, hasOtherUser, postAsOther } from '../support/other-user.ts';
import { type CordonOptions, type RunResult, startCordon as startProcess } from '../support/process.ts';
import { forgeRegister } from '../support/register-forgery.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const NAME = 'www.tiktok.com. A';
const DAY_MS = 86_400_000;
const PAPER = {
  'requested-by': 'R. Investigator',
  grounds: 'law-enforcement',
  justification: 'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
  alternatives: 'Records asked of the company by warrant take weeks.',
  mitigations: ['Two standalone devices on a separate network.'],
};
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

let upstream: ScriptedUpstream;
let cordon: Cordon | undefined;
/** Outlives the program. */
let state: string;

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'cordon-exemptions-'));
  upstream = await ScriptedUpstream.open();
  upstream.onQuery(new AnswerBook().set(NAME, ['www.tiktok.com. 60 IN A 192.0.2.1']).handler);
});

afterEach(async () => {
  await cordon?.kill();
  cordon = undefined;
  await upstream.close();
  rmSync(state, { recursive: true });
});

const start = async (
  files: Readonly<Record<string, string>> = {},
  more = '',
  by: (options: Pick<CordonOptions, 'config' | 'files'>) => Promise<Cordon> = startCordon,
): Promise<Cordon> => {
  cordon = await by({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 2
state: ${state}
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
groups:
  - { name: default, lists: [tiktok] }
  - { name: lab, clients: ["127.0.0.8/30"], lists: [tiktok] }
compliance: { profile: us-federal${'texts/a.yaml' in files ? ', exemptions: texts' : ''} }
${more}`,
    files,
  });
  return cordon;
};

const exemptions = (program: Cordon, ...args: readonly string[]): Promise<RunResult> =>
  runCommandHere(['exemptions', ...args, '--config', join(program.directory, 'cordon.yaml')]);

const isExempt = async (program: Cordon, from: string): Promise<boolean> =>
  (await ask(program.dns, NAME, { from })).rcode === RCODE.NOERROR;

/** Requests by file, approves, and gives the id. */
const grant = async (program: Cordon, paper: object): Promise<string> => {
  const file = join(program.directory, 'request.yaml');
  writeFileSync(file, stringify({ ...PAPER, ...paper }));
  const requested = await exemptions(program, 'request', '--file', file, '--json');
  expect(requested.stderr).toBe('');
  const { id } = JSON.parse(requested.stdout) as { id: string };
  await approveAsOther(state, id);
  return id;
};

test.skipIf(!hasOtherUser)(
  'an exemption is in force for its clients when approve has answered, and out of force after revoke',
  async () => {
    const program = await start();
    expect(await isExempt(program, '127.0.0.9')).toBe(false);
    const until = inMs(30 * DAY_MS);
    const id = await grant(program, { groups: ['lab'], until });
    const config = join(program.directory, 'cordon.yaml');
    const status = await runCommandHere(['status', '--json', '--config', config]);
    const { exemptions: told } = JSON.parse(status.stdout) as { exemptions: { nextEnd: string } };
    expect(Date.parse(told.nextEnd)).toBe(Date.parse(until));
    // Each worker has it: the kernel spreads clients over both.
    for (let asked = 0; asked < 8; asked++) expect(await isExempt(program, '127.0.0.9')).toBe(true);
    expect(await isExempt(program, '127.0.0.1')).toBe(false);
    expect(await readMetric(program, 'cordon_exemption_hits_total', { exemption: id })).toBe(8);
    await exemptions(program, 'revoke', id, '--reason', 'the case is closed');
    for (let asked = 0; asked < 8; asked++) expect(await isExempt(program, '127.0.0.9')).toBe(false);
  },
);

test.skipIf(!hasOtherUser)(
  'nothing is granted while nothing is recorded, and what was granted before stays',
  async () => {
    const recording = await start();
    const id = await grant(recording, { groups: ['lab'], until: inMs(30 * DAY_MS) });
    const asked = { ...PAPER, clients: ['127.0.0.5'], until: inMs(30 * DAY_MS) };
    const waiting = String((await postAsOther(state, '/v1/exemptions', asked)).body['id']);
    await recording.stop();
    const text = {
      ...{ ...PAPER, clients: ['127.0.0.7'], from: inMs(-60_000), until: inMs(30 * DAY_MS) },
      ...{ 'approved-by': 'A. Head', role: 'agency-head' },
    };
    const program = await start({ 'texts/a.yaml': stringify(text) }, 'records: { enabled: false }\n');
    expect(await isExempt(program, '127.0.0.9')).toBe(true);
    await program.waitForLog(({ code }) => code === 'ERR_EXEMPTION_UNRECORDED');
    expect(await isExempt(program, '127.0.0.7')).toBe(false);
    const paper = { ...PAPER, clients: ['127.0.0.6'], until: inMs(30 * DAY_MS) };
    for (const answer of [
      (await postAsOther(state, '/v1/exemptions', paper)).body,
      await control(`/v1/exemptions/${waiting}/approve`, { role: 'agency-head' }),
    ])
      expect(answer).toMatchObject({ problems: [{ code: 'ERR_EXEMPTION_UNRECORDED' }] });
    expect(await isExempt(program, '127.0.0.6')).toBe(false);
    // Taking away is always possible.
    expect((await exemptions(program, 'revoke', id, '--reason', 'the case is closed')).code).toBe(0);
    expect(await isExempt(program, '127.0.0.9')).toBe(false);
  },
);

/** One request to the control socket; gives the body. */
const control = async (path: string, body: object): Promise<Record<string, unknown>> =>
  (await requestControl(state, 'POST', path, body)).body;

test.skipIf(!hasOtherUser)(
  'an exemption ends by itself, without a reload, and its end is written down',
  async () => {
    const program = await start();
    let granted: { readonly id?: string; readonly until?: string } = {};
    // On a machine that is too slow to approve in time, the next one lasts longer.
    for (let ms = 1_000; granted.id === undefined; ms *= 2) {
      const paper = { ...PAPER, clients: ['127.0.0.7'], until: inMs(ms) };
      const { id } = (await postAsOther(state, '/v1/exemptions', paper)).body;
      const approval = { role: 'agency-head' };
      granted = await control(`/v1/exemptions/${String(id)}/approve`, approval);
    }
    const untilMs = Date.parse(granted.until ?? '');
    let isOver = false;
    while (!isOver) {
      const askedMs = Date.now();
      const wasExempt = await isExempt(program, '127.0.0.7');
      // In between, either may be true.
      if (Date.now() < untilMs) expect(wasExempt).toBe(true);
      isOver = askedMs >= untilMs;
      if (isOver) expect(wasExempt).toBe(false);
    }
    await program.waitForLog(
      ({ msg, event }) => msg === 'an exemption changed with time' && event === 'expired',
    );
    const { stdout } = await exemptions(program, 'show', granted.id ?? '', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ state: 'expired', endedAt: granted.until });
  },
);

test.skipIf(!hasOtherUser)(
  'a restart finds the exemptions, a damaged register costs them and nothing else',
  { tags: 'night' },
  async () => {
    let program = await start();
    const id = await grant(program, { clients: ['127.0.0.7'], until: inMs(30 * DAY_MS) });
    await program.stop();
    program = await start();
    expect(await isExempt(program, '127.0.0.7')).toBe(true);
    expect(statSync(join(state, 'register.sqlite')).mode & 0o777).toBe(0o600);
    await program.stop();
    truncateSync(join(state, 'register.sqlite'), 5_000);
    program = await start();
    expect(await isExempt(program, '127.0.0.7')).toBe(false);
    await program.waitForLog(
      ({ err }) => (err as { code?: string } | undefined)?.code === 'ERR_EXEMPTION_DAMAGED',
    );
    const shown = await exemptions(program, 'show', id);
    expect(shown.code).toBe(1);
    expect(shown.stderr).toContain('[ERR_EXEMPTION_DAMAGED]');
  },
);

test.skipIf(!hasOtherUser)(
  'a revocation that somebody takes out of the register brings no exemption back, and everybody is told',
  { tags: 'night' },
  async () => {
    let program = await start();
    const id = await grant(program, { clients: ['127.0.0.7'], until: inMs(30 * DAY_MS) });
    await exemptions(program, 'revoke', id, '--reason', 'the case is closed');
    await program.stop();
    forgeRegister(join(state, 'register.sqlite'), (rows) => rows.slice(0, -1));
    program = await start({}, '', startProcess);
    expect(await isExempt(program, '127.0.0.7')).toBe(false);
    await program.waitForLog(({ msg }) => msg === 'the register of exemptions is not what the records say');
    expect(await readMetric(program, 'cordon_exemptions_unproven', {})).toBe(1);
    const command = (...args: string[]) =>
      runCommandHere([...args, '--config', join(program.directory, 'cordon.yaml')]);
    expect((await command('status')).stdout).toMatch(/ex-000001 is suspended: .*revoked/);
    const verified = await command('records', 'verify');
    expect(verified.stdout).toMatch(/register-differs: .*ex-000001 is granted, and the records say/);
    expect(verified.code).toBe(1);
    await program.kill();
    program = await start();
    expect(await isExempt(program, '127.0.0.7')).toBe(false);
    expect((await exemptions(program, 'revoke', id, '--reason', 'once more')).stderr).toBe('');
    await expect.poll(() => readMetric(program, 'cordon_exemptions_unproven', {})).toBe(0);
  },
);

test('text files are followed at each reload, and one with a mistake changes nothing', {
  tags: 'night',
}, async () => {
  const text = {
    ...PAPER,
    'approved-by': 'A. Head',
    role: 'agency-head',
    clients: ['127.0.0.7'],
    from: inMs(-DAY_MS),
    until: inMs(30 * DAY_MS),
  };
  const program = await start({ 'texts/a.yaml': stringify(text) });
  const write = (content: string): void => writeFileSync(join(program.directory, 'texts/a.yaml'), content);
  expect(await isExempt(program, '127.0.0.7')).toBe(true);
  write(stringify({ ...text, clients: ['127.0.0.6'], grounds: 'fun' }));
  await reload(program, {});
  await program.waitForLog(({ code }) => code === 'ERR_EXEMPTION_GROUNDS');
  expect(await isExempt(program, '127.0.0.7')).toBe(true);
  write(stringify({ ...text, clients: ['127.0.0.6'] }));
  await reload(program, {});
  expect([await isExempt(program, '127.0.0.7'), await isExempt(program, '127.0.0.6')]).toEqual([false, true]);
  rmSync(join(program.directory, 'texts/a.yaml'));
  await reload(program, {});
  expect(await isExempt(program, '127.0.0.6')).toBe(false);
});
