// Names of a message that later ones can point at (RFC 1035 section 4.1.4). Hot file.
//
// A name of 255 bytes has 127 ends, each of which may be the end of 64 names before it: compared label by label that is the
// cube of the labels, 12 ms for one name. Here a name is hashed once from its end, letters as they are and folded; ends of
// remembered names stand in an order by length, as those of the name do, so that both are walked once; bytes are compared
// where length and hash are equal. The seed is the process's own. What an attacker could do who knew it is bounded by
// 64 comparisons of 255 bytes a name.
import { randomInt } from 'node:crypto';
import { foldByte, nameEquals } from './name.ts';
import { LABEL_LENGTH_MAX, NAME_LENGTH_MAX } from './registry.ts';

/** Pointers have 14 bits. */
const POINTER_TARGET_MAX = 0x3fff;
/** Remembered ends; more names are written without compression, which is legal and keeps the search short. */
const TARGETS_MAX = 64;
/** Labels of a name: each takes two bytes at least. */
const LABELS_MAX = NAME_LENGTH_MAX >> 1;

const SEED = randomInt(0x1_0000_0000) | 0;
const PRIME = 0x0100_0193;
/** By byte. */
const FOLDED = Uint8Array.from({ length: 256 }, (_, byte) => foldByte(byte));

// Of the name that was looked at last: where its labels begin, and the hashes of what is left from there on.
const starts = new Uint8Array(LABELS_MAX + 1);
const exact = new Int32Array(LABELS_MAX + 1);
const folded = new Int32Array(LABELS_MAX + 1);
let labelCount = 0;
let nameLength = 0;

/** The ends of the names of one message, longest first, and those of one length in the order in which they came. */
export class SuffixTargets {
  /** Bytes of the name that find() found an end for, before that end. */
  keptLength = 0;
  /** In the message; negative in RDATA, where only the same letters are the same name: owners keep theirs. */
  readonly #offsets: number[] = [];
  /** Bytes from there to the end of the name. */
  readonly #lengths: number[] = [];
  /** Their hashes with the letters as they are, and folded. */
  readonly #exact: number[] = [];
  readonly #folded: number[] = [];
  /** Labels of the last name that are written before its end that was found: these can be remembered. */
  #ownLabels = 0;
  /** Where the end of the last name was found, 0 without one. */
  #found = 0;
  /** By length, where the last whole name of that length was found: thousands of records have a few owners. */
  readonly #whole = new Uint16Array(NAME_LENGTH_MAX + 1);

  /** Begins another message. */
  clear(): void {
    this.#offsets.length = 0;
    this.#lengths.length = 0;
    this.#exact.length = 0;
    this.#folded.length = 0;
    this.#whole.fill(0);
    this.#ownLabels = 0;
    this.#found = 0;
  }

  /** Takes the next name for one that is not looked at. Returns -1, as find() does. */
  pass(): number {
    this.#ownLabels = 0;
    this.#found = 0;
    return -1;
  }

  /**
   * Offset in the message of the longest end of an uncompressed name that is there, the one that came first, or -1; what stands
   * before it are the first `keptLength` bytes.
   */
  find(message: Uint8Array, name: Uint8Array, keepsLetters: boolean): number {
    const whole = this.#whole[name.length] ?? 0;
    nameLength = name.length;
    if (whole > 0 && isSuffix(message, whole, name, 0, true)) {
      this.keptLength = 0;
      this.#ownLabels = 0;
      this.#found = whole;
      return whole;
    }
    hashEnds(name);
    const lengths = this.#lengths;
    const count = lengths.length;
    let at = 0;
    for (let label = 0; label < labelCount && at < count; label++) {
      const start = starts[label] ?? 0;
      const left = nameLength - start;
      while (at < count && (lengths[at] ?? 0) > left) at++;
      const own = exact[label] ?? 0;
      const ownFolded = folded[label] ?? 0;
      for (; at < count && lengths[at] === left; at++) {
        const place = this.#offsets[at] ?? 0;
        const isExact = keepsLetters || place < 0;
        if (isExact ? this.#exact[at] !== own : this.#folded[at] !== ownFolded) continue;
        const target = place < 0 ? -place : place;
        if (!isSuffix(message, target, name, start, isExact)) continue;
        this.keptLength = start;
        this.#ownLabels = label;
        this.#found = target;
        if (start === 0) this.#whole[name.length] = target;
        // It will read with the letters of the end that it points at.
        if (this.#exact[at] !== own) hashAnew(name, label, this.#exact[at] ?? 0);
        return target;
      }
    }
    this.#ownLabels = labelCount;
    this.#found = 0;
    return -1;
  }

  /**
   * Remembers what of the name that find() was asked for is its own, and was written from `offset` on. Returns where find()
   * would find the whole name now, 0 where it would not.
   */
  remember(offset: number, isRdata: boolean): number {
    if (this.#ownLabels === 0) return this.#found;
    const hasRoom = offset <= POINTER_TARGET_MAX && this.#offsets.length < TARGETS_MAX;
    for (let label = 0; label < this.#ownLabels; label++) {
      const start = starts[label] ?? 0;
      if (offset + start > POINTER_TARGET_MAX || this.#offsets.length >= TARGETS_MAX) break;
      const place = isRdata ? -(offset + start) : offset + start;
      this.#insert(place, nameLength - start, exact[label] ?? 0, folded[label] ?? 0);
    }
    return hasRoom ? offset : 0;
  }

  /** At most TARGETS_MAX times for a message, so that what is moved is bounded. */
  #insert(place: number, length: number, exactHash: number, foldedHash: number): void {
    const lengths = this.#lengths;
    let at = lengths.length;
    while (at > 0 && (lengths[at - 1] ?? 0) < length) {
      lengths[at] = lengths[at - 1] ?? 0;
      this.#offsets[at] = this.#offsets[at - 1] ?? 0;
      this.#exact[at] = this.#exact[at - 1] ?? 0;
      this.#folded[at] = this.#folded[at - 1] ?? 0;
      at--;
    }
    lengths[at] = length;
    this.#offsets[at] = place;
    this.#exact[at] = exactHash;
    this.#folded[at] = foldedHash;
  }
}

/** Hashes all ends of a name, the shortest first. */
const hashEnds = (name: Uint8Array): void => {
  let at = 0;
  labelCount = 0;
  while (at < name.length && labelCount < LABELS_MAX && (name[at] ?? 0) > 0) {
    starts[labelCount++] = at;
    at += (name[at] ?? 0) + 1;
  }
  starts[labelCount] = at;
  nameLength = at + 1;
  // Both side by side: each product waits for the one before it, not for the other's.
  let hash = SEED;
  let hashFolded = SEED;
  let end = at;
  for (let label = labelCount - 1; label >= 0; label--) {
    const start = starts[label] ?? 0;
    for (let i = start; i < end; i++) {
      const byte = name[i] ?? 0;
      hash = Math.imul(hash ^ byte, PRIME);
      hashFolded = Math.imul(hashFolded ^ (FOLDED[byte] ?? 0), PRIME);
    }
    // High bits come down: a product alone moves them up only.
    hash ^= hash >>> 15;
    hashFolded ^= hashFolded >>> 15;
    exact[label] = hash;
    folded[label] = hashFolded;
    end = start;
  }
};

/** Hashes the ends of a name with the letters as they are: of its first labels, before one that has a hash. */
const hashAnew = (name: Uint8Array, labels: number, after: number): void => {
  let hash = after;
  let end = starts[labels] ?? 0;
  for (let label = labels - 1; label >= 0; label--) {
    const start = starts[label] ?? 0;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (name[i] ?? 0), PRIME);
    hash ^= hash >>> 15;
    exact[label] = hash;
    end = start;
  }
};

/** True when what stands at an offset of the message is the rest of the name from `start` on. */
const isSuffix = (
  message: Uint8Array,
  target: number,
  name: Uint8Array,
  start: number,
  isExact: boolean,
): boolean => {
  let at = target;
  for (let position = start; position < nameLength; ) {
    let label = message[at] ?? 0;
    if (label > LABEL_LENGTH_MAX) {
      at = ((label & 0x3f) << 8) | (message[at + 1] ?? 0);
      label = message[at] ?? 0;
    }
    if (label !== name[position]) return false;
    if (isExact) for (let i = 1; i <= label; i++) if (message[at + i] !== name[position + i]) return false;
    if (!isExact && !nameEquals(message, at + 1, name, position + 1, label)) return false;
    if (label === 0) return position === nameLength - 1;
    at += label + 1;
    position += label + 1;
  }
  return false;
};
