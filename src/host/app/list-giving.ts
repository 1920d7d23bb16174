// What an authority gives its nodes of the lists in `fleet.lists`: the contents that are in force here, and nothing else.
//
// A file is what somebody put there last. What its review holds, what its signature does not fit, and what lies there between a change
// and the reload is in force nowhere: signed by the authority it would be in force at every node.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import type { RunningFleet } from '../../fleet/fleet.ts';
import { readListFile } from '../../policy/lists/lists.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import type { ActiveState } from './active-state.ts';

/** What it needs. */
export interface ListGivingOptions {
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly current: () => Pick<ActiveState['current'], 'generation'>;
  readonly fleet: () => Pick<RunningFleet, 'givenLists'> | undefined;
}

/** Gives lists. */
export class ListGiving {
  readonly #options: ListGivingOptions;
  /** SHA-256 by list of what the nodes were given. */
  readonly #published = new Map<string, string>();
  /** By list, the content in force and the state of a file that has another one: it is read again when either changes. */
  readonly #others = new Map<string, string>();
  /** For which lists it was signed that no others are given. */
  #kept: readonly string[] | undefined;

  constructor(options: ListGivingOptions) {
    this.#options = options;
  }

  /** Gives what is in force of these lists; to be called now and then. Never rejects. */
  async give(ids: readonly string[]): Promise<void> {
    const { current, log, fleet } = this.#options;
    for (const id of ids) {
      const loaded = current().generation?.lists.find((list) => list.id === id)?.loaded;
      if (loaded === undefined || this.#published.get(id) === loaded.sha256) continue;
      const { sha256, entries, path } = loaded;
      try {
        const content = this.#read(id, sha256, path);
        if (content === undefined) continue;
        if ((await fleet()?.givenLists.publish(id, content, entries)) === true)
          log.info({ list: id, sha256 }, 'fleet: a list is given to the nodes');
        this.#published.set(id, sha256);
      } catch (thrown) {
        log.warn({ list: id, err: thrown }, 'fleet: a list is not given to the nodes yet');
      }
    }
    for (const id of this.#published.keys()) if (!ids.includes(id)) this.#published.delete(id);
    if (this.#kept === ids) return;
    this.#kept = ids;
    try {
      await fleet()?.givenLists.keep(ids);
    } catch (thrown) {
      this.#kept = undefined;
      log.warn({ err: thrown }, 'fleet: that lists are given no more is not signed yet');
    }
  }

  /** The text of that hash; undefined where the file has another one. Throws errors of the system, and as readListFile(). */
  #read(id: string, sha256: string, path: string): Uint8Array | undefined {
    const { log } = this.#options;
    const { mtimeMs, size, ino } = statSync(path);
    const state = [sha256, path, ino, size, mtimeMs].join(' ');
    if (this.#others.get(id) === state) return undefined;
    const content = readListFile(path);
    if (createHash('sha256').update(content).digest('hex') === sha256) {
      this.#others.delete(id);
      return content;
    }
    this.#others.set(id, state);
    log.warn(
      { list: id, sha256 },
      'fleet: the file of a list has another content than is in force, which is not given to the nodes',
    );
    return undefined;
  }
}
