// The canonical order of names and the canonical form of RDATA (RFC 4034 section 6, RFC 6840 section 5.1).
//
// Names are uncompressed and well-formed, as the dns room's readers give them, and compared with letters folded by
// no matter who made them. Nothing here throws or allocates more than a name.
import { countLabels, foldName, NAME_LENGTH_MAX, skipLabels, skipName, TYPE } from '../../wire/dns/dns.ts';

/** Labels of the longest name: each takes two bytes at least, the root one. */
const LABELS_MAX = NAME_LENGTH_MAX >> 1;

const ROOT_LABEL = 0;
/** The label `*` in wire form: its length, then the character. */
const WILDCARD_LABEL = [1, 0x2a] as const;

const offsetsOfA = new Uint8Array(LABELS_MAX);
const offsetsOfB = new Uint8Array(LABELS_MAX);

/**
 * The canonical order of two folded names: negative when `a` comes first, 0 when they are the same name (RFC 4034
 * section 6.1). Labels are compared from the root down, as bytes; a name comes before those below it.
 */
export const compareNames = (a: Uint8Array, b: Uint8Array): number => {
  const labelsOfA = findLabels(a, offsetsOfA);
  const labelsOfB = findLabels(b, offsetsOfB);
  const shared = Math.min(labelsOfA, labelsOfB);
  for (let i = 1; i <= shared; i++) {
    const order = compareLabels(a, offsetsOfA[labelsOfA - i] ?? 0, b, offsetsOfB[labelsOfB - i] ?? 0);
    if (order !== 0) return order;
  }
  return labelsOfA - labelsOfB;
};

/** Every byte of the longest name may take two. */
const keyRoom = new Uint8Array(2 * NAME_LENGTH_MAX);

/**
 * A folded name as bytes, whose order (Buffer.compare) is the canonical one: many names are sorted and searched by them for a
 * fraction of what compareNames() costs. Labels stand from the root down, each with an end that is below whatever a label may hold.
 */
export const orderKey = (name: Uint8Array): Uint8Array => {
  let length = 0;
  for (let label = findLabels(name, offsetsOfA) - 1; label >= 0; label--) {
    const offset = offsetsOfA[label] ?? 0;
    const end = offset + (name[offset] ?? 0);
    for (let i = offset + 1; i <= end; i++) {
      const byte = name[i] ?? 0;
      if (byte <= KEY_ESCAPE) keyRoom[length++] = KEY_ESCAPE;
      keyRoom[length++] = byte <= KEY_ESCAPE ? byte + 1 : byte;
    }
    keyRoom[length++] = KEY_END;
  }
  return keyRoom.slice(0, length);
};

/** Ends a label of a key. */
const KEY_END = 0;
/** Stands before a byte that is not above it, which is one more then. */
const KEY_ESCAPE = 1;

/** The name of the last `labels` labels of a name, the root not counted, as a view; the name itself when it has no more. */
export const ancestor = (name: Uint8Array, labels: number): Uint8Array =>
  skipLabels(name, countLabels(name) - labels);

/** True when the first label of a name is `*` (RFC 4592 section 2.1.1). */
export const isWildcard = (name: Uint8Array): boolean =>
  name[0] === WILDCARD_LABEL[0] && name[1] === WILDCARD_LABEL[1];

/** The wildcard directly below a name; undefined when it would be longer than names may be. */
export const wildcardOf = (closestEncloser: Uint8Array): Uint8Array | undefined => {
  const length = closestEncloser.length + WILDCARD_LABEL.length;
  if (length > NAME_LENGTH_MAX) return undefined;
  const name = new Uint8Array(length);
  name.set(WILDCARD_LABEL);
  name.set(closestEncloser, WILDCARD_LABEL.length);
  return name;
};

/** The order of two RDATAs in canonical form: as bytes, the shorter first when it begins the longer (RFC 4034 section 6.3). */
export const compareRdata = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);

/** Where names lie that the canonical form folds: bytes or character-strings before them, and how many there are. */
interface FoldedNames {
  readonly bytes: number;
  readonly strings: number;
  readonly names: number;
}

const at = (bytes: number, names = 1, strings = 0): FoldedNames => ({ bytes, strings, names });

/**
 * The list of RFC 4034 section 6.2 as RFC 6840 section 5.1 corrects it: the next name of an NSEC keeps its letters,
 * and so do the names of every later type (SVCB, HTTPS, LP). HINFO holds no name; A6 is gone (RFC 6563).
 */
const FOLDED_NAMES: ReadonlyMap<number, FoldedNames> = new Map([
  [TYPE.NS, at(0)],
  [TYPE.MD, at(0)],
  [TYPE.MF, at(0)],
  [TYPE.CNAME, at(0)],
  [TYPE.SOA, at(0, 2)],
  [TYPE.MB, at(0)],
  [TYPE.MG, at(0)],
  [TYPE.MR, at(0)],
  [TYPE.PTR, at(0)],
  [TYPE.MINFO, at(0, 2)],
  [TYPE.MX, at(2)],
  [TYPE.RP, at(0, 2)],
  [TYPE.AFSDB, at(2)],
  [TYPE.RT, at(2)],
  [TYPE.SIG, at(18)],
  [TYPE.PX, at(2, 2)],
  [TYPE.NXT, at(0)],
  [TYPE.SRV, at(6)],
  [TYPE.NAPTR, at(4, 1, 3)],
  [TYPE.KX, at(2)],
  [TYPE.DNAME, at(0)],
  [TYPE.RRSIG, at(18)],
]);

/** Puts RDATA, its names uncompressed, into canonical form in place (RFC 4034 section 6.2). */
export const canonicalizeRdata = (type: number, rdata: Uint8Array): void => {
  const folded = FOLDED_NAMES.get(type);
  if (folded === undefined) return;
  let offset = folded.bytes;
  for (let i = 0; i < folded.strings; i++) offset += 1 + (rdata[offset] ?? 0);
  for (let i = 0; i < folded.names; i++) {
    const end = skipName(rdata, offset, rdata.length);
    if (end < 0) return;
    foldName(rdata, offset, end - offset);
    offset = end;
  }
};

/** Writes the offset of each label, from the first to the last before the root; returns their number. */
const findLabels = (name: Uint8Array, offsets: Uint8Array): number => {
  let count = 0;
  for (
    let offset = 0;
    offset < name.length && name[offset] !== ROOT_LABEL && count < LABELS_MAX;
    offset += (name[offset] ?? 0) + 1
  )
    offsets[count++] = offset;
  return count;
};

const compareLabels = (a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): number => {
  const aLength = a[aOffset] ?? 0;
  const bLength = b[bOffset] ?? 0;
  const shared = Math.min(aLength, bLength);
  for (let i = 1; i <= shared; i++) {
    const order = (a[aOffset + i] ?? 0) - (b[bOffset + i] ?? 0);
    if (order !== 0) return order;
  }
  return aLength - bLength;
};
