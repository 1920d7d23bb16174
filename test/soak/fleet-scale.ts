// What a fleet costs as it grows: simulated nodes without DNS, with one authority and one engine, on loopback.
//
//   npm run fleet -- scale [NODES...]    10 40 120 unless told
//
// Nodes ask to be taken in sixteen at a time, as a rollout does, and only then begin: each reads the log of all. Printed for each
// size: seconds until all are in, seconds until all have all of policy, milliseconds from a decision to its last node, memory of
// authority and engine, and what the presences are of the network.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FleetActs } from '../../src/fleet/acts.ts';
import { joinFleet } from '../../src/fleet/fleet.ts';
import { readIdentity } from '../../src/fleet/identity.ts';
import { toSeedKey } from '../../src/fleet/key.ts';
import { ListFetcher } from '../../src/fleet/list-fetcher.ts';
import { Member } from '../../src/fleet/member.ts';
import { connectNats } from '../../src/fleet/nats-bus.ts';
import { PolicyLog } from '../../src/fleet/policy-log.ts';
import { formatPresence, PRESENCE_MS } from '../../src/fleet/presence.ts';
import { Roll } from '../../src/fleet/roll.ts';
import { HeardSequences, Sequence, stampMessage } from '../../src/fleet/signed-message.ts';
import { TestFleet } from '../support/fleet.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

/** Resolvers that are taken in at a time. */
const AT_A_TIME = 16;
/** Decisions for each size. */
const DECISIONS = 20;
/** Header lines of a presence: number and signature. */
const HEADER_BYTES = 200;
const TRIES_MAX = 20;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Megabytes that a process has in memory. */
const memoryOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

const eachAtATime = async (names: readonly string[], act: (name: string) => Promise<void>): Promise<void> => {
  const left = [...names];
  const work = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) await act(name);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
};

const createNode = (fleet: TestFleet, name: string, onStep: (id: string) => void): Member => {
  const stateDirectory = join(fleet.directory, name);
  const { identity, seed } = readIdentity(stateDirectory);
  const { log } = PolicyLog.open(join(stateDirectory, 'policy.sqlite'), Date.now());
  const acts: FleetActs = {
    exemption: ({ id, event }) => {
      onStep(`${id} ${event}`);
      return Promise.resolve({ isApplied: true, subject: id });
    },
    list: () => Promise.resolve({ isApplied: true }),
    overlays: () => Promise.resolve({ isApplied: true }),
    suspend: () => Promise.resolve(),
    decides: () => Promise.resolve(),
    note: () => undefined,
    damaged: () => undefined,
    contents: () => ({ lists: new Map(), overlays: [], exemptions: [] }),
    facts: () => ({ version: '0', generation: 1, state: 'simulated', records: { queries: 0, changes: 0 } }),
    ...{ log: quiet, clock: Date.now, monotonic: () => performance.now() },
  };
  const sequence = new Sequence(join(stateDirectory, 'sequence'), acts.clock);
  return new Member({
    ...{ identity, log, acts, role: 'node', connect: connectNats },
    access: { servers: fleet.made.servers, caPath: undefined, name, seed: () => seed },
    roll: new Roll(fleet.made.trust),
    lists: new ListFetcher(stateDirectory, acts),
    heard: new HeardSequences(join(stateDirectory, 'heard.json'), acts.monotonic),
    stamp: (subject, text) => stampMessage(subject, text, sequence.next(), toSeedKey(seed)),
    ...{ tideMs: 60_000, suspendAfterMs: 86_400_000, onAlarm: () => undefined, onUp: () => undefined },
    confirmed: () => ({ queries: 0, changes: 0 }),
  });
};

const measure = async (count: number): Promise<void> => {
  const upstream = await ScriptedUpstream.open();
  const fleet = await TestFleet.start(upstream.endpoint.port);
  const { servers } = fleet.made;
  const names = Array.from({ length: count }, (_, index) => `sim${index}`);
  let retries = 0;
  const beganMs = performance.now();
  await eachAtATime(names, async (name) => {
    const stateDirectory = join(fleet.directory, name);
    mkdirSync(stateDirectory);
    const token = await fleet.invite(name);
    for (let tries = 1; ; tries++) {
      try {
        await joinFleet({ servers, caPath: undefined, token, stateDirectory });
        return;
      } catch (thrown) {
        // An authority that has just begun does not listen yet.
        if (tries === TRIES_MAX) throw thrown;
        retries++;
        await sleep(200);
      }
    }
  });
  const enrolledMs = performance.now();
  const heard = new Map<string, number>();
  const nodes = names.map((name) =>
    createNode(fleet, name, (step) => heard.set(step, (heard.get(step) ?? 0) + 1)),
  );
  await Promise.all(nodes.map((node) => node.start()));
  const { policy } = await fleet.ask<{ policy: { number: number } }>('authority', 'GET', '/v1/fleet');
  while (nodes.some((node) => node.policy.end.number < policy.number)) await sleep(20);
  const readMs = performance.now();
  const times: number[] = [];
  for (let round = 0; round < DECISIONS; round++) {
    const { id } = await fleet.request({ clients: [`127.1.0.${round + 1}`] });
    const startMs = performance.now();
    await fleet.ask('authority', 'POST', `/v1/exemptions/${id}/approve`, { role: 'agency-head' });
    while ((heard.get(`${id} approved`) ?? 0) < count) await sleep(2);
    times.push(performance.now() - startMs);
  }
  times.sort((a, b) => a - b);
  const bytes = nodes.reduce((sum, node) => sum + formatPresence(node.presence()).length + HEADER_BYTES, 0);
  const { pid: authority } = fleet.programOf('authority');
  const shown = [
    `${count} nodes: all in after ${((enrolledMs - beganMs) / 1000).toFixed(1)} s (asked again ${retries} times)`,
    `all of policy after ${((readMs - enrolledMs) / 1000).toFixed(1)} s`,
    `decision to the last node p50 ${times[DECISIONS / 2]?.toFixed(0)} ms, most ${times.at(-1)?.toFixed(0)} ms`,
    `authority ${memoryOf(authority).toFixed(0)} MB, engine ${memoryOf(fleet.engine.pid).toFixed(0)} MB`,
    `presences ${((bytes * 8 * 1000) / PRESENCE_MS / 1e6).toFixed(3)} Mbit/s`,
  ];
  process.stdout.write(`${shown.join('; ')}\n`);
  await Promise.all(nodes.map((node) => node.close()));
  await fleet.close();
  await upstream.close();
};

/** One size after the other. */
export const measureScale = async (sizes: readonly number[]): Promise<void> => {
  for (const size of sizes.length === 0 ? [10, 40, 120] : sizes) await measure(size);
};
