// Brings a report to its receivers: a folder, a webhook, mailboxes. The signature goes with it everywhere.
import { join } from 'node:path';
import { AppError, errorText, replaceFile } from '../../base/base.ts';
import type { ReportsConfig } from '../../config/config.ts';
import { SIGNATURE_ENDING, type SignedReport } from '../report/report.ts';
import { type Mail, post, sendMail } from './delivery.ts';

/** A report may hold the papers of exemptions: not for everybody on the machine. */
const FILE_MODE = 0o640;

const MEDIA_TYPES = {
  html: 'text/html; charset=utf-8',
  pdf: 'application/pdf',
  csv: 'text/csv; charset=utf-8',
  json: 'application/json',
} as const;

/** One schedule. */
export type ReportSchedule = ReportsConfig['schedule'][number];

/** A receiver, and how it gets a report. */
export interface Receiver {
  /** For records and the log. */
  readonly name: string;
  /** Rejects with ERR_APP_REPORT. */
  deliver(report: SignedReport, fileName: string): Promise<void>;
}

/** The receivers of a schedule. */
export const receiversOf = (schedule: ReportSchedule, { mail }: ReportsConfig): Receiver[] => {
  const receivers: Receiver[] = [];
  const { folderPath, webhook, mail: mailboxes, format } = schedule;
  const add = (name: string, deliver: Receiver['deliver']): void => {
    receivers.push({
      name,
      deliver: async (report, fileName) => {
        try {
          await deliver(report, fileName);
        } catch (cause) {
          throw new AppError('ERR_APP_REPORT', `sending a report to ${name}: ${errorText(cause)}`, { cause });
        }
      },
    });
  };
  if (folderPath !== undefined)
    add(folderPath, async ({ bytes, signature }, fileName) => {
      const path = join(folderPath, fileName);
      await replaceFile(`${path}${SIGNATURE_ENDING}`, signature, FILE_MODE);
      await replaceFile(path, bytes, FILE_MODE);
    });
  if (webhook !== undefined)
    add(new URL(webhook).host, (report, fileName) =>
      postReport(webhook, report, fileName, MEDIA_TYPES[format]),
    );
  if (mailboxes !== undefined && mail !== undefined)
    add(mailboxes.join(', '), (report, fileName) =>
      sendMail(mail, mailboxes, toMail(report, fileName, MEDIA_TYPES[format])),
    );
  return receivers;
};

/** The signature goes in a header. */
const postReport = (url: string, report: SignedReport, fileName: string, type: string): Promise<void> =>
  post(url, report.bytes, {
    'Content-Type': type,
    'Content-Disposition': `attachment; filename="${fileName}"`,
    'Cordon-Report-Signature': Buffer.from(report.signature).toString('base64'),
  });

/** The signature is an attachment of its own. */
const toMail = (report: SignedReport, fileName: string, contentType: string): Mail => ({
  subject: report.title,
  text: `${report.answer}\n\ncordon report verify ${fileName}\n`,
  attachments: [
    { filename: fileName, content: Buffer.from(report.bytes), contentType },
    { filename: `${fileName}${SIGNATURE_ENDING}`, content: report.signature, contentType: 'text/plain' },
  ],
});
