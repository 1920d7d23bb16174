// How results of the probe are printed for people: one row for each view, what went wrong below it.
import type { ProbeRunStatus, ServerProbe } from '../evidence/probe/probe.ts';

/** Names that are printed one by one; --json has more. */
const LEAKS_MAX = 20;
/** Examples of one view. */
const EXAMPLES_MAX = 5;

/** A sweep of the running program. */
export const formatRun = (run: ProbeRunStatus): string => {
  const subject = run.group === undefined ? 'sweep' : `sweep of the group ${run.group}`;
  const { state, text, todo } = run.enforcement;
  const isInForce = state === 'enforced';
  return [
    ...(isInForce ? [] : [`${state.toUpperCase()}: ${text}`]),
    ...(todo === undefined ? [] : [`  ${todo}`]),
    // What the group chooses may be refused while the prohibition is not in force: that is no headline.
    `${isInForce || run.outcome !== 'enforced' ? run.outcome.toUpperCase() : 'no leak found'}: ${subject} ${run.run}, generation ${run.generation}, ${run.began} to ${run.ended}`,
    `  ${coverageText(run)}${run.exempted > 0 ? `, ${run.exempted} left out for exemptions` : ''}`,
    ...tableOf(run.results),
    ...certificatesOf(run.certificates),
    ...unaskedOf(run.unasked),
    '',
  ].join('\n');
};

/** What another resolver answered. */
export const formatServerProbe = (found: ServerProbe): string => {
  const lines = [
    `${found.outcome.toUpperCase()}: ${found.server}, lists ${found.lists.join(', ') || 'none'}, ${found.began} to ${found.ended}`,
    `  ${coverageText(found)}`,
    ...tableOf(found.results),
  ];
  const shown = found.leaks.slice(0, LEAKS_MAX);
  if (shown.length > 0) lines.push('', `${found.leakedNames} names leak:`);
  for (const leak of shown) {
    lines.push(`  ${leak.name} (${leak.list}, line ${leak.line})`, `    ${leak.question}: ${leak.answer}`);
  }
  const more = found.leakedNames - shown.length;
  if (shown.length > 0 && more > 0) lines.push(`  and ${more} more`);
  return [...lines, ...unaskedOf(found.unasked), ''].join('\n');
};

/** How far a run is. */
export const progressLine = (asked: number, total: number): string =>
  total === 0
    ? 'waiting'
    : `${asked} of ${total} questions, ${Math.min(100, Math.floor((asked * 100) / total))} %`;

const coverageText = ({ asked, coverage }: Pick<ProbeRunStatus, 'asked' | 'coverage'>): string => {
  if (coverage.names === 0) return `${asked} questions, and none about a name of a mandate list`;
  const share = Math.floor(coverage.share * 1000) / 10;
  return `${asked} questions about ${coverage.asked} of ${coverage.names} names; ${share} % of the names in all views`;
};

type Results = ProbeRunStatus['results'];

const tableOf = (results: Results): string[] => {
  const rows: string[][] = [['view', 'transports', 'types', 'asked', 'leaked', 'failed', 'outcome']];
  const below: string[][] = [[]];
  for (const [view, of] of Map.groupBy(results, (result) => result.view)) {
    // Results of a view that are alike stand in one row.
    for (const [outcome, alike] of Map.groupBy(of, (result) => result.outcome)) {
      const sum = (key: 'asked' | 'leaked' | 'failed'): string =>
        String(alike.reduce((total, result) => total + result[key], 0));
      const words = (key: 'transport' | 'qtype'): string =>
        [...new Set(alike.map((result) => result[key]))].join(' ');
      rows.push([
        view,
        words('transport'),
        words('qtype'),
        sum('asked'),
        sum('leaked'),
        sum('failed'),
        outcome,
      ]);
      below.push(alike.flatMap(({ examples }) => examples).slice(0, EXAMPLES_MAX));
    }
  }
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.flatMap((row, index) => [
    `  ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
    ...(below[index] ?? []).map((example) => `      ${example}`),
  ]);
};

const certificatesOf = (certificates: ProbeRunStatus['certificates']): string[] => {
  if (certificates.length === 0) return [];
  const lines = certificates.map(({ view, transport, name, ends, daysLeft, faults, notes }) => {
    const until = ends === undefined ? '' : `, until ${ends.slice(0, 10)} (${daysLeft} days)`;
    const said = [...faults.map((fault) => `NOT BELIEVED: ${fault}`), ...notes].map(
      (text) => `\n      ${text}`,
    );
    return `  ${view}  ${transport}  for ${name}${until}${said.join('')}`;
  });
  return ['', 'certificates:', ...lines];
};

const unaskedOf = (unasked: ProbeRunStatus['unasked']): string[] =>
  unasked.length === 0
    ? []
    : ['', 'not asked:', ...unasked.map(({ view, reason }) => `  ${view}: ${reason}`)];
