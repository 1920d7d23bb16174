// What the tidy tests read: files of the checkout as a map from path to text, and TypeScript syntax trees of them.
//
// Every rule is a function from such a map to findings, so that each test can hand it the checkout and, beside it,
// a small tree with a planted breach: a rule that cannot fail proves nothing.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** Files by their path from the checkout's root, with `/`. */
export type Sources = ReadonlyMap<string, string>;

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** What is not ours, or is made by a run. */
const SKIPPED = new Set(['node_modules', '.git', 'dist', 'coverage', 'state', 'results']);
/** Larger files are data. */
const FILE_LENGTH_MAX = 1 << 20;

/** Reads the files below `directory` whose extension is listed; `''` stands for names without one. */
export const readSources = (directory: string, extensions: readonly string[]): Sources => {
  const found = new Map<string, string>();
  const visit = (path: string): void => {
    for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
      const below = posix.join(path, entry.name);
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) visit(below);
      if (!entry.isFile() || !extensions.includes(extname(entry.name))) continue;
      if (statSync(join(root, below)).size <= FILE_LENGTH_MAX)
        found.set(below, readFileSync(join(root, below), 'utf8'));
    }
  };
  visit(directory);
  return found;
};

/** A tree with a planted breach. */
export const plant = (files: Readonly<Record<string, string>>): Sources => new Map(Object.entries(files));

/** Trees of this process: several rules read each file of the checkout. */
const trees = new Map<string, ts.SourceFile>();

/** The syntax tree of one file. */
export const parseSource = (path: string, text: string): ts.SourceFile => {
  const known = trees.get(path);
  if (known?.text === text) return known;
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  trees.set(path, tree);
  return tree;
};

/** `path:line` of a node, as editors open it. */
export const placeOf = (node: ts.Node): string => {
  const file = node.getSourceFile();
  return `${file.fileName}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
};

/** Visits a node and everything below it. */
export const walk = (node: ts.Node, visit: (node: ts.Node) => void): void => {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
};

/** The lines of the comment that a file opens with, without the marks; a `#!` line may stand before it. */
export const headComment = (text: string): string[] => {
  const lines: string[] = [];
  for (const line of text.replace(/^#!.*\n/, '').split('\n')) {
    if (!line.startsWith('//')) break;
    lines.push(line.slice(2).trim());
  }
  return lines;
};

/** One reference from a file to another module. */
export interface Import {
  readonly node: ts.Node;
  readonly specifier: string;
}

/** By tree: several rules ask. */
const imports = new WeakMap<ts.SourceFile, readonly Import[]>();

/** Everything that a file refers to: import and export statements, import() of either kind, and worker URLs. */
export const importsOf = (file: ts.SourceFile): readonly Import[] => {
  const known = imports.get(file);
  if (known !== undefined) return known;
  const found: Import[] = [];
  const take = (node: ts.Node): void => {
    const target = moduleTarget(node);
    if (target !== undefined && ts.isStringLiteralLike(target)) found.push({ node, specifier: target.text });
  };
  // Of most files the statements are all: a walk through every node is left to those with more of these words.
  const words = file.text.match(/\bimport\b/g)?.length ?? 0;
  const isAtTop =
    words === file.statements.filter(ts.isImportDeclaration).length && !file.text.includes('URL');
  if (isAtTop) file.statements.forEach(take);
  else walk(file, take);
  imports.set(file, found);
  return found;
};

const moduleTarget = (node: ts.Node): ts.Node | undefined => {
  switch (node.kind) {
    case ts.SyntaxKind.ImportDeclaration:
    case ts.SyntaxKind.ExportDeclaration:
      return (node as ts.ImportDeclaration | ts.ExportDeclaration).moduleSpecifier;
    case ts.SyntaxKind.ImportType: {
      const { argument } = node as ts.ImportTypeNode;
      return ts.isLiteralTypeNode(argument) ? argument.literal : undefined;
    }
    case ts.SyntaxKind.CallExpression: {
      const call = node as ts.CallExpression;
      return call.expression.kind === ts.SyntaxKind.ImportKeyword ? call.arguments[0] : undefined;
    }
    case ts.SyntaxKind.NewExpression: {
      const { expression, arguments: [path] = [] } = node as ts.NewExpression;
      return expression.getText() === 'URL' && path !== undefined && /\.ts['"`]$/.test(path.getText())
        ? path
        : undefined;
    }
    default:
      return undefined;
  }
};

/** The path from the root that a relative specifier means, or undefined for a package. */
export const resolveImport = (from: string, specifier: string): string | undefined =>
  specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined;
