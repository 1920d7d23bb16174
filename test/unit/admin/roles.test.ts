// Who may use which operation: the table of the design, written out a second time, against every operation and role.
import { expect, test } from 'vitest';
import { z } from 'zod';
import { AppError } from '../../../src/base/base.ts';
import { dispatch, mayUse } from '../../../src/people/admin/dispatch.ts';
import { type Actor, NOTHING, ROLES, type Role } from '../../../src/people/admin/operation.ts';
import { ALL_OPERATIONS, type Controls, OPERATIONS } from '../../../src/people/admin/operations.ts';

/** Of what only shows things that are no secret. */
const ALL = 'viewer help-desk operator approver auditor administrator';

/** Who may do what; of what needs no role, nothing. */
const MAY: Readonly<Record<string, string>> = {
  listCandidates: ALL,
  listLists: ALL,
  readList: ALL,
  readListHistory: ALL,
  acceptList: 'operator',
  dismissList: 'operator approver',
  rollBackList: 'operator',
  refreshList: 'operator auditor',
  readStatus: ALL,
  readFigures: ALL,
  readHistory: ALL,
  reload: 'operator',
  copyRegister: 'administrator',
  readPause: ALL,
  pause: 'operator',
  resume: 'operator approver',
  explain: 'help-desk operator approver auditor',
  readQueryLog: 'help-desk operator approver auditor',
  searchQueries: 'help-desk operator approver auditor',
  searchQueriesOf: 'auditor',
  followQueries: 'help-desk operator approver auditor',
  readDevice: 'help-desk operator approver auditor',
  listExemptions: ALL,
  requestExemption: 'viewer help-desk operator approver administrator',
  reportExemptions: ALL,
  readExemption: ALL,
  approveExemption: 'approver',
  rejectExemption: 'approver',
  revokeExemption: 'operator approver',
  readExemptionRules: ALL,
  checkExemption: 'viewer help-desk operator approver administrator',
  readExemptionEffect: ALL,
  renewExemption: 'viewer help-desk operator approver administrator',
  listFeeds: ALL,
  readCoverage: ALL,
  listRules: ALL,
  readListDifference: ALL,
  readListAsked: 'help-desk operator approver auditor',
  readListTried: 'operator approver auditor',
  tryList: 'operator approver',
  readListRulesAsked: 'help-desk operator approver auditor',
  listDecisions: ALL,
  readProbe: ALL,
  requestSweep: 'operator auditor',
  readProbeRun: ALL,
  readRecorder: ALL,
  readRecordsKey: ALL,
  readRecordsCheck: ALL,
  checkRecords: 'operator auditor',
  reidentify: 'auditor',
  recordOpening: 'auditor',
  listPseudonyms: 'auditor',
  readReference: 'help-desk operator approver auditor',
  proveByCode: ALL,
  askForProof: ALL,
  proveByPasskey: ALL,
  keepSession: ALL,
  readOwnKeys: ALL,
  proposeOwnPassword: ALL,
  confirmOwnPassword: ALL,
  askForOwnPasskey: ALL,
  addOwnPasskey: ALL,
  removeOwnPasskey: ALL,
  listPeople: 'auditor administrator',
  addPerson: 'administrator',
  setRoles: 'administrator',
  enrolPerson: 'administrator',
  removePerson: 'administrator',
  listTokens: 'auditor administrator',
  addToken: 'administrator',
  revokeToken: 'administrator',
  listSessions: 'auditor administrator',
  endOtherSession: 'administrator',
  listReports: ALL,
  makeReport: 'operator approver auditor',
  readReport: ALL,
  readReportFile: ALL,
  readConfiguration: 'operator approver auditor administrator',
  checkConfiguration: 'operator',
  readConfigurationDraft: 'operator approver auditor administrator',
  draftConfigurationVersion: 'operator',
  draftNotice: 'operator',
  readConfigurationTried: 'operator approver auditor',
  tryConfiguration: 'operator approver',
  applyConfiguration: 'operator',
  readState: ALL,
  listRefusals: 'help-desk operator approver auditor',
  readRefusalFigures: 'help-desk operator approver auditor',
  listGroups: ALL,
  listNetworks: ALL,
  readNetwork: ALL,
  searchRecords: 'help-desk operator approver auditor',
  listActs: ALL,
  confirmAct: 'operator approver administrator',
  takeActResult: 'operator approver auditor administrator',
  withdrawAct: 'operator approver auditor administrator',
  readFleet: ALL,
  readFleetProbe: ALL,
  probeFleet: 'operator auditor',
  inviteResolver: 'administrator',
  removeResolver: 'administrator',
  setOverlay: 'administrator',
  pauseFleet: 'operator',
  resumeFleet: 'operator approver',
  rotateFleetKey: 'administrator',
};

/** What needs no role: signing in and enrolling, and what only the control socket has. */
const OPEN = [
  ...['readSession', 'signInByPassword', 'askForPasskey', 'signInByPasskey', 'endSession', 'readEnrolment'],
  ...['enrolByPassword', 'confirmEnrolment', 'askForNewPasskey', 'enrolByPasskey', 'createSetupLink'],
];

const actorWith = (roles: readonly Role[]): Actor => ({
  name: 'A. Person',
  account: undefined,
  roles,
  from: 'test',
  via: 'socket',
});

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
  ...{
    list: 'tiktok',
    id: 'ex-000001',
    run: '1',
    reference: '7Q4K-M2',
    search: 'a'.repeat(24),
    act: 'a-0123456789ab',
    group: 'staff',
  },
  ...{
    report: 'r-0123456789ab',
    file: 'report.pdf',
    person: 'p-0123456789ab',
    token: 't-0123456789ab',
    session: 's-0123456789ab',
  },
};
const pathOf = (pattern: string): string =>
  pattern.replace(/\{(\w+)\}/g, (_, name: string) => EXAMPLES[name] ?? '');

const forRoles = ALL_OPERATIONS.filter(([name, { door }]) => door !== 'listener' && !OPEN.includes(name));
const onSocket = forRoles.filter(([, { door }]) => door === 'socket');

test('every operation beyond the listener has roles or none by intention, and the table here has every one', () => {
  expect(forRoles.map(([name]) => name).sort()).toEqual(Object.keys(MAY).sort());
});

test.each(forRoles.flatMap(([name, operation]) => ROLES.map((role) => [name, role, operation] as const)))(
  'the table gives %s to the role %s or does not',
  (name, role, operation) => {
    expect(mayUse(operation, [role])).toBe(MAY[name]?.split(' ').includes(role) === true);
  },
);

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
    const reply = await dispatch('socket', asked, actorWith([role]), CONTROLS).catch(() => ({ status: 0 }));
    expect(reply.status === 403).toBe(!isAllowed);
    expect([reply.status === 404, reply.status === 405, isRead && !isAllowed]).toEqual([false, false, false]);
    expect(mayUse(operation, [role])).toBe(isAllowed);
  },
);

test('nobody without a role may do anything that is not open to all or for the control socket alone', () => {
  for (const [, operation] of ALL_OPERATIONS) {
    const { door, isOpen = false } = operation;
    expect(mayUse(operation, [])).toBe(isOpen || door === 'listener' || door === 'command');
  }
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

test('what stands at one door is not at another', async () => {
  for (const [, { door, method, path }] of ALL_OPERATIONS) {
    const asked = { method, path: pathOf(path), query: '', readBody: () => Promise.resolve('{}') };
    for (const other of ['listener', 'socket'] as const) {
      const isThere = other === door || (other === 'socket' && door === 'command');
      const { status } = await dispatch(other, asked, actorWith(ROLES), CONTROLS);
      if (!isThere) expect([path, other, status]).toEqual([path, other, 404]);
    }
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
  expect(await dispatch('socket', asked, actorWith(ROLES), {})).toMatchObject({ status: 404 });
});
