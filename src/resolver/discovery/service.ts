// The encrypted service as a client sees it: the name and the addresses of its certificate, and the ways to it.
import { isIP } from 'node:net';
import { createAddress, type Endpoint, formatAddress, parseAddress } from '../../base/base.ts';

/** The resource of DNS over HTTPS. */
export const DOH_PATH = '/dns-query';
/** Port of HTTPS (RFC 9110 section 4.2.2), which a URL leaves out. */
const HTTPS_PORT = 443;
/** What stands in a profile as it is: nothing that a script or a property list could take for something else. */
const HOST_NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/** What a certificate says for whom it is. */
export interface Certificate {
  /** Host names, letters folded. Wildcards are left out: nobody can be told to go to one. */
  readonly names: readonly string[];
  /** In the text of RFC 5952. */
  readonly addresses: readonly string[];
}

/** Where a configuration listens for encrypted queries; ports are known. */
export interface ListenerAddresses {
  readonly dot: readonly Endpoint[];
  readonly doh: readonly Endpoint[];
  readonly doq: readonly Endpoint[];
  /** Paths of DNS over HTTPS, without the variable. */
  readonly dohPath: string;
}

/** One way of asking. */
export interface Way {
  readonly port: number;
  /** Addresses at which it is found; those of the certificate where a listener has every address of the machine. */
  readonly addresses: readonly string[];
}

/** The service. */
export interface EncryptedService {
  /** Whom the certificate is for. */
  readonly name: string;
  readonly dot: readonly Way[];
  readonly doh: readonly Way[];
  readonly doq: readonly Way[];
  /** The path of DNS over HTTPS, such as `/dns-query`. */
  readonly dohPath: string;
  /** Addresses of all ways, each once. */
  readonly addresses: readonly string[];
}

/** Reads the entries of subjectAltName as Node.js writes them, such as `DNS:dns.example.net`. */
export const toCertificate = (entries: readonly string[]): Certificate => {
  const names: string[] = [];
  const addresses: string[] = [];
  // Values with a comma or a quote are written as JSON; no name or address that could be used here has one.
  for (const part of entries) {
    const [, kind = '', value = ''] = /^(DNS|IP Address):([^"]+)$/.exec(part) ?? [];
    const words = createAddress();
    const name = value.toLowerCase();
    if (kind === 'DNS' && HOST_NAME.test(name)) names.push(name);
    if (kind === 'IP Address' && parseAddress(value, words)) addresses.push(formatAddress(words));
  }
  return { names, addresses };
};

/** The service that clients can be sent to; undefined where nothing encrypted listens or the certificate has no name. */
export const createService = (
  { dot, doh, doq, dohPath }: ListenerAddresses,
  certificate: Certificate,
  stated?: string,
): EncryptedService | undefined => {
  const name = stated ?? certificate.names[0] ?? certificate.addresses[0];
  if (name === undefined || dot.length + doh.length + doq.length === 0) return undefined;
  const dotWays = toWays(dot, certificate);
  const dohWays = toWays(doh, certificate);
  const doqWays = toWays(doq, certificate);
  const addresses = new Set([...dotWays, ...dohWays, ...doqWays].flatMap((way) => way.addresses));
  return { name, dot: dotWays, doh: dohWays, doq: doqWays, dohPath, addresses: [...addresses] };
};

/** The address of DNS over HTTPS; undefined where nothing listens for it. */
export const dohUrl = ({ name, doh: [way], dohPath }: EncryptedService): string | undefined => {
  if (way === undefined) return undefined;
  const host = name.includes(':') ? `[${name}]` : name;
  return `https://${host}${way.port === HTTPS_PORT ? '' : `:${way.port}`}${dohPath}`;
};

/** True for a name that is an address. */
export const isAddress = (name: string): boolean => isIP(name) !== 0;

/** True when an endpoint has every address of the machine. */
export const isWildcard = ({ address }: Endpoint): boolean => address === '0.0.0.0' || address === '::';

/** One way a port, in the order in which they are written. */
const toWays = (endpoints: readonly Endpoint[], certificate: Certificate): Way[] => {
  const byPort = new Map<number, Set<string>>();
  for (const endpoint of endpoints) {
    const addresses = byPort.get(endpoint.port) ?? new Set();
    byPort.set(endpoint.port, addresses);
    for (const address of addressesOf(endpoint, certificate)) addresses.add(address);
  }
  return [...byPort].map(([port, addresses]) => ({ port, addresses: [...addresses] }));
};

/** The wildcard of IPv6 takes IPv4 as well where the system says so, but nobody here can know: its own family counts. */
const addressesOf = (endpoint: Endpoint, { addresses }: Certificate): readonly string[] =>
  isWildcard(endpoint)
    ? addresses.filter((address) => address.includes(':') === (endpoint.family === 6))
    : [endpoint.address];
