// The metrics of the service put together: what each part is asked for when somebody reads them.
import { VERSION } from '../../base/base.ts';
import { configHash } from '../../config/config.ts';
import type { EnforcementMonitor } from '../../evidence/recording/recording.ts';
import type { Evidence } from '../../people/controls/controls.ts';
import type { Health } from '../../people/health/health.ts';
import type { FeedState, FileReview, KeptLists } from '../../policy/keeping/keeping.ts';
import type { ListenerProof } from '../../resolver/certificates/certificates.ts';
import type { UpstreamWatch } from '../../resolver/hosts/hosts.ts';
import type { TrustAnchorUpdater } from '../../resolver/resolve/resolve.ts';
import type { DescriptorBudget, Supervisor } from '../../resolver/workers/workers.ts';
import {
  type CounterTotals,
  createMetrics,
  type FeedFacts,
  type Metrics,
} from '../../telemetry/observe/observe.ts';
import { datagramKind } from '../../wire/datagram/datagram.ts';
import type { ActiveState } from './active-state.ts';
import type { Changes } from './changes.ts';
import type { ControlRoomPart } from './control-room.ts';
import type { FipsFacts } from './fips.ts';
import type { Outlets } from './outlets.ts';
import { listFacts, sourceFacts } from './program-facts.ts';

/** The parts of the service that are counted. */
export interface ServiceMetricsParts {
  readonly totals: CounterTotals;
  readonly descriptors: DescriptorBudget;
  readonly fips: FipsFacts | undefined;
  /** Queries are taken over QUIC; undefined: nobody wants that. */
  readonly hasQuic: boolean | undefined;
  /** Bytes that the cache of one worker may take. */
  readonly cacheBytes: number;
  readonly enforcement: EnforcementMonitor;
  readonly state: ActiveState;
  readonly changes: Changes;
  readonly lists: KeptLists;
  readonly fileReview: FileReview;
  readonly supervisor: Supervisor;
  readonly proof: ListenerProof;
  readonly room: ControlRoomPart;
  readonly upstreams: UpstreamWatch;
  readonly trust: TrustAnchorUpdater;
  readonly evidence: Evidence;
  readonly outlets: Outlets;
  readonly health: Health;
}

/** The metrics of one program. */
export const createServiceMetrics = (parts: ServiceMetricsParts): Metrics => {
  const { totals, descriptors, fips, hasQuic, cacheBytes, enforcement, state, changes, lists } = parts;
  const { fileReview, supervisor, proof, room, upstreams, trust, evidence, outlets, health } = parts;
  const { count } = supervisor;
  return createMetrics({
    version: VERSION,
    totals,
    enforcement: enforcement.clock,
    lists: () => listFacts(state.current, lists, evidence.recording.journal),
    sources: () => sourceFacts(state.current, lists, fileReview),
    feeds: () => (lists.keeper?.feedStates() ?? []).map(toFeedFacts),
    generation: () => state.current.generation?.policy.generation ?? 0,
    configSha256: () => configHash(state.current.config),
    reloads: () => changes.counts,
    workers: () => supervisor.alive,
    workerRestarts: () => supervisor.restarts,
    workerHangs: () => supervisor.hangs,
    tls: () => proof.tls.facts(state.current.config),
    acme: () => proof.acme.counts,
    roomCertificateEndMs: () => room.certificateEndMs,
    tlsConnectionsLimit: () => count * (descriptors.encrypted?.connectionsMax ?? 0),
    tcpConnectionsLimit: () => count * descriptors.streams.connectionsMax,
    cacheLimitBytes: () => count * cacheBytes,
    routes: () => upstreams.routes(),
    untrusted: () => upstreams.untrusted(),
    anchorsConfirmedMs: () => trust.confirmedMs,
    isUdpBatched: () => datagramKind().isBatched,
    isFips: () => fips !== undefined,
    hasQuic: () => hasQuic,
    dnssecMode: () => trust.mode,
    evidence: () => ({ ...evidence.facts(), ...outlets.facts() }),
    health: () => health.issues,
  });
};

const toFeedFacts = ({ id, state, expires, behind }: FeedState): FeedFacts => ({
  id,
  isCurrent: state === 'current',
  expiresMs: expires === null ? undefined : Date.parse(expires),
  behind: behind.length,
});
