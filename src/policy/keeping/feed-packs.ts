// Newer packs of mandates in a feed: what they say of how a mandate stands is told, and nothing else of them is used. What a
// pack asks for follows from the release and the configuration alone, so that a feed can neither lift a refusal nor add one.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DIRECTORY_MODE, isAppError, systemErrorCode } from '../../base/base.ts';
import { type Mandate, readMandate } from '../../config/config.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import type { FeedReader, FeedTargets } from '../feeds/feeds.ts';

/** As a configuration reads them. */
const PACK_BYTES_MAX = 256 * 1024;
const DIRECTORY_NAME = 'mandates';

/** How a mandate stands by a pack of a feed. */
export interface NewerStanding {
  readonly feed: string;
  /** Day of the pack. */
  readonly version: string;
  readonly standing: Mandate['standing'];
}

/** The packs of one feed. */
export class FeedPacks {
  readonly #reader: FeedReader;
  readonly #directory: string;
  readonly #log: Log;
  /** By mandate: hash of what was read, and what it says; undefined: it is of no use. */
  readonly #known = new Map<string, { sha256: string | undefined; found: NewerStanding | undefined }>();

  #underWay: Promise<void> | undefined;

  /** `directory` is that of the feed. */
  constructor(reader: FeedReader, directory: string, log: Log) {
    this.#reader = reader;
    this.#directory = join(directory, DIRECTORY_NAME);
    this.#log = log;
  }

  /** What is known of a mandate, also from before a restart. */
  of(id: string): NewerStanding | undefined {
    const known = this.#known.get(id) ?? { sha256: undefined, found: this.#read(id, this.#pathOf(id)) };
    this.#known.set(id, known);
    return known.found;
  }

  /** Reads what is new. Never rejects for what the feed has: it costs what is told of the mandate. */
  look(targets: FeedTargets, ids: readonly string[]): Promise<void> {
    // Each list of a feed looks at it, some of them at the same time.
    this.#underWay ??= this.#lookAt(targets, ids).finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #lookAt(targets: FeedTargets, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      try {
        await this.#look(targets, id);
      } catch (thrown) {
        if (!isAppError(thrown) && systemErrorCode(thrown) === undefined) throw thrown;
        this.#log.warn(
          { feed: this.#reader.settings.id, mandate: id, err: thrown },
          'pack of a feed not read',
        );
      }
    }
  }

  async #look(targets: FeedTargets, id: string): Promise<void> {
    const target = await targets.find(`${DIRECTORY_NAME}/${id}.yaml`);
    if (target === undefined || this.#known.get(id)?.sha256 === target.sha256) return;
    const bytes = await this.#reader.read(target, PACK_BYTES_MAX);
    await mkdir(this.#directory, { recursive: true, mode: DIRECTORY_MODE });
    const incoming = `${this.#pathOf(id)}.new`;
    await writeFile(incoming, bytes);
    const found = this.#read(id, incoming);
    if (found !== undefined) await rename(incoming, this.#pathOf(id));
    else this.#log.warn({ feed: this.#reader.settings.id, mandate: id }, 'pack of a feed cannot be used');
    this.#known.set(id, { sha256: target.sha256, found: found ?? this.of(id) });
  }

  #read(id: string, path: string): NewerStanding | undefined {
    const { read } = readMandate(path);
    // Another mandate's words under this name say nothing of this one.
    if (read === undefined || read.mandate.id !== id) return undefined;
    const { version, standing } = read.mandate;
    return { feed: this.#reader.settings.id, version, standing };
  }

  #pathOf(id: string): string {
    return join(this.#directory, `${id}.yaml`);
  }
}
