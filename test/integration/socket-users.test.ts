// Who acts at the control socket of a real program: the user of the system whom the kernel names, whatever a request, an
// environment or a command says.
import { execFile } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runCommandHere } from '../support/command.ts';
import { hasOtherUser, OTHER_NAME, postAsOther } from '../support/other-user.ts';
import { type Cordon, startCordon } from '../support/service.ts';

const PAPER = {
  grounds: 'law-enforcement',
  justification: 'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
  alternatives: 'Records asked of the company by warrant take weeks.',
  mitigations: ['Two standalone devices on a separate network.'],
  groups: ['lab'],
  until: new Date(Date.now() + 10 * 86_400_000).toISOString(),
};

let cordon: Cordon;
let state: string;

const CONFIG = `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
state: ./state
upstreams: ["127.0.0.1:9"]
compliance: { profile: us-federal }
admin: { socket: group }
groups: [{ name: default, lists: [tiktok] }, { name: lab, clients: ["127.0.2.0/24"], lists: [tiktok] }]
lists: [{ id: tiktok, shipped: tiktok, mandate: true }]
`;

beforeAll(async () => {
  cordon = await startCordon({ config: CONFIG });
  state = join(cordon.directory, 'state');
  await vi.waitUntil(() => existsSync(join(state, 'control.sock')), { timeout: 90_000 });
});

afterAll(async () => {
  await cordon.stop();
});

const command = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCommandHere([...args, '--config', join(cordon.directory, 'cordon.yaml')], { env });

/** Until the records name who did something. */
const recorded = (action: string, by: string): Promise<unknown> =>
  vi.waitFor(
    async () => {
      const { stdout } = await command(['records', 'list', '--class', 'changes', '--json']);
      const records = JSON.parse(stdout) as { records?: unknown[] } | unknown[];
      expect(JSON.stringify(records)).toMatch(new RegExp(`"action":"${action}","by":"${by}"`));
    },
    { timeout: 90_000, interval: 500 },
  );

test('the socket is open to the group where the configuration says so, and to nobody else', () => {
  expect(statSync(join(state, 'control.sock')).mode & 0o777).toBe(0o660);
});

test('while nobody is named who may approve, both users may, and status says so', async () => {
  const { stdout } = await command(['status', '--json']);
  const { problems } = JSON.parse(stdout) as { problems: string[] };
  expect(problems).toContainEqual(expect.stringContaining('nobody is named who may approve exemptions'));
});

test('what sudo leaves in the environment counts for nothing, and --why carries the text', async () => {
  const paused = await command(['pause', '1m', '--reason', 'alice asked by telephone'], {
    SUDO_USER: 'alice',
  });
  expect(paused).toMatchObject({ code: 0, stderr: '' });
  await recorded('pause', userInfo().username);
  await command(['resume']);
});

test('--by is no option any more', async () => {
  const { code, stderr } = await command(['exemptions', 'revoke', '1', '--by', 'A. Head', '--reason', 'x']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('--by')]);
});

test.skipIf(!hasOtherUser)(
  'a second user is a second person, and says so by nothing but being it',
  async () => {
    const asked = await postAsOther(state, '/v1/exemptions', { ...PAPER, 'requested-by': 'root' });
    expect(asked).toMatchObject({
      status: 200,
      body: { requestedBy: OTHER_NAME, requesterAccount: `system:65534@${hostname()}` },
    });
    const id = String(asked.body['id']);
    expect(
      await postAsOther(state, `/v1/exemptions/${id}/approve`, { role: 'agency-head', by: 'root' }),
    ).toMatchObject({
      status: 400,
    });
    expect(await postAsOther(state, `/v1/exemptions/${id}/approve`, { role: 'agency-head' })).toMatchObject({
      status: 422,
      body: { problems: [{ code: 'ERR_EXEMPTION_SELF_APPROVAL' }] },
    });
    const approved = await command(['exemptions', 'approve', id, '--role', 'agency-head', '--json']);
    expect(approved.stderr).toBe('');
    expect(JSON.parse(approved.stdout)).toMatchObject({
      ...{ approvedBy: 'root', approverAccount: `system:0@${hostname()}` },
      requestedBy: OTHER_NAME,
    });
    expect((await postAsOther(state, '/v1/reload', { reason: 'x' })).status).toBe(200);
    expect((await postAsOther(state, `/v1/exemptions/${id}/revoke`, { reason: 'over' })).body).toMatchObject({
      history: expect.arrayContaining([
        expect.objectContaining({ event: 'revoked', by: OTHER_NAME }),
      ]) as unknown,
    });
  },
);

test.skipIf(!hasOtherUser)(
  'a second user of one person is no second person, as soon as the configuration says so',
  { tags: 'night' },
  async () => {
    const asked = await postAsOther(state, '/v1/exemptions', PAPER);
    expect(asked.status).toBe(200);
    const path = join(cordon.directory, 'cordon.yaml');
    const persons = 'persons: [{ accounts: ["system:0", "system:65534"] }]';
    writeFileSync(path, CONFIG.replace('{ profile: us-federal }', `{ profile: us-federal, ${persons} }`));
    expect(await command(['reload'])).toMatchObject({ code: 0, stderr: '' });
    const approve = () =>
      command(['exemptions', 'approve', String(asked.body['id']), '--role', 'agency-head']);
    expect((await approve()).stderr).toContain('is another account of who requested it (compliance.persons)');
    writeFileSync(path, CONFIG);
    expect(await command(['reload'])).toMatchObject({ code: 0, stderr: '' });
    expect(await approve()).toMatchObject({ code: 0, stderr: '' });
  },
);

test.skipIf(!hasOtherUser)('a user without a name is told by the number', async () => {
  const script = `
    const { request } = require('node:http');
    process.setgroups([]); process.setgid(12345); process.setuid(54321);
    const sent = request({ socketPath: 'control.sock', method: 'POST', path: '/v1/pause' }, (response) => response.pipe(process.stdout));
    sent.end(JSON.stringify({ ms: 1000, reason: 'by a number' }));`;
  const paused = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, ['-e', script], { cwd: state }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(stderr)),
    );
  });
  expect(JSON.parse(paused)).toMatchObject({ isPaused: true, by: 'uid 54321' });
  await command(['resume']);
});
