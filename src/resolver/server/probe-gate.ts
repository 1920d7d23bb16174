// The door of the self-probe: two sockets on loopback where the resolver is asked on behalf of any client.
//
// A host has few of the addresses that its clients have, so a probe that would see what they get says for whom it
// asks. A client that may say so could see every view and spend other clients' shares: a query counts only from loopback and
// with a secret that this process made and tells nobody. It stands in an EDNS option of local use:
//
//   secret (32 bytes) · client's address, IPv4 in its mapped form (16) · TRANSPORT (1) · length of the next (1) ·
//   name of the listener (UTF-8) · what the client shows beside its address (JSON; nothing: it shows nothing)
//
// Behind the gate the pipeline decides as for that client, and for one that has shown this to a listener. Over UDP only answers that fit are possible, so that other
// transports than UDP are asked for over TCP. Everything else gets no answer.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import {
  type AddressWords,
  type Clock,
  createAddress,
  type Endpoint,
  isIpv4,
  readIpv6,
} from '../../base/base.ts';
import { type Credentials, Shown } from '../../policy/access/access.ts';
import { findOpt, findOption, OPTION, optionLength, readU16 } from '../../wire/dns/dns.ts';
import { type Decider, DROP, DROPPED, PORT_OF_PROBE, type Reply, TRANSPORT } from '../pipeline/pipeline.ts';
import { ConnectionBudget, type StreamObserver } from './connection-budget.ts';
import { StreamListener } from './stream.ts';
import { UdpListener } from './udp.ts';

/** Bytes of the secret: nobody guesses 256 bits. */
const PROBE_SECRET_BYTES = 32;
const ADDRESS_BYTES = 16;
const TRANSPORT_AT = PROBE_SECRET_BYTES + ADDRESS_BYTES;
const LISTENER_LENGTH_AT = TRANSPORT_AT + 1;
/** Bytes before the name of the listener. */
const FIXED_BYTES = LISTENER_LENGTH_AT + 1;
const TRANSPORTS: readonly number[] = Object.values(TRANSPORT);

/** The probe of one process needs one connection; a second program that tries its luck finds few places. */
const CONNECTIONS_MAX = 16;
/** Between two queries on one connection, milliseconds. */
const IDLE_MS = 30_000;
/** 127.0.0.0/8, as the first byte of the last word. */
const LOOPBACK = 127;

const ENDPOINT: Endpoint = { address: '127.0.0.1', port: 0, family: 4 };

/** A new secret. */
export const createProbeSecret = (): Uint8Array => Uint8Array.from(randomBytes(PROBE_SECRET_BYTES));

/** Whom a probe asks for. */
export interface ProbeClient {
  readonly address: AddressWords;
  /** TRANSPORT. */
  readonly transport: number;
  /** Name of the listener; empty: any that has no group of its own. */
  readonly listener: string;
  /** What it shows beside its address; undefined: nothing. */
  readonly shown?: Credentials | undefined;
}

/** The data of the EDNS option with which a query counts at the gate. */
export const writeProbeOption = (secret: Uint8Array, client: ProbeClient): Uint8Array => {
  const listener = Buffer.from(client.listener);
  const shown = Buffer.from(client.shown === undefined ? '' : JSON.stringify(client.shown));
  const data = new Uint8Array(FIXED_BYTES + listener.length + shown.length);
  const view = new DataView(data.buffer);
  data.set(secret);
  for (const [index, word] of client.address.entries()) view.setUint32(PROBE_SECRET_BYTES + 4 * index, word);
  data[TRANSPORT_AT] = client.transport;
  data[LISTENER_LENGTH_AT] = listener.length;
  data.set(listener, FIXED_BYTES);
  data.set(shown, FIXED_BYTES + listener.length);
  return data;
};

/** Where a worker's probe listens, on 127.0.0.1. */
export interface ProbePorts {
  readonly udpPort: number;
  readonly tcpPort: number;
}

/** What a gate needs. */
export interface ProbeGateOptions {
  readonly pipeline: Decider;
  readonly secret: Uint8Array;
  readonly observer: { dropped(reason: number): void };
  readonly clock: Clock;
}

/** The two sockets. */
export class ProbeGate {
  readonly ports: ProbePorts;
  readonly #udp: UdpListener;
  readonly #stream: StreamListener;

  private constructor(udp: UdpListener, stream: StreamListener) {
    this.#udp = udp;
    this.#stream = stream;
    this.ports = { udpPort: udp.port, tcpPort: stream.port };
  }

  /** Opens both on ports that nobody else has; throws AppError ERR_SERVER_LISTEN. */
  static async open({ pipeline, secret, observer, clock }: ProbeGateOptions): Promise<ProbeGate> {
    const limits = {
      connectionsMax: CONNECTIONS_MAX,
      connectionsPerClientMax: CONNECTIONS_MAX,
      connectionsPerNetworkMax: CONNECTIONS_MAX,
      idleMs: IDLE_MS,
      acceptors: 1,
    };
    const common = {
      endpoint: ENDPOINT,
      name: '',
      shared: false,
      pipeline: new ProbeDecider(pipeline, secret, observer),
    };
    // No client waits for what the probe asks.
    const ownObserver = { dropped: (reason: number) => observer.dropped(reason), settled: () => {} };
    const udp = await UdpListener.open({ ...common, observer: ownObserver, isOwn: () => false });
    try {
      const budget = new ConnectionBudget(limits, UNCOUNTED);
      return new ProbeGate(udp, await StreamListener.open({ ...common, budget, clock, mayAsk: isLoopback }));
    } catch (error) {
      await udp.close();
      throw error;
    }
  }

  /** Stops listening. */
  async close(): Promise<void> {
    await Promise.all([this.#udp.close(), this.#stream.close()]);
  }
}

/** Decides in the name of the client that a query's option tells. */
class ProbeDecider implements Decider {
  readonly #pipeline: Decider;
  readonly #secret: Uint8Array;
  readonly #observer: ProbeGateOptions['observer'];
  readonly #address = createAddress();

  constructor(pipeline: Decider, secret: Uint8Array, observer: ProbeGateOptions['observer']) {
    this.#pipeline = pipeline;
    this.#secret = secret;
    this.#observer = observer;
  }

  decide(
    bytes: Uint8Array,
    length: number,
    address: AddressWords,
    _port: number,
    transport: number,
    out: Uint8Array,
  ): number {
    const message = bytes.subarray(0, length);
    const data = isLoopback(address) ? optionOf(message) : undefined;
    const asked = data?.[TRANSPORT_AT] ?? -1;
    if (
      data === undefined ||
      !timingSafeEqual(data.subarray(0, PROBE_SECRET_BYTES), this.#secret) ||
      !TRANSPORTS.includes(asked) ||
      (transport === TRANSPORT.UDP && asked !== TRANSPORT.UDP)
    ) {
      this.#observer.dropped(DROP.PROBE);
      return DROPPED;
    }
    readIpv6(data, PROBE_SECRET_BYTES, this.#address);
    const end = FIXED_BYTES + (data[LISTENER_LENGTH_AT] ?? 0);
    const listener = new TextDecoder().decode(data.subarray(FIXED_BYTES, end));
    const shown = readShown(data.subarray(end));
    return this.#pipeline.decide(bytes, length, this.#address, PORT_OF_PROBE, asked, out, listener, shown);
  }

  resolve(reply: Reply): void {
    this.#pipeline.resolve(reply);
  }
}

/** Nobody asks how many connections the probe has. */
const UNCOUNTED: StreamObserver = {
  setTcpConnections: () => {},
  setTcpUnread: () => {},
  tcpRefused: () => {},
  tcpClosed: () => {},
};

const isLoopback = (address: AddressWords): boolean =>
  isIpv4(address) && (address[3] ?? 0) >>> 24 === LOOPBACK;

/** Who knows the secret is this program, and writes what it can read. */
const readShown = (bytes: Uint8Array): Shown | undefined => {
  if (bytes.length === 0) return undefined;
  const { serverName, certificate, token } = JSON.parse(Buffer.from(bytes).toString()) as Credentials;
  return new Shown(serverName, certificate, token);
};

/** The data of the probe's option, long enough for all but the name of the listener; undefined without one. */
const optionOf = (message: Uint8Array): Uint8Array | undefined => {
  const options = findOpt(message);
  if (options < 0) return undefined;
  const offset = findOption(message, options, readU16(message, options - 2), OPTION.CORDON_PROBE);
  if (offset < 0 || optionLength(message, offset) < FIXED_BYTES) return undefined;
  return message.subarray(offset, offset + optionLength(message, offset));
};
