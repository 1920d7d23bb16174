// Ports whose owners never ask: services that answer whatever datagram reaches them. Hot file.
//
// A query whose source is one of them is forged, to let two services answer each other for ever or to turn the answer
// into an attack on the service (US-CERT TA14-017A; BIND 9 drops 7, 13, 19, 37 and 464 for the same reason). Only
// ports below 1024 are here: no client is given one of them by its system, while port 1900 or 5353 may be anybody's.
// 53 is not: resolvers of old ask from it. Numbers are IANA's.
const PORTS = [
  7, // echo
  13, // daytime
  17, // qotd
  19, // chargen
  37, // time
  69, // tftp
  111, // sunrpc
  123, // ntp
  137, // netbios-ns
  161, // snmp
  389, // ldap
  464, // kpasswd
  520, // router
] as const;

const isReflector = new Uint8Array(1024);
for (const port of PORTS) isReflector[port] = 1;

/** True for a port that a forged query claims to come from. */
export const isReflectorPort = (port: number): boolean => port < 1024 && isReflector[port] === 1;
