// The table of attacks on docs/security.md, and what is said above it of how its rows came about.
//
// Everything between the two marks is written here and nowhere else; what stands around them is for people to write.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Row } from './round.ts';

const BEGIN = '<!-- written by npm run attack -- --docs -->';
const END = '<!-- until here -->';
const root = fileURLToPath(new URL('../../..', import.meta.url));
const page = fileURLToPath(new URL('../../../docs/security.md', import.meta.url));

/** How the rows came about. */
export interface Conditions {
  readonly seconds: number;
  readonly isPinned: boolean;
  /** When the first one was begun. */
  readonly startedAt: Date;
}

/** Writes the lines of the table into the page; throws where the page has lost its marks. */
export const writePage = (rows: readonly Row[], table: readonly string[], conditions: Conditions): void => {
  const text = readFileSync(page, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/security.md does not have "${BEGIN}" and "${END}"`);
  const written = ['', ...describe(rows, conditions), '', ...table, '', ''].join('\n');
  writeFileSync(page, `${text.slice(0, begin + BEGIN.length)}\n${written}${text.slice(end)}`);
};

const describe = (rows: readonly Row[], { seconds, isPinned, startedAt }: Conditions): string[] => {
  const ours = rows.filter(({ server }) => server === 'cordon');
  const missed = ours.filter(({ holds }) => !holds).map(({ title }) => title);
  const waited = Math.max(...rows.map(({ waitedSec }) => waitedSec));
  const where = isPinned
    ? 'the server on a core of its own, all else on another one'
    : 'no program bound to a core';
  return [
    `- ${startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC, commit ${readCommit()}, one run: ${seconds} s each, one worker, ${where}`,
    `- ${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Linux ${release()}, Node.js ${process.versions.node}`,
    `- threads of a server waited for a core for ${waited.toFixed(1)} s at most`,
    `- ${missed.length === 0 ? 'others get what they should in every row' : `not as it should be: ${missed.join('; ')}`}`,
  ];
};

const readCommit = (): string => {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const isChanged = git('status', '--porcelain', 'src') !== '';
  return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' with changes' : ''}`;
};
