// The long run of malformed messages against the running program.
//
//   node src/launch.mjs test/soak/corpus.ts [COUNT] [SEED]     20,000 as a client, half as many as an upstream
//
// Prints its progress and a line per attack. Exit status 1 at a breach: the program stopped answering, answered what
// cannot be read, led to a listed name or address, or grew by more than GROWTH_KB_MAX after its warm-up.
import { type AttackReport, attackAsClient, attackAsUpstream, CLIENT_SEEDS } from '../conformance/attack.ts';

/** Less than one leaked message of 1 KB for each that was sent. */
const GROWTH_KB_MAX = 20_000;
/** Batches between two lines of progress. */
const PROGRESS_BATCHES = 8;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const summarize = (name: string, report: AttackReport): boolean => {
  const grownKb = report.endKb - report.warmKb;
  const rcodes = Object.entries(report.rcodes).map(([rcode, count]) => `${rcode}: ${count}`);
  for (const breach of report.breaches) print(`${name}: breach: ${breach}`);
  print(
    `${name}: ${report.sent} sent, ${report.answered} answered (by RCODE ${rcodes.join(', ')}), ` +
      `${report.endKb} kB, grown by ${grownKb} kB, ${report.breaches.length} breaches`,
  );
  return report.breaches.length === 0 && grownKb <= GROWTH_KB_MAX;
};

const main = async (): Promise<number> => {
  const count = Number(process.argv[2] ?? 20_000);
  const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 0x1_0000_0000));
  if (!Number.isInteger(count) || count < 2 || !Number.isInteger(seed)) {
    process.stderr.write('usage: node src/launch.mjs test/soak/corpus.ts [COUNT] [SEED]\n');
    return 2;
  }
  let batches = 0;
  const progress = (line: string): void => {
    if (batches++ % PROGRESS_BATCHES === 0) print(`  ${line}`);
  };
  print(`corpus: ${CLIENT_SEEDS} seeds, ${count} messages, seed ${seed}`);
  const results = [
    summarize('as a client', await attackAsClient({ count, seed, progress })),
    summarize('as an upstream', await attackAsUpstream({ count: Math.floor(count / 2), seed, progress })),
  ];
  return results.every((isSound) => isSound) ? 0 : 1;
};

process.exitCode = await main();
