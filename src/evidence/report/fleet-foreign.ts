// What a collector saw of resolvers that are not Cordon's: what each was sent, what it answered, and when nobody saw it.
//
// Only what the collector's own chain proves counts. A time without a connection is a hole, whoever ended it, and so is one of
// which the collector has no record; a listed name that was answered is told with its times and names.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../../base/base.ts';
import { FOREIGN_DIRECTORY, type ForeignProof, type ForeignRecord } from '../records/records.ts';
import { RecordsSource } from './records-source.ts';

/** A collector says once a minute that it sees a resolver; what comes later than this is a hole. */
const SEEN_MS = 90_000;
/** Answers to listed names that are no further apart are told as one time. */
const APART_MS = 60_000;
/** Names and files that are told of each. */
const NAMES_MAX = 50;

/** A timer of an hour with fifty minutes at random (docs/cordon-proof.md), and what a proof takes. */
const PROOF_APART_MS = 7_200_000;

/** Proofs of the period that were handed in. */
export interface ForeignProofs {
  readonly count: number;
  readonly enforced: number;
  readonly last: ForeignProof | null;
  /** The last one of each mandate and of who was asked, the latest last. */
  readonly lasts: readonly ForeignProof[];
  /** Those that found something else. */
  readonly others: readonly ForeignProof[];
  /** Times without one of a mandate; of none where none is known. */
  readonly holes: readonly {
    readonly from: string;
    readonly until: string;
    readonly mandate: string | null;
  }[];
  /** Files that did not count, and why the last of them did not. */
  readonly refused: number;
  readonly reason: string | null;
}

/** A time in which listed names were answered. */
export interface ForeignLeak {
  readonly from: string;
  readonly until: string;
  readonly count: number;
  readonly names: readonly { readonly qname: string; readonly count: number; readonly example: string }[];
}

/** What was seen of one. */
export interface ForeignResolver {
  readonly name: string;
  /** What it was sent, and since when; of the period and what held at its begin. */
  readonly policies: readonly {
    readonly since: string;
    readonly files: NonNullable<ForeignRecord['files']>;
    readonly reason: string | null;
  }[];
  readonly answers: number;
  readonly refused: number;
  readonly leaked: number;
  readonly failed: number;
  readonly malformed: number;
  /** Some of its answers may have been lost, because more came than were read. */
  readonly isHeld: boolean;
  readonly leaks: readonly ForeignLeak[];
  readonly unseen: readonly {
    readonly from: string;
    readonly until: string;
    readonly reason: string | null;
  }[];
  /** Null where none was ever handed in. */
  readonly proofs: ForeignProofs | null;
}

/** All of one collector. */
export interface FleetForeign {
  /** What is missing of its own chain, or found against it. */
  readonly gaps: readonly string[];
  readonly resolvers: readonly ForeignResolver[];
}

/** Reads what a collector keeps; null where it watches nobody. */
export const readForeign = async (
  directory: string,
  fromMs: number,
  untilMs: number,
): Promise<FleetForeign | null> => {
  const place = join(directory, FOREIGN_DIRECTORY);
  if (!existsSync(place)) return null;
  const watched = new Map<string, Watched>();
  const gaps: string[] = [];
  try {
    const source = await RecordsSource.open(place);
    try {
      gaps.push(...source.check.findings);
      for await (const { record } of source.changes()) {
        // Whoever was connected is not any more.
        if (record.kind === 'service' && record.event === 'start')
          for (const one of watched.values()) one.start(Date.parse(record.time));
        if (record.kind !== 'foreign') continue;
        const one = watched.get(record.resolver) ?? new Watched(fromMs, untilMs);
        watched.set(record.resolver, one);
        one.add(record);
      }
    } finally {
      source.close();
    }
  } catch (thrown) {
    gaps.push(`not all of it can be read: ${errorText(thrown)}`);
  }
  const resolvers = [...watched].map(([name, one]) => one.found(name));
  return { gaps, resolvers: resolvers.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
};

/** One resolver, as its records come. */
class Watched {
  readonly #fromMs: number;
  readonly #untilMs: number;
  readonly #sums = { answers: 0, refused: 0, leaked: 0, failed: 0, malformed: 0 };
  readonly #leaks: { from: string; until: string; count: number; names: Map<string, Name> }[] = [];
  readonly #unseen: { from: string; until: string; reason: string | null }[] = [];
  #policies: ForeignResolver['policies'][number][] = [];
  #isHeld = false;
  /** Until when it was seen, or since when it should have been. */
  #seenMs: number;
  #isConnected = false;
  #reason: string | null = null;
  /** By hash: a file that lies there is taken again by each start of the collector. */
  readonly #proofs = new Map<string, ForeignProof>();
  /** Of which there were any, before or in the period. */
  readonly #mandates = new Set<string>();
  #hasProofs = false;
  #refused = 0;
  #refusal: string | null = null;

  constructor(fromMs: number, untilMs: number) {
    this.#fromMs = fromMs;
    this.#untilMs = untilMs;
    // Before it was watched nobody saw it.
    this.#seenMs = fromMs;
  }

  add(record: ForeignRecord): void {
    const atMs = Date.parse(record.time);
    if (atMs >= this.#untilMs && record.event !== 'answers') return;
    switch (record.event) {
      case 'policy': {
        const policy = { since: record.time, files: record.files ?? [], reason: record.reason ?? null };
        if (atMs <= this.#fromMs) this.#policies = [policy];
        else this.#policies.push(policy);
        return;
      }
      case 'connected':
        this.#hole(atMs);
        this.#seenMs = atMs;
        this.#isConnected = true;
        this.#reason = null;
        return;
      case 'disconnected':
        this.#seenMs = atMs;
        this.lose(record.reason ?? null);
        return;
      case 'proof':
        this.#prove(record, atMs);
        return;
      case 'answers':
        this.#count(record);
    }
  }

  /** It is not connected any more. */
  lose(reason: string | null): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    this.#reason = reason;
  }

  /** The collector started: nobody is connected, and it takes anew the proofs that lie there. */
  start(atMs: number): void {
    this.lose(null);
    if (atMs < this.#fromMs) this.#mandates.clear();
  }

  found(name: string): ForeignResolver {
    // One that is seen is told of each minute: what comes after the last time is not known.
    if (!this.#isConnected || this.#untilMs - this.#seenMs > SEEN_MS) this.#hole(this.#untilMs);
    const leaks = this.#leaks.map(({ names, ...leak }) => ({
      ...leak,
      names: [...names.values()].sort((a, b) => b.count - a.count || (a.qname < b.qname ? -1 : 1)),
    }));
    return {
      ...{ name, policies: this.#policies, ...this.#sums, isHeld: this.#isHeld },
      ...{ leaks, unseen: this.#unseen, proofs: this.#hasProofs ? this.#proven() : null },
    };
  }

  #prove({ proof, reason }: ForeignRecord, atMs: number): void {
    this.#hasProofs = true;
    if (proof === undefined) {
      if (atMs < this.#fromMs) return;
      this.#refused++;
      this.#refusal = reason ?? null;
      return;
    }
    const endedMs = Date.parse(proof.ended);
    if (endedMs < this.#untilMs) this.#mandates.add(proof.mandate);
    if (endedMs >= this.#fromMs && endedMs < this.#untilMs) this.#proofs.set(proof.sha256, proof);
  }

  #proven(): ForeignProofs {
    const all = [...this.#proofs.values()].sort((a, b) => Date.parse(a.ended) - Date.parse(b.ended));
    const mandates = this.#mandates.size === 0 ? [null] : [...this.#mandates].sort();
    const holes = mandates.flatMap((mandate) =>
      this.#holesOf(
        mandate,
        all.filter((one) => one.mandate === mandate),
      ),
    );
    const lasts = new Map<string, ForeignProof>();
    for (const one of all) {
      const key = JSON.stringify([one.mandate, [...one.asked].sort()]);
      // Behind those that are older.
      lasts.delete(key);
      lasts.set(key, one);
    }
    const others = all.filter(({ verdict }) => verdict !== 'enforced');
    return {
      ...{ count: all.length, enforced: all.length - others.length, last: all.at(-1) ?? null },
      ...{ lasts: [...lasts.values()], others, holes, refused: this.#refused, reason: this.#refusal },
    };
  }

  /** A proof of one mandate says nothing of another: what was proven each hour may hide that another never was. */
  #holesOf(mandate: string | null, proofs: readonly ForeignProof[]): ForeignProofs['holes'] {
    const holes: ForeignProofs['holes'][number][] = [];
    let fromMs = this.#fromMs;
    for (const atMs of [...proofs.map(({ ended }) => Date.parse(ended)), this.#untilMs]) {
      if (atMs - fromMs > PROOF_APART_MS) {
        const [from, until] = [new Date(fromMs).toISOString(), new Date(atMs).toISOString()];
        holes.push({ from, until, mandate });
      }
      fromMs = atMs;
    }
    return holes;
  }

  #count(record: ForeignRecord): void {
    const { from = record.time, until = record.time } = record;
    const [beganMs, endedMs] = [Date.parse(from), Date.parse(until)];
    if (this.#isConnected) {
      if (beganMs - this.#seenMs > SEEN_MS) this.#hole(beganMs);
      this.#seenMs = Math.max(this.#seenMs, endedMs);
    }
    // A record that reaches over an end of the period counts whole, as hours do elsewhere.
    if (endedMs < this.#fromMs || beganMs >= this.#untilMs) return;
    for (const sum of ['answers', 'refused', 'leaked', 'failed', 'malformed'] as const)
      this.#sums[sum] += record[sum] ?? 0;
    this.#isHeld ||= record.isHeld === true;
    const { leakedFrom, leakedUntil, leaked = 0 } = record;
    if (leakedFrom === undefined || leakedUntil === undefined) return;
    let last = this.#leaks.at(-1);
    if (last === undefined || Date.parse(leakedFrom) - Date.parse(last.until) > APART_MS) {
      last = { from: leakedFrom, until: leakedUntil, count: 0, names: new Map() };
      this.#leaks.push(last);
    }
    last.until = leakedUntil;
    last.count += leaked;
    for (const one of record.names ?? []) {
      const known = last.names.get(one.qname);
      if (known !== undefined) known.count += one.count;
      else if (last.names.size < NAMES_MAX) last.names.set(one.qname, { ...one });
    }
  }

  /** Nothing was seen of it until a time. */
  #hole(untilMs: number): void {
    const [from, until] = [Math.max(this.#seenMs, this.#fromMs), Math.min(untilMs, this.#untilMs)];
    if (until <= from) return;
    const [fromText, untilText] = [new Date(from).toISOString(), new Date(until).toISOString()];
    this.#unseen.push({ from: fromText, until: untilText, reason: this.#reason });
  }
}

interface Name {
  readonly qname: string;
  count: number;
  readonly example: string;
}
