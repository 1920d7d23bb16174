// The long run of the wire tests: changed messages through every reader and against dns2 and dns-packet.
//
//   npm run fuzz -- [SECONDS] [SEED]     60 seconds and a random seed by default
//
// Prints its progress, and at a breach the message in hexadecimal and the seed. Exit status 1 at a breach: add the
// message to test/corpus/dns/messages.txt with the repair.
import { soundMessages } from '../support/corpus.ts';
import { createRandom, mutate } from '../support/mutate.ts';
import { causeOf, compareOpinions, ORACLES } from '../support/opinions.ts';
import { exerciseReaders } from '../support/readers.ts';

/** Messages between two looks at the clock. */
const BATCH_COUNT = 500;
const PROGRESS_MS = 10_000;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** What is wrong about a message, or undefined. */
const findBreach = (bytes: Uint8Array, counts: Map<string, number>): string | undefined => {
  try {
    exerciseReaders(bytes);
    for (const oracle of ORACLES) {
      for (const disagreement of compareOpinions(bytes, oracle)) {
        const cause = causeOf(disagreement)?.cause;
        if (cause === undefined)
          return `${oracle.name} disagrees: ${disagreement.about}, record ${disagreement.index}`;
        const key = `${oracle.name} ${cause}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  }
};

const main = (): number => {
  const seconds = Number(process.argv[2] ?? 60);
  const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 0x1_0000_0000));
  if (!(seconds > 0) || !Number.isInteger(seed)) {
    process.stderr.write('usage: npm run fuzz -- [SECONDS] [SEED]\n');
    return 2;
  }
  const random = createRandom(seed);
  const counts = new Map<string, number>();
  const start = Date.now();
  let progressAt = start + PROGRESS_MS;
  let messages = 0;
  print(`fuzz: ${seconds} s, seed ${seed}`);
  while (Date.now() - start < seconds * 1000) {
    for (let i = 0; i < BATCH_COUNT; i++, messages++) {
      const bytes = mutate(soundMessages, random);
      const breach = findBreach(bytes, counts);
      if (breach === undefined) continue;
      print(
        `fuzz: breach after ${messages} messages, seed ${seed}\n${Buffer.from(bytes).toString('hex')}\n${breach}`,
      );
      return 1;
    }
    if (Date.now() < progressAt) continue;
    print(`fuzz: ${messages} messages, ${Math.round((Date.now() - start) / 1000)} s`);
    progressAt += PROGRESS_MS;
  }
  for (const [cause, count] of [...counts].sort((a, b) => b[1] - a[1]))
    print(`${String(count).padStart(9)}  ${cause}`);
  print(`fuzz: ${messages} messages, no breach, seed ${seed}`);
  return 0;
};

process.exitCode = main();
