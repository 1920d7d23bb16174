// The far end of a datagram: an address and a port, as numbers. Hot file.
import { networkInterfaces } from 'node:os';
import {
  type AddressWords,
  createAddress,
  type Endpoint,
  formatAddress,
  isIpv4,
  parseAddress,
  readIpv4,
  readIpv6,
} from '../../base/base.ts';
import { type Libc, SOCKADDR_BYTES, SOCKADDR_IN_BYTES } from './libc.ts';

const AF_INET = 2;
const AF_INET6 = 10;

/** Who sent a datagram, or who gets one. One object serves all datagrams of a socket: copy what has to last. */
export class Peer {
  readonly words: AddressWords = createAddress();
  port = 0;
  /** Interface of a link-local address (RFC 4007), 0 otherwise. */
  scope = 0;
  /** The address as node:dgram prints it, where it came from there; otherwise empty. */
  text = '';

  /**
   * True for what a datagram of IPv6 cannot come from: an IPv4 address in its mapped form, which is none of a packet (RFC 6890
   * table 20), and no address at all, to which an answer would go to this machine itself. Kernels hand both on, also to a
   * socket that takes IPv6 alone; the first would pass for the IPv4 client of that address.
   */
  get isForgedIpv6(): boolean {
    const { words } = this;
    return isIpv4(words) || ((words[0] ?? 0) | (words[1] ?? 0) | (words[2] ?? 0) | (words[3] ?? 0)) === 0;
  }

  /** A copy that lasts. */
  copy(): Peer {
    const peer = new Peer();
    peer.set(this);
    return peer;
  }

  /** Becomes what another one is. */
  set({ words, port, scope, text }: Peer): void {
    for (let i = 0; i < 4; i++) this.words[i] = words[i] ?? 0;
    this.port = port;
    this.scope = scope;
    this.text = text;
  }

  /** The address as text. */
  get address(): string {
    return formatAddress(this.words);
  }

  /** Reads a struct sockaddr_in or sockaddr_in6. */
  read(bytes: Uint8Array, offset: number): void {
    this.port = ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0);
    if (bytes[offset] === AF_INET) {
      readIpv4(bytes, offset + 4, this.words);
      this.scope = 0;
      return;
    }
    readIpv6(bytes, offset + 8, this.words);
    this.scope =
      (bytes[offset + 24] ?? 0) |
      ((bytes[offset + 25] ?? 0) << 8) |
      ((bytes[offset + 26] ?? 0) << 16) |
      ((bytes[offset + 27] ?? 0) << 24);
  }

  /** Writes a struct sockaddr_in, or sockaddr_in6 for an IPv6 socket; flow information stays zero. */
  write(bytes: Uint8Array, offset: number, family: 4 | 6): void {
    bytes[offset] = family === 4 ? AF_INET : AF_INET6;
    bytes[offset + 1] = 0;
    bytes[offset + 2] = this.port >>> 8;
    bytes[offset + 3] = this.port & 0xff;
    if (family === 4) {
      writeWord(bytes, offset + 4, this.words[3] ?? 0);
      return;
    }
    for (let i = 0; i < 4; i++) writeWord(bytes, offset + 8 + 4 * i, this.words[i] ?? 0);
    for (let i = 0; i < 4; i++) bytes[offset + 24 + i] = (this.scope >>> (8 * i)) & 0xff;
  }
}

const writeWord = (bytes: Uint8Array, offset: number, word: number): void => {
  bytes[offset] = word >>> 24;
  bytes[offset + 1] = (word >>> 16) & 0xff;
  bytes[offset + 2] = (word >>> 8) & 0xff;
  bytes[offset + 3] = word & 0xff;
};

/** Bytes of the structure that Peer.write() fills. */
export const nameBytesOf = (family: 4 | 6): number => (family === 4 ? SOCKADDR_IN_BYTES : SOCKADDR_BYTES);

/** The interface's index of a link-local address as node:dgram prints it: by number or by name. */
export const scopeOf = (address: string): number => {
  const at = address.indexOf('%');
  if (at < 0) return 0;
  const zone = address.slice(at + 1);
  const index = Number(zone);
  if (Number.isInteger(index)) return index;
  for (const entry of networkInterfaces()[zone] ?? []) if (entry.family === 'IPv6') return entry.scopeid;
  return 0;
};

/** An endpoint as the kernel wants it, nameBytesOf() long. Allocates. */
export const nameOf = (endpoint: Endpoint): Uint8Array => {
  const peer = new Peer();
  parseAddress(endpoint.address, peer.words);
  peer.port = endpoint.port;
  peer.scope = scopeOf(endpoint.address);
  const name = new Uint8Array(SOCKADDR_BYTES);
  peer.write(name, 0, endpoint.family);
  return name;
};

/** The port that a socket is bound to. Once per socket. @cold */
export const boundPort = (c: Libc, fd: number): number => {
  const name = new Uint8Array(SOCKADDR_BYTES);
  c.getsockname(fd, name, new Uint8Array(Uint32Array.of(SOCKADDR_BYTES).buffer));
  return ((name[2] ?? 0) << 8) | (name[3] ?? 0);
};
