// How clients appear in records: in full, truncated to a prefix, or as a pseudonym; and their place in estimates.
//
// The work for a client is done once and kept in a bounded table, because a client that asks for a refused name asks
// for it many times. The place in estimates comes from the whole address under a secret of its own, so that how many
// clients there were is known under each policy, and who they were from none of it.
import { LRUCache } from 'lru-cache';
import { type AddressWords, formatAddress, formatPrefix, isIpv4, MAPPED_BITS } from '../../base/base.ts';
import { SIPHASH_LENGTH, SipHash } from '../../wire/dns/dns.ts';
import type { PseudonymKeys } from './pseudonym-keys.ts';
import { type SketchPlace, sketchPlace } from './sketch.ts';

/** Clients whose texts are kept: as many as a large site has active ones, some 4 MB. */
const CLIENTS_MAX = 16_384;
const ADDRESS_LENGTH = 16;

/** How clients are recorded. Bits are those of the prefix that stays: at most 32 and 128. */
export type IdentityPolicy =
  | { readonly kind: 'full' }
  | { readonly kind: 'truncated'; readonly ipv4Bits: number; readonly ipv6Bits: number }
  | { readonly kind: 'pseudonym'; readonly rotateMs: number };

/** A client as records need it. */
export interface ClientIdentity {
  /** Address, prefix or pseudonym: no character that JSON escapes. */
  readonly text: string;
  readonly place: SketchPlace;
}

/** Gives the identity of clients under one policy. */
export class ClientIdentities {
  readonly policy: IdentityPolicy;
  readonly #keys: PseudonymKeys;
  readonly #hash: SipHash;
  readonly #known = new LRUCache<number | string, ClientIdentity>({ max: CLIENTS_MAX });
  /** By name. */
  readonly #knownDevices = new LRUCache<string, string>({ max: CLIENTS_MAX });
  readonly #address = Buffer.alloc(ADDRESS_LENGTH);
  readonly #hashed = Buffer.alloc(SIPHASH_LENGTH);

  /** `secret` has SIPHASH_KEY_LENGTH bytes. */
  constructor(policy: IdentityPolicy, keys: PseudonymKeys, secret: Uint8Array) {
    this.policy = policy;
    this.#keys = keys;
    this.#hash = new SipHash(secret);
  }

  /** The identity of an address; the words are read at once and not kept. */
  of(words: AddressWords): ClientIdentity {
    const isV4 = isIpv4(words);
    let key: number | string = words[3] ?? 0;
    if (!isV4) {
      for (let i = 0; i < 4; i++) this.#address.writeUInt32BE(words[i] ?? 0, 4 * i);
      key = this.#address.toString('latin1');
    }
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const identity = { text: this.#textOf(words, isV4), place: this.placeOf(words) };
    this.#known.set(key, identity);
    return identity;
  }

  /** The device of a name in UTF-8, as the policy allows; '' where it leaves nothing that would be a name. */
  device(name: Uint8Array, length: number): string {
    const { policy } = this;
    // A part of a name may be all that tells a person.
    if (policy.kind === 'truncated') return '';
    const bytes = Buffer.from(name.buffer, name.byteOffset, length);
    const key = bytes.toString('utf8');
    if (policy.kind === 'full') return key;
    let text = this.#knownDevices.get(key);
    if (text === undefined) {
      text = this.#keys.pseudonymOfDevice(key);
      this.#knownDevices.set(key, text);
    }
    return text;
  }

  /** To be called when a key of pseudonyms was made: texts under the one before are forgotten. */
  forget(): void {
    this.#known.clear();
    this.#knownDevices.clear();
  }

  #textOf(words: AddressWords, isV4: boolean): string {
    const { policy } = this;
    if (policy.kind === 'full') return formatAddress(words);
    if (policy.kind === 'pseudonym') return this.#keys.pseudonym(words);
    return prefixText(words, isV4 ? policy.ipv4Bits + MAPPED_BITS : policy.ipv6Bits);
  }

  /** Where an address counts in estimates. */
  placeOf(words: AddressWords): SketchPlace {
    for (let i = 0; i < 4; i++) this.#address.writeUInt32BE(words[i] ?? 0, 4 * i);
    this.#hash.hash(this.#address, ADDRESS_LENGTH, this.#hashed, 0);
    return sketchPlace(this.#hashed.readUInt32LE(4), this.#hashed.readUInt32LE(0));
  }
}

/** The text of the prefix of `bits` bits, counted in the mapped form, that an address lies in. */
export const prefixText = (words: AddressWords, bits: number): string => {
  const kept = new Uint32Array(4);
  for (let i = 0; i < 4; i++) {
    const left = Math.min(32, Math.max(0, bits - 32 * i));
    kept[i] = left === 0 ? 0 : (words[i] ?? 0) & (0xffffffff << (32 - left));
  }
  return formatPrefix({ words: kept, bits });
};
