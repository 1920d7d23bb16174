// Hashes of the suffixes of a folded wire name, as tables of names look them up. Hot file.
//
// One pass from the root label leftwards: the hash of each suffix is that of the one before, extended by a label.

/** A name of 255 bytes has at most 127 labels (RFC 1035 section 3.1). */
const LABELS_MAX = 127;

/** The hash of the root. */
export const HASH_START = 0x811c9dc5;

/** Where the labels of the last name begin that findLabels() was given, counted from the start of the name. */
export const labelStarts = new Uint8Array(LABELS_MAX);

/** Finds the label starts of a folded name; returns how many there are, the root not counted. */
export const findLabels = (name: Uint8Array, offset: number, length: number): number => {
  let count = 0;
  let at = 0;
  while (at < length - 1 && count < LABELS_MAX) {
    labelStarts[count++] = at;
    at += (name[offset + at] ?? 0) + 1;
  }
  return count;
};

/** Extends the hash of the labels to the right by one label (FNV-1a over its length and its bytes). */
export const hashLabel = (hash: number, bytes: Uint8Array, start: number): number => {
  let next = hash;
  const end = start + (bytes[start] ?? 0);
  for (let i = start; i <= end; i++) next = Math.imul(next ^ (bytes[i] ?? 0), 0x01000193);
  return next;
};

/** Spreads a hash over all 32 bits: FNV alone clusters. */
export const mix = (hash: number): number => {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
};

/** The hash under which a whole name is found. Once per change: for names of tables, not of queries. */
export const hashName = (name: Uint8Array): number => {
  let hash = HASH_START;
  for (let i = findLabels(name, 0, name.length) - 1; i >= 0; i--) {
    hash = hashLabel(hash, name, labelStarts[i] ?? 0);
  }
  return mix(hash);
};
