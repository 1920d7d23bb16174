// Queries over UDP on plain node:dgram sockets. Hot file.
//
// One answer buffer serves all queries of a socket, because node:dgram hands a datagram to the kernel before send()
// returns. Only when the kernel's buffer is full does libuv keep the memory for later; then the buffer is left to it
// and another one takes its place, so that no client ever gets the bytes of another's answer.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { AppError, type Endpoint, formatEndpoint, systemErrorCode } from '../base/base.ts';
import { UDP_LENGTH_MAX } from '../dns/dns.ts';
import { DROP, PENDING, type Pipeline, TRANSPORT } from '../pipeline/pipeline.ts';

/** The longest answer, and room for the longest refusal. */
const ANSWER_LENGTH_MAX = Math.max(UDP_LENGTH_MAX, 2048);
/** Kernel buffer for datagrams not read yet, bytes: 50 ms of 100,000 queries a second. The system may grant less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** Told what became of datagrams. */
export interface UdpObserver {
  dropped(reason: number): void;
}

/** What a UDP listener needs beside its endpoint. */
export interface UdpOptions {
  readonly endpoint: Endpoint;
  /** Several workers share the endpoint. */
  readonly shared: boolean;
  readonly pipeline: Pipeline;
  readonly observer: UdpObserver;
  /** True for an address and port that one of our own upstream sockets has: the query is our own. */
  readonly isOwn: (address: string, port: number) => boolean;
}

/** One UDP endpoint that clients ask. */
export class UdpListener {
  readonly #socket: Socket;
  readonly #options: UdpOptions;
  #out = Buffer.allocUnsafeSlow(ANSWER_LENGTH_MAX);

  private constructor(socket: Socket, options: UdpOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('message', (message, peer) => {
      this.#receive(message, peer);
    });
  }

  /** Binds the endpoint, once per socket; throws AppError ERR_SERVER_LISTEN. */
  static async open(options: UdpOptions): Promise<UdpListener> {
    const socket = await bind(options.endpoint, options.shared);
    socket.removeAllListeners('error');
    // Errors of single datagrams (an ICMP message for an answer) concern nobody else.
    socket.on('error', () => {
      options.observer.dropped(DROP.SEND_FAILED);
    });
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    } catch {
      // The system's own size serves.
    }
    return new UdpListener(socket, options);
  }

  /** The port that binding the endpoint alone would give, once per socket; throws AppError ERR_SERVER_LISTEN when it is taken. */
  static async probe(endpoint: Endpoint): Promise<number> {
    const socket = await bind(endpoint, false);
    const { port } = socket.address();
    await closeSocket(socket);
    return port;
  }

  /** The port in use. */
  get port(): number {
    return this.#socket.address().port;
  }

  /** Stops listening. */
  close(): Promise<void> {
    return closeSocket(this.#socket);
  }

  #receive(message: Buffer, peer: RemoteInfo): void {
    const { pipeline, observer, isOwn } = this.#options;
    const { address, port } = peer;
    if (port === 0) {
      observer.dropped(DROP.SOURCE_PORT_ZERO);
      return;
    }
    if (isOwn(address, port)) {
      observer.dropped(DROP.LOOP);
      return;
    }
    const length = pipeline.decide(message, message.length, address, TRANSPORT.UDP, this.#out);
    if (length > 0) {
      this.#send(length, port, address);
    } else if (length === PENDING) {
      pipeline.resolve((answer) => {
        this.#out.set(answer);
        this.#send(answer.length, port, address);
      });
    }
  }

  #send(length: number, port: number, address: string): void {
    try {
      this.#socket.send(this.#out, 0, length, port, address);
      if (this.#socket.getSendQueueCount() > 0) this.#out = Buffer.allocUnsafeSlow(ANSWER_LENGTH_MAX);
    } catch {
      // The socket was closed while the answer was waited for.
      this.#options.observer.dropped(DROP.SEND_FAILED);
    }
  }
}

/** Once per socket. */
const bind = async (endpoint: Endpoint, shared: boolean): Promise<Socket> => {
  const socket = createSocket({
    type: endpoint.family === 6 ? 'udp6' : 'udp4',
    reusePort: shared,
    ipv6Only: endpoint.family === 6,
    // Addresses are numeric: resolving them again would delay each send by a turn of the loop.
    lookup: (address, _options, done) => {
      done(null, address, endpoint.family);
    },
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(toListenError('UDP', endpoint, error));
    });
    socket.bind({ address: endpoint.address, port: endpoint.port, exclusive: true }, () => {
      resolve();
    });
  });
  return socket;
};

const closeSocket = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.close(() => {
      resolve();
    });
  });

/** One clear error for a socket that could not be opened. */
export const toListenError = (
  protocol: string,
  endpoint: Endpoint,
  cause: unknown,
): AppError<'ERR_SERVER_LISTEN'> => {
  const code = systemErrorCode(cause) ?? 'unknown error';
  const hint =
    code === 'EADDRINUSE'
      ? 'another program has this address; stop it or change listen.dns'
      : code === 'EACCES'
        ? 'ports below 1024 need CAP_NET_BIND_SERVICE'
        : code === 'EADDRNOTAVAIL'
          ? 'this host does not have the address'
          : 'check listen.dns';
  return new AppError(
    'ERR_SERVER_LISTEN',
    `listening on ${formatEndpoint(endpoint)} (${protocol}): ${code}`,
    { cause, hint },
  );
};
