// feeds: signed repositories of lists by The Update Framework (TUF 1.0), read and written.
//
// Invariants: nothing of a feed counts that is not signed by a threshold of keys which a chain from the pinned root names; a
// feed never goes back; what cannot be proven changes nothing but what is told of the feed. Whether a content is taken is not
// decided here: that is keeping's review.
export type { FeedErrorCode } from './feed-error.ts';
export { feedError } from './feed-error.ts';
export {
  type FeedBehind,
  type FeedRecord,
  type FeedSettings,
  type FeedState,
  feedDirectory,
  readFeedRecord,
  toFeedState,
} from './feed-state.ts';
export { FEED_ROLES, type FeedRole, type Published, publishFeed } from './publisher.ts';
export { FeedReader, type FeedTarget, type FeedTargets } from './reader.ts';
