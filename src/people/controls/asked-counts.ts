// How often names were asked for in thirty days, for pages: counted in the records, once for all who ask within a minute.
import { join } from 'node:path';
import { type Clock, DAY_MS } from '../../base/base.ts';
import {
  type AskedNames,
  type AskedPart,
  countAskedNames,
  RECORDS_DIRECTORY,
  RecordsReader,
} from '../../evidence/records/records.ts';
import type { ListAsked, ListRulesAsked } from '../admin/admin.ts';

/** How far back "asked for" goes. */
const ASKED_MS = 30 * DAY_MS;
/** How long a count holds: one takes up to two seconds of the main thread, in pieces. */
const FRESH_MS = 60_000;
/** Rules that are named; the rest is counted. */
const RULES_MAX = 100;

/** The counts of one program. */
export class AskedCounts {
  readonly #directory: string;
  readonly #clock: Clock;
  #last: { readonly atMs: number; readonly names: Promise<AskedNames> } | undefined;

  constructor(stateDirectory: string, clock: Clock) {
    this.#directory = join(stateDirectory, RECORDS_DIRECTORY);
    this.#clock = clock;
  }

  /** By name. Rejects as countAskedNames() does. */
  names(): Promise<AskedNames> {
    const nowMs = this.#clock();
    if (this.#last !== undefined && Math.abs(nowMs - this.#last.atMs) < FRESH_MS) return this.#last.names;
    const names = countAskedNames(this.#directory, nowMs - ASKED_MS, nowMs);
    const last = { atMs: nowMs, names };
    this.#last = last;
    // What failed is tried again by the next one who asks.
    names.catch(() => {
      if (this.#last === last) this.#last = undefined;
    });
    return names;
  }

  /** Refusals of groups by lists, of all names: hours are counted when they are recorded. */
  async refusals(groups: readonly string[], lists: readonly string[] | undefined): Promise<number> {
    const nowMs = this.#clock();
    const reader = RecordsReader.open(this.#directory);
    try {
      const counts = await reader.counts(nowMs - ASKED_MS, nowMs);
      return counts
        .filter(
          ({ kind, group, list }) =>
            kind === 'refusal' && groups.includes(group) && lists?.includes(list) !== false,
        )
        .reduce((sum, { count }) => sum + count, 0);
    } finally {
      reader.close();
    }
  }
}

/** Collects those of many rules that were asked for, the most asked first. */
export class AskedRules {
  readonly #asked: AskedNames;
  readonly #part: AskedPart;
  #rules: { readonly rule: string; readonly queries: number }[] = [];
  #count = 0;

  constructor(asked: AskedNames, list: string) {
    this.#asked = asked;
    this.#part = asked.of({ lists: [list] });
  }

  /** Takes a rule as differences of lists write it. */
  add(rule: string): void {
    const queries = queriesOf(this.#part, rule);
    if (queries === 0) return;
    this.#count++;
    this.#rules.push({ rule, queries });
    if (this.#rules.length > 2 * RULES_MAX) this.#tidy();
  }

  /** What was found. */
  get found(): Pick<ListAsked, 'count' | 'rules' | 'since' | 'isWhole' | 'unnamed'> {
    this.#tidy();
    const { sinceMs, isWhole } = this.#asked;
    return {
      count: this.#count,
      rules: this.#rules,
      since: new Date(sinceMs).toISOString(),
      isWhole,
      unnamed: this.#part.unnamed,
    };
  }

  #tidy(): void {
    this.#rules.sort((left, right) => right.queries - left.queries);
    this.#rules = this.#rules.slice(0, RULES_MAX);
  }
}

/** How often each of some rules of a list was asked for. */
export const askedOf = (
  asked: AskedNames,
  list: string,
  rules: readonly { readonly text: string }[],
): Omit<ListRulesAsked, 'list'> => {
  const part = asked.of({ lists: [list] });
  return {
    since: new Date(asked.sinceMs).toISOString(),
    isWhole: asked.isWhole,
    unnamed: part.unnamed,
    queries: rules.map(({ text }) => (NAME.test(text) ? queriesOf(part, text) : null)),
  };
};

/** What a rule of a text list may be for; an address has no letter in its last label. */
const NAME = /^(?:\*\.)?(?:[a-z0-9_-]+\.)*[a-z0-9_-]*[a-z][a-z0-9_-]*\.?$/i;

/** A rule for a name and what is below it, for that alone, or for what is below alone; what its terms leave out counts as well. */
const RULE = /^(\*\.)?([^\s/*]+)( \(exact\))?(?: |$)/;

const queriesOf = (asked: AskedPart, rule: string): number => {
  const [, wildcard, name = '', exact] = RULE.exec(rule) ?? [];
  if (exact !== undefined) return asked.queriesFor(name);
  return asked.queriesBelow(name) - (wildcard === undefined ? 0 : asked.queriesFor(name));
};
