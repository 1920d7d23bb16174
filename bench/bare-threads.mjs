// The least that a program on Node.js takes which has the threads of Cordon: a main one, and THREADS that each wait. The first
// answers over UDP, whatever it is asked, so that a start can be told by its answer.
//
// Started by the harness as a process of its own: node bench/bare-threads.mjs PORT THREADS. Plain JavaScript, because what takes types away
// would stay in the memory of each thread. A measure, not a server.
import { createSocket } from 'node:dgram';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

/** The bits QR, RD and RA of an answer (RFC 1035 section 4.1.1). */
const FLAGS = 0x8180;

if (isMainThread) {
  const [port = 0, count = 0] = process.argv.slice(2).map(Number);
  const threads = Array.from({ length: count }, () => new Worker(fileURLToPath(import.meta.url)));
  await Promise.all(threads.map((thread) => new Promise((resolve) => thread.once('message', resolve))));
  const socket = createSocket('udp4');
  socket.on('message', (message, { port: from, address }) => {
    if (message.length < 4) return;
    message.writeUInt16BE(FLAGS, 2);
    socket.send(message, from, address);
  });
  socket.bind(port, '127.0.0.1');
} else {
  setInterval(() => undefined, 60_000);
  parentPort?.postMessage('ready');
}
