// A resolver that had to stop at an entry puts nothing behind it in force, not by its look at what is in force either.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FleetActs } from '../../../src/fleet/acts.ts';
import { entryHash, type LogEnd, NO_END, type PolicyEntry, signEntry } from '../../../src/fleet/entry.ts';
import { createKeyFile, formatPublicKey, type SigningKey } from '../../../src/fleet/key.ts';
import type { ListFetcher } from '../../../src/fleet/list-fetcher.ts';
import { Member, type MemberOptions } from '../../../src/fleet/member.ts';
import { Membership } from '../../../src/fleet/membership.ts';
import { PolicyLog } from '../../../src/fleet/policy-log.ts';
import { LastSequences } from '../../../src/fleet/signed-message.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const NOW_MS = Date.parse('2026-12-01T08:00:00Z');
const LIST = { id: 'more', bytes: 1, pieces: 1, rules: 1 };

let directory: string;
let time: VirtualTime;
let key: SigningKey;
let end: LogEnd;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-member-'));
  time = new VirtualTime(NOW_MS);
  time.install();
  key = createKeyFile(join(directory, 'key.pem'));
  end = NO_END;
});
afterEach(() => {
  time.uninstall();
  rmSync(directory, { recursive: true });
});

const next = (kind: string, body: object, must = false): PolicyEntry => {
  const about = { time: new Date(NOW_MS).toISOString(), kind, must, body: JSON.stringify(body) };
  const entry = signEntry(end, about, key);
  end = { number: entry.number, hash: entryHash(entry) };
  return entry;
};

test('overlays and lists behind an entry at which this version stopped are not in force a second later', async () => {
  const { log } = PolicyLog.open(join(directory, 'policy.sqlite'), NOW_MS);
  let overlays: readonly string[] = [];
  const listed: string[] = [];
  const none = (): void => undefined;
  const acts = {
    ...{ log: { info: none, warn: none, error: none }, note: none },
    ...{ clock: time.clock, monotonic: time.monotonic },
    overlays: (yamls: readonly string[]) => {
      overlays = yamls;
      return Promise.resolve({ isApplied: true });
    },
    contents: () => ({ lists: new Map([['more', 'a'.repeat(64)]]), overlays, exemptions: [] }),
    facts: () => ({ version: '1', generation: 1, state: '', records: { queries: 0, changes: 0 } }),
    suspend: () => Promise.resolve(),
  } as unknown as FleetActs;
  const lists = {
    ...{ onDone: none, onRefused: none, look: none, isWanted: () => false, late: [] },
    want: (_: PolicyEntry, { sha256 }: { sha256: string }) => void listed.push(sha256),
  } as unknown as ListFetcher;
  const member = new Member({
    ...{ identity: { name: 'ns2', enrolment: 1 }, role: 'node', access: {}, log, acts, lists },
    connect: () => new Promise(() => undefined),
    membership: new Membership([formatPublicKey(key.publicKey)]),
    stamp: () => undefined,
    sequences: new LastSequences(join(directory, 'heard.json'), time.monotonic),
    ...{ checkpointMs: 60_000, suspendAfterMs: Number.POSITIVE_INFINITY, onAlarm: none, onUp: none },
    confirmed: () => ({ queries: 0, changes: 0 }),
  } as unknown as MemberOptions);
  for (const entry of [
    next('overlay', { for: 'all', yaml: 'one: 1', by: 'u:1' }),
    next('of-a-later-version', {}, true),
    next('overlay', { for: 'all', yaml: 'two: 2', by: 'u:1' }),
    next('list', { ...LIST, sha256: 'b'.repeat(64) }),
  ])
    member.policy.take(entry);
  await member.policy.settled();
  const seen = (): unknown[] => [member.policy.stopped?.number, overlays, listed, log.at(4)?.outcome];
  expect(seen()).toEqual([2, ['one: 1'], [], 'waiting']);
  /** Two looks at what is in force. */
  const pass = async (): Promise<void> => {
    for (let looks = 0; looks < 20; looks++) time.advance(1_000);
    await member.policy.settled();
  };
  await member.start();
  await pass();
  expect(seen()).toEqual([2, ['one: 1'], [], 'waiting']);
  // What somebody put in the place of what is in force does not stay.
  overlays = ['three: 3'];
  await pass();
  expect(seen()).toEqual([2, ['one: 1'], [], 'waiting']);
  await member.close();
});
