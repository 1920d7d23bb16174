// A client of the running program: DNS over UDP and TCP, the admin pages, and a reload as an operator makes it.
//
// Every question has its own socket, so that the client's address can be chosen (all of 127.0.0.0/8 is the loopback)
// and no answer can be taken for another's. Nothing waits longer than WAIT_MS, whatever the program does.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import {
  type ExtendedError,
  MESSAGE_LENGTH_MAX,
  messageFlags,
  messageId,
  OPTION,
  readEde,
  readOptions,
  readU16,
} from '../../src/wire/dns/dns.ts';
import type { LogLine, Running, SocketAddress } from './process.ts';
import { buildQuery, type MessageText, type ParsedMessage, parseMessage } from './records.ts';
import { frame } from './scripted-upstream.ts';

/** Longer than any time-out that the tests configure. */
const WAIT_MS = 90_000;
/** RCODE bits of the header's flags. */
const RCODE_MASK = 0xf;

/** An answer with what tests look at first. */
export interface Reply extends ParsedMessage {
  readonly bytes: Uint8Array;
  /** The whole RCODE, the upper bits of an OPT record included. */
  readonly rcode: number;
  /** The first Extended DNS Error. */
  readonly ede: ExtendedError | undefined;
}

/** How a question is asked: with an OPT record of 1,232 bytes unless `edns` says otherwise. */
export interface AskOptions extends Omit<MessageText, 'question' | 'edns'> {
  readonly edns?: NonNullable<MessageText['edns']> | false;
  /** The client's address. */
  readonly from?: string;
  readonly transport?: 'udp' | 'tcp';
}

/** The answer in parts. */
export const readReply = (bytes: Uint8Array): Reply => {
  const message = parseMessage(bytes);
  const upperBits = (message.opt?.ttl ?? 0) >>> 24;
  const { options = new Uint8Array(0) } = message.opt ?? {};
  const ede = readOptions(options, 0, options.length).find((option) => option.code === OPTION.EDE);
  return {
    ...message,
    bytes,
    rcode: (upperBits << 4) | (message.flags & RCODE_MASK),
    ede: ede === undefined ? undefined : readEde(ede),
  };
};

/** Asks once; `question` as in buildQuery. */
export const ask = async (
  server: SocketAddress,
  question: string,
  options: AskOptions = {},
): Promise<Reply> => {
  const { from, transport, edns = {}, ...text } = options;
  const query = buildQuery(question, edns === false ? text : { ...text, edns });
  if (transport !== 'tcp') return readReply(await exchangeUdp(server, query, from));
  const client = await TcpClient.open(server, from);
  client.send(query);
  const reply = await client.read();
  client.end();
  return readReply(reply);
};

/** Sends one datagram and returns the first that comes back. */
export const exchangeUdp = async (
  server: SocketAddress,
  bytes: Uint8Array,
  from?: string,
): Promise<Uint8Array> => {
  const [reply] = await exchangeDatagrams(server, [bytes], 1, from);
  assert.ok(reply !== undefined);
  return reply;
};

/**
 * Sends datagrams from one socket and returns the first `count` that come back. What must get no answer is sent
 * before a question that gets one: answers keep that order, so nobody has to wait for silence.
 */
export const exchangeDatagrams = async (
  server: SocketAddress,
  datagrams: readonly Uint8Array[],
  count: number,
  from?: string,
): Promise<Uint8Array[]> => {
  const isIpv6 = server.address.includes(':');
  const socket = createSocket(isIpv6 ? 'udp6' : 'udp4');
  try {
    socket.bind(0, from ?? (isIpv6 ? '::1' : '127.0.0.1'));
    await once(socket, 'listening');
    const received = Promise.withResolvers<undefined>();
    const replies: Uint8Array[] = [];
    socket.on('message', (bytes) => {
      if (replies.push(new Uint8Array(bytes)) === count) received.resolve(undefined);
    });
    for (const datagram of datagrams) socket.send(datagram, server.port, server.address);
    await within(received.promise, `${count} datagrams from ${server.address} port ${server.port}`);
    return replies;
  } finally {
    socket.close();
  }
};

/** One TCP connection: frames out, messages in. */
export class TcpClient {
  readonly socket: Socket;
  /** Settles when the connection is closed, by whichever side. */
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);
  readonly #messages: Uint8Array[] = [];
  readonly #readers: ((message: Uint8Array) => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => resolve());
    });
    socket.setNoDelay(true);
    socket.on('error', () => undefined); // 'close' follows
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  /** Connects. */
  static async open(server: SocketAddress, from?: string): Promise<TcpClient> {
    const { address: host, port } = server;
    const socket = connect({ host, port, ...(from === undefined ? {} : { localAddress: from }) });
    await once(socket, 'connect');
    return new TcpClient(socket);
  }

  /** Sends messages behind their lengths, in one write. */
  send(...messages: readonly Uint8Array[]): void {
    this.write(Buffer.concat(messages.map(frame)));
  }

  /** Writes bytes as they are. */
  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next message. */
  read(): Promise<Uint8Array> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    const next = new Promise<Uint8Array>((resolve) => this.#readers.push(resolve));
    return within(next, 'a message over TCP');
  }

  /** Number of messages that nobody has read yet. */
  get unread(): number {
    return this.#messages.length;
  }

  /** Resolves when the program has closed the connection. */
  waitForClose(): Promise<void> {
    return within(this.closed, 'the end of the connection');
  }

  /** Closes without waiting. */
  end(): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 2) {
      const end = 2 + readU16(this.#received, 0);
      assert.ok(end <= 2 + MESSAGE_LENGTH_MAX);
      if (this.#received.length < end) return;
      const message = Uint8Array.from(this.#received.subarray(2, end));
      this.#received = this.#received.subarray(end);
      const reader = this.#readers.shift();
      if (reader === undefined) this.#messages.push(message);
      else reader(message);
    }
  }
}

/** Flags and id of an answer, for messages that are too broken for readReply. */
export const readHeader = (bytes: Uint8Array): { id: number; flags: number; rcode: number } => ({
  id: messageId(bytes),
  flags: messageFlags(bytes),
  rcode: messageFlags(bytes) & RCODE_MASK,
});

/** A page of the admin listener. */
export const readAdmin = async (cordon: Running, path: string): Promise<{ status: number; body: string }> => {
  const { address, port } = cordon.admin;
  const response = await fetch(`http://${address}:${port}${path}`, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(WAIT_MS),
  });
  return { status: response.status, body: await response.text() };
};

/** The sum of a metric's series that carry all these labels; 0 when there is none. */
export const readMetric = async (
  cordon: Running,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> => {
  const { body } = await readAdmin(cordon, '/metrics');
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  let sum = 0;
  for (const line of body.split('\n')) {
    const [, series = '', value = ''] = /^([^ ]+(?:\{.*\})?) ([^ ]+)$/.exec(line) ?? [];
    const isMetric = series === name || series.startsWith(`${name}{`);
    if (isMetric && wanted.every((label) => series.includes(label))) sum += Number(value);
  }
  return sum;
};

/** Writes files of the program's directory, sends SIGHUP and returns the log line that tells the outcome. */
export const reload = async (
  cordon: Running,
  files: Readonly<Record<string, string>>,
): Promise<LogLine & { readonly isRefused: boolean }> => {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(cordon.directory, name), content);
  const from = cordon.logs().length;
  cordon.signal('SIGHUP');
  const line = await cordon.waitForLog(
    ({ msg }) => msg === 'reloaded' || msg.startsWith('reload refused'),
    from,
  );
  return { ...line, isRefused: line.msg !== 'reloaded' };
};

const within = async <Value>(promise: Promise<Value>, what: string): Promise<Value> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what}: not within ${WAIT_MS} ms`)), WAIT_MS);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
};
