// An authority in the process of the test, on a message bus in memory, and what it reads and writes.
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FleetActs, FleetNote } from '../../src/fleet/acts.ts';
import { fleetPath } from '../../src/fleet/identity.ts';
import { Fleet } from '../../src/fleet/run.ts';
import { FleetTemplate } from './fleet-schedules.ts';
import { MemoryBus } from './memory-bus.ts';

/** What a test has of it. */
export interface LoneAuthority {
  readonly fleet: Fleet;
  readonly bus: MemoryBus;
  readonly notes: FleetNote[];
  readonly stateDirectory: string;
  readonly template: FleetTemplate;
  users(): string;
  /** The engine was away for a moment. */
  reconnect(): void;
}

/** Starts it, and ends it behind `act`. */
export const withAuthority = async (act: (scene: LoneAuthority) => Promise<void>): Promise<void> => {
  const notes: FleetNote[] = [];
  let passedMs = 0;
  const template = new FleetTemplate();
  const stateDirectory = join(template.directory, 'authority');
  cpSync(join(template.directory, 'template', 'authority'), stateDirectory, { recursive: true });
  const bus = new MemoryBus();
  let reconnect: () => void = () => undefined;
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const acts = {
    ...{
      note: (note: FleetNote) => void notes.push(note),
      decides: () => Promise.resolve(),
      log: quiet,
      clock: () => Date.parse('2026-11-26T08:00:00Z'),
      // It has waited long enough for what the nodes know.
      monotonic: () => {
        passedMs += 60_000;
        return passedMs;
      },
    },
    contents: () => undefined,
    facts: () => ({ version: '1', generation: 1, state: '', records: { queries: 0, changes: 0 } }),
  } as unknown as FleetActs;
  const fleet = await Fleet.start({
    ...{ stateDirectory, role: 'authority', servers: [], caPath: undefined, trust: template.trust },
    ...{ site: undefined, checkpointMs: 60_000, suspendAfterMs: Number.POSITIVE_INFINITY, acts },
    ...{ recordsDirectory: undefined, confirmed: new SharedArrayBuffer(64), register: () => undefined },
    probe: () => Promise.reject(new RangeError('no probe')),
    connect: (_, events) => {
      reconnect = events.onUp;
      return Promise.resolve(bus.connect('authority', events));
    },
  });
  const users = (): string => readFileSync(join(fleetPath(stateDirectory, 'engine'), 'users.conf'), 'utf8');
  try {
    await act({ fleet, bus, notes, users, stateDirectory, template, reconnect: () => reconnect() });
  } finally {
    await fleet.stop();
    template.close();
  }
};
