// How a resolver is reached: by an address over UDP and TCP, over TLS (RFC 7858) or over HTTPS in HTTP/2 (RFC 8484).
//
// Questions share one socket or connection for each way, as those of the self-probe do. A certificate at fault is no reason not to
// ask: what it proves is told beside the answers.
import { getServers } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Endpoint, errorText, formatEndpoint, parseEndpoint } from '../../base/base.ts';
import { FRAME_HEADER, MESSAGE_LENGTH_MAX } from '../../wire/dns/dns.ts';
import { type OpenWire, overStream, PLAIN_WAYS, ProbeChannel } from './channel.ts';

/** Loaded by the first question over TLS or HTTPS, as in secure-inquiry.ts. */
const loadTls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls');
const loadHttp2 = (): typeof import('node:http2') => process.getBuiltinModule('node:http2');

const DNS_PORT = 53;
const DOT_PORT = 853;
const HTTPS_PORT = 443;
const MEDIA_TYPE = 'application/dns-message';
const HTTP_OK = 200;

/** A way that a question may take. */
export type Way = 'udp' | 'tcp' | 'dot' | 'doh';

/** A resolver that is asked. */
export interface Resolver {
  /** As it was given. */
  readonly text: string;
  readonly server: Endpoint;
  readonly ways: readonly Way[];
  /** By which its certificate has to be known. */
  readonly name: string;
  /** Of the URL. */
  readonly path: string;
}

/** What a server proved with. */
export interface Proven {
  readonly fingerprint: string;
  /** Empty when a client of this host would believe it. */
  readonly fault: string;
}

/** The resolvers that this host asks. */
export const systemResolvers = (): readonly string[] => getServers();

/** Reads `ADDRESS[:PORT]`, `tls://HOST[:PORT]` or a URL of DNS over HTTPS; undefined for anything else. */
export const findResolver = async (text: string): Promise<Resolver | undefined> => {
  const plain = parseEndpoint(text, DNS_PORT);
  if (plain !== undefined)
    return { text, server: plain, ways: ['udp', 'tcp'], name: plain.address, path: '' };
  if (!/^(?:tls|https):\/\//.test(text) || !URL.canParse(text)) return undefined;
  const { protocol, hostname, port, pathname, search } = new URL(text);
  const name = hostname.replace(/^\[|\]$/g, '');
  if (name === '') return undefined;
  const { address, family } = isIP(name) === 0 ? await lookup(name) : { address: name, family: isIP(name) };
  const isDot = protocol === 'tls:';
  const server = parseEndpoint(family === 6 ? `[${address}]` : address, isDot ? DOT_PORT : HTTPS_PORT);
  if (server === undefined) return undefined;
  return {
    text,
    server: port === '' ? server : { ...server, port: Number(port) },
    ways: [isDot ? 'dot' : 'doh'],
    name,
    path: `${pathname}${search}`,
  };
};

/** The sockets to a resolver; `onProven` is told what it proves with, once for each connection. */
export const channelTo = (
  resolver: Resolver,
  authorities: readonly string[] | undefined,
  onProven: (proven: Proven) => void,
): ProbeChannel<Way> => {
  const { server, name, path } = resolver;
  const options = {
    host: server.address,
    port: server.port,
    rejectUnauthorized: false,
    ...(authorities !== undefined && { ca: [...authorities] }),
    ...(isIP(name) === 0 && { servername: name }),
  };
  const openTls: OpenWire = (_, onMessage, onEnd) => {
    const socket = loadTls().connect({ ...options, ALPNProtocols: ['dot'] });
    socket.once('secureConnect', () => onProven(provenBy(socket)));
    return overStream(socket, onMessage, onEnd);
  };
  const openHttps: OpenWire = (_, onMessage, onEnd) => {
    const socket = loadTls().connect({ ...options, ALPNProtocols: ['h2'] });
    socket.once('secureConnect', () => {
      onProven(provenBy(socket));
      if (socket.alpnProtocol !== 'h2') onEnd('it does not speak HTTP/2');
    });
    const session = loadHttp2().connect(`https://${formatAuthority(name, server.port)}`, {
      createConnection: () => socket,
    });
    session.on('error', (error) => onEnd(errorText(error)));
    session.on('close', () => onEnd('the connection was closed'));
    const send = (message: Uint8Array): void => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': MEDIA_TYPE,
        accept: MEDIA_TYPE,
      });
      const parts: Buffer[] = [];
      let size = 0;
      stream.on('error', (error) => onEnd(errorText(error)));
      stream.on('response', (headers) => {
        if (headers[':status'] !== HTTP_OK) onEnd(`status ${headers[':status']}`);
      });
      stream.on('data', (part: Buffer) => {
        size += part.length;
        if (size > FRAME_HEADER + MESSAGE_LENGTH_MAX) onEnd('more than a DNS message');
        else parts.push(part);
      });
      stream.on('end', () => onMessage(Buffer.concat(parts)));
      stream.end(message);
    };
    return {
      send: (message) => {
        if (!session.destroyed && !session.closed) send(message);
      },
      close: () => session.destroy(),
    };
  };
  return new ProbeChannel<Way>({ ...PLAIN_WAYS, dot: openTls, doh: openHttps });
};

const formatAuthority = (name: string, port: number): string =>
  isIP(name) === 0 ? `${name}:${port}` : formatEndpoint({ address: name, port });

const provenBy = (socket: TLSSocket): Proven => ({
  fingerprint: socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase() ?? '',
  fault: socket.authorized ? '' : String(socket.authorizationError),
});
