// Who may connect is written for all who come at once, and names each of them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createUser } from '@nats-io/nkeys';
import { expect, test, vi } from 'vitest';
import { rotationText } from '../../../src/fleet/enrolment.ts';
import { fleetPath, readIdentity } from '../../../src/fleet/identity.ts';
import { toSeedKey } from '../../../src/fleet/key.ts';
import { rotateSubject } from '../../../src/fleet/subjects.ts';
import { readToken } from '../../../src/fleet/tokens.ts';
import { withAuthority } from '../../support/lone-authority.ts';

test('another key that is asked for again while the first request is under way is one entry', () =>
  withAuthority(async ({ bus, users, stateDirectory, template }) => {
    const { identity, seed } = readIdentity(join(template.directory, 'template', 'ns1'));
    const key = createUser().getPublicKey();
    const signature = toSeedKey(seed).sign(rotationText(identity.name, key));
    const user = bus.connect('ns1', { onFault: () => undefined });
    const ask = (): Promise<Uint8Array> =>
      user.ask(rotateSubject('ns1'), JSON.stringify({ key, signature }), 60_000);
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers.map((answer) => Buffer.from(answer).toString())).toEqual(['{}', '{}', '{}']);
    // A second one would forget the key before both, by which what is under way is signed.
    const database = new DatabaseSync(fleetPath(stateDirectory, 'policy'), { readOnly: true });
    const entries = database.prepare('SELECT entry FROM entries').all();
    database.close();
    expect(entries.filter(({ entry }) => String(entry).includes(key))).toHaveLength(1);
    expect(users()).toContain(key);
  }));

test('resolvers that are invited at once are all let in, by as few writings as it takes', () =>
  withAuthority(async ({ fleet, users }) => {
    const names = Array.from({ length: 50 }, (_, index) => `new${index}`);
    const invited = await Promise.all(names.map((name) => fleet.invite(name, undefined)));
    expect(invited.map(({ token }) => readToken(token).name)).toEqual(names);
    for (const name of names) expect(users()).toContain(`cordon.join.${name}"`);
  }));

/** Bytes that this thread has written so far. */
const writtenBytes = (): number =>
  Number(/^wchar: (\d+)$/m.exec(readFileSync('/proc/thread-self/io', 'utf8'))?.[1]);

test('what is written when many are invited at once does not grow with their square', () =>
  withAuthority(async ({ fleet, users, stateDirectory }) => {
    const tokens = (): string => readFileSync(fleetPath(stateDirectory, 'tokens'), 'utf8');
    const before = writtenBytes();
    await Promise.all(Array.from({ length: 100 }, (_, index) => fleet.invite(`new${index}`, undefined)));
    // Who comes first is written at once, and all others together.
    expect(writtenBytes() - before).toBeLessThan(2 * (users().length + tokens().length));
    expect(JSON.parse(tokens())).toHaveLength(100);
  }));

test('a token is on the disk before anybody has it, and one that is withdrawn is not', () =>
  withAuthority(async ({ fleet, bus, stateDirectory }) => {
    const tokens = (): string => readFileSync(fleetPath(stateDirectory, 'tokens'), 'utf8');
    await fleet.invite('first', undefined);
    for (const name of ['second', 'third']) {
      await fleet.invite(name, undefined);
      expect(tokens()).toContain(`"${name}"`);
    }
    const { secret } = readToken((await fleet.invite('fourth', undefined)).token);
    const key = createUser().getPublicKey();
    const guest = bus.connect('fourth', { onFault: () => undefined });
    const answer = await guest.ask('cordon.join.fourth', JSON.stringify({ secret, key }), 60_000);
    expect(JSON.parse(Buffer.from(answer).toString())).toMatchObject({ name: 'fourth' });
    expect(tokens()).toContain('"usedAt"');
    await fleet.remove('fourth', 'somebody', 'out of service');
    expect(tokens()).not.toContain('"fourth"');
  }));

test('while resolvers come all the time the engine reads who may connect once a second, and at once for who comes alone', () =>
  withAuthority(async ({ fleet, users }) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const invite = (name: string) => fleet.invite(name, undefined);
      const isIn = (name: string): boolean => users().includes(`cordon.join.${name}"`);
      const alone = invite('alone');
      // It is written, and the engine has not said yet that it has read it.
      while (!isIn('alone')) await Promise.resolve();
      const [second, third] = [invite('second'), invite('third')];
      await alone;
      expect(['alone', 'second', 'third'].map(isIn)).toEqual([true, false, false]);
      await vi.advanceTimersByTimeAsync(999);
      const last = invite('last');
      expect(isIn('second')).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      await Promise.all([second, third, last]);
      expect(['second', 'third', 'last'].map(isIn)).toEqual([true, true, true]);
      await invite('later');
      expect(isIn('later')).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  }));

test('who asks again with the key that was taken in gets the answer that was lost, and nobody else does', () =>
  withAuthority(async ({ fleet, bus, notes, stateDirectory }) => {
    const { token } = await fleet.invite('new', undefined);
    const { secret } = readToken(token);
    const guest = bus.connect('new', { onFault: () => undefined });
    const ask = async (key: string): Promise<string> =>
      Buffer.from(await guest.ask('cordon.join.new', JSON.stringify({ secret, key }), 60_000)).toString();
    const key = createUser().getPublicKey();
    const [first, second] = [await ask(key), await ask(key)];
    const fieldsOf = (text: string): unknown => ({ ...(JSON.parse(text) as object), counting: undefined });
    expect(fieldsOf(first)).toMatchObject({ name: 'new', enrolment: 1, entry: expect.stringContaining(key) });
    expect(fieldsOf(second)).toEqual(fieldsOf(first));
    const database = new DatabaseSync(fleetPath(stateDirectory, 'policy'), { readOnly: true });
    const entries = database.prepare('SELECT entry FROM entries').all();
    database.close();
    expect(entries.filter(({ entry }) => String(entry).includes(key))).toHaveLength(1);
    expect(await ask(createUser().getPublicKey())).toContain('the token is used');
    await fleet.remove('new', 'u:1', 'out of service');
    expect(await ask(key)).toContain('refused');
    expect(notes.filter(({ event }) => event === 'token-refused')).toHaveLength(2);
  }));

test('who asks again while the first request is under way waits for it, and no more than eight wait', () =>
  withAuthority(async ({ fleet, bus, notes }) => {
    const { token } = await fleet.invite('new', undefined);
    const { secret } = readToken(token);
    const guest = bus.connect('new', { onFault: () => undefined });
    const request = JSON.stringify({ secret, key: createUser().getPublicKey() });
    const asked = Array.from({ length: 10 }, () => guest.ask('cordon.join.new', request, 60_000));
    const answers = (await Promise.all(asked)).map((bytes) => Buffer.from(bytes).toString());
    expect(answers.slice(0, 8).filter((answer) => answer.includes('"enrolment":1'))).toHaveLength(8);
    expect(answers.slice(8).filter((answer) => answer.includes('under way'))).toHaveLength(2);
    expect(notes.filter(({ event }) => event === 'token-refused')).toEqual([]);
  }));

test('a removal names the server of the engine that stands beside the resolver', () =>
  withAuthority(async ({ fleet, stateDirectory }) => {
    const path = join(fleetPath(stateDirectory, 'engine'), 'engine.json');
    const settings = JSON.parse(readFileSync(path, 'utf8')) as { servers: string[] };
    const servers = [...settings.servers, '192.0.2.2:4222'];
    writeFileSync(path, JSON.stringify({ ...settings, servers, hosts: ['ns1'] }));
    expect(await fleet.remove('ns1', 'u:1', 'stolen')).toMatchObject({ server: '192.0.2.2:4222' });
    expect(await fleet.remove('ns2', 'u:1', 'out of service')).toMatchObject({ server: null });
  }));

test('whoever tries what is no secret of a token ten times ends the token, and is recorded no more often', () =>
  withAuthority(async ({ fleet, bus, notes, users }) => {
    await fleet.invite('new', undefined);
    const guest = bus.connect('new', { onFault: () => undefined });
    const key = createUser().getPublicKey();
    const answers: string[] = [];
    for (let tries = 0; tries < 10; tries++) {
      expect(users()).toContain('cordon.join.new"');
      const request = JSON.stringify({ secret: `guess ${tries}`, key });
      answers.push(Buffer.from(await guest.ask('cordon.join.new', request, 10_000)).toString());
    }
    expect(answers.at(-1)).toContain('it is withdrawn');
    expect(users()).not.toContain('cordon.join.new"');
    expect(notes.filter(({ event }) => event === 'token-refused')).toHaveLength(10);
  }));
