// How long an authority that starts from an old copy is held up by one resolver that lies: somebody has its key and certificates.
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FleetActs } from '../../../src/fleet/acts.ts';
import { signEntry } from '../../../src/fleet/entry.ts';
import { fleetPath, readIdentity } from '../../../src/fleet/identity.ts';
import { readKeyFile, toSeedKey } from '../../../src/fleet/key.ts';
import { PolicyLog } from '../../../src/fleet/policy-log.ts';
import { formatPresence } from '../../../src/fleet/presence.ts';
import { Fleet } from '../../../src/fleet/run.ts';
import { stampMessage } from '../../../src/fleet/signed-message.ts';
import { askSubject, HELLO_SUBJECT, presenceSubject } from '../../../src/fleet/subjects.ts';
import { FleetTemplate } from '../../support/fleet-schedules.ts';
import { MemoryBus } from '../../support/memory-bus.ts';
import { VirtualTime } from '../../support/virtual-time.ts';

const START_MS = Date.parse('2026-11-26T08:00:00Z');
/** The authority waits for so long for who is silent, milliseconds. */
const HOLD_MS = 60_000;
/** What one that lies may cost at most, milliseconds: two answers that do not come, and what an honest one needs. */
const COST_MS = 25_000;

let template: FleetTemplate;
let time: VirtualTime;
let bus: MemoryBus;
let fleets: Fleet[];
beforeEach(() => {
  template = new FleetTemplate();
  time = new VirtualTime(START_MS);
  bus = new MemoryBus();
  fleets = [];
  time.install();
});
afterEach(async () => {
  for (const fleet of fleets) await fleet.stop();
  time.uninstall();
  template.close();
});

const actsOf = (): FleetActs => {
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  return {
    ...{ note: () => undefined, log: quiet, clock: time.clock, monotonic: time.monotonic },
    ...{ contents: () => undefined, suspend: () => Promise.resolve(), decides: () => Promise.resolve() },
    overlays: () => Promise.resolve({ isApplied: true }),
    pause: () => Promise.resolve({ isApplied: true }),
    pauseMsMax: () => 0,
    facts: () => ({ version: '1', generation: 1, state: '', records: { queries: 0, changes: 0 } }),
  } as unknown as FleetActs;
};

const directoryOf = (name: string): string => join(template.directory, 'template', name);

const start = async (name: string): Promise<Fleet> => {
  const fleet = await Fleet.start({
    ...{ stateDirectory: directoryOf(name), servers: [], caPath: undefined, trust: template.trust },
    ...{ role: name === 'authority' ? 'authority' : 'node', site: undefined, acts: actsOf() },
    ...{ checkpointMs: 60_000, suspendAfterMs: Number.POSITIVE_INFINITY },
    ...{ recordsDirectory: undefined, confirmed: new SharedArrayBuffer(64), register: () => undefined },
    probe: () => Promise.reject(new RangeError('no probe')),
    connect: (_, events) => {
      const user = bus.connect(name, events);
      events.onUp();
      return Promise.resolve(user);
    },
  });
  fleets.push(fleet);
  return fleet;
};

/** Gives resolvers the log of the authority, and entries that were decided since; gives its end. */
const decideElsewhere = (names: readonly string[], count: number): number => {
  const key = readKeyFile(fleetPath(directoryOf('authority'), 'authorityKey'));
  let end = 0;
  for (const name of names) {
    mkdirSync(join(directoryOf(name), 'fleet'), { recursive: true });
    cpSync(fleetPath(directoryOf('authority'), 'policy'), fleetPath(directoryOf(name), 'policy'));
    const { log } = PolicyLog.open(fleetPath(directoryOf(name), 'policy'), START_MS);
    for (let made = 0; made < count; made++) {
      const body = JSON.stringify({ for: 'all', yaml: '', by: `person ${made}` });
      const about = { time: '2026-11-26T07:00:00.000Z', kind: 'overlay', must: false, body };
      const entry = signEntry(log.end, about, key);
      log.append(entry);
      log.conclude(entry.number, 'applied');
    }
    end = log.end.number;
    log.close();
  }
  return end;
};

/** What is answered to a question for an entry; undefined: nothing. */
type Told = (number: number) => string | undefined;

/** Somebody with the key of a resolver, who says that it has a log up to this number. */
const lie = (name: string, number: number, answer: Told, everyMs = 5_000): void => {
  const user = bus.connect(name, { onFault: () => undefined });
  const key = toSeedKey(readIdentity(directoryOf(name)).seed);
  let sequence = START_MS;
  const say = (): void => {
    const subject = presenceSubject(name);
    const text = formatPresence({
      ...{ name, role: 'node', enrolment: 1, time: new Date(time.clock()).toISOString(), version: '1' },
      ...{ generation: 1, state: '', policy: { number, hash: 'f'.repeat(64) }, lists: {}, refused: [] },
      ...{ isSuspended: false, isForked: false },
      ...{ records: { queries: 0, changes: 0 }, confirmed: { queries: 0, changes: 0 } },
    });
    bus.publish(subject, Buffer.from(text), { stamp: stampMessage(subject, text, ++sequence, key) });
  };
  user.serve(askSubject(name), (bytes) => {
    const said = answer(Number(Buffer.from(bytes).toString()));
    return said === undefined
      ? Promise.reject(new RangeError('nothing'))
      : Promise.resolve(Buffer.from(said));
  });
  user.subscribe(HELLO_SUBJECT, say);
  setInterval(say, everyMs);
  say();
};

/** After how long the authority decides something, milliseconds, and the number that it gets. */
const decide = async (authority: Fleet): Promise<{ readonly afterMs: number; readonly number: number }> => {
  const startMs = time.monotonic();
  let afterMs: number | undefined;
  void authority.overlay({ for: 'all', yaml: '', by: 'x' }).then(() => {
    afterMs = time.monotonic() - startMs;
  });
  while (afterMs === undefined && time.monotonic() - startMs < 20 * HOLD_MS) {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (afterMs === undefined) time.advance(500);
  }
  return { afterMs: afterMs ?? Number.POSITIVE_INFINITY, number: authority.status().policy.number };
};

const HOW: readonly (readonly [how: string, answer: Told])[] = [
  ['withholds its answers', () => undefined],
  ['forges its answers', () => '{"number":1}'],
];

test.each(HOW)('one that says it has more, and %s, delays a decision by seconds', async (_, answer) => {
  const end = decideElsewhere(['ns2', 'ns3', 'ns4'], 0);
  for (const name of ['ns2', 'ns3', 'ns4']) await start(name);
  lie('ns1', 1_000, answer);
  const { afterMs, number } = await decide(await start('authority'));
  expect(afterMs).toBeLessThan(COST_MS);
  expect(number).toBeGreaterThan(end);
});

test.each(HOW)('entries that others have are taken back past one that %s', async (_, answer) => {
  const end = decideElsewhere(['ns2', 'ns3', 'ns4'], 40);
  lie('ns1', 1_000, answer);
  for (const name of ['ns2', 'ns3', 'ns4']) await start(name);
  const { afterMs, number } = await decide(await start('authority'));
  expect(afterMs).toBeLessThan(COST_MS);
  expect(number).toBeGreaterThan(end);
});

test('one that gives an entry now and then and withholds the others is asked last', async () => {
  const end = decideElsewhere(['ns1', 'ns2', 'ns3', 'ns4'], 40);
  const { log } = PolicyLog.open(fleetPath(directoryOf('ns1'), 'policy'), START_MS);
  lie('ns1', 1_000, (number) => (number % 2 === 0 ? JSON.stringify(log.at(number)?.entry) : undefined));
  for (const name of ['ns2', 'ns3', 'ns4']) await start(name);
  const { afterMs, number } = await decide(await start('authority'));
  log.close();
  expect(afterMs).toBeLessThan(COST_MS);
  expect(number).toBeGreaterThan(end);
});

test('what one says of its log is looked into now and then, however often it says it', async () => {
  decideElsewhere(['ns2', 'ns3', 'ns4'], 0);
  for (const name of ['ns2', 'ns3', 'ns4']) await start(name);
  let asked = 0;
  const forge: Told = () => {
    asked++;
    return '{}';
  };
  lie('ns1', 1_000, forge, 50);
  await decide(await start('authority'));
  asked = 0;
  const untilMs = time.monotonic() + HOLD_MS;
  while (time.monotonic() < untilMs) {
    time.advance(50);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  // Twice each time: before the streams are looked at, and after.
  expect(asked).toBeLessThan(2 * (HOLD_MS / 10_000 + 1));
});

test('for two that say so is waited as for who is silent: nobody has two keys', async () => {
  const end = decideElsewhere(['ns1', 'ns2'], 1);
  decideElsewhere(['ns3', 'ns4'], 0);
  for (const name of ['ns3', 'ns4']) await start(name);
  const { log } = PolicyLog.open(fleetPath(directoryOf('ns1'), 'policy'), START_MS);
  const sinceMs = time.monotonic();
  // Somebody answers in their place for a while.
  const late: Told = (number) =>
    time.monotonic() - sinceMs > HOLD_MS / 2 ? JSON.stringify(log.at(number)?.entry) : undefined;
  for (const name of ['ns1', 'ns2']) lie(name, end, late);
  const { afterMs, number } = await decide(await start('authority'));
  log.close();
  expect(afterMs).toBeLessThan(HOLD_MS);
  expect(number).toBeGreaterThan(end);
});
