// The fleet of the running program: what its policy puts in force here, and what it is told of this resolver.
//
// Without the key `fleet` nothing is loaded and every method does nothing. A fleet that cannot be begun, because the resolver
// was never taken in or a key is not there, costs the fleet and nothing else: the log says so, and names are refused as before.
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AppError, errorText, isAppError, systemClock, VERSION } from '../../base/base.ts';
import type { Config } from '../../config/config.ts';
import type { ExemptionKeeping } from '../../evidence/exemptions/exemptions.ts';
import type { ProbeScheduler } from '../../evidence/probe/probe.ts';
import type { RecordKeeping } from '../../evidence/recording/recording.ts';
import { RECORDS_NAME } from '../../evidence/recording/recording.ts';
import {
  type Done,
  type FleetActs,
  type FleetFacts,
  fleetPath,
  type RunningFleet,
  readOverlays,
  startFleet,
  writeOverlays,
} from '../../fleet/fleet.ts';
import type { OperatorPause } from '../../people/controls/controls.ts';
import type { KeptLists } from '../../policy/keeping/keeping.ts';
import { describeEnforcement, type Enforcement } from '../../telemetry/enforcement/enforcement.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import type { ActiveState } from './active-state.ts';
import type { Changes } from './changes.ts';
import { ListGiving } from './list-giving.ts';
import type { Part } from './part.ts';

/** The parts of the program that a fleet concerns. */
export interface FleetLinkParts {
  readonly log: Log;
  readonly recording: RecordKeeping;
  readonly exemptions: ExemptionKeeping;
  readonly probe: Pick<ProbeScheduler, 'sweep'>;
  readonly changes: Changes;
  readonly state: ActiveState;
  readonly lists: KeptLists;
  readonly pause: Pick<OperatorPause, 'adopt' | 'msMax'>;
  enforcement(): Enforcement;
  monotonic(): number;
}

/** Between two looks for lists that nodes are to be given, milliseconds. */
const LISTS_MS = 2_000;

/** A fleet, or none. */
export class FleetLink implements Part {
  readonly name = 'fleet';
  readonly #parts: FleetLinkParts;
  #fleet: RunningFleet | undefined;
  /** The role of the configuration; undefined: no fleet. */
  #role: 'authority' | 'node' | undefined;
  #listTimer: NodeJS.Timeout | undefined;
  /** Lists whose content the nodes are given. */
  #given: readonly string[] = [];

  constructor(parts: FleetLinkParts) {
    this.#parts = parts;
  }

  /** What runs; undefined where there is no fleet. */
  get running(): RunningFleet | undefined {
    return this.#fleet;
  }

  /** Begins what the configuration says. */
  async open({ fleet, stateDirectory, records }: Config): Promise<void> {
    if (fleet === undefined) return;
    const { log, recording, exemptions, probe } = this.#parts;
    this.#role = fleet.role;
    try {
      this.#fleet = await startFleet({
        stateDirectory,
        role: fleet.role,
        servers: fleet.servers,
        caPath: fleet.caPath,
        trust: fleet.trust,
        site: fleet.site,
        checkpointMs: fleet.checkpointMs,
        suspendAfterMs: fleet.suspendExemptionsAfterMs,
        acts: this.#acts(),
        recordsDirectory: records.isEnabled ? join(stateDirectory, RECORDS_NAME) : undefined,
        confirmed: recording.confirmed,
        register: () => exemptions.readRegister(),
        probe: () => sweep(probe),
      });
      this.#given = fleet.lists;
      if (fleet.role === 'authority') {
        const { state } = this.#parts;
        const giving = new ListGiving({ log, current: () => state.current, fleet: () => this.#fleet });
        this.#listTimer = setInterval(() => void giving.give(this.#given), LISTS_MS);
        this.#listTimer.unref();
      }
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      log.error({ err: thrown }, 'fleet: this resolver goes on by itself');
    }
  }

  /** The register has something new. */
  registerChanged(): void {
    this.#fleet?.registerChanged();
  }

  /** Throws ERR_FLEET_NODE, ERR_FLEET_HOLD, ERR_FLEET_FORK and ERR_FLEET_REPLACED, where exemptions are decided elsewhere or later. */
  requireDecisions(isNew: boolean): void {
    if (this.#role === 'node') {
      throw new AppError('ERR_FLEET_NODE', 'deciding on an exemption: this resolver is a node of a fleet', {
        hint: 'Decide at the authority: what it decides holds here within a second.',
      });
    }
    this.#fleet?.requireDecisions(isNew);
  }

  /** What was refused is tried again, and other lists are given. */
  follow({ fleet }: Config): void {
    this.#given = fleet?.lists ?? [];
    this.#fleet?.reloaded();
  }

  /** What is known of the witnesses of the records; none without a fleet. */
  get witnesses(): FleetFacts['witnesses'] {
    return this.#fleet?.witnesses ?? [];
  }

  /** For metrics; undefined without a fleet. */
  facts(): FleetFacts | undefined {
    return this.#fleet?.facts();
  }

  async close(): Promise<void> {
    clearInterval(this.#listTimer);
    await this.#fleet?.stop();
  }

  /** The content of a list lies where a `file:` of the configuration has it. */
  async #putList(id: string, path: string): Promise<Done> {
    const { changes } = this.#parts;
    const isRead = changes.wanted.lists.some(({ source }) => source.kind === 'file' && source.path === path);
    if (!isRead) {
      const reason = `no list of the configuration has "file: ${path}"`;
      return { isApplied: false, subject: id, code: 'ERR_FLEET_LIST', reason };
    }
    const error = await changes.reload(`the fleet gave another content of the list ${id}`);
    if (error === undefined) return { isApplied: true, subject: id };
    return { isApplied: false, subject: id, code: error.code, reason: errorText(error) };
  }

  /** All of an overlay holds or none of it: what was there before is put back. */
  async #layOver(yamls: readonly string[]): Promise<Done> {
    const { changes, state } = this.#parts;
    const { stateDirectory } = state.current.config;
    const before = readOverlays(stateDirectory);
    if (isDeepStrictEqual(before, yamls)) return { isApplied: true };
    writeOverlays(stateDirectory, yamls);
    const error = await changes.reload('the fleet set an overlay');
    if (error === undefined) return { isApplied: true };
    writeOverlays(stateDirectory, before);
    return { isApplied: false, code: error.code, reason: errorText(error) };
  }

  /** Refusals are suspended as long as this resolver's own configuration allows. */
  async #pause(pause: Parameters<FleetActs['pause']>[0]): Promise<Done> {
    try {
      await this.#parts.pause.adopt(pause);
      return { isApplied: true };
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      return { isApplied: false, code: thrown.code, reason: errorText(thrown) };
    }
  }

  /** Lists by what they are called in the fleet: at a node by the file that it was given, at the authority by themselves. */
  #lists(): Map<string, string> {
    const { config, generation } = this.#parts.state.current;
    const directory = fleetPath(config.stateDirectory, 'lists');
    const lists = new Map<string, string>();
    for (const { id, loaded } of generation?.lists ?? []) {
      const source = config.lists.find((list) => list.id === id)?.source;
      const isGiven = source?.kind === 'file' && dirname(source.path) === directory;
      if (this.#role === 'authority') lists.set(id, loaded.sha256);
      else if (isGiven) lists.set(basename(source.path), loaded.sha256);
    }
    return lists;
  }

  #acts(): FleetActs {
    const { log, recording, exemptions, state, monotonic } = this.#parts;
    return {
      exemption: (event) => exemptions.adopt(event),
      list: (list, path) => this.#putList(list.id, path),
      overlays: (yamls) => this.#layOver(yamls),
      pause: (pause) => this.#pause(pause),
      pauseMsMax: () => this.#parts.pause.msMax,
      suspend: (isSuspended) => exemptions.suspend(isSuspended),
      decides: () => exemptions.takeTexts(),
      note: (note) => recording.journal.fleet(note),
      damaged: (file, text) => recording.journal.damaged(file, text),
      facts: () => ({
        version: VERSION,
        generation: state.current.generation?.policy.generation ?? 0,
        state: describeEnforcement(this.#parts.enforcement()),
        enforcement: this.#parts.enforcement().state,
        records: recording.sequences(),
      }),
      contents: () => ({
        lists: this.#lists(),
        overlays: readOverlays(state.current.config.stateDirectory),
        exemptions: exemptions.granted(),
      }),
      log,
      clock: systemClock,
      monotonic,
    };
  }
}

/** Runs the self-probe over all names, as the fleet's authority asks. Rejects with ERR_APP_PROBE. */
const sweep = async (probe: Pick<ProbeScheduler, 'sweep'>) => {
  const { results, ...run } = await probe.sweep();
  const rows = results.map(({ examples: _, ...row }) => row);
  return { ...run, results: rows, examples: results.flatMap(({ examples }) => examples) };
};
