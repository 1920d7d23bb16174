// Datagrams in batches: up to 64 per system call each way. Hot file.
//
// libuv wakes the loop by reading the first datagram of a burst; the rest is drained with recvmmsg() in the same
// callback, and all answers leave with sendmmsg(). One set of buffers serves all sockets of a thread, because nothing
// between receive and send waits: whoever answers later copies the peer and comes back with commit().
//
//   receive   64 mmsghdr → 64 iovec → 64 slots of RECEIVE_BYTES, 64 sockaddr
//   send      64 mmsghdr → 64 iovec → 64 slots of SEND_BYTES, 64 sockaddr
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { type Endpoint, parseAddress } from '../base/base.ts';
import {
  EAGAIN,
  EINTR,
  IOVEC_BYTES,
  type Libc,
  MMSGHDR_BYTES,
  MSG_DONTWAIT,
  openSocket,
  POLLIN,
  POLLOUT,
  SOCKADDR_BYTES,
  SOCKADDR_IN_BYTES,
  systemError,
} from './libc.ts';
import { Peer } from './peer.ts';
import { type DatagramHandler, type DatagramOptions, type DatagramSocket, SEND_BYTES } from './socket.ts';

/** Datagrams per call: the gain of larger batches is lost in the caches (measured in C: 64 and 128 are alike). */
const BATCH = 64;
/** Longest datagram that is read whole; longer queries do not exist, and a cut one is answered FORMERR. */
const RECEIVE_BYTES = 4096;
/** Longest turn, milliseconds: then upstream answers, TCP and timers have theirs. */
const TURN_MS_MAX = 2;
/**
 * How long a busy socket waits for more within its turn, nanoseconds. Going back to libuv costs an epoll_wait(), a
 * recvmsg() into a new 64 KB buffer and a callback, some 10 µs in all: about as much as five queries.
 */
const LINGER_NS = 200_000;
/** Datagrams of a batch from which on a socket counts as busy: below, whoever asks one by one must not be held up. */
const BUSY_COUNT = 4;
/** Waits for room in the socket's send buffer before an answer is given up. */
const SEND_WAITS_MAX = 3;
/** Length of each such wait, nanoseconds. */
const SEND_WAIT_NS = 1_000_000;

// Word offsets in a struct mmsghdr (16 words) and a struct iovec (4 words).
const HEADER_WORDS = MMSGHDR_BYTES / 4;
const NAME_LENGTH = 2;
const MESSAGE_LENGTH = 14;
const IOVEC_WORDS = IOVEC_BYTES / 4;
const IOVEC_LENGTH = 2;

/** One direction's memory. All arrays stay referenced here: the kernel writes into them. */
class Batch {
  readonly headers = new Uint8Array(BATCH * MMSGHDR_BYTES);
  readonly headerWords = new Uint32Array(this.headers.buffer);
  readonly vectors = new Uint8Array(BATCH * IOVEC_BYTES);
  readonly vectorWords = new Uint32Array(this.vectors.buffer);
  readonly names = new Uint8Array(BATCH * SOCKADDR_BYTES);
  readonly data: Uint8Array;
  /** A view of each slot. */
  readonly slots: Buffer[] = [];

  constructor(c: Libc, slotBytes: number) {
    this.data = new Uint8Array(BATCH * slotBytes);
    const headers = new DataView(this.headers.buffer);
    const vectors = new DataView(this.vectors.buffer);
    const [names, vector, data] = [c.address(this.names), c.address(this.vectors), c.address(this.data)];
    for (let i = 0; i < BATCH; i++) {
      headers.setBigUint64(i * MMSGHDR_BYTES, names + BigInt(i * SOCKADDR_BYTES), true);
      headers.setBigUint64(i * MMSGHDR_BYTES + 16, vector + BigInt(i * IOVEC_BYTES), true);
      headers.setBigUint64(i * MMSGHDR_BYTES + 24, 1n, true);
      vectors.setBigUint64(i * IOVEC_BYTES, data + BigInt(i * slotBytes), true);
      vectors.setBigUint64(i * IOVEC_BYTES + 8, BigInt(slotBytes), true);
      this.slots.push(Buffer.from(this.data.buffer, i * slotBytes, slotBytes));
    }
  }
}

/** The memory of a thread, and the socket whose datagrams lie in the send batch. */
interface Buffers {
  readonly receive: Batch;
  readonly send: Batch;
  sender: BatchedSocket | undefined;
}

let threadBuffers: Buffers | undefined;

/** The buffers of this thread, made at the first socket. */
const buffersFor = (c: Libc): Buffers => {
  threadBuffers ??= {
    receive: new Batch(c, RECEIVE_BYTES),
    send: new Batch(c, SEND_BYTES),
    sender: undefined,
  };
  return threadBuffers;
};

/** A socket that moves datagrams in batches. */
export class BatchedSocket implements DatagramSocket {
  readonly isBatched = true;
  readonly port: number;
  readonly #c: Libc;
  readonly #fd: number;
  readonly #waker: Socket;
  readonly #family: 4 | 6;
  readonly #nameBytes: number;
  readonly #handler: DatagramHandler;
  readonly #buffers: Buffers;
  readonly #receive: Batch;
  readonly #send: Batch;
  readonly #peer = new Peer();
  /** struct pollfd: descriptor, then events and revents in one word. */
  readonly #poll = new Uint8Array(8);
  readonly #pollWords = new Int32Array(this.#poll.buffer);
  /** struct timespec: seconds and nanoseconds of 64 bits. */
  readonly #timeout = new Uint8Array(16);
  readonly #timeoutWords = new Int32Array(this.#timeout.buffer);
  #queued = 0;
  #isDraining = false;
  #isFlushPlanned = false;
  #isClosed = false;
  readonly #flushLater = (): void => {
    this.#isFlushPlanned = false;
    this.#flush();
  };

  private constructor(c: Libc, fd: number, waker: Socket, options: DatagramOptions) {
    this.#buffers = buffersFor(c);
    const { receive, send } = this.#buffers;
    this.#c = c;
    this.#fd = fd;
    this.#waker = waker;
    this.#receive = receive;
    this.#send = send;
    this.#family = options.endpoint.family;
    this.#nameBytes = this.#family === 4 ? SOCKADDR_IN_BYTES : SOCKADDR_BYTES;
    this.#handler = options.handler;
    this.port = waker.address().port;
    waker.on('message', (message, sender) => {
      this.#wake(message, sender);
    });
    waker.on('error', () => {
      this.#handler.sendFailed();
    });
  }

  /** Binds the endpoint, once per socket; rejects with the system's error. */
  static async open(c: Libc, options: DatagramOptions): Promise<BatchedSocket> {
    const { endpoint } = options;
    const fd = openSocket(c, endpoint, options);
    if (!bindTo(c, fd, endpoint)) {
      const error = systemError(c, 'bind');
      c.close(fd);
      throw error;
    }
    const waker = createSocket(endpoint.family === 6 ? 'udp6' : 'udp4');
    await new Promise<void>((resolve, reject) => {
      waker.once('error', reject);
      waker.bind({ fd }, () => {
        resolve();
      });
    });
    waker.removeAllListeners('error');
    return new BatchedSocket(c, fd, waker, options);
  }

  reserve(): Uint8Array {
    const { sender } = this.#buffers;
    if (sender !== this) {
      // The memory holds another socket's datagrams: they leave first.
      if (sender !== undefined) sender.#flush();
      this.#buffers.sender = this;
    }
    if (this.#queued === BATCH) this.#flush();
    return this.#send.slots[this.#queued] ?? this.#send.data;
  }

  commit(length: number, peer: Peer): void {
    const slot = this.#queued;
    peer.write(this.#send.names, slot * SOCKADDR_BYTES, this.#family);
    this.#send.headerWords[slot * HEADER_WORDS + NAME_LENGTH] = this.#nameBytes;
    this.#send.vectorWords[slot * IOVEC_WORDS + IOVEC_LENGTH] = length;
    this.#queued++;
    if (this.#isDraining || this.#isFlushPlanned) return;
    // Answers of one turn leave together.
    this.#isFlushPlanned = true;
    queueMicrotask(this.#flushLater);
  }

  close(): Promise<void> {
    this.#flush();
    this.#isClosed = true;
    if (this.#buffers.sender === this) this.#buffers.sender = undefined;
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
    this.#isDraining = true;
    this.#handler.receive(message, message.length, peer);
    const endMs = performance.now() + TURN_MS_MAX;
    let isBusy = true;
    while (isBusy && !this.#isClosed) {
      const count = this.#drain();
      if (count === BATCH) isBusy = performance.now() < endMs;
      else isBusy = count >= BUSY_COUNT && performance.now() < endMs && this.#waitFor(POLLIN, LINGER_NS);
    }
    this.#flush();
    this.#isDraining = false;
  }

  /** Receives one batch and hands it on; returns how many there were. */
  #drain(): number {
    const { headers, headerWords, names, slots } = this.#receive;
    for (let i = 0; i < BATCH; i++) headerWords[i * HEADER_WORDS + NAME_LENGTH] = SOCKADDR_BYTES;
    const count = this.#c.recvmmsg(this.#fd, headers, BATCH, MSG_DONTWAIT, null);
    const peer = this.#peer;
    for (let i = 0; i < count; i++) {
      peer.read(names, i * SOCKADDR_BYTES);
      const slot = slots[i];
      if (slot === undefined) break;
      this.#handler.receive(slot, headerWords[i * HEADER_WORDS + MESSAGE_LENGTH] ?? 0, peer);
    }
    if (count > 0) this.#flush();
    return count;
  }

  #flush(): void {
    let first = 0;
    let waits = 0;
    const count = this.#queued;
    this.#queued = 0;
    while (first < count && !this.#isClosed) {
      const headers = first === 0 ? this.#send.headers : this.#send.headers.subarray(first * MMSGHDR_BYTES);
      const sent = this.#c.sendmmsg(this.#fd, headers, count - first, MSG_DONTWAIT);
      if (sent > 0) {
        first += sent;
        continue;
      }
      const error = this.#c.errno();
      if (error === EINTR) continue;
      if (error === EAGAIN && waits < SEND_WAITS_MAX) {
        waits++;
        this.#waitFor(POLLOUT, SEND_WAIT_NS);
        continue;
      }
      // The first of the rest cannot be sent (no route, filtered, no room): the others may.
      this.#handler.sendFailed();
      first++;
    }
  }

  /** Blocks until the socket is ready for an event or the time is over; true when it is ready. */
  #waitFor(event: number, nanoseconds: number): boolean {
    this.#pollWords[0] = this.#fd;
    this.#pollWords[1] = event;
    this.#timeoutWords[2] = nanoseconds;
    return this.#c.ppoll(this.#poll, 1, this.#timeout, null) > 0;
  }
}

/** The interface's index of a link-local address as node:dgram prints it: by number or by name. */
const scopeOf = (address: string): number => {
  const at = address.indexOf('%');
  if (at < 0) return 0;
  const zone = address.slice(at + 1);
  const index = Number(zone);
  if (Number.isInteger(index)) return index;
  for (const entry of networkInterfaces()[zone] ?? []) if (entry.family === 'IPv6') return entry.scopeid;
  return 0;
};

const bindTo = (c: Libc, fd: number, endpoint: Endpoint): boolean => {
  const peer = new Peer();
  parseAddress(endpoint.address, peer.words);
  peer.port = endpoint.port;
  const name = new Uint8Array(SOCKADDR_BYTES);
  peer.write(name, 0, endpoint.family);
  return c.bind(fd, name, endpoint.family === 4 ? SOCKADDR_IN_BYTES : SOCKADDR_BYTES) === 0;
};
