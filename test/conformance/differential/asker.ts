// Asks one server many questions at once: one UDP socket, told apart by ID, and TCP connections that are used again.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Reply, readReply, TcpClient } from '../../support/client.ts';
import type { SocketAddress } from '../../support/process.ts';
import { buildQuery } from '../../support/records.ts';
import type { Asked } from './questions.ts';

/** Longer than any of the resolvers takes to give up. */
const WAIT_MS = 20_000;
/** After these the datagram is sent again, as stub resolvers do. */
const RESEND_MS = [3_000, 6_000];
/** How often a connection that a peer ended without an answer is opened anew, and how long before. */
const REOPENINGS = 4;
const REOPEN_AFTER_MS = 250;

/** A client of one server. */
export class Asker {
  readonly #server: SocketAddress;
  readonly #isPeer: boolean;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (bytes: Uint8Array) => void>();
  readonly #idle: TcpClient[] = [];
  #nextId = 1;
  #isClosed = false;

  private constructor(server: SocketAddress, socket: Socket, isPeer: boolean) {
    this.#server = server;
    this.#isPeer = isPeer;
    this.#socket = socket;
    socket.on('message', (bytes) => {
      if (bytes.length >= 2) this.#waiting.get(bytes.readUInt16BE(0))?.(new Uint8Array(bytes));
    });
  }

  /** A peer may end connections without an answer, as unbound does at times; ours may not. */
  static async open(server: SocketAddress, isPeer = false): Promise<Asker> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Asker(server, socket, isPeer);
  }

  /** The answer, or undefined when none came in time. */
  async ask(asked: Asked): Promise<Reply | undefined> {
    const id = this.#nextId;
    this.#nextId = (this.#nextId % 0xffff) + 1;
    const { flags, edns } = asked;
    const query = buildQuery(asked.text, { id, flags, ...(edns === undefined ? {} : { edns }) });
    const bytes = await (asked.transport === 'udp' ? this.#askUdp(id, query) : this.#askTcp(query));
    return bytes === undefined ? undefined : readReply(bytes);
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.close();
    for (const client of this.#idle) client.end();
  }

  async #askUdp(id: number, query: Uint8Array): Promise<Uint8Array | undefined> {
    const reply = Promise.withResolvers<Uint8Array | undefined>();
    const timer = setTimeout(() => reply.resolve(undefined), WAIT_MS);
    this.#waiting.set(id, reply.resolve);
    // After close() nobody waits for it: what ended the run is to be seen, and not that.
    const send = (): void => {
      if (!this.#isClosed) this.#socket.send(query, this.#server.port, this.#server.address);
    };
    send();
    const resends = RESEND_MS.map((afterMs) => setTimeout(send, afterMs));
    const bytes = await reply.promise;
    for (const one of [timer, ...resends]) clearTimeout(one);
    this.#waiting.delete(id);
    return bytes;
  }

  /** A connection that was closed meanwhile is no answer: the question is asked once more over a new one. */
  async #askTcp(query: Uint8Array): Promise<Uint8Array | undefined> {
    const used = this.#idle.pop();
    const first = used === undefined ? undefined : await this.#exchange(used, query);
    if (first !== undefined) return first;
    for (let reopenings = this.#isPeer ? REOPENINGS : 0; reopenings > 0; reopenings--) {
      const bytes = await this.#exchange(await TcpClient.open(this.#server), query);
      if (bytes !== undefined) return bytes;
      await sleep(REOPEN_AFTER_MS);
    }
    return this.#exchange(await TcpClient.open(this.#server), query);
  }

  async #exchange(client: TcpClient, query: Uint8Array): Promise<Uint8Array | undefined> {
    client.send(query);
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), WAIT_MS);
    const read = client.read();
    read.catch(() => undefined); // nobody waits for it any more when the connection was closed
    const bytes = await Promise.race([read, client.closed.then(() => undefined), late.promise]);
    clearTimeout(timer);
    if (bytes === undefined) client.end();
    else this.#idle.push(client);
    return bytes;
  }
}
