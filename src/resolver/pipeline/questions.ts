// The questions in flight, found by what they ask. Hot file: runs for each miss.
//
// By the hash of their cache key, which starts from a secret of the process, and not by its text: to make a string and to
// hash it again costs three times as much as all of this. Those whose hashes are equal hang one behind the other.

import { NumberMap } from '../../base/base.ts';
import { readU16 } from '../../wire/dns/dns.ts';
import { type CacheKey, KEY_TAIL_BYTES } from '../cache/cache.ts';
import type { Asked } from './asked.ts';

/** A question with its place in the table. */
interface Entry<T> {
  readonly asked: Asked;
  /** Only the table changes it. */
  other: T | undefined;
}

/** Questions in flight, each once. */
export class Questions<T extends Entry<T>> {
  size = 0;
  readonly #byHash = new NumberMap<T>();

  /** The one that asks the same. */
  find({ hash, flags, qname, question }: Asked): T | undefined {
    return this.#find(hash, flags, question.type, qname, qname.length);
  }

  /** The one under a sealed key. */
  under({ hash, flags, bytes, length }: CacheKey): T | undefined {
    const nameLength = length - KEY_TAIL_BYTES;
    return this.#find(hash, flags, readU16(bytes, nameLength), bytes, nameLength);
  }

  /** Adds one that find() does not find. */
  add(entry: T): void {
    const { hash } = entry.asked;
    entry.other = this.#byHash.get(hash);
    this.#byHash.set(hash, entry);
    this.size++;
  }

  /** Takes one out; does nothing when it is not there. */
  remove(entry: T): void {
    const { hash } = entry.asked;
    const first = this.#byHash.get(hash);
    if (first === entry) {
      if (entry.other === undefined) this.#byHash.delete(hash);
      else this.#byHash.set(hash, entry.other);
    } else {
      let before = first;
      while (before !== undefined && before.other !== entry) before = before.other;
      if (before === undefined) return;
      before.other = entry.other;
    }
    entry.other = undefined;
    this.size--;
  }

  /** How many of them a test is true of. */
  count(test: (entry: T) => boolean): number {
    let count = 0;
    for (const first of this.#byHash.values()) {
      for (let entry: T | undefined = first; entry !== undefined; entry = entry.other)
        if (test(entry)) count++;
    }
    return count;
  }

  #find(hash: number, flags: number, type: number, name: Uint8Array, nameLength: number): T | undefined {
    let entry = this.#byHash.get(hash);
    while (entry !== undefined && !isAbout(entry.asked, flags, type, name, nameLength)) entry = entry.other;
    return entry;
  }
}

/** True for the question for a folded name in the first bytes of `name`. */
const isAbout = (
  { flags: ownFlags, qname, question }: Asked,
  flags: number,
  type: number,
  name: Uint8Array,
  nameLength: number,
): boolean => {
  if (ownFlags !== flags || question.type !== type || qname.length !== nameLength) return false;
  for (let i = 0; i < nameLength; i++) if (qname[i] !== name[i]) return false;
  return true;
};
