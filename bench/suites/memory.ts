// Unique names without end: what is cached and what is waited for is bounded, so memory has to stay flat.
import { join } from 'node:path';
import { cordon } from '../contender.ts';
import { dnsperf } from '../load.ts';
import { writeNewNames } from '../names.ts';
import { readRss } from '../process.ts';
import { mib, perSec, type Suite, type SuiteResult, startAll, stopAll } from '../suite.ts';
import { toWork } from './cached.ts';

/** Names asked for in all; the cache holds fewer than a twentieth of them. */
const NAMES_COUNT = 2_000_000;
const QUICK_NAMES_COUNT = 400_000;
/** Asked for in so many parts, memory being read after each. */
const PARTS = 10;
const PART_SECONDS_MAX = 60;
const OUTSTANDING = 200;
/** Resident memory at the end may be so much above that after half the names. */
const GROWTH_MAX = 1.1;

/** Resident memory while names are asked for that nobody asks twice. */
export const memory: Suite = {
  name: 'memory',
  title: 'Memory under unique names',
  run: async (context): Promise<SuiteResult> => {
    const remarks: string[] = [];
    const count = (context.isQuick ? QUICK_NAMES_COUNT : NAMES_COUNT) / PARTS;
    const servers = await startAll([cordon()], toWork(context, context.shipped, true), context, remarks);
    const [server] = servers;
    if (server === undefined) throw new Error('the memory suite has no server');
    const readings = [{ names: 0, rssBytes: readRss(server.pid), lost: 0 }];
    try {
      for (let part = 0; part < PARTS; part++) {
        const queries = writeNewNames(join(context.directory, 'new.txt'), context.hosts, part * count, count);
        const load = { queries, seconds: PART_SECONDS_MAX, once: true, outstanding: OUTSTANDING };
        const { lost, completed } = await dnsperf(server.port, load);
        const names = (readings.at(-1)?.names ?? 0) + completed;
        readings.push({ names, rssBytes: readRss(server.pid), lost });
        context.print(`  ${perSec(names)} names, ${mib(readRss(server.pid))}`);
      }
    } finally {
      await stopAll(servers);
    }
    const last = readings.at(-1)?.rssBytes ?? 0;
    const growth = last / (readings[PARTS / 2]?.rssBytes ?? last);
    const lost = readings.reduce((sum, reading) => sum + reading.lost, 0);
    return {
      conditions: [`${count * PARTS} names, none asked for twice, answers of one record`],
      tables: [
        {
          head: ['names so far', 'RSS', 'lost'],
          rows: readings.map((reading) => [perSec(reading.names), mib(reading.rssBytes), `${reading.lost}`]),
        },
      ],
      verdicts: [
        {
          holds: growth < GROWTH_MAX,
          text: `memory after all names less than ${GROWTH_MAX} × that after half of them: ${growth.toFixed(2)} ×`,
        },
      ],
      faults: lost > 0 ? [`cordon left ${lost} queries unanswered`] : [],
      remarks,
      raw: { readings },
    };
  },
};
