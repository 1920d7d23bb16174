// What is wrong with the service, out of what its parts tell of themselves: one function for each part that does not judge
// itself. What each issue means, and how much, stands in HEALTH_ISSUES.

import { DAY_MS, VERSION } from '../../base/base.ts';
import type { FoundIssue } from '../../base/words/words.ts';
import type { Config } from '../../config/config.ts';
import { CONNECTING, type RecordingFacts, witnessIssues } from '../../evidence/records/records.ts';
import { type FleetFacts, fleetIssues } from '../../fleet/fleet.ts';
import {
  type FeedState,
  type ListStatus,
  type NewerStanding,
  standingIssues,
} from '../../policy/keeping/keeping.ts';
import type { AcmeFacts, TlsFacts } from '../../resolver/certificates/certificates.ts';
import {
  describeEnforcement,
  type Enforcement,
  type Headline,
  isAsDecided,
  proofAgeMaxMs,
  todoOf,
} from '../../telemetry/enforcement/enforcement.ts';
import type { EvidenceFacts } from '../../telemetry/observe/observe.ts';
import { warningMs } from '../../wire/tls/tls.ts';
import { dutyIssues } from './mandate-duties.ts';

/** A certificate of ours that ends sooner is told of: time for somebody who is away for a week. */
const CERTIFICATE_MS_MIN = 14 * DAY_MS;
/** Failures of ACME one after the other that are told of while there is a certificate. */
const ACME_FAILURES_MIN = 3;
/** Before an end that somebody should know of. */
const EXEMPTION_MS = 7 * DAY_MS;
const REVIEW_MS = 30 * DAY_MS;
/** Free bytes below so many reserves are told of. */
const RESERVES_MIN = 2;

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
  readonly records: HealthRecords | undefined;
  /** Ids of granted exemptions that the rules would refuse. */
  readonly incomplete: ReadonlySet<string>;
  readonly lists: readonly ListStatus[];
  readonly feeds: readonly FeedState[];
  /** By mandate: how it stands by a pack of a feed. */
  readonly standings: ReadonlyMap<string, NewerStanding>;
  /** Why what was last to be put in force is not; undefined: it is. */
  readonly refused: string | undefined;
}

/** What is looked at of the records. */
export type HealthRecords = Pick<
  RecordingFacts,
  'isVerified' | 'isClockTrusted' | 'freeBytes' | 'reserveBytes' | 'outputs' | 'witnesses'
>;

/** Everything that is wrong, in no order. */
export const findIssues = (facts: HealthFacts): FoundIssue[] => [
  ...mandateIssues(facts),
  ...programIssues(facts),
  ...facts.upstreams,
  ...facts.forwarders,
  ...certificateIssues(facts),
  ...exemptionIssues(facts),
  ...approverIssues(facts.config),
  ...standingIssues(facts.config, facts.standings),
  ...dutyIssues(facts.config, facts.nowMs, facts.evidence.decisions),
  ...recordIssues(facts),
  ...queryLogIssues(facts.evidence),
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

const certificateIssues = ({
  tls,
  acme,
  roomCertificateEndMs: roomEndMs,
  evidence: { probe },
  nowMs,
}: HealthFacts): FoundIssue[] => {
  const found: FoundIssue[] = [];
  const add = (id: FoundIssue['id'], text: string, more: Partial<FoundIssue> = {}): void => {
    found.push({ id, subject: '', text, ...more });
  };
  const failures = acme?.failures ?? 0;
  const why = acme === undefined ? '' : `${acme.text}; it is asked again at ${toText(acme.nextMs)}`;
  if (tls === undefined) {
    if (failures > 0) add('certificate-missing', `no certificate was obtained by ACME: ${why}`);
  } else {
    const { startMs, endMs, isRefused } = tls;
    const name = 'the certificate of the encrypted listeners';
    if (endMs <= nowMs) add('certificate-ended', `${name} ended at ${toText(endMs)}`, { sinceMs: endMs });
    else if (startMs > nowMs)
      add('certificate-ended', `${name} is not valid before ${toText(startMs)}`, { dueMs: startMs });
    else if (nowMs > warningMs(tls, CERTIFICATE_MS_MIN))
      add('certificate-ends', `${name} ends at ${toText(endMs)}`, { dueMs: endMs });
    if (isRefused)
      add('certificate-refused', 'the files of tls hold a certificate that is not used: the log says why');
    if (failures >= ACME_FAILURES_MIN)
      add('certificate-unobtained', `no certificate was obtained by ACME: ${why}`, { dueMs: endMs });
  }
  if (roomEndMs !== undefined && roomEndMs - nowMs < CERTIFICATE_MS_MIN)
    add('room-certificate-ends', `the certificate of the control room ends at ${toText(roomEndMs)}`, {
      dueMs: roomEndMs,
    });
  for (const { view, isValid } of probe?.certificates ?? [])
    if (!isValid)
      add('certificate-unbelieved', `clients cannot believe the certificate of ${view}: cordon probe`, {
        subject: view,
      });
  return found;
};

const exemptionIssues = ({
  evidence: { exemptions, decisions },
  incomplete,
  nowMs,
}: HealthFacts): FoundIssue[] => [
  ...(exemptions === undefined
    ? [
        {
          ...({ id: 'exemptions-unusable', subject: '' } as const),
          text: 'the register of exemptions cannot be used: no exemption is in force',
        },
      ]
    : []),
  ...Array.from(exemptions?.unproven ?? [], ([subject, why]) => ({
    ...({ id: 'exemptions-unproven', subject } as const),
    text: `${subject} is suspended: the register grants it, and ${why}`,
  })),
  ...Array.from(incomplete, (subject) => ({
    ...({ id: 'exemption-incomplete', subject } as const),
    text: `exemption ${subject} would be refused by the rules as they are`,
  })),
  ...[...(exemptions?.ends ?? [])]
    .filter(([, endMs]) => endMs - nowMs < EXEMPTION_MS)
    .map(([subject, dueMs]) => ({
      ...({ id: 'exemption-ends', subject, dueMs } as const),
      text: `exemption ${subject} ends at ${toText(dueMs)}`,
    })),
  ...decisions.flatMap(({ list: subject, reviewMs, endsMs }): FoundIssue[] => {
    const dueMs = Math.min(reviewMs ?? Number.POSITIVE_INFINITY, endsMs ?? Number.POSITIVE_INFINITY);
    const text = `the decision behind ${subject} is to be reviewed`;
    return dueMs - nowMs < REVIEW_MS ? [{ id: 'mandate-review', subject, text, dueMs }] : [];
  }),
];

/** Nothing where no exemption can be granted: without rules, and on a node of a fleet. */
const approverIssues = ({ compliance, controlRoom, fleet, mandates }: Config): FoundIssue[] => {
  const { profile, approvers } = compliance;
  if ((profile === undefined && mandates.length === 0) || fleet?.role === 'node') return [];
  if (approvers.length === 0)
    return [
      {
        ...{ id: 'approvers-open', subject: '' },
        text: 'nobody is named who may approve exemptions, so that whoever opens the control socket does: compliance.approvers',
      },
    ];
  // Users of a system are called what root calls them.
  if (controlRoom?.oidc === undefined) return [];
  return approvers
    .filter(({ account }) => account === undefined)
    .map(({ name }) => ({
      ...{ id: 'approver-by-name', subject: name },
      text: `${name} may approve exemptions, and so does whom the identity provider calls so: compliance.approvers[].account`,
    }));
};

/** What to do about an output, by what stands before the colon of its name. */
const OUTPUT_HINTS: Readonly<Record<string, string>> = {
  heads:
    'look at the path, at the rights of its directory and at the room on its disk; under systemd name its directory in ReadWritePaths= of a drop-in',
  file: 'look at the path, at the rights of its directory and at the room on its disk',
  'syslog+tcp': 'look whether the receiver runs and whether its port can be reached from this host',
  'syslog+tls':
    'look whether the receiver runs, whether its port can be reached, and whether its certificate is signed by an authority of the key "ca" and for the name behind "#"',
  'dnstap+unix': 'look whether the receiver runs and whether the service may open its socket',
  'dnstap+tcp': 'look whether the receiver runs and whether its port can be reached from this host',
};

const recordIssues = ({ records, config, nowMs }: HealthFacts): FoundIssue[] => {
  if (records === undefined) return [];
  const { isVerified, isClockTrusted, freeBytes, reserveBytes, outputs, witnesses } = records;
  const found: FoundIssue[] = [];
  const add = (id: FoundIssue['id'], text: string, subject = ''): void => {
    found.push({ id, subject, text });
  };
  if (isVerified === false)
    add('records-not-whole', 'the records are not whole: cordon records verify', 'records');
  if (!isClockTrusted) add('clock-wrong', 'the clock of the resolver cannot be right');
  if (freeBytes !== undefined && reserveBytes !== undefined && freeBytes < RESERVES_MIN * reserveBytes) {
    const free = `${(freeBytes / 2 ** 30).toFixed(1)} GiB are left on the disk of the records`;
    if (freeBytes < reserveBytes) add('records-reserve', `queries are recorded as sums only: ${free}`);
    else add('records-disk-low', free);
  }
  for (const { name, trouble } of outputs) {
    // A first connection that is still being made is no trouble yet; it has a time of its own.
    if (trouble === undefined || trouble === CONNECTING) continue;
    const hint = OUTPUT_HINTS[name.split(':', 1)[0] ?? ''];
    const text = `output ${name} takes no records: ${trouble}`;
    found.push({ id: 'output-stuck', subject: name, text, do: hint });
  }
  return [...found, ...witnessIssues(witnesses, config.records.witnessesNeeded, nowMs)];
};

/** A log of queries is no evidence: what is missing there is worth a look, and no record. */
const queryLogIssues = ({ queryLog }: HealthFacts['evidence']): FoundIssue[] => {
  if (queryLog === undefined || !queryLog.isLossy) return [];
  const lost = Object.entries(queryLog.lost).filter(([, count]) => count > 0);
  const text = `queries are missing in the query log since the start: ${lost.map(([why, count]) => `${count} (${why})`).join(', ')}`;
  const stuck = queryLog.outputs.filter(({ trouble }) => trouble !== undefined && trouble !== CONNECTING);
  const why = stuck.map(({ name, trouble }) => `; ${name}: ${trouble}`).join('');
  return [{ id: 'query-log-lossy', subject: '', text: `${text}${why}` }];
};

const listIssues = ({ id: subject, held, inForce, kept }: ListStatus): FoundIssue[] => {
  const found: FoundIssue[] = [];
  const add = (id: FoundIssue['id'], text: string, since?: string | null): void => {
    found.push({ id, subject, text, sinceMs: since == null ? undefined : Date.parse(since) });
  };
  if (held !== null) add('list-held', `list ${subject} is held: cordon lists status`, held.since);
  else if (inForce === null) add('list-missing', `list ${subject} is not in force: cordon lists status`);
  if (kept?.isStale === true && inForce !== null)
    add('list-stale', `list ${subject} is stale: cordon lists status`, kept.checkedAt);
  else if (kept !== null && kept.failures > 0)
    add('list-failing', `the source of list ${subject} was not reached: ${kept.lastFailure}`, kept.checkedAt);
  return found;
};

const FEED_ISSUES = {
  unproven: ['feed-unproven', 'is not what its keys signed'],
  backwards: ['feed-backwards', 'went back to an older state'],
  expired: ['feed-expired', 'does not vouch for being fresh any more'],
} as const;

/** A content that is held is told as such: what a feed adds is what could not be had. */
const feedIssues = ({ id: subject, state, reason, since, behind, release }: FeedState): FoundIssue[] => {
  const found: FoundIssue[] = [];
  const toMs = (time: string | null): number | undefined => (time === null ? undefined : Date.parse(time));
  if (state === 'unproven' || state === 'backwards' || state === 'expired') {
    const [id, text] = FEED_ISSUES[state];
    found.push({ id, subject, text: `feed ${subject} ${text}: ${reason}`, sinceMs: toMs(since) });
  }
  for (const { list, since: known, reason: why } of behind) {
    const text = `feed ${subject} has a newer list ${list} that is not in force: ${why}`;
    found.push({ id: 'feed-behind', subject: list, text, sinceMs: toMs(known) });
  }
  if (release !== null) {
    const { version, date, notes } = release;
    const text = `release ${version} of ${date} is newer than this one, ${VERSION}: ${notes}`;
    found.push({ id: 'release-newer', subject: version, text, sinceMs: Date.parse(date) });
  }
  return found;
};

const toText = (ms: number): string => new Date(ms).toISOString();
