// Attacks on DNS over QUIC: packets that begin connections or pretend to, connections, streams, and clients that are slow. Others
// ask over UDP, and in one attack over QUIC as well. Unbound has no QUIC in Debian: these are run against Cordon only.
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type ClientStream, QuicTestClient } from '../../support/quic-client.ts';
import { buildQuery } from '../../support/records.ts';
import { frame } from '../../support/scripted-upstream.ts';
import { type Arena, type Attack, clientsOf, type Queries, type Running } from './attack.ts';

const VICTIMS: Queries = { clients: ['127.0.0.2', '127.1.0.2'], rate: 50, names: ['*.good.example'] };
/** The same over QUIC, a connection for each client that stays. */
const OVER_QUIC: Queries = { ...VICTIMS, isQuic: true };
const PACE_MS = 5;
/** The least that a client's first datagram has (RFC 9000 section 14.1). */
const INITIAL_BYTES = 1_200;
const ID_BYTES = 8;
const TOKEN_BYTES = 64;

/** An Initial packet of version 1 whose protected part is noise; `token` bytes that are none of ours (RFC 9000 section 17.2.2). */
const initial = (token: number): Buffer => {
  const head = Buffer.concat([
    Buffer.from([0xc3, 0, 0, 0, 1, ID_BYTES]),
    randomBytes(ID_BYTES),
    Buffer.from([ID_BYTES]),
    randomBytes(ID_BYTES),
    Buffer.from(token === 0 ? [0] : [0x40, token]),
    randomBytes(token),
  ]);
  const rest = INITIAL_BYTES - head.length - 2;
  return Buffer.concat([head, Buffer.from([0x40 | (rest >> 8), rest & 0xff]), randomBytes(rest)]);
};

/** A packet with a short header, of a connection that is not there. */
const stray = (): Buffer => Buffer.concat([Buffer.from([0x40]), randomBytes(200)]);

/** Sends packets at a rate from several addresses. */
const flood =
  (rate: number, create: () => Buffer) =>
  async ({ doqPort }: Arena): Promise<Running> => {
    const sockets: Socket[] = [];
    for (const address of clientsOf(1, 32)) {
      const socket = createSocket('udp4').bind(0, address);
      await once(socket, 'listening');
      socket.on('error', () => {});
      sockets.push(socket);
    }
    let sent = 0;
    const startedMs = performance.now();
    const timer = setInterval(() => {
      const due = Math.min(sent + 400, ((performance.now() - startedMs) * rate) / 1000);
      for (; sent < due; sent++) sockets[sent % sockets.length]?.send(create(), doqPort, '127.0.0.1');
    }, PACE_MS);
    return {
      stop: () => {
        clearInterval(timer);
        for (const socket of sockets) socket.close();
        return Promise.resolve(`${sent} packets`);
      },
    };
  };

/** Opens connections again and again, `atOnce` at a time; each is used and then left without a word. */
const reopen =
  (atOnce: number, use: (client: QuicTestClient) => Promise<void>) =>
  (arena: Arena): Promise<Running> => {
    let isRunning = true;
    let [opened, refused] = [0, 0];
    const addresses = clientsOf(1, atOnce);
    const work = addresses.map(async (localAddress) => {
      while (isRunning) {
        const client = await QuicTestClient.open(
          { address: '127.0.0.1', port: arena.doqPort },
          { localAddress },
        );
        if (client === undefined) {
          refused++;
          continue;
        }
        opened++;
        await use(client);
        client.close();
      }
    });
    return Promise.resolve({
      stop: async () => {
        isRunning = false;
        await Promise.race([Promise.all(work), new Promise((resolve) => setTimeout(resolve, 2_000))]);
        return `${opened} connections, ${refused} refused`;
      },
    });
  };

const question = (name: string, type = 'A'): Buffer =>
  Buffer.from(frame(buildQuery(`${name}. ${type}`, { id: 0 })));
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let count = 0;
const fresh = (zone: string): string => `n${count++}-${Math.floor(performance.now())}.${zone}`;

/** As many streams as the server allows. */
const openStreams = (client: QuicTestClient): ClientStream[] => {
  const streams: ClientStream[] = [];
  for (let stream = client.stream(); stream !== undefined && streams.length < 100; stream = client.stream())
    streams.push(stream);
  return streams;
};

const attack = (name: string, title: string, start: Attack['start'], victims = VICTIMS): Attack => ({
  name,
  title,
  isQuic: true,
  victims,
  goalMs: 50,
  cordon: ['rate-limit: { exempt: [] }'],
  ...(start && { start }),
});

/** One attack for each way to make QUIC costly. */
export const quic: readonly Attack[] = [
  attack(
    'doq-initial',
    'DoQ: 5,000 first packets a second without a token',
    flood(5_000, () => initial(0)),
  ),
  attack(
    'doq-token',
    'DoQ: 5,000 first packets a second with an invented token',
    flood(5_000, () => initial(TOKEN_BYTES - 1)),
  ),
  attack('doq-stray', 'DoQ: 5,000 packets a second of connections that are not there', flood(5_000, stray)),
  attack(
    'doq-initial-quic',
    'the same first packets, and others ask over QUIC',
    flood(5_000, () => initial(0)),
    OVER_QUIC,
  ),
  attack(
    'doq-connections',
    'DoQ: 32 clients connect again and again',
    reopen(32, () => Promise.resolve()),
  ),
  attack(
    'doq-half',
    'DoQ: 16 clients open 100 streams each and never end them',
    reopen(16, async (client) => {
      for (const stream of openStreams(client))
        stream.write(question('www.good.example').subarray(0, 9), false);
      await wait(1_000);
    }),
  ),
  attack(
    'doq-cancel',
    'DoQ: 16 clients ask for new names and take each back at once',
    reopen(16, async (client) => {
      for (const stream of openStreams(client)) {
        stream.write(question(fresh('delay-3000.example')), false);
        stream.reset();
      }
      await wait(20);
    }),
  ),
  {
    ...attack(
      'doq-unread',
      'DoQ: 16 clients ask for 100 answers of 48 KB and do not read',
      reopen(16, async (client) => {
        for (const stream of openStreams(client)) stream.write(question('same.big.example', 'TXT'));
        await wait(1_000);
      }),
    ),
    needsBigAnswers: true,
  },
];
