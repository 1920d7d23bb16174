// Fields of a message of Protocol Buffers that somebody else wrote: found within its bytes, or it is malformed.

const WIRE = { VARINT: 0, FIXED64: 1, LENGTH: 2, FIXED32: 5 } as const;
/** Bytes of a varint: 64 bits, seven each. */
const VARINT_LENGTH_MAX = 10;

/** Calls `take` for each field, with a number or the bytes of it, and not of those of 64 bits; false when the bytes are no message. */
export const readProtobuf = (
  bytes: Uint8Array,
  take: (field: number, value: number | Uint8Array) => void,
): boolean => {
  let at = 0;
  const varint = (): number | undefined => {
    let value = 0;
    for (let i = 0; i < VARINT_LENGTH_MAX && at < bytes.length; i++) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === undefined || tag < 8) return false;
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case WIRE.VARINT: {
        const value = varint();
        if (value === undefined) return false;
        take(field, value);
        break;
      }
      case WIRE.LENGTH: {
        const length = varint();
        if (length === undefined || length > bytes.length - at) return false;
        take(field, bytes.subarray(at, at + length));
        at += length;
        break;
      }
      case WIRE.FIXED32:
        if (at + 4 > bytes.length) return false;
        take(field, new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true));
        at += 4;
        break;
      case WIRE.FIXED64:
        at += 8;
        break;
      default:
        return false;
    }
  }
  return at === bytes.length;
};
