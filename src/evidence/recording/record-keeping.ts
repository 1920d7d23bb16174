// The records of the running program: the recorder, what it is handed, and what is known of it.
//
// None of it is on the way of a query: workers have a ring, and all else happens in the main thread and the recorder's. A disk
// that takes nothing costs the records, which the log says, and answers and refusals go on.

import { join } from 'node:path';
import { type AppError, isAppError, type Part, systemClock, VERSION } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import { forwarderNames } from '../../policy/access/access.ts';
import type { Generation } from '../../policy/generation/generation.ts';
import { createEventRing } from '../../telemetry/events/events.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import {
  type ChangeRecord,
  type GenerationFacts,
  type RecalledClient,
  type RecalledWhom,
  readOwnKey,
} from '../records/records.ts';
import { Recorder, type RecorderFacts } from '../records-thread/records-thread.ts';
import { ChangeJournal } from './change-journal.ts';
import { LossWatch } from './loss-watch.ts';
import { RECORDS_NAME, recorderSettings, resolverName } from './record-settings.ts';

/** One number for each chain and one for the heads. */
const CONFIRMED_BYTES = 3 * Float64Array.BYTES_PER_ELEMENT;
/**
 * How long the first answer waits at most for what witnesses know of the records, milliseconds: no client has given up by then
 * that asks again after five seconds, as resolv.conf(5) has it.
 */
const WITNESSED_MS_MAX = 2_000;
/** Digits of a list's hash in records. */
const VERSION_LENGTH = 12;

/** What records are kept with. */
export interface RecordKeepingParts {
  readonly log: Log;
  /** Number of workers that should live. */
  readonly workerCount: number;
  /** The program before this one ended without recording it, and was gone for so long, milliseconds. */
  onCrash(ms: number): void;
  /** Where the key lies that a fleet counts clients with. */
  countingKeyPath(stateDirectory: string): string;
  /** Who witnesses the records in a fleet. */
  fleetWitnesses(): RecorderFacts['witnesses'];
}

/** What the numbers of a generation mean. */
export const namesOf = ({ policy, access, lists }: Generation): GenerationFacts => ({
  generation: policy.generation,
  groups: policy.groups.map(({ name }) => name),
  forwarders: forwarderNames(access),
  lists: lists.map(({ id, category, loaded }) => ({
    id,
    category,
    version: loaded.sha256.slice(0, VERSION_LENGTH),
  })),
});

/** Of one program. */
export class RecordKeeping implements Part<Config> {
  readonly name = 'records';
  readonly journal: ChangeJournal;
  readonly losses = new LossWatch(systemClock);
  /** Up to where records are confirmed in a fleet; the recorder's thread reads it. */
  readonly confirmed = new SharedArrayBuffer(CONFIRMED_BYTES);
  readonly #parts: RecordKeepingParts;
  /** Of all records of this run: the chains have it in their heads. */
  readonly #resolver: string;
  readonly #rings: readonly SharedArrayBuffer[];
  #recorder: Recorder | undefined;
  /** Records were signed before this start: a witness may know of them. */
  #wasSigned = false;

  constructor(config: Config, parts: RecordKeepingParts) {
    this.#parts = parts;
    this.#resolver = resolverName(config);
    this.#rings = config.records.isEnabled
      ? Array.from({ length: parts.workerCount }, () => createEventRing())
      : [];
    this.journal = new ChangeJournal({ note: (record) => this.note(record), clock: systemClock });
  }

  /** Undefined when no records are kept. */
  get recorder(): Recorder | undefined {
    return this.#recorder;
  }

  /** Throws ERR_APP_RECORDER for what is wrong in the configuration. */
  open(config: Config): void {
    const settings = recorderSettings(config, this.#resolver);
    if (!config.records.isEnabled) return;
    const { log, onCrash, countingKeyPath } = this.#parts;
    const directory = join(config.stateDirectory, RECORDS_NAME);
    this.#wasSigned = readOwnKey(directory) !== undefined;
    this.#recorder = Recorder.start({
      directory,
      rings: this.#rings,
      resolver: this.#resolver,
      origin: config.records.origin,
      version: VERSION,
      settings,
      fleet: config.fleet && {
        confirmed: this.confirmed,
        unconfirmedMsMax: config.fleet.unconfirmedMsMax,
        countingKeyPath: countingKeyPath(config.stateDirectory),
      },
      log,
      onCrash,
    });
  }

  /** What witnesses know is told, or they took too long to say it; at once where there are none, and before a first start. */
  async witnessed(): Promise<void> {
    if (this.#recorder === undefined || !this.#wasSigned) return;
    if (await this.#recorder.witnessed(WITNESSED_MS_MAX)) return;
    this.#parts.log.warn(
      { ms: WITNESSED_MS_MAX },
      'witnesses did not say what they know in time; queries are answered all the same',
    );
  }

  look(): void {
    this.losses.look(this.#recorder?.facts().dropped ?? 0);
  }

  prepare(config: Config): void {
    recorderSettings(config, this.#resolver);
  }

  follow(config: Config): void {
    const { log } = this.#parts;
    const stays = (thrown: unknown): void =>
      log.error({ err: thrown }, 'the recorder goes on with the settings that it had');
    try {
      // Not waited for: a disk that hangs holds up the recorder, never a reload.
      this.#recorder?.reconfigure(recorderSettings(config, this.#resolver)).catch(stays);
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      stays(thrown satisfies AppError);
    }
  }

  /** The last records are on the disk when this resolves. */
  async close(): Promise<void> {
    await this.#recorder?.stop();
  }

  /** The ring of one worker; undefined: nobody keeps records. */
  eventsOf(worker: number): SharedArrayBuffer | undefined {
    return this.#rings[worker];
  }

  /** What numbers in events will mean; before any worker decides by the generation. */
  define(facts: GenerationFacts): void {
    this.#recorder?.define(facts);
  }

  /** Takes a record; it may be dropped and counted, never waited for. */
  note(record: ChangeRecord): void {
    this.#recorder?.note(record);
  }

  /** What was refused lately to a client; undefined when nobody can tell. */
  async recall(whom: RecalledWhom): Promise<RecalledClient | undefined> {
    return this.#recorder?.recall(whom);
  }

  /** What is recorded until now is signed when this resolves. */
  async signed(): Promise<void> {
    await this.#recorder?.signed(systemClock());
  }

  /** Records begin anew: their directory was deleted. */
  async renew(): Promise<void> {
    await this.#recorder?.renew();
  }

  /** Of the recorder, and of who witnesses its records in a fleet; undefined when no records are kept. */
  facts(): RecorderFacts | undefined {
    const facts = this.#recorder?.facts();
    const ofFleet = this.#parts.fleetWitnesses();
    return facts === undefined || ofFleet.length === 0
      ? facts
      : { ...facts, witnesses: [...facts.witnesses, ...ofFleet] };
  }

  /** Number of the last record that was written, by chain. */
  sequences(): { readonly queries: number; readonly changes: number } {
    const sequence = this.#recorder?.facts().sequence;
    return { queries: sequence?.get('queries') ?? 0, changes: sequence?.get('changes') ?? 0 };
  }
}
