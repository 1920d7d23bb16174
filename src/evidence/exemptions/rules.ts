// The rules that an exemption has to keep: those of the profile, and those that hold everywhere.
//
// Each rule is a function that reports what breaks it, with a code of its own; all of them are asked, so that one
// answer shows everything. A field that could not be read breaks no rule: its own fault is reported already. What is
// in force is judged again by standingFaults(), because profile and configuration change under it.

import { DAY_MS } from '../../base/base.ts';
import { formatExemption } from '../../policy/policy.ts';
import { apartFaults, approvalFaults, byNames, sameNameFaults } from './approval.ts';
import type { ExemptionPaper } from './paper.ts';
import { type PaperSet, scopeKey } from './paper-set.ts';
import type { Fault } from './problem.ts';
import { collect, listIds, profilesFor, type Report, type RuleContext } from './rule-context.ts';
import { blanketReason, findWide, prefixesOf, type Scope } from './scope.ts';
import { type Approval, type Draft, type ExemptionTerms, quote } from './terms.ts';

type Terms = Draft<ExemptionTerms>;
type Rule = (terms: Terms, context: RuleContext, report: Report) => void;

const checkGrounds: Rule = ({ grounds }, { profile }, report) => {
  if (grounds === undefined || profile.grounds.length === 0) return;
  if (profile.grounds.some(({ id }) => id === grounds)) return;
  const known = listIds(profile.grounds.map(({ id }) => id));
  report(
    'ERR_EXEMPTION_GROUNDS',
    ['grounds'],
    `${quote(grounds)} are no grounds of ${profile.id}`,
    `these are ${known}`,
  );
};

const checkTexts: Rule = ({ justification, alternatives }, { profile: { texts } }, report) => {
  const short = (text: string | undefined, least: number): string | undefined =>
    text !== undefined && lengthOf(text) < least
      ? `says too little: ${lengthOf(text)} characters of at least ${least}`
      : undefined;
  const why = short(justification, texts.justification);
  if (why !== undefined) {
    const hint = 'say what the work is and why it cannot be done without';
    report('ERR_EXEMPTION_JUSTIFICATION', ['justification'], why, hint);
  }
  const instead = short(alternatives, texts.alternatives);
  if (instead !== undefined) {
    const hint = 'say what else was considered and why it does not do';
    report('ERR_EXEMPTION_ALTERNATIVES', ['alternatives'], instead, hint);
  }
};

const checkMitigations: Rule = ({ mitigations }, { profile }, report) => {
  if (mitigations === undefined) return;
  const { least, checklist } = profile.mitigations;
  const code = 'ERR_EXEMPTION_MITIGATIONS';
  if (mitigations.length < least) {
    report(code, ['mitigations'], `are ${mitigations.length}, at least ${least} are needed`);
  }
  const shortest = profile.texts.mitigation;
  for (const [index, { item, text }] of mitigations.entries()) {
    const at = ['mitigations', index];
    if (item !== undefined && !checklist.some(({ id }) => id === item)) {
      const known =
        checklist.length === 0 ? 'it has none' : `these are ${listIds(checklist.map(({ id }) => id))}`;
      report(code, [...at, 'item'], `${quote(item)} is no measure of ${profile.id}`, known);
    }
    if (lengthOf(text) >= shortest) continue;
    report(code, at, `says too little: ${lengthOf(text)} characters of at least ${shortest}`);
  }
  for (const { id, title, required } of checklist) {
    if (!required || mitigations.some(({ item }) => item === id)) continue;
    report(code, ['mitigations'], `lack the measure ${quote(id)}: ${title}`, `add { item: ${id}, text: … }`);
  }
};

const checkPeriod: Rule = ({ fromMs, untilMs }, { nowMs }, report) => {
  if (untilMs === undefined) return;
  if (fromMs !== undefined && untilMs <= fromMs) {
    const hint = '"until" is the first moment without the exemption';
    report('ERR_EXEMPTION_PERIOD', ['until'], 'is not after its beginning', hint);
  } else if (untilMs <= nowMs) {
    report('ERR_EXEMPTION_PERIOD', ['until'], 'has passed already');
  }
};

const checkDuration: Rule = ({ fromMs, untilMs }, { profile: { duration } }, report) => {
  const max = duration['days-max'];
  if (max === undefined || fromMs === undefined || untilMs === undefined) return;
  if (untilMs - fromMs <= max * DAY_MS) return;
  const latest = new Date(fromMs + max * DAY_MS).toISOString();
  const text = `is more than ${max} days after its beginning`;
  report(
    'ERR_EXEMPTION_DURATION',
    ['until'],
    text,
    `the latest end is ${latest}; a renewal is another exemption`,
  );
};

const checkStart: Rule = ({ fromMs }, { profile: { duration }, nowMs }, report) => {
  const days = duration['start-within-days'];
  if (fromMs === undefined || fromMs - nowMs <= days * DAY_MS) return;
  const hint = 'ask again when it is nearer: each year has its own approval';
  report('ERR_EXEMPTION_START', ['from'], `is more than ${days} days ahead`, hint);
};

const checkNamed: Rule = ({ groups, clients, devices = [], lists = [] }, { network }, report) => {
  if (groups?.length === 0 && clients?.length === 0 && devices.length === 0) {
    const hint = 'name the clients, devices, or groups of the configuration';
    report('ERR_EXEMPTION_SCOPE_EMPTY', ['clients'], 'nobody is named', hint);
  }
  const checkKnown = (
    field: string,
    named: readonly string[],
    known: readonly string[],
    noun: string,
  ): void => {
    for (const [index, name] of named.entries()) {
      if (known.includes(name)) continue;
      const hint = `the configuration has ${listIds(known)}`;
      report('ERR_EXEMPTION_SCOPE_UNKNOWN', [field, index], `there is no ${noun} ${quote(name)}`, hint);
    }
  };
  checkKnown(
    'groups',
    groups ?? [],
    network.groups.map(({ name }) => name),
    'group',
  );
  checkKnown('lists', lists, network.lists, 'list');
};

const checkWidth: Rule = ({ groups = [], clients = [] }, { profile: { scope }, network }, report) => {
  const lengths = { ipv4: scope['ipv4-length-min'], ipv6: scope['ipv6-length-min'] };
  const hint = `prefixes have at least ${lengths.ipv4} bits in IPv4 and ${lengths.ipv6} in IPv6`;
  for (const [index, client] of clients.entries()) {
    for (const text of findWide(prefixesOf({ groups: [], clients: [client] }, network), lengths)) {
      report('ERR_EXEMPTION_SCOPE_WIDE', ['clients', index], `${text} is too wide`, hint);
    }
  }
  for (const [index, group] of groups.entries()) {
    for (const text of findWide(prefixesOf({ groups: [group], clients: [] }, network), lengths)) {
      const what = `${quote(group)} holds ${text}, which is too wide`;
      report('ERR_EXEMPTION_SCOPE_WIDE', ['groups', index], what, hint);
    }
  }
};

const checkBlanket: Rule = ({ groups = [], clients = [], fromMs, untilMs }, context, report) => {
  const { network, profile, granted, nowMs } = context;
  const code = 'ERR_EXEMPTION_SCOPE_BLANKET';
  const hint = 'an exemption is for those who need it, never for everybody';
  const scope: Scope = { groups, clients };
  const at = [clients.length > 0 ? 'clients' : 'groups'];
  const reason = blanketReason([scope], network);
  if (reason !== undefined) return report(code, at, reason, hint);
  const [fallback] = network.groups;
  if (fallback !== undefined && groups.includes(fallback.name) && !profile.scope['default-group']) {
    const text = `${quote(fallback.name)} holds every client that no other group names, so that nobody can say who is exempt`;
    return report(code, ['groups', groups.indexOf(fallback.name)], text, 'make a group of those who need it');
  }
  if (granted === undefined || granted.leavesOut(scope, network)) return undefined;
  const others = granted
    .all()
    .filter((paper) => Date.parse(paper.until) > nowMs && overlaps(paper, fromMs, untilMs));
  const together = others.length > 0 ? blanketReason([scope, ...others], network) : undefined;
  // What is blanket without it, since the configuration changed, is not its fault.
  if (together === undefined || blanketReason(others, network) !== undefined) return undefined;
  return report(code, at, `together with ${listIds(others.map(({ id }) => id))} it ${together}`, hint);
};

/** Two exemptions of one scope would be a prolongation that nobody sees. */
const checkOverlap: Rule = (terms, { granted, nowMs }, report) => {
  const same = granted
    ?.ofScope(scopeKey(terms))
    .find(
      (paper) =>
        Date.parse(paper.until) > nowMs &&
        overlaps(paper, terms.fromMs, terms.untilMs) &&
        (terms.renews === undefined || formatExemption(terms.renews) !== paper.id),
    );
  if (same === undefined) return;
  const hint = `let it begin when that one ends and name it in "renews", or revoke ${same.id} first`;
  const text = `${same.id} is granted for the same scope until ${same.until}`;
  report('ERR_EXEMPTION_OVERLAP', ['from'], text, hint);
};

const checkRenewal: Rule = ({ renews, fromMs }, { find }, report) => {
  if (renews === undefined || find === undefined) return;
  const id = formatExemption(renews);
  const code = 'ERR_EXEMPTION_RENEWAL';
  const old = find(renews);
  if (old === undefined) return report(code, ['renews'], `there is no exemption ${id}`);
  if (old.state === 'requested' || old.state === 'rejected' || old.state === 'revoked') {
    const hint = 'leave "renews" out: this is an exemption of its own';
    return report(code, ['renews'], `${id} is ${old.state}, which nothing can renew`, hint);
  }
  if (fromMs === undefined || fromMs >= Date.parse(old.until)) return undefined;
  const hint = `begin at ${old.until}, so that both together do not last longer than is seen`;
  return report(code, ['from'], `is before the end of ${id}`, hint);
};

/** What was granted before stays. */
const checkRecorded: Rule = (_terms, { isUnrecorded }, report) => {
  if (isUnrecorded !== true) return;
  const text = 'no records are kept, and what no record says is suspended once they are';
  report('ERR_EXEMPTION_UNRECORDED', [], text, 'set records.enabled');
};

/** What a request has to keep. */
const REQUEST_RULES: readonly Rule[] = [
  checkRecorded,
  checkGrounds,
  checkTexts,
  checkMitigations,
  checkPeriod,
  checkDuration,
  checkStart,
  checkNamed,
  checkWidth,
  checkBlanket,
  checkOverlap,
  checkRenewal,
];

/** What also has to be true of an exemption that is granted, at any time: nothing that passes with time. */
const STANDING_RULES: readonly Rule[] = [
  checkGrounds,
  checkTexts,
  checkMitigations,
  checkDuration,
  checkNamed,
  checkWidth,
  checkBlanket,
];

/** What is wrong with a request. */
export const requestFaults = (terms: Terms, context: RuleContext): Fault[] =>
  judge(terms, context, REQUEST_RULES);

/** By each profile that holds for the lists that the terms open; what two of them say alike is said once. */
const judge = (terms: Terms, context: RuleContext, rules: readonly Rule[]): Fault[] => {
  const faults = new Map<string, Fault>();
  for (const profile of profilesFor(context, terms.lists)) {
    const found = collect((report) => {
      for (const rule of rules) rule(terms, { ...context, profile }, report);
    });
    for (const fault of found) faults.set(JSON.stringify([fault.code, fault.path, fault.text]), fault);
  }
  return [...faults.values()];
};

/** A request whose scope another one for the same time already waits for: two decisions on it would contradict each other. */
export const repetitionFaults = (terms: Terms, waiting: PaperSet): Fault[] =>
  collect((report) => {
    const same = waiting
      .ofScope(scopeKey(terms))
      .find((paper) => overlaps(paper, terms.fromMs, terms.untilMs));
    if (same === undefined) return;
    const text = `${same.id} of ${quote(same.requestedBy)} waits for a decision on the same scope until ${same.until}`;
    const hint = `wait for it, or have it rejected: cordon exemptions reject ${same.id} --reason TEXT`;
    report('ERR_EXEMPTION_OVERLAP', ['from'], text, hint);
  });

/** A paper that was granted before accounts were kept, or stands in a text, has two names. */
const grantFaults = (paper: ExemptionPaper, rules: RuleContext): Fault[] => {
  const { requestedBy, requesterAccount, approvedBy, approverAccount } = paper;
  return requesterAccount === undefined && approverAccount === undefined
    ? sameNameFaults(requestedBy, approvedBy)
    : apartFaults(paper, approvalOf(paper), rules);
};

/** What the rules now in force would say against a paper that is granted. */
export const standingFaults = (paper: ExemptionPaper, context: RuleContext): Fault[] => {
  const terms = termsOf(paper);
  const approved = paper.approverAccount === undefined ? byNames(context) : context;
  return [
    ...judge(terms, context, STANDING_RULES),
    ...grantFaults(paper, context),
    ...approvalFaults(approvalOf(paper), approved, paper.lists),
  ];
};

/** What a paper asks for. */
export const termsOf = (paper: ExemptionPaper): ExemptionTerms => ({
  requestedBy: paper.requestedBy,
  grounds: paper.grounds,
  justification: paper.justification,
  alternatives: paper.alternatives,
  mitigations: paper.mitigations,
  groups: paper.groups,
  clients: paper.clients,
  devices: paper.devices,
  lists: paper.lists,
  names: paper.names,
  schedule: paper.schedule,
  fromMs: Date.parse(paper.from),
  untilMs: Date.parse(paper.until),
  renews: paper.renews === undefined ? undefined : Number(paper.renews.slice('ex-'.length)),
});

const approvalOf = ({ approvedBy, approverAccount, role, delegation }: ExemptionPaper): Draft<Approval> => ({
  by: approvedBy,
  account: approverAccount,
  role,
  delegation,
});

/** Characters that say something: runs of blanks count as one. */
const lengthOf = (text: string): number => text.trim().replace(/\s+/g, ' ').length;

const overlaps = (paper: ExemptionPaper, fromMs: number | undefined, untilMs: number | undefined): boolean =>
  (untilMs ?? Number.POSITIVE_INFINITY) > Date.parse(paper.from) &&
  (fromMs ?? Number.NEGATIVE_INFINITY) < Date.parse(paper.until);
