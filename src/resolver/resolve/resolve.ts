// resolve: what stands between the pipeline of a worker and its upstreams, and by which keys it judges what they say.
//
// Invariants: the chain stands in one list (chain.ts), and what is off is not in it; what is made up on the way (DNS64,
// the zone of the self-probe) is cached and judged as if an upstream had said it, and never called secure.
// RFCs 4035, 5011, 6147, 6840.
export { createResolver, type ResolutionSettings, type ValidationMode } from './chain.ts';
export { reverseZoneOf } from './dns64.ts';
export { PROBE_ZONE, ProbeZone } from './probe-zone.ts';
export { readTrustAnchors, TrustAnchorUpdater } from './trust.ts';
