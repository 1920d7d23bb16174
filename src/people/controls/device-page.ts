// What one device tried, by its reference of a day: when, which names, under which exemption, with which signs of a bypass.
//
// A reference is that of one UTC day, so that nobody is followed over days. Records have no index of references: they are read from the
// newest on, for two seconds at most in pieces, and where that did not reach back over all that a search looks at, it is told.
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, DAY_MS, HOUR_MS } from '../../base/base.ts';
import {
  newestRecords,
  RECORDS_DIRECTORY,
  readReference,
  readReferenceSecret,
} from '../../evidence/records/records.ts';
import type { DeviceShown } from '../admin/admin.ts';
import { createReferences, isQuery, type QueryRecord, SEARCH_MS } from './record-pages.ts';

const READ_MS_MAX = 2_000;
/** Records between two looks at the time: some 5 ms. */
const TURN_RECORDS = 1_000;
/** Rows of a table: a device that asks for more is shown its most asked ones. */
const NAMES_MAX = 200;
/** Different names that are counted; what is beyond is in the sums. */
const COUNTED_MAX = 5_000;
const HOURS = DAY_MS / HOUR_MS;

/** Bounds that tests lower. */
export interface DeviceBounds {
  readonly readMsMax?: number;
  readonly monotonic?: () => number;
}

/**
 * The records of one reference, the newest first, and how far back was looked; `found` is told of each. Its day is that of the newest
 * one; then all of that day are read, because a clock that was set back leaves records of one day on both sides of others.
 */
const readDevice = async (
  directory: string,
  reference: string,
  nowMs: number,
  { readMsMax = READ_MS_MAX, monotonic = () => performance.now() }: DeviceBounds,
  found: (record: QueryRecord) => void,
): Promise<{
  readonly dayMs: number | undefined;
  readonly lookedBackMs: number;
  readonly isWhole: boolean;
}> => {
  const referenceOf = createReferences(readReferenceSecret(directory));
  const endMs = monotonic() + readMsMax;
  const fromMs = nowMs - SEARCH_MS;
  let lookedBackMs = nowMs;
  let count = 0;
  /** False: time ran out before `take` wanted no more, or all was read. */
  const read = async (
    filter: { readonly fromMs: number; readonly untilMs: number },
    take: (record: QueryRecord, timeMs: number) => boolean,
  ): Promise<boolean> => {
    for await (const { record } of newestRecords(directory, 'queries', filter)) {
      const timeMs = Date.parse(record.time);
      lookedBackMs = Math.min(lookedBackMs, timeMs);
      if (++count % TURN_RECORDS === 0) {
        if (monotonic() > endMs) return false;
        await nextTurn();
      }
      if (isQuery(record) && referenceOf(record) === reference && !take(record, timeMs)) return true;
    }
    return true;
  };
  let dayMs: number | undefined;
  const isSearched = await read({ fromMs, untilMs: Number.POSITIVE_INFINITY }, (_, timeMs) => {
    dayMs = Math.floor(timeMs / DAY_MS) * DAY_MS;
    return false;
  });
  if (dayMs === undefined)
    return { dayMs, lookedBackMs: isSearched ? fromMs : lookedBackMs, isWhole: isSearched };
  const isWhole = await read({ fromMs: dayMs, untilMs: dayMs + DAY_MS }, (record) => {
    found(record);
    return true;
  });
  return { dayMs, lookedBackMs: isWhole ? dayMs : lookedBackMs, isWhole };
};

type Row = DeviceShown['names'][number];

/** The device that a reference means; undefined for a text that is none. */
export const showDevice = async (
  stateDirectory: string,
  text: string,
  clock: Clock,
  bounds: DeviceBounds = {},
): Promise<Omit<DeviceShown, 'unwatched'> | undefined> => {
  const reference = readReference(text);
  if (reference === undefined) return undefined;
  const nowMs = clock();
  const series = new Map<string, number[]>();
  const names = new Map<string, Row>();
  const sums = {
    groups: new Map<string, number>(),
    exemptions: new Map<string, number>(),
    signs: new Map<string, number>(),
  };
  const add = (map: Map<string, number>, key: string | undefined, count: number): void => {
    if (key !== undefined) map.set(key, (map.get(key) ?? 0) + count);
  };
  let uncounted = 0;
  const directory = join(stateDirectory, RECORDS_DIRECTORY);
  const { dayMs, lookedBackMs, isWhole } = await readDevice(directory, reference, nowMs, bounds, (record) => {
    const {
      kind,
      qname,
      qtype,
      group,
      list = null,
      exemption = null,
      signal,
      time,
      until,
      count = 1,
    } = record;
    const hour = new Date(time).getUTCHours();
    const counts = series.get(kind) ?? new Array<number>(HOURS).fill(0);
    counts[hour] = (counts[hour] ?? 0) + count;
    series.set(kind, counts);
    add(sums.groups, group, count);
    add(sums.exemptions, exemption ?? undefined, count);
    add(sums.signs, signal, count);
    const key = [kind, qname, qtype, group, list, exemption].join('\n');
    const known = names.get(key);
    if (known === undefined && names.size >= COUNTED_MAX) {
      uncounted += count;
      return;
    }
    names.set(key, {
      ...{ kind, name: qname, type: qtype, group, list, exemption },
      count: (known?.count ?? 0) + count,
      // In the order of the chain they need not come: a clock may have been set back.
      first: least(known?.first, time),
      last: most(known?.last, until ?? time),
    });
  });
  const rows = [...names.values()].sort((a, b) => b.count - a.count || (a.last < b.last ? 1 : -1));
  return {
    reference,
    day: dayMs === undefined ? null : timeOf(dayMs),
    lookedBackTo: timeOf(lookedBackMs),
    isWhole,
    series: [...series].map(([kind, counts]) => ({ kind: kind as Row['kind'], counts })),
    names: rows.slice(0, NAMES_MAX),
    unnamed: uncounted + rows.slice(NAMES_MAX).reduce((sum, { count }) => sum + count, 0),
    groups: listed(sums.groups),
    exemptions: listed(sums.exemptions),
    signs: listed(sums.signs),
  };
};

/** How the records call the client of a reference; several where two clients share it. Bounded as showDevice(). */
export const clientsOf = async (
  stateDirectory: string,
  text: string,
  clock: Clock,
): Promise<{ readonly clients: readonly string[]; readonly isWhole: boolean }> => {
  const reference = readReference(text);
  const clients = new Set<string>();
  if (reference === undefined) return { clients: [], isWhole: true };
  const directory = join(stateDirectory, RECORDS_DIRECTORY);
  const { isWhole } = await readDevice(directory, reference, clock(), {}, ({ client }) =>
    clients.add(client),
  );
  return { clients: [...clients], isWhole };
};

/** Of two times as records have them, whose order is that of their texts. */
const least = (known: string | undefined, time: string): string =>
  known === undefined || time < known ? time : known;
const most = (known: string | undefined, time: string): string =>
  known === undefined || time > known ? time : known;

const listed = (sums: ReadonlyMap<string, number>): { readonly key: string; readonly count: number }[] =>
  [...sums]
    .map(([key, count]) => ({ key, count }))
    .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));

const timeOf = (ms: number): string => new Date(ms).toISOString();
