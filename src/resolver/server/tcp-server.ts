// Sockets that accept TCP connections, for each protocol above it.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type AddressWords, createAddress, type Endpoint, parseAddress } from '../../base/base.ts';
import { limitReceived } from '../../wire/datagram/datagram.ts';
import { toListenError } from './listen-error.ts';

/** Connections that the kernel keeps for us until they are accepted: those of a storm; it may grant fewer. */
const BACKLOG = 4096;
/**
 * Bytes of a connection that wait in the kernel: four of the longest queries. Node.js reads on for as long as it finds 64 KiB at once, and
 * TLS handles all that was read before anybody else has a turn: a megabyte of key changes took half a second.
 */
const RECEIVE_BYTES = 16_384;
/** Of a connection that is closed already when it is accepted: nobody asks from there, and 0 has a meaning of its own. */
const PORT_UNKNOWN = 1;

/**
 * Sockets of one listener. The loop accepts one connection of each in a turn, so that from a single one a storm of connections
 * would be taken in more slowly than handshakes are made, and a newcomer would wait behind all of it in the kernel, where
 * nobody takes turns.
 */
const ACCEPTORS = 8;

/**
 * Listens with so many sockets that the kernel spreads connections over; throws AppError ERR_SERVER_LISTEN, which names the
 * protocol. The endpoint was claimed before: nobody else listens there.
 */
export const listenTcp = async (
  endpoint: Endpoint,
  protocol: string,
  acceptors = ACCEPTORS,
): Promise<Server[]> => {
  const servers: Server[] = [];
  let { port } = endpoint;
  try {
    while (servers.length < acceptors) {
      const server = await listenOnce({ ...endpoint, port }, true, protocol);
      servers.push(server);
      port = portOf(server);
    }
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  return servers;
};

const listenOnce = async (endpoint: Endpoint, shared: boolean, protocol: string): Promise<Server> => {
  const server = createServer({ noDelay: true, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(toListenError(protocol, endpoint, error));
    });
    server.listen(
      {
        host: endpoint.address,
        port: endpoint.port,
        ipv6Only: endpoint.family === 6,
        reusePort: shared,
        backlog: BACKLOG,
      },
      () => {
        resolve();
      },
    );
  });
  server.removeAllListeners('error');
  const { _handle: handle } = server as unknown as { readonly _handle: { readonly fd?: number } | null };
  if (handle?.fd !== undefined && handle.fd >= 0) limitReceived(handle.fd, RECEIVE_BYTES);
  return server;
};

/** The port that listening on an endpoint alone would give; throws AppError ERR_SERVER_LISTEN when it is taken. */
export const probeTcp = async (endpoint: Endpoint, protocol: string): Promise<number> => {
  const server = await listenOnce(endpoint, false, protocol);
  const port = portOf(server);
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
};

/** The port of a server that listens on an endpoint. */
export const portOf = (server: Server | undefined): number =>
  server === undefined ? 0 : (server.address() as AddressInfo).port;

/** The words of the address that a socket is connected to; all zero, which nobody allows, when there is none. */
export const clientAddress = ({ remoteAddress = '' }: Socket): AddressWords => {
  const words = createAddress();
  parseAddress(remoteAddress, words);
  return words;
};

/** The port that a socket is connected to. */
export const clientPort = ({ remotePort }: Socket): number => remotePort ?? PORT_UNKNOWN;
