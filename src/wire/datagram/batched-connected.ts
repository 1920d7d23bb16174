// A connected socket whose datagrams travel in batches. Hot file.
//
// An ICMP error that meets a batch in its middle is lost: sendmmsg() returns how many datagrams left before it, and
// the kernel forgets it. The next datagram that is refused tells, or the time-out of those who wait.
import { BATCH, type Sender } from './batch.ts';
import { EAGAIN, EINTR, type Libc, MSG_DONTWAIT, openSocket, systemError } from './libc.ts';
import { boundPort, nameBytesOf, nameOf } from './peer.ts';
import type { ConnectedHandler, ConnectedOptions, ConnectedSocket } from './socket.ts';
import { type Turn, type TurnSocket, turnOf } from './turn.ts';
import { type Waker, watchReadable } from './waker.ts';

/** A socket with one peer that moves datagrams in batches. */
export class BatchedConnectedSocket implements ConnectedSocket, Sender, TurnSocket {
  readonly isBatched = true;
  readonly port: number;
  readonly c: Libc;
  readonly fd: number;
  readonly #waker: Waker;
  readonly #handler: ConnectedHandler;
  readonly #turn: Turn;
  #isClosed = false;

  private constructor(c: Libc, fd: number, handler: ConnectedHandler) {
    this.c = c;
    this.#handler = handler;
    this.#turn = turnOf(c);
    this.#waker = watchReadable(c, fd, () => {
      this.#turn.run(this);
    });
    this.fd = this.#waker.fd;
    this.port = boundPort(c, this.fd);
    this.#turn.join(this);
  }

  /** Connects to the endpoint, once per socket; throws the system's error. @cold */
  static open(c: Libc, options: ConnectedOptions): BatchedConnectedSocket {
    const { endpoint, receiveBytes, handler } = options;
    const { family } = endpoint;
    const fd = openSocket(c, { family, ipv6Only: false, shared: false, receiveBytes, sendBytes: undefined });
    // Without bind() before it, connect() draws the port, and no stranger's datagram comes in between.
    if (c.connect(fd, nameOf(endpoint), nameBytesOf(family)) !== 0) {
      const error = systemError(c, 'connect');
      c.close(fd);
      throw error;
    }
    return new BatchedConnectedSocket(c, fd, handler);
  }

  get queued(): number {
    const { queries } = this.#turn;
    return queries.sender === this ? queries.queued : 0;
  }

  reserve(): Uint8Array {
    return this.#turn.queries.reserve(this);
  }

  commit(length: number): void {
    if (this.#isClosed) return;
    this.#turn.queries.commit(length, 0);
    this.#turn.planFlush();
  }

  cannotSend(errno: number): boolean {
    // No room: only this one is lost, as it may be on its way.
    if (errno === EAGAIN) return true;
    const error = systemError(this.c, 'sendmmsg', errno);
    // Not at once, because the caller that is about to commit a datagram may have caused the flush. Allocates, once per fault.
    queueMicrotask(() => {
      this.#fail(error);
    });
    return false;
  }

  drain(): number {
    if (this.#isClosed) return 0;
    const { receive } = this.#turn;
    const count = this.c.recvmmsg(this.fd, receive.headers, BATCH, MSG_DONTWAIT, null);
    if (count < 0) {
      const errno = this.c.errno();
      if (errno !== EAGAIN && errno !== EINTR) this.#fail(systemError(this.c, 'recvmmsg', errno));
      return 0;
    }
    for (let i = 0; i < count; i++) {
      const slot = receive.slots[i];
      // The handler may close the socket; what came before is no answer to anything then.
      if (slot === undefined || this.#isClosed) break;
      this.#handler.receive(slot, receive.receivedLength(i));
    }
    return count;
  }

  close(): Promise<void> {
    this.#turn.queries.leave(this);
    this.#turn.leave(this);
    this.#isClosed = true;
    return this.#waker.close();
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (!this.#isClosed) this.#handler.failed(error);
  }
}
