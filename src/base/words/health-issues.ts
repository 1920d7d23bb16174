// Everything that can be wrong with a running resolver and needs a person, in one closed table.
//
// Status and its exit code, the control room, /readyz, the log, the metric cordon_health_issue, alerts and runbooks say what
// stands here, and nothing judges beside it. An id is published: none is ever renamed. What happens at a rate (queries over
// a limit, answers that fail validation) is no issue: Prometheus has it by time.

/** How much it matters: `info` is shown, and neither changes an exit code nor is a problem. */
export type HealthSeverity = 'critical' | 'warning' | 'info';

/** What is told of an issue of one kind. */
export interface HealthIssueKind {
  readonly severity: HealthSeverity;
  /** Message of the log line, and summary of the alert; what to do, where an issue does not say it better. */
  readonly title: string;
  readonly do: string;
  /** Name of its alert, and of the paragraph in the runbooks; how long it has to last before, minutes. */
  readonly alert: string;
  readonly alertMin: number;
}

const kind = (
  severity: HealthSeverity,
  alert: string,
  alertMin: number,
  title: string,
  todo: string,
): HealthIssueKind => ({ severity, title, do: todo, alert: `Cordon${alert}`, alertMin });

/** By id, the most urgent first. */
export const HEALTH_ISSUES = {
  'state-directory': kind(
    'critical',
    'StateDirectoryGone',
    1,
    'the state directory is gone',
    'find who deleted or replaced it, restore what is missing from a backup, and restart the service',
  ),
  'not-in-force': kind(
    'critical',
    'NotEnforcing',
    1,
    'the prohibition is not in force',
    '/readyz names groups, lists and causes; cordon check says what the configuration lacks',
  ),
  leaking: kind(
    'critical',
    'Leaking',
    2,
    'the self-probe got answers for names of mandate lists',
    'cordon probe shows names and views; cordon explain NAME --client ADDRESS says why',
  ),
  'workers-missing': kind(
    'warning',
    'WorkersMissing',
    5,
    'workers do not run',
    'the log says why they ended; they are started again by themselves',
  ),
  'upstreams-down': kind(
    'critical',
    'AllUpstreamsDown',
    1,
    'no upstream answers',
    'what is not cached ends with SERVFAIL or old answers, and nobody else is asked: look at route and firewall, then ask a server with dig from this host',
  ),
  'upstream-untrusted': kind(
    'critical',
    'UpstreamUntrusted',
    1,
    'an upstream did not prove who it is: it gets no query',
    'openssl s_client -connect ADDRESS:PORT -verify_return_error shows the chain',
  ),
  'upstream-down': kind(
    'warning',
    'UpstreamDown',
    5,
    'an upstream does not answer: the others carry its questions',
    'ask it with dig from this host; tell its operator',
  ),
  'certificate-missing': kind(
    'critical',
    'CertificateMissing',
    5,
    'the encrypted listeners have no certificate',
    'cordon status has the words of the authority, and when it is asked again',
  ),
  'certificate-ended': kind(
    'critical',
    'CertificateEnded',
    1,
    'the certificate of the encrypted listeners is not valid',
    'renew the files of tls now: no client takes an answer over TLS, HTTPS or QUIC; look at the clock as well',
  ),
  'certificate-refused': kind(
    'warning',
    'CertificateRefused',
    5,
    'the files of tls hold a certificate that is not used',
    'the log and cordon check say what does not fit; the certificate before stays in use',
  ),
  'certificate-ends': kind(
    'warning',
    'CertificateEnds',
    60,
    'the certificate of the encrypted listeners ends soon',
    'renew the files of tls; they are read when they change',
  ),
  'certificate-unobtained': kind(
    'warning',
    'AcmeFails',
    60,
    'the certificate of the encrypted listeners is not renewed: ACME fails',
    'cordon status has the words of the authority, and when it is asked again',
  ),
  'certificate-unbelieved': kind(
    'warning',
    'CertificateNotBelieved',
    10,
    'clients cannot believe the certificate of a listener',
    'cordon probe says what is wrong with it',
  ),
  'room-certificate-ends': kind(
    'warning',
    'RoomCertificateEnds',
    60,
    'the certificate of the control room ends soon',
    'renew the files of control-room.tls; they are read when they change',
  ),
  'upstream-certificate-ends': kind(
    'warning',
    'UpstreamCertificateEnds',
    60,
    'the certificate of an upstream ends soon',
    'ask its operator; pins have to fit the new key',
  ),
  'clock-wrong': kind(
    'critical',
    'ClockWrong',
    5,
    'the clock of the resolver cannot be right',
    'timedatectl: mend the time service; exemptions, records and signatures go by this clock',
  ),
  'exemptions-unusable': kind(
    'critical',
    'RegisterUnusable',
    1,
    'the register of exemptions cannot be used: nobody is exempt',
    'restore register.sqlite from a backup and restart; the log says what is wrong with it',
  ),
  'exemptions-unproven': kind(
    'critical',
    'ExemptionsUnproven',
    0,
    'an exemption is suspended: the records do not bear it out',
    'the register was changed, or a record of it was lost: keep a copy of the state directory before anything else',
  ),
  'exemptions-suspended': kind(
    'warning',
    'ExemptionsSuspended',
    1,
    'exemptions are suspended: the authority of the fleet is not heard',
    'restore the way to the authority; they hold again as soon as it is heard',
  ),
  'exemption-incomplete': kind(
    'warning',
    'ExemptionIncomplete',
    60,
    'an exemption would be refused by the rules as they are',
    'cordon exemptions show ID names what is missing; revoke it, or ask anew',
  ),
  'approvers-open': kind(
    'warning',
    'ApproversOpen',
    60,
    'nobody is named who may approve exemptions: whoever opens the control socket does',
    'name them in compliance.approvers',
  ),
  'approver-by-name': kind(
    'warning',
    'ApproverByName',
    60,
    'an approver is told by a name alone, which the identity provider may give to somebody else',
    'name the account: compliance.approvers[].account',
  ),
  unproven: kind(
    'warning',
    'ProbeFails',
    15,
    'the self-probe does not show that the prohibition is in force',
    'cordon probe shows what had no right answer; without the Internet, name probe.controls that resolve',
  ),
  unrecorded: kind(
    'warning',
    'RecordsStuck',
    5,
    'what happens is not recorded',
    'look at the disk of the state directory and at the last lines of the log',
  ),
  'records-not-whole': kind(
    'critical',
    'RecordsDamaged',
    0,
    'the records are not whole',
    'cordon records verify says where; keep a copy of the state directory before anything else',
  ),
  'records-reserve': kind(
    'critical',
    'RecordsReserve',
    0,
    'queries are recorded as sums only: the disk is nearly full',
    'make room on the disk of the state directory now',
  ),
  'records-disk-low': kind(
    'warning',
    'RecordsDiskLow',
    1,
    'the disk of the records is getting full',
    'make room on the disk of the state directory, or keep records for less long',
  ),
  'output-stuck': kind(
    'warning',
    'OutputDisconnected',
    5,
    'an output takes no records: they wait for it, and are dropped once its queue is full',
    'look whether the receiver runs and can be reached from this host',
  ),
  'witness-conflict': kind(
    'critical',
    'WitnessConflict',
    0,
    'a witness knows other records than are here',
    'the records were changed or taken back: keep a copy of the state directory before anything else',
  ),
  'witness-away': kind(
    'warning',
    'RecordsUnwitnessed',
    5,
    'nobody else can tell that the records are whole',
    'cordon records status says why witnesses do not cosign',
  ),
  'list-missing': kind(
    'warning',
    'ListMissing',
    5,
    'a list of the configuration is not in force',
    'cordon lists status says why; restore its file or reach its address, then reload',
  ),
  'list-held': kind(
    'warning',
    'ListHeld',
    0,
    'a new content of a list waits for a person',
    'cordon lists status says why; accept or dismiss it',
  ),
  'list-stale': kind(
    'warning',
    'ListSourceLost',
    15,
    'the source of a list was not reached for too long',
    'cordon lists history ID says what the source answered; what is in force stays',
  ),
  'list-failing': kind(
    'info',
    'ListFailing',
    60,
    'the source of a list was not reached the last time',
    'nothing yet: it is asked again; cordon lists history ID says what it answered',
  ),
  'feed-unproven': kind(
    'warning',
    'FeedUnproven',
    0,
    'a feed of lists is not what its keys signed: nothing of it is taken',
    'ask whoever publishes it, on another way than its server; cordon lists status says what does not fit',
  ),
  'feed-backwards': kind(
    'warning',
    'FeedBackwards',
    0,
    'a feed of lists went back to an older state: nothing of it is taken',
    'ask whoever publishes it; a mirror or a proxy may serve old files',
  ),
  'feed-expired': kind(
    'warning',
    'FeedExpired',
    60,
    'a feed of lists does not vouch for being fresh any more',
    'there may be newer lists that are kept from here: ask whoever publishes it, and look at clock, proxy and mirror',
  ),
  'feed-behind': kind(
    'warning',
    'FeedBehind',
    60,
    'a feed has a newer list that is not in force',
    'cordon lists status says why; accept or dismiss what is held, or see that it can be fetched',
  ),
  'release-newer': kind(
    'info',
    'ReleaseNewer',
    60,
    'the feed tells of a newer release of Cordon',
    'read its notes, and install it by the way this one was installed; Cordon fetches none by itself',
  ),
  'forwarder-outside': kind(
    'warning',
    'ForwarderOutside',
    5,
    'a forwarder says clients outside of its networks, or what is malformed',
    'its queries of these clients are refused: compare forwarders of the configuration with what it sends; if nobody changed anything, somebody speaks in its place',
  ),
  'leases-unread': kind(
    'warning',
    'LeasesUnread',
    5,
    'leases cannot be read, or only in part',
    'who has an address is known until the leases end that were read before: see that the file or socket is there, readable for the service, and whole',
  ),
  'reload-refused': kind(
    'warning',
    'ReloadFailed',
    0,
    'what was to be put in force was refused: what was in force before stays, until a restart',
    'cordon check names the place; mend it and reload before the next restart',
  ),
  'mandate-standing': kind(
    'warning',
    'MandateStanding',
    0,
    'a mandate is disputed, superseded or repealed, and nobody has decided what follows: refusals go on',
    'cordon mandates show ID says why; two people decide to keep, lift or narrow it, and write that into mandate-decisions',
  ),
  'mandate-review': kind(
    'warning',
    'MandateReview',
    0,
    'the decision behind a list is to be reviewed',
    'ask those who decided, and write the new decision into the configuration; refusals go on',
  ),
  'mandate-deadline': kind(
    'warning',
    'MandateDeadline',
    0,
    'a day that a mandate sets comes, or has passed, and nobody wrote that it was met',
    'do what it asks for (cordon mandates show ID has its source), and write that into mandates-done; refusals go on',
  ),
  'reports-failing': kind(
    'warning',
    'ReportFailing',
    120,
    'reports of the schedule are not made or sent',
    'the log names what failed; make it by cordon report meanwhile',
  ),
  'reminders-failing': kind(
    'warning',
    'ReminderFailing',
    120,
    'reminders of exemptions that end are not sent',
    'the log names the webhook or the relay; cordon exemptions list shows whom to tell meanwhile',
  ),
  'fleet-cut-off': kind(
    'critical',
    'FleetCutOff',
    5,
    'the authority of the fleet is not heard: no new decision arrives',
    'restore the way to the authority; what it revokes now still holds here',
  ),
  'fleet-refused': kind(
    'warning',
    'FleetRefused',
    5,
    'what the authority of the fleet signed is not in force here',
    'the text says why; mend it and run cordon reload here, which tries it again',
  ),
  'fleet-forged': kind(
    'warning',
    'FleetForged',
    0,
    'the engine of the fleet has messages that nobody of the fleet sent',
    'none of them counts; find out who has the keys of the engine (see "Powers of the engine" in docs/fleet.md)',
  ),
  'fleet-disconnected': kind(
    'warning',
    'FleetDisconnected',
    5,
    'the engine of the fleet is not reached',
    'look whether an engine of fleet.servers runs and can be reached from this host',
  ),
  'fleet-certificate-ends': kind(
    'warning',
    'FleetCertificateEnds',
    60,
    'a certificate of the engine of the fleet ends soon',
    'cordon fleet certificates at the authority; those of other machines have to be taken there',
  ),
  'fleet-engine': kind(
    'warning',
    'FleetEngineFull',
    5,
    'the engine of the fleet is reached and takes nothing',
    'give its disk room, or restart one of three that found no leader ("Disk", "Three engines" in docs/fleet.md); policy comes from the authority meanwhile',
  ),
  'fleet-clock': kind(
    'warning',
    'FleetClock',
    5,
    'the clock differs from that of the authority',
    'timedatectl on both: exemptions begin and end by each clock',
  ),
  'fleet-unconfirmed': kind(
    'warning',
    'FleetUnconfirmed',
    60,
    'many records wait for a collector',
    'look whether the collector runs and has room; nothing is lost yet',
  ),
  'resolver-unheard': kind(
    'warning',
    'FleetResolverSilent',
    4,
    'a resolver of the fleet is not heard',
    'cordon fleet status says since when: look at its host and at the way to it',
  ),
  'resolver-trouble': kind(
    'warning',
    'FleetResolverTrouble',
    1,
    'a resolver of the fleet needs somebody',
    'cordon fleet status has the details',
  ),
  'foreign-leaking': kind(
    'critical',
    'ForeignLeaking',
    0,
    'a resolver that is not Cordon’s answers names of the policy that was published to it',
    'the text has a name; look whether it has taken the policy up and whether it answers from its cache; cordon fleet report has times and names',
  ),
  'foreign-unseen': kind(
    'warning',
    'ForeignUnseen',
    5,
    'nobody sees what a resolver that is not Cordon’s answers',
    'look whether it runs, and whether it can reach its socket of cordon collect; until then the report has a hole',
  ),
  'exemption-ends': kind(
    'info',
    'ExemptionEnds',
    0,
    'an exemption ends within a week',
    'it ends by itself; whoever needs it longer asks anew',
  ),
  'probe-off': kind(
    'info',
    'ProbeOff',
    60,
    'the self-probe is turned off: nothing shows that the prohibition is in force',
    'turn the probe on: probe.interval',
  ),
  'query-log-lossy': kind(
    'warning',
    'QueryLogLossy',
    15,
    'queries are missing in the query log',
    'cordon_query_log_lost_total says why: bring the receiver back, make room, log a sample, or raise query-log.bytes-per-day',
  ),
  'query-log-overdue': kind(
    'warning',
    'QueryLogOverdue',
    15,
    'files of the query log are not packed, moved or deleted in their time',
    'the text names a file and why; mend its rights or the disk, or delete it by hand',
  ),
  'records-off': kind(
    'info',
    'RecordsOff',
    60,
    'no records are kept, by configuration',
    'turn them on: records.enabled',
  ),
  'set-up': kind(
    'info',
    'SetUpUnfinished',
    60,
    'nobody is administrator of the control room yet',
    'open the link that the log shows, or cordon room link',
  ),
} as const satisfies Readonly<Record<string, HealthIssueKind>>;

/** One id of the table. */
export type HealthIssueId = keyof typeof HEALTH_ISSUES;

/** All of them, the most urgent first. */
export const HEALTH_ISSUE_IDS = Object.keys(HEALTH_ISSUES) as readonly HealthIssueId[];

/** Issues of one id that are told; further ones say no more, and each is a series of the metric. */
export const ISSUE_SUBJECTS_MAX = 100;

/** What a part of the program finds. Times are milliseconds since the epoch. */
export interface FoundIssue {
  readonly id: HealthIssueId;
  /** Which route, list, output, exemption or resolver; empty: the resolver itself. */
  readonly subject: string;
  /** In English, for the command, the log and who reads the API. */
  readonly text: string;
  readonly sinceMs?: number | undefined;
  readonly dueMs?: number | undefined;
  /** Better than what the table says. */
  readonly do?: string | undefined;
}

/** One thing that is wrong. */
export interface HealthIssue extends Omit<FoundIssue, 'do'> {
  readonly severity: HealthSeverity;
  readonly sinceMs: number;
  readonly do: string;
}
