// The health of the service put together: what each part is asked for, once a second.
import { systemClock } from '../base/base.ts';
import type { Log } from '../observe/observe.ts';
import type { Changes } from './changes.ts';
import type { ControlDoor } from './control-door.ts';
import type { EnforcementKeeper } from './enforcement-keeper.ts';
import type { Evidence } from './evidence.ts';
import type { FleetLink } from './fleet-link.ts';
import { Health } from './health.ts';
import type { ListenerProof } from './listener-proof.ts';
import type { Outlets } from './outlets.ts';
import type { OperatorPause } from './pause.ts';
import type { RoomDoor } from './room-door.ts';
import type { StateKeeper } from './state-keeper.ts';
import type { StateWatch } from './state-watch.ts';
import type { Supervisor } from './supervisor.ts';
import type { UpstreamWatch } from './upstream-watch.ts';

/** The parts of the service that say something of themselves. */
export interface ServiceHealthParts {
  readonly log: Log;
  monotonic(): number;
  readonly evidence: Evidence;
  readonly pause: OperatorPause;
  readonly enforcement: EnforcementKeeper;
  readonly state: StateKeeper;
  readonly changes: Changes;
  readonly supervisor: Supervisor;
  readonly upstreams: UpstreamWatch;
  readonly fleet: FleetLink;
  readonly proof: ListenerProof;
  readonly room: RoomDoor;
  readonly outlets: Outlets;
  readonly stateWatch: StateWatch;
  controlDoor(): ControlDoor;
}

/** The health of one program. */
export const createHealth = (parts: ServiceHealthParts): Health => {
  const { enforcement, state, changes, supervisor, upstreams, fleet, proof, room, outlets } = parts;
  const { stateWatch, controlDoor, log, monotonic, evidence, pause } = parts;
  return new Health({
    ...{ log, clock: systemClock, monotonic, evidence, pause },
    upMs: () => process.uptime() * 1000,
    enforcement: () => enforcement.current,
    enforcementMs: () => enforcement.clock.currentMs,
    facts: () => ({
      config: state.current.config,
      stateTrouble: stateWatch.trouble,
      workers: supervisor,
      upstreams: upstreams.issues(systemClock()),
      fleet: fleet.facts(),
      tls: proof.tls.facts(state.current.config),
      acme: proof.acme.facts,
      roomCertificateEndMs: room.certificateEndMs,
      hasAdministrator: room.hasAdministrator,
      outlets: outlets.facts(),
      refused: changes.refused?.message,
    }),
    lists: () => controlDoor().shared.lists?.statuses() ?? Promise.resolve([]),
    unreadable: async () => {
      const groups = state.current.config.groups.map(({ name }) => name);
      return (await controlDoor().records.day(groups)).fault;
    },
  });
};
