// What verification can find, in words that stay: scripts match the codes.
import type { RecordClass } from './record.ts';

/** What verify() can find, each once per place. */
export type FindingCode =
  /** A block is not what was hashed, or does not follow the one before. */
  | 'hash-mismatch'
  /** Blocks changed places. */
  | 'reordered'
  /** Records between two blocks are not there. */
  | 'records-missing'
  /** A block says another number or time than its records do. */
  | 'block-differs'
  | 'block-unreadable'
  /** A record is nothing that the program writes: who has the key of its resolver made it. */
  | 'record-malformed'
  /** Counts or estimates are not those of the records. */
  | 'rollup-differs'
  | 'sketch-differs'
  /** The partition's name, or what it says of itself, is not what it should be. */
  | 'meta-differs'
  /** Tables, columns or a view that the program does not make. */
  | 'schema-differs'
  /** A partition does not go on where the one before ended. */
  | 'chain-broken'
  /** The records end before a head or the recorder's own note says they did. */
  | 'tail-cut'
  /** The records go on behind what the recorder noted and signed as the last one. */
  | 'tail-added'
  /** The recorder's own note is not there or cannot be read. */
  | 'note-missing'
  /** No checkpoint is there, although the log was begun. */
  | 'checkpoint-missing'
  /** The checkpoint is not signed by a key that is known. */
  | 'checkpoint-signature'
  /** The log has, or was signed to have, other blocks than are there. */
  | 'log-differs'
  /** The register of exemptions says otherwise than the records, of which it is a cache. */
  | 'register-differs'
  /** Queries passed under an exemption that was over. */
  | 'exemption-over'
  | 'partition-missing'
  | 'partition-unreadable'
  /** The program found it damaged and set it aside. */
  | 'partition-damaged'
  | 'file-unknown'
  /** A head is not signed by a key that is known. */
  | 'head-signature'
  /** The chain says otherwise than a head: it was changed after that was signed. */
  | 'head-differs'
  /** A head that was signed is not there. */
  | 'head-missing'
  | 'head-unreadable';

/** One thing that is wrong. */
export interface Finding {
  readonly code: FindingCode;
  readonly class: RecordClass | null;
  readonly ordinal: number | null;
  /** Sequence number of the first record of the block that it is about. */
  readonly block: number | null;
  readonly text: string;
  /** Times of the records that it is about, where they are known. */
  readonly from: string | null;
  readonly until: string | null;
}

/** Takes a finding about something whose class and partition are known. */
export type Report = (code: FindingCode, text: string, place: Partial<Finding>) => void;
