// Brings a report to its receivers: a folder, a webhook, mailboxes. The signature goes with it everywhere.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { AppError, errorText, replaceFile } from '../base/base.ts';
import type { ReportsConfig } from '../config/config.ts';
import { SIGNATURE_ENDING, type SignedReport } from '../report/report.ts';

/** A report may hold the papers of exemptions: not for everybody on the machine. */
const FILE_MODE = 0o640;
/** A receiver that does not answer by then gets the report another time, milliseconds. */
const RECEIVER_MS_MAX = 30_000;

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
    add(new URL(webhook).host, (report, fileName) => post(webhook, report, fileName, MEDIA_TYPES[format]));
  if (mailboxes !== undefined && mail !== undefined)
    add(mailboxes.join(', '), (report, fileName) =>
      send(mail, mailboxes, report, fileName, MEDIA_TYPES[format]),
    );
  return receivers;
};

const post = async (url: string, report: SignedReport, fileName: string, type: string): Promise<void> => {
  const response = await fetch(url, {
    method: 'POST',
    body: report.bytes,
    headers: {
      'Content-Type': type,
      'Content-Disposition': `attachment; filename="${fileName}"`,
      'Cordon-Report-Signature': Buffer.from(report.signature).toString('base64'),
    },
    // Where it is sent is what the operator wrote, and nothing else.
    redirect: 'error',
    signal: AbortSignal.timeout(RECEIVER_MS_MAX),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`it answered ${response.status}`);
};

const send = async (
  { server, from, caPath }: NonNullable<ReportsConfig['mail']>,
  to: readonly string[],
  report: SignedReport,
  fileName: string,
  contentType: string,
): Promise<void> => {
  const { protocol, hostname, port } = new URL(server);
  const transport = createTransport({
    host: hostname.replace(/^\[|\]$/g, ''),
    ...(port === '' ? {} : { port: Number(port) }),
    secure: protocol === 'smtps:',
    ...(caPath === undefined ? {} : { tls: { ca: await readFile(caPath) } }),
    connectionTimeout: RECEIVER_MS_MAX,
    greetingTimeout: RECEIVER_MS_MAX,
    socketTimeout: RECEIVER_MS_MAX,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from,
      to: [...to],
      subject: report.title,
      text: `${report.answer}\n\ncordon report verify ${fileName}\n`,
      attachments: [
        { filename: fileName, content: Buffer.from(report.bytes), contentType },
        { filename: `${fileName}${SIGNATURE_ENDING}`, content: report.signature, contentType: 'text/plain' },
      ],
    });
  } finally {
    transport.close();
  }
};
