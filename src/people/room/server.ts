// The server of the control room: Fastify with the routes of the table of operations, the pages, and what is live.
//
// Before anything else a request has to be for this host (against DNS rebinding), and what changes something has to be a
// POST of JSON from a page of this site, with the text that only this site's pages can read. Who acts is told by a session's
// cookie or by a machine's token, never by both. Nothing is trusted that a proxy adds.
import type { IncomingMessage, ServerResponse } from 'node:http';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { errorText, isAppError } from '../../base/base.ts';
import {
  type Actor,
  ALL_OPERATIONS,
  type AnyGiven,
  ConnectionGate,
  type Controls,
  isAt,
  isOwnHost,
  mayUse,
  type Need,
  needOf,
  notForRoles,
  type Operation,
  type Outcome,
  perform,
  type Reply,
  toProblem,
} from '../admin/admin.ts';
import type { Acts } from './acts.ts';
import type { FirstPage } from './first.ts';
import type { Live } from './live.ts';
import { findAnswer } from './page-answers.ts';
import type { Page } from './pages.ts';
import type { RoomParts } from './parts.ts';
import { createPeopleControl } from './people-control.ts';
import { RoomSession } from './session-control.ts';
import { accountableFor, isByHeader, signedOf } from './signed.ts';
import { cookieNames, isCsrf, readToken, siteOf, type Visit, visitOf } from './visit.ts';

/** A decision has a hash and a reason; a paper has a few paragraphs. */
const BODY_BYTES_MAX = 64 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;
const REQUEST_MS_MAX = 15_000;
/** Connections: people, each with six of a browser, and streams. */
const CONNECTIONS_MAX = 512;
/** Addresses whose requests are counted. */
const ADDRESSES_MAX = 5_000;
const API = '/api';
const LIVE_PATH = `${API}/live`;
const FLOW_SEC = 600;
const POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  connectSrc: ["'self'"],
  imgSrc: ["'self'"],
  fontSrc: ["'self'"],
  manifestSrc: ["'self'"],
  formAction: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
  requireTrustedTypesFor: ["'script'"],
  trustedTypes: ["'none'"],
} as const;

/** What the server needs beside what all parts share. */
export interface ServerOptions {
  readonly parts: RoomParts;
  readonly acts: Acts;
  readonly live: Live;
  readonly pages: ReadonlyMap<string, Page>;
  /** Draws the page with its numbers; undefined: nothing does. */
  readonly first: FirstPage | undefined;
  /** Undefined: plain, on loopback. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Names of this host beside its own, folded, without a dot at the end. */
  readonly hosts: ReadonlySet<string>;
  /** Of one address. */
  readonly requestsPerMinute: number;
  /** Of the configuration: how browsers reach the room; undefined: as they say in `Host`. */
  readonly url: URL | undefined;
}

/** Makes the server, which does not listen yet. */
export const createServer = async (options: ServerOptions): Promise<FastifyInstance> => {
  const { parts, tls } = options;
  const gate = new ConnectionGate(CONNECTIONS_MAX);
  const common = {
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: REQUEST_MS_MAX,
    forceCloseConnections: true,
    routerOptions: { ignoreDuplicateSlashes: false, ignoreTrailingSlash: false, maxParamLength: 200 },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
  } as const;
  const http = { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: REQUEST_MS_MAX, requireHostHeader: true };
  const server: FastifyInstance =
    tls === undefined
      ? Fastify({ ...common, http })
      : (Fastify({
          ...common,
          https: { ...http, ...tls, minVersion: 'TLSv1.2' },
        }) as unknown as FastifyInstance);
  server.server.on('connection', (socket) => gate.enter(socket));
  server.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    gate.begin(request.socket);
    response.once('close', () => gate.end(request.socket));
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  server.setErrorHandler((error, request, reply) => answerError(parts, error, request, reply));
  server.setNotFoundHandler((request, reply) => answerPage(options, request, reply));
  await server.register(cookie);
  await server.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: POLICY },
    crossOriginEmbedderPolicy: true,
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: tls === undefined ? false : { maxAge: 31_536_000 },
    xFrameOptions: { action: 'deny' },
  });
  await server.register(rateLimit, {
    max: options.requestsPerMinute,
    timeWindow: 60_000,
    cache: ADDRESSES_MAX,
    ipv6Subnet: 64,
    errorResponseBuilder: (_request, { ttl }) =>
      Object.assign(new Error(`too many requests; wait ${Math.ceil(ttl / 1000)} s`), { statusCode: 429 }),
  });
  server.addHook('onRequest', (request, reply, done) => {
    reply.header('Cache-Control', 'no-store');
    reply.header(
      'Permissions-Policy',
      'publickey-credentials-get=(self), publickey-credentials-create=(self)',
    );
    const refusal = refuseRequest(options, request);
    if (refusal === undefined) done();
    else sendReply(reply, refusal);
  });
  // Once for whatever is asked: nobody is shown or does anything by a word of the provider that it has taken back.
  server.addHook('preHandler', async (request, reply) => {
    await parts.vouching.freshen(accountableFor(parts, request, visitOf(options, request, reply)));
  });
  for (const [name, operation] of ALL_OPERATIONS) {
    if (isAt(operation, 'room')) addRoute(server, options, name, operation);
  }
  addRecordsKey(server, options);
  addProvider(server, options);
  addLive(server, options);
  return server;
};

/** Why a request is not looked at: for another host, or not of a page of this site. */
const refuseRequest = ({ hosts, tls, url }: ServerOptions, request: FastifyRequest): Reply | undefined => {
  const { host, origin, 'sec-fetch-site': site } = request.headers;
  if (!isOwnHost(host, hosts)) {
    return toProblem(
      421,
      'the Host of the request is no name of the control room: control-room.hosts names others',
    );
  }
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  const own = siteOf(tls !== undefined, host, url).origin;
  const isForeign =
    (origin !== undefined && origin !== own) ||
    (site !== undefined && site !== 'same-origin' && site !== 'none');
  return isForeign
    ? toProblem(403, 'the request is not of a page of this site', { code: 'ERR_ROOM_CSRF' })
    : undefined;
};

const addRoute = (
  server: FastifyInstance,
  options: ServerOptions,
  name: string,
  operation: Operation,
): void => {
  const { parts, acts } = options;
  server.route({
    method: operation.method,
    url: `${API}${operation.path.replace(/\{(\w+)\}/g, ':$1')}`,
    ...(operation.bodyBytesMax === undefined ? {} : { bodyLimit: operation.bodyBytesMax }),
    handler: async (request, reply) => {
      const visit = visitOf(options, request, reply);
      const signed = signedOf(parts, request, visit);
      // What is about the session of the cookie is never by a header.
      const isByCookie = !isByHeader(request) || operation.subject === 'session';
      if (operation.method === 'POST' && isByCookie && !hasCsrf(parts, visit, request)) {
        return sendReply(
          reply,
          toProblem(403, 'the header x-csrf-token is not that of GET /api/session', {
            code: 'ERR_ROOM_CSRF',
          }),
        );
      }
      if (signed === undefined && operation.isOpen !== true) {
        return sendReply(
          reply,
          toProblem(401, isByHeader(request) ? NO_TOKEN : NO_SESSION, { code: 'ERR_ROOM_SIGN_IN' }),
        );
      }
      const { actor, id } = signed ?? { actor: NOBODY, id: '' };
      if (!mayUse(operation, actor.roles)) return sendReply(reply, notForRoles(operation));
      if (operation.needsProof === true && signed?.isProven === false) return sendReply(reply, unproven());
      const controls: Controls = {
        ...parts.controls(),
        session: new RoomSession(parts, visit),
        people: createPeopleControl(parts),
      };
      const all: Controls = { ...controls, acts: acts.controlFor({ actor, id }, () => controls) };
      const control = all[operation.subject as keyof Controls];
      const parameters = operation.parameters.safeParse(request.params);
      if (control === undefined || !parameters.success)
        return sendReply(reply, toProblem(404, 'there is no such thing'));
      let giveBack: (() => void) | undefined;
      const instead = (need: Need, given: AnyGiven, body: unknown): Outcome<unknown> | undefined => {
        if (need.persons === 'one') return undefined;
        if (need.persons === 'nobody') return refusal(toProblem(409, need.why, { code: 'ERR_ROOM_ACT' }));
        if (signed?.isProven === false) return refusal(unproven());
        if (need.persons === 'summed') {
          giveBack = parts.spending.take(need.budget, actor.account ?? id, need.amount);
          if (giveBack !== undefined) return undefined;
        }
        const pending = acts.ask(name, given, body, { actor, id }, need.roles);
        return { isRefused: false, status: 202, value: { pending } };
      };
      const before = (given: AnyGiven, body: unknown) => {
        if (typeof body === 'object' && body !== null && 'by' in body)
          return refusal(toProblem(400, 'who acts is who is signed in: "by" is not for the control room'));
        if (operation.method === 'GET') return undefined;
        const need = needOf(name, control, given, parts.people.office);
        return need instanceof Promise
          ? need.then((found) => instead(found, given, body))
          : instead(need, given, body);
      };
      const asked = {
        query: request.url.split('?', 2)[1] ?? '',
        readBody: () => Promise.resolve(typeof request.body === 'string' ? request.body : ''),
      };
      const answer = await perform({ operation, control, actor, before }, parameters.data, asked);
      if (answer.status !== 200) giveBack?.();
      if (operation.method === 'POST' && operation.subject !== 'session')
        tellAct(parts, name, actor, { parameters: parameters.data, body: asked, status: answer.status });
      return sendReply(reply, answer);
    },
  });
};

const NO_SESSION = 'nobody is signed in, or the session is over';
const NO_TOKEN =
  'nobody made the token, its time is over, or the identity provider has not vouched for its holder for two weeks';

const NOBODY: Actor = { name: '', account: undefined, roles: [], from: '', via: 'room' };

const unproven = (): Reply =>
  toProblem(403, 'this needs proof that it is you: a code, a passkey, or the agency account anew', {
    code: 'ERR_ROOM_STEP_UP',
  });

const refusal = ({ status, body }: Reply): Outcome<never> => {
  const { detail, code } = JSON.parse(String(body)) as { detail: string; code?: string };
  return { isRefused: true, status, detail, more: code === undefined ? {} : { code } };
};

const hasCsrf = ({ csrfKey }: RoomParts, { token }: Visit, { headers }: FastifyRequest): boolean =>
  token !== undefined && isCsrf(csrfKey, token, headers['x-csrf-token']);

/** A record of everything that somebody did or tried, with what other records do not have: role and from where. */
const tellAct = (
  parts: RoomParts,
  name: string,
  { name: by, account, roles, from }: Actor,
  { parameters, body, status }: { parameters: object; body: { readBody(): Promise<string> }; status: number },
): void => {
  void body.readBody().then((text) => {
    parts.note(`room-${name}`, by, reasonIn(text), {
      ...{ parameters, account: account ?? null, roles, from, status },
    });
  });
};

const reasonIn = (text: string): string => {
  try {
    const { reason } = JSON.parse(text) as { reason?: unknown };
    return typeof reason === 'string' ? reason : '';
  } catch {
    return '';
  }
};

/** The public key of the records, for whoever asks: what they prove is nobody's secret. */
const addRecordsKey = (server: FastifyInstance, { parts }: ServerOptions): void => {
  server.get('/.well-known/cordon-records-key', (_request, reply) => {
    const key = parts.controls().records?.status()?.checkpoint?.verifier;
    return key === undefined
      ? sendReply(reply, toProblem(404, 'there is no key of records'))
      : reply.type('text/plain; charset=utf-8').send(`${key}\n`);
  });
};

/** Browsers are sent to the identity provider and come back: the only places that a link leads to. */
const addProvider = (server: FastifyInstance, options: ServerOptions): void => {
  const { parts, tls, url } = options;
  const isSecure = tls !== undefined || url?.protocol === 'https:';
  const name = cookieNames(isSecure).flow;
  // It comes back with a browser that the provider sends, from whatever site.
  const attributes = { path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure } as const;
  const redirectOf = (visit: Visit): string => `${visit.site.origin}/oidc/callback`;
  server.get('/oidc/start', async (request, reply) => {
    const visit = visitOf(options, request, reply);
    const { step, to } = request.query as { step?: unknown; to?: unknown };
    try {
      const session = step === undefined ? undefined : parts.sessions.find(visit.token)?.key;
      if (parts.provider === undefined || (step !== undefined && session === undefined))
        return toFault(reply, 'ERR_ROOM_SIGN_IN');
      const begun = await parts.provider.begin(redirectOf(visit), placeOf(to), session);
      reply.setCookie(name, begun.flow, { ...attributes, maxAge: FLOW_SEC });
      return await reply.redirect(begun.url, 303);
    } catch (thrown) {
      return tellProviderFault(parts, reply, thrown);
    }
  });
  server.get('/oidc/callback', async (request, reply) => {
    const visit = visitOf(options, request, reply);
    reply.clearCookie(name, attributes);
    try {
      const flow = readToken(request.cookies[name]);
      const to = await new RoomSession(parts, visit).endProvided(flow, request.url.split('?', 2)[1] ?? '');
      return await reply.redirect(to, 303);
    } catch (thrown) {
      return tellProviderFault(parts, reply, thrown);
    }
  });
};

/** A place of this site, and nothing that a browser takes for another one. */
const placeOf = (to: unknown): string =>
  typeof to === 'string' && /^\/(?![/\\])[\w\-./?=&%]{0,200}$/.test(to) ? to : '/';

const toFault = (reply: FastifyReply, code: string): FastifyReply => reply.redirect(`/?fault=${code}`, 303);

const tellProviderFault = ({ log }: RoomParts, reply: FastifyReply, thrown: unknown): FastifyReply => {
  if (!isAppError(thrown)) throw thrown;
  log.warn({ err: thrown }, 'somebody could not sign in by the identity provider');
  return toFault(reply, thrown.code);
};

const addLive = (server: FastifyInstance, options: ServerOptions): void => {
  const { parts, live } = options;
  server.get(LIVE_PATH, { exposeHeadRoute: false }, (request, reply) => {
    const visit = visitOf(options, request, reply);
    const session = parts.sessions.find(visit.token);
    if (session === undefined) {
      sendReply(reply, toProblem(401, NO_SESSION, { code: 'ERR_ROOM_SIGN_IN' }));
      return;
    }
    if (!live.hasRoom(session.person.id)) {
      reply.header('Retry-After', '10');
      sendReply(
        reply,
        toProblem(503, 'too many pages are open; ask every ten seconds', { code: 'ERR_ROOM_BUSY' }),
      );
      return;
    }
    for (const [header, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(header, value);
    reply.hijack();
    reply.raw.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    reply.raw.setHeader('X-Accel-Buffering', 'no');
    live.add(reply.raw, session.person.id, () => {
      // Who only looks asks nothing else; what comes of it is seen at the next look.
      const looking = parts.sessions.find(visit.token, true);
      void parts.vouching.freshen(looking?.person);
      return looking !== undefined;
    });
  });
};

const answerPage = async (
  options: ServerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const path = request.url.split('?', 1)[0] ?? '';
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const isPage = isRead && path !== API && !path.startsWith(`${API}/`);
  const found = isPage
    ? await findAnswer(options, { path, request, visit: visitOf(options, request, reply) })
    : undefined;
  if (found === undefined) return sendReply(reply, toProblem(404, 'there is no such path'));
  for (const [name, value] of Object.entries(found.headers)) reply.header(name, value);
  return reply.code(found.status).send(found.body);
};

/** Faults of HTTP in the words of problem documents; everything else is a defect, which the log has. */
const answerError = (
  { log }: RoomParts,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply => {
  const { statusCode } = error as { statusCode?: unknown };
  const status = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : 500;
  if (status === 500)
    log.error({ err: error, path: request.url.split('?', 1)[0] }, 'answering a request of the control room');
  return sendReply(reply, toProblem(status, status === 500 ? 'see the log' : errorText(error)));
};

const sendReply = (reply: FastifyReply, { status, contentType, body, validators }: Reply): FastifyReply => {
  if (status === 429 && !reply.hasHeader('Retry-After')) reply.header('Retry-After', '60');
  if (validators !== undefined) reply.header('ETag', `"${validators.etag}"`);
  return reply.code(status).header('Content-Type', contentType).send(body);
};
