// The system calls that node:dgram does not make: recvmmsg, sendmmsg, and what it takes to open a socket for them.
//
// It reaches outside JavaScript, as wire/quic/openssl.ts alone does beside it. Linux on 64-bit little-endian machines only: the structures below
// are laid out by hand. Memory that the kernel writes to belongs to typed arrays that the caller keeps referenced;
// an array that only C knows would be collected under it. Loading fails softly: libc is undefined then.
import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import type Koffi from 'koffi';
import { errorText } from '../../base/base.ts';

const AF_INET = 2;
const AF_INET6 = 10;
export const MSG_DONTWAIT = 0x40;
export const O_CLOEXEC = 0x80000;
export const POLLIN = 0x1;
export const POLLOUT = 0x4;
export const EINTR = 4;
export const EAGAIN = 11;

/** Bytes of struct mmsghdr on 64-bit Linux: a msghdr of 56 bytes, msg_len, padding. */
export const MMSGHDR_BYTES = 64;
/** Bytes of struct iovec. */
export const IOVEC_BYTES = 16;
/** Bytes of struct sockaddr_in6; sockaddr_in takes the first 16. */
export const SOCKADDR_BYTES = 28;
/** Bytes of struct sockaddr_in. */
export const SOCKADDR_IN_BYTES = 16;

const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
export const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
const SO_REUSEPORT = 15;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** The calls, as koffi offers them. */
export interface Libc {
  recvmmsg(fd: number, messages: Uint8Array, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, messages: Uint8Array, count: number, flags: number): number;
  ppoll(descriptors: Uint8Array, count: number, timeout: Uint8Array, signals: null): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number;
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number;
  /** Writes the reading and the writing end, two 32-bit numbers. */
  pipe2(ends: Uint8Array, flags: number): number;
  dup3(fd: number, place: number, flags: number): number;
  close(fd: number): number;
  sendto(
    fd: number,
    message: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  /** sched_setattr(2) of this thread: glibc has had no name for it before 2.41. */
  schedSetattr(attributes: Uint8Array): number;
  /** Gives pages of freed memory back to the system, all but `keep` bytes; 0 where there were none. */
  mallocTrim(keep: number): number;
  /** Sets a parameter of the allocator, for all threads; 0 where it cannot be set. */
  mallopt(parameter: number, value: number): number;
  /** Of the call just made on this thread. */
  errno(): number;
  /** Name of an error number, such as EADDRINUSE. */
  errorName(number: number): string;
  /** Address of a typed array's first byte. */
  address(memory: Uint8Array): bigint;
}

type Syscall = (number: number, thread: number, attributes: Uint8Array, flags: number) => number;

/** Numbers of sched_setattr(2). */
const SCHED_SETATTR: Readonly<Record<string, number>> = { x64: 314, arm64: 274 };

/** Set to any value, keeps the plain sockets: for comparisons and for machines where the calls are not wanted. */
const DISABLE_VARIABLE = 'CORDON_NO_BATCH';

/** Why the calls cannot be had, empty when they can or when they were not wanted. */
let failure = '';

/** Not awaited: a thread that is ended while a module of it waits may take the process along (V8 13.6). */
const load = (): Libc | undefined => {
  if (process.platform !== 'linux' || endianness() !== 'LE' || !ARCHITECTURES.includes(process.arch)) {
    failure = `not written for ${process.platform} on ${process.arch}`;
    return undefined;
  }
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const c = koffi.load('libc.so.6');
    const syscall = c.func('long syscall(long, int, void *, unsigned int)') as Syscall;
    const number = SCHED_SETATTR[process.arch] ?? 0;
    const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
    return {
      recvmmsg: c.func('int recvmmsg(int, void *, unsigned int, int, void *)') as Libc['recvmmsg'],
      sendmmsg: c.func('int sendmmsg(int, void *, unsigned int, int)') as Libc['sendmmsg'],
      ppoll: c.func('int ppoll(void *, unsigned long, void *, void *)') as Libc['ppoll'],
      socket: c.func('int socket(int, int, int)') as Libc['socket'],
      bind: c.func('int bind(int, void *, unsigned int)') as Libc['bind'],
      connect: c.func('int connect(int, void *, unsigned int)') as Libc['connect'],
      setsockopt: c.func('int setsockopt(int, int, int, void *, unsigned int)') as Libc['setsockopt'],
      getsockopt: c.func('int getsockopt(int, int, int, void *, void *)') as Libc['getsockopt'],
      getsockname: c.func('int getsockname(int, void *, void *)') as Libc['getsockname'],
      pipe2: c.func('int pipe2(void *, int)') as Libc['pipe2'],
      dup3: c.func('int dup3(int, int, int)') as Libc['dup3'],
      close: c.func('int close(int)') as Libc['close'],
      sendto: c.func('long sendto(int, void *, unsigned long, int, void *, unsigned int)') as Libc['sendto'],
      schedSetattr: (attributes) => syscall(number, 0, attributes, 0),
      mallocTrim: c.func('int malloc_trim(size_t)') as Libc['mallocTrim'],
      mallopt: c.func('int mallopt(int, int)') as Libc['mallopt'],
      errno: () => koffi.errno(),
      errorName: (number) => names.get(number) ?? `errno ${number}`,
      address: (memory) => BigInt(koffi.address(memory)),
    };
  } catch (error) {
    failure = errorText(error);
    return undefined;
  }
};

/** Those whose structures are laid out as below. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

const loaded = load();
const isWanted = process.env[DISABLE_VARIABLE] === undefined;

/** The calls, or undefined where they cannot be had or are not wanted. */
export const libc: Libc | undefined = isWanted ? loaded : undefined;

/** The calls for what Node.js cannot do at all, wanted or not. */
export const systemLibc = (): Libc | undefined => loaded;

/** Why there are none. */
export const libcFailure = (): string => (isWanted ? failure : '');

/** How a socket is opened; buffers in bytes, undefined: as the system likes. */
export interface SocketOptions {
  readonly family: 4 | 6;
  /** False: an IPv6 socket speaks IPv4 too, with mapped addresses (RFC 3493 section 3.7). */
  readonly ipv6Only: boolean;
  readonly shared: boolean;
  readonly receiveBytes: number;
  readonly sendBytes: number | undefined;
}

/** A non-blocking UDP socket's descriptor; throws an Error whose `code` is the system's. */
export const openSocket = (c: Libc, options: SocketOptions): number => {
  const family = options.family === 6 ? AF_INET6 : AF_INET;
  const fd = c.socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError(c, 'socket');
  const set = (level: number, name: number, value: number): number =>
    c.setsockopt(fd, level, name, new Uint8Array(Int32Array.of(value).buffer), 4);
  if (options.shared) set(SOL_SOCKET, SO_REUSEPORT, 1);
  if (family === AF_INET6) set(IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only ? 1 : 0);
  // The kernel grants what it allows; less is no error.
  set(SOL_SOCKET, SO_RCVBUF, options.receiveBytes);
  if (options.sendBytes !== undefined) set(SOL_SOCKET, SO_SNDBUF, options.sendBytes);
  return fd;
};

/** An Error that carries the name of the call's error as `code`. */
export const systemError = (c: Libc, call: string, errno: number = c.errno()): NodeJS.ErrnoException => {
  const code = c.errorName(errno);
  return Object.assign(new Error(`${call}: ${code}`), { code });
};
