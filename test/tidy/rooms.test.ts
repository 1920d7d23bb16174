// Rooms and doors: the folders of src/ import each other one way, and only through the file named after the room.
//
// The table below is the architecture. A change of it is a change of the design and belongs in ARCHITECTURE.md too.
// Type-only imports count: a type that points upward is the beginning of a knot.
import { posix } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import {
  headComment,
  importsOf,
  parseSource,
  placeOf,
  plant,
  readSources,
  resolveImport,
  type Sources,
  walk,
} from './sources.ts';

/** What each room may import. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  cli: [
    ...[
      'fleet',
      'resolve',
      'admin',
      'lists/keeping',
      'probe',
      'generation',
      'report',
      'exemptions',
      'app',
      'explain',
    ],
    ...[
      'discovery',
      'imports',
      'records',
      'transparency',
      'observe',
      'lists',
      'config',
      'enforcement',
      'dns',
      'base',
    ],
  ],
  app: [
    ...[
      'fleet',
      'resolve',
      'records/thread',
      'lists/keeping',
      'probe',
      'generation',
      'exemptions',
      'explain',
    ],
    ...[
      'room',
      'report',
      'admin',
      'notice',
      'report',
      'records',
      'events',
      'observe',
      'server',
      'tls',
      'acme',
      'pipeline',
      'lists',
      'policy',
      'cache',
    ],
    ...[
      'upstream',
      'dnssec',
      'access',
      'local',
      'discovery',
      'config',
      'enforcement',
      'datagram',
      'words',
      'dns',
      'base',
    ],
  ],
  fleet: ['records', 'transparency', 'words', 'base'],
  report: ['exemptions', 'records', 'enforcement', 'words', 'base'],
  notice: ['words', 'base'],
  room: ['admin', 'tls', 'words', 'base'],
  admin: ['exemptions', 'enforcement', 'words', 'dns', 'base'],
  probe: [
    ...['generation', 'server', 'pipeline', 'quic', 'observe', 'records', 'enforcement', 'lists', 'policy'],
    ...['access', 'local', 'config', 'words', 'dns', 'base'],
  ],
  exemptions: ['yaml', 'records', 'policy', 'dns', 'base'],
  'records/thread': ['records', 'transparency', 'observe', 'events', 'base'],
  records: ['transparency', 'enforcement', 'events', 'words', 'dns', 'base'],
  transparency: ['base'],
  events: ['words', 'dns', 'base'],
  observe: ['enforcement', 'words', 'dns', 'base'],
  enforcement: ['base'],
  explain: ['pipeline', 'access', 'policy', 'cache', 'dns', 'base'],
  resolve: ['pipeline', 'upstream', 'dnssec', 'local', 'observe', 'config', 'words', 'dns', 'base'],
  server: [
    'pipeline',
    'policy',
    'cache',
    'access',
    'http2',
    'quic',
    'tls',
    'datagram',
    'words',
    'dns',
    'base',
  ],
  http2: [],
  tls: ['base'],
  acme: ['base'],
  quic: ['datagram', 'base'],
  datagram: ['base'],
  pipeline: ['events', 'access', 'local', 'policy', 'cache', 'words', 'dns', 'base'],
  'lists/keeping': ['generation', 'observe', 'lists', 'policy', 'config', 'dns', 'base'],
  generation: ['observe', 'lists', 'policy', 'access', 'config', 'words', 'dns', 'base'],
  imports: ['lists', 'yaml', 'dns', 'base'],
  lists: ['policy', 'yaml', 'words', 'dns', 'base'],
  policy: ['words', 'dns', 'base'],
  cache: ['dns', 'base'],
  upstream: ['datagram', 'dns', 'base'],
  dnssec: ['dns', 'base'],
  access: ['dns', 'base'],
  local: ['dns', 'base'],
  config: ['yaml', 'transparency', 'words', 'dns', 'base'],
  discovery: ['dns', 'base'],
  yaml: [],
  dns: ['base'],
  words: [],
  base: [],
};

/** Rooms that nothing imports open with their entry file instead. */
const DOOR_NAMES: Readonly<Record<string, string>> = { cli: 'main.ts' };
const DOOR_COMMENT_LINES_MIN = 3;
const VAGUE_WORDS = new Set(['util', 'utils', 'helper', 'helpers', 'manager', 'common', 'misc']);
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** The folder below src, or the folder below it where that is a room of its own. */
const roomOf = (path: string): string | undefined => {
  const [, outer, inner] = /^src\/([^/]+)\/(?:([^/]+)\/)?/.exec(path) ?? [];
  const nested = `${outer}/${inner}`;
  return ROOMS[nested] === undefined ? outer : nested;
};
const doorOf = (room: string): string => `src/${room}/${DOOR_NAMES[room] ?? `${posix.basename(room)}.ts`}`;

/** Imports that go against the table, past a door, or out of src. */
const findWrongImports = (sources: Sources): string[] => {
  const findings: string[] = [];
  for (const [path, text] of sources) {
    const room = roomOf(path) ?? '';
    for (const { node, specifier } of importsOf(parseSource(path, text))) {
      const target = resolveImport(path, specifier);
      if (target === undefined) continue;
      const other = roomOf(target);
      if (other === room) continue;
      if (other === undefined) findings.push(`${placeOf(node)} imports ${target}, which is in no room`);
      else if (ROOMS[room]?.includes(other) !== true)
        findings.push(`${placeOf(node)} imports ${other}: ${room} may not`);
      else if (target !== doorOf(other)) findings.push(`${placeOf(node)} passes the door of ${other}`);
    }
  }
  return findings;
};

/** Import cycles between files, each as the path that closes. */
const findCycles = (sources: Sources): string[] => {
  const cycles: string[] = [];
  const done = new Set<string>();
  const open: string[] = [];
  const visit = (path: string): void => {
    const start = open.indexOf(path);
    if (start >= 0) cycles.push([...open.slice(start), path].join(' → '));
    if (start >= 0 || done.has(path)) return;
    open.push(path);
    for (const { node, specifier } of importsOf(parseSource(path, sources.get(path) ?? ''))) {
      const target = resolveImport(path, specifier);
      if (target !== undefined && sources.has(target) && !ts.isNewExpression(node)) visit(target);
    }
    open.pop();
    done.add(path);
  };
  for (const path of sources.keys()) visit(path);
  return cycles;
};

/** Default exports and `export *`. */
const findWrongExports = (sources: Sources): string[] => {
  const findings: string[] = [];
  for (const [path, text] of sources) {
    walk(parseSource(path, text), (node) => {
      if (isDefaultExport(node)) findings.push(`${placeOf(node)} exports a default`);
      if (ts.isExportDeclaration(node) && (node.exportClause === undefined || isNamespaceExport(node)))
        findings.push(`${placeOf(node)} exports * instead of names`);
    });
  }
  return findings;
};

const isDefaultExport = (node: ts.Node): boolean =>
  ts.isExportAssignment(node) ||
  (ts.isExportSpecifier(node) && node.name.text === 'default') ||
  (ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword) === true);

const isNamespaceExport = (node: ts.ExportDeclaration): boolean =>
  node.exportClause !== undefined && ts.isNamespaceExport(node.exportClause);

/** Names of files and folders that say nothing or are not in kebab-case. */
const findWrongNames = (sources: Sources): string[] =>
  [...sources.keys()].filter((path) =>
    path
      .split('/')
      .map((part) => posix.basename(part, '.ts'))
      .some((name) => !KEBAB_CASE.test(name) || name.split('-').some((word) => VAGUE_WORDS.has(word))),
  );

/** Rooms that the table does not know, that have no door, or whose door does not say what the room is. */
const findWrongDoors = (sources: Sources): string[] => {
  const rooms = new Set([...sources.keys()].map(roomOf));
  const findings: string[] = [];
  for (const room of rooms) {
    if (room === undefined || ROOMS[room] === undefined) {
      findings.push(`${room ?? 'src'} is not a room of the table`);
      continue;
    }
    const text = sources.get(doorOf(room));
    if (text === undefined) findings.push(`${room} has no door ${doorOf(room)}`);
    else if (headComment(text).length < DOOR_COMMENT_LINES_MIN)
      findings.push(`${doorOf(room)} opens with less than ${DOOR_COMMENT_LINES_MIN} lines of comment`);
  }
  return findings;
};

const src = readSources('src', ['.ts']);

test('src is read', () => {
  expect(src.size).toBeGreaterThan(5);
});

test('the table of rooms has no cycle', () => {
  const tableAsFiles = new Map<string, string>();
  for (const [room, others] of Object.entries(ROOMS)) {
    const imports = others.map(
      (other) => `import {} from '${posix.relative(posix.dirname(doorOf(room)), doorOf(other))}';`,
    );
    tableAsFiles.set(doorOf(room), imports.join('\n'));
  }
  expect(findCycles(tableAsFiles)).toEqual([]);
});

test('rooms import each other only as the table says and only through doors', () => {
  expect(findWrongImports(src)).toEqual([]);
});

test('no import cycles', () => {
  expect(findCycles(src)).toEqual([]);
});

test('no default exports and no barrels', () => {
  expect(findWrongExports(src)).toEqual([]);
});

test('file names are kebab-case nouns', () => {
  expect(findWrongNames(src)).toEqual([]);
});

test('every room has a door that says what it is', () => {
  expect(findWrongDoors(src)).toEqual([]);
});

test.each([
  ['an import upward', "import { x } from '../pipeline/pipeline.ts';", 'src/dns/a.ts:1 imports pipeline'],
  ['a type-only import upward', "import type { X } from '../dns/dns.ts';", 'imports dns: base may not'],
  ['an import() type upward', "export type X = import('../dns/dns.ts').X;", 'imports dns: base may not'],
  ['a dynamic import upward', "export const x = () => import('../dns/dns.ts');", 'imports dns: base may not'],
  ['a re-export upward', "export { x } from '../dns/dns.ts';", 'imports dns: base may not'],
  ['an import past a door', "import { x } from '../base/clock.ts';", 'passes the door of base'],
  ['an import of app', "import { x } from '../app/app.ts';", 'imports app: server may not'],
  ['an import of a room in a room', "import { x } from '../lists/keeping/keeping.ts';", 'dns may not'],
  ['an import past its door', "import { x } from '../lists/keeping/review.ts';", 'imports lists/keeping'],
  ['an import from outside src', "import { x } from '../../test/support/process.ts';", 'which is in no room'],
])('findWrongImports() catches %s', (_name, text, finding) => {
  const room = finding.includes('server') ? 'server' : finding.includes('base may') ? 'base' : 'dns';
  expect(findWrongImports(plant({ [`src/${room}/a.ts`]: text }))).toEqual([expect.stringContaining(finding)]);
});

test.each([
  ['admin', 'probe'],
  ['config', 'exemptions'],
  ['exemptions', 'report'],
  ['exemptions', 'probe'],
  ['generation', 'lists/keeping'],
  ['generation', 'app'],
  ['lists', 'lists/keeping'],
  ['lists/keeping', 'admin'],
  ['observe', 'pipeline'],
  ['pipeline', 'resolve'],
  ['probe', 'exemptions'],
  ['records', 'records/thread'],
  ['records/thread', 'app'],
  ['report', 'probe'],
  ['resolve', 'app'],
  ['resolve', 'server'],
  ['upstream', 'resolve'],
  ['words', 'base'],
  ['yaml', 'base'],
])('findWrongImports() catches %s that imports %s', (room, other) => {
  const specifier = posix.relative(`src/${room}`, doorOf(other));
  const path = specifier.startsWith('.') ? specifier : `./${specifier}`;
  expect(findWrongImports(plant({ [`src/${room}/a.ts`]: `import { x } from '${path}';` }))).toEqual([
    `src/${room}/a.ts:1 imports ${other}: ${room} may not`,
  ]);
});

test('findWrongImports() accepts an import through the door below and files of the same room', () => {
  const text = "import { x } from '../base/base.ts'; import { y } from './b.ts'; import 'node:fs';";
  expect(findWrongImports(plant({ 'src/dns/a.ts': text }))).toEqual([]);
});

test('findCycles() catches a cycle of three files, type-only imports included', () => {
  const sources = plant({
    'src/dns/a.ts': "import { b } from './b.ts';",
    'src/dns/b.ts': "import type { C } from './c.ts';",
    'src/dns/c.ts': "export { a } from './a.ts';",
  });
  expect(findCycles(sources)).toEqual(['src/dns/a.ts → src/dns/b.ts → src/dns/c.ts → src/dns/a.ts']);
});

test.each([
  'export default 1;',
  'export default function f() {}',
  'const a = 1; export { a as default };',
  "export * from './b.ts';",
  "export * as b from './b.ts';",
])('findWrongExports() catches %s', (text) => {
  expect(findWrongExports(plant({ 'src/dns/a.ts': text }))).toHaveLength(1);
});

test.each([
  'src/dns/dnsName.ts',
  'src/dns/string-utils.ts',
  'src/helpers/a.ts',
  'src/lists/list-manager.ts',
  'src/dns/name.test.ts',
])('findWrongNames() catches %s', (path) => {
  expect(findWrongNames(plant({ [path]: '' }))).toEqual([path]);
});

test.each([
  ['a room in a room without a door', { 'src/lists/keeping/review.ts': '' }, 'lists/keeping has no door'],
  ['a room without a door', { 'src/dns/name.ts': '' }, 'dns has no door'],
  ['a door with two lines', { 'src/dns/dns.ts': '// dns: the wire.\n//\n' }, 'less than 3 lines'],
  ['a room that is not in the table', { 'src/shared/shared.ts': '' }, 'not a room'],
  ['a file outside the rooms', { 'src/index.ts': '' }, 'not a room'],
])('findWrongDoors() catches %s', (_name, files, finding) => {
  expect(findWrongDoors(plant(files))).toEqual([expect.stringContaining(finding)]);
});
