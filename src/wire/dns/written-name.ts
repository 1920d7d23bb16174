// What people write where a name is asked for: reduced to what is meant and said so, or refused in words. @cold
//
// A wrong reading would be answered "passes", or signed as what an exemption opens, and somebody would believe it. So one
// place reads for the command, the control room and exemptions alike.
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { formatName, parseName } from './name.ts';

/** Characters that a fault quotes. */
const QUOTE_LENGTH_MAX = 80;
/** What a URL, an address with a port or a mail address has and a name that somebody means has not. */
const URL_PARTS = /[/@:?#]/;
const NOT_ASCII = /[^\0-\x7f]/;
/** Names of hosts and services, and wildcards. Any other byte may stand in a name (RFC 2181 section 11), written as `\DDD`. */
const UNUSUAL = /[^A-Za-z0-9._*-]/;

/** A name, and how it was read where it was not written as one. */
export interface WrittenName {
  /** Uncompressed wire name, letters kept. */
  readonly name: Uint8Array;
  /** What the name was taken from, for people; undefined: it was written as it is. */
  readonly reading: string | undefined;
}

/** Reads a name as people write it: as it is, in its own letters, in the address of a page. A text says why it is none. */
export const readWrittenName = (text: string): WrittenName | string => {
  const isEscaped = text.includes('\\');
  const isWritten = isIP(text) !== 0 || isEscaped || !URL_PARTS.test(text);
  const host = isWritten ? text : hostOf(text);
  if (host === undefined) return `${quote(text)} has no name of a host in it`;
  const ascii = NOT_ASCII.test(host) ? domainToASCII(host) : host;
  if (isIP(ascii.replace(/^\[|\]$/g, '')) !== 0) {
    return `${quote(text)} is an address and no name; what is asked of the resolver are names`;
  }
  if (!isEscaped && UNUSUAL.test(ascii)) {
    return `${quote(text)} is not a domain name: such a character is written as \\DDD, when it is meant`;
  }
  const name = ascii === '' ? 'empty' : parseName(ascii);
  if (typeof name === 'string') return `${quote(text)} is not a domain name: ${name}`;
  if (name.length > 1 && (name[1 + (name[0] ?? 0)] ?? 0) === 0 && !ascii.endsWith('.')) {
    return (
      `${quote(text)} is one label and no whole name; write "${ascii}." for the top-level domain, ` +
      `or a name such as "www.${ascii}.com"`
    );
  }
  return { name, reading: ascii === text ? undefined : `${quote(text)} is taken for ${formatName(name)}` };
};

/** A name as readWrittenName() takes it for itself, whatever bytes it has. */
export const writeName = (name: Uint8Array): string => {
  let text = '';
  for (let at = 0, length = name[0] ?? 0; length > 0; at += 1 + length, length = name[at] ?? 0) {
    for (const byte of name.subarray(at + 1, at + 1 + length)) {
      const char = String.fromCharCode(byte);
      text += char === '.' || UNUSUAL.test(char) ? `\\${byte.toString().padStart(3, '0')}` : char;
    }
    text += '.';
  }
  return text === '' ? '.' : text;
};

const hostOf = (text: string): string | undefined => {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`);
  return url === null || url.hostname === '' ? undefined : url.hostname;
};

const quote = (text: string): string =>
  JSON.stringify(text.length > QUOTE_LENGTH_MAX ? `${text.slice(0, QUOTE_LENGTH_MAX)}…` : text);
