// What is wrong with who may approve exemptions: nobody is named, or somebody by a name alone.
//
// Without names, everybody who may open the control socket approves in whatever role they state, and so does every approver of the
// control room. A name is what an identity provider calls somebody today: only an account says who it is.
import type { Config } from '../config/config.ts';

/** Rows: more say no more. */
const ROWS_MAX = 5;

/** One thing that is wrong. */
export interface ApproverTrouble {
  readonly kind: 'approvers-open' | 'approver-by-name';
  /** Name of the approver; empty: nobody is named. */
  readonly subject: string;
  readonly text: string;
}

/** Nothing where no exemption can be granted: without a profile, and on a node of a fleet. */
export const approverTrouble = ({ compliance, controlRoom, fleet }: Config): ApproverTrouble[] => {
  const { profile, approvers } = compliance;
  if (profile === undefined || fleet?.role === 'node') return [];
  if (approvers.length === 0)
    return [
      {
        ...{ kind: 'approvers-open', subject: '' },
        text: 'nobody is named who may approve exemptions, so that whoever opens the control socket does: compliance.approvers',
      },
    ];
  // Users of a system are called what root calls them.
  if (controlRoom?.oidc === undefined) return [];
  return approvers
    .filter(({ account }) => account === undefined)
    .slice(0, ROWS_MAX)
    .map(({ name }) => ({
      ...{ kind: 'approver-by-name', subject: name },
      text: `${name} may approve exemptions, and so does whom the identity provider calls so: compliance.approvers[].account`,
    }));
};
