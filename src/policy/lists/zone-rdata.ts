// RDATA of a master file: the words of an entry made absolute, then read as the room dns reads presentation
// format.
//
// What makes a master file different from a record on its own are names without a final dot, so the table
// here says which words are names. The generic form of RFC 3597 holds for every type, and is held against the
// layout of the type when that is known: a record of four bytes that should have sixteen must not reach a
// client.
import { isAppError } from '../../base/base.ts';
import { formatName, formatRdata, NAME_LENGTH_MAX, parseRdata, TYPE } from '../../wire/dns/dns.ts';
import type { DiagnosticCode } from './diagnostic.ts';
import type { ZoneEntryReader } from './zone-entry.ts';
import { readZoneName } from './zone-name.ts';
import { readZoneTtl, TTL_UNKNOWN } from './zone-ttl.ts';

/** The words of RDATA that are names, by type, counted from 0. */
const NAME_WORDS: ReadonlyMap<number, readonly number[]> = new Map<number, readonly number[]>([
  [TYPE.NS, [0]],
  [TYPE.MD, [0]],
  [TYPE.MF, [0]],
  [TYPE.CNAME, [0]],
  [TYPE.SOA, [0, 1]],
  [TYPE.MB, [0]],
  [TYPE.MG, [0]],
  [TYPE.MR, [0]],
  [TYPE.PTR, [0]],
  [TYPE.MINFO, [0, 1]],
  [TYPE.MX, [1]],
  [TYPE.RP, [0, 1]],
  [TYPE.AFSDB, [1]],
  [TYPE.RT, [1]],
  [TYPE.PX, [1, 2]],
  [TYPE.SRV, [3]],
  [TYPE.NAPTR, [5]],
  [TYPE.KX, [1]],
  [TYPE.DNAME, [0]],
  [TYPE.SVCB, [1]],
  [TYPE.HTTPS, [1]],
  [TYPE.LP, [1]],
]);

/** The types whose generic form is held against their layout. */
const CHECKED_TYPES: ReadonlySet<number> = new Set([
  ...NAME_WORDS.keys(),
  ...[TYPE.A, TYPE.AAAA, TYPE.TXT, TYPE.SPF, TYPE.HINFO, TYPE.CAA, TYPE.URI],
]);

/** The first word of a SOA that is a time: names and serial stand before it. */
const SOA_TIMER_WORD = 3;

/** The word that begins RDATA in the generic form. */
const GENERIC = '\\#';

/** Why and where words are not RDATA. */
export interface ZoneRdataFault {
  readonly code: DiagnosticCode;
  /** Index of the word, which may be the one after the last. */
  readonly word: number;
}

const scratch = new Uint8Array(NAME_LENGTH_MAX);

/** Reads the words of an entry from `firstWord` as RDATA: wire form, names whole. Allocates. */
export const readZoneRdata = (
  entry: ZoneEntryReader,
  firstWord: number,
  type: number,
  origin: Uint8Array,
  originLength: number,
): Uint8Array | ZoneRdataFault => {
  const isGeneric = firstWord < entry.wordCount && entry.text(firstWord) === GENERIC;
  const nameWords = isGeneric ? undefined : NAME_WORDS.get(type);
  const words: string[] = [];
  for (let word = firstWord; word < entry.wordCount; word++) {
    if (nameWords?.includes(word - firstWord) !== true) {
      const isTimer = type === TYPE.SOA && !isGeneric && word - firstWord >= SOA_TIMER_WORD;
      words.push(isTimer ? secondsOf(entry, word) : entry.text(word));
      continue;
    }
    const [start, end] = [entry.start(word), entry.end(word)];
    const length = readZoneName(entry.bytes, start, end, origin, originLength, scratch);
    if (typeof length === 'string') return { code: length, word };
    words.push(formatName(scratch.subarray(0, length)));
  }
  const rdata = parseWords(type, words.join(' '));
  if (rdata === undefined) return { code: 'zone-rdata', word: firstWord };
  // What does not fit the layout of its type is written in the generic form again.
  const isSound = !isGeneric || !CHECKED_TYPES.has(type) || !formatRdata(type, rdata).startsWith(GENERIC);
  return isSound ? rdata : { code: 'zone-rdata', word: firstWord };
};

/** A time as seconds; what is none stays, to be refused. */
const secondsOf = (entry: ZoneEntryReader, word: number): string => {
  const seconds = readZoneTtl(entry.bytes, entry.start(word), entry.end(word));
  return seconds === TTL_UNKNOWN ? entry.text(word) : String(seconds);
};

const parseWords = (type: number, text: string): Uint8Array | undefined => {
  try {
    return parseRdata(type, text);
  } catch (thrown) {
    if (isAppError(thrown)) return undefined;
    throw thrown;
  }
};
