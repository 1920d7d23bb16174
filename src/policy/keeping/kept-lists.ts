// The lists with an address that the program keeps, where it keeps any and its state directory can be used.
import { isAppError, LISTS_DIRECTORY, type Part, systemClock, VERSION } from '../../base/base.ts';
import type { Config, ListConfig } from '../../config/config.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import type { FeedState } from '../feeds/feeds.ts';
import type { Generation, PathOf } from '../generation/generation.ts';
import type { RefreshResult } from './fetching.ts';
import { ListUpdater, type ListUpdaterOptions } from './list-updater.ts';
import { isUrlList } from './review.ts';
import { newerPath } from './shipped-version.ts';
import { withoutMissing } from './status.ts';

/** What they are kept with. */
export interface KeptListsParts {
  readonly log: Log;
  /** Looks up hosts of lists. */
  readonly lookup: ListUpdaterOptions['resolve'];
  /** The content of a list is another one. */
  onChange(): void;
  onOutcome(result: RefreshResult): void;
}

/** Where it is recorded how feeds are. */
interface FeedJournal {
  /** `reviewed` is the day of the lists that ship. */
  feeds(states: readonly FeedState[], reviewed: string | undefined): void;
}

/** What of a configuration says which lists are kept. */
type Kept = Pick<Config, 'lists' | 'feeds' | 'mandates' | 'stateDirectory'>;

/** Lists that are fetched. */
export class KeptLists implements Part<Config> {
  readonly name = 'lists with an address';
  readonly #parts: KeptListsParts;
  /** Undefined when no list has an address, or the state directory cannot be used. */
  #keeper: ListUpdater | undefined;
  #inForce: Kept | undefined;

  constructor(parts: KeptListsParts) {
    this.#parts = parts;
  }

  get keeper(): ListUpdater | undefined {
    return this.#keeper;
  }

  /** Where the content of a list lies; undefined: it was never fetched. */
  readonly pathOf: PathOf = (list) => newerPath(list, this.#keeper?.pathOf(list));

  open(config: Config): Promise<void> {
    return this.follow(config);
  }

  /** Another configuration may be in force soon, or much later: its lists are kept beside those in force. */
  async prepare(config: Config): Promise<void> {
    await this.#keep(this.#inForce === undefined ? config : this.#both(this.#inForce, config));
    this.begin();
  }

  /** It came to nothing. */
  restore(config: Config): Promise<void> {
    return this.follow(config);
  }

  /** A configuration is in force: its lists are kept from now on, and no others. */
  follow(config: Config): Promise<void> {
    this.#inForce = config;
    return this.#keep(config);
  }

  /** A state directory that cannot be used costs the fetched lists. */
  async #keep({ lists, feeds, mandates, stateDirectory }: Kept): Promise<void> {
    if (this.#keeper === undefined && !lists.some(isUrlList)) return;
    const { log, lookup, onChange, onOutcome } = this.#parts;
    try {
      this.#keeper ??= await ListUpdater.open({
        directory: stateDirectory,
        clock: systemClock,
        log,
        resolve: lookup,
        userAgent: `cordon/${VERSION}`,
        random: Math.random,
        onChange,
        onOutcome,
      });
      await this.#keeper.follow(
        lists,
        feeds,
        mandates.map(({ mandate }) => mandate.id),
      );
    } catch (error) {
      if (!isAppError(error)) throw error;
      log.error({ err: error }, 'lists with an address are not kept');
    }
  }

  /**
   * What is in force, and what another configuration has beside it. A list that both have is fetched as the one in force says,
   * unless nothing of it is there: then the other one may be what is waited for.
   */
  #both(inForce: Kept, next: Config): Kept {
    const standing = (list: ListConfig): boolean => {
      const other = next.lists.find(({ id }) => id === list.id);
      return (
        other === undefined || (isUrlList(list) && (!isUrlList(other) || this.pathOf(list) !== undefined))
      );
    };
    const lists = inForce.lists.filter(standing);
    const feeds = inForce.feeds.filter(({ id }) => next.feeds.every((feed) => feed.id !== id));
    const isNew = ({ mandate }: Config['mandates'][number]): boolean =>
      next.mandates.every((other) => other.mandate.id !== mandate.id);
    return {
      stateDirectory: inForce.stateDirectory,
      lists: [...lists, ...next.lists.filter(({ id }) => lists.every((list) => list.id !== id))],
      // Of feeds and packs that both have, the other one's: a list that is waited for may come from there alone.
      feeds: [...next.feeds, ...feeds],
      mandates: [...next.mandates, ...inForce.mandates.filter(isNew)],
    };
  }

  /** The configuration without lists that were never fetched and need not be there. */
  present(config: Config): Config {
    return withoutMissing(config, this.pathOf);
  }

  /** True when a list that has to be there was never fetched. */
  areMissing(config: Config): boolean {
    return this.present(config).lists.some((list) => isUrlList(list) && this.pathOf(list) === undefined);
  }

  /** True when the generation was made of the contents that are kept now: the path of each has its hash. */
  areIn(generation: Generation | undefined, { lists }: Config): boolean {
    const paths = new Map(generation?.lists.map(({ id, loaded }) => [id, loaded.path]));
    return lists.filter(isUrlList).every((list) => paths.get(list.id) === this.pathOf(list));
  }

  /** Tells the records how the feeds are, or of when the lists are that ship. */
  tell(journal: FeedJournal, generation: Generation | undefined): void {
    // Before there is a policy nobody knows what lists say.
    if (generation === undefined) return;
    const days = generation.lists
      .filter(({ loaded }) => loaded.path?.startsWith(LISTS_DIRECTORY))
      .flatMap(({ loaded }) => loaded.reviewed?.newest ?? []);
    journal.feeds(this.#keeper?.feedStates() ?? [], days.sort().at(-1));
  }

  /** Fetches what is due from now on. */
  begin(): void {
    this.#keeper?.start();
  }

  /** Ends fetches that are under way and begins no other. */
  async close(): Promise<void> {
    await this.#keeper?.stop();
  }
}
