// What a review has to know of a list: of a file that was fetched, and of a file or directory that the operator changed.
//
// A fetched file is read once into nothing, with the guards, so that its numbers are known before it is taken; its
// text is never in memory as a whole. A file of the operator's own is compared with what is in force when lists are
// read again: a deployment that broke half-way is seen then, and what is in force stays. A file of which nothing was in
// force is only held when nearly nothing in it was understood.
import { AppError, isAppError } from '../../base/base.ts';
import type { ListConfig, UrlSource } from '../../config/config.ts';
import { type Generation, readingOfList } from '../../generation/generation.ts';
import type { RuleSink } from '../../policy/policy.ts';
import {
  type Candidate,
  type FetchedFile,
  Guards,
  isMarkup,
  type LoadedList,
  loadList,
  misreadOf,
  NEVER_BLOCK_FILE,
  REVIEW_DEFAULTS,
  type Review,
  type ReviewFacts,
  type ReviewReason,
  type ReviewThresholds,
  review,
} from '../lists.ts';

/** A list that is fetched. */
export type UrlList = ListConfig & { readonly source: UrlSource };

/** True for a list that is fetched. */
export const isUrlList = (list: ListConfig): list is UrlList => list.source.kind === 'url';

/** What is known of a fetched file; reads it, which takes as long as the list is large. */
export const factsOf = (list: UrlList, file: FetchedFile): Candidate => {
  const { sizeBytes, endsInLineBreak, isLengthKnown, sha256, path } = file;
  const counts = { ...countRules(list, path), isMandate: list.mandate === true };
  return { ...counts, sizeBytes, endsInLineBreak, isLengthKnown, sha256, isMarkup: isMarkup(file.head) };
};

/** The same of a file that lies here, for comparing. */
export const factsOfFile = (list: UrlList, path: string): ReviewFacts => ({
  ...countRules(list, path),
  sizeBytes: 0,
  isMarkup: false,
  endsInLineBreak: true,
  isLengthKnown: true,
});

/** From when on a difference of a list is held. */
export const thresholdsOf = ({ source }: UrlList): ReviewThresholds => ({
  ...REVIEW_DEFAULTS,
  ...source.review,
});

type Counts = Pick<Candidate, 'entries' | 'guarded' | 'isBroken' | 'rejected'>;

const countRules = (list: UrlList, path: string): Counts => {
  const { allow, source } = list;
  const { format } = source;
  // A name that passes harms no guard.
  const guards = allow ? undefined : Guards.load(NEVER_BLOCK_FILE);
  try {
    const loaded = loadList({ kind: 'file', path, format, isDirectory: false }, NOWHERE, {
      guards,
      ...readingOfList(list),
    });
    return { entries: loaded.entries, rejected: misreadOf(loaded), guarded: loaded.guarded ?? 0 };
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return { entries: 0, rejected: 0, guarded: 0, isBroken: true };
  }
};

/** A sink whose rules are only counted by its feeder. */
const NOWHERE: RuleSink = {
  addName: () => undefined,
  addPrefix: () => undefined,
  addClientPrefix: () => undefined,
  addPattern: () => undefined,
};

/**
 * Rejected lines that a file may have when nothing of it was in force before. The operator chose file and format, so that
 * only a list that is obviously read under the wrong format is held: what is left of it would refuse next to nothing.
 */
const FIRST_REJECTED_SHARE_MAX = 0.9;

/** Reviews a file of which nothing was in force before, unless a person accepted its content. */
export const firstReview = (loaded: LoadedList, accepted?: string): Review =>
  review(
    undefined,
    { ...toFacts(loaded), sha256: loaded.sha256 },
    {
      ...REVIEW_DEFAULTS,
      rejectedShareMax: FIRST_REJECTED_SHARE_MAX,
      guardedMax: Number.POSITIVE_INFINITY,
    },
    { accepted },
  );

/** A file of the operator's that was not put in force. */
export interface HeldFile {
  readonly sha256: string;
  readonly entries: number;
  readonly reasons: readonly ReviewReason[];
  readonly heldAtMs: number;
}

/** Compares the files of the operator with those in force. */
export class FileReview {
  /** By list. */
  readonly held = new Map<string, HeldFile>();
  /** By list: the content that a person accepted. */
  readonly #accepted = new Map<string, string>();

  /** From now on the content may be put in force. Throws ERR_LIST_ABSENT when it is not the one that is held. */
  accept(list: string, sha256: string): void {
    const held = this.held.get(list);
    if (held?.sha256 !== sha256) {
      throw new AppError(
        'ERR_LIST_ABSENT',
        `looking for content ${sha256} of list ${list}: ${held === undefined ? 'nothing' : held.sha256} is held`,
      );
    }
    this.#accepted.set(list, sha256);
  }

  /**
   * Throws ERR_LIST_HELD when a file of `next` differs from the one in force as no list should, or is one of which
   * nothing was in force and nearly nothing was understood.
   */
  check(inForce: Generation | undefined, next: Generation, files: ReadonlySet<string>, nowMs: number): void {
    this.held.clear();
    for (const { id, loaded } of next.lists) {
      const before = inForce?.lists.find((list) => list.id === id)?.loaded;
      if (!files.has(id)) continue;
      const accepted = this.#accepted.get(id);
      const isFirst = before === undefined || !isSameSource(before, loaded);
      const { verdict, reasons } = isFirst
        ? firstReview(loaded, accepted)
        : reviewFile(before, loaded, accepted);
      if (verdict === 'accepted') continue;
      this.held.set(id, { sha256: loaded.sha256, entries: loaded.entries, reasons, heldAtMs: nowMs });
    }
    const [first] = this.held;
    if (first !== undefined) throw heldError(...first);
  }
}

/** Another path or format is another list, which the operator chose. */
const isSameSource = (before: LoadedList, after: LoadedList): boolean =>
  before.path === after.path && before.format === after.format;

const reviewFile = (before: LoadedList, after: LoadedList, accepted: string | undefined): Review => {
  if (before.sha256 === after.sha256) return { verdict: 'accepted', reasons: [] };
  // What was rejected yesterday already is known to the keeper of the file.
  const rejectedShareMax = Math.max(REVIEW_DEFAULTS.rejectedShareMax, rejectedShare(before));
  const candidate = { ...toFacts(after), sha256: after.sha256 };
  return review(toFacts(before), candidate, { ...REVIEW_DEFAULTS, rejectedShareMax }, { accepted });
};

const rejectedShare = (list: LoadedList): number =>
  misreadOf(list) / Math.max(1, list.entries + misreadOf(list));

/** A file is read to the end that the file system knows, so that its last line says nothing. */
const toFacts = (list: LoadedList): ReviewFacts => ({
  ...{ entries: list.entries, rejected: misreadOf(list), guarded: list.guarded ?? 0 },
  sizeBytes: list.sizeBytes,
  isMarkup: false,
  endsInLineBreak: true,
  isLengthKnown: true,
});

const heldError = (list: string, { sha256, reasons }: HeldFile): AppError => {
  const texts = reasons.map(({ code, text }) => `${code}: ${text}`);
  return new AppError('ERR_LIST_HELD', `reading list ${list}: ${texts.join('; ')}`, {
    hint: `Mend the file, or put it in force with: cordon lists accept ${list} ${sha256}`,
  });
};
