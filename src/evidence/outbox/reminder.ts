// What a reminder before the end of an exemption says, and which one is due.
//
// It leaves the machine, so it has no address, device or group of a client and none of the paper's free texts: they stay
// with those who may read the register. Persons are named because a reminder is for them.
import type { ExemptionPaper } from '../exemptions/exemptions.ts';

/** A reminder as a webhook gets it. Plain data; a change that breaks readers has another version. */
export interface Reminder {
  readonly format: 'cordon-reminder';
  readonly version: 1;
  readonly agency: string | null;
  readonly exemption: string;
  readonly grounds: string;
  readonly requestedBy: string;
  readonly approvedBy: string | null;
  readonly role: string | null;
  /** The first moment without it, RFC 3339, UTC. */
  readonly until: string;
  /** Names that are refused again then; null: all of the lists. */
  readonly names: readonly string[] | null;
  /** Lists that count again then; null: all. */
  readonly lists: readonly string[] | null;
  /** What happens at the end, a sentence. */
  readonly atEnd: string;
  /** How to renew it, a sentence. */
  readonly renew: string;
  /** Renewals that wait for a decision. */
  readonly waitingRenewals: readonly string[];
}

/**
 * The moment before its end, milliseconds, that a paper is to be reminded of: the last one that has come. Undefined when none has,
 * when the paper is not granted or over, and when a renewal is granted. A moment that had come before the paper began or
 * was approved is none.
 */
export const dueMoment = (
  paper: ExemptionPaper,
  papers: readonly ExemptionPaper[],
  beforeMs: readonly number[],
  nowMs: number,
): number | undefined => {
  const untilMs = Date.parse(paper.until);
  if (!isGranted(paper) || nowMs >= untilMs) return undefined;
  if (papers.some((other) => other.renews === paper.id && isGranted(other))) return undefined;
  const sinceMs = Math.max(Date.parse(paper.from), Date.parse(paper.approvedAt ?? paper.from));
  const come = beforeMs.filter((ms) => untilMs - ms > sinceMs && nowMs >= untilMs - ms);
  return come.length === 0 ? undefined : Math.min(...come);
};

/** What is said of a paper. */
export const toReminder = (
  paper: ExemptionPaper,
  papers: readonly ExemptionPaper[],
  agency: string | undefined,
): Reminder => {
  const { id, grounds, requestedBy, approvedBy, role, until, names, lists, origin } = paper;
  return {
    ...{ format: 'cordon-reminder', version: 1, agency: agency ?? null },
    ...{ exemption: id, grounds, requestedBy, approvedBy: approvedBy ?? null, role: role ?? null },
    until: new Date(until).toISOString(),
    ...{ names: names ?? null, lists: lists ?? null },
    atEnd:
      'From that moment on it opens nothing, and what it opened is refused again; nobody has to do anything for that.',
    renew:
      origin.kind === 'text'
        ? `Add another paper with "renews: ${id}" to the text files; it begins no earlier than this one ends.`
        : `Ask for a renewal, in the control room or by cordon exemptions request --renews ${id}; it needs an approval of its own before the end.`,
    waitingRenewals: papers
      .filter(({ renews, state }) => renews === id && state === 'requested')
      .map((other) => other.id),
  };
};

/** A reminder as a mail. */
export const toMail = (reminder: Reminder) => {
  const { exemption, grounds, requestedBy, approvedBy, role, until, names, lists, waitingRenewals } =
    reminder;
  const end = `${until.slice(0, 10)} ${until.slice(11, 19)} UTC`;
  const rows = [
    ['Exemption', exemption],
    ['Grounds', grounds],
    ['Asked by', requestedBy],
    ['Approved by', [approvedBy ?? 'unknown', ...(role === null ? [] : [`(${role})`])].join(' ')],
    ['Names', names?.join(', ') ?? 'all'],
    ['Lists', lists?.join(', ') ?? 'all'],
    ['Ends', end],
  ].map(([name = '', value = '']) => `${`${name}:`.padEnd(13)}${toLine(value)}`);
  const waiting =
    waitingRenewals.length === 0 ? [] : [`Waiting for a decision: ${waitingRenewals.join(', ')}.`];
  const says = [
    reminder.atEnd,
    reminder.renew,
    ...waiting,
    `The whole paper: cordon exemptions show ${exemption}`,
  ];
  return {
    subject: `Exemption ${exemption} ends on ${end}`,
    text: `${[...rows, '', ...says].join('\n')}\n`,
  };
};

const isGranted = ({ state }: ExemptionPaper): boolean => state === 'approved' || state === 'active';

/** A name cannot write lines of its own. */
const toLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
