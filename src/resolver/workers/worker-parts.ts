// What a worker decides with, made of its settings: the rules of its pipeline, and its upstreams.
//
// `cordon explain` makes the same of the same settings where no program runs.

import { systemClock } from '../../base/base.ts';
import { Clients } from '../../policy/access/access.ts';
import { Policy } from '../../policy/policy.ts';
import { DeviceCheck, LocalRecords, LocalZones } from '../local/local.ts';
import { type PipelineRules, RebindingGuard } from '../pipeline/pipeline.ts';
import { PROBE_ZONE, reverseZoneOf } from '../resolve/resolve.ts';
import { Forwarding, type OwnPorts, type UpstreamObserver, VIEW_DEFAULT } from '../upstream/upstream.ts';
import type { WorkerSettings } from './messages.ts';

/**
 * Questions to upstreams for each that waits in the pipeline: validation asks for keys beside it. The pipeline's limit
 * of in-flight queries decides which one is evicted, so that nothing below it may be full before.
 */
const QUESTIONS_PER_QUERY = 2;

/** The upstreams of a worker. */
export const createForwarding = (
  settings: WorkerSettings,
  observer: UpstreamObserver,
  ownPorts?: OwnPorts,
): Forwarding =>
  new Forwarding({
    routes: settings.routes,
    timeoutMs: settings.timeoutMs,
    tryTimeoutMs: settings.tryTimeoutMs,
    inflightMax: settings.inflightMax * QUESTIONS_PER_QUERY,
    inflightPerServerMax: settings.inflightPerServerMax,
    cookies: settings.cookies,
    mixedCase: settings.mixedCase,
    clock: systemClock,
    observer,
    ...(ownPorts && { ownPorts }),
  });

/** Questions that may wait: no more than the servers of everybody may be asked at a time. */
const roomOf = ({ routes, inflightMax, inflightPerServerMax }: WorkerSettings): number => {
  const root = routes.find(({ zone, view }) => zone.length === 1 && view === VIEW_DEFAULT);
  return Math.min(inflightMax, inflightPerServerMax * Math.max(1, root?.servers.length ?? 1));
};

/** The rules of a worker's pipeline. */
export const toRules = (settings: WorkerSettings): PipelineRules => ({
  policy: settings.policy === undefined ? undefined : new Policy(settings.policy, systemClock()),
  clients: new Clients(settings.access),
  localZones: new LocalZones(
    [
      ...settings.routes.map((route) => route.zone).filter((zone) => zone.length > 1),
      // What is under a private prefix is known to the translation, which answers what is not.
      ...(settings.resolution.dns64 === undefined ? [] : [reverseZoneOf(settings.resolution.dns64.prefix)]),
    ],
    settings.designated,
    new LocalRecords(settings.resolution.local),
    // It lies below a name that does not exist for anybody else.
    PROBE_ZONE,
    settings.check && new DeviceCheck(settings.check),
  ),
  ttlLimits: settings.ttlLimits,
  stale: settings.stale,
  prefetch: settings.prefetch,
  rebinding: settings.rebindingAllowed && new RebindingGuard(settings.rebindingAllowed),
  structured: settings.structured,
  fairness: {
    inflightMax: roomOf(settings),
    share: settings.clientShareMax,
    zoneShare: settings.zoneShareMax,
  },
});
