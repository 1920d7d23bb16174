// Service parameters of SVCB and HTTPS records in presentation format (RFC 9460 section 2.1 and appendix A).
//
// A parameter whose bytes are not what its key promises is written in the generic form, `key1="…"`, which is read
// back as raw bytes; so all parameters whose keys ascend have a text, and that text stands for the same bytes.
import { readU16, writeU16 } from './message.ts';
import { SVC_PARAM } from './registry.ts';
import {
  formatBase64,
  formatIpv4,
  formatIpv6,
  parseBase64,
  parseIpv4,
  parseIpv6,
  quoteText,
  type TokenReader,
  unescapeText,
} from './text.ts';

const COMMA = 0x2c;
const BACKSLASH = 0x5c;

const keyNames: ReadonlyMap<number, string> = new Map(
  Object.entries(SVC_PARAM).map(([name, key]) => [key, name.toLowerCase().replaceAll('_', '-')]),
);
const keyNumbers: ReadonlyMap<string, number> = new Map([...keyNames].map(([key, name]) => [name, key]));

/** The parameters between two offsets; undefined when they overrun or their keys do not ascend. */
export const formatParams = (bytes: Uint8Array, start: number, end: number): string | undefined => {
  const parts: string[] = [];
  let keyBefore = -1;
  let at = start;
  while (at < end) {
    if (at + 4 > end) return undefined;
    const key = readU16(bytes, at);
    const next = at + 4 + readU16(bytes, at + 2);
    if (next > end || key <= keyBefore) return undefined;
    parts.push(formatParam(key, bytes.subarray(at + 4, next)));
    keyBefore = key;
    at = next;
  }
  return parts.join(' ');
};

const formatParam = (key: number, value: Uint8Array): string => {
  const text = formatValue(key, value);
  if (text === undefined) return `key${key}${value.length === 0 ? '' : `=${quoteText(value)}`}`;
  const name = keyNames.get(key) ?? `key${key}`;
  return text === '' ? name : `${name}=${text}`;
};

/** The value in its key's own form, empty for a flag; undefined when it has to be written raw. */
const formatValue = (key: number, value: Uint8Array): string | undefined => {
  switch (key) {
    case SVC_PARAM.MANDATORY:
      return formatMandatory(value);
    case SVC_PARAM.ALPN:
      return formatAlpn(value);
    case SVC_PARAM.NO_DEFAULT_ALPN:
    case SVC_PARAM.OHTTP:
      return value.length === 0 ? '' : undefined;
    case SVC_PARAM.PORT:
      return value.length === 2 ? String(readU16(value, 0)) : undefined;
    case SVC_PARAM.IPV4HINT:
      return formatHints(value, 4, formatIpv4);
    case SVC_PARAM.IPV6HINT:
      return formatHints(value, 16, formatIpv6);
    case SVC_PARAM.ECH:
      return value.length > 0 ? formatBase64(value) : undefined;
    case SVC_PARAM.DOHPATH:
      return value.length > 0 ? quoteText(value) : undefined;
    default:
      return undefined;
  }
};

const formatMandatory = (value: Uint8Array): string | undefined => {
  if (value.length === 0 || value.length % 2 !== 0) return undefined;
  const names: string[] = [];
  let keyBefore = SVC_PARAM.MANDATORY as number;
  for (let at = 0; at < value.length; at += 2) {
    const key = readU16(value, at);
    if (key <= keyBefore) return undefined;
    names.push(keyNames.get(key) ?? `key${key}`);
    keyBefore = key;
  }
  return names.join(',');
};

const formatAlpn = (value: Uint8Array): string | undefined => {
  const list: number[] = [];
  for (let at = 0; at < value.length; ) {
    const length = value[at] ?? 0;
    const next = at + 1 + length;
    if (length === 0 || next > value.length) return undefined;
    if (at > 0) list.push(COMMA);
    for (const byte of value.subarray(at + 1, next)) {
      if (byte === COMMA || byte === BACKSLASH) list.push(BACKSLASH);
      list.push(byte);
    }
    at = next;
  }
  return list.length === 0 ? undefined : quoteText(Uint8Array.from(list));
};

const formatHints = (
  value: Uint8Array,
  length: number,
  format: (bytes: Uint8Array, offset: number) => string,
): string | undefined => {
  if (value.length === 0 || value.length % length !== 0) return undefined;
  const hints: string[] = [];
  for (let at = 0; at < value.length; at += length) hints.push(format(value, at));
  return hints.join(',');
};

/** Reads the parameters that are left, in any order, and returns them sorted as the wire wants them. */
export const parseParams = (tokens: TokenReader): Uint8Array => {
  const values = new Map<number, Uint8Array>();
  while (tokens.peek() !== undefined) {
    const token = tokens.take('a parameter');
    const equals = token.text.indexOf('=');
    const name = equals < 0 ? token.text : token.text.slice(0, equals);
    const key = parseKey(name);
    if (key === undefined || values.has(key)) throw tokens.fault('a parameter is unknown or repeated', token);
    const text = equals < 0 ? '' : token.text.slice(equals + 1);
    const value = keyNumbers.has(name.toLowerCase()) ? parseValue(key, text) : unescapeText(text);
    if (value === undefined || value.length > 0xffff) throw tokens.fault('a parameter is malformed', token);
    values.set(key, value);
  }
  return joinParams([...values].sort(([a], [b]) => a - b));
};

const joinParams = (values: readonly (readonly [number, Uint8Array])[]): Uint8Array => {
  const parts = values.map(([key, value]) => {
    const header = new Uint8Array(4);
    writeU16(header, 0, key);
    writeU16(header, 2, value.length);
    return Buffer.concat([header, value]);
  });
  return Buffer.concat(parts);
};

const parseKey = (name: string): number | undefined => {
  const known = keyNumbers.get(name.toLowerCase());
  if (known !== undefined) return known;
  const number = /^key(\d{1,5})$/i.exec(name)?.[1];
  return number !== undefined && Number(number) <= 0xffff ? Number(number) : undefined;
};

const parseValue = (key: number, text: string): Uint8Array | undefined => {
  switch (key) {
    case SVC_PARAM.MANDATORY:
      return parseMandatory(text);
    case SVC_PARAM.ALPN:
      return parseAlpn(text);
    case SVC_PARAM.NO_DEFAULT_ALPN:
    case SVC_PARAM.OHTTP:
      return text === '' ? new Uint8Array(0) : undefined;
    case SVC_PARAM.PORT:
      return parsePort(text);
    case SVC_PARAM.IPV4HINT:
      return parseList(text, parseIpv4);
    case SVC_PARAM.IPV6HINT:
      return parseList(text, parseIpv6);
    case SVC_PARAM.ECH:
      return text === '' ? undefined : parseBase64(text);
    default:
      return text === '' ? undefined : unescapeText(text);
  }
};

const parsePort = (text: string): Uint8Array | undefined =>
  /^\d{1,5}$/.test(text) && Number(text) <= 0xffff ? u16Bytes(Number(text)) : undefined;

const parseMandatory = (text: string): Uint8Array | undefined => {
  const keys = text.split(',').map(parseKey);
  const sorted = [...new Set(keys)].sort((a, b) => (a ?? 0) - (b ?? 0));
  if (sorted.length !== keys.length || sorted.includes(SVC_PARAM.MANDATORY)) return undefined;
  return parseList(sorted.map(String).join(','), parsePort);
};

const parseList = (text: string, parse: (item: string) => Uint8Array | undefined): Uint8Array | undefined => {
  const parts: Uint8Array[] = [];
  for (const item of text.split(',')) {
    const bytes = parse(item);
    if (bytes === undefined) return undefined;
    parts.push(bytes);
  }
  return Buffer.concat(parts);
};

/** The list of protocol names: escaped once as a character-string and once more, for commas, as a list. */
const parseAlpn = (text: string): Uint8Array | undefined => {
  const list = unescapeText(text);
  if (list === undefined) return undefined;
  const out: number[] = [];
  let item: number[] = [];
  for (let at = 0; at <= list.length; at++) {
    const byte = list[at];
    if (byte === undefined || byte === COMMA) {
      if (item.length === 0 || item.length > 255) return undefined;
      out.push(item.length, ...item);
      item = [];
    } else if (byte === BACKSLASH) {
      const escaped = list[++at];
      if (escaped === undefined) return undefined;
      item.push(escaped);
    } else {
      item.push(byte);
    }
  }
  return Uint8Array.from(out);
};

const u16Bytes = (value: number): Uint8Array => {
  const bytes = new Uint8Array(2);
  writeU16(bytes, 0, value);
  return bytes;
};
