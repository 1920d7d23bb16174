// The little of DER (X.690) that a request for a certificate and the certificate of a challenge are written in.
//
// Only writing: what comes from elsewhere is read by OpenSSL. The form of each is fixed, and differs in names, keys and hashes alone.

const LENGTH_SHORT_MAX = 0x7f;
const LENGTH_LONG = 0x80;

/** Tags that are written here. */
export const TAG = {
  ...{ INTEGER: 0x02, BIT_STRING: 0x03, OCTET_STRING: 0x04, OID: 0x06, UTF8: 0x0c, UTC_TIME: 0x17 },
  ...{ SEQUENCE: 0x30, SET: 0x31 },
} as const;

/** Tag of a context-specific element that holds others. */
export const context = (number: number): number => 0xa0 + number;
/** Tag of a context-specific element that holds bytes. */
export const contextBytes = (number: number): number => 0x80 + number;

/** One element around others, or around bytes. */
export const element = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
};

export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(TAG.SEQUENCE, ...parts);

/** A small number, or that of big-endian bytes of which the first bit is 0. */
export const integer = (value: number | Uint8Array): Buffer =>
  element(TAG.INTEGER, typeof value === 'number' ? Buffer.from([value]) : value);

/** By the hexadecimal of its content. */
export const oid = (hex: string): Buffer => element(TAG.OID, Buffer.from(hex, 'hex'));

export const octets = (bytes: Uint8Array): Buffer => element(TAG.OCTET_STRING, bytes);

/** All of whose bits are used. */
export const bits = (bytes: Uint8Array): Buffer => element(TAG.BIT_STRING, Buffer.from([0]), bytes);

/** UTCTime (RFC 5280 section 4.1.2.5.1), for years before 2050. */
export const utcTime = (ms: number): Buffer =>
  element(TAG.UTC_TIME, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));

/** The fewest octets (X.690 section 10.1). */
const lengthOf = (length: number): number[] => {
  if (length <= LENGTH_SHORT_MAX) return [length];
  const octetsOfLength: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octetsOfLength.unshift(rest % 256);
  return [LENGTH_LONG + octetsOfLength.length, ...octetsOfLength];
};
