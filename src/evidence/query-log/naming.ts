// How clients, groups and lists stand in the query log: texts that are made once for each and kept in bounded tables.
import { type AddressWords, createAddress, formatAddress, isIpv4, MAPPED_BITS } from '../../base/base.ts';
import type { RingQuery } from '../../telemetry/events/events.ts';
import { type KnownGenerations, type PseudonymReader, prefixText } from '../records/records.ts';
import { inQuotes } from './quoted.ts';

/** How clients are named. Bits are those of the prefix that stays. */
export type LogIdentity =
  | { readonly kind: 'address' }
  | { readonly kind: 'prefix'; readonly ipv4Bits: number; readonly ipv6Bits: number }
  | { readonly kind: 'pseudonym' }
  | { readonly kind: 'none' };

/** A client as an output needs it. */
export interface NamedClient {
  /** Address, prefix or pseudonym; empty: the log does not say who. */
  readonly text: string;
  /** What is left of the address; undefined: nothing. */
  readonly words: AddressWords | undefined;
  /** True when the text is the whole address, and the port may stand beside it. */
  readonly isWhole: boolean;
  /** What JSON lines have of it. */
  source?: Uint8Array;
}

/** Clients that are kept: the active ones of a large site. */
const CLIENTS_MAX = 65_536;
/** Places of those that asked last, which are found by numbers alone. */
const RECENT_SLOTS = 4_096;

const NO_DEVICE = Buffer.alloc(0);
const NOBODY: NamedClient = { text: '', words: undefined, isWhole: false };

/** Names what a query says in numbers. */
export class Naming {
  readonly generations: KnownGenerations;
  identity: LogIdentity;
  readonly #pseudonyms: PseudonymReader;
  readonly #clients = new Map<number | string, NamedClient>();
  readonly #devices = new Map<string, Buffer>();
  readonly #recent = new Array<NamedClient | undefined>(RECENT_SLOTS).fill(undefined);
  readonly #recentWords = new Uint32Array(4 * RECENT_SLOTS);

  /** Pseudonyms are those of the records, so that one act of two persons undoes both and no other one does. */
  constructor(identity: LogIdentity, generations: KnownGenerations, pseudonyms: PseudonymReader) {
    this.identity = identity;
    this.generations = generations;
    this.#pseudonyms = pseudonyms;
  }

  /** Other keys are in use, or another policy: what was made before is forgotten. */
  forget(): void {
    this.#clients.clear();
    this.#recent.fill(undefined);
    this.#devices.clear();
  }

  /** The client of a query. */
  client({ address }: RingQuery): NamedClient {
    if (this.identity.kind === 'none') return NOBODY;
    const first = address[0] ?? 0;
    const second = address[1] ?? 0;
    const third = address[2] ?? 0;
    const fourth = address[3] ?? 0;
    const mixed = Math.imul(first ^ second ^ third ^ fourth, 0x9e37_79b1);
    const slot = mixed >>> 20;
    const words = this.#recentWords;
    const at = 4 * slot;
    const recent = this.#recent[slot];
    const isSame =
      words[at] === first && words[at + 1] === second && words[at + 2] === third && words[at + 3] === fourth;
    if (recent !== undefined && isSame) return recent;
    const named = this.#find(address);
    if (named === NOBODY) return NOBODY;
    words.set(address, at);
    this.#recent[slot] = named;
    return named;
  }

  /** The device of a query as the policy allows, within quotes; empty: it is not said. */
  device({ bytes, deviceStart, deviceLength }: RingQuery): Buffer {
    const { kind } = this.identity;
    // A part of a name may be all that tells a person.
    if (deviceLength === 0 || kind === 'none' || kind === 'prefix') return NO_DEVICE;
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + deviceStart, deviceLength).toString();
    const known = this.#devices.get(name);
    if (known !== undefined) return known;
    const text = kind === 'address' ? name : this.#pseudonyms.device(name);
    if (text === undefined) return NO_DEVICE;
    if (this.#devices.size >= CLIENTS_MAX) this.#devices.clear();
    const quoted = Buffer.from(inQuotes(text));
    this.#devices.set(name, quoted);
    return quoted;
  }

  #find(address: AddressWords): NamedClient {
    const isV4 = isIpv4(address);
    const key = isV4
      ? (address[3] ?? 0)
      : `${address[0] ?? 0}:${address[1] ?? 0}:${address[2] ?? 0}:${address[3] ?? 0}`;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const named = this.#name(address, isV4);
    // Without a key there is no pseudonym yet: nobody is named, and the next one may be.
    if (named === undefined) return NOBODY;
    if (this.#clients.size >= CLIENTS_MAX) this.#clients.clear();
    this.#clients.set(key, named);
    return named;
  }

  #name(address: AddressWords, isV4: boolean): NamedClient | undefined {
    const { identity } = this;
    switch (identity.kind) {
      case 'none':
        return NOBODY;
      case 'address':
        return { text: formatAddress(address), words: copyOf(address, 128), isWhole: true };
      case 'prefix': {
        const bits = isV4 ? identity.ipv4Bits + MAPPED_BITS : identity.ipv6Bits;
        return { text: prefixText(address, bits), words: copyOf(address, bits), isWhole: false };
      }
      case 'pseudonym': {
        const text = this.#pseudonyms.pseudonym(address);
        return text === undefined ? undefined : { text, words: undefined, isWhole: false };
      }
    }
  }
}

/** The first bits of an address. */
const copyOf = (address: AddressWords, bits: number): AddressWords => {
  const copy = createAddress();
  for (let i = 0; i < 4; i++) {
    const kept = Math.max(0, Math.min(32, bits - 32 * i));
    copy[i] = kept === 0 ? 0 : ((address[i] ?? 0) & (-1 << (32 - kept))) >>> 0;
  }
  return copy;
};
