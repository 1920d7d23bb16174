// How long a message would be with its names written out, which is what everything costs that reads it. Hot file.
//
// A pointer of two bytes stands for a name of 255, so a record of 14 bytes can have 40 times as much to read, and it is read by
// whoever follows aliases, validates, judges and packs. One bound, before all of them, keeps each of them linear in bytes.
import { RecordReader, readU16, SECTION } from './message.ts';
import { expandName } from './name.ts';
import { expandedRdataLength } from './rdata.ts';
import { HEADER_LENGTH, NAME_LENGTH_MAX } from './registry.ts';

/**
 * Bytes that a message may have with its names written out: these and so many times its own. Answers of real zones write out to
 * three times their bytes, and those above 20 KB, which are rare, to less. With four times as many, the dearest answer of 64 KB that
 * fuzz:cost found held the loop for 7.4 ms, with twice as many for 5.6.
 */
const WRITTEN_BYTES_MAX = 24_576;
const WRITTEN_TIMES_MAX = 1.5;
/**
 * Records of ANSWER and AUTHORITY: as many addresses as are judged, and some for what comes with them. Real zones have some
 * hundreds at most; each record costs something whatever its bytes, so that 5,000 of 12 bytes held the loop for 6 to 19 ms.
 */
const RECORDS_MAX = 1_088;
/** No message up to here has more records than can be read at once, however they are made. */
const SHORT_BYTES = 4_096;
/** The two bytes of a compression pointer are this and more. */
const POINTER = 0xc000;
/** A compression pointer to the question's name. */
const QNAME_POINTER = POINTER | HEADER_LENGTH;

const reader = new RecordReader();
const scratch = new Uint8Array(NAME_LENGTH_MAX);

/** Counts down from what a message may have. One object serves all messages. */
export class WrittenOut {
  #left = 0;
  #records = 0;
  #ownerBefore = 0;

  /** True when there was more to read than there may be. */
  get isSpent(): boolean {
    return this.#left < 0 || this.#records < 0;
  }

  /** Begins with a message of so many bytes. */
  begin(length: number): void {
    this.#left = WRITTEN_BYTES_MAX + WRITTEN_TIMES_MAX * length;
    this.#records = RECORDS_MAX;
    this.#ownerBefore = 0;
  }

  /**
   * Takes the current record of a reader; an owner to which the record before points as well, and that of the question, cost
   * nothing. False when it is too much, or a name or the RDATA cannot be read without the header, which is another one for
   * each client.
   */
  take({ bytes, end, ownerOffset, rdataOffset, rdataLength, type }: RecordReader): boolean {
    if (--this.#records < 0) return false;
    const owner = readU16(bytes, ownerOffset);
    if (owner !== QNAME_POINTER && (owner !== this.#ownerBefore || owner < POINTER)) {
      const length = expandName(bytes, ownerOffset, end, scratch, 0, HEADER_LENGTH);
      if (length < 0) return false;
      this.#left -= length;
    }
    this.#ownerBefore = owner;
    const rdata = expandedRdataLength(bytes, rdataOffset, rdataLength, type, end, HEADER_LENGTH);
    if (rdata > 0) this.#left -= rdata;
    return rdata >= 0 && this.#left >= 0;
  }
}

const whole = new WrittenOut();

/**
 * True when a message whose records begin at `start` is worth reading: short, or not much longer with its names written out. What
 * cannot be read at all is for others to find; ADDITIONAL is read for OPT alone.
 */
export const isWorthReading = (message: Uint8Array, start: number): boolean => {
  if (message.length <= SHORT_BYTES) return true;
  whole.begin(message.length);
  reader.reset(message, message.length, start);
  while (reader.next() && reader.section !== SECTION.ADDITIONAL)
    if (!whole.take(reader)) return !whole.isSpent;
  return true;
};
