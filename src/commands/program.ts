// The tree of commands as commander parses it: built from the declarations, with help and errors in the house's words.
//
// A declaration becomes a command, its handler is loaded when the command runs. What commander finds wrong is a
// UsageError that names the command, so that there is one kind of error and one exit code for it.
import { styleText } from 'node:util';
import { Argument, Command, type CommanderError, Option } from 'commander';
import { VERSION } from '../base/base.ts';
import type { CommandDeclaration, OptionDeclaration } from './declaration.ts';
import { COMMAND_GROUPS } from './declarations/all.ts';
import { STATUSES } from './statuses.ts';
import { UsageError } from './usage-error.ts';

/** Runs the handler of a declaration, with what was written by the keys of the declaration. */
export type Run = (
  path: readonly string[],
  command: CommandDeclaration,
  input: { readonly values: Record<string, unknown>; readonly words: Record<string, unknown> },
) => Promise<void>;

/** What --help on a command did: there is nothing left to do. */
export class HelpShown extends Error {}

/** Help goes no wider than this, however wide the terminal is: longer lines are hard to read. */
const HELP_WIDTH_MAX = 110;

/** The program with all its commands. */
export const buildProgram = (run: Run): Command => {
  const program = prepare(new Command('cordon'), []);
  program
    .usage('COMMAND [OPTION …]')
    .description('A DNS resolver that answers every query normally and refuses listed names.')
    .helpCommand(false)
    .addHelpText('after', programEpilogue);
  for (const [heading, commands] of COMMAND_GROUPS) {
    for (const declaration of commands)
      program.addCommand(build([], declaration, run).helpGroup(`${heading}:`));
  }
  return program;
};

/** What commander does alike for every command. */
const prepare = (command: Command, path: readonly string[]): Command =>
  command
    .enablePositionalOptions()
    .helpOption('-h, --help', 'show this')
    .exitOverride((error) => {
      throw translate(error, command, path);
    })
    .configureOutput({
      // What goes wrong is told by whoever ran the program, on one line.
      writeErr: () => {},
      getOutHelpWidth: () => Math.min(process.stdout.columns ?? 80, HELP_WIDTH_MAX),
    })
    .configureHelp({
      styleTitle: (text) => styleText('bold', text, { validateStream: false }),
      argumentTerm: (argument) => argument.name().toUpperCase(),
      optionTerm: (option) => option.flags.replace(/[<>]/g, ''),
      optionDescription: (option) => option.description,
      argumentDescription: (argument) => argument.description,
      subcommandTerm: (subcommand) => subcommand.name(),
      subcommandDescription: (subcommand) => subcommand.summary(),
    });

const build = (before: readonly string[], declaration: CommandDeclaration, run: Run): Command => {
  const { name, about, text = [], options, isCommand, commands } = declaration;
  const path = [...before, name];
  const command = prepare(new Command(name), path)
    .usage(usageWords(declaration))
    .summary(about)
    .description([`${capitalize(about)}.`, ...text].join('\n\n'))
    .helpCommand(false)
    .addHelpText('after', () => epilogueOf(declaration));
  for (const [key, stated] of Object.entries(options))
    command.addOption(toOption(path, key, stated, options));
  for (const [key, stated] of Object.entries(declaration.arguments)) {
    const dots = stated.repeat === true ? '...' : '';
    const flags = stated.optional === true ? `[${key}${dots}]` : `<${key}${dots}>`;
    command.addArgument(new Argument(flags, withChoices(stated.about, stated.choices)));
  }
  if (isCommand) command.action(() => run(path, declaration, readInput(command, declaration)));
  for (const subcommand of commands) command.addCommand(build(path, subcommand, run));
  return command;
};

/** Of an option, by commander's rule: `no-x` is the absence of `x`. */
const isNegated = (key: string): boolean => key.startsWith('no-');

const toOption = (
  path: readonly string[],
  key: string,
  stated: OptionDeclaration,
  all: Readonly<Record<string, OptionDeclaration>>,
): Option => {
  const { value, choices, repeat } = stated;
  const about = withDefault(withChoices(stated.about, choices), stated.default);
  if (value === undefined) return new Option(`--${key}`, about);
  const option = new Option(`--${key} <${value}>`, about);
  const check = (text: string): string => {
    // An option in the place of a value is a value that was forgotten.
    if (Object.keys(all).some((other) => text === `--${other}`)) {
      throw new UsageError(`--${key} ${value} is needed, and ${text} is an option`, path);
    }
    if (choices?.includes(text) === false) throw new UsageError(`--${key} ${noneOf(text, choices)}`, path);
    return text;
  };
  if (repeat === true) {
    return option
      .default([])
      .argParser((text: string, before: readonly string[]) => [...before, check(text)]);
  }
  return option.default(stated.default).argParser(check);
};

/** What was written, by the keys of the declaration. */
const readInput = (command: Command, declaration: CommandDeclaration): Parameters<Run>[2] => {
  const values: Record<string, unknown> = {};
  for (const option of command.options) {
    const key = option.long?.slice(2) ?? '';
    const value: unknown = command.getOptionValue(option.attributeName());
    const isFlag = declaration.options[key]?.value === undefined;
    values[key] = isFlag ? (isNegated(key) ? value === false : value === true) : value;
  }
  const words: Record<string, unknown> = {};
  for (const [index, [key, { choices }]] of Object.entries(declaration.arguments).entries()) {
    const word: unknown = command.processedArgs[index];
    if (typeof word === 'string' && choices?.includes(word) === false) {
      throw new UsageError(noneOf(word, choices));
    }
    words[key] = word;
  }
  return { values, words };
};

const noneOf = (text: string, choices: readonly string[]): string =>
  `${JSON.stringify(text.slice(0, 40))} is none of ${choices.join(', ')}`;

/** The arguments of a command as usage writes them. */
export const usageWords = ({
  arguments: words,
  options,
  commands,
  isCommand,
}: CommandDeclaration): string => {
  const written = Object.entries(words).map(([key, { optional, repeat }]) => {
    const word = `${key.toUpperCase()}${repeat === true ? ' …' : ''}`;
    return optional === true ? `[${word}]` : word;
  });
  if (!isCommand) written.push('COMMAND');
  else if (commands.length > 0) written.unshift('[COMMAND]');
  if (Object.keys(options).length > 0 || !isCommand) written.push('[OPTION …]');
  return written.join(' ');
};

/** A sentence from a line that begins in lower case. */
export const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const withChoices = (about: string, choices: readonly string[] | undefined): string =>
  choices === undefined ? about : `${about}: ${choices.join(', ')}`;

const withDefault = (about: string, value: string | undefined): string =>
  value === undefined || value === '' ? about : `${about} (${value} without it)`;

const epilogueOf = ({ examples, statuses = {}, see = [] }: CommandDeclaration): string => {
  const lines = [
    '',
    'Examples:',
    ...examples.flatMap(({ command, about }) => [`  ${command}`, `      ${about}`]),
  ];
  const own = Object.entries(statuses).map(([status, text]) => `  ${status}  ${text}`);
  if (own.length > 0) lines.push('', 'Exit status:', ...own);
  if (see.length > 0) lines.push('', `More: ${see.map((page) => `docs/${page}`).join(', ')}`);
  return lines.join('\n');
};

const programEpilogue = (): string =>
  [
    '',
    'Exit status:',
    ...Object.entries(STATUSES).map(([status, text]) => `  ${status}  ${text}`),
    '',
    'cordon COMMAND --help shows what a command takes, with examples.',
    'Without --config, ./cordon.yaml is read, otherwise /etc/cordon/cordon.yaml (not by serve), otherwise the',
    'defaults hold. CORDON_… variables override keys. While the file is wrong, what the service took is used.',
    '',
    `Version ${VERSION}.`,
  ].join('\n');

/** What commander found, in the house's words. */
const translate = (error: CommanderError, command: Command, path: readonly string[]): Error => {
  if (error.code === 'commander.helpDisplayed') return new HelpShown();
  return new UsageError(wordsOf(error, command), path);
};

const wordsOf = ({ code, message }: CommanderError, command: Command): string => {
  const known = command.commands.map((subcommand) => subcommand.name()).join(', ');
  if (code === 'commander.help') return `one of ${known} is needed`;
  const [said = '', meant] = message.replace(/^error: /, '').split('\n');
  const [, suggestion] = /^\(Did you mean (.*)\?\)$/.exec(meant ?? '') ?? [];
  const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
  const [, word = ''] = /'([^']*)'/.exec(said) ?? [];
  const quoted = JSON.stringify(word.slice(0, 40));
  if (code === 'commander.unknownCommand') {
    return command.parent === null
      ? `unknown command ${quoted}${hint}`
      : `${quoted} is none of ${known}${hint}`;
  }
  if (code === 'commander.missingArgument') return `one ${word.toUpperCase()} is needed`;
  if (code === 'commander.excessArguments') return excessWords(command);
  if (code === 'commander.optionMissingArgument') return `${word.replace(/[<>]/g, '')} is needed`;
  return `${said.replaceAll("'", '"')}${hint}`;
};

const excessWords = (command: Command): string => {
  const most = command.registeredArguments.length;
  const extra = JSON.stringify(command.args[most]?.slice(0, 40) ?? '');
  if (most === 0) return `${extra} is not understood: it takes no argument`;
  const names = command.registeredArguments.map((argument) => argument.name().toUpperCase()).join(' ');
  return `${extra} is not understood: it takes ${names} only`;
};
