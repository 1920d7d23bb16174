// ECDSA signatures in the form that node:crypto takes fastest.
//
// DNS carries the two numbers r and s side by side (RFC 6605 section 4), OpenSSL takes the DER of RFC 3279 section
// 2.2.3. verify() converts when it is told so in an object of options, but then prepares the key anew each time: 63 µs
// instead of 45 for P-256. Runs for each signature; its result is valid until the next call.

/** Bytes of one number: P-256 and P-384. */
const NUMBER_BYTES_MAX = 48;
/** Tag and length of a DER value shorter than 128 bytes. */
const HEADER_BYTES = 2;
const TAG_SEQUENCE = 0x30;
const TAG_INTEGER = 0x02;

/** A sequence of two numbers, each with a zero before a set top bit. */
const der = new Uint8Array(HEADER_BYTES + 2 * (HEADER_BYTES + 1 + NUMBER_BYTES_MAX));

/** The DER form of r‖s with numbers of `numberBytes` each; undefined when the signature has another length. */
export const toDerSignature = (signature: Uint8Array, numberBytes: number): Uint8Array | undefined => {
  if (signature.length !== 2 * numberBytes || numberBytes > NUMBER_BYTES_MAX) return undefined;
  const middle = writeNumber(signature, 0, numberBytes, HEADER_BYTES);
  const end = writeNumber(signature, numberBytes, signature.length, middle);
  der[0] = TAG_SEQUENCE;
  der[1] = end - HEADER_BYTES;
  return der.subarray(0, end);
};

/** Writes the number between two offsets as an INTEGER: no leading zeros, but one before a set top bit (X.690 8.3). */
const writeNumber = (bytes: Uint8Array, start: number, end: number, at: number): number => {
  let first = start;
  while (first < end - 1 && bytes[first] === 0) first++;
  const padding = (bytes[first] ?? 0) >= 0x80 ? 1 : 0;
  const length = end - first + padding;
  der[at] = TAG_INTEGER;
  der[at + 1] = length;
  if (padding === 1) der[at + HEADER_BYTES] = 0;
  for (let i = first; i < end; i++) der[at + HEADER_BYTES + padding + i - first] = bytes[i] ?? 0;
  return at + HEADER_BYTES + length;
};
