// YAML with positions, for texts that people write: exemptions and profiles.
//
// Only maps with text keys, lists and scalars of the core schema (YAML 1.2.2 section 10.3). Aliases and tags are
// refused, so that what is written at a line is what holds there, and no small file can unfold into a large one.
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { type ExemptionProblem, type FaultPlace, type FieldPath, toProblem } from './problem.ts';

/** Syntax faults that are reported: one mistake often causes many. */
const SYNTAX_FAULTS_MAX = 10;

/** A text as values, with the place of each. */
export interface YamlText {
  /** Undefined when the text cannot be understood. */
  readonly raw: unknown;
  readonly problems: readonly ExemptionProblem[];
  /** Where the key of the path stands, or the value of the nearest path above it that is written. */
  placeOf(path: FieldPath): FaultPlace;
}

/** Reads a text; `file` names it in problems. */
export const readYaml = (file: string, text: string): YamlText => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  const placeAt = (offset: number): FaultPlace => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const root = document.contents;
  const faults = [...document.errors, ...document.warnings].map((fault) => ({
    offset: fault.pos[0],
    text: toClause(fault),
  }));
  if (faults.length === 0 && root !== null) collectRefused(root, faults);
  const problems = faults
    .slice(0, SYNTAX_FAULTS_MAX)
    .map(({ offset, text: clause }) =>
      toProblem({ code: 'ERR_EXEMPTION_READ', path: [], text: clause }, placeAt(offset)),
    );
  return {
    raw: problems.length > 0 ? undefined : (document.toJS() as unknown),
    problems,
    placeOf: (path) => placeAt(offsetOf(root, path)),
  };
};

/** Adds what this subset of YAML does not have. */
const collectRefused = (node: Node, faults: { offset: number; text: string }[]): void => {
  const offset = node.range?.[0] ?? 0;
  if (isAlias(node)) faults.push({ offset, text: 'aliases are not allowed' });
  else if (node.tag !== undefined) faults.push({ offset, text: 'tags are not allowed' });
  else if (isSeq(node)) for (const item of node.items) if (isNode(item)) collectRefused(item, faults);
  if (!isMap(node)) return;
  for (const { key, value } of node.items) {
    if (!isScalar(key) || typeof key.value !== 'string') {
      faults.push({ offset: isNode(key) ? (key.range?.[0] ?? 0) : offset, text: 'a key has to be a text' });
    }
    if (isNode(value)) collectRefused(value, faults);
  }
};

const offsetOf = (root: Node | null, path: FieldPath): number => {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const part of path) {
    const key = isMap(node) ? keyOf(node, part) : undefined;
    const next: unknown = isMap(node) || isSeq(node) ? node.get(part, true) : undefined;
    if (isNode(key)) offset = key.range?.[0] ?? offset;
    else if (isNode(next)) offset = next.range?.[0] ?? offset;
    if (next === undefined) break;
    node = next;
  }
  return offset;
};

const keyOf = (map: YAMLMap, part: string | number): unknown =>
  map.items.find(({ key }) => isScalar(key) && key.value === part)?.key;

/** The parser's sentence as one clause, without advice for programmers. */
const toClause = ({ code, message }: YAMLError): string => {
  if (code === 'MULTIPLE_DOCS') return 'the file has more than one document';
  const [line = ''] = message.split('\n', 1);
  return line.charAt(0).toLowerCase() + line.slice(1).replace(/\.$/, '');
};
