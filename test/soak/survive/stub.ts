// The clients of the survival test: asks at an even rate as stub resolvers do, and tells as JSON what came of each question.
// A program of its own:
//
//   node stub.ts '{"servers":["192.0.2.53","192.0.2.54"],"rate":100,"seconds":10,…}'
//
// SIGUSR2 ends it before its time: what is under way is waited for.
// A stub asks one of its servers, every other one the first of the two first, waits, asks the other, and so on: what
// resolv.conf(5) calls `timeout` and `attempts`. SERVFAIL sends it on at once. A question counts once, by what its user
// gets: an answer, nothing usable after all tries, or an address behind a listed name. A try counts for the server that it
// went to: the longest time without an answer is the outage of that server.
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { questionBytes, readAnswer } from './wire.ts';

/** Between two bursts: the resolution of a rate, and of an outage. */
const PACE_MS = 4;
/** Questions that are made up for at once after a pause of this program. */
const BURST_MAX = 50;
/** Sockets to each server: the kernel spreads them over the workers behind it. */
const SOCKETS = 16;
const ID_COUNT = 0x1_0000;
/** Tries that failed closer to each other than this belong to one outage. */
const EPISODE_MS = 500;
const [RCODE_NOERROR, RCODE_SERVFAIL, RCODE_NXDOMAIN] = [0, 2, 3];

/** A kind of question. */
export type Kind = 'known' | 'fresh' | 'listed' | 'alias';

/** What stub.ts is told. */
export interface StubOrder {
  readonly servers: readonly string[];
  readonly rate: number;
  readonly seconds: number;
  /** Names that are asked again and again. */
  readonly known: readonly string[];
  /** Names that a list refuses. */
  readonly listed: readonly string[];
  /** The kinds that take turns. */
  readonly turns: readonly Kind[];
  readonly tryMs: number;
  readonly tries: number;
  /** Over TLS, a connection for each try, with a certificate of this authority for this name. */
  readonly secure?: { readonly authority: string; readonly name: string };
}

/** What stub.ts prints. */
export interface StubResult {
  readonly asked: number;
  /** No usable answer after all tries. */
  readonly unanswered: number;
  /** Of those, questions whose last word was SERVFAIL. */
  readonly failed: number;
  /** An address for a listed name. */
  readonly unfiltered: number;
  /** Questions that the first server asked did not answer. */
  readonly retried: number;
  /** Longest that a user waited for an answer, milliseconds. */
  readonly longestMs: number;
  /** From the first to the last try in a row that a server left without a usable answer, milliseconds. */
  readonly outageMs: Readonly<Record<string, number>>;
}

interface Question {
  readonly kind: Kind;
  readonly name: string;
  readonly askedAtMs: number;
  readonly firstServer: number;
  tries: number;
  wasServfail: boolean;
  isSettled: boolean;
}

interface Try {
  readonly question: Question;
  readonly server: number;
  readonly sentAtMs: number;
  readonly timer: NodeJS.Timeout;
}

/** Sends a try on its way; what comes back goes to `heard`, a fault that shows at once to `failed`. */
type Send = (
  server: number,
  socket: number,
  query: Buffer,
  on: { heard: (message: Buffer) => void; failed: () => void },
) => void;

/** The longest run of failed tries of one server. */
class Outage {
  longestMs = 0;
  readonly #failed: number[] = [];

  fail(sentAtMs: number): void {
    this.#failed.push(sentAtMs);
  }

  close(): void {
    const times = this.#failed.sort((a, b) => a - b);
    let [first, last] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const time of times) {
      if (time - last > EPISODE_MS) first = time;
      last = time;
      this.longestMs = Math.max(this.longestMs, last - first);
    }
  }
}

class Stub {
  readonly counts = { asked: 0, unanswered: 0, failed: 0, unfiltered: 0, retried: 0, longestMs: 0 };
  readonly outages: readonly Outage[];
  open = 0;
  readonly #order: StubOrder;
  readonly #sockets: Socket[][] = [];
  #send: Send = () => {};
  readonly #waiting = new Map<string, Try>();
  readonly #run = randomBytes(3).toString('hex');
  #tryCount = 0;

  constructor(order: StubOrder) {
    this.#order = order;
    this.outages = order.servers.map(() => new Outage());
  }

  async begin(): Promise<void> {
    const { servers, secure } = this.#order;
    if (secure !== undefined) {
      const ca = readFileSync(secure.authority);
      this.#send = (server, _, query, { heard, failed }) => {
        const stream = connect({
          ...{ host: servers[server] ?? '', port: 853, servername: secure.name },
          ...{ ca, ALPNProtocols: ['dot'] },
        });
        const length = Buffer.alloc(2);
        length.writeUInt16BE(query.length, 0);
        stream.setTimeout(this.#order.tryMs, () => stream.destroy());
        stream.on('error', failed);
        // An answer is small and comes in one piece.
        stream.on('data', (chunk) => {
          heard(chunk.subarray(2));
          stream.destroy();
        });
        stream.write(Buffer.concat([length, query]));
      };
      return;
    }
    this.#send = (server, socket, query) => {
      this.#sockets[server]?.[socket]?.send(query, 53, servers[server], () => {});
    };
    for (const [server] of this.#order.servers.entries()) {
      const sockets: Socket[] = [];
      for (let index = 0; index < SOCKETS; index++) {
        const socket = createSocket('udp4').bind(0);
        await once(socket, 'listening');
        // What cannot be sent is a try without an answer.
        socket.on('error', () => {});
        socket.on('message', (message) => this.#hear(server, index, message));
        sockets.push(socket);
      }
      this.#sockets.push(sockets);
    }
  }

  close(): void {
    for (const socket of this.#sockets.flat()) socket.close();
    for (const outage of this.outages) outage.close();
  }

  ask(): void {
    const { turns, known, listed } = this.#order;
    const index = this.counts.asked++;
    const kind = turns[index % turns.length] ?? 'known';
    const fresh = `${this.#run}${index.toString(36)}`;
    const names: Readonly<Record<Kind, string>> = {
      known: known[index % known.length] ?? '',
      listed: listed[index % listed.length] ?? '',
      fresh: `${fresh}.fresh.example`,
      alias: `${fresh}.alias.example`,
    };
    // Each kind is asked of either server first.
    const firstServer = Math.floor(index / turns.length) % this.#order.servers.length;
    const askedAtMs = performance.now();
    this.open++;
    this.#try({
      kind,
      name: names[kind],
      askedAtMs,
      firstServer,
      tries: 0,
      wasServfail: false,
      isSettled: false,
    });
  }

  #try(question: Question): void {
    const { servers, tryMs, tries } = this.#order;
    if (question.tries === 1) this.counts.retried++;
    if (question.tries >= tries) {
      this.#settle(question, false);
      return;
    }
    const server = (question.firstServer + question.tries++) % servers.length;
    const count = this.#tryCount++;
    const socket = count % SOCKETS;
    const id = Math.floor(count / SOCKETS) % ID_COUNT;
    const key = `${server} ${socket} ${id}`;
    const sentAtMs = performance.now();
    const failed = (): void => {
      clearTimeout(timer);
      if (!this.#waiting.delete(key)) return;
      this.outages[server]?.fail(sentAtMs);
      this.#try(question);
    };
    const timer = setTimeout(failed, tryMs);
    this.#waiting.set(key, { question, server, sentAtMs, timer });
    const heard = (message: Buffer): void => this.#hear(server, socket, message);
    this.#send(server, socket, questionBytes(id, question.name), { heard, failed });
  }

  #hear(server: number, socket: number, message: Buffer): void {
    const heard = readAnswer(message);
    if (heard === undefined) return;
    const key = `${server} ${socket} ${heard.id}`;
    const tried = this.#waiting.get(key);
    if (tried === undefined) return;
    clearTimeout(tried.timer);
    this.#waiting.delete(key);
    const { question, sentAtMs } = tried;
    const isRefusable = question.kind === 'listed' || question.kind === 'alias';
    if (isRefusable && heard.rcode === RCODE_NOERROR && heard.answers > 0) {
      this.counts.unfiltered++;
      process.stderr.write(`unfiltered: ${question.name} at ${this.#order.servers[server]}\n`);
    }
    const isUsable = heard.rcode === RCODE_NOERROR || heard.rcode === RCODE_NXDOMAIN;
    if (isUsable) {
      this.#settle(question, true);
      return;
    }
    question.wasServfail = heard.rcode === RCODE_SERVFAIL;
    this.outages[server]?.fail(sentAtMs);
    this.#try(question);
  }

  #settle(question: Question, isAnswered: boolean): void {
    this.open--;
    if (isAnswered) {
      this.counts.longestMs = Math.max(this.counts.longestMs, performance.now() - question.askedAtMs);
      return;
    }
    this.counts.unanswered++;
    if (question.wasServfail) this.counts.failed++;
  }
}

const run = async (order: StubOrder): Promise<StubResult> => {
  const stub = new Stub(order);
  await stub.begin();
  const startedMs = performance.now();
  let isEnough = false;
  process.once('SIGUSR2', () => {
    isEnough = true;
  });
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsedMs = performance.now() - startedMs;
      const due = Math.floor((Math.min(elapsedMs, order.seconds * 1000) * order.rate) / 1000);
      for (let i = 0; i < BURST_MAX && stub.counts.asked < due; i++) stub.ask();
      if (elapsedMs < order.seconds * 1000 && !isEnough) return;
      clearInterval(timer);
      resolve();
    }, PACE_MS);
  });
  const endsAtMs = performance.now() + order.tries * order.tryMs + EPISODE_MS;
  while (stub.open > 0 && performance.now() < endsAtMs) await sleep(PACE_MS);
  stub.close();
  const outageMs = Object.fromEntries(
    order.servers.map((server, index) => [server, stub.outages[index]?.longestMs ?? 0]),
  );
  return { ...stub.counts, outageMs };
};

if (process.argv[1] === import.meta.filename) {
  const order = JSON.parse(process.argv[2] ?? '{}') as StubOrder;
  process.stdout.write(`${JSON.stringify(await run(order))}\n`);
  process.exit(0);
}
