// Texts: what no file may say, and error codes that are documented exactly as they are used.
//
// Paths of a developer's machine end in someone's container; a TODO without an issue is forgotten; console calls pass
// the log by. docs/errors.md is written by hand, and this test tells which rows it lacks or has too many.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { parseSource, placeOf, plant, readSources, root, type Sources, walk } from './sources.ts';

const TEXT_EXTENSIONS = [
  '',
  '.ts',
  '.mjs',
  '.js',
  '.json',
  '.md',
  '.yaml',
  '.yml',
  '.sh',
  '.txt',
  '.service',
];
const MACHINE_PATH =
  /(?<![\w./-])\/(?:home|Users|work)\/|(?<![\w./-])\/root\/(?!cordon-fleet-safe\.pem)|\b[A-Z]:\\Users\\/;
const OPEN_TASK = /\b(?:TODO|FIXME)\b(?!\(#(?:\d+|n)\))/;
/** Where standard output is the interface. */
const CONSOLE_ALLOWED = /^src\/(?:commands\/|launch\.mjs$)/;
const ERROR_CODE = /^ERR_[A-Z][A-Z0-9]*_[A-Z0-9_]+$/;
/** Codes of Node.js and OpenSSL that our code compares with. */
const FOREIGN_CODE =
  /^ERR_(?:BUFFER|HTTP2|INVALID|OSSL|SERVER_(?:ALREADY_LISTEN|NOT_RUNNING)|SOCKET|SQLITE|SSL|STREAM|TLS)/;
const ERROR_ROW = /^\| `(ERR_[A-Z0-9_]+)` \|/gm;
const ERRORS_FILE = 'docs/errors.md';

/** Lines that match a pattern. */
const findLines = (sources: Sources, pattern: RegExp): string[] => {
  const findings: string[] = [];
  for (const [path, text] of sources)
    for (const [index, line] of text.split('\n').entries())
      if (pattern.test(line)) findings.push(`${path}:${index + 1} ${line.trim().slice(0, 120)}`);
  return findings;
};

/** Uses of `console` where the log or standard output of a command is meant. */
const findConsole = (sources: Sources): string[] => {
  const findings: string[] = [];
  for (const [path, text] of sources) {
    if (CONSOLE_ALLOWED.test(path)) continue;
    walk(parseSource(path, text), (node) => {
      if (ts.isPropertyAccessExpression(node) && node.expression.getText() === 'console')
        findings.push(placeOf(node));
    });
  }
  return findings;
};

/** Our error codes that the code states, as a text or as a key; comments do not count. */
const errorCodesOf = (sources: Sources): Set<string> => {
  const codes = new Set<string>();
  for (const [path, text] of sources)
    walk(parseSource(path, text), (node) => {
      if (!ts.isStringLiteralLike(node) && !ts.isIdentifier(node)) return;
      if (ERROR_CODE.test(node.text) && !FOREIGN_CODE.test(node.text)) codes.add(node.text);
    });
  return codes;
};

/** Codes without a row, rows without a code, and codes with two rows. */
const findErrorDifferences = (sources: Sources, document: string): string[] => {
  const codes = errorCodesOf(sources);
  const rows = [...document.matchAll(ERROR_ROW)].map((match) => match[1] ?? '');
  return [
    ...[...codes].filter((code) => !rows.includes(code)).map((code) => `${code} has no row`),
    ...rows.filter((row) => !codes.has(row)).map((row) => `${row} is not used`),
    ...rows.filter((row, index) => rows.indexOf(row) !== index).map((row) => `${row} has two rows`),
  ];
};

const src = readSources('src', ['.ts']);
const texts = readSources('.', TEXT_EXTENSIONS);

test('no file names a path of a developer machine', () => {
  expect(texts.size).toBeGreaterThan(src.size);
  expect(findLines(texts, MACHINE_PATH)).toEqual([]);
});

test('every open task names its issue', () => {
  const others = new Map([...texts].filter(([path]) => path !== 'test/tidy/texts.test.ts'));
  expect(findLines(others, OPEN_TASK)).toEqual([]);
});

test('nothing below the command writes to the console', () => {
  expect(findConsole(src)).toEqual([]);
});

test(`${ERRORS_FILE} lists the error codes of src`, () => {
  expect(findErrorDifferences(src, readFileSync(join(root, ERRORS_FILE), 'utf8'))).toEqual([]);
});

/** Breaches are put together here, so that this file does not contain them. */
const below = (...parts: string[]): string => ['', ...parts].join('/');

test.each([
  below('home', 'ann', 'cordon'),
  `"${below('Users', 'ann', 'cordon')}"`,
  `see ${below('root', 'x')}`,
  `C:${['', 'Users', 'ann'].join('\\')}`,
])('MACHINE_PATH catches %s', (line) => {
  expect(findLines(plant({ 'docs/a.md': `fine\n${line}` }), MACHINE_PATH)).toHaveLength(1);
});

test.each(['https://example.com/work/x', '../root/x', '/var/lib/cordon', 'src/work/a.ts'])(
  'MACHINE_PATH accepts %s',
  (line) => {
    expect(findLines(plant({ 'docs/a.md': line }), MACHINE_PATH)).toEqual([]);
  },
);

test('OPEN_TASK catches a task without an issue and accepts one with it', () => {
  expect(findLines(plant({ 'src/a.ts': '// TODO: later\n// TODO(ann)\n// FIXME' }), OPEN_TASK)).toHaveLength(
    3,
  );
  expect(findLines(plant({ 'src/a.ts': '// TODO(#12): later\n// `TODO(#n)` only' }), OPEN_TASK)).toEqual([]);
});

test('findConsole() catches a call outside the command and leaves comments and the command alone', () => {
  const sources = plant({
    'src/wire/dns/a.ts': '// console.log\nconsole.error(1);',
    'src/commands/query.ts': 'console.log(1);',
  });
  expect(findConsole(sources)).toEqual(['src/wire/dns/a.ts:2']);
});

test('findErrorDifferences() catches a missing row, a stale row and a doubled row', () => {
  const sources = plant({
    'src/policy/lists/a.ts':
      "const MEANINGS = { ERR_LIST_KEY: 'a' };\nthrow new AppError('ERR_LIST_SHRANK', 'x');\ntype Code = 'ERR_LIST_EMPTY'; // ERR_LIST_COMMENT",
    'src/resolver/upstream/a.ts': "if (code === 'ERR_SOCKET_BAD_PORT') f();",
  });
  const document = '| `ERR_LIST_SHRANK` | a |\n| `ERR_LIST_SHRANK` | b |\n| `ERR_LIST_GONE` | c |\n';
  expect(findErrorDifferences(sources, document)).toEqual([
    'ERR_LIST_KEY has no row',
    'ERR_LIST_EMPTY has no row',
    'ERR_LIST_GONE is not used',
    'ERR_LIST_SHRANK has two rows',
  ]);
});
