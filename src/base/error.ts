// The one error class of the project.
//
// Operational failures (a file that is not there, an address in use, a list that does not parse) are thrown as
// AppError with a stable code; expected outcomes (verdicts, RCODEs, diagnostics of a list) are values and never
// thrown. Callers match on `code`, never on the text. Programmer errors use node:assert and end the thread.

/**
 * An operational failure with a stable code `ERR_<ROOM>_<CONDITION>`.
 *
 * The message starts with what was being done, in lower case, and includes the offending input, bounded and
 * without secrets.
 */
export class AppError<Code extends string = string> extends Error {
  readonly code: Code;
  /** What an operator can do about it, one sentence, or undefined. */
  readonly hint: string | undefined;

  constructor(code: Code, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint;
  }
}

/** True for an operational failure; instanceof would leave its code untyped. */
export const isAppError = (thrown: unknown): thrown is AppError => thrown instanceof AppError;

/** The system's error name of a thrown value (`EADDRINUSE`, `ENOENT`, …), or undefined. */
export const systemErrorCode = (thrown: unknown): string | undefined => {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
};

/** The text of any thrown value, without its stack. */
export const errorText = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
