// A client of QUIC for tests, by the client side of the system's OpenSSL: it sends what no resolver's client would.
//
// It does not block: OpenSSL works on a socket of its own in short steps, between which this thread's loop runs.
import { setTimeout as pause } from 'node:timers/promises';
import koffi from 'koffi';
import { type OpenSsl, openSsl, openSslFault, type Pointer } from '../../src/wire/quic/openssl.ts';
import type { SocketAddress } from './process.ts';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const CLOSE = 1;
const CONCLUDE = 1;
const NO_STREAM = 0;
const STEP_MS = 2;
const DEADLINE_MS = 60_000;
/** SSL_get_stream_read_state(3). */
const READ_STATE = { OPEN: 1, FINISHED: 3 } as const;

/** What only a client that misbehaves takes: a socket that OpenSSL has, at an address that the test chooses. */
const load = async () => {
  const fault = await openSslFault();
  if (fault !== undefined) throw new Error(fault);
  const library = koffi.load('libssl.so.3', { deep: true });
  const libc = koffi.load('libc.so.6');
  return {
    datagrams: library.func('void *BIO_new_dgram(int, int)'),
    socket: libc.func('int socket(int, int, int)'),
    bind: libc.func('int bind(int, void *, unsigned int)'),
  };
};

/** What a client connects with. */
export interface QuicClientOptions {
  readonly protocol?: string;
  readonly localAddress?: string;
}

/** One stream of a client. */
export interface ClientStream {
  /** Sends bytes, and the end of them. */
  write(bytes: Uint8Array, isLast?: boolean): void;
  /** Takes it back. */
  reset(code?: number): void;
  /** All that comes until its end; undefined: it was reset, or the connection was closed. */
  read(): Promise<Buffer | undefined>;
}

/** One connection. */
export class QuicTestClient {
  readonly #c: OpenSsl;
  readonly #context: Pointer;
  readonly #handle: Pointer;

  private constructor(c: OpenSsl, context: Pointer, handle: Pointer) {
    this.#c = c;
    this.#context = context;
    this.#handle = handle;
  }

  /** Connects; undefined when the server does not let it. */
  static async open(at: SocketAddress, options: QuicClientOptions = {}): Promise<QuicTestClient | undefined> {
    const own = await load();
    const c = openSsl();
    const { protocol = 'doq', localAddress = '127.0.0.1' } = options;
    const context = c.SSL_CTX_new(c.OSSL_QUIC_client_method());
    const handle = c.SSL_new(context);
    const names = Buffer.from([protocol.length, ...Buffer.from(protocol)]);
    c.SSL_set_alpn_protos(handle, names, names.length);
    const fd = Number(own.socket(AF_INET, SOCK_DGRAM, 0));
    const local = Buffer.alloc(16);
    local.writeUInt16LE(AF_INET, 0);
    local.set(bytesOf(localAddress), 4);
    own.bind(fd, local, local.length);
    const bio = own.datagrams(fd, CLOSE) as Pointer;
    c.SSL_set_bio(handle, bio, bio);
    const peer = c.BIO_ADDR_new();
    const port = ((at.port & 0xff) << 8) | (at.port >> 8);
    c.BIO_ADDR_rawmake(peer, AF_INET, bytesOf(at.address), 4, port);
    c.SSL_set1_initial_peer_addr(handle, peer);
    c.BIO_ADDR_free(peer);
    c.SSL_set_blocking_mode(handle, 0);
    c.SSL_set_default_stream_mode(handle, NO_STREAM);
    const client = new QuicTestClient(c, context, handle);
    const isOpen = await client.#until(() => {
      if (c.SSL_connect(handle) === 1) return true;
      return client.closeCode() === undefined ? undefined : false;
    });
    if (isOpen === true) return client;
    client.close();
    return undefined;
  }

  /** Opens a stream; undefined when the server allows no more, or is gone. */
  stream(): ClientStream | undefined {
    const c = this.#c;
    const handle = c.SSL_new_stream(this.#handle, 0);
    if (handle === null) return undefined;
    c.SSL_set_blocking_mode(handle, 0);
    const count = new BigUint64Array(1);
    const countBytes = new Uint8Array(count.buffer);
    return {
      write: (bytes, isLast = true) => {
        c.SSL_write_ex2(handle, bytes, bytes.length, isLast ? CONCLUDE : 0, countBytes);
        c.SSL_handle_events(this.#handle);
      },
      reset: (code = 0) => {
        const how = new Uint8Array(BigUint64Array.of(BigInt(code)).buffer);
        c.SSL_stream_reset(handle, how, how.length);
        c.SSL_free(handle);
        c.SSL_handle_events(this.#handle);
      },
      read: async () => {
        const parts: Buffer[] = [];
        const room = Buffer.alloc(65_536);
        const isWhole = await this.#until(() => {
          while (c.SSL_read_ex(handle, room, room.length, countBytes) === 1)
            parts.push(Buffer.from(room.subarray(0, Number(count[0]))));
          const state = c.SSL_get_stream_read_state(handle);
          return state === READ_STATE.OPEN ? undefined : state === READ_STATE.FINISHED;
        });
        c.SSL_free(handle);
        return isWhole === true ? Buffer.concat(parts) : undefined;
      },
    };
  }

  /** One question on a stream of its own. */
  async ask(bytes: Uint8Array): Promise<Buffer | undefined> {
    const stream = this.stream();
    stream?.write(bytes);
    return await stream?.read();
  }

  /** The code that the server closed the connection with; undefined: it is open. */
  closeCode(): number | undefined {
    // error_code, frame_type, reason, reason_len, flags (SSL_get_conn_close_info(3)).
    const info = new BigUint64Array(5);
    this.#c.SSL_handle_events(this.#handle);
    this.#c.ERR_clear_error();
    return this.#c.SSL_get_conn_close_info(this.#handle, new Uint8Array(info.buffer), 40) === 1
      ? Number(info[0])
      : undefined;
  }

  /** Waits until the server closes the connection; the code. */
  async closed(): Promise<number | undefined> {
    return await this.#until(() => this.closeCode());
  }

  /** Forgets it. The server hears nothing. */
  close(): void {
    this.#c.SSL_free(this.#handle);
    this.#c.SSL_CTX_free(this.#context);
  }

  async #until<T>(look: () => T | undefined): Promise<T | undefined> {
    const endMs = performance.now() + DEADLINE_MS;
    while (performance.now() < endMs) {
      this.#c.SSL_handle_events(this.#handle);
      const found = look();
      this.#c.ERR_clear_error();
      if (found !== undefined) return found;
      await pause(STEP_MS);
    }
    return undefined;
  }
}

const bytesOf = (address: string): Uint8Array => Uint8Array.from(address.split('.').map(Number));
