// The evidence of the running program put together: records, register of exemptions, self-probe, and what metrics,
// commands and workers need of them.
//
// None of it is on the way of a query: workers have a ring and a block of counters, and all else happens in the main
// thread and the recorder's. Each part may be missing: a disk that takes nothing costs the records or the exemptions,
// which the log says, and answers and refusals go on.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Controls, RecorderStatus } from '../admin/admin.ts';
import { DIRECTORY_MODE, isAppError, systemClock, VERSION } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import type { Enforcement } from '../enforcement/enforcement.ts';
import { createEventRing } from '../events/events.ts';
import {
  adoptStep,
  ExemptionKeeper,
  FLEET_REGISTER_NAME,
  formatExemptionProblem,
  REGISTER_NAME,
} from '../exemptions/exemptions.ts';
import { type Done, fleetPath } from '../fleet/fleet.ts';
import type { Generation } from '../generation/generation.ts';
import type { CounterTotals, EvidenceFacts, ExemptionBlock, Log } from '../observe/observe.ts';
import {
  compileExemptions,
  type ExemptionIndex,
  formatExemption,
  type SharedExemption,
} from '../policy/policy.ts';
import { ProbeKeeper, type ProbeState } from '../probe/probe.ts';
import type { ChangeRecord, RecalledClient, RecalledWhom } from '../records/records.ts';
import { Recorder, type RecorderFacts } from '../records/thread/thread.ts';
import { createProbeSecret } from '../server/server.ts';
import { AskedCounts } from './asked-counts.ts';
import { ChangeJournal } from './change-journal.ts';
import { createExemptionControl, exemptionSettings } from './exemption-control.ts';
import { LossWatch } from './loss-watch.ts';
import type { WorkerExemptions } from './messages.ts';
import { createRecordControl } from './record-control.ts';
import { RECORDS_NAME, recorderSettings, resolverName, toRecorderStatus } from './record-settings.ts';
import { readRecorded } from './recorded-register.ts';
import type { Supervisor } from './supervisor.ts';

/** The parts of the program that evidence is about. */
export interface EvidenceParts {
  readonly log: Log;
  readonly totals: CounterTotals;
  /** Number of workers that should live. */
  readonly workerCount: number;
  supervisor(): Supervisor;
  /** What is in force; undefined before the lists are. */
  state(): ProbeState | undefined;
  isPaused(): boolean;
  enforcement(): Enforcement;
  /** The self-probe found something. */
  onFound(): void;
  /** For metrics; undefined without a fleet. */
  fleet(): EvidenceFacts['fleet'];
  /** The register has another event. */
  onRegister(): void;
  /** Throws why this resolver of a fleet does not decide on exemptions, or not yet on new ones. */
  requireDecisions(isNew: boolean): void;
  /** The program before this one ended without recording it, and was gone for so long, milliseconds. */
  onCrash(ms: number): void;
}

/** All evidence of one program. */
export class Evidence {
  readonly journal: ChangeJournal;
  /** What the probe shows at the workers' own doors. */
  readonly probeSecret = createProbeSecret();
  readonly losses = new LossWatch(systemClock);
  readonly asked: AskedCounts;
  /** What the self-probe knows of a group. */
  readonly proofOf = (group: string) => this.#probe.proofOf(group);
  /** The groups as which the self-probe got an answer that it should not have had. */
  readonly leakingGroups = () => this.#probe.leakingGroups();
  /** Up to where records are confirmed in a fleet; the recorder's thread reads it. */
  readonly confirmed = new SharedArrayBuffer(CONFIRMED_BYTES);
  readonly #parts: EvidenceParts;
  /** Of all records of this run: the chains have it in their heads. */
  readonly #resolver: string;
  readonly #rings: readonly SharedArrayBuffer[];
  readonly #probe: ProbeKeeper;
  /** In force. */
  #config: Config;
  #recorder: Recorder | undefined;
  #exemptions: ExemptionKeeper | undefined;
  #blocks: readonly ExemptionBlock[] = [];
  #shared: readonly SharedExemption[] = [];
  #index: ExemptionIndex = compileExemptions([]);
  #changing: Promise<void> = Promise.resolve();
  #areTextsHeld = false; // of a fleet's authority, which knows only after its start which papers there are
  /** The fleet's authority was not heard for too long: no exemption holds. */
  #isSuspended = false;

  constructor(config: Config, parts: EvidenceParts) {
    this.#config = config;
    this.#parts = parts;
    this.#resolver = resolverName(config);
    this.asked = new AskedCounts(config.stateDirectory, systemClock);
    const { log, workerCount } = parts;
    this.#rings = config.records.isEnabled
      ? Array.from({ length: workerCount }, () => createEventRing())
      : [];
    this.journal = new ChangeJournal({
      note: (record) => this.#note(record),
      clock: systemClock,
    });
    this.#probe = new ProbeKeeper({
      clock: systemClock,
      log,
      random: Math.random,
      secret: this.probeSecret,
      state: () => parts.state(),
      workers: () => workerCount,
      endpoints: () => parts.supervisor().probeEndpoints(),
      exemptions: () => this.#shared,
      enforcement: () => parts.enforcement(),
      onFound: () => parts.onFound(),
      onRecord: (record) => this.#note(record),
      onAlarm: () => undefined,
      onDirectPort: (port, isOpen) => parts.supervisor().setProbePort(port, isOpen),
    });
  }

  /** Notices losses; to be called once a second. */
  look(): void {
    this.losses.look(this.#recorder?.facts().dropped ?? 0);
  }

  /** The ring of one worker; undefined: nobody keeps records. */
  eventsOf(worker: number): SharedArrayBuffer | undefined {
    return this.#rings[worker];
  }

  /**
   * Opens records and register before any worker lives, so that exemptions hold from the first query on. Throws
   * ERR_EXEMPTION_PROFILE and ERR_APP_RECORDER for what is wrong in the configuration.
   */
  async start(config: Config): Promise<void> {
    const { log } = this.#parts;
    const settings = recorderSettings(config, this.#resolver);
    this.#areTextsHeld = config.fleet?.role === 'authority';
    const exemptions = exemptionSettings(config, this.#areTextsHeld);
    try {
      mkdirSync(config.stateDirectory, { recursive: true, mode: DIRECTORY_MODE });
    } catch (thrown) {
      // The parts that need it say what they miss.
      log.warn({ err: thrown }, 'the state directory cannot be made');
    }
    const isNode = config.fleet?.role === 'node';
    const keeper = ExemptionKeeper.open({
      // What a node decided before it was one is its own, and does not hold in a fleet.
      path: isNode
        ? fleetPath(config.stateDirectory, 'register')
        : join(config.stateDirectory, REGISTER_NAME),
      name: isNode ? FLEET_REGISTER_NAME : REGISTER_NAME,
      clock: systemClock,
      log,
      onEvent: (record) => {
        if (record.kind === 'exemption' && record.by !== undefined)
          this.journal.act(`exemption-${record.event}`);
        this.#note(record);
        this.#parts.onRegister();
      },
      onRegister: (record) => this.#note(record),
      onChange: () => this.#share(),
    });
    this.#exemptions = keeper;
    if (config.records.isEnabled) {
      // As the run before left them: the recorder has not written yet.
      const recorded = await readRecorded(keeper, config, log);
      this.#recorder = Recorder.start({
        directory: join(config.stateDirectory, RECORDS_NAME),
        rings: this.#rings,
        resolver: this.#resolver,
        origin: config.records.origin,
        version: VERSION,
        settings,
        fleet: config.fleet && {
          confirmed: this.confirmed,
          unconfirmedMsMax: config.fleet.unconfirmedMsMax,
          countingKeyPath: fleetPath(config.stateDirectory, 'countingKey'),
        },
        log,
        onCrash: (ms) => this.#parts.onCrash(ms),
      });
      keeper.judge(recorded);
    }
    await keeper.follow(exemptions);
  }

  /** Begins what goes by time: workers live and lists are in force, or tried. */
  begin(): void {
    this.#exemptions?.start();
    this.#probe.start();
  }

  /** What numbers in events will mean; before any worker decides by the generation. */
  define({ policy, lists }: Generation): void {
    this.#recorder?.define({
      generation: policy.generation,
      groups: policy.groups.map(({ name }) => name),
      lists: lists.map(({ id, category, loaded }) => ({
        id,
        category,
        version: loaded.sha256.slice(0, VERSION_LENGTH),
      })),
    });
  }

  /** What is in force is about to change, and has. */
  async whileChanging<Result>(change: () => Promise<Result>): Promise<Result> {
    this.#probe.changing();
    try {
      return await change();
    } finally {
      this.#probe.changed();
    }
  }

  /** Checks what a configuration says of evidence; throws ERR_EXEMPTION_PROFILE and ERR_APP_RECORDER. */
  check(config: Config): void {
    exemptionSettings(config);
    recorderSettings(config, this.#resolver);
  }

  /** Keeps to a configuration that is in force from now on. */
  async follow(config: Config): Promise<void> {
    this.#config = config;
    const { log } = this.#parts;
    try {
      await this.#exemptions?.follow(exemptionSettings(config, this.#areTextsHeld));
      // Not waited for: a disk that hangs holds up the recorder, never a reload.
      this.#recorder?.reconfigure(recorderSettings(config, this.#resolver)).catch((thrown: unknown) => {
        log.error({ err: thrown }, 'the recorder goes on with the settings that it had');
      });
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      log.error({ err: thrown }, 'evidence goes on with the settings that it had');
    }
  }

  /** The exemptions of one worker that starts. */
  readonly exemptionsFor = (worker: number): WorkerExemptions | undefined => {
    const block = this.#blocks[worker];
    return block === undefined ? undefined : { exemptions: this.#index, block };
  };

  /** What of evidence can be asked on the control socket. */
  controls(): Controls {
    const exemptions = this.#exemptions;
    return {
      exemptions:
        exemptions &&
        createExemptionControl(exemptions, {
          config: () => this.#config,
          asked: this.#config.records.isEnabled ? this.asked : undefined,
          requireDecisions: (isNew) => this.#parts.requireDecisions(isNew),
        }),
      probe: this.#probe,
      references: { refusals: (text) => this.recall({ kind: 'reference', text }) },
      records: createRecordControl({
        status: () => this.recorderStatus(),
        recorder: () => this.#recorder,
        acted: () => this.journal.act('reidentify'),
      }),
    };
  }

  /** What was refused lately to a client; undefined when nobody can tell. */
  async recall(whom: RecalledWhom): Promise<RecalledClient | undefined> {
    return this.#recorder?.recall(whom);
  }

  /**
   * Copies the register to a path; false where none is kept. Rejects with ERR_EXEMPTION_STORE, and with why a register
   * cannot be used.
   */
  async copyRegister(path: string): Promise<boolean> {
    if (this.#exemptions === undefined) return false;
    await this.#exemptions.register.copyTo(path);
    // Records that are copied after this bear out the register.
    await this.#recorder?.signed(systemClock());
    return true;
  }

  /** The state of the recorder; undefined when no records are kept. */
  recorderStatus(): RecorderStatus | undefined {
    return toRecorderStatus(this.recordingFacts());
  }

  /** All papers of the register; none while it cannot be used. */
  papers() {
    const keeper = this.#exemptions;
    if (keeper === undefined || !keeper.isUsable) return [];
    const incomplete = keeper.incomplete();
    return keeper.register
      .entries()
      .map(({ paper }) => ({ ...paper, isIncomplete: incomplete.has(paper.id) }));
  }

  /** Ids of granted exemptions that the rules, as they now are, would refuse. */
  incompleteExemptions(): ReadonlySet<string> {
    const keeper = this.#exemptions;
    return keeper?.isUsable === true ? keeper.incomplete() : new Set();
  }

  /** The decisions that lists rest on. */
  decisions() {
    return this.#exemptions?.decisions() ?? [];
  }

  /** What the self-probe does and did. */
  probeStatus() {
    return this.#probe.status();
  }

  /** Runs the self-probe over all names, as the fleet's authority asks. Rejects with ERR_APP_PROBE. */
  async sweep() {
    const { results, ...run } = await this.#probe.sweep();
    const rows = results.map(({ examples: _, ...row }) => row);
    return { ...run, results: rows, examples: results.flatMap(({ examples }) => examples) };
  }

  /** What metrics tell. */
  facts(): EvidenceFacts {
    const { isPaused, state } = this.#parts;
    const lists = state()?.generation.policy.lists ?? [];
    const mode = (isLogOnly: boolean) => (isPaused() ? 'paused' : isLogOnly ? 'log-only' : 'enforce');
    return {
      modes: lists.map(({ id, mandate, logOnly }) => ({ list: id, mandate, mode: mode(logOnly) })),
      exemptions: this.#exemptions?.facts(),
      decisions: this.#exemptions?.decisionDates() ?? [],
      probe: this.#probe.metrics(),
      records: this.recordingFacts(),
      fleet: this.#parts.fleet(),
      actions: this.journal.actions,
      nowMs: systemClock(),
    };
  }

  /** Of the recorder, and of who witnesses its records in a fleet; undefined when no records are kept. */
  recordingFacts(): RecorderFacts | undefined {
    const facts = this.#recorder?.facts();
    const ofFleet = this.#parts.fleet()?.witnesses ?? [];
    return facts === undefined || ofFleet.length === 0
      ? facts
      : { ...facts, witnesses: [...facts.witnesses, ...ofFleet] };
  }

  /** The register of exemptions; undefined while it cannot be used. */
  register(): ExemptionKeeper['register'] | undefined {
    try {
      return this.#exemptions?.register;
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      return undefined;
    }
  }

  /** Takes a step of the register of the fleet's authority; done when all workers have what came of it. */
  async adopt(event: { readonly id: string }): Promise<Done> {
    const keeper = this.#exemptions;
    if (keeper === undefined) throw new RangeError('evidence: a step of an exemption before the start');
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
    await this.#exemptions?.follow(exemptionSettings(this.#config));
  }

  /** Takes all exemptions out, or puts them back. */
  async suspendExemptions(isSuspended: boolean): Promise<void> {
    this.#isSuspended = isSuspended;
    await this.#share();
  }

  /** Number of the last record that was written, by chain. */
  sequences(): { readonly queries: number; readonly changes: number } {
    const sequence = this.#recorder?.facts().sequence;
    return { queries: sequence?.get('queries') ?? 0, changes: sequence?.get('changes') ?? 0 };
  }

  /** Records begin anew: their directory was deleted. */
  async renewRecords(): Promise<void> {
    await this.#recorder?.renew();
  }

  /** Ends everything; the last records are on the disk when this resolves. */
  async stop(): Promise<void> {
    await this.#probe.close();
    this.#exemptions?.close();
    await this.#recorder?.stop();
  }

  #note(record: ChangeRecord): void {
    this.#recorder?.note(record);
  }

  /** Hands what the register says to the workers, one change after the other. */
  #share(): Promise<void> {
    const shared = this.#changing.then(
      () => this.#shareNow(),
      () => this.#shareNow(),
    );
    this.#changing = shared;
    return shared;
  }

  async #shareNow(): Promise<void> {
    const { totals, workerCount, supervisor } = this.#parts;
    const shared = this.#isSuspended ? [] : (this.#exemptions?.toShared() ?? []);
    const exemptions = compileExemptions(shared);
    const before = this.#blocks;
    const ids = shared.map(({ number }) => formatExemption(number));
    const blocks = Array.from({ length: workerCount }, () => totals.openExemptions({ ids }));
    this.#shared = shared;
    this.#index = exemptions;
    this.#blocks = blocks;
    // Workers that do not take them are dead or die; what starts anew takes the new ones.
    await this.whileChanging(() =>
      supervisor().setExemptions((index) => ({ exemptions, block: blocks[index] ?? EMPTY_BLOCK(totals) })),
    );
    for (const block of before) totals.retireExemptions(block);
  }
}

/** One number for each chain and one for the heads. */
const CONFIRMED_BYTES = 3 * Float64Array.BYTES_PER_ELEMENT;
/** Digits of a list's hash in records. */
const VERSION_LENGTH = 12;

const EMPTY_BLOCK = (totals: CounterTotals): ExemptionBlock => totals.openExemptions({ ids: [] });
