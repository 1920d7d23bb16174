// EDNS(0): the OPT record and its options (RFC 6891), Extended DNS Errors (RFC 8914).
//
// Options are read as slices and written back as bytes, so that none is lost by being unknown here. The find…()
// functions allocate nothing: they return the place of the data, before which its length stands.
import { questionEnd, RecordReader, readU16, SECTION, writeU16 } from './message.ts';
import { EDNS_DO, OPTION, TYPE } from './registry.ts';

/** Bytes of an OPT record without options. */
export const OPT_LENGTH = 11;
/** Bytes of an option before its data. */
export const OPTION_HEADER_LENGTH = 4;

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
 * Offset of the data of the first option with a code between `offset` and `offset + length`, -1 when there is none
 * before the end or a malformed one. See optionLength().
 */
export const findOption = (bytes: Uint8Array, offset: number, length: number, code: number): number => {
  const end = Math.min(offset + length, bytes.length);
  let at = offset;
  while (at + 4 <= end) {
    const dataEnd = at + 4 + readU16(bytes, at + 2);
    if (dataEnd > end) return -1;
    if (readU16(bytes, at) === code) return at + 4;
    at = dataEnd;
  }
  return -1;
};

/** Bytes of the option whose data findOption() or findEde() found at an offset. */
export const optionLength = (bytes: Uint8Array, dataOffset: number): number => readU16(bytes, dataOffset - 2);

const records = new RecordReader();

/**
 * Offset of the options of a message's OPT record, -1 without one or when a record before it is malformed. Their
 * length stands in the two bytes before.
 */
export const findOpt = (message: Uint8Array): number => {
  const start = questionEnd(message, message.length);
  if (start < 0) return -1;
  records.reset(message, message.length, start);
  while (records.next()) {
    const { type, section, ownerOffset } = records;
    if (type === TYPE.OPT && section === SECTION.ADDITIONAL && message[ownerOffset] === 0) {
      return records.rdataOffset;
    }
  }
  return -1;
};

/**
 * Offset of the data of the first EDE option of a message that holds an info code, -1 without one; optionLength()
 * tells its length, text included.
 */
export const findEde = (message: Uint8Array): number => {
  const options = findOpt(message);
  if (options < 0) return -1;
  const ede = findOption(message, options, readU16(message, options - 2), OPTION.EDE);
  return ede >= 0 && optionLength(message, ede) >= 2 ? ede : -1;
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

/**
 * Appends an option to the OPT record that starts at `optOffset` and ends at `offset`; returns the offset after it.
 * Its data are the bytes of `source` from `start` to `end`.
 */
export const writeOption = (
  out: Uint8Array,
  optOffset: number,
  offset: number,
  code: number,
  source: Uint8Array,
  start = 0,
  end = source.length,
): number => {
  const dataOffset = offset + OPTION_HEADER_LENGTH;
  const length = end - start;
  writeU16(out, offset, code);
  writeU16(out, offset + 2, length);
  // Options are a few dozen bytes: a loop costs less than the view that set() would need.
  for (let i = 0; i < length; i++) out[dataOffset + i] = source[start + i] ?? 0;
  writeU16(out, optOffset + 9, dataOffset + length - optOffset - OPT_LENGTH);
  return dataOffset + length;
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
