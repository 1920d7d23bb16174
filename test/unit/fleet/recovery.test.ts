// For whom an authority waits before it decides: whoever may have heard of a decision that it lacks.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FleetActs } from '../../../src/fleet/acts.ts';
import type { MessageBus } from '../../../src/fleet/bus.ts';
import { entryHash, type LogEnd, NO_END, signEntry } from '../../../src/fleet/entry.ts';
import { createKeyFile, formatPublicKey } from '../../../src/fleet/key.ts';
import { Membership } from '../../../src/fleet/membership.ts';
import type { Policy } from '../../../src/fleet/policy.ts';
import type { Presence } from '../../../src/fleet/presence.ts';
import type { LastContact } from '../../../src/fleet/presence-table.ts';
import { Recovery } from '../../../src/fleet/recovery.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = 10 * HOUR_MS;

/** An authority that waits for ns1, ns2 and ns3, of which the engine tells that they were heard so long ago. */
const wait = (heard: Readonly<Record<string, number>>) => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-recovery-'));
  const key = createKeyFile(join(directory, 'key.pem'));
  rmSync(directory, { recursive: true });
  const membership = new Membership([formatPublicKey(key.publicKey)]);
  let end: LogEnd = NO_END;
  for (const name of ['authority', 'ns1', 'ns2', 'ns3']) {
    const body = JSON.stringify({ name, key: `U${'A'.repeat(55)}`, enrolment: 1 });
    const entry = signEntry(end, { time: '2026-11-26T08:00:00.000Z', kind: 'node', must: true, body }, key);
    membership.take(entry);
    end = { number: entry.number, hash: entryHash(entry) };
  }
  let nowMs = NOW_MS;
  const contacts = new Map<string, LastContact>();
  const contact = (name: string, atMs: number): void =>
    void contacts.set(name, { presence: { name } as Presence, atMs, isSigned: true });
  for (const [name, agoMs] of Object.entries(heard)) contact(name, NOW_MS - agoMs);
  const recovery = new Recovery({
    ...{ name: 'authority', membership, contacts, policy: {} as Policy },
    acts: { monotonic: () => nowMs, log: { warn: () => undefined } } as unknown as FleetActs,
  });
  let isDone = false;
  const waited = recovery.awaitNodes({ tell: () => undefined } as unknown as MessageBus, 60_000).then(() => {
    isDone = true;
  });
  return {
    waited,
    /** They say where they stand; true when nobody is waited for any more. */
    hear: async (...names: string[]): Promise<boolean> => {
      nowMs += 1_000;
      for (const name of names) contact(name, nowMs);
      recovery.received();
      await new Promise((resolve) => setImmediate(resolve));
      return isDone;
    },
  };
};

test('who was heard within the hour is waited for, who was away for longer is not', async () => {
  const { hear, waited } = wait({ ns1: 60_000, ns2: 2 * HOUR_MS, ns3: 60_000 });
  expect(await hear('ns1')).toBe(false);
  expect(await hear('ns3')).toBe(true);
  await waited;
});

test('of whom the engine tells nothing is waited for, also where it has kept what others said', async () => {
  const { hear, waited } = wait({ ns1: 60_000 });
  expect(await hear('ns1')).toBe(false);
  expect(await hear('ns2')).toBe(false);
  expect(await hear('ns3')).toBe(true);
  await waited;
});
