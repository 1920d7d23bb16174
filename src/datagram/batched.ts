// A bound socket whose datagrams travel in batches, up to 64 per system call each way. Hot file.
//
// libuv wakes the loop by reading the first datagram of a burst; the turn drains the rest with recvmmsg(), and all
// answers leave with sendmmsg(). A caller that answers later copies the peer and comes back with commit().
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { parseAddress } from '../base/base.ts';
import { BATCH, type Sender } from './batch.ts';
import { type Libc, MSG_DONTWAIT, openSocket, SOCKADDR_BYTES, systemError } from './libc.ts';
import { nameBytesOf, nameOf, Peer, scopeOf } from './peer.ts';
import type { DatagramHandler, DatagramOptions, DatagramSocket } from './socket.ts';
import { type Turn, type TurnSocket, turnOf } from './turn.ts';

/** A socket that moves datagrams in batches. */
export class BatchedSocket implements DatagramSocket, Sender, TurnSocket {
  readonly isBatched = true;
  readonly port: number;
  readonly c: Libc;
  readonly fd: number;
  readonly #waker: Socket;
  readonly #family: 4 | 6;
  readonly #nameBytes: number;
  readonly #handler: DatagramHandler;
  readonly #turn: Turn;
  readonly #peer = new Peer();
  #isClosed = false;

  private constructor(c: Libc, fd: number, waker: Socket, options: DatagramOptions) {
    this.c = c;
    this.fd = fd;
    this.#waker = waker;
    this.#turn = turnOf(c);
    this.#family = options.endpoint.family;
    this.#nameBytes = nameBytesOf(this.#family);
    this.#handler = options.handler;
    this.port = waker.address().port;
    waker.on('message', (message, sender) => {
      this.#wake(message, sender);
    });
    waker.on('error', () => {
      this.#handler.sendFailed();
    });
    this.#turn.join(this);
  }

  /** Binds the endpoint, once per socket; rejects with the system's error. @cold */
  static async open(c: Libc, options: DatagramOptions): Promise<BatchedSocket> {
    const { endpoint } = options;
    const { family } = endpoint;
    const fd = openSocket(c, { ...options, family, ipv6Only: true });
    if (c.bind(fd, nameOf(endpoint), nameBytesOf(family)) !== 0) {
      const error = systemError(c, 'bind');
      c.close(fd);
      throw error;
    }
    return new BatchedSocket(c, fd, await createWaker(fd, family), options);
  }

  reserve(): Uint8Array {
    return this.#turn.answers.reserve(this);
  }

  commit(length: number, peer: Peer): void {
    if (this.#isClosed) return;
    const { answers } = this.#turn;
    peer.write(answers.batch.names, answers.queued * SOCKADDR_BYTES, this.#family);
    answers.commit(length, this.#nameBytes);
    this.#turn.planFlush();
  }

  cannotSend(): boolean {
    this.#handler.sendFailed();
    return true;
  }

  settled(ms: number): void {
    this.#handler.settled?.(ms);
  }

  drain(): number {
    if (this.#isClosed) return 0;
    const { receive } = this.#turn;
    const { names, slots } = receive;
    for (let i = 0; i < BATCH; i++) receive.setNameLength(i, SOCKADDR_BYTES);
    const count = this.c.recvmmsg(this.fd, receive.headers, BATCH, MSG_DONTWAIT, null);
    const peer = this.#peer;
    for (let i = 0; i < count; i++) {
      peer.read(names, i * SOCKADDR_BYTES);
      const slot = slots[i];
      if (slot === undefined) break;
      this.#handler.receive(slot, receive.receivedLength(i), peer);
    }
    return Math.max(0, count);
  }

  close(): Promise<void> {
    this.#turn.answers.leave(this);
    this.#turn.leave(this);
    this.#isClosed = true;
    return new Promise((resolve) => {
      this.#waker.close(() => {
        resolve();
      });
    });
  }

  #wake(message: Buffer, sender: RemoteInfo): void {
    const peer = this.#peer;
    parseAddress(sender.address, peer.words);
    peer.port = sender.port;
    peer.scope = scopeOf(sender.address);
    this.#turn.begin();
    this.#handler.receive(message, message.length, peer);
    this.#turn.run(this);
  }
}

/** A node:dgram socket that reads the first datagram of each burst and closes the descriptor; once per socket. @cold */
export const createWaker = async (fd: number, family: 4 | 6): Promise<Socket> => {
  const waker = createSocket(family === 6 ? 'udp6' : 'udp4');
  await new Promise<void>((resolve, reject) => {
    waker.once('error', reject);
    waker.bind({ fd }, () => {
      resolve();
    });
  });
  waker.removeAllListeners('error');
  return waker;
};
