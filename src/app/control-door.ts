// The control socket of the program: what each of its operations reaches.
import { join } from 'node:path';
import {
  CONTROL_SOCKET_NAME,
  type ControlSocket,
  type Controls,
  type ListControl,
  openControlSocket,
  type ServiceControl,
} from '../admin/admin.ts';
import { isAppError } from '../base/base.ts';
import type { FileReview } from '../lists/keeping/keeping.ts';
import type { Log } from '../observe/observe.ts';
import type { TrustKeeper } from '../resolve/resolve.ts';
import type { Changes } from './changes.ts';
import type { Evidence } from './evidence.ts';
import { explainLive } from './explain-live.ts';
import type { FleetLink } from './fleet-link.ts';
import type { KeptLists } from './kept-lists.ts';
import { createListControl } from './list-control.ts';
import type { OperatorPause } from './pause.ts';
import type { StateKeeper } from './state-keeper.ts';
import type { Supervisor } from './supervisor.ts';

/** The parts of the program that can be reached. */
export interface ControlDoorParts {
  /** The state directory. */
  readonly directory: string;
  readonly log: Log;
  readonly supervisor: Supervisor;
  readonly state: StateKeeper;
  readonly changes: Changes;
  readonly lists: KeptLists;
  readonly fileReview: FileReview;
  readonly pause: OperatorPause;
  readonly trust: TrustKeeper;
  readonly evidence: Evidence;
  readonly fleet: FleetLink;
  /** What the control room answers on the socket; none while there is no room. */
  ofRoom(): Controls;
  /** What the service says of itself, with the statuses of its lists. */
  service(lists: ListControl['statuses']): ServiceControl;
}

/** Where decisions come in. Without it the service does all its work; only the command cannot decide. */
export class ControlDoor {
  readonly #parts: ControlDoorParts;
  #socket: ControlSocket | undefined;
  #shared: Controls | undefined;

  constructor(parts: ControlDoorParts) {
    this.#parts = parts;
  }

  /** What can be asked on the socket, and in the control room by people with a role. */
  get shared(): Controls {
    this.#shared ??= this.#createShared();
    return this.#shared;
  }

  #createShared(): Controls {
    const { supervisor, state, changes, lists, fileReview, pause, trust, evidence, fleet } = this.#parts;
    const explaining = {
      supervisor,
      state: () => state.current,
      validation: () => trust.mode,
      isPaused: () => pause.isPaused,
    };
    const listControl = createListControl({
      candidates: () => supervisor.candidates(),
      lists: () => changes.wanted.lists,
      generation: () => state.current.generation,
      keeper: () => lists.keeper,
      fileReview,
      renew: () => changes.renew(),
      decided: (event, list, sha256, author) => evidence.journal.decided(event, list, sha256, author),
      reload: () => changes.reload('a decision on a list came over the control socket'),
    });
    return {
      service: this.#parts.service(listControl.statuses),
      lists: listControl,
      pause,
      explain: { explain: (asked) => explainLive(explaining, asked) },
      fleet: fleet.running,
      ...evidence.controls(),
    };
  }

  /** Opens it, anew where it was open before. */
  async open(): Promise<void> {
    const { directory, log, ofRoom } = this.#parts;
    await this.close();
    const controls = () => ({ ...this.shared, ...ofRoom() });
    try {
      this.#socket = await openControlSocket({ path: join(directory, CONTROL_SOCKET_NAME), controls, log });
    } catch (error) {
      if (!isAppError(error)) throw error;
      log.warn({ err: error }, 'no control socket');
    }
  }

  async close(): Promise<void> {
    await this.#socket?.close();
  }
}
