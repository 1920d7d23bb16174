// The metrics of a fleet: of this resolver's own part in it, and at the authority of every other one.
//
// Names of resolvers and sites are those that the authority let in; without a fleet there are no series.
import { type Metric, maybe, type Scrape } from './metric.ts';

/** Resolvers of which there are series; a fleet of more is looked at by `cordon fleet status`. */
const RESOLVERS_MAX = 2_000;

const others = ({ evidence: { fleet } }: Scrape) =>
  (fleet?.resolvers ?? []).filter(({ removed }) => removed === null).slice(0, RESOLVERS_MAX);

const flag = (value: boolean | undefined): number | undefined =>
  value === undefined ? undefined : Number(value);

/** Why a resolver takes no further policy, by the need that says it. */
const HELD = new Map([
  ['forked', 'fork'],
  ['stopped', 'version'],
  ['suspended', 'suspended'],
  ['refused-entry', 'refused'],
]);

/** A value of each resolver that refuses names, by name and site; none where it is not known. */
const ofResolvers = (scrape: Scrape, read: (one: FleetResolver) => number | undefined) =>
  others(scrape)
    .filter(({ role }) => role !== 'collector')
    .flatMap((one) => {
      const value = read(one);
      return value === undefined ? [] : [[[one.name, one.site ?? ''], value] as const];
    });

type FleetResolver = ReturnType<typeof others>[number];

/** The rows of the table, in the order of the page. */
export const FLEET_METRICS: readonly Metric[] = [
  {
    name: 'cordon_fleet_connected',
    type: 'gauge',
    labels: [],
    help: 'Whether the engine of the fleet is connected. Absent without a fleet, as are all of these.',
    alarm: '`cordon_health_issue{id="fleet-disconnected"} == 1`',
    read: ({ evidence: { fleet } }) => maybe(flag(fleet?.isConnected)),
  },
  {
    name: 'cordon_fleet_policy_number',
    type: 'gauge',
    labels: [],
    help: 'Number of the last entry of policy that this resolver has.',
    alarm: '',
    read: ({ evidence: { fleet } }) => maybe(fleet?.policyNumber),
  },
  {
    name: 'cordon_fleet_cut_off',
    type: 'gauge',
    labels: [],
    help: 'Whether the authority has not been heard for two and a half minutes; what it decided last stays in force.',
    alarm: '`cordon_health_issue{id="fleet-cut-off"} == 1`',
    read: ({ evidence: { fleet } }) => maybe(flag(fleet?.isCutOff)),
  },
  {
    name: 'cordon_fleet_exemptions_suspended',
    type: 'gauge',
    labels: [],
    help: 'Whether exemptions are taken out because the authority was not heard for `suspend-exemptions-after`.',
    alarm: '`cordon_health_issue{id="exemptions-suspended"} == 1`',
    read: ({ evidence: { fleet } }) => maybe(flag(fleet?.isSuspended)),
  },
  {
    name: 'cordon_fleet_clock_offset_seconds',
    type: 'gauge',
    labels: [],
    help: 'By how much the clock was ahead of the authority’s when it was last heard, the way of the message included.',
    alarm: '`cordon_health_issue{id="fleet-clock"} == 1`',
    read: ({ evidence: { fleet } }) =>
      maybe(fleet?.offsetMs === undefined ? undefined : fleet.offsetMs / 1_000),
  },
  {
    name: 'cordon_fleet_unconfirmed_records',
    type: 'gauge',
    labels: ['chain'],
    help: 'Records that no collector has confirmed yet, by chain.',
    alarm: '`cordon_health_issue{id="fleet-unconfirmed"} == 1`',
    read: ({ evidence: { fleet } }) =>
      Array.from(fleet?.unconfirmed ?? [], ([chain, count]) => [[chain], count] as const),
  },
  {
    name: 'cordon_fleet_alarms_total',
    type: 'counter',
    labels: ['alarm'],
    help: 'What a person has to look at, by kind: `forged-entry`, `fork`, `refused-entry`, `stopped`, `token`, `conflict`, …',
    alarm: '`increase(cordon_fleet_alarms_total[15m]) > 0`',
    read: ({ evidence: { fleet } }) =>
      Array.from(fleet?.alarms ?? [], ([alarm, count]) => [[alarm], count] as const),
  },
  {
    name: 'cordon_fleet_member_info',
    type: 'gauge',
    labels: ['resolver', 'site', 'role'],
    help: 'Who this resolver is in its fleet, and where it stands; always 1. Rules give its site to other series by it.',
    alarm: '',
    read: ({ evidence: { fleet } }) =>
      fleet?.own === undefined ? [] : [[[fleet.own.name, fleet.own.site ?? '', fleet.own.role], 1]],
  },
  {
    name: 'cordon_fleet_resolver_info',
    type: 'gauge',
    labels: ['resolver', 'site', 'version'],
    help: 'At the authority: each resolver of the fleet with the version that it last said; always 1. Also of one that was never heard.',
    alarm:
      '`cordon_fleet_resolver_info unless on (instance, resolver) cordon_fleet_resolver_heard_seconds` for an hour: it was taken in and never heard',
    read: (scrape) =>
      others(scrape)
        .filter(({ role }) => role !== 'collector')
        .map(({ name, site, version }) => [[name, site ?? '', version ?? ''], 1] as const),
  },
  {
    name: 'cordon_fleet_resolver_in_force',
    type: 'gauge',
    labels: ['resolver', 'site'],
    help: 'At the authority: whether a resolver last said that the prohibition is in force there, or by decision out of scope. Absent of a version that does not say it.',
    alarm: '`cordon_fleet_resolver_in_force == 0` for a minute',
    read: (scrape) =>
      ofResolvers(scrape, ({ enforcement, needs }) =>
        enforcement === null ? undefined : Number(!needs.some(({ kind }) => kind === 'not-in-force')),
      ),
  },
  {
    name: 'cordon_fleet_resolver_probe_leaked_names',
    type: 'gauge',
    labels: ['resolver', 'site'],
    help: 'At the authority: listed names that resolved when all resolvers were asked for their probe the last time.',
    alarm: '`cordon_fleet_resolver_probe_leaked_names > 0`',
    read: (scrape) => ofResolvers(scrape, ({ probe }) => probe?.leakedNames),
  },
  {
    name: 'cordon_fleet_resolver_held',
    type: 'gauge',
    labels: ['resolver', 'site', 'reason'],
    help: 'At the authority: 1 of a resolver that does not hold what the authority decided, by reason: `fork`, `version`, `refused`, `suspended`.',
    alarm: '`cordon_fleet_resolver_held == 1` for five minutes',
    read: (scrape) =>
      others(scrape).flatMap(({ name, site, needs }) =>
        [...new Set(needs.flatMap(({ kind }) => HELD.get(kind) ?? []))].map(
          (reason) => [[name, site ?? '', reason], 1] as const,
        ),
      ),
  },
  {
    name: 'cordon_fleet_resolver_unconfirmed_records',
    type: 'gauge',
    labels: ['resolver', 'site'],
    help: 'At the authority: records of a resolver that no collector has confirmed, of both chains.',
    alarm: '`min_over_time(cordon_fleet_resolver_unconfirmed_records[1h]) > 10000`',
    read: (scrape) =>
      ofResolvers(scrape, ({ records, confirmed }) =>
        records === null || confirmed === null
          ? undefined
          : Math.max(0, records.queries + records.changes - confirmed.queries - confirmed.changes),
      ),
  },
  {
    name: 'cordon_fleet_resolver_clock_offset_seconds',
    type: 'gauge',
    labels: ['resolver', 'site'],
    help: 'At the authority: by how much the clock of a resolver is ahead, as it last said.',
    alarm: '',
    read: (scrape) =>
      ofResolvers(scrape, ({ offsetMs }) => (offsetMs === null ? undefined : offsetMs / 1_000)),
  },
  {
    name: 'cordon_fleet_resolver_heard_seconds',
    type: 'gauge',
    labels: ['resolver', 'site'],
    help: 'At the authority: how long ago a resolver last said how it is. Absent for one that was never heard.',
    alarm: '`cordon_health_issue{id="resolver-unheard"} == 1`',
    read: (scrape) =>
      others(scrape).flatMap(({ name, site, heardSec }) =>
        heardSec === null ? [] : [[[name, site ?? ''], heardSec] as const],
      ),
  },
  {
    name: 'cordon_fleet_resolver_behind',
    type: 'gauge',
    labels: ['resolver', 'site'],
    help: 'At the authority: entries of policy that a resolver has not said to have.',
    alarm: '`cordon_fleet_resolver_behind > 0` for five minutes',
    read: (scrape) =>
      others(scrape).flatMap(({ name, site, behind }) =>
        behind === null ? [] : [[[name, site ?? ''], behind] as const],
      ),
  },
  {
    name: 'cordon_fleet_collector_keeping',
    type: 'gauge',
    labels: ['collector'],
    help: 'At the authority: whether a collector last said that it keeps all that it is sent; 0 while its directory or database takes nothing.',
    alarm: '`cordon_fleet_collector_keeping == 0` for five minutes',
    read: (scrape) =>
      others(scrape).flatMap(({ name, isKeeping }) =>
        isKeeping === null ? [] : [[[name], Number(isKeeping)] as const],
      ),
  },
  {
    name: 'cordon_fleet_evidence_refused',
    type: 'gauge',
    labels: ['collector', 'alarm'],
    help: 'At the authority: messages that a collector has refused since it was started, by kind.',
    alarm:
      '`increase(cordon_fleet_evidence_refused[15m]) > 0`: `alarms.jsonl` of the collector has the resolver',
    read: (scrape) =>
      others(scrape).flatMap(({ name, alarms }) =>
        Object.entries(alarms).map(([alarm, count]) => [[name, alarm], count] as const),
      ),
  },
];
