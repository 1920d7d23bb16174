// What the collector has of one resolver: both chains, the signed heads, and the pieces that came before those that they follow.
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ChainBlock,
  type ChainPlace,
  type Collected,
  CollectedChain,
  CollectedHeads,
  PositionFile,
  RECORD_CLASSES,
  RECORDS_DIRECTORY_MODE,
  type RecordClass,
  readPosition,
  type SignedHead,
} from '../records/records.ts';
import type { EvidencePiece } from './evidence-message.ts';

/** Pieces of a chain that wait for those before them; the resolver sends again what finds no room. */
const EARLY_MAX = 2_048;
const EARLY_HEADS_MAX = 1_024;

type ChainPiece = Extract<EvidencePiece, { kind: 'opening' | 'block' | 'hole' }>;

/** Told of what was not simply taken. */
export interface Judging {
  readonly judge: (block: ChainBlock | string, outcome: Collected) => void;
  readonly hole: (text: string) => void;
}

interface Track {
  readonly chain: CollectedChain;
  /** By the number of their first record. */
  readonly blocks: Map<number, ChainBlock[]>;
  /** By the ordinal of the partition, with those before which the resolver told of a hole. */
  readonly openings: Map<number, Extract<ChainPiece, { kind: 'opening' }>['meta']>;
  readonly holes: Set<number>;
}

/** One resolver's directory. Methods throw errors of SQLite and of the system. */
export class CollectedResolver {
  readonly name: string;
  readonly enrolment: number;
  /** Name of the directory. */
  readonly label: string;
  readonly heads: CollectedHeads;
  readonly #directory: string;
  readonly #tracks: Readonly<Record<RecordClass, Track>>;
  readonly #position: PositionFile;
  readonly #earlyHeads = new Map<number, SignedHead>();
  #aliveMs: number;
  #isMoved = false;

  constructor(directory: string, name: string, enrolment: number, label: string) {
    this.name = name;
    this.enrolment = enrolment;
    this.label = label;
    this.#directory = join(directory, label);
    mkdirSync(this.#directory, { recursive: true, mode: RECORDS_DIRECTORY_MODE });
    this.heads = new CollectedHeads(this.#directory);
    this.#tracks = { queries: this.#openTrack('queries'), changes: this.#openTrack('changes') };
    const path = join(this.#directory, 'position');
    this.#aliveMs = readPosition(path)?.timeMs ?? 0;
    this.#position = PositionFile.open(path);
  }

  /** Up to where a chain is whole. */
  place(recordClass: RecordClass): ChainPlace {
    return this.#tracks[recordClass].chain.place;
  }

  /** Keeps a piece until link(). */
  add(recordClass: RecordClass, piece: ChainPiece): void {
    const { blocks, openings, holes } = this.#tracks[recordClass];
    if (blocks.size + openings.size > EARLY_MAX) return;
    switch (piece.kind) {
      case 'opening':
        openings.set(piece.meta.ordinal, piece.meta);
        return;
      case 'hole':
        holes.add(piece.ordinal);
        return;
      case 'block': {
        const { block } = piece;
        const same = blocks.get(block.first) ?? [];
        if (!same.some(({ hash }) => hash === block.hash)) blocks.set(block.first, [...same, block]);
      }
    }
  }

  /** Puts what follows at the end of the chain, on the disk. */
  link(recordClass: RecordClass, { judge, hole }: Judging): void {
    const { chain, blocks, openings, holes } = this.#tracks[recordClass];
    for (let isMoving = true; isMoving; ) {
      isMoving = this.#begin(recordClass, hole);
      for (;;) {
        const run = runFrom(blocks, chain.place.sequence + 1);
        if (run.length === 0) break;
        const { taken, outcome } = chain.append(run);
        if (taken === 0) {
          // It may be of the partition that has not begun yet.
          if (outcome === 'early') break;
          const [first] = run;
          if (first === undefined) break;
          judge(first, outcome);
          drop(blocks, first);
          continue;
        }
        for (const block of run.slice(0, taken)) drop(blocks, block);
        isMoving = true;
        this.#isMoved = true;
      }
    }
    // What is behind the end is known, or another one.
    for (const first of [...blocks.keys()]) {
      if (first > chain.place.sequence) continue;
      for (const block of blocks.get(first) ?? []) judge(block, chain.append([block]).outcome);
      blocks.delete(first);
    }
    for (const ordinal of [...openings.keys()]) if (ordinal <= chain.ordinal) openings.delete(ordinal);
    for (const ordinal of [...holes]) if (ordinal <= chain.ordinal) holes.delete(ordinal);
  }

  /** Begins the next partition when its opening is here; true when it did. */
  #begin(recordClass: RecordClass, hole: (text: string) => void): boolean {
    const { chain, openings, holes } = this.#tracks[recordClass];
    const { sequence } = chain.place;
    for (const ordinal of [...openings.keys()].sort((a, b) => a - b)) {
      const meta = openings.get(ordinal);
      if (meta === undefined || ordinal <= chain.ordinal) continue;
      const isBehindHole = holes.has(ordinal);
      const outcome = chain.begin(meta, isBehindHole);
      if (outcome === 'early') return false;
      openings.delete(ordinal);
      holes.delete(ordinal);
      if (outcome !== 'taken') continue;
      if (isBehindHole) {
        const what =
          meta.first > sequence + 1
            ? `records ${sequence + 1} to ${meta.first - 1} are missing`
            : 'what follows does not follow';
        hole(`${what}: partition ${meta.ordinal} begins anew`);
      }
      this.#isMoved = true;
      return true;
    }
    return false;
  }

  /** Takes a head, and those that waited for it. */
  addHead(head: SignedHead | undefined, judge: (outcome: Collected) => void): void {
    const outcome = this.heads.take(head);
    if (outcome === 'early' && head !== undefined && this.#earlyHeads.size < EARLY_HEADS_MAX) {
      this.#earlyHeads.set(head.number, head);
    }
    judge(outcome);
    for (let next = this.#earlyHeads.get(this.heads.place.sequence + 1); next !== undefined; ) {
      this.#earlyHeads.delete(next.number);
      if (this.heads.take(next) !== 'taken') return;
      next = this.#earlyHeads.get(this.heads.place.sequence + 1);
    }
  }

  /** The resolver lived at a time, and had recorded so much: when all of it is here, that is known of it. */
  alive(timeMs: number, records: Readonly<Record<RecordClass, number>>): void {
    const isWhole = RECORD_CLASSES.every((name) => this.place(name).sequence >= records[name]);
    if (!isWhole || timeMs <= this.#aliveMs) return;
    this.#aliveMs = timeMs;
    this.#isMoved = true;
    this.writePosition();
  }

  /** Notes up to where everything is, as the resolver does it. */
  writePosition(): void {
    if (!this.#isMoved) return;
    this.#isMoved = false;
    const end = (name: RecordClass) => {
      const { sequence, hash } = this.place(name);
      return { sequence, hash: Buffer.from(hash, 'hex') };
    };
    this.#position.write(
      { timeMs: this.#aliveMs, ends: { queries: end('queries'), changes: end('changes') } },
      true,
    );
  }

  /** Keeps what is known of a hole. */
  noteHole(line: string): void {
    appendFileSync(join(this.#directory, 'holes.jsonl'), `${line}\n`, { mode: 0o600 });
  }

  close(): void {
    this.writePosition();
    for (const recordClass of RECORD_CLASSES) this.#tracks[recordClass].chain.close();
    this.#position.close();
  }

  #openTrack(recordClass: RecordClass): Track {
    return {
      chain: new CollectedChain(this.#directory, recordClass),
      blocks: new Map(),
      openings: new Map(),
      holes: new Set(),
    };
  }
}

/** Blocks that follow each other from a number on; of several with one number the first. */
const runFrom = (blocks: ReadonlyMap<number, readonly ChainBlock[]>, first: number): ChainBlock[] => {
  const run: ChainBlock[] = [];
  for (let next = first; ; ) {
    const block = blocks.get(next)?.[0];
    if (block === undefined) return run;
    run.push(block);
    next = block.first + block.count;
  }
};

const drop = (blocks: Map<number, ChainBlock[]>, block: ChainBlock): void => {
  const left = (blocks.get(block.first) ?? []).filter((one) => one !== block);
  if (left.length === 0) blocks.delete(block.first);
  else blocks.set(block.first, left);
};
