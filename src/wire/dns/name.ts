// Domain names as bytes: the wire form of RFC 1035 section 3.1, never a JavaScript string on the query path.
//
// Hot file. A name is a run of labels that ends in the root label; labels hold any byte (RFC 2181 section 11), so
// a dot or a NUL inside a label is data. Comparison folds ASCII letters only (RFC 4343). Functions that read
// network bytes return a negative fault instead of throwing, and end for every input: a compression pointer must
// point before the label run that holds it, so positions only fall, and their number is bounded.
import { LABEL_LENGTH_MAX, NAME_LENGTH_MAX } from './registry.ts';

/** Why bytes are not a name. Negative, so that one number tells a length from a fault. */
export const NAME_FAULT = {
  TRUNCATED: -1,
  TOO_LONG: -2,
  POINTER: -3,
  LABEL_TYPE: -4,
} as const;

/**
 * Pointers that a name is followed through: one for each label it can have. A message of 64 KB can hold 8,000 of them in a
 * row, and thousands of records that point at the first.
 */
const POINTERS_MAX = NAME_LENGTH_MAX >> 1;

const POINTER_MASK = 0xc0;
const ROOT = 0;

/** The byte with ASCII capital letters folded to small ones. */
export const foldByte = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);

/**
 * The offset just after the name at `offset`, without following pointers; a fault when it is malformed before
 * `end`. Used to step over owners: a caller that needs the name itself calls expandName.
 */
export const skipName = (bytes: Uint8Array, offset: number, end: number): number => {
  let at = offset;
  while (at < end) {
    const length = bytes[at] ?? 0;
    if (length === ROOT) return at + 1;
    if ((length & POINTER_MASK) === POINTER_MASK) return at + 2 <= end ? at + 2 : NAME_FAULT.TRUNCATED;
    if ((length & POINTER_MASK) !== 0) return NAME_FAULT.LABEL_TYPE;
    at += length + 1;
    if (at - offset >= NAME_LENGTH_MAX) return NAME_FAULT.TOO_LONG;
  }
  return NAME_FAULT.TRUNCATED;
};

/**
 * Writes the name at `offset`, pointers followed, into `out` at `outOffset` in the letters of the message.
 *
 * `out` needs NAME_LENGTH_MAX bytes from `outOffset`. `lowest` is the lowest offset that a pointer may meet:
 * HEADER_LENGTH for a message whose header will change, or the name would change with it. Returns the length
 * written (1 to 255) or a fault.
 */
export const expandName = (
  bytes: Uint8Array,
  offset: number,
  end: number,
  out: Uint8Array,
  outOffset: number,
  lowest = 0,
): number => {
  let at = offset;
  let runStart = offset;
  let length = 0;
  let pointers = 0;
  for (;;) {
    if (at >= end) return NAME_FAULT.TRUNCATED;
    const label = bytes[at] ?? 0;
    if ((label & POINTER_MASK) === POINTER_MASK) {
      if (at + 1 >= end) return NAME_FAULT.TRUNCATED;
      const target = ((label & 0x3f) << 8) | (bytes[at + 1] ?? 0);
      if (target >= runStart || target < lowest || ++pointers > POINTERS_MAX) return NAME_FAULT.POINTER;
      at = target;
      runStart = target;
      continue;
    }
    if ((label & POINTER_MASK) !== 0) return NAME_FAULT.LABEL_TYPE;
    if (length + label + 1 > NAME_LENGTH_MAX) return NAME_FAULT.TOO_LONG;
    if (at + label >= end) return NAME_FAULT.TRUNCATED;
    for (let i = 0; i <= label; i++) out[outOffset + length + i] = bytes[at + i] ?? 0;
    length += label + 1;
    if (label === ROOT) return length;
    at += label + 1;
  }
};

/** Folds the letters of the uncompressed name of `length` bytes at `offset`, in place. Length bytes are below 64. */
export const foldName = (bytes: Uint8Array, offset: number, length: number): void => {
  for (let i = offset; i < offset + length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte >= 0x41 && byte <= 0x5a) bytes[i] = byte + 0x20;
  }
};

/** A copy of an uncompressed name with its letters folded; never a view, also of a Buffer, whose slice() is one. Allocates. */
export const foldedName = (name: Uint8Array): Uint8Array => {
  const folded = new Uint8Array(name);
  foldName(folded, 0, folded.length);
  return folded;
};

/** For texts of names: a place for a number, and the name. */
const textBuffer = Buffer.alloc(1 + NAME_LENGTH_MAX);

/**
 * What is left of an uncompressed name from `start` on as text, one character a byte. Copied first, because a view of
 * small memory moves it out of the heap, which costs as much as five such copies.
 */
export const nameText = (name: Uint8Array, start = 0): string => {
  copyToText(name, start);
  return textBuffer.toString('latin1', 1, 1 + name.length - start);
};

/** The same with a number below 256 before it, for a table of names of several views. */
export const nameKey = (view: number, name: Uint8Array, start = 0): string => {
  copyToText(name, start);
  textBuffer[0] = view;
  return textBuffer.toString('latin1', 0, 1 + name.length - start);
};

const copyToText = (name: Uint8Array, start: number): void => {
  for (let i = start; i < name.length; i++) textBuffer[1 + i - start] = name[i] ?? 0;
};

/** True when two uncompressed names of equal length are the same name, letters folded. */
export const nameEquals = (
  a: Uint8Array,
  aOffset: number,
  b: Uint8Array,
  bOffset: number,
  length: number,
): boolean => {
  for (let i = 0; i < length; i++) {
    const x = a[aOffset + i] ?? 0;
    const y = b[bOffset + i] ?? 0;
    if (x !== y && foldByte(x) !== foldByte(y)) return false;
  }
  return true;
};

/** Where the name without its first labels begins: the root label at the furthest. */
export const labelOffset = (name: Uint8Array, count: number): number => {
  let at = 0;
  for (let i = 0; i < count && at < name.length - 1; i++) at += (name[at] ?? 0) + 1;
  return at;
};

/** The name at the offset `at` of a wire name, as a view: `skipLabels(name, 1)` is the parent. */
export const skipLabels = (name: Uint8Array, count: number): Uint8Array =>
  name.subarray(labelOffset(name, count));

/** Number of labels of an uncompressed name, the root not counted. */
export const countLabels = (name: Uint8Array): number => {
  let count = 0;
  for (let at = 0; at < name.length && name[at] !== ROOT; at += (name[at] ?? 0) + 1) count++;
  return count;
};

/** True when `name` is `zone` or below it; both uncompressed. */
export const isInZone = (name: Uint8Array, zone: Uint8Array): boolean => {
  const start = name.length - zone.length;
  if (start < 0) return false;
  let at = 0;
  while (at < start) at += (name[at] ?? 0) + 1;
  return at === start && nameEquals(name, start, zone, 0, zone.length);
};

/** Why a text is not a name. */
export type NameTextFault = 'empty-label' | 'label-too-long' | 'name-too-long' | 'bad-escape' | 'not-ascii';

/**
 * Parses the presentation form (RFC 1035 section 5.1: `\.`, `\\`, `\DDD`), with or without the final dot.
 *
 * Allocates, not per query. Returns the wire form, letters kept, or the fault. Characters above ASCII are refused: an internationalized
 * name has to arrive as A-labels.
 * @cold
 */
export const parseName = (text: string): Uint8Array | NameTextFault => {
  if (text === '.' || text === '') return Uint8Array.of(ROOT);
  const out: number[] = [0];
  let labelStart = 0;
  let at = 0;
  while (at < text.length) {
    let code = text.charCodeAt(at++);
    if (code === 0x2e) {
      if (out.length - labelStart === 1) return 'empty-label';
      labelStart = out.push(0) - 1;
      continue;
    }
    if (code === 0x5c) {
      const digits = text.slice(at, at + 3);
      if (/^\d{3}$/.test(digits)) {
        code = Number(digits);
        at += 3;
      } else {
        code = text.charCodeAt(at++);
      }
      if (Number.isNaN(code) || code > 255) return 'bad-escape';
    } else if (code > 0x7e) {
      return 'not-ascii';
    }
    out.push(code);
    const length = out.length - labelStart - 1;
    if (length > LABEL_LENGTH_MAX) return 'label-too-long';
    out[labelStart] = length;
    if (out.length > NAME_LENGTH_MAX) return 'name-too-long';
  }
  if (out[out.length - 1] !== ROOT || out.length - 1 !== labelStart) out.push(ROOT);
  return out.length > NAME_LENGTH_MAX ? 'name-too-long' : Uint8Array.from(out);
};

/** parseName for names that the source code states; throws a TypeError when the text is not a name. */
export const nameFrom = (text: string): Uint8Array => {
  const name = parseName(text);
  if (typeof name === 'string') throw new TypeError(`"${text}" is not a domain name: ${name}`);
  return name;
};

/** The presentation form of an uncompressed name, absolute (final dot), with the escapes of RFC 1035 section 5.1. */
export const formatName = (name: Uint8Array, offset = 0): string => {
  let text = '';
  let at = offset;
  while (at < name.length) {
    const length = name[at++] ?? 0;
    if (length === ROOT) break;
    for (let i = 0; i < length && at < name.length; i++) text += formatByte(name[at++] ?? 0);
    text += '.';
  }
  return text === '' ? '.' : text;
};

const formatByte = (byte: number): string => {
  if (byte <= 0x20 || byte >= 0x7f) return `\\${String(byte).padStart(3, '0')}`;
  const char = String.fromCharCode(byte);
  return '."\\();@$'.includes(char) ? `\\${char}` : char;
};
