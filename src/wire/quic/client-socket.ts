// The socket of one call over QUIC: to one server, told of its port, and bounded in what it takes.
import { createSocket, type Socket } from 'node:dgram';
import { type Endpoint, errorText } from '../../base/base.ts';

/** Bytes that a server may send in one call: the longest DNS message, the longest chain, and all of it twice. */
const RECEIVED_BYTES_MAX = 512 * 1024;

/** What comes of it. Nothing is told after close(). */
export interface ClientSocketEvents {
  connected(): void;
  received(message: Buffer): void;
  failed(text: string): void;
}

/** Whom it talks to. */
export interface ClientSocketOptions {
  readonly server: Endpoint;
  /** Told the port that the call comes from, before anything is sent and when the port is given back. */
  readonly onPort?: ((port: number, isOpen: boolean) => void) | undefined;
}

/** Open from its beginning. */
export class ClientSocket {
  readonly #socket: Socket;
  readonly #options: ClientSocketOptions;
  readonly #events: ClientSocketEvents;
  /** 0 until it is known. */
  #port = 0;
  #receivedBytes = 0;
  #isClosed = false;

  constructor(options: ClientSocketOptions, events: ClientSocketEvents) {
    const { server, onPort } = options;
    this.#options = options;
    this.#events = events;
    this.#socket = createSocket(server.family === 6 ? 'udp6' : 'udp4');
    this.#socket.on('error', this.#sent);
    this.#socket.on('message', (message) => this.#receive(message));
    this.#socket.once('connect', () => {
      if (this.#isClosed) return;
      this.#port = this.#socket.address().port;
      onPort?.(this.#port, true);
      events.connected();
    });
    this.#socket.connect(server.port, server.address);
  }

  /** Before it is connected, nothing is sent. */
  send(bytes: Uint8Array, length: number): void {
    if (this.#port !== 0) this.#socket.send(Buffer.from(bytes.subarray(0, length)), this.#sent);
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
    if (this.#port !== 0) this.#options.onPort?.(this.#port, false);
  }

  #receive(message: Buffer): void {
    if (this.#isClosed) return;
    this.#receivedBytes += message.length;
    if (this.#receivedBytes > RECEIVED_BYTES_MAX) this.#events.failed('it sends too much');
    else this.#events.received(message);
  }

  /** A send may take the error that an earlier datagram caused, and then the socket reports none: look at both. */
  readonly #sent = (error: Error | null): void => {
    if (error !== null && !this.#isClosed) this.#events.failed(errorText(error));
  };
}
