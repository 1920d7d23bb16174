// What the collector has of one resolver: both chains, the signed heads, and the pieces that came before those that they follow.
import {
  type ChainBlock,
  type ChainHole,
  type ChainPlace,
  type Collected,
  type LookFrom,
  RECORD_CLASSES,
  type RecordClass,
  type SignedHead,
} from '../evidence/records/records.ts';
import type { EvidencePiece } from './evidence-message.ts';
import type { Shelf, ShelvedChain, ShelvedHeads, Soon } from './evidence-store.ts';

/** Pieces of a chain that wait for those before them; the resolver sends again what finds no room. */
const EARLY_MAX = 2_048;
const EARLY_HEADS_MAX = 1_024;
/** Characters of all that waits of one chain: 64 blocks that a busy resolver makes of as much as it may, 2,048 of others. */
const EARLY_LENGTH_MAX = 64 << 20;

type ChainPiece = Extract<EvidencePiece, { kind: 'opening' | 'block' | 'hole' }>;

/** Told of what was not simply taken. */
export interface Judging {
  readonly judge: (block: ChainBlock | string, outcome: Collected) => Soon<void>;
  readonly hole: (text: string) => Soon<void>;
  /** Records that were missing: they are here again, or their resolver does not have them either. */
  readonly missing: (hole: ChainHole, outcome: 'filled' | 'gone') => Soon<void>;
}

interface Track {
  readonly chain: ShelvedChain;
  /** From where on it is looked through for records that are missing, and those that its resolver is asked for. */
  from: LookFrom;
  missing: ChainHole | undefined;
  /** The resolver said that it does not have these. */
  isGone: boolean;
  /** By the number of their first record. */
  readonly blocks: Map<number, ChainBlock[]>;
  /** How many these are, and their characters. */
  count: number;
  length: number;
  /** By the ordinal of the partition, with those before which the resolver told of a hole. */
  readonly openings: Map<number, Extract<ChainPiece, { kind: 'opening' }>['meta']>;
  readonly holes: Set<number>;
}

/** What is here of one resolver. Methods throw what its shelf throws. */
export class CollectedResolver {
  readonly name: string;
  readonly enrolment: number;
  /** What its shelf is called. */
  readonly label: string;
  readonly #shelf: Shelf;
  readonly #tracks: Readonly<Record<RecordClass, Track>>;
  readonly #earlyHeads = new Map<number, SignedHead>();
  #aliveMs: number;
  #isMoved = false;

  constructor(shelf: Shelf, name: string, enrolment: number, label: string) {
    this.name = name;
    this.enrolment = enrolment;
    this.label = label;
    this.#shelf = shelf;
    this.#tracks = { queries: trackOf(shelf.chains.queries), changes: trackOf(shelf.chains.changes) };
    this.#aliveMs = shelf.aliveMs;
  }

  /** Its signed heads. */
  get heads(): ShelvedHeads {
    return this.#shelf.heads;
  }

  /** Up to where a chain is whole. */
  place(recordClass: RecordClass): ChainPlace {
    return this.#tracks[recordClass].chain.place;
  }

  /** Records that are missing amid a chain, which the resolver is asked for. */
  missing(recordClass: RecordClass): ChainHole | undefined {
    return this.#tracks[recordClass].missing;
  }

  /**
   * Looks through one partition more. `end`: behind the last one, where it begins anew, and while something is asked for.
   * What is missing is given once.
   */
  async look(recordClass: RecordClass): Promise<ChainHole | 'whole' | 'end'> {
    const track = this.#tracks[recordClass];
    if (track.missing !== undefined) return 'end';
    const looked = await track.chain.look(track.from);
    if (looked === undefined) {
      track.from = FIRST;
      return 'end';
    }
    const { ordinal, hole } = looked;
    track.missing = hole;
    track.from = hole
      ? { ordinal, sequence: hole.until }
      : { ordinal: ordinal + 1, sequence: track.from.sequence };
    return hole ?? 'whole';
  }

  /** Keeps a piece until link(). */
  add(recordClass: RecordClass, piece: ChainPiece): void {
    const track = this.#tracks[recordClass];
    const { blocks, openings, holes } = track;
    const isFull = track.count + openings.size + holes.size >= EARLY_MAX;
    switch (piece.kind) {
      case 'opening':
        if (!isFull) openings.set(piece.meta.ordinal, piece.meta);
        return;
      case 'hole':
        if (isFull) return;
        if (piece.after.hash === track.missing?.after.hash) track.isGone = true;
        else holes.add(piece.ordinal);
        return;
      case 'block': {
        const { block } = piece;
        const same = blocks.get(block.first) ?? [];
        if (same.some(({ hash }) => hash === block.hash)) return;
        // What all others wait for always has room, once.
        const isNext = block.first === track.chain.place.sequence + 1 && same.length === 0;
        const isLong = track.length + block.body.length > EARLY_LENGTH_MAX;
        if ((isFull || isLong) && !isNext) return;
        track.count++;
        track.length += block.body.length;
        blocks.set(block.first, [...same, block]);
      }
    }
  }

  /** Puts what follows at the end of the chain; it is kept when this is done. */
  async link(recordClass: RecordClass, { judge, hole, missing }: Judging): Promise<void> {
    const track = this.#tracks[recordClass];
    const { chain, blocks, openings, holes } = track;
    for (let isMoving = true; isMoving; ) {
      isMoving = await this.#begin(recordClass, hole);
      for (;;) {
        const run = runFrom(blocks, chain.place.sequence + 1);
        if (run.length === 0) break;
        const { taken, outcome } = await chain.append(run);
        if (taken === 0) {
          // It may be of the partition that has not begun yet.
          if (outcome === 'early') break;
          const [first] = run;
          if (first === undefined) break;
          await judge(first, outcome);
          drop(track, first);
          continue;
        }
        for (const block of run.slice(0, taken)) drop(track, block);
        isMoving = true;
        this.#isMoved = true;
      }
    }
    await this.#fill(track, missing, judge);
    // What is behind the end is known, or another one.
    for (const first of [...blocks.keys()]) {
      if (first > chain.place.sequence || isWithin(first, track.missing)) continue;
      for (const block of blocks.get(first) ?? []) {
        await judge(block, (await chain.append([block])).outcome);
        drop(track, block);
      }
    }
    for (const ordinal of [...openings.keys()]) if (ordinal <= chain.ordinal) openings.delete(ordinal);
    for (const ordinal of [...holes]) if (ordinal <= chain.ordinal) holes.delete(ordinal);
  }

  /** Puts back what is missing when all of it is here. */
  async #fill(track: Track, told: Judging['missing'], judge: Judging['judge']): Promise<void> {
    const { missing, blocks, chain } = track;
    if (missing === undefined) return;
    if (track.isGone) {
      track.isGone = false;
      track.missing = undefined;
      for (const block of [...blocks.values()].flat()) if (isWithin(block.first, missing)) drop(track, block);
      await told(missing, 'gone');
      return;
    }
    const run = runFrom(blocks, missing.after.sequence + 1, missing.until);
    const last = run.at(-1);
    if (last === undefined || last.first + last.count - 1 !== missing.until) return;
    const outcome = await chain.fill(missing, run);
    for (const block of run) drop(track, block);
    if (outcome === 'taken' || outcome === 'known') {
      track.missing = undefined;
      // There may be another hole behind it.
      track.from = { ordinal: missing.ordinal, sequence: missing.until };
      await told(missing, 'filled');
      return;
    }
    const [first] = run;
    if (first !== undefined) await judge(first, outcome);
  }

  /** Begins the next partition when its opening is here; true when it did. */
  async #begin(recordClass: RecordClass, hole: Judging['hole']): Promise<boolean> {
    const { chain, openings, holes } = this.#tracks[recordClass];
    const { sequence } = chain.place;
    for (const ordinal of [...openings.keys()].sort((a, b) => a - b)) {
      const meta = openings.get(ordinal);
      if (meta === undefined || ordinal <= chain.ordinal) continue;
      const isBehindHole = holes.has(ordinal);
      const outcome = await chain.begin(meta, isBehindHole);
      if (outcome === 'early') return false;
      openings.delete(ordinal);
      holes.delete(ordinal);
      if (outcome !== 'taken') continue;
      if (isBehindHole) {
        const what =
          meta.first > sequence + 1
            ? `records ${sequence + 1} to ${meta.first - 1} are missing`
            : 'what follows does not follow';
        await hole(`${what}: partition ${meta.ordinal} begins anew`);
      }
      this.#isMoved = true;
      return true;
    }
    return false;
  }

  /** Takes a head, and those that waited for it. */
  async addHead(head: SignedHead | undefined, judge: (outcome: Collected) => Soon<void>): Promise<void> {
    const { heads } = this.#shelf;
    const outcome = await heads.take(head);
    if (outcome === 'early' && head !== undefined && this.#earlyHeads.size < EARLY_HEADS_MAX) {
      this.#earlyHeads.set(head.number, head);
    }
    await judge(outcome);
    for (let next = this.#earlyHeads.get(heads.place.sequence + 1); next !== undefined; ) {
      this.#earlyHeads.delete(next.number);
      if ((await heads.take(next)) !== 'taken') return;
      next = this.#earlyHeads.get(heads.place.sequence + 1);
    }
  }

  /** The resolver lived at a time, and had recorded so much: when all of it is here, that is known of it. */
  async alive(timeMs: number, records: Readonly<Record<RecordClass, number>>): Promise<void> {
    const isWhole = RECORD_CLASSES.every((name) => this.place(name).sequence >= records[name]);
    if (!isWhole || timeMs <= this.#aliveMs) return;
    this.#aliveMs = timeMs;
    this.#isMoved = true;
    await this.writePosition();
  }

  /** Notes up to where everything is, as the resolver does it. */
  async writePosition(): Promise<void> {
    if (!this.#isMoved) return;
    this.#isMoved = false;
    await this.#shelf.writePosition(this.#aliveMs);
  }

  /** Keeps what is known of a hole. */
  noteHole(line: string): Soon<void> {
    return this.#shelf.noteHole(line);
  }

  close(): void {
    this.#shelf.close();
  }
}

const trackOf = (chain: ShelvedChain): Track => ({
  chain,
  from: FIRST,
  missing: undefined,
  isGone: false,
  blocks: new Map(),
  count: 0,
  length: 0,
  openings: new Map(),
  holes: new Set(),
});

/** Where looking through a chain begins. */
const FIRST: LookFrom = { ordinal: 0, sequence: 0 };

/** Whether a block that begins with a record may be one that is missing. */
const isWithin = (first: number, hole: ChainHole | undefined): boolean =>
  hole !== undefined && first > hole.after.sequence && first <= hole.until;

/** Blocks that follow each other from a number on, up to one that begins behind a record; of several with one number the first. */
const runFrom = (
  blocks: ReadonlyMap<number, readonly ChainBlock[]>,
  first: number,
  until = Number.POSITIVE_INFINITY,
): ChainBlock[] => {
  const run: ChainBlock[] = [];
  for (let next = first; ; ) {
    const block = next > until ? undefined : blocks.get(next)?.[0];
    if (block === undefined) return run;
    run.push(block);
    next = block.first + block.count;
  }
};

const drop = (track: Track, block: ChainBlock): void => {
  const { blocks } = track;
  const left = (blocks.get(block.first) ?? []).filter((one) => one !== block);
  track.count--;
  track.length -= block.body.length;
  if (left.length === 0) blocks.delete(block.first);
  else blocks.set(block.first, left);
};
