// The thread that makes one report, and ends. It gives way to those that answer queries.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { isAppError } from '../../base/base.ts';
import { produceReport } from './produce.ts';
import type { ReportOrder, ReportReply } from './report-in-thread.ts';
import { signReport } from './signature.ts';

const NICE = 10;

const make = async (order: ReportOrder): Promise<ReportReply> => {
  try {
    const made = await produceReport(order);
    const { text, keyId } = signReport(made.bytes, order.directory);
    return { kind: 'made', report: { ...made, signature: text, keyId } };
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return { kind: 'failed', code: thrown.code, text: thrown.message, hint: thrown.hint };
  }
};

const giveWay = (): void => {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), NICE);
  } catch {
    // Where threads have no priority of their own, it takes its share.
  }
};

if (parentPort !== null && workerData !== null) {
  giveWay();
  // The main thread's own type.
  parentPort.postMessage(await make(workerData as ReportOrder));
}
