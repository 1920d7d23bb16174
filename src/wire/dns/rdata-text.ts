// RDATA in presentation format, both ways: one codec per kind of field of rdata.ts.
//
// RDATA that its type's layout does not fit, or whose text would not be read back as the same bytes (a type bitmap
// with a needless zero, parameters out of order), is written in the generic form of RFC 3597 section 5. Formatting
// takes any bytes and never throws; parsing throws ERR_DNS_PRESENTATION.
import { readU16, readU32, writeU16, writeU32 } from './message.ts';
import { formatName, parseName } from './name.ts';
import { createTypeBitmap, type FieldKind, fieldEnd, rdataLayout, visitTypes } from './rdata.ts';
import { formatType, MESSAGE_LENGTH_MAX, parseType } from './registry.ts';
import { formatParams, parseParams } from './svcb-text.ts';
import {
  formatBase32,
  formatBase64,
  formatHex,
  formatIpv4,
  formatIpv6,
  parseBase32,
  parseBase64,
  parseHex,
  parseIpv4,
  parseIpv6,
  quoteText,
  type Token,
  TokenReader,
  unescapeText,
} from './text.ts';

/** Longest character-string: its length is one byte (RFC 1035 section 3.3). */
const STRING_LENGTH_MAX = 255;
/** The word that begins RDATA in the generic form. */
const GENERIC = '\\#';

interface FieldCodec {
  /** The text of the field between two offsets; undefined when it would not be read back as the same bytes. */
  format(bytes: Uint8Array, at: number, end: number): string | undefined;
  /** The bytes of the field that the next token, or all that are left, stand for. */
  parse(tokens: TokenReader): Uint8Array;
}

/** RDATA, names in it uncompressed, as text. */
export const formatRdata = (type: number, rdata: Uint8Array): string =>
  formatTyped(type, rdata) ?? formatGeneric(rdata);

/** The RDATA that a text stands for. */
export const parseRdata = (type: number, text: string): Uint8Array => readRdata(type, new TokenReader(text));

/** The RDATA that the tokens that are left stand for. */
export const readRdata = (type: number, tokens: TokenReader): Uint8Array => {
  const layout = rdataLayout(type);
  const first = tokens.peek();
  if (layout === undefined || first?.text === GENERIC) return readGeneric(tokens);
  const rdata = Buffer.concat(layout.map((kind) => CODECS[kind].parse(tokens)));
  const extra = tokens.peek();
  if (extra !== undefined) throw tokens.fault(`a field too many for ${formatType(type)}`, extra);
  if (rdata.length > MESSAGE_LENGTH_MAX) throw tokens.fault('the RDATA is too long', first?.column ?? 1);
  return new Uint8Array(rdata);
};

const formatTyped = (type: number, rdata: Uint8Array): string | undefined => {
  const layout = rdataLayout(type);
  if (layout === undefined) return undefined;
  const parts: string[] = [];
  let at = 0;
  for (const kind of layout) {
    const end = fieldEnd(rdata, kind, at, rdata.length);
    if (end < 0) return undefined;
    const text = CODECS[kind].format(rdata, at, end);
    if (text === undefined) return undefined;
    if (text !== '') parts.push(text);
    at = end;
  }
  return at === rdata.length ? parts.join(' ') : undefined;
};

const formatGeneric = (rdata: Uint8Array): string =>
  rdata.length === 0 ? `${GENERIC} 0` : `${GENERIC} ${rdata.length} ${formatHex(rdata)}`;

const readGeneric = (tokens: TokenReader): Uint8Array => {
  const mark = tokens.take('RDATA');
  if (mark.text !== GENERIC) throw tokens.fault('a type without a format of its own needs \\#', mark);
  const lengthToken = tokens.take('the length of the RDATA');
  const length = parseNumber(tokens, lengthToken, MESSAGE_LENGTH_MAX);
  const bytes = parseHex(takeRest(tokens));
  if (bytes?.length !== length)
    throw tokens.fault('the hexadecimal digits do not make the length', lengthToken);
  return new Uint8Array(bytes);
};

const parseNumber = (tokens: TokenReader, token: Token, max: number): number => {
  const value = /^\d{1,10}$/.test(token.text) ? Number(token.text) : Number.NaN;
  if (!(value <= max)) throw tokens.fault(`a number from 0 to ${max} is expected`, token);
  return value;
};

/** The tokens that are left, put together: hexadecimal and base64 may be written in pieces. */
const takeRest = (tokens: TokenReader): string => {
  let text = '';
  while (tokens.peek() !== undefined) text += tokens.take('more').text;
  return text;
};

/** A codec whose text is one token. */
const wordCodec = (
  what: string,
  format: FieldCodec['format'],
  parse: (text: string) => Uint8Array | undefined,
): FieldCodec => ({
  format,
  parse: (tokens) => {
    const token = tokens.take(what);
    const bytes = parse(token.text);
    if (bytes === undefined) throw tokens.fault(`${what} is malformed`, token);
    return bytes;
  },
});

/** A codec whose text is all tokens that are left, at least one. */
const restCodec = (
  what: string,
  format: (bytes: Uint8Array) => string,
  parse: (text: string) => Uint8Array | undefined,
): FieldCodec => ({
  format: (bytes, at, end) => (at === end ? undefined : format(bytes.subarray(at, end))),
  parse: (tokens) => {
    const column = tokens.peek()?.column ?? 1;
    const bytes = parse(takeRest(tokens));
    if (bytes === undefined || bytes.length === 0)
      throw tokens.fault(`${what} is missing or malformed`, column);
    return bytes;
  },
});

const numberCodec = (length: 1 | 2 | 4): FieldCodec => ({
  format: (bytes, at) => {
    if (length === 4) return String(readU32(bytes, at));
    return String(length === 2 ? readU16(bytes, at) : (bytes[at] ?? 0));
  },
  parse: (tokens) => {
    const value = parseNumber(tokens, tokens.take('a number'), 2 ** (8 * length) - 1);
    const bytes = new Uint8Array(4);
    writeU32(bytes, 0, value);
    return bytes.subarray(4 - length);
  },
});

const euiCodec = (length: number): FieldCodec =>
  wordCodec(
    `an EUI-${8 * length}`,
    (bytes, at, end) => formatHex(bytes.subarray(at, end), '-'),
    (text) => {
      const isEui = /^[0-9a-fA-F]{2}(?:-[0-9a-fA-F]{2})*$/.test(text) && text.length === 3 * length - 1;
      return isEui ? parseHex(text.replaceAll('-', '')) : undefined;
    },
  );

const withLength = (bytes: Uint8Array | undefined): Uint8Array | undefined =>
  bytes === undefined || bytes.length > STRING_LENGTH_MAX
    ? undefined
    : Buffer.concat([Uint8Array.of(bytes.length), bytes]);

const stringCodec = wordCodec(
  'a character-string',
  (bytes, at, end) => quoteText(bytes.subarray(at + 1, end)),
  (text) => withLength(unescapeText(text)),
);

const stringsCodec: FieldCodec = {
  format: (bytes, at, end) => {
    const strings: string[] = [];
    for (let start = at; start < end; ) {
      const next = fieldEnd(bytes, 'string', start, end);
      if (next < 0) return undefined;
      strings.push(quoteText(bytes.subarray(start + 1, next)));
      start = next;
    }
    return strings.length === 0 ? undefined : strings.join(' ');
  },
  parse: (tokens) => {
    const parts = [stringCodec.parse(tokens)];
    while (tokens.peek() !== undefined) parts.push(stringCodec.parse(tokens));
    return Buffer.concat(parts);
  },
};

const typesCodec: FieldCodec = {
  format: (bytes, at, end) => {
    const names: string[] = [];
    return visitTypes(bytes, at, end, (type) => names.push(formatType(type))) ? names.join(' ') : undefined;
  },
  parse: (tokens) => {
    const types: number[] = [];
    while (tokens.peek() !== undefined) {
      const token = tokens.take('a type');
      const type = parseType(token.text);
      if (type === undefined) throw tokens.fault('a type is unknown', token);
      types.push(type);
    }
    return createTypeBitmap(types);
  },
};

const formatTime = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replaceAll(/\D/g, '').slice(0, 14);

/** Reads YYYYMMDDHHmmSS or the seconds themselves. */
const parseTime = (text: string): number | undefined => {
  if (/^\d{1,10}$/.test(text)) return Number(text) <= 0xffffffff ? Number(text) : undefined;
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text) ?? [];
  if (year === undefined) return undefined;
  const seconds = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) / 1000;
  return seconds >= 0 && seconds <= 0xffffffff && formatTime(seconds) === text ? seconds : undefined;
};

const CODECS: Readonly<Record<FieldKind, FieldCodec>> = {
  name: wordCodec(
    'a name',
    (bytes, at) => (hasPointer(bytes, at) ? undefined : formatName(bytes, at)),
    (text) => {
      const name = text === '' ? 'empty-label' : parseName(text);
      return typeof name === 'string' ? undefined : name;
    },
  ),
  u8: numberCodec(1),
  u16: numberCodec(2),
  u32: numberCodec(4),
  type: wordCodec(
    'a type',
    (bytes, at) => formatType(readU16(bytes, at)),
    (text) => {
      const type = parseType(text);
      if (type === undefined) return undefined;
      const bytes = new Uint8Array(2);
      writeU16(bytes, 0, type);
      return bytes;
    },
  ),
  time: wordCodec(
    'a time',
    (bytes, at) => formatTime(readU32(bytes, at)),
    (text) => {
      const seconds = parseTime(text);
      if (seconds === undefined) return undefined;
      const bytes = new Uint8Array(4);
      writeU32(bytes, 0, seconds);
      return bytes;
    },
  ),
  ipv4: wordCodec('an IPv4 address', formatIpv4, parseIpv4),
  ipv6: wordCodec('an IPv6 address', formatIpv6, parseIpv6),
  eui48: euiCodec(6),
  eui64: euiCodec(8),
  string: stringCodec,
  tag: wordCodec(
    'a tag',
    (bytes, at, end) => {
      const tag = Buffer.from(bytes.subarray(at + 1, end)).toString('latin1');
      return /^[0-9a-zA-Z]+$/.test(tag) ? tag : undefined;
    },
    (text) => (/^[0-9a-zA-Z]+$/.test(text) ? withLength(Buffer.from(text, 'latin1')) : undefined),
  ),
  salt: wordCodec(
    'a salt',
    (bytes, at, end) => (end - at === 1 ? '-' : formatHex(bytes.subarray(at + 1, end))),
    (text) => withLength(text === '-' ? new Uint8Array(0) : parseHex(text)),
  ),
  hash: wordCodec(
    'a hash',
    (bytes, at, end) => (end - at === 1 ? undefined : formatBase32(bytes.subarray(at + 1, end))),
    (text) => (text === '' ? undefined : withLength(parseBase32(text))),
  ),
  strings: stringsCodec,
  text: wordCodec('a text', (bytes, at, end) => quoteText(bytes.subarray(at, end)), unescapeText),
  hex: restCodec('hexadecimal', formatHex, parseHex),
  base64: restCodec('base64', formatBase64, parseBase64),
  types: typesCodec,
  params: { format: formatParams, parse: parseParams },
};

/** True when the name at an offset, already checked by skipName, ends in a compression pointer. */
const hasPointer = (bytes: Uint8Array, offset: number): boolean => {
  let at = offset;
  while ((bytes[at] ?? 0) !== 0 && (bytes[at] ?? 0) < 0xc0) at += (bytes[at] ?? 0) + 1;
  return (bytes[at] ?? 0) !== 0;
};
