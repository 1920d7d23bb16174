// What is wrong with certificates: ended, ending soon, not obtained, or files that are not used.
import { DAY_MS } from '../../base/base.ts';
import type { FoundIssue } from '../../base/words/words.ts';
import { warningMs } from '../../wire/tls/tls.ts';
import type { AcmeFacts } from './acme-renewer.ts';
import type { TlsFacts } from './certificate-reloader.ts';

/** A certificate of ours that ends sooner is told of: time for somebody who is away for a week. */
const CERTIFICATE_MS_MIN = 14 * DAY_MS;
/** Failures of ACME one after the other that are told of while there is a certificate. */
const ACME_FAILURES_MIN = 3;

/** Of certificates that encrypted listeners and the control room prove with. */
export const certificateIssues = (
  {
    tls,
    acme,
    roomCertificateEndMs: roomEndMs,
  }: {
    /** Undefined: there is none. */
    readonly tls: TlsFacts | undefined;
    /** Undefined: ACME is off. */
    readonly acme: Pick<AcmeFacts, 'failures' | 'text' | 'nextMs'> | undefined;
    readonly roomCertificateEndMs: number | undefined;
  },
  nowMs: number,
): FoundIssue[] => {
  const found: FoundIssue[] = [];
  const add = (id: FoundIssue['id'], text: string, more: Partial<FoundIssue> = {}): void => {
    found.push({ id, subject: '', text, ...more });
  };
  const failures = acme?.failures ?? 0;
  const why = acme === undefined ? '' : `${acme.text}; it is asked again at ${toText(acme.nextMs)}`;
  if (tls === undefined) {
    if (failures > 0) add('certificate-missing', `no certificate was obtained by ACME: ${why}`);
  } else {
    const { startMs, endMs, isRefused } = tls;
    const name = 'the certificate of the encrypted listeners';
    if (endMs <= nowMs) add('certificate-ended', `${name} ended at ${toText(endMs)}`, { sinceMs: endMs });
    else if (startMs > nowMs)
      add('certificate-ended', `${name} is not valid before ${toText(startMs)}`, { dueMs: startMs });
    else if (nowMs > warningMs(tls, CERTIFICATE_MS_MIN))
      add('certificate-ends', `${name} ends at ${toText(endMs)}`, { dueMs: endMs });
    if (isRefused)
      add('certificate-refused', 'the files of tls hold a certificate that is not used: the log says why');
    if (failures >= ACME_FAILURES_MIN)
      add('certificate-unobtained', `no certificate was obtained by ACME: ${why}`, { dueMs: endMs });
  }
  if (roomEndMs !== undefined && roomEndMs - nowMs < CERTIFICATE_MS_MIN)
    add('room-certificate-ends', `the certificate of the control room ends at ${toText(roomEndMs)}`, {
      dueMs: roomEndMs,
    });
  return found;
};

const toText = (ms: number): string => new Date(ms).toISOString();
