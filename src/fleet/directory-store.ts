// The collector's directories, of the form that each resolver keeps.
//
//   DIRECTORY/NAME/              of a resolver; NAME.2 when it was taken in anew and began new chains
//   DIRECTORY/NAME/holes.jsonl   where its chain has a hole, by its own word
//   DIRECTORY/conflicts/         records under numbers that others have
//   DIRECTORY/alarms.jsonl       what was refused, and why
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../base/base.ts';
import {
  CollectedChain,
  CollectedHeads,
  type JudgeRecord,
  PositionFile,
  RECORDS_DIRECTORY_MODE,
  type RecordClass,
  readPosition,
} from '../evidence/records/records.ts';
import type { CollectorAlarm, EvidenceStore, Shelf } from './evidence-store.ts';
import { isRecordsLabel } from './subjects.ts';

const FILE_MODE = 0o600;

/** Names beside the directories of resolvers, and in one of them. */
export const ALARMS_NAME = 'alarms.jsonl';
export const HOLES_NAME = 'holes.jsonl';

/** Directories of records. Methods throw errors of SQLite and of the system. */
export class DirectoryStore implements EvidenceStore {
  readonly #directory: string;
  readonly #judge: JudgeRecord;

  constructor(directory: string, judge: JudgeRecord) {
    this.#directory = directory;
    this.#judge = judge;
  }

  open(label: string): DirectoryShelf {
    return new DirectoryShelf(this.#directory, label, this.#judge);
  }

  keepConflict(label: string, recordClass: string, id: string, piece: string): void {
    const place = join(this.#directory, 'conflicts');
    mkdirSync(place, { recursive: true, mode: RECORDS_DIRECTORY_MODE });
    try {
      const path = join(place, `${label}-${recordClass}-${id}.json`);
      writeFileSync(path, piece, { mode: FILE_MODE, flag: 'wx' });
    } catch (thrown) {
      if (systemErrorCode(thrown) !== 'EEXIST') throw thrown;
    }
  }

  noteAlarm(alarm: CollectorAlarm): void {
    appendFileSync(join(this.#directory, ALARMS_NAME), `${JSON.stringify(alarm)}\n`, { mode: FILE_MODE });
  }

  async close(): Promise<void> {}
}

/** One resolver's directory. */
export class DirectoryShelf implements Shelf {
  readonly chains: Readonly<Record<RecordClass, CollectedChain>>;
  readonly heads: CollectedHeads;
  readonly aliveMs: number;
  readonly #directory: string;
  readonly #position: PositionFile;

  /** `label`: a part of the path. Throws a RangeError for one that is no name of a resolver. */
  constructor(root: string, label: string, judge: JudgeRecord) {
    if (!isRecordsLabel(label)) throw new RangeError('collected records: a label that is no name');
    const directory = join(root, label);
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: RECORDS_DIRECTORY_MODE });
    this.heads = new CollectedHeads(directory);
    this.chains = {
      queries: new CollectedChain(directory, 'queries', judge),
      changes: new CollectedChain(directory, 'changes', judge),
    };
    const path = join(directory, 'position');
    this.aliveMs = readPosition(path)?.timeMs ?? 0;
    this.#position = PositionFile.open(path);
  }

  writePosition(timeMs: number): void {
    const end = (name: RecordClass) => {
      const { sequence, hash } = this.chains[name].place;
      return { sequence, hash: Buffer.from(hash, 'hex') };
    };
    this.#position.write({ timeMs, ends: { queries: end('queries'), changes: end('changes') } }, true);
  }

  noteHole(line: string): void {
    appendFileSync(join(this.#directory, HOLES_NAME), `${line}\n`, { mode: FILE_MODE });
  }

  close(): void {
    for (const chain of Object.values(this.chains)) chain.close();
    this.#position.close();
  }
}
