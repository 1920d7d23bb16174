// Few queries, one at a time: batches must not cost latency where there is nothing to batch.
import { bareDgram, cordon, type Server } from '../contender.ts';
import { median } from '../load.ts';
import { type Latency, probe } from '../probe.ts';
import { type Suite, type SuiteResult, startAll, stopAll } from '../suite.ts';
import { toWork } from './cached.ts';

/** Share by which the median may be longer than that of the bare server before it is called worse: the clock's noise. */
const TOLERANCE = 1.05;

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
      for (let round = 0; round < context.rounds; round++) {
        for (const { server, samples } of notes) {
          const sample = await probe(server, work, context.seconds);
          samples.push(sample);
          context.print(
            `  ${round + 1}/${context.rounds} ${server.id.padEnd(18)} p50 ${Math.round(sample.p50Us)} µs, p99 ${Math.round(sample.p99Us)} µs`,
          );
        }
      }
    } finally {
      await stopAll(servers);
    }
    const p50 = (id: string): number =>
      median(notes.find(({ server }) => server.id === id)?.samples.map(({ p50Us }) => p50Us) ?? []);
    const [own] = notes;
    const lost = own?.samples.reduce((sum, sample) => sum + sample.lost, 0) ?? 0;
    const wrong = own?.samples.reduce((sum, sample) => sum + sample.unfiltered + sample.overblocked, 0) ?? 0;
    return {
      conditions: [
        'a listed and a cached name in turn; the times include the client, which is Node.js as well',
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
        {
          holds: p50('cordon') <= p50(bareDgram.id) * TOLERANCE,
          text: `median latency not worse than bare dgram's: ${Math.round(p50('cordon'))} to ${Math.round(p50(bareDgram.id))} µs`,
        },
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
