// The roles of The Update Framework: who signs what of a feed.

/** Roles whose keys sign, in the order in which one vouches for the next. */
export const FEED_ROLES = ['root', 'targets', 'snapshot', 'timestamp'] as const;
export type FeedRole = (typeof FEED_ROLES)[number];
