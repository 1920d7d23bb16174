// Requests whose question is there, and when they are asked for. Hot file.
//
// Content is that of whoever answers, and copied where no window lets it out. So where much waits already, a request whose
// answer would wait as well is held, and costs no answer until the client opens windows or takes what was sent.
import type { Socket } from 'node:net';
import type { Output } from './output.ts';
import type { Http2Stream } from './stream.ts';

/** Output that the client has not taken, above which nothing more is read: four of the longest answers. */
const OUTPUT_MAX = 262_144;
/** Content that waits for windows, above which nothing more is asked: as many. */
const WAITING_MAX = OUTPUT_MAX;

/** The client does not take what was sent. */
export const isFull = (output: Output, socket: Socket): boolean =>
  output.length + socket.writableLength > OUTPUT_MAX;

/**
 * Content that windows let out at once, from which on an answer is made whatever waits, so that one that is not read holds up no
 * other: what is copied is four times as much at most.
 */
const ROOM_MIN = 16_384;

/** Who is asked. */
interface Asked {
  asked(stream: Http2Stream): void;
}

/** The requests of one connection. */
export class Requests {
  readonly #host: Asked;
  readonly #output: Output;
  readonly #socket: Socket;
  /** No more than there may be streams. */
  readonly #held: Http2Stream[] = [];

  constructor(host: Asked, output: Output, socket: Socket) {
    this.#host = host;
    this.#output = output;
    this.#socket = socket;
  }

  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** The question of a request is there. */
  ask(stream: Http2Stream): void {
    if (this.#mayAsk(stream)) this.askNow(stream);
    else this.#held.push(stream);
  }

  /** Asks for what is held, as far as there is room for answers. */
  askHeld(): void {
    for (let i = 0; i < this.#held.length && !isFull(this.#output, this.#socket); ) {
      const stream = this.#held[i];
      if (stream === undefined || !this.#mayAsk(stream)) i++;
      else {
        this.#held.splice(i, 1);
        if (stream.isOpen) this.askNow(stream);
      }
    }
  }

  #mayAsk(stream: Http2Stream): boolean {
    return this.#output.waitingBytes <= WAITING_MAX || this.#output.roomFor(stream) >= ROOM_MIN;
  }

  /** A stream has ended. */
  forget(stream: Http2Stream): void {
    const at = this.#held.indexOf(stream);
    if (at >= 0) this.#held.splice(at, 1);
  }

  /** Asks, or says that the content has come as well. */
  askNow(stream: Http2Stream): void {
    if (!stream.isAsked) {
      stream.isAsked = true;
      this.#host.asked(stream);
    }
    if (stream.isEnded) stream.reader?.ended();
  }
}
