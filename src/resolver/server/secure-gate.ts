// Stands between accepted connections and what is spoken over TLS: gives handshakes their turn.
//
// A handshake costs half a millisecond of the loop that answers everybody, so that a thousand at once would stop it for
// half a second. So a connection waits, without anything of TLS, until its ClientHello is there as a whole; then it stands
// in a queue, and few begin in each turn of the loop: now of the network whose turn it is, now of the one that had fewest lately
// (handshake-queue.ts). Who does not begin with a ClientHello
// is closed at once, who takes too long later, and an address that makes too many is closed for a while. After the
// handshake nothing of this counts: who completed one has proven its address.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { AddressWords, Clock } from '../../base/base.ts';
import { HANDSHAKE } from '../../base/words/words.ts';
import type { Shown } from '../../policy/access/access.ts';
import {
  type Challenges,
  type ClientAuthorities,
  SecureServer,
  type TlsSettings,
} from '../../wire/tls/tls.ts';
import { ClientHello, HELLO } from './client-hello.ts';
import { CloseQueue } from './close-queue.ts';
import { networkOf } from './connection-budget.ts';
import { HandshakeQueue } from './handshake-queue.ts';
import { canReadInto, readInto } from './own-reads.ts';

/**
 * Handshakes that begin in one turn of the loop. Those that are under way end in the same turns, so that a turn has some 1 ms of them: an
 * answer waits for two turns at least, that of the query and that of the upstream. Fewer than connections are accepted, so that who waits
 * does so here, where networks take turns.
 */
const PER_TURN_MAX = 1;
/** From the connection to the whole ClientHello, milliseconds: it fits the first round trip, if none is lost. */
const HELLO_MS_MAX = 5_000;
/**
 * From there to the end of the handshake, milliseconds: three round trips of a satellite link, of which one is lost. Node.js has
 * such a time too, and forgets it when the client closes its side.
 */
const HANDSHAKE_MS_MAX = 5_000;

/** Told of handshakes; numbers are HANDSHAKE. */
export interface SecureObserver {
  tlsHandshake(result: number): void;
}

/** What a gate needs. */
export interface SecureOptions {
  readonly settings: TlsSettings;
  /** False for a client that has not shown what the listener requires. */
  readonly mayStay: (shown: Shown) => boolean;
  /** Counts a handshake of an address; false: it makes too many. */
  readonly mayShake: (address: AddressWords) => boolean;
  readonly observer: SecureObserver;
}

interface Newcomer {
  readonly socket: Socket;
  readonly words: AddressWords;
  /** When it connected, and then when its handshake began. */
  sinceMs: number;
  readonly secured: (socket: TLSSocket) => void;
  /** Told that one who may only answer a challenge asked for something else; undefined: it may ask. */
  readonly refusedStranger: (() => void) | undefined;
  /** What it sent so far. */
  readonly hello: ClientHello;
  hasBegun: boolean;
}

/** The handshakes of one listener. */
export class SecureGate {
  readonly #server: SecureServer;
  /** Of authorities that look whether a name leads here; undefined where they do not look. */
  readonly #challenges: Challenges | undefined;
  readonly #options: SecureOptions;
  readonly #clock: Clock;
  readonly #newcomers = new Set<Newcomer>();
  /** Those with a whole ClientHello. */
  readonly #ready = new HandshakeQueue<Newcomer>();
  #turns = 0;
  readonly #closeQueue = new CloseQueue();

  /** `protocols` are names of ALPN in the order of preference; `challenges`: those of an authority are answered here. */
  constructor(protocols: readonly string[], options: SecureOptions, clock: Clock, challenges?: Challenges) {
    this.#server = new SecureServer(protocols, options.settings);
    this.#challenges = challenges;
    this.#challenges?.set(options.settings.challenges);
    this.#options = options;
    this.#clock = clock;
  }

  /** Who may not ask may answer a challenge. */
  get takesStrangers(): boolean {
    return this.#challenges?.areOpen === true;
  }

  /** Those of client certificates. */
  get authorities(): ClientAuthorities {
    return this.#server.authorities;
  }

  /** Proves with something else from the next handshake on. */
  set(settings: TlsSettings): void {
    this.#server.set(settings);
    this.#challenges?.set(settings.challenges);
  }

  /**
   * Takes a connection. `secured` is called after its handshake; otherwise the socket is closed. With `refusedStranger` it may answer
   * a challenge and nothing else.
   */
  admit(
    socket: Socket,
    words: AddressWords,
    secured: (socket: TLSSocket) => void,
    refusedStranger?: () => void,
  ): void {
    const begun = { sinceMs: this.#clock(), hello: new ClientHello(), hasBegun: false };
    const newcomer: Newcomer = { socket, words, secured, refusedStranger, ...begun };
    this.#newcomers.add(newcomer);
    socket.once('close', () => {
      if (this.#newcomers.delete(newcomer) && newcomer.hasBegun) this.#tell(HANDSHAKE.FAILED);
    });
    let isDone = false;
    const take = (chunk: Buffer): boolean => {
      const fits = newcomer.hello.add(chunk);
      if (isDone) {
        if (!fits) socket.destroy();
        return true;
      }
      const found = fits ? newcomer.hello.look() : HELLO.NONE;
      if (found === HELLO.PART) return false;
      isDone = true;
      if (found === HELLO.WHOLE) this.#enqueue(newcomer);
      else this.#refuse(newcomer, HANDSHAKE.NO_HELLO);
      return true;
    };
    // With half of it closed nothing more comes; otherwise the socket would stay until the next sweep.
    const end = (): void => {
      if (!newcomer.hasBegun) socket.destroy();
    };
    // A buffer for each of a storm of connections would be garbage of 64 KB.
    if (canReadInto(socket)) readInto(socket, take, end);
    else readStream(socket, take, end);
  }

  /** Ends connections that take too long to begin, or to come to an end of the handshake; to be called every second or so. */
  sweep(): void {
    const nowMs = this.#clock();
    this.#ready.forget();
    if (!this.#closeQueue.isDone) return;
    for (const newcomer of this.#newcomers) {
      const { sinceMs, hasBegun } = newcomer;
      const isLate = nowMs - sinceMs > (hasBegun ? HANDSHAKE_MS_MAX : HELLO_MS_MAX) || nowMs < sinceMs;
      // Who is ready waits for us.
      if (!isLate || this.#isReady(newcomer)) continue;
      this.#closeQueue.add(() => {
        if (this.#newcomers.has(newcomer) && newcomer.hasBegun === hasBegun && !this.#isReady(newcomer))
          this.#refuse(newcomer, hasBegun ? HANDSHAKE.FAILED : HANDSHAKE.TOO_LATE);
      });
    }
  }

  #isReady(newcomer: Newcomer): boolean {
    return this.#ready.has(networkOf(newcomer.words), newcomer);
  }

  #enqueue(newcomer: Newcomer): void {
    if (!this.#options.mayShake(newcomer.words)) {
      this.#refuse(newcomer, HANDSHAKE.LIMITED);
      return;
    }
    this.#ready.add(networkOf(newcomer.words), newcomer);
    this.#plan();
  }

  /** Each turn that is planned begins one handshake; an immediate that plans another one does so for the next round. */
  #plan(): void {
    if (this.#turns === PER_TURN_MAX || this.#ready.size === 0) return;
    this.#turns++;
    setImmediate(() => {
      this.#turns--;
      this.#beginNext();
      this.#plan();
    });
  }

  #beginNext(): void {
    let newcomer = this.#ready.take();
    while (newcomer?.socket.destroyed === true) newcomer = this.#ready.take();
    if (newcomer !== undefined) this.#begin(newcomer);
  }

  #begin(newcomer: Newcomer): void {
    const { socket, secured, refusedStranger } = newcomer;
    const hello = newcomer.hello.take();
    const challenge = this.#challenges?.find(hello);
    if (challenge === undefined && refusedStranger !== undefined) {
      this.#newcomers.delete(newcomer);
      refusedStranger();
      socket.destroy();
      return;
    }
    newcomer.hasBegun = true;
    newcomer.sinceMs = this.#clock();
    socket.unshift(hello);
    // The handshake is all that there is to a challenge: nothing is read after it (RFC 8737 section 3).
    challenge?.secure(socket, (tls) => {
      this.#newcomers.delete(newcomer);
      this.#tell(HANDSHAKE.CHALLENGE);
      tls.on('error', () => {});
      tls.destroySoon();
    });
    if (challenge !== undefined) return;
    this.#server.secure(socket, (tls) => {
      this.#newcomers.delete(newcomer);
      this.#tell(tls.isSessionReused() ? HANDSHAKE.RESUMED : HANDSHAKE.FULL);
      secured(tls);
    });
  }

  #refuse(newcomer: Newcomer, result: number): void {
    this.#newcomers.delete(newcomer);
    this.#tell(result);
    newcomer.socket.destroy();
  }

  #tell(result: number): void {
    this.#options.observer.tlsHandshake(result);
  }
}

/** Reads what the stream may hold already. */
const readStream = (socket: Socket, take: (chunk: Buffer) => boolean, end: () => void): void => {
  const read = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null && take(chunk)) socket.off('readable', read);
  };
  socket.on('readable', read);
  socket.once('end', end);
};
