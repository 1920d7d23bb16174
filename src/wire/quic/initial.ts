// The one thing that is read of a packet before OpenSSL reads it: whether it may begin a connection. Hot file.
//
// A client's first packet (Initial) is answered with a token that only the owner of its address gets (Retry, RFC 9000 section
// 8.1.2). With the token a connection may come of it; every other packet belongs to one that exists, or to none.

/** Of the first byte: a long header, and its type. */
const KIND_MASK = 0xb0;
const INITIAL = 0x80;
const VERSION_1 = 1;
/** Offset of the length of the destination's connection ID; its longest (RFC 9000 section 17.2). */
const DESTINATION_AT = 5;
const ID_BYTES_MAX = 20;

/** True for an Initial packet of version 1 with a token. Reads the head only; anything else is false. */
export const mayBegin = (bytes: Uint8Array, length: number): boolean => {
  if (length <= DESTINATION_AT) return false;
  if (((bytes[0] ?? 0) & KIND_MASK) !== INITIAL) return false;
  const isVersion1 = bytes[1] === 0 && bytes[2] === 0 && bytes[3] === 0 && bytes[4] === VERSION_1;
  if (!isVersion1) return false;
  const destinationBytes = bytes[DESTINATION_AT] ?? 0;
  const sourceAt = DESTINATION_AT + 1 + destinationBytes;
  if (destinationBytes > ID_BYTES_MAX || sourceAt >= length) return false;
  const sourceBytes = bytes[sourceAt] ?? 0;
  const tokenAt = sourceAt + 1 + sourceBytes;
  if (sourceBytes > ID_BYTES_MAX || tokenAt >= length) return false;
  // A length of several bytes is none of nothing.
  return bytes[tokenAt] !== 0;
};
