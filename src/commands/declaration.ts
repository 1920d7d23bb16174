// What one command of the command line is: its arguments, options, examples and exit codes, as plain data.
//
// Parsing, help, completions, man pages and docs/commands.md are all made from these declarations, so that none of them
// can say something else. A declaration imports nothing that has to be loaded: `cordon --help` starts without the program.
// Handlers are bound to declarations in handlers.ts.

/** What a value names, for completions. */
export type Takes = 'file' | 'directory';

/** An option; its name without dashes is its key. */
export interface OptionDeclaration {
  /** What the value is called in usage, such as FILE. Absent: a flag without a value. */
  readonly value?: string;
  /** May stand several times: every value counts. */
  readonly repeat?: true;
  readonly default?: string;
  /** The only values; anything else is wrong usage. */
  readonly choices?: readonly string[];
  readonly takes?: Takes;
  /** One line without a full stop. */
  readonly about: string;
}

/** A positional argument; its key in upper case is what usage calls it. */
export interface ArgumentDeclaration {
  readonly optional?: true;
  /** As many as there are; of the last argument only. */
  readonly repeat?: true;
  readonly choices?: readonly string[];
  readonly takes?: Takes;
  readonly about: string;
}

/** A command line that works, and what it is for. */
export interface Example {
  readonly command: string;
  readonly about: string;
}

export type OptionDeclarations = Readonly<Record<string, OptionDeclaration>>;
export type ArgumentDeclarations = Readonly<Record<string, ArgumentDeclaration>>;

/** A command, or a group of commands. */
export interface CommandDeclaration<
  Options extends OptionDeclarations = OptionDeclarations,
  Arguments extends ArgumentDeclarations = ArgumentDeclarations,
> {
  readonly name: string;
  /** One line without a full stop, beginning with a verb in the third person. */
  readonly about: string;
  /** Paragraphs for --help, man pages and docs/commands.md. */
  readonly text?: readonly string[];
  readonly options: Options;
  readonly arguments: Arguments;
  /** At least one; the program's name is left out of none. */
  readonly examples: readonly Example[];
  /** What exit codes mean here, where it is more than the table says (statuses.ts). */
  readonly statuses?: Readonly<Record<number, string>>;
  /** Subcommands. */
  readonly commands: readonly CommandDeclaration[];
  /** False: the name of a subcommand has to follow. */
  readonly isCommand: boolean;
  /** Pages of docs/ that say more, without the folder. */
  readonly see?: readonly string[];
}

type ValueOf<Option extends OptionDeclaration> = Option extends { readonly repeat: true }
  ? readonly string[]
  : Option extends { readonly value: string }
    ? Option extends { readonly default: string }
      ? string
      : string | undefined
    : boolean;

type WordOf<Argument extends ArgumentDeclaration> = Argument extends { readonly repeat: true }
  ? readonly string[]
  : Argument extends { readonly optional: true }
    ? string | undefined
    : string;

/** What a command is given: the values of its options and its arguments, by their keys. */
export interface Input<Options extends OptionDeclarations, Arguments extends ArgumentDeclarations> {
  readonly values: { readonly [Key in keyof Options]: ValueOf<Options[Key]> };
  readonly words: { readonly [Key in keyof Arguments]: WordOf<Arguments[Key]> };
}

/** The input of a declared command. */
export type InputOf<Command> =
  Command extends CommandDeclaration<infer Options, infer Arguments> ? Input<Options, Arguments> : never;

/** What may be left out of a declaration. */
type Stated<Options extends OptionDeclarations, Arguments extends ArgumentDeclarations> = Omit<
  CommandDeclaration<Options, Arguments>,
  'options' | 'arguments' | 'commands' | 'isCommand'
> & {
  readonly options?: Options;
  readonly arguments?: Arguments;
  readonly commands?: readonly CommandDeclaration[];
};

type None = Readonly<Record<never, never>>;

/** Declares a command. */
export const command = <
  const Options extends OptionDeclarations = None,
  const Arguments extends ArgumentDeclarations = None,
>(
  stated: Stated<Options, Arguments>,
): CommandDeclaration<Options, Arguments> => ({
  commands: [],
  isCommand: true,
  ...stated,
  // What is left out has the default of its type parameter, which is the type of {}.
  options: stated.options ?? ({} as Options),
  arguments: stated.arguments ?? ({} as Arguments),
});

/** Declares a group, which does nothing but hold its commands. */
export const group = (
  stated: Omit<Stated<None, None>, 'options' | 'arguments' | 'commands'> & {
    readonly commands: readonly CommandDeclaration[];
  },
): CommandDeclaration => ({ ...command(stated), isCommand: false });

/** --config, which nearly every command takes. */
export const CONFIG = { value: 'FILE', takes: 'file', about: 'the configuration' } as const;
/** How a command finds the service that it asks, or whose state it reads. */
export const SERVICE = {
  config: CONFIG,
  'state-directory': {
    value: 'DIRECTORY',
    takes: 'directory',
    about: 'the state directory of the service, which then needs no configuration to be found',
  },
} as const;
/** --json, of every command that prints something. */
export const JSON_OUTPUT = { about: 'print the same as JSON, for programs' } as const;
