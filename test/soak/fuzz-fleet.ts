// Mutated records, heads, presences, results, tides and requests, all signed with the key of one resolver, through the code of a
// collector, a report, an authority and a witness.
//
//   npm run fuzz:fleet -- [--inputs 1000000] [--seed N] [--minutes M]
//
// Prints its progress and the seed. Exit status 1 at a breach: something ended, a message that was not acknowledged, or a figure
// of another resolver that changed.
import { parseArgs } from 'node:util';
import { fuzzFleet } from '../support/fleet-fuzz.ts';

const MINUTE_MS = 60_000;

const print = (line: string): void => void process.stdout.write(`fuzz: ${line}\n`);

const { values } = parseArgs({
  options: { inputs: { type: 'string' }, seed: { type: 'string' }, minutes: { type: 'string' } },
});
const inputs = Number(values.inputs ?? 1_000_000);
const seed = Number(values.seed ?? Math.floor(Math.random() * 0x1_0000_0000));
const minutes = Number(values.minutes ?? Number.POSITIVE_INFINITY);
if (!Number.isInteger(inputs) || !Number.isInteger(seed) || !(inputs > 0) || !(minutes > 0)) {
  process.stderr.write('usage: npm run fuzz:fleet -- [--inputs N] [--seed N] [--minutes M]\n');
  process.exit(2);
}
const startMs = performance.now();
const elapsed = (): string => `${Math.round((performance.now() - startMs) / 1_000)} s`;
print(`${inputs} inputs, seed ${seed}`);
try {
  const sent = await fuzzFleet({
    ...{ inputs, seed, forMs: minutes * MINUTE_MS },
    onProgress: (count) => print(`${count} inputs, ${elapsed()}`),
  });
  print(`${sent} inputs, no breach, ${elapsed()}, seed ${seed}`);
} catch (thrown) {
  print(
    `breach, seed ${seed}\n${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
  );
  process.exitCode = 1;
}
