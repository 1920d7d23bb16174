// What cordon fleet shows, for people.
import type { z } from 'zod';
import { formatDuration, HOUR_MS } from '../base/base.ts';
import type { FleetReport } from '../evidence/report/report.ts';
import type { OPERATIONS } from '../people/admin/admin.ts';
import { alignColumns } from './columns.ts';
import { fleetPage } from './fleet-page-text.ts';
import { foreignText } from './foreign-text.ts';

type Fleet = z.output<(typeof OPERATIONS)['readFleet']['result']>;
type Resolver = Fleet['resolvers'][number];
type Need = Resolver['needs'][number];

/** Of keys in the answer to a resolver that joins which the authority, of an older version, did not sign. */
export const UNPROVEN =
  'The authority named further keys without signing them, and they are left out: copy "fleet.trust" from its configuration. Until then this resolver takes no policy at all if the key of the authority was changed once, and follows no take-over.';

/** What needs a person, a line each. */
export const needsPerson = (fleet: Fleet): string[] => {
  const lines: string[] = [];
  if (!fleet.isConnected) lines.push('the engine is not reached: policy stays as it is, and records wait');
  if (fleet.holdMs > 0)
    lines.push(`new exemptions wait for the resolvers, ${Math.ceil(fleet.holdMs / 1_000)} s at most`);
  for (const resolver of fleet.resolvers)
    for (const need of resolver.needs)
      lines.push(`${resolver.name}: ${SENTENCES[need.kind](need, resolver.role)}`);
  return lines;
};

const SENTENCES: Readonly<Record<Need['kind'], (need: Need, role: Resolver['role']) => string>> = {
  unheard: ({ since }) => (since === null ? 'was never heard' : `is not heard since ${since}`),
  older: ({ text }) =>
    `is older than this version (${text}), and does not sign what it says: it counts for nothing`,
  leaking: ({ count, since, text }) =>
    `its probe got answers for ${count} names at ${since}${text === '' ? '' : `: ${text}`}`,
  'not-in-force': ({ text }) => `not in force: ${text}`,
  forked: (_, role) =>
    role === 'authority'
      ? 'a resolver has another log of policy, and nothing new is decided: see "Fork" in docs/fleet.md'
      : 'has another log of policy than the authority: see "Fork" in docs/fleet.md',
  replaced: () => 'was the authority: another one has taken over',
  twice: () =>
    'two programs speak with its key: a copy of its state runs as well, or was put back; see "Conflict" in docs/fleet.md',
  stopped: ({ count }) => `stopped at entry ${count}: its version is too old`,
  suspended: () => 'exemptions are taken out, because it does not hear the authority',
  'cut-off': ({ since }) => `does not hear the authority since ${since}`,
  'refused-entry': ({ count, text }) => `refuses entry ${count} (${text})`,
  'other-content': ({ text }) => `has something else in force than was signed: ${text}`,
  'keeps-nothing': ({ text }) => `${text}; records wait at their resolvers`,
  'evidence-refused': ({ count, text }) => `refused ${count} times: ${text}`,
  clock: ({ count }) => `its clock differs by ${count} ms`,
  unconfirmed: ({ count }) => `${count} records wait for a collector`,
};

/** The fleet as a table. */
export const formatFleet = (fleet: Fleet): string => {
  const needed = needsPerson(fleet);
  const rows = [
    [
      ...['RESOLVER', 'SITE', 'ROLE', 'VERSION', 'GENERATION', 'HEARD', 'POLICY', 'BEHIND', 'CLOCK'],
      ...['CONFIRMED', 'STATE'],
    ],
    ...fleet.resolvers.map(toRow),
  ];
  const head = `${fleet.name}, ${fleet.role}: policy ${fleet.policy.number}${
    fleet.unpublished === null || fleet.unpublished === 0 ? '' : `, ${fleet.unpublished} not published yet`
  }${fleet.isConnected ? '' : ', engine not reached'}`;
  const paused = fleet.pauses.map(({ for: whom, until, by, reason }) =>
    until === null
      ? `Blocking is resumed for ${whom}, by ${by}${reason === '' ? '' : `: ${reason}`}`
      : `BLOCKING IS SUSPENDED for ${whom} until ${until}, by ${by}: ${reason}`,
  );
  const lines = needed.length === 0 ? [] : ['', 'Needs a person:', ...needed.map((text) => `  ${text}`)];
  return `${[head, ...paused, '', ...alignColumns(rows), ...contentLines(fleet), ...lines].join('\n')}\n`;
};

/** Where what was signed is in force, as the resolvers say by its hash. */
const contentLines = ({ contents }: Fleet): string[] => {
  if (contents.length === 0) return [];
  const lines = contents.map(({ subject, inForce, of, without }) => {
    if (without.length === 0) return `  ${subject}: in force on all ${of}`;
    const more = without.length > WITHOUT_MAX ? ` and ${without.length - WITHOUT_MAX} more` : '';
    return `  ${subject}: in force on ${inForce} of ${of}, not on ${without.slice(0, WITHOUT_MAX).join(', ')}${more}`;
  });
  return ['', 'What was signed, by its hash:', ...lines];
};

/** Resolvers that a line names. */
const WITHOUT_MAX = 8;

const toRow = (resolver: Resolver): string[] => {
  const {
    name,
    site,
    role,
    version,
    generation,
    heardSec,
    policy,
    behind,
    offsetMs,
    records,
    confirmed,
    state,
    removed,
  } = resolver;
  const waiting =
    records === null || confirmed === null
      ? '-'
      : `${confirmed.queries + confirmed.changes} of ${records.queries + records.changes}`;
  return [
    name,
    site ?? '-',
    role,
    version ?? '-',
    generation === null ? '-' : String(generation),
    heardSec === null ? 'never' : heardSec < 1 ? 'now' : `${formatDuration(heardSec * 1_000)} ago`,
    policy === null ? '-' : String(policy),
    behind === null ? '-' : String(behind),
    offsetMs === null ? '-' : `${offsetMs} ms`,
    role === 'collector' ? '-' : waiting,
    removed === null ? (state ?? '-') : `removed ${removed}`,
  ];
};

/** After which nobody is to be exempt any more. */
const ENDED: ReadonlySet<string> = new Set(['revoked', 'rejected']);

/** How long an exemption holds on resolvers that do not hear the authority: the longest of them, and where nothing ends it early. */
export const boundOf = ({ resolvers, role }: Fleet): string | undefined => {
  const nodes = resolvers.filter((one) => one.removed === null && one.role === 'node');
  if (role === 'node' || nodes.length === 0) return undefined;
  const bounds = nodes.flatMap(({ suspendAfterMs }) => suspendAfterMs ?? []);
  const unbound = nodes.filter(({ suspendAfterMs }) => suspendAfterMs === null).map(({ name }) => name);
  const lines = [
    ...(bounds.length === 0
      ? []
      : [`holds for ${formatDuration(Math.max(...bounds))} at most where the authority is not heard`]),
    ...(unbound.length === 0 ? [] : [`to its own end on ${unbound.join(', ')}, also when it is revoked`]),
  ];
  return `${lines.join('; ')} (fleet.suspend-exemptions-after chooses otherwise)`;
};

/** Who has heard of the last step of an exemption, which ends by itself at that time; and until when others may exempt somebody. */
export const heardBy = (fleet: Fleet, id: string, untilMs: number): string | undefined => {
  const step = fleet.exemptions[id];
  if (step === undefined || fleet.role === 'node') return undefined;
  const nodes = fleet.resolvers.filter(({ removed, role }) => removed === null && role !== 'collector');
  const heard = nodes.filter(({ policy }) => policy !== null && policy >= step.number);
  const others = nodes
    .filter((node) => !heard.includes(node))
    .map(({ name, heard: at, suspendAfterMs }) => {
      const away = `${name} not since ${at ?? 'ever'}`;
      if (!ENDED.has(step.event)) return away;
      // A node counts from the last checkpoint before the entry that it lacks.
      const lastMs =
        suspendAfterMs === null ? untilMs : Math.min(untilMs, Date.parse(step.time) + suspendAfterMs);
      return `${away}, may exempt until ${new Date(lastMs).toISOString()}`;
    });
  const refusing = heard
    .filter(({ refused }) => refused.some(({ subject }) => subject === id))
    .map(({ name }) => name);
  return [
    `${step.event}; heard by ${heard.length} of ${nodes.length}`,
    ...others,
    ...(refusing.length === 0 ? [] : [`refused by ${refusing.join(', ')}`]),
  ].join('; ');
};

/** What the records of a fleet prove. */
export const formatFleetReport = (report: FleetReport): string => {
  const word = report.isComplete ? 'complete' : 'at least';
  const rows = [
    ['KIND', 'LIST', 'GROUP', 'QUERIES'],
    ...report.totals.map(({ kind, list, group, count }) => [
      kind,
      list === '' ? '-' : list,
      group,
      String(count),
    ]),
  ];
  const resolvers = report.resolvers.map(({ name, isComplete, queries, gaps }) => [
    name,
    isComplete ? 'complete' : 'at least',
    String(queries),
    gaps[0] ?? '',
  ]);
  return `${[
    `${report.period.from} until before ${report.period.until}: ${word} ${report.queries} queries`,
    ...(isOfHours(report)
      ? []
      : ['Queries are counted by the hour: those in which it begins and ends count whole.']),
    '',
    ...fleetPage(report),
    '',
    ...alignColumns(rows),
    '',
    ...alignColumns([['RESOLVER', 'PROOF', 'QUERIES', 'WHAT IS MISSING'], ...resolvers]),
    ...report.resolvers.flatMap(({ name, gaps }) => gaps.slice(1).map((gap) => `  ${name}: ${gap}`)),
    '',
    ...alignColumns([
      ['RESOLVER', 'PROBE RUNS', 'LAST RUN', 'FOUND', 'LONGEST WITHOUT'],
      ...report.resolvers.map(toProbeRow),
    ]),
    ...report.resolvers.flatMap(toFindings),
    '',
    ...toClients(report),
    ...foreignText(report),
  ].join('\n')}\n`;
};

const isOfHours = ({ period: { from, until } }: FleetReport): boolean =>
  [from, until].every((time) => Date.parse(time) % HOUR_MS === 0);

type ReportResolver = FleetReport['resolvers'][number];

const toProbeRow = ({ name, probe }: ReportResolver): string[] =>
  probe.last === null
    ? [name, '0', 'none in the period', 'nothing', '-']
    : [
        ...[name, String(probe.runs), probe.last.time, probe.last.outcome],
        probe.longestGapMs === null ? '-' : formatDuration(probe.longestGapMs),
      ];

/** What a probe found other than refusals: the first times of each view. */
const toFindings = ({ name, probe }: ReportResolver): string[] =>
  probe.views.flatMap(({ view, findings }) =>
    findings
      .slice(0, FINDINGS_MAX)
      .map(
        ({ time, outcome, examples }) =>
          `  ${name}: ${outcome} at ${time} in ${view}: ${examples.join(', ')}`,
      )
      .concat(
        findings.length > FINDINGS_MAX
          ? [`  ${name}: ${findings.length - FINDINGS_MAX} more in ${view}, which --json has`]
          : [],
      ),
  );

/** Findings of one view that people are shown. */
const FINDINGS_MAX = 5;

/** How many clients all resolvers refused something, nobody counted twice. */
const toClients = ({ clients: counted, isComplete }: FleetReport): string[] => {
  const { merged, days, standardErrorPercent, without } = counted;
  const word = isComplete && without.length === 0 ? 'about' : 'at least about';
  const [all] = merged;
  const head =
    all === undefined
      ? 'No estimate of distinct clients of several resolvers:'
      : `Distinct clients, ${days.from} to ${days.until}: ${word} ${all.clients} (standard error ${standardErrorPercent} %)`;
  if (all === undefined && without.length === 0) return ['Distinct clients: none were counted.'];
  return [
    head,
    ...merged.slice(1).map(({ group, clients }) => `  group ${group}: ${clients}`),
    ...without.map(({ name, reason }) => `  without ${name}: ${reason}`),
  ];
};
