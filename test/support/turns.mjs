// Loaded by --import: every `await` of the control room becomes a place where a test says who goes on.
//
// `await X` is read as `await turn(X)`. A hash costs next to nothing: what it costs is no part of what is explored. With
// TURNS_PLANT, a list of {"file", "from", "to"} as JSON, texts are other ones: a breach that the test has to find.
import { readFileSync, statSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { cheapPasswords } from './cheap-sources.ts';

/** Folders and files of src; one that is not there is an error, because nothing of it would be explored. */
const EXPLORED = [
  'people/room/',
  'people/admin/dispatch.ts',
  'people/configuration/configuration-control.ts',
  'people/controls/exemption-control.ts',
  'people/controls/list-control.ts',
  'evidence/exemptions/service.ts',
  'policy/keeping/list-updater.ts',
].map((path) => new URL(`../../src/${path}`, import.meta.url).href);
for (const url of EXPLORED) statSync(new URL(url));
const plants = JSON.parse(process.env.TURNS_PLANT ?? '[]');

globalThis.turn = (value) => value;

const withTurns = (file, text) => {
  const places = [];
  const walk = (node) => {
    if (ts.isAwaitExpression(node)) places.push([node.expression.getStart(), node.expression.end]);
    ts.forEachChild(node, walk);
  };
  walk(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  const edits = places.flatMap(([start, end]) => [
    { at: start, text: 'globalThis.turn(' },
    { at: end, text: ')' },
  ]);
  // Those that begin at one place are the same text; an inner end comes before an outer one by its place.
  for (const { at, text: edit } of edits.sort((one, other) => other.at - one.at))
    text = text.slice(0, at) + edit + text.slice(at);
  return text;
};

registerHooks({
  load: (url, context, next) => {
    if (!EXPLORED.some((explored) => url.startsWith(explored))) return next(url, context);
    const file = fileURLToPath(url);
    let text = readFileSync(file, 'utf8');
    for (const plant of plants.filter((one) => file.endsWith(one.file))) {
      if (!text.includes(plant.from)) throw new Error(`${plant.file} has no ${plant.from}`);
      text = text.replace(plant.from, () => plant.to);
    }
    text = cheapPasswords.transform(text, file) ?? text;
    return { format: 'module-typescript', source: withTurns(file, text), shortCircuit: true };
  },
});
