// The thread that sends records: a disk that hangs, and the packing of a backlog, hold up nobody else.
import { parentPort, workerData } from 'node:worker_threads';
import { connectNats } from './nats-bus.ts';
import { type EvidenceOrder, type EvidenceStart, sendRecords } from './record-sending.ts';

if (parentPort !== null && workerData !== null) {
  const port = parentPort;
  // The main thread's own types. What ends this ends the thread, and the main thread starts it again.
  await sendRecords(workerData as EvidenceStart, {
    connect: connectNats,
    monotonic: () => performance.now(),
    onOrder: (take) => port.on('message', (order: EvidenceOrder) => take(order)),
    post: (reply) => port.postMessage(reply),
    isOver: () => false,
  });
}
