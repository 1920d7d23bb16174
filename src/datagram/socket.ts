// What a datagram socket is to those who use it, whichever way its datagrams travel.
import type { Endpoint } from '../base/base.ts';
import type { Peer } from './peer.ts';

/** Longest datagram that is sent, bytes: the largest UDP answer and the largest refusal are below. */
export const SEND_BYTES = 2048;

/** Takes what arrives. */
export interface DatagramHandler {
  /** A datagram in the first `length` bytes; bytes and peer are only valid during the call. */
  receive(bytes: Uint8Array, length: number, peer: Peer): void;
  /** A datagram could not be sent. */
  sendFailed(): void;
}

/** What a socket is opened with. */
export interface DatagramOptions {
  readonly endpoint: Endpoint;
  /** Other sockets share the endpoint (SO_REUSEPORT). */
  readonly shared: boolean;
  /** Kernel buffers, bytes; the system may grant less. */
  readonly receiveBytes: number;
  readonly sendBytes: number;
  readonly handler: DatagramHandler;
}

/** A bound socket. */
export interface DatagramSocket {
  readonly isBatched: boolean;
  readonly port: number;
  /** Room for the next datagram, 2 KB; valid until commit() or the end of the turn. */
  reserve(): Uint8Array;
  /** Sends the first `length` bytes of what reserve() gave to a peer, at the latest when the turn ends. */
  commit(length: number, peer: Peer): void;
  close(): Promise<void>;
}
