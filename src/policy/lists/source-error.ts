// Failures of keeping lists from a source: what was fetched, proven or stored did not work out.
//
// Every text starts with the list's address or name and holds no credentials: an address is redacted before it comes
// here (source-url.ts). The old list stays in force whatever is thrown.
import { AppError, errorText, systemErrorCode } from '../../base/base.ts';

/** The codes that fetching and storing throw. */
export type SourceErrorCode =
  | 'ERR_LIST_ABSENT'
  | 'ERR_LIST_CHECKSUM'
  | 'ERR_LIST_FETCH'
  | 'ERR_LIST_PRIVATE'
  | 'ERR_LIST_SIGNATURE'
  | 'ERR_LIST_STORE';

/** An AppError of fetching or storing. */
export const sourceError = (
  code: SourceErrorCode,
  message: string,
  options?: { cause?: unknown; hint?: string },
): AppError<SourceErrorCode> => new AppError(code, message, options);

/** The text of a failure of the system: several attempts at several addresses come as one error without a text. */
export const causeText = (thrown: unknown): string => {
  const attempts: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [];
  const [first] = attempts;
  const text = errorText(first ?? thrown);
  return text === '' ? (systemErrorCode(thrown) ?? 'unknown') : text;
};
