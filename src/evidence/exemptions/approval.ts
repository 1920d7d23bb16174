// Who may approve: another person than who asked, whom the configuration names, in a role that each mandate of the lists knows.
import { compareIdentities, foldPersonName, isSameAccount } from '../../base/base.ts';
import type { ExemptionPaper } from './paper.ts';
import type { Fault } from './problem.ts';
import { type Approver, collect, listIds, profilesFor, type Rules } from './rule-context.ts';
import { type Approval, type Draft, quote } from './terms.ts';

/** "n/a" is no reference of a paper. */
const REFERENCE_LENGTH_MIN = 4;

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
export const approvalFaults = (
  approval: Draft<Approval>,
  context: Rules,
  lists: readonly string[] | undefined,
): Fault[] =>
  profilesFor(context, lists)
    .flatMap((profile) => roleFaults(approval, { ...context, profile }))
    .filter(({ text }, index, all) => all.findIndex((one) => one.text === text) === index);

const roleFaults = (approval: Draft<Approval>, { profile, approvers }: Rules): Fault[] =>
  collect((report) => {
    const { by, role, delegation } = approval;
    if (by !== undefined && approvers.length > 0 && !approvers.some((one) => isApprover(one, approval))) {
      const hint = `approvers are ${listIds(approvers.map(({ name }) => name))} (compliance.approvers)`;
      report('ERR_EXEMPTION_APPROVER', ['approved-by'], `${quote(by)} is no approver`, hint);
      return;
    }
    const known = profile.approvers.find((approver) => approver.role === role);
    if (profile.approvers.length === 0 && role !== undefined) return;
    if (known === undefined) {
      const roles = `roles are ${listIds(profile.approvers.map((approver) => approver.role))}`;
      const text = role === undefined ? 'is missing' : `${quote(role)} may not approve by ${profile.id}`;
      report('ERR_EXEMPTION_ROLE', ['role'], text, roles);
    } else if (known.delegation && (delegation ?? '').length < REFERENCE_LENGTH_MIN) {
      const hint = 'name the paper by which the decision was delegated';
      report('ERR_EXEMPTION_DELEGATION', ['delegation'], `the role ${known.role} needs one`, hint);
    }
  });
