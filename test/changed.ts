// Which test files a change touches, for `npm run ok -- --changed`.
//
// What a test imports says it of the quick tests. Those that start the program all depend on all of src, so for them the
// room says it: a file whose imports or whose name has the room in it, what ROOMS adds, and SMOKE, which is a query, a
// command, a reload and an end of the program. What else a change breaks there, the whole gate finds.
import { posix } from 'node:path';

/** Files by their path from the checkout's root, with `/`. */
type Sources = ReadonlyMap<string, string>;

/** Tests that run programs, a command a dozen times or promtool. The others are the quick ones. */
export const PROGRAM_TESTS = [
  'test/{integration,conformance,golden}/**/*.test.ts',
  'test/unit/commands/**/*.test.ts',
  'test/unit/report/{command,recompute}.test.ts',
  'test/tidy/{deploy,deploy-generated}.test.ts',
];

/** Whatever of src changed. */
const SMOKE = ['integration/refusal', 'integration/resolve', 'integration/signals', 'unit/commands/main'];

/**
 * Beginnings of names in test/integration and test/conformance, for rooms that these do not name themselves. What is below
 * deploy/ is a room here, and so are the pages.
 */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  access: ['client-groups', 'encrypted-clients', 'identity.'],
  admin: ['control-room', 'cordon-health', 'operating', 'socket-users'],
  app: ['headlines', 'health-matrix', 'reload', 'state-directory'],
  cache: ['alias', 'dname', 'saved', 'whole-answers'],
  commands: ['operating', 'setup'],
  controls: ['exemptions', 'list-keeping', 'quarter'],
  config: ['reload', 'setup'],
  datagram: ['forged-sources', 'receive-buffer'],
  events: ['notice', 'outputs'],
  generation: ['list-keeping', 'reload'],
  grafana: ['dashboards'],
  health: ['cordon-health', 'headlines'],
  hosts: ['list-sources', 'upstreams'],
  inquiry: ['explain'],
  keeping: ['list-keeping'],
  observe: ['alarms', 'dashboards'],
  outbox: ['quarter'],
  package: ['image', 'install'],
  pages: ['fleet-page', 'letters'],
  pipeline: ['alias', 'edns', 'hostile', 'whole-answers'],
  policy: ['exemptions', 'list-traps', 'rpz.'],
  recording: ['headlines', 'health-matrix', 'outputs', 'state-directory'],
  records: ['witnesses'],
  report: ['enforcement', 'fleet-evidence', 'quarter', 'tamperings'],
  room: ['identity.', 'letters', 'pages'],
  server: ['listeners', 'proxy', 'rate-limit', 'tcp-places'],
  stub: ['probe'],
  tls: ['certificates', 'encrypted.'],
  transparency: ['tamperings', 'witnesses'],
  workers: ['few-descriptors', 'hang', 'reload', 'threads'],
  yaml: ['setup'],
};

/** So many files of tests import these that an import says nothing. */
const COMMON = new Set(['base', 'dns', 'records', 'report', 'words']);
/** What stands below test/support and touches more of the files that start programs is left to SMOKE and the gate. */
const TOUCHED_MAX = 20;
/** What may change every test. */
const GENERAL = new Set(['package.json', 'package-lock.json', 'tsconfig.json', 'vitest.config.ts']);
const IMPORT = /(?:\bfrom|\bimport\(?|\bnew URL\()\s*['"](\.{1,2}\/[^'"]+)['"]/g;
const TEST = /^test\/.*\.test\.ts$/;
const isWhole = (path: string): boolean => PROGRAM_TESTS.some((glob) => posix.matchesGlob(path, glob));

/** What a file imports, by paths from the root. */
const importsOf = (path: string, text: string): string[] =>
  [...text.matchAll(IMPORT)].map(([, to = '']) => posix.join(posix.dirname(path), to));

/** The files, and whatever imports them. */
const reached = (from: readonly string[], importers: ReadonlyMap<string, readonly string[]>): Set<string> => {
  const found = new Set(from);
  for (const path of found) for (const importer of importers.get(path) ?? []) found.add(importer);
  return found;
};

const roomOf = (path: string): string | undefined =>
  /^src\/(?:(?!commands\/|config\/|fleet\/)[^/]+\/(?=[^/]+\/))?([^/]+)\/|^deploy\/([^/]+)\/|^(pages|lists)\//
    .exec(path)
    ?.slice(1)
    .find(Boolean);

/** True when a test that starts the program is about a room. */
const isAbout = (room: string, path: string, imports: readonly string[]): boolean => {
  const name = posix.basename(path);
  const isNamed =
    new RegExp(`^${room.replace(/s$/, '')}s?[-.]`).test(name) ||
    ROOMS[room]?.some((word) => name.startsWith(word));
  return isNamed === true || (!COMMON.has(room) && imports.some((to) => roomOf(to) === room));
};

/** Test files that the changed files touch, in order. `sources` has the modules of src, test, pages, deploy and bench. */
export const touchedTests = (changed: readonly string[], sources: Sources): string[] => {
  const imports = new Map([...sources].map(([path, text]) => [path, importsOf(path, text)] as const));
  const importers = new Map<string, string[]>();
  for (const [path, targets] of imports)
    for (const to of targets) importers.set(to, [...(importers.get(to) ?? []), path]);
  const tests = [...sources.keys()].filter((path) => TEST.test(path));
  const isGeneral = changed.some((path) => GENERAL.has(path));
  const rooms = new Set(changed.map(roomOf).filter((room) => room !== undefined));
  const isProgram = isGeneral || changed.some((path) => /^(?:src|test\/support)\//.test(path));
  const touched = reached(changed, importers);
  const touchedWhole = new Set<string>();
  for (const path of changed) {
    // Not through src: all of it is reached by the program.
    if (path.startsWith('src/')) continue;
    const found = [...reached([path], importers)].filter((one) => TEST.test(one) && isWhole(one));
    if (found.length <= TOUCHED_MAX) for (const one of found) touchedWhole.add(one);
  }
  const others = changed.filter((path) => !sources.has(path));
  const isTouched = (path: string): boolean => {
    const text = sources.get(path) ?? '';
    // What is no module is named by the test that reads it, or the test is of its room.
    if (
      others.some((one) => text.includes(posix.basename(one)) || path.startsWith(`test/unit/${roomOf(one)}/`))
    )
      return true;
    if (!isWhole(path)) return isGeneral || path.startsWith('test/tidy/') || touched.has(path);
    if (path.startsWith('test/tidy/')) return changed.some((one) => one.startsWith('deploy/'));
    if (touchedWhole.has(path)) return true;
    if ([...rooms].some((room) => isAbout(room, path, imports.get(path) ?? []))) return true;
    return isProgram && SMOKE.some((name) => path === `test/${name}.test.ts`);
  };
  return tests.filter(isTouched).sort();
};
