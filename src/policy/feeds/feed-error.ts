// What can be wrong with a feed, as codes.
import { AppError } from '../../base/base.ts';

/** The codes that reading a feed throws beside those of fetching. */
export type FeedErrorCode =
  | 'ERR_FEED_ABSENT'
  | 'ERR_FEED_BACKWARDS'
  | 'ERR_FEED_EXPIRED'
  | 'ERR_FEED_PROOF'
  | 'ERR_FEED_STATE';

/** An AppError about a feed. */
export const feedError = (
  code: FeedErrorCode,
  feed: string,
  reason: string,
  options?: { cause?: unknown; hint?: string },
): AppError<FeedErrorCode> => new AppError(code, `reading feed ${feed}: ${reason}`, options);
