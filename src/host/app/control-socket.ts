// The control socket of the program: what each of its operations reaches.

import { join } from 'node:path';
import { isAppError, systemClock } from '../../base/base.ts';
import { LogSearcher } from '../../evidence/query-log/query-log.ts';
import {
  type ActShown,
  CONTROL_SOCKET_NAME,
  type ControlSocket,
  type Controls,
  openControlSocket,
  SocketUsers,
  type Spend,
} from '../../people/admin/admin.ts';
import {
  type ConfigurationSource,
  type ConfigurationTexts,
  createConfigurationControl,
} from '../../people/configuration/configuration.ts';
import {
  clientsOf,
  createEvidenceControls,
  createServiceControl,
  Overview,
  type OverviewRecords,
  Queries,
  type ReportStore,
  type ServiceParts,
  type TriedChanges,
} from '../../people/controls/controls.ts';
import { explainLive } from '../../resolver/inquiry/inquiry.ts';
import { describeEnforcement } from '../../telemetry/enforcement/enforcement.ts';
import { type Log, ServiceRates } from '../../telemetry/observe/observe.ts';
import type { ActiveState } from './active-state.ts';
import type { Changes } from './changes.ts';
import { requireFips } from './fips.ts';
import type { FleetLink } from './fleet-link.ts';
import type { Outlets } from './outlets.ts';
import type { Part } from './part.ts';

/** The parts of the program that can be reached. */
export interface ControlSocketNeeds extends Omit<ServiceParts, 'lists' | 'copyRoom' | 'state' | 'changes'> {
  readonly state: ActiveState;
  readonly changes: Changes;
  readonly log: Log;
  readonly lists: NonNullable<Controls['lists']>;
  readonly trying: TriedChanges;
  /** What the overview reads of records on the disk. */
  readonly records: OverviewRecords;
  readonly fleet: FleetLink;
  readonly outlets: Pick<Outlets, 'checkOf'>;
  readonly source: ConfigurationSource;
  readonly store: ReportStore;
  /** Texts of configurations that are kept. */
  readonly texts: ConfigurationTexts;
  /** Of the control room, while there is one. */
  readonly room: {
    /** What it answers on the socket. */
    readonly controls: Controls;
    readonly acts: readonly ActShown[];
    readonly spend: Spend | undefined;
    copyTo(path: string): Promise<boolean>;
  };
}

/** Where decisions come in. Without it the service does all its work; only the command cannot decide. */
export class ControlSocketPart implements Part {
  readonly name = 'control socket';
  readonly #parts: ControlSocketNeeds;
  readonly #users = new SocketUsers();
  readonly #searcher = new LogSearcher();
  #socket: ControlSocket | undefined;
  #shared: Controls | undefined;

  constructor(parts: ControlSocketNeeds) {
    this.#parts = parts;
  }

  /** What can be asked on the socket, and in the control room by people with a role. */
  get shared(): Controls {
    this.#shared ??= this.#createShared();
    return this.#shared;
  }

  #createShared(): Controls {
    const { directory, supervisor, state, changes, lists, trying, pause, trust, evidence, fleet } =
      this.#parts;
    const { totals, enforcement, room, source, texts, health, records, outlets } = this.#parts;
    const explaining = {
      supervisor,
      state: () => state.current,
      validation: () => trust.mode,
      isPaused: () => state.isPauseApplied,
    };
    const overview = new Overview({
      clock: systemClock,
      agency: () => state.current.config.agency,
      stateDirectory: directory,
      ...{ evidence, pause, lists },
      rates: new ServiceRates(totals, () => performance.now()),
      state: () => state.current,
      enforcement: () => enforcement.current,
      ...{ health, records },
      acts: () => room.acts,
    });
    const queries = new Queries({
      config: () => state.current.config,
      stateDirectory: directory,
      clock: systemClock,
      monotonic: () => performance.now(),
      recorder: () => evidence.recording.recorder,
      counts: () => evidence.facts().queryLog,
      searcher: this.#searcher,
      acted: () => evidence.recording.journal.act('queries-searched'),
    });
    return {
      service: createServiceControl({
        ...this.#parts,
        lists: () => lists.statuses(),
        copyRoom: (path) => this.#parts.room.copyTo(path),
      }),
      lists,
      overview,
      queries,
      reports: this.#parts.store,
      configuration: createConfigurationControl({
        ...{ source, texts, changes },
        trying,
        require: (config) => void requireFips(config),
        inForce: () => state.current.config,
        generation: () => state.current.generation?.policy.generation ?? 0,
        list: (id) => {
          const facts = state.current.generation?.lists.find((list) => list.id === id);
          return facts && { mandate: facts.mandate, entries: facts.loaded.entries };
        },
        enforcementText: () => describeEnforcement(enforcement.current),
        note: (action, by, reason, detail) => evidence.recording.journal.admin(action, by, reason, detail),
      }),
      pause,
      explain: { explain: (asked) => explainLive(explaining, asked) },
      fleet: fleet.running,
      ...createEvidenceControls(evidence, {
        checkOf: (reference) => outlets.checkOf(reference),
        clientsOf: async (reference) => {
          const found = await clientsOf(directory, reference, systemClock);
          return found.clients.length > 0 ? found : queries.clientsOf(reference);
        },
      }),
    };
  }

  /** Opens it, anew where it was open before. */
  async open(): Promise<void> {
    const { directory, log, room, changes } = this.#parts;
    await this.close();
    // Whoever finds the socket finds what it runs with.
    await changes.keep();
    const controls = () => ({ ...this.shared, ...room.controls });
    try {
      this.#socket = await openControlSocket({
        path: join(directory, CONTROL_SOCKET_NAME),
        openTo: this.#parts.state.current.config.admin.socket,
        userOf: (socket) => this.#users.find(socket),
        ...{ controls, log },
        spend: () => room.spend,
      });
    } catch (error) {
      if (!isAppError(error)) throw error;
      log.warn({ err: error }, 'no control socket');
    }
  }

  async close(): Promise<void> {
    this.#searcher.close();
    this.#parts.trying.close();
    await this.#socket?.close();
  }
}
