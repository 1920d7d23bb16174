// The listeners of a service as resolvers that this host can ask, each by what clients are told of it.
import { type Endpoint, formatEndpoint, isAppError, matchesPrefix } from '../base/base.ts';
import type { Config } from '../config/config.ts';
import { type ProofResolver, reachListener } from '../evidence/probe/probe.ts';
import { readValidCertificate } from '../resolver/certificates/certificates.ts';
import { createService, DOH_PATH, toCertificate } from '../resolver/discovery/discovery.ts';
import { isRequiredAt } from '../resolver/workers/workers.ts';

/** Whom to ask, and which listeners nobody can ask from here, with why. */
export interface OwnListeners {
  readonly resolvers: readonly ProofResolver[];
  readonly left: readonly string[];
}

/** Those over UDP and TCP, TLS and HTTPS. */
export const findOwnListeners = async (config: Config): Promise<OwnListeners> => {
  const { dns, dot, doh, doq } = config.listen;
  const name = nameOf(config);
  const left = [
    ...doq.map((endpoint) => `${formatEndpoint(endpoint)}: nothing is asked over QUIC`),
    ...config.listen.dohPlain.map((endpoint) => `${formatEndpoint(endpoint)}: it is asked by proxies alone`),
  ];
  const written: readonly (readonly [Endpoint, (server: Endpoint) => ProofResolver])[] = [
    ...dns.map((endpoint) => [endpoint, plainAt] as const),
    ...dot.map((endpoint) => [endpoint, secureAt('tls', name)] as const),
    ...doh.map((endpoint) => [endpoint, secureAt('https', name)] as const),
  ];
  const resolvers: ProofResolver[] = [];
  for (const [index, [endpoint, toResolver]] of written.entries()) {
    const server = await reachFrom(config, endpoint, index - dns.length);
    if (typeof server === 'string') left.push(`${formatEndpoint(endpoint)}: ${server}`);
    else resolvers.push(toResolver(server));
  }
  return { resolvers, left };
};

/** Where this host asks it, or in words why it cannot; `index` is that among the encrypted ones. */
const reachFrom = async (config: Config, endpoint: Endpoint, index: number): Promise<Endpoint | string> => {
  if (endpoint.port === 0) return 'its port is 0, any free one: name it with --from';
  if (index >= 0 && isRequiredAt(config, index))
    return 'it takes clients with a certificate of their own alone';
  const reached = await reachListener(endpoint);
  if (typeof reached === 'string') return reached;
  const isProxy = config.proxies.from.some(({ words, bits }) => matchesPrefix(reached.client, words, bits));
  return isProxy ? 'this host is a proxy there, and has to say for whom it asks' : reached.server;
};

/** The name that clients are told; undefined where the certificate has none, or cannot be read by who asks. */
const nameOf = (config: Config): string | undefined => {
  const { dot, doh, doq } = config.listen;
  try {
    const facts = readValidCertificate(config, Date.now());
    return facts && createService({ dot, doh, doq, dohPath: DOH_PATH }, toCertificate(facts.names))?.name;
  } catch (thrown) {
    // What is wrong with it, the handshake tells.
    if (isAppError(thrown)) return undefined;
    throw thrown;
  }
};

const plainAt = (server: Endpoint): ProofResolver => ({
  text: formatEndpoint(server),
  server,
  ways: ['udp', 'tcp'],
  name: server.address,
  path: '',
});

const secureAt =
  (scheme: 'tls' | 'https', told: string | undefined) =>
  (server: Endpoint): ProofResolver => {
    const name = told ?? server.address;
    const host = name.includes(':') ? `[${name}]` : name;
    const path = scheme === 'tls' ? '' : DOH_PATH;
    const text = `${scheme}://${host}:${server.port}${path}`;
    return { text, server, ways: [scheme === 'tls' ? 'dot' : 'doh'], name, path };
  };
