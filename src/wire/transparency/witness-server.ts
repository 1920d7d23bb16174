// The HTTP side of a witness (C2SP tlog-witness): add-checkpoint, and the checkpoint that was cosigned last of each log.
//
// Whoever reaches it may ask: what counts is signed, and what is not costs a bounded body. It speaks HTTP; where the
// network in between is not trusted to carry messages, a proxy with TLS stands before it.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError, type Endpoint, errorText, formatEndpoint } from '../../base/base.ts';
import { loadHttp } from '../../base/http/http.ts';
import type { Witness } from './witness.ts';
import { originHash } from './witness-directory.ts';

/** A submission with 63 hashes and sixteen large signatures. */
const BODY_BYTES_MAX = 64 * 1024;
const HEADER_BYTES_MAX = 8 * 1024;
const CONNECTIONS_MAX = 256;
const REQUEST_MS_MAX = 10_000;
const METHOD_NOT_ALLOWED = 405;
const NOT_FOUND = 404;
const TOO_LARGE = 413;
const BROKEN = 500;

/** What is told to who runs it. */
export interface WitnessLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** A witness that answers. */
export interface WitnessServer {
  /** `ADDRESS:PORT` as bound. */
  readonly address: string;
  close(): Promise<void>;
}

/** Opens the listener. Rejects with ERR_WITNESS_LISTEN. */
export const startWitness = async (
  witness: Witness,
  endpoint: Endpoint,
  log: WitnessLog,
): Promise<WitnessServer> => {
  const origins = new Map(witness.origins.map((origin) => [originHash(origin), origin]));
  const server = loadHttp().createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      keepAliveTimeout: REQUEST_MS_MAX,
    },
    (request, response) => {
      answer(request, response, { witness, origins, log }).catch((thrown: unknown) => {
        log.error({ err: thrown }, 'a request could not be answered');
        request.socket.destroy();
      });
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, endpoint);
  const { port } = server.address() as AddressInfo;
  return {
    address: formatEndpoint({ address: endpoint.address, port }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

interface Parts {
  readonly witness: Witness;
  /** By their hashes. */
  readonly origins: ReadonlyMap<string, string>;
  readonly log: WitnessLog;
}

const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  { witness, origins, log }: Parts,
): Promise<void> => {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  if (path === '/add-checkpoint') {
    if (request.method !== 'POST') {
      end(response, METHOD_NOT_ALLOWED, 'text/plain', 'POST a submission\n');
      return;
    }
    const body = await readBody(request);
    if (body === undefined) {
      end(response, TOO_LARGE, 'text/plain', `more than ${BODY_BYTES_MAX} bytes\n`);
      return;
    }
    try {
      const { status, contentType, body: said } = witness.addCheckpoint(body);
      if (status !== 200 && status !== 409)
        log.warn({ status, reason: said.trimEnd(), from: request.socket.remoteAddress }, 'not cosigned');
      end(response, status, contentType, said);
    } catch (thrown) {
      // What could not be kept is not said.
      log.error({ cause: errorText(thrown) }, 'a cosignature could not be kept');
      end(response, BROKEN, 'text/plain', 'what would be said cannot be kept\n');
    }
    return;
  }
  const [, hash] = /^\/([0-9a-f]{64})\/checkpoint$/.exec(path) ?? [];
  const origin = hash === undefined ? undefined : origins.get(hash);
  const note = origin === undefined ? undefined : witness.checkpoint(origin);
  if (note === undefined) end(response, NOT_FOUND, 'text/plain', 'nothing is here\n');
  else end(response, 200, 'text/plain; charset=utf-8', note);
};

const end = (response: ServerResponse, status: number, contentType: string, body: string): void => {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
};

/** The body as text; undefined when it is too long. */
const readBody = async (request: IncomingMessage): Promise<string | undefined> => {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    sizeBytes += piece.length;
    if (sizeBytes > BODY_BYTES_MAX) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
};

const listen = (server: Server, endpoint: Endpoint): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const text = `listening as a witness on ${formatEndpoint(endpoint)}: ${errorText(cause)}`;
      reject(new AppError('ERR_WITNESS_LISTEN', text, { cause }));
    });
    server.listen({ host: endpoint.address, port: endpoint.port }, () => {
      server.removeAllListeners('error');
      server.on('error', () => {});
      resolve();
    });
  });
