// A bound socket whose datagrams travel in batches, up to 64 per system call each way. Hot file.
//
// libuv wakes the loop and reads nothing; the turn drains the socket with recvmmsg(), and all answers leave with
// sendmmsg(). A caller that answers later copies the peer and comes back with commit().
import { BATCH, type Sender } from './batch.ts';
import { type Libc, MSG_DONTWAIT, openSocket, SOCKADDR_BYTES, systemError } from './libc.ts';
import { boundPort, nameBytesOf, nameOf, Peer } from './peer.ts';
import type { DatagramHandler, DatagramOptions, DatagramSocket } from './socket.ts';
import { type Turn, type TurnSocket, turnOf } from './turn.ts';
import { type Waker, watchReadable } from './waker.ts';

/** A socket that moves datagrams in batches. */
export class BatchedSocket implements DatagramSocket, Sender, TurnSocket {
  readonly isBatched = true;
  readonly port: number;
  readonly c: Libc;
  readonly fd: number;
  readonly #waker: Waker;
  readonly #family: 4 | 6;
  readonly #nameBytes: number;
  readonly #handler: DatagramHandler;
  readonly #turn: Turn;
  readonly #peer = new Peer();
  #isClosed = false;

  private constructor(c: Libc, fd: number, options: DatagramOptions) {
    this.c = c;
    this.#turn = turnOf(c);
    this.#waker = watchReadable(c, fd, () => {
      this.#turn.run(this);
    });
    this.fd = this.#waker.fd;
    this.#family = options.endpoint.family;
    this.#nameBytes = nameBytesOf(this.#family);
    this.#handler = options.handler;
    this.port = boundPort(c, this.fd);
    this.#turn.join(this);
  }

  /** Binds the endpoint, once per socket; throws the system's error. @cold */
  static open(c: Libc, options: DatagramOptions): BatchedSocket {
    const { endpoint } = options;
    const { family } = endpoint;
    const fd = openSocket(c, { ...options, family, ipv6Only: true });
    if (c.bind(fd, nameOf(endpoint), nameBytesOf(family)) !== 0) {
      const error = systemError(c, 'bind');
      c.close(fd);
      throw error;
    }
    return new BatchedSocket(c, fd, options);
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
      if (this.#family === 6 && peer.isForgedIpv6) {
        this.#handler.forged?.();
        continue;
      }
      this.#handler.receive(slot, receive.receivedLength(i), peer);
    }
    return Math.max(0, count);
  }

  close(): Promise<void> {
    this.#turn.answers.leave(this);
    this.#turn.leave(this);
    this.#isClosed = true;
    return this.#waker.close();
  }
}
