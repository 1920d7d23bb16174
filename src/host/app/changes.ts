// Changes of what is in force, one at a time: at the start, at a reload, by lists that were fetched, by what was learned of
// upstreams and keys, by a pause. Each is put in force whole or not at all, and leaves its record and its line.

import { type AppError, isAppError, systemClock, systemErrorCode } from '../../base/base.ts';
import { type Config, keepInForce, startOnlyChanges } from '../../config/config.ts';
import type { ChangeAuthor, ChangeJournal, EnforcementMonitor } from '../../evidence/recording/recording.ts';
import { type ConfigurationSource, configAuthor } from '../../people/configuration/configuration.ts';
import type { Generation } from '../../policy/generation/generation.ts';
import type { KeptLists } from '../../policy/keeping/keeping.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import type { ActiveState } from './active-state.ts';
import type { Generations } from './generations.ts';
import type { Parts } from './part.ts';

/** The parts of the program that a change concerns. */
export interface ChangesParts {
  readonly log: Log;
  /** The state directory. */
  readonly directory: string;
  readonly source: ConfigurationSource;
  readonly state: ActiveState;
  readonly generations: Generations;
  readonly lists: KeptLists;
  readonly journal: ChangeJournal;
  readonly enforcement: EnforcementMonitor;
  /** All that follow the configuration. */
  parts(): Parts;
  /** Who put the content of the file in force from the control room; undefined: nobody. */
  knownAuthor(sha256: string): ChangeAuthor | undefined;
  /** A reload begins, and has ended. */
  readonly onReload: { begun(): void; ended(): void };
}

/** The changes of one program. */
export class Changes {
  /** Reloads and renewals of lists, as they ended. */
  readonly counts = { success: 0, failure: 0 };
  readonly #parts: ChangesParts;
  /** A configuration that is to be put in force as soon as its lists are there. */
  #awaited: Config | undefined;
  #isStarted = false;
  /** What kept the configuration, and fetched lists, from being in force the last time. */
  #refused: { configuration?: AppError; lists?: AppError | undefined } = {};
  #last: Promise<unknown> = Promise.resolve();
  #kept: Promise<void> = Promise.resolve();
  /** A reload that has not begun. */
  #waitingReload: Promise<AppError | undefined> | undefined;

  constructor(parts: ChangesParts) {
    this.#parts = parts;
  }

  /** Lists were in force, or loading them was tried. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Why what was last to be put in force is not; undefined: it is. */
  get refused(): AppError | undefined {
    return this.#refused.configuration ?? this.#refused.lists;
  }

  /** The configuration in force, or the one that waits for its lists. */
  get wanted(): Config {
    return this.#awaited ?? this.#parts.state.current.config;
  }

  /** A configuration that was read waits for lists that are being fetched. */
  get isWaiting(): boolean {
    return this.#awaited !== undefined;
  }

  /** What was in force when the program ended is in force again at once, before lists are read. */
  async applySaved(config: Config): Promise<void> {
    const { log, state, generations, lists } = this.#parts;
    const apply = async () => {
      const enforced = lists.present(config);
      const saved = generations.restore(enforced);
      if (saved === undefined) return;
      await state.apply(await state.prepare(config, saved, enforced), this.#configAuthor());
      this.#isStarted = true;
      log.info(ageOf(saved), 'the saved generation is in force while the lists are read');
    };
    await enact(apply, (error) => log.warn({ err: error }, 'the saved generation is not used'));
  }

  /** Puts the lists of the first configuration in force. */
  async applyFirst(config: Config): Promise<void> {
    const { log, state, journal, enforcement } = this.#parts;
    const apply = async () => {
      await this.#putInForce(config, this.#configAuthor());
      journal.configuration(config, 'start', this.#configAuthor());
      log.info({ generation: this.#generation }, 'lists loaded');
      this.save();
    };
    await enact(apply, (error) => {
      // Often lists that are still to be fetched: it is over as soon as all is in force, without a reload.
      this.#refused.lists = error;
      journal.refused(error.code, 'start');
      const saved = state.current.generation;
      if (saved === undefined)
        log.error(
          { err: error },
          'lists cannot be loaded: every query is answered SERVFAIL until a reload succeeds',
        );
      else
        log.warn(
          { err: error, ...ageOf(saved) },
          'lists cannot be loaded: the saved generation stays in force until a reload succeeds',
        );
    });
    this.#isStarted = true;
    enforcement.update();
  }

  /** Keeps what is in force for the next start. */
  save(): void {
    this.#parts.generations.save(this.#parts.state.current);
    void this.keep();
  }

  /** Keeps the configuration in force for commands that come while its file is wrong. Never rejects. */
  keep(): Promise<void> {
    const { log, directory, source, state } = this.#parts;
    this.#kept = this.#kept
      .then(() => keepInForce(directory, state.current.config, source.configPath))
      .catch((err: unknown) => {
        if (systemErrorCode(err) === undefined) throw err;
        log.warn({ err }, 'the configuration in force is not kept: commands need its file');
      });
    return this.#kept;
  }

  /**
   * Puts the configuration and the lists as they are on disk in force. At most one waits beside the one that runs: it has not
   * read anything yet, and will read what is newest then. Gives the error that was reported.
   */
  reload(trigger: string): Promise<AppError | undefined> {
    const { begun, ended } = this.#parts.onReload;
    this.#waitingReload ??= this.#queue(async () => {
      this.#waitingReload = undefined;
      begun();
      try {
        return await this.#reload(trigger);
      } finally {
        ended();
      }
    });
    return this.#waitingReload;
  }

  /** Makes a policy of the contents that are kept, if it is not in force already. Gives the error that was reported. */
  renew(): Promise<AppError | undefined> {
    return this.#queue(() => this.#renew());
  }

  /** Puts what is in force in force again: with other addresses of upstreams, other keys, or another certificate. */
  applyAgain(): Promise<AppError | undefined> {
    const { log, state } = this.#parts;
    const apply = async () => {
      const { config, generation, enforced } = state.current;
      await state.apply(await state.prepare(config, generation, enforced));
    };
    return this.#queue(() =>
      enact(apply, (error) =>
        log.error({ err: error }, 'what was learned of upstreams, keys or certificates is not put in force'),
      ),
    );
  }

  /**
   * Puts a pause, or its end, in force with all else as it is: nothing is read again for it that may be missing now, such as the
   * system's resolvers. Rejects when it cannot, and nothing has changed.
   */
  applyPause(author: ChangeAuthor | undefined): Promise<void> {
    const { state } = this.#parts;
    return this.#queue(() => state.applyPause(author));
  }

  get #generation(): number | undefined {
    return this.#parts.state.current.generation?.policy.generation;
  }

  #configAuthor(): ChangeAuthor {
    return configAuthor(this.#parts.source.configPath, (sha256) => this.#parts.knownAuthor(sha256));
  }

  async #queue<Result>(change: () => Promise<Result>): Promise<Result> {
    const changed = this.#last.then(change);
    // Whoever asked hears of a failure; the next change has nothing to do with it.
    this.#last = changed.catch(() => undefined);
    return await changed;
  }

  #reload(trigger: string): Promise<AppError | undefined> {
    const { log, source, state, lists, journal } = this.#parts;
    const parts = this.#parts.parts();
    const previous = state.current.config;
    this.#awaited = undefined;
    /** Its lists are fetched. */
    let prepared: Config | undefined;
    const apply = async () => {
      const config = source.readConfig();
      const keys = startOnlyChanges(previous, config);
      if (keys.length > 0) log.warn({ keys }, 'changed keys take effect at the next start');
      await parts.prepare(config);
      prepared = config;
      await this.#putInForce(config, this.#configAuthor());
      this.save();
      journal.act('reload');
      const author = this.#configAuthor();
      journal.configuration(config, 'reload', {
        ...author,
        reason: `${trigger}; ${author.reason ?? 'the configuration was read'}`,
      });
      await parts.follow(config);
      this.#refused = {};
      this.#count('success');
      log.info({ generation: this.#generation }, 'reloaded');
    };
    return enact(apply, async (error) => {
      this.#refused.configuration = error;
      this.#count('failure');
      journal.refused(error.code, 'reload');
      const isWaiting = prepared !== undefined && lists.areMissing(prepared);
      this.#awaited = isWaiting ? prepared : undefined;
      // Also where the file could not be read: parts may be prepared for one that was waited for until now.
      if (!isWaiting) await parts.restore(previous);
      log.error(
        { err: error },
        isWaiting
          ? 'reload waits for lists that are being fetched: the configuration and lists before it stay in force'
          : 'reload refused: the configuration and lists before it stay in force',
      );
    });
  }

  async #renew(): Promise<AppError | undefined> {
    const { state, lists } = this.#parts;
    const awaited = this.#awaited;
    // What is waited for may never come, or not be fit to be in force: it holds up nothing that is in force.
    let refused: AppError | undefined;
    if (awaited !== undefined && !lists.areMissing(awaited)) {
      refused = await this.#putRenewed(awaited, true);
      if (refused === undefined) return undefined;
    }
    const { config, generation } = state.current;
    if (lists.areIn(generation, config)) return refused;
    return (await this.#putRenewed(config, false)) ?? refused;
  }

  #putRenewed(config: Config, wasAwaited: boolean): Promise<AppError | undefined> {
    const { log, journal } = this.#parts;
    const apply = async () => {
      const author = wasAwaited ? this.#configAuthor() : undefined;
      await this.#putInForce(config, author);
      journal.configuration(config, 'lists', author);
      if (wasAwaited) {
        await this.#parts.parts().follow(config);
        this.#awaited = undefined;
      }
      this.save();
      // A file that was refused still lies there.
      this.#refused = wasAwaited ? {} : { ...this.#refused, lists: undefined };
      this.#count('success');
      log.info({ generation: this.#generation }, 'lists renewed');
    };
    return enact(apply, (error) => {
      this.#refused[wasAwaited ? 'configuration' : 'lists'] = error;
      this.#count('failure');
      journal.refused(error.code, 'lists');
      log.error({ err: error }, 'renewed lists are not put in force: the lists before them stay');
    });
  }

  /** Throws an AppError and changes nothing, or has the lists as they now are in force. */
  async #putInForce(config: Config, author?: ChangeAuthor): Promise<void> {
    const { log, state, generations, lists } = this.#parts;
    const enforced = lists.present(config);
    const missing = config.lists.filter((list) => !enforced.lists.includes(list)).map(({ id }) => id);
    if (missing.length > 0) log.warn({ lists: missing }, 'lists that were never fetched are not in force');
    const generation = await generations.build(enforced, state.current.generation);
    await state.apply(await state.prepare(config, generation, enforced), author);
  }

  #count(outcome: 'success' | 'failure'): void {
    this.counts[outcome]++;
  }
}

/** Gives the AppError that kept a change from being in force, after `refused` told of it. */
const enact = async (
  change: () => Promise<void>,
  refused: (error: AppError) => void | Promise<void>,
): Promise<AppError | undefined> => {
  try {
    await change();
    return undefined;
  } catch (error) {
    if (!isAppError(error)) throw error;
    await refused(error);
    return error;
  }
};

/** When the lists of a generation were read, for log lines. */
const ageOf = ({ loadedAtMs }: Generation): { loadedAt: string; ageSec: number } => ({
  loadedAt: new Date(loadedAtMs).toISOString(),
  ageSec: Math.max(0, Math.round((systemClock() - loadedAtMs) / 1000)),
});
