// A small file beside the partitions: when the recorder was last alive, and how far each chain had come.
//
// It is written over in place after each commit, which costs one system call, and synchronized each few seconds. At a
// start it tells how long nothing was recorded after a crash, and whether a chain has lost its end: SQLite drops what
// it finds torn without a word. It proves nothing to others; signed heads do.

import { closeSync, fdatasyncSync, openSync, readFileSync } from 'node:fs';
import { writeAll } from '../../base/base.ts';
import type { ChainEnd } from './chain.ts';
import { FILE_MODE, HASH_LENGTH } from './partition.ts';
import { RECORD_CLASSES, type RecordClass } from './record.ts';

/** Name of the file beside the partitions. */
export const POSITION_NAME = 'position';
/** One sector: writing it over leaves the old or the new content. */
const LENGTH = 512;

/** What the file holds. */
export interface Position {
  readonly timeMs: number;
  readonly ends: Readonly<Record<RecordClass, ChainEnd>>;
}

/** The file, open for writing. Methods throw errors of the system. */
export class PositionFile {
  readonly #file: number;

  private constructor(file: number) {
    this.#file = file;
  }

  /** Opens or creates the file. */
  static open(path: string): PositionFile {
    try {
      return new PositionFile(openSync(path, 'r+'));
    } catch {
      return new PositionFile(openSync(path, 'w+', FILE_MODE));
    }
  }

  /** Writes it; `durable` waits until it is on the disk. */
  write(position: Position, durable: boolean): void {
    const ends = RECORD_CLASSES.map((name) => {
      const { sequence, hash } = position.ends[name];
      return [name, { sequence, hash: hash.toString('hex') }] as const;
    });
    const text = JSON.stringify({
      time: new Date(position.timeMs).toISOString(),
      ...Object.fromEntries(ends),
    });
    writeAll(this.#file, Buffer.from(`${text.padEnd(LENGTH - 1)}\n`), 0);
    if (durable) fdatasyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** What the file of an earlier run holds; undefined when there is none that can be read. */
export const readPosition = (path: string): Position | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const timeMs = Date.parse(String(fields['time']));
  const queries = toEnd(fields['queries']);
  const changes = toEnd(fields['changes']);
  if (Number.isNaN(timeMs) || queries === undefined || changes === undefined) return undefined;
  return { timeMs, ends: { queries, changes } };
};

const toEnd = (value: unknown): ChainEnd | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const { sequence, hash: text } = value as Readonly<Record<string, unknown>>;
  const hash = Buffer.from(typeof text === 'string' ? text : '', 'hex');
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || hash.length !== HASH_LENGTH)
    return undefined;
  return { sequence, hash };
};
