// What membership in a fleet costs the DNS: a Cordon by itself and one of a fleet answer the same load in turns, while entries
// of policy and blocks of evidence flow.
//
//   npm run fleet -- throughput [ROUNDS [SECONDS]]
//
// CPU seconds of the thread that answers, and of the whole process, for each query, are compared round by round, because absolute
// figures wander on a shared machine. Ends with status 1 when the thread takes more than 1/0.97 of what it takes alone.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dnsperf, median } from '../../bench/load.ts';
import type { QueryFile } from '../../bench/names.ts';
import { pinProcess, readCpu, readThreadCpu, SERVER_CORE } from '../../bench/process.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { TestFleet } from '../support/fleet.ts';
import { type Cordon, startCordon } from '../support/process.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const SHARE_MIN = 0.97;
const PASSING = 400;
/** One of ten is refused, each by another name of the list, so that records and uploads flow in both. */
const REFUSED = 40;
/** Between two decisions of the authority, milliseconds. */
const DECISION_MS = 500;

interface Taken {
  readonly workerUs: number;
  readonly processUs: number;
}

/** Measures, and gives the status to end with. */
export const measureThroughput = async (rounds: number, seconds: number): Promise<number> => {
  const upstream = await ScriptedUpstream.open();
  const book = new AnswerBook();
  for (let i = 0; i < PASSING; i++)
    book.set(`host${i}.example.com. A`, [`host${i}.example.com. 3600 IN A 192.0.2.1`]);
  upstream.onQuery(book.handler);
  const fleet = await TestFleet.start(upstream.endpoint.port, { settings: '  tide-every: 1s\n' });
  const { cordon: member } = await fleet.add('ns1');
  const collector = await fleet.collect();
  mkdirSync(join(fleet.directory, 'alone'));
  const alone = await startCordon({ config: fleet.config('alone').replace(/\nfleet:[\s\S]*$/, '\n') });
  const lines = [
    ...Array.from({ length: PASSING }, (_, i) => `host${i}.example.com A`),
    ...Array.from({ length: REFUSED }, (_, i) => `n${i}.tiktok.com A`),
  ];
  const path = join(fleet.directory, 'queries.txt');
  writeFileSync(path, `${lines.join('\n')}\n`);
  const queries: QueryFile = {
    path,
    count: lines.length,
    refusedOf: (sent) =>
      Math.floor(sent / lines.length) * REFUSED + Math.max(0, (sent % lines.length) - PASSING),
  };
  for (const cordon of [alone, member]) {
    await pinProcess(cordon.pid, SERVER_CORE);
    await dnsperf(cordon.dns.port, { queries, seconds: 2 });
  }
  let isOver = false;
  let decisions = 0;
  const deciding = (async () => {
    while (!isOver) {
      const id = await fleet.grant({ clients: [`127.2.0.${(decisions % 200) + 1}`] });
      await sleep(DECISION_MS);
      await fleet.revoke(id);
      decisions++;
      await sleep(DECISION_MS);
    }
  })();
  const before = await uploaded(fleet);
  const worker: number[] = [];
  const whole: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // Who is first is another one each time.
    const order = round % 2 === 0 ? [alone, member] : [member, alone];
    const taken = new Map<Cordon, Taken>();
    for (const cordon of order) taken.set(cordon, await take(cordon, queries, seconds));
    const [own, theirs] = [taken.get(alone), taken.get(member)];
    if (own === undefined || theirs === undefined) throw new Error('a round without a figure');
    worker.push(own.workerUs / theirs.workerUs);
    whole.push(own.processUs / theirs.processUs);
    process.stdout.write(
      `round ${round + 1}: alone ${own.workerUs.toFixed(2)} µs a query (process ${own.processUs.toFixed(2)}), in the fleet ${theirs.workerUs.toFixed(2)} (${theirs.processUs.toFixed(2)})\n`,
    );
  }
  isOver = true;
  await deciding;
  const after = await uploaded(fleet);
  const share = median(worker);
  process.stdout.write(
    `the thread that answers does in a fleet ${share.toFixed(3)} of the queries that it does alone for a CPU second, the process ${median(whole).toFixed(3)} (medians of ${rounds} rounds of ${seconds} s); ${decisions} exemptions granted and revoked, ${after - before} records confirmed meanwhile\n`,
  );
  await collector.stop();
  await alone.kill();
  await fleet.close();
  await upstream.close();
  return share >= SHARE_MIN ? 0 : 1;
};

const take = async (cordon: Cordon, queries: QueryFile, seconds: number): Promise<Taken> => {
  const [threads, cpu] = [readThreadCpu(cordon.pid), readCpu(cordon.pid)];
  const { completed, lost, refusalsOff } = await dnsperf(cordon.dns.port, { queries, seconds });
  if (lost > 0 || refusalsOff !== 0) throw new Error(`${lost} queries lost, ${refusalsOff} refusals off`);
  // One worker: no other thread takes as much.
  const grown = [...readThreadCpu(cordon.pid)].map(([name, sec]) => sec - (threads.get(name) ?? 0));
  return {
    workerUs: (Math.max(...grown) * 1e6) / completed,
    processUs: ((readCpu(cordon.pid).totalSec - cpu.totalSec) * 1e6) / completed,
  };
};

/** Records of ns1 that are confirmed. */
const uploaded = async (fleet: TestFleet): Promise<number> => {
  const { resolvers } = await fleet.ask<{ resolvers: { confirmed: { queries: number; changes: number } }[] }>(
    'ns1',
    'GET',
    '/v1/fleet',
  );
  const { queries = 0, changes = 0 } = resolvers[0]?.confirmed ?? {};
  return queries + changes;
};
