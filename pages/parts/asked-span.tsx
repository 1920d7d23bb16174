// What a count of thirty days covers, said where it stands: nothing, where it is all of them.
import type { VNode } from 'preact';
import type { AskedSpan } from '../api/members.ts';
import { nowMs } from './room.ts';
import { useText } from './say.tsx';

const DAYS_MS = 30 * 86_400_000;
/** A count is kept for a while, and clocks differ. */
const TOLERANCE_MS = 3_600_000;

/** The limits of a count, as far as it has any. */
export const AskedLimits = ({ asked }: { readonly asked: AskedSpan }): VNode | null => {
  const { say, format } = useText();
  const { since, isWhole, unnamed } = asked;
  const isShort = Date.parse(since) > nowMs() - DAYS_MS + TOLERANCE_MS;
  const said = [
    isShort && say('askedSince', { since: format.time(since) }),
    !isWhole && say('askedAtLeast'),
    unnamed > 0 && say('askedUnnamed', { queries: format.number(unnamed), count: unnamed }),
  ].filter((part) => part !== false);
  return said.length === 0 ? null : <p class="small faint">{said.join(' ')}</p>;
};
