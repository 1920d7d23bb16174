// Makes the pages of the control room: one folder of files whose names hold what they contain, and index.html.
//
// Usage: node src/launch.mjs pages/build.ts [FOLDER], by default dist/pages. The server hands the folder out as it is. It is written
// beside its place and moved there whole, so that a server that starts meanwhile finds all of it or none.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { type Plugin, rolldown } from 'rolldown';
import { de } from './text/de.ts';
import { en } from './text/en.ts';
import { fr } from './text/fr.ts';
import { nl } from './text/nl.ts';
import type { Texts } from './text/text.ts';

/** All files together, uncompressed, of which a reader loads one language of four: some seconds of a phone on a slow line. */
const BYTES_MAX = 400_000;
/** In this order: later ones may rely on what earlier ones define. */
const STYLES = ['tokens.css', 'base.css', 'shell.css', 'parts.css', 'narrow.css'];

const source = fileURLToPath(new URL('.', import.meta.url));

/** What the server draws a page first with; it hands this file out to nobody. */
const FIRST_NAME = 'first.mjs';

/** Writes a file whose name holds what it contains; gives its path as the pages name it. */
const writeNamed = (folder: string, name: string, ending: string, content: string): string => {
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 10);
  const path = `assets/${name}-${hash}.${ending}`;
  writeFileSync(join(folder, path), content);
  return `/${path}`;
};

/** Without comments and the blanks between lines; nothing of it stands in strings. */
const packStyle = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\s*\n\s*/g, '')
    .replace(/\s*([{};,])\s*/g, '$1');

/**
 * Languages packed, by half, also where nothing between server and browser packs. English has the keys, eight hundred of them, and the
 * others their texts in its order: keys are sent once, not four times.
 */
const packedTexts = (languages: Readonly<Record<string, Texts>>): Plugin => ({
  name: 'packed-texts',
  load(path) {
    const [, name = ''] = /\/text\/(\w+)\.ts$/.exec(path) ?? [];
    const texts = languages[name];
    if (texts === undefined) return null;
    const isFirst = texts === en;
    const content = isFirst ? texts : Object.keys(en).map((key) => texts[key as keyof Texts]);
    const packed = deflateRawSync(JSON.stringify(content), { level: 9 }).toString('base64');
    return `${isFirst ? '' : "import { en } from './en.ts';"}
const bytes = Uint8Array.from(atob('${packed}'), (letter) => letter.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
const texts = await new Response(stream).json();
export const ${name} = ${isFirst ? 'texts' : 'Object.fromEntries(Object.keys(en).map((key, index) => [key, texts[index]]))'};`;
  },
});

const bundleScripts = async (folder: string): Promise<string> => {
  const bundle = await rolldown({
    input: join(source, 'main.tsx'),
    platform: 'browser',
    tsconfig: join(source, 'tsconfig.json'),
    logLevel: 'warn',
    plugins: [packedTexts({ en, fr, nl, de })],
  });
  const { output } = await bundle.write({
    dir: join(folder, 'assets'),
    format: 'esm',
    minify: true,
    // Marks for bundlers: a tenth of what is sent. What licenses ask for stays.
    comments: { annotation: false, jsdoc: false },
    entryFileNames: '[name]-[hash].js',
    chunkFileNames: '[name]-[hash].js',
  });
  await bundle.close();
  const entry = output.find((file) => file.type === 'chunk' && file.isEntry);
  if (entry === undefined) throw new Error('building the pages: no entry came of main.tsx');
  return `/assets/${entry.fileName}`;
};

/** The same pages as a module of Node.js, in one file: texts of all languages, and preact, within. */
const bundleFirst = async (folder: string): Promise<void> => {
  const bundle = await rolldown({
    input: join(source, 'first.tsx'),
    platform: 'node',
    tsconfig: join(source, 'tsconfig.json'),
    logLevel: 'warn',
  });
  await bundle.write({
    file: join(folder, FIRST_NAME),
    format: 'esm',
    minify: true,
    codeSplitting: false,
  });
  await bundle.close();
};

/** Builds the pages into `target`, in the place of what was there. Rejects when they are too large. */
export const buildPages = async (target: string): Promise<number> => {
  const work = `${target}.${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, 'assets'), { recursive: true });
  try {
    const style = STYLES.map((name) => readFileSync(join(source, 'style', name), 'utf8')).join('\n');
    const places: Readonly<Record<string, string>> = {
      SCRIPT: await bundleScripts(work),
      STYLE: writeNamed(work, 'room', 'css', packStyle(style)),
      ICON: writeNamed(work, 'mark', 'svg', readFileSync(join(source, 'mark.svg'), 'utf8')),
    };
    await bundleFirst(work);
    const index = readFileSync(join(source, 'index.html'), 'utf8');
    writeFileSync(
      join(work, 'index.html'),
      index.replace(/\$(SCRIPT|STYLE|ICON)\$/g, (_, name: string) => places[name] ?? ''),
    );
    const bytes = readdirSync(join(work, 'assets')).reduce(
      (sum, name) => sum + statSync(join(work, 'assets', name)).size,
      0,
    );
    if (bytes > BYTES_MAX) throw new RangeError(`building the pages: ${bytes} bytes of at most ${BYTES_MAX}`);
    rmSync(target, { recursive: true, force: true });
    renameSync(work, target);
    return bytes;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = resolve(process.argv[2] ?? join(source, '..', 'dist', 'pages'));
  const bytes = await buildPages(target);
  process.stderr.write(`cordon: built the pages of the control room, ${bytes} bytes\n`);
}
