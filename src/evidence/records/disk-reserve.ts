// The end of the disk, seen before it comes: a part of it is left to what must not be missing.
//
// Queries stop to have records of their own when less than the reserve is free; changes, the register of exemptions and
// sums of queries go on. On a small disk the reserve is a tenth of it. Operators hear of it at twice the reserve.
import { statfsSync } from 'node:fs';
import type { RecordLog } from './head-publisher.ts';

/** Of the reserve: what is free when operators are warned. */
const WARNED_TIMES = 2;
/** Share of the disk that the reserve never exceeds. */
const SHARE_MAX = 0.1;

/** Bytes of a file system. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly allBytes: number;
}

const spaceOf = (directory: string): DiskSpace => {
  const { bavail, blocks, bsize } = statfsSync(directory);
  return { freeBytes: bavail * bsize, allBytes: blocks * bsize };
};

/** Watches the disk of a directory. */
export class DiskReserve {
  /** Less than the reserve is free. */
  isReached = false;
  freeBytes: number | undefined;
  /** In force, which a small disk makes less than configured. */
  reserveBytes: number | undefined;
  readonly #directory: string;
  readonly #space: (directory: string) => DiskSpace;
  readonly #log: RecordLog;
  #isWarned = false;

  constructor(directory: string, space: ((directory: string) => DiskSpace) | undefined, log: RecordLog) {
    this.#directory = directory;
    this.#space = space ?? spaceOf;
    this.#log = log;
  }

  /** Looks; tells when the reserve is reached, and when it is no more. Throws what the system says. */
  look(configuredBytes: number): 'reserve-begin' | 'reserve-end' | undefined {
    const { freeBytes, allBytes } = this.#space(this.#directory);
    const reserveBytes = Math.min(configuredBytes, Math.floor(allBytes * SHARE_MAX));
    this.freeBytes = freeBytes;
    this.reserveBytes = reserveBytes;
    const isNear = freeBytes < WARNED_TIMES * reserveBytes;
    const wasReached = this.isReached;
    // It begins at the reserve and ends where it was warned of: not to and fro with each record.
    this.isReached = freeBytes < reserveBytes || (wasReached && isNear);
    const fields = { directory: this.#directory, freeBytes, reserveBytes };
    if (isNear && !this.#isWarned) this.#log.warn(fields, 'the disk of the records will soon be full');
    this.#isWarned = isNear;
    if (this.isReached === wasReached) return undefined;
    if (this.isReached) {
      this.#log.error(fields, 'the disk of the records is nearly full: queries are recorded as sums only');
      return 'reserve-begin';
    }
    this.#log.info(fields, 'there is room on the disk of the records again');
    return 'reserve-end';
  }

  /** In words. */
  get text(): string {
    return `${this.freeBytes} bytes are free, of which ${this.reserveBytes} are kept for changes`;
  }
}
