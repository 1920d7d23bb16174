// Reads a dnstap payload: the response to a client, and nothing else of it.
//
// Whoever sends is not Cordon, so nothing is believed: a payload is a message of Protocol Buffers whose fields are found within
// its bytes, or it is malformed. Identity, addresses and times are not read: who sends is whose socket it is, and when is now.
import { DNSTAP, DNSTAP_TYPE_MESSAGE, MESSAGE, MESSAGE_TYPE } from '../records/records.ts';

const WIRE = { VARINT: 0, FIXED64: 1, LENGTH: 2, FIXED32: 5 } as const;
/** Bytes of a varint: 64 bits, seven each. */
const VARINT_LENGTH_MAX = 10;

/** The response to a client in wire form; `other`: it tells of something else; undefined: it is malformed. */
export const readClientResponse = (payload: Uint8Array): Uint8Array | 'other' | undefined => {
  let type = 0;
  let message: Uint8Array | undefined;
  const isWhole = readFields(payload, (field, value) => {
    if (field === DNSTAP.TYPE && typeof value === 'number') type = value;
    if (field === DNSTAP.MESSAGE && typeof value !== 'number') message = value;
  });
  if (!isWhole || type !== DNSTAP_TYPE_MESSAGE || message === undefined) return undefined;
  let of = 0;
  let response: Uint8Array | undefined;
  const isMessage = readFields(message, (field, value) => {
    if (field === MESSAGE.TYPE && typeof value === 'number') of = value;
    if (field === MESSAGE.RESPONSE_MESSAGE && typeof value !== 'number') response = value;
  });
  if (!isMessage || of === 0) return undefined;
  if (of !== MESSAGE_TYPE.CLIENT_RESPONSE) return 'other';
  return response;
};

/** Calls `take` for each field, with a number or the bytes of it; false when the bytes are no message. */
const readFields = (
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
