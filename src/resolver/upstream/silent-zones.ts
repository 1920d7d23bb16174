// Zones that nobody answers for while other zones are answered (RFC 9520). Hot file: runs for each miss while there are any.
//
// Random names below a zone whose servers are gone would each wait for the whole time of a question. Where zones are cut is
// not known here, so that the ends of a name stand for them: its last two, three and four labels. Each end has the number of
// its questions that were met with silence since the last answer, and which labels before it they had, as bits of a hash. An
// end is silent once enough questions with enough different labels were; that tells the zone itself from the one above it,
// of which a single label is silent. Labels that a client makes up are in no end that is looked at, or make it silent
// the sooner. A label that was not silent yet is asked for, and one question after a time that doubles; any answer below
// an end clears it. So a zone with one server that answers is never silent here: the limits of in-flight queries bound its cost.
//
// A table of fixed size; two ends that fall together push each other out, which costs a few questions more.
import { SuffixHashes } from '../../wire/dns/dns.ts';

/** Ends that are remembered, a power of two: 160 KiB. */
const ENTRIES = 4096;
/** Labels of the shortest and longest end. */
const LABELS_MIN = 2;
const LABELS_MAX = 4;
/** Questions without an answer that make an end silent: a page of names of a slow zone is less. */
const FAILURES_MIN = 8;
/** Different labels among them: a zone above has only that of the silent one. */
const CHILDREN_MIN = 4;
const CHILD_BITS = 64;
/** Until one question is let through, milliseconds, doubled each time up to the longest (RFC 9520 section 3.2: 1 s, 300 s). */
const RETRY_MS = 1_000;
const RETRY_DOUBLINGS_MAX = 4;
/** What was silent so long ago says nothing, milliseconds. */
const FORGOTTEN_MS = 60_000;

/** The silent zones of one Forwarding. */
export class SilentZones {
  readonly #suffix = new SuffixHashes();
  readonly #tags = new Int32Array(ENTRIES);
  readonly #failures = new Uint16Array(ENTRIES);
  readonly #children = new Uint8Array(ENTRIES);
  readonly #bits = new Int32Array((ENTRIES * CHILD_BITS) / 32);
  readonly #doublings = new Uint8Array(ENTRIES);
  readonly #retryAtMs = new Float64Array(ENTRIES);
  readonly #failedAtMs = new Float64Array(ENTRIES);
  /** Entries with a failure: without any, nothing is looked up. */
  #used = 0;

  /** True while nothing was met with silence, as is usual. */
  get isEmpty(): boolean {
    return this.#used === 0;
  }

  /** A question was met with silence by a server that answered others meanwhile. */
  fail(name: Uint8Array, view: number, nowMs: number): void {
    const { hashes, count } = this.#read(name, view);
    for (let labels = LABELS_MIN; labels <= LABELS_MAX && labels <= count; labels++) {
      const tag = hashes[labels - 1] ?? 0;
      const at = tag & (ENTRIES - 1);
      if (this.#tags[at] !== tag || this.#isForgotten(at, nowMs)) {
        if (this.#isSilent(at) && !this.#isForgotten(at, nowMs)) continue;
        this.#clear(at);
        this.#tags[at] = tag;
      }
      const failures = this.#failures[at] ?? 0;
      if (failures === 0) this.#used++;
      if (failures < 0xffff) this.#failures[at] = failures + 1;
      this.#failedAtMs[at] = nowMs;
      const wasSilent = this.#isSilent(at) && failures > 0 && (this.#retryAtMs[at] ?? 0) > 0;
      this.#addChild(at, childOf(hashes, labels, count));
      if (!wasSilent && this.#isSilent(at)) this.#retryAtMs[at] = nowMs + RETRY_MS;
    }
  }

  /** A question was answered, however: nothing that its name ends with is silent. */
  answered(name: Uint8Array, view: number): void {
    if (this.#used === 0) return;
    const { hashes, count } = this.#read(name, view);
    for (let labels = LABELS_MIN; labels <= LABELS_MAX && labels <= count; labels++) {
      const tag = hashes[labels - 1] ?? 0;
      const at = tag & (ENTRIES - 1);
      if (this.#tags[at] === tag) this.#clear(at);
    }
  }

  /** True when a question shall not be asked; false as well for the one that finds out whether that is over. */
  refuses(name: Uint8Array, view: number, nowMs: number): boolean {
    if (this.#used === 0) return false;
    const { hashes, count } = this.#read(name, view);
    for (let labels = LABELS_MIN; labels <= LABELS_MAX && labels <= count; labels++) {
      const tag = hashes[labels - 1] ?? 0;
      const at = tag & (ENTRIES - 1);
      if (this.#tags[at] !== tag || !this.#isSilent(at)) continue;
      if (!this.#hasChild(at, childOf(hashes, labels, count))) continue;
      if (this.#isForgotten(at, nowMs)) {
        this.#clear(at);
        continue;
      }
      if (nowMs < (this.#retryAtMs[at] ?? 0)) return true;
      const doublings = this.#doublings[at] ?? 0;
      this.#doublings[at] = Math.min(RETRY_DOUBLINGS_MAX, doublings + 1);
      this.#retryAtMs[at] = nowMs + RETRY_MS * 2 ** doublings;
    }
    return false;
  }

  /** True when something below what the name ends with was met with silence since the last answer there. */
  isDoubtful(name: Uint8Array, view: number): boolean {
    if (this.#used === 0) return false;
    const { hashes, count } = this.#read(name, view);
    for (let labels = LABELS_MIN; labels <= LABELS_MAX && labels <= count; labels++) {
      const tag = hashes[labels - 1] ?? 0;
      const at = tag & (ENTRIES - 1);
      if (this.#tags[at] === tag && (this.#failures[at] ?? 0) > 0) return true;
    }
    return false;
  }

  #read(name: Uint8Array, view: number): SuffixHashes {
    this.#suffix.read(name, view);
    return this.#suffix;
  }

  #isSilent(at: number): boolean {
    return (this.#failures[at] ?? 0) >= FAILURES_MIN && (this.#children[at] ?? 0) >= CHILDREN_MIN;
  }

  /** A clock that stepped back makes everything forgotten. */
  #isForgotten(at: number, nowMs: number): boolean {
    const elapsedMs = nowMs - (this.#failedAtMs[at] ?? 0);
    return elapsedMs < 0 || elapsedMs > FORGOTTEN_MS;
  }

  #clear(at: number): void {
    if ((this.#failures[at] ?? 0) > 0) this.#used--;
    this.#failures[at] = 0;
    this.#children[at] = 0;
    this.#doublings[at] = 0;
    this.#retryAtMs[at] = 0;
    this.#bits[2 * at] = 0;
    this.#bits[2 * at + 1] = 0;
  }

  #hasChild(at: number, child: number): boolean {
    return ((this.#bits[2 * at + (child >>> 5)] ?? 0) & (1 << (child & 31))) !== 0;
  }

  #addChild(at: number, child: number): void {
    if (this.#hasChild(at, child)) return;
    const word = 2 * at + (child >>> 5);
    this.#bits[word] = (this.#bits[word] ?? 0) | (1 << (child & 31));
    this.#children[at] = (this.#children[at] ?? 0) + 1;
  }
}

/** The bit of the label before an end; 0 for a name that is the end itself. */
const childOf = (hashes: Int32Array, labels: number, count: number): number =>
  labels < count ? ((hashes[labels] ?? 0) >>> 8) & (CHILD_BITS - 1) : 0;
