// datagram: UDP sockets, in batches through libc where that can be had, one by one through node:dgram elsewhere.
//
// Invariants: both kinds behave the same for those who use them; memory that the kernel writes to is referenced for
// as long as a socket lives; a full socket buffer costs single datagrams, counted, and never blocks the loop for
// long; a datagram reaches the peer that it was committed for and nobody else. Imports base only.

import { BatchedSocket } from './batched.ts';
import { libc, libcFailure } from './libc.ts';
import { PlainSocket } from './plain.ts';
import type { DatagramOptions, DatagramSocket } from './socket.ts';

export { Peer } from './peer.ts';
export type { DatagramHandler, DatagramOptions, DatagramSocket } from './socket.ts';

/** Opens a socket of the better kind that works here; rejects with the system's error. */
export const openDatagramSocket = (options: DatagramOptions): Promise<DatagramSocket> =>
  libc === undefined ? PlainSocket.open(options) : BatchedSocket.open(libc, options);

/** Which kind openDatagramSocket() opens, and why it is not the better one (empty when nothing failed). */
export const datagramKind = (): { readonly isBatched: boolean; readonly reason: string } => ({
  isBatched: libc !== undefined,
  reason: libcFailure(),
});
