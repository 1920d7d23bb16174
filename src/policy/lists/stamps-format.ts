// The format `stamps`: DNS stamps (https://dnscrypt.info/stamps-specifications) among other text, as
// DNSCrypt/dnscrypt-resolvers publishes them, signed with minisign. A line that begins with `sdns://` is a stamp; every other
// line is prose and passed over.
//
// Of a stamp, the name of the server is refused (the name only), and answers with its address. An address that
// content delivery shares is left out and told: it is the site of many. Every byte of a stamp is foreign: lengths are
// bounded before they are used.
import { parsePrefix } from '../../base/base.ts';
import { NAME_LENGTH_MAX } from '../../wire/dns/dns.ts';
import { MATCH, type RuleSink } from '../policy.ts';
import { AddressGuards } from './address-guards.ts';
import { NEVER_BLOCK_ADDRESSES_FILE } from './catalog.ts';
import type { DiagnosticLog } from './diagnostic.ts';
import { forEachLine, textOf } from './lines.ts';
import type { ListBytes } from './list-file.ts';
import { readListName } from './list-name.ts';

const SCHEME = 'sdns://';
/** Characters of a stamp: its fields have 255 bytes each, and hashes and bootstrap resolvers few of them. */
const STAMP_LENGTH_MAX = 4096;
const PROPERTIES_BYTES = 8;
const LENGTH_MASK = 0x7f;
const MORE = 0x80;

/** What stands behind protocol and properties: an address, hashes, the name of a host; other fields are passed over. */
const FIELDS: ReadonlyMap<number, readonly ('address' | 'hashes' | 'host')[]> = new Map([
  [0x00, ['address']],
  [0x01, ['address']],
  [0x02, ['address', 'hashes', 'host']],
  [0x03, ['address', 'hashes', 'host']],
  [0x04, ['address', 'hashes', 'host']],
  [0x05, ['host']],
  [0x81, ['address']],
  [0x85, ['address', 'hashes', 'host']],
]);
/** A relay of DNSCrypt has no properties. */
const WITHOUT_PROPERTIES = 0x81;

/** Streams the names and addresses of stamps into the sink. */
export const feedStamps = (read: ListBytes, sink: RuleSink, log: DiagnosticLog): void => {
  const guards = AddressGuards.load(NEVER_BLOCK_ADDRESSES_FILE);
  const name = new Uint8Array(NAME_LENGTH_MAX);
  let shared = 0;
  forEachLine(read, log, (bytes, start, end, line, lineStart) => {
    const text = textOf(bytes, start, end);
    if (!text.startsWith(SCHEME)) return;
    const column = start - lineStart + 1;
    const server = readServer(text.slice(SCHEME.length));
    if (server === undefined) {
      log.add('stamp', line, column, text);
      return;
    }
    for (const place of [server.host, server.address]) {
      if (place === '') continue;
      const prefix = parsePrefix(place);
      if (prefix !== undefined) {
        if (guards.cut(prefix).left.length > 0) sink.addPrefix(prefix, line);
        else shared++;
        continue;
      }
      const wire = Buffer.from(place, 'utf8');
      const length = readListName(wire, 0, wire.length, name);
      if (typeof length === 'string') log.add(length, line, column, place);
      else sink.addName(MATCH.EXACT, name, length, line);
    }
  });
  if (shared > 0) log.note('stamp-shared', shared);
};

interface Server {
  /** Without port and brackets; empty when the stamp has none. */
  readonly address: string;
  readonly host: string;
}

/** The server of a stamp; undefined for what is none. */
const readServer = (text: string): Server | undefined => {
  const digits = text.replace(/={1,2}$/, '');
  if (digits.length > STAMP_LENGTH_MAX || !/^[A-Za-z0-9_-]+$/.test(digits) || digits.length % 4 === 1)
    return undefined;
  const bytes = Buffer.from(digits, 'base64url');
  const protocol = bytes[0] ?? -1;
  const fields = FIELDS.get(protocol);
  if (fields === undefined) return undefined;
  const found = { address: '', host: '' };
  let at = protocol === WITHOUT_PROPERTIES ? 1 : 1 + PROPERTIES_BYTES;
  for (const field of fields) {
    const end = field === 'hashes' ? hashesEnd(bytes, at) : at + 1 + (bytes[at] ?? bytes.length);
    if (end > bytes.length) return undefined;
    if (field !== 'hashes') found[field] = withoutPort(bytes.toString('latin1', at + 1, end));
    at = end;
  }
  return found;
};

/** Several values: the high bit of a length says that another one follows. Beyond the end for what is cut off. */
const hashesEnd = (bytes: Buffer, start: number): number => {
  for (let at = start; at < bytes.length; ) {
    const length = bytes[at] ?? 0;
    at += 1 + (length & LENGTH_MASK);
    if ((length & MORE) === 0) return at;
  }
  return bytes.length + 1;
};

/** `192.0.2.1:443`, `[2001:db8::1]:443`, `dns.example.net:443`. */
const withoutPort = (text: string): string =>
  /^\[([0-9a-fA-F:.]+)\](?::\d+)?$/.exec(text)?.[1] ?? text.replace(/:\d*$/, '');
