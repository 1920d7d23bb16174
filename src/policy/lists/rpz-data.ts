// Local data of a response policy zone: the records of one owner, which may stand anywhere in the file, as
// one rule.
//
// Owners with data are collected until WINDOW_RECORDS_MAX records wait; then all go to the sink and
// collecting starts anew. A zone that redirects a million names by address records is therefore read in
// bounded memory. An owner whose records lie further apart than that becomes two rules, and the first of
// equal rules decides. Rules with the same records share one object.
import type { Prefix } from '../../base/base.ts';
import type { LocalRecord, Match, RuleSink, RuleTerms } from '../policy.ts';

/** Records that wait: some ten megabytes, and many times the owners with data of a usual zone. */
const WINDOW_RECORDS_MAX = 65_536;
/** Records of one owner: as many of the shortest as an answer of 64 KiB holds, and more than anybody judges (dataTargets). */
const OWNER_RECORDS_MAX = 4096;
/** Sets of records that later rules may share: walled gardens are few. */
const SHARED_TERMS_MAX = 4096;
/** Buckets of the filter: one byte each. */
const FILTER_SIZE = 1 << 16;

/** NODATA, also for an owner whose only data is none (a DNAME). */
export const NODATA_TERMS: RuleTerms = { action: { kind: 'nodata' } };

/** A trigger, in a form that outlives the line. */
export type KeptTrigger =
  | { readonly kind: 'name'; readonly match: Match; readonly name: Uint8Array }
  | { readonly kind: 'response-ip' | 'client-ip'; readonly prefix: Prefix };

interface Owner {
  readonly trigger: KeptTrigger;
  readonly line: number;
  readonly records: LocalRecord[];
  /** Of #records, from the second on: an owner with thousands is not compared pair by pair. */
  keys: Set<string> | undefined;
}

/** Gives a rule to a sink. */
export const addRule = (sink: RuleSink, trigger: KeptTrigger, line: number, terms: RuleTerms): void => {
  if (trigger.kind === 'name') sink.addName(trigger.match, trigger.name, trigger.name.length, line, terms);
  else if (trigger.kind === 'client-ip') sink.addClientPrefix(trigger.prefix, line, terms);
  else sink.addPrefix(trigger.prefix, line, terms);
};

/** Collects local data by owner. */
export class LocalData {
  readonly #sink: RuleSink;
  readonly #owners = new Map<string, Owner>();
  readonly #shared = new Map<string, RuleTerms>();
  /** The terms of one record by the record itself, which saves the key of #shared. */
  readonly #sharedByRecord = new WeakMap<LocalRecord, RuleTerms>();
  /** By hash of an owner: 1 when it may be among #owners, so that other owners cost no string. */
  readonly #filter = new Uint8Array(FILTER_SIZE);
  #recordCount = 0;

  constructor(sink: RuleSink) {
    this.#sink = sink;
  }

  /** True when the owner of `length` bytes has data that waits. */
  has(owner: Uint8Array, length: number): boolean {
    if (this.#owners.size === 0 || this.#filter[bucketOf(owner, length)] === 0) return false;
    return this.#owners.has(keyOf(owner, length));
  }

  /**
   * Adds a record to the owner, or with `record` undefined makes the owner a name without data; false where the owner has
   * OWNER_RECORDS_MAX others.
   */
  add(
    owner: Uint8Array,
    length: number,
    record: LocalRecord | undefined,
    line: number,
    keepTrigger: () => KeptTrigger,
  ): boolean {
    const key = keyOf(owner, length);
    let kept = this.#owners.get(key);
    if (kept === undefined) {
      if (this.#recordCount >= WINDOW_RECORDS_MAX) this.flush();
      kept = { trigger: keepTrigger(), line, records: [], keys: undefined };
      this.#owners.set(key, kept);
      this.#filter[bucketOf(owner, length)] = 1;
      this.#recordCount++;
    }
    if (record === undefined) return true;
    const [first] = kept.records;
    if (first !== undefined) {
      kept.keys ??= new Set([dataKey(first)]);
      const data = dataKey(record);
      if (kept.keys.has(data)) return true;
      if (kept.records.length >= OWNER_RECORDS_MAX) return false;
      kept.keys.add(data);
    }
    kept.records.push(record);
    this.#recordCount++;
    return true;
  }

  /** The terms that answer with some records, shared with earlier rules that have the same. */
  share(records: readonly LocalRecord[]): RuleTerms {
    const [only] = records;
    if (only === undefined) return NODATA_TERMS;
    const known = records.length === 1 ? this.#sharedByRecord.get(only) : undefined;
    if (known !== undefined) return known;
    const key = records.map(recordKey).join(' ');
    let terms = this.#shared.get(key);
    if (terms === undefined) {
      if (this.#shared.size >= SHARED_TERMS_MAX) this.#shared.clear();
      terms = { action: { kind: 'data', records } };
      this.#shared.set(key, terms);
    }
    if (records.length === 1) this.#sharedByRecord.set(only, terms);
    return terms;
  }

  /** Gives everything that waits to the sink. */
  flush(): void {
    for (const { trigger, line, records } of this.#owners.values()) {
      addRule(this.#sink, trigger, line, this.share(records));
    }
    this.#owners.clear();
    this.#filter.fill(0);
    this.#recordCount = 0;
  }
}

/** The same for records of one RRset that differ in nothing but their TTL (RFC 2181 section 5.2). */
const dataKey = ({ type, rdata }: LocalRecord): string =>
  `${type}/${Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')}`;

const recordKey = ({ type, ttlSec, rdata }: LocalRecord): string =>
  `${type}/${ttlSec}/${Buffer.from(rdata).toString('base64')}`;

const keyOf = (owner: Uint8Array, length: number): string =>
  Buffer.from(owner.buffer, owner.byteOffset, length).toString('latin1');

const bucketOf = (owner: Uint8Array, length: number): number => {
  let hash = length;
  for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + (owner[i] ?? 0)) | 0;
  return (hash ^ (hash >>> 16)) & (FILTER_SIZE - 1);
};
