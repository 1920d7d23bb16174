// The signed heads of a directory and those that were kept elsewhere: whole, in order, and signed by a key that is known.
import type { KeyObject } from 'node:crypto';
import { AppError } from '../../base/base.ts';
import type { Finding, Report } from './finding.ts';
import {
  addPublicKey,
  headHash,
  isHeadSignedBy,
  keyIdOf,
  NO_HEAD,
  readPublicKeys,
  type SignedHead,
} from './heads.ts';
import { type HeadLine, headsPath, readHeadLines, readHeadLinesOf } from './heads-file.ts';
import type { RecordClass } from './record.ts';

/** A head, and where it stands. */
export interface PlacedHead {
  readonly head: SignedHead;
  readonly place: string;
  /** Signed by a key that is known. */
  readonly isSigned: boolean;
}

/** All heads that were found. What is wrong with them is reported while they are read. */
export class HeadsCheck {
  /** The public keys that count, by their identifiers. */
  get keys(): ReadonlyMap<string, KeyObject> {
    return this.#keys;
  }

  /** Heads that were read. */
  count = 0;
  readonly #report: Report;
  /** By class and ordinal. */
  readonly #heads = new Map<string, PlacedHead[]>();
  readonly #highest = new Map<RecordClass, number>();
  #keys: ReadonlyMap<string, KeyObject> = new Map();

  constructor(report: Report) {
    this.#report = report;
  }

  /**
   * Reads the keys and heads of a directory, and those that were kept elsewhere. With a key that was kept elsewhere, keys
   * beside the records count for nothing. Throws ERR_COMPLIANCE_SIGNING_KEY.
   */
  readAll(directory: string, headsFile: string | undefined, key: string | KeyObject | undefined): void {
    const keys = key === undefined ? readPublicKeys(directory) : new Map<string, KeyObject>();
    if (typeof key === 'object') keys.set(keyIdOf(key), key);
    else if (key !== undefined && !addPublicKey(keys, key)) {
      throw new AppError('ERR_COMPLIANCE_SIGNING_KEY', `reading ${key}: no Ed25519 key in PEM`);
    }
    this.#keys = keys;
    const path = headsPath(directory);
    this.#take(readHeadLines(path), path, true);
    // Heads that were kept elsewhere need not be all of them, nor in order.
    if (headsFile === undefined) return;
    const kept = readHeadLines(headsFile);
    // A name that is mistyped would say that nothing was taken away.
    if (kept.length === 0) this.#report('head-missing', `${headsFile} holds no head, or is not there`, {});
    this.#take(kept, headsFile, false);
  }

  /** Reads the keys of a directory and its heads of one partition. */
  readOne(directory: string, recordClass: RecordClass, ordinal: number): void {
    const path = headsPath(directory);
    this.#keys = readPublicKeys(directory);
    this.#take(readHeadLinesOf(path, recordClass, ordinal), path, false);
  }

  /** The heads of one partition. */
  of(recordClass: RecordClass, ordinal: number): readonly PlacedHead[] {
    return this.#heads.get(headKey(recordClass, ordinal)) ?? [];
  }

  /** Those whose signature is that of a key that is known, in the order in which they were found. */
  signed(): SignedHead[] {
    return [...this.#heads.values()].flat().flatMap(({ head, isSigned }) => (isSigned ? [head] : []));
  }

  /** The highest ordinal that a head speaks of; undefined when there is no head of the class. */
  highest(recordClass: RecordClass): number | undefined {
    return this.#highest.get(recordClass);
  }

  #take(lines: readonly HeadLine[], path: string, isWhole: boolean): void {
    const name = path.slice(path.lastIndexOf('/') + 1);
    let previous: SignedHead | undefined;
    for (const { line, head } of lines) {
      const place = `${name}:${line}`;
      if (head === undefined) {
        this.#report('head-unreadable', `${place} holds no head`, {});
        continue;
      }
      const isSigned = this.#checkSignature(head, place);
      const expected = { number: (previous?.number ?? 0) + 1, hash: previous ? headHash(previous) : NO_HEAD };
      if (isWhole && (head.number !== expected.number || head.previous !== expected.hash)) {
        const text = `${place} is head ${head.number} and does not follow head ${expected.number - 1}`;
        this.#report('head-missing', text, aboutHead(head));
      }
      previous = head;
      const key = headKey(head.class, head.ordinal);
      const known = this.#heads.get(key);
      if (known === undefined) this.#heads.set(key, [{ head, place, isSigned }]);
      else known.push({ head, place, isSigned });
      this.#highest.set(head.class, Math.max(head.ordinal, this.#highest.get(head.class) ?? 0));
      this.count++;
    }
  }

  #checkSignature(head: SignedHead, place: string): boolean {
    const key = this.#keys.get(head.keyId);
    if (key === undefined) {
      const text = `${place} is signed by key ${head.keyId}, which is not there`;
      this.#report('head-signature', text, aboutHead(head));
    } else if (!isHeadSignedBy(head, key)) {
      this.#report('head-signature', `${place} has a signature that is not of its text`, aboutHead(head));
    } else return true;
    return false;
  }
}

const headKey = (recordClass: RecordClass, ordinal: number): string => `${recordClass} ${ordinal}`;

/** Where a finding about a head belongs. */
const aboutHead = (head: SignedHead): Partial<Finding> => ({
  class: head.class,
  ordinal: head.ordinal,
  from: head.signedAt,
  until: head.signedAt,
});
