// The client side of QUIC (RFC 9000, 9001): a connection for a question or two, as the self-probe asks them.
//
// OpenSSL works as for the server: on datagrams in memory, called when one has come or a time is over, so that the thread that
// asks goes on in between. Nothing is verified here, and nothing of that is hidden: what the server proved with is handed out,
// for the caller to judge. A call has a bound of time and of bytes; of calls there are a few at a time, and the rest waits.
import { AppError, type Endpoint, parseAddress } from '../../base/base.ts';
import { Peer } from '../datagram/datagram.ts';
import { Alarm } from './alarm.ts';
import { ClientSocket } from './client-socket.ts';
import { OutNumber } from './memory.ts';
import { type OpenSsl, openSsl, openSslErrors, openSslFault, type Pointer } from './openssl.ts';
import { Wire } from './wire.ts';

/** Calls at a time: a handshake takes some 2 ms of the thread, and a server has so many places for one address and more. */
const CALLS_MAX = 8;
/** Calls that wait for a place: more than a run of the probe has under way. */
const WAITING_MAX = 256;
/** For a place, milliseconds: as long as all that a run has under way takes, 64 calls, where nobody answers any within 5 s. */
const PLACE_MS_MAX = 45_000;
/** Of each queue between OpenSSL and the socket, which are emptied in the turn that fills them. */
const QUEUE_BYTES = 256 * 1024;
/** Room for what a stream brings at a time. */
const READ_BYTES = 8192;
/** Certificates of a chain that are taken: no server sends more. */
const CHAIN_MAX = 10;
/** Bytes of the reason that a server gives for an end. */
const REASON_BYTES_MAX = 100;

/** SSL_CTRL_SET_TLSEXT_HOSTNAME, for a host name. */
const SET_HOST_NAME = 55;
const HOST_NAME = 0;
const STREAM_MODE_NONE = 0;
/** Streams that a server opens are refused: a client of DNS expects none (RFC 9250 section 4.2). */
const POLICY_REJECT = 2;
const CONCLUDE = 1;
/** SSL_get_error(3): it wants to read or to write, which is no error. */
const WAITS: ReadonlySet<number> = new Set([2, 3]);
/** SSL_get_stream_read_state(3). */
const READ_STATE = { OPEN: 1, FINISHED: 3 } as const;
/** Rapid, without waiting for streams, without blocking (SSL_shutdown_ex(3)). */
const SHUTDOWN_AT_ONCE = 7;
/** SSL_get_conn_close_info(3): error, frame type, reason, its length, flags; 64 bits each. */
const CLOSE_WORDS = 5;
const CLOSED_HERE = 1;
const CLOSED_BY_TRANSPORT = 2;
/** Errors of the handshake: behind it stands the alert of TLS (RFC 9001 section 4.8). */
const CRYPTO_ERROR = 0x100;

/** Whom to call, and how. */
export interface QuicCallOptions {
  readonly server: Endpoint;
  /** The one protocol that is offered (ALPN). */
  readonly protocol: string;
  /** The name that the server is asked by (SNI); undefined: none is sent. */
  readonly serverName: string | undefined;
  /** For the handshake and what is asked, milliseconds, from when the call has a place. */
  readonly timeoutMs: number;
  /** Told the port that the call comes from, before anything is sent and when the port is given back. */
  readonly onPort?: ((port: number, isOpen: boolean) => void) | undefined;
}

/** What a server showed in the handshake; nobody has looked at it. */
export interface QuicProof {
  /** The protocol that it chose; empty: none. */
  readonly protocol: string;
  /** DER, in the order in which they came: its own certificate first. */
  readonly chain: readonly Uint8Array[];
}

/** What can be done during a call. */
export interface QuicCall {
  readonly proof: QuicProof;
  /**
   * Sends `bytes` and the end of them on a stream of their own; gives all that comes back until its end. Rejects with AppError
   * ERR_QUIC_CALL where that are more than `lengthMax` bytes, the stream is taken back or the connection ends.
   */
  ask(bytes: Uint8Array, lengthMax: number): Promise<Uint8Array>;
}

/**
 * Connects, acts, and ends the connection. Undefined: the time was over before. Rejects with AppError ERR_QUIC_CALL where there is
 * no QUIC on this machine, no server, or no connection, and with what `act` rejects with.
 */
export const callQuic = async <Value>(
  options: QuicCallOptions,
  act: (call: QuicCall) => Promise<Value> | Value,
): Promise<Value | undefined> => {
  const fault = await openSslFault();
  if (fault !== undefined) throw failure(fault);
  if (!(await takePlace())) return undefined;
  const { promise: timeout, resolve: end } = Promise.withResolvers<undefined>();
  const timer = setTimeout(end, options.timeoutMs, undefined);
  let client: Client | undefined;
  try {
    const opening = new Client(openSsl(), options);
    client = opening;
    const acted = opening.opened.then(() => act(opening));
    // What is ended by the clock rejects afterwards, when nobody listens any more.
    acted.catch(() => {});
    return await Promise.race([acted, timeout]);
  } finally {
    clearTimeout(timer);
    client?.end();
    givePlace();
  }
};

let calls = 0;
const waiting = new Set<() => void>();

/** Waits for a place; false where none came free in time. Rejects where too many wait. */
const takePlace = async (): Promise<boolean> => {
  if (calls < CALLS_MAX) {
    calls++;
    return true;
  }
  if (waiting.size >= WAITING_MAX) throw failure('too many calls wait');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const take = (): void => resolve(true);
  waiting.add(take);
  const timer = setTimeout(() => {
    waiting.delete(take);
    resolve(false);
  }, PLACE_MS_MAX);
  const isFound = await promise;
  clearTimeout(timer);
  return isFound;
};

/** Who waits longest has it. */
const givePlace = (): void => {
  const [next] = waiting;
  if (next === undefined) calls--;
  else {
    waiting.delete(next);
    next();
  }
};

interface Asked {
  readonly handle: Pointer;
  readonly lengthMax: number;
  readonly parts: Buffer[];
  length: number;
  resolve(bytes: Uint8Array): void;
  reject(error: Error): void;
}

/** One connection. */
class Client implements QuicCall {
  proof: QuicProof = { protocol: '', chain: [] };
  readonly #c: OpenSsl;
  readonly #handle: Pointer;
  readonly #wire: Wire;
  readonly #alarm: Alarm;
  readonly #socket: ClientSocket;
  readonly #peer = new Peer();
  readonly #opening = Promise.withResolvers<undefined>();
  readonly #asked = new Set<Asked>();
  readonly #count = new OutNumber();
  #isOpen = false;
  #isOver = false;

  constructor(c: OpenSsl, options: QuicCallOptions) {
    const { server, protocol, serverName } = options;
    this.#c = c;
    const context = c.SSL_CTX_new(c.OSSL_QUIC_client_method());
    const handle = c.SSL_new(context);
    this.#handle = handle;
    // The connection has a reference of its own.
    c.SSL_CTX_free(context);
    this.#wire = new Wire(c, server.family, QUEUE_BYTES);
    c.SSL_set_bio(handle, this.#wire.read, this.#wire.write);
    c.SSL_set_blocking_mode(handle, 0);
    c.SSL_set_default_stream_mode(handle, STREAM_MODE_NONE);
    c.SSL_set_incoming_stream_policy(handle, POLICY_REJECT, 0);
    const names = Buffer.from(`\0${protocol}`);
    names[0] = names.length - 1;
    c.SSL_set_alpn_protos(handle, names, names.length);
    if (serverName !== undefined)
      c.SSL_ctrl(handle, SET_HOST_NAME, HOST_NAME, Buffer.from(`${serverName}\0`));
    parseAddress(server.address, this.#peer.words);
    this.#peer.port = server.port;
    this.#wire.aim(handle, this.#peer);
    this.#alarm = new Alarm(c, () => this.#work());
    this.#socket = new ClientSocket(options, {
      connected: () => this.#work(),
      received: (message) => {
        this.#wire.push(message, message.length, this.#peer);
        this.#work();
      },
      failed: (text) => this.#fail(text),
    });
  }

  /** Settled with the handshake. */
  get opened(): Promise<void> {
    return this.#opening.promise;
  }

  ask(bytes: Uint8Array, lengthMax: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const c = this.#c;
      const handle = this.#isOver ? null : c.SSL_new_stream(this.#handle, 0);
      if (handle === null) {
        reject(failure('the server takes no stream'));
        return;
      }
      c.SSL_set_blocking_mode(handle, 0);
      this.#asked.add({ handle, lengthMax, parts: [], length: 0, resolve, reject });
      const isWritten = c.SSL_write_ex2(handle, bytes, bytes.length, CONCLUDE, this.#count.bytes) === 1;
      if (isWritten && this.#count.value === bytes.length) this.#work();
      else this.#fail('the question cannot be sent');
    });
  }

  /** Ends it, and all that is asked over it. */
  end(): void {
    this.#fail('the call was ended');
  }

  /** Lets OpenSSL work on what came and on what is late, and looks at what came of it. */
  #work(): void {
    if (this.#isOver) return;
    const c = this.#c;
    c.ERR_clear_error();
    c.SSL_handle_events(this.#handle);
    const isOpening = !this.#isOpen && this.#connect();
    for (const asked of this.#asked) this.#read(asked);
    const end = this.#isOver ? undefined : this.#readEnd();
    if (end !== undefined) this.#fail(end);
    if (this.#isOver) return;
    this.#flush();
    this.#alarm.set(this.#handle);
    c.ERR_clear_error();
    if (isOpening) this.#opening.resolve(undefined);
  }

  /** True once, when the handshake is done. */
  #connect(): boolean {
    const c = this.#c;
    const result = c.SSL_connect(this.#handle);
    if (result === 1) {
      this.#isOpen = true;
      this.proof = readProof(c, this.#handle);
      return true;
    }
    if (WAITS.has(c.SSL_get_error(this.#handle, result))) return false;
    // What the server says tells more than what is left in the queue of errors.
    this.#fail(this.#readEnd() ?? `no handshake: ${openSslErrors(c)}`);
    return false;
  }

  #read(asked: Asked): void {
    const c = this.#c;
    const room = Buffer.allocUnsafe(READ_BYTES);
    while (c.SSL_read_ex(asked.handle, room, room.length, this.#count.bytes) === 1) {
      const length = this.#count.value;
      asked.length += length;
      if (asked.length > asked.lengthMax) {
        this.#settle(asked, () => asked.reject(failure('the answer is too long')));
        return;
      }
      asked.parts.push(Buffer.from(room.subarray(0, length)));
    }
    const state = c.SSL_get_stream_read_state(asked.handle);
    if (state === READ_STATE.FINISHED) this.#settle(asked, () => asked.resolve(Buffer.concat(asked.parts)));
    else if (state !== READ_STATE.OPEN) {
      const text = this.#readEnd() ?? 'the server took the stream back';
      this.#settle(asked, () => asked.reject(failure(text)));
    }
  }

  #settle(asked: Asked, tell: () => void): void {
    if (!this.#asked.delete(asked)) return;
    this.#c.SSL_free(asked.handle);
    tell();
  }

  /** Why the connection is closed; undefined: it is not. */
  #readEnd(): string | undefined {
    const info = new BigUint64Array(CLOSE_WORDS);
    const bytes = new Uint8Array(info.buffer);
    if (this.#c.SSL_get_conn_close_info(this.#handle, bytes, bytes.length) !== 1) return undefined;
    const [code = 0n, , reason = 0n, reasonLength = 0n, flags = 0n] = info;
    const isOfHandshake = (Number(flags) & CLOSED_BY_TRANSPORT) !== 0 && Number(code) >> 8 === 1;
    const what = isOfHandshake ? `TLS alert ${Number(code) - CRYPTO_ERROR}` : `error ${code}`;
    const who = (Number(flags) & CLOSED_HERE) !== 0 ? 'by this side' : 'by the server';
    const text = Buffer.alloc(Math.min(Number(reasonLength), REASON_BYTES_MAX));
    if (reason !== 0n && text.length > 0) this.#c.copy(text, reason, text.length);
    // What a foreign server sends stands in logs and on terminals.
    const said = text.toString('utf8').replace(/\p{Cc}/gu, '?');
    return `the connection was closed ${who}: ${what}${said === '' ? '' : `, ${said}`}`;
  }

  #fail(text: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const c = this.#c;
    const error = failure(text);
    for (const asked of this.#asked) this.#settle(asked, () => asked.reject(error));
    const how = new BigUint64Array(2);
    c.SSL_shutdown_ex(this.#handle, SHUTDOWN_AT_ONCE, new Uint8Array(how.buffer), how.byteLength);
    c.SSL_handle_events(this.#handle);
    this.#flush();
    c.SSL_free(this.#handle);
    c.ERR_clear_error();
    this.#wire.close();
    this.#alarm.clear();
    this.#socket.close();
    this.#opening.promise.catch(() => {});
    this.#opening.reject(error);
  }

  #flush(): void {
    this.#wire.flush(this.#socket);
  }
}

const readProof = (c: OpenSsl, handle: Pointer): QuicProof => {
  const name = new BigUint64Array(1);
  const length = new Uint32Array(1);
  c.SSL_get0_alpn_selected(handle, new Uint8Array(name.buffer), new Uint8Array(length.buffer));
  const protocol = Buffer.alloc(length[0] ?? 0);
  if (protocol.length > 0) c.copy(protocol, name[0] ?? 0n, protocol.length);
  const stack = c.SSL_get_peer_cert_chain(handle);
  const count = stack === null ? 0 : Math.min(c.OPENSSL_sk_num(stack), CHAIN_MAX);
  const chain = Array.from({ length: count }, (_, index) => toDer(c, c.OPENSSL_sk_value(stack, index)));
  return { protocol: protocol.toString('latin1'), chain };
};

const toDer = (c: OpenSsl, certificate: Pointer): Uint8Array => {
  const bytes = Buffer.alloc(Math.max(0, c.i2d_X509(certificate, null)));
  // It moves the pointer that it is given on by what it writes.
  const at = new BigUint64Array([c.address(bytes)]);
  if (bytes.length > 0) c.i2d_X509(certificate, new Uint8Array(at.buffer));
  return bytes;
};

/** Who calls names the server. */
const failure = (text: string): AppError<'ERR_QUIC_CALL'> =>
  new AppError('ERR_QUIC_CALL', `calling over QUIC: ${text}`);
