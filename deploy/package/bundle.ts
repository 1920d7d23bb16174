// The sources in a few files: what the packages carry, and what tests start.
//
// A start finds, reads and links eight hundred modules in the main thread and three hundred in each worker; in a bundle they are some
// ninety. What a module says of itself stays true: `import.meta.url` is what it would be if each had a file of its own below the
// folder, so that it finds what lies beside the program. Packages of npm stay where they are unless whoever asks takes them in.
import { join, posix, relative } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';

/** What begins a program or a thread, without `.ts`, below src. */
export const ENTRIES = [
  'main',
  'resolver/workers/worker',
  'fleet/evidence-thread',
  'policy/generation/thread',
  'evidence/records-thread/recorder-thread',
  'evidence/query-log/query-log-thread',
  'evidence/query-log/search-thread',
  'evidence/impact/impact-thread',
  'evidence/report/thread',
] as const;

/**
 * Packages that every start of the service loads, and those that they load. As files of their own they are half of all files
 * that the main thread opens.
 */
export const LOADED_BY_EVERY_START: ReadonlySet<string> = new Set([
  ...['commander', 'lru-cache', 'yaml', 'zod'],
  ...['tldts', 'tldts-core'],
]);

/** What is to be bundled. */
export interface BundleOptions {
  /** The folder of sources. */
  readonly sources: string;
  readonly out: string;
  readonly entries: readonly string[];
  /** Whether a package is left outside. */
  isOutside(name: string): boolean;
  readonly plugins?: readonly Plugin[];
}

const PLACE = '__modulePlace';
const MARKED = new RegExp(`\\b${PLACE}\\("([^"]+)"\\)`, 'g');

/** Gives each module the address that it would have as a file of its own. */
const ownAddresses = (sources: string): Plugin => ({
  name: 'own-addresses',
  transform(code, path) {
    if (!path.startsWith(`${sources}/`) || !code.includes('import.meta.url')) return null;
    const place = relative(sources, path).replace(/\.ts$/, '.js');
    return code.replaceAll('import.meta.url', `${PLACE}(${JSON.stringify(place)})`);
  },
  renderChunk(code, { fileName }) {
    if (!code.includes(PLACE)) return null;
    // Where the bundle lies is known when it runs.
    const from = posix.dirname(fileName);
    return code.replaceAll(
      MARKED,
      (_, place: string) => `new URL(${JSON.stringify(posix.relative(from, place))}, import.meta.url).href`,
    );
  },
});

/** Writes the bundle: the same bytes for the same sources. */
export const bundleProgram = async ({
  sources,
  out,
  entries,
  isOutside,
  plugins = [],
}: BundleOptions): Promise<void> => {
  const bundle = await rolldown({
    input: Object.fromEntries(entries.map((entry) => [entry, join(sources, `${entry}.ts`)])),
    platform: 'node',
    external: (name) => !name.startsWith('.') && !name.startsWith('/') && isOutside(name),
    logLevel: 'warn',
    plugins: [ownAddresses(sources), ...plugins],
  });
  await bundle.write({
    dir: out,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'parts/[name]-[hash].js',
    comments: false,
    // V8 keeps the text of a module for as long as its thread lives, and one character beyond Latin-1 doubles it.
    charset: 'ascii',
  });
  await bundle.close();
};
