// Makes and signs a report in a thread of its own: checking the records of a year takes minutes, and reads them at once.
import { Worker } from 'node:worker_threads';
import { AppError } from '../../base/base.ts';
import type { MadeReport, ReportOptions } from './forms.ts';

/** Checking as many records as a disk of a terabyte holds takes hours; a report that takes longer is made another time. */
const MAKE_MS_MAX = 6 * 3_600_000;

/** What is to be made. */
export type ReportOrder = Omit<ReportOptions, 'onStep'>;

/** A report with the text of the file beside it. */
export interface SignedReport extends MadeReport {
  readonly signature: string;
  readonly keyId: string;
}

/** What came of it. */
export type ReportReply =
  | { readonly kind: 'made'; readonly report: SignedReport }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly text: string;
      readonly hint: string | undefined;
    };

/** Rejects as createReport() and signReport() do, and with ERR_COMPLIANCE_REPORT_THREAD. */
export const createReportInThread = (order: ReportOrder): Promise<SignedReport> => {
  const thread = new Worker(new URL(THREAD_FILE, import.meta.url), { workerData: order });
  return new Promise<SignedReport>((resolve, reject) => {
    const fail = (text: string): void =>
      reject(new AppError('ERR_COMPLIANCE_REPORT_THREAD', `making a report: ${text}`));
    const timer = setTimeout(() => fail('it took too long'), MAKE_MS_MAX);
    timer.unref();
    thread.once('message', (reply: ReportReply) => {
      clearTimeout(timer);
      if (reply.kind === 'made') return resolve(reply.report);
      const options = reply.hint === undefined ? {} : { hint: reply.hint };
      return reject(new AppError(reply.code, reply.text, options));
    });
    thread.once('error', (error: Error) => {
      clearTimeout(timer);
      fail(error.message);
    });
    thread.once('exit', () => {
      clearTimeout(timer);
      fail('its thread ended');
    });
  }).finally(() => {
    thread.unref();
    void thread.terminate();
  });
};

/** The thread's file beside this one, in a checkout and in the built package. */
const THREAD_FILE = import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js';
