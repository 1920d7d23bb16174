// What is wrong with a list that is kept, or with the feed that it comes by.
import { VERSION } from '../../base/base.ts';
import type { FoundIssue } from '../../base/words/words.ts';
import type { FeedState } from '../feeds/feeds.ts';
import type { ListStatus } from './status.ts';

/** Of one list. */
export const listIssues = ({ id: subject, held, inForce, kept }: ListStatus): FoundIssue[] => {
  const found: FoundIssue[] = [];
  const add = (id: FoundIssue['id'], text: string, since?: string | null): void => {
    found.push({ id, subject, text, sinceMs: since == null ? undefined : Date.parse(since) });
  };
  if (held !== null) add('list-held', `list ${subject} is held: cordon lists status`, held.since);
  else if (inForce === null) add('list-missing', `list ${subject} is not in force: cordon lists status`);
  if (kept?.isStale === true && inForce !== null)
    add('list-stale', `list ${subject} is stale: cordon lists status`, kept.checkedAt);
  else if (kept !== null && kept.failures > 0)
    add('list-failing', `the source of list ${subject} was not reached: ${kept.lastFailure}`, kept.checkedAt);
  return found;
};

const FEED_ISSUES = {
  unproven: ['feed-unproven', 'is not what its keys signed'],
  backwards: ['feed-backwards', 'went back to an older state'],
  expired: ['feed-expired', 'does not vouch for being fresh any more'],
} as const;

/** A content that is held is told as such: what a feed adds is what could not be had. */
export const feedIssues = ({
  id: subject,
  state,
  reason,
  since,
  behind,
  release,
}: FeedState): FoundIssue[] => {
  const found: FoundIssue[] = [];
  const toMs = (time: string | null): number | undefined => (time === null ? undefined : Date.parse(time));
  if (state === 'unproven' || state === 'backwards' || state === 'expired') {
    const [id, text] = FEED_ISSUES[state];
    found.push({ id, subject, text: `feed ${subject} ${text}: ${reason}`, sinceMs: toMs(since) });
  }
  for (const { list, since: known, reason: why } of behind) {
    const text = `feed ${subject} has a newer list ${list} that is not in force: ${why}`;
    found.push({ id: 'feed-behind', subject: list, text, sinceMs: toMs(known) });
  }
  if (release !== null) {
    const { version, date, notes } = release;
    const text = `release ${version} of ${date} is newer than this one, ${VERSION}: ${notes}`;
    found.push({ id: 'release-newer', subject: version, text, sinceMs: Date.parse(date) });
  }
  return found;
};
