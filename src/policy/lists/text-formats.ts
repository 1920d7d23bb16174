// The plain text formats of public lists: `domains` and `wildcard` (one name a line) and `hosts` (hosts(5)).
//
// The same file blocks different sets under different readings, so the reading is part of the format:
//   domains    `name` is the name and everything below it, or the name only when the caller asks for exact names;
//              `*.name` is everything below the name; `.name` the name and everything below it, as Squid writes it
//   wildcard   `name` is the name only; `*.name` is the name and everything below it, which is what the publishers
//              of such lists mean and other resolvers do with them; `.name` is the same. Where most lines are plain,
//              the list is probably one of `domains`, and refuses less than its author meant: the log notes it
//   hosts      exactly the names of the line; its address is ignored, and `0` is one
// Comments start with `#`, in hosts without a blank before it, and at the start of a line with `!`, `;` or `[Adblock`. One pass over the bytes in pieces
// of a fixed size; nothing is kept.
import { createAddress, parseAddress } from '../../base/base.ts';
import { NAME_LENGTH_MAX } from '../../wire/dns/dns.ts';
import { MATCH, type Match, type RuleSink } from '../policy.ts';
import type { DiagnosticLog } from './diagnostic.ts';
import {
  beforeComment,
  type ContentEnd,
  fieldEnd,
  forEachLine,
  isBlank,
  type LineVisitor,
  textOf,
} from './lines.ts';
import type { ListBytes } from './list-file.ts';
import { readListName } from './list-name.ts';

export { lineText } from './lines.ts';

/** Names that hosts files give to the machine itself and to multicast groups; never rules. */
const LOCAL_NAMES: ReadonlySet<string> = new Set([
  '0.0.0.0',
  'broadcasthost',
  'ip6-allhosts',
  'ip6-allnodes',
  'ip6-allrouters',
  'ip6-localhost',
  'ip6-localnet',
  'ip6-loopback',
  'ip6-mcastprefix',
  'local',
  'localhost',
  'localhost.localdomain',
]);

/** The unspecified address in the short and padded forms of inet_aton(3), which publishers write. */
const ZERO_ADDRESS = /^0+(?:\.0+){0,3}$/;

const HASH = 0x23;
const STAR = 0x2a;
const DOT = 0x2e;

/** Streams the names of a `domains` list into the sink. */
export const feedDomains = (
  read: ListBytes,
  sink: RuleSink,
  log: DiagnosticLog,
  match: 'suffix' | 'exact' = 'suffix',
): void => {
  feedNames(read, sink, log, match === 'suffix' ? MATCH.SUFFIX : MATCH.EXACT, MATCH.WILDCARD);
};

/** Streams the names of a `wildcard` list into the sink. */
export const feedWildcards = (read: ListBytes, sink: RuleSink, log: DiagnosticLog): void => {
  const { plain, starred } = feedNames(read, sink, log, MATCH.EXACT, MATCH.SUFFIX);
  if (plain > starred) log.note('wildcard-plain', plain, plain + starred);
};

/** Lines of each kind that were taken. */
interface NameCounts {
  readonly plain: number;
  readonly starred: number;
}

const feedNames = (
  read: ListBytes,
  sink: RuleSink,
  log: DiagnosticLog,
  plainMatch: Match,
  starMatch: Match,
): NameCounts => {
  const name = new Uint8Array(NAME_LENGTH_MAX);
  let plain = 0;
  let starred = 0;
  forEachLine(read, log, (bytes, start, end, line, lineStart) => {
    const nameEnd = fieldEnd(bytes, start, end);
    if (nameEnd < end) {
      log.add('extra-text', line, nameEnd - lineStart + 1, textOf(bytes, start, end));
      return;
    }
    const hasStar = bytes[start] === STAR && bytes[start + 1] === DOT;
    const hasDot = bytes[start] === DOT;
    const length = readListName(bytes, start + (hasStar ? 2 : hasDot ? 1 : 0), end, name);
    if (typeof length === 'string') {
      log.add(length, line, start - lineStart + 1, textOf(bytes, start, end));
      return;
    }
    if (hasStar || hasDot) starred++;
    else plain++;
    sink.addName(hasDot ? MATCH.SUFFIX : hasStar ? starMatch : plainMatch, name, length, line);
  });
  return { plain, starred };
};

/** In hosts(5) a comment needs no blank before it: no name and no address holds a `#`. */
const beforeHash: ContentEnd = (bytes, start, lineEnd) => {
  let end = start;
  const commentStart = beforeComment(bytes, start, lineEnd);
  while (end < commentStart && bytes[end] !== HASH) end++;
  while (end > start && isBlank(bytes[end - 1])) end--;
  return end;
};

/** Streams the names of a `hosts` file into the sink. */
export const feedHosts = (read: ListBytes, sink: RuleSink, log: DiagnosticLog): void => {
  const hosts = new HostsLines(sink, log);
  const visit: LineVisitor = (bytes, start, end, line, lineStart) => {
    hosts.take(bytes, start, end, line, lineStart);
  };
  forEachLine(read, log, visit, beforeHash);
};

/** Reads lines of the hosts format, alone or among the lines of another format. */
export class HostsLines {
  readonly #sink: RuleSink;
  readonly #log: DiagnosticLog;
  readonly #name = new Uint8Array(NAME_LENGTH_MAX);
  readonly #address = createAddress();

  constructor(sink: RuleSink, log: DiagnosticLog) {
    this.#sink = sink;
    this.#log = log;
  }

  /** Takes the content of one line, in the manner of a LineVisitor. */
  take(bytes: Uint8Array, start: number, end: number, line: number, lineStart: number): void {
    let at = fieldEnd(bytes, start, end);
    const address = textOf(bytes, start, at);
    if (!parseAddress(address, this.#address) && !ZERO_ADDRESS.test(address)) {
      this.#log.add('hosts-address', line, start - lineStart + 1, address);
      return;
    }
    while (at < end) {
      while (isBlank(bytes[at])) at++;
      const nameEnd = fieldEnd(bytes, at, end);
      const text = textOf(bytes, at, nameEnd);
      if (!LOCAL_NAMES.has(text.toLowerCase())) {
        const length = readListName(bytes, at, nameEnd, this.#name);
        if (typeof length === 'string') this.#log.add(length, line, at - lineStart + 1, text);
        else this.#sink.addName(MATCH.EXACT, this.#name, length, line);
      }
      at = nameEnd;
    }
  }
}
