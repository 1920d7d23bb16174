// The command line: lets commander find the command, runs its handler, and prints errors as one line for people.
//
// Output is for people, --json for machines. Exit codes stand in statuses.ts.
import { AppError, errorText, isAppError, systemErrorCode } from '../base/base.ts';
import { HELP, SHOW_VERSION } from './declarations/self.ts';
import { HANDLERS } from './handlers.ts';
import { buildProgram, HelpShown } from './program.ts';
import { DONE, PROBLEM, WRONG_USAGE } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** What people try first. */
const VERSION_OPTIONS: readonly string[] = ['--version', '-V'];

/** Runs what the arguments after the program's name ask for; returns the exit code. */
export const runCommand = async (args: string[]): Promise<number> => {
  const [first = '', ...rest] = args;
  const written = VERSION_OPTIONS.includes(first) ? [SHOW_VERSION.name, ...rest] : args;
  let running: readonly string[] = [];
  let status = DONE;
  const program = buildProgram(async (path, command, input) => {
    running = path;
    if (command === HELP) return showHelp((input.words['command'] ?? []) as readonly string[]);
    const handler = await HANDLERS.get(command)?.();
    if (handler === undefined) throw new TypeError(`${path.join(' ')} has no handler`);
    status = await handler(input);
  });
  const showHelp = (words: readonly string[]): void => {
    let found = program;
    for (const word of words) {
      const next = found.commands.find((command) => command.name() === word);
      if (next === undefined) throw new UsageError(`there is no command ${JSON.stringify(words.join(' '))}`);
      found = next;
    }
    found.outputHelp();
  };
  if (args.length === 0) {
    program
      .configureOutput({ writeErr: (text) => void process.stderr.write(text) })
      .outputHelp({ error: true });
    return WRONG_USAGE;
  }
  try {
    await program.parseAsync(written, { from: 'user' });
    return status;
  } catch (thrown) {
    if (thrown instanceof HelpShown) return DONE;
    if (thrown instanceof UsageError) {
      const name = ['cordon', ...(thrown.path ?? running)].join(' ');
      const see = thrown.message.endsWith('?') ? ' See' : '; see';
      process.stderr.write(`${name}: ${thrown.message}${see} ${name} --help\n`);
      return WRONG_USAGE;
    }
    const told = isAppError(thrown) ? thrown : fileFault(thrown);
    if (told === undefined) throw thrown;
    const hint = told.hint === undefined ? '' : ` (${told.hint})`;
    const [name = ''] = running;
    process.stderr.write(`cordon ${name}: ${errorText(told)}${hint} [${told.code}]\n`);
    return PROBLEM;
  }
};

/** What a file or a disk can have against a command, and who can do something about it. */
const FILE_FAULTS: Readonly<Record<string, string>> = {
  EACCES: 'Run it as the user of the service or as root.',
  EPERM: 'Run it as the user of the service or as root.',
  ENOENT: 'Look at the configuration and at the arguments: something that they name is not there.',
  ENOTDIR: 'Something is a file where a folder should be.',
  EISDIR: 'Something is a folder where a file should be.',
  EROFS: 'The file system is read-only.',
  ENOSPC: 'The disk is full.',
  EDQUOT: 'The quota of the disk is used up.',
  EIO: 'The disk does not read or write.',
  EMFILE: 'More files may be open only after ulimit -n was raised.',
};

/** A fault of the file system that no command foresaw, as what people are told; undefined: it is a fault of the program. */
const fileFault = (thrown: unknown): AppError | undefined => {
  const hint = FILE_FAULTS[systemErrorCode(thrown) ?? ''];
  if (hint === undefined || !(thrown instanceof Error) || !('syscall' in thrown)) return undefined;
  return new AppError('ERR_CLI_FILE', thrown.message, { cause: thrown, hint });
};
