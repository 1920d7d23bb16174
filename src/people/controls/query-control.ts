// The query log as people search it: on the record first, within bounds, and with clients as their reference of the day.
//
// Reading is done by a thread (log-searcher.ts). What new queries are followed by is a search that was recorded, belongs to who
// made it and ends after an hour: whoever wants more says why once more.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { domainToASCII } from 'node:url';
import { LRUCache } from 'lru-cache';
import {
  AppError,
  type Clock,
  createAddress,
  DAY_MS,
  formatAddress,
  HOUR_MS,
  parseAddress,
} from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type {
  LogFound,
  LogPlace,
  LogSearch,
  LogSearcher,
  QueryFilter,
  SearchPlace,
} from '../../evidence/query-log/query-log.ts';
import { RECORDS_DIRECTORY, readReference } from '../../evidence/records/records.ts';
import type { Recorder } from '../../evidence/records-thread/records-thread.ts';
import type { QueryLogMetrics } from '../../telemetry/observe/observe.ts';
import {
  type Actor,
  type NewQueries,
  namesOf,
  type QueriesFound,
  type QueriesWanted,
  type QueryControl,
} from '../admin/admin.ts';
import { SEARCH_MS } from './record-pages.ts';

/** Of one page: three seconds are what somebody waits for, and two gibibytes are read in less where the disk is quick. */
const PAGE_BOUNDS = { bytes: 2 ** 31, ms: 3_000 };
/** Of what is followed: as much as a person reads, out of what comes in two seconds at full load. */
const FOLLOW_BOUNDS = { rows: 50, bytes: 256 << 20, ms: 1_000 };
/** Two looks at what is new. */
const FOLLOW_MS_MIN = 1_000;
/** Who is behind a reference is looked for once, by two persons, and has to be certain. */
const CLIENT_BOUNDS = { rows: 0, bytes: 2 ** 35, ms: 30_000 };
const FOLLOWED_MS = HOUR_MS;
const FOLLOWED_MAX = 256;
const SEARCH_ID_BYTES = 12;
const BEGINNING: LogPlace = { beginMs: 0, at: 0 };

/** What it needs of the program. */
export interface QueryControlParts {
  config(): Config;
  readonly stateDirectory: string;
  readonly clock: Clock;
  monotonic(): number;
  /** Undefined when no records are kept. */
  recorder(): Pick<Recorder, 'write' | 'pseudonyms'> | undefined;
  /** What the log counts since the start; undefined: none is kept. */
  counts(): Pick<QueryLogMetrics, 'outputs' | 'lost'> | undefined;
  readonly searcher: Pick<LogSearcher, 'search'>;
  /** Somebody searched. */
  acted(): void;
}

/** A search that is followed. */
interface Followed {
  readonly by: string;
  readonly filter: QueryFilter;
  lookedMs: number;
}

/** The query log of one program. */
export class Queries implements QueryControl {
  readonly #parts: QueryControlParts;
  readonly #followed: LRUCache<string, Followed>;

  constructor(parts: QueryControlParts) {
    this.#parts = parts;
    const perf = { now: () => Math.ceil(parts.monotonic()) };
    this.#followed = new LRUCache({ max: FOLLOWED_MAX, ttl: FOLLOWED_MS, ttlResolution: 0, perf });
  }

  log(): ReturnType<QueryControl['log']> {
    const { queryLog } = this.#parts.config();
    const { identity, sample, retention } = queryLog;
    const counts = this.#parts.counts();
    return {
      state: logStateOf(queryLog),
      ...{ identity, sample, searchableSec: retention.searchableMs / 1_000 },
      written: Math.max(0, ...(counts?.outputs ?? []).map(({ written }) => written)),
      lost: Object.values(counts?.lost ?? {}).reduce((sum, count) => sum + count, 0),
      isRecorded: this.#parts.recorder() !== undefined,
    };
  }

  obstacle(): string | undefined {
    const { state, isRecorded } = this.log();
    if (state === 'off') return 'no query log is kept: query-log has no outputs';
    if (state === 'receivers') return 'the query log goes to no file: it is searched where it is received';
    if (state === 'closed') return 'the query log is not open for searches: query-log.search is false';
    return isRecorded ? undefined : 'no records are kept, so that a search would be on no record';
  }

  async search(wanted: QueriesWanted, actor: Actor): Promise<QueriesFound> {
    const { acted } = this.#parts;
    const filter = await this.#filterOf(wanted, actor);
    acted();
    await this.#record(wanted, actor);
    const found = await this.#search({
      filter,
      before: wanted.before === undefined ? undefined : readPlace(wanted.before),
      bounds: { rows: wanted.limit, ...PAGE_BOUNDS },
    });
    return {
      queries: found.queries,
      end: found.end,
      readBackTo: found.readBackMs === undefined ? null : new Date(found.readBackMs).toISOString(),
      before: found.before === undefined ? null : formatPlace(found.before),
      newest: formatPlace(found.newest),
      search: wanted.follow === true ? this.#keep(filter, actor) : null,
      unread: found.unread,
    };
  }

  async follow(search: string, after: string, actor: Actor): Promise<NewQueries | undefined> {
    const followed = this.#followed.get(search);
    if (followed === undefined || followed.by !== whoOf(actor) || this.obstacle() !== undefined)
      return undefined;
    const nowMs = this.#parts.monotonic();
    const nothing = { queries: [], newest: after, leftOut: 0, isWhole: true };
    if (nowMs - followed.lookedMs < FOLLOW_MS_MIN) return nothing;
    followed.lookedMs = nowMs;
    const found = await this.#search({
      filter: followed.filter,
      after: readPlace(after),
      bounds: FOLLOW_BOUNDS,
    });
    return {
      queries: found.queries,
      newest: formatPlace(found.newest),
      leftOut: found.leftOut,
      isWhole: found.end === 'whole',
    };
  }

  /** How records call whom a reference of a day means, as far as the log has it, and whether that is certain. */
  async clientsOf(text: string): Promise<{ readonly clients: readonly string[]; readonly isWhole: boolean }> {
    const reference = readReference(text);
    if (reference === undefined || this.log().state !== 'files') return { clients: [], isWhole: true };
    const fromMs = this.#parts.clock() - SEARCH_MS;
    const any = { reference, fromMs, untilMs: Number.POSITIVE_INFINITY };
    const last = await this.#search({ filter: any, bounds: { ...CLIENT_BOUNDS, rows: 1 } });
    const [newest] = last.queries;
    if (newest === undefined) return { clients: [], isWhole: last.end === 'whole' };
    const dayMs = Math.floor(Date.parse(newest.time) / DAY_MS) * DAY_MS;
    const found = await this.#search({
      filter: { reference, fromMs: dayMs, untilMs: dayMs + DAY_MS },
      after: BEGINNING,
      bounds: CLIENT_BOUNDS,
      tellsClients: true,
    });
    return { clients: found.clients, isWhole: found.end === 'whole' && found.unread === 0 };
  }

  #path(): string | undefined {
    return logFile(this.#parts.config().queryLog);
  }

  #search(wanted: Omit<LogSearch, 'path'>): Promise<LogFound> {
    const path = this.#path();
    if (path === undefined)
      throw new AppError('ERR_QUERY_LOG_SEARCH', 'searching the query log: it goes to no file');
    const { queryLog, records } = this.#parts.config();
    const place: SearchPlace = {
      recordsDirectory: join(this.#parts.stateDirectory, RECORDS_DIRECTORY),
      hasOtherNames: queryLog.identity === 'address' && records.identity === 'pseudonym',
    };
    return this.#parts.searcher.search(place, { path, ...wanted });
  }

  async #filterOf(wanted: QueriesWanted, actor: Actor): Promise<QueryFilter> {
    const { name, part, type, rcode, from, to, verdict, source, group, list } = wanted;
    const reference = wanted.reference === undefined ? undefined : readReference(wanted.reference);
    if (wanted.reference !== undefined && reference === undefined)
      throw new AppError(
        'ERR_QUERY_LOG_SEARCH',
        `searching for ${wanted.reference}: it is no reference of a client`,
      );
    return {
      fromMs: from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from),
      untilMs: to === undefined ? Number.POSITIVE_INFINITY : Date.parse(to),
      name: name === undefined ? undefined : foldName(domainToASCII(name) || name),
      part: part === undefined ? undefined : foldName(part),
      type: type?.toUpperCase(),
      rcode: rcode?.toUpperCase(),
      ...{ verdict, source, group, list, reference },
      ...(await this.#whom(wanted, actor)),
    };
  }

  /** As the log may name an address or a device; asking for the pseudonyms of it is on the record by itself. */
  async #whom(
    { address, device, reason }: QueriesWanted,
    actor: Actor,
  ): Promise<Pick<QueryFilter, 'clients' | 'devices'>> {
    const text = address ?? device;
    if (text === undefined) return {};
    const kind = address === undefined ? 'device' : 'address';
    const pseudonyms =
      (await this.#parts.recorder()?.pseudonyms({ kind, text }, namesOf(actor), reason)) ?? '';
    const known = pseudonyms.split(' ').filter((one) => one !== '');
    if (kind === 'device') return { devices: [...known, text] };
    const words = createAddress();
    return { clients: [...known, parseAddress(text, words) ? formatAddress(words) : text] };
  }

  /** On the disk when this resolves: who searches, why and for what; not whose address or device it was. */
  async #record(
    { reason, address, device, limit: _, follow, ...filter }: QueriesWanted,
    actor: Actor,
  ): Promise<void> {
    await this.#parts.recorder()?.write({
      kind: 'admin',
      time: new Date(this.#parts.clock()).toISOString(),
      action: 'queries-searched',
      by: namesOf(actor),
      reason,
      detail: {
        ...filter,
        ...(follow === true && { follow }),
        ...(address === undefined ? {} : { client: 'an address' }),
        ...(device === undefined ? {} : { client: 'a device' }),
      },
    });
  }

  #keep(filter: QueryFilter, actor: Actor): string {
    const id = randomBytes(SEARCH_ID_BYTES).toString('hex');
    // What is new has no end.
    const following = { ...filter, untilMs: Number.POSITIVE_INFINITY };
    this.#followed.set(id, { by: whoOf(actor), filter: following, lookedMs: Number.NEGATIVE_INFINITY });
    return id;
  }
}

/** The file of the log that is searched; undefined: it goes to none. */
export const logFile = ({ outputs }: Config['queryLog']): string | undefined => {
  const file = outputs.find(({ to }) => to.kind === 'file');
  return file?.to.kind === 'file' ? file.to.path : undefined;
};

/** Whether there is a log, and whether somebody decided that it may be searched. */
export const logStateOf = (log: Config['queryLog']): ReturnType<QueryControl['log']>['state'] => {
  if (log.outputs.length === 0) return 'off';
  if (logFile(log) === undefined) return 'receivers';
  return log.isSearchable ? 'files' : 'closed';
};

const whoOf = ({ account, name }: Actor): string => `${account ?? ''} ${name}`;

const foldName = (text: string): string => text.toLowerCase().replace(/(.)\.$/, '$1');

const formatPlace = ({ beginMs, at }: LogPlace): string => `${beginMs}-${at}`;

const readPlace = (text: string): LogPlace => {
  const [beginMs = 0, at = 0] = text.split('-').map(Number);
  return { beginMs, at };
};
