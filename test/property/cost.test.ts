// Cost is a property: what a byte of a message, a list or a request takes is bounded, stage by stage, and grows with the bytes.
//
// Measured again is the dearest that npm run fuzz:cost has found, and a loop that costs the square of what stands in an input is
// seen wherever it is planted. Costs are the processor's time in bytes of a plain loop; noise only adds to them, so what was
// once within its bound is within it. Other tests have used the same code in other ways in this process, which makes it
// slower: the allowance is for that.
import { beforeAll, describe, expect, test } from 'vitest';
import { parsePrefix } from '../../src/base/base.ts';
import type { ListFormat } from '../../src/base/words/words.ts';
import { precedenceOf } from '../../src/policy/generation/build.ts';
import { feedRules } from '../../src/policy/lists/lists.ts';
import { PolicyTable, TableBuilder, Verdict } from '../../src/policy/policy.ts';
import { nameFrom, TRIGGER, TYPE } from '../../src/wire/dns/dns.ts';
import { readKnown } from '../soak/cost/corpus.ts';
import { count, type Genome, parseGenome } from '../soak/cost/genome.ts';
import { calibrate, measure } from '../soak/cost/measure.ts';
import { PLANTS, plantIn } from '../soak/cost/plants.ts';
import { type Found, growthOf, type Stage } from '../soak/cost/search.ts';
import { breachesOf, GROWTH_MAX, STAGES, TURN_UNITS } from '../soak/cost/stages.ts';
import { inTwo } from '../support/night.ts';
import { readerOf } from '../unit/lists/rule-log.ts';

const ALLOWANCE = 2;
/** Runs until one is within its bound, and for so long at least, milliseconds: short ones are compiled behind some hundred. */
const RUNS_MAX = 60;
const TRIED_MS = 2_000;
/** Of a run, nanoseconds. */
const LONG_NS = 1e6;
/** Runs of each seed where something was planted. */
const RUNS_OF_SEED = 2;

let unitNs = 0;
beforeAll(() => {
  unitNs = calibrate();
});

/** What is above its bound in each of many runs; undefined as soon as one run is within all. */
const excessOf = async (stage: Stage, genome: Genome): Promise<string | undefined> => {
  const task = stage.load(genome);
  if (task === undefined) return undefined;
  let excess: string | undefined;
  const untilMs = performance.now() + TRIED_MS;
  for (let run = 0; run < RUNS_MAX || performance.now() < untilMs; run++) {
    const { ns, perByteNs, turnNs } = await measure(task, 1);
    // Whoever shares the machine's processors slows down what is long for all of its time, and the plain loop behind it as well;
    // what is short has its moments, and finds its memory near.
    const isLong = ns > LONG_NS;
    const plainNs = run === 0 || isLong ? calibrate() : unitNs;
    unitNs = Math.min(unitNs, plainNs);
    const unit = isLong ? plainNs : unitNs;
    const perByte = perByteNs / unit / ALLOWANCE;
    const turn = stage.isTurn ? turnNs / unit / ALLOWANCE : 0;
    if (perByte <= stage.bound && turn <= TURN_UNITS) return undefined;
    excess = `a byte costs ${perByte.toFixed(0)}, the turn ${turn.toFixed(0)}`;
  }
  return excess;
};

describe('the dearest inputs that were found', () => {
  for (const [options, known] of inTwo(readKnown(), (_, index) => index % 6 === 0))
    test.each(known)('$stage: $genome', options, async ({ stage: name, genome }) => {
      const stage = STAGES.find((one) => one.name === name);
      if (stage === undefined) throw new RangeError(`no stage is named ${name}`);
      expect(await excessOf(stage, parseGenome(stage.genes, genome))).toBeUndefined();
    });

  test('are known of each stage', () => {
    const names = new Set(readKnown().map(({ stage }) => stage));
    expect(STAGES.filter(({ name }) => !names.has(name)).map(({ name }) => name)).toEqual([]);
  });
});

/** What is wrong with the dearest of a stage's seeds. */
const findBreaches = async (stage: Stage): Promise<string[]> => {
  const all: Found[] = [];
  for (const seed of stage.seeds) {
    const genome = parseGenome(stage.genes, seed);
    const task = stage.load(genome);
    if (task !== undefined) all.push({ genome, ...(await measure(task, RUNS_OF_SEED)) });
  }
  const worst = all.toSorted((a, b) => b.perByteNs - a.perByteNs)[0];
  const longest = all.toSorted((a, b) => b.turnNs - a.turnNs)[0];
  if (worst === undefined || longest === undefined) throw new Error(`${stage.name} has no seed`);
  return breachesOf({ stage, tried: all.length, worst, longest, growth: undefined }, unitNs);
};

describe('a quadratic loop', () => {
  for (const [options, kinds] of inTwo([...PLANTS.keys()], (kind) =>
    ['fields', 'labels', 'records'].includes(kind),
  ))
    test.each(kinds)('over %s is found', options, async (kind) => {
      const stage = plantIn(kind);
      if (stage === undefined) throw new RangeError(`no plant is named ${kind}`);
      let breaches: string[] = [];
      for (let run = 0; run < RUNS_MAX && breaches.length === 0; run++) {
        // On a machine that does other work the plain loop may have looked dear.
        unitNs = Math.min(unitNs, calibrate());
        breaches = await findBreaches(stage);
      }
      expect(breaches).not.toEqual([]);
    });

  /** Bytes that cost so many steps each. */
  const growing = (steps: (bytes: number) => number): Stage => ({
    name: 'growing',
    genes: { bytes: count(100_000) },
    seeds: [],
    bound: 1,
    isTurn: false,
    load: ({ bytes = 0 }) => ({
      bytes,
      counts: {},
      run: () => {
        for (let i = steps(bytes); i > 0; i--) sum = (Math.imul(sum ^ i, 31) + i) | 0;
      },
    }),
  });

  test('is told by its growth', async () => {
    expect(
      await growthOf(
        growing((bytes) => bytes ** 2),
        { bytes: 3_000 },
      ),
    ).toBeGreaterThan(GROWTH_MAX);
    expect(
      await growthOf(
        growing((bytes) => 100 * bytes),
        { bytes: 50_000 },
      ),
    ).toBeLessThan(GROWTH_MAX);
  });
});

describe('a list decides little about what a query costs', () => {
  const FEW = 2_000;
  const MANY = 16_000;
  const ZONE = '$TTL 60\n@ SOA a. b. 1 1 1 1 1\n';
  const linesOf = (lines: number, line: (i: number) => string): string =>
    Array.from({ length: lines }, (_, i) => line(i)).join('');
  const LISTS: readonly (readonly [string, ListFormat, (lines: number) => string])[] = [
    [
      'of rules for one name under conditions',
      'adblock',
      (lines) => linesOf(lines, (i) => `||a.test^$client=10.9.${i >> 8}.${i & 255}\n`),
    ],
    [
      'of rules for one prefix of clients',
      'rpz',
      (lines) => ZONE + linesOf(lines, (i) => `${8 + (i % 2)}.0.0.0.10.rpz-client-ip CNAME rpz-drop.\n`),
    ],
    [
      'of many answers for one name',
      'rpz',
      (lines) => ZONE + linesOf(lines, (i) => `a.test CNAME a${i}.test.\nb.test CNAME .\n`),
    ],
    ['of one name', 'adblock', (lines) => linesOf(lines, () => '||a.b^\n')],
  ];
  const names = [nameFrom('x.a.test'), nameFrom('a.test'), nameFrom('a.b')];
  const client = parsePrefix('10.1.2.3')?.words;

  const costOf = async (format: ListFormat, text: string): Promise<number> => {
    const builder = new TableBuilder();
    feedRules(format, readerOf(text), builder.sinkFor(0, precedenceOf(format)), { origin: 'zone.test' });
    const table = new PolicyTable(builder.build(), 1, 1);
    const verdict = new Verdict();
    if (client !== undefined) verdict.client = client;
    const run = (): void => {
      for (const name of names) {
        verdict.clear(1);
        verdict.qtype = TYPE.A;
        table.matchClient(verdict.client, 1, verdict);
        table.matchName(name, 0, name.length, 1, TRIGGER.QNAME, verdict);
      }
    };
    return (await measure({ bytes: 1, counts: {}, run }, 50)).ns;
  };

  test.each(LISTS)('%s', async (_, format, make) => {
    // Eight times the lines; the least of many runs, and what is short has a floor.
    const few = await costOf(format, make(FEW));
    expect(await costOf(format, make(MANY))).toBeLessThan(2 * few + 20_000);
  });
});

let sum = 0;
