// The exemptions of the running program: the register, and what workers have of it.
//
// A register that cannot be used costs the exemptions, which the log says: names are refused to everybody then.

import { join } from 'node:path';
import { isAppError, type Part, systemClock } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import {
  compileExemptions,
  type ExemptionIndex,
  formatExemption,
  type SharedExemption,
} from '../../policy/policy.ts';
import type { ExemptionsFor, WorkerExemptions } from '../../resolver/workers/workers.ts';
import type { CounterTotals, ExemptionBlock, Log } from '../../telemetry/observe/observe.ts';
import type { ChangeRecord, RecordedMarks } from '../records/records.ts';
import { formatExemptionProblem } from './problem.ts';
import { adoptStep } from './register-adoption.ts';
import { FLEET_REGISTER_NAME, REGISTER_NAME } from './register-witness.ts';
import { ExemptionService, type ExemptionSettings } from './service.ts';

/** What exemptions are kept with. */
export interface ExemptionKeepingParts {
  readonly log: Log;
  readonly totals: CounterTotals;
  /** Number of workers that should live. */
  readonly workerCount: number;
  /** Where what happens to them is recorded. */
  readonly records: ExemptionRecords;
  /** What a configuration says of them; with `areTextsHeld`, texts change nothing yet. Throws ERR_EXEMPTION_PROFILE. */
  settings(config: Config, areTextsHeld?: boolean): ExemptionSettings;
  /** Of a node of a fleet: the register that its authority decides. */
  nodeRegisterPath(stateDirectory: string): string;
  /** What the records say of a register, as the run before left them; undefined where there are none. */
  readRecorded(service: ExemptionService, config: Config): Promise<RecordedMarks | undefined>;
  /** Puts them in force in all workers. */
  share(exemptionsFor: ExemptionsFor): Promise<void>;
  /** The register has another event. */
  onRegister(): void;
}

/** The records that a register is borne out by. */
interface ExemptionRecords {
  readonly journal: { act(action: string): void };
  note(record: ChangeRecord): void;
  /** What is recorded until now is signed when this resolves. */
  signed(): Promise<void>;
}

/** What came of a step of the fleet's authority. */
type Adopted =
  | { readonly isApplied: true; readonly subject: string }
  | { readonly isApplied: false; readonly subject: string; readonly code: string; readonly reason: string };

/** Of one program. */
export class ExemptionKeeping implements Part<Config> {
  readonly name = 'exemptions';
  readonly #parts: ExemptionKeepingParts;
  /** In force. */
  #config: Config;
  #keeper: ExemptionService | undefined;
  /** As the run before left them. */
  #recorded: RecordedMarks | undefined;
  #blocks: readonly ExemptionBlock[] = [];
  #shared: readonly SharedExemption[] = [];
  #index: ExemptionIndex = compileExemptions([]);
  #changing: Promise<void> = Promise.resolve();
  /** Waits for its turn, and will take everything that was decided until then. */
  #next: Promise<void> | undefined;
  #areTextsHeld = false; // of a fleet's authority, which knows only after its start which papers there are
  /** The fleet's authority was not heard for too long: no exemption holds. */
  #isSuspended = false;

  constructor(config: Config, parts: ExemptionKeepingParts) {
    this.#config = config;
    this.#parts = parts;
  }

  /** Opens before the recorder writes: what it wrote before bears out the register. */
  readonly register: Part<Config> = {
    name: 'register of exemptions',
    open: (config) => this.#openRegister(config),
    close: () => this.#keeper?.close(),
  };

  /** Before any worker lives, so that exemptions hold from the first query on. Throws ERR_EXEMPTION_PROFILE. */
  async open(config: Config): Promise<void> {
    if (config.records.isEnabled) this.#keeper?.judge(this.#recorded);
    this.#recorded = undefined;
    await this.#keeper?.follow(this.#parts.settings(config, this.#areTextsHeld));
  }

  begin(): void {
    this.#keeper?.start();
  }

  prepare(config: Config): void {
    this.#parts.settings(config);
  }

  async follow(config: Config): Promise<void> {
    this.#config = config;
    try {
      await this.#keeper?.follow(this.#parts.settings(config, this.#areTextsHeld));
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      this.#parts.log.error({ err: thrown }, 'exemptions go on with the settings that they had');
    }
  }

  /** As they hold now. */
  get shared(): readonly SharedExemption[] {
    return this.#shared;
  }

  /** Of one worker that starts. */
  readonly ofWorker = (worker: number): WorkerExemptions | undefined => {
    const block = this.#blocks[worker];
    return block === undefined ? undefined : { exemptions: this.#index, block };
  };

  /** The register with its rules; undefined before the start. */
  get service(): ExemptionService | undefined {
    return this.#keeper;
  }

  /** In force. */
  get config(): Config {
    return this.#config;
  }

  /**
   * Copies the register to a path; false where none is kept. Rejects with ERR_EXEMPTION_STORE, and with why a register
   * cannot be used.
   */
  async copyRegister(path: string): Promise<boolean> {
    if (this.#keeper === undefined) return false;
    await this.#keeper.register.copyTo(path);
    // Records that are copied after this bear out the register.
    await this.#parts.records.signed();
    return true;
  }

  /** All papers of the register; none while it cannot be used. */
  papers() {
    const keeper = this.#keeper;
    if (keeper === undefined || !keeper.isUsable) return [];
    const incomplete = keeper.incomplete();
    return keeper.register
      .entries()
      .map(({ paper }) => ({ ...paper, isIncomplete: incomplete.has(paper.id) }));
  }

  /** Ids of granted exemptions that the rules, as they now are, would refuse. */
  incomplete(): ReadonlySet<string> {
    const keeper = this.#keeper;
    return keeper?.isUsable === true ? keeper.incomplete() : new Set();
  }

  /** The decisions that lists rest on. */
  decisions() {
    return this.#keeper?.decisions() ?? [];
  }

  /** For metrics. */
  facts() {
    return { exemptions: this.#keeper?.facts(), decisions: this.#keeper?.decisionDates() ?? [] };
  }

  /** The register itself; undefined while it cannot be used. */
  readRegister(): ExemptionService['register'] | undefined {
    try {
      return this.#keeper?.register;
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      return undefined;
    }
  }

  /** Ids of exemptions that were granted, that no person has ended and whose time is not over: by them, resolvers of a fleet are compared. */
  granted(): string[] {
    const keeper = this.#keeper;
    if (keeper === undefined || !keeper.isUsable) return [];
    const nowMs = systemClock();
    return keeper.register.entries().flatMap(({ paper, history }) => {
      if (Date.parse(paper.until) <= nowMs) return [];
      const isGranted = history.some(({ event }) => event === 'approved');
      const isEnded = history.some(({ event }) => event === 'revoked' || event === 'rejected');
      return isGranted && !isEnded ? [paper.id] : [];
    });
  }

  /** Takes a step of the register of the fleet's authority; done when all workers have what came of it. */
  async adopt(event: { readonly id: string }): Promise<Adopted> {
    const keeper = this.#keeper;
    if (keeper === undefined) throw new RangeError('exemptions: a step of an exemption before the start');
    const [problem] = await keeper.change((register) => adoptStep(register, event, systemClock));
    if (problem === undefined) return { isApplied: true, subject: event.id };
    return {
      isApplied: false,
      subject: event.id,
      code: problem.code,
      reason: formatExemptionProblem(problem),
    };
  }

  /** The register is as long as the log of the fleet: texts can be registered. */
  async takeTexts(): Promise<void> {
    if (!this.#areTextsHeld) return;
    this.#areTextsHeld = false;
    await this.#keeper?.follow(this.#parts.settings(this.#config));
  }

  /** Takes all exemptions out, or puts them back. */
  async suspend(isSuspended: boolean): Promise<void> {
    this.#isSuspended = isSuspended;
    await this.#share();
  }

  async #openRegister(config: Config): Promise<void> {
    const { log, records, onRegister, nodeRegisterPath, readRecorded } = this.#parts;
    const { stateDirectory } = config;
    this.#areTextsHeld = config.fleet?.role === 'authority';
    // What is wrong in the configuration is said before anything is opened.
    this.#parts.settings(config, this.#areTextsHeld);
    const isNode = config.fleet?.role === 'node';
    this.#keeper = ExemptionService.open({
      // What a node decided before it was one is its own, and does not hold in a fleet.
      path: isNode ? nodeRegisterPath(stateDirectory) : join(stateDirectory, REGISTER_NAME),
      name: isNode ? FLEET_REGISTER_NAME : REGISTER_NAME,
      clock: systemClock,
      log,
      onEvent: (record) => {
        if (record.kind === 'exemption' && record.by !== undefined)
          records.journal.act(`exemption-${record.event}`);
        records.note(record);
        onRegister();
      },
      onRegister: (record) => records.note(record),
      onChange: () => this.#share(),
    });
    if (config.records.isEnabled) this.#recorded = await readRecorded(this.#keeper, config);
  }

  /** Hands what the register says to the workers, one change after the other; those that wait go together. */
  #share(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const share = () => {
      this.#next = undefined;
      return this.#shareNow();
    };
    this.#next = this.#changing.then(share, share);
    this.#changing = this.#next;
    return this.#next;
  }

  async #shareNow(): Promise<void> {
    const { totals, workerCount, share } = this.#parts;
    const shared = this.#isSuspended ? [] : (this.#keeper?.toShared() ?? []);
    const exemptions = compileExemptions(shared);
    const before = this.#blocks;
    const ids = shared.map(({ number }) => formatExemption(number));
    const blocks = Array.from({ length: workerCount }, () => totals.openExemptions({ ids }));
    this.#shared = shared;
    this.#index = exemptions;
    this.#blocks = blocks;
    // Workers that do not take them are dead or die; what starts anew takes the new ones.
    await share((index) => ({ exemptions, block: blocks[index] ?? totals.openExemptions({ ids: [] }) }));
    for (const block of before) totals.retireExemptions(block);
  }
}
