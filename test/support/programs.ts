// Which package of Debian brings which program that tests run: test/support/programs.txt, which .ci/run installs.
import { readFileSync } from 'node:fs';

const TABLE = new URL('programs.txt', import.meta.url);

/** Programs by package, as the table has them. */
export const PACKAGES: ReadonlyMap<string, readonly string[]> = new Map(
  readFileSync(TABLE, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', programs = ''] = line.split(':');
      return [name, programs.trim().split(' ')];
    }),
);

/** The package that brings a program; undefined for one that the table has not. */
export const packageOf = (program: string): string | undefined => {
  const file = program.slice(program.lastIndexOf('/') + 1);
  return [...PACKAGES].find(([, programs]) => programs.includes(file))?.[0];
};

/** Why a test was not run, as its report says it. */
export const missingText = (program: string, from: string): string =>
  `${program} is not installed (Debian: ${from})`;

/** What missingText() said; undefined for another reason. */
export const readMissing = (
  text: string,
): { readonly program: string; readonly from: string } | undefined => {
  const [, program, from] = /^(\S+) is not installed \(Debian: (\S+)\)$/.exec(text) ?? [];
  return program === undefined || from === undefined ? undefined : { program, from };
};
