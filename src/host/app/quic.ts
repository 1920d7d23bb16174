// Whether DNS over QUIC can be served here: it takes the OpenSSL of the system, beside the one in Node.js.
//
// Where it cannot, nothing else is the worse for it: the other listeners are opened, and log, metric and `cordon check` say why.
import type { Config } from '../../config/config.ts';
import { quicFault, quicVersion } from '../../resolver/server/server.ts';
import type { Log } from '../../telemetry/observe/observe.ts';
import { readFips } from './fips.ts';

/** What a configuration comes to; `fault` says why there is no QUIC, undefined: there is. */
export interface QuicFacts {
  readonly fault: string | undefined;
  /** Of the library, as it says itself. */
  readonly version?: string;
}

/** Looks for what QUIC takes; undefined where no address listens for it. Once per start. */
export const readQuic = async ({ listen }: Config): Promise<QuicFacts | undefined> => {
  if (listen.doq.length === 0) return undefined;
  // Algorithms of another library would pass for those of the module.
  if (readFips() !== undefined)
    return { fault: 'this process computes by a FIPS module, which QUIC would not' };
  const fault = await quicFault();
  return { fault, version: quicVersion() };
};

/** Says what there is no listener for. */
export const tellQuic = (log: Log, facts: QuicFacts | undefined): void => {
  if (facts === undefined) return;
  if (facts.fault === undefined) {
    log.info({ openssl: facts.version }, 'DNS over QUIC');
    return;
  }
  const hint = 'install libssl3t64 of Debian 13 with its security updates, or remove "listen.doq"';
  log.error({ reason: facts.fault, hint }, 'no DNS over QUIC: the other listeners are open');
};
