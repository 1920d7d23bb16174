// Guard names: what no list may refuse, whatever its source says (lists/never-block.txt).
//
// `name` protects itself from every rule, and itself and its parents from suffix and wildcard rules; names below
// it stay open, because listed hosts live below shared CDN zones. `*.name` protects everything below as well.
import { MATCH, type Match } from '../policy/policy.ts';
import { listError, readListFile } from './list-file.ts';

const GUARD_LINE = /^(\*\.)?([a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*)$/;

/** A set of guard names. */
export class Guards {
  readonly #names = new Set<string>();
  /** Each guard name and each of its parents, with a guard name that it leads to. */
  readonly #above = new Map<string, string>();
  readonly #trees = new Set<string>();

  /** Parses the text of a guard file; throws ERR_LIST_PARSE with the line. `path` is named in the message. */
  static parse(text: string, path: string): Guards {
    const guards = new Guards();
    for (const [index, line] of text.split('\n').entries()) {
      const content = line.replace(/#.*/, '').trim();
      if (content === '') continue;
      const match = GUARD_LINE.exec(content);
      if (match?.[2] === undefined) {
        throw listError('ERR_LIST_PARSE', `reading guard names of ${path}:${index + 1}: ${content}`);
      }
      guards.#add(match[2], match[1] !== undefined);
    }
    return guards;
  }

  /** Reads a guard file; throws ERR_LIST_READ, ERR_LIST_TOO_LARGE or ERR_LIST_PARSE. */
  static load(path: string): Guards {
    return Guards.parse(Buffer.from(readListFile(path)).toString('utf8'), path);
  }

  /** Number of guard names. */
  get size(): number {
    return this.#names.size + this.#trees.size;
  }

  /** The guard name that a rule would harm, or undefined. `name` is folded text without the final dot. */
  protects(match: Match, name: string): string | undefined {
    if (match === MATCH.EXACT ? this.#names.has(name) : this.#above.has(name)) return this.#above.get(name);
    for (const zone of zonesOf(name)) if (this.#trees.has(zone)) return `*.${zone}`;
    return undefined;
  }

  #add(name: string, isTree: boolean): void {
    if (isTree) this.#trees.add(name);
    else this.#names.add(name);
    for (const zone of zonesOf(name)) if (!this.#above.has(zone)) this.#above.set(zone, name);
  }
}

/** The name and its parents, the longest first, the root left out. */
export function* zonesOf(name: string): Generator<string> {
  let at = 0;
  do {
    yield name.slice(at);
    at = name.indexOf('.', at) + 1;
  } while (at > 0);
}
