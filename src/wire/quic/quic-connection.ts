// A connection and its streams, as those who answer see them.
import { GrowingBytes } from '../../base/base.ts';
import type { Peer } from '../datagram/datagram.ts';
import type { Words } from './poll.ts';

const NOTHING = new Uint8Array(0);

/** What becomes of one connection. */
export interface QuicClient {
  /** The handshake is done; the name is empty where the client sent none. */
  secured(serverName: string): void;
  /** All that a stream brings has come. */
  asked(stream: QuicStream, bytes: Uint8Array): void;
  /** It went on taking answers: one has arrived, or a good part of one. */
  tookOn(): void;
  /** It took back what it was asking. */
  cancelled(): void;
  /** A stream brings more than it may, or goes one way only. */
  misbehaved(isTooLong: boolean): void;
  /** It is over, whichever side ended it. */
  closed(): void;
}

/** The endpoint that it belongs to. */
interface Owner {
  end(connection: QuicConnection, code: number): void;
  answer(stream: QuicStream, bytes: Uint8Array): void;
  reset(stream: QuicStream, code: number): void;
}

/** One connection. What is not for those who answer is the endpoint's own. */
export class QuicConnection {
  readonly peer: Peer;
  /** Bytes of answers that have not arrived, as far as is known. */
  unreadBytes = 0;
  /** Bytes that went on since the last sign of life. */
  progressBytes = 0;
  /** Its handshake is done. */
  isSecured = false;
  isGone = false;
  client: QuicClient | undefined = undefined;
  readonly handle: bigint;
  readonly words: Words;
  /** Those that have not brought all. */
  readonly streams = new Set<QuicStream>();
  /** Those that wait for an answer. */
  readonly asked = new Set<QuicStream>();
  /** Those of whose answers a part waits for credit. */
  readonly blocked = new Set<QuicStream>();
  /** Those whose answers are on their way as a whole. */
  readonly sent: QuicStream[] = [];
  readonly #owner: Owner;

  constructor(owner: Owner, handle: bigint, peer: Peer) {
    this.#owner = owner;
    this.handle = handle;
    this.words = wordsOf(handle);
    this.peer = peer;
  }

  /** Ends it with a code of the application. */
  end(code: number): void {
    this.#owner.end(this, code);
  }

  /** Ends what has been coming for too long, with a code of the application; returns how many streams that were. */
  endUnfinished(beforeMs: number, code: number): number {
    let count = 0;
    for (const stream of this.streams) {
      if (stream.sinceMs >= beforeMs) continue;
      count++;
      this.#owner.reset(stream, code);
    }
    return count;
  }
}

/** One stream, which a client opened. */
export class QuicStream {
  readonly connection: QuicConnection;
  readonly handle: bigint;
  readonly words: Words;
  readonly #came: GrowingBytes;
  /** What of the answer waits for credit. */
  rest: Uint8Array = NOTHING;
  sentBytes = 0;
  /** When it began, by a clock that never steps. */
  readonly sinceMs: number;
  readonly #owner: Owner;
  readonly #bytesMax: number;

  constructor(owner: Owner, connection: QuicConnection, handle: bigint, sinceMs: number, bytesMax: number) {
    this.#owner = owner;
    this.#bytesMax = bytesMax;
    this.#came = new GrowingBytes(bytesMax);
    this.connection = connection;
    this.handle = handle;
    this.words = wordsOf(handle);
    this.sinceMs = sinceMs;
  }

  /** Adds the first `length` bytes of what came. False: the stream brings more than it may. */
  add(came: Uint8Array, length: number): boolean {
    if (this.#came.length + length > this.#bytesMax) return false;
    this.#came.add(came, 0, length);
    return true;
  }

  /** All that has come, which then belongs to the caller. */
  take(): Uint8Array {
    return this.#came.take();
  }

  /** False once nobody waits for the answer. */
  get isOpen(): boolean {
    return !this.connection.isGone && this.connection.asked.has(this);
  }

  /** Answers with all of it, and ends the stream. */
  answer(bytes: Uint8Array): void {
    this.#owner.answer(this, bytes);
  }

  /** Ends it without an answer, with a code of the application. */
  reset(code: number): void {
    this.#owner.reset(this, code);
  }
}

const wordsOf = (pointer: bigint): Words => ({
  low: Number(pointer & 0xffff_ffffn),
  high: Number(pointer >> 32n),
});
