// Connections over TCP that are held, by those who may not ask, by one network, and by clients that do not read.
import { connect, type Socket } from 'node:net';
import { buildQuery } from '../../support/records.ts';
import { frame } from '../../support/scripted-upstream.ts';
import { type Arena, type Attack, clientsOf, type Queries, type Running } from './attack.ts';

const VICTIMS: Queries = {
  clients: ['127.0.0.2', '127.1.0.2'],
  rate: 50,
  names: ['*.good.example'],
  tcp: true,
};
/** As many places as Cordon has by default. */
const UNBOUND_PLACES = ['incoming-num-tcp: 1024', 'outgoing-range: 4096'];
/** Between two looks at whether a connection was closed and is to be opened again, milliseconds. */
const AGAIN_MS = 200;
/** RFC 7830 section 3. */
const EDNS_PADDING = 12;
/** Others are in another network. */
const IPV6_VICTIMS: Queries = { ...VICTIMS, clients: ['127.0.0.2', '2001:db8:ffff::2'] };
const IPV6_ALLOWED = 'access: { allow: ["127.0.0.0/8", "2001:db8::/32"] }';

/** Holds one connection from each address for as long as it can, opening it again whenever it is closed. */
const hold =
  (addresses: readonly string[], opened?: (socket: Socket, index: number) => void, againMs = AGAIN_MS) =>
  ({ port }: Arena): Promise<Running> => {
    const sockets: (Socket | undefined)[] = addresses.map(() => undefined);
    let count = 0;
    const open = (): void => {
      for (const [index, localAddress] of addresses.entries()) {
        if (sockets[index]?.destroyed === false) continue;
        const host = localAddress.includes(':') ? '::1' : '127.0.0.1';
        const socket = connect({ host, port, localAddress });
        socket.on('error', () => {});
        socket.on('connect', () => {
          count++;
          opened?.(socket, index);
        });
        sockets[index] = socket;
      }
    };
    open();
    const timer = setInterval(open, againMs);
    const stop = (): Promise<string> => {
      clearInterval(timer);
      for (const socket of sockets) socket?.destroy();
      return Promise.resolve(`${count} connections`);
    };
    return Promise.resolve({ stop });
  };

/** Asks for 48 KB two hundred times and never reads. Some names are new: their answers come when nobody asks any more. */
const askAndSleep = (socket: Socket, index: number): void => {
  socket.pause();
  const messages = Array.from({ length: 200 }, (_, i) => {
    const label = i % 20 === 0 ? `n${index}-${i}-${Math.floor(performance.now())}` : 'same';
    return frame(buildQuery(`${label}.big.example. TXT`, { id: i }));
  });
  socket.write(Buffer.concat(messages));
};

const LONG_BYTES = 60_000;
/** Of one client, over eight connections: less than it may hold. */
const LONG_CONNECTIONS = 8;
const LONG_EACH_SEC = 4;

/** All but the end of a query of the greatest length. */
const beginAndSleep = (socket: Socket): void => {
  const unfinished = Buffer.alloc(2 + LONG_BYTES);
  unfinished.writeUInt16BE(0xffff, 0);
  socket.write(unfinished);
};

/** Asks, again and again, for new names below a slow zone, each in a query of 60 KB of padding. */
const askAtLength = async (arena: Arena): Promise<Running> => {
  const options = Buffer.alloc(LONG_BYTES);
  options.writeUInt16BE(EDNS_PADDING, 0);
  options.writeUInt16BE(LONG_BYTES - 4, 2);
  const open: Socket[] = [];
  let count = 0;
  const held = await hold(times(LONG_CONNECTIONS, clientsOf(7, 8)), (socket) => {
    socket.resume();
    open.push(socket);
  })(arena);
  const timer = setInterval(() => {
    for (const socket of open)
      if (!socket.destroyed) {
        const question = `n${count++}-${Math.floor(performance.now())}.delay-3000.example. A`;
        socket.write(frame(buildQuery(question, { id: count & 0xffff, edns: { options } })));
      }
  }, 1000 / LONG_EACH_SEC);
  return {
    stop: async () => {
      clearInterval(timer);
      return `${count} queries over ${await held.stop()}`;
    },
  };
};

const times = <Item>(count: number, items: readonly Item[]): Item[] =>
  Array.from({ length: count }, () => items).flat();

const hex = (count: number): string[] => Array.from({ length: count }, (_, index) => index.toString(16));

/** Places taken by clients that get nothing, by one network, and memory taken by clients that do not read. */
export const tcpPlaces: readonly Attack[] = [
  {
    name: 'tcp-forbidden',
    title: 'TCP: 17 clients that may not ask hold 64 connections each',
    cordon: ['access: { allow: ["127.0.0.0/15"] }'],
    unbound: [...UNBOUND_PLACES, 'access-control: 127.0.0.0/8 refuse', 'access-control: 127.0.0.0/15 allow'],
    victims: VICTIMS,
    start: hold(
      times(
        64,
        clientsOf(200, 17).map((address) => address.replace('127.0', '127.200')),
      ),
    ),
  },
  {
    name: 'tcp-network',
    title: 'TCP: 240 addresses of one /24 hold 5 connections each',
    unbound: UNBOUND_PLACES,
    victims: VICTIMS,
    start: hold(times(5, clientsOf(7, 240))),
  },
  {
    name: 'tcp-networks',
    title: 'TCP: 8 networks hold 240 connections each',
    unbound: UNBOUND_PLACES,
    victims: VICTIMS,
    start: hold([10, 11, 12, 13, 14, 15, 16, 17].flatMap((net) => clientsOf(net, 240))),
  },
  {
    name: 'tcp-64',
    title: 'TCP: 1,200 addresses of one /64 hold a connection each',
    isIpv6: true,
    cordon: [IPV6_ALLOWED],
    unbound: UNBOUND_PLACES,
    victims: IPV6_VICTIMS,
    start: hold(hex(1_200).map((host) => `2001:db8:7::1:${host}`)),
  },
  {
    name: 'tcp-56',
    title: 'TCP: 256 networks /64 of one /56 hold 5 connections each',
    isIpv6: true,
    cordon: [IPV6_ALLOWED],
    unbound: UNBOUND_PLACES,
    victims: IPV6_VICTIMS,
    start: hold(
      times(
        5,
        hex(256).map((net) => `2001:db8:7:${net}::1`),
      ),
    ),
  },
  {
    name: 'tcp-unfinished',
    title: 'TCP: 960 connections of 4 networks, each with 60 KB of a query that does not end',
    unbound: UNBOUND_PLACES,
    victims: VICTIMS,
    start: hold(
      times(
        4,
        [10, 11, 12, 13].flatMap((net) => clientsOf(net, 60)),
      ),
      beginAndSleep,
      // 60 KB each time: more often, the link is what is full.
      1_000,
    ),
  },
  {
    name: 'tcp-long',
    title: 'TCP: 8 clients, 256 q/s of 60 KB each for new names below a zone that takes 3 s',
    unbound: UNBOUND_PLACES,
    start: askAtLength,
  },
  {
    name: 'tcp-unread',
    title: 'TCP: 60 clients ask for 200 answers of 48 KB and do not read',
    cordon: ['cache: { size: 8MiB }'],
    unbound: UNBOUND_PLACES,
    start: hold(clientsOf(7, 60), askAndSleep),
    needsBigAnswers: true,
  },
];
