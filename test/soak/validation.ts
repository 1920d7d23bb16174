// DS sets and denials of every shape, Cordon and unbound asked the same about each: all of them, or a part.
//
//   npm run differential:dnssec -- [--part N/M] [--only delegations|denials] [--checkout DIRECTORY] [--delv]
//
// Some 15,000 cases, a quarter of an hour on two cores. Prints the differences by name and every fault; exit status 1 when
// there is one. With --delv, what delv of BIND calls bogus and Cordon does not is printed as well. docs/conformance.md has the numbers of a run. The gate runs some hundreds
// (test/conformance/validation.test.ts).
import { parseArgs } from 'node:util';
import { formatTable } from '../../bench/table.ts';
import { createAttacks } from '../conformance/validation/attacks.ts';
import { runMatrix } from '../conformance/validation/contest.ts';
import { createDelegations } from '../conformance/validation/delegations.ts';
import { createDenials } from '../conformance/validation/denials.ts';
import { DIFFERENCES, reportOn } from '../conformance/validation/differences.ts';
import { isInstalled } from '../support/process.ts';

const USAGE =
  'usage: npm run differential:dnssec -- [--part N/M] [--only delegations|denials] [--checkout DIRECTORY] [--delv]\n';
/** Faults that are printed. */
const PRINTED_MAX = 100;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      part: { type: 'string' },
      only: { type: 'string' },
      checkout: { type: 'string' },
      delv: { type: 'boolean', default: false },
    },
  });
  const [, part, parts] = /^(\d+)\/(\d+)$/.exec(values.part ?? '1/1') ?? [];
  if (
    part === undefined ||
    parts === undefined ||
    ![undefined, 'delegations', 'denials'].includes(values.only)
  ) {
    process.stderr.write(USAGE);
    return 2;
  }
  if (!isInstalled('unbound')) {
    process.stderr.write('not installed: unbound; .ci/run installs what is compared\n');
    return 2;
  }
  const all = [
    ...(values.only === 'denials' ? [] : createDelegations(true)),
    ...(values.only === 'delegations' ? [] : createDenials(true)),
    ...(values.only === undefined ? createAttacks() : []),
  ];
  const cases = all.filter((_, index) => index % Number(parts) === Number(part) - 1);
  const startMs = performance.now();
  const results = await runMatrix(cases, { checkout: values.checkout, withDelv: values.delv });
  const report = reportOn(results);
  for (const fault of report.faults.slice(0, PRINTED_MAX)) print(fault);
  for (const { item, told, delv } of results)
    if (delv?.startsWith('bogus') && !told.startsWith('bogus'))
      print(`delv: ${item.title}: ${told}; delv ${delv}`);
  const rows = DIFFERENCES.map(({ name, reason }) => [name, String(report.counts.get(name) ?? 0), reason]);
  print(`\n${formatTable({ head: ['difference', 'cases', 'reason'], rows }).join('\n')}`);
  const seconds = Math.round((performance.now() - startMs) / 1000);
  print(`\n${report.cases} cases, ${report.equal} equal, ${report.faults.length} faults, ${seconds} s`);
  return report.faults.length === 0 ? 0 : 1;
};

process.exit(await main());
