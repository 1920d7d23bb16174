// The order in which a query is decided stands in src/resolver/pipeline/order.ts and is told in ARCHITECTURE.md: the same stages,
// in the same order. And nothing on a query's way keeps more than can be read at once.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { parseSource, placeOf, plant, readSources, root, type Sources, walk } from './sources.ts';

const DOOR = 'src/resolver/pipeline/pipeline.ts';
const ORDER = 'src/resolver/pipeline/order.ts';
const FIELDS_MAX = 15;
const LINES_MAX = 450;

/** The stages that are called, in their order: `end = stage(context, …)`. */
const stagesCalled = (path: string, text: string): string[] => {
  const stages: string[] = [];
  walk(parseSource(path, text), (node) => {
    if (!ts.isCallExpression(node) || node.arguments[0]?.getText() !== 'context') return;
    const { parent } = node;
    const isKept =
      (ts.isVariableDeclaration(parent) && parent.name.getText() === 'end') ||
      (ts.isBinaryExpression(parent) && parent.left.getText() === 'end');
    if (isKept) stages.push(node.expression.getText());
  });
  return stages;
};

/** The door's calls, with those of the order in the place of the functions that stand there. */
const stagesOf = (sources: Sources): string[] => {
  const order = parseSource(ORDER, sources.get(ORDER) ?? '');
  const within = new Map<string, string[]>();
  for (const statement of order.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const [declaration] = statement.declarationList.declarations;
    within.set(declaration?.name.getText() ?? '', stagesCalled(ORDER, statement.getText()));
  }
  return stagesCalled(DOOR, sources.get(DOOR) ?? '').flatMap((stage) => within.get(stage) ?? [stage]);
};

/** The rows of the table of stages in the life of a query. */
const stagesTold = (text: string): string[] => {
  const life = text.slice(text.indexOf('## Life of a query'), text.indexOf('## Life of a change'));
  return [...life.matchAll(/^ *\| `([A-Za-z]+)` \|/gm)].map(([, stage]) => stage ?? '');
};

/** Classes that do something and keep too much; a class without methods is a record of data. */
const findLargeClasses = (sources: Sources): string[] => {
  const findings: string[] = [];
  for (const [path, text] of sources) {
    walk(parseSource(path, text), (node) => {
      if (!ts.isClassDeclaration(node) || !node.members.some(ts.isMethodDeclaration)) return;
      const count = node.members.filter(ts.isPropertyDeclaration).length;
      if (count > FIELDS_MAX) findings.push(`${placeOf(node)} ${node.name?.text ?? ''} has ${count} fields`);
    });
  }
  return findings;
};

const findLongFiles = (sources: Sources): string[] =>
  [...sources].filter(([, text]) => text.trimEnd().split('\n').length > LINES_MAX).map(([path]) => path);

const architecture = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
const pipeline = readSources('src/resolver/pipeline', ['.ts']);
const rooms: Sources = new Map([...pipeline, ...readSources('src/resolver/explain', ['.ts'])]);

test('ARCHITECTURE.md tells the stages in the order in which they decide', () => {
  expect(stagesTold(architecture)).toEqual(stagesOf(pipeline));
  expect(stagesOf(pipeline).length).toBeGreaterThan(8);
});

test('each stage says so where it stands', () => {
  const docs = [...pipeline.values()].join('\n');
  const unmarked = stagesOf(pipeline).filter(
    (stage) => !new RegExp(`/\\*\\* Stage: [^/]*\\*/\\s*export const ${stage} =`).test(docs),
  );
  expect(unmarked).toEqual([]);
});

test('stages that change places are found', () => {
  const swapped = (text: string, a: string, b: string): string =>
    text.replace(a, '?').replace(b, a).replace('?', b);
  const order = swapped(pipeline.get(ORDER) ?? '', 'requirePolicy(context', 'answerLocally(context');
  expect(stagesOf(new Map([...pipeline, [ORDER, order]]))).not.toEqual(stagesTold(architecture));
  const door = swapped(pipeline.get(DOOR) ?? '', 'decideQuestion(context', 'decideByCache(context');
  expect(stagesOf(new Map([...pipeline, [DOOR, door]]))).not.toEqual(stagesTold(architecture));
  expect(stagesTold(swapped(architecture, '| `admit`', '| `requireRd`'))).not.toEqual(stagesOf(pipeline));
});

test('no class of pipeline and explain has too many fields, and no file too many lines', () => {
  expect(findLargeClasses(rooms)).toEqual([]);
  expect(findLongFiles(rooms)).toEqual([]);
});

test('what is too large is found', () => {
  const fields = Array.from({ length: FIELDS_MAX + 1 }, (_, index) => `#f${index} = 0;`).join(' ');
  const path = 'src/resolver/pipeline/a.ts';
  expect(findLargeClasses(plant({ [path]: `class A { ${fields} f(): void {} }` }))).toEqual([
    `${path}:1 A has 16 fields`,
  ]);
  expect(findLargeClasses(plant({ [path]: `class A { ${fields} }` }))).toEqual([]);
  expect(findLongFiles(plant({ [path]: 'x;\n'.repeat(LINES_MAX + 1) }))).toEqual([path]);
});
