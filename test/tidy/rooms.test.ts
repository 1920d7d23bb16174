// Folders, rooms and doors: the eleven folders of src/ import each other one way, rooms within a folder as the second table
// says, and every room only through the file named after it.
//
// The tables below are the architecture. A change of them is a change of the design and belongs in ARCHITECTURE.md too.
// Type-only imports count: a type that points upward is the beginning of a knot.
import { readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
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
  root,
  type Sources,
} from './sources.ts';

/** What each folder may import. Not in it: `config`, which rooms name one by one, because most get their settings passed in. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  commands: [
    ...['host', 'people', 'fleet', 'evidence', 'resolver', 'policy', 'telemetry', 'config', 'wire', 'base'],
  ],
  host: ['people', 'fleet', 'evidence', 'resolver', 'policy', 'telemetry', 'config', 'wire', 'base'],
  people: ['fleet', 'evidence', 'resolver', 'policy', 'telemetry', 'wire', 'base'],
  fleet: ['evidence', 'wire', 'base'],
  evidence: ['resolver', 'policy', 'telemetry', 'wire', 'base'],
  resolver: ['policy', 'telemetry', 'wire', 'base'],
  policy: ['telemetry', 'wire', 'base'],
  telemetry: ['wire', 'base'],
  config: ['wire', 'base'],
  wire: ['base'],
  base: [],
};

/** What each room may import within its folder, and `config` where it reads that itself. A folder may be a room as well. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  commands: [],

  'host/app': [],

  'people/controls': ['people/admin', 'people/health', 'config'],
  'people/configuration': ['people/admin', 'config'],
  'people/health': ['config'],
  'people/room': ['people/admin'],
  'people/notice': ['config'],
  'people/admin': [],

  fleet: [],

  'evidence/outbox': ['evidence/report', 'evidence/exemptions', 'config'],
  'evidence/report': ['evidence/exemptions', 'evidence/records'],
  'evidence/probe': ['evidence/records', 'config'],
  'evidence/exemptions': ['evidence/records', 'config'],
  'evidence/recording': ['evidence/records-thread', 'evidence/query-log', 'evidence/records', 'config'],
  'evidence/dnstap': ['evidence/probe', 'evidence/records'],
  'evidence/records-thread': ['evidence/records'],
  'evidence/query-log': ['evidence/records'],
  'evidence/impact': ['evidence/records', 'config'],
  'evidence/records': [],

  'resolver/inquiry': [
    ...['resolver/workers', 'resolver/hosts', 'resolver/explain', 'resolver/resolve', 'resolver/pipeline'],
    ...['resolver/upstream', 'resolver/cache', 'config'],
  ],
  'resolver/hosts': [
    ...['resolver/workers', 'resolver/resolve', 'resolver/pipeline', 'resolver/upstream', 'config'],
  ],
  'resolver/workers': [
    ...['resolver/server', 'resolver/explain', 'resolver/resolve', 'resolver/pipeline', 'resolver/upstream'],
    ...['resolver/cache', 'resolver/local', 'resolver/discovery', 'config'],
  ],
  'resolver/certificates': ['config'],
  'resolver/explain': ['resolver/pipeline', 'resolver/cache'],
  'resolver/resolve': [
    ...['resolver/pipeline', 'resolver/upstream', 'resolver/dnssec', 'resolver/local', 'config'],
  ],
  'resolver/server': ['resolver/pipeline', 'resolver/cache'],
  'resolver/pipeline': ['resolver/cache', 'resolver/local'],
  'resolver/upstream': [],
  'resolver/dnssec': [],
  'resolver/cache': [],
  'resolver/local': [],
  'resolver/discovery': [],

  'policy/keeping': ['policy/generation', 'policy/feeds', 'policy/lists', 'policy', 'config'],
  'policy/generation': ['policy/lists', 'policy', 'policy/access', 'config'],
  'policy/feeds': ['policy/lists', 'config'],
  'policy/imports': ['policy/lists'],
  'policy/leases': ['policy/access', 'config'],
  'policy/lists': ['policy'],
  'policy/access': [],
  policy: [],

  'telemetry/observe': ['telemetry/enforcement'],
  'telemetry/enforcement': [],
  'telemetry/events': [],

  config: [],

  'wire/stub': ['wire/dns'],
  'wire/quic': ['wire/datagram'],
  'wire/dns': [],
  'wire/datagram': [],
  'wire/http2': [],
  'wire/tls': [],
  'wire/acme': [],
  'wire/transparency': [],

  'base/words': [],
  'base/yaml': [],
  'base/http': [],
  base: [],
};

/** The entry of the program stands beside the folders, where scripts, units and packages name it; it is the door of the command. */
const ENTRY = 'src/main.ts';
const ENTRY_ROOM = 'commands';
const DOOR_COMMENT_LINES_MIN = 3;
const VAGUE_WORDS = new Set(['util', 'utils', 'helper', 'helpers', 'manager', 'common', 'misc']);
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** The folder of a folder, where that is a room of the table, or the folder itself. */
const roomOf = (path: string): string | undefined => {
  if (path === ENTRY) return ENTRY_ROOM;
  const [, outer, inner] = /^src\/([^/]+)\/(?:([^/]+)\/)?/.exec(path) ?? [];
  const nested = `${outer}/${inner}`;
  return ROOMS[nested] === undefined ? outer : nested;
};
const folderOf = (room: string): string => room.split('/')[0] ?? '';
const doorOf = (room: string): string =>
  room === ENTRY_ROOM ? ENTRY : `src/${room}/${posix.basename(room)}.ts`;

const mayImport = (room: string, other: string): boolean =>
  ROOMS[room]?.includes(other) === true ||
  (folderOf(room) !== folderOf(other) && FOLDERS[folderOf(room)]?.includes(folderOf(other)) === true);

/** Imports that go against the tables, past a door, or out of src. */
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
      else if (!mayImport(room, other)) findings.push(`${placeOf(node)} imports ${other}: ${room} may not`);
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

/** Default exports and `export *`, which are statements of the file itself. */
const findWrongExports = (sources: Sources): string[] => {
  const findings: string[] = [];
  for (const [path, text] of sources) {
    for (const node of parseSource(path, text).statements) {
      if (isDefaultExport(node)) findings.push(`${placeOf(node)} exports a default`);
      if (ts.isExportDeclaration(node) && (node.exportClause === undefined || isNamespaceExport(node)))
        findings.push(`${placeOf(node)} exports * instead of names`);
    }
  }
  return findings;
};

const isDefaultExport = (node: ts.Statement): boolean =>
  ts.isExportAssignment(node) ||
  (ts.isExportDeclaration(node) &&
    node.exportClause !== undefined &&
    ts.isNamedExports(node.exportClause) &&
    node.exportClause.elements.some(({ name }) => name.text === 'default')) ||
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

test('the tables have no cycle', () => {
  const tableAsFiles = new Map<string, string>();
  for (const room of Object.keys(ROOMS)) {
    const imports = Object.keys(ROOMS)
      .filter((other) => other !== room && mayImport(room, other))
      .map((other) => `import {} from '${posix.relative(posix.dirname(doorOf(room)), doorOf(other))}';`);
    tableAsFiles.set(doorOf(room), imports.join('\n'));
  }
  expect(findCycles(tableAsFiles)).toEqual([]);
});

test('there are eleven folders, each with a room, and what is in a folder is named once', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((one) => one.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual(Object.keys(FOLDERS).sort());
  expect(new Set(Object.keys(ROOMS).map(folderOf))).toEqual(new Set(Object.keys(FOLDERS)));
  // test/unit has one folder a room, by the room's own name.
  const names = Object.keys(ROOMS).map((room) => posix.basename(room));
  expect(new Set(names).size).toBe(names.length);
  const tested = readdirSync(join(root, 'test/unit')).filter((name) => name !== 'pages');
  expect(tested.filter((name) => !names.includes(name))).toEqual([]);
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
  [
    'an import upward',
    "import { x } from '../../resolver/pipeline/pipeline.ts';",
    'a.ts:1 imports resolver/pipeline',
  ],
  ['a type-only import upward', "import type { X } from '../wire/dns/dns.ts';", 'wire/dns: base may not'],
  ['an import() type upward', "export type X = import('../wire/dns/dns.ts').X;", 'wire/dns: base may not'],
  ['a dynamic import upward', "export const x = () => import('../wire/dns/dns.ts');", 'dns: base may not'],
  ['a re-export upward', "export { x } from '../wire/dns/dns.ts';", 'wire/dns: base may not'],
  ['an import past a door', "import { x } from '../../base/clock.ts';", 'passes the door of base'],
  ['an import of host', "import { x } from '../../host/app/app.ts';", 'imports host/app: wire/dns may not'],
  ['an import of the entry', "import { x } from '../../main.ts';", 'imports commands: wire/dns may not'],
  ['an import of a room beside it', "import { x } from '../quic/quic.ts';", 'quic: wire/dns may not'],
  ['an import of its own folder', "import { x } from '../wire.ts';", 'imports wire: wire/dns may not'],
  [
    'an import from outside src',
    "import { x } from '../../../test/support/process.ts';",
    'which is in no room',
  ],
])('findWrongImports() catches %s', (_name, text, finding) => {
  const room = finding.includes('base may') ? 'base' : 'wire/dns';
  expect(findWrongImports(plant({ [`src/${room}/a.ts`]: text }))).toEqual([expect.stringContaining(finding)]);
});

/** A file of `room` that imports the door of `other`. */
const importing = (room: string, other: string): Sources => {
  const specifier = posix.relative(`src/${room}`, doorOf(other));
  const path = specifier.startsWith('.') ? specifier : `./${specifier}`;
  return plant({ [`src/${room}/a.ts`]: `import { x } from '${path}';` });
};

test('findWrongImports() catches each import between folders that no line allows', () => {
  let count = 0;
  for (const room of Object.keys(ROOMS))
    for (const other of Object.keys(ROOMS)) {
      const isAllowed = FOLDERS[folderOf(room)]?.includes(folderOf(other)) === true;
      const isNamed = other === 'config' && ROOMS[room]?.includes(other) === true;
      if (folderOf(room) === folderOf(other)) continue;
      if (!isAllowed && !isNamed) count++;
      expect(findWrongImports(importing(room, other))).toEqual(
        isAllowed || isNamed ? [] : [`src/${room}/a.ts:1 imports ${other}: ${room} may not`],
      );
    }
  expect(count).toBeGreaterThan(500);
});

test.each([
  ['evidence/exemptions', 'evidence/report'],
  ['evidence/exemptions', 'evidence/probe'],
  ['evidence/probe', 'evidence/exemptions'],
  ['evidence/records', 'evidence/records-thread'],
  ['evidence/records', 'config'],
  ['evidence/report', 'evidence/probe'],
  ['evidence/report', 'evidence/outbox'],
  ['people/admin', 'people/controls'],
  ['people/room', 'config'],
  ['policy', 'policy/lists'],
  ['policy', 'config'],
  ['policy/generation', 'policy/keeping'],
  ['policy/lists', 'policy/keeping'],
  ['policy/lists', 'config'],
  ['resolver/pipeline', 'config'],
  ['resolver/pipeline', 'resolver/resolve'],
  ['resolver/resolve', 'resolver/server'],
  ['resolver/resolve', 'resolver/workers'],
  ['resolver/upstream', 'resolver/resolve'],
  ['resolver/upstream', 'config'],
  ['telemetry/observe', 'config'],
  ['base/words', 'base'],
  ['base/yaml', 'base'],
  ['base/http', 'base'],
])('findWrongImports() catches %s that imports %s', (room, other) => {
  expect(findWrongImports(importing(room, other))).toEqual([
    `src/${room}/a.ts:1 imports ${other}: ${room} may not`,
  ]);
});

test('findWrongImports() accepts an import through the door below and files of the same room', () => {
  const text = "import { x } from '../../base/base.ts'; import { y } from './b.ts'; import 'node:fs';";
  expect(findWrongImports(plant({ 'src/wire/dns/a.ts': text }))).toEqual([]);
});

test('findCycles() catches a cycle of three files, type-only imports included', () => {
  const sources = plant({
    'src/wire/dns/a.ts': "import { b } from './b.ts';",
    'src/wire/dns/b.ts': "import type { C } from './c.ts';",
    'src/wire/dns/c.ts': "export { a } from './a.ts';",
  });
  expect(findCycles(sources)).toEqual([
    'src/wire/dns/a.ts → src/wire/dns/b.ts → src/wire/dns/c.ts → src/wire/dns/a.ts',
  ]);
});

test.each([
  'export default 1;',
  'export default function f() {}',
  'const a = 1; export { a as default };',
  "export * from './b.ts';",
  "export * as b from './b.ts';",
])('findWrongExports() catches %s', (text) => {
  expect(findWrongExports(plant({ 'src/wire/dns/a.ts': text }))).toHaveLength(1);
});

test.each([
  'src/wire/dns/dnsName.ts',
  'src/wire/dns/string-utils.ts',
  'src/helpers/a.ts',
  'src/policy/lists/list-manager.ts',
  'src/wire/dns/name.test.ts',
])('findWrongNames() catches %s', (path) => {
  expect(findWrongNames(plant({ [path]: '' }))).toEqual([path]);
});

test.each([
  ['a room without a door', { 'src/wire/dns/name.ts': '' }, 'wire/dns has no door'],
  ['a folder that is a room, without a door', { 'src/policy/table.ts': '' }, 'policy has no door'],
  ['a door with two lines', { 'src/wire/dns/dns.ts': '// dns: the wire.\n//\n' }, 'less than 3 lines'],
  ['an entry with two lines', { 'src/main.ts': '// The entry.\n//\n' }, 'less than 3 lines'],
  ['a room that is not in the table', { 'src/wire/smtp/smtp.ts': '' }, 'not a room'],
  ['a folder that is not in the table', { 'src/shared/shared.ts': '' }, 'not a room'],
  ['a file outside the rooms', { 'src/index.ts': '' }, 'not a room'],
  ['a file in a folder that is no room', { 'src/wire/wire.ts': '' }, 'not a room'],
])('findWrongDoors() catches %s', (_name, files, finding) => {
  expect(findWrongDoors(plant(files))).toEqual([expect.stringContaining(finding)]);
});
