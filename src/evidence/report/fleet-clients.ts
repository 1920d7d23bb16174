// How many distinct clients all resolvers of a fleet refused something, without counting anybody twice.
//
// Each resolver's records hold estimates by day (HyperLogLog), and a record of each day says under which key its clients are
// counted. Under one key estimates merge: a client that asked three resolvers is one client. What was counted under another key,
// or under a resolver's own, merges with nothing and is named. The estimates count addresses: a device with two is two clients.
import { type ChangeRecord, SKETCH_REGISTERS, Sketch } from '../records/records.ts';
import type { DaySketch } from './evidence.ts';

/** The standard error of an estimate: 1.04 / sqrt(registers) (Flajolet et al. 2007). */
const STANDARD_ERROR = 1.04 / Math.sqrt(SKETCH_REGISTERS);
const ALL_GROUPS = '*';

/** What all resolvers counted together. Plain data. */
export interface FleetClients {
  /** UTC days, both included: estimates are of whole days. */
  readonly days: { readonly from: string; readonly until: string };
  /** By group; `*` is all groups, and stands first. None where nothing merges. */
  readonly merged: readonly { readonly group: string; readonly clients: number }[];
  /** Of each of these numbers: two thirds of all estimates are off by less, 95 of 100 by less than twice as much. */
  readonly standardErrorPercent: number;
  /** Resolvers that are in it with all days of theirs. */
  readonly resolvers: readonly string[];
  /** Resolvers that are not in it, or not with all of their days, and why: the numbers are "at least" where there are any. */
  readonly without: readonly { readonly name: string; readonly reason: string }[];
}

/** What one resolver counted, by key: '' is a key of its own. */
export class CountedClients {
  readonly name: string;
  /** By day. */
  readonly #keys = new Map<string, string>();
  readonly #sketches: (DaySketch & { readonly label: string })[] = [];
  #isRead = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Takes a record of the chain of changes: it may say under which key a day is counted. */
  addChange(label: string, record: ChangeRecord): void {
    if (record.kind !== 'records' || record.event !== 'counting-key') return;
    const { day, keyId } = record;
    if (day !== undefined && keyId !== undefined) this.#keys.set(`${label} ${day}`, keyId);
  }

  /** Takes the estimates of a directory that could be read. */
  addSketches(label: string, sketches: readonly DaySketch[]): void {
    this.#isRead = true;
    for (const sketch of sketches) this.#sketches.push({ ...sketch, label });
  }

  /** Nothing of it could be read. */
  get isMissing(): boolean {
    return !this.#isRead;
  }

  /** Its estimates under each key. */
  byKey(): Map<string, DaySketch[]> {
    return Map.groupBy(this.#sketches, ({ label, day }) => this.#keys.get(`${label} ${day}`) ?? '');
  }
}

/** Merges what can be merged. */
export const mergeClients = (
  counted: readonly CountedClients[],
  fromDay: string,
  untilDay: string,
): FleetClients => {
  const all = counted.map((one) => ({ one, byKey: one.byKey() }));
  const key = mostCommon(all.flatMap(({ byKey }) => [...byKey.keys()].filter((name) => name !== '')));
  const sketches = new Map<string, Sketch>();
  const resolvers: string[] = [];
  const without: FleetClients['without'][number][] = [];
  for (const { one, byKey } of all) {
    for (const { group, registers } of byKey.get(key) ?? []) {
      const sketch = sketches.get(group) ?? new Sketch();
      sketches.set(group, sketch);
      sketch.merge(registers);
    }
    const reason = reasonOf(one, byKey, key);
    if (reason === undefined) resolvers.push(one.name);
    else without.push({ name: one.name, reason });
  }
  return {
    days: { from: fromDay, until: untilDay },
    merged: [...sketches]
      .map(([group, sketch]) => ({ group, clients: sketch.estimate() }))
      .sort(
        (a, b) =>
          Number(b.group === ALL_GROUPS) - Number(a.group === ALL_GROUPS) || (a.group < b.group ? -1 : 1),
      ),
    standardErrorPercent: Number((100 * STANDARD_ERROR).toFixed(1)),
    resolvers,
    without,
  };
};

/** Why a resolver is not in the sum with all of its days; undefined when it is, also when it refused nobody anything. */
const reasonOf = (
  one: CountedClients,
  byKey: ReadonlyMap<string, readonly DaySketch[]>,
  key: string,
): string | undefined => {
  if (one.isMissing) return 'nothing of it can be read';
  const daysOf = (name: string): string[] =>
    [...new Set((byKey.get(name) ?? []).map(({ day }) => day))].sort();
  const own = daysOf('');
  if (own.length > 0) return `it counted under a key of its own on ${spanOf(own)}`;
  const other = [...byKey.keys()].find((name) => name !== key);
  return other === undefined ? undefined : `it counted under another key on ${spanOf(daysOf(other))}`;
};

const spanOf = (days: readonly string[]): string => {
  const [first = ''] = days;
  const last = days.at(-1) ?? first;
  return first === last ? first : `${days.length} days, ${first} to ${last}`;
};

/** The key that most resolvers counted under; of several as many, the last in the alphabet; '-' for none. */
const mostCommon = (keys: readonly string[]): string =>
  [...Map.groupBy(keys, (key) => key)]
    .sort(([a, ones], [b, others]) => ones.length - others.length || (a < b ? -1 : 1))
    .at(-1)?.[0] ?? '-';
