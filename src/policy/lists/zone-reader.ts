// The records of a master file (RFC 1035 section 5), one at a time and without an object for each.
//
// Owner, TTL and class may be left out, names may be relative, $ORIGIN and $TTL (RFC 2308 section 4) are
// followed. $INCLUDE is refused: a list must not read files of the machine. The zone's apex is the origin
// that the caller knows, else the owner of the SOA at the top, else the first $ORIGIN, else the root, so that
// a file of relative names without any origin is read as it is meant. Only records of class IN in the zone
// are handed out.
import {
  CLASS,
  foldName,
  NAME_LENGTH_MAX,
  parseClass,
  parseType,
  readU32,
  TYPE,
} from '../../wire/dns/dns.ts';
import type { DiagnosticCode, DiagnosticLog } from './diagnostic.ts';
import type { ListBytes } from './list-file.ts';
import { ZoneEntryReader } from './zone-entry.ts';
import { readZoneName } from './zone-name.ts';
import { readZoneRdata } from './zone-rdata.ts';
import { readZoneTtl, TTL_SEC_MAX, TTL_UNKNOWN } from './zone-ttl.ts';

/** Types below are none, and those between are of questions and of messages only (RFC 6895 section 3.1). */
const DATA_TYPE_MIN = 1;
const QUERY_TYPE_MIN = 128;
const QUERY_TYPE_MAX = 255;

const DOLLAR = 0x24;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** Steps through the records of a zone. */
export class ZoneReader {
  /** The owner's wire form, folded. */
  readonly owner = new Uint8Array(NAME_LENGTH_MAX);
  /** Bytes of the owner before the apex; 0 at the apex. */
  localLength = 0;
  /** The line of the record, from 1. */
  line = 0;
  type = 0;
  /** TTL_UNKNOWN when neither the record nor anything before it tells. */
  ttlSec = TTL_UNKNOWN;
  /** The wire form of the apex, folded, of `apexLength` bytes; known from the first record on. */
  readonly apex = new Uint8Array(NAME_LENGTH_MAX);
  apexLength = 0;
  /** The serial of the SOA at the apex (RFC 1035 section 3.3.13); undefined before it was met. */
  serial: number | undefined;
  readonly #log: DiagnosticLog;
  readonly #entry: ZoneEntryReader;
  readonly #origin = new Uint8Array(NAME_LENGTH_MAX);
  #originLength = 1;
  #ownerLength = 0;
  #firstRdataWord = 0;
  /** What a record without a TTL has: of $TTL, else of the record before it, else of the SOA. */
  readonly #ttls = { ofFile: TTL_UNKNOWN, before: TTL_UNKNOWN, ofSoa: TTL_UNKNOWN };

  /** `origin` is the wire name of the zone when the caller knows it. What cannot be read is told to `log`. */
  constructor(read: ListBytes, log: DiagnosticLog, origin?: Uint8Array) {
    this.#log = log;
    this.#entry = new ZoneEntryReader(read, log);
    if (origin === undefined) return;
    this.#origin.set(origin);
    this.#originLength = origin.length;
    this.#setApex(origin, origin.length);
  }

  /** Moves to the next record; false at the end of the file. The SOA of the apex is one of them. */
  next(): boolean {
    while (this.#entry.next()) {
      const entry = this.#entry;
      if (entry.isOwnerFirst && entry.bytes[entry.start(0)] === DOLLAR) this.#readDirective();
      else if (this.#readRecord()) return true;
    }
    return false;
  }

  /**
   * Writes the name that the record's RDATA consists of into `out` (NAME_LENGTH_MAX bytes), letters kept.
   *
   * Returns its length, or 0 after a diagnostic.
   */
  readTarget(out: Uint8Array): number {
    const entry = this.#entry;
    const word = this.#firstRdataWord;
    if (entry.wordCount !== word + 1) {
      this.refuse('zone-rdata');
      return 0;
    }
    const [start, end] = [entry.start(word), entry.end(word)];
    const length = readZoneName(entry.bytes, start, end, this.#origin, this.#originLength, out);
    if (typeof length === 'number') return length;
    this.#refuseWord(length, word);
    return 0;
  }

  /** The RDATA of the record: wire form, names whole; undefined after a diagnostic. Allocates. */
  readRdata(): Uint8Array | undefined {
    const first = this.#firstRdataWord;
    const rdata = readZoneRdata(this.#entry, first, this.type, this.#origin, this.#originLength);
    if (rdata instanceof Uint8Array) return rdata;
    this.#refuseWord(rdata.code, rdata.word);
    return undefined;
  }

  /** The RDATA as it is written when it is one word; else undefined. Allocates. */
  rdataText(): string | undefined {
    const word = this.#firstRdataWord;
    return this.#entry.wordCount === word + 1 ? this.#entry.text(word) : undefined;
  }

  /** Reports the record at its owner, or at its first word when the owner is left out. */
  refuseOwner(code: DiagnosticCode): void {
    this.#refuseWord(code, 0);
  }

  /** Reports the record at its RDATA. */
  refuse(code: DiagnosticCode): void {
    this.#refuseWord(code, this.#firstRdataWord);
  }

  #refuseWord(code: DiagnosticCode, word: number): void {
    const entry = this.#entry;
    const place = Math.min(word, entry.wordCount - 1);
    this.#log.add(code, entry.line(place), entry.column(place), entry.text(place));
  }

  #readDirective(): void {
    const entry = this.#entry;
    const directive = entry.text(0).toUpperCase();
    if (directive === '$ORIGIN' && entry.wordCount === 2) this.#readOrigin();
    else if (directive === '$TTL' && entry.wordCount === 2) this.#readTtlDefault();
    else this.#refuseWord('zone-directive', 0);
  }

  #readOrigin(): void {
    const entry = this.#entry;
    const name = new Uint8Array(NAME_LENGTH_MAX);
    const [start, end] = [entry.start(1), entry.end(1)];
    const length = readZoneName(entry.bytes, start, end, this.#origin, this.#originLength, name);
    if (typeof length === 'string') {
      this.#refuseWord(length, 1);
    } else {
      this.#origin.set(name);
      this.#originLength = length;
    }
  }

  #readTtlDefault(): void {
    const ttlSec = this.#readTtl(1);
    if (ttlSec === TTL_UNKNOWN) this.#refuseWord('zone-ttl', 1);
    else this.#ttls.ofFile = ttlSec;
  }

  /** Reads owner, TTL, class and type; false when there is nothing to hand out. */
  #readRecord(): boolean {
    const entry = this.#entry;
    this.line = entry.line(0);
    if (!this.#readOwner()) return false;
    if (!this.#readFields(entry.isOwnerFirst ? 1 : 0)) return false;
    if (this.apexLength === 0) {
      const isSoa = this.type === TYPE.SOA;
      if (isSoa) this.#setApex(this.owner, this.#ownerLength);
      else this.#setApex(this.#origin, this.#originLength);
    }
    if (!this.#findApex()) {
      this.refuseOwner('zone-outside');
      return false;
    }
    return this.type !== TYPE.SOA || this.#readSoa();
  }

  #readOwner(): boolean {
    const entry = this.#entry;
    if (!entry.isOwnerFirst) {
      if (this.#ownerLength > 0) return true;
      this.refuseOwner('zone-owner');
      return false;
    }
    const [start, end] = [entry.start(0), entry.end(0)];
    const length = readZoneName(entry.bytes, start, end, this.#origin, this.#originLength, this.owner);
    if (typeof length === 'string') {
      // The records below it without an owner would go to a name that they do not belong to.
      this.#ownerLength = 0;
      this.#refuseWord(length, 0);
      return false;
    }
    foldName(this.owner, 0, length);
    this.#ownerLength = length;
    return true;
  }

  /** Reads TTL and class, each of which may be absent, in any order, and the type. */
  #readFields(firstWord: number): boolean {
    const entry = this.#entry;
    let ttlSec = TTL_UNKNOWN;
    let recordClass = 0;
    for (let word = firstWord; word < entry.wordCount; word++) {
      const first = entry.bytes[entry.start(word)] ?? 0;
      if (ttlSec === TTL_UNKNOWN && first >= DIGIT_0 && first <= DIGIT_9) {
        ttlSec = this.#readTtl(word);
        if (ttlSec !== TTL_UNKNOWN) continue;
        this.#refuseWord('zone-ttl', word);
        return false;
      }
      // The words of nearly every line of a large zone are told without a string.
      if (recordClass === 0 && this.#isWord(word, IN)) {
        recordClass = CLASS.IN;
        continue;
      }
      const type = this.#isWord(word, CNAME) ? TYPE.CNAME : this.#parseType(word);
      if (type !== undefined) {
        this.type = type;
        this.#firstRdataWord = word + 1;
        return this.#settle(ttlSec, recordClass, word);
      }
      const otherClass = recordClass === 0 ? parseClass(entry.text(word)) : undefined;
      if (otherClass === undefined) {
        this.#refuseWord('zone-type', word);
        return false;
      }
      recordClass = otherClass;
    }
    this.#refuseWord('zone-type', entry.wordCount - 1);
    return false;
  }

  #readTtl(word: number): number {
    return readZoneTtl(this.#entry.bytes, this.#entry.start(word), this.#entry.end(word));
  }

  #parseType(word: number): number | undefined {
    return parseType(this.#entry.text(word));
  }

  /** Fills in what the record leaves out; false when it is of no use. */
  #settle(ttlSec: number, recordClass: number, typeWord: number): boolean {
    if (recordClass !== 0 && recordClass !== CLASS.IN) {
      this.#refuseWord('zone-class', typeWord - 1);
      return false;
    }
    const { type } = this;
    if (!isDataType(type)) {
      this.#refuseWord('zone-type', typeWord);
      return false;
    }
    if (ttlSec !== TTL_UNKNOWN) this.#ttls.before = ttlSec;
    this.ttlSec = ttlSec;
    if (this.ttlSec === TTL_UNKNOWN) this.ttlSec = this.#ttls.ofFile;
    if (this.ttlSec === TTL_UNKNOWN) this.ttlSec = this.#ttls.before;
    if (this.ttlSec === TTL_UNKNOWN) this.ttlSec = this.#ttls.ofSoa;
    return true;
  }

  #isWord(word: number, folded: Uint8Array): boolean {
    const start = this.#entry.start(word);
    if (this.#entry.end(word) - start !== folded.length) return false;
    for (let i = 0; i < folded.length; i++) {
      // Sets the bit that tells small letters from capital ones; both words consist of letters.
      if (((this.#entry.bytes[start + i] ?? 0) | 0x20) !== folded[i]) return false;
    }
    return true;
  }

  #setApex(name: Uint8Array, length: number): void {
    this.apex.set(name.subarray(0, length));
    foldName(this.apex, 0, length);
    this.apexLength = length;
  }

  /** Sets localLength; false when the owner is not in the zone. */
  #findApex(): boolean {
    const start = this.#ownerLength - this.apexLength;
    if (start < 0) return false;
    let at = 0;
    while (at < start) at += (this.owner[at] ?? 0) + 1;
    if (at !== start) return false;
    for (let i = 0; i < this.apexLength; i++) {
      if (this.owner[start + i] !== this.apex[i]) return false;
    }
    this.localLength = start;
    return true;
  }

  #readSoa(): boolean {
    if (this.localLength > 0 || this.serial !== undefined) {
      this.refuseOwner('zone-soa');
      return false;
    }
    const rdata = this.readRdata();
    if (rdata === undefined) return false;
    // Five numbers of 32 bits end the RDATA: the serial first, the TTL of negative answers last.
    this.serial = readU32(rdata, rdata.length - 20);
    this.#ttls.ofSoa = Math.min(readU32(rdata, rdata.length - 4), TTL_SEC_MAX);
    return true;
  }
}

const isDataType = (type: number): boolean =>
  type >= DATA_TYPE_MIN && type !== TYPE.OPT && !(type >= QUERY_TYPE_MIN && type <= QUERY_TYPE_MAX);

const IN = Uint8Array.from(Buffer.from('in'));
const CNAME = Uint8Array.from(Buffer.from('cname'));
