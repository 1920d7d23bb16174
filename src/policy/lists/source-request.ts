// One GET request to a list source, with the redirects that are allowed (RFC 9110).
//
// node:http and node:https, because the addresses of a host come from the caller: the system's resolver may be
// Cordon itself. No cookies, no connection that is kept, no proxy; certificates are verified whatever the
// environment says, and TLS is 1.2 or newer.
import type { IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { isAppError } from '../../base/base.ts';
import { loadHttp, loadHttps } from '../../base/http/http.ts';
import { causeText, sourceError } from './source-error.ts';
import { credentialsOf, familyOf, followRedirect, hostOf, redactUrl } from './source-url.ts';
import type { FetchWatch } from './source-watch.ts';

/** Redirects that are followed: mirrors use one or two. */
const REDIRECTS_MAX = 5;
const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Bytes of a response's header fields; Node.js would allow as much. */
const HEADER_BYTES_MAX = 16 * 1024;

/** An address of a host. */
export interface SourceAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Looks up the addresses of a host; neither through the system's resolver nor through this one. May reject. */
export type ResolveHost = (hostname: string, signal: AbortSignal) => Promise<readonly SourceAddress[]>;

/** What all requests of a fetch have in common. */
export interface RequestContext {
  readonly resolve: ResolveHost;
  /** `cordon/<version>`. */
  readonly userAgent: string;
  /** Certificates in PEM that are trusted instead of those that Node.js brings; undefined for those. */
  readonly authorities?: readonly string[] | undefined;
  /** Hosts beside the source's that redirects may lead to. */
  readonly redirectHosts?: readonly string[] | undefined;
}

/** Header fields by name. */
export type RequestFields = Readonly<Record<string, string>>;

/** A response whose header has come; its body is to be read or destroyed. */
export interface SourceResponse {
  readonly response: IncomingMessage;
  /** Where the redirects ended. */
  readonly url: URL;
}

/** Sends a GET request and follows redirects; throws ERR_LIST_FETCH. */
export const requestSource = async (
  source: URL,
  fields: RequestFields,
  context: RequestContext,
  watch: FetchWatch,
): Promise<SourceResponse> => {
  const visited = new Set<string>();
  let url = source;
  for (;;) {
    visited.add(url.href);
    const sent = { ...fields, ...credentialsFor(source, url) };
    const response = await send(url, sent, context, watch);
    if (!REDIRECT_STATUSES.has(response.statusCode ?? 0)) return { response, url };
    response.destroy();
    const next = followRedirect(source, url, response.headers.location, context.redirectHosts ?? []);
    if (typeof next === 'string') throw fetchError(source, next);
    if (visited.has(next.href)) throw fetchError(source, 'redirects in a loop');
    if (visited.size > REDIRECTS_MAX) throw fetchError(source, `more than ${REDIRECTS_MAX} redirects`);
    url = next;
  }
};

/** An ERR_LIST_FETCH about an address. */
export const fetchError = (url: URL, reason: string, cause?: unknown): Error =>
  sourceError('ERR_LIST_FETCH', `fetching list ${redactUrl(url)}: ${reason}`, { cause });

/** User and password of the configured address, only for the server that they are meant for. */
const credentialsFor = (source: URL, url: URL): RequestFields => {
  const text = credentialsOf(source);
  if (url.origin !== source.origin || text === undefined || text === '') return {};
  return { authorization: `Basic ${Buffer.from(text).toString('base64')}` };
};

const send = async (
  url: URL,
  fields: RequestFields,
  context: RequestContext,
  watch: FetchWatch,
): Promise<IncomingMessage> => {
  watch.connecting();
  const addresses = await findAddresses(url, context, watch);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const isSecure = url.protocol === 'https:';
  const options = {
    host: hostOf(url),
    port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    headers: { 'user-agent': context.userAgent, ...fields },
    agent: false,
    lookup: lookupOf(addresses),
    maxHeaderSize: HEADER_BYTES_MAX,
    signal: watch.signal,
  } as const;
  const request = isSecure
    ? loadHttps().request({
        ...options,
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
        ...(context.authorities === undefined ? {} : { ca: [...context.authorities] }),
      })
    : loadHttp().request(options);
  request.once('socket', (socket) => {
    socket.once(isSecure ? 'secureConnect' : 'connect', () => watch.connected());
  });
  request.once('response', resolve);
  // It stays for the time of the body, when errors are seen at the response.
  request.on('error', reject);
  request.end();
  try {
    return await promise;
  } catch (thrown) {
    watch.signal.throwIfAborted();
    throw fetchError(url, causeText(thrown), thrown);
  }
};

const findAddresses = async (
  url: URL,
  context: RequestContext,
  watch: FetchWatch,
): Promise<readonly SourceAddress[]> => {
  const host = hostOf(url);
  if (familyOf(host) !== 0) return [];
  try {
    const addresses = await watch.race(context.resolve(host, watch.signal));
    if (addresses.length > 0) return addresses;
  } catch (thrown) {
    watch.signal.throwIfAborted();
    if (isAppError(thrown) && thrown.code === 'ERR_LIST_PRIVATE') throw thrown;
    throw fetchError(url, `looking up ${host}: ${causeText(thrown)}`, thrown);
  }
  throw fetchError(url, `looking up ${host}: it has no address`);
};

/** What node:net calls instead of the system's resolver; it tries the addresses in turn. */
const lookupOf =
  (addresses: readonly SourceAddress[]): LookupFunction =>
  (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all === true || first === undefined) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
