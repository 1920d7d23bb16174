// The functions of OpenSSL that QUIC takes, on both sides, as koffi offers them.
//
// libssl is loaded with its symbols bound among themselves (RTLD_DEEPBIND): otherwise thousands of them would be those of
// the OpenSSL in Node.js, whose structures are others. Which version was found is asked of the library itself, because what a
// package or a header says need not be what is loaded. Loading fails softly: what is missing is told in words.
import { errorText } from '../../base/base.ts';

/** An address in the memory of OpenSSL; null where C has a null pointer. */
export type Pointer = bigint | null;

/** Room that OpenSSL reads or writes during a call. */
type Memory = Uint8Array;

/** The calls; names are those of OpenSSL 3.5 (SSL_new_listener(3), SSL_poll(3), BIO_s_dgram_mem(3)). */
export interface OpenSsl {
  readonly version: string;
  SSL_CTX_new(method: Pointer): Pointer;
  SSL_CTX_free(context: Pointer): void;
  OSSL_QUIC_server_method(): Pointer;
  OSSL_QUIC_client_method(): Pointer;
  SSL_CTX_use_cert_and_key(
    context: Pointer,
    certificate: Pointer,
    key: Pointer,
    chain: Pointer,
    replace: number,
  ): number;
  SSL_CTX_set_num_tickets(context: Pointer, count: number): number;
  SSL_CTX_set_alpn_select_cb(context: Pointer, callback: bigint, argument: null): void;
  SSL_new_listener(context: Pointer, flags: number): Pointer;
  SSL_new(context: Pointer): Pointer;
  SSL_ctrl(connection: Pointer, command: number, value: number, text: Memory | null): number;
  SSL_set_alpn_protos(connection: Pointer, names: Memory, length: number): number;
  SSL_set1_initial_peer_addr(connection: Pointer, address: Pointer): number;
  SSL_connect(connection: Pointer): number;
  SSL_get_error(connection: Pointer, result: number): number;
  SSL_get_conn_close_info(connection: Pointer, info: Memory, length: number): number;
  SSL_get0_alpn_selected(connection: Pointer, name: Memory, length: Memory): void;
  SSL_get_peer_cert_chain(connection: Pointer): Pointer;
  SSL_new_stream(connection: Pointer, flags: number): Pointer;
  SSL_set_bio(listener: Pointer, read: Pointer, write: Pointer): void;
  SSL_set_blocking_mode(object: Pointer, isBlocking: number): number;
  SSL_listen(listener: Pointer): number;
  SSL_set_value_uint(object: Pointer, group: number, id: number, value: number): number;
  SSL_get_value_uint(object: Pointer, group: number, id: number, value: Memory): number;
  SSL_handle_events(object: Pointer): number;
  SSL_get_event_timeout(object: Pointer, time: Memory, isInfinite: Memory): number;
  SSL_accept_connection(listener: Pointer, flags: number): Pointer;
  SSL_set_default_stream_mode(connection: Pointer, mode: number): number;
  SSL_set_incoming_stream_policy(connection: Pointer, policy: number, error: number): number;
  SSL_is_init_finished(connection: Pointer): number;
  SSL_get_servername(connection: Pointer, type: number): string | null;
  SSL_accept_stream(connection: Pointer, flags: number): Pointer;
  SSL_poll(
    items: Memory,
    count: number,
    stride: number,
    timeout: Memory,
    flags: number,
    ready: Memory,
  ): number;
  SSL_read_ex(stream: Pointer, into: Memory, length: number, read: Memory): number;
  SSL_write_ex2(stream: Pointer, from: Memory, length: number, flags: number, written: Memory): number;
  SSL_get_stream_read_state(stream: Pointer): number;
  SSL_stream_reset(stream: Pointer, how: Memory, length: number): number;
  SSL_shutdown_ex(connection: Pointer, flags: number, how: Memory, length: number): number;
  SSL_free(object: Pointer): void;
  BIO_new(method: Pointer): Pointer;
  BIO_free(bio: Pointer): number;
  BIO_s_dgram_mem(): Pointer;
  BIO_new_mem_buf(bytes: Memory, length: number): Pointer;
  BIO_ctrl(bio: Pointer, command: number, value: number, pointer: null): number;
  BIO_sendmmsg(
    bio: Pointer,
    messages: Memory,
    stride: number,
    count: number,
    flags: number,
    done: Memory,
  ): number;
  BIO_recvmmsg(
    bio: Pointer,
    messages: Memory,
    stride: number,
    count: number,
    flags: number,
    done: Memory,
  ): number;
  BIO_ADDR_new(): Pointer;
  BIO_ADDR_free(address: Pointer): void;
  BIO_ADDR_rawmake(address: Pointer, family: number, bytes: Memory, length: number, port: number): number;
  BIO_ADDR_rawaddress(address: Pointer, bytes: Memory, length: Memory): number;
  BIO_ADDR_rawport(address: Pointer): number;
  PEM_read_bio_X509(bio: Pointer, into: null, callback: null, argument: null): Pointer;
  PEM_read_bio_PrivateKey(bio: Pointer, into: null, callback: null, argument: null): Pointer;
  X509_free(certificate: Pointer): void;
  i2d_X509(certificate: Pointer, into: Memory | null): number;
  EVP_PKEY_free(key: Pointer): void;
  OPENSSL_sk_new_null(): Pointer;
  OPENSSL_sk_push(stack: Pointer, item: Pointer): number;
  OPENSSL_sk_num(stack: Pointer): number;
  OPENSSL_sk_value(stack: Pointer, index: number): Pointer;
  OPENSSL_sk_free(stack: Pointer): void;
  ERR_get_error(): bigint | number;
  ERR_clear_error(): void;
  ERR_error_string_n(error: bigint | number, into: Memory, length: number): void;
  /** Of libc: copies between memory of ours and of OpenSSL. */
  copy(to: Memory | bigint, from: Memory | bigint, length: number): void;
  /** Address of a typed array's first byte, which has to be referenced for as long as C knows it. */
  address(memory: Memory): bigint;
  /** A function that OpenSSL calls to choose among the protocols that a client offers (ALPN). */
  registerAlpn(choose: AlpnChooser): bigint;
  unregister(callback: bigint): void;
}

/** Called with pointers: the connection, where to write the choice and its length, what is offered, and its length. */
export type AlpnChooser = (
  connection: bigint,
  chosen: bigint,
  chosenLength: bigint,
  offered: bigint,
  offeredLength: number,
  argument: bigint,
) => number;

/** C declarations of what is called, but for those that are made below. */
const DECLARATIONS = [
  'void *SSL_CTX_new(void *)',
  'void SSL_CTX_free(void *)',
  'void *OSSL_QUIC_server_method()',
  'void *OSSL_QUIC_client_method()',
  'int SSL_CTX_use_cert_and_key(void *, void *, void *, void *, int)',
  'int SSL_CTX_set_num_tickets(void *, size_t)',
  'void SSL_CTX_set_alpn_select_cb(void *, void *, void *)',
  'void *SSL_new_listener(void *, uint64_t)',
  'void *SSL_new(void *)',
  'long SSL_ctrl(void *, int, long, void *)',
  'int SSL_set_alpn_protos(void *, void *, unsigned int)',
  'int SSL_set1_initial_peer_addr(void *, void *)',
  'int SSL_connect(void *)',
  'int SSL_get_error(void *, int)',
  'int SSL_get_conn_close_info(void *, void *, size_t)',
  'void SSL_get0_alpn_selected(void *, void *, void *)',
  'void *SSL_get_peer_cert_chain(void *)',
  'void *SSL_new_stream(void *, uint64_t)',
  'void SSL_set_bio(void *, void *, void *)',
  'int SSL_set_blocking_mode(void *, int)',
  'int SSL_listen(void *)',
  'int SSL_set_value_uint(void *, uint32_t, uint32_t, uint64_t)',
  'int SSL_get_value_uint(void *, uint32_t, uint32_t, void *)',
  'int SSL_handle_events(void *)',
  'int SSL_get_event_timeout(void *, void *, void *)',
  'void *SSL_accept_connection(void *, uint64_t)',
  'int SSL_set_default_stream_mode(void *, uint32_t)',
  'int SSL_set_incoming_stream_policy(void *, int, uint64_t)',
  'int SSL_is_init_finished(void *)',
  'const char *SSL_get_servername(void *, int)',
  'void *SSL_accept_stream(void *, uint64_t)',
  'int SSL_poll(void *, size_t, size_t, void *, uint64_t, void *)',
  'int SSL_read_ex(void *, void *, size_t, void *)',
  'int SSL_write_ex2(void *, void *, size_t, uint64_t, void *)',
  'int SSL_get_stream_read_state(void *)',
  'int SSL_stream_reset(void *, void *, size_t)',
  'int SSL_shutdown_ex(void *, uint64_t, void *, size_t)',
  'void SSL_free(void *)',
  'void *BIO_new(void *)',
  'int BIO_free(void *)',
  'void *BIO_s_dgram_mem()',
  'void *BIO_new_mem_buf(void *, int)',
  'long BIO_ctrl(void *, int, long, void *)',
  'int BIO_sendmmsg(void *, void *, size_t, size_t, uint64_t, void *)',
  'int BIO_recvmmsg(void *, void *, size_t, size_t, uint64_t, void *)',
  'void *BIO_ADDR_new()',
  'void BIO_ADDR_free(void *)',
  'int BIO_ADDR_rawmake(void *, int, void *, size_t, uint16_t)',
  'int BIO_ADDR_rawaddress(void *, void *, void *)',
  'uint16_t BIO_ADDR_rawport(void *)',
  'void *PEM_read_bio_X509(void *, void *, void *, void *)',
  'void *PEM_read_bio_PrivateKey(void *, void *, void *, void *)',
  'void X509_free(void *)',
  'int i2d_X509(void *, void *)',
  'void EVP_PKEY_free(void *)',
  'void *OPENSSL_sk_new_null()',
  'int OPENSSL_sk_push(void *, void *)',
  'int OPENSSL_sk_num(void *)',
  'void *OPENSSL_sk_value(void *, int)',
  'void OPENSSL_sk_free(void *)',
  'unsigned long ERR_get_error()',
  'void ERR_clear_error()',
  'void ERR_error_string_n(unsigned long, void *, size_t)',
] as const;

const LIBRARY = 'libssl.so.3';
/** The structures that are laid out by hand are those of 64-bit little-endian machines. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];
/** For OpenSSL_version(3). */
const VERSION_TEXT = 0;
/**
 * By major and minor version, the first patch that is safe: before it, strangers can fill the memory with connections
 * that nobody has accepted (CVE-2026-14456), and end the process (a double free).
 */
const SAFE_FROM: Readonly<Record<string, number>> = { '3.5': 8, '3.6': 4 };

/** Why a version cannot be used; empty when it can. */
export const versionFault = (text: string): string => {
  const [, branch = '', patch = ''] = /^OpenSSL (\d+\.\d+)\.(\d+)\b/.exec(text) ?? [];
  const safeFrom = SAFE_FROM[branch];
  if (safeFrom !== undefined && Number(patch) >= safeFrom) return '';
  return `${text} is not one that is known to be safe for servers: 3.5.8 or later of 3.5, 3.6.4 or later of 3.6`;
};

let found: OpenSsl | undefined;
let fault: string | undefined;

/** Loads the library once per thread. */
const load = async (): Promise<OpenSsl> => {
  if (process.platform !== 'linux' || !ARCHITECTURES.includes(process.arch))
    throw new Error(`not written for ${process.platform} on ${process.arch}`);
  const { default: koffi } = await import('koffi');
  const library = koffi.load(LIBRARY, { deep: true });
  const version = String(library.func('const char *OpenSSL_version(int)')(VERSION_TEXT));
  const tooOld = versionFault(version);
  if (tooOld !== '') throw new Error(tooOld);
  const calls = Object.fromEntries(
    DECLARATIONS.map((declaration) => {
      const name = /\b(\w+)\(/.exec(declaration)?.[1] ?? '';
      return [name, library.func(declaration)];
    }),
  );
  const copy = koffi.load('libc.so.6').func('void *memcpy(void *, void *, size_t)');
  const chooser = koffi.pointer(
    koffi.proto('int', ['void *', 'void *', 'void *', 'void *', 'unsigned int', 'void *']),
  );
  return {
    ...(calls as unknown as OpenSsl),
    version,
    copy: (to, from, length) => void copy(to, from, length),
    address: (memory) => BigInt(koffi.address(memory)),
    registerAlpn: (choose) => koffi.register(choose, chooser),
    unregister: (callback) => koffi.unregister(callback),
  };
};

/** Why there is no QUIC on this machine; undefined when there is. */
export const openSslFault = async (): Promise<string | undefined> => {
  if (found === undefined && fault === undefined) {
    try {
      found = await load();
    } catch (error) {
      fault = errorText(error);
    }
  }
  return fault;
};

/** The calls, after openSslFault() has found none. */
export const openSsl = (): OpenSsl => {
  if (found === undefined) throw new Error('openssl: used before it was loaded');
  return found;
};

/** Version of the library, such as `OpenSSL 3.5.9 29 Sep 2026`; empty before it is loaded. */
export const openSslVersion = (): string => found?.version ?? '';

/** What OpenSSL says of the call that failed just now. @cold */
export const openSslErrors = (c: OpenSsl): string => {
  const room = new Uint8Array(ERROR_TEXT_BYTES);
  const texts: string[] = [];
  for (let error = c.ERR_get_error(); error !== 0 && error !== 0n; error = c.ERR_get_error()) {
    c.ERR_error_string_n(error, room, room.length);
    texts.push(Buffer.from(room.subarray(0, room.indexOf(0))).toString('latin1'));
  }
  return texts.join('; ');
};

/** OpenSSL wants 256 at least (ERR_error_string(3)). */
const ERROR_TEXT_BYTES = 256;
