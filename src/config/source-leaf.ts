// The leaves of a list that is fetched: its address and what proves that its content is the right one.
//
// An address can carry a password or a token, and problems end in logs: no message here repeats an address.
import { Fault, quote, same, textLeaf } from './value.ts';

/** Characters of an address; a longer one is no list. */
const URL_LENGTH_MAX = 2048;
const SHA256_DIGITS = 64;
/** Bytes of an Ed25519 public key (RFC 8032 section 5.1.5). */
const KEY_BYTES = 32;
/** What minisign puts before the key: the letters `Ed` and an identifier. */
const MINISIGN_ALGORITHM = Buffer.from('Ed');
const MINISIGN_HEAD_BYTES = MINISIGN_ALGORITHM.length + 8;

/** An address that is fetched by HTTP; without its fragment, which is never sent. */
export const url = () =>
  textLeaf(
    { name: 'URL', bounds: `http or https, at most ${URL_LENGTH_MAX} characters` },
    (text) => {
      const found = text.length <= URL_LENGTH_MAX ? URL.parse(text) : null;
      if (found === null || (found.protocol !== 'https:' && found.protocol !== 'http:')) {
        return new Fault(
          'ERR_CONFIG_VALUE',
          'is not an http or https URL',
          'write it such as "https://lists.example.com/names.txt"',
        );
      }
      if (found.username !== '' || found.password !== '') {
        return new Fault(
          'ERR_CONFIG_VALUE',
          'has a user or a password',
          'publish the list without them, or download the file and use "file"',
        );
      }
      found.hash = '';
      return found.href;
    },
    same,
  );

/** Characters of a path in a feed. */
const TARGET_LENGTH_MAX = 200;

/** The path of a file in a feed: names of letters, digits, dots, lines and hyphens, with slashes between them. */
export const target = () =>
  textLeaf(
    { name: 'path in a feed', bounds: `at most ${TARGET_LENGTH_MAX} characters` },
    (text) =>
      text.length <= TARGET_LENGTH_MAX &&
      text.split('/').every((name) => /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name))
        ? text
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is not a path in a feed`,
            'write it such as "own.txt" or "lists/own.txt"',
          ),
    same,
  );

/** A SHA-256 as hexadecimal digits; lower case. */
export const sha256 = () =>
  textLeaf(
    { name: 'SHA-256', bounds: `${SHA256_DIGITS} hexadecimal digits` },
    (text) =>
      text.length === SHA256_DIGITS && /^[0-9a-f]+$/i.test(text)
        ? text.toLowerCase()
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is not a SHA-256`,
            `write ${SHA256_DIGITS} hexadecimal digits, as sha256sum prints them`,
          ),
    same,
  );

/** A public key in Base64: minisign's, with or without the comment line above it, or the 32 bytes of Ed25519. */
export const publicKey = () =>
  textLeaf(
    { name: 'public key', bounds: 'minisign, or 32 bytes of Ed25519 in Base64' },
    (text) => {
      const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
      const key = lines.at(-1)?.trim() ?? '';
      return isKey(fromBase64(key))
        ? key
        : new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(key)} is not a public key`,
            'write the line that begins with "RW" of a minisign key, or 32 bytes of an Ed25519 key in Base64',
          );
    },
    same,
  );

const isKey = (bytes: Buffer): boolean =>
  bytes.length === KEY_BYTES ||
  (bytes.length === MINISIGN_HEAD_BYTES + KEY_BYTES &&
    bytes.subarray(0, MINISIGN_ALGORITHM.length).equals(MINISIGN_ALGORITHM));

/** Strict: Node.js would skip what is no Base64. */
const fromBase64 = (text: string): Buffer =>
  text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
    ? Buffer.from(text, 'base64')
    : Buffer.alloc(0);
