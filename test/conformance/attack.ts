// Malformed messages against the running program: as queries of a hostile client and as answers of a hostile upstream.
//
// Both attacks are seeded, so that a breach can be repeated, and look after each batch whether a sound query is still
// answered and how much memory the process holds. What comes back has to be a response, has to end where its header
// says, and must not lead to the listed names and addresses, by two decoders.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import dnsPacket from 'dns-packet';
import {
  FLAG,
  HEADER_LENGTH,
  messageFlags,
  messageId,
  questionEnd,
  RCODE,
  UDP_LENGTH_MAX,
  writeU16,
} from '../../src/wire/dns/dns.ts';
import { exchangeUdp, readHeader, readReply, TcpClient } from '../support/client.ts';
import { corpusRecords, soundMessages } from '../support/corpus.ts';
import { createRandom, mutate, type Random } from '../support/mutate.ts';
import { type Cordon, type SocketAddress, startCordon } from '../support/process.ts';
import { buildQuery, buildResponse } from '../support/records.ts';
import { answer, type ScriptedQuery, ScriptedUpstream } from '../support/scripted-upstream.ts';

/** Messages between two looks at the process. */
const BATCH_COUNT = 500;
/** Datagrams written before others get their turn: far below what a socket buffer holds. */
const BURST_COUNT = 25;
/** Messages of one TCP connection. */
const MESSAGES_PER_CONNECTION = 10;
/** A sound query has to be answered within this, milliseconds. */
const GOOD_ANSWER_MS = 20_000;
/** Questions that wait for the hostile upstream at a time. */
const HOSTILE_INFLIGHT_MAX = 100;
/** The program's time-out in the attack plus the time of a loaded machine, milliseconds. */
const HOSTILE_ANSWER_MS = 20_000;
/** Batches until caches, code and buffers are warm. */
const WARM_BATCHES = 8;
/** Breaches that are kept; one is enough to fail. */
const BREACHES_MAX = 20;
/** Linux counts memory in pages. */
const PAGE_KB = 4;

const GOOD_NAME = 'good.example.com.';
const GOOD_ADDRESS = '192.0.2.7';
/** Refused: the names below it and the addresses of the prefix. */
const LISTED_NAME = 'listed.example';
const LISTED_PREFIX = '203.0.113.';
const LISTED_NAME_TEXT = /(?:^|\s|(?<!\\)\.)listed\.example\.(?=\s|$)/i;
const LISTED_ADDRESS_TEXT =
  /(?<![\w:.])(?:203\.0\.113\.|(?:::ffff|64:ff9b:):(?:cb00:71[0-9a-f]{2}|203\.0\.113\.))/i;
/** Records whose owners, targets and addresses are judged. */
const JUDGED_RECORD = /^\S+ \d+ IN (?:A|AAAA|CNAME|DNAME|HTTPS|SVCB) /;

/** What an attack saw. */
export interface AttackReport {
  readonly sent: number;
  readonly answered: number;
  /** Answers by RCODE number. */
  readonly rcodes: Readonly<Record<number, number>>;
  /** Each with the message in hexadecimal; at most BREACHES_MAX. */
  readonly breaches: readonly string[];
  /** Memory of the process after the warm-up and at the end, kilobytes. */
  readonly warmKb: number;
  readonly endKb: number;
}

/** What both attacks take. */
export interface AttackOptions {
  readonly count: number;
  readonly seed: number;
  /** Told after each batch. */
  readonly progress?: (line: string) => void;
}

const QUERY_TYPES = [
  'A',
  'AAAA',
  'MX',
  'TXT',
  'HTTPS',
  'SVCB',
  'ANY',
  'SOA',
  'NS',
  'DS',
  'AXFR',
  'TYPE65280',
];
/** COOKIE, PADDING, CLIENT-SUBNET and EDE, well formed. */
const QUERY_OPTIONS = Uint8Array.of(
  ...[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
  ...[0, 12, 0, 2, 0, 0],
  ...[0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2],
  ...[0, 15, 0, 2, 0, 0],
);
const LONG_NAME = `${`${'a'.repeat(61)}.`.repeat(4)}`;

/** Queries of every shape. */
const querySeeds: readonly Uint8Array[] = [
  ...QUERY_TYPES.flatMap((type) => [
    buildQuery(`www.example.com. ${type}`),
    buildQuery(`x.${LISTED_NAME}. ${type}`, { edns: {} }),
    buildQuery(`WWW.Example.COM. ${type}`, { edns: { ttl: 0x8000, options: QUERY_OPTIONS } }),
  ]),
  buildQuery(`${LONG_NAME} A`),
  buildQuery('. NS', { edns: { udpLength: 512 } }),
  buildQuery('version.bind. CH TXT'),
  buildQuery('www.example.com. A', { flags: 0x2800 }),
  buildQuery('www.example.com. A', { edns: { ttl: 0x00ff_0000 } }),
  buildQuery('localhost. A', { answer: ['localhost. 5 IN A 127.0.0.1'] }),
];

/** Answers as a client would send them. */
const strayAnswers: readonly Uint8Array[] = soundMessages.map((message) => {
  const query = message.slice();
  query[2] = (query[2] ?? 0) & 0x07;
  return query;
});

/** Messages that the attack of a client starts from. */
export const CLIENT_SEEDS = querySeeds.length + strayAnswers.length;

/** Answers to `www.example.com. A`, some of which lead to what is listed. */
const answerSeeds: readonly Uint8Array[] = [
  ['www.example.com. 60 IN CNAME x.listed.example.', `x.listed.example. 60 IN A ${LISTED_PREFIX}66`],
  ['www.example.com. 60 IN CNAME a.example.', 'a.example. 60 IN CNAME listed.example.'],
  [`www.example.com. 60 IN A ${LISTED_PREFIX}66`, 'www.example.com. 60 IN A 198.51.100.1'],
  ['www.example.com. 60 IN AAAA 64:ff9b::cb00:7142', 'www.example.com. 60 IN AAAA 2001:db8::1'],
  ['example.com. 60 IN DNAME listed.example.', 'www.example.com. 60 IN CNAME www.listed.example.'],
  [`www.example.com. 60 IN HTTPS 1 . alpn=h2 ipv4hint=198.51.100.1,${LISTED_PREFIX}66`],
  ['www.example.com. 60 IN HTTPS 0 y.listed.example.'],
  ['listed.example. 60 IN A 198.51.100.9', 'www.example.com. 60 IN A 198.51.100.8'],
  ...corpusRecords.map((record) => ['www.example.com. 5 IN CNAME a.example.com.', record]),
].flatMap((records) => [
  buildResponse({ question: 'www.example.com. A', answer: records, edns: {} }),
  buildResponse({
    question: 'www.example.com. A',
    answer: records,
    authority: ['example.com. 5 IN SOA a.example.com. b.example.com. 1 2 3 4 5'],
    additional: records,
  }),
]);

/** Sends malformed messages by UDP and TCP in turns; the upstream behind the program is a sound one. */
export const attackAsClient = async (options: AttackOptions): Promise<AttackReport> => {
  const upstream = await ScriptedUpstream.open(answerSoundly);
  const cordon = await startVictim(upstream);
  try {
    const watch = new Watch(cordon);
    const random = createRandom(options.seed);
    for (let batch = 0; watch.sent < options.count && !watch.isBroken; batch++) {
      const count = Math.min(BATCH_COUNT, options.count - watch.sent);
      const messages = Array.from({ length: count }, () =>
        mutate(random(2) === 0 ? querySeeds : strayAnswers, random),
      );
      if (batch % 2 === 0) await sendDatagrams(cordon.dns, messages, watch);
      else await sendStreamed(cordon.dns, messages, watch);
      const leaked = upstream.queries.find(({ name }) => LISTED_NAME_TEXT.test(name));
      if (leaked !== undefined) watch.breach('an upstream was asked for a listed name', leaked.bytes);
      upstream.queries.length = 0;
      await watch.look(options, batch);
    }
    return watch.report();
  } finally {
    await cordon.kill();
    await upstream.close();
  }
};

/** Asks sound questions; the upstream answers each with a malformed message. */
export const attackAsUpstream = async (options: AttackOptions): Promise<AttackReport> => {
  const random = createRandom(options.seed);
  const upstream = await ScriptedUpstream.open((query) =>
    isGood(query) ? answerSoundly(query) : forge(query, random),
  );
  const cordon = await startVictim(upstream);
  const socket = createSocket('udp4');
  try {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const watch = new Watch(cordon);
    for (let batch = 0; watch.sent < options.count && !watch.isBroken; batch++) {
      await askHostile(socket, cordon.dns, Math.min(BATCH_COUNT, options.count - watch.sent), watch);
      upstream.queries.length = 0;
      await watch.look(options, batch);
    }
    return watch.report();
  } finally {
    socket.close();
    await cordon.kill();
    await upstream.close();
  }
};

const startVictim = (upstream: ScriptedUpstream): Promise<Cordon> =>
  startCordon({
    config: `
listen: { dns: ["127.0.0.1:0"], admin: "127.0.0.1:0" }
workers: 1
upstreams: ["127.0.0.1:${upstream.endpoint.port}"]
lists: [{ id: listed, file: listed.yaml, format: cordon }]
resolver: { timeout: 500ms, try-timeout: 250ms }
cache: { size: 1MiB }`,
    files: {
      'listed.yaml': `
id: listed
title: What the attack tries to reach
category: test
mandate: true
default: false
entries:
${[`suffix: ${LISTED_NAME}`, `prefix: ${LISTED_PREFIX}0/24`]
  .map((trigger) => `  - { ${trigger}, service: Test, owner: Test, evidence: test, reviewed: 2026-11-24 }`)
  .join('\n')}
`,
    },
  });

/** Counts and judges what comes back. */
class Watch {
  sent = 0;
  #answered = 0;
  readonly #cordon: Cordon;
  readonly #rcodes: Record<number, number> = {};
  readonly #breaches: string[] = [];
  #warmKb = 0;
  #endKb = 0;

  constructor(cordon: Cordon) {
    this.#cordon = cordon;
  }

  get isBroken(): boolean {
    return this.#breaches.length >= BREACHES_MAX;
  }

  breach(what: string, bytes: Uint8Array): void {
    if (!this.isBroken) this.#breaches.push(`${what}: ${Buffer.from(bytes).toString('hex')}`);
  }

  /** Takes an answer. */
  take(bytes: Uint8Array, lengthMax: number): void {
    this.#answered++;
    const flaw = findFlaw(bytes, lengthMax);
    if (flaw !== undefined) this.breach(flaw, bytes);
    const rcode = bytes.length < HEADER_LENGTH ? -1 : readHeader(bytes).rcode;
    this.#rcodes[rcode] = (this.#rcodes[rcode] ?? 0) + 1;
  }

  /** Asks the good question by UDP and TCP, and reads the memory. */
  async look({ count, progress }: AttackOptions, batch: number): Promise<void> {
    const failure = await findDeafness(this.#cordon.dns);
    if (failure !== undefined) this.breach(failure, new Uint8Array(0));
    if (this.#cordon.logs().some(({ level }) => level === 'error'))
      this.breach(`the log has errors\n${this.#cordon.output().slice(-2000)}`, new Uint8Array(0));
    this.#endKb = residentKb(this.#cordon.pid);
    if (batch < WARM_BATCHES) this.#warmKb = this.#endKb;
    progress?.(`${this.sent}/${count} sent, ${this.#answered} answered, ${this.#endKb} kB`);
  }

  report(): AttackReport {
    return {
      sent: this.sent,
      answered: this.#answered,
      rcodes: this.#rcodes,
      breaches: this.#breaches,
      warmKb: this.#warmKb,
      endKb: this.#endKb,
    };
  }
}

/** What is wrong about an answer of the program, whatever was asked. */
const findFlaw = (bytes: Uint8Array, lengthMax: number): string | undefined => {
  if (bytes.length < HEADER_LENGTH) return 'an answer without a whole header';
  if (bytes.length > lengthMax) return 'an answer over the limit of its transport';
  if ((messageFlags(bytes) & FLAG.QR) === 0) return 'an answer that is a query';
  if (readHeader(bytes).rcode === RCODE.FORMERR || readHeader(bytes).rcode === RCODE.NOTIMP) return undefined;
  const { answer: answers, authority, additional, isSound } = readReply(bytes);
  if (!isSound) return 'an answer that cannot be read';
  for (const record of [...answers, ...authority, ...additional])
    if (JUDGED_RECORD.test(record) && (LISTED_NAME_TEXT.test(record) || LISTED_ADDRESS_TEXT.test(record)))
      return `an answer leads to what is listed (${record})`;
  return leaksByOtherDecoder(bytes) ? 'an answer holds a listed address, says dns-packet' : undefined;
};

const leaksByOtherDecoder = (bytes: Uint8Array): boolean => {
  try {
    const { answers = [], authorities = [] } = dnsPacket.decode(Buffer.from(bytes));
    return [...answers, ...authorities].some(
      (record) => record.type === 'A' && record.class === 'IN' && record.data.startsWith(LISTED_PREFIX),
    );
  } catch {
    return false; // types that it cannot read
  }
};

/** Why the program no longer answers a sound query, or undefined. */
const findDeafness = async (server: SocketAddress): Promise<string | undefined> => {
  const query = buildQuery(`${GOOD_NAME} A`, { id: 0xbeef });
  for (const transport of ['udp', 'tcp'] as const) {
    const reply = await Promise.race([
      (transport === 'udp' ? exchangeUdp(server, query) : exchangeTcp(server, query)).catch(() => undefined),
      delay(GOOD_ANSWER_MS, undefined, { ref: false }),
    ]);
    const answers = reply === undefined ? [] : readReply(reply).answer;
    if (!answers.some((record) => record.endsWith(` ${GOOD_ADDRESS}`)))
      return `a sound query by ${transport} was not answered within ${GOOD_ANSWER_MS} ms`;
  }
  return undefined;
};

const exchangeTcp = async (server: SocketAddress, query: Uint8Array): Promise<Uint8Array> => {
  const client = await TcpClient.open(server);
  client.send(query);
  try {
    return await client.read();
  } finally {
    client.end();
  }
};

const sendDatagrams = async (
  server: SocketAddress,
  messages: readonly Uint8Array[],
  watch: Watch,
): Promise<void> => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.on('message', (bytes) => watch.take(bytes, UDP_LENGTH_MAX));
  for (const [index, message] of messages.entries()) {
    socket.send(message, server.port, server.address);
    watch.sent++;
    if (index % BURST_COUNT === BURST_COUNT - 1) await delay(1);
  }
  // Answers come in order or from the upstream beside: what is under way arrives before a later question's answer.
  await exchangeUdp(server, buildQuery(`${GOOD_NAME} A`)).catch(() => undefined);
  await delay(20);
  socket.close();
};

const sendStreamed = async (
  server: SocketAddress,
  messages: readonly Uint8Array[],
  watch: Watch,
): Promise<void> => {
  for (let at = 0; at < messages.length; at += MESSAGES_PER_CONNECTION) {
    const part = messages.slice(at, at + MESSAGES_PER_CONNECTION);
    const client = await TcpClient.open(server);
    client.send(...part, buildQuery(`${GOOD_NAME} A`, { id: 0xbeef }));
    watch.sent += part.length;
    for (;;) {
      // A connection that carries a response is closed by the program: nothing follows then.
      const reply = await Promise.race([client.read().catch(() => undefined), client.closed]);
      if (!(reply instanceof Uint8Array)) break;
      if (messageId(reply) === 0xbeef) break;
      watch.take(reply, 0xffff);
    }
    client.end();
  }
};

const isGood = (query: ScriptedQuery): boolean => query.name.toLowerCase() === GOOD_NAME;

const answerSoundly = (query: ScriptedQuery): Uint8Array => {
  if (isGood(query)) return answer(query, [`${GOOD_NAME} 1 IN A ${GOOD_ADDRESS}`]);
  const end = questionEnd(query.bytes, query.bytes.length);
  const reply = query.bytes.slice(0, end < 0 ? HEADER_LENGTH : end);
  writeU16(reply, 2, FLAG.QR | FLAG.RD | FLAG.RA);
  writeU16(reply, 10, 0);
  return reply;
};

/** A malformed answer; mostly with the ID and question that the program waits for, so that it reads further. */
const forge = (query: ScriptedQuery, random: Random): Uint8Array => {
  const forged = mutate(answerSeeds, random);
  if (random(8) === 0) return forged;
  const end = questionEnd(query.bytes, query.bytes.length);
  if (forged.length < end) return forged;
  forged.set(query.bytes.subarray(0, 2));
  forged[2] = 0x81 | ((forged[2] ?? 0) & 0x02);
  forged.set(query.bytes.subarray(4, 6), 4);
  forged.set(query.bytes.subarray(HEADER_LENGTH, end), HEADER_LENGTH);
  return forged;
};

/** Asks `count` questions that were not asked before, at most HOSTILE_INFLIGHT_MAX at a time. */
const askHostile = async (
  socket: Socket,
  server: SocketAddress,
  count: number,
  watch: Watch,
): Promise<void> => {
  const waiting = new Map<number, { question: Uint8Array; timer: NodeJS.Timeout }>();
  const finished = Promise.withResolvers<undefined>();
  let asked = 0;
  const askNext = (): void => {
    if (asked === count) {
      if (waiting.size === 0) finished.resolve(undefined);
      return;
    }
    asked++;
    const id = watch.sent++ & 0xffff;
    const question = hostileQuestion(id);
    const timer = setTimeout(() => {
      watch.breach('a sound question was not answered', question);
      waiting.delete(id);
      askNext();
    }, HOSTILE_ANSWER_MS);
    waiting.set(id, { question, timer });
    socket.send(question, server.port, server.address);
  };
  const read = (bytes: Uint8Array): void => {
    const entry = waiting.get(messageId(bytes));
    if (entry === undefined) return;
    clearTimeout(entry.timer);
    waiting.delete(messageId(bytes));
    watch.take(bytes, UDP_LENGTH_MAX);
    askNext();
  };
  socket.on('message', read);
  for (let i = 0; i < HOSTILE_INFLIGHT_MAX; i++) askNext();
  await finished.promise;
  socket.off('message', read);
};

/** A name as long as that of the answers, so that their compression pointers still meet; every fourth with DO. */
const hostileQuestion = (id: number): Uint8Array => {
  const label = id.toString(36).padStart(3, '0').slice(-3);
  const type = id % 5 === 0 ? 'HTTPS' : 'A';
  return buildQuery(`${label}.example.com. ${type}`, { id, edns: id % 4 === 0 ? { ttl: 0x8000 } : {} });
};

const residentKb = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1] ?? 0) * PAGE_KB;
