// The copy of the signed heads elsewhere: a file, best on another machine, which may be away for a while.
//
// It is an output that takes heads alone. Whether it can be written is known from the start on. What it lacks waits in the
// file of the directory, which has all heads, and is added when the copy is back: what stands there behind the last line of
// the copy; without one, the last ones.
import { errorText } from '../../base/base.ts';
import { isOperational } from './disk-error.ts';
import type { SignedHead } from './heads.ts';
import { appendLines, endOf, type FileEnd, lineOf, readLines } from './heads-file.ts';
import type { OutputFacts } from './record-output.ts';

/** Heads that are added at a time: 600 KiB, and three weeks of both chains by the hour. The next head brings the rest. */
const ADDED_MAX = 1_024;

/** A copy. Methods throw for defects only. */
export class HeadCopy {
  readonly path: string;
  readonly #own: string;
  #written = 0;
  #dropped = 0;
  /** The last so many heads of the directory are not there. */
  #waiting = 0;
  #trouble: string | undefined;
  /** Its last line, as it was left. */
  #last: string | undefined;

  /** `own`: the file that has all heads. */
  constructor(path: string, own: string) {
    this.path = path;
    this.#own = own;
    this.#bring(undefined);
  }

  /** As of any other output. */
  facts(): OutputFacts {
    return {
      ...{ name: `heads:${this.path}`, written: this.#written, dropped: this.#dropped },
      ...{ queued: this.#waiting, trouble: this.#trouble },
    };
  }

  /** A head was signed, and is in the file of the directory. */
  add(head: SignedHead): void {
    // Counted before the file is opened, which is what fails while its share is away.
    this.#waiting++;
    this.#bring(head);
  }

  #bring(head: SignedHead | undefined): void {
    try {
      // It is known whether it can be written before there is a head.
      appendLines(this.path, []);
      const end = endOf(this.path);
      const lines = this.#missing(end, head);
      const [first = '', ...others] = lines.slice(0, ADDED_MAX);
      // What a crash left of a line stays one that holds no head.
      if (first !== '') appendLines(this.path, [(end?.torn ?? '') === '' ? first : `\n${first}`, ...others]);
      this.#last = others.at(-1) ?? (first === '' ? end?.last : first);
      const added = Math.min(lines.length, ADDED_MAX);
      this.#written += added;
      this.#waiting = lines.length - added;
      this.#trouble = undefined;
    } catch (thrown) {
      if (!isOperational(thrown)) throw thrown;
      this.#trouble = errorText(thrown);
    }
  }

  /** The lines that the copy lacks. Throws errors of the system. */
  #missing(end: FileEnd | undefined, head: SignedHead | undefined): readonly string[] {
    const last = end?.last;
    if (head !== undefined && this.#waiting === 1 && last !== undefined && last === this.#last)
      return [lineOf(head)];
    const own = readLines(this.#own);
    const at = last === undefined ? -1 : own.lastIndexOf(last);
    if (at !== -1) return own.slice(at + 1);
    // What was signed since the start is known to be missing where the end says nothing: that of another resolver, or none
    // that may be read. A copy that is empty may have been away before the start as well.
    const isEmpty = end !== undefined && last === undefined && end.torn === '';
    const wanted = Math.max(this.#waiting, isEmpty ? Math.min(ADDED_MAX, own.length) : 0);
    const count = Math.min(wanted, own.length);
    this.#dropped += wanted - count;
    this.#waiting = Math.min(this.#waiting, count);
    return own.slice(own.length - count);
  }
}
