// Keeps the lists that come from an address: fetches them in time, has them reviewed, and takes them or holds them.
//
// All of it runs on the main thread, beside the queries. The list in force is never worse than yesterday's: what
// cannot be fetched, is not proven or fails its review changes nothing but the record, the metrics and the log. What
// is kept survives a restart, so that a source that is gone is missed only by its age. Changes of several lists at a
// time are announced once, because each announcement makes a new policy.
import { isAppError } from '../../base/base.ts';
import type { FeedConfig, ListConfig } from '../../config/config.ts';
import type { FeedState } from '../feeds/feeds.ts';
import { newerPath } from '../generation/generation.ts';
import {
  EMPTY_RECORD,
  isFetchDue,
  ListStore,
  nextFetchMs,
  type StoreAuthor,
  type StoreDecision,
  type StoreRecord,
} from '../lists/lists.ts';
import type { NewerStanding } from './feed-packs.ts';
import { KeptFeeds } from './feeds.ts';
import {
  type FetchingOptions,
  type FetchWord,
  type KeptList,
  ListFetcher,
  type RefreshResult,
} from './fetching.ts';
import { isUrlList, requireNotPassed, requireRules, type UrlList } from './review.ts';
import { isRecordStale, type ListStatus, storedStatus, toTime } from './status.ts';

/** Fetches at a time: a slow source holds up few others, and all of them together fill no link. */
const FETCHES_MAX = 4;
/** Longest time between two looks at what is due: a clock that was set, or a machine that slept, is noticed then. */
const LOOK_MS_MAX = 30_000;
/** Shortest time between two looks. */
const LOOK_MS_MIN = 100;
/** What a change waits for others that are being fetched. */
const SETTLE_MS_MAX = 5_000;
const SEED_MAX = 0xffff_ffff;

/** What metrics tell of a list that is kept. */
export interface KeptFacts {
  readonly id: string;
  readonly fetches: Readonly<Record<FetchWord, number>>;
  readonly lastSuccessMs: number | undefined;
  /** When its address was last asked in this life of the program. */
  readonly lastAttemptMs: number | undefined;
  readonly isStale: boolean;
  readonly isHeld: boolean;
}

/** What a keeper works with. */
export interface ListUpdaterOptions extends FetchingOptions {
  /** The state directory. */
  readonly directory: string;
  /** From 0 to below 1; spreads fetches over time. */
  readonly random: () => number;
  /** Called when other contents are to be enforced. */
  readonly onChange: () => void;
  /** Told what came of each fetch. */
  readonly onOutcome?: ((result: RefreshResult) => void) | undefined;
}

/** The lists with an address of one program. */
export class ListUpdater {
  readonly #options: ListUpdaterOptions;
  readonly #store: ListStore;
  readonly #fetcher: ListFetcher;
  readonly #lists = new Map<string, KeptList>();
  readonly #feeds: KeptFeeds;
  /** Of the configuration, those without an address as well. */
  #all: readonly ListConfig[] = [];
  readonly #stopping = new AbortController();
  /** Fetches that wait for one of FETCHES_MAX. */
  readonly #waiting: (() => void)[] = [];
  #fetchCount = 0;
  #isStarted = false;
  #isChanged = false;
  #lookTimer: NodeJS.Timeout | undefined;
  #settleTimer: NodeJS.Timeout | undefined;

  private constructor(options: ListUpdaterOptions, store: ListStore) {
    this.#options = options;
    this.#store = store;
    this.#feeds = new KeptFeeds(options, this.#stopping.signal);
    this.#fetcher = new ListFetcher(
      options,
      store,
      this.#stopping.signal,
      () => ({ lists: this.#all, pathOf: (list) => newerPath(list, this.pathOf(list)) }),
      this.#feeds,
    );
  }

  /** Opens what is kept; throws ERR_LIST_STORE. */
  static async open(options: ListUpdaterOptions): Promise<ListUpdater> {
    return new ListUpdater(options, await ListStore.open(options.directory, options.clock));
  }

  /** From now on keeps the lists of a configuration that have an address, and no others. Reads what is kept. */
  async follow(
    lists: readonly ListConfig[],
    feeds: readonly FeedConfig[] = [],
    mandates: readonly string[] = [],
  ): Promise<void> {
    this.#all = lists;
    await this.#feeds.follow(feeds, mandates);
    const wanted = lists.filter(isUrlList);
    for (const [id, kept] of this.#lists) {
      if (wanted.some((list) => list.id === id)) continue;
      this.#lists.delete(id);
      kept.isRemoved = true;
      kept.moved.abort();
    }
    for (const list of wanted) {
      const known = this.#lists.get(list.id);
      if (known === undefined) {
        this.#lists.set(list.id, await this.#open(list));
      } else {
        // Another address or proof is to be seen at once, other times and bounds only from the next fetch on.
        const isMoved = contentKey(known.list) !== contentKey(list);
        known.list = list;
        if (!isMoved) continue;
        known.nextFetchMs = this.#options.clock();
        known.moved.abort();
        known.moved = new AbortController();
      }
    }
    this.#arm();
  }

  /** Where the content lies that is to be enforced; undefined when nothing was ever taken. */
  readonly pathOf = (list: ListConfig): string | undefined => {
    // A list of another configuration may have the same name, and no address.
    const sha256 = isUrlList(list) ? this.#lists.get(list.id)?.sha256 : undefined;
    return sha256 === undefined ? undefined : this.#store.pathOf(list.id, sha256);
  };

  /** Begins to fetch in time. */
  start(): void {
    this.#isStarted = true;
    this.#arm();
  }

  /** Fetches every list that is due. */
  async fetchDue(): Promise<void> {
    const nowMs = this.#options.clock();
    const due = [...this.#lists.values()].filter(({ nextFetchMs: nextMs, list }) =>
      isFetchDue(nextMs, nowMs, list.source.refreshMs),
    );
    await Promise.all(due.map((kept) => this.#fetch(kept)));
  }

  /** Fetches a list whether it is due or not; joins a fetch that is under way. Undefined for a list it has not. */
  refresh(id: string): Promise<RefreshResult> | undefined {
    const kept = this.#lists.get(id);
    return kept === undefined ? undefined : this.#fetch(kept);
  }

  /**
   * Puts the held content in force; throws ERR_LIST_ABSENT, ERR_LIST_STORE, ERR_LIST_EMPTY for a mandate list of which
   * nothing would refuse, and ERR_LIST_HELD for a content that the release has a newer one of. The caller makes the policy.
   */
  async accept(id: string, sha256: string, author: StoreAuthor): Promise<void> {
    const kept = this.#lists.get(id);
    if (kept?.record.held?.sha256 === sha256) {
      const path = this.#store.pathOf(id, sha256);
      requireRules(kept.list, path);
      requireNotPassed(kept.list, path);
    }
    await this.#store.accept(id, sha256, author);
    await this.#lookAgain(id);
    this.#options.log.info({ list: id, sha256, ...author }, 'held content of a list accepted');
  }

  /** Turns the held content away; throws ERR_LIST_ABSENT or ERR_LIST_STORE. */
  async dismiss(id: string, sha256: string, author: StoreAuthor): Promise<void> {
    await this.#store.dismiss(id, sha256, author);
    await this.#lookAgain(id);
    this.#options.log.info({ list: id, sha256, ...author }, 'held content of a list dismissed');
  }

  /** Puts an earlier content in force; throws ERR_LIST_ABSENT, ERR_LIST_STORE, or ERR_LIST_HELD as accept() does. The caller makes the policy. */
  async rollback(id: string, sha256: string, author: StoreAuthor): Promise<void> {
    const kept = this.#lists.get(id);
    if (kept?.record.previous.some((content) => content.sha256 === sha256) === true)
      requireNotPassed(kept.list, this.#store.pathOf(id, sha256));
    await this.#store.rollback(id, sha256, author);
    await this.#lookAgain(id);
    this.#options.log.warn({ list: id, sha256, ...author }, 'list rolled back to an earlier content');
  }

  /** What is known of a list; undefined for a list it has not. Throws ERR_LIST_STORE. */
  async status(id: string): Promise<ListStatus | undefined> {
    const kept = this.#lists.get(id);
    if (kept === undefined) return undefined;
    const status = await storedStatus(this.#store, kept.list, this.#options.clock());
    const nextFetchAt = toTime(kept.nextFetchMs);
    return { ...status, kept: status.kept && { ...status.kept, nextFetchAt } };
  }

  /** The decisions about a list, the latest last. Throws ERR_LIST_STORE. */
  history(id: string): Promise<StoreDecision[]> {
    return this.#store.history(id);
  }

  /** What metrics tell. */
  facts(): KeptFacts[] {
    const nowMs = this.#options.clock();
    return Array.from(this.#lists.values(), ({ list, record, fetches, lastAttemptMs }) => ({
      id: list.id,
      fetches,
      lastSuccessMs: record.checkedAtMs ?? undefined,
      lastAttemptMs,
      isStale: isRecordStale(record, list, nowMs),
      isHeld: record.held !== null,
    }));
  }

  /** What is told of the feeds. */
  feedStates(): FeedState[] {
    return this.#feeds.states([...this.#lists.values()]);
  }

  /** By mandate: how it stands by a pack of a feed. */
  standings(): ReadonlyMap<string, NewerStanding> {
    return this.#feeds.standings();
  }

  /** Ends fetches that are under way and begins no other. */
  async stop(): Promise<void> {
    clearTimeout(this.#lookTimer);
    clearTimeout(this.#settleTimer);
    this.#stopping.abort();
    for (const { underWay } of this.#lists.values()) await underWay;
  }

  async #open(list: UrlList): Promise<KeptList> {
    const { clock, random } = this.#options;
    const fetches = { accepted: 0, unchanged: 0, held: 0, unproven: 0, postponed: 0, failed: 0 };
    const record = await this.#readRecord(list.id);
    const sha256 = await this.#findIntact(list.id);
    const nowMs = clock();
    const { refreshMs } = list.source;
    const isComplete =
      record.checkedAtMs !== null && (record.current === null || record.current.sha256 === sha256);
    const dueMs = nextFetchMs(record.checkedAtMs ?? 0, refreshMs, random() * SEED_MAX, 0);
    const next = isComplete ? Math.min(Math.max(dueMs, nowMs), nowMs + refreshMs) : nowMs;
    return {
      list,
      moved: new AbortController(),
      isRemoved: false,
      record,
      sha256,
      ...{ looks: 0, looked: 0 },
      nextFetchMs: next,
      fetches,
      lastAttemptMs: undefined,
      underWay: undefined,
    };
  }

  async #readRecord(id: string): Promise<StoreRecord> {
    try {
      return await this.#store.status(id);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      this.#options.log.error({ list: id, err: thrown }, 'what is kept of a list cannot be read');
      return this.#lists.get(id)?.record ?? EMPTY_RECORD;
    }
  }

  async #findIntact(id: string): Promise<string | undefined> {
    try {
      return (await this.#store.findIntact(id))?.sha256;
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      return this.#lists.get(id)?.sha256;
    }
  }

  /** Reads the record after it may have changed; true when another content is to be enforced. */
  async #lookAgain(id: string): Promise<boolean> {
    const kept = this.#lists.get(id);
    if (kept === undefined) return false;
    const look = ++kept.looks;
    const record = await this.#readRecord(id);
    // Another decision may have been made and looked at since: what was read before it says nothing any more.
    if (look < kept.looked) return false;
    kept.looked = look;
    kept.record = record;
    if (record.current === null || record.current.sha256 === kept.sha256) return false;
    const sha256 = await this.#findIntact(id);
    if (look < kept.looked) return false;
    kept.sha256 = sha256;
    return true;
  }

  #fetch(kept: KeptList): Promise<RefreshResult> {
    kept.underWay ??= this.#run(kept).finally(() => {
      kept.underWay = undefined;
      this.#settle();
      this.#arm();
    });
    return kept.underWay;
  }

  async #run(kept: KeptList): Promise<RefreshResult> {
    if (this.#fetchCount >= FETCHES_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#fetchCount++;
    try {
      const before = kept.sha256;
      const { result, retryAfterMs } = await this.#fetcher.attempt(kept);
      if (kept.isRemoved) return result;
      kept.fetches[result.outcome]++;
      if ((await this.#lookAgain(kept.list.id)) || kept.sha256 !== before) this.#isChanged = true;
      this.#plan(kept, result, retryAfterMs);
      kept.lastAttemptMs = this.#options.clock();
      this.#options.onOutcome?.(result);
      return result;
    } finally {
      this.#fetchCount--;
      this.#waiting.shift()?.();
    }
  }

  #plan(kept: KeptList, { outcome }: RefreshResult, retryAfterMs: number | undefined): void {
    const { clock, random } = this.#options;
    const isFailure = outcome === 'failed' || outcome === 'unproven' || outcome === 'postponed';
    const failures = isFailure ? Math.max(1, kept.record.failures) : 0;
    const { refreshMs } = kept.list.source;
    kept.nextFetchMs = nextFetchMs(clock(), refreshMs, random() * SEED_MAX, failures, retryAfterMs);
  }

  /** Announces a change when no other fetch is under way, or after a while. */
  #settle(): void {
    if (!this.#isChanged || this.#stopping.signal.aborted) return;
    const announce = (): void => {
      clearTimeout(this.#settleTimer);
      this.#settleTimer = undefined;
      this.#isChanged = false;
      this.#options.onChange();
    };
    if ([...this.#lists.values()].every(({ underWay }) => underWay === undefined)) announce();
    else this.#settleTimer ??= setTimeout(announce, SETTLE_MS_MAX).unref();
  }

  /** Sets the timer for what is due next. */
  #arm(): void {
    clearTimeout(this.#lookTimer);
    if (!this.#isStarted || this.#stopping.signal.aborted || this.#lists.size === 0) return;
    const idle = [...this.#lists.values()].filter(({ underWay }) => underWay === undefined);
    const dueMs = Math.min(...idle.map((kept) => kept.nextFetchMs)) - this.#options.clock();
    const waitMs = Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, dueMs));
    this.#lookTimer = setTimeout(() => {
      void this.fetchDue();
      this.#arm();
    }, waitMs).unref();
  }
}

/** What decides which content is the right one. */
const contentKey = ({ source }: UrlList): string =>
  [source.url, source.feed, source.target, source.publicKey, source.signatureUrl, source.sha256].join('\n');
