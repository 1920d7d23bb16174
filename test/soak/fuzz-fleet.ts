// Two fuzzers of a fleet. Mutated records, heads, presences, results, checkpoints and requests, all signed with the key of one
// resolver, through the code of a collector, a report, an authority and a witness; and with --schedules a whole fleet on a bus in
// memory, whose engine loses, repeats, delays and reorders messages and does what whoever holds its keys can do.
//
//   npm run fuzz:fleet -- [--inputs 1000000] [--seed N] [--minutes M]
//   npm run fuzz:fleet -- --schedules 10000 [--steps 600] [--seed N] [--minutes M]
//
// Prints its progress and the seed. Exit status 1 at a breach: something ended, a message that was not acknowledged, a figure of
// another resolver that changed; or something in force that was not signed, and no health issue that says so.
import { parseArgs } from 'node:util';
import { fuzzFleet } from '../support/fleet-fuzz.ts';
import { FleetTemplate, runSchedule } from '../support/fleet-schedules.ts';

const MINUTE_MS = 60_000;
/** Schedules between two lines. */
const PROGRESS = 100;

const print = (line: string): void => void process.stdout.write(`fuzz: ${line}\n`);

const { values } = parseArgs({
  options: {
    ...{ inputs: { type: 'string' }, seed: { type: 'string' }, minutes: { type: 'string' } },
    ...{ schedules: { type: 'string' }, steps: { type: 'string' } },
  },
});
const isScheduled = values.schedules !== undefined;
const inputs = Number(values.schedules ?? values.inputs ?? 1_000_000);
const steps = Number(values.steps ?? 600);
const seed = Number(values.seed ?? Math.floor(Math.random() * 0x1_0000_0000));
const minutes = Number(values.minutes ?? Number.POSITIVE_INFINITY);
if (![inputs, seed, steps].every(Number.isInteger) || !(inputs > 0) || !(steps > 0) || !(minutes > 0)) {
  process.stderr.write(
    'usage: npm run fuzz:fleet -- [--inputs N | --schedules N [--steps N]] [--seed N] [--minutes M]\n',
  );
  process.exit(2);
}
const startMs = performance.now();
const elapsed = (): string => `${Math.round((performance.now() - startMs) / 1_000)} s`;

/** Each schedule has the seed behind that of the one before: what is printed runs it alone. */
const runSchedules = async (): Promise<string> => {
  const template = new FleetTemplate();
  const seen = { carried: 0, entries: 0, records: 0, virtualMs: 0 };
  const acts = new Map<string, number>();
  let done = 0;
  try {
    for (; done < inputs && performance.now() - startMs < minutes * MINUTE_MS; done++) {
      try {
        const result = await runSchedule(template, { seed: seed + done, steps });
        for (const name of ['carried', 'entries', 'records', 'virtualMs'] as const)
          seen[name] += result[name];
        for (const [act, count] of Object.entries(result.done)) acts.set(act, (acts.get(act) ?? 0) + count);
      } catch (thrown) {
        print(`--schedules 1 --steps ${steps} --seed ${seed + done}`);
        throw thrown;
      }
      if ((done + 1) % PROGRESS === 0) print(`${done + 1} schedules, ${elapsed()}`);
    }
  } finally {
    template.close();
  }
  const told = [...acts].map(([act, count]) => `${act} ${count}`).join(', ');
  const hours = Math.round(seen.virtualMs / (60 * MINUTE_MS));
  return `${done} schedules, ${done * steps} steps, ${seen.carried} messages, ${seen.entries} entries, ${seen.records} records, ${hours} hours; ${told}`;
};

const runInputs = async (): Promise<string> => {
  const sent = await fuzzFleet({
    ...{ inputs, seed, forMs: minutes * MINUTE_MS },
    onProgress: (count) => print(`${count} inputs, ${elapsed()}`),
  });
  return `${sent} inputs`;
};

print(`${inputs} ${isScheduled ? 'schedules' : 'inputs'}, seed ${seed}`);
try {
  const done = await (isScheduled ? runSchedules() : runInputs());
  print(`${done}, no breach, ${elapsed()}, seed ${seed}`);
} catch (thrown) {
  print(
    `breach, seed ${seed}\n${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
  );
  process.exitCode = 1;
}
