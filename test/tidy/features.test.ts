// What can be left out of an installation (src/base/features.ts) is loaded only where it is asked for: no module that the
// program or a thread begins with leads to one of those packages by imports alone, and whoever loads one that does says of
// which feature it is, so that its absence is told with a code and not as a module that was not found.
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { LOADED_BY_EVERY_START } from '../../deploy/package/bundle.ts';
import { FEATURES } from '../../src/base/base.ts';
import {
  parseSource,
  placeOf,
  plant,
  readSources,
  resolveImport,
  root,
  type Sources,
  walk,
} from './sources.ts';

/** What begins a program or a thread. The thread that sends evidence is of a fleet. */
const BEGINNINGS = [
  'src/main.ts',
  'src/resolver/workers/worker.ts',
  'src/policy/generation/thread.ts',
  'src/evidence/records-thread/recorder-thread.ts',
  'src/evidence/query-log/query-log-thread.ts',
  'src/evidence/query-log/search-thread.ts',
  'src/evidence/impact/impact-thread.ts',
  'src/evidence/report/thread.ts',
];
const LOADER = 'loadFeature';

const featureOfPackage = (specifier: string): string | undefined =>
  Object.entries(FEATURES).find(([, packages]) =>
    packages.some((name) => specifier === name || specifier.startsWith(`${name}/`)),
  )?.[0];

/** What is left of an import or an export of others when types are erased. */
const isErased = (node: ts.ImportDeclaration | ts.ExportDeclaration): boolean => {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly || areTypes(node.exportClause);
  const { importClause: clause } = node;
  if (clause === undefined) return false;
  return clause.isTypeOnly || (clause.name === undefined && areTypes(clause.namedBindings));
};
const areTypes = (names: ts.NamedImportBindings | ts.NamedExportBindings | undefined): boolean =>
  names !== undefined &&
  (ts.isNamedImports(names) || ts.isNamedExports(names)) &&
  names.elements.length > 0 &&
  names.elements.every(({ isTypeOnly }) => isTypeOnly);

/** What a file imports when it is loaded. */
const staticImports = (path: string, text: string): string[] =>
  parseSource(path, text).statements.flatMap((node) => {
    if (!(ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) || isErased(node)) return [];
    return node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)
      ? [node.moduleSpecifier.text]
      : [];
  });

/** The same, and what it may import later. */
const allImports = (path: string, text: string): string[] => {
  const found = staticImports(path, text);
  if (!text.includes('import(')) return found;
  walk(parseSource(path, text), (node) => {
    if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return;
    const [argument] = node.arguments;
    if (argument !== undefined && ts.isStringLiteralLike(argument)) found.push(argument.text);
  });
  return found;
};

/** What `nameOf` says of the packages that each file cannot be loaded without, each with the files that lead to it. */
const createReach = (
  sources: Sources,
  nameOf: (specifier: string) => string | undefined,
  importsOf = staticImports,
): ((path: string) => ReadonlyMap<string, string>) => {
  const known = new Map<string, Map<string, string>>();
  const imports = new Map(Array.from(sources, ([path, text]) => [path, importsOf(path, text)]));
  return (path) => {
    const found = known.get(path);
    if (found !== undefined) return found;
    const reached = new Map<string, string>();
    const seen = new Set([path]);
    const todo = [{ at: path, way: path }];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      for (const specifier of imports.get(next.at) ?? []) {
        const target = resolveImport(next.at, specifier);
        const name = target === undefined ? nameOf(specifier) : undefined;
        if (name !== undefined) reached.set(name, `${next.way} > ${specifier}`);
        if (target === undefined || seen.has(target)) continue;
        seen.add(target);
        todo.push({ at: target, way: `${next.way} > ${target}` });
      }
    }
    known.set(path, reached);
    return reached;
  };
};

/** Of import(): the feature that the call around it names. */
const namedFeature = (node: ts.CallExpression): string | undefined => {
  for (let around: ts.Node = node; around.parent !== undefined; around = around.parent) {
    const { parent } = around;
    if (!ts.isCallExpression(parent) || parent.expression.getText() !== LOADER) continue;
    const [feature] = parent.arguments;
    return feature !== undefined && ts.isStringLiteral(feature) ? feature.text : undefined;
  }
  return undefined;
};

const findUnnamed = (sources: Sources, beginnings: readonly string[]): string[] => {
  const reach = createReach(sources, featureOfPackage);
  const findings: string[] = [];
  for (const path of beginnings)
    for (const [feature, way] of reach(path)) findings.push(`${feature} cannot be left out: ${way}`);
  for (const [path, text] of sources) {
    if (!text.includes('import(')) continue;
    walk(parseSource(path, text), (node) => {
      if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return;
      const [argument] = node.arguments;
      if (argument === undefined || !ts.isStringLiteralLike(argument)) return;
      const target = resolveImport(path, argument.text);
      const own = target === undefined ? featureOfPackage(argument.text) : undefined;
      const needed = target === undefined ? (own === undefined ? [] : [own]) : [...reach(target).keys()];
      const named = namedFeature(node);
      for (const feature of needed)
        if (feature !== named && !reach(path).has(feature))
          findings.push(`${placeOf(node)} loads what needs ${feature}, and not by ${LOADER}()`);
    });
  }
  return findings;
};

test('what an installation may be without is loaded only where its feature is named', () => {
  expect(findUnnamed(readSources('src', ['.ts']), BEGINNINGS)).toEqual([]);
});

/** Packages that these threads have no room for, each 3 to 13 MiB in every one of them. */
const BUSY_THREADS = [
  'src/resolver/workers/worker.ts',
  'src/evidence/records-thread/recorder-thread.ts',
  'src/evidence/query-log/query-log-thread.ts',
  'src/evidence/query-log/search-thread.ts',
];
const HEAVY = ['commander', 'dns2', 'pino', 'prom-client', 'smol-toml', 'yaml', 'zod'];

/** The ways by which threads that answer or record load a heavy package, be it later. */
const findHeavy = (sources: Sources, threads: readonly string[]): string[] => {
  const nameOf = (specifier: string) =>
    HEAVY.find((name) => specifier === name || specifier.startsWith(`${name}/`));
  const reach = createReach(sources, nameOf, allImports);
  return threads.flatMap((thread) => [...reach(thread).values()]);
};

test('threads that answer and record load no schemas, and nothing else that is heavy', () => {
  expect(findHeavy(readSources('src', ['.ts']), BUSY_THREADS)).toEqual([]);
  const planted = plant({
    'src/worker.ts': "import { a } from './a.ts';",
    'src/a.ts': "import { z } from 'zod';",
  });
  expect(findHeavy(planted, ['src/worker.ts'])).toEqual(['src/worker.ts > src/a.ts > zod']);
  const later = plant({ 'src/worker.ts': "export const load = () => import('zod');" });
  expect(findHeavy(later, ['src/worker.ts'])).toEqual(['src/worker.ts > zod']);
});

/** Packages that a start of the service cannot do without, and that are not of Node.js. */
const findLoaded = (sources: Sources, beginnings: readonly string[]): string[] => {
  const reach = createReach(sources, (specifier) => (isBuiltin(specifier) ? undefined : specifier));
  return [...new Set(beginnings.flatMap((path) => [...reach(path).keys()]))].sort();
};

test('what every start loads is in the bundle of a package', () => {
  const commands = ['src/commands/command.ts', 'src/commands/serve.ts'];
  const loaded = findLoaded(readSources('src', ['.ts']), [...BEGINNINGS, ...commands]);
  // `tldts-core` is what `tldts` consists of.
  expect([...loaded, 'tldts-core'].sort()).toEqual([...LOADED_BY_EVERY_START].sort());
});

test('a beginning that leads to an optional package, and one that is loaded without a name, are found', () => {
  const planted = plant({
    'src/main.ts': "import { a } from './a.ts';\nimport type { B } from './b.ts';",
    'src/a.ts': "export { c } from './c.ts';\nconst pdf = await import('pdfkit');",
    'src/b.ts': "import { connect } from '@nats-io/transport-node';",
    'src/c.ts': "import Fastify from 'fastify';\nconst b = await import('./b.ts');",
    'src/d.ts': "export const d = () => loadFeature('fleet', () => import('./b.ts'));",
    'src/e.ts': "export const e = () => loadFeature('mail', () => import('./b.ts'));",
  });
  expect(findUnnamed(planted, ['src/main.ts'])).toEqual([
    'control room cannot be left out: src/main.ts > src/a.ts > src/c.ts > fastify',
    expect.stringMatching(/^src\/a\.ts:2 loads what needs PDF reports/),
    expect.stringMatching(/^src\/c\.ts:2 loads what needs fleet/),
    expect.stringMatching(/^src\/e\.ts:1 loads what needs fleet/),
  ]);
});

test('the packages of features are those that npm can leave out, each of one feature', () => {
  const { peerDependencies } = z
    .object({ peerDependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  expect(Object.values(FEATURES).flat().sort()).toEqual(Object.keys(peerDependencies).sort());
});
