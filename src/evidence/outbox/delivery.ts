// Brings something to somebody outside: by POST, or by mail through the agency's relay. Reports and reminders go this way.
//
// Where it goes is what the operator wrote, and nothing else. A caller tries again what failed, later each time.
import { readFile } from 'node:fs/promises';
import { loadFeature } from '../../base/base.ts';
import type { ReportsConfig } from '../../config/config.ts';

/** A receiver that does not answer by then gets it another time, milliseconds. */
const RECEIVER_MS_MAX = 30_000;
/** Before what failed is tried again; twice as long each time. */
const RETRY_MS_MIN = 60_000;
const RETRY_MS_MAX = 3_600_000;

/** The relay and the mailbox that mail comes from. */
export type MailRelay = NonNullable<ReportsConfig['mail']>;

/** A mail to several mailboxes. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly attachments?: readonly {
    readonly filename: string;
    readonly content: Buffer | string;
    readonly contentType: string;
  }[];
}

/** How long to wait after so many failures before this one, milliseconds. */
export const retryAfterMs = (failures: number): number =>
  Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** failures);

/** Sends by POST. Rejects with an Error that says what the receiver did, also for a redirect. */
export const post = async (
  url: string,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>>,
): Promise<void> => {
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers,
    redirect: 'error',
    signal: AbortSignal.timeout(RECEIVER_MS_MAX),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`it answered ${response.status}`);
};

/** Sends by mail. Rejects with an Error that says what the relay did. */
export const sendMail = async (
  { server, from, caPath }: MailRelay,
  to: readonly string[],
  { subject, text, attachments = [] }: Mail,
): Promise<void> => {
  const { protocol, hostname, port } = new URL(server);
  // Loaded by the first mail: most resolvers send none.
  const { createTransport } = await loadFeature('mail', () => import('nodemailer'));
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
    await transport.sendMail({ from, to: [...to], subject, text, attachments: [...attachments] });
  } finally {
    transport.close();
  }
};
