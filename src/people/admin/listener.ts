// The HTTP listener of the operators: who may ask, how much, how long.
//
// Who may ask is judged by the address of the connection alone: Forwarded and the like are ignored. The host that a
// request is for has to be this one (host-check.ts). No body is read: a connection that brings one is closed after the
// response. Connections on which nothing happens give way (connection-gate.ts).
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AppError,
  createAddress,
  type Endpoint,
  errorText,
  formatEndpoint,
  type Prefix,
  PrefixTable,
  parseAddress,
  systemErrorCode,
} from '../../base/base.ts';
import { loadHttp } from '../../base/http/http.ts';
import { ConnectionGate } from './connection-gate.ts';
import { dispatch } from './dispatch.ts';
import { isOwnHost } from './host-check.ts';
import type { ProgramControl } from './program-operations.ts';
import { broken, forbidden, misdirected, type Reply } from './reply.ts';
import { type AdminLog, close, write } from './responses.ts';

/** Connections at a time: a few scrapers, probes and people; each holds at most a header and one page. */
const ADMIN_CONNECTIONS_MAX = 64;
/** Of these, for addresses that may not ask: enough to tell them so. */
const STRANGERS_MAX = 8;
/** Bytes of a request's header: a scraper sends some 300, a browser with cookies of other ports a few thousand. */
const HEADER_BYTES_MAX = 8 * 1024;
/** A header that is not complete by then is a stalled or hostile client. */
const HEADER_MS_MAX = 5_000;
/** The whole request; a scrape of every series takes some 50 ms. */
const REQUEST_MS_MAX = 10_000;
/** Shorter than a scrape interval: idle connections do not fill the bound. */
const IDLE_MS_MAX = 5_000;

/** Codes of this room. */
export type AdminErrorCode = 'ERR_ADMIN_CONTROL' | 'ERR_ADMIN_LISTEN';

/** What the listener needs. */
export interface AdminOptions {
  readonly endpoint: Endpoint;
  /** Who may ask. */
  readonly allow: readonly Prefix[];
  /** Names of this host beside its own, folded, without a dot at the end. */
  readonly hosts: readonly string[];
  readonly control: ProgramControl;
  readonly log: AdminLog;
}

/** A listener that runs. */
export interface Admin {
  /** `ADDRESS:PORT` as bound. */
  readonly address: string;
  /** Lets running responses end within a second, then closes every connection. */
  close(): Promise<void>;
}

/** Opens the listener. Throws ERR_ADMIN_LISTEN. */
export const startAdmin = async (options: AdminOptions): Promise<Admin> => {
  const allowed = PrefixTable.build(options.allow.map((prefix) => ({ prefix, value: 0 })));
  const hosts = new Set(options.hosts);
  const gate = new ConnectionGate(ADMIN_CONNECTIONS_MAX - STRANGERS_MAX);
  const strangers = new ConnectionGate(STRANGERS_MAX);
  const server = loadHttp().createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADER_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      keepAliveTimeout: IDLE_MS_MAX,
      connectionsCheckingInterval: 1_000,
      requireHostHeader: false,
    },
    (request, response) => {
      gate.begin(request.socket);
      response.once('close', () => gate.end(request.socket));
      void answer(request, options, allowed, hosts).then((reply) => {
        write(request, response, reply);
      });
    },
  );
  server.on('connection', (socket) => {
    (isAllowed(socket.remoteAddress, allowed) ? gate : strangers).enter(socket);
  });
  // A client that does not read its response.
  server.setTimeout(REQUEST_MS_MAX);
  await listen(server, options.endpoint);
  // Accepting can fail for want of descriptors; a client is not told then, so the log tells it.
  server.on('error', (error) => options.log.error({ err: error }, 'an admin request could not be accepted'));
  const { port } = server.address() as AddressInfo;
  return {
    address: formatEndpoint({ address: options.endpoint.address, port }),
    close: () => close(server),
  };
};

/** Never rejects. */
const answer = async (
  request: IncomingMessage,
  { control, log }: AdminOptions,
  allowed: PrefixTable,
  hosts: ReadonlySet<string>,
): Promise<Reply> => {
  if (!isAllowed(request.socket.remoteAddress, allowed)) return forbidden();
  if (!isOwnHost(request.headers.host, hosts)) return misdirected();
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  try {
    const asked = { method: request.method ?? '', path, query: '', readBody: () => Promise.resolve('') };
    return await dispatch('listener', asked, SCRAPER, { program: control });
  } catch (error) {
    log.error({ err: error, path }, 'answering an admin request');
    return broken();
  }
};

/** Programs that read; nobody in particular. */
const SCRAPER = { name: '', account: undefined, roles: [], from: '', via: 'listener' } as const;

const isAllowed = (text: string | undefined, allowed: PrefixTable): boolean => {
  const address = createAddress();
  return parseAddress(text ?? '', address) && allowed.find(address) >= 0;
};

const listen = (server: Server, endpoint: Endpoint): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(toListenError(endpoint, error));
    });
    server.listen({ host: endpoint.address, port: endpoint.port }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });

const LISTEN_FAILURES: Readonly<Record<string, { text: string; hint: string }>> = {
  EADDRINUSE: {
    text: 'the address is in use',
    hint: 'stop the other program, or set listen.admin to another port',
  },
  EACCES: {
    text: 'not permitted',
    hint: 'ports below 1024 need the capability CAP_NET_BIND_SERVICE',
  },
  EADDRNOTAVAIL: {
    text: 'the address is not one of this machine',
    hint: 'set listen.admin to an address that this machine has',
  },
};

const toListenError = (endpoint: Endpoint, cause: Error): AppError<AdminErrorCode> => {
  const known = LISTEN_FAILURES[systemErrorCode(cause) ?? ''];
  const message = `listening for admin requests on ${formatEndpoint(endpoint)}: ${known?.text ?? errorText(cause)}`;
  return new AppError(
    'ERR_ADMIN_LISTEN',
    message,
    known === undefined ? { cause } : { cause, hint: known.hint },
  );
};
