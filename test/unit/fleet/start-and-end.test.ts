// What a start and an end of the program leave as it is: nothing is decided at the end by an authority that has not heard its nodes,
// no older content of a list comes back with a start, and what was decided meanwhile holds before all have been heard.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FleetActs } from '../../../src/fleet/acts.ts';
import { signEntry } from '../../../src/fleet/entry.ts';
import { fleetPath } from '../../../src/fleet/identity.ts';
import { readKeyFile } from '../../../src/fleet/key.ts';
import { sha256Of } from '../../../src/fleet/list-fetcher.ts';
import { PolicyLog } from '../../../src/fleet/policy-log.ts';
import { Fleet } from '../../../src/fleet/run.ts';
import { listSubject } from '../../../src/fleet/subjects.ts';
import { FleetTemplate } from '../../support/fleet-schedules.ts';
import { MemoryBus } from '../../support/memory-bus.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

test('what waits for the log of the nodes when the program ends is not decided', async () => {
  const template = new FleetTemplate();
  const time = new VirtualTime(Date.parse('2026-11-26T08:00:00Z'));
  time.install();
  try {
    const stateDirectory = join(template.directory, 'authority');
    cpSync(join(template.directory, 'template', 'authority'), stateDirectory, { recursive: true });
    const bus = new MemoryBus();
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const acts = {
      ...{ note: () => undefined, log: quiet, clock: time.clock, monotonic: time.monotonic },
      contents: () => undefined,
      facts: () => ({ version: '1', generation: 1, state: '', records: { queries: 0, changes: 0 } }),
    } as unknown as FleetActs;
    const fleet = await Fleet.start({
      ...{ stateDirectory, role: 'authority', servers: [], caPath: undefined, trust: template.trust },
      ...{ site: undefined, checkpointMs: 60_000, suspendAfterMs: Number.POSITIVE_INFINITY, acts },
      ...{ recordsDirectory: undefined, confirmed: new SharedArrayBuffer(64), register: () => undefined },
      probe: () => Promise.reject(new RangeError('no probe')),
      connect: (_, events) => {
        const user = bus.connect('authority', events);
        events.onUp();
        return Promise.resolve(user);
      },
    });
    const { number } = fleet.status().policy;
    const decided = fleet.overlay({ for: 'all', yaml: '', by: 'x' });
    const outcome = expect(decided).rejects.toThrow(/ERR_FLEET_HOLD|was not heard/);
    await new Promise((resolve) => setImmediate(resolve));
    await fleet.stop();
    await outcome;
    const { log } = PolicyLog.open(fleetPath(stateDirectory, 'policy'), 0);
    expect(log.end.number).toBe(number);
    log.close();
  } finally {
    time.uninstall();
    template.close();
  }
});

test('an older content of a list that never came into force does not come back with a start', async () => {
  const template = new FleetTemplate();
  const time = new VirtualTime(Date.parse('2026-11-26T08:00:00Z'));
  time.install();
  try {
    const [stateDirectory, authority] = ['ns1', 'authority'].map((name) =>
      join(template.directory, 'template', name),
    ) as [string, string];
    const key = readKeyFile(fleetPath(authority, 'authorityKey'));
    const { log: before } = PolicyLog.open(fleetPath(stateDirectory, 'policy'), 0);
    const given: string[] = [];
    const bus = new MemoryBus();
    bus.makeStreams();
    for (const text of ['one.test', 'two.test']) {
      const sha256 = sha256Of(Buffer.from(text));
      const body = JSON.stringify({ id: 'extra', sha256, bytes: text.length, pieces: 1, rules: 1 });
      const about = { time: '2026-11-26T07:00:00.000Z', kind: 'list', must: false, body };
      before.append(signEntry(before.end, about, key));
      bus.publish(listSubject(sha256, 0), Buffer.from(text));
    }
    before.conclude(2, 'applied');
    before.close();
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const acts = {
      ...{ note: () => undefined, log: quiet, clock: time.clock, monotonic: time.monotonic },
      list: ({ sha256 }: { sha256: string }) => {
        given.push(sha256);
        return Promise.resolve({ isApplied: true });
      },
      contents: () => undefined,
      facts: () => ({ version: '1', generation: 1, state: '', records: { queries: 0, changes: 0 } }),
    } as unknown as FleetActs;
    const fleet = await Fleet.start({
      ...{ stateDirectory, role: 'node', servers: [], caPath: undefined, trust: template.trust },
      ...{ site: undefined, checkpointMs: 60_000, suspendAfterMs: Number.POSITIVE_INFINITY, acts },
      ...{ recordsDirectory: undefined, confirmed: new SharedArrayBuffer(64), register: () => undefined },
      probe: () => Promise.reject(new RangeError('no probe')),
      connect: (_, events) => {
        const user = bus.connect('ns1', events);
        events.onUp();
        return Promise.resolve(user);
      },
    });
    for (let look = 0; look < 40; look++) {
      time.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await fleet.stop();
    expect(given).toEqual([]);
    const { log } = PolicyLog.open(fleetPath(stateDirectory, 'policy'), 0);
    expect([1, 2].map((number) => log.at(number)?.outcome)).toEqual(['kept', 'applied']);
    log.close();
  } finally {
    time.uninstall();
    template.close();
  }
});

test('an authority that comes back takes what was decided meanwhile before all have been heard', async () => {
  const template = new FleetTemplate();
  const time = new VirtualTime(Date.parse('2026-11-26T08:00:00Z'));
  time.install();
  try {
    const directoryOf = (name: string): string => join(template.directory, 'template', name);
    const key = readKeyFile(fleetPath(directoryOf('authority'), 'authorityKey'));
    // Of the four nodes one comes, and has what the engine has lost.
    cpSync(fleetPath(directoryOf('authority'), 'policy'), fleetPath(directoryOf('ns1'), 'policy'));
    const { log } = PolicyLog.open(fleetPath(directoryOf('ns1'), 'policy'), 0);
    const body = JSON.stringify({ name: 'ns4', by: 'x', reason: 'y' });
    const about = { time: '2026-11-26T07:00:00.000Z', kind: 'node-removed', must: true, body };
    log.append(signEntry(log.end, about, key));
    const { number } = log.end;
    log.close();
    const bus = new MemoryBus();
    bus.makeStreams();
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const acts = {
      ...{ note: () => undefined, log: quiet, clock: time.clock, monotonic: time.monotonic },
      contents: () => undefined,
      facts: () => ({ version: '1', generation: 1, state: '', records: { queries: 0, changes: 0 } }),
    } as unknown as FleetActs;
    const [authority, ns1] = await Promise.all(
      (['authority', 'ns1'] as const).map((name) =>
        Fleet.start({
          ...{ stateDirectory: directoryOf(name), role: name === 'authority' ? 'authority' : 'node', acts },
          ...{ servers: [], caPath: undefined, trust: template.trust, site: undefined, checkpointMs: 60_000 },
          ...{ suspendAfterMs: Number.POSITIVE_INFINITY, recordsDirectory: undefined },
          ...{ confirmed: new SharedArrayBuffer(64), register: () => undefined },
          probe: () => Promise.reject(new RangeError('no probe')),
          connect: (_, events) => {
            const user = bus.connect(name, events);
            events.onUp();
            return Promise.resolve(user);
          },
        }),
      ),
    );
    while (time.monotonic() < 15_000) {
      time.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(authority?.facts().policyNumber).toBe(number);
    expect(() => authority?.requireDecisions(true)).toThrow(/have not all said what they know/);
    await authority?.stop();
    await ns1?.stop();
  } finally {
    time.uninstall();
    template.close();
  }
});
