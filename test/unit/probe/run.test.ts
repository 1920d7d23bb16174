// A run of the probe against servers that refuse, and against servers that do not quite: each flaw is found, and told
// from the others.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PLAIN_WAYS, ProbeChannel } from '../../../src/evidence/probe/channel.ts';
import { NULL_ADDRESSES, type RefusalForm } from '../../../src/evidence/probe/judge.ts';
import { ProbePlan } from '../../../src/evidence/probe/plan.ts';
import type { PlanFacts, ProbeQuestion } from '../../../src/evidence/probe/plan-facts.ts';
import {
  type ProbeRun,
  type ProbeRunOptions,
  runProbe,
  sumUpViews,
  toProbeRecord,
} from '../../../src/evidence/probe/run.ts';
import { createEde, EDE, FLAG, OPTION, RCODE, TYPE } from '../../../src/wire/dns/dns.ts';
import {
  answer,
  answerCode,
  type ScriptedQuery,
  type ScriptedReply,
  ScriptedUpstream,
} from '../../support/scripted-upstream.ts';

const NAMES = ['tiktok.example', 'muscdn.example', 'byteoversea.example'];
const LEAKING = 'muscdn.example';
/** For answers that come: no machine is so slow. */
const ANSWER_MS = 20_000;
/** For answers that do not come. */
const SILENCE_MS = 50;

let workers: ScriptedUpstream[] = [];
/** Questions that are met with silence. */
let isSilent: (question: ProbeQuestion) => boolean = () => false;
let channel: ProbeChannel;
beforeEach(async () => {
  workers = [await ScriptedUpstream.open(), await ScriptedUpstream.open()];
  channel = new ProbeChannel(PLAIN_WAYS);
  isSilent = () => false;
});
afterEach(async () => {
  channel.close();
  await Promise.all(workers.map((worker) => worker.close()));
});

const blocked = createEde(EDE.BLOCKED);
const BLOCKED = Uint8Array.from([0, OPTION.EDE, 0, blocked.length, ...blocked]);

/** A refusal as a Cordon writes it. */
const refuse = (query: ScriptedQuery): Uint8Array =>
  answer(query, [], {
    flags: FLAG.QR | FLAG.RD | FLAG.RA | RCODE.NXDOMAIN,
    authority: [`${query.name} 30 IN SOA ${query.name} hostmaster.invalid. 1 3600 1200 604800 30`],
    edns: { options: BLOCKED },
  });

const RECORDS: Readonly<Record<number, string>> = {
  [TYPE.A]: 'A 198.51.100.1',
  [TYPE.AAAA]: 'AAAA 2001:db8::2',
  [TYPE.HTTPS]: 'HTTPS 1 . alpn=h2',
  [TYPE.ANY]: 'A 198.51.100.1',
};

const leak = (query: ScriptedQuery): Uint8Array =>
  answer(query, [`${query.name} 60 IN ${RECORDS[query.type] ?? RECORDS[TYPE.A]}`], { edns: {} });

/** What a sound server does with names that nobody refuses. */
const isControl = ({ name }: ScriptedQuery): boolean =>
  name === 'example.com.' || name === 'plain.probe.cordon.invalid.';

const isOf = (query: Pick<ScriptedQuery, 'name'>, name: string): boolean =>
  `.${query.name.toLowerCase()}`.includes(`.${name}.`);

type Flaw = (query: ScriptedQuery) => ScriptedReply | 'sound';

/** Lets all workers behave soundly but for a flaw. */
const behave = (flaw: Flaw, of: readonly ScriptedUpstream[] = workers): void => {
  for (const worker of of) {
    worker.onQuery((query) => {
      const reply = flaw(query);
      if (reply !== 'sound') return reply;
      return isControl(query) ? leak(query) : refuse(query);
    });
  }
};

const factsWith = (form: RefusalForm = { kind: 'nxdomain' }, names = NAMES): PlanFacts => ({
  generation: 3,
  lists: [{ id: 'tiktok', forms: [form], names: names.length, prefixes: 0 }],
  names: names.map((name, index) => ({ name, list: 0, line: index + 1, match: 'suffix' as const })),
  prefixes: [],
  views: [{ id: 'group:lab', kind: 'group', lists: [0], transports: ['udp', 'tcp'], isAllowed: true }],
  controls: ['example.com'],
  workers: 2,
});

const planOf = (facts: PlanFacts, again: readonly ProbeQuestion[] = []): ProbePlan =>
  new ProbePlan(facts, { questionsMax: 10_000, isSweep: true, seed: 5, again });

const run = (facts = factsWith(), options: Partial<ProbeRunOptions> = {}): Promise<ProbeRun | undefined> =>
  runProbe({
    createPlan: () => Promise.resolve(planOf(facts)),
    ask: (question) => {
      const server = workers[question.worker]?.endpoint;
      if (server === undefined) throw new RangeError(`worker ${question.worker}`);
      const transport = question.transport === 'udp' ? 'udp' : 'tcp';
      const timeoutMs = isSilent(question) ? SILENCE_MS : ANSWER_MS;
      return channel.ask({ server, transport, timeoutMs }, question);
    },
    epoch: () => 0,
    isExempted: () => false,
    rate: () => 100_000,
    clock: Date.now,
    signal: new AbortController().signal,
    pause: () => new Promise(setImmediate),
    ...options,
  });

const complete = async (...args: Parameters<typeof run>): Promise<ProbeRun> => {
  const found = await run(...args);
  if (found === undefined) throw new Error('the run came to no end');
  return found;
};

const leakingCells = ({ results }: ProbeRun): string[] =>
  results
    .filter(({ outcome }) => outcome === 'leaking')
    .map(({ transport, qtype }) => `${transport} ${qtype}`);

const ALL = ['A', 'AAAA', 'ANY', 'HTTPS'];
const cells = (transports: readonly string[], types: readonly string[]): string[] =>
  transports.flatMap((transport) => types.map((type) => `${transport} ${type}`)).sort();
const BOTH = ['tcp', 'udp'];

test('everything refused and every control resolved is enforced', async () => {
  behave(() => 'sound');
  const found = await complete();
  expect(found).toMatchObject({
    outcome: 'enforced',
    failures: [],
    failingNames: 0,
    generation: 3,
    isSilent: false,
  });
  expect(found.results.map(({ transport, qtype }) => `${transport} ${qtype}`)).toEqual(cells(BOTH, ALL));
  expect(found.asked).toBe(workers.reduce((sum, worker) => sum + worker.count(), 0));
  expect(found.coverage).toEqual({ names: 3, asked: 3, share: 1 });
});

describe('a leak is found', () => {
  test.each<[string, (query: ScriptedQuery) => boolean, string[]]>([
    ['of one name', (query) => isOf(query, LEAKING), cells(BOTH, ALL)],
    ['of one type', ({ type }) => type === TYPE.HTTPS, cells(BOTH, ['HTTPS'])],
    ['with DO only', ({ dnssecOk }) => dnssecOk, cells(BOTH, ALL)],
    ['with CD only', ({ cd }) => cd, cells(BOTH, ALL)],
    ['over TCP only', ({ transport }) => transport === 'tcp', cells(['tcp'], ALL)],
    ['in capital letters only', ({ name }) => name !== name.toLowerCase(), cells(BOTH, ALL)],
    ['below a name only', ({ name }) => /^p[0-9a-f]{8}\./i.test(name), cells(BOTH, ALL)],
  ])('%s', async (_title, isLeaking, expected) => {
    behave((query) => (isLeaking(query) && !isControl(query) ? leak(query) : 'sound'));
    const found = await complete();
    expect(found.outcome).toBe('leaking');
    // A way may not have met each pair of transport and type of a few names with aliases; each type was met.
    for (const cell of leakingCells(found)) expect(expected).toContain(cell);
    const types = (of: readonly string[]): string[] =>
      [...new Set(of.map((cell) => cell.split(' ')[1] ?? ''))].sort();
    expect(types(leakingCells(found))).toEqual(types(expected));
    expect(found.leakedNames).toBeGreaterThan(0);
  });

  test('by alias only', async () => {
    behave(({ name, ...query }) =>
      /^(?:cname2?|dname|https-alias|https-target)\./.test(name) ? leak({ name, ...query }) : 'sound',
    );
    const found = await complete();
    expect(found.outcome).toBe('leaking');
    expect(found.failures.every(({ question }) => question.purpose === 'alias')).toBe(true);
    expect(new Set(found.failures.map(({ question }) => question.name.split('.')[0]))).toEqual(
      new Set(['cname', 'cname2', 'dname', 'https-alias', 'https-target']),
    );
  });

  test('at one worker only', async () => {
    behave(() => 'sound');
    behave((query) => (isControl(query) ? 'sound' : leak(query)), workers.slice(1));
    const found = await complete();
    expect(found.outcome).toBe('leaking');
    expect(found.failures.every(({ question }) => question.worker === 1)).toBe(true);
  });

  test('of an address beside NXDOMAIN', async () => {
    behave((query) =>
      isControl(query)
        ? 'sound'
        : answer(query, [`${query.name} 60 IN A 198.51.100.1`], {
            flags: FLAG.QR | FLAG.RA | RCODE.NXDOMAIN,
            edns: { options: BLOCKED },
          }),
    );
    expect((await complete()).outcome).toBe('leaking');
  });

  test('behind a truncated answer', async () => {
    behave((query) => {
      if (isControl(query)) return 'sound';
      return query.transport === 'udp' ? answerCode(query, 0, FLAG.TC) : 'sound';
    });
    expect((await complete()).outcome).toBe('enforced');
    behave((query) => {
      if (isControl(query)) return 'sound';
      return query.transport === 'udp' ? answerCode(query, 0, FLAG.TC) : leak(query);
    });
    expect(leakingCells(await complete())).toEqual(cells(BOTH, ALL));
  });

  test('and told with the question and what came', async () => {
    behave((query) => (isOf(query, LEAKING) ? leak(query) : 'sound'));
    const { results, failingNames, leakedNames } = await complete();
    expect({ failingNames, leakedNames }).toEqual({ failingNames: 1, leakedNames: 1 });
    const example =
      results.find(({ qtype }) => qtype === 'AAAA')?.examples.find((text) => !text.includes('probe')) ?? '';
    expect(example).toMatch(/muscdn\.example AAAA (?:tcp|udp).*: NOERROR .* AAAA 2001:db8::2$/i);
  });
});

describe('what is no leak and no refusal is broken', () => {
  test('SERVFAIL', async () => {
    behave((query) => (isControl(query) ? 'sound' : answerCode(query, RCODE.SERVFAIL)));
    const found = await complete();
    expect(found).toMatchObject({ outcome: 'broken', leakedNames: 0, failingNames: 3 });
  });

  test('silence, which is not asked for a third time', async () => {
    isSilent = ({ name }) => isOf({ name: `${name}.` }, LEAKING);
    behave((query) => (isOf(query, LEAKING) ? undefined : 'sound'));
    const found = await complete();
    expect(found).toMatchObject({ outcome: 'broken', leakedNames: 0, failingNames: 1 });
    const silent = workers.flatMap(({ queries }) => queries).filter((query) => isOf(query, LEAKING));
    expect(silent).toHaveLength(2 * found.failures.length);
  });

  test('silence of everything', async () => {
    isSilent = () => true;
    behave(() => undefined);
    const found = await complete();
    expect(found).toMatchObject({ outcome: 'broken', isSilent: true, isCutShort: true });
    expect(found.asked).toBeLessThan(planOf(factsWith()).countMax);
    expect(found.coverage.share).toBeLessThan(1);
  });

  test('a control that does not resolve', async () => {
    behave((query) => (isControl(query) ? refuse(query) : 'sound'));
    const found = await complete();
    expect(found).toMatchObject({ outcome: 'broken', failingNames: 0 });
    expect(found.failures.every(({ question }) => question.purpose === 'control')).toBe(true);
  });

  test('a refusal in another form than the list has', async () => {
    behave(() => 'sound');
    expect((await complete(factsWith({ kind: 'nodata' }))).outcome).toBe('broken');
  });

  test('a port that is closed', async () => {
    behave(() => 'sound');
    const closed = await ScriptedUpstream.open();
    await closed.close();
    const ask: ProbeRunOptions['ask'] = (question) =>
      channel.ask({ server: closed.endpoint, transport: 'udp', timeoutMs: SILENCE_MS }, question);
    const found = await complete(factsWith(undefined, ['tiktok.example']), { ask });
    expect(found).toMatchObject({ outcome: 'broken', isSilent: true });
  });
});

test('one lost answer is no finding', async () => {
  const lost = new Set<ProbeQuestion>();
  isSilent = (question) => {
    const isFirst = question.transport === 'udp' && !lost.has(question);
    if (isFirst) lost.add(question);
    return isFirst;
  };
  const met = new Set<string>();
  behave((query) => {
    const key = `${query.name} ${query.type}`;
    if (query.transport === 'tcp' || met.has(key)) return 'sound';
    met.add(key);
    return undefined;
  });
  expect((await complete()).outcome).toBe('enforced');
});

test('null addresses are a refusal where the list says so', async () => {
  behave((query) => {
    if (isControl(query)) return 'sound';
    const isIpv6 = query.type === TYPE.AAAA;
    const record = isIpv6 ? `${query.name} 30 IN AAAA ::` : `${query.name} 30 IN A 0.0.0.0`;
    const isAddress = isIpv6 || query.type === TYPE.A;
    return answer(query, isAddress ? [record] : [], { edns: { options: BLOCKED } });
  });
  expect((await complete(factsWith({ kind: 'address', addresses: NULL_ADDRESSES }))).outcome).toBe(
    'enforced',
  );
});

test('silence is a refusal where the list drops', async () => {
  isSilent = ({ rule }) => rule !== undefined;
  behave((query) => (isControl(query) ? 'sound' : undefined));
  const found = await complete(factsWith({ kind: 'drop' }, ['tiktok.example']));
  expect(found.outcome).toBe('enforced');
});

test('names that an exemption lets pass are left out, also when it began meanwhile', async () => {
  behave((query) => (isOf(query, LEAKING) ? leak(query) : 'sound'));
  const ofLeaking = ({ rule }: ProbeQuestion): boolean =>
    rule !== undefined && 'name' in rule && rule.name === LEAKING;
  const exempted = await complete(factsWith(), { isExempted: ofLeaking });
  expect(exempted).toMatchObject({ outcome: 'enforced', exemptedViews: [] });
  expect(exempted.exempted).toBeGreaterThan(0);
  let count = 0;
  const began = await complete(factsWith(), {
    isExempted: (question) => ofLeaking(question) && ++count > 20,
  });
  expect(began.outcome).toBe('enforced');
  const whole = await complete(factsWith(), { isExempted: ({ rule }) => rule !== undefined });
  expect(whole.exemptedViews).toEqual(['group:lab']);
});

describe('a change in the middle', () => {
  test('throws away what was found, and asks what is now in force', async () => {
    let epoch = 0;
    const generations = [1, 2];
    // Until the change one name leaks, and the list that comes with it has that name no more.
    behave((query) => (isOf(query, LEAKING) ? leak(query) : 'sound'));
    let asked = 0;
    const plans: number[] = [];
    const found = await complete(factsWith(), {
      epoch: () => epoch,
      createPlan: () => {
        const generation = generations.shift() ?? 0;
        plans.push(generation);
        const names = generation === 1 ? NAMES : NAMES.filter((name) => name !== LEAKING);
        return Promise.resolve(planOf({ ...factsWith(undefined, names), generation }));
      },
      isExempted: () => {
        if (++asked === 120) epoch++;
        return false;
      },
    });
    expect(plans).toEqual([1, 2]);
    expect(found).toMatchObject({ generation: 2, outcome: 'enforced' });
  });

  test('is asked about at its own rate, and not at that of what was in force before', async () => {
    let epoch = 0;
    let nowMs = 0;
    behave(() => 'sound');
    const found = await complete(factsWith(), {
      epoch: () => epoch,
      rate: () => (epoch === 0 ? 1 : 1_000),
      stopwatch: () => nowMs,
      pause: (ms) => {
        nowMs += ms;
        if (nowMs > 3_000) epoch = 1;
        return new Promise(setImmediate);
      },
    });
    expect(found.asked).toBeGreaterThan(20);
    expect(nowMs).toBeLessThan(3_000 + 1_000 + found.asked * 2);
  });

  test('that never ends leads to no result', async () => {
    let epoch = 0;
    behave(() => 'sound');
    expect(await run(factsWith(), { epoch: () => epoch++ })).toBeUndefined();
  });

  test('an abort ends the run', async () => {
    const abort = new AbortController();
    behave(() => 'sound');
    const ending = run(factsWith(), {
      signal: abort.signal,
      onProgress: () => abort.abort(),
      rate: () => 10,
    });
    expect(await ending).toBeUndefined();
  });
});

test('keeps to its rate', async () => {
  behave(() => 'sound');
  let nowMs = 1_000;
  const found = await complete(factsWith(), {
    rate: () => 100,
    stopwatch: () => nowMs,
    pause: (ms) => {
      nowMs += ms;
      return new Promise(setImmediate);
    },
  });
  expect(nowMs - 1_000).toBeGreaterThanOrEqual((found.asked - 1) * 10 - 1);
});

test('what failed is asked again in the same way, as long as it is in the list', async () => {
  behave((query) => (isOf(query, LEAKING) ? leak(query) : 'sound'));
  const { failures } = await complete();
  const again = failures.map(({ question }) => question);
  const [first] = planOf(factsWith(), again).questions();
  expect(first).toEqual(again[0]);
  const others = factsWith(undefined, ['tiktok.example']);
  const rules = [...planOf(others, again).questions()].map(({ rule }) => rule);
  expect(rules.some((rule) => rule !== undefined && 'name' in rule && rule.name === LEAKING)).toBe(false);
});

test('a record of a sample has one line for a view that is in order', async () => {
  behave(() => 'sound');
  const found = await complete();
  const record = toProbeRecord(found, 'sample', found.outcome, [], []);
  expect(record.results).toEqual([
    {
      view: 'group:lab',
      transport: '*',
      qtype: '*',
      outcome: 'enforced',
      asked: found.asked,
      leaked: 0,
      failed: 0,
      examples: [],
    },
  ]);
  expect(record).toMatchObject({ kind: 'probe', event: 'sample', generation: 3, coverage: { share: 1 } });
  expect(toProbeRecord(found, 'sweep', 'enforced', [], []).results).toHaveLength(8);
  behave((query) => (query.type === TYPE.HTTPS ? leak(query) : 'sound'));
  expect(sumUpViews((await complete()).results)).toHaveLength(8);
});
