// Names of a master file (RFC 1035 section 5.1), from the bytes of a word straight to wire form.
//
// Unlike the names of other lists these may hold any byte, by an escape, and have any number of labels.
// Letters are kept. A name without a final dot goes on with the origin.
import { LABEL_LENGTH_MAX, NAME_LENGTH_MAX } from '../../wire/dns/dns.ts';
import type { DiagnosticCode } from './diagnostic.ts';

/** Why a word is not a name. */
export type ZoneNameFault = Extract<
  DiagnosticCode,
  'bad-character' | 'empty-label' | 'label-too-long' | 'name-too-long' | 'zone-escape' | 'zone-not-ascii'
>;

const QUOTE = 0x22;
const DOT = 0x2e;
const AT_SIGN = 0x40;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

/**
 * Writes the name in `bytes` from `start` to `end` into `out` (NAME_LENGTH_MAX bytes), in wire form.
 *
 * `origin` is an absolute wire name of `originLength` bytes. Returns the length written, or the fault.
 */
export const readZoneName = (
  bytes: Uint8Array,
  start: number,
  end: number,
  origin: Uint8Array,
  originLength: number,
  out: Uint8Array,
): number | ZoneNameFault => {
  if (end - start === 1) {
    if (bytes[start] === DOT) {
      out[0] = 0;
      return 1;
    }
    if (bytes[start] === AT_SIGN) return appendOrigin(out, 0, origin, originLength);
  }
  let length = 1;
  let labelStart = 0;
  let at = start;
  while (at < end) {
    let byte = bytes[at++] ?? 0;
    if (byte === DOT) {
      if (length - labelStart === 1) return 'empty-label';
      out[labelStart] = length - labelStart - 1;
      labelStart = length++;
      continue;
    }
    if (byte === BACKSLASH) {
      byte = escapedByte(bytes, at, end);
      if (byte < 0) return 'zone-escape';
      at += isDigit(bytes[at]) ? 3 : 1;
    } else if (byte <= 0x20 || byte === QUOTE || byte === DELETE) {
      return 'bad-character';
    } else if (byte > DELETE) {
      return 'zone-not-ascii';
    }
    if (length - labelStart > LABEL_LENGTH_MAX) return 'label-too-long';
    if (length >= NAME_LENGTH_MAX - 1) return 'name-too-long';
    out[length++] = byte;
  }
  if (length - labelStart > 1) {
    out[labelStart] = length - labelStart - 1;
    return appendOrigin(out, length, origin, originLength);
  }
  if (labelStart === 0) return 'empty-label';
  out[labelStart] = 0;
  return length;
};

const appendOrigin = (
  out: Uint8Array,
  length: number,
  origin: Uint8Array,
  originLength: number,
): number | ZoneNameFault => {
  if (length + originLength > NAME_LENGTH_MAX) return 'name-too-long';
  for (let i = 0; i < originLength; i++) out[length + i] = origin[i] ?? 0;
  return length + originLength;
};

/** The byte that the escape after a backslash stands for, or -1. */
const escapedByte = (bytes: Uint8Array, at: number, end: number): number => {
  if (at >= end) return -1;
  const first = bytes[at] ?? 0;
  if (!isDigit(first)) return first > 0x20 && first < DELETE ? first : -1;
  if (at + 3 > end || !isDigit(bytes[at + 1]) || !isDigit(bytes[at + 2])) return -1;
  const value = (first - 0x30) * 100 + ((bytes[at + 1] ?? 0) - 0x30) * 10 + ((bytes[at + 2] ?? 0) - 0x30);
  return value > 0xff ? -1 : value;
};

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;
