// About the command itself: help, version, completion, man, docs.
import { command, JSON_OUTPUT } from '../declaration.ts';

export const HELP = command({
  name: 'help',
  about: 'shows what a command does, with examples',
  arguments: { command: { optional: true, repeat: true, about: 'the command, such as lists accept' } },
  examples: [{ command: 'cordon help lists accept', about: 'as cordon lists accept --help' }],
});

export const SHOW_VERSION = command({
  name: 'version',
  about: 'shows the version',
  options: { json: JSON_OUTPUT },
  examples: [{ command: 'cordon version', about: 'the number alone' }],
});

export const SHOW_COMPLETION = command({
  name: 'completion',
  about: 'prints what makes a shell complete commands, options and files',
  arguments: { shell: { choices: ['bash', 'zsh', 'fish'], about: 'the shell' } },
  examples: [
    { command: 'cordon completion bash > /usr/share/bash-completion/completions/cordon', about: 'for bash' },
    { command: 'cordon completion zsh > /usr/share/zsh/vendor-completions/_cordon', about: 'for zsh' },
    { command: 'cordon completion fish > ~/.config/fish/completions/cordon.fish', about: 'for fish' },
  ],
});

export const SHOW_MAN = command({
  name: 'man',
  about: 'prints a manual page, or writes all of them',
  arguments: {
    page: { optional: true, about: 'such as cordon-lists.1 or cordon.yaml.5; cordon.1 without it' },
  },
  options: { out: { value: 'DIRECTORY', takes: 'directory', about: 'write every page there' } },
  examples: [
    { command: 'cordon man cordon.yaml.5 | man -l -', about: 'every key of the configuration' },
    { command: 'cordon man --out /usr/local/share/man', about: 'below man1 and man5' },
  ],
});

export const DOCS = command({
  name: 'docs',
  about: 'writes the reference pages that are made from the code, for developers',
  arguments: { folder: { optional: true, takes: 'directory', about: 'where they go; docs without it' } },
  options: {
    built: {
      value: 'FOLDER',
      takes: 'directory',
      about: 'write manual pages and completions below this folder instead, as packages want them',
    },
  },
  examples: [
    { command: 'cordon docs', about: 'as npm run gen' },
    { command: 'cordon docs --built dist', about: 'as npm run build' },
  ],
});
