// A session of HTTP/2 over a socket that is none: what is given to it comes in the pieces that a test wants, what it sends is kept.
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Http2Host, Http2Session, type Http2Stream } from '../../src/wire/http2/http2.ts';
import { type Frame, FrameReader } from '../conformance/http2/wire.ts';

/** The side of a socket that a session uses. */
class ScriptedSocket {
  readonly writes: Buffer[] = [];
  writable = true;
  writableLength = 0;
  destroyed = false;
  #isPaused = false;

  isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  write(bytes: Buffer, written: () => void): void {
    this.writes.push(Buffer.from(bytes));
    setImmediate(written);
  }

  destroySoon(): void {
    this.writable = false;
    this.destroyed = true;
  }

  setMaxSendFragment(): boolean {
    return true;
  }
}

type Answer = (stream: Http2Stream, session: Http2Session) => void;

/** A session with the host that answers it, and what it sent. */
export class ScriptedSession {
  readonly #socket = new ScriptedSocket();
  readonly #reader = new FrameReader();
  readonly #session: Http2Session;
  readonly #waiting: (() => void)[] = [];
  readonly #turnRoom: number;
  #room: number;
  #countRead = 0;
  readonly frames: Frame[] = [];
  requests = 0;
  /** The most that it held of what its client has not taken, bytes. */
  heldBytesMax = 0;

  /** `turnRoom` is the work of a turn; without it there is no end to it. */
  constructor(answer: Answer, turnRoom: number = Number.POSITIVE_INFINITY) {
    this.#turnRoom = turnRoom;
    this.#room = turnRoom;
    const host: Http2Host = {
      now: () => 1_000_000,
      spend: (cost) => {
        this.#room -= cost;
        return this.#room >= 0;
      },
      wait: (goOn) => this.#waiting.push(goOn),
      asked: (stream) => {
        this.requests++;
        answer(stream, this.#session);
      },
      taken: () => {},
      flooded: () => this.#socket.destroySoon(),
    };
    this.#session = new Http2Session(this.#socket as unknown as Socket, host);
  }

  get heldBytes(): number {
    return this.#session.unreadBytes;
  }

  get hasEnded(): boolean {
    return this.#socket.destroyed;
  }

  get writes(): readonly Buffer[] {
    return this.#socket.writes;
  }

  /** Gives it bytes in memory that is written over afterwards, and lets turns of the loop pass until it wants more. */
  async receive(bytes: Uint8Array): Promise<void> {
    if (this.hasEnded) return;
    const shared = Buffer.from(bytes);
    this.#session.receive(shared);
    shared.fill(0xff);
    do await this.turn();
    while (this.#socket.isPaused() && !this.hasEnded && this.#waiting.length > 0);
  }

  /** The client closes its side. */
  async end(): Promise<void> {
    this.#session.ended();
    for (let count = 0; count < 4; count++) await this.turn();
  }

  /** A turn of the loop passes. */
  async turn(): Promise<void> {
    this.#room = this.#turnRoom;
    for (const goOn of this.#waiting.splice(0)) goOn();
    this.heldBytesMax = Math.max(this.heldBytesMax, this.#session.unreadBytes);
    await nextTurn();
    for (; this.#countRead < this.writes.length; this.#countRead++)
      this.frames.push(...this.#reader.read(this.writes[this.#countRead] ?? NOTHING));
  }
}

const NOTHING = Buffer.alloc(0);
