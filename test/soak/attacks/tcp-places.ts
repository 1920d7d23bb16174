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

/** Holds one connection from each address for as long as it can, opening it again whenever it is closed. */
const hold =
  (addresses: readonly string[], opened?: (socket: Socket, index: number) => void) =>
  ({ port }: Arena): Promise<Running> => {
    const sockets: (Socket | undefined)[] = addresses.map(() => undefined);
    let count = 0;
    const open = (): void => {
      for (const [index, localAddress] of addresses.entries()) {
        if (sockets[index]?.destroyed === false) continue;
        const socket = connect({ host: '127.0.0.1', port, localAddress });
        socket.on('error', () => {});
        socket.on('connect', () => {
          count++;
          opened?.(socket, index);
        });
        sockets[index] = socket;
      }
    };
    open();
    const timer = setInterval(open, AGAIN_MS);
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
    return frame(buildQuery(`${label}.big.example. A`, { id: i }));
  });
  socket.write(Buffer.concat(messages));
};

const times = <Item>(count: number, items: readonly Item[]): Item[] =>
  Array.from({ length: count }, () => items).flat();

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
    name: 'tcp-unread',
    title: 'TCP: 60 clients ask for 200 answers of 48 KB and do not read',
    cordon: ['cache: { size: 8MiB }'],
    unbound: UNBOUND_PLACES,
    start: hold(clientsOf(7, 60), askAndSleep),
  },
];
