// What is wrong with the witnesses of the records: too few that cosign, or one that knows other records than are here.

import type { FoundIssue } from '../../base/words/words.ts';
import type { RecordingFacts } from './recording-options.ts';

/** What is looked at of each witness. */
type WatchedWitness = Pick<
  RecordingFacts['witnesses'][number],
  'name' | 'isOfFleet' | 'cosignedMs' | 'trouble' | 'finding'
>;

/** A witness that did not cosign for so long does not count, milliseconds. */
const OVERDUE_MS = 60_000;

/** `needed` of those that were named have to cosign; undefined: all. Of a fleet, which stands in for none, one has to. */
export const witnessIssues = (
  witnesses: readonly WatchedWitness[],
  needed: number | undefined,
  nowMs: number,
): FoundIssue[] => {
  const named = witnesses.filter(({ isOfFleet }) => !isOfFleet);
  const ofFleet = witnesses.filter(({ isOfFleet }) => isOfFleet);
  return [...issuesOf(named, needed ?? named.length, nowMs), ...issuesOf(ofFleet, 1, nowMs)];
};

const issuesOf = (witnesses: readonly WatchedWitness[], needed: number, nowMs: number): FoundIssue[] => {
  const conflicts = witnesses.flatMap(({ name, finding }): FoundIssue[] =>
    finding === undefined
      ? []
      : [
          {
            id: 'witness-conflict',
            subject: name,
            text: `witness ${name} knows other records: ${finding}`,
          },
        ],
  );
  const away = witnesses.filter(
    ({ trouble, finding, cosignedMs }) =>
      trouble !== undefined &&
      finding === undefined &&
      (cosignedMs === undefined || nowMs - cosignedMs > OVERDUE_MS),
  );
  const missing = needed - (witnesses.length - away.length);
  if (missing <= 0 || away.length === 0) return conflicts;
  const times = away.flatMap(({ cosignedMs }) => cosignedMs ?? []);
  return [
    ...conflicts,
    {
      id: 'witness-away',
      subject: away.map(({ name }) => name).join(', '),
      text: `nobody else can tell that the records are whole: ${away.map(({ name, trouble }) => `${name} (${trouble})`).join(', ')}`,
      ...(times.length === 0 ? {} : { sinceMs: Math.min(...times) }),
    },
  ];
};
