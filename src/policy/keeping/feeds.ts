// The feeds of the configuration: one reader each, and what is told of them.
import { type Clock, isAppError, systemErrorCode } from '../../base/base.ts';
import { reasonText } from '../../base/words/words.ts';
import type { Config, FeedConfig } from '../../config/config.ts';
import {
  type FeedBehind,
  type FeedReader,
  type FeedRecord,
  type FeedState,
  type FeedTargets,
  feedDirectory,
  openFeed,
  readFeedRecord,
  toFeedState,
} from '../feeds/feeds.ts';
import { ListStore, type StoreRecord } from '../lists/lists.ts';
import { FeedPacks, type NewerStanding } from './feed-packs.ts';
import type { FetchingOptions, KeptList } from './fetching.ts';
import { isUrlList, type UrlList } from './review.ts';
import { toTime } from './status.ts';

/** What feeds are kept with. */
interface KeptFeedsOptions extends FetchingOptions {
  /** The state directory. */
  readonly directory: string;
}

/** The feeds of one program. */
export class KeptFeeds {
  readonly #options: KeptFeedsOptions;
  readonly #signal: AbortSignal;
  readonly #readers = new Map<
    string,
    { readonly key: string; readonly reader: FeedReader; readonly packs: FeedPacks }
  >();
  #mandates: readonly string[] = [];
  /** The feed that newer versions of what ships come from. */
  #shipping: string | undefined;

  /** Ends what is under way with the signal. */
  constructor(options: KeptFeedsOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** From now on knows these feeds and no others, and looks for packs of these mandates. */
  async follow(feeds: readonly FeedConfig[], mandates: readonly string[]): Promise<void> {
    this.#mandates = mandates;
    this.#shipping = feeds.find(({ isForShipped }) => isForShipped)?.id;
    for (const id of this.#readers.keys())
      if (!feeds.some((feed) => feed.id === id)) this.#readers.delete(id);
    for (const feed of feeds) {
      const key = JSON.stringify(feed);
      if (this.#readers.get(feed.id)?.key === key) continue;
      const { clock, resolve, userAgent, limits, directory } = this.#options;
      const { addresses } = feed;
      const reader = await openFeed({
        feed,
        directory,
        clock,
        resolve: addresses.length === 0 ? resolve : () => Promise.resolve(addresses),
        userAgent,
        limits,
        signal: this.#signal,
      });
      const packs = new FeedPacks(reader, feedDirectory(directory, feed), this.#options.log);
      this.#readers.set(feed.id, { key, reader, packs });
    }
  }

  find(id: string): FeedReader | undefined {
    return this.#readers.get(id)?.reader;
  }

  /** A look at the feed went well: what it has of mandates and releases is read as well. */
  async looked(id: string, targets: FeedTargets): Promise<void> {
    const known = this.#readers.get(id);
    if (id !== this.#shipping || known === undefined) return;
    await known.packs.look(targets, this.#mandates);
    await this.#lookForRelease(known.reader, targets);
  }

  /** Never rejects for what the feed has: it costs what is told of releases. */
  async #lookForRelease(reader: FeedReader, targets: FeedTargets): Promise<void> {
    try {
      await reader.lookForRelease(targets);
    } catch (thrown) {
      if (!isAppError(thrown) && systemErrorCode(thrown) === undefined) throw thrown;
      this.#options.log.warn({ feed: reader.settings.id, err: thrown }, 'release of a feed not read');
    }
  }

  /** By mandate: how it stands by the pack of the feed. */
  standings(): ReadonlyMap<string, NewerStanding> {
    const packs = this.#readers.get(this.#shipping ?? '')?.packs;
    const found = new Map<string, NewerStanding>();
    for (const id of this.#mandates) {
      const newer = packs?.of(id);
      if (newer !== undefined) found.set(id, newer);
    }
    return found;
  }

  /** What is told of each, given the lists that are kept. */
  states(lists: readonly KeptList[]): FeedState[] {
    return Array.from(this.#readers.values(), ({ reader }) => {
      const behind = lists
        .filter(({ list }) => list.source.feed === reader.settings.id)
        .flatMap((kept) => behindOf(kept, reader.record));
      const { settings, record } = reader;
      const told = settings.id === this.#shipping ? record : { ...record, release: null };
      return toFeedState(settings, told, behind, this.#options.clock());
    });
  }
}

/** What is known of a list of a feed. */
interface KnownList {
  readonly list: UrlList;
  readonly record: StoreRecord;
  /** Of what is in force; undefined: nothing of the feed. */
  readonly sha256: string | undefined;
}

/** The feeds of a configuration as their state directory has them; changes nothing. Throws ERR_LIST_STORE. */
export const readFeedStates = async (config: Config, clock: Clock): Promise<FeedState[]> => {
  const store = ListStore.at(config.stateDirectory, clock);
  const states: FeedState[] = [];
  const shipping = config.feeds.find(({ isForShipped }) => isForShipped);
  for (const feed of config.feeds) {
    const record = await readFeedRecord(feedDirectory(config.stateDirectory, feed));
    const behind: FeedBehind[] = [];
    for (const list of config.lists.filter(isUrlList).filter(({ source }) => source.feed === feed.id)) {
      const known = await store.status(list.id);
      behind.push(...behindOf({ list, record: known, sha256: known.current?.sha256 }, record));
    }
    const told = feed === shipping ? record : { ...record, release: null };
    states.push(toFeedState(feed, told, behind, clock()));
  }
  return states;
};

/** A content that the feed has and that is not in force. What a person turned away is decided, and what comes is on its way. */
const behindOf = ({ list, record, sha256 }: KnownList, { targets }: FeedRecord): FeedBehind[] => {
  const known = targets[list.source.target ?? list.id];
  if (known === undefined || known.sha256 === sha256) return [];
  const { held } = record;
  const isHeld = held?.sha256 === known.sha256;
  if (!isHeld && record.failures === 0) return [];
  const reason = isHeld ? `held: ${held.reasons.join('; ')}` : reasonText('not-fetched');
  return [{ list: list.id, since: toTime(known.sinceMs), reason }];
};
