// Checks across the keys of a fleet.
import { CUT_OFF_CHECKPOINTS, formatDuration } from '../base/base.ts';
import { conflict, type Draft, isMap, type Report } from './draft.ts';

/** Reports what does not fit together about the signs of life of an authority. */
export const checkFleet = (draft: Draft, report: Report): void => {
  const { fleet } = draft;
  if (!isMap(fleet)) return;
  const { 'tide-every': checkpointMs, 'suspend-exemptions-after': suspendAfterMs } = fleet;
  if (typeof checkpointMs !== 'number' || typeof suspendAfterMs !== 'number') return;
  const leastMs = CUT_OFF_CHECKPOINTS * checkpointMs;
  if (suspendAfterMs >= leastMs) return;
  report(
    ['fleet', 'suspend-exemptions-after'],
    conflict(
      `exemptions would be taken out between two signs of life of the authority, which come every ${formatDuration(checkpointMs)}`,
      `write ${formatDuration(leastMs)} or more, or a shorter "fleet.tide-every" on all resolvers`,
    ),
  );
};
