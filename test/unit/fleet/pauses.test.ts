// Pauses of a fleet: decided at the authority for all, a site or a node; with an end, taken by who was away, and by nobody for longer.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAppError } from '../../../src/base/base.ts';
import type { FleetActs, FleetNote } from '../../../src/fleet/acts.ts';
import { fleetIssues } from '../../../src/fleet/needs.ts';
import { Fleet } from '../../../src/fleet/run.ts';
import { OperatorPause } from '../../../src/people/controls/controls.ts';
import type { Enforcement } from '../../../src/telemetry/enforcement/enforcement.ts';
import { FleetTemplate } from '../../support/fleet-schedules.ts';
import { MemoryBus } from '../../support/memory-bus.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const MINUTE_MS = 60_000;
const ENFORCED = { state: 'enforced', cause: undefined, groups: [], causes: [] } as unknown as Enforcement;

/** A resolver: its fleet, and the pause of the program around it. */
interface Resolver {
  readonly name: string;
  readonly site: string;
  fleet: Fleet;
  pause: OperatorPause;
  pauseMsMax: number;
  readonly notes: FleetNote[];
  /** Records of kind `admin`. */
  readonly admin: string[];
}

let template: FleetTemplate;
let time: VirtualTime;
let bus: MemoryBus;
let all: Map<string, Resolver>;

const start = async (resolver: Resolver): Promise<void> => {
  const { name, site, notes, admin } = resolver;
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  resolver.pause = new OperatorPause({
    log: { error: () => undefined },
    isApplied: () => false,
    ...{ msMax: () => resolver.pauseMsMax, nowMs: time.clock, enforcement: () => ENFORCED },
    apply: () => Promise.resolve(),
    changed: ({ isPaused, until }, by, reason) =>
      admin.push([isPaused ? `pause until ${until}` : 'resume', by, reason].join(' | ')),
  });
  const acts: Partial<FleetActs> = {
    note: (note) => void notes.push(note),
    pause: async (pause) => {
      try {
        await resolver.pause.adopt(pause);
        return { isApplied: true };
      } catch (thrown) {
        if (!isAppError(thrown)) throw thrown;
        return { isApplied: false, code: thrown.code, reason: thrown.message };
      }
    },
    pauseMsMax: () => resolver.pauseMsMax,
    suspend: () => Promise.resolve(),
    contents: () => undefined,
    facts: () => ({ version: '1', generation: 1, state: '', records: { queries: 0, changes: 0 } }),
    decides: () => Promise.resolve(),
    ...{ log: quiet, clock: time.clock, monotonic: time.monotonic },
  };
  resolver.fleet = await Fleet.start({
    stateDirectory: join(template.directory, name),
    role: name === 'authority' ? 'authority' : 'node',
    ...{ servers: [], caPath: undefined, trust: template.trust, site, checkpointMs: 10_000 },
    ...{ suspendAfterMs: Number.POSITIVE_INFINITY, acts: acts as FleetActs },
    ...{ recordsDirectory: undefined, confirmed: new SharedArrayBuffer(64) },
    register: () => ({ eventsAfter: () => [] }),
    probe: () => Promise.reject(new RangeError('no probe')),
    connect: (_, events) => {
      const user = bus.connect(name, events);
      events.onUp();
      return Promise.resolve(user);
    },
  });
};

const stop = async ({ fleet, pause }: Resolver): Promise<void> => {
  pause.drain();
  await fleet.stop();
};

const of = (name: string): Resolver => {
  const resolver = all.get(name);
  if (resolver === undefined) throw new RangeError(name);
  return resolver;
};

const pass = async (ms: number): Promise<void> => {
  const endMs = time.monotonic() + ms;
  while (time.monotonic() < endMs) {
    time.advance(Math.min(1_000, endMs - time.monotonic()));
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
};

const paused = (): string[] =>
  [...all.values()].filter(({ pause }) => pause.isPaused).map(({ name }) => name);

beforeEach(async () => {
  template = new FleetTemplate();
  time = new VirtualTime(Date.parse('2026-11-26T08:00:00Z'));
  time.install();
  bus = new MemoryBus();
  all = new Map();
  for (const [name, site] of [
    ['authority', 'brussels'],
    ['ns1', 'bruges'],
    ['ns2', 'bruges'],
    ['ns3', 'ghent'],
    ['ns4', 'ghent'],
  ] as const) {
    cpSync(join(template.directory, 'template', name), join(template.directory, name), { recursive: true });
    const resolver = { name, site, pauseMsMax: 60 * MINUTE_MS, notes: [], admin: [] } as unknown as Resolver;
    all.set(name, resolver);
    await start(resolver);
  }
  await pass(65_000);
});

afterEach(async () => {
  for (const resolver of all.values()) await stop(resolver);
  time.uninstall();
  template.close();
});

test('a pause for all holds everywhere, is on the record of each, and ends by itself', async () => {
  const { fleet } = of('authority');
  await fleet.pause('all', 10 * MINUTE_MS, 'O. Operator', 'incident 7');
  await pass(2_000);
  expect(paused()).toEqual([...all.keys()]);
  const { status, admin, notes } = { status: fleet.status(), ...of('ns3') };
  const until = '2026-11-26T08:11:05.000Z';
  expect(status.pauses).toEqual([{ for: 'all', until, by: 'O. Operator', reason: 'incident 7' }]);
  expect(of('ns3').pause.status()).toMatchObject({ isPaused: true, until, by: 'O. Operator', for: 'all' });
  expect(admin).toEqual([`pause until ${until} | O. Operator | incident 7 (fleet, for all, entry 7)`]);
  expect(notes.at(-1)).toMatchObject({ event: 'applied', entry: 'pause', number: 7, subject: 'pause all' });
  await pass(10 * MINUTE_MS);
  expect(paused()).toEqual([]);
  expect(admin.at(-1)).toMatch(/^resume/);
  expect(fleet.status().pauses).toEqual([]);
});

test('a pause for a site or a node holds there alone, and what is decided last about a resolver holds', async () => {
  const { fleet } = of('authority');
  await fleet.pause('site:bruges', 20 * MINUTE_MS, 'x', 'one');
  await pass(2_000);
  expect(paused()).toEqual(['ns1', 'ns2']);
  await fleet.resume('node:ns2', 'x', '');
  await fleet.pause('node:ns4', 5 * MINUTE_MS, 'x', 'two');
  await pass(2_000);
  expect(paused()).toEqual(['ns1', 'ns4']);
  expect(fleet.status().pauses.map(({ for: whom, until }) => [whom, until === null])).toEqual([
    ['site:bruges', false],
    ['node:ns2', true],
    ['node:ns4', false],
  ]);
  await fleet.pause('all', MINUTE_MS, 'x', 'three');
  await pass(2_000);
  expect(paused()).toHaveLength(5);
  await fleet.resume('all', 'x', 'over');
  await pass(2_000);
  expect(paused()).toEqual([]);
  expect(of('ns1').admin.at(-1)).toMatch(/^resume/);
});

test('who is away takes it when it comes back, for the time that is left, and not at all when that is over', async () => {
  const { fleet } = of('authority');
  await stop(of('ns3'));
  await stop(of('ns4'));
  await fleet.pause('all', 10 * MINUTE_MS, 'x', 'incident 7');
  await pass(4 * MINUTE_MS);
  await start(of('ns3'));
  await pass(2_000);
  expect(of('ns3').pause.status()).toMatchObject({ isPaused: true, until: '2026-11-26T08:11:05.000Z' });
  // A start in the middle of it is no end.
  await stop(of('ns1'));
  await start(of('ns1'));
  expect(of('ns1').pause.isPaused).toBe(true);
  await pass(7 * MINUTE_MS);
  expect(paused()).toEqual([]);
  await start(of('ns4'));
  await pass(2_000);
  expect(of('ns4').fleet.facts().policyNumber).toBe(7);
  expect(of('ns4').pause.isPaused).toBe(false);
  expect(of('ns4').admin).toEqual([]);
});

test('nobody is paused for longer than its own configuration allows, and that is told', async () => {
  const { fleet } = of('authority');
  of('ns2').pauseMsMax = 0;
  await expect(fleet.pause('all', 61 * MINUTE_MS, 'x', 'y')).rejects.toThrow(/at most 1 h are allowed/);
  await expect(fleet.pause('site:mons', MINUTE_MS, 'x', 'y')).rejects.toThrow(
    /no resolver of the fleet is there/,
  );
  await expect(fleet.resume('node:ns9', 'x', '')).rejects.toThrow(/no resolver/);
  await expect(of('ns1').fleet.pause('all', MINUTE_MS, 'x', 'y')).rejects.toThrow(/this resolver is a node/);
  await fleet.pause('all', 10 * MINUTE_MS, 'x', 'y');
  await pass(2_000);
  expect(paused()).toEqual(['authority', 'ns1', 'ns3', 'ns4']);
  expect(fleetIssues(of('ns2').fleet.facts())).toMatchObject([{ id: 'fleet-refused', subject: 'pause all' }]);
  await fleet.resume('all', 'x', '');
  await pass(2_000);
  expect(fleetIssues(of('ns2').fleet.facts())).toEqual([]);
});

test('a pause that a start refuses is told, and tried again as any other entry', async () => {
  const ns1 = of('ns1');
  await of('authority').fleet.pause('all', 10 * MINUTE_MS, 'x', 'y');
  await pass(2_000);
  await stop(ns1);
  ns1.pauseMsMax = 0;
  await start(ns1);
  await pass(2_000);
  expect(ns1.pause.isPaused).toBe(false);
  expect(fleetIssues(ns1.fleet.facts())).toMatchObject([{ id: 'fleet-refused', subject: 'pause all' }]);
  ns1.pauseMsMax = 60 * MINUTE_MS;
  ns1.fleet.reloaded();
  await pass(2_000);
  expect(ns1.pause.status()).toMatchObject({ isPaused: true, until: '2026-11-26T08:11:05.000Z' });
  expect(fleetIssues(ns1.fleet.facts())).toEqual([]);
});

test('an operator ends it for one resolver, also beside a pause of its own, and it does not come back there', async () => {
  const { fleet } = of('authority');
  await fleet.pause('all', 10 * MINUTE_MS, 'x', 'y');
  await pass(2_000);
  const { pause, admin } = of('ns1');
  await pause.pause(MINUTE_MS, 'local', 'own');
  await pause.resume('local', 'enough');
  expect(pause.isPaused).toBe(false);
  expect(admin.at(-1)).toBe('resume | local | enough');
  of('ns1').fleet.reloaded();
  await pass(2_000);
  expect(paused()).toEqual(['authority', 'ns2', 'ns3', 'ns4']);
});

test('a pause of an operator here outlives the end of the one of the fleet', async () => {
  const { fleet } = of('authority');
  await fleet.pause('node:ns1', 2 * MINUTE_MS, 'x', 'y');
  await pass(2_000);
  const { pause } = of('ns1');
  await pause.pause(5 * MINUTE_MS, 'local', 'own');
  await fleet.resume('all', 'x', '');
  await pass(2_000);
  expect(pause.status()).toMatchObject({ isPaused: true, by: 'local' });
  await pass(5 * MINUTE_MS);
  expect(pause.isPaused).toBe(false);
});
