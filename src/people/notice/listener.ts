// The HTTP server of the notice, and the ports at which HTTPS ends at once.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { AppError, type Endpoint, errorText, formatEndpoint, systemErrorCode } from '../../base/base.ts';
import { loadHttp } from '../../base/http/http.ts';
import type { DeviceChecks } from './device-checks.ts';
import {
  chooseLanguage,
  NOTICE_POLICY,
  type NoticeFacts,
  type NoticeSetting,
  toCheckedPage,
  toCheckPage,
  toNoticeLine,
  toNoticePage,
} from './page.ts';
import { Visitors } from './visitors.ts';

/** Connections at a time: each is closed after its answer, and a page takes some milliseconds. About 20 KB each. */
const CONNECTIONS_MAX = 256;
/** Of one address: a browser opens six, and a gateway stands for several. */
const CONNECTIONS_PER_ADDRESS_MAX = 16;
/** Bytes of a header: cookies that a browser has for the refused name are read and forgotten. */
const HEADER_BYTES_MAX = 16 * 1024;
/** A header that is not complete by then comes from nobody who waits for a page. */
const HEADER_MS_MAX = 3_000;
/** Life of a connection. */
const CONNECTION_MS_MAX = 10_000;
/** Answers a second; a page costs some 0.1 ms of the main thread, so that this is 2 % of it. What is beyond is closed. */
const ANSWERS_PER_SECOND_MAX = 200;
/** Before a refusal is looked for once more: as long as the recorder takes to see what was refused a moment ago. */
const LOOK_AGAIN_MS = 350;
const SECOND_MS = 1_000;

/** Codes of this room. */
export type NoticeErrorCode = 'ERR_NOTICE_LISTEN';

/** Where lines of the log go. */
export interface NoticeLog {
  error(fields: object, text: string): void;
}

/** What the notice needs. */
export interface NoticeOptions {
  readonly listen: readonly Endpoint[];
  /** Where connections are reset. */
  readonly reset: readonly Endpoint[];
  /** What the page says to a client of a group. */
  settingOf(group: string): NoticeSetting;
  /**
   * What is known of a client. `name` is what it asked for, folded, without the final dot; undefined where the request names
   * none. Gives undefined for a client that may not ask the resolver. Never rejects.
   */
  factsOf(address: string, name: string | undefined): Promise<Omit<NoticeFacts, 'nowMs'> | undefined>;
  /** Where people see whether their device asks here, without the final dot; undefined: there is no such page. */
  checkName(): string | undefined;
  readonly checks: Pick<DeviceChecks, 'begin' | 'find'>;
  readonly nowMs: () => number;
  readonly monotonic: () => number;
  readonly log: NoticeLog;
}

/** A notice that runs. */
export interface Notice {
  /** `ADDRESS:PORT` as bound, in the order of the options. */
  readonly addresses: readonly string[];
  readonly resetAddresses: readonly string[];
  close(): Promise<void>;
}

/** Opens all listeners, or none and throws ERR_NOTICE_LISTEN. */
export const startNotice = async (options: NoticeOptions): Promise<Notice> => {
  const visitors = new Visitors(CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX);
  const budget = new AnswerBudget(options.monotonic);
  const open: (Server | TcpServer)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(open.map(closeServer));
  };
  try {
    for (const endpoint of options.listen) {
      const server = createPageServer(options, visitors, budget);
      await listen(server, endpoint);
      open.push(server);
    }
    for (const endpoint of options.reset) {
      // Accepted and reset: a closed port would do the same, but a firewall may be silent about one.
      const server = createTcpServer((socket) => {
        socket.on('error', () => undefined);
        socket.resetAndDestroy();
      });
      await listen(server, endpoint);
      open.push(server);
    }
  } catch (thrown) {
    await close();
    throw thrown;
  }
  const bound = open.map((server) => {
    const { address, port } = server.address() as AddressInfo;
    return formatEndpoint({ address, port });
  });
  return {
    addresses: bound.slice(0, options.listen.length),
    resetAddresses: bound.slice(options.listen.length),
    close,
  };
};

/** How many answers a second there may be: a bucket that fills with time. */
class AnswerBudget {
  readonly #monotonic: () => number;
  #left = ANSWERS_PER_SECOND_MAX;
  #filledMs: number;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
    this.#filledMs = monotonic();
  }

  take(): boolean {
    const nowMs = this.#monotonic();
    const gained = ((nowMs - this.#filledMs) / SECOND_MS) * ANSWERS_PER_SECOND_MAX;
    this.#left = Math.min(ANSWERS_PER_SECOND_MAX, this.#left + gained);
    this.#filledMs = nowMs;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

const createPageServer = (options: NoticeOptions, visitors: Visitors, budget: AnswerBudget): Server => {
  const server = loadHttp().createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADER_MS_MAX,
      requestTimeout: HEADER_MS_MAX,
      connectionsCheckingInterval: 500,
      // HTTP/1.0 has none.
      requireHostHeader: false,
      noDelay: true,
    },
    (request, response) => answer(request, response, options, budget),
  );
  server.on('connection', (socket) => {
    if (!visitors.enter(socket)) {
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => socket.destroy(), CONNECTION_MS_MAX);
    socket.once('close', () => clearTimeout(timer));
  });
  // A header that is too long, late or wrong: nobody reads what would be answered.
  server.on('clientError', (_, socket) => socket.destroy());
  // What a client that waits for 100 would send is never read.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response, options, budget);
  });
  return server;
};

const answer = (
  request: IncomingMessage,
  response: ServerResponse,
  options: NoticeOptions,
  budget: AnswerBudget,
): void => {
  if (!budget.take()) {
    request.socket.destroy();
    return;
  }
  response.on('error', () => request.socket.destroy());
  write(request, response, options).catch((error: unknown) => {
    options.log.error({ err: error }, 'a notice could not be written');
    request.socket.destroy();
  });
};

const write = async (
  request: IncomingMessage,
  response: ServerResponse,
  options: NoticeOptions,
): Promise<void> => {
  const address = request.socket.remoteAddress ?? '';
  if (isCheck(request, options)) {
    await writeCheck(request, response, options, address);
    return;
  }
  const isPage = wantsPage(request.headers.accept);
  const name = hostName(request.headers.host);
  let found = await options.factsOf(address, name);
  // The browser is often faster than the recorder.
  if (isPage && name !== undefined && found !== undefined && found.name === undefined) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    found = await options.factsOf(address, name);
  }
  if (found === undefined) request.socket.destroy();
  if (found === undefined || request.socket.destroyed) return;
  const facts = { ...found, nowMs: options.nowMs() };
  const setting = options.settingOf(facts.group);
  const language = chooseLanguage(request.headers['accept-language'], setting.languages);
  const text = isPage ? toNoticePage(setting, facts, language) : toNoticeLine(facts);
  response.writeHead(403, {
    'Content-Type': isPage ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8',
    ...(isPage ? { 'Content-Language': language } : {}),
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'Content-Security-Policy': NOTICE_POLICY,
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
  });
  response.end(request.method === 'HEAD' ? undefined : text);
};

/** The page of the check, by its name or by an address of the notice; and the names below it, for which browsers look. */
const isCheck = ({ headers: { host }, url }: IncomingMessage, { checkName }: NoticeOptions): boolean => {
  const check = checkName();
  if (check === undefined) return false;
  const name = hostName(host);
  if (name === undefined) return CHECK_PATH.test(url ?? '');
  return name === check || name.endsWith(`.${check}`);
};

const CHECK_PATH = /^\/check(?:\?|$)/;
/** Of a page that asks what came of its check. */
const CHECK_CODE = /\?([a-z2-7]{16})$/;
/** Seconds until the page of a check asks what came of it: an answer from nobody comes later, and is none. */
const CHECK_SEC = 3;

const writeCheck = async (
  request: IncomingMessage,
  response: ServerResponse,
  { checkName, checks, settingOf, factsOf }: NoticeOptions,
  address: string,
): Promise<void> => {
  const facts = await factsOf(address, undefined);
  if (facts === undefined) {
    request.socket.destroy();
    return;
  }
  const check = checkName() ?? '';
  const { host = '', 'accept-language': languages } = request.headers;
  const name = hostName(host);
  const common = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', Connection: 'close' };
  if (name !== undefined && name !== check) {
    // What the browser looked for: that it came is enough.
    response.writeHead(204, common).end();
    return;
  }
  const code = CHECK_CODE.exec(request.url ?? '')?.[1];
  const found = code === undefined ? undefined : await checks.find(code);
  const setting = settingOf(found?.group ?? facts.group);
  const language = chooseLanguage(languages, setting.languages);
  let text: string;
  let policy = NOTICE_POLICY;
  const more: Record<string, string> = {};
  if (found === undefined) {
    const next = checks.begin(address);
    const origin = `http://${next}.${check}${/:\d{1,5}$/.exec(host)?.[0] ?? ''}`;
    const result = `/check?${next}`;
    policy = `${NOTICE_POLICY}; img-src ${origin}`;
    more['Refresh'] = `${CHECK_SEC}; url=${result}`;
    text = toCheckPage(setting, { image: `${origin}/`, result }, language);
  } else text = toCheckedPage(setting, found, '/check', language);
  response.writeHead(200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Language': language,
    'Content-Length': Buffer.byteLength(text),
    'Content-Security-Policy': policy,
    'Referrer-Policy': 'no-referrer',
    ...common,
    ...more,
  });
  response.end(request.method === 'HEAD' ? undefined : text);
};

/** False for what loads pictures and data: a line serves as well. */
const wantsPage = (accept: string | undefined): boolean =>
  accept === undefined || accept === '*/*' || accept.includes('text/html');

/** The longest name in presentation form without escapes (RFC 1035 section 2.3.4). */
const NAME_LENGTH_MAX = 253;
const NAME = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

/** The name of a header Host; undefined for what is none, such as an address. */
const hostName = (host: string | undefined): string | undefined => {
  const name = (host ?? '')
    .replace(/:\d{0,5}$/, '')
    .replace(/\.$/, '')
    .toLowerCase();
  return name.length <= NAME_LENGTH_MAX && NAME.test(name) && !/^[\d.]+$/.test(name) ? name : undefined;
};

const FAILURES: Readonly<Record<string, { text: string; hint: string }>> = {
  EADDRINUSE: {
    text: 'the address is in use',
    hint: 'Give the notice an address of its own, where nothing else serves HTTP or HTTPS.',
  },
  EACCES: { text: 'not permitted', hint: 'Ports below 1024 need the capability CAP_NET_BIND_SERVICE.' },
  EADDRNOTAVAIL: {
    text: 'the address is not one of this machine',
    hint: 'Set notice.listen to an address that this machine has.',
  },
};

const listen = (server: Server | TcpServer, endpoint: Endpoint): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: Error) => {
      const known = FAILURES[systemErrorCode(cause) ?? ''];
      const text = `listening for the notice on ${formatEndpoint(endpoint)}: ${known?.text ?? errorText(cause)}`;
      reject(
        new AppError(
          'ERR_NOTICE_LISTEN',
          text,
          known === undefined ? { cause } : { cause, hint: known.hint },
        ),
      );
    });
    server.listen({ host: endpoint.address, port: endpoint.port }, () => {
      server.removeAllListeners('error');
      // Accepting can fail for want of descriptors; the next connection is another matter.
      server.on('error', () => undefined);
      resolve();
    });
  });

const closeServer = (server: Server | TcpServer): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
