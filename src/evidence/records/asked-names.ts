// How often names were asked for: counted in records, for who decides about a list or an exemption.
//
// Records are read from the newest on, for so long and no longer: a count that stopped says how far back it goes, and is
// "at least". Nothing is known of a name that no list had when it was asked for, because such queries are not recorded.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { signalOfCategory } from './bypass-signal.ts';
import type { QueryRecord } from './record.ts';
import { RecordsReader } from './records-reader.ts';

/** Names that are counted apart: with what is above them some 20 MB. Beyond it queries count without their name. */
const NAMES_MAX = 50_000;
/** How long records are read, milliseconds: some million of them. */
const READ_MS_MAX = 2_000;
/** Between two turns of the loop, milliseconds: others on the main thread wait no longer for this. */
const TURN_MS = 10;
/** Records between two looks at the clock. */
const LOOK_RECORDS = 64;

/** Whose queries, and by which lists they were refused or let pass; all, when undefined. */
export interface AskedOf {
  readonly groups?: readonly string[] | undefined;
  readonly lists?: readonly string[] | undefined;
}

/** What was counted. */
export interface AskedNames {
  /** From here on all is counted: the wanted time, or the first record that there is, or where reading stopped. */
  readonly sinceMs: number;
  /** False: records are missing within this time, or reading stopped. What is counted is "at least". */
  readonly isWhole: boolean;
  of(wanted: AskedOf): AskedPart;
}

/** A part of it. Names in lower case without the final dot. */
export interface AskedPart {
  /** Queries whose records do not have the name, because records have bounds. */
  readonly unnamed: number;
  /** Of a name alone. */
  queriesFor(name: string): number;
  /** Of a name and of everything below it. */
  queriesBelow(name: string): number;
}

/** Bounds that a test may lower. */
export interface AskedBounds {
  readonly namesMax?: number;
  readonly readMsMax?: number;
  /** Milliseconds; never steps. */
  readonly monotonic?: () => number;
}

/**
 * Counts queries between two times (milliseconds since the epoch) that lists refused, would have refused, or that an
 * exemption let pass. Rejects with ERR_COMPLIANCE_RECORDS and ERR_COMPLIANCE_NO_RECORDS.
 */
export const countAskedNames = async (
  directory: string,
  fromMs: number,
  untilMs: number,
  { namesMax = NAMES_MAX, readMsMax = READ_MS_MAX, monotonic = () => performance.now() }: AskedBounds = {},
): Promise<AskedNames> => {
  const counts = new Counts(namesMax);
  let sinceMs = untilMs;
  let hasStopped = false;
  const reader = RecordsReader.open(directory);
  try {
    const endMs = monotonic() + readMsMax;
    let turnMs = monotonic();
    let read = 0;
    for await (const { record } of reader.newest('queries', fromMs, untilMs)) {
      if (++read % LOOK_RECORDS === 0) {
        const nowMs = monotonic();
        hasStopped = nowMs > endMs;
        if (hasStopped) break;
        if (nowMs - turnMs > TURN_MS) {
          await nextTurn();
          turnMs = monotonic();
        }
      }
      sinceMs = Math.min(sinceMs, Date.parse(record.time));
      if ('qname' in record) counts.add(record);
    }
    const partitions = reader.partitions('queries');
    const isDamaged = partitions.some(({ state }) => state === 'damaged');
    const hasArchived = partitions.some(({ state }) => state === 'archived');
    const oldestMs = Math.min(sinceMs, reader.oldestSearchableMs('queries') ?? untilMs);
    // What was archived is older than what was not, and was read as well.
    const wholeSinceMs = hasArchived ? fromMs : Math.max(fromMs, oldestMs);
    return {
      sinceMs: hasStopped ? sinceMs : wholeSinceMs,
      isWhole: !hasStopped && !isDamaged && !(await hasLost(reader, fromMs, untilMs)),
      of: (wanted) => counts.of(wanted),
    };
  } finally {
    reader.close();
  }
};

/** True when events of the time could not be recorded, or records of it were found damaged. */
const hasLost = async (reader: RecordsReader, fromMs: number, untilMs: number): Promise<boolean> => {
  for await (const { record } of reader.newest('changes', fromMs, untilMs))
    if (record.kind === 'records' && (record.event === 'dropped' || record.event === 'damaged')) return true;
  return false;
};

/** What one group asked for and one list concerned. */
interface Cell {
  readonly group: string;
  readonly list: string;
  readonly names: Map<string, number>;
  unnamed: number;
}

class Counts {
  readonly #cells = new Map<string, Cell>();
  readonly #namesMax: number;
  #names = 0;

  constructor(namesMax: number) {
    this.#namesMax = namesMax;
  }

  add({ kind, qname, target, summary, group, list, category, count = 1 }: QueryRecord): void {
    // A way around is no name that somebody wanted.
    if (list === undefined || kind === 'bypass' || signalOfCategory(category) !== undefined) return;
    const key = `${group}\n${list}`;
    const cell = this.#cells.get(key) ?? { group, list, names: new Map<string, number>(), unnamed: 0 };
    this.#cells.set(key, cell);
    // The rule matched an alias of what was asked for: that is the name that the list has.
    const name = target ?? qname;
    const known = cell.names.get(name);
    if (summary !== undefined || (known === undefined && this.#names >= this.#namesMax))
      cell.unnamed += count;
    else {
      if (known === undefined) this.#names++;
      cell.names.set(name, (known ?? 0) + count);
    }
  }

  of({ groups, lists }: AskedOf): AskedPart {
    const cells = [...this.#cells.values()].filter(
      ({ group, list }) => groups?.includes(group) !== false && lists?.includes(list) !== false,
    );
    let below: ReadonlyMap<string, number> | undefined;
    return {
      unnamed: cells.reduce((sum, { unnamed }) => sum + unnamed, 0),
      queriesFor: (name) => cells.reduce((sum, { names }) => sum + (names.get(name) ?? 0), 0),
      queriesBelow: (name) => {
        below ??= sumsBelow(cells);
        return below.get(name) ?? 0;
      },
    };
  }
}

/** Sums over the tree of names. */
const sumsBelow = (cells: readonly Cell[]): Map<string, number> => {
  const below = new Map<string, number>();
  for (const { names } of cells)
    for (const [name, count] of names)
      for (let at = 0; at >= 0; ) {
        const suffix = name.slice(at);
        below.set(suffix, (below.get(suffix) ?? 0) + count);
        const dot = name.indexOf('.', at);
        at = dot < 0 ? -1 : dot + 1;
      }
  return below;
};
