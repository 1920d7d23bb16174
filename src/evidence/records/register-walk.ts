// What the chain of changes says of a register, read from its end back before anybody is exempt.
//
// Read is as little as is needed: to the last statement that the register still fits, or to the oldest grant that stands. A
// block counts when its leaf is in the tree under the last checkpoint, when a signed end names it, or when a block that
// counts follows it and has its hash. Without a checkpoint that counts, as the machine's crash may leave, signed ends remain.
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { DAY_MS, errorText } from '../../base/base.ts';
import { rootAt, TreeFile } from '../../wire/transparency/transparency.ts';
import type { PlacedBlock } from './chain.ts';
import { blockLeaf, readCheckpoint, TREE_NAME } from './checkpoint-file.ts';
import { isOperational } from './disk-error.ts';
import { readOwnKey } from './heads.ts';
import { readSignedHeads } from './heads-file.ts';
import { isDamageAtOpening } from './open-partition.ts';
import { BlockHasher, openingHash, readMeta } from './partition.ts';
import { RecordsReader } from './records-reader.ts';
import {
  byExemption,
  type ExemptionMark,
  isCovered,
  isStandingGrant,
  markOf,
  type RecordedMarks,
  type RegisterState,
  type RegisterStatement,
  statementOf,
} from './register-marks.ts';
import { takenUpBy } from './taken-up.ts';

/** Blocks that are read together. */
const BLOCKS_AT_A_TIME = 64;
/** Leaves at the end of the signed tree that are kept in memory, 32 bytes each: a day of a busy resolver. */
const LEAVES_MAX = 262_144;
/** Without a grant that stands, how far back a statement is looked for. */
const BACK_MS = 40 * DAY_MS;

/** What is known when the directory is read. */
export interface RegisterWalkOptions {
  readonly directory: string;
  readonly register: RegisterState;
  readonly nowMs: number;
  /** A file cannot be read: what stands in it is not known. */
  readonly onUnreadable: (file: string, cause: string) => void;
}

/** Reads it; undefined where there are no records. Rejects for defects only. */
export const readRecordedMarks = async (options: RegisterWalkOptions): Promise<RecordedMarks | undefined> => {
  let reader: RecordsReader;
  try {
    reader = RecordsReader.open(options.directory);
  } catch {
    return undefined;
  }
  let signed: SignedBlocks | undefined;
  try {
    signed = SignedBlocks.open(options.directory);
    const walk = new RegisterWalk(options, signed);
    for (const partition of reader.partitions('changes').toReversed()) {
      let database: DatabaseSync | undefined;
      try {
        if (partition.state === 'damaged') throw new RangeError('it was set aside');
        database = await reader.openPartition('changes', partition);
        if (!walk.read(database)) break;
      } catch (thrown) {
        if (!(thrown instanceof RangeError || isOperational(thrown) || isDamageAtOpening(thrown)))
          throw thrown;
        options.onUnreadable(`changes/${partition.name}`, errorText(thrown));
        walk.breakOff();
      } finally {
        database?.close();
      }
    }
    return walk.finish();
  } finally {
    signed?.close();
    reader.close();
  }
};

/** What the key of the directory signed: blocks that the last checkpoint covers, and those at which a head stands. */
class SignedBlocks {
  readonly #tree: TreeFile | undefined;
  readonly #signed = new Set<string>();
  readonly #taken = new Set<string>();

  private constructor(directory: string) {
    const key = readOwnKey(directory);
    if (key === undefined) return;
    for (const head of readSignedHeads(directory, key))
      if (head.class === 'changes') this.#signed.add(head.hash);
    const found = readCheckpoint(directory, [key]);
    if (found.kind !== 'signed') return;
    const { size, root } = found.checkpoint;
    this.#tree = openTree(join(directory, TREE_NAME));
    if (this.#tree === undefined || this.#tree.size < size || !rootAt(this.#tree, size).equals(root)) return;
    for (const leaf of this.#tree.leaves(Math.max(0, size - LEAVES_MAX), size)) this.#signed.add(toKey(leaf));
  }

  static open(directory: string): SignedBlocks {
    return new SignedBlocks(directory);
  }

  /** A start that counts found blocks that nobody had signed: they stay without a word, though they were signed then. */
  take(record: object): void {
    const { from, until } = takenUpBy(record) ?? { from: 0, until: 0 };
    if (this.#tree === undefined || until > this.#tree.size) return;
    for (const leaf of this.#tree.leaves(Math.max(from, until - LEAVES_MAX), until))
      this.#taken.add(toKey(leaf));
  }

  /** It was signed when it was written; `isPlaced`: what follows it says that it is the one. */
  has(block: PlacedBlock, isPlaced: boolean): boolean {
    const key = toKey(blockLeaf('changes', block));
    if (this.#taken.has(key)) return false;
    return isPlaced || this.#signed.has(key) || this.#signed.has(block.hash.toString('hex'));
  }

  close(): void {
    this.#tree?.close();
  }
}

const openTree = (path: string): TreeFile | undefined => {
  try {
    return TreeFile.read(path);
  } catch (thrown) {
    if (!isOperational(thrown)) throw thrown;
    return undefined;
  }
};

const toKey = (leaf: Buffer): string => leaf.toString('latin1');

interface Row extends PlacedBlock {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly body: string;
}

class RegisterWalk {
  readonly #register: RegisterState;
  readonly #signed: SignedBlocks;
  readonly #hasher = new BlockHasher();
  readonly #oldestMs: number;
  /** From the last to the first. */
  readonly #marks: (ExemptionMark & { readonly isSigned: boolean })[] = [];
  readonly #statements: (RegisterStatement & { readonly after: number })[] = [];
  readonly #gaps: { fromMs: number; untilMs: number }[] = [];
  #beginsMs: number | undefined;
  /** Hash that the block before has to have; undefined: what follows it does not say so. */
  #link: Buffer | undefined;
  /** Time of the first record behind what is missing; undefined while nothing is. */
  #gapUntilMs: number | undefined;
  #provenFromMs = Number.POSITIVE_INFINITY;
  #isCovered = false;

  constructor({ register, nowMs }: RegisterWalkOptions, signed: SignedBlocks) {
    this.#register = register;
    this.#signed = signed;
    const granted = [...byExemption(register.marks)].filter(([, marks]) => isStandingGrant(marks));
    // The time of the request stands in the key.
    const times = granted.map(([key]) => Date.parse(key.slice(key.indexOf(' ') + 1)));
    this.#oldestMs = times.reduce((a, b) => Math.min(a, b), nowMs - BACK_MS) - DAY_MS;
  }

  /** What stands before is not there, or cannot be read. */
  breakOff(): void {
    this.#gapUntilMs ??= this.#provenFromMs;
    this.#link = undefined;
  }

  /** Reads one partition from its end back; false once enough is known. */
  read(database: DatabaseSync): boolean {
    const meta = readMeta(database);
    if (meta === undefined) throw new RangeError('it does not say what it is');
    const opening = openingHash(meta);
    let row: Row | undefined;
    for (const before of rowsBack(database)) {
      if (row !== undefined && !this.#take(row, before.hash)) return false;
      row = before;
    }
    if (row !== undefined && !this.#take(row, opening)) return false;
    // A partition says how the one before ended, and its first block covers that.
    this.#link = this.#link?.equals(opening) === true ? Buffer.from(meta.previous, 'hex') : undefined;
    return true;
  }

  finish(): RecordedMarks {
    if (this.#gapUntilMs !== undefined)
      this.#gaps.push({ fromMs: Number.NEGATIVE_INFINITY, untilMs: this.#gapUntilMs });
    const marks = this.#marks.toReversed();
    return {
      marks,
      statements: this.#statements
        .toReversed()
        .map(({ after, ...statement }) => ({ ...statement, before: marks.length - after })),
      gaps: this.#gaps,
      beginsMs: this.#beginsMs,
    };
  }

  #take(row: Row, before: Buffer): boolean {
    const isPlaced = this.#link?.equals(row.hash) === true;
    const isWhole = this.#hasher.hash(before, row.first, row.count, row.body).equals(row.hash);
    const isSigned = this.#signed.has(row, isPlaced);
    if (isSigned && isWhole) {
      // Something stood between the two.
      if (!isPlaced && Number.isFinite(this.#provenFromMs)) this.#gapUntilMs ??= this.#provenFromMs;
      if (this.#gapUntilMs !== undefined) this.#gaps.push({ fromMs: row.untilMs, untilMs: this.#gapUntilMs });
      this.#gapUntilMs = undefined;
      this.#provenFromMs = row.fromMs;
      this.#link = before;
    } else if (isWhole) this.#link = isPlaced ? before : undefined;
    else this.breakOff();
    this.#beginsMs = row.fromMs;
    for (const record of recordsOf(row.body).toReversed()) this.#note(record, isSigned && isWhole);
    return !this.#isCovered && row.untilMs >= this.#oldestMs;
  }

  #note(record: object, isSigned: boolean): void {
    // What stands before it, the register was taken for.
    if (this.#isCovered) return;
    if (isSigned) this.#signed.take(record);
    const mark = markOf(record);
    if (mark !== undefined) this.#marks.push({ ...mark, isSigned });
    const statement = statementOf(record);
    if (!isSigned || statement?.file !== this.#register.file) return;
    this.#statements.push({ ...statement, after: this.#marks.length });
    this.#isCovered = isCovered(this.#register, statement);
  }
}

/** What a block holds; nothing where that is no list of records. */
const recordsOf = (body: string): object[] => {
  try {
    const value: unknown = JSON.parse(body);
    const items: readonly unknown[] = Array.isArray(value) ? value : [];
    return items.filter((one) => typeof one === 'object' && one !== null);
  } catch {
    return [];
  }
};

/** The blocks of a partition from the last to the first. Throws a RangeError for a row of another form. */
function* rowsBack(database: DatabaseSync): Generator<Row> {
  const select = database.prepare('SELECT * FROM blocks WHERE first < ? ORDER BY first DESC LIMIT ?');
  for (let first = Number.MAX_SAFE_INTEGER; ; ) {
    const rows = select.all(first, BLOCKS_AT_A_TIME);
    for (const row of rows) {
      const { first: number, count, from_ms, until_ms, body, hash } = row;
      if (typeof body !== 'string' || !(hash instanceof Uint8Array))
        throw new RangeError('a block has another form');
      first = Number(number);
      yield {
        ...{ first, count: Number(count), fromMs: Number(from_ms), untilMs: Number(until_ms) },
        ...{ body, hash: Buffer.from(hash) },
      };
    }
    if (rows.length < BLOCKS_AT_A_TIME) return;
  }
}
