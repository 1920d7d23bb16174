// Makes whole TLS handshakes, or holds connections, and tells what came of it. A program of its own:
//
//   node handshaker.ts '{"port":853,"group":"X25519","atOnce":8,"seconds":3}'     prints how many
//   node handshaker.ts '{"port":853,"group":"X25519","hold":10000}'               prints "held" and waits for the end of its input
import { connect as connectTcp } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';

interface Order {
  readonly port: number;
  /** Of the key exchange. */
  readonly group: string;
  readonly atOnce?: number;
  readonly seconds?: number;
  readonly hold?: number;
}

/** Connections that are opened at a time where many are held. */
const OPENING_MAX = 32;
/** Addresses that these come from. */
const ADDRESSES = 200;

const order = JSON.parse(process.argv[2] ?? '{}') as Order;
let count = 0;

const open = (index: number): Promise<TLSSocket | undefined> =>
  new Promise((resolve) => {
    const socket = connect({
      socket: connectTcp({
        host: '127.0.0.1',
        port: order.port,
        localAddress: `127.0.${10 + (index % ADDRESSES)}.1`,
      }).on('error', () => {}),
      rejectUnauthorized: false,
      ecdhCurve: order.group,
      ALPNProtocols: ['dot'],
    });
    socket.on('error', () => {});
    socket.once('secureConnect', () => resolve(socket));
    socket.once('close', () => resolve(undefined));
  });

if (order.hold !== undefined) {
  const { hold } = order;
  const held: (TLSSocket | undefined)[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < hold) held.push(await open(next++));
  };
  await Promise.all(Array.from({ length: OPENING_MAX }, work));
  const alive = held.filter((socket) => socket?.destroyed === false).length;
  process.stdout.write(`held ${alive}\n`);
  process.stdin.resume().once('end', () => process.exit());
} else {
  const untilMs = performance.now() + 1000 * (order.seconds ?? 1);
  const work = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const socket = await open(0);
      if (socket !== undefined) count++;
      socket?.destroy();
    }
  };
  await Promise.all(Array.from({ length: order.atOnce ?? 1 }, work));
  process.stdout.write(`${count}\n`);
}
