// Looks for the message, list or request that costs most, stage by stage, and says whether cost is linear in bytes.
//
//   npm run fuzz:cost -- [--minutes N] [--seed N] [--stage NAME,…] [--plant KIND] [--save]     one minute by default
//
// The generator is a genome of counts and lengths (test/soak/cost/genome.ts), the search climbs hills (search.ts), and cost is the
// processor's time in bytes of a plain loop that is measured in the same run (measure.ts): so the bounds hold on a machine that is
// slower. Prints the dearest of each stage as it goes, and a table. Exit status 1 at a breach: a byte that costs more than its
// stage may, a turn that is too long, or cost that grows faster than bytes. `--save` adds the dearest to test/corpus/cost;
// `--plant` puts a quadratic loop into a stage, which has to be found.
import { parseArgs } from 'node:util';
import { formatTable } from '../../bench/table.ts';
import { createRandom } from '../support/mutate.ts';
import { addKnown, readKnown } from './cost/corpus.ts';
import { formatGenome } from './cost/genome.ts';
import { calibrate } from './cost/measure.ts';
import { PLANTS, plantIn } from './cost/plants.ts';
import { growthOf, measureAgain, Search, type Stage } from './cost/search.ts';
import { breachesOf, type Judged, STAGES, TURN_UNITS } from './cost/stages.ts';

/** What a stage gets before the next one has its turn. */
const SLICE_MS = 2_000;
const PROGRESS_MS = 30_000;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const fail = (problem: string): number => {
  process.stderr.write(
    `fuzz:cost: ${problem}\nusage: npm run fuzz:cost -- [--minutes N] [--seed N] [--stage NAME,…] [--plant KIND] [--save]\n`,
  );
  return 2;
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: `${Math.floor(Math.random() * 0x1_0000_0000)}` },
      stage: { type: 'string' },
      plant: { type: 'string' },
      save: { type: 'boolean', default: false },
    },
  });
  const minutes = Number(values.minutes);
  const seed = Number(values.seed);
  if (!(minutes > 0) || !Number.isInteger(seed)) return fail('minutes and seed are numbers');
  const names = values.stage?.split(',');
  const planted = values.plant === undefined ? undefined : plantIn(values.plant);
  if (values.plant !== undefined && planted === undefined)
    return fail(`no plant is named ${values.plant}: there are ${[...PLANTS.keys()].join(', ')}`);
  const stages =
    planted === undefined ? STAGES.filter(({ name }) => names?.includes(name) !== false) : [planted];
  if (stages.length === 0) return fail(`stages are ${STAGES.map(({ name }) => name).join(', ')}`);
  return run(stages, minutes * 60_000, seed, values.save);
};

const run = async (
  stages: readonly Stage[],
  ms: number,
  seed: number,
  isSaving: boolean,
): Promise<number> => {
  const random = createRandom(seed);
  const known = readKnown();
  const startMs = performance.now();
  const end = startMs + ms;
  let unitNs = calibrate();
  print(
    `fuzz:cost: ${stages.length} stages, ${ms / 60_000} minutes, seed ${seed}, a byte takes ${unitNs.toFixed(2)} ns`,
  );
  const searches = stages.map((stage) => new Search(stage, random));
  for (const search of searches)
    await search.begin(known.filter(({ stage }) => stage === search.stage.name).map(({ genome }) => genome));
  let progressAt = performance.now() + PROGRESS_MS;
  while (performance.now() < end) {
    const slice = Math.min(SLICE_MS, (end - performance.now()) / searches.length + 1);
    for (const search of searches) {
      unitNs = Math.min(unitNs, calibrate());
      await search.goOn(slice);
      if (performance.now() < progressAt) continue;
      progressAt = performance.now() + PROGRESS_MS;
      const shown = searches.map(
        ({ stage, findings: { worst } }) => `${stage.name} ${(worst.perByteNs / unitNs).toFixed(0)}`,
      );
      print(`${Math.round((performance.now() - startMs) / 1000)} s: ${shown.join(', ')}`);
    }
  }
  const judged: Judged[] = [];
  for (const { findings } of searches) {
    const { stage } = findings;
    const worst = (await measureAgain(stage, findings.worst.genome)) ?? findings.worst;
    const longest = (await measureAgain(stage, findings.longest.genome)) ?? findings.longest;
    judged.push({ ...findings, worst, longest, growth: await growthOf(stage, worst.genome) });
  }
  unitNs = Math.min(unitNs, calibrate());
  const breaches = judged.flatMap((one) => breachesOf(one, unitNs));
  for (const line of formatTable(tableOf(judged, unitNs))) print(line);
  print(
    `fuzz:cost: a byte of the plain loop takes ${unitNs.toFixed(2)} ns; a turn may take ${((TURN_UNITS * unitNs) / 1e6).toFixed(1)} ms`,
  );
  for (const { stage, worst, longest } of judged) {
    print(`${stage.name}: ${formatGenome(stage.genes, worst.genome)}`);
    if (longest.genome !== worst.genome) print(`${stage.name}: ${formatGenome(stage.genes, longest.genome)}`);
  }
  if (isSaving)
    addKnown(
      judged.flatMap(({ stage, worst, longest }) =>
        [worst, ...(stage.isTurn ? [longest] : [])].map(({ genome }) => ({
          stage: stage.name,
          genome: formatGenome(stage.genes, genome),
        })),
      ),
    );
  for (const breach of breaches) print(`breach: ${breach}`);
  print(
    `fuzz:cost: ${judged.reduce((sum, { tried }) => sum + tried, 0)} inputs, ${breaches.length} breaches, seed ${seed}`,
  );
  return breaches.length > 0 ? 1 : 0;
};

const tableOf = (judged: readonly Judged[], unitNs: number) => ({
  head: [
    'stage',
    'inputs',
    'a byte costs',
    'of at most',
    'ns',
    'bytes',
    'twice the bytes',
    'longest turn, ms',
    'of bytes',
    'ok',
  ],
  rows: judged.map((one) => {
    const { stage, worst, longest, growth, tried } = one;
    return [
      stage.name,
      `${tried}`,
      (worst.perByteNs / unitNs).toFixed(0),
      `${stage.bound}`,
      worst.perByteNs.toFixed(1),
      `${worst.bytes}`,
      growth?.toFixed(1) ?? '',
      stage.isTurn ? (longest.turnNs / 1e6).toFixed(2) : '',
      stage.isTurn ? `${longest.bytes}` : '',
      breachesOf(one, unitNs).length > 0 ? 'no' : 'yes',
    ];
  }),
});

process.exitCode = await main();
