// The rules that an exemption has to keep: those of the profile, and those that hold everywhere.
//
// Each rule is a function that reports what breaks it, with a code of its own; all of them are asked, so that one
// answer shows everything. A field that could not be read breaks no rule: its own fault is reported already. What is
// in force is judged again by standingFaults(), because profile and configuration change under it.

import {
  type Account,
  compareIdentities,
  DAY_MS,
  foldPersonName,
  isSameAccount,
  type Persons,
} from '../../base/base.ts';
import { formatExemption } from '../../policy/policy.ts';
import type { ExemptionPaper } from './paper.ts';
import type { ExemptionProblemCode, Fault, FieldPath } from './problem.ts';
import type { Profile } from './profile.ts';
import { blanketReason, findWide, type Network, prefixesOf, type Scope } from './scope.ts';
import { type Approval, type Draft, type ExemptionTerms, quote } from './terms.ts';

/** "n/a" is no reference of a paper. */
const REFERENCE_LENGTH_MIN = 4;

/** Somebody who may approve, as the configuration names them. */
export interface Approver {
  readonly name: string;
  /** Undefined: known by the name alone. */
  readonly account?: Account | undefined;
  readonly role: string;
  readonly delegation: string | undefined;
}

/** By what exemptions are judged: all of it may change with the configuration. */
export interface Rules {
  readonly profile: Profile;
  /** Empty: anybody who states a role of the profile. */
  readonly approvers: readonly Approver[];
  /** Accounts that are known to be those of one person. */
  readonly persons: Persons;
  readonly network: Network;
  /** No records are kept: what is granted now would be suspended as soon as they are. */
  readonly isUnrecorded?: boolean;
}

/** What a rule sees beside the exemption. */
export interface RuleContext extends Rules {
  readonly nowMs: number;
  /** Others that are granted and not over. */
  readonly granted: readonly ExemptionPaper[];
  /** Any paper of the register by its number. Undefined where no register is at hand: what it knows is not judged. */
  readonly find: ((number: number) => ExemptionPaper | undefined) | undefined;
}

type Terms = Draft<ExemptionTerms>;
type Report = (code: ExemptionProblemCode, path: FieldPath, text: string, hint?: string) => void;
type Rule = (terms: Terms, context: RuleContext, report: Report) => void;

const listIds = (ids: readonly string[]): string => ids.join(', ');

const checkGrounds: Rule = ({ grounds }, { profile }, report) => {
  if (grounds === undefined || profile.grounds.some(({ id }) => id === grounds)) return;
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
  if (fromMs === undefined || untilMs === undefined || untilMs - fromMs <= max * DAY_MS) return;
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
  const { network, profile, granted } = context;
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
  const others = granted.filter((paper) => overlaps(paper, fromMs, untilMs));
  const together = others.length > 0 ? blanketReason([scope, ...others], network) : undefined;
  // What is blanket without it, since the configuration changed, is not its fault.
  if (together === undefined || blanketReason(others, network) !== undefined) return undefined;
  return report(code, at, `together with ${listIds(others.map(({ id }) => id))} it ${together}`, hint);
};

/** Two exemptions of one scope would be a prolongation that nobody sees. */
const checkOverlap: Rule = (terms, { granted }, report) => {
  const key = scopeKey(terms);
  const same = granted.find(
    (paper) =>
      scopeKey(paper) === key &&
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
  collect((report) => {
    for (const rule of REQUEST_RULES) rule(terms, context, report);
  });

/** A request whose scope another one for the same time already waits for: two decisions on it would contradict each other. */
export const repetitionFaults = (terms: Terms, waiting: readonly ExemptionPaper[]): Fault[] =>
  collect((report) => {
    const key = scopeKey(terms);
    const same = waiting.find(
      (paper) => scopeKey(paper) === key && overlaps(paper, terms.fromMs, terms.untilMs),
    );
    if (same === undefined) return;
    const text = `${same.id} of ${quote(same.requestedBy)} waits for a decision on the same scope until ${same.until}`;
    const hint = `wait for it, or have it rejected: cordon exemptions reject ${same.id} --reason TEXT`;
    report('ERR_EXEMPTION_OVERLAP', ['from'], text, hint);
  });

/** An approval with what the configuration says of the approver. */
export const completeApproval = (
  approval: Draft<Approval>,
  approvers: readonly Approver[],
): Draft<Approval> => {
  const known = approvers.find((approver) => isApprover(approver, approval));
  return known === undefined
    ? approval
    : { ...approval, role: known.role, delegation: known.delegation ?? approval.delegation };
};

/** Rules for what has names alone: a text, and what was granted before accounts were kept. */
export const byNames = <Judged extends Rules>(rules: Judged): Judged => ({
  ...rules,
  approvers: rules.approvers.map((approver) => ({ ...approver, account: undefined })),
});

/** Whether the configuration means this one: by the account, and by the name where it knows no more. */
const isApprover = (approver: Approver, { by, account }: Draft<Approval>): boolean => {
  if (approver.account !== undefined)
    return account !== undefined && isSameAccount(approver.account, account);
  return by !== undefined && foldPersonName(approver.name) === foldPersonName(by);
};

/**
 * Why who approves an act may be who asked for it: accounts are compared, and where one of them is not known, nobody can tell
 * the two apart.
 */
export const apartFaults = (
  { requestedBy, requesterAccount }: ExemptionPaper,
  { by = '', account }: Draft<Approval>,
  { persons }: Rules,
): Fault[] => {
  const asked = { name: requestedBy, account: requesterAccount };
  const found = compareIdentities(asked, { name: by, account }, persons);
  return found === 'two' ? [] : [selfApproval(by, APART[found])];
};

/** The same of a text, which has names only: its author wrote both. */
export const sameNameFaults = (requestedBy: string | undefined, by: string | undefined): Fault[] =>
  by !== undefined && requestedBy !== undefined && foldPersonName(by) === foldPersonName(requestedBy)
    ? [selfApproval(by, APART.one)]
    : [];

const selfApproval = (by: string, [text, hint]: readonly [text: string, hint: string]): Fault => ({
  ...({ code: 'ERR_EXEMPTION_SELF_APPROVAL', path: ['approved-by'] } as const),
  text: `${quote(by)} ${text}`,
  hint,
});

const APART = {
  one: ['requested it as well', 'somebody else has to decide'],
  linked: ['is another account of who requested it (compliance.persons)', 'somebody else has to decide'],
  double: [
    'is the name of who requested it as well',
    'somebody else has to decide: these may be two accounts of one person',
  ],
  unknown: [
    'cannot be told apart from who requested it: an account is not known',
    'reject it, and have it requested anew by an account that is known',
  ],
} as const;

/** What is wrong with who approves: `approval` is complete. */
export const approvalFaults = (approval: Draft<Approval>, { profile, approvers }: Rules): Fault[] =>
  collect((report) => {
    const { by, role, delegation } = approval;
    if (by !== undefined && approvers.length > 0 && !approvers.some((one) => isApprover(one, approval))) {
      const hint = `approvers are ${listIds(approvers.map(({ name }) => name))} (compliance.approvers)`;
      report('ERR_EXEMPTION_APPROVER', ['approved-by'], `${quote(by)} is no approver`, hint);
      return;
    }
    const known = profile.approvers.find((approver) => approver.role === role);
    if (known === undefined) {
      const roles = `roles are ${listIds(profile.approvers.map((approver) => approver.role))}`;
      const text = role === undefined ? 'is missing' : `${quote(role)} may not approve by ${profile.id}`;
      report('ERR_EXEMPTION_ROLE', ['role'], text, roles);
    } else if (known.delegation && (delegation ?? '').length < REFERENCE_LENGTH_MIN) {
      const hint = 'name the paper by which the decision was delegated';
      report('ERR_EXEMPTION_DELEGATION', ['delegation'], `the role ${known.role} needs one`, hint);
    }
  });

/** A paper that was granted before accounts were kept, or stands in a text, has two names. */
const grantFaults = (paper: ExemptionPaper, rules: Rules): Fault[] => {
  const { requestedBy, requesterAccount, approvedBy, approverAccount } = paper;
  return requesterAccount === undefined && approverAccount === undefined
    ? sameNameFaults(requestedBy, approvedBy)
    : apartFaults(paper, approvalOf(paper), rules);
};

/** What the rules now in force would say against a paper that is granted. */
export const standingFaults = (paper: ExemptionPaper, context: RuleContext): Fault[] => {
  const terms = termsOf(paper);
  return [
    ...collect((report) => {
      for (const rule of STANDING_RULES) rule(terms, context, report);
    }),
    ...grantFaults(paper, context),
    ...approvalFaults(approvalOf(paper), paper.approverAccount === undefined ? byNames(context) : context),
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

const scopeKey = (
  of: Pick<Terms, 'groups' | 'clients' | 'devices' | 'lists' | 'names' | 'schedule'>,
): string =>
  JSON.stringify([
    ...[of.groups, of.clients, of.devices ?? null],
    ...[of.lists ?? null, of.names ?? null, of.schedule ?? null],
  ]);

const collect = (check: (report: Report) => void): Fault[] => {
  const faults: Fault[] = [];
  check((code, path, text, hint) => {
    faults.push({ code, path, text, ...(hint === undefined ? {} : { hint }) });
  });
  return faults;
};
