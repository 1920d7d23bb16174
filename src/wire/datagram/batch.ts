// Memory for datagrams in batches, and the batch of those that wait to leave. Hot file.
//
// Memory belongs to the thread, not to a socket: nothing between receiving and sending waits, so that one set serves
// all sockets and stays in the processor's caches. Every array is referenced from here for as long as the thread
// lives, because the kernel reads and writes at its address.
//
//   batch   n mmsghdr → n iovec → n slots of data, n sockaddr
import {
  EAGAIN,
  EINTR,
  IOVEC_BYTES,
  type Libc,
  MMSGHDR_BYTES,
  MSG_DONTWAIT,
  POLLOUT,
  SOCKADDR_BYTES,
} from './libc.ts';
import { checkSent } from './socket.ts';

/** Datagrams per call: the gain of larger batches is lost in the caches (measured in C: 64 and 128 are alike). */
export const BATCH = 64;
const PAGE_BYTES = 4096;
const CACHE_LINE_BYTES = 64;
/** Waits for room in the socket's send buffer before a datagram is given up. */
const SEND_WAITS_MAX = 3;
/** Length of each such wait, nanoseconds. */
const SEND_WAIT_NS = 1_000_000;

// Word offsets in a struct mmsghdr (16 words) and a struct iovec (4 words).
const HEADER_WORDS = MMSGHDR_BYTES / 4;
const NAME_LENGTH = 2;
const MESSAGE_LENGTH = 14;
const IOVEC_WORDS = IOVEC_BYTES / 4;
const IOVEC_LENGTH = 2;

/** One direction's memory. */
export class Batch {
  readonly headers: Uint8Array;
  /** Addresses, a struct sockaddr_in or sockaddr_in6 every SOCKADDR_BYTES. */
  readonly names: Uint8Array;
  /** A view of each slot. */
  readonly slots: readonly Buffer[];
  readonly #headerWords: Uint32Array;
  readonly #vectors: Uint8Array;
  readonly #vectorWords: Uint32Array;
  readonly #data: Uint8Array;

  constructor(c: Libc, count: number, slotBytes: number) {
    this.headers = new Uint8Array(count * MMSGHDR_BYTES);
    this.names = new Uint8Array(count * SOCKADDR_BYTES);
    this.#headerWords = new Uint32Array(this.headers.buffer);
    this.#vectors = new Uint8Array(count * IOVEC_BYTES);
    this.#vectorWords = new Uint32Array(this.#vectors.buffer);
    // Slots a whole page apart would all begin in the same set of the processor's cache.
    const stride = slotBytes % PAGE_BYTES === 0 ? slotBytes + CACHE_LINE_BYTES : slotBytes;
    this.#data = new Uint8Array(count * stride);
    const headers = new DataView(this.headers.buffer);
    const vectors = new DataView(this.#vectors.buffer);
    const [names, vector, data] = [c.address(this.names), c.address(this.#vectors), c.address(this.#data)];
    const slots: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      headers.setBigUint64(i * MMSGHDR_BYTES, names + BigInt(i * SOCKADDR_BYTES), true);
      headers.setBigUint64(i * MMSGHDR_BYTES + 16, vector + BigInt(i * IOVEC_BYTES), true);
      headers.setBigUint64(i * MMSGHDR_BYTES + 24, 1n, true);
      vectors.setBigUint64(i * IOVEC_BYTES, data + BigInt(i * stride), true);
      vectors.setBigUint64(i * IOVEC_BYTES + 8, BigInt(slotBytes), true);
      slots.push(Buffer.from(this.#data.buffer, i * stride, slotBytes));
    }
    this.slots = slots;
  }

  /** Bytes of the address of a slot: before a send those that count, before a receive the room; 0: none. */
  setNameLength(slot: number, length: number): void {
    this.#headerWords[slot * HEADER_WORDS + NAME_LENGTH] = length;
  }

  /** Bytes that leave from a slot. */
  setLength(slot: number, length: number): void {
    this.#vectorWords[slot * IOVEC_WORDS + IOVEC_LENGTH] = length;
  }

  /** Bytes that came into a slot. */
  receivedLength(slot: number): number {
    return this.#headerWords[slot * HEADER_WORDS + MESSAGE_LENGTH] ?? 0;
  }
}

/** A socket whose datagrams leave through an Outbox. */
export interface Sender {
  readonly c: Libc;
  readonly fd: number;
  /** A datagram could not be sent, with the errno. True: those after it may be. Must not commit a datagram itself. */
  cannotSend(errno: number): boolean;
}

/** Datagrams of one socket at a time that wait to leave together. */
export class Outbox {
  /** Datagrams that wait. */
  queued = 0;
  sender: Sender | undefined;
  readonly batch: Batch;

  constructor(batch: Batch) {
    this.batch = batch;
  }

  /** The slot for the sender's next datagram. What another socket has in here leaves first. */
  reserve(sender: Sender): Uint8Array {
    if (this.sender !== sender) {
      this.flush();
      this.sender = sender;
    } else if (this.queued === this.batch.slots.length) {
      this.flush();
    }
    return this.batch.slots[this.queued] ?? EMPTY;
  }

  /** Queues the datagram that lies in the slot of the sender that reserved last. Behind the slot lies another's. */
  commit(length: number, nameBytes: number): void {
    checkSent(length, this.batch.slots[this.queued]);
    this.batch.setNameLength(this.queued, nameBytes);
    this.batch.setLength(this.queued, length);
    this.queued++;
  }

  /** Sends what is queued. */
  flush(): void {
    const count = this.queued;
    const { sender } = this;
    this.queued = 0;
    if (count === 0 || sender === undefined) return;
    const { c, fd } = sender;
    let first = 0;
    let waits = 0;
    while (first < count) {
      const headers = first === 0 ? this.batch.headers : this.batch.headers.subarray(first * MMSGHDR_BYTES);
      const sent = c.sendmmsg(fd, headers, count - first, MSG_DONTWAIT);
      if (sent > 0) {
        first += sent;
        continue;
      }
      const errno = c.errno();
      if (errno === EINTR) continue;
      if (errno === EAGAIN && waits < SEND_WAITS_MAX) {
        waits++;
        waitForRoom(c, fd);
        continue;
      }
      // The first of the rest cannot be sent (no route, filtered, no room).
      if (!sender.cannotSend(errno)) return;
      first++;
    }
  }

  /** Sends what the socket has in here and forgets the socket, which will be closed. */
  leave(sender: Sender): void {
    if (this.sender !== sender) return;
    this.flush();
    this.sender = undefined;
  }
}

const EMPTY = new Uint8Array(0);

/** struct pollfd: descriptor, then events and revents in one word. */
const poll = new Uint8Array(8);
const pollWords = new Int32Array(poll.buffer);
/** struct timespec: seconds and nanoseconds of 64 bits. */
const timeout = new Uint8Array(16);
const timeoutWords = new Int32Array(timeout.buffer);

/** Blocks until the socket's send buffer has room or the time is over. */
const waitForRoom = (c: Libc, fd: number): void => {
  pollWords[0] = fd;
  pollWords[1] = POLLOUT;
  timeoutWords[2] = SEND_WAIT_NS;
  c.ppoll(poll, 1, timeout, null);
};
