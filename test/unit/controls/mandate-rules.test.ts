// What mandates ask of exemptions: their own rules, both of two that ask for one list, and beside an agency's own.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  effectiveConfig,
  readMandate,
  shippedMandateFile,
  shippedMandates,
} from '../../../src/config/config.ts';
import { approvalFaults } from '../../../src/evidence/exemptions/approval.ts';
import { DecisionWatch } from '../../../src/evidence/exemptions/decision.ts';
import { profileSchema } from '../../../src/evidence/exemptions/profile.ts';
import { profilesFor, type RuleContext } from '../../../src/evidence/exemptions/rule-context.ts';
import { requestFaults } from '../../../src/evidence/exemptions/rules.ts';
import type { ExemptionTerms } from '../../../src/evidence/exemptions/terms.ts';
import { exemptionSettings } from '../../../src/people/controls/controls.ts';
import { profileOfMandate } from '../../../src/people/controls/mandate-rules.ts';
import { configOf } from '../app/setup.ts';
import {
  DAY_MS,
  HEAD,
  NOW,
  openRegister,
  outcomeOf,
  profileOf,
  REQUEST,
  REQUESTER,
} from '../exemptions/setup.ts';

const mandateProfile = (id: string) => {
  const { read } = readMandate(shippedMandateFile(id));
  if (read === undefined) throw new TypeError(id);
  return profileOfMandate(read);
};

const contextOf = (text: string): RuleContext => {
  const { rules } = exemptionSettings(configOf(text));
  if (rules === undefined) throw new Error('no rules');
  return { ...rules, nowMs: NOW, granted: undefined, find: undefined };
};

const terms = (change: Partial<ExemptionTerms> = {}): ExemptionTerms => ({
  requestedBy: 'R. Investigator',
  grounds: 'law-enforcement',
  justification: 'Case 2026-117 needs the accounts of two suspects to be watched as the public sees them.',
  alternatives: 'Records asked of the company by warrant take weeks and lack what was deleted.',
  mitigations: [{ item: undefined, text: 'Two standalone devices on a separate network.' }],
  groups: [],
  clients: ['127.0.0.8/32'],
  devices: [],
  lists: ['tiktok'],
  names: undefined,
  schedule: undefined,
  fromMs: NOW,
  untilMs: NOW + 30 * DAY_MS,
  renews: undefined,
  ...change,
});

const faultsOf = (text: string, change: Partial<ExemptionTerms> = {}): string[] =>
  requestFaults(terms(change), contextOf(text)).map((fault) => `${fault.code} ${fault.text}`);
const rolesOf = (text: string, role: string, lists = ['tiktok']): string[] =>
  approvalFaults({ ...HEAD, role }, contextOf(text), lists).map((fault) => `${fault.code} ${fault.text}`);

test.each(shippedMandates())('%s makes rules that a profile may have', (id) => {
  expect(profileSchema.safeParse(mandateProfile(id)).error).toBeUndefined();
});

test('the American pack has the rules of the profile us-federal', () => {
  const [old, now] = [profileOf('us-federal'), mandateProfile('us-federal-tiktok')];
  const rulesOf = ({ grounds, approvers, duration, texts, mitigations, scope }: typeof old) => ({
    grounds: grounds.map(({ id }) => id),
    approvers: approvers.map(({ role, delegation }) => [role, delegation]),
    days: [duration['days-max'], duration['start-within-days']],
    texts: [texts.justification, texts.alternatives, texts.mitigation],
    ...{ mitigations, scope: [scope['ipv4-length-min'], scope['ipv6-length-min'], scope['default-group']] },
  });
  expect(rulesOf(now)).toEqual(rulesOf(old));
  expect(now.reporting).toMatchObject({ 'within-days': 120, of: '2023-02-27' });
});

test('a pack whose texts name no grounds, approver or term has none of them made up', () => {
  const belgian = 'mandates: [be-federal-tiktok]\n';
  expect(faultsOf(belgian, { grounds: 'investigation', untilMs: NOW + 5000 * DAY_MS })).toEqual([]);
  expect(rolesOf(belgian, 'head-of-service')).toEqual([]);
  expect(approvalFaults({ ...HEAD, role: undefined }, contextOf(belgian), ['tiktok'])).toHaveLength(1);
});

test('what is no ground, or too long, is refused by the pack, which is named', () => {
  const american = 'mandates: [us-federal-tiktok]\n';
  expect(faultsOf(american, { grounds: 'communication' })).toEqual([
    'ERR_EXEMPTION_GROUNDS "communication" are no grounds of us-federal-tiktok',
  ]);
  expect(faultsOf(american, { untilMs: NOW + 366 * DAY_MS })[0]).toContain('ERR_EXEMPTION_DURATION');
  expect(rolesOf(american, 'ciso')).toEqual([
    'ERR_EXEMPTION_ROLE "ciso" may not approve by us-federal-tiktok',
  ]);
});

test('a list that two mandates ask for opens by the rules of both, and another list by those of its own', () => {
  const both = 'mandates: [us-federal-tiktok, us-texas]\n';
  expect(faultsOf(both)).toEqual([]);
  // Known to the American one alone, and to Texas alone.
  expect(faultsOf(both, { grounds: 'national-security' })).toEqual([
    'ERR_EXEMPTION_GROUNDS "national-security" are no grounds of us-texas',
  ]);
  expect(faultsOf(both, { grounds: 'security-measures' })).toEqual([
    'ERR_EXEMPTION_GROUNDS "security-measures" are no grounds of us-federal-tiktok',
  ]);
  expect(faultsOf(both, { grounds: 'security-measures', lists: ['wechat'] })).toEqual([]);
  expect(faultsOf(both, { grounds: 'security-measures', lists: ['wechat', 'tiktok'] })).toHaveLength(1);
  // All lists, and lists that no mandate asks for: the rules of all.
  expect(faultsOf(both, { grounds: 'security-measures', lists: undefined })).toHaveLength(1);
  expect(faultsOf(both, { grounds: 'security-measures', lists: ['canary'] })).toHaveLength(1);
  expect(rolesOf(both, 'agency-head')).toEqual([]);
  expect(rolesOf(both, 'designee', ['wechat'])).toEqual([
    'ERR_EXEMPTION_ROLE "designee" may not approve by us-texas',
  ]);
  expect(rolesOf('mandates: [us-federal-tiktok, au-pspf]\n', 'agency-head')).toEqual([
    'ERR_EXEMPTION_ROLE "agency-head" may not approve by au-pspf',
  ]);
});

test('one that was lifted has no rules any more, and an agency’s own profile holds beside those of mandates', () => {
  const lifted = `mandates: [us-federal-tiktok, be-federal-tiktok]
mandate-decisions: [{ mandate: us-federal-tiktok, of: disputed, outcome: lift, authority: CIO, reference: Memo 1, reason: so, from: "2026-12-01", decided-by: A, confirmed-by: B }]
`;
  expect(profilesFor(contextOf(lifted), ['tiktok']).map(({ id }) => id)).toEqual(['be-federal-tiktok']);
  const own = 'mandates: [be-federal-tiktok]\ncompliance: { profile: us-federal }\n';
  expect(faultsOf(own, { grounds: 'communication' })).toEqual([
    'ERR_EXEMPTION_GROUNDS "communication" are no grounds of us-federal',
  ]);
});

test('a paper of several mandates is requested, approved and marked with all of them', () => {
  const config = configOf(`mandates: [${shippedMandates().join(', ')}]\n`);
  const { rules } = exemptionSettings(config);
  const { register } = openRegister(rules);
  const request = { ...REQUEST, clients: ['127.0.0.8/29'], lists: ['temu'], grounds: 'security-measures' };
  expect(outcomeOf(register.request(request, REQUESTER))).toBe('requested');
  const { paper } = register.approve('1', HEAD);
  expect(paper?.state).toBe('active');
  expect(paper?.profile).toMatchObject({
    id: shippedMandates().join('+'),
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

test('a pack as long as it may be is a record, and a configuration that reads back as itself', () => {
  const long = 'x'.repeat(1950);
  const text = readFileSync(shippedMandateFile('be-federal-tiktok'), 'utf8')
    .replace('id: be-federal-tiktok', 'id: own')
    .replaceAll('reference: "', `reference: "${long}`)
    .replace('en: "', `en: "${long.slice(0, 1900)}`)
    .replace('authority: Belgian', `authority: ${long.slice(0, 1900)} Belgian`);
  const decided = `mandate-decisions: [{ mandate: own, of: disputed, outcome: keep, authority: CIO, reference: "1", reason: ${long}, from: "2026-12-01", decided-by: A, confirmed-by: B }]\n`;
  const config = configOf(`mandates: [own.yaml, us-texas]\n${decided}`, { 'own.yaml': text });
  expect(() => configOf(effectiveConfig(config))).not.toThrow();
  const records = new DecisionWatch(openRegister().register).compare(
    exemptionSettings(config).decisions,
    NOW,
  );
  expect(records.map(({ list }) => list)).toContain('mandate own');
});
