// Checks of devices: a page gives a browser a name that nobody asked for before, and a worker says whether it was asked for it.
//
// A browser that finds the name asks this resolver; one that does not asks somebody else. No script is needed, nothing is recorded, and
// what came of a check lies in memory, under the reference by which the help desk finds refusals, until others came.
import { LRUCache } from 'lru-cache';
import type { CheckAsked } from '../../telemetry/observe/observe.ts';
import type { CheckVerdict } from './check-texts.ts';

/** Checks that go on, and those that the help desk can still see. */
const CHECKS_MAX = 1_024;
/** A page that stood open for longer begins anew. */
const CHECK_MS_MAX = 10 * 60_000;

/** What a check came to. */
export interface CheckFound {
  readonly verdict: CheckVerdict;
  readonly timeMs: number;
  /** Over what it asked; undefined: it did not ask here. */
  readonly transport: string | undefined;
  /** The network: of the question, or of the page where there was none. */
  readonly group: string;
  /** Somebody else asked for it. */
  readonly isBetween: boolean;
  /** For the help desk; undefined: nothing is recorded, so that nobody has a reference. */
  readonly reference: string | undefined;
}

/** What checks ask of the program. */
export interface CheckParts {
  /** A label that only this program can make. */
  createCode(): string;
  /** Undefined: nobody asked for it since. */
  asked(code: string, begunMs: number): Promise<CheckAsked | 'forgotten' | undefined>;
  transportWord(transport: number): string;
  /** By index, as workers count groups; and of an address. */
  groupAt(index: number): string;
  groupOf(address: string): string;
  standingOf(group: string): 'in-force' | 'out-of-scope' | 'not-in-force';
  isExempt(address: string, group: string): boolean;
  referenceOf(address: string): Promise<string | undefined>;
  readonly nowMs: () => number;
}

/** The checks of one program. */
export class DeviceChecks {
  readonly #parts: CheckParts;
  readonly #begun = new LRUCache<string, { readonly address: string; readonly timeMs: number }>({
    max: CHECKS_MAX,
  });
  readonly #found = new LRUCache<string, CheckFound>({ max: CHECKS_MAX });

  constructor(parts: CheckParts) {
    this.#parts = parts;
  }

  /** A name's label for a new check of whoever is at an address. */
  begin(address: string): string {
    const code = this.#parts.createCode();
    this.#begun.set(code, { address, timeMs: this.#parts.nowMs() });
    return code;
  }

  /**
   * What came of a check; undefined: there is none, so that a new one has to begin. Who has its code may see it, whatever address they
   * have: a browser opens one page over IPv4 and the next one over IPv6.
   */
  async find(code: string): Promise<CheckFound | undefined> {
    const parts = this.#parts;
    const begun = this.#begun.get(code);
    const nowMs = parts.nowMs();
    if (begun === undefined || nowMs - begun.timeMs > CHECK_MS_MAX) return undefined;
    const { address } = begun;
    const asked = await parts.asked(code, begun.timeMs);
    // Nobody knows whether it came: the next one tells.
    if (asked === 'forgotten') return undefined;
    const group = asked === undefined ? parts.groupOf(address) : parts.groupAt(asked.group);
    const client = asked?.address ?? address;
    const reference = await parts.referenceOf(client);
    const found: CheckFound = {
      verdict: asked === undefined ? 'elsewhere' : this.#verdictOf([client, asked?.device], group),
      timeMs: nowMs,
      transport: asked && parts.transportWord(asked.transport),
      ...{ group, reference },
      isBetween: asked !== undefined && (asked.isForwarded || isOther(asked.address, address)),
    };
    if (reference !== undefined) this.#found.set(reference, found);
    return found;
  }

  /** The last check of whom a reference of the day means. */
  ofReference(reference: string): CheckFound | undefined {
    return this.#found.peek(reference);
  }

  #verdictOf(known: readonly (string | undefined)[], group: string): CheckVerdict {
    const standing = this.#parts.standingOf(group);
    if (standing !== 'in-force') return standing;
    return known.some((by) => by !== undefined && this.#parts.isExempt(by, group)) ? 'exempt' : 'holds';
  }
}

/** A device has one address of each family, as far as anybody can tell. */
const isOther = (a: string, b: string): boolean => a !== b && a.includes(':') === b.includes(':');
