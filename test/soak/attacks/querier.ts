// Asks a server at an even rate from one or several addresses, and tells as JSON what came back. A program of its own.
//
//   node querier.ts '{"port":5353,"rate":100,"seconds":5,"clients":["127.0.0.2"],"names":["*.good.example"]}'
//
// An answer counts as good when it is NOERROR and came within `patienceMs`. What has not come by then is lost. For `warmUpSec`
// seconds it asks before anything counts, prints "begun", and goes on with the same connections: whoever asks a resolver every
// day has asked before, and a program that was just started would measure its own start.
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { QuicTestClient } from '../../support/quic-client.ts';
import { buildQuery } from '../../support/records.ts';

/** Between two bursts of queries: the resolution of a rate. */
const PACE_MS = 4;
/** Queries that are made up for at once after a pause of this program. */
const BURST_MAX = 400;
const ID_COUNT = 0x1_0000;
/** In place of a `*`, until each query gets a label of its own. */
const FRESH = 'x'.repeat(12);
/** Between two looks whether all answers have come. */
const LOOK_MS = 50;

/** Printed when what is asked begins to count. */
export const BEGUN = 'begun';

interface Order {
  readonly port: number;
  readonly rate: number;
  readonly seconds: number;
  /** Before that; 0 unless given. */
  readonly warmUpSec?: number;
  readonly clients: readonly string[];
  readonly names: readonly string[];
  readonly type?: number;
  readonly copies?: number;
  readonly tcp?: boolean;
  readonly isSecure?: boolean;
  readonly isFresh?: boolean;
  readonly isQuic?: boolean;
  readonly patienceMs?: number;
}

/** What querier.ts prints in its last line. */
export interface Asked {
  readonly sent: number;
  readonly answered: number;
  /** NOERROR in time. */
  readonly good: number;
  readonly servfail: number;
  /** Milliseconds of the good ones. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

interface Client {
  readonly address: string;
  readonly socket: Socket | SecureStream | QuicAsker;
  readonly sentAt: Float64Array;
  nextId: number;
}

/** Where a client of an address asks the server. */
const hostFor = (address: string): string => (address.includes(':') ? '::1' : '127.0.0.1');

const ask = async (order: Order): Promise<Asked> => {
  const { port, rate, seconds, warmUpSec = 0, patienceMs = 5_000, copies = 1, type = 1 } = order;
  /** Each query has a connection of its own. */
  const isAlone = order.tcp === true || order.isFresh === true;
  const clients: Client[] = [];
  const latencies: number[] = [];
  let [sent, answered, good, servfail, open] = [0, 0, 0, 0, 0];
  /** What is asked from then on counts. */
  let countsFromMs = Number.POSITIVE_INFINITY;
  const note = (message: Buffer, since: number): void => {
    if (since < countsFromMs) return;
    answered++;
    const rcode = (message[3] ?? 0) & 0xf;
    const ms = performance.now() - since;
    if (rcode === 2) servfail++;
    if (rcode !== 0 || ms > patienceMs) return;
    good++;
    latencies.push(ms);
  };
  /** Answers are small and come in one piece. */
  const askStream = (localAddress: string, query: Buffer): void => {
    const since = performance.now();
    const plain = connect({ host: hostFor(localAddress), port, localAddress });
    plain.on('error', () => {});
    const stream =
      order.isSecure === true
        ? connectTls({ socket: plain, rejectUnauthorized: false, ALPNProtocols: ['dot'] })
        : plain;
    stream.setTimeout(patienceMs, () => stream.destroy());
    stream.on('error', () => {});
    open++;
    stream.on('close', () => {
      open--;
    });
    stream.on('data', (chunk: Buffer) => {
      if (chunk.length > 6) note(chunk.subarray(2), since);
      stream.end();
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length, 0);
    stream.write(Buffer.concat([length, query]));
  };
  const addClient = (address: string, socket: Client['socket']): Client => {
    const client: Client = { address, socket, sentAt: new Float64Array(ID_COUNT), nextId: 0 };
    clients.push(client);
    return client;
  };
  const take = (client: Client, message: Buffer): void => {
    const id = message.readUInt16BE(0);
    const since = client.sentAt[id] ?? 0;
    if (since === 0) return;
    client.sentAt[id] = 0;
    open--;
    note(message, since);
  };
  for (const address of order.clients) {
    if (order.isSecure === true && order.isFresh !== true) {
      const stream = new SecureStream(address, port, (message) => take(client, message));
      const client = addClient(address, stream);
      continue;
    }
    if (order.isQuic === true) {
      const stream = await QuicAsker.open(address, port, (message) => take(client, message));
      const client = addClient(address, stream);
      continue;
    }
    const type = address.includes(':') ? 'udp6' : 'udp4';
    const socket = createSocket({ type, recvBufferSize: 4 << 20 });
    socket.bind(0, address);
    await once(socket, 'listening');
    const client = addClient(address, socket);
    socket.on('error', () => {});
    socket.on('message', (message) => take(client, message));
  }
  const templates = order.names.map((name) => {
    const query = Buffer.from(buildQuery(`${name.replace('*', FRESH)}. TYPE${type}`, { edns: {} }));
    return { query, fresh: name.includes('*') ? query.indexOf(FRESH) : -1 };
  });
  const run = randomBytes(3).toString('hex');
  let count = 0;
  const send = (): void => {
    const client = clients[count % clients.length];
    const template = templates[count % templates.length];
    if (client === undefined || template === undefined) return;
    const query = Buffer.from(template.query);
    const id = client.nextId;
    client.nextId = (client.nextId + 1) % ID_COUNT;
    query.writeUInt16BE(id, 0);
    if (template.fresh > 0) query.write(run + count.toString(36).padStart(6, '0'), template.fresh, 'latin1');
    if (!isAlone && (client.sentAt[id] ?? 0) === 0) open++;
    client.sentAt[id] = performance.now();
    for (let copy = 0; copy < copies; copy++) {
      if (isAlone) askStream(client.address, query);
      else client.socket.send(query, port, hostFor(client.address));
    }
    count++;
    sent++;
  };
  const askFor = async (durationSec: number): Promise<void> => {
    const startedMs = performance.now();
    const before = count;
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const elapsedMs = performance.now() - startedMs;
        const due = before + Math.floor((Math.min(elapsedMs, durationSec * 1000) * rate) / 1000);
        for (let i = 0; i < BURST_MAX && count < due; i++) send();
        if (elapsedMs < durationSec * 1000) return;
        clearInterval(timer);
        resolve();
      }, PACE_MS);
    });
  };
  await askFor(warmUpSec);
  process.stdout.write(`${BEGUN}\n`);
  countsFromMs = performance.now();
  sent = 0;
  await askFor(seconds);
  const endsAtMs = performance.now() + patienceMs;
  while (open > 0 && performance.now() < endsAtMs) await sleep(LOOK_MS);
  for (const { socket } of clients) socket.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return { sent, answered, good, servfail, p50: at(0.5), p99: at(0.99), max: at(1) };
};

/** One connection of DNS over TLS, which is opened again with the next query after it was closed. */
class SecureStream {
  readonly #address: string;
  readonly #port: number;
  readonly #received: (message: Buffer) => void;
  #socket: TLSSocket | undefined;

  constructor(address: string, port: number, received: (message: Buffer) => void) {
    this.#address = address;
    this.#port = port;
    this.#received = received;
  }

  /** As sockets of UDP send. */
  send(message: Uint8Array, _port: number, _host: string): void {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length, 0);
    if (this.#socket?.writable !== true) this.#socket = this.#open();
    this.#socket.write(Buffer.concat([length, message]));
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): TLSSocket {
    const socket = connectTls({
      socket: connect({ host: '127.0.0.1', port: this.#port, localAddress: this.#address }),
      rejectUnauthorized: false,
      ALPNProtocols: ['dot'],
    });
    let rest = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length > 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const end = 2 + rest.readUInt16BE(0);
        this.#received(rest.subarray(2, end));
        rest = rest.subarray(end);
      }
    });
    return socket;
  }
}

/** One connection of DNS over QUIC; the ID of a query, which is 0 there, is put back into its answer. */
class QuicAsker {
  readonly #client: QuicTestClient | undefined;
  readonly #received: (message: Buffer) => void;

  private constructor(client: QuicTestClient | undefined, received: (message: Buffer) => void) {
    this.#client = client;
    this.#received = received;
  }

  static async open(
    localAddress: string,
    port: number,
    received: (message: Buffer) => void,
  ): Promise<QuicAsker> {
    const client = await QuicTestClient.open({ address: '127.0.0.1', port }, { localAddress });
    return new QuicAsker(client, received);
  }

  /** As sockets of UDP send. */
  send(message: Buffer, _port: number, _host: string): void {
    const id = message.readUInt16BE(0);
    const query = Buffer.from(message);
    query.writeUInt16BE(0, 0);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length, 0);
    void this.#client?.ask(Buffer.concat([length, query])).then((answer) => {
      if (answer === undefined || answer.length < 14) return;
      const found = answer.subarray(2);
      found.writeUInt16BE(id, 0);
      this.#received(found);
    });
  }

  close(): void {
    this.#client?.close();
  }
}

if (process.argv[1] === import.meta.filename) {
  const order = JSON.parse(process.argv[2] ?? '{}') as Order;
  process.stdout.write(`${JSON.stringify(await ask(order))}\n`);
}
