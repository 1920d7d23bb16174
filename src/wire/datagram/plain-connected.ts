// A connected socket over node:dgram, one datagram per system call: what works everywhere. Hot file.
import { createSocket, type Socket } from 'node:dgram';
import {
  type ConnectedHandler,
  type ConnectedOptions,
  type ConnectedSocket,
  checkSent,
  QUERY_BYTES,
} from './socket.ts';

/** A socket with one peer that moves one datagram per system call. */
export class PlainConnectedSocket implements ConnectedSocket {
  readonly isBatched = false;
  readonly queued = 0;
  readonly port: number;
  readonly #socket: Socket;
  readonly #handler: ConnectedHandler;
  readonly #onSent: (error: Error | null) => void;
  #isClosed = false;
  // Left to node:dgram when the kernel had no room, as in a bound socket.
  #out = Buffer.allocUnsafeSlow(QUERY_BYTES);

  private constructor(socket: Socket, handler: ConnectedHandler) {
    this.#socket = socket;
    this.#handler = handler;
    this.port = socket.address().port;
    socket.on('message', (message) => {
      handler.receive(message, message.length);
    });
    // A send may take the error that an earlier datagram caused, and then the socket reports none: look at both.
    this.#onSent = (error) => {
      if (error !== null) this.#fail(error);
    };
    socket.on('error', (error) => {
      this.#fail(error);
    });
  }

  /** Connects to the endpoint, once per socket; rejects with the system's error. @cold */
  static async open(options: ConnectedOptions): Promise<PlainConnectedSocket> {
    const { endpoint, receiveBytes, handler } = options;
    const socket = createSocket(endpoint.family === 6 ? 'udp6' : 'udp4');
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: Error): void => {
        socket.close();
        reject(error);
      };
      socket.once('error', refuse);
      // Not by connect()'s callback, which would take the error for itself.
      socket.once('connect', resolve);
      socket.bind({ port: 0, exclusive: true }, () => {
        socket.connect(endpoint.port, endpoint.address);
      });
    });
    socket.removeAllListeners('error');
    try {
      socket.setRecvBufferSize(receiveBytes);
    } catch {
      // The system's own size serves.
    }
    return new PlainConnectedSocket(socket, handler);
  }

  reserve(): Uint8Array {
    return this.#out;
  }

  commit(length: number): void {
    if (this.#isClosed) return;
    checkSent(length, this.#out);
    this.#socket.send(this.#out, 0, length, this.#onSent);
    if (this.#socket.getSendQueueCount() > 0) this.#out = Buffer.allocUnsafeSlow(QUERY_BYTES);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return new Promise((resolve) => {
      this.#socket.close(() => {
        resolve();
      });
    });
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (!this.#isClosed) this.#handler.failed(error);
  }
}
