// Answers that wait until their clients let more of them come (RFC 9000 section 4). Hot file.
//
// OpenSSL takes no more of an answer than the stream has credit for, so the rest waits here. Credit comes in datagrams only:
// those of whom something has come are asked again, and the others, a few at a time, at each look of the listener. Without
// that, clients that give none would cost every packet of the others a walk over all their streams.
import type { AddressWords } from '../../base/base.ts';
import type { Peer } from '../datagram/datagram.ts';
import type { QuicConnection, QuicStream } from './quic-connection.ts';

/** Places to note who was heard, by a hash of address and port; two that meet only cost a walk too many. */
const PLACES = 4096;
const MULTIPLIER = 0x9e37_79b1;
const PLACE_SHIFT = 20;
/** Streams that are tried in a look, of clients that were not heard. */
const LOOK_STREAMS_MAX = 256;
/** The turn before counts as well: OpenSSL may take a datagram in the turn after the one it came in. */
const TURNS_HEARD = 1;

/** What waits in one endpoint. */
export class CreditQueue {
  readonly #goOn: (stream: QuicStream) => boolean;
  readonly #connections = new Set<QuicConnection>();
  readonly #heardIn = new Uint32Array(PLACES);
  #turn = TURNS_HEARD + 1;
  #isLook = false;

  /** `goOn` writes what there is credit for; true: nothing of the stream waits any more. */
  constructor(goOn: (stream: QuicStream) => boolean) {
    this.#goOn = goOn;
  }

  /** A datagram of a client has come. */
  hear(peer: Peer): void {
    this.#heardIn[placeOf(peer.words, peer.port)] = this.#turn;
  }

  /** Keeps a stream, of whose answer a part waits. */
  add(stream: QuicStream): void {
    stream.connection.blocked.add(stream);
    this.#connections.add(stream.connection);
  }

  /** The connection is over. */
  forget(connection: QuicConnection): void {
    this.#connections.delete(connection);
    connection.blocked.clear();
  }

  /** Some of those who were not heard are tried, too, at the end of this turn. */
  look(): void {
    this.#isLook = true;
  }

  /** Writes on for those who were heard, at the end of a turn. */
  serve(): void {
    let left = this.#isLook ? LOOK_STREAMS_MAX : 0;
    this.#isLook = false;
    // Those that go behind the others would be met again for ever.
    let unmet = this.#connections.size;
    for (const connection of this.#connections) {
      if (unmet-- === 0) break;
      const { words, port } = connection.peer;
      const isHeard = (this.#heardIn[placeOf(words, port)] ?? 0) >= this.#turn - TURNS_HEARD;
      if (!isHeard && left <= 0) continue;
      if (!isHeard) left -= connection.blocked.size;
      this.#connections.delete(connection);
      for (const stream of connection.blocked) if (this.#goOn(stream)) connection.blocked.delete(stream);
      // Behind the others, whose turn in a look comes before its next.
      if (connection.blocked.size > 0) this.#connections.add(connection);
    }
    this.#turn = (this.#turn + 1) >>> 0 || TURNS_HEARD + 1;
  }
}

const placeOf = (words: AddressWords, port: number): number => {
  let hash = port;
  for (let i = 0; i < 4; i++) hash = Math.imul(hash ^ (words[i] ?? 0), MULTIPLIER);
  return hash >>> PLACE_SHIFT;
};
