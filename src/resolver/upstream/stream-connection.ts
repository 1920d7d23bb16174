// Queries over TCP (RFC 7766) and over TLS (RFC 7858): connections that are kept, pipelined, answered in any order.
// Hot file.
//
// With TLS nothing is written before the upstream has proven who it is, and there is no way from TLS to plaintext. IDs
// are random and unique among all whose answer may still come: the ID of a released query stays taken, so that a late
// answer is never mistaken for another's. Queries of one turn leave in one write. Read is one message at a time, into
// room that grows as bytes come.
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../../base/base.ts';
import { FRAME_HEADER, messageId, writeFrame, writeU16 } from '../../wire/dns/dns.ts';
import {
  type Connection,
  type ConnectionFault,
  type ConnectionListener,
  type ConnectionOptions,
  completeOptions,
  LINK_QUERIES_MAX,
  type Link,
  LinkedConnection,
  type LinkOptions,
  type LinkOwner,
  LinkTimes,
  type TlsSettings,
  type Waiter,
} from './connection.ts';
import { FrameReader } from './frame-reader.ts';
import { readTurns } from './read-turns.ts';
import { TlsDialer } from './tls.ts';

/** IDs of a link whose answer may still come, whoever waits for it; a link whose IDs are used up makes room for another. */
const LINK_IDS_MAX = 8_000;
/** Messages with an ID that nobody has asked with: a server that sends more is not answering us. */
const STRAYS_MAX = 100;
/** Queries that the upstream does not read, bytes: more than LINK_QUERIES_MAX of them have. */
const UNREAD_BYTES_MAX = 256 * 1024;

/** TCP, or TLS when there are settings for it, to one upstream. */
export class StreamConnection<T> implements Connection<T> {
  readonly #connection: LinkedConnection<T>;

  /** Connects with the first query. Throws ERR_UPSTREAM_CERTIFICATE when a CA certificate cannot be read. */
  constructor(
    endpoint: Endpoint,
    tls: TlsSettings | undefined,
    listener: ConnectionListener<T>,
    options: ConnectionOptions = {},
  ) {
    const linkOptions = completeOptions(options);
    const dialer = tls && new TlsDialer(endpoint, tls, 'dot', linkOptions);
    this.#connection = new LinkedConnection(
      listener,
      linkOptions,
      (owner) => new StreamLink({ endpoint, dialer, options: linkOptions, owner }),
    );
  }

  get waiting(): number {
    return this.#connection.waiting;
  }

  send(waiting: T, query: Uint8Array): void {
    this.#connection.send(waiting, query);
  }

  release(waiting: T): void {
    this.#connection.release(waiting);
  }

  close(): void {
    this.#connection.close();
  }
}

interface StreamContext<T> {
  readonly endpoint: Endpoint;
  readonly dialer: TlsDialer | undefined;
  readonly options: LinkOptions;
  readonly owner: LinkOwner<T>;
}

/** One connection. */
class StreamLink<T> implements Link<T> {
  isRetired = false;
  readonly #context: StreamContext<T>;
  readonly #socket: Socket;
  readonly #times: LinkTimes;
  /** By the IDs whose answer may still come; undefined: nobody waits for it any more. */
  readonly #waiters = new Map<number, Waiter<T> | undefined>();
  /** The IDs of those that are not written. */
  #unsent: number[] = [];
  #waitingCount = 0;
  #strayCount = 0;
  #isOpen = false;
  #isClosed = false;
  #isFlushDue = false;
  #hasAnswered = false;
  #timer: NodeJS.Timeout;
  readonly #frame = new FrameReader();

  constructor(context: StreamContext<T>) {
    this.#context = context;
    this.#times = new LinkTimes(context.options);
    const opened = (): void => this.#opened();
    const lost = (fault: ConnectionFault): void => this.#lose(fault);
    const { dialer, endpoint } = context;
    this.#socket = dialer === undefined ? dial(endpoint, opened, lost) : dialer.connect(opened, lost);
    this.#timer = setTimeout(() => this.#lose('network'), context.options.connectTimeoutMs);
  }

  get isUsedUp(): boolean {
    return this.#waiters.size >= LINK_IDS_MAX;
  }

  accepts(nowMs: number): boolean {
    if (this.isRetired) return false;
    const isDead = this.#isOpen && this.#waiters.size > 0 && this.#times.isSilent(nowMs);
    if (isDead || this.isUsedUp || this.#socket.writableLength > UNREAD_BYTES_MAX) {
      this.isRetired = true;
      return false;
    }
    return this.#waitingCount < LINK_QUERIES_MAX;
  }

  send(waiter: Waiter<T>): void {
    this.#times.noteQuery(this.#waiters.size === 0);
    const id = this.#freeId();
    writeU16(waiter.query, 0, id);
    this.#waiters.set(id, waiter);
    this.#waitingCount++;
    this.#unsent.push(id);
    if (this.#isOpen) this.#flushSoon();
  }

  forget({ query }: Waiter<T>): void {
    this.#waiters.set(messageId(query), undefined);
    this.#waitingCount--;
  }

  close(): void {
    this.#isClosed = true;
    this.isRetired = true;
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }

  /** Allocates: asked when the connection is lost. @cold */
  waiters(): Iterable<Waiter<T>> {
    return [...this.#waiters.values()].filter((waiter) => waiter !== undefined);
  }

  /** A random ID under which no answer can still come. Ends soon: far fewer are due than there are IDs. */
  #freeId(): number {
    const { random } = this.#context.options;
    let id = random.next();
    while (this.#waiters.has(id)) id = random.next();
    return id;
  }

  #opened(): void {
    if (this.#isClosed) return;
    this.#isOpen = true;
    this.#times.noteBytes();
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#checkIdle(), this.#context.options.idleMs);
    this.#flush();
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => this.#flush());
  }

  /** Writes what is unsent, as one buffer, except what was released meanwhile. */
  #flush(): void {
    this.#isFlushDue = false;
    if (this.#isClosed) return;
    let length = 0;
    for (const id of this.#unsent) {
      const waiter = this.#waiters.get(id);
      if (waiter === undefined) this.#waiters.delete(id);
      else length += FRAME_HEADER + waiter.query.length;
    }
    const out = Buffer.allocUnsafe(length);
    let at = 0;
    for (const id of this.#unsent) {
      const query = this.#waiters.get(id)?.query;
      if (query === undefined) continue;
      at = writeFrame(out, at, query, query.length);
    }
    this.#unsent = [];
    if (length > 0) this.#socket.write(out);
  }

  /** Reads in this turn of the loop or in a later one; nothing more comes meanwhile. */
  #receive(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    this.#times.noteBytes();
    if (readTurns.take(chunk.length)) {
      this.#read(chunk);
      if (this.#socket.isPaused()) this.#socket.resume();
    } else {
      this.#socket.pause();
      readTurns.wait(() => this.#receive(chunk));
    }
  }

  #read(chunk: Uint8Array): void {
    let at = 0;
    while (!this.#isClosed && at < chunk.length) {
      at = this.#frame.read(chunk, at);
      const message = this.#frame.take();
      if (message !== undefined) this.#deliver(message);
      else if (this.#frame.isTooShort) this.#lose('malformed');
    }
  }

  #deliver(bytes: Uint8Array): void {
    const id = messageId(bytes);
    const waiter = this.#waiters.get(id);
    if (!this.#waiters.delete(id)) {
      if (++this.#strayCount > STRAYS_MAX) this.#lose('malformed');
      return;
    }
    this.#hasAnswered = true;
    if (waiter === undefined) return;
    this.#waitingCount--;
    this.#context.owner.answered(waiter, bytes);
  }

  #checkIdle(): void {
    const leftMs = this.#times.idleLeftMs();
    if (this.#waitingCount === 0 && leftMs === 0) {
      this.close();
      this.#context.owner.ended(this);
    } else {
      this.#timer = setTimeout(() => this.#checkIdle(), leftMs === 0 ? this.#context.options.idleMs : leftMs);
    }
  }

  #lose(fault: ConnectionFault): void {
    if (this.#isClosed) return;
    this.close();
    this.#context.owner.lost(this, fault, this.#hasAnswered);
  }
}

const dial = (endpoint: Endpoint, opened: () => void, lost: (fault: ConnectionFault) => void): Socket => {
  const socket = connect({ host: endpoint.address, port: endpoint.port, noDelay: true });
  socket.on('connect', opened);
  socket.on('error', () => lost('network'));
  socket.on('end', () => lost('network'));
  socket.on('close', () => lost('network'));
  return socket;
};
