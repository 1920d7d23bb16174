// What a query costs at the rates that networks have: most are far from what saturates a server, and there a waking
// counts, not a query. Cordon, Cordon without records and unbound in turns, paced by dnsperf. Beside them the C limit, which
// is what the kernel takes, and the bare batched server, which is what Node.js takes with the sockets that Cordon has and
// nothing built upon them.
//
// The CPU time comes from the scheduler in nanoseconds (/proc/PID/task/N/schedstat), because 200 queries a second
// need fewer ticks of /proc/PID/stat than a figure can be made of. What a server does with no query at all is a row of
// its own: at low rates it is part of what each query costs.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bareBatched, cordon, type Server } from '../contender.ts';
import { dnsperf, median, warmUp } from '../load.ts';
import { type QueryFile, writeQueries } from '../names.ts';
import { readRunNs } from '../process.ts';
import { type Suite, type SuiteResult, startAll, stopAll } from '../suite.ts';
import { toWork } from './cached.ts';

/** Queries a second. */
const RATES: readonly number[] = [200, 1000, 5000, 20_000, 100_000];
/** Of a quick run. */
const QUICK_RATES: readonly number[] = [1000, 20_000];
/** From this rate on a query costs at most so many times what it costs unbound. */
const GOAL_FROM = 1000;
const GOAL_RATIO = 1.2;
/**
 * CPU time without a query, milliseconds a second, all threads: on a machine with nothing else to do it decides
 * whether the processor sleeps. Looks and signs of life come to some 4 with two workers.
 */
const IDLE_MS_MAX = 5;
/** Share of the rate below which the client did not send what it was told to. */
const RATE_SHARE_MIN = 0.9;
/** Shortest run, seconds: 400 queries at the lowest rate. */
const SECONDS_MIN = 2;
/** Run before the first one of a server, so that no compiler runs beside the measurement: queries a second, seconds. */
const PRACTICE_RATE = 20_000;
const PRACTICE_SEC = 3;

const WITHOUT_RECORDS = 'cordon, no records';
const PEER = 'unbound';
const { id: FLOOR } = bareBatched;
/** At most so many times what Node.js itself takes, from the same rate on and as long as a query comes alone. */
const FLOOR_RATIO = 1.35;
const FLOOR_UP_TO = 5000;

interface Note {
  readonly id: string;
  readonly rate: number;
  /** Microseconds of CPU time a query; at rate 0, milliseconds a second. */
  readonly cost: number;
  readonly latencyUs: number;
  readonly sentPerSec: number;
  readonly lost: number;
}

/** CPU time a query by rate. */
export const rates: Suite = {
  name: 'rates',
  title: 'Cost of a query by rate',
  run: async (context): Promise<SuiteResult> => {
    const remarks: string[] = [];
    const { directory, hosts, shipped } = context;
    const seconds = Math.max(SECONDS_MIN, context.seconds);
    const queries = writeQueries(join(directory, 'mix.txt'), hosts, shipped);
    const contenders = [
      cordon(),
      cordon({ id: WITHOUT_RECORDS, env: { CORDON_RECORDS_ENABLED: 'false' } }),
      ...context.peers.filter(({ id }) => id === PEER),
      context.limit,
      bareBatched,
    ];
    const rates = context.isQuick ? QUICK_RATES : RATES;
    const servers = await startAll(contenders, toWork(context, shipped, true), context, remarks);
    const notes: Note[] = [];
    try {
      for (const server of servers) {
        if (server.role !== 'limit' && server.role !== 'bare') await warmUp(server, context.warmUp);
        await dnsperf(server.port, { queries, seconds: PRACTICE_SEC, rate: PRACTICE_RATE });
      }
      for (let round = 0; round < context.rounds; round++) {
        for (const rate of [0, ...rates]) {
          for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
            const note = await take(server, queries, rate, seconds);
            notes.push(note);
            context.print(`  ${round + 1}/${context.rounds} ${server.id.padEnd(18)} ${describe(note)}`);
          }
        }
      }
    } finally {
      await stopAll(servers);
    }
    return toResult(servers, rates, notes, seconds, remarks);
  },
};

const take = async (server: Server, queries: QueryFile, rate: number, seconds: number): Promise<Note> => {
  const before = readRunNs(server.pid);
  if (rate === 0) {
    await sleep(seconds * 1000);
    const cost = (readRunNs(server.pid) - before) / 1e6 / seconds;
    return { id: server.id, rate, cost, latencyUs: 0, sentPerSec: 0, lost: 0 };
  }
  const { completed, lost, queriesPerSec, latencyUs } = await dnsperf(server.port, {
    queries,
    seconds,
    rate,
  });
  const cost = (readRunNs(server.pid) - before) / 1000 / Math.max(1, completed);
  return { id: server.id, rate, cost, latencyUs, sentPerSec: queriesPerSec, lost };
};

const describe = ({ rate, cost, latencyUs, sentPerSec, lost }: Note): string =>
  rate === 0
    ? `no query: ${cost.toFixed(2)} ms a second`
    : `${Math.round(sentPerSec)} a second: ${cost.toFixed(1)} µs a query, ${Math.round(latencyUs)} µs latency${lost > 0 ? `, ${lost} lost` : ''}`;

const toResult = (
  servers: readonly Server[],
  rates: readonly number[],
  notes: readonly Note[],
  seconds: number,
  remarks: readonly string[],
): SuiteResult => {
  const of = (id: string, rate: number): Note[] =>
    notes.filter((note) => note.id === id && note.rate === rate);
  const costOf = (id: string, rate: number): number => median(of(id, rate).map(({ cost }) => cost));
  const hasPeer = servers.some(({ id }) => id === PEER);
  // Of neighbors in time: the notes of a rate stand in the order of the rounds.
  const ratioOf = (id: string, other: string, rate: number): number =>
    median(of(id, rate).map(({ cost }, round) => cost / (of(other, rate)[round]?.cost ?? Number.NaN)));
  const ratioText = (id: string, other: string, rate: number): string => ratioOf(id, other, rate).toFixed(2);
  const isOurs = ({ id }: Note): boolean => id === 'cordon' || id === WITHOUT_RECORDS;
  const lost = notes.filter(isOurs).reduce((sum, note) => sum + note.lost, 0);
  const slow = notes.filter(({ rate, sentPerSec }) => sentPerSec < rate * RATE_SHARE_MIN);
  return {
    conditions: [
      `the mix of cached and refused names, ${seconds} s at each rate from 8 sockets; all threads of the server count`,
      'without a query: milliseconds of CPU time a second, part of what a query costs at low rates',
      'a waking with one datagram makes four system calls: epoll_pwait twice, because Node.js measures idle time, recvmmsg and sendmmsg; with nothing else to do, what it costs is the kernel and cold caches',
      `${FLOOR}: a server on Node.js with the same sockets that reads a question and writes a record, nothing else; why it is here: [0080](adr/0080-what-node-takes-of-a-query.md)`,
    ],
    tables: [
      {
        title: 'Microseconds of CPU time a query',
        head: [
          'queries a second',
          ...servers.map(({ id }) => id),
          `cordon ÷ ${PEER}`,
          `without records ÷ ${PEER}`,
          `cordon ÷ ${FLOOR}`,
          `${FLOOR} ÷ ${PEER}`,
        ],
        rows: [0, ...rates].map((rate) => [
          rate === 0 ? '0 (ms a second)' : `${rate}`,
          ...servers.map(({ id }) => costOf(id, rate).toFixed(1)),
          ...['cordon', WITHOUT_RECORDS].map((id) => (hasPeer && rate > 0 ? ratioText(id, PEER, rate) : '')),
          rate > 0 ? ratioText('cordon', FLOOR, rate) : '',
          hasPeer && rate > 0 ? ratioText(FLOOR, PEER, rate) : '',
        ]),
      },
      {
        title: 'Mean latency',
        head: ['queries a second', ...servers.map(({ id }) => id)],
        rows: rates.map((rate) => [
          `${rate}`,
          ...servers.map(({ id }) => `${Math.round(median(of(id, rate).map((note) => note.latencyUs)))} µs`),
        ]),
      },
    ],
    verdicts: [
      {
        holds: costOf('cordon', 0) <= IDLE_MS_MAX,
        text: `without a query at most ${IDLE_MS_MAX} ms of CPU time a second: ${costOf('cordon', 0).toFixed(1)} ms`,
      },
      ...rates
        .filter((rate) => rate >= GOAL_FROM && rate <= FLOOR_UP_TO)
        .map((rate) => {
          const ratio = ratioOf('cordon', FLOOR, rate);
          const text = `at ${rate} queries a second a query costs at most ${FLOOR_RATIO} of what Node.js takes: ${ratio.toFixed(2)} ×`;
          return { holds: ratio <= FLOOR_RATIO, text };
        }),
      ...(hasPeer ? rates.filter((rate) => rate >= GOAL_FROM) : []).map((rate) => {
        const ratio = ratioOf('cordon', PEER, rate);
        return {
          holds: ratio <= GOAL_RATIO,
          text: `at ${rate} queries a second a query costs at most ${GOAL_RATIO} of ${PEER}'s: ${ratio.toFixed(2)} ×`,
        };
      }),
    ],
    faults: lost > 0 ? [`cordon left ${lost} queries unanswered`] : [],
    remarks: [
      ...remarks,
      ...(slow.length > 0
        ? [`in ${slow.length} of ${notes.length} runs fewer queries were sent than wanted`]
        : []),
    ],
    raw: { notes },
  };
};
