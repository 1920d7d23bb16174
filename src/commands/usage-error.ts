// The error of a command line that is wrong, told in one line with the command that it is about.

/** The command line is wrong; `path` are the words of the command, undefined for the one that runs. */
export class UsageError extends Error {
  readonly path: readonly string[] | undefined;

  constructor(message: string, path?: readonly string[]) {
    super(message);
    this.path = path;
  }
}
