// Where the files of the program lie: the only place that counts folders up to its root.
//
// A checkout has src/ beside package.json and lists/, the package has dist/ there; the pages of the control room lie in
// dist/pages in both.
import { fileURLToPath } from 'node:url';

const isSource = import.meta.url.endsWith('.ts');

const pathOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The manifest of the package. */
export const MANIFEST_FILE = pathOf('../../package.json');

/** The folder of the shipped lists. */
export const LISTS_DIRECTORY = pathOf('../../lists/');

/** The folder of the built pages. */
export const PAGES_DIRECTORY = pathOf(isSource ? '../../dist/pages' : '../pages');

/** The file that starts the program. */
export const MAIN_FILE = pathOf(isSource ? '../main.ts' : '../main.js');
