// Where a collector keeps what arrives: directories of records, or a database. Both judge a piece alike.
//
// Methods of directories are done when they return, those of a database later: what a collector acknowledges, it awaited.
// They throw ERR_FLEET_DATABASE and errors of the system: nothing of the piece is kept then, and it comes again.
import type {
  ChainBlock,
  ChainHole,
  ChainPlace,
  Collected,
  Looked,
  LookFrom,
  PartitionMeta,
  RecordClass,
  SignedHead,
} from '../evidence/records/records.ts';
import type { FleetAlarm } from './alarms.ts';

/** What stands in the place of an alarm where records are back that were taken out of the store. */
export const PUT_BACK = 'put-back';

/** A value, at once or later. */
export type Soon<Value> = Value | Promise<Value>;

/** One chain, which grows at its end. */
export interface ShelvedChain {
  /** Up to where it is whole. */
  readonly place: ChainPlace;
  /** Ordinal of the partition that grows; 0 before the first. */
  readonly ordinal: number;
  /** A partition begins: see CollectedChain. */
  begin(meta: PartitionMeta, isBehindHole: boolean): Soon<Collected>;
  /** Blocks that follow each other; some of the first may be taken, or none. Gives what came of the first. */
  append(blocks: readonly ChainBlock[]): Soon<{ readonly taken: number; readonly outcome: Collected }>;
  /** Looks through the next partition for records that somebody or something took out; undefined behind the last one. */
  look(from: LookFrom): Soon<Looked | undefined>;
  /** Fills a hole with all of its blocks, or takes none: they follow what is before it, and what is behind follows them. */
  fill(hole: ChainHole, blocks: readonly ChainBlock[]): Soon<Collected>;
}

/** The message in which a resolver sent a public key of its records: it shows that nobody else did. */
export interface KeyProof {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly signature: string;
}

/** The signed heads of a resolver. */
export interface ShelvedHeads {
  /** Number and hash of the last one. */
  readonly place: ChainPlace;
  /** Takes a public key in PEM, with the message in which its resolver sent it; false when it is none. */
  addKey(pem: string, proof: KeyProof): Soon<boolean>;
  /** Takes a head; undefined is what could not be read. */
  take(head: SignedHead | undefined): Soon<Collected>;
}

/** What is kept of one resolver. */
export interface Shelf {
  readonly chains: Readonly<Record<RecordClass, ShelvedChain>>;
  readonly heads: ShelvedHeads;
  /** When it was last heard while all that it had recorded was here, milliseconds; 0 for never. */
  readonly aliveMs: number;
  writePosition(aliveMs: number): Soon<void>;
  /** Keeps what is known of a hole: one line of JSON. */
  noteHole(line: string): Soon<void>;
  close(): void;
}

/** Something that was refused, or put back. */
export interface CollectorAlarm {
  readonly time: string;
  readonly alarm: FleetAlarm | typeof PUT_BACK;
  readonly node: string;
  readonly text: string;
}

/** Where everything is kept. */
export interface EvidenceStore {
  /** What is kept of a resolver; `label` is its name, `NAME.2` when it was taken in anew. */
  open(label: string): Soon<Shelf>;
  /** Keeps records under numbers that others have; `id` tells them apart. */
  keepConflict(label: string, recordClass: string, id: string, piece: string): Soon<void>;
  noteAlarm(alarm: CollectorAlarm): Soon<void>;
  close(): Promise<void>;
}
