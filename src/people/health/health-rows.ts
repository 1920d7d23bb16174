// What is wrong with the service: what its parts find of themselves, and what no part can tell by itself. What each issue
// means, and how much, stands in HEALTH_ISSUES.

import type { FoundIssue } from '../../base/words/words.ts';
import type { Config } from '../../config/config.ts';
import { approverIssues, exemptionIssues } from '../../evidence/exemptions/exemptions.ts';
import { queryLogIssues } from '../../evidence/query-log/query-log.ts';
import { recordIssues } from '../../evidence/records/records.ts';
import { type FleetFacts, fleetIssues } from '../../fleet/fleet.ts';
import {
  type FeedState,
  feedIssues,
  type ListStatus,
  listIssues,
  type NewerStanding,
  standingIssues,
} from '../../policy/keeping/keeping.ts';
import {
  type AcmeFacts,
  certificateIssues,
  type TlsFacts,
} from '../../resolver/certificates/certificates.ts';
import {
  describeEnforcement,
  type Enforcement,
  type Headline,
  isAsDecided,
  proofAgeMaxMs,
  todoOf,
} from '../../telemetry/enforcement/enforcement.ts';
import type { EvidenceFacts } from '../../telemetry/observe/observe.ts';
import { dutyIssues } from './mandate-duties.ts';

/** What the parts tell of themselves. */
export interface HealthFacts {
  readonly nowMs: number;
  readonly upMs: number;
  readonly config: Config;
  readonly enforcement: Enforcement;
  readonly enforcementSinceMs: number;
  /** All that judgeHeadlines() tells. */
  readonly headlines: readonly Headline[];
  /** What is wrong with the state directory; undefined: nothing. */
  readonly stateTrouble: string | undefined;
  readonly workers: { readonly count: number; readonly alive: number };
  /** What upstreams say of themselves. */
  readonly upstreams: readonly FoundIssue[];
  /** What forwarders say that is not believed, and leases that cannot be read. */
  readonly forwarders: readonly FoundIssue[];
  readonly fleet: FleetFacts | undefined;
  readonly tls: TlsFacts | undefined;
  readonly acme: Pick<AcmeFacts, 'failures' | 'text' | 'nextMs'> | undefined;
  readonly roomCertificateEndMs: number | undefined;
  readonly hasAdministrator: boolean;
  readonly evidence: Pick<
    EvidenceFacts,
    'exemptions' | 'decisions' | 'probe' | 'reports' | 'reminders' | 'queryLog'
  >;
  readonly records: Parameters<typeof recordIssues>[0] | undefined;
  /** Ids of granted exemptions that the rules would refuse. */
  readonly incomplete: ReadonlySet<string>;
  readonly lists: readonly ListStatus[];
  readonly feeds: readonly FeedState[];
  /** By mandate: how it stands by a pack of a feed. */
  readonly standings: ReadonlyMap<string, NewerStanding>;
  /** Why what was last to be put in force is not; undefined: it is. */
  readonly refused: string | undefined;
}

/** Everything that is wrong, in no order. */
export const findIssues = (facts: HealthFacts): FoundIssue[] => [
  ...mandateIssues(facts),
  ...programIssues(facts),
  ...facts.upstreams,
  ...facts.forwarders,
  ...certificateIssues(facts, facts.nowMs),
  ...exemptionIssues(facts.evidence.exemptions, facts.evidence.decisions, facts.incomplete, facts.nowMs),
  ...approverIssues(facts.config),
  ...standingIssues(facts.config, facts.standings),
  ...dutyIssues(facts.config, facts.nowMs, facts.evidence.decisions),
  ...(facts.records === undefined
    ? []
    : recordIssues(facts.records, facts.config.records.witnessesNeeded, facts.nowMs)),
  ...(facts.evidence.queryLog === undefined ? [] : queryLogIssues(facts.evidence.queryLog)),
  ...facts.lists.flatMap(listIssues),
  ...facts.feeds.flatMap(feedIssues),
  ...fleetRows(facts),
];

/** One that is configured and could not be begun is as if it were cut off for good. */
const fleetRows = ({ fleet, config }: HealthFacts): FoundIssue[] => {
  if (fleet !== undefined) return fleetIssues(fleet);
  const text = 'the fleet was not begun, and this resolver goes on by itself: the log says why';
  return config.fleet === undefined ? [] : [{ id: 'fleet-disconnected', subject: '', text }];
};

const mandateIssues = ({
  headlines,
  enforcement,
  enforcementSinceMs,
  evidence: { probe },
  config,
  upMs,
}: HealthFacts): FoundIssue[] => {
  const found: FoundIssue[] = [];
  if (!isAsDecided(enforcement.state) && headlines[0]?.state !== 'starting')
    found.push({
      ...{ id: 'not-in-force', subject: '', sinceMs: enforcementSinceMs, do: todoOf(enforcement) },
      text: `the prohibition is not in force: ${describeEnforcement(enforcement)}`,
    });
  // Of the last run, and of what an earlier one found that none has found otherwise since.
  const leaked = Math.max(probe?.leakedNames ?? 0, ...headlines.map(({ leakedNames }) => leakedNames));
  if (leaked > 0)
    found.push({
      ...{ id: 'leaking', subject: '' },
      text: `the self-probe got answers for ${leaked} mandate names: cordon probe`,
    });
  for (const { state, cause, text, detail, todo, sinceMs } of headlines) {
    const told = {
      subject: '',
      text: detail === '' ? text : `${text}: ${detail}`,
      sinceMs: sinceMs ?? undefined,
      do: todo ?? undefined,
    };
    // The first run has to end first; what is off, or has a row of its own, is told there.
    const isEarly = cause === 'never' && upMs <= proofAgeMaxMs(config.probe.intervalMs);
    if (state === 'unproven' && cause !== 'no-probe' && !isEarly) found.push({ ...told, id: 'unproven' });
    if (state === 'unrecorded' && cause !== 'not-whole' && cause !== 'disabled')
      found.push({ ...told, id: 'unrecorded' });
  }
  for (const { view: subject, isValid } of probe?.certificates ?? []) {
    const text = `clients cannot believe the certificate of ${subject}: cordon probe`;
    if (!isValid) found.push({ id: 'certificate-unbelieved', subject, text });
  }
  if (config.probe.intervalMs === 0)
    found.push({ id: 'probe-off', subject: '', text: 'the self-probe is turned off: probe.interval' });
  if (!config.records.isEnabled)
    found.push({ id: 'records-off', subject: '', text: 'no records are kept: records.enabled is false' });
  return found;
};

const programIssues = ({
  stateTrouble,
  workers: { count, alive },
  refused,
  hasAdministrator,
  evidence: { reports, reminders },
}: HealthFacts): FoundIssue[] => {
  const found: FoundIssue[] = [];
  const add = (id: FoundIssue['id'], isSo: boolean, text: string, subject = ''): void => {
    if (isSo) found.push({ id, subject, text });
  };
  add('state-directory', stateTrouble !== undefined, stateTrouble ?? '');
  const missing = count - alive;
  add('workers-missing', missing > 0, `${missing} of ${count} workers do not run`, `${missing}/${count}`);
  add('reload-refused', refused !== undefined, `what was to be put in force was refused: ${refused}`);
  const late = reports?.failing ?? 0;
  add('reports-failing', late > 0, `${late} reports of the schedule are not made or sent`);
  const untold = reminders?.failing ?? 0;
  add('reminders-failing', untold > 0, `${untold} reminders of exemptions that end are not sent`);
  add('set-up', !hasAdministrator, 'nobody is administrator of the control room yet', 'room');
  return found;
};
