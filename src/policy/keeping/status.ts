// What people and programs are told of a list: what is in force, what is kept, what is held, and since when.
//
// Plain data with times in ISO 8601, the same from the running program and, for what the state directory knows, from
// a command that reads it while no program runs.
import type { Clock } from '../../base/base.ts';
import type { Config, ListConfig } from '../../config/config.ts';
import type { Candidate, CandidateEvidence } from '../../telemetry/observe/observe.ts';
import { newerPath, type PathOf } from '../generation/generation.ts';
import {
  isStale,
  ListStore,
  type LoadedList,
  parseSourceUrl,
  type ReasonCounts,
  type ReviewDates,
  redactUrl,
  type StoreDecision,
  type StoredContent,
  type StoreRecord,
} from '../lists/lists.ts';
import { isUrlList, type UrlList } from './review.ts';

/** One content of a list. */
export interface ContentStatus {
  readonly sha256: string;
  readonly entries: number;
  readonly since: string;
}

/** What the state directory keeps of a list that is fetched. */
export interface KeptStatus {
  /** To be enforced; null when nothing was ever taken. */
  readonly current: ContentStatus | null;
  /** Were in force, the latest first. */
  readonly previous: readonly ContentStatus[];
  /** When the source was last reached and gave something usable; null: never. */
  readonly checkedAt: string | null;
  /** Null when no program runs. */
  readonly nextFetchAt: string | null;
  /** Failed fetches since `checkedAt`. */
  readonly failures: number;
  /** What the last of them said. */
  readonly lastFailure: string | null;
  readonly isStale: boolean;
  readonly refreshSec: number;
}

/** The content of a list that the running program enforces. */
export interface InForceStatus {
  readonly sha256: string;
  /** Rules that refuse; of an allowlist, all. */
  readonly entries: number;
  /** Rules that let names pass. */
  readonly exceptions: number;
  /** Rules that its own exceptions end: they are not among `entries`. `names` are the first 20. */
  readonly opened: { readonly count: number; readonly names: readonly string[] };
  /** Rules about names that no list may refuse, which are among the rejected. */
  readonly guarded: number;
  /** Places that were not taken, and how many for each reason. */
  readonly rejected: number;
  readonly reasons: ReasonCounts;
  /** What is to be said of the list as a whole. */
  readonly notes: readonly string[];
  /** When its entries were reviewed, the oldest and the newest; null where the list does not tell. */
  readonly reviewed: ReviewDates | null;
}

/** What a status tells of a list that is in force. */
export const inForceStatus = (loaded: LoadedList): InForceStatus => ({
  sha256: loaded.sha256,
  entries: loaded.entries,
  exceptions: loaded.exceptions.count,
  opened: loaded.opened,
  guarded: loaded.guarded ?? 0,
  rejected: loaded.rejected,
  reasons: loaded.reasons,
  notes: loaded.notes.map(({ text }) => text),
  reviewed: loaded.reviewed ?? null,
});

/** Everything about one list. */
export interface ListStatus {
  readonly id: string;
  readonly kind: 'shipped' | 'file' | 'directory' | 'url';
  /** Name, path, or address without what may be secret in it. */
  readonly source: string;
  /** Null when only the list itself can tell and it was not read. */
  readonly mandate: boolean | null;
  /** In the running program; null: not, or no program was asked. */
  readonly inForce: InForceStatus | null;
  /** Of a list that is fetched. */
  readonly kept: KeptStatus | null;
  /** Waits for a person. */
  readonly held: (ContentStatus & { readonly reasons: readonly string[] }) | null;
}

/** The status of a list as far as the configuration tells. */
export const bareStatus = (list: ListConfig): ListStatus => ({
  id: list.id,
  kind: kindOf(list),
  source: sourceText(list),
  mandate: list.mandate ?? null,
  inForce: null,
  kept: null,
  held: null,
});

/** The status of a list that is fetched, as the store has it. Throws ERR_LIST_STORE. */
export const storedStatus = async (store: ListStore, list: UrlList, nowMs: number): Promise<ListStatus> => {
  const record = await store.status(list.id);
  const history = record.failures > 0 ? await store.history(list.id) : [];
  const { held } = record;
  return {
    ...bareStatus(list),
    kept: {
      current: record.current && toContent(record.current),
      previous: record.previous.map(toContent),
      checkedAt: record.checkedAtMs === null ? null : toTime(record.checkedAtMs),
      nextFetchAt: null,
      failures: record.failures,
      lastFailure: history.findLast(isFailure)?.reason ?? null,
      isStale: isRecordStale(record, list, nowMs),
      refreshSec: list.source.refreshMs / 1000,
    },
    held: held && { ...toContent(held), reasons: held.reasons },
  };
};

/** True when the source was not reached for too long, or never. A feed says itself how long it vouches for its lists. */
export const isRecordStale = ({ checkedAtMs }: StoreRecord, { source }: UrlList, nowMs: number): boolean =>
  source.feed === undefined && (checkedAtMs === null || isStale(checkedAtMs, nowMs, source.refreshMs));

/** A name that a list may be missing, as people and programs are told of it. */
export interface CandidateStatus extends CandidateEvidence {
  readonly name: string;
  readonly count: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
}

/** A candidate with its times written out. */
export const toCandidateStatus = (candidate: Candidate): CandidateStatus => {
  const { firstSeenMs, lastSeenMs, ...rest } = candidate;
  return { ...rest, firstSeen: toTime(firstSeenMs), lastSeen: toTime(lastSeenMs) };
};

/** The time as ISO 8601 in UTC. */
export const toTime = (timeMs: number): string => new Date(timeMs).toISOString();

/** The lists of a configuration as their state directory has them; changes nothing. Throws ERR_LIST_STORE. */
export const readListStatuses = async (config: Config, clock: Clock): Promise<ListStatus[]> => {
  const store = ListStore.at(config.stateDirectory, clock);
  const statuses: ListStatus[] = [];
  for (const list of config.lists) {
    statuses.push(isUrlList(list) ? await storedStatus(store, list, clock()) : bareStatus(list));
  }
  return statuses;
};

/** The decisions about a list, the latest last; changes nothing. Throws ERR_LIST_STORE. */
export const readListHistory = (config: Config, list: string, clock: Clock): Promise<StoreDecision[]> =>
  ListStore.at(config.stateDirectory, clock).history(list);

/** Where the contents lie that a program with this configuration enforces; changes nothing. Throws ERR_LIST_STORE. */
export const readKeptPaths = async (config: Config, clock: Clock): Promise<PathOf> => {
  const store = ListStore.at(config.stateDirectory, clock);
  const paths = new Map<string, string>();
  for (const { id } of config.lists.filter(isUrlList)) {
    const content = await store.findIntact(id);
    if (content !== undefined) paths.set(id, store.pathOf(id, content.sha256));
  }
  return (list) => newerPath(list, paths.get(list.id));
};

/**
 * A configuration without the lists that were never fetched and that nobody has to have: they are not to keep a
 * network without names. A list that may be a mandate stays, and so do all when no other is left.
 */
export const withoutMissing = (config: Config, pathOf: PathOf): Config => {
  const lists = config.lists.filter(
    (list) => list.source.kind !== 'url' || pathOf(list) !== undefined || mayBeMandate(list),
  );
  if (lists.length === config.lists.length || lists.length === 0) return config;
  const ids = new Set(lists.map(({ id }) => id));
  const groups = config.groups.map((group) => ({
    ...group,
    lists: group.lists.filter((id) => ids.has(id)),
    schedules: group.schedules.filter(({ list }) => ids.has(list)),
  }));
  return { ...config, lists, groups };
};

/** Only the format cordon can say of itself that it is one. */
const mayBeMandate = ({ mandate, source }: ListConfig): boolean =>
  mandate ?? (source.kind !== 'shipped' && source.format === 'cordon');

const toContent = ({ sha256, facts, storedAtMs }: StoredContent): ContentStatus => ({
  sha256,
  entries: facts.entries,
  since: toTime(storedAtMs),
});

/** A fetch that failed, in contrast to a content that a person turned away. */
const isFailure = ({ action, sha256 }: StoreDecision): boolean => action === 'rejected' && sha256 === null;

const kindOf = ({ source }: ListConfig): ListStatus['kind'] =>
  source.kind === 'file' && source.isDirectory ? 'directory' : source.kind;

const sourceText = ({ source }: ListConfig): string => {
  if (source.kind === 'shipped') return source.id;
  return source.kind === 'file' ? source.path : redactUrl(parseSourceUrl(source.url));
};
