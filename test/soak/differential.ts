// Cordon, unbound and BIND asked the same, before named and before NSD: as many questions as wanted.
//
//   npm run differential -- [--questions N] [--seed N]     20,000 questions and a random seed by default
//
// Prints its progress, the table of differences by class, and every question whose difference no class explains.
// Exit status 1 when there is one. docs/conformance.md has the table of a run.
import { parseArgs } from 'node:util';
import { formatTable } from '../../bench/table.ts';
import { CLASSES } from '../conformance/differential/classes.ts';
import { runContest } from '../conformance/differential/contest.ts';
import { PROGRAMS } from '../conformance/differential/servers.ts';
import { isInstalled } from '../support/process.ts';

const USAGE = 'usage: npm run differential -- [--questions N] [--seed N]\n';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { questions: { type: 'string' }, seed: { type: 'string' } } });
  const questions = Number(values.questions ?? 20_000);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 0x1_0000_0000));
  if (!Number.isInteger(questions) || questions < 1 || !Number.isInteger(seed)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const missing = PROGRAMS.filter((program) => !isInstalled(program));
  if (missing.length > 0) {
    process.stderr.write(`not installed: ${missing.join(', ')}; .ci/run installs what is compared\n`);
    return 2;
  }
  const startMs = performance.now();
  const report = await runContest({ questions, seed, progress: print });
  for (const example of report.momentary) print(`\nof the moment: ${example}`);
  for (const example of report.examples) print(`\n${example}`);
  const rows = CLASSES.map(({ name, cordon, unbound, bind, reason }) => [
    name,
    String(report.counts.get(name) ?? 0),
    cordon,
    unbound,
    bind,
    reason,
  ]);
  const head = ['difference', 'questions', 'Cordon', 'unbound', 'BIND', 'reason'];
  print(`\n${formatTable({ head, rows }).join('\n')}`);
  const rcodes = [...report.rcodes].map(([rcode, count]) => `${rcode} ${count}`).join(', ');
  print(
    `\n${report.questions} questions (${rcodes}), ${report.equal} equal in everything, ` +
      `${report.momentary.length} of the moment, ${report.unexplained} unexplained, ${Math.round((performance.now() - startMs) / 1000)} s, seed ${seed}`,
  );
  return report.unexplained === 0 ? 0 : 1;
};

process.exit(await main());
