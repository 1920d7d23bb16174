// Answers whose aliases lead to a name that they say nothing about: recognizing them, and joining their parts. Hot file.
//
// An authoritative server follows aliases only as far as its own zones go (RFC 1034 section 4.3.2); a resolver has to ask
// for the rest (section 5.3.3). Every answer of an upstream passes findOpenEnd(), which reads the first record of most,
// and the aliases of others in place. RFCs 1034, 2181, 2308 section 2, 4035, 6604, 6672.
import {
  CLASS,
  copyName,
  expandName,
  expandRdata,
  FLAG,
  foldedName,
  foldName,
  HEADER_LENGTH,
  isInZone,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  messageFlags,
  messageRcode,
  NAME_LENGTH_MAX,
  nameEquals,
  type Question,
  questionEnd,
  RCODE,
  RecordReader,
  readU16,
  SECTION,
  TYPE,
} from '../../wire/dns/dns.ts';

/** Aliases of one message that are followed; real chains have two or three. A longer one is left as it came. */
const ALIASES_MAX = 16;

/** Bytes of all answers that are joined to one: as many as it can have itself. */
const JOINED_BYTES_MAX = MESSAGE_LENGTH_MAX;

/** The top bits of a compression pointer (RFC 1035 section 4.1.4). */
const POINTER = 0xc000;

/** Where the aliases of an answer end that says nothing about the end. */
export interface OpenEnd {
  /** Wire name in the letters of the message. */
  readonly name: Uint8Array;
  /** The asked name and all that the aliases lead to, the end included; folded. */
  readonly names: readonly Uint8Array[];
  /** The end is a name on the way to it: the aliases go round. */
  readonly isRound: boolean;
}

const reader = new RecordReader();
/** Messages are put together here, one after the other, and copied. */
const scratch = new Uint8Array(MESSAGE_LENGTH_MAX);

/**
 * Where the aliases of an answer end, when there is neither data nor a proof of its absence, or when they go round;
 * undefined for every other answer, malformed ones included. ID and question were checked.
 */
export const findOpenEnd = (message: Uint8Array, question: Question): OpenEnd | undefined => {
  if (messageRcode(message) !== RCODE.NOERROR || question.class !== CLASS.IN) return undefined;
  if (readU16(message, 6) === 0) return undefined;
  const start = questionEnd(message, message.length);
  if (start < 0) return undefined;
  if (mayStandBesideAlias(question.type)) return findRound(message, start, question);
  let endOffset = HEADER_LENGTH;
  compared.pointer = NOT_COMPARED;
  compared.other = NOT_COMPARED;
  reader.reset(message, message.length, start);
  while (reader.next() && reader.section !== SECTION.ADDITIONAL) {
    const { type, ownerOffset } = reader;
    if (reader.section === SECTION.ANSWER) {
      if (type !== question.type && type !== TYPE.CNAME) continue;
      const isNext = isSameName(message, ownerOffset, endOffset);
      if (type === question.type && isNext) return undefined;
      if (type !== TYPE.CNAME) continue;
      if (!isNext) return followAliases(message, start, question);
      endOffset = reader.rdataOffset;
    } else if (endOffset === HEADER_LENGTH) {
      return undefined;
    } else if (type === TYPE.SOA && isAbove(message, ownerOffset, endOffset)) {
      // Settled, unless the aliases go round.
      return followAliases(message, start, question);
    }
  }
  const mayBeOpen = endOffset !== HEADER_LENGTH && !reader.fault;
  return mayBeOpen ? followAliases(message, start, question) : undefined;
};

/**
 * Of a type that may stand beside an alias, aliases that go round: a server that follows them all the same (NSD does for
 * NSEC) gives an answer that ends nowhere. A question for CNAME or ANY has its answer at the first alias.
 */
const findRound = (message: Uint8Array, start: number, question: Question): OpenEnd | undefined => {
  if (question.type !== TYPE.NSEC && question.type !== TYPE.RRSIG) return undefined;
  const end = followAliases(message, start, question);
  return end?.isRound === true ? end : undefined;
};

/**
 * Where the aliases of an answer end, whatever it says about the end; undefined when there are none. For an
 * answer whose proof is no good: servers give their own (RFC 6672 section 5.3.1), or part of one. Allocates.
 */
export const findDoubtfulEnd = (message: Uint8Array, question: Question): OpenEnd | undefined => {
  const rcode = messageRcode(message);
  if ((rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) || mayStandBesideAlias(question.type))
    return undefined;
  const start = questionEnd(message, message.length);
  return start < 0 ? undefined : followAliases(message, start, question, true);
};

const ownerBuffer = new Uint8Array(NAME_LENGTH_MAX);
const endBuffer = new Uint8Array(NAME_LENGTH_MAX);

/** No offset in a message. */
const NOT_COMPARED = 0;
/** The pointer that was compared last, with the name at which offset, which stands in `endBuffer`, and what came of it. */
const compared = { pointer: NOT_COMPARED, other: NOT_COMPARED, otherLength: 0, isSame: false };

/**
 * True when the names at two offsets are the same; the usual owner points at the other one. The other one is expanded once, and
 * an owner to which several records in a row point is looked at once.
 */
const isSameName = (message: Uint8Array, offset: number, other: number): boolean => {
  const pointer = readU16(message, offset);
  if (pointer === POINTER + other) return true;
  if (other !== compared.other) {
    compared.other = other;
    compared.otherLength = expandName(message, other, message.length, endBuffer, 0);
  } else if (pointer === compared.pointer && pointer >= POINTER) {
    return compared.isSame;
  }
  const length = expandName(message, offset, message.length, ownerBuffer, 0);
  compared.pointer = pointer;
  compared.isSame =
    length > 0 && length === compared.otherLength && nameEquals(ownerBuffer, 0, endBuffer, 0, length);
  return compared.isSame;
};

/** True when the name at an offset is the other one, or above it. */
const isAbove = (message: Uint8Array, offset: number, other: number): boolean => {
  // Aliases are compared before: the end stands in its buffer, or is QNAME.
  if (other !== compared.other) isSameName(message, offset, other);
  const length = expandName(message, offset, message.length, ownerBuffer, 0);
  const endLength = compared.otherLength;
  if (length <= 0 || endLength <= 0) return false;
  return isInZone(endBuffer.subarray(0, endLength), ownerBuffer.subarray(0, length));
};

/** Types that are asked of the alias itself, or stand beside it (RFC 1034 section 3.6.2, RFC 4035 section 2.5). */
const mayStandBesideAlias = (type: number): boolean =>
  type === TYPE.CNAME || type === TYPE.ANY || type === TYPE.RRSIG || type === TYPE.NSEC;

/** Follows the aliases of an answer, in whatever order they stand. Allocates: most answers have none. */
const followAliases = (
  message: Uint8Array,
  start: number,
  { name, type }: Question,
  isDoubted = false,
): OpenEnd | undefined => {
  const targets = new Map<string, Uint8Array>();
  let aliases = 0;
  reader.reset(message, message.length, start);
  while (reader.next() && reader.section === SECTION.ANSWER) {
    if (reader.type !== TYPE.CNAME) continue;
    // Each counts, also where many have one owner: a message has room for thousands.
    if (aliases++ === ALIASES_MAX) return undefined;
    const owner = copyFolded(message, reader.ownerOffset);
    const target = copyName(message, reader.rdataOffset, message.length);
    if (owner === undefined || target === undefined) return undefined;
    targets.set(keyOf(owner), target);
  }
  const qname = foldedName(name);
  let key = keyOf(qname);
  const names = [qname];
  const seen = new Set([key]);
  let end: Uint8Array | undefined;
  for (let target = targets.get(key); target !== undefined; target = targets.get(key)) {
    end = target;
    const folded = foldedName(target);
    key = keyOf(folded);
    if (seen.has(key)) return { name: end, names, isRound: true };
    seen.add(key);
    names.push(folded);
  }
  const last = names.at(-1);
  if (end === undefined || last === undefined) return undefined;
  if (isSettled(message, start, last, type, isDoubted)) return undefined;
  return { name: end, names, isRound: false };
};

/**
 * True when an answer says what is at a name: data of the type, or an SOA at or above it, which says that there is none
 * (RFC 2308 section 2), unless all that is doubted. True as well for a message that cannot be read. Allocates, as
 * followAliases() does.
 */
const isSettled = (
  message: Uint8Array,
  start: number,
  name: Uint8Array,
  type: number,
  isDoubted: boolean,
): boolean => {
  if (isDoubted) return false;
  reader.reset(message, message.length, start);
  while (reader.next() && reader.section !== SECTION.ADDITIONAL) {
    const isData = reader.section === SECTION.ANSWER && reader.type === type;
    const isSoa = reader.section === SECTION.AUTHORITY && reader.type === TYPE.SOA;
    if (!isData && !isSoa) continue;
    const length = expandName(message, reader.ownerOffset, message.length, ownerBuffer, 0);
    if (length < 0) return true;
    const owner = ownerBuffer.subarray(0, length);
    if (isInZone(name, owner) && (isSoa || length === name.length)) return true;
  }
  return reader.fault;
};

/**
 * One answer to a question, of the answers to it and to where each of them leads, in this order: ANSWER of all, RCODE,
 * AUTHORITY and OPT of the last (RFC 6604), of the others what proves their wildcards (RFC 4035 section 3.1.3.3), each
 * record once; AD when all have it. Undefined when one cannot be read or all together do not fit into a message. Allocates.
 */
export const joinAnswers = (question: Question, parts: readonly Uint8Array[]): Uint8Array | undefined => {
  const last = parts.at(-1);
  if (last === undefined) return undefined;
  // Nine of 64 KB each would be half a second's work, for an answer that fits into no message.
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  if (bytes > JOINED_BYTES_MAX) return undefined;
  let ad: number = FLAG.AD;
  for (const part of parts) ad &= messageFlags(part);
  const builder = new MessageBuilder(scratch).start(0, FLAG.QR | FLAG.RD | FLAG.RA | ad | messageRcode(last));
  builder.question(question.name, question.type, question.class);
  let isWhole = true;
  const copied = new Set<string>();
  for (const part of parts) isWhole = copySection(part, SECTION.ANSWER, builder, copied, false) && isWhole;
  isWhole = copySection(last, SECTION.AUTHORITY, builder, copied, false) && isWhole;
  for (const part of parts)
    if (part !== last) isWhole = copySection(part, SECTION.AUTHORITY, builder, copied, true) && isWhole;
  isWhole = copySection(last, SECTION.ADDITIONAL, builder, copied, false) && isWhole;
  return isWhole && !builder.overflow ? builder.finish().slice() : undefined;
};

/**
 * Copies a section of a message, of ADDITIONAL only OPT, without what was `copied` before; false when a record of it
 * cannot be read. Allocates.
 */
const copySection = (
  message: Uint8Array,
  section: number,
  builder: MessageBuilder,
  copied: Set<string>,
  onlyProof: boolean,
): boolean => {
  const end = message.length;
  const start = questionEnd(message, end);
  if (start < 0) return false;
  let owner: Uint8Array | undefined;
  let ownerKey = '';
  let pointer = 0;
  let isWritten = false;
  reader.reset(message, end, start);
  while (reader.next() && reader.section <= section) {
    const { type } = reader;
    if (reader.section !== section || (type === TYPE.OPT) !== (section === SECTION.ADDITIONAL)) continue;
    const ownPointer = readU16(message, reader.ownerOffset);
    if (ownPointer !== pointer || pointer < POINTER) {
      owner = copyName(message, reader.ownerOffset, end);
      ownerKey = owner === undefined ? '' : keyOf(foldedName(owner));
      pointer = ownPointer;
      isWritten = false;
    }
    const rdata = expandRdata(message, reader.rdataOffset, reader.rdataLength, type, end);
    if (owner === undefined || rdata === undefined) return false;
    if (onlyProof && !isDenial(type === TYPE.RRSIG ? readU16(rdata, 0) : type)) continue;
    const key = `${section} ${type} ${ownerKey} ${keyOf(rdata)}`;
    if (copied.has(key)) continue;
    copied.add(key);
    builder.record(section, owner, type, reader.class, reader.ttl, rdata, isWritten);
    if (builder.overflow) return false;
    isWritten = true;
  }
  return !reader.fault;
};

const isDenial = (type: number): boolean => type === TYPE.NSEC || type === TYPE.NSEC3;

const copyFolded = (message: Uint8Array, offset: number): Uint8Array | undefined => {
  const name = copyName(message, offset, message.length);
  if (name !== undefined) foldName(name, 0, name.length);
  return name;
};

/** A name as a key of sets and tables. */
export const keyOf = (name: Uint8Array): string =>
  Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1');
