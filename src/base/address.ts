// IP addresses and prefixes.
//
// An address is four 32-bit words, most significant first. IPv4 is held in its IPv4-mapped form (::ffff:0:0/96,
// RFC 4291 section 2.5.5.2), so that one table serves both families and a mapped address in an AAAA record
// cannot slip past an IPv4 prefix. The words are written into the caller's array: no object per address.

/** Four words of one address, most significant first. */
export type AddressWords = Uint32Array;

/** An address with a length; bits below the length are zero. */
export interface Prefix {
  readonly words: AddressWords;
  /** 0 to 128, counted in the mapped form: an IPv4 /24 is 120. */
  readonly bits: number;
}

const MAPPED_WORD = 0xffff;
/** Bits that the IPv4-mapped form puts before an IPv4 address. */
export const MAPPED_BITS = 96;
/** The longest textual address: eight groups of IPv6 with an embedded IPv4, without a zone. */
const TEXT_LENGTH_MAX = 45;

/** Four zero words. */
export const createAddress = (): AddressWords => new Uint32Array(4);

/** Writes the IPv4 address of four bytes at `offset` into `out`. */
export const readIpv4 = (bytes: Uint8Array, offset: number, out: AddressWords): void => {
  out[0] = 0;
  out[1] = 0;
  out[2] = MAPPED_WORD;
  out[3] = readWord(bytes, offset);
};

/** Writes the IPv6 address of sixteen bytes at `offset` into `out`. */
export const readIpv6 = (bytes: Uint8Array, offset: number, out: AddressWords): void => {
  out[0] = readWord(bytes, offset);
  out[1] = readWord(bytes, offset + 4);
  out[2] = readWord(bytes, offset + 8);
  out[3] = readWord(bytes, offset + 12);
};

/** True when the words hold an IPv4 address. */
export const isIpv4 = (words: AddressWords): boolean =>
  words[0] === 0 && words[1] === 0 && words[2] === MAPPED_WORD;

/**
 * Parses the text of an IPv4 or IPv6 address into `out`.
 *
 * IPv4 is four decimal numbers without leading zeros (RFC 6943 section 3.1.1: other readings differ between
 * programs); IPv6 is RFC 4291 section 2.2, a zone (`%eth0`) is dropped. Returns false for anything else.
 */
export const parseAddress = (text: string, out: AddressWords): boolean => {
  if (text.includes(':')) {
    const zone = text.indexOf('%');
    return parseIpv6(zone < 0 ? text : text.slice(0, zone), out);
  }
  const word = parseIpv4Word(text);
  if (word < 0) return false;
  out[0] = 0;
  out[1] = 0;
  out[2] = MAPPED_WORD;
  out[3] = word;
  return true;
};

/** The text of an address, IPv6 in the form of RFC 5952. */
export const formatAddress = (words: AddressWords): string => {
  if (isIpv4(words)) return formatIpv4(words[3] ?? 0);
  const groups: number[] = [];
  for (const word of words) groups.push(word >>> 16, word & 0xffff);
  const run = longestZeroRun(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (run.length < 2) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
};

/** Parses `address` or `address/length`; undefined when malformed or when bits below the length are set. */
export const parsePrefix = (text: string): Prefix | undefined => {
  const slash = text.indexOf('/');
  const words = createAddress();
  if (!parseAddress(slash < 0 ? text : text.slice(0, slash), words)) return undefined;
  if (slash < 0) return { words, bits: 128 };
  const lengthText = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(lengthText)) return undefined;
  const bits = Number(lengthText) + (isIpv4(words) ? MAPPED_BITS : 0);
  if (bits > 128 || hasBitsBelow(words, bits)) return undefined;
  return { words, bits };
};

/**
 * The prefix that a text means which parsePrefix() refuses: one with bits set after its length (`192.0.2.1/24`), or with
 * a netmask in place of a length (`192.0.2.0/255.255.255.0`). Undefined for any other text.
 */
export const suggestPrefix = (text: string): string | undefined => {
  const [addressText = '', lengthText = '', ...rest] = text.trim().split('/');
  const words = createAddress();
  if (rest.length > 0 || !parseAddress(addressText, words) || parsePrefix(text) !== undefined)
    return undefined;
  const length = /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : lengthOfMask(lengthText, isIpv4(words));
  const bits = length + (isIpv4(words) ? MAPPED_BITS : 0);
  if (length < 0 || bits > 128) return undefined;
  for (let i = 0; i < 4; i++) words[i] = (words[i] ?? 0) & ~maskBelow(bits, i);
  return formatPrefix({ words, bits });
};

/** The bits of a netmask such as `255.255.255.0` or `ffff:ffff::`, or -1 for what is none. */
const lengthOfMask = (text: string, isOfIpv4: boolean): number => {
  const words = createAddress();
  if (!parseAddress(text, words) || isIpv4(words) !== isOfIpv4) return -1;
  let bits = 0;
  while (bits < 128 && (((words[bits >>> 5] ?? 0) >>> (31 - (bits & 31))) & 1) === 1) bits++;
  if (isOfIpv4) {
    const mask = words[3] ?? 0;
    const length = Math.clz32(~mask);
    return mask === (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0) ? length : -1;
  }
  return hasBitsBelow(words, bits) ? -1 : bits;
};

/** The text of a prefix, always with its length. */
export const formatPrefix = (prefix: Prefix): string => {
  const mapped = isIpv4(prefix.words) && prefix.bits >= MAPPED_BITS;
  return `${formatAddress(prefix.words)}/${mapped ? prefix.bits - MAPPED_BITS : prefix.bits}`;
};

/** True when the first `bits` bits of both are equal. */
export const matchesPrefix = (words: AddressWords, prefix: AddressWords, bits: number): boolean => {
  let left = bits;
  for (let i = 0; i < 4 && left > 0; i++) {
    const mask = left >= 32 ? 0xffffffff : ~(0xffffffff >>> left);
    if ((((words[i] ?? 0) ^ (prefix[i] ?? 0)) & mask) !== 0) return false;
    left -= 32;
  }
  return true;
};

/** An address with a port, as configuration files write it: `192.0.2.1:53` or `[2001:db8::1]:53`. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly family: 4 | 6;
}

/**
 * Parses `ADDRESS`, `ADDRESS:PORT`, `[IPV6]` or `[IPV6]:PORT`; undefined when malformed. Port 0 is allowed: "any free
 * one". An IPv6 address without brackets whose last group looks like a port is none: see suggestEndpoint().
 */
export const parseEndpoint = (text: string, portDefault: number): Endpoint | undefined => {
  if (splitPort(text) !== undefined) return undefined;
  const words = createAddress();
  if (parseAddress(text, words))
    return { address: text, port: portDefault, family: text.includes(':') ? 6 : 4 };
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const address = match?.[1] ?? match?.[2];
  if (match === null || address === undefined || !parseAddress(address, words)) return undefined;
  if ((match[1] !== undefined) !== address.includes(':')) return undefined;
  const port = match[3] === undefined ? portDefault : Number(match[3]);
  if (port > 0xffff) return undefined;
  return { address, port, family: address.includes(':') ? 6 : 4 };
};

/**
 * How to write an IPv6 address without brackets whose last group looks like a port: `::1:53` may be meant as `[::1]:53`
 * and is the address `[::1:53]`. Undefined for other texts.
 */
export const suggestEndpoint = (text: string): string | undefined => {
  const parts = splitPort(text);
  return parts && `"[${parts.address}]:${parts.port}" (or "[${text}]", if that is the address)`;
};

/** Ports of DNS over UDP and TCP, TLS and HTTPS, and of mDNS, which stands for a resolver without privileges. */
const DNS_PORTS: readonly string[] = ['53', '443', '853', '5353'];

/** The parts of a text that is an IPv6 address, and another one with a port of DNS; undefined for any other. */
const splitPort = (text: string): { readonly address: string; readonly port: string } | undefined => {
  const colon = text.lastIndexOf(':');
  const address = text.slice(0, Math.max(0, colon));
  const port = text.slice(colon + 1);
  const words = createAddress();
  const isBoth = address.includes(':') && parseAddress(address, words) && parseAddress(text, words);
  return isBoth && DNS_PORTS.includes(port) ? { address, port } : undefined;
};

/** The text that parseEndpoint reads back. */
export const formatEndpoint = (endpoint: { address: string; port: number }): string =>
  endpoint.address.includes(':')
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`;

const readWord = (bytes: Uint8Array, offset: number): number =>
  (((bytes[offset] ?? 0) << 24) |
    ((bytes[offset + 1] ?? 0) << 16) |
    ((bytes[offset + 2] ?? 0) << 8) |
    (bytes[offset + 3] ?? 0)) >>>
  0;

const formatIpv4 = (word: number): string =>
  `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`;

const parseIpv4Word = (text: string): number => {
  if (text.length > 15) return -1;
  let word = 0;
  let octet = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x2e) {
      if (octet < 0 || ++dots > 3) return -1;
      word = word * 256 + octet;
      octet = -1;
    } else if (char >= 0x30 && char <= 0x39) {
      if (octet === 0) return -1;
      octet = octet < 0 ? char - 0x30 : octet * 10 + char - 0x30;
      if (octet > 255) return -1;
    } else {
      return -1;
    }
  }
  return dots === 3 && octet >= 0 ? word * 256 + octet : -1;
};

const parseIpv6 = (text: string, out: AddressWords): boolean => {
  if (text.length > TEXT_LENGTH_MAX) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return false;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return false;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  for (let i = 0; i < 4; i++) out[i] = (((groups[2 * i] ?? 0) << 16) | (groups[2 * i + 1] ?? 0)) >>> 0;
  return true;
};

const parseGroups = (text: string, mayEndInIpv4: boolean): number[] | undefined => {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const word = mayEndInIpv4 && index === parts.length - 1 ? parseIpv4Word(part) : -1;
      if (word < 0) return undefined;
      groups.push(word >>> 16, word & 0xffff);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
};

const hasBitsBelow = (words: AddressWords, bits: number): boolean => {
  for (let i = 0; i < 4; i++) if (((words[i] ?? 0) & maskBelow(bits, i)) !== 0) return true;
  return false;
};

/** The bits of one of four words that come after the first `bits` of all. */
const maskBelow = (bits: number, word: number): number => {
  const kept = Math.min(32, Math.max(0, bits - 32 * word));
  return kept === 32 ? 0 : 0xffffffff >>> kept;
};

const longestZeroRun = (groups: readonly number[]): { start: number; length: number } => {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
};
