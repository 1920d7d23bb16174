// Exemptions over the real control socket, with a register that says what it was asked.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError, systemAccount } from '../../../src/base/base.ts';
import {
  type ControlSocket,
  type ExemptionControl,
  openControlSocket,
} from '../../../src/people/admin/admin.ts';
import { requestControl } from '../../support/control-socket.ts';

let directory: string;
let socket: ControlSocket | undefined;
const logged: unknown[] = [];

/** Gives back what it was asked: results are passed on as they are. */
const ECHO: Record<keyof ExemptionControl, (...asked: never[]) => Promise<unknown>> = {
  list: (state: string) => Promise.resolve([{ asked: 'list', state }]),
  show: (id: string) => Promise.resolve({ asked: 'show', id }),
  report: () => Promise.resolve({ asked: 'report' }),
  request: (raw: string, account: string) => Promise.resolve({ asked: 'request', raw, account }),
  approve: (id: string, approver: object) => Promise.resolve({ asked: 'approve', id, ...approver }),
  reject: (id: string, decider: object) => Promise.resolve({ asked: 'reject', id, ...decider }),
  revoke: (id: string, decider: object) => Promise.resolve({ asked: 'revoke', id, ...decider }),
  decisions: () => Promise.resolve([{ asked: 'decisions' }]),
  check: (raw: unknown) => Promise.resolve({ asked: 'check', raw }),
  effect: (id: string) => Promise.resolve({ asked: 'effect', id }),
  rules: () => Promise.resolve({ asked: 'rules' }),
  renew: (id: string, by: string, changes: object) => Promise.resolve({ asked: 'renew', id, by, ...changes }),
};

const open = async (control: Partial<typeof ECHO> = {}): Promise<void> => {
  socket = await openControlSocket({
    path: join(directory, 'control.sock'),
    openTo: 'owner',
    userOf: () => Promise.resolve({ name: 'alice', account: systemAccount(1001, 'dns1') }),
    controls: () => ({ exemptions: { ...ECHO, ...control } as unknown as ExemptionControl }),
    log: { error: (...line) => logged.push(line) },
  });
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-routes-'));
  logged.length = 0;
});

afterEach(async () => {
  await socket?.close();
  socket = undefined;
  rmSync(directory, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly allow: string | undefined;
  readonly body: unknown;
}

const ask = async (method: string, path: string, body?: string | object): Promise<Answer> => {
  const reply = await requestControl(directory, method, path, body);
  return { status: reply.status, allow: reply.headers.allow, body: reply.body };
};

const DECIDER = { reason: 'the case is closed' };

test.each<[method: string, path: string, body: object | undefined, expected: object]>([
  ['GET', '/v1/exemptions', undefined, [{ asked: 'list' }]],
  ['GET', '/v1/exemptions?state=active', undefined, [{ asked: 'list', state: 'active' }]],
  ['GET', '/v1/exemptions/ex-000001', undefined, { asked: 'show', id: 'ex-000001' }],
  ['GET', '/v1/exemptions/1', undefined, { asked: 'show', id: '1' }],
  ['GET', '/v1/exemptions/report', undefined, { asked: 'report' }],
  ['GET', '/v1/decisions', undefined, [{ asked: 'decisions' }]],
  [
    'POST',
    '/v1/exemptions',
    { grounds: 'x', 'requested-by': 'somebody else' },
    {
      asked: 'request',
      raw: { grounds: 'x', 'requested-by': 'alice' },
      account: 'system:1001@dns1',
    },
  ],
  [
    'POST',
    '/v1/exemptions/ex-000001/approve',
    { role: ' agency-head ' },
    { asked: 'approve', id: 'ex-000001', by: 'alice', account: 'system:1001@dns1', role: 'agency-head' },
  ],
  ['POST', '/v1/exemptions/1/reject', DECIDER, { asked: 'reject', id: '1', by: 'alice', ...DECIDER }],
  ['POST', '/v1/exemptions/1/revoke', DECIDER, { asked: 'revoke', id: '1', by: 'alice', ...DECIDER }],
])('%s %s with %j reaches the register', async (method, path, body, expected) => {
  await open();
  expect(await ask(method, path, body)).toMatchObject({ status: 200, body: expected });
});

test.each([
  ['POST', '/v1/exemptions/report', 'GET, HEAD'],
  ['DELETE', '/v1/exemptions', 'GET, HEAD, POST'],
  ['POST', '/v1/exemptions/ex-000001', 'GET, HEAD'],
  ['GET', '/v1/exemptions/ex-000001/approve', 'POST'],
  ['POST', '/v1/decisions', 'GET, HEAD'],
])('%s %s is 405 and names %s', async (method, path, allow) => {
  await open();
  expect(await ask(method, path)).toMatchObject({ status: 405, allow });
});

test.each([
  '/v1/exemptions/',
  '/v1/exemptions/ex-1',
  '/v1/exemptions/ex-000001/extend',
  '/v1/exemptions/../lists',
  '/v1/exemption',
  '/v1/decisions/tiktok',
])('%s is none of its paths', async (path) => {
  await open();
  expect((await ask('GET', path)).status).toBe(404);
});

test.each([
  ['a decision without a reason', '/v1/exemptions/1/revoke', { reason: ' ' }],
  ['an unknown member', '/v1/exemptions/1/reject', { ...DECIDER, id: 2 }],
  ['who acts, which the kernel says', '/v1/exemptions/1/reject', { ...DECIDER, by: 'A. Head' }],
  ['what is no JSON', '/v1/exemptions/1/reject', '{'],
  ['a reason of 501 characters', '/v1/exemptions/1/reject', { ...DECIDER, reason: 'x'.repeat(501) }],
])('%s is 400', async (_what, path, body) => {
  await open();
  expect((await ask('POST', path, body)).status).toBe(400);
});

test.each(['state=all', 'state=', 'x=1', 'state=active&x=1'])('the query %s is 400', async (query) => {
  await open();
  expect((await ask('GET', `/v1/exemptions?${query}`)).status).toBe(400);
});

test('a paper may have 60 KiB, and no more than 64', async () => {
  await open();
  const paper = (sizeBytes: number) => ({ justification: 'x'.repeat(sizeBytes) });
  expect((await ask('POST', '/v1/exemptions', paper(60 * 1024))).status).toBe(200);
  expect((await ask('POST', '/v1/exemptions', paper(65 * 1024))).status).toBe(413);
});

test('a refused paper is 422 with all its problems, in words as well', async () => {
  const problems = [
    { code: 'ERR_EXEMPTION_GROUNDS', field: 'grounds', text: '"fun" are no grounds', hint: 'these are a, b' },
    { code: 'ERR_EXEMPTION_PROFILE', field: '', text: 'no profile' },
  ];
  await open({ request: () => Promise.resolve({ problems }) });
  expect(await ask('POST', '/v1/exemptions', {})).toMatchObject({
    status: 422,
    body: {
      code: 'ERR_EXEMPTION_REFUSED',
      detail:
        'requesting an exemption: 2 problems\n  grounds: "fun" are no grounds; these are a, b [ERR_EXEMPTION_GROUNDS]\n  no profile [ERR_EXEMPTION_PROFILE]',
      problems,
    },
  });
});

test.each([
  ['ERR_EXEMPTION_UNKNOWN', 404],
  ['ERR_EXEMPTION_STATE', 409],
  ['ERR_EXEMPTION_ORIGIN', 409],
  ['ERR_EXEMPTION_DAMAGED', 503],
  ['ERR_EXEMPTION_STORE', 507],
  ['ERR_APP_WORKER', 500],
])('%s is %i', async (code, status) => {
  await open({
    revoke: () => Promise.reject(new AppError(code, 'revoking ex-000001: no', { hint: 'Do it.' })),
  });
  expect(await ask('POST', '/v1/exemptions/1/revoke', DECIDER)).toMatchObject({
    status,
    body: { code, detail: 'revoking ex-000001: no', hint: 'Do it.' },
  });
  expect(logged).toEqual([]);
});

test('a defect is 500, tells nothing, and is logged', async () => {
  await open({ show: () => Promise.reject(new TypeError('inside')) });
  const { status, body } = await ask('GET', '/v1/exemptions/1');
  expect(status).toBe(500);
  expect(JSON.stringify(body)).not.toContain('inside');
  expect(logged).toHaveLength(1);
});
