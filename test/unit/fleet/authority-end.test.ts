// An authority that has not heard its nodes decides nothing, and the end of the program is no leave to.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FleetActs } from '../../../src/fleet/acts.ts';
import { fleetPath } from '../../../src/fleet/identity.ts';
import { PolicyLog } from '../../../src/fleet/policy-log.ts';
import { Fleet } from '../../../src/fleet/run.ts';
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
      facts: () => ({ version: '1', generation: 1, state: '', records: { queries: 0, changes: 0 } }),
    } as unknown as FleetActs;
    const fleet = await Fleet.start({
      ...{ stateDirectory, role: 'authority', servers: [], caPath: undefined, trust: template.trust },
      ...{ site: undefined, tideMs: 60_000, suspendAfterMs: Number.POSITIVE_INFINITY, acts },
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
