// One question over one TCP connection (RFC 7766), for answers that did not fit into a datagram.
//
// Reads one length-prefixed message, however the stream is cut, and at most MESSAGE_LENGTH_MAX bytes of it. Time is
// the owner's matter: close() ends everything without a report.
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../base/base.ts';
import { HEADER_LENGTH, writeU16 } from '../dns/dns.ts';

/** Bytes of the length before each message (RFC 1035 section 4.2.2). */
const PREFIX_LENGTH = 2;

/** What comes of a connection: exactly one of the two, once, unless it is closed before. */
export interface TcpListener {
  /** The first message; it has a whole header, nothing else was checked. The listener owns the bytes. */
  message(bytes: Uint8Array): void;
  /** Refused, reset, closed too early, or a length that no message can have. */
  fault(): void;
}

/** A connection under way. */
export class TcpQuery {
  readonly #socket: Socket;
  readonly #listener: TcpListener;
  #isOver = false;
  /** Bytes received of prefix and message together. */
  #received = 0;
  #length = 0;
  #message = new Uint8Array(0);

  constructor(endpoint: Endpoint, query: Uint8Array, listener: TcpListener) {
    this.#listener = listener;
    this.#socket = connect({ host: endpoint.address, port: endpoint.port, noDelay: true });
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', () => this.#fail());
    this.#socket.on('close', () => this.#fail());
    const frame = new Uint8Array(PREFIX_LENGTH + query.length);
    writeU16(frame, 0, query.length);
    frame.set(query, PREFIX_LENGTH);
    this.#socket.write(frame);
  }

  /** Ends the connection. */
  close(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  #read(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && this.#received < PREFIX_LENGTH) {
      this.#length = (this.#length << 8) | (chunk[at++] ?? 0);
      if (++this.#received === PREFIX_LENGTH) this.#message = new Uint8Array(this.#length);
    }
    if (this.#received < PREFIX_LENGTH) return;
    if (this.#length < HEADER_LENGTH) {
      this.#fail();
      return;
    }
    const offset = this.#received - PREFIX_LENGTH;
    const part = chunk.subarray(at, at + this.#length - offset);
    this.#message.set(part, offset);
    this.#received += part.length;
    if (offset + part.length < this.#length) return;
    this.close();
    this.#listener.message(this.#message);
  }

  #fail(): void {
    if (this.#isOver) return;
    this.close();
    this.#listener.fault();
  }
}
