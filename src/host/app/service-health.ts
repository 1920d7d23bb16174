// The health of the service put together: what each part is asked for, once a second.

import { systemClock } from '../../base/base.ts';
import type { EnforcementMonitor } from '../../evidence/recording/recording.ts';
import type { Controls } from '../../people/admin/admin.ts';
import type { Evidence, OperatorPause, OverviewRecords } from '../../people/controls/controls.ts';
import { ForwarderWatch, Health } from '../../people/health/health.ts';
import type { KeptLists } from '../../policy/keeping/keeping.ts';
import type { LeaseReading } from '../../policy/leases/leases.ts';
import type { ListenerProof } from '../../resolver/certificates/certificates.ts';
import type { UpstreamWatch } from '../../resolver/hosts/hosts.ts';
import type { Supervisor } from '../../resolver/workers/workers.ts';
import type { CounterTotals, Log } from '../../telemetry/observe/observe.ts';
import type { ActiveState } from './active-state.ts';
import type { Changes } from './changes.ts';
import type { ControlRoomPart } from './control-room.ts';
import type { FleetLink } from './fleet-link.ts';
import type { Outlets } from './outlets.ts';
import type { StateWatch } from './state-watch.ts';

/** The parts of the service that say something of themselves. */
export interface ServiceHealthParts {
  readonly log: Log;
  monotonic(): number;
  readonly evidence: Evidence;
  readonly pause: OperatorPause;
  readonly enforcement: EnforcementMonitor;
  readonly state: ActiveState;
  readonly changes: Changes;
  readonly supervisor: Supervisor;
  readonly totals: CounterTotals;
  readonly upstreams: UpstreamWatch;
  readonly fleet: FleetLink;
  readonly proof: ListenerProof;
  readonly room: ControlRoomPart;
  readonly outlets: Outlets;
  readonly stateWatch: StateWatch;
  readonly lists: Pick<NonNullable<Controls['lists']>, 'statuses'>;
  readonly kept: KeptLists;
  readonly leases: LeaseReading;
  /** What is read of records on the disk. */
  readonly records: OverviewRecords;
}

/** The health of one program. */
export const createHealth = (parts: ServiceHealthParts): Health => {
  const { enforcement, state, changes, supervisor, upstreams, fleet, proof, room, outlets } = parts;
  const { stateWatch, lists, kept, records, log, monotonic, pause, leases } = parts;
  const { recording, exemptions, probe, facts } = parts.evidence;
  const forwarders = new ForwarderWatch(parts.totals, () => state.current.config, systemClock);
  return new Health({
    ...{ log, clock: systemClock, monotonic, pause },
    evidence: {
      facts,
      recordingFacts: () => recording.facts(),
      incompleteExemptions: () => exemptions.incomplete(),
      proofOf: (group) => probe.proofOf(group),
      losses: recording.losses,
    },
    upMs: () => process.uptime() * 1000,
    enforcement: () => enforcement.current,
    enforcementMs: () => enforcement.clock.currentMs,
    facts: () => ({
      config: state.current.config,
      stateTrouble: stateWatch.trouble,
      workers: supervisor,
      upstreams: upstreams.issues(systemClock()),
      forwarders: [...forwarders.issues(), ...leases.issues()],
      fleet: fleet.facts(),
      tls: proof.tls.facts(state.current.config),
      acme: proof.acme.facts,
      roomCertificateEndMs: room.certificateEndMs,
      hasAdministrator: room.hasAdministrator,
      outlets: outlets.facts(),
      refused: changes.refused?.message,
      feeds: kept.keeper?.feedStates() ?? [],
      standings: kept.keeper?.standings() ?? new Map(),
    }),
    lists: () => lists.statuses(),
    unreadable: async () => {
      const groups = state.current.config.groups.map(({ name }) => name);
      return (await records.day(groups)).fault;
    },
  });
};
