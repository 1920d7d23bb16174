// Reading YAML: plain values with the position of every key and value.
//
// Only the part of YAML that a configuration needs is taken: maps with text keys, lists and scalars of the core
// schema (YAML 1.2.2 section 10.3). Aliases, tags and merge keys are refused, so that what is written at a line is
// what holds there, and no small file can unfold into a large one.
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
import { type ConfigProblemCode, formatPath, type Path, type Problem } from './problem.ts';

/** Characters: the bounds of the schema allow more, people do not write more. */
const TEXT_LENGTH_MAX = 1 << 20;
/** Syntax faults that are reported: one mistake often causes many. */
const SYNTAX_PROBLEMS_MAX = 10;

/** A line and a column, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A file as values. */
export interface Source {
  /** Maps, lists, texts, numbers, booleans and null; undefined when the file cannot be understood at all. */
  readonly raw: Record<string, unknown> | undefined;
  readonly problems: readonly Problem[];
  /** Where the key of the path stands, or the nearest one above that is written. */
  positionOfKey(path: Path): Position;
  /** Where the value of the path stands, or the nearest one above that is written. */
  positionOfValue(path: Path): Position;
}

/** The source of a configuration that has no file. */
export const emptySource = (): Source => ({
  raw: {},
  problems: [],
  positionOfKey: () => NOWHERE,
  positionOfValue: () => NOWHERE,
});

/** Reads the text of a file; `file` is the name for problems. */
export const readSource = (file: string, text: string): Source => new Reader(file).read(text);

const NOWHERE: Position = { line: 0, column: 0 };

class Reader {
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #problems: Problem[] = [];
  readonly #keys = new Map<string, number>();
  readonly #values = new Map<string, number>();

  constructor(file: string) {
    this.#file = file;
  }

  read(text: string): Source {
    return {
      raw: this.#readText(text),
      problems: this.#problems,
      positionOfKey: (path) => this.#position(this.#keys.get(toIndex(path)) ?? this.#offsetOfValue(path)),
      positionOfValue: (path) => this.#position(this.#offsetOfValue(path)),
    };
  }

  #readText(text: string): Record<string, unknown> | undefined {
    if (text.length > TEXT_LENGTH_MAX) {
      this.#report(0, [], 'ERR_CONFIG_READ', `the file has more than ${TEXT_LENGTH_MAX} characters`);
      return undefined;
    }
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: false,
      version: '1.2',
    });
    const faults = [...document.errors, ...document.warnings].slice(0, SYNTAX_PROBLEMS_MAX);
    for (const fault of faults) this.#report(fault.pos[0], [], 'ERR_CONFIG_SYNTAX', toClause(fault));
    if (faults.length > 0) return undefined;
    const raw = document.contents === null ? {} : this.#readNode(document.contents, []);
    if (this.#problems.some(({ code }) => code !== 'ERR_CONFIG_DUPLICATE_KEY')) return undefined;
    if (isRecord(raw)) return raw;
    this.#report(0, [], 'ERR_CONFIG_TYPE', 'expected a map of keys at the top of the file');
    return undefined;
  }

  #readNode(node: unknown, path: Path): unknown {
    if (!isNode(node)) return null;
    this.#values.set(toIndex(path), node.range?.[0] ?? 0);
    if (isAlias(node)) return this.#refuse(node, path, 'aliases are not allowed', 'write the value again');
    if (node.tag !== undefined) return this.#refuse(node, path, 'tags are not allowed', 'remove the tag');
    if (isSeq(node)) return node.items.map((item, index) => this.#readNode(item, [...path, index]));
    if (isMap(node)) return this.#readMap(node, path);
    return isScalar(node) ? node.value : null;
  }

  #readMap(map: YAMLMap, path: Path): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    for (const { key, value } of map.items) {
      const offset = isNode(key) ? (key.range?.[0] ?? 0) : 0;
      if (!isScalar(key) || typeof key.value !== 'string') {
        this.#report(offset, path, 'ERR_CONFIG_SYNTAX', 'a key has to be a text');
        continue;
      }
      const below = [...path, key.value];
      if (entries.has(key.value)) {
        const first = this.#position(this.#keys.get(toIndex(below)) ?? 0);
        this.#report(
          offset,
          below,
          'ERR_CONFIG_DUPLICATE_KEY',
          `the key stands in line ${first.line} already`,
        );
        continue;
      }
      this.#keys.set(toIndex(below), offset);
      entries.set(key.value, this.#readNode(value, below));
    }
    return Object.fromEntries(entries);
  }

  #refuse(node: Node, path: Path, text: string, hint: string): null {
    this.#report(node.range?.[0] ?? 0, path, 'ERR_CONFIG_SYNTAX', text, hint);
    return null;
  }

  #report(offset: number, path: Path, code: ConfigProblemCode, text: string, hint?: string): void {
    const place = { file: this.#file, ...this.#position(offset), path: formatPath(path) };
    this.#problems.push({ ...place, code, text, ...(hint === undefined ? {} : { hint }) });
  }

  #offsetOfValue(path: Path): number {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#values.get(toIndex(path.slice(0, length)));
      if (offset !== undefined) return offset;
    }
    return 0;
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

const toIndex = (path: Path): string => JSON.stringify(path);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The parser's sentence as one clause, without advice for programmers. */
const toClause = (fault: YAMLError): string => {
  if (fault.code === 'MULTIPLE_DOCS') return 'the file has more than one document';
  if (fault.code === 'RESOURCE_EXHAUSTION') return 'maps or lists are nested too deeply';
  const [line = ''] = fault.message.split('\n', 1);
  return line.charAt(0).toLowerCase() + line.slice(1).replace(/\.$/, '');
};
