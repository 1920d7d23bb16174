// feeds: signed repositories of lists by The Update Framework (TUF 1.0), read and written.
//
// Invariants: nothing of a feed counts that is not signed by a threshold of keys which a chain from the pinned root names; a
// feed never goes back; what cannot be proven changes nothing but what is told of the feed. Whether a content is taken is not
// decided here: that is keeping's review. What reads and writes is loaded by who has a feed.
import { loadFeature } from '../../base/base.ts';
import type { Published, PublishOptions } from './publisher.ts';
import type { FeedReader, FeedReaderOptions } from './reader.ts';

export { feedError } from './feed-error.ts';
export { FEED_ROLES, type FeedRole } from './feed-roles.ts';
export {
  type FeedBehind,
  type FeedRecord,
  type FeedState,
  feedDirectory,
  readFeedRecord,
  toFeedState,
} from './feed-state.ts';
export { readPackagedRoot } from './packaged-root.ts';
export type { Published } from './publisher.ts';
export type { FeedReader, FeedTargets } from './reader.ts';

/** Begins to read a feed: see FeedReader.open() of reader.ts. Rejects with ERR_FEATURE_NOT_INSTALLED, too. */
export const openFeed = async (options: FeedReaderOptions): Promise<FeedReader> =>
  (await loadFeature('feeds', () => import('./reader.ts'))).FeedReader.open(options);

/** Writes a feed: see publishFeed() of publisher.ts. Rejects with ERR_FEATURE_NOT_INSTALLED, too. */
export const publishFeed = async (options: PublishOptions): Promise<Published> =>
  (await loadFeature('feeds', () => import('./publisher.ts'))).publishFeed(options);
