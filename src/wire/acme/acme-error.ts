// Failures of obtaining a certificate, with what an authority says bounded and made harmless.
import { AppError, errorText, systemErrorCode } from '../../base/base.ts';

/** Characters of what an authority says. */
const DETAIL_LENGTH_MAX = 300;

/** The codes that obtaining a certificate throws. */
export type AcmeErrorCode =
  | 'ERR_ACME_UNREACHABLE'
  | 'ERR_ACME_ANSWER'
  | 'ERR_ACME_REFUSED'
  | 'ERR_ACME_TERMS'
  | 'ERR_ACME_EXTERNAL_ACCOUNT'
  | 'ERR_ACME_CHALLENGE'
  | 'ERR_ACME_CERTIFICATE'
  | 'ERR_ACME_FILE';

/** An AppError about a directory. */
export const acmeError = (
  code: AcmeErrorCode,
  text: string,
  options: { cause?: unknown; hint?: string } = {},
): AppError<AcmeErrorCode> => new AppError(code, `obtaining a certificate by ACME: ${text}`, options);

/** Words of others, in one line and not too many: they come into logs. */
export const quoted = (text: unknown): string =>
  typeof text === 'string' ? text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, DETAIL_LENGTH_MAX) : '';

/** The text of a failure of the system: several attempts at several addresses come as one error without a text. */
export const causeText = (thrown: unknown): string => {
  const attempts: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [];
  const text = errorText(attempts[0] ?? thrown);
  return quoted(text === '' ? (systemErrorCode(thrown) ?? 'unknown') : text);
};
