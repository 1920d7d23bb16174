// What a forwarder says of the client it asks for, in options of EDNS: an address, and what its device is called. Hot file.
//
// RFC 7871 for EDNS Client Subnet. The others are of vendors: dnsmasq's manual (add-mac, add-cpe-id, umbrella), Infoblox's
// for forwarders, Cisco's for network devices with Umbrella. Only what a reader asks for is looked at, so that the options of
// somebody who is not believed are bytes that nobody reads. All lengths are exact, and two options may not disagree.
import { type AddressWords, createAddress, isIpv4, readIpv4, readIpv6 } from '../../base/base.ts';
import { REPORTED } from '../../base/words/words.ts';
import { readU16, readU32, SUBNET_BYTES_MAX } from './message.ts';
import { OPTION, VENDOR_OPTION } from './registry.ts';

/** Options by which a forwarder names a client, as bits. */
export const REPORT_OPTION = { SUBNET: 1, MAC: 2, CPE_ID: 4, INFOBLOX: 8, UMBRELLA: 16 } as const;

/** Bytes of the name of a device: as many as records keep. */
const DEVICE_BYTES_MAX = 100;
/** `mac:` and `cpe:` before what is said, so that no forwarder can say the name that another device has by its certificate. */
const KIND_BYTES = 4;
const MAC_BYTES = 6;
/** `00:11:22:33:44:55`, and six bytes in base64. */
const MAC_TEXT_BYTES = 17;
const MAC_BASE64_BYTES = 8;
const COLON = 0x3a;
const MAC_KIND = new TextEncoder().encode('mac:');
const CPE_KIND = new TextEncoder().encode('cpe:');

/** RFC 7871 section 6: family, source and scope prefix length, then the address. */
const SUBNET_HEADER_BYTES = 4;
const FAMILY = { IPV4: 1, IPV6: 2 } as const;

/** `ODNS`, and its version; flags follow, then fields of a type in 16 bits and as many bytes as that has. */
const UMBRELLA_MAGIC = 0x4f_44_4e_53;
const UMBRELLA_VERSION = 1;
const UMBRELLA_HEADER_BYTES = 6;
const UMBRELLA_FIELD = { ASSET: 0x04, ORGANIZATION: 0x08, IPV4: 0x10, IPV6: 0x20, DEVICE: 0x40 } as const;

/** Reads the options of one query after the other. */
export class ClientReport {
  /** Who asked, when `hasAddress`. */
  readonly address: AddressWords = createAddress();
  hasAddress = false;
  /** What the device is called, `mac:00:11:22:33:44:55` or else `cpe:NAME`, in its first bytes. Length 0: nothing was said. */
  readonly device = new Uint8Array(DEVICE_BYTES_MAX);
  deviceLength = 0;
  /** What an answer says in its own EDNS Client Subnet option, in its first bytes; length 0: nothing. */
  readonly subnet = new Uint8Array(SUBNET_BYTES_MAX);
  subnetLength = 0;
  /** An option was there that names a client and is not accepted. */
  hasIgnored = false;
  readonly #words: AddressWords = createAddress();
  #isNetwork = false;
  #hasMac = false;

  /** Reads the options between `offset` and `offset + length` that are in `accepted`, of REPORT_OPTION. Returns a REPORTED, but neither OUTSIDE nor IGNORED. */
  read(bytes: Uint8Array, offset: number, length: number, accepted: number): number {
    this.hasAddress = false;
    this.deviceLength = 0;
    this.subnetLength = 0;
    this.hasIgnored = false;
    this.#isNetwork = false;
    this.#hasMac = false;
    const end = offset + length;
    let at = offset;
    while (at + 4 <= end) {
      const size = readU16(bytes, at + 2);
      const data = at + 4;
      if (data + size > end || !this.#take(bytes, readU16(bytes, at), data, size, accepted))
        return REPORTED.MALFORMED;
      at = data + size;
    }
    if (this.hasAddress) return REPORTED.NAMED;
    if (this.#isNetwork) return REPORTED.NETWORK;
    return this.deviceLength > 0 ? REPORTED.NAMED : REPORTED.NOBODY;
  }

  #take(bytes: Uint8Array, code: number, at: number, size: number, accepted: number): boolean {
    const kind = kindOf(code);
    if ((kind & accepted) === 0) {
      if (kind !== 0) this.hasIgnored = true;
      return true;
    }
    switch (code) {
      case OPTION.CLIENT_SUBNET:
        return this.#takeSubnet(bytes, at, size);
      case VENDOR_OPTION.DNSMASQ_MAC:
      case VENDOR_OPTION.DNSMASQ_MAC_TEXT:
        return this.#takeMac(bytes, at, size);
      case VENDOR_OPTION.CPE_ID:
        return this.#takeName(bytes, at, size);
      case VENDOR_OPTION.INFOBLOX_ADDRESS:
        return this.#takeAddress(bytes, at, size);
      case VENDOR_OPTION.INFOBLOX_MAC:
        return size === MAC_BYTES && this.#takeMac(bytes, at, size);
      default:
        return this.#takeUmbrella(bytes, at, size);
    }
  }

  #takeSubnet(bytes: Uint8Array, at: number, size: number): boolean {
    const family = readU16(bytes, at);
    const bits = bytes[at + 2] ?? 0;
    const whole = family === FAMILY.IPV4 ? 32 : family === FAMILY.IPV6 ? 128 : 0;
    const length = (bits + 7) >>> 3;
    if (whole === 0 || bits > whole || size !== SUBNET_HEADER_BYTES + length || bytes[at + 3] !== 0)
      return false;
    // What is beyond the prefix is zero (RFC 7871 section 6).
    if ((bits & 7) !== 0 && ((bytes[at + size - 1] ?? 0) & (0xff >>> (bits & 7))) !== 0) return false;
    if (this.subnetLength > 0) return false;
    for (let i = 0; i < size; i++) this.subnet[i] = bytes[at + i] ?? 0;
    // The answer is this client's and no neighbour's. One without a network is told nothing else (RFC 7871 section 7.2.1).
    this.subnet[3] = bits === 0 ? 0 : whole;
    this.subnetLength = size;
    if (bits === 0) return true;
    if (bits === whole) return this.#takeAddress(bytes, at + SUBNET_HEADER_BYTES, length);
    this.#isNetwork = true;
    return true;
  }

  /** Four or sixteen bytes. */
  #takeAddress(bytes: Uint8Array, at: number, size: number): boolean {
    const words = this.#words;
    if (size === 4) readIpv4(bytes, at, words);
    else if (size === 16) readIpv6(bytes, at, words);
    else return false;
    // IPv4 has a form of its own, and no client has that which stands for it in IPv6.
    if (size === 16 && isIpv4(words)) return false;
    const { address } = this;
    for (let i = 0; i < 4; i++) {
      if (this.hasAddress && address[i] !== words[i]) return false;
      address[i] = words[i] ?? 0;
    }
    this.hasAddress = true;
    return true;
  }

  /** Six bytes, or those as text or in base64. */
  #takeMac(bytes: Uint8Array, at: number, size: number): boolean {
    const before = this.#hasMac;
    let difference = 0;
    for (let i = 0; i < MAC_BYTES; i++) {
      const byte = macByte(bytes, at, size, i);
      if (byte < 0) return false;
      const place = KIND_BYTES + 3 * i;
      difference |= this.#putHex(place, byte >>> 4) | this.#putHex(place + 1, byte & 0xf);
      if (i > 0) this.device[place - 1] = COLON;
    }
    if (before && difference !== 0) return false;
    this.#hasMac = true;
    this.#putKind(MAC_KIND);
    this.deviceLength = KIND_BYTES + MAC_TEXT_BYTES;
    return true;
  }

  #putKind(kind: Uint8Array): void {
    for (let i = 0; i < KIND_BYTES; i++) this.device[i] = kind[i] ?? 0;
  }

  /** Writes a digit; returns what differs from the one there. */
  #putHex(at: number, digit: number): number {
    const letter = digit < 10 ? 0x30 + digit : 0x57 + digit;
    const difference = (this.device[at] ?? 0) ^ letter;
    this.device[at] = letter;
    return difference;
  }

  /** A name in printable ASCII without blanks, as configurations write names of devices. */
  #takeName(bytes: Uint8Array, at: number, size: number): boolean {
    if (size === 0 || size > DEVICE_BYTES_MAX - KIND_BYTES) return false;
    for (let i = 0; i < size; i++) {
      const byte = bytes[at + i] ?? 0;
      if (byte <= 0x20 || byte >= 0x7f) return false;
    }
    if (this.#hasMac) return true;
    for (let i = 0; i < size; i++) {
      const byte = bytes[at + i] ?? 0;
      this.device[KIND_BYTES + i] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    }
    this.#putKind(CPE_KIND);
    this.deviceLength = KIND_BYTES + size;
    return true;
  }

  #takeUmbrella(bytes: Uint8Array, start: number, size: number): boolean {
    if (size < UMBRELLA_HEADER_BYTES || readU32(bytes, start) !== UMBRELLA_MAGIC) return false;
    if (bytes[start + 4] !== UMBRELLA_VERSION) return false;
    const end = start + size;
    let at = start + UMBRELLA_HEADER_BYTES;
    while (at < end) {
      const field = at + 2 <= end ? readU16(bytes, at) : 0;
      const length = umbrellaLength(field);
      at += 2;
      if (length === 0 || at + length > end) return false;
      const isAddress = field === UMBRELLA_FIELD.IPV4 || field === UMBRELLA_FIELD.IPV6;
      if (isAddress && !this.#takeAddress(bytes, at, length)) return false;
      at += length;
    }
    return true;
  }
}

/** The REPORT_OPTION that an option belongs to; 0: it names no client. */
const kindOf = (code: number): number => {
  switch (code) {
    case OPTION.CLIENT_SUBNET:
      return REPORT_OPTION.SUBNET;
    case VENDOR_OPTION.DNSMASQ_MAC:
    case VENDOR_OPTION.DNSMASQ_MAC_TEXT:
      return REPORT_OPTION.MAC;
    case VENDOR_OPTION.CPE_ID:
      return REPORT_OPTION.CPE_ID;
    case VENDOR_OPTION.INFOBLOX_ADDRESS:
    case VENDOR_OPTION.INFOBLOX_MAC:
      return REPORT_OPTION.INFOBLOX;
    case VENDOR_OPTION.UMBRELLA:
      return REPORT_OPTION.UMBRELLA;
    default:
      return 0;
  }
};

/** Bytes of a field; 0 for one that is not known, behind which nothing can be read. */
const umbrellaLength = (field: number): number => {
  switch (field) {
    case UMBRELLA_FIELD.ASSET:
    case UMBRELLA_FIELD.ORGANIZATION:
    case UMBRELLA_FIELD.IPV4:
      return 4;
    case UMBRELLA_FIELD.IPV6:
      return 16;
    case UMBRELLA_FIELD.DEVICE:
      return 8;
    default:
      return 0;
  }
};

/** One byte of a MAC address in one of its forms; -1 where that is none. */
const macByte = (bytes: Uint8Array, at: number, size: number, index: number): number => {
  if (size === MAC_BYTES) return bytes[at + index] ?? 0;
  if (size === MAC_TEXT_BYTES) {
    const place = at + 3 * index;
    if (index > 0 && bytes[place - 1] !== COLON) return -1;
    const high = hexDigit(bytes[place] ?? 0);
    const low = hexDigit(bytes[place + 1] ?? 0);
    return high < 0 || low < 0 ? -1 : (high << 4) | low;
  }
  if (size !== MAC_BASE64_BYTES) return -1;
  // Four letters are three bytes (RFC 4648 section 4).
  const place = at + (index < 3 ? 0 : 4);
  let bits = 0;
  for (let i = 0; i < 4; i++) {
    const value = base64Value(bytes[place + i] ?? 0);
    if (value < 0) return -1;
    bits = (bits << 6) | value;
  }
  return (bits >>> (16 - 8 * (index % 3))) & 0xff;
};

const hexDigit = (letter: number): number => {
  if (letter >= 0x30 && letter <= 0x39) return letter - 0x30;
  const folded = letter | 0x20;
  return folded >= 0x61 && folded <= 0x66 ? folded - 0x57 : -1;
};

const base64Value = (letter: number): number => {
  if (letter >= 0x41 && letter <= 0x5a) return letter - 0x41;
  if (letter >= 0x61 && letter <= 0x7a) return letter - 0x47;
  if (letter >= 0x30 && letter <= 0x39) return letter + 4;
  if (letter === 0x2b) return 62;
  return letter === 0x2f ? 63 : -1;
};
