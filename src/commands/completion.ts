// cordon completion: what makes bash, zsh and fish complete commands, options, their words and files.
//
// The scripts are made from the declarations and know all of it: a press of the key starts no program. Each walks over the
// words before the cursor to find which command they lead to, and skips the values of options on the way.
import type { CommandDeclaration, InputOf, OptionDeclaration, Takes } from './declaration.ts';
import { ALL_COMMANDS, COMMANDS } from './declarations/all.ts';
import { HELP, type SHOW_COMPLETION } from './declarations/self.ts';

/** Prints the script for a shell; returns 0. */
export const showCompletion = ({ words }: InputOf<typeof SHOW_COMPLETION>): number => {
  process.stdout.write(completionFor(words.shell));
  return 0;
};

/** The script for bash, zsh or fish. */
export const completionFor = (shell: string): string => {
  if (shell === 'bash') return bash();
  return shell === 'zsh' ? zsh() : fish();
};

/** One command line up to the cursor: what may follow. */
interface Place {
  /** The words that lead here, with single spaces; empty: the program. */
  readonly path: string;
  /** Words that may follow, with what they are: subcommands, or the words of the first argument. */
  readonly words: readonly (readonly [word: string, about: string])[];
  readonly options: readonly (readonly [key: string, option: OptionDeclaration])[];
  /** Of arguments that are no words of a set. */
  readonly takes: Takes | undefined;
}

const ANY_HELP: readonly [string, OptionDeclaration] = ['help', { about: 'show how it is used' }];

const placeOf = (
  path: string,
  commands: readonly CommandDeclaration[],
  command?: CommandDeclaration,
): Place => {
  const words = commands.map(({ name, about }) => [name, about] as const);
  const given = Object.values(command?.arguments ?? {});
  const chosen = given.flatMap(({ choices = [] }) => choices.map((choice) => [choice, ''] as const));
  const helped = command === HELP ? COMMANDS.map(({ name, about }) => [name, about] as const) : [];
  return {
    path,
    words: [...words, ...chosen, ...helped],
    options: [...Object.entries(command?.options ?? {}), ANY_HELP],
    takes: given.find(({ takes }) => takes !== undefined)?.takes,
  };
};

const places = (): Place[] => [
  placeOf('', COMMANDS),
  ...ALL_COMMANDS.map(({ path, command }) => placeOf(path.join(' '), command.commands, command)),
];

/** Options that take a value, by their dashed names. */
const valued = ({ options }: Place): (readonly [flag: string, option: OptionDeclaration])[] =>
  options
    .filter(([, { value }]) => value !== undefined)
    .map(([key, option]) => [`--${key}`, option] as const);

/** All flags that take a value somewhere: what follows one is no command. */
const valuedFlags = (): string[] => [
  ...new Set(places().flatMap((place) => valued(place).map(([flag]) => flag))),
];

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const HEAD = 'Completion of cordon for';

const bash = (): string => {
  const steps = ALL_COMMANDS.map(({ path }) => `      ${quote(path.join(' '))}) path="$next" ;;`);
  const values = places().flatMap((place) =>
    valued(place).map(([flag, { choices, takes }]) => {
      const action =
        choices === undefined
          ? bashFiles(takes)
          : `COMPREPLY=($(compgen -W ${quote(choices.join(' '))} -- "$current"))`;
      return `    ${quote(`${place.path} ${flag}`)}) ${action}; return ;;`;
    }),
  );
  const wholes = places().map(({ path, words, options, takes }) => {
    const all = [...words.map(([word]) => word), ...options.map(([key]) => `--${key}`)].join(' ');
    const files = takes === undefined ? '' : ` [[ $current == -* ]] || { ${bashFiles(takes)}; };`;
    return `    ${quote(path)})${files} COMPREPLY+=($(compgen -W ${quote(all)} -- "$current")) ;;`;
  });
  return `# ${HEAD} bash: source it, or install it as /usr/share/bash-completion/completions/cordon.
_cordon() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} path='' next word is_value=
  local i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $is_value ]]; then is_value=; continue; fi
    case $word in
      ${valuedFlags().join('|')}) is_value=yes; continue ;;
    esac
    next=\${path:+$path }$word
    case $next in
${steps.join('\n')}
    esac
  done
  case "$path $before" in
${values.join('\n')}
  esac
  case $path in
${wholes.join('\n')}
  esac
}
complete -F _cordon cordon
`;
};

const bashFiles = (takes: Takes | undefined): string => {
  if (takes === undefined) return ':';
  // A name with a space is one name.
  const list = `compgen -${takes === 'file' ? 'f' : 'd'} -- "$current"`;
  return `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(${list})`;
};

const zsh = (): string => {
  const steps = ALL_COMMANDS.map(({ path }) => `      ${quote(path.join(' '))}) path_so_far=$next ;;`);
  const values = places().flatMap((place) =>
    valued(place).map(([flag, { choices, takes }]) => {
      const action = choices === undefined ? zshFiles(takes) : `compadd -- ${choices.map(quote).join(' ')}`;
      return `    ${quote(`${place.path} ${flag}`)}) ${action}; return ;;`;
    }),
  );
  const wholes = places().map(({ path, words, options, takes }) => {
    const described = words.map(([word, about]) => quote(`${word}:${about}`)).join(' ');
    const flags = options.map(([key, { about }]) => quote(`--${key}:${about}`)).join(' ');
    return [
      `    ${quote(path)})`,
      ...(words.length > 0 ? [`      candidates=(${described}); _describe -t words word candidates`] : []),
      ...(takes === undefined ? [] : [`      [[ $words[CURRENT] == -* ]] || ${zshFiles(takes)}`]),
      `      candidates=(${flags}); _describe -o -t options option candidates ;;`,
    ].join('\n');
  });
  return `#compdef cordon
# ${HEAD} zsh: install it as _cordon in a directory of $fpath, or source it after compinit.
_cordon() {
  local path_so_far='' next word is_value=
  local -a candidates
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $is_value ]]; then is_value=; continue; fi
    case $word in
      (${valuedFlags().join('|')}) is_value=yes; continue ;;
    esac
    next=\${path_so_far:+$path_so_far }$word
    case $next in
${steps.join('\n')}
    esac
  done
  case "$path_so_far $words[CURRENT-1]" in
${values.join('\n')}
  esac
  case $path_so_far in
${wholes.join('\n')}
  esac
}
if [[ $funcstack[1] == _cordon ]]; then _cordon "$@"; else compdef _cordon cordon; fi
`;
};

const zshFiles = (takes: Takes | undefined): string => {
  if (takes === undefined) return ':';
  return takes === 'file' ? '_files' : '_files -/';
};

const fish = (): string => {
  const lines = places().flatMap(({ path, words, options, takes }) => {
    const at = `complete -c cordon -n ${quote(`__cordon_at ${path === '' ? "''" : `"${path}"`}`)}`;
    return [
      ...words.map(([word, about]) => `${at} -a ${quote(word)}${about === '' ? '' : ` -d ${quote(about)}`}`),
      ...(takes === undefined
        ? []
        : [`${at} ${takes === 'file' ? '-F' : "-a '(__fish_complete_directories)'"}`]),
      ...options.map(([key, option]) => `${at} -l ${key} ${fishValue(option)}-d ${quote(option.about)}`),
    ];
  });
  return `# ${HEAD} fish: install it as ~/.config/fish/completions/cordon.fish.
function __cordon_at --description 'whether the words so far lead to this command'
  set --local path
  set --local is_value no
  for word in (commandline --tokenize --current-process --cut-at-cursor)[2..]
    if test $is_value = yes
      set is_value no
      continue
    end
    if contains -- $word ${valuedFlags().join(' ')}
      set is_value yes
      continue
    end
    set --local next (string join ' ' $path $word)
    if contains -- "$next" ${ALL_COMMANDS.map(({ path }) => quote(path.join(' '))).join(' ')}
      set path $path $word
    end
  end
  test "$argv[1]" = (string join ' ' $path | string collect --allow-empty)
end
complete -c cordon -f
${lines.join('\n')}
`;
};

const fishValue = ({ value, choices, takes }: OptionDeclaration): string => {
  if (value === undefined) return '';
  if (choices !== undefined) return `-x -a ${quote(choices.join(' '))} `;
  if (takes === undefined) return '-x ';
  return takes === 'file' ? '-r -F ' : "-x -a '(__fish_complete_directories)' ";
};
