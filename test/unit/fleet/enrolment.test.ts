// Who may connect is written for all who come at once, and names each of them.
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FleetActs } from '../../../src/fleet/acts.ts';
import { fleetPath } from '../../../src/fleet/identity.ts';
import { Fleet } from '../../../src/fleet/run.ts';
import { readToken } from '../../../src/fleet/tokens.ts';
import { FleetTemplate } from '../../support/fleet-schedules.ts';
import { MemoryBus } from '../../support/memory-bus.ts';

test('resolvers that are invited at once are all let in, by as few writings as it takes', async () => {
  const template = new FleetTemplate();
  const stateDirectory = join(template.directory, 'authority');
  cpSync(join(template.directory, 'template', 'authority'), stateDirectory, { recursive: true });
  const bus = new MemoryBus();
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const acts = {
    ...{
      note: () => undefined,
      log: quiet,
      clock: () => Date.parse('2026-11-26T08:00:00Z'),
      monotonic: () => 0,
    },
    contents: () => undefined,
    facts: () => ({ version: '1', generation: 1, state: '', records: { queries: 0, changes: 0 } }),
  } as unknown as FleetActs;
  const fleet = await Fleet.start({
    ...{ stateDirectory, role: 'authority', servers: [], caPath: undefined, trust: template.trust },
    ...{ site: undefined, tideMs: 60_000, suspendAfterMs: Number.POSITIVE_INFINITY, acts },
    ...{ recordsDirectory: undefined, confirmed: new SharedArrayBuffer(64), register: () => undefined },
    probe: () => Promise.reject(new RangeError('no probe')),
    connect: (_, events) => Promise.resolve(bus.connect('authority', events)),
  });
  try {
    const names = Array.from({ length: 50 }, (_, index) => `new${index}`);
    const invited = await Promise.all(names.map((name) => fleet.invite(name, undefined)));
    const users = readFileSync(join(fleetPath(stateDirectory, 'engine'), 'users.conf'), 'utf8');
    expect(invited.map(({ token }) => readToken(token).name)).toEqual(names);
    for (const name of names) expect(users).toContain(`cordon.join.${name}"`);
  } finally {
    await fleet.stop();
    template.close();
  }
});
