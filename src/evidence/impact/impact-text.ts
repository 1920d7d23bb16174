// What a change would have meant, for people.
import type { Impact, ImpactName, ImpactSide } from './impact-count.ts';

const CHANGES = { refused: 'refused by', passes: 'passes, was refused by', other: 'now refused by' } as const;

const grouped = (count: number): string => count.toLocaleString('en-US');
const side = (what: string, { queries, names, clients, networks }: ImpactSide): string =>
  `${what}: ${grouped(queries)} queries, ${grouped(names)} names, ${grouped(clients)} clients, ${grouped(networks)} networks`;

const line = (
  { name, change, queries, clients, list, line: at, owner, guard }: ImpactName,
  rank: number,
): string => {
  const who = owner === undefined ? '' : `, of ${owner}`;
  const warning = guard === undefined ? '' : `  ! harms the guard name ${guard}`;
  return `${String(rank).padStart(4)}. ${name}${who}: ${grouped(queries)} queries of ${grouped(clients)} clients, ${CHANGES[change]} ${list}:${at}${warning}`;
};

/** The report. */
export const formatImpact = (impact: Impact, what: string): string => {
  const { queries, firstMs, lastMs, newlyRefused, newlyPassing, top, guards } = impact;
  const period =
    firstMs === null || lastMs === null
      ? ''
      : ` from ${new Date(firstMs).toISOString()} to ${new Date(lastMs).toISOString()}`;
  const lines = [
    `${what}, against ${grouped(queries)} queries${period}`,
    side('newly refused', newlyRefused),
    side('newly passing', newlyPassing),
    `refused now: ${grouped(impact.refusedBefore)} queries; after the change: ${grouped(impact.refusedAfter)}`,
  ];
  if (impact.otherList > 0) lines.push(`refused by another list: ${grouped(impact.otherList)} queries`);
  if (guards.length > 0) lines.push(`guard names that would be harmed: ${guards.join(', ')}`);
  if (impact.isAtLeast) lines.push('names, clients and networks are at least so many: a bound was reached');
  if (impact.withoutAddress > 0)
    lines.push(
      `${grouped(impact.withoutAddress)} queries name no client's address: they are judged by the group that the log says, or the default one`,
    );
  if (impact.unreadable > 0)
    lines.push(`${grouped(impact.unreadable)} queries ask for no name or type that is known`);
  if (top.length > 0) lines.push('', ...top.map((name, index) => line(name, index + 1)));
  return `${lines.join('\n')}\n`;
};
