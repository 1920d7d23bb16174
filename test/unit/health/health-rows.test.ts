// What is wrong, out of what parts tell: each issue by itself, what is none, and thresholds.
import { expect, test } from 'vitest';
import { DAY_MS } from '../../../src/base/base.ts';
import { HEALTH_ISSUE_IDS } from '../../../src/base/words/words.ts';
import { findIssues, type HealthFacts } from '../../../src/people/health/health-rows.ts';
import type { FeedState, ListStatus } from '../../../src/policy/keeping/keeping.ts';
import type { Headline } from '../../../src/telemetry/enforcement/enforcement.ts';
import { configOf } from '../app/setup.ts';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');

const RECORDS: NonNullable<HealthFacts['records']> = {
  ...{ isVerified: true, isClockTrusted: true, freeBytes: 10, reserveBytes: 5, witnesses: [] },
  outputs: [{ name: 'siem', trouble: undefined, written: 0, dropped: 0, queued: 0 }],
};
const EXEMPTIONS: NonNullable<HealthFacts['evidence']['exemptions']> = {
  ...{ activeByGround: new Map(), waiting: 0, nearestEndMs: undefined, ends: new Map(), expired: 0 },
  ...{ revoked: 0, incomplete: 0, unproven: new Map(), lastApprovalMs: undefined },
};
const PROBE: NonNullable<HealthFacts['evidence']['probe']> = {
  ...{ results: [], lastSuccessMs: new Map(), leakedNames: 0, failed: 0, lastRunMs: NOW_MS },
  ...{ coverage: 1, runs: new Map(), certificates: [] },
};
const LIST: ListStatus = {
  ...{ id: 'own', kind: 'url', source: 'https://lists.example/own', mandate: false, held: null },
  inForce: {
    ...{ sha256: '0'.repeat(64), entries: 3, exceptions: 0, opened: { count: 0, names: [] }, guarded: 0 },
    ...{ rejected: 0, reasons: {}, notes: [], reviewed: null },
  },
  kept: {
    ...{ current: null, previous: [], checkedAt: '2026-11-26T11:00:00Z', nextFetchAt: null, failures: 0 },
    ...{ lastFailure: null, isStale: false, refreshSec: 3_600 },
  },
};
const HEADLINE: Headline = {
  ...{ state: 'in-force', cause: null, sinceMs: NOW_MS - 60_000, text: 'In force', detail: '', todo: null },
  ...{ networks: 1, networksInForce: 1, networksProven: 1, groups: [], unasked: [], oldestProofMs: NOW_MS },
  ...{ leakedNames: 0, examples: [], lists: [], isProofCurrent: true },
};

/** A service with nothing wrong, but for what is changed. */
const service = (change: Partial<HealthFacts> = {}): HealthFacts => ({
  ...{ nowMs: NOW_MS, upMs: 3 * DAY_MS, config: configOf('upstreams: ["192.0.2.53"]') },
  enforcement: { state: 'enforced', groups: [{ group: 'default', state: 'enforced' }] },
  ...{ enforcementSinceMs: NOW_MS - 60_000, headlines: [HEADLINE], stateTrouble: undefined },
  ...{ workers: { count: 2, alive: 2 }, upstreams: [], forwarders: [], fleet: undefined, acme: undefined },
  tls: { startMs: NOW_MS - DAY_MS, endMs: NOW_MS + 90 * DAY_MS, isRefused: false },
  ...{ roomCertificateEndMs: undefined, hasAdministrator: true, records: RECORDS, refused: undefined },
  evidence: { exemptions: EXEMPTIONS, decisions: [], probe: PROBE },
  ...{ incomplete: new Set(), lists: [LIST], feeds: [], standings: new Map() },
  ...change,
});

const find = (change: Partial<HealthFacts> = {}) => findIssues(service(change));
const idsOf = (change: Partial<HealthFacts>) => find(change).map(({ id }) => id);

const certificate = (endMs: number, isRefused = false): Partial<HealthFacts> => ({
  tls: { startMs: endMs - 90 * DAY_MS, endMs, isRefused },
});
const feed = (change: Partial<FeedState>): Partial<HealthFacts> => ({
  feeds: [
    {
      ...{ id: 'project', url: 'https://lists.example.com/', state: 'current', reason: 'a reason' },
      ...{ since: '2026-11-26T11:00:00Z', checkedAt: null, root: 1, timestamp: 1, expires: null, behind: [] },
      ...{ release: null },
      ...change,
    },
  ],
});
const configured = (text: string): Partial<HealthFacts> => ({
  config: configOf(`upstreams: ["192.0.2.53"]\n${text}`),
});
const records = (change: Partial<NonNullable<HealthFacts['records']>>): Partial<HealthFacts> => ({
  records: { ...RECORDS, ...change },
});
const evidence = (change: Partial<HealthFacts['evidence']>): Partial<HealthFacts> => ({
  evidence: { exemptions: EXEMPTIONS, decisions: [], probe: PROBE, ...change },
});
const headline = (change: Partial<Headline>): Partial<HealthFacts> => ({
  headlines: [{ ...HEADLINE, ...change }],
});
const kept = (change: Partial<NonNullable<ListStatus['kept']>>): Partial<HealthFacts> => ({
  lists: [{ ...LIST, kept: { ...(LIST.kept as NonNullable<ListStatus['kept']>), ...change } }],
});
const FLEET: NonNullable<HealthFacts['fleet']> = {
  own: { name: 'ns1', site: undefined, role: 'node' },
  ...{
    isConnected: true,
    engineTrouble: undefined,
    engineEnds: [],
    policyNumber: 3,
    offsetMs: 2,
    isCutOff: false,
    isSuspended: false,
  },
  ...{ isForked: false, behind: 0, setAside: undefined, lateLists: [], refused: [], differing: [] },
  ...{ alarms: new Map(), unconfirmed: new Map([['queries', 10_000]]), witnesses: [], resolvers: [] },
};
const ACME = { failures: 1, text: 'nobody was there', nextMs: NOW_MS };

test('a service with nothing wrong has no issue, nor has one alone, without TLS and with records just begun', () => {
  expect(find()).toEqual([]);
  expect(find({ tls: undefined, records: undefined, ...evidence({ probe: undefined }) })).toEqual([]);
  expect(find({ fleet: FLEET, ...records({ isVerified: undefined, freeBytes: undefined }) })).toEqual([]);
});

/** A text is the configuration in which it is so. */
/** Facts, the text of a configuration, or what is made within the test. */
type Change = Partial<HealthFacts> | string | (() => Partial<HealthFacts>);

const FLORIDA =
  'mandates: [us-florida]\nextra-lists: [{ id: florida-applications, file: apps.txt }]\ncompliance: { approvers: [{ name: A. Head, role: department }] }';

const ROWS: readonly (readonly [title: string, change: Change, issue: object])[] = [
  [
    'a state directory that is gone',
    { stateTrouble: 'it was deleted' },
    { id: 'state-directory', text: 'it was deleted' },
  ],
  [
    'a prohibition that is not in force',
    { enforcement: { state: 'no-mandate', cause: 'configuration', groups: [] } },
    { id: 'not-in-force', sinceMs: NOW_MS - 60_000, do: expect.any(String) },
  ],
  ['names that leak', evidence({ probe: { ...PROBE, leakedNames: 3 } }), { id: 'leaking' }],
  [
    'names that leaked in a run before the last one',
    headline({ state: 'leaking', leakedNames: 3 }),
    { id: 'leaking', text: expect.stringContaining('3 mandate names') },
  ],
  [
    'a probe that is broken',
    headline({ state: 'unproven', cause: 'broken', text: 'Unproven', detail: 'not proven yet' }),
    { id: 'unproven', text: 'Unproven: not proven yet' },
  ],
  ['a probe that is off', 'probe: { interval: 0s }', { id: 'probe-off' }],
  [
    'records that the disk does not take',
    headline({ state: 'unrecorded', cause: 'failing', detail: 'ENOSPC' }),
    { id: 'unrecorded' },
  ],
  ['records that are off', 'records: { enabled: false }', { id: 'records-off' }],
  [
    'a query log that lost queries',
    evidence({
      queryLog: {
        outputs: [{ name: 'file:/q', written: 0, trouble: 'no space' }],
        lost: { ring: 0, receiver: 7, day: 0, disk: 0 },
        isLossy: true,
      },
    }),
    { id: 'query-log-lossy', text: expect.stringContaining('7 (receiver); file:/q: no space') },
  ],
  [
    'a query log with a file that cannot be deleted',
    evidence({
      queryLog: {
        outputs: [{ name: 'file:/q', written: 0, trouble: undefined, overdue: 'EACCES, unlink /q-1' }],
        lost: { ring: 0, receiver: 0, day: 0, disk: 0 },
        isLossy: false,
      },
    }),
    { id: 'query-log-overdue', subject: 'file:/q', text: expect.stringContaining('EACCES, unlink /q-1') },
  ],
  ['records that are not whole', records({ isVerified: false }), { id: 'records-not-whole' }],
  ['a disk that is nearly full', records({ freeBytes: 4 }), { id: 'records-reserve' }],
  ['a disk that gets full', records({ freeBytes: 9 }), { id: 'records-disk-low' }],
  ['a clock that cannot be right', records({ isClockTrusted: false }), { id: 'clock-wrong' }],
  ['missing workers', { workers: { count: 4, alive: 1 } }, { id: 'workers-missing', subject: '3/4' }],
  ['a certificate that ended', certificate(NOW_MS), { id: 'certificate-ended', sinceMs: NOW_MS }],
  [
    'a certificate that is not valid yet',
    { tls: { startMs: NOW_MS + 1, endMs: NOW_MS + DAY_MS, isRefused: false } },
    { id: 'certificate-ended', dueMs: NOW_MS + 1 },
  ],
  [
    'a certificate that ends within a fortnight',
    certificate(NOW_MS + 13 * DAY_MS),
    { id: 'certificate-ends', dueMs: NOW_MS + 13 * DAY_MS },
  ],
  ['a certificate that is not used', certificate(NOW_MS + 90 * DAY_MS, true), { id: 'certificate-refused' }],
  [
    'no certificate, since ACME fails',
    { tls: undefined, acme: ACME },
    {
      id: 'certificate-missing',
      text: 'no certificate was obtained by ACME: nobody was there; it is asked again at 2026-11-26T12:00:00.000Z',
    },
  ],
  [
    'a certificate that ACME does not renew',
    { ...certificate(NOW_MS + 29 * DAY_MS), acme: { ...ACME, failures: 3 } },
    { id: 'certificate-unobtained', dueMs: NOW_MS + 29 * DAY_MS },
  ],
  [
    'a certificate that clients cannot believe',
    evidence({
      probe: { ...PROBE, certificates: [{ view: 'listener:dot', transport: 'dot', isValid: false }] },
    }),
    { id: 'certificate-unbelieved', subject: 'listener:dot' },
  ],
  [
    'a certificate of the control room that ends',
    { roomCertificateEndMs: NOW_MS + 13 * DAY_MS },
    { id: 'room-certificate-ends' },
  ],
  ['a register that cannot be used', evidence({ exemptions: undefined }), { id: 'exemptions-unusable' }],
  [
    'an exemption that the records do not bear out',
    evidence({ exemptions: { ...EXEMPTIONS, unproven: new Map([['ex-000002', 'nobody approved it']]) } }),
    {
      ...{ id: 'exemptions-unproven', subject: 'ex-000002' },
      text: 'ex-000002 is suspended: the register grants it, and nobody approved it',
    },
  ],
  [
    'an exemption that the rules would refuse',
    { incomplete: new Set(['ex-000003']) },
    { id: 'exemption-incomplete', subject: 'ex-000003' },
  ],
  [
    'an exemption that ends within a week',
    evidence({ exemptions: { ...EXEMPTIONS, ends: new Map([['ex-000001', NOW_MS + 6 * DAY_MS]]) } }),
    { id: 'exemption-ends', subject: 'ex-000001', dueMs: NOW_MS + 6 * DAY_MS },
  ],
  [
    'a decision that is to be reviewed',
    evidence({ decisions: [{ list: 'own', reviewMs: NOW_MS + 29 * DAY_MS, endsMs: undefined }] }),
    { id: 'mandate-review', subject: 'own', dueMs: NOW_MS + 29 * DAY_MS },
  ],
  [
    'a decision that ends by its own words',
    evidence({ decisions: [{ list: 'own', reviewMs: NOW_MS + 90 * DAY_MS, endsMs: NOW_MS - DAY_MS }] }),
    { id: 'mandate-review', subject: 'own', dueMs: NOW_MS - DAY_MS },
  ],
  [
    'an output that takes nothing',
    records({
      outputs: [{ name: 'heads:/nowhere', trouble: 'EACCES', written: 0, dropped: 0, queued: 1 }],
    }),
    {
      ...{ id: 'output-stuck', subject: 'heads:/nowhere', do: expect.stringContaining('ReadWritePaths=') },
      text: 'output heads:/nowhere takes no records: EACCES',
    },
  ],
  [
    'a witness that is away',
    records({
      witnesses: [
        {
          ...{
            name: 'w',
            url: 'https://w',
            isOfFleet: false,
            isAsked: true,
            size: undefined,
            cosignedMs: undefined,
          },
          ...{ trouble: 'ECONNREFUSED', finding: undefined },
        },
      ],
    }),
    { id: 'witness-away', subject: 'w' },
  ],
  [
    'a witness that knows other records',
    records({
      witnesses: [
        {
          ...{
            name: 'w',
            url: 'https://w',
            isOfFleet: false,
            isAsked: true,
            size: undefined,
            cosignedMs: NOW_MS,
          },
          ...{ trouble: undefined, finding: 'more of them' },
        },
      ],
    }),
    { id: 'witness-conflict', subject: 'w' },
  ],
  ['a list that is not in force', { lists: [{ ...LIST, inForce: null }] }, { id: 'list-missing' }],
  [
    'a list that is held',
    {
      lists: [
        {
          ...LIST,
          held: { sha256: '', entries: 1, since: '2026-11-25T12:00:00Z', reasons: ['fewer'] },
        },
      ],
    },
    {
      id: 'list-held',
      text: 'list own is held: cordon lists status',
      sinceMs: Date.parse('2026-11-25T12:00:00Z'),
    },
  ],
  [
    'a list that was not reached for too long',
    kept({ isStale: true, failures: 9 }),
    { id: 'list-stale', sinceMs: Date.parse('2026-11-26T11:00:00Z') },
  ],
  ['a list that was not reached', kept({ failures: 1, lastFailure: '503' }), { id: 'list-failing' }],
  ['a feed of other keys', feed({ state: 'unproven' }), { id: 'feed-unproven', subject: 'project' }],
  ['a feed that went back', feed({ state: 'backwards' }), { id: 'feed-backwards', subject: 'project' }],
  [
    'a feed that does not vouch for being fresh',
    feed({ state: 'expired' }),
    { id: 'feed-expired', sinceMs: Date.parse('2026-11-26T11:00:00Z') },
  ],
  [
    'a newer list that could not be had',
    feed({ behind: [{ list: 'tiktok', since: '2026-11-26T11:00:00Z', reason: 'it could not be fetched' }] }),
    { id: 'feed-behind', subject: 'tiktok' },
  ],
  [
    'a newer release',
    feed({ release: { version: '9.9.9', date: '2026-11-26', notes: 'https://notes.example/' } }),
    { id: 'release-newer', subject: '9.9.9', text: expect.stringContaining('https://notes.example/') },
  ],
  [
    'a forwarder that names strangers',
    { forwarders: [{ id: 'forwarder-outside', subject: 'branch', text: '7 queries' }] },
    { id: 'forwarder-outside', subject: 'branch' },
  ],
  [
    'leases that cannot be read',
    { forwarders: [{ id: 'leases-unread', subject: 'kea:/a', text: 'ENOENT' }] },
    { id: 'leases-unread', subject: 'kea:/a' },
  ],
  ['a reload that was refused', { refused: 'line 4' }, { id: 'reload-refused' }],
  [
    'reports that are not sent',
    evidence({ reports: { made: 0, failed: 1, failing: 1 } }),
    { id: 'reports-failing' },
  ],
  [
    'reminders that are not sent',
    evidence({ reminders: { sent: 0, failed: 1, failing: 1 } }),
    { id: 'reminders-failing' },
  ],
  [
    'a fleet whose authority is not heard',
    { fleet: { ...FLEET, isCutOff: true } },
    { id: 'fleet-cut-off', text: 'the authority of the fleet is not heard: no new decision arrives' },
  ],
  [
    'a fleet of which entries are kept back',
    { fleet: { ...FLEET, isCutOff: true, behind: 2 } },
    { id: 'fleet-cut-off', text: '2 entries that the authority decided do not arrive' },
  ],
  [
    'a list of the fleet that is not in force',
    { fleet: { ...FLEET, lateLists: ['extra'] } },
    { id: 'list-missing', subject: 'extra' },
  ],
  [
    'an entry of the fleet that does not hold',
    {
      fleet: {
        ...FLEET,
        refused: [{ number: 4, subject: 'ex-1', code: 'ERR_X', reason: 'it is everybody' }],
      },
    },
    { id: 'fleet-refused', subject: 'ex-1', text: expect.stringContaining('it is everybody [ERR_X]') },
  ],
  [
    'an overlay of the fleet in whose place something else is in force',
    { fleet: { ...FLEET, differing: ['overlays'] } },
    { id: 'fleet-refused', subject: 'overlays' },
  ],
  ['a fleet with two logs', { fleet: { ...FLEET, isForked: true } }, { id: 'fleet-cut-off' }],
  [
    'a fleet whose engine has what nobody sent',
    { fleet: { ...FLEET, setAside: { count: 3, sinceMs: NOW_MS, reason: 'it is no entry' } } },
    { id: 'fleet-forged', sinceMs: NOW_MS, text: expect.stringContaining('it is no entry') },
  ],
  [
    'a fleet whose engine has no room',
    { fleet: { ...FLEET, engineTrouble: { sinceMs: NOW_MS, text: 'insufficient storage' } } },
    { id: 'fleet-engine', sinceMs: NOW_MS, text: expect.stringContaining('insufficient storage') },
  ],
  [
    'a fleet whose engine is not reached',
    { fleet: { ...FLEET, isConnected: false } },
    { id: 'fleet-disconnected' },
  ],
  [
    'a fleet that was not begun',
    'fleet: { role: node, servers: ["tls://192.0.2.7:4222"], trust: ["ed25519:MuRrLOpUPGHayFxbNsT6YIak/KWBPyuFzrGSorRLmPs="] }',
    { id: 'fleet-disconnected', text: expect.stringContaining('goes on by itself') },
  ],
  [
    'a certificate of the engine that ends soon',
    { fleet: { ...FLEET, engineEnds: [{ server: 'tls://192.0.2.7:4222', untilMs: NOW_MS }] } },
    {
      id: 'fleet-certificate-ends',
      subject: 'tls://192.0.2.7:4222',
      text: expect.stringContaining('ends at 20'),
    },
  ],
  ['a clock beside that of the authority', { fleet: { ...FLEET, offsetMs: -1_001 } }, { id: 'fleet-clock' }],
  [
    'records that wait for a collector',
    { fleet: { ...FLEET, unconfirmed: new Map([['queries', 10_001]]) } },
    { id: 'fleet-unconfirmed', subject: 'queries' },
  ],
  [
    'exemptions that are suspended in a fleet',
    { fleet: { ...FLEET, isSuspended: true } },
    { id: 'exemptions-suspended' },
  ],
  [
    'that whoever opens the control socket approves exemptions',
    'compliance: { profile: us-federal }',
    { id: 'approvers-open', subject: '' },
  ],
  [
    'that the identity provider may call somebody an approver',
    `
compliance:
  profile: us-federal
  approvers: [{ name: A. Head, role: agency-head }, { name: B, account: "system:1001", role: agency-head }]
control-room:
  listen: "127.0.0.1:9443"
  oidc: { issuer: "https://id.agency.example", client-id: cordon, roles: [{ group: a, role: approver }] }
`,
    { id: 'approver-by-name', subject: 'A. Head' },
  ],
  [
    'a mandate that is disputed',
    'mandates: [us-federal-tiktok]\ncompliance: { approvers: [{ name: A. Head, role: agency-head }] }',
    {
      ...{ id: 'mandate-standing', subject: 'us-federal-tiktok', dueMs: Date.parse('2026-12-29') },
      text: expect.stringContaining('refusals go on until a person decides, by 2026-12-29'),
    },
  ],
  [
    'a list of an authority that is to be renewed',
    () => ({ ...configured(FLORIDA), nowMs: Date.parse('2027-02-20'), tls: undefined }),
    {
      ...{ id: 'mandate-deadline', subject: 'us-florida list 1', dueMs: Date.parse('2027-03-16') },
      text: 'the mandate us-florida: a newer list florida-applications of the authority is due by 2027-03-16',
    },
  ],
  ['a control room without an administrator', { hasAdministrator: false }, { id: 'set-up' }],
];

const changeOf = (change: Change): Partial<HealthFacts> => {
  if (typeof change === 'function') return change();
  return typeof change === 'string' ? configured(change) : change;
};

test.each(ROWS)('of %s there is one issue', (_, change, wanted) => {
  expect(find(changeOf(change))).toEqual([expect.objectContaining(wanted)]);
});

/** What parts find themselves: their tests are beside them. */
const ELSEWHERE = new Set([
  ...['upstreams-down', 'upstream-untrusted', 'upstream-down', 'upstream-certificate-ends'],
  ...['resolver-unheard', 'resolver-trouble', 'foreign-leaking', 'foreign-unseen'],
]);

test('every id of the table is found here or beside its part', () => {
  const here = new Set(ROWS.flatMap(([, change]) => idsOf(changeOf(change))));
  expect(HEALTH_ISSUE_IDS.filter((id) => !here.has(id) && !ELSEWHERE.has(id))).toEqual([]);
});

test('a start is no issue, nor is a probe that has not ended its first run', () => {
  expect(
    idsOf({
      enforcement: { state: 'not-ready', cause: 'startup', groups: [] },
      ...headline({ state: 'starting', cause: 'startup' }),
    }),
  ).toEqual([]);
  const never = headline({ state: 'unproven', cause: 'never' });
  expect(idsOf({ ...never, upMs: 59_000 })).toEqual([]);
  expect(idsOf({ ...never, upMs: DAY_MS })).toEqual(['unproven']);
});

test('who may approve is nobody’s concern where nothing can be granted, or everybody is known', () => {
  const approvers = 'approvers: [{ name: A. Head, role: agency-head }]';
  for (const text of [
    '',
    `compliance: { ${approvers} }`,
    `compliance: { profile: us-federal, ${approvers} }`,
  ])
    expect([text, find(configured(text))]).toEqual([text, []]);
});

test('a certificate is told of from 14 days before its end, and as ended from its end on', () => {
  const ids = (endMs: number) => idsOf(certificate(endMs));
  expect(ids(NOW_MS + 14 * DAY_MS)).toEqual([]);
  expect(ids(NOW_MS + 14 * DAY_MS - 1)).toEqual(['certificate-ends']);
  expect(ids(NOW_MS + 1)).toEqual(['certificate-ends']);
  expect(ids(NOW_MS)).toEqual(['certificate-ended']);
});

test('a certificate of six days is told of when a quarter of them is left', () => {
  const ids = (leftMs: number) => {
    const endMs = NOW_MS + leftMs;
    return idsOf({ tls: { startMs: endMs - 6 * DAY_MS, endMs, isRefused: false } });
  };
  expect(ids(2 * DAY_MS)).toEqual([]);
  expect(ids(1.5 * DAY_MS - 1)).toEqual(['certificate-ends']);
});

test('one or two failures of ACME are nobody’s concern while there is a certificate, nor is a first order', () => {
  expect(idsOf({ acme: { ...ACME, failures: 2 } })).toEqual([]);
  expect(idsOf({ tls: undefined, acme: { ...ACME, failures: 0 } })).toEqual([]);
});

test('an output that still connects is no issue yet', () => {
  const outputs = [{ name: 'siem', trouble: 'connecting', written: 0, dropped: 0, queued: 0 }];
  expect(idsOf(records({ outputs }))).toEqual([]);
});

test('of thousands of exemptions no more issues are found than are told', () => {
  const ids = Array.from({ length: 5_000 }, (_, index) => `ex-${String(index + 1).padStart(6, '0')}`);
  const mapOf = <Value>(value: Value): Map<string, Value> => new Map(ids.map((id) => [id, value]));
  const exemptions = { ...EXEMPTIONS, unproven: mapOf('why'), ends: mapOf(NOW_MS + DAY_MS) };
  const found = findIssues(service({ ...evidence({ exemptions }), incomplete: new Set(ids) }));
  for (const id of ['exemptions-unproven', 'exemption-incomplete', 'exemption-ends'])
    expect(found.filter((one) => one.id === id).map(({ subject }) => subject)).toEqual(ids.slice(0, 100));
});
