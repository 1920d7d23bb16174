// Attempts of one window of time, each with the number of times that it was made again. Hot file.
//
// A hash table over fixed memory: most events of a busy network repeat one that was made a moment ago, and one more
// costs a look-up and an addition instead of a record. What an entry needs for its record is copied from the first
// event: words, and names in an arena. Nothing here knows what becomes of the entries; attempt-counts.ts does.
import { randomInt } from 'node:crypto';
import { isIpv4 } from '../../base/base.ts';
import type { RingEvent } from '../../telemetry/events/events.ts';

/** What attempts have to have in common to be counted together. */
export const SCOPE = {
  /** Everything but time and port. */
  SAME: 0,
  /** The client, of IPv6 its /64, and what the record is counted by. */
  CLIENT: 1,
  /** What the record is counted by. */
  ALL: 2,
} as const;

/**
 * Entries of a window. A client has some 50,000 records at once (a quarter of its day), and a large site makes some ten
 * thousand different attempts a minute. Memory that is not used is not resident: 128 bytes an entry.
 */
const ENTRIES_MAX = 65_536;
/** Entries that are kept for scopes that are wider: there are always fewer kinds of records than these. */
const ENTRIES_KEPT = 8_192;
/** Bytes of names: 64 an entry, twice what names have on average. */
const ARENA_BYTES = 64 * ENTRIES_MAX;
/** Two slots an entry. */
const SLOTS = 2 * ENTRIES_MAX;
/** Slots that are looked at: names that somebody made to collide find no room, and cost no more than this. */
const PROBES_MAX = 64;
const ADDRESS_WORDS = 4;

/** Words of an entry: hash, scope, line, type, codes, port, lengths, start of the names, client, target address. */
const ENTRY_WORDS = 16;
const HASH = 0;
const SCOPE_WORD = 1;
const LINE = 2;
const ASKED = 3;
const CODES = 4;
const PORT = 5;
const LENGTHS = 6;
const NAMES = 7;
const CLIENT = 8;
const TARGET = 12;
/** In the lengths: the target is an address. */
const ADDRESS_MARK = 0x1_0000;

/** Nobody outside knows which names collide. */
const SEED = randomInt(2 ** 32);

/** The attempts of one window; `Kind` is what records are counted by, compared by identity. */
export class AttemptTable<Kind> {
  /** Number of entries. */
  size = 0;
  readonly kinds: (Kind | undefined)[] = [];
  /** By entry: attempts that no record tells of yet. */
  readonly counts = new Float64Array(ENTRIES_MAX);
  /** By entry: time of the first and of the last of them. */
  readonly firstMs = new Float64Array(ENTRIES_MAX);
  readonly lastMs = new Float64Array(ENTRIES_MAX);
  readonly #words = new Uint32Array(ENTRIES_MAX * ENTRY_WORDS);
  readonly #arena = new Uint8Array(ARENA_BYTES);
  readonly #slots = new Uint32Array(SLOTS);
  /** Entries of SCOPE.ALL. */
  readonly #ofAll = new Map<Kind, number>();
  #arenaEnd = 0;
  /** Of the last look-up: the hash, and the empty slot where it ended; -1: it met none. */
  #hash = 0;
  #slot = -1;

  /** The entry of attempts like this one; -1: there is none. `kindHash` is a number that the kind always has. */
  find(event: RingEvent, kind: Kind, kindHash: number, scope: number): number {
    if (scope === SCOPE.ALL) return this.#ofAll.get(kind) ?? -1;
    const hash = hashOf(event, kindHash, scope);
    this.#hash = hash;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      this.#slot = (hash + probe) & (SLOTS - 1);
      const entry = (this.#slots[this.#slot] ?? 0) - 1;
      if (entry < 0) return -1;
      const isSame = this.#words[entry * ENTRY_WORDS + HASH] === hash && this.kinds[entry] === kind;
      if (isSame && this.#isLike(entry, event, scope)) return entry;
    }
    this.#slot = -1;
    return -1;
  }

  /** An entry for the event of the last look-up, which found none; -1: there is no room. */
  insert(event: RingEvent, kind: Kind, scope: number): number {
    const room =
      ENTRIES_MAX - (scope === SCOPE.ALL ? 0 : scope === SCOPE.CLIENT ? 1 : 2) * (ENTRIES_KEPT / 2);
    const targetLength = event.hasTargetAddress ? 0 : event.targetLength;
    if (scope !== SCOPE.ALL && this.#slot < 0) return -1;
    if (this.size >= room || this.#arenaEnd + event.qnameLength + targetLength > ARENA_BYTES) return -1;
    const entry = this.size++;
    const at = entry * ENTRY_WORDS;
    const words = this.#words;
    words[at + HASH] = this.#hash;
    words[at + SCOPE_WORD] = scope;
    words[at + LINE] = event.rule.line;
    words[at + ASKED] = event.qtype;
    words[at + CODES] = ((event.rcode + 1) << 17) | (event.edeCode + 1);
    words[at + PORT] = event.port;
    words[at + LENGTHS] =
      event.qnameLength | (targetLength << 8) | (event.hasTargetAddress ? ADDRESS_MARK : 0);
    words[at + NAMES] = this.#arenaEnd;
    for (let i = 0; i < ADDRESS_WORDS; i++) {
      words[at + CLIENT + i] = event.address[i] ?? 0;
      words[at + TARGET + i] = event.targetAddress[i] ?? 0;
    }
    for (let i = 0; i < event.qnameLength; i++) this.#arena[this.#arenaEnd + i] = event.qname[i] ?? 0;
    this.#arenaEnd += event.qnameLength;
    for (let i = 0; i < targetLength; i++) this.#arena[this.#arenaEnd + i] = event.target[i] ?? 0;
    this.#arenaEnd += targetLength;
    this.kinds[entry] = kind;
    this.counts[entry] = 0;
    if (scope === SCOPE.ALL) this.#ofAll.set(kind, entry);
    else this.#slots[this.#slot] = entry + 1;
    return entry;
  }

  /** Counts an attempt of an entry. */
  count(entry: number, timeMs: number): void {
    if (this.counts[entry] === 0) this.firstMs[entry] = timeMs;
    this.lastMs[entry] = timeMs;
    this.counts[entry] = (this.counts[entry] ?? 0) + 1;
  }

  /** SCOPE of an entry. */
  scopeOf(entry: number): number {
    return this.#words[entry * ENTRY_WORDS + SCOPE_WORD] ?? 0;
  }

  /** Writes what an entry's record is made from into an event; what its kind tells is left alone. */
  open(entry: number, event: RingEvent): void {
    const at = entry * ENTRY_WORDS;
    const words = this.#words;
    const codes = words[at + CODES] ?? 0;
    const lengths = words[at + LENGTHS] ?? 0;
    let start = words[at + NAMES] ?? 0;
    event.rule.line = words[at + LINE] ?? 0;
    event.qtype = words[at + ASKED] ?? 0;
    event.rcode = (codes >>> 17) - 1;
    event.edeCode = (codes & 0x1_ffff) - 1;
    event.port = words[at + PORT] ?? 0;
    event.qnameLength = lengths & 0xff;
    event.targetLength = (lengths >>> 8) & 0xff;
    event.hasTargetAddress = (lengths & ADDRESS_MARK) !== 0;
    for (let i = 0; i < ADDRESS_WORDS; i++) {
      event.address[i] = words[at + CLIENT + i] ?? 0;
      event.targetAddress[i] = words[at + TARGET + i] ?? 0;
    }
    for (let i = 0; i < event.qnameLength; i++) event.qname[i] = this.#arena[start++] ?? 0;
    for (let i = 0; i < event.targetLength; i++) event.target[i] = this.#arena[start++] ?? 0;
  }

  /** Forgets all entries. Once per window. */
  clear(): void {
    if (this.size > 0) this.#slots.fill(0);
    this.#ofAll.clear();
    this.kinds.length = 0;
    this.size = 0;
    this.#arenaEnd = 0;
  }

  #isLike(entry: number, event: RingEvent, scope: number): boolean {
    const at = entry * ENTRY_WORDS;
    const words = this.#words;
    if (words[at + SCOPE_WORD] !== scope) return false;
    const clientWords = clientWordsOf(event, scope);
    for (let i = 0; i < clientWords; i++) if (words[at + CLIENT + i] !== event.address[i]) return false;
    if (scope === SCOPE.CLIENT) return true;
    const targetLength = event.hasTargetAddress ? 0 : event.targetLength;
    const lengths = event.qnameLength | (targetLength << 8) | (event.hasTargetAddress ? ADDRESS_MARK : 0);
    if (
      words[at + LENGTHS] !== lengths ||
      words[at + LINE] !== event.rule.line ||
      words[at + ASKED] !== event.qtype ||
      words[at + CODES] !== (((event.rcode + 1) << 17) | (event.edeCode + 1))
    )
      return false;
    let start = words[at + NAMES] ?? 0;
    for (let i = 0; i < event.qnameLength; i++) if (this.#arena[start++] !== event.qname[i]) return false;
    for (let i = 0; i < targetLength; i++) if (this.#arena[start++] !== event.target[i]) return false;
    if (!event.hasTargetAddress) return true;
    for (let i = 0; i < ADDRESS_WORDS; i++) {
      if (words[at + TARGET + i] !== event.targetAddress[i]) return false;
    }
    return true;
  }
}

/** Words of the address that tell clients apart: a host has as many addresses of a /64 as it likes. */
const clientWordsOf = ({ address }: RingEvent, scope: number): number =>
  scope === SCOPE.CLIENT && !isIpv4(address) ? ADDRESS_WORDS / 2 : ADDRESS_WORDS;

/** FNV-1a over what is compared, spread over all bits. */
const hashOf = (event: RingEvent, kindHash: number, scope: number): number => {
  let hash = Math.imul(SEED ^ kindHash, 0x01000193) + scope;
  const clientWords = clientWordsOf(event, scope);
  for (let i = 0; i < clientWords; i++) hash = Math.imul(hash ^ (event.address[i] ?? 0), 0x01000193);
  if (scope === SCOPE.SAME) {
    hash = Math.imul(hash ^ event.rule.line, 0x01000193);
    hash = Math.imul(hash ^ event.qtype, 0x01000193);
    for (let i = 0; i < event.qnameLength; i++) hash = Math.imul(hash ^ (event.qname[i] ?? 0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return (hash ^ (hash >>> 15)) >>> 0;
};
