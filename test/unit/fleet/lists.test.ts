// The contents of lists between an authority and a node: what is refused or missing is tried again, and is told while it is not in force.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Done, FleetActs } from '../../../src/fleet/acts.ts';
import { type PolicyEntry, signEntry } from '../../../src/fleet/entry.ts';
import { createKeyFile, type SigningKey } from '../../../src/fleet/key.ts';
import { ListFetcher, readWantedList, sha256Of } from '../../../src/fleet/list-fetcher.ts';
import { ListPublication } from '../../../src/fleet/list-publication.ts';
import { PolicyLog } from '../../../src/fleet/policy-log.ts';
import { SignedContents } from '../../../src/fleet/signed-contents.ts';
import { ENTRY_SUBJECT, STREAM } from '../../../src/fleet/subjects.ts';
import { Intruder, MemoryBus } from '../../support/memory-bus.ts';

const CONTENT = Buffer.from('one.test\ntwo.test\n');
const REFUSED: Done = { isApplied: false, code: 'ERR_LIST_GUARD', reason: 'it blocks a guard name' };

let directory: string;
let key: SigningKey;
let log: PolicyLog;
let bus: MemoryBus;
let nowMs: number;
let outcome: Done;
let told: string[];
let fetcher: ListFetcher;
let inForce: Map<string, string>;
/** Somebody has to review a content first. */
let isHeld: boolean;
let publication: ListPublication;

const onFault = (doing: string, thrown: unknown): never => {
  throw new Error(doing, { cause: thrown });
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-fleet-lists-'));
  key = createKeyFile(join(directory, 'key.pem'));
  ({ log } = PolicyLog.open(join(directory, 'policy.sqlite'), 0));
  bus = new MemoryBus();
  bus.makeStreams();
  nowMs = 0;
  outcome = { isApplied: true };
  [told, inForce, isHeld] = [[], new Map(), false];
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const acts = {
    ...{ log: quiet, monotonic: () => nowMs },
    list: ({ id, sha256 }: { id: string; sha256: string }) => {
      if (outcome.isApplied && !isHeld) inForce.set(id, sha256);
      return Promise.resolve(outcome);
    },
    contents: () => ({ lists: inForce, overlays: [], exemptions: [] }),
  } as unknown as FleetActs;
  const time = '2026-11-26T08:00:00.000Z';
  const signed = new SignedContents();
  publication = new ListPublication({
    ...{ directory: join(directory, 'given'), signed, acts },
    add: (list) => {
      const entry = signEntry(log.end, { time, kind: 'list', must: false, body: JSON.stringify(list) }, key);
      log.append(entry);
      signed.take(entry);
      return Promise.resolve();
    },
  });
  const authority = bus.connect('authority', { onFault });
  publication.engine = authority;
  authority.serve(ENTRY_SUBJECT, (bytes) => {
    publication.wanted(readWantedList(bytes) ?? '');
    return Promise.resolve('');
  });
  fetcher = new ListFetcher(join(directory, 'lists'), acts);
  fetcher.engine = bus.connect('ns1', { onFault });
  fetcher.onDone = (entry) => void told.push(`done ${entry.number}`);
  fetcher.onRefused = (entry) => void told.push(`refused ${entry.number}`);
});
afterEach(() => {
  log.close();
  rmSync(directory, { recursive: true });
});

/** The node wants what was signed last. */
const want = (): void => {
  const entry = log.at(log.end.number)?.entry as PolicyEntry;
  fetcher.want(entry, JSON.parse(entry.body));
};

test('a list that is refused is told once, stays an issue, and is tried again with pauses', async () => {
  await publication.publish('extra', CONTENT, 2);
  outcome = REFUSED;
  want();
  await vi.waitUntil(() => told.length === 1);
  expect(fetcher.late).toEqual([]);
  nowMs += 60_001;
  expect(fetcher.late).toEqual(['extra']);
  outcome = { isApplied: true };
  nowMs += 120_000;
  await vi.waitUntil(() => {
    fetcher.look();
    return told.length === 2;
  });
  expect(told).toEqual(['refused 1', 'done 1']);
  expect(fetcher.late).toEqual([]);
});

test('a list that was read and is not in force counts as refused until it is', async () => {
  await publication.publish('extra', CONTENT, 2);
  isHeld = true;
  want();
  await vi.waitUntil(() => told.length === 1);
  expect(told).toEqual(['refused 1']);
  isHeld = false;
  await vi.waitUntil(() => {
    fetcher.tryAgain();
    return told.length === 2;
  });
  expect(told).toEqual(['refused 1', 'done 1']);
});

test.each([
  ['gone from', (intruder: Intruder) => intruder.purge(STREAM.LISTS)],
  [
    'replaced in',
    (intruder: Intruder) => {
      for (const subject of bus.streams.get(STREAM.LISTS)?.keys() ?? [])
        intruder.plant(subject, Buffer.from('other.test\n'));
    },
  ],
])('a content that is %s the engine is put back when a node asks for it', async (_, spoil) => {
  expect(await publication.publish('extra', CONTENT, 2)).toBe(true);
  expect(await publication.publish('extra', CONTENT, 2)).toBe(false);
  spoil(new Intruder(bus));
  want();
  await vi.waitUntil(() => {
    nowMs += 11_000;
    fetcher.look();
    return told.includes('done 1');
  });
  expect(inForce.get('extra')).toBe(sha256Of(CONTENT));
});

test('a question for a content that nobody gives reads nothing, however long the log is', async () => {
  for (let day = 0; day < 50; day++)
    await publication.publish(`list-${day % 5}`, Buffer.from(`${day}.test\n`), 1);
  expect(log.end.number).toBe(50);
  const parse = vi.spyOn(JSON, 'parse');
  for (let asked = 0; asked < 100; asked++) publication.wanted('f'.repeat(64));
  const parses = parse.mock.calls.length;
  parse.mockRestore();
  expect(parses).toBe(0);
});

test('requests for lists are told from those for entries', () => {
  expect(readWantedList(Buffer.from(`list ${'a'.repeat(64)}`))).toBe('a'.repeat(64));
  for (const text of ['', '12', `list ${'a'.repeat(63)}`, `list ${'g'.repeat(64)}`, `list ${'a'.repeat(65)}`])
    expect(readWantedList(Buffer.from(text))).toBeUndefined();
});
