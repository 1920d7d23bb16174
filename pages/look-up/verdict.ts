// What an explanation comes down to for somebody on the phone: the words of the title, of the reason, and of what to say. Pure.
//
// Every sentence is drawn from what decided (rules, exemptions, a pause), never from what is missing: "no list names it" is
// said where no list has a word in it at all.
import type { Mark } from '../parts/mark.ts';
import type { Key } from '../text/text.ts';

/** What of an explanation counts. */
export interface Judged {
  readonly allowed: boolean;
  readonly outcome: string;
  readonly rules: readonly { readonly mandate: boolean }[];
  readonly passedBy?: unknown;
  readonly watched?: unknown;
  readonly exempted: readonly unknown[];
  readonly asked?: { readonly isPaused?: boolean | undefined };
}

export interface Verdict {
  readonly mark: Mark;
  readonly title: Key;
  readonly why: Key;
  readonly call: Key;
}

const FAILED: Verdict = {
  mark: 'warn',
  title: 'explainedFailed',
  why: 'explainedFailedWhy',
  call: 'callFailed',
};

export const verdictOf = (found: Judged): Verdict => {
  if (found.outcome === 'refused') {
    const title = 'explainedRefused';
    if (!found.allowed) return { mark: 'refused', title, why: 'explainedNoAccessWhy', call: 'callNoAccess' };
    if (found.rules.some(({ mandate }) => mandate)) {
      return { mark: 'refused', title, why: 'explainedRefusedWhy', call: 'callRefused' };
    }
    const why = found.rules.length > 0 ? 'explainedOtherWhy' : 'explainedGuardWhy';
    return { mark: 'refused', title, why, call: 'callRefusedOther' };
  }
  if (found.outcome === 'passes') {
    return { mark: 'ok', title: 'explainedPasses', why: reasonToPass(found), call: 'callPasses' };
  }
  if (found.outcome !== 'local') return FAILED;
  return { mark: 'ok', title: 'explainedLocal', why: 'explainedLocalWhy', call: 'callPasses' };
};

const reasonToPass = (found: Judged): Key => {
  if (found.asked?.isPaused === true) return 'explainedPausedWhy';
  if (found.exempted.length > 0) return 'explainedExemptWhy';
  if (found.passedBy !== undefined) return 'explainedAllowedWhy';
  return found.watched === undefined ? 'explainedPassesWhy' : 'explainedWatchedWhy';
};
