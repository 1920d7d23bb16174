// datagram: UDP sockets, bound ones for clients and connected ones for upstreams, in batches through libc where that
// can be had, one by one through node:dgram elsewhere; and what else only libc can do: single datagrams to a Unix socket,
// for the service manager, the short slices of a processor that a thread with sockets needs, how memory is taken and given back.
//
// Invariants: both kinds behave the same for those who use them; memory that the kernel writes to is referenced for
// as long as a socket lives; a full socket buffer costs single datagrams, counted, and never blocks the loop for
// long; a datagram reaches the peer that it was committed for and nobody else. Imports base only.

import { BatchedSocket } from './batched.ts';
import { BatchedConnectedSocket } from './batched-connected.ts';
import { libc, libcFailure } from './libc.ts';
import { PlainSocket } from './plain.ts';
import { PlainConnectedSocket } from './plain-connected.ts';
import type { ConnectedOptions, ConnectedSocket, DatagramOptions, DatagramSocket } from './socket.ts';

export { giveBackFreedMemory, keepBlocksOfStartApart, keepLargeBlocksApart } from './freed-memory.ts';
export { Peer } from './peer.ts';
export { limitReceived } from './receive-buffer.ts';
export { askForShortSlices, letCompilersWait } from './schedule.ts';
export type {
  ConnectedHandler,
  ConnectedOptions,
  ConnectedSocket,
  DatagramHandler,
  DatagramOptions,
  DatagramSocket,
} from './socket.ts';
export { SystemdNotice } from './systemd-notice.ts';
export { peerUid } from './unix.ts';

/** Opens a socket of the better kind that works here; rejects with the system's error. */
export const openDatagramSocket = async (options: DatagramOptions): Promise<DatagramSocket> =>
  libc === undefined ? await PlainSocket.open(options) : BatchedSocket.open(libc, options);

/** Opens a socket of the better kind with one peer; rejects with the system's error. */
export const openConnectedSocket = async (options: ConnectedOptions): Promise<ConnectedSocket> =>
  libc === undefined ? await PlainConnectedSocket.open(options) : BatchedConnectedSocket.open(libc, options);

/** Which kind of socket is opened, and why it is not the better one (empty when nothing failed). */
export const datagramKind = (): { readonly isBatched: boolean; readonly reason: string } => ({
  isBatched: libc !== undefined,
  reason: libcFailure(),
});
