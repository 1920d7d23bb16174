// What was not run, at the end of a run of the tests: a green run in which a tool was missing does not look like a whole one.
// And from which seed the properties went: what one found, or did not find often enough, is found again with it.
import type { Reporter, TestModule } from 'vitest/node';
import { PACKAGES, readMissing } from './programs.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Why a suite or test is skipped that has no context to say so. */
    notRun?: string;
  }
}

/** The table of what tests were not run for, by how many; nothing when all were, or were asked not to. */
export const describeNotRun = (reasons: ReadonlyMap<string, number>): string => {
  if (reasons.size === 0) return '';
  const rows: string[][] = [];
  const others: string[][] = [];
  const packages = new Set<string>();
  for (const [reason, count] of [...reasons].sort(([, a], [, b]) => b - a)) {
    const missing = readMissing(reason);
    if (missing === undefined) others.push([reason, '', String(count)]);
    else {
      rows.push([missing.program, missing.from, String(count)]);
      if (PACKAGES.has(missing.from)) packages.add(missing.from);
    }
  }
  const head = rows.length > 0 ? ['missing program', 'package of Debian', 'tests'] : ['reason', '', 'tests'];
  const all = [head, ...rows, ...others];
  const widths = [0, 1].map((at) =>
    Math.max(...all.filter(([, from]) => from !== '').map((row) => row[at]?.length ?? 0), 0),
  );
  const lines = all.map(([what = '', from = '', count = '']) =>
    from === ''
      ? `${what.padEnd((widths[0] ?? 0) + (widths[1] ?? 0) + 2)}  ${count.padStart(5)}`
      : `${what.padEnd(widths[0] ?? 0)}  ${from.padEnd(widths[1] ?? 0)}  ${count.padStart(5)}`,
  );
  const total = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  const install = packages.size === 0 ? [] : ['', `sudo apt-get install ${[...packages].sort().join(' ')}`];
  return [
    '',
    `NOT RUN: ${total} tests, which says nothing about what they show.`,
    '',
    ...lines,
    ...install,
    '',
    '',
  ].join('\n');
};

/** Prints the table and the seed after everything else. */
export class NotRunReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const reasons = new Map<string, number>();
    for (const module of modules)
      for (const test of module.children.allTests('skipped')) {
        const result = test.result();
        const note = result.state === 'skipped' ? result.note : undefined;
        const reason = note ?? test.meta().notRun;
        // Without a reason: left out by -t, or behind a hook that failed.
        if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
    process.stdout.write(describeNotRun(reasons));
    process.stdout.write(`properties: FAST_CHECK_SEED=${process.env['FAST_CHECK_SEED'] ?? ''}\n`);
  }
}
