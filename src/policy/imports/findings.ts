// What became of each setting of another resolver. Nothing is dropped in silence: a reader has no third way beside these.
import { AppError } from '../../base/base.ts';

/** Findings that are told one by one; more of the same kind are counted. */
const FINDINGS_MAX = 500;
/** Characters of what stood in a file. */
const TEXT_LENGTH_MAX = 160;

/** Something that was taken, or that holds in Cordon without being said. */
export interface Taken {
  readonly what: string;
  readonly count: number;
  /** Where it stands now, or why nothing has to be written. */
  readonly as: string;
}

/** Something that was not taken. */
export interface NotTaken {
  /** FILE or FILE:LINE. */
  readonly where: string;
  /** As it was written. */
  readonly what: string;
  readonly why: string;
  /** What a person has to do; absent: nothing can be done. */
  readonly todo: string;
}

/** Collects them. */
export class Findings {
  readonly #taken = new Map<string, { what: string; as: string; count: number }>();
  readonly #held = new Map<string, { what: string; as: string; count: number }>();
  readonly #notTaken: NotTaken[] = [];
  #more = 0;

  /** Counts something that was taken. */
  take(what: string, as: string, count = 1): void {
    add(this.#taken, bounded(what), as, count);
  }

  /** Counts something that needs no setting here. */
  hold(what: string, as: string): void {
    add(this.#held, bounded(what), as, 1);
  }

  /** Notes something that a person has to look at. */
  leave(where: string, what: string, why: string, todo: string): void {
    if (this.#notTaken.length >= FINDINGS_MAX) this.#more++;
    else this.#notTaken.push({ where: bounded(where), what: bounded(what), why, todo });
  }

  get taken(): readonly Taken[] {
    return [...this.#taken.values()];
  }

  get held(): readonly Taken[] {
    return [...this.#held.values()];
  }

  get notTaken(): readonly NotTaken[] {
    return this.#notTaken;
  }

  /** Further settings that were not taken and are only counted. */
  get more(): number {
    return this.#more;
  }
}

const add = (
  map: Map<string, { what: string; as: string; count: number }>,
  what: string,
  as: string,
  count: number,
): void => {
  const key = `${what}\0${as}`;
  const found = map.get(key);
  if (found === undefined) map.set(key, { what, as, count });
  else found.count += count;
};

const bounded = (text: string): string => {
  const printable = text.replace(/\p{C}+/gu, ' ').trim();
  return printable.length <= TEXT_LENGTH_MAX ? printable : `${printable.slice(0, TEXT_LENGTH_MAX - 1)}…`;
};

/** What is no configuration of the kind that was said. */
export const notSuch = (kind: string, what: string, hint?: string): AppError =>
  new AppError('ERR_IMPORT_FORMAT', `importing ${kind}: ${what}`, hint === undefined ? {} : { hint });
