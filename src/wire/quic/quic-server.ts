// The connections and streams of one QUIC endpoint. Hot file.
//
// OpenSSL keeps no address that it would tell. So a datagram that may begin a connection is handed to it alone, and the
// connection that comes of it has that datagram's sender; one that comes in any other way is ended. All that is done for other
// datagrams waits for the end of the turn, once for all of them.
//
// An answer that is longer than its client lets come at a time waits for credit; a connection that is ended while answers are on
// their way is kept for a moment, because OpenSSL says that it closes only when the network has room for a packet.
//
//   receive → Wire → SSL_handle_events → accept → poll → read → asked() … answer() → SSL_handle_events → Wire → send
import { AppError } from '../../base/base.ts';
import type { Peer } from '../datagram/datagram.ts';
import { Alarm } from './alarm.ts';
import { CreditQueue } from './credit.ts';
import { mayBegin } from './initial.ts';
import { OutNumber } from './memory.ts';
import { type OpenSsl, openSsl, openSslErrors, type Pointer } from './openssl.ts';
import { Poll } from './poll.ts';
import { type QuicClient, QuicConnection, QuicStream } from './quic-connection.ts';
import { QuicContext, type QuicSettings } from './quic-context.ts';
import { type Sender, Wire } from './wire.ts';

/** Connections whose handshake is under way, and that OpenSSL keeps at most before they are taken. */
const PENDING_MAX = 256;
/** Streams of a connection that are taken in one turn: OpenSSL allows a client a hundred at a time. */
const STREAMS_PER_TURN_MAX = 128;
/** Connections that are looked at in a turn for answers that have arrived. */
const SETTLED_PER_TURN_MAX = 64;
/** Room for what a stream brings at a time. */
const READ_BYTES = 8192;
/** So many bytes that went on are a sign of life, where no answer has arrived whole. */
const PROGRESS_BYTES = 16 * 1024;
/** How long a connection is kept that closes while answers are on their way, milliseconds: a few round trips. */
const CLOSING_MS = 1_000;
/** Such connections at a time; of others the client is not told. */
const CLOSING_MAX = 32;

/** Events of SSL_poll(3). */
const EVENT = {
  CLOSED: 0x4,
  READ_FAILED: 0x10,
  READABLE: 0x40,
  STREAM: 0x200,
  ONE_WAY_STREAM: 0x400,
} as const;
const ON_CONNECTION = EVENT.CLOSED | EVENT.STREAM | EVENT.ONE_WAY_STREAM;
const ON_STREAM = EVENT.READABLE | EVENT.READ_FAILED;
const NO_BLOCK = 1;
const STREAM_MODE_NONE = 0;
const POLICY_ACCEPT = 1;
/** Values that have names (SSL_get_value_uint(3)). */
const GENERIC = 0;
const EVENT_HANDLING = 6;
const WRITE_BUFFER_USED = 8;
const PENDING_CONNECTIONS_MAX = 16;
/** Otherwise each call would look at every connection: 5 µs for each of them. */
const HANDLE_EVENTS_WHEN_TOLD = 2;
const HOST_NAME = 0;
const CONCLUDE = 1;
/** SSL_CTX_set_mode(3): a write takes what there is credit for. */
const SET_MODE = 33;
const PARTIAL_WRITE = 1;
/** SSL_get_error(3). */
const WANT_WRITE = 3;
/** Rapid, without waiting for streams, without blocking (SSL_shutdown_ex(3)). */
const SHUTDOWN_AT_ONCE = 7;
/** SSL_get_stream_read_state(3). */
const READ_STATE = { OPEN: 1, FINISHED: 3 } as const;

/** What a server works with. */
export interface QuicHandler extends Sender {
  /** Whether a client may begin a connection now; asked for each datagram that may. */
  mayBegin(peer: Peer): boolean;
  /** A connection begins; undefined: it is ended at once. */
  opened(connection: QuicConnection): QuicClient | undefined;
}

/** What a server is made with. */
export interface QuicOptions {
  readonly family: 4 | 6;
  /** The one protocol that is spoken (ALPN). */
  readonly protocol: string;
  readonly settings: QuicSettings;
  /** More than that of one stream is not read. */
  readonly streamBytesMax: number;
  readonly handler: QuicHandler;
}

/** What a call wrote just now; of all endpoints of a thread. */
const outNumber = new OutNumber();
/** What a stream brought just now. */
const room = Buffer.allocUnsafeSlow(READ_BYTES);

/** One endpoint. */
export class QuicServer {
  readonly #c: OpenSsl;
  readonly #options: QuicOptions;
  readonly #wire: Wire;
  readonly #context: QuicContext;
  readonly #listener: Pointer;
  readonly #connections = new Set<QuicConnection>();
  /** Those with answers on their way, in the order in which they are looked at. */
  readonly #unsettled = new Set<QuicConnection>();
  readonly #credit = new CreditQueue((stream) => this.#goOnWaiting(stream));
  /** Connections that are over, and when they began to close. */
  readonly #closing: { readonly handle: bigint; readonly sinceMs: number }[] = [];
  readonly #poll: Poll<QuicConnection | QuicStream>;
  readonly #alarm: Alarm;
  #isPlanned = false;
  /** Something was written, read or freed since OpenSSL last worked: that is a look at every connection. */
  #isDirty = false;
  #isClosed = false;

  /** Throws AppError ERR_SERVER_QUIC where OpenSSL refuses; after openSslFault() has found none. @cold */
  constructor(options: QuicOptions) {
    const c = openSsl();
    this.#c = c;
    this.#options = options;
    this.#poll = new Poll(c, (object, happened) => this.#note(object, happened));
    this.#alarm = new Alarm(c, () => this.#serve());
    this.#context = new QuicContext(c, options.protocol, options.settings);
    this.#wire = new Wire(c, options.family);
    this.#listener = c.SSL_new_listener(this.#context.pointer, 0);
    c.SSL_set_bio(this.#listener, this.#wire.read, this.#wire.write);
    c.SSL_set_blocking_mode(this.#listener, 0);
    c.SSL_set_value_uint(this.#listener, GENERIC, EVENT_HANDLING, HANDLE_EVENTS_WHEN_TOLD);
    const isBounded = c.SSL_set_value_uint(this.#listener, GENERIC, PENDING_CONNECTIONS_MAX, PENDING_MAX);
    if (isBounded !== 1 || c.SSL_listen(this.#listener) !== 1) {
      throw new AppError('ERR_SERVER_QUIC', `beginning to listen for QUIC: ${openSslErrors(c)}`);
    }
  }

  /** Connections that are open. */
  get size(): number {
    return this.#connections.size;
  }

  /** Proves with something else from the next handshake on; throws AppError ERR_SERVER_QUIC. @cold */
  setTls(settings: QuicSettings): void {
    this.#context.prove(settings);
  }

  /** Takes a datagram; bytes and peer are only valid during the call. */
  receive(bytes: Uint8Array, length: number, peer: Peer): void {
    if (this.#isClosed) return;
    this.#credit.hear(peer);
    if (!mayBegin(bytes, length)) {
      this.#wire.push(bytes, length, peer);
      this.#plan();
      return;
    }
    if (!this.#options.handler.mayBegin(peer)) return;
    this.#wire.push(bytes, length, peer);
    this.#pump(peer);
    this.#plan();
  }

  /** Looks after what waits, and sends what is to be sent, at the end of the turn; to be called several times a second. */
  look(): void {
    if (this.#isClosed) return;
    this.#credit.look();
    while (this.#closing.length > 0) {
      if (performance.now() - (this.#closing[0]?.sinceMs ?? 0) < CLOSING_MS) break;
      this.#freeClosing();
    }
    this.#plan();
  }

  /** Ends all connections, and then the endpoint. @cold */
  close(code: number): void {
    if (this.#isClosed) return;
    for (const connection of this.#connections) this.end(connection, code);
    while (this.#closing.length > 0) this.#freeClosing();
    this.#isClosed = true;
    this.#alarm.clear();
    const c = this.#c;
    c.SSL_free(this.#listener);
    this.#context.close();
    this.#wire.close();
  }

  /** Ends a connection with a code of the application (RFC 9000 section 19.19). */
  end(connection: QuicConnection, code: number): void {
    if (connection.isGone || this.#isClosed) return;
    const how = new BigUint64Array(2);
    how[0] = BigInt(code);
    this.#c.SSL_shutdown_ex(connection.handle, SHUTDOWN_AT_ONCE, new Uint8Array(how.buffer), how.byteLength);
    this.#c.SSL_handle_events(this.#listener);
    this.#wire.flush(this.#options.handler);
    this.#forget(connection, connection.unreadBytes > 0 && this.#closing.length < CLOSING_MAX);
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    process.nextTick(this.#serve);
  }

  /** Lets OpenSSL work on what came, and takes connections that begin: they are of `peer`. */
  #pump(peer: Peer | undefined): void {
    const c = this.#c;
    c.SSL_handle_events(this.#listener);
    for (;;) {
      const handle = c.SSL_accept_connection(this.#listener, NO_BLOCK);
      if (handle === null) break;
      this.#accept(handle, peer);
    }
    this.#wire.flush(this.#options.handler);
  }

  #accept(handle: bigint, peer: Peer | undefined): void {
    const c = this.#c;
    c.SSL_set_blocking_mode(handle, 0);
    c.SSL_set_value_uint(handle, GENERIC, EVENT_HANDLING, HANDLE_EVENTS_WHEN_TOLD);
    c.SSL_ctrl(handle, SET_MODE, PARTIAL_WRITE, null);
    c.SSL_set_default_stream_mode(handle, STREAM_MODE_NONE);
    c.SSL_set_incoming_stream_policy(handle, POLICY_ACCEPT, 0);
    if (peer === undefined) {
      c.SSL_free(handle);
      return;
    }
    const connection = new QuicConnection(this, handle, peer.copy());
    this.#connections.add(connection);
    const client = this.#options.handler.opened(connection);
    if (client === undefined) this.#forget(connection);
    else connection.client = client;
  }

  readonly #serve = (): void => {
    this.#isPlanned = false;
    if (this.#isClosed) return;
    const c = this.#c;
    this.#pump(undefined);
    // Who is told of a handshake may end any connection. So none is added before all of that is said: OpenSSL would be asked about
    // what was freed.
    for (const connection of this.#connections) if (!connection.isSecured) this.#noteSecured(connection);
    for (const connection of this.#connections) {
      this.#poll.add(connection, ON_CONNECTION);
      for (const stream of connection.streams) this.#poll.add(stream, ON_STREAM);
    }
    this.#poll.run();
    this.#credit.serve();
    this.#settle();
    if (this.#isDirty) {
      this.#isDirty = false;
      c.SSL_handle_events(this.#listener);
      this.#wire.flush(this.#options.handler);
    }
    c.ERR_clear_error();
    this.#alarm.set(this.#listener);
  };

  #noteSecured(connection: QuicConnection): void {
    const c = this.#c;
    if (c.SSL_is_init_finished(connection.handle) !== 1) return;
    connection.isSecured = true;
    connection.client?.secured(c.SSL_get_servername(connection.handle, HOST_NAME) ?? '');
  }

  #note(object: QuicConnection | QuicStream, happened: number): void {
    if (object instanceof QuicStream) this.#readStream(object);
    else if (!object.isGone) this.#serveConnection(object, happened);
  }

  #serveConnection(connection: QuicConnection, happened: number): void {
    if ((happened & EVENT.CLOSED) !== 0) {
      this.#forget(connection);
      return;
    }
    if ((happened & EVENT.ONE_WAY_STREAM) !== 0) {
      connection.client?.misbehaved(false);
      return;
    }
    const c = this.#c;
    const { streamBytesMax } = this.#options;
    if (!connection.isSecured) this.#noteSecured(connection);
    for (let i = 0; i < STREAMS_PER_TURN_MAX && !connection.isGone; i++) {
      const handle = c.SSL_accept_stream(connection.handle, NO_BLOCK);
      if (handle === null) return;
      c.SSL_set_blocking_mode(handle, 0);
      const stream = new QuicStream(this, connection, handle, performance.now(), streamBytesMax);
      connection.streams.add(stream);
      this.#isDirty = true;
      this.#readStream(stream);
    }
  }

  #readStream(stream: QuicStream): void {
    const c = this.#c;
    const { connection } = stream;
    if (connection.isGone || !connection.streams.has(stream)) return;
    while (c.SSL_read_ex(stream.handle, room, room.length, outNumber.bytes) === 1) {
      if (!stream.add(room, outNumber.value)) {
        connection.client?.misbehaved(true);
        return;
      }
    }
    const state = c.SSL_get_stream_read_state(stream.handle);
    if (state === READ_STATE.OPEN) return;
    connection.streams.delete(stream);
    if (state === READ_STATE.FINISHED) {
      connection.asked.add(stream);
      connection.client?.asked(stream, stream.take());
    } else {
      this.#freeStream(stream);
      connection.client?.cancelled();
    }
  }

  /** Writes all that a stream is answered with, as its client lets it come, and ends it; `bytes` are kept until then. */
  answer(stream: QuicStream, bytes: Uint8Array): void {
    const { connection } = stream;
    if (!connection.asked.delete(stream) || this.#isClosed) return;
    stream.rest = bytes;
    stream.sentBytes = bytes.length;
    connection.unreadBytes += bytes.length;
    if (!this.#goOn(stream)) this.#credit.add(stream);
    this.#plan();
  }

  /** As #goOn(), of an answer that waited: what its client refuses makes room for others as what it takes does. */
  #goOnWaiting(stream: QuicStream): boolean {
    const { connection } = stream;
    const { unreadBytes } = connection;
    const isOver = this.#goOn(stream);
    if (connection.unreadBytes < unreadBytes) connection.client?.tookOn();
    return isOver;
  }

  /** Writes what there is credit for; false: a part still waits. */
  #goOn(stream: QuicStream): boolean {
    const c = this.#c;
    const { connection, rest } = stream;
    const isTaken = c.SSL_write_ex2(stream.handle, rest, rest.length, CONCLUDE, outNumber.bytes) === 1;
    if (!isTaken && c.SSL_get_error(stream.handle, 0) !== WANT_WRITE) {
      // The client has said that it does not want it.
      connection.unreadBytes -= stream.sentBytes;
      this.#freeStream(stream);
      return true;
    }
    if (!isTaken) return false;
    const written = outNumber.value;
    this.#isDirty = true;
    this.#progress(connection, written);
    stream.rest = rest.subarray(written);
    if (written < rest.length) return false;
    connection.sent.push(stream);
    this.#unsettled.add(connection);
    return true;
  }

  #progress(connection: QuicConnection, bytes: number): void {
    connection.progressBytes += bytes;
    if (connection.progressBytes < PROGRESS_BYTES) return;
    connection.progressBytes = 0;
    connection.client?.tookOn();
  }

  /** Ends a stream without an answer, with a code of the application. */
  reset(stream: QuicStream, code: number): void {
    const { connection } = stream;
    if (connection.isGone || this.#isClosed) return;
    if (!connection.asked.delete(stream) && !connection.streams.delete(stream)) return;
    const how = new Uint8Array(BigUint64Array.of(BigInt(code)).buffer);
    this.#c.SSL_stream_reset(stream.handle, how, how.length);
    this.#freeStream(stream);
    this.#plan();
  }

  /** Frees streams whose answers have arrived, so that their clients may open others. */
  #settle(): void {
    let looked = 0;
    for (const connection of this.#unsettled) {
      if (looked++ === SETTLED_PER_TURN_MAX) return;
      this.#unsettled.delete(connection);
      if (connection.isGone || this.#hasArrived(connection) || connection.isGone) continue;
      this.#unsettled.add(connection);
    }
  }

  /** True when nothing is on its way any more. */
  #hasArrived(connection: QuicConnection): boolean {
    const c = this.#c;
    const { sent } = connection;
    let first = 0;
    for (; first < sent.length; first++) {
      const stream = sent[first];
      if (stream === undefined) continue;
      const isKnown = c.SSL_get_value_uint(stream.handle, GENERIC, WRITE_BUFFER_USED, outNumber.bytes) === 1;
      if (isKnown && outNumber.value !== 0) break;
      connection.unreadBytes -= stream.sentBytes;
      this.#freeStream(stream);
    }
    if (first === 0) return false;
    sent.splice(0, first);
    connection.progressBytes = 0;
    connection.client?.tookOn();
    return sent.length === 0;
  }

  #freeStream(stream: QuicStream): void {
    this.#isDirty = true;
    this.#c.SSL_free(stream.handle);
  }

  #freeClosing(): void {
    this.#isDirty = true;
    this.#c.SSL_free(this.#closing.shift()?.handle ?? null);
  }

  /** Frees what a connection has; what it is by itself, too, unless it has to say for a moment that it is over. */
  #forget(connection: QuicConnection, isClosing = false): void {
    if (connection.isGone) return;
    connection.isGone = true;
    this.#isDirty = true;
    this.#connections.delete(connection);
    this.#unsettled.delete(connection);
    for (const stream of connection.streams) this.#freeStream(stream);
    for (const stream of connection.asked) this.#freeStream(stream);
    for (const stream of connection.sent) this.#freeStream(stream);
    for (const stream of connection.blocked) this.#freeStream(stream);
    this.#credit.forget(connection);
    connection.streams.clear();
    connection.asked.clear();
    connection.sent.length = 0;
    if (isClosing) this.#closing.push({ handle: connection.handle, sinceMs: performance.now() });
    else this.#c.SSL_free(connection.handle);
    connection.client?.closed();
  }
}
