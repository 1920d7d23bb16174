// What is not known: the last question of page one, so that nobody takes silence for an answer. The weightiest first.
import { HOUR_MS } from '../../base/base.ts';
import type {
  Attention,
  EnforcementSection,
  ExemptionSection,
  ListSection,
  NetworkEntry,
  Note,
  ProbeSection,
} from './model.ts';
import type { IntegritySection, RecordsSection, SigningSection } from './records-model.ts';
import { isProven } from './verdict.ts';

/** Without a proof of a view; sweeps come each day. */
const UNPROVEN_MS_MAX = 25 * HOUR_MS;

/** What it follows from. */
export interface UnknownFacts {
  readonly untilMs: number;
  readonly integrity: IntegritySection;
  readonly signing: SigningSection;
  readonly enforcement: EnforcementSection;
  readonly probes: ProbeSection;
  readonly networks: readonly NetworkEntry[];
  readonly records: RecordsSection;
  readonly lists: readonly ListSection[];
  readonly exemptions: readonly ExemptionSection[];
  readonly notes: readonly Note[];
}

/** All of it. */
export const toUnknown = (facts: UnknownFacts): Attention[] => {
  const { integrity, signing, enforcement, probes, networks, records, notes, untilMs } = facts;
  const found: Attention[] = [];
  const add = (code: string, ...values: (string | number)[]): void => void found.push({ code, values });
  const doubtful = integrity.doubtful.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (!integrity.isIntact && doubtful > 0) add('doubtful', doubtful);
  else if (!integrity.isIntact) add('missing');
  if (enforcement.ms['no-evidence'] > 0) add('no-evidence', enforcement.ms['no-evidence']);
  if (signing.unsigned > 0) add('unsigned', signing.unsigned);
  if (signing.signedUntil === null) add('never-signed');
  else if (signing.checkpoint === null) add('no-checkpoint');
  else if (Date.parse(signing.signedUntil) < untilMs) add('signed-less', signing.signedUntil);
  lookAtWitnesses(signing, untilMs, add);
  if (records.dropped > 0) add('dropped', records.dropped);
  if (records.uncleanEnds.length > 0) add('unclean-ends', records.uncleanEnds.length);
  if (!isProven(probes, networks)) add('no-probe');
  else if (probes.longestGapMs !== null && probes.longestGapMs > UNPROVEN_MS_MAX)
    add('unproven', probes.longestGapMs);
  for (const { code, values } of notes) if (ELSEWHERE.has(code)) add(code, ...values);
  lookAtPapers(facts, add);
  return found;
};

/** Notes of numbers that tell what is missing. */
const ELSEWHERE: ReadonlySet<string> = new Set(['no-queries', 'deleted', 'clock-back', 'clock-forward']);

type Add = (code: string, ...values: (string | number)[]) => void;

const lookAtWitnesses = ({ witnesses }: SigningSection, untilMs: number, add: Add): void => {
  if (witnesses.needed === 0) add('no-witness');
  else if (witnesses.until === null)
    add('witness-short', witnesses.all.filter(({ state }) => state === 'cosigned').length, witnesses.needed);
  else if (Date.parse(witnesses.until) < untilMs) add('witnessed-less', witnesses.until);
};

const lookAtPapers = ({ lists, exemptions }: UnknownFacts, add: Add): void => {
  const mandates = lists.filter(({ mandate }) => mandate);
  const undecided = mandates.filter(({ decision }) => decision === null).length;
  if (undecided > 0) add('no-decision', undecided);
  const unreviewed = mandates.filter(
    ({ versions, events }) =>
      versions.length > 0 &&
      versions.at(-1)?.reviewed === null &&
      !events.some(({ event }) => event === 'fetched'),
  ).length;
  if (unreviewed > 0) add('list-age', unreviewed);
  const nameless = exemptions.filter(({ paper, active }) => {
    const { requestedBy, approvedBy } = paper as Readonly<Record<string, unknown>>;
    return active.length > 0 && (typeof requestedBy !== 'string' || typeof approvedBy !== 'string');
  }).length;
  if (nameless > 0) add('nameless', nameless);
};
