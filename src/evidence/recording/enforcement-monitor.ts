// Keeps to whether the prohibition is in force: collects the facts, has them judged, and tells each change once.
//
// Facts are what the workers judge by: the policy of the generation in force, with its schedules at this moment. What
// changes by a deed (a reload, a pause, a worker's end) is looked at in that moment, what changes by the hour every
// second, as workers do. Which lists were mandates is kept in the state directory, so that taking one out of the
// configuration is not forgotten by a restart: until somebody writes it out of scope, it is missed.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, errorText, every, type Part, replaceFileNow, systemErrorCode } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { Generation } from '../../policy/generation/generation.ts';
import { isInForce, type PolicyGroup, type SharedPolicy } from '../../policy/policy.ts';
import {
  describeEnforcement,
  type Enforcement,
  type EnforcementChange,
  EnforcementClock,
  type EnforcementFacts,
  isAsDecided,
  judgeEnforcement,
  todoOf,
} from '../../telemetry/enforcement/enforcement.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import type { EnforcementStateRecord } from '../records/records.ts';
import type { ChangeAuthor } from './change-journal.ts';

/** How often schedules are looked at: as often as workers do. */
const LOOK_MS = 1_000;
/** Mandate lists that are remembered: more than there can be lists. */
const MANDATES_MAX = 64;
/** In the state directory. */
const FILE_NAME = 'mandates.json';
const FILE_MODE = 0o640;

/** What the program is doing. */
export interface EnforcementProgram {
  /** False until lists were in force, or loading them was tried. */
  readonly isStarted: boolean;
  readonly workers: EnforcementFacts['workers'];
  readonly isPaused: boolean;
  readonly generation: Generation | undefined;
  /** The one in force: for what it writes out of scope. */
  readonly config: Config;
  /** Groups as which the self-probe got an answer for a name of a mandate list; `undefined`: at a listener. */
  readonly leaking: ReadonlySet<string | undefined>;
}

/** What the keeper works with. */
export interface EnforcementMonitorOptions {
  /** Of the file that remembers mandate lists. */
  readonly directory: string;
  readonly clock: Clock;
  /** Never steps. */
  readonly monotonic: Clock;
  readonly log: Log;
  program(): EnforcementProgram;
  note(record: EnforcementStateRecord): void;
}

/** Whether the prohibition is in force, from the start of the program to its end. */
export class EnforcementMonitor implements Part<Config> {
  readonly name = 'enforcement';
  readonly clock: EnforcementClock;
  readonly #options: EnforcementMonitorOptions;
  readonly #path: string;
  #mandates: readonly string[];
  #end: (() => void) | undefined;
  #isClosed = false;

  constructor(options: EnforcementMonitorOptions) {
    this.#options = options;
    this.clock = new EnforcementClock(options.monotonic);
    this.#path = join(options.directory, FILE_NAME);
    this.#mandates = readMandates(this.#path, options.log);
  }

  /** The state, as it was last judged. */
  get current(): Enforcement {
    return this.clock.current;
  }

  /** Records the state that the program starts in, and looks at schedules from now on. */
  open(): void {
    this.#note({ now: this.current });
    this.#end ??= every(LOOK_MS, () => this.update());
  }

  /** Says again what is so: records and the memory of mandate lists begin anew. */
  restate(): void {
    this.#note({ now: this.current });
    this.#save();
  }

  /** The program stops, which has a record of its own: that its workers end is no fault any more. */
  drain(): void {
    this.#isClosed = true;
    this.#end?.();
  }

  /** Something may have changed; `author` is who did it, where somebody did. */
  update(author: ChangeAuthor = {}): void {
    if (this.#isClosed) return;
    const program = this.#options.program();
    const facts = enforcementFacts(program, this.#mandates, this.#options.clock());
    const judged = judgeEnforcement(facts);
    if (program.generation !== undefined) this.#remember(facts, judged);
    const change = this.clock.set(judged);
    if (change === undefined) return;
    this.#note(change, author);
    this.#tell(change, author);
  }

  /** A mandate list that is gone and that no group misses is forgotten: it was written out of scope. */
  #remember(facts: EnforcementFacts, { groups }: Enforcement): void {
    const inForce = facts.lists.map(({ id }) => id);
    const missed = new Set(groups.flatMap(({ lists = [] }) => lists.map(({ list }) => list)));
    const isJudged = groups.some(({ state }) => state !== 'not-answering');
    const mandates = [
      ...new Set([...facts.lists.filter(({ isMandate }) => isMandate).map(({ id }) => id), ...facts.bound]),
    ]
      .filter((list) => !isJudged || inForce.includes(list) || missed.has(list))
      .slice(0, MANDATES_MAX)
      .sort();
    if (mandates.join() === this.#mandates.join()) return;
    this.#mandates = mandates;
    this.#save();
  }

  #save(): void {
    try {
      replaceFileNow(this.#path, `${JSON.stringify({ mandates: this.#mandates })}\n`, FILE_MODE);
    } catch (thrown) {
      if (systemErrorCode(thrown) === undefined) throw thrown;
      const { log } = this.#options;
      log.warn({ path: this.#path, err: thrown }, 'a restart will not know which lists were mandates');
    }
  }

  #note(
    change: Pick<EnforcementChange, 'now'> & Partial<EnforcementChange>,
    author: ChangeAuthor = {},
  ): void {
    const { now, before, beforeMs = 0 } = change;
    this.#options.note({
      kind: 'enforcement',
      time: new Date(this.#options.clock()).toISOString(),
      event: 'state',
      ...now,
      ...(before === undefined ? {} : { previous: before.state, ms: Math.round(beforeMs) }),
      ...author,
    });
  }

  #tell({ before, beforeMs, now }: EnforcementChange, author: ChangeAuthor): void {
    const { log } = this.#options;
    const { state, cause } = now;
    const fields = { state, before: before.state, beforeSec: Math.round(beforeMs / 1000), ...author };
    const text = describeEnforcement(now);
    if (isAsDecided(state)) log.info(fields, `in force: ${text}`);
    else {
      const level = state === 'paused' || cause === 'startup' ? 'warn' : 'error';
      log[level]({ ...fields, cause, todo: todoOf(now) }, `NOT IN FORCE: ${text}`);
    }
  }
}

/** What a configuration comes to as soon as its lists are loaded, and nothing else is wrong. */
export const judgeConfiguration = (config: Config, generation: Generation, nowMs: number): Enforcement => {
  const program = {
    isStarted: true,
    workers: { answering: 1, hung: 0 },
    isPaused: false,
    generation,
    config,
    leaking: new Set<undefined>(),
  };
  const remembered = readMandates(join(config.stateDirectory, FILE_NAME));
  return judgeEnforcement(enforcementFacts(program, remembered, nowMs));
};

/** The facts as the judge wants them: of the policy that workers judge by, at a time. */
const enforcementFacts = (
  { isStarted, workers, isPaused, generation, config, leaking }: EnforcementProgram,
  remembered: readonly string[],
  nowMs: number,
): EnforcementFacts => {
  const policy = generation?.policy;
  const named = generation?.lists.filter(({ loaded }) => loaded.header?.mandate === true) ?? [];
  const scopes = new Map(config.groups.map(({ name, outOfScope }) => [name, outOfScope]));
  return {
    isStarted,
    isLoaded: policy !== undefined,
    workers,
    isPaused,
    lists: (policy?.lists ?? []).map(({ id, mandate, logOnly }) => ({
      id,
      isMandate: mandate,
      isLogOnly: logOnly,
    })),
    bound: [...new Set([...named.map(({ id }) => id), ...remembered])],
    groups: (policy?.groups ?? []).map((group) => ({
      name: group.name,
      ...choiceOf(group, policy, nowMs),
      outOfScope: scopes.get(group.name) ?? false,
      // Clients of a listener may be of any group: it is held against all.
      isLeaking: leaking.has(group.name) || leaking.has(undefined),
    })),
    outOfScope: config.compliance.outOfScope,
  };
};

const choiceOf = (
  { lists, scheduled = [] }: PolicyGroup,
  policy: SharedPolicy | undefined,
  nowMs: number,
): { readonly chosen: readonly string[]; readonly outsideHours: readonly string[] } => {
  const inHours = new Set(
    scheduled.filter(({ schedule }) => isInForce(schedule, nowMs)).map(({ list }) => list),
  );
  const outside = new Set(scheduled.map(({ list }) => list).filter((list) => !inHours.has(list)));
  const ids = policy?.lists.map(({ id }) => id) ?? [];
  return {
    chosen: ids.filter((_, bit) => (lists & (1 << bit)) !== 0),
    outsideHours: ids.filter((_, bit) => outside.has(bit)),
  };
};

const fileSchema = z.object({ mandates: z.array(z.string().max(64)).max(MANDATES_MAX) });

/** None where the file cannot be read, of which a log is told. */
const readMandates = (path: string, log?: Log): readonly string[] => {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).mandates;
  } catch (thrown) {
    if (systemErrorCode(thrown) !== 'ENOENT') {
      log?.warn(
        { path, reason: errorText(thrown) },
        'which lists were mandates before this start is not known',
      );
    }
    return [];
  }
};
