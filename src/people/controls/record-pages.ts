// Records for people who may not see addresses: refused just now, and a page at a time.
//
// A client stands as its reference of the day, which a person who was refused reads out: neither an address nor a pseudonym
// that could be compared over days leaves here. A page goes back in time from where the one before ended.
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { DAY_MS, HOUR_MS } from '../../base/base.ts';
import {
  type EvidenceRecord,
  type FoundRecord,
  lastRecords,
  newestRecords,
  RECORD_CLASSES,
  RECORDS_DIRECTORY,
  readReference,
  readReferenceSecret,
  toReference,
} from '../../evidence/records/records.ts';
import type { RecordsFound, RecordsWanted, RefusalShown, RefusalsWanted } from '../admin/admin.ts';

/** How far back "just now" goes. */
const JUST_NOW_MS = HOUR_MS;
/** Records that are folded to rows. */
const FOLDED_MAX = 5_000;
/**
 * How long what was folded counts, milliseconds, longer where folding is dear, so that open pages take a hundredth of the thread;
 * and for how many different wishes it is kept.
 */
const PAGE_MS = 2_000;
const PAGE_MS_MAX = 10_000;
const REST_FACTOR = 100;
const PAGES_MAX = 16;
/** Of a time: its UTC day. */
const DAY_LENGTH = '2026-11-26'.length;
/** A search looks at no more than this of the past unless it says from when. */
export const SEARCH_MS = 7 * DAY_MS;

/** More records than a chain ever has; 15 digits. */
const SEQUENCE_MAX = 999_999_999_999_999;

/** A record of a query, by whichever client. */
export type QueryRecord = Extract<EvidenceRecord, { readonly client: string }>;

export const isQuery = (record: EvidenceRecord): record is QueryRecord => 'client' in record;

/** The client of a record on the UTC day of the record: who has one reference. */
const clientOfDay = ({ client, time }: QueryRecord): string => `${time.slice(0, DAY_LENGTH)} ${client}`;

/** Gives the reference of a record's client; each is computed once, because a hash costs more than reading the record. */
export const createReferences = (secret: Uint8Array): ((record: QueryRecord) => string) => {
  const known = new Map<string, string>();
  return (record) => {
    const key = clientOfDay(record);
    const reference = known.get(key) ?? toReference(secret, Date.parse(record.time), record.client);
    known.set(key, reference);
    return reference;
  };
};

/** What was refused in the last hour, equal ones in one row, the newest first. */
const foldRefusals = async (
  stateDirectory: string,
  { group, name, list, reference, limit }: RefusalsWanted,
  nowMs: number,
): Promise<RefusalShown[]> => {
  const directory = join(stateDirectory, RECORDS_DIRECTORY);
  const filter = {
    classes: ['queries'] as const,
    fromMs: nowMs - JUST_NOW_MS,
    untilMs: Number.POSITIVE_INFINITY,
  };
  const found = await lastRecords(directory, { ...filter, group, part: name, list }, FOLDED_MAX);
  const secret = readReferenceSecret(directory);
  const wanted = reference === undefined ? undefined : readReference(reference);
  if (reference !== undefined && wanted === undefined) return [];
  const referenceOf = createReferences(secret);
  const rows = new Map<string, Omit<RefusalShown, 'client'> & { readonly first: QueryRecord }>();
  for (const { record } of found) {
    if (!isQuery(record)) continue;
    if (wanted !== undefined && referenceOf(record) !== wanted) continue;
    const {
      kind,
      qname,
      qtype,
      group: of,
      list: by = null,
      signal = null,
      exemption = null,
      count = 1,
    } = record;
    const key = [kind, qname, qtype, of, by, clientOfDay(record), exemption].join('\n');
    const before = rows.get(key);
    rows.delete(key);
    rows.set(key, {
      ...{
        time: before?.time ?? record.time,
        until: before === undefined ? (record.until ?? null) : record.time,
      },
      ...{ count: (before?.count ?? 0) + count, kind, name: qname, type: qtype, group: of, list: by },
      ...{ signal, exemption, first: before?.first ?? record },
    });
  }
  return [...rows.values()]
    .reverse()
    .slice(0, limit)
    .map(({ first, ...row }) => ({ ...row, client: referenceOf(first) }));
};

/** The same, made once for all who ask for the same within some seconds: pages ask every four. */
export class RefusalPages {
  readonly #made = new LRUCache<string, Promise<RefusalShown[]>>({ max: PAGES_MAX, ttl: PAGE_MS });
  readonly #stateDirectory: string;

  constructor(stateDirectory: string) {
    this.#stateDirectory = stateDirectory;
  }

  read(wanted: RefusalsWanted, nowMs: number): Promise<RefusalShown[]> {
    const key = JSON.stringify(wanted);
    const made = this.#made.get(key);
    if (made !== undefined) return made;
    const startMs = performance.now();
    const rows = foldRefusals(this.#stateDirectory, wanted, nowMs);
    this.#made.set(key, rows);
    rows.then(
      () => {
        // Somebody may have asked anew where it took longer than it counts.
        if ((this.#made.get(key) ?? rows) !== rows) return;
        const ttl = (performance.now() - startMs) * REST_FACTOR;
        this.#made.set(key, rows, { ttl: Math.min(Math.max(ttl, PAGE_MS), PAGE_MS_MAX) });
      },
      // What failed is tried again by the next one who asks.
      () => this.#made.delete(key),
    );
    return rows;
  }
}

/** One page of records, the newest first. */
export const searchRecords = async (
  stateDirectory: string,
  wanted: RecordsWanted,
  nowMs: number,
): Promise<RecordsFound> => {
  const directory = join(stateDirectory, RECORDS_DIRECTORY);
  const { kind, name, group, list, limit } = wanted;
  const isAboutQueries = name !== undefined || group !== undefined || wanted.reference !== undefined;
  const classes =
    wanted.class === undefined ? (isAboutQueries ? (['queries'] as const) : RECORD_CLASSES) : [wanted.class];
  const before = readCursor(wanted.before);
  const untilMs = Math.min(
    wanted.to === undefined ? Number.POSITIVE_INFINITY : Date.parse(wanted.to),
    before === undefined ? Number.POSITIVE_INFINITY : before.timeMs + 1,
  );
  const fromMs = wanted.from === undefined ? Math.min(nowMs, untilMs) - SEARCH_MS : Date.parse(wanted.from);
  const secret = readReferenceSecret(directory);
  const reference = wanted.reference === undefined ? undefined : readReference(wanted.reference);
  if (wanted.reference !== undefined && reference === undefined) return { records: [], before: null };
  const referenceOf = createReferences(secret);
  const isWanted = ({ class: chain, sequence, record }: FoundRecord): boolean =>
    (before === undefined || sequence < before[chain]) &&
    (reference === undefined || (isQuery(record) && referenceOf(record) === reference));
  let found: FoundRecord[] = [];
  for (const chain of classes) {
    let count = 0;
    for await (const one of newestRecords(directory, chain, {
      fromMs,
      untilMs,
      kind,
      part: name,
      group,
      list,
    })) {
      if (!isWanted(one)) continue;
      found.push(one);
      if (++count > limit) break;
    }
  }
  found = found.sort(
    (a, b) => Date.parse(b.record.time) - Date.parse(a.record.time) || b.sequence - a.sequence,
  );
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    records: page.map(({ class: chain, sequence, record }) => ({
      class: chain,
      sequence,
      record: toShown(record, referenceOf),
    })),
    before: found.length <= limit || last === undefined ? null : toCursor(page, last, before),
  };
};

/** Time of the last record of a page, and from which sequence numbers on each chain has been shown. */
interface Cursor {
  readonly timeMs: number;
  readonly queries: number;
  readonly changes: number;
}

const readCursor = (text: string | undefined): Cursor | undefined => {
  const [timeMs, queries, changes] = (text ?? '').split('-').map(Number);
  return text === undefined || timeMs === undefined || queries === undefined || changes === undefined
    ? undefined
    : { timeMs, queries, changes };
};

const toCursor = (page: readonly FoundRecord[], last: FoundRecord, before: Cursor | undefined): string => {
  const least = (chain: 'queries' | 'changes'): number =>
    page.reduce(
      (sequence, one) => (one.class === chain ? Math.min(sequence, one.sequence) : sequence),
      before?.[chain] ?? SEQUENCE_MAX,
    );
  return `${Date.parse(last.record.time)}-${least('queries')}-${least('changes')}`;
};

/** Without what could tell who it was. */
const toShown = (
  record: EvidenceRecord,
  referenceOf: (record: QueryRecord) => string,
): Record<string, unknown> => {
  if (!isQuery(record)) return { ...record };
  const { device: _, port: __, ...rest } = record as QueryRecord & { device?: string; port?: number };
  return { ...rest, client: referenceOf(record) };
};
