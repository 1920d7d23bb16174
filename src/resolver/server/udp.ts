// Queries over UDP. Hot file.
//
// The decision is made while the datagram lies in the socket's memory and is written straight into the memory that
// leaves it; only a query that has to wait for an upstream keeps anything: its peer, and the pipeline's copy of it.
import { type AddressWords, createAddress, type Endpoint, Pool, Reusable } from '../../base/base.ts';
import {
  type DatagramHandler,
  type DatagramSocket,
  openDatagramSocket,
  Peer,
} from '../../wire/datagram/datagram.ts';
import { type Decider, DROP, PENDING, type Reply, TRANSPORT } from '../pipeline/pipeline.ts';
import { toListenError } from './listen-error.ts';
import { type Caller, Proxies } from './proxies.ts';
import { hasSignature, ProxiedClient, readProxyHeader } from './proxy-header.ts';
import { isReflectorPort } from './reflector-ports.ts';

/** Kernel buffers, bytes: 50 ms of 100,000 datagrams a second. The system may grant less. */
const BUFFER_BYTES = 4 * 1024 * 1024;

/** Ways back that are kept for the next queries that wait: more than are in flight but in a flood. */
const WAYS_KEPT_MAX = 1024;

/** Told what became of datagrams. */
export interface UdpObserver {
  dropped(reason: number): void;
  /** The answers that were at hand have left, so many milliseconds after their queries were read. */
  settled(ms: number): void;
}

/** What a UDP listener needs beside its endpoint. */
export interface UdpOptions {
  readonly endpoint: Endpoint;
  /** Name of the configured listener, which a wildcard's sockets share. */
  readonly name: string;
  /** Other sockets share the endpoint. */
  readonly shared: boolean;
  readonly pipeline: Decider;
  readonly observer: UdpObserver;
  /** True for an address and port that one of our own upstream sockets has: the query is our own. */
  readonly isOwn: (address: AddressWords, port: number) => boolean;
  /** Who may speak for others; undefined: nobody. */
  readonly proxies?: Proxies | undefined;
  /** Is told of the bytes of each answer. */
  readonly charge?: (address: AddressWords, bytes: number) => void;
}

/** Where the answer to a query that waits goes. */
class WayBack extends Reusable {
  readonly peer = new Peer();
  /** Who asked, which a proxy did for. */
  readonly asker: AddressWords = createAddress();
  /** Sends the answer and gives the way back. Called once, as the pipeline promises; made with the way, not for each query. */
  readonly reply: Reply;

  constructor(send: (way: WayBack, answer: Uint8Array) => void) {
    super();
    this.reply = (answer) => send(this, answer);
  }
}

/** One UDP endpoint that clients ask. */
export class UdpListener implements DatagramHandler {
  readonly #name: string;
  readonly #pipeline: Decider;
  readonly #observer: UdpObserver;
  readonly #isOwn: UdpOptions['isOwn'];
  readonly #charge: UdpOptions['charge'];
  readonly #proxies: Proxies;
  readonly #client = new ProxiedClient();
  readonly #ways = new Pool<WayBack>(WAYS_KEPT_MAX);
  #socket: DatagramSocket | undefined;

  private constructor(options: UdpOptions) {
    this.#name = options.name;
    this.#pipeline = options.pipeline;
    this.#observer = options.observer;
    this.#isOwn = options.isOwn;
    this.#charge = options.charge;
    this.#proxies = options.proxies ?? new Proxies();
  }

  /** Binds the endpoint, once per socket; throws AppError ERR_SERVER_LISTEN. @cold */
  static async open(options: UdpOptions): Promise<UdpListener> {
    const listener = new UdpListener(options);
    listener.#socket = await openSocket(options.endpoint, options.shared, listener);
    return listener;
  }

  /** The port that binding the endpoint alone would give, once per socket; throws ERR_SERVER_LISTEN when it is taken. @cold */
  static async probe(endpoint: Endpoint): Promise<number> {
    const socket = await openSocket(endpoint, false, { receive() {}, sendFailed() {} });
    await socket.close();
    return socket.port;
  }

  /** The port that it has. */
  get port(): number {
    return this.#socket?.port ?? 0;
  }

  /** Stops listening. */
  close(): Promise<void> {
    return this.#socket?.close() ?? Promise.resolve();
  }

  receive(bytes: Uint8Array, length: number, peer: Peer): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    if (peer.port === 0) {
      this.#observer.dropped(DROP.SOURCE_PORT_ZERO);
      return;
    }
    if (isReflectorPort(peer.port)) {
      this.#observer.dropped(DROP.REFLECTOR);
      return;
    }
    if (this.#isOwn(peer.words, peer.port)) {
      this.#observer.dropped(DROP.LOOP);
      return;
    }
    if (this.#proxies.has(peer.words)) this.#receiveFor(socket, bytes, length, peer);
    else if (hasSignature(bytes, length)) this.#observer.dropped(DROP.PROXY);
    else this.#decide(socket, bytes, length, peer, peer);
  }

  /** What a proxy hands on: its header, then a query of the client that the header names. */
  #receiveFor(socket: DatagramSocket, bytes: Uint8Array, length: number, peer: Peer): void {
    const client = this.#client;
    const end = readProxyHeader(bytes, length, client);
    if (end <= 0) {
      this.#observer.dropped(DROP.PROXY);
      return;
    }
    // It came to the proxy as a datagram of IPv6 from that address, which was forged (peer.ts); connections are proven.
    if (!client.isProxy && client.isMapped) {
      this.#observer.dropped(DROP.SOURCE_ADDRESS);
      return;
    }
    // What came to the proxy from such a port was forged as much as what comes here from one, and it hands the answer on.
    if (!client.isProxy && (client.hasNoPort || isReflectorPort(client.port))) {
      this.#observer.dropped(client.hasNoPort ? DROP.SOURCE_PORT_ZERO : DROP.REFLECTOR);
      return;
    }
    this.#decide(socket, bytes.subarray(end), length - end, client.isProxy ? peer : client, peer);
  }

  /** The answer goes back to where the query came from, whoever asked. */
  #decide(socket: DatagramSocket, bytes: Uint8Array, length: number, asker: Caller, peer: Peer): void {
    const out = socket.reserve();
    const pipeline = this.#pipeline;
    const { words, port } = asker;
    const answered = pipeline.decide(bytes, length, words, port, TRANSPORT.UDP, out, this.#name);
    if (answered > 0) {
      socket.commit(answered, peer);
      this.#charge?.(words, answered);
    } else if (answered === PENDING) {
      const way = this.#ways.take() ?? new WayBack(this.#send);
      way.peer.set(peer);
      for (let i = 0; i < 4; i++) way.asker[i] = words[i] ?? 0;
      pipeline.resolve(way.reply);
    }
  }

  /** Sends an answer that was waited for. */
  readonly #send = (way: WayBack, answer: Uint8Array): void => {
    const socket = this.#socket;
    if (answer.length > 0 && socket !== undefined) {
      socket.reserve().set(answer);
      socket.commit(answer.length, way.peer);
      this.#charge?.(way.asker, answer.length);
    }
    this.#ways.give(way);
  };

  forged(): void {
    this.#observer.dropped(DROP.SOURCE_ADDRESS);
  }

  sendFailed(): void {
    this.#observer.dropped(DROP.SEND_FAILED);
  }

  settled(ms: number): void {
    this.#observer.settled(ms);
  }
}

/** Once per socket. @cold */
const openSocket = async (
  endpoint: Endpoint,
  shared: boolean,
  handler: DatagramHandler,
): Promise<DatagramSocket> => {
  try {
    return await openDatagramSocket({
      endpoint,
      shared,
      receiveBytes: BUFFER_BYTES,
      sendBytes: BUFFER_BYTES,
      handler,
    });
  } catch (error) {
    throw toListenError('UDP', endpoint, error);
  }
};
