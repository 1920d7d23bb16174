// hosts: names in the configuration as addresses: of upstreams, of the sources of lists, and whether the upstreams answer.
//
// Invariants: names are looked up with a DNS implementation that is not ours, through servers that the operator named; what is
// learned is put in force in all workers as a reload is; an address that no longer resolves is kept, and that is told.
export { KeptHosts } from './kept-hosts.ts';
export { createPublicLookup, createStateLookup } from './list-hosts.ts';
export { OwnForwarding } from './own-forwarding.ts';
export { lookUpAddresses } from './upstream-hosts.ts';
export { UpstreamWatch } from './upstream-watch.ts';
