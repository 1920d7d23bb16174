// One fetch of one list and what follows from it: its content is taken, held for a person, or nothing changes.
//
// The list in force is never worse than yesterday's: what cannot be fetched, is not proven or fails its review changes
// nothing but the record and the log.
import { rename, rm } from 'node:fs/promises';
import { type Clock, errorText, isAppError } from '../../base/base.ts';
import { reasonText } from '../../base/words/words.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import { type FeedReader, type FeedTargets, feedError } from '../feeds/feeds.ts';
import { olderReason } from '../generation/generation.ts';
import {
  type FetchedFile,
  type FetchLimits,
  type FetchOutcome,
  fetchSource,
  type ListStore,
  type ResolveHost,
  review,
  type StoreRecord,
} from '../lists/lists.ts';
import type { Neighbors } from './openings.ts';
import { contentInForce, factsOf, thresholdsOf, type UrlList } from './review.ts';
import { toTime } from './status.ts';

/** What came of a fetch. */
export type FetchWord = 'accepted' | 'unchanged' | 'held' | 'unproven' | 'postponed' | 'failed';

/** What came of one fetch of one list. */
export interface RefreshResult {
  readonly list: string;
  readonly outcome: FetchWord;
  /** Why it was held, or what failed. */
  readonly reasons: readonly string[];
  /** Null when there is no content to speak of. */
  readonly sha256: string | null;
  readonly entries: number | null;
}

/** What a list is fetched with. */
export interface FetchingOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** For hosts whose addresses the configuration does not have. */
  readonly resolve: ResolveHost;
  readonly userAgent: string;
  readonly limits?: Partial<FetchLimits> | undefined;
}

/** What is known of a list that is kept. */
export interface KeptList {
  list: UrlList;
  /** Aborted, and another one, when the list gets another source or proof; aborted when it is removed. */
  moved: AbortController;
  /** What comes of a fetch is of a list that is not there: one of the same name may come from elsewhere. */
  isRemoved: boolean;
  record: StoreRecord;
  /** To be enforced: intact when it was last looked at. */
  sha256: string | undefined;
  /** Looks at the record that began, and the last of them that was taken. */
  looks: number;
  looked: number;
  nextFetchMs: number;
  readonly fetches: Record<FetchWord, number>;
  lastAttemptMs: number | undefined;
  underWay: Promise<RefreshResult> | undefined;
}

/** What came of an attempt, and when its source wants to be asked again. */
interface Attempt {
  readonly result: RefreshResult;
  readonly retryAfterMs?: number;
}

/** What is not what it should be, in contrast to what is not there. */
const UNPROVEN: ReadonlySet<string> = new Set([
  'ERR_FEED_BACKWARDS',
  'ERR_FEED_PROOF',
  'ERR_LIST_CHECKSUM',
  'ERR_LIST_SIGNATURE',
]);

/** Told whoever waits for a fetch. */
const REMOVED = 'the list is not in the configuration any more';

/** The feeds that lists come from. */
interface Feeds {
  find(id: string): FeedReader | undefined;
  /** Told of each look that went well. */
  looked(id: string, targets: FeedTargets): Promise<void>;
}

/** Fetches lists into one store. */
export class ListFetcher {
  readonly #options: FetchingOptions;
  readonly #store: ListStore;
  readonly #signal: AbortSignal;
  readonly #neighbors: () => Neighbors;
  readonly #feeds: Feeds;

  /** Ends what is under way with the signal; `neighbors` are all lists of the configuration. */
  constructor(
    options: FetchingOptions,
    store: ListStore,
    signal: AbortSignal,
    neighbors: () => Neighbors,
    feeds: Feeds,
  ) {
    this.#options = options;
    this.#neighbors = neighbors;
    this.#store = store;
    this.#signal = signal;
    this.#feeds = feeds;
  }

  /**
   * One fetch with all that follows from it. Rejects never: what a source sends must not end the program. What a source sent
   * that is not the list's any more is nothing: the other one is asked at once.
   */
  async attempt(kept: KeptList): Promise<Attempt> {
    for (;;) {
      const attempt = await this.#attemptOnce(kept);
      if (attempt !== undefined) return attempt;
      if (kept.isRemoved) return { result: resultOf(kept.list, 'failed', [REMOVED], null) };
    }
  }

  /** Undefined: the list has another source or proof since. */
  async #attemptOnce(kept: KeptList): Promise<Attempt | undefined> {
    const { list, moved } = kept;
    const { feed } = list.source;
    const reader = feed === undefined ? undefined : this.#feeds.find(feed);
    const isMoved = (): boolean =>
      moved.signal.aborted || (feed !== undefined && this.#feeds.find(feed) !== reader);
    try {
      const outcome = await (feed === undefined
        ? fetchSource(this.#fetchOptions(kept))
        : this.#fetchFromFeed(kept, feed));
      if (outcome.kind === 'fetched') {
        try {
          const record = await this.#store.status(list.id);
          // From here on nothing is waited for until the store has it.
          return isMoved() ? undefined : { result: await this.#judge(kept, outcome.file, record) };
        } finally {
          // The reader that took the file moved it; what a full disk left behind would keep it full.
          await rm(outcome.file.path, { force: true });
        }
      }
      if (isMoved()) return undefined;
      if (outcome.kind === 'unchanged') {
        await this.#store.noteUnchanged(list.id);
        return { result: resultOf(list, 'unchanged', [], kept.record.current) };
      }
      const { status, retryAfterMs } = outcome;
      const reason = reasonText('http-later', { status, seconds: Math.round(retryAfterMs / 1000) });
      return { result: await this.#fail(kept, 'postponed', reason, undefined), retryAfterMs };
    } catch (thrown) {
      if (isMoved()) return undefined;
      const isUnproven = isAppError(thrown) && UNPROVEN.has(thrown.code);
      return {
        result: await this.#fail(kept, isUnproven ? 'unproven' : 'failed', errorText(thrown), thrown),
      };
    }
  }

  /** What the metadata of the feed names is fetched as any list is, by its hash; what is here already is not. */
  async #fetchFromFeed(kept: KeptList, id: string): Promise<FetchOutcome> {
    const { list, record, sha256 } = kept;
    const feed = this.#feeds.find(id);
    if (feed === undefined) throw feedError('ERR_FEED_ABSENT', id, 'it is not in the configuration');
    const targets = await feed.refresh();
    await this.#feeds.looked(id, targets);
    const path = list.source.target ?? list.id;
    const target = await targets.find(path);
    if (target === undefined) {
      // A feed need not have every list that ships; one that it had is missed.
      if (list.source.shipped !== undefined && record.current === null) return { kind: 'unchanged' };
      throw feedError('ERR_FEED_ABSENT', id, `it has no ${path}`);
    }
    const isInForce = record.current?.sha256 === target.sha256 && sha256 === target.sha256;
    if (isInForce || record.held?.sha256 === target.sha256) return { kind: 'unchanged' };
    const options = this.#fetchOptions(kept);
    return fetchSource({
      ...options,
      url: target.url,
      validators: undefined,
      checksum: `sha256:${target.sha256}`,
      limits: { ...options.limits, contentBytesMax: Math.min(target.sizeBytes, list.source.sizeBytesMax) },
    });
  }

  #fetchOptions({ list, record, sha256, moved }: KeptList): Parameters<typeof fetchSource>[0] {
    const { source } = list;
    const { resolve, userAgent, limits, clock } = this.#options;
    const { addresses } = source;
    // "Not modified" helps only a fetcher that still has what was not modified.
    const isThere = record.held !== null || (record.current !== null && record.current.sha256 === sha256);
    return {
      url: source.url,
      directory: this.#store.incoming,
      validators: isThere ? (record.validators ?? undefined) : undefined,
      checksum: source.sha256 === undefined ? undefined : `sha256:${source.sha256}`,
      signature:
        source.publicKey === undefined
          ? undefined
          : { publicKey: source.publicKey, url: source.signatureUrl },
      limits: { wireBytesMax: source.sizeBytesMax, contentBytesMax: source.sizeBytesMax, ...limits },
      resolve: addresses.length === 0 ? resolve : () => Promise.resolve(addresses),
      userAgent,
      signal: AbortSignal.any([this.#signal, moved.signal]),
      clock,
    };
  }

  async #judge(kept: KeptList, file: FetchedFile, record: StoreRecord): Promise<RefreshResult> {
    const { list } = kept;
    const { log } = this.#options;
    const { path, sha256, validators } = file;
    if (record.current?.sha256 === sha256) {
      // The file of the store may be damaged; this one is whole.
      await rename(path, this.#store.pathOf(list.id, sha256));
      await this.#store.take(list.id, { path, sha256, facts: record.current.facts, validators });
      kept.sha256 = sha256;
      return resultOf(list, 'unchanged', [], record.current);
    }
    const inForce = contentInForce(list, record, kept.sha256, this.#store);
    const candidate = factsOf(list, file, inForce?.path, this.#neighbors());
    const { sha256: _, isMandate: __, isBroken: ___, newExceptions: ____, ...facts } = candidate;
    // What is known of a content outlives its file.
    const previous = inForce?.facts ?? record.current?.facts;
    const judged = review(previous, candidate, thresholdsOf(list), {
      // A content that the configuration names was decided on there.
      accepted: list.source.sha256,
      dismissed: record.dismissed,
    });
    const older = olderReason(list, path, inForce?.path);
    const reasons = older === undefined ? judged.reasons : [...judged.reasons, older];
    const isNamed = list.source.sha256 === sha256;
    const verdict = older === undefined || isNamed ? judged.verdict : 'held';
    const arrival = { path, sha256, facts, validators };
    const content = { sha256, facts };
    const entriesBefore = previous?.entries;
    const { entries } = facts;
    if (verdict === 'accepted') {
      await this.#store.take(list.id, arrival);
      log.info({ list: list.id, sha256, entries, entriesBefore }, 'list renewed');
      return resultOf(list, 'accepted', [], content);
    }
    await this.#store.hold(list.id, arrival, reasons);
    const texts = reasons.map(({ code, text }) => `${code}: ${text}`);
    log[record.held?.sha256 === sha256 ? 'debug' : 'warn'](
      {
        list: list.id,
        sha256,
        entries,
        entriesBefore,
        reasons: texts,
        accept: `cordon lists accept ${list.id} ${sha256}`,
      },
      'list held: what is in force stays until a person accepts it',
    );
    return resultOf(list, 'held', texts, content);
  }

  async #fail(kept: KeptList, outcome: FetchWord, reason: string, thrown: unknown): Promise<RefreshResult> {
    const { list, record } = kept;
    const { log } = this.#options;
    const result = resultOf(list, outcome, [reason], null);
    if (this.#signal.aborted) return result;
    const fields = {
      list: list.id,
      reason,
      failures: record.failures + 1,
      lastSuccess: record.checkedAtMs && toTime(record.checkedAtMs),
    };
    if (isAppError(thrown) || thrown === undefined) {
      log.warn({ ...fields, code: thrown?.code }, 'list not fetched: what is in force stays');
    } else {
      log.error({ ...fields, err: thrown }, 'list not fetched, by a defect: what is in force stays');
    }
    try {
      await this.#store.noteFailure(list.id, reason);
    } catch (error) {
      if (!isAppError(error)) throw error;
      log.error({ list: list.id, err: error }, 'what became of a list cannot be recorded');
    }
    return result;
  }
}

const resultOf = (
  { id }: UrlList,
  outcome: FetchWord,
  reasons: readonly string[],
  content: { readonly sha256: string; readonly facts: { readonly entries: number } } | null,
): RefreshResult => ({
  list: id,
  outcome,
  reasons,
  sha256: content?.sha256 ?? null,
  entries: content?.facts.entries ?? null,
});
