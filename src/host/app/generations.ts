// Makes the generations of the running program: builds them, restores the one that was saved, and says what of a list was
// not taken. None is in force yet.
import { systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import {
  buildGeneration,
  buildInThread,
  type Generation,
  type PathOf,
  SavedGeneration,
} from '../../policy/generation/generation.ts';
import type { FileReview } from '../../policy/keeping/keeping.ts';
import { isPastReview, type LoadedList } from '../../policy/lists/lists.ts';
import type { State } from '../../resolver/workers/workers.ts';
import { collectBeside, type RetiredMemory } from '../../resolver/workers/workers.ts';
import type { Log } from '../../telemetry/observe/observe.ts';

/** What they are made with. */
export interface GenerationsParts {
  readonly log: Log;
  readonly fileReview: FileReview;
  readonly retired: RetiredMemory;
  readonly pathOf: PathOf;
}

/** The generations of one program, each with a number of its own. */
export class Generations {
  readonly #parts: GenerationsParts;
  readonly #saved: SavedGeneration;
  #count = 0;

  constructor(directory: string, parts: GenerationsParts) {
    this.#parts = parts;
    this.#saved = new SavedGeneration(directory, parts.log);
  }

  /** The generation that was in force when the program ended, if it is of this configuration; throws an AppError. */
  restore(config: Config): Generation | undefined {
    const saved = this.#saved.read(config, this.#count + 1);
    if (saved !== undefined) this.#count++;
    return saved;
  }

  /** Keeps what is in force for the next start. */
  save({ enforced, generation }: State): void {
    if (generation !== undefined) this.#saved.save(enforced, generation);
  }

  /** Reads and compiles the lists of a configuration; throws an AppError, also where files changed too much. */
  async build(config: Config, inForce: Generation | undefined): Promise<Generation> {
    const { log, fileReview, retired, pathOf } = this.#parts;
    const nowMs = systemClock();
    if (inForce !== undefined) collectBeside(inForce.policy.table);
    // At a start nothing is in force that a disk could hold up, and a thread would take longer to start.
    const build = inForce === undefined ? buildGeneration : buildInThread;
    let generation = await build(config, this.#count + 1, nowMs, pathOf);
    const neighbors = { lists: config.lists, pathOf };
    try {
      const shipped = fileReview.check(inForce, generation, neighbors, nowMs);
      if (shipped.size > 0) {
        // A version of a shipped list that is held does not take the release's list out of force.
        const { table } = generation.policy;
        const instead: PathOf = (list) => shipped.get(list.id) ?? pathOf(list);
        generation = await build(config, this.#count + 1, nowMs, instead);
        retired.add(table);
        fileReview.check(inForce, generation, neighbors, nowMs, shipped);
      }
    } catch (error) {
      retired.add(generation.policy.table);
      throw error;
    }
    this.#count++;
    for (const { group, list } of generation.ignoredSchedules) {
      log.warn({ group, list }, 'a schedule of a mandate list is ignored: it is in force at all times');
    }
    for (const { id, loaded } of generation.lists) this.#tellRemarks(id, loaded);
    for (const [list, { sha256, reasons }] of fileReview.held) {
      const texts = reasons.map(({ code, text }) => `${code}: ${text}`);
      log.warn(
        { list, sha256, reasons: texts },
        "a file is held: the release's list is in force in its place",
      );
    }
    return generation;
  }

  /** Says what of a list was not taken, and what a person should look at. */
  #tellRemarks(list: string, loaded: LoadedList): void {
    const { log } = this.#parts;
    const { path, entries, rejected, reasons, diagnostics, notes, reviewed } = loaded;
    if (isPastReview(reviewed, systemClock())) {
      log.warn(
        { list, path, ...reviewed, hint: 'take a newer release, or a newer list' },
        'a list is past its review: names may have moved since',
      );
    }
    if (entries === 0) log.warn({ list, path }, 'a list has no rule: it is in force as empty');
    if (rejected > 0) {
      const [first] = diagnostics;
      log.warn({ list, path, rejected, reasons, first }, 'lines of a list were rejected');
    }
    for (const { code, text } of notes) log.warn({ list, path, note: code }, `list ${list}: ${text}`);
  }
}
