// A client of QUIC for tests, by the client side of the system's OpenSSL: it sends what no resolver's client would.
//
// It does not block: OpenSSL works on a socket of its own in short steps, between which this thread's loop runs.
import { setTimeout as pause } from 'node:timers/promises';
import koffi from 'koffi';
import type { SocketAddress } from './process.ts';

type Pointer = bigint | null;

const AF_INET = 2;
const SOCK_DGRAM = 2;
const CLOSE = 1;
const CONCLUDE = 1;
const NO_STREAM = 0;
const STEP_MS = 2;
const DEADLINE_MS = 10_000;
/** SSL_get_stream_read_state(3). */
const READ_STATE = { OPEN: 1, FINISHED: 3 } as const;

const load = () => {
  const library = koffi.load('libssl.so.3', { deep: true });
  const c = koffi.load('libc.so.6');
  return {
    method: library.func('void *OSSL_QUIC_client_method()'),
    createContext: library.func('void *SSL_CTX_new(void *)'),
    create: library.func('void *SSL_new(void *)'),
    free: library.func('void SSL_free(void *)'),
    freeContext: library.func('void SSL_CTX_free(void *)'),
    setAlpn: library.func('int SSL_set_alpn_protos(void *, void *, unsigned int)'),
    ctrl: library.func('long SSL_ctrl(void *, int, long, void *)'),
    datagrams: library.func('void *BIO_new_dgram(int, int)'),
    setBio: library.func('void SSL_set_bio(void *, void *, void *)'),
    setPeer: library.func('int SSL_set1_initial_peer_addr(void *, void *)'),
    setBlocking: library.func('int SSL_set_blocking_mode(void *, int)'),
    setStreamMode: library.func('int SSL_set_default_stream_mode(void *, uint32_t)'),
    connect: library.func('int SSL_connect(void *)'),
    isConnected: library.func('int SSL_is_init_finished(void *)'),
    handle: library.func('int SSL_handle_events(void *)'),
    openStream: library.func('void *SSL_new_stream(void *, uint64_t)'),
    write: library.func('int SSL_write_ex2(void *, void *, size_t, uint64_t, void *)'),
    read: library.func('int SSL_read_ex(void *, void *, size_t, void *)'),
    readState: library.func('int SSL_get_stream_read_state(void *)'),
    reset: library.func('int SSL_stream_reset(void *, void *, size_t)'),
    closeInfo: library.func('int SSL_get_conn_close_info(void *, void *, size_t)'),
    addressNew: library.func('void *BIO_ADDR_new()'),
    addressFree: library.func('void BIO_ADDR_free(void *)'),
    addressMake: library.func('int BIO_ADDR_rawmake(void *, int, void *, size_t, uint16_t)'),
    clearErrors: library.func('void ERR_clear_error()'),
    socket: c.func('int socket(int, int, int)'),
    bind: c.func('int bind(int, void *, unsigned int)'),
  };
};

let loaded: ReturnType<typeof load> | undefined;

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
  readonly #c: ReturnType<typeof load>;
  readonly #context: Pointer;
  readonly #handle: Pointer;

  private constructor(c: ReturnType<typeof load>, context: Pointer, handle: Pointer) {
    this.#c = c;
    this.#context = context;
    this.#handle = handle;
  }

  /** Connects; undefined when the server does not let it. */
  static async open(at: SocketAddress, options: QuicClientOptions = {}): Promise<QuicTestClient | undefined> {
    loaded ??= load();
    const c = loaded;
    const { protocol = 'doq', localAddress = '127.0.0.1' } = options;
    const context = c.createContext(c.method()) as Pointer;
    const handle = c.create(context) as Pointer;
    const names = Buffer.from([protocol.length, ...Buffer.from(protocol)]);
    c.setAlpn(handle, names, names.length);
    const fd = Number(c.socket(AF_INET, SOCK_DGRAM, 0));
    const local = Buffer.alloc(16);
    local.writeUInt16LE(AF_INET, 0);
    local.set(bytesOf(localAddress), 4);
    c.bind(fd, local, local.length);
    const bio = c.datagrams(fd, CLOSE) as Pointer;
    c.setBio(handle, bio, bio);
    const peer = c.addressNew() as Pointer;
    const port = ((at.port & 0xff) << 8) | (at.port >> 8);
    c.addressMake(peer, AF_INET, bytesOf(at.address), 4, port);
    c.setPeer(handle, peer);
    c.addressFree(peer);
    c.setBlocking(handle, 0);
    c.setStreamMode(handle, NO_STREAM);
    const client = new QuicTestClient(c, context, handle);
    const isOpen = await client.#until(() => {
      if (c.connect(handle) === 1) return true;
      return client.closeCode() === undefined ? undefined : false;
    });
    if (isOpen === true) return client;
    client.close();
    return undefined;
  }

  /** Opens a stream; undefined when the server allows no more, or is gone. */
  stream(): ClientStream | undefined {
    const c = this.#c;
    const handle = c.openStream(this.#handle, 0) as Pointer;
    if (handle === null) return undefined;
    c.setBlocking(handle, 0);
    const count = new BigUint64Array(1);
    const countBytes = new Uint8Array(count.buffer);
    return {
      write: (bytes, isLast = true) => {
        c.write(handle, bytes, bytes.length, isLast ? CONCLUDE : 0, countBytes);
        c.handle(this.#handle);
      },
      reset: (code = 0) => {
        const how = new Uint8Array(BigUint64Array.of(BigInt(code)).buffer);
        c.reset(handle, how, how.length);
        c.free(handle);
        c.handle(this.#handle);
      },
      read: async () => {
        const parts: Buffer[] = [];
        const room = Buffer.alloc(65_536);
        const isWhole = await this.#until(() => {
          while (c.read(handle, room, room.length, countBytes) === 1)
            parts.push(Buffer.from(room.subarray(0, Number(count[0]))));
          const state = Number(c.readState(handle));
          return state === READ_STATE.OPEN ? undefined : state === READ_STATE.FINISHED;
        });
        c.free(handle);
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
    this.#c.handle(this.#handle);
    this.#c.clearErrors();
    return this.#c.closeInfo(this.#handle, new Uint8Array(info.buffer), 40) === 1
      ? Number(info[0])
      : undefined;
  }

  /** Waits until the server closes the connection; the code. */
  async closed(): Promise<number | undefined> {
    return await this.#until(() => this.closeCode());
  }

  /** Forgets it. The server hears nothing. */
  close(): void {
    this.#c.free(this.#handle);
    this.#c.freeContext(this.#context);
  }

  async #until<T>(look: () => T | undefined): Promise<T | undefined> {
    const endMs = performance.now() + DEADLINE_MS;
    while (performance.now() < endMs) {
      this.#c.handle(this.#handle);
      const found = look();
      this.#c.clearErrors();
      if (found !== undefined) return found;
      await pause(STEP_MS);
    }
    return undefined;
  }
}

const bytesOf = (address: string): Uint8Array => Uint8Array.from(address.split('.').map(Number));
