// The resolvers that the system is configured with: the upstreams when a configuration names none.
//
// Reads resolv.conf(5). Cordon's own listening addresses are left out: on a machine that asks itself for names, a
// question would otherwise go round in circles.
import { networkInterfaces } from 'node:os';
import {
  type AddressWords,
  AppError,
  createAddress,
  type Endpoint,
  errorText,
  formatAddress,
  parseAddress,
  readRegularFile,
} from '../../base/base.ts';

/** Bytes of resolv.conf: resolvers read three servers of it. */
const FILE_BYTES_MAX = 1 << 16;

/** Where libc looks. */
export const RESOLV_CONF = '/etc/resolv.conf';
/** The port of DNS, which resolv.conf has no way to change. */
const DNS_PORT = 53;
/** As many as libc reads (MAXNS). */
const RESOLVERS_MAX = 3;

/**
 * The first name servers of the file that are not one of the `own` listening endpoints; IPv6 zones are kept.
 *
 * A wildcard among `own` covers every loopback address and `localAddresses`. Throws ERR_UPSTREAM_NONE when the
 * file cannot be read or none is left.
 */
export const readSystemResolvers = (
  path: string | undefined,
  own: readonly Endpoint[],
  localAddresses: readonly string[] = listLocalAddresses(),
): Endpoint[] => {
  const isOwn = createOwnTest(own, localAddresses);
  const endpoints: Endpoint[] = [];
  for (const line of readText(path ?? RESOLV_CONF).split('\n')) {
    const address = /^nameserver[ \t]+(\S+)/.exec(line)?.[1];
    const words = createAddress();
    if (address === undefined || !parseAddress(address, words) || isOwn(words)) continue;
    if (endpoints.some((endpoint) => endpoint.address === address)) continue;
    endpoints.push({ address, port: DNS_PORT, family: address.includes(':') ? 6 : 4 });
    if (endpoints.length === RESOLVERS_MAX) break;
  }
  if (endpoints.length > 0) return endpoints;
  throw new AppError(
    'ERR_UPSTREAM_NONE',
    `reading ${path ?? RESOLV_CONF}: no name server other than ourselves`,
    {
      hint: 'name the upstream resolvers under `upstreams`',
    },
  );
};

const readText = (path: string): string => {
  try {
    return readRegularFile(path, FILE_BYTES_MAX).toString('utf8');
  } catch (thrown) {
    throw new AppError('ERR_UPSTREAM_NONE', `reading ${path}: ${errorText(thrown)}`, {
      cause: thrown,
      hint: 'name the upstream resolvers under `upstreams`',
    });
  }
};

const createOwnTest = (own: readonly Endpoint[], localAddresses: readonly string[]) => {
  const covered = new Set<string>();
  let hasWildcard = false;
  for (const endpoint of own) {
    if (endpoint.port !== DNS_PORT) continue;
    const text = canonicalText(endpoint.address);
    covered.add(text);
    if (text === '0.0.0.0' || text === '::') hasWildcard = true;
  }
  if (hasWildcard) for (const address of localAddresses) covered.add(canonicalText(address));
  return (words: AddressWords): boolean => {
    const text = formatAddress(words);
    // Sending to the wildcard address reaches the machine itself (Linux), as does all of 127.0.0.0/8.
    const isLoopback = text.startsWith('127.') || text === '::1' || text === '0.0.0.0' || text === '::';
    return covered.has(text) || (hasWildcard && isLoopback);
  };
};

const canonicalText = (address: string): string => {
  const words = createAddress();
  return parseAddress(address, words) ? formatAddress(words) : address;
};

const listLocalAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
