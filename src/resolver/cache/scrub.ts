// Makes a message anew without what clients must not get: records that answer nothing that was asked, signatures beyond a
// bound, DNSSEC records for those that did not ask for them. Allocates: most messages need none of it.
import {
  copyName,
  expandRdata,
  FLAG,
  findEde,
  foldedName,
  foldName,
  HEADER_LENGTH,
  isInZone,
  MESSAGE_LENGTH_MAX,
  MessageBuilder,
  messageRcode,
  NAME_LENGTH_MAX,
  NameList,
  nameText,
  OPT_LENGTH,
  OPTION,
  RCODE,
  RecordReader,
  readU16,
  SECTION,
  TYPE,
  UDP_LENGTH_MAX,
  UDP_LENGTH_PLAIN,
  writeOpt,
  writeOption,
  writeU16,
} from '../../wire/dns/dns.ts';
import { isDenialType, isOfType, isUnaskedProof, SIGNATURES_MAX, shape } from './message-shape.ts';

/** The two bytes of a compression pointer are this and more. */
const POINTER = 0xc000;
/** Aliases that are followed when they stand in no order; more names than this are not judged either. */
const ALIASES_FOLLOWED_MAX = 64;

const reader = new RecordReader();
/** The asked name and what the aliases of the message lead to. */
const chain = new NameList(ALIASES_FOLLOWED_MAX + 1);
const rebuildBuffer = new Uint8Array(MESSAGE_LENGTH_MAX);

/**
 * A message without records that answer nothing that was asked, and without the DNSSEC records that a client without DO
 * must not get (RFC 4035 section 3.2.1), its names compressed; the message itself when all are in place. Undefined when it cannot be read. The
 * shape of the message was read.
 */
export const scrub = (
  message: Uint8Array,
  start: number,
  qname: Uint8Array,
  qtype: number,
  dnssecOk: boolean,
): Uint8Array | undefined => {
  const hasChain = shape.stray;
  if (hasChain) followAliases(message, start, qname, qtype);
  const asked = copyName(message, HEADER_LENGTH, message.length);
  if (asked === undefined) return undefined;
  const builder = new MessageBuilder(rebuildBuffer).start(0, FLAG.QR | messageRcode(message));
  builder.question(asked, qtype, readU16(message, start - 2));
  const signatures = new Map<string, number>();
  let isWhole = true;
  let owner: Owner | undefined;
  let written: Owner | undefined;
  reader.reset(message, message.length, start);
  while (reader.next()) {
    if (reader.section === SECTION.ADDITIONAL) break;
    owner = readOwner(message, owner);
    const rdata = expandRdata(message, reader.rdataOffset, reader.rdataLength, reader.type, message.length);
    if (owner === undefined || rdata === undefined) return undefined;
    const isLeftOut =
      (!dnssecOk && isUnaskedProof(reader, qtype)) ||
      (hasChain && !isPartOf(owner, rdata, qtype)) ||
      (reader.type === TYPE.RRSIG && isOneTooMany(signatures, owner.folded, rdata));
    if (isLeftOut) {
      isWhole = false;
      continue;
    }
    const { section, type, ttl } = reader;
    builder.record(section, owner.name, type, reader.class, ttl, rdata, owner === written);
    written = owner;
  }
  if (isWhole && !wastesRoom()) return message;
  if (builder.overflow) return isWhole ? message : undefined;
  const scrubbed = builder.finish();
  if (isWhole && scrubbed.length >= shape.authorityEnd) return message;
  return shape.mayHaveEde ? withOpt(message, scrubbed) : scrubbed.slice();
};

/**
 * True when names that are written out may be what keeps the message from an answer over UDP. A server writes owners out
 * whose letters are not those of the question that it was asked first; clients get those of their own.
 */
export const wastesRoom = (): boolean => shape.isSpelledOut && shape.authorityEnd > UDP_LENGTH_PLAIN;

/** Counts the signature over one RRset; true when there were enough before. */
const isOneTooMany = (signatures: Map<string, number>, owner: Uint8Array, rdata: Uint8Array): boolean => {
  const key = `${reader.section} ${readU16(rdata, 0)} ${Buffer.from(owner).toString('latin1')}`;
  const count = (signatures.get(key) ?? 0) + 1;
  signatures.set(key, count);
  return count > SIGNATURES_MAX;
};

/** An owner, and what it is to the names of the chain; looked at once where several records in a row point at it. */
interface Owner {
  readonly pointer: number;
  readonly name: Uint8Array;
  readonly folded: Uint8Array;
  isInChain?: boolean;
  isAboveChain?: boolean;
}

/** The owner of the current record; undefined when it cannot be read. */
const readOwner = (message: Uint8Array, before: Owner | undefined): Owner | undefined => {
  const pointer = readU16(message, reader.ownerOffset);
  if (before?.pointer === pointer && pointer >= POINTER) return before;
  const name = copyName(message, reader.ownerOffset, message.length);
  return name && { pointer, name, folded: foldedName(name) };
};

const isAbove = (owner: Owner): boolean => {
  owner.isAboveChain ??= chain.hasBelow(owner.folded, owner.folded.length);
  return owner.isAboveChain;
};

/** True when the current record belongs to the chain of names, or proves something about it. */
const isPartOf = (owner: Owner, rdata: Uint8Array, qtype: number): boolean => {
  const { type, section } = reader;
  if (section === SECTION.AUTHORITY) {
    if (shape.positive && (type === TYPE.RRSIG ? readU16(rdata, 0) : type) === TYPE.NS) return false;
    if (isDenialType(type) || type === TYPE.RRSIG) return true;
    return (type === TYPE.SOA || type === TYPE.NS) && isAbove(owner);
  }
  if (!isOfType(type, qtype, rdata, 0)) return false;
  if (type === TYPE.DNAME || (type === TYPE.RRSIG && readU16(rdata, 0) === TYPE.DNAME)) return isAbove(owner);
  owner.isInChain ??= chain.has(owner.folded, owner.folded.length);
  return owner.isInChain;
};

/** Fills the chain with QNAME and the names that the aliases of the message lead to, in whatever order they stand. */
const followAliases = (message: Uint8Array, start: number, qname: Uint8Array, qtype: number): void => {
  chain.clear();
  chain.add(qname, qname.length);
  if (qtype === TYPE.CNAME) return;
  /** By owner, where the target stands: of thousands only a few are followed. */
  const aliases = new Map<string, number>();
  const dnames: { readonly owner: Uint8Array; readonly target: Uint8Array }[] = [];
  let pointer = 0;
  let key = '';
  reader.reset(message, message.length, start);
  while (reader.next() && reader.section === SECTION.ANSWER) {
    if (reader.type === TYPE.DNAME) {
      // No more DNAMEs than are judged: see TargetCollector.
      const owner = copyFolded(message, reader.ownerOffset);
      const target = copyFolded(message, reader.rdataOffset);
      if (owner !== undefined && target !== undefined) dnames.push({ owner, target });
    }
    if (reader.type !== TYPE.CNAME) continue;
    const ownPointer = readU16(message, reader.ownerOffset);
    if (ownPointer !== pointer || pointer < POINTER) {
      const owner = copyFolded(message, reader.ownerOffset);
      if (owner === undefined) continue;
      pointer = ownPointer;
      key = nameText(owner);
    }
    aliases.set(key, reader.rdataOffset);
  }
  const next = (name: Uint8Array): Uint8Array | undefined => {
    const offset = aliases.get(nameText(name));
    return offset === undefined ? derive(name, dnames) : copyFolded(message, offset);
  };
  for (let name = next(qname); name !== undefined; name = next(name))
    if (!chain.add(name, name.length)) break;
};

const copyFolded = (message: Uint8Array, offset: number): Uint8Array | undefined => {
  const name = copyName(message, offset, message.length);
  if (name !== undefined) foldName(name, 0, name.length);
  return name;
};

/** What a DNAME above a name makes of it (RFC 6672 section 2.2), where the server left its CNAME out. */
const derive = (
  name: Uint8Array,
  dnames: readonly { readonly owner: Uint8Array; readonly target: Uint8Array }[],
): Uint8Array | undefined => {
  const found = dnames.find(({ owner }) => name.length > owner.length && isInZone(name, owner));
  if (found === undefined) return undefined;
  const prefixLength = name.length - found.owner.length;
  if (prefixLength + found.target.length > NAME_LENGTH_MAX) return undefined;
  const derived = new Uint8Array(prefixLength + found.target.length);
  derived.set(name.subarray(0, prefixLength));
  derived.set(found.target, prefixLength);
  return derived;
};

/** A copy of the scrubbed message with the OPT record of the message that it was made of, for its EDE. */
const withOpt = (message: Uint8Array, scrubbed: Uint8Array): Uint8Array => {
  const offset = findEde(message);
  if (offset < 0) return scrubbed.slice();
  const data = message.subarray(offset, offset + readU16(message, offset - 2));
  const out = new Uint8Array(scrubbed.length + OPT_LENGTH + 4 + data.length);
  out.set(scrubbed);
  writeOpt(out, scrubbed.length, UDP_LENGTH_MAX, RCODE.NOERROR, false);
  writeOption(out, scrubbed.length, scrubbed.length + OPT_LENGTH, OPTION.EDE, data);
  writeU16(out, 10, 1);
  return out;
};
