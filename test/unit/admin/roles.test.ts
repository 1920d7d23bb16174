// Who may use which operation: the table of the design, written out a second time, against every operation and role.
import { expect, test } from 'vitest';
import { z } from 'zod';
import { dispatch, mayUse } from '../../../src/admin/dispatch.ts';
import { NOTHING, ROLES, type Role } from '../../../src/admin/operation.ts';
import { ALL_OPERATIONS, type Controls, OPERATIONS } from '../../../src/admin/operations.ts';
import { AppError } from '../../../src/base/base.ts';

/** Of what only shows things that are no secret. */
const ALL = 'viewer help-desk operator approver auditor administrator';

/** Who may do what on the control socket. */
const MAY: Readonly<Record<string, string>> = {
  listCandidates: ALL,
  listLists: ALL,
  readList: ALL,
  readListHistory: ALL,
  acceptList: 'operator',
  dismissList: 'operator approver',
  rollBackList: 'operator',
  refreshList: 'operator auditor',
  readPause: ALL,
  pause: 'operator',
  resume: 'operator approver',
  explain: 'help-desk operator approver auditor',
  listExemptions: ALL,
  requestExemption: 'viewer help-desk operator approver administrator',
  reportExemptions: ALL,
  readExemption: ALL,
  approveExemption: 'approver',
  rejectExemption: 'approver',
  revokeExemption: 'operator approver',
  listDecisions: ALL,
  readProbe: ALL,
  requestSweep: 'operator auditor',
  readProbeRun: ALL,
  readRecorder: ALL,
  reidentify: 'auditor',
  listPseudonyms: 'auditor',
  readReference: 'help-desk operator approver auditor',
};

/** A part of the program that refuses whatever it is asked, in its own words. */
const REFUSING = new Proxy(
  {},
  {
    get: () => () => {
      throw new AppError('ERR_APP_TEST', 'asked');
    },
  },
);
const CONTROLS = Object.fromEntries(
  ALL_OPERATIONS.map(([, { subject }]) => [subject, REFUSING]),
) as unknown as Controls;

/** Something that a schema of a path takes. */
const EXAMPLES: Readonly<Record<string, string>> = {
  list: 'tiktok',
  id: 'ex-000001',
  run: '1',
  reference: '7Q4K-M2',
};
const pathOf = (pattern: string): string =>
  pattern.replace(/\{(\w+)\}/g, (_, name: string) => EXAMPLES[name] ?? '');

const onSocket = ALL_OPERATIONS.filter(([, { door }]) => door === 'socket');

test('every operation on the socket has roles, and the table here has every operation', () => {
  expect(onSocket.map(([name]) => name).sort()).toEqual(Object.keys(MAY).sort());
});

test.each(onSocket.flatMap(([name, operation]) => ROLES.map((role) => [name, role, operation] as const)))(
  '%s for the role %s',
  async (name, role, operation) => {
    let isRead = false;
    const asked = {
      method: operation.method,
      path: pathOf(operation.path),
      query: '',
      readBody: () => {
        isRead = true;
        return Promise.resolve('{}');
      },
    };
    const isAllowed = MAY[name]?.split(' ').includes(role) === true;
    const reply = await dispatch('socket', asked, [role], CONTROLS).catch(() => ({ status: 0 }));
    expect(reply.status === 403).toBe(!isAllowed);
    expect([reply.status === 404, reply.status === 405, isRead && !isAllowed]).toEqual([false, false, false]);
    expect(mayUse(operation, [role])).toBe(isAllowed);
  },
);

test('nobody without a role may do anything on the socket', () => {
  for (const [, operation] of onSocket) expect(mayUse(operation, [])).toBe(false);
});

test('a role that may ask for exemptions without approving cannot do both with one more role but approver', () => {
  const { approveExemption, requestExemption } = OPERATIONS;
  const both = ROLES.filter(
    (role: Role) => mayUse(approveExemption, [role]) && mayUse(requestExemption, [role]),
  );
  expect(both).toEqual(['approver']);
});

test('on the listener nothing changes any state: GET, no body, words of a closed set, for whatever address may ask', () => {
  for (const [, { door, method, body, parameters, query, roles }] of ALL_OPERATIONS) {
    if (door !== 'listener') continue;
    expect([method, body, query, roles]).toEqual(['GET', undefined, NOTHING, []]);
    for (const parameter of Object.values(parameters.shape)) expect(parameter).toBeInstanceOf(z.ZodEnum);
  }
});

test('what stands on the socket is not on the listener, nor the other way', async () => {
  for (const [, { door, method, path }] of ALL_OPERATIONS) {
    const other = door === 'socket' ? 'listener' : 'socket';
    const asked = { method, path: pathOf(path), query: '', readBody: () => Promise.resolve('{}') };
    expect(await dispatch(other, asked, ROLES, CONTROLS)).toMatchObject({ status: 404 });
  }
});

test('no path leads to two operations of one method', () => {
  const places = ALL_OPERATIONS.map(
    ([, { door, method, path }]) => `${door} ${method} ${path.replace(/\{\w+\}/g, '*')}`,
  );
  expect(new Set(places).size).toBe(places.length);
});

test('a part of the program that is absent has no paths', async () => {
  const asked = { method: 'GET', path: '/v1/exemptions', query: '', readBody: () => Promise.resolve('') };
  expect(await dispatch('socket', asked, ROLES, {})).toMatchObject({ status: 404 });
});
