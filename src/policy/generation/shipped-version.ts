// Newer versions of shipped lists: `shipped` beside `url` or `file`.
//
// Until there is a newer one the shipped list is in force, so that a first start needs nothing from outside. Which of two
// is newer is told by the entries: the day of the latest review. A signature says who made a list and not that it is the
// newest, so an older one is held, and a release with a newer one goes before what was fetched or lies in a file.
import type { ListConfig } from '../../config/config.ts';
import { parseCordonList, type ReviewReason, readListFile, shippedLists } from '../lists/lists.ts';

/** The file of the shipped list that a list is a newer version of; undefined: it is none. */
export const shippedFileOf = ({ source }: ListConfig): string | undefined => {
  const id = source.kind === 'shipped' ? undefined : source.shipped;
  return id === undefined ? undefined : shippedLists().find((list) => list.id === id)?.file;
};

/**
 * Which content of a list with an address is in force: what was kept, or the shipped list where that is newer or nothing
 * was kept. Undefined for a list of any other kind, which is read where it lies.
 */
export const newerPath = (list: ListConfig, kept: string | undefined): string | undefined => {
  const shipped = list.source.kind === 'url' ? shippedFileOf(list) : undefined;
  if (shipped === undefined || kept === undefined) return kept ?? shipped;
  return isOlder(latestReview(kept), latestReview(shipped)) ? shipped : kept;
};

/** The file of the shipped list where that is newer than a text of the list. */
export const newerShippedFile = (list: ListConfig, text: Uint8Array): string | undefined => {
  const shipped = shippedFileOf(list);
  if (shipped === undefined) return undefined;
  return isOlder(latestReviewIn(text), latestReview(shipped)) ? shipped : undefined;
};

/** Why a content that was fetched is not to take the place of what is in force; undefined: nothing speaks against its age. */
export const olderReason = (
  list: ListConfig,
  fetched: string,
  inForce: string | undefined,
): ReviewReason | undefined => {
  if (shippedFileOf(list) === undefined || inForce === undefined) return undefined;
  // What was fetched lies under a name that the next one will have.
  return olderDayReason(latestReviewIn(readListFile(fetched)), latestReview(inForce));
};

/** The same by the days of their latest reviews; undefined stands for none. */
export const olderDayReason = (
  day: string | undefined,
  dayInForce: string | undefined,
): ReviewReason | undefined => {
  if (!isOlder(day, dayInForce)) return undefined;
  const text = `its latest review is of ${day ?? 'no day'}, that of what is in force of ${dayInForce}`;
  return { code: 'older', text };
};

const isOlder = (day: string | undefined, other: string | undefined): boolean => (day ?? '') < (other ?? '');

/** By path: the contents of the store are named by their hash, and the shipped file changes with a release only. */
const known = new Map<string, string | undefined>();
/** Contents of a few lists: what was kept before is forgotten with the rest. */
const KNOWN_MAX = 256;

const latestReview = (path: string): string | undefined => {
  if (!known.has(path)) {
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(path, latestReviewIn(readListFile(path)));
  }
  return known.get(path);
};

const latestReviewIn = (text: Uint8Array): string | undefined =>
  parseCordonList(text)
    .entries.map(({ reviewed }) => reviewed)
    .sort()
    .at(-1);
