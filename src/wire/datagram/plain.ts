// Datagrams one by one over node:dgram: what works everywhere. Hot file.
//
// One buffer serves all datagrams that are sent, because node:dgram hands a datagram to the kernel before send()
// returns. Only when the kernel's buffer is full does libuv keep the memory for later; then the buffer is left to it
// and another one takes its place, so that nobody ever gets bytes meant for somebody else.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { parseAddress } from '../../base/base.ts';
import { Peer } from './peer.ts';
import {
  checkSent,
  type DatagramHandler,
  type DatagramOptions,
  type DatagramSocket,
  SEND_BYTES,
} from './socket.ts';

/** A socket that moves one datagram per system call. */
export class PlainSocket implements DatagramSocket {
  readonly isBatched = false;
  readonly port: number;
  readonly #socket: Socket;
  readonly #handler: DatagramHandler;
  readonly #peer = new Peer();
  #out = Buffer.allocUnsafeSlow(SEND_BYTES);

  private constructor(socket: Socket, options: DatagramOptions) {
    this.#socket = socket;
    this.#handler = options.handler;
    this.port = socket.address().port;
    socket.on('message', (message, sender) => {
      this.#receive(message, sender);
    });
    // Errors of single datagrams (an ICMP message about an answer) concern nobody else.
    socket.on('error', () => {
      this.#handler.sendFailed();
    });
  }

  /** Binds the endpoint, once per socket; rejects with the system's error. @cold */
  static async open(options: DatagramOptions): Promise<PlainSocket> {
    const { endpoint, shared } = options;
    const socket = createSocket({
      type: endpoint.family === 6 ? 'udp6' : 'udp4',
      reusePort: shared,
      ipv6Only: endpoint.family === 6,
      // Addresses are numeric: resolving them again would delay each send by a turn of the loop.
      lookup: (address, _options, done) => {
        done(null, address, endpoint.family);
      },
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close();
        reject(error);
      });
      socket.bind({ address: endpoint.address, port: endpoint.port, exclusive: true }, () => {
        resolve();
      });
    });
    socket.removeAllListeners('error');
    try {
      socket.setRecvBufferSize(options.receiveBytes);
      socket.setSendBufferSize(options.sendBytes);
    } catch {
      // The system's own sizes serve.
    }
    return new PlainSocket(socket, options);
  }

  reserve(): Uint8Array {
    return this.#out;
  }

  commit(length: number, peer: Peer): void {
    checkSent(length, this.#out);
    try {
      // Of whoever was read elsewhere, as from a header of a proxy or by QUIC, there is no text.
      this.#socket.send(this.#out, 0, length, peer.port, peer.text || peer.address);
      if (this.#socket.getSendQueueCount() > 0) this.#out = Buffer.allocUnsafeSlow(SEND_BYTES);
    } catch {
      // The socket was closed while the answer was waited for.
      this.#handler.sendFailed();
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.close(() => {
        resolve();
      });
    });
  }

  #receive(message: Buffer, sender: RemoteInfo): void {
    const peer = this.#peer;
    if (!parseAddress(sender.address, peer.words)) return;
    peer.port = sender.port;
    peer.text = sender.address;
    if (sender.family === 'IPv6' && peer.isForgedIpv6) {
      this.#handler.forged?.();
      return;
    }
    const readMs = performance.now();
    this.#handler.receive(message, message.length, peer);
    this.#handler.settled?.(performance.now() - readMs);
  }
}
