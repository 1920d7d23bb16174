// What people type where a name or a client is asked for: reduced to what is meant and said so, or refused in words.
//
// A wrong reading would be answered "passes", which somebody would believe.
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { createAddress, parseAddress } from '../../base/base.ts';
import { formatName, parseName } from '../../wire/dns/dns.ts';
import { UsageError } from './usage-error.ts';

/** Characters of an argument that an error quotes. */
const QUOTE_LENGTH_MAX = 80;
/** What a URL, an address with a port or a mail address has and a name that somebody means has not. */
const URL_PARTS = /[/@:?#]/;
const NOT_ASCII = /[^\0-\x7f]/;

/** A name, and how it was read where it was not written as one. */
export interface AskedName {
  /** Uncompressed wire name. */
  readonly name: Uint8Array;
  /** What the name was taken from, for people; undefined: it was written as it is. */
  readonly reading: string | undefined;
}

/** Reads a NAME; throws UsageError for what is none. */
export const readAskedName = (text: string): AskedName => {
  const isWritten = isIP(text) !== 0 || text.includes('\\') || !URL_PARTS.test(text);
  const host = isWritten ? text : hostOf(text);
  const ascii = NOT_ASCII.test(host) ? domainToASCII(host) : host;
  if (isIP(ascii.replace(/^\[|\]$/g, '')) !== 0) {
    throw new UsageError(`${quote(text)} is an address and no name; what is asked of the resolver are names`);
  }
  const name = ascii === '' ? 'empty' : parseName(ascii);
  if (typeof name === 'string') throw new UsageError(`${quote(text)} is not a domain name: ${name}`);
  if (labelsOf(name) === 1 && !ascii.endsWith('.')) {
    throw new UsageError(
      `${quote(text)} is one label and no whole name; write "${ascii}." for the top-level domain, ` +
        `or a name such as "www.${ascii}.com"`,
    );
  }
  return { name, reading: ascii === text ? undefined : `${quote(text)} is taken for ${formatName(name)}` };
};

/** Reads the address of a client; throws UsageError for a prefix, a name or anything else. */
export const readClient = (text: string, groups: readonly string[]): string => {
  if (parseAddress(text, createAddress())) return text;
  if (text.includes('/')) {
    const [address = ''] = text.split('/');
    throw new UsageError(`--client ${quote(text)} is a prefix: name one address of it, such as ${address}`);
  }
  const hint = groups.includes(text) ? ': it is a group; name an address of one of its clients' : '';
  throw new UsageError(`--client ${quote(text)} is not an IP address${hint}`);
};

const hostOf = (text: string): string => {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`);
  if (url === null || url.hostname === '') throw new UsageError(`${quote(text)} has no name of a host in it`);
  return url.hostname;
};

const labelsOf = (name: Uint8Array): number => {
  let labels = 0;
  for (let at = 0; (name[at] ?? 0) !== 0; at += 1 + (name[at] ?? 0)) labels++;
  return labels;
};

const quote = (text: string): string =>
  JSON.stringify(text.length > QUOTE_LENGTH_MAX ? `${text.slice(0, QUOTE_LENGTH_MAX)}…` : text);
