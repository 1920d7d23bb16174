// Requests to an ACME directory, each over a connection of its own (RFC 8555 section 6.1).
//
// node:https, because the addresses of the host come from the caller: the system's resolver may be Cordon itself. The directory is not
// trusted to be well: what it sends is bounded in bytes and in time, it leads to no other server than its own, and a redirect is a
// fault. Certificates are verified whatever the environment says, no proxy of the environment is used, and no cookie is kept.
import type { IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { loadHttps } from '../../base/http/http.ts';
import { acmeError, causeText } from './acme-error.ts';

/** From the look-up to the last byte of one answer, milliseconds. */
const REQUEST_MS_MAX = 30_000;
/** A chain of ten certificates has 20 KB. */
const BODY_BYTES_MAX = 128 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;
const URL_LENGTH_MAX = 2_048;

/** An address of the host of a directory. */
export interface DirectoryAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** How a directory is reached. */
export interface TransportOptions {
  /** Looks up the addresses of a host; neither through the system's resolver nor through this one. May reject. */
  readonly resolve: (host: string, signal: AbortSignal) => Promise<readonly DirectoryAddress[]>;
  /** PEM of the authorities of the directory's own certificate; undefined: those that Node.js brings. */
  readonly authorities: readonly string[] | undefined;
  readonly userAgent: string;
}

/** What came. */
export interface DirectoryAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly fields: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** A way to one directory. */
export class Transport {
  readonly #directory: URL;
  readonly #options: TransportOptions;

  constructor(directory: URL, options: TransportOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /**
   * Sends a request, by POST where there is a body (RFC 8555 section 6.2). Throws ERR_ACME_UNREACHABLE, ERR_ACME_ANSWER for an
   * answer out of bounds and for a place at another server than the directory's, and what ended the signal.
   */
  async send(
    method: 'GET' | 'HEAD' | 'POST',
    place: unknown,
    body: string,
    signal: AbortSignal,
  ): Promise<DirectoryAnswer> {
    const url = this.#check(place);
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS_MAX)]);
    try {
      return await this.#exchange(method, url, body, bounded);
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('ERR_ACME_'))
        throw thrown;
      const why = bounded.aborted ? `no answer within ${REQUEST_MS_MAX / 1000} s` : causeText(thrown);
      throw acmeError('ERR_ACME_UNREACHABLE', `${url.host} cannot be reached: ${why}`, {
        cause: thrown,
        hint: 'look at tls.acme.directory, at what the firewall lets through, and at tls.acme.ca for an authority of your own',
      });
    }
  }

  #check(place: unknown): URL {
    const url = typeof place === 'string' && place.length <= URL_LENGTH_MAX ? URL.parse(place) : null;
    if (url?.origin === this.#directory.origin && url.protocol === 'https:') return url;
    throw acmeError('ERR_ACME_ANSWER', `${this.#directory.host} names a place that is not its own`, {
      hint: 'all that a directory names has to be at its own server, by HTTPS',
    });
  }

  async #exchange(method: string, url: URL, body: string, signal: AbortSignal): Promise<DirectoryAnswer> {
    const { authorities, userAgent } = this.#options;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const addresses = await this.#addressesOf(host, signal);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = loadHttps().request({
      ...{
        method,
        host,
        port: url.port === '' ? 443 : Number(url.port),
        path: `${url.pathname}${url.search}`,
      },
      headers: {
        'user-agent': userAgent,
        ...(method === 'POST' && {
          'content-type': 'application/jose+json',
          'content-length': Buffer.byteLength(body),
        }),
      },
      agent: false,
      ...(addresses.length > 0 && { lookup: lookupOf(addresses) }),
      maxHeaderSize: HEADER_BYTES_MAX,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...(authorities !== undefined && { ca: [...authorities] }),
      signal,
    });
    request.once('response', resolve);
    // It stays for the time of the body, when errors are seen at the response.
    request.on('error', reject);
    request.end(body);
    const response = await promise;
    try {
      const fields = Object.fromEntries(
        Object.entries(response.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(', ') : value,
        ]),
      );
      return { status: response.statusCode ?? 0, fields, body: await readBody(response, url) };
    } finally {
      response.destroy();
    }
  }

  /** None for a host that is an address itself. */
  async #addressesOf(host: string, signal: AbortSignal): Promise<readonly DirectoryAddress[]> {
    if (host.includes(':') || /^[\d.]+$/.test(host)) return [];
    const addresses = await abortable(this.#options.resolve(host, signal), signal);
    if (addresses.length > 0) return addresses;
    throw acmeError('ERR_ACME_UNREACHABLE', `the directory's host ${host} has no address`);
  }
}

const readBody = async (response: IncomingMessage, url: URL): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) {
      throw acmeError('ERR_ACME_ANSWER', `${url.host} sends more than ${BODY_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
};

const abortable = async <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
};

/** What node:net calls instead of the system's resolver; it tries the addresses in turn. */
const lookupOf =
  (addresses: readonly DirectoryAddress[]): LookupFunction =>
  (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all === true || first === undefined) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
