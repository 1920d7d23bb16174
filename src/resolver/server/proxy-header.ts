// The header in which a proxy says whose connection or datagram it hands on: PROXY protocol, versions 1 and 2. Hot file.
//
// Read only from addresses that the configuration names as proxies (proxies.ts). Nothing is kept of it but the client's address
// and port: a proxy that speaks for itself (LOCAL, UNKNOWN) is its own client. What follows the addresses, such as
// what a client showed the proxy over TLS, is skipped.
//
//   version 1: PROXY TCP4 192.0.2.7 192.0.2.1 40000 53\r\n, 107 bytes at most
//   version 2: 12 bytes of signature, version and command, family, length of two bytes, addresses, more
import {
  type AddressWords,
  createAddress,
  isIpv4,
  parseAddress,
  readIpv4,
  readIpv6,
} from '../../base/base.ts';
import { readU16 } from '../../wire/dns/dns.ts';

/** Of version 2. */
const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const FIXED_BYTES = 16;
/** Of version 2: room for what some proxies add, among it a client's certificate. */
const HEADER_BYTES_MAX = FIXED_BYTES + 4096;
const TEXT = Buffer.from('PROXY ');
const TEXT_BYTES_MAX = 107;
const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;

const VERSION_2 = 2;
const COMMAND = { LOCAL: 0, PROXY: 1 } as const;
const FAMILY = { UNSPECIFIED: 0, IPV4: 1, IPV6: 2 } as const;
/** Both addresses, then both ports. */
const IPV4_BYTES = 12;
const IPV6_BYTES = 36;
/** Where the client's port stands behind both addresses. */
const IPV4_PORT = 8;
const IPV6_PORT = 32;
/** A port of 0 has a meaning of its own here; over a connection no client has it. */
const PORT_UNKNOWN = 1;

/** The header is not whole yet; or it is none, or one at fault. */
export const PROXY = { PART: 0, FAULT: -1 } as const;

/** Who a header names. */
export class ProxiedClient {
  readonly words: AddressWords = createAddress();
  port = PORT_UNKNOWN;
  /** The port is 0 in the header. */
  hasNoPort = false;
  /** A header of version 2 gives an IPv4 address as one of IPv6. */
  isMapped = false;
  /** The proxy speaks for itself. */
  isProxy = false;
}

/** Reads a header from the first `length` bytes: its length, PROXY.PART or PROXY.FAULT. */
export const readProxyHeader = (bytes: Uint8Array, length: number, out: ProxiedClient): number => {
  if (startsWith(bytes, length, SIGNATURE)) return readBinary(bytes, length, out);
  return startsWith(bytes, length, TEXT) ? readText(bytes, length, out) : PROXY.FAULT;
};

/** True when bytes begin as a header of version 2 does, which no query over UDP or TCP can. */
export const hasSignature = (bytes: Uint8Array, length: number): boolean =>
  bytes[0] === SIGNATURE[0] && length >= SIGNATURE.length && startsWith(bytes, length, SIGNATURE);

/** True as far as there are bytes; of none as well. */
const startsWith = (bytes: Uint8Array, length: number, start: Uint8Array): boolean => {
  const compared = Math.min(length, start.length);
  for (let i = 0; i < compared; i++) if (bytes[i] !== start[i]) return false;
  return true;
};

const readBinary = (bytes: Uint8Array, length: number, out: ProxiedClient): number => {
  if (length < FIXED_BYTES) return PROXY.PART;
  const kind = bytes[12] ?? 0;
  const family = (bytes[13] ?? 0) >>> 4;
  const rest = readU16(bytes, 14);
  const end = FIXED_BYTES + rest;
  const command = kind & 0xf;
  if (kind >>> 4 !== VERSION_2 || command > COMMAND.PROXY || end > HEADER_BYTES_MAX) return PROXY.FAULT;
  if (length < end) return PROXY.PART;
  out.isProxy = command === COMMAND.LOCAL || family === FAMILY.UNSPECIFIED;
  if (out.isProxy) return end;
  if (family === FAMILY.IPV4 && rest >= IPV4_BYTES) {
    readIpv4(bytes, FIXED_BYTES, out.words);
    out.isMapped = false;
    takePort(readU16(bytes, FIXED_BYTES + IPV4_PORT), out);
    return end;
  }
  if (family !== FAMILY.IPV6 || rest < IPV6_BYTES) return PROXY.FAULT;
  readIpv6(bytes, FIXED_BYTES, out.words);
  out.isMapped = isIpv4(out.words);
  takePort(readU16(bytes, FIXED_BYTES + IPV6_PORT), out);
  return end;
};

const takePort = (port: number, out: ProxiedClient): void => {
  out.hasNoPort = port === 0;
  out.port = port || PORT_UNKNOWN;
};

/** Once per connection. @cold */
const readText = (bytes: Uint8Array, length: number, out: ProxiedClient): number => {
  const end = bytes.subarray(0, Math.min(length, TEXT_BYTES_MAX)).indexOf(LINE_FEED);
  if (end < 0) return length < TEXT_BYTES_MAX ? PROXY.PART : PROXY.FAULT;
  if (bytes[end - 1] !== CARRIAGE_RETURN) return PROXY.FAULT;
  const [, family = '', client = '', , port = '', , ...more] = Buffer.from(bytes.subarray(0, end - 1))
    .toString('latin1')
    .split(' ');
  out.isProxy = family === 'UNKNOWN';
  if (out.isProxy) return end + 1;
  const isOfFamily = client.includes(':') ? family === 'TCP6' : family === 'TCP4';
  const isPort = /^\d{1,5}$/.test(port) && Number(port) <= 0xffff;
  if (!isOfFamily || !isPort || more.length > 0 || !parseAddress(client, out.words)) return PROXY.FAULT;
  takePort(Number(port), out);
  return end + 1;
};
