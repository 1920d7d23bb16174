// The leaves of upstreams: servers as URLs, as DNS stamps, or as a plain address, all brought to one form.
//
// What a text does not say about encryption is never guessed: a scheme is fixed by what was written. An encrypted
// server always has somebody whom its certificate has to be for (RFC 8310 section 8): the name behind "#", else the
// host. Two spellings of one server get one text, so that it is seen to be the same.
import {
  createAddress,
  type Endpoint,
  formatAddress,
  formatEndpoint,
  parseAddress,
  suggestEndpoint,
} from '../base/base.ts';
import { notAnEndpoint, readServerEndpoint } from './address-leaf.ts';
import { readStamp, type Stamp } from './stamp.ts';
import { Fault, quote, suggest, textLeaf } from './value.ts';

/** Where an upstream is: at an address, or at whatever addresses the bootstrap servers have for its name. */
export type UpstreamHost =
  | { readonly kind: 'address'; readonly endpoint: Endpoint }
  | {
      readonly kind: 'name';
      /** Letters folded, without the final dot. Never for `udp` and `tcp`. */
      readonly name: string;
      readonly port: number;
    };

/** One server that is asked. */
export interface UpstreamConfig {
  /** How it is asked: `udp` is UDP, and TCP when an answer is truncated. */
  readonly transport: 'udp' | 'tcp' | 'tls' | 'https';
  readonly host: UpstreamHost;
  /** Whom the certificate has to be for: a name, or an address without a zone; undefined without encryption. */
  readonly serverName: string | undefined;
  /** SHA-256 of public keys (SPKI) in Base64, of which the certificate has to have one; empty: any. */
  readonly pins: readonly string[];
  /** SHA-256 of TBS certificates in lower-case hexadecimal, one of which has to be in the chain; empty: any. */
  readonly certificateHashes: readonly string[];
  /** Of `https` only: the path, with the query if there is one. */
  readonly path: string | undefined;
  /** What metrics and logs call it, such as `192.0.2.53:53` or `tls://192.0.2.54:853#dns.example.net`. */
  readonly text: string;
}

type Transport = UpstreamConfig['transport'];
type EncryptedTransport = Exclude<Transport, 'udp' | 'tcp'>;

/** Characters of a server: the longest name twice, a path, and all hashes. */
const UPSTREAM_LENGTH_MAX = 4096;
/** Public keys and certificates of one server: one in use, those before and after it, for a few operators. */
const HASHES_MAX = 8;
/** Characters of a path with its query. */
const PATH_LENGTH_MAX = 1024;
/** Characters of a host name without the final dot (RFC 1035 section 2.3.4). */
const HOST_LENGTH_MAX = 253;
const PORT_MAX = 0xffff;
const SHA256_BYTES = 32;

/** RFC 1035 section 4.2, RFC 7766, RFC 7858 section 3.1, RFC 9110 section 4.2.2. */
const PORTS: Readonly<Record<Transport, number>> = { udp: 53, tcp: 53, tls: 853, https: 443 };
const SCHEMES = [...Object.keys(PORTS), 'sdns'];
/** What a URL of DNS over HTTPS without a path means: RFC 8484 has none, and this is what servers have. */
const DOH_PATH = '/dns-query';
const UNAVAILABLE: ReadonlyMap<string, string> = new Map([
  ['quic', 'DNS over QUIC'],
  ['doq', 'DNS over QUIC'],
  ['h3', 'DNS over HTTP/3'],
]);
const PIN = 'pin-sha256';
const CERTIFICATE = 'certificate-sha256';
const PARAMETERS = [PIN, CERTIFICATE];
const EXAMPLES =
  'write it such as "192.0.2.53", "tls://192.0.2.54#dns.example.net" or "https://dns.example.net/dns-query"';

/** A server that is asked. */
export const upstream = () =>
  textLeaf(
    { name: 'upstream', bounds: `at most ${UPSTREAM_LENGTH_MAX} characters` },
    readUpstream,
    formatUpstream,
  );

/** A server that is asked in plain DNS, by its address. */
export const plainServer = () =>
  textLeaf(
    { name: 'address and port', bounds: `port ${PORTS.udp} when none is written` },
    (text) =>
      text.includes('://')
        ? new Fault(
            'ERR_CONFIG_VALUE',
            `${quote(text)} is not an address`,
            'write an address without a scheme',
          )
        : (readServerEndpoint(text, PORTS.udp) ?? notAnEndpoint(text)),
    formatEndpoint,
  );

/** The text that upstream() reads back. */
const formatUpstream = ({ text, pins, certificateHashes }: UpstreamConfig): string => {
  const parameters = [
    ...pins.map((pin) => `${PIN}=${pin}`),
    ...certificateHashes.map((hash) => `${CERTIFICATE}=${hash}`),
  ];
  if (parameters.length === 0) return text;
  return `${text}${text.includes('#') ? '&' : '#'}${parameters.join('&')}`;
};

const readUpstream = (text: string): UpstreamConfig | Fault => {
  if (text.length > UPSTREAM_LENGTH_MAX) {
    return new Fault('ERR_CONFIG_VALUE', `${quote(text)} has over ${UPSTREAM_LENGTH_MAX} characters`);
  }
  const [, scheme = 'udp', rest = text] = /^([^/?#]*):\/\/(.*)$/s.exec(text) ?? [];
  switch (scheme.toLowerCase()) {
    case 'udp':
      return readPlain('udp', rest, text);
    case 'tcp':
      return readPlain('tcp', rest, text);
    case 'tls':
      return readEncrypted('tls', rest, text);
    case 'https':
      return readEncrypted('https', rest, text);
    case 'sdns':
      return fromStamp(rest, text);
    default:
      return notAScheme(scheme.toLowerCase());
  }
};

const notAScheme = (scheme: string): Fault => {
  const name = UNAVAILABLE.get(scheme);
  return name === undefined
    ? new Fault(
        'ERR_CONFIG_VALUE',
        `${quote(scheme)} is not a scheme of upstreams`,
        suggest(scheme, SCHEMES) ?? `schemes are ${SCHEMES.join(', ')}`,
      )
    : new Fault(
        'ERR_CONFIG_UNAVAILABLE',
        `${name} is not available in this version`,
        'most servers that have it answer "tls://" and "https://" too',
      );
};

const readPlain = (transport: 'udp' | 'tcp', rest: string, written: string): UpstreamConfig | Fault => {
  if (rest.includes('#')) {
    const hint = 'remove it, or write "tls://" or "https://" before the address';
    return new Fault('ERR_CONFIG_VALUE', `${quote(written)} has a part after "#" and is not encrypted`, hint);
  }
  const endpoint = readServerEndpoint(rest, PORTS[transport]);
  if (endpoint instanceof Fault) return endpoint;
  return endpoint === undefined ? notPlain(rest, written) : toPlain(transport, endpoint);
};

/** A host name is refused for what it is: looking it up leads to an answer that nobody can check. */
const notPlain = (rest: string, written: string): Fault => {
  const [, name = ''] = /^([^:[\]]*)(?::\d{1,5})?$/.exec(rest) ?? [];
  return readName(name) === undefined
    ? notAnEndpoint(written)
    : new Fault(
        'ERR_CONFIG_VALUE',
        `${quote(written)} is not an address with a port`,
        'only servers of "tls://" and "https://" can have a host name',
      );
};

const toPlain = (transport: 'udp' | 'tcp', endpoint: Endpoint): UpstreamConfig => ({
  transport,
  host: { kind: 'address', endpoint },
  serverName: undefined,
  pins: [],
  certificateHashes: [],
  path: undefined,
  text: `${transport === 'udp' ? '' : 'tcp://'}${formatEndpoint(endpoint)}`,
});

const readEncrypted = (
  transport: EncryptedTransport,
  rest: string,
  written: string,
): UpstreamConfig | Fault => {
  const [place = '', fragment] = splitAt(rest, '#');
  const [authority = '', path] = splitAt(place, '/');
  const host = readHost(authority, PORTS[transport], written);
  if (host instanceof Fault) return host;
  const proof = readProof(fragment, written);
  if (proof instanceof Fault) return proof;
  return toEncrypted(transport, host, path === undefined ? undefined : `/${path}`, proof, written);
};

/** Both parts around the first separator; the second is undefined without one. */
const splitAt = (text: string, separator: string): [string, string?] => {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
};

const readHost = (text: string, portDefault: number, written: string): UpstreamHost | Fault => {
  const endpoint = readServerEndpoint(text, portDefault);
  if (endpoint instanceof Fault) return endpoint;
  if (endpoint !== undefined) return { kind: 'address', endpoint };
  const [, nameText = '', portText = String(portDefault)] = /^([^:[\]]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const [name, port] = [readName(nameText), Number(portText)];
  if (name === undefined || port > PORT_MAX) {
    const meant = suggestEndpoint(text);
    const hint = meant === undefined ? EXAMPLES : `did you mean ${meant}?`;
    return new Fault('ERR_CONFIG_VALUE', `${quote(written)} has no host that is an address or a name`, hint);
  }
  return port === 0
    ? new Fault('ERR_CONFIG_VALUE', `${quote(written)} has port 0, which nobody can ask`)
    : { kind: 'name', name, port };
};

/** A host name, letters folded, without the final dot: letters, digits and hyphens (RFC 1123 section 2.1). */
const readName = (text: string): string | undefined => {
  const name = text.toLowerCase().replace(/\.$/, '');
  const labels = name.split('.');
  const isName =
    name.length <= HOST_LENGTH_MAX &&
    labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
  // Whatever ends in a number is a slip in an address.
  return isName && !/^\d+$/.test(labels.at(-1) ?? '') ? name : undefined;
};

/** What proves that a server is the right one. */
interface Proof {
  readonly name: string | undefined;
  readonly pins: readonly string[];
  readonly certificateHashes: readonly string[];
}

/** The part after "#": a name, parameters, or a name and parameters. */
const readProof = (fragment: string | undefined, written: string): Proof | Fault => {
  if (fragment === undefined) return { name: undefined, pins: [], certificateHashes: [] };
  const parts = fragment.split('&');
  const nameText = parts[0]?.includes('=') === true ? undefined : parts.shift();
  const name = nameText === undefined ? undefined : readServerName(nameText);
  if (nameText !== undefined && name === undefined) {
    const text = `${quote(written)} has no name after "#" that a certificate can be for`;
    return new Fault('ERR_CONFIG_VALUE', text, 'write a host name or an address, such as "#dns.example.net"');
  }
  const pins = new Set<string>();
  const certificateHashes = new Set<string>();
  for (const part of parts) {
    const [key = '', value = ''] = splitAt(part, '=');
    if (key === PIN && isPin(value)) pins.add(value);
    else if (key === CERTIFICATE && isHash(value)) certificateHashes.add(value.toLowerCase());
    else return notAParameter(key, value);
  }
  return Math.max(pins.size, certificateHashes.size) > HASHES_MAX
    ? tooManyHashes(written)
    : { name, pins: [...pins], certificateHashes: [...certificateHashes] };
};

const tooManyHashes = (written: string): Fault =>
  new Fault('ERR_CONFIG_LIMIT', `${quote(written)} has more than ${HASHES_MAX} hashes of a kind`);

/** A name, or an address without a zone, as certificates have them. */
const readServerName = (text: string): string | undefined => {
  const words = createAddress();
  return !text.includes('%') && parseAddress(text, words) ? formatAddress(words) : readName(text);
};

/** Strict: Node.js would skip what is no Base64. */
const isPin = (text: string): boolean => {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === SHA256_BYTES && bytes.toString('base64') === text;
};

const isHash = (text: string): boolean => text.length === 2 * SHA256_BYTES && /^[0-9a-f]+$/i.test(text);

const notAParameter = (key: string, value: string): Fault => {
  if (key === PIN) {
    const hint = `write the SHA-256 of the public key in Base64, such as "${PIN}=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="`;
    return new Fault('ERR_CONFIG_VALUE', `${quote(value)} is not a pin`, hint);
  }
  if (key === CERTIFICATE) {
    const hint = `write ${2 * SHA256_BYTES} hexadecimal digits`;
    return new Fault('ERR_CONFIG_VALUE', `${quote(value)} is not a SHA-256`, hint);
  }
  const hint = suggest(key, PARAMETERS) ?? `parameters are ${PARAMETERS.join(', ')}`;
  return new Fault('ERR_CONFIG_VALUE', `${quote(key)} is not a parameter of an upstream`, hint);
};

const toEncrypted = (
  transport: EncryptedTransport,
  host: UpstreamHost,
  path: string | undefined,
  { name, pins, certificateHashes }: Proof,
  written: string,
): UpstreamConfig | Fault => {
  if (transport === 'tls' && path !== undefined) {
    return new Fault('ERR_CONFIG_VALUE', `${quote(written)} has a path, which goes with "https://" only`);
  }
  if (path !== undefined && !isPath(path)) {
    const text = `${quote(written)} has a path that is none of a URL, or has over ${PATH_LENGTH_MAX} characters`;
    return new Fault(
      'ERR_CONFIG_VALUE',
      text,
      `write the path alone, such as "${DOH_PATH}", without "{?dns}"`,
    );
  }
  const pathTaken = transport === 'tls' ? undefined : (path ?? DOH_PATH);
  const hostName = host.kind === 'name' ? host.name : withoutZone(host.endpoint.address);
  const serverName = name ?? hostName;
  const place = host.kind === 'name' ? `${host.name}:${host.port}` : formatEndpoint(host.endpoint);
  const suffix = serverName === hostName ? '' : `#${serverName}`;
  const text = `${transport}://${place}${pathTaken ?? ''}${suffix}`;
  return { transport, host, serverName, pins, certificateHashes, path: pathTaken, text };
};

/** A path with or without a query (RFC 3986 sections 3.3 and 3.4). */
const isPath = (path: string): boolean =>
  path.length <= PATH_LENGTH_MAX && /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/.test(path);

const withoutZone = (address: string): string => splitAt(address, '%')[0];

const fromStamp = (rest: string, written: string): UpstreamConfig | Fault => {
  const stamp = readStamp(rest);
  if (stamp instanceof Fault) return new Fault(stamp.code, `${quote(written)} ${stamp.text}`, stamp.hint);
  const server =
    stamp.transport === 'udp' ? readPlain('udp', stamp.address, stamp.address) : readStampServer(stamp);
  return server instanceof Fault
    ? new Fault(server.code, `${quote(written)} is a DNS stamp that leads nowhere: ${server.text}`)
    : server;
};

const readStampServer = (stamp: Stamp): UpstreamConfig | Fault => {
  const transport: EncryptedTransport = stamp.transport === 'https' ? 'https' : 'tls';
  // The port of the name holds where the address has none.
  const named = readHost(stamp.host, PORTS[transport], stamp.host);
  if (named instanceof Fault) return named;
  const port = named.kind === 'name' ? named.port : named.endpoint.port;
  const name = named.kind === 'name' ? named.name : withoutZone(named.endpoint.address);
  const isPortAlone = stamp.address === '' || stamp.address.startsWith(':');
  const address = isPortAlone ? `${formatName(name)}${stamp.address || `:${port}`}` : stamp.address;
  const host = readHost(address, port, address);
  if (host instanceof Fault) return host;
  if (stamp.certificateHashes.length > HASHES_MAX) return tooManyHashes(stamp.host);
  const proof = { name, pins: [], certificateHashes: stamp.certificateHashes };
  return toEncrypted(transport, host, stamp.path === '' ? undefined : stamp.path, proof, stamp.path);
};

/** A name or an address, to be followed by a port. */
const formatName = (name: string): string => (name.includes(':') ? `[${name}]` : name);
