// What the library says is wrong with a feed, as codes: it tells by classes and texts of its own.
import { BadVersionError, ExpiredMetadataError } from 'tuf-js/dist/error.js';
import { type AppError, errorText, isAppError } from '../../base/base.ts';
import { feedError } from './feed-error.ts';

/** Characters of what the library says that are told: it repeats bytes of a foreign server. */
const REASON_LENGTH_MAX = 200;
/** The library wraps what it finds in a snapshot and in targets, so that only its text is left. */
const BACKWARDS = /is less than current version|Missing file .* in new snapshot/;
const EXPIRED = /is expired/;

/** What the library threw as an AppError; one of fetching stays as it is. */
export const toFeedError = (feed: string, thrown: unknown): AppError => {
  if (isAppError(thrown)) return thrown;
  const text = printable(errorText(thrown));
  const options = { cause: thrown };
  if (thrown instanceof ExpiredMetadataError || EXPIRED.test(text))
    return feedError('ERR_FEED_EXPIRED', feed, text, options);
  if (thrown instanceof BadVersionError || BACKWARDS.test(text))
    return feedError('ERR_FEED_BACKWARDS', feed, text, options);
  return feedError('ERR_FEED_PROOF', feed, text, options);
};

/** Of bytes of a foreign server. */
export const printable = (text: string): string =>
  text.replace(/[^\x20-\x7e]/g, '?').slice(0, REASON_LENGTH_MAX);
