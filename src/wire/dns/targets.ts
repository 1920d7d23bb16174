// Where an answer leads: every alias target, service target, address and hint of a message, collected once when
// the answer arrives, so that policy can judge them on every use without reading the message again.
//
// Owners count as well as targets: a record for another name than the one asked is as good as an alias to it.
// A DNAME (RFC 6672) also yields the name that a client would synthesize from it, in case the CNAME is missing.
// An IPv6 address that embeds IPv4 addresses leads to all of them (embedded-ipv4.ts).
import { type AddressWords, createAddress, isIpv4, readIpv4, readIpv6 } from '../../base/base.ts';
import { EMBEDDED_IPV4_MAX, readEmbeddedIpv4 } from './embedded-ipv4.ts';
import { type RecordReader, readU16, SECTION } from './message.ts';
import { expandName, foldName, isInZone } from './name.ts';
import { hashName } from './name-list.ts';
import { CLASS, HEADER_LENGTH, NAME_LENGTH_MAX, TYPE } from './registry.ts';
import { visitService } from './svcb.ts';

/** A compression pointer to the question's name. */
const QNAME_POINTER = 0xc000 | HEADER_LENGTH;
/** The first byte of a compression pointer, and not of a label. */
const POINTER = 0xc0;

/** What a rule matched: the question, the client, or how a name or an address came to stand in an answer. */
export const TRIGGER = {
  QNAME: 0,
  CNAME: 1,
  DNAME: 2,
  SERVICE_TARGET: 3,
  RESPONSE_IP: 4,
  SERVICE_HINT: 5,
  /** Who asks. */
  CLIENT_IP: 6,
} as const;

/**
 * Most names of one answer that are followed. Resolvers give up after 8 to 17 aliases (BIND max-query-restarts 11,
 * unbound 11); an RRset of service records has a handful. An answer with more is not usable: see `overflow`.
 */
const TARGET_NAMES_MAX = 128;
/** Names up to which comparing their bytes costs less than hashing them: what an ordinary answer has. */
const FEW_NAMES = 4;
/** Places of names by hash, so that as many names are found as are written: half of them stay free. */
const SLOTS = 2 * TARGET_NAMES_MAX;
/** Most DNAME records that are followed, each with a CNAME. Real answers have one or two. */
const DNAMES_MAX = 8;
/** Names that DNAMEs make of others, those included that were there: not so many of each name as there are DNAMEs. */
const DERIVED_MAX = TARGET_NAMES_MAX;
/** Most addresses, embedded ones included: more than a UDP answer can hold, fewer than the 4,000 that fill 64 KiB. */
const TARGET_ADDRESSES_MAX = 1024;

/** Words per address in Targets.addresses: the trigger, then the four words of the address. */
export const TARGET_ADDRESS_WORDS = 5;

/** Bytes that all names of one answer take at most, each with its trigger and length. */
const TARGET_NAMES_BYTES = TARGET_NAMES_MAX * (2 + NAME_LENGTH_MAX);

/** Where the names and addresses lie that one answer leads to. */
export interface Targets {
  /** From `namesStart` to `namesEnd`, runs of [trigger][length][folded wire name]; names equal to QNAME are left out. */
  readonly names: Uint8Array;
  readonly namesStart: number;
  readonly namesEnd: number;
  /** From `addressesStart` to `addressesEnd`, runs of TARGET_ADDRESS_WORDS. */
  readonly addresses: Uint32Array;
  readonly addressesStart: number;
  readonly addressesEnd: number;
  /** True when there were more than the bounds allow or a record could not be read: never serve such an answer. */
  readonly overflow: boolean;
}

const scratch = new Uint8Array(NAME_LENGTH_MAX);
const derived = new Uint8Array(NAME_LENGTH_MAX);
const words = createAddress();
const embedded = createAddress();
const embeddedWords = new Uint32Array(EMBEDDED_IPV4_MAX);

/**
 * Collects the targets of answers, one answer after another, in memory that it keeps: begin(), add() each record of
 * ANSWER and AUTHORITY, finish(). What it found is valid until the next begin().
 */
export class TargetCollector implements Targets {
  readonly names = new Uint8Array(TARGET_NAMES_BYTES);
  readonly namesStart = 0;
  namesEnd = 0;
  readonly addresses = new Uint32Array(TARGET_ADDRESSES_MAX * TARGET_ADDRESS_WORDS);
  readonly addressesStart = 0;
  addressesEnd = 0;
  overflow = false;
  #bytes: Uint8Array = scratch;
  #end = 0;
  #qname: Uint8Array = scratch;
  #nameCount = 0;
  /** Of the names that are kept, where these are not few: where each begins, and 1 more, at the place of its hash or behind. */
  readonly #slots = new Uint16Array(SLOTS);
  /** Their hashes, at the same places: bytes are compared where these are equal. */
  readonly #hashes = new Int32Array(SLOTS);
  /** The pointer that the last name was: the records of one RRset have one owner. */
  #lastPointer = 0;
  /** Owner and target of each DNAME: rare, so they may be objects. */
  #dnames: { owner: Uint8Array; target: Uint8Array }[] = [];

  /** Starts with a message of `end` bytes; `qname` is the folded name that was asked. */
  begin(bytes: Uint8Array, end: number, qname: Uint8Array): void {
    this.#bytes = bytes;
    this.#end = end;
    this.#qname = qname;
    if (this.#nameCount >= FEW_NAMES) this.#slots.fill(0);
    this.#nameCount = 0;
    this.#lastPointer = 0;
    this.namesEnd = 0;
    this.addressesEnd = 0;
    this.overflow = false;
    if (this.#dnames.length > 0) this.#dnames = [];
  }

  /** Adds what the reader's current record leads to. */
  add(record: RecordReader): void {
    if (record.class !== CLASS.IN || this.overflow) return;
    switch (record.type) {
      case TYPE.A:
      case TYPE.AAAA:
        this.#addName(TRIGGER.CNAME, record.ownerOffset);
        // A client that is less strict would still find an address in such a record.
        if (record.rdataLength !== (record.type === TYPE.A ? 4 : 16)) this.overflow = true;
        else this.#addAddress(TRIGGER.RESPONSE_IP, record.rdataOffset, record.rdataLength);
        return;
      case TYPE.CNAME:
        this.#addName(TRIGGER.CNAME, record.ownerOffset);
        this.#addName(TRIGGER.CNAME, record.rdataOffset);
        return;
      case TYPE.DNAME:
        this.#addDname(record);
        return;
      case TYPE.SVCB:
      case TYPE.HTTPS:
        this.#addService(record);
        return;
      default:
        // AUTHORITY holds names that lead nowhere: zones and hashes.
        if (record.section === SECTION.ANSWER) this.#addName(TRIGGER.CNAME, record.ownerOffset);
    }
  }

  /** Adds what follows from the records together. */
  finish(): void {
    if (this.#dnames.length > 0) this.#synthesize();
  }

  #addDname(record: RecordReader): void {
    if (this.#dnames.length === DNAMES_MAX) {
      this.overflow = true;
      return;
    }
    this.#addName(TRIGGER.DNAME, record.ownerOffset);
    const owner = this.#copyName(record.ownerOffset);
    this.#addName(TRIGGER.DNAME, record.rdataOffset);
    const target = this.#copyName(record.rdataOffset);
    if (owner !== undefined && target !== undefined) this.#dnames.push({ owner, target });
  }

  /** Names that a client derives from a DNAME (RFC 6672 section 2.2); the new ones may fall under another DNAME. */
  #synthesize(): void {
    const chain = [this.#qname];
    for (let at = 0; at < this.namesEnd; ) {
      const end = at + 2 + (this.names[at + 1] ?? 0);
      chain.push(this.names.slice(at + 2, end));
      at = end;
    }
    let count = 0;
    for (let i = 0; i < chain.length && i < TARGET_NAMES_MAX; i++) {
      const name = chain[i] ?? this.#qname;
      for (const { owner, target } of this.#dnames) {
        if (name.length <= owner.length || !isInZone(name, owner)) continue;
        const prefixLength = name.length - owner.length;
        if (prefixLength + target.length > NAME_LENGTH_MAX) continue;
        if (count++ === DERIVED_MAX) {
          this.overflow = true;
          return;
        }
        const length = prefixLength + target.length;
        derived.set(name.subarray(0, prefixLength));
        derived.set(target, prefixLength);
        if (this.#keepName(TRIGGER.DNAME, derived, length)) chain.push(derived.slice(0, length));
      }
    }
  }

  #addService(record: RecordReader): void {
    this.#addName(TRIGGER.SERVICE_TARGET, record.ownerOffset);
    const sound = visitService(this.#bytes, record.rdataOffset, record.rdataLength, {
      target: (offset) => {
        // The root stands for the owner (ServiceMode) or "no service" (AliasMode), RFC 9460 section 2.5.
        if (this.#bytes[offset] !== 0) this.#addName(TRIGGER.SERVICE_TARGET, offset);
      },
      hint: (offset, length) => {
        this.#addAddress(TRIGGER.SERVICE_HINT, offset, length);
      },
    });
    if (!sound) this.overflow = true;
  }

  #addName(trigger: number, offset: number): void {
    // The usual owner: a pointer to QNAME itself.
    const pointer = readU16(this.#bytes, offset);
    if (pointer === QNAME_POINTER || (pointer === this.#lastPointer && pointer >= POINTER << 8)) return;
    this.#lastPointer = pointer;
    const length = expandName(this.#bytes, offset, this.#end, scratch, 0);
    if (length < 0) {
      this.overflow = true;
      return;
    }
    foldName(scratch, 0, length);
    this.#keepName(trigger, scratch, length);
  }

  #copyName(offset: number): Uint8Array | undefined {
    const length = expandName(this.#bytes, offset, this.#end, scratch, 0);
    if (length < 0) return undefined;
    foldName(scratch, 0, length);
    return scratch.slice(0, length);
  }

  /** Keeps a name unless it is QNAME or there already; true when it was kept. */
  #keepName(trigger: number, name: Uint8Array, length: number): boolean {
    const qname = this.#qname;
    if (length === qname.length && isEqual(name, qname, 0, length)) return false;
    const isHashed = this.#nameCount >= FEW_NAMES;
    const hash = isHashed ? hashName(name, length) : 0;
    if (isHashed ? this.#isAmongMany(name, length, hash) : this.#isAmongFew(name, length)) return false;
    if (this.#nameCount >= TARGET_NAMES_MAX) {
      this.overflow = true;
      return false;
    }
    const kept = this.names;
    const at = this.namesEnd;
    kept[at] = trigger;
    kept[at + 1] = length;
    for (let i = 0; i < length; i++) kept[at + 2 + i] = name[i] ?? 0;
    this.namesEnd = at + 2 + length;
    if (isHashed) this.#place(hash, at);
    if (++this.#nameCount === FEW_NAMES) this.#placeAll();
    return true;
  }

  #isAmongFew(name: Uint8Array, length: number): boolean {
    const kept = this.names;
    for (let at = 0; at < this.namesEnd; at += 2 + (kept[at + 1] ?? 0))
      if (kept[at + 1] === length && isEqual(name, kept, at + 2, length)) return true;
    return false;
  }

  #isAmongMany(name: Uint8Array, length: number, hash: number): boolean {
    const kept = this.names;
    for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const at = (this.#slots[slot] ?? 0) - 1;
      if (at < 0) return false;
      if (this.#hashes[slot] === hash && kept[at + 1] === length && isEqual(name, kept, at + 2, length))
        return true;
    }
  }

  #place(hash: number, at: number): void {
    let slot = hash & (SLOTS - 1);
    while (this.#slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    this.#slots[slot] = at + 1;
    this.#hashes[slot] = hash;
  }

  /** Places what was kept while there were few names. */
  #placeAll(): void {
    const kept = this.names;
    for (let at = 0; at < this.namesEnd; ) {
      const length = kept[at + 1] ?? 0;
      this.#place(hashName(kept.subarray(at + 2, at + 2 + length), length), at);
      at += 2 + length;
    }
  }

  #addAddress(trigger: number, offset: number, length: number): void {
    if (length === 4) {
      readIpv4(this.#bytes, offset, words);
      this.#keepAddress(trigger, words);
      return;
    }
    // The mapped form is read as the IPv4 address that it is.
    readIpv6(this.#bytes, offset, words);
    this.#keepAddress(trigger, words);
    if (isIpv4(words)) return;
    const count = readEmbeddedIpv4(words, embeddedWords);
    for (let i = 0; i < count; i++) {
      embedded[2] = 0xffff;
      embedded[3] = embeddedWords[i] ?? 0;
      this.#keepAddress(trigger, embedded);
    }
  }

  #keepAddress(trigger: number, address: AddressWords): void {
    const kept = this.addresses;
    const at = this.addressesEnd;
    if (at >= kept.length) {
      this.overflow = true;
      return;
    }
    kept[at] = trigger;
    for (let i = 0; i < 4; i++) kept[at + 1 + i] = address[i] ?? 0;
    this.addressesEnd = at + TARGET_ADDRESS_WORDS;
  }
}

/** True when the `length` bytes of `a` are those of `b` from `offset` on. */
const isEqual = (a: Uint8Array, b: Uint8Array, offset: number, length: number): boolean => {
  for (let i = 0; i < length; i++) if (a[i] !== b[offset + i]) return false;
  return true;
};
