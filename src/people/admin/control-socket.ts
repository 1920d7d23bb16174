// The control socket: HTTP over a Unix socket, for users who may act on the running program from the same machine.
//
// Who may connect is decided by the file system: the socket belongs to the user of the service and nobody else can
// open it, but members of its group where the configuration says so. Who acts is the user of the system that connected, whatever a
// request says. It is never on TCP. GET changes nothing; a POST names exactly what it decides on. The bound for everything
// is small: its only client is the command.
import { lstatSync, rmSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import type { IncomingMessage, Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { AppError, DIRECTORY_MODE, errorText, type Identity, systemErrorCode } from '../../base/base.ts';
import { loadHttp } from '../../base/http/http.ts';
import type { Spend } from './act-rules.ts';
import { dispatch } from './dispatch.ts';
import { type Actor, ROLES } from './operation.ts';
import type { Controls } from './operations.ts';
import { broken, type Reply } from './reply.ts';
import { type AdminLog, close, write } from './responses.ts';

/** The control socket's name in the state directory. */
export const CONTROL_SOCKET_NAME = 'control.sock';

/** Connections at a time: a few people and scripts. */
const CONNECTIONS_MAX = 16;
const HEADER_BYTES_MAX = 8 * 1024;
/** A decision has a hash, a name and a reason; a paper has a few paragraphs. */
const BODY_BYTES_MAX = 64 * 1024;
const REQUEST_MS_MAX = 10_000;
/** While it is being opened, for the user of the service only. */
const SOCKET_MASK = 0o177;
/** For the user of the service, and for its group as well. */
const SOCKET_MODES = { owner: 0o600, group: 0o660 } as const;

/** What the socket needs. */
export interface ControlSocketOptions {
  readonly path: string;
  /** Who may open it. */
  readonly openTo: keyof typeof SOCKET_MODES;
  /** The user of the system who connected. Never rejects. */
  userOf(socket: Socket): Promise<Identity>;
  /** The parts of the program that can be asked. */
  controls(): Controls;
  /** Undefined while there is no control room: nobody is there to be the second person. */
  spend?(): Spend | undefined;
  readonly log: AdminLog;
}

/** A socket that is open. */
export interface ControlSocket {
  /** Ends every connection and removes the socket. */
  close(): Promise<void>;
}

/** Opens the socket, in place of one that a program left which is gone. Throws ERR_ADMIN_CONTROL. */
export const openControlSocket = async (options: ControlSocketOptions): Promise<ControlSocket> => {
  const { path } = options;
  try {
    await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
    await removeStale(path);
    const users = new WeakMap<Socket, Promise<Identity>>();
    const server = loadHttp().createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: REQUEST_MS_MAX,
        requestTimeout: REQUEST_MS_MAX,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => {
        void answer(request, options, users.get(request.socket)).then((reply) => {
          write(request, response, reply);
        });
      },
    );
    // Asked when somebody connects: it does not change, and a connection that ends has no descriptor any more.
    server.on('connection', (socket) => users.set(socket, options.userOf(socket)));
    server.maxConnections = CONNECTIONS_MAX;
    await listen(server, path);
    await chmod(path, SOCKET_MODES[options.openTo]);
    return {
      close: async () => {
        await close(server);
        rmSync(path, { force: true });
      },
    };
  } catch (thrown) {
    if (systemErrorCode(thrown) === undefined) throw thrown;
    throw new AppError('ERR_ADMIN_CONTROL', `opening the control socket ${path}: ${errorText(thrown)}`, {
      cause: thrown,
      hint: 'Until the next start, "cordon lists" can show and not change anything.',
    });
  }
};

/** Throws EADDRINUSE when a program answers there, and when what lies there is no socket. */
const removeStale = async (path: string): Promise<void> => {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket() || (await isAlive(path))) {
    throw Object.assign(new Error('another program has it'), { code: 'EADDRINUSE' });
  }
  rmSync(path);
};

const isAlive = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** The mask covers the moment between the socket's appearance and chmod(). */
const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    const before = process.umask(SOCKET_MASK);
    try {
      server.listen(path, () => {
        server.removeAllListeners('error');
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });

/** Never rejects. */
const answer = async (
  request: IncomingMessage,
  { controls, spend, log }: ControlSocketOptions,
  user: Promise<Identity> | undefined,
): Promise<Reply> => {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  try {
    const asked = { method: request.method ?? '', path, query, readBody: () => readBody(request) };
    const { name, account } = (await user) ?? { name: 'not known', account: undefined };
    // Who can open the socket could do all this without it.
    const actor: Actor = { name, account, roles: ROLES, from: 'control socket', via: 'socket' };
    return await dispatch('socket', asked, actor, controls(), spend?.());
  } catch (error) {
    log.error({ err: error, path }, 'answering a control request');
    return broken();
  }
};

/** Undefined for a body that is too long. */
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
