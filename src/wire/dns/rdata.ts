// Where the fields of RDATA lie, type by type: one table that presentation format and decompression both read.
//
// A type that is not in the table is opaque bytes (RFC 3597 section 3). Names inside RDATA are decompressed for
// every type of the table, also where a sender should not have compressed them (RFC 3597 section 4): a record
// that is stored or re-assembled must not point into a message that is gone. Nothing here throws.
import { expandName, skipName } from './name.ts';
import { MESSAGE_LENGTH_MAX, NAME_LENGTH_MAX, TYPE } from './registry.ts';

/**
 * What a field is, on the wire and in presentation format.
 *
 * Those from `strings` on take all that is left of the RDATA, so they stand last in a layout.
 */
export type FieldKind =
  | 'name'
  | 'u8'
  | 'u16'
  | 'u32'
  /** A 16-bit type number, written as its mnemonic. */
  | 'type'
  /** Seconds since the epoch in 32 bits, written YYYYMMDDHHmmSS (RFC 4034 section 3.2). */
  | 'time'
  | 'ipv4'
  | 'ipv6'
  | 'eui48'
  | 'eui64'
  /** A character-string (RFC 1035 section 3.3): a length byte and that many bytes. */
  | 'string'
  /** A character-string that is written without quotes (the tag of RFC 8659 section 4.1). */
  | 'tag'
  /** A length byte and bytes in hexadecimal, `-` when empty (RFC 5155 section 3.3). */
  | 'salt'
  /** A length byte and bytes in base32hex without padding (RFC 5155 section 3.3). */
  | 'hash'
  /** One or more character-strings. */
  | 'strings'
  /** Bytes without a length, written as one quoted text. */
  | 'text'
  | 'hex'
  | 'base64'
  /** A type bitmap (RFC 4034 section 4.1.2). */
  | 'types'
  /** Service parameters (RFC 9460 section 2.2). */
  | 'params';

const SIGNATURE: readonly FieldKind[] = ['type', 'u8', 'u8', 'u32', 'time', 'time', 'u16', 'name', 'base64'];
const KEY: readonly FieldKind[] = ['u16', 'u8', 'u8', 'base64'];
const DIGEST: readonly FieldKind[] = ['u16', 'u8', 'u8', 'hex'];
const CERTIFICATE: readonly FieldKind[] = ['u8', 'u8', 'u8', 'hex'];
const SERVICE: readonly FieldKind[] = ['u16', 'name', 'params'];
const PREFERENCE: readonly FieldKind[] = ['u16', 'name'];

const LAYOUTS: ReadonlyMap<number, readonly FieldKind[]> = new Map<number, readonly FieldKind[]>([
  [TYPE.A, ['ipv4']],
  [TYPE.NS, ['name']],
  [TYPE.MD, ['name']],
  [TYPE.MF, ['name']],
  [TYPE.CNAME, ['name']],
  [TYPE.SOA, ['name', 'name', 'u32', 'u32', 'u32', 'u32', 'u32']],
  [TYPE.MB, ['name']],
  [TYPE.MG, ['name']],
  [TYPE.MR, ['name']],
  [TYPE.PTR, ['name']],
  [TYPE.HINFO, ['string', 'string']],
  [TYPE.MINFO, ['name', 'name']],
  [TYPE.MX, PREFERENCE],
  [TYPE.TXT, ['strings']],
  [TYPE.RP, ['name', 'name']],
  [TYPE.AFSDB, PREFERENCE],
  [TYPE.X25, ['string']],
  [TYPE.ISDN, ['strings']],
  [TYPE.RT, PREFERENCE],
  [TYPE.SIG, SIGNATURE],
  [TYPE.KEY, KEY],
  [TYPE.PX, ['u16', 'name', 'name']],
  [TYPE.GPOS, ['string', 'string', 'string']],
  [TYPE.AAAA, ['ipv6']],
  [TYPE.SRV, ['u16', 'u16', 'u16', 'name']],
  [TYPE.NAPTR, ['u16', 'u16', 'string', 'string', 'string', 'name']],
  [TYPE.KX, PREFERENCE],
  [TYPE.CERT, ['u16', 'u16', 'u8', 'base64']],
  [TYPE.DNAME, ['name']],
  [TYPE.DS, DIGEST],
  [TYPE.SSHFP, ['u8', 'u8', 'hex']],
  [TYPE.RRSIG, SIGNATURE],
  [TYPE.NSEC, ['name', 'types']],
  [TYPE.DNSKEY, KEY],
  [TYPE.DHCID, ['base64']],
  [TYPE.NSEC3, ['u8', 'u8', 'u16', 'salt', 'hash', 'types']],
  [TYPE.NSEC3PARAM, ['u8', 'u8', 'u16', 'salt']],
  [TYPE.TLSA, CERTIFICATE],
  [TYPE.SMIMEA, CERTIFICATE],
  [TYPE.CDS, DIGEST],
  [TYPE.CDNSKEY, KEY],
  [TYPE.OPENPGPKEY, ['base64']],
  [TYPE.CSYNC, ['u32', 'u16', 'types']],
  [TYPE.ZONEMD, ['u32', 'u8', 'u8', 'hex']],
  [TYPE.SVCB, SERVICE],
  [TYPE.HTTPS, SERVICE],
  [TYPE.SPF, ['strings']],
  [TYPE.L32, ['u16', 'ipv4']],
  [TYPE.LP, PREFERENCE],
  [TYPE.EUI48, ['eui48']],
  [TYPE.EUI64, ['eui64']],
  [TYPE.URI, ['u16', 'u16', 'text']],
  [TYPE.CAA, ['u8', 'tag', 'text']],
  [TYPE.RESINFO, ['strings']],
]);

const LAYOUTS_WITH_NAMES: ReadonlyMap<number, readonly FieldKind[]> = new Map(
  [...LAYOUTS].filter(([, layout]) => layout.includes('name')),
);

/** Names that one layout holds at most. */
const NAME_COUNT_MAX = 2;

const scratch = new Uint8Array(MESSAGE_LENGTH_MAX + NAME_COUNT_MAX * NAME_LENGTH_MAX);

/** The fields of a type's RDATA in their order, or undefined for a type whose RDATA is opaque. */
export const rdataLayout = (type: number): readonly FieldKind[] | undefined => LAYOUTS.get(type);

/** The offset after the field at `at`, pointers not followed, or -1 when it does not end by `end`. */
export const fieldEnd = (bytes: Uint8Array, kind: FieldKind, at: number, end: number): number => {
  if (kind === 'name') return skipName(bytes, at, end);
  const after = at + fieldLength(bytes, kind, at, end);
  return after <= end ? after : -1;
};

const fieldLength = (bytes: Uint8Array, kind: FieldKind, at: number, end: number): number => {
  switch (kind) {
    case 'u8':
      return 1;
    case 'u16':
    case 'type':
      return 2;
    case 'u32':
    case 'time':
    case 'ipv4':
      return 4;
    case 'eui48':
      return 6;
    case 'eui64':
      return 8;
    case 'ipv6':
      return 16;
    case 'string':
    case 'tag':
    case 'salt':
    case 'hash':
      return at < end ? 1 + (bytes[at] ?? 0) : 1;
    default:
      return end - at;
  }
};

/**
 * A copy of the `length` bytes of RDATA at `offset` with the names in it uncompressed; `end` is the end of the
 * message, `lowest` as in expandName. Undefined when a type that holds names is malformed. Allocates: not for the
 * hit path.
 */
export const expandRdata = (
  bytes: Uint8Array,
  offset: number,
  length: number,
  type: number,
  end: number,
  lowest = 0,
): Uint8Array | undefined => {
  const rdataEnd = offset + length;
  if (rdataEnd > end || end > bytes.length) return undefined;
  const layout = LAYOUTS_WITH_NAMES.get(type);
  if (layout === undefined) return bytes.slice(offset, rdataEnd);
  let at = offset;
  let written = 0;
  for (let field = 0; field < layout.length; field++) {
    const kind = layout[field] ?? 'hex';
    const after = fieldEnd(bytes, kind, at, rdataEnd);
    if (after < 0) return undefined;
    if (kind === 'name') {
      const nameLength = expandName(bytes, at, end, scratch, written, lowest);
      if (nameLength < 0) return undefined;
      written += nameLength;
    } else {
      // Most fields are a few bytes, for which a view would cost more than the loop.
      for (let i = at; i < after; i++) scratch[written++] = bytes[i] ?? 0;
    }
    at = after;
  }
  return at === rdataEnd && written <= MESSAGE_LENGTH_MAX ? scratch.slice(0, written) : undefined;
};

/**
 * The length of the RDATA of a known type with the names in it uncompressed; -1 when it has not the fields of its layout or a
 * name in it cannot be read, so that expandRdata() would be undefined. Allocates nothing.
 */
export const expandedRdataLength = (
  bytes: Uint8Array,
  offset: number,
  length: number,
  type: number,
  end: number,
  lowest = 0,
): number => {
  const rdataEnd = offset + length;
  if (rdataEnd > end || end > bytes.length) return -1;
  const layout = LAYOUTS.get(type);
  if (layout === undefined) return length;
  let at = offset;
  let written = 0;
  for (let i = 0; i < layout.length; i++) {
    const kind = layout[i] ?? 'hex';
    const after = fieldEnd(bytes, kind, at, rdataEnd);
    if (after < 0) return -1;
    if (kind === 'name') {
      const nameLength = expandName(bytes, at, end, scratch, 0, lowest);
      if (nameLength < 0) return -1;
      written += nameLength;
    } else {
      written += after - at;
    }
    at = after;
  }
  return at === rdataEnd && written <= MESSAGE_LENGTH_MAX ? written : -1;
};

/** Calls `visit` with each type of a type bitmap; false when the bitmap is not in its only valid form. */
export const visitTypes = (
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (type: number) => void,
): boolean => {
  let windowBefore = -1;
  let at = start;
  while (at < end) {
    const window = bytes[at] ?? 0;
    const length = bytes[at + 1] ?? 0;
    const next = at + 2 + length;
    if (window <= windowBefore || length < 1 || length > 32 || next > end || bytes[next - 1] === 0)
      return false;
    for (let bit = 0; bit < length * 8; bit++) {
      if (((bytes[at + 2 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0) visit(window * 256 + bit);
    }
    windowBefore = window;
    at = next;
  }
  return true;
};

/** The type bitmap of some types, in any order (RFC 4034 section 4.1.2). */
export const createTypeBitmap = (types: readonly number[]): Uint8Array => {
  const windows = new Map<number, Uint8Array>();
  for (const type of [...types].sort((a, b) => a - b)) {
    const bits = windows.get(type >> 8) ?? new Uint8Array(32);
    const place = (type & 0xff) >> 3;
    bits[place] = (bits[place] ?? 0) | (0x80 >> (type & 7));
    windows.set(type >> 8, bits);
  }
  const out: number[] = [];
  for (const [window, bits] of windows) {
    const length = bits.findLastIndex((byte) => byte !== 0) + 1;
    out.push(window, length, ...bits.subarray(0, length));
  }
  return Uint8Array.from(out);
};
