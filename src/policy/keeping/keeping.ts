// keeping: lists that are fetched, kept up to date and held for a person where a change is too large.
//
// Invariants: a source changes what is in force only through proof and review; what it did last is on the disk; a fault
// of one list leaves the others alone. A room of its own above generation, which the readers of lists are below.

export type { FeedState } from '../feeds/feeds.ts';
export { AddressFeed } from './address-feed.ts';
export { contentPath, diffList, type ListDiff } from './diff.ts';
export type { NewerStanding } from './feed-packs.ts';
export { readFeedStates } from './feeds.ts';
export type { RefreshResult } from './fetching.ts';
export { KeptLists } from './kept-lists.ts';
export { feedIssues, listIssues } from './list-issues.ts';
export { ListUpdater } from './list-updater.ts';
export { standingIssues } from './mandate-rows.ts';
export { FileReview, isUrlList } from './review.ts';
export {
  bareStatus,
  type CandidateStatus,
  inForceStatus,
  type ListStatus,
  readKeptPaths,
  readListHistory,
  readListStatuses,
  toCandidateStatus,
  toTime,
  withoutMissing,
} from './status.ts';
