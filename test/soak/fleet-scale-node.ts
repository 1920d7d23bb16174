// A simulated node of fleet-scale.ts: the node's own policy (connection, checks, log on disk) without the resolver around it.
//
// As a worker it is a few nodes with a thread of their own, and each checks every signature itself, as a machine of the field does:
// when these have a decision is what the others, which are hundreds on one thread and wait for each other, cannot tell.
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { FleetActs } from '../../src/fleet/acts.ts';
import type { Checkpoint } from '../../src/fleet/checkpoint.ts';
import { entryHash, type PolicyEntry } from '../../src/fleet/entry.ts';
import { readIdentity } from '../../src/fleet/identity.ts';
import { toSeedKey } from '../../src/fleet/key.ts';
import { ListFetcher } from '../../src/fleet/list-fetcher.ts';
import { Member } from '../../src/fleet/member.ts';
import { Membership } from '../../src/fleet/membership.ts';
import { connectNats } from '../../src/fleet/nats-bus.ts';
import { PolicyLog } from '../../src/fleet/policy-log.ts';
import { LastSequences, Sequence, stampMessage } from '../../src/fleet/signed-message.ts';

/** Where simulated nodes are. */
export interface SimulatedFleet {
  readonly servers: readonly string[];
  readonly caPath: string | undefined;
  readonly trust: readonly string[];
  /** Of the fleet: each node has its own in it, where it joined. */
  readonly directory: string;
}

/** What a worker is given, and what it tells: that it began, and what was put in force when, by the clock of all threads. */
export interface AloneOptions extends SimulatedFleet {
  readonly names: readonly string[];
}
/** See AloneOptions. */
export type AloneMessage = 'begun' | { readonly step: string; readonly atMs: number };

/** Milliseconds, the same in all threads. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const checked = new Map<string, boolean>();
const once = (text: string, check: () => boolean): boolean => {
  const known = checked.get(text);
  if (known !== undefined) return known;
  const is = check();
  checked.set(text, is);
  return is;
};

/** What one simulated node has checked is not checked again by the others: each has a machine of its own otherwise. */
class SharedRoll extends Membership {
  override isTrusted(entry: PolicyEntry): boolean {
    return once(`${entryHash(entry)} ${entry.signature}`, () => super.isTrusted(entry));
  }

  override isTrustedCheckpoint(checkpoint: Checkpoint): boolean {
    return once(JSON.stringify(checkpoint), () => super.isTrustedCheckpoint(checkpoint));
  }
}

/** A node that has joined. `isAlone`: it shares no work with others. */
export const createNode = (
  { servers, caPath, trust, directory }: SimulatedFleet,
  name: string,
  onStep: (step: string) => void,
  isAlone = false,
): Member => {
  const stateDirectory = join(directory, name);
  const { identity, seed } = readIdentity(stateDirectory);
  const { log } = PolicyLog.open(join(stateDirectory, 'policy.sqlite'), Date.now());
  const acts: FleetActs = {
    exemption: ({ id, event }) => {
      onStep(`${id} ${event}`);
      return Promise.resolve({ isApplied: true, subject: id });
    },
    list: () => Promise.resolve({ isApplied: true }),
    overlays: () => Promise.resolve({ isApplied: true }),
    pause: () => Promise.resolve({ isApplied: true }),
    pauseMsMax: () => 0,
    suspend: () => Promise.resolve(),
    decides: () => Promise.resolve(),
    note: () => undefined,
    damaged: () => undefined,
    contents: () => ({ lists: new Map(), overlays: [], exemptions: [] }),
    facts: () => ({ version: '0', generation: 1, state: 'simulated', records: { queries: 0, changes: 0 } }),
    ...{ log: quiet, clock: Date.now, monotonic: () => performance.now() },
  };
  const sequence = new Sequence(join(stateDirectory, 'sequence'), acts.clock);
  const key = toSeedKey(seed);
  return new Member({
    ...{ identity, log, acts, role: 'node', connect: connectNats },
    access: { servers, caPath, name, seed: () => seed },
    membership: isAlone ? new Membership(trust) : new SharedRoll(trust),
    lists: new ListFetcher(stateDirectory, acts),
    sequences: new LastSequences(join(stateDirectory, 'heard.json'), acts.monotonic),
    stamp: (subject, text) => stampMessage(subject, text, sequence.next(), key),
    ...{ checkpointMs: 60_000, suspendAfterMs: 86_400_000, onAlarm: () => undefined, onUp: () => undefined },
    confirmed: () => ({ queries: 0, changes: 0 }),
  });
};

const port = parentPort;
if (port !== null) {
  const { names, ...fleet } = workerData as AloneOptions;
  const say = (message: AloneMessage): void => port.postMessage(message);
  const nodes = names.map((name) => createNode(fleet, name, (step) => say({ step, atMs: nowMs() }), true));
  await Promise.all(nodes.map((node) => node.start()));
  await Promise.all(nodes.map((node) => node.caughtUp));
  say('begun');
  port.once('message', () => {
    Promise.all(nodes.map((node) => node.close())).then(
      () => port.close(),
      () => process.exit(1),
    );
  });
}
