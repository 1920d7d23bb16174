// What is wrong with the service itself: each trouble by itself, and all of them in their order.
import { expect, test } from 'vitest';
import { findTrouble, type TroubleParts } from '../../../src/app/service-trouble.ts';
import { DAY_MS } from '../../../src/base/base.ts';
import { configOf } from './setup.ts';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');

const EVIDENCE: TroubleParts['evidence'] = {
  recorderStatus: () => ({ isClockTrusted: true }),
  facts: () => ({
    exemptions: { unproven: new Map() },
    records: { outputs: [{ name: 'siem', trouble: undefined }], witnesses: [] },
  }),
};

/** A service with nothing wrong, but for what is changed. */
const service = (change: Partial<TroubleParts> = {}): TroubleParts => ({
  state: { current: { config: configOf('upstreams: ["192.0.2.53"]') } },
  supervisor: { count: 2, alive: 2 },
  upstreams: {
    routes: () => [{ route: '.', isUp: true }],
    untrusted: () => new Map([['192.0.2.53', undefined]]),
  },
  tls: { facts: () => ({ startMs: NOW_MS, endMs: NOW_MS + 90 * DAY_MS, isRefused: false }) },
  acme: () => undefined,
  evidence: EVIDENCE,
  readiness: () => ({ text: 'ready', causes: [] }),
  fleetFacts: () => ({ isCutOff: false }),
  ...change,
});

const certificate = (endMs: number, isRefused = false): Partial<TroubleParts> => ({
  tls: { facts: () => ({ startMs: endMs - 90 * DAY_MS, endMs, isRefused }) },
});

const configured = (text: string): Partial<TroubleParts> => ({
  state: { current: { config: configOf(`upstreams: ["192.0.2.53"]\n${text}`) } },
});

const routes = (count: number): Partial<TroubleParts> => ({
  upstreams: {
    routes: () => Array.from({ length: count }, (_, index) => ({ route: `z${index}.test`, isUp: false })),
    untrusted: () => new Map(),
  },
});

test('a service with nothing wrong has no trouble, nor has one alone, without TLS and with records just begun', () => {
  expect(findTrouble(service(), NOW_MS)).toEqual([]);
  const bare = service({
    tls: { facts: () => undefined },
    fleetFacts: () => undefined,
    evidence: { recorderStatus: () => undefined, facts: () => ({ exemptions: { unproven: new Map() } }) },
  });
  expect(findTrouble(bare, NOW_MS)).toEqual([]);
});

test.each<[string, Partial<TroubleParts>, object]>([
  [
    'a state directory that takes nothing',
    { readiness: () => ({ text: 'the state directory takes nothing', causes: ['state-directory'] }) },
    { kind: 'state-directory', text: 'the state directory takes nothing' },
  ],
  ['missing workers', { supervisor: { count: 4, alive: 1 } }, { kind: 'workers-missing', subject: '3/4' }],
  ['a route without an upstream', routes(1), { kind: 'upstreams-down', subject: 'z0.test' }],
  [
    'an upstream that does not prove itself',
    { upstreams: { routes: () => [], untrusted: () => new Map([['tls://192.0.2.53', 'name']]) } },
    { kind: 'upstream-untrusted', subject: 'tls://192.0.2.53' },
  ],
  ['a certificate that ended', certificate(NOW_MS), { kind: 'certificate-ended', sinceMs: NOW_MS }],
  [
    'a certificate that ends within a fortnight',
    certificate(NOW_MS + 13 * DAY_MS),
    { kind: 'certificate-ends', dueMs: NOW_MS + 13 * DAY_MS },
  ],
  [
    'a certificate that is not used',
    certificate(NOW_MS + 90 * DAY_MS, true),
    { kind: 'certificate-refused' },
  ],
  [
    'no certificate, since ACME fails',
    { tls: { facts: () => undefined }, acme: () => ({ failures: 1, text: 'nobody was there' }) },
    {
      kind: 'certificate-missing',
      text: 'the encrypted listeners have no certificate: nobody was there',
    },
  ],
  [
    'a certificate that ACME does not renew',
    { ...certificate(NOW_MS + 29 * DAY_MS), acme: () => ({ failures: 3, text: 'nobody was there' }) },
    { kind: 'certificate-unobtained', dueMs: NOW_MS + 29 * DAY_MS },
  ],
  [
    'a clock that cannot be right',
    { evidence: { ...EVIDENCE, recorderStatus: () => ({ isClockTrusted: false }) } },
    { kind: 'clock-wrong' },
  ],
  [
    'a register that cannot be used',
    { evidence: { ...EVIDENCE, facts: () => ({ exemptions: undefined }) } },
    { kind: 'exemptions-unusable' },
  ],
  [
    'an exemption that the records do not bear out',
    {
      evidence: {
        ...EVIDENCE,
        facts: () => ({ exemptions: { unproven: new Map([['ex-000002', 'nobody approved it']]) } }),
      },
    },
    {
      kind: 'exemptions-unproven',
      subject: 'ex-000002',
      text: 'ex-000002 is suspended: the register grants it, and nobody approved it',
    },
  ],
  [
    'an output that takes nothing',
    {
      evidence: {
        ...EVIDENCE,
        facts: () => ({
          exemptions: { unproven: new Map() },
          records: { outputs: [{ name: 'siem', trouble: 'no answer' }], witnesses: [] },
        }),
      },
    },
    { kind: 'output-stuck', subject: 'siem', text: 'output siem: no answer' },
  ],
  [
    'a fleet whose authority is not heard',
    { fleetFacts: () => ({ isCutOff: true }) },
    {
      kind: 'fleet-cut-off',
      subject: '',
      text: 'the authority of the fleet is not heard: no new decision arrives',
    },
  ],
])('%s is one trouble', (_, change, wanted) => {
  expect(findTrouble(service(change), NOW_MS)).toEqual([expect.objectContaining(wanted)]);
});

test.each<[string, string, object]>([
  [
    'that whoever opens the control socket approves exemptions',
    'compliance: { profile: us-federal }',
    { kind: 'approvers-open', subject: '' },
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
    { kind: 'approver-by-name', subject: 'A. Head' },
  ],
])('it is one trouble %s', (_, text, wanted) => {
  expect(findTrouble(service(configured(text)), NOW_MS)).toEqual([expect.objectContaining(wanted)]);
});

test('who may approve is nobody’s concern where nothing can be granted, or everybody is known', () => {
  const approvers = 'approvers: [{ name: A. Head, role: agency-head }]';
  for (const text of [
    '',
    `compliance: { ${approvers} }`,
    `compliance: { profile: us-federal, ${approvers} }`,
  ])
    expect([text, findTrouble(service(configured(text)), NOW_MS)]).toEqual([text, []]);
});

test('a certificate is told of from 14 days before its end, and as ended from its end on', () => {
  const kinds = (endMs: number) => findTrouble(service(certificate(endMs)), NOW_MS).map(({ kind }) => kind);
  expect(kinds(NOW_MS + 14 * DAY_MS)).toEqual([]);
  expect(kinds(NOW_MS + 14 * DAY_MS - 1)).toEqual(['certificate-ends']);
  expect(kinds(NOW_MS + 1)).toEqual(['certificate-ends']);
  expect(kinds(NOW_MS)).toEqual(['certificate-ended']);
});

test('a certificate of six days is told of when a quarter of them is left', () => {
  const kinds = (leftMs: number) => {
    const endMs = NOW_MS + leftMs;
    const facts = () => ({ startMs: endMs - 6 * DAY_MS, endMs, isRefused: false });
    return findTrouble(service({ tls: { facts } }), NOW_MS).map(({ kind }) => kind);
  };
  expect(kinds(2 * DAY_MS)).toEqual([]);
  expect(kinds(1.5 * DAY_MS - 1)).toEqual(['certificate-ends']);
});

test('one or two failures of ACME are nobody’s concern while there is a certificate, nor is a first order', () => {
  const kinds = (change: Partial<TroubleParts>) =>
    findTrouble(service(change), NOW_MS).map(({ kind }) => kind);
  expect(kinds({ acme: () => ({ failures: 2, text: 'no' }) })).toEqual([]);
  expect(kinds({ tls: { facts: () => undefined }, acme: () => ({ failures: 0, text: undefined }) })).toEqual(
    [],
  );
});

test('many routes are told of by the first five, and several troubles come in the order of their urgency', () => {
  const all = service({
    ...routes(40),
    ...certificate(NOW_MS - 1, true),
    readiness: () => ({ text: 'full', causes: ['state-directory', 'workers'] }),
    supervisor: { count: 2, alive: 0 },
    evidence: {
      recorderStatus: () => ({ isClockTrusted: false }),
      facts: () => ({
        exemptions: undefined,
        records: { outputs: [{ name: 'siem', trouble: 'no answer' }], witnesses: [] },
      }),
    },
    fleetFacts: () => ({ isCutOff: true }),
  });
  expect(findTrouble(all, NOW_MS).map(({ kind }) => kind)).toEqual([
    ...['state-directory', 'workers-missing'],
    ...Array.from({ length: 5 }, () => 'upstreams-down'),
    ...['certificate-ended', 'certificate-refused', 'clock-wrong', 'exemptions-unusable', 'output-stuck'],
    'fleet-cut-off',
  ]);
});
