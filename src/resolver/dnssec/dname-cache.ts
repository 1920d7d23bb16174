// DNAMEs that were validated, and what follows from them: names below one are answered without asking for the DNAME again.
//
// An authoritative server that renames a subtree sends the same DNAME with every name below it. A resolver that has it
// makes the CNAME by itself and asks only for where that leads (RFC 6672 section 3.2). Only validated ones are kept: an
// unsigned DNAME of one forged answer would lead every name of a zone elsewhere. One that a wildcard stands for leads
// nowhere (see judge.ts). Bounded by number, and by the bytes of each.
import { LRUCache } from 'lru-cache';
import {
  copyName,
  expandRdata,
  FLAG,
  isInZone,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  messageRcode,
  NAME_LENGTH_MAX,
  nameKey,
  type Question,
  questionEnd,
  RCODE,
  RecordReader,
  SECTION,
  TYPE,
} from '../../wire/dns/dns.ts';
import type { Rrset } from './rrset.ts';

/** DNAMEs of one thread: zones that have one are few. With names and signatures of 1 kB each a megabyte. */
const DNAMES_MAX = 1000;
/** Signatures of two RSA keys of 4096 bits, with names of the greatest length. */
const DNAME_BYTES_MAX = 2048;

interface KeptDname {
  readonly rrset: Rrset;
  readonly target: Uint8Array;
  readonly addedAtMs: number;
}

/** Where a DNAME leads a name. */
export class Redirection {
  /** Of the DNAME: folded wire name. */
  readonly owner: Uint8Array;
  /** What the name is an alias of: folded wire name. */
  readonly target: Uint8Array;
  readonly #dname: KeptDname;

  constructor(dname: KeptDname, target: Uint8Array) {
    this.owner = dname.rrset.owner;
    this.target = target;
    this.#dname = dname;
  }

  /**
   * The answer to a question: DNAME with its signatures, the CNAME that follows (RFC 6672 section 3.1), and all of the
   * answer about the target, whose RCODE it has (RFC 6604); without that answer the aliases alone. Undefined when both
   * together do not fit into a message. Allocates.
   */
  join(question: Question, answer: Uint8Array | undefined, nowMs: number): Uint8Array | undefined {
    const { rrset, target } = this.#dname;
    const ttlSec = Math.max(0, Math.floor(leftMs(this.#dname, nowMs) / 1000));
    const rcode = answer === undefined ? RCODE.NOERROR : messageRcode(answer);
    const builder = new MessageBuilder(scratch).start(0, FLAG.QR | FLAG.RA | rcode);
    builder.question(question.name, question.type, question.class);
    builder.record(SECTION.ANSWER, rrset.owner, TYPE.DNAME, rrset.class, ttlSec, target);
    for (const { rdata } of rrset.signatures)
      builder.record(SECTION.ANSWER, rrset.owner, TYPE.RRSIG, rrset.class, ttlSec, rdata);
    builder.record(SECTION.ANSWER, question.name, TYPE.CNAME, rrset.class, ttlSec, this.target);
    if (answer !== undefined && !copyRecords(answer, builder)) return undefined;
    return builder.overflow ? undefined : builder.finish().slice();
  }
}

/** Validated DNAMEs of one thread. */
export class DnameCache {
  readonly #dnames = new LRUCache<string, KeptDname>({ max: DNAMES_MAX });

  /** Number of DNAMEs, those that have expired included. */
  get size(): number {
    return this.#dnames.size;
  }

  /** Keeps a verified DNAME for as long as its TTL says, which is what its signature allows at most. */
  add(view: number, rrset: Rrset, nowMs: number): void {
    const [target, second] = rrset.rdatas;
    // A name has one DNAME (RFC 6672 section 2.4).
    if (target === undefined || second !== undefined || rrset.ttlSec === 0) return;
    let bytes = rrset.owner.length + target.length;
    for (const { rdata } of rrset.signatures) bytes += rdata.length;
    if (bytes <= DNAME_BYTES_MAX)
      this.#dnames.set(nameKey(view, rrset.owner), { rrset, target, addedAtMs: nowMs });
  }

  /** Where a folded name leads by a DNAME above it, which is not above `top`; undefined when there is none. */
  find(view: number, name: Uint8Array, top: Uint8Array, nowMs: number): Redirection | undefined {
    if (this.#dnames.size === 0 || !isInZone(name, top)) return undefined;
    for (let at = 1 + (name[0] ?? 0); name.length - at >= top.length; at += (name[at] ?? 0) + 1) {
      const key = nameKey(view, name, at);
      const dname = this.#dnames.get(key);
      if (dname === undefined) continue;
      const ageMs = nowMs - dname.addedAtMs;
      if (ageMs >= 0 && leftMs(dname, nowMs) >= 1000) return redirect(dname, name);
      this.#dnames.delete(key);
    }
    return undefined;
  }

  /** Forgets everything. */
  clear(): void {
    this.#dnames.clear();
  }
}

/** Undefined for a name that would become too long: who has the zone says YXDOMAIN (RFC 6672 section 2.2). */
const redirect = (dname: KeptDname, name: Uint8Array): Redirection | undefined => {
  const prefixLength = name.length - dname.rrset.owner.length;
  if (prefixLength + dname.target.length > NAME_LENGTH_MAX) return undefined;
  const target = new Uint8Array(prefixLength + dname.target.length);
  target.set(name.subarray(0, prefixLength));
  target.set(dname.target, prefixLength);
  return new Redirection(dname, target);
};

const leftMs = ({ rrset, addedAtMs }: KeptDname, nowMs: number): number =>
  addedAtMs + rrset.ttlSec * 1000 - nowMs;

const reader = new RecordReader();
/** Messages are put together here, one after the other, and copied. */
const scratch = new Uint8Array(MESSAGE_LENGTH_MAX);

/** Copies ANSWER and AUTHORITY of a message; false when a record of it cannot be read. */
const copyRecords = (message: Uint8Array, builder: MessageBuilder): boolean => {
  const start = questionEnd(message, message.length);
  if (start < 0) return false;
  reader.reset(message, message.length, start);
  while (reader.next() && reader.section !== SECTION.ADDITIONAL) {
    const { section, type, rdataOffset, rdataLength } = reader;
    const owner = copyName(message, reader.ownerOffset, message.length);
    const rdata = expandRdata(message, rdataOffset, rdataLength, type, message.length);
    if (owner === undefined || rdata === undefined) return false;
    builder.record(section, owner, type, reader.class, reader.ttl, rdata);
  }
  return !reader.fault;
};
