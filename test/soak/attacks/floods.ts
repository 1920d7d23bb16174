// Floods over UDP from one address without a cookie: for an answer of the cache, and for one of a kilobyte, as a forger
// sends them in the name of a victim. Nobody is exempt, loopback included.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { buildQuery } from '../../support/records.ts';
import { type Arena, type Attack, clientsOf, type Running } from './attack.ts';

const NOBODY_EXEMPT = ['rate-limit: { exempt: [] }'];
const PACE_MS = 5;
const PER_PACE = 25;

/** Asks for 1 KB at 5,000 queries a second and counts bytes both ways. */
const amplify = async ({ port }: Arena): Promise<Running> => {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  socket.bind(0, '127.0.30.1');
  await once(socket, 'listening');
  const query = buildQuery('same.kilo.example. A', { edns: {} });
  let [sent, received] = [0, 0];
  socket.on('error', () => {});
  socket.on('message', (message) => {
    received += message.length;
  });
  const timer = setInterval(() => {
    for (let i = 0; i < PER_PACE; i++) socket.send(query, port, '127.0.0.1');
    sent += PER_PACE * query.length;
  }, PACE_MS);
  const stop = (): Promise<string> => {
    clearInterval(timer);
    socket.close();
    return Promise.resolve(`${(received / Math.max(1, sent)).toFixed(1)} bytes for each byte`);
  };
  return { stop };
};

/** Much of what is cheap, and little of what is long. */
export const floods: readonly Attack[] = [
  {
    name: 'flood-cached',
    title: 'one client without a cookie asks for a cached name, 10,000 q/s',
    cordon: NOBODY_EXEMPT,
    attackers: [{ clients: clientsOf(20, 1), rate: 10_000, names: ['same.good.example'] }],
  },
  {
    name: 'amplification',
    title: 'answers of 1 KB to a forged address, 5,000 q/s',
    cordon: NOBODY_EXEMPT,
    start: amplify,
  },
];
