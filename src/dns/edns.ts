// EDNS(0): the OPT record and its options (RFC 6891), Extended DNS Errors (RFC 8914).
//
// Options are read as slices and written back as bytes, so that none is lost by being unknown here.
import { readU16, writeU16 } from './message.ts';
import { EDNS_DO, OPTION, TYPE } from './registry.ts';

/** Bytes of an OPT record without options. */
export const OPT_LENGTH = 11;

/** One option as it stands in a message. */
export interface EdnsOption {
  readonly code: number;
  readonly data: Uint8Array;
}

/** The options between `offset` and `offset + length`; those before a malformed one are kept. Allocates. */
export const readOptions = (bytes: Uint8Array, offset: number, length: number): EdnsOption[] => {
  const options: EdnsOption[] = [];
  const end = Math.min(offset + length, bytes.length);
  let at = offset;
  while (at + 4 <= end) {
    const dataEnd = at + 4 + readU16(bytes, at + 2);
    if (dataEnd > end) break;
    options.push({ code: readU16(bytes, at), data: bytes.subarray(at + 4, dataEnd) });
    at = dataEnd;
  }
  return options;
};

/**
 * Writes an OPT record without options at `offset` and returns the offset after it.
 *
 * `extendedRcode` is the whole RCODE, its upper eight bits go here; the caller sets the lower four in the header.
 */
export const writeOpt = (
  out: Uint8Array,
  offset: number,
  udpLength: number,
  extendedRcode: number,
  dnssecOk: boolean,
): number => {
  out[offset] = 0;
  writeU16(out, offset + 1, TYPE.OPT);
  writeU16(out, offset + 3, udpLength);
  out[offset + 5] = (extendedRcode >>> 4) & 0xff;
  out[offset + 6] = 0;
  writeU16(out, offset + 7, dnssecOk ? EDNS_DO : 0);
  writeU16(out, offset + 9, 0);
  return offset + OPT_LENGTH;
};

/** Appends an option to the OPT record that starts at `optOffset` and ends at `offset`; returns the offset after it. */
export const writeOption = (
  out: Uint8Array,
  optOffset: number,
  offset: number,
  code: number,
  data: Uint8Array,
): number => {
  writeU16(out, offset, code);
  writeU16(out, offset + 2, data.length);
  out.set(data, offset + 4);
  const end = offset + 4 + data.length;
  writeU16(out, optOffset + 9, end - optOffset - OPT_LENGTH);
  return end;
};

/** The data of an EDE option: info code and UTF-8 text, which RFC 8914 section 2 lets end without a NUL. */
export const createEde = (infoCode: number, text = ''): Uint8Array => {
  const encoded = new TextEncoder().encode(text);
  const data = new Uint8Array(2 + encoded.length);
  writeU16(data, 0, infoCode);
  data.set(encoded, 2);
  return data;
};

/** An EDE option's content. */
export interface ExtendedError {
  readonly infoCode: number;
  readonly text: string;
}

/** Reads the data of an EDE option; undefined when it is shorter than its code. */
export const readEde = (option: EdnsOption): ExtendedError | undefined => {
  if (option.code !== OPTION.EDE || option.data.length < 2) return undefined;
  const text = new TextDecoder().decode(option.data.subarray(2));
  return { infoCode: readU16(option.data, 0), text: text.endsWith('\0') ? text.slice(0, -1) : text };
};
