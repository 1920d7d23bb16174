// Every rule of the profile us-federal, by the number that requirements give it and by the code of its refusal.
import { expect, test } from 'vitest';
import { reportExemptions } from '../../../src/evidence/exemptions/register-facts.ts';
import type { Network } from '../../../src/evidence/exemptions/scope.ts';
import {
  DAY_MS,
  day,
  HEAD,
  NETWORK,
  NOW,
  openRegister,
  outcomeOf,
  prefix,
  profileOf,
  REQUEST,
  REQUESTER,
  US_RULES,
} from './setup.ts';

type Change = Readonly<Record<string, unknown>>;

test('a request that keeps every rule is taken, approved and in force', () => {
  const { register } = openRegister();
  expect(outcomeOf(register.request(REQUEST, REQUESTER))).toBe('requested');
  expect(register.toShared(NOW)).toEqual([]);
  expect(outcomeOf(register.approve('ex-000001', HEAD))).toBe('active');
  expect(register.toShared(NOW)).toMatchObject([{ number: 1, fromMs: NOW, untilMs: NOW + 30 * DAY_MS }]);
});

test.each<[rule: string, what: string, change: Change, refusal: string[]]>([
  ['US-5', 'law enforcement', { grounds: 'law-enforcement' }, []],
  ['US-5', 'national security', { grounds: 'national-security' }, []],
  ['US-5', 'security research', { grounds: 'security-research' }, []],
  ['US-5', 'other grounds', { grounds: 'communication' }, ['ERR_EXEMPTION_GROUNDS grounds']],
  ['US-5', 'grounds in other letters', { grounds: 'Law-Enforcement' }, ['ERR_EXEMPTION_GROUNDS grounds']],
  ['US-5', 'no grounds', { grounds: '' }, ['ERR_EXEMPTION_MISSING grounds']],
  ['US-6', 'a few clients', { clients: ['192.0.2.8/29', '192.0.2.77'] }, []],
  ['US-6', 'a group', { clients: undefined, groups: ['lab'] }, []],
  ['US-6', 'nobody', { clients: undefined }, ['ERR_EXEMPTION_SCOPE_EMPTY clients']],
  [
    'US-6',
    'all of IPv4',
    { clients: ['0.0.0.0/0'] },
    ['ERR_EXEMPTION_SCOPE_WIDE clients[0]', 'ERR_EXEMPTION_SCOPE_BLANKET clients'],
  ],
  [
    'US-6',
    'all addresses',
    { clients: ['::/0'] },
    ['ERR_EXEMPTION_SCOPE_WIDE clients[0]', 'ERR_EXEMPTION_SCOPE_BLANKET clients'],
  ],
  [
    'US-6',
    'the halves of IPv4',
    { clients: ['0.0.0.0/1', '128.0.0.0/1'] },
    [
      'ERR_EXEMPTION_SCOPE_WIDE clients[0]',
      'ERR_EXEMPTION_SCOPE_WIDE clients[1]',
      'ERR_EXEMPTION_SCOPE_BLANKET clients',
    ],
  ],
  ['US-6', 'a wide prefix', { clients: ['10.0.0.0/19'] }, ['ERR_EXEMPTION_SCOPE_WIDE clients[0]']],
  ['US-6', 'a prefix just narrow enough', { clients: ['10.0.0.0/20'] }, []],
  [
    'US-6',
    'a wide prefix of IPv6',
    { clients: ['2001:db8::/47'] },
    ['ERR_EXEMPTION_SCOPE_WIDE clients[0]', 'ERR_EXEMPTION_SCOPE_BLANKET clients'],
  ],
  ['US-6', 'a group of a wide prefix', { groups: ['hall'] }, ['ERR_EXEMPTION_SCOPE_WIDE groups[0]']],
  ['US-6', 'the group of everybody else', { groups: ['default'] }, ['ERR_EXEMPTION_SCOPE_BLANKET groups[0]']],
  [
    'US-6',
    'all groups',
    { groups: ['default', 'lab', 'hall'], clients: undefined },
    ['ERR_EXEMPTION_SCOPE_WIDE groups[1]', 'ERR_EXEMPTION_SCOPE_BLANKET groups'],
  ],
  [
    'US-6',
    'all clients of a family that may ask',
    { clients: ['2001:db8::/48', '2001:db8:1::/48'] },
    ['ERR_EXEMPTION_SCOPE_BLANKET clients'],
  ],
  ['US-6', 'a group that is not there', { groups: ['labs'] }, ['ERR_EXEMPTION_SCOPE_UNKNOWN groups[0]']],
  ['US-6', 'a list that is not there', { lists: ['tictoc'] }, ['ERR_EXEMPTION_SCOPE_UNKNOWN lists[0]']],
  ['US-7', '365 days', { until: day(365) }, []],
  ['US-7', '365 days from a later day', { from: day(10), until: day(375) }, []],
  [
    'US-7',
    '365 days and a millisecond',
    { until: new Date(NOW + 365 * DAY_MS + 1).toISOString() },
    ['ERR_EXEMPTION_DURATION until'],
  ],
  [
    'US-7',
    'more than 365 days of which some have passed',
    { from: day(-20), until: day(346) },
    ['ERR_EXEMPTION_DURATION until'],
  ],
  ['US-7', 'no end', { until: undefined }, ['ERR_EXEMPTION_MISSING until']],
  ['US-7', 'an end before its beginning', { from: day(9), until: day(8) }, ['ERR_EXEMPTION_PERIOD until']],
  ['US-7', 'an end that has passed', { from: day(-9), until: day(-1) }, ['ERR_EXEMPTION_PERIOD until']],
  [
    'US-7',
    'years of exemptions at one sitting',
    { from: day(91), until: day(92) },
    ['ERR_EXEMPTION_START from'],
  ],
  ['US-7', 'no justification', { justification: undefined }, ['ERR_EXEMPTION_MISSING justification']],
  [
    'US-7',
    'a justification of a letter',
    { justification: 'x' },
    ['ERR_EXEMPTION_JUSTIFICATION justification'],
  ],
  [
    'US-7',
    'a justification of blanks',
    { justification: `for ${' '.repeat(80)} work` },
    ['ERR_EXEMPTION_JUSTIFICATION justification'],
  ],
  ['US-7', 'no alternatives', { alternatives: ' ' }, ['ERR_EXEMPTION_MISSING alternatives']],
  ['US-7', 'alternatives of a word', { alternatives: 'none' }, ['ERR_EXEMPTION_ALTERNATIVES alternatives']],
  ['US-8', 'no mitigations', { mitigations: [] }, ['ERR_EXEMPTION_MISSING mitigations']],
  ['US-8', 'a mitigation of a letter', { mitigations: ['x'] }, ['ERR_EXEMPTION_MITIGATIONS mitigations[0]']],
  [
    'US-8',
    'an empty mitigation beside a good one',
    { mitigations: [...REQUEST.mitigations, ''] },
    ['ERR_EXEMPTION_MITIGATIONS mitigations[1]'],
  ],
])('%s: a request with %s', (_rule, _what, change, refusal) => {
  const { register } = openRegister();
  const outcome = register.request({ ...REQUEST, ...change }, REQUESTER);
  expect(outcomeOf(outcome)).toEqual(refusal.length === 0 ? 'requested' : refusal);
  expect(register.entries()).toHaveLength(refusal.length === 0 ? 1 : 0);
});

test.each<[rule: string, what: string, approval: Change, refusal: string[]]>([
  ['US-4', 'whoever requested it', { by: 'R. Investigator' }, ['ERR_EXEMPTION_SELF_APPROVAL approved-by']],
  [
    'US-4',
    'the same in other letters',
    { by: ' r.  INVESTIGATOR ' },
    ['ERR_EXEMPTION_SELF_APPROVAL approved-by'],
  ],
  [
    'US-4',
    'the same in one blank less',
    { by: 'R.Investigator' },
    ['ERR_EXEMPTION_SELF_APPROVAL approved-by'],
  ],
  [
    'US-4',
    'the same account by another name',
    { account: REQUESTER },
    ['ERR_EXEMPTION_SELF_APPROVAL approved-by'],
  ],
  ['US-4', 'nobody knows whom', { account: undefined }, ['ERR_EXEMPTION_SELF_APPROVAL approved-by']],
  ['US-6', 'somebody of no role', { role: undefined }, ['ERR_EXEMPTION_ROLE role']],
  ['US-6', 'somebody of another role', { role: 'manager' }, ['ERR_EXEMPTION_ROLE role']],
  ['US-6', 'a designee without a delegation', { role: 'designee' }, ['ERR_EXEMPTION_DELEGATION delegation']],
  [
    'US-6',
    'a designee with a blank delegation',
    { role: 'designee', delegation: '-' },
    ['ERR_EXEMPTION_DELEGATION delegation'],
  ],
  ['US-6', 'a designee', { role: 'designee', delegation: 'Order 2026-4 of the Secretary' }, []],
  ['US-6', 'the agency head', {}, []],
])('%s: an approval by %s', (_rule, _what, approval, refusal) => {
  const { register } = openRegister();
  register.request(REQUEST, REQUESTER);
  const outcome = register.approve('ex-000001', { ...HEAD, ...approval });
  expect(outcomeOf(outcome)).toEqual(refusal.length === 0 ? 'active' : refusal);
  expect(register.toShared(NOW)).toHaveLength(refusal.length === 0 ? 1 : 0);
});

test('US-4: everything that is wrong is told at once, each with what to do', () => {
  const { register } = openRegister();
  const { problems } = register.request(
    { justification: 'x', clients: ['0.0.0.0/0', 'x'], extra: 1 },
    REQUESTER,
  );
  expect(problems.map(({ code, field }) => `${code} ${field}`)).toEqual([
    'ERR_EXEMPTION_FIELD extra',
    'ERR_EXEMPTION_MISSING requested-by',
    'ERR_EXEMPTION_MISSING grounds',
    'ERR_EXEMPTION_MISSING alternatives',
    'ERR_EXEMPTION_MISSING mitigations',
    'ERR_EXEMPTION_FIELD clients[1]',
    'ERR_EXEMPTION_MISSING until',
    'ERR_EXEMPTION_JUSTIFICATION justification',
  ]);
});

test('US-4: what the configuration says of an approver counts, and nobody else approves', () => {
  const approvers = [
    { name: 'D. Signee', role: 'designee', delegation: 'Order 2026-4 of the Secretary' },
    { name: 'C. Lerk', role: 'clerk', delegation: undefined },
  ];
  const { register } = openRegister({ ...US_RULES, approvers });
  register.request(REQUEST, REQUESTER);
  expect(outcomeOf(register.approve('ex-000001', HEAD))).toEqual(['ERR_EXEMPTION_APPROVER approved-by']);
  const clerk = { ...HEAD, by: 'C. Lerk', role: 'agency-head', delegation: undefined };
  expect(outcomeOf(register.approve('ex-000001', clerk))).toEqual(['ERR_EXEMPTION_ROLE role']);
  const { paper } = register.approve('ex-000001', { account: HEAD.account, by: 'd. signee' });
  expect(paper).toMatchObject({
    state: 'active',
    approvedBy: 'd. signee',
    role: 'designee',
    delegation: 'Order 2026-4 of the Secretary',
  });
});

test('US-6: an exemption that with others is everybody is refused, however narrow it is', () => {
  const network: Network = { ...NETWORK, allow: ['192.0.2.0/24', '2001:db8::/32'].map(prefix) };
  const { register } = openRegister({ ...US_RULES, network });
  for (const [index, clients] of [['192.0.2.0/25'], ['192.0.2.192/26']].entries()) {
    register.request({ ...REQUEST, clients }, REQUESTER);
    expect(outcomeOf(register.approve(String(index + 1), HEAD))).toBe('active');
  }
  const last = { ...REQUEST, clients: ['192.0.2.128/26'] };
  const { problems } = register.request(last, REQUESTER);
  expect(problems).toMatchObject([
    {
      code: 'ERR_EXEMPTION_SCOPE_BLANKET',
      text: 'together with ex-000001, ex-000002 it covers every IPv4 client that may ask (access.allow)',
    },
  ]);
  expect(outcomeOf(register.request({ ...last, from: day(30), until: day(40) }, REQUESTER))).toBe(
    'requested',
  );
});

test('US-6: the only group of a network is everybody', () => {
  const network: Network = { ...NETWORK, groups: [{ name: 'default', clients: [] }] };
  const profile = {
    ...US_RULES.profile,
    scope: { ...US_RULES.profile.scope, 'default-group': true, 'ipv4-length-min': 1, 'ipv6-length-min': 1 },
  };
  const { register } = openRegister({ ...US_RULES, profile, network });
  const refused = ['ERR_EXEMPTION_SCOPE_BLANKET groups'];
  expect(
    outcomeOf(register.request({ ...REQUEST, clients: undefined, groups: ['default'] }, REQUESTER)),
  ).toEqual(refused);
  register.setRules({ ...US_RULES, profile });
  expect(
    outcomeOf(register.request({ ...REQUEST, clients: undefined, groups: ['default'] }, REQUESTER)),
  ).toBe('requested');
});

test('US-6: what was narrow when it was requested is judged again when it is approved', () => {
  const { register } = openRegister();
  register.request({ ...REQUEST, clients: undefined, groups: ['lab'] }, REQUESTER);
  const groups = NETWORK.groups.map((group) =>
    group.name === 'lab' ? { ...group, clients: [prefix('10.0.0.0/8')] } : group,
  );
  register.setRules({ ...US_RULES, network: { ...NETWORK, groups } });
  expect(outcomeOf(register.approve('1', HEAD))).toEqual(['ERR_EXEMPTION_SCOPE_WIDE groups[0]']);
});

test('US-7: an exemption ends by itself to the millisecond and stays ended', () => {
  const { register, clock } = openRegister();
  register.request(REQUEST, REQUESTER);
  register.approve('1', HEAD);
  const untilMs = NOW + 30 * DAY_MS;
  expect(register.activeAt(untilMs - 1)).toHaveLength(1);
  expect(register.activeAt(untilMs)).toHaveLength(0);
  expect(register.toShared(untilMs)).toEqual([]);
  clock.nowMs = untilMs;
  register.advance();
  expect(register.find('1').paper).toMatchObject({ state: 'expired', endedAt: day(30) });
});

test('a request that already waits is not taken again, and the refusal names the first', () => {
  const { register } = openRegister();
  register.request(REQUEST, REQUESTER);
  const { problems } = register.request(REQUEST, REQUESTER);
  expect(problems).toMatchObject([
    {
      code: 'ERR_EXEMPTION_OVERLAP',
      text: expect.stringContaining('ex-000001'),
      hint: expect.stringContaining('reject'),
    },
  ]);
  expect(outcomeOf(register.request({ ...REQUEST, clients: ['192.0.2.77/32'] }, REQUESTER))).toBe(
    'requested',
  );
  register.reject('1', { by: 'A. Head', reason: 'not now' });
  expect(outcomeOf(register.request(REQUEST, REQUESTER))).toBe('requested');
});

test('US-7: a renewal is a record of its own, with its own approval, that begins when the old one ends', () => {
  const { register } = openRegister();
  register.request(REQUEST, REQUESTER);
  register.approve('1', HEAD);
  const longer = { ...REQUEST, until: day(60) };
  expect(outcomeOf(register.request(longer, REQUESTER))).toEqual(['ERR_EXEMPTION_OVERLAP from']);
  expect(outcomeOf(register.request({ ...longer, renews: 'ex-000001', from: day(29) }, REQUESTER))).toEqual([
    'ERR_EXEMPTION_RENEWAL from',
  ]);
  const { paper } = register.request({ ...longer, renews: 'ex-000001' }, REQUESTER);
  expect(paper).toMatchObject({ id: 'ex-000002', state: 'requested', renews: 'ex-000001', from: day(30) });
  expect(register.toShared(NOW).map(({ number }) => number)).toEqual([1]);
  expect(outcomeOf(register.approve('2', HEAD))).toBe('approved');
  expect(register.toShared(NOW)).toMatchObject([
    { number: 1, untilMs: NOW + 30 * DAY_MS },
    { number: 2, fromMs: NOW + 30 * DAY_MS, untilMs: NOW + 60 * DAY_MS },
  ]);
  expect(register.find('1').paper.until).toBe(day(30));
});

test.each([
  ['one that was never granted', 'ex-000002'],
  ['one that was revoked', 'ex-000003'],
  ['one that is not there', 'ex-000009'],
])('US-7: nothing renews %s', (_what, renews) => {
  const { register } = openRegister();
  for (const clients of [['192.0.2.1'], ['192.0.2.2'], ['192.0.2.3']])
    register.request({ ...REQUEST, clients }, REQUESTER);
  register.approve('3', HEAD);
  register.revoke('3', { by: 'A. Head', reason: 'the case is closed' });
  expect(outcomeOf(register.request({ ...REQUEST, renews }, REQUESTER))).toEqual([
    'ERR_EXEMPTION_RENEWAL renews',
  ]);
});

test('US-8: the register tells the whole history of each exemption, and nothing of it changes', () => {
  const { register, clock } = openRegister();
  register.request(REQUEST, REQUESTER);
  clock.nowMs += 1000;
  register.approve('1', HEAD, 'agreed with the inspector general');
  clock.nowMs += 1000;
  register.revoke('1', { by: 'A. Head', reason: 'the case is closed' });
  const { history, paper } = register.find('ex-000001');
  expect(history).toEqual([
    { time: '2026-12-01T00:00:00.000Z', event: 'requested', by: 'R. Investigator' },
    {
      time: '2026-12-01T00:00:01.000Z',
      event: 'approved',
      by: 'A. Head',
      role: 'agency-head',
      reason: 'agreed with the inspector general',
    },
    { time: '2026-12-01T00:00:01.000Z', event: 'active' },
    { time: '2026-12-01T00:00:02.000Z', event: 'revoked', by: 'A. Head', reason: 'the case is closed' },
  ]);
  expect(paper).toMatchObject({
    mitigations: [{ text: REQUEST.mitigations[0] }],
    activeAt: '2026-12-01T00:00:01.000Z',
    endedAt: '2026-12-01T00:00:02.000Z',
  });
});

test('US-9: the report has every exemption with its paper, and until when it was to be reported', () => {
  const { register } = openRegister();
  register.request(REQUEST, REQUESTER);
  register.approve('1', HEAD);
  register.request({ ...REQUEST, clients: ['192.0.2.1'] }, REQUESTER);
  const report = reportExemptions(register, NOW);
  expect(report).toMatchObject({
    profile: { id: 'us-federal', legalBasis: [{}, { reference: 'OMB M-23-13' }, {}] },
    reporting: { to: 'Office of Management and Budget', until: '2023-06-27' },
    counts: { requested: 1, active: 1, expired: 0 },
    exemptions: [
      { id: 'ex-000001', history: [{}, {}, {}] },
      { id: 'ex-000002', state: 'requested' },
    ],
  });
});

test('US-12: the legal basis is data, and each paper says by which rules it was granted', () => {
  const changed = {
    ...US_RULES.profile,
    'legal-basis': [{ reference: 'a later act', title: 'Another basis' }],
  };
  const { register } = openRegister();
  register.request(REQUEST, REQUESTER);
  const before = register.approve('1', HEAD).paper?.profile;
  register.setRules({ ...US_RULES, profile: changed });
  register.request({ ...REQUEST, clients: ['192.0.2.1'] }, REQUESTER);
  const after = register.approve('2', HEAD).paper?.profile;
  expect([before?.id, after?.id]).toEqual(['us-federal', 'us-federal']);
  expect(after?.sha256).not.toBe(before?.sha256);
  expect(reportExemptions(register, NOW).profile?.legalBasis).toEqual(changed['legal-basis']);
});

test('the profiles of Belgium and of the Union say that their grounds are not published', () => {
  for (const id of ['be-federal', 'eu-institution']) {
    const { grounds, notes, duration } = profileOf(id);
    expect(grounds.every(({ source }) => source === undefined)).toBe(true);
    expect(duration.source).toBeUndefined();
    expect(notes.join(' ')).toContain("Cordon's own");
  }
});
