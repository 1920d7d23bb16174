// Addresses of list sources: which are fetched, where a redirect may lead, and how they look in a message.
//
// An address can carry a password or a token, and messages end in logs: user information and query are cut out of
// every text. A redirect is an instruction of a foreign server: it may not leave HTTPS, and it leads to other hosts
// only when the operator named them, so that no server can point Cordon at machines of the operator's own network, nor
// at other services of its own: the port stays, too, but for the way from http to https on their own ports.
import { isIP } from 'node:net';
import { sourceError } from './source-error.ts';

/** Characters of an address; longer ones are no list. */
const URL_LENGTH_MAX = 2048;

/** Parses the address of a source; throws ERR_LIST_FETCH for anything but HTTP and HTTPS. */
export const parseSourceUrl = (text: string): URL => {
  const url = text.length <= URL_LENGTH_MAX ? URL.parse(text) : null;
  // The text is not repeated: what does not parse cannot be redacted.
  if (url === null) throw sourceError('ERR_LIST_FETCH', 'fetching a list: the address is no URL');
  if (!isWeb(url)) {
    throw sourceError('ERR_LIST_FETCH', `fetching list ${redactUrl(url)}: only http and https are fetched`);
  }
  if (credentialsOf(url) === undefined) {
    throw sourceError('ERR_LIST_FETCH', `fetching list ${redactUrl(url)}: user or password is malformed`);
  }
  return url;
};

/** The text of an address for messages: without user, password, query and fragment. */
export const redactUrl = (url: URL): string => {
  const user = url.username === '' && url.password === '' ? '' : '***@';
  const query = url.search === '' ? '' : '?***';
  return `${url.protocol}//${user}${url.host}${url.pathname}${query}`;
};

/** User and password as `user:password`, empty without any; undefined when a percent sign is not part of a code. */
export const credentialsOf = (url: URL): string | undefined => {
  if (url.username === '' && url.password === '') return '';
  try {
    return `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  } catch {
    return undefined;
  }
};

/** The host of an address as sockets want it: IPv6 without brackets. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');

/** The family of a host that is an address, 0 for a name. */
export const familyOf = (host: string): 4 | 6 | 0 => {
  const family = isIP(host);
  return family === 4 || family === 6 ? family : 0;
};

/** Ports of the schemes (RFC 9110 section 4.2). */
const HTTP_PORT = '80';
const HTTPS_PORT = '443';

/**
 * Where a redirect leads, or why it is not followed. `hosts` are those that the operator allows beside the source's, with
 * their port where it is not that of the scheme.
 */
export const followRedirect = (
  source: URL,
  from: URL,
  location: string | undefined,
  hosts: readonly string[],
): URL | string => {
  if (location === undefined) return 'a redirect without Location';
  const url = location.length <= URL_LENGTH_MAX ? URL.parse(location, from.href) : null;
  if (url === null || !isWeb(url)) return 'a redirect to something else than HTTP';
  if (from.protocol === 'https:' && url.protocol !== 'https:') return 'a redirect from https to http';
  // Credentials in a Location would be the server's, for a third party.
  if (url.username !== '' || url.password !== '') return 'a redirect to an address with credentials';
  if (!hosts.includes(url.host)) {
    if (url.hostname !== source.hostname)
      return `a redirect to ${url.hostname}, a host that is not allowed for this source`;
    if (!isSamePort(source, url))
      return `a redirect to port ${portOf(url)}, which is not the one of this source`;
  }
  url.hash = '';
  return url;
};

const portOf = ({ port, protocol }: URL): string =>
  port !== '' ? port : protocol === 'https:' ? HTTPS_PORT : HTTP_PORT;

const isSamePort = (source: URL, url: URL): boolean =>
  portOf(url) === portOf(source) || (portOf(source) === HTTP_PORT && portOf(url) === HTTPS_PORT);

const isWeb = (url: URL): boolean => url.protocol === 'https:' || url.protocol === 'http:';
