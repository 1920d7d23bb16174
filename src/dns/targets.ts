// Where an answer leads: every alias target, service target, address and hint of a message, collected once when
// the answer arrives, so that policy can judge them on every use without reading the message again.
//
// Owners count as well as targets: a record for another name than the one asked is as good as an alias to it.
// A DNAME (RFC 6672) also yields the name that a client would synthesize from it, in case the CNAME is missing.
import { createAddress, readIpv4, readIpv6 } from '../base/base.ts';
import { RecordReader, SECTION } from './message.ts';
import { expandName, foldName, isInZone } from './name.ts';
import { CLASS, NAME_LENGTH_MAX, TYPE } from './registry.ts';
import { visitService } from './svcb.ts';

/** How a name or an address came to stand in an answer. */
export const TRIGGER = {
  QNAME: 0,
  CNAME: 1,
  DNAME: 2,
  SERVICE_TARGET: 3,
  RESPONSE_IP: 4,
  SERVICE_HINT: 5,
} as const;

/**
 * Most names of one answer that are followed. Resolvers give up after 8 to 17 aliases (BIND max-query-restarts 11,
 * unbound 11); an RRset of service records has a handful. An answer with more is not usable: see `overflow`.
 */
const TARGET_NAMES_MAX = 128;
/** Most addresses: more than a UDP answer can hold, fewer than the 4,000 that fill 64 KiB. */
const TARGET_ADDRESSES_MAX = 1024;
/** The well-known prefix of RFC 6052, whose last 32 bits are an IPv4 address. */
const NAT64_WORD = 0x0064ff9b;

/** Words per address in Targets.addresses: the trigger, then the four words of the address. */
export const TARGET_ADDRESS_WORDS = 5;

/** The names and addresses of one answer. */
export interface Targets {
  /** Runs of [trigger][length][folded wire name]. Names equal to QNAME are left out. */
  readonly names: Uint8Array;
  /** Runs of TARGET_ADDRESS_WORDS. */
  readonly addresses: Uint32Array;
  /** True when there were more than the bounds allow or a record could not be read: never serve such an answer. */
  readonly overflow: boolean;
}

const NO_NAMES = new Uint8Array(0);
const NO_ADDRESSES = new Uint32Array(0);
/** An answer that leads nowhere. */
export const NO_TARGETS: Targets = { names: NO_NAMES, addresses: NO_ADDRESSES, overflow: false };

const reader = new RecordReader();
const scratch = new Uint8Array(NAME_LENGTH_MAX);
const words = createAddress();

/**
 * Collects the targets of all records after `offset`. `qname` is the folded name that was asked.
 * Allocates: runs once per answer that arrives, never per hit.
 */
export const collectTargets = (
  bytes: Uint8Array,
  length: number,
  offset: number,
  qname: Uint8Array,
): Targets => {
  const collector = new Collector(bytes, length, qname);
  reader.reset(bytes, length, offset);
  while (reader.next()) collector.addRecord(reader);
  if (reader.fault) collector.overflow = true;
  return collector.finish();
};

class Collector {
  overflow = false;
  readonly #bytes: Uint8Array;
  readonly #length: number;
  readonly #qname: Uint8Array;
  readonly #names: { trigger: number; name: Uint8Array }[] = [];
  readonly #seen = new Set<string>();
  readonly #dnames: { owner: Uint8Array; target: Uint8Array }[] = [];
  readonly #addresses: number[] = [];

  constructor(bytes: Uint8Array, length: number, qname: Uint8Array) {
    this.#bytes = bytes;
    this.#length = length;
    this.#qname = qname;
  }

  addRecord(record: RecordReader): void {
    if (record.class !== CLASS.IN) return;
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
      case TYPE.DNAME: {
        const owner = this.#addName(TRIGGER.DNAME, record.ownerOffset);
        const target = this.#addName(TRIGGER.DNAME, record.rdataOffset);
        if (owner !== undefined && target !== undefined) this.#dnames.push({ owner, target });
        return;
      }
      case TYPE.SVCB:
      case TYPE.HTTPS:
        this.#addService(record);
        return;
      default:
        // AUTHORITY holds names that lead nowhere: zones and hashes.
        if (record.section === SECTION.ANSWER) this.#addName(TRIGGER.CNAME, record.ownerOffset);
    }
  }

  finish(): Targets {
    this.#synthesize();
    if (this.#names.length === 0 && this.#addresses.length === 0 && !this.overflow) return NO_TARGETS;
    let size = 0;
    for (const { name } of this.#names) size += 2 + name.length;
    const names = new Uint8Array(size);
    let at = 0;
    for (const { trigger, name } of this.#names) {
      names[at] = trigger;
      names[at + 1] = name.length;
      names.set(name, at + 2);
      at += 2 + name.length;
    }
    return { names, addresses: Uint32Array.from(this.#addresses), overflow: this.overflow };
  }

  /** Names that a client derives from a DNAME (RFC 6672 section 2.2); the new ones may fall under another DNAME. */
  #synthesize(): void {
    if (this.#dnames.length === 0) return;
    const chain = [this.#qname, ...this.#names.map(({ name }) => name)];
    for (let i = 0; i < chain.length && i < TARGET_NAMES_MAX; i++) {
      const name = chain[i] ?? this.#qname;
      for (const { owner, target } of this.#dnames) {
        if (name.length <= owner.length || !isInZone(name, owner)) continue;
        const prefixLength = name.length - owner.length;
        if (prefixLength + target.length > NAME_LENGTH_MAX) continue;
        const derived = new Uint8Array(prefixLength + target.length);
        derived.set(name.subarray(0, prefixLength));
        derived.set(target, prefixLength);
        if (this.#keepName(TRIGGER.DNAME, derived)) chain.push(derived);
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

  #addName(trigger: number, offset: number): Uint8Array | undefined {
    const length = expandName(this.#bytes, offset, this.#length, scratch, 0);
    if (length < 0) {
      this.overflow = true;
      return undefined;
    }
    foldName(scratch, 0, length);
    const name = scratch.slice(0, length);
    this.#keepName(trigger, name);
    return name;
  }

  #keepName(trigger: number, name: Uint8Array): boolean {
    if (Buffer.compare(name, this.#qname) === 0) return false;
    const key = Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1');
    if (this.#seen.has(key)) return false;
    if (this.#names.length >= TARGET_NAMES_MAX) {
      this.overflow = true;
      return false;
    }
    this.#seen.add(key);
    this.#names.push({ trigger, name });
    return true;
  }

  #addAddress(trigger: number, offset: number, length: number): void {
    if (this.#addresses.length >= TARGET_ADDRESSES_MAX * TARGET_ADDRESS_WORDS) {
      this.overflow = true;
      return;
    }
    if (length === 4) readIpv4(this.#bytes, offset, words);
    else readIpv6(this.#bytes, offset, words);
    // An address behind NAT64 is the IPv4 address that it embeds.
    if (words[0] === NAT64_WORD && words[1] === 0 && words[2] === 0) {
      words[0] = 0;
      words[2] = 0xffff;
    }
    this.#addresses.push(trigger, ...words);
  }
}
