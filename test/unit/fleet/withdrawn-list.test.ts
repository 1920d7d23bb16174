// A list that the authority gives no more: who never read it is not asked for it, who reads it keeps the file, and it can be given
// again. A whole fleet on a bus in memory.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Done, FleetActs } from '../../../src/fleet/acts.ts';
import { sha256Of } from '../../../src/fleet/list-fetcher.ts';
import { Fleet } from '../../../src/fleet/run.ts';
import { FleetTemplate } from '../../support/fleet-schedules.ts';
import { MemoryBus } from '../../support/memory-bus.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const CONTENT = Buffer.from('more.test\n');
const UNREAD: Done = {
  isApplied: false,
  code: 'ERR_FLEET_LIST',
  reason: 'no list of the configuration has it',
};

let template: FleetTemplate;
let time: VirtualTime;
let bus: MemoryBus;
let fleets: Fleet[];
/** By resolver, what it has in force. */
let inForce: Map<string, Map<string, string>>;

beforeEach(() => {
  template = new FleetTemplate();
  time = new VirtualTime(Date.parse('2026-11-26T08:00:00Z'));
  time.install();
  bus = new MemoryBus();
  bus.makeStreams();
  bus.now = time.clock;
  [fleets, inForce] = [[], new Map()];
});
afterEach(async () => {
  for (const fleet of fleets) await fleet.stop();
  time.uninstall();
  template.close();
});

/** A resolver of the fleet; `list` is what comes of a content there. */
const start = async (name: string, list: () => Done, from = join(template.directory, 'template', name)) => {
  const stateDirectory = join(template.directory, `${name}-${fleets.length}`);
  cpSync(from, stateDirectory, { recursive: true });
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const own = inForce.get(name) ?? new Map<string, string>();
  inForce.set(name, own);
  const acts = {
    ...{ note: () => undefined, log: quiet, clock: time.clock, monotonic: time.monotonic },
    list: ({ id, sha256 }: { id: string; sha256: string }) => {
      const done = list();
      if (done.isApplied) own.set(id, sha256);
      return Promise.resolve(done);
    },
    overlays: () => Promise.resolve({ isApplied: true }),
    suspend: () => Promise.resolve(),
    decides: () => Promise.resolve(),
    pauseMsMax: () => 0,
    contents: () => ({ lists: own, overlays: [], exemptions: [] }),
    facts: () => ({ version: '1', generation: 1, state: '', records: { queries: 0, changes: 0 } }),
  } as unknown as FleetActs;
  const fleet = await Fleet.start({
    ...{ stateDirectory, role: name === 'authority' ? 'authority' : 'node', servers: [], caPath: undefined },
    ...{ trust: template.trust, site: undefined, checkpointMs: 1_000 },
    ...{ suspendAfterMs: Number.POSITIVE_INFINITY, acts, recordsDirectory: undefined },
    ...{ confirmed: new SharedArrayBuffer(64), register: () => undefined },
    probe: () => Promise.reject(new RangeError('no probe')),
    connect: (_, events) => {
      const user = bus.connect(name, events);
      events.onUp();
      return Promise.resolve(user);
    },
  });
  fleets.push(fleet);
  return { fleet, stateDirectory };
};

/** Longer than an authority waits for who is not there, and than a list may be late. */
const WAIT_MS = 200_000;

/** Lets time pass until it is so. */
const until = async (isSo: () => boolean): Promise<void> => {
  for (const endMs = time.monotonic() + WAIT_MS; !isSo() && time.monotonic() < endMs; ) {
    time.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(isSo()).toBe(true);
};

const aboutMore = (fleet: Fleet) => fleet.status().contents.filter(({ subject }) => subject === 'list more');

test('a list that is given no more is refused by nobody, late nowhere, and in no sum', async () => {
  const { fleet: authority } = await start('authority', () => ({ isApplied: true }));
  const { fleet: reader } = await start('ns1', () => ({ isApplied: true }));
  const { fleet: other, stateDirectory } = await start('ns2', () => UNREAD);
  const given = authority.givenLists.publish('more', CONTENT, 1);
  await until(() => inForce.get('ns1')?.has('more') === true && other.facts().refused.length === 1);
  expect(await given).toBe(true);
  await until(() => other.facts().lateLists.length === 1);

  const kept = authority.givenLists.keep([]);
  await until(() => other.facts().refused.length === 0);
  await kept;
  for (const fleet of [authority, reader, other]) {
    expect(aboutMore(fleet)).toEqual([]);
    expect(fleet.facts()).toMatchObject({ refused: [], lateLists: [], differing: [] });
  }
  await until(() =>
    authority
      .status()
      .resolvers.every(({ needs }) =>
        needs.every(({ kind }) => kind !== 'refused-entry' && kind !== 'other-content'),
      ),
  );
  // Who reads it refuses what it refused.
  expect(inForce.get('ns1')?.get('more')).toBe(sha256Of(CONTENT));
  // Nor does it come back with a start, and the word of it is given once.
  await other.stop();
  const { number } = authority.status().policy;
  await authority.givenLists.keep([]);
  expect(authority.status().policy.number).toBe(number);
  const { fleet: again } = await start('ns2', () => UNREAD, stateDirectory);
  await until(() => again.status().policy.number === number);
  expect(again.facts()).toMatchObject({ refused: [], lateLists: [] });

  // The same content, given again, is another entry.
  const anew = authority.givenLists.publish('more', CONTENT, 1);
  await until(() => again.facts().refused.length === 1);
  expect(await anew).toBe(true);
  expect(aboutMore(authority)).toHaveLength(1);
  await authority.givenLists.keep(['more']);
  expect(again.facts().refused).toHaveLength(1);
});
