// The leaves of addresses and names: where to listen, whom to ask, zones.
//
// Addresses are brought to one text (RFC 5952) here, so that two spellings of one endpoint are seen to be equal.
import {
  type AddressWords,
  createAddress,
  type Endpoint,
  formatAddress,
  formatEndpoint,
  isIpv4,
  parseAddress,
  parseEndpoint,
  suggestEndpoint,
} from '../base/base.ts';
import { foldName, formatName, parseName } from '../wire/dns/dns.ts';
import { withForm } from './form.ts';
import type { Path } from './problem.ts';
import { Fault, leaf, quote, same, textLeaf, wrongType } from './value.ts';

/** An address of a host. */
export interface HostAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** An address to listen on; port 0 is any free port. */
export const endpoint = (portDefault: number) =>
  textLeaf(
    { name: 'address and port', bounds: `port ${portDefault} when none is written` },
    (text) => readEndpoint(text, portDefault) ?? notAnEndpoint(text),
    formatEndpoint,
  );

/** endpoint(), or `false` or nothing for "off", which is undefined in the program. */
export const endpointOrOff = (portDefault: number) =>
  withForm(
    leaf<string | false | null, Endpoint | false>(
      { name: 'address and port, or `false`', bounds: `port ${portDefault} when none is written` },
      (raw) => {
        if (raw === false || raw === null) return false;
        if (typeof raw !== 'string') return wrongType('address or false', raw);
        return readEndpoint(raw, portDefault) ?? notAnEndpoint(raw, ', or false for none');
      },
      (endpoint) => endpoint && formatEndpoint(endpoint),
    ),
    { into: (endpoint) => endpoint || undefined, from: (endpoint) => endpoint ?? false },
  );

/** An address that is asked, `text` is how it was written; undefined when it is none. */
export const readServerEndpoint = (text: string, portDefault: number): Endpoint | Fault | undefined => {
  const found = readEndpoint(text, portDefault);
  if (found === undefined) return undefined;
  if (found.port === 0)
    return new Fault('ERR_CONFIG_VALUE', `${quote(text)} has port 0, which nobody can ask`);
  return isUnspecified(found.address) ? unspecifiedFault(text) : found;
};

/** A zone: wire form, letters folded. Never the root, about which a fault says why and what to do instead. */
export const zone = (rootText: string, rootHint: string) =>
  textLeaf(
    { name: 'domain name' },
    (text) => readZone(text, rootText, rootHint),
    (name) => formatName(name),
  );

/** The apex of a response policy zone: presentation form, letters folded, with the final dot. */
export const apex = () =>
  textLeaf(
    { name: 'domain name' },
    (text) => {
      const name = readZone(text, 'the root is no response policy zone', 'write the name of the zone');
      return name instanceof Fault ? name : formatName(name);
    },
    same,
  );

/** An IP address. */
export const ipAddress = () =>
  textLeaf(
    { name: 'address' },
    (text) => readAddress(text),
    (words) => formatAddress(words),
  );

/** An address of a host that is asked. */
export const hostAddress = () =>
  textLeaf<HostAddress>(
    { name: 'address' },
    (text) => {
      const words = readAddress(text);
      if (words instanceof Fault) return words;
      const address = formatAddress(words);
      return isUnspecified(address) ? unspecifiedFault(text) : { address, family: isIpv4(words) ? 4 : 6 };
    },
    ({ address }) => address,
  );

const readEndpoint = (text: string, portDefault: number): Endpoint | undefined => {
  const found = parseEndpoint(text, portDefault);
  if (found === undefined || found.address.includes('%')) return found;
  const words = createAddress();
  parseAddress(found.address, words);
  return { address: formatAddress(words), port: found.port, family: isIpv4(words) ? 4 : 6 };
};

/** The fault of a text that is no address with a port. */
export const notAnEndpoint = (text: string, otherwise = ''): Fault => {
  const meant = suggestEndpoint(text.replace(SCHEME, ''));
  const hint =
    meant === undefined
      ? `write it such as "192.0.2.1:53" or "[2001:db8::1]:53"${otherwise}`
      : `did you mean ${meant}?`;
  return new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not an address with a port`, hint);
};

/** What may stand before the address of an upstream. */
const SCHEME = /^[a-z]+:\/\//i;

const isUnspecified = (address: string): boolean => address === '0.0.0.0' || address === '::';

const unspecifiedFault = (text: string): Fault =>
  new Fault('ERR_CONFIG_VALUE', `${quote(text)} is the unspecified address, which nobody can ask`);

const readZone = (text: string, rootText: string, rootHint: string): Uint8Array | Fault => {
  const name = text === '' ? 'empty' : parseName(text);
  if (typeof name === 'string') {
    const reason = name.replaceAll('-', ' ');
    return new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not a domain name (${reason})`);
  }
  if (name.length === 1) return new Fault('ERR_CONFIG_VALUE', rootText, rootHint);
  foldName(name, 0, name.length);
  return name;
};

/** The address that a text is, without a zone; `below` is its place below the leaf. */
export const readAddress = (text: string, below: Path = []): AddressWords | Fault => {
  const words = createAddress();
  return !text.includes('%') && parseAddress(text, words)
    ? words
    : new Fault('ERR_CONFIG_VALUE', `${quote(text)} is not an IP address`, undefined, below);
};
