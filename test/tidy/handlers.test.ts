// Every handler of messages of the fleet is registered by the one wrapper that nothing gets out of (src/fleet/handler.ts).
//
// The engine's library calls what it is given as `callback`, and nothing catches for it: one that throws ends the program with
// its DNS. So only nats-bus.ts speaks to the library, and each of its callbacks is made by #guard(). That no promise is left to
// itself in the room is the linter's part (.oxlintrc.json).
import ts from 'typescript';
import { expect, test } from 'vitest';
import { parseSource, placeOf, plant, readSources, type Sources, walk } from './sources.ts';

const BUS = 'src/fleet/nats-bus.ts';
/** The packages whose connections call back. */
const LIBRARIES = new Set(['@nats-io/transport-node', '@nats-io/jetstream']);
/** For who asks one question on a connection of its own, and never takes what it did not ask for. */
const ASKING = new Set(['src/fleet/engine-connection.ts', 'src/fleet/stream-copies.ts']);

const unguarded = (sources: Sources): string[] => {
  const found: string[] = [];
  for (const [path, text] of sources) {
    const file = parseSource(path, text);
    walk(file, (node) => {
      if (ts.isPropertyAssignment(node) && node.name.getText() === 'callback') {
        const isGuarded =
          path === BUS &&
          ts.isCallExpression(node.initializer) &&
          node.initializer.expression.getText() === 'this.#guard';
        if (!isGuarded) found.push(`${placeOf(node)} a callback that is not made by #guard()`);
      }
      if (ts.isMethodDeclaration(node) && node.name.getText() === 'callback')
        found.push(`${placeOf(node)} a callback that is not made by #guard()`);
      if (ts.isShorthandPropertyAssignment(node) && node.name.getText() === 'callback')
        found.push(`${placeOf(node)} a callback that is not made by #guard()`);
      if (
        ts.isImportDeclaration(node) &&
        ts.isStringLiteral(node.moduleSpecifier) &&
        LIBRARIES.has(node.moduleSpecifier.text) &&
        path !== BUS &&
        !ASKING.has(path)
      )
        found.push(`${placeOf(node)} speaks to the engine's library beside nats-bus.ts`);
      // A subscription without a callback is an iterator, whose errors end a loop that nobody watches.
      if (
        ts.isCallExpression(node) &&
        ts.isPropertyAccessExpression(node.expression) &&
        ['subscribe', 'consume'].includes(node.expression.name.text) &&
        /(?:connection|consumer)$/i.test(node.expression.expression.getText()) &&
        !node.arguments.some((one) => one.getText().includes('callback:'))
      )
        found.push(`${placeOf(node)} subscribes without a callback`);
    });
  }
  return found;
};

test('every handler of messages is registered by the wrapper', () => {
  const sources = readSources('src/fleet', ['.ts']);
  expect(sources.get(BUS)).toContain('callback: this.#guard(');
  expect(unguarded(sources)).toEqual([]);
});

test.each([
  [BUS, 'connection.subscribe(subject, { callback: (error, message) => take(message) });'],
  [BUS, 'connection.subscribe(subject, { async callback() {} });'],
  [BUS, 'this.#connection.subscribe(subject);'],
  ['src/fleet/other.ts', 'engine.subscribe(subject, { callback: this.#guard(x) });'],
  ['src/fleet/other.ts', "import { connect } from '@nats-io/transport-node';"],
])('a planted breach in %s is found: %s', (path, text) => {
  expect(unguarded(plant({ [path]: text }))).not.toEqual([]);
});
