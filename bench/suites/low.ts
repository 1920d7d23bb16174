// Few queries, one at a time: batches must not cost latency where there is nothing to batch.
//
// What disturbs the machine for a second disturbs the 99th percentile of whoever was measured then. So the servers
// take short turns, in changing order, and what counts is the median over all turns. Each has answered 20,000 queries
// before, so that nobody's compiler runs beside the measurement.
import { bareDgram, cordon, type Server } from '../contender.ts';
import { median, warmUp } from '../load.ts';
import { type Latency, probe } from '../probe.ts';
import { type Suite, type SuiteResult, startAll, stopAll } from '../suite.ts';
import { toWork } from './cached.ts';

/** Share by which the median may be longer than that of the bare server before it is called worse: the clock's noise. */
const TOLERANCE = 1.05;
/** The same of the 99th percentile: two bare servers differ by as much. */
const P99_TOLERANCE = 1.2;
/** Turns of each server in a round. */
const TURNS = 6;
/** Shortest turn, seconds: some 700 queries are measured. */
const TURN_SECONDS_MIN = 1;

/** About a thousand queries a second, one outstanding. */
export const low: Suite = {
  name: 'low',
  title: 'One query at a time, about 1,000 a second',
  run: async (context): Promise<SuiteResult> => {
    const remarks: string[] = [];
    const work = toWork(context, context.shipped, true);
    const servers = await startAll([cordon(), bareDgram, context.limit], work, context, remarks);
    const notes = servers.map((server): { server: Server; samples: Latency[] } => ({ server, samples: [] }));
    try {
      for (const server of servers) await warmUp(server, context.warmUp);
      const seconds = Math.max(TURN_SECONDS_MIN, context.seconds / TURNS);
      for (let turn = 0; turn < context.rounds * TURNS; turn++) {
        for (const { server, samples } of turn % 2 === 0 ? notes : [...notes].reverse()) {
          const sample = await probe(server, work, seconds);
          samples.push(sample);
          context.print(
            `  ${turn + 1}/${context.rounds * TURNS} ${server.id.padEnd(18)} p50 ${Math.round(sample.p50Us)} µs, p99 ${Math.round(sample.p99Us)} µs`,
          );
        }
      }
    } finally {
      await stopAll(servers);
    }
    const medianOf = (id: string, figure: 'p50Us' | 'p99Us'): number =>
      median(notes.find(({ server }) => server.id === id)?.samples.map((sample) => sample[figure]) ?? []);
    const compare = (figure: 'p50Us' | 'p99Us', tolerance: number, name: string) => {
      const [own, bare] = [medianOf('cordon', figure), medianOf(bareDgram.id, figure)];
      return {
        holds: own <= bare * tolerance,
        text: `${name} at most ${tolerance} × bare dgram's: ${Math.round(own)} to ${Math.round(bare)} µs`,
      };
    };
    const [own] = notes;
    const lost = own?.samples.reduce((sum, sample) => sum + sample.lost, 0) ?? 0;
    const wrong = own?.samples.reduce((sum, sample) => sum + sample.unfiltered + sample.overblocked, 0) ?? 0;
    return {
      conditions: [
        'a listed and a cached name in turn; the times include the client, which is Node.js as well',
        `medians over ${context.rounds * TURNS} short turns of each server`,
      ],
      tables: [
        {
          head: ['server', 'p50', 'p99', 'queries', 'lost'],
          rows: notes.map(({ server, samples }) => [
            server.id,
            `${Math.round(median(samples.map(({ p50Us }) => p50Us)))} µs`,
            `${Math.round(median(samples.map(({ p99Us }) => p99Us)))} µs`,
            `${samples.reduce((sum, { count }) => sum + count, 0)}`,
            `${samples.reduce((sum, sample) => sum + sample.lost, 0)}`,
          ]),
        },
      ],
      verdicts: [
        compare('p50Us', TOLERANCE, 'median latency'),
        compare('p99Us', P99_TOLERANCE, '99th percentile'),
      ],
      faults: [
        ...(lost > 0 ? [`cordon left ${lost} queries unanswered`] : []),
        ...(wrong > 0 ? [`cordon judged ${wrong} queries wrongly`] : []),
      ],
      remarks,
      raw: { notes },
    };
  },
};
