// What the authority answers to who asks for policy: enough for anybody who comes, and no more than that for one key.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FleetActs, FleetNote } from '../../../src/fleet/acts.ts';
import type { FleetAlarm } from '../../../src/fleet/alarms.ts';
import { signEntry } from '../../../src/fleet/entry.ts';
import { EntryAnswers } from '../../../src/fleet/entry-answers.ts';
import { createKeyFile } from '../../../src/fleet/key.ts';
import { PolicyLog } from '../../../src/fleet/policy-log.ts';
import { entrySubject, nodeRights } from '../../../src/fleet/subjects.ts';

const PAGE_BYTES = 256 * 1_024;
const FIRST = Buffer.from('1+');

let directory: string;
let log: PolicyLog;
let nowMs: number;
let notes: FleetNote[];
let alarms: FleetAlarm[];
let answers: EntryAnswers;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-entries-'));
  const key = createKeyFile(join(directory, 'key.pem'));
  ({ log } = PolicyLog.open(join(directory, 'policy.sqlite'), 0));
  const time = '2026-11-26T08:00:00.000Z';
  const body = JSON.stringify({ for: 'all', yaml: 'x'.repeat(120_000), by: 'x' });
  for (let entry = 0; entry < 4; entry++)
    log.append(signEntry(log.end, { time, kind: 'overlay', must: false, body }, key));
  nowMs = 0;
  [notes, alarms] = [[], []];
  const acts = {
    note: (note: FleetNote) => notes.push(note),
    log: { error: () => undefined },
    monotonic: () => nowMs,
  } as unknown as FleetActs;
  answers = new EntryAnswers({ log, acts, onAlarm: (alarm) => alarms.push(alarm) });
});
afterEach(() => {
  log.close();
  rmSync(directory, { recursive: true });
});

/** Bytes that a resolver gets for so many questions. */
const ask = (name: string, times: number, what = FIRST): number => {
  let sum = 0;
  for (let time = 0; time < times; time++) sum += answers.answer(name, what).length;
  return sum;
};

test('one key gets no pages without end, is told of once, and costs nobody else anything', () => {
  expect(ask('ns1', 10_000)).toBeLessThan((16 << 20) + 2 * PAGE_BYTES);
  expect(alarms).toEqual(['asks-too-much']);
  expect(notes).toMatchObject([{ event: 'refused', code: 'ERR_FLEET_ASKED', subject: 'ns1' }]);
  expect(ask('ns2', 1)).toBeGreaterThan(PAGE_BYTES / 2);
  nowMs += 60_000;
  expect(ask('ns1', 10_000)).toBeLessThan(60 * 512 * 1_024 + 2 * PAGE_BYTES);
  expect(alarms).toHaveLength(1);
  nowMs += 3_600_000;
  expect(ask('ns1', 10_000)).toBeGreaterThan(PAGE_BYTES);
  expect(alarms).toHaveLength(2);
});

test('single entries, and questions without an answer, count as well; names that come and go make no table grow', () => {
  expect(ask('ns1', 10_000, Buffer.from('3'))).toBeLessThan((16 << 20) + PAGE_BYTES);
  expect(ask('ns2', 100_000, Buffer.from('x'))).toBe(0);
  expect(ask('ns2', 1)).toBe(0);
  expect(alarms).toEqual(['asks-too-much', 'asks-too-much']);
  for (let name = 0; name < 10_000; name++) answers.answer(`ns${name}`, Buffer.from('9'));
  // It was forgotten meanwhile.
  expect(ask('ns1', 1)).toBeGreaterThan(0);
});

test('a resolver asks under its own name only', () => {
  const { publish } = nodeRights('ns1');
  expect(publish).toContain(entrySubject('ns1'));
  expect(publish.filter((subject) => /^cordon\.entry\..*[*>]/.test(subject))).toEqual([]);
});
