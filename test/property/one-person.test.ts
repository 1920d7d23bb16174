// No sequence of acts of one person, with every role that one may have at once and with machine tokens, reaches what needs two.
//
// Over the room's own server: acts one after the other and at the same time, with time between, confirming what one asked for
// included. Colleagues who could confirm are there, and do nothing.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Account, localAccount } from '../../src/base/base.ts';
import { ALL_OPERATIONS, type Controls, isAt, type Role, SUMS } from '../../src/people/admin/admin.ts';
import { runsInTwo } from '../support/night.ts';
import { codeOf, RoomClient } from '../support/room-client.ts';
import { openTestRoom, PASSWORD, type TestRoom } from '../unit/room/setup.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Of an authenticator app. */
const PERIOD_MS = 30_000;
/** Each has some 150 acts. */
const RUNS = 1;
/** As many times as many in the night. */
const NIGHTLY = 8;
const TIMEOUT_MS = 900_000;

/** What a program was told to do. */
interface Effects {
  pausedMs: number;
  readonly done: string[];
}

/** A program that does everything that it is asked for, and tells what that was. */
const createProgram = (): { readonly effects: Effects; readonly controls: Controls } => {
  const effects: Effects = { pausedMs: 0, done: [] };
  const does =
    (what: string) =>
    (...args: readonly unknown[]): Promise<unknown> => {
      effects.done.push(`${what} ${JSON.stringify(args[0])}`);
      return Promise.resolve({ generation: 1, state: 'enforced', text: '' });
    };
  const controls = {
    pause: {
      status: () => ({ isPaused: false, state: 'enforced', text: '' }),
      pause: (ms: number) => {
        effects.pausedMs += ms;
        return Promise.resolve({ isPaused: true, state: 'paused', text: '' });
      },
      resume: () => Promise.resolve({ isPaused: false, state: 'enforced', text: '' }),
    },
    lists: {
      status: (id: string) => Promise.resolve({ mandate: id === 'unread' ? null : id === 'order' }),
      accept: does('accept'),
      rollback: does('rollback'),
      dismiss: () => Promise.resolve({}),
      refresh: () => Promise.resolve({}),
    },
    records: { reidentify: does('reidentify'), pseudonyms: does('pseudonyms') },
    queries: { obstacle: () => undefined, search: does('search') },
    configuration: {
      confirmers: ({ draft }: { draft: string }) =>
        Promise.resolve({ a: undefined, b: ['approver'], c: ['administrator'] }[draft[0] ?? '']),
      apply: does('apply'),
    },
    fleet: {
      pause: (_whom: string, ms: number) => {
        effects.pausedMs += ms;
        return Promise.resolve({ number: 1, hash: HASH });
      },
      resume: () => Promise.resolve({ number: 1, hash: HASH }),
      overlay: does('overlay'),
      invite: does('invite'),
      remove: does('remove'),
      rotateKey: does('rotate'),
    },
  };
  return { effects, controls: controls as unknown as Controls };
};

const HASH = 'a'.repeat(64);
const reason = 'x';
const rolesOf = fc.subarray(['operator', 'approver', 'administrator', 'auditor'] as const, { minLength: 1 });

/** What one act sends. `person` and `act` stand for one that there is. */
type Act = readonly [path: string, body: object];
const acts: Readonly<Record<string, fc.Arbitrary<Act>>> = {
  pause: fc
    .constantFrom(1, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS)
    .map((ms) => ['/v1/pause', { ms, reason }]),
  resume: fc.constant(['/v1/resume', { reason }]),
  pauseFleet: fc
    .tuple(
      fc.constantFrom('all', 'site:a', 'node:b'),
      fc.constantFrom(1, MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS),
    )
    .map(([whom, ms]) => ['/v1/fleet/pause', { for: whom, ms, reason }]),
  resumeFleet: fc.constant(['/v1/fleet/resume', { for: 'all', reason }]),
  acceptList: fc
    .constantFrom('order', 'unread', 'extra')
    .map((list) => [`/v1/lists/${list}/accept`, { sha256: HASH, reason }]),
  rollBackList: fc
    .constantFrom('order', 'unread', 'extra')
    .map((list) => [`/v1/lists/${list}/rollback`, { sha256: HASH, reason }]),
  reidentify: fc.constant(['/v1/records/reidentify', { pseudonym: 'x', reason }]),
  listPseudonyms: fc.constant(['/v1/records/pseudonyms', { address: '192.0.2.1', reason }]),
  searchQueriesOf: fc.constant(['/v1/queries/search-client', { device: 'laptop-7', reason }]),
  applyConfiguration: fc
    .constantFrom('a', 'b', 'c')
    .map((reach) => [
      '/v1/configuration/apply',
      { draft: reach + HASH.slice(1).replaceAll('a', '0'), base: HASH, reason },
    ]),
  addPerson: rolesOf.map((roles) => ['/v1/people', { name: 'P. Uppet', roles, reason }]),
  setRoles: rolesOf.map((roles) => ['/v1/people/{person}/roles', { roles, reason }]),
  enrolPerson: fc.constant(['/v1/people/{person}/enrol', { reason }]),
  removePerson: fc.constant(['/v1/people/{person}/remove', { reason }]),
  addToken: rolesOf.map((roles) => ['/v1/tokens', { name: 'x', roles, days: 1, reason }]),
  setOverlay: fc.constant(['/v1/fleet/overlay', { for: 'all', yaml: 'lists: []', reason }]),
  inviteResolver: fc.constant(['/v1/fleet/invite', { name: 'ns9' }]),
  removeResolver: fc.constant(['/v1/fleet/remove', { name: 'ns1', reason }]),
  rotateFleetKey: fc.constant(['/v1/fleet/rotate-key', {}]),
  confirmAct: fc.constant(['/v1/acts/{act}/confirm', { reason }]),
  withdrawAct: fc.constant(['/v1/acts/{act}/withdraw', { reason }]),
  takeActResult: fc.constant(['/v1/acts/{act}/result', {}]),
};

/** Acts at the same time, most of them of one kind; by which means; minutes before them. */
const stepsOf = (kind: fc.Arbitrary<Act>) =>
  fc.array(
    fc.record({
      minutes: fc.integer({ min: 0, max: 4 }),
      together: fc.array(
        fc.record({
          act: fc.oneof(
            { weight: 3, arbitrary: kind },
            { weight: 1, arbitrary: fc.oneof(...Object.values(acts)) },
          ),
          by: fc.constantFrom('cookie', 'cookie', 'other'),
          nth: fc.nat(7),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    { minLength: 3, maxLength: 5 },
  );
/** One session in which every kind of act has its turn. */
const session = fc
  .tuple(...Object.values(acts).map(stepsOf))
  .map((parts): readonly (typeof parts)[number][number][] => parts.flat());
type Step = typeof session extends fc.Arbitrary<readonly (infer One)[]> ? One : never;

/** Minutes of one session: eight hours, less than the window of every sum. */
const MINUTES_MAX = 400;

const COLLEAGUES: readonly Role[] = ['administrator', 'approver', 'operator', 'auditor'];

/** One person's ways in: a session, a machine's token, and the session of another account. */
interface Ways {
  readonly client: RoomClient;
  readonly secret: string;
  readonly ahead: number;
  readonly token: string;
  readonly other: { readonly client: RoomClient; readonly secret: string } | undefined;
}

const play = async (
  local: TestRoom,
  { client, secret, ahead, token, other }: Ways,
  steps: readonly Step[],
): Promise<void> => {
  const people = local.room.controls.people?.list() ?? [];
  let minutes = 0;
  for (const { minutes: more, together } of steps) {
    if (minutes + more > MINUTES_MAX) return;
    minutes += more;
    local.advance(more * MINUTE_MS);
    // Whoever acts proves who it is as often as it likes: that is no second person.
    const prove = (by: RoomClient, of: string) =>
      by.post('/api/session/step-up', { code: codeOf(of, ahead + (minutes * MINUTE_MS) / PERIOD_MS) });
    await prove(client, secret);
    if (other !== undefined) await prove(other.client, other.secret);
    await Promise.all(
      together.map(({ act: [path, body], by, nth }) => {
        const waiting = local.room.acts.filter(({ state }) => state === 'waiting');
        const own = path
          .replace('{person}', people[nth % people.length]?.id ?? '')
          .replace('{act}', waiting[nth % Math.max(1, waiting.length)]?.id ?? 'a-000000000000');
        if (by === 'other' && other !== undefined) return other.client.post(`/api${own}`, body);
        const headers = by === 'other' ? { authorization: `Bearer ${token}` } : {};
        return client.send('POST', `/api${own}`, body, headers as Record<string, string>);
      }),
    );
  }
};

/** Another account of the one person, under another name. */
const enrolOther = async (local: TestRoom, roles: readonly Role[], name: (account: Account) => void) => {
  const added = local.room.controls.people?.add('Unlike', roles);
  name(localAccount(added?.person.id ?? ''));
  const client = await new RoomClient(local.room.origin).open();
  return { client, secret: await client.enrol(added?.link.url ?? '', 'Unlike', PASSWORD) };
};

const PERSONS: readonly (readonly [string, readonly Role[], boolean, readonly Role[]])[] = [
  [
    'an operator who is approver and auditor',
    ['viewer', 'help-desk', 'operator', 'approver', 'auditor'],
    false,
    [],
  ],
  ['an administrator who is operator and auditor', ['operator', 'auditor', 'administrator'], false, []],
  ['the only administrator after the first day', ['operator', 'auditor', 'administrator'], true, []],
  [
    'an administrator with another account, as approver and operator, that the configuration names',
    ['operator', 'auditor', 'administrator'],
    false,
    ['operator', 'approver'],
  ],
];
for (const [options, runs] of runsInTwo(RUNS, NIGHTLY))
  test.each(PERSONS)(
    `%s reaches alone what one may, and nothing more, ${runs} times`,
    { ...options, timeout: TIMEOUT_MS },
    async (_, roles, isSole, otherRoles) => {
      await fc.assert(
        fc.asyncProperty(session, async (steps) => {
          const { effects, controls } = createProgram();
          const persons: (readonly Account[])[] = [];
          const local = await openTestRoom({ controls: () => controls, persons });
          try {
            const { people } = local.room.controls;
            for (const role of COLLEAGUES)
              if (!isSole || role !== 'administrator') people?.add(`C. ${role}`, [role]);
            if (!isSole) people?.add('D. administrator', ['administrator']);
            local.advance(isSole ? DAY_MS : 0);
            const added = people?.add('One Person', roles);
            const client = await new RoomClient(local.room.origin).open();
            const link = added?.link.url ?? '';
            const ahead = isSole ? DAY_MS / PERIOD_MS : 0;
            const secret = await client.enrol(link, 'One Person', PASSWORD, ahead);
            // Of an administrator, two of whom have allowed it; it acts as who made it.
            const own = people?.list().find(({ name }) => name === 'One Person');
            const other =
              otherRoles.length === 0
                ? undefined
                : await enrolOther(local, otherRoles, (account) => {
                    persons.push([localAccount(own?.id ?? ''), account]);
                  });
            const token =
              own === undefined || !roles.includes('administrator')
                ? ''
                : (people?.addToken('machine', roles, 30, { name: own.name, account: localAccount(own.id) })
                    .secret ?? '');
            const before = people?.list().map(({ name, roles: has }) => [name, ...has]) ?? [];
            await play(local, { client, secret, ahead, token, other }, steps);
            expect(effects.pausedMs).toBeLessThanOrEqual(SUMS.pause.max);
            const beyond = effects.done.filter(
              (one) => !/^(?:accept|rollback) "extra"$|^apply \{"draft":"a/.test(one),
            );
            expect(beyond).toEqual([]);
            const after = people?.list().map(({ name, roles: has }) => [name, ...has]) ?? [];
            // The only administrator may take away; nobody gives.
            for (const person of after) expect(before).toContainEqual(person);
            if (!isSole) expect(after).toHaveLength(before.length);
            expect(people?.tokens()).toHaveLength(token === '' ? 0 : 1);
            expect(local.room.acts.filter(({ state }) => state === 'confirmed')).toEqual([]);
          } finally {
            await local.close();
          }
        }),
        // A session that is made smaller runs anew each time: the whole one is told instead.
        { numRuns: runs, endOnFailure: true },
      );
    },
  );

test('the acts that are tried are those that take two, and those around them', () => {
  const tried = new Set(Object.keys(acts));
  const harmless = new Set([
    ...[
      'reload',
      'copyRegister',
      'dismissList',
      'refreshList',
      'explain',
      'requestExemption',
      'renewExemption',
    ],
    ...['approveExemption', 'rejectExemption', 'revokeExemption', 'checkExemption', 'requestSweep'],
    ...[
      'recordOpening',
      'makeReport',
      'checkRecords',
      'checkConfiguration',
      'draftConfigurationVersion',
      'draftNotice',
      'tryConfiguration',
      'tryList',
    ],
    ...['revokeToken', 'endOtherSession', 'probeFleet', 'readDevice', 'searchQueries'],
  ]);
  const others = ALL_OPERATIONS.filter(
    ([name, operation]) =>
      operation.method === 'POST' &&
      isAt(operation, 'room') &&
      operation.subject !== 'session' &&
      !tried.has(name) &&
      !harmless.has(name),
  );
  expect(others.map(([name]) => name)).toEqual([]);
});
