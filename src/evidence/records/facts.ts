// What the numbers in events mean: names of groups and lists, by the policy generation that decided.
//
// The main thread defines a generation before any worker decides by it, but an event may be read before the message
// that defines its generation is: a reader that finds one unknown asks for the messages that have arrived.
// Events of an earlier generation come for a moment after a change, and for longer after a disk that was full; the
// last few are kept.

/** Generations that are kept: a reload each second for a quarter of a minute. */
export const GENERATIONS_MAX = 16;

/** One list as records name it. */
export interface ListName {
  readonly id: string;
  readonly category?: string | undefined;
  /** First 12 hexadecimal digits of the SHA-256 of its content. */
  readonly version: string;
}

/** Names by the indexes that a generation's verdicts have. */
export interface GenerationFacts {
  readonly generation: number;
  readonly groups: readonly string[];
  /** Names of the forwarders; absent: there are none. */
  readonly forwarders?: readonly string[];
  readonly lists: readonly ListName[];
}

/** The last generations; the oldest goes first. */
export class KnownGenerations {
  readonly #known = new Map<number, GenerationFacts>();
  readonly #fetch: () => void;

  /** `fetch` takes definitions that have arrived, and calls define() for each. */
  constructor(fetch: () => void = () => undefined) {
    this.#fetch = fetch;
  }

  define(facts: GenerationFacts): void {
    this.#known.delete(facts.generation);
    this.#known.set(facts.generation, facts);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= GENERATIONS_MAX) break;
      this.#known.delete(oldest);
    }
  }

  /** All of them, for a thread that starts anew. */
  all(): GenerationFacts[] {
    return [...this.#known.values()];
  }

  /** The name of a group; its number where nobody defined it. */
  group(generation: number, index: number): string {
    return this.#find(generation)?.groups[index] ?? `#${index}`;
  }

  /** The name of a forwarder; its number where nobody defined it. */
  forwarder(generation: number, index: number): string {
    return this.#find(generation)?.forwarders?.[index] ?? `#${index}`;
  }

  /** A list; its number where nobody defined it. */
  list(generation: number, index: number): Partial<ListName> & Pick<ListName, 'id'> {
    return this.#find(generation)?.lists[index] ?? { id: `#${index}` };
  }

  #find(generation: number): GenerationFacts | undefined {
    const known = this.#known.get(generation);
    if (known !== undefined) return known;
    this.#fetch();
    return this.#known.get(generation);
  }
}
