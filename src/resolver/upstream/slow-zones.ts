// Zones whose answers take long at one server, beside others that do not. Hot file.
//
// One estimate of the round trip stands for all of a server's zones. Without this, one client that asks for random names
// below a slow zone would raise it for everybody, and a datagram of another zone that is lost would be missed after
// seconds. So of each zone only the first of its slow answers in a row is measured: a server that is slow as a whole is
// found out all the same, because it answers for many zones. And early tries for names that answer late anyway would take
// what lost datagrams of others need: a zone has few of them until it answers quickly.
//
// Zones are the last two labels as a hash; two that fall together share, which costs a few milliseconds.
import { SuffixHashes } from '../../wire/dns/dns.ts';

/** Zones that are told apart, a power of two: 1 KiB for each server. */
const PLACES = 1024;
const ZONE_LABELS = 2;
/** Early tries below a zone without a quick answer: with one datagram in a hundred lost, eight in a row are no chance. */
const EARLY_MAX = 8;

/** The slow zones of one endpoint. */
export class SlowZones {
  /** Early tries since the last quick answer; EARLY_MAX: slow. */
  readonly #early = new Uint8Array(PLACES);
  readonly #suffix = new SuffixHashes();
  /** Places with early tries: without any, nothing is looked up. */
  #count = 0;

  /** Remembers how an answer for a name came; true when it was slow and so was the one before below its zone. */
  note(name: Uint8Array, isSlow: boolean): boolean {
    if (!isSlow && this.#count === 0) return false;
    const place = this.#placeOf(name);
    const wasSlow = this.#early[place] === EARLY_MAX;
    this.#set(place, isSlow ? EARLY_MAX : 0);
    return isSlow && wasSlow;
  }

  /** A name is asked for once more before its time, while others are answered. */
  askEarly(name: Uint8Array): void {
    const place = this.#placeOf(name);
    this.#set(place, Math.min(EARLY_MAX, (this.#early[place] ?? 0) + 1));
  }

  /** True when a name's zone takes long. */
  has(name: Uint8Array): boolean {
    return this.#count > 0 && this.#early[this.#placeOf(name)] === EARLY_MAX;
  }

  #set(place: number, early: number): void {
    const before = this.#early[place] ?? 0;
    if (before === 0 && early > 0) this.#count++;
    else if (before > 0 && early === 0) this.#count--;
    this.#early[place] = early;
  }

  #placeOf(name: Uint8Array): number {
    this.#suffix.read(name, 0);
    return this.#suffix.of(ZONE_LABELS) & (PLACES - 1);
  }
}
