// Makes sure that listening endpoints are free before workers open them, and finds out what port 0 becomes.
//
// Workers share endpoints with SO_REUSEPORT, which would let a second Cordon of the same user join in silently.
// Binding once without it fails when anybody else has the address. The endpoint is let go before the workers take
// it: a program that takes it in that moment makes them fail with the same clear error.
import type { Endpoint } from '../../base/base.ts';
import { probeTcp, UdpListener } from '../server/server.ts';
import type { EncryptedEndpoint } from './encrypted-listeners.ts';

/** Attempts to find a port that is free for UDP and TCP alike. */
const PORT_TRIES = 20;

/** The endpoint with the port that it will have; throws AppError ERR_SERVER_LISTEN when it is taken. */
export const claimEndpoint = async (endpoint: Endpoint): Promise<Endpoint> => {
  for (let attempt = 1; ; attempt++) {
    const udpPort = await UdpListener.probe(endpoint);
    const claimed = { ...endpoint, port: udpPort };
    try {
      await probeTcp(claimed, 'TCP');
      return claimed;
    } catch (error) {
      if (endpoint.port !== 0 || attempt === PORT_TRIES) throw error;
    }
  }
};

/** The same for an encrypted listener, which needs TCP alone, or UDP alone. */
export const claimEncrypted = async (
  endpoint: Endpoint,
  protocol: EncryptedEndpoint['kind'],
): Promise<Endpoint> => ({
  ...endpoint,
  port: await (protocol === 'doq' ? UdpListener.probe(endpoint) : probeTcp(endpoint, PROTOCOLS[protocol])),
});

const PROTOCOLS = { dot: 'DoT', doh: 'DoH', dohPlain: 'DoH' } as const;
