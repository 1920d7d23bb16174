// What a datagram socket is to those who use it, whichever way its datagrams travel.
import { fail } from 'node:assert/strict';
import type { Endpoint } from '../../base/base.ts';
import type { Peer } from './peer.ts';

/** Longest datagram that is sent, bytes: the largest UDP answer and the largest refusal are below. */
export const SEND_BYTES = 2048;
/** Longest datagram that a connected socket sends, bytes: header, longest name, type, class and OPT are below. */
export const QUERY_BYTES = 512;

/** Takes what arrives. */
export interface DatagramHandler {
  /** A datagram in the first `length` bytes; bytes and peer are only valid during the call. */
  receive(bytes: Uint8Array, length: number, peer: Peer): void;
  /** A datagram came from an address that none can come from, and is dropped. */
  forged?(): void;
  /** A datagram could not be sent. */
  sendFailed(): void;
  /** What arrived last, up to a batch of datagrams, was read `ms` milliseconds ago, and what was committed has left. */
  settled?(ms: number): void;
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

/** Takes what arrives from the one peer of a connected socket. */
export interface ConnectedHandler {
  /** A datagram in the first `length` bytes, which are only valid during the call. */
  receive(bytes: Uint8Array, length: number): void;
  /**
   * The socket is of no use any more: what was sent met an ICMP error, or nothing can be sent. `error.code` is the
   * system's (ECONNREFUSED, ENETUNREACH, …). Never called from within reserve() or commit(); may be called again.
   */
  failed(error: NodeJS.ErrnoException): void;
}

/** What a connected socket is opened with. */
export interface ConnectedOptions {
  /** The peer. */
  readonly endpoint: Endpoint;
  /** The kernel's receive buffer, bytes; the system may grant less. */
  readonly receiveBytes: number;
  readonly handler: ConnectedHandler;
}

/**
 * A socket with one peer, on a port that the kernel drew at random. The kernel drops the datagrams of everybody else
 * and reports ICMP errors.
 */
export interface ConnectedSocket {
  readonly isBatched: boolean;
  readonly port: number;
  /** Datagrams committed that have not left: further ones of this turn leave with them. Always 0 without batches. */
  readonly queued: number;
  /** Room for the next datagram, QUERY_BYTES; valid until commit(), or until another socket reserves. */
  reserve(): Uint8Array;
  /** Sends the first `length` bytes of what reserve() gave, at the latest when the turn ends. Nothing after close(). */
  commit(length: number): void;
  close(): Promise<void>;
}

/** Ends the thread unless so many bytes can be a datagram that was written to `room`: what lies behind is somebody else's. */
export const checkSent = (length: number, room: Uint8Array | undefined): void => {
  if (room === undefined || length <= 0 || length > room.length)
    fail(`a datagram of ${length} bytes in ${room?.length ?? 0} is about to leave`);
};
