// The format `dnsmasq`: lines of dnsmasq.conf(5) that keep names from being resolved.
//
//   address=/name/name/TARGET    TARGET is an address, `#` or nothing; whichever it is, the names are refused
//   server=/name/  local=/name/  never forwarded: without an answer of dnsmasq's own
//
// dnsmasq applies each to the name and everything below it, whether a dot stands before the name or not; with `*.` before
// it, to what is below it only. This reading does the same. A star without its dot (`/*name/`) also takes longer names,
// and is refused. Everything else that a
// dnsmasq.conf can hold is refused: a `server` with an address forwards, `#` as a server makes an exception to another
// line, and no other option speaks of names to refuse. Comments are those of the other text formats.
import { createAddress, parseAddress } from '../../base/base.ts';
import { NAME_LENGTH_MAX } from '../../wire/dns/dns.ts';
import { MATCH, type RuleSink } from '../policy.ts';
import type { DiagnosticCode, DiagnosticLog } from './diagnostic.ts';
import { forEachLine, isBlank, textOf } from './lines.ts';
import type { ListBytes } from './list-file.ts';
import { readListName } from './list-name.ts';

const STAR = 0x2a;
const DOT = 0x2e;
const SLASH = 0x2f;
const EQUALS = 0x3d;

/** Streams the names of a `dnsmasq` list into the sink. */
export const feedDnsmasq = (read: ListBytes, sink: RuleSink, log: DiagnosticLog): void => {
  const name = new Uint8Array(NAME_LENGTH_MAX);
  const address = createAddress();
  /** Why a line with this option, and with `tail` behind its last slash, is not taken; undefined when it is. */
  const faultOf = (option: string, tail: string): DiagnosticCode | undefined => {
    if (option === 'address') {
      return tail === '' || tail === '#' || parseAddress(tail, address) ? undefined : 'dnsmasq-address';
    }
    if (option !== 'server' && option !== 'local') return 'dnsmasq-option';
    return tail === '' ? undefined : 'dnsmasq-server';
  };
  forEachLine(read, log, (bytes, start, end, line, lineStart) => {
    let equals = start;
    while (equals < end && bytes[equals] !== EQUALS) equals++;
    let first = equals + 1;
    while (first < end && isBlank(bytes[first])) first++;
    let last = end - 1;
    while (last > first && bytes[last] !== SLASH) last--;
    const hasNames = bytes[first] === SLASH && last > first;
    const tail = hasNames ? textOf(bytes, last + 1, end) : '';
    const option = textOf(bytes, start, Math.min(equals, end)).trimEnd();
    const fault = hasNames ? faultOf(option, tail) : 'dnsmasq-option';
    if (fault !== undefined) {
      const at = hasNames && fault !== 'dnsmasq-option' ? last + 1 : start;
      log.add(fault, line, at - lineStart + 1, textOf(bytes, start, end));
      return;
    }
    for (let at = first + 1; at <= last; ) {
      let nameEnd = at;
      while (bytes[nameEnd] !== SLASH) nameEnd++;
      const hasStar = bytes[at] === STAR && bytes[at + 1] === DOT;
      const nameStart = at + (hasStar ? 2 : bytes[at] === DOT ? 1 : 0);
      const length = readListName(bytes, nameStart, nameEnd, name);
      if (typeof length === 'string') log.add(length, line, at - lineStart + 1, textOf(bytes, at, nameEnd));
      else sink.addName(hasStar ? MATCH.WILDCARD : MATCH.SUFFIX, name, length, line);
      at = nameEnd + 1;
    }
  });
};
