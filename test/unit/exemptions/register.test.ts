// The register over real SQLite files: what stands after restarts, clock steps, damage and a disk that takes nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Register } from '../../../src/evidence/exemptions/register.ts';
import { ExemptionCounts } from '../../../src/evidence/exemptions/register-facts.ts';
import { termsOf } from '../../../src/evidence/exemptions/rules.ts';
import type { ExemptionRecord } from '../../../src/evidence/records/record.ts';
import { EXEMPTIONS_MAX, formatExemption } from '../../../src/policy/policy.ts';
import {
  createDirectory,
  DAY_MS,
  day,
  HEAD,
  NETWORK,
  NOW,
  openRegister,
  outcomeOf,
  profileOf,
  REQUEST,
  REQUESTER,
  type TestRegister,
  US_RULES,
} from './setup.ts';

const grant = ({ register }: TestRegister, change: object = {}): string => {
  const { paper } = register.request({ ...REQUEST, ...change }, REQUESTER);
  const id = paper?.id ?? '';
  expect(outcomeOf(register.approve(id, HEAD))).toMatch(/^(approved|active)$/);
  return id;
};

const errorCode = (act: () => unknown): string => {
  try {
    act();
    return 'none';
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
};

const stateOf = ({ register }: TestRegister, id: string): string => register.find(id).paper.state;

describe('the life of an exemption', () => {
  test('every event is told as a record with the whole paper', () => {
    const held = openRegister();
    grant(held);
    held.clock.nowMs = NOW + 30 * DAY_MS;
    held.register.advance();
    const records = held.events as ExemptionRecord[];
    expect(records.map(({ event, time, by }) => [event, time, by])).toEqual([
      ['requested', day(0), 'R. Investigator'],
      ['approved', day(0), 'A. Head'],
      ['active', day(0), undefined],
      ['expired', day(30), undefined],
    ]);
    expect(records.map(({ paper }) => (paper as { state: string }).state)).toEqual([
      'requested',
      'approved',
      'active',
      'expired',
    ]);
    expect(records.at(-1)).toMatchObject({
      kind: 'exemption',
      id: 'ex-000001',
      paper: { grounds: 'law-enforcement' },
    });
  });

  test('workers get what begins later before it begins, with all that it says', () => {
    const { register } = openRegister();
    register.request(
      {
        ...REQUEST,
        clients: ['2001:db8:0:1::/64', '192.0.2.8/29'],
        groups: ['lab'],
        names: ['TikTok.com.', 'v.example.com'],
        schedule: { weekdays: ['fri', 'mon'], hours: '22:00-06:00', timezone: 'Europe/Brussels' },
        from: day(2),
      },
      REQUESTER,
    );
    register.approve('1', HEAD);
    expect(stateOf({ register } as TestRegister, '1')).toBe('approved');
    const [shared] = register.toShared(NOW);
    expect(shared).toMatchObject({
      number: 1,
      fromMs: NOW + 2 * DAY_MS,
      untilMs: NOW + 30 * DAY_MS,
      groups: ['lab'],
      lists: ['tiktok'],
      schedule: { weekdays: [1, 5], hours: { fromMin: 1320, untilMin: 360 }, timeZone: 'Europe/Brussels' },
    });
    expect(shared?.clients.map(({ bits }) => bits)).toEqual([96 + 29, 64]);
    expect(shared?.names?.map((name) => Buffer.from(name).toString('latin1'))).toEqual([
      '\x06tiktok\x03com\x00',
      '\x01v\x07example\x03com\x00',
    ]);
    expect(register.activeAt(NOW)).toEqual([]);
    expect(register.activeAt(NOW + 2 * DAY_MS)).toHaveLength(1);
  });

  test.each<[doing: string, act: (register: Register) => unknown, code: string]>([
    ['approving what is approved', (register) => register.approve('1', HEAD), 'ERR_EXEMPTION_STATE'],
    ['rejecting what is approved', (register) => register.reject('1', AUTHOR), 'ERR_EXEMPTION_STATE'],
    ['revoking what was only requested', (register) => register.revoke('2', AUTHOR), 'ERR_EXEMPTION_STATE'],
    ['approving what was rejected', (register) => register.approve('3', HEAD), 'ERR_EXEMPTION_STATE'],
    [
      'approving what is not there',
      (register) => register.approve('ex-000099', HEAD),
      'ERR_EXEMPTION_UNKNOWN',
    ],
    ['finding what is no id', (register) => register.find('../1'), 'ERR_EXEMPTION_UNKNOWN'],
  ])('%s is an error', (_doing, act, code) => {
    const held = openRegister();
    grant(held);
    for (const clients of [['192.0.2.1'], ['192.0.2.2']])
      held.register.request({ ...REQUEST, clients }, REQUESTER);
    held.register.reject('3', AUTHOR);
    const before = held.events.length;
    expect(errorCode(() => act(held.register))).toBe(code);
    expect(held.events).toHaveLength(before);
  });

  test('a request that nobody decided on before its end is rejected by nobody', () => {
    const held = openRegister();
    held.register.request(REQUEST, REQUESTER);
    held.clock.nowMs = NOW + 31 * DAY_MS;
    held.register.advance();
    expect(held.register.find('1')).toMatchObject({
      paper: { state: 'rejected', endedAt: day(30) },
      history: [{}, { event: 'rejected', time: day(31), reason: 'nobody decided on it before its end' }],
    });
    expect(held.register.find('1').history[1]).not.toHaveProperty('by');
  });

  test('it is warned of 30 days, 7 days and 1 day before the end, once each', () => {
    const held = openRegister();
    grant(held, { until: day(100) });
    const warned: [number, string | undefined][] = [];
    for (let at = 0; at < 101; at += 0.5) {
      held.clock.nowMs = NOW + at * DAY_MS;
      for (const { event, reason } of held.register.advance())
        if (event === 'warned') warned.push([at, reason]);
    }
    expect(warned).toEqual([
      [70, 'ends in less than 30 days'],
      [93, 'ends in less than 7 days'],
      [99, 'ends in less than a day'],
    ]);
  });

  test('a short one is not warned of with its beginning, and one that was missed is told once', () => {
    const held = openRegister();
    grant(held, { until: day(5) });
    expect(held.register.advance()).toEqual([]);
    const late = held.reopen();
    late.clock.nowMs = NOW + 4.5 * DAY_MS;
    expect(late.register.advance().map(({ event }) => event)).toEqual(['warned']);
    expect(late.register.advance()).toEqual([]);
  });

  test('nextChangeMs() is ahead of the clock once time has done its work, also for what is suspended', () => {
    const held = openRegister();
    grant(held, { until: day(40) });
    grant(held, { from: day(2), until: day(41), clients: ['192.0.2.9'] });
    for (const id of ['1', '2']) held.register.suspend(formatExemption(Number(id)), 'no record tells of it');
    for (let at = 0; at <= 42; at += 0.5) {
      held.clock.nowMs = NOW + at * DAY_MS;
      held.register.advance();
      expect(held.register.nextChangeMs() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(held.clock.nowMs);
    }
    expect(held.register.counts.expired).toBe(2);
  });

  test('nextChangeMs() names each moment at which something happens', () => {
    const held = openRegister();
    held.register.request({ ...REQUEST, from: day(3), until: day(40) }, REQUESTER);
    expect(held.register.nextChangeMs()).toBe(NOW + 40 * DAY_MS);
    held.register.approve('1', HEAD);
    const seen: string[] = [];
    for (let next = held.register.nextChangeMs(); next !== undefined; next = held.register.nextChangeMs()) {
      held.clock.nowMs = next - 1;
      expect(held.register.advance()).toEqual([]);
      held.clock.nowMs = next;
      seen.push(...held.register.advance().map(({ event }) => `${event} ${(next - NOW) / DAY_MS}`));
    }
    expect(seen).toEqual(['active 3', 'warned 10', 'warned 33', 'warned 39', 'expired 40']);
  });
});

const AUTHOR = { by: 'A. Head', reason: 'no longer needed' };

describe('restarts and clocks', () => {
  test('a restart finds everything as it was, and the numbers go on', () => {
    const held = openRegister();
    grant(held);
    held.register.request({ ...REQUEST, clients: ['192.0.2.1'] }, REQUESTER);
    const entries = held.register.entries();
    const again = held.reopen();
    expect(again.register.entries()).toEqual(entries);
    expect(again.events).toEqual([]);
    expect(again.register.toShared(NOW)).toHaveLength(1);
    expect(again.register.request({ ...REQUEST, clients: ['192.0.2.2'] }, REQUESTER).paper?.id).toBe(
      'ex-000003',
    );
  });

  test('what time did while the program was down is written at the next start, with the true times', () => {
    const held = openRegister();
    grant(held, { from: day(1), until: day(3) });
    held.clock.nowMs = NOW + 10 * DAY_MS;
    const again = held.reopen();
    expect(again.register.toShared(again.clock.nowMs)).toEqual([]);
    again.register.advance();
    expect(again.events).toMatchObject([
      { event: 'active', time: day(10), paper: { activeAt: day(1) } },
      { event: 'expired', time: day(10), paper: { endedAt: day(3) } },
    ]);
  });

  test.each([1_000, 3_000, 40 * DAY_MS])(
    'a clock that goes back %i ms brings no expired exemption back, neither at once nor after a restart',
    (backMs) => {
      const held = openRegister();
      grant(held);
      held.clock.nowMs = NOW + 30 * DAY_MS;
      held.register.advance();
      held.clock.nowMs -= backMs;
      held.register.advance();
      expect(held.register.toShared(held.clock.nowMs)).toEqual([]);
      expect(held.reopen().register.toShared(held.clock.nowMs)).toEqual([]);
    },
  );

  test('a clock that leaps forward for a moment ends what it leapt over for good', () => {
    const held = openRegister();
    grant(held);
    held.clock.nowMs += 365 * DAY_MS;
    held.register.advance();
    held.clock.nowMs = NOW + 1;
    held.register.advance();
    expect(stateOf(held, '1')).toBe('expired');
    expect(held.register.toShared(NOW + 1)).toEqual([]);
  });
});

describe('bounds', () => {
  test('no more stand than policy takes', () => {
    const held = openRegister();
    held.register.request(REQUEST, REQUESTER);
    const terms = termsOf(held.register.find('1').paper);
    // In one transaction: a thousand would take a disk seconds.
    held.register.write(
      Array.from({ length: EXEMPTIONS_MAX - 1 }, (_value, ahead) => ({
        event: 'requested',
        paper: held.register.createPaper(terms, { kind: 'command' }, NOW, ahead),
      })),
    );
    const another = { ...REQUEST, clients: ['192.0.2.250'] };
    const { problems } = held.register.request(another, REQUESTER);
    expect(problems.map(({ code }) => code)).toEqual(['ERR_EXEMPTION_LIMIT']);
    held.register.reject('17', AUTHOR);
    expect(outcomeOf(held.register.request(another, REQUESTER))).toBe('requested');
  });

  test.each<[what: string, change: object, refusal: string]>([
    [
      '101 prefixes',
      { clients: Array.from({ length: 101 }, (_, i) => `10.0.0.${i}`) },
      'ERR_EXEMPTION_LIMIT clients',
    ],
    [
      '101 names',
      { names: Array.from({ length: 101 }, (_, i) => `n${i}.example`) },
      'ERR_EXEMPTION_LIMIT names',
    ],
    ['a text of 4,001 characters', { justification: 'x'.repeat(4001) }, 'ERR_EXEMPTION_LIMIT justification'],
    ['a name of 201 characters', { 'requested-by': 'x'.repeat(201) }, 'ERR_EXEMPTION_LIMIT requested-by'],
    ['control characters', { 'requested-by': 'A\u0007B' }, 'ERR_EXEMPTION_FIELD requested-by'],
    [
      'letters that change direction',
      { justification: `${'x'.repeat(50)}\u202e` },
      'ERR_EXEMPTION_FIELD justification',
    ],
    ['the root', { names: ['.'] }, 'ERR_EXEMPTION_FIELD names[0]'],
    ['the address of a page', { names: ['https://www.tiktok.com/@x'] }, 'ERR_EXEMPTION_FIELD names[0]'],
    ['a name with blanks', { names: ['not a name!!'] }, 'ERR_EXEMPTION_FIELD names[0]'],
    ['a top-level domain that is none', { names: ['tiktok'] }, 'ERR_EXEMPTION_FIELD names[0]'],
    ['bits behind a prefix', { clients: ['192.0.2.9/29'] }, 'ERR_EXEMPTION_FIELD clients[0]'],
    ['a day that no calendar has', { until: '2027-02-30' }, 'ERR_EXEMPTION_FIELD until'],
    ['an approval', { 'approved-by': 'A. Head' }, 'ERR_EXEMPTION_FIELD approved-by'],
    ['hours that are none', { schedule: { hours: '8-18' } }, 'ERR_EXEMPTION_FIELD schedule.hours'],
    [
      'a time zone that is none',
      { schedule: { hours: '08:00-18:00', timezone: 'Mars' } },
      'ERR_EXEMPTION_FIELD schedule.timezone',
    ],
    ['an empty schedule', { schedule: {} }, 'ERR_EXEMPTION_MISSING schedule'],
  ])('a request with %s is refused', (_what, change, refusal) => {
    const { register } = openRegister();
    expect(outcomeOf(register.request({ ...REQUEST, ...change }, REQUESTER))).toContain(refusal);
  });

  test.each([undefined, null, 'x', 7, [], [REQUEST]])('%j is no request', (raw) => {
    const { register } = openRegister();
    expect(outcomeOf(register.request(raw, REQUESTER))).toContain('ERR_EXEMPTION_FIELD');
  });

  test('without a profile nothing is granted, and what stands stays', () => {
    const held = openRegister();
    grant(held);
    held.register.request({ ...REQUEST, clients: ['192.0.2.1'] }, REQUESTER);
    held.register.setRules(undefined);
    expect(outcomeOf(held.register.request(REQUEST, REQUESTER))).toEqual(['ERR_EXEMPTION_PROFILE']);
    expect(outcomeOf(held.register.approve('2', HEAD))).toEqual(['ERR_EXEMPTION_PROFILE']);
    expect(held.register.toShared(NOW)).toHaveLength(1);
  });
});

/** The chain as anybody computes it who has the file and this test. */
const chainOf = (path: string): boolean[] => {
  const database = new DatabaseSync(path, { readOnly: true });
  let previous: Uint8Array = new Uint8Array(32);
  const good = database
    .prepare('SELECT seq, body, hash FROM events ORDER BY seq')
    .all()
    .map(({ seq, body, hash }) => {
      const number = Buffer.alloc(8);
      number.writeUInt32BE(Number(seq), 4);
      const expected = createHash('sha256').update(previous).update(number).update(String(body)).digest();
      previous = hash as Uint8Array;
      return expected.equals(previous);
    });
  database.close();
  return good;
};

/** Edits a closed register as somebody with the file and the tools does. */
const edit = (path: string, sql: string): void => {
  const database = new DatabaseSync(path);
  database.exec('DROP TRIGGER events_change; DROP TRIGGER events_remove');
  database.exec(sql);
  database.close();
};

describe('the file', () => {
  test('only its user reads it, and its chain can be computed by anybody', () => {
    const held = openRegister();
    grant(held);
    held.register.close();
    expect(statSync(held.path).mode & 0o777).toBe(0o600);
    expect(chainOf(held.path)).toEqual([true, true, true]);
  });

  test('a second program cannot open it', () => {
    const held = openRegister();
    grant(held);
    const options = { path: held.path, clock: () => NOW, onEvent: () => undefined };
    expect(errorCode(() => Register.open(options))).toBe('ERR_EXEMPTION_REGISTER');
    expect(outcomeOf(held.register.request({ ...REQUEST, clients: ['192.0.2.1'] }, REQUESTER))).toBe(
      'requested',
    );
    held.register.close();
    expect(Register.open(options).entries()).toHaveLength(2);
  });

  test('the tools of SQLite change and remove nothing by accident', () => {
    const held = openRegister();
    grant(held);
    held.register.close();
    const database = new DatabaseSync(held.path);
    expect(() => database.exec("UPDATE events SET body = '{}'")).toThrow('never changed');
    expect(() => database.exec('DELETE FROM events')).toThrow('never removed');
    database.close();
  });

  test.each<[what: string, damage: (path: string) => void]>([
    [
      'a changed event',
      (path) => edit(path, `UPDATE events SET body = replace(body, '192.0.2.8', '192.0.2.0') WHERE seq = 2`),
    ],
    ['a removed event', (path) => edit(path, 'DELETE FROM events WHERE seq = 2')],
    ['a removed beginning', (path) => edit(path, 'DELETE FROM events WHERE seq = 1')],
    [
      'exchanged events',
      (path) =>
        edit(
          path,
          'UPDATE events SET seq = 99 WHERE seq = 1; UPDATE events SET seq = 1 WHERE seq = 2; UPDATE events SET seq = 2 WHERE seq = 99',
        ),
    ],
    ['a hash that is not one', (path) => edit(path, `UPDATE events SET hash = x'00' WHERE seq = 3`)],
    ['a table that is gone', (path) => edit(path, 'DROP TABLE events')],
    ['another program', (path) => edit(path, 'PRAGMA application_id = 7')],
    ['a later format', (path) => edit(path, 'PRAGMA user_version = 2')],
    ['an empty file', (path) => truncateSync(path)],
    ['half a file', (path) => truncateSync(path, 4096)],
    ['what is no database', (path) => writeFileSync(path, 'register')],
  ])('%s: nothing of it is used, and the file stays as it is', (_what, damage) => {
    const held = openRegister();
    grant(held);
    held.register.close();
    damage(held.path);
    const before = readFileSync(held.path);
    const options = { path: held.path, clock: () => NOW, onEvent: () => undefined };
    expect(errorCode(() => Register.open(options))).toBe('ERR_EXEMPTION_DAMAGED');
    expect(readFileSync(held.path).equals(before)).toBe(true);
  });

  test('a path that cannot be used is ERR_EXEMPTION_REGISTER', () => {
    const directory = createDirectory();
    writeFileSync(join(directory, 'file'), '');
    const path = join(directory, 'file', 'register.sqlite');
    expect(errorCode(() => Register.open({ path, clock: () => NOW, onEvent: () => undefined }))).toBe(
      'ERR_EXEMPTION_REGISTER',
    );
  });
});

describe('a disk that takes nothing', () => {
  /** A directory where SQLite wants its journal: nothing can be written until it is gone. */
  const block = (path: string): (() => void) => {
    rmSync(`${path}-journal`, { force: true });
    mkdirSync(`${path}-journal`);
    return () => rmdirSync(`${path}-journal`);
  };

  const blocked = (): { held: TestRegister; unblock: () => void } => {
    const first = openRegister();
    grant(first);
    first.register.request({ ...REQUEST, clients: ['192.0.2.1'] }, REQUESTER);
    const held = first.reopen();
    return { held, unblock: block(held.path) };
  };

  test('nothing is granted that is not written', () => {
    const { held, unblock } = blocked();
    expect(errorCode(() => held.register.approve('2', HEAD))).toBe('ERR_EXEMPTION_STORE');
    expect(stateOf(held, '2')).toBe('requested');
    expect(held.register.toShared(NOW).map(({ number }) => number)).toEqual([1]);
    expect(held.events).toEqual([]);
    unblock();
    expect(outcomeOf(held.register.approve('2', HEAD))).toBe('active');
  });

  test('what is revoked is out of force, and can be revoked again when it can be written', () => {
    const { held, unblock } = blocked();
    expect(errorCode(() => held.register.revoke('1', AUTHOR))).toBe('ERR_EXEMPTION_STORE');
    expect(held.register.toShared(NOW)).toEqual([]);
    unblock();
    expect(held.register.revoke('1', AUTHOR).state).toBe('revoked');
    expect(held.events).toHaveLength(1);
  });

  test('what has ended is out of force, whatever the clock says then', () => {
    const { held, unblock } = blocked();
    held.clock.nowMs = NOW + 30 * DAY_MS;
    expect(errorCode(() => held.register.advance())).toBe('ERR_EXEMPTION_STORE');
    held.clock.nowMs = NOW;
    expect(held.register.toShared(NOW)).toEqual([]);
    unblock();
    held.clock.nowMs = NOW + 31 * DAY_MS;
    held.register.advance();
    expect(held.register.find('1').paper).toMatchObject({ state: 'expired', endedAt: day(30) });
  });
});

test('what was told is on the disk when the process is killed', async () => {
  const directory = createDirectory();
  const script = fileURLToPath(new URL('./register-writer.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let told = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    told += text;
    if (told.split('\n').length > 20) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const last =
    told
      .split('\n')
      .filter((line) => line.startsWith('ex-'))
      .at(-1) ?? '';
  const path = join(directory, 'register.sqlite');
  copyFileSync(path, join(directory, 'as-it-was.sqlite'));
  const register = Register.open({ path, clock: () => NOW, onEvent: () => undefined });
  expect(register.find(last).paper.state).toBe('requested');
  expect(register.entries().map(({ paper }) => paper.id)).toEqual(
    register.entries().map((_entry, index) => formatExemption(index + 1)),
  );
  register.close();
});

test('facts count by grounds, name the nearest end, and find papers that the rules would refuse', () => {
  const held = openRegister();
  const counts = new ExemptionCounts(held.register);
  grant(held);
  grant(held, { clients: ['192.0.2.1'], grounds: 'security-research', until: day(2) });
  grant(held, { clients: undefined, groups: ['lab'], from: day(1) });
  held.register.request({ ...REQUEST, clients: ['192.0.2.3'] }, REQUESTER);
  expect(counts.at(NOW)).toEqual({
    activeByGround: new Map([
      ['law-enforcement', 1],
      ['national-security', 0],
      ['security-research', 1],
    ]),
    waiting: 1,
    nearestEndMs: NOW + 2 * DAY_MS,
    expired: 0,
    revoked: 0,
    ending: 0,
    incomplete: 0,
    unproven: new Map(),
    lastApprovalMs: NOW,
    ends: new Map([
      ['ex-000001', NOW + 30 * DAY_MS],
      ['ex-000002', NOW + 2 * DAY_MS],
    ]),
  });
  held.clock.nowMs = NOW + 2 * DAY_MS;
  held.register.advance();
  held.register.revoke('1', AUTHOR);
  expect(counts.at(held.clock.nowMs)).toMatchObject({
    expired: 1,
    revoked: 1,
    nearestEndMs: NOW + 30 * DAY_MS,
    ending: 0,
  });
  const groups = NETWORK.groups.filter(({ name }) => name !== 'lab');
  held.register.setRules({ ...US_RULES, network: { ...NETWORK, groups } });
  expect([...counts.incomplete(held.clock.nowMs)]).toEqual(['ex-000003']);
  held.register.setRules({ ...US_RULES, profile: profileOf('be-federal') });
  expect(counts.at(held.clock.nowMs)).toMatchObject({
    incomplete: 1,
    activeByGround: new Map([
      ['investigation', 0],
      ['public-security', 0],
      ['security-research', 0],
      ['law-enforcement', 1],
    ]),
  });
  held.register.setRules(undefined);
  expect(counts.at(held.clock.nowMs).incomplete).toBe(1);
});

test('a change has the paper judged that changed, and no other; other rules have all', () => {
  const held = openRegister();
  let looks = 0;
  const network = { ...NETWORK, groups: NETWORK.groups };
  Object.defineProperty(network, 'allow', {
    get: () => {
      looks++;
      return NETWORK.allow;
    },
  });
  held.register.setRules({ ...US_RULES, network });
  const counts = new ExemptionCounts(held.register);
  const looksFor = (act: () => unknown): number => {
    act();
    looks = 0;
    expect(counts.incomplete(NOW).size).toBe(0);
    return looks;
  };
  const first = looksFor(() => grant(held));
  expect(first).toBeGreaterThan(0);
  for (let client = 2; client < 12; client++)
    expect(looksFor(() => grant(held, { clients: [`192.0.2.${client}`] }))).toBeLessThanOrEqual(first);
  expect(looksFor(() => held.register.revoke('3', AUTHOR))).toBe(0);
  expect(looksFor(() => held.register.setRules({ ...US_RULES, network }))).toBeGreaterThan(5 * first);
});

test('facts are counted once until a change, a beginning or an end, and are then those that are counted anew', () => {
  const held = openRegister();
  const { clock, register } = held;
  const counts = new ExemptionCounts(register);
  const anew = () => new ExemptionCounts(register).at(clock.nowMs);
  grant(held);
  grant(held, { clients: ['192.0.2.1'], until: day(2) });
  grant(held, { clients: undefined, groups: ['lab'], from: day(1) });
  const first = counts.at(NOW);
  for (const ms of [0, 1_000, DAY_MS - 1]) expect(counts.at(NOW + ms)).toBe(first);
  // Over a beginning, an end, and back again; nothing of it is written down.
  for (const ms of [DAY_MS, DAY_MS - 1, 2 * DAY_MS - 1, 2 * DAY_MS, 3 * DAY_MS, 2 * DAY_MS - 1, -1, 0]) {
    clock.nowMs = NOW + ms;
    expect(counts.at(clock.nowMs), `${ms}`).toEqual(anew());
  }
  const changes = [
    () => register.request({ ...REQUEST, clients: ['192.0.2.3'] }, REQUESTER),
    () => register.revoke('1', AUTHOR),
    () => register.suspend('ex-000002', 'nobody granted it'),
    () => register.setRules({ ...US_RULES, profile: profileOf('be-federal') }),
    () => register.setRules(undefined),
    () => {
      clock.nowMs = NOW + 2 * DAY_MS;
      register.advance();
    },
  ];
  for (const [index, change] of changes.entries()) {
    counts.at(clock.nowMs);
    change();
    expect(counts.at(clock.nowMs), `change ${index}`).toEqual(anew());
  }
});
