// Reads a feed: the metadata by tuf-js, over requests that are bounded as those of lists are.
//
//   feeds/ID-ROOT/root.json …    what is trusted; each file is replaced as a whole
//   feeds/ID-ROOT/work/          a copy that the library writes into while it looks
//   feeds/ID-ROOT/record.json    what is told of the feed (feed-state.ts)
//
// The library writes its files in place, and a crash in the middle of one would leave a feed without its root or its memory
// of versions: hence the copy. What it takes on the way to a failure is kept as the specification says: a root that was
// proven stays, and so does a timestamp, so that what follows cannot go back behind it.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Fetcher, TargetFile, Updater } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import { z } from 'zod';
import {
  type Clock,
  DAY_MS,
  DIRECTORY_MODE,
  errorText,
  isAppError,
  replaceFile,
  systemErrorCode,
} from '../../base/base.ts';
import { type FetchLimits, fetchBytes, type ResolveHost } from '../lists/lists.ts';
import { feedError } from './feed-error.ts';
import {
  EMPTY_FEED_RECORD,
  type FeedRecord,
  type FeedSettings,
  feedDirectory,
  readFeedRecord,
  writeFeedRecord,
} from './feed-state.ts';
import { printable, toFeedError } from './library-error.ts';
import { parseRelease, RELEASE_BYTES_MAX, RELEASE_NAME } from './release.ts';

/** Names of the metadata that is kept, in the order in which one vouches for the next. */
const KEPT = ['root', 'timestamp', 'snapshot', 'targets'] as const;
/** Delegations of targets, which the feed of this project does not have. */
const DELEGATIONS_MAX = 8;
/** A root has some 2 KB, targets 300 bytes a list. */
const METADATA_BYTES_MAX = 1024 * 1024;
const TIMESTAMP_BYTES_MAX = 16 * 1024;
/** For one file of metadata: 100 KB over a line of 14 kbit/s. */
const METADATA_MS_MAX = 60_000;
/** For all metadata together: a server that sends many files slowly is not to hold up lists for good. */
const REFRESH_MS_MAX = 300_000;
/** Each is a file that is fetched; a feed that was not looked at for decades names a newer first root. */
const ROOTS_MAX = 64;
/**
 * Looks that a server may answer with "not modified" one after the other. A tag that is made of the second and the size stays
 * for a timestamp that was replaced within the second: seen at the next look without a condition, six hours at most by default.
 */
const UNCHANGED_MAX = 5;
/** A timestamp vouches for a year at most (`--days`); what vouches for longer is not of today. */
const AHEAD_MS_MAX = 400 * DAY_MS;
const SHA256 = /^[0-9a-f]{64}$/;
const TIMESTAMP_NAME = 'timestamp.json';
const STATUS_NOT_FOUND = 404;

const headSchema = z.object({
  signed: z.object({
    version: z.number(),
    expires: z.string(),
    consistent_snapshot: z.boolean().optional(),
  }),
});
type Head = z.infer<typeof headSchema>['signed'];

/** What a feed is read with. */
export interface FeedReaderOptions {
  readonly feed: FeedSettings;
  /** The state directory. */
  readonly directory: string;
  readonly clock: Clock;
  readonly resolve: ResolveHost;
  readonly userAgent: string;
  readonly limits?: Partial<FetchLimits> | undefined;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/** A file that the feed has. */
export interface FeedTarget {
  readonly url: string;
  /** Of its content, hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** What a feed has, as of one look. */
export interface FeedTargets {
  /** What is under a path; undefined: nothing. Throws ERR_FEED_… and ERR_LIST_FETCH. */
  find(path: string): Promise<FeedTarget | undefined>;
}

/** One feed. */
export class FeedReader {
  readonly #options: FeedReaderOptions;
  readonly #directory: string;
  readonly #work: string;
  #record: FeedRecord = EMPTY_FEED_RECORD;
  #underWay: Promise<FeedTargets> | undefined;
  /** Of the timestamp that is trusted. */
  #etag: string | undefined;
  #etagSeen: string | undefined;
  #unchangedCount = 0;
  /** What could not be fetched: the library wraps it, so that only its text would be left. */
  #lost: unknown;

  private constructor(options: FeedReaderOptions) {
    this.#options = options;
    this.#directory = feedDirectory(options.directory, options.feed);
    this.#work = join(this.#directory, 'work');
  }

  /** Reads what is kept of it. */
  static async open(options: FeedReaderOptions): Promise<FeedReader> {
    const reader = new FeedReader(options);
    reader.#record = await readFeedRecord(reader.#directory);
    return reader;
  }

  get settings(): FeedSettings {
    return this.#options.feed;
  }

  get record(): FeedRecord {
    return this.#record;
  }

  /** Looks at the metadata anew, once for all who ask meanwhile. Throws ERR_FEED_… and ERR_LIST_FETCH. */
  refresh(): Promise<FeedTargets> {
    this.#underWay ??= this.#refresh().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  /** The bytes of a target, which are proven. Rejects with ERR_FEED_PROOF and ERR_LIST_…. */
  async read({ url, sha256, sizeBytes }: FeedTarget, sizeBytesMax: number): Promise<Buffer> {
    const { feed, resolve, userAgent, limits, signal } = this.#options;
    const outcome = await fetchBytes({
      ...{ url, resolve, userAgent, signal, etag: undefined },
      sizeBytesMax: Math.min(sizeBytes, sizeBytesMax),
      limits: { totalMs: METADATA_MS_MAX, ...limits },
    });
    const bytes = outcome.kind === 'fetched' ? outcome.bytes : Buffer.alloc(0);
    if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes;
    throw feedError('ERR_FEED_PROOF', feed.id, `${nameOf(url)} is not what its metadata names`);
  }

  /** Reads which release the feed tells of where that is new. Rejects as find() and read() do; what is no release is none. */
  async lookForRelease(targets: FeedTargets): Promise<void> {
    const target = await targets.find(RELEASE_NAME);
    const { release } = this.#record;
    if (target?.sha256 === release?.sha256) return;
    if (target === undefined) return await this.#note({ release: null });
    const { sha256, sizeBytes } = target;
    const told =
      sizeBytes > RELEASE_BYTES_MAX ? undefined : parseRelease(await this.read(target, RELEASE_BYTES_MAX));
    await this.#note({ release: { sha256, told: told ?? null } });
  }

  async #find(updater: Updater, isConsistent: boolean, path: string): Promise<FeedTarget | undefined> {
    const { id, url } = this.#options.feed;
    let found: TargetFile | undefined;
    try {
      found = await updater.getTargetInfo(path);
    } catch (thrown) {
      throw toFeedError(id, thrown);
    }
    if (found === undefined) return undefined;
    const sha256 = found.hashes['sha256'] ?? '';
    if (!SHA256.test(sha256)) throw feedError('ERR_FEED_PROOF', id, `${path} has no SHA-256`);
    await this.#noteTarget(path, sha256);
    const { dir, base } = posix.parse(path);
    const name = isConsistent ? posix.join(dir, `${sha256}.${base}`) : path;
    const address = `${folderOf(url)}targets/${name.split('/').map(encodeURIComponent).join('/')}`;
    return { url: address, sha256, sizeBytes: found.length };
  }

  async #refresh(): Promise<FeedTargets> {
    const { feed, clock } = this.#options;
    this.#lost = undefined;
    try {
      await this.#begin();
      const signal = AbortSignal.any([this.#options.signal, AbortSignal.timeout(REFRESH_MS_MAX)]);
      const updater = await this.#createUpdater(signal);
      try {
        await updater.refresh();
      } finally {
        await this.#keep();
      }
      const isConsistent =
        readHead(await readFile(join(this.#work, 'root.json')))?.consistent_snapshot === true;
      this.#etag = this.#etagSeen;
      await this.#note({ checkedAtMs: clock(), failedSinceMs: null, code: null, reason: null });
      return { find: (path) => this.#find(updater, isConsistent, path) };
    } catch (caught) {
      this.#etag = undefined;
      const thrown = this.#lost ?? caught;
      const error =
        systemErrorCode(thrown) === undefined || isAppError(thrown)
          ? toFeedError(feed.id, thrown)
          : feedError('ERR_FEED_STATE', feed.id, `using ${this.#directory}: ${errorText(thrown)}`, {
              cause: thrown,
            });
      const { code, message: reason } = error;
      const failedSinceMs = this.#record.code === code ? this.#record.failedSinceMs : clock();
      if (!this.#options.signal.aborted) await this.#note({ failedSinceMs, code, reason });
      throw error;
    }
  }

  /** A copy of what is trusted. */
  async #begin(): Promise<void> {
    await rm(this.#work, { recursive: true, force: true });
    await mkdir(this.#work, { recursive: true, mode: DIRECTORY_MODE });
    for (const name of KEPT) {
      const bytes = await this.#read(this.#directory, name);
      if (bytes !== undefined) await writeFile(join(this.#work, `${name}.json`), bytes);
    }
  }

  async #createUpdater(signal: AbortSignal): Promise<Updater> {
    const { url } = this.#options.feed;
    // 11 MB and 70 ms, for those who have a feed.
    const tuf = await import('tuf-js');
    const options = {
      metadataDir: this.#work,
      metadataBaseUrl: folderOf(url),
      fetcher: this.#fetcher(signal),
      config: {
        maxRootRotations: ROOTS_MAX,
        maxDelegations: DELEGATIONS_MAX,
        rootMaxLength: METADATA_BYTES_MAX,
        timestampMaxLength: TIMESTAMP_BYTES_MAX,
        snapshotMaxLength: METADATA_BYTES_MAX,
        targetsMaxLength: METADATA_BYTES_MAX,
      },
    };
    if ((await this.#read(this.#work, 'root')) !== undefined) {
      try {
        return new tuf.Updater(options);
      } catch {
        // Damaged on the disk: the way from the pinned root is taken again.
      }
    }
    await this.#takePinnedRoot(signal);
    return new tuf.Updater(options);
  }

  async #takePinnedRoot(signal: AbortSignal): Promise<void> {
    const { id, url, rootSha256, rootVersion } = this.#options.feed;
    const name = `${rootVersion}.root.json`;
    const bytes = await this.#download(`${folderOf(url)}${name}`, METADATA_BYTES_MAX, signal).catch(
      (thrown: unknown) => {
        if (!(thrown instanceof DownloadHTTPError)) throw thrown;
        throw feedError('ERR_FEED_ABSENT', id, `there is no ${name}`);
      },
    );
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== rootSha256) {
      const hint =
        'Ask whoever publishes the feed for the hash of its root, on another way than from its server.';
      throw feedError('ERR_FEED_PROOF', id, `the SHA-256 of ${name} is ${found}, not ${rootSha256}`, {
        hint,
      });
    }
    await writeFile(join(this.#work, 'root.json'), bytes);
  }

  #fetcher(signal: AbortSignal): Fetcher {
    return {
      downloadBytes: (url, sizeBytesMax) => this.#download(url, sizeBytesMax, signal),
      // Targets are fetched as lists are, into the store.
      downloadFile: (url) => Promise.reject(new Error(`${url} is no metadata`)),
    };
  }

  async #download(url: string, sizeBytesMax: number, signal: AbortSignal): Promise<Buffer> {
    const { feed, resolve, userAgent, limits } = this.#options;
    const isTimestamp = url.endsWith(`/${TIMESTAMP_NAME}`);
    try {
      const outcome = await fetchBytes({
        url,
        // A timestamp says how long the next file is: whoever has that one key is not to choose what we hold in memory.
        sizeBytesMax: Math.min(sizeBytesMax, METADATA_BYTES_MAX),
        etag: isTimestamp && this.#unchangedCount < UNCHANGED_MAX ? this.#etag : undefined,
        limits: { totalMs: METADATA_MS_MAX, ...limits },
        resolve,
        userAgent,
        signal,
      });
      if (outcome.kind === 'unchanged') {
        this.#unchangedCount++;
        return await readFile(join(this.#work, TIMESTAMP_NAME));
      }
      if (outcome.kind === 'fetched') {
        if (isTimestamp) {
          this.#requireNow(outcome.bytes);
          this.#etagSeen = outcome.etag;
          this.#unchangedCount = 0;
        }
        return outcome.bytes;
      }
      throw feedError('ERR_FEED_ABSENT', feed.id, `HTTP status ${outcome.status} for ${nameOf(url)}`);
    } catch (thrown) {
      // The next root is asked for until there is none: the library looks for its own class then.
      if (isRootAbsent(url, thrown)) throw new DownloadHTTPError('none', STATUS_NOT_FOUND);
      this.#lost = thrown;
      throw thrown;
    }
  }

  /** Nobody would notice for years that such a feed is frozen. What is no timestamp is the library's matter. */
  #requireNow(bytes: Buffer): void {
    const { feed, clock } = this.#options;
    const expires = readHead(bytes)?.expires;
    if (expires === undefined || Date.parse(expires) - clock() <= AHEAD_MS_MAX) return;
    throw feedError(
      'ERR_FEED_PROOF',
      feed.id,
      `it vouches until ${printable(expires)}: the clock of its publisher or of this machine is wrong`,
    );
  }

  /** What was taken replaces what was trusted before. */
  async #keep(): Promise<void> {
    const heads = new Map<string, Head>();
    for (const name of KEPT) {
      const bytes = await this.#read(this.#work, name);
      if (bytes === undefined) continue;
      const before = await this.#read(this.#directory, name);
      if (before === undefined || !before.equals(bytes))
        await replaceFile(join(this.#directory, `${name}.json`), bytes);
      const head = readHead(bytes);
      if (head !== undefined) heads.set(name, head);
    }
    const [root, timestamp] = [heads.get('root'), heads.get('timestamp')];
    this.#record = {
      ...this.#record,
      root: root?.version ?? null,
      timestamp: timestamp?.version ?? null,
      expiresMs: timestamp === undefined ? null : Date.parse(timestamp.expires),
    };
  }

  async #read(directory: string, name: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(directory, `${name}.json`));
    } catch (thrown) {
      if (systemErrorCode(thrown) === 'ENOENT') return undefined;
      throw thrown;
    }
  }

  async #noteTarget(path: string, sha256: string): Promise<void> {
    const { targets } = this.#record;
    if (targets[path]?.sha256 === sha256) return;
    await this.#note({ targets: { ...targets, [path]: { sha256, sinceMs: this.#options.clock() } } });
  }

  async #note(changes: Partial<FeedRecord>): Promise<void> {
    this.#record = { ...this.#record, ...changes };
    try {
      await writeFeedRecord(this.#directory, this.#record);
    } catch (thrown) {
      // A full disk costs what is told after a restart, and nothing that is trusted.
      if (systemErrorCode(thrown) === undefined) throw thrown;
    }
  }
}

const nameOf = (url: string): string => posix.basename(new URL(url).pathname);

const isRootAbsent = (url: string, thrown: unknown): boolean =>
  isAppError(thrown) && thrown.code === 'ERR_FEED_ABSENT' && url.endsWith('.root.json');

const folderOf = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

const readHead = (bytes: Buffer): Head | undefined => {
  try {
    return headSchema.parse(JSON.parse(bytes.toString())).signed;
  } catch {
    return undefined;
  }
};
