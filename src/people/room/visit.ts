// One request as the control room sees it: from where, for which site, with which cookie; and the cookies of an answer.
//
// Without TLS a cookie cannot have the prefix `__Host-`, which browsers give to secure ones only; that is for loopback.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Site } from './passkeys.ts';

/** Characters of a cookie's value: a token in base64url. */
const TOKEN = /^[\w-]{43}$/;

/** What a request shows. */
export interface Visit {
  /** Of the connection: no header says another one. */
  readonly address: string;
  readonly site: Site;
  /** Of the cookie; undefined: there is none. */
  readonly token: string | undefined;
  /** Puts another token into the cookie. */
  setToken(token: string): void;
}

/**
 * The name of the session's cookie, and of the one that goes with a flow to the identity provider. No other host of the domain can
 * put either of them into a browser.
 */
export const cookieNames = (isSecure: boolean): { session: string; flow: string } => ({
  session: isSecure ? '__Host-cordon' : 'cordon',
  flow: isSecure ? '__Host-cordon-flow' : 'cordon-flow',
});

/** The token of a cookie's value; undefined for what this program did not write. */
export const readToken = (value: string | undefined): string | undefined =>
  value !== undefined && TOKEN.test(value) ? value : undefined;

/** How the room is reached. */
interface Served {
  readonly tls: object | undefined;
  readonly url: URL | undefined;
}

/** The site that the browser sees. `Host` has been found to be this host's. */
export const siteOf = (isSecure: boolean, host: string | undefined, url: URL | undefined) => {
  const seen = new URL(`${isSecure ? 'https' : 'http'}://${host ?? 'localhost'}`);
  // Behind a proxy that ends TLS the scheme is another one.
  const site = url !== undefined && url.host === seen.host ? url : seen;
  return { origin: site.origin, rpId: site.hostname };
};

/** A request as it came, and the cookies of its answer. */
export const visitOf = ({ tls, url }: Served, request: FastifyRequest, reply: FastifyReply): Visit => {
  const isSecure = tls !== undefined || url?.protocol === 'https:';
  const names = cookieNames(isSecure);
  return {
    address: request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '',
    site: siteOf(tls !== undefined, request.headers.host, url),
    token: readToken(request.cookies[names.session]),
    setToken: (token) => {
      reply.setCookie(names.session, token, {
        path: '/',
        httpOnly: true,
        sameSite: 'strict',
        secure: isSecure,
      });
    },
  };
};

/** What a page has to send back with everything that changes something. */
export const csrfOf = (key: Buffer, token: string): string =>
  createHmac('sha256', key).update(token).digest('base64url');

/** True for the text that belongs to a token. */
export const isCsrf = (key: Buffer, token: string, shown: unknown): boolean => {
  const expected = Buffer.from(csrfOf(key, token));
  const found = Buffer.from(typeof shown === 'string' ? shown : '');
  return expected.length === found.length && timingSafeEqual(expected, found);
};
