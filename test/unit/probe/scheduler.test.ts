// The self-probe as a whole, against real pipelines behind real doors: plants are found, changes are waited for, and
// what failed once is watched until it is in order.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatEndpoint } from '../../../src/base/base.ts';
import type { Config } from '../../../src/config/config.ts';
import type { ProbeAlarm } from '../../../src/evidence/probe/findings.ts';
import { ProbeScheduler, type ProbeState } from '../../../src/evidence/probe/scheduler.ts';
import type { ProbeRecord } from '../../../src/evidence/records/records.ts';
import { Clients } from '../../../src/policy/access/access.ts';
import { buildGeneration, type Generation } from '../../../src/policy/generation/build.ts';
import { Policy, type SharedExemption } from '../../../src/policy/policy.ts';
import { LocalZones } from '../../../src/resolver/local/local.ts';
import type { PipelineRules, Question, Resolver } from '../../../src/resolver/pipeline/pipeline.ts';
import { PROBE_ZONE, ProbeZone } from '../../../src/resolver/resolve/resolve.ts';
import { createProbeSecret, ProbeGate, UdpListener } from '../../../src/resolver/server/server.ts';
import { createLog } from '../../../src/telemetry/observe/observe.ts';
import { formatName, TYPE } from '../../../src/wire/dns/dns.ts';
import { buildResponse } from '../../support/records.ts';
import { configOf } from '../app/setup.ts';
import { Bench } from '../pipeline/setup.ts';

const MINUTE_MS = 60_000;
const CONFIG = `
listen: { dns: ["127.0.0.1:53"] }
probe: { interval: 5m, sweep: 24h, rate: 10000, listeners: false }
compliance: { out-of-scope: [ban, short] }
access: { allow: ["127.0.0.0/8", "10.0.0.0/8"] }
lists:
  - { id: ban, file: ban.txt, format: domains, mandate: true }
  - { id: short, file: short.txt, format: domains, mandate: true }
groups:
  - { name: default, lists: [ban] }
  - { name: lab, clients: ["10.1.0.0/16"], lists: [ban] }
  - { name: covered, clients: ["10.2.0.0/24"], lists: [ban] }
  - { name: half, clients: ["10.2.0.0/25"], lists: [ban] }
  - { name: other-half, clients: ["10.2.0.128/25"], lists: [ban] }
  - { name: free, clients: ["10.3.0.0/16"], lists: [], out-of-scope: true }
`;
const NAMES = ['tiktok.example', 'muscdn.example', 'byteoversea.example'];
const FILES = { 'ban.txt': `${NAMES.join('\n')}\n`, 'short.txt': 'tiktok.example\nbyteoversea.example\n' };
const LEAKING = 'muscdn.example';
const SECRET = createProbeSecret();

/** Everything resolves. */
const world: Resolver = {
  resolve: ({ name, type }: Question, done) => {
    const owner = formatName(name);
    const record = type === TYPE.A ? [`${owner} 60 IN A 198.51.100.1`] : [];
    done({ kind: 'answer', message: buildResponse({ question: `${owner} A`, answer: record }) });
  },
};

let nowMs: number;
let config: Config;
let gates: ProbeGate[];
let benches: Bench[];
let state: ProbeState | undefined;
let records: ProbeRecord[];
/** How many records there were when the findings of each run were told. */
let told: number[];
let alarms: ProbeAlarm[];
let exemptions: SharedExemption[];
/** Runs whenever the keeper looks at exemptions, as it does for each question. */
let onLook: () => void;
let ports: [number, boolean][];
/** The second worker does not live. */
let isGone: boolean;
let keeper: ProbeScheduler;

const rulesOf = ({ policy, access }: Generation): PipelineRules => ({
  policy: new Policy(policy, nowMs),
  clients: new Clients(access),
  localZones: new LocalZones([PROBE_ZONE]),
  ttlLimits: { minSec: 0, maxSec: 86_400, negativeMaxSec: 900 },
});

const build = (text = CONFIG, generation = 1): Generation =>
  buildGeneration(configOf(text, FILES), generation, nowMs);

const stateOf = (generation: Generation, of = config): ProbeState => ({
  config: of,
  generation,
  access: generation.access,
  listen: [],
  secure: undefined,
  unserved: [],
});

/** Puts a generation in force at a worker. */
const apply = (worker: number, generation: Generation): void => {
  benches[worker]?.pipeline.setRules(rulesOf(generation));
};

beforeEach(async () => {
  nowMs = Date.UTC(2026, 10, 25);
  config = configOf(CONFIG, FILES);
  const generation = buildGeneration(config, 1, nowMs);
  state = stateOf(generation);
  benches = [
    new Bench(rulesOf(generation), new ProbeZone(world)),
    new Bench(rulesOf(generation), new ProbeZone(world)),
  ];
  gates = [];
  for (const { pipeline } of benches) {
    gates.push(
      await ProbeGate.open({ pipeline, secret: SECRET, observer: { dropped: () => {} }, clock: Date.now }),
    );
  }
  records = [];
  alarms = [];
  told = [];
  exemptions = [];
  onLook = () => {};
  ports = [];
  isGone = false;
  keeper = new ProbeScheduler({
    clock: () => nowMs,
    log: createLog({ level: 'error', to: { write: () => {} } }),
    random: () => 0.5,
    pause: () => new Promise(setImmediate),
    secret: SECRET,
    state: () => state,
    workers: () => gates.length,
    endpoints: () =>
      gates
        .map(({ ports: { udpPort, tcpPort } }, worker) => ({ worker, udpPort, tcpPort }))
        .slice(0, isGone ? 1 : gates.length),
    enforcement: () => ({ state: 'enforced', groups: [] }),
    exemptions: () => {
      onLook();
      return exemptions;
    },
    onFound: () => void told.push(records.length),
    onRecord: (record) => records.push(record),
    onAlarm: (alarm) => alarms.push(alarm),
    onDirectPort: (port, isOpen) => ports.push([port, isOpen]),
  });
});
afterEach(async () => {
  await keeper.close();
  await Promise.all(gates.map((gate) => gate.close()));
});

const pass = async (ms: number): Promise<ProbeRecord | undefined> => {
  nowMs += ms;
  const before = records.length;
  await keeper.runDue();
  return records.length > before ? records.at(-1) : undefined;
};

const viewsOf = (record: ProbeRecord | undefined): string[] => [
  ...new Set(record?.results.map(({ view }) => view)),
];

test('a run after a change asks every group that somebody can be in, and names the others', async () => {
  keeper.changed();
  const record = await pass(2_000);
  expect(record).toMatchObject({
    event: 'change',
    outcome: 'enforced',
    generation: 1,
    coverage: { names: 3, asked: 3, share: 1 },
  });
  expect(viewsOf(record)).toEqual(['group:default', 'group:half', 'group:lab', 'group:other-half']);
  expect(record?.unasked).toEqual([
    { view: 'group:covered', reason: 'no client that may ask belongs to it by its address' },
    { view: 'group:free', reason: 'the group is out of scope' },
  ]);
  expect(alarms).toEqual([]);
  expect(keeper.metrics()).toMatchObject({ leakedNames: 0, failed: 0, coverage: 1, lastRunMs: nowMs });
  expect(keeper.metrics()?.results).toHaveLength(4 * 2 * 4);
  expect([...(keeper.metrics()?.lastSuccessMs.keys() ?? [])]).toHaveLength(4);
  // Nobody's attempts: nothing is counted as refused, and nothing is recorded of it.
  expect(benches.flatMap(({ counts }) => counts).filter((count) => count.startsWith('refusal'))).toEqual([]);
  expect(benches.flatMap(({ events }) => events)).toEqual([]);
});

describe('a policy that does not refuse one name in one group', () => {
  beforeEach(() => {
    // What is in force at one worker is not what the configuration says.
    apply(
      1,
      build(
        CONFIG.replace('clients: ["10.1.0.0/16"], lists: [ban]', 'clients: ["10.1.0.0/16"], lists: [short]'),
      ),
    );
    keeper.changed();
  });

  test('is found, recorded and alarmed on', async () => {
    const record = await pass(2_000);
    expect(record?.outcome).toBe('leaking');
    const leaking = record?.results.filter(({ outcome }) => outcome === 'leaking') ?? [];
    expect(new Set(leaking.map(({ view }) => view))).toEqual(new Set(['group:lab']));
    expect(
      leaking.flatMap(({ examples }) => examples).every((example) => example.toLowerCase().includes(LEAKING)),
    ).toBe(true);
    expect(alarms).toMatchObject([{ outcome: 'leaking', isNew: true, leakedNames: 1, views: ['group:lab'] }]);
    expect(keeper.metrics()).toMatchObject({
      leakedNames: 1,
      runs: new Map([
        ['enforced', 0],
        ['leaking', 1],
        ['broken', 0],
      ]),
    });
    expect(keeper.metrics()?.lastSuccessMs.has('group:lab')).toBe(false);
    expect(keeper.metrics()?.lastSuccessMs.has('group:half')).toBe(true);
  });

  test('is told before its record as the state of its group, until it is in order or something changed', async () => {
    expect(keeper.leakingGroups()).toEqual(new Set());
    await pass(2_000);
    expect(told).toEqual([0]);
    expect(keeper.leakingGroups()).toEqual(new Set(['lab']));
    apply(1, build());
    await pass(5 * MINUTE_MS);
    expect(keeper.leakingGroups()).toEqual(new Set());
    apply(
      1,
      build(
        CONFIG.replace('clients: ["10.1.0.0/16"], lists: [ban]', 'clients: ["10.1.0.0/16"], lists: [short]'),
      ),
    );
    await pass(5 * MINUTE_MS);
    expect(keeper.leakingGroups()).toEqual(new Set(['lab']));
    keeper.changed();
    expect(keeper.leakingGroups()).toEqual(new Set());
  });

  test('is asked again in each run until it is in order', async () => {
    await pass(2_000);
    expect((await pass(5 * MINUTE_MS))?.outcome).toBe('leaking');
    expect(alarms.map(({ isNew }) => isNew)).toEqual([true, false]);
    apply(1, build());
    expect((await pass(5 * MINUTE_MS))?.outcome).toBe('enforced');
    expect(alarms.at(-1)).toMatchObject({ outcome: 'enforced', isNew: true, views: [] });
    expect((await pass(5 * MINUTE_MS))?.outcome).toBe('enforced');
    expect(alarms).toHaveLength(3);
  });

  test('is expected where an exemption says so, for its time', async () => {
    exemptions = [{ number: 1, fromMs: nowMs, untilMs: nowMs + MINUTE_MS, groups: ['lab'], clients: [] }];
    const record = await pass(2_000);
    expect(record?.outcome).toBe('enforced');
    expect(record?.unasked).toContainEqual({
      view: 'group:lab',
      reason: 'exemptions let all its names pass',
    });
    expect(keeper.metrics()?.lastSuccessMs.has('group:lab')).toBe(false);
    expect((await pass(5 * MINUTE_MS))?.outcome).toBe('leaking');
  });
});

test('a leak that a sweep found is not forgotten by samples that would ask for other names', {
  tags: 'night',
}, async () => {
  const text = `
probe: { interval: 5m, rate: 10000, listeners: false }
lists:
  - { id: ban, file: ban.txt, format: domains, mandate: true }
groups:
  - { name: default, lists: [ban] }
`;
  const names = Array.from({ length: 4_500 }, (_, index) => `n${index}.example\n`);
  const large = configOf(text, { 'ban.txt': names.join('') });
  const leaking = configOf(text, { 'ban.txt': names.filter((name) => name !== 'n77.example\n').join('') });
  state = stateOf(buildGeneration(large, 1, nowMs), large);
  const putInForce = (of: Config, generation: number): void => {
    for (const { pipeline } of benches) pipeline.setRules(rulesOf(buildGeneration(of, generation, nowMs)));
  };
  putInForce(leaking, 2);
  keeper.changed();
  expect((await pass(2_000))?.coverage?.share).toBe(1);
  const sample = await pass(5 * MINUTE_MS);
  expect(sample?.coverage?.share).toBeLessThan(0.2);
  expect(sample?.outcome).toBe('leaking');
  // The answers that leaked are still in the cache.
  putInForce(large, 3);
  expect((await pass(5 * MINUTE_MS))?.outcome).toBe('enforced');
});

test('an alias that is followed where it must not be is found', async () => {
  // A pipeline whose upstream hides what an alias leads to: the answer alone shows it.
  const hiding: Resolver = {
    resolve: (question, done) =>
      new ProbeZone(world).resolve(question, (resolution) => {
        if (resolution.kind !== 'answer' || !formatName(question.name).startsWith('cname'))
          return done(resolution);
        const name = formatName(question.name);
        const answer = question.type === TYPE.A ? [`${name} 60 IN A 198.51.100.1`] : [];
        return done({ kind: 'answer', message: buildResponse({ question: `${name} A`, answer }) });
      }),
  };
  benches[0]?.pipeline.setResolver(hiding);
  keeper.changed();
  const record = await pass(2_000);
  expect(record?.outcome).toBe('leaking');
  expect(alarms[0]?.examples[0]).toMatch(/^cname/);
});

test('a worker without lists, and one that is gone, are broken', async () => {
  benches[1]?.pipeline.setRules({ ...rulesOf(build()), policy: undefined });
  keeper.changed();
  expect(await pass(2_000)).toMatchObject({ outcome: 'broken' });
  expect(alarms[0]?.examples[0]).toContain('SERVFAIL EDE NOT READY');
  apply(1, build());
  expect((await pass(5 * MINUTE_MS))?.outcome).toBe('enforced');
  isGone = true;
  expect((await pass(5 * MINUTE_MS))?.outcome).toBe('broken');
  expect(alarms.at(-1)?.examples[0]).toContain('worker 1 does not answer the probe');
});

test('an upstream that is dead breaks the control and nothing else', async () => {
  const dead: Resolver = { resolve: (_question, done) => done({ kind: 'failure', reason: 'timeout' }) };
  for (const { pipeline } of benches) pipeline.setResolver(new ProbeZone(dead));
  keeper.changed();
  const record = await pass(2_000);
  expect(record).toMatchObject({ outcome: 'broken' });
  const broken = record?.results.filter(({ outcome }) => outcome === 'broken') ?? [];
  expect(
    broken.flatMap(({ examples }) => examples).every((example) => example.startsWith('example.com A')),
  ).toBe(true);
  expect(keeper.metrics()?.leakedNames).toBe(0);
});

test('runs when it is time, not before, and never without a mandate', async () => {
  expect(await pass(MINUTE_MS)).toBeUndefined();
  expect((await pass(5 * MINUTE_MS))?.event).toBe('sample');
  expect(await pass(4 * MINUTE_MS)).toBeUndefined();
  expect((await pass(MINUTE_MS))?.event).toBe('sample');
  // Nothing was swept yet: an hour after the start it is time.
  expect((await pass(60 * MINUTE_MS))?.event).toBe('sweep');
  keeper.changed();
  expect(await pass(1_000)).toBeUndefined();
  expect((await pass(1_000))?.event).toBe('change');
  nowMs -= 10 * MINUTE_MS;
  expect(await pass(0)).toBeUndefined();
  expect((await pass(5 * MINUTE_MS))?.event).toBe('sample');
  const free = configOf(CONFIG.replaceAll(', mandate: true', ''), FILES);
  state = stateOf(buildGeneration(free, 2, nowMs), free);
  expect(await pass(60 * MINUTE_MS)).toBeUndefined();
  state = undefined;
  expect(await pass(60 * MINUTE_MS)).toBeUndefined();
});

test('an interval of 0 only runs when somebody asks', async () => {
  const never = configOf(CONFIG.replace('interval: 5m', 'interval: 0s'), FILES);
  state = stateOf(buildGeneration(never, 1, nowMs), never);
  keeper.changed();
  expect(await pass(100 * MINUTE_MS)).toBeUndefined();
  const { run } = keeper.requestSweep(undefined);
  await keeper.runDue();
  expect(keeper.run(run)).toMatchObject({ event: 'sweep', outcome: 'enforced' });
  expect(keeper.status()).toMatchObject({ running: null, nextSample: null, nextSweep: null, waiting: [] });
});

describe('a sweep that somebody asks for', () => {
  test('of one group asks for that group, and says nothing about the others', async () => {
    apply(0, build(CONFIG.replaceAll('lists: [ban]', 'lists: []')));
    apply(1, build(CONFIG.replaceAll('lists: [ban]', 'lists: []')));
    keeper.changed();
    await pass(2_000);
    expect(keeper.metrics()?.leakedNames).toBe(3);
    apply(0, build());
    apply(1, build());
    const { run } = keeper.requestSweep('lab');
    await keeper.runDue();
    expect(keeper.run(run)).toMatchObject({ group: 'lab', outcome: 'enforced' });
    expect(new Set(keeper.run(run)?.results.map(({ view }) => view))).toEqual(new Set(['group:lab']));
    const failing = keeper.metrics()?.results.filter(({ isEnforced }) => !isEnforced) ?? [];
    expect(new Set(failing.map(({ view }) => view))).toEqual(
      new Set(['group:default', 'group:half', 'group:other-half']),
    );
    expect(alarms).toHaveLength(1);
  });

  test('of an unknown group is refused', () => {
    expect(() => keeper.requestSweep('nobody')).toThrow(expect.objectContaining({ code: 'ERR_APP_PROBE' }));
  });

  test('is asked for once when several ask, and shown while it waits and when it is over', async () => {
    const first = keeper.requestSweep(undefined);
    const others = [keeper.requestSweep('lab'), keeper.requestSweep('lab')];
    expect(others[0]).toEqual(others[1]);
    await keeper.runDue();
    const { runs, last, waiting } = keeper.status();
    expect(waiting).toEqual([]);
    expect(runs.map(({ run }) => run)).toEqual([others[0]?.run, first.run]);
    expect(last?.run).toBe(others[0]?.run);
    expect(runs[0]).not.toHaveProperty('results');
  });
});

test('nothing is asked while a change is under way, and what was asked before does not count', async () => {
  keeper.changing();
  keeper.requestSweep(undefined);
  expect(await pass(60 * MINUTE_MS)).toBeUndefined();
  keeper.changed();
  const generation = build(CONFIG.replace('lists: [ban]', 'lists: [short]'), 2);
  let looks = 0;
  onLook = () => {
    // In the middle of the run the default group gets a list without one name, at the workers and in what is expected.
    if (++looks !== 200) return;
    keeper.changing();
    apply(0, generation);
    apply(1, generation);
    state = stateOf(generation);
    keeper.changed();
  };
  await keeper.runDue();
  expect(records).toMatchObject([{ outcome: 'enforced', generation: 2 }]);
  expect(viewsOf(records[0])).toContain('group:default');
});

test('listeners are asked from this host, whose ports are told', async () => {
  const asked = configOf(CONFIG.replace('listeners: false', 'listeners: true'), FILES);
  const generation = buildGeneration(asked, 1, nowMs);
  const [bench] = benches;
  if (bench === undefined) throw new Error('no bench');
  const udp = await UdpListener.open({
    endpoint: { address: '127.0.0.1', port: 0, family: 4 },
    name: '',
    shared: false,
    pipeline: bench.pipeline,
    observer: { dropped: () => {}, settled: () => {} },
    isOwn: () => false,
  });
  const endpoint = { address: '127.0.0.1', port: udp.port, family: 4 } as const;
  try {
    state = { ...stateOf(generation, asked), listen: [endpoint] };
    keeper.changed();
    const record = await pass(2_000);
    const view = `listener:${formatEndpoint(endpoint)}`;
    const results = record?.results.filter((result) => result.view === view) ?? [];
    const outcomes = Object.fromEntries(results.map(({ transport, outcome }) => [transport, outcome]));
    // Nobody listens for TCP there.
    expect(outcomes).toEqual({ udp: 'enforced', tcp: 'broken' });
    expect(record?.outcome).toBe('broken');
    const open = new Set(ports.filter(([, isOpen]) => isOpen).map(([port]) => port));
    expect(open.size).toBeGreaterThan(0);
    expect(new Set(ports.filter(([, isOpen]) => !isOpen).map(([port]) => port))).toEqual(open);
  } finally {
    await udp.close();
  }
});

test('a list whose file cannot be read any more is broken, not forgotten', async () => {
  const gone = configOf(CONFIG, FILES);
  const generation = buildGeneration(gone, 5, nowMs);
  const [ban] = generation.lists;
  if (ban === undefined) throw new Error('no list');
  const lists = generation.lists.map((facts) =>
    facts === ban
      ? { ...facts, loaded: Object.assign(Object.create(facts.loaded), { sha256: 'other' }) }
      : facts,
  );
  state = stateOf({ ...generation, lists }, gone);
  keeper.changed();
  const record = await pass(2_000);
  expect(record?.outcome).toBe('broken');
  expect(record?.unasked).toContainEqual({
    view: 'list:ban',
    reason: 'its file has changed since it was put in force',
  });
});
