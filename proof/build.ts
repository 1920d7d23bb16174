// Makes cordon-proof: one file for Node.js 20 and later, with the names of every mandate that ships within.
//
// Usage: node src/launch.mjs proof/build.ts [FOLDER], by default proof/dist. What asks and judges is the code of the self-probe
// (src/evidence/probe), what reads lists and packs is the code that Cordon reads them with: there is no second judge. What
// that code needs of a later Node.js is in older.ts. Nothing native gets in, and nothing that is read by path.
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';
import { VERSION } from '../src/base/base.ts';
import {
  formatProblem,
  listsOf,
  loadConfig,
  readMandate,
  shippedMandateFile,
  shippedMandates,
} from '../src/config/config.ts';
import { readProbeLists } from '../src/evidence/probe/lists.ts';
import {
  BYPASS_LISTS,
  CANARY_LIST,
  type Pack,
  type PackedList,
  type Packs,
  toPack,
  toPackedLists,
} from '../src/evidence/probe/proof-packs.ts';
import { buildGeneration } from '../src/policy/generation/generation.ts';
import { shippedDefaults, shippedLists, shippedOperators } from '../src/policy/lists/lists.ts';

const source = fileURLToPath(new URL('.', import.meta.url));
const root = join(source, '..');
/** Loads dns2 when it is asked with, which a bundle cannot follow. */
const CODEC = join(root, 'src/wire/stub/dns2-client.ts');
const LOADED =
  /const require = createRequire\(import\.meta\.url\);|\(require\('dns2'\) as typeof dns2\)\.Packet/g;

/** The lists that ship, as the self-probe would ask for them if each were a mandate's. */
const readLists = (): readonly PackedList[] => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-proof-'));
  try {
    const shippedIds = shippedLists().map(({ id }) => id);
    const lists = shippedIds.map((id) => `  - { id: ${id}, shipped: ${id}, mandate: true }\n`);
    writeFileSync(join(directory, 'cordon.yaml'), `lists:\n${lists.join('')}`);
    const { config, problems } = loadConfig(
      'cordon.yaml',
      {},
      {
        workingDirectory: directory,
        shippedIds,
        shippedDefault: shippedDefaults().map(({ id }) => id),
        shippedOperators,
      },
    );
    if (config === undefined) throw new Error(problems.map(formatProblem).join('\n'));
    const generation = buildGeneration(config, 1, 0);
    const read = readProbeLists({ generation, config, seed: 1, keep: new Set() });
    if (!read.isWhole || read.unasked.length + read.unreadable.length > 0)
      throw new RangeError('building cordon-proof: the lists that ship have names that cannot be asked for');
    return toPackedLists(read);
  } finally {
    rmSync(directory, { recursive: true });
  }
};

const readPack = (id: string): Pack => {
  const { read, problems } = readMandate(shippedMandateFile(id));
  if (read === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  const lists = listsOf(read.mandate);
  return toPack(read, lists, new Set(lists));
};

/** Every mandate that ships, with the lists that they need. */
export const shippedPacks = (): Packs => {
  const mandates = shippedMandates()
    .map(readPack)
    .filter(({ lists }) => lists.length > 0);
  const needed = new Set([...mandates.flatMap(({ lists }) => lists), CANARY_LIST, ...BYPASS_LISTS]);
  return { version: VERSION, mandates, lists: readLists().filter(({ id }) => needed.has(id)) };
};

const codec: Plugin = {
  name: 'codec-within',
  transform: {
    order: 'pre',
    handler(code, path) {
      if (path !== CODEC) return null;
      const found = code.match(LOADED)?.length ?? 0;
      if (found !== 2)
        throw new Error(`building cordon-proof: ${CODEC} loads dns2 in another way than it did`);
      return `import codec from 'dns2';\n${code.replace(LOADED, (text) => (text.startsWith('const') ? '' : 'codec.Packet'))}`;
    },
  },
};

const packsWithin = (packs: Packs): Plugin => ({
  name: 'packs-within',
  load: (path) =>
    path.endsWith('shipped-packs.ts')
      ? `export const SHIPPED = ${JSON.stringify(JSON.stringify(packs))};`
      : null,
});

const commented = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => `// ${line}`.trimEnd())
    .join('\n');

/** Writes proof.mjs into `target`; gives its SHA-256. */
export const buildProof = async (target: string): Promise<string> => {
  const bundle = await rolldown({
    input: join(source, 'main.ts'),
    platform: 'node',
    logLevel: 'warn',
    // What a module does when it is loaded, such as reading a file of the package, is not done where nothing of it is used.
    treeshake: { moduleSideEffects: (path) => /\/proof\/(?:older|main)\.ts$/.test(path) },
    plugins: [codec, packsWithin(shippedPacks())],
  });
  const file = join(target, 'proof.mjs');
  mkdirSync(target, { recursive: true });
  await bundle.write({
    file,
    format: 'esm',
    codeSplitting: false,
    banner: `#!/usr/bin/env node
// cordon-proof ${VERSION}, Apache-2.0. Within it is the codec of dns2:
${commented(readFileSync(join(root, 'node_modules/dns2/LICENSE'), 'utf8'))}`,
  });
  await bundle.close();
  chmodSync(file, 0o755);
  return createHash('sha256').update(readFileSync(file)).digest('hex');
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = resolve(process.argv[2] ?? join(source, 'dist'));
  const sha256 = await buildProof(target);
  process.stderr.write(`cordon: built ${join(target, 'proof.mjs')}, SHA-256 ${sha256}\n`);
}
