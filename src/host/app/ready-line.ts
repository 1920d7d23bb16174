// What the log's line `ready` says: the sockets that are open, and by what names are answered.
import { formatEndpoint, VERSION } from '../../base/base.ts';
import type { State } from '../../resolver/workers/workers.ts';
import { datagramKind } from '../../wire/datagram/datagram.ts';

/** Its fields; tests and start scripts read the sockets from them. */
export const readyFields = (
  { listen, encrypted, routes, config, generation }: State,
  { admin, workers }: { readonly admin: string | undefined; readonly workers: number },
): object => {
  const secured = (wanted: string): string[] | undefined => {
    const at = encrypted
      .filter(({ kind }) => kind === wanted)
      .map(({ endpoint }) => formatEndpoint(endpoint));
    return at.length === 0 ? undefined : at;
  };
  return {
    version: VERSION,
    dns: listen.map(formatEndpoint),
    dot: secured('dot'),
    doh: secured('doh'),
    dohPlain: secured('dohPlain'),
    doq: secured('doq'),
    admin,
    workers,
    udp: describeUdp(),
    generation: generation?.policy.generation ?? 0,
    upstreams: routes[0]?.servers.map(({ text }) => text),
    dnssec: config.dnssec.mode,
  };
};

/** `batched`, or `plain` with the reason where batches were wanted and cannot be had. */
const describeUdp = (): string => {
  const { isBatched, reason } = datagramKind();
  return isBatched ? 'batched' : reason === '' ? 'plain' : `plain: ${reason}`;
};
