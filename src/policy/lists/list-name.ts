// Host names as lists write them, from the bytes of a line straight to folded wire form.
//
// Lists of a million names pass here on every refresh, so the usual line (ASCII) costs no string. What is not
// clearly a host name is refused with the reason and never repaired: a wrong guess blocks or frees a name that
// nobody meant. Text above ASCII becomes A-labels (UTS 46 by node:url, which also rewrites addresses; those are
// caught by the same checks as ASCII text). Presentation-format escapes do not occur in lists.
import { domainToASCII } from 'node:url';
import { createAddress, parseAddress } from '../../base/base.ts';
import { foldByte, LABEL_LENGTH_MAX, NAME_LENGTH_MAX } from '../../wire/dns/dns.ts';
import type { DiagnosticCode } from './diagnostic.ts';

/** Why bytes are not a host name that a list can hold. */
export type ListNameFault = Extract<
  DiagnosticCode,
  | 'bad-character'
  | 'empty-label'
  | 'ip-address'
  | 'label-too-long'
  | 'name-too-long'
  | 'not-idna'
  | 'nul'
  | 'port'
  | 'single-label'
  | 'url'
  | 'wildcard-place'
>;

const DOT = 0x2e;
const HYPHEN = 0x2d;
const UNDERSCORE = 0x5f;
const ASCII_END = 0x80;

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

const isNameByte = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) || isDigit(byte) || byte === HYPHEN || byte === UNDERSCORE;

/** For each byte that stands in a label the folded one, for all others 0. */
const NAME_BYTES = Uint8Array.from({ length: 256 }, (_, byte) =>
  isNameByte(foldByte(byte)) ? foldByte(byte) : 0,
);

const scratchAddress = createAddress();

/**
 * Writes the name in `bytes` from `start` to `end` into `out` (NAME_LENGTH_MAX bytes), folded, in wire form.
 *
 * One final dot is allowed. Returns the length written, or the fault.
 */
export const readListName = (
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
): number | ListNameFault => {
  const stop = end - start > 1 && bytes[end - 1] === DOT ? end - 1 : end;
  let length = 1;
  let labelStart = 0;
  for (let at = start; at < stop; at++) {
    const byte = bytes[at] ?? 0;
    const folded = NAME_BYTES[byte] ?? 0;
    if (folded === 0) {
      if (byte >= ASCII_END) return readInternational(bytes, start, end, out);
      if (byte !== DOT) return faultOf(Buffer.from(bytes.subarray(start, end)).toString('latin1'));
      if (length - labelStart === 1) return 'empty-label';
      out[labelStart] = length - labelStart - 1;
      labelStart = length++;
      continue;
    }
    if (length - labelStart > LABEL_LENGTH_MAX) return 'label-too-long';
    if (length >= NAME_LENGTH_MAX - 1) return 'name-too-long';
    out[length++] = folded;
  }
  if (length - labelStart === 1) return 'empty-label';
  // A last label of digits only is how every dotted IPv4 form ends, and no top-level domain.
  if (isNumber(out, labelStart + 1, length)) return 'ip-address';
  if (labelStart === 0) return 'single-label';
  out[labelStart] = length - labelStart - 1;
  out[length++] = 0;
  return length;
};

const isNumber = (bytes: Uint8Array, start: number, end: number): boolean => {
  let at = start;
  while (at < end && isDigit(bytes[at] ?? 0)) at++;
  return at === end;
};

/** The text of a wire name that readListName wrote, without the final dot. */
export const listNameText = (wire: Uint8Array, length: number): string => {
  let text = '';
  for (let at = 0; at < length - 1; at += (wire[at] ?? 0) + 1) {
    if (at > 0) text += '.';
    for (let i = 1; i <= (wire[at] ?? 0); i++) text += String.fromCharCode(wire[at + i] ?? 0);
  }
  return text;
};

const readInternational = (
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
): number | ListNameFault => {
  const text = Buffer.from(bytes.subarray(start, end)).toString('utf8');
  // domainToASCII decodes %XX and more; whatever is ASCII must be a name already.
  const ascii = text.replace(/\P{ASCII}/gu, '');
  if (/[^\w.-]/.test(ascii)) return faultOf(ascii);
  const converted = Buffer.from(domainToASCII(text), 'latin1');
  return converted.length === 0 ? 'not-idna' : readListName(converted, 0, converted.length, out);
};

const faultOf = (text: string): ListNameFault => {
  if (text.includes('\0')) return 'nul';
  if (text.includes('*')) return 'wildcard-place';
  if (parseAddress(text.replace(/^\[|\]$|\/\d+$/g, ''), scratchAddress)) return 'ip-address';
  if (text.includes('/')) return 'url';
  return /^[^:]+:\d+$/.test(text) ? 'port' : 'bad-character';
};
