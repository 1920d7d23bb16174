// The program that tests start: `cordon`, by the path of its first file.
//
// Within a run of the tests it is what build-program.ts made of the sources; everywhere else, such as in test/soak, the
// sources themselves. TEST_PROGRAM=src/main.ts has a run of the tests start the sources as well.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The first argument of Node.js. */
export const PROGRAM = resolve(root, process.env['TEST_PROGRAM'] ?? 'src/main.ts');

/** The first file of the program of a checkout, which may be an earlier one. */
export const mainOf = (checkout: string): string => {
  const main = join(checkout, 'src/main.ts');
  return existsSync(main) ? main : join(checkout, 'src/cli/main.ts');
};

/** A module of the program that was made as one of its beginnings, such as `host/app/app`, to be had in the process of the test. */
export const roomOf = (name: string): Promise<unknown> =>
  import(new URL(`./${name}${PROGRAM.slice(-3)}`, pathToFileURL(PROGRAM)).href);
