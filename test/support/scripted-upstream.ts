// An upstream that says what a test tells it to: real UDP and TCP sockets on one port of 127.0.0.1.
//
// The handler sees each query and returns the reply: silence, a message, several, a late one, or for TCP the raw
// pieces of the stream. Everything that arrived is kept for the test to look at.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket as Stream } from 'node:net';
import type { Endpoint } from '../../src/base/base.ts';
import {
  FLAG,
  formatClass,
  formatName,
  formatType,
  HEADER_LENGTH,
  Query,
  readU16,
  writeU16,
} from '../../src/wire/dns/dns.ts';
import { buildResponse, type MessageText } from './records.ts';

/** Attempts to find a port that is free for UDP and for TCP. */
const PORT_ATTEMPTS_MAX = 20;
/** Longest delay that a reply may ask for. */
const DELAY_MAX_MS = 2_000;

/** A query as it arrived. */
export interface ScriptedQuery {
  /** Presentation form, in the letters that arrived. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly transport: 'udp' | 'tcp';
  readonly hasEdns: boolean;
  readonly dnssecOk: boolean;
  readonly cd: boolean;
  /** The asker's port. */
  readonly port: number;
}

/** Messages to send, in order. */
export type ScriptedMessages = Uint8Array | readonly Uint8Array[];

/** What the upstream does with a query; undefined is silence. */
export type ScriptedReply =
  | undefined
  | ScriptedMessages
  | { readonly delayMs: number; readonly messages: ScriptedMessages }
  /** TCP only: pieces written one by one, without a length prefix of ours; then the connection is closed. */
  | { readonly pieces: readonly Uint8Array[] };

/** Decides on each query. */
export type ScriptedHandler = (query: ScriptedQuery) => ScriptedReply;

/** A running scripted upstream. */
export class ScriptedUpstream {
  readonly endpoint: Endpoint;
  /** Every query that arrived, in order. */
  readonly queries: ScriptedQuery[] = [];
  #handler: ScriptedHandler = () => undefined;
  readonly #udp: Socket;
  readonly #tcp: Server;
  readonly #streams = new Set<Stream>();
  /** To which a reply is written in pieces; they end with it. */
  readonly #writing = new WeakSet<Stream>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Questions that are not answered yet. */
  readonly #open = new Set<string>();
  /** Queries that came while another one for the same was not answered yet. */
  readonly #again = new WeakSet<ScriptedQuery>();

  private constructor(udp: Socket, tcp: Server) {
    const { port } = udp.address();
    this.endpoint = { address: '127.0.0.1', port, family: 4 };
    this.#udp = udp;
    this.#tcp = tcp;
    udp.on('message', (bytes, from) => this.#answerDatagram(bytes, from));
    tcp.on('connection', (stream) => this.#serve(stream));
  }

  /** Opens the sockets. Without a handler, every query is met with silence. */
  static async open(handler?: ScriptedHandler): Promise<ScriptedUpstream> {
    for (let attempt = 0; attempt < PORT_ATTEMPTS_MAX; attempt++) {
      const udp = createSocket('udp4');
      udp.bind(0, '127.0.0.1');
      await once(udp, 'listening');
      const tcp = createServer();
      tcp.listen(udp.address().port, '127.0.0.1');
      const isOpen = await once(tcp, 'listening').then(
        () => true,
        () => false,
      );
      if (isOpen) {
        const upstream = new ScriptedUpstream(udp, tcp);
        if (handler !== undefined) upstream.onQuery(handler);
        return upstream;
      }
      udp.close();
    }
    throw new Error('scripted upstream: no port is free for both UDP and TCP');
  }

  /** Replaces the handler. */
  onQuery(handler: ScriptedHandler): void {
    this.#handler = handler;
  }

  /** Number of queries for the name, or of all. */
  count(name?: string): number {
    return name === undefined
      ? this.queries.length
      : this.queries.filter((query) => query.name === name).length;
  }

  /**
   * Number of questions for the name, or of all: count() without those that came again while the first one waited. Cordon asks
   * again after 50 ms, which a process takes at times to come to the question that lies in its socket. Not for tests of who is
   * asked how often at once.
   */
  asked(name?: string): number {
    return this.questions(name).length;
  }

  /** The queries that asked() counts. */
  questions(name?: string): ScriptedQuery[] {
    const isAsked = (query: ScriptedQuery): boolean => name === undefined || query.name === name;
    return this.queries.filter((query) => isAsked(query) && !this.#again.has(query));
  }

  /** Sends a datagram of the upstream's own accord. */
  sendDatagram(bytes: Uint8Array, port: number): void {
    this.#udp.send(bytes, port, '127.0.0.1');
  }

  /** Closes everything, open connections included. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const stream of this.#streams) stream.destroy();
    const closed = Promise.all([once(this.#udp, 'close'), once(this.#tcp, 'close')]);
    this.#udp.close();
    this.#tcp.close();
    await closed;
  }

  #answerDatagram(bytes: Uint8Array, from: RemoteInfo): void {
    this.#reply(bytes, 'udp', from.port, (messages) => {
      for (const message of messages) this.#udp.send(message, from.port, from.address);
    });
  }

  #serve(stream: Stream): void {
    this.#streams.add(stream);
    stream.setNoDelay(true);
    let received = Buffer.alloc(0);
    stream.on('error', () => {});
    stream.on('close', () => this.#streams.delete(stream));
    stream.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + readU16(received, 0)) {
        const end = 2 + readU16(received, 0);
        this.#answerStreamed(stream, received.subarray(2, end));
        received = received.subarray(end);
      }
    });
  }

  #answerStreamed(stream: Stream, bytes: Uint8Array): void {
    const reply = this.#reply(bytes, 'tcp', stream.remotePort ?? 0, (messages) => {
      for (const message of messages) stream.write(frame(message));
    });
    // Of two replies at once the pieces would lie between each other.
    if (reply === undefined || !('pieces' in reply) || this.#writing.has(stream)) return;
    this.#writing.add(stream);
    this.#writePieces(stream, [...reply.pieces]);
  }

  /** Writes each piece in a turn of its own, so that they arrive as they were cut. */
  #writePieces(stream: Stream, pieces: Uint8Array[]): void {
    const piece = pieces.shift();
    if (piece === undefined) {
      stream.end();
      return;
    }
    stream.write(piece, () => setImmediate(() => this.#writePieces(stream, pieces)));
  }

  #reply(
    bytes: Uint8Array,
    transport: 'udp' | 'tcp',
    port: number,
    send: (messages: readonly Uint8Array[]) => void,
  ): ScriptedReply {
    const query = new Query();
    query.parse(bytes, bytes.length);
    const name = formatName(bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + query.qnameLength));
    const question = `${transport} ${name.toLowerCase()} ${query.qtype} ${query.qclass}`;
    const seen: ScriptedQuery = {
      name,
      type: query.qtype,
      class: query.qclass,
      id: query.id,
      bytes: Uint8Array.from(bytes),
      transport,
      hasEdns: query.opt.isPresent,
      dnssecOk: query.opt.dnssecOk,
      cd: (query.flags & FLAG.CD) !== 0,
      port,
    };
    this.queries.push(seen);
    if (this.#open.has(question)) this.#again.add(seen);
    this.#open.add(question);
    // What lies in the socket is read before.
    const close = () => void setImmediate(() => this.#open.delete(question));
    const reply = this.#handler(seen);
    if (reply !== undefined && 'delayMs' in reply) {
      this.#later(reply.delayMs, () => {
        send(toList(reply.messages));
        close();
      });
      return reply;
    }
    if (reply !== undefined && !('pieces' in reply)) send(toList(reply));
    close();
    return reply;
  }

  #later(delayMs: number, action: () => void): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        action();
      },
      Math.min(delayMs, DELAY_MAX_MS),
    );
    this.#timers.add(timer);
  }
}

/**
 * The answer to a query: its ID and question with these records in presentation format.
 *
 *   upstream.onQuery((query) => answer(query, ['www.example.com. 300 IN A 192.0.2.1']))
 */
export const answer = (
  query: ScriptedQuery,
  records: readonly string[] = [],
  changes: MessageText = {},
): Uint8Array =>
  buildResponse({
    id: query.id,
    question: `${query.name} ${formatClass(query.class)} ${formatType(query.type)}`,
    answer: records,
    ...changes,
  });

/** An answer without records: an RCODE of the header and, if wanted, further flags. */
export const answerCode = (query: ScriptedQuery, rcode: number, flags = 0): Uint8Array =>
  answer(query, [], { flags: FLAG.QR | FLAG.RD | FLAG.RA | flags | rcode });

/** A message with the length before it, as TCP carries it. */
export const frame = (message: Uint8Array): Uint8Array => {
  const framed = new Uint8Array(2 + message.length);
  writeU16(framed, 0, message.length);
  framed.set(message, 2);
  return framed;
};

const toList = (messages: ScriptedMessages): readonly Uint8Array[] =>
  messages instanceof Uint8Array ? [messages] : messages;
