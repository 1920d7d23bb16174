// The dearest inputs that were found, as genomes: a line each, the stage and what the input is made of.
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = new URL('../../corpus/cost/genomes.txt', import.meta.url);

/** A genome of a stage. */
export interface Known {
  readonly stage: string;
  readonly genome: string;
}

/** Those of the corpus. */
export const readKnown = (): readonly Known[] =>
  readFileSync(FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const at = line.indexOf(': ');
      return { stage: line.slice(0, at), genome: line.slice(at + 2) };
    });

/** Adds what is not there yet. */
export const addKnown = (found: readonly Known[]): void => {
  const text = readFileSync(FILE, 'utf8');
  const lines = new Set(text.split('\n'));
  const added = found.map(({ stage, genome }) => `${stage}: ${genome}`).filter((line) => !lines.has(line));
  if (added.length > 0) writeFileSync(FILE, `${text}${[...new Set(added)].join('\n')}\n`);
};
