// A copy of the state directory while its databases are written to without a pause, after a power cut, and of damaged ones.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
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
