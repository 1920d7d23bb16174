// Each pair of operations of the control room that change something, one interrupted by the other at each of its waits.
// Usage: node --import turns.mjs interleavings.ts [INTERRUPTIONS [PAIR|OFFICE|N,…]], with N every Nth pair.
//
// What came of a pair in any order has to be what comes of it when one is done after the other, one way or the other:
// whatever else comes about is a change that was made on a row as it was before.
// Prints JSON: how many orders each pair had, and what was found.
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { generateSync } from 'otplib';
import type { Controls, Role } from '../../src/people/admin/admin.ts';
import { Acts } from '../../src/people/room/acts.ts';
import { Grounds } from '../../src/people/room/grounds.ts';
import { Live } from '../../src/people/room/live.ts';
import type { RoomParts } from '../../src/people/room/parts.ts';
import { Passkeys } from '../../src/people/room/passkeys.ts';
import { hashPassword } from '../../src/people/room/passwords.ts';
import { People } from '../../src/people/room/people.ts';
import type { Provider } from '../../src/people/room/provider.ts';
import type { ActRow, Person } from '../../src/people/room/rows.ts';
import { createServer } from '../../src/people/room/server.ts';
import { Sessions } from '../../src/people/room/sessions.ts';
import { SignInThrottle } from '../../src/people/room/sign-in-throttle.ts';
import { Spending } from '../../src/people/room/spending.ts';
import { hashOf, RoomStore } from '../../src/people/room/store.ts';
import { cookieNames, csrfOf } from '../../src/people/room/visit.ts';
import { Vouching } from '../../src/people/room/vouching.ts';
import { Authenticator } from './authenticator.ts';
import {
  addDecided,
  DECIDED_OPERATIONS,
  type DecidedScene,
  DecidedTemplate,
  LIST_OPERATIONS,
} from './decided-scene.ts';
import { addProvided, PROVIDED_OPERATIONS, ScriptedProvider } from './provided-scene.ts';
import { exploreOrders, type Schedule } from './schedules.ts';

const NOW_MS = Date.UTC(2026, 0, 15, 12);
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const FLOW_COOKIE = cookieNames(false).flow;
const SITE = { origin: 'http://localhost', rpId: 'localhost' };
const PASSWORD = 'four words without any sense';
const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const LINK = 'L'.repeat(43);
const OWN_LINK = 'W'.repeat(43);
const TOKEN = `cordon_${'T'.repeat(43)}`;

const cookieOf = (letter: string): string => letter.repeat(43);
const codeAt = (periods: number): string =>
  generateSync({ secret: SECRET, epoch: NOW_MS / 1000 + 30 * periods });
const kept = await hashPassword(PASSWORD);
const passkey = new Authenticator(SITE);
const newPasskey = new Authenticator(SITE);

/** Who there is: letter of the cookie, id, name, roles. */
const PEOPLE = [
  ['A', 'p-00000000000a', 'A. Dmin', ['administrator']],
  ['B', 'p-00000000000b', 'B. Admin', ['administrator']],
  ['O', 'p-00000000000c', 'O. Perator', ['operator']],
  ['P', 'p-00000000000d', 'P. Approver', ['approver']],
  ['V', 'p-00000000000e', 'V. Iewer', ['viewer']],
  ['I', 'p-00000000000f', 'I. Nvited', ['viewer']],
] as const;
const VIEWER = 'p-00000000000e';
const INVITED = 'p-00000000000f';

/** What waits for a second person, asked for by A. Dmin, and by O. Perator. */
const WAITING: readonly (readonly [id: string, operation: string, parameters: object, body: object])[] = [
  ['a-000000000001', 'removePerson', { person: VIEWER }, { reason: 'left' }],
  ['a-000000000002', 'enrolPerson', { person: VIEWER }, { reason: 'lost it' }],
  ['a-000000000003', 'setRoles', { person: VIEWER }, { roles: ['help-desk'], reason: 'new work' }],
  ['a-000000000004', 'addPerson', {}, { name: 'N. Ew', roles: ['viewer'], reason: 'new' }],
  ['a-000000000005', 'enrolPerson', { person: INVITED }, { reason: 'the link was lost' }],
];

/** One room with its rows, and what its program was told. */
interface World {
  readonly parts: RoomParts;
  readonly acts: Acts;
  readonly paused: number[];
  readonly decided: DecidedScene | undefined;
  readonly challenges: Readonly<Record<'signIn' | 'proof' | 'enrol', { challenge: string; asked: unknown }>>;
}

/** In memory where there is such a place: thousands of files of which none is kept. */
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'cordon-turns-'));

/** One administrator on the first day, several people, and somebody of an identity provider, or what they decide, among them. */
type Office = 'sole' | 'several' | 'provided' | 'deciding';

/** The rows that every order begins with, in a file. */
const writeRows = (office: Office): string => {
  const isSole = office === 'sole';
  const path = join(folder, `rows-${office}.db`);
  const store = RoomStore.open(path);
  const createdMs = NOW_MS - (isSole ? 1 : 400 * DAY_MS);
  for (const [letter, id, name, roles] of PEOPLE) {
    if (isSole && letter === 'B') continue;
    const keys = { password: kept, totp: { secret: SECRET, step: 0 } };
    const person: Person = { name, roles: [...roles] as Role[], kind: 'local', createdMs };
    store.people.add(id, letter === 'I' ? person : { ...person, ...keys });
    const session = { by: 'password', from: '192.0.2.1', startedMs: NOW_MS - 10 * MINUTE_MS } as const;
    // V. Iewer has to prove anew who it is.
    const provenMs = letter === 'V' ? NOW_MS - 9 * MINUTE_MS : NOW_MS;
    const row = { ...session, id: `s-0000000000${letter.charCodeAt(0).toString(16)}`, person: id, provenMs };
    store.sessions.add(hashOf(cookieOf(letter)), { ...row, seenMs: NOW_MS });
  }
  store.passkeys.add(passkey.id, {
    ...{ person: VIEWER, publicKey: passkey.publicKey, counter: 0, transports: [], createdMs },
  });
  const pending = { name: 'S. Econd', password: kept, secret: SECRET };
  store.enrolments.add(hashOf(LINK), { endsMs: NOW_MS + MINUTE_MS, pending });
  store.enrolments.add(hashOf(OWN_LINK), {
    ...{ person: INVITED, endsMs: NOW_MS + MINUTE_MS, pending: { ...pending, name: 'I. Nvited' } },
  });
  store.tokens.add(hashOf(TOKEN), {
    ...{
      id: 't-000000000001',
      name: 'script',
      roles: ['approver'],
      by: 'A. Dmin',
      holder: 'local:p-00000000000a',
    },
    ...{ createdMs, endsMs: NOW_MS + DAY_MS },
  });
  for (const [id, operation, parameters, body] of WAITING) {
    const row: ActRow = {
      ...{
        operation,
        parameters: { ...parameters },
        body,
        by: 'A. Dmin',
        byId: 'p-00000000000a',
        byAccount: 'local:p-00000000000a',
      },
      ...{ from: '192.0.2.1', roles: ['administrator'], confirmRoles: ['administrator'], reason: 'x' },
      ...{ askedMs: NOW_MS, endsMs: NOW_MS + DAY_MS, state: 'waiting' },
    };
    if (!isSole) store.acts.add(id, row);
  }
  if (office === 'provided') addProvided(store, NOW_MS);
  if (office === 'deciding') addDecided(store, NOW_MS);
  store.close();
  return path;
};

const rows = {
  ...{ sole: writeRows('sole'), several: writeRows('several') },
  ...{ provided: writeRows('provided'), deciding: writeRows('deciding') },
};
let decidedTemplate: Promise<DecidedTemplate> | undefined;
/** What is decided, as it is before anybody does; made when it is asked for first. */
const openDecided = async (): Promise<DecidedScene> => {
  decidedTemplate ??= DecidedTemplate.make(folder, () => NOW_MS);
  return (await decidedTemplate).open(join(folder, 'state'));
};

const openWorld = async (office: Office): Promise<World> => {
  const path = join(folder, 'room.db');
  copyFileSync(rows[office], path);
  const store = RoomStore.open(path);
  const clock = (): number => NOW_MS;
  const paused: number[] = [];
  let throttle: SignInThrottle | undefined;
  const status = { isPaused: true, state: 'paused', text: '' } as const;
  const decided = office === 'deciding' ? await openDecided() : undefined;
  const scripted = office === 'provided' ? new ScriptedProvider() : undefined;
  const provider = scripted as Provider | undefined;
  const people = new People(store, clock, scripted?.settings);
  const note = (): void => undefined;
  const grounds = new Grounds({ store, people, clock, note });
  const passkeys = new Passkeys(store, clock);
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const parts: RoomParts = {
    ...{ agency: 'Example Agency', persons: [], store, people, passkeys, clock, log: quiet, provider },
    grounds,
    vouching: new Vouching({ provider, people, grounds, clock, note }),
    ...{
      sessions: new Sessions(store, people, grounds, clock),
      csrfKey: Buffer.alloc(32),
      // It takes as long to make as all else, and most orders ask nobody to prove anything.
      throttle: behind(() => (throttle ??= new SignInThrottle(clock))),
    },
    ...{ spending: new Spending(store, clock, () => []), origin: () => SITE.origin },
    controls: (): Controls => ({
      ...decided?.controls,
      pause: {
        status: () => status,
        pause: (ms) => {
          paused.push(ms);
          return Promise.resolve(status);
        },
        resume: () => {
          paused.push(0);
          return Promise.resolve(status);
        },
      },
    }),
    ...{ note, noteFailure: () => undefined },
  };
  const visit = hashOf(cookieOf('X'));
  const [signIn, proof, enrol] = [
    await passkeys.ask(SITE, 'sign-in', visit),
    await passkeys.ask(SITE, 'proof', hashOf(cookieOf('V')), VIEWER),
    await passkeys.askForNew(SITE, 'Example Agency', 'enrol S. Econd', hashOf(LINK), 'S. Econd'),
  ].map(({ challenge, options }) => ({ challenge, asked: options['challenge'] })) as [never, never, never];
  return { parts, acts: new Acts(parts), paused, decided, challenges: { signIn, proof, enrol } };
};

/** What one request sends; `as` is the letter of the cookie. */
interface Sent {
  /** Letter of the flow with which a browser comes back from the identity provider. */
  readonly flow?: string;
  readonly as: string;
  readonly path: string;
  readonly body: object;
  readonly header?: string;
}

const reason = 'x';
/** What can be done, by name. */
const OPERATIONS: Readonly<Record<string, (world: World) => Sent>> = {
  signIn: () => ({
    ...{
      as: 'X',
      path: '/session/password',
      body: { name: 'V. Iewer', password: PASSWORD, code: codeAt(0) },
    },
  }),
  signInByPasskey: ({ challenges: { signIn } }) => ({
    ...{ as: 'X', path: '/session/passkey' },
    body: { challenge: signIn.challenge, response: passkey.assert(signIn.asked) },
  }),
  proveByCode: () => ({ as: 'V', path: '/session/step-up', body: { code: codeAt(0) } }),
  proveByPasskey: ({ challenges: { proof } }) => ({
    ...{ as: 'V', path: '/session/step-up/passkey' },
    body: { challenge: proof.challenge, response: passkey.assert(proof.asked) },
  }),
  signOut: () => ({ as: 'V', path: '/session/end', body: {} }),
  signOther: () => ({ as: 'A', path: '/v1/sessions/s-000000000056/end', body: { reason } }),
  firstPassword: () => ({
    ...{ as: 'Y', path: '/setup/password', body: { token: LINK, name: 'T. Hird', password: PASSWORD } },
  }),
  firstConfirm: () => ({ as: 'Z', path: '/setup/confirm', body: { token: LINK, code: codeAt(0) } }),
  firstPasskey: ({ challenges: { enrol } }) => ({
    ...{ as: 'X', path: '/setup/passkey' },
    body: { token: LINK, challenge: enrol.challenge, response: newPasskey.attest(enrol.asked) },
  }),
  ownPassword: () => ({
    ...{ as: 'Y', path: '/setup/password', body: { token: OWN_LINK, name: 'I. Nvited', password: PASSWORD } },
  }),
  ownConfirm: () => ({ as: 'Z', path: '/setup/confirm', body: { token: OWN_LINK, code: codeAt(0) } }),
  remove: () => ({ as: 'B', path: '/v1/acts/a-000000000001/confirm', body: { reason } }),
  enrolAnew: () => ({ as: 'B', path: '/v1/acts/a-000000000002/confirm', body: { reason } }),
  setRoles: () => ({ as: 'B', path: '/v1/acts/a-000000000003/confirm', body: { reason } }),
  add: () => ({ as: 'B', path: '/v1/acts/a-000000000004/confirm', body: { reason } }),
  inviteAnew: () => ({ as: 'B', path: '/v1/acts/a-000000000005/confirm', body: { reason } }),
  withdraw: () => ({ as: 'A', path: '/v1/acts/a-000000000001/withdraw', body: { reason } }),
  result: () => ({ as: 'A', path: '/v1/acts/a-000000000002/result', body: {} }),
  pause: () => ({ as: 'O', path: '/v1/pause', body: { ms: 10 * MINUTE_MS, reason } }),
  resumeByToken: () => ({ as: '', header: `Bearer ${TOKEN}`, path: '/v1/resume', body: { reason } }),
  revokeToken: () => ({ as: 'A', path: '/v1/tokens/t-000000000001/revoke', body: { reason } }),
};
/** With one administrator on the first day. */
const SOLE: Readonly<Record<string, (world: World) => Sent>> = {
  addAdministrator: () => ({
    ...{ as: 'A', path: '/v1/people', body: { name: 'C. Admin', roles: ['administrator'], reason } },
  }),
  addApprover: () => ({
    ...{ as: 'A', path: '/v1/people', body: { name: 'D. Approver', roles: ['approver'], reason } },
  }),
  addToken: () => ({
    as: 'A',
    path: '/v1/tokens',
    body: { name: 'x', roles: ['approver'], days: 1, reason },
  }),
  removeAlone: () => ({ as: 'A', path: `/v1/people/${VIEWER}/remove`, body: { reason } }),
  enrolAlone: () => ({ as: 'A', path: `/v1/people/${VIEWER}/enrol`, body: { reason } }),
  proveByPasskey: OPERATIONS['proveByPasskey'] as (world: World) => Sent,
  signInByPasskey: OPERATIONS['signInByPasskey'] as (world: World) => Sent,
  firstConfirm: OPERATIONS['firstConfirm'] as (world: World) => Sent,
  firstPasskey: OPERATIONS['firstPasskey'] as (world: World) => Sent,
};

/** The world that the server is for just now. */
let world: World;
const closeWorld = async (): Promise<void> => {
  world.parts.store.close();
  await world.decided?.close();
};
const behind = <Of extends object>(find: () => Of): Of =>
  new Proxy({} as Of, {
    get: (_, name) => {
      const value: unknown = Reflect.get(find(), name);
      return typeof value === 'function' ? value.bind(find()) : value;
    },
  });

const send = async (server: FastifyInstance, sent: Sent): Promise<string> => {
  const { as, path, body, header, flow } = sent;
  if (flow !== undefined) {
    const { statusCode, headers } = await server.inject({
      ...{ method: 'GET', url: '/oidc/callback?code=x', remoteAddress: '192.0.2.1' },
      headers: { host: 'localhost', cookie: `cordon=${cookieOf(as)}; ${FLOW_COOKIE}=${cookieOf(flow)}` },
    });
    // With which words somebody stays outside may depend on who was first.
    return headers.location === '/' ? `200 ${statusCode === 303 ? 200 : statusCode}` : 'refused';
  }
  const csrf = csrfOf(Buffer.alloc(32), cookieOf(as));
  const { statusCode, payload } = await server.inject({
    ...{ method: 'POST', url: `/api${path}`, payload: JSON.stringify(body), remoteAddress: '192.0.2.1' },
    headers: {
      ...{ host: 'localhost', origin: SITE.origin, 'content-type': 'application/json' },
      ...(header === undefined
        ? { 'x-csrf-token': csrf, cookie: `cordon=${cookieOf(as)}` }
        : { authorization: header }),
    },
  });
  // Of an act that was confirmed: what came of it as well. With which words something is refused may depend on who was first.
  const { status = statusCode } = JSON.parse(payload) as { status?: unknown };
  return [statusCode, Number(status)].map((one) => (one < 400 ? String(one) : 'refused')).join(' ');
};

/** All that stands in the rows afterwards, without what is drawn by lot. */
const digestOf = ({ parts: { store, people }, paused, decided }: World): unknown => {
  const nameOf = (id: string | undefined): string =>
    id === undefined ? '' : (people.find(id)?.name ?? 'gone');
  return {
    people: store.people
      .all()
      .map(([, { name, roles, password, totp, signedInMs }]) => [
        ...[name, roles, password === undefined ? 'none' : password === kept ? 'kept' : 'new'],
        ...[totp?.step ?? 'none', totp === undefined || totp.secret === SECRET, signedInMs ?? 0],
      ]),
    sessions: store.sessions.all().map(([, row]) => [nameOf(row.person), row.by, row.provenMs]),
    passkeys: store.passkeys.all().map(([, row]) => [nameOf(row.person), row.counter > 0]),
    links: store.enrolments.all().map(([, row]) => [nameOf(row.person), row.pending?.name ?? 'none']),
    tokens: store.tokens.all().map(([, row]) => row.name),
    acts: store.acts.all().map(([id, row]) => [id.startsWith('a-00000000') ? id : 'new', row.state]),
    spent: store.spent.all().map(([, { entries }]) => entries.map(({ amount }) => amount)),
    paused,
    decided: decided?.digest,
  };
};

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, sorted(member)]))
      : value;

const server = await createServer({
  parts: behind(() => world.parts),
  acts: behind(() => world.acts),
  live: new Live(
    { state: () => Promise.resolve({ text: '{}', signature: '' }), versions: () => new Map() },
    () => undefined,
  ),
  ...{ pages: new Map(), first: undefined, tls: undefined, hosts: new Set<string>(), url: undefined },
  requestsPerMinute: Number.MAX_SAFE_INTEGER,
});

const rowsOf = (): string => JSON.stringify(sorted(digestOf(world)));
const outcomeOf = (replies: readonly string[]): string => JSON.stringify({ replies, rows: rowsOf() });

const found: string[] = [];
const pairs: Record<string, number> = {};
/** Operations that did something, be it by being refused: one that changes nothing each time would prove nothing. */
const done = new Set<string>();

const explorePair = async (
  names: readonly [string, string],
  operations: typeof OPERATIONS,
  office: Office,
): Promise<void> => {
  const [one, other] = names;
  const open = async () => {
    world = await openWorld(office);
    return names.map((name) => {
      const sent = operations[name]?.(world);
      if (sent === undefined) throw new TypeError(name);
      return () => send(server, sent);
    });
  };
  const serial = new Map<string, string>();
  for (const order of [
    [0, 1],
    [1, 0],
  ] as const) {
    const works = await open();
    const replies: string[] = [];
    for (const index of order) {
      const before = rowsOf();
      replies[index] = (await works[index]?.()) ?? '';
      if (replies[index] === '200 200' || rowsOf() !== before) done.add(names[index] ?? '');
    }
    serial.set(outcomeOf(replies), order.map((index) => names[index]).join(', then '));
    await closeWorld();
  }
  const orders = await exploreOrders(interruptionsMax, async (schedule: Schedule) => {
    const works = await open();
    const outcome = outcomeOf(await schedule.run(works));
    if (!serial.has(outcome) && found.length < 20) {
      const order = schedule.choices.map(({ index }) => names[index]);
      found.push(
        `${one} with ${other}, as ${order.join(' ')}: ${outcome} is neither of\n  ${[...serial.keys()].join('\n  ')}`,
      );
    }
    await closeWorld();
  });
  pairs[`${one} ${other}`] = orders;
};

const [, , interruptions = '1', only] = process.argv;
const interruptionsMax = Number(interruptions);
const TABLES = [
  [OPERATIONS, 'several'],
  [SOLE, 'sole'],
  [PROVIDED_OPERATIONS, 'provided'],
  [DECIDED_OPERATIONS, 'deciding'],
  [LIST_OPERATIONS, 'deciding'],
] as const;
const chosen = only?.split(',');
const every = Number(chosen?.find((one) => /^\d+$/.test(one)) ?? Number.POSITIVE_INFINITY);
let place = 0;
/** True for pairs that are asked for. */
const isChosen = (pair: string, office: Office): boolean => {
  const isInShare = place++ % every === 0 && every !== Number.POSITIVE_INFINITY;
  return chosen === undefined || isInShare || chosen.includes(office) || chosen.includes(pair);
};
for (const [operations, office] of TABLES) {
  const names = Object.keys(operations);
  for (const [index, one] of names.entries())
    for (const other of names.slice(index))
      if (isChosen(`${one} ${other}`, office)) await explorePair([one, other], operations, office);
}
if (only === undefined)
  for (const name of TABLES.flatMap(([operations]) => Object.keys(operations)))
    if (!done.has(name)) found.push(`${name} does nothing in any order`);
await server.close();
rmSync(folder, { recursive: true });
process.stdout.write(JSON.stringify({ pairs, found }));
