// Hot files: code that runs per query says "Hot file" in its head comment and keeps to plain loops over numbers.
//
// Refused there is what allocates or suspends unseen: async code, spread, array callbacks, regular expressions,
// JSON, and closures made inside a loop. Exempt are functions that prepare, `build…` and `compile…`, and those whose
// docstring has the tag `@cold`: what runs once per socket, table or change and would not make a file of its own. Words
// exempt nothing, and src/resolver/pipeline has no cold code in a hot file. Tables at the top of a file are built once, when it
// loads; a regular expression there is refused all the same, because only functions can use it.
import ts from 'typescript';
import { expect, test } from 'vitest';
import { headComment, parseSource, placeOf, plant, readSources, type Sources } from './sources.ts';

const EXEMPT_NAME = /^(?:build|compile)(?![a-z])/;
const EXEMPT_DOC = /(?<=\s)@cold\b/;
const ARRAY_CALLBACKS = new Set(['map', 'filter', 'forEach', 'reduce', 'flatMap']);

const isHot = (text: string): boolean => headComment(text).join(' ').includes('Hot file');

/** The node whose docstring and name speak for a function: a method, a declaration, or the statement of a constant. */
const declarationOf = (node: ts.Node): ts.Node | undefined => {
  if (!ts.isFunctionLike(node)) return undefined;
  return ts.isVariableDeclaration(node.parent) ? node.parent : node;
};

const isExempt = (node: ts.Node): boolean => {
  const declaration = declarationOf(node);
  if (declaration === undefined) return false;
  const name = ts.getNameOfDeclaration(declaration as ts.Declaration)?.getText() ?? '';
  const docs = ts.getJSDocCommentsAndTags(declaration).map((doc) => doc.getText());
  return EXEMPT_NAME.test(name) || docs.some((doc) => EXEMPT_DOC.test(doc));
};

/** Where a node stands. */
interface Place {
  readonly inFunction: boolean;
  readonly inLoop: boolean;
}

/** What is refused at a node, in words, or undefined. */
const refusalOf = (node: ts.Node, { inFunction, inLoop }: Place): string | undefined => {
  if (ts.isRegularExpressionLiteral(node)) return 'regular expression';
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (ts.isAwaitExpression(node)) return 'await';
  if (!inFunction) return undefined;
  if (ts.isSpreadElement(node) || ts.isSpreadAssignment(node)) return 'spread';
  if (ts.isParameter(node) && node.dotDotDotToken !== undefined) return 'rest parameter';
  if (ts.isPropertyAccessExpression(node) && node.expression.getText() === 'JSON') return 'JSON';
  if (inLoop && (ts.isArrowFunction(node) || ts.isFunctionExpression(node))) return 'closure in a loop';
  const isCallback =
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    ARRAY_CALLBACKS.has(node.expression.name.text);
  return isCallback ? `.${node.expression.name.text}()` : undefined;
};

/** What hot files do that they should not. */
const findHotBreaches = (sources: Sources): string[] => {
  const findings: string[] = [];
  const visit = (node: ts.Node, place: Place): void => {
    if (isExempt(node)) return;
    const refusal = refusalOf(node, place);
    if (refusal !== undefined) findings.push(`${placeOf(node)} ${refusal}`);
    const entersFunction = ts.isFunctionLike(node) && !ts.isCallExpression(node.parent);
    const inFunction = place.inFunction || entersFunction;
    const inLoop = ts.isIterationStatement(node, false) || (place.inLoop && !ts.isFunctionLike(node));
    ts.forEachChild(node, (child) => visit(child, { inFunction, inLoop }));
  };
  for (const [path, text] of sources)
    if (isHot(text)) visit(parseSource(path, text), { inFunction: false, inLoop: false });
  return findings;
};

const src = readSources('src', ['.ts']);

test('the files that run per query are marked', () => {
  const hot = [...src].filter(([, text]) => isHot(text)).map(([path]) => path);
  expect(hot).toEqual(
    expect.arrayContaining(['src/base/prefix-table.ts', 'src/wire/dns/message.ts', 'src/wire/dns/name.ts']),
  );
});

test('the way of a query has hot and cold apart', () => {
  const cold = [...src].filter(
    ([path, text]) => path.startsWith('src/resolver/pipeline/') && isHot(text) && EXEMPT_DOC.test(text),
  );
  expect(cold.map(([path]) => path)).toEqual([]);
});

test('hot files keep to plain loops', () => {
  expect(findHotBreaches(src)).toEqual([]);
});

const hotFile = (body: string) =>
  plant({ 'src/wire/dns/a.ts': `// Reads names. Hot file.\n//\n// Why.\n${body}\n` });

test.each([
  ['async', 'const f = async () => 1;'],
  ['await', 'await f();'],
  ['spread', 'const f = (a: number[]) => g(...a);'],
  ['spread', 'const f = (a: number[]) => [...a];'],
  ['spread', 'const f = (a: object) => ({ ...a });'],
  ['rest parameter', 'const f = (...a: number[]) => a;'],
  ['.map()', 'const f = (a: number[]) => a.map(g);'],
  ['.filter()', 'class A { f(a: number[]) { return a.filter(g); } }'],
  ['.forEach()', 'function f(a: number[]) { a.forEach(g); }'],
  ['.reduce()', 'const f = (a: number[]) => a.reduce(g);'],
  ['regular expression', 'const f = (a: string) => /x/.test(a);'],
  ['JSON', 'const f = (a: object) => JSON.stringify(a);'],
  ['closure in a loop', 'const f = () => { for (;;) g(() => 1); };'],
  ['closure in a loop', 'const f = () => { while (g()) { const h = function () {}; h(); } };'],
  ['regular expression', 'const PATTERN = /x/;'],
  ['rest parameter', 'class A { m(...a: number[]): void {} }'],
  ['.map()', 'const builder = (a: number[]) => a.map(g);'],
])('findHotBreaches() catches %s in %s', (refusal, body) => {
  expect(findHotBreaches(hotFile(body))).toEqual([`src/wire/dns/a.ts:4 ${refusal}`]);
});

test.each([
  'class A { static build(a: number[]) { return [...a].map(g); } }',
  'const compileRules = (a: number[]) => a.filter(g);',
  '/** The names as text. @cold */\nexport const f = (a: string) => /x/.exec(a);',
  '/**\n * Once per reload.\n * @cold\n */\nfunction f(a: number[]) { return a.map(g); }',
  'const f = (a: number[]) => { for (const x of a) g(x); };',
  'const ZONES = [...numbers(1, 3).map((n) => zone(n))];',
  '/** Opens. @cold */\nexport const f = async () => await g();',
])('findHotBreaches() accepts %s', (body) => {
  expect(findHotBreaches(hotFile(body))).toEqual([]);
});

test('words exempt nothing', () => {
  expect(
    findHotBreaches(hotFile('/** Once per reload. Allocates. */\nconst f = (a: number[]) => a.map(g);')),
  ).toEqual(['src/wire/dns/a.ts:5 .map()']);
});

test('findHotBreaches() leaves other files alone', () => {
  expect(
    findHotBreaches(plant({ 'src/wire/dns/a.ts': '// Reads.\nconst f = (a: number[]) => a.map(g);' })),
  ).toEqual([]);
});
