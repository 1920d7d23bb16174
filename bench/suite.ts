// What a suite is, and the comparison that most of them make: ours and another server in turns.
//
// Absolute figures wander on a shared machine, and only neighbors in time compare: the order of a round is ours, A,
// ours, B, …, and a ratio is always that of a run to the run of ours just before it. Medians over the rounds count.
import type { Contender, Server, Work } from './contender.ts';
import { median, type Sample } from './load.ts';
import type { Host, ListedNames, QueryFile } from './names.ts';
import type { Table } from './table.ts';

/** What all suites of a run share. */
export interface Context {
  readonly directory: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly isQuick: boolean;
  readonly upstreamPort: number;
  readonly hosts: readonly Host[];
  readonly shipped: ListedNames;
  /** Made when first asked for. */
  million(): ListedNames;
  /** Fills caches with every host. */
  readonly warmUp: QueryFile;
  readonly limit: Contender;
  readonly peers: readonly Contender[];
  /** Tells the user what is going on. */
  print(text: string): void;
}

/** Whether a goal is met, in a sentence with its figure. */
export interface Verdict {
  readonly holds: boolean;
  readonly text: string;
}

/** What a suite found. */
export interface SuiteResult {
  readonly conditions: readonly string[];
  readonly tables: readonly Table[];
  readonly verdicts: readonly Verdict[];
  /** Figures that must not be trusted or must not happen: lost queries, unfiltered answers, servers that did not start. */
  readonly faults: readonly string[];
  /** Notes about peers that lost queries or answered otherwise: theirs, not ours. */
  readonly remarks: readonly string[];
  readonly raw: unknown;
}

/** A benchmark that can be chosen by its name. */
export interface Suite {
  readonly name: string;
  readonly title: string;
  run(context: Context): Promise<SuiteResult>;
}

/** All runs of one server. */
export interface Row {
  readonly server: Server;
  readonly samples: Sample[];
  /** Ours just before, divided by this one, by round. */
  readonly ratios: number[];
}

/** Servers that could be started; the others are remarked upon. */
export const startAll = async (
  contenders: readonly Contender[],
  work: Work,
  context: Context,
  remarks: string[],
): Promise<Server[]> => {
  const servers: Server[] = [];
  for (const contender of contenders) {
    try {
      const server = await contender.start(work);
      servers.push(server);
      context.print(`  ${contender.id} ready after ${server.readySec.toFixed(2)} s`);
    } catch (error) {
      if (contender.role === 'cordon') {
        await stopAll(servers);
        throw error;
      }
      const [first = ''] = error instanceof Error ? error.message.split('\n') : [String(error)];
      remarks.push(`${contender.id} did not take part: ${first}`);
      context.print(
        `  ${contender.id} did not start: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return servers;
};

/** Stops servers, whatever becomes of each. */
export const stopAll = async (servers: readonly Server[]): Promise<void> => {
  await Promise.allSettled(servers.map((server) => server.stop()));
};

/** Measures ours and each other server in turns. `run` gets the number of the run, from 0. */
export const compare = async (
  [ours, ...others]: readonly Server[],
  context: Context,
  run: (server: Server, turn: number) => Promise<Sample>,
): Promise<Row[]> => {
  if (ours === undefined) return [];
  const rows = [ours, ...others].map((server): Row => ({ server, samples: [], ratios: [] }));
  const [own, ...rest] = rows;
  if (own === undefined) return [];
  let turn = 0;
  const take = async (row: Row, round: number): Promise<Sample> => {
    const sample = await run(row.server, turn++);
    row.samples.push(sample);
    const notes = `${sample.lost > 0 ? `, ${sample.lost} lost` : ''}${sample.isDisturbed ? ', disturbed' : ''}`;
    context.print(
      `  ${round + 1}/${context.rounds} ${row.server.id.padEnd(18)} ${perSec(sample.perCpuSec).padStart(9)} per CPU second${notes}`,
    );
    return sample;
  };
  for (let round = 0; round < context.rounds; round++) {
    for (const row of rest) {
      const before = await take(own, round);
      const sample = await take(row, round);
      row.ratios.push(sample.perCpuSec > 0 ? before.perCpuSec / sample.perCpuSec : 0);
    }
  }
  return rows;
};

/** The usual table of a comparison. */
export const toTable = (rows: readonly Row[]): Table => ({
  head: [
    'server',
    'queries per CPU second',
    'spread',
    'ours ÷ this',
    'queries a second',
    'CPU',
    'latency',
    'RSS',
    'lost',
  ],
  rows: rows.map(({ server, samples, ratios }) => {
    const figures = samples.map(({ perCpuSec }) => perCpuSec);
    const of = (pick: (sample: Sample) => number): number => median(samples.map(pick));
    const share = of((sample) =>
      sample.completed > 0 ? (sample.cpuSec * sample.queriesPerSec) / sample.completed : 0,
    );
    return [
      server.remark === '' ? server.id : `${server.id} (${server.remark})`,
      perSec(median(figures)),
      `${perSec(Math.min(...figures))}–${perSec(Math.max(...figures))}`,
      ratios.length === 0 ? '' : median(ratios).toFixed(2),
      perSec(of((sample) => sample.queriesPerSec)),
      `${Math.round(share * 100)} %`,
      `${Math.round(of((sample) => sample.latencyUs))} µs`,
      mib(of((sample) => sample.rssBytes)),
      `${samples.reduce((sum, { lost }) => sum + lost, 0)}`,
    ];
  }),
});

/** The usual sentence about every other server. */
export const toVerdicts = (rows: readonly Row[], limitShare: number): Verdict[] =>
  rows.flatMap(({ server, ratios }) => {
    if (ratios.length === 0) return [];
    const ratio = median(ratios);
    const wanted = server.role === 'limit' ? limitShare : 1;
    const goal = server.role === 'limit' ? `at least ${limitShare} of the C limit` : `ahead of ${server.id}`;
    return [{ holds: ratio >= wanted, text: `${goal}: ${ratio.toFixed(2)} ×` }];
  });

/** What must not happen to ours, and what is said of others. */
export const findFaults = (rows: readonly Row[]): { faults: string[]; remarks: string[] } => {
  const faults: string[] = [];
  const remarks: string[] = [];
  for (const { server, samples } of rows) {
    const sum = (pick: (sample: Sample) => number): number =>
      samples.reduce((total, sample) => total + pick(sample), 0);
    const say = (text: string): void => {
      (server.role === 'cordon' ? faults : remarks).push(`${server.id} ${text}`);
    };
    const lost = sum((sample) => sample.lost);
    if (lost > 0) say(`left ${lost} of ${sum((sample) => sample.completed) + lost} queries unanswered`);
    if (server.role === 'limit' || server.role === 'bare') continue;
    const off = sum((sample) => Math.abs(sample.refusalsOff));
    if (off > 0) say(`refused ${off} more or fewer queries than are listed`);
    const failures = sum((sample) => sample.failures);
    if (failures > 0) say(`answered ${failures} queries with SERVFAIL or another failure`);
  }
  const samples = rows.flatMap((row) => row.samples);
  const disturbed = samples.filter((sample) => sample.isDisturbed).length;
  if (disturbed > 0) {
    remarks.push(
      `${disturbed} of ${samples.length} runs were disturbed by other programs on the server's core`,
    );
  }
  return { faults, remarks };
};

/** A number of things a second, in thousands where there are many. */
export const perSec = (value: number): string =>
  value >= 10_000 ? `${(value / 1000).toFixed(1)} k` : `${Math.round(value)}`;

/** Bytes as MiB. */
export const mib = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
