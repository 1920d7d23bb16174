// Queries over TCP (RFC 7766), and over TLS upon it (RFC 7858): pipelined, answered out of order, frames split anywhere.
//
// A connection costs memory and a descriptor, so everything about it is bounded: how many there are and how many one
// client and one network have (connection-budget.ts), how long one may be idle (bytes of an unfinished query do not count
// as life), how long a query may be, how many wait, and how much unread output may pile up before reading stops, and
// before the connection ends. A client that may not ask has no connection at all. Answers of one turn of the loop leave in one
// write (turn-output.ts).
import type { Server, Socket } from 'node:net';
import { type AddressWords, every } from '../../base/base.ts';
import type { Shown } from '../../policy/access/access.ts';
import { FRAME_HEADER, MESSAGE_LENGTH_MAX, QUERY_LENGTH_MAX, readU16 } from '../../wire/dns/dns.ts';
import type { TlsSettings } from '../../wire/tls/tls.ts';
import { PENDING, TRANSPORT } from '../pipeline/pipeline.ts';
import { type AcceptedConnection, Acceptor, type StreamOptions } from './acceptor.ts';
import { CloseQueue } from './close-queue.ts';
import { networkOf, TCP_CLOSED, TCP_REFUSAL } from './connection-budget.ts';
import { COST_OF_MISS, costOf } from './loop-turns.ts';
import { readInto } from './own-reads.ts';
import type { Caller } from './proxies.ts';
import { hasSignature } from './proxy-header.ts';
import { SecureGate } from './secure-gate.ts';
import { listenTcp, portOf } from './tcp-server.ts';
import { TurnOutput } from './turn-output.ts';

/** Queries of one connection that may wait for upstreams; reading stops above it (RFC 7766 section 6.2.1.1). */
const WAITING_MAX = 128;
/** Unread output of one connection, bytes, above which reading stops: four of the longest answers. */
const UNREAD_OUTPUT_MAX = 4 * MESSAGE_LENGTH_MAX;
/** How often idle connections are looked for, milliseconds. */
const SWEEP_MS = 1000;
/** Name of DNS over TLS in ALPN (RFC 7858 section 3.2, by the registry of IANA). */
const PROTOCOLS = ['dot'] as const;

class Connection implements AcceptedConnection {
  /** That of TLS takes the place of the one below it after the handshake. */
  socket: Socket;
  readonly words: AddressWords;
  readonly port: number;
  /** What the client has shown in the handshake; undefined: there was none. */
  shown: Shown | undefined = undefined;
  /** Room for the unfinished frame, its length header included; undefined between frames. */
  partial: Buffer | undefined;
  /** Bytes of it that have arrived. */
  filled = 0;
  /** What was read when too much waited already: it is looked at first, before anything more is read. */
  rest: Buffer | undefined;
  waiting = 0;
  /** Bytes of answers that are written at the end of this turn of the loop. */
  unsentBytes = 0;
  /** Its client has closed its side, and all that it sent was read. */
  hasEnded = false;
  /** It waits for its turn of the loop. */
  isHeld = false;
  aliveMs: number;

  constructor(socket: Socket, { words, port }: Caller, nowMs: number) {
    this.socket = socket;
    this.words = words;
    this.port = port;
    this.aliveMs = nowMs;
  }

  get isIdle(): boolean {
    return this.waiting === 0 && this.unreadBytes === 0;
  }

  get unreadBytes(): number {
    return this.unsentBytes + this.socket.writableLength;
  }

  end(): void {
    this.socket.destroy();
  }
}

/** One TCP endpoint that clients ask. */
export class StreamListener {
  readonly #servers: readonly Server[];
  readonly #options: StreamOptions;
  readonly #acceptor: Acceptor<Connection>;
  readonly #endLooks: () => void;
  readonly #closeQueue = new CloseQueue();
  readonly #output = new TurnOutput<Connection>((connection, bytes) => this.#write(connection, bytes));
  readonly #out = Buffer.allocUnsafeSlow(MESSAGE_LENGTH_MAX);
  /** Undefined: plain TCP. */
  readonly #secure: SecureGate | undefined;
  readonly #transport: number;

  private constructor(servers: readonly Server[], options: StreamOptions) {
    this.#servers = servers;
    this.#options = options;
    this.#secure = options.secure && new SecureGate(PROTOCOLS, options.secure, options.clock);
    this.#transport = options.secure === undefined ? TRANSPORT.TCP : TRANSPORT.DOT;
    this.#acceptor = new Acceptor(servers, options, this.#secure, {
      create: (socket, caller, nowMs) => new Connection(socket, caller, nowMs),
      begin: (connection) => this.#begin(connection),
    });
    this.#endLooks = every(SWEEP_MS, () => this.#closeIdle());
  }

  /** Listens; throws AppError ERR_SERVER_LISTEN. */
  static async open(options: StreamOptions): Promise<StreamListener> {
    const protocol = options.secure === undefined ? 'TCP' : 'DoT';
    return new StreamListener(
      await listenTcp(options.endpoint, protocol, options.budget.limits.acceptors),
      options,
    );
  }

  /** The port that it has. */
  get port(): number {
    return portOf(this.#servers[0]);
  }

  /** Proves with another certificate from the next handshake on. */
  setTls(settings: TlsSettings): void {
    this.#secure?.set(settings);
  }

  /** Ends the connections of clients that have not shown, or not any more, what is required. */
  endOthers(): void {
    this.#acceptor.endOthers();
  }

  /** Stops accepting and ends the connections, those with waiting queries last. */
  close(): Promise<void> {
    this.#endLooks();
    this.#output.flush();
    return this.#acceptor.close(({ socket }) => socket.destroySoon());
  }

  #begin(connection: Connection): void {
    const { socket } = connection;
    const { clock } = this.#options;
    const received = (chunk: Buffer): void => {
      const readMs = performance.now();
      this.#receive(connection, chunk);
      this.#options.settled?.(performance.now() - readMs);
    };
    readInto(socket, received, () => {
      connection.hasEnded = true;
      this.#endIfAnswered(connection);
    });
    socket.on('drain', () => {
      connection.aliveMs = clock();
      this.#resumeReading(connection);
    });
  }

  /** `isKept`: the chunk is what was kept of an earlier one, in memory of its own. */
  #receive(connection: Connection, chunk: Buffer, isKept = false): void {
    const { socket } = connection;
    let rest = connection.partial === undefined ? chunk : this.#completeFrame(connection, chunk);
    let mayAnswer = this.#mayAnswer(connection);
    while (mayAnswer && rest.length >= FRAME_HEADER) {
      const end = FRAME_HEADER + readU16(rest, 0);
      if (end > FRAME_HEADER + QUERY_LENGTH_MAX) {
        // Else each connection could make us keep 64 KiB of a query that never ends.
        this.#output.flush();
        this.#options.budget.end(connection, TCP_CLOSED.TOO_LONG);
        return;
      }
      // Who is no proxy and speaks as one is not waited for.
      if (hasSignature(rest, rest.length)) {
        this.#options.budget.refuse(TCP_REFUSAL.PROXY);
        socket.destroy();
        return;
      }
      if (rest.length < end) break;
      const cost = this.#answer(connection, rest.subarray(FRAME_HEADER, end));
      rest = rest.subarray(end);
      mayAnswer = this.#mayAnswer(connection) && this.#mayGoOn(connection, cost);
    }
    if (mayAnswer) {
      if (rest.length > 0) this.#beginFrame(connection, rest);
    } else if (!socket.destroyed) {
      // One chunk holds hundreds of queries, so the bounds count for each of them. What is left is copied, once: the memory
      // that it was read into is that of all connections.
      socket.pause();
      if (rest.length > 0) connection.rest = isKept ? rest : Buffer.from(rest);
    }
  }

  /** Counts work. False: this turn of the loop has had enough, and the connection is read again in a later one. */
  #mayGoOn(connection: Connection, cost: number): boolean {
    const { turns } = this.#options.budget;
    if (turns.spend(cost)) return true;
    if (!connection.isHeld) {
      connection.isHeld = true;
      turns.wait(networkOf(connection.words), () => {
        connection.isHeld = false;
        this.#resumeReading(connection);
      });
    }
    return false;
  }

  /** True while it is its turn, and neither too many queries wait nor too much output is unread. */
  #mayAnswer({ waiting, socket, isHeld }: Connection): boolean {
    return !isHeld && waiting < WAITING_MAX && socket.writableLength <= UNREAD_OUTPUT_MAX && socket.writable;
  }

  /** Keeps the start of a frame; each byte is copied once, however many pieces the frame comes in. */
  #beginFrame(connection: Connection, start: Buffer): void {
    const length = start.length < FRAME_HEADER ? FRAME_HEADER : FRAME_HEADER + readU16(start, 0);
    connection.partial = Buffer.allocUnsafeSlow(length);
    connection.filled = start.copy(connection.partial);
  }

  /** Adds a chunk to the unfinished frame and answers it once it is whole; returns what follows the frame. */
  #completeFrame(connection: Connection, chunk: Buffer): Buffer {
    const { partial } = connection;
    if (partial === undefined) return chunk;
    const taken = chunk.copy(partial, connection.filled);
    connection.filled += taken;
    const rest = chunk.subarray(taken);
    if (connection.filled < partial.length) return rest;
    connection.partial = undefined;
    // Only the length had to be put together: the message begins with what follows.
    if (partial.length === FRAME_HEADER) return Buffer.concat([partial, rest]);
    this.#answer(connection, partial.subarray(FRAME_HEADER));
    return rest;
  }

  /** Returns what it cost, as LoopTurns counts. */
  #answer(connection: Connection, message: Buffer): number {
    const { pipeline, clock, name } = this.#options;
    connection.aliveMs = clock();
    const { words, port, shown } = connection;
    const out = this.#out;
    const length = pipeline.decide(message, message.length, words, port, this.#transport, out, name, shown);
    if (length > 0) {
      this.#output.add(connection, out, length);
      return costOf(length);
    }
    if (length === PENDING) {
      connection.waiting++;
      pipeline.resolve((answer) => {
        connection.waiting--;
        // Its client has left, or took nothing: a copy would only fill memory.
        if (!connection.socket.writable) return;
        if (answer.length === 0) {
          this.#output.flush();
          connection.socket.destroySoon();
          return;
        }
        this.#output.add(connection, answer, answer.length);
        this.#resumeReading(connection);
        this.#endIfAnswered(connection);
      });
      return COST_OF_MISS;
    }
    // What is not a query gets no answer (RFC 8906 section 3); on a stream nothing good can follow it.
    this.#output.flush();
    connection.socket.destroySoon();
    return COST_OF_MISS;
  }

  #write(connection: Connection, bytes: Buffer): void {
    if (!connection.socket.writable) return;
    const { budget, clock } = this.#options;
    if (connection.socket.write(bytes)) connection.aliveMs = clock();
    else budget.noteWritten(connection, bytes.length);
  }

  #resumeReading(connection: Connection): void {
    if (!this.#mayAnswer(connection)) return;
    const { rest } = connection;
    if (rest !== undefined) {
      connection.rest = undefined;
      this.#receive(connection, rest, true);
      if (connection.rest !== undefined) return;
    }
    if (!this.#mayAnswer(connection)) return;
    connection.socket.resume();
    this.#endIfAnswered(connection);
  }

  /** A client that has closed its side still gets what it asked for before ours is closed (RFC 1035 section 4.2.2). */
  #endIfAnswered(connection: Connection): void {
    const { socket, waiting, rest } = connection;
    if (!connection.hasEnded || waiting > 0 || rest !== undefined) return;
    this.#output.flush();
    socket.end();
  }

  #closeIdle(): void {
    const { budget, clock } = this.#options;
    const nowMs = clock();
    const { idleMs } = budget;
    budget.measureUnread();
    this.#secure?.sweep();
    this.#acceptor.endFloods();
    // A certificate may have come to its end.
    this.endOthers();
    if (!this.#closeQueue.isDone) return;
    for (const connection of this.#acceptor.guests) {
      if (isStuck(connection, nowMs, idleMs)) this.#closeQueue.add(() => this.#endIdle(connection));
    }
  }

  /** It may have asked again meanwhile, or be gone. */
  #endIdle(connection: Connection): void {
    const { budget, clock } = this.#options;
    if (connection.socket.destroyed || !isStuck(connection, clock(), budget.idleMs)) return;
    budget.end(connection, connection.isIdle ? TCP_CLOSED.IDLE : TCP_CLOSED.UNREAD);
  }
}

/** True for a connection over which nothing has gone for too long, and nothing will by itself. */
const isStuck = ({ waiting, socket, aliveMs }: Connection, nowMs: number, idleMs: number): boolean =>
  (waiting === 0 || socket.writableLength > 0) && nowMs - aliveMs > idleMs;
