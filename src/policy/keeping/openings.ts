// What new exceptions of a list would open: for the person who has to decide about them.
//
// An exception is told with the names that it takes away from its own list and, where that is no mandate, from the lists
// behind it; and with those of mandate lists that stay refused all the same, because a feed that tries to open them is
// worth a look. The lists are read again for it, once for each content that is held.
import { formatPrefix, isAppError, matchesPrefix, type Prefix } from '../../base/base.ts';
import type { ListConfig } from '../../config/config.ts';
import { formatName } from '../../wire/dns/dns.ts';
import { formatOf, type PathOf, precedenceOf, readList } from '../generation/generation.ts';
import {
  type ExceptionFacts,
  Guards,
  isConditional,
  isException,
  type LoadedList,
  markedText,
  markOf,
  NEVER_BLOCK_FILE,
  NO_EXCEPTIONS,
  nameTrigger,
  newMarks,
} from '../lists/lists.ts';
import { MATCH, type Match, type RuleSink, type RuleTerms } from '../policy.ts';

/** Exceptions that are looked at; the rest is counted. */
const EXCEPTIONS_MAX = 1_000;
/** Exceptions and names that one sentence names. */
const NAMED_MAX = 5;
/** Names of one list that are told; the rest is counted. */
const NAMES_MAX = 100;

/** Names of one list that new exceptions are about. */
export interface Opening {
  readonly list: string;
  /** False: the list refuses them all the same. */
  readonly isOpened: boolean;
  readonly count: number;
  /** The first of them. */
  readonly names: readonly string[];
}

/** The new exceptions of a content. */
export interface NewExceptions {
  /** Undefined: it has too many for anybody to tell which are new. */
  readonly count: number | undefined;
  /** The first of them, as people write them. */
  readonly exceptions: readonly string[];
  readonly openings: readonly Opening[];
  /** All of it in words. */
  readonly text: string;
}

/** The lists that a content is to stand among. */
export interface Neighbors {
  /** Of the configuration, in its order. */
  readonly lists: readonly ListConfig[];
  readonly pathOf: PathOf;
}

/**
 * The exceptions that a content has and the one before it has not, and what they open; undefined where there are none.
 * Throws as loadList() does for the content itself; a neighbor that cannot be read is left out.
 */
export const findNewExceptions = (
  list: ListConfig,
  path: string,
  before: ExceptionFacts | undefined,
  after: ExceptionFacts,
  neighbors: Neighbors,
): NewExceptions | undefined => {
  const marks = newMarks(before ?? NO_EXCEPTIONS, after);
  if (marks?.size === 0) return undefined;
  const found = new Exceptions(list, marks);
  read(list, path, found);
  // What only has other marks for its sum may have lost some and gained none.
  const openings = marks === undefined ? [] : openingsOf(list, path, found, neighbors);
  return {
    count: marks?.size,
    exceptions: found.texts,
    openings,
    text: textOf(found, marks?.size, openings),
  };
};

const textOf = ({ texts }: Exceptions, count: number | undefined, openings: readonly Opening[]): string => {
  if (count === undefined) return 'other exceptions than before, and more than anybody can be told of';
  const parts = [`${count} new ${count === 1 ? 'exception' : 'exceptions'} (${someOf(texts, count)})`];
  const opened = openings.filter(({ isOpened }) => isOpened);
  for (const { list, count: names, names: some } of opened) {
    parts.push(`opens ${names} ${names === 1 ? 'name' : 'names'} of ${list} (${someOf(some, names)})`);
  }
  if (opened.length === 0) parts.push('opens no name that a list refuses now');
  for (const { list, names } of openings.filter(({ isOpened }) => !isOpened)) {
    parts.push(`${list} refuses ${someOf(names, names.length)} all the same`);
  }
  return parts.join(', ');
};

const someOf = (texts: readonly string[], count: number): string => {
  const some = texts.slice(0, NAMED_MAX);
  return [...some, ...(count > some.length ? [`and ${count - some.length} more`] : [])].join(', ');
};

/** Streams a content; gives its facts. */
const read = (list: ListConfig, path: string | undefined, sink: RuleSink): LoadedList =>
  readList(list, sink, Guards.load(NEVER_BLOCK_FILE), () => path);

const openingsOf = (
  list: ListConfig,
  path: string,
  exceptions: Exceptions,
  { lists, pathOf }: Neighbors,
): readonly Opening[] => {
  const place = lists.findIndex(({ id }) => id === list.id);
  const isMandate = list.mandate === true;
  const openings = lists.flatMap((other, index): Opening[] => {
    const isOwn = other.id === list.id;
    if (other.allow) return [];
    const touched = new Touched(exceptions, isOwn && precedenceOf(formatOf(other)) !== 'action');
    try {
      const { header } = read(other, isOwn ? path : pathOf(other), touched);
      const isOtherMandate = other.mandate ?? header?.mandate ?? false;
      const isOpened = isOwn || (!isMandate && !isOtherMandate && (list.allow || index > place));
      const isTold = isOpened || isOtherMandate;
      const { count, names } = touched;
      return isTold && count > 0 ? [{ list: other.id, isOpened, count, names }] : [];
    } catch (thrown) {
      if (!isAppError(thrown)) throw thrown;
      return [];
    }
  });
  return openings.toSorted((a, b) => Number(b.isOpened) - Number(a.isOpened));
};

interface NameException {
  readonly match: Match;
  readonly name: string;
}

/** Collects the exceptions of a content that are new. */
class Exceptions implements RuleSink {
  /** As people write them. */
  readonly texts: string[] = [];
  /** By name, in presentation form. */
  readonly names = new Map<string, NameException>();
  /** The names that they stand below. */
  readonly above = new Map<string, NameException[]>();
  readonly prefixes: Prefix[] = [];
  readonly patterns: RegExp[] = [];
  readonly #marking: { readonly isAllow: boolean; readonly isMandate: boolean };
  /** Undefined: any may be new. */
  readonly #marks: ReadonlySet<string> | undefined;
  readonly #seen = new Set<string>();

  constructor({ allow, mandate }: ListConfig, marks: ReadonlySet<string> | undefined) {
    this.#marking = { isAllow: allow, isMandate: mandate === true };
    this.#marks = marks;
  }

  addName(match: Match, name: Uint8Array, length: number, _line: number, terms?: RuleTerms): void {
    if (!this.#isNew(() => nameTrigger(match, name, length), terms)) return;
    const text = nameText(name, length);
    this.texts.push(textWith(match === MATCH.WILDCARD ? `*.${text}` : text, terms));
    const exception = { match, name: text };
    this.names.set(`${match} ${text}`, exception);
    for (const zone of zonesAbove(text)) {
      const below = this.above.get(zone);
      if (below === undefined) this.above.set(zone, [exception]);
      else below.push(exception);
    }
  }

  addPrefix(prefix: Prefix, _line: number, terms?: RuleTerms): void {
    if (!this.#isNew(() => formatPrefix(prefix), terms)) return;
    this.texts.push(textWith(formatPrefix(prefix), terms));
    this.prefixes.push(prefix);
  }

  addClientPrefix(prefix: Prefix, _line: number, terms?: RuleTerms): void {
    const text = `client ${formatPrefix(prefix)}`;
    if (this.#isNew(() => text, terms)) this.texts.push(textWith(text, terms));
  }

  addPattern(pattern: RegExp, _line: number, terms?: RuleTerms): void {
    if (!this.#isNew(() => String(pattern), terms)) return;
    this.texts.push(textWith(String(pattern), terms));
    this.patterns.push(pattern);
  }

  #isNew(trigger: () => string, terms: RuleTerms | undefined): boolean {
    if (this.texts.length >= EXCEPTIONS_MAX || (terms === undefined && !this.#marking.isAllow)) return false;
    const text = markedText(this.#marking, trigger, terms);
    if (text === undefined) return false;
    const mark = markOf(text);
    if (this.#marks?.has(mark) === false || this.#seen.has(mark)) return false;
    this.#seen.add(mark);
    return true;
  }
}

/** What an answer of a rule's own is called beside its trigger. */
const textWith = (text: string, terms: RuleTerms | undefined): string => {
  const kind = terms?.action.kind;
  if (terms !== undefined && kind !== 'passthru' && isConditional(terms)) return `${text} on conditions`;
  if (kind === 'data') return `${text} with an answer of its own`;
  return kind === 'tcp-only' ? `${text} over TCP` : text;
};

/** Collects the refusals of a list that exceptions are about. */
class Touched implements RuleSink {
  count = 0;
  readonly names: string[] = [];
  readonly #exceptions: Exceptions;
  /** The longer name decides: an exception above a refused name does not open it. */
  readonly #isLonger: boolean;
  readonly #told = new Set<string>();

  constructor(exceptions: Exceptions, isLonger: boolean) {
    this.#exceptions = exceptions;
    this.#isLonger = isLonger;
  }

  addName(match: Match, name: Uint8Array, length: number, _line: number, terms?: RuleTerms): void {
    if (isException(terms)) return;
    const text = nameText(name, length);
    const { names, above, patterns } = this.#exceptions;
    if (this.#isAt(names, text) || (!this.#isLonger && this.#isBelow(names, text))) {
      this.#tell(match === MATCH.WILDCARD ? `*.${text}` : text);
    } else if (patterns.some((pattern) => pattern.test(text))) this.#tell(text);
    if (match === MATCH.EXACT) return;
    for (const below of above.get(text) ?? []) {
      this.#tell(below.match === MATCH.WILDCARD ? `*.${below.name}` : below.name);
    }
  }

  addPrefix(prefix: Prefix, _line: number, terms?: RuleTerms): void {
    if (isException(terms)) return;
    const isTouched = this.#exceptions.prefixes.some((other) =>
      matchesPrefix(other.words, prefix.words, Math.min(other.bits, prefix.bits)),
    );
    if (isTouched) this.#tell(formatPrefix(prefix));
  }

  addClientPrefix(): void {}

  addPattern(): void {}

  #isAt(names: Exceptions['names'], text: string): boolean {
    return [MATCH.SUFFIX, MATCH.EXACT, MATCH.WILDCARD].some((match) => names.has(`${match} ${text}`));
  }

  #isBelow(names: Exceptions['names'], text: string): boolean {
    for (const zone of zonesAbove(text)) {
      if (names.has(`${MATCH.SUFFIX} ${zone}`) || names.has(`${MATCH.WILDCARD} ${zone}`)) return true;
    }
    return false;
  }

  #tell(text: string): void {
    if (this.#told.size < NAMES_MAX && this.#told.has(text)) return;
    this.count++;
    if (this.names.length >= NAMES_MAX) return;
    this.#told.add(text);
    this.names.push(text);
  }
}

const nameText = (name: Uint8Array, length: number): string =>
  formatName(name.subarray(0, length)).replace(/\.$/, '');

/** The parents of a name, without the root. */
function* zonesAbove(name: string): Generator<string> {
  for (let at = name.indexOf('.') + 1; at > 0; at = name.indexOf('.', at) + 1) yield name.slice(at);
}
