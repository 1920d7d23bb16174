// leases: which device has an address at the time, by what DHCP servers and operators' own files say.
//
// Invariants: nobody is believed beyond the networks that the configuration gives a source; what is no lease, has ended, or
// names two devices for one address names nobody; reading is bounded in bytes and time, beside the path of queries, and
// a source that fails is told of. Kea (memfile, control socket), ISC dhcpd, dnsmasq.
// Imports access, config and base.
export { LeaseBook, type LeaseRules } from './lease-book.ts';
export { LeaseReading } from './lease-reading.ts';
