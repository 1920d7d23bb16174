// Devices that others tell of: a forwarder, or the leases of DHCP. Hot file.
//
// A device is made when it is first heard of, and kept in a table of fixed size: who floods it with names costs himself
// hashes and nobody memory.
import { BY, createDevice, DEVICE_BYTES_MAX, type Identified } from './identity.ts';

/** Places, a power of two: the devices of a large branch. A newcomer takes the place of the one there. */
const PLACES = 4096;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** The devices of one configuration. */
export class KnownDevices {
  /** By name, letters folded. */
  readonly #groups = new Map<string, number>();
  readonly #places: (Identified | undefined)[] = new Array<Identified | undefined>(PLACES).fill(undefined);

  /** `groups` are the names of devices by the group's index. @cold */
  constructor(groups: readonly (readonly string[])[]) {
    for (const [group, names] of groups.entries())
      for (const name of names) this.#groups.set(name.toLowerCase(), group);
  }

  /** The device of a name of `length` bytes of UTF-8, letters folded; not more than records keep. */
  find(name: Uint8Array, length: number): Identified {
    let hash = FNV_OFFSET;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (name[i] ?? 0), FNV_PRIME);
    const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
    const known = this.#places[place];
    if (known?.device !== undefined && isNamed(known.device.bytes, name, length)) return known;
    const found = this.create(Buffer.from(name.subarray(0, Math.min(length, DEVICE_BYTES_MAX))).toString());
    this.#places[place] = found;
    return found;
  }

  /** @cold */
  create(name: string): Identified {
    return { group: this.#groups.get(name.toLowerCase()), by: BY.DEVICE, device: createDevice(name) };
  }
}

const isNamed = (bytes: Uint8Array, name: Uint8Array, length: number): boolean => {
  if (bytes.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[i] !== name[i]) return false;
  return true;
};
