// The program that tests start: `cordon`, by the path of its first file.
//
// Within a run of the tests it is what build-program.ts made of the sources; everywhere else, such as in test/soak, the
// sources themselves. TEST_PROGRAM=src/cli/main.ts has a run of the tests start the sources as well.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The first argument of Node.js. */
export const PROGRAM = resolve(root, process.env['TEST_PROGRAM'] ?? 'src/cli/main.ts');
