// Who a certificate is for: names (RFC 8555 section 9.7.7) and addresses (RFC 8738).
import { createAddress, formatAddress, isIpv4, parseAddress } from '../../base/base.ts';

/** As ACME writes it. */
export interface Identifier {
  readonly type: 'dns' | 'ip';
  /** A name without its last dot in lower case, or an address as RFC 5952 writes it. */
  readonly value: string;
}

const NIBBLES = 32;

/** Of a name or an address. */
export const toIdentifier = (text: string): Identifier => {
  const words = createAddress();
  if (parseAddress(text, words)) return { type: 'ip', value: formatAddress(words) };
  return { type: 'dns', value: text.toLowerCase() };
};

/** Bytes of an address: 4 or 16. */
export const addressBytes = (value: string): Buffer => {
  const words = createAddress();
  parseAddress(value, words);
  const bytes = Buffer.alloc(words.length * 4);
  for (const [index, word] of words.entries()) bytes.writeUInt32BE(word >>> 0, index * 4);
  return isIpv4(words) ? bytes.subarray(bytes.length - 4) : bytes;
};

/** What an authority asks for in the handshake of a challenge: of an address the name of its reverse (RFC 8738 section 6). */
export const serverNameOf = ({ type, value }: Identifier): string => {
  if (type === 'dns') return value;
  const bytes = addressBytes(value);
  if (bytes.length === 4) return `${[...bytes].reverse().join('.')}.in-addr.arpa`;
  const nibbles = bytes.toString('hex').padStart(NIBBLES, '0');
  return `${[...nibbles].reverse().join('.')}.ip6.arpa`;
};

/** As OpenSSL prints it in a subjectAltName, such as `DNS:dns.example.net`. */
export const printedName = ({ type, value }: Identifier): string =>
  type === 'dns' ? `DNS:${value}` : `IP Address:${printedAddress(value)}`;

/** OpenSSL writes no address shorter than it is: `2001:DB8:0:0:0:0:0:1`. */
const printedAddress = (value: string): string => {
  const bytes = addressBytes(value);
  if (bytes.length === 4) return value;
  const groups = Array.from({ length: 8 }, (_, index) =>
    bytes
      .readUInt16BE(index * 2)
      .toString(16)
      .toUpperCase(),
  );
  return groups.join(':');
};
