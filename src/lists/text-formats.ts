// The plain text formats of public lists: `domains` and `wildcard` (one name a line) and `hosts` (hosts(5)).
//
// The same file blocks different sets under different readings, so the reading is part of the format:
//   domains    `name` is the name and everything below it, or the name only when the caller asks for exact names;
//              `*.name` is everything below the name
//   wildcard   `name` is the name only; `*.name` is the name and everything below it, which is what the publishers
//              of such lists mean and other resolvers do with them
//   hosts      exactly the names of the line; its address is ignored
// Comments start with `#`, and at the start of a line with `!`, `;` or `[Adblock`. One pass over the bytes in pieces
// of a fixed size; nothing is kept.
import { createAddress, parseAddress } from '../base/base.ts';
import { NAME_LENGTH_MAX } from '../dns/dns.ts';
import { MATCH, type Match, type RuleSink } from '../policy/policy.ts';
import type { DiagnosticLog } from './diagnostic.ts';
import { fieldEnd, forEachLine, isBlank, textOf } from './lines.ts';
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
  feedNames(read, sink, log, MATCH.EXACT, MATCH.SUFFIX);
};

const feedNames = (
  read: ListBytes,
  sink: RuleSink,
  log: DiagnosticLog,
  plainMatch: Match,
  starMatch: Match,
): void => {
  const name = new Uint8Array(NAME_LENGTH_MAX);
  forEachLine(read, log, (bytes, start, end, line, lineStart) => {
    const nameEnd = fieldEnd(bytes, start, end);
    if (nameEnd < end) {
      log.add('extra-text', line, nameEnd - lineStart + 1, textOf(bytes, start, end));
      return;
    }
    const hasStar = bytes[start] === STAR && bytes[start + 1] === DOT;
    const length = readListName(bytes, hasStar ? start + 2 : start, end, name);
    if (typeof length === 'string') log.add(length, line, start - lineStart + 1, textOf(bytes, start, end));
    else sink.addName(hasStar ? starMatch : plainMatch, name, length, line);
  });
};

/** Streams the names of a `hosts` file into the sink. */
export const feedHosts = (read: ListBytes, sink: RuleSink, log: DiagnosticLog): void => {
  const hosts = new HostsLines(sink, log);
  forEachLine(read, log, (bytes, start, end, line, lineStart) => {
    hosts.take(bytes, start, end, line, lineStart);
  });
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
    if (!parseAddress(textOf(bytes, start, at), this.#address)) {
      this.#log.add('hosts-address', line, start - lineStart + 1, textOf(bytes, start, at));
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
