// How many bytes records of queries may take: of one client and of all, a day, and near the end of the disk.
//
// A budget fills by the time that passes and holds a quarter of a day, so that a busy morning has room and a flood has
// not. What finds none is not lost: it is counted together (attempt-counts.ts), and the record says so. The less is left
// for all, the less a client may have used of its own: n clients that want everything leave a part of it to those who
// have asked little, whatever n is.
import { LRUCache } from 'lru-cache';
import { type AddressWords, DAY_MS, isIpv4 } from '../../base/base.ts';

/** Clients whose use is remembered; one that is forgotten begins anew, within what is left for all. */
const CLIENTS_MAX = 16_384;
/** Share of a day's bytes that may be used at once. */
const BURST_SHARE = 0.25;
/** Share of the common budget below which it is scarce. */
const SCARCE_SHARE = 0.5;
/** Share of the common budget that sums leave to records: spoofed addresses would take it by one query each. */
const SUM_SHARE = 0.25;

/** Bytes a day, on average. */
export interface RecordLimits {
  readonly bytesPerDay: number;
  readonly clientBytesPerDay: number;
}

interface Bucket {
  left: number;
  atMs: number;
}

/** Counts what records take. */
export class RecordBudget {
  /** The disk is nearly full: what is left is for changes. */
  isReserved = false;
  #limits: RecordLimits;
  readonly #all: Bucket;
  readonly #clients = new LRUCache<number | string, Bucket>({ max: CLIENTS_MAX });

  /** Begins with full budgets. */
  constructor(limits: RecordLimits, nowMs: number) {
    this.#limits = limits;
    this.#all = { left: burstOf(limits.bytesPerDay), atMs: nowMs };
  }

  /** Puts other limits in force. */
  set limits(limits: RecordLimits) {
    this.#limits = limits;
  }

  /** Takes bytes for a record of its own of a client; false: there are none, and nothing was taken. */
  take(client: AddressWords, bytes: number, nowMs: number): boolean {
    const { clientBytesPerDay, bytesPerDay } = this.#limits;
    if (this.isReserved) return false;
    const all = this.#all;
    refill(all, bytesPerDay, nowMs);
    if (all.left < bytes) return false;
    const key = keyOf(client);
    let own = this.#clients.get(key);
    if (own === undefined) {
      own = { left: burstOf(clientBytesPerDay), atMs: nowMs };
      this.#clients.set(key, own);
    }
    refill(own, clientBytesPerDay, nowMs);
    const share = all.left / burstOf(bytesPerDay);
    const wanted = share < SCARCE_SHARE ? burstOf(clientBytesPerDay) * (1 - share) : bytes;
    if (own.left < wanted) return false;
    own.left -= bytes;
    all.left -= bytes;
    return true;
  }

  /** Takes bytes for a record that has to be written, whatever is left. */
  charge(client: AddressWords, bytes: number, nowMs: number): void {
    if (this.take(client, bytes, nowMs)) return;
    this.#all.left -= bytes;
    const own = this.#clients.get(keyOf(client));
    if (own !== undefined) own.left -= bytes;
  }

  /** Takes bytes for a record that stands for many queries of one client or network. */
  takeForMany(bytes: number, nowMs: number): boolean {
    if (this.isReserved) return false;
    refill(this.#all, this.#limits.bytesPerDay, nowMs);
    if (this.#all.left < burstOf(this.#limits.bytesPerDay) * SUM_SHARE) return false;
    this.#all.left -= bytes;
    return true;
  }
}

const burstOf = (bytesPerDay: number): number => bytesPerDay * BURST_SHARE;

const refill = (bucket: Bucket, bytesPerDay: number, nowMs: number): void => {
  const passedMs = nowMs - bucket.atMs;
  bucket.atMs = nowMs;
  // A clock that goes back gives nothing.
  if (passedMs > 0) {
    bucket.left = Math.min(burstOf(bytesPerDay), bucket.left + (bytesPerDay / DAY_MS) * passedMs);
  }
};

/** An IPv4 address, or the /64 of an IPv6 one: a host has as many addresses there as it likes. */
const keyOf = (client: AddressWords): number | string =>
  isIpv4(client) ? (client[3] ?? 0) : `${client[0] ?? 0} ${client[1] ?? 0}`;
