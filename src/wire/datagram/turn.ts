// What a thread does with its batched sockets while one of them is busy. Hot file.
//
// libuv wakes the loop when a socket can be read. Going back to it costs two epoll_wait() and a callback, about as much
// as three queries. So the turn of a busy thread goes on for a while: it waits for all sockets of the thread at once, because a query that came in from a client leaves for an upstream
// and its answer is back before the clients have sent more. Nothing that is committed lies still meanwhile: both
// outboxes are emptied before each wait.
import { BATCH, Batch, Outbox } from './batch.ts';
import { type Libc, POLLIN } from './libc.ts';
import { QUERY_BYTES, SEND_BYTES } from './socket.ts';

/** Longest datagram that is read whole: longer queries do not exist, and no longer answer is asked for. */
const RECEIVE_BYTES = 4096;
/** Longest turn, milliseconds: then TCP and timers have theirs. */
const TURN_MS_MAX = 2;
/** How long a busy turn waits for more, nanoseconds. */
const LINGER_NS = 200_000;
/**
 * Datagrams of a round below which a busy turn lets more of them gather before it looks again, and for how long,
 * nanoseconds; the kernel adds some 50 µs of its own. Without it, a worker that is faster than its clients wakes for
 * every few datagrams: measured, a pause makes 7 % more of a CPU second, a quarter more where two workers share the
 * load, and no latency, because clients wait for each other's answers less.
 */
const PAUSE_BELOW = BATCH / 2;
const PAUSE_NS = 20_000;
/** Datagrams of a round from which on the turn counts as busy: below, a client that asks one by one must not be held up. */
const BUSY_COUNT = 4;
/** Sockets that a turn looks at; those opened later are served by libuv alone. The cost of a look grows with them. */
const SOCKETS_MAX = 64;
/** Bytes of a struct pollfd: descriptor, events, revents. */
const POLLFD_BYTES = 8;

/** A socket that takes part in turns. */
export interface TurnSocket {
  readonly fd: number;
  /** Receives one batch and hands it on; returns how many there were, 0 also after an error. */
  drain(): number;
  /** What was handed on last was read `ms` milliseconds ago, and what was committed has left; absent: of no interest. */
  settled?(ms: number): void;
}

/** The batched sockets of a thread and their memory. */
export class Turn {
  readonly receive: Batch;
  /** Answers to clients, and queries to upstreams: apart, because both come up in turns all the time. */
  readonly answers: Outbox;
  readonly queries: Outbox;
  readonly #c: Libc;
  #isUnderWay = false;
  /** When what is handed on was read; the clock is read once for each batch. */
  #readAtMs = 0;
  #isFlushPlanned = false;
  // Replaced as a whole when a socket comes or goes, so that a round under way keeps its own.
  #sockets: readonly TurnSocket[] = [];
  #polls = new Uint8Array(0);
  #pollWords = new Int32Array(0);
  // struct timespec: seconds and nanoseconds of 64 bits.
  readonly #linger = new Uint8Array(16);
  readonly #pause = new Uint8Array(16);
  readonly #flushLater = (): void => {
    this.#isFlushPlanned = false;
    this.flush();
  };

  constructor(c: Libc) {
    this.#c = c;
    this.receive = new Batch(c, BATCH, RECEIVE_BYTES);
    this.answers = new Outbox(new Batch(c, BATCH, SEND_BYTES));
    this.queries = new Outbox(new Batch(c, BATCH, QUERY_BYTES));
    new Int32Array(this.#linger.buffer)[2] = LINGER_NS;
    new Int32Array(this.#pause.buffer)[2] = PAUSE_NS;
  }

  /** Adds a socket, once per socket. */
  join(socket: TurnSocket): void {
    this.#setSockets(this.#sockets.concat(socket));
  }

  /** Removes a socket, once per socket. @cold */
  leave(socket: TurnSocket): void {
    this.#setSockets(this.#sockets.filter((other) => other !== socket));
  }

  /**
   * Sees to it that what is committed leaves: at the end of the round, or of the callback under way with all that its
   * promises settle. In a microtask, each of a row of promises would send its one datagram.
   */
  planFlush(): void {
    if (this.#isUnderWay || this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    process.nextTick(this.#flushLater);
  }

  /** Sends all that is committed. */
  flush(): void {
    this.queries.flush();
    this.answers.flush();
  }

  /** From the socket's waking until the sockets are idle or the time is over. */
  run(first: TurnSocket): void {
    this.#isUnderWay = true;
    this.#readAtMs = performance.now();
    const endMs = this.#readAtMs + TURN_MS_MAX;
    let count = this.#drain(first, endMs);
    while (count >= BUSY_COUNT && this.#readAtMs < endMs) {
      if (count < PAUSE_BELOW) this.#c.ppoll(this.#polls, 0, this.#pause, null);
      count = this.#round(endMs);
    }
    this.#isUnderWay = false;
  }

  /** Waits for the sockets and receives a batch of each that is ready; returns how many datagrams there were. */
  #round(endMs: number): number {
    const sockets = this.#sockets;
    const words = this.#pollWords;
    const polled = Math.min(sockets.length, SOCKETS_MAX);
    if (this.#c.ppoll(this.#polls, polled, this.#linger, null) <= 0) return 0;
    this.#readAtMs = performance.now();
    let count = 0;
    for (let i = 0; i < polled; i++) {
      // The upper half of the word holds what happened, errors included.
      if ((words[2 * i + 1] ?? 0) >>> 16 === 0) continue;
      const socket = sockets[i];
      if (socket !== undefined) count += this.#drain(socket, endMs);
    }
    return count;
  }

  /** Receives from a socket as long as its batches are full: then there is more, and a wait would only cost a call. */
  #drain(socket: TurnSocket, endMs: number): number {
    let sum = 0;
    for (;;) {
      const count = socket.drain();
      this.#settle(socket);
      sum += count;
      if (count < BATCH || this.#readAtMs >= endMs) return sum;
    }
  }

  /** Sends all that is committed, and tells the socket how long that took. */
  #settle(socket: TurnSocket): void {
    this.flush();
    const nowMs = performance.now();
    socket.settled?.(nowMs - this.#readAtMs);
    this.#readAtMs = nowMs;
  }

  /** Once per socket that comes or goes. @cold */
  #setSockets(sockets: readonly TurnSocket[]): void {
    const polls = new Uint8Array(sockets.length * POLLFD_BYTES);
    const words = new Int32Array(polls.buffer);
    for (const [i, socket] of sockets.entries()) {
      words[2 * i] = socket.fd;
      words[2 * i + 1] = POLLIN;
    }
    this.#sockets = sockets;
    this.#polls = polls;
    this.#pollWords = words;
  }
}

let threadTurn: Turn | undefined;

/** The turn of this thread, made at the first socket. */
export const turnOf = (c: Libc): Turn => {
  threadTurn ??= new Turn(c);
  return threadTurn;
};
