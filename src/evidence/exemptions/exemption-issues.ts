// What is wrong with exemptions: a register that cannot be used, what ends or is to be reviewed soon, who may approve.
import { DAY_MS } from '../../base/base.ts';
import { type FoundIssue, ISSUE_SUBJECTS_MAX } from '../../base/words/words.ts';
import type { Config } from '../../config/config.ts';
import type { EvidenceFacts, ExemptionMetrics } from '../../telemetry/observe/observe.ts';

/** Before an end that somebody should know of. */
const EXEMPTION_MS = 7 * DAY_MS;
const REVIEW_MS = 30 * DAY_MS;

/** Of exemptions and of the decisions behind mandate lists; `incomplete` are ids that the rules would refuse. */
export const exemptionIssues = (
  exemptions: Pick<ExemptionMetrics, 'unproven' | 'ends'> | undefined,
  decisions: EvidenceFacts['decisions'],
  incomplete: ReadonlySet<string>,
  nowMs: number,
): FoundIssue[] => [
  ...(exemptions === undefined
    ? [
        {
          ...({ id: 'exemptions-unusable', subject: '' } as const),
          text: 'the register of exemptions cannot be used: no exemption is in force',
        },
      ]
    : []),
  ...[...(exemptions?.unproven ?? [])].slice(0, ISSUE_SUBJECTS_MAX).map(([subject, why]) => ({
    ...({ id: 'exemptions-unproven', subject } as const),
    text: `${subject} is suspended: the register grants it, and ${why}`,
  })),
  ...[...incomplete].slice(0, ISSUE_SUBJECTS_MAX).map((subject) => ({
    ...({ id: 'exemption-incomplete', subject } as const),
    text: `exemption ${subject} would be refused by the rules as they are`,
  })),
  ...endIssues(exemptions?.ends, nowMs),
  ...decisions.flatMap(({ list: subject, reviewMs, endsMs }): FoundIssue[] => {
    const dueMs = Math.min(reviewMs ?? Number.POSITIVE_INFINITY, endsMs ?? Number.POSITIVE_INFINITY);
    const text = `the decision behind ${subject} is to be reviewed`;
    return dueMs - nowMs < REVIEW_MS ? [{ id: 'mandate-review', subject, text, dueMs }] : [];
  }),
];

/** Those that end soon, no more than are told: thousands are looked at each second, and no text is made for nobody. */
const endIssues = (ends: ExemptionMetrics['ends'] | undefined, nowMs: number): FoundIssue[] => {
  const found: FoundIssue[] = [];
  ends?.forEach((dueMs, subject) => {
    if (found.length >= ISSUE_SUBJECTS_MAX || dueMs - nowMs >= EXEMPTION_MS) return;
    found.push({
      ...{ id: 'exemption-ends', subject, dueMs },
      text: `exemption ${subject} ends at ${toText(dueMs)}`,
    });
  });
  return found;
};

/** Of who may approve exemptions. Nothing where no exemption can be granted: without rules, and on a node of a fleet. */
export const approverIssues = ({
  compliance,
  controlRoom,
  fleet,
  mandates,
}: Pick<Config, 'compliance' | 'controlRoom' | 'fleet' | 'mandates'>): FoundIssue[] => {
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

const toText = (ms: number): string => new Date(ms).toISOString();
