import { once } from 'node:events';
import {
  constants,
  createSecureServer,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import type { ConnectionOptions, TlsSettings } from '../../../src/resolver/upstream/connection.ts';
import { HttpsConnection } from '../../../src/resolver/upstream/https-connection.ts';
import { CertificateAuthority } from '../../support/certificates.ts';
import { startEncryptedUnbound, UNBOUND_ADDRESS } from '../../support/encrypted-unbound.ts';
import { requireProgram } from '../../support/process.ts';
import { buildQuery, parseMessage } from '../../support/records.ts';
import { Reports, until } from './reports.ts';

const NAME = 'dns.example.net';
const PATH = '/dns-query';
const DNS = { 'content-type': 'application/dns-message' };
const authority = CertificateAuthority.create();
const issued = authority.issue({ names: [`DNS:${NAME}`] });
const clientTls: TlsSettings = { serverName: NAME, pins: [], caCertificates: [authority.certificate] };

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** A request as it arrived, with its stream to answer on. */
interface Request {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
  /** Place of the session among all. */
  readonly index: number;
  readonly server: HttpsServer;
}

/** A server that hands each request to its handler. */
class HttpsServer {
  readonly requests: Request[] = [];
  readonly sessions: ServerHttp2Session[] = [];
  readonly sockets: TLSSocket[] = [];
  /** Sessions that are over. */
  ended = 0;
  /** Streams that the client has reset. */
  resets = 0;
  handler: (request: Request) => void = answer;
  /** Called for a stream whose body has not come yet; true when it has dealt with it. */
  early: ((stream: ServerHttp2Stream, index: number) => boolean) | undefined;
  readonly port: number;

  private constructor(port: number) {
    this.port = port;
  }

  static async open(options: SecureServerOptions & { host?: string } = {}): Promise<HttpsServer> {
    const { host = '127.0.0.1', ...rest } = options;
    const server = createSecureServer({ cert: issued.certificate, key: issued.key, ...rest });
    server.listen(0, host);
    await once(server, 'listening');
    const opened = new HttpsServer((server.address() as AddressInfo).port);
    server.on('secureConnection', (socket) => opened.sockets.push(socket));
    server.on('session', (session) => opened.#serve(session));
    server.on('tlsClientError', () => {});
    open.push(() => server.close());
    return opened;
  }

  #serve(session: ServerHttp2Session): void {
    const index = this.sessions.push(session) - 1;
    open.push(() => session.destroy());
    session.on('error', () => {});
    session.on('close', () => this.ended++);
    session.on('stream', (stream, headers) => {
      const parts: Buffer[] = [];
      stream.on('error', () => {});
      stream.on('aborted', () => this.resets++);
      if (this.early?.(stream, index) === true) return;
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        const request = { headers, body: Buffer.concat(parts), stream, session, index, server: this };
        this.requests.push(request);
        this.handler(request);
      });
    });
  }
}

const answerTo = (query: Uint8Array): Buffer => {
  const bytes = Buffer.from(query);
  bytes[2] = (bytes[2] ?? 0) | 0x80;
  return bytes;
};

const answer = ({ stream, body }: Request): void => {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, ...DNS });
  stream.end(answerTo(body));
};

/** However long the machine takes, no connection is silent for too long. */
const STILL = (): number => 0;

interface Client {
  readonly connection: HttpsConnection<string>;
  readonly reports: Reports;
  /** Sends a query that waits as `waiting` and waits for the report. */
  ask(waiting: string): Promise<string | undefined>;
}

const clientOf = (
  { port }: { readonly port: number },
  options: ConnectionOptions & { tls?: TlsSettings; address?: string } = {},
): Client => {
  const { tls = clientTls, address = '127.0.0.1', ...rest } = options;
  const reports = new Reports();
  const family = address.includes(':') ? 6 : 4;
  const settings = { path: PATH, authority: NAME, tls };
  const connection = new HttpsConnection<string>({ address, port, family }, settings, reports, rest);
  open.push(() => connection.close());
  const ask = async (waiting: string): Promise<string | undefined> => {
    const count = reports.texts.length + 1;
    connection.send(waiting, query());
    return (await reports.count(count)).at(-1);
  };
  return { connection, reports, ask };
};

/** Frames of HTTP/2 (RFC 9113 section 6) by hand, for what a good server never does. */
const FRAME = { DATA: 0, HEADERS: 1, SETTINGS: 4 };
const FRAME_HEADER = 9;
/** What a client says first (RFC 9113 section 3.4), bytes. */
const PREFACE_LENGTH = 24;

const frameOf = (type: number, flags: number, streamId: number, payload: Uint8Array): Buffer => {
  const header = Buffer.alloc(FRAME_HEADER);
  header.writeUIntBE(payload.length, 0, 3);
  header.set([type, flags], 3);
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
};

/** Status 200, the content type (RFC 7541 sections 6.1 and 6.2.2), and a message of 12 bytes. */
const responseFrames = (streamId: number): Buffer => {
  const type = Buffer.from('application/dns-message');
  const headers = Buffer.concat([Uint8Array.of(0x88, 0x0f, 0x10, type.length), type]);
  return Buffer.concat([
    frameOf(FRAME.HEADERS, 4, streamId, headers),
    frameOf(FRAME.DATA, 1, streamId, Buffer.alloc(12)),
  ]);
};

/** Sends the settings and tells the stream of each request. */
const readRequests = (socket: TLSSocket, seen: (streamId: number) => void): void => {
  let rest = Buffer.alloc(0);
  let skipped = PREFACE_LENGTH;
  socket.write(frameOf(FRAME.SETTINGS, 0, 0, Buffer.alloc(0)));
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= skipped + FRAME_HEADER) {
      const end = skipped + FRAME_HEADER + rest.readUIntBE(skipped, 3);
      if (rest.length < end) return;
      if (rest[skipped + 3] === FRAME.HEADERS) seen(rest.readUInt32BE(skipped + 5));
      rest = rest.subarray(end);
      skipped = 0;
    }
  });
};

const query = (name = 'www.example.com.'): Uint8Array => buildQuery(`${name} A`);

test('one session serves many queries, whose ID is 0', async () => {
  const server = await HttpsServer.open();
  const { connection, reports, ask } = clientOf(server);
  for (let i = 0; i < 50; i++) expect(await ask(`${i}`)).toBe(`${i} message`);
  for (let i = 50; i < 100; i++) connection.send(`${i}`, query(`h${i}.example.`));
  await reports.count(100);
  for (let i = 50; i < 100; i++)
    expect(parseMessage(reports.messages.get(`${i}`) ?? new Uint8Array(0)).question).toContain(
      `h${i}.example.`,
    );
  expect(server.sessions).toHaveLength(1);
  expect(server.requests.map(({ body }) => body.readUInt16BE(0))).toEqual(Array(100).fill(0));
  expect(connection.waiting).toBe(0);
});

test('a request says what is needed and nothing else', async () => {
  const server = await HttpsServer.open();
  await clientOf(server).ask('a');
  const { headers, body } = server.requests[0] ?? { headers: {}, body: Buffer.alloc(0) };
  expect(Object.fromEntries(Object.entries(headers))).toEqual({
    ':method': 'POST',
    ':scheme': 'https',
    ':authority': NAME,
    ':path': PATH,
    accept: 'application/dns-message',
    'content-type': 'application/dns-message',
    'content-length': `${query().length}`,
  });
  expect(body.subarray(2)).toEqual(Buffer.from(query()).subarray(2));
});

test('answers come in any order, each to its own query, and cut anywhere', async () => {
  const server = await HttpsServer.open();
  server.handler = () => {
    if (server.requests.length < 3) return;
    for (const { stream, body } of server.requests.toReversed()) {
      stream.respond({ ':status': 200, ...DNS });
      for (const byte of answerTo(body)) stream.write(Uint8Array.of(byte));
      stream.end();
    }
  };
  const { connection, reports } = clientOf(server);
  for (const name of ['a', 'b', 'c']) connection.send(name, query(`${name}.example.`));
  await reports.count(3);
  expect(reports.texts.toSorted()).toEqual(['a message', 'b message', 'c message']);
  for (const name of ['a', 'b', 'c'])
    expect(parseMessage(reports.messages.get(name) ?? new Uint8Array(0)).question).toContain(
      `${name}.example.`,
    );
});

test('it works over IPv6', async () => {
  const server = await HttpsServer.open({ host: '::1' });
  expect(await clientOf(server, { address: '::1' }).ask('a')).toBe('a message');
});

const responses: { what: string; respond: (request: Request) => void; report: string }[] = [
  ...[204, 301, 302, 400, 404, 415, 429, 500, 503].map((status) => ({
    what: `status ${status}`,
    respond: ({ stream, body }: Request) => {
      stream.respond({ ':status': status, ...DNS, location: 'https://dns.example.com/dns-query' });
      stream.end(status === 204 ? undefined : answerTo(body));
    },
    report: 'a network',
  })),
  ...['text/html', 'application/dns-json', 'application/dns-messages', ''].map((type) => ({
    what: `type "${type}"`,
    respond: ({ stream, body }: Request) => {
      stream.respond({ ':status': 200, ...(type === '' ? {} : { 'content-type': type }) });
      stream.end(answerTo(body));
    },
    report: 'a malformed',
  })),
  {
    what: 'a type in other letters with a parameter',
    respond: ({ stream, body }) => {
      stream.respond({ ':status': 200, 'content-type': 'Application/DNS-Message ; a=b' });
      stream.end(answerTo(body));
    },
    report: 'a message',
  },
  {
    what: 'a coding',
    respond: ({ stream, body }) => {
      stream.respond({ ':status': 200, ...DNS, 'content-encoding': 'gzip' });
      stream.end(answerTo(body));
    },
    report: 'a malformed',
  },
  {
    what: '65,535 bytes',
    respond: ({ stream, body }) => {
      stream.respond({ ':status': 200, ...DNS });
      stream.end(Buffer.concat([answerTo(body), Buffer.alloc(65_535 - body.length)]));
    },
    report: 'a message',
  },
  {
    what: '65,536 bytes',
    respond: ({ stream, body }) => {
      stream.respond({ ':status': 200, ...DNS });
      stream.end(Buffer.concat([answerTo(body), Buffer.alloc(65_536 - body.length)]));
    },
    report: 'a malformed',
  },
  {
    what: 'a body without end',
    respond: ({ stream, body }) => {
      stream.respond({ ':status': 200, ...DNS });
      stream.write(answerTo(body));
      const more = (): void => void (stream.destroyed || stream.write(Buffer.alloc(1_000), more));
      more();
    },
    report: 'a malformed',
  },
  {
    what: '11 bytes',
    respond: ({ stream }) => {
      stream.respond({ ':status': 200, ...DNS });
      stream.end(Buffer.alloc(11));
    },
    report: 'a malformed',
  },
  {
    what: 'no byte',
    respond: ({ stream }) => stream.respond({ ':status': 200, ...DNS }, { endStream: true }),
    report: 'a malformed',
  },
  {
    what: 'another ID',
    respond: ({ stream, body }) => {
      const bytes = answerTo(body);
      bytes[1] = 1;
      stream.respond({ ':status': 200, ...DNS });
      stream.end(bytes);
    },
    report: 'a malformed',
  },
  {
    what: 'a reset',
    respond: ({ stream }) => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    report: 'a network',
  },
  {
    what: 'a reset within the answer',
    respond: ({ stream, body }) => {
      stream.respond({ ':status': 200, ...DNS });
      stream.write(answerTo(body), () => setTimeout(() => stream.destroy(new Error('cut')), 5));
    },
    report: 'a network',
  },
  {
    what: 'fewer bytes than it says',
    respond: ({ stream, body }) => {
      stream.respond({ ':status': 200, ...DNS, 'content-length': body.length + 1 });
      stream.end(answerTo(body));
    },
    report: 'a network',
  },
  {
    what: 'informational responses first',
    respond: (request) => {
      for (let i = 0; i < 3; i++) request.stream.additionalHeaders({ ':status': 103, link: '<a>' });
      answer(request);
    },
    report: 'a message',
  },
  {
    what: 'trailers and cookies',
    respond: ({ stream, body }) => {
      stream.respond({ ':status': 200, ...DNS, 'set-cookie': 'a=b' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ a: 'b' }));
      stream.end(answerTo(body));
    },
    report: 'a message',
  },
];

test.each(responses)(
  'a response with $what: $report, and the session goes on',
  async ({ respond, report }) => {
    const server = await HttpsServer.open();
    server.handler = respond;
    const { ask } = clientOf(server);
    expect(await ask('a')).toBe(report);
    server.handler = answer;
    expect(await ask('b')).toBe('b message');
    expect(server.sessions).toHaveLength(1);
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]?.headers).not.toHaveProperty('cookie');
  },
);

test('streams at a time are as many as the server allows, and 256 at most', async () => {
  for (const [allowed, expected] of [
    [3, 3],
    [1_000, 256],
  ] as const) {
    const server = await HttpsServer.open({ settings: { maxConcurrentStreams: allowed } });
    const { connection, reports, ask } = clientOf(server, { clock: STILL });
    await ask('first');
    const held: Request[] = [];
    let highest = 0;
    let came = 0;
    server.handler = (request) => {
      highest = Math.max(highest, held.push(request));
      // As many as may, or the last: answered a while later, in which one too many would come.
      if (++came === expected + 10 || held.length === expected)
        setTimeout(() => held.splice(0).forEach(answer), 30);
    };
    for (let i = 0; i < expected + 10; i++) connection.send(`${i}`, query());
    await reports.count(expected + 11);
    expect(highest).toBe(expected);
    expect(new Set(reports.texts.map((text) => text.split(' ')[1]))).toEqual(new Set(['message']));
    expect(server.sessions).toHaveLength(1);
  }
});

test('a released query is reset, and makes room for the next', async () => {
  const server = await HttpsServer.open({ settings: { maxConcurrentStreams: 1 } });
  const { connection, reports, ask } = clientOf(server);
  await ask('first');
  server.handler = () => {};
  connection.send('a', query());
  await until(() => server.requests.length).toBe(2);
  connection.send('b', query());
  connection.send('c', query());
  connection.release('b');
  server.handler = answer;
  connection.release('a');
  expect(await reports.count(2)).toEqual(['first message', 'c message']);
  await until(() => server.resets).toBe(1);
  expect([server.requests.length, server.sessions.length, connection.waiting]).toEqual([3, 1, 0]);
});

test('an idle session is closed, and the next query opens another', async () => {
  const server = await HttpsServer.open();
  const { ask } = clientOf(server, { idleMs: 40 });
  await ask('a');
  await until(() => server.ended).toBe(1);
  expect(await ask('b')).toBe('b message');
  expect(server.sessions).toHaveLength(2);
});

test('after GOAWAY what was taken is answered, what was not is sent once more, and the rest goes elsewhere', async () => {
  const server = await HttpsServer.open();
  const { connection, reports, ask } = clientOf(server);
  await ask('first');
  let taken: Request | undefined;
  server.early = (stream, index) => index === 0 && (stream.id ?? 0) > 3;
  server.handler = (request) => {
    if (request.index > 0) answer(request);
    else taken = request;
  };
  connection.send('a', query('a.example.'));
  await until(() => taken).toBeDefined();
  connection.send('b', query('b.example.'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  taken?.session.goaway(constants.NGHTTP2_NO_ERROR, 3);
  expect(await reports.count(2)).toContain('b message');
  expect(await ask('c')).toBe('c message');
  expect(reports.texts).not.toContain('a message');
  if (taken !== undefined) answer(taken);
  expect(await reports.count(4)).toContain('a message');
  expect(server.sessions).toHaveLength(2);
  await until(() => server.ended).toBe(1);
});

test('a GOAWAY with an error moves what waits to a new session', async () => {
  const server = await HttpsServer.open();
  const { connection, reports, ask } = clientOf(server);
  await ask('first');
  server.handler = (request) => {
    if (request.index > 0) answer(request);
    else if (server.requests.length === 3) request.session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0);
  };
  connection.send('a', query());
  connection.send('b', query());
  expect(await reports.count(3)).toEqual(['first message', 'a message', 'b message']);
  expect(server.requests.map(({ index }) => index)).toEqual([0, 0, 0, 1, 1]);
});

test('what a first session says it did not take is sent once more, too', async () => {
  const server = await HttpsServer.open();
  server.handler = (request) => {
    if (request.index > 0) answer(request);
    else if (server.requests.length === 2) request.session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 1);
  };
  const { connection, reports } = clientOf(server);
  connection.send('a', query('a.example.'));
  connection.send('b', query('b.example.'));
  await reports.count(2);
  expect(reports.texts.toSorted()).toEqual(['a network', 'b message']);
});

test('a refused stream is sent once more, and not a third time', async () => {
  const server = await HttpsServer.open();
  const { ask } = clientOf(server);
  let refusals = 1;
  server.early = (stream) => {
    if (refusals-- <= 0) return false;
    stream.close(constants.NGHTTP2_REFUSED_STREAM);
    return true;
  };
  expect(await ask('a')).toBe('a message');
  refusals = 2;
  expect(await ask('b')).toBe('b network');
  expect(await ask('c')).toBe('c message');
  expect(server.sessions).toHaveLength(1);
});

test.each([
  { what: 'at once', end: ({ session }: Request) => session.destroy() },
  {
    what: 'within the answer',
    end: ({ stream, body, session }: Request) => {
      stream.respond({ ':status': 200, ...DNS });
      stream.write(answerTo(body), () => setTimeout(() => session.destroy(), 5));
    },
  },
  {
    what: 'without a word',
    end: ({ index, server }: Request) => server.sockets[index]?.destroy(),
  },
])('a session that ends $what: a fault on the first, sent once more on a used one', async ({ end }) => {
  const server = await HttpsServer.open();
  server.handler = end;
  const { ask } = clientOf(server);
  expect(await ask('a')).toBe('a network');
  expect(server.requests).toHaveLength(1);
  server.handler = answer;
  expect(await ask('b')).toBe('b message');
  server.handler = (request) => (request.index === 1 ? end(request) : answer(request));
  expect(await ask('c')).toBe('c message');
  expect(server.requests.map(({ index }) => index)).toEqual([0, 1, 1, 2]);
  server.handler = end;
  expect(await ask('d')).toBe('d network');
  expect(server.requests).toHaveLength(6);
});

test('a session that is silent for too long takes no more queries, but its answers still count', async () => {
  const server = await HttpsServer.open();
  let nowMs = Date.now();
  const { ask, connection, reports } = clientOf(server, { clock: () => nowMs });
  await ask('a');
  server.handler = (request) => {
    if (request.index > 0) answer(request);
  };
  connection.send('b', query());
  await until(() => server.requests.length).toBe(2);
  nowMs += 2_000;
  connection.send('c', query());
  await until(() => server.requests.length).toBe(3);
  expect(server.sessions).toHaveLength(1);
  nowMs += 1;
  expect(await ask('d')).toBe('d message');
  expect(server.sessions).toHaveLength(2);
  for (const request of server.requests.slice(1, 3)) answer(request);
  expect(await reports.count(4)).toEqual(expect.arrayContaining(['b message', 'c message']));
  // Nothing is left for it to do.
  await until(() => server.ended).toBe(1);
});

test('a session that is silent because nothing is due is used again', async () => {
  const server = await HttpsServer.open();
  let nowMs = Date.now();
  const { ask } = clientOf(server, { clock: () => nowMs });
  await ask('a');
  nowMs += 5_000;
  expect(await ask('b')).toBe('b message');
  nowMs -= 60_000;
  expect(await ask('c')).toBe('c message');
  expect(server.sessions).toHaveLength(1);
});

test('a released query that nobody answered counts as silence, too', async () => {
  const server = await HttpsServer.open();
  let nowMs = Date.now();
  const { ask, connection } = clientOf(server, { clock: () => nowMs });
  server.handler = () => {};
  connection.send('a', query());
  await until(() => server.requests.length).toBe(1);
  connection.release('a');
  nowMs += 2_001;
  server.handler = answer;
  expect(await ask('b')).toBe('b message');
  expect(server.sessions).toHaveLength(2);
});

test('no more than 1,000 queries wait on a session, and on four sessions at most', async () => {
  const server = await HttpsServer.open();
  server.handler = () => {};
  const { connection, reports } = clientOf(server, { clock: STILL });
  for (let i = 0; i < 4_001; i++) connection.send(`${i}`, query());
  expect(reports.texts).toEqual([]);
  expect(await reports.count(1)).toEqual(['0 overload']);
  await until(() => server.sessions.length).toBe(4);
  connection.release('1');
  connection.send('one more', query());
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([reports.texts.length, connection.waiting]).toEqual([1, 4_000]);
});

test('a stream that is silent for a second is evicted by what waits for one', async () => {
  const server = await HttpsServer.open({ settings: { maxConcurrentStreams: 3 } });
  let nowMs = Date.now();
  const { connection, reports, ask } = clientOf(server, { clock: () => nowMs });
  await ask('first');
  server.handler = () => {};
  for (let i = 0; i < 4; i++) connection.send(`${i}`, query());
  await until(() => server.requests.length).toBe(4);
  nowMs += 1_000;
  server.handler = answer;
  connection.send('good', query());
  // Two wait, and two have to go: no more than that.
  expect((await reports.count(5)).toSorted()).toEqual(
    ['first message', '0 overload', '1 overload', '3 message', 'good message'].toSorted(),
  );
  expect([server.sessions.length, connection.waiting]).toEqual([1, 1]);
});

test('nobody listens: a fault, after send() has returned', async () => {
  const server = await HttpsServer.open();
  for (const close of open.splice(0)) close();
  const { connection, reports, ask } = clientOf(server);
  connection.send('a', query());
  expect(reports.texts).toEqual([]);
  expect(await reports.count(1)).toEqual(['a network']);
  expect(await ask('b')).toBe('b network');
});

test('a handshake that does not end is given up', async () => {
  let ended = 0;
  const server = createTcpServer((socket) => {
    open.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => ended++);
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { connection, reports } = clientOf({ port }, { connectTimeoutMs: 40 });
  connection.send('a', query());
  connection.send('b', query());
  expect(await reports.count(2)).toEqual(['a network', 'b network']);
  await until(() => ended).toBe(1);
});

test.each([
  { what: 'another name', tls: { ...clientTls, serverName: 'dns.example.com' } },
  { what: 'another pin', tls: { ...clientTls, pins: ['AAAA'] } },
  { what: 'another hash', tls: { ...clientTls, certificateHashes: ['00'] } },
  { what: 'an unknown authority', tls: { serverName: NAME, pins: [] } },
])('$what is a certificate fault for all that wait, and no query is sent', async ({ tls }) => {
  const server = await HttpsServer.open();
  const { connection, reports } = clientOf(server, { tls });
  connection.send('a', query());
  connection.send('b', query());
  expect(await reports.count(2)).toEqual(['a certificate', 'b certificate']);
  expect(server.requests).toHaveLength(0);
});

test.each([
  { what: 'knows no HTTP/2', protocols: ['http/1.1'], greeting: '' },
  {
    what: 'speaks something else after all',
    protocols: ['h2'],
    greeting: 'HTTP/1.1 400 Bad Request\r\n\r\n',
  },
  { what: 'sends a frame that is too large', protocols: ['h2'], greeting: `\xff\xff\xff${'\0'.repeat(200)}` },
])('a server that $what is a fault', async ({ protocols, greeting }) => {
  const server = createTlsServer({ cert: issued.certificate, key: issued.key, ALPNProtocols: protocols });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => {
    open.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.write(Buffer.from(greeting, 'latin1'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => server.close());
  const { ask } = clientOf({ port: (server.address() as AddressInfo).port });
  expect(await ask('a')).toBe('a network');
  expect(await ask('b')).toBe('b network');
});

test('a frame that makes no sense ends a used session, and what waited is sent once more', async () => {
  const server = createTlsServer({ cert: issued.certificate, key: issued.key, ALPNProtocols: ['h2'] });
  let count = 0;
  server.on('secureConnection', (socket) => {
    open.push(() => socket.destroy());
    socket.on('error', () => {});
    readRequests(socket, (streamId) => {
      socket.write(++count === 2 ? Buffer.alloc(200, 0xff) : responseFrames(streamId));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => server.close());
  const { ask } = clientOf({ port: (server.address() as AddressInfo).port });
  for (const name of ['a', 'b', 'c']) expect(await ask(name)).toBe(`${name} message`);
  expect(count).toBe(4);
});

test('close() ends everything without a report, and later queries are faults', async () => {
  const server = await HttpsServer.open();
  const { ask, connection, reports } = clientOf(server);
  await ask('a');
  server.handler = () => {};
  connection.send('b', query());
  await until(() => server.requests.length).toBe(2);
  connection.send('c', query());
  connection.close();
  expect(connection.waiting).toBe(0);
  await until(() => server.ended).toBe(1);
  expect(reports.texts).toEqual(['a message']);
  expect(await ask('d')).toBe('d network');
});

test('unbound answers over HTTPS', async (context) => {
  requireProgram(context, 'unbound');
  const unbound = await startEncryptedUnbound(issued);
  open.push(() => unbound.stop());
  const { connection, reports } = clientOf({ port: unbound.httpsPort });
  for (let i = 0; i < 20; i++) connection.send(`${i}`, query(`h${i}.example.test.`));
  await reports.count(20);
  for (let i = 0; i < 20; i++)
    expect(parseMessage(reports.messages.get(`${i}`) ?? new Uint8Array(0)).answer).toEqual([
      `h${i}.example.test. 300 IN A ${UNBOUND_ADDRESS}`,
    ]);
});
