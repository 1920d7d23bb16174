// What is under way when a resolver or a collector ends touches nothing that was closed: no log of policy, no directory of records
// whose lock is free again.
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FleetActs } from '../../../src/fleet/acts.ts';
import type { ConnectBus } from '../../../src/fleet/bus.ts';
import { signCheckpoint } from '../../../src/fleet/checkpoint.ts';
import { startCollector } from '../../../src/fleet/collect.ts';
import { entryHash, formatEntry, NO_END, signEntry } from '../../../src/fleet/entry.ts';
import { fleetPath } from '../../../src/fleet/identity.ts';
import { createKeyFile, formatPublicKey, readKeyFile } from '../../../src/fleet/key.ts';
import { POLICY_NAME } from '../../../src/fleet/members.ts';
import { Fleet } from '../../../src/fleet/run.ts';
import { stampMessage } from '../../../src/fleet/signed-message.ts';
import { CHECKPOINT_SUBJECT, policySubject, presenceSubject } from '../../../src/fleet/subjects.ts';
import { FleetTemplate } from '../../support/fleet-schedules.ts';
import { type Flight, MemoryBus } from '../../support/memory-bus.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const START_MS = Date.parse('2026-11-26T08:00:00Z');

let template: FleetTemplate;
let time: VirtualTime;
let bus: MemoryBus;
/** Answers and questions that nobody carries. */
let underWay: Flight[];
let errors: string[];

beforeEach(() => {
  template = new FleetTemplate();
  time = new VirtualTime(START_MS);
  time.install();
  bus = new MemoryBus();
  bus.makeStreams();
  underWay = [];
  errors = [];
});

afterEach(() => {
  time.uninstall();
  template.close();
});

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

const log = {
  ...{ info: () => undefined, warn: () => undefined },
  error: (fields: object, text: string) =>
    void errors.push(`${text} ${String((fields as { err?: unknown }).err)}`),
};

const directoryOf = (name: string): string => {
  const directory = join(template.directory, name);
  cpSync(join(template.directory, 'template', name), directory, { recursive: true });
  return directory;
};

const connectAs =
  (name: string): ConnectBus =>
  (_, events) => {
    const user = bus.connect(name, events);
    events.onUp();
    return Promise.resolve(user);
  };

const startFleet = (name: string, role: 'authority' | 'node'): Promise<Fleet> => {
  const acts = {
    ...{ note: () => undefined, log, clock: time.clock, monotonic: time.monotonic },
    ...{ contents: () => undefined, decides: () => Promise.resolve() },
    facts: () => ({ version: '1', generation: 1, state: '', records: { queries: 0, changes: 0 } }),
  } as unknown as FleetActs;
  return Fleet.start({
    ...{ stateDirectory: directoryOf(name), role, servers: [], caPath: undefined, trust: template.trust },
    ...{ site: undefined, checkpointMs: 60_000, suspendAfterMs: Number.POSITIVE_INFINITY, acts },
    ...{ recordsDirectory: undefined, confirmed: new SharedArrayBuffer(64), register: () => undefined },
    probe: () => Promise.reject(new RangeError('no probe')),
    connect: connectAs(name),
  });
};

/** All that is asked and said from here on waits until it is lost; a message that is live comes at once. */
const holdAnswers = (): void => {
  bus.carry = (flight) => (flight.isRepeatable ? flight.go() : void underWay.push(flight));
};

/** Everything that waits is lost, for longer than anybody waits for an answer: one timer after the other. */
const loseAll = async (): Promise<void> => {
  for (let look = 0; look < 200; look++) {
    for (const flight of underWay.splice(0)) flight.lose();
    time.advance(1_000);
    await settle();
  }
};

test('a checkpoint that waits for entries when a node ends asks nothing of its log any more', async () => {
  const fleet = await startFleet('ns1', 'node');
  await settle();
  holdAnswers();
  const authority = readKeyFile(fleetPath(join(template.directory, 'template', 'authority'), 'authorityKey'));
  const next = createKeyFile(join(template.directory, 'next.pem'));
  const at = { time: new Date(START_MS).toISOString(), kind: 'authority-key', must: true };
  const entry = signEntry(
    NO_END,
    { ...at, body: JSON.stringify({ add: formatPublicKey(next.publicKey) }) },
    authority,
  );
  const end = { number: 1, hash: entryHash(entry) };
  const text = JSON.stringify(signCheckpoint(end, at.time, next));
  const stamp = stampMessage(CHECKPOINT_SUBJECT, text, 1, next);
  // Signed by a key of which the entry is on its way: it is asked for, and comes by itself.
  bus.publish(CHECKPOINT_SUBJECT, Buffer.from(text), { stamp });
  await settle();
  bus.publish(policySubject(1), Buffer.from(formatEntry(entry)));
  await settle();
  expect([fleet.status().policy, underWay.length > 0]).toEqual([end, true]);
  await fleet.stop();
  await loseAll();
  expect(errors).toEqual([]);
});

test('a presence that waits for an entry when a collector ends writes nothing where another one may be', async () => {
  const directory = join(template.directory, 'collected');
  mkdirSync(directory);
  const authority = join(template.directory, 'template', 'authority');
  cpSync(fleetPath(authority, 'policy'), join(directory, POLICY_NAME));
  const collector = await startCollector({
    ...{ directory, database: undefined, servers: [], caPath: undefined, trust: template.trust },
    ...{ seedPath: fleetPath(authority, 'collectorSeed'), checkpointMs: 60_000, log },
    ...{ connect: connectAs('collector'), clock: time.clock, monotonic: time.monotonic },
  });
  await loseAll();
  holdAnswers();
  const said = {
    ...{ name: 'ns1', role: 'node', enrolment: 1, time: new Date(START_MS).toISOString(), version: '1' },
    ...{ generation: 1, state: '', policy: NO_END, isSuspended: false, isForked: false, refused: [] },
    ...{ lists: {}, records: { queries: 0, changes: 0 }, confirmed: { queries: 0, changes: 0 } },
  };
  const text = JSON.stringify(said);
  const other = createKeyFile(join(template.directory, 'other.pem'));
  const stamp = stampMessage(presenceSubject('ns1'), text, 1, other);
  bus.publish(presenceSubject('ns1'), Buffer.from(text), { stamp });
  await settle();
  expect(underWay.length).toBe(1);
  await collector.stop();
  const left = readdirSync(directory).sort();
  errors = [];
  await loseAll();
  expect([readdirSync(directory).sort(), errors]).toEqual([left, []]);
});

test('an authority that has ended decides nothing, and says that', async () => {
  const fleet = await startFleet('authority', 'authority');
  await loseAll();
  fleet.requireDecisions(true);
  const number = fleet.facts().policyNumber;
  await fleet.stop();
  await expect(fleet.overlay({ for: 'all', yaml: '', by: 'x' })).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_FLEET_HOLD' }),
  );
  expect([fleet.facts().policyNumber, errors]).toEqual([number, []]);
});
