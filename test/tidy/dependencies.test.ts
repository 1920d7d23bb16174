// Dependencies: exact versions, a lock file in step, and dns2 where it may be and in the one version that is safe.
//
// dns2 3.0.0 hangs for seconds on a 12-byte datagram, and npm selects it for a version range on an older Node.js;
// hence the exact version, checked in the lock file and in what is installed. Install scripts run with the rights of
// whoever installs: a dependency that needs one would not work under --ignore-scripts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { importsOf, parseSource, placeOf, plant, readSources, root, type Sources } from './sources.ts';

const DNS2_VERSION = '3.1.1';
/** Packages that one module of src may import, so that the rest of the code does not depend on their ways. */
const SOLE_IMPORTERS: Readonly<Record<string, string>> = { dns2: 'src/wire/stub/dns2-client.ts' };
const EXACT_VERSION = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;
/** Parts of package.json that the lock file repeats. */
const PARTS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const;

const versions = z.record(z.string(), z.string()).default({});
const manifestSchema = z.object({
  dependencies: versions,
  devDependencies: versions,
  optionalDependencies: versions,
  peerDependencies: versions,
});
const lockedSchema = manifestSchema.extend({
  version: z.string().optional(),
  hasInstallScript: z.boolean().default(false),
  optional: z.boolean().default(false),
});
const lockSchema = z.object({ packages: z.record(z.string(), lockedSchema) });
type Manifest = z.infer<typeof manifestSchema>;
type Lock = z.infer<typeof lockSchema>;

const readJson = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'));

/** Ranges where package.json should name one version. */
const findRanges = (manifest: Manifest): string[] =>
  PARTS.flatMap((part) => Object.entries(manifest[part]))
    .filter(([, version]) => !EXACT_VERSION.test(version))
    .map(([name, version]) => `${name} ${version}`);

/** Dependencies that the lock file misses, adds or holds in another version. */
const findLockDifferences = (manifest: Manifest, lock: Lock): string[] => {
  const findings: string[] = [];
  for (const part of PARTS) {
    const locked = lock.packages['']?.[part] ?? {};
    for (const name of new Set([...Object.keys(manifest[part]), ...Object.keys(locked)])) {
      const wanted = manifest[part][name];
      const resolved = lock.packages[`node_modules/${name}`]?.version;
      if (wanted !== locked[name] || wanted !== resolved)
        findings.push(
          `${name}: ${wanted ?? 'none'} wanted, ${locked[name] ?? 'none'} locked as ${resolved ?? 'none'}`,
        );
    }
  }
  return findings;
};

/** Locked copies of dns2, nested ones included, by version. */
const dns2Versions = (lock: Lock): string[] =>
  Object.entries(lock.packages)
    .filter(([path]) => /(?:^|\/)node_modules\/dns2$/.test(path))
    .map(([, locked]) => locked.version ?? 'none');

/** Packages with an install script that an installation cannot do without. */
const findInstallScripts = (lock: Lock): string[] =>
  Object.entries(lock.packages)
    .filter(([, locked]) => locked.hasInstallScript && !locked.optional)
    .map(([path]) => path);

/** Imports of a package by a module other than its sole importer. */
const findStrayImports = (sources: Sources): string[] => {
  const findings: string[] = [];
  for (const [path, text] of sources)
    for (const { node, specifier } of importsOf(parseSource(path, text))) {
      const owner = SOLE_IMPORTERS[/^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? ''];
      if (owner !== undefined && owner !== path)
        findings.push(`${placeOf(node)} imports ${specifier}: only ${owner} may`);
    }
  return findings;
};

/** Where a value of node:http may come from: an import statement of it loads undici too, 13 MiB a thread. */
const HTTP_ROOM = 'src/base/http/http.ts';
/** The same of what brings TLS, 15 ms and 1.3 MiB a thread: whoever uses it asks for the built-in module when it does. */
const HTTP_IMPORT =
  /^(?:import (?!type )[^;]*?from|export [^;]*?from|.*(?<!typeof )\bimport\() ?'node:(?:https?|http2|tls)'/m;

/** Files that import more than types of node:http. */
const findHttpImports = (sources: Sources): string[] =>
  [...sources].filter(([path, text]) => path !== HTTP_ROOM && HTTP_IMPORT.test(text)).map(([path]) => path);

const manifest = manifestSchema.parse(readJson('package.json'));
const lock = lockSchema.parse(readJson('package-lock.json'));

test('every version in package.json is exact', () => {
  expect(Object.keys(manifest.dependencies)).not.toEqual([]);
  expect(findRanges(manifest)).toEqual([]);
});

test('the lock file is in step with package.json', () => {
  expect(findLockDifferences(manifest, lock)).toEqual([]);
});

test(`dns2 is ${DNS2_VERSION} in the lock file and as installed`, () => {
  expect(dns2Versions(lock)).toEqual([DNS2_VERSION]);
  expect(readJson('node_modules/dns2/package.json')).toMatchObject({ version: DNS2_VERSION });
});

test('no dependency that is needed has an install script', () => {
  expect(findInstallScripts(lock)).toEqual([]);
});

test('dns2 is imported by one module', () => {
  expect(findStrayImports(readSources('src', ['.ts']))).toEqual([]);
});

test('values of node:http come from one module, and nothing is loaded for TLS that may never be used', () => {
  expect(findHttpImports(readSources('src', ['.ts']))).toEqual([]);
});

test.each([
  "import { createServer } from 'node:http';",
  "import { a } from 'a';\nimport { type Server, createServer } from 'node:http';",
  "import {\n  createServer,\n} from 'node:http';",
  "import http from 'node:http';",
  "export { request } from 'node:http';",
  "const { request } = await import('node:http');",
  "import { request } from 'node:https';",
  "import { connect, type TLSSocket } from 'node:tls';",
  "import { connect } from 'node:http2';",
])('findHttpImports() catches %j', (text) => {
  expect(findHttpImports(plant({ 'src/a.ts': text }))).toEqual(['src/a.ts']);
});

test('findHttpImports() leaves types alone', () => {
  const text = "import type { Server } from 'node:http';\nimport type {\n  C,\n} from 'node:tls';";
  expect(findHttpImports(plant({ 'src/a.ts': text }))).toEqual([]);
});

test.each(['^3.1.1', '~3.1.1', '3.x', '*', 'latest', '>=3.1.1', 'github:a/b'])(
  'findRanges() catches %s',
  (version) => {
    expect(findRanges(manifestSchema.parse({ dependencies: { dns2: version } }))).toEqual([
      `dns2 ${version}`,
    ]);
  },
);

test.each([
  ['a missing entry', {}, {}],
  ['another version', { dns2: '3.1.0' }, { 'node_modules/dns2': { version: '3.1.0' } }],
  ['another resolution', { dns2: '3.1.1' }, { 'node_modules/dns2': { version: '3.0.0' } }],
  ['an extra entry', { dns2: '3.1.1', pino: '1.0.0' }, { 'node_modules/dns2': { version: '3.1.1' } }],
])('findLockDifferences() catches %s', (_name, dependencies, packages) => {
  const planted = lockSchema.parse({ packages: { '': { dependencies }, ...packages } });
  const wanted = manifestSchema.parse({ dependencies: { dns2: '3.1.1' } });
  expect(findLockDifferences(wanted, planted)).toHaveLength(1);
});

test('dns2Versions() finds a nested copy', () => {
  const packages = {
    'node_modules/dns2': { version: '3.1.1' },
    'node_modules/a/node_modules/dns2': { version: '3.0.0' },
  };
  expect(dns2Versions(lockSchema.parse({ packages }))).toEqual(['3.1.1', '3.0.0']);
});

test('findInstallScripts() catches a needed package and leaves an optional one', () => {
  const packages = {
    'node_modules/a': { version: '1.0.0', hasInstallScript: true },
    'node_modules/b': { version: '1.0.0', hasInstallScript: true, optional: true },
  };
  expect(findInstallScripts(lockSchema.parse({ packages }))).toEqual(['node_modules/a']);
});

test('findStrayImports() catches an import of dns2 elsewhere, of a part of it as well', () => {
  const sources = plant({
    'src/wire/stub/dns2-client.ts': "import DNS from 'dns2';",
    'src/commands/query.ts': "import DNS from 'dns2';",
    'src/resolver/upstream/udp.ts': "export const f = () => import('dns2/client');",
  });
  expect(findStrayImports(sources)).toHaveLength(2);
});
