// A copy of the state directory while its databases are written to without a pause, after a power cut, and of damaged ones.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { copyState } from '../../../src/commands/state-copy.ts';
import { signEntry } from '../../../src/fleet/entry.ts';
import { createKeyFile } from '../../../src/fleet/key.ts';
import { PolicyLog } from '../../../src/fleet/policy-log.ts';
import { RoomStore } from '../../../src/people/room/store.ts';
import { runCommandHere } from '../../support/command.ts';

let directory: string;
let from: string;
let to: string;
let timer: NodeJS.Timeout;
let writes: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-state-copy-'));
  [from, to] = [join(directory, 'from'), join(directory, 'to')];
  mkdirSync(from);
  mkdirSync(to);
  writes = 0;
});
afterEach(() => {
  clearInterval(timer);
  rmSync(directory, { recursive: true });
});

/** Goes on for as long as the test does. */
const withoutPause = (write: () => void): void => {
  timer = setInterval(() => {
    write();
    writes++;
  }, 1);
};
const clear = (): void => {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to);
};

test('what the control room keeps is copied by the service that has it open', async () => {
  const store = RoomStore.open(join(from, 'room.db'));
  withoutPause(() => store.earliest(`time ${writes}`, writes + 1));
  await vi.waitUntil(() => writes > 0);
  await store.copyTo(join(from, 'room.copy.sqlite'));
  await copyState({ from, to, copied: new Map([['room.db', 'room.copy.sqlite']]) }, clear);
  store.close();
  clearInterval(timer);
  const copied = RoomStore.open(join(to, 'room.db'));
  expect(copied.earliest('time 0', 7)).toBe(1);
  copied.close();
});

test('the log of policy is copied as of one moment while the authority decides', async () => {
  const key = createKeyFile(join(directory, 'key.pem'));
  const path = join(from, 'policy.sqlite');
  const { log } = PolicyLog.open(path, 0);
  const decide = (): void => {
    const said = { time: '2026-11-26T08:00:00.000Z', kind: 'decision', must: false, body: '{}' };
    log.append(signEntry(log.end, said, key));
  };
  decide();
  withoutPause(decide);
  await copyState({ from, to, copied: new Map() }, clear);
  const { number } = log.end;
  clearInterval(timer);
  log.close();
  cpSync(to, join(directory, 'again'), { recursive: true });
  const { log: copied, damage } = PolicyLog.open(join(directory, 'again', 'policy.sqlite'), 0);
  expect(damage).toBeUndefined();
  expect(copied.end.number).toBeGreaterThan(0);
  expect(copied.end.number).toBeLessThanOrEqual(number);
  copied.close();
});

test.each([0, 16_384])('a backup of a room that is damaged from byte %d on says so', async (place) => {
  const store = RoomStore.open(join(from, 'room.db'));
  for (let count = 0; count < 20; count++) store.earliest(`${count}`.repeat(2_000), count);
  store.close();
  const command = (...args: readonly string[]) =>
    runCommandHere([...args, '--config', join(directory, 'cordon.yaml')]);
  writeFileSync(join(directory, 'cordon.yaml'), 'state: ./from\n');
  const [good, bad] = [join(directory, 'good.tar.gz'), join(directory, 'bad.tar.gz')];
  expect(await command('backup', good)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('verified'),
  });
  const bytes = readFileSync(join(from, 'room.db'));
  writeFileSync(join(from, 'room.db'), bytes.fill(1, place, place + 16_384));
  const said = { code: 1, stdout: expect.stringMatching(/NOT WHOLE:\n {2}room\.db: .+\n/) as string };
  expect(await command('backup', bad)).toMatchObject(said);
  expect(await command('restore', bad, '--check')).toMatchObject(said);
});

describe('a database whose writer ended amid a write', () => {
  const path = (): string => join(from, 'register.sqlite');
  const journal = (): string => `${path()}-journal`;

  beforeEach(() => {
    const written = join(directory, 'written.sqlite');
    const database = new DatabaseSync(written);
    database.exec('PRAGMA journal_mode = TRUNCATE; PRAGMA cache_size = 2; CREATE TABLE known (value)');
    database.exec("INSERT INTO known SELECT printf('%.1000c', 'a') FROM json_each('[1,2,3,4,5,6,7,8,9]')");
    database.exec("BEGIN IMMEDIATE; UPDATE known SET value = printf('%.1000c', 'b')");
    cpSync(written, path());
    cpSync(`${written}-journal`, journal());
    database.close();
    for (const file of [path(), journal()]) utimesSync(file, 0, 0);
  });

  test('is copied as it was before, and left as it is', async () => {
    const before = [readFileSync(path()), readFileSync(journal())];
    expect(before[0]?.includes('bbbb')).toBe(true);
    await copyState({ from, to, copied: new Map() }, clear);
    expect([readFileSync(path()), readFileSync(journal())]).toEqual(before);
    expect(readdirSync(to)).toEqual(['register.sqlite']);
    const copy = new DatabaseSync(join(to, 'register.sqlite'), { readOnly: true });
    const counts = copy.prepare('SELECT substr(value, 1, 1) AS one, count(*) AS many FROM known GROUP BY 1');
    expect(counts.all()).toEqual([{ one: 'a', many: 9 }]);
    copy.close();
  });

  test('and whose journal would not be undone is refused', async () => {
    // SQLite undoes it only while the file is there that it names: as it writes it, with length, sum and magic.
    const name = Buffer.from('/gone');
    const end = Buffer.alloc(8);
    end.writeUInt32BE(name.length, 0);
    end.writeUInt32BE(
      name.reduce((sum, byte) => sum + byte, 0),
      4,
    );
    const written = readFileSync(journal());
    writeFileSync(journal(), Buffer.concat([written, Buffer.alloc(4), name, end, written.subarray(0, 8)]));
    utimesSync(journal(), 0, 0);
    await expect(copyState({ from, to, copied: new Map() }, clear)).rejects.toMatchObject({
      code: 'ERR_CLI_BACKUP',
      message: expect.stringContaining('was not finished and cannot be undone') as string,
    });
  });
});
