// What a review has to know of a list: of a file that was fetched, and of a file or directory that the operator changed.
//
// A fetched file is read once into nothing, with the guards, so that its numbers are known before it is taken; its
// text is never in memory as a whole. A file of the operator's own is compared with what is in force when lists are
// read again: a deployment that broke half-way is seen then, and what is in force stays. A file of which nothing was in
// force is only held when nearly nothing in it was understood.
import { hash } from 'node:crypto';
import { AppError, isAppError } from '../../base/base.ts';
import type { ListConfig, UrlSource } from '../../config/config.ts';
import {
  type Generation,
  newerPath,
  olderDayReason,
  precedenceOf,
  readEffective,
  readingOfList,
  readList,
  shippedFileOf,
} from '../generation/generation.ts';
import {
  type Candidate,
  type ExceptionFacts,
  type FetchedFile,
  Guards,
  isMarkup,
  type ListStore,
  type LoadedList,
  loadList,
  misreadOf,
  NEVER_BLOCK_FILE,
  NO_EXCEPTIONS,
  parseCordonList,
  REVIEW_DEFAULTS,
  type Review,
  type ReviewFacts,
  type ReviewReason,
  type ReviewThresholds,
  readSignedFile,
  review,
  type StoreRecord,
} from '../lists/lists.ts';
import type { RuleSink } from '../policy.ts';
import { findNewExceptions, type Neighbors } from './openings.ts';

/** A list that is fetched. */
export type UrlList = ListConfig & { readonly source: UrlSource };

/** True for a list that is fetched. */
export const isUrlList = (list: ListConfig): list is UrlList => list.source.kind === 'url';

/**
 * What is known of a fetched file; reads it, which takes as long as the list is large. `before` is where the content lies
 * that is in force: what it lets pass is compared, among the other lists where there is something new.
 */
export const factsOf = (
  list: UrlList,
  file: FetchedFile,
  before: string | undefined,
  neighbors: Neighbors,
): Candidate => {
  const { sizeBytes, endsInLineBreak, isLengthKnown, sha256, path } = file;
  const { counts, exceptions } = countRules(list, path);
  const facts = { ...counts, sizeBytes, endsInLineBreak, isLengthKnown, isMarkup: isMarkup(file.head) };
  const isMandate = list.mandate === true;
  if (before === undefined) return { ...facts, sha256, isMandate };
  const known = countRules(list, before).exceptions;
  const newExceptions = findNewExceptions(list, path, known, exceptions, neighbors);
  return { ...facts, sha256, isMandate, ...(newExceptions && { newExceptions }) };
};

/** A content of a list that is in force. */
export interface ContentInForce {
  readonly path: string;
  readonly sha256: string;
  readonly facts: ReviewFacts;
}

/**
 * The content of a list that every other one is compared with: the one of `record` that is intact, or the shipped list
 * where that is newer or nothing is. Undefined: nothing is there. Throws ERR_LIST_… where the shipped list cannot be read.
 */
export const contentInForce = (
  list: UrlList,
  { current, previous }: StoreRecord,
  intact: string | undefined,
  store: Pick<ListStore, 'pathOf'>,
): ContentInForce | undefined => {
  const kept = intact === undefined ? undefined : store.pathOf(list.id, intact);
  const path = newerPath(list, kept);
  if (path === undefined) return undefined;
  if (path === kept && intact !== undefined) {
    const stored = [current, ...previous].find((content) => content?.sha256 === intact) ?? current;
    return stored == null ? undefined : { path, sha256: intact, facts: stored.facts };
  }
  const { counts, sha256 } = readRules(list, path);
  const facts = { ...counts, sizeBytes: 0, isMarkup: false, endsInLineBreak: true, isLengthKnown: true };
  return { path, sha256, facts };
};

/** From when on a difference of a list is held. */
export const thresholdsOf = ({ source }: UrlList): ReviewThresholds => ({
  ...REVIEW_DEFAULTS,
  ...source.review,
});

/** Throws ERR_LIST_EMPTY for a content of a mandate list that refuses nothing: nobody can put it in force. */
export const requireRules = (list: UrlList, path: string): void => {
  if (list.mandate !== true) return;
  const { entries, exceptions = 0 } = countRules(list, path).counts;
  if (entries > 0) return;
  throw new AppError(
    'ERR_LIST_EMPTY',
    `accepting a content of list ${list.id}: a mandate list without a rule${exceptions > 0 ? `, but ${exceptions} exceptions` : ''}`,
    { hint: 'Turn it away with: cordon lists dismiss.' },
  );
};

/** Throws ERR_LIST_HELD for a content that is older than the release's list: whatever is decided, that one is in force. */
export const requireNotPassed = (list: UrlList, path: string): void => {
  if (newerPath(list, path) === path) return;
  throw new AppError('ERR_LIST_HELD', `putting a content of list ${list.id} in force: it is older`, {
    hint: PASSED_HINT,
  });
};

const PASSED_HINT =
  'The release has a newer list: take a newer one than that, or write the list without "shipped".';

type Counts = Pick<Candidate, 'entries' | 'exceptions' | 'guarded' | 'isBroken' | 'rejected'>;

/** What is known of a file before it is taken, and what it lets pass. */
interface Counted {
  readonly counts: Counts;
  readonly exceptions: ExceptionFacts;
}

/** Reads a file as the list into nothing. Throws as loadList() does. */
const readRules = (list: UrlList, path: string): Counted & { readonly sha256: string } => {
  const { allow, source } = list;
  const { format } = source;
  // A name that passes harms no guard.
  const guards = allow ? undefined : Guards.load(NEVER_BLOCK_FILE);
  const read = (sink: RuleSink): LoadedList =>
    loadList({ kind: 'file', path, format, isDirectory: false }, sink, { guards, ...readingOfList(list) });
  const loaded = list.mandate === true ? readEffective(read, precedenceOf(format)) : read(NOWHERE);
  const { entries, exceptions, guarded = 0, sha256 } = loaded;
  const counts = { entries, exceptions: exceptions.count, rejected: misreadOf(loaded), guarded };
  return { counts, exceptions, sha256 };
};

const countRules = (list: UrlList, path: string): Counted => {
  try {
    return readRules(list, path);
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    const counts = { entries: 0, exceptions: 0, rejected: 0, guarded: 0, isBroken: true };
    return { counts, exceptions: NO_EXCEPTIONS };
  }
};

/** A sink whose rules are only counted by its feeder. */
export const NOWHERE: RuleSink = {
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
  /** True: the release has a newer list, which nobody can put this one before. */
  readonly isPassed: boolean;
}

/** What came of a file. */
type Found = Omit<HeldFile, 'heldAtMs' | 'isPassed'> & {
  /** The file of the shipped list that is in force in its place; undefined: the whole generation is refused. */
  readonly instead: string | undefined;
};

/** Compares the files of the operator with those in force. */
export class FileReview {
  /** By list. */
  readonly held = new Map<string, HeldFile>();
  /** By list: the content that a person accepted. */
  readonly #accepted = new Map<string, string>();

  /**
   * From now on the content may be put in force. Throws ERR_LIST_ABSENT when it is not the one that is held, and
   * ERR_LIST_HELD for one that is older than the release's list.
   */
  accept(list: string, sha256: string): void {
    const held = this.held.get(list);
    if (held?.sha256 !== sha256) {
      throw new AppError(
        'ERR_LIST_ABSENT',
        `looking for content ${sha256} of list ${list}: ${held === undefined ? 'nothing' : held.sha256} is held`,
      );
    }
    if (held.isPassed) throw heldError(list, held);
    this.#accepted.set(list, sha256);
  }

  /**
   * Throws ERR_LIST_HELD when a file of `next` differs from the one in force as no list should, or is one of which
   * nothing was in force and nearly nothing was understood. `neighbors` are the lists that `next` is of. Gives, by list, the
   * shipped file in whose place a held one would be: `next` is to be made anew with them, and reviewed with them as `instead`.
   */
  check(
    inForce: Generation | undefined,
    next: Generation,
    neighbors: Neighbors,
    nowMs: number,
    instead: ReadonlyMap<string, string> = new Map(),
  ): ReadonlyMap<string, string> {
    const heldBefore = new Map(this.held);
    this.held.clear();
    const wanted = new Map<string, string>();
    let refused: string | undefined;
    for (const { id, loaded } of next.lists) {
      const known = instead.has(id) ? heldBefore.get(id) : undefined;
      if (known !== undefined) {
        this.held.set(id, known);
        continue;
      }
      const before = inForce?.lists.find((list) => list.id === id)?.loaded;
      const list = neighbors.lists.find((one) => one.id === id);
      const found = list && findHeld(list, before, loaded, this.#accepted.get(id), neighbors);
      if (found === undefined) continue;
      const { sha256, entries, reasons } = found;
      const isPassed = sha256 !== loaded.sha256;
      this.held.set(id, { sha256, entries, reasons, heldAtMs: nowMs, isPassed });
      // Whoever changed a file meanwhile reloads once more.
      if (found.instead === undefined || (instead.size > 0 && !isPassed)) refused ??= id;
      else if (!isPassed) wanted.set(id, found.instead);
    }
    const held = refused === undefined ? undefined : this.held.get(refused);
    if (refused !== undefined && held !== undefined) throw heldError(refused, held);
    return wanted;
  }
}

/** What speaks against a file, given what is in force of its list; undefined: nothing, or it is no file. */
const findHeld = (
  list: ListConfig,
  before: LoadedList | undefined,
  loaded: LoadedList,
  accepted: string | undefined,
  neighbors: Neighbors,
): Found | undefined => {
  if (list.source.kind !== 'file') return undefined;
  const shipped = shippedFileOf(list);
  if (shipped !== undefined && loaded.path === shipped) return findPassed(list, before, loaded);
  // Another path or format is another list, which the operator chose; a version of a shipped list is one of that list.
  const isSame =
    before !== undefined &&
    (before.path === shipped || (before.path === loaded.path && before.format === loaded.format));
  let base = isSame ? before : undefined;
  if (base === undefined && shipped !== undefined)
    base = readList(list, NOWHERE, Guards.load(NEVER_BLOCK_FILE), () => shipped);
  const { verdict, reasons } =
    base === undefined ? firstReview(loaded, accepted) : reviewFile(base, loaded, accepted, list, neighbors);
  if (verdict === 'accepted') return undefined;
  const { sha256, entries } = loaded;
  return { sha256, entries, reasons, instead: base?.path === shipped ? shipped : undefined };
};

/** A file in whose place the release's list is, because that is newer. */
const findPassed = (
  { source }: ListConfig,
  before: LoadedList | undefined,
  shipped: LoadedList,
): Found | undefined => {
  if (source.kind !== 'file' || source.publicKey === undefined) return undefined;
  const text = readSignedFile(source.path, source.publicKey);
  const days = parseCordonList(text).entries.map(({ reviewed }) => reviewed);
  const day = days.sort().at(-1);
  const was = before?.path === source.path ? before : undefined;
  // What is in force may be newer than the release, and does not go for it.
  const lost = was && olderDayReason(shipped.reviewed?.newest, was.reviewed?.newest);
  const reason = olderDayReason(day, (lost === undefined ? shipped : was)?.reviewed?.newest) ?? lost;
  if (reason === undefined) return undefined;
  const instead = lost === undefined ? shipped.path : undefined;
  return { sha256: hash('sha256', text), entries: days.length, reasons: [reason], instead };
};

const reviewFile = (
  before: LoadedList,
  after: LoadedList,
  accepted: string | undefined,
  list: ListConfig,
  neighbors: Neighbors,
): Review => {
  if (before.sha256 === after.sha256) return { verdict: 'accepted', reasons: [] };
  // What was rejected yesterday already is known to the keeper of the file.
  const rejectedShareMax = Math.max(REVIEW_DEFAULTS.rejectedShareMax, rejectedShare(before));
  const found = findNewExceptions(list, after.path, before.exceptions, after.exceptions, neighbors);
  const candidate = { ...toFacts(after), sha256: after.sha256, ...(found && { newExceptions: found }) };
  const judged = review(toFacts(before), candidate, { ...REVIEW_DEFAULTS, rejectedShareMax }, { accepted });
  const isVersion = shippedFileOf(list) !== undefined;
  const older = isVersion ? olderDayReason(after.reviewed?.newest, before.reviewed?.newest) : undefined;
  if (older === undefined) return judged;
  const verdict = accepted === after.sha256 ? 'accepted' : 'held';
  return { verdict, reasons: [...judged.reasons, older] };
};

const rejectedShare = (list: LoadedList): number =>
  misreadOf(list) / Math.max(1, list.entries + list.exceptions.count + misreadOf(list));

/** A file is read to the end that the file system knows, so that its last line says nothing. */
const toFacts = (list: LoadedList): ReviewFacts => ({
  ...{ entries: list.entries, rejected: misreadOf(list), guarded: list.guarded ?? 0 },
  exceptions: list.exceptions.count,
  sizeBytes: list.sizeBytes,
  isMarkup: false,
  endsInLineBreak: true,
  isLengthKnown: true,
});

const heldError = (list: string, { sha256, reasons, isPassed }: HeldFile): AppError => {
  const texts = reasons.map(({ code, text }) => `${code}: ${text}`);
  return new AppError('ERR_LIST_HELD', `reading list ${list}: ${texts.join('; ')}`, {
    hint: isPassed
      ? PASSED_HINT
      : `Mend the file, or put it in force with: cordon lists accept ${list} ${sha256}`,
  });
};
