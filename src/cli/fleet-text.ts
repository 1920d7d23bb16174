// What cordon fleet shows, for people.
import type { z } from 'zod';
import type { OPERATIONS } from '../admin/admin.ts';
import { formatDuration } from '../base/base.ts';
import type { FleetReport } from '../report/report.ts';
import { alignColumns } from './columns.ts';

type Fleet = z.output<(typeof OPERATIONS)['readFleet']['result']>;
type Resolver = Fleet['resolvers'][number];

/** Older than this, nobody knows how a resolver is: it says so every ten seconds. Seconds. */
const HEARD_SEC_MAX = 60;
/** Clocks that differ by more need a person, milliseconds. */
const OFFSET_MS_MAX = 1_000;

/** What needs a person, a line each. */
export const needsPerson = (fleet: Fleet): string[] => {
  const lines: string[] = [];
  if (!fleet.isConnected) lines.push('the engine is not reached: policy stays as it is, and records wait');
  if (fleet.holdMs > 0)
    lines.push(`new exemptions wait for the resolvers, ${Math.ceil(fleet.holdMs / 1_000)} s at most`);
  for (const resolver of fleet.resolvers)
    lines.push(...troublesOf(resolver).map((text) => `${resolver.name}: ${text}`));
  return lines;
};

const troublesOf = (resolver: Resolver): string[] => {
  if (resolver.removed !== null) return [];
  const { heardSec, offsetMs, refused, alarms } = resolver;
  if (heardSec === null) return ['was never heard'];
  const texts: string[] = [];
  if (heardSec > HEARD_SEC_MAX) texts.push(`is not heard since ${resolver.heard ?? 'ever'}`);
  if (resolver.isForked)
    texts.push('has another log of policy than the authority: see "fork" in docs/fleet.md');
  if (resolver.stopped !== null) texts.push(`stopped at entry ${resolver.stopped}: its version is too old`);
  if (resolver.isSuspended) texts.push('exemptions are taken out, because it does not hear the authority');
  if (resolver.cutOffSince !== null) texts.push(`does not hear the authority since ${resolver.cutOffSince}`);
  if (offsetMs !== null && Math.abs(offsetMs) > OFFSET_MS_MAX)
    texts.push(`its clock differs by ${offsetMs} ms`);
  for (const { number, subject, code, reason } of refused)
    texts.push(`refuses entry ${number}${subject === undefined ? '' : ` (${subject})`}: ${reason} [${code}]`);
  for (const [alarm, count] of Object.entries(alarms)) texts.push(`refused ${count} times: ${alarm}`);
  return texts;
};

/** The fleet as a table. */
export const formatFleet = (fleet: Fleet): string => {
  const needed = needsPerson(fleet);
  const rows = [
    ['RESOLVER', 'SITE', 'ROLE', 'VERSION', 'HEARD', 'POLICY', 'BEHIND', 'CLOCK', 'CONFIRMED', 'STATE'],
    ...fleet.resolvers.map(toRow),
  ];
  const head = `${fleet.name}, ${fleet.role}: policy ${fleet.policy.number}${
    fleet.unpublished === null || fleet.unpublished === 0 ? '' : `, ${fleet.unpublished} not published yet`
  }${fleet.isConnected ? '' : ', engine not reached'}`;
  const lines = needed.length === 0 ? [] : ['', 'Needs a person:', ...needed.map((text) => `  ${text}`)];
  return `${[head, '', ...alignColumns(rows), ...lines].join('\n')}\n`;
};

const toRow = (resolver: Resolver): string[] => {
  const {
    name,
    site,
    role,
    version,
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
    heardSec === null ? 'never' : heardSec < 1 ? 'now' : `${formatDuration(heardSec * 1_000)} ago`,
    policy === null ? '-' : String(policy),
    behind === null ? '-' : String(behind),
    offsetMs === null ? '-' : `${offsetMs} ms`,
    role === 'collector' ? '-' : waiting,
    removed === null ? (state ?? '-') : `removed ${removed}`,
  ];
};

/** Who has heard of the last step of an exemption. */
export const heardBy = (fleet: Fleet, id: string): string | undefined => {
  const step = fleet.exemptions[id];
  if (step === undefined || fleet.role === 'node') return undefined;
  const nodes = fleet.resolvers.filter(({ removed, role }) => removed === null && role !== 'collector');
  const heard = nodes.filter(({ policy }) => policy !== null && policy >= step.number);
  const others = nodes
    .filter((node) => !heard.includes(node))
    .map(({ name, heard: at }) => `${name} not since ${at ?? 'ever'}`);
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
    '',
    ...alignColumns(rows),
    '',
    ...alignColumns([['RESOLVER', 'PROOF', 'QUERIES', 'WHAT IS MISSING'], ...resolvers]),
    ...report.resolvers.flatMap(({ name, gaps }) => gaps.slice(1).map((gap) => `  ${name}: ${gap}`)),
  ].join('\n')}\n`;
};
