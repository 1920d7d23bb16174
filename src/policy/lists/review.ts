// A fetched list is looked at before it is taken: whether it can be what its maintainer meant.
//
// Sources break in known ways: an error page with status 200, an empty or half file, another file under the same
// name, a list that suddenly names half the web. Each has a reason with a code. A candidate with a reason is held,
// and the list of yesterday stays, until a person accepts exactly this content by its SHA-256. Pure: numbers in,
// verdict out. Guard names stay reachable whatever is decided here (guard.ts).

/** What is known of one content of a list: plain data. */
export interface ReviewFacts {
  /** Rules that were read, without exceptions; of an allowlist all. */
  readonly entries: number;
  /** Exceptions beside them; undefined: not known of a content that was kept without. */
  readonly exceptions?: number | undefined;
  /** Lines or entries that were not understood, those of `guarded` included. */
  readonly rejected: number;
  /** Names that no list may refuse, and that this one names. */
  readonly guarded: number;
  readonly sizeBytes: number;
  /** isMarkup() of the first bytes. */
  readonly isMarkup: boolean;
  readonly endsInLineBreak: boolean;
  /** False when nobody said how long the file is: its end may be the end of a connection. */
  readonly isLengthKnown: boolean;
}

/** A content that is to be reviewed. */
export interface Candidate extends ReviewFacts {
  /** Hexadecimal, lower case. */
  readonly sha256: string;
  /** Only refusals make it what it is. */
  readonly isMandate?: boolean | undefined;
  /** It cannot be read as a list at all. */
  readonly isBroken?: boolean | undefined;
  /** Exceptions that the content in force has not; undefined: there are none, or nothing was in force. */
  readonly newExceptions?: {
    /** Undefined: too many to be told apart. */
    readonly count: number | undefined;
    /** Which, and what they open. */
    readonly text: string;
  };
}

/** From when on a difference is held; shares are of 1. */
export interface ReviewThresholds {
  /** Entries that may be lost, as a share of what was there. */
  readonly shrinkShareMax: number;
  /** Entries that may be added, as a share of what was there. */
  readonly growthShareMax: number;
  /** Rejected lines, as a share of all. */
  readonly rejectedShareMax: number;
  /** Entries that may come or go whatever their share: a list of five names may become one of three. */
  readonly slackEntries: number;
  /** Rejected lines that may be there whatever their share. */
  readonly slackRejected: number;
  /** Guard names beside those that the content in force has. */
  readonly guardedMax: number;
  /** Exceptions that the content in force has not. */
  readonly exceptionsMax: number;
}

/** What suits lists that people keep: they change by a few per cent a day. */
export const REVIEW_DEFAULTS: ReviewThresholds = {
  shrinkShareMax: 0.2,
  growthShareMax: 2,
  rejectedShareMax: 0.05,
  slackEntries: 10,
  slackRejected: 5,
  guardedMax: 0,
  exceptionsMax: 0,
};

/** Why a candidate is held. */
export type ReviewCode =
  | 'dismissed'
  | 'emptied'
  | 'exceptions'
  | 'grown'
  | 'guarded'
  | 'markup'
  | 'older'
  | 'rejected-share'
  | 'shrunk'
  | 'truncated';

/** One reason: a code for programs, a text for people. */
export interface ReviewReason {
  readonly code: ReviewCode;
  readonly text: string;
}

/** What persons decided about contents, by SHA-256. */
export interface ReviewDecisions {
  /** The content that is taken whatever speaks against it. */
  readonly accepted?: string | undefined;
  /** Contents that are held whatever speaks for them: they were rolled back or turned away. */
  readonly dismissed?: readonly string[] | undefined;
}

/** The outcome; an accepted candidate has reasons only when a person overruled them. */
export interface Review {
  readonly verdict: 'accepted' | 'held';
  readonly reasons: readonly ReviewReason[];
}

/** Bytes of the start of a file that isMarkup() wants. */
export const MARKUP_HEAD_BYTES = 512;

/** Reviews a candidate against the content in force, undefined when there is none. */
export const review = (
  previous: ReviewFacts | undefined,
  candidate: Candidate,
  thresholds: ReviewThresholds = REVIEW_DEFAULTS,
  decisions: ReviewDecisions = {},
): Review => {
  // A list that begins without a rule is empty; one that had rules was emptied, and so was a broken one.
  const { isBroken = false, isMandate = false } = candidate;
  const mayBeEmpty = (previous?.entries ?? 0) === 0 && !isBroken && !isMandate;
  const reasons = [...reasonsOf(candidate, thresholds)].filter(
    ({ code }) => code !== 'emptied' || !mayBeEmpty,
  );
  if (previous !== undefined) reasons.push(...differencesOf(previous, candidate, thresholds));
  const guardedMax = Math.max(thresholds.guardedMax, previous?.guarded ?? 0);
  if (candidate.guarded > guardedMax) {
    reasons.push(
      reason('guarded', `${candidate.guarded} names that no list may refuse, at most ${guardedMax}`),
    );
  }
  const { newExceptions } = candidate;
  if (newExceptions !== undefined) {
    const { count = Number.POSITIVE_INFINITY, text } = newExceptions;
    if (count > thresholds.exceptionsMax) reasons.push(reason('exceptions', text));
  }
  if (decisions.dismissed?.includes(candidate.sha256) === true) {
    reasons.push(reason('dismissed', 'this content was rolled back or turned away'));
  }
  const isTaken = reasons.length === 0 || decisions.accepted === candidate.sha256;
  return { verdict: isTaken ? 'accepted' : 'held', reasons };
};

/** True when a file starts as web pages and XML documents do. No list format has a line that starts with `<`. */
export const isMarkup = (head: Uint8Array): boolean => {
  const text = Buffer.from(head.subarray(0, MARKUP_HEAD_BYTES)).toString('latin1');
  return /^(?:\xef\xbb\xbf)?\s*<[!?a-z]/i.test(text);
};

/** What speaks against a content by itself. */
function* reasonsOf(candidate: Candidate, thresholds: ReviewThresholds): Generator<ReviewReason> {
  const { entries, rejected, sizeBytes } = candidate;
  if (candidate.isMarkup) yield reason('markup', 'a web page instead of a list');
  const { exceptions = 0 } = candidate;
  if (entries === 0) {
    yield reason(
      'emptied',
      exceptions > 0 ? `no entry but ${exceptions} exceptions` : `no entry in ${sizeBytes} bytes`,
    );
  }
  const share = rejected / Math.max(1, entries + exceptions + rejected);
  if (rejected > thresholds.slackRejected && share > thresholds.rejectedShareMax) {
    yield reason(
      'rejected-share',
      `${rejected} of ${entries + exceptions + rejected} lines not understood, at most ${percent(thresholds.rejectedShareMax)}`,
    );
  }
}

/** What the change from yesterday to today speaks against. */
function* differencesOf(
  previous: ReviewFacts,
  candidate: Candidate,
  thresholds: ReviewThresholds,
): Generator<ReviewReason> {
  const change = candidate.entries - previous.entries;
  const counts = `${candidate.entries} entries after ${previous.entries}`;
  const isLarge = Math.abs(change) > thresholds.slackEntries;
  if (isLarge && candidate.entries > 0 && -change > previous.entries * thresholds.shrinkShareMax) {
    yield reason('shrunk', `${counts}, at most ${percent(thresholds.shrinkShareMax)} fewer`);
  }
  if (isLarge && previous.entries > 0 && change > previous.entries * thresholds.growthShareMax) {
    yield reason('grown', `${counts}, at most ${percent(thresholds.growthShareMax)} more`);
  }
  // A file that ended in a line break yesterday and in the middle of a line today was probably cut off. When its
  // length was announced and it lost nothing, an editor left out the last line break.
  const hasLostEnd = previous.endsInLineBreak && !candidate.endsInLineBreak && candidate.sizeBytes > 0;
  if (hasLostEnd && (!candidate.isLengthKnown || change < 0)) {
    yield reason('truncated', 'it ends in the middle of a line');
  }
}

const reason = (code: ReviewCode, text: string): ReviewReason => ({ code, text });

const percent = (share: number): string => `${Math.round(share * 100)} %`;
