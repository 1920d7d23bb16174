// The words of presentation format (RFC 1035 section 5.1): tokens, quotes, escapes, comments and parentheses.
//
// What is read here comes from operators and from tests, never from the network, so a fault throws and names the
// column. Tokens keep their escapes: a name and a character-string undo them each in its own way.
import {
  AppError,
  createAddress,
  formatAddress,
  isIpv4,
  parseAddress,
  readIpv4,
  readIpv6,
} from '../../base/base.ts';
import { writeU32 } from './message.ts';
import { MESSAGE_LENGTH_MAX } from './registry.ts';

/** A record's longest text: every byte of RDATA as `\DDD`, and a page for owner, numbers and white space. */
export const RECORD_TEXT_LENGTH_MAX = 4 * MESSAGE_LENGTH_MAX + 4096;
/** Characters of an offending token that an error quotes. */
const QUOTE_LENGTH_MAX = 40;

/** The code of every fault in presentation format. */
export type PresentationErrorCode = 'ERR_DNS_PRESENTATION';

/** One word of a record's text. */
export interface Token {
  /** Without quotes, escapes as they were written. */
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

/** Steps through the tokens of one record. Line ends and parentheses are white space, `;` begins a comment. */
export class TokenReader {
  readonly #text: string;
  #at = 0;
  #next: Token | undefined;

  constructor(text: string) {
    this.#text = text.slice(0, RECORD_TEXT_LENGTH_MAX);
    if (text.length > RECORD_TEXT_LENGTH_MAX) throw this.fault('the record is too long', text.length);
    this.#next = this.#scan();
  }

  /** The next token, not consumed; undefined at the end. */
  peek(): Token | undefined {
    return this.#next;
  }

  /** Consumes the next token; `what` names it in the error when there is none. */
  take(what: string): Token {
    const token = this.#next;
    if (token === undefined) throw this.fault(`${what} is missing`, this.#text.length + 1);
    this.#next = this.#scan();
    return token;
  }

  /** The error to throw about a token or a column. */
  fault(problem: string, where: Token | number): AppError<PresentationErrorCode> {
    const [column, quoted] =
      typeof where === 'number'
        ? [where, '']
        : [where.column, `: "${where.text.slice(0, QUOTE_LENGTH_MAX)}"`];
    return new AppError('ERR_DNS_PRESENTATION', `parse a record, column ${column}: ${problem}${quoted}`);
  }

  #scan(): Token | undefined {
    this.#skipSpace();
    if (this.#at >= this.#text.length) return undefined;
    const start = this.#at;
    const startsQuoted = this.#text[start] === '"';
    let quoted = false;
    let text = '';
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? '';
      if (!quoted && ' \t\r\n();'.includes(char)) break;
      this.#at++;
      if (char === '"') {
        quoted = !quoted;
        if (!quoted && startsQuoted) break;
      } else if (char === '\\') {
        text += char + (this.#text[this.#at++] ?? '');
      } else {
        text += char;
      }
    }
    if (quoted) throw this.fault('the quotation mark is not closed', start + 1);
    return { text, column: start + 1 };
  }

  #skipSpace(): void {
    let inComment = false;
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at] ?? '';
      if (char === '\n') inComment = false;
      else if (char === ';') inComment = true;
      else if (!inComment && !' \t\r()'.includes(char)) return;
    }
  }
}

/** The bytes of a token: escapes undone, characters above ASCII as UTF-8. Undefined for a bad escape. */
export const unescapeText = (text: string): Uint8Array | undefined => {
  if (!text.includes('\\')) return Buffer.from(text, 'utf8');
  const out: number[] = [];
  for (let at = 0; at < text.length; ) {
    const digits = /^\\(\d{3})/.exec(text.slice(at, at + 4))?.[1];
    if (digits !== undefined) {
      if (Number(digits) > 255) return undefined;
      out.push(Number(digits));
      at += 4;
      continue;
    }
    if (text[at] === '\\') at++;
    const char = text.codePointAt(at);
    if (char === undefined) return undefined;
    const letter = String.fromCodePoint(char);
    out.push(...Buffer.from(letter, 'utf8'));
    at += letter.length;
  }
  return Uint8Array.from(out);
};

/** Bytes as one quoted character-string; what is not printable ASCII becomes `\DDD`. */
export const quoteText = (bytes: Uint8Array): string => {
  let text = '"';
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    if (byte < 0x20 || byte >= 0x7f) text += `\\${String(byte).padStart(3, '0')}`;
    else text += char === '"' || char === '\\' ? `\\${char}` : char;
  }
  return `${text}"`;
};

/** Bytes in lower-case hexadecimal, `separator` between them. */
export const formatHex = (bytes: Uint8Array, separator = ''): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(separator);

/** The bytes of hexadecimal digits; undefined when malformed. */
export const parseHex = (text: string): Uint8Array | undefined =>
  /^(?:[0-9a-fA-F]{2})*$/.test(text) ? Buffer.from(text, 'hex') : undefined;

/** Bytes in base64 (RFC 4648 section 4). */
export const formatBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** The bytes of base64 with its padding; undefined when malformed. */
export const parseBase64 = (text: string): Uint8Array | undefined => {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
};

const BASE32_DIGITS = '0123456789abcdefghijklmnopqrstuv';

/** Bytes in base32hex without padding (RFC 4648 section 7), lower case. */
export const formatBase32 = (bytes: Uint8Array): string => {
  let text = '';
  let bits = 0;
  let pending = 0;
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32_DIGITS[(pending >> (bits - 5)) & 31];
  }
  return bits > 0 ? text + BASE32_DIGITS[(pending << (5 - bits)) & 31] : text;
};

/** The bytes of base32hex without padding, in any case; undefined when malformed. */
export const parseBase32 = (text: string): Uint8Array | undefined => {
  const out: number[] = [];
  let bits = 0;
  let pending = 0;
  for (const char of text.toLowerCase()) {
    const digit = BASE32_DIGITS.indexOf(char);
    if (digit < 0) return undefined;
    pending = ((pending << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push((pending >> bits) & 0xff);
    }
  }
  const bytes = Uint8Array.from(out);
  return formatBase32(bytes) === text.toLowerCase() ? bytes : undefined;
};

const words = createAddress();

/** The text of the four bytes of an IPv4 address at `offset`. */
export const formatIpv4 = (bytes: Uint8Array, offset: number): string => {
  readIpv4(bytes, offset, words);
  return formatAddress(words);
};

/** The text of the sixteen bytes of an IPv6 address at `offset`, a mapped one as `::ffff:192.0.2.1`. */
export const formatIpv6 = (bytes: Uint8Array, offset: number): string => {
  readIpv6(bytes, offset, words);
  return isIpv4(words) ? `::ffff:${formatAddress(words)}` : formatAddress(words);
};

/** The four bytes of an IPv4 address; undefined when malformed. */
export const parseIpv4 = (text: string): Uint8Array | undefined =>
  !text.includes(':') && parseAddress(text, words) ? wordBytes().subarray(12) : undefined;

/** The sixteen bytes of an IPv6 address without a zone; undefined when malformed. */
export const parseIpv6 = (text: string): Uint8Array | undefined =>
  text.includes(':') && !text.includes('%') && parseAddress(text, words) ? wordBytes() : undefined;

const wordBytes = (): Uint8Array => {
  const bytes = new Uint8Array(16);
  for (const [index, word] of words.entries()) writeU32(bytes, 4 * index, word);
  return bytes;
};
