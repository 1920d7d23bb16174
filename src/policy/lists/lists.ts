// lists: keeping lists. What ships, how a list is read, and what no list may do.
//
// Invariants: a list's bytes are never trusted: every line has a bound, what is not clearly a name is refused with
// line and column, never guessed; parsed text does not outlive the call that feeds a sink; an unreadable, empty or
// unusable list is an AppError, never an empty policy; guard names stay reachable whatever a source says.
// RFCs: 1035 and 2181 (names), 5890 (A-labels), 6890 (special-purpose addresses), 8914 (EDE).

export { LIST_FORMATS, type ListFormat } from '../../base/words/words.ts';
export { ADDRESS_FORMS, type AddressForm, type ExportedAddress, writeAddresses } from './address-forms.ts';
export { AddressGuards, type CutAddress } from './address-guards.ts';
export {
  LISTS_DIRECTORY,
  NEVER_BLOCK_ADDRESSES_FILE,
  NEVER_BLOCK_FILE,
  ownersOf,
  shippedDefaults,
  shippedLists,
  shippedOperators,
} from './catalog.ts';
export { type CdnSuffix, derivationOf, readCdnSuffixes } from './cdn-suffixes.ts';
export { checkLists, compareEntries, NameRules } from './check.ts';
export { type ListEntry, parseCordonHeader, parseCordonList } from './cordon-format.ts';
export { type Coverage, type CoverageRow, readCoverage } from './coverage.ts';
export { DIAGNOSTICS_MAX, type DiagnosticCode, NOTE_CODES, type ReasonCounts } from './diagnostic.ts';
export {
  type ExceptionFacts,
  markedText,
  markOf,
  NO_EXCEPTIONS,
  nameTrigger,
  newMarks,
} from './exception-marks.ts';
export { ExportMerge, type MergedRules } from './export-merge.ts';
export { digestRules, EXPORT_FORMATS, type ExportFormat, exportRules } from './export-rules.ts';
export { type FeedOptions, feedRules } from './feed.ts';
export {
  isPastReview,
  REVIEW_INTERVAL_DAYS,
  type ReviewDates,
  reviewAgeDays,
  reviewDueDay,
} from './freshness.ts';
export { Guards } from './guard.ts';
export { type ListBytes, readListFile } from './list-file.ts';
export { readRules } from './list-rules.ts';
export {
  derivationText,
  type ListLine,
  type LoadedList,
  lineOf,
  loadList,
  misreadOf,
  placeOfRule,
  toLoadedList,
} from './load.ts';
export {
  type Candidate,
  isMarkup,
  REVIEW_DEFAULTS,
  type Review,
  type ReviewFacts,
  type ReviewReason,
  type ReviewThresholds,
  review,
} from './review.ts';
export { isConditional, isException } from './rule-terms.ts';
export { readSignedFile } from './signed-file.ts';
export { fetchBytes } from './source-bytes.ts';
export { sourceError } from './source-error.ts';
export { type FetchedFile, type FetchLimits, type FetchOutcome, fetchSource } from './source-fetch.ts';
export type { ResolveHost } from './source-request.ts';
export { isFetchDue, isStale, nextFetchMs } from './source-schedule.ts';
export { parseSourceUrl, redactUrl } from './source-url.ts';
export { ListStore, type StoreAuthor } from './store.ts';
export { EMPTY_RECORD, type StoreDecision, type StoredContent, type StoreRecord } from './store-record.ts';
export { readZoneRecords } from './zone-records.ts';
