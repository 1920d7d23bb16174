// Sockets that many questions share: one for UDP and one connection for TCP to each place that is asked.
//
// A sweep asks thousands of questions. With a socket for each, the machine would run out of ports long before its
// name server does. Answers are told apart by ID and question; what comes late or unasked is nobody's. A socket that
// ends takes its questions with it, and the next question opens another one.
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Endpoint, errorText, isAppError } from '../../base/base.ts';
import { FRAME_HEADER, frameOf, messageId, readU16 } from '../../wire/dns/dns.ts';
import {
  type EncodedQuery,
  encodeInquiry,
  type InquiryQuestion,
  isAnswerTo,
  readReply,
} from '../../wire/stub/stub.ts';
import type { Outcome } from './judge.ts';

/** IDs that a query can have. */
const IDS = 0x1_0000;
/** Connections over which a question is asked, one after the other, when each ends before its answer. */
const CONNECTIONS_MAX = 5;

/** Where a question goes, and what it waits for. */
export interface ProbeTarget<Transport extends string> {
  readonly server: Endpoint;
  readonly transport: Transport;
  readonly timeoutMs: number;
}

/** One way to a server while it lasts. */
export interface Wire {
  send(message: Uint8Array): void;
  close(): void;
}

/** Opens one. */
export type OpenWire = (
  server: Endpoint,
  onMessage: (message: Uint8Array) => void,
  onEnd: (text: string) => void,
) => Wire;

/** Asks many questions over few sockets; `ways` are those that it can open. */
export class ProbeChannel<Transport extends string = keyof typeof PLAIN_WAYS> {
  readonly #ways: Readonly<Record<Transport, OpenWire>>;
  readonly #links = new Map<string, Link>();
  #isClosed = false;

  constructor(ways: Readonly<Record<Transport, OpenWire>>) {
    this.#ways = ways;
  }

  /**
   * Asks once. Never rejects: what goes wrong is an outcome. A server may close a connection that was of use to others (RFC 7766
   * section 6.2.3; dnsmasq does after a hundred questions): what it left unanswered is asked over the next one.
   */
  async ask(
    { server, transport, timeoutMs }: ProbeTarget<Transport>,
    question: InquiryQuestion,
  ): Promise<Outcome> {
    const key = `${transport} ${server.address} ${server.port}`;
    for (let tries = 1; ; tries++) {
      let link = this.#links.get(key);
      if (link === undefined || link.hasEnded) {
        link = new Link(server, this.#ways[transport]);
        this.#links.set(key, link);
      }
      const outcome = await link.ask(question, timeoutMs);
      const isLeft = outcome.kind === 'fault' && link.hasEnded && link.hasAnswered;
      if (!isLeft || this.#isClosed || tries === CONNECTIONS_MAX) return outcome;
    }
  }

  /** Ends every socket; questions that wait end with a fault. */
  close(): void {
    this.#isClosed = true;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }
}

interface Waiting {
  readonly query: EncodedQuery;
  readonly name: string;
  readonly startMs: number;
  readonly timer: NodeJS.Timeout;
  resolve(outcome: Outcome): void;
}

/** The questions under way to one server over one transport. */
class Link {
  hasEnded = false;
  hasAnswered = false;
  readonly #server: Endpoint;
  readonly #wire: Wire;
  readonly #waiting = new Map<number, Waiting>();

  constructor(server: Endpoint, open: OpenWire) {
    this.#server = server;
    this.#wire = open(
      server,
      (message) => this.#take(message),
      (text) => this.#end(text),
    );
  }

  ask(question: InquiryQuestion, timeoutMs: number): Promise<Outcome> {
    const id = this.#nextId();
    const query = encodeInquiry(question, id);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(id, { kind: 'silence' }), timeoutMs);
      this.#waiting.set(id, { query, name: question.name, startMs: performance.now(), timer, resolve });
      this.#wire.send(query.bytes);
    });
  }

  close(): void {
    this.#end('the probe ends');
  }

  /**
   * One that no question under way has, which nobody foresees and no resolver knows a probe by. The runner bounds how many there are, far
   * below the number of IDs.
   */
  #nextId(): number {
    for (;;) {
      const id = randomInt(IDS);
      if (!this.#waiting.has(id)) return id;
    }
  }

  #take(message: Uint8Array): void {
    if (message.length < FRAME_HEADER) return;
    const id = messageId(message);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || !isAnswerTo(waiting.query, message)) return;
    this.hasAnswered = true;
    this.#settle(id, this.#read(message, waiting));
  }

  #read(message: Uint8Array, { name, startMs }: Waiting): Outcome {
    try {
      return { kind: 'answer', reading: readReply(message, name, this.#server, startMs) };
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      return { kind: 'fault', text: thrown.message };
    }
  }

  #settle(id: number, outcome: Outcome): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.resolve(outcome);
  }

  #end(text: string): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#wire.close();
    for (const id of [...this.#waiting.keys()]) this.#settle(id, { kind: 'fault', text });
  }
}

const openUdp: OpenWire = (server, onMessage, onEnd) => {
  const socket = createSocket(server.family === 6 ? 'udp6' : 'udp4');
  /** Messages until the socket is connected; undefined from then on. */
  let early: Uint8Array[] | undefined = [];
  let isOpen = true;
  const send = (message: Uint8Array): void => {
    // What a send reports comes as an error of the socket as well.
    socket.send(message, () => {});
  };
  socket.on('message', onMessage);
  socket.on('error', (error) => onEnd(errorText(error)));
  socket.connect(server.port, server.address, () => {
    const messages = early ?? [];
    early = undefined;
    if (isOpen) for (const message of messages) send(message);
  });
  return {
    send: (message) => {
      if (early === undefined) send(message);
      else early.push(message);
    },
    close: () => {
      isOpen = false;
      socket.close();
    },
  };
};

const openTcp: OpenWire = (server, onMessage, onEnd) => {
  const socket = connect(server.port, server.address);
  socket.setNoDelay(true);
  return overStream(socket, onMessage, onEnd);
};

/** Messages behind their lengths (RFC 1035 section 4.2.2), over TCP or TLS. */
export const overStream = (
  socket: Duplex,
  onMessage: (message: Uint8Array) => void,
  onEnd: (text: string) => void,
): Wire => {
  let received = Buffer.alloc(0);
  socket.on('error', (error) => onEnd(errorText(error)));
  socket.on('close', () => onEnd('the connection was closed'));
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= FRAME_HEADER) {
      const end = FRAME_HEADER + readU16(received, 0);
      if (received.length < end) return;
      const message = received.subarray(FRAME_HEADER, end);
      received = received.subarray(end);
      onMessage(message);
    }
  });
  return {
    send: (message) => {
      socket.write(frameOf(message));
    },
    close: () => void socket.destroy(),
  };
};

/** The ways that need no key. */
export const PLAIN_WAYS = { udp: openUdp, tcp: openTcp } as const;
