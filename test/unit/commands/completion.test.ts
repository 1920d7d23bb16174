// Completions in real bash, zsh and fish: every command, options with their words, and files.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completionFor } from '../../../src/commands/completion.ts';
import { ALL_COMMANDS, COMMANDS } from '../../../src/commands/declarations/all.ts';
import { inTwo } from '../../support/night.ts';
import { requireProgram, run } from '../../support/process.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-completion-'));
  writeFileSync(join(directory, 'cordon.yaml'), '');
  mkdirSync(join(directory, 'some folder'));
  mkdirSync(join(directory, 'fpath'));
  writeFileSync(join(directory, 'bash'), completionFor('bash'));
  writeFileSync(join(directory, 'fpath/_cordon'), completionFor('zsh'));
  writeFileSync(join(directory, 'fish'), completionFor('fish'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** What a shell offers for each line, the last word of which is being written. */
type Offer = (lines: readonly string[]) => Promise<string[][]>;

/** Texts that a program printed line by line, in groups that begin with a line of the mark. */
const groupsOf = (text: string): string[][] =>
  text
    .split('== next\n')
    .slice(1)
    .map((group) => group.split('\n').filter((line) => line !== ''));

const runShell = async (program: string, args: readonly string[]): Promise<string[][]> => {
  const { code, stdout, stderr } = await run(program, args, { cwd: directory, env: { HOME: directory } });
  expect(code, stderr).toBe(0);
  return groupsOf(stdout);
};

const bash: Offer = (lines) =>
  runShell('bash', [
    '--norc',
    '-c',
    [
      'source ./bash',
      ...lines.map((line) => {
        const words = line.split(' ').map((word) => `'${word}'`);
        return `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _cordon; echo '== next'; printf '%s\\n' "\${COMPREPLY[@]}"`;
      }),
    ].join('\n'),
  ]);

const fish: Offer = (lines) =>
  runShell('fish', [
    '--no-config',
    '-c',
    [
      'source ./fish',
      // What stands behind a tab describes the word.
      ...lines.map((line) => `echo '== next'; complete -C '${line}' | string replace -r '\\t.*' ''`),
    ].join('\n'),
  ]);

/** A terminal of its own, in which what would be listed goes to a file instead. */
const zsh: Offer = (lines) => {
  const driver = `
    zmodload zsh/zpty zsh/zselect
    rm -f ${directory}/offered
    zpty shell zsh -f -i
    say() { zpty -w shell "$1" }
    say "fpath=(${directory}/fpath \\$fpath); autoload -Uz compinit; compinit -u -d ${directory}/dump"
    say "compadd() { local -a hits; if [[ \\"\\$*\\" == *-[OAD]\\ * ]]; then builtin compadd \\"\\$@\\"; return; fi; builtin compadd -A hits \\"\\$@\\"; print -rl -- \\$hits >> ${directory}/offered }"
    say "next() { BUFFER=; print '== next' >> ${directory}/offered }; zle -N next; bindkey '^B' next; bindkey '^I' complete-word"
    say "ended() { print '== end' >> ${directory}/offered }; zle -N ended; bindkey '^E' ended"
    integer asked=0
    for line in "$@"; do
      # Keys that wait would cut a completion short: the next ones come when this one has ended.
      zpty -n -w shell $'\\002'"$line"$'\\t'$'\\005'
      asked+=1
      repeat 3000; do
        while zpty -rt shell ignored; do :; done
        (( $(grep -c '^== end' ${directory}/offered 2>/dev/null) >= asked )) && break
        zselect -t 1
      done
    done
    zpty -d shell
    grep -v '^== end' ${directory}/offered`;
  writeFileSync(join(directory, 'driver'), driver);
  return runShell('zsh', ['-f', './driver', ...lines]);
};

const LINES: readonly (readonly [line: string, offered: readonly string[], not: readonly string[]])[] = [
  ['cordon ch', ['check'], []],
  ['cordon lists acc', ['accept'], ['check']],
  ['cordon lists --config cordon.yaml acc', ['accept'], []],
  ['cordon check --js', ['--json'], ['--client']],
  ['cordon explain --config cordon.yaml www.example.com --cl', ['--client'], []],
  ['cordon report --format p', ['pdf'], ['plain']],
  ['cordon lists export --for n', ['nftables'], []],
  ['cordon import dns', ['dnsmasq'], []],
  ['cordon completion z', ['zsh'], []],
  ['cordon help rec', ['records'], []],
  ['cordon check --config cordon.y', ['cordon.yaml'], []],
  ['cordon report verify cordon.y', ['cordon.yaml'], []],
  ['cordon check --config check --js', ['--json'], []],
  ['cordon query --server lists --t', ['--tcp'], []],
];

const SHELLS: readonly [string, Offer][] = [
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
];
for (const [options, shells] of inTwo(SHELLS, ([name]) => name === 'bash'))
  describe.each(shells)('%s', options, (name, offer) => {
    test('offers every command and subcommand, and every option', { timeout: 90_000 }, async (context) => {
      requireProgram(context, name);
      const asked = [
        { line: 'cordon ', expected: COMMANDS.map((command) => command.name) },
        ...ALL_COMMANDS.flatMap(({ path, command }) => [
          { line: `cordon ${path.join(' ')} `, expected: command.commands.map((below) => below.name) },
          {
            line: `cordon ${path.join(' ')} --`,
            expected: [...Object.keys(command.options).map((key) => `--${key}`), '--help'],
          },
        ]),
      ];
      const found = await offer(asked.map(({ line }) => line));
      expect(found).toHaveLength(asked.length);
      for (const [at, { line, expected }] of asked.entries()) {
        expect(found[at], line).toEqual(expect.arrayContaining(expected));
      }
    });

    test('offers the words of options and arguments, and files', { timeout: 90_000 }, async (context) => {
      requireProgram(context, name);
      const found = await offer(LINES.map(([line]) => line));
      for (const [at, [line, offered, not]] of LINES.entries()) {
        expect(found[at], line).toEqual(expect.arrayContaining([...offered]));
        for (const word of not) expect(found[at], line).not.toContain(word);
      }
    });
  });
