// The format `unbound`: lines of unbound.conf(5) that answer for names instead of resolving them.
//
//   local-zone: "name" TYPE       a suffix: refused by the types that answer themselves, whatever they answer;
//                                 passthru for the transparent types, which let names through
//   local-data: "name A 0.0.0.0"  the name only, when the address is one that no client can use
//
// `server:` and comments are passed over. Refused are zone types that do neither, such as block_a and truncate,
// records with other data, because a list does not choose what clients are sent to, and every other option.
import { NAME_LENGTH_MAX } from '../../wire/dns/dns.ts';
import { MATCH, type RuleSink } from '../policy.ts';
import type { DiagnosticCode, DiagnosticLog } from './diagnostic.ts';
import { forEachLine, textOf } from './lines.ts';
import type { ListBytes } from './list-file.ts';
import { readListName } from './list-name.ts';
import { PASSTHRU } from './rule-terms.ts';

const REFUSING_TYPES: ReadonlySet<string> = new Set([
  'always_deny',
  'always_nodata',
  'always_null',
  'always_nxdomain',
  'always_refuse',
  'deny',
  'inform_deny',
  'inform_redirect',
  'redirect',
  'refuse',
  'static',
]);
const PASSING_TYPES: ReadonlySet<string> = new Set(['always_transparent', 'transparent', 'typetransparent']);

const OPTION = /^([a-z-]+):\s*(.*)$/;
const ZONE = /^("[^"]*"|'[^']*'|[^\s"']+)\s+["']?([a-z_]+)["']?$/;
const DATA = /^(?:"([^"]*)"|'([^']*)')$/;
/** Owner, TTL and class where they stand, type, address. */
const RECORD = /^(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(?:A|AAAA)\s+(\S+)$/i;
const UNUSABLE_ADDRESSES: ReadonlySet<string> = new Set(['0.0.0.0', '127.0.0.1', '::', '::1']);

/** Streams the zones and records of an `unbound` list into the sink. */
export const feedUnbound = (read: ListBytes, sink: RuleSink, log: DiagnosticLog): void => {
  const lines = new UnboundLines(sink);
  forEachLine(read, log, (bytes, start, end, line, lineStart) => {
    const text = textOf(bytes, start, end);
    const fault = lines.take(text, line);
    if (fault === undefined) return;
    const column = start - lineStart + 1 + Buffer.byteLength(text.slice(0, fault.at));
    log.add(fault.code, line, column, text);
  });
};

/** A diagnostic without its line; `at` counts characters from the start of the line's content. */
interface Fault {
  readonly code: DiagnosticCode;
  readonly at: number;
}

class UnboundLines {
  readonly #sink: RuleSink;
  readonly #name = new Uint8Array(NAME_LENGTH_MAX);

  constructor(sink: RuleSink) {
    this.#sink = sink;
  }

  take(text: string, line: number): Fault | undefined {
    const [, option, value = ''] = OPTION.exec(text) ?? [];
    const at = text.length - value.length;
    if (option === 'server' && value === '') return undefined;
    if (option === 'local-zone') return this.#takeZone(value, at, line);
    if (option === 'local-data') return this.#takeData(value, at, line);
    return { code: 'unbound-option', at: 0 };
  }

  #takeZone(value: string, at: number, line: number): Fault | undefined {
    const [, quoted = '', type = ''] = ZONE.exec(value) ?? [];
    if (quoted === '') return { code: 'unbound-syntax', at };
    const isPassing = PASSING_TYPES.has(type);
    if (!isPassing && !REFUSING_TYPES.has(type))
      return { code: 'unbound-zone-type', at: at + value.lastIndexOf(type) };
    const isQuoted = /^["']/.test(quoted);
    const name = isQuoted ? quoted.slice(1, -1) : quoted;
    const length = this.#read(name);
    if (typeof length === 'string') return { code: length, at: at + (isQuoted ? 1 : 0) };
    this.#sink.addName(MATCH.SUFFIX, this.#name, length, line, isPassing ? PASSTHRU : undefined);
    return undefined;
  }

  #takeData(value: string, at: number, line: number): Fault | undefined {
    const found = DATA.exec(value);
    if (found === null) return { code: 'unbound-syntax', at };
    const [, name = '', address = ''] = RECORD.exec((found[1] ?? found[2] ?? '').trim()) ?? [];
    if (!UNUSABLE_ADDRESSES.has(address)) {
      return { code: 'unbound-data', at: at + 1 };
    }
    const length = this.#read(name);
    if (typeof length === 'string') return { code: length, at: at + 1 };
    this.#sink.addName(MATCH.EXACT, this.#name, length, line);
    return undefined;
  }

  #read(name: string): ReturnType<typeof readListName> {
    const bytes = Buffer.from(name, 'utf8');
    return readListName(bytes, 0, bytes.length, this.#name);
  }
}
