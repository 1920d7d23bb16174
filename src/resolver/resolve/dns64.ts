// DNS64 (RFC 6147): names that have IPv4 addresses only get IPv6 addresses under the prefix of a NAT64 translator.
//
// A resolver around another one, below cache and policy: what it makes is cached and judged as if an upstream had sent
// it. Nothing is made up for a client that validates (DO with CD), and what is made is never called secure. Where
// there is nothing to translate, the answer of the other resolver is passed on as it came; so is one that could not be
// had for a reason that another question would not mend. RFCs 1035, 2181, 2308, 6052 (forms of addresses), 6147.
import assert from 'node:assert/strict';
import {
  type AddressWords,
  createAddress,
  matchesPrefix,
  type Prefix,
  PrefixTable,
  readIpv4,
  readIpv6,
} from '../../base/base.ts';
import {
  CLASS,
  copyName,
  expandRdata,
  FLAG,
  foldedName,
  isInZone,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  messageRcode,
  nameEquals,
  nameFrom,
  questionEnd,
  RCODE,
  RecordReader,
  readU16,
  readU32,
  SECTION,
  TYPE,
} from '../../wire/dns/dns.ts';

import {
  createPrivateIpv4Table,
  type Question,
  type Resolution,
  type Resolver,
} from '../pipeline/pipeline.ts';

/** Lengths of prefixes (RFC 6052 section 2.2). */
const PREFIX_LENGTHS: readonly number[] = [32, 40, 48, 56, 64, 96];
/** 64:ff9b::/96 (RFC 6052 section 2.1). */
const WELL_KNOWN_PREFIX: Prefix = { words: Uint32Array.of(0x0064ff9b, 0, 0, 0), bits: 96 };
/** The byte of bits 64 to 71, which is zero and holds no part of an IPv4 address (RFC 6052 section 2.2). */
const RESERVED_BYTE = 8;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

/** Seconds that an address lives at most when no SOA record tells for how long there is no other (RFC 6147 5.1.7). */
const TTL_SEC_MAX = 600;
/** TTLs from here on mean 0 (RFC 2181 section 8). */
const TTL_SEC_LIMIT = 0x8000_0000;
/**
 * Addresses that are made for one name. Nobody tries more; each counts twice among the 1,024 addresses of an answer
 * that policy judges.
 */
const ADDRESSES_MAX = 256;

const IP6_ARPA = nameFrom('ip6.arpa.');
const IN_ADDR_ARPA = nameFrom('in-addr.arpa.');
/** A name of one address: a label of one digit for each half of a byte (RFC 3596 section 2.5). */
const REVERSE_NAME_LENGTH = IPV6_BYTES * 4 + IP6_ARPA.length;

type Answered = Extract<Resolution, { kind: 'answer' }>;
type Done = (resolution: Resolution) => void;

/** What DNS64 works with. */
export interface Dns64Options {
  /** Finds the answers that there are. */
  readonly resolver: Resolver;
  /** The translator's prefix, of one of the lengths of RFC 6052 section 2.2. */
  readonly prefix: Prefix;
  /** AAAA records in these prefixes count as none (RFC 6147 section 5.1.4). */
  readonly exclude: readonly Prefix[];
  /** The answer to a question that no upstream may see; undefined for any other. */
  readonly answerHere: (question: Question) => Resolution | undefined;
}

/** The name above those of all addresses under a translation prefix: a label for each four of its bits. */
export const reverseZoneOf = ({ words, bits }: Prefix): Uint8Array => {
  const labels: number[] = [];
  for (let bit = 0; bit < bits; bit += 4) {
    const digit = ((words[bit >>> 5] ?? 0) >>> (28 - (bit & 31))) & 0xf;
    labels.unshift(1, digit < 10 ? 0x30 + digit : 0x61 + digit - 10);
  }
  return Uint8Array.from([...labels, ...IP6_ARPA]);
};

/** Resolves questions with another resolver, and makes AAAA records of A records where there are none. */
export class Dns64Resolver implements Resolver {
  readonly #resolver: Resolver;
  readonly #prefix: Prefix;
  readonly #reverseZone: Uint8Array;
  readonly #answerHere: Dns64Options['answerHere'];
  readonly #excluded: PrefixTable;
  /** Addresses that are not put under the prefix. */
  readonly #untranslated: PrefixTable;

  constructor({ resolver, prefix, exclude, answerHere }: Dns64Options) {
    assert(PREFIX_LENGTHS.includes(prefix.bits), `a translation prefix has ${prefix.bits} bits`);
    this.#resolver = resolver;
    this.#prefix = prefix;
    this.#reverseZone = reverseZoneOf(prefix);
    this.#answerHere = answerHere;
    this.#excluded = PrefixTable.build(exclude.map((excluded) => ({ prefix: excluded, value: 1 })));
    // Translators drop what the well-known prefix embeds of private addresses (RFC 6052 section 3.1).
    const isWellKnown =
      prefix.bits === WELL_KNOWN_PREFIX.bits &&
      matchesPrefix(prefix.words, WELL_KNOWN_PREFIX.words, prefix.bits);
    this.#untranslated = isWellKnown ? createPrivateIpv4Table() : PrefixTable.build([]);
  }

  /** What is made here is not for clients that validate, who get another answer. */
  joinsVariants(type: number): boolean {
    const isMade = type === TYPE.AAAA || type === TYPE.PTR;
    return !isMade && this.#resolver.joinsVariants?.(type) === true;
  }

  /** Resolves as the other resolver does, with one question more at most; calls `done` once. */
  resolve(question: Question, done: Done): void {
    const { type, name } = question;
    // A validator would take what is made here for forged (RFC 6147 section 5.5).
    const isValidating = question.dnssecOk && question.checkingDisabled;
    if (question.class === CLASS.IN && !isValidating) {
      if (type === TYPE.AAAA) {
        this.#resolver.resolve(question, (resolution) => this.#complete(question, resolution, done));
        return;
      }
      const target = type === TYPE.PTR ? this.#reverseTarget(name) : undefined;
      if (target !== undefined) {
        // The name of a private address is for no upstream, whatever leads to it.
        this.#resolveHere({ ...question, name: target }, (resolution) => {
          done(resolution.kind === 'answer' ? withAlias(question, target, resolution) : resolution);
        });
        return;
      }
    }
    // The prefix's own names come this far in any case (see reverseZoneOf): a private one has to end here.
    if (isInZone(foldedName(name), this.#reverseZone)) this.#resolveHere(question, done);
    else this.#resolver.resolve(question, done);
  }

  #resolveHere(question: Question, done: Done): void {
    const own = this.#answerHere(question);
    if (own === undefined) this.#resolver.resolve(question, done);
    else done(own);
  }

  /** Passes the answer to a question for AAAA records on, or asks for A records. */
  #complete(question: Question, resolution: Resolution, done: Done): void {
    // What was forged is no proof that there are none; under overload one more question would be one too many.
    if (resolution.kind === 'bogus' || (resolution.kind === 'failure' && resolution.reason === 'overload')) {
      done(resolution);
      return;
    }
    // Any other failure counts as an answer without records (RFC 6147 sections 5.1.2 and 5.1.3).
    if (resolution.kind === 'failure') {
      this.#translate(question, TTL_SEC_MAX, resolution, done);
      return;
    }
    const rcode = messageRcode(resolution.message);
    // A name that does not exist has no A records either.
    if (rcode === RCODE.NXDOMAIN) {
      done(resolution);
      return;
    }
    const { isSound, addresses, excluded, negativeTtlSec } = this.#survey(resolution.message);
    if (!isSound || (addresses > 0 && excluded === 0)) {
      done(resolution);
      return;
    }
    const allowed = excluded === 0 ? resolution : this.#withoutExcluded(question, resolution);
    if (addresses > 0 && rcode === RCODE.NOERROR) done(allowed);
    else this.#translate(question, negativeTtlSec, allowed, done);
  }

  /** Asks for A records and makes AAAA records of them; gives `otherwise` when there are none to be had. */
  #translate(question: Question, ttlSecMax: number, otherwise: Resolution, done: Done): void {
    question.trace?.step('dns64', 'no AAAA records: the A records are asked for');
    this.#resolver.resolve({ ...question, type: TYPE.A }, (resolution) => {
      const isUsable = resolution.kind === 'answer' && messageRcode(resolution.message) === RCODE.NOERROR;
      const made = isUsable ? this.#synthesize(question, resolution, ttlSecMax) : undefined;
      question.trace?.step(
        'dns64',
        made === undefined ? 'nothing to translate' : 'AAAA records made of A records',
      );
      done(made ?? otherwise);
    });
  }

  /** What an answer to a question for AAAA records has. */
  #survey(message: Uint8Array): Survey {
    const reader = openReader(message);
    const address = createAddress();
    let addresses = 0;
    let excluded = 0;
    let negativeTtlSec = TTL_SEC_MAX;
    while (reader.next()) {
      const { section, type, rdataOffset, rdataLength } = reader;
      if (section === SECTION.ADDITIONAL) break;
      if (reader.class !== CLASS.IN) continue;
      if (section === SECTION.ANSWER && type === TYPE.AAAA) {
        if (this.#isExcluded(reader, address)) excluded++;
        else addresses++;
      } else if (section === SECTION.AUTHORITY && type === TYPE.SOA && rdataLength >= IPV4_BYTES) {
        const minimumSec = readU32(message, rdataOffset + rdataLength - 4);
        negativeTtlSec = Math.min(normalTtl(reader.ttl), normalTtl(minimumSec));
      }
    }
    return { isSound: !reader.fault, addresses, excluded, negativeTtlSec };
  }

  #isExcluded(reader: RecordReader, address: AddressWords): boolean {
    if (reader.rdataLength !== IPV6_BYTES) return false;
    readIpv6(reader.bytes, reader.rdataOffset, address);
    return this.#excluded.find(address) >= 0;
  }

  /** The answer without the AAAA records that count as none, and without their signatures. */
  #withoutExcluded(question: Question, resolution: Answered): Resolution {
    const { message } = resolution;
    const address = createAddress();
    const builder = beginAnswer(question, messageRcode(message));
    const isWhole = copyRecords(message, builder, (reader) => {
      if (reader.section !== SECTION.ANSWER) return true;
      if (reader.type === TYPE.AAAA) return !this.#isExcluded(reader, address);
      return !coversType(reader, TYPE.AAAA);
    });
    return isWhole && !builder.overflow ? asInsecure(resolution, builder) : UNUSABLE;
  }

  /** The aliases of an answer and an AAAA record for each A record; undefined when there is nothing to translate. */
  #synthesize(question: Question, resolution: Answered, ttlSecMax: number): Answered | undefined {
    const { message } = resolution;
    const builder = beginAnswer(question, RCODE.NOERROR);
    const address = createAddress();
    let count = 0;
    const isWhole = copyRecords(message, builder, (reader) => {
      const { section, type, rdataOffset } = reader;
      // What AUTHORITY proves is proven of other records.
      if (section !== SECTION.ANSWER) return false;
      if (type !== TYPE.A || reader.class !== CLASS.IN) return !coversType(reader, TYPE.A);
      if (reader.rdataLength !== IPV4_BYTES || count >= ADDRESSES_MAX) return false;
      readIpv4(message, rdataOffset, address);
      const owner = copyName(message, reader.ownerOffset, message.length);
      if (owner === undefined || this.#untranslated.find(address) >= 0) return false;
      count++;
      const ttlSec = Math.min(normalTtl(reader.ttl), ttlSecMax);
      builder.record(section, owner, TYPE.AAAA, CLASS.IN, ttlSec, this.#embed(message, rdataOffset));
      return false;
    });
    return isWhole && count > 0 && !builder.overflow ? asInsecure(resolution, builder) : undefined;
  }

  /** The IPv6 address for the four bytes at `offset`. */
  #embed(bytes: Uint8Array, offset: number): Uint8Array {
    const { words, bits } = this.#prefix;
    const address = new Uint8Array(IPV6_BYTES);
    for (let i = 0; i < bits / 8; i++) address[i] = (words[i >>> 2] ?? 0) >>> (24 - (i & 3) * 8);
    let at = bits / 8;
    for (let i = 0; i < IPV4_BYTES; i++) {
      if (at === RESERVED_BYTE) at++;
      address[at++] = bytes[offset + i] ?? 0;
    }
    return address;
  }

  /** The name below in-addr.arpa for the name of an address under the prefix; undefined for any other name. */
  #reverseTarget(name: Uint8Array): Uint8Array | undefined {
    const address = readReverseName(name);
    if (address === undefined) return undefined;
    const words = createAddress();
    readIpv6(address, 0, words);
    if (!matchesPrefix(words, this.#prefix.words, this.#prefix.bits)) return undefined;
    const ipv4 = new Uint8Array(IPV4_BYTES);
    let at = this.#prefix.bits / 8;
    for (let i = 0; i < IPV4_BYTES; i++) {
      if (at === RESERVED_BYTE) at++;
      ipv4[i] = address[at++] ?? 0;
    }
    readIpv4(ipv4, 0, words);
    return this.#untranslated.find(words) >= 0 ? undefined : reverseNameOf(ipv4);
  }
}

interface Survey {
  /** False: the message cannot be read to its end. */
  readonly isSound: boolean;
  /** AAAA records that are not excluded. */
  readonly addresses: number;
  readonly excluded: number;
  /** For how long there are none. */
  readonly negativeTtlSec: number;
}

/** For answers that cannot be read, or not be written anew because they are too long. */
const UNUSABLE: Resolution = { kind: 'failure', reason: 'servfail' };

/** Messages are put together here, one after the other, and copied. */
const scratch = new Uint8Array(MESSAGE_LENGTH_MAX);

/** Begins the answer to a question: never with AD. */
const beginAnswer = (question: Question, rcode: number): MessageBuilder =>
  new MessageBuilder(scratch)
    .start(0, FLAG.QR | FLAG.RD | FLAG.RA | rcode)
    .question(question.name, question.type, question.class);

const openReader = (message: Uint8Array): RecordReader => {
  const reader = new RecordReader();
  const start = questionEnd(message, message.length);
  // Without a question nothing is read: beyond the end every record is a fault.
  reader.reset(message, message.length, start < 0 ? message.length : start);
  return reader;
};

/** Copies the records of ANSWER and AUTHORITY that `isKept` chooses; false when one of them cannot be read. */
const copyRecords = (
  message: Uint8Array,
  builder: MessageBuilder,
  isKept: (reader: RecordReader) => boolean,
): boolean => {
  const end = message.length;
  const reader = openReader(message);
  while (reader.next() && reader.section !== SECTION.ADDITIONAL) {
    if (!isKept(reader)) continue;
    const owner = copyName(message, reader.ownerOffset, end);
    const rdata = expandRdata(message, reader.rdataOffset, reader.rdataLength, reader.type, end);
    if (owner === undefined || rdata === undefined) return false;
    builder.record(reader.section, owner, reader.type, reader.class, reader.ttl, rdata);
  }
  return !reader.fault;
};

/** True for a signature of records of a type (RFC 4034 section 3.1.1). */
const coversType = (reader: RecordReader, type: number): boolean =>
  reader.type === TYPE.RRSIG && reader.rdataLength >= 2 && readU16(reader.bytes, reader.rdataOffset) === type;

/** What was made of an answer, with whatever else is known of that one. */
const asInsecure = (resolution: Answered, builder: MessageBuilder): Answered => ({
  ...resolution,
  message: builder.finish().slice(),
  security: 'insecure',
});

/** The answer to the question for the name that stands for `target`, from the answer for `target` (RFC 6147 5.3.1). */
const withAlias = (question: Question, target: Uint8Array, resolution: Answered): Resolution => {
  const { message } = resolution;
  const builder = beginAnswer(question, messageRcode(message));
  builder.record(SECTION.ANSWER, question.name, TYPE.CNAME, CLASS.IN, TTL_SEC_MAX, target);
  const isWhole = copyRecords(message, builder, () => true);
  return isWhole && !builder.overflow ? asInsecure(resolution, builder) : UNUSABLE;
};

/** The sixteen bytes of the address that a name below ip6.arpa stands for; undefined for any other name. */
const readReverseName = (name: Uint8Array): Uint8Array | undefined => {
  const digitsEnd = name.length - IP6_ARPA.length;
  if (name.length !== REVERSE_NAME_LENGTH || !nameEquals(name, digitsEnd, IP6_ARPA, 0, IP6_ARPA.length)) {
    return undefined;
  }
  const address = new Uint8Array(IPV6_BYTES);
  for (let i = 0; i < IPV6_BYTES * 2; i++) {
    const digit = hexDigit(name[i * 2 + 1] ?? 0);
    if (name[i * 2] !== 1 || digit < 0) return undefined;
    // The last digit of the address comes first.
    const at = IPV6_BYTES - 1 - (i >>> 1);
    address[at] = (address[at] ?? 0) | (digit << ((i & 1) * 4));
  }
  return address;
};

/** The value of a digit, in either case, or -1. */
const hexDigit = (byte: number): number => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
};

/** The name of an IPv4 address (RFC 1035 section 3.5). */
const reverseNameOf = (ipv4: Uint8Array): Uint8Array => {
  const labels: number[] = [];
  for (const byte of ipv4.toReversed()) {
    const digits = Buffer.from(String(byte), 'latin1');
    labels.push(digits.length, ...digits);
  }
  return Uint8Array.from([...labels, ...IN_ADDR_ARPA]);
};

const normalTtl = (ttlSec: number): number => (ttlSec >= TTL_SEC_LIMIT ? 0 : ttlSec);
