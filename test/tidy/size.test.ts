// Sizes of what people read: files of one idea, and classes that one can hold in the head.
//
// A number does not make a file good. But each file that grew beyond this one was two ideas, and each class with more
// fields knew things that belonged to different moments of a query.
import ts from 'typescript';
import { expect, test } from 'vitest';
import { parseSource, plant, readSources, type Sources, walk } from './sources.ts';

const FILE_LINES_MAX = 450;
const MEDIAN_LINES_MAX = 130;
const FIELDS_MAX = 15;

/** Tables of data: one entry after another, each of which is read by itself. Each says why it is one. */
const TABLES: Readonly<Record<string, string>> = {
  'src/telemetry/observe/counters.ts':
    'where each counter lies in shared memory, and the call that counts it',
  'src/telemetry/observe/metrics.ts': 'the metrics in their order, from which their reference is written',
  'src/base/words/health-issues.ts': 'everything that can be wrong, one entry each',
  'src/evidence/report/texts/fr.ts': 'the texts of reports in French, whose lines are the longest',
  'pages/api/shapes.ts': 'written from docs/openapi.yaml',
  'pages/text/en.ts': 'every text of the pages, one a line',
  'pages/text/fr.ts': 'the same in French',
  'pages/text/nl.ts': 'the same in Dutch',
  'pages/text/de.ts': 'the same in German',
};

/** Imports do not count: a room that is further away makes them longer. */
const linesOf = (text: string): number => text.replace(/^import [^;]*;\n/gm, '').split('\n').length - 1;

/** Files that are too long, and tables that no longer are or that are gone. */
const findLongFiles = (sources: Sources, tables: Readonly<Record<string, string>>): string[] => {
  const findings: string[] = [];
  for (const [path, text] of sources) {
    const lines = linesOf(text);
    if (lines > FILE_LINES_MAX && tables[path] === undefined)
      findings.push(`${path} has ${lines} lines of at most ${FILE_LINES_MAX}`);
  }
  for (const path of Object.keys(tables)) {
    const text = sources.get(path);
    if (text === undefined || linesOf(text) <= FILE_LINES_MAX)
      findings.push(`${path} needs no place among the tables`);
  }
  return findings;
};

const medianLines = (sources: Sources): number => {
  const lines = [...sources.values()].map(linesOf).sort((a, b) => a - b);
  return lines[Math.floor(lines.length / 2)] ?? 0;
};

/** Classes with too many fields. */
const findWideClasses = (sources: Sources): string[] => {
  const findings: string[] = [];
  for (const [path, text] of sources) {
    walk(parseSource(path, text), (node) => {
      if (!ts.isClassLike(node)) return;
      const fields = node.members.filter(ts.isPropertyDeclaration).length;
      if (fields > FIELDS_MAX)
        findings.push(`${path} ${node.name?.text ?? ''} has ${fields} fields of at most ${FIELDS_MAX}`);
    });
  }
  return findings;
};

const src = readSources('src', ['.ts']);
const pages = readSources('pages', ['.ts', '.tsx']);

test('no file of src or of the pages is long but tables of data', () => {
  expect(findLongFiles(new Map([...src, ...pages]), TABLES)).toEqual([]);
});

test('half of the files of src are short', () => {
  expect(medianLines(src)).toBeLessThanOrEqual(MEDIAN_LINES_MAX);
});

test('no class of src or of the pages has many fields', () => {
  expect(findWideClasses(new Map([...src, ...pages]))).toEqual([]);
});

const textOf = (lines: number): string => 'x\n'.repeat(lines);

test.each([
  ['a long file', { 'src/wire/dns/a.ts': textOf(451) }, {}, 'src/wire/dns/a.ts has 451 lines'],
  [
    'a table that is short',
    { 'src/wire/dns/a.ts': textOf(450) },
    { 'src/wire/dns/a.ts': 'why' },
    'needs no place',
  ],
  ['a table that is gone', {}, { 'src/wire/dns/a.ts': 'why' }, 'needs no place'],
])('findLongFiles() catches %s', (_name, files, tables, finding) => {
  expect(findLongFiles(plant(files), tables)).toEqual([expect.stringContaining(finding)]);
});

test('findLongFiles() accepts 450 lines and a long table', () => {
  const files = { 'src/wire/dns/a.ts': textOf(450), 'src/wire/dns/b.ts': textOf(900) };
  expect(findLongFiles(plant(files), { 'src/wire/dns/b.ts': 'why' })).toEqual([]);
});

test('medianLines() is the length of the file in the middle', () => {
  expect(medianLines(plant({ a: textOf(1), b: textOf(300), c: textOf(131) }))).toBe(131);
});

const classOf = (fields: number): string =>
  `class A {\n${Array.from({ length: fields }, (_, i) => `  ${i % 2 === 0 ? '#' : ''}f${i} = 0;`).join('\n')}\n  get g() { return 1; }\n}`;

test('findWideClasses() catches a class with 16 fields', () => {
  expect(findWideClasses(plant({ 'src/wire/dns/a.ts': classOf(16) }))).toEqual([
    expect.stringContaining('src/wire/dns/a.ts A has 16 fields'),
  ]);
});

test('findWideClasses() catches a class without a name', () => {
  const text = `export const A = ${classOf(16).replace('class A', 'class')};`;
  expect(findWideClasses(plant({ 'src/wire/dns/a.ts': text }))).toHaveLength(1);
});

test('findWideClasses() accepts 15 fields', () => {
  const files = { 'src/wire/dns/a.ts': classOf(15), 'src/wire/dns/c.ts': 'class A {}' };
  expect(findWideClasses(plant(files))).toEqual([]);
});
