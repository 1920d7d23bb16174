// Guard names: what no list may refuse, whatever its source says (lists/never-block.txt).
//
// `name` protects itself from every rule, and itself and its parents from suffix and wildcard rules; names below
// it stay open, because listed hosts live below shared CDN zones. `*.name` protects everything below as well.
// Every rule of every list is held against them, so they are compiled as the rules of a policy are.
import { nameFrom, parseName } from '../../wire/dns/dns.ts';
import { MATCH, type Match, PolicyTable, TableBuilder, Verdict } from '../policy.ts';
import { listError, readListFile } from './list-file.ts';

const GUARD_LINE = /^(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

/** The lists of the compiled guards: a rule is held against the two of its kind. */
const NAMES = 0;
const ABOVE = 1;
const TREES = 2;
const AGAINST_EXACT = (1 << NAMES) | (1 << TREES);
const AGAINST_BELOW = (1 << ABOVE) | (1 << TREES);

/** Values of outlineOf and endOf. */
const OUTLINES = 0x1_0000;

/** A set of guard names. */
export class Guards {
  /** A rule's line is the index of its guard in #guards, from 1. */
  readonly #table: PolicyTable;
  readonly #guards: readonly string[];
  /** By outline of a name: whether any guard has it. */
  readonly #outlines = new Uint8Array(OUTLINES);
  /** By the last two bytes of a name: whether any tree ends so. */
  readonly #treeEnds = new Uint8Array(OUTLINES);
  readonly #verdict = new Verdict();

  private constructor(guards: readonly string[]) {
    const builder = new TableBuilder();
    const above = new Set<string>();
    for (const [index, guard] of guards.entries()) {
      const isTree = guard.startsWith('*.');
      const name = isTree ? guard.slice(2) : guard;
      const wire = nameFrom(name);
      const list = builder.sinkFor(isTree ? TREES : NAMES);
      list.addName(isTree ? MATCH.SUFFIX : MATCH.EXACT, wire, wire.length, index + 1);
      if (isTree) this.#treeEnds[endOf(wire, wire.length)] = 1;
      for (const zone of zonesOf(name)) {
        if (above.has(zone)) continue;
        above.add(zone);
        const zoneWire = nameFrom(zone);
        builder.sinkFor(ABOVE).addName(MATCH.EXACT, zoneWire, zoneWire.length, index + 1);
        this.#outlines[outlineOf(zoneWire, zoneWire.length)] = 1;
      }
    }
    this.#guards = guards;
    this.#table = new PolicyTable(builder.build());
  }

  /** Parses the text of a guard file; throws ERR_LIST_PARSE with the line. `path` is named in the message. */
  static parse(text: string, path: string): Guards {
    const guards = new Set<string>();
    for (const [index, line] of text.split('\n').entries()) {
      const content = line.replace(/#.*/, '').trim();
      if (content === '') continue;
      if (!GUARD_LINE.test(content) || typeof parseName(content) === 'string') {
        throw listError('ERR_LIST_PARSE', `reading guard names of ${path}:${index + 1}: ${content}`);
      }
      guards.add(content);
    }
    return new Guards([...guards]);
  }

  /** Reads a guard file; throws ERR_LIST_READ, ERR_LIST_TOO_LARGE or ERR_LIST_PARSE. */
  static load(path: string): Guards {
    return Guards.parse(Buffer.from(readListFile(path)).toString('utf8'), path);
  }

  /** Number of guard names. */
  get size(): number {
    return this.#guards.length;
  }

  /** The guard names as the file has them, `*.name` for a tree. */
  get names(): readonly string[] {
    return this.#guards;
  }

  /** The guard name that a rule would harm, or undefined. `name` is folded wire form of `length` bytes. */
  protects(match: Match, name: Uint8Array, length: number): string | undefined {
    // The root stands above every guard.
    if (length === 1) return this.#guards[0];
    // Nearly every name of a large list is told apart from all guards by a few of its bytes.
    if (this.#outlines[outlineOf(name, length)] === 0 && this.#treeEnds[endOf(name, length)] === 0) {
      return undefined;
    }
    const verdict = this.#verdict;
    verdict.clear(0);
    const against = match === MATCH.EXACT ? AGAINST_EXACT : AGAINST_BELOW;
    this.#table.matchName(name, 0, length, against, 0, verdict);
    return verdict.refused ? this.#guards[verdict.line - 1] : undefined;
  }
}

/** The last two bytes before the root label. */
const endOf = (name: Uint8Array, length: number): number =>
  ((name[length - 3] ?? 0) << 8) | (name[length - 2] ?? 0);

/** A cheap hash of a name: equal for equal names. */
const outlineOf = (name: Uint8Array, length: number): number => {
  const start = ((name[1] ?? 0) << 16) | ((name[2] ?? 0) << 8) | (name[3] ?? 0);
  const mixed = Math.imul(start ^ (endOf(name, length) << 5) ^ (length << 25), 0x9e3779b1);
  return mixed >>> 16;
};

/** The name and its parents, the longest first, the root left out. */
export function* zonesOf(name: string): Generator<string> {
  let at = 0;
  do {
    yield name.slice(at);
    at = name.indexOf('.', at) + 1;
  } while (at > 0);
}
