// yaml: texts that people write, as plain values with the position of every key and value.
//
// Invariants: only maps with text keys, lists and scalars of the core schema (YAML 1.2.2 section 10.3) are taken.
// Aliases, tags and merge keys are refused, so that what is written at a line is what holds there, and no small file
// can unfold into a large one. Reading never throws for what is written. Imports no other room.
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type YAMLError, type YAMLMap } from 'yaml';
import { parseYaml } from './nesting.ts';

export { parseYaml } from './nesting.ts';

/** Syntax faults that are told: one mistake often causes many. */
const SYNTAX_FAULTS_MAX = 10;

/** Keys and indexes from the top of a file. */
export type YamlPath = readonly PropertyKey[];

/** A line and a column, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something that is no YAML, or that this subset does not have. */
export interface YamlFault extends Position {
  /** `repeat`: a key that stands in its map already; the first one counts. */
  readonly kind: 'syntax' | 'repeat';
  readonly path: YamlPath;
  /** One clause. */
  readonly text: string;
  readonly hint?: string;
}

/** A text as values. */
export interface YamlText {
  /** Maps, lists, texts, numbers, booleans and null; undefined with a fault of syntax. An empty text is null. */
  readonly raw: unknown;
  readonly faults: readonly YamlFault[];
  /** Where the key of the path stands, or its item, or those of the nearest path above that is written. */
  positionOf(path: YamlPath): Position;
  /** Where the key of the path stands; undefined when it is not written. */
  positionOfKey(path: YamlPath): Position | undefined;
  /** Where the value of the path stands, or of the nearest path above that is written; undefined where none is. */
  positionOfValue(path: YamlPath): Position | undefined;
}

/** A text value with the place where it is written, quotes or what announces a block included. */
export interface WrittenText {
  readonly path: YamlPath;
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/**
 * All text values as far as the text can be read, also those at tags, anchors and keys that stand twice, in the order in which they
 * are written. A key without a value counts as one, of the path '': what a comma cut off in braces looks like it.
 */
export const writtenTexts = (
  text: string,
): { readonly texts: readonly WrittenText[]; readonly isWhole: boolean } => {
  const found: WrittenText[] = [];
  const walk = (node: unknown, path: YamlPath): void => {
    if (isSeq(node)) for (const [index, item] of node.items.entries()) walk(item, [...path, index]);
    else if (isMap(node))
      for (const { key, value } of node.items) {
        if (value === null) walk(key, ['']);
        else walk(value, [...path, isScalar(key) ? String(key.value) : '']);
      }
    else if (isScalar(node) && typeof node.value === 'string' && node.range)
      found.push({ path, value: node.value, start: node.range[0], end: node.range[1] });
  };
  const document = parseYaml(text, undefined, false);
  walk(document.contents, []);
  return {
    texts: found.sort((one, other) => one.start - other.start),
    isWhole: document.errors.length === 0,
  };
};

/** Reads a text. */
export const readYaml = (text: string): YamlText => new Reader().read(text);

class Reader {
  readonly #lines = new LineCounter();
  readonly #faults: YamlFault[] = [];
  readonly #keys = new Map<string, number>();
  readonly #values = new Map<string, number>();

  read(text: string): YamlText {
    const raw = this.#readText(text);
    return {
      raw: this.#faults.some(({ kind }) => kind === 'syntax') ? undefined : raw,
      faults: this.#faults,
      positionOf: (path) => this.#position(this.#offsetOf(path)),
      positionOfKey: (path) => this.#positionOf(this.#keys.get(toIndex(path))),
      positionOfValue: (path) => this.#positionOf(this.#offsetOfValue(path)),
    };
  }

  #readText(text: string): unknown {
    const document = parseYaml(text, this.#lines, false);
    const faults = [...document.errors, ...document.warnings].slice(0, SYNTAX_FAULTS_MAX);
    for (const fault of faults) this.#refuse(fault.pos[0], [], toClause(fault));
    return faults.length > 0 || document.contents === null ? null : this.#readNode(document.contents, []);
  }

  #readNode(node: unknown, path: YamlPath): unknown {
    if (!isNode(node)) return null;
    const offset = node.range?.[0] ?? 0;
    this.#values.set(toIndex(path), offset);
    if (isAlias(node)) return this.#refuse(offset, path, 'aliases are not allowed', 'write the value again');
    if (node.tag !== undefined) return this.#refuse(offset, path, 'tags are not allowed', 'remove the tag');
    if (isSeq(node)) return node.items.map((item, index) => this.#readNode(item, [...path, index]));
    if (isMap(node)) return this.#readMap(node, path);
    return isScalar(node) ? node.value : null;
  }

  #readMap(map: YAMLMap, path: YamlPath): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    for (const { key, value } of map.items) {
      const offset = isNode(key) ? (key.range?.[0] ?? 0) : 0;
      if (!isScalar(key) || typeof key.value !== 'string') {
        this.#refuse(offset, path, 'a key has to be a text');
        continue;
      }
      const below = [...path, key.value];
      if (entries.has(key.value)) {
        const { line } = this.#position(this.#keys.get(toIndex(below)) ?? 0);
        this.#tell('repeat', offset, below, `the key stands in line ${line} already`);
        continue;
      }
      this.#keys.set(toIndex(below), offset);
      entries.set(key.value, this.#readNode(value, below));
    }
    return Object.fromEntries(entries);
  }

  #refuse(offset: number, path: YamlPath, text: string, hint?: string): null {
    this.#tell('syntax', offset, path, text, hint);
    return null;
  }

  #tell(kind: YamlFault['kind'], offset: number, path: YamlPath, text: string, hint?: string): void {
    const place = this.#position(offset);
    this.#faults.push({ kind, path, text, ...place, ...(hint === undefined ? {} : { hint }) });
  }

  #offsetOf(path: YamlPath): number {
    for (let length = path.length; length >= 0; length--) {
      const index = toIndex(path.slice(0, length));
      const offset = this.#keys.get(index) ?? this.#values.get(index);
      if (offset !== undefined) return offset;
    }
    return 0;
  }

  #offsetOfValue(path: YamlPath): number | undefined {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#values.get(toIndex(path.slice(0, length)));
      if (offset !== undefined) return offset;
    }
    return undefined;
  }

  #positionOf(offset: number | undefined): Position | undefined {
    return offset === undefined ? undefined : this.#position(offset);
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

const toIndex = (path: YamlPath): string => JSON.stringify(path);

/** The parser's sentence as one clause, without advice for programmers. */
const toClause = (fault: YAMLError): string => {
  if (fault.code === 'MULTIPLE_DOCS') return 'the file has more than one document';
  if (fault.code === 'RESOURCE_EXHAUSTION') return 'maps or lists are nested too deeply';
  const [line = ''] = fault.message.split('\n', 1);
  return line.charAt(0).toLowerCase() + line.slice(1).replace(/\.$/, '');
};
