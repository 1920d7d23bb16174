// The counts of refused queries in one partition, by hour and by day, and what they sum up to.
//
// Most of a quarter does not change any more: what is over is summed once, by day where a day is fine enough.
import { DAY_MS } from '../../base/base.ts';
import { signalOfCategory } from './bypass-signal.ts';
import type { ClientCount, KeptCounts, NamedCount, RefusedCount } from './kept-counts.ts';
import type { QueryRecord } from './record.ts';
import { rollupHourMs } from './rollup.ts';

/** Rows of names, and of references, of one partition: ten thousand different attempts a day are a large site. */
const ROWS_MAX = 20_000;
/** References of a day that may be among the most refused of all; more than any table shows. */
const CLIENTS_OF_DAY = 100;

/** Which refusals. */
export interface RefusedOf {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly group?: string | undefined;
  readonly list?: string | undefined;
  /** How fine they are wanted; of full days, `fromMs` and `untilMs` have to be those of days. */
  readonly stepMs?: number | undefined;
}

/** By name, type and reference. */
export interface Sums {
  readonly names: Map<string, number>;
  readonly types: Map<string, number>;
  readonly clients: Map<string, number>;
}

/** Those of one partition, and the first and last beginning of what was counted. */
interface Whole extends Sums {
  readonly fromMs: number;
  readonly lastMs: number;
}

type Cell = { -readonly [K in keyof RefusedCount]: RefusedCount[K] };

/** Whether a row is among them. */
export const wantedOf =
  ({ fromMs, untilMs, group, list }: RefusedOf): ((row: RefusedCount) => boolean) =>
  (row) =>
    row.atMs >= fromMs &&
    row.atMs < untilMs &&
    (group === undefined || row.group === group) &&
    (list === undefined || row.list === list);

/** Rows of one partition by what they are counted by. Those to which nothing is added any more need no keys, which are most of it. */
class Rows<Row extends { count: number }> {
  readonly #keyOf: (row: Row) => string;
  readonly #rows: Row[];
  #byKey: Map<string, Row> | undefined;

  constructor(rows: readonly Row[], keyOf: (row: Row) => string) {
    this.#rows = [...rows];
    this.#keyOf = keyOf;
  }

  get all(): readonly Readonly<Row>[] {
    return this.#rows;
  }

  /** Adds to the row of a key; `instead` takes it where there are too many. */
  add(key: string, row: Row, instead: Row, insteadKey = key): void {
    this.#byKey ??= new Map(this.#rows.map((one) => [this.#keyOf(one), one]));
    const isFull = this.#rows.length >= ROWS_MAX;
    const [at, wanted] = isFull && !this.#byKey.has(key) ? [insteadKey, instead] : [key, row];
    const known = this.#byKey.get(at);
    if (known !== undefined) {
      known.count += row.count;
      return;
    }
    const own = { ...wanted };
    this.#rows.push(own);
    this.#byKey.set(at, own);
  }

  /** The same rows after `change`, which may make some equal. */
  folded(change: (row: Row) => Row): Rows<Row> {
    const rows = new Rows<Row>([], this.#keyOf);
    for (const row of this.#rows) {
      const changed = change(row);
      rows.add(this.#keyOf(changed), changed, changed);
    }
    rows.#byKey = undefined;
    return rows;
  }
}

const addTo = (sums: Map<string, number>, key: string, count: number): void => {
  sums.set(key, (sums.get(key) ?? 0) + count);
};

const toDay = <Row extends { readonly atMs: number }>(row: Row): Row => ({
  ...row,
  atMs: Math.floor(row.atMs / DAY_MS) * DAY_MS,
});

const nameKey = ({ atMs, group, list, name, type }: NamedCount): string =>
  [atMs, group, list, name, type].join('\n');
const cellKey = ({ atMs, group, list }: RefusedCount): string => [atMs, group, list].join('\n');
const clientKey = ({ atMs, group, list, client: of }: ClientCount): string =>
  [atMs, group, list, of].join('\n');

/** The counts of one partition. */
export class PartitionCounts {
  last: number;
  isDone: boolean;
  isFolded: boolean;
  hours: RefusedCount[];
  savedMs = Number.NEGATIVE_INFINITY;
  #names: Rows<{ -readonly [K in keyof NamedCount]: NamedCount[K] }>;
  #clients: Rows<{ -readonly [K in keyof ClientCount]: ClientCount[K] }>;
  #days: readonly RefusedCount[] | undefined;
  #sums: Whole | undefined;

  constructor(kept: KeptCounts) {
    this.last = kept.last;
    this.isDone = kept.isDone;
    this.isFolded = kept.isFolded;
    this.hours = kept.hours;
    this.#names = new Rows(kept.names, nameKey);
    this.#clients = new Rows(kept.clients, clientKey);
  }

  get text(): string {
    const { last, isDone, isFolded, hours } = this;
    const [names, clients] = [this.#names.all, this.#clients.all];
    return JSON.stringify({ last, isDone, isFolded, hours, names, clients });
  }

  /** By hour; by day where a day is fine enough. */
  cells(stepMs: number): readonly RefusedCount[] {
    if (stepMs % DAY_MS !== 0 || !this.isFolded) return this.hours;
    this.#days ??= new Rows<Cell>(this.hours, cellKey).folded(toDay).all;
    return this.#days;
  }

  /** Which UTC days it has: more than one where the clock was set. */
  get days(): ReadonlySet<number> {
    return new Set(this.cells(DAY_MS).map(({ atMs }) => Math.floor(atMs / DAY_MS)));
  }

  /** Adds what is wanted of it to sums; `isAlone`: no other partition has a reference of its days. */
  sumUp(of: RefusedOf, isAlone: boolean, sums: Sums): void {
    const whole = of.group === undefined && of.list === undefined ? this.#whole() : undefined;
    if (whole === undefined || whole.fromMs < of.fromMs || whole.lastMs >= of.untilMs) {
      this.#sumRows(wantedOf(of), sums);
      return;
    }
    for (const [name, count] of whole.names) addTo(sums.names, name, count);
    for (const [type, count] of whole.types) addTo(sums.types, type, count);
    let left = isAlone ? CLIENTS_OF_DAY : Number.POSITIVE_INFINITY;
    for (const [client, count] of whole.clients) {
      if (left-- === 0) break;
      addTo(sums.clients, client, count);
    }
  }

  #sumRows(isWanted: (row: RefusedCount) => boolean, { names, types, clients }: Sums): void {
    for (const row of this.#names.all)
      if (isWanted(row)) {
        addTo(names, row.name, row.count);
        addTo(types, row.type, row.count);
      }
    for (const row of this.#clients.all) if (isWanted(row)) addTo(clients, row.client, row.count);
  }

  /** All of it, summed once: most of a quarter does not change any more. Undefined while it may. */
  #whole(): Whole | undefined {
    if (!this.isFolded) return undefined;
    if (this.#sums !== undefined) return this.#sums;
    const sums: Sums = { names: new Map(), types: new Map(), clients: new Map() };
    this.#sumRows(() => true, sums);
    // What has no reference is no row of a table.
    sums.clients.delete('');
    const clients = new Map(
      [...sums.clients].sort(([a, more], [b, less]) => less - more || (a < b ? -1 : 1)),
    );
    let [fromMs, lastMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const rows of [this.#names.all, this.#clients.all])
      for (const { atMs } of rows) {
        fromMs = Math.min(fromMs, atMs);
        lastMs = Math.max(lastMs, atMs);
      }
    this.#sums = { ...sums, clients, fromMs, lastMs };
    return this.#sums;
  }

  add(record: QueryRecord, referenceOf: (timeMs: number, of: string) => string): void {
    const { kind, list, category, group, summary, qname, qtype, count = 1 } = record;
    if (kind !== 'refusal' || list === undefined || signalOfCategory(category) !== undefined) return;
    const timeMs = Date.parse(record.time);
    const at = { atMs: rollupHourMs(timeMs), group, list, count };
    const nameless = { ...at, name: '', type: '' };
    const row = summary === undefined ? { ...at, name: qname, type: qtype } : nameless;
    this.#names.add(nameKey(row), row, nameless, nameKey(nameless));
    const unknown = { ...at, client: '' };
    const who = summary === 'total' ? unknown : { ...at, client: referenceOf(timeMs, record.client) };
    this.#clients.add(clientKey(who), who, unknown, clientKey(unknown));
  }

  /** Makes days of hours, when all is counted. */
  fold(): void {
    this.#names = this.#names.folded(toDay);
    this.#clients = this.#clients.folded(toDay);
    this.isFolded = true;
  }
}

/** Of a partition that nobody counted. */
export const NOTHING = { last: 0, isDone: false, isFolded: false, hours: [], names: [], clients: [] };
